# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many runtimes on one session, by the same plan and the same writer as one.

Floor 3. Order of work: one list, the reads that it makes necessary, every plan, creates and updates side by side,
deletes last, one list again, waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from ._api import one_named
from ._apply import Outcome, Writer
from ._definition import Definition
from ._errors import MstrError, PartialError, ValidationError
from ._parallel import all_side_by_side
from ._plan import POOL, Plan
from ._runtime import Runtime

_SHOWN_FAILURES = 5


class Purge(NamedTuple):
    """Whether what is not listed goes, and what guards that. `exclude`: names or shell patterns to spare."""

    wanted: bool = False
    exclude: tuple[str, ...] = ()
    limit: int | None = None
    comment: str | None = None  # for the server's journal


@dataclass
class Entry:
    """One runtime of the task on its way: what is wanted, then the plan, then the outcome or the error."""

    wanted: Definition
    place: str  # "runtimes[3]", "purge"
    plan: Plan | None = None
    outcome: Outcome | None = None
    error: MstrError | None = None

    @property
    def name(self) -> str | None:
        """The runtime's name."""
        runtime = self.outcome.runtime if self.outcome else self.plan.runtime if self.plan else None
        return self.wanted.name or (runtime.name if runtime else None)

    def attempt(self, step: Callable[[], Any]) -> Any:
        """What the step returns; its error is the entry's."""
        try:
            return step()
        except MstrError as exc:
            self.error = exc
            return None

    def to_result(self) -> dict[str, Any]:
        """The entry's part of the result."""
        done = self.outcome.to_result() if self.outcome else {}
        failed = self.error is not None
        return {
            "name": self.name,
            "id": done.get("id") or self.wanted.id,
            "action": "failed" if failed else done.get("action", "none"),
            "changed_fields": done.get("changed_fields", []),
            "runtime": done.get("runtime"),
            "error": {"msg": self.error.sentence, **self.error.error} if self.error else None,
        }


def double_faults(wanted: Mapping[int, Definition]) -> list[str]:
    """A fault for each two entries, by index, that name one runtime by name or id."""
    faults = []
    seen: dict[tuple[str, str], int] = {}
    for index, one in wanted.items():
        for option, value in (("id", one.id), ("name", one.name)):
            if value is None:
                continue
            first = seen.setdefault((option, value), index)
            if first != index:
                faults.append(f"runtimes[{index}] has the {option} {value!r} of runtimes[{first}]")
    return faults


