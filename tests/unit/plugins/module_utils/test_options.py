from __future__ import annotations

import datetime
import math

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mstr.library.plugins.module_utils._model.definition import DEFINITION_OPTIONS
from ansible_collections.mstr.library.plugins.module_utils._options import (
    all_without_errors,
    without_errors,
)
from ansible_collections.mstr.library.plugins.module_utils._remedies import option_error, unknown_option
from ansible_collections.mstr.library.plugins.module_utils.auth import argument_spec
from hypothesis import example, given
from hypothesis import strategies as st

ENTRY = {"options": DEFINITION_OPTIONS}
SPEC = {"runtimes": {"type": "list", "elements": "dict", "options": DEFINITION_OPTIONS}, **DEFINITION_OPTIONS}


def errors_of(entry, *, from_file):
    errors = []
    without_errors(entry, ENTRY, errors, from_file=from_file)
    return errors


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"name": True}, "name True was read as a boolean; put it in quotes"),
        ({"name": 45000}, "name 45000 was read as a number; put it in quotes"),
        ({"name": datetime.date(2026, 1, 2)}, "name 2026-01-02 was read as a date; put it in quotes"),
        (
            {"others": datetime.datetime(2026, 1, 2, 3, 4)},
            "others 2026-01-02 03:04:00 was read as a date; put it in quotes",
        ),
        ({"whitelist": ["10.0.0.0/8", 10]}, "whitelist[1] 10 was read as a number; put it in quotes"),
        ({"packages": [{"name": 1}]}, "packages[0].name 1 was read as a number; put it in quotes"),
    ],
)
def test_in_file_what_yaml_did_not_read_as_text_refused(entry, fault):
    assert errors_of({"name": "a", **entry}, from_file=True) == [fault]


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"description": True}, "description True was read as a boolean; put it in quotes"),
        ({"description": 2.1}, "description 2.1 was read as a number (2.10 becomes 2.1); put it in quotes"),
        ({"name": {"a": 1}}, "name is a mapping; expected text"),
        ({"name": "a\ud800"}, r"name 'a\ud800' contains half of a character (a lone surrogate); remove it"),
        ({"state": "gone"}, "state 'gone' is not valid; choose present or absent"),
        ({"purge_packages": "maybe"}, "purge_packages 'maybe' is not true or false"),
        ({"whitelist": [None]}, "whitelist[0] is null; remove it, or write a value"),
        ({"whitelist": {"a": 1}}, "whitelist {'a': 1} is not a list"),
        (
            {"packages": [{"name": "a"}, {"name": "b", "version": 2.1}]},
            "packages[1].version 2.1 was read as a number (2.10 becomes 2.1); put it in quotes",
        ),
        (
            {"packages": ["requests==2.32.3"]},
            "packages[0] 'requests==2.32.3' is not a mapping of options; write {name: …, version: …, description: …}",
        ),
        (
            {"packages": "pandas, numpy"},
            "packages 'pandas, numpy' is not a list; write [{name: …, version: …, description: …}]",
        ),
        ({"packages": "[]"}, "packages '[]' is not a list; key=value made a text of it, so write JSON"),
        (
            {"packages": {"numpy": 1.2}},
            "packages {'numpy': 1.2} is not a list; write [{name: …, version: …, description: …}]",
        ),
        ({"packages": [None]}, "packages[0] is null; remove it, or write a value"),
        ({"packages": [{"version": "1"}]}, "packages[0].name is missing"),
        ({"packages": [{"name": "a", "vesion": "1"}]}, "packages[0].vesion is not an option; did you mean version?"),
        ({"whitelst": []}, "whitelst is not an option; did you mean whitelist?"),
        ({"resource": {"zzz": 1}}, "resource.zzz is not an option; the options are cpu, disk, mem, proc_count"),
        (
            {"resource": [1, 512]},
            "resource [1, 512] is not a mapping of options; write {cpu: …, mem: …, disk: …, proc_count: …}",
        ),
        ({"exec_timeout": "10s"}, "exec_timeout '10s' is not a whole number; write it without a unit"),
        ({"resource": {"mem": 10**400}}, "resource.mem is too large; the largest number is 9223372036854775807"),
        ({"resource": {"cpu": 10**400}}, "resource.cpu is too large; the largest number is 9223372036854775807"),
        ({"resource": {"mem": 1.5}}, "resource.mem 1.5 is not a whole number"),
        ({"resource": {"mem": math.nan}}, "resource.mem must be a finite number, not nan"),
        ({"exec_timeout": True}, "exec_timeout True is not a number"),
        ({"exec_timeout": []}, "exec_timeout [] is not a number"),
    ],
)
@pytest.mark.parametrize("from_file", [False, True])
def test_value_ansible_would_convert(entry, fault, from_file):
    """A value that ansible would convert silently or refuse without its place."""
    assert errors_of({"name": "a", **entry}, from_file=from_file) == [fault]


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "yes", "description": None, "whitelist": "10.0.0.0/8, 10.1.0.0/16", "exec_timeout": " 60"},
        {
            "packages": [{"name": "a", "version": "2.10"}],
            "resource": {"cpu": 1, "mem": "512"},
            "purge_packages": "no\n",
        },
        {"whitelist": None, "packages": [], "exec_timeout": 600.0},
    ],
)
@pytest.mark.parametrize("from_file", [False, True])
def test_values_ansible_may_convert(entry, from_file):
    assert errors_of(entry, from_file=from_file) == []


