from __future__ import annotations

import ipaddress
import re
import sys
from datetime import date
from functools import partial
from pathlib import Path

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.policy import number_of
from ansible_collections.mstr.library.plugins.module_utils._model.policy import policy_from as policy_on
from ansible_collections.mstr.library.plugins.module_utils._model.result import report
from ansible_collections.mstr.library.plugins.module_utils._model.rules import RULES, Finding
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import from_api
from ansible_collections.mstr.library.plugins.module_utils._model.steps import report_one
from ansible_collections.mstr.library.plugins.module_utils._options import all_without_errors
from ansible_collections.mstr.library.plugins.module_utils._work.inputs import POLICY_OPTION, RULE_OPTIONS, libraries
from ansible_collections.mstr.library.tests.unit.support.make import ID, faults_of, runtime, stored
from ansible_collections.mstr.library.tests.unit.support.server import Server
from ansible_collections.mstr.library.tests.unit.support.strategies import BLOCKS, OBJECTS
from hypothesis import given
from hypothesis import strategies as st

TODAY = date(2026, 6, 15)


def policy_from(option):
    return policy_on(option, TODAY)


def policy(within=None, never=None, required=False):
    return policy_from({"networks_within": within, "networks_never": never, "whitelist_required": required})


def evaluated(policy, values, name="r", identity=ID):
    """What a policy finds, without what the finding has in common with its place."""
    return policy.evaluate(values, name, identity)


def rules(policy, text):
    """The rules that an entry violates."""
    return [finding.rule for finding in evaluated(policy, {"whitelist": [text]})]


EMPTY = ("whitelist violates the policy whitelist_required: it is empty",)
HALVES = ["10.0.0.0/9", "10.128.0.0/9"]
THIRDS = [f"192.168.{third}.0/24" for third in range(256)]
V6_HALVES = ["2001:db8::/33", "2001:db8:8000::/33"]
NEVER_66 = {"never": ["10.66.0.0/16", "2001:db8:66::/48"]}


def test_no_rule():
    """A policy without rules forbids nothing."""
    for empty in ({}, {"networks_within": None, "networks_never": None}, {"networks_never": []}):
        assert rules(policy_from(empty), "0.0.0.0/0") == []
        assert rules(policy_from(empty), "db.example.com") == []
        assert policy_from(empty).limits == {}


@pytest.mark.parametrize(
    ("within", "inside", "outside"),
    [
        (
            HALVES,
            ["10.1.2.3", "10.127.0.0/16", "10.0.0.0/9", "10.0.0.0/8", "10.64.0.0/10"],
            ["10.0.0.0/7", "11.0.0.0/32", "0.0.0.0/0", "::/0", "9.255.255.255"],
        ),
        (THIRDS, ["192.168.0.0/16"], ["192.168.0.0/15"]),
        (
            [block for block in THIRDS if ".77." not in block],
            ["192.168.128.0/17"],
            ["192.168.0.0/16", "192.168.77.0/25"],
        ),
        (V6_HALVES, ["2001:DB8::/32"], ["2001:db9::/32", "10.0.0.0/8"]),
        # Host bits that a server holds are evaluated as their network.
        (["10.10.10.7/32"], [], ["10.10.10.7/24"]),
        (["10.10.10.0/24"], ["10.10.10.7/24"], []),
        ([], [], ["10.0.0.1/32", "2001:db8::/32"]),
        # IPv6 and the IPv4 networks in it
        (["::/0"], ["2000::/3"], ["10.0.0.0/8"]),
        (["10.0.0.0/8", "::/0"], ["::ffff:10.8.8.8"], ["::ffff:8.8.8.8"]),
        (["::ffff:10.0.0.0/104"], ["::ffff:10.1.0.0/112"], []),
        (["64:ff9b::a00:0/104"], ["64:ff9b::a01:0/112"], []),
    ],
)
def test_networks_within(within, inside, outside):
    """A block is inside if the union of all blocks of the rule holds it, though no single one does."""
    assert [rules(policy(within), block) for block in inside] == [[]] * len(inside)
    assert [rules(policy(within), block) for block in outside] == [["networks_within"]] * len(outside)


@pytest.mark.parametrize(
    ("never", "hit", "missed"),
    [
        (
            ["10.66.0.0/16", "2001:db8:66::/48"],
            ["0.0.0.0/0", "10.66.7.0/24", "10.66.0.0/16", "10.66.255.255/32", "::/0", "2001:db8:66:1::/64"],
            ["10.67.0.0/16", "10.65.255.255", "2001:db8:67::/48"],
        ),
        (["2001:db8:66::/48"], ["2001:db8::/32"], []),
        (["10.10.10.9"], ["10.10.10.7/24"], []),
        (["10.66.0.0/16"], ["::ffff:10.66.1.1", "::ffff:0:0/96"], ["::ffff:10.67.1.1"]),
        (["::ffff:10.66.0.0/112"], ["10.66.1.0/24"], []),
        (["64:ff9b::a42:0/112"], ["10.66.1.0/24"], []),
        (["::/0"], ["2000::/3"], ["10.0.0.0/8"]),
        # Forms that only a server holds
        (["10.66.0.0/16"], [" 10.66.0.0/16", "10.0.0.0/255.0.0.0", "10.66.1.1/255.255.255.0 "], []),
        (["10.66.0.0/16"], ["::ffff:10.66.1.1 "], ["10.67.0.0/255.255.0.0"]),
    ],
)
def test_networks_never(never, hit, missed):
    """A block may not overlap a forbidden one, in either direction."""
    assert [rules(policy(never=never), block) for block in hit] == [["networks_never"]] * len(hit)
    assert [rules(policy(never=never), block) for block in missed] == [[]] * len(missed)


