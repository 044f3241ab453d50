from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.checks import check_projects
from ansible_collections.mstr.library.plugins.module_utils._work import script_usage
from hypothesis import given
from hypothesis import strategies as st
from simulator.profiles import PROFILES
from unit.support.make import DEFAULT_ID, ID, OTHER_ID, faults_of, refusal, runtime
from unit.support.many import NO, why_kept
from unit.support.server import Server
from unit.support.strategies import ANY_JSON

CODE = "cHJpbnQoJ2hlbGxvJykK"  # of each script of the simulator, as a response has it
V1, V2 = "/metadataSearches/results", "/v2/metadataSearches/results"
NO_SUCH_CALL = refusal(404, "ERR004", "HTTP 404 Not Found")
NOT_LOADED = refusal(500, "ERR001", "The project is not loaded")
CALLS = {"projects": "GET /projects", "search": f"POST {V2}", "page": f"GET {V1}", "script": "GET /scripts/LOAD"}


def holding(**projects):
    """A server with these projects, each with its scripts as {name: runtime id}. Ids are the names in upper case."""

    def saved(scripts):
        return [{"name": script, "id": script, "runtime": runtime_id} for script, runtime_id in scripts.items()]

    return Server().seed_projects(
        *({"name": name, "id": name, "scripts": saved(scripts)} for name, scripts in projects.items())
    )


@pytest.fixture
def server():
    return holding(Sales={"load": ID, "clean": None}, Finance={"close": ID}, Empty={})


def usage_of(server, projects=None):
    return script_usage.find_usage(server.context(), projects)


def by_runtime(usage):
    scripts = {}
    for entry in usage.scripts:
        scripts.setdefault(entry.runtime_id, []).append(f"{entry.project.name}/{entry.name}")
    return scripts


def unread(usage):
    return ["/".join(part.name for part in (entry.project, entry.script) if part) for entry in usage.unread]


def refusals(server, identity="C" * 32):
    return why_kept(server, runtime(id=identity))


def test_script_as_playbooks_see_it(server):
    [load, *_others] = usage_of(server).scripts
    admin, [sales] = server.core.users["admin"], [entry for entry in server.core.projects if entry.name == "Sales"]
    shown = load.to_result()
    assert shown.pop("date_modified").startswith("20")
    kind = {"type": 76, "subtype": 19457, "has_secret": False}
    place = {"project": {"id": sales.id, "name": "Sales"}, "owner": {"id": admin.id, "name": admin.full_name}}
    assert shown == {"id": "LOAD", "name": "load", **kind, **place}
    server.refusals["GET /scripts/LOAD"] = NO
    [denied] = [entry.to_result() for entry in usage_of(server).unread]
    assert (denied["project"]["name"], denied["script"]) == ("Sales", {"id": "LOAD", "name": "load"})
    assert (denied["error"]["http_status"], denied["error"]["code"]) == (403, "ERR0017")


@pytest.mark.parametrize(
    ("projects", "fault"),
    [
        ([], "projects is empty, so no script would be found; omit it to search every project"),
        (["Sales", ""], "projects[1] is empty"),
        ([None], "projects[0] is empty"),
    ],
)
def test_projects_that_find_nothing(projects, fault):
    assert faults_of(check_projects, projects) == (fault,)
    check_projects(None)
    check_projects(["Sales"])


@pytest.mark.parametrize("at_once", [1, 4], indirect=True)
def test_every_script_of_every_project(server, at_once):
    usage = usage_of(server)
    assert by_runtime(usage) == {ID: ["Sales/load", "Finance/close"], DEFAULT_ID: ["Sales/clean"]}
    assert usage.unread == []
    assert (server.sent, server.params, server.kinds) == ([{}] * 3, [{"type": 76, "domain": 2}] * 3, ["read"] * 3)
    # One list, a search for each project, a page where there is something to list, one read for the scripts of a
    # project, and a read for each script alone, or that this does not decide; `load` shows that the first is right.
    reads = ["GET /scripts", *(f"GET /scripts/{name}" for name in ("LOAD", "CLEAN", "CLOSE"))]
    assert sorted(server.requests) == sorted(["GET /projects", *[f"POST {V2}"] * 3, *[f"GET {V1}"] * 2, *reads])


