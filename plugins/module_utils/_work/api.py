# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API calls that read runtimes, each with its error message, and what every step of the work needs.

Facts of the API: [doc] "Manage runtimes", and the vendor's client [mstrio].
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timezone
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from .._errors import ApiError, MstrError, ValidationError, as_mstr_error
from .._model.entry import NO_SCRIPTS, Entry, ScriptReport
from .._model.fields import FIELDS
from .._model.runtime import Runtime, from_api
from .._session.response import OBJECT_WITH_ID, list_of, says_no_such_object
from .._session.session import Session

if TYPE_CHECKING:
    from .._model.evaluation import Policy

RUNTIMES = "/runtimes"
# Fields that every release returns: a list entry without one of them is incomplete.
ALL_FIELDS = tuple(field.name for field in FIELDS if not field.newer_only)


def path_of(identity: str | None) -> str:
    """The path of a runtime."""
    return f"{RUNTIMES}/{quote(str(identity), safe='')}"


class RuntimeApi:
    """The runtimes of one server. What writes them is in `write`, which only a task that writes imports."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list_all(self) -> list[Runtime]:
        """Every runtime that the user may see. A list may omit fields. Raises MstrError."""
        shape = list_of("runtimes", OBJECT_WITH_ID)
        data = self._session.get(RUNTIMES, operation="list the runtimes", shape=shape)
        runtimes: dict[str, Runtime] = {}
        for runtime in map(from_api, data["runtimes"]):
            runtimes.setdefault(runtime.key, runtime)
        return list(runtimes.values())

    def get(self, identity: str, label: str | None = None, *, polling: bool = False) -> Runtime | None:
        """One runtime with all fields; None if the id does not exist. `polling`: no retries. Raises MstrError."""
        operation = f"read the runtime {label or f'with id {identity}'}"
        path, kind = path_of(identity), "once" if polling else "read"
        try:
            runtime = from_api(self._session.get(path, operation=operation, kind=kind, shape=OBJECT_WITH_ID))
        except ApiError as exc:
            if says_no_such_object(exc):
                return None
            raise
        if runtime.key != identity.upper():
            # A cache or a gateway answers for the server. A write would go to the other object.
            raise ApiError(
                f"Could not {operation}: {self._session.base_url} answered with a different runtime, {runtime.label}, "
                f"instead of {identity}. Check what answers in place of the server, such as a cache.",
                http_status=200,
                request=f"GET /api{path}",
            )
        return runtime

    def with_all_fields(self, runtime: Runtime | None, needed: Iterable[str]) -> Runtime | None:
        """The runtime, read again if a needed field is missing; None if it was deleted meanwhile. Raises MstrError."""
        return self.find(str(runtime.id), repr(runtime.name)) if runtime and runtime.lacks(needed) else runtime

    def find(self, identity: str, label: str | None = None) -> Runtime | None:
        """What `get` returns; None only if the list does not show the runtime, either. Raises MstrError."""
        found = self.get(identity, label)
        if found is None and any(listed.key == identity.upper() for listed in self.list_all()):
            raise MstrError(
                f"Could not read the runtime {label or f'with id {identity}'}: the server lists it, but answers that "
                "it does not exist. The user may lack permission on this object."
            )
        return found

    @cached_property
    def versions(self) -> tuple[str, ...] | None:
        """The Python versions that the server offers, requested once; None if this release has no such call."""
        operation = "list the runtime versions"
        try:
            data = self._session.get(f"{RUNTIMES}/versions", operation=operation, shape=list_of("versions"))
        except ApiError as exc:
            # An old release reads "versions" as an id, which does not exist.
            if exc.status in (404, 405):
                return None
            raise
        return tuple(map(str, data["versions"]))


class Waiting(NamedTuple):
    """How long to wait, and the first pause between two checks, in seconds."""

    timeout: float
    interval: float


class Purge(NamedTuple):
    """Deletes unlisted runtimes, within limits.

    `exclude`: names, ids or shell patterns of names of runtimes to keep. `limit`: maximum number of deletions.
    `comment`: for the server's journal. `left_out`: names and ids that a file leaves out on purpose.
    """

    exclude: Sequence[str] = ()
    limit: int | None = None
    comment: str | None = None
    left_out: Sequence[str] = ()


class Context(NamedTuple):
    """What the steps of the work need besides their runtimes. In check mode they write nothing.

    `warn` reports a warning, `progress` a line of progress. `pause` sleeps for a number of seconds; `clock` returns
    monotonic seconds. `retries`: how many times a write whose outcome is unknown may be sent again. `concurrency`:
    number of parallel requests. `waiting`: how long to wait until the runtimes are ready; None: not at all. `patience`:
    the same for a runtime that is waited for in any case. `scripts`: those of a task that assigns or protects some.
    `guard` gets the runtimes that would be deleted, and returns which of them must not be deleted and why. `plan_id`:
    the id of the approved plan; None if any plan may be carried out. `purge`: None to leave unlisted runtimes alone.
    """

    api: RuntimeApi
    warn: Callable[[str], None]
    pause: Callable[[float], None]
    clock: Callable[[], float]
    progress: Callable[[str], None]
    retries: int
    concurrency: int
    check_mode: bool = False
    policy: Policy | None = None
    waiting: Waiting | None = None
    patience: Waiting = Waiting(300.0, 2.0)
    session: Any = None  # a `Session`, for writes and scripts
    scripts: Any = None  # a `Scripts`, whose file needs this one
    guard: Callable[[Sequence[Runtime]], Iterable[tuple[Sequence[Runtime], str]]] | None = None
    plan_id: str | None = None
    purge: Purge | None = None

    def purges(self, entries: Iterable[Entry]) -> bool:
        """Whether the purge is carried out: an error, also of a script, cancels it."""
        return not any(entry.error for entry in entries) and not (self.scripts and self.scripts.failed)

    def script_report(self, entries: Iterable[Entry]) -> ScriptReport:
        """What a result says of the scripts of the task."""
        report: ScriptReport = self.scripts.report(entries) if self.scripts else NO_SCRIPTS
        return report


def or_error(step: Callable[[Entry], Entry], entry: Entry) -> Entry:
    """The entry after the step. An error, even an unexpected one, becomes this entry's error and affects no other."""
    try:
        return step(entry)
    except Exception as exc:
        return entry._replace(error=as_mstr_error(exc))


