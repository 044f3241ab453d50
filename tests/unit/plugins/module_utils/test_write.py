from __future__ import annotations

from functools import partial

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import (
    ApiError,
    ConnectError,
    MstrError,
    PartialError,
)
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.steps import report_one
from ansible_collections.mstr.library.tests.unit.support.make import (
    DEFAULT_ID,
    ID,
    OTHER_ID,
    faults_of,
    lost,
    refusal,
    stopped,
    stored,
    wanted,
)
from ansible_collections.mstr.library.tests.unit.support.server import Server
from ansible_collections.mstr.library.tests.unit.support.strategies import OBJECTS, OPTIONS
from hypothesis import assume, given
from hypothesis import strategies as st

RESULT_KEYS = {"changed", "msg", "id", "action", "changed_fields", "changes", "runtime", "diff", "plan_id"}
PATCH, DELETE = f"PATCH /runtimes/{ID}", f"DELETE /runtimes/{ID}"
ABSENT = wanted(state="absent")
NEW = wanted(description="new")
LOST = {"POST": (NEW, "created"), "PATCH": (NEW, "updated"), "DELETE": (ABSENT, "deleted")}
LOST_WAYS = [lost(), refusal(502), refusal(504), refusal(500, "ERR001", "oops")]
LOST_NAMES = ["closed", "502", "504", "500"]


def outcome(server, definition, **how):
    """What was done, and the keys that every outcome has."""
    done = server.ensure(definition, **how)
    assert set(report_one(done)) == RESULT_KEYS
    return done


def refused(server, definition, **how):
    """The one fault for which nothing was written."""
    [fault] = faults_of(partial(server.ensure, **how), definition)
    assert server.writes == []
    return fault


# The good path


def test_create_reads_again_and_returns_runtime_of_server():
    server = Server()
    server.switch(runtime_status="stays_unknown")
    done = outcome(server, NEW)
    assert (done.action, done.id, done.runtime.facts["status"]) == ("created", server.id, "unknown")
    assert server.requests == ["GET /runtimes", "POST /runtimes", "GET /runtimes"]
    assert (done.diff["before"], done.diff["after"]) == ({}, {"name": "r", "description": "new"})


def test_update_one_patch_and_one_read():
    server = Server(stored())
    done = outcome(server, NEW)
    assert (done.action, done.id, done.shown.changed_fields) == ("updated", ID, ("description",))
    assert server.requests == ["GET /runtimes", PATCH, f"GET /runtimes/{ID}"]
    assert server.sent == [{"name": "r", "description": "new"}]
    assert server.runtimes[ID]["description"] == "new"


def test_delete_returns_deleted_runtime():
    server = Server(stored())
    done = outcome(server, ABSENT)
    assert (done.action, done.id, done.runtime.name) == ("deleted", ID, "r")
    assert report_one(done)["diff"]["after"] == {}
    assert report_one(done)["diff"]["before"]["name"] == "r"
    assert server.requests == ["GET /runtimes", "GET /runtimes", DELETE, "GET /runtimes"]


def test_nothing_to_do_one_read_by_name_or_by_id():
    for definition, reads in ((wanted(), ["GET /runtimes"]), (wanted(None, id=ID), [f"GET /runtimes/{ID}"])):
        server = Server(stored())
        assert outcome(server, definition).action == "none"
        assert server.requests == reads
    assert outcome(Server(), ABSENT).runtime is None


def test_runtime_goes_between_list_and_read_created():
    server = Server(stored())
    server.list_only("id", "name")
    server.fail("GET")
    server.fail("GET", meanwhile=server.runtimes.clear)
    assert outcome(server, NEW).action == "created"


def acceptable(server, data, definition):
    """The outcome. A server may hold what it does not accept: an example is skipped that sends such an entry back."""
    try:
        return outcome(server, definition)
    except ApiError as exc:
        assume(data is None or exc.status != 400)
        raise


@given(st.none() | OBJECTS, OPTIONS)
def test_ensure_twice_changes_once(data, options):
    server = Server(*([data] if data else []))
    definition = definition_from(options)
    done = acceptable(server, data, definition)
    assert server.warnings == []
    again = outcome(server, definition)
    assert again.action == "none"
    assert again.shown.changed_fields == ()
    assert len(server.writes) == (done.action != "none")


