"""What the role mstr.library.controller does with objects that differ, that others have made, or that are gone."""

from __future__ import annotations

import json

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils._controller.records import RECORD, record_of
from ansible_collections.mstr.library.plugins.plugin_utils._controller.removals import removals
from ansible_collections.mstr.library.plugins.plugin_utils._controller.steps import steps

OWNER = {"prefix": "Library", "stage": "test", "organization": "Analytics"}
ROLE = {"prefix": "Library", "organization": "Analytics"}
ORGANIZATION = [{"id": 1, "name": "Analytics", "description": ""}]


def recorded(name, text="x", of=OWNER, **more):
    """The description of an object that the role made."""
    return f"{text}\n{RECORD}{json.dumps({**of, 'name': name, **more}, sort_keys=True)}"


def only(objects, found=None, owner=None, **more):
    (step,) = steps(objects, found or {}, OWNER if owner is None else owner, **more)
    return step


def template(**more):
    wanted = {"name": "t", "description": "x", "project": "p", "credentials": ["c"], **more}
    return {"job_templates": [wanted]}


def found(credentials=(), **more):
    """A controller with one job template, as `template` describes it."""
    thing = {"id": 5, "name": "t", "project": 2, "description": recorded("t", credentials=[3])}
    ids = [{"id": 3, "name": "c"}, *({"id": id_, "name": "vault"} for id_ in credentials)]
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
        ({"credentials": []}, {}, "description, credentials; remove credential 'c'"),
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
    have["associations"] = {"job_templates/5/notification_templates_error": [[7, "theirs"]]}
    step = only(template(forks=2, survey_spec=spec, notification_templates_error=["mail"]), have)
    assert step["args"]["credentials"] == [3, 9]
    assert step["args"]["notification_templates_error"] == [8, 7]
    assert step["args"]["survey_spec"]["spec"] == [mine, theirs]
    assert step["line"].endswith("; remove question mstr_survey_old")
    assert record_of(step["args"])["notification_templates_error"] == [8]


def test_what_the_role_added_and_no_longer_lists_goes():
    have = found(credentials=[9], description=recorded("t", credentials=[3, 9], notification_templates_error=[8]))
    have["associations"] = {"job_templates/5/notification_templates_error": [[8, "mail"], [7, "theirs"]]}
    step = only(template(notification_templates_error=[]), have)
    assert (step["args"]["credentials"], step["args"]["notification_templates_error"]) == ([3], [7])
    assert step["line"].endswith("; remove credential 'vault', notification template 'mail'")


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
    have = {"inventories": [{"id": 6, "name": "i", "variables": before, "description": recorded("i", variables=["a"])}]}
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
    have = {"credentials": [{"id": 3, "name": "c", "description": recorded("c"), "inputs": stored}]}
    step = only({"credentials": [wanted]}, have)
    assert (step["action"] == "update") == differ
    assert "inputs" not in step["args"]
    assert only({"credentials": [{**wanted, "update_secrets": True}]}, have)["action"] == "update"


LIBRARY_EU = {**OWNER, "prefix": "Library EU"}
LAST_LINE = 'mstr.library.controller: {"name": "t", "organization": "Analytics", "prefix": "Library", "stage": "test"}'


@pytest.mark.parametrize(
    ("description", "whose"),
    [
        ("by hand", f"was not made by this role (if it was, put the last line of its description back: {LAST_LINE})"),
        (f"x\n{RECORD}no JSON", "was not made by this role (if it was, put the last line of its description back: "),
        (recorded("t", of=LIBRARY_EU), "belongs to stage 'test' of mstr_controller_prefix 'Library EU'"),
        (recorded("t", of={"prefix": "L"}), "belongs to mstr_controller_prefix 'L'"),
        (recorded("original"), "is a copy of 'original'"),
    ],
    ids=["by hand", "broken record", "other prefix", "no stage", "copy"],
)
def test_a_name_in_use_is_refused(description, whose):
    step = only(template(), found(description=description))
    assert step["taken"].startswith(f"the job template 't' {whose}")


