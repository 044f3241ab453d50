"""The JSON Schemas in docs/schemas: every example and every file that the product writes is valid."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ValidationError
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import from_api
from ansible_collections.mstr.library.plugins.plugin_utils._reports.export import to_definitions
from hypothesis import given
from unit.support.strategies import OBJECTS

# In the environment in which developers run these tests; ansible-test has neither.
jsonschema = pytest.importorskip("jsonschema")
pages = pytest.importorskip("plays.examples.blocks").pages

ROOT = Path(__file__).parents[2]
# A list with another meaning has other keys.
_OF_RUNTIMES = {"runtimes", "mstr_runtimes"}


def errors(data):
    schema = json.loads((ROOT / "docs/schemas/definitions.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    found = jsonschema.Draft202012Validator(schema).iter_errors(data)
    return [f"{error.json_path}: {error.message}" for error in found]


def definitions_in(value):
    """Every list of definitions of runtimes in an example, also of a variable or an option."""
    if isinstance(value, dict):
        yield from filter(is_list_of_definitions, (value.get(key) for key in _OF_RUNTIMES))
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from definitions_in(inner)


def is_list_of_definitions(value):
    return isinstance(value, list) and "{{" not in str(value)


def test_examples():
    blocks = [block for page in pages().values() for block in page if block.language.startswith("yaml")]
    found = [entries for block in blocks for entries in definitions_in(block.data)]
    assert len(found) >= 10
    assert [error for entries in found for error in errors({"runtimes": entries})] == []


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ([{"name": "r", "packges": []}], "packges"),
        ([{"name": "r", "packages": [{"name": "numpy", "version": 2.1}]}], "2.1"),
        ([{"whitelist": []}], "not valid"),
        ({"scripts": [{"name": "s", "runtime": "r"}]}, "project"),
        ({"runtimes": [], "left_out": []}, "left_out"),
        ({}, "not valid"),
    ],
)
def test_mistakes_in_definitions(data, place):
    [error, *_more] = errors(data)
    assert place in error


BACKUP = {"runtimes": [{"id": "A" * 32, "state": "absent"}], ".common": {"a": 1}, "restore": True}


@pytest.mark.parametrize(
    "data",
    [
        [],
        [{"name": "r", "resource": None, "smoke_test": True}],
        {"runtimes": None, "scripts": [{"name": "s", "project": "p", "runtime": "r"}]},
        BACKUP,
    ],
)
def test_definitions(data):
    assert errors(data) == []


@given(OBJECTS)
def test_exports(data):
    """Whatever a server holds, what an export writes of it is valid."""
    try:
        definitions = to_definitions([from_api(data).to_result()])
    except ValidationError:
        return
    assert errors({"runtimes": definitions}) == []
