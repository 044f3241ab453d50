# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role mstr.library.controller does with objects that differ, that others have made, or that are gone."""

from __future__ import annotations

import json

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils._controller import RECORD, record_of, removals, steps

OWNER = {"prefix": "Library", "stage": "test"}


def made(text="x", **more):
    """The description of an object that the role made."""
    return f"{text}\n{RECORD}{json.dumps({**OWNER, **more}, sort_keys=True)}"


def only(objects, found=None, owner=None, **more):
    (step,) = steps(objects, found or {}, OWNER if owner is None else owner, **more)
    return step


def template(**more):
    wanted = {"name": "t", "description": "x", "project": "p", "credentials": ["c"], **more}
    return {"job_templates": [wanted]}


def found(credentials=(), **more):
    """A controller with one job template, as `template` describes it."""
    thing = {"id": 5, "name": "t", "project": 2, "description": made(credentials=[3])}
    ids = [{"id": each} for each in (3, *credentials)]
    return {
        "projects": [{"id": 2, "name": "p"}],
        "needed": {"credentials": {"c": 3}, "notification_templates": {"mail": 8}},
        "job_templates": [{**thing, "summary_fields": {"credentials": ids}, **more}],
    }


def test_an_object_that_is_as_wanted_needs_no_change():
    step = only(template(), found())

    assert (step["action"], step["taken"]) == ("none", "")


@pytest.mark.parametrize(
    ("wanted", "stored", "differing"),
    [
        ({"forks": 5}, {"forks": 1}, "forks"),
        ({"project": "other"}, {}, "project"),
        ({"description": "y"}, {}, "description"),
        ({"credentials": []}, {}, "description, credentials; remove credentials 3"),
        ({"survey_enabled": True}, {"survey_enabled": False}, "survey_enabled"),
    ],
)
def test_a_difference_is_named(wanted, stored, differing):
    step = only(template(**wanted), found(**stored))

    assert step["action"] == "update"
    assert step["line"] == f"update job template 't': {differing}"


@pytest.mark.parametrize(("wanted", "stored"), [("5", 5), ("True", True), ("", None), (5, 5)])
def test_templates_of_older_releases_make_texts_of_numbers(wanted, stored):
    assert only(template(forks=wanted), found(forks=stored))["action"] == "none"


def test_credentials_notifications_and_questions_of_others_stay():
    mine = {"variable": "mstr_survey_src", "type": "text"}
    theirs, old = {"variable": "ticket"}, {"variable": "mstr_survey_old"}
    spec = {"name": "s", "description": "", "spec": [mine]}
    have = found(credentials=[9], forks=1)
    have["surveys"] = {"5": {**spec, "spec": [theirs, mine, old]}}
    have["associations"] = {"job_templates/5/notification_templates_error": [7]}

    step = only(template(forks=2, survey_spec=spec, notification_templates_error=["mail"]), have)

    assert step["args"]["credentials"] == [3, 9]
    assert step["args"]["notification_templates_error"] == [8, 7]
    assert step["args"]["survey_spec"]["spec"] == [mine, theirs]
    assert step["line"].endswith("; remove question mstr_survey_old")
    assert record_of(step["args"])["notification_templates_error"] == [8]


def test_what_the_role_added_and_no_longer_lists_goes():
    have = found(credentials=[9], description=made(credentials=[3, 9], notification_templates_error=[8]))
    have["associations"] = {"job_templates/5/notification_templates_error": [8, 7]}

    step = only(template(notification_templates_error=[]), have)

    assert (step["args"]["credentials"], step["args"]["notification_templates_error"]) == ([3], [7])
    assert step["line"].endswith("; remove credentials 9, notification_templates_error 8")


