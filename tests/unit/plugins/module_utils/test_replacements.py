"""Replacements that last longer than one run: what a task goes on with, compares, takes back and reports."""

from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import (
    ConnectError,
    MstrError,
    PartialError,
    ValidationError,
)
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.policy import policy_from
from ansible_collections.mstr.library.plugins.module_utils._work.api import Inputs, Waiting
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import ensure_one
from unit.support.make import DEFAULT_ID, refusal, stopped, stored
from unit.support.many import (
    BESIDE,
    LIST,
    MERGE,
    NO,
    UPGRADE,
    A,
    B,
    C,
    D,
    actions,
    assigned,
    both,
    holding,
    moves,
    outcome,
    run,
)

BACK = {"name": "R", "runtime_version": "3.10.5"}
THEIRS = {"id": D, "name": "somebody"}


def unfinished(used=B, **more):
    """A server where a run was interrupted after it had assigned a script."""
    have = holding(R=A, **{BESIDE: {"id": B, "runtimeVersion": "3.12.1", **more}})
    return have.seed_scripts(load=used, close=A)


def one(have, entry, **options):
    definition = definition_from(entry)
    try:
        return ensure_one(have.task(**options), Inputs([definition], patience=Waiting(300.0, 0.0)))
    except PartialError as exc:
        return exc.to_result()


@pytest.mark.parametrize("fields", [{}, {"owner": None}])
def test_goes_on_with_what_is_its_own(fields):
    have = unfinished(**fields)
    predicted = run(have, UPGRADE, check_mode=True)
    done = run(have, UPGRADE, plan_id=predicted["plan_id"])
    assert f"goes on with the unfinished replacement ({B})" in predicted["diff"][0]["after_header"]
    assert actions(predicted) == actions(done) == [("R", "replaced")]
    assert (list(have.runtimes), set(have.scripts.values())) == ([B], {B})
    assert any("could not be checked" in text for text in have.warnings) == bool(fields)


@pytest.mark.parametrize("entry", [UPGRADE, BACK, {"name": "R", "state": "absent"}, {"id": A, "others": "x"}])
@pytest.mark.parametrize("used", [A, B])
def test_somebody_elses(entry, used):
    """It is neither gone on with, undone nor finished. An unused one is in nobody's way but a replacement's."""
    have = unfinished(used, owner=THEIRS)
    refused = used == B or entry == UPGRADE
    text = f"{BESIDE!r} ({B}) is an unfinished replacement of 'R' ({A}), and has a different owner: 'somebody' ({D})"
    result = outcome(have, entry, {"name": "other"}, check_mode=True)
    assert any(text in warning for warning in have.warnings)
    assert have.writes == []
    result = outcome(have, entry, {"name": "other"})
    if refused:
        assert (
            f"{text}. Run the task as its owner, or as that user to undo it, assign its scripts to {A}" in result["msg"]
        )
        assert (have.names, have.scripts["load"]) == (["R", BESIDE, "other"], used)
    else:
        assert (result["summary"]["failed"], BESIDE in have.names) == (0, True)


def test_somebody_elses_is_not_finished():
    have = unfinished(owner=THEIRS)
    del have.runtimes[A]
    assert f"to finish it, apply {{id: {B}, name: R}}" in outcome(have, {"name": "R"})["msg"]
    assert have.names == [BESIDE]
    assert actions(run(have, {"id": B, "name": "R"}, {"name": "S"})) == [("R", "updated"), ("S", "created")]
    assert have.names == ["R", "S"]


def test_its_name_is_refused_elsewhere():
    """By its id and the name that it is to have, a person finishes it by hand."""
    for wrong in ({"name": BESIDE}, {"name": "R", "previous_names": [BESIDE]}):
        with pytest.raises(ValidationError, match="to finish it by hand, give its id and the name that it is to have"):
            definition_from(wrong)
    assert definition_from({"name": f"R (replaces {DEFAULT_ID})"}).name
    have = unfinished()
    assert "is an unfinished replacement; to finish it by hand, give name, too" in outcome(have, {"id": B})["msg"]
    assert one(have, {"id": B, "name": "Q"})["action"] == "updated"
    assert have.names == ["Q", "R"]


