# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records how a server answers a fixed sequence of calls, and deletes what the calls created.

All runtimes of a probe have one name with random characters. Only a list that shows this name proves that a runtime is
one of them, so no response to a create can lead to a runtime of somebody else, and a lost response makes no difference.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from .._errors import ConnectError, Interrupted, MstrError, as_mstr_error
from .._model.runtime import DEFAULT_RUNTIME_ID
from .._model.scripts import excerpt
from .._session.interrupt import Stop
from .._session.poll import Rhythm, poll
from .._session.response import LIST_WITH_IDS, Response, id_in, list_of
from .._session.session import Session
from .._text import counted, listed, with_full_stop
from .._work.script_usage import SEARCHES, start_search
from .._work.write import PAUSES
from .shape import SCHEMA_PATH, recorded, recorded_without_response, schema_of

PREFIX = "mstr-library-probe-"
_RUNTIMES = "/runtimes"
_PROBE_NAME = re.compile(f"{PREFIX}[0-9a-f]{{8}}")
# A network for documentation (RFC 5737), and a small package that needs no other.
_DEFINITION: Mapping[str, Any] = {
    "description": "",
    "whitelist": ["192.0.2.0/24"],
    "packages": [{"name": "six", "version": "", "description": ""}],
    "resource": {"cpu": "0.2", "mem": 512},
    "execTimeout": 600,
}
_CHANGES: Mapping[str, Any] = {"description": "Created by mstr_probe", "whitelist": ["192.0.2.0/25"]}
_PENDING = {"busy", "installing", "unknown"}  # statuses [doc]
_RHYTHM = Rhythm(timeout=60.0, first=1.0, longest=10.0, growth=1.5)
_LAST_CHECKS = (0.0, 1.0, 1.0)  # seconds before each check for what is left, after a failure or a signal
_ADVICE = "Delete it with mstr_runtime, its id and state: absent."


_OF_RUNTIMES = {"type": 80}  # objects that are runtimes
# The keys of an entry of rights in an update that changes nothing, with those of an entry that was read [doc].
_AS_WRITTEN = {key: key for key in ("rights", "inheritable", "type")} | {"trustee": "trusteeId", "denied": "deny"}


