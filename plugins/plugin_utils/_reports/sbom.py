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
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote

from ...module_utils._model.installed import Graph, graph_of, installed_from
from ...module_utils._model.kinds import Package
from ...module_utils._model.requirements import project
from ...module_utils._model.schedules import name_of
from ...module_utils._session.transport import VERSION
from .environment import EnvironmentReport
from .finding import Json, entries
from .formats import Report
from .texts import grouped, json_text

# Versions of Python, as its CPEs have them; a pre-release is an update there, and no server offers one.
_PYTHON_VERSION = re.compile(r"\d+(\.\d+)+", re.ASCII)
_ALL = "environments"  # the reference of what has all runtimes
_READ = "read"  # the state of an environment of which all runtimes are known
_quoted = partial(quote, safe="", errors="replace")  # for a part of a URL


class _Package(NamedTuple):
    """A package in a runtime.

    `variant`: what distinguishes it from the same package with different requirements in another runtime.
    """

    name: str
    version: str
    variant: str = "unknown"

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
    """What is in a runtime: its packages by key, and the keys of those on which it depends itself.

    `python`: the component by its reference, empty if it is not known. `graph`: what each package needs, None if that
    is not known.
    """

    packages: Mapping[str, _Package]
    roots: Collection[str]
    python: Mapping[str, Json]
    graph: Graph | None = None


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
    states = {environment.environment: _state(environment) for environment in environments}
    states |= dict.fromkeys(sorted(report.not_reached), "not reached")
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": report.generated,
            "tools": {"components": [{"type": "application", "name": "mstr.library", "version": VERSION}]},
            "component": {"type": "platform", "bom-ref": _ALL, "name": "Library environments"},
            "properties": _properties({f"environment:{name}": state for name, state in states.items()}),
        },
        **_graph(runtimes, {_ALL} if {*states.values()} <= {_READ} else set()),
    }
    yield json_text(document)


def _state(environment: EnvironmentReport) -> str:
    """How much is known of an environment."""
    if environment.counts is None:
        return "could not be read"
    return "may be incomplete" if environment.counts.get("incomplete") else _READ


def _graph(runtimes: Mapping[str, tuple[str, Json]], complete: set[str]) -> dict[str, Any]:
    """The components, what each needs, and for which of them that is complete. `complete`: those known to be so."""
    contents_of = {name: _contents(runtime) for name, (_environment, runtime) in runtimes.items()}
    refs = _refs(contents_of.values())
    needs: dict[str, list[str]] = {}
    pythons: dict[str, Json] = {}
    for name, contents in contents_of.items():
        pythons.update(contents.python)
        own = {key: refs[package] for key, package in contents.packages.items()}
        needs[name] = [*contents.python, *map(own.__getitem__, contents.roots)]
        if contents.graph is not None:
            needs.update({own[key]: [*map(own.__getitem__, others)] for key, others in contents.graph.items()})
            complete = complete | {name, *own.values()}
    needs[_ALL] = [*runtimes]
    libraries = {
        ref: _component("library", ref, project(each.name) or each.name, version=each.version, purl=each.purl)
        for each, ref in refs.items()
    }
    known = {"complete": complete, "incomplete": {*needs, *libraries, *pythons} - complete}
    containers = [_container(name, *environment_and_runtime) for name, environment_and_runtime in runtimes.items()]
    return {
        "components": [*containers, *dict(sorted(pythons.items())).values(), *dict(sorted(libraries.items())).values()],
        # An empty list says that nothing is needed, which is only known of what is complete.
        "dependencies": [
            {"ref": ref, "dependsOn": sorted({*others})} for ref, others in needs.items() if others or ref in complete
        ],
        "compositions": [
            {"aggregate": aggregate, "dependencies": sorted(refs)} for aggregate, refs in known.items() if refs
        ],
    }


