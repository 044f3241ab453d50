"""Previous names, and restores, which end with the names of the backup."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from unit.support.make import lost, refusal, stopped, stored
from unit.support.many import A, B, C, actions, assigned, both, holding, names_by_id, restore, run
from unit.support.server import Server


def failed(result):
    return [row["action"] for row in result["runtimes"]] == ["failed"] * len(result["runtimes"])


def test_rename_by_a_previous_name():
    have = holding(old=A)
    entry = {"name": "new", "previous_names": ["older", "old"], "others": "x"}
    result = run(have, entry, purge=True)
    assert actions(result) == [("new", "updated")]
    assert [change["field"] for change in result["runtimes"][0]["changes"]] == ["name", "others"]
    assert (names_by_id(have), have.writes, have.warnings) == ({A: "new"}, [f"PATCH /runtimes/{A}"], [])


def test_both_names_exist():
    have = holding(old=A, new=B, x=C)
    result = run(have, {"name": "new", "previous_names": ["old"]}, purge=True)
    assert actions(result) == [("new", "none"), ("x", "deleted")]
    warnings = [warning.partition(",")[0] for warning in have.warnings]
    assert sorted(warnings) == ["Runtime 'new' exists", f"The purge spares 'old' ({A})"]


@pytest.mark.parametrize("replaces", [False, True])
@pytest.mark.parametrize("near", ["Reports", "reports  "])
def test_previous_name_that_is_only_alike(near, replaces):
    """The runtime that it likely means is not purged; without a purge, the task warns."""
    have = holding(**{near: A}).seed_scripts(load=A)
    entry = {"name": "New", "previous_names": ["reports"], "replace_on_change": replaces}
    why = "whose name differs only in case, whitespace or the form of a character from 'reports' in the list"
    assert why in run(have, entry, purge=True, check_mode=True)["msg"]
    with pytest.raises(MstrError, match=why):
        run(have, entry, purge=True)
    assert {text.partition(", b")[0] for text in have.warnings} == {
        "Runtime 'New' is new: neither it nor a previous name of it exists ('reports').",
        "Runtime 'reports' does not exist, so nothing is renamed",
    }
    assert actions(run(have, entry)) == [("New", "created")]


@pytest.mark.parametrize(
    ("held", "names"),
    [
        ({A: "b", B: "a"}, {A: "a", B: "b"}),
        ({A: "b", B: "c", C: "a"}, {A: "a", B: "b", C: "c"}),
        ({A: "b", B: "c"}, {A: "a", B: "b"}),
        ({A: "a (restore)", B: "a"}, {A: "a", B: "b"}),
        ({A: "a", B: "b"}, {A: "a", B: "b"}),
        ({A: "a", B: "a", C: "c"}, {C: "a", A: "x", B: "y"}),
    ],
    ids=["swap", "cycle", "chain", "interrupted", "nothing", "twins"],
)
def test_restore_ends_with_the_names_of_the_backup(held, names):
    have = Server(*(stored(id=identity, name=name) for identity, name in held.items()))
    entries = [{"id": identity, "name": name, "exec_timeout": 60} for identity, name in names.items()]
    predicted, result = both(have, *entries, restore=True)
    assert names_by_id(have) == names
    assert [row["changes"] for row in predicted["runtimes"]] == [row["changes"] for row in result["runtimes"]]


@pytest.mark.parametrize(
    ("held", "names", "how"),
    [
        ({A: "Etl 2", B: "Etl"}, {A: "Etl"}, {}),
        ({A: "Etl 2", B: "Etl"}, {A: "Etl"}, {"purge": True, "exclude": ["Etl"]}),
        # A runtime that keeps its name stands in the way of the next one; a purge that is cancelled moves nothing.
        ({A: "a", B: "b", C: "c"}, {B: "a", C: "b"}, {}),
        ({A: "a", B: "b", C: "c"}, {B: "a", C: "b"}, {"purge": True, "scripts": [assigned("nothing", "b")]}),
        ({A: "d", B: "c"}, {A: "c", C: "d"}, {}),
    ],
)
def test_restore_that_cannot_have_its_names(held, names, how):
    """A guard spares the runtime that has one, or it is in no backup; check mode says so, too."""
    have = Server(*(stored(id=identity, name=name) for identity, name in held.items())).seed_scripts(load=A)
    entries = [{"id": identity, "name": name} for identity, name in names.items()]
    assert all(failed(result) for result in both(have, *entries, restore=True, **how))
    assert have.writes == []


def test_restore_takes_a_name_from_what_is_purged():
    have = holding(a=A, **{"a (restore)": B}, b=C)
    for result in both(have, {"id": C, "name": "a"}, purge=True, restore=True):
        assert actions(result) == [("a", "updated"), ("a", "deleted"), ("a (restore)", "deleted")]
    assert names_by_id(have) == {C: "a"}
    assert have.writes[:3] == [f"PATCH /runtimes/{A}", f"PATCH /runtimes/{C}", f"DELETE /runtimes/{A}"]
    assert sum("is renamed before it is purged" in warning for warning in have.warnings) == 2


@pytest.mark.parametrize("error", [None, lost()])
def test_restore_and_a_name_that_stays(error):
    """A rename without an effect leaves the name taken; its runtime is not the one that was created."""
    have = holding(b=A)
    have.ignores = "PATCH"
    have.fail("POST", error)
    result = restore(have, {"id": A, "name": "a"}, {"id": C, "name": "b", "others": "x"})
    assert failed(result)
    assert f"The name is taken by 'b' ({A})" in result["msg"]
    assert have.runtimes[A]["others"] == ""


def test_restore_deletes_no_other_runtime_of_the_name():
    have = holding(a=A)
    assert actions(restore(have, {"id": B, "name": "a", "state": "absent"})) == [("a", "none")]
    # Its id decides, also of one that is to be deleted, so that it is not the runtime that is gone.
    for _turn in range(2):
        restore(have, {"id": A, "name": "b", "state": "absent"}, {"id": B, "name": "a"})
    assert (have.names, A in have.runtimes) == (["a"], False)


@pytest.mark.parametrize(
    ("write", "error", "action"), [(1, stopped(in_flight=True), "unknown"), (2, refusal(403), "updated")]
)
def test_what_a_restore_set_aside_is_reported(write, error, action):
    """The runtime has a different name, even if nothing else is done."""
    have = holding(**{"Etl 2": A, "Etl": B})
    for _earlier in range(1, write):
        have.fail("PATCH")
    have.fail("PATCH", error, done=action == "unknown")
    result = restore(have, {"id": A, "name": "Etl"}, purge=True)
    assert (result["changed"], result["runtimes"][1]["action"]) == (True, action)
    assert result["runtimes"][1]["changes"] == [{"field": "name", "before": "Etl", "after": "Etl (restore)"}]


def test_edit_before_a_rename_aside():
    have = holding(**{"Etl 2": A, "Etl": B})
    have.fail("GET")
    have.fail("GET", meanwhile=lambda: have.runtimes[B].update(others="theirs"))
    result = restore(have, {"id": A, "name": "Etl"}, purge=True)
    assert have.runtimes[B]["others"] == "theirs"
    assert "was not renamed, because something changed after the plan was made: others" in result["msg"]


def test_left_by_a_restore():
    """An ordinary purge spares it, and the next restore finishes it."""
    have = holding(A=A, **{"A (restore)": B})
    assert run(have, {"name": "A"}, purge=True)["summary"]["deleted"] == 0
    assert any("which an unfinished restore renamed" in text for text in have.warnings)
