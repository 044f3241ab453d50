"""Scripts, renames, replacements and restores are part of what is wanted, and go the one way."""

from __future__ import annotations

import contextlib
from datetime import date

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.policy import policy_from
from ansible_collections.mstr.library.plugins.module_utils._model.purge import Purge
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Interrupted
from ansible_collections.mstr.library.plugins.module_utils._work.inputs import Inputs
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import Refused, reconcile
from ansible_collections.mstr.library.tests.unit.support.make import faults_of, lost, refusal, stopped, stored
from ansible_collections.mstr.library.tests.unit.support.many import (
    A,
    B,
    C,
    D,
    actions,
    deleted,
    holding,
    restore,
    run,
    summary,
)
from ansible_collections.mstr.library.tests.unit.support.server import Server, killed_before


def assigned(name, runtime, **more):
    return {"name": name, "project": "Sales", "runtime": runtime, **more}


def with_scripts(have, **scripts):
    have.seed_scripts(**scripts)
    return have


def moves(result):
    return [(script["name"], script["action"]) for script in result["scripts"]]


# --- half of a character, which becomes U+FFFD when it is read

HALF, SHOWN = "Night\ud800", "Night\ufffd"
UPGRADED = {"runtime_version": "3.12.1", "replace_on_change": ["runtime_version"]}


@pytest.mark.parametrize(
    ("fields", "entry", "place"),
    [
        ({"name": HALF}, {"id": A, "exec_timeout": 7}, "name"),
        ({"name": HALF}, {"name": SHOWN, "exec_timeout": 7}, "name"),
        ({"name": HALF}, {"name": SHOWN, **UPGRADED}, "name"),
        ({"description": HALF}, {"name": "R", **UPGRADED}, "description"),
        (
            {"packages": [{"name": "a", "description": HALF}]},
            {"name": "R", "packages": [{"name": "b"}], "purge_packages": False},
            "packages[0].description",
        ),
    ],
)
def test_what_was_not_read_is_not_sent_back(fields, entry, place):
    have = holding(R={"id": A, **fields})
    for check_mode in (True, False):
        error = run(have, entry, check_mode=check_mode)["runtimes"][0]["error"]
        assert f"{place} {SHOWN!r} has U+FFFD, which stands for a character that could not be read" in error["msg"]
    assert have.writes == []
    result = run(have, {"id": A, "name": "R", "description": "new", "packages": [{"name": "a", "description": "b"}]})
    assert (result["summary"]["failed"], have.names) == (0, ["R"])


def test_name_of_a_script_that_was_not_read():
    have = holding(R=A, S=B)
    have.core.projects.seed({"name": "Sales", "id": "5A" * 16, "scripts": [{"name": HALF, "id": "load", "runtime": A}]})
    for runtime, check_mode in (("S", True), ("S", False), ("R", False)):
        script = {"name": SHOWN, "project": "Sales", "runtime": runtime}
        [row] = run(have, {"name": "R"}, scripts=[script], check_mode=check_mode)["scripts"]
        assert row["action"] == ("failed" if runtime == "S" else "none")
    assert have.scripts == {HALF: A}


# --- scripts


def test_scripts_go_to_a_runtime_that_the_task_creates():
    have = with_scripts(holding(old=A), load=A, close=A)
    entries, scripts = [{"name": "new"}], [assigned("load", "new"), assigned("close", "new")]
    predicted = run(have, *entries, scripts=scripts, check_mode=True)
    assert (have.scripts, have.names) == ({"load": A, "close": A}, ["old"])
    result = run(have, *entries, scripts=scripts)
    [new] = set(have.runtimes) - {A}
    assert have.scripts == {"load": new, "close": new}
    assert moves(predicted) == moves(result) == [("close", "moved"), ("load", "moved")]
    assert predicted["summary"] == result["summary"] == summary(created=1, moved=2)
    assert result["msg"] == "1 created, 2 scripts moved."
    assert predicted["msg"] == "1 would be created, 2 scripts would be moved."
    assert result["scripts"][0]["after"] == {"id": new, "name": "new"}
    assert predicted["scripts"][0]["after"] == {"id": None, "name": "new"}
    again = run(have, *entries, scripts=scripts)
    assert (again["changed"], again["summary"]["moved"]) == (False, 0)


@pytest.mark.parametrize("purge", [False, True])
def test_what_changes_while_scripts_are_assigned_stays(purge):
    """The list that was read after the writes is old by then."""
    have = with_scripts(holding(old=A), load=A)
    have.fail("PUT", meanwhile=lambda: have.runtimes[A].update(description="in use"))
    entries = [{"name": "new"}, *([] if purge else [{"name": "old", "state": "absent"}])]
    result = run(have, *entries, scripts=[assigned("load", "new")], purge=purge)
    assert actions(result) == [("new", "created"), ("old", "failed")]
    assert f"'old' ({A}) was not deleted, because something changed" in result["msg"]
    assert A in have.runtimes


def test_scripts_alone_purge_nothing_and_list_once():
    have = with_scripts(holding(a=A, b=B), load=A)
    result = run(have, scripts=[assigned("load", "b")])
    assert (have.scripts, have.names, result["changed"]) == ({"load": B}, ["a", "b"], True)
    assert have.requests.count("GET /runtimes") == 1
    assert [request for request in have.requests if request.startswith("GET /projects")] == ["GET /projects"]
    assert result["diff"] == [
        {
            "before": {"Sales / load (LOAD)": f"a ({A})"},
            "after": {"Sales / load (LOAD)": f"b ({B})"},
            "before_header": "scripts",
            "after_header": "scripts",
        }
    ]


def test_planned_moves_count_for_protect_used():
    have = with_scripts(holding(old=A), load=A)
    entries = [{"name": "new"}, {"name": "old", "state": "absent"}]
    with pytest.raises(MstrError, match="is used by 1 script"):
        run(have, *entries, protect=True)
    result = run(have, *entries, scripts=[assigned("load", "new")], protect=True)
    assert actions(result) == [("new", "created"), ("old", "deleted")]
    assert have.scripts == {"load": have.id}


@pytest.mark.parametrize(
    ("entry", "method"),
    [
        ({"name": "old", "state": "absent"}, "DELETE"),
        ({"name": "old", "others": "y", "replace_on_change": True}, "PATCH"),
    ],
)
def test_script_that_comes_before_the_purge_spares_its_runtime(entry, method):
    """The task has deleted or renamed a runtime since it last looked."""
    have = with_scripts(holding(keep=A, old=B, x=C), load=A)
    have.fail(method, meanwhile=lambda: with_scripts(have, load=C))
    result = run(have, {"name": "keep"}, entry, purge=True, protect=True)
    assert actions(result)[-1] == ("x", "failed")
    assert "'x' was not deleted, because something changed after the plan was made" in result["msg"]
    assert C in have.runtimes


