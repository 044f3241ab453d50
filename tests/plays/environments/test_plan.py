"""A plan is checked, approved as a file, and applied: exactly this plan, for each environment by itself."""

from __future__ import annotations

import json
import re
import stat
from typing import Any

import pytest
from simulator.harness import Simulator
from support.ansible import APPLY, Play

LIMIT = ("--limit", "env0,env1,env2")


@pytest.fixture
def three(play: Play, servers: list[Simulator]) -> Play:
    """Prepare three environments that differ from their definitions, and a runtime that is not defined."""
    play.variables |= {
        "mstr_runtimes": [{"name": "Nightly reports", "exec_timeout": 900}, {"name": "Forecasts"}],
        "mstr_runtimes_purge": True,
        "mstr_retries": 0,
    }
    for server in servers[:3]:
        server.seed({"name": "Nightly reports", "execTimeout": 600}, {"name": "Old", "description": "of last year"})
    return play


def plan_of(play: Play) -> dict[str, dict[str, Any]]:
    content = json.loads((play.folder / "plan.json").read_text())
    return {environment["environment"]: environment for environment in content["environments"]}


def names(server: Simulator) -> list[str]:
    return sorted(runtime["name"] for runtime in server.runtimes())


def test_only_the_approved_plan_is_applied(three: Play, servers: list[Simulator]) -> None:
    checked = three(APPLY, *LIMIT, "--check", mstr_plan_dest="plan.json")
    assert checked.status == 0, checked.output
    assert stat.S_IMODE((three.folder / "plan.json").stat().st_mode) == 0o600
    plan = plan_of(three)
    counts = {"created": 1, "updated": 1, "deleted": 1, "replaced": 0, "unchanged": 0, "moved": 0, "failed": 0}
    assert plan["env0"]["summary"] == counts
    assert {entry["runtime"] for entry in plan["env0"]["differences"]} == {"Old", "Nightly reports", "Forecasts"}
    assert three.variables["mstr_password"] not in (three.folder / "plan.json").read_text()

    # The console has the id of each plan.
    counts = "1 to create, 1 to update, 1 to delete"
    assert all(f"\n{name}: {counts} (plan {entry['plan_id']})\n" in checked.output for name, entry in plan.items())

    # After the approval, somebody creates a runtime, which would now be purged, too, and somebody edits one.
    servers[1].seed({"name": "Just made"})
    servers[2].seed({"name": "Nightly reports", "execTimeout": 700}, {"name": "Old"}, replace=True)
    held = three(APPLY, *LIMIT, "--check", mstr_plan_src="plan.json")
    assert held.outcomes == {"env0": "drift", "env1": "failed", "env2": "failed"}

    applied = three(APPLY, "--limit", "env0,env1,env2,env3", mstr_plan_src="plan.json")
    assert applied.status == 2
    assert applied.outcomes == {"env0": "changed", **dict.fromkeys(("env1", "env2", "env3"), "failed")}
    missing = f"mstr_plan_src {three.folder}/plan.json has no plan for env3, so nothing was changed there."
    assert (applied.messages()["env3"], servers[3].calls()) == (missing, [])
    different = f"The plan is different from the approved one ({plan['env1']['plan_id']}). Nothing was written."
    assert applied.messages()["env1"].startswith(different)
    remedy = "\nStart the playbook again with --check and mstr_plan_dest, and have the new plan approved."
    assert applied.messages()["env1"].endswith(remedy)
    # What the refused ones would have done is not reported as done.
    assert [line for line in applied.lines() if re.match(r"env[12]: .*\b(created|updated|deleted)\b(?!:)", line)] == []
    assert names(servers[0]) == ["Forecasts", "Nightly reports"]
    assert names(servers[1]) == ["Just made", "Nightly reports", "Old"]
    assert names(servers[2]) == ["Nightly reports", "Old"]

    # A job that runs again has nothing to do; what a run left undone is a different plan.
    nightly = {
        "name": "Nightly reports",
        "id": next(entry["id"] for entry in plan["env1"]["differences"] if entry["runtime"] == "Nightly reports"),
        "execTimeout": 600,
    }
    servers[1].seed(nightly, {"name": "Forecasts"}, replace=True)
    again = three(APPLY, "--limit", "env0,env1", mstr_plan_src="plan.json")
    assert again.outcomes == {"env0": "unchanged", "env1": "failed"}
