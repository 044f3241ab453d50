# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packages of all runtimes as CycloneDX 1.6, for tools that know the versions with vulnerabilities.

It states nothing that nobody knows. Unless it is known what is installed, it is unknown what a package needs, so this
has no entry among the dependencies: an empty one means "needs nothing". `compositions` say what is complete.

Pure. Source of the form: https://cyclonedx.org/docs/1.6/json/ and, for package URLs, the
types `pypi` and `generic` of the purl specification.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from ...module_utils._model.installed import graph_of, installed_from
from ...module_utils._model.kinds import Package
from ...module_utils._model.requirements import project
from ...module_utils._session.transport import VERSION
from .environment import EnvironmentReport
from .finding import Json, entries
from .formats import Report
from .texts import grouped, json_text

# Versions of Python, as its CPEs have them; a pre-release is an update there, and no server offers one.
_PYTHON_VERSION = re.compile(r"\d+(\.\d+)+", re.ASCII)


class _Node(NamedTuple):
    """A package in a runtime. `needs`: what it needs there, None if that is unknown.

    `variant`: what distinguishes it from the same package with different requirements in another runtime.
    """

    name: str
    version: str
    variant: str = "unknown"
    needs: tuple[str, ...] | None = None

    @property
    def purl(self) -> str | None:
        """The URL of the package; None if its name is not the name of a package."""
        # The type pypi wants the normalized name. A version that a server invents must not add parts to the URL.
        name = project(self.name)
        return name and f"pkg:pypi/{name}{f'@{_quoted(self.version)}' if self.version else ''}"

    @property
    def base(self) -> str:
        """Its reference, if there is no other variant."""
        return self.purl or f"package/{_quoted(self.name)}@{_quoted(self.version)}"


class _Contents(NamedTuple):
    """What is in a runtime: its packages by key, and the keys of those on which it depends itself."""

    nodes: Mapping[str, _Node]
    roots: Sequence[str]
    pythons: Mapping[str, Json]  # its Python, if that is known: the component by its reference
    is_known: bool


def parts(report: Report) -> Iterator[str]:
    """The text of the document, in one part. Two reports on one state differ only in its time and its serial number.

    Packages are top-level components, because some scanners do not look into nested ones. Each is there once, but for
    one that has different requirements in two runtimes.
    """
    environments = sorted(report.whole(), key=lambda environment: environment.environment)
    runtimes = {
        f"{environment.environment}/{runtime['id']}": (environment.environment, runtime)
        for environment in environments
        for runtime in sorted(environment.runtimes, key=lambda entry: (str(entry["name"]), str(entry["id"])))
    }
    properties = [*_environments(environments, report.not_reached)]
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": report.generated,
            "tools": {"components": [{"type": "application", "name": "mstr.library", "version": VERSION}]},
            "component": {"type": "platform", "bom-ref": "environments", "name": "Library environments"},
            "properties": properties,
        },
        **_graph(runtimes, all(entry["value"] == "read" for entry in properties)),
    }
    yield json_text(document)


class _Graph:
    """All packages of all runtimes: the components, what each needs, and which of that is known to be complete."""

    def __init__(self, contents_of: Mapping[str, _Contents]) -> None:
        nodes = [node for contents in contents_of.values() for node in contents.nodes.values()]
        self._variants = grouped((node.base, node.variant) for node in nodes)
        self.packages = {self._ref(node): node for node in nodes}
        self.pythons: dict[str, Json] = {}
        self.needs: dict[str, list[str]] = {}
        self.complete: set[str] = set()
        for name, contents in contents_of.items():
            self._add_runtime(name, contents)

    def _ref(self, node: _Node) -> str:
        return node.base if len(set(self._variants[node.base])) == 1 else f"{node.base}#{node.variant}"

    def _add_runtime(self, name: str, contents: _Contents) -> None:
        self.pythons.update(contents.pythons)
        roots = [self._ref(contents.nodes[key]) for key in contents.roots]
        self.add(name, [*contents.pythons, *roots], contents.is_known)
        for node in contents.nodes.values():
            if node.needs is not None:
                self.add(self._ref(node), [self._ref(contents.nodes[key]) for key in node.needs], True)

    def add(self, ref: str, needs: Iterable[str], is_complete: bool) -> None:
        """Add what a component needs."""
        self.needs[ref] = sorted(set(needs))
        if is_complete:
            self.complete.add(ref)

    @property
    def incomplete(self) -> set[str]:
        """The components of which it is not known what they need."""
        return {*self.needs, *self.packages, *self.pythons} - self.complete


def _graph(runtimes: Mapping[str, tuple[str, Json]], all_read: bool) -> dict[str, Any]:
    """The components, their dependencies, and for which of them these are complete."""
    graph = _Graph({name: _contents(runtime) for name, (_environment, runtime) in runtimes.items()})
    graph.add("environments", runtimes, all_read)
    containers = [_runtime_component(name, environment, each) for name, (environment, each) in runtimes.items()]
    libraries = [
        _component("library", ref, project(node.name) or node.name, version=node.version, purl=node.purl)
        for ref, node in sorted(graph.packages.items())
    ]
    compositions = {"complete": sorted(graph.complete), "incomplete": sorted(graph.incomplete)}
    return {
        "components": [*containers, *(graph.pythons[name] for name in sorted(graph.pythons)), *libraries],
        # An empty list says that nothing is needed, which is only known of what is complete.
        "dependencies": [
            {"ref": ref, "dependsOn": needs} for ref, needs in graph.needs.items() if needs or ref in graph.complete
        ],
        "compositions": [
            {"aggregate": aggregate, "dependencies": refs} for aggregate, refs in compositions.items() if refs
        ],
    }


