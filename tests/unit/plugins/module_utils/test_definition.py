"""A definition as a user writes it, and a runtime as a server returns it."""

from __future__ import annotations

import json
import math

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.fields import FIELDS
from ansible_collections.mstr.library.plugins.module_utils._model.kinds import Package, Resource
from ansible_collections.mstr.library.plugins.module_utils._model.plan import make_plan
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import READ_ONLY, Runtime, from_api
from ansible_collections.mstr.library.plugins.module_utils._model.stored import changed_since
from hypothesis import given
from hypothesis import strategies as st
from unit.support.make import DEFAULT_ID, ID, faults_of, runtime, wanted
from unit.support.strategies import ANY_JSON


def packages(*texts):
    """Packages such as `a`, or `a 1.0` with its version."""
    return {"packages": [dict(zip(("name", "version"), text.split(" ", 1))) for text in texts]}


CONTROL = "contains a control character, such as a tab or a line break; remove it"
NO_ID = "is invalid: expected 32 hexadecimal digits"
NO_VERSION, NO_NAME = "is not only a version; write", "is not only a name; write"
POOL = {"min_cached_instances": 2, "max_cached_instances": 1}


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"name": None}, "one of name and id is required"),
        ({"name": " "}, "name ' ' is empty"),
        ({"name": "Nightly "}, "name 'Nightly ' starts or ends with whitespace; write 'Nightly'"),
        ({"name": "\u00a0a"}, "name '\\xa0a' starts or ends with whitespace; write 'a'"),
        ({"name": "a\tb"}, f"name 'a\\tb' {CONTROL}"),
        ({"name": "a\x85b"}, f"name 'a\\x85b' {CONTROL}"),
        ({"id": "12"}, f"id '12' {NO_ID}"),
        ({"id": ID + "\n"}, f"id '{ID}\\n' {NO_ID}"),
        ({"runtime_version": ""}, "runtime_version is empty; omit the option to keep the current value"),
        ({"runtime_version": 3.1}, "runtime_version 3.1 was read as a number (2.10 becomes 2.1); put it in quotes"),
        ({"runtime_version": "==3.10.5"}, f"runtime_version '==3.10.5' {NO_VERSION} \"3.10.5\""),
        ({"exec_timeout": 0}, "exec_timeout must be at least 1, not 0"),
        ({"min_cached_instances": -1}, "min_cached_instances must be at least 0, not -1"),
        (POOL, "min_cached_instances 2 must not exceed max_cached_instances 1"),
        ({"resource": {"cpu": 0.0}}, "resource.cpu must be more than 0, not 0.0"),
        ({"resource": {"cpu": math.nan}}, "resource.cpu must be more than 0, not nan"),
        # Less would be sent as 0.
        ({"resource": {"cpu": 1e-13}}, "resource.cpu must be at least 1e-12, not 1e-13"),
        ({"resource": {"mem": -1}}, "resource.mem must be at least 0, not -1"),
        ({"resource": {"disk": 0}}, "resource.disk must be more than 0, not 0"),
        ({"resource": {"proc_count": 0}}, "resource.proc_count must be more than 0, not 0"),
        ({"packages": [{"name": "a", "version": 0}]}, "packages[0].version 0 was read as a number; put it in quotes"),
        ({"packages": [{"name": "a == 2.3"}]}, f"packages[0].name 'a == 2.3' {NO_NAME} {{name: a, version: \"2.3\"}}"),
        (packages("a 1!2.post1+x", "b >2"), f"packages[1].version '>2' {NO_VERSION} a version that the server offers"),
        (packages("a ==1.0"), f"packages[0].version '==1.0' {NO_VERSION} \"1.0\""),
        (packages("a  1.0 "), f"packages[0].version ' 1.0 ' {NO_VERSION} \"1.0\""),
        (packages(""), "packages[0].name '' is empty"),
        (packages("a", "b>=1"), f"packages[1].name 'b>=1' {NO_NAME} the version in version"),
        (packages("a_b", "c", "A-b"), "packages[2].name 'A-b' is the same package as packages[0]; list it once"),
    ],
)
def test_errors(options, fault):
    assert faults_of(definition_from, {"name": "r", **options}) == (fault,)