def test_what_has_only_such_a_name():
    """One that claims to replace itself, another such one or the built-in runtime is like any other runtime."""
    for name, identity in ((f"R (replaces {B})", B), (f"R (replaces {DEFAULT_ID})", B), (f"R (replaces {C})", B)):
        have = holding(R=A, **{name: identity, f"S (replaces {A})": C}).seed_scripts(load=C)
        assert run(have, {"name": "S"}, purge=True)["summary"]["failed"] == 0
        assert name not in have.names


@pytest.mark.parametrize(
    ("entry", "names"),
    [
        ({"name": "R"}, ["R"]),
        ({"name": "R", "replace_on_change": ["name", "others"]}, ["R"]),
        ({"name": "Q", "previous_names": ["R"], "others": "x"}, ["Q"]),
        ({"name": "Q", "previous_names": ["P", "R"], "replace_on_change": True}, ["Q"]),
        (UPGRADE, ["R"]),
        ({**BACK, "replace_on_change": True}, ["R"]),
        ({"name": "R", "state": "absent"}, []),
        ({"name": "Q"}, ["Q", BESIDE]),
    ],
)
@pytest.mark.parametrize("dangling", [False, True])
def test_finished_after_the_commit(entry, names, dangling):
    """The runtime that it replaces is gone: it is the runtime of the definition that means its name."""
    have = unfinished(A if dangling else B).seed_scripts(load=A if dangling else B)
    del have.runtimes[A]
    predicted, done = both(have, entry)
    assert [predicted[key] for key in ("plan_id", "summary")] == [done[key] for key in ("plan_id", "summary")]
    assert (have.names, done["summary"]["failed"]) == (names, 0)
    if names in (["R"], ["Q"]):
        assert have.scripts == {"load": have.id}
        assert (have.id == B) is (entry != {**BACK, "replace_on_change": True})
    assert run(have, entry)["changed"] is False


@pytest.mark.parametrize(
    ("used", "method", "says"),
    [
        (A, "PUT", "script 'load' in project 'Sales' was not moved"),
        (B, "GET", f"keeps its name, because not every script that may still name {A} could be read"),
    ],
)
def test_mark_that_stays_after_the_commit(used, method, says):
    """As long as a script may name the runtime that is gone."""
    have = unfinished(used).seed_scripts(load=used)
    del have.runtimes[A]
    have.refusals[f"{method} /scripts/LOAD"] = NO
    assert says in str([run(have, {"name": "R", "others": "x"})["msg"], have.warnings])
    assert have.names == [BESIDE]
    have.refusals.clear()
    run(have, {"name": "R", "others": "x"})
    assert (have.names, have.scripts, have.runtimes[B]["others"]) == (["R"], {"load": B}, "x")


@pytest.mark.parametrize(("used", "chosen"), [({}, B), ({"load": C}, C), ({"load": C, "close": B}, None)])
def test_several_after_the_commit(used, chosen):
    have = holding({"id": B, "name": BESIDE}, {"id": C, "name": f"R (replaces {D})"}).seed_scripts(**used)
    result = outcome(have, {"name": "R"})
    if chosen:
        assert have.runtimes[chosen]["name"] == "R"
        assert len(have.runtimes) == 2
    else:
        assert f"several runtimes are to take the name 'R': {BESIDE!r} ({B}), 'R (replaces {D})' ({C})" in result["msg"]
        assert have.writes == []


@pytest.mark.parametrize("used", [False, True])
def test_after_the_commit_somebody_else_has_the_name(used):
    have = unfinished()
    del have.runtimes[A]
    have.runtimes[C] = stored(id=C, name="R")
    have.seed_scripts(**({"load": B} if used else {}))
    result = outcome(have, {"name": "R", "others": "x"}, purge=True)
    if used:
        assert f"{BESIDE!r} ({B}) is to take the name 'R', which 'R' ({C}) has, and scripts use it" in result["msg"]
        assert have.writes == []
    else:
        assert actions(result) == [("R", "updated"), (BESIDE, "deleted")]


@pytest.mark.parametrize("replaces", [["name"], []])
def test_after_the_commit_it_has_a_previous_name(replaces):
    have = unfinished()
    del have.runtimes[A]
    have.runtimes[C] = stored(id=C, name="Q")
    entry = {"name": "Q", "previous_names": ["R"], "replace_on_change": replaces}
    result = outcome(have, entry)
    if replaces:
        assert (have.names, set(have.scripts.values())) == (["Q"], {C})
    else:
        assert "Add name to replace_on_change, which moves its scripts and deletes it" in result["msg"]
        assert have.writes == []


