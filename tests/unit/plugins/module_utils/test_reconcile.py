from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import PartialError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import DEFINITION_OPTIONS
from ansible_collections.mstr.library.plugins.module_utils._options import check_entry
from ansible_collections.mstr.library.plugins.module_utils._work.many import MANY_OPTIONS, ensure_many, inputs_for_many
from unit.support.make import lost, refusal, stored
from unit.support.many import LIST, A, B, C, D, actions, both, holding, message, names_by_id, run, summary, waits
from unit.support.server import Server

NINE = {f"r{n}": {"id": f"{n:032X}", "status": "busy"} for n in range(9)}
TASK = {"name": "r", "exec_timeout": 900}, {"name": "new"}


@pytest.mark.parametrize(("number", "by"), [(1, "name"), (30, "name"), (30, "id")])
def test_nothing_to_do_costs_one_list(number, by):
    have = Server(*(stored(name=f"r{n}", id=f"{n:032X}") for n in range(number)))
    named = {"name": "r{}", "id": "{:032X}"}[by]
    result = run(have, *({by: named.format(n), "exec_timeout": 600} for n in range(number)))
    assert have.requests == [LIST]
    assert (result["changed"], result["summary"], result["diff"]) == (False, summary(unchanged=number), [])
    assert [row["id"] for row in result["runtimes"]] == [f"{n:032X}" for n in range(number)]


def test_order_of_work():
    """Creates and updates, then a list, then deletes and the purge, with a list before and after each."""
    have = holding(old=A, changed=B, gone=C, purged=D, same="E" * 32)
    done = {"gone": "deleted", "changed": "updated", "new": "created", "same": "none", "old": "none", "never": "none"}
    more = {"gone": {"state": "absent"}, "changed": {"exec_timeout": 60}, "never": {"state": "absent"}}
    result = run(have, *({"name": name, **more.get(name, {})} for name in done), purge=True)
    first, second = ([f"{method} /runtimes/{identity}" for method in ("GET", "DELETE")] for identity in (C, D))
    update = [f"GET /runtimes/{B}", f"PATCH /runtimes/{B}"]
    assert have.requests == [LIST, *update, "POST /runtimes", LIST, LIST, *first, LIST, *second, LIST]
    assert actions(result) == [*done.items(), ("purged", "deleted")]
    assert result["summary"] == summary(created=1, updated=1, deleted=2, unchanged=3)
    assert result["changed"] is True
    assert have.names == ["changed", "new", "old", "same"]
    assert have.warnings == []


def test_results_and_predictions():
    entries = [{"name": "new", "exec_timeout": 60}, {"name": "a", "others": "x"}, {"name": "b", "state": "absent"}]
    predicted, done = both(holding(a=A, b=B, c=C), *entries, purge=True)
    assert done["msg"] == "1 created, 1 updated, 2 deleted."
    assert predicted["msg"] == "1 would be created, 1 would be updated, 2 would be deleted."
    created = done["runtimes"][0]
    assert (predicted["runtimes"][0]["id"], created["id"]) == (None, created["runtime"]["id"])
    assert set(created) == {"name", "id", "action", "changed_fields", "changes", "runtime", "error"}
    assert [row["changed_fields"] for row in done["runtimes"]] == [["name", "exec_timeout"], ["others"], [], []]
    heads = ["runtime 'new' (new)", f"runtime 'a' ({A})", f"runtime 'b' ({B})", f"runtime 'c' ({C})"]
    assert [diff["before_header"] for diff in predicted["diff"]] == heads
    new, update, deletion, _purged = done["diff"]
    assert (new["before"], deletion["after"]) == ({}, {})
    assert (update["before"], update["after"]) == ({"name": "a", "others": ""}, {"name": "a", "others": "x"})


