# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ApiError, PartialError, ValidationError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.entry import report
from ansible_collections.mstr.library.plugins.module_utils._work import reconcile as _reconcile
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import Purge, PurgeRefused, reconcile
from ansible_collections.mstr.library.plugins.module_utils._work.wait import Waiting
from ansible_collections.mstr.library.tests.unit.support.make import (
    DEFAULT_ID,
    faults_of,
    lost,
    refusal,
    stored,
)
from ansible_collections.mstr.library.tests.unit.support.server import Server

A, B, C, D = (letter * 32 for letter in "ABCD")
LIST = "GET /runtimes"
RAISE = ". Raise purge_limit if you want to delete them"


def holding(**names):
    """A server with these runtimes, by name: an id, or all fields."""
    runtimes = [(name, one if isinstance(one, dict) else {"id": one}) for name, one in names.items()]
    return Server(*(stored(**{"name": name, **fields}) for name, fields in runtimes))


def bulk(server, *, purge=False, exclude=(), limit=None, comment=None, wait=None, **how):
    """What mstr_runtimes does with definitions; it returns the result."""
    asked = Purge(purge, tuple(exclude), limit, comment)

    def run(definitions):
        try:
            return report(reconcile(server.context(**how), definitions, asked, wait), purge)
        except PurgeRefused as exc:
            raise PartialError(exc, report(exc.entries, purge)) from exc

    return run


def run(server, *entries, **how):
    """The result, of a task that fails too."""
    try:
        return bulk(server, **how)([definition_from(entry) for entry in entries])
    except PartialError as exc:
        return exc.to_result()


def refused(server, *entries, **how):
    """The faults for which the whole task is refused; nothing was written."""
    faults = faults_of(bulk(server, **how), [definition_from(entry) for entry in entries])
    assert server.writes == []
    return faults


def actions(result):
    return [(entry["name"], entry["action"]) for entry in result["runtimes"]]


def summary(**counts):
    return {"created": 0, "updated": 0, "deleted": 0, "unchanged": 0, "failed": 0, **counts}


# --- the order of work, and what it costs


@pytest.mark.parametrize("number", [1, 30])
def test_nothing_to_do_costs_one_list_at_any_number(number):
    have = Server(*(stored(name=f"r{n}", id=f"{n:032X}") for n in range(number)))
    result = run(have, *({"name": f"r{n}", "exec_timeout": 600} for n in range(number)), concurrency=4)
    assert have.requests == [LIST]
    assert result["changed"] is False
    assert result["summary"] == summary(unchanged=number)
    assert result["diff"] == []
    assert [entry["id"] for entry in result["runtimes"]] == [f"{n:032X}" for n in range(number)]


def test_creates_and_updates_then_deletes_then_one_list():
    have = holding(old=A, changed=B, gone=C, purged=D)
    have.runtimes["E" * 32] = stored(name="same", id="E" * 32)
    result = run(
        have,
        {"name": "gone", "state": "absent"},
        {"name": "changed", "exec_timeout": 60},
        {"name": "new"},
        {"name": "same"},
        {"name": "old"},
        {"name": "never there", "state": "absent"},
        purge=True,
    )
    assert have.requests == [
        LIST,
        f"PATCH /runtimes/{B}",
        "POST /runtimes",
        f"DELETE /runtimes/{C}",
        f"DELETE /runtimes/{D}",
        LIST,
    ]
    assert actions(result) == [
        ("gone", "deleted"),
        ("changed", "updated"),
        ("new", "created"),
        ("same", "none"),
        ("old", "none"),
        ("never there", "none"),
        ("purged", "deleted"),
    ]
    assert result["summary"] == summary(created=1, updated=1, deleted=2, unchanged=3)
    assert result["changed"] is True
    assert have.names == ["changed", "new", "old", "same"]
    assert have.warnings == []


