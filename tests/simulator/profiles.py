"""The switches of `switches.md`, and the profiles, which are named sets of switches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("switches.md")
_VALUES = re.compile(r"`(.*?)`")
_ELSEWHERE = re.compile(r"(\w+) `(.*?)`")


class SwitchError(ValueError):
    """An unknown switch, or an invalid value. The text is readable."""


def parse(name: str, value: Any) -> Any:
    """Return `value`, which comes from a command line, the table or JSON, in the type of the switch."""
    allowed = SWITCHES[name]
    choices = _VALUES.findall(allowed)
    if choices and str(value) not in choices:
        raise SwitchError(f"switch {name}: {value!r} is not allowed ({', '.join(choices)})")
    if allowed == "names":
        words = value.split(",") if isinstance(value, str) else value
        return tuple(word.strip() for word in words if word.strip())
    if allowed == "number":
        return int(value)
    return str(value)


class Switches(dict[str, Any]):
    """The current values. Read one with ``switches["list_omits"]``; change them only with :meth:`set`."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__()
        self.set({**_DEFAULTS, **values})

    def set(self, values: Mapping[str, Any]) -> None:
        """Change some switches. If one value is invalid, none is changed."""
        if unknown := sorted(values.keys() - SWITCHES):
            raise SwitchError(f"no switch is called {unknown[0]!r} (there are: {', '.join(sorted(SWITCHES))})")
        self.update({name: parse(name, value) for name, value in values.items()})

    def yes(self, name: str) -> bool:
        """Whether a yes/no switch is on."""
        return bool(self[name] == "yes")


# What `make simulator` starts. It is not one of PROFILES, with each of which tests run: it has a seed (seed.py).
PLAYGROUND = "playground"
SWITCHES: dict[str, str] = {}  # with what the column "values" says
PROFILES: dict[str, dict[str, Any]] = {
    name: {} for name in ("samples", "newest", "oldest", "awkward", "strict", "schema")
}
_DEFAULTS: dict[str, str] = {}
for _row in TABLE.read_text(encoding="utf-8").splitlines():
    if _row.startswith("| `"):
        _name, _allowed, _default, _elsewhere, _meaning = (cell.strip() for cell in _row.strip("|").split(" | "))
        _name = _name.strip("`")
        SWITCHES[_name], _DEFAULTS[_name] = _allowed, _default.strip("`")
        for _profile, _value in _ELSEWHERE.findall(_elsewhere):
            PROFILES[_profile][_name] = _value


def profiles() -> dict[str, Mapping[str, Any]]:
    """All profiles, the one for people included."""
    of_people = {name: _DEFAULTS[name] for name in ("python_versions", "unknown_version")}
    return {**PROFILES, PLAYGROUND: {**PROFILES["samples"], **of_people}}


def make_switches(profile: str, overrides: Mapping[str, Any] | None = None) -> Switches:
    """The switches of a profile, with some of them changed."""
    known = profiles()
    if profile not in known:
        raise SwitchError(f"no profile is called {profile!r} (there are: {', '.join(known)})")
    switches = Switches(known[profile])
    switches.set(overrides or {})
    return switches