def test_script_that_comes_before_the_last_deletion_of_a_replacement():
    have = with_scripts(holding(R=A, S=B), load=A)
    entry = {**UPGRADE, "previous_names": ["S"], "replace_on_change": True}
    have.fail("DELETE", meanwhile=lambda: with_scripts(have, load=A))
    assert f"runtime 'R' ({A}) is used by 1 script" in run(have, entry, protect=True)["msg"]
    assert ("S" in have.names, have.scripts) == (False, {"load": A})


@pytest.mark.parametrize("purge", [False, True])
def test_script_that_cannot_be_assigned_spares_its_runtime(purge):
    have = with_scripts(holding(old=A, x=B), load=A)
    have.refusals["PUT /scripts/LOAD"] = refusal(403, "ERR0017", "no permission")
    absent = [] if purge else [{"name": "old", "state": "absent"}]
    result = run(have, {"name": "new"}, *absent, scripts=[assigned("load", "new")], purge=purge)
    assert (have.scripts, A in have.runtimes, B in have.runtimes) == ({"load": A}, True, True)
    assert "no permission" in result["msg"]
    assert result["summary"]["failed"] >= 1
    if purge:
        assert result["msg"].endswith("Nothing was purged.")
    else:
        assert "'old' was not deleted, because a script still uses it" in result["msg"]


def test_runtime_that_cannot_be_planned_gets_no_script():
    """Check mode says so, too, and what a script still uses is not deleted."""
    have = with_scripts(holding(old=A), load=A)
    entries = [{"id": B, "name": "b"}, {"name": "old", "state": "absent"}]
    for check_mode in (True, False):
        result = run(have, *entries, scripts=[assigned("load", "b")], check_mode=check_mode)
        assert (moves(result), actions(result)) == ([("load", "failed")], [("b", "failed"), ("old", "failed")])
        assert (result["changed"], result["summary"]["failed"]) == (False, 3)


def test_script_that_was_moved_and_changed_spares_nothing():
    have = with_scripts(holding(old=A, b=B), load=A)
    have.switch(script_put_omitted="reset")
    next(iter(have.core.projects)).scripts[0].description = "lost by an update"
    result = run(have, {"name": "old", "state": "absent"}, scripts=[assigned("load", "b")])
    assert "All of it is put back" in result["msg"]
    assert (actions(result), have.scripts) == ([("old", "deleted")], {"load": B})


def test_scripts_name_the_runtime_as_it_will_be():
    have = with_scripts(holding(b=A, a=B), load=B, close=A)
    entries, scripts = [{"id": A, "name": "a"}, {"id": B, "name": "b"}], [assigned("load", "a"), assigned("close", "b")]
    predicted = restore(have, *entries, scripts=scripts, check_mode=True)
    result = restore(have, *entries, scripts=scripts)
    assert moves(predicted) == moves(result) == [("close", "moved"), ("load", "moved")]
    assert (have.scripts, names_by_id(have)) == ({"load": A, "close": B}, {A: "a", B: "b"})
    assert restore(have, *entries, scripts=scripts)["changed"] is False


def test_stale_name_of_what_is_absent_by_its_id():
    have = with_scripts(holding(old=A, b=B), load=A)
    entries = [{"id": A, "name": "b", "state": "absent"}]
    for changed in (True, False):
        assert run(have, *entries, scripts=[assigned("load", "b")])["changed"] is changed
    assert have.scripts == {"load": B}


def test_runtime_that_failed_gets_no_script():
    have = with_scripts(holding(old=A, b=B), load=A)
    have.ignores = "PATCH"
    result = run(have, {"name": "b", "others": "x"}, scripts=[assigned("load", "b")])
    assert (have.scripts, moves(result)) == ({"load": A}, [("load", "failed")])
    assert "the runtime 'b' failed, so no script was assigned to it" in result["msg"]


@pytest.mark.parametrize(
    ("scripts", "why"),
    [
        ([assigned("load", "zzz")], "scripts[0]: the server has no runtime 'zzz', and the task does not create it"),
        ([assigned("load", "old")], "scripts[0]: runtime 'old' is to be deleted, so no script can use it"),
        ([assigned("load", "b")], "scripts[0]: runtime 'b' becomes 'a' in this task; write that name"),
        ([assigned("load", "a"), {**assigned(None, "a"), "id": "LOAD" * 8}], "scripts[1]: id 'LOADLOAD"),
    ],
)
def test_scripts_that_are_refused(scripts, why):
    have = with_scripts(holding(old=A, b=B), load=A)
    with pytest.raises(MstrError) as failed:
        run(have, {"name": "old", "state": "absent"}, {"name": "a", "previous_names": ["b"]}, scripts=scripts)
    assert why in failed.value.sentence
    assert [request for request in have.writes if request.partition(" ")[0] != "POST"] == []


def test_scripts_alone_in_check_mode():
    have = with_scripts(holding(a=A, b=B), load=A)
    result = run(have, scripts=[assigned("load", "b")], check_mode=True)
    assert (result["msg"], have.scripts) == ("1 script would be moved.", {"load": A})


def test_plan_id_covers_the_runtime_of_an_assignment():
    """Not only its name: somebody may have deleted it and created a different one."""
    servers = [with_scripts(holding(a=A, b=key), load=A) for key in (B, C)]
    plans = {run(have, scripts=[assigned("load", "b")], check_mode=True)["plan_id"] for have in servers}
    assert len(plans) == 2


def test_plan_id_is_empty_if_something_cannot_be_planned():
    """A replacement that cannot be copied, and a backup whose name is taken, are known only after all plans."""
    have = with_scripts(holding(R={"id": A, "whitelist": ["intranet.example"]}), load=A)
    upgrade = {"name": "R", "others": "y", "replace_on_change": True}
    assert run(have, upgrade, check_mode=True)["plan_id"] == ""
    have = with_scripts(holding(a=B, x=C, k=D))
    entries = [{"id": B, "name": "x"}, {"id": D, "name": "k", "others": "new"}]
    assert restore(have, *entries, check_mode=True)["plan_id"] == ""


def test_plan_id_covers_assignments():
    have = with_scripts(holding(a=A, b=B), load=A, close=A)
    identity = run(have, scripts=[assigned("load", "b")], check_mode=True)["plan_id"]
    with pytest.raises(MstrError, match=r"is different from the approved one .*: 2 scripts to move"):
        run(have, scripts=[assigned("load", "b"), assigned("close", "b")], plan_id=identity)
    with pytest.raises(Refused) as refused:
        run(have, scripts=[assigned("load", "b")], plan_id="0" * 24)
    assert refused.value.to_result()["plan_id"] == identity
    assert run(have, scripts=[assigned("load", "b")], plan_id=identity)["plan_id"] == identity


