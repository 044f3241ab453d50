"""Writes the documentation that follows from other parts of the collection into the files.

It runs in an environment with ansible-core, which has PyYAML: `python -m dev.generate [--check]`.

| where | from |
|---|---|
| role `runtimes`: each variable that is passed on to a module | the options of `mstr_runtimes` |
| `docs/schemas`: JSON Schemas of files | the options of definitions, the filter `environment_report` |
| guide `guide_playbooks`: the table of variables | the role, and the table in `_playbooks/variables.py` |
"""

from __future__ import annotations

import functools
import importlib
import itertools
import json
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import yaml

from dev.paths import ROOT

WIDTH = 120
filled = functools.partial(textwrap.fill, width=WIDTH, break_long_words=False, break_on_hyphens=False)
ROLE = "roles/runtimes/meta/argument_specs.yml"
GUIDE = "docs/docsite/rst/guide_playbooks.rst"
# In each entry point of the role. What follows it is generated.
MARK = "      # `make generate` writes the variables below.\n"
# ansible-core 2.22 and newer mask the values of such variables wherever they show them.
SECRETS = ("password", "api_token", "identity_token", "session")
_TYPES = {"str": "string", "path": "string", "int": "integer", "float": "number", "bool": "boolean", "dict": "object"}
_TEXTS = {"type": "array", "items": {"type": "string"}}

Json = dict[str, Any]
Options = Mapping[str, Mapping[str, Any]]


def product(name: str) -> ModuleType:
    """Import a file of the plugins by the full name of the collection, which needs no installed collection."""
    package = ""
    for part, folder in (("ansible_collections", ROOT.parents[1]), (".mstr", ROOT.parent), (".library", ROOT)):
        package += part
        if package not in sys.modules:
            sys.modules[package] = ModuleType(package)
            sys.modules[package].__path__ = [str(folder)]
    return importlib.import_module(f"{package}.plugins.{name}")


def first_sentence(description: str | list[str]) -> str:
    first = description if isinstance(description, str) else description[0]
    return re.split(r"(?<=\.) (?=[A-Z])", " ".join(first.split()))[0]


def plain(description: str | list[str], form: str = r"\1") -> str:
    """The first sentence. `form` takes the place of the markup of Ansible."""
    return re.sub(r"\b(?:[A-Z]|RV)\((?:[^()#]*#\w+:)?([^()]*)\)", form, first_sentence(description))


def shared(name: str) -> dict[str, Any]:
    """The options of a fragment."""
    documentation = product(f"doc_fragments.{name}").ModuleDocFragment.DOCUMENTATION
    return dict(yaml.safe_load(documentation).get("options", {}))


def role() -> dict[str, str]:
    """The variables of the role that reach a module: those of the definitions, and of the connection."""
    module = yaml.safe_load(product("modules.mstr_runtimes").DOCUMENTATION)
    own: dict[str, Any] = dict(module["options"])
    connection: dict[str, Any] = {}
    for name in module["extends_documentation_fragment"]:
        _namespace, _collection, file, *part = name.split(".")
        if not part:
            (connection if file == "auth" else own).update(shared(file))
    named = {name: f"mstr_{name}" for name in connection} | {name: f"mstr_runtimes_{name}" for name in own}
    named["runtimes"] = "mstr_runtimes"
    # These variables belong to the role: it has more to say about them.
    del own["runtimes"], own["src"]

    lines, aliases = [], []
    for name, option in {**own, **connection}.items():
        anchor = ""
        if name in connection:
            anchor = f" &{named[name]}"
            aliases.append(f"      {named[name]}: *{named[name]}\n")
        sentence = re.sub(r"O\((\w+)", lambda found: f"O({named[found[1]]}", first_sentence(option["description"]))
        lines += [f"      {named[name]}:{anchor}\n", *variable_lines(name, option, sentence)]
    blocks = iter(["".join(lines), "".join(aliases)])  # of the entry points main and export
    text = (ROOT / ROLE).read_text(encoding="utf-8")
    return {ROLE: re.sub(f"(?<={MARK})(?:      .*\n)*", lambda _found: next(blocks), text)}


def variable_lines(name: str, option: Mapping[str, Any], sentence: str) -> Iterator[str]:
    """What the role says of a variable. It has no default: ansible-core then treats a null variable as set."""
    more = f"See O(mstr.library.mstr_runtimes#module:{name})."
    if option.get("default") not in (None, []):
        more += f" The default is V({json.dumps(option['default'])})."
    yield "        description:\n"
    for paragraph in (sentence, more):
        yield filled(paragraph, initial_indent=" " * 10 + "- ", subsequent_indent=" " * 12) + "\n"
    for key in ("type", "elements"):
        if key in option:
            yield f"        {key}: {option[key]}\n"
    if "choices" in option:
        yield f"        choices: [{', '.join(option['choices'])}]\n"
    if name in SECRETS:
        yield "        no_log: true\n"


