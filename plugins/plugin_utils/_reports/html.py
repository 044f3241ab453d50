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
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.mstr.library.plugins.module_utils._model.kinds import number
from ansible_collections.mstr.library.plugins.module_utils._model.rules import RULES
from jinja2 import Environment, FileSystemLoader, Template
from markupsafe import Markup

from .evaluation import BROKEN
from .inventory import unread_texts

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
    Column("accepted", "Accepted", ""),
    Column("expiring", "Expire within 30 days", "warn"),
    Column("differing", "Differ", "drift"),
    Column("undefined", "Undefined", ""),
    Column("problems", "Not ready", "warn"),
    Column("unread", "Not read", "warn"),
    Column("unused", "Unused acceptances", "warn"),
)
_APPLIED = (
    Column("created", "Created", "drift"),
    Column("updated", "Updated", "drift"),
    Column("deleted", "Deleted", "drift"),
    Column("unchanged", "Unchanged", ""),
    Column("failed", "Failed", "bad"),
)
_PREDICTED = tuple(
    column._replace(label=f"To {word}") for column, word in zip(_APPLIED, ("create", "update", "delete"))
) + tuple(_APPLIED[3:])

_OUTCOMES = {
    "clean": ("Clean", "ok"),
    "unchanged": ("Unchanged", "ok"),
    "changed": ("Changed", "drift"),
    "drift": ("Drift", "drift"),
    "problems": ("Problems", "warn"),
    "not_judged": ("Not judged", "warn"),
    "violations": ("Violations", "bad"),
    "failed": ("Failed", "bad"),
}
_STATUS_TONES = {"ready": "ok", "busy": "", "unknown": "", "error": "bad", "missing": "drift", "not compared": "warn"}
# How the page shows a verdict: the class of an entry.
_VERDICTS = {"violation": "bad", "expired": "bad", "not judged": "warn", "allowed": "ok"}
_WOULD = {"created": "to create", "updated": "differs", "deleted": "to delete"}
_DONE = {"created": "created", "updated": "updated", "deleted": "deleted"}
# A longer list of runtimes without findings is collapsed.
_QUIET = 12


def page(report: Json) -> str:
    """The HTML page for a report from `files.whole`."""
    audit = report["kind"] == "audit"
    columns = _AUDITED if audit else _PREDICTED if report["check_mode"] else _APPLIED
    environments = [_environment(one, columns) for one in report["environments"]]
    total = {column.key: sum(one["numbers"][column.key] or 0 for one in environments) for column in columns}
    style, script = _file("report.css"), _file("report.js")
    text = _template().render(
        report=report,
        title="Runtime audit" if audit else "Drift of runtimes" if report["check_mode"] else "Runtimes applied",
        environments=environments,
        # Omit columns that are zero in every environment.
        columns=[one for one in columns if not audit or _is_shown(one, total)],
        total=total,
        outcomes=_OUTCOMES,
        status_tones=_STATUS_TONES,
        verdicts=_VERDICTS,
        counted=BROKEN,
        predicted=audit or report["check_mode"],
        actions=_WOULD if audit or report["check_mode"] else _DONE,
        quiet_limit=_QUIET,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    # A lone surrogate, which JSON can carry, cannot be written as UTF-8.
    return str(text).encode("utf-8", "replace").decode("utf-8")


def _is_shown(column: Column, total: Mapping[str, int]) -> bool:
    needed = {"expiring": "accepted"}.get(column.key, column.key)
    return bool(total[needed]) or column.key in ("runtimes", "violations")


def _environment(environment: Json, columns: Sequence[Column]) -> dict[str, Any]:
    counts = environment.get("counts") or environment.get("summary")
    inventory = environment.get("inventory") or []
    # Without a policy, there is no number of violations.
    unknown = (
        () if environment.get("policy") or not environment.get("counts") else ("violations", "accepted", "expiring")
    )
    return {
        **environment,
        "numbers": {
            column.key: counts.get(column.key, 0) if counts and column.key not in unknown else None
            for column in columns
        },
        "loud": [one for one in inventory if one["findings"]],
        "quiet": [one for one in inventory if not one["findings"]],
        "message_lines": (environment["message"] or "").splitlines(),
        "rules": _policy(environment.get("policy") or {}),
        "unread_texts": [unread_texts(one) for one in environment.get("unread") or ()],
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
        return [f"{key} {number(one)}" for key, one in value.items() if one is not None]
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def when(text: Any) -> str:
    """A server's timestamp in short form, such as `2026-11-25 07:29 UTC`; other text unchanged."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)[\d:.]*(?:\+0000|\+00:00|Z)", str(text or ""))
    return f"{found.group(1)} {found.group(2)} UTC" if found else str(text or "")


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
    environment.filters["when"] = when
    return environment.get_template("page.html.j2")


def _file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"
