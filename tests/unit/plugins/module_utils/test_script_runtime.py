"""Scripts are assigned to a runtime: options, plan, results and sentences. tests/faults breaks the connection."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import PartialError, ValidationError
from ansible_collections.mstr.library.plugins.module_utils._model.moves import move_result
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import Runtime
from ansible_collections.mstr.library.plugins.module_utils._model.scripts import Project, SavedScript, Usage
from ansible_collections.mstr.library.plugins.module_utils._model.steps import UNKNOWN
from ansible_collections.mstr.library.plugins.module_utils._work import script_runtime
from ansible_collections.mstr.library.plugins.module_utils._work.assign import assign as carry_out
from ansible_collections.mstr.library.plugins.module_utils._work.scripts import (
    move_for,
    script_entries,
)
from unit.support.make import ID, OTHER_ID, faults_of, lost, refusal, stopped, stored
from unit.support.many import NO, moves
from unit.support.server import Server

OLD, NEW, GONE = (letter * 32 for letter in "ABD")
MOVED = {"Close": NEW, "Load": NEW, "Report": NEW}


def options(**given):
    return {**dict.fromkeys(script_runtime.OPTIONS), **given}


def script(**given):
    return {"id": None, "name": None, "project": "Sales", **given}


def saved(name, identity, runtime=OLD, **more):
    return {"name": name, "id": f"{identity:032X}", "runtime": runtime, **more}


@pytest.fixture
def server():
    kept = {"folder": "Nightly", "description": "about it", "variables": [{"name": "day", "type": "text"}]}
    scripts = [saved(name, number, **kept, code=name) for number, name in enumerate(["Close", "Load", "Report"], 1)]
    server = Server(stored(name="Old", id=OLD), stored(name="New", id=NEW))
    return server.seed_projects({"name": "Sales", "scripts": scripts})


def assign(server, retries=3, **given):
    """What mstr_script_runtime does. Returns the result, also that of a failure, which then has `failure`."""
    old = {} if "scripts" in given else {"from_runtime": "Old"}
    wanted = script_runtime.script_inputs_from(options(**{"runtime": "New", **old, **given}))
    try:
        return {**script_runtime.assign_scripts(server.task(retries=retries), wanted), "failure": ""}
    except PartialError as exc:
        return {**exc.result, "failure": exc.sentence}


def rest(server):
    """Everything of the scripts that must not change."""
    kept = ("name", "folder", "description", "variables", "code")
    return [[getattr(script, name) for name in kept] for project in server.core.projects for script in project.scripts]


def updates(server):
    return sum(request.startswith("PUT") for request in server.requests)


@pytest.mark.parametrize(("done", "sent"), [(True, 3), (False, 4)])
def test_lost_update_is_looked_up(server, done, sent):
    server.fail("PUT", lost("PUT /api/x"), done=done)
    assert assign(server)["failure"] == ""
    assert (server.scripts, updates(server)) == (MOVED, sent)


@pytest.mark.parametrize("lose_answer", [False, True])
def test_an_update_that_replaces_loses_nothing(server, lose_answer):
    """The update holds everything that was read, so it does not matter what a server does with what is left out."""
    server.switch(script_put_omitted="reset")
    before = rest(server)
    server.fail("PUT", error=lost("PUT /api/x") if lose_answer else None, done=True)
    done = assign(server)
    assert (server.scripts, rest(server), updates(server)) == (MOVED, before, 3)
    assert (moves(done), done["failure"]) == ([(name, "moved") for name in MOVED], "")


def test_what_a_server_loses(server):
    """The first script is moved alone: if it loses something, such as its kind, the others are left as they are.

    A server may make a plain script of a data source: no response shows scriptUsageType, and no update has it.
    """
    server.switch(script_put_omitted="reset", script_usage="no")
    [first, *_others] = next(iter(server.core.projects)).scripts
    first.subtype = 19459
    done = assign(server)
    assert moves(done) == [("Close", "moved"), ("Load", "failed"), ("Report", "failed")]
    assert done["scripts"][0]["error"]["msg"] == "While the server assigned the runtime, it changed kind. Check it."
    assert (updates(server), server.scripts["Load"]) == (1, OLD)


def test_a_secret_is_not_sent_back(server):
    """What was read of it may be a mask. A script that a task names is moved without its variables."""
    script = next(iter(server.core.projects)).scripts[0]
    script.variables = [{"name": "password", "type": 4, "value": "********"}]
    assign(server)
    by_name = {body.get("name"): body for body in server.sent}
    assert ("variables" in by_name["Close"], "variables" in by_name["Load"]) == (False, True)
    assert script.variables[0]["name"] == "password"


def test_runtime_that_is_deleted_meanwhile(server):
    """No script is assigned to it."""
    server.fail("PUT", meanwhile=lambda: server.runtimes.pop(NEW))
    assert "was deleted meanwhile" in assign(server)["failure"]
    assert (updates(server), server.scripts["Load"]) == (1, OLD)


@pytest.mark.parametrize("trouble", [refusal(404, "ERR004", "no such object"), refusal(503)], ids=["404", "503"])
@pytest.mark.parametrize("error", [None, lost("PUT /api/x")], ids=["answered", "lost"])
def test_read_that_fails_for_a_moment_after_an_update(server, trouble, error):
    read = f"GET /scripts/{1:032X}"
    server.fail("PUT", error, done=True, meanwhile=lambda: server.refusals.update({read: trouble}))
    pauses = iter([lambda: None, server.refusals.clear])
    server.pause = lambda seconds: next(pauses)()
    done = assign(server, retries=0)
    assert (moves(done)[0], done["failure"]) == (("Close", "moved"), "")


def test_update_without_effect(server):
    server.ignores = "PUT"
    done = assign(server)
    ignored = "The server accepted a new runtime for the script 'Close' in project 'Sales', but the script still uses"
    assert f"{ignored} {OLD}." in done["failure"]
    assert (done["changed"], moves(done)[0]) == (False, ("Close", "failed"))


def test_scripts_of_a_runtime_that_is_gone(server):
    """By their names; one that several have is none that could be meant."""
    server.core.projects.seed({"name": "Sales", "scripts": [saved("Twin", 7, GONE), saved("Twin", 8, GONE)]})
    named = [script(name=name) for name in ("Load", "Twin", "Lod")] + [script(name="Load", project="Slaes")]
    done = assign(server, scripts=named)
    assert (server.scripts["Load"], updates(server)) == (NEW, 1)
    assert moves(done) == [("Load", "moved"), ("Twin", "failed"), ("Lod", "failed"), ("Load", "failed")]
    twins = f"scripts[1] script 'Twin' in project 'Sales': 2 scripts have this name: {7:032X}, {8:032X}; "
    assert twins in done["failure"]
    assert "The server lists no project with the name or id 'Slaes'" in done["failure"]
    assert assign(server, from_runtime=GONE)["msg"] == "2 scripts moved to 'New', 1 already there."


def test_script_that_cannot_be_read(server):
    """Why it is not found is why it could not be read."""
    server.refusals[f"GET /scripts/{3:032X}"] = NO
    done = assign(server, scripts=[script(name="Report")])
    assert (done["changed"], NO.sentence in done["failure"]) == (False, True)


def test_two_entries_for_one_script(server):
    """By its name and by its id: nothing is moved."""
    with pytest.raises(ValidationError, match="are the same script 'Load' in project 'Sales'; list it once"):
        assign(server, scripts=[script(name="Load"), script(id=f"{2:032x}")])
    assert updates(server) == 0


def test_unread_project_fails_the_task(server):
    server.core.projects.seed({"name": "Archive", "loaded": False})
    done = assign(server)
    assert server.scripts == MOVED
    assert done["failure"].startswith(
        "3 scripts moved to 'New', 0 already there. There may be more scripts that use the old runtime: "
    )
    assert "could not read the project 'Archive': " in done["failure"]
    server.refusals["GET /projects"] = NO
    unread = "There may be more scripts that use the old runtime: could not read the list of projects: "
    assert unread in assign(server)["failure"]


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ({"runtime": " ", "from_runtime": ""}, ["runtime is empty", "from_runtime is empty"]),
        ({"scripts": []}, ["scripts is empty, so there is nothing to assign"]),
        ({"scripts": [script(name="b", project=" ")]}, ["scripts[0]: project is empty"]),
        (
            {"runtime": OLD, "from_runtime": OLD.lower()},
            [f"the scripts of '{OLD.lower()}' cannot be assigned to '{OLD.lower()}' itself"],
        ),
        (
            {"runtime": "Old", "from_runtime": OLD},
            [f"the scripts of 'Old' ({OLD}) cannot be assigned to the same runtime"],
        ),
        ({"runtime": "new"}, ["runtime: no runtime has the name or id 'new'"]),
        ({"runtime": ID}, [f"runtime: no runtime has the name or id '{ID}'"]),
        ({"from_runtime": "Gone"}, ["from_runtime: no runtime has the name 'Gone'; if it was deleted, give its id"]),
    ],
)
def test_options_that_are_refused(server, given, faults):
    assert faults_of(lambda: assign(server, **given)) == tuple(faults)
    assert updates(server) == 0


LOAD, CLOSE = "5" * 32, "6" * 32
SIGNAL, IN_FLIGHT = stopped(in_flight=False), stopped(in_flight=True)


def planned():
    """The move of the script Load from the runtime Old to New."""
    load = SavedScript(Project("5A" * 16, "Sales"), LOAD, "Load", runtime_id=ID)
    [entry] = script_entries([{"id": None, "name": "Load", "project": "Sales", "runtime": "New"}])
    return move_for(entry, Usage([load]), Runtime({"name": "New"}, OTHER_ID), [Runtime({"name": "Old"}, ID)])


@pytest.fixture
def sales():
    return Server({"name": "Old", "id": ID}, {"name": "New", "id": OTHER_ID}).seed_scripts(**{LOAD: ID})


@pytest.mark.parametrize("now", [ID, "C" * 32, OTHER_ID])
def test_script_assigned_elsewhere_meanwhile(sales, now):
    """Only a script that still has the runtime of the look-up is changed."""
    sales.seed_scripts(**{LOAD: now})
    [done] = carry_out(sales.context(), [planned()])
    assert [body["scriptRuntimeId"] for body in sales.sent] == ([OTHER_ID] if now == ID else [])
    assert move_result(done)["action"] == {ID: "moved", OTHER_ID: "none"}.get(now, "failed")
    assert not done.error or (done.error.sentence, done.script.runtime_id) == (f"Somebody assigned {now} to it.", now)


@pytest.mark.parametrize(
    ("method", "error", "answer", "action", "says"),
    [
        ("GET", SIGNAL, None, "failed", "Stopped by signal"),
        ("PUT", IN_FLIGHT, None, "moved", "Stopped by signal"),
        # An answer about something else says nothing, and causes no write.
        ("PUT", IN_FLIGHT, {"id": CLOSE, "scriptRuntimeId": ID}, "failed", "Stopped by signal"),
        ("PUT", lost("PUT /api/x"), lost("GET /api/x"), "failed", "may or may not use the runtime 'New'"),
        # The update was accepted.
        ("PUT", None, {"id": LOAD, "scriptRuntimeId": "x"}, "failed", "it is unknown which runtime it uses"),
    ],
)
def test_what_became_of_an_assignment(sales, method, error, answer, action, says):
    """What a signal or a lost response leaves unknown is looked up."""
    sales.fail(method, error, done=True)

    def answered(data):
        if isinstance(answer, Exception) and sales.sent:
            raise answer
        return answer if answer is not None and sales.sent else data

    sales.change_answer(f"GET /scripts/{LOAD}", answered)
    [done] = carry_out(sales.context(), [planned()])
    writes = int(method == "PUT")
    assert (move_result(done)["action"], len(sales.sent), done.is_changed) == (action, writes, bool(writes))
    assert sales.scripts[LOAD] == (OTHER_ID if writes else ID)
    assert says in done.error.sentence
    after = {"moved": "New", "failed": "Old"}.get(action) if done.state != UNKNOWN else None
    assert (move_result(done)["after"] or {"name": None})["name"] == after