def test_only_runtimes_with_missing_needed_fields_are_read():
    have = holding(a=A, b=B, c=C, d=D)
    have.listed = lambda one: {key: value for key, value in one.items() if key != "whitelist"}
    result = run(
        have,
        {"name": "a", "whitelist": []},
        {"name": "b", "exec_timeout": 600},
        {"name": "c", "state": "absent"},
        purge=True,
    )
    reads = [f"GET /runtimes/{A}", f"GET /runtimes/{C}", f"GET /runtimes/{D}"]
    assert have.requests == [LIST, *reads, f"DELETE /runtimes/{C}", f"DELETE /runtimes/{D}"]
    assert result["runtimes"][0]["runtime"]["whitelist"] == []
    assert result["runtimes"][1]["runtime"]["whitelist"] is None, "nothing made it necessary to read it"


def test_one_half_of_a_pool_makes_the_other_half_necessary():
    have = holding(a={"id": A, "maxCachedInstances": 2})
    have.listed = lambda one: {key: value for key, value in one.items() if key != "maxCachedInstances"}
    result = run(have, {"name": "a", "min_cached_instances": 3})
    assert "min_cached_instances 3 must not exceed max_cached_instances 2" in result["msg"]
    assert have.writes == []


def test_results_and_predictions_are_alike():
    entries = [{"name": "new", "exec_timeout": 60}, {"name": "a", "others": "x"}, {"name": "b", "state": "absent"}]
    have = holding(a=A, b=B, c=C)
    predicted = run(have, *entries, purge=True, check_mode=True)
    assert have.requests == [LIST]
    done = run(have, *entries, purge=True)
    assert (predicted["changed"], predicted["summary"]) == (done["changed"], done["summary"])
    assert [one["after"] for one in predicted["diff"]] == [one["after"] for one in done["diff"]]
    assert actions(predicted) == actions(done)
    assert [one["changes"] for one in predicted["runtimes"]] == [one["changes"] for one in done["runtimes"]]
    assert done["msg"] == "1 created, 1 updated, 2 deleted."
    assert predicted["msg"] == "1 would be created, 1 would be updated, 2 would be deleted."
    assert predicted["runtimes"][0]["id"] is None
    assert done["runtimes"][0]["id"] == done["runtimes"][0]["runtime"]["id"]
    assert [entry["changed_fields"] for entry in done["runtimes"]] == [["name", "exec_timeout"], ["others"], [], []]
    assert set(done["runtimes"][0]) == {"name", "id", "action", "changed_fields", "changes", "runtime", "error"}


def test_each_difference_names_its_runtime():
    result = run(holding(a=A, b=B), {"name": "a", "exec_timeout": 60}, {"name": "n"}, purge=True, check_mode=True)
    heads = [one["before_header"] for one in result["diff"]]
    assert heads == [f"runtime 'a' ({A})", "runtime 'n' (new)", f"runtime 'b' ({B})"]
    assert heads == [one["after_header"] for one in result["diff"]]
    assert result["diff"][0]["before"] == {"name": "a", "exec_timeout": 600}
    assert result["diff"][0]["after"] == {"name": "a", "exec_timeout": 60}
    assert result["diff"][1]["before"] == {}
    assert result["diff"][2]["after"] == {}


def test_different_values_on_the_server_cause_the_same_warning_as_for_one_runtime():
    have = holding(a=A)
    have.alter = lambda one: one.update(execTimeout=1)
    run(have, {"name": "a", "exec_timeout": 60}, {"name": "n", "exec_timeout": 60}, concurrency=4)
    assert len(have.warnings) == 2
    assert all("The server stored a different exec_timeout" in warning for warning in have.warnings)


