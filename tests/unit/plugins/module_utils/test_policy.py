# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress
import sys
from functools import partial

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.policy import (
    POLICY_OPTION,
    POLICY_OPTIONS,
    RULES,
    Violation,
    libraries,
    policy_from,
)
from ansible_collections.mstr.library.plugins.module_utils._options import option_errors
from ansible_collections.mstr.library.tests.unit.support.make import ID, faults_of, runtime, stored
from ansible_collections.mstr.library.tests.unit.support.server import Server
from ansible_collections.mstr.library.tests.unit.support.strategies import BLOCKS
from hypothesis import given
from hypothesis import strategies as st


def policy(within=None, never=None, required=False):
    return policy_from({"networks_within": within, "networks_never": never, "whitelist_required": required})


def rules(judge, text):
    """The rules that an entry breaks."""
    return [violation.rule for violation in judge.violations({"whitelist": [text]})]


EMPTY = ("whitelist breaks the policy whitelist_required: it is empty",)
HALVES = ["10.0.0.0/9", "10.128.0.0/9"]


def test_no_policy_and_one_without_rules_forbid_nothing():
    assert policy_from(None) is None
    for empty in ({}, {"networks_within": None, "networks_never": None}, {"networks_never": []}):
        assert rules(policy_from(empty), "0.0.0.0/0") == []
        assert rules(policy_from(empty), "db.example.com") == []
        assert policy_from(empty).rules == ()


@pytest.mark.parametrize("block", ["10.1.2.3", "10.127.0.0/16", "10.0.0.0/9", "10.0.0.0/8", "10.64.0.0/10"])
def test_a_block_inside_the_union_is_inside_though_no_single_one_holds_it(block):
    assert rules(policy(HALVES), block) == []


@pytest.mark.parametrize("block", ["10.0.0.0/7", "11.0.0.0/32", "0.0.0.0/0", "::/0", "9.255.255.255"])
def test_a_block_that_sticks_out_is_not_inside(block):
    assert rules(policy(HALVES), block) == ["networks_within"]


def test_many_small_neighbours_are_as_good_as_the_whole():
    judge = policy([f"192.168.{third}.0/24" for third in range(256)])
    assert rules(judge, "192.168.0.0/16") == []
    judge = policy([f"192.168.{third}.0/24" for third in range(256) if third != 77])
    assert rules(judge, "192.168.0.0/16") == ["networks_within"]
    assert rules(judge, "192.168.77.0/25") == ["networks_within"]
    assert rules(judge, "192.168.128.0/17") == []


def test_no_network_at_all_is_allowed_by_an_empty_rule():
    assert rules(policy([]), "10.0.0.1/32") == ["networks_within"]
    assert rules(policy([]), "2001:db8::/32") == ["networks_within"]


@pytest.mark.parametrize(
    ("block", "hit"),
    [
        ("0.0.0.0/0", True),  # one wide block over a narrow forbidden one
        ("10.66.7.0/24", True),
        ("10.66.0.0/16", True),
        ("10.66.255.255/32", True),
        ("10.67.0.0/16", False),
        ("10.65.255.255", False),
        ("::/0", True),
        ("2001:db8:66:1::/64", True),
        ("2001:db8::/32", True),
        ("2001:db8:67::/48", False),
    ],
)
def test_a_block_may_not_overlap_a_forbidden_one_in_either_direction(block, hit):
    assert rules(policy(never=["10.66.0.0/16", "2001:db8:66::/48"]), block) == (["networks_never"] if hit else [])


def test_ipv6_is_judged_like_ipv4():
    judge = policy(["2001:db8::/33", "2001:db8:8000::/33"])
    assert rules(judge, "2001:DB8::/32") == []
    assert rules(judge, "2001:db9::/32") == ["networks_within"]
    assert rules(judge, "10.0.0.0/8") == ["networks_within"]