@pytest.mark.parametrize(
    ("options", "undefined"),
    [
        ({"runtimes": [{"name": "a"}, {"name": "new"}]}, ["hand-made", "x"]),
        ({"runtimes": [{"name": "b", "previous_names": ["x"]}, {"id": A}]}, ["hand-made"]),
        ({"runtimes": [{"name": "a", "state": "absent"}, {"name": "x", "runtime_version": "9"}]}, ["hand-made"]),
        ({"runtimes": [{"name": "a"}], "purge": True}, None),
        ({"runtimes": [{"name": "a", "state": "absent"}]}, None),
        ({"scripts": []}, None),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_runtimes_without_a_definition(options, undefined, check_mode):
    """They are named, also by a task that fails, and are no difference."""
    have = holding(a=A, x=B, **{"hand-made": C})
    params = {name: option.get("default") for name, option in MANY_OPTIONS.items()} | options
    params["runtimes"] = params["runtimes"] and [
        check_entry(DEFINITION_OPTIONS, each)[0] for each in params["runtimes"]
    ]
    try:
        result = ensure_many(have.task(check_mode, **params), inputs_for_many(check_entry, params))
    except PartialError as exc:
        result = exc.result
    found = result["undefined"]
    assert (found and [runtime["name"] for runtime in found]) == undefined


@pytest.mark.parametrize("at_once", [1, 4], indirect=True)
@pytest.mark.parametrize(("number", "rest"), [(5, []), (8, ["And 3 more."])])
def test_many_failures_are_counted(number, rest, at_once):
    have = Server()
    have.fail("POST", refusal(400, "ERR006", "bad input"), times=number)
    result = run(have, *({"name": f"r{n:02}"} for n in range(number + 20)))
    lines = result["msg"].splitlines()
    assert lines[0] == f"{number} of {number + 20} runtimes failed:"
    assert lines[1].startswith("runtimes[0] 'r00': ")
    assert lines[6:] == rest
    assert result["summary"] == summary(created=20, failed=number)
    assert (result["error"]["http_status"], result["error"]["code"]) == (400, "ERR006")


def test_all_are_waited_for_in_parallel():
    have = holding(**NINE)

    def installed(seconds):
        have.pauses.append(seconds)
        for n, fields in enumerate(have.runtimes.values()):
            fields["status"] = "ready" if n else "error"

    result = run(have, *({"name": name} for name in NINE), **waits(have, pause=installed))
    assert len(have.pauses) == 1, "one pause is enough for all runtimes"
    assert [row["runtime"]["status"] for row in result["runtimes"]] == ["error"] + ["ready"] * 8
    assert result["summary"] == summary(unchanged=8, failed=1)
    assert actions(result)[0] == ("r0", "failed"), "nothing was done to it"


@pytest.mark.parametrize("check_mode", [False, True])
def test_different_plan_is_refused(check_mode):
    """With what it is now, and at most ten names of each action."""
    have = holding(r=A, old=B)
    identity = run(have, *TASK, purge=True, check_mode=True)["plan_id"]
    have.runtimes[C] = stored(id=C, name="just made")
    how = {"purge": True, "plan_id": identity, "check_mode": check_mode}
    assert message(have, *TASK, **how) == (
        f"The plan is different from the approved one ({identity}): 1 to create ('new'), 1 to update ('r': "
        "exec_timeout), 2 to delete ('just made'; 'old'). Nothing was written."
    )
    have.runtimes.update({f"{n:032}": stored(name=f"n{n:02}") for n in range(10)})
    text = message(have, *TASK, **how)
    assert "12 to delete ('just made'; 'n00'; " in text
    assert "; 'n08' and 2 more). Nothing was written." in text
    assert have.writes == []


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_plan_that_was_applied_is_green(method):
    """So a job can run again; nothing is written, whatever was approved. A lost write of the first run is repeated."""
    have = holding(r=A, old=B)
    identity = run(have, *TASK, purge=True, check_mode=True)["plan_id"]
    have.fail(method, lost())
    done = [run(have, *TASK, purge=True, plan_id=approved)["changed"] for approved in (identity, identity, "0" * 24)]
    assert (done, len(have.writes)) == ([True, False, False], 4)


# --- previous names


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


@pytest.mark.parametrize("near", ["Reports", "reports  "])
def test_previous_name_that_is_only_alike(near):
    """The runtime that it likely means is not purged; without a purge, the task warns."""
    have = holding(**{near: A})
    entry = {"name": "New", "previous_names": ["reports"]}
    why = "whose name differs only in case, whitespace or the form of a character from 'reports' in the list"
    assert why in run(have, entry, purge=True, check_mode=True)["msg"]
    assert why in message(have, entry, purge=True)
    warnings = {text.partition(", b")[0] for text in have.warnings}
    assert warnings == {"Runtime 'reports' does not exist, so nothing is renamed"}
    assert actions(run(have, entry)) == [("New", "created")]
