from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError, MstrError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from hypothesis import assume, example, given
from hypothesis import strategies as st
from unit.support.make import DEFAULT_ID, ID, OTHER_ID, error_of, lost, refusal, stopped, stored, wanted
from unit.support.many import LIST
from unit.support.server import Server
from unit.support.strategies import OBJECTS, OPTIONS

RESULT_KEYS = {"changed", "msg", "id", "action", "changed_fields", "changes", "runtime", "diff", "plan_id"}
READ, PATCH, DELETE = f"GET /runtimes/{ID}", f"PATCH /runtimes/{ID}", f"DELETE /runtimes/{ID}"
ABSENT = wanted(state="absent")
NEW = wanted(description="new")
WRITES = {"POST": (NEW, "created"), "PATCH": (NEW, "updated"), "DELETE": (ABSENT, "deleted")}
READS = {"POST": 1, "PATCH": 1, "DELETE": 3}  # before the write
LOST_WAYS = {"closed": lost(), "502": refusal(502), "500": refusal(500, "ERR001", "oops")}
TWICE = stored(packages=[{"name": "pandas"}, {"name": "pandas"}])
DESCRIBED = {"name": "r", "packages": [{"name": "pandas", "description": "d"}], "purge_packages": False}
GONE = refusal(404, "ERR004", "no such object")


def outcome(server, definition, **how):
    """The result, which has the same keys for every outcome."""
    done = server.ensure(definition, **how)
    assert set(done) == RESULT_KEYS
    return done


def holding_for(method):
    return Server(*([] if method == "POST" else [stored()]))


def test_create():
    server = Server(runtime_status="stays_unknown")
    done = outcome(server, NEW)
    assert (done["action"], done["id"], done["runtime"]["status"]) == ("created", server.id, "unknown")
    assert server.requests == [LIST, "POST /runtimes", LIST]
    assert (done["diff"]["before"], done["diff"]["after"]) == ({}, {"name": "r", "description": "new"})


def test_update():
    server = Server(stored())
    done = outcome(server, wanted(description="new", journal_comment="why"))
    assert (done["action"], done["id"], done["changed_fields"]) == ("updated", ID, ["description"])
    assert server.requests == [LIST, PATCH, READ]
    assert server.sent == [{"name": "r", "description": "new", "changeJournal": {"userComments": "why"}}]


def test_delete():
    server = Server(stored())
    done = outcome(server, wanted(state="absent", journal_comment="why"))
    assert (done["action"], done["id"], done["diff"]["before"]["name"], done["diff"]["after"]) == (
        "deleted",
        ID,
        "r",
        {},
    )
    assert (server.requests, server.params) == ([LIST, LIST, READ, DELETE, LIST], [{"userComments": "why"}])


@pytest.mark.parametrize(
    ("held", "definition", "action"),
    [
        (ID, wanted(), "none"),
        (ID, wanted(None, id=ID), "none"),
        (None, ABSENT, "none"),
        # Of name and id, the id counts. The default runtime may be changed.
        (OTHER_ID, wanted(id=ID, state="absent"), "none"),
        (ID, wanted("another", id=ID, state="absent"), "deleted"),
        (DEFAULT_ID, wanted(None, id=DEFAULT_ID, description="d"), "updated"),
    ],
)
def test_what_is_meant(held, definition, action):
    server = Server(*([stored(id=held)] if held else []))
    done = outcome(server, definition)
    assert (done["action"], done["runtime"] is None) == (action, definition.state == "absent" and action == "none")
    assert (action, held) != ("none", ID) or server.requests == [READ if definition.id else LIST]


@given(st.none() | OBJECTS, OPTIONS, st.sampled_from(["present", "absent"]))
@example(TWICE, DESCRIBED, "present")
def test_check_mode_predicts_and_once_is_enough(data, options, state):
    definition = definition_from({**options, "state": state})
    server = Server(*([data] if data else []))
    predicted = outcome(server, definition, check_mode=True)
    assert server.writes == []
    try:
        done = outcome(server, definition)
    except MstrError as exc:  # a server may hold what it does not accept: an example that sends it back is skipped
        assume(data is None or (exc.error or {}).get("http_status") != 400)
        raise
    for key in ("changed", "action", "changed_fields", "changes"):
        assert predicted[key] == done[key]
    assert [predicted["diff"][key] for key in ("before", "after")] == [done["diff"][key] for key in ("before", "after")]
    for name in {*definition.values} - {"whitelist", "packages"} if state == "present" else ():
        assert (predicted["runtime"][name] or "") == (done["runtime"][name] or "")
    assert predicted["id"] == (done["id"] if data else None)
    assert server.warnings == []
    assert outcome(server, definition)["action"] == "none"
    assert len(server.writes) == (done["action"] != "none")