@pytest.mark.parametrize(
    "text", ["db.example.com", "", "10.10/16", "*", "10.66.0.0/255.0.255.0", "10.66.0.0/33", "10.66.0.999/255.0.0.0"]
)
def test_unreadable_block(text):
    """It is within nothing, and nobody knows what it overlaps: both rules say so, and it counts once."""
    found = evaluated(policy(["0.0.0.0/0", "::/0"], ["10.0.0.0/8"]), {"whitelist": [text]})
    detail = "cannot be evaluated: it is not a CIDR block"
    assert found == [
        Finding("whitelist", text, "is not a CIDR block", 0, "violation", "networks_within"),
        Finding("whitelist", text, detail, 0, "unreadable", "networks_never"),
    ]
    assert number_of({"id": ID, **finding.to_result()} for finding in found) == 1


def test_number_of_violations():
    """Each rule and value counts, but a value that no rule can read counts once."""
    policy = policy_from({"networks_within": [], "packages_within": ["a"], "packages_never": ["b"]})
    found = policy.report([runtime(whitelist=["x", "10.0.0.0/8"], packages=[{"name": "b"}, {"name": "a b"}])])
    assert [(row["value"], row["rule"]) for row in found["violations"]] == [
        ("x", "networks_within"),
        ("10.0.0.0/8", "networks_within"),
        ("b", "packages_within"),
        ("b", "packages_never"),
        ("a b", "packages_within"),
        ("a b", "packages_never"),
    ]
    assert number_of(found["violations"]) == 5


def test_violations_have_index_and_value():
    strict = policy(["10.0.0.0/8"], ["10.66.0.0/16", "192.168.0.0/16", "172.16.0.0/12"])
    values = {"whitelist": ["10.0.0.0/8", "192.0.0.0/8", "10.1.0.0/16", "host"]}
    assert faults_of(strict.check, values, "r", ID) == (
        "whitelist[0] '10.0.0.0/8' violates the policy networks_never: it overlaps 10.66.0.0/16",
        "whitelist[1] '192.0.0.0/8' violates the policy networks_within: it does not lie within the allowed networks",
        "whitelist[1] '192.0.0.0/8' violates the policy networks_never: it overlaps 192.168.0.0/16",
        "whitelist[3] 'host' violates the policy networks_within: it is not a CIDR block",
        "whitelist[3] 'host' violates the policy networks_never: it cannot be evaluated: it is not a CIDR block",
    )


def test_mistakes_of_a_policy():
    """They are refused all at once."""
    faults = faults_of(
        policy_from, {"networks_within": ["10.0.0.0/8", "intranet"], "networks_never": ["10.10.10.7/24", "10.0.0.0/33"]}
    )
    assert [fault.split(" ")[:2] for fault in faults] == [
        ["policy.networks_within[1]", "'intranet'"],
        ["policy.networks_never[0]", "'10.10.10.7/24'"],
        ["policy.networks_never[1]", "'10.0.0.0/33'"],
    ]
    assert "write 10.10.10.0/24 for the block or 10.10.10.7/32 for the one address" in faults[1]


# --- definitions


def test_violations_beside_other_errors():
    """A definition is refused with every violation beside its other errors."""
    options = {"name": "", "whitelist": ["10.1.0.0/16", "8.8.8.8", "10.66.0.1", "10.10.10.7/24"]}
    faults = faults_of(definition_from, options, policy(["10.0.0.0/8"], ["10.66.0.0/16"]))
    assert [fault.split(" ")[0] for fault in faults] == ["name", "whitelist[3]", "whitelist[1]", "whitelist[2]"]


def test_violation_by_ipv4_in_ipv6():
    (fault,) = faults_of(policy(["10.0.0.0/8", "::/0"]).check, {"whitelist": ["::/0"]}, "r", ID)
    assert fault == (
        "whitelist[0] '::/0' violates the policy networks_within: it contains IPv4 addresses (as IPv6) that do not lie "
        "within the allowed networks"
    )


@pytest.mark.parametrize("whitelist", [[], (), None])
def test_whitelist_required(whitelist):
    """An empty whitelist violates this rule alone."""
    values = {"whitelist": whitelist}
    assert evaluated(policy([], ["0.0.0.0/0"]), values) == []
    assert evaluated(policy(required=True), values) == [
        Finding("whitelist", None, "is empty", rule="whitelist_required")
    ]
    assert faults_of(policy(required=True).check, values, "r", ID) == EMPTY
    assert evaluated(policy(required=True), {"whitelist": ["10.0.0.0/8"]}) == []
    assert evaluated(policy(required=True), {"description": "d"}) == [], "it is not managed"


def test_clearing_a_whitelist():
    assert faults_of(definition_from, {"name": "r", "whitelist": []}, policy(required=True)) == EMPTY
    for options in ({}, {"whitelist": ["10.0.0.0/8"]}, {"whitelist": [], "state": "absent"}):
        definition_from({"name": "r", **options}, policy(required=True))
    for options in ({}, {"whitelist": []}, {"whitelist": ["8.8.8.8"], "state": "absent"}):
        definition_from({"name": "r", **options}, policy([], ["0.0.0.0/0"]))