@pytest.mark.parametrize("unread", [False, True])
def test_plan_shows_the_scripts_of_what_goes(unread):
    """They are evidence, and no part of the plan's id."""
    have = with_scripts(holding(a=A, b=B, c=C), load=B, close=A)
    before = run(have, {"name": "a"}, {"name": "b", "state": "absent"}, purge=True, check_mode=True)["plan_id"]
    have.seed_scripts(load=B, close=B, other=C)
    if unread:
        have.refusals["GET /scripts/OTHER"] = refusal(403, "ERR0017", "no")
    result = run(have, {"name": "a"}, {"name": "b", "state": "absent"}, purge=True, check_mode=True)
    shown = [entry.get("scripts", "no") for entry in result["runtimes"]]
    if unread:
        assert shown == ["no", None, None]
    else:
        assert [[script["name"] for script in scripts] for scripts in shown[1:]] == [["close", "load"], ["other"]]
        assert shown[1][0]["tasks"] is None or shown[1][0]["tasks"] == []
    assert result["plan_id"] == before
    assert "scripts" not in str(result["diff"])
    done = run(have, {"name": "a"}, {"name": "b", "state": "absent"}, purge=True)
    assert not any("scripts" in entry for entry in done["runtimes"])


def test_plan_shows_scripts_that_no_option_names():
    have = with_scripts(holding(a=A, b=B), load=B, move=A)
    result = run(have, {"name": "b", "state": "absent"}, scripts=[assigned("move", "a")], check_mode=True)
    assert [script["name"] for script in result["runtimes"][0]["scripts"]] == ["load"]


# --- previous names


def test_rename_by_a_previous_name():
    have = holding(old=A)
    entry = {"name": "new", "previous_names": ["older", "old"], "others": "x"}
    predicted = run(have, entry, purge=True, check_mode=True)
    result = run(have, entry, purge=True)
    assert actions(predicted) == actions(result) == [("new", "updated")]
    assert [change["field"] for change in result["runtimes"][0]["changes"]] == ["name", "others"]
    assert (have.names, list(have.runtimes)) == (["new"], [A])
    assert (have.writes, have.warnings) == ([f"PATCH /runtimes/{A}"], [])
    assert run(have, entry, purge=True)["changed"] is False


def test_both_names_exist():
    have = holding(old=A, new=B, x=C)
    result = run(have, {"name": "new", "previous_names": ["old"]}, purge=True)
    assert actions(result) == [("new", "none"), ("x", "deleted")]
    assert have.names == ["new", "old"]
    warnings = [warning.partition(",")[0] for warning in have.warnings]
    assert sorted(warnings) == ["Runtime 'new' exists", f"The purge spares 'old' ({A})"]


@pytest.mark.parametrize("replaces", [False, True])
@pytest.mark.parametrize("near", ["Reports", "reports  "])
def test_previous_name_that_differs_only_in_case_or_blanks(near, replaces):
    """The runtime that it likely means is not purged; without a purge, the task warns."""
    have = with_scripts(holding(**{near: A}), load=A)
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
    ("previous", "why"),
    [
        (["a", "b"], f"several runtimes have a previous name of 'new': 'a' ({A}), 'b' ({B})"),
        (["c"], f"2 runtimes have the name 'c': {C}, {D}"),
    ],
)
def test_ambiguous_previous_names(previous, why):
    have = Server(*(stored(id=identity, name=name) for identity, name in zip((A, B, C, D), "abcc")))
    assert why in run(have, {"name": "new", "previous_names": previous})["msg"]
    assert have.writes == []


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"name": "a", "previous_names": ["a"]}, "previous_names[0] 'a' is the name itself"),
        ({"name": "a", "previous_names": [" b"]}, "previous_names[0] ' b' starts or ends with whitespace"),
        ({"name": "a", "id": A, "previous_names": ["b"]}, "previous_names cannot be used with id"),
        ({"name": "a", "id": A, "replace_on_change": True}, "replace_on_change cannot be used with id"),
        ({"name": "a", "state": "absent", "previous_names": ["b"]}, "previous_names cannot be used with state: absent"),
        ({"name": "a", "state": "absent", "replace_on_change": True}, "replace_on_change cannot be used with state: "),
        ({"name": "a", "replace_on_change": ["x"]}, "replace_on_change[0] 'x' is not an option of a runtime"),
        ({"name": "a", "replace_on_change": [["name"]]}, "replace_on_change[0] ['name'] is not an option of a runtime"),
        ({"name": "a", "replace_on_change": 1}, "replace_on_change 1 is neither true nor a list of options"),
        ({"name": "a", "replace_on_change": "yes"}, "replace_on_change 'yes' is neither true nor a list of options"),
        ({"name": "a", "id": A, "replace_on_change": "x"}, "replace_on_change cannot be used with id"),
    ],
)
def test_definitions_that_are_refused(options, why):
    for is_backup in (False, True):
        assert any(fault.startswith(why) for fault in faults_of(definition_from, options, None, is_backup))


# --- replacements

UPGRADE = {"name": "R", "runtime_version": "3.12.1", "replace_on_change": ["runtime_version"]}


def upgradable(**more):
    return with_scripts(holding(R={"id": A, "whitelist": ["10.0.0.0/8"], "others": "x", **more}), load=A, close=A)


def test_replaced_when_a_field_changes():
    have = upgradable()
    predicted = run(have, UPGRADE, check_mode=True)
    assert (have.names, set(have.scripts.values())) == (["R"], {A})
    result = run(have, UPGRADE)
    new = have.id
    assert new != A
    assert (have.names, set(have.scripts.values())) == (["R"], {new})
    assert (have.runtimes[new]["whitelist"], have.runtimes[new]["others"]) == (["10.0.0.0/8"], "x")
    assert actions(predicted) == actions(result) == [("R", "replaced")]
    assert predicted["summary"] == result["summary"] == summary(replaced=1, deleted=1, moved=2)
    assert moves(predicted) == moves(result) == [("close", "moved"), ("load", "moved")]
    assert result["runtimes"][0]["changes"] == [
        {"field": "id", "before": A, "after": new},
        {"field": "runtime_version", "before": "3.10.5", "after": "3.12.1"},
    ]
    assert predicted["runtimes"][0]["changes"][0] == {"field": "id", "before": A, "after": None}
    [expected], [gone] = deleted(predicted), deleted(result)
    assert (gone["id"], gone["name"], gone["runtime"]["runtime_version"]) == (A, "R", "3.10.5")
    assert [script["name"] for script in expected.pop("scripts")] == ["close", "load"]
    assert ({**expected, "replaced_by": new}, expected["replaced_by"]) == (gone, None)
    assert result["scripts"][0]["after"] == {"id": new, "name": "R"}
    assert [warning for warning in have.warnings if "is to be replaced" in warning]
    again = run(have, UPGRADE)
    assert (again["changed"], actions(again)) == (False, [("R", "none")])


