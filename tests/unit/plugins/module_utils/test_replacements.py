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
from ansible_collections.mstr.library.tests.unit.support.make import refusal, stopped, stored
from ansible_collections.mstr.library.tests.unit.support.many import A, B, C, actions, deleted, holding, restore, run
from ansible_collections.mstr.library.tests.unit.support.server import killed_before

BESIDE = "R (replacement)"
UPGRADE = {"name": "R", "runtime_version": "3.12.1", "replace_on_change": ["runtime_version"]}
BACK = {"name": "R", "runtime_version": "3.10.5"}
OWN = {"id": "54F3D26011D2896560009A8E67019608", "name": "me"}
THEIRS = {"id": "D" * 32, "name": "somebody"}


def unfinished(owner=OWN, used=B, **more):
    """A server where a run was interrupted after it had assigned a script."""
    have = holding(
        R={"id": A, "owner": OWN},
        **{BESIDE: {"id": B, "runtimeVersion": "3.12.1", "owner": owner, **more}},
    )
    have.core.users["admin"].id = OWN["id"]
    have.seed_scripts(load=used, close=A)
    return have


def one(have, entry, **options):
    """What mstr_runtime returns."""
    definition = definition_from(entry)
    try:
        return ensure_one(have.task(**options), Inputs([definition], patience=Waiting(300.0, 0.0)))
    except PartialError as exc:
        return exc.to_result()


# --- what it goes on with


@pytest.mark.parametrize("owner", [OWN, None])
def test_goes_on_with_what_is_its_own(owner):
    have = unfinished(owner)
    predicted, done = (run(have, UPGRADE, check_mode=mode) for mode in (True, False))
    assert f"goes on with the unfinished replacement ({B})" in predicted["diff"][0]["after_header"]
    assert actions(predicted) == actions(done) == [("R", "replaced")]
    assert (list(have.runtimes), set(have.scripts.values())) == ([B], {B})
    assert any("could not be checked" in text for text in have.warnings) == (owner is None)


def test_somebody_elses_is_refused():
    have = unfinished(THEIRS)
    with pytest.raises(MstrError, match=rf"'R \(replacement\)' \({B}\) has the name .* owner: 'somebody' \(D+\)"):
        run(have, UPGRADE)
    assert actions(run(have, UPGRADE, check_mode=True)) == [("R", "replaced")]
    assert any("different owner: 'somebody'" in text for text in have.warnings)
    assert [call for call in have.writes if "/runtimes" in call] == []


def test_somebody_elses_runtime_like_any_other():
    have = unfinished(THEIRS, used=A)
    assert actions(run(have, BACK, purge=True)) == [("R", "none"), (BESIDE, "deleted")]


def test_one_beside_gets_name_of_one_gone():
    for owner, names in ((OWN, ["R"]), (THEIRS, ["R", BESIDE])):
        have = unfinished(owner)
        del have.runtimes[A]
        run(have, {"name": "R"})
        assert have.names == names


def test_one_beside_that_is_listed_keeps_its_name():
    """An export of a server without the other runtime has it, and a file without ids applies to that server."""
    have = unfinished()
    del have.runtimes[A]
    have.seed_scripts(load=B)
    for work in (run, restore):
        assert work(have, {"name": "R"}, {"name": BESIDE})["summary"]["failed"] == 0
        assert have.names == ["R", BESIDE]


def test_rogue_is_purged():
    have = holding(x=A, **{"Rogue (replacement)": B})
    assert actions(run(have, {"name": "x"}, purge=True)) == [("x", "none"), ("Rogue (replacement)", "deleted")]


# --- the policy