@pytest.mark.parametrize(
    ("required", "inside", "outside"),
    [
        (["10.0.0.0/8"], [HALVES, ["0.0.0.0/0"], [*HALVES, "*"]], [HALVES[:1], ["::/0"], ["::ffff:0:0/96"], [], None]),
        (["10.0.0.5", "2001:db8::7"], [["10.0.0.0/24", "2001:db8::/32"], ["10.0.0.7/24", "::/0"]], [["10.0.0.0/24"]]),
    ],
)
def test_networks_required(required, inside, outside):
    """Each network lies within the union of a whitelist; an empty one contains nothing."""
    strict = policy_from({"networks_required": required})
    found = [[row.rule for row in evaluated(strict, {"whitelist": blocks})] for blocks in (*inside, *outside)]
    assert found == [[]] * len(inside) + [["networks_required"]] * len(outside)


def test_packages_required():
    """A package matches each requirement. One without a version matches no requirement with specifiers."""
    strict = policy_from({"packages_required": ["mstrio-py>=11.5", "company-*"]})

    def found(*names):
        values = from_api({"packages": [{"name": name, "version": version} for name, version in names]}).values
        return [(row.value, row.detail) for row in evaluated(strict, values)]

    assert found(("mstrio_py", "11.6"), ("Company_Tools[x]", "")) == []
    none, company = "matches none of the packages", ("company-base", "")
    assert found() == [("mstrio-py>=11.5", none), ("company-*", none)]
    assert found(company, ("mstrio-py", "")) == [("mstrio-py>=11.5", f"{none} (it has mstrio-py)")]
    assert found(company, ("mstrio-py", "11.4")) == [("mstrio-py>=11.5", f"{none} (it has mstrio-py==11.4)")]
    assert found(("mstrio-py", "11.5"), ("git+https://x", "")) == [
        ("company-*", "cannot be evaluated: 'git+https://x' is not the name of a package")
    ]


# What violates each rule that requires entries, and a list that satisfies it.
REQUIRED = {
    "whitelist_required": (True, {"whitelist": []}, {"whitelist": ["10.0.0.0/8"]}),
    "networks_required": (["10.0.0.5"], {"whitelist": ["10.1.0.0/16"]}, {"whitelist": ["10.0.0.0/8"]}),
    "packages_required": (["a"], {"packages": [{"name": "b"}]}, {"packages": [{"name": "A"}]}),
}


@pytest.mark.parametrize("key", REQUIRED)
def test_required_rules(key):
    """They hold for a create that omits the list, and for entries that stay on the server."""
    value, violating, satisfying = REQUIRED[key]
    strict = policy_from({key: value})
    [option] = satisfying

    def faults(server, options):
        wanted = definition_from({"name": "r", **options}, strict)
        return faults_of(partial(server.ensure, policy=strict), wanted)

    assert f"violates the policy {key}" in faults_of(definition_from, {"name": "r", **violating}, strict)[0]
    server = Server(mstrio_py_added="always")
    assert f"violates the policy {key}" in faults(server, {})[0]
    assert server.writes == []
    server.ensure(definition_from({"name": "r", **satisfying}, strict), policy=strict)
    added = {**violating, f"purge_{option}": False}
    assert Server(stored(**satisfying)).ensure(definition_from({"name": "r", **added}, strict), policy=strict)
    assert f"violates the policy {key}" in faults(Server(stored(whitelist=[], packages=[])), added)[0]
    unmanaged = definition_from({"name": "r", "description": "d"}, strict)
    assert Server(stored(**violating)).ensure(unmanaged, policy=strict).action == "updated"


def test_required_rules_are_all_tested():
    assert set(REQUIRED) == {key for key, rule in RULES.items() if rule.required}


@pytest.mark.parametrize("check_mode", [False, True])
def test_create_without_a_whitelist(check_mode):
    strict, server = policy(required=True), Server()
    wanted = definition_from({"name": "r"}, strict)
    assert faults_of(partial(server.ensure, policy=strict, check_mode=check_mode), wanted) == EMPTY
    assert server.writes == []
    Server(stored(whitelist=[])).ensure(definition_from({"name": "r", "description": "d"}, strict), policy=strict)


@pytest.mark.parametrize("held", [None, []])
def test_adding_nothing_to_empty_whitelist(held):
    """With `purge_whitelist: false`, what is on the server decides; a whitelist that is null is an empty one."""
    server = Server(stored(whitelist=held))
    options = {"name": "r", "whitelist": [], "purge_whitelist": False}
    strict = policy(["10.0.0.0/8"])
    assert server.ensure(definition_from(options, strict), policy=strict).action == "none"
    strict = policy(required=True)
    assert faults_of(partial(server.ensure, policy=strict), definition_from(options, strict)) == (
        f"the merged whitelist: {EMPTY[0]}",
    )