def test_other_fields_change_in_place():
    have = upgradable(runtimeVersion="3.12.1")
    assert actions(run(have, {**UPGRADE, "others": "y"})) == [("R", "updated")]
    assert have.id == A


@pytest.mark.parametrize("fields", [True, "True", ["name"]])
def test_replaced_under_a_new_name(fields):
    have = upgradable()
    entry = {"name": "S", "previous_names": ["R"], "replace_on_change": fields}
    assert actions(run(have, entry)) == [("S", "replaced")]
    assert (have.names, set(have.scripts.values())) == (["S"], {have.id})
    assert run(have, entry)["changed"] is False


def test_both_names_with_replace_on_change_move_the_scripts():
    have = with_scripts(holding(R=A, S=B), load=A, close=B)
    entry = {"name": "S", "previous_names": ["R"], "replace_on_change": True}
    result = run(have, entry, purge=True)
    assert actions(result) == [("S", "replaced")]
    assert [(old["id"], old["replaced_by"]) for old in deleted(result)] == [(A, B)]
    assert (have.names, set(have.scripts.values())) == (["S"], {B})


def test_every_runtime_that_a_replacement_deletes_is_shown():
    """Also one with a previous name, whose definition is in no other part of the result."""
    have = with_scripts(holding(R={"id": A, "others": "x"}, S=B), load=A)
    entry = {"name": "S", "previous_names": ["R"], "replace_on_change": True, "exec_timeout": 7}
    predicted = run(have, entry, check_mode=True)
    assert [(gone["name"], len(gone["scripts"])) for gone in deleted(predicted)] == [("S", 0), ("R", 1)]
    [_replaced, _other, diff, _scripts] = predicted["diff"]
    assert (diff["before_header"], diff["before"]["others"], diff["after"]) == (f"runtime 'R' ({A})", "x", {})
    with pytest.raises(Refused, match=r"1 to replace \('S': id, exec_timeout\), 2 to delete \('R'; 'S'\)"):
        run(have, entry, plan_id="0" * 24)
    result = run(have, entry)
    assert [(gone["name"], gone["action"]) for gone in deleted(result)] == [("S", "deleted"), ("R", "deleted")]
    assert result["msg"] == "1 replaced, 2 deleted, 1 script moved."
    assert have.names == ["S"]


@pytest.mark.parametrize("status", [3, 4])
def test_smoke_test_of_a_replacement(status):
    have = upgradable()
    have.code_status = status
    result = run(have, {**UPGRADE, "smoke_test": "import pandas"})
    [tried] = have.tried
    assert tried != A
    if status == 3:
        assert (actions(result), have.names) == ([("R", "replaced")], ["R"])
        return
    assert set(have.scripts.values()) == {A}
    assert have.names == ["R", "R (replacement)"]
    message = result["runtimes"][0]["error"]["msg"]
    assert "The smoke test failed: " in message
    assert f"The old runtime 'R' ({A}) stays in use. The runtime 'R (replacement)'" in message
    have.code_status = 3
    assert actions(run(have, {**UPGRADE, "smoke_test": "import pandas"})) == [("R", "replaced")]
    assert (have.names, A in have.runtimes) == (["R"], False)


def test_smoke_test_without_a_replacement():
    have = with_scripts(holding(a=A, x=B), load=B)
    have.code_status = 4
    result = run(have, {"name": "a", "others": "y", "smoke_test": "1/0"}, scripts=[assigned("load", "a")], purge=True)
    assert actions(result)[0] == ("a", "updated")
    assert "The smoke test failed" in result["runtimes"][0]["error"]["msg"]
    assert (have.scripts, have.names) == ({"load": B}, ["a", "x"])
    assert result["msg"].endswith("Nothing was purged.")
    have.tried.clear()
    run(have, {"name": "a", "others": "y", "smoke_test": "1/0"})
    assert have.tried == [], "nothing was written"


STEPS = {
    "a package fails": lambda have: setattr(
        have, "alter", lambda runtime: runtime.update(packages=[{"name": "x", "status": "not_installed"}])
    ),
    "a script is locked": lambda have: have.refusals.update({"PUT /scripts/LOAD": refusal(403, "ERR0017", "no")}),
    "the deletion fails": lambda have: have.refusals.update({f"DELETE /runtimes/{A}": refusal(403, "ERR0017", "no")}),
    "the deletion does nothing": lambda have: setattr(have, "ignores", "DELETE"),
}


@pytest.mark.parametrize("step", STEPS)
def test_failed_step_keeps_the_old_runtime_in_use(step):
    have = upgradable()
    STEPS[step](have)
    result = run(have, UPGRADE)
    assert set(have.scripts.values()) == {A}
    assert have.names == ["R", "R (replacement)"]
    assert result["summary"]["failed"] >= 1
    assert "The old runtime" in result["msg"]
    have.refusals.clear()
    have.ignores, have.alter = None, lambda runtime: None
    for runtime in have.runtimes.values():
        runtime["packages"] = []
    assert actions(run(have, UPGRADE)) == [("R", "replaced")]
    assert (have.names, set(have.scripts.values())) == (["R"], {have.id})


def test_rename_that_fails_is_made_good_by_the_next_run():
    have = upgradable()
    have.fail("PATCH", refusal(403, "ERR0017", "no"))
    result = run(have, UPGRADE)
    assert "could not take its name. The next run renames it." in result["msg"]
    assert have.names == ["R (replacement)"]
    assert actions(run(have, UPGRADE)) == [("R", "updated")]
    assert (have.names, set(have.scripts.values())) == (["R"], {have.id})


@pytest.mark.parametrize("unfinished", [False, True])
@pytest.mark.parametrize("error", [refusal(503), refusal(404, "ERR004"), stopped(in_flight=False)])
def test_rename_that_cannot_be_read_again_is_done(error, unfinished):
    have = with_scripts(holding(**{"R (replacement)" if unfinished else "R": A}), load=A)

    def end_rename():
        [new] = {*have.runtimes} - {A}
        have.refusals[f"GET /runtimes/{new}"] = error

    for meanwhile in [None, end_rename] if unfinished else [end_rename]:
        have.fail("PATCH", meanwhile=meanwhile)
    result = run(have, UPGRADE)
    assert (actions(result), have.names, result["summary"]["failed"]) == ([("R", "replaced")], ["R"], 1)
    shown = "the server no longer shows the runtime 'R' (" if error.error["http_status"] == 404 else error.sentence
    assert f"was updated, but could not be read again: {shown}" in result["msg"]
    have.refusals.clear()
    assert run(have, UPGRADE)["changed"] is False


