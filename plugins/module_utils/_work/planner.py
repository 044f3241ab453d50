# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the runtime of a definition on the server and plans the change.

Only reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .._errors import ValidationError
from .._model.definition import Definition
from .._model.names import ALIKE, near_names, quoted
from .._model.plan import Plan, make_plan
from .._model.policy import Policy
from .._model.runtime import Runtime
from .api import WHOLE, RuntimeApi, one_named


class Planner:
    """Reads from the server and plans; writes nothing."""

    def __init__(self, api: RuntimeApi, warn: Callable[[str], None], policy: Policy | None = None) -> None:
        self.api = api
        self._warn, self._policy = warn, policy

    def locate(self, wanted: Definition, listed: Iterable[Runtime] | None = None) -> Runtime | None:
        """The runtime as it is now, with all fields; None if it does not exist.

        `listed`: the runtimes on the server, if they were just read. Raises ValidationError for an ambiguous name.
        """
        if wanted.id is None:
            listed = self.api.everything() if listed is None else listed
            return self.api.whole(one_named(listed, str(wanted.name)), {*WHOLE, *wanted.values})
        return self.api.get(wanted.id)

    def plan(self, current: Runtime | None, wanted: Definition, listed: Iterable[Runtime] | None = None) -> Plan:
        """The plan, checked against the server. Raises ValidationError, before anything is written.

        `listed`: the runtimes on the server, if they are already known.
        """
        plan = self.compare(current, wanted)
        for text in plan.warnings:
            self._warn(text)
        if "runtime_version" in plan.changed_fields:
            self._check_version(str(wanted.values["runtime_version"]))
        if plan.action == "updated" and plan.runtime and "name" in plan.changed_fields:
            self._check_name(plan.runtime, self.api.everything() if listed is None else listed)
        if current is None and wanted.name and not wanted.id:
            self._warn_of_near_names(wanted, listed or ())
        return plan

    def compare(self, current: Runtime | None, wanted: Definition) -> Plan:
        """The plan without any request to the server. Raises ValidationError."""
        return make_plan(current, wanted, self._policy)

    def _check_version(self, version: str) -> None:
        known = self.api.versions()
        if known is None or version in known:
            return
        from difflib import get_close_matches  # takes 3 ms, which only a failing task should pay

        close = [one for one in known if one.startswith(f"{version}.")] or get_close_matches(version, known, 1)
        hint = f"; did you mean {close[-1]}?" if close else ""
        offered = ", ".join(known) or "none"
        raise ValidationError([f"runtime_version {version!r} is not offered by the server (it offers {offered}){hint}"])

    def _check_name(self, renamed: Runtime, listed: Iterable[Runtime]) -> None:
        # If the server accepts a second runtime with this name, no task can address either of them by name.
        taken = [one for one in listed if one.name == renamed.name and one.key != renamed.key]
        if taken:
            holder = f"the runtime with id {taken[0].id}"
            raise ValidationError([f"name {taken[0].name!r} is taken by {holder}; choose a different name"])

    def _warn_of_near_names(self, wanted: Definition, listed: Iterable[Runtime]) -> None:
        near = near_names(str(wanted.name), (one.name for one in listed))
        if near:
            what = "is new" if wanted.state == "present" else "does not exist, so nothing is deleted"
            others = f"{quoted(near)} {'exists' if len(near) == 1 else 'exist'}"
            self._warn(
                f"Runtime {quoted([str(wanted.name)])} {what}, but {others}: the names differ only in {ALIKE}. Check "
                "the spelling."
            )
