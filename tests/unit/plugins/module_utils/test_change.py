"""What differs between a runtime and its definition, what a write sends, how a result says so, and a plan's id."""

from __future__ import annotations

import json

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._model import result, steps
from ansible_collections.mstr.library.plugins.module_utils._model.approval import check_plan_id, plan_id
from ansible_collections.mstr.library.plugins.module_utils._model.change import as_stored, plan_change
from ansible_collections.mstr.library.plugins.module_utils._model.fields import BY_NAME
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import from_api
from unit.support.make import ID, OTHER_ID, URL, faults_of, runtime, stored, wanted

CPU = {"cpu": 0.2}


def surprises(there, definition):
    return as_stored(plan_change(None, definition), definition, there)[1]


def test_nothing_is_planned_if_nothing_differs():
    packages = [{"name": "mstrio-py", "version": "11"}, {"name": "a", "version": "1", "description": "x"}]
    there = runtime(whitelist=["2001:db8::/32", "1.2.3.4/32", "10.10.10.7/24"], packages=packages, description=None)
    same = [{"name": "A", "version": "latest"}, {"name": "mstrio_py", "version": "11"}]
    options = {"packages": same, "description": "", "resource": CPU}
    blocks = ["1.2.3.4", "10.10.10.0/24", "2001:DB8::/32"]
    plan = plan_change(there, wanted(whitelist=blocks, journal_comment="why", **options))
    assert (plan.action, plan.changed, plan.changed_fields, dict(plan.body)) == ("none", False, (), {})
    assert plan.before == plan.after != {}
    assert plan.target.id == ID


def test_update_sends_only_name_and_what_differs():
    plan = plan_change(runtime(), wanted(description="new", exec_timeout=600, resource={"mem": 1024}))
    assert plan.action == "update"
    assert plan.changed_fields == ("description", "resource")
    assert plan.body == {"name": "r", "description": "new", "resource": {"cpu": "0.2", "mem": 1024}}
    assert plan.before == {"name": "r", "description": "", "exec_timeout": 600, "resource": {"cpu": 0.2, "mem": 512}}
    assert plan.after == {"name": "r", "description": "new", "exec_timeout": 600, "resource": {"cpu": 0.2, "mem": 1024}}
    assert plan.target.to_result()["runtime_version"] == "3.10.5", "predicted with what stays"
    assert "changeJournal" not in plan_change(runtime(), wanted(journal_comment="", description="d")).body


def test_surprise_names_field_values_and_remedy():
    there = runtime(packages=[{"name": "a"}, {"name": "mstrio-py", "version": "11"}], description="cut")
    described, packages = surprises(there, wanted(packages=[{"name": "a"}], description="cut short"))
    assert described == (
        "The server stored a different description for runtime 'r' than requested: 'cut' instead of 'cut short'. The "
        "next run will try to change it again."
    )
    assert packages.startswith("The server stored different packages for runtime 'r' than requested: ")
    assert "It added mstrio-py: list it under packages, or set purge_packages: false." in packages
    [text] = surprises(runtime(whitelist=["1.1.1.1", "127.0.0.1"]), wanted(whitelist=["1.1.1.1"]))
    assert "It added 127.0.0.1/32: list it under whitelist, or set purge_whitelist: false." in text


def test_unknown_keys_are_no_difference_and_never_sent():
    unknown = {"resource": {"cpu": "0.2", "gpu": 2}, "packages": [{"name": "a_b", "version": "1", "index": "i"}]}
    there = runtime(**unknown)
    assert not plan_change(there, wanted(resource=CPU, packages=[{"name": "a-b"}])).changed
    plan = plan_change(there, wanted(packages=[{"name": "c"}], purge_packages=False, resource={"cpu": 0.5}))
    assert not {"gpu", "index"} & set(json.dumps([dict(plan.body), plan.target.to_result()]).split('"'))


def test_count_that_is_not_returned():
    """It equals 0. A pool that is invalid on the server does not matter if it does not change."""
    name = "min_cached_instances"
    assert plan_change(runtime(minCachedInstances=9), wanted(description="d")).changed_fields == ("description",)
    api, there = BY_NAME[name].api, runtime(minCachedInstances=None, maxCachedInstances=None)
    plan = plan_change(there, wanted(**{name: 0}))
    assert (plan.action, plan.before, plan.after) == ("none", plan.after, {"name": "r", name: 0})
    assert plan_change(there, wanted(**{name: 1})).body == {"name": "r", api: 1}
    assert plan_change(None, wanted(**{name: 0})).body[api] == 0
    assert surprises(there, wanted(**{name: 0})) == []


