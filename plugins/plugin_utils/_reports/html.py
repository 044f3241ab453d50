# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment reports as one self-contained HTML page.

Names and texts come from servers, and every user who may create a runtime can choose them. So the template escapes all
values, and the page's content security policy allows only its own style and script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.mstr.library.plugins.module_utils._model.kinds import number
from ansible_collections.mstr.library.plugins.module_utils._model.rules import RULES
from ansible_collections.mstr.library.plugins.module_utils._model.usage import name_of
from jinja2 import Environment, FileSystemLoader, Template
from markupsafe import Markup

from . import changes
from .evaluation import COUNTED
from .lines import GOES, UNREAD, VERBS, environment_lines, last_run, schedules, script_line, usage_text
from .since import changed_runtimes, when
from .since import line as since_line

_FOLDER = Path(__file__).parent / "templates"

Json = Mapping[str, Any]


class Column(NamedTuple):
    """A column of numbers in the table at the top. `tone`: how a number above zero looks."""

    key: str
    label: str
    tone: str


_AUDITED = (
    Column("runtimes", "Runtimes", ""),
    Column("violations", "Violations", "bad"),
    Column("exempted", "Exempted", ""),
    Column("expiring", "Expire within 30 days", "warn"),
    Column("not_evaluated", "Not evaluated", "warn"),
    Column("differing", "Differ", "drift"),
    Column("moved", "Scripts to move", "drift"),
    Column("undefined", "Undefined", ""),
    Column("problems", "Not ready", "warn"),
    Column("failed_runs", "Failed runs", "warn"),
    Column("mismatches", "Other versions", "warn"),
    Column("not_offered", "Python not offered", "warn"),
    Column("dangling", "Scripts without runtime", "warn"),
    Column("unread", "Not read", "warn"),
    Column("unused", "Unused exemptions", "warn"),
)
_APPLIED = (
    Column("deleted", "Deleted", "bad"),
    Column("replaced", "Replaced", "bad"),
    Column("created", "Created", "drift"),
    Column("updated", "Updated", "drift"),
    Column("moved", "Scripts moved", "drift"),
    Column("unchanged", "Unchanged", ""),
    Column("failed", "Failed", "bad"),
)
_TO_DO = {**{action: f"To {verb}" for action, verb in VERBS.items()}, "moved": "Scripts to move"}
_PREDICTED = tuple(column._replace(label=_TO_DO.get(column.key, column.label)) for column in _APPLIED)
# Columns that are left out if they are zero in every environment.
_ALWAYS = ("runtimes", "violations", "created", "updated", "deleted", "unchanged", "failed")

_OUTCOME_TONES = {
    **dict.fromkeys(("clean", "unchanged"), "ok"),
    **dict.fromkeys(("changed", "drift"), "drift"),
    **dict.fromkeys(("problems", "not_evaluated"), "warn"),
    **dict.fromkeys(("violations", "failed"), "bad"),
}
_STATUS_TONES = {"ready": "ok", "busy": "", "unknown": "", "error": "bad", "missing": "drift", "not compared": "warn"}
# How the page shows a verdict: the class of an entry.
_VERDICTS = {"violation": "bad", "unreadable": "warn", "not evaluated": "warn", "allowed": "ok"}
_WOULD = {"created": "to create", "updated": "differs", "replaced": "to replace", "deleted": "to delete"}
_DONE = {word: word for word in _WOULD}
# A longer list of runtimes without findings is collapsed.
_QUIET = 12
# In report.css; and the columns that fit onto the page, which is at most 74 rem wide.
_NEVER_FITS = "1000rem"
_MOST_COLUMNS = 9


