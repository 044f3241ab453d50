"""What is really installed, in every report."""

from __future__ import annotations

import json

import pytest
from ansible_collections.mstr.library.plugins.filter.report_file import report_file
from ansible_collections.mstr.library.plugins.plugin_utils._reports.environment import environment_report
from ansible_collections.mstr.library.plugins.plugin_utils._reports.inventory import Sources
from unit.support.report import PYTHON as WANTED
from unit.support.report import SUFFIXES, audit_of, audited, environment, package, runtime, violation

PYTHON = {"version": f"{WANTED}1", "implementation": "CPython", "platform": "linux-x86_64"}


def installed(needs, **python):
    """What was read of a runtime: `needs` has the requirements of each package."""
    rows = [dict(zip(("name", "version"), key.split("==")), requires=requires) for key, requires in needs.items()]
    return {"python": {**PYTHON, **python}, "packages": rows}


ETL = runtime(
    1,
    "Etl",
    packages=[package("pysftp", "0.3")],
    installed=installed({"pysftp==0.2.9": ["paramiko"], "paramiko==3.4.0": [], "pip==24.0": []}),
)
MISMATCH = {"name": "Etl", "id": ETL["id"], "package": "pysftp", "version": "0.3", "installed": "0.2.9"}
BREACH = violation(ETL, "paramiko==3.4.0", "packages_never", "matches paramiko (required by pysftp)", "installed")
UNREAD = {"project": None, "script": None, "runtime": {"id": "B" * 32, "name": "Busy"}, "error": {"msg": "It is busy."}}


def report_on(*runtimes, mismatches=(MISMATCH,), **read):
    found = {"runtimes": runtimes, "violations": [BREACH], "unread": [UNREAD], **read}
    policy = {"packages_never": ["paramiko"]}
    sources = Sources("prod", None, read={**found, "mismatches": mismatches}, policy=policy)
    return environment_report(sources, detail=True)


def test_console():
    report = report_on(ETL)
    assert report["counts"]["mismatches"] == 1
    assert report["lines"] == [
        "prod: 1 runtime (without the default one), 1 violation, 1 installed version differs, 1 look-up failed",
        "prod: 'Etl' installed paramiko==3.4.0 violates packages_never: it matches paramiko (required by pysftp)",
        "prod: 'Etl' has pysftp 0.2.9, but its definition has 0.3",
        "prod: could not read what is installed in 'Busy': It is busy.",
    ]


def test_check_mode():
    """It runs no script, which is said once."""
    [line] = [line for line in report_on(ETL, mismatches=None)["lines"] if "check mode does not run the script" in line]
    assert line.startswith("prod: 1 runtime (without the default one), 1 violation")


def test_no_gate():
    """Neither of them is a violation or drift."""
    report = report_on(ETL, violations=[])
    assert report["outcome"] == "problems"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_file_has_it(suffix):
    text = report_file([report_on(ETL)], f"x.{suffix}")
    parts = ["3.4.0", "has pysftp 0.2.9, but its definition has 0.3", "required by pysftp"]
    assert [part for part in parts if part not in text] == []


def test_verdict_on_the_installed_version():
    """A package without a version is evaluated by the one that it has."""
    loose = {**ETL, "packages": [package("pysftp", "")]}
    row = violation(loose, "pysftp==0.2.9", "packages_never", "matches pysftp", "packages")
    [found] = report_on(loose, violations=[row])["inventory"][0]["packages"]
    assert (found["version"], found["installed"], found["verdict"]) == ("", "0.2.9", "violation")


# --- software bill of materials


def validated(text):
    """A file that the schema accepts. ansible-test has no library to ask."""
    validation = pytest.importorskip("cyclonedx.validation.json")
    schema = pytest.importorskip("cyclonedx.schema").SchemaVersion.V1_6
    assert validation.JsonStrictValidator(schema).validate_str(text) is None
    return json.loads(text)


def sbom(*runtimes):
    """The components, what each needs, and whether that is complete."""
    data = validated(report_file([report_on(*runtimes)], "x.cdx.json"))
    graph = {entry["ref"]: entry["dependsOn"] for entry in data["dependencies"]}
    complete = {ref: each["aggregate"] == "complete" for each in data["compositions"] for ref in each["dependencies"]}
    return {component["bom-ref"]: component for component in data["components"]}, graph, complete


def reached(graph, start):
    seen, to_do = set(), [start]
    while to_do:
        new = set(graph.get(to_do.pop(), ())) - seen
        seen |= new
        to_do += new
    return seen


def test_real_graph():
    """What can be reached from a runtime is what is installed there, also in a circle that nothing else needs."""
    found = {
        "a==1": ["b", 'c; extra == "x"', 'd; sys_platform == "win32"'],
        "b==2": [],
        "c==3": [],
        "d==4": ["e"],
        "e==5": ["d"],
    }
    components, graph, complete = sbom(runtime(1, "R", packages=[package("A", "")], installed=installed(found)))
    [start] = [ref for ref, component in components.items() if component["type"] == "container"]
    python = f"pkg:generic/python@{PYTHON['version']}"
    urls = {f"pkg:pypi/{key.replace('==', '@')}" for key in found}
    assert reached(graph, start) == {*urls, python}
    assert graph["pkg:pypi/a@1"] == ["pkg:pypi/b@2"]
    assert graph["pkg:pypi/b@2"] == []
    assert components[python]["cpe"] == f"cpe:2.3:a:python:python:{PYTHON['version']}:*:*:*:*:*:*:*"
    assert complete == {**dict.fromkeys(["environments", start, *urls], True), python: False}
    assert python not in graph