@pytest.mark.parametrize("exempted", [A, B, None])
@pytest.mark.parametrize("goes_on", [False, True])
def test_exemption_by_id_and_a_replacement(exempted, goes_on):
    """It holds for the copy of a runtime and for one that is unfinished; a refusal names it."""
    opened = {"whitelist": ["0.0.0.0/0"]}
    have = unfinished(**opened) if goes_on else holding(R=A)
    have.runtimes[A].update(opened)
    given = [{"runtime": exempted, "reason": "why", "until": "2026-06-15"}] if exempted else []
    strict = policy_from({"networks_within": ["10.0.0.0/8"], "exemptions": given}, date(2026, 6, 15))
    predicted, done = (run(have, UPGRADE, policy=strict, check_mode=mode) for mode in (True, False))
    if exempted == A or (exempted and goes_on):
        assert actions(predicted) == actions(done) == [("R", "replaced")]
        assert [(row["id"], row["value"]) for row in done["exempted"]] == [(*have.runtimes, "0.0.0.0/0")]
    else:
        assert f"or exempt the id {A}" in done["runtimes"][0]["error"]["msg"]
        assert have.runtimes[A]["name"] == "R"


# --- what it compares


@pytest.mark.parametrize("fields", [True, ["runtime_version", "packages"]])
def test_what_server_stores_otherwise_no_replacement(fields):
    have = holding(R=A)
    have.seed_scripts(load=A)
    have.alter = lambda runtime: runtime.update(packages=[*runtime.get("packages", ()), {"name": "mstrio-py"}])
    entry = {**UPGRADE, "packages": [{"name": "six"}], "replace_on_change": fields}
    for _night in range(2):
        result = run(have, entry)
        assert (have.names, list(have.runtimes), have.scripts) == (["R"], [A], {"load": A})
        message = result["runtimes"][0]["error"]["msg"]
        assert "packages [{'name': 'mstrio-py'}] instead of [{'name': 'six'}]" in message
        assert f"The old runtime 'R' ({A}) stays in use." in message
        assert message.endswith("was deleted again.")
        assert actions(result) == [("R", "failed")]
        assert [(row["name"], row["replaced_by"]) for row in deleted(result)] == [(BESIDE, None)]


def test_failure_before_the_clean_up_hides_no_reason():
    """With a purge, the runtimes are listed again; here the call fails, after those that find out how it stands."""
    have = holding(R=A)
    have.seed_scripts(load=A)
    have.alter = lambda runtime: runtime.update(runtimeVersion="3.11.0")
    lists = iter(range(10))

    def rewrite(call, data):
        if call == "GET /runtimes" and next(lists) == 3:
            raise refusal(500, "ERR001", "no list")
        return data

    have.rewrite = rewrite
    message = run(have, UPGRADE, purge=True)["runtimes"][0]["error"]["msg"]
    assert "runtime_version '3.11.0' instead of '3.12.1'" in message
    assert f"The old runtime 'R' ({A}) stays in use. 'R (replacement)' was not deleted. Could not" in message
    assert have.names == ["R", BESIDE]


# --- scripts that go back


@pytest.mark.parametrize("entry", [BACK, {**BACK, "replace_on_change": ["runtime_version"]}, {"name": "R"}])
@pytest.mark.parametrize("purge", [False, True])
def test_scripts_go_back_if_nothing_replaced(entry, purge):
    have = unfinished()
    predicted, done = (run(have, entry, check_mode=mode, purge=purge) for mode in (True, False))
    assert have.scripts == {"load": A, "close": A}
    for result in (predicted, done):
        assert [(row["name"], row["action"]) for row in result["scripts"]] == [("load", "moved")]
    assert predicted["plan_id"] == done["plan_id"]
    assert have.names == (["R"] if purge else ["R", BESIDE])
    assert any("state: absent" in text for text in have.warnings) == (not purge)
    assert run(have, entry, purge=purge)["changed"] is False


@pytest.mark.parametrize("purge", [False, True])
def test_scripts_go_back_beside_an_old_name(purge):
    """The runtime of a previous name goes; what an earlier run left beside is no part of that replacement."""
    have = unfinished()
    have.runtimes[C] = stored(id=C, name="Old", owner=OWN)
    have.seed_scripts(load=B, close=C)
    entry = {"name": "R", "previous_names": ["Old"], "replace_on_change": ["name"]}
    predicted, done = (run(have, entry, check_mode=mode, purge=purge) for mode in (True, False))
    assert predicted["plan_id"] == done["plan_id"]
    assert have.scripts == {"load": A, "close": A}
    assert have.names == (["R"] if purge else ["R", BESIDE])
    assert any("state: absent" in text for text in have.warnings) == (not purge)


