from __future__ import annotations

import math
from datetime import date

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mstr.library.plugins.module_utils._model.definition import DEFINITION_OPTIONS
from ansible_collections.mstr.library.plugins.module_utils._options import (
    OptionCheck,
    check_entry,
    loggable,
    without_secrets,
)
from ansible_collections.mstr.library.plugins.module_utils._remedies import option_error
from ansible_collections.mstr.library.plugins.module_utils.auth import argument_spec
from hypothesis import example, given
from hypothesis import strategies as st

RUNTIMES = {"type": "list", "elements": "dict", "options": DEFINITION_OPTIONS}
SPEC = {"runtimes": RUNTIMES, **DEFINITION_OPTIONS}
QUOTES = "put it in quotes"


NULL = "runtimes[0] is null; remove it, or write a value"
NO_MAPPING = "is not a mapping of options"
PANDAS = '{name: pandas, version: "2.2.3"}'


def errors_of(entry, *, from_file):
    check = OptionCheck(from_file)
    check.options({"name": "a", **entry}, DEFINITION_OPTIONS)
    return check.errors


def checked(spec, given):
    """The options of a task, and their errors."""
    check = OptionCheck()
    return check.task(spec, given), check.errors


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"name": True}, "name True was read as a boolean"),
        ({"name": 45000}, "name 45000 was read as a number"),
        ({"name": date(2026, 1, 2)}, "name 2026-01-02 was read as a date"),
        ({"whitelist": ["10.0.0.0/8", 10]}, "whitelist[1] 10 was read as a number"),
    ],
)
def test_in_a_file_only_text_is_text(entry, fault):
    assert errors_of(entry, from_file=True) == [f"{fault}; {QUOTES}"]


@pytest.mark.parametrize(
    ("option", "value", "fault"),
    [
        ("description", True, f"description %r was read as a boolean; {QUOTES}"),
        ("description", 2.1, f"description %r was read as a number (2.10 becomes 2.1); {QUOTES}"),
        ("name", {"a": 1}, "name is a mapping; expected text"),
        ("name", "a\ud800", r"name 'a\ud800' contains half of a character (a lone surrogate); remove it"),
        ("state", "gone", "state %r is not valid; choose present or absent"),
        ("purge_packages", "maybe", "purge_packages %r is not true or false"),
        ("whitelist", [None], "whitelist[0] is null; remove it, or write a value"),
        ("whitelist", {"a": 1}, "whitelist %r is not a list"),
        ("packages", [{"version": "1"}], "packages[0].name is missing"),
        (
            "packages",
            [{"name": "a", "vesion": "1"}],
            "packages[0].vesion is not an option; the nearest one is packages[0].version",
        ),
        ("packages", ["pandas==2.2.3"], f"packages[0] %r {NO_MAPPING}; write {PANDAS}"),
        ("packages", ["pandas"], f"packages[0] %r {NO_MAPPING}; write {{name: pandas}}"),
        ("packages", "pandas==2.2.3", f"packages %r is not a list; write [{PANDAS}]"),
        ("resource", {"zzz": 1}, "resource.zzz is not an option; the options are cpu, disk, mem, proc_count"),
        ("resource", [{"cpu": 1}, {"mem": 2}], "resource %r is not a mapping of options"),
        ("resource", {"cpu": "500m"}, "resource.cpu '500m' is not a number"),
        ("exec_timeout", "10s", "exec_timeout %r is not a whole number of seconds"),
        ("resource", {"mem": 10**400}, "resource.mem is too large; the largest number is 9223372036854775807"),
        ("resource", {"mem": 1.5}, "resource.mem 1.5 is not a whole number of MB"),
        ("resource", {"mem": math.nan}, "resource.mem must be a finite number, not nan"),
    ],
)
@pytest.mark.parametrize("from_file", [False, True])
def test_value_that_ansible_would_convert(option, value, fault, from_file):
    """Silently, or refuse without its place."""
    shown = repr(value[0] if "[0] %r" in fault else value)
    assert errors_of({option: value}, from_file=from_file) == [fault.replace("%r", shown)]


@pytest.mark.parametrize(
    "value", ['{"mem": "1024MB", "zzz": 1}', "mem=1024MB zzz=1", "{'mem': '1024MB', 'zzz': 1}"], ids=["json", "=", "py"]
)
def test_mapping_as_text(value):
    """Ansible reads it, in a task; what is wrong in it is said as for a mapping."""
    known = "the options are cpu, disk, mem, proc_count"
    assert errors_of({"resource": value}, from_file=False) == [
        "resource.mem '1024MB' is not a whole number of MB",
        f"resource.zzz is not an option; {known}",
    ]
    assert errors_of({"resource": value}, from_file=True)[0].endswith("is not a mapping of options")


