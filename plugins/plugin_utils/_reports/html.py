# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as one self-contained HTML page.

Names and texts come from servers, and every user who may create a runtime can choose them. So the template escapes all
values, and the page's content security policy allows only its own style and script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment as Jinja
from jinja2 import FileSystemLoader, Template
from markupsafe import Markup

from ...module_utils._model import schedules
from ...module_utils._model.fields import BY_NAME
from ...module_utils._model.kinds import normalized_name, number
from ...module_utils._model.rules import RULES
from ...module_utils._work.api import utc_date
from .changes import script_text, title
from .differences import differences, value_texts
from .environment import EnvironmentReport
from .finding import KINDS, Finding, Json, causes, entries, warning_lines
from .formats import APPLY, Run
from .overview import columns, conclusion, drift_of, numbers, outcome_title, problem_lines
from .texts import grouped, when

_FOLDER = Path(__file__).parent / "templates"
# In report.css; and the columns that fit onto the page, which is at most 74 rem wide.
_NEVER_FITS = "1000rem"
_MOST_COLUMNS = 9
_MOST_NAMES = 1000  # of runtimes in a line
_BUFFERED = 500  # of the texts that the template yields
# The card of a runtime shows these in a place of their own.
_PLACED = ("name", "description", "whitelist", "packages", "runtime_version")


class Card(NamedTuple):
    """A runtime on the page. `runtime` is empty if it does not exist, and `change` is None if nothing changes."""

    name: str
    identity: str | None
    runtime: Json
    change: Json | None
    findings: Sequence[Finding]
    evaluated: Collection[str]  # the options that the policy has rules for

    @property
    def is_loud(self) -> bool:
        """Whether somebody should look at it."""
        return self.change is not None or any(KINDS[found.kind].outcome for found in self.findings)

    @property
    def texts(self) -> Iterator[tuple[str, str]]:
        """The lines of its findings, each with its tone. Its change has a part of its own."""
        for found in self.findings:
            if found.kind != "drift" or self.change is None:
                yield from ((KINDS[found.kind].tone, line) for line in found.text.splitlines())

    @property
    def badges(self) -> Iterator[tuple[str, str]]:
        """The kinds of its findings, each with its number and its tone."""
        for kind, found in grouped((found.kind, found) for found in self.findings).items():
            words = KINDS[kind]
            yield (words.title if len(found) == 1 else f"{words.title}: {len(found)}"), words.tone

    def verdict(self, option: str, *values: str) -> tuple[str, str]:
        """What the policy says of a value of an option, as a tone and a word; empty if it says nothing."""
        for found in self.findings:
            if found.data.get("option") == option and str(found.data.get("value")) in values:
                return KINDS[found.kind].tone, KINDS[found.kind].title.lower()
        return ("ok", "allowed") if option in self.evaluated else ("", "")

    @property
    def networks(self) -> Iterator[tuple[str, str, str]]:
        """Each network with its tone, and what the policy says of it."""
        for network in entries(self.runtime, "whitelist"):
            yield (str(network), *self.verdict("whitelist", str(network)))

    @property
    def packages(self) -> Iterator[tuple[str, str, str]]:
        """Each package with its version, its tone, and its status with what the policy says of it."""
        installed = self._installed
        return (self._package(package, installed) for package in entries(self.runtime, "packages"))

    def _package(self, package: Json, installed: Mapping[str, Json]) -> tuple[str, str, str]:
        name, status = str(package.get("name") or ""), str(package.get("status") or "unknown")
        held = installed.get(normalized_name(name), package)
        version = held.get("version") or ""
        tone, verdict = self.verdict("packages", name, f"{name}=={version}")
        words = ", ".join(filter(None, [verdict, status]))
        if package.get("message"):
            words += f": {package['message']}"
        if status == "not_installed":
            tone = "bad"
        return f"{name} {version}".strip(), tone, words

    @property
    def pulled_in(self) -> list[tuple[str, str, str]]:
        """What is installed and not in the definition."""
        listed = {normalized_name(str(package.get("name"))) for package in entries(self.runtime, "packages")}
        return [
            (f"{row['name']} {row['version']}", *self.verdict("installed", f"{row['name']}=={row['version']}"))
            for name, row in self._installed.items()
            if name not in listed
        ]

    @property
    def _installed(self) -> dict[str, Json]:
        """What is installed, by normalized name."""
        rows = entries(self.runtime.get("installed") or {}, "packages")
        return {normalized_name(row["name"]): row for row in rows}

    @property
    def settings(self) -> list[str]:
        """The other fields of its definition that have a value."""
        names = [name for name in BY_NAME if name not in _PLACED and self.runtime.get(name) not in (None, "")]
        return [f"{name} {', '.join(value_texts(self.runtime[name]))}" for name in names]


