"""The switches of `switches.md`, and the profiles, which are named sets of switches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("switches.md")
_VALUES = re.compile(r"`(.*?)`")
_ELSEWHERE = re.compile(r"(\w+) `(.*?)`")


class SwitchError(ValueError):
    """An unknown switch, or an invalid value. The text is readable."""


@dataclass(frozen=True)
class Switch:
    """One row of the table. ``kind`` is ``choice`` (one of ``choices``), or another word of the column "values"."""

    name: str
    kind: str
    choices: tuple[str, ...]

    def parse(self, value: Any) -> Any:
        """Return ``value`` in the switch's type. ``value`` comes from a command line, the table or JSON."""
        try:
            return self._parse(value)
        except (TypeError, ValueError) as error:
            allowed = f"one of {', '.join(self.choices)}" if self.choices else self.kind
            raise SwitchError(f"switch {self.name}: {value!r} is not allowed ({allowed})") from error

    def _parse(self, value: Any) -> Any:
        if self.kind == "choice":
            # JSON and YAML users write true and false where the table has yes and no.
            text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
            if text not in self.choices:
                raise ValueError(text)
            return text
        if self.kind == "names":
            words = value.split(",") if isinstance(value, str) else list(value)
            return tuple(word.strip() for word in words if word.strip())
        if isinstance(value, bool):
            raise ValueError(value)
        if self.kind in ("integer", "number"):
            number = int(value) if self.kind == "integer" else float(value)
            if number < 0:
                raise ValueError(value)
            return number
        return str(value)


class Switches(dict[str, Any]):
    """The current values. Read one with ``switches["list_omits"]``; change them only with :meth:`set`."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__()
        self.set({**_DEFAULTS, **values})

    def set(self, values: Mapping[str, Any]) -> None:
        """Change some switches. If one value is invalid, none is changed."""
        parsed = {}
        for name, value in values.items():
            if name not in SWITCHES:
                raise SwitchError(f"no switch is called {name!r} (there are: {', '.join(sorted(SWITCHES))})")
            parsed[name] = SWITCHES[name].parse(value)
        self.update(parsed)

    def yes(self, name: str) -> bool:
        """Whether a yes/no switch is on."""
        return bool(self[name] == "yes")


# What `make simulator` starts. It is not one of PROFILES, with each of which tests run: it has a seed (seed.py).
PLAYGROUND = "playground"
SWITCHES: dict[str, Switch] = {}
PROFILES: dict[str, dict[str, Any]] = {
    name: {} for name in ("samples", "newest", "oldest", "awkward", "strict", "schema")
}
_DEFAULTS: dict[str, str] = {}
for _row in TABLE.read_text(encoding="utf-8").splitlines():
    if _row.startswith("| `"):
        _name, _kind, _default, _elsewhere, _meaning = (cell.strip() for cell in _row.strip("|").split(" | "))
        _name, _choices = _name.strip("`"), tuple(_VALUES.findall(_kind))
        SWITCHES[_name] = Switch(_name, "choice" if _choices else _kind, _choices)
        _DEFAULTS[_name] = _default.strip("`")
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
