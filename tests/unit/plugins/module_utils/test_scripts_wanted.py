"""Scripts are part of what is wanted, and go the one way."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._work.script_usage import approved_scripts
from unit.support.many import LIST, NO, UPGRADE, A, B, C, D, actions, assigned, both, holding, moves, outcome, run

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


@pytest.mark.parametrize(
    ("entry", "method"),
    [
        ({"name": "old", "others": "y"}, "PATCH"),
        (OLD_GOES, "DELETE"),
        ({"name": "old", "others": "y", "replace_on_change": True}, "PATCH"),
    ],
)
def test_script_that_comes_before_the_purge(entry, method):
    """It spares its runtime, after every write of the task."""
    have = holding(keep=A, old=B, x=C, y=D).seed_scripts(load=A)
    have.fail(method, meanwhile=lambda: have.seed_scripts(load=C))
    result = run(have, {"name": "keep"}, entry, purge=True, protect=True)
    assert actions(result)[-2:] == [("x", "failed"), ("y", "deleted")]
    assert f"something changed after the plan was made: runtime 'x' ({C}) is used by 1 script" in result["msg"]


def test_script_of_what_cannot_be_planned():
    """Check mode says so, too, and what a script still uses is not deleted."""
    have = holding(old=A).seed_scripts(load=A)
    for result in both(have, {"id": B, "name": "b"}, OLD_GOES, scripts=[assigned("load", "b")]):
        assert (moves(result), actions(result)) == ([("load", "failed")], [("b", "failed"), ("old", "failed")])
        assert (result["changed"], result["summary"]["failed"]) == (False, 3)


@pytest.mark.parametrize(("runtime", "action"), [("S", "failed"), ("R", "none")])
def test_script_whose_name_was_not_read(runtime, action):
    """Half of a character becomes U+FFFD when it is read."""
    have = holding(R=A, S=B)
    scripts = [{"name": "Night\ud800", "id": "load", "runtime": A}]
    have.core.projects.seed({"name": "Sales", "id": "5A" * 16, "scripts": scripts})
    for result in both(have, {"name": "R"}, scripts=[assigned("Night\ufffd", runtime)]):
        assert [row["action"] for row in result["scripts"]] == [action]
    assert have.scripts == {"Night\ud800": A}


def test_plan_id_covers_assignments():
    have = holding(a=A, b=B, c=C).seed_scripts(load=A, close=A)
    how = {"scripts": [assigned("load", "b")]}
    identity = run(have, **how, check_mode=True)["plan_id"]
    with pytest.raises(MstrError, match=r"is different from the approved one .*: 2 scripts to move"):
        run(have, scripts=[assigned("load", "b"), assigned("close", "b")], plan_id=identity)
    with pytest.raises(MstrError) as refused:
        run(have, **how, plan_id="0" * 24)
    assert refused.value.to_result()["plan_id"] == identity == run(have, **how, plan_id=identity)["plan_id"]
    # Not only the name of the runtime: somebody may have deleted it and created a different one.
    assert run(holding(a=A, b=D).seed_scripts(load=A), **how, check_mode=True)["plan_id"] != identity


@pytest.mark.parametrize(
    ("refusals", "names"), [({}, [["close", "load"], ["other"]]), ({"GET /scripts/OTHER": NO}, [None, None])]
)
def test_plan_shows_the_scripts_of_what_goes(refusals, names):
    """They are evidence, and no part of the plan's id, also where another script is to be assigned."""
    have = holding(a=A, b=B, c=C).seed_scripts(load=B, close=A)
    task = {"name": "a"}, {"name": "b", "state": "absent"}
    before = run(have, *task, purge=True, check_mode=True)["plan_id"]
    have.seed_scripts(load=B, close=B, other=C)
    have.refusals = refusals
    result, done = both(have, *task, purge=True)
    kept, *gone = result["runtimes"]
    assert [row["scripts"] and [script["name"] for script in row["scripts"]] for row in gone] == names
    assert result["plan_id"] == before
    assert "scripts" not in str([kept, result["diff"], done["runtimes"]])
    have = holding(a=A, b=B).seed_scripts(load=B, move=A)
    result = run(have, task[1], scripts=[assigned("move", "a")], check_mode=True)
    assert [script["name"] for script in result["runtimes"][0]["scripts"]] == ["load"]


