# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out the plan of a task: everything after its last check without a write."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from .._model.entry import Entry
from .._model.runtime import Runtime
from .api import Context, map_entries
from .write import read_again, write


def carry_out(context: Context, entries: list[Entry], existing: Sequence[Runtime]) -> list[Entry]:
    """The entries after the work.

    Create and update in parallel, read again, wait, smoke test, assign scripts, ask the guards again, delete, rename
    what replaces, purge unless there was an error, and check that what was deleted is gone.
    """
    listed: Sequence[Runtime] | None = None  # the runtimes on the server, if nothing happened since it was read
    written = any(entry.to_do in ("create", "update") for entry in entries)
    replaces = any(entry.replacing for entry in entries)
    if replaces:
        from .replace import names_finished, names_taken, old_runtimes, without_scripts

        entries = names_finished(context, entries, existing)
    if written:
        if any(entry.wanted.restore for entry in entries):
            from .restore import write_in_order  # only a backup needs it

            entries = write_in_order(context, entries, existing)
        step = partial(write, context, existing=existing, read_first=len(entries) > 1)
        entries = map_entries(context, step, entries, lambda entry: entry.to_do in ("create", "update"), "written")
        entries, listed = read_again(context, entries)
    # Only replacements and smoke tests wait without the option.
    tries = replaces or (written and any(entry.wanted.smoke_test for entry in entries))
    if context.waiting or tries:
        from .wait import wait  # only a task that waits needs it

        entries, listed = wait(context, entries), None
    if tries:
        from .replace import smoke_tested  # only these tasks need it

        entries = smoke_tested(context, entries)
    if context.scripts and context.scripts.assignments:
        entries, listed = context.scripts.assign(entries), None
    old: list[Entry] = []
    if replaces:
        entries = without_scripts(context, entries)
        old = old_runtimes(context, entries)
    if old or any(entry.to_do == "delete" for entry in entries):
        from .delete import delete  # only a task that deletes needs it

        if context.scripts and not replaces:
            context.scripts.look_up_again()
        entries, listed = delete(context, [*entries, *old], listed, purged=False)
        if old:
            entries = [*entries, *old_runtimes(context, entries)]
            entries, listed = delete(context, entries, listed, purged=False)
            entries, listed = names_taken(context, entries, listed), None
        if context.purges(entries):
            entries, _listed = delete(context, entries, listed, purged=True)
    return entries
