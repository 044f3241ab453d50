# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of an approved plan: written after a check, read before the apply that may do exactly this.

Pure, except that the version of the collection is read from the collection's own files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ...module_utils._model.file import FileError, from_json
from ...module_utils._model.usage import label_of
from .changes import GOES, change_texts, script_text
from .differences import difference_lines, value_texts
from .evaluation import grouped
from .finding import Json
from .texts import json_text

# The version of the file's format. A newer collection still reads older formats.
FORMAT = 1
_COLLECTION = Path(__file__).resolve().parents[3]
# What is approved of each row of a plan.
_OF_RUNTIME = ("name", "id", "action", "fields", "definition", "smoke_test", "error")
_OF_SCRIPT = ("name", "id", "project", "action", "before", "after", "error")
_MOST = 20
_REPEAT = "Start the playbook again with --check and mstr_plan_dest, and have the new plan approved."
# What a person needs for the approval, and the plan_id, which the apply compares.
KEYS = ("environment", "server", "plan_id", "outcome", "message", "summary", "changes", "scripts", "warnings")


def plan_text(reports: Iterable[Json], generated: str) -> str:
    """The text of the file for environment reports of a check. `generated`: time in ISO 8601."""
    ordered = sorted(reports, key=lambda report: str(report["environment"]))
    text = json.dumps([{key: report.get(key) for key in KEYS} for report in ordered], ensure_ascii=False)
    environments = json.loads(text.encode("utf-8", "replace"))
    content = {
        "format": FORMAT,
        "collection": f"mstr.library {collection_version()}",
        "generated": generated,
        "environments": environments,
    }
    return json_text(content, sort_keys=True)


def environments_of(text: str) -> list[Any]:
    """The environments in the text of such a file. Raises ValueError with the rest of a sentence."""
    try:
        content = from_json(text)
    except FileError:
        raise
    except ValueError:
        raise ValueError("is not a plan: it is not JSON") from None
    number = content.get("format") if isinstance(content, Mapping) else None
    environments = content.get("environments") if isinstance(content, Mapping) else None
    if isinstance(number, bool) or not isinstance(number, int) or number < 1 or not isinstance(environments, list):
        raise ValueError("is not a plan; write one with --check and mstr_plan_dest")
    if number > FORMAT:
        raise ValueError(f"has the format {number}, and this collection reads formats up to {FORMAT}; update it")
    return environments


def plan_of(text: str, environment: str, server: str | None = None) -> Json:
    """The plan of one environment in the text of such a file. Raises ValueError with the rest of a sentence.

    `server`: the address of the server to which the plan would be applied.
    """
    return approved_entry(environments_of(text), environment, server)


def approved_entry(environments: Iterable[Any], environment: str, server: str | None = None) -> Json:
    """The plan of one environment in the reports of a check. Raises ValueError with the rest of a sentence."""
    mappings = (entry for entry in environments if isinstance(entry, Mapping))
    entries = [entry for entry in mappings if entry.get("environment") == environment]
    if len(entries) != 1:
        how_many = "more than one plan" if entries else "no plan"
        raise ValueError(f"has {how_many} for {environment}, so nothing was changed there")
    [entry] = entries
    checked = entry.get("server")
    if server and checked and server != checked:
        raise ValueError(
            f"has a plan for {environment} on the server {checked}, and {environment} is now {server}, so nothing was "
            "changed there"
        )
    identity = entry.get("plan_id")
    if not isinstance(identity, str) or not identity:
        why = f"its check failed: {entry['message']}" if entry.get("message") else "it has no plan_id"
        raise ValueError(f"has no plan for {environment}, because {why}")
    return entry


def refusal(approved: Json, now: Json) -> str | None:
    """Why the plan of now must not be carried out: it is not the approved one, and not empty.

    `approved`: of `plan_of`. `now`: the report of a check.
    """
    was, are = _rows(approved), _rows(now)
    if not are or now.get("plan_id") == approved["plan_id"]:
        return None
    by_name = grouped((_name(row), row) for row in was)
    approved_texts = set(map(_text, was))
    others = [row for row in are if _text(row) not in approved_texts]
    deletions = [row for row in others if row.get("action") in GOES]
    shown = [*deletions, *[row for row in others if row not in deletions][:_MOST]]
    lines = [line for row in shown for line in _beside(row, by_name.get(_name(row), ()))]
    names_now = set(map(_name, are))
    missing = [row for row in was if _name(row) not in names_now]
    lines += [f"no longer in the plan: {_approved_line(row)}" for row in missing[:_MOST]]
    hidden = len(others) - len(shown) + max(0, len(missing) - _MOST)
    more = [f"And {hidden} more."] if hidden else []
    first = f"The plan is different from the approved one ({approved['plan_id']}). Nothing was written. What differs:"
    return "\n".join([first, *lines, *more, _REPEAT])


def _approved_line(row: Json) -> str:
    return script_text(row, True) if "before" in row else _differing(row, {})


def _rows(report: Json) -> list[dict[str, Any]]:
    """What a plan would do, as its file shows it."""
    rows = [
        *({key: row.get(key) for key in _OF_RUNTIME if key in row} for row in report.get("changes") or ()),
        *({key: row.get(key) for key in _OF_SCRIPT} for row in report.get("scripts") or ()),
    ]
    plain: list[dict[str, Any]] = json.loads(_text(rows).encode("utf-8", "replace"))
    return plain


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _name(row: Json) -> str:
    """What rows about one runtime or one script have in common."""
    return _text(["script", row["id"], row["name"]] if "before" in row else ["runtime", row["name"]])


def _beside(row: Json, approved: Sequence[Json]) -> Iterator[str]:
    """What was approved of a runtime or a script, beside what would be done now."""
    old = approved[0] if approved else None
    if "before" in row:
        texts = [script_text(old, True) if old else f"no change of script {label_of(row)}", script_text(row, True)]
    elif old and old["action"] == row["action"]:
        texts = [_differing(old, row), _differing(row, old)]
    else:
        texts = [f"no change of {row['name']!r}" if old is None else _differing(old, {}), _differing(row, {})]
    yield from (f"{when}: {text}" for when, text in zip(("approved", "now"), texts))


def _differing(row: Json, other: Json) -> str:
    """The row in one line, with what is different in the other one."""
    fields = [field for field in row["fields"] if field not in other.get("fields", ())]
    values = {**(row.get("definition") or {}), **{key: row[key] for key in ("smoke_test",) if row.get(key)}}
    theirs = {**(other.get("definition") or {}), **other}
    parts = [f"id {row['id']}"] if other and row.get("id") != other.get("id") else []
    parts += [line for each in fields for line in difference_lines(each["field"], each["before"], each["after"])]
    parts += [f"{key} {', '.join(value_texts(value))}" for key, value in values.items() if theirs.get(key) != value]
    head = change_texts({**row, "fields": [], "error": None, "smoke_test": None}, predicted=True)
    named = f"{row['name']!r} {head[0]}" if head else ""
    error = f" failed: {row['error']}" if row.get("error") else ""
    return f"{named or repr(row['name'])}{error}{': ' if parts else ''}{'; '.join(parts)}"


@cache
def collection_version() -> str:
    """The version of this collection: as installed, or of a source tree."""
    manifest = _COLLECTION / "MANIFEST.json"
    if manifest.is_file():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    version = re.search(r"^version: *(\S+)", (_COLLECTION / "galaxy.yml").read_text(encoding="utf-8"), re.MULTILINE)
    return version.group(1) if version else "unknown"
