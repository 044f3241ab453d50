from __future__ import annotations

import copy
import datetime

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mstr.library.plugins.module_utils._errors import text_error
from ansible_collections.mstr.library.plugins.module_utils._model.fields import LIST_AS_WRITTEN, TEXT_AS_WRITTEN

SPEC = {
    "version": {"type": TEXT_AS_WRITTEN},
    "exclude": {"type": LIST_AS_WRITTEN, "elements": "str", "default": []},
    "packages": {
        "type": "list",
        "elements": "dict",
        "options": {"name": {"type": "str", "required": True}, "version": {"type": TEXT_AS_WRITTEN}},
    },
}


def validated(**options):
    result = ArgumentSpecValidator(copy.deepcopy(SPEC)).validate(options)
    return result.error_messages or result.validated_parameters


@pytest.mark.parametrize("value", ["2.10", 2.1, 3, True, None, [], {"a": 1}])
def test_ansible_leaves_value_as_it_written(value):
    assert validated(version=value) == {"version": value, "exclude": [], "packages": None}
    found = validated(packages=[{"name": "a", "version": value}])
    assert found["packages"] == [{"name": "a", "version": value}]


def test_documented_type():
    """Documentation and sanity tests see the usual type."""
    assert TEXT_AS_WRITTEN == "str"
    assert LIST_AS_WRITTEN == "list"


def test_text_is_not_split_into_list():
    assert validated(exclude=["a, b", 1])["exclude"] == ["a, b", "1"]
    assert "'a, b' is not a list; write ['a, b']" in validated(exclude="a, b")[0]


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("x", None),
        ("", None),
        (2.1, "2.1 was read as a number (2.10 becomes 2.1); put it in quotes"),
        (3, "3 was read as a number; put it in quotes"),
        (False, "False was read as a boolean; put it in quotes"),
        (datetime.date(2026, 1, 2), "2026-01-02 was read as a date; put it in quotes"),
        ([], "is a list; expected text"),
        ({}, "is a mapping; expected text"),
    ],
)
def test_why_a_value_is_not_text(value, fault):
    assert text_error(value) == fault
