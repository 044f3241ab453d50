"""Packages, which are installed after the response to the call that requested them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from simulator.profiles import Switches

# The version for an empty version; for other packages it is 1.0.0.
NEWEST = {"mstrio-py": "11.6.10.101", "numpy": "2.1.3", "pandas": "2.2.3", "requests": "2.32.3", "scipy": "1.14.1"}
# What packages require. Only these and pip are in an environment unasked.
REQUIRES = {
    "mstrio-py": ["requests<3.0,>=2.31", "pandas<3.0.0,>=1.5"],
    "pandas": ["numpy>=1.22.4"],
    "paramiko": ["bcrypt>=3.2", "pynacl>=1.5"],
    "pysftp": ["paramiko>=1.17"],
}


def normalised(name: str) -> str:
    """A name, or a pattern of names, in the form of package indexes: mstrio_py and MSTRIO.py are mstrio-py."""
    return re.sub(r"[-_.]+", "-", name).lower()


def newest(name: str) -> str:
    return NEWEST.get(normalised(name), "1.0.0")


def environment(requested: Mapping[str, str]) -> list[dict[str, Any]]:
    """What is in an environment in which these packages were installed, by name with their versions."""
    found: dict[str, dict[str, Any]] = {}
    to_do = [("pip", "24.0"), *requested.items()]
    for name, version in to_do:  # which grows
        if normalised(name) not in found:
            requires = REQUIRES.get(normalised(name), [])
            found[normalised(name)] = {"name": name, "version": version, "requires": requires}
            names = [re.split("[<>=]", requirement)[0] for requirement in requires]
            to_do += [(required, newest(required)) for required in names]
    return [found[name] for name in sorted(found)]


@dataclass(frozen=True)
class Rule:
    """The outcome for packages with a matching name, `installed` or `not_installed`; seeded by tests."""

    name: str
    outcome: str = "installed"
    delay: float | None = None


@dataclass
class Package:
    """One package of one runtime. ``seeded`` contains a test's values that are returned unchanged."""

    name: str
    version: str
    description: str
    done: float
    outcome: str
    resolved: str
    seeded: dict[str, Any] = field(default_factory=dict)

    def status(self, now: float) -> str:
        """The package's status at a time."""
        if "status" in self.seeded:
            return str(self.seeded["status"])
        return "installing" if now < self.done else self.outcome

    def to_api(self, now: float, switches: Switches) -> dict[str, Any]:
        """The package for a response, with ``message`` only if it has one, as in the sample [doc]."""
        status = self.status(now)
        if self.seeded:
            return {**self.seeded, "status": status}
        version = self.version
        if not version and switches["empty_version"] == "when_installed" and status == "installed":
            version = self.resolved
        shown = {"name": self.name, "version": version, "description": self.description, "status": status}
        if status == "not_installed":
            shown["message"] = "Return code: 1."
        return shown


def install(
    wanted: list[dict[str, Any]], before: list[Package], rules: list[Rule], now: float, switches: Switches
) -> list[Package]:
    """The packages of a runtime after a write. Existing packages stay unchanged."""
    return [_keep(entry, before) or _start(entry, rules, now, switches) for entry in wanted]


def _keep(entry: dict[str, Any], before: list[Package]) -> Package | None:
    for old in before:
        if normalised(old.name) == normalised(entry["name"]) and entry["version"] in (old.version, old.resolved):
            # If a client sends back the version that replaced "", nothing is installed, but the version is pinned.
            return replace(old, **entry, seeded={})
    return None


def _start(entry: dict[str, Any], rules: list[Rule], now: float, switches: Switches) -> Package:
    rule = next((r for r in rules if fnmatchcase(normalised(entry["name"]), normalised(r.name))), None)
    rule = rule or Rule("*", outcome=switches["package_outcome"])
    delay = switches["package_delay"] if rule.delay is None else rule.delay
    resolved = entry["version"] or newest(entry["name"])
    return Package(**entry, done=now + delay, outcome=rule.outcome, resolved=resolved)
