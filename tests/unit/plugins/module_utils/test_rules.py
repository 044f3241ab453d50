from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.definition import Definition
from ansible_collections.mstr.library.plugins.module_utils._model.policy import policy_from
from ansible_collections.mstr.library.plugins.module_utils._model.rules import RULES, PolicyFinding
from unit.support.make import ID, faults_of, packages, runtime

TODAY = date(2026, 6, 15)
HALVES = ["10.0.0.0/9", "10.128.0.0/9"]
THIRDS = [f"192.168.{third}.0/24" for third in range(256)]
POOL = {"minCachedInstances": 5, "maxCachedInstances": 12}
NO_NUMBER = "is unreadable: it is not a number of at least 0"


def evaluated(option, values):
    return policy_from(option, TODAY).evaluate(values, "r", [ID])


def rules(block, **option):
    return [finding.rule for finding in evaluated(option, {"whitelist": [block]})]


def held(**fields):
    """What the rules of an option find in a runtime, as texts."""

    def findings(**option):
        rows = evaluated(option, runtime(**fields).values)
        assert {row.rule for row in rows} <= set(option)
        return [f"{row.option} {row.value} {row.detail}" for row in rows]

    return findings


@pytest.mark.parametrize(
    ("within", "inside", "outside"),
    [
        (HALVES, "10.1.2.3 10.0.0.0/9 10.0.0.0/8 10.64.0.0/10", "10.0.0.0/7 0.0.0.0/0 ::/0 9.255.255.255"),
        (THIRDS, "192.168.0.0/16", "192.168.0.0/15"),
        ([block for block in THIRDS if ".77." not in block], "192.168.128.0/17", "192.168.0.0/16 192.168.77.0/25"),
        (["2001:db8::/33", "2001:db8:8000::/33"], "2001:DB8::/32", "2001:db9::/32 10.0.0.0/8"),
        # Host bits that a server holds are evaluated as their network.
        (["10.10.10.0/24"], "10.10.10.7/24", ""),
        ([], "", "10.0.0.1/32 2001:db8::/32"),
        # IPv6 and the IPv4 networks in it
        (["::/0"], "2000::/3", "10.0.0.0/8"),
        (["10.0.0.0/8", "::/0"], "::ffff:10.8.8.8", "::ffff:8.8.8.8"),
    ],
)
def test_networks_within(within, inside, outside):
    """A block is inside if the union of all blocks of the rule holds it, though no single one does."""
    assert all(rules(text, networks_within=within) == [] for text in inside.split())
    assert all(rules(text, networks_within=within) == ["networks_within"] for text in outside.split())


@pytest.mark.parametrize(
    ("never", "hit", "missed"),
    [
        ("10.66.0.0/16", "0.0.0.0/0 10.66.7.0/24 10.66.0.0/16 10.66.255.255/32 ::/0", "10.67.0.0/16 10.65.255.255"),
        ("10.10.10.9", "10.10.10.7/24", ""),
        ("10.66.0.0/16", "::ffff:10.66.1.1 ::ffff:0:0/96", "::ffff:10.67.1.1"),
        ("::/0", "2000::/3", "10.0.0.0/8"),
    ],
)
def test_networks_never(never, hit, missed):
    """A block may not overlap a forbidden one, in either direction."""
    option = {"networks_never": ["192.0.2.0/24", never]}
    assert all(rules(text, **option) == ["networks_never"] for text in hit.split())
    assert all(rules(text, **option) == [] for text in missed.split())


@pytest.mark.parametrize("text", ["db.example.com", "", "10.66.0.0/255.255.0.0"])
def test_unreadable_block(text):
    """It is within nothing, and nobody knows what it overlaps: both rules say so."""
    found = evaluated({"networks_within": ["0.0.0.0/0"], "networks_never": ["10.0.0.0/8"]}, {"whitelist": [text]})
    detail = "is unreadable: it is not a CIDR block"
    assert found == [
        PolicyFinding("whitelist", text, detail, 0, "violation", "networks_within"),
        PolicyFinding("whitelist", text, detail, 0, "violation", "networks_never"),
    ]