def test_an_ipv4_mapped_block_is_also_checked_as_ipv4():
    assert rules(policy(never=["10.66.0.0/16"]), "::ffff:10.66.1.1") == ["networks_never"]
    assert rules(policy(never=["10.66.0.0/16"]), "::ffff:0:0/96") == ["networks_never"]
    assert rules(policy(never=["10.66.0.0/16"]), "::ffff:10.67.1.1") == []
    assert rules(policy(never=["::ffff:10.66.0.0/112"]), "10.66.1.0/24") == ["networks_never"]
    assert rules(policy(["10.0.0.0/8", "::/0"]), "::ffff:8.8.8.8") == ["networks_within"]
    assert rules(policy(["10.0.0.0/8", "::/0"]), "::ffff:10.8.8.8") == []
    assert rules(policy(["::ffff:10.0.0.0/104"]), "::ffff:10.1.0.0/112") == []


@pytest.mark.parametrize(
    "text",
    ["db.example.com", "", "10.10/16", "*", "ünï.example", "10.66.0.0/016", "0/0", "10.0.0.1-10.0.0.9", "fe80::1%eth0"],
)
def test_an_invalid_block_is_within_nothing_and_nobody_knows_what_it_overlaps(text):
    assert rules(policy(["0.0.0.0/0", "::/0"], ["10.0.0.0/8"]), text) == ["networks_within"]
    (found,) = policy(never=["10.0.0.0/8"]).violations({"whitelist": [text]})
    assert found == Violation("networks_never", "whitelist", text, "cannot be judged: it is not a CIDR block", 0)


def test_host_bits_that_a_server_holds_are_judged_as_their_network():
    assert rules(policy(["10.10.10.7/32"]), "10.10.10.7/24") == ["networks_within"]
    assert rules(policy(["10.10.10.0/24"]), "10.10.10.7/24") == []
    assert rules(policy(never=["10.10.10.9"]), "10.10.10.7/24") == ["networks_never"]


def test_both_rules_can_be_broken_by_one_entry_each_is_reported_with_index_and_value():
    judge = policy(["10.0.0.0/8"], ["10.66.0.0/16", "192.168.0.0/16", "172.16.0.0/12"])
    assert faults_of(judge.check, {"whitelist": ["10.0.0.0/8", "192.0.0.0/8", "10.1.0.0/16", "host"]}) == (
        "whitelist[0] '10.0.0.0/8' breaks the policy networks_never: it overlaps 10.66.0.0/16",
        "whitelist[1] '192.0.0.0/8' breaks the policy networks_within: it does not lie within the allowed networks",
        "whitelist[1] '192.0.0.0/8' breaks the policy networks_never: it overlaps 192.168.0.0/16",
        "whitelist[3] 'host' breaks the policy networks_within: it is not a CIDR block",
    )


def test_a_policys_own_mistakes_are_refused_all_at_once():
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


def test_a_definition_is_refused_with_every_breach_beside_its_other_faults():
    judge = policy(["10.0.0.0/8"], ["10.66.0.0/16"])
    options = {"name": "", "whitelist": ["10.1.0.0/16", "8.8.8.8", "10.66.0.1", "10.10.10.7/24"]}
    assert [fault.split(" ")[0] for fault in faults_of(definition_from, options, judge)] == [
        "name",
        "whitelist[3]",
        "whitelist[1]",
        "whitelist[2]",
    ]


def test_blanks_around_a_block_of_a_rule_do_not_count():
    assert policy([" 10.0.0.0/8\n"], [" 10.66.0.0/16"]) == policy(["10.0.0.0/8"], ["10.66.0.0/16"])


@pytest.mark.parametrize(
    "block",
    ["::ffff:10.66.0.0/112", "::fffe:0:0/95", "::/80", "::/0", "64:ff9b::a42:1/128", "64:ff9b::/96", "64:ff9b::/32"],
)
def test_an_ipv6_block_of_any_size_is_judged_by_the_ipv4_networks_in_it(block):
    assert rules(policy(never=["10.66.0.0/16"]), block) == ["networks_never"]
    assert rules(policy(["10.0.0.0/8", "::/0"]), block) == (
        [] if block in ("::ffff:10.66.0.0/112", "64:ff9b::a42:1/128") else ["networks_within"]
    )
    assert rules(policy(["0.0.0.0/0", "::/0"]), block) == []


@pytest.mark.parametrize("block", ["2000::/3", "fd00::/8", "::/97", "64:ff9b:1::/48", "64:ff9b::a43:1/128", "::1"])
def test_an_ipv6_block_without_ipv4_networks_is_judged_as_itself(block):
    assert rules(policy(never=["10.66.0.0/16"]), block) == []
    assert rules(policy(["10.67.0.0/16", "::/0"]), block) == []


