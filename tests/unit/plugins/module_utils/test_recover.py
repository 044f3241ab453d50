"""What earlier runs left: refused, until a person decides; then undone or finished before everything else."""

from __future__ import annotations

import json
import re
import shlex

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import PartialError, ValidationError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._work import script_runtime
from ansible_collections.mstr.library.plugins.module_utils._work.api import Inputs, Waiting
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import ensure_one
from unit.support.make import DEFAULT_ID, refusal, stored
from unit.support.many import (
    BESIDE,
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
    move,
    moves,
    outcome,
    run,
    summary,
)

BACK = {"name": "R", "runtime_version": "3.10.5"}
RECOVER = {"recover": True}
# Definitions that mean the name or the runtime of the unfinished replacement
MEANING = [
    UPGRADE,
    BACK,
    {"name": "R", "state": "absent"},
    {"name": "Q", "previous_names": ["R"]},
    {"id": A, "others": "x"},
]


def unfinished(used=B, **more):
    """A server where a run was interrupted after it had assigned a script."""
    have = holding(R=A, **{BESIDE: {"id": B, "runtimeVersion": "3.12.1", **more}})
    return have.seed_scripts(load=used, close=A)


def committed(used=B):
    """A server where a run was interrupted after it had deleted the old runtime; a script may still name that one."""
    have = unfinished().seed_scripts(load=used)
    del have.runtimes[A]
    return have


def one(have, entry, **options):
    """What mstr_runtime returns, of a task that fails, too."""
    inputs = Inputs([definition_from(entry)], waiting=Waiting(300.0, 0.0), recover=options.pop("recover", False))
    try:
        return ensure_one(have.task(**options), inputs)
    except PartialError as exc:
        return exc.to_result()


def as_state(have):
    return {key: runtime["name"] for key, runtime in have.runtimes.items()}, have.scripts


# --- refuse


@pytest.mark.parametrize("entry", MEANING)
@pytest.mark.parametrize("check_mode", [True, False])
def test_refused_until_somebody_decides(entry, check_mode):
    """Nothing of it is written; other definitions go on, but nothing is purged."""
    have = unfinished()
    have.runtimes[C] = stored(id=C, name="unlisted")
    have.runtimes._by_id()[B].created = "2026-11-30T04:15:00.000+0000"
    before = as_state(have)
    result = run(have, entry, {"name": "other"}, purge=True, check_mode=check_mode)
    text = result["runtimes"][0]["error"]["msg"]
    assert text.startswith(
        f"{BESIDE!r} ({B}), created 2026-11-30T04:15:00.000+0000, is an unfinished replacement of 'R' ({A}), which "
        "exists. Another run may be at work, or one died. If none is at work, set recover: true, or run ansible "
    )
    assert actions(result) == [(entry.get("name"), "failed"), ("other", "created")]
    assert have.writes == ([] if check_mode else ["POST /runtimes"])
    assert {**as_state(have)[0], **before[0]} == as_state(have)[0]


def by_hand(have, text):
    """Do what the commands in a message do."""
    commands = re.findall(
        r"ansible localhost -m mstr\.library\.(\w+) -a ('.*?')(?= && | to (?:undo|finish) it by hand)", text
    )
    assert text.rstrip(".").endswith((" it by hand", " under a different name")), (
        "no full stop is copied with a command"
    )
    assert [module for module, _options in commands] == ["mstr_script_runtime", "mstr_runtime"]
    scripts, definition = (json.loads(shlex.split(options)[0]) for _module, options in commands)
    given = {**dict.fromkeys(script_runtime.OPTIONS), **scripts}
    script_runtime.assign_scripts(have.context(), script_runtime.script_inputs_from(given))
    one(have, definition)


@pytest.mark.parametrize("name", ["R", 'It\'s "R" & Co'])
@pytest.mark.parametrize("is_gone", [False, True])
def test_the_commands_that_a_message_prints(name, is_gone):
    """With scripts on both, before and after the commit, they leave what `recover` leaves."""

    def left():
        have = holding(**{name: A, f"{name} (replaces {A})": B}).seed_scripts(load=B, close=A)
        if is_gone:
            del have.runtimes[A]
        return have

    have, other = left(), left()
    by_hand(have, outcome(have, {"name": name})["msg"])
    run(other, {"name": name}, **RECOVER)
    assert as_state(have) == as_state(other)
    assert as_state(have) == ({B if is_gone else A: name}, dict.fromkeys(("load", "close"), B if is_gone else A))


def test_the_commands_for_a_name_that_is_taken():
    """No script stays on the runtime that is gone."""
    have = holding(**{"R": C, BESIDE: B}).seed_scripts(load=A)
    by_hand(have, outcome(have, {"name": "R"}, **RECOVER)["msg"])
    assert (have.names, have.scripts) == (["R", "R 2"], {"load": B})


def test_its_own_id_is_a_remedy():
    have = unfinished()
    assert one(have, {"id": B, "name": "Q"})["action"] == "updated"
    assert have.names == ["Q", "R"]
    have = unfinished(A)
    assert one(have, {"id": B, "state": "absent"})["action"] == "deleted"
    assert have.requests.count("GET /runtimes") == 0