def shared_lines(environment: EnvironmentReport) -> Iterator[tuple[str, str]]:
    """What is about the environment or several runtimes, each line with its tone. A card has what is about its own."""
    for cause in causes(environment.findings):
        if len(cause.runtimes) != 1:
            yield from ((KINDS[cause.kind].tone, line) for line in cause.lines(_MOST_NAMES))
    yield from (("warn", text) for text in warning_lines(environment.warnings, _MOST_NAMES))


def cards_of(environment: EnvironmentReport) -> list[Card]:
    """The runtimes of an environment, with those that would be created; deletions first, then what is found."""
    runtimes = {runtime["id"]: runtime for runtime in environment.runtimes}
    changes = {change["id"]: change for change in environment.changes}
    created = [change for change in environment.changes if change["id"] not in runtimes]
    findings = grouped((found.subject, found) for found in environment.findings)
    evaluated = _evaluated(environment.policy)

    def card(named: Json, runtime: Json, change: Json | None) -> Card:
        about = findings.get(named["id"] or named["name"], ())
        return Card(schedules.name_of(named), named["id"], runtime, change, about, evaluated)

    cards = [card(runtime, runtime, changes.get(identity)) for identity, runtime in runtimes.items()]
    cards += [card(change, {}, change) for change in created]
    return sorted(cards, key=_place)


def _evaluated(policy: Json | None) -> set[str]:
    """The options that the rules of a policy are about."""
    rules = [RULES[name] for name in policy or () if name in RULES]
    return {option for rule in rules for option in rule.options}


def _place(card: Card) -> tuple[bool, int, str]:
    """Deletions come first, then what somebody should look at, by its worst finding."""
    order = list(KINDS)
    action = card.change["action"] if card.change else ""
    is_kept = action != "deleted"
    found = [order.index(found.kind) for found in card.findings] if card.is_loud else []
    return is_kept, min(found, default=len(order)), card.name.casefold()


def parts(run: Run) -> Iterator[str]:
    """The page, in parts."""
    shown = columns(run)
    style, script = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    if len(shown) <= _MOST_COLUMNS:
        # The width of a screen below which the table of the outcomes is shown as a list
        style = style.replace(_NEVER_FITS, f"{26 + 6 * len(shown)}rem")
    anchors = {each.environment: f"env-{place}" for place, each in enumerate(run.environments, 1)}
    page = _template().stream(
        run=run,
        sentence=conclusion(run),
        problems=[*problem_lines(run)],
        drift=drift_of(run),
        columns=shown,
        rows=[
            (each, anchors[each.environment], outcome_title(each, run), numbers(each, shown))
            for each in run.environments
        ],
        sections=((each, anchors[each.environment], outcome_title(each, run), cards_of(each)) for each in run.whole()),
        is_plan=run.kind == APPLY,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    page.enable_buffering(_BUFFERED)
    return page


def _rules_text(policy: Json | None) -> str:
    """The rules of a policy in words."""
    rules = policy or {}
    return "; ".join(rule.sentence.format(_values(rules[key])) for key, rule in RULES.items() if key in rules)


def _values(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {number(amount)}" for key, amount in value.items() if amount is not None)
    return (", ".join(map(str, value)) or "(nothing)") if isinstance(value, list) else str(value)


def _last_run(script: Json) -> str:
    time, status = schedules.last_run(script)
    return f"{status} {time[:10]}".strip()


@lru_cache(maxsize=1)
def _template() -> Template:
    jinja = Jinja(loader=FileSystemLoader(str(_FOLDER)), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    jinja.filters.update(when=when, name_of=schedules.name_of, last_run=_last_run, rules=_rules_text)
    jinja.filters["schedules"] = lambda script: schedules.schedule_names(script, utc_date())
    jinja.globals.update(differences=differences, script_text=script_text, title=title, shared_lines=shared_lines)
    return jinja.get_template("page.html.j2")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"