def test_the_last_line_can_be_put_back():
    """A run that was refused after somebody edited a description says what makes it work again."""
    assert only(template(), found(description=f"edited\n{LAST_LINE}"))["taken"] == ""


@pytest.mark.parametrize("organization", [3, None], ids=["of it", "global"])
def test_the_execution_environment_of_another_organization(organization):
    """Its name is unique on the whole controller, so a second organization with the same prefix finds it."""
    stored = {"id": 2, "name": "ee", "image": "i", "organization": organization}
    stored["description"] = recorded("ee", of={**ROLE, "organization": "First"})
    stored["summary_fields"] = {"organization": {"name": "First"}} if organization else {}
    have = {"organizations": ORGANIZATION, "execution_environments": [stored]}
    wanted = {"name": "ee", "description": "x", "image": "other"}
    step = only({"execution_environments": [wanted]}, have, ROLE)
    assert step["taken"] == (
        "the execution environment 'ee' belongs to organization 'First', and its name is unique on the whole controller"
    )
    assert [step["action"] for step in removals(have, ROLE, [])] == ["keep"]


def test_an_organization_may_be_renamed():
    have = found(organization=1, description=recorded("t", of={**OWNER, "organization": "Old"}, credentials=[3]))
    have["organizations"] = ORGANIZATION
    step = only(template(), have)
    assert (step["taken"], step["line"]) == ("", "update job template 't': description")


def test_a_host_that_somebody_made_is_used_and_not_taken_over():
    inventory = {"id": 6, "name": "i", "description": recorded("i")}
    have = {"inventories": [inventory], "hosts": [{"id": 7, "name": "h", "inventory": 6, "variables": ""}]}
    wanted = {"name": "h", "description": "x", "inventory": "i", "variables": {"a": 1}}
    step = only({"hosts": [wanted]}, have)
    assert (step["taken"], step["args"].get("description"), step["args"]["variables"]) == ("", None, {"a": 1})
    assert step["line"] == "update host 'h' of inventory 'i': variables"
    assert steps({"hosts": []}, have, OWNER) == []
    have["hosts"][0]["description"] = recorded("h")
    (gone,) = steps({"hosts": []}, have, OWNER)
    assert (gone["action"], gone["line"]) == ("delete", "remove host 'h' of inventory 'i'")


def test_a_name_may_be_a_number():
    of = {**OWNER, "stage": "2024"}
    stored = {"id": 6, "name": "10", "inventory": 4, "variables": "", "description": recorded("10", of=of)}
    have = {"inventories": [{"id": 4, "name": "2024", "description": recorded("2024", of=of)}], "hosts": [stored]}
    wanted = {"inventories": [{"name": 2024}], "hosts": [{"name": 10, "inventory": "2024", "description": "x"}]}
    assert [step["action"] for step in steps(wanted, have, of)] == ["none", "none"]
    assert removals(have, ROLE, [2024]) == []


def copied(thing, id_, name):
    """What the button Copy of AWX makes: the description is the same."""
    return {**thing, "id": id_, "name": name}


def a_stage():
    """The objects of a stage, of everything the copy that somebody made, and a project."""
    things = {
        "workflow_job_templates": {"id": 4, "name": "w"},
        "job_templates": {"id": 5, "name": "t", "project": 2, "inventory": 6, "execution_environment": None},
        "inventories": {"id": 6, "name": "i"},
        "credentials": {"id": 3, "name": "c"},
    }
    have = {
        kind: [{**thing, "organization": 1, "description": recorded(thing["name"])}] for kind, thing in things.items()
    }
    for number, kind in enumerate(things):
        have[kind].append(copied(have[kind][0], 40 + number, f"{have[kind][0]['name']} @ 10:05:00"))
    host = {"id": 7, "name": "mine", "inventory": 6, "description": recorded("mine")}
    have["hosts"] = [host, {**host, "id": 70, "inventory": 42}]
    have["projects"] = [{"id": 2, "name": "p", "organization": 1, "description": recorded("p", of=ROLE)}]
    return {**have, "organizations": ORGANIZATION}


