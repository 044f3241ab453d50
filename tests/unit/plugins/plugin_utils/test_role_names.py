from __future__ import annotations

from time import process_time

import pytest
from ansible_collections.mstr.library.plugins.module_utils._options import all_without_errors
from ansible_collections.mstr.library.plugins.module_utils._work.inputs_many import MANY_OPTIONS
from ansible_collections.mstr.library.plugins.plugin_utils._run.action import adapted


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        ("runtimes[0] 'src': name is empty", "mstr_runtimes[0] 'src': name is empty"),
        ("a\nruntimes[3] is a runtime like runtimes[1]", "a\nmstr_runtimes[3] is a runtime like mstr_runtimes[1]"),
        ("src '/a/src' cannot be read", "mstr_runtimes_src '/a/src' cannot be read"),
        ("more than purge_limit 1: 'purge_limit' (1)", "more than mstr_runtimes_purge_limit 1: 'purge_limit' (1)"),
        ("scripts[1] script 'base_url' in scripts", "mstr_runtimes_scripts[1] script 'base_url' in scripts"),
        ("base_url is missing; set MSTR_BASE_URL", "mstr_base_url is missing; set MSTR_BASE_URL"),
        ("policy.networks_within[0] 'x' is", "mstr_runtimes_policy.networks_within[0] 'x' is"),
        ("username and password, api_token or", "mstr_username and mstr_password, mstr_api_token or"),
        ("login_mode ldap requires password; set it", "mstr_login_mode ldap requires mstr_password; set it"),
        ("purge_limit must be at least 0, not -1", "mstr_runtimes_purge_limit must be at least 0, not -1"),
        ("Unsupported parameters: x found in runtimes", "Unsupported parameters: x found in mstr_runtimes"),
        ("the server's runtimes[0] isn't 'runtimes[0]'", "the server's mstr_runtimes[0] isn't 'runtimes[0]'"),
        ("Could not list the runtimes: GET /api/runtimes", "Could not list the runtimes: GET /api/runtimes"),
        ("x; the options are id, src\nsrc 'x'", "x; the options are id, src\nmstr_runtimes_src 'x'"),
        ("mstr_runtimes[0] and mstr_runtimes_src 'x'", "mstr_runtimes[0] and mstr_runtimes_src 'x'"),
        ("scripts is set, and src '/src'", "mstr_runtimes_scripts is set, and mstr_runtimes_src '/src'"),
        ("'/policy/purge_limit.yml' line 3 'a': name is", "'/policy/purge_limit.yml' line 3 'a': name is"),
    ],
)
def test_a_message_names_variables(original, expected):
    result = {"failed": True, "runtimes": []}
    assert adapted({**result, "msg": original}) == {**result, "msg": expected}


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("runtimes", "[X]", """-e '{"mstr_runtimes": [{"name": …}]}'"""),
        ("runtimes", '[{"name": "a"}]', """-e '{"mstr_runtimes": [{"name": "a"}]}'"""),
        ("scripts", "[X]", """-e '{"mstr_runtimes_scripts": [{"name": …}]}'"""),
    ],
)
def test_a_list_as_an_extra_variable(option, value, expected):
    [error] = all_without_errors(MANY_OPTIONS, {option: value})[1]
    text = adapted({"failed": True, "msg": error})["msg"]
    assert "ad-hoc" in error
    assert "ad-hoc" not in text
    variable = expected.split('"')[1]
    assert text == f"{variable} {value!r} is not a list; write a list; with -e, write the variable as JSON: {expected}"


def test_message_names_similar_variable():
    result = adapted({"failed": True, "msg": "base_url is missing; set it"}, ["mstr_url", "mstr_other"])
    assert result["msg"] == "mstr_base_url is missing; set it\nmstr_url is set; did you mean mstr_base_url?"


@pytest.mark.parametrize("result", [{"msg": "runtimes[0]"}, {"failed": True}, {"failed": True, "msg": None}])
def test_result_without_error_unchanged(result):
    assert adapted(result) == result


@pytest.mark.parametrize("text", ["'\\", " '", ' "', "the options are "])
def test_a_long_message_takes_no_time(text):
    """A server's text may be as long as it likes."""
    start = process_time()
    adapted({"failed": True, "msg": text * 100_000})
    assert process_time() - start < 2
