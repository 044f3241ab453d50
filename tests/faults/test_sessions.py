"""One session for many tasks, and sessions that end during a task."""

from __future__ import annotations

from typing import Any

import pytest
from simulator.harness import Simulator
from support.modules import Done, Running, run, runtime

LOGIN, LOGOUT = "POST /auth/login", "POST /auth/logout"


def log_in(sim: Simulator, **options: Any) -> str:
    return str(run("mstr_session", sim, **options).result["session"])


def on(session: str, module: str = "mstr_runtime", **options: Any) -> Done:
    """Run a task with a session and without credentials."""
    return Running(module, {"session": session, **options}).done()


def test_one_login_for_many_tasks(sim: Simulator) -> None:
    sim.reset(load_balancer_cookie="rotate")
    text, networks = log_in(sim), ["10.0.0.0/16", "192.168.1.1/32"]
    for number in range(2):
        done = on(text, name=f"runtime {number}", whitelist=networks)
        assert (done.result["runtime"]["whitelist"], done.warnings) == (networks, [])
    assert on(text, id="0" * 32, exec_timeout=1).status == 1
    assert on(text, "mstr_session", state="absent").status == 0
    calls = sim.calls()
    assert (calls[0], calls[-1]) == (LOGIN, LOGOUT)
    assert (calls.count(LOGIN), calls.count(LOGOUT)) == (1, 1)
    assert all(entry["cookie"] and entry["token"] for entry in sim.requests()[1:])
    assert sim.open_sessions() == []


def test_absent(sim: Simulator) -> None:
    """It works in check mode, from the environment, and for a session that has already ended."""
    text = str(run("mstr_session", sim, _ansible_check_mode=True).result["session"])
    options = {"state": "absent", "_ansible_check_mode": True}
    for message in (f"Logged out of {sim.base_url}.", f"The session on {sim.base_url} had already ended."):
        done = Running("mstr_session", options, env={"MSTR_SESSION": text}).done()
        assert (done.status, done.result["changed"], done.warnings) == (0, False, [])
        assert done.result["msg"] == message
        assert sim.open_sessions() == []


def test_delegated_session_left_open(sim: Simulator) -> None:
    """With delegated_logout=shared, a logout would also end the session of the user who created the token."""
    sim.reset(delegated_logout="shared")
    giver = sim.open_session()
    login = {"base_url": sim.base_url, "identity_token": giver["identity_token"]}
    text = str(Running("mstr_session", login).done().result["session"])
    assert on(text, name="New").result["action"] == "created"
    done = on(text, "mstr_session", state="absent")
    assert "open" in done.result["msg"]
    assert giver["session"] in [opened["number"] for opened in sim.open_sessions()]
    sim.clear_requests()
    assert Running("mstr_runtime", {**login, "name": "New"}).done().result["action"] == "none"
    assert LOGOUT not in sim.calls()


def test_session_on_another_node(sim: Simulator) -> None:
    """If the load balancer accepts only its newest cookie, the second task's session is no longer valid."""
    sim.reset(load_balancer_cookie="rotate_strict")
    text = log_in(sim)
    assert on(text, name="New").result["action"] == "created", "the first task has the newest cookie"
    assert "log in with mstr_session again" in on(text, name="New").sentence
    assert runtime(sim, session=text, name="New").result["action"] == "none"


@pytest.mark.parametrize(
    ("switch", "value"), [("sessions_parallel", "refuse"), ("load_balancer_cookie", "rotate_strict")]
)
def test_one_request_at_a_time(sim: Simulator, switch: str, value: str) -> None:
    """A server that refuses parallel requests of a session, or rotates its cookie: few requests are repeated."""
    sim.reset("samples", latency_ms=10, **{switch: value})
    sim.seed(*({"name": f"runtime {number}"} for number in range(19)))
    assert len(run("mstr_runtime_info", sim).result["runtimes"]) == 20
    assert len([entry for entry in sim.requests() if entry["status"] in (401, 429)]) <= 6
    assert sim.calls().count(LOGIN) <= 2
