"""Every example of the documentation runs unchanged, in check mode and a second time; one that checks can fail."""

from __future__ import annotations

import re
import shutil
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from simulator.harness import Simulator
from support.ansible import Played

from dev.paths import ROOT
from plays.examples import preparations
from plays.examples.blocks import EXAMPLES, PARTS, Block, documented, not_printed, pages, tasks_in
from plays.examples.hosts import ExampleHosts, as_printed, workplace
from plays.examples.preparations import Preparation

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


def _both_ways(pages: Iterable[str], first: Container[str]) -> pytest.MarkDecorator:
    """Each page in process, and the first ones as modules, too: the others show the same tasks again."""
    ways = [(page, "in_process") for page in pages] + [(page, "module") for page in pages if page in first]
    matrix = [pytest.mark.matrix]
    params = [pytest.param(*pair, marks=[] if pair[0] in first and pair[1] != "module" else matrix) for pair in ways]
    return pytest.mark.parametrize(("page", "way"), params, indirect=["way"])


def _prepared(hosts: ExampleHosts, folder: Path, page: str) -> tuple[list[Simulator], Path]:
    preparation = preparations.of(page)
    place = workplace(folder / "work", PAGES[page], preparation)
    return hosts.servers(preparation), place


def _play(hosts: ExampleHosts, playbook: Path, page: str, *options: str) -> Played:
    """Run a playbook that must succeed without warnings."""
    preparation = preparations.of(page)
    run = hosts.play(playbook.parent, preparation)
    played = run(playbook.name, *preparation.options, *options, **preparation.variables)
    assert played.status == 0, played.output
    assert _unexpected_warnings(played, preparation) == [], played.output
    return played


def _unexpected_warnings(played: Played, preparation: Preparation) -> list[str]:
    """The warnings that a page does not show by design."""
    return [warning for warning in played.warnings() if not any(text in warning for text in preparation.warnings)]


def _sessions(servers: Sequence[Simulator]) -> int:
    return sum(len(server.open_sessions()) for server in servers)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_runs_or_has_a_reason_not_to(page: str) -> None:
    unknown = [block.place for block in PAGES[page] if not block.kind]
    assert unknown == [], "neither plays, tasks, commands nor a file: add a file name or the reason not to run it"


@pytest.mark.parametrize("page", [page for page in PAGES if page.endswith((".rst", ".md"))])
def test_a_guide_shows_every_file_that_it_uses(page: str) -> None:
    """The tests prepare only files that a command of the page writes, because plays run without the commands.

    The name of a backup has the time of its run.
    """
    commands = "".join(block.commands() for block in _of_kind(page, "shell"))
    files = [
        name for name in preparations.of(page).files if not (name.startswith("backups/") and "backups/" in commands)
    ]
    assert [name for name in files if f"> {name}" not in commands and f"_dest={name}" not in commands] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_examples_unchanged(page: str) -> None:
    for block in PAGES[page]:
        path = EXAMPLES / block.file
        if block.file and path.is_file():
            assert block.text.strip() in path.read_text(encoding="utf-8"), block.place


@_both_ways(WITH_YAML, {page for page in WITH_YAML if not page.startswith("docs/")} | {*FIRST})
def test_blocks_run_as_printed(hosts: ExampleHosts, tmp_path: Path, page: str, way: str) -> None:
    """Those of a module return what it documents."""
    servers, place = _prepared(hosts, tmp_path, page)
    blocks = _of_kind(page, "plays", "tasks")
    playbook = as_printed(place, blocks)
    played = _play(hosts, playbook, page)
    done = {record["task"] for record in played.records if record["event"] == "ok"}
    assert _names_of_tasks(blocks) - done == set(), "these tasks of the examples did nothing"
    assert _sessions(servers) == 0
    if page.startswith("plugins/modules/"):
        assert sorted(_not_as_documented(ROOT / page, played)) == []

    # Run it again in check mode on the new state: no task may fail, and nothing may be written.
    before = _writes(servers)
    _play(hosts, playbook, page, "--check", "--diff")
    assert _writes(servers) == before


def _names_of_tasks(blocks: Iterable[Block]) -> set[str]:
    return {task["name"] for block in blocks for task in tasks_in(block.data) if "name" in task}


def _writes(servers: Iterable[Simulator]) -> list[str]:
    return [call for server in servers for call in server.calls() if not call.startswith(_READS)]


@pytest.mark.matrix
@pytest.mark.parametrize("page", [page for page in WITH_YAML if preparations.of(page).profile == "samples"])
def test_blocks_run_as_the_schema_says(hosts: ExampleHosts, tmp_path: Path, page: str) -> None:
    """On a server that answers exactly as the vendor's schema says."""
    preparation = replace(preparations.of(page), profile="schema")
    servers = hosts.servers(preparation)
    place = workplace(tmp_path / "work", PAGES[page], preparation)
    _play(hosts, as_printed(place, _of_kind(page, "plays", "tasks")), page)
    assert _sessions(servers) == 0