def test_links_of_others_stay():
    node = {"workflow_job_template": 4, "id": 1, "identifier": "drift", "failure_nodes": [2], "success_nodes": [3]}
    nodes = [
        node,
        {**node, "id": 2, "identifier": "check", "failure_nodes": []},
        {**node, "id": 3, "identifier": "theirs", "failure_nodes": []},
        # The same identifier in a different workflow.
        {**node, "id": 9, "workflow_job_template": 40},
    ]
    have = {"workflow_job_templates": [{"id": 4, "name": "w"}], "workflow_job_template_nodes": nodes}
    wanted = {"identifier": "drift", "workflow_job_template": "w", "failure_nodes": ["check"]}

    assert only({"workflow_job_template_nodes": [wanted]}, have)["action"] == "none"
    node["failure_nodes"] = [3]
    step = only({"workflow_job_template_nodes": [wanted]}, have)
    assert (step["action"], step["args"]["failure_nodes"]) == ("update", ["check", "theirs"])
    assert "success_nodes" not in step["args"]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("a: 1\nb: 2\n", {"a": 1}, None),
        ("a: 1\nb: 2\n", {"a": 3}, {"a": 3, "b": 2}),
        ("a: 1\nb: 2\n", {}, {"b": 2}),
        ("a: 1\nb: 2\n", None, {"b": 2}),
        ("", {"a": 1}, {"a": 1}),
        ('{"a": 1, "text": "{{ 7 * 7 }}"}', {"a": 2}, {"a": 2, "text": "{{ 7 * 7 }}"}),
    ],
)
def test_variables_of_others_stay(before, now, expected):
    have = {"inventories": [{"id": 6, "name": "i", "variables": before, "description": made(variables=["a"])}]}

    wanted = {"name": "i", "description": "x"} if now is None else {"name": "i", "description": "x", "variables": now}
    step = only({"inventories": [wanted]}, have)

    assert step["args"].get("variables") == expected
    stored = {"variables": json.dumps(expected or now), "description": step["args"]["description"]}
    again = {"inventories": [{**have["inventories"][0], **stored}]}
    assert only({"inventories": [wanted]}, again)["action"] == "none"


@pytest.mark.parametrize(
    ("stored", "given", "differ"),
    [
        ({"u": "a", "p": "$encrypted$"}, {"u": "a", "p": "new"}, False),
        ({"u": "a", "p": "$encrypted$"}, {"u": "b", "p": "$encrypted$"}, True),
        ({"u": "a"}, {"u": "a", "p": "new"}, True),
        ({"u": "a", "p": "$encrypted$"}, {"t": "new"}, True),
    ],
)
def test_a_secret_cannot_differ_and_is_not_shown(stored, given, differ):
    wanted = {"name": "c", "description": "x", "inputs": given, "update_secrets": False}
    have = {"credentials": [{"id": 3, "name": "c", "description": made(), "inputs": stored}]}

    step = only({"credentials": [wanted]}, have)

    assert (step["action"] == "update") == differ
    assert "inputs" not in step["args"]
    assert only({"credentials": [{**wanted, "update_secrets": True}]}, have)["action"] == "update"


@pytest.mark.parametrize(
    ("description", "whose"),
    [
        ("by hand", "was not made by this role"),
        (
            f"x\n{RECORD}" + json.dumps({"prefix": "Library EU", "stage": "test"}),
            "belongs to stage 'test' of mstr_controller_prefix 'Library EU'",
        ),
        (f"x\n{RECORD}no JSON", "was not made by this role"),
    ],
)
def test_a_name_in_use_is_refused(description, whose):
    step = only(template(), found(description=description))

    assert step["taken"] == f"the job template 't' {whose}"


def test_a_host_that_somebody_made_is_used_and_not_taken_over():
    have = {"inventories": [{"id": 6, "name": "i"}], "hosts": [{"id": 7, "name": "h", "inventory": 6, "variables": ""}]}
    wanted = {"name": "h", "description": "x", "inventory": "i", "variables": {"a": 1}}

    step = only({"hosts": [wanted]}, have)
    assert (step["taken"], step["args"].get("description"), step["args"]["variables"]) == ("", None, {"a": 1})
    assert steps({"hosts": []}, have, OWNER) == []

    have["hosts"][0]["description"] = made()
    (gone,) = steps({"hosts": []}, have, OWNER)
    assert (gone["action"], gone["line"]) == ("delete", "remove host 'h'")


def test_a_name_may_be_a_number():
    record = made().replace('"test"', '"2024"')
    stored = {"id": 6, "name": "10", "inventory": 4, "variables": "", "description": record}
    have = {"inventories": [{"id": 4, "name": "i", "description": record}], "hosts": [stored]}
    wanted = {"inventories": [{"name": "i"}], "hosts": [{"name": 10, "inventory": "i", "description": "x"}]}

    assert [step["action"] for step in steps(wanted, have, {**OWNER, "stage": "2024"})] == ["none", "none"]
    assert removals(have, "Library", [2024]) == []


