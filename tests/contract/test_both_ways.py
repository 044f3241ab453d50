"""The module reads and corrects runtimes that the clients created, and the clients those of the module."""

from __future__ import annotations

from typing import Any

import pytest
from mstr.requests import AuthenticatedMSTRRESTSession
from mstrio.connection import Connection
from mstrio.python_execution.runtime import Runtime
from simulator.harness import Simulator

from contract.vocabulary import FULL, OTHER, Module, for_api, for_mstrio, known, of_api, of_mstrio


def test_clients_read_what_it_created(
    module: Module, mstrio: Connection, rest: AuthenticatedMSTRRESTSession, switches: dict[str, Any]
) -> None:
    """Also the fields that it cleared, which are then empty."""
    wanted = known(FULL, switches)
    made = module(**wanted)
    assert sorted(made["changed_fields"]) == sorted(wanted)
    assert of_mstrio(Runtime(mstrio, name=wanted["name"])) == wanted
    # The types are those of the vendor's samples: cpu is a text, the counts are numbers.
    body = for_api(wanted)
    assert of_api(rest.get(f"runtimes/{made['id']}").json(), body) == of_api(body, body)

    cleared: dict[str, Any] = {"description": "", "others": "", "whitelist": [], "packages": []}
    assert sorted(module(id=made["id"], **cleared)["changed_fields"]) == sorted(cleared)
    assert of_mstrio(Runtime(mstrio, id=made["id"])) == {**wanted, **cleared}


@pytest.mark.parametrize("first", [0, 1], ids=["one half of the fields", "the other half"])
def test_changes_of_mstrio_py_reverted(
    module: Module, mstrio: Connection, server: Simulator, switches: dict[str, Any], first: int
) -> None:
    wanted, other = known(FULL, switches), known(OTHER, switches)
    runtime = Runtime.create(mstrio, **for_mstrio(wanted))
    unchanged = module(**wanted)
    assert unchanged["changed_fields"] == []
    assert [session["mode"] for session in server.open_sessions()] == ["standard"], "the module's is closed"
    # The module returns what the client reads.
    listed = {name: unchanged["runtime"][name] for name in ("status", "version", "owner", "acg")}
    assert listed == {name: getattr(runtime, name) for name in listed}

    altered = {name: other[name] for name in list(other)[first::2]}
    runtime.alter(**for_mstrio(altered))
    assert sorted(module(id=runtime.id, **wanted)["changed_fields"]) == sorted(altered)
    assert of_mstrio(Runtime(mstrio, id=runtime.id)) == wanted