@pytest.mark.parametrize(
    ("held", "options", "warned"),
    [
        ("absent", {}, True),
        ("absent", {"whitelist": []}, True),
        ("absent", {"whitelist": ["10.1.0.0/16"]}, False),
        (["10.0.0.0/8"], {"whitelist": []}, True),
        (["10.0.0.0/8"], {"description": "d"}, False),
        ([], {"description": "d"}, True),
        (None, {"description": "d"}, False),  # an older server may not return it
        ([], {"whitelist": []}, False),  # nothing is written
        (["10.0.0.0/8"], {"state": "absent"}, False),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_warning_for_an_empty_whitelist(held, options, warned, check_mode):
    def warnings(strict):
        server = Server(*([] if held == "absent" else [stored(whitelist=held)]))
        server.ensure(definition_from({"name": "r", **options}, strict), policy=strict, check_mode=check_mode)
        return server.warnings

    found = warnings(policy(["10.0.0.0/8"]))
    assert len(found) == warned
    assert all("The whitelist of runtime 'r' is empty" in text and "whitelist_required" in text for text in found)
    assert warnings(policy(never=["10.66.0.0/16"])) == warnings(None) == []


def test_blocks_that_stay():
    strict = policy(["10.0.0.0/8"])
    server = Server(stored(whitelist=["8.8.8.8/32", "db.example.com"]))
    wanted = definition_from({"name": "r", "purge_whitelist": False, "whitelist": ["10.1.0.0/16"]}, strict)
    assert faults_of(partial(server.ensure, policy=strict), wanted) == (
        "the merged whitelist: whitelist[0] '8.8.8.8/32' violates the policy networks_within: it does not lie "
        "within the allowed networks",
        "the merged whitelist: whitelist[1] 'db.example.com' violates the policy networks_within: it is not a CIDR "
        "block",
    )
    assert server.writes == []


def test_blocks_go_or_unmanaged():
    strict = policy(["10.0.0.0/8"])
    for options in ({"whitelist": ["10.1.0.0/16"]}, {"description": "d"}, {"description": "d", "id": ID}):
        server = Server(stored(whitelist=["8.8.8.8/32"]))
        server.ensure(definition_from({"name": "r", **options}, strict), policy=strict)
        assert len(server.writes) == 1


# --- packages, versions and sizes


def held(**fields):
    """What the rule of a policy finds in a runtime, as texts."""

    def found(**option):
        findings = evaluated(policy_from(option), runtime(**fields).values)
        assert {finding.rule for finding in findings} <= set(option)
        return [f"{finding.option} {finding.value} {finding.detail}" for finding in findings]

    return found


def packages(*texts):
    """Packages from texts such as `pandas==2.2.3`."""
    return [{"name": name, "version": version or None} for name, _equals, version in (t.partition("==") for t in texts)]


@pytest.mark.parametrize(
    ("requirement", "matched"),
    [
        ("requests", {"requests==2.31.0", "Requests", "requests==weird"}),
        ("company-*", {"company_tools==1.0", "Company.Data"}),
        ("Company_Tools", {"company_tools==1.0"}),
        ("requests<2.32", {"requests==2.31.0"}),
        ("requests < 2.32, >= 2", {"requests==2.31.0"}),
        ("*>=1", {"requests==2.31.0", "company_tools==1.0"}),
        ("p?ndas", set()),
        ("request", set()),
    ],
)
def test_requirements(requirement, matched):
    names = ["requests==2.31.0", "Requests", "company_tools==1.0", "Company.Data", "numpy==1!0.dev1", "requests==weird"]
    assert matched <= set(names)
    found = held(packages=packages(*names))
    never = {text.split()[1] for text in found(packages_never=[requirement]) if " matches " in text}
    within = {text.split()[1] for text in found(packages_within=[requirement])}
    assert never - {"numpy==1!0.dev1"} == matched
    assert within - {"numpy==1!0.dev1"} == set(names) - matched - {"numpy==1!0.dev1"}


@pytest.mark.parametrize("name", ["Requests[socks]", " requests ", "requests [socks, security]"])
def test_extras_do_not_hide_a_package(name):
    found = held(packages=[{"name": name, "version": "2.31"}])
    assert found(packages_never=["requests<2.32"]) == [f"packages {name}==2.31 matches requests<2.32"]
    assert found(packages_within=["requests"]) == []


@pytest.mark.parametrize(
    "name",
    ["company-x @ https://example.com/x.whl", "git+https://example.com/x", "requests>=2", "\uff52equests", "a b", ""],
)
def test_no_name_of_a_package(name):
    found = held(packages=[{"name": name, "version": "1"}])
    for rule, requirement in (("packages_never", "requests"), ("packages_within", "*")):
        why = "cannot be evaluated: its name is not the name of a package"
        assert found(**{rule: [requirement]}) == [f"packages {name}==1 {why}"]


def test_details_of_packages():
    found = held(packages=packages("requests==2.31.0", "Requests", "left-pad==x.y"))
    assert found(packages_never=["requests<2.32", "left-pad<1"]) == [
        "packages requests==2.31.0 matches requests<2.32",
        "packages Requests has no version to compare with requests<2.32",
        "packages left-pad==x.y cannot be evaluated: PEP 440 cannot read its version",
    ]
    none = "matches none of the allowed packages"
    assert found(packages_within=["requests", "requests<2.32"]) == [f"packages left-pad==x.y {none}"]
    assert found(packages_within=["requests>=2.32", "left-pad"]) == [
        f"packages {value} {none} (requests>=2.32 allows only some versions)"
        for value in ("requests==2.31.0", "Requests")
    ]
    assert found(package_versions_required=True) == ["packages Requests has no version"]
    assert len(found(packages_within=[])) == 3
    assert found(packages_never=[], package_versions_required=False) == []


def test_python_version():
    rule = {"runtime_versions_within": ["==3.11.*", ">=3.10,<3.11"]}
    for version in ("3.11.4", "3.10.5", None, ""):
        assert held(runtimeVersion=version)(**rule) == []
    for version in ("3.10.0rc1", "3.9.18", "three"):
        why = "does not match ==3.11.* or >=3.10,<3.11"
        assert held(runtimeVersion=version)(**rule) == [f"runtime_version {version} {why}"]


def test_sizes_above_a_limit():
    resource = {"cpu": "2.5", "mem": 8192, "disk": "much", "procCount": None}
    found = held(resource=resource, execTimeout=7200, minCachedInstances=5, maxCachedInstances=12)
    no_number = "cannot be evaluated: it is not a number of at least 0"
    assert found(resource_max={"cpu": 2.0, "mem": 8192, "disk": 10, "proc_count": 1}) == [
        "resource.cpu 2.5 is more than 2",
        f"resource.disk much {no_number}",
    ]
    assert held(execTimeout=-1)(exec_timeout_max=9) == [f"exec_timeout -1 {no_number}"]
    assert held(resource="8 cores")(resource_max={"mem": 1}) == [
        "resource 8 cores cannot be evaluated: it has no amounts"
    ]
    assert found(exec_timeout_max=3600) == ["exec_timeout 7200 is more than 3600"]
    assert found(exec_timeout_max=7200, cached_instances_max=12) == []
    assert found(cached_instances_max=4) == ["max_cached_instances 12 is more than 4"]
    only_minimum = held(minCachedInstances=1, maxCachedInstances=None)
    assert only_minimum(cached_instances_max=0) == ["min_cached_instances 1 is more than 0"]


def test_nothing_is_set():
    everything = {
        "runtime_versions_within": ["==3.11.*"],
        "resource_max": {"cpu": 1.0, "mem": 1},
        "exec_timeout_max": 1,
        "cached_instances_max": 0,
        "packages_within": [],
    }
    nothing = dict.fromkeys(
        ("resource", "execTimeout", "minCachedInstances", "maxCachedInstances", "packages", "runtimeVersion")
    )
    assert held(**nothing)(**everything) == []
    assert evaluated(policy_from(everything), {"description": "d"}) == []


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        (
            {"packages_never": ["requests[socks]<2"]},
            "policy.packages_never[0] 'requests[socks]<2' is not a package name",
        ),
        ({"packages_never": ["requests 2.32"]}, "policy.packages_never[0] 'requests 2.32' is not a package name"),
        ({"packages_within": ["a", ""]}, "policy.packages_within[1] '' is not a package name"),
        ({"packages_within": ["a<x"]}, "policy.packages_within[0] 'a<x' is not a version specifier"),
        ({"packages_within": ["<2"]}, "policy.packages_within[0] '<2' is not a package name"),
        ({"runtime_versions_within": ["3.11"]}, "specifier of PEP 440; write for example ==3.11"),
        ({"runtime_versions_within": [" "]}, "policy.runtime_versions_within[0] ' ' is not a version specifier"),
        ({"resource_max": {"disk": 0}}, "policy.resource_max.disk must be more than 0, not 0"),
        ({"resource_max": {"cpu": float("nan")}}, "policy.resource_max.cpu must be more than 0, not nan"),
        ({"exec_timeout_max": -1}, "policy.exec_timeout_max must be more than 0, not -1"),
        ({"cached_instances_max": -1}, "policy.cached_instances_max must be at least 0, not -1"),
    ],
)
def test_invalid_rules(option, fault):
    (found,) = faults_of(policy_from, option)
    assert fault in found