def test_numbers_of_a_resource():
    """More than 12 decimals would differ on every run."""
    assert wanted(resource={"cpu": 0.1 + 0.2}).values["resource"] == Resource(cpu=0.3)
    assert wanted(resource={"mem": 10**400}).values["resource"] == Resource(mem=10**400), "more than a float can be"
    plan = make_plan(runtime(resource={"cpu": "0.333333333333"}), wanted(resource={"cpu": 1 / 3}))
    assert plan.action == "none"


@pytest.mark.parametrize(
    "absent",
    [{}, {"description": None, "whitelist": None, "packages": None, "resource": None}, {"resource": {"cpu": None}}],
)
def test_omitted_and_null_not_managed(absent):
    assert dict(wanted(**absent).values) == {"name": "r"}


def test_values_are_canonical():
    """Blanks around a block are stripped."""
    blocks = ["1.2.3.4", "1.2.3.4/32", " 10.20.0.0/16", "2001:DB8::/32\n"]
    values = wanted(whitelist=blocks, packages=[{"name": "a", "version": "", "description": ""}], exec_timeout=1).values
    lists = {"whitelist": ("1.2.3.4/32", "10.20.0.0/16", "2001:db8::/32"), "packages": (Package("a", None, ""),)}
    assert dict(values) == {"name": "r", **lists, "exec_timeout": 1}


API_KEYS = ["id", *READ_ONLY, *(field.api for field in FIELDS)]
FACTS = {"status", "date_created", "date_modified", "version", "owner", "acl", "acg"}


@given(st.dictionaries(st.sampled_from(API_KEYS) | st.text(max_size=5), ANY_JSON, max_size=8))
def test_reading_anything(data):
    """Reading never fails, and a result always has the same keys."""
    result = from_api(data).to_result()
    assert set(result) == {"id", "is_default", *FACTS, *(field.name for field in FIELDS)}
    assert json.dumps(result)


def test_missing_fields():
    result = from_api({"id": ID}).to_result()
    assert {key for key, value in result.items() if value is not None} == {"id", "is_default"}
    assert from_api({"id": ID, "name": None}).name == Runtime({}).name == ""


def test_vocabulary():
    package = {"name": "a", "version": "1", "status": "installed", "message": "Return code: 0."}
    result = runtime(
        whitelist=["10.10.10.7/24", "db.example.com"],
        packages=[package],
        resource={"cpu": "0.20", "mem": 512, "procCount": 3},
        dateCreated="2022-08-31T07:29:53.000+0000",
        acl=[{"trusteeId": "T", "trusteeSubtype": 8704}],
    ).to_result()
    assert result["whitelist"] == ["10.10.10.7/24", "db.example.com"], "returned unchanged"
    assert result["packages"] == [{**package, "description": None}]
    assert result["resource"] == {"cpu": 0.2, "mem": 512, "disk": None, "proc_count": 3}
    assert result["date_created"] == "2022-08-31T07:29:53.000+0000"
    assert result["acl"] == [{"trustee_id": "T", "trustee_subtype": 8704}]
    assert "type" not in result


def test_default_runtime_known_by_id_alone():
    assert runtime(id=DEFAULT_ID.lower(), name="(Standard) MicroStrategy").is_default
    assert not runtime(name="(Default) MicroStrategy").is_default


@pytest.mark.parametrize(
    ("fields", "changed"),
    [
        ({"version": "1", "description": None}, ()),
        ({"version": None, "description": None}, ("description",)),
        ({"version": None, "description": "d"}, ()),
        ({"version": "1", "description": "e"}, ("description",)),
        ({"version": "2", "description": "d"}, ("version",)),
        ({"version": {"major": 1}, "description": "d"}, ("version",)),
    ],
)
def test_changed_since(fields, changed):
    """A list may omit a field. Then the version shows whether the runtime changed, if the server has versions."""
    assert changed_since(runtime(**fields), runtime(version="1", description="d")) == changed
