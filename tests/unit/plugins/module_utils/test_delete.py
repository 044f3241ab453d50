"""What a task deletes: the purge, what changed since the plan, and whether a deletion was carried out."""

from __future__ import annotations

import pytest
from simulator.fields import RUNTIME_FIELDS
from unit.support.make import DEFAULT_ID, lost, refusal, stored
from unit.support.many import A, B, C, actions, assigned, holding, message, move, run

ABSENT = {"name": "b", "state": "absent"}
CHANGES = {"name": "spared", "description": "in use", "version": "2"}  # any other edit is seen by its version


def test_what_a_purge_spares():
    have = holding(a=A, b=B, **{"(Standard) MicroStrategy": DEFAULT_ID, "c [old]": C})
    result = run(have, {"name": "a"}, purge=True, comment="Spring cleaning", exclude=["c [old]"])
    assert have.names == ["(Standard) MicroStrategy", "a", "c [old]"]
    assert actions(result) == [("a", "none"), ("b", "deleted")]
    assert have.params == [{"userComments": "Spring cleaning"}]


@pytest.mark.parametrize(
    ("exclude", "names", "warned"),
    [
        (("b",), ["a", "b"], []),
        (("B", "b*", A), ["a", "b"], []),
        ((B.lower(),), ["a", "b"], []),
        (("bb", "c [old]", "x-*"), ["a"], ["bb", "c [old]"]),
        # Nothing is deleted, so nothing may have been meant.
        (("b", "c", "elsewhere"), ["a", "b", "c"], []),
    ],
)
def test_name_to_exclude_that_no_runtime_has(exclude, names, warned):
    have = holding(a=A, b=B, c=C)
    run(have, {"name": "a"}, purge=True, exclude=exclude)
    assert have.names == names
    why = "matches no runtime, so it keeps none. Check the spelling."
    assert have.warnings == [f"purge_exclude {text!r} {why}" for text in warned]


@pytest.mark.parametrize("check_mode", [True, False])
def test_diff_of_a_deletion_is_the_definition(check_mode):
    have = holding(a={"id": A, "whitelist": ["10.0.0.0/8"]}, b={"id": B, "whitelist": ["10.1.0.0/16"]}, c=C)
    have.list_only("id", "name")
    result = run(have, {"name": "a", "state": "absent"}, {"name": "c"}, purge=True, check_mode=check_mode)
    assert [diff["before"]["whitelist"] for diff in result["diff"]] == [["10.0.0.0/8"], ["10.1.0.0/16"]]
    gone = [row["runtime"]["exec_timeout"] for row in result["runtimes"] if row["action"] == "deleted"]
    assert gone == [600] * 2


@pytest.mark.parametrize("purge", [True, False])
def test_guards_are_applied_again(purge):
    """Just before the deletion: a script that came after the plan keeps its runtime."""
    have = holding(a=A, b=B).seed_scripts(load=A)
    have.fail("PATCH", meanwhile=lambda: move(have, "load", B))
    result = run(have, {"name": "a", "exec_timeout": 5}, *([] if purge else [ABSENT]), purge=purge, protect=True)
    assert actions(result) == [("a", "updated"), ("b", "failed")]
    assert "is used by 1 script" in result["msg"]


def test_scripts_are_looked_up_for_a_deletion_alone():
    have = holding(a=A).seed_scripts(load=A)
    run(have, {"name": "a", "exec_timeout": 5}, {"name": "new"}, ABSENT, protect=True)
    assert "GET /projects" not in have.requests


@pytest.mark.parametrize(
    ("change", "shown", "turn"),
    [
        *(({field: value}, RUNTIME_FIELDS, 2) for field, value in CHANGES.items()),
        ({"whitelist": ["10.0.0.0/8"]}, ["id", "name"], 4),
    ],
    ids=[*CHANGES, "not shown by the list"],
)
@pytest.mark.parametrize("purge", [True, False])
def test_changed_since_the_plan(change, shown, turn, purge):
    """It is not deleted, and its entry says why."""
    have = holding(a=A, b={"id": B, "version": "1"}, c=C)
    have.list_only(*shown)
    have.fail("GET", turn=turn, meanwhile=lambda: have.runtimes[B].update(change))
    absent = [] if purge else [ABSENT, {"name": "c", "state": "absent"}]
    result = run(have, {"name": "a"}, *absent, purge=purge)
    assert actions(result) == [("a", "none"), ("b", "failed"), ("c", "deleted")]
    why = f"'b' ({B}) was not deleted, because something changed after the plan was made: {', '.join(change)}."
    assert result["runtimes"][1]["error"]["msg"].startswith(why)
    assert why in result["msg"]
    assert sorted(have.runtimes) == [A, B]


