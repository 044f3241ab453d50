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
from .environment import Environment
from .evaluation import grouped
from .finding import Json
from .formats import Run
from .plan_file import collection_version
from .texts import json_text

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


def parts(run: Run) -> Iterator[str]:
    """The text of the document, in one part. Two reports on one state differ only in its time and its serial number.

    Packages are top-level components, because some scanners do not look into nested ones. Each is there once, but for
    one that has different requirements in two runtimes.
    """
    environments = sorted(run.whole(), key=lambda environment: environment.environment)
    runtimes = {
        f"{environment.environment}/{runtime['id']}": (environment.environment, runtime)
        for environment in environments
        for runtime in sorted(environment.runtimes, key=lambda entry: (str(entry["name"]), str(entry["id"])))
    }
    properties = [*_environments(environments, run.not_reached)]
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": run.generated,
            "tools": {"components": [{"type": "application", "name": "mstr.library", "version": collection_version()}]},
            "component": {"type": "platform", "bom-ref": "environments", "name": "Library environments"},
            "properties": properties,
        },
        **_graph(runtimes, all(entry["value"] == "read" for entry in properties)),
    }
    yield json_text(document)


def _graph(runtimes: Mapping[str, tuple[str, Json]], all_read: bool) -> dict[str, Any]:
    """The components, their dependencies, and for which of them these are complete."""
    contents_of = {name: _contents(runtime) for name, (_environment, runtime) in runtimes.items()}
    variants = grouped(
        (node.base, node.variant) for contents in contents_of.values() for node in contents.nodes.values()
    )

    def ref(node: _Node) -> str:
        return node.base if len(set(variants[node.base])) == 1 else f"{node.base}#{node.variant}"

    packages: dict[str, _Node] = {}
    pythons: dict[str, Json] = {}
    needs, complete_refs = {"environments": list(runtimes)}, ["environments"] * all_read
    for name, contents in contents_of.items():
        pythons |= contents.pythons
        needs[name] = sorted({*contents.pythons, *(ref(contents.nodes[key]) for key in contents.roots)})
        complete_refs += [name] * contents.is_known
    for contents in contents_of.values():
        for node in contents.nodes.values():
            packages[ref(node)] = node
            if node.needs is not None:
                needs[ref(node)] = sorted(ref(contents.nodes[key]) for key in node.needs)
                complete_refs.append(ref(node))
    complete = set(complete_refs)
    compositions = {"complete": sorted(complete), "incomplete": sorted({*needs, *packages, *pythons} - complete)}
    return {
        "components": [
            *(_runtime_component(name, environment, runtime) for name, (environment, runtime) in runtimes.items()),
            *(pythons[name] for name in sorted(pythons)),
            *(
                _component("library", name, project(node.name) or node.name, version=node.version, purl=node.purl)
                for name, node in sorted(packages.items())
            ),
        ],
        # An empty list says that nothing is needed, which is only known of what is complete.
        "dependencies": [{"ref": name, "dependsOn": refs} for name, refs in needs.items() if refs or name in complete],
        "compositions": [
            {"aggregate": aggregate, "dependencies": refs} for aggregate, refs in compositions.items() if refs
        ],
    }


def _contents(runtime: Json) -> _Contents:
    if runtime.get("installed") is None:
        packages = runtime.get("packages") or ()
        defined = [_Node(str(package.get("name") or ""), str(package.get("version") or "")) for package in packages]
        by_base = {node.base: node for node in defined}
        version = runtime.get("runtime_version")
        return _Contents(by_base, list(by_base), _python("python", str(version)) if version else {}, False)
    installed = installed_from(runtime["installed"])
    written = [Package(str(package.get("name") or "")) for package in runtime.get("packages") or ()]
    graph = graph_of(installed, written)
    plain = {key: _Node(package.name, package.version) for key, package in installed.packages.items()}
    nodes = {}
    for key, node in plain.items():
        within = _reached(graph, [key])
        edges = sorted((plain[name].base, *(plain[needed].base for needed in graph[name])) for name in within)
        variant = hashlib.sha256(repr(edges).encode()).hexdigest()[:12]
        nodes[key] = node._replace(variant=variant, needs=tuple(graph[key]))
    listed = {project(package.name) for package in written}
    roots = [key for key in graph if key in listed]
    # What nothing needs, then one of each circle
    needed = {name for key, names in graph.items() for name in names if name != key}
    for key in sorted(graph, key=lambda key: key in needed):
        if key not in _reached(graph, roots):
            roots.append(key)
    kind = installed.python["implementation"].lower()
    python = _python("python" if kind == "cpython" else kind, installed.python["version"])
    return _Contents(nodes, roots, python, True)


def _reached(graph: Mapping[str, Iterable[str]], start: Iterable[str]) -> list[str]:
    """What can be reached from some packages, with these."""
    reached = dict.fromkeys(start)
    to_do = list(reached)
    for key in to_do:
        to_do += [name for name in graph[key] if name not in reached]
        reached.update(dict.fromkeys(graph[key]))
    return list(reached)


def _environments(environments: Iterable[Environment], not_reached: Iterable[str]) -> Iterator[dict[str, str]]:
    for environment in environments:
        state = "could not be read" if environment.counts is None else "read"
        if (environment.counts or {}).get("incomplete"):
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
    for package in runtime.get("packages") or ():
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