def test_by_id_in_any_case_and_hidden_from_the_list():
    have = holding(a=A, hidden=B)
    listed = have._work  # the model shows everything; this list hides one
    have._work = lambda method, path, body: (
        {"runtimes": [one for one in listed(method, path, body)["runtimes"] if one["id"] != B]}
        if (method, path) == ("GET", "/runtimes")
        else listed(method, path, body)
    )
    result = run(have, {"id": A.lower(), "exec_timeout": 60}, {"id": B, "state": "absent"}, {"id": C})
    assert [entry["action"] for entry in result["runtimes"]] == ["updated", "deleted", "failed"]
    assert f"no runtime has the id {C}" in result["runtimes"][2]["error"]["msg"]
    assert f"runtimes[2] ({C}): " in result["msg"]


# --- entries that meet


def test_two_entries_that_are_one_runtime():
    faults = refused(holding(a=A), {"id": A}, {"name": "a", "exec_timeout": 60}, {"name": "c"})
    assert faults == (f"runtimes[1] and runtimes[0] are the same runtime, 'a' ({A}); list it once",)


@pytest.mark.parametrize("check_mode", [False, True])
def test_names_that_change_places(check_mode):
    have = holding(a=A, b=B)
    faults = refused(have, {"id": A, "name": "b"}, {"id": B, "name": "a"}, {"name": "new"}, check_mode=check_mode)
    assert len(faults) == 2
    assert f"runtimes[0] takes the name 'b', which runtimes[1] ({B}) still has" in faults[0]
    assert "in an earlier task" in faults[1]


def test_the_name_of_a_runtime_that_goes_in_the_same_task():
    (fault,) = refused(holding(a=A, b=B), {"id": A, "name": "b"}, {"id": B, "state": "absent"})
    assert f"runtimes[0] takes the name 'b', which runtimes[1] ({B}) still has" in fault


def test_the_old_name_of_a_renamed_runtime():
    faults = refused(holding(a=A), {"id": A, "name": "b"}, {"name": "a"})
    assert faults == (f"runtimes[1] and runtimes[0] are the same runtime, 'a' ({A}); list it once",)


def test_the_name_of_a_runtime_that_the_purge_would_delete():
    have = holding(a=A, b=B)
    result = run(have, {"id": A, "name": "b"}, purge=True)
    assert f"name 'b' is taken by the runtime with id {B}" in result["msg"]
    assert result["msg"].endswith("Nothing was purged.")
    assert have.writes == []


def test_a_chain_of_renames_onto_a_free_name():
    have = holding(a=A)
    assert actions(run(have, {"id": A, "name": "z"})) == [("z", "updated")]
    assert have.names == ["z"]


def test_an_ambiguous_name_fails_alone():
    have = holding(a=A, b=B)
    have.runtimes[C] = stored(name="a", id=C)
    result = run(have, {"name": "a", "exec_timeout": 60}, {"name": "b", "exec_timeout": 60}, purge=True)
    assert actions(result) == [("a", "failed"), ("b", "updated")]
    assert f"2 runtimes have the name 'a': {A}, {C}; choose one by id" in result["msg"]
    assert set(have.runtimes) == {A, B, C}


# --- purge


def test_purge_deletes_unlisted_runtimes_but_never_the_default_runtime():
    have = holding(a=A, b=B, **{"(Standard) MicroStrategy": DEFAULT_ID, "c [old]": C})
    result = run(have, {"name": "a"}, purge=True, exclude=["c [old]"])
    assert have.names == ["(Standard) MicroStrategy", "a", "c [old]"]
    assert actions(result) == [("a", "none"), ("b", "deleted")]


@pytest.mark.parametrize("pattern", ["vendor *", "Vendor A", B.lower()])
def test_purge_exclude_takes_names_patterns_and_ids(pattern):
    have = holding(a=A, **{"Vendor A": B})
    run(have, {"name": "a"}, purge=True, exclude=["nothing", pattern])
    assert have.names == ["Vendor A", "a"]