@pytest.mark.parametrize(
    ("answer", "reads"),
    [
        ({}, 3 + 1),
        ({"scripts_by_ids": "404"}, 1 + 251),
        ({"scripts_by_ids": "incomplete"}, 1 + 251),
        ({"script_without_runtime": "null"}, 3 + 1),
    ],
)
def test_many_scripts_in_few_requests(answer, reads):
    """What a response for many does not decide is read by itself, and nobody's code is asked for or kept."""
    server = holding(Sales={**{f"s{number:03}": ID for number in range(250)}, "other": OTHER_ID})
    server.switch(**answer)
    usage = usage_of(server)
    assert {key: len(found) for key, found in by_runtime(usage).items()} == {ID: 250, OTHER_ID: 1}
    assert len([request for request in server.requests if request.startswith("GET /scripts")]) == reads
    assert CODE not in str(usage)


@pytest.mark.parametrize("profile", ["samples", "newest", "strict", "schema"])
def test_guard_over_many_scripts(profile):
    """A guard over 2,000 scripts in 10 projects, each with a planned task, needs few requests."""
    names = [f"P{number}" for number in range(10)]
    scripts = {name: [{"name": f"{name}{index}", "runtime": ID} for index in range(200)] for name in names}
    tasks = {name: [{"script": f"{name}0"}] for name in names}
    server = Server(**{**PROFILES[profile], "load_balancer_cookie": "none"})
    server.seed_projects(*({"name": name, "scripts": scripts[name], "tasks": tasks[name]} for name in names))
    [refusal] = why_kept(server, runtime(id=ID))
    assert "is used by 2000 scripts, 10 of them on a schedule" in refusal
    assert len(server.requests) <= 60


@pytest.mark.parametrize(
    "odd",
    [
        *({"scriptRuntimeId": identity} for identity in (OTHER_ID, None, "", 5, [ID])),
        *({"variables": variables} for variables in (None, {})),
        *({"id": identity} for identity in (None, "X")),
    ],
    ids=str,
)
def test_wrong_keys_of_many_scripts(odd):
    """The vendor's client warns of them. What they do not decide is read by itself."""
    server = holding(Sales={"load": ID, "close": ID})
    server.change_answer("GET /scripts", lambda data: {"result": [{**entry, **odd} for entry in data["result"]]})
    usage = usage_of(server)
    assert (sorted(by_runtime(usage)[ID]), usage.unread) == (["Sales/close", "Sales/load"], [])


@given(response_data=ANY_JSON | st.fixed_dictionaries({"result": ANY_JSON}))
def test_any_response_for_many_scripts(response_data):
    server = holding(Sales={"load": ID, "close": ID})
    server.change_answer("GET /scripts", lambda data: response_data)
    assert sorted(by_runtime(usage_of(server))[ID]) == ["Sales/close", "Sales/load"]


def test_only_the_projects_asked_for(server):
    """By name or id, each once; a misspelled one is unread."""
    usage = usage_of(server, ["Finance", "finance", "Slaes", "Finance"])
    assert by_runtime(usage) == {ID: ["Finance/close"]}
    assert unread(usage) == ["Slaes"]
    assert "no project with the name or id 'Slaes'" in usage.unread[0].error.sentence
    assert len(server.requests) == 4


