"""Scripts are part of what is wanted, and go the one way."""

from __future__ import annotations

import pytest
from unit.support.make import error_of, refusal
from unit.support.many import LIST, NO, A, B, C, D, actions, assigned, both, holding, message, move, moves, run

OLD_GOES = {"name": "old", "state": "absent"}


def test_scripts_alone_purge_nothing_and_list_once():
    have = holding(a=A, b=B).seed_scripts(load=A)
    how = {"scripts": [assigned("load", "b")]}
    assert run(have, **how, check_mode=True)["msg"] == "1 script would be moved."
    have.requests.clear()
    result = run(have, **how)
    assert (have.scripts, have.names, result["changed"]) == ({"load": B}, ["a", "b"], True)
    assert (have.requests.count(LIST), have.requests.count("GET /projects")) == (1, 1)
    [diff] = result["diff"]
    assert (diff["before_header"], diff["after_header"]) == ("scripts", "scripts")
    assert (diff["before"], diff["after"]) == ({"Sales / load (LOAD)": f"a ({A})"}, {"Sales / load (LOAD)": f"b ({B})"})


def test_plan_id_covers_assignments():
    have = holding(a=A, b=B, c=C).seed_scripts(load=A, close=A)
    how = {"scripts": [assigned("load", "b")]}
    identity = run(have, **how, check_mode=True)["plan_id"]
    refused = error_of(run, have, scripts=[assigned("load", "b"), assigned("close", "b")], plan_id=identity)
    assert f"is different from the approved one ({identity}): 2 scripts to move" in refused.sentence
    refused = error_of(run, have, **how, plan_id="0" * 24)
    assert refused.to_result()["plan_id"] == identity == run(have, **how, plan_id=identity)["plan_id"]
    # Not only the name of the runtime: somebody may have deleted it and created a different one.
    assert run(holding(a=A, b=D).seed_scripts(load=A), **how, check_mode=True)["plan_id"] != identity


NEW_ONE = {"name": "new", "runtime_version": "3.12.1"}
MOVES = {"scripts": [assigned("load", "new")], "protect": True}


def test_upgrade_in_one_task():
    """The new one is made and tried, the scripts are assigned to it, and then the old one is deleted."""
    have = holding(old=A).seed_scripts(load=A)
    for result in both(have, {**NEW_ONE, "smoke_test": "1"}, OLD_GOES, **MOVES):
        assert (actions(result), moves(result)) == ([("new", "created"), ("old", "deleted")], [("load", "moved")])
        assert result["runtimes"][0]["smoke_test"] == "1"
        assert result["diff"][0]["after"]["smoke_test"] == "1"
    assert (have.names, have.scripts) == (["new"], {"load": result["runtimes"][0]["id"]})
    assert [call.partition(" ")[0] for call in have.writes] == ["POST", "POST", "PUT", "DELETE"]
    again = run(have, {**NEW_ONE, "smoke_test": "1"}, OLD_GOES, **MOVES)
    assert (again["changed"], "smoke_test" in again["runtimes"][0], len(have.tried)) == (False, False, 1)


def test_smoke_test_runs_before_a_script_moves():
    """Also to a runtime that does not change: a test that failed yesterday holds today."""
    have = holding(new={"id": B, "runtimeVersion": "3.12.1"}, old=A).seed_scripts(load=A)
    have.code_status = 4
    predicted, done = both(have, {**NEW_ONE, "smoke_test": "1"}, OLD_GOES, **MOVES)
    assert (predicted["diff"][0]["after"]["smoke_test"], predicted["plan_id"]) == ("1", done["plan_id"])
    assert (actions(done), moves(done)) == ([("new", "failed"), ("old", "failed")], [("load", "failed")])
    assert "the runtime 'new' failed, so no script was assigned to it" in done["msg"]
    assert "'old' was not deleted, because runtimes[0] 'new' failed" in done["msg"]
    assert (have.scripts, have.names, have.tried) == ({"load": A}, ["new", "old"], [B])


BROKEN = [{"name": "pandas", "version": "1", "status": "not_installed", "message": "Return code: 1."}]


def test_script_waits_for_its_runtime():
    """It is not assigned to a runtime that is broken."""
    have = holding(old=A).seed_scripts(load=A)
    have.alter = lambda entry: entry.update(packages=BROKEN)
    result = run(have, NEW_ONE, OLD_GOES, **MOVES)
    assert moves(result) == [("load", "failed")]
    assert 'package could not be installed: pandas (server: "Return code: 1.")' in result["msg"]
    assert (have.scripts, "old" in have.names) == ({"load": A}, True)


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_failure_cancels_every_deletion(method):
    """Of a runtime that cannot be created, or of a script that cannot be moved."""
    have = holding(a=A, gone=B, purged=C).seed_scripts(load=None)
    have.refusals = {"POST /runtimes": NO} if method == "POST" else {"PUT /scripts/LOAD": NO}
    entries = [{"name": "a"}, {"name": "gone", "state": "absent"}, *([{"name": "new"}] if method == "POST" else [])]
    result = run(have, *entries, purge=True, scripts=[assigned("load", "a")])
    assert actions(result)[:2] == [("a", "none"), ("gone", "failed")]
    assert result["msg"].endswith("Nothing was purged.")
    assert have.names == ["a", "gone", "purged"]


def test_user_who_sees_no_project_has_no_scripts():
    have = holding(old=A).seed_projects()
    assert actions(run(have, OLD_GOES, protect=True)) == [("old", "deleted")]
    assert have.warnings == []


