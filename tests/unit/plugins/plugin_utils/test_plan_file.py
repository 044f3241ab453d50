"""The file of an approved plan: what is written is read back, and everything else ends in a sentence."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils._reports.environment import EnvironmentReport
from ansible_collections.mstr.library.plugins.plugin_utils._reports.plan_file import (
    FORMAT,
    ApprovedPlan,
    differences_of,
    plan_of,
    plan_text,
    refusal,
)

AN_ID = "0123456789abcdef01234567"
A = "A" * 32


def environment(name, plan_id=AN_ID, **more):
    return EnvironmentReport(name, "drift", plan_id=plan_id, **more)


def written(*environments, **not_reached):
    return plan_text(environments, not_reached, "2026-11-26T12:00:00+00:00")


def test_the_file_has_what_a_person_approves():
    """It is sorted, and says why an environment has no plan."""
    content = json.loads(written(environment("b"), environment("a"), c="it is down"))
    entries = content["environments"]
    assert [entry["environment"] for entry in entries] == ["a", "b", "c"]
    assert sorted(entries[0]) == ["differences", "environment", "message", "plan_id", "server", "summary"]
    assert entries[2]["message"] == "it was not reached: it is down"
    assert (content["format"], content["generated"]) == (FORMAT, "2026-11-26T12:00:00+00:00")
    assert content["collection"].startswith("mstr.library 1.")


def damaged(**changes):
    """A plan for production that somebody has edited."""
    entry = {"environment": "production", "plan_id": "x", "differences": [], **changes}
    return json.dumps({"format": FORMAT, "environments": [entry]})


FAILED = environment("production", None, message="Could not log in.")


NO_PLAN = "has no plan for production, "
DIFFERENCES = "is not a plan: the differences of production cannot be read"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not a plan: it is not JSON"),
        ("[]", "is not a plan in format 1; write one"),
        ('{"format": 2, "environments": []}', "is not a plan in format 1; write one"),
        ('{"format": 1}', "is not a plan: it has no list of environments"),
        ('{"format": 1, "environments": [1]}', "is not a plan: environments[0] has no name (environment)"),
        (damaged(environment=None), f"{NO_PLAN}so nothing was changed there"),
        (damaged(plan_id=None), f"{NO_PLAN}because its check failed: it has no plan_id"),
        (damaged(differences=1), DIFFERENCES),
        (damaged(differences=[{"runtime": "R"}]), DIFFERENCES),
        (written(environment("other")), f"{NO_PLAN}so nothing was changed there"),
        (written(*[environment("production")] * 2), "has more than one plan for production"),
        (written(FAILED), f"{NO_PLAN}because its check failed: Could not log in."),
    ],
    ids=lambda text: text[:30],
)
def test_a_file_without_a_plan_says_why(text, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        plan_of(text, "production")


def test_a_plan_is_for_one_server():
    """A host name that stands for a different server by now does not get the plan."""
    checked, other = "https://old.example.com/L", "https://new.example.com/L"
    text = written(environment("production", server=checked))
    assert plan_of(text, "production", checked).plan_id == AN_ID
    with pytest.raises(ValueError, match=f"for production: approved for {checked}, now it is {other}. Nothing"):
        plan_of(text, "production", other)


def change(name, action="updated", *fields, **more):
    values = [{"field": field, "before": before, "after": after} for field, before, after in fields]
    known = {"name": name, "id": A, "action": action, "fields": values, "error": None}
    return {**known, "smoke_test": None, "definition": {}, **more}


def script(after):
    before, target = {"id": A, "name": "old"}, {"id": None, "name": after}
    return {"name": "Load", "id": "5C", "project": None, "action": "moved", "before": before, "after": target}


def differences(*changes, scripts=()):
    return differences_of(environment("prod", changes=changes, scripts=scripts))


def lines(approved, now):
    """What is said of a plan that is different, with the approved one as its file has it."""
    plan = plan_of(written(environment("prod", changes=approved)), "prod")
    first, *differing, last = refusal(plan, differences(*now)).splitlines()
    assert first == f"The plan is different from the approved one ({AN_ID}). Nothing was written. What differs:"
    assert last.startswith("Start the playbook again with --check")
    return differing


def update(before):
    return change("A", "updated", ("exec_timeout", before, 900))


def delete(network):
    return change("C", "deleted", definition={"whitelist": [network]})


CREATE = change("B", "created", ("exec_timeout", None, 60), id=None)
APPROVED = [update(600), CREATE, delete("10.0.0.0/8")]
UPDATE_600 = "approved: 'A' differs: exec_timeout 600 → 900"
DELETE_10 = "approved: 'C' would be deleted: whitelist 10.0.0.0/8"


@pytest.mark.parametrize(
    ("now", "differing"),
    [
        (update(700), [UPDATE_600, "now: 'A' differs: exec_timeout 700 → 900"]),
        (
            change("A", "deleted", definition={"exec_timeout": 600}),
            ["now: 'A' would be deleted: exec_timeout 600", UPDATE_600],
        ),
        (change("A", "failed", error="no"), ["now: 'A' failed: no", UPDATE_600]),
        ({**CREATE, "smoke_test": "1"}, ["now: 'B' would be created; would be created: smoke_test (not set) → '1'"]),
        (delete("0.0.0.0/0"), [DELETE_10, "now: 'C' would be deleted: whitelist 0.0.0.0/0"]),
    ],
)
def test_only_what_differs_is_said(now, differing):
    """Of many approved changes, the one that is different now, approved beside now."""
    assert lines(APPROVED, [*(entry for entry in APPROVED if entry["name"] != now["name"]), now]) == differing


def test_deletions_come_first_and_all_of_them():
    now = [change(f"u{number}", "updated", ("others", "", "x")) for number in range(30)]
    found = lines([], [*now, *(change(f"z{number}", "deleted") for number in range(30))])
    assert all("would be deleted" in line for line in found[:30])
    assert found[-1] == "And 10 more."
    assert len(found) == 51


def test_what_is_missing_is_said():
    """A part of the approved plan is a different plan."""
    assert lines(APPROVED, APPROVED[:2]) == [DELETE_10]


def test_scripts_are_part_of_what_is_approved():
    approved = ApprovedPlan(AN_ID, differences(scripts=[script("new")]))
    assert refusal(approved, differences(scripts=[script("other")])).splitlines()[1:3] == [
        "approved: script 'Load' would use 'new' instead of 'old'",
        "now: script 'Load' would use 'other' instead of 'old'",
    ]