@pytest.mark.parametrize(
    ("entry", "left"),
    [
        ({"id": A, "name": "Q"}, ["Q"]),
        ({"name": "Q", "previous_names": ["R"]}, ["Q"]),
        ({"name": "Q", "previous_names": ["R"], "replace_on_change": True}, ["Q"]),
    ],
)
def test_scripts_go_back_under_a_new_name(entry, left):
    """An earlier run began the replacement before the runtime had its new name."""
    have = unfinished()
    predicted, done = (run(have, entry, check_mode=mode, purge=True) for mode in (True, False))
    assert predicted["plan_id"] == done["plan_id"]
    assert (have.names, set(have.scripts.values())) == (left, set(have.runtimes))


def test_scripts_go_back_if_replacement_fails():
    have = unfinished()
    have.code_status = 4
    result = run(have, {**UPGRADE, "smoke_test": "1/0"})
    assert have.scripts == {"load": A, "close": A}
    assert f"The old runtime 'R' ({A}) stays in use." in result["msg"]
    assert [row["after"]["id"] for row in result["scripts"] if row["action"] == "moved"] == [A]


def test_absent_one_beside_script_uses():
    have = unfinished()
    absent = {"name": BESIDE, "state": "absent"}
    for entries in ([absent], [BACK, absent], [{"id": B, "state": "absent"}]):
        with pytest.raises(MstrError, match=rf"'R \(replacement\)' \({B}\) is used by 1 script"):
            run(have, *entries)
    have.seed_scripts(load=A)
    assert actions(run(have, {"name": BESIDE, "state": "absent"})) == [(BESIDE, "deleted")]


def test_one_beside_that_is_listed_keeps_its_scripts():
    have = unfinished()
    assert run(have, {"name": "R"}, {"name": BESIDE}, purge=True)["changed"] is False
    assert (have.scripts["load"], have.warnings) == (B, [])


def test_left_by_a_restore():
    """An ordinary purge spares it, and the next restore finishes it."""
    have = holding(A=A, **{"A (restore)": B})
    assert run(have, {"name": "A"}, purge=True)["summary"]["deleted"] == 0
    assert any("which an unfinished restore renamed" in text for text in have.warnings)


def test_script_of_a_name_that_is_taken_back():
    """In a backup, what is to be deleted may have the name of what comes back, wherever it is listed."""
    have = holding(**{"Etl 2": A, "Etl": B})
    have.seed_scripts(load=B)
    script = {"name": "load", "project": "Sales", "runtime": "Etl"}
    result = restore(have, {"id": B, "state": "absent"}, {"id": A, "name": "Etl"}, scripts=[script])
    assert (result["summary"]["moved"], have.names, have.scripts) == (1, ["Etl"], {"load": A})


@pytest.mark.parametrize("listed", [[], [{"id": B, "state": "absent"}]])
def test_rename_of_what_is_gone_is_reported(listed):
    """A restore renamed it; then somebody else deleted it, so that there was nothing left to delete."""
    have = holding(**{"Etl 2": A, "Etl": B})

    def rewrite(call, data):
        if call == f"PATCH /runtimes/{A}":
            del have.runtimes[B]
        return data

    have.rewrite = rewrite
    result = restore(have, *listed, {"id": A, "name": "Etl"}, purge=not listed)
    assert ("Etl (restore)", "updated") in actions(result)
    assert (result["summary"]["updated"], have.names) == (2, ["Etl"])


@pytest.mark.parametrize("status", [500, 403, 502])
def test_scripts_go_back_only_to_what_exists(status):
    have = unfinished(used=A)
    have.refusals[f"DELETE /runtimes/{A}"] = refusal(403, "ERR0017", "no")
    have.refusals[f"GET /runtimes/{A}"] = refusal(status, "ERR0017", "no")
    result = run(have, UPGRADE)
    assert set(have.scripts.values()) == {B}
    assert "stays in use" not in result["msg"]
    assert "could not be read" in result["msg"]


def test_scripts_go_back_after_an_outage():
    """The server is given up before the old runtime is deleted: what puts things in order is tried all the same."""
    have = holding(R={"id": A, "owner": OWN})
    have.seed_scripts(load=A)
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


