"""The lines that a task at -vvv adds to its result, to attach to a bug report."""

from __future__ import annotations

import re

from simulator.harness import Simulator
from support.modules import runtime

EXPECTED = """
POST /api/auth/login 204 (…)
GET /api/runtimes 503 (…, ticket …)
GET /api/runtimes 200 (…, retry 1 of 3 after 503)
POST /api/runtimes no response (…)
GET /api/runtimes 401 (…, ticket …, to find out what POST /api/runtimes did)
POST /api/auth/login 204 (…, again after 401 to GET /api/runtimes)
GET /api/runtimes 200 (…, again after a new login)
GET /api/runtimes/… 200 (…, to find out what POST /api/runtimes did)
POST /api/auth/logout 204 (…)
"""


def test_trace_of_a_task_in_trouble(sim: Simulator) -> None:
    """A busy server, a lost response, and a session that ends: each line says why it is sent."""
    sim.fault("error", operation="list", status=503)
    sim.fault("close", operation="create", done=True)
    sim.fault("session_killed", operation="list", skip=1)
    done = runtime(sim, name="New", exec_timeout=60, _ansible_verbosity=3)
    assert done.result["action"] == "created"
    lines = [re.sub(r"\d+ ms|(?<=ticket )\w+|\b[0-9A-F]{32}\b", "…", line) for line in done.result["trace"]]
    assert lines == EXPECTED.strip().splitlines()
    assert "trace" not in runtime(sim, name="New", _ansible_verbosity=2).result
