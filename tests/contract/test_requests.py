"""The module sends the same requests as the vendor's client, and the server stores the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mstrio.connection import Connection
from mstrio.helpers import IServerError
from mstrio.python_execution.runtime import Runtime
from simulator.harness import Simulator

from contract.vocabulary import FULL, OTHER, Module, for_mstrio, known, stored


def written(server: Simulator, write: Callable[[], object], identity: str = "-") -> tuple[list[Any], list[Any], Any]:
    """The requests of a write, what the journal says of them, and what the server stores. `ID` replaces the id."""
    before = len(server.journal())
    server.clear_requests()
    write()
    requests = [
        (entry["method"], entry["path"].replace(identity, "ID"), entry["query"], entry.get("body"), entry["status"])
        for entry in server.requests(path="/runtimes")
        if entry["method"] != "GET"
    ]
    journal = [(entry["user"], entry["action"], entry["comment"]) for entry in server.journal()[before:]]
    return requests, journal, [stored(runtime) for runtime in server.runtimes()]


def comment(switches: dict[str, Any], switch: str) -> dict[str, str]:
    """The option for a comment, if this release supports comments."""
    return {"journal_comment": "made & forgotten?"} if switches[switch] == "yes" else {}


def test_create(module: Module, mstrio: Connection, server: Simulator, switches: dict[str, Any]) -> None:
    wanted, note = known(FULL, switches), comment(switches, "change_journal")
    theirs = written(server, lambda: Runtime.create(mstrio, **for_mstrio(wanted), **note))
    Runtime(mstrio, name=wanted["name"]).delete(force=True)
    assert written(server, lambda: module(**wanted, **note)) == theirs
    assert [request[0] for request in theirs[0]] == ["POST"]


def test_alter(module: Module, mstrio: Connection, server: Simulator, switches: dict[str, Any]) -> None:
    before, after, note = known(FULL, switches), known(OTHER, switches), comment(switches, "change_journal")
    after |= {"others": before["others"], "runtime_version": switches["python_versions"][-1]}
    changed = {name: value for name, value in after.items() if value != before[name]}
    runtime = Runtime.create(mstrio, **for_mstrio(before))
    theirs = written(server, lambda: runtime.alter(**for_mstrio(changed), **note), runtime.id)
    runtime.delete(force=True)
    identity = Runtime.create(mstrio, **for_mstrio(before)).id
    assert written(server, lambda: module(id=identity, **after, **note), identity) == theirs
    assert [request[0] for request in theirs[0]] == ["PATCH"]


def test_delete(module: Module, mstrio: Connection, server: Simulator, switches: dict[str, Any]) -> None:
    note = comment(switches, "delete_comments")
    runtime = Runtime.create(mstrio, "Witness")
    theirs = written(server, lambda: runtime.delete(force=True, **note), runtime.id)
    identity = Runtime.create(mstrio, "Witness").id
    assert written(server, lambda: module(name="Witness", state="absent", **note), identity) == theirs
    assert [request[0] for request in theirs[0]] == ["DELETE"]
    with pytest.raises(IServerError, match="not found"):
        Runtime(mstrio, id=identity)
