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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, Template
from markupsafe import Markup

from ...module_utils._model.kinds import number
from ...module_utils._model.rules import RULES
from ...module_utils._model.usage import name_of
from . import lines, pythons
from .changes import changes
from .evaluation import COUNTED, Json, grouped
from .texts import when

_FOLDER = Path(__file__).parent / "templates"


# The columns of numbers in the table at the top: the label of each, and how a number above zero looks.
_TONES = {
    "violations": "bad",
    "exempted": "",
    "differing": "drift",
    "moved": "drift",
    "undefined": "",
}
_AUDITED = {
    "runtimes": ("Runtimes", ""),
    **{key: (label, _TONES.get(key, "warn")) for key, (_one, _many, label) in lines.COUNTS.items()},
    "python_ended": ("Python ended", "warn"),
}
_APPLIED = {
    **dict.fromkeys(lines.GOES, "bad"),
    **dict.fromkeys(("created", "updated", "moved"), "drift"),
    "unchanged": "",
    "failed": "bad",
}
# Columns that are shown even if they are zero in every environment.
_ALWAYS = ("runtimes", "violations", "created", "updated", "deleted", "unchanged", "failed")
# In report.css; and the columns that fit onto the page, which is at most 74 rem wide.
_NEVER_FITS = "1000rem"
_MOST_COLUMNS = 9
_BUFFERED = 500  # of the texts that the template yields


def parts(report: Json) -> Iterator[str]:
    """The page for a report from `formats.whole`, in parts."""
    report = lines.for_people(report)
    audit = report["kind"] == "audit"
    predicted = audit or report["check_mode"]
    columns = _AUDITED if audit else {key: (lines.title(key, predicted), tone) for key, tone in _APPLIED.items()}
    if not audit:
        columns["moved"] = "Scripts to move" if predicted else "Scripts moved", "drift"
    groups = lines.same_changes(report["environments"], predicted and not audit)
    anchors = {each["environment"]: f"env-{number}" for number, group in enumerate(groups, 1) for each in group}
    rows = [
        {
            **environment,
            "anchor": anchors[environment["environment"]],
            "title": lines.outcome_title(report, environment["outcome"]),
            "numbers": _numbers(environment, columns),
        }
        for environment in report["environments"]
    ]
    total = {key: sum(row["numbers"][key] or 0 for row in rows) for key in columns}
    shown = {key: columns[key] for key in columns if key in _ALWAYS or total["exempted" if key == "expiring" else key]}
    style, script = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    if len(shown) <= _MOST_COLUMNS:
        # The width of a screen below which the table of the outcomes is shown as a list
        style = style.replace(_NEVER_FITS, f"{26 + 6 * len(shown)}rem")
    page = _template().stream(
        report=report,
        title=lines.heading(report),
        rows=rows,
        environments=(
            _section(report, group, details, anchors[details["environment"]], predicted)
            for group, details in lines.with_details(groups, report["details"])
        ),
        columns=shown,
        total=total,
        counted=COUNTED,
        pythons=pythons.by_branch(report["environments"]),
        python_columns=pythons.COLUMNS,
        predicted=predicted,
        goes=lines.GOES,
        read=sum(1 for row in rows if row.get("counts") or row.get("summary")),
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    page.enable_buffering(_BUFFERED)
    return page


def _numbers(environment: Json, columns: Iterable[str]) -> dict[str, int | None]:
    counts = lines.numbers_of(environment)
    # Without a policy, nobody counted violations.
    of_policy = ("violations", "exempted", "expiring", "not_evaluated")
    unknown = () if environment.get("policy") or not environment.get("counts") else of_policy
    return {key: counts.get(key, 0) if counts and key not in unknown else None for key in columns}


def _section(report: Json, group: Sequence[Json], environment: Json, anchor: str, predicted: bool) -> dict[str, Any]:
    """The part about environments with the same changes. `environment`: the first one, with all runtimes."""
    noted = lines.lines_of_group(group)
    # What goes is the first that a reader must see.
    order = {action: number for number, action in enumerate(lines.GOES)}
    inventory = sorted(environment.get("inventory") or [], key=lambda entry: order.get(entry["action"], len(order)))
    inventory = [
        {**entry, "anchor": f"{anchor}-{number}" if entry["findings"] else ""} for number, entry in enumerate(inventory)
    ]
    return {
        **environment,
        "anchor": anchor,
        "title": lines.outcome_title(report, environment["outcome"]),
        "names": [each["environment"] for each in group],
        "loud": [runtime for runtime in inventory if runtime["findings"]],
        "quiet": [runtime for runtime in inventory if not runtime["findings"]],
        "failed": [runtime for runtime in inventory if runtime["error"]],
        "message_lines": (environment["message"] or "").splitlines(),
        "rules": _policy(environment.get("policy") or {}),
        # The others may begin with the name of an option.
        "notes": [
            f"{text[0].upper()}{text[1:]}" if kind == lines.WARNINGS else text
            for kind, text in noted
            if kind != lines.UNREAD
        ],
        "unread_lines": [text for kind, text in noted if kind == lines.UNREAD],
        "packages": _users_of_packages(inventory),
        "script_lines": [lines.script_line(script, predicted) for script in environment.get("scripts") or ()],
    }


def _users_of_packages(inventory: Sequence[Json]) -> list[tuple[str, list[Json]]]:
    """Every package with the runtimes that have it, for the question who has to test a new version."""
    if all(runtime["scripts"] is None for runtime in inventory):
        return []
    runtimes: dict[str, list[Json]] = grouped(
        (package["name"], {**runtime, "package": package}) for runtime in inventory for package in runtime["packages"]
    )
    return sorted(runtimes.items(), key=lambda pair: pair[0].casefold())


def _policy(policy: Json) -> list[str]:
    return [rule.sentence.format(_text_of(policy[key])) for key, rule in RULES.items() if key in policy]


def _text_of(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {number(amount)}" for key, amount in value.items() if amount is not None)
    return (", ".join(map(str, value)) or "(nothing)") if isinstance(value, list) else str(value)


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
    environment.filters.update(when=when, last_run=lines.last_run, name_of=name_of, schedules=lines.schedules)
    environment.filters.update(branch=pythons.branch_text, support=pythons.support_text)
    environment.tests.update(ended=pythons.has_ended, ends_soon=pythons.ends_soon)
    environment.globals["changes"] = changes
    return environment.get_template("page.html.j2")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"
