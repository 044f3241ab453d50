"""Replacements that last longer than one run: what a task goes on with, compares, takes back and reports."""

from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError, MstrError, PartialError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.policy import policy_from
from ansible_collections.mstr.library.plugins.module_utils._work.api import Waiting
from ansible_collections.mstr.library.plugins.module_utils._work.inputs import Inputs
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import ensure_one
from unit.support.make import refusal, stored
from unit.support.many import BESIDE, LIST, MERGE, NO, UNITE, UPGRADE, A, B, C, actions, both, holding, moves, run

BACK = {"name": "R", "runtime_version": "3.10.5"}
OWN = {"id": "54F3D26011D2896560009A8E67019608", "name": "me"}
THEIRS = {"id": "D" * 32, "name": "somebody"}


def unfinished(owner=OWN, used=B, **more):
    """A server where a run was interrupted after it had assigned a script."""
    have = holding(R={"id": A, "owner": OWN}, **{BESIDE: {"id": B, "runtimeVersion": "3.12.1", "owner": owner, **more}})
    have.core.users["admin"].id = OWN["id"]
    return have.seed_scripts(load=used, close=A)


def one(have, entry, **options):
    definition = definition_from(entry)
    try:
        return ensure_one(have.task(**options), Inputs([definition], patience=Waiting(300.0, 0.0)))
    except PartialError as exc:
        return exc.to_result()


@pytest.mark.parametrize("owner", [OWN, None])
def test_goes_on_with_what_is_its_own(owner):
    have = unfinished(owner)
    predicted = run(have, UPGRADE, check_mode=True)
    done = run(have, UPGRADE, plan_id=predicted["plan_id"])
    assert f"goes on with the unfinished replacement ({B})" in predicted["diff"][0]["after_header"]
    assert actions(predicted) == actions(done) == [("R", "replaced")]
    assert (list(have.runtimes), set(have.scripts.values())) == ([B], {B})
    assert any("could not be checked" in text for text in have.warnings) == (owner is None)


def test_somebody_elses_is_refused():
    """Where no replacement needs its name, it is like any other runtime."""
    have = unfinished(THEIRS, used=A)
    with pytest.raises(MstrError, match=rf"'R \(replacement\)' \({B}\) has the name .* owner: 'somebody' \(D+\)"):
        run(have, UPGRADE)
    assert actions(run(have, UPGRADE, check_mode=True)) == [("R", "replaced")]
    assert any("different owner: 'somebody'" in text for text in have.warnings)
    assert have.writes == []
    assert actions(run(have, BACK, purge=True)) == [("R", "none"), (BESIDE, "deleted")]


def test_one_beside_gets_name_of_one_gone():
    for owner, names in ((OWN, ["R"]), (THEIRS, ["R", BESIDE])):
        have = unfinished(owner)
        del have.runtimes[A]
        run(have, {"name": "R"})
        assert have.names == names


@pytest.mark.parametrize("restores", [False, True])
@pytest.mark.parametrize("has_other", [False, True])
def test_one_beside_that_is_listed_is_kept(restores, has_other):
    """An export of a server without the other runtime has it, and a file without ids applies to that server."""
    have = unfinished().seed_scripts(load=B)
    if not has_other:
        del have.runtimes[A]
    assert run(have, {"name": "R"}, {"name": BESIDE}, purge=True, restore=restores)["summary"]["failed"] == 0
    assert (have.names, have.scripts) == (["R", BESIDE], {"load": B})


@pytest.mark.parametrize("exempted", ["R", A, B, None])
@pytest.mark.parametrize("goes_on", [False, True])
def test_exemption_and_a_replacement(exempted, goes_on):
    """It holds for the copy of a runtime and for one that is unfinished; a refusal names it."""
    opened = {"whitelist": ["0.0.0.0/0"]}
    have = unfinished(**opened) if goes_on else holding(R=A)
    have.runtimes[A].update(opened)
    given = [{"runtime": exempted, "reason": "why", "until": "2026-06-15"}] if exempted else []
    strict = policy_from({"networks_within": ["10.0.0.0/8"], "exemptions": given}, date(2026, 6, 15))
    predicted, done = both(have, UPGRADE, policy=strict)
    if exempted in ("R", A) or (exempted and goes_on):
        assert actions(predicted) == actions(done) == [("R", "replaced")]
        assert [(row["id"], row["value"]) for row in done["exempted"]] == [(*have.runtimes, "0.0.0.0/0")]
    else:
        assert f"or exempt the id {A}" in done["runtimes"][0]["error"]["msg"]
        assert have.runtimes[A]["name"] == "R"


