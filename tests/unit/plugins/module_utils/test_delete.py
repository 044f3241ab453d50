from __future__ import annotations

import contextlib
import unicodedata
from functools import partial

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError, ValidationError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.tests.unit.support.make import DEFAULT_ID, lost, refusal, stopped, stored
from ansible_collections.mstr.library.tests.unit.support.many import (
    LIST,
    A,
    B,
    C,
    D,
    actions,
    holding,
    refused,
    run,
    summary,
    waits,
)
from ansible_collections.mstr.library.tests.unit.support.server import Server
from hypothesis import given
from hypothesis import strategies as st

RAISE = ". Raise purge_limit if you want to delete them"


# --- purge


def test_purge_deletes_unlisted_runtimes_but_never_the_default_runtime():
    have = holding(a=A, b=B, **{"(Standard) MicroStrategy": DEFAULT_ID, "c [old]": C})
    result = run(have, {"name": "a"}, purge=True, exclude=["c [old]"])
    assert have.names == ["(Standard) MicroStrategy", "a", "c [old]"]
    assert actions(result) == [("a", "none"), ("b", "deleted")]


def lower_case_ids(have):
    """A server whose lists have the ids in lower case."""

    def lower(call, data):
        if call == LIST:
            return {"runtimes": [{**runtime, "id": runtime["id"].lower()} for runtime in data["runtimes"]]}
        return data

    have.rewrite = lower
    return have


def test_an_id_that_the_server_writes_in_two_ways_is_one_runtime():
    have = lower_case_ids(holding(a=A, b=B))
    have.list_only("id", "name")
    result = run(have, {"id": A, "exec_timeout": 60}, purge=True)
    assert actions(result) == [("a", "updated"), ("b", "deleted")]
    assert have.names == ["a"]


def test_vanished_runtime_without_a_name():
    """A runtime that vanishes after the list is not created without a name."""
    have = holding(a=A, b=B)
    have.list_only("id", "name")
    have.fail("GET")  # the list
    have.fail("GET", meanwhile=lambda: have.runtimes.pop(A))
    result = run(have, {"id": A, "exec_timeout": 60}, {"name": "b"})
    assert f"no runtime has the id {A}" in result["msg"]
    assert have.writes == []


def test_one_runtime_written_in_two_ways():
    """A name and an id that the server writes in two ways are one runtime."""
    have = lower_case_ids(holding(a=A))
    assert "are the same runtime" in refused(have, {"id": A, "exec_timeout": 60}, {"name": "a"})[0]


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
def test_unknown_name_to_exclude_warns(exclude, names, warned):
    """A name to exclude that no runtime has warns if something is purged."""
    have = holding(a=A, b=B, c=C)
    run(have, {"name": "a"}, purge=True, exclude=exclude)
    assert have.names == names
    assert have.warnings == [
        f"purge_exclude {text!r} matches no runtime, so it keeps none. Check the spelling." for text in warned
    ]


def test_a_listed_runtime_that_cannot_be_read_is_not_purged():
    have = holding(a=A)
    have.list_only("id", "name")
    have.fail("GET")  # the list
    have.fail("GET", refusal(404, "ERR004", "no such object", f"GET /api/runtimes/{A}"))
    run(have, {"name": "a", "exec_timeout": 60}, purge=True)
    assert A in have.runtimes


# --- what is deleted is read whole


@pytest.mark.parametrize("check_mode", [False, True])
def test_diff_of_a_deletion_is_the_definition(check_mode):
    """The difference of a delete and of a purge holds the whole definition."""
    have = holding(a={"id": A, "whitelist": ["10.0.0.0/8"]}, b={"id": B, "whitelist": ["10.1.0.0/16"]}, c=C)
    have.list_only("id", "name")
    result = run(have, {"name": "a", "state": "absent"}, {"name": "c"}, purge=True, check_mode=check_mode)
    assert [diff["before"]["whitelist"] for diff in result["diff"]] == [["10.0.0.0/8"], ["10.1.0.0/16"]]
    assert [diff["before"]["resource"] for diff in result["diff"]] == [{"cpu": 0.2, "mem": 512}] * 2
    assert [entry["runtime"]["exec_timeout"] for entry in result["runtimes"] if entry["action"] == "deleted"] == [
        600
    ] * 2