@pytest.mark.parametrize("error", LOST_WAYS)
@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize(
    ("method", "definition", "action"),
    [
        ("POST", NEW, "created"),
        ("PATCH", NEW, "updated"),
        ("PATCH", wanted(None, id=ID, description="new"), "updated"),
        ("PATCH", wanted("renamed", id=ID), "updated"),
        ("DELETE", ABSENT, "deleted"),
        ("DELETE", wanted(None, id=ID, state="absent"), "deleted"),
    ],
)
def test_lost_write_is_done_once(error, is_done, method, definition, action):
    server = holding_for(method)
    server.fail(method, LOST_WAYS[error], done=is_done)
    done = outcome(server, definition)
    assert (done["action"], done["id"]) == (action, server.id if method == "POST" else ID)
    assert len(server.writes) == (1 if is_done else 2)
    assert len(server.pauses) == 1 or not is_done or error != "500", "an error of the server itself is looked up once"
    assert done["runtime"]["name"] == (definition.name or "r")
    assert outcome(server, definition)["changed"] is False


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("retries", [0, 2])
def test_retries_of_a_lost_write(retries, method):
    definition, action = WRITES[method]
    server = holding_for(method)
    before = list(server.names)
    server.fail(method, lost(), times=9)
    sentence = error_of(server.ensure, definition, retries=retries).sentence
    assert f"After 7.75 seconds of checking, the runtime is still not {action}. The" in sentence
    assert "retries are used up" in sentence
    assert sum(server.pauses) == 7.75 * (1 + retries)
    assert (len(server.writes), server.names) == (1 + retries, before)


@pytest.mark.parametrize("trouble", [GONE, refusal(503)], ids=["404", "503"])
@pytest.mark.parametrize("definition", [NEW, wanted(None, id=ID, description="new")], ids=["by name", "by id"])
def test_look_that_fails_for_a_moment(trouble, definition):
    """After a lost response, it is repeated."""
    server = Server(stored())
    server.switch(list_omits="description")
    server.fail("PATCH", lost(), done=True, meanwhile=lambda: server.refusals.update({READ: trouble}))

    def pause(seconds):
        server.pauses.append(seconds)
        if len(server.pauses) == 2:
            server.refusals.clear()

    done = outcome(server, definition, retries=0, pause=pause)
    assert (done["action"], server.pauses, len(server.writes)) == ("updated", [0.25, 0.5], 1)


@pytest.mark.parametrize("method", WRITES)
def test_unknown_result_says_what_to_check(method):
    definition, action = WRITES[method]
    server = holding_for(method)
    server.fail(method, lost())
    server.fail("GET", lost("GET /api/runtimes"), turn=READS[method] + 1)
    result = error_of(server.ensure, definition).to_result()
    assert (result["action"], result["changed"]) == ("unknown", True)
    assert "could not find out what the server did" in result["msg"]
    assert f"The runtime 'r' may or may not have been {action}; check it" in result["msg"]
    assert result["error"]["request"] == "POST /api/runtimes"
    assert len(server.writes) == 1


@pytest.mark.parametrize(
    "error", [refusal(400, "ERR006", "no"), refusal(403), ConnectError("x", request="x", connection_refused=True)]
)
def test_clear_no_is_not_repeated(error):
    server = Server()
    server.fail("POST", error)
    assert error_of(server.ensure, NEW) is error
    assert (len(server.writes), server.pauses) == (1, [])


@pytest.mark.parametrize("retries", [0, 3])
@pytest.mark.parametrize("late", [False, True])
def test_lost_create_that_differs(retries, late):
    """It is created all the same, and differences are warnings."""
    server = Server(mstrio_py_added="always")
    server.fail("POST", lost(), done=True, late=late)
    done = outcome(server, wanted(packages=[{"name": "a"}]), retries=retries)
    assert (done["action"], done["id"]) == ("created", server.id)
    assert server.writes == ["POST /runtimes"], "never a second write"
    assert late or (server.pauses, server.requests[2:]) == ([0.25], [LIST]), "what was found is not read again"
    [warning] = server.warnings
    assert "It added mstrio-py" in warning