@pytest.mark.parametrize("done", [False, True])
def test_signal_during_the_rename(done):
    have = with_scripts(holding(R=A), load=A)
    have.fail("PATCH", stopped(in_flight=True), done=done)
    result = run(have, UPGRADE)
    assert "which may not have taken its name. If so, the next run renames it." in result["msg"]
    assert run(have, UPGRADE)["changed"] is not done
    assert have.names == ["R"]


def test_values_of_a_replacement_are_those_that_the_server_stored():
    have = with_scripts(holding(R=A), load=A)
    have.alter = lambda fields: fields.update(packages=[{"name": "mstrio-py"}])
    entry = run(have, {**UPGRADE, "packages": [{"name": "six"}]})["runtimes"][0]
    stored_now = {change["field"]: change["after"] for change in entry["changes"]}
    assert stored_now == {"id": have.id, "packages": [{"name": "mstrio-py"}], "runtime_version": "3.12.1"}


def test_runtime_that_lacks_only_its_name_is_replaced_itself():
    """The old runtime is deleted, the rename failed, and then the definition changed: nothing is changed in place."""
    for moment in range(30):
        have = with_scripts(holding(**{"R (replacement)": {"id": A, "whitelist": ["10.0.0.0/8"]}}), load=A)
        predicted = run(have, UPGRADE, check_mode=True)
        killed_before(have, moment, lambda have=have: run(have, UPGRADE))
        done = run(have, UPGRADE)
        assert (have.names, A in have.runtimes, have.scripts) == (["R"], False, {"load": have.id})
        assert have.runtimes[have.id]["whitelist"] == ["10.0.0.0/8"]
        assert [change["field"] for change in predicted["runtimes"][0]["changes"]] == ["id", "name", "runtime_version"]
    assert done["changed"] is False, "the last moment is after the run"


def test_lost_create_beside_an_unfinished_replacement():
    """It has its name by now, but the create is not about it."""
    have = with_scripts(holding(**{"R (replacement)": A}), load=A)
    have.fail("POST")  # the search for scripts
    have.fail("POST", lost("POST /api/runtimes"), done=True)
    assert actions(run(have, UPGRADE)) == [("R", "replaced")]
    assert (have.names, A in have.runtimes) == (["R"], False)


def test_runtime_that_is_copied_goes_last():
    """It is deleted after the one with a previous name, which the next run would copy otherwise."""
    entry = {**UPGRADE, "previous_names": ["S"], "replace_on_change": True}
    for moment in range(45):
        have = with_scripts(holding(R={"id": A, "others": "x"}, S={"id": B, "others": "y"}), load=A, close=B)
        killed_before(have, moment, lambda have=have: run(have, entry))
        done = run(have, entry)
        assert (have.names, have.runtimes[have.id]["others"]) == (["R"], "x")
        assert set(have.scripts.values()) == {have.id}
    assert done["changed"] is False, "the last moment is after the run"


def test_unfinished_replacement_keeps_its_name_if_it_cannot_be_replaced():
    """A script on it is to use a runtime that the policy refuses: nothing of it is written, as check mode says."""
    how = {"policy": policy_from({"runtime_versions_within": [">=3.12"]}, date(2026, 6, 15))}
    have = with_scripts(holding(**{"R (replacement)": A}), load=A)
    entries, scripts = [UPGRADE, {"name": "U", "runtime_version": "3.10.5"}], [assigned("load", "U")]
    predicted = run(have, *entries, scripts=scripts, check_mode=True, **how)
    result = run(have, *entries, scripts=scripts, **how)
    assert (have.writes, result["changed"], result["summary"]) == ([], False, predicted["summary"])


def test_rename_of_an_unfinished_replacement_is_reported():
    have = with_scripts(holding(**{"R (replacement)": A}), load=A)
    have.refusals["POST /runtimes"] = refusal(403, "ERR0017", "no")
    result = run(have, UPGRADE)
    assert (actions(result), have.names, result["changed"]) == ([("R", "updated")], ["R"], True)
    assert f"The old runtime 'R' ({A}) stays in use." in result["msg"]


def test_old_runtime_stays_if_its_replacement_is_deleted_meanwhile():
    have = with_scripts(holding(R=A), load=A)
    have.fail("PUT", meanwhile=lambda: [have.runtimes.pop(key) for key in {*have.runtimes} - {A}])
    result = run(have, UPGRADE)
    assert f"was deleted meanwhile. The old runtime 'R' ({A}) stays in use." in result["msg"]
    assert "exists beside" not in result["msg"]
    assert (have.names, have.scripts) == (["R"], {"load": A})
    assert actions(run(have, UPGRADE)) == [("R", "replaced")]


def test_only_old_runtimes_that_exist_stay_in_use():
    """A previous one is deleted first; the other one changed meanwhile."""
    have = holding(R=A, S=B)
    entry = {**UPGRADE, "previous_names": ["S"], "replace_on_change": True}
    have.fail("DELETE", meanwhile=lambda: have.runtimes[A].update(others="edited"))
    result = run(have, entry)
    gone = f"The old runtime 'S' ({B}) does not exist any more."
    assert f"The old runtime 'R' ({A}) stays in use. {gone} The runtime 'R (replacement)'" in result["msg"]
    assert (have.names, B in have.runtimes) == (["R", "R (replacement)"], False)


def test_lost_deletion_of_an_approved_replacement_is_sent_again():
    have = upgradable()
    identity = run(have, UPGRADE, check_mode=True)["plan_id"]
    have.fail("DELETE", lost("DELETE /api/runtimes"))
    assert actions(run(have, UPGRADE, plan_id=identity)) == [("R", "replaced")]
    assert have.names == ["R"]


def test_check_mode_names_the_new_runtime_of_each_script():
    have = with_scripts(holding(old=A), load=A, close=A)
    entries, scripts = [{"name": "x"}, {"name": "y"}], [assigned("load", "x"), assigned("close", "y")]
    predicted = run(have, *entries, scripts=scripts, check_mode=True)["scripts"]
    assert [(script["name"], script["after"]["name"]) for script in predicted] == [("close", "y"), ("load", "x")]