class Bulk(NamedTuple):
    """How many runtimes are ensured: by `writer`, `workers` requests at a time."""

    writer: Writer
    workers: int
    purge: Purge
    wait: Callable[[Outcome], Outcome] | None = None

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
                    entry.outcome = Outcome.of(entry.plan)
        else:
            spared = self._write(entries)
            self._verify(entries)
            if self.wait:
                self._each(self._waited, [entry for entry in entries if entry.outcome and not entry.error])
        return _told(entries, spared and self.purge.wanted)

    def _each(self, step: Callable[[Entry], None], entries: Sequence[Entry]) -> None:
        """A step of several entries side by side; what no entry's error holds is a fault of this collection."""
        all_side_by_side(lambda entry: entry.attempt(lambda: step(entry)), entries, self.workers)

    def _plan(self, entries: Sequence[Entry], listed: Sequence[Runtime]) -> None:
        by_id = {str(one.id).upper(): one for one in listed}
        found: dict[int, Runtime | None] = {}

        def locate(entry: Entry) -> None:
            wanted = entry.wanted
            if wanted.id and wanted.id not in by_id:
                found[id(entry)] = self.writer.locate(wanted)  # hidden from the list, or none
            else:
                current = by_id[wanted.id] if wanted.id else one_named(listed, str(wanted.name))
                needed = {*wanted.values, *(POOL if POOL & set(wanted.values) else ())}
                found[id(entry)] = self.writer.api.whole(current, needed if wanted.state == "present" else ())

        self._each(locate, entries)
        owners: dict[str, Entry] = {}
        faults = []
        for entry in entries:
            current = found.get(id(entry))
            if current is not None:
                first = owners.setdefault(str(current.id), entry)
                if first is not entry:
                    faults.append(f"{entry.place} and {first.place} are one runtime, {current.name!r} ({current.id})")
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
        kept = {entry.plan.runtime.id for entry in entries if entry.plan and entry.plan.runtime}
        going = [
            one
            for one in listed
            if one.id not in kept
            and not one.is_default
            and not any(fnmatchcase(one.name, pattern) for pattern in self.purge.exclude)
        ]
        if self.purge.limit is not None and len(going) > self.purge.limit:
            names = ", ".join(f"{one.name!r} ({one.id})" for one in going)
            raise ValidationError(
                [f"purge would delete {len(going)} runtimes, more than purge_limit {self.purge.limit}: {names}"]
            )
        comment = self.purge.comment
        purged = [
            Entry(Definition("absent", {}, id=one.id, name=one.name, journal_comment=comment), "purge") for one in going
        ]
        for entry, runtime in zip(purged, going):
            entry.plan = self.writer.plan(runtime, entry.wanted)
        return purged

    def _write(self, entries: Sequence[Entry]) -> bool:
        """Write; whether an error has spared what was to be purged."""
        due = [entry for entry in entries if entry.plan and not entry.error]
        for entry in due:
            if entry.plan and not entry.plan.changed:
                entry.outcome = Outcome.of(entry.plan)
        self._each(self._written, [one for one in due if one.plan and one.plan.action in ("created", "updated")])
        self._each(
            self._written, [one for one in due if one.place != "purge" and one.plan and one.plan.action == "deleted"]
        )
        if any(entry.error for entry in entries):
            return True
        self._each(self._written, [one for one in due if one.place == "purge"])
        return False

    def _written(self, entry: Entry) -> None:
        assert entry.plan is not None  # only planned entries are written
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
            assert entry.outcome is not None  # only written entries are verified
            entry.outcome = self.writer.verified(entry.outcome, entry.wanted, listed)

        self._each(verified, written)

    def _waited(self, entry: Entry) -> None:
        if entry.outcome and self.wait:
            entry.outcome = self.wait(entry.outcome)


def _told(entries: Sequence[Entry], purge_cancelled: bool) -> dict[str, Any]:
    """The result of the task. Raises PartialError with it when an entry failed."""
    shown = [entry for entry in entries if not (entry.place == "purge" and not entry.outcome and not entry.error)]
    results = [entry.to_result() for entry in shown]
    actions = [result["action"] for result in results]
    result = {
        "changed": any(entry.outcome and entry.outcome.action != "none" for entry in shown),
        "runtimes": results,
        "summary": {
            **{action: actions.count(action) for action in ("created", "updated", "deleted")},
            "unchanged": actions.count("none"),
            "failed": actions.count("failed"),
        },
        "diff": [_diff(entry) for entry in shown if entry.outcome and entry.outcome.action != "none"],
    }
    failed = [entry for entry in shown if entry.error]
    if failed:
        told = [
            f"{entry.place} {entry.name!r}: {entry.error.sentence}" for entry in failed[:_SHOWN_FAILURES] if entry.error
        ]
        more = f"; and {len(failed) - _SHOWN_FAILURES} more" if len(failed) > _SHOWN_FAILURES else ""
        spared = " Nothing was purged." if purge_cancelled else ""
        first = failed[0].error
        raise PartialError(
            MstrError(
                f"{len(failed)} of {len(shown)} runtimes failed: {'; '.join(told)}{more}.{spared}",
                **(first.error if first else {}),
            ),
            result,
        )
    return result


def _diff(entry: Entry) -> dict[str, Any]:
    assert entry.outcome is not None  # only what has an outcome has a diff
    header = f"runtime {entry.name!r} ({entry.outcome.id or 'new'})"
    return {
        "before": dict(entry.outcome.before),
        "after": dict(entry.outcome.after),
        "before_header": header,
        "after_header": header,
    }