@pytest.mark.parametrize("fields", [True, ["runtime_version", "packages"]])
def test_what_the_server_stores_otherwise(fields):
    have = holding(R=A).seed_scripts(load=A)
    have.alter = lambda runtime: runtime.update(packages=[*runtime.get("packages", ()), {"name": "mstrio-py"}])
    for _night in range(2):
        result = run(have, {**UPGRADE, "packages": [{"name": "six"}], "replace_on_change": fields})
        assert (have.names, list(have.runtimes), have.scripts) == (["R"], [A], {"load": A})
        message = result["runtimes"][0]["error"]["msg"]
        assert "packages [{'name': 'mstrio-py'}] instead of [{'name': 'six'}]" in message
        assert f"The old runtime 'R' ({A}) stays in use." in message
        assert message.endswith("was deleted again.")
        assert actions(result) == [("R", "failed")]
        _failed, gone = result["runtimes"]
        assert (gone["name"], gone["replaced_by"]) == (BESIDE, None)


def test_failure_before_the_clean_up_hides_no_reason():
    """With a purge, the runtimes are listed again; here the call fails, after those that find out how it stands."""
    have = holding(R=A).seed_scripts(load=A)
    have.alter = lambda runtime: runtime.update(runtimeVersion="3.11.0")

    def rewrite(call, data):
        if call == LIST and have.requests.count(LIST) == 4:
            raise refusal(500, "ERR001", "no list")
        return data

    have.rewrite = rewrite
    message = run(have, UPGRADE, purge=True)["runtimes"][0]["error"]["msg"]
    assert "runtime_version '3.11.0' instead of '3.12.1'" in message
    assert f"The old runtime 'R' ({A}) stays in use. 'R (replacement)' was not deleted. Could not" in message
    assert have.names == ["R", BESIDE]


def test_second_of_two_replacements_leaves_nothing():
    """Another task completes the same one between the plan and the first write of this one."""
    have = holding(R=A).seed_scripts()

    def complete():
        have.runtimes[C] = stored(id=C, name="R", runtimeVersion="3.12.1")
        del have.runtimes[A]

    have.fail("POST")
    have.fail("POST", meanwhile=complete)
    result = run(have, UPGRADE)
    assert list(have.runtimes) == [C]
    assert "Another task has replaced 'R' meanwhile" in result["msg"]


@pytest.mark.parametrize(
    "entry",
    [
        BACK,
        {**BACK, "replace_on_change": ["runtime_version"]},
        {"name": "R"},
        # The runtime of a previous name goes; what an earlier run left beside is no part of that replacement.
        {"name": "R", "previous_names": ["Old"], "replace_on_change": ["name"]},
    ],
)
@pytest.mark.parametrize("purge", [False, True])
def test_scripts_go_back_if_nothing_replaced(entry, purge):
    have = unfinished()
    if "previous_names" in entry:
        have.runtimes[C] = stored(id=C, name="Old", owner=OWN)
        have.seed_scripts(load=B, close=C)
    predicted, done = both(have, entry, purge=purge)
    assert have.scripts == {"load": A, "close": A}
    assert ("load", "moved") in moves(done)
    assert [predicted[key] for key in ("plan_id", "summary")] == [done[key] for key in ("plan_id", "summary")]
    assert have.names == ["R", BESIDE][: 1 if purge else 2]
    assert any("state: absent" in text for text in have.warnings) == (not purge)
    assert run(have, entry, purge=purge)["changed"] is False