def test_an_id_that_the_server_writes_in_two_ways_is_one_runtime():
    have = holding(a=A, b=B)
    have.listed = lambda one: {"id": one["id"].lower(), "name": one["name"]}
    result = run(have, {"id": A, "exec_timeout": 60}, purge=True)
    assert actions(result) == [("a", "updated"), ("b", "deleted")]
    assert have.names == ["a"]


def test_a_runtime_that_vanishes_after_the_list_is_not_created_without_a_name():
    have = holding(a=A, b=B)
    have.listed = lambda one: {"id": one["id"], "name": one["name"]}
    have.fail("GET")  # the list
    have.fail("GET", refusal(404, "ERR004", "no such object"))
    result = run(have, {"id": A, "exec_timeout": 60}, {"name": "b"})
    assert f"no runtime has the id {A}" in result["msg"]
    assert have.writes == []


def test_a_name_and_an_id_that_the_server_writes_in_two_ways_are_one_runtime():
    have = holding(a=A)
    have.listed = lambda one: {**one, "id": one["id"].lower()}
    assert "are the same runtime" in refused(have, {"id": A, "exec_timeout": 60}, {"name": "a"})[0]


def test_more_than_the_limit_refuses_the_whole_task():
    have = holding(a=A, b=B, c=C)
    (fault,) = refused(have, {"name": "a", "exec_timeout": 60}, purge=True, limit=1)
    assert fault == f"purge would delete 2 runtimes, more than purge_limit 1: 'b', 'c'{RAISE}"


def test_check_mode_reports_what_would_change_beside_the_refusal():
    have = holding(a=A, b=B, c=C)
    with pytest.raises(PartialError) as caught:
        bulk(have, purge=True, limit=1, check_mode=True)([definition_from({"name": "a", "exec_timeout": 60})])
    result = caught.value.to_result()
    assert result["msg"] == f"purge would delete 2 runtimes, more than purge_limit 1: 'b', 'c'{RAISE}"
    assert actions(result) == [("a", "updated"), ("b", "deleted"), ("c", "deleted")]
    assert have.writes == []


def test_a_long_list_over_the_limit_shows_ten_names_and_the_number():
    have = Server(*(stored(name=f"r{n:02}", id=f"{n:032X}") for n in range(58)))
    (fault,) = refused(have, {"name": "r00"}, purge=True, limit=20)
    names = ", ".join(f"'r{n:02}'" for n in range(1, 11))
    assert fault == f"purge would delete 57 runtimes, more than purge_limit 20: {names} and 47 more{RAISE}"


def test_state_absent_does_not_count_for_the_purge_limit():
    have = holding(a=A, b=B, c=C)
    run(have, {"name": "a", "state": "absent"}, {"name": "b", "state": "absent"}, purge=True, limit=1)
    assert have.names == []


def test_a_limit_of_none_at_all():
    refused(holding(a=A, b=B), {"name": "a"}, purge=True, limit=0)
    assert actions(run(holding(a=A), {"name": "a"}, purge=True, limit=0)) == [("a", "none")]


def test_the_purge_has_the_comment_of_the_task():
    have = holding(a=A, b=B)
    run(have, {"name": "a"}, purge=True, comment="Spring cleaning")
    assert have.params == [{"userComments": "Spring cleaning"}]


def test_nothing_is_purged_unasked():
    have = holding(a=A, b=B)
    run(have, {"name": "a", "exec_timeout": 60}, limit=0)
    assert have.names == ["a", "b"]


def test_a_listed_runtime_that_cannot_be_read_is_not_purged():
    have = holding(a=A)
    have.listed = lambda one: {"id": one["id"], "name": one["name"]}
    have.fail("GET")  # the list
    have.fail("GET", refusal(404, "ERR004", "no such object", f"GET /api/runtimes/{A}"))
    run(have, {"name": "a", "exec_timeout": 60}, purge=True)
    assert A in have.runtimes


# --- one fails


