from __future__ import annotations

import json

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.plan import make_plan
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import from_api
from ansible_collections.mstr.library.plugins.module_utils._model.stored import as_stored
from ansible_collections.mstr.library.tests.unit.support.make import ID, faults_of, runtime, wanted
from ansible_collections.mstr.library.tests.unit.support.strategies import OBJECTS, OPTIONS
from hypothesis import example, given
from hypothesis import strategies as st


def carried_out(data, plan):
    """What a server holds that stores the body of a write."""
    return from_api({"id": ID, **(data or {}), **json.loads(json.dumps(dict(plan.body)))})


def surprises(found, definition):
    """What is different after a create."""
    return as_stored(make_plan(None, definition), definition, found)[1]


def test_nothing_planned_if_nothing_differs():
    plan = make_plan(
        runtime(
            whitelist=["2001:db8::/32", "1.2.3.4/32", "10.10.10.7/24"],
            packages=[{"name": "mstrio-py", "version": "11"}, {"name": "a", "version": "1", "description": "x"}],
            description=None,
        ),
        wanted(
            whitelist=["1.2.3.4", "10.10.10.0/24", "2001:DB8::/32"],
            packages=[{"name": "A"}, {"name": "mstrio_py", "version": "11"}],
            resource={"cpu": 0.2},
            description="",
        ),
    )
    assert (plan.action, plan.changed, plan.changed_fields, dict(plan.body)) == ("none", False, (), {})
    assert plan.before == plan.after != {}
    assert plan.target.id == ID


def test_update_sends_only_name_and_fields_differ():
    plan = make_plan(runtime(), wanted(description="new", exec_timeout=600, resource={"mem": 1024}))
    assert plan.action == "update"
    assert plan.changed_fields == ("description", "resource")
    assert plan.body == {"name": "r", "description": "new", "resource": {"cpu": "0.2", "mem": 1024}}
    assert plan.before == {"name": "r", "description": "", "exec_timeout": 600, "resource": {"cpu": 0.2, "mem": 512}}
    assert plan.after == {"name": "r", "description": "new", "exec_timeout": 600, "resource": {"cpu": 0.2, "mem": 1024}}
    assert plan.target.to_result()["runtime_version"] == "3.10.5", "predicted with what stays"


def test_without_purge_nothing_planned_where_all_there():
    have = runtime(whitelist=["1.1.1.1", "2.2.2.2"], packages=[{"name": "a"}, {"name": "b"}])
    options = {"whitelist": ["1.1.1.1"], "packages": [{"name": "b"}]}
    assert not make_plan(have, wanted(**options, purge_whitelist=False, purge_packages=False)).changed
    assert make_plan(have, wanted(**options)).changed_fields == ("whitelist", "packages")


@pytest.mark.parametrize("options", [{"min_cached_instances": 4}, {"min_cached_instances": 9, "exec_timeout": 5}])
def test_pool_checked_against_merged_values(options):
    [fault] = faults_of(make_plan, runtime(), wanted(**options))
    assert "must not exceed max_cached_instances 3" in fault


def test_invalid_pool_does_not_change():
    """An invalid pool on the server does not fail a task that does not change it."""
    assert make_plan(runtime(minCachedInstances=9), wanted(description="d")).changed_fields == ("description",)


def test_absent_is_content_with_nothing():
    plan = make_plan(None, wanted(state="absent"))
    assert (plan.action, plan.target, plan.before, plan.after) == ("none", None, {}, {})


def test_journal_comment_travels_with_change_and_never_makes_one():
    assert not make_plan(runtime(), wanted(journal_comment="why")).changed
    plan = make_plan(runtime(), wanted(journal_comment="why", description="d"))
    assert plan.body["changeJournal"] == {"userComments": "why"}
    assert "changeJournal" not in make_plan(runtime(), wanted(journal_comment="", description="d")).body


TWICE = {"id": ID, "name": "r", "packages": [{"name": "pandas"}, {"name": "pandas"}]}


@given(st.none() | OBJECTS, OPTIONS)
@example(TWICE, {"name": "r", "packages": [{"name": "pandas", "description": "d"}], "purge_packages": False})
def test_apply_then_plan_is_empty(data, options):
    definition = definition_from(options)
    plan = make_plan(from_api(data) if data else None, definition)
    again = make_plan(carried_out(data, plan), definition)
    assert again.changed_fields == ()
    assert as_stored(plan, definition, carried_out(data, plan)) == (plan, [])