@pytest.mark.parametrize("how", [{}, {"exclude": ["R"]}, {"exclude": [A]}, {"left_out": [B]}, {"limit": 0}])
@pytest.mark.parametrize("gone", [False, True])
@pytest.mark.parametrize("used", [False, True])
def test_one_that_no_definition_means(how, gone, used):
    """A purge deletes it only if no script uses it, whatever else is set, and says what it leaves."""
    have = unfinished(B)
    have.runtimes[C] = stored(id=C, name="S")
    have.seed_scripts(load=B if used else C)
    if gone:
        del have.runtimes[A]
        have.seed_scripts(load=A if used else C)
    else:
        how = {**how, "exclude": [*how.get("exclude", ()), A]}
    spared = used or "exclude" in how or "left_out" in how
    result = outcome(have, {"name": "S"}, purge=True, **how)
    if "limit" in how and not spared:
        assert f"purge would delete 1 runtime, more than purge_limit 0: {BESIDE!r}" in result["msg"]
        return
    assert (BESIDE in have.names) is spared
    state = "does not exist any more" if gone else "exists"
    assert (f"{BESIDE!r} ({B}) is an unfinished replacement of {A}, which {state}" in str(have.warnings)) is spared
    line = f"Add previous_names: [R] to the definition that it belongs to, or to finish it, apply {{id: {B}, name: R}}"
    assert (line in str(have.warnings)) is (spared and gone)


@pytest.mark.parametrize("used", [False, True])
def test_purge_of_what_it_replaces(used):
    """As long as it stays, so does the runtime that it replaces: otherwise it would take its place, unasked."""
    have = unfinished(B)
    have.runtimes[C] = stored(id=C, name="S")
    have.seed_scripts(load=B if used else C)
    for _night in range(2):
        assert run(have, {"name": "S"}, purge=True)["summary"]["failed"] == 0
        assert have.names == (["R", BESIDE, "S"] if used else ["S"])
    assert (f"The purge spares 'R' ({A}), because {BESIDE!r} ({B}) is to replace it." in str(have.warnings)) is used


def test_scripts_go_back_to_what_was_deleted_meanwhile():
    """Another run has finished: the scripts follow it."""
    have = unfinished()
    have.runtimes[B]["others"] = "x"
    have.fail("PUT", meanwhile=lambda: have.runtimes.pop(A))
    message = run(have, {**UPGRADE, "others": "y"})["msg"]
    assert f"'R' ({A}) was deleted meanwhile, so {BESIDE!r} ({B}), which replaces it, was left as it is." in message
    assert set(have.scripts.values()) == {B}


def test_unknown_whether_the_old_one_exists():
    """An incomplete list and a failed read prove nothing: nothing is recovered, and the entry fails."""
    have = unfinished()
    del have.runtimes[A]
    have.refusals[f"GET /runtimes/{A}"] = refusal(403)
    for entry in ({"name": "R"}, {"name": "Q", "previous_names": ["R"]}, {"name": "R", "state": "absent"}):
        message = outcome(have, entry, {"name": "other"}, purge=True)["msg"]
        assert f"whether the runtime {A} still exists, which {BESIDE!r} ({B}) replaces" in message
        assert f"if it does not, apply {{id: {B}, name: R}}" in message
        assert BESIDE in have.names


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
        if call == LIST and have.requests.count(LIST) == 3:
            raise refusal(500, "ERR001", "no list")
        return data

    have.rewrite = rewrite
    message = run(have, UPGRADE, purge=True)["runtimes"][0]["error"]["msg"]
    assert "runtime_version '3.11.0' instead of '3.12.1'" in message
    assert f"The old runtime 'R' ({A}) stays in use. {BESIDE!r} was not deleted. Could not" in message
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
    assert "Another run has replaced it." in result["msg"]