def map_entries(
    context: Context,
    step: Callable[[Entry], Entry],
    entries: Sequence[Entry],
    chosen: Callable[[Entry], bool],
    done: str,
) -> list[Entry]:
    """All entries, the chosen ones after a step that runs for several in parallel. `done`: such as "written"."""
    to_do = [entry for entry in entries if chosen(entry)]
    work = partial(or_error, step)
    results: Iterator[Entry] = map(work, to_do)
    if len(to_do) > 1:
        from .._session.parallel import all_side_by_side  # a task for one runtime does not need it

        def report_progress(number: int) -> None:
            context.progress(progress_line(number, len(to_do), done))

        results = iter(all_side_by_side(work, to_do, context.concurrency, report_progress))
    return [next(results) if chosen(entry) else entry for entry in entries]


def utc_date() -> date:
    """Today in UTC, with which a task compares last days, of exemptions and of planned tasks."""
    return datetime.now(timezone.utc).date()


def progress_line(done: int, total: int, what: str) -> str:
    """A line of progress, such as "40 of 100 runtimes written"."""
    return f"{done} of {total} runtimes {what}"


def one_named(runtimes: Iterable[Runtime], name: str) -> Runtime | None:
    """The runtime with exactly this name; None if no runtime has it. Raises ValidationError if several do."""
    found = [runtime for runtime in runtimes if runtime.name == name]
    if len(found) > 1:
        ids = ", ".join(sorted(str(runtime.id) for runtime in found))
        raise ValidationError([f"{len(found)} runtimes have the name {name!r}: {ids}; choose one by id"])
    return found[0] if found else None
