"""Nothing is created with an empty whitelist under a policy with networks, whichever way it comes in."""

from __future__ import annotations

from typing import Any

import pytest
from simulator.harness import Simulator
from support.ansible import APPLY, EXPORT, Play, play_of

POLICY = {"networks_within": ["10.0.0.0/8"]}
EMPTY = [{"name": "Omitted"}, {"name": "Empty", "whitelist": []}]
GOOD = {"name": "Good", "whitelist": ["10.1.0.0/16"]}
REFUSED = "it is not documented whether scripts then reach nothing or everything"
ROLE = {"ansible.builtin.include_role": {"name": "mstr.library.runtimes"}}


@pytest.fixture
def env0(play: Play) -> Play:
    play.hosts = {"env0": play.hosts["env0"]}
    play.variables["mstr_runtimes_policy"] = POLICY
    return play


def options_of(sim: Simulator, **more: Any) -> dict[str, Any]:
    login = {"base_url": sim.base_url, "username": sim.username, "password": sim.password}
    return {**login, "policy": POLICY, **more}


@pytest.mark.parametrize("entry", EMPTY, ids=lambda entry: str(entry["name"]))
@pytest.mark.parametrize("by", ["task", "many", "src", "role", "apply", "file"])
def test_an_empty_whitelist_is_refused(env0: Play, servers: list[Simulator], way: str, entry: Any, by: str) -> None:
    """In one task with a good definition, which is not created either."""
    env0.write("runtimes.json", [GOOD, entry])
    src = str(env0.folder / "runtimes.json")
    playbooks: dict[str, Any] = {
        "task": play_of({"mstr.library.mstr_runtime": options_of(servers[0], **entry)}, host="env0"),
        "many": play_of({"mstr.library.mstr_runtimes": options_of(servers[0], runtimes=[GOOD, entry])}, host="env0"),
        "src": play_of({"mstr.library.mstr_runtimes": options_of(servers[0], src=src)}, host="env0"),
        "role": play_of(ROLE, host="env0"),
    }
    variables = {"mstr_runtimes_src": src} if by == "file" else {"mstr_runtimes": [GOOD, entry]}
    played = env0(playbooks.get(by, APPLY), **(variables if by in ("role", "apply", "file") else {}))
    assert REFUSED in played.text
    assert played.status == 2
    assert servers[0].runtimes() == []


def test_an_export_that_is_applied(env0: Play, servers: list[Simulator], way: str) -> None:
    """It has what the server had, which the policy of another environment refuses."""
    servers[0].seed({"name": "Empty", "whitelist": []}, {"name": "Never set"})
    assert env0(EXPORT).status == 0
    servers[0].reset("newest")
    played = env0(APPLY, mstr_runtimes_src=str(env0.folder / "env0.runtimes.yml"))
    assert REFUSED in played.text
    assert servers[0].runtimes() == []