def test_two_specifiers_in_a_text():
    option = {"runtime_versions_within": ">=3.10,<3.13"}
    assert all_without_errors(POLICY_OPTION, {"policy": option})[1] == [
        "policy.runtime_versions_within '>=3.10,<3.13' is not a list; write ['>=3.10,<3.13']"
    ]


def test_only_specifiers_need_packaging(monkeypatch):
    needs = (
        {"packages_never": ["requests<2"]},
        {"packages_within": ["a", "b~=1.0"]},
        {"runtime_versions_within": ["==3.1"]},
    )
    assert all(libraries(option) == {"netaddr": None} for option in (None, {}))
    assert all(libraries(option) == {"netaddr": None, "packaging": None} for option in needs)
    monkeypatch.setitem(sys.modules, "packaging.specifiers", None)
    assert all("Traceback" in libraries(option)["packaging"] for option in needs)
    option = {"packages_never": ["company-*"], "runtime_versions_within": []}
    assert libraries(option) == {"netaddr": None}
    policy_from(option)


def test_managed_fields():
    strict = policy_from(
        {
            "packages_never": ["requests<2.32"],
            "package_versions_required": True,
            "resource_max": {"cpu": 2.0, "mem": 1024},
            "exec_timeout_max": 600,
            "cached_instances_max": 3,
            "runtime_versions_within": ["==3.11.*"],
            "whitelist_required": True,
        }
    )
    definition_from({"name": "r", "description": "d", "resource": {"disk": 99}}, strict)
    options = {
        "name": "r",
        "packages": [{"name": "pandas"}, {"name": "requests", "version": "2.31.0"}],
        "resource": {"mem": 2048},
        "exec_timeout": 601,
        "min_cached_instances": 4,
        "runtime_version": "3.10.5",
    }
    assert faults_of(definition_from, options, strict) == (
        "packages[0] 'pandas' violates the policy package_versions_required: it has no version",
        "packages[1] 'requests==2.31.0' violates the policy packages_never: it matches requests<2.32",
        "runtime_version '3.10.5' violates the policy runtime_versions_within: it does not match ==3.11.*",
        "resource.mem 2048 violates the policy resource_max: it is more than 1024",
        "exec_timeout 601 violates the policy exec_timeout_max: it is more than 600",
        "min_cached_instances 4 violates the policy cached_instances_max: it is more than 3",
    )
    definition_from({**options, "state": "absent"}, strict)


