# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In process and as a module: results, screen, requests and open sessions are the same, key by key."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import pytest
from simulator.harness import Simulator

from in_process.running import HERE, WAYS, Ran, folder_of, run, same

MODULES = {f"mstr.library.{path.stem}" for path in (HERE.parents[1] / "plugins" / "modules").glob("*.py")}
PLAYS = sorted((HERE / "plays").glob("*.yml"))


def both_ways(sim: Simulator, core: Path, folder: Path, play: Path, *options: str) -> list[Ran]:
    """Run as modules, then in process, each on a fresh server."""
    ran = []
    for way in WAYS:
        sim.reset()
        # The newest core shows the options in a result only if configured.
        shown = {} if play.stem == "failures" else {"ANSIBLE_INJECT_INVOCATION": "true"}
        ran.append(run(sim, core, folder_of(folder, core, way), Path(play.name), *options, way=way, **shown))
        assert ran[-1].notes, ran[-1].stdout + ran[-1].stderr
    return ran


@pytest.mark.parametrize("play", PLAYS, ids=lambda path: path.stem)
def test_a_task_is_the_same_in_process(sim: Simulator, core: Path, tmp_path: Path, play: Path) -> None:
    module, here = both_ways(sim, core, tmp_path, play)

    def results(ran: Ran) -> list[str]:
        for note in ran.notes:
            if note["event"] == "retry":
                # ansible-core 2.19 puts the lack of a traceback into what a module returns, and into the end of an
                # action plugin's task: between two tries only the former has it.
                note["result"].pop("exception", None)
        # Sort by host, because with some strategies hosts do not wait for each other.
        return [same(tmp_path, json.dumps(note, sort_keys=True)) for note in sorted(ran.notes, key=lambda n: n["host"])]

    for one, other in zip(results(module), results(here)):
        assert json.loads(one) == json.loads(other)
    assert len(module.notes) == len(here.notes)
    if play.stem != "strategies":
        assert same(tmp_path, module.stdout) == same(tmp_path, here.stdout)
        assert same(tmp_path, module.stderr) == same(tmp_path, here.stderr)
        # How often a task polls depends on the machine: equal requests in a row count once.
        assert [one for one, _same in groupby(module.requests)] == [one for one, _same in groupby(here.requests)]
    else:
        # Hosts do not wait for each other, so that only the number of each request is the same.
        assert sorted(module.requests) == sorted(here.requests)
    assert (module.status, module.sessions) == (here.status, here.sessions) == (0, [])


# The secret is a variable, because newer ansible-cores show lines of the play.
SECRETS_IN_URLS = """
- name: Test credentials in base_url
  hosts: a
  gather_facts: false
  ignore_errors: true
  tasks:
    - name: Test a password with a slash, and another invalid option
      mstr.library.mstr_runtime_info:
        base_url: "http://somebody:pass/{{ word }}@127.0.0.1:9"
        timeout: soon
    - name: Test a token without a scheme
      mstr.library.mstr_info:
        base_url: "{{ word }}@127.0.0.1:9"
    - name: Test a query
      mstr.library.mstr_info:
        base_url: "http://127.0.0.1:9/?password={{ word }}"
"""


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_in_base_url_is_not_shown(sim: Simulator, core: Path, tmp_path: Path, way: str) -> None:
    ran = run(
        sim,
        core,
        tmp_path,
        SECRETS_IN_URLS,
        "-vvv",
        way=way,
        extra={"word": "secret-word"},
        ANSIBLE_INJECT_INVOCATION="true",
    )
    assert [note["event"] for note in ran.notes] == ["failed"] * 3
    assert all("base_url" in note["result"]["invocation"]["module_args"] for note in ran.notes)
    assert "secret-word" not in json.dumps(ran.notes) + ran.stdout + ran.stderr


def test_the_comparison_runs_both_ways(sim: Simulator, core: Path, tmp_path: Path) -> None:
    """Otherwise the comparison would prove nothing."""
    module, here = both_ways(sim, core, tmp_path, HERE / "plays" / "values.yml", "-vvv")
    assert set(module.ways()) == {"as a module, because mstr_in_process is false"}
    assert set(here.ways()) == {"in the process of ansible-playbook"}
    assert len(here.ways()) == len(module.ways())


def test_every_module_is_compared() -> None:
    text = "".join(path.read_text() for path in PLAYS)
    assert {module for module in MODULES if f"{module}:" not in text} == set()