def test_violations_have_index_and_value():
    never = ["10.66.0.0/16", "192.168.0.0/16", "172.16.0.0/12"]
    strict = policy_from({"networks_within": ["10.0.0.0/8", "2000::/3"], "networks_never": never}, TODAY)
    values = {"whitelist": ["10.0.0.0/8", "192.0.0.0/8", "10.1.0.0/16", "::ffff:8.0.0.0/104"]}
    assert faults_of(strict.check_change, None, Definition("present", values)) == (
        "whitelist[1] '192.0.0.0/8' violates the policy networks_within: it does not lie within the allowed networks",
        "whitelist[3] '::ffff:8.0.0.0/104' violates the policy networks_within: it does not lie within the allowed "
        "networks",
        "whitelist[0] '10.0.0.0/8' violates the policy networks_never: it overlaps 10.66.0.0/16",
        "whitelist[1] '192.0.0.0/8' violates the policy networks_never: it overlaps 192.168.0.0/16",
    )
    [finding] = evaluated({"networks_within": ["10.0.0.0/8", "::/0"]}, {"whitelist": ["::/0"]})
    assert finding.detail == "contains IPv4 addresses (as IPv6) that do not lie within the allowed networks"


@pytest.mark.parametrize(
    ("required", "inside", "outside"),
    [
        (["10.0.0.0/8"], [HALVES, ["0.0.0.0/0"], [*HALVES, "*"]], [HALVES[:1], ["::/0"], ["::ffff:0:0/96"], [], None]),
        (["10.0.0.5", "2001:db8::7"], [["10.0.0.0/24", "2001:db8::/32"], ["10.0.0.7/24", "::/0"]], [["10.0.0.0/24"]]),
    ],
)
def test_networks_required(required, inside, outside):
    """Each network lies within the union of a whitelist; an empty one contains nothing."""
    option = {"networks_required": required}
    found = [[row.rule for row in evaluated(option, {"whitelist": blocks})] for blocks in (*inside, *outside)]
    assert found == [[]] * len(inside) + [["networks_required"]] * len(outside)


def test_packages_required():
    """A package matches each requirement. One without a version matches no requirement with specifiers."""

    def found(*names):
        rows = held(packages=packages(*names))(packages_required=["mstrio-py>=11.5", "company-*"])
        return [row.removeprefix("packages ") for row in rows]

    none = "matches none of the packages"
    assert found("mstrio_py==11.6", "Company_Tools[x]") == []
    assert found() == [f"mstrio-py>=11.5 {none}", f"company-* {none}"]
    assert found("company-base", "mstrio-py") == [f"mstrio-py>=11.5 {none} (it has mstrio-py)"]
    assert found("company-base", "mstrio-py==11.4") == [f"mstrio-py>=11.5 {none} (it has mstrio-py==11.4)"]
    assert found("mstrio-py==11.5", "git+https://x") == [f"company-* {none}"]


@pytest.mark.parametrize(
    ("requirement", "matched"),
    [
        ("requests", "requests==2.31.0 Requests requests==weird"),
        ("company-*", "company_tools==1.0 Company.Data"),
        ("requests<2.32", "requests==2.31.0"),
        ("*>=1", "requests==2.31.0 company_tools==1.0 numpy==1!0.dev1"),
    ],
)
def test_requirements(requirement, matched):
    names = {"requests==2.31.0", "Requests", "company_tools==1.0", "Company.Data", "numpy==1!0.dev1", "requests==weird"}
    found, matched = held(packages=packages(*sorted(names))), set(matched.split())
    assert {text.split()[1] for text in found(packages_never=[requirement]) if " matches " in text} == matched
    assert {text.split()[1] for text in found(packages_within=[requirement])} == names - matched


@pytest.mark.parametrize(
    "name",
    ["git+https://example.com/x", "requests>=2", "\uff52equests", ""],
)
def test_no_name_of_a_package(name):
    found = held(packages=[{"name": name, "version": "1"}])
    why = "is unreadable: its name is not the name of a package"
    assert found(packages_never=["requests"]) == [f"packages {name}==1 {why}"]
    assert found(packages_within=["*"]) == [f"packages {name}==1 matches none of the allowed packages"]


def test_details_of_packages():
    found = held(packages=packages("requests==2.31.0", "Requests", "left-pad==x.y"))
    assert found(packages_never=["requests<2.32", "left-pad<1"]) == [
        "packages requests==2.31.0 matches requests<2.32",
        "packages Requests has no version to compare with requests<2.32",
        "packages left-pad==x.y is unreadable: PEP 440 cannot read its version",
    ]
    none = "matches none of the allowed packages"
    assert found(packages_within=["requests", "requests<2.32"]) == [f"packages left-pad==x.y {none}"]
    assert found(packages_within=["requests>=2.32", "left-pad"]) == [
        f"packages {value} {none} (requests>=2.32 allows only some versions)"
        for value in ("requests==2.31.0", "Requests")
    ]
    assert found(package_versions_required=True) == ["packages Requests has no version"]
    assert held(packages=packages("a==latest"))(package_versions_required=True) == ["packages a has no version"]
    assert len(found(packages_within=[])) == 3
    assert found(packages_never=[], package_versions_required=False) == []