@pytest.mark.parametrize(
    ("options", "expected_places"),
    [
        ({"packages": [{"name": "pandas"}], "purge_packages": False}, ["packages[0]"]),
        ({"packages": [{"name": "requests"}]}, ["packages[0]"]),  # the server's version stays
        ({"packages": [{"name": "requests", "version": "2.32.3"}]}, []),
        ({"packages": [{"name": "pandas"}]}, []),
        ({"exec_timeout": 60}, []),
    ],
)
def test_packages_that_stay(options, expected_places):
    strict = policy_from({"packages_never": ["requests<2.32"]})
    server = Server(stored(packages=packages("requests==2.31.0")))
    wanted = definition_from({"name": "r", **options}, strict)
    if not expected_places:
        server.ensure(wanted, policy=strict)
        return
    faults = faults_of(partial(server.ensure, policy=strict), wanted)
    assert [fault.split(" 'requests==2.31.0' ")[0] for fault in faults] == [
        f"the merged packages: {place}" for place in expected_places
    ]
    assert server.writes == []


def test_the_guide_lists_every_rule():
    """The table of the guide has a row for each rule, and no other."""
    guide = (Path(__file__).parents[4] / "docs/docsite/rst/guide_policy.rst").read_text(encoding="utf-8")
    table = guide.partition("What may a runtime have?")[2].partition("A value that is not set")[0]
    rows = [re.findall("``(.*?)``", row) for row in re.findall(r"^   \* - (``.*)$", table, re.MULTILINE)]
    assert sorted(name for row in rows for name in row) == sorted(RULES)
    unset = guide.partition("A value that is not set")[2].partition(".")[0]
    assert {key for key, rule in RULES.items() if rule.required} <= set(re.findall("``(.*?)``", unset))


def test_rules_are_complete():
    assert list(RULES) == list(RULE_OPTIONS)
    for key, rule in RULES.items():
        assert ("{}" in rule.sentence) == (RULE_OPTIONS[key]["type"] != "bool")
        assert set(rule.options) <= set(runtime().values)


# --- by another library's arithmetic


EMBEDDING = [ipaddress.ip_network("::ffff:0:0/96"), ipaddress.ip_network("64:ff9b::/96")]


def holds_ipv4(text):
    network = ipaddress.ip_network(text)
    return network.version == 6 and any(network.overlaps(prefix) for prefix in EMBEDDING)


NOT_MAPPED = BLOCKS.filter(lambda text: not holds_ipv4(text))


@given(block=NOT_MAPPED, others=st.lists(NOT_MAPPED, max_size=5))
def test_overlap_as_ipaddress(block, others):
    overlaps = any(
        ipaddress.ip_network(other).version == ipaddress.ip_network(block).version
        and ipaddress.ip_network(other).overlaps(ipaddress.ip_network(block))
        for other in others
    )
    assert bool(rules(policy(never=others), block)) == overlaps


# Blocks inside of the two prefixes, around them and beside them.
NEAR_IPV4 = st.builds(
    lambda prefix, address, length: str(
        ipaddress.ip_network((int(prefix.network_address) + address, length), strict=False)
    ),
    st.sampled_from(EMBEDDING),
    st.integers(0, 2**33),
    st.integers(0, 128),
)


@given(block=NEAR_IPV4, other=BLOCKS.filter(lambda text: ":" not in text))
def test_embedded_overlap_as_ipaddress(block, other):
    network, ipv4 = ipaddress.ip_network(block), ipaddress.ip_network(other)
    embedded = [
        ipaddress.ip_network((int(prefix.network_address) + int(ipv4.network_address), 96 + ipv4.prefixlen))
        for prefix in EMBEDDING
    ]
    assert bool(rules(policy(never=[other]), block)) == any(network.overlaps(prefixed) for prefixed in embedded)


# --- exemptions


def exemption(**changes):
    return {"runtime": "Prod [EU] Nightly", "reason": "why", "until": "2026-06-15", **changes}


def exempting(*exemptions, **limits):
    limits = limits or {"networks_within": ["10.0.0.0/8"], "packages_never": ["requests<2.32"]}
    return policy_from({**limits, "exemptions": list(exemptions)})


VIOLATING = {"name": "Prod [EU] Nightly", "packages": [{"name": "requests", "version": "2.31.0"}]}


