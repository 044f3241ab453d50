# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The JSON Schemas of files: of definitions, plans and reports, from the documentation of options and of results.

`generate.py` writes them.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from dev.paths import ROOT

Json = dict[str, Any]
Options = Mapping[str, Mapping[str, Any]]

_WIDTH = 120
_TYPES = {"str": "string", "path": "string", "int": "integer", "float": "number", "bool": "boolean", "dict": "object"}
_TEXTS = {"type": "array", "items": {"type": "string"}}


def product(name: str) -> ModuleType:
    """Import a file of the plugins by the full name of the collection, which needs no installed collection."""
    package = ""
    for part, folder in (("ansible_collections", ROOT.parents[1]), (".mstr", ROOT.parent), (".library", ROOT)):
        package += part
        if package not in sys.modules:
            sys.modules[package] = ModuleType(package)
            sys.modules[package].__path__ = [str(folder)]
    return importlib.import_module(f"{package}.plugins.{name}")


def runtime_keys() -> list[str]:
    """The keys of a runtime in a result."""
    return list(product("module_utils._model.runtime").from_api({}).to_result())


def first_sentence(description: str | Sequence[str]) -> str:
    text = description if isinstance(description, str) else description[0]
    return re.split(r"(?<=\.) (?=[A-Z])", " ".join(text.split()))[0]


def plain(description: str | Sequence[str], form: str = r"\1") -> str:
    """The first sentence. `form` takes the place of the markup of Ansible."""
    return re.sub(r"\b(?:[A-Z]|RV)\((?:[^()#]*#\w+:)?([^()]*)\)", form, first_sentence(description))


def texts(runtimes: Options, scripts: Options, reported: Options) -> dict[str, str]:
    """The text of each schema by its path. `runtimes`, `scripts`: documented options; `reported`: documented keys."""
    # What a playbook adds to the report on an environment
    reported = {**reported, "server": {"description": "The address of the server.", "type": "str"}}
    reported["outcome"] = {**reported["outcome"], "required": True}
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    found = {"definitions": _definitions(runtimes, scripts), "plan": _plan(reported), "audit": _audit(reported)}
    return {f"docs/schemas/{name}.schema.json": f"{_written(draft | schema)}\n" for name, schema in found.items()}


def _written(value: Any, indent: int = 0) -> str:
    """JSON on one line where it fits, and else with a line for each entry."""
    line = json.dumps(value, ensure_ascii=False)
    if indent + len(line) <= _WIDTH or not isinstance(value, (dict, list)):
        return line
    first, last = line[0], line[-1]
    pairs = value.items() if isinstance(value, dict) else ((None, each) for each in value)
    entries = (f"{json.dumps(key)}: " * (key is not None) + _written(each, indent + 2) for key, each in pairs)
    space = "\n" + " " * indent
    return first + ",".join(f"{space}  {entry}" for entry in entries) + space + last


def _definitions(runtimes: Options, scripts: Options) -> Json:
    runtime = _documented(runtimes)
    fields = list(product("module_utils._model.fields").BY_NAME)
    runtime["properties"]["replace_on_change"] |= {"type": ["boolean", "array", "null"], "items": {"enum": fields}}
    runtime["anyOf"] = [{"required": [key], "properties": {key: {"type": "string"}}} for key in ("name", "id")]
    lists = {
        "runtimes": {"type": ["array", "null"], "items": {"$ref": "#/$defs/runtime"}},
        "scripts": {"type": ["array", "null"], "items": {"$ref": "#/$defs/script"}},
    }
    return {
        "title": "Definitions of runtimes and scripts, for the option src of mstr.library.mstr_runtimes",
        # A list of runtimes, or a mapping. The keywords for the one do not concern the other.
        "type": ["array", "object"],
        "items": {"$ref": "#/$defs/runtime"},
        "properties": {
            **lists,
            **{key: {"type": ["string", "null"]} for key in ("environment", "server")},
            "left_out": {**_TEXTS, "type": ["array", "null"]},
            **{key: {"type": ["boolean", "null"]} for key in ("restore", "unfinished")},
        },
        "patternProperties": {"^(x-|[._])": {}},  # for YAML anchors beside the lists of a file
        "additionalProperties": False,
        "anyOf": [{"required": [key], "properties": {key: {"type": "array"}}} for key in lists],
        "$defs": {"runtime": runtime, "script": _documented(scripts)},
    }


def _documented(options: Options) -> Json:
    """The schema of a mapping with these documented options or keys. A null counts as omitted."""
    found: Json = {"type": "object", "properties": {}, "additionalProperties": False}
    for name, option in options.items():
        schema: Json = {"description": plain(option["description"])}
        inner = _documented(option["suboptions"]) if "suboptions" in option else {}
        if option["type"] == "list":
            schema |= {"type": "array", "items": inner or {"type": _TYPES[option["elements"]]}}
        elif option["type"] in _TYPES:
            schema |= {"type": _TYPES[option["type"]], **inner}
        if "choices" in option:
            schema["enum"] = [*option["choices"]]
        if option.get("required"):
            found.setdefault("required", []).append(name)
        else:
            schema |= {"type": [schema["type"], "null"]} if "type" in schema else {}
            schema |= {"enum": [*schema["enum"], None]} if "enum" in schema else {}
        if "default" in option:
            schema["default"] = option["default"]
        found["properties"][name] = schema
    return found


def _audit(reported: Options) -> Json:
    # The report on an environment with one runtime of which nothing is known
    runtimes = {"runtimes": [dict.fromkeys(runtime_keys())]}
    sources = product("plugin_utils._reports.inventory").Sources("", None, read=runtimes)
    report = product("plugin_utils._reports.environment").environment_report(sources, detail=True)
    environment = _documented(reported)
    environment["properties"]["counts"] = {
        "type": ["object", "null"],
        "properties": {key: {"type": ["integer", "null"]} for key in report["counts"]},
        "additionalProperties": False,
    }
    # An apply has no counts, and its report has only what it changed.
    environment["required"] = [key for key in ("environment", "outcome", "message", "lines") if key in report]
    environment["properties"]["inventory"]["items"] = _closed({key: {} for key in report["inventory"][0]})
    properties = {
        "kind": {"enum": ["audit", "apply"]},
        "generated": {"type": "string"},
        "check_mode": {"type": "boolean"},
        "environments": {"type": "array", "items": environment},
        "not_reached": _TEXTS,
    }
    return {"title": "The .json report of the playbooks audit and apply", **_closed(properties)}


def _plan(reported: Options) -> Json:
    plan_file = product("plugin_utils._reports.plan_file")
    environment = _documented({key: reported[key] for key in plan_file.KEYS})
    environment["properties"]["checksum"] = {"type": "string"}
    environment["required"] = [*plan_file.KEYS, "checksum"]
    properties = {
        "format": {"const": plan_file.FORMAT},
        "collection": {"type": "string"},
        "generated": {"type": "string"},
        "environments": {"type": "array", "items": environment},
    }
    return {"title": "A plan, as the playbook apply writes it with mstr_plan_dest", **_closed(properties)}


def _closed(properties: Json) -> Json:
    """The schema of a mapping with all of these keys and no other."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
