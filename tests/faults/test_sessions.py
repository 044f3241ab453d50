"""One session for many tasks, and sessions that end during a task."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.mstr.library.plugins.module_utils._session.connection import connection_from
from ansible_collections.mstr.library.plugins.module_utils._session.session_string import encode
from simulator.harness import Simulator
from support.ansible import Play
from support.modules import Done, Running, run, runtime

from faults.inprocess import session

LOGIN, LOGOUT = "POST /auth/login", "POST /auth/logout"

PLAY = """
- hosts: a
  gather_facts: false
  tasks:
    - name: Log in
      mstr.library.mstr_session:
      register: mstr
      no_log: true
    - name: Many tasks on one session
      module_defaults:
        group/mstr.library.mstr:
          session: "{{ mstr.session }}"
      block:
        - name: Runtimes
          mstr.library.mstr_runtime:
            name: "runtime {{ item }}"
            whitelist: [10.0.0.0/16, 192.168.1.1/32]
          loop: [0, 1, 2, 3]
          register: made
        - name: All of them
          mstr.library.mstr_runtime_info:
          register: found
        - name: Nothing is masked
          ansible.builtin.assert:
            that:
              - made.results | map(attribute='runtime.whitelist') | unique == [['10.0.0.0/16', '192.168.1.1/32']]
              - found.runtimes | map(attribute='name') | select('match', 'runtime') | length == 4
        - name: A task that fails
          mstr.library.mstr_runtime:
            id: "{{ '0' * 32 }}"
            exec_timeout: 1
          when: fails | default(false)
      always:
        - name: Log out
          mstr.library.mstr_session:
            state: absent
            session: "{{ mstr.session }}"
"""


def log_in(sim: Simulator, **options: Any) -> str:
    return str(run("mstr_session", sim, **options).result["session"])


def on(session: str, module: str = "mstr_runtime", **options: Any) -> Done:
    """Run a task with a session and without credentials."""
    return Running(module, {"session": session, **options}).done()


# --- one login and one logout


@pytest.mark.parametrize(("cookie", "fails"), [("none", True), ("fixed", False), ("rotate", False)])
def test_one_login_for_a_play(sim: Simulator, local_newest: Play, cookie: str, fails: bool) -> None:
    sim.reset(load_balancer_cookie=cookie)
    done = local_newest(PLAY, fails=fails)
    assert (done.status == 2) == fails, done.output
    calls = sim.calls()
    assert (calls[0], calls[-1]) == (LOGIN, LOGOUT)
    assert (calls.count(LOGIN), calls.count(LOGOUT)) == (1, 1)
    assert all(entry["cookie"] and entry["token"] for entry in sim.requests()[1:])
    assert sim.open_sessions() == []
    assert "WARNING" not in done.output


@pytest.mark.parametrize("profile", ["samples", "newest", "oldest", "awkward", "strict"])
def test_unchanged_task_sends_two_requests(sim: Simulator, profile: str) -> None:
    sim.reset(profile)
    options = {"whitelist": ["10.0.0.0/16"], "exec_timeout": 600}
    text = log_in(sim)
    identity = on(text, name="New", **options).result["id"]
    sim.clear_requests()
    assert on(text, name="New", **options).result["action"] == "none"
    assert len(sim.calls()) <= 2
    sim.clear_requests()
    assert on(text, id=identity, **options).result["action"] == "none"
    assert sim.calls() == [f"GET /runtimes/{identity}"]


def test_short_cookie_masks_nothing(sim: Simulator) -> None:
    """If a no_log dictionary contained the cookie 1, Ansible would print 10.********.0.0/16."""
    blocks = ["10.1.0.0/16", "192.168.1.1/32", "11.111.1.0/24"]
    session = connection_from({"session": log_in(sim)}).session
    assert session
    digit = ("node", "1", str(session.cookies[0][2]), "/")
    done = on(encode(session._replace(cookies=[*session.cookies, digit])), name="New 1", whitelist=blocks)
    assert "********" not in json.dumps(done.result["runtime"])
    assert done.warnings == []


# --- mstr_session itself


def test_present_ignores_a_session(sim: Simulator) -> None:
    done = run("mstr_session", sim, env={"MSTR_SESSION": "made up"}, session="made up")
    assert (bool(done.result["session"]), sim.calls()) == (True, [LOGIN])


@pytest.mark.parametrize("check_mode", [False, True])
def test_absent(sim: Simulator, check_mode: bool) -> None:
    """It works in check mode, from the environment, and for a session that has already ended."""
    text = str(run("mstr_session", sim, _ansible_check_mode=check_mode).result["session"])
    options = {"state": "absent", "_ansible_check_mode": check_mode}
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


# --- sessions that end during a task


def test_session_on_another_node(sim: Simulator) -> None:
    """If the load balancer accepts only its newest cookie, the second task's session is no longer valid."""
    sim.reset(load_balancer_cookie="rotate_strict")
    text = log_in(sim)
    assert on(text, name="New").result["action"] == "created", "the first task has the newest cookie"
    assert "log in with mstr_session again" in on(text, name="New").sentence
    assert runtime(sim, session=text, name="New").result["action"] == "none"


def test_plays_that_end_each_others_sessions(sim: Simulator) -> None:
    sim.reset(logout_scope="user", latency_ms=15)

    def play(name: str, tasks: int, each: int) -> list[str]:
        actions = []
        for number in range(tasks):
            with session(sim, retries=12) as task:  # the other play logs out 12 times at most
                actions += [task.ensure(name=f"{name} {number}.{part}").action for part in range(each)]
        return actions

    with ThreadPoolExecutor(2) as pool:
        short, long = pool.submit(play, "short", 12, 1), pool.submit(play, "long", 4, 3)
        assert short.result() == long.result() == ["created"] * 12
    assert len(sim.runtimes()) == 24
    assert sim.calls().count(LOGIN) > 12 + 4, "the plays did end each other's sessions"
    assert sim.open_sessions() == []
