# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unfinished replacements: runtimes whose names say what they replace, such as `R (replaces 3B9A…)`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .runtime import DEFAULT_RUNTIME_ID, Runtime

_FORM = re.compile(r"(.+) \(replaces ([0-9A-F]{32})\)", re.DOTALL)


class Unfinished(NamedTuple):
    """A runtime that is to take `name`, and to replace the runtime with the key `replaced`."""

    runtime: Runtime
    name: str
    replaced: str

    @property
    def key(self) -> str:
        """The key of the runtime itself."""
        return self.runtime.key


def unfinished_name(name: str, replaced: str) -> str:
    """The name of a runtime until it takes its own: it says which runtime, by its key, it replaces."""
    return f"{name} (replaces {replaced})"


def parts_of(name: str) -> tuple[str, str] | None:
    """What such a name says: the name that the runtime is to take, and the key of what it replaces.

    None for any other name. Nothing replaces the built-in default runtime.
    """
    found = _FORM.fullmatch(name) if name.endswith(")") else None
    return (found[1], found[2]) if found and found[2] != DEFAULT_RUNTIME_ID else None


def unfinished_in(listed: Iterable[Runtime]) -> list[Unfinished]:
    """The unfinished replacements in a list of runtimes, by their keys.

    One that claims to replace itself or another one has a plain name.
    """
    found = []
    for runtime in listed:
        parts = parts_of(runtime.name)
        if parts:
            found.append(Unfinished(runtime, *parts))
    keys = {each.key for each in found}
    return sorted((each for each in found if each.replaced not in keys), key=lambda each: each.key)
