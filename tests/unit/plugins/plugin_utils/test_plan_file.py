"""The file of an approved plan: what is written is read back, and everything else ends in a sentence."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils._reports.plan_file import (
    FORMAT,
    plan_of,
    plan_text,
    refusal,
)

AN_ID = "0123456789abcdef01234567"


def report(environment, plan_id=AN_ID, **more):
    return {"environment": environment, "plan_id": plan_id, "message": None, "lines": ["x"], **more}


def test_the_file_has_what_a_person_approves():
    """It is sorted."""
    content = json.loads(plan_text([report("b"), report("a", summary={"created": 1})], "2026-11-26T12:00:00+00:00"))
    assert [environment["environment"] for environment in content["environments"]] == ["a", "b"]
    shown = "changes environment message outcome plan_id scripts server summary warnings"
    assert " ".join(sorted(content["environments"][0])) == shown
    assert content["format"] == FORMAT
    assert content["generated"] == "2026-11-26T12:00:00+00:00"
    assert content["collection"].startswith("mstr.library 1.")


FAILED = report("production", None, message="Could not log in.")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not a plan: it is not JSON"),
        ("[" * 100_000, "is nested too deeply"),
        ("[]", "is not a plan; write one"),
        ('{"format": "1", "environments": []}', "is not a plan; write one"),
        ('{"format": 1}', "is not a plan; write one"),
        ('{"format": true, "environments": []}', "is not a plan; write one"),
        ('{"format": 0, "environments": []}', "is not a plan; write one"),
        (json.dumps({"format": FORMAT + 1, "environments": []}), f"has the format {FORMAT + 1}, and this collection"),
        (plan_text([report("other")], "now"), "has no plan for production, so nothing was changed there"),
        (plan_text([report("production")] * 2, "now"), "has more than one plan for production"),
        (plan_text([FAILED], "now"), "has no plan for production, because its check failed: Could not log in."),
    ],
    ids=lambda text: text[:30],
)
def test_a_file_without_a_plan_says_why(text, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        plan_of(text, "production")


def test_a_plan_is_for_one_server():
    """A host name that stands for a different server by now does not get the plan."""
    checked, other = "https://old.example.com/L", "https://new.example.com/L"
    text = plan_text([report("production", server=checked)], "now")
    assert plan_of(text, "production", checked)["plan_id"] == AN_ID
    with pytest.raises(ValueError, match=f"on the server {checked}, and production is now {other}, so nothing was"):
        plan_of(text, "production", other)


def field(name, before, after):
    return {"field": name, "before": before, "after": after}


def row(name, action="updated", fields=(), **more):
    return {"name": name, "id": "A" * 32, "action": action, "fields": list(fields), "error": None, **more}


def script(after, identity=None):
    before, target = {"id": "A" * 32, "name": "old"}, {"id": identity, "name": after}
    return {"name": "Load", "id": "5C", "project": None, "action": "moved", "before": before, "after": target}


UPDATE = row("A", fields=[field("exec_timeout", 600, 900)])
CREATE = row("B", "created", [field("name", None, "B"), field("exec_timeout", None, 60)], id=None)
DELETE = row("C", "deleted", definition={"whitelist": ["10.0.0.0/8"]})
REPLACE = row("D", "replaced", [field("runtime_version", "3.10", "3.12"), field("id", "A" * 32, None)])
APPROVED = [UPDATE, CREATE, DELETE, REPLACE]


def why(approved, now, identity=AN_ID, scripts=((), ())):
    """Why the plan of now is refused, with the approved plan as its file has it."""
    was, are = scripts
    plan = plan_of(plan_text([report("prod", changes=approved, scripts=list(was))], "now"), "prod")
    return refusal(plan, report("prod", identity, changes=now, scripts=list(are)))


def test_the_approved_plan_holds():
    """Or nothing is left to change."""
    assert why(APPROVED, APPROVED[::-1]) is None
    assert why(APPROVED, [], "0" * 24) is None


UPDATED = "'A' differs: exec_timeout 600 → 900"
OPENED = field("whitelist", [], ["0.0.0.0/0"])
GONE = {"definition": {"whitelist": ["0.0.0.0/0"]}}
CREATED = [field("name", None, "B"), field("exec_timeout", None, 7200)]


@pytest.mark.parametrize(
    ("now", "approved", "is_now"),
    [
        (row("A", fields=[field("exec_timeout", 700, 900)]), UPDATED, "'A' differs: exec_timeout 700 → 900"),
        (row("A", fields=[*UPDATE["fields"], OPENED]), "'A' differs", "'A' differs: whitelist +0.0.0.0/0"),
        (row("A", "deleted", definition={"exec_timeout": 600}), UPDATED, "'A' would be deleted: exec_timeout 600"),
        (row("A", "failed", error="no"), UPDATED, "'A' failed: no"),
        (row("B", "created", CREATED, id=None), "'B' would be created: exec", "'B' would be created: exec"),
        ({**CREATE, "smoke_test": "import os"}, "'B' would be created", "'B' would be created: smoke_test import os"),
        (row("C", "deleted", **GONE), "'C' would be deleted: whitelist 10", "'C' would be deleted: whitelist 0.0"),
        (row("D", fields=[field("name", "X", "D")]), "'D' would be replaced: runtime_", "'D' differs: name 'X' → 'D'"),
        (row("E", "deleted", definition={}), "no change of 'E'", "'E' would be deleted"),
    ],
)
def test_only_what_differs_is_said(now, approved, is_now):
    """Of many approved changes, the one that is different now, approved beside now."""
    others = [entry for entry in APPROVED if entry["name"] != now["name"]]
    first, was, differs, *_missing, last = why(APPROVED, [*others, now], "0" * 24).splitlines()
    assert first == f"The plan is different from the approved one ({AN_ID}). Nothing was written. What differs:"
    assert was.startswith(f"approved: {approved}")
    assert differs.startswith(f"now: {is_now}")
    assert last.startswith("Start the playbook again with --check")


def test_deletions_come_first_and_all_of_them():
    now = [*(row(f"u{number}") for number in range(30)), *(row(f"d{number}", "deleted") for number in range(30))]
    lines = why([], now, "0" * 24).splitlines()
    assert sum("would be deleted" in line for line in lines) == 30
    assert "would be deleted" in lines[2]
    assert lines[-2] == "And 10 more."


def test_what_is_missing_is_said():
    """A part of the approved plan is another plan."""
    lines = why(APPROVED, [UPDATE], "0" * 24).splitlines()
    assert lines[1:-1] == [
        "no longer in the plan: 'B' would be created: name (not set) → 'B'; exec_timeout (not set) → 60",
        "no longer in the plan: 'C' would be deleted: whitelist 10.0.0.0/8",
        f"no longer in the plan: 'D' would be replaced: runtime_version '3.10' → '3.12'; id '{'A' * 32}' → (not set)",
    ]


def test_scripts_are_part_of_what_is_approved():
    lines = why([], [], "0" * 24, ([script("new")], [script("other")])).splitlines()
    assert lines[1:3] == [
        "approved: script 'Load' would use 'new' instead of 'old'",
        "now: script 'Load' would use 'other' instead of 'old'",
    ]
