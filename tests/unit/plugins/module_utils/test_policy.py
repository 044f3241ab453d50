"""A policy on definitions and on what a task would write, its exemptions, and the option itself."""

from __future__ import annotations

import sys
from datetime import date
from functools import partial

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ErrorList
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.policy import policy_from as policy_on
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import DEFAULT_RUNTIME_ID, from_api
from ansible_collections.mstr.library.plugins.module_utils._options import OptionCheck
from ansible_collections.mstr.library.plugins.module_utils._work.inputs import POLICY_OPTION, libraries
from hypothesis import assume, given
from hypothesis import strategies as st
from unit.support.make import ID, faults_of, packages, runtime, stored
from unit.support.many import outcome
from unit.support.server import Server

TODAY = date(2026, 6, 15)
WITHIN = {"networks_within": ["10.0.0.0/8"], "whitelist_required": False}
MERGED = "the merged whitelist: whitelist"
ADDS = {"whitelist": ["10.1.0.0/16"], "purge_whitelist": False}
PANDAS, REQUESTS = [{"name": "pandas"}], [{"name": "requests"}]
OLD = "the merged packages: packages[0] 'requests==2.31.0' violates the policy packages_never"
VIOLATING = {"name": "Prod [EU] Nightly", "packages": [{"name": "requests", "version": "2.31.0"}]}


def policy_from(option):
    return policy_on(option, TODAY)


def defined(options, policy):
    """The definition in the options of mstr_runtime. Raises ValidationError, also for what violates the policy."""
    with ErrorList() as errors:
        definition = errors.check(definition_from, options)
        errors.add(*policy.violations_in(options))
    return definition


def ensured(server, options, policy, **how):
    """What mstr_runtime does with the options under a policy."""
    return server.ensure(defined({"name": "r", **options}, policy), policy=policy, **how)


def refused(server, options, policy, **how):
    """The errors for which it writes nothing."""
    faults = faults_of(partial(ensured, server, options, policy, **how))
    assert server.writes == []
    return faults


@pytest.mark.parametrize(
    ("rule", "value", "violating", "satisfying"),
    [
        ("whitelist_required", True, {"whitelist": []}, {"whitelist": ["10.0.0.0/8"]}),
        ("networks_required", ["10.0.0.5"], {"whitelist": ["10.1.0.0/16"]}, {"whitelist": ["10.0.0.0/8"]}),
        ("packages_required", ["a"], {"packages": [{"name": "b"}]}, {"packages": [{"name": "A"}]}),
    ],
)
def test_required_rules(rule, value, violating, satisfying):
    """They hold for a create that omits the list, and for entries that stay on the server."""
    strict, text = policy_from({rule: value}), f"violates the policy {rule}"
    [option] = satisfying
    added = {**violating, f"purge_{option}": False}
    assert text in faults_of(defined, {"name": "r", **violating}, strict)[0]
    assert text in refused(Server(mstrio_py_added="always"), {}, strict)[0]
    assert text in refused(Server(stored(whitelist=[], packages=[])), added, strict)[0]
    assert ensured(Server(), satisfying, strict)["action"] == "created"
    assert ensured(Server(stored(**satisfying)), added, strict)["action"] in ("none", "updated")
    assert ensured(Server(stored(**violating)), {"description": "d"}, strict)["action"] == "updated"
    assert ensured(Server(stored()), {**violating, "state": "absent"}, strict)["action"] == "deleted"


@pytest.mark.parametrize(
    ("options", "faults"),
    [
        (ADDS, [f"{MERGED}[0] '8.8.8.8/32' violates", f"{MERGED}[1] 'db.example.com' violates"]),
        ({"whitelist": ["10.1.0.0/16"]}, []),
        ({"packages": PANDAS, "purge_packages": False}, [OLD]),
        ({"packages": REQUESTS}, [OLD]),  # the server's version stays
        ({"packages": [{"name": "requests", "version": "2.32.3"}]}, []),
        ({"packages": PANDAS}, []),
        ({"exec_timeout": 60}, []),
    ],
)
def test_what_stays_on_the_server(options, faults):
    strict = policy_from({**WITHIN, "packages_never": ["requests<2.32"]})
    held = {"whitelist": ["8.8.8.8/32", "db.example.com"], "packages": [{"name": "requests", "version": "2.31.0"}]}
    server = Server(stored(**held))
    found = refused(server, options, strict) if faults else ()
    assert [text[: len(start)] for text, start in zip(found, faults)] == faults
    assert len(found) == len(faults)
    assert faults or ensured(server, options, strict)["action"] == "updated"


def exemption(**changes):
    return {"runtime": "Prod [EU] Nightly", "reason": "why", "until": "2026-06-15", **changes}


def exempting(*exemptions, **limits):
    limits = limits or {**WITHIN, "packages_never": ["requests<2.32"]}
    return policy_from({**limits, "exemptions": list(exemptions)})


