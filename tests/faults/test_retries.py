"""A server that is down is not asked a thousand times.

The unit tests of `session` and `outage` decide how often each call is sent.
"""

from __future__ import annotations

import re

import pytest
from simulator.faults import OPERATIONS
from simulator.harness import Simulator
from support.modules import run


def count(sim: Simulator, operation: str) -> int:
    method, path = OPERATIONS[operation]
    return sum(entry["method"] == method and bool(re.fullmatch(path, entry["path"])) for entry in sim.requests())


DOWN = {
    "busy": ({"kind": "status", "status": 429}, 2),
    "busy for an hour": ({"kind": "status", "status": 429, "headers": {"Retry-After": "3600"}}, 1),
    # The server's own error: it does not continue with the write, so one look is enough.
    "unavailable": ({"kind": "error", "status": 503, "number": 16, "message": "Later."}, 2),
}


@pytest.mark.parametrize("fault", DOWN)
def test_few_requests_to_server_that_is_down(sim: Simulator, fault: str) -> None:
    """Two runtimes are created before the outage. They are reported, the others are not tried, nothing is purged."""
    order, attempts = DOWN[fault]
    sim.seed({"name": "Old"})
    sim.fault(operation="create", times=None, skip=2, **order)  # type: ignore[arg-type]
    wanted = [{"name": f"N{number}", "exec_timeout": 60} for number in range(40)]
    ended = run("mstr_runtimes", sim, runtimes=wanted, purge=True, retries=1, concurrency=2)
    assert count(sim, "create") <= 2 + 2 * attempts
    assert count(sim, "delete") == 0
    actions = [entry["action"] for entry in ended.result["runtimes"]]
    assert actions.count("created") == 2
    made = {entry["name"] for entry in ended.result["runtimes"] if entry["action"] == "created"}
    assert {entry["name"] for entry in sim.runtimes()} == {"Old", *made}
    errors = [entry["error"]["msg"] for entry in ended.result["runtimes"] if entry.get("error")]
    assert len(errors) >= 38
    assert sum("not tried, because http" in error for error in errors) >= 34
    assert sim.open_sessions() == []
