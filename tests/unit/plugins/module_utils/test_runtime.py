from __future__ import annotations

import json

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.fields import FIELDS
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import READ_ONLY, Runtime, from_api
from ansible_collections.mstr.library.plugins.module_utils._model.stored import changed_since
from ansible_collections.mstr.library.tests.unit.support.make import DEFAULT_ID, ID, runtime, stored
from ansible_collections.mstr.library.tests.unit.support.strategies import ANY_JSON
from hypothesis import given
from hypothesis import strategies as st

FACTS = {"status", "date_created", "date_modified", "version", "owner", "acl", "acg"}
RESULT_KEYS = {"id", "is_default", *FACTS, *(field.name for field in FIELDS)}
API_KEYS = ["id", *READ_ONLY, *(field.api for field in FIELDS)]


@given(st.dictionaries(st.sampled_from(API_KEYS) | st.text(max_size=5), ANY_JSON, max_size=8))
def test_reading_anything(data):
    """Reading never fails, and a result always has the same keys."""
    result = from_api(data).to_result()
    assert set(result) == RESULT_KEYS
    assert json.dumps(result)


def test_missing_fields():
    """A field that the server does not return is null."""
    result = from_api({"id": ID}).to_result()
    assert {key for key, value in result.items() if value is not None} == {"id", "is_default"}


def test_vocabulary():
    """A result has the vocabulary of the options."""
    result = runtime(
        whitelist=["10.10.10.7/24", "db.example.com"],
        packages=[{"name": "a", "version": "1", "status": "installed", "message": "Return code: 0."}],
        resource={"cpu": "0.20", "mem": 512, "procCount": 3},
        dateCreated="2022-08-31T07:29:53.000+0000",
        owner={"id": "X", "fullName": "n"},
        acl=[{"trusteeId": "T", "trusteeSubtype": 8704}],
    ).to_result()
    assert result["whitelist"] == ["10.10.10.7/24", "db.example.com"], "returned unchanged"
    assert result["packages"] == [
        {"name": "a", "version": "1", "description": None, "status": "installed", "message": "Return code: 0."}
    ]
    assert result["resource"] == {"cpu": 0.2, "mem": 512, "disk": None, "proc_count": 3}
    assert result["date_created"] == "2022-08-31T07:29:53.000+0000"
    assert result["owner"] == {"id": "X", "full_name": "n"}
    assert result["acl"] == [{"trustee_id": "T", "trustee_subtype": 8704}]
    assert "type" not in result


def test_default_runtime():
    """It is known by its id alone."""
    assert runtime(id=DEFAULT_ID.lower(), name="(Standard) MicroStrategy").is_default
    assert not runtime(name="(Default) MicroStrategy").is_default


def test_a_missing_name_is_empty():
    assert from_api({"id": ID, "name": None}).name == ""
    assert Runtime({}).name == ""


def test_lacking():
    """A field that did not come is lacking; an empty one is not."""
    assert runtime().lacking(["whitelist", "description", "min_cached_instances"]) == []
    data = stored()
    del data["whitelist"]
    assert from_api(data).lacking(["name", "whitelist"]) == ["whitelist"]
    assert from_api(data)._replace(is_whole=True).lacking(["name", "whitelist"]) == []


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