def page(report: Json) -> str:
    """The HTML page for a report from `files.whole`."""
    audit = report["kind"] == "audit"
    columns = _AUDITED if audit else _PREDICTED if report["check_mode"] else _APPLIED
    predicted = audit or report["check_mode"]
    environments = [
        _environment(environment, columns, predicted, f"env-{number}")
        for number, environment in enumerate(report["environments"], 1)
    ]
    total = {
        column.key: sum(environment["numbers"][column.key] or 0 for environment in environments) for column in columns
    }
    columns = tuple(column for column in columns if _is_shown(column, total))
    style, script = _file("report.css"), _file("report.js")
    style = style.replace(_NEVER_FITS, f"{_width(len(columns))}rem")
    return _template().render(
        report=report,
        title="Runtime audit" if audit else "Drift of runtimes" if report["check_mode"] else "Runtimes applied",
        environments=environments,
        columns=columns,
        total=total,
        outcome_tones=_OUTCOME_TONES,
        status_tones=_STATUS_TONES,
        verdicts=_VERDICTS,
        counted=COUNTED,
        predicted=predicted,
        goes=GOES,
        read=sum(1 for environment in environments if environment.get("counts") or environment.get("summary")),
        actions=_WOULD if predicted else _DONE,
        quiet_limit=_QUIET,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


def _width(columns: int) -> int:
    """The width of a screen, in rem, below which the table of the outcomes is shown as a list."""
    return 26 + 6 * columns if columns <= _MOST_COLUMNS else 1000


def _is_shown(column: Column, total: Mapping[str, int]) -> bool:
    needed = {"expiring": "exempted"}.get(column.key, column.key)
    return bool(total[needed]) or column.key in _ALWAYS


def _environment(environment: Json, columns: Sequence[Column], predicted: bool, anchor: str) -> dict[str, Any]:
    counts = environment.get("counts") or environment.get("summary")
    # What goes is the first that a reader must see.
    order = {action: number for number, action in enumerate(GOES)}
    inventory = sorted(environment.get("inventory") or [], key=lambda entry: order.get(entry["action"], len(order)))
    inventory = [
        {**entry, "anchor": f"{anchor}-{number}" if entry["findings"] else ""} for number, entry in enumerate(inventory)
    ]
    # Without a policy, there is no number of violations.
    of_policy = ("violations", "exempted", "expiring", "not_evaluated")
    unknown = () if environment.get("policy") or not environment.get("counts") else of_policy
    since = environment.get("since")
    return {
        **environment,
        "numbers": {
            column.key: counts.get(column.key, 0) if counts and column.key not in unknown else None
            for column in columns
        },
        "loud": [runtime for runtime in inventory if runtime["findings"]],
        "quiet": [runtime for runtime in inventory if not runtime["findings"]],
        "failed": [runtime for runtime in inventory if runtime["error"]],
        "message_lines": (environment["message"] or "").splitlines(),
        "rules": _policy(environment.get("policy") or {}),
        "notes": [f"{text[:1].upper()}{text[1:]}" for kind, text in environment_lines(environment) if kind != UNREAD],
        "unread_lines": [text for kind, text in environment_lines(environment) if kind == UNREAD],
        "script_lines": [script_line(script, predicted) for script in environment.get("scripts") or ()],
        "since_line": since_line(since) if since else "",
        "changed": [(runtime["name"], text) for _action, runtime, text in changed_runtimes(since)] if since else [],
    }


def _policy(policy: Json) -> list[tuple[str, list[str], str]]:
    """The rules of a policy: each sentence as what comes before the values, the values, and what comes after."""
    rules = []
    for key, rule in RULES.items():
        if key in policy:
            before, slot, after = rule.sentence.partition("{}")
            rules.append((before.strip(), (_values(policy[key]) or ["(nothing)"]) if slot else [], after.strip()))
    return rules


def _values(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{key} {number(amount)}" for key, amount in value.items() if amount is not None]
    return [str(entry) for entry in value] if isinstance(value, list) else [str(value)]


class _Environment(Environment):
    """Jinja, which looks for a key first. A report has only mappings, and tens of thousands of them."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The value of `obj.attribute` in the template."""
        try:
            return obj[attribute]
        except (TypeError, LookupError):
            return super().getattr(obj, attribute)


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = _Environment(
        loader=FileSystemLoader(str(_FOLDER)), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(
        when=when, last_run=last_run, name_of=name_of, schedules=schedules, usage=usage_text, changes=_changes
    )
    return environment.get_template("page.html.j2")


def _changes(field: Json) -> list[changes.Change]:
    return changes.changes(field["found"], field["wanted"])


def _file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"