def _refs(contents: Iterable[_Contents]) -> dict[_Package, str]:
    """The reference of each package, with its variant where there are several."""
    packages = {package for each in contents for package in each.packages.values()}
    variants = grouped((package.base, package.variant) for package in packages)
    several = {base for base, found in variants.items() if len({*found}) > 1}
    return {each: f"{each.base}#{each.variant}" if each.base in several else each.base for each in packages}


def _contents(runtime: Json) -> _Contents:
    """What is installed in a runtime; where nobody knows that, what its definition says."""
    rows = entries(runtime, "packages")
    if runtime.get("installed") is None:
        packages = [_Package(row["name"], row["version"] or "") for row in rows]
        defined = {package.base: package for package in packages}
        version = runtime.get("runtime_version")
        return _Contents(defined, defined, _python("python", str(version)) if version else {})
    installed = installed_from(runtime["installed"])
    written = [Package(row["name"]) for row in rows]
    graph = graph_of(installed, written)
    found = {key: _Package(each.name, each.version) for key, each in installed.packages.items()}
    found = {key: package._replace(variant=_variant(graph, found, key)) for key, package in found.items()}
    kind = installed.python["implementation"].lower().replace("cpython", "python")
    return _Contents(found, _roots(graph, written), _python(kind, installed.python["version"]), graph)


def _variant(graph: Graph, packages: Mapping[str, _Package], key: str) -> str:
    """A text that is the same for a package with the same requirements, all the way down."""
    within = _reached(graph, [key])
    edges = sorted((packages[name].base, *(packages[needed].base for needed in graph[name])) for name in within)
    return hashlib.sha256(repr(edges).encode()).hexdigest()[:12]


def _roots(graph: Graph, written: Iterable[Package]) -> list[str]:
    """What the runtime itself needs: what its definition lists, what nothing needs, then one of each circle."""
    listed = {project(package.name) for package in written}
    roots = [key for key in graph if key in listed]
    needed = set[str]().union(*({*names} - {key} for key, names in graph.items()))
    needed_last = sorted(graph, key=lambda key: key in needed)
    for key in needed_last:
        if key not in _reached(graph, roots):
            roots.append(key)
    return roots


def _reached(graph: Graph, start: Iterable[str]) -> set[str]:
    """What can be reached from some packages, with these."""
    reached = {*start}
    to_do = [*reached]
    for key in to_do:
        new = {*graph[key]} - reached
        reached |= new
        to_do += new
    return reached


def _container(ref: str, environment: str, runtime: Json) -> dict[str, Any]:
    facts = {
        "environment": environment,
        "runtime:id": runtime["id"],
        "runtime:status": runtime.get("status") or "unknown",
        "runtime:python": runtime.get("runtime_version"),
    }
    for package in entries(runtime, "packages"):
        if package["status"] != "installed":
            facts[f"package:{package['name']}"] = package["status"] or "unknown"
    # The server gives each state of a runtime an id.
    version = runtime.get("version") or runtime.get("date_modified") or "unknown"
    component = _component("container", ref, name_of(runtime), version=version, description=runtime.get("description"))
    return {**component, "properties": _properties(facts)}


def _python(name: str, version: str) -> Mapping[str, Json]:
    has_cpe = name == "python" and _PYTHON_VERSION.fullmatch(version)
    cpe = f"cpe:2.3:a:python:python:{version}:*:*:*:*:*:*:*" if has_cpe else None
    ref = f"pkg:generic/{_quoted(name)}@{_quoted(version)}"
    return {ref: _component("application", ref, name, version=version, cpe=cpe, purl=ref)}


def _component(kind: str, ref: str, name: str, **if_set: Any) -> dict[str, Any]:
    values = {key: str(value) for key, value in if_set.items() if value}
    return {"type": kind, "bom-ref": ref, "name": str(name), **values}


def _properties(values: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"name": f"mstr.library:{name}", "value": str(value)} for name, value in values.items() if value]