def test_colleague_takes_the_name_meanwhile():
    """While a runtime is replaced, somebody creates a second one of its name: the old one is kept."""
    have = holding(R=A).seed_scripts(load=A)
    have.switch(duplicate_names="allow")
    have.fail("PUT", meanwhile=lambda: have.add(stored(id=C, name="R")))
    message = run(have, UPGRADE)["msg"]
    assert f"'R' ({C}) has the name of 'R' ({A}) by now. The old runtime 'R' ({A}) stays in use." in message
    assert (sorted(have.runtimes), have.scripts) == ([A, C], {"load": A})


def test_colleague_renames_between_list_and_read():
    have = holding(R={"id": A, "others": "x"}, S=B)
    have.list_only("id", "name", "runtimeVersion", "status", "packages")
    have.fail("GET", turn=2, meanwhile=lambda: have.runtimes[A].update(name="Q"))
    assert f"'R' ({A}) was renamed to 'Q' after the list was read" in outcome(have, UPGRADE, {"name": "S"})["msg"]
    assert have.names == ["Q", "S"]


def test_server_stores_a_different_name():
    """What it replaces could not be seen from that name, so it is deleted at once."""
    have = holding(R=A).seed_scripts(load=A)
    have.alter = lambda runtime: runtime.update(name=runtime["name"][:20])
    message = run(have, UPGRADE)["msg"]
    assert f"The server stored the name '{BESIDE[:20]}' instead of {BESIDE!r}" in message
    assert (list(have.runtimes), have.scripts) == ([A], {"load": A})


def test_scripts_that_cannot_be_read_after_the_commit():
    """The name stays, which says what is missing, and the next run assigns the script that came last."""
    have = holding(R=A).seed_scripts(load=A)

    def end():
        have.seed_scripts(load=A)
        have.refusals["GET /projects"] = refusal(403)

    have.fail("DELETE", meanwhile=end)
    message = run(have, UPGRADE)["msg"]
    assert f"'R' ({A}) is deleted, and {BESIDE!r}" in message
    assert message.endswith("keeps its name. The next run finishes the replacement.")
    have.refusals.clear()
    assert actions(run(have, UPGRADE)) == [("R", "updated")]
    assert (have.names, have.scripts) == (["R"], {"load": have.id})


@pytest.mark.parametrize("entry", [UPGRADE, {"name": "Q", "previous_names": ["R"]}])
def test_namesake_after_a_rename(entry):
    have = holding(R=A)
    have.switch(duplicate_names="allow")
    have.fail("PATCH", meanwhile=lambda: have.add(stored(id=C, name=entry["name"])))
    assert run(have, entry)["summary"]["failed"] == 0
    assert any(text.startswith(f"Several runtimes now have the name {entry['name']!r}: ") for text in have.warnings)


@pytest.mark.parametrize("listed", [False, True])
def test_secret_of_a_script_that_would_be_moved(listed):
    """What is read of it may be a mask, so the script is only moved, without its variables, if the task names it."""
    have = holding(R=A).seed_scripts(load=A)
    next(iter(have.core.projects)).scripts[0].variables = [{"name": "key", "type": 4, "value": "*"}]
    how = {"scripts": [assigned("load", "R")]} if listed else {}
    result = outcome(have, UPGRADE, **how)
    assert (have.scripts["load"] == A) is not listed
    assert (
        listed
        or "script 'load' in project 'Sales' would be moved, and a variable there holds a secret" in result["msg"]
    )
    assert listed or have.writes == []


@pytest.mark.parametrize("stage", ["POST", "PUT", "PATCH"])
def test_signal_undoes_nothing(stage):
    have = holding(R=A).seed_scripts(load=A, close=A)
    answer = have.send

    def send(call, on_late_response=None):
        if call.method == stage and "Searches" not in call.path:
            have.stopped = True
            raise stopped(in_flight=True)
        if getattr(have, "stopped", False) and not call.timeout:
            raise stopped(in_flight=False)
        return answer(call, on_late_response)

    have.send = send
    run(have, UPGRADE)
    have.send = answer
    assert "DELETE" not in str(have.writes) or stage == "PATCH"
    assert set(have.scripts.values()) <= set(have.runtimes)
    assert actions(run(have, UPGRADE)) == [("R", "updated" if stage == "PATCH" else "replaced")]
    assert (have.names, set(have.scripts.values())) == (["R"], {have.id})


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
def test_undone_if_nothing_is_replaced(entry, purge):
    have = unfinished()
    if "previous_names" in entry:
        have.runtimes[C] = stored(id=C, name="Old")
        have.seed_scripts(load=B, close=C)
    predicted, done = both(have, entry, purge=purge)
    assert have.scripts == {"load": A, "close": A}
    assert ("load", "moved") in moves(done)
    assert [predicted[key] for key in ("plan_id", "summary")] == [done[key] for key in ("plan_id", "summary")]
    assert have.names == ["R"]
    assert (BESIDE, "deleted") in [(row["name"], row["action"]) for row in done["runtimes"]]
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
        with pytest.raises(MstrError, match=rf"'R \(replaces A+\)' \({B}\) is used by 1 script"):
            run(have, *entries)
    have.seed_scripts(load=A)
    have.refusals["GET /projects"] = refusal(403)
    assert actions(run(have, absent)) == [(BESIDE, "deleted")]


