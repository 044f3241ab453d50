"""A replacement: its one way, and what fails before and after its commit."""

from __future__ import annotations

import re
from datetime import date

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.policy import policy_from
from unit.support.make import lost, refusal, stopped, stored
from unit.support.many import (
    BESIDE,
    NO,
    UPGRADE,
    A,
    B,
    C,
    actions,
    assigned,
    both,
    deleted,
    holding,
    move,
    moves,
    outcome,
    run,
    summary,
)

UNKNOWN = "which may not have taken its name. Set recover: true to finish it."


def upgradable(**more):
    return holding(R={"id": A, "whitelist": ["10.0.0.0/8"], "others": "x", **more}).seed_scripts(load=A, close=A)


def test_replaced_when_a_field_changes():
    have = upgradable()
    predicted, result = both(have, UPGRADE)
    new = have.id
    assert new != A
    assert (have.names, set(have.scripts.values())) == (["R"], {new})
    assert (have.runtimes[new]["whitelist"], have.runtimes[new]["others"]) == (["10.0.0.0/8"], "x")
    assert actions(result) == [("R", "replaced")]
    assert predicted["summary"] == result["summary"] == summary(replaced=1, deleted=1, moved=2)
    assert result["runtimes"][0]["changes"] == [
        {"field": "id", "before": A, "after": new},
        {"field": "runtime_version", "before": "3.10.5", "after": "3.12.1"},
    ]
    assert predicted["runtimes"][0]["changes"][0] == {"field": "id", "before": A, "after": None}
    [expected], [gone] = deleted(predicted), deleted(result)
    assert (gone["id"], gone["name"], gone["runtime"]["runtime_version"]) == (A, "R", "3.10.5")
    assert ({**expected, "replaced_by": new}, expected["replaced_by"]) == (gone, None)
    assert result["scripts"][0]["after"] == {"id": new, "name": "R"}


def test_smoke_test_without_a_replacement():
    have = holding(a=A, x=B).seed_scripts(load=B)
    have.code_status = 4
    entry = {"name": "a", "others": "y", "smoke_test": "1/0"}
    result = run(have, entry, scripts=[assigned("load", "a")], purge=True)
    assert actions(result)[0] == ("a", "updated")
    assert "The smoke test failed" in result["runtimes"][0]["error"]["msg"]
    assert result["msg"].endswith("Nothing was purged.")
    assert (have.scripts, have.names) == ({"load": B}, ["a", "x"])
    run(have, entry)
    assert have.tried == [A], "nothing was written the second time"


@pytest.mark.parametrize("value", [True, "true", "True"])
def test_smoke_test_of_each_package(value):
    """It tests the packages that the runtime has by then, and a plan says true; false is no test."""
    packages = [{"name": "Pandas", "version": ""}, {"name": "git+https://example.com/x", "version": ""}]
    have = holding(a={"id": A, "others": "x", "packages": packages})
    entry = {"name": "a", "others": "y", "smoke_test": value, "diff": True}
    predicted, result = both(have, entry)
    assert have.code.startswith("packages = ['pandas']\n")
    assert (have.tried, actions(result)) == ([A], [("a", "updated")])
    assert predicted["plan_id"] == result["plan_id"]
    assert result["runtimes"][0]["smoke_test"] == "true"
    run(have, {"name": "a", "others": "z", "smoke_test": False})
    assert have.tried == [A]


STEPS = {
    "package": lambda have: setattr(
        have, "alter", lambda runtime: runtime.update(packages=[{"name": "x", "status": "not_installed"}])
    ),
    "smoke test": lambda have: setattr(have, "code_status", 4),
    "locked script": lambda have: have.refusals.update({"PUT /scripts/LOAD": NO}),
    "deletion": lambda have: have.refusals.update({f"DELETE /runtimes/{A}": NO}),
    "colleague takes the name": lambda have: have.fail("PUT", meanwhile=lambda: have.add(stored(id=C, name="R"))),
    "colleague edits the old one": lambda have: have.fail("PUT", meanwhile=lambda: edit(have, A)),
    "another run": lambda have: have.fail("PUT", meanwhile=lambda: have.add(stored(id=C, name=f"Q (replaces {A})"))),
    "script comes to the old one": lambda have: have.fail("PUT", turn=2, meanwhile=lambda: move(have, "close", A)),
    "server stores another name": lambda have: setattr(
        have, "alter", lambda runtime: runtime.update(name=runtime["name"][:20])
    ),
    "server stores another version": lambda have: setattr(
        have, "alter", lambda runtime: runtime.update(runtimeVersion="3.11.0")
    ),
}


