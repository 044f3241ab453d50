# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API calls that read runtimes, each with its error message, and what every step of the work needs.

Facts of the API: [doc] "Manage runtimes", and the vendor's client [mstrio].
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timezone
from functools import cached_property, partial
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from .._errors import ApiError, MstrError, ValidationError, as_mstr_error
from .._model.definition import Definition, Purge
from .._model.fields import FIELDS
from .._model.runtime import Runtime, from_api, is_id
from .._model.steps import Step
from .._session.response import OBJECT_WITH_ID, list_of, says_no_such_object
from .._session.session import Session

if TYPE_CHECKING:
    from .._model.policy import Policy
    from .._model.scripts import ScriptEntry, Usage

RUNTIMES = "/runtimes"
# Fields that every release returns: a list entry without one of them is incomplete.
ALL_FIELDS = tuple(field.name for field in FIELDS if not field.newer_only)
# Fields that say whether a runtime is ready or broken
STATUS_FIELDS = ("status", "packages")

LISTED_ONLY = "the server lists it, but answers that it does not exist. The user may lack permission on this object."


class NotSeen(MstrError):
    """A read does not show what the server accepted, or contradicts a list. One a moment later may show it."""


def path_of(identity: str | None) -> str:
    """The path of a runtime."""
    return f"{RUNTIMES}/{quote(str(identity), safe='')}"


