# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes whose response is lost. The module finds out whether the server did the work before it repeats the request."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from simulator.harness import Simulator
from simulator.profiles import PROFILES
from support.modules import run, runtime

from faults.inprocess import session

OPERATIONS: dict[str, dict[str, Any]] = {
    "create": {"name": "New", "exec_timeout": 60},
    "update": {"name": "Old", "exec_timeout": 60},
    "delete": {"name": "Old", "state": "absent"},
}
ACTIONS = {"create": "created", "update": "updated", "delete": "deleted"}
METHODS = {"create": "POST", "update": "PATCH", "delete": "DELETE"}

OK = "HTTP/1.1 200 OK\r\n"

# The server does the work, but its response is lost. If it does the work later, the pauses take real time.
DONE: dict[str, tuple[float, dict[str, Any]]] = {
    "closed": (0, {"kind": "close_after"}),
    "reset": (0, {"kind": "close_after", "reset": True}),
    "page 502 at once, done later": (1, {"kind": "late_work", "status": 502, "after": 0.4}),
    "page 504 at once, done later": (1, {"kind": "late_work", "status": 504, "after": 0.4}),
    "empty 502 at once, done later": (1, {"kind": "late_work", "status": 502, "after": 0.4, "body": ""}),
    "timeout after the work": (0, {"kind": "slow", "seconds": 1.0, "when": "after"}),
    "timeout before the work": (1, {"kind": "slow", "seconds": 0.5, "when": "before"}),
    "page 502": (0, {"kind": "html", "status": 502, "work": "before"}),
    "empty 500": (0, {"kind": "status", "status": 500, "work": "before"}),
    "error of the API, 500": (0, {"kind": "error", "status": 500, "work": "before"}),
    "page with a yes": (0, {"kind": "html", "status": 200, "work": "before"}),
    "broken JSON with a yes": (0, {"kind": "broken_json", "work": "before"}),
    "two lengths": (0, {"kind": "garbled"}),
    "a negative chunk": (0, {"kind": "garbled", "text": f"{OK}Transfer-Encoding: chunked\r\n\r\n-5\r\nx\r\n"}),
    "a status of words": (0, {"kind": "garbled", "text": "HTTP/1.1 two hundred\r\n\r\n"}),
    "no HTTP": (0, {"kind": "garbled", "text": "\0\xff\x15\x03\r\n\r\n"}),
    "five hundred headers": (0, {"kind": "garbled", "text": OK + "a: b\r\n" * 500 + "\r\n"}),
    "packed twice": (0, {"kind": "garbled", "text": f"{OK}Content-Encoding: gzip, gzip\r\n\r\nx"}),
}
# The server does not do the work, and the response does not show that.
NOT_DONE: dict[str, dict[str, Any]] = {
    "closed": {"kind": "close_before"},
    "reset": {"kind": "close_before", "reset": True},
    "hang": {"kind": "hang"},
    "page 502": {"kind": "html", "status": 502},
    "page 504": {"kind": "html", "status": 504},
    "unavailable": {"kind": "unavailable"},
    "empty 500": {"kind": "status", "status": 500},
    "error of the API, 500": {"kind": "error", "status": 500},
}
TIMEOUT = {"timeout": 0.3}


@pytest.fixture
def server(sim: Simulator) -> Simulator:
    sim.seed({"name": "Old", "execTimeout": 600, "whitelist": []})
    return sim


def writes(server: Simulator) -> list[str]:
    return [entry["method"] for entry in server.requests(path="/runtimes") if entry["method"] != "GET"]


def is_done(server: Simulator, operation: str) -> None:
    """Check that the server did the operation exactly once."""
    found = [(one["name"], one.get("execTimeout")) for one in server.runtimes()]
    expected = {"create": [("Old", 600), ("New", 60)], "update": [("Old", 60)], "delete": []}
    assert found == expected[operation]


@pytest.mark.parametrize("retries", [0, 3])
@pytest.mark.parametrize("fault", DONE)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_write_that_the_server_did_is_found_and_not_repeated(
    server: Simulator, operation: str, fault: str, retries: int
) -> None:
    """This holds for `retries: 0` too: the module checks the result without repeating the request."""
    scale, order = DONE[fault]
    server.fault(operation=operation, **order)
    with session(server, scale, retries=retries, **TIMEOUT) as one:
        outcome = one.ensure(**OPERATIONS[operation])
    assert outcome.action == ACTIONS[operation]
    assert writes(server) == [METHODS[operation]], "sent once"
    is_done(server, operation)
    if operation != "delete":
        assert outcome.id == server.runtime(OPERATIONS[operation]["name"])["id"]
        assert outcome.runtime
        assert outcome.runtime.values["exec_timeout"] == 60
    assert one.warnings == []
    assert server.open_sessions() == []


