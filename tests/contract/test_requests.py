"""The module sends the same requests as the vendor's client, and the server stores the same."""

from __future__ import annotations

from typing import Any

import pytest
from mstrio.connection import Connection
from mstrio.helpers import IServerError
from mstrio.python_execution.runtime import Runtime
from simulator.harness import Simulator

from contract.adhoc import Module
from contract.vocabulary import FULL, OTHER, for_mstrio, known, stored


class Witness:
    """Records what one client changes on a server."""

    def __init__(self, server: Simulator) -> None:
        self._server = server
        self._journal = len(server.journal())
        server.clear_requests()

    def writes(self, identity: str | None = None) -> list[dict[str, Any]]:
        """Every request that changes something, except for sessions. `ID` replaces the runtime's id."""
        return [
            {
                "method": entry["method"],
                "path": entry["path"].replace(identity, "ID") if identity else entry["path"],
                "query": entry["query"],
                "body": entry.get("body"),
                "project": entry["project"],
                "status": entry["status"],
            }
            for entry in self._server.requests(path="/runtimes")
            if entry["method"] != "GET"
        ]

    def journal(self) -> list[tuple[str, str, str | None]]:
        return [(entry["user"], entry["action"], entry["comment"]) for entry in self._server.journal()[self._journal :]]


def comment(switches: dict[str, Any], switch: str, text: str) -> dict[str, str]:
    """The option for a comment, if this release supports comments."""
    return {"journal_comment": text} if switches[switch] == "yes" else {}


def test_create(module: Module, mstrio: Connection, server: Simulator, switches: dict[str, Any]) -> None:
    wanted = known(FULL, switches)
    note = comment(switches, "change_journal", "made")

    witness = Witness(server)
    runtime = Runtime.create(mstrio, **for_mstrio(wanted), **note)
    theirs, their_journal, their_object = witness.writes(), witness.journal(), stored(server.runtime(wanted["name"]))
    runtime.delete(force=True)

    witness = Witness(server)
    module(**wanted, **note)

    assert [call["method"] for call in theirs] == ["POST"]
    assert witness.writes() == theirs
    assert witness.journal() == their_journal
    assert stored(server.runtime(wanted["name"])) == their_object


def test_alter(module: Module, mstrio: Connection, server: Simulator, switches: dict[str, Any]) -> None:
    before, after = known(FULL, switches), known(OTHER, switches)
    after |= {"others": before["others"], "runtime_version": switches["python_versions"][-1]}
    changed = {name: value for name, value in after.items() if value != before[name]}
    note = comment(switches, "change_journal", "changed")

    runtime = Runtime.create(mstrio, **for_mstrio(before))
    witness = Witness(server)
    runtime.alter(**for_mstrio(changed), **note)
    theirs, their_journal = witness.writes(runtime.id), witness.journal()
    their_object = stored(server.runtime(after["name"]))
    runtime.delete(force=True)

    runtime = Runtime.create(mstrio, **for_mstrio(before))
    witness = Witness(server)
    module(id=runtime.id, **after, **note)

    assert [call["method"] for call in theirs] == ["PATCH"]
    assert witness.writes(runtime.id) == theirs
    assert witness.journal() == their_journal
    assert stored(server.runtime(after["name"])) == their_object


def test_delete(module: Module, mstrio: Connection, server: Simulator, switches: dict[str, Any]) -> None:
    note = comment(switches, "delete_comments", "gone & forgotten?")

    runtime = Runtime.create(mstrio, "Witness")
    witness = Witness(server)
    runtime.delete(force=True, **note)
    theirs, their_journal = witness.writes(runtime.id), witness.journal()

    runtime = Runtime.create(mstrio, "Witness")
    witness = Witness(server)
    result = module(name="Witness", state="absent", **note)

    assert (result["action"], result["id"]) == ("deleted", runtime.id)
    assert [call["method"] for call in theirs] == ["DELETE"]
    assert witness.writes(runtime.id) == theirs
    assert witness.journal() == their_journal
    with pytest.raises(IServerError, match="not found"):
        Runtime(mstrio, id=runtime.id)