def test_an_id_to_delete_decides():
    """The name beside it is not looked at, so it is no reason to refuse the entry."""
    have = unfinished()
    have.runtimes[C] = stored(id=C, name="x")
    assert one(have, {"id": C, "name": "R", "state": "absent"})["action"] == "deleted"
    assert run(have, {"id": C, "name": "R", "state": "absent"})["summary"] == summary(unchanged=1)


@pytest.mark.parametrize("more", [{}, {"restore": True}])
def test_an_id_that_the_recovery_deletes(more):
    """Two entries that want the opposite: the one that names what is deleted is refused, in check mode, too."""
    have = unfinished()
    entries = [{"id": A, "name": "V"}, {"id": B, "name": "U"}]
    predicted, result = both(have, *entries, recover=True, **more)
    assert predicted["summary"] == result["summary"] == summary(updated=1, deleted=1, moved=1, failed=1)
    assert "which recover deletes. Remove this entry" in result["runtimes"][1]["error"]["msg"]
    assert have.names == ["V"]


def test_its_name_is_refused():
    """Nobody may define a runtime of this form; a name that only looks like it is a plain name."""
    for wrong in ({"name": BESIDE}, {"name": "R", "previous_names": [BESIDE]}):
        with pytest.raises(ValidationError, match="write the name that it is to have, and set recover: true"):
            definition_from(wrong)
    assert definition_from({"name": f"R (replaces {DEFAULT_ID})"}).name
    for name, identity in ((f"R (replaces {B})", B), (f"R (replaces {DEFAULT_ID})", B), (f"R (replaces {C})", B)):
        have = holding(R=A, **{name: identity, f"S (replaces {D})": C})
        assert run(have, {"name": "R"}, purge=True)["summary"]["failed"] == 0
        assert name not in have.names


@pytest.mark.parametrize("is_gone", [False, True])
def test_purge_spares_both_and_names_them(is_gone):
    have = committed() if is_gone else unfinished()
    have.runtimes[C] = stored(id=C, name="S")
    have.runtimes[D] = stored(id=D, name="x")
    for _night in range(2):
        result = run(have, {"name": "S"}, purge=True)
        assert (result["summary"]["failed"], "x" in have.names) == (0, False)
    assert BESIDE in have.names
    assert f"{BESIDE!r} ({B}), an unfinished replacement of {A}" in have.warnings[0]
    assert (f"'R' ({A}), which {BESIDE!r} ({B}) is to replace" in have.warnings[0]) is not is_gone


def test_purge_spares_what_another_run_begins_to_replace():
    have = holding(a=A, R=B)
    have.fail("POST", meanwhile=lambda: have.add(stored(id=C, name=f"R (replaces {B})")))
    result = run(have, {"name": "a"}, {"name": "new"}, purge=True)
    assert f"'R (replaces {B})' ({C}) is to replace it" in result["msg"]
    assert B in have.runtimes


# --- recover


@pytest.mark.parametrize("entry", MEANING[:2] + MEANING[3:])
@pytest.mark.parametrize("purge", [False, True])
def test_undone_and_then_as_defined(entry, purge):
    """The definitions are planned on the server as it is after that: check mode, run, plan id and rows are equal."""
    have = unfinished()
    predicted, done = both(have, entry, purge=purge, **RECOVER)
    for key in ("plan_id", "summary"):
        assert predicted[key] == done[key]
    assert (BESIDE, "deleted") in actions(done)
    assert (done["changed"], done["summary"]["failed"]) == (True, 0)
    assert set(have.scripts.values()) == set(have.runtimes)
    assert have.names == [entry.get("name", "R")]
    assert run(have, entry, purge=purge)["changed"] is False


@pytest.mark.parametrize("used", [A, B])
@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ({"name": "R", "others": "x"}, "R"),
        ({"name": "Q", "previous_names": ["R"]}, "Q"),
        ({**UPGRADE, "runtime_version": "3.13.1"}, "R"),
        (UPGRADE, "R"),
        ({"name": "R", "state": "absent"}, None),
    ],
)
@pytest.mark.parametrize("omitted", ["", "status,version"])
def test_finished_and_then_as_defined(omitted, used, entry, name):
    """Scripts that still name the runtime that is gone follow first."""
    have = committed(used)
    have.switch(list_omits=omitted)
    predicted, done = both(have, entry, **RECOVER)
    for key in ("plan_id", "summary"):
        assert predicted[key] == done[key]
    assert have.names == ([name] if name else [])
    assert done["summary"]["updated"] >= 1
    assert not name or set(have.scripts.values()) == set(have.runtimes)
    assert run(have, entry)["changed"] is False


