"""What a task reports is what the server did: what was not read is unknown, and no response is believed unseen."""

from __future__ import annotations

import contextlib
import copy

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Interrupted
from ansible_collections.mstr.library.tests.unit.support.make import (
    lost,
    refusal,
    stopped,
    stored,
    wanted,
)
from ansible_collections.mstr.library.tests.unit.support.many import (
    LIST,
    A,
    B,
    C,
    D,
    actions,
    holding,
    run,
    summary,
    waits,
)
from ansible_collections.mstr.library.tests.unit.support.server import Server
from hypothesis import given, settings
from hypothesis import strategies as st

BROKEN = [{"name": "x", "status": "not_installed"}]


# --- what the list does not show is unknown


@pytest.mark.parametrize("omitted", ["packages", "status", "packages,status"])
@pytest.mark.parametrize(
    "how", [{"entries": [{"name": "a"}]}, {"entries": [{"name": "a"}, {"name": "b"}]}, {"purge": True}]
)
def test_ready_needs_a_look(omitted, how):
    """A runtime with a package that could not be installed is not ready, whatever the list leaves out."""
    have = holding(a={"id": A, "packages": BROKEN}, b=B)
    have.switch(list_omits=omitted)
    result = run(have, *how.get("entries", [{"name": "a"}]), purge=how.get("purge", False), **waits(have))
    assert "package x could not be installed" in result["msg"]
    assert set(have.runtimes) == {A, B}


def test_ready_after_an_update_needs_a_look():
    have = holding(a={"id": A, "packages": BROKEN}, b=B)
    have.switch(list_omits="packages")
    result = run(have, {"name": "a", "others": "x"}, {"name": "b", "others": "x"}, **waits(have))
    assert [entry["error"] is None for entry in result["runtimes"]] == [False, True]


def test_awaited_fields_in_the_list_cost_no_read():
    have = holding(a=A, b=B)
    run(have, {"name": "a"}, {"name": "b"}, **waits(have))
    assert have.requests == [LIST]


# --- the id of an answer


def foreign(have, call, other):
    """A server before which something answers a call with a different object."""
    have.rewrite = lambda asked, data: {**data, "id": other} if asked == call else data


@pytest.mark.parametrize("entry", [{"id": A, "others": "x"}, {"id": A, "state": "absent"}])
def test_answer_with_another_object_is_no_target(entry):
    have = holding(a=A, b=B)
    foreign(have, f"GET /runtimes/{A}", B)
    result = run(have, entry)
    assert f"answered with a different runtime, 'a' ({B}), instead of {A}" in result["msg"]
    assert (have.writes, result["changed"]) == ([], False)


@pytest.mark.parametrize("entries", [[{"name": "new"}], [{"name": "new"}, {"name": "a"}]])
@pytest.mark.parametrize("answered", [{"id": A}, {"id": A.lower()}, {}, None])
def test_create_is_looked_up_by_name(entries, answered):
    """A response with the id of a different runtime, or without one, does not say which runtime was created."""
    have = holding(a=A)
    have.rewrite = lambda call, data: answered if call == "POST /runtimes" else data
    result = run(have, *entries)
    [created] = [identity for identity, runtime in have.runtimes.items() if runtime["name"] == "new"]
    assert [entry["id"] for entry in result["runtimes"]] == [created, A][: len(entries)]
    assert actions(result)[0] == ("new", "created")
    assert (have.writes, have.warnings) == (["POST /runtimes"], [])


@pytest.mark.parametrize("entries", [[{"name": "new"}], [{"name": "new"}, {"name": "a"}]])
@pytest.mark.parametrize(
    ("answered", "why", "writes"),
    [
        *((answered, "the runtime is still not created", 2) for answered in ({}, None, {"id": A})),
        ({"id": D}, f"The server reported 'new' ({D}) as created, but does not show it", 1),
    ],
)
def test_create_without_effect_is_not_created(entries, answered, why, writes):
    have = holding(a=A)
    have.ignores = "POST"
    have.rewrite = lambda call, data: answered if call == "POST /runtimes" else data
    result = run(have, *entries, retries=1)
    assert (actions(result)[0], result["changed"]) == (("new", "failed"), False)
    assert why in result["msg"]
    assert have.writes == ["POST /runtimes"] * writes


def test_lost_update_is_not_done_by_a_different_runtime():
    """The runtime was renamed, and a different one has its name and the values that were asked for."""
    have = holding(a=A, b={"id": B, "others": "x"})

    def swap():
        have.runtimes[A]["name"], have.runtimes[B]["name"] = "z", "a"

    have.fail("PATCH", lost("PATCH /api/x"), meanwhile=swap)
    result = run(have, {"name": "a", "others": "x"})
    assert actions(result) == [("a", "unknown")]
    assert f"'a' ({A}) was renamed or deleted meanwhile, and 'a' ({B}) has its name" in result["msg"]