def _contents(runtime: Json) -> _Contents:
    packages = entries(runtime, "packages")
    if runtime.get("installed") is None:
        return _defined_contents(packages, runtime.get("runtime_version"))
    return _installed_contents(packages, runtime["installed"])


def _defined_contents(packages: Iterable[Json], version: Any) -> _Contents:
    """What a definition says of a runtime. Nobody knows what is installed."""
    nodes = [_Node(str(package.get("name") or ""), str(package.get("version") or "")) for package in packages]
    by_base = {node.base: node for node in nodes}
    python = _python("python", str(version)) if version else {}
    return _Contents(by_base, list(by_base), python, is_known=False)


def _installed_contents(packages: Iterable[Json], read: Json) -> _Contents:
    """What is installed in a runtime."""
    installed = installed_from(read)
    written = [Package(str(package.get("name") or "")) for package in packages]
    graph = graph_of(installed, written)
    plain = {key: _Node(package.name, package.version) for key, package in installed.packages.items()}
    nodes = {
        key: node._replace(variant=_variant(graph, plain, key), needs=tuple(graph[key])) for key, node in plain.items()
    }
    kind = installed.python["implementation"].lower()
    python = _python("python" if kind == "cpython" else kind, installed.python["version"])
    return _Contents(nodes, _roots(graph, written), python, is_known=True)


def _variant(graph: Mapping[str, Iterable[str]], nodes: Mapping[str, _Node], key: str) -> str:
    """A text that is the same for a package with the same requirements, all the way down."""
    within = _reached(graph, [key])
    edges = sorted((nodes[name].base, *(nodes[needed].base for needed in graph[name])) for name in within)
    return hashlib.sha256(repr(edges).encode()).hexdigest()[:12]


def _roots(graph: Mapping[str, Iterable[str]], written: Iterable[Package]) -> list[str]:
    """What the runtime itself needs: what its definition lists, what nothing needs, then one of each circle."""
    listed = {project(package.name) for package in written}
    roots = [key for key in graph if key in listed]
    needed = set[str]()
    for key, names in graph.items():
        needed |= {*names} - {key}
    needed_last = sorted(graph, key=lambda key: key in needed)
    for key in needed_last:
        if key not in _reached(graph, roots):
            roots.append(key)
    return roots


def _reached(graph: Mapping[str, Iterable[str]], start: Iterable[str]) -> list[str]:
    """What can be reached from some packages, with these."""
    reached = dict.fromkeys(start)
    to_do = list(reached)
    for key in to_do:
        to_do += [name for name in graph[key] if name not in reached]
        reached.update(dict.fromkeys(graph[key]))
    return list(reached)


def _environments(environments: Iterable[EnvironmentReport], not_reached: Iterable[str]) -> Iterator[dict[str, str]]:
    for environment in environments:
        state = "could not be read" if environment.counts is None else "read"
        if environment.number_of("incomplete"):
            state = "may be incomplete"
        yield from _properties({f"environment:{environment.environment}": state})
    for name in sorted(not_reached):
        yield from _properties({f"environment:{name}": "not reached"})


def _runtime_component(ref: str, environment: str, runtime: Json) -> dict[str, Any]:
    facts = {
        "environment": environment,
        "runtime:id": runtime["id"],
        "runtime:status": runtime.get("status") or "unknown",
        "runtime:python": runtime.get("runtime_version"),
    }
    for package in entries(runtime, "packages"):
        if package.get("status") != "installed":
            facts[f"package:{package.get('name')}"] = package.get("status") or "unknown"
    # The server gives each state of a runtime an id.
    version = runtime.get("version") or runtime.get("date_modified") or "unknown"
    name = runtime["name"] or runtime["id"]
    component = _component("container", ref, name, version=version, description=runtime.get("description"))
    return {**component, "properties": list(_properties(facts))}


def _python(name: str, version: str) -> Mapping[str, Json]:
    has_cpe = name == "python" and _PYTHON_VERSION.fullmatch(version)
    cpe = f"cpe:2.3:a:python:python:{version}:*:*:*:*:*:*:*" if has_cpe else None
    ref = f"pkg:generic/{_quoted(name)}@{_quoted(version)}"
    return {ref: _component("application", ref, name, version=version, cpe=cpe, purl=ref)}


def _component(kind: str, ref: str, name: str, **if_set: Any) -> dict[str, Any]:
    values = {key: str(value) for key, value in if_set.items() if value}
    return {"type": kind, "bom-ref": ref, "name": str(name), **values}


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _properties(values: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    return ({"name": f"mstr.library:{name}", "value": str(value)} for name, value in values.items() if value)
