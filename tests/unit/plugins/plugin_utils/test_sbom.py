"""The software bill of materials: what is installed, tied to its runtimes, and what is known to be complete."""

from __future__ import annotations

import json

import pytest
from unit.support.report import PYTHON as WANTED
from unit.support.report import audit_of, audited, environment, package, runtime, text_of

PYTHON = {"version": f"{WANTED}1", "implementation": "CPython", "platform": "linux-x86_64"}


def installed(needs, **python):
    """What was read of a runtime: `needs` has the requirements of each package."""
    rows = [dict(zip(("name", "version"), key.split("==")), requires=requires) for key, requires in needs.items()]
    return {"python": {**PYTHON, **python}, "packages": rows}


def validated(text):
    """A file that the schema accepts. ansible-test has no library to ask."""
    validation = pytest.importorskip("cyclonedx.validation.json")
    schema = pytest.importorskip("cyclonedx.schema").SchemaVersion.V1_6
    assert validation.JsonStrictValidator(schema).validate_str(text) is None
    return json.loads(text)


def sbom(*runtimes):
    """The components, what each needs, and whether that is complete."""
    report = audited(runtimes=[{**each, "is_default": True} for each in runtimes])
    data = validated(text_of(report, suffix="cdx.json"))
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
    of_a = ["b", 'c; extra == "x"', 'd; sys_platform == "win32"']
    found = {"a==1": of_a, "b==2": [], "c==3": [], "d==4": ["e"], "e==5": ["d"]}
    components, graph, complete = sbom(runtime(1, "R", packages=[package("A", "")], installed=installed(found)))
    [start] = [ref for ref, component in components.items() if component["type"] == "container"]
    python = f"pkg:generic/python@{PYTHON['version']}"
    urls = {f"pkg:pypi/{key.replace('==', '@')}" for key in found}
    assert reached(graph, start) == {*urls, python}
    assert (graph["pkg:pypi/a@1"], graph["pkg:pypi/b@2"]) == (["pkg:pypi/b@2"], [])
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
    of_one, of_two = ({components[ref]["purl"] for ref in reached(graph, start)} for start in starts)
    assert (of_one >= {"pkg:pypi/a@1", "pkg:pypi/b@1"}, of_two >= {"pkg:pypi/a@1", "pkg:pypi/b@2"}) == (True, True)


def test_known_beside_unknown():
    """What is unknown in one runtime is not what is known in another one."""
    known = runtime(1, "Known", packages=[package("a", "1")], installed=installed({"a==1": []}))
    components, graph, complete = sbom(known, runtime(2, "Unknown", packages=[package("a", "1")], installed=None))
    same = [ref for ref, component in components.items() if component.get("purl") == "pkg:pypi/a@1"]
    assert sorted((complete[ref], ref in graph) for ref in same) == [(False, False), (True, True)]
    runtimes = [ref for ref, component in components.items() if component["type"] == "container"]
    assert [complete[ref] for ref in runtimes] == [True, False]


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
    report = audited(name="test", runtimes=[runtime(1, hostile, packages=packages)])
    environments = [environment("prod"), report, audit_of(hostile, hostile)]
    orders = environments, environments[::-1]
    first, second = (validated(text_of(*order, suffix="cdx.json", not_reached=["gone"])) for order in orders)
    assert first.pop("serialNumber") != second.pop("serialNumber")
    assert first["metadata"].pop("timestamp") == second["metadata"].pop("timestamp")
    assert first == second
    components = {each["bom-ref"]: each for each in first["components"]}
    [found] = [each for ref, each in components.items() if ref.startswith("test/")]
    needs = {each["ref"]: each["dependsOn"] for each in first["dependencies"]}
    containers = {ref for ref, each in components.items() if each["type"] == "container"}
    assert {ref for ref in components if ref in needs} == containers, "an empty list is a statement"
    compositions = {(each["aggregate"], ref) for each in first["compositions"] for ref in each["dependencies"]}
    assert compositions == {("incomplete", ref) for ref in ("environments", *components)}
    _python, *depends = needs[found["bom-ref"]]
    assert [(components[ref]["name"], components[ref].get("version")) for ref in depends] == [
        ("bare", None),
        ("requests", "2.31"),
        ("typing-extensions", "4.1+local/x@1"),
    ]
    assert depends[2] == components[depends[2]]["purl"] == "pkg:pypi/typing-extensions@4.1%2Blocal%2Fx%401"
    assert not [each for each in components.values() if "components" in each], "Trivy does not look into them"
    assert {"name": "mstr.library:package:Typing_Extensions", "value": "installing"} in found["properties"]
    states = {entry["name"].rpartition(":")[2]: entry["value"] for entry in first["metadata"]["properties"]}
    assert states.items() >= {"prod": "read", "test": "may be incomplete", "gone": "not reached"}.items()