@pytest.mark.parametrize(
    "entry",
    [
        {"id": A, "name": "Q"},
        {"name": "Q", "previous_names": ["R"]},
        {"name": "Q", "previous_names": ["R"], "replace_on_change": True},
    ],
)
def test_scripts_go_back_under_a_new_name(entry):
    """An earlier run began the replacement before the runtime had its new name."""
    have = unfinished()
    predicted, done = both(have, entry, purge=True)
    assert predicted["plan_id"] == done["plan_id"]
    assert (have.names, set(have.scripts.values())) == (["Q"], set(have.runtimes))


def test_absent_one_beside_script_uses():
    have = unfinished()
    absent = {"name": BESIDE, "state": "absent"}
    for entries in ([absent], [BACK, absent], [{"id": B, "state": "absent"}]):
        with pytest.raises(MstrError, match=rf"'R \(replacement\)' \({B}\) is used by 1 script"):
            run(have, *entries)
    have.seed_scripts(load=A)
    assert actions(run(have, absent)) == [(BESIDE, "deleted")]


@pytest.mark.parametrize("status", [500, 403, 502])
def test_scripts_go_back_only_to_what_exists(status):
    have = unfinished(used=A)
    have.refusals[f"DELETE /runtimes/{A}"] = NO
    have.refusals[f"GET /runtimes/{A}"] = refusal(status, "ERR0017", "no")
    result = run(have, UPGRADE)
    assert set(have.scripts.values()) == {B}
    assert "stays in use" not in result["msg"]
    assert "could not be read" in result["msg"]


def test_script_of_a_runtime_that_is_gone():
    have = holding(R=A, S=B).seed_scripts(load=A, close=B)
    have.refusals[f"DELETE /runtimes/{A}"] = NO
    message = run(have, UNITE)["msg"]
    assert (have.scripts["load"], have.scripts["close"] in {*have.runtimes} - {A, B}) == (A, True)
    assert (
        f"could not be assigned back: script 'close' in project 'Sales': 'S' ({B}) does not exist any more." in message
    )


def test_scripts_go_back_after_an_outage():
    """The server is given up before the old runtime is deleted: what puts things in order is tried all the same."""
    have = holding(R={"id": A, "owner": OWN}).seed_scripts(load=A)
    answer = have.send

    def send(kind, method, path, **how):
        have.given_up = have.given_up or ("it does not answer" if method == "DELETE" else "")
        if have.given_up and kind != "once":
            raise ConnectError(f"Not tried, because {have.given_up}.")
        return answer(kind, method, path, **how)

    have.send = send
    result = run(have, UPGRADE)
    assert have.scripts == {"load": A}
    assert f"The old runtime 'R' ({A}) stays in use." in result["msg"]


def test_plan_id_covers_code_and_what_goes():
    def plan(entry, **fields):
        have = holding(R={"id": A, "others": "x", **fields}, S=B)
        result = run(have, entry, check_mode=True)
        return result["plan_id"], str(result["diff"])

    assert plan(MERGE)[0] != plan(MERGE, packages=[{"name": "new"}])[0]
    first, other = (plan({**UPGRADE, "smoke_test": f"import {name}"}) for name in ("one", "two"))
    assert first[0] != other[0]
    assert "import two" in other[1]


def test_one_runtime_reports_what_was_done():
    have = unfinished(used=A)
    have.refusals[f"DELETE /runtimes/{A}"] = NO
    assert one(have, UPGRADE)["changed"] is False
    have.refusals.clear()
    done = one(have, UPGRADE)
    assert (done["action"], [row["id"] for row in done["replaced"]]) == ("replaced", [A])
    assert done["replaced"][0]["runtime"]["runtime_version"] == "3.10.5"


def test_one_runtime_is_returned_whole():
    have = holding(R={"id": A, "whitelist": ["10.0.0.0/8"]})
    have.list_only("id", "name", "execTimeout")
    result = one(have, {"name": "R", "exec_timeout": 600})
    assert (result["changed"], result["runtime"]["whitelist"]) == (False, ["10.0.0.0/8"])
    assert have.requests == [LIST, f"GET /runtimes/{A}"]