@given(st.none() | OBJECTS, OPTIONS, st.sampled_from(["present", "absent"]))
def test_check_mode_sends_only_reads_and_predicts_run(data, options, state):
    definition = definition_from({**options, "state": state})
    server = Server(*([data] if data else []))
    predicted = report_one(outcome(server, definition, check_mode=True))
    assert server.writes == []
    done = report_one(acceptable(server, data, definition))
    for key in ("changed", "action", "changed_fields", "changes"):
        assert predicted[key] == done[key]
    for key in ("before", "after"):
        assert predicted["diff"][key] == done["diff"][key]
    if state == "present":
        for name in definition.values:
            if name not in ("whitelist", "packages"):
                assert (predicted["runtime"][name] or "") == (done["runtime"][name] or "")
    assert predicted["id"] == (done["id"] if data else None)


def test_journal_comment_travels_with_every_write():
    server = Server(stored())
    outcome(server, wanted(description="d", journal_comment="why"))
    assert server.sent[0]["changeJournal"] == {"userComments": "why"}
    outcome(server, wanted(state="absent", journal_comment="why"))
    assert server.params[1] == {"userComments": "why"}


# What is refused before a write


def test_default_runtime_may_be_changed():
    server = Server(stored(id=DEFAULT_ID))
    assert outcome(server, wanted(None, id=DEFAULT_ID, description="d")).action == "updated"


def test_of_id_name_does_not_count():
    assert refused(Server(), wanted("r", id=ID)) == f"no runtime has the id {ID}; to create one, set name and omit id"
    assert outcome(Server(stored(id=OTHER_ID)), wanted("r", id=ID, state="absent")).action == "none"
    assert outcome(Server(stored()), wanted("another", id=ID, state="absent")).action == "deleted"


# A write whose response was lost


@pytest.mark.parametrize("error", LOST_WAYS, ids=LOST_NAMES)
@pytest.mark.parametrize(("done", "writes"), [(True, 1), (False, 2)], ids=["done", "not done"])
def test_lost_create_makes_one_runtime_and_created(error, done, writes):
    server = Server()
    server.fail("POST", error, done=done)
    done = outcome(server, NEW)
    assert (done.action, done.id, server.names) == ("created", server.id, ["r"])
    assert done.runtime.values["description"] == "new"
    assert len(server.writes) == writes
    assert server.pauses


@pytest.mark.parametrize("error", LOST_WAYS[:3], ids=LOST_NAMES[:3])
def test_work_goes_on_behind_proxy_waited_for(error):
    server = Server()
    server.fail("POST", error, late=True)
    assert outcome(server, NEW).action == "created"
    assert (len(server.writes), server.names) == (1, ["r"])


@pytest.mark.parametrize("error", LOST_WAYS, ids=LOST_NAMES)
@pytest.mark.parametrize("done_at_once", [True, False])
@pytest.mark.parametrize(
    ("method", "definition", "action"),
    [
        ("PATCH", NEW, "updated"),
        ("PATCH", wanted(None, id=ID, description="new"), "updated"),
        ("DELETE", ABSENT, "deleted"),
        ("DELETE", wanted(None, id=ID, state="absent"), "deleted"),
    ],
    ids=["update", "update by id", "delete", "delete by id"],
)
def test_lost_update_or_delete_done_once(error, done_at_once, method, definition, action):
    server = Server(stored())
    server.fail(method, error, done=done_at_once)
    done = outcome(server, definition)
    assert (done.action, done.id) == (action, ID)
    assert len(server.writes) == (1 if done_at_once else 2)
    assert done.runtime.name == "r"
    assert not outcome(server, definition).shown.changed_fields


def test_a_lost_rename_is_found():
    server = Server(stored())
    server.fail("PATCH", lost(), done=True)
    assert outcome(server, wanted("renamed", id=ID)).action == "updated"
    assert (server.writes, server.names) == ([PATCH], ["renamed"])


def holding_for(method):
    return Server(*([] if method == "POST" else [stored()]))


def test_error_of_server_itself_looked_up_once():
    server = Server()
    server.fail("POST", refusal(500, "ERR001", "oops"))
    outcome(server, NEW)
    assert len(server.pauses) == 1


@pytest.mark.parametrize("method", LOST)
@pytest.mark.parametrize("retries", [0, 2])
def test_lost_write_repeated_as_often_as_retries_say(retries, method):
    definition, action = LOST[method]
    server = holding_for(method)
    before = list(server.names)
    for _turn in range(9):
        server.fail(method, lost())
    with pytest.raises(MstrError, match="retries are used up") as failed:
        server.ensure(definition, retries=retries)
    assert f"After 7.75 seconds of checking, the runtime is still not {action}. The" in failed.value.sentence
    assert sum(server.pauses) == 7.75 * (1 + retries)
    assert len(server.writes) == 1 + retries
    assert server.names == before