NEW = wanted("Nightly reports", description="new", whitelist=["10.10.10.7/32"])
THERE = runtime(name="Nightly reports", description="old", whitelist=["10.10.10.7"])
GONE = wanted("Nightly reports", state="absent")


def row(current, definition, state=steps.PLANNED):
    return steps.Step(definition, current, plan_change(current, definition)).finished(state)


@pytest.mark.parametrize(
    ("current", "definition", "done", "would"),
    [
        (None, NEW, "Created runtime 'Nightly reports'.", "Would create runtime 'Nightly reports'."),
        (THERE, NEW, "Updated runtime 'Nightly reports': description.", "Would update runtime 'Nightly reports': desc"),
        (THERE, GONE, "Deleted runtime 'Nightly reports'.", "Would delete runtime 'Nightly reports'."),
        (THERE, wanted("Nightly reports"), "Runtime 'Nightly reports' is already as requested.", ""),
        (None, GONE, "Runtime 'Nightly reports' does not exist.", ""),
        (runtime(name="a\n\x1b[31mb"), wanted(None, id=ID, state="absent"), r"Deleted runtime 'a\n\x1b[31mb'.", ""),
    ],
)
def test_msg_says_in_one_line_what_was_done(current, definition, done, would):
    finished = row(current, definition, steps.READ)
    assert result.message(finished) == done
    assert result.message(row(current, definition, steps.PREDICTED)).startswith(would)
    assert (result.facts_of(finished)["changes"] == []) is (definition is not NEW)


# --- the id of a plan: the same for the same changes from the same values


def planned(data, **options):
    """The step of a definition for a runtime that the server has as `data`, or does not have."""
    return row(from_api(data) if data else None, wanted(**options))


def id_of(*planned_steps, server=URL):
    return plan_id(server, planned_steps)


def test_the_id_has_a_fixed_value():
    """Every supported ansible-core and Python gives this id."""
    deleted = planned(stored(id=OTHER_ID, name="old", packages=[{"name": "Pandas", "version": "2"}]), state="absent")
    created = planned(
        None, name="nëw", whitelist=["1.2.3.4"], packages=[{"name": "mstrio_py"}], resource={"cpu": 1.0, "mem": 512}
    )
    updated = planned(stored(resource={"cpu": "0.20", "mem": 512}), resource={"cpu": 0.5}, description="d")
    assert id_of(deleted, created, updated) == "39b1fe83e4b856c7a82b7244"


UPDATE, DELETION = planned(stored(), others="x"), planned(stored(), state="absent")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (id_of(), id_of(UPDATE)),
        (id_of(UPDATE), id_of(UPDATE, server="https://other")),
        (id_of(UPDATE), id_of(UPDATE._replace(runs_test=True, wanted=wanted(others="x", smoke_test="1")))),
        *(
            (id_of(DELETION), id_of(planned(stored(**fields), state="absent")))
            for fields in ({"name": "x"}, {"execTimeout": 61}, {"whitelist": ["1.1.1.1"]})
        ),
    ],
    ids=["empty", "server", "smoke test", "deleted name", "deleted number", "deleted list"],
)
def test_different_plans_have_different_ids(one, other):
    assert one != other


def test_empty_plan_and_one_that_could_not_be_made():
    assert id_of(planned(stored(), exec_timeout=600)) == id_of()
    assert id_of(UPDATE, steps.Step(wanted(), error=MstrError("no"))) == "", "null would let every plan pass"


@pytest.mark.parametrize(
    ("field", "value", "other"),
    [
        ("whitelist", ["10.10.10.7/24", "1.2.3.4"], ["1.2.3.4/32", "10.10.10.0/24"]),
        ("packages", [{"name": "mstrio_py"}, {"name": "A", "version": None}], [{"name": "a"}, {"name": "mstrio-py"}]),
        ("resource", {"cpu": "0.20", "mem": "512"}, {"cpu": 0.2, "mem": 512, "disk": None}),
        ("status", "ready", "busy"),
        ("version", "1", "2"),
    ],
)
def test_spelling_of_server_does_not_matter(field, value, other):
    ids = [id_of(planned(stored(**{field: text}), state="absent")) for text in (value, other)]
    assert ids[0] == ids[1]


@pytest.mark.parametrize("text", ["", "0" * 23, "A" * 24])
def test_wrong_form_is_refused(text):
    assert faults_of(check_plan_id, text) == (f"plan_id {text!r} is invalid: expected 24 hexadecimal digits",)
    check_plan_id("0" * 24)