@pytest.mark.parametrize(
    "entries",
    [[{"id": A, "state": "absent"}], [{"id": A, "others": "x"}], [{"name": "a", "others": "x"}, {"name": "b"}]],
)
def test_list_has_the_last_word_on_an_id_that_is_not_found(entries):
    have = holding(a=A, b=B)
    have.refusals[f"GET /runtimes/{A}"] = refusal(404, "ERR004", "not found")
    assert "the server lists it, but answers that it does not exist" in run(have, *entries)["msg"]
    assert have.writes == []


def test_list_is_read_once_for_ids_that_are_not_found():
    have = holding(a=A)
    run(have, {"id": C, "state": "absent"}, {"id": D, "state": "absent"})
    assert have.requests == [LIST, f"GET /runtimes/{C}", f"GET /runtimes/{D}"]


# --- the name is the server's


@pytest.mark.parametrize("entry", [{"id": A, "name": "stale", "state": "absent"}, {"id": A, "state": "absent"}])
def test_evidence_names_what_is_on_the_server(entry):
    have = holding(real=A)
    for check_mode in (True, False):
        result = run(have, entry, check_mode=check_mode)
        assert actions(result) == [("real", "deleted")]
        assert result["diff"][0]["before_header"] == f"runtime 'real' ({A})"


def test_name_read_after_the_list_is_the_name():
    have = holding(old=A)
    have.list_only("id", "name")
    have.fail("GET")
    have.fail("GET", meanwhile=lambda: have.runtimes[A].update(name="new"))
    assert actions(run(have, {"id": A, "others": "x"}, {"name": "z", "state": "absent"}))[0] == ("new", "updated")


# --- a signal


def test_signal_in_a_bulk():
    """Of three writes, the first is done, the second in flight, the third was not sent."""
    have = holding(a=A, b=B, c=C)
    have.fail("PATCH")
    have.fail("PATCH", stopped(in_flight=True))
    have.fail("PATCH", stopped(in_flight=False))
    result = run(have, *({"name": name, "others": "x"} for name in "abc"))
    assert actions(result) == [("a", "updated"), ("b", "unknown"), ("c", "failed")]
    assert result["summary"] == summary(updated=1, failed=2)
    assert "may or may not have been updated" in result["runtimes"][1]["error"]["msg"]
    assert result["runtimes"][2]["error"]["msg"].endswith("The runtime 'c' was not updated.")
    assert [entry["changed_fields"] for entry in result["runtimes"]] == [["others"], ["others"], []]


def test_signal_during_the_second_look_up_of_scripts_keeps_the_result():
    have = holding(a=A, b=B)
    have.seed_scripts(load=A)
    get = have.session.get

    def interrupted(path, *args, **more):
        if path == "/projects" and have.writes:
            raise Interrupted("Stopped by signal SIGTERM")
        return get(path, *args, **more)

    have.session.get = interrupted
    result = run(have, {"name": "a", "others": "x"}, purge=True, protect=True)
    assert actions(result) == [("a", "updated"), ("b", "failed")]
    assert "Stopped by signal SIGTERM" in result["msg"]
    assert B in have.runtimes


# --- an update without an effect, or with one in part


@pytest.mark.parametrize("entries", [[{"name": "a", "others": "x"}], [{"name": "a", "others": "x"}, {"name": "b"}]])
@pytest.mark.parametrize("wait", [True, False])
def test_update_without_effect_fails(entries, wait):
    have = holding(a=A, b=B)
    have.ignores = "PATCH"
    result = run(have, *entries, **(waits(have) if wait else {}))
    assert actions(result)[0] == ("a", "failed")
    assert "the server answered 204 but changed nothing (others)" in result["msg"]
    assert (result["changed"], result["error"]["http_status"]) == (False, 204)
    assert result["runtimes"][0]["changes"] == []


def test_update_in_part_shows_what_is_true():
    have = holding(a={"id": A, "version": "1"})
    have.alter = lambda entry: entry.update(others="", execTimeout=90, version="2")
    result = run(have, {"name": "a", "others": "x", "exec_timeout": 60, "description": "d"})
    assert actions(result) == [("a", "updated")]
    assert result["runtimes"][0]["changes"] == [
        {"field": "description", "before": "", "after": "d"},
        {"field": "exec_timeout", "before": 600, "after": 90},
    ]
    assert result["diff"][0]["after"]["others"] == ""
    assert len(have.warnings) == 2


def test_version_alone_is_an_effect():
    have = holding(a={"id": A, "version": "1"})
    have.alter = lambda entry: entry.update(others="", version="2")
    result = run(have, {"name": "a", "others": "x"})
    assert (actions(result), result["runtimes"][0]["changes"]) == ([("a", "updated")], [])