def guide() -> dict[str, str]:
    """The variables that only playbooks have, and the names of those that the role describes."""
    variables = product("plugin_utils._playbooks.variables")
    meanings = {name: row["meaning"] for name, row in variables.of_playbooks().items()}
    specs = yaml.safe_load((ROOT / ROLE).read_text(encoding="utf-8"))["argument_specs"]
    for name, option in specs["export"]["options"].items():
        meaning = plain(option["description"], r"``\1``")
        default = re.search(r"The default is V\((.*?)\)\.", str(option["description"]))
        meanings[name] = f"{meaning[:-1]} (``{default[1]}``)." if default else meaning
    rows = [
        (f"``{name}``", variables.playbooks_with(name), meanings[name])
        for name in sorted(set(meanings) - set(variables.CONNECTION.values()))
    ]
    names_of_role = sorted(name for name in variables.role_types() if name.startswith("mstr_runtimes"))
    names_of_role.sort(key=variables.playbooks_with)
    for playbooks, names in itertools.groupby(names_of_role, variables.playbooks_with):
        rows.append((", ".join(f"``{name}``" for name in names), playbooks, "See the role."))
    lines = []
    for name, playbooks, meaning in rows:
        for mark, cell in (("   * - ", name), ("     - ", ", ".join(playbooks)), ("     - ", meaning)):
            lines.append(filled(cell, initial_indent=mark, subsequent_indent="       "))
    text = (ROOT / GUIDE).read_text(encoding="utf-8")
    before, after = text.index("     - Meaning\n") + 15, text.index("\n``mstr_in_process")
    return {GUIDE: text[:before] + "\n".join([*lines, ""]) + text[after:]}


def json_schemas() -> dict[str, str]:
    """The text of each schema by its path."""
    lists = {name: option["suboptions"] for name, option in shared("definitions").items() if "suboptions" in option}
    reported = dict(yaml.safe_load(product("filter.environment_report").RETURN)["_value"]["contains"])
    # What a playbook adds to the report on an environment
    reported["server"] = {"description": "The address of the server.", "type": "str"}
    reported["outcome"] |= {"required": True}
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    found = {"definitions": _definitions(**lists), "plan": _plan(reported), "audit": _audit(reported)}
    return {f"docs/schemas/{name}.schema.json": f"{_written(draft | schema)}\n" for name, schema in found.items()}


def _written(value: Any, indent: int = 0) -> str:
    """JSON on one line where it fits, and else with a line for each entry."""
    line = json.dumps(value, ensure_ascii=False)
    if indent + len(line) <= WIDTH or not isinstance(value, (dict, list)):
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
            **{key: {"type": ["string", "null"]} for key in ("environment", "server", "server_time")},
            "left_out": {**_TEXTS, "type": ["array", "null"]},
            **{key: {"type": ["boolean", "null"]} for key in ("partial", "restore", "unfinished")},
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
    runtime = product("module_utils._model.runtime").from_api({}).to_result()
    sources = product("plugin_utils._reports.inventory").Sources("", None, read={"runtimes": [runtime]})
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
        "compared": {"oneOf": [{"type": "null"}, _comparison()]},
    }
    return {"title": "The .json report of the playbooks audit and apply", **_closed(properties)}


def _comparison() -> Json:
    """The schema of environments side by side."""
    compare = product("plugin_utils._reports.compare")
    states = [compare.SAME, compare.DIFFERS, compare.MISSING, compare.MORE]
    changed = _closed({"field": {"type": "string"}, "before": {}, "after": {}})
    fields = {"type": "array", "items": changed}
    entry = _closed({"environment": {"type": "string"}, "state": {"enum": states}, "fields": fields})
    runtime = {
        "name": {"type": "string"},
        **{key: {"type": "boolean"} for key in ("is_default", "in_reference")},
        "environments": {"type": "array", "items": entry},
    }
    not_compared = _closed({key: {"type": "string"} for key in ("environment", "reason")})
    schemas = {
        "reference": {"type": "string"},
        "error": {"type": ["string", "null"]},
        "environments": _TEXTS,
        "not_compared": {"type": "array", "items": not_compared},
        "runtimes": {"type": "array", "items": _closed(runtime)},
    }
    return _closed({key: schemas[key] for key in compare.failed("", None)})


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


def main(arguments: Sequence[str]) -> int:
    """Entry point: with --check, only report the files that are stale."""
    check, status = arguments == ["--check"], False
    # The table of variables asks the plugins, which read the role's file.
    for step in (role, json_schemas, guide):
        for path, text in step().items():
            if text != (ROOT / path).read_text(encoding="utf-8"):
                print(f"{path} is stale: run 'make generate'" if check else f"wrote {path}")
                if not check:
                    (ROOT / path).write_text(text, encoding="utf-8")
                status |= check
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
