# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many runtimes on one session, by the same plan and the same writer as one.

Wing: Work.
Order of work: one list, the reads that it makes necessary, every plan, creates and updates side by side,
deletes last, one list again. With waiting, what is to be purged goes after it: who is not ready spares it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ._api import one_named
from ._apply import Writer
from ._definition import Definition
from ._entry import PURGED, Entry, told
from ._errors import MstrError, PartialError, ValidationError
from ._interrupt import all_side_by_side
from ._names import is_named
from ._outcome import Outcome
from ._plan import POOL
from ._runtime import Runtime


class Purge(NamedTuple):
    """Whether what is not listed goes, and what guards that. `exclude`: names or shell patterns to spare."""

    wanted: bool = False
    exclude: tuple[str, ...] = ()
    limit: int | None = None
    comment: str | None = None  # for the server's journal


class Bulk(NamedTuple):
    """How many runtimes are ensured: by `writer`, `workers` requests at a time."""

    writer: Writer
    workers: int
    purge: Purge
    wait: Callable[[Sequence[Outcome]], Sequence[tuple[Outcome, PartialError | None]]] | None = None

    def ensure_all(self, wanted: Sequence[Definition]) -> dict[str, Any]:
        """The result. Raises ValidationError before any write; PartialError with the result when an entry failed."""
        listed = self.writer.api.everything()
        entries = [Entry(one, f"runtimes[{index}]") for index, one in enumerate(wanted)]
        self._plan(entries, listed)
        entries += self._purged(entries, listed)
        spared = any(entry.error for entry in entries)
        if self.writer.check_mode:
            for entry in entries:
                if entry.plan:
                    entry.outcome = Outcome.of(entry.plan, entry.wanted, predicted=entry.plan.changed)
        else:
            spared = self._write(entries)
        return told(entries, spared and self.purge.wanted)

    def _each(self, step: Callable[[Entry], None], entries: Sequence[Entry]) -> None:
        """A step of several entries side by side; what no entry's error holds is a fault of this collection."""
        all_side_by_side(lambda entry: entry.attempt(lambda: step(entry)), entries, self.workers)

    def _plan(self, entries: Sequence[Entry], listed: Sequence[Runtime]) -> None:
        by_id = {str(one.id).upper(): one for one in listed}
        by_name: dict[str, list[Runtime]] = {}
        for one in listed:
            by_name.setdefault(one.name, []).append(one)
        found: dict[int, Runtime | None] = {}

        def locate(entry: Entry) -> None:
            wanted = entry.wanted
            if wanted.id and wanted.id not in by_id:
                found[id(entry)] = self.writer.locate(wanted)  # hidden from the list, or none
            else:
                name = str(wanted.name)
                current = by_id[wanted.id] if wanted.id else one_named(by_name.get(name, ()), name)
                needed = {*wanted.values, *(POOL if POOL & set(wanted.values) else ())}
                found[id(entry)] = self.writer.api.whole(current, needed if wanted.state == "present" else ())

        self._each(locate, entries)
        faults = collision_faults([(one, found[id(one)]) for one in entries if found.get(id(one))], listed)
        if faults:
            raise ValidationError(faults)
        for entry in entries:
            if not entry.error:
                entry.plan = entry.attempt(lambda e=entry: self.writer.plan(found[id(e)], e.wanted, listed))  # type: ignore[misc]

    def _purged(self, entries: Sequence[Entry], listed: Sequence[Runtime]) -> list[Entry]:
        """An entry for each runtime that is to go because nobody lists it. Raises ValidationError over the limit."""
        if not self.purge.wanted or any(entry.error for entry in entries):
            # An entry that failed may mean one of those that nobody seems to list.
            return []
        # By name too, for an object that is listed and cannot be read must not go for that.
        kept = {entry.wanted.name for entry in entries if not entry.wanted.id}
        kept |= {entry.plan.runtime.id for entry in entries if entry.plan and entry.plan.runtime}
        going = [
            one
            for one in listed
            if not (one.is_default or {one.id, one.name} & kept or is_named(one.name, self.purge.exclude))
        ]
        if self.purge.limit is not None and len(going) > self.purge.limit:
            names = ", ".join(f"{one.name!r} ({one.id})" for one in going)
            raise ValidationError(
                [f"purge would delete {len(going)} runtimes, more than purge_limit {self.purge.limit}: {names}"]
            )
        comment = self.purge.comment
        purged = [
            Entry(Definition("absent", {}, id=one.id, name=one.name, journal_comment=comment), PURGED) for one in going
        ]
        for entry, runtime in zip(purged, going):
            entry.plan = self.writer.plan(runtime, entry.wanted)
        return purged

    def _write(self, entries: Sequence[Entry]) -> bool:
        """Write, read again, wait; whether an error has spared what was to be purged."""
        due = [entry for entry in entries if entry.plan and not entry.error]
        for entry in due:
            if entry.plan and not entry.plan.changed:
                entry.outcome = Outcome.of(entry.plan, entry.wanted)
        asked = [one for one in due if one.place != PURGED and one.plan]
        self._each(self._written, [one for one in asked if one.plan and one.plan.action in ("created", "updated")])
        self._each(self._written, [one for one in asked if one.plan and one.plan.action == "deleted"])
        if self.wait:
            self._verify(entries)
            waited = [one for one in entries if one.outcome and not one.error]
            for entry, ended in zip(waited, self.wait([one.outcome for one in waited if one.outcome])):
                entry.outcome, entry.error = ended
        spared = any(entry.error for entry in entries)
        if not spared:
            self._each(self._written, [one for one in due if one.place == PURGED])
        if not self.wait:
            self._verify(entries)
        return spared

    def _written(self, entry: Entry) -> None:
        if entry.plan:
            entry.outcome = self.writer.carry_out(entry.plan, entry.wanted)

    def _verify(self, entries: Sequence[Entry]) -> None:
        written = [one for one in entries if one.outcome and not one.outcome.read]
        if not written:
            return
        try:
            listed = self.writer.api.everything()
        except MstrError as exc:
            for entry in written:
                entry.error = PartialError(exc, {}, "It is written, but could not be read again: ")
            return

        def verified(entry: Entry) -> None:
            if entry.outcome:
                entry.outcome = self.writer.verified(entry.outcome, entry.wanted, listed)

        self._each(verified, written)


def collision_faults(located: Sequence[tuple[Entry, Runtime | None]], listed: Sequence[Runtime]) -> list[str]:
    """A fault for two entries that are one runtime, and for one that takes a name which another has until then.

    In what order the server would see a rename and the other's rename or delete is anybody's guess.
    """
    faults = []
    owners: dict[str | None, Entry] = {}
    for entry, current in located:
        if current is not None and owners.setdefault(current.id, entry) is not entry:
            first = owners[current.id]
            faults.append(f"{entry.place} and {first.place} are one runtime, {current.name!r} ({current.id})")
    for entry, current in located:
        name = entry.wanted.name
        if current is None or entry.wanted.state == "absent" or name in (None, current.name):
            continue
        faults += [
            f"{entry.place} takes the name {name!r}, which {owners[holder.id].place} ({holder.id}) still has; "
            "rename or delete that one in a task before"
            for holder in listed
            if holder.name == name and holder.id != current.id and holder.id in owners
        ]
    return faults
