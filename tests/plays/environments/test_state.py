"""The nightly job of the guide "Reviews and pipelines": what a server has, in a git repository."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from simulator.harness import Simulator
from support.ansible import APPLY, Play

from plays.examples.blocks import pages

GUIDE = "docs/docsite/rst/guide_pipelines.rst"
[STATE] = [block.text for block in pages()[GUIDE] if block.file == "state.yml"]
DEFAULT = "0F35652CA7D041978BF0CBCB67531203"
LOAD = {"name": "Load", "id": "5" * 32, "runtime": "A" * 32}
BEFORE = [
    {"name": "Changed", "id": "C" * 32, "execTimeout": 600},
    {"name": "Old name", "id": "D" * 32},
    {"name": "Replaced", "id": "E" * 32, "runtimeVersion": "3.11.9"},
    {"name": "From", "id": "A" * 32},
    {"name": "To", "id": "B" * 32},
]
CHANGES: dict[str, Any] = {
    "mstr_runtimes": [
        {"name": "Changed", "exec_timeout": 60},
        {"name": "New name", "previous_names": ["Old name"]},
        {"name": "Replaced", "runtime_version": "3.12.4", "replace_on_change": ["runtime_version"]},
        {"id": DEFAULT, "exec_timeout": 900},
    ],
    "mstr_runtimes_src": None,
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
    login = {f"MSTR_{name}": play.variables[f"mstr_{name.lower()}"] for name in ("USERNAME", "PASSWORD")}
    status = play(STATE, env=login).status
    git(play, "add", "state")
    return status


def changed(play: Play) -> dict[str, list[str]]:
    """The lines that are new since the last commit, by file."""
    names = git(play, "diff", "--cached", "--name-only").split()
    lines = {name: git(play, "diff", "--cached", "--unified=0", "--", name).splitlines() for name in names}
    return {name: [line[1:].strip(" ,") for line in of if line.startswith("+ ")] for name, of in lines.items()}


def test_three_nights(two: Play, servers: list[Simulator]) -> None:
    """Each change is in the diff; a server that is down keeps its file; a night without changes has no diff."""
    git(two, "commit", "--quiet", "--message=The first night")
    assert night(two) == 0
    assert changed(two) == {}

    done = two(APPLY, "--limit", "env0", **CHANGES)
    assert done.status == 0, done.output
    moved = {"mstr_runtimes_src": "moved.yml", "mstr_runtimes": None}
    two.write(
        "moved.yml", {"runtimes": [{"name": "To"}], "scripts": [{"name": "Load", "project": "Sales", "runtime": "To"}]}
    )
    assert two(APPLY, "--limit", "env0", **moved).status == 0
    address = two.hosts["env1"]["mstr_base_url"]
    two.hosts["env1"]["mstr_base_url"] = "http://127.0.0.1:1/MicroStrategyLibrary"
    assert night(two) == 2, "the host that is down fails"
    [lines] = changed(two).values()
    assert "state/env0.json" in changed(two)
    for line in ('"exec_timeout": 60', '"name": "New name"', '"runtime_version": "3.12.4"', '"exec_timeout": 900'):
        assert line in lines, lines
    assert any(line.startswith('"date_modified": ') for line in lines)
    assert any(line.startswith('"version": ') for line in lines)
    assert '"name": "Load"' in lines, "the script moved to another runtime"
    new = servers[0].runtime("Replaced")["id"]
    assert f'"id": "{new}"' in lines

    git(two, "commit", "--quiet", "--message=The second night")
    two.hosts["env1"]["mstr_base_url"] = address
    assert night(two) == 0
    assert changed(two) == {}
