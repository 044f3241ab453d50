"""An audit is one task: one list, one look-up of scripts, and all that is said is about what was read then."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._options import check_entry
from ansible_collections.mstr.library.plugins.module_utils._work.audit import AUDIT_OPTIONS, audit, audit_inputs_from
from unit.support.make import ID, refusal, stored
from unit.support.server import Server

DEFINED = [{"name": "r", "exec_timeout": 60}]


def audited(server, check_mode=False, **options):
    params, errors = check_entry({"retries": {"type": "int", "default": 0}, **AUDIT_OPTIONS}, options)
    assert errors == []
    task = auth.Task(server.session, server, params, check_mode, server.warnings.append)
    return audit(task, audit_inputs_from(check_entry, params))


@pytest.mark.parametrize("omits", ["", "whitelist"])
def test_definitions_cost_no_request(omits):
    server, plain = (Server(stored(), list_omits=omits) for _number in range(2))
    result = audited(server, runtimes=DEFINED, purge=True, purge_limit=0)
    audited(plain)
    assert server.requests == plain.requests
    assert [entry["action"] for entry in result["applied"]["runtimes"]] == ["updated"]


def test_one_look_up_of_scripts():
    """For the report, and for what a guard protects."""
    server = Server(stored(), stored(id="A" * 32, name="old")).seed_scripts(load="A" * 32)
    options = {"include_scripts": True, "protect_used": True, "purge": True, "purge_limit": 0}
    result = audited(server, runtimes=DEFINED, **options)
    reads = ("GET /projects", "GET /scripts/LOAD", "GET /runtimes")
    assert [server.requests.count(read) for read in reads] == [1, 1, 1]
    assert len(result["refusals"]) == 2
    [read] = [runtime for runtime in result["read"]["runtimes"] if runtime["name"] == "old"]
    assert [(script["name"], script["tasks"]) for script in read["scripts"]] == [("load", [])]
    assert not result["applied"].get("failed")


@pytest.mark.parametrize(("until", "number"), [("2999-12-31", 0), ("2001-01-01", 1)])
def test_exemption_expired_no_difference(until, number):
    """The definition and the server are equal. An audit refuses no definition for its policy."""
    exemption = {"runtime": "r", "reason": "month end", "until": until}
    policy = {"resource_max": {"exec_timeout": 600}, "exemptions": [exemption]}
    result = audited(Server(stored(execTimeout=900)), runtimes=[{"name": "r", "exec_timeout": 900}], policy=policy)
    assert [entry["action"] for entry in result["applied"]["runtimes"]] == ["none"]
    assert (len(result["refusals"]), len(result["read"]["violations"])) == (0, number)


def test_broken_definitions_hide_no_violation():
    server, policy = Server(stored(whitelist=["0.0.0.0/0"])), {"networks_within": ["10.0.0.0/8"]}
    result = audited(server, runtimes=[{"name": "r", "whitelist": ["host"]}], policy=policy)
    assert result["applied"]["failed"]
    assert "host" in result["applied"]["msg"]
    assert "0.0.0.0/0" in [row["value"] for row in result["read"]["violations"]]


@pytest.mark.parametrize(("entry", "failed"), [({"name": "r"}, False), ({"id": "E" * 32, "name": "e"}, True)])
def test_what_apply_refuses_is_finding(entry, failed):
    """Here: a name that means two runtimes. An error of the server is a failure: then nobody knows."""
    server = Server(stored(), stored(id="A" * 32))
    server.refusals["GET /runtimes/" + "E" * 32] = refusal(500, "ERR001", "no")
    applied = audited(server, runtimes=[entry])["applied"]
    assert (applied["failed"], [row["action"] for row in applied["runtimes"]]) == (failed, ["none"])


@pytest.mark.parametrize("check_mode", [False, True])
def test_script_that_lists_packages(check_mode):
    """An audit changes nothing, but it runs code, which check mode does not."""
    server = Server(stored())
    result = audited(server, check_mode=check_mode, include_installed=True, runtimes=DEFINED)
    assert len(server.tried) == 2 * (not check_mode)
    assert (result["read"]["mismatches"] is None) == check_mode
    assert result["applied"]["runtimes"][0]["action"] == "updated"
    assert [request for request in server.writes if "/evaluation" not in request] == []


def test_a_failed_look_up_is_said_once():
    """The result lists it; a warning of it would stand in the report beside it."""
    server = Server(stored()).seed_scripts(load=ID)
    server.refusals["GET /scripts/LOAD"] = refusal(403, "ERR0017", "no permission")
    result = audited(server, include_scripts=True)
    assert (len(result["read"]["unread"]), server.warnings) == (1, [])


def test_scripts_outside_the_projects_that_are_looked_at():
    """An apply finds the scripts that it moves, so they are no finding."""
    here, there = ({"name": name, "id": digit * 32} for name, digit in (("Sales", "5"), ("HR", "6")))
    script = {"name": "pay", "id": "PAY", "runtime": "A" * 32}
    server = Server(stored(), stored(id="A" * 32, name="old")).seed_projects(here, {**there, "scripts": [script]})
    scripts = [{"name": "pay", "project": "HR", "runtime": "r"}]
    result = audited(server, include_scripts=True, projects=["Sales"], scripts=scripts)
    assert [row["action"] for row in result["applied"]["scripts"]] == ["moved"]


LOAD = {"name": "load", "project": "Sales", "runtime": "r"}


@pytest.mark.parametrize(
    ("entry", "failed"),
    [({"name": "lod"}, False), ({"project": "Closed"}, True)],
    ids=["no such script", "project that is not loaded"],
)
def test_script_that_an_apply_would_not_find(entry, failed):
    """A script that does not exist is drift. One that could not be looked for fails the comparison."""
    server = Server(stored()).seed_scripts(load=ID)
    server.core.projects.seed({"name": "Closed", "loaded": False})
    applied = audited(server, runtimes=DEFINED, scripts=[{**LOAD, **entry}])["applied"]
    assert [row["action"] for row in (*applied["runtimes"], *applied["scripts"])] == ["updated", "failed"]
    assert applied["failed"] is failed


def test_what_a_refusal_cancels_is_no_failure():
    """The environment was read."""
    server = Server(stored(), stored(id="A" * 32, name="old"))
    result = audited(server, runtimes=[{"id": "E" * 32, "name": "e"}, {"name": "old", "state": "absent"}])
    assert [row["error"]["msg"].partition(" ")[0] for row in result["applied"]["runtimes"]] == ["no", "'old'"]
    assert not result["applied"]["failed"]
