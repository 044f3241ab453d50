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
from ansible_collections.mstr.library.plugins.module_utils._remedies import misnamed, option_error, unknown_option
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
        ({"whitelist": {"a": 1}}, "whitelist {'a': 1} is not a list; write [a]"),
        (
            {"packages": [{"name": "a"}, {"name": "b", "version": 2.1}]},
            "packages[1].version 2.1 was read as a number (2.10 becomes 2.1); put it in quotes",
        ),
        ({"packages": ["pandas"]}, "packages[0] 'pandas' is not a mapping of options; write {name: pandas}"),
        (
            {"packages": ["requests==2.32.3"]},
            "packages[0] 'requests==2.32.3' is not a mapping of options; write {name: requests, version: \"2.32.3\"}",
        ),
        (
            {"packages": "pandas, numpy"},
            "packages 'pandas, numpy' is not a list; write [{name: pandas}, {name: numpy}]",
        ),
        (
            {"packages": "[]"},
            """packages '[]' is not a list; write a list; in an ad-hoc command, write all options as JSON: """
            """-a '{"packages": [], …}'""",
        ),
        (
            {"packages": "[{name: numpy}]"},
            """packages '[{name: numpy}]' is not a list; write a list; in an ad-hoc command, write all options as """
            """JSON: -a '{"packages": [{"name": …}], …}'""",
        ),
        (
            {"packages": '[{"name": "numpy", "version": "1.2"}]'},
            """packages '[{"name": "numpy", "version": "1.2"}]' is not a list; write a list; in an ad-hoc command, """
            """write all options as JSON: -a '{"packages": [{"name": "numpy", "version": "1.2"}], …}'""",
        ),
        (
            {"packages": {"numpy": "1.2", "pandas": None}},
            "packages {'numpy': '1.2', 'pandas': None} is not a list; write "
            '[{name: numpy, version: "1.2"}, {name: pandas}]',
        ),
        ({"packages": {"name": "numpy"}}, "packages {'name': 'numpy'} is not a list; write [{name: numpy}]"),
        ({"packages": {"numpy": 1.2}}, "packages {'numpy': 1.2} is not a list"),
        ({"packages": [None]}, "packages[0] is null; remove it, or write a value"),
        ({"packages": [{"version": "1"}]}, "packages[0].name is missing"),
        ({"packages": [{"name": "a", "vesion": "1"}]}, "packages[0].vesion is not an option; did you mean version?"),
        ({"whitelst": []}, "whitelst is not an option; did you mean whitelist?"),
        ({"resource": {"zzz": 1}}, "resource.zzz is not an option; the options are cpu, disk, mem, proc_count"),
        ({"resource": "big"}, "resource 'big' is not a mapping of options"),
        (
            {"resource": [{"cpu": 1}, {"mem": 2}]},
            "resource [{'cpu': 1}, {'mem': 2}] is not a mapping of options; write {cpu: 1, mem: 2}",
        ),
        (
            {"resource": [1, 512]},
            "resource [1, 512] is not a mapping of options; write {cpu: …, mem: …, disk: …, proc_count: …}",
        ),
        ({"resource": {"cpu": "500m"}}, "resource.cpu '500m' is not a number; write 0.5"),
        ({"resource": {"mem": "1GB"}}, "resource.mem '1GB' is not a whole number; write the number of MB: 1024"),
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
        ("X", "runtimes 'X' is not a list; write [{name: X}]"),
        ("X, Y", "runtimes 'X, Y' is not a list; write [{name: X}, {name: Y}]"),
        ({"name": "X"}, "runtimes {'name': 'X'} is not a list; write [{name: X}]"),
        (
            {"X": {"exec_timeout": 1}},
            "runtimes {'X': {'exec_timeout': 1}} is not a list; write [{name: X, exec_timeout: 1}]",
        ),
        (["X"], "runtimes[0] 'X' is not a mapping of options; write {name: X}"),
    ],
)
def test_names_in_place_of_list_get_remedy(runtimes, error):
    [found] = all_without_errors(SPEC, {"runtimes": runtimes})[1]
    assert found.replace("runtimes[0]: ", "runtimes[0] ") == error


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


MISSES_BOTH = "base_url is missing; set it\nno credentials: supply username and password"


@pytest.mark.parametrize(
    ("message", "names", "hints"),
    [
        (
            MISSES_BOTH,
            ["MSTR_PASS", "MSTR_URL", "MSTR_USER", "MSTR_VERIFY", "URL"],
            [("MSTR_PASS", "MSTR_PASSWORD"), ("MSTR_URL", "MSTR_BASE_URL"), ("MSTR_USER", "MSTR_USERNAME")],
        ),
        (
            "login_mode standard requires mstr_password; set",
            ["mstr_pass"],
            [("mstr_pass", "mstr_password")],
        ),
        (
            "the certificate is not trusted",
            ["mstr_ca_file", "mstr_url", "mstr_verify"],
            [("mstr_ca_file", "mstr_ca_path"), ("mstr_verify", "mstr_validate_certs")],
        ),
        ("Could not log in", ["mstr_url", "mstr_user"], []),
    ],
)
def test_a_similar_variable_is_named(message, names, hints):
    """Only for an option that the message misses: other variables are the user's own."""
    sentences = [f"{name} is set; did you mean {meant}?" for name, meant in hints]
    assert misnamed(message, names) == "\n".join([message, *sentences])


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