class Probe:
    """The calls of one probe. `calls`: what was recorded of each. `clock` returns seconds."""

    def __init__(self, session: Session, stop: Stop, clock: Callable[[], float]) -> None:
        self._session, self._stop, self._clock = session, stop, clock
        self._send: Callable[..., Any] = session.send
        self.calls: list[Mapping[str, Any]] = []
        self.schema: Mapping[str, Any] | None = None  # what is kept of the server's own
        self.name = PREFIX + secrets.token_hex(4)
        self.created = 0  # runtimes that the server has created, or may have
        self._seen: set[str] = set()  # the ids of those that a list has shown
        self._remaining: list[str] | None = None  # those that the last list has shown; None without a list
        session.observe(lambda response, milliseconds: self.calls.append(recorded(response, milliseconds)))

    def read(self) -> list[str]:
        """Log in, and send the calls that change nothing. What earlier probes left on the server: names with ids.

        Raises MstrError if the login is refused.
        """
        self._session.snapshot()
        status = {"operation": "read the releases", "renews": False}
        self._attempt("GET /api/status", self._session.request, "GET", "/status", **status)
        self.schema = schema_of(self._get(SCHEMA_PATH))
        self._get(f"{_RUNTIMES}/versions")
        names = self._names() or {}
        self._get(f"{_RUNTIMES}/{DEFAULT_RUNTIME_ID}")
        for project in (self._get("/projects", shape=LIST_WITH_IDS) or [])[:1]:
            self._search(str(project["id"]))
        return [f"{name!r} ({identity})" for identity, name in names.items() if _PROBE_NAME.fullmatch(name)]

    def write(self) -> None:
        """Create a runtime, change it, create another one of its name, and wait until the first one is ready."""
        self._create(_DEFINITION)
        if not self.created:
            return
        ours = self._ours()
        if not ours:
            return
        path = f"{_RUNTIMES}/{ours[0]}"
        body, operation = {"name": self.name, **_CHANGES}, "update the runtime of the probe"
        self._get(path)
        self._attempt(f"PATCH /api{path}", self._send, "PATCH", path, body, operation=operation)
        self._rewrite_rights(ours[0], self._get(path))
        self._create({"execTimeout": 600})
        if not self._is_settled(path):
            poll(partial(self._is_settled, path), _RHYTHM, self._clock, self._stop.pause)

    def _rewrite_rights(self, identity: str, read: Any) -> None:
        """Write the rights of the runtime as they are. Nobody knows whether a server does that for runtimes."""
        path = f"/objects/{identity}"
        self._get(path, params=_OF_RUNTIMES)
        acl = read.get("acl") if isinstance(read, Mapping) else None
        entries = [excerpt(entry, **_AS_WRITTEN) for entry in acl] if isinstance(acl, list) else []
        body = {"acl": [{"op": "REPLACE", **entry} for entry in entries if entry]}
        options = {"operation": "write the rights of the runtime", "params": _OF_RUNTIMES}
        self._attempt(f"PUT /api{path}", self._send, "PUT", path, body, **options)

    def clean_up(self, at_last: bool = False) -> list[str]:
        """Delete the runtimes of this probe; a sentence for each that may be left. Raises Interrupted.

        `at_last`: after a failure or a signal. Each call has 5 s, and little time is left to look for what is missing.
        """
        self._send = self._session.last_request if at_last else self._session.send
        pause = time.sleep if at_last else self._stop.pause
        for seconds in _LAST_CHECKS if at_last else (0.0, *PAUSES):
            if not self._is_clean:
                pause(seconds)
                with self._session.despite_outage("to delete what the probe created"):
                    self._delete_listed()
        if self._is_clean:
            return []
        runtime, identities = f"The runtime {self.name!r}", self._remaining or ()
        remaining = [f"{runtime} ({identity}) is left on the server. {_ADVICE}" for identity in identities]
        return remaining or [f"{runtime} may be left on the server. {_ADVICE}"]

    @property
    def _is_clean(self) -> bool:
        """Whether each runtime that was created has been seen, and the last list shows none of them any more."""
        return not self.created or (self._remaining == [] and len(self._seen) >= self.created)

    def _delete_listed(self) -> None:
        self._remaining = self._ours()
        for identity in self._remaining or ():
            path = f"{_RUNTIMES}/{identity}"
            operation = "delete the runtime of the probe"
            self._attempt(f"DELETE /api{path}", self._send, "DELETE", path, operation=operation)

    def _create(self, definition: Mapping[str, Any]) -> None:
        body = {"name": self.name, **definition}
        self.created += 1
        try:
            self._send("POST", _RUNTIMES, body, operation="create a runtime", on_late_response=self._note_late_refusal)
        except Interrupted as exc:
            self.created -= not exc.outcome_unknown
            raise
        except MstrError as exc:
            # A page with 200 may come from a gateway, in front of a server that did the work.
            if not exc.outcome_unknown and exc.error["http_status"] != 200:
                self.created -= 1
            self._note(f"POST /api{_RUNTIMES}", exc)

    def _note_late_refusal(self, response: Response) -> None:
        """Of a create, after a signal."""
        if 300 <= response.status < 500:
            self.created -= 1

    def _is_settled(self, path: str) -> bool:
        """Whether a read shows that the runtime is ready, or will not be."""
        data = self._get(path)
        text = json.dumps(data)
        return data is not None and not any(f'"{status}"' in text for status in _PENDING)

    def _search(self, project: str) -> None:
        """Search for scripts with the call of newer releases, and with that of older ones; read two, and a task."""
        scripts: list[str] = []
        for version, path in SEARCHES.items():
            started = self._attempt(f"POST /api{path}", start_search, self._session, version, project, "search")
            if started:
                params = {"searchId": str(started["id"]), "offset": 0, "limit": 10}
                found = self._get(SEARCHES[1], params=params, project=project, shape=LIST_WITH_IDS) or []
                scripts = scripts or [str(entry["id"]) for entry in found[:2]]
        self._get("/tasks", params={"type": "script", "allProjects": "true", "limit": 1}, project=project)
        if scripts:
            self._get("/scripts", params={"ids": ",".join(scripts)}, project=project)
            self._get("/scripts/history", params={"scriptids": ",".join(scripts)}, project=project)

    def _ours(self) -> list[str] | None:
        """The ids of the runtimes of this probe; None if the runtimes could not be listed."""
        names = self._names()
        if names is None:
            return None
        ours = [identity for identity, name in names.items() if name.strip().casefold() == self.name]
        self._seen.update(ours)
        return ours

    def _names(self) -> dict[str, str] | None:
        """The names of all runtimes by id; None if they could not be listed."""
        options = {"operation": "list the runtimes", "shape": list_of("runtimes")}
        data = self._attempt(f"GET /api{_RUNTIMES}", self._send, "GET", _RUNTIMES, **options)
        if data is None:
            return None
        return {str(entry["id"]): str(entry.get("name")) for entry in data["runtimes"] if id_in(entry)}

    def _get(self, path: str, **options: Any) -> Any:
        return self._attempt(f"GET /api{path}", self._session.get, path, **options)

    def _attempt(self, request: str, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """What the call returns; None if it failed, which the record shows. Raises Interrupted."""
        try:
            return call(*args, **options)
        except MstrError as exc:
            self._note(request, exc)
        return None

    def _note(self, request: str, error: MstrError) -> None:
        """Record a call to which no response came. Those with a response are recorded when it comes."""
        if isinstance(error, ConnectError):
            self.calls.append(recorded_without_response(request))


def probe(run: Probe, check_mode: bool, warn: Callable[[str], None]) -> dict[str, Any]:
    """The result. Raises MstrError if the login is refused or the task must end."""
    try:
        earlier = run.read()
        if earlier:
            warn(f"Runtimes of an earlier probe are on the server: {listed(earlier)}. {_ADVICE}")
        if not check_mode:
            run.write()
        remaining = run.clean_up()
    except Exception as exc:
        error = exc.during("the server was recorded") if isinstance(exc, Interrupted) else as_mstr_error(exc)
        remaining = run.clean_up(at_last=True) or ["Nothing of the probe is left on the server."]
        raise MstrError(" ".join([with_full_stop(error.sentence), *remaining]), **error.error) from exc
    for sentence in remaining:
        warn(sentence)
    only_reads = " Check mode sends only reads." if check_mode else ""
    return {
        "changed": check_mode or run.created > 0,
        "msg": f"Recorded {counted(len(run.calls), 'call')}.{only_reads}",
        "record": {"calls": list(run.calls), "schema": run.schema},
    }