FAILURES = {
    "a refused write": lambda have: have.fail("PATCH", refusal(403, "ERR0017", "no permission", "PATCH /api/x")),
    "at planning": lambda have: have.runtimes.update({D: stored(name="b", id=D)}),
}


@pytest.mark.parametrize("cause", FAILURES)
def test_one_failure_stops_only_the_purge(cause):
    have = holding(b=B, c=C, x=A)
    FAILURES[cause](have)
    entries = [
        {"name": "b", "others": "x"},
        {"name": "new"},
        {"name": "c", "state": "absent"},
    ]
    result = run(have, *entries, purge=True)
    assert actions(result) == [("b", "failed"), ("new", "created"), ("c", "deleted")]
    assert result["changed"] is True
    assert result["summary"] == summary(created=1, deleted=1, failed=1)
    assert result["msg"].startswith("1 of 3 runtimes failed: runtimes[0] 'b': ")
    assert result["msg"].endswith("Nothing was purged.")
    assert result["runtimes"][1]["runtime"]["name"] == "new"
    assert result["runtimes"][0]["error"]["msg"] in result["msg"]
    assert "x" in have.names

    have.runtimes.pop(D, None)
    have.requests.clear()
    again = run(have, *entries, purge=True)
    assert have.writes == [f"PATCH /runtimes/{B}", f"DELETE /runtimes/{A}"], "the second run does only what is left"
    assert again["summary"] == summary(updated=1, deleted=1, unchanged=2)


def test_a_failure_at_planning_cancels_the_purge_in_check_mode():
    have = holding(b=B, x=A)
    have.runtimes[D] = stored(name="b", id=D)
    result = run(have, {"name": "b", "others": "x"}, {"name": "new"}, purge=True, check_mode=True)
    assert actions(result) == [("b", "failed"), ("new", "created")]
    assert result["msg"].endswith("Nothing was purged.")
    assert [one["after_header"] for one in result["diff"]] == ["runtime 'new' (new)"]


def test_without_purge_nothing_is_said_of_it():
    have = holding(b=B)
    have.fail("PATCH", refusal(403, "ERR0017"))
    result = run(have, {"name": "b", "others": "x"})
    assert "purged" not in result["msg"]
    assert result["error"]["http_status"] == 403
    assert result["error"]["code"] == "ERR0017"


@pytest.mark.parametrize("concurrency", [1, 4])
def test_of_fifty_one_fails(concurrency):
    have = Server()
    have.fail("POST", refusal(400, "ERR006", "bad input"))
    result = run(have, *({"name": f"r{n:02}"} for n in range(50)), concurrency=concurrency)
    assert len(have.runtimes) == 49
    assert result["summary"] == summary(created=49, failed=1)
    assert len(result["runtimes"]) == 50
    assert "1 of 50 runtimes failed" in result["msg"]
    assert "bad input" in result["msg"]


def test_many_failures_are_counted_and_the_first_are_quoted():
    have = Server()
    for _turn in range(8):
        have.fail("POST", refusal(400, "ERR006", "bad input"))
    result = run(have, *({"name": f"r{n}"} for n in range(8)))
    lines = result["msg"].splitlines()
    assert lines[0] == "8 of 8 runtimes failed:"
    assert lines[1].startswith("runtimes[0] 'r0': ")
    assert lines[6:] == ["And 3 more."]
    assert [entry["error"]["code"] for entry in result["runtimes"]] == ["ERR006"] * 8
    assert result["changed"] is False


def test_a_lost_answer_is_looked_after():
    have = Server()
    have.fail("POST", lost(), done=True)
    result = run(have, {"name": "a"}, {"name": "b"})
    assert actions(result) == [("a", "created"), ("b", "created")]
    assert have.names == ["a", "b"]


