"""In process and as a module: results, screen, requests and open sessions are the same, key by key."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from simulator.harness import Simulator
from support.ansible import ROOT, Play, Played, play_of

MODULES = {f"mstr.library.{path.stem}" for path in ROOT.glob("plugins/modules/*.py")}
PLAYS = {path.stem: path for path in (Path(__file__).parent / "plays").glob("*.yml")}
# `make test` compares results, sessions and failures; ARGS=--all every play, on every core.
both = pytest.mark.parametrize("in_process", [False, True])
_LOGGED = ("method", "path", "query", "status", "project", "user_agent", "content_type")


@dataclass(frozen=True)
class Way:
    """A play that ran in one way, and what the server knows of it."""

    played: Played
    requests: list[str]
    sessions: list[dict[str, Any]]

    def results(self) -> list[dict[str, Any]]:
        """What a callback received for each of our tasks."""
        for note in self.played.notes():
            if note["event"] == "retry":
                # ansible-core 2.19 puts the lack of a traceback into what a module returns, and into the end of an
                # action plugin's task: between two tries only the former has it.
                note["result"].pop("exception", None)
        return [json.loads(plain(json.dumps(note, sort_keys=True))) for note in self.played.notes()]


def both_ways(sim: Simulator, local: Play, play: Path) -> list[Way]:
    """Run as modules, then in process, each on a fresh server. test_fallbacks.py proves that it is so."""
    local.write("vault", "vault-pass")
    local.write("many.json", [{"name": "From a file", "whitelist": ["10.0.0.0/8"]}])
    local.write("files/found.json", [{"name": "From a file", "whitelist": ["10.1.0.0/16"]}])
    # The newest core shows the options in a result only if configured.
    shown = {} if play.stem == "failures" else {"ANSIBLE_INJECT_INVOCATION": "true"}
    ways = []
    for more in ({"mstr_in_process": False}, {}):
        sim.reset()
        command = local.command(play.read_text(), simulator_url=sim.control_url, **more)
        played = local.run([*command, "--vault-password-file", "vault"], env=shown, stderr=subprocess.PIPE)
        assert played.notes(), played.output + played.stderr
        ways.append(Way(played, [_request(entry) for entry in sim.requests()], sim.open_sessions()))
    return ways


def _request(entry: Mapping[str, Any]) -> str:
    seen = {**{name: entry[name] for name in _LOGGED}, "body": entry.get("body")}
    return plain(json.dumps(seen, sort_keys=True))


def plain(text: str) -> str:
    """Remove what differs between runs: ids, times, sessions, ids of plans, and names of a probe."""
    text = re.sub(r"\b(mstr-library-probe)-[0-9a-f]{8}\b", r"\1", text)
    text = re.sub(r"\b[0-9A-Fa-f]{32}\b", "ID", text)
    text = re.sub(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b", "UUID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(\+0000)?", "TIME", text)
    text = re.sub(r"\d\d:\d\d:\d\d GMT", "TIME", text)
    text = re.sub(r'("session": ?")[^"]+', r"\1SESSION", text)
    # It is made from the ids of the runtimes.
    text = re.sub(r"(plan_id\W+)[0-9a-f]{24}\b", r"\1PLAN", text)
    # It is packed, with ids and times in it.
    text = re.sub(r'"report": "[^"]+"', '"report": "PACKED"', text)
    # With ansible-core 2.22, a registered loop keeps this mark of a module's output in its items.
    text = text.replace('"ansible_parsed": true, ', "")
    return text.replace("Action failed", "Module failed")


@pytest.mark.parametrize(
    "play", [pytest.param(play, marks=() if play == "values" else pytest.mark.complete) for play in sorted(PLAYS)]
)
def test_a_task_is_the_same_in_process(sim: Simulator, local: Play, play: str) -> None:
    module, here = both_ways(sim, local, PLAYS[play])
    for result, other in zip(module.results(), here.results(), strict=True):
        assert result == other
    assert plain(module.played.output) == plain(here.played.output)
    assert plain(module.played.stderr) == plain(here.played.stderr)
    # How often a task polls depends on the machine: equal requests in a row count once.
    assert [entry for entry, _same in groupby(module.requests)] == [entry for entry, _same in groupby(here.requests)]
    assert module.played.status == here.played.status == 0
    assert module.sessions == here.sessions == []


# The secret is a variable, because newer ansible-cores show lines of the play.
SECRETS_IN_URLS: dict[str, Any] = {
    "mstr.library.mstr_runtime_info": {"base_url": "http://somebody:pass/{{ word }}@127.0.0.1:9", "timeout": "soon"},
    "mstr.library.mstr_info": {"base_url": "{{ word }}@127.0.0.1:9"},
    "mstr.library.mstr_probe": {"base_url": "http://127.0.0.1:9/?password={{ word }}"},
}


@both
def test_a_secret_in_base_url_is_not_shown(local: Play, in_process: bool) -> None:
    shown = {"ANSIBLE_INJECT_INVOCATION": "true"}
    playbook = play_of(*({module: options, "ignore_errors": True} for module, options in SECRETS_IN_URLS.items()))
    played = local(playbook, "-vvv", env=shown, word="secret-word", mstr_in_process=in_process)
    assert [note["event"] for note in played.notes()] == ["failed"] * 3
    assert all("base_url" in note["result"]["invocation"]["module_args"] for note in played.notes())
    assert "secret-word" not in json.dumps(played.notes()) + played.output


NO_LOG = play_of(
    {"name": "Create", "mstr.library.mstr_runtime": {"name": "SALARIES"}, "no_log": True},
    {"name": "Log in", "mstr.library.mstr_session": {}, "register": "mstr"},
    {"name": "Use the session", "mstr.library.mstr_info": {"session": "{{ mstr.session }}"}},
    {"name": "Log out", "mstr.library.mstr_session": {"session": "{{ mstr.session }}", "state": "absent"}},
)


@both
def test_half_a_character_loses_no_result(sim: Simulator, local: Play, in_process: bool) -> None:
    """ansible-core 2.19 and newer refuse such a result, after the work was done."""
    sim.seed({"name": "Cut", "description": "an emoji \ud83d"})
    update = {"name": "Update", "mstr.library.mstr_runtime": {"name": "Cut", "exec_timeout": 77}}
    played = local(play_of(update), mstr_in_process=in_process)
    assert played.status == 0, played.output
    assert played.result("Update")["runtime"]["description"] == "an emoji \ufffd"
    assert played.result("Update")["action"] == "updated"


@both
def test_no_log_hides_warnings_and_sessions(sim: Simulator, local: Play, in_process: bool) -> None:
    sim.seed({"name": "salaries"})
    played = local(NO_LOG, "-v", mstr_in_process=in_process)
    assert played.status == 0, played.output
    # Older releases show no warnings of such a task.
    if local.version >= (2, 19):
        assert "A warning about what the task read or did is not shown" in played.text
    assert "salaries" not in played.output.lower()
    # From this release on, Ansible masks secrets where it shows them, callbacks included.
    assert (played.result("Log in")["session"] == "$REDACTED$") is (local.version >= (2, 22))
    assert sim.open_sessions() == []


def test_every_module_is_compared() -> None:
    text = "".join(path.read_text() for path in PLAYS.values())
    assert {module for module in MODULES if f"{module}:" not in text} == set()
