# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packages of all runtimes as CycloneDX 1.6, for tools that know the versions with vulnerabilities.

Pure: takes the report of an audit. Source of the form: https://cyclonedx.org/docs/1.6/json/ and, for package URLs, the
type `pypi` of the purl specification.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.mstr.library.plugins.module_utils._model.requirements import project

Json = Mapping[str, Any]


def software(report: Json) -> dict[str, Any]:
    """The document. Two reports on the same state differ only in its time and its serial number."""
    components = [
        _runtime(environment["environment"], runtime)
        for environment in sorted(report["environments"], key=lambda one: str(one["environment"]))
        for runtime in sorted(environment.get("inventory") or (), key=lambda one: (one["name"], one["id"] or ""))
        if runtime["present"]
    ]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": report["generated"],
            "tools": {"components": [{"type": "application", "name": "mstr.library"}]},
            "component": {"type": "platform", "bom-ref": "environments", "name": "Library environments"},
            "properties": list(_environments(report)),
        },
        "components": components,
        "dependencies": [
            {"ref": "environments", "dependsOn": [one["bom-ref"] for one in components]},
            *(
                {"ref": one["bom-ref"], "dependsOn": [each["bom-ref"] for each in one["components"]]}
                for one in components
            ),
        ],
    }


def _environments(report: Json) -> Iterator[dict[str, str]]:
    for environment in sorted(report["environments"], key=lambda one: str(one["environment"])):
        failed = environment.get("inventory") is None or environment["counts"] is None
        read = "could not be read" if failed else "may be incomplete" if environment.get("incomplete") else "read"
        yield from _properties({f"environment:{environment['environment']}": read})
    for name in sorted(report["not_reached"]):
        yield from _properties({f"environment:{name}": "not reached"})


def _runtime(environment: str, runtime: Json) -> dict[str, Any]:
    ref = f"{environment}/{runtime['id']}"
    packages: dict[str, Json] = {}
    for one in runtime["packages"]:
        # A server may list a package twice; references are unique.
        packages.setdefault(f"{ref}/{_purl(one) or _quoted(one['name'])}", one)
    return {
        "type": "container",
        "bom-ref": ref,
        "name": runtime["name"] or str(runtime["id"]),
        **_given("description", runtime["description"]),
        "properties": list(
            _properties(
                {
                    "environment": environment,
                    "runtime:id": runtime["id"],
                    "runtime:status": runtime["status"],
                    "runtime:python": runtime["runtime_version"],
                }
            )
        ),
        "components": [_package(one_ref, packages[one_ref]) for one_ref in sorted(packages)],
    }


def _package(ref: str, package: Json) -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": ref,
        "name": package["name"],
        **_given("version", package["version"]),
        **_given("purl", _purl(package)),
        "properties": list(_properties({"package:status": package["status"]})),
    }


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