REMOVED = [
    "remove workflow 'w' of organization 'Analytics'",
    "remove job template 't' of organization 'Analytics'",
    "remove inventory 'i' of organization 'Analytics'",
    "remove credential 'c' of organization 'Analytics'",
]


def test_a_removed_stage_leaves_copies():
    steps_found = removals(a_stage(), ROLE, ["other"])
    assert [step["line"] for step in steps_found] == REMOVED
    assert [step["others"] for step in steps_found] == [[], [], [], []]
    assert removals(a_stage(), ROLE, "wtic") == removals(a_stage(), {**ROLE, "prefix": "Library EU"}, ["other"]) == []
    lines = [step["line"] for step in removals(a_stage(), ROLE, [])]
    assert lines == [
        *REMOVED,
        "remove project 'p' of organization 'Analytics'",
        "The organization 'Analytics' stays, because this role did not make it.",
    ]


def test_a_host_of_a_copied_inventory_stays():
    assert [step["id"] for step in steps({"hosts": []}, a_stage(), OWNER)] == [7]


NODE = {"id": 9, "identifier": "theirs", "summary_fields": {"workflow_job_template": {"name": "their workflow"}}}
SURVEY = {"spec": [{"variable": "mstr_survey_src"}, {"variable": "ticket"}]}
USES = {"id": 90, "name": "hand-made", "organization": 8, "summary_fields": {"organization": {"name": "Theirs"}}}
HOLDS = {**USES, "summary_fields": {**USES["summary_fields"], "credentials": [{"id": 3}]}}


@pytest.mark.parametrize(
    ("kind", "added", "lost"),
    [
        ("hosts", {"id": 8, "name": "by hand", "inventory": 6, "description": ""}, "host 'by hand' of inventory 'i'"),
        ("groups", {"id": 9, "name": "theirs", "inventory": 6}, "group 'theirs' of inventory 'i'"),
        ("schedules", {"id": 1, "name": "m", "unified_job_template": 5}, "schedule 'm' of job template 't'"),
        ("schedules", {"id": 1, "name": "m", "unified_job_template": 4}, "schedule 'm' of workflow 'w'"),
        (
            "workflow_job_template_nodes",
            {**NODE, "workflow_job_template": 4},
            "workflow node 'theirs' of workflow 'w'",
        ),
    ],
)
def test_a_removal_names_what_others_have_added(kind, added, lost):
    have = a_stage()
    have[kind] = [*have.get(kind, []), added]
    assert [text for step in removals(have, ROLE, []) for text in step["others"]] == [lost]


@pytest.mark.parametrize(
    ("more", "lost"),
    [
        ({"surveys": {"5": SURVEY}}, "survey question 'ticket' of job template 't'"),
        (
            {"associations": {"job_templates/5/notification_templates_success": [[8, "Mail"]]}},
            "notification template 'Mail' of job template 't'",
        ),
        (
            {"users": {"job_templates": [{**USES, "project": 2}]}},
            "job template 'hand-made' of organization 'Theirs', which uses project 'p'",
        ),
        (
            {"users": {"workflow_job_templates": [{**USES, "inventory": 6}]}},
            "workflow 'hand-made' of organization 'Theirs', which uses inventory 'i'",
        ),
        (
            {"users": {"job_templates": [HOLDS]}},
            "job template 'hand-made' of organization 'Theirs', which uses credential 'c'",
        ),
        (
            {
                "users": {
                    "workflow_job_template_nodes": [
                        {**NODE, "workflow_job_template": 44, "unified_job_template": 5},
                        {**NODE, "workflow_job_template": 4, "unified_job_template": 5},
                    ]
                }
            },
            "workflow node 'theirs' of workflow 'their workflow', which runs job template 't'",
        ),
    ],
    ids=["question", "notification", "project", "inventory", "credential", "node"],
)
def test_a_removal_names_what_uses_an_object(more, lost):
    assert [text for step in removals({**a_stage(), **more}, ROLE, []) for text in step["others"]] == [lost]