@pytest.mark.parametrize("at_once", [1, 4], indirect=True)
@pytest.mark.parametrize("closed", [False, True])
def test_search_of_an_older_release(server, at_once, closed):
    """If the first project answers nothing of use, the version is still unknown when the others begin."""
    server.switch(search_versions="1")
    if closed:
        server.refusals[f"POST {V2} SALES"] = NOT_LOADED
    usage = usage_of(server)
    assert (len(usage.scripts), unread(usage)) == ((1, ["Sales"]) if closed else (3, []))
    assert closed or [server.requests.count(f"POST {search}") for search in (V2, V1)] == [1, 3]
    server.refusals = {f"POST {search}": NO_SUCH_CALL for search in (V2, V1)}
    assert unread(usage_of(server)) == ["Empty", "Finance", "Sales"]


@pytest.mark.parametrize("odd", ["Etl", 5, {"id": ID}, ID + "0"])
def test_script_with_an_invalid_runtime_id(odd):
    server = holding(Sales={"load": ID})
    server.change_answer("GET /scripts/LOAD", lambda data: {**data, "scriptRuntimeId": odd})
    [failure] = usage_of(server).unread
    assert failure.error.sentence == (
        f"Could not read the script 'load' in project 'Sales': its runtime's id {str(odd)!r} is invalid: "
        "expected 32 hexadecimal digits"
    )


def test_scripts_of_command_manager_are_not_read(server):
    saved = [script for project in server.core.projects for script in project.scripts]
    for index, script in enumerate(saved):
        script.subtype = (19456, "19456")[index % 2]
    usage = usage_of(server)
    assert (usage.scripts, usage.unread) == ([], [])
    assert not [request for request in server.requests if request.startswith("GET /scripts/")]


@pytest.mark.parametrize("page", [1, 3, 1000])
@pytest.mark.parametrize("counted", [{}, {"totalItems": None}])
def test_every_page_is_read(page, counted):
    server = holding(Sales={f"s{number}": ID for number in range(7)})
    server.change_answer(f"POST {V2}", lambda data: {**data, **counted})
    server.switch(search_page_limit=page)
    usage = usage_of(server)
    assert sorted(entry.name for entry in usage.scripts) == [f"s{number}" for number in range(7)]
    assert usage.unread == []


@pytest.mark.parametrize(
    ("total", "problem"),
    [(9, "counted 9 scripts but listed only 2"), (None, "returned a page of 2 scripts again instead of the next page")],
)
def test_same_page_for_ever_proves_nothing(total, problem):
    server = holding(Sales={"a": ID, "b": ID})
    page = {f"GET {V1}": [{"id": "A"}, {"id": "B"}]}
    server.rewrite = lambda call, data: {**data, "totalItems": total} if call == f"POST {V2}" else page.get(call, data)
    [failure] = usage_of(server).unread
    assert failure.error.sentence == f"The search in the project 'Sales' {problem}, so there may be more scripts."
    assert "protect_used could not find out" in refusals(server)[0]


@pytest.mark.parametrize("call", CALLS)
@given(response_data=ANY_JSON)
def test_any_json_is_scripts_or_unread(call, response_data):
    server = holding(Sales={"load": ID})
    server.change_answer(CALLS[call], lambda data: response_data)
    usage = usage_of(server)
    assert usage.scripts or usage.unread or response_data == []


def test_unread_scripts_protect_every_runtime():
    server = holding(Sales={"Private": ID}, Finance={})
    server.refusals = {f"POST {V2} FINANCE": NOT_LOADED, "GET /scripts/PRIVATE": NO}
    doomed = [runtime(name="Etl"), runtime(name="New", id=OTHER_ID)]
    [fault] = why_kept(server, *doomed)
    assert fault.startswith(
        f"protect_used could not find out whether scripts use 'Etl' ({ID}), 'New' ({OTHER_ID}), so nothing was "
        "deleted: 2 look-ups failed: project 'Finance', script 'Private' in project 'Sales'. The first reason: "
    )
    assert "'The project is not loaded'" in fault
    # A runtime that is known to be used needs no second reason.
    del server.refusals["GET /scripts/PRIVATE"]
    used, unknown = why_kept(server, *doomed)
    assert used.startswith("runtime 'Etl'")
    assert "'Etl'" not in unknown
    assert len(why_kept(server, doomed[0])) == 1
