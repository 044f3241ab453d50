"""The nightly job of the guide "Reviews and pipelines": what a server has, in a git repository."""

from __future__ import annotations

import subprocess

import pytest
from simulator.harness import Simulator
from support.ansible import APPLY, Play

from plays.examples.blocks import pages

GUIDE = "docs/docsite/rst/guide_pipelines.rst"
[STATE] = [block.text for block in pages()[GUIDE] if block.file == "state.yml"]
LOAD = {"name": "Load", "id": "5" * 32, "runtime": "A" * 32}
BEFORE = [{"name": "Changed", "id": "C" * 32, "execTimeout": 600}, {"name": "From", "id": "A" * 32}, {"name": "To"}]
MOVED = {
    "runtimes": [{"name": "Changed", "exec_timeout": 60}],
    "scripts": [{"name": "Load", "project": "Sales", "runtime": "To"}],
}


def git(play: Play, *words: str) -> str:
    own = ["-c", "user.name=Night", "-c", "user.email=night@example.com"]
    run = subprocess.run(["git", *own, *words], cwd=play.folder, capture_output=True, text=True, check=True)
    return run.stdout


@pytest.fixture
def two(play: Play, servers: list[Simulator]) -> Play:
    """Two servers whose state of the first night is in a repository."""
    play.hosts = {name: play.hosts[name] for name in ("env0", "env1")}
    for server in servers[:2]:
        server.seed(*BEFORE, projects=[{"name": "Sales", "scripts": [LOAD]}])
    (play.folder / "state").mkdir()
    git(play, "init", "--quiet")
    assert night(play) == 0
    return play


def night(play: Play) -> int:
    """The exit status of the guide's playbook, whose files are staged."""
    status = play(STATE).status
    git(play, "add", "state")
    return status


def changed(play: Play) -> dict[str, list[str]]:
    """The lines that are new since the last commit, by file. Each names its runtime."""
    names = git(play, "diff", "--cached", "--name-only").split()
    lines = {name: git(play, "diff", "--cached", "--unified=0", "--", name).splitlines() for name in names}
    return {name: [line[1:] for line in of if line.startswith('+"')] for name, of in lines.items()}


def test_three_nights(two: Play) -> None:
    """Each change is in the diff; a server that is down keeps its file; a night without changes has no diff."""
    git(two, "commit", "--quiet", "--message=The first night")
    two.write("moved.yml", MOVED)
    assert two(APPLY, "--limit", "env0", mstr_runtimes_src="moved.yml").status == 0
    address = two.hosts["env1"]["mstr_base_url"]
    two.hosts["env1"]["mstr_base_url"] = "http://127.0.0.1:1/MicroStrategyLibrary"
    assert night(two) == 2, "the host that is down fails"
    [(file, lines)] = changed(two).items()
    assert file == "state/env0.txt"
    assert f'"Changed" {"C" * 32} exec_timeout: 60' in lines
    assert [line for line in lines if line.startswith('"To" ') and '"name": "Load"' in line], "the script moved"
    assert [line for line in lines if " date_modified: " in line]

    git(two, "commit", "--quiet", "--message=The second night")
    two.hosts["env1"]["mstr_base_url"] = address
    assert night(two) == 0
    assert changed(two) == {}