def test_a_rule_on_all_of_ipv6_says_nothing_of_ipv4():
    assert rules(policy(never=["::/0"]), "10.0.0.0/8") == []
    assert rules(policy(["::/0"]), "10.0.0.0/8") == ["networks_within"]


def test_a_rule_on_mapped_or_nat64_addresses_is_one_on_the_ipv4_networks_too():
    assert rules(policy(never=["64:ff9b::a42:0/112"]), "10.66.1.0/24") == ["networks_never"]
    assert rules(policy(["64:ff9b::a00:0/104"]), "64:ff9b::a01:0/112") == []


def test_a_violation_by_addresses_that_are_ipv4_says_so():
    (fault,) = faults_of(policy(["10.0.0.0/8", "::/0"]).check, {"whitelist": ["::/0"]})
    assert fault == (
        "whitelist[0] '::/0' breaks the policy networks_within: it contains IPv4 addresses (as IPv6) that do not lie "
        "within the allowed networks"
    )


@pytest.mark.parametrize("whitelist", [[], (), None])
def test_an_empty_whitelist_breaks_whitelist_required_alone(whitelist):
    values = {"whitelist": whitelist}
    assert policy([], ["0.0.0.0/0"]).violations(values) == []
    assert policy(required=True).violations(values) == [Violation("whitelist_required", "whitelist", None, "is empty")]
    assert faults_of(policy(required=True).check, values) == EMPTY
    assert policy(required=True).violations({"whitelist": ["10.0.0.0/8"]}) == []
    assert policy(required=True).violations({"description": "d"}) == [], "it is not managed"


def test_clearing_a_whitelist_is_refused_before_the_login():
    assert faults_of(definition_from, {"name": "r", "whitelist": []}, policy(required=True)) == EMPTY
    for options in ({}, {"whitelist": ["10.0.0.0/8"]}, {"whitelist": [], "state": "absent"}):
        definition_from({"name": "r", **options}, policy(required=True))
    definition_from({"name": "r", "whitelist": []}, policy())


@pytest.mark.parametrize("check_mode", [False, True])
def test_creating_a_runtime_without_a_whitelist_is_refused_before_the_write(check_mode):
    judge, server = policy(required=True), Server()
    wanted = definition_from({"name": "r"}, judge)
    assert faults_of(partial(server.ensure, policy=judge, check_mode=check_mode), wanted) == EMPTY
    assert server.writes == []
    Server(stored(whitelist=[])).ensure(definition_from({"name": "r", "description": "d"}, judge), policy=judge)


@pytest.mark.parametrize("held", [None, []])
def test_adding_nothing_to_an_empty_whitelist(held):
    """With `purge_whitelist: false`, what is on the server decides; a whitelist that is null is an empty one."""
    server = Server(stored(whitelist=held))
    options = {"name": "r", "whitelist": [], "purge_whitelist": False}
    judge = policy(["10.0.0.0/8"])
    assert server.ensure(definition_from(options, judge), policy=judge).action == "none"
    judge = policy(required=True)
    assert faults_of(partial(server.ensure, policy=judge), definition_from(options, judge)) == (
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
        ([], {"whitelist": []}, False),  # nothing is written
        (["10.0.0.0/8"], {"state": "absent"}, False),
    ],
)
@pytest.mark.parametrize("check_mode", [False, True])
def test_a_write_that_leaves_the_whitelist_empty_warns_under_networks_within(held, options, warned, check_mode):
    def warnings(judge):
        server = Server(*([] if held == "absent" else [stored(whitelist=held)]))
        server.ensure(definition_from({"name": "r", **options}, judge), policy=judge, check_mode=check_mode)
        return server.warnings

    found = warnings(policy(["10.0.0.0/8"]))
    assert len(found) == warned
    assert all("The whitelist of runtime 'r' is empty" in one and "whitelist_required" in one for one in found)
    assert warnings(policy(never=["10.66.0.0/16"])) == warnings(None) == []