def test_only_one_error_lists_the_options():
    given = {"white_list": [], "abc": 1, "def": 2}
    near, first, second = checked(SPEC, given)[1]
    assert near == "white_list is not an option; the nearest one is whitelist"
    assert first.startswith("abc is not an option; the options are description, ")
    assert second == "def is not an option"


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "yes", "description": None, "whitelist": "10.0.0.0/8, 10.1.0.0/16", "exec_timeout": " 60"},
        {"packages": [{"name": "a", "version": "2.10"}], "resource": {"cpu": 1, "mem": "512"}},
        {"whitelist": None, "packages": [], "exec_timeout": 600.0, "purge_packages": "no\n"},
    ],
)
@pytest.mark.parametrize("from_file", [False, True])
def test_values_ansible_may_convert(entry, from_file):
    assert errors_of(entry, from_file=from_file) == []


@pytest.mark.parametrize(
    ("runtimes", "error"),
    [
        ("X", "runtimes 'X' is not a list"),
        (["X"], "runtimes[0]: 'X' is not a mapping of options"),
        ([{"name": "X", "resource": "big"}], "runtimes[0] 'X': resource 'big' is not a mapping of options"),
    ],
)
def test_list_that_is_none(runtimes, error):
    assert checked(SPEC, {"runtimes": runtimes})[1] == [error]


@pytest.mark.parametrize(
    ("message", "errors", "shown"),
    [
        ("missing required arguments: code", ["a"], ["a", "missing required arguments: code"]),
        ("one", [], ["one"]),
        ("missing required arguments: code", ["code is a list; expected text"], ["code is a list; expected text"]),
        ("one of the following is required: runtimes, src", [NULL], [NULL]),
        ("parameters are mutually exclusive: a|b", [NULL], [NULL, "a and b exclude each other; set only one of them"]),
    ],
)
def test_message_of_ansible_comes_last(message, errors, shown):
    assert option_error(message, errors).splitlines() == shown


def test_null_is_said_to_be_null():
    needed = "one of the following is required: runtimes, src, scripts"
    assert option_error(needed, [], ["runtimes", "wait"]) == f"{needed} (null counts as not given: runtimes)"


def test_a_whole_result_as_session():
    """It is not shown, because it has the session."""
    given = {"session": {"session": "abcdefgh"}, "base_url": "x"}
    error = "session must be a text; give result.session, not the whole result of mstr_session"
    assert checked(argument_spec(), given) == ({"base_url": "x"}, [error])


def test_text_that_ansible_cannot_log():
    """It is named and not quoted, because it may be a secret."""
    half, nul = "contains half of a character (a lone surrogate); remove it", "contains a NUL character; remove it"
    params = {"names": ["ok", "a\ud800b"], "ca_path": "c\0", "password": "s3cret-\udc80"}
    assert loggable(params)[1] == [f"names[1] {half}", f"ca_path {nul}", f"password {half}"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(alphabet="ab01,.", max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from([*DEFINITION_OPTIONS, "version", "cpu", "mem", "zzz"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON)
@example([{"name": "a", "packages": [{"version": "1"}], "whitelist": [None], "state": "x", "resource": {"mem": "x"}}])
@example([{"state": None}])
def test_ansible_accepts_what_is_left(value):
    kept = OptionCheck().value(value, RUNTIMES, "runtimes")
    assert ArgumentSpecValidator({"runtimes": RUNTIMES}).validate({"runtimes": kept}).error_messages == []


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "7", "whitelist": "10.0.0.0/8,1.2.3.4", "exec_timeout": " 60", "purge_packages": "no"},
        {"packages": [{"name": "a"}, {"name": "b", "version": "2.10"}], "resource": {"cpu": 1, "mem": "512"}},
        {"smoke_test": True, "state": "absent", "packages": [], "resource": {}, "exec_timeout": 60.0},
    ],
)
def test_entry_of_a_file_is_read_as_ansible_reads_it(entry):
    """Ansible does not see it: its types, its defaults, and the options that it omits."""
    by_ansible = ArgumentSpecValidator(DEFINITION_OPTIONS).validate(entry).validated_parameters
    assert check_entry(DEFINITION_OPTIONS, entry) == (by_ansible, [])


SECRET = 'correct "horse" 4711'


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (f"a {SECRET} b", "a ******** b"),
        ({SECRET: [{"name": (SECRET, None)}]}, {"********": [{"name": ["********", None]}]}),
        ([f"{SECRET} and more", 1, 4711, True], ["********", 1, 4711, True]),
        ([12345678, 8.0, 1234567890], ["********", 8.0, "********"]),
        ({"runtimes": ["runtimes"], "runtimes 1": 1}, {"runtimes": ["********"], "******** 1": 1}),
    ],
)
def test_result_without_secrets(value, shown):
    """The longest first, in keys of a server, too; a number only if the secret is long. Our own keys stay."""
    assert without_secrets(value, [SECRET, f"{SECRET} and more", "12345678", "8.1", "runtimes"]) == shown
