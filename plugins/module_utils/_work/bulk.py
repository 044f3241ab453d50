# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manages many runtimes on one session, with the same planner and writer as for a single runtime.

Order of work: list the runtimes, read those that the list shows incompletely, make every plan, create and update in
parallel, delete, list again. With `wait`, the purge comes after the wait: a runtime that is not ready cancels it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .._errors import MstrError, PartialError, ValidationError
from .._model.definition import Definition
from .._model.names import ALIKE, is_named, near_names, quoted
from .._model.plan import POOL
from .._model.runtime import Runtime
from .._session.interrupt import all_side_by_side
from .api import WHOLE, one_named
from .entry import PURGED, Entry, collision_faults, report
from .progress_texts import counted
from .wait import Waiter
from .write import Writer

_NAMES_IN_MESSAGE = 10


class Purge(NamedTuple):
    """Whether to delete unlisted runtimes, and the limits of that.

    `exclude`: names, ids or shell patterns of names of runtimes to keep. `limit`: maximum number of deletions.
    `comment`: for the server's journal.
    """

    wanted: bool = False
    exclude: tuple[str, ...] = ()
    limit: int | None = None
    comment: str | None = None


class Bulk:
    """Brings many runtimes to their wanted state, with up to `concurrency` parallel requests."""

    def __init__(
        self,
        writer: Writer,
        concurrency: int,
        purge: Purge,
        waiter: Waiter | None = None,
        progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._progress = progress
        self._writer, self._planner, self._api = writer, writer.planner, writer.api
        self._concurrency, self._purge, self._waiter = concurrency, purge, waiter

    def ensure_all(self, wanted: Sequence[Definition]) -> dict[str, Any]:
        """The result. Raises ValidationError before any write; PartialError with the result if an entry failed."""
        listed = self._api.everything()
        entries = [Entry(one, f"runtimes[{index}]") for index, one in enumerate(wanted)]
        self._locate(entries, listed)
        for entry in entries:
            if not entry.error:
                entry.attempt(lambda one: self._plan(one, listed))
        purged, refused = self._to_purge(entries, listed)
        entries += purged
        self._writer.check_deletes([entry.plan for entry in entries if entry.plan and not entry.error])
        cancelled = self._carry_out(entries)
        result = report(entries, cancelled and self._purge.wanted)
        if refused:
            raise PartialError(refused, result)
        return result

    def _each(self, step: Callable[[Entry], object], entries: Sequence[Entry], done: str) -> None:
        """Run a step for several entries in parallel; an error affects only its entry. `done`: such as "written"."""

        def report_progress(number: int) -> None:
            self._progress(counted(number, len(entries), done))

        all_side_by_side(lambda entry: entry.attempt(step), entries, self._concurrency, report_progress)

    def _locate(self, entries: Sequence[Entry], listed: Sequence[Runtime]) -> None:
        by_id = {one.key: one for one in listed}
        by_name: dict[str, list[Runtime]] = {}
        for one in listed:
            by_name.setdefault(one.name, []).append(one)

        def locate(entry: Entry) -> None:
            wanted = entry.wanted
            if wanted.id and wanted.id not in by_id:
                entry.found = self._planner.locate(wanted)  # hidden from the list, or unknown
                return
            name = str(wanted.name)
            entry.found = by_id[wanted.id] if wanted.id else one_named(by_name.get(name, ()), name)
            # A runtime to delete is read completely, so that the diff can serve as evidence and backup.
            pool = POOL if POOL & set(wanted.values) else ()
            needed = {*wanted.values, *pool} if wanted.state == "present" else WHOLE
            entry.found = self._api.whole(entry.found, needed)

        self._each(locate, entries, "read")
        faults = collision_faults([entry for entry in entries if not entry.error], listed)
        if faults:
            raise ValidationError(faults)

    def _plan(self, entry: Entry, listed: Sequence[Runtime]) -> None:
        entry.plan = self._planner.plan(entry.found, entry.wanted, listed)

    def _to_purge(
        self, entries: Sequence[Entry], listed: Sequence[Runtime]
    ) -> tuple[list[Entry], ValidationError | None]:
        """An entry for each unlisted runtime to delete, and the error if the purge is refused.

        Raises that error, except in check mode: nothing is written there, and the user needs to see what would change.
        """
        if not self._purge.wanted or any(entry.error for entry in entries):
            # A failed entry may mean one of the runtimes that appear to be unlisted.
            return [], None
        # Compare names too: a listed runtime that cannot be read must not be deleted.
        kept = {entry.wanted.name for entry in entries if not entry.wanted.id}
        keys = {entry.plan.runtime.key for entry in entries if entry.plan and entry.plan.runtime}
        to_delete = [
            one
            for one in listed
            if not (
                one.is_default or one.name in kept or one.key in keys or is_named(one.name, self._purge.exclude, one.id)
            )
        ]
        names = [entry.wanted.name for entry in entries if entry.wanted.name]
        faults = _purge_faults(to_delete, names, self._purge)
        refused = ValidationError(faults) if faults else None
        if refused and not self._writer.check_mode:
            raise refused
        comment = self._purge.comment
        purged = [
            Entry(Definition("absent", {}, id=one.id, name=one.name, journal_comment=comment), PURGED, one)
            for one in to_delete
        ]

        def read_and_plan(entry: Entry) -> None:
            entry.found = self._api.whole(entry.found, WHOLE)
            self._plan(entry, ())

        self._each(read_and_plan, purged, "read")
        return [entry for entry in purged if entry.action != "none"], refused  # one may have been deleted meanwhile

    def _carry_out(self, entries: Sequence[Entry]) -> bool:
        """Write, read again, wait. Returns whether an error cancelled the purge."""
        listed = [entry for entry in entries if entry.place != PURGED]
        for entry in listed:
            if entry.action == "none":
                entry.attempt(self._write)
        self._each(self._write, [entry for entry in listed if entry.action in ("created", "updated")], "written")
        self._each(self._write, [entry for entry in listed if entry.action == "deleted"], "deleted")
        if self._waiter:
            self._verify(entries)
            self._wait(self._waiter, [entry for entry in entries if entry.outcome and not entry.error])
        cancelled = any(entry.error for entry in entries)
        if not cancelled:
            self._each(self._write, [entry for entry in entries if entry.place == PURGED], "deleted")
        if not self._waiter:
            self._verify(entries)
        return cancelled

    def _write(self, entry: Entry) -> None:
        if entry.plan:
            entry.outcome = self._writer.carry_out(entry.plan, entry.wanted)

    def _verify(self, entries: Sequence[Entry]) -> None:
        """Read the written runtimes again, with one list request."""
        written = [entry for entry in entries if entry.outcome and entry.outcome.to_verify]
        unread = [entry for entry in written if entry.outcome and not entry.outcome.read]
        listed: list[Runtime] = []
        if unread:
            try:
                listed = self._api.everything()
            except MstrError as exc:
                for entry in unread:
                    entry.error = PartialError(exc, {}, "It was written, but could not be read again: ")
                written = [entry for entry in written if not entry.error]

        def verify(entry: Entry) -> None:
            if entry.outcome:
                entry.outcome = self._writer.verified(entry.outcome, entry.wanted, listed)

        self._each(verify, written, "read again")

    def _wait(self, waiter: Waiter, entries: Sequence[Entry]) -> None:
        outcomes = [entry.outcome for entry in entries if entry.outcome]
        for entry, (outcome, error) in zip(entries, waiter.wait(outcomes)):
            entry.outcome, entry.error = outcome, error


def _purge_faults(to_delete: Sequence[Runtime], names: Sequence[str], purge: Purge) -> list[str]:
    """Reasons to refuse the purge: a name that is read as one to keep, or too many runtimes."""
    limit = purge.limit
    faults = [
        f"purge would delete {quoted([one.name])} ({one.id}), whose name differs only in {ALIKE} from {quoted(near)} "
        "in the list: write the name as the server has it, or list this runtime with state: absent to delete it"
        for one in to_delete
        for near in [near_names(one.name, names)]
        if near
    ]
    if limit is not None and len(to_delete) > limit:
        first_names = ", ".join(sorted(repr(one.name) for one in to_delete)[:_NAMES_IN_MESSAGE])
        more = f" and {len(to_delete) - _NAMES_IN_MESSAGE} more" if len(to_delete) > _NAMES_IN_MESSAGE else ""
        faults.append(
            f"purge would delete {len(to_delete)} runtimes, more than purge_limit {limit}: {first_names}{more}. Raise "
            "purge_limit if you want to delete them"
        )
    return faults