@pytest.mark.parametrize("options", [{"state": "absent", "whitelist": ["8.8.8.8"]}, {}, {"whitelist": []}])
def test_an_unmanaged_whitelist_is_not_checked(options):
    definition_from({"name": "r", **options}, policy([], ["0.0.0.0/0"]))


def refused_before_the_write(held, *, judge, **options):
    server = Server(stored(whitelist=held))
    wanted = definition_from({"name": "r", "purge_whitelist": False, **options}, judge)
    faults = faults_of(partial(server.ensure, policy=judge), wanted)
    assert server.writes == []
    return faults


def test_blocks_that_stay_on_the_server_are_judged_before_the_write():
    judge = policy(["10.0.0.0/8"])
    assert refused_before_the_write(["8.8.8.8/32", "db.example.com"], judge=judge, whitelist=["10.1.0.0/16"]) == (
        "the merged whitelist: whitelist[0] '8.8.8.8/32' breaks the policy networks_within: it does not lie "
        "within the allowed networks",
        "the merged whitelist: whitelist[1] 'db.example.com' breaks the policy networks_within: it is not a CIDR block",
    )


def test_blocks_that_go_or_are_not_managed_are_not_judged():
    judge = policy(["10.0.0.0/8"])
    for options in ({"whitelist": ["10.1.0.0/16"]}, {"description": "d"}, {"description": "d", "id": ID}):
        server = Server(stored(whitelist=["8.8.8.8/32"]))
        server.ensure(definition_from({"name": "r", **options}, judge), policy=judge)
        assert len(server.writes) == 1


# --- packages, versions and sizes


def held(**fields):
    """The violations of a runtime, as (rule, option, value, detail)."""

    def judged(**option):
        return [
            (one.rule, one.option, one.value, one.detail)
            for one in policy_from(option).violations(runtime(**fields).values)
        ]

    return judged


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
def test_a_requirement_matches_by_normalized_name_and_by_version(requirement, matched):
    names = ["requests==2.31.0", "Requests", "company_tools==1.0", "Company.Data", "numpy==1!0.dev1", "requests==weird"]
    assert matched <= set(names)
    judge = held(packages=packages(*names))
    never = {value for _r, _o, value, detail in judge(packages_never=[requirement]) if "judged" not in detail}
    within = {value for _r, _o, value, _detail in judge(packages_within=[requirement])}
    assert never - {"numpy==1!0.dev1"} == matched
    assert within - {"numpy==1!0.dev1"} == set(names) - matched - {"numpy==1!0.dev1"}


@pytest.mark.parametrize("name", ["Requests[socks]", " requests ", "requests [socks, security]"])
def test_extras_and_blanks_do_not_hide_a_package(name):
    judge = held(packages=[{"name": name, "version": "2.31"}])
    assert judge(packages_never=["requests<2.32"]) == [
        ("packages_never", "packages", f"{name}==2.31", "matches requests<2.32")
    ]
    assert judge(packages_within=["requests"]) == []


@pytest.mark.parametrize(
    "name",
    ["company-x @ https://example.com/x.whl", "git+https://example.com/x", "requests>=2", "\uff52equests", "a b", ""],
)
def test_what_is_not_the_name_of_a_package_is_not_judged(name):
    judge = held(packages=[{"name": name, "version": "1"}])
    for rule, requirement in (("packages_never", "requests"), ("packages_within", "*")):
        assert judge(**{rule: [requirement]}) == [
            (rule, "packages", f"{name}==1", "cannot be judged: its name is not the name of a package")
        ]


def test_what_the_rules_on_packages_report():
    judge = held(packages=packages("requests==2.31.0", "Requests", "left-pad==x.y"))
    assert judge(packages_never=["requests<2.32", "left-pad<1"]) == [
        ("packages_never", "packages", "requests==2.31.0", "matches requests<2.32"),
        ("packages_never", "packages", "left-pad==x.y", "cannot be judged: PEP 440 cannot read its version"),
    ]
    assert judge(packages_within=["requests", "requests<2.32"]) == [
        ("packages_within", "packages", "left-pad==x.y", "matches none of the allowed packages"),
    ]
    assert judge(packages_within=["requests>=2.32", "left-pad"]) == [
        (
            "packages_within",
            "packages",
            value,
            "matches none of the allowed packages (requests>=2.32 allows only some versions)",
        )
        for value in ("requests==2.31.0", "Requests")
    ]
    assert judge(package_versions_required=True) == [
        ("package_versions_required", "packages", "Requests", "has no version")
    ]
    assert [value for _r, _o, value, _d in judge(packages_within=[])] == [
        "requests==2.31.0",
        "Requests",
        "left-pad==x.y",
    ]
    assert judge(packages_never=[], package_versions_required=False) == []