@pytest.mark.parametrize(
    ("changes", "exempted"),
    [
        ({}, True),
        ({"runtime": "prod [eu] *"}, True),
        ({"runtime": "Prod ?EU?*"}, True),
        ({"runtime": "Prod E*"}, False),
        ({"runtime": "Prod [E]U*"}, False),
        ({"runtime": ID.lower()}, True),
        ({"runtime": "B" * 32}, False),
        ({"rule": "packages_never"}, True),
        ({"rule": "packages_within"}, False),
        ({"value": "Requests"}, True),
        ({"value": "requests==2.31.0"}, True),
        ({"value": "requests==2.30.0"}, False),
        ({"rule": "packages_never", "value": "requests"}, True),
        ({"until": "2026-06-14"}, False),
    ],
)
def test_what_an_exemption_means(changes, exempted):
    """The same in a report, in a definition and in a plan."""
    strict = exempting(exemption(**changes))
    stands = runtime(**VIOLATING)
    found = strict.report([stands])
    row = {
        "name": stands.name,
        "id": ID,
        "option": "packages",
        "value": "requests==2.31.0",
        "rule": "packages_never",
        "detail": "matches requests<2.32",
    }
    if not exempted:
        expired = "; its exemption expired on 2026-06-14 (why)" if "until" in changes else ""
        violation = {**row, "detail": f"{row['detail']}{expired}"}
        assert found == {"violations": [violation], "exempted": [], "not_evaluated": []}
        wanted = definition_from({"id": ID, **VIOLATING})
        assert expired in faults_of(partial(Server(stored(name=stands.name)).ensure, policy=strict), wanted)[0]
        return
    exempt = {**row, "reason": "why", "until": "2026-06-15"}
    assert found == {"violations": [], "exempted": [exempt], "not_evaluated": []}
    for options in ({"id": ID, **VIOLATING}, VIOLATING):
        server = Server(stored(name=stands.name))
        entry = server.ensure(definition_from(options, strict), policy=strict)
        assert (entry.action, entry.exempted) == ("updated", [exempt])
        assert server.ensure(definition_from(options, strict), policy=strict).exempted == [exempt], "unchanged"


def test_exempted_in_results():
    """For one runtime and for many; without a policy, the key is missing."""
    wanted = definition_from(VIOLATING)
    entry = Server().ensure(wanted, policy=exempting(exemption()))
    for result in (report_one(entry), report([entry], purge=False)):
        assert [(row["name"], row["reason"]) for row in result["exempted"]] == [(wanted.name, "why")]
    unchanged = Server(stored(name=wanted.name)).ensure(definition_from({"id": ID}), policy=exempting(exemption()))
    assert report_one(unchanged)["exempted"] == report([unchanged], purge=False)["exempted"] == []
    without = Server().ensure(wanted)
    assert not {"exempted"} & {*report_one(without), *report([without], purge=False)}


def test_values_of_an_exemption():
    """A block is compared as a network, a number as a number, and a package without its extras."""
    strict = exempting(
        exemption(runtime="r", value="8.8.8.8/32"),
        exemption(runtime="r", value="8192.0"),
        exemption(runtime="r", value="requests"),
        exemption(runtime="r", value="pandas[excel]"),
        exemption(runtime="r", value="3.1"),
        exemption(runtime="r", rule="networks_never", value="host"),
        networks_within=["10.0.0.0/8"],
        networks_never=["10.66.0.0/16"],
        packages_never=["requests", "pandas"],
        resource_max={"mem": 4096},
        runtime_versions_within=[">=3.11"],
    )
    packages = [{"name": name, "version": "2.31.0"} for name in ("Requests[socks]", "pandas[excel]")]
    values = {"packages": packages, "runtimeVersion": "3.10"}
    found = strict.report([runtime(whitelist=["8.8.8.8", "host"], resource={"mem": 8192}, **values)])
    assert [(row["rule"], row["value"]) for row in found["exempted"]] == [
        ("networks_within", "8.8.8.8"),
        ("networks_never", "host"),
        ("packages_never", "Requests[socks]==2.31.0"),
        ("packages_never", "pandas[excel]==2.31.0"),
        ("resource_max", 8192),
    ]
    assert [row["rule"] for row in found["violations"]] == ["networks_within", "runtime_versions_within"]


def test_the_longest_exemption_counts():
    strict = exempting(exemption(reason="short", until="2026-01-01"), exemption(reason="long", until="2099-12-31"))
    [row] = strict.report([runtime(**VIOLATING)])["exempted"]
    assert (row["reason"], row["until"]) == ("long", "2099-12-31")


def test_exemption_by_unknown_id():
    """A definition has only a name: it is refused after the login, unless the runtime has this id."""
    strict = exempting(exemption(runtime=ID))
    wanted = definition_from(VIOLATING, strict)
    assert Server(stored(name=wanted.name)).ensure(wanted, policy=strict).exempted
    text = "packages[0] 'requests==2.31.0' violates the policy"
    for server, place in ((Server(), ""), (Server(stored(name=wanted.name, id="B" * 32)), "the merged packages: ")):
        assert faults_of(partial(server.ensure, policy=strict), wanted)[0].startswith(f"{place}{text}")
        assert server.writes == []


def test_exemption_and_rename():
    """The new name counts, because it is the one that the runtime will have."""
    strict, renamed = exempting(exemption()), {**VIOLATING, "id": ID, "name": "New"}
    assert len(faults_of(definition_from, renamed, strict)) == 1
    [row] = Server(stored(name="Old")).ensure(definition_from({**VIOLATING, "id": ID}), policy=strict).exempted
    assert row["name"] == VIOLATING["name"]
    without_name = definition_from({"id": ID, "packages": VIOLATING["packages"]}, strict)
    assert Server(stored(name=VIOLATING["name"])).ensure(without_name, policy=strict).exempted
    assert faults_of(partial(Server(stored(name="New")).ensure, policy=strict), without_name)