def test_one_package_with_different_requirements():
    """In two runtimes these are two components; with the same requirements it is one."""
    one = runtime(1, "One", packages=[package("a", "")], installed=installed({"a==1": ["b"], "b==1": [], "s==1": []}))
    two = runtime(2, "Two", packages=[package("a", "")], installed=installed({"a==1": ["b"], "b==2": [], "s==1": []}))
    components, graph, _complete = sbom(one, two)
    urls = [component.get("purl") for component in components.values()]
    assert (urls.count("pkg:pypi/a@1"), urls.count("pkg:pypi/s@1")) == (2, 1)
    starts = [ref for ref, component in components.items() if component["type"] == "container"]
    for start, b in zip(starts, ("1", "2")):
        assert {components[ref]["purl"] for ref in reached(graph, start)} >= {"pkg:pypi/a@1", f"pkg:pypi/b@{b}"}


def test_known_beside_unknown():
    """What is unknown in one runtime is not what is known in another one."""
    known = runtime(1, "Known", packages=[package("a", "1")], installed=installed({"a==1": []}))
    components, graph, complete = sbom(known, runtime(2, "Unknown", packages=[package("a", "1")], installed=None))
    same = [ref for ref, component in components.items() if component.get("purl") == "pkg:pypi/a@1"]
    assert sorted(complete[ref] for ref in same) == [False, True]
    assert [ref in graph for ref in same if complete[ref]] == [True]
    assert [ref in graph for ref in same if not complete[ref]] == [False]


def test_another_implementation():
    """It has no CPE of CPython."""
    found = installed({"a==1": []}, implementation="PyPy")
    components, _graph, _complete = sbom(runtime(1, "R", packages=[], installed=found))
    [python] = [component for component in components.values() if component["type"] == "application"]
    assert (python["name"], python["version"], "cpe" in python) == ("pypy", PYTHON["version"], False)


@pytest.mark.matrix
def test_the_software_of_all_runtimes():
    """In the same order whatever the order of the environments, and valid whatever the names are."""
    hostile = '">&{{ 7*7 }}\u202e\ud800'
    odd = package("Typing_Extensions", "4.1+local/x@1", "installing")
    packages = [odd, package("bare", None, None), package("Bare", ""), package("requests[socks]", "2.31")]
    report = {**audited(runtime(1, hostile, packages=packages), name="test"), "incomplete": "why"}
    environments = [environment("prod"), report, audit_of(hostile, hostile)]
    first, second = (
        validated(report_file(order, "x.cdx.json", not_reached=["gone"]))
        for order in (environments, environments[::-1])
    )
    assert first.pop("serialNumber") != second.pop("serialNumber")
    assert first["metadata"].pop("timestamp")
    assert second["metadata"].pop("timestamp")
    assert first == second
    components = {each["bom-ref"]: each for each in first["components"]}
    assert len(components) == len(first["components"])
    [found] = [each for ref, each in components.items() if ref.startswith("test/")]
    needs = {each["ref"]: each["dependsOn"] for each in first["dependencies"]}
    python, *depends = needs[found["bom-ref"]]
    assert components[python]["cpe"] == f"cpe:2.3:a:python:python:{WANTED}:*:*:*:*:*:*:*"
    containers = {ref for ref, each in components.items() if each["type"] == "container"}
    assert {ref for ref, each in components.items() if ref in needs} == containers, "an empty list is a statement"
    compositions = {(each["aggregate"], ref) for each in first["compositions"] for ref in each["dependencies"]}
    assert compositions == {("incomplete", ref) for ref in ("environments", *components)}
    assert [(components[ref]["name"], components[ref].get("version")) for ref in depends] == [
        ("bare", None),
        ("requests", "2.31"),
        ("typing-extensions", "4.1+local/x@1"),
    ]
    assert depends[2] == components[depends[2]]["purl"] == "pkg:pypi/typing-extensions@4.1%2Blocal%2Fx%401"
    assert not [each for each in components.values() if "components" in each], "Trivy does not look into them"
    assert [each for each in components.values() if each["type"] == "library" and "purl" not in each], "a hostile name"
    assert all(components[ref].get("version") for ref in containers)
    assert first["metadata"]["tools"]["components"][0]["version"]
    assert {"name": "mstr.library:package:Typing_Extensions", "value": "installing"} in found["properties"]
    assert {"name": "mstr.library:environment", "value": "test"} in found["properties"]
    for name, value in {"prod": "read", "test": "may be incomplete", "gone": "not reached"}.items():
        assert {"name": f"mstr.library:environment:{name}", "value": value} in first["metadata"]["properties"]
