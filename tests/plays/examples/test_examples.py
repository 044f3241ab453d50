"""Every example of the documentation runs unchanged, in check mode, and a second time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from simulator.harness import Simulator
from support.ansible import Play

from plays.examples import preparations
from plays.examples.blocks import EXAMPLES, Block, not_printed, pages
from plays.examples.hosts import (
    ExampleHosts,
    as_printed,
    broken_promises,
    doubled_records,
    play,
    tasks_of,
    unexpected_warnings,
    workplace,
)

PAGES = pages()
# A search is sent as a POST but changes nothing.
_READS = (
    *("GET", "POST /auth/login", "POST /auth/delegate", "POST /auth/logout"),
    *("POST /metadataSearches/results", "POST /v2/metadataSearches/results"),
)


def _of_kind(page: str, *kinds: str) -> list[Block]:
    return [block for block in PAGES[page] if block.kind in kinds]


WITH_YAML = [page for page in PAGES if _of_kind(page, "plays", "tasks")]
# The pages that people try first. `make test` runs only their commands, and of the guides only their blocks.
FIRST = ("README.md", "docs/docsite/rst/guide_getting_started.rst")
WITH_COMMANDS = [
    pytest.param(page, marks=() if page in FIRST else pytest.mark.complete) for page in PAGES if _of_kind(page, "shell")
]
WITH_BLOCKS = [
    pytest.param(page, marks=pytest.mark.complete if page.startswith("docs/") and page not in FIRST else ())
    for page in WITH_YAML
]


def _prepared(hosts: ExampleHosts, folder: Path, page: str) -> tuple[list[Simulator], Path]:
    preparation = preparations.of(page)
    place = workplace(folder / "work", PAGES[page], preparation)
    return list(hosts.servers(preparation).values()), place


def _sessions(servers: Sequence[Simulator]) -> int:
    return sum(len(server.open_sessions()) for server in servers)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_runs_or_has_a_reason_not_to(page: str) -> None:
    unknown = [block.place for block in PAGES[page] if not block.kind]
    assert unknown == [], "neither plays, tasks, commands nor a file: add a file name or the reason not to run it"


@pytest.mark.parametrize("page", [page for page in PAGES if page.endswith((".rst", ".md"))])
def test_a_guide_shows_every_file_that_it_uses(page: str) -> None:
    """The tests prepare only files that a command of the page writes, because plays run without the commands."""
    commands = "".join(block.commands() for block in _of_kind(page, "shell"))
    files = preparations.of(page).files
    assert [name for name in files if f"> {name}" not in commands and f"_dest={name}" not in commands] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_examples_unchanged(page: str) -> None:
    for block in PAGES[page]:
        path = EXAMPLES / block.file
        if block.file and path.is_file():
            assert block.text.strip() in path.read_text(encoding="utf-8"), block.place


@pytest.mark.parametrize("page", WITH_BLOCKS)
def test_blocks_run_as_printed(hosts: ExampleHosts, tmp_path: Path, page: str) -> None:
    preparation = preparations.of(page)
    servers, place = _prepared(hosts, tmp_path, page)
    blocks = _of_kind(page, "plays", "tasks")
    playbook = as_printed(place, blocks)
    records = play(hosts, playbook, preparation).records
    done = {record["task"] for record in records if record["event"] == "ok"}
    printed = {str(task["name"]) for block in blocks for task in tasks_of(block) if "name" in task}
    assert printed - done - set(preparation.may_skip) == set(), "these tasks of the examples did nothing"
    assert _sessions(servers) == preparation.sessions_left

    # Run it again in check mode on the new state: no task may fail, and nothing may be written.
    for server in servers:
        server.clear_requests()
    play(hosts, playbook, preparation, "--check", "--diff")
    assert [call for server in servers for call in server.calls() if not call.startswith(_READS)] == []


@pytest.mark.complete
@pytest.mark.parametrize("page", [page for page in WITH_YAML if not preparations.of(page).foretold])
def test_a_check_predicts_and_a_second_run_is_ok(hosts: ExampleHosts, tmp_path: Path, page: str) -> None:
    assert broken_promises(doubled_records(hosts, tmp_path, PAGES[page])) == []


def _follow(hosts: ExampleHosts, folder: Path, page: str) -> None:
    """Run the commands of a page, and check what they print."""
    preparation = preparations.of(page)
    place = workplace(folder / "work", PAGES[page], preparation, clone=preparation.in_a_clone)
    script = "".join(block.commands() for block in _of_kind(page, "shell"))
    # A reader of a clone has not installed the collection.
    hidden = ("env", "--unset=ANSIBLE_COLLECTIONS_PATH") if preparation.in_a_clone else ()
    command = [*hidden, "bash", "-euxo", "pipefail", "-c", script]
    run = hosts.play(place, preparation, script).run(command, typed=preparation.typed)
    assert run.status == 0, run.output
    assert unexpected_warnings(run, preparation) == [], run.output
    assert not_printed(PAGES[page], run.output) == [], run.output


@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_commands_run_as_printed(hosts: ExampleHosts, tmp_path: Path, page: str) -> None:
    servers = list(hosts.servers(preparations.of(page)).values())
    _follow(hosts, tmp_path, page)
    assert _sessions(servers) == 0


ON_ONE_SERVER = [page for page in PAGES if page.endswith(".rst") and not preparations.of(page).servers]
# The commands with which a reader connects. On `make simulator`, a reader types what that prints instead.
_CONNECTING = re.compile(r"^(?:export MSTR_(?:BASE_URL|USERNAME)|read -rs MSTR_PASSWORD).*\n", re.MULTILINE)


def _typed(place: Path, block: Block) -> str:
    """What a reader of a page types for a block: its commands, or one that runs its tasks alone."""
    if block.kind == "shell":
        return _CONNECTING.sub("", block.commands())
    as_printed(place, [block]).rename(place / f"line-{block.line}.yml")
    return f"ansible-playbook line-{block.line}.yml"


@pytest.mark.complete
@pytest.mark.parametrize("page", ON_ONE_SERVER)
def test_typed_on_make_simulator(tmp_path: Path, page: str) -> None:
    """A stranger types a page on `make simulator`: each block works by itself, in the order of the page."""
    place = workplace(tmp_path / "work", PAGES[page], preparations.of(page))
    with Simulator("playground") as server:
        ours = {"HOME": str(tmp_path), "MSTR_BASE_URL": server.base_url}
        ours |= {"MSTR_USERNAME": server.username, "MSTR_PASSWORD": server.password}
        tokens = f"-e mstr_api_token={server.api_token} -e mstr_identity_token={server.identity_token}"
        for block in _of_kind(page, "tasks", "shell"):
            typed = _typed(place, block)
            alone = f" {tokens}" if block.kind == "tasks" else ""
            run = Play(place, env=ours, hosts={}).run(["bash", "-euo", "pipefail", "-c", typed + alone])
            assert run.status == 0, f"{block.place}\n{run.output}"
