# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packages of all runtimes as CycloneDX 1.6, for tools that know the versions with vulnerabilities.

It states nothing that nobody knows. What a package needs is unknown, so it has no entry among the dependencies: an
empty one means "needs nothing". `compositions` say which entries are incomplete or missing.

Pure: takes the report of an audit. Source of the form: https://cyclonedx.org/docs/1.6/json/ and, for package URLs, the
types `pypi` and `generic` of the purl specification.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.mstr.library.plugins.module_utils._model.requirements import project

from .plan_file import collection_version
from .serialize import json_text

Json = Mapping[str, Any]

# Versions of Python, as its CPEs have them; a pre-release is an update there, and no server offers one.
_PYTHON_VERSION = re.compile(r"\d+(\.\d+)+", re.ASCII)


def software(report: Json) -> str:
    """The text of the document. Two reports on the same state differ only in its time and its serial number.

    Packages are top-level components, each once, because some scanners do not look into nested ones.
    """
    runtimes = [
        (f"{environment['environment']}/{runtime['id']}", environment["environment"], runtime)
        for environment in sorted(report["environments"], key=lambda entry: str(entry["environment"]))
        for runtime in sorted(environment.get("inventory") or (), key=lambda entry: (entry["name"], entry["id"] or ""))
        if runtime["present"]
    ]
    packages = {_ref(package): package for *_names, runtime in runtimes for package in runtime["packages"]}
    pythons = {ref: runtime["runtime_version"] for *_names, runtime in runtimes for ref in _python_ref(runtime)}
    needs = {
        ref: sorted({*map(_ref, runtime["packages"]), *_python_ref(runtime)}) for ref, _environment, runtime in runtimes
    }
    properties = list(_environments(report))
    is_complete = all(entry["value"] == "read" for entry in properties)
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": report["generated"],
            "tools": {"components": [{"type": "application", "name": "mstr.library", "version": collection_version()}]},
            "component": {"type": "platform", "bom-ref": "environments", "name": "Library environments"},
            "properties": properties,
        },
        "components": [
            *(_runtime_component(ref, environment, runtime) for ref, environment, runtime in runtimes),
            *(_python(ref, pythons[ref]) for ref in sorted(pythons)),
            *(_package(ref, packages[ref]) for ref in sorted(packages)),
        ],
        "dependencies": [
            *({"ref": ref, "dependsOn": refs} for ref, refs in {"environments": list(needs), **needs}.items() if refs),
        ],
        "compositions": [
            {"aggregate": "complete" if is_complete else "incomplete", "dependencies": ["environments"]},
            {"aggregate": "incomplete", "dependencies": [*needs, *sorted(pythons), *sorted(packages)]},
        ],
    }
    return json_text(document)


def _environments(report: Json) -> Iterator[dict[str, str]]:
    for environment in sorted(report["environments"], key=lambda entry: str(entry["environment"])):
        # What failed before its task has no counts, and neither has the report of an apply.
        without_counts = environment["outcome"] == "failed" and environment.get("counts") is None
        failed = environment.get("inventory") is None or without_counts
        read = "could not be read" if failed else "may be incomplete" if environment.get("incomplete") else "read"
        yield from _properties({f"environment:{environment['environment']}": read})
    for name in sorted(report["not_reached"]):
        yield from _properties({f"environment:{name}": "not reached"})


def _runtime_component(ref: str, environment: str, runtime: Json) -> dict[str, Any]:
    not_installed = {
        f"package:{package['name']}": package["status"]
        for package in runtime["packages"]
        if package["status"] != "installed"
    }
    return {
        "type": "container",
        "bom-ref": ref,
        "name": runtime["name"] or str(runtime["id"]),
        # The server gives each state of a runtime an id.
        "version": str(runtime["version"] or runtime["date_modified"] or "unknown"),
        **_given("description", runtime["description"]),
        "properties": list(
            _properties(
                {
                    "environment": environment,
                    "runtime:id": runtime["id"],
                    "runtime:status": runtime["status"],
                    "runtime:python": runtime["runtime_version"],
                    **not_installed,
                }
            )
        ),
    }


def _python_ref(runtime: Json) -> list[str]:
    version = runtime["runtime_version"]
    return [f"pkg:generic/python@{_quoted(version)}"] if version else []


def _python(ref: str, version: str) -> dict[str, Any]:
    cpe = f"cpe:2.3:a:python:python:{version}:*:*:*:*:*:*:*" if _PYTHON_VERSION.fullmatch(version) else None
    return {
        "type": "application",
        "bom-ref": ref,
        "name": "python",
        "version": version,
        **_given("cpe", cpe),
        "purl": ref,
    }


def _package(ref: str, package: Json) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": ref,
        "name": project(package["name"]) or package["name"],
        **_given("version", package["version"]),
        **_given("purl", _purl(package)),
    }


def _ref(package: Json) -> str:
    return _purl(package) or f"package/{_quoted(package['name'])}@{_quoted(package['version'])}"


def _purl(package: Json) -> str | None:
    """The URL of the package; None if its name is not the name of a package."""
    # The type pypi wants the normalized name. A version that a server invents must not add parts to the URL.
    name, version = project(package["name"]), f"@{_quoted(package['version'])}" if package["version"] else ""
    return name and f"pkg:pypi/{name}{version}"


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _given(key: str, value: Any) -> dict[str, str]:
    return {key: str(value)} if value else {}


def _properties(values: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    return ({"name": f"mstr.library:{name}", "value": str(value)} for name, value in values.items() if value)
