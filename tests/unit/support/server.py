# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small model of a server: stores what it is sent. Stands in for the session below RuntimeApi."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import Definition
from ansible_collections.mstr.library.plugins.module_utils._model.entry import Entry, report_one
from ansible_collections.mstr.library.plugins.module_utils._session.response import ANYTHING, Shape
from ansible_collections.mstr.library.plugins.module_utils._work.api import Context, RuntimeApi
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import reconcile

from .make import DEFAULT_ID, URL, refusal, stored


@dataclass
class Fault:
    """What happens to the next call of a method. `done`: the work is done all the same, `late`: after two pauses."""

    method: str
    error: MstrError | None
    done: bool = False
    late: bool = False
    meanwhile: Callable[[], Any] | None = None


class Server:
    """`requests` holds every call as "METHOD /path", `sent` the body of every write."""

    base_url = URL

    def __init__(self, *runtimes: dict[str, Any], versions: list[str] | None = None, unique: bool = False) -> None:
        self.runtimes = {one["id"]: copy.deepcopy(one) for one in runtimes}
        # The built-in runtime, which every list shows; None: no list shows one.
        self.default: dict[str, Any] | None = stored(id=DEFAULT_ID, name="(Default) MicroStrategy")
        self.versions = versions
        self.unique = unique
        self.alter: Callable[[dict[str, Any]], None] = lambda one: None  # what the server makes of a write
        self.listed: Callable[[dict[str, Any]], dict[str, Any]] = lambda one: one  # what the list shows of one
        self.hides: Callable[[dict[str, Any]], bool] = lambda one: False  # what the list does not show at all
        self.requests: list[str] = []
        self.sent: list[Any] = []
        self.params: list[Any] = []
        self.warnings: list[str] = []
        self.pauses: list[float] = []
        self._faults: list[Fault] = []
        self._late: list[Callable[[], Any]] = []

    def context(self, **how: Any) -> Context:
        """The context of a task; `how`: what differs from that of a task with default options."""
        common = Context(
            api=RuntimeApi(self),  # type: ignore[arg-type]
            warn=self.warnings.append,
            pause=self.pause,
            clock=lambda: 0.0,
            progress=lambda text: None,
            retries=3,
            concurrency=1,
        )
        return common._replace(**how)

    def ensure(self, definition: Definition, **how: Any) -> Entry:
        """What mstr_runtime does; raises the error with which it fails."""
        [entry] = reconcile(self.context(**how), [definition])
        report_one(entry)
        return entry

    def fail(self, method: str, error: MstrError | None = None, **how: Any) -> None:
        self._faults.append(Fault(method, error, **how))

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if self._late and len(self.pauses) >= 2:
            self._late.pop(0)()

    @property
    def writes(self) -> list[str]:
        return [one for one in self.requests if not one.startswith("GET ")]

    @property
    def names(self) -> list[str]:
        return sorted(one["name"] for one in self.runtimes.values())

    def get(
        self, path: str, params: Any = None, *, doing: str = "read", kind: str = "read", shape: Shape = ANYTHING
    ) -> Any:
        return shape.check(self._call("GET", path, None), doing, URL, f"GET /api{path}")

    def send(self, method: str, path: str, body: Any = None, *, doing: str, params: Any = None) -> Any:
        self.sent.append(copy.deepcopy(body))
        self.params.append(params)
        return self._call(method, path, copy.deepcopy(body))

    def _call(self, method: str, path: str, body: Any) -> Any:
        self.requests.append(f"{method} {path}")
        fault = next((one for one in self._faults if one.method == method), None)
        if fault is None:
            return self._work(method, path, body)
        self._faults.remove(fault)
        if fault.meanwhile:
            fault.meanwhile()
        if fault.late:
            self._late.append(lambda: self._work(method, path, body))
        elif fault.done or fault.error is None:
            done = self._work(method, path, body)
            if fault.error is None:
                return done
        raise fault.error  # type: ignore[misc]

    def _work(self, method: str, path: str, body: Any) -> Any:
        identity = path[1:].partition("/")[2]
        if identity.upper() in self.runtimes:
            identity = identity.upper()
        if method == "POST":
            return self._create(body)
        if not identity:
            there = list(self.runtimes.values())
            if self.default and self.default["id"] not in self.runtimes:
                there.append(self.default)
            listed = [self.listed(one) for one in there if not self.hides(one)]
            return copy.deepcopy({"runtimes": listed})
        if identity == "versions" and self.versions is not None:
            return {"versions": self.versions}
        if identity not in self.runtimes:
            raise refusal(404, "ERR004", "no such object", f"{method} /api{path}")
        if method == "DELETE":
            del self.runtimes[identity]
            return None
        if method == "PATCH":
            self._store(self.runtimes[identity], body)
            return None
        return copy.deepcopy(self.runtimes[identity])

    def _create(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.unique and body["name"] in self.names:
            raise refusal(400, "ERR0015", "An object of that name exists")
        identity = f"{len(self.runtimes) + 1:032X}"
        self.runtimes[identity] = {"id": identity}
        self._store(self.runtimes[identity], body)
        return {"id": identity}

    def _store(self, one: dict[str, Any], body: dict[str, Any]) -> None:
        one.update({key: value for key, value in body.items() if key != "changeJournal"})
        self.alter(one)
