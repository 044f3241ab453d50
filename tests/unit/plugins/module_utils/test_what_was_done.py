"""What a task reports is what the server did: what was not read is unknown, and no response is believed unseen."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Interrupted
from ansible_collections.mstr.library.plugins.module_utils._work.api import Waiting
from unit.support.make import lost, refusal, stored
from unit.support.many import LIST, A, B, D, actions, holding, message, run, waits

BROKEN = [{"name": "x", "status": "not_installed"}]
UPDATE = {"name": "a", "others": "x"}
GONE = refusal(404, "ERR004", "no such object")
OUTAGES = [refusal(503), lost("GET /api/x")]


@pytest.mark.parametrize("omitted", ["packages", "status", "packages,status"])
@pytest.mark.parametrize(("names", "purge"), [("a", False), ("ab", False), ("a", True)])
def test_ready_needs_a_look(omitted, names, purge):
    """A runtime with a package that could not be installed is not ready, whatever the list leaves out."""
    have = holding(a={"id": A, "packages": BROKEN}, b=B)
    have.switch(list_omits=omitted)
    text = message(have, *({"name": name} for name in names), purge=purge, **waits(have))
    assert "1 package could not be installed: x" in text
    assert set(have.runtimes) == {A, B}
    # Awaited fields in the list cost no read.
    have = holding(a=A, b=B)
    run(have, {"name": "a"}, {"name": "b"}, **waits(have))
    assert have.requests == [LIST]


def answering_a_create(answered, ignores=None):
    have = holding(a=A)
    have.ignores = ignores
    have.change_answer("POST /runtimes", lambda data: answered)
    return have


@pytest.mark.parametrize("answered", [{"id": A}, {"id": A.lower()}, {}, None])
def test_create_is_looked_up_by_name(answered):
    """A response with the id of a different runtime, or without one, does not say which runtime was created."""
    have = answering_a_create(answered)
    result = run(have, {"name": "new"}, {"name": "a"})
    [created] = set(have.runtimes) - {A}
    assert [row["id"] for row in result["runtimes"]] == [created, A]
    assert actions(result)[0] == ("new", "created")
    assert (have.writes, have.warnings) == (["POST /runtimes"], [])


@pytest.mark.parametrize(
    ("answered", "why", "writes"),
    [
        *((answered, "the runtime is still not created", 2) for answered in ({}, None, {"id": A})),
        ({"id": D}, f"The server reported 'new' ({D}) as created, but does not show it", 1),
    ],
)
def test_create_without_effect(answered, why, writes):
    have = answering_a_create(answered, ignores="POST")
    result = run(have, {"name": "new"}, retries=1)
    assert (actions(result)[0], result["changed"]) == (("new", "failed"), False)
    assert why in result["msg"]
    assert have.writes == ["POST /runtimes"] * writes


@pytest.mark.parametrize("wait", [True, False])
def test_update_without_effect_fails(wait):
    have = holding(a=A)
    have.ignores = "PATCH"
    result = run(have, UPDATE, **(waits(have) if wait else {}))
    assert actions(result) == [("a", "failed")]
    assert "the server answered 204 but changed nothing (others)" in result["msg"]
    assert (result["changed"], result["error"]["http_status"]) == (False, 204)
    assert result["runtimes"][0]["changes"] == []


def test_lost_update_of_a_different_runtime():
    """The runtime was renamed, and a different one has its name and the values that were asked for."""
    have = holding(a=A, b={"id": B, "others": "x"})

    def swap():
        have.runtimes[A]["name"], have.runtimes[B]["name"] = "z", "a"

    have.fail("PATCH", lost("PATCH /api/x"), meanwhile=swap)
    result = run(have, UPDATE)
    assert actions(result) == [("a", "unknown")]
    assert f"'a' ({A}) was renamed or deleted meanwhile, and 'a' ({B}) has its name" in result["msg"]


@pytest.mark.parametrize(
    "entries", [[{"id": A, "state": "absent"}], [{"id": A, "others": "x"}], [UPDATE, {"name": "b"}]]
)
def test_list_has_the_last_word_on_an_id(entries):
    have = holding(a=A, b=B)
    have.refusals[f"GET /runtimes/{A}"] = refusal(404, "ERR004", "not found")
    assert "the server lists it, but answers that it does not exist" in message(have, *entries)
    assert have.writes == []


def test_signal_during_the_second_look_up():
    """It keeps the result."""
    have = holding(a=A, R=B).seed_scripts(load=A)
    signal = {"GET /projects": Interrupted("Stopped by signal SIGTERM")}
    have.fail("PATCH", meanwhile=lambda: have.refusals.update(signal))
    result = run(have, UPDATE, purge=True, protect=True)
    assert actions(result) == [("a", "updated"), ("R", "failed")]
    assert "Stopped by signal SIGTERM" in result["msg"]
    assert B in have.runtimes


def test_update_in_part_shows_what_is_true():
    have = holding(a={"id": A, "version": "1"})
    have.alter = lambda entry: entry.update(others="", execTimeout=90, version="2")
    result = run(have, {**UPDATE, "exec_timeout": 60, "description": "d"})
    assert actions(result) == [("a", "updated")]
    assert result["runtimes"][0]["changes"] == [
        {"field": "description", "before": "", "after": "d"},
        {"field": "exec_timeout", "before": 600, "after": 90},
    ]
    assert (result["diff"][0]["after"]["others"], len(have.warnings)) == ("", 2)
    # A new version alone is an effect.
    have.alter = lambda entry: entry.update(others="", version="3")
    result = run(have, UPDATE)
    assert (actions(result), result["runtimes"][0]["changes"]) == ([("a", "updated")], [])


def edited(have, **fields):
    """The server, on which somebody edits `a` after the plan."""
    have.fail("GET", turn=2, meanwhile=lambda: have.runtimes[A].update(**fields, version="other"))
    return have


def test_managed_field_that_changed_meanwhile():
    """It is planned again, unless a plan was approved."""
    have = holding(a=A, b=B)
    entries = [UPDATE, {"name": "b", "others": "x"}]
    identity = run(have, *entries, check_mode=True)["plan_id"]
    result = run(edited(have, others="theirs"), *entries, plan_id=identity)
    assert actions(result) == [("a", "failed"), ("b", "updated")]
    assert "changed while the approved plan was carried out" in result["msg"]
    assert have.runtimes[A]["others"] == "theirs"
    [change] = run(edited(have, others="others"), *entries)["runtimes"][0]["changes"]
    assert change == {"field": "others", "before": "others", "after": "x"}


def test_renamed_meanwhile_is_left_alone():
    have = edited(holding(a=A, b=B), name="theirs")
    assert f"'a' ({A}) was renamed to 'theirs' after the plan was made" in message(have, UPDATE, {"name": "b"})
    assert have.writes == []


@pytest.mark.parametrize(
    ("method", "entry", "effect", "action"),
    [
        ("PATCH", UPDATE, lambda have: have.runtimes[A].update(others="x"), "updated"),
        ("DELETE", {"name": "a", "state": "absent"}, lambda have: have.runtimes.pop(A), "deleted"),
    ],
)
@pytest.mark.parametrize("moments", [1, 3])
def test_effect_that_is_seen_later(method, entry, effect, action, moments):
    """What a list or an object shows for a moment proves nothing."""
    have = holding(a=A, b=B)
    have.ignores = method

    def pause(seconds):
        have.pauses.append(seconds)
        if len(have.pauses) == moments:
            effect(have)

    result = run(have, entry, {"name": "b"}, pause=pause)
    assert (actions(result)[0], len(have.writes)) == (("a", action), 1)
    assert len(have.pauses) == moments


def test_create_that_is_seen_later():
    have = holding(b=B)
    have.switch(list_hides="a")
    have.fail("GET", refusal(404, "ERR004", "not found"), turn=3)
    result = run(have, {"name": "a"}, {"name": "b"}, pause=lambda seconds: have.switch(list_hides=""))
    assert (actions(result), len(have.writes), have.warnings) == ([("a", "created"), ("b", "none")], 1, [])


RENAME = {"name": "c", "previous_names": ["a"], "others": "x"}


@pytest.mark.parametrize(
    ("entry", "call", "trouble", "action"),
    [
        *((entry, f"GET /runtimes/{A}", GONE, "updated") for entry in (UPDATE, RENAME)),
        *((UPDATE, f"GET /runtimes/{A}", outage, "updated") for outage in OUTAGES),
        *(({"name": "new"}, LIST, outage, "created") for outage in OUTAGES),
    ],
)
def test_read_that_fails_for_a_moment_after_a_write(entry, call, trouble, action):
    """It is repeated for some seconds, as that of a create which the server does not show yet."""
    have = holding(a=A, b=B)
    have.switch(list_omits="others")
    have.fail("POST" if action == "created" else "PATCH", meanwhile=lambda: have.refusals.update({call: trouble}))

    def pause(seconds):
        have.pauses.append(seconds)
        if len(have.pauses) == 2:
            have.refusals.clear()

    result = run(have, entry, pause=pause, retries=0)
    assert (actions(result), result["runtimes"][0]["error"]) == ([(entry["name"], action)], None)
    assert have.pauses == [0.25, 0.5]


@pytest.mark.parametrize("waiting", [{}, {"waits": True, "waiting": Waiting(3, 1.0)}], ids=["no wait", "wait"])
def test_outage_after_a_write_is_not_retried_twice(waiting):
    """With retries, the session has repeated the read. A wait goes on by itself."""
    have = holding(a=A, b=B)
    have.fail("PATCH", meanwhile=lambda: have.refusals.update({f"GET /runtimes/{A}": refusal(503)}))
    result = run(have, UPDATE, retries=3, **waiting)
    assert result["runtimes"][0]["action"] == "updated"
    assert "503" in result["msg"]
    assert not {0.25, 0.5} & set(have.pauses)


def test_refusal_concerns_what_is_purged():
    """Of what else a task deletes, a refusal just before says nothing."""
    have = holding(a=A, gone=B, d=D)
    have.fail("PATCH", meanwhile=lambda: have.add(stored(id="E" * 32, name="e")))
    have.fail("GET", turn=4, meanwhile=lambda: have.switch(list_hides="(Default) MicroStrategy"))
    result = run(have, UPDATE, {"name": "gone", "state": "absent"}, purge=True)
    assert ("gone", "deleted") in actions(result)
    assert "d" in have.names
    assert "was not deleted, because something changed after the plan was made: purge is refused" in result["msg"]