def test_a_written_runtime_that_cannot_be_read_again_is_reported():
    have = holding(a=A, b=B)
    have.fail("GET")
    have.fail("GET", refusal(500, "ERR001", "broken", "GET /api/runtimes"))
    result = run(have, {"name": "a", "others": "x"}, {"name": "b"})
    assert actions(result) == [("a", "updated"), ("b", "none")]
    assert result["summary"] == summary(updated=1, unchanged=1, failed=1)
    first = result["runtimes"][0]
    assert first["changed_fields"] == ["others"]
    assert first["id"] == A
    assert first["runtime"]["others"] == "x"
    assert first["error"]["msg"].startswith("The runtime 'a' was updated, but could not be read again: ")
    assert result["changed"] is True


def test_a_failed_purge_is_reported():
    have = holding(a=A, b=B)
    have.fail("DELETE", refusal(403, "ERR0017", "no permission", f"DELETE /api/runtimes/{B}"))
    result = run(have, {"name": "a"}, purge=True)
    assert actions(result) == [("a", "none"), ("b", "failed")]
    assert "purge 'b': " in result["msg"]
    assert "Nothing was purged" not in result["msg"]


def test_no_list_no_work():
    have = holding(a=A)
    have.fail("GET", refusal(503, "ERR0016", "not available", "GET /api/runtimes"))
    with pytest.raises(ApiError):
        bulk(have)([definition_from({"name": "a"})])


def test_the_default_runtime_stays_and_fails_its_entry_alone():
    have = holding(a=A, **{"(Default)": DEFAULT_ID})
    result = run(have, {"id": DEFAULT_ID, "state": "absent"}, {"name": "a", "others": "x"})
    assert [entry["action"] for entry in result["runtimes"]] == ["failed", "updated"]
    assert "built-in default runtime and cannot be deleted" in result["msg"]
    assert DEFAULT_ID in have.runtimes


# --- waiting


def waits(have, timeout=50, pause=None):
    """The options to wait for a few looks on a clock of its own."""
    clock = iter(range(10_000))
    return {
        "wait": Waiting(timeout, 1.0),
        "clock": lambda: next(clock),
        "pause": pause or have.pause,
        "concurrency": 2,
    }


def test_waiting_takes_all_that_were_written_and_those_that_were_not():
    have = holding(a={"id": A, "status": "busy"}, b=B)

    def installed(seconds):
        have.runtimes[A]["status"] = "ready"

    result = run(have, {"name": "a"}, {"name": "b", "others": "x"}, **waits(have, pause=installed))
    assert [entry["runtime"]["status"] for entry in result["runtimes"]] == ["ready", "ready"]


def test_a_runtime_that_is_not_ready_fails_and_cancels_the_purge():
    have = holding(a={"id": A, "status": "error"}, b=B)
    result = run(have, {"name": "a", "others": "x"}, purge=True, **waits(have))
    assert actions(result) == [("a", "updated")], "it was written and then failed"
    assert "is in error" in result["runtimes"][0]["error"]["msg"]
    assert result["runtimes"][0]["changes"] == [{"field": "others", "before": "", "after": "x"}]
    assert result["summary"] == summary(updated=1, failed=1)
    assert "is in error" in result["msg"]
    assert result["msg"].endswith("Nothing was purged.")
    assert result["changed"] is True
    assert "b" in have.names


def test_the_purge_continues_if_all_runtimes_are_ready():
    have = holding(a=A, b=B)
    run(have, {"name": "a", "others": "x"}, purge=True, **waits(have))
    assert have.requests == [LIST, f"PATCH /runtimes/{A}", LIST, f"DELETE /runtimes/{B}"]


def test_all_are_waited_for_in_parallel_and_returned_as_last_read():
    have = holding(**{f"r{n}": {"id": f"{n:032X}", "status": "busy"} for n in range(9)})

    def installed(seconds):
        have.pauses.append(seconds)
        for n, one in enumerate(have.runtimes.values()):
            one["status"] = "ready" if n else "error"

    result = run(have, *({"name": f"r{n}"} for n in range(9)), **waits(have, pause=installed))
    assert len(have.pauses) == 1, "one pause is enough for all runtimes"
    assert [entry["runtime"]["status"] for entry in result["runtimes"]] == ["error"] + ["ready"] * 8
    assert result["summary"] == summary(unchanged=8, failed=1)
    assert actions(result)[0] == ("r0", "failed"), "nothing was done to it"