class RuntimeApi:
    """The runtimes of one server. What writes them is in `write`, which only a task that writes imports."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._listed_fields: set[str] = set()  # those that at least one entry of a list shows, as null or with a value
        # By a field that entries lack, and whether they show it as null
        self._is_unset: dict[tuple[str, bool], bool] = {}
        self._deciding = Lock()

    def list_all(self) -> list[Runtime]:
        """Every runtime that the user may see. A list may omit fields. Raises MstrError."""
        shape = list_of("runtimes", OBJECT_WITH_ID)
        data = self._session.get(RUNTIMES, operation="list the runtimes", shape=shape)
        runtimes: dict[str, Runtime] = {}
        for runtime in map(from_api, data["runtimes"]):
            runtimes.setdefault(runtime.key, runtime)
            self._listed_fields |= runtime.values.keys() | runtime.facts.keys()
        return list(runtimes.values())

    def read(self, identity: str, label: str | None = None, *, polling: bool = False) -> Runtime | None:
        """One runtime with all fields; None if the id does not exist. `polling`: no retries. Raises MstrError."""
        operation = f"read the runtime {label or f'with id {identity}'}"
        path = path_of(identity)
        try:
            data = self._session.get(path, operation=operation, polling=polling, shape=OBJECT_WITH_ID)
            runtime = from_api(data)._replace(is_whole=True)
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

    def read_if_lacking(self, runtime: Runtime | None, needed: Iterable[str]) -> Runtime | None:
        """The runtime, read if a needed field is missing; None if it was deleted meanwhile. Raises MstrError."""
        if runtime is None or not runtime.lacking(needed):
            return runtime
        return self.read_or_prove_gone(str(runtime.id), repr(runtime.name))

    def read_unless_never_set(self, runtime: Runtime, needed: Iterable[str]) -> Runtime | None:
        """The same for a runtime that is neither written nor deleted: not read if what is missing was never set.

        One read decides that for every entry of the list, if another entry shows the field. A field that no entry shows
        may be one that no list has. The default runtime decides nothing: its entry may have fewer fields [doc].
        """
        lacking = runtime.lacking(needed)
        if runtime.is_default or not self._listed_fields.issuperset(lacking):
            return self.read_if_lacking(runtime, needed)
        shown = runtime.values.keys() | runtime.facts.keys()
        ways = {(name, name in shown) for name in lacking}
        with self._deciding:
            undecided = ways - self._is_unset.keys()
            if undecided:
                return self._decided(runtime, needed, undecided)
        is_unset = all(self._is_unset[way] for way in ways)
        return runtime if is_unset else self.read_if_lacking(runtime, needed)

    def _decided(self, runtime: Runtime, needed: Iterable[str], undecided: set[tuple[str, bool]]) -> Runtime | None:
        """The runtime after a read, which shows whether fields that entries lack in these ways were never set."""
        read = self.read_if_lacking(runtime, needed)
        if read:
            unset = read._replace(is_whole=False).lacking(name for name, _is_null in undecided)
            self._is_unset.update({(name, is_null): name in unset for name, is_null in undecided})
        return read

    def read_or_prove_gone(self, identity: str, label: str | None = None) -> Runtime | None:
        """What `read` returns; None only if the list does not show the runtime, either. Raises MstrError."""
        runtime = self.read(identity, label)
        if runtime is None and one_with_id(self.list_all(), identity):
            raise NotSeen(f"Could not read the runtime {label or f'with id {identity}'}: {LISTED_ONLY}")
        return runtime

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


class Inputs(NamedTuple):
    """The checked options of a task for runtimes: what the server is to hold, under which policy.

    `purge`: None to leave undefined runtimes alone. `scripts`: None if none are given. `waits`: whether to wait until
    the runtimes are ready. `waiting`: how long, also for a runtime that is waited for in any case. `protects`: whether
    a script keeps its runtime from being deleted. `projects`: names or ids of those to look in for scripts; None for
    all. `plan_id`: of the approved plan. `restore`: whether the definitions are a backup. `server`: the address for
    which a file was written. `shows_all_fields`: whether the result shows every field of a runtime, also where a list
    omits some.
    """

    definitions: Sequence[Definition]
    purge: Purge | None = None
    scripts: Sequence[ScriptEntry] | None = None
    policy: Policy | None = None
    protects: bool = False
    projects: Sequence[str] | None = None
    plan_id: str | None = None
    waits: bool = False
    waiting: Waiting = Waiting(300.0, 2.0)
    restore: bool = False
    server: str | None = None
    shows_all_fields: bool = False

    @property
    def enforced_policy(self) -> Policy | None:
        """The policy that refuses definitions: none in a restore, which is never refused for it."""
        return None if self.restore else self.policy


class Context(NamedTuple):
    """What the steps of the work need besides their runtimes. In check mode they write nothing.

    `warn` reports a warning, `progress` a line of progress. `pause` sleeps for a number of seconds; `clock` returns
    monotonic seconds. `retries`: how many times a write whose outcome is unknown may be sent again.
    """

    api: RuntimeApi
    session: Session
    inputs: Inputs
    warn: Callable[[str], None]
    pause: Callable[[float], None]
    clock: Callable[[], float]
    progress: Callable[[str], None]
    retries: int
    check_mode: bool = False


class World(NamedTuple):
    """What was read of a server at one moment.

    `listed`: its runtimes; None if no list was needed. `usage`: which scripts use which of them; None if that does not
    count.
    """

    listed: Sequence[Runtime] | None = None
    usage: Usage | None = None

    @property
    def runtimes(self) -> Sequence[Runtime]:
        """The runtimes of the list; none without a list."""
        return self.listed or ()


def capture_error(work: Callable[[Step], Step], step: Step) -> Step:
    """The step after the work; a failed step stays as it is.

    An error of the work, even an unexpected one, becomes the error of the step and affects no other.
    """
    try:
        return step if step.error else work(step)
    except Exception as exc:
        return step._replace(error=as_mstr_error(exc))


def map_steps(
    context: Context, work: Callable[[Step], Step], steps: Sequence[Step], is_chosen: Callable[[Step], bool], done: str
) -> list[Step]:
    """All steps, the chosen ones after work that runs for several in parallel.

    `done`: for the progress, such as "written".
    """
    work = partial(capture_error, work)
    chosen = list(filter(is_chosen, steps))
    if len(chosen) < 2:
        results = list(map(work, chosen))
    else:
        from .._session.parallel import all_side_by_side  # a single runtime does not need it

        results = all_side_by_side(
            work, chosen, lambda number: context.progress(progress_line(number, len(chosen), done))
        )
    following = iter(results)
    return [next(following) if is_chosen(step) else step for step in steps]


def progress_line(done: int, total: int, what: str) -> str:
    """A line of progress, such as "40 of 100 runtimes written"."""
    return f"{done} of {total} runtimes {what}"


def utc_date() -> date:
    """Today in UTC, with which a task compares dates of expiry, of exemptions and of planned tasks."""
    return datetime.now(timezone.utc).date()


def one_named(runtimes: Iterable[Runtime], name: str) -> Runtime | None:
    """The runtime with exactly this name; None if no runtime has it. Raises ValidationError if several do."""
    named = [runtime for runtime in runtimes if runtime.name == name]
    if len(named) > 1:
        ids = ", ".join(sorted(str(runtime.id) for runtime in named))
        raise ValidationError([f"{len(named)} runtimes have the name {name!r}: {ids}; choose one by id"])
    return named[0] if named else None


def named_or_with_id(runtimes: Iterable[Runtime], text: str) -> Runtime | None:
    """The runtime with this id, for a text of 32 hexadecimal digits, or else with this name; None without a match.

    Raises ValidationError if several have the name.
    """
    return one_with_id(runtimes, text) if is_id(text) else one_named(runtimes, text)


def one_with_id(runtimes: Iterable[Runtime], identity: str) -> Runtime | None:
    """The runtime with this id, in any case; None if no runtime has it."""
    return next((runtime for runtime in runtimes if runtime.key == identity.upper()), None)