@pytest.mark.parametrize(
    ("changes", "exempted"),
    [
        ({}, True),
        ({"runtime": "prod [eu] *"}, True),
        ({"runtime": ID.lower()}, True),
        ({"rule": "packages_never"}, True),
        ({"rule": "packages_within"}, False),
        ({"value": "Requests"}, True),
        ({"value": "requests==2.30.0"}, False),
        ({"rule": "packages_never", "value": "requests"}, True),
        ({"until": "2026-06-14"}, False),
        ({"until": "2026-06-15 00:00:00"}, True),  # YAML may have read a date with a time
    ],
)
def test_what_an_exemption_means(changes, exempted):
    """The same in a report and in a definition."""
    strict = exempting(exemption(**changes))
    report = strict.report([runtime(**VIOLATING)])
    assert (len(report["exempted"]), len(report["violations"])) == (exempted, not exempted)
    assert len(strict.violations_in({"id": ID, **VIOLATING})) == (not exempted)


def test_exempted_violation_is_in_the_result():
    """Whatever is done, and as a report has it."""
    strict, server, by_id = exempting(exemption()), Server(stored(name=VIOLATING["name"])), {"id": ID, **VIOLATING}
    [row] = strict.report([runtime(**VIOLATING)])["exempted"]
    assert (row["name"], row["id"], row["value"]) == (VIOLATING["name"], ID, "requests==2.31.0")
    assert (row["rule"], row["reason"], row["until"]) == ("packages_never", "why", "2026-06-15")
    done = [ensured(server, options, strict) for options in (by_id, by_id, VIOLATING)]
    assert [(entry["action"], entry["exempted"]) for entry in done] == [
        ("updated", [row]),
        ("none", [row]),
        ("none", [row]),
    ]


def test_expired_exemption_is_said():
    [row] = exempting(exemption(until="2026-06-14")).report([runtime(**VIOLATING)])["violations"]
    assert row["detail"] == "matches requests<2.32; its exemption expired on 2026-06-14 (why)"


@pytest.mark.parametrize(
    ("value", "rule", "limit", "fields", "exempted"),
    [
        ("8.8.8.8/32", "networks_within", ["10.0.0.0/8"], {"whitelist": ["8.8.8.8"]}, True),
        ("8.8.8.0/24", "networks_within", ["10.0.0.0/8"], {"whitelist": ["8.8.8.8"]}, False),
        ("host", "networks_never", ["10.66.0.0/16"], {"whitelist": ["host"]}, True),
        ("requests", "packages_never", ["requests"], {"packages": packages("Requests[socks]==2.31.0")}, True),
        ("pandas[excel]", "packages_never", ["pandas"], {"packages": packages("pandas[excel]==2.31.0")}, True),
        ("8192.0", "resource_max", {"mem": 4096}, {"resource": {"mem": 8192}}, True),
        ("3.1", "runtime_versions_within", [">=3.11"], {"runtimeVersion": "3.10"}, False),
    ],
)
def test_values_of_an_exemption(value, rule, limit, fields, exempted):
    """A block is compared as a network, a number as a number, and a package without its extras."""
    strict = exempting(exemption(runtime="r", value=value), **{rule: limit})
    found = strict.report([runtime(**{"whitelist": ["10.0.0.1"], **fields})])
    assert [row["rule"] for row in found["exempted"]] == [rule] * exempted


def test_exemption_by_unknown_id():
    """A definition has only a name: it is refused after the login, unless the runtime has this id."""
    strict = exempting(exemption(runtime=ID))
    assert ensured(Server(stored(name=VIOLATING["name"])), VIOLATING, strict)["exempted"]
    other = stored(name=VIOLATING["name"], id="B" * 32)
    faults = [refused(server, VIOLATING, strict) for server in (Server(), Server(other))]
    assert all(fault.startswith("packages[0] 'requests==2.31.0' violates the policy") for [fault] in faults)
    server, strict = Server(), exempting(exemption(rule="whitelist_required"), whitelist_required=True)
    [row] = ensured(server, {"name": VIOLATING["name"]}, strict)["exempted"]
    assert row["id"] == server.id, "of the created one"


# What only the list can show to be a violation: what stays on the server, and what an exemption by id may have meant.
KNOWN_FROM_THE_LIST = [
    VIOLATING,
    {**VIOLATING, "purge_packages": False},
    {"name": VIOLATING["name"], "packages": PANDAS, "purge_packages": False},
    {"name": "New too"},
    {"name": "New too", "packages": PANDAS},
]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("entry", KNOWN_FROM_THE_LIST)
def test_known_once_the_list_is_read(entry, check_mode):
    """It refuses the whole task before any write."""
    strict = exempting(exemption(runtime=DEFAULT_RUNTIME_ID), packages_never=["requests<2.32"], whitelist_required=True)
    server = Server(stored(name=VIOLATING["name"], packages=VIOLATING["packages"], whitelist=["10.1.0.0/16"]))
    said = outcome(server, {"name": "New", "whitelist": ["10.1.0.0/16"]}, entry, policy=strict, check_mode=check_mode)
    assert said["msg"].startswith(f"runtimes[1] {entry['name']!r}: ")
    assert "violates the policy" in said["msg"]
    assert server.writes == []