@pytest.mark.parametrize(("used", "chosen"), [({}, B), ({"load": C}, C), ({"load": C, "close": B}, None)])
def test_several_of_one_that_is_gone(used, chosen):
    have = holding({"id": B, "name": BESIDE}, {"id": C, "name": f"Q (replaces {A})"}).seed_scripts(**used)
    result = outcome(have, {"name": "R"}, {"name": "Q"}, **RECOVER)
    if chosen:
        assert have.runtimes[chosen]["name"] == ("R" if chosen == B else "Q")
        assert len(have.runtimes) == 2, "the other one is deleted, and its definition creates a runtime"
    else:
        assert "scripts use several unfinished replacements" in result["msg"]
        assert f"{BESIDE!r} ({B}), 'Q (replaces {A})' ({C})" in result["msg"]
        assert have.writes == []


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda have: have.refusals.update({f"GET /runtimes/{A}": refusal(403)}), "could not be found out whether"),
        (lambda have: have.refusals.update({"GET /scripts/LOAD": NO}), "not every script could be read"),
        (lambda have: have.runtimes.update({C: stored(id=C, name="R")}), f"which 'R' ({C}) has or is to take"),
        (lambda have: have.runtimes.update({C: stored(id=C, name=f"R (replaces {D})")}), "has or is to take"),
    ],
)
def test_what_cannot_be_recovered_is_refused(spoil, why):
    """Nothing of it is written; other definitions go on."""
    have = committed()
    spoil(have)
    result = run(have, {"name": "R"}, {"name": "other"}, **RECOVER)
    assert why in result["msg"]
    assert actions(result) == [("R", "failed"), ("other", "created")]
    assert have.writes == ["POST /runtimes"]


@pytest.mark.parametrize("listed", [False, True])
def test_secret_of_a_script_that_goes_back(listed):
    have = unfinished()
    next(iter(have.core.projects)).scripts[0].variables = [{"name": "key", "type": 4, "value": "*"}]
    how = {"scripts": [assigned("load", "R")]} if listed else {}
    result = outcome(have, BACK, **how, **RECOVER)
    assert (have.scripts["load"] == A) is listed
    assert listed or "would be moved, and a variable there holds a secret" in result["msg"]


@pytest.mark.parametrize(
    ("method", "meanwhile", "why"),
    [
        ("PUT", lambda have: have.runtimes.pop(A), f"The runtime 'R' ({A}) was deleted meanwhile"),
        ("PUT", lambda have: move(have, "close", B), "The script 'close' in project 'Sales' uses"),
        ("PUT", lambda have: have.runtimes[B].update(description="edited", version="9"), "description"),
    ],
)
def test_what_changes_during_a_recovery(method, meanwhile, why):
    """The unfinished replacement is left alone, and what needs its recovery, too."""
    have = unfinished()
    have.fail(method, meanwhile=lambda: meanwhile(have))
    result = run(have, {**BACK, "others": "y"}, **RECOVER)
    assert why in result["msg"]
    assert B in have.runtimes
    assert actions(result)[0][1] == "failed"
    assert not any(call.startswith("PATCH") for call in have.writes)


def test_script_that_comes_last_follows():
    """Somebody assigns one to the unfinished replacement just before it is deleted."""
    have = unfinished()
    have.fail("DELETE", meanwhile=lambda: move(have, "close", B))
    assert run(have, BACK, **RECOVER)["summary"]["failed"] == 0
    assert have.scripts == {"load": A, "close": A}


def test_one_runtime_says_what_was_recovered():
    have = unfinished()
    predicted, done = one(have, BACK, check_mode=True, **RECOVER), one(have, BACK, **RECOVER)
    assert done["msg"].endswith(f" is already as requested. Undid the unfinished replacement {BESIDE!r} ({B}).")
    assert "Would undo the unfinished replacement" in predicted["msg"]
    for result in (predicted, done):
        assert (result["changed"], result["action"], "replaced" in result) == (True, "none", False)
        assert result["recovered"] == [{"id": B, "name": BESIDE, "action": "deleted"}]
        assert [bool(each["before"]) for each in result["diff"]] == [True, True, True]
        assert moves(result) == [("load", "moved")]
    have = committed()
    assert one(have, {"name": "R"}, **RECOVER)["recovered"] == [{"id": B, "name": BESIDE, "action": "updated"}]


def test_the_plan_has_the_recovery():
    """It is approved with everything else, and a different one is refused."""
    have = unfinished()
    planned = run(have, BACK, check_mode=True, **RECOVER)
    assert planned["summary"] == summary(deleted=1, moved=1, unchanged=1)
    assert "The plan is different" in outcome(have, BACK, plan_id="0" * 24, **RECOVER)["msg"]
    have.seed_scripts(load=B, close=B)
    assert "The plan is different" in outcome(have, BACK, plan_id=planned["plan_id"], **RECOVER)["msg"]
    have.seed_scripts(load=B, close=A)
    assert run(have, BACK, plan_id=planned["plan_id"], **RECOVER)["summary"]["failed"] == 0


def test_nothing_to_recover_costs_nothing():
    """Without such a runtime, and with one that no definition means, there is one list and no write."""
    for have in (holding(R=A), holding(R=A, **{f"S (replaces {C})": B})):
        assert run(have, {"name": "R"}, **RECOVER)["changed"] is False
        assert have.requests == ["GET /runtimes"]