def test_a_removed_stage_names_what_others_have_added():
    have = {
        "inventories": [{"id": 6, "name": "i", "description": made()}, {"id": 60, "name": "theirs"}],
        "hosts": [
            {"id": 7, "name": "mine", "inventory": 6, "description": made()},
            {"id": 8, "name": "by hand", "inventory": 6, "description": ""},
        ],
        "job_templates": [{"id": 5, "name": "t", "description": made()}],
        "groups": [{"id": 9, "name": "theirs", "inventory": 6}],
        "workflow_job_templates": [{"id": 4, "name": "w", "description": made()}],
        "schedules": [
            {"id": 1, "name": "monthly", "unified_job_template": 5},
            {"id": 3, "name": "weekly", "unified_job_template": 4},
        ],
        "projects": [{"id": 2, "name": "p", "description": f"x\n{RECORD}" + '{"prefix": "Library"}'}],
    }

    assert [step["line"] for step in removals(have, "Library", ["other"])] == [
        "remove workflow 'w', and with it schedule 'weekly'",
        "remove job template 't', and with it schedule 'monthly'",
        "remove inventory 'i', and with it host 'by hand', group 'theirs'",
    ]
    assert removals(have, "Library", ["test"]) == removals(have, "Library EU", ["test"]) == []
    assert [step["kind"] for step in removals(have, "Library", [])][-1] == "projects"


@pytest.mark.parametrize(
    ("description", "organization", "removed"),
    [(f"{RECORD}" + '{"prefix": "Library"}', 1, True), ("", 1, False), (f"{RECORD}" + '{"prefix": "L"}', 1, False)],
)
def test_an_organization_is_removed_only_if_the_role_made_it(description, organization, removed):
    have = {"organizations": [{"id": organization, "name": "Analytics", "description": description}]}

    assert bool(removals(have, "Library", [])) == removed


def test_an_execution_environment_of_a_different_organization_stays():
    have = {
        "organizations": [{"id": 1, "name": "Analytics", "description": ""}],
        "execution_environments": [{"id": 2, "organization": 3, "description": f"{RECORD}" + '{"prefix": "Library"}'}],
    }

    assert removals(have, "Library", []) == []


GRANTS = {"read": [{"role": "read", "job_templates": ["apply"]}], "launch": [{"role": "execute", "workflow": True}]}
NAMES = {"apply": "t", "workflow": "w", "inventory": "i"}


@pytest.mark.parametrize(
    ("access", "recorded", "held", "expected"),
    [
        ({"read": {"teams": ["A"]}}, [], {}, ["grant the role read of team A"]),
        ({"read": {"teams": "All of it"}}, [], {}, ["grant the role read of team All of it"]),
        ({"read": {"teams": ["A"]}}, ["read team A"], {"team A": [50]}, []),
        ({"read": {"teams": ["A"]}}, ["read team A"], {"team A": []}, ["grant the role read of team A"]),
        ({}, ["read team A"], {"team A": [50]}, ["revoke the role read of team A"]),
        # Somebody has revoked it, or removed the team.
        ({}, ["read team A"], {"team A": []}, []),
        ({}, ["read team A"], {}, []),
        # A right that others have granted.
        ({}, [], {"team A": [50]}, []),
        (
            {"launch": {"users": ["jane doe"]}},
            ["read team A"],
            {"team A": [50]},
            ["revoke the role read of team A", "grant the role execute of user jane doe"],
        ),
    ],
)
def test_rights(access, recorded, held, expected):
    have = {
        "job_templates": [{"id": 5, "name": "t", "summary_fields": {"object_roles": {"read_role": {"id": 50}}}}],
        "workflow_job_templates": [{"id": 4, "name": "w", "description": made(rights=recorded)}],
        "holders": held,
    }

    found_steps = steps({"roles": {"access": access, "grants": GRANTS, "names": NAMES}}, have, OWNER)

    assert [step["line"] for step in found_steps] == expected


def test_what_a_task_has_made_is_known_to_the_next_one():
    results = {"results": [{"id": 77, "controller_step": {"kind": "projects", "name": "p"}}]}

    assert only(template(), made=[results, {}, None])["args"]["project"] == 77


def test_without_an_owner_there_is_no_record():
    assert only(template(), owner={})["args"] == template()["job_templates"][0]
