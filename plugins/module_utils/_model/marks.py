# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unfinished replacements: what their names say, and what is known of the runtimes that they replace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .runtime import Runtime, mark_in


class Mark(NamedTuple):
    """An unfinished replacement: `runtime` is to take `name`, and replaces the runtime with the key `replaced`.

    `old`: that runtime, if it exists. `is_gone`: it is proven that it does not. With neither, that is unknown.
    """

    runtime: Runtime
    name: str
    replaced: str
    old: Runtime | None = None
    is_gone: bool = False

    @property
    def key(self) -> str:
        """The key of the unfinished replacement."""
        return self.runtime.key

    @property
    def ends(self) -> str:
        """How to end it by hand, as the end of a sentence."""
        finish = f"{{id: {self.runtime.id}, name: {self.name}}}"
        back = f"assign its scripts to {self.replaced} with mstr_script_runtime and apply "
        undo = f"{{id: {self.runtime.id}, state: absent}}"
        if self.old:
            return f"to undo it, {back}{undo}"
        if self.is_gone:
            return f"to finish it, apply {finish}"
        return f"if {self.replaced} exists, {back}{undo}; if it does not, apply {finish}"

    @property
    def advice(self) -> str:
        """What it is, and what to do about it, for a warning and for the finding of an audit."""
        state = "exists" if self.old else "does not exist any more" if self.is_gone else "may not exist any more"
        line = f"add previous_names: [{self.name}] to the definition that it belongs to, or "
        delete = "" if self.old else f"; to delete it, apply {{id: {self.runtime.id}, state: absent}}"
        end = f"{line if self.is_gone else ''}{self.ends}{delete}."
        what = f"{self.runtime.label} is an unfinished replacement of {self.replaced}, which {state}"
        return f"{what}. {end[0].upper()}{end[1:]}"


def marks_in(listed: Iterable[Runtime]) -> list[Mark]:
    """The unfinished replacements in a list of runtimes.

    One that claims to replace itself or another one has a plain name.
    """
    marked = [(runtime, found) for runtime in listed if (found := mark_in(runtime.name))]
    keys = {runtime.key for runtime, _found in marked}
    return [Mark(runtime, *found) for runtime, found in marked if found[1] not in keys]