def edit(have, identity):
    have.runtimes[identity].update(description="edited", version="9")


@pytest.mark.parametrize("step", STEPS)
def test_failure_before_the_commit_is_undone(step):
    have = upgradable()
    have.switch(duplicate_names="allow")
    STEPS[step](have)
    entry = {**UPGRADE, "smoke_test": "import pandas"}
    result = run(have, entry)
    assert set(have.scripts.values()) == {A}
    assert set(have.runtimes) <= {A, C}
    assert result["runtimes"][0]["error"]["msg"].endswith("was deleted again.")
    assert f"The old runtime 'R' ({A}) stays in use." in result["msg"]
    assert actions(result) == [("R", "failed")]
    assert ("load", "moved") not in moves(result)
    assert ("The smoke test failed: " in result["msg"]) is (step == "smoke test")
    assert A not in have.tried


@pytest.mark.parametrize(
    ("method", "meanwhile", "says", "left"),
    [
        # The new runtime is gone, or the old one, or nothing can be read: nothing goes back.
        ("PUT", lambda have: have.runtimes.pop(beside(have)), "was deleted meanwhile. The old runtime 'R'", {A}),
        ("GET", lambda have: have.runtimes.pop(A), f"'R' ({A}) does not exist any more. The runtime", set()),
        ("DELETE", lambda have: have.refusals.update({f"GET /runtimes/{A}": NO}), "Nothing was undone: ", {A}),
    ],
)
def test_undo_that_cannot_be_carried_out(method, meanwhile, says, left):
    """The sentence says what there is, and no script is left on a runtime that is gone."""
    have = upgradable()
    if method == "DELETE":
        have.refusals[f"DELETE /runtimes/{A}"] = NO
    if method == "GET":
        have.alter = lambda runtime: runtime.update(runtimeVersion="3.11.0")
        method = "POST"
    have.fail(method, meanwhile=lambda: meanwhile(have))
    result = run(have, UPGRADE)
    assert says in result["msg"]
    assert left <= set(have.runtimes)
    assert method == "POST" or set(have.scripts.values()) <= set(have.runtimes)


def test_old_runtime_that_another_run_has_deleted():
    """The runtime that nothing uses does not take the name."""
    have = upgradable()

    def finish_another():
        del have.runtimes[A]
        have.add(stored(id=C, name=f"Q (replaces {A})"))

    have.fail("PUT", meanwhile=finish_another)
    result = run(have, UPGRADE)
    assert f"Another run replaces 'R' ({A}), too: its runtime is 'Q (replaces {A})' ({C})" in result["msg"]
    assert f"'R' ({A}) does not exist any more" in result["msg"]
    assert have.names == [f"Q (replaces {A})", BESIDE]


def test_old_runtime_that_is_gone_before_the_commit():
    """The new one keeps its name, so that a recovery assigns the script that came last."""
    have = upgradable()
    have.fail("PUT", turn=2, meanwhile=lambda: (move(have, "close", A), have.runtimes.pop(A)))
    assert f"'R' ({A}) was deleted meanwhile" in run(have, UPGRADE)["msg"]
    assert (have.names, have.scripts) == ([BESIDE], {"load": have.id, "close": A})
    run(have, UPGRADE, recover=True)
    assert (have.names, set(have.scripts.values())) == (["R"], {have.id})


@pytest.mark.parametrize(
    ("meanwhile", "says"),
    [
        (lambda have: edit(have, beside(have)), "changed meanwhile: description"),
        (lambda have: have.runtimes.pop(beside(have)), "was deleted meanwhile"),
        (lambda have: have.refusals.update({"GET /projects": NO}), "Not every script could be read again"),
    ],
)
def test_what_the_commit_rests_on(meanwhile, says):
    """The old runtime is not deleted unless the one that stays is there and unchanged, and the scripts are known."""
    have = upgradable()
    have.fail("PUT", turn=2, meanwhile=lambda: meanwhile(have))
    assert says in run(have, UPGRADE)["msg"]
    assert A in have.runtimes


def beside(have):
    [identity] = {*have.runtimes} - {A}
    return identity


