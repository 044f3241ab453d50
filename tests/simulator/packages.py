"""Packages, which are installed after the response to the call that requested them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from simulator.profiles import Switches

# The version for an empty version, for packages in tests and examples; for others it is 1.0.0.
NEWEST = {"mstrio-py": "11.6.10.101", "numpy": "2.1.3", "pandas": "2.2.3", "requests": "2.32.3", "scipy": "1.14.1"}


# What packages require, as the metadata of their releases says. Only these and pip are in an environment unasked.
REQUIRES = {
    "cryptography": ['cffi>=1.14; platform_python_implementation != "PyPy"'],
    "cffi": ["pycparser"],
    "mstrio-py": ["requests<3.0,>=2.31", "pandas<3.0.0,>=1.5"],
    "pandas": [
        "numpy>=1.22.4", "python-dateutil>=2.8.2", "pytz>=2020.1", "tzdata>=2022.7", 'openpyxl>=3.1; extra == "excel"',
    ],
    "paramiko": ["bcrypt>=3.2", "cryptography>=3.3", "pynacl>=1.5"],
    "pysftp": ["paramiko>=1.17"],
    "python-dateutil": ["six>=1.5"],
    "requests": [
        "certifi>=2017.4.17", "charset_normalizer<4,>=2", "idna<4,>=2.5", "urllib3<3,>=1.21.1",
        'PySocks!=1.5.7,>=1.5.6; extra == "socks"', 'win-inet-pton; sys_platform == "win32" and extra == "socks"',
    ],
    "scipy": ["numpy<2.3,>=1.23.5"],
}  # fmt: skip
_NAME = re.compile(r"([\w.-]+)\s*(?:\[([\w,. -]*)\])?")


def normalised(name: str) -> str:
    """A name, or a pattern of names, in the form of package indexes: mstrio_py and MSTRIO.py are mstrio-py."""
    return re.sub(r"[-_.]+", "-", name).lower()


def environment(requested: Mapping[str, str]) -> list[dict[str, Any]]:
    """What is in an environment in which these packages were installed, by name with their versions, as metadata."""
    to_do = {"pip": "24.0", **requested}
    found: dict[str, dict[str, Any]] = {}
    while to_do:
        text, version = to_do.popitem()
        named = _NAME.match(text)
        name, extras = (normalised(named[1]), (named[2] or "").split(",")) if named else (text, [])
        requires = REQUIRES.get(name, [])
        if name not in found or version:
            shown = named[1] if named else text
            found[name] = {"name": shown, "version": version or NEWEST.get(name, "1.0.0"), "requires": requires}
        for requirement in requires:
            wanted, _semicolon, marker = requirement.partition(";")
            if "win32" not in marker and ("extra" not in marker or any(f'"{extra}"' in marker for extra in extras)):
                inner = _NAME.match(wanted)
                assert inner
                if normalised(inner[1]) not in found:
                    to_do.setdefault(inner[1], "")
    return [found[name] for name in sorted(found)]


@dataclass(frozen=True)
class Rule:
    """The outcome for packages with a matching name; seeded by tests. A `missing` one is said to be installed."""

    name: str
    outcome: str = "installed"
    message: str = ""
    delay: float | None = None
    version: str = ""

    def __post_init__(self) -> None:
        if self.outcome not in ("installed", "missing", "not_installed"):
            raise ValueError(f"outcome is installed, missing or not_installed, not {self.outcome!r}")


@dataclass
class Package:
    """One package of one runtime. ``seeded`` contains a test's values that are returned unchanged."""

    name: str
    version: str
    description: str
    started: float
    done: float
    outcome: str
    message: str
    resolved: str
    seeded: dict[str, Any] = field(default_factory=dict)

    def status(self, now: float, switches: Switches, used: bool) -> str:
        """The package's status at a time. ``used`` is whether a script has run on the runtime."""
        if "status" in self.seeded:
            return str(self.seeded["status"])
        if now < self.done:
            return "installing"
        if switches["runtime_status"] == "all_unknown" and not used:
            return "unknown"
        return "installed" if self.outcome == "missing" else self.outcome

    def to_api(self, now: float, switches: Switches, used: bool) -> dict[str, Any]:
        """The package for a response, with ``message`` only if it has one, as in the sample [doc]."""
        status = self.status(now, switches, used)
        if self.seeded:
            return {**self.seeded, "status": status}
        version = self.version
        if not version and (
            switches["empty_version"] == "resolve"
            or (switches["empty_version"] == "when_installed" and status == "installed")
        ):
            version = self.resolved
        shown = {"name": self.name, "version": version, "description": self.description, "status": status}
        if status == "not_installed":
            shown["message"] = self.message or "Return code: 1."
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
    resolved = entry["version"] or rule.version or NEWEST.get(normalised(entry["name"]), "1.0.0")
    return Package(
        **entry, started=now, done=now + delay, outcome=rule.outcome, message=rule.message, resolved=resolved
    )
