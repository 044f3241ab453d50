"""The file of an approved plan: what is written is read back, and everything else ends in a sentence."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils._reports.plan_file import (
    FORMAT,
    approved_text,
    plan_of,
    plan_text,
)
from hypothesis import given
from hypothesis import strategies as st

AN_ID = "0123456789abcdef01234567"


def report(environment, plan_id=AN_ID, **more):
    return {"environment": environment, "plan_id": plan_id, "message": None, "lines": ["x"], **more}


@given(st.lists(st.text(min_size=1), unique=True, min_size=1))
def test_each_environment_finds_its_own_plan(names):
    reports = [report(name, f"{number:024x}") for number, name in enumerate(names)]
    text = plan_text(reports, "now")
    for number, name in enumerate(names):
        if name.encode("utf-8", "replace").decode() == name:
            assert plan_of(text, name)["plan_id"] == f"{number:024x}"


def test_the_file_is_sorted_and_has_what_a_person_approves():
    content = json.loads(plan_text([report("b"), report("a", summary={"created": 1})], "2026-11-26T12:00:00+00:00"))
    assert [environment["environment"] for environment in content["environments"]] == ["a", "b"]
    shown = {
        "environment",
        "server",
        "plan_id",
        "outcome",
        "message",
        "summary",
        "runtimes",
        "scripts",
        "checksum",
        "warnings",
    }
    assert set(content["environments"][0]) == shown
    assert content["format"] == FORMAT
    assert content["generated"] == "2026-11-26T12:00:00+00:00"
    assert content["collection"].startswith("mstr.library 1.")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not a plan: it is not JSON"),
        ("[" * 100_000, "is not a plan: it is not JSON"),
        ("[]", "is not a plan; write one"),
        ('{"format": "1", "environments": []}', "is not a plan; write one"),
        ('{"format": 1}', "is not a plan; write one"),
        ('{"format": true, "environments": []}', "is not a plan; write one"),
        ('{"format": 0, "environments": []}', "is not a plan; write one"),
        (json.dumps({"format": FORMAT + 1, "environments": []}), f"has the format {FORMAT + 1}, and this collection"),
        (plan_text([report("other")], "now"), "has no plan for production, so nothing was changed there"),
        (plan_text([report("production")] * 2, "now"), "has more than one plan for production"),
        (
            plan_text([report("production", None, message="Could not log in.")], "now"),
            "has no plan for production, because its check failed: Could not log in.",
        ),
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
    edited = json.loads(text)
    edited["environments"][0]["server"] = other
    with pytest.raises(ValueError, match="was edited"):
        plan_of(json.dumps(edited), "production", other)


def test_scripts_are_part_of_what_is_approved():
    moved = {"name": "Load", "action": "moved", "before": {"name": "old"}, "after": {"name": "new"}}
    plan = plan_of(plan_text([report("prod", runtimes=[], scripts=[moved])], "now"), "prod")
    assert "approved was: script 'Load' would use 'new' instead of 'old'" in approved_text(plan)


@pytest.mark.parametrize(
    "edit", [{"runtimes": []}, {"scripts": [{}]}, {"summary": {"deleted": 0}}, {"environment": "production"}]
)
def test_nobody_approves_a_part_by_editing_the_file(edit):
    runtimes = [{"name": "Old \ud800", "action": "deleted", "fields": []}]
    content = json.loads(plan_text([report(edit.get("environment", "prod") + "1", runtimes=runtimes)], "now"))
    [entry] = content["environments"]
    assert plan_of(json.dumps(content, indent=8), entry["environment"])["plan_id"] == AN_ID
    entry.update(edit)
    with pytest.raises(ValueError, match="was edited, so it does not"):
        plan_of(json.dumps(content), entry["environment"])
