"""Writes what follows from the options into role, guide, RETURN and schemas: `python -m dev.generate [--check]`."""

from __future__ import annotations

import functools
import importlib
import itertools
import json
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import yaml

from dev.paths import ROOT

WIDTH = 120
filled = functools.partial(textwrap.fill, width=WIDTH, break_long_words=False, break_on_hyphens=False)
ROLE = "roles/runtimes/meta/argument_specs.yml"
GUIDE = "docs/docsite/rst/guide_playbooks.rst"
MODULE = "plugins/modules/mstr_runtime.py"
_TYPES = {"str": "string", "path": "string", "int": "integer", "float": "number", "bool": "boolean", "dict": "object"}

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
    return str(product("doc_fragments.runtime").first_sentence(description))


def plain(description: str | list[str], form: str = r"\1") -> str:
    """The first sentence. `form` takes the place of the markup of Ansible."""
    return re.sub(r"\b(?:[A-Z]|RV)\((?:[^()#]*#\w+:)?([^()]*)\)", form, first_sentence(description))


def of_fragment(name: str) -> Json:
    """The options of a fragment of the documentation."""
    documentation = product(f"doc_fragments.{name}").ModuleDocFragment.DOCUMENTATION
    return dict(yaml.safe_load(documentation).get("options", {}))


def after_mark(path: str, mark: str, *blocks: str) -> dict[str, str]:
    """The text of a file with each block in place of the lines after one of the marks that begin as the mark does."""
    indent, following = len(mark) - len(mark.lstrip()), iter(blocks)
    old = rf"(?<={re.escape(mark)})(?: {{{indent}}}.*\n)*"
    return {path: re.sub(old, lambda _found: next(following), (ROOT / path).read_text(encoding="utf-8"))}


def role() -> dict[str, str]:
    """The variables of the role that reach a module: those of the definitions, and of the connection."""
    module = yaml.safe_load(product("modules.mstr_runtimes").DOCUMENTATION)
    own, connection = module["options"], of_fragment("auth")
    for name in module["extends_documentation_fragment"]:
        own.update(of_fragment(name.split(".")[2]) if ".auth" not in name else {})
    named = {name: f"mstr_{name}" for name in connection} | {name: f"mstr_runtimes_{name}" for name in own}
    named["runtimes"] = "mstr_runtimes"
    # These variables belong to the role: it has more to say about them.
    del own["runtimes"], own["src"]
    # A file of definitions has its scripts; how often a task polls is nothing that an environment decides.
    del own["scripts"], own["wait_interval"]

    lines, aliases = "", ""
    for name, option in {**own, **connection}.items():
        variable = named[name]
        lines += f"      {variable}:{f' &{variable}' if name in connection else ''}\n        description:\n"
        aliases += f"      {variable}: *{variable}\n" if name in connection else ""
        sentence = re.sub(
            r"O\((\w+)(?=[)=])",
            lambda found: f"O({named.get(found[1], found[1])}",
            first_sentence(option["description"]),
        )
        # The role has no name for a part of an option, or for what the module returns.
        sentence = re.sub(r"(O\((?=\w+\[)|RV\()", r"\1mstr.library.mstr_runtimes#module:", sentence)
        more = f"See O(mstr.library.mstr_runtimes#module:{name})."
        # The variable has no default: ansible-core then treats a null variable as set.
        more += "" if option.get("default") in (None, []) else f" The default is V({json.dumps(option['default'])})."
        for paragraph in (sentence, more):
            lines += filled(paragraph, initial_indent=" " * 10 + "- ", subsequent_indent=" " * 12) + "\n"
        for key in ("type", "elements", "choices"):
            lines += f"        {key}: {option[key]}\n".replace("'", "") if key in option else ""
        # ansible-core 2.22 and newer mask the values of such variables wherever they show them.
        lines += "        no_log: true\n" if variable in product("plugin_utils._playbooks.variables").SECRETS else ""
    return after_mark(ROLE, "      # `make generate` writes the variables below.\n", lines, aliases)


def guide() -> dict[str, str]:
    """The table of the variables of the playbooks."""
    variables = product("plugin_utils._playbooks.variables")
    specs = yaml.safe_load((ROOT / ROLE).read_text(encoding="utf-8"))["argument_specs"]
    described = {**specs["main"]["options"], **specs["export"]["options"]}

    def meaning(name: str, row: Mapping[str, Any] | None) -> str:
        if row:
            return str(row["meaning"])
        if name in {*variables.CONNECTION.values(), *variables.passed_on().values()}:
            return "As the option."
        text = plain(described[name]["description"], r"``\1``")
        default = re.search(r"The default is V\((.*?)\)\.", str(described[name]["description"]))
        return f"{text[:-1]} (``{default[1]}``)." if default else text

    lines = []
    for purpose, of_purpose in variables.by_purpose().items():
        rows = [
            (", ".join(variables.playbooks_with(name)), meaning(name, row), name) for name, row in of_purpose.items()
        ]
        lines.append(f"   **{purpose}**,,")
        for (playbooks, text), same in itertools.groupby(rows, lambda row: row[:2]):
            cells = [", ".join(f"``{name}``" for *_same, name in same), playbooks, text]
            row = ",".join('"{}"'.format(cell.replace('"', '""')) for cell in cells)
            lines.append(filled(row, initial_indent="   ", subsequent_indent="   "))
    return after_mark(GUIDE, "   :widths: 36 16 48\n\n", "\n".join([*lines, ""]))


def returned() -> dict[str, str]:
    """The keys of a runtime that are options of its definition; those that are more than that are written by hand."""
    mark, lines = "    # `make generate` writes the keys below.\n", ""
    documentation = after_mark(MODULE, mark, "")[MODULE].partition('RETURN = r"""')[2].partition('"""')[0]
    by_hand = yaml.safe_load(documentation)["runtime"]["contains"]
    for name, option in of_fragment("runtime").items():
        if name in product("module_utils._model.fields").BY_NAME.keys() - by_hand:
            lines += f"    {name}:\n      description: As O({name}).\n      type: {option['type']}\n"
            lines += f"      elements: {option['elements']}\n" if "elements" in option else ""
    return after_mark(MODULE, mark, lines)


def schemas() -> dict[str, str]:
    """The schema of a file for `src`. What is not under `$defs` is written by hand."""
    definitions = of_fragment("definitions")
    runtime, script = (_documented(definitions[name]["suboptions"]) for name in ("runtimes", "scripts"))
    fields = list(product("module_utils._model.fields").BY_NAME)
    runtime["properties"]["replace_on_change"] |= {"type": ["boolean", "array", "null"], "items": {"enum": fields}}
    runtime["anyOf"] = [{"required": [key], "properties": {key: {"type": "string"}}} for key in ("name", "id")]
    path = "docs/schemas/definitions.schema.json"
    schema = json.loads((ROOT / path).read_text(encoding="utf-8"))
    schema["$defs"] |= {"runtime": runtime, "script": script}
    return {path: f"{json.dumps(schema, indent=2, ensure_ascii=False)}\n"}


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


def main(arguments: Sequence[str]) -> int:
    """Entry point: with --check, only report the files that are stale."""
    check, status = arguments == ["--check"], False
    # The table of variables asks the plugins, which read the role's file.
    for step in (role, returned, schemas, guide):
        for path, text in step().items():
            if text != (ROOT / path).read_text(encoding="utf-8"):
                print(f"{path} is stale: run 'make generate'" if check else f"wrote {path}")
                if not check:
                    (ROOT / path).write_text(text, encoding="utf-8")
                status |= check
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
