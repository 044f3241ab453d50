from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.policy import policy_from
from unit.support.make import refusal, stopped
from unit.support.many import BESIDE, NO, UPGRADE, A, B, C, actions, assigned, both, deleted, holding, run, summary

UNKNOWN = "which may not have taken its name. If so, the next run gives it its name."


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


STEPS = {
    "package": lambda have: setattr(
        have, "alter", lambda runtime: runtime.update(packages=[{"name": "x", "status": "not_installed"}])
    ),
    "smoke test": lambda have: setattr(have, "code_status", 4),
    "locked script": lambda have: have.refusals.update({"PUT /scripts/LOAD": NO}),
    "deletion": lambda have: have.refusals.update({f"DELETE /runtimes/{A}": NO}),
    "deletion without effect": lambda have: setattr(have, "ignores", "DELETE"),
    "somebody deletes it": lambda have: have.fail(
        "PUT", meanwhile=lambda: [have.runtimes.pop(key) for key in {*have.runtimes} - {A}]
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_failed_step_keeps_the_old_runtime(step):
    have = upgradable()
    STEPS[step](have)
    entry = {**UPGRADE, "smoke_test": "import pandas"}
    result = run(have, entry)
    assert set(have.scripts.values()) == {A}
    is_gone = step == "somebody deletes it"
    assert have.names == (["R", BESIDE] if have.ignores else ["R"])
    assert result["summary"]["failed"] >= 1
    stays = f"The old runtime 'R' ({A}) stays in use."
    assert (f"was deleted meanwhile. {stays}" if is_gone else stays) in result["msg"]
    assert is_gone or ("was deleted again." in result["msg"]) is (have.ignores is None)
    assert ("The smoke test failed: " in result["runtimes"][0]["error"]["msg"]) is (step == "smoke test")
    assert A not in have.tried
    have.refusals.clear()
    have.ignores, have.code_status, have.alter = None, 3, lambda runtime: None
    for runtime in have.runtimes.values():
        runtime["packages"] = []
    assert actions(run(have, entry)) == [("R", "replaced")]
    assert (have.names, set(have.scripts.values())) == (["R"], {have.id})


@pytest.mark.parametrize(
    ("error", "done", "says"),
    [
        (NO, False, "could not take its name. The next run gives it its name."),
        *((stopped(in_flight=True), done, UNKNOWN) for done in (False, True)),
    ],
)
def test_rename_that_fails(error, done, says):
    have = upgradable()
    have.fail("PATCH", error, done=done)
    assert says in run(have, UPGRADE)["msg"]
    assert have.names == ["R" if done else BESIDE]
    assert actions(run(have, UPGRADE)) == [("R", "none" if done else "updated")]
    assert (have.names, set(have.scripts.values())) == (["R"], {have.id})


@pytest.mark.parametrize("unfinished", [False, True])
@pytest.mark.parametrize("error", [refusal(503), refusal(404, "ERR004"), stopped(in_flight=False)])
def test_rename_that_cannot_be_read_again_is_done(error, unfinished):
    have = holding(**{f"R (replaces {C})" if unfinished else "R": A}).seed_scripts(load=A)

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


def test_what_a_replacement_loses_is_named():
    """The same in check mode."""
    have = upgradable()
    assert actions(both(have, UPGRADE)[1]) == [("R", "replaced")]
    warning, again = have.warnings
    assert f"When runtime 'R' ({A}) is replaced, this is not carried over: its owner" in warning
    assert "its permissions (ACL). The new" in warning
    assert again == warning


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_empty_whitelist_is_warned_of_once(check_mode):
    """Although the runtime is planned twice: as an update, and then as a replacement."""
    have = upgradable(whitelist=[])
    policy = policy_from({"networks_within": ["10.0.0.0/8"]}, date(2026, 6, 15))
    run(have, {**UPGRADE, "whitelist": []}, {"name": "N", "whitelist": []}, policy=policy, check_mode=check_mode)
    assert sum("is empty. Some servers" in warning for warning in have.warnings) == 2