EMPTY_WHITELIST = [{}, {"whitelist": []}, {"whitelist": [], "purge_whitelist": False}]


@given(
    rules=st.fixed_dictionaries(
        {},
        optional={
            "networks_within": st.lists(st.sampled_from(["10.0.0.0/8", "2001:db8::/32"])),
            "networks_never": st.lists(st.sampled_from(["10.0.0.0/8", "192.0.2.1"])),
            "whitelist_required": st.none() | st.just(True),
        },
    ),
    empty=st.sampled_from(EMPTY_WHITELIST),
    beside=st.sampled_from([(), ({"name": "other", "state": "absent"},)]),
)
def test_nothing_is_created_with_an_empty_whitelist(rules, empty, beside):
    """By a policy that refuses 0.0.0.0/0, because of its networks."""
    policy, server = policy_from(rules), Server()
    assume(policy.violations_in({"name": "r", "whitelist": ["0.0.0.0/0"]}))
    early = policy.violations_in({"name": "r", **empty})
    late = [] if early else [outcome(server, {"name": "r", **empty}, *beside, policy=policy)["msg"]]
    assert "it is not documented whether scripts then reach nothing or everything" in "".join(early + late)
    assert server.writes == []


@pytest.mark.parametrize("empty", EMPTY_WHITELIST)
def test_empty_whitelist_may_be_allowed(empty):
    assert ensured(Server(), empty, policy_from(WITHIN))["action"] == "created"


@pytest.mark.parametrize("rule", [{"runtime_versions_within": [">=3.10"]}, {"python_days_left": 0}])
@pytest.mark.parametrize("version", [None, "3.12.1"])
def test_python_of_a_new_runtime(rule, version):
    """The server would choose one. A runtime that exists may not show its version, and needs none in its definition."""
    strict, options = policy_from(rule), {"runtime_version": version}
    assert version or "it is not set, so the server would choose" in refused(Server(), {}, strict)[0]
    assert not version or ensured(Server(), options, strict)["action"] == "created"
    assert ensured(Server(stored(runtimeVersion=None)), {"description": "d"}, strict)["action"] == "updated"


@pytest.mark.parametrize("fields", [{"whitelist": []}, {"whitelist": None}, {}])
def test_default_runtime_with_an_empty_whitelist(fields):
    """An audit evaluates it as any other, also where the server does not return what was never set."""
    default = from_api({"id": DEFAULT_RUNTIME_ID, "name": "(Default) Strategy", **fields})
    found = policy_from({"networks_within": ["10.0.0.0/8"]}).report([default])
    assert [(row["id"], row["rule"]) for row in found["violations"]] == [(DEFAULT_RUNTIME_ID, "whitelist_required")]


def exempts(**changes):
    return {**WITHIN, "exemptions": [exemption(**changes)]}


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        ({"networks_within": ["10.0.0.0/8", "intranet"]}, "networks_within[1] 'intranet' is not a CIDR block"),
        ({"packages_never": ["requests[socks]<2"]}, "packages_never[0] 'requests[socks]<2' is not a package name"),
        ({"packages_within": ["a<x"]}, "packages_within[0] 'a<x' is not a version specifier"),
        ({"runtime_versions_within": ["3.11"]}, "specifier of PEP 440; write for example ==3.11"),
        ({"resource_max": {"disk": 0}}, "resource_max.disk must be more than 0, not 0"),
        (exempts(rule="network_within"), "[0].rule 'network_within' is not a rule of a policy; the rules are net"),
        (exempts(reason=" "), "exemptions[0].reason is empty"),
        (exempts(until="31.12.2026"), "until '31.12.2026' is not a date; write the last day, such as 2026-12-31"),
    ],
)
def test_invalid_values(option, fault):
    """Beside another invalid rule."""
    faults = faults_of(policy_from, {"networks_required": ["x"], **option})
    assert len([text for text in faults if text.startswith("policy.") and fault in text]) == 1
    assert len(faults) == 2


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        ({"runtime_versions_within": ">=3,<4"}, "runtime_versions_within '>=3,<4' is not a list"),
        ({"exemptions": [{"runtime": "R", "until": "2026-12-31"}]}, "exemptions[0].reason is missing"),
    ],
)
def test_form_of_the_option(option, fault):
    check = OptionCheck()
    check.task(POLICY_OPTION, {"policy": option})
    [text] = check.errors
    assert text.startswith(f"policy.{fault}")


@pytest.mark.parametrize(
    ("option", "needed"),
    [({"packages_never": ["company-*"]}, []), ({"packages_never": ["requests<2"]}, ["packaging"])],
)
def test_versions_alone_need_packaging(monkeypatch, option, needed):
    """Where it is missing, the task says so."""
    monkeypatch.setitem(sys.modules, "packaging.specifiers", None)
    assert [name for name, traceback in libraries(option).items() if traceback] == needed