def test_the_time_is_for_all_together():
    have = holding(**{f"r{n}": {"id": f"{n:032X}", "status": "busy"} for n in range(9)})
    result = run(have, *({"name": f"r{n}"} for n in range(9)), **waits(have, timeout=3))
    assert len(have.pauses) == 2
    assert result["summary"] == summary(failed=9)
    assert "is not ready after 3 seconds" in result["msg"]


# --- an unforeseen exception of one entry


@pytest.mark.parametrize("step", ["plan_entry", "write", "verify"])
def test_an_unforeseen_exception_of_one_entry_discards_no_report_and_cancels_the_purge(monkeypatch, step):
    work = getattr(_reconcile, step)

    def raising(context, entry, *more, **named):
        if entry.name == "b":
            raise TypeError("a secret")
        return work(context, entry, *more, **named)

    monkeypatch.setattr(_reconcile, step, raising)
    have = holding(a=A, b=B, x=C)
    result = run(have, {"name": "a", "others": "y"}, {"name": "b", "others": "y"}, {"name": "new"}, purge=True)
    written = "updated" if step == "verify" else "failed"
    assert actions(result)[:3] == [("a", "updated"), ("b", written), ("new", "created")]
    error = result["runtimes"][1]["error"]["msg"]
    assert error.startswith("This is a bug in mstr.library: TypeError in test_reconcile.py, line ")
    assert "a secret" not in result["msg"]
    assert result["summary"]["failed"] == 1
    assert ("x" in have.names) == (step != "verify"), "the purge comes before the last list where nothing waits"


# --- a list that hides what a read shows


def test_an_update_of_a_runtime_missing_in_the_list_succeeds():
    have = holding(a=A, hidden=B)
    have.hides = lambda one: one["id"] == B
    result = run(have, {"id": B, "others": "x"}, {"name": "new"}, concurrency=4)
    assert [entry["action"] for entry in result["runtimes"]] == ["updated", "created"]
    assert result["runtimes"][0]["runtime"]["others"] == "x"
    assert result["summary"]["failed"] == 0


def test_a_lost_create_whose_differences_are_found_warns_as_for_one_runtime():
    have = Server()
    have.alter = lambda one: one.update(execTimeout=1)
    have.fail("POST", lost(), done=True)
    result = run(have, {"name": "new", "exec_timeout": 60}, retries=0)
    assert actions(result) == [("new", "created")]
    assert have.writes == ["POST /runtimes"]
    [warning] = have.warnings
    assert "exec_timeout" in warning


# --- what is deleted is read whole


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_difference_of_a_delete_and_of_a_purge_holds_the_whole_definition(check_mode):
    have = holding(a={"id": A, "whitelist": ["10.0.0.0/8"]}, b={"id": B, "whitelist": ["10.1.0.0/16"]}, c=C)
    have.listed = lambda one: {key: one[key] for key in ("id", "name")}
    result = run(have, {"name": "a", "state": "absent"}, {"name": "c"}, purge=True, check_mode=check_mode)
    assert [one["before"]["whitelist"] for one in result["diff"]] == [["10.0.0.0/8"], ["10.1.0.0/16"]]
    assert [one["before"]["resource"] for one in result["diff"]] == [{"cpu": 0.2, "mem": 512}] * 2
    assert [one["runtime"]["exec_timeout"] for one in result["runtimes"] if one["action"] == "deleted"] == [600, 600]


