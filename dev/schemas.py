# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The JSON Schemas of files: of definitions, from the specs of the options; of plans and reports, from a report.

`generate.py` writes them. The types of a report are those of the documentation of the filter `environment_report`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

Json = dict[str, Any]
Options = Mapping[str, Mapping[str, Any]]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
PATHS = tuple(f"docs/schemas/{name}.schema.json" for name in ("definitions", "plan", "audit"))
_WIDTH = 120
_TYPES = {"str": "string", "path": "string", "int": "integer", "float": "number", "bool": "boolean", "dict": "object"}
_TEXTS = {"type": "array", "items": {"type": "string"}}
# What a playbook adds to the report on an environment
_OF_PLAYBOOKS: Options = {"server": {"description": "The address of the server.", "type": "str"}}
# Keys for YAML anchors beside the lists of a file
_OF_USERS: Json = {"^(x-|[._])": {}}


def texts(product: Callable[[str], ModuleType], runtimes: Options, scripts: Options, reported: Options) -> Json:
    """The text of each schema by its path. `runtimes`, `scripts`: documented options; `reported`: documented keys."""
    found = (_definitions(product, runtimes, scripts), _plan(product, reported), _audit(product, reported))
    return {path: f"{_written({'$schema': DRAFT, **schema})}\n" for path, schema in zip(PATHS, found, strict=True)}


def _written(value: Any, indent: int = 0) -> str:
    """JSON on one line where it fits, and else with a line for each entry."""
    line = json.dumps(value, ensure_ascii=False)
    if indent + len(line) <= _WIDTH or not isinstance(value, (dict, list)):
        return line
    space, inner = " " * indent, indent + 2
    if isinstance(value, dict):
        entries = [f"{space}  {json.dumps(key)}: {_written(each, inner)}" for key, each in value.items()]
        return "{\n" + ",\n".join(entries) + f"\n{space}}}"
    return "[\n" + ",\n".join(f"{space}  {_written(each, inner)}" for each in value) + f"\n{space}]"


def _definitions(product: Callable[[str], ModuleType], runtimes: Options, scripts: Options) -> Json:
    specs = product("module_utils._work.inputs_many").ENTRY_OPTIONS
    fields = list(product("module_utils._model.fields").BY_NAME)
    runtime = _object(specs["runtimes"], runtimes)
    runtime["properties"]["replace_on_change"] |= {"type": ["boolean", "array", "null"], "items": {"enum": fields}}
    runtime["anyOf"] = [{"required": [key], "properties": {key: {"type": "string"}}} for key in ("name", "id")]
    lists = {
        "runtimes": {"type": ["array", "null"], "items": {"$ref": "#/$defs/runtime"}},
        "scripts": {"type": ["array", "null"], "items": {"$ref": "#/$defs/script"}},
    }
    switches = {key: {"type": ["boolean", "null"]} for key in ("restore", "unfinished")}
    return {
        "title": "Definitions of runtimes and scripts, for the option src of mstr.library.mstr_runtimes",
        # A list of runtimes, or a mapping. The keywords for the one do not concern the other.
        "type": ["array", "object"],
        "items": {"$ref": "#/$defs/runtime"},
        "properties": {
            **lists,
            **{key: {"type": ["string", "null"]} for key in ("environment", "server")},
            "left_out": {**_TEXTS, "type": ["array", "null"]},
            **switches,
        },
        "patternProperties": _OF_USERS,
        "additionalProperties": False,
        "anyOf": [{"required": [key], "properties": {key: {"type": "array"}}} for key in lists],
        "$defs": {"runtime": runtime, "script": _object(specs["scripts"], scripts)},
    }


