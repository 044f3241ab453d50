"""A switch: one question that the public documentation does not answer, with the possible behaviours of a server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


class SwitchError(ValueError):
    """An unknown switch, or an invalid value. The text is readable."""


@dataclass(frozen=True)
class Switch:
    """One row of the table in profiles.py.

    ``kind`` is ``choice`` (one of ``choices``), ``text``, ``integer``, ``number`` or ``names`` (a list of words;
    on the command line separated by commas).
    """

    name: str
    kind: str
    default: Any
    meaning: str
    choices: tuple[str, ...] = ()

    def parse(self, value: Any) -> Any:
        """Return ``value`` in the switch's type. ``value`` comes from a command line or from JSON."""
        try:
            return self._parse(value)
        except (TypeError, ValueError) as error:
            raise SwitchError(f"switch {self.name}: {value!r} is not allowed ({self.allowed()})") from error

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

    def allowed(self) -> str:
        """Describe the values in a few words."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        return {"names": "names, separated by commas", "text": "any text"}.get(self.kind, f"{self.kind}, not negative")


class Switches(Mapping[str, Any]):
    """The current values. Read one with ``switches["list_omits"]``; change them only with :meth:`set`."""

    def __init__(self, table: Mapping[str, Switch], values: Mapping[str, Any]) -> None:
        self._table = table
        self._values = {name: switch.default for name, switch in table.items()}
        self.set(values)

    def set(self, values: Mapping[str, Any]) -> None:
        """Change some switches. If one value is invalid, none is changed."""
        parsed = {}
        for name, value in values.items():
            if name not in self._table:
                raise SwitchError(f"no switch is called {name!r} (there are: {', '.join(sorted(self._table))})")
            parsed[name] = self._table[name].parse(value)
        self._values.update(parsed)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def yes(self, name: str) -> bool:
        """Whether a yes/no switch is on."""
        return bool(self._values[name] == "yes")
