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
GUIDE = "docs/docsite/rst/guide_many_environments.rst"
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


def plain(description: str | list[str]) -> str:
    """The first sentence, without the markup of Ansible."""
    return re.sub(r"\b(?:[A-Z]|RV)\((?:[^()#]*#\w+:)?([^()]*)\)", r"\1", first_sentence(description))


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
    """The argument specs of the role: its own variables, and those that are an option of the module."""
    mark = "      # `make generate` writes the variables below.\n"
    table = product("plugin_utils._playbooks.variables").table()
    documented = _options_of_module("mstr_runtimes")
    options = [(variable, documented[variable.option]) for variable in table if variable.option]
    own = [(variable, variable._asdict()) for variable in table if variable.role == "main"]
    exports = [(variable, variable._asdict()) for variable in table if variable.role == "export"]
    return after_mark(
        ROLE,
        mark,
        *("".join(_of_role(variable, spec) for variable, spec in some) for some in ([*own, *options], exports)),
    )


def _options_of_module(name: str) -> Json:
    """The documented options of a module, with those of its fragments."""
    module = yaml.safe_load(product(f"modules.{name}").DOCUMENTATION)
    fragments = [fragment.split(".")[2] for fragment in module["extends_documentation_fragment"]]
    options: Json = {key: option for fragment in fragments for key, option in of_fragment(fragment).items()}
    return {**options, **module.get("options", {})}


def _of_role(variable: Any, spec: Mapping[str, Any]) -> str:
    """A variable in the argument specs of the role. It has no default: ansible-core then treats a null as set."""
    paragraphs = _as_option(variable, spec) if variable.option else variable.description
    lines = f"      {variable.name}:\n        description:\n"
    for paragraph in paragraphs:
        lines += filled(paragraph, initial_indent=" " * 10 + "- ", subsequent_indent=" " * 12) + "\n"
    for key in ("type", "elements", "choices"):
        lines += f"        {key}: {spec[key]}\n".replace("'", "") if spec.get(key) else ""
    return lines


def _as_option(variable: Any, option: Mapping[str, Any]) -> list[str]:
    """The description of a variable that is an option of the module."""
    names = {other.option: other.name for other in product("plugin_utils._playbooks.variables").table() if other.option}
    sentence = re.sub(
        r"O\((\w+)(?=[)=])", lambda found: f"O({names.get(found[1], found[1])}", first_sentence(option["description"])
    )
    # The role has no name for a part of an option, or for what the module returns.
    sentence = re.sub(r"(O\((?=\w+\[)|RV\()", r"\1mstr.library.mstr_runtimes#module:", sentence)
    default = option.get("default")
    more = f"See O(mstr.library.mstr_runtimes#module:{variable.option})."
    return [sentence, more if default in (None, []) else f"{more} The default is V({json.dumps(default)})."]


def guide() -> dict[str, str]:
    """The table of the variables of the playbooks."""
    rows = [
        (
            ", ".join(variable.playbooks),
            "As the option." if variable.option else marked_up(variable.description[0]),
            variable.name,
        )
        for variable in product("plugin_utils._playbooks.variables").table()
    ]
    lines = []
    for (playbooks, text), same in itertools.groupby(rows, lambda row: row[:2]):
        cells = [", ".join(f"``{name}``" for *_same, name in same), playbooks, text]
        row = ",".join('"{}"'.format(cell.replace('"', '""')) for cell in cells)
        lines.append(filled(row, initial_indent="   ", subsequent_indent="   "))
    return after_mark(GUIDE, "   :widths: 36 16 48\n\n", "\n".join([*lines, ""]))


def marked_up(text: str) -> str:
    """A text with the markup of a guide in place of Ansible's."""
    return re.sub(r"\b[A-Z]\((?:[^()#]*#\w+:)?([^()]*)\)", r"``\1``", text)


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
    runtime["properties"]["smoke_test"] |= {"type": ["boolean", "string", "null"]}
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