def _object(specs: Options, written: Options) -> Json:
    """The schema of a mapping with these options. A null counts as omitted."""
    found: Json = {"type": "object", "properties": {}, "additionalProperties": False}
    required = [name for name, spec in specs.items() if spec.get("required")]
    for name, spec in specs.items():
        option: Json = {"description": _plain(written[name]["description"])}
        if spec.get("choices"):
            option["enum"] = [*spec["choices"], *([] if name in required else [None])]
        elif spec.get("options"):
            inner = _object(spec["options"], written[name].get("suboptions", {}))
            option |= {"items": inner, "type": "array"} if spec["type"] == "list" else inner
        elif spec["type"] == "list":
            option |= {"type": "array", "items": {"type": _TYPES[str(spec.get("elements", "str"))]}}
        elif str(spec["type"]) in _TYPES:
            option["type"] = _TYPES[str(spec["type"])]
        if isinstance(option.get("type"), str) and name not in required:
            option["type"] = [option["type"], "null"]
        if "default" in spec and spec["default"] is not None:
            option["default"] = spec["default"]
        found["properties"][name] = option
    return found | ({"required": required} if required else {})


def _plain(description: str | list[str]) -> str:
    """The first sentence, without the markup of Ansible."""
    text = description if isinstance(description, str) else description[0]
    sentence = re.split(r"(?<=\.) (?=[A-Z])", " ".join(text.split()))[0]
    return re.sub(r"\b(?:[A-Z]|RV)\(([^()#]*#\w+:)?([^()]*)\)", r"\2", sentence)


def _audit(product: Callable[[str], ModuleType], reported: Options) -> Json:
    report = _sample(product)
    environment = _environment(reported, [*reported, *_OF_PLAYBOOKS])
    environment["properties"]["counts"] = {
        "type": ["object", "null"],
        "properties": {key: {"type": ["integer", "null"]} for key in report["counts"]},
        "additionalProperties": False,
    }
    # An apply has no counts, and its report has only what it changed.
    environment["required"] = [key for key in ("environment", "outcome", "message", "lines") if key in report]
    environment["properties"]["inventory"]["items"] = {
        "type": "object",
        "properties": {key: {} for key in report["inventory"][0]},
        "required": list(report["inventory"][0]),
        "additionalProperties": False,
    }
    return {
        "title": "The .json report of the playbooks audit and apply",
        **_whole(
            {
                "kind": {"enum": ["audit", "apply"]},
                "generated": {"type": "string"},
                "check_mode": {"type": "boolean"},
                "environments": {"type": "array", "items": environment},
                "not_reached": _TEXTS,
            }
        ),
    }


def _plan(product: Callable[[str], ModuleType], reported: Options) -> Json:
    plan_file = product("plugin_utils._reports.plan_file")
    environment = _environment(reported, plan_file.KEYS)
    environment["properties"]["checksum"] = {"type": "string"}
    environment["required"] = [*plan_file.KEYS, "checksum"]
    return {
        "title": "A plan, as the playbook apply writes it with mstr_plan_dest",
        **_whole(
            {
                "format": {"const": plan_file.FORMAT},
                "collection": {"type": "string"},
                "generated": {"type": "string"},
                "environments": {"type": "array", "items": environment},
            }
        ),
    }


def _whole(properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _environment(reported: Options, keys: Iterable[str]) -> Json:
    """The report on one environment, with these of its documented keys."""
    found: Json = {"type": "object", "properties": {}, "additionalProperties": False}
    for key in keys:
        documented = {**_OF_PLAYBOOKS, **reported}[key]
        kind = documented["type"]
        name = "array" if kind == "list" else _TYPES[kind]
        option: Json = {"description": _plain(documented["description"]), "type": [name, "null"]}
        if kind == "list":
            option["items"] = {"type": _TYPES[documented["elements"]]}
        if documented.get("choices"):
            option["enum"] = documented["choices"]
        found["properties"][key] = option
    return found


def _sample(product: Callable[[str], ModuleType]) -> Json:
    """The report on an environment with one runtime of which nothing is known."""
    runtime = product("module_utils._model.runtime").from_api({}).to_result()
    sources = product("plugin_utils._reports.inventory").Sources("", None, read={"runtimes": [runtime]})
    report: Json = product("plugin_utils._reports.environment").environment_report(sources, detail=True)
    return report