@pytest.mark.parametrize(
    ("version", "allowed"),
    [
        ("3.11.4", True),
        ("3.10.0rc1", False),
        ("3.10.5", True),
        ("3.9.18", False),
        ("three", False),
        (None, True),
        ("", True),
    ],
)
def test_the_python_version_must_match_one_specifier(version, allowed):
    found = held(runtimeVersion=version)(runtime_versions_within=["==3.11.*", ">=3.10,<3.11"])
    assert found == (
        []
        if allowed
        else [("runtime_versions_within", "runtime_version", version, "does not match ==3.11.* or >=3.10,<3.11")]
    )


def test_sizes_above_a_limit():
    judge = held(
        resource={"cpu": "2.5", "mem": 8192, "disk": "much", "procCount": None},
        execTimeout=7200,
        minCachedInstances=5,
        maxCachedInstances=12,
    )
    assert judge(resource_max={"cpu": 2.0, "mem": 8192, "disk": 10, "proc_count": 1}) == [
        ("resource_max", "resource.cpu", 2.5, "is more than 2"),
        ("resource_max", "resource.disk", "much", "cannot be judged: it is not a number of at least 0"),
    ]
    assert held(execTimeout=-1)(exec_timeout_max=9) == [
        ("exec_timeout_max", "exec_timeout", -1, "cannot be judged: it is not a number of at least 0")
    ]
    assert held(resource="8 cores")(resource_max={"mem": 1}) == [
        ("resource_max", "resource", "8 cores", "cannot be judged: it has no amounts")
    ]
    assert judge(exec_timeout_max=3600) == [("exec_timeout_max", "exec_timeout", 7200, "is more than 3600")]
    assert judge(exec_timeout_max=7200, cached_instances_max=12) == []
    assert judge(cached_instances_max=4) == [("cached_instances_max", "max_cached_instances", 12, "is more than 4")]
    assert held(minCachedInstances=1, maxCachedInstances=None)(cached_instances_max=0) == [
        ("cached_instances_max", "min_cached_instances", 1, "is more than 0")
    ]


def test_what_is_not_set_is_not_judged():
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
    assert policy_from(everything).violations({"description": "d"}) == []


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
        ({"resource_max": {"mem": 0}}, "policy.resource_max.mem must be more than 0, not 0"),
        ({"resource_max": {"cpu": float("nan")}}, "policy.resource_max.cpu must be more than 0, not nan"),
        ({"exec_timeout_max": -1}, "policy.exec_timeout_max must be more than 0, not -1"),
        ({"cached_instances_max": -1}, "policy.cached_instances_max must be at least 0, not -1"),
    ],
)
def test_a_rule_that_cannot_be_right_is_refused(option, fault):
    (found,) = faults_of(policy_from, option)
    assert fault in found