@pytest.mark.parametrize("fault", NOT_DONE)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_write_that_the_server_did_not_do_is_repeated(server: Simulator, operation: str, fault: str) -> None:
    server.fault(operation=operation, **NOT_DONE[fault])
    with session(server, **TIMEOUT) as one:
        outcome = one.ensure(**OPERATIONS[operation])
    assert outcome.action == ACTIONS[operation]
    assert writes(server) == [METHODS[operation]] * 2
    is_done(server, operation)


@pytest.mark.parametrize("fault", ["closed", "page 502"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_without_retries_a_lost_write_fails_and_reports_that_it_was_not_done(
    server: Simulator, operation: str, fault: str
) -> None:
    server.fault(operation=operation, **NOT_DONE[fault])
    with session(server, retries=0) as one, pytest.raises(MstrError) as failed:
        one.ensure(**OPERATIONS[operation])
    assert writes(server) == [METHODS[operation]]
    assert sum(one.pauses.seconds) > 5, "it checks for some seconds"
    not_done = (
        f"After 7.75 seconds of checking, the runtime is still not {ACTIONS[operation]}. The request was not sent"
    )
    assert not_done in failed.value.sentence
    assert [name["name"] for name in server.runtimes()] == ["Old"]
    assert server.open_sessions() == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_write_that_is_lost_twice_is_done_once(server: Simulator, operation: str) -> None:
    server.fault("close_before", operation=operation, times=1)
    server.fault("close_after", operation=operation, times=1)
    with session(server) as one:
        outcome = one.ensure(**OPERATIONS[operation])
    assert outcome.action == ACTIONS[operation]
    assert writes(server) == [METHODS[operation]] * 2
    is_done(server, operation)


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_write_that_is_always_lost_is_repeated_as_often_as_retries_allows(server: Simulator, retries: int) -> None:
    server.fault("close_before", operation="create", times=None)
    with session(server, retries=retries) as one, pytest.raises(MstrError, match="retries are used up"):
        one.ensure(**OPERATIONS["create"])
    assert writes(server) == ["POST"] * (retries + 1)


def test_a_create_that_is_done_after_the_last_check_counts_as_created(server: Simulator) -> None:
    """The server does the first create while the second waits, and then rejects the second. One runtime exists."""
    server.fault("late_work", operation="create", after=0.8)
    server.fault("slow", operation="create", seconds=1.5, when="before")
    with session(server, 0.02) as one:
        outcome = one.ensure(**OPERATIONS["create"])
    assert writes(server) == ["POST", "POST"]
    assert outcome.action == "created"
    assert outcome.id == server.runtime("New")["id"]


def test_a_second_runtime_after_a_late_create_causes_a_warning(server: Simulator) -> None:
    """If the server allows duplicates and does a lost create after the last check, two runtimes cannot be prevented."""
    server.reset(duplicate_names="allow")
    server.fault("late_work", operation="create", after=0.8)
    server.fault("slow", operation="create", seconds=1.5, when="before")
    with session(server, 0.02) as one:
        assert one.ensure(**OPERATIONS["create"]).action == "created"
    [warning] = one.warnings
    assert [runtime["id"] in warning for runtime in server.runtimes()] == [True, True]
    assert "or a lost response made this task create two. Delete one by its id." in warning


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("retries", [0, 3])
def test_a_lost_create_that_is_stored_with_a_difference_causes_a_warning(
    server: Simulator, profile: str, retries: int
) -> None:
    """A found runtime counts as created. The difference is a warning, and there is no second write."""
    server.reset(profile, mstrio_py_added="always")
    server.fault("close_after", operation="create")
    with session(server, retries=retries) as one:
        outcome = one.ensure(name="New", exec_timeout=60, packages=[{"name": "pandas"}])
    assert outcome.action == "created"
    assert writes(server) == ["POST"]
    assert one.pauses.seconds == [0.25], "it is found at the first check"
    [warning] = one.warnings
    assert "mstrio-py" in warning


@pytest.mark.parametrize("profile", PROFILES)
def test_a_runtime_that_the_list_hides_is_updated_by_its_id(server: Simulator, profile: str) -> None:
    server.reset(profile, list_hides="Hidden")
    [identity] = server.seed({"name": "Hidden", "execTimeout": 600})
    entries = [{"id": identity, "exec_timeout": 60}, {"name": "New", "exec_timeout": 60}]
    done = run("mstr_runtimes", server, runtimes=entries)
    assert (done.status, done.result["summary"]["failed"]) == (0, 0)
    assert [one["action"] for one in done.result["runtimes"]] == ["updated", "created"]
    assert done.result["runtimes"][0]["runtime"]["exec_timeout"] == 60


def test_an_ambiguous_name_fails_before_any_write(server: Simulator) -> None:
    ids = server.seed({"name": "Old"})
    with session(server) as one, pytest.raises(MstrError, match="2 runtimes have the name 'Old'") as failed:
        one.ensure(**OPERATIONS["update"])
    assert ids[0] in failed.value.sentence
    assert writes(server) == []


def test_a_lost_create_is_unknown_if_a_different_play_created_the_same_name(server: Simulator) -> None:
    """The task fails and reports what is known and what to check."""
    server.reset(duplicate_names="allow")
    server.fault("close_after", operation="create")
    with session(server) as one:
        one.pauses.meanwhile = lambda: server.seed({"name": "New"})
        with pytest.raises(MstrError) as failed:
            one.ensure(**OPERATIONS["create"])
    sentence = failed.value.sentence
    assert "2 runtimes have the name 'New'" in sentence
    assert [runtime["id"] in sentence for runtime in server.runtimes()] == [True, True]
    assert "may or may not have been created" in sentence
    assert writes(server) == ["POST"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_lost_write_that_cannot_be_checked_is_reported_as_unknown(server: Simulator, operation: str) -> None:
    server.fault("close_after", operation=operation)
    # Before a delete, the list is read once more.
    server.fault("html", operation="list", status=500, skip=2 if operation == "delete" else 1, times=None)
    with session(server) as one, pytest.raises(MstrError) as failed:
        one.ensure(**OPERATIONS[operation])
    assert "could not find out what the server did" in failed.value.sentence
    assert f"may or may not have been {ACTIONS[operation]}; check it before the next run" in failed.value.sentence
    assert writes(server) == [METHODS[operation]]


@pytest.mark.parametrize("operation", ["update", "delete"])
def test_a_lost_write_by_id_is_found(server: Simulator, operation: str) -> None:
    server.fault("close_after", operation=operation)
    options = {key: value for key, value in OPERATIONS[operation].items() if key != "name"}
    with session(server) as one:
        outcome = one.ensure(id=server.runtime("Old")["id"], **options)
    assert outcome.action == ACTIONS[operation]
    assert writes(server) == [METHODS[operation]]


def test_a_lost_rename_is_found(server: Simulator) -> None:
    server.fault("close_after", operation="update")
    with session(server) as one:
        outcome = one.ensure(id=server.runtime("Old")["id"], name="Renamed")
    assert (outcome.action, outcome.runtime and outcome.runtime.name) == ("updated", "Renamed")
    assert writes(server) == ["PATCH"]


# --- the same with whole modules


def test_mstr_runtime_reports_a_create_whose_response_was_lost(server: Simulator) -> None:
    server.fault("late_work", operation="create", after=1.0)
    done = runtime(server, **OPERATIONS["create"])
    assert (done.status, done.result["changed"], done.result["action"]) == (0, True, "created")
    assert done.result["id"] == server.runtime("New")["id"] == done.result["runtime"]["id"]
    assert writes(server) == ["POST"]
    assert server.open_sessions() == []
    assert runtime(server, **OPERATIONS["create"]).result["action"] == "none"


def test_mstr_runtime_fails_in_one_sentence_if_the_outcome_is_unknown(server: Simulator) -> None:
    server.fault("close_after", operation="create")
    server.fault("error", operation="list", status=500, skip=1, times=None)
    done = runtime(server, **OPERATIONS["create"])
    assert "may or may not have been created" in done.sentence
    assert done.result["error"]["request"] == "POST /api/runtimes"
    assert server.open_sessions() == []


def test_mstr_runtimes_creates_each_runtime_once(server: Simulator) -> None:
    server.fault("close_after", operation="create", times=2)
    server.fault("late_work", operation="update", after=0.3)
    server.fault("close_after", operation="delete")
    server.seed({"name": "Leaves", "execTimeout": 600, "whitelist": []})
    wanted = [
        *({"name": f"New {number}", "exec_timeout": 60} for number in range(3)),
        {"name": "Old", "exec_timeout": 60},
        {"name": "Leaves", "state": "absent"},
    ]
    done = run("mstr_runtimes", server, runtimes=wanted)
    assert done.result.get("summary") == {"created": 3, "updated": 1, "deleted": 1, "unchanged": 0, "failed": 0}, done
    assert sorted(one["name"] for one in server.runtimes()) == ["New 0", "New 1", "New 2", "Old"]
    assert sorted(writes(server)) == ["DELETE", "PATCH", "POST", "POST", "POST"]
    assert server.open_sessions() == []