def test_if_a_runtime_cannot_be_read_nothing_is_purged():
    have = holding(a=A, b=B, c=C)
    have.listed = lambda one: {key: one[key] for key in ("id", "name")}
    have.fail("GET")  # the list
    have.fail("GET", refusal(403, "ERR0017", "no permission", f"GET /api/runtimes/{B}"))
    result = run(have, {"name": "a"}, purge=True)
    assert actions(result) == [("a", "none"), ("b", "failed")]
    assert result["msg"].endswith("Nothing was purged.")
    assert have.names == ["a", "b", "c"]


def test_a_runtime_deleted_meanwhile_is_not_purged():
    have = holding(a=A, b=B)
    have.listed = lambda one: {key: one[key] for key in ("id", "name")}
    have.fail("GET")  # the list
    have.fail("GET", meanwhile=lambda: have.runtimes.pop(B))
    assert actions(run(have, {"name": "a"}, purge=True)) == [("a", "none")]
    assert have.writes == []


# --- a purge by a name that is hardly different


@pytest.mark.parametrize("name", ["NIGHTLY", "Nightly ", "\u00a0nightly"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_purge_of_a_name_that_differs_only_in_case_or_whitespace_is_refused(name, state):
    have = holding(**{name: A, "Other": B})
    (fault,) = refused(have, {"name": "Nightly", "state": state}, {"name": "Other"}, purge=True)
    assert fault.startswith(f"purge would delete {name!r} ({A}), whose name differs only in case, whitespace or")
    assert "from 'Nightly' in the list" in fault


def test_a_listed_or_excluded_name_does_not_refuse_the_purge():
    have = holding(nightly=A, Nightly=B, x=C)
    run(have, {"name": "Nightly"}, purge=True, exclude=["nightly"])
    assert have.names == ["Nightly", "nightly"]
    run(have, {"name": "Nightly"}, {"name": "nightly", "state": "absent"}, purge=True)
    assert have.names == ["Nightly"]


def test_without_purge_a_name_that_differs_only_in_case_is_a_warning():
    have = holding(nightly=A)
    assert actions(run(have, {"name": "Nightly"})) == [("Nightly", "created")]
    [warning] = have.warnings
    assert warning.startswith("Runtime 'Nightly' is new, but 'nightly' exists: ")


class Guard:
    """Notes the names of what would be deleted, and refuses those that are used."""

    def __init__(self, server, *used):
        self.server, self.used = server, used
        self.seen, self.writes = [], []

    def __call__(self, runtimes):
        names = [one.name for one in runtimes]
        self.seen.append(names)
        self.writes += self.server.writes
        if set(names) & set(self.used):
            raise ValidationError([f"{name} is used" for name in names if name in self.used])


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_guard_refuses_the_whole_task_before_any_write(check_mode):
    server = holding(a=A, b=B, c=C)
    guard = Guard(server, "b", "c")
    entries = [{"name": "new"}, {"name": "a", "exec_timeout": 5}, {"name": "b", "state": "absent"}]
    faults = refused(server, *entries, purge=True, guard=guard, check_mode=check_mode)
    assert faults == ("b is used", "c is used")
    assert (guard.seen, server.writes) == ([["b", "c"]], [])


def test_a_guard_gets_the_runtimes_to_delete_and_may_accept():
    server = holding(a=A, b=B, c=C)
    guard = Guard(server, "a")
    result = run(server, {"name": "a"}, {"name": "b", "state": "absent"}, purge=True, guard=guard)
    assert summary(unchanged=1, deleted=2) == result["summary"]
    assert (guard.seen, guard.writes) == ([["b", "c"]], [])


def test_a_guard_is_not_asked_where_nothing_is_to_be_deleted():
    server = holding(a=A)
    guard = Guard(server, "a")
    entries = [{"name": "a", "exec_timeout": 5}, {"name": "new"}, {"name": "gone", "state": "absent"}]
    run(server, *entries, purge=True, guard=guard)
    assert guard.seen == []
    assert len(server.writes) == 2