def test_look_up_outlasts_the_outage():
    """Without retries the look up outlasts the outage that lost the write."""
    server = Server()
    server.fail("POST", lost(), done=True)
    server.fail("GET", None)  # the list before
    server.fail("GET", refusal(502, None, None))
    server.fail("GET", lost())
    assert outcome(server, NEW, retries=0).action == "created"
    assert len(server.writes) == 1


@pytest.mark.parametrize("method", LOST)
def test_unknown_result_says_what_to_check(method):
    """If the result of a write is unknown the message says what to check."""
    definition, action = LOST[method]
    server = holding_for(method)
    server.fail(method, lost())
    for _list in range(2 if method == "DELETE" else 1):  # before a delete, the list is read once more
        server.fail("GET")
    server.fail("GET", lost("GET /api/runtimes"))
    with pytest.raises(PartialError) as failed:
        server.ensure(definition)
    assert (failed.value.result["action"], failed.value.result["changed"]) == ("unknown", True)
    assert "could not find out what the server did" in failed.value.sentence
    assert f"The runtime 'r' may or may not have been {action}; check it" in failed.value.sentence
    assert failed.value.error["request"] == "POST /api/runtimes"
    assert len(server.writes) == 1


def test_after_lost_create_duplicate_names_error():
    server = Server(duplicate_names="allow")
    server.fail("POST", lost(), done=True, meanwhile=lambda: server.add({"name": "r"}))
    with pytest.raises(
        MstrError, match=r"2 runtimes have the name .r.: .* by id\. The runtime .* may or may not have been created"
    ):
        server.ensure(NEW)
    assert len(server.writes) == 1


@pytest.mark.parametrize(
    "error", [refusal(400, "ERR006", "no"), refusal(403), ConnectError("x", request="x", connection_refused=True)]
)
def test_clear_no_neither_repeated_nor_looked_up(error):
    server = Server()
    server.fail("POST", error)
    with pytest.raises((ApiError, ConnectError)) as failed:
        server.ensure(NEW)
    assert failed.value is error
    assert (len(server.writes), server.pauses) == (1, [])


# Two plays at once


@pytest.mark.parametrize(("description", "action"), [("new", "none"), ("", "updated")])
def test_slower_of_two_plays_finds_runtime_made(description, action):
    server = Server()
    server.fail("POST", meanwhile=lambda: server.add({"name": "r", "description": description}))
    done = outcome(server, NEW)
    assert (done.action, done.id, server.names) == (action, server.id, ["r"])
    assert server.runtimes[server.id]["description"] == "new"


def test_if_server_allows_duplicates_warning_names_both_ids():
    server = Server(duplicate_names="allow")
    server.fail("POST", meanwhile=lambda: server.add({"name": "r"}))
    done = outcome(server, NEW)
    [first, second] = server.runtimes
    assert (done.action, done.id) == ("created", second)
    [warning] = server.warnings
    assert first in warning
    assert second in warning
    assert "or a lost response made this task create two. Delete one by its id." in warning


@pytest.mark.parametrize(
    ("there", "words"),
    [([], "this user sees no runtime with it; an ACL may hide it"), ([stored(name="R")], f"only 'R' ({ID}) is listed")],
)
def test_taken_name_not_listed_ends_in_sentence(there, words):
    server = Server(*there)
    server.fail("POST", refusal(400, "ERR015", "exists"))
    with pytest.raises(MstrError, match="The name is taken") as failed:
        server.ensure(NEW)
    assert words in failed.value.sentence
    assert failed.value.error["code"] == "ERR015"
    assert len(server.writes) == 1


# After a write


@pytest.mark.parametrize(
    ("there", "trouble"), [([], lost("GET /api/runtimes")), ([stored()], refusal(403))], ids=["created", "updated"]
)
def test_failure_after_write_says_it_made_with_all_keys(there, trouble):
    server = Server(*there)
    server.fail("GET")
    server.fail("GET", trouble)
    with pytest.raises(PartialError) as failed:
        server.ensure(NEW)
    result = failed.value.to_result()
    assert set(result) == RESULT_KEYS | {"error"}
    assert (result["changed"], result["id"]) == (True, next(iter(server.runtimes)))
    done = "updated" if there else "created"
    assert result["msg"].startswith(f"The runtime 'r' was {done}, but could not be read again: ")


def test_runtime_disappears_after_write_error():
    server = Server(stored())
    server.fail("GET")
    server.fail("GET", meanwhile=server.runtimes.clear)
    with pytest.raises(PartialError, match=f"the server no longer shows the runtime 'r' \\({ID}\\)"):
        server.ensure(NEW)