@pytest.mark.parametrize(
    ("runtimes", "error"),
    [
        ("X, Y", "runtimes 'X, Y' is not a list; write [{name: …}]"),
        (["X"], "runtimes[0]: 'X' is not a mapping of options; write {name: …}"),
    ],
)
def test_names_in_place_of_list_get_remedy(runtimes, error):
    assert all_without_errors(SPEC, {"runtimes": runtimes})[1] == [error]


def test_values_template_or_command_line_makes():
    assert all_without_errors(SPEC, {"name": 2024, "resource": "cpu=1 mem=2", "_ansible_diff": 1})[1] == []
    assert all_without_errors(SPEC, {"resource": '{"cpu": 1}'})[1] == []


def test_text_with_fault_is_not_missing():
    assert all_without_errors(SPEC, {"name": True, "state": True})[0] == {"name": "True", "state": None}


def test_ansible_s_message_comes_after_all_faults():
    assert option_error("missing required arguments: code", ["a"]) == "a\nmissing required arguments: code"
    assert option_error("one", []) == "one"


def test_option_given_with_fault_not_missing():
    assert option_error("missing required arguments: code", ["code is a list; expected text"]) == (
        "code is a list; expected text"
    )
    fault = "runtimes[0] is null; remove it, or write a value"
    assert option_error("one of the following is required: runtimes, src", [fault]) == fault
    exclusive = "runtimes and src exclude each other; set only one of them"
    assert option_error("parameters are mutually exclusive: runtimes|src", [fault]) == f"{fault}\n{exclusive}"


@pytest.mark.parametrize(
    ("key", "meant"), [("url", "base_url"), ("user", "username"), ("verify", "validate_certs"), ("ca_file", "ca_path")]
)
def test_the_option_for_a_synonym(key, meant):
    assert unknown_option(key, key, argument_spec()) == f"{key} is not an option; did you mean {meant}?"


def test_a_whole_result_as_session():
    """It is not shown, because it has the session."""
    rest, errors = all_without_errors(argument_spec(), {"session": {"session": "abcdefgh"}, "base_url": "x"})
    assert (rest["session"], errors) == (
        None,
        ["session must be a text; give result.session, not the whole result of mstr_session"],
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet="ab01,.", max_size=4),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from([*DEFINITION_OPTIONS, "version", "cpu", "mem", "zzz"]), inner, max_size=3)
        ),
        max_leaves=12,
    )
)
@example(
    [{"name": "a", "packages": [{"version": "1"}], "whitelist": [None], "state": "gone", "resource": {"mem": "x"}}]
)
@example([{"state": None}])
def test_ansible_accepts_what_left_without_faults(value):
    spec = {"runtimes": {"type": "list", "elements": "dict", "options": DEFINITION_OPTIONS}}
    kept = without_errors(value, spec["runtimes"], [])
    assert ArgumentSpecValidator(spec).validate({"runtimes": kept}).error_messages == []
