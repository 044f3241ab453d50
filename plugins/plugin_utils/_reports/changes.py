# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task would do or did to a runtime or a script, as data and as texts.

Pure: takes the rows of a result of `mstr.library.mstr_runtimes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...module_utils._model.fields import BY_NAME
from ...module_utils._model.schedules import label_of, name_of
from ...module_utils._text import counted
from .differences import difference_lines
from .finding import Json, entries

# The actions in the order in which people are to see them, each with its verb.
VERBS = {"deleted": "delete", "updated": "update", "created": "create", "moved": "move"}
_COUNTED = ("created", "updated", "deleted", "moved", "failed", "unchanged")
_ORDER = {"deleted": 0, "updated": 2, "created": 3}
_FAILED = 1  # what was not done comes before what was
# What a plan says of an action in place of "would be …".
_PREDICTED = {"updated": "differs"}
# Actions whose fields say nothing more, planned or done.
_SAID_BY_ACTION = {("deleted", True), ("deleted", False), ("created", False)}


def changes_of(rows: Iterable[Json]) -> list[dict[str, Any]]:
    """The changes among the rows of a result: what was or would be written, and what failed; deletions first."""
    changes = [_change(row) for row in rows if row["action"] != "none" or row.get("error") or row.get("smoke_test")]
    return sorted(changes, key=lambda change: _ORDER.get(change["action"], _FAILED))


def _change(row: Json) -> dict[str, Any]:
    error = row.get("error") or {}
    runtime = row.get("runtime") or {}
    definition = {name: runtime[name] for name in BY_NAME if name != "name" and runtime.get(name)}
    return {
        "name": row["name"],
        "id": row["id"],
        "action": row["action"],
        "smoke_test": row.get("smoke_test"),
        "fields": [dict(field) for field in entries(row, "changes")],
        "error": error.get("msg"),
        # Nobody can look it up afterwards.
        "definition": definition if row["action"] == "deleted" else {},
    }


def scripts_of(result: Json) -> list[Json]:
    """The scripts that were or would be moved, and those whose move failed."""
    return [script for script in entries(result, "scripts") if script.get("action") != "none"]


def change_texts(change: Json, predicted: bool) -> list[str]:
    """What a change does, each as the rest of a sentence about its runtime. A plan also has what it would create."""
    action = change["action"]
    done = _PREDICTED.get(action, f"would be {action}") if predicted else action
    is_said_by_action = (action, predicted) in _SAID_BY_ACTION
    texts = []
    for field in change["fields"]:
        if is_said_by_action or (action, field["field"]) == ("created", "name"):
            continue
        texts += [f"{done}: {line}" for line in difference_lines(field["field"], field["before"], field["after"])]
    is_said_by_fields = action == "updated" and texts
    if action in VERBS and not is_said_by_fields:
        texts.insert(0, done)
    for what, text in (("smoke test", change["smoke_test"]), ("failed", change["error"])):
        lines = filter(str.strip, (text or "").splitlines())
        texts += [f"{what}: {line}" for line in lines]
    return texts


def script_text(script: Json, predicted: bool) -> str:
    """An assignment of a script to a runtime, as a sentence."""
    label = label_of(script)
    if script.get("action") == "failed":
        return f"script {label} failed: {script['error']['msg']}"
    before, after = name_of(script.get("before")), name_of(script.get("after"))
    uses = "would use" if predicted else "now uses"
    return f"script {label} {uses} {after!r}" + (f" instead of {before!r}" if before else "")


def summary_text(summary: Mapping[str, int], predicted: bool) -> str:
    """Such as `1 to create, 2 to update, 47 unchanged`."""
    texts = []
    for action in filter(summary.get, _COUNTED):
        number = counted(summary[action], "script") if action == "moved" else str(summary[action])
        verb = f"to {VERBS[action]}" if predicted and action in VERBS else action
        texts.append(f"{number} {verb}")
    return ", ".join(texts) or "no runtimes"


def title(word: str, predicted: bool) -> str:
    """An action, an outcome or a count as a title. Only a runtime that failed has the action `none` in a report."""
    if word == "none":
        return "Failed"
    return f"To {VERBS[word]}" if predicted and word in VERBS else word.replace("_", " ").capitalize()
