"""A plan is checked, approved as a file, and applied: exactly this plan, for each environment by itself."""

from __future__ import annotations

import json
import stat

import pytest
from simulator.harness import Simulator
from support.ansible import APPLY, Play


@pytest.fixture
def three(play: Play, servers: list[Simulator]) -> Play:
    """Three environments that differ from their definitions."""
    play.hosts = {name: play.hosts[name] for name in ("env0", "env1", "env2")}
    play.variables["mstr_runtimes"] = [{"name": "Nightly reports", "exec_timeout": 900}, {"name": "Forecasts"}]
    for server in servers[:3]:
        server.seed({"name": "Nightly reports", "execTimeout": 600})
    return play


def names(server: Simulator) -> list[str]:
    return sorted(runtime["name"] for runtime in server.runtimes())


def test_only_the_approved_plan_is_applied(three: Play, servers: list[Simulator]) -> None:
    """An environment whose plan has changed, or that was not checked, fails and is left alone."""
    path = three.folder / "plan.json"
    checked = three(APPLY, "--limit", "env0,env1", "--check", mstr_plan_dest=path.name)
    assert checked.status == 0, checked.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert three.variables["mstr_password"] not in path.read_text()
    [first, second] = [entry["plan_id"] for entry in json.loads(path.read_text())["environments"]]
    assert f"\nenv0: 1 to create, 1 to update ({servers[0].base_url}, plan {first})\n" in checked.output

    servers[1].seed({"name": "Nightly reports", "execTimeout": 700}, replace=True)  # by somebody else
    applied = three(APPLY, mstr_plan_src=path.name)
    assert applied.status == 2
    assert applied.outcomes == {"env0": "changed", "env1": "failed", "env2": "failed"}
    assert applied.messages()["env1"].splitlines()[:3] == [
        f"The plan is different from the approved one ({second}). Nothing was written. What differs:",
        "approved: 'Nightly reports' differs: exec_timeout 600 → 900",
        "now: 'Nightly reports' differs: exec_timeout 700 → 900",
    ]
    missing = f"mstr_plan_src {path} has no plan for env2, so nothing was changed there."
    assert (applied.messages()["env2"], servers[2].calls()) == (missing, [])
    assert names(servers[0]) == ["Forecasts", "Nightly reports"]
    assert names(servers[1]) == ["Nightly reports"]

    # An empty plan is always allowed: a job that runs again has nothing to do.
    assert three(APPLY, "--limit", "env0", mstr_plan_src=path.name).outcomes == {"env0": "unchanged"}