def test_an_exemption_of_a_create():
    server, strict = Server(), exempting(exemption(rule="whitelist_required"), whitelist_required=True)
    entry = server.ensure(definition_from({"name": "Prod [EU] Nightly"}, strict), policy=strict)
    assert [(row["id"], row["value"]) for row in entry.exempted] == [(server.id, None)]


def test_unused_exemptions():
    """An exemption that exempts nothing is named, with the name that it nearly meant."""
    strict = exempting(
        exemption(rule="networks_within", value="8.8.8.8"),
        exemption(runtime="Prod [EU] Nigtly"),
        exemption(runtime="B" * 32),
        exemption(until="2020-01-01"),
        exemption(),
        exemption(runtime="C" * 32, value="requests==9"),
    )
    replaced = runtime(id="D" * 32, name="R", packages=[{"name": "requests", "version": "1.0"}])
    found = strict.report([runtime(**VIOLATING), replaced])
    rows = [*found["violations"], *found["exempted"]]
    assert strict.unused_exemptions([("Prod [EU] Nightly", ID), ("x", "A" * 32)], rows) == [
        "policy.exemptions[0] 'Prod [EU] Nightly' (networks_within 8.8.8.8) exempts nothing: the runtime has no such "
        "violation",
        "policy.exemptions[1] 'Prod [EU] Nigtly' exempts nothing: no runtime has this name; did you mean 'Prod [EU] "
        "Nightly'?",
        f"policy.exemptions[2] '{'B' * 32}' exempts nothing: no runtime has this id; if it was replaced, write the new "
        f"id: 'R' ({'D' * 32})",
        f"policy.exemptions[5] '{'C' * 32}' (requests==9) exempts nothing: no runtime has this id",
    ]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"rule": "network_within"}, "[1].rule 'network_within' is not a rule of a policy; did you mean networks_"),
        ({"reason": " "}, "[1].reason is empty"),
        ({"value": ""}, "[1].value is empty"),
        ({"until": "31.12.2026"}, "[1].until '31.12.2026' is not a date; write the last day, such as 2026-12-31"),
        ({"until": "20261231"}, "[1].until '20261231' is not a date"),
        ({"until": "2026-12-31 or when fixed"}, "[1].until '2026-12-31 or when fixed' is not a date"),
        ({"until": "2026-02-30"}, "[1].until '2026-02-30' is not a date"),
    ],
)
def test_invalid_exemptions(changes, fault):
    (found,) = faults_of(exempting, exemption(), exemption(**changes))
    assert found.startswith(f"policy.exemptions{fault}")


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (
            "R",
            "policy.exemptions[0] 'R' is not a mapping of options; "
            "write {runtime: …, rule: …, value: …, reason: …, until: …}",
        ),
        ({"runtime": "R", "until": "2026-12-31"}, "policy.exemptions[0].reason is missing"),
        (exemption(reasn="x"), "policy.exemptions[0].reasn is not an option; did you mean reason?"),
        (exemption(runtime=["A"]), "policy.exemptions[0].runtime is a list; expected text"),
    ],
)
def test_exemption_needs_reason_and_date(entry, fault):
    assert all_without_errors(POLICY_OPTION, {"policy": {"exemptions": [entry]}})[1] == [fault]


def test_a_date_with_a_time():
    """YAML may have read one."""
    assert exempting(exemption(until="2026-06-15 00:00:00")).exemptions == exempting(exemption()).exemptions


def test_no_version_is_not_evaluated():
    """It fails nothing, unless another rule is violated."""
    options = {"name": "r", "packages": [{"name": "numpy"}, {"name": "scipy"}]}
    strict = policy_from({"packages_never": ["numpy<1.26"]})
    assert Server().ensure(definition_from(options, strict), policy=strict).action == "created"
    found = strict.report([runtime(packages=options["packages"])])
    assert (found["violations"], found["exempted"]) == ([], [])
    assert [(row["value"], row["rule"], row["detail"]) for row in found["not_evaluated"]] == [
        ("numpy", "packages_never", "has no version to compare with numpy<1.26")
    ]
    both = policy_from({"packages_never": ["numpy<1.26", "num*"]}).report([runtime(packages=options["packages"])])
    assert (len(both["violations"]), both["not_evaluated"]) == (1, [])


@given(
    data=OBJECTS,
    exempt=st.lists(
        st.builds(
            exemption,
            runtime=st.sampled_from(["r", "R*", ID, "other"]),
            rule=st.sampled_from([None, "networks_within", "packages_never"]),
            value=st.sampled_from([None, "pandas", "10.10.10.0/24"]),
            until=st.sampled_from(["2026-06-14", "2026-06-15"]),
        ),
        max_size=4,
    ),
)
def test_exemptions_hide_nothing(data, exempt):
    """Whatever is exempted, each violation is in one of the lists, and nothing else is."""
    limits = {
        "networks_within": ["10.0.0.0/9"],
        "networks_never": ["10.10.10.10"],
        "packages_never": ["pandas<2", "n*"],
    }
    everything = policy_from(limits).report([from_api(data)])
    found = exempting(*exempt, **limits).report([from_api(data)])
    rows = [(row["rule"], str(row["value"])) for name in ("violations", "exempted") for row in found[name]]
    assert sorted(rows) == sorted((row["rule"], str(row["value"])) for row in everything["violations"])
    assert found["not_evaluated"] == everything["not_evaluated"]
    lasting = [entry for entry in exempt if entry["until"] == "2026-06-15" and entry["runtime"] != "other"]
    assert not found["exempted"] or lasting