IDEMPOTENT = {
    f"mstr.library.{path.stem}"
    for path in ROOT.glob("plugins/modules/*.py")
    if yaml.safe_load(documented(path, "DOCUMENTATION"))["attributes"]["idempotent"]["support"] == "full"
}
PREDICTED, AGAIN = " | predicted", " | again"
_KEYS_OF_OWN_RULES = {"check_mode", "until", "failed_when", "changed_when"}


def _thrice(tasks: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each task of an idempotent module first in check mode, then as printed, then again."""
    for task in tasks:
        if parts := task.keys() & {*PARTS}:
            yield task | {part: list(_thrice(task[part])) for part in parts}
        elif not task.keys() & IDEMPOTENT or task.keys() & _KEYS_OF_OWN_RULES:
            yield task
        else:
            copy = {key: value for key, value in task.items() if key not in ("register", "notify")}
            yield copy | {"name": task["name"] + PREDICTED, "check_mode": True}
            yield task
            yield copy | {"name": task["name"] + AGAIN}


@pytest.mark.matrix
@pytest.mark.parametrize("page", WITH_YAML)
def test_each_task_is_predicted_and_changes_once(hosts: ExampleHosts, tmp_path: Path, page: str) -> None:
    _servers, place = _prepared(hosts, tmp_path, page)
    printed = _of_kind(page, "plays", "tasks")
    blocks = [replace(block, text=yaml.safe_dump(list(_thrice(block.data)))) for block in printed]
    ends = _play(hosts, as_printed(place, blocks), page).ends()
    changed = {end["task"]: end["result"]["changed"] for end in ends}
    thrice = [name.removesuffix(AGAIN) for name in changed if name.endswith(AGAIN)]
    outcomes = {name: (changed[name + PREDICTED], changed[name + AGAIN]) for name in thrice}
    assert outcomes == {name: (changed[name], False) for name in thrice}


# Keys that Ansible documents, or that are not documented because all modules return them.
_COMMON = {"changed", "failed", "invocation", "warnings", "deprecations", "exception", "ansible_facts"}
# A description that has the keys of what another module returns
_KEYS_OF = re.compile(r"with the keys of RV\(mstr\.library\.(\w+)#module:(\w+)\)")


def _not_as_documented(module: Path, played: Played) -> set[str]:
    """How the results of a module differ from its RETURN."""
    documents = yaml.safe_load(documented(module, "RETURN"))
    described = {key: text for key, text in documents.items() if key not in _COMMON}
    results = [end["result"] for end in played.ends() if end["action"] == f"mstr.library.{module.stem}"]
    assert results
    own = [{key: result[key] for key in result.keys() - _COMMON if not key.startswith("_")} for result in results]
    return {fault for result in own for fault in _unlike(described, result, module.stem)}


def _unlike(described: Mapping[str, Any], found: Mapping[str, Any], place: str) -> Iterator[str]:
    """Differences between the keys that RETURN describes and those of a result."""
    yield from (f"{place}.{key} is not documented" for key in found.keys() - described.keys())
    for key, text in described.items():
        if key in found:
            yield from _unlike_inside(key, text, found[key], f"{place}.{key}")
        elif text.get("returned", "always") in ("always", "success"):
            yield f"{place}.{key} is not returned"


def _unlike_inside(key: str, text: Mapping[str, Any], value: Any, place: str) -> Iterator[str]:
    # The fields of a difference depend on the task.
    inner = {} if key == "diff" else _described_in(text)
    entries = value if isinstance(value, list) else [value]
    for entry in entries:
        if inner and isinstance(entry, Mapping):
            yield from _unlike(inner, entry, place)


def _described_in(text: Mapping[str, Any]) -> Mapping[str, Any]:
    """The keys of a returned value, as far as they are described, or shown by a sample."""
    keys = dict(text.get("contains", {}))
    for module, key in _KEYS_OF.findall(str(text.get("description"))):
        keys |= _described_in(yaml.safe_load(documented(ROOT / "plugins" / "modules" / f"{module}.py", "RETURN"))[key])
    sample = text.get("sample")
    first = sample[0] if isinstance(sample, list) and sample else sample
    return keys or ({key: {} for key in first} if isinstance(first, Mapping) else {})


@_both_ways([page for page in PAGES if _of_kind(page, "shell")], FIRST)
def test_commands_run_as_printed(hosts: ExampleHosts, tmp_path: Path, page: str, way: str) -> None:
    """They print what the page says."""
    preparation = preparations.of(page)
    servers, place = _prepared(hosts, tmp_path, page)
    script = "".join(block.commands() for block in _of_kind(page, "shell"))
    if "jq " in script and not shutil.which("jq"):
        pytest.skip("jq is not installed")
    # A reader of a clone has not installed the collection.
    hidden = ("env", "--unset=ANSIBLE_COLLECTIONS_PATH") if preparation.in_a_clone else ()
    command = [*hidden, "bash", "-euxo", "pipefail", "-c", script]
    run = hosts.play(place, preparation, script).run(command, typed=preparation.typed)
    assert run.status == 0, run.output
    assert _unexpected_warnings(run, preparation) == [], run.output
    assert not_printed(PAGES[page], run.output) == [], run.output
    assert _sessions(servers) == 0
