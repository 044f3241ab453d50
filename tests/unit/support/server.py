"""The simulator's core in memory, below a session: calls become calls of the core, without a socket."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Coroutine, Iterator, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from threading import Lock
from types import SimpleNamespace
from typing import Any

import simulator.server
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import Definition
from ansible_collections.mstr.library.plugins.module_utils._model.result import report_one
from ansible_collections.mstr.library.plugins.module_utils._session import call as _call
from ansible_collections.mstr.library.plugins.module_utils._session.response import Response
from ansible_collections.mstr.library.plugins.module_utils._session.session import Session
from ansible_collections.mstr.library.plugins.module_utils._session.session_string import SessionString
from ansible_collections.mstr.library.plugins.module_utils._work.api import Context, Inputs, RuntimeApi
from ansible_collections.mstr.library.plugins.module_utils._work.inputs import context_for
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import reconcile
from simulator.fields import RUNTIME_FIELDS
from simulator.messages import Call, Reply
from simulator.users import STANDARD

from .make import URL, PatientStop, connection

# A release that has no call for the Python versions, and accepts any. A test changes the switches that it is about.
SWITCHES = {"list_omits": "", "versions_call": "as_id"}
NO_INPUTS = Inputs(())
# The options of a task that a context is made of.
DEFAULTS = {"retries": 3, "plan_id": None}


def answer(work: Coroutine[Any, Any, Reply]) -> Reply:
    """The reply of the core, which waits for nothing unless a switch says so."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    raise AssertionError("the core waits")


class Runtimes(MutableMapping[str, dict[str, Any]]):
    """The fields of each runtime by its id, for tests to read and change. The built-in one is left out."""

    def __init__(self, core: simulator.server.Server) -> None:
        self._runtimes = core.runtimes
        [self._built_in] = core.runtimes

    def _by_id(self) -> dict[str, Any]:
        return {runtime.id: runtime for runtime in self._runtimes if runtime is not self._built_in}

    def __getitem__(self, identity: str) -> dict[str, Any]:
        return self._by_id()[identity].values  # type: ignore[no-any-return]

    def __setitem__(self, identity: str, fields: Mapping[str, Any]) -> None:
        self._runtimes.seed({**copy.deepcopy(dict(fields)), "id": identity})

    def __delitem__(self, identity: str) -> None:
        self._runtimes.remove(self._by_id()[identity])

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id())

    def __len__(self) -> int:
        return len(self._by_id())


@dataclass
class Fault:
    """What happens to the next call of a method. `done`: the work is done all the same, `late`: after two pauses."""

    method: str
    error: MstrError | None
    done: bool = False
    late: bool = False
    meanwhile: Callable[[], Any] | None = None


