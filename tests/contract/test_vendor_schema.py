"""All traffic between the modules and the simulator is held against the facts of the vendor's schema."""

from __future__ import annotations

import copy
import importlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mstr.library.plugins.module_utils._probe.shape import schema_of
from simulator.harness import Simulator
from support.modules import credentials
from support.vendor_schema import DEVIATIONS, FACTS, changes, differences, unintended
from unit.support.module import Run

from contract.test_saved_scripts import ETL, PROJECTS
from contract.vocabulary import FULL, known

SECRET = {"id": "F" * 32, "name": "password", "type": 4, "value": "", "prompt": False}
NIGHTLY = {"name": "Month end", "project": "Sales"}


@pytest.fixture
def module(server: Simulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a module in this process, on a server with scripts in two projects."""
    server.seed({"name": "Etl", "id": ETL, "whitelist": [], "packages": []}, projects=PROJECTS)
    server.seed({"name": "Hidden"})
    server.switch(list_hides=["Hidden"])
    server.seed(projects=[{"name": "Sales", "scripts": [{"name": "Secret", "variables": [SECRET]}]}])
    run = Run(monkeypatch, capsys)

    def call(kind: str, /, **options: Any) -> dict[str, Any]:
        main = importlib.import_module(f"ansible_collections.mstr.library.plugins.modules.mstr_{kind}").main
        return run(main, **credentials(server), **options)

    return call


C = {"name": "C", "exec_timeout": 60}


def use_everything(module: Callable[..., dict[str, Any]], switches: dict[str, Any]) -> None:
    """Every call that the modules make."""
    module("info")
    module("session")
    wanted = {**known(FULL, switches), "whitelist": ["10.10.10.0/24"]}
    assert module("runtime", **wanted, wait=True, smoke_test="1")["action"] == "created"
    note = {"journal_comment": "why"} if switches["change_journal"] == "yes" else {}
    renamed = {**wanted, "name": "B", "previous_names": [wanted["name"]], "description": "new", **note}
    assert module("runtime", **renamed)["action"] == "updated"
    module("runtimes", runtimes=[{"name": "B"}, C], scripts=[{**NIGHTLY, "runtime": "B"}])
    assert module("script_runtime", runtime="Etl", scripts=[NIGHTLY])["changed"]
    assert module("script_run", code="print(1)", runtime="Etl")["status"] == "ready"
    module("runtime_info", include_scripts=True, include_tasks=True, include_installed=True)
    assert "is used by" in module("runtime", name="Etl", state="absent", protect_used=True)["msg"]
    assert module("runtimes", runtimes=[{"name": "B", "state": "absent"}, C], protect_used=True)["changed"]
    module("runtime", name="Hidden", exec_timeout=60, retries=0)  # a name that exists
    module("probe", check_mode=True)


def test_traffic(server: Simulator, module: Any, switches: dict[str, Any]) -> None:
    """What differs from the facts is in the list of deviations, and each of its rows is seen in its profiles."""
    start = len(server.traffic())
    use_everything(module, switches)
    profile = server.state()["profile"]

    found = differences(server.traffic()[start:])

    assert unintended(found, profile) == []
    rows = [each.pattern for each in DEVIATIONS if profile in each.profiles]
    assert [row for row in rows if not any(re.fullmatch(row, difference) for difference in found)] == []


def test_record_against_facts() -> None:
    """What a probe keeps of a server's schema is compared by a command of CONTRIBUTING."""
    server: Any = copy.deepcopy(FACTS)
    server["paths"]["/api/runtimes/{id}"]["get"]["summary"] = "prose of https://prod.example.com"
    server["components"]["schemas"]["RuntimeResource"]["properties"]["disk"] = {"type": "integer"}
    del server["components"]["schemas"]["RuntimeRequestInfo"]["properties"]["others"]
    server["paths"]["/api/tasks"]["post"] = {"responses": {"201": {}}}  # nothing uses it, so the facts lack it
    schema = schema_of(server)
    assert schema is not None
    assert changes(schema) == [
        "- schemas RuntimeRequestInfo properties others type: string",
        "+ schemas RuntimeResource properties disk type: integer",
    ]
    kept = json.dumps(schema)
    assert [
        word for word in ("prod.example.com", "MicroStrategyLibrary", "/api/auth", "/api/sessions") if word in kept
    ] == []


@pytest.mark.parametrize(
    "document",
    [None, [], "x", {"paths": 5}, {"paths": {"/api/runtimes": 5}}, {"paths": {"/api/tasks": {"get": [None]}}}],
)
def test_any_schema_of_a_server(document: Any) -> None:
    assert json.dumps(schema_of(document))