@pytest.mark.parametrize(
    ("version", "violations"),
    [*((version, 0) for version in ("3.11.4", "3.10.5", None, "")), *((version, 1) for version in ("3.10.0rc1", "x"))],
)
def test_runtime_versions_within(version, violations):
    found = held(runtimeVersion=version)(runtime_versions_within=["==3.11.*", ">=3.10,<3.11"])
    assert found == [f"runtime_version {version} does not match ==3.11.* or >=3.10,<3.11"] * violations


UNTIL = "supported until 2026-10-31, and at least {} days must be left"


@pytest.mark.parametrize(
    ("version", "least", "found"),
    [
        ("3.10.5", 138, None),
        ("3.10.5", 139, f"is {UNTIL.format(139)}"),
        ("3.9.18", 0, "is supported until 2025-10-31, and at least 0 days must be left"),
        ("3.7.1", 0, "is so old that nobody knows when its support ended, and at least 0 days must be left"),
        ("three", 0, "is unreadable: it is not the version of a Python"),
        (None, 999, None),
    ],
)
def test_days_left(version, least, found):
    """Up to the last day of its support. What is not set is not evaluated."""
    expected = [f"runtime_version {version} {found}"] if found else []
    assert held(runtimeVersion=version)(python_days_left=least) == expected


def test_an_unknown_branch_is_not_evaluated():
    """It is never fine. An exemption may name the version of one that has ended."""
    exemption = {"runtime": "r", "rule": "python_days_left", "value": "3.9.1", "reason": "soon", "until": "2026-07-01"}
    policy = policy_from({"python_days_left": 0, "exemptions": [exemption]}, TODAY)
    report = policy.report([runtime(runtimeVersion="3.99.1"), runtime(runtimeVersion="3.9.1")])
    assert [len(report[key]) for key in ("violations", "exempted", "not_evaluated")] == [0, 1, 1]
    assert report["not_evaluated"][0]["detail"] == "is newer than every version whose end is known"


@pytest.mark.parametrize("numpy", ["numpy", "numpy==latest"])
def test_no_version_is_not_evaluated(numpy):
    """Unless another rule is violated."""
    found = runtime(packages=packages(numpy, "scipy"))
    report = policy_from({"packages_never": ["numpy<1.26"]}, TODAY).report([found])
    [row] = report.pop("not_evaluated")
    assert (row["value"], row["detail"]) == (numpy, "has no version to compare with numpy<1.26")
    assert report == {"violations": [], "exempted": []}
    both = policy_from({"packages_never": ["numpy<1.26", "num*"]}, TODAY).report([found])
    assert (len(both["violations"]), both["not_evaluated"]) == (1, [])


@pytest.mark.parametrize(
    ("fields", "option", "found"),
    [
        ({"resource": {"cpu": "2.5"}}, {"resource_max": {"cpu": 2.0, "mem": 1}}, ["resource.cpu 2.5 is more than 2"]),
        ({"resource": {"mem": 8192, "procCount": None}}, {"resource_max": {"mem": 8192, "proc_count": 1}}, []),
        ({"resource": {"disk": "much"}}, {"resource_max": {"disk": 10}}, [f"resource.disk much {NO_NUMBER}"]),
        ({"execTimeout": 7200}, {"resource_max": {"exec_timeout": 3600}}, ["exec_timeout 7200 is more than 3600"]),
        ({"execTimeout": -1}, {"resource_max": {"exec_timeout": 9}}, [f"exec_timeout -1 {NO_NUMBER}"]),
        (POOL, {"resource_max": {"max_cached_instances": 4}}, ["max_cached_instances 12 is more than 4"]),
        ({**POOL, "maxCachedInstances": None}, {"resource_max": {"max_cached_instances": 0}}, []),
    ],
)
def test_sizes_above_a_limit(fields, option, found):
    assert held(**fields)(**option) == found


def test_the_guide_lists_every_rule():
    """The table of the guide has a row for each rule, and no other."""
    guide = (Path(__file__).parents[4] / "docs/docsite/rst/guide_policy.rst").read_text(encoding="utf-8")
    table = guide.partition("What may a runtime have?")[2].partition("A value that is not set")[0]
    assert sorted(re.findall(r"^   ``(\w+)``,", table, re.MULTILINE)) == sorted(RULES)
    unset = guide.partition("A value that is not set")[2].partition(".")[0]
    assert {key for key, rule in RULES.items() if rule.required} <= set(re.findall("``(.*?)``", unset))