def test_if_a_runtime_cannot_be_read_nothing_is_purged():
    have = holding(a=A, b=B, c=C)
    have.list_only("id", "name")
    have.fail("GET")  # the list
    have.fail("GET", refusal(403, "ERR0017", "no permission", f"GET /api/runtimes/{B}"))
    result = run(have, {"name": "a"}, purge=True)
    assert actions(result) == [("a", "none"), ("b", "failed")]
    assert result["msg"].endswith("Nothing was purged.")
    assert have.names == ["a", "b", "c"]


def test_excluded_name_that_only_the_read_shows():
    have = holding(a=A, b=B)
    have.list_only("id", "name")
    have.fail("GET")
    have.fail("GET", meanwhile=lambda: have.runtimes[B].update(name="keep"))
    with pytest.raises(MstrError, match=rf"purge would delete 'keep' \({B}\), which purge_exclude names"):
        run(have, {"name": "a"}, purge=True, exclude=["keep", "b?"])
    assert have.names == ["a", "keep"]


# --- a purge by a name that is hardly different


@pytest.mark.parametrize("name", ["NIGHTLY", "Nightly ", "\u00a0nightly"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_purge_of_a_name_in_a_different_case(name, state):
    """A purge of a name that differs only in case or whitespace is refused."""
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


def used(have, **scripts):
    """The server with these scripts, by the runtime that each uses."""
    have.seed_scripts(**scripts)
    return have


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_guard_refuses_the_whole_task_before_any_write(check_mode):
    server = used(holding(a=A, b=B, c=C), load=B, close=C)
    entries = [{"name": "new"}, {"name": "a", "exec_timeout": 5}, {"name": "b", "state": "absent"}]
    faults = refused(server, *entries, purge=True, protect_used=True, check_mode=check_mode)
    assert [fault.partition(" is used by 1 script")[0] for fault in faults] == [
        f"runtime 'b' ({B})",
        f"runtime 'c' ({C})",
    ]
    assert server.writes == []


def test_a_guard_is_asked_again_before_each_kind_of_deletion():
    server = used(holding(a=A, b=B, c=C), load=A)
    result = run(server, {"name": "a"}, {"name": "b", "state": "absent"}, purge=True, protect=True)
    assert summary(unchanged=1, deleted=2) == result["summary"]
    # Before the first write, and again just before what the task deletes, and what the purge does.
    assert server.requests.count("GET /projects") == 3


def test_a_guard_is_not_asked_where_nothing_is_to_be_deleted():
    server = used(holding(a=A), load=A)
    entries = [{"name": "a", "exec_timeout": 5}, {"name": "new"}, {"name": "gone", "state": "absent"}]
    run(server, *entries, purge=True, protect=True)
    assert "GET /projects" not in server.requests
    assert len(server.writes) == 2


# --- what changed between the plan and the deletion


def meanwhile(have, change, number=2):
    """Apply a change when the list is requested for the second time, after the plan."""
    for _turn in range(number - 1):
        have.fail("GET")
    have.fail("GET", meanwhile=change)


CHANGES = {
    "renamed": (lambda fields: fields.update(name="spared"), "name"),
    "edited": (lambda fields: fields.update(description="in use"), "description"),
    "edited in a way that only the version shows": (lambda fields: fields.update(version="2"), "version"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("purge", [True, False])
def test_changed_since_the_plan_is_not_deleted(change, purge):
    """A runtime that changed since the plan is not deleted and its entry says why."""
    have = holding(a=A, b={"id": B, "version": "1"}, c=C)
    update, field = CHANGES[change]
    meanwhile(have, lambda: update(have.runtimes[B]))
    absent = [] if purge else [{"name": name, "state": "absent"} for name in ("b", "c")]
    result = run(have, {"name": "a"}, *absent, purge=purge)
    assert actions(result) == [("a", "none"), ("b", "failed"), ("c", "deleted")]
    why = f"'b' ({B}) was not deleted, because something changed after the plan was made: {field}."
    assert result["runtimes"][1]["error"]["msg"].startswith(why)
    assert why in result["msg"]
    assert sorted(have.runtimes) == [A, B]


@pytest.mark.parametrize("definition", [{"name": "r", "state": "absent"}, {"id": A, "state": "absent"}])
def test_a_runtime_that_is_gone_before_the_deletion_needs_none(definition):
    have = holding(r=A)
    meanwhile(have, have.runtimes.clear)
    assert have.ensure(definition_from(definition)).action == "none"
    assert have.writes == []


def test_a_second_runtime_of_the_name_prevents_the_deletion():
    have = holding(r=A)
    meanwhile(have, lambda: have.runtimes.update({B: stored(name="r", id=B)}))
    with pytest.raises(MstrError, match="other runtimes now have its name"):
        have.ensure(definition_from({"name": "r", "state": "absent"}))
    assert have.writes == []


def test_a_purged_runtime_that_is_gone_is_no_part_of_the_result():
    have = holding(a=A, b=B)
    meanwhile(have, lambda: have.runtimes.pop(B))
    assert actions(run(have, {"name": "a"}, purge=True)) == [("a", "none")]
    assert have.writes == []


def test_edit_that_the_list_does_not_show():
    """An edit that the list does not show is found by reading the runtime."""
    have = holding(a=A, b=B)
    have.list_only("id", "name")
    meanwhile(have, lambda: have.runtimes[B].update(whitelist=["10.0.0.0/8"]), number=3)
    result = run(have, {"name": "a"}, purge=True)
    assert "after the plan was made: whitelist" in result["msg"]
    assert have.writes == []


def test_a_status_is_no_change():
    have = holding(a=A, b=B)
    meanwhile(have, lambda: have.runtimes[B].update(status="busy", dateModified="later"))
    assert actions(run(have, {"name": "a"}, purge=True)) == [("a", "none"), ("b", "deleted")]


def test_a_change_during_a_wait_counts():
    have = holding(b=B)
    have.alter = lambda fields: fields.update(status="busy")

    def pause(seconds):
        have.runtimes.update({B: stored(name="a ", id=B)})
        have.runtimes[have.requests[-1][-32:]]["status"] = "ready"

    result = run(have, {"name": "a"}, purge=True, **waits(have, pause=pause))
    assert actions(result) == [("a", "created"), ("b", "failed")]


@pytest.mark.parametrize("wait", [True, False])
def test_a_script_that_begins_to_use_a_runtime_after_the_plan_protects_it(wait):
    have = used(holding(a={"id": A, "status": "busy"}, b=B, c=C), load=A)

    def pause(seconds=0):
        have.runtimes[A]["status"] = "ready"
        have.seed_scripts(load=B)

    entry, how = {"name": "a"}, waits(have, pause=pause)
    if not wait:
        entry, how = {"name": "a", "others": "x"}, {}
        have.fail("PATCH", meanwhile=pause)
    result = run(have, entry, purge=True, protect=True, **how)
    assert actions(result)[1:] == [("b", "failed"), ("c", "deleted")]
    assert f"something changed after the plan was made: runtime 'b' ({B}) is used by 1 script" in result["msg"]
    assert B in have.runtimes


def test_what_changes_while_a_lost_deletion_is_checked_is_not_purged():
    have = holding(a=A, b=B, c=C)
    have.fail("DELETE", lost("DELETE /api/runtimes"), done=True, meanwhile=lambda: have.runtimes[C].update(version="2"))
    result = run(have, {"name": "a"}, {"name": "b", "state": "absent"}, purge=True)
    assert actions(result) == [("a", "none"), ("b", "deleted"), ("c", "failed")]
    assert C in have.runtimes


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("definition", [{"name": "b"}, {"id": B}])
def test_a_runtime_that_changed_during_its_lost_deletion_stays(definition, change):
    """It is not reported as deleted, and the request is not sent again."""
    have = holding(a=A, b={"id": B, "version": "1"})
    update, field = CHANGES[change]
    have.fail("DELETE", lost("DELETE /api/runtimes"), meanwhile=lambda: update(have.runtimes[B]))
    with pytest.raises(
        MstrError, match=rf"'b' \({B}\) was not deleted, because it changed meanwhile: {field}\."
    ) as raised:
        have.ensure(definition_from({**definition, "state": "absent"}))
    assert "may or may not" not in str(raised.value)
    assert len(have.writes) == 1


@pytest.mark.parametrize("answer", [refusal(403, "ERR017", "no", "GET"), refusal(404, None, "", "GET"), lost("GET")])
def test_a_complete_list_shows_that_a_lost_deletion_was_carried_out(answer):
    """Whatever the server says of the id. A name that differs only in case is no reason for a warning."""
    have = holding(a=A, b=B, c=C, B=D)
    meanwhile = partial(have.refusals.update, {f"GET /runtimes/{B}": answer})
    have.fail("DELETE", lost("DELETE /api/runtimes"), done=True, meanwhile=meanwhile)
    result = run(have, {"name": "a"}, {"name": "B"}, {"name": "b", "state": "absent"}, purge=True)
    assert actions(result) == [("a", "none"), ("B", "none"), ("b", "deleted"), ("c", "deleted")]
    assert have.warnings == []


def test_if_the_list_cannot_be_read_again_nothing_is_deleted():
    have = holding(a=A, b=B)
    have.fail("GET")
    have.fail("GET", refusal(503, "ERR0016", "not available", "GET /api/runtimes"))
    result = run(have, {"name": "a"}, {"name": "b", "state": "absent"}, purge=True)
    assert actions(result) == [("a", "none"), ("b", "failed")]
    assert result["error"]["http_status"] == 503
    assert have.writes == []


# --- a listed runtime that failed cancels the purge


def test_a_create_without_an_id_that_is_not_found_again_cancels_the_purge():
    have = holding(b=B)
    have.rewrite = lambda call, data: None if call == "POST /runtimes" else data
    have.switch(list_hides="a")
    result = run(have, {"name": "a"}, purge=True)
    assert result["msg"].endswith("Nothing was purged.")
    assert have.names == ["a", "b"]


# --- a delete is checked


@pytest.mark.parametrize("purge", [True, False])
def test_delete_without_effect_is_an_error(purge):
    """It is not reported as deleted. If an entry asked for it, the purge is cancelled."""
    have = holding(a=A, b=B) if purge else holding(a=A, b=B, c=C)
    have.ignores = "DELETE"
    absent = [] if purge else [{"name": "b", "state": "absent"}]
    result = run(have, {"name": "a"}, *absent, purge=True)
    assert result["msg"].endswith("Nothing was purged.") is not purge
    assert ("purge 'b': " in result["msg"]) is purge
    assert have.writes == [f"DELETE /runtimes/{B}"]
    assert actions(result) == [("a", "none"), ("b", "failed")]
    assert result["changed"] is False
    assert f"The server reported 'b' ({B}) as deleted, but it still exists" in result["msg"]
    with pytest.raises(MstrError, match="but it still exists"):
        have.ensure(definition_from({"name": "b", "state": "absent"}))


def test_an_incomplete_list_does_not_show_that_a_runtime_is_gone():
    have = holding(a=A, b=B, c=C)
    have.ignores = "DELETE"
    have.rewrite = lambda call, data: {"runtimes": []} if call == LIST and have.writes else data
    result = run(have, {"name": "a", "state": "absent"}, {"name": "b", "state": "absent"})
    assert actions(result) == [("a", "failed"), ("b", "failed")]
    assert result["changed"] is False


@pytest.mark.parametrize("other", [{"name": "a"}, {"name": "a", "state": "absent"}])
def test_a_delete_of_a_hidden_runtime_is_checked_by_reading_it(other):
    """Also where a list is read: it did not show the runtime before, either."""
    have = holding(a=A, hidden=B)
    have.switch(list_hides="hidden")
    have.ignores = "DELETE"
    result = run(have, {"id": B, "state": "absent"}, other)
    assert f"'hidden' ({B}) as deleted, but it still exists: it can still be read" in result["msg"]


def test_a_deletion_without_proof_is_an_error_with_a_wait_too():
    have = holding(a=A, b=B)
    meanwhile(have, lambda: have.fail("GET", refusal(503)))
    result = run(have, {"name": "a"}, {"name": "b", "state": "absent"}, **waits(have))
    assert actions(result) == [("a", "none"), ("b", "deleted")]
    assert "'b' was deleted, but could not be read again" in result["msg"]


@pytest.mark.parametrize("purge", [True, False])
def test_list_has_the_last_word(purge):
    """Its id is not found, and deleting it "succeeds", but an ACL only hides the runtime."""
    have = holding(a=A, b=B)
    have.refusals = {
        f"{method} /runtimes/{B}": refusal(404, "ERR004", "no such object") for method in ("GET", "DELETE")
    }
    absent = [] if purge else [{"name": "b", "state": "absent"}]
    result = run(have, {"name": "a"}, *absent, purge=purge)
    assert actions(result) == [("a", "none"), ("b", "failed")]
    assert (result["changed"], result["summary"]["deleted"]) == (False, 0)
    assert "it still exists: the list of runtimes shows it. The user may lack permission" in result["msg"]


def test_a_delete_that_cannot_be_checked_is_reported_and_fails():
    have = holding(a=A, b=B)
    have.fail("GET")
    have.fail("GET")
    have.fail("GET", refusal(500, "ERR001", "broken", "GET /api/runtimes"))
    result = run(have, {"name": "a"}, {"name": "c", "state": "absent"}, purge=True)
    assert actions(result) == [("a", "none"), ("c", "none"), ("b", "deleted")]
    assert "was deleted, but could not be read again: " in result["msg"]
    assert result["changed"] is True


# --- a list that lacks the built-in default runtime


def shortened(have, number=None):
    """A server whose lists (the first ones) lack the default runtime, and the runtime `b`."""

    def shorten(call, data):
        if call != LIST or (number is not None and have.requests.count(LIST) > number):
            return data
        return {"runtimes": [runtime for runtime in data["runtimes"] if runtime["id"] not in (B, DEFAULT_ID)]}

    have.rewrite = shorten
    return have


@pytest.mark.parametrize("names", [{}, {"a": A}, {"a": A, "b": B}])
def test_a_purge_by_an_incomplete_list_is_refused(names):
    have = shortened(holding(**names))
    [fault] = refused(have, {"name": "a"}, purge=True)
    assert fault.startswith("purge is refused: the server's list of runtimes lacks its built-in default runtime")
    assert len(have.warnings) == 1


def test_an_incomplete_list_just_before_the_deletions_spares_all():
    have = holding(a=A, b=B, c=C)
    meanwhile(have, lambda: have.switch(list_hides="(Default) MicroStrategy"))
    result = run(have, {"name": "a"}, purge=True)
    assert actions(result) == [("a", "none"), ("b", "failed"), ("c", "failed")]
    assert "list of runtimes lacks its built-in default runtime" in result["msg"]
    assert have.writes == []


@pytest.mark.parametrize("entries", [[{"name": "b", "others": "x"}], [{"name": "a"}, {"name": "b", "others": "x"}]])
def test_incomplete_list_is_read_again_before_create(entries):
    """A name that an incomplete list lacks is looked up again before a create."""
    have = shortened(holding(a=A, b=B), number=1)
    result = run(have, *entries)
    assert actions(result)[-1] == ("b", "updated")
    assert have.writes == [f"PATCH /runtimes/{B}"]
    [warning] = have.warnings
    assert "may be incomplete" in warning


def test_an_incomplete_list_costs_no_request_where_every_name_is_found():
    have = shortened(holding(a=A))
    run(have, {"name": "a"})
    assert have.requests == [LIST]
    assert len(have.warnings) == 1


def test_a_lost_create_is_not_repeated_by_an_incomplete_list():
    have = holding()
    have.fail("POST", lost(), done=True, meanwhile=lambda: shortened(have))
    have.switch(list_hides="b")
    with pytest.raises(MstrError, match="could not find out what the server did"):
        have.ensure(definition_from({"name": "b"}))
    assert have.writes == ["POST /runtimes"]


# --- a refusal in check mode


def test_a_refused_purge_in_check_mode_names_and_shows_all():
    have = Server(*(stored(name=f"r{n:02}", id=f"{n:032X}") for n in range(58)))
    result = run(have, {"name": "r00", "exec_timeout": 60}, purge=True, limit=20, check_mode=True)
    assert actions(result)[:2] == [("r00", "updated"), ("r01", "deleted")]
    assert result["msg"].startswith("purge would delete 57 runtimes, more than purge_limit 20: 'r01', ")
    assert result["msg"].endswith(RAISE)
    assert all(f"'r{n:02}'" in result["msg"] for n in range(1, 58))
    assert len(result["diff"]) == 58
    assert result["summary"]["deleted"] == 57
    assert have.writes == []


def test_a_runtime_without_a_name_refuses_the_purge():
    have = holding(a=A, b={"id": B, "name": None})
    [fault] = refused(have, {"name": "a"}, purge=True)
    assert f"id {B}, which has no name" in fault


# --- the law of all guards

WORDS = ("nightly", "café prod", "straße")
FORMS = (
    str,
    str.upper,
    lambda word: f" {word}",
    lambda word: word.replace(" ", "\u00a0 "),
    lambda word: unicodedata.normalize("NFD", word),
    lambda word: f"{word[:2]}\u200b{word[2:]}",
    lambda word: "".join(chr(ord(letter) + 0xFEE0) if "a" <= letter <= "z" else letter for letter in word),
)


WORD_OF = {form(word): word for word in WORDS for form in FORMS}  # each name as a person reads it
NAMES = st.sampled_from(sorted(WORD_OF))
IDS = [f"{n:032X}" for n in range(1, 6)]
EXCLUSIONS = st.lists(NAMES | st.sampled_from(IDS) | st.sampled_from([f"{word[:3]}*" for word in WORDS]), max_size=2)
EDITS = st.tuples(st.sampled_from(IDS), NAMES | st.just("unlisted") | st.none())


def is_spared(identity, name, exclude):
    """What a person says who reads the list of exclusions."""
    return any(
        identity == entry
        or WORD_OF.get(name, "no word") == WORD_OF.get(entry)
        or (entry.endswith("*") and WORD_OF.get(name, "").startswith(entry[:-1]))
        for entry in exclude
    )


@given(
    held=st.lists(NAMES, min_size=1, max_size=5),
    present=st.lists(NAMES, min_size=1, max_size=3),
    absent=st.lists(NAMES, max_size=2),
    by_id=st.lists(st.sampled_from(IDS), max_size=1),
    exclude=EXCLUSIONS,
    edit=EDITS,
    moment=st.integers(1, 6),
    lean=st.booleans(),
    waiting=st.booleans(),
)
def test_no_runtime_is_deleted_that_a_person_would_call_listed_or_spared(
    held, present, absent, by_id, exclude, edit, moment, lean, waiting
):
    have = Server(*(stored(name=name, id=identity, status="busy") for identity, name in zip(IDS, held)))
    if lean:
        have.list_only("id", "name")

    def change():
        identity, name = edit
        if name is None:
            have.runtimes.pop(identity, None)
        elif identity in have.runtimes:
            have.runtimes[identity]["name"] = name

    def pause(seconds):
        change()
        for runtime in have.runtimes.values():
            runtime["status"] = "ready"

    meanwhile(have, change, moment)
    entries = [{"name": name.strip()} for name in present]
    absent = [name for name in absent if name == name.strip()]  # the others are refused
    entries += [{"name": name, "state": "absent"} for name in absent]
    entries += [{"id": identity} for identity in by_id]
    how = waits(have, pause=pause) if waiting else {}
    with contextlib.suppress(ValidationError):
        run(have, *entries, purge=True, exclude=exclude, **how)
    for identity, name in [(note["id"], note["name"]) for note in have.core.journal if note["action"] == "delete"]:
        if name not in [entry["name"] for entry in entries if entry.get("state") == "absent"]:
            assert WORD_OF.get(name, "no word") not in [WORD_OF.get(entry.get("name")) for entry in entries], "listed"
            assert identity not in by_id, "listed by id"
            assert not is_spared(identity, name, exclude), "spared"


def test_renamed_between_list_and_read():
    """A runtime that is renamed between the list and its read is not the named one."""
    have = holding(r=A)
    have.list_only("id", "name")
    meanwhile(have, lambda: have.runtimes[A].update(name="other"))
    assert have.ensure(definition_from({"name": "r", "state": "absent"})).action == "none"
    assert have.writes == []


def test_signal_before_a_deletion_is_no_change():
    have = holding(a=A, b=B)
    have.seed_scripts(load=A)
    have.fail("POST")
    have.fail("POST", stopped(in_flight=False))
    result = run(have, {"name": "a"}, purge=True, protect=True)
    assert "'b' was not deleted. Stopped by signal SIGTERM" in result["msg"]
    assert "something changed" not in result["msg"]
    assert have.names == ["a", "b"]
