"""Each property of each response of the vendor's schema in a wrong type: no traceback, and no false "none"."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._options import check_entry
from ansible_collections.mstr.library.plugins.module_utils._work import runtime_info
from ansible_collections.mstr.library.plugins.module_utils._work.script import Script, run_script
from simulator.profiles import PROFILES
from unit.support.make import ID, runtime, stored
from unit.support.many import why_kept
from unit.support.server import Server

# In the environment in which developers run these tests; ansible-test does not have it.
pytest.importorskip("jsonschema")
from support.vendor_schema import FACTS, content_of, resolved, route_of

RAN = {"status": "success", "triggered": "2026-11-25T02:00:00Z"}
LOAD = {"name": "Load", "id": "A1" * 16, "runtime": ID, "last_run": {"time": RAN["triggered"], "status": "success"}}
CLOSE = {"name": "Close", "id": "A2" * 16, "runtime": ID, "variables": [{"name": "day", "type": 0}]}
TASKS = [{"id": "T1", "script": "Load", "last_run": RAN}]
# One alone, which is read by itself, and two that are read in one request.
PROJECTS = [
    {"name": "Sales", "id": "5A" * 16, "scripts": [LOAD, CLOSE], "tasks": TASKS},
    {"name": "Finance", "id": "F1" * 16, "scripts": [{"name": "Pay", "id": "A3" * 16, "runtime": ID}]},
]
ABSENT = object()
# In place of each type: absent, null, and the other types that a value might have.
ODD = {
    "string": (ABSENT, None, 5, ["text"]),
    "integer": (ABSENT, None, "5", {}),
    "boolean": (ABSENT, None, "true", 1),
    "array": (ABSENT, None, {"a": 1}, "text"),
    "object": (ABSENT, None, [], "text"),
}
# What runs code is stopped by its status, and nothing else of it decides.
USED = (
    *("projects", "metadataSearches/results", "tasks", "tasks/{id}", "sessions/userInfo"),
    *("scripts", "scripts/{id}", "scripts/history", "scripts/evaluation/{evaluationId}"),
    *("runtimes", "runtimes/{id}", "runtimes/versions"),
)


def properties(schema, place=()):
    """The place of each property of a value, and its type."""
    if place:
        yield place, schema["type"]
    for name, inner in schema.get("properties", {}).items():
        yield from properties(inner, (*place, name))
    if schema.get("type") == "array":
        yield from properties(schema["items"], (*place, "*")) if schema["items"].get("properties") else ()


def all_properties():
    routes = [f"/api/{name}" for name in USED]
    schemas = {route: content_of(resolved(FACTS["paths"][route]["get"])["responses"]["200"]) for route in routes}
    return [(route, *found) for route, schema in schemas.items() for found in properties(schema) if found[0][-1] != "*"]


def put(value, place, odd):
    """Change a property, of each entry of a list."""
    name, *rest = place
    if isinstance(value, list) and name == "*":
        for entry in value:
            put(entry, rest, odd)
    if not isinstance(value, dict):
        return
    if rest:
        put(value.get(name), rest, odd)
    elif odd is ABSENT:
        value.pop(name, None)
    else:
        value[name] = odd


def server_with(route, place, odd):
    """A server that answers as the schema says, but for one property."""

    def rewrite(call, data):
        method, path = call.split(" ")
        changed = copy.deepcopy(data)
        if method == "GET" and route_of(f"/api{path}") == route:
            put(changed, place, odd)
        return changed

    switches = {name: value for name, value in PROFILES["schema"].items() if name != "evaluation_status"}
    server = Server(stored(id=ID), **switches).seed_projects(*copy.deepcopy(PROJECTS))
    server.rewrite = rewrite
    return server


def result_or_sentence(call):
    """What the call returns, or the sentence of its error."""
    try:
        return call()
    except MstrError as exc:
        return exc.sentence


def read(server):
    """What mstr_runtime_info returns, or the error with which it fails."""
    options = {"include_scripts": True, "include_tasks": True, "policy": {}}
    params, _errors = check_entry(runtime_info.INFO_OPTIONS, options)
    return result_or_sentence(
        lambda: runtime_info.read(server.task(**params, retries=0), runtime_info.query_from(params))
    )


EXPECTED = [("Close", [], False), ("Load", ["T1"], True), ("Pay", [], False)]


def shown_by(result):
    """The tasks of each script, and whether it ever ran."""
    scripts = [script for each in result["runtimes"] for script in each["scripts"]] + result["dangling"]
    return sorted((script["name"], tasks_of(script), script["last_run"] is not None) for script in scripts)


def tasks_of(script):
    return script["tasks"] and [task["id"] for task in script["tasks"]]


def is_silent(result):
    """Whether a result has the runtime, and says of nothing that it could not be read."""
    return not isinstance(result, str) and not result["unread"] and ID in [each["id"] for each in result["runtimes"]]


@pytest.mark.parametrize(("route", "place", "kind"), all_properties())
def test_property_of_another_type(route, place, kind):
    """Whatever is not known is said: a read names it, and a guard never lets a runtime go that is used."""
    servers = [server_with(route, place, odd) for odd in ODD[kind]]
    results = [read(server) for server in servers]
    assert [shown_by(result) for result in results if is_silent(result) and shown_by(result) != EXPECTED] == []
    absent_means_default = (route, place) == ("/api/scripts/{id}", ("scriptRuntimeId",))
    assert all(guarded(server) for server in servers[2 if absent_means_default else 0 :])


def guarded(server):
    return result_or_sentence(lambda: why_kept(server, runtime(id=ID)))


@pytest.mark.parametrize(("route", "place", "kind"), [row for row in all_properties() if "runtimes" in row[0]])
def test_apply_with_a_property_of_another_type(route, place, kind):
    """A sentence, or a result; a traceback would be neither."""
    assert all(outcome(server_with(route, place, odd)) for odd in ODD[kind])


def outcome(server):
    wanted = {"name": "r", "exec_timeout": 60, "packages": [{"name": "six"}], "runtime_version": "3.12.4"}
    return result_or_sentence(lambda: server.ensure(definition_from(wanted))["msg"])


@pytest.mark.parametrize(("route", "place", "kind"), [row for row in all_properties() if "evaluation" in row[0]])
def test_run_with_a_property_of_another_type(route, place, kind):
    assert all(ran(server_with(route, place, odd)) for odd in ODD[kind])


def ran(server):
    context = server.context()
    script = Script("1", ID, 5)
    return result_or_sentence(lambda: run_script(server.session, script, context.clock, server.pause)["msg"])
