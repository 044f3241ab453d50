"""One runtime in two vocabularies: the module's options, and mstrio-py's arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mstrio.python_execution.runtime import Runtime, RuntimePackage, RuntimeResource

Module = Callable[..., dict[str, Any]]  # a call with the options of a task returns its result
# The fields that a server sets itself for each runtime.
OF_THE_SERVER = ("id", "dateCreated", "dateModified", "version")

FULL: Mapping[str, Any] = {
    "name": "Witness",
    "description": "Sales & co: \"quoted\", 'twice', back\\slash, größer, 日本",
    "whitelist": ["10.10.10.0/24", "192.168.1.1/32", "2001:db8:1::/48"],
    "packages": [
        # Included, because some servers add it to each new runtime.
        {"name": "mstrio-py", "version": "11.6.10.101", "description": ""},
        {"name": "pandas", "version": "2.2.3", "description": "Tables"},
        {"name": "requests", "version": "2.32.3", "description": ""},
    ],
    "resource": {"cpu": 0.2, "mem": 512, "disk": 2048, "proc_count": 8},
    "exec_timeout": 900,
    "min_cached_instances": 1,
    "max_cached_instances": 3,
    "runtime_version": "3.12.4",
    "others": "reserved",
    "execution_target": "here",
}
# The same fields in the same order, each with a different value.
OTHER: Mapping[str, Any] = {
    "name": "Witness, altered",
    "description": "altered",
    "whitelist": ["10.20.0.0/16", "192.168.1.1/32"],
    "packages": [
        {"name": "mstrio-py", "version": "11.6.10.101", "description": ""},
        {"name": "pandas", "version": "2.1.4", "description": "Tables"},
        {"name": "scipy", "version": "1.14.1", "description": "Numbers"},
    ],
    "resource": {"cpu": 1.5, "mem": 1024, "disk": 4096, "proc_count": 16},
    "exec_timeout": 300,
    "min_cached_instances": 0,
    "max_cached_instances": 2,
    "runtime_version": "3.11.9",
    "others": "altered",
    "execution_target": "there",
}


def known(definition: Mapping[str, Any], switches: Mapping[str, Any]) -> dict[str, Any]:
    """The definition without the fields that this release does not support."""
    result = dict(definition)
    if switches["execution_target"] == "no":
        result.pop("execution_target", None)
    if switches["disk_and_proc_count"] == "no" and "resource" in result:
        result["resource"] = {key: result["resource"][key] for key in ("cpu", "mem")}
    return result


def for_mstrio(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Runtime.create` and `alter`."""
    result = dict(definition)
    if "packages" in result:
        result["packages"] = [RuntimePackage(**package) for package in result["packages"]]
    if "resource" in result:
        # The API requires cpu as a text.
        result["resource"] = RuntimeResource(**{**result["resource"], "cpu": str(result["resource"]["cpu"])})
    return result


def of_mstrio(runtime: Runtime) -> dict[str, Any]:
    """Convert what mstrio-py reads to a definition. A server may return lists in any order, and 0.2 as "0.20"."""
    result = _attributes(runtime, FULL)
    result["whitelist"] = sorted(runtime.whitelist)
    packages = [_attributes(package, RuntimePackage.__annotations__) for package in runtime.packages]
    result["packages"] = sorted(packages, key=lambda package: package["name"])
    result["resource"] = _attributes(runtime.resource, RuntimeResource.__annotations__)
    result["resource"]["cpu"] = float(runtime.resource.cpu)
    return result


def _attributes(found: Any, names: Iterable[str]) -> dict[str, Any]:
    """The attributes of these names that are set."""
    values = {name: getattr(found, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def stored(data: Mapping[str, Any]) -> dict[str, Any]:
    """A runtime of the server's state without the fields that differ for each runtime."""
    result = {name: value for name, value in data.items() if name not in OF_THE_SERVER}
    result["whitelist"] = sorted(result.get("whitelist") or [])
    result["packages"] = sorted(result.get("packages") or [], key=lambda package: package["name"])
    return result
