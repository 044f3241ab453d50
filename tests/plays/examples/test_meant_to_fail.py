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


def _block(guide: str, text: str) -> Block:
    """The block of a guide with this file name, or with this text in it."""
    blocks = PAGES[f"docs/docsite/rst/{guide}.rst"]
    found = [block for block in blocks if block.file == text] or [block for block in blocks if text in block.text]
    assert len(found) == 1
    return found[0]


def _run(hosts: ExampleHosts, folder: Path, block: Block, *runtimes: dict[str, Any], **seeds: Any) -> Played:
    preparation = Preparation(runtimes=runtimes)
    hosts.servers(preparation)
    hosts.server.seed(**seeds)
    place = workplace(folder / "work", [block], preparation)
    playbook = as_printed(place, [block])
    return hosts.play(place, preparation)(playbook.name)


def test_the_audit_reports_all_violations_of_all_runtimes_at_once(hosts: ExampleHosts, tmp_path: Path) -> None:
    dirt = {
        "whitelist": ["10.10.10.0/24", "8.8.8.0/24", "10.66.1.0/24"],
        "resource": {"cpu": "1", "mem": 8192},
        "packages": [{"name": "requests", "version": "2.19.0"}],
        "description": "d",
    }
    blank = {**NIGHTLY, "name": "Third", "description": ""}
    run = _run(hosts, tmp_path, _block(*AUDIT), {**NIGHTLY, **dirt}, {**NIGHTLY, **dirt, "name": "Second"}, blank)
    assert run.status == 2, run.output
    assert sorted(run.ends()[-1]["result"]["msg"]) == sorted(
        [
            f"{name}: {violation}"
            for name in ("Nightly reports", "Second")
            for violation in (
                "whitelist 8.8.8.0/24 does not lie within the allowed networks (networks_within)",
                "whitelist 10.66.1.0/24 overlaps 10.66.0.0/16 (networks_never)",
                "resource.mem 8192 is more than 4096 (resource_max)",
                "packages requests==2.19.0 matches requests<2.32 (packages_never)",
            )
        ]
        + ["Third: has networks but no description"]
    )


def test_the_smoke_test_notices_a_different_version(hosts: ExampleHosts, tmp_path: Path) -> None:
    block = _block(*SMOKE_TEST)
    # The server reports the requested version but provides a different version to scripts.
    other = Block(block.page, block.line, block.language, block.text.replace("pandas.__version__", "'2.1.0'"))
    run = _run(hosts, tmp_path, other)
    assert run.status == 2, run.output
    assert "pandas: expected 2.2.3, found 2.1.0" in run.output


def test_a_runtime_with_a_failed_package_is_deleted(hosts: ExampleHosts, tmp_path: Path) -> None:
    rules = [{"name": "statsmodels", "outcome": "not_installed", "message": "No matching distribution"}]
    run = _run(hosts, tmp_path, _block("guide_life_of_a_runtime", "statsmodels"), packages=rules)
    assert run.status == 2, run.output
    assert (
        'package statsmodels could not be installed (server: "No matching distribution")'
        in run.ends()[-1]["result"]["msg"]
    )
    assert hosts.server.runtimes() == []
    assert hosts.server.open_sessions() == []
