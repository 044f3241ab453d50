"""The module reads and corrects runtimes that the clients created, and the clients those of the module.

test_requests.py tests deletes and the exact requests.
"""

from __future__ import annotations

from typing import Any

import pytest
from mstr.requests import AuthenticatedMSTRRESTSession
from mstrio.connection import Connection
from mstrio.python_execution.runtime import Runtime, list_runtimes
from simulator.harness import Simulator

from contract.adhoc import Module
from contract.vocabulary import FULL, OTHER, for_api, for_mstrio, known, of_api, of_mstrio

WRITES = ("POST /runtimes", "PATCH /runtimes", "DELETE /runtimes")


def writes(server: Simulator) -> list[str]:
    return [call for call in server.calls() if call.startswith(WRITES)]


def found_unchanged(result: dict[str, Any]) -> bool:
    return (result["changed"], result["action"], result["changed_fields"]) == (False, "none", [])


# --- created by the module


def test_the_clients_read_and_delete_runtimes_of_the_module(
    module: Module, mstrio: Connection, rest: AuthenticatedMSTRRESTSession, switches: dict[str, Any]
) -> None:
    wanted = known(FULL, switches)

    made = module(**wanted)

    assert (made["changed"], made["action"]) == (True, "created")
    assert sorted(made["changed_fields"]) == sorted(wanted)
    runtime = Runtime(mstrio, name=wanted["name"])
    assert runtime.id == made["id"]
    assert of_mstrio(runtime) == wanted
    # The types are those of the vendor's samples: cpu is a text, the counts are numbers.
    body = for_api(wanted)
    assert of_api(rest.get(f"runtimes/{made['id']}").json(), body) == of_api(body, body)
    assert runtime.delete(force=True)
    assert list_runtimes(mstrio, name=wanted["name"]) == []


def test_the_client_reads_fields_that_the_module_cleared_as_empty(
    module: Module, mstrio: Connection, switches: dict[str, Any]
) -> None:
    before = known(FULL, switches)
    runtime = Runtime.create(mstrio, **for_mstrio(before))
    cleared: dict[str, Any] = {"description": "", "others": "", "whitelist": [], "packages": []}

    result = module(id=runtime.id, **cleared)

    assert sorted(result["changed_fields"]) == sorted(cleared)
    assert of_mstrio(Runtime(mstrio, id=runtime.id)) == {**before, **cleared}


# --- created by a client


def test_the_module_finds_runtimes_of_mstrio_py_unchanged(
    module: Module, mstrio: Connection, server: Simulator, switches: dict[str, Any]
) -> None:
    wanted = known(FULL, switches)
    runtime = Runtime.create(mstrio, **for_mstrio(wanted))
    server.clear_requests()

    result = module(**wanted)

    assert found_unchanged(result)
    assert result["id"] == runtime.id
    assert writes(server) == []
    assert [session["mode"] for session in server.open_sessions()] == ["standard"]  # the module's is closed
    # The module returns what the client reads.
    listed = {name: result["runtime"][name] for name in ("status", "version", "owner", "acg", "date_modified")}
    assert listed == {name: getattr(runtime, name) for name in listed}


def test_the_module_finds_minimal_runtimes_of_mstrio_py_unchanged(module: Module, mstrio: Connection) -> None:
    # Packages without a version, an incomplete resource, and fields that the client adds itself.
    Runtime.create(mstrio, "Witness", packages=[{"name": "pandas"}, {"name": "mstrio_py"}], resource={"cpu": "1"})
    wanted = {"packages": [{"name": "mstrio-py"}, {"name": "Pandas"}], "resource": {"cpu": 1.0}, "exec_timeout": 600}
    assert found_unchanged(module(name="Witness", **wanted))


def test_the_module_finds_runtimes_of_the_rest_client_unchanged(
    module: Module, rest: AuthenticatedMSTRRESTSession, server: Simulator, switches: dict[str, Any]
) -> None:
    wanted = known(FULL, switches)
    identity = rest.post("runtimes", json=for_api(wanted)).json()["id"]
    server.clear_requests()

    result = module(id=identity.lower(), **wanted)

    assert found_unchanged(result)
    assert writes(server) == []


@pytest.mark.parametrize("first", [0, 1], ids=["one half of the fields", "the other half"])
def test_the_module_reports_and_reverts_changes_of_mstrio_py(
    module: Module, mstrio: Connection, server: Simulator, switches: dict[str, Any], first: int
) -> None:
    wanted, other = known(FULL, switches), known(OTHER, switches)
    runtime = Runtime.create(mstrio, **for_mstrio(wanted))
    altered = {name: other[name] for name in list(other)[first::2]}
    runtime.alter(**for_mstrio(altered))
    server.clear_requests()

    result = module(id=runtime.id, **wanted)

    assert (result["changed"], result["action"]) == (True, "updated")
    assert sorted(result["changed_fields"]) == sorted(altered)
    assert writes(server) == [f"PATCH /runtimes/{runtime.id}"]
    assert of_mstrio(Runtime(mstrio, id=runtime.id)) == wanted
