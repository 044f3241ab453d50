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
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment as Jinja
from jinja2 import FileSystemLoader, Template
from markupsafe import Markup

from ...module_utils._model import schedules
from ...module_utils._model.fields import BY_NAME
from ...module_utils._model.kinds import normalized_name
from ...module_utils._model.rules import RULES
from ...module_utils._work.api import utc_date
from .changes import script_text, title
from .differences import differences, value_texts
from .environment import EnvironmentReport
from .finding import KINDS, Finding, Json, causes, entries, warning_lines
from .formats import Report
from .overview import columns, conclusion, drift_of, numbers, outcome_title, problem_lines
from .texts import grouped, when

_FOLDER = Path(__file__).parent / "templates"
# In report.css; and the columns that fit onto the page, which is at most 74 rem wide.
_NEVER_FITS = "1000rem"
_MOST_COLUMNS = 9
_MOST_NAMES = 1000  # of runtimes in a line
_BUFFERED = 500  # of the texts that the template yields
_CACHED = 4096  # values of runtimes as HTML
# The card of a runtime shows these in a place of their own.
_PLACED = ("name", "description", "whitelist", "packages", "runtime_version")


# A text with its tone, and what else is said of it.
Chip = tuple[str, str, str]


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
    def texts(self) -> list[tuple[str, str]]:
        """The lines of its findings, each with its tone. Its change has a part of its own."""
        shown = [found for found in self.findings if found.kind != "drift" or self.change is None]
        return [(KINDS[found.kind].tone, line) for found in shown for line in found.text.splitlines()]

    @property
    def kinds(self) -> Iterator[tuple[str, str]]:
        """The kinds of its findings, each with its number and its tone."""
        for kind, count in Counter(found.kind for found in self.findings).items():
            words = KINDS[kind]
            yield (words.title if count == 1 else f"{words.title}: {count}"), words.tone

    def _verdict(self, option: str, *values: str) -> tuple[str, str]:
        """What the policy says of a value of an option, as a tone and a word; empty if it says nothing."""
        for found in self.findings:
            if found.data.get("option") == option and str(found.data.get("value")) in values:
                return KINDS[found.kind].tone, KINDS[found.kind].title.lower()
        return ("ok", "allowed") if option in self.evaluated else ("", "")

    @property
    def networks(self) -> tuple[Chip, ...]:
        """Each network, with what the policy says of it."""
        networks = map(str, entries(self.runtime, "whitelist"))
        return tuple((network, *self._verdict("whitelist", network)) for network in networks)

    @property
    def packages(self) -> tuple[tuple[Chip, ...], tuple[Chip, ...]]:
        """The packages of its definition, with the policy's verdict and their status; and what else is installed."""
        rows = entries(self.runtime.get("installed") or {}, "packages")
        installed = {normalized_name(row["name"]): row for row in rows}
        listed: list[Chip] = []
        others = dict(installed)
        for package in entries(self.runtime, "packages"):
            key = normalized_name(package["name"])
            listed.append(self._package(package, installed.get(key, package)))
            others.pop(key, None)
        more = (
            (f"{row['name']} {row['version']}", *self._verdict("installed", f"{row['name']}=={row['version']}"))
            for row in others.values()
        )
        return tuple(listed), tuple(more)

    def _package(self, package: Json, held: Json) -> Chip:
        """`held`: the package as it is installed, or else as it is in the definition."""
        name, version = package["name"], held["version"] or ""
        status = package["status"] or "unknown"
        tone, verdict = self._verdict("packages", name, f"{name}=={version}")
        words = ", ".join(filter(None, [verdict, status]))
        if package["message"]:
            words += f": {package['message']}"
        if status == "not_installed":
            tone = "bad"
        return f"{name} {version}".strip(), tone, words

    @property
    def settings(self) -> tuple[str, ...]:
        """The other fields of its definition that have a value."""
        names = [name for name in BY_NAME if name not in _PLACED and self.runtime.get(name) not in (None, "")]
        return tuple(f"{name} {', '.join(value_texts(self.runtime[name]))}" for name in names)


def shared_lines(environment: EnvironmentReport) -> Iterator[tuple[str, str]]:
    """What is about the environment or several runtimes, each line with its tone. A card has what is about its own."""
    for cause in causes(environment.findings):
        if len(cause.runtimes) != 1:
            yield from ((KINDS[cause.kind].tone, line) for line in cause.lines(_MOST_NAMES))
    yield from (("warn", text) for text in warning_lines(environment.warnings, _MOST_NAMES))


def cards_of(environment: EnvironmentReport) -> list[Card]:
    """The runtimes of an environment, with those that would be created; deletions first, then what is found."""
    runtimes = {runtime["id"]: runtime for runtime in environment.runtimes}
    # By id. One that would be created has none yet, only a name.
    changes = {change["id"] or change["name"]: change for change in environment.changes}
    findings = grouped((found.data.get("id") or found.runtime, found) for found in environment.findings)
    rules = RULES.keys() & (environment.policy or {}).keys()
    evaluated = {*chain.from_iterable(RULES[rule].options for rule in rules)}
    cards = []
    for key in {**runtimes, **changes}:
        runtime, change = runtimes.get(key, {}), changes.get(key)
        named = runtime or changes[key]
        name = schedules.name_of(named)
        cards.append(Card(name, named["id"], runtime, change, findings.get(key, ()), evaluated))
    return sorted(cards, key=_place)


def _place(card: Card) -> tuple[bool, int, str]:
    """Deletions come first, then what somebody should look at, by its worst finding."""
    order = list(KINDS)
    is_kept = card.change is None or card.change["action"] != "deleted"
    places = [order.index(found.kind) for found in card.findings] if card.is_loud else []
    return is_kept, min(places, default=len(order)), card.name.casefold()


def parts(report: Report) -> Iterator[str]:
    """The page, in parts."""
    shown = columns(report)
    style, script = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    if len(shown) <= _MOST_COLUMNS:
        # The width of a screen below which the table of the outcomes is shown as a list
        style = style.replace(_NEVER_FITS, f"{26 + 6 * len(shown)}rem")
    page = _template().stream(
        report=report,
        sentence=conclusion(report),
        problems=[*problem_lines(report)],
        drift=drift_of(report),
        columns=shown,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    page.enable_buffering(_BUFFERED)
    return page


def _rules_text(policy: Json) -> str:
    """The rules of a policy in words."""
    values = {name: ", ".join(value_texts(policy[name])) for name in RULES if name in policy}
    return "; ".join(RULES[name].sentence.format(value or "(nothing)") for name, value in values.items())


@lru_cache(maxsize=1)
def _template() -> Template:
    jinja = Jinja(loader=FileSystemLoader(str(_FOLDER)), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    jinja.filters.update(when=when, name_of=schedules.name_of, last_run=schedules.last_run, rules=_rules_text)
    jinja.filters["schedules"] = lambda script: schedules.schedule_names(script, utc_date())
    # Many runtimes have equal values, above all those of several environments.
    shared: Any = jinja.get_template("shared.html.j2").module
    jinja.globals.update({name: lru_cache(_CACHED)(getattr(shared, name)) for name in ("badge", "chips", "settings")})
    jinja.globals.update(outcome_title=outcome_title, numbers=numbers, shared_lines=shared_lines, cards_of=cards_of)
    jinja.globals.update(differences=differences, script_text=script_text, title=title)
    return jinja.get_template("page.html.j2")


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"