@pytest.mark.parametrize("entry", [BACK, {"name": "R", "state": "absent"}, UPGRADE])
def test_unread_scripts_of_an_unfinished_one(entry):
    """What it replaces is neither replaced nor deleted; other fields are applied."""
    have = unfinished()
    have.refusals["GET /scripts/LOAD"] = NO
    result = outcome(have, entry)
    assert have.names == ["R", BESIDE]
    assert ("deleted" in str(have.writes)) is False
    assert (result["changed"], "be read" in str([result["msg"], *have.warnings])) == (False, True)


@pytest.mark.parametrize("status", [500, 403, 502])
def test_scripts_go_back_only_to_what_exists(status):
    have = unfinished(A)
    have.refusals[f"DELETE /runtimes/{A}"] = NO
    have.refusals[f"GET /runtimes/{A}"] = refusal(status, "ERR0017", "no")
    result = run(have, UPGRADE)
    assert set(have.scripts.values()) == {B}
    assert "stays in use" not in result["msg"]
    assert f"The old runtime 'R' ({A}) may not exist any more; check it." in result["msg"]


def test_outage_undoes_nothing():
    """The server is given up before the old runtime is deleted. The next run goes on."""
    have = holding(R=A).seed_scripts(load=A)
    answer = have.send

    def send(call, on_late_response=None):
        have.given_up = have.given_up or ("it does not answer" if call.method == "DELETE" else "")
        if have.given_up and not call.polling:
            raise ConnectError(f"Not tried, because {have.given_up}.")
        return answer(call, on_late_response)

    have.send = send
    result = run(have, UPGRADE)
    assert "The next run goes on with it or undoes it." in result["msg"]
    have.send, have.given_up = answer, ""
    assert set(have.scripts.values()) == set(have.runtimes) - {A}
    run(have, UPGRADE)
    assert (have.names, set(have.scripts.values())) == (["R"], {have.id})


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
    have = unfinished(A)
    have.refusals[f"DELETE /runtimes/{A}"] = NO
    failed = one(have, UPGRADE)
    assert (failed["changed"], failed["action"], failed["id"]) == (True, "none", A)
    assert [row["name"] for row in failed["replaced"]] == [BESIDE]
    have.refusals.clear()
    done = one(have, UPGRADE)
    assert (done["action"], [row["id"] for row in done["replaced"]]) == ("replaced", [A])
    assert done["replaced"][0]["runtime"]["runtime_version"] == "3.10.5"


def test_one_runtime_says_what_was_undone():
    have = unfinished()
    predicted, done = one(have, BACK, check_mode=True), one(have, BACK)
    assert done["msg"].endswith(f" is already as requested. Undid the unfinished replacement {BESIDE!r} ({B}).")
    assert "Would undo the unfinished replacement" in predicted["msg"]
    for result in (predicted, done):
        assert (result["changed"], result["action"]) == (True, "none")
        assert [each["name"] for each in result["replaced"]] == [BESIDE]
        assert [bool(each["before"]) for each in result["diff"]] == [True, True]
        assert moves(result) == [("load", "moved")]


def test_one_runtime_is_returned_whole():
    have = holding(R={"id": A, "whitelist": ["10.0.0.0/8"]})
    have.list_only("id", "name", "execTimeout")
    result = one(have, {"name": "R", "exec_timeout": 600})
    assert (result["changed"], result["runtime"]["whitelist"]) == (False, ["10.0.0.0/8"])
    assert have.requests == [LIST, f"GET /runtimes/{A}"]