@pytest.mark.parametrize("method", LOST)
def test_signal_in_flight_or_before(method):
    """What was on its way may have been done; what was never sent was not."""
    definition, done = LOST[method]
    for in_flight in (True, False):
        server = holding_for(method)
        server.fail(method, stopped(in_flight))
        with pytest.raises(MstrError) as failed:
            server.ensure(definition)
        result = failed.value.to_result()
        if in_flight:
            assert failed.value.sentence == (
                f"Stopped by signal SIGTERM while the runtime 'r' was being {done}. It may or may not have been "
                f"{done}; check it."
            )
            assert (result["action"], result["changed"]) == ("unknown", True)
        else:
            assert failed.value.sentence == f"Stopped by signal SIGTERM. The runtime 'r' was not {done}."
            assert "action" not in result
        assert len(server.writes) == 1


# A lost create is created, whatever the server made of it


@pytest.mark.parametrize("retries", [0, 3])
@pytest.mark.parametrize("late", [False, True])
def test_lost_create_that_is_found(retries, late):
    """A lost create that is found is created and differences are warnings."""
    server = Server(mstrio_py_added="always")
    server.fail("POST", lost(), done=True, late=late)
    done = outcome(server, wanted(packages=[{"name": "a"}]), retries=retries)
    assert (done.action, done.id) == ("created", server.id)
    assert server.writes == ["POST /runtimes"], "never a second write"
    [warning] = server.warnings
    assert "It added mstrio-py" in warning


def test_lost_create_found_without_delay():
    """A lost create is not looked for any longer than it takes to find it."""
    server = Server()
    server.alter = lambda fields: fields.update(description="cut")
    server.fail("POST", lost(), done=True)
    outcome(server, NEW)
    assert server.pauses == [0.25]
    assert server.requests == ["GET /runtimes", "POST /runtimes", "GET /runtimes"], "what was found is not read again"


def test_late_create_whose_repeat_refused():
    """A create done after the checks and refused the second time is created too."""
    server = Server()
    server.alter = lambda fields: fields.update(description="cut")
    server.fail("POST", lost())
    server.fail("POST", meanwhile=lambda: server.add({"name": "r"}))
    assert outcome(server, NEW).action == "created"
    [warning] = server.warnings
    assert "description" in warning
    assert server.writes == ["POST /runtimes"] * 2
    reads = ["GET /runtimes", f"GET /runtimes/{server.id}"]
    assert server.requests[-3:] == ["POST /runtimes", *reads], "what was found is not read again"


def test_lost_delete_counts_as_done_if_another_play_reused_name():
    server = Server(stored())
    server.fail("DELETE", lost(), done=True, meanwhile=lambda: server.add({"name": "r"}))
    done = outcome(server, ABSENT)
    assert (done.action, done.id) == ("deleted", ID)
    assert server.names == ["r"]
    assert len(server.writes) == 1


def test_lost_update_dropped_unknown_key_found_and_warned_of():
    server = Server(stored(resource={"cpu": "0.2", "mem": 512, "gpu": 1}))
    server.fail("PATCH", lost(), done=True)
    assert outcome(server, wanted(resource={"mem": 1024})).action == "updated"
    [warning] = server.warnings
    assert "resource.gpu" in warning


# A runtime that the list hides


@pytest.mark.parametrize("action", ["created", "updated"])
def test_runtime_missing_in_list_found_by_id(action):
    server = Server(*([stored()] if action == "updated" else []))

    server.fail("POST" if action == "created" else "PATCH", meanwhile=lambda: server.switch(list_hides="r"))
    definition = wanted("r", id=ID, description="new") if action == "updated" else NEW
    done = outcome(server, definition)
    assert (done.action, done.runtime.values["description"]) == (action, "new")


# Names that differ only in case


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("present", "Runtime 'nightly' is new, but 'NIGHTLY' and 'Nightly ' exist: the names differ only in case, "),
        ("absent", "Runtime 'nightly' does not exist, so nothing is deleted, but 'NIGHTLY' and 'Nightly ' exist: "),
    ],
)
def test_names_differ_only_in_case_or_whitespace_warning(state, words, check_mode):
    server = Server(stored(name="Nightly "), stored(name="NIGHTLY", id=OTHER_ID), stored(name="Other", id="C" * 32))
    outcome(server, wanted("nightly", state=state), check_mode=check_mode)
    [warning] = server.warnings
    assert warning.startswith(words)
    assert warning.endswith("Check the spelling.")


def test_exact_name_causes_no_warning_about_similar_names():
    server = Server(stored(), stored(name="R", id=OTHER_ID))
    outcome(server, NEW)
    outcome(server, ABSENT)
    assert server.warnings == []
    outcome(server, wanted("r"))
    [warning] = server.warnings
    assert warning.startswith("Runtime 'r' is new, but 'R' exists: ")