# --- what a person approves


def test_plan_id_covers_code_and_what_goes():
    def ids(entry, **fields):
        have = holding(R={"id": A, "others": "x", **fields}, S=B)
        result = run(have, entry, check_mode=True)
        return result["plan_id"], str(result["diff"])

    moves = {"name": "S", "previous_names": ["R"], "replace_on_change": True}
    assert ids(moves)[0] != ids(moves, packages=[{"name": "new"}])[0]
    tried = {**UPGRADE, "smoke_test": "import one"}
    first, other = ids(tried), ids({**tried, "smoke_test": "import two"})
    assert first[0] != other[0]
    assert "import two" in other[1]


def test_edit_before_a_rename_aside():
    have = holding(**{"Etl 2": A, "Etl": B})
    have.fail("GET")
    have.fail("GET", meanwhile=lambda: have.runtimes[B].update(others="theirs"))
    result = restore(have, {"id": A, "name": "Etl"}, purge=True)
    assert have.runtimes[B]["others"] == "theirs"
    assert "was not renamed, because something changed after the plan was made: others" in result["msg"]


# --- what is reported


def test_one_runtime_reports_what_done():
    have = unfinished(used=A)
    have.refusals[f"DELETE /runtimes/{A}"] = refusal(403, "ERR0017", "no")
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
    assert have.requests == ["GET /runtimes", f"GET /runtimes/{A}"]


def test_one_read_decides_what_null_means():
    have = holding(**{name: {"id": letter * 32, "others": None} for name, letter in zip("abcdef", "ABCDEF")})
    run(have, *({"name": name, "others": ""} for name in "abcdef"))
    assert len(have.requests) == 2


def test_row_of_failed_replacement_has_name():
    have = unfinished(used=A)
    have.code_status = 4
    assert actions(run(have, {**UPGRADE, "smoke_test": "1/0"})) == [("R", "failed")]


def test_signal_before_the_second_write():
    have = holding(a=A, b=B)
    for _read in range(2):
        have.fail("GET")
    have.fail("GET", stopped(in_flight=False))
    result = run(have, {"name": "a", "others": "x"}, {"name": "b", "others": "x"})
    assert "The runtime 'b' was not updated." in result["msg"]


def test_second_of_two_replacements_leaves_nothing():
    """Another task completes the same one between the plan and the first write of this one."""
    have = holding(R=A)
    have.seed_scripts()

    def complete():
        have.runtimes[C] = stored(id=C, name="R", runtimeVersion="3.12.1")
        del have.runtimes[A]

    have.fail("POST")
    have.fail("POST", meanwhile=complete)
    result = run(have, UPGRADE)
    assert list(have.runtimes) == [C]
    assert "Another task has replaced 'R' meanwhile" in result["msg"]


def test_rename_to_taken_name_in_incomplete_list():
    """One definition or several: a list that lacks the default runtime is read twice."""
    for more in ([], [{"name": "a", "others": "x"}]):
        have = holding(a=A, b=C, hidden=B)
        lists = []

        def incomplete(call, data, lists=lists):
            if call != "GET /runtimes" or lists:
                return data
            lists.append(call)
            return {"runtimes": [runtime for runtime in data["runtimes"] if runtime["name"] in ("a", "b")]}

        have.rewrite = incomplete
        result = run(have, {"id": C, "name": "hidden"}, *more)
        assert f"name 'hidden' is taken by the runtime with id {B}" in result["msg"]
        assert have.names == ["a", "b", "hidden"]


@pytest.mark.parametrize("moment", range(0, 40, 3))
def test_definition_goes_back_after_kill(moment):
    have = holding(R=A)
    have.seed_scripts(load=A, close=A)
    killed_before(have, moment, lambda: run(have, UPGRADE))
    result = run(have, {**BACK, "replace_on_change": ["runtime_version"]})
    assert result["summary"]["failed"] == 0
    by_name = {runtime["name"]: identity for identity, runtime in have.runtimes.items()}
    assert set(have.scripts.values()) == {by_name["R"]}