def test_approved_replacement_uses_the_runtime_beside():
    have = with_scripts(holding(R=A, **{"R (replacement)": {"id": B, "others": "y"}}), load=A)
    identity = run(have, UPGRADE, check_mode=True)["plan_id"]
    assert actions(run(have, UPGRADE, plan_id=identity)) == [("R", "replaced")]
    assert list(have.runtimes) == [B]
    fresh = with_scripts(holding(R=A), load=A)
    assert run(fresh, UPGRADE, check_mode=True)["plan_id"] != identity, "the diff shows a different id"


def test_exemption_of_a_runtime_counts_for_its_replacement():
    exemption = {"runtime": "R", "reason": "ticket", "until": "2026-12-31"}
    for exemptions in ([], [exemption]):
        have = upgradable(whitelist=["10.0.0.0/8"])
        policy = policy_from({"networks_within": ["192.168.0.0/16"], "exemptions": exemptions}, date(2026, 6, 15))
        result = run(have, UPGRADE, policy=policy)
        assert actions(result) == [("R", "replaced" if exemptions else "failed")]
        assert [row["name"] for row in result["exempted"]] == ["R"] * len(exemptions)


def test_entry_must_not_delete_what_a_replacement_needs():
    have = holding(R=A, **{"R (replacement)": B})
    with pytest.raises(MstrError, match=r"runtimes\[1\] is 'R \(replacement\)' \(B+\), which runtimes\[0\] needs"):
        run(have, UPGRADE, {"name": "R (replacement)", "state": "absent"})
    have.add(stored(name="R (replacement)"))
    assert "2 runtimes have the name 'R (replacement)'" in run(have, UPGRADE)["msg"]
    assert have.writes == []


def test_previous_runtime_that_stays_refuses_a_replacement():
    """If the run ended early, the next one would replace the wrong runtime."""
    have = holding(R=A, S=B)
    result = run(have, {**UPGRADE, "previous_names": ["S"]})
    assert f"'R' cannot be replaced while 'S' ({B}), a previous name of it, exists" in result["msg"]
    assert have.writes == []


def test_runtime_of_another_entry_is_not_replaced():
    have = with_scripts(holding(R=A, S=B), load=A)
    entry = {"name": "S", "previous_names": ["R"], "replace_on_change": True}
    with pytest.raises(MstrError, match=rf"runtimes\[1\] is 'R' \({A}\), which runtimes\[0\] needs for a replacement"):
        run(have, entry, {"id": A, "others": "y"})
    assert set(have.runtimes) == {A, B}


def test_script_that_is_to_go_elsewhere_and_fails_keeps_the_old_runtime():
    """It is no script that the replacement moves, but it uses the old runtime all the same."""
    have = upgradable()
    elsewhere = {"scripts": [assigned("load", "other")]}
    for check_mode in (True, False):
        result = run(have, UPGRADE, {"name": "other", "id": B}, **elsewhere, check_mode=check_mode)
        assert (actions(result), have.writes) == ([("R", "failed"), ("other", "failed")], [])
    have.runtimes[B] = stored(name="other", id=B)
    have.refusals["PUT /scripts/LOAD"] = refusal(403, "ERR0017", "no")
    assert actions(run(have, UPGRADE, **elsewhere)) == [("R", "created")]
    assert (set(have.scripts.values()), A in have.runtimes) == ({A}, True)


def test_unread_scripts_refuse_a_replacement():
    have = upgradable()
    have.refusals["GET /scripts/LOAD"] = refusal(403, "ERR0017", "no")
    with pytest.raises(MstrError, match="'R' cannot be replaced, because not every script could be read"):
        run(have, UPGRADE)
    assert have.names == ["R"]


def newcomer(have, name="close"):
    """Somebody assigns a script to the old runtime while the task moves the first one that is left."""

    def assign():
        for project in have.core.projects:
            for script in project.scripts:
                script.runtime = A if script.name == name else script.runtime

    have.fail("PUT", meanwhile=assign)


@pytest.mark.parametrize("protect", [None, True])
def test_newcomers_are_moved_too(protect):
    have = with_scripts(holding(R=A, S=B), load=A, close=B)
    newcomer(have)
    assert actions(run(have, UPGRADE, protect=protect)) == [("R", "replaced")]
    assert set(have.scripts.values()) == set(have.runtimes) - {B}


@pytest.mark.parametrize("target", ["R", "S"])
def test_script_that_somebody_assigns_back_keeps_the_old_runtime(target):
    have = with_scripts(holding(R=A, S=B), load=A, close=A)
    have.fail("PUT")
    newcomer(have, "load")
    result = run(have, UPGRADE, scripts=[assigned("load", target)])
    assert (actions(result), A in have.runtimes) == ([("R", "created")], True)
    assert "Somebody assigned the old runtime to the script 'load' in project 'Sales' again." in result["msg"]
    assert have.scripts == {"load": A, "close": A}


def test_script_on_an_unfinished_replacement_is_reported_with_its_name():
    have = with_scripts(holding(R=A, S=B), load=A, close=B)
    have.refusals[f"DELETE /runtimes/{A}"] = refusal(403, "ERR0017", "no")
    result = run(have, UPGRADE, scripts=[assigned("close", "R")])
    beside = {"id": have.scripts["close"], "name": "R (replacement)"}
    assert [(row["name"], row["after"]) for row in result["scripts"]] == [
        ("close", beside),
        ("load", {"id": A, "name": "R"}),
    ]
    assert list(result["diff"][-1]["after"].values()) == [f"R (replacement) ({beside['id']})"]


def test_script_of_an_old_runtime_that_is_gone_is_not_assigned_back():
    have = with_scripts(holding(R=A, S=B), load=A, close=B)
    have.refusals[f"DELETE /runtimes/{A}"] = refusal(403, "ERR0017", "no")
    result = run(have, {**UPGRADE, "previous_names": ["S"], "replace_on_change": True})
    beside = have.scripts["close"]
    assert (have.scripts["load"], beside in have.runtimes, A in have.runtimes) == (A, True, True)
    left = f"1 script could not be assigned back: script 'close' in project 'Sales': 'S' ({B}) does not exist any more"
    assert f"{left}. Check which runtime they use. The runtime 'R (replacement)' ({beside}) exists" in result["msg"]


@pytest.mark.parametrize("entry", [UPGRADE, {"name": "R"}])
def test_misspelled_project_protects_beside_a_replacement(entry):
    """A replacement searches every project, which is no proof that the one that counts exists."""
    have = with_scripts(holding(R=A, b=B), load=B)
    with pytest.raises(MstrError, match="The server lists no project with the name or id 'Slaes'"):
        run(have, entry, {"name": "b", "state": "absent"}, protect=["Slaes"])
    assert have.writes == []