# --- another client at work


def edits(have, identity, **fields):
    return lambda: have.runtimes[identity].update(**fields, version="other")


def test_bulk_update_keeps_what_another_client_added():
    have = holding(a={"id": A, "whitelist": ["10.0.0.0/8"]}, b=B)
    edit = edits(have, A, whitelist=["10.0.0.0/8", "10.9.0.0/16"], resource={"cpu": "2", "mem": 4096}, name="theirs")
    have.fail("GET")
    have.fail("GET", meanwhile=edit)
    wanted_entry = {"id": A, "whitelist": ["1.1.1.1"], "purge_whitelist": False, "resource": {"cpu": 1}}
    run(have, wanted_entry, {"name": "b"})
    stored_now = have.runtimes[A]
    assert set(stored_now["whitelist"]) == {"10.0.0.0/8", "10.9.0.0/16", "1.1.1.1/32"}
    assert (stored_now["resource"]["mem"], stored_now["name"]) == (4096, "theirs")


@pytest.mark.parametrize("approved", [True, False])
def test_managed_field_that_changed_meanwhile_is_planned_again(approved):
    have = holding(a=A, b=B)
    entries = [{"name": "a", "others": "x"}, {"name": "b", "others": "x"}]
    identity = run(have, *entries, check_mode=True)["plan_id"]
    have.fail("GET")
    have.fail("GET", meanwhile=edits(have, A, others="theirs"))
    result = run(have, *entries, plan_id=identity if approved else None)
    if approved:
        assert actions(result) == [("a", "failed"), ("b", "updated")]
        assert "changed while the approved plan was carried out" in result["msg"]
        assert have.runtimes[A]["others"] == "theirs"
    else:
        assert result["runtimes"][0]["changes"] == [{"field": "others", "before": "theirs", "after": "x"}]


def test_somebody_else_made_the_change():
    have = holding(a=A, b=B)
    have.fail("GET")
    have.fail("GET", meanwhile=edits(have, A, others="x"))
    assert actions(run(have, {"name": "a", "others": "x"}, {"name": "b"})) == [("a", "none"), ("b", "none")]
    assert have.writes == []


def test_renamed_meanwhile_is_left_alone():
    have = holding(a=A, b=B)
    have.fail("GET")
    have.fail("GET", meanwhile=edits(have, A, name="theirs"))
    result = run(have, {"name": "a", "others": "x"}, {"name": "b"})
    assert f"'a' ({A}) was renamed to 'theirs' after the plan was made" in result["msg"]
    assert have.writes == []


# --- predictions


def test_check_mode_shows_unchanged_fields_as_the_server_has_them():
    have = Server(stored(whitelist=["10.0.0.7"], description=None))
    definition = wanted(whitelist=["10.0.0.7/32"], description="", exec_timeout=60)
    predicted = have.ensure(definition, check_mode=True).facts["runtime"]
    done = have.ensure(definition).facts["runtime"]
    for name in ("whitelist", "description", "exec_timeout"):
        assert predicted[name] == done[name]
    assert (predicted["whitelist"], predicted["description"]) == (["10.0.0.7"], None)


# --- the laws

IDS = [A, B, C, D]
NAMES = ["a", "b", "c", "d"]
FIELDS = {"others": st.sampled_from(["", "x", "y"]), "exec_timeout": st.sampled_from([60, 600])}
VALUES = st.fixed_dictionaries({}, optional={**FIELDS, "whitelist": st.sampled_from([[], ["10.0.0.0/8"], ["1.1.1.1"]])})
API = {"others": "others", "exec_timeout": "execTimeout", "whitelist": "whitelist"}


@st.composite
def tasks(draw):
    """Definitions with different names, present or absent, and whether to purge."""
    entries = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3)):
        absent = draw(st.booleans())
        entries.append({"name": name, "state": "absent"} if absent else {"name": name, **draw(VALUES)})
    purge = draw(st.booleans()) and any(entry.get("state") != "absent" for entry in entries)
    return entries, purge


HELD = st.lists(st.sampled_from(NAMES), unique=True, max_size=4)
LEAN = st.sampled_from(["", "whitelist", "whitelist,packages,others,version", "status,packages"])


def a_server(names, lean):
    have = holding(**{name: {"id": IDS[NAMES.index(name)], "others": "x"} for name in names})
    have.switch(list_omits=lean)
    return have


def shown(have):
    """What the server holds: by name, without what every write changes."""
    return {
        runtime["name"]: {key: value for key, value in runtime.items() if key not in ("version", "dateModified", "id")}
        for runtime in have.runtimes.values()
    }