@pytest.mark.parametrize("stage", ["POST", "PUT", "DELETE", "PATCH"])
def test_signal_undoes_nothing(stage):
    """The next run says what there is, and with `recover` it ends what was begun."""
    have = holding(R=A).seed_scripts(load=A, close=A)
    answer = have.send

    def send(call, *more):
        if call.method == stage and "Searches" not in call.path:
            have.stopped = True
            raise stopped(in_flight=True)
        if getattr(have, "stopped", False) and call.timeout is None:
            raise stopped(in_flight=False)
        return answer(call, *more)

    have.send = send
    message = run(have, UPGRADE)["msg"]
    have.send = answer
    assert not re.search("lost something|stays in use|may not exist any more|was moved, but", message)
    assert ("DELETE" in str(have.writes)) is (stage == "PATCH")
    assert set(have.scripts.values()) <= set(have.runtimes)
    before = have.writes[:]
    if BESIDE in have.names:
        assert "is an unfinished replacement of" in run(have, UPGRADE)["msg"]
        assert have.writes == before
    assert run(have, UPGRADE, recover=True)["summary"]["failed"] == 0
    assert (have.names, set(have.scripts.values())) == (["R"], {have.id})
    assert have.runtimes[have.id]["runtimeVersion"] == "3.12.1"


def test_outage_undoes_nothing():
    """The server is given up before the old runtime is deleted."""
    have = holding(R=A).seed_scripts(load=A)
    answer = have.send

    def send(call, *more):
        have.given_up = have.given_up or ("it does not answer" if call.method == "DELETE" else "")
        if have.given_up and not call.polling:
            raise ConnectError(f"Not tried, because {have.given_up}.")
        return answer(call, *more)

    have.send = send
    assert "exists beside it; set recover: true to undo or finish that." in run(have, UPGRADE)["msg"]


@pytest.mark.parametrize("later", [lambda have: None, lambda have: have.runtimes.pop(A)], ids=["never", "later"])
@pytest.mark.parametrize("error", [lost(), refusal(504)])
def test_commit_that_may_still_be_carried_out(error, later):
    """Scripts stay on the new runtime, whatever becomes of the old one, and the next run recovers it."""
    have = upgradable()
    have.fail("DELETE", error)
    result = run(have, UPGRADE, retries=0)
    new = beside(have)
    assert (set(have.scripts.values()), [row["action"] for row in deleted(result)]) == ({new}, ["unknown"])
    assert f"The server may still delete 'R' ({A}), so nothing was undone: the replacement is" in result["msg"]
    assert f"if {A} exists, run ansible localhost -m mstr.library.mstr_script_runtime" in result["msg"]
    later(have)
    assert "is an unfinished replacement of" in run(have, UPGRADE)["msg"]
    assert run(have, UPGRADE, recover=True)["summary"]["failed"] == 0
    assert (have.names, set(have.scripts.values())) == (["R"], {have.id})


def test_commit_that_the_server_refuses_is_undone():
    """Its own error after the work began is an answer, so it does not go on with it."""
    have = upgradable()
    have.fail("DELETE", refusal(500, "ERR001", "oops"))
    assert run(have, UPGRADE, retries=0)["msg"].endswith("was deleted again.")
    assert (have.names, set(have.scripts.values())) == (["R"], {A})


@pytest.mark.parametrize(
    ("error", "done", "says"),
    [
        (NO, False, "could not take its name. Set recover: true to finish it."),
        *((stopped(in_flight=True), done, UNKNOWN) for done in (False, True)),
    ],
)
def test_rename_that_fails(error, done, says):
    have = upgradable()
    have.fail("PATCH", error, done=done)
    assert says in run(have, UPGRADE)["msg"]
    assert have.names == ["R" if done else BESIDE]
    assert run(have, UPGRADE, recover=True)["summary"]["failed"] == 0
    assert (have.names, set(have.scripts.values())) == (["R"], {have.id})


def test_scripts_follow_after_the_commit():
    """A script that somebody assigns to the old runtime just before it is deleted goes to the new one."""
    have = upgradable()
    have.fail("DELETE", meanwhile=lambda: move(have, "close", A))
    result = run(have, UPGRADE)
    assert (result["summary"]["failed"], set(have.scripts.values())) == (0, {have.id})
    assert [script["name"] for script in result["scripts"]] == ["close", "load"]


def test_scripts_that_cannot_be_read_after_the_commit():
    """The name stays, which says what is missing, and a recovery assigns the script that came last."""
    have = holding(R=A).seed_scripts(load=A)

    def end():
        move(have, "load", A)
        have.refusals["GET /projects"] = NO

    have.fail("DELETE", meanwhile=end)
    message = run(have, UPGRADE)["msg"]
    assert f"'R' ({A}) is deleted, and {BESIDE!r}" in message
    assert message.endswith("keeps its name. Set recover: true to finish it.")
    have.refusals.clear()
    assert run(have, UPGRADE, recover=True)["summary"]["failed"] == 0
    assert (have.names, have.scripts) == (["R"], {"load": have.id})