def test_late_create_whose_repeat_is_refused():
    """The name is taken by the task's own create."""
    server = Server()
    server.alter = lambda fields: fields.update(description="cut")
    server.fail("POST", lost())
    server.fail("POST", meanwhile=lambda: server.add({"name": "r"}))
    assert outcome(server, NEW)["action"] == "created"
    assert server.writes == ["POST /runtimes"] * 2


def test_lost_create_and_an_incomplete_list():
    """The list does not prove that nothing was created."""
    server = Server()
    server.fail("POST", lost(), done=True)
    server.switch(list_hides=["r", "(Default) MicroStrategy"])
    assert "could not find out what the server did" in error_of(server.ensure, NEW).sentence
    assert server.writes == ["POST /runtimes"]


@pytest.mark.parametrize(("description", "action"), [("new", "none"), ("", "updated")])
def test_slower_of_two_plays(description, action):
    server = Server()
    server.fail("POST", meanwhile=lambda: server.add({"name": "r", "description": description}))
    done = outcome(server, NEW)
    assert (done["action"], done["id"], server.names) == (action, server.id, ["r"])
    assert server.runtimes[server.id]["description"] == "new"


def test_server_that_allows_duplicates():
    server = Server(duplicate_names="allow")
    server.fail("POST", meanwhile=lambda: server.add({"name": "r"}))
    done = outcome(server, NEW)
    first, second = server.runtimes
    assert (done["action"], done["id"]) == ("created", second)
    [warning] = server.warnings
    assert (first in warning, second in warning) == (True, True)
    assert "response made this task create two. Rename or delete one by its id." in warning


def test_taken_name_that_is_not_listed():
    server = Server()
    server.fail("POST", refusal(400, "ERR015", "exists"))
    hidden = "The name is taken. If no list shows a runtime with it, an ACL may hide it"
    assert hidden in error_of(server.ensure, NEW).sentence


@pytest.mark.parametrize(
    ("method", "trouble", "why"),
    [
        ("POST", lost("GET /api/runtimes"), "Could not do it"),
        ("PATCH", refusal(403), "Could not do it"),
        ("PATCH", GONE, f"the server no longer shows the runtime 'r' ({ID})"),
        ("DELETE", refusal(500), "Could not do it"),
    ],
)
def test_written_but_not_read_again(method, trouble, why):
    server, (definition, done) = holding_for(method), WRITES[method]
    server.fail("GET", trouble, turn=READS[method] + 1, times=6)
    result = error_of(server.ensure, definition).to_result()
    assert set(result) == RESULT_KEYS | {"error"}
    assert (result["changed"], result["action"]) == (True, done)
    assert result["msg"].startswith(f"The runtime 'r' was {done}, but could not be read again: {why}")


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("in_flight", [True, False])
def test_signal_in_flight_or_before(method, in_flight):
    """What was on its way may have been done; what was never sent was not."""
    definition, done = WRITES[method]
    server = holding_for(method)
    server.fail(method, stopped(in_flight))
    result = error_of(server.ensure, definition).to_result()
    was = f"while the runtime 'r' was being {done}. It may or may not have been {done}; check it"
    why = f" {was}." if in_flight else f". The runtime 'r' was not {done}."
    assert result["msg"] == f"Stopped by signal SIGTERM{why}"
    assert (result.get("action"), result.get("changed")) == (("unknown", True) if in_flight else (None, None))
    assert len(server.writes) == 1


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("present", "Runtime 'nightly' is new, but its name differs only in case, "),
        ("absent", "Runtime 'nightly' does not exist, so nothing is deleted, but its name differs only in "),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_names_that_are_only_alike(state, words, check_mode):
    server = Server(stored(name="Nightly "), stored(name="NIGHTLY", id=OTHER_ID), stored(name="Other", id="C" * 32))
    outcome(server, wanted("nightly", state=state), check_mode=check_mode)
    [warning] = server.warnings
    assert warning.startswith(words)
    assert warning.endswith(" from 'NIGHTLY' and 'Nightly '. Check the spelling.")