@given(task=tasks(), held=HELD, lean=LEAN)
def test_after_success_the_server_has_what_was_asked(task, held, lean):
    """Nothing else changed, check mode said so before, and `changed` is true if and only if the server changed."""
    entries, purge = task
    have = a_server(held, lean)
    before = copy.deepcopy(shown(have))
    predicted = run(have, *entries, purge=purge, check_mode=True)
    assert (have.writes, shown(have)) == ([], before)
    result = run(have, *entries, purge=purge)
    after = shown(have)
    for key in ("changed", "summary", "plan_id"):
        assert predicted[key] == result[key]
    for runtime, other in zip(predicted["runtimes"], result["runtimes"]):
        assert (runtime["action"], runtime["changes"]) == (other["action"], other["changes"])
        # A list may omit what is not managed, and a write reads it.
        managed = {name for entry in entries for name in API if entry["name"] == runtime["name"] and name in entry}
        if runtime["action"] in ("none", "updated"):
            assert all(runtime["runtime"][name] == other["runtime"][name] for name in managed)
    assert result["changed"] == (before != after)
    listed = {entry["name"] for entry in entries}
    for entry in entries:
        if entry.get("state") == "absent":
            assert entry["name"] not in after
        else:
            canonical = definition_from(entry).values
            for name, api in API.items():
                if name in entry:
                    assert list(after[entry["name"]][api]) == list(canonical[name]) if name == "whitelist" else True
                    assert name == "whitelist" or after[entry["name"]][api] == entry[name]
    unlisted = {name: value for name, value in before.items() if name not in listed}
    assert {name: value for name, value in after.items() if name not in listed} == ({} if purge else unlisted)
    assert run(have, *entries, purge=purge)["changed"] is False


@given(task=tasks(), held=HELD, lean=LEAN, moment=st.integers(1, 8), victim=st.sampled_from(IDS))
def test_with_another_client_at_work_its_changes_stay(task, held, lean, moment, victim):
    """An edit of a field that the task does not manage survives; what is reported is what the server has."""
    entries, purge = task
    have = a_server(held, lean)

    def edit():
        if victim in have.runtimes:
            have.runtimes[victim].update(description="theirs", version="theirs")

    for _turn in range(moment - 1):
        have.fail("GET")
    have.fail("GET", meanwhile=edit)
    result = run(have, *entries, purge=purge)
    for identity, runtime in have.runtimes.items():
        if identity == victim and "theirs" in (runtime.get("description"), runtime.get("version")):
            assert runtime["description"] == "theirs"
    deleted = [entry["name"] for entry in result["runtimes"] if entry["action"] == "deleted"]
    assert not set(deleted) & set(shown(have)), "what is reported as deleted is gone"
    updated = [
        entry for entry in result["runtimes"] if entry["action"] in ("created", "updated") and not entry["error"]
    ]
    # What a list omits and no entry manages is not read, so it is null.
    unread = {None} if "others" in lean else set()
    assert all(entry["runtime"]["others"] in {*unread, shown(have)[entry["name"]].get("others")} for entry in updated)


def by_id(have):
    return {identity: {**runtime, "version": None, "dateModified": None} for identity, runtime in have.runtimes.items()}


ERRORS = [lost(), refusal(502), refusal(500, "ERR001"), refusal(403, "ERR0017"), stopped(in_flight=True)]
FAULTS = {
    method: st.tuples(st.integers(0, turns), st.sampled_from(ERRORS), st.booleans(), st.integers(0, 6))
    for method, turns in {"POST": 1, "PATCH": 1, "DELETE": 1, "GET": 8}.items()
}


@settings(max_examples=60)
@given(task=tasks(), held=HELD, lean=LEAN, faults=st.fixed_dictionaries({}, optional=FAULTS), retries=st.integers(0, 1))
def test_whatever_fails_what_is_reported_is_what_was_done(task, held, lean, faults, retries):
    """After a fault, the server may not answer some reads, either."""
    entries, purge = task
    have = a_server(held, lean)
    before = copy.deepcopy(by_id(have))
    for method, (earlier, error, done, down) in faults.items():

        def outage(reads=down):
            for _read in range(reads):
                have.fail("GET", lost("GET /api/x"))

        for _request in range(earlier):
            have.fail(method)
        # A refusal says that nothing was done.
        have.fail(method, error, done=done and error.outcome_unknown, meanwhile=outage)
    result = {"runtimes": [], "changed": False}
    with contextlib.suppress(MstrError):
        result = run(have, *entries, purge=purge, retries=retries)
    after = by_id(have)
    for entry in result["runtimes"]:
        was, now = before.get(entry["id"]), after.get(entry["id"])
        truth = "none" if was == now else "created" if was is None else "deleted" if now is None else "updated"
        assert {"failed": "none"}.get(entry["action"], entry["action"]) in (truth, "unknown")
        assert entry["action"] != "failed" or entry["error"]
    unknown = any(entry["action"] == "unknown" for entry in result["runtimes"])
    assert unknown or result["changed"] == (before != after)