def test_newcomers_are_seen_where_the_replacement_fails():
    have = with_scripts(holding(R=A, b=B), load=A)
    have.code_status = 4
    have.alter = lambda runtime: have.seed_scripts(load=B)
    result = run(have, {**UPGRADE, "smoke_test": "1/0"}, {"name": "b", "state": "absent"}, protect=True)
    assert actions(result) == [("R", "created"), ("b", "failed")]
    assert B in have.runtimes


def test_newcomers_make_an_approved_plan_different():
    have = with_scripts(holding(R=A, S=B), load=A, close=B)
    identity = run(have, UPGRADE, check_mode=True)["plan_id"]
    newcomer(have)
    result = run(have, UPGRADE, plan_id=identity)
    assert "the plan is different from the approved one" in result["msg"]
    assert set(have.scripts.values()) == {A}


def test_signal_before_the_old_runtime_goes_keeps_the_result():
    have = upgradable()
    find = have.session.get

    def get(path, *args, **more):
        if path == "/projects" and A in have.runtimes and len(have.runtimes) > 1:
            raise Interrupted("Stopped by signal SIGTERM")
        return find(path, *args, **more)

    have.session.get = get
    result = run(have, UPGRADE)
    assert actions(result) == [("R", "created")]
    assert "Stopped by signal SIGTERM" in result["msg"]
    assert A in have.runtimes


def test_comment_travels_with_every_write_of_a_replacement():
    have = upgradable()
    run(have, {**UPGRADE, "journal_comment": "why"})
    bodies = [body for body in have.sent if isinstance(body, dict) and "changeJournal" in body]
    assert len(bodies) == 2, "the create and the rename"
    assert {"userComments": "why"} in have.params


@pytest.mark.parametrize("entry", [{}, {"name": "R", "previous_names": ["(Default) MicroStrategy"]}])
def test_default_runtime_is_not_replaced(entry):
    have = holding(R=A)
    result = run(have, {**UPGRADE, "name": "(Default) MicroStrategy", "replace_on_change": True, **entry})
    assert "'(Default) MicroStrategy' (0F35652CA7D041978BF0CBCB67531203) is the server's built-in" in result["msg"]
    assert [request for request in have.writes if "/runtimes" in request] == []


def test_odd_old_definition_is_replaced_if_the_new_one_gives_the_field():
    have = upgradable(whitelist=["db.example.com"])
    result = run(have, UPGRADE)
    assert f"'R' ({A}) cannot be copied: whitelist[0] 'db.example.com' is not a CIDR block" in result["msg"]
    assert have.names == ["R"]
    assert actions(run(have, {**UPGRADE, "whitelist": ["10.0.0.0/8"]})) == [("R", "replaced")]


@pytest.mark.parametrize("wanted", [{}, {"resource": {"mem": 9}, "packages": [{"name": "x"}]}])
def test_settings_that_a_replacement_loses_are_named(wanted):
    """Those that the collection does not know, of what the new runtime has too; the same in check mode."""
    packages = [{"name": "x", "version": "1", "index": "pypi"}]
    have = upgradable(resource={"mem": 9, "gpu": 2}, packages=packages)
    run(have, {**UPGRADE, **wanted}, check_mode=True)
    [warning] = have.warnings
    lost = "resource.gpu (it was 2), packages['x'].index (it was 'pypi'). The new"
    assert f"'R' ({A}) is to be replaced. This is not carried over: its owner" in warning
    assert f"its permissions (ACL), {lost}" in warning
    assert actions(run(have, {**UPGRADE, **wanted})) == [("R", "replaced")]
    assert have.warnings == [warning, warning]


def test_resource_that_cannot_be_read_is_not_copied():
    have = upgradable(resource="large")
    assert f"'R' ({A}) cannot be copied: resource 'large' has no amounts" in run(have, UPGRADE)["msg"]
    assert actions(run(have, {**UPGRADE, "resource": {"mem": 9}})) == [("R", "replaced")]


def test_copy_that_the_policy_refuses():
    """A copy is new, so the policy evaluates what the definition does not manage, too, and the message says so."""
    how = {"policy": policy_from({"networks_within": ["10.0.0.0/8"]}, date(2026, 6, 15))}
    have = upgradable(whitelist=["192.0.2.0/24"])
    assert f"'R' ({A}) cannot be copied: whitelist[0] '192.0.2.0/24'" in run(have, UPGRADE, **how)["msg"]
    assert actions(run(have, {"name": "R", "runtime_version": "3.12.1"}, **how)) == [("R", "updated")]


def test_purge_of_an_unfinished_replacement():
    have = holding(R={"id": A, "runtimeVersion": "3.12.1"}, x=B, **{"R (replacement)": C})
    assert run(have, UPGRADE)["changed"] is False
    assert any("needs no replacement any more" in warning for warning in have.warnings)
    result = run(have, UPGRADE, purge=True)
    assert actions(result) == [("R", "none"), ("x", "deleted"), ("R (replacement)", "deleted")]


def test_purge_compares_with_the_name_that_a_replacement_takes():
    have = holding(R=A, r=B)
    with pytest.raises(MstrError, match=rf"purge would delete 'r' \({B}\), whose name differs only in case"):
        run(have, UPGRADE, purge=True)
    assert have.writes == []


def test_refused_plan_names_a_replacement():
    have = upgradable()
    with pytest.raises(MstrError, match=r"1 to replace \('R': id, .*\), 1 to delete \('R'\), 2 scripts to move"):
        run(have, UPGRADE, plan_id="0" * 24)


def losing_descriptions(have):
    """A server whose updates of scripts lose what they omit."""
    have.switch(script_put_omitted="reset")
    for script in next(iter(have.core.projects)).scripts:
        script.description = "lost by an update"
    return have


def test_replacement_where_a_moved_script_was_put_back():
    """The first script has an error, which fails the task; the replacement is complete, as the next run sees."""
    have = losing_descriptions(upgradable())
    result = run(have, UPGRADE)
    assert (actions(result), moves(result)) == ([("R", "replaced")], [("close", "moved"), ("load", "moved")])
    assert (have.names, set(have.scripts.values())) == (["R"], {have.id})
    assert "All of it is put back, and the script uses 'R'" in result["msg"]
    assert result["summary"]["failed"] == 1
    assert run(have, UPGRADE)["changed"] is False


def test_scripts_that_are_assigned_back_are_not_reported_as_moved():
    """Also if that loses, and restores, something of the script."""
    have = upgradable()
    have.fail("DELETE", refusal(403, "ERR0017", "no"))
    have.fail("PUT")
    have.fail("PUT", meanwhile=lambda: losing_descriptions(have))
    result = run(have, UPGRADE)
    assert set(have.scripts.values()) == {A}
    assert moves(result) == [("close", "failed"), ("load", "failed")]
    assert {script["after"]["id"] for script in result["scripts"]} == {A}
    assert "could not be assigned back" not in result["msg"]


