"""Examples that check something fail if it is wrong, and report the problem."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.ansible import Played

from plays.examples.blocks import Block, pages
from plays.examples.hosts import ExampleHosts, as_printed, workplace
from plays.examples.preparations import NIGHTLY, Preparation

PAGES = pages()
AUDIT = ("guide_policy", "audit.yml")
SMOKE_TEST = ("guide_life_of_a_runtime", "smoke_test.yml")


def _block(guide: str, file: str) -> Block:
    """The block of a guide with this file name."""
    [found] = [block for block in PAGES[f"docs/docsite/rst/{guide}.rst"] if block.file == file]
    return found


def _run(hosts: ExampleHosts, folder: Path, block: Block, *runtimes: dict[str, Any]) -> Played:
    preparation = Preparation(runtimes=runtimes)
    hosts.servers(preparation)
    place = workplace(folder / "work", [block], preparation)
    return hosts.play(place, preparation)(as_printed(place, [block]).name)


def test_the_audit_reports_all_violations(hosts: ExampleHosts, tmp_path: Path) -> None:
    dirt = {"whitelist": ["10.10.10.0/24", "8.8.8.0/24"], "resource": {"cpu": "1", "mem": 8192}, "description": "d"}
    blank = {**NIGHTLY, "name": "Third", "description": ""}
    run = _run(hosts, tmp_path, _block(*AUDIT), {**NIGHTLY, **dirt}, {**NIGHTLY, **dirt, "name": "Second"}, blank)
    assert run.status == 2, run.output
    outside = "whitelist 8.8.8.0/24 does not lie within the allowed networks (networks_within)"
    large = "resource.mem 8192 is more than 4096 (resource_max)"
    found = [f"{name}: {violation}" for name in ("Nightly reports", "Second") for violation in (large, outside)]
    assert sorted(run.ends()[-1]["result"]["msg"]) == [*found, "Third: has networks but no description"]


def test_the_smoke_test_notices_a_version(hosts: ExampleHosts, tmp_path: Path) -> None:
    block = _block(*SMOKE_TEST)
    # The server reports the requested version but provides a different version to scripts.
    other = Block(block.page, block.line, block.language, block.text.replace("pandas.__version__", "'2.1.0'"))
    run = _run(hosts, tmp_path, other)
    assert run.status == 2, run.output
    assert "pandas: expected 2.2.3, found 2.1.0" in run.output