@pytest.mark.parametrize("listed", [False, True])
def test_secret_of_a_script_that_would_be_moved(listed):
    """What is read of it may be a mask, so the script is only moved, without its variables, if the task names it."""
    have = holding(R=A).seed_scripts(load=A)
    next(iter(have.core.projects)).scripts[0].variables = [{"name": "key", "type": 4, "value": "*"}]
    how = {"scripts": [assigned("load", "R")]} if listed else {}
    result = outcome(have, UPGRADE, **how)
    assert (have.scripts["load"] == A) is not listed
    assert listed or "would be moved, and a variable there holds a secret" in result["msg"]
    assert listed or have.writes == []


def test_every_script_must_be_readable():
    have = upgradable()
    have.refusals["GET /scripts/LOAD"] = NO
    assert "'R' cannot be replaced, because not every script could be read" in outcome(have, UPGRADE)["msg"]
    assert have.writes == []


@pytest.mark.parametrize("exempted", ["R", A, B, None])
def test_exemption_and_a_replacement(exempted):
    """It holds for the copy of a runtime; a refusal names it."""
    have = holding(R={"id": A, "whitelist": ["0.0.0.0/0"]})
    given = [{"runtime": exempted, "reason": "why", "until": "2026-06-15"}] if exempted else []
    strict = policy_from({"networks_within": ["10.0.0.0/8"], "exemptions": given}, date(2026, 6, 15))
    predicted, done = both(have, UPGRADE, policy=strict)
    if exempted in ("R", A):
        assert actions(predicted) == actions(done) == [("R", "replaced")]
        assert [(row["id"], row["value"]) for row in done["exempted"]] == [(*have.runtimes, "0.0.0.0/0")]
    else:
        assert "violates the policy networks_within" in done["runtimes"][0]["error"]["msg"]
        assert have.runtimes[A]["name"] == "R"


def test_what_the_server_stores_otherwise_is_not_replaced_every_night():
    have = holding(R=A).seed_scripts(load=A)
    have.alter = lambda runtime: runtime.update(packages=[*runtime.get("packages", ()), {"name": "mstrio-py"}])
    for _night in range(2):
        result = run(have, {**UPGRADE, "packages": [{"name": "six"}], "replace_on_change": True})
        assert (have.names, list(have.runtimes), have.scripts) == (["R"], [A], {"load": A})
        assert "packages [{'name': 'mstrio-py'}] instead of [{'name': 'six'}]" in result["msg"]


def test_found_under_a_previous_name():
    """It is replaced like any other, and the new one has the new name."""
    have = holding(S=A).seed_scripts(load=A)
    predicted, done = both(have, {**UPGRADE, "previous_names": ["S"]})
    assert predicted["plan_id"] == done["plan_id"]
    assert (have.names, set(have.scripts.values())) == (["R"], set(have.runtimes) - {A})


def test_plan_id_covers_code_and_what_goes():
    def plan(entry, **fields):
        have = holding(R={"id": A, "others": "x", **fields}, S=B)
        result = run(have, entry, check_mode=True)
        return result["plan_id"], str(result["diff"])

    assert plan(UPGRADE)[0] != plan(UPGRADE, packages=[{"name": "new"}])[0]
    first, other = (plan({**UPGRADE, "smoke_test": f"import {name}"}) for name in ("one", "two"))
    assert first[0] != other[0]
    assert "import two" in other[1]


def test_one_runtime_reports_what_was_replaced():
    have = upgradable()
    done = have.ensure(definition_from(UPGRADE)).result
    assert (done["action"], done["id"], [row["id"] for row in done["replaced"]]) == ("replaced", have.id, [A])
    assert done["replaced"][0]["runtime"]["runtime_version"] == "3.10.5"
    assert moves(done) == [("close", "moved"), ("load", "moved")]


def test_what_a_replacement_loses_is_named():
    """The same in check mode."""
    have = upgradable()
    assert actions(both(have, UPGRADE)[1]) == [("R", "replaced")]
    warning, again = have.warnings
    assert f"When runtime 'R' ({A}) is replaced, this is not carried over: its owner" in warning
    assert "its permissions (ACL). The new" in warning
    assert again == warning