# --- restores


def names_by_id(have):
    return {identity: runtime["name"] for identity, runtime in have.runtimes.items()}


@pytest.mark.parametrize(
    ("held", "wanted"),
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
def test_restore_ends_with_the_names_of_the_backup(held, wanted):
    have = Server(*(stored(id=identity, name=name) for identity, name in held.items()))
    entries = [{"id": identity, "name": name, "exec_timeout": 60} for identity, name in wanted.items()]
    predicted = restore(have, *entries, check_mode=True)
    result = restore(have, *entries)
    assert names_by_id(have) == wanted
    assert actions(predicted) == actions(result)
    assert [entry["changes"] for entry in predicted["runtimes"]] == [entry["changes"] for entry in result["runtimes"]]
    assert restore(have, *entries)["changed"] is False


def test_restore_takes_a_name_from_a_runtime_that_is_purged():
    have = holding(**{"Etl 2": A, "Etl": B})
    predicted = restore(have, {"id": A, "name": "Etl"}, purge=True, check_mode=True)
    result = restore(have, {"id": A, "name": "Etl"}, purge=True)
    assert actions(predicted) == actions(result) == [("Etl", "updated"), ("Etl", "deleted")]
    assert names_by_id(have) == {A: "Etl"}
    assert have.writes == [
        f"PATCH /runtimes/{B}",
        f"PATCH /runtimes/{A}",
        f"DELETE /runtimes/{B}",
    ]


@pytest.mark.parametrize(
    ("how", "held"),
    [
        ({}, "Etl"),
        ({"purge": True, "exclude": ["Etl"]}, "Etl"),
        ({"purge": True, "limit": 0}, "Etl"),
        ({"purge": True}, "etl"),
    ],
)
def test_restore_spares_what_a_guard_spares(how, held):
    have = holding(**{"Etl 2": A, held: B})
    with contextlib.suppress(MstrError):
        assert restore(have, {"id": A, "name": "Etl"}, **how)["summary"]["failed"] == 1
    assert have.writes == []


def test_restore_uses_a_name_beside_that_is_free():
    have = holding(a=A, **{"a (restore)": B}, b=C)
    predicted, done = (restore(have, {"id": C, "name": "a"}, purge=True, check_mode=mode) for mode in (True, False))
    assert actions(predicted) == actions(done) == [("a", "updated"), ("a", "deleted"), ("a (restore)", "deleted")]
    assert names_by_id(have) == {C: "a"}
    assert sum("is renamed before it is purged" in warning for warning in have.warnings) == 2


@pytest.mark.parametrize("how", [{}, {"purge": True, "scripts": [assigned("nothing", "b")]}])
def test_restore_needs_every_name_or_leaves_it(how):
    """A runtime that keeps its name stands in the way of the next one; a purge that is cancelled moves nothing."""
    have = with_scripts(holding(a=A, b=B, c=C), load=A)
    entries = [{"id": B, "name": "a"}, {"id": C, "name": "b"}]
    results = [restore(have, *entries, check_mode=mode, **how) for mode in (True, False)]
    assert [actions(result) for result in results] == [[("a", "failed"), ("b", "failed")]] * 2
    assert names_by_id(have) == {A: "a", B: "b", C: "c"}


def test_restore_deletes_no_other_runtime_of_the_name():
    have = holding(a=A)
    assert actions(restore(have, {"id": B, "name": "a", "state": "absent"})) == [("a", "none")]
    assert have.names == ["a"]
    # Its id decides, also of one that is to be deleted, so that it is not the runtime that is gone.
    entries = [{"id": A, "name": "b", "state": "absent"}, {"id": B, "name": "a"}]
    restore(have, *entries)
    restore(have, *entries)
    assert (have.names, A in have.runtimes) == (["a"], False)


def test_restore_creates_what_is_gone_although_its_name_moved():
    have = holding(b=A)
    result = restore(have, {"id": A, "name": "a"}, {"id": C, "name": "b"})
    assert actions(result) == [("a", "updated"), ("b", "created")]
    assert have.names == ["a", "b"]
    assert have.runtimes[A]["name"] == "a"


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


def test_lost_write_of_an_approved_restore_is_sent_again():
    """The last of three; its runtime has a name beside by then."""
    have = holding(a=B, b=A)
    wanted = [{"id": A, "name": "a"}, {"id": B, "name": "b"}]
    identity = restore(have, *wanted, check_mode=True)["plan_id"]
    have.fail("PATCH")
    have.fail("PATCH")
    have.fail("PATCH", lost("PATCH /api/runtimes"))
    assert restore(have, *wanted, plan_id=identity)["summary"] == summary(updated=2)
    assert names_by_id(have) == {A: "a", B: "b"}


def test_restore_of_a_name_that_stays_taken():
    """A runtime whose own new name is taken keeps its name; check mode says so, too."""
    have = holding(d=A, c=B)
    for check_mode in (True, False):
        result = restore(have, {"id": A, "name": "c"}, {"id": C, "name": "d"}, check_mode=check_mode)
        assert [entry["action"] for entry in result["runtimes"]] == ["failed", "failed"]
        assert f"name 'd' is taken by the runtime with id {A}" in result["msg"]
    assert have.writes == []


def test_restore_ends_where_no_name_gets_free():
    have = holding(b=A, a=B)
    have.ignores = "PATCH"
    result = restore(have, {"id": A, "name": "a"}, {"id": B, "name": "b"})
    assert ([entry["action"] for entry in result["runtimes"]], len(have.writes)) == (["failed", "failed"], 1)


@pytest.mark.parametrize("error", [None, lost()])
def test_restore_creates_nothing_from_what_keeps_its_name(error):
    """A rename without an effect leaves the name taken; its runtime is not the one that was created."""
    have = holding(b=A)
    have.ignores = "PATCH"
    have.fail("POST", error)
    result = restore(have, {"id": A, "name": "a"}, {"id": C, "name": "b", "others": "x"})
    assert [entry["action"] for entry in result["runtimes"]] == ["failed", "failed"]
    assert f"The name is taken by 'b' ({A})" in result["msg"]
    assert have.runtimes[A]["others"] == ""


def test_left_out_is_spared():
    have = holding(a=A, x=B, y=C)
    context = have.context()
    reconcile(context, Inputs([definition_from({"name": "a"})], Purge(left_out=["x", C])))
    assert have.names == ["a", "x", "y"]
    assert any(
        f"The purge spares 'x' ({B}), left out of the file; 'y' ({C}), left" in warning for warning in have.warnings
    )
