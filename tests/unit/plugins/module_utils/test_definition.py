from __future__ import annotations

import math

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.kinds import Package, Resource
from ansible_collections.mstr.library.plugins.module_utils._model.plan import make_plan
from ansible_collections.mstr.library.tests.unit.support.make import ID, faults_of, runtime, wanted


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"name": None}, "one of name and id is required"),
        ({"name": " "}, "name ' ' is empty"),
        (
            {"name": "Nightly reports "},
            "name 'Nightly reports ' starts or ends with whitespace; write 'Nightly reports'",
        ),
        ({"name": "\u00a0a"}, "name '\\xa0a' starts or ends with whitespace; write 'a'"),
        ({"name": "a\tb"}, "name 'a\\tb' contains a control character, such as a tab or a line break; remove it"),
        ({"name": "a\n"}, "name 'a\\n' contains a control character, such as a tab or a line break; remove it"),
        ({"name": "a\x85b"}, "name 'a\\x85b' contains a control character, such as a tab or a line break; remove it"),
        ({"name": "a\x7fb"}, "name 'a\\x7fb' contains a control character, such as a tab or a line break; remove it"),
        ({"id": "12"}, "id '12' is invalid: expected 32 hexadecimal digits"),
        ({"id": "G" * 32}, f"id '{'G' * 32}' is invalid: expected 32 hexadecimal digits"),
        ({"id": ID + "\n"}, f"id {ID + chr(10)!r} is invalid: expected 32 hexadecimal digits"),
        ({"runtime_version": ""}, "runtime_version is empty; omit the option to keep the current value"),
        ({"runtime_version": 3.1}, "runtime_version 3.1 was read as a number (2.10 becomes 2.1); put it in quotes"),
        ({"packages": [{"name": "a", "version": 0}]}, "packages[0].version 0 was read as a number; put it in quotes"),
        (
            {"packages": [{"name": "requests == 2.32.3"}]},
            "packages[0].name 'requests == 2.32.3' is not only a name; write {name: requests, version: \"2.32.3\"}",
        ),
        (
            {"packages": [{"name": "a", "version": "1!2.0.post1+x"}, {"name": "b", "version": ">=2"}]},
            "packages[1].version '>=2' is not only a version; write a version that the server offers",
        ),
        (
            {"packages": [{"name": "a", "version": "==1.0"}]},
            "packages[0].version '==1.0' is not only a version; write \"1.0\"",
        ),
        (
            {"packages": [{"name": "a", "version": " 1.0 "}]},
            "packages[0].version ' 1.0 ' is not only a version; write \"1.0\"",
        ),
        ({"runtime_version": "==3.10.5"}, "runtime_version '==3.10.5' is not only a version; write \"3.10.5\""),
        ({"exec_timeout": 0}, "exec_timeout must be at least 1, not 0"),
        ({"min_cached_instances": -1}, "min_cached_instances must be at least 0, not -1"),
        ({"max_cached_instances": -1}, "max_cached_instances must be at least 0, not -1"),
        (
            {"min_cached_instances": 2, "max_cached_instances": 1},
            "min_cached_instances 2 must not exceed max_cached_instances 1",
        ),
        ({"resource": {"cpu": 0.0}}, "resource.cpu must be more than 0, not 0.0"),
        ({"resource": {"cpu": math.inf}}, "resource.cpu must be more than 0, not inf"),
        ({"resource": {"cpu": math.nan}}, "resource.cpu must be more than 0, not nan"),
        ({"resource": {"mem": -1}}, "resource.mem must be at least 0, not -1"),
        ({"resource": {"disk": 0}}, "resource.disk must be more than 0, not 0"),
        ({"resource": {"proc_count": 0}}, "resource.proc_count must be more than 0, not 0"),
        ({"packages": [{"name": ""}]}, "packages[0].name '' is empty"),
        ({"packages": [{"name": None}]}, "packages[0].name '' is empty"),
        (
            {"packages": [{"name": "a"}, {"name": "b>=1"}]},
            "packages[1].name 'b>=1' is not only a name; write the version in version",
        ),
        (
            {"packages": [{"name": "a_b"}, {"name": "c"}, {"name": "A-b"}]},
            "packages[2].name 'A-b' is the same package as packages[0]; list it once",
        ),
    ],
)
def test_errors(options, fault):
    """The message names option, index and value."""
    assert faults_of(definition_from, {"name": "r", **options}) == (fault,)


def test_smallest_cpu():
    """Less would be sent as 0, and more than 12 decimals would differ on every run."""
    assert faults_of(definition_from, {"name": "r", "resource": {"cpu": 1e-13}}) == (
        "resource.cpu must be at least 1e-12, not 1e-13",
    )
    assert wanted(resource={"cpu": 0.1 + 0.2}).values["resource"] == Resource(cpu=0.3)
    assert wanted(resource={"mem": 10**400}).values["resource"] == Resource(mem=10**400), "more than a float can be"
    plan = make_plan(runtime(resource={"cpu": "0.333333333333"}), wanted(resource={"cpu": 1 / 3}))
    assert plan.action == "none"


@pytest.mark.parametrize("absent", [{}, {"description": None, "whitelist": None, "packages": None, "resource": None}])
def test_omitted_and_null_not_managed(absent):
    assert dict(wanted(**absent).values) == {"name": "r"}


def test_resource_without_any_key_not_managed():
    assert dict(wanted(resource={"cpu": None}).values) == {"name": "r"}


def test_given_values_are_canonical():
    definition = wanted(
        whitelist=["1.2.3.4", "1.2.3.4/32", "2001:DB8::/32"],
        packages=[{"name": "a", "version": "", "description": ""}],
        resource={"cpu": 0.5},
        description="",
        exec_timeout=1,
    )
    assert dict(definition.values) == {
        "name": "r",
        "whitelist": ("1.2.3.4/32", "2001:db8::/32"),
        "packages": (Package("a", None, ""),),
        "resource": Resource(cpu=0.5),
        "description": "",
        "exec_timeout": 1,
    }


def test_blanks_around_block_stripped():
    assert wanted(whitelist=["10.0.0.0/8", " 10.20.0.0/16", "2001:db8::/32\n"]).values["whitelist"] == (
        "10.0.0.0/8",
        "10.20.0.0/16",
        "2001:db8::/32",
    )


def test_label():
    """It is the id if that is given, and else the name."""
    assert wanted("Nightly").label == "'Nightly'"
    assert wanted("Nightly", id=ID).label == wanted(None, id=ID).label == f"with id {ID}"
