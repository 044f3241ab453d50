"""Runs the core of the modules in this process: a real session on a real server, with pauses that a test shortens.

Hundreds of combinations so take seconds. Other tests run whole modules for a few of them.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.definition import Definition, definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.result import report_one
from ansible_collections.mstr.library.plugins.module_utils._model.steps import Step
from ansible_collections.mstr.library.plugins.module_utils._session import session as _session
from ansible_collections.mstr.library.plugins.module_utils._session.call import Call
from ansible_collections.mstr.library.plugins.module_utils._session.connection import connection_from
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Stop
from ansible_collections.mstr.library.plugins.module_utils._session.response import Response
from ansible_collections.mstr.library.plugins.module_utils._session.transport import Http
from ansible_collections.mstr.library.plugins.module_utils._work.api import Context, Inputs, RuntimeApi
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import reconcile
from simulator.harness import Simulator
from support.modules import credentials

# The options of a task that makes each call. A server has the runtime `Old`, with an `exec_timeout` of 600.
OPERATIONS: dict[str, dict[str, Any]] = {
    "login": {"name": "New"},
    "list": {"name": "New"},
    "read": {"name": "Old", "exec_timeout": 60},
    "create": {"name": "New", "exec_timeout": 60},
    "update": {"name": "Old", "exec_timeout": 60},
    "delete": {"name": "Old", "state": "absent"},
    "logout": {"name": "New"},
}
WRITES = {"create": "created", "update": "updated", "delete": "deleted"}


def forget_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove every proxy variable from the environment."""
    for name in ("no_proxy", "http_proxy", "https_proxy", "all_proxy"):
        for spelling in (name, name.upper()):
            monkeypatch.delenv(spelling, raising=False)


class Pauses(Stop):
    """Records each pause, and multiplies its length by `scale`."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.seconds: list[float] = []

    def pause(self, seconds: float, woken: object = None) -> None:
        self.seconds.append(seconds)
        time.sleep(seconds * self.scale)


def _give_up_soon(http: Http, silent: str) -> None:
    """Give up soon on the first call about runtimes with the method `silent`, whose response does not come."""
    send, waiting = http.send, [silent]

    def impatient(call: Call, on_late_response: Any = None) -> Response:
        if call.method in waiting and call.path.startswith("/runtimes"):
            waiting.remove(call.method)
            call = call._replace(timeout=0.3)
        return send(call, on_late_response)

    http.send = impatient  # type: ignore[method-assign]


class Session:
    """The objects that a module works with. As a context manager, it logs out at the end.

    `silent`: the method of a call to which no response comes in time.
    """

    def __init__(self, sim: Simulator, scale: float = 0.0, silent: str = "", **options: Any) -> None:
        self.pauses = Pauses(scale)
        self.warnings: list[str] = []
        self.retries: int = options.get("retries", 3)
        self.session = _session.Session(
            connection_from({**credentials(sim), **options}), self.pauses, self.warnings.append
        )
        _give_up_soon(self.session._http, silent)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.log_out()

    def context(self, *definitions: Definition) -> Context:
        """The context of a task with default options."""
        task = (self.warnings.append, self.pauses.pause, time.monotonic, lambda text: None, self.retries)
        return Context(RuntimeApi(self.session), self.session, Inputs(definitions), *task)

    def ensure(self, **options: Any) -> Step:
        """Do what mstr_runtime does with these options, and return its write."""
        outcome = reconcile(self.context(definition_from(options)))
        [step] = outcome.steps
        report_one(step, outcome.plan_id)
        return step