def test_script_and_a_runtime_that_an_earlier_task_broke():
    """Check mode says that it is not assigned, too."""
    have = holding(old=A, new={"id": B, "packages": BROKEN}).seed_scripts(load=A)
    for result in both(have, {"name": "new"}, OLD_GOES, scripts=MOVES["scripts"]):
        assert (actions(result), moves(result)) == ([("new", "none"), ("old", "failed")], [("load", "failed")])
        assert "It was not assigned. Runtime 'new'" in result["msg"]
    assert (have.scripts, have.writes) == ({"load": A}, [])


@pytest.mark.parametrize("omitted", ["", "status,packages"])
@pytest.mark.parametrize("fields", [{"packages": BROKEN}, {"status": "error"}])
def test_script_and_a_broken_runtime_that_no_entry_names(omitted, fields):
    """It is not assigned, check mode says so, too, and what it still uses is not deleted."""
    have = holding(old=A, other={"id": B, **fields}).seed_scripts(load=A, save=B)
    have.switch(list_omits=omitted)
    for result in both(have, OLD_GOES, scripts=[assigned(name, "other") for name in ("load", "save")]):
        assert moves(result) == [("load", "failed"), ("save", "none")]
        assert actions(result) == [("old", "failed")]
        assert f"It was not assigned. Runtime 'other' ({B})" in result["scripts"][0]["error"]["msg"]
    assert (have.scripts, have.writes, have.names) == ({"load": A, "save": B}, [], ["old", "other"])


def test_target_that_cannot_be_read():
    """Nothing says that it is not broken, so no script is assigned to it."""
    have = holding(old=A, other=B).seed_scripts(load=A)
    have.switch(list_omits="packages")
    have.refusals[f"GET /runtimes/{B}"] = NO
    result = run(have, OLD_GOES, scripts=[assigned("load", "other")])
    assert (moves(result), actions(result)) == ([("load", "failed")], [("old", "failed")])
    assert NO.sentence in result["msg"]


def test_refusal_names_its_cause():
    """A script that cannot be moved uses what is to be deleted; what to repair is why it cannot."""
    have = holding(old=A).seed_scripts(load=A)
    said = message(have, {"id": B, "name": "new"}, OLD_GOES, **MOVES)
    assert said.startswith(f"runtimes[0] 'new': no runtime has the id {B}; to create one, set name and omit id\n")
    assert f"\nruntime 'old' ({A}) is used by 1 script: 'load' in 'Sales'" in said
    assert have.writes == []


def test_plan_says_which_runtime_each_test_tries():
    """Also of definitions that have only an id."""
    have = holding(old=A, x=B, y=C).seed_scripts(load=A, save=A)
    how = {"scripts": [assigned("load", "x"), assigned("save", "y")], "check_mode": True}
    one, two = ([{"id": B, "smoke_test": code}, {"id": C, "smoke_test": other}] for code, other in ("12", "21"))
    assert run(have, *one, **how)["plan_id"] != run(have, *two, **how)["plan_id"]


def test_move_that_is_not_known_is_not_counted_as_moved():
    have = holding(a=A, b=B).seed_scripts(load=A)
    down = refusal(500, request="GET /api/scripts/LOAD")
    have.fail("PUT", meanwhile=lambda: have.refusals.update({"GET /scripts/LOAD": down}))
    result = run(have, scripts=[assigned("load", "b")])
    assert (result["changed"], moves(result), have.scripts) == (True, [("load", "failed")], {"load": B})
    assert (result["summary"]["moved"], result["summary"]["failed"]) == (0, 1)


def test_cause_comes_first():
    """Before what was not done because of it, wherever it is listed."""
    have = holding(old=A, x=B)
    have.fail("PATCH", NO)
    result = run(have, OLD_GOES, {"name": "x", "others": "y"})
    assert result["msg"].startswith(f"2 of 2 runtimes failed:\nruntimes[1] 'x': {NO.sentence}")
    assert result["error"]["http_status"] == 403


def test_script_of_another_project_that_comes_back():
    """Before a deletion, its project is looked at again, also where projects are given."""
    have = holding(old=A, x=B).seed_scripts(load=A)
    have.core.projects.seed({"name": "HR", "id": "6B" * 16})

    def comes_back(data):
        move(have, "load", A) if have.scripts["load"] == B else None
        return data

    have.change_answer("GET /projects", comes_back)
    result = run(have, OLD_GOES, scripts=[assigned("load", "x")], protect=True, projects=["HR"])
    assert (actions(result), have.names) == ([("old", "failed")], ["old", "x"])
    assert f"runtime 'old' ({A}) is used by 1 script: 'load' in 'Sales'" in result["msg"]


def test_script_that_lost_something_and_was_not_moved():
    """Something was written."""
    have = holding(a=A, b=B).seed_scripts(load=A)
    other = {"scriptRuntimeId": A, "name": "gone"}
    have.change_answer("GET /scripts/LOAD", lambda data: {**data, **other} if have.writes else data)
    result = run(have, scripts=[assigned("load", "b")])
    assert (result["changed"], moves(result), result["summary"]["moved"]) == (True, [("load", "failed")], 0)
    assert "it changed name" in result["msg"]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_fault_in_a_write(method):
    """It proves nothing: the request may have been sent, so a backup is kept."""
    have = holding(a=A, b=B).seed_scripts(load=A)
    have.fail(method, KeyError("a fault"), done=True)
    result = run(have, {"name": "a", "others": "x"}, scripts=[assigned("load", "b")])
    found = {"PATCH": result["runtimes"][0]["action"], "PUT": result["scripts"][0]["after"]}
    assert (result["changed"], found[method]) == (True, {"PATCH": "unknown", "PUT": None}[method])
    assert "A fault in mstr.library: KeyError" in result["msg"]