class Server:
    """A server, a session on it, and what a task needs besides. `switches`: of the simulator.

    `requests` holds every call as "METHOD /path"; `sent`, `params` and `kinds` hold what each write has besides.
    """

    def __init__(self, *runtimes: dict[str, Any], **switches: Any) -> None:
        self.core = simulator.server.Server("samples", {**SWITCHES, **switches})
        self.runtimes = Runtimes(self.core)
        for runtime in runtimes:
            self.add(runtime)
        self.alter: Callable[[dict[str, Any]], None] = lambda entry: None  # what the server makes of a write
        self.rewrite: Callable[[str, Any], Any] = lambda call, data: data  # what it returns
        self.tried: list[str] = []  # the runtimes on which code ran
        self.code = ""  # what ran last
        self.code_status = 3  # how it ends: 3 is "ready", 4 an error
        self.printed: dict[str, str] = {}  # what it prints, by the id of the runtime
        self.ignores: str | None = None  # the method of the calls that have no effect
        self.refusals: dict[str, MstrError] = {}  # by "METHOD /path", or by this and the id of the project
        self.requests: list[str] = []
        self.sent: list[Any] = []
        self.params: list[Any] = []
        self.kinds: list[str] = []
        self.warnings: list[str] = []
        self.pauses: list[float] = []
        self._faults: list[Fault] = []
        self._late: list[Callable[[], Any]] = []
        self._turn = Lock()
        opened = self.core.sessions.start(self.core.users["admin"], STANDARD)
        self._cookies = {"JSESSIONID": opened.cookie}
        session = SessionString(URL, opened.token, [])
        self.session = Session(connection()._replace(login=None, session=session), PatientStop(), self.warnings.append)
        self.session._http = self  # type: ignore[assignment]
        self.api = RuntimeApi(self.session)

    def task(self, check_mode: bool = False, **options: Any) -> SimpleNamespace:
        """A task with these options, and with the defaults of the others."""
        return SimpleNamespace(
            session=self.session,
            stop=SimpleNamespace(pause=self.pause),
            params={**DEFAULTS, **options},
            check_mode=check_mode,
            warn=self.warnings.append,
            progress=lambda text: None,
        )

    def context(self, inputs: Inputs = NO_INPUTS, **how: Any) -> Context:
        """The context of a task; `how`: its options, or fields of its inputs or of the context."""
        options = {name: how.pop(name) for name in (*DEFAULTS, "check_mode") if name in how}
        given = {name: how.pop(name) for name in Inputs._fields if name in how}
        inputs = inputs._replace(plan_id=options.get("plan_id"), **given)
        context = context_for(self.task(**options), inputs)
        return context._replace(**{"api": self.api, "clock": count().__next__, **how})

    def ensure(self, definition: Definition, **how: Any) -> dict[str, Any]:
        """The result of mstr_runtime; raises the error with which it fails."""
        outcome = reconcile(self.context(Inputs([definition]), **how))
        [step] = outcome.steps
        return report_one(step, outcome.plan_id, outcome.refusal)

    def add(self, fields: Mapping[str, Any]) -> str:
        """What another client creates; returns its id."""
        return self.core.runtimes.seed(copy.deepcopy(dict(fields)))

    def fail(self, method: str, error: MstrError | None = None, *, turn: int = 1, times: int = 1, **how: Any) -> None:
        """The call of this method whose turn it is, from 1, after those with an earlier fault; and the next ones."""
        faults = [Fault(method, error, **how) for _time in range(times)]
        self._faults += [Fault(method, None)] * (turn - 1) + faults

    def change_answer(self, call: str, change: Callable[[Any], Any]) -> None:
        """What the server returns of the call "METHOD /path" is changed."""
        self.rewrite = lambda asked, data: change(data) if asked == call else data

    def switch(self, **values: Any) -> None:
        self.core.switches.set(values)

    def list_only(self, *names: str) -> None:
        """The list has these fields of a runtime, and no others."""
        self.switch(list_omits=[name for name in RUNTIME_FIELDS if name not in names])

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if self._late and len(self.pauses) >= 2:
            self._late.pop(0)()

    @property
    def writes(self) -> list[str]:
        return [call for call in self.requests if not call.startswith("GET ") and "/metadataSearches/" not in call]

    @property
    def names(self) -> list[str]:
        return sorted(runtime["name"] for runtime in self.runtimes.values())

    def seed_projects(self, *projects: dict[str, Any]) -> Server:
        """These are all projects. Returns the server."""
        self.core.projects.clear()
        for project in projects:
            self.core.projects.seed(project)
        return self

    def seed_scripts(self, **runtimes: str | None) -> Server:
        """A project with scripts, by name: the id of the runtime that each uses. Returns the server."""
        scripts = [{"name": name, "id": name, "runtime": identity} for name, identity in runtimes.items()]
        return self.seed_projects({"name": "Sales", "id": "5A" * 16, "scripts": scripts})

    @property
    def scripts(self) -> dict[str, str | None]:
        """The id of the runtime that each script uses, by the script's name."""
        return {script.name: script.runtime for project in self.core.projects for script in project.scripts}

    @property
    def id(self) -> str:
        [identity] = self.runtimes
        return identity

    # What the session uses of Http

    secrets: frozenset[str] = frozenset()
    given_up = serialized = False

    def send(self, sent: _call.Call, on_late_response: object = None) -> Response:
        name = f"{sent.method} {sent.path}"
        self.requests.append(name)
        if sent.method != "GET":
            self.sent.append(copy.deepcopy(sent.json))
            self.params.append(sent.params)
            self.kinds.append(sent.kind)
        fault = self._next_fault(sent.method)
        if fault.meanwhile:
            fault.meanwhile()
        refused = self.refusals.get(name) or self.refusals.get(f"{name} {sent.headers.get('X-MSTR-ProjectID')}")
        if refused:
            raise refused
        if fault.late:
            self._late.append(partial(self._work, sent))
        elif fault.done or fault.error is None:
            response = self._work(sent)
            if fault.error is None:
                return response
        raise fault.error  # type: ignore[misc]

    def send_last(self, sent: _call.Call) -> Response:
        return self.send(sent._replace(timeout=5.0))

    def _next_fault(self, method: str) -> Fault:
        place = next((place for place, entry in enumerate(self._faults) if entry.method == method), None)
        return Fault(method, None) if place is None else self._faults.pop(place)

    def _work(self, sent: _call.Call) -> Response:
        method, path, name = sent.method, sent.path, f"{sent.method} {sent.path}"
        if path.startswith("/scripts/evaluation"):
            reply = Reply(200, self._evaluated(sent))
        else:
            query = {key: str(value) for key, value in (sent.params or {}).items()}
            call = Call(method, path, query, sent.headers, self._cookies, json.dumps(sent.json).encode())
            with self._turn:
                reply = Reply(204) if method == self.ignores else answer(self.core.handle(call))
        if reply.status < 300:
            if method in ("POST", "PATCH") and method != self.ignores and path.startswith("/runtimes"):
                identity = path.rpartition("/")[2].upper() if method == "PATCH" else reply.payload["id"]
                self.alter(self.runtimes[identity])
            reply.payload = self.rewrite(name, reply.payload)
        return Response(f"{method} /api{path}", reply.status, reply.headers, reply.body(), self.secrets)

    def _evaluated(self, sent: _call.Call) -> dict[str, Any]:
        """What a script returns. The core would run it in a process of its own, which takes half a second."""
        identity = sent.path.rpartition("/")[2]
        if sent.method == "POST":
            identity = (sent.json or {}).get("scriptRuntimeId")
            self.tried.append(identity)
            self.code = base64.b64decode((sent.json or {})["scriptContent"]).decode()
        streams = {"stderr": "ValueError: no", "stdout": self.printed.get(identity, "")}
        return {"id": identity or "E" * 32, "status": self.code_status, "results": streams}


class Killed(Exception):
    """The end of a process, between two requests."""


def killed_before(have: Server, number: int, run: Callable[[], Any]) -> None:
    """A run that ends before its request with this number, from 0."""
    left, real = iter(range(number)), have.send

    def send(*args: Any, **more: Any) -> Response:
        if next(left, None) is None:
            raise Killed
        return real(*args, **more)

    have.send = send  # type: ignore[method-assign]
    with suppress(Killed):
        run()
    have.send = real  # type: ignore[method-assign]


def end_early(have: Server, end: Any, run: Callable[[], Any]) -> Any:
    """A run that is killed before its request number `end`, or that meets a fault: method, turn, error, done."""
    if isinstance(end, int):
        return killed_before(have, end, run)
    method, turn, error, done = end
    done = done and method != "GET" and bool(error.outcome_unknown)
    have.fail(method, error, turn=turn, done=done)
    result = run()
    have._faults.clear()
    return result
