"""The nightly job of the guide "Reviews and pipelines": what a server has, in a git repository."""

from __future__ import annotations

import subprocess

import pytest
from simulator.harness import Simulator
from support.ansible import Play

from plays.examples.blocks import pages

GUIDE = "docs/docsite/rst/guide_pipelines.rst"
[STATE] = [block.text for block in pages()[GUIDE] if block.file == "state.yml"]
ETL = {"name": "Etl", "id": "E" * 32, "execTimeout": 600}


def git(play: Play, *words: str) -> str:
    own = ["-c", "user.name=Night", "-c", "user.email=night@example.com"]
    run = subprocess.run(["git", *own, *words], cwd=play.folder, capture_output=True, text=True, check=True)
    return run.stdout


def changed_lines(play: Play) -> dict[str, list[str]]:
    """The lines that are new since the last commit, by file. Each names its runtime."""
    git(play, "add", "state")
    names = git(play, "diff", "--cached", "--name-only").split()
    lines = {name: git(play, "diff", "--cached", "--unified=0", "--", name).splitlines() for name in names}
    return {name: [line[1:] for line in of if line.startswith('+"')] for name, of in lines.items()}


@pytest.fixture
def two(play: Play, servers: list[Simulator]) -> Play:
    """Two servers whose state of the first night is in a repository."""
    play.hosts = {name: play.hosts[name] for name in ("env0", "env1")}
    for server in servers[:2]:
        server.seed(ETL, projects=[{"name": "Sales", "scripts": [{"name": "Load"}]}])
    (play.folder / "state").mkdir()
    git(play, "init", "--quiet")
    assert play(STATE).status == 0
    git(play, "add", "state")
    git(play, "commit", "--quiet", "--message=The first night")
    return play


def test_a_second_night(two: Play, servers: list[Simulator]) -> None:
    """Each change is in the diff, and nothing else; a server that is down keeps its file."""
    servers[0].seed(
        {**ETL, "execTimeout": 60}, projects=[{"name": "Sales", "scripts": [{"name": "New", "runtime": "Etl"}]}]
    )
    two.hosts["env1"]["mstr_base_url"] = "http://127.0.0.1:1/MicroStrategyLibrary"
    assert two(STATE).status == 2, "the host that is down fails"
    [(file, lines)] = changed_lines(two).items()
    assert file == "state/env0.txt"
    assert f'"Etl" {"E" * 32} exec_timeout: 60' in lines
    assert [line for line in lines if line.startswith('"Etl" ') and '"name": "New"' in line], "the script"
    git(two, "commit", "--quiet", "--message=The second night")
    assert two(STATE, "--limit", "env0").status == 0
    assert changed_lines(two) == {}