def test_a_recorded_notification_is_ours():
    have = a_stage()
    have["job_templates"][0]["description"] = recorded("t", notification_templates_error=[8])
    have["associations"] = {"job_templates/5/notification_templates_error": [[8, "Mail"]]}
    assert [text for step in removals(have, ROLE, []) for text in step["others"]] == []


@pytest.mark.parametrize(
    ("description", "members", "line"),
    [
        (recorded("Analytics", of=ROLE), [], "remove organization 'Analytics' of this controller"),
        (
            recorded("Analytics", of=ROLE),
            [["teams", {"id": 9, "name": "Analysts"}], ["users", {"id": 3, "username": "jane"}]],
            "The organization 'Analytics' stays, because it has team 'Analysts', user 'jane'.",
        ),
        ("", [], "The organization 'Analytics' stays, because this role did not make it."),
        (
            recorded("Analytics", of={**ROLE, "prefix": "L"}),
            [],
            "The organization 'Analytics' stays, because this role did not make it.",
        ),
    ],
)
def test_an_organization_is_removed_only_if_the_role_made_it(description, members, line):
    have = {"organizations": [{**ORGANIZATION[0], "description": description}], "members": {"organizations": members}}
    assert [step["line"] for step in removals(have, ROLE, [])] == [line]


@pytest.mark.parametrize(
    ("users", "line"),
    [
        ([{"id": 3, "name": "c"}], "remove credential type 'm' of this controller"),
        ([{"id": 30, "name": "d"}], "The credential type 'm' stays, because it has credential 'd'."),
    ],
)
def test_a_credential_type_of_others_is_not_announced(users, line):
    have = a_stage()
    have["credential_types"] = [{"id": 1, "name": "m", "description": recorded("m", of={"shared": True})}]
    have["members"] = {"credential_types": [["credentials", user] for user in users]}
    assert line in [step["line"] for step in removals(have, ROLE, [])]


GRANTS = {"read": [{"role": "read", "job_templates": ["apply"]}], "launch": [{"role": "execute", "workflow": True}]}
NAMES = {"apply": "t", "workflow": "w", "inventory": "i"}


@pytest.mark.parametrize(
    ("access", "before", "held", "expected"),
    [
        ({"read": {"teams": ["A"]}}, [], {}, ["grant the role read of team A on 't'"]),
        ({"read": {"teams": "All of it"}}, [], {}, ["grant the role read of team All of it on 't'"]),
        ({"read": {"teams": ["A"]}}, ["read team A"], {"team A": [50]}, []),
        ({"read": {"teams": ["A"]}}, ["read team A"], {"team A": []}, ["grant the role read of team A on 't'"]),
        ({}, ["read team A"], {"team A": [50]}, ["revoke the role read of team A on 't'"]),
        # Somebody has revoked it, or removed the team.
        ({}, ["read team A"], {"team A": []}, []),
        ({}, ["read team A"], {}, []),
        # A right that others have granted.
        ({}, [], {"team A": [50]}, []),
        (
            {"launch": {"users": ["jane doe"]}},
            ["read team A"],
            {"team A": [50]},
            ["revoke the role read of team A on 't'", "grant the role execute of user jane doe on 'w'"],
        ),
    ],
)
def test_rights(access, before, held, expected):
    have = {
        "job_templates": [{"id": 5, "name": "t", "summary_fields": {"object_roles": {"read_role": {"id": 50}}}}],
        "workflow_job_templates": [{"id": 4, "name": "w", "description": "x"}],
        "inventories": [{"id": 6, "name": "i", "description": recorded("i", rights=before)}],
        "holders": held,
    }
    found_steps = steps({"roles": {"access": access, "grants": GRANTS, "names": NAMES}}, have, OWNER)
    assert [step["line"] for step in found_steps] == expected


def test_what_a_task_has_made_is_known_to_the_next_one():
    results = {"results": [{"id": 77, "controller_step": {"kind": "projects", "name": "p"}}]}
    assert only(template(), made=[results, {}, None])["args"]["project"] == 77


def test_without_an_owner_there_is_no_record():
    assert only(template(), owner={})["args"] == template()["job_templates"][0]