@given(OBJECTS, OPTIONS)
def test_changed_fields_fields_differ_in_diff(data, options):
    plan = make_plan(from_api(data), definition_from(options))
    assert set(plan.before) == set(plan.after) == set(definition_from(options).values) <= set(options)
    assert set(plan.changed_fields) <= set(options), "an omitted field is not sent"
    differing = {name for name in plan.after if plan.before[name] != plan.after[name]}
    assert differing <= set(plan.changed_fields)
    assert plan.changed == bool(plan.changed_fields)
    assert len(plan.body) == (1 + len(set(plan.changed_fields) - {"name"}) if plan.changed else 0)


@given(OBJECTS, OPTIONS, st.randoms(use_true_random=False))
def test_order_of_lists_never_matters(data, options, dice):
    def shuffled(values):
        return {key: dice.sample(v, len(v)) if isinstance(v, list) else v for key, v in values.items()}

    plan = make_plan(from_api(data), definition_from(options))
    other = make_plan(from_api(data), definition_from(shuffled(options)))
    assert (other.action, other.changed_fields) == (plan.action, plan.changed_fields)
    assert other.after == plan.after


def test_surprise_names_field_both_values_and_remedy():
    there = runtime(packages=[{"name": "a"}, {"name": "mstrio-py", "version": "11"}], description="cut")
    described, packages = surprises(there, wanted(packages=[{"name": "a"}], description="cut short"))
    assert (
        "The server stored a different description for runtime 'r' than requested: 'cut' instead of 'cut short'"
        in described
    )
    assert "It added" not in described
    assert "The server stored different packages for runtime 'r' than requested: " in packages
    assert "It added mstrio-py: list it under packages, or set purge_packages: false." in packages
    assert "The next run will try to change it again." in packages


def test_block_added_unasked_has_remedy_too():
    [text] = surprises(runtime(whitelist=["1.1.1.1", "127.0.0.1"]), wanted(whitelist=["1.1.1.1"]))
    assert "It added 127.0.0.1/32: list it under whitelist, or set purge_whitelist: false." in text


UNKNOWN = {
    "resource": {"cpu": "0.2", "gpu": 2, "off": None},
    "packages": [{"name": "a_b", "version": "1", "index": "own"}],
}


@pytest.mark.parametrize(
    ("after", "options", "lost"),
    [
        ({"resource": {"cpu": "0.5"}}, {"resource": {"cpu": 0.5}}, ["resource.gpu (it was 2)"]),
        ({"resource": {"cpu": "0.5", "gpu": None}}, {"resource": {"cpu": 0.5}}, ["resource.gpu (it was 2)"]),
        ({"resource": {"cpu": "0.5", "gpu": 3}}, {"resource": {"cpu": 0.5}}, []),
        (
            {"packages": [{"name": "a-b", "version": "2"}]},
            {"packages": [{"name": "a-b", "version": "2"}]},
            ["packages['a_b'].index (it was 'own')"],
        ),
        ({"packages": [{"name": "c"}]}, {"packages": [{"name": "c"}]}, []),
        (
            {"resource": None, "packages": [{"name": "a_b", "version": "1"}, {"name": "c"}]},
            {"packages": [{"name": "c"}], "purge_packages": False},
            ["resource.gpu (it was 2)", "packages['a_b'].index (it was 'own')"],
        ),
    ],
)
def test_unknown_key_write_made_server_lose_surprise(after, options, lost):
    definition = wanted(**options)
    plan = make_plan(runtime(**UNKNOWN), definition)
    assert "gpu" not in json.dumps(dict(plan.body))
    assert "index" not in json.dumps(dict(plan.body))
    _plan, found = as_stored(plan, definition, runtime(**{**UNKNOWN, **after}))
    assert len(found) == bool(lost)
    assert all(key in found[0] for key in lost)
    assert "gpu" not in json.dumps(plan.target.to_result())


def test_unknown_key_is_not_difference():
    assert not make_plan(runtime(**UNKNOWN), wanted(resource={"cpu": 0.2}, packages=[{"name": "a-b"}])).changed


@pytest.mark.parametrize("name", ["min_cached_instances", "max_cached_instances"])
def test_count_server_does_not_return_equals_zero(name):
    api = {"min_cached_instances": "minCachedInstances", "max_cached_instances": "maxCachedInstances"}[name]
    there = runtime(minCachedInstances=None, maxCachedInstances=None)
    plan = make_plan(there, wanted(**{name: 0}))
    assert (plan.action, plan.before, plan.after) == ("none", plan.after, {"name": "r", name: 0})
    assert make_plan(there, wanted(**{name: 1})).body == {"name": "r", api: 1}
    assert make_plan(None, wanted(**{name: 0})).body[api] == 0
    assert surprises(there, wanted(**{name: 0})) == []