def approved(have, *task, **how):
    """The options of the apply whose plan was made now."""
    planned = run(have, *task, check_mode=True, **how)
    shown = {row["id"]: row["scripts"] for row in planned["runtimes"] if row["action"] == "deleted"}
    return {**how, "plan_id": planned["plan_id"], "approved": approved_scripts(shown)}


@pytest.mark.parametrize("purge", [True, False])
def test_script_that_the_approved_plan_lacks(purge):
    """It keeps its runtime, whether it comes before the run or just before the deletion."""
    have = holding(a=A, b=B).seed_scripts(load=B, move=A)
    task = {"name": "a", "exec_timeout": 5}, *([] if purge else [{"name": "b", "state": "absent"}])
    how = approved(have, *task, purge=purge)
    have.seed_scripts(load=B, move=B)
    why = f"runtime 'b' ({B}) is used by 1 script: 'move' in 'Sales'. It was not deleted. The approved plan does not"
    assert why in outcome(have, *task, **how)["msg"]
    assert have.writes == []
    have.seed_scripts(load=B, move=A)
    have.fail("PATCH", meanwhile=lambda: have.seed_scripts(load=B, move=B))
    assert why in run(have, *task, **how)["msg"]
    have.seed_scripts(move=A)
    assert run(have, *task, **approved(have, *task, purge=purge))["summary"]["deleted"] == 1


@pytest.mark.parametrize(
    ("planned", "now", "why"),
    [
        ({}, {"GET /scripts/CLOSE": NO}, "could not find out whether scripts use 'b'"),
        ({"GET /scripts/CLOSE": NO}, {"GET /scripts/CLOSE": NO}, None),
        ({"GET /scripts/CLOSE": NO}, {"GET /scripts/LOAD": NO}, f"runtime 'b' ({B}) is used by 1 script: 'close' in"),
        ({"GET /scripts/LOAD": NO}, {}, f"runtime 'b' ({B}) is used by 1 script: 'close' in"),
    ],
)
def test_plan_with_unread_scripts(planned, now, why):
    """It approves what nobody can see, but no script that the run sees."""
    have = holding(a=A, b=B).seed_scripts(load=A, close=A)
    have.refusals = planned
    how = approved(have, OLD_GOES | {"name": "b"})
    have.seed_scripts(load=A, close=A if why is None else B)
    have.refusals = now
    text = outcome(have, OLD_GOES | {"name": "b"}, **how)["msg"]
    assert (why or "1 deleted.") in text
    assert have.names == (["a", "b"] if why else ["a"])


@pytest.mark.parametrize("shown", [{"x": []}, {A: "load"}, {A: [{"id": "load"}]}])
def test_invalid_plan_scripts(shown):
    with pytest.raises(MstrError, match=r"is invalid|expected the scripts of each runtime"):
        approved_scripts(shown)


def newcomer(have, name="close"):
    """Somebody assigns a script to the old runtime while the task moves the first one that is left."""

    def assign():
        for project in have.core.projects:
            for script in project.scripts:
                script.runtime = A if script.name == name else script.runtime

    have.fail("PUT", meanwhile=assign)


@pytest.mark.parametrize("approved", [False, True])
@pytest.mark.parametrize("protect", [None, True])
def test_newcomers_are_moved_too(protect, approved):
    """Unless a plan was approved, which does not have them."""
    have = holding(R=A, S=B).seed_scripts(load=A, close=B)
    identity = run(have, UPGRADE, check_mode=True)["plan_id"]
    newcomer(have)
    result = run(have, UPGRADE, protect=protect, plan_id=identity if approved else None)
    assert ("the plan is different from the approved one" in result["msg"]) is approved
    assert set(have.scripts.values()) == ({A} if approved else set(have.runtimes) - {B})


def test_scripts_that_are_assigned_back():
    """They are not reported as moved, even if that loses, and restores, something of the script."""
    have = holding(R=A).seed_scripts(load=A, close=A)

    def lose_descriptions():
        have.switch(script_put_omitted="reset")
        for script in next(iter(have.core.projects)).scripts:
            script.description = "lost by an update"

    have.fail("DELETE", NO)
    have.fail("PUT")
    have.fail("PUT", meanwhile=lose_descriptions)
    result = run(have, UPGRADE)
    assert set(have.scripts.values()) == {A}
    assert moves(result) == [("close", "failed"), ("load", "failed")]
    assert {script["after"]["id"] for script in result["scripts"]} == {A}
    assert "could not be assigned back" not in result["msg"]