@pytest.mark.parametrize("field", CHANGES)
def test_changed_during_its_lost_deletion(field):
    """It is not reported as deleted, and the request is not sent again."""
    have = holding(a=A, b={"id": B, "version": "1"})
    have.fail("DELETE", lost(), meanwhile=lambda: have.runtimes[B].update({field: CHANGES[field]}))
    text = message(have, ABSENT)
    assert f"'b' ({B}) was not deleted, because it changed meanwhile: {field}." in text
    assert "may or may not" not in text
    assert len(have.writes) == 1


@pytest.mark.parametrize(
    ("definition", "change", "says"),
    [
        (ABSENT, lambda runtimes: runtimes.clear(), "1 unchanged."),
        ({"id": B, "state": "absent"}, lambda runtimes: runtimes.clear(), "1 unchanged."),
        (ABSENT, lambda runtimes: runtimes[B].update(name="other"), "1 unchanged."),
        (ABSENT, lambda runtimes: runtimes.update({A: stored(name="b")}), "other runtimes now have its name"),
    ],
    ids=["gone", "gone by id", "renamed", "second of its name"],
)
def test_no_longer_what_was_named(definition, change, says):
    """After the list, and before it is read."""
    have = holding(b=B)
    have.list_only("id", "name")
    have.fail("GET", turn=2, meanwhile=lambda: change(have.runtimes))
    assert says in message(have, definition)
    assert have.writes == []


@pytest.mark.parametrize("answer", [refusal(403), refusal(404, None, "", "GET"), lost("GET")])
def test_lost_deletion_that_the_list_shows(answer):
    """Whatever the server says of the id. A name that differs only in case is no reason for a warning."""
    have = holding(a=A, b=B, c=C, B="D" * 32)
    refusals = {f"GET /runtimes/{B}": answer}
    have.fail("DELETE", lost(), done=True, meanwhile=lambda: have.refusals.update(refusals))
    result = run(have, {"name": "a"}, {"name": "B"}, ABSENT, purge=True)
    assert actions(result) == [("a", "none"), ("B", "none"), ("b", "deleted"), ("c", "deleted")]
    assert have.warnings == []


SHOWN = "it still exists: the list of runtimes shows it. The user may lack permission"


@pytest.mark.parametrize(
    ("answer", "why"),
    [(None, f"The server reported 'b' ({B}) as deleted, but it still exists"), (refusal(404, "ERR004"), SHOWN)],
    ids=["no effect", "not found"],
)
@pytest.mark.parametrize("purge", [True, False])
def test_deletion_without_effect(purge, answer, why):
    """It is not reported as deleted: the list has the last word. If an entry asked for it, the purge is cancelled."""
    have = holding(a=A, b=B) if purge else holding(a=A, b=B, c=C)
    have.ignores = "DELETE"
    have.refusals = {f"DELETE /runtimes/{B}": answer}
    result = run(have, {"name": "a"}, *([] if purge else [ABSENT]), purge=True)
    assert why in result["msg"]
    assert result["msg"].endswith("Nothing was purged.") is not purge
    assert (actions(result), result["changed"]) == ([("a", "none"), ("b", "failed")], False)
    assert have.writes == [f"DELETE /runtimes/{B}"]


ARCHIVE = {"name": "Archive", "id": "6B" * 16, "loaded": False}


@pytest.mark.parametrize("scripts", [None, [assigned("load", "a")]])
def test_project_that_is_not_loaded(scripts):
    """It stops what it may concern, and the refusal names it; `projects` says where to look."""
    have = holding(a=A, b=B).seed_scripts(load=A)
    have.core.projects.seed(ARCHIVE)
    text = message(have, ABSENT, protect=True, scripts=scripts)
    assert "protect_used could not find out whether scripts use 'b'" in text
    assert "look-up failed: project 'Archive'." in text
    assert "load the project, set projects to those that count, or set protect_used: false" in text
    assert actions(run(have, ABSENT, protect=True, scripts=scripts, projects=["Sales"])) == [("b", "deleted")]
    assert have.warnings == ["Scripts outside these projects were not looked at: 'Sales'."]


def test_check_names_the_scripts_that_a_deletion_hits():
    """With `protect_used: false`, but not a script that the task moves away. A real run looks nothing up."""
    have = holding(a=A, b=B).seed_scripts(load=B)
    have.core.projects.seed(ARCHIVE)
    assert actions(run(have, ABSENT, check_mode=True)) == [("b", "deleted")]
    assert have.warnings == [
        f"Runtime 'b' ({B}) would be deleted, and is used by 1 script: 'load' in 'Sales' (protect_used: false).",
        "Other scripts may use what would be deleted, because these could not be read: project 'Archive'.",
    ]
    have.warnings.clear()
    run(have, ABSENT)
    assert have.warnings == []


def test_check_counts_the_moves_of_a_deletion():
    have = holding(a=A, b=B).seed_scripts(load=B)
    run(have, ABSENT, check_mode=True, scripts=[assigned("load", "a")])
    assert have.warnings == []