def test_a_text_with_two_specifiers_does_not_become_two_rules():
    option = {"runtime_versions_within": ">=3.10,<3.13"}
    assert list(option_errors(option, POLICY_OPTION["policy"], "policy")) == [
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


def test_a_definition_is_judged_for_what_it_manages():
    judge = policy_from(
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
    definition_from({"name": "r", "description": "d", "resource": {"disk": 99}}, judge)
    options = {
        "name": "r",
        "packages": [{"name": "pandas"}, {"name": "requests", "version": "2.31.0"}],
        "resource": {"mem": 2048},
        "exec_timeout": 601,
        "min_cached_instances": 4,
        "runtime_version": "3.10.5",
    }
    assert faults_of(definition_from, options, judge) == (
        "packages[0] 'pandas' breaks the policy package_versions_required: it has no version",
        "packages[1] 'requests==2.31.0' breaks the policy packages_never: it matches requests<2.32",
        "runtime_version '3.10.5' breaks the policy runtime_versions_within: it does not match ==3.11.*",
        "resource.mem 2048 breaks the policy resource_max: it is more than 1024",
        "exec_timeout 601 breaks the policy exec_timeout_max: it is more than 600",
        "min_cached_instances 4 breaks the policy cached_instances_max: it is more than 3",
    )
    definition_from({**options, "state": "absent"}, judge)


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
def test_packages_that_stay_on_the_server_are_judged_before_the_write(options, expected_places):
    judge = policy_from({"packages_never": ["requests<2.32"]})
    server = Server(stored(packages=packages("requests==2.31.0")))
    wanted = definition_from({"name": "r", **options}, judge)
    if not expected_places:
        server.ensure(wanted, policy=judge)
        return
    faults = faults_of(partial(server.ensure, policy=judge), wanted)
    assert [fault.split(" 'requests==2.31.0' ")[0] for fault in faults] == [
        f"the merged packages: {place}" for place in expected_places
    ]
    assert server.writes == []


def test_every_rule_has_a_sentence_and_an_option():
    assert [rule.key for rule in RULES] == list(POLICY_OPTIONS)
    for rule in RULES:
        assert ("{}" in rule.sentence) == (rule.spec["type"] != "bool")
        assert set(rule.options) <= set(runtime().values)


# --- by another library's arithmetic


def span(text):
    network = ipaddress.ip_network(text)
    return network.version, int(network.network_address), int(network.broadcast_address)


EMBEDDING = [ipaddress.ip_network("::ffff:0:0/96"), ipaddress.ip_network("64:ff9b::/96")]


def holds_ipv4(text):
    network = ipaddress.ip_network(text)
    return network.version == 6 and any(network.overlaps(one) for one in EMBEDDING)


NOT_MAPPED = BLOCKS.filter(lambda text: not holds_ipv4(text))


@given(block=NOT_MAPPED, others=st.lists(NOT_MAPPED, max_size=5))
def test_overlap_is_what_the_standard_library_says(block, others):
    overlaps = any(
        ipaddress.ip_network(other).version == ipaddress.ip_network(block).version
        and ipaddress.ip_network(other).overlaps(ipaddress.ip_network(block))
        for other in others
    )
    assert bool(rules(policy(never=others), block)) == overlaps


@given(block=NOT_MAPPED, extra=st.lists(NOT_MAPPED, max_size=3), cuts=st.integers(0, 4))
def test_a_block_split_in_any_way_is_inside_its_pieces_and_not_without_one(block, extra, cuts):
    network = ipaddress.ip_network(block)
    pieces = [network]
    for _cut in range(min(cuts, network.max_prefixlen - network.prefixlen)):
        pieces = [*pieces[:-1], *pieces[-1].subnets()]
    assert rules(policy([*map(str, pieces), *extra]), block) == []
    if len(pieces) > 1:
        assert rules(policy(map(str, pieces[1:])), block) == ["networks_within"]


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
def test_overlap_by_embedded_addresses_is_what_the_standard_library_says(block, other):
    network, ipv4 = ipaddress.ip_network(block), ipaddress.ip_network(other)
    embedded = [
        ipaddress.ip_network((int(prefix.network_address) + int(ipv4.network_address), 96 + ipv4.prefixlen))
        for prefix in EMBEDDING
    ]
    assert bool(rules(policy(never=[other]), block)) == any(network.overlaps(one) for one in embedded)


@pytest.mark.parametrize(
    "text", [" 10.66.0.0/16", "10.0.0.0/255.0.0.0", "10.66.1.1/255.255.255.0 ", "::ffff:10.66.1.1 "]
)
def test_a_forbidden_block_in_a_form_that_only_a_server_holds_is_found(text):
    assert rules(policy(never=["10.66.0.0/16"]), text) == ["networks_never"]
    assert rules(policy(within=["0.0.0.0/0"], never=["10.66.0.0/16"]), text) == ["networks_within", "networks_never"]


@pytest.mark.parametrize(
    ("text", "known"),
    [("10.67.0.0/255.255.0.0", True), ("10.66.0.0/255.0.255.0", False), ("10.66.0.0/33", False)],
)
def test_what_is_no_forbidden_block_in_any_form(text, known):
    assert rules(policy(never=["10.66.0.0/16"]), text) == ([] if known else ["networks_never"])
