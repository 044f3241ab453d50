"""The plan of assignments, and the work on the simulator's core. tests/faults breaks the requests."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import Runtime
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Interrupted
from ansible_collections.mstr.library.plugins.module_utils._work import assignments
from ansible_collections.mstr.library.plugins.module_utils._work.assignments import Assigner, script_entries
from ansible_collections.mstr.library.plugins.module_utils._work.script_usage import Project, SavedScript, Unread, Usage
from ansible_collections.mstr.library.plugins.module_utils._work.scripts import check_same_scripts
from unit.support.make import ID, OTHER_ID, faults_of, lost
from unit.support.server import Server

LOAD, CLOSE = "5" * 32, "6" * 32
SIGNAL = Interrupted("Stopped by signal SIGTERM")
SALES = Project("5A" * 16, "Sales")
USAGE = Usage(
    [SavedScript(SALES, LOAD, "Load", runtime_id=ID), SavedScript(SALES, CLOSE, "Close", runtime_id=OTHER_ID)]
)
OTHER_UNREAD = Usage(USAGE.scripts, [Unread(SALES, SavedScript(SALES, CLOSE, "Load"), MstrError("Not yours."))])


def entry(**given):
    return {"id": None, "name": None, "project": "Sales", "runtime": "New", **given}


def planned(usage, *given):
    target = Runtime({"name": "New"}, OTHER_ID)
    return [assignments.plan_assignment(wanted, usage, target) for wanted in script_entries(given)]


@pytest.fixture
def server():
    return Server({"name": "Old", "id": ID}, {"name": "New", "id": OTHER_ID}).seed_scripts(**{LOAD: ID})


def test_plan_by_name_and_by_id():
    plan = planned(USAGE, entry(name="Load"), entry(id=CLOSE.lower()))
    shown = [(item.script.name, item.action, item.place) for item in plan]
    assert shown == [("Load", "moved", "scripts[0]"), ("Close", "none", "scripts[1]")]
    for names, shown in (({ID: "Old"}, f"Old ({ID})"), ({}, ID)):
        assert assignments.script_report(plan, names).diff["before"] == {f"Sales / Load ({LOAD})": shown}
    assert script_entries([entry(name="Load")])[0].runtime == "New"
    assert SavedScript(SALES, LOAD, "").label == f"script with id {LOAD} in project 'Sales'"


@pytest.mark.parametrize(
    ("usage", "given", "why"),
    [
        (USAGE, entry(name="Lod"), "no such script that uses a runtime"),
        (USAGE, entry(name="Load", project="Slaes"), "no such script"),
        (Usage([*USAGE.scripts, USAGE.scripts[0]._replace(id=CLOSE)]), entry(name="Load"), f"name: {LOAD}, {CLOSE};"),
        (Usage([], [Unread(SALES, USAGE.scripts[0], MstrError("Not yours."))]), entry(name="Load"), "Not yours."),
        (OTHER_UNREAD, entry(name="Load"), f"2 scripts have this name: {LOAD}, {CLOSE}; choose one by id"),
        (Usage([], [Unread(SALES, None, MstrError("Not loaded."))]), entry(id=LOAD), "Not loaded."),
        (Usage([], [Unread(None, None, MstrError("No list."))]), entry(id=LOAD), "No list."),
    ],
)
def test_plan_without_script_has_reason(usage, given, why):
    [plan] = planned(usage, given)
    assert plan.action == "failed"
    assert why in plan.error.sentence


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        ([entry(name="a"), entry(name="a")], ["scripts[1] is the same script as scripts[0]; list it once"]),
        ([entry(), entry(name="b", runtime=" ")], ["scripts[0] needs an id or a name", "scripts[1].runtime is empty"]),
        ([entry(id="x")], ["scripts[0]: id 'x' is invalid: expected 32 hexadecimal digits"]),
    ],
)
def test_wrong_entries(given, faults):
    assert faults_of(script_entries, given) == tuple(faults)


def test_one_script_by_name_and_by_id():
    plan = planned(USAGE, entry(name="Load"), entry(id=LOAD), entry(name="Lod"), entry(name="Lad"))
    same = "scripts[1] and scripts[0] are the same script 'Load' in project 'Sales'; list it once"
    assert faults_of(check_same_scripts, plan) == (same,)


@pytest.mark.parametrize("now", [ID, "C" * 32, OTHER_ID])
def test_script_assigned_elsewhere_meanwhile(server, now):
    """Only a script that still has the runtime of the look-up is changed."""
    server.seed_scripts(**{LOAD: now})
    [done] = Assigner(server.context()).assign(planned(USAGE, entry(name="Load")))
    assert [body["scriptRuntimeId"] for body in server.sent] == ([OTHER_ID] if now == ID else [])
    assert done.action == {ID: "moved", OTHER_ID: "none"}.get(now, "failed")
    assert not done.error or (done.error.sentence, done.script.runtime_id) == (f"Somebody assigned {now} to it.", now)


@pytest.mark.parametrize(
    ("method", "error", "answer", "action", "says"),
    [
        ("GET", SIGNAL, None, "failed", "Stopped by signal"),
        ("PUT", SIGNAL, None, "moved", "Stopped by signal"),
        # An answer about something else says nothing, and causes no write.
        ("PUT", SIGNAL, {"status": "ok"}, "unknown", "Stopped by signal"),
        ("PUT", SIGNAL, {"id": CLOSE, "scriptRuntimeId": ID}, "unknown", "Stopped by signal"),
        ("PUT", SIGNAL, [], "unknown", "Stopped by signal"),
        ("PUT", lost("PUT /api/x"), lost("GET /api/x"), "unknown", "may or may not use the runtime 'New'"),
        # The update was accepted.
        ("PUT", None, {"id": LOAD, "scriptRuntimeId": "x"}, "unknown", "it is unknown which runtime it uses"),
    ],
)
def test_what_became_of_an_assignment(server, method, error, answer, action, says):
    """What a signal or a lost response leaves unknown is looked up."""
    server.fail(method, error, done=True)

    def rewrite(call, data):
        if isinstance(answer, Exception) and call.startswith("GET") and server.sent:
            raise answer
        return answer if answer is not None and server.sent and call == f"GET /scripts/{LOAD}" else data

    server.rewrite = rewrite
    [done] = Assigner(server.context()).assign(planned(USAGE, entry(name="Load")))
    writes = int(method == "PUT")
    assert (done.action, len(server.sent), done.is_changed) == (action, writes, bool(writes))
    assert server.scripts[LOAD] == (OTHER_ID if writes else ID)
    assert says in done.error.sentence
    names = {"moved": "New", "unknown": None, "failed": "Old"}
    assert (done.to_result({ID: "Old"})["after"] or {"name": None})["name"] == names[action]
