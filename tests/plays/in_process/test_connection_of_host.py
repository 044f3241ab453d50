"""The connection of a task comes from the variables of its host: in process, as a module, and in a module of one's own.

Unit tests have the rules of precedence.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from simulator.harness import Simulator
from support.ansible import LOCAL, Play, play_of

OWN_MODULE = """
from ansible_collections.mstr.library.plugins.module_utils import auth

auth.run(auth.argument_spec(), lambda task, _request: {"base_url": task.params["base_url"]})
"""
OWN_ACTION = """
from ansible_collections.mstr.library.plugins.plugin_utils import action

class ActionModule(action.ActionModule): ...
"""


def info(**more: Any) -> dict[str, Any]:
    return {"name": "Ask", "mstr.library.mstr_info": {}, **more}


@pytest.fixture
def two(servers: list[Simulator], core: Path, tmp_path: Path) -> Play:
    """Two hosts, each with its own server. No environment variable helps."""
    hosts = {name: {"address": sim.base_url} for name, sim in zip("ab", servers, strict=False)}
    login = {"mstr_username": servers[0].username, "mstr_password": "{{ mstr_secret }}"}
    templates = {
        "mstr_base_url": "{{ address }}",
        "mstr_secret": servers[0].password,
        "mstr_timeout": "",
        "mstr_retries": None,
    }
    return Play(tmp_path, core, hosts=hosts, variables={**LOCAL, **login, **templates})


def addresses(play: Play, playbook: list[Any], **variables: Any) -> list[str]:
    """The servers that the tasks asked, one for each result."""
    played = play(playbook, **variables)
    assert played.status == 0, played.output
    results = [note["result"] for note in played.notes() if note["event"] in ("ok", "item ok")]
    return [result["server"]["base_url"] for result in results if "server" in result]


@pytest.mark.parametrize("in_process", [True, False])
def test_each_way_to_run_a_task(two: Play, servers: list[Simulator], in_process: bool) -> None:
    """With `delegate_to`, the variables stay those of the inventory's host."""
    a, b = (server.base_url for server in servers[:2])
    found = addresses(two, play_of(info(), host="all"), mstr_in_process=in_process)
    assert sorted(found) == sorted([a, b])
    assert addresses(two, play_of(info(delegate_to="b")), mstr_in_process=in_process) == [a]
    assert addresses(two, play_of(info(run_once=True), host="all"), mstr_in_process=in_process) == [a]
    looped = info(loop=[a, b], vars={"mstr_base_url": "{{ item }}"})
    assert addresses(two, play_of(looped), mstr_in_process=in_process)[:2] == [a, b]
    assert [server.open_sessions() for server in servers[:2]] == [[], []]


def test_ad_hoc(two: Play, servers: list[Simulator]) -> None:
    command = [two.bin / "ansible", "--inventory", two.inventory(), "all", "-m", "mstr.library.mstr_info"]
    played = two.run(command)
    assert played.status == 0, played.output
    assert [server.base_url in played.output for server in servers[:2]] == [True, True]
    assert servers[0].password not in played.output


def test_result_of_login_is_not_taken_for_session(two: Play, servers: list[Simulator]) -> None:
    login = {"name": "Log in", "mstr.library.mstr_session": {}, "register": "mstr_session"}
    logout = {
        "name": "Log out",
        "mstr.library.mstr_session": {"state": "absent", "session": "{{ mstr_session.session }}"},
    }
    assert addresses(two, play_of(login, info(), logout)) == [servers[0].base_url]
    assert servers[0].open_sessions() == []


def test_vault(two: Play, servers: list[Simulator]) -> None:
    key = two.write("key", "word")
    command = [two.bin / "ansible-vault", "encrypt_string", "--vault-password-file", key, servers[0].password]
    encrypted = two.run([*command, "--name", "mstr_password"])
    assert encrypted.status == 0, encrypted.output
    text = encrypted.output.partition("mstr_password")[2].replace("Encryption successful", "")
    two.write("vault.yml", f"---\nmstr_password{text}")
    played = two(play_of(info()), "--vault-password-file", str(key), "-e", "@vault.yml")
    assert played.status == 0, played.output
    assert servers[0].password not in played.output


def test_refused(two: Play, servers: list[Simulator]) -> None:
    """A secret of the host is sent nowhere else, and a wrong value has the name of its variable."""
    other = {"name": "Other", "mstr.library.mstr_info": {"base_url": servers[1].base_url}, "ignore_errors": True}
    wrong = info(vars={"mstr_timeout": "soon"}, ignore_errors=True)
    undefined = {**info(vars={"mstr_password": "{{ nowhere }}"}, ignore_errors=True), "name": "Undefined"}
    played = two(play_of(other, wrong, undefined))
    assert "may be sent only to its mstr_base_url" in played.result("Other")["msg"]
    assert "mstr_timeout 'soon' is not a number" in played.result("Ask")["msg"]
    assert "mstr_password: " in played.result("Undefined")["msg"]
    assert servers[1].requests() == []


def test_own_module(two: Play, servers: list[Simulator]) -> None:
    """It needs only an action plugin of three lines."""
    two.write("library/own_module.py", OWN_MODULE)
    two.write("action_plugins/own_module.py", OWN_ACTION)
    played = two(play_of({"name": "Own", "own_module": {}}))
    assert played.result("Own")["base_url"] == servers[0].base_url
