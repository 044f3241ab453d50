"""Writes the documentation that follows from other parts of the collection into the files.

It runs in an environment with ansible-core, which has PyYAML: `python dev/generate.py [--check]`.

| where | from |
|---|---|
| fragment `runtime`: type, default … of each option, in the order of the table | the field table |
| fragment `definitions`: the sub-options of `runtimes` | the fragment `runtime` |
| role `runtimes`: each variable that is passed on to a module | the options of `mstr_runtimes` |
| `docs/schemas`: JSON Schemas of files | the options of definitions, the filter `environment_report` |
| guide `guide_playbooks`: the table of variables | the role, and the table in `_playbooks/variables.py` |
| RETURN of `mstr_runtime`, `mstr_runtime_info`: the keys of a runtime | the field table, the fragment, `mstr_runtime` |

The description of an option is written once: in a fragment, or in `mstr_runtimes`. An option that is not in the table
loses its documentation. Comments inside a generated part are lost.
"""

from __future__ import annotations

import importlib
import itertools
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

# This file runs as a program, so its folder is on the path and is no package.
schemas = importlib.import_module("schemas")
ROOT = Path(__file__).resolve().parents[1]
WIDTH = 120
PACKAGE = "ansible_collections.mstr.library"

FRAGMENT = "plugins/doc_fragments/runtime.py"
DEFINITIONS = "plugins/doc_fragments/definitions.py"
ONE = "plugins/modules/mstr_runtime.py"
MANY = "plugins/modules/mstr_runtimes.py"
INFO = "plugins/modules/mstr_runtime_info.py"
ROLE = "roles/runtimes/meta/argument_specs.yml"
GUIDE = "docs/docsite/rst/guide_playbooks.rst"
REPORT = "plugins/filter/environment_report.py"
# ansible-core 2.22 and newer mask the values of such variables wherever they show them.
SECRETS = ("password", "api_token", "identity_token", "session")
# The variables for these options belong to the role: it has more to say about them.
OF_THE_ROLE = ("runtimes", "src")

Options = Mapping[str, Mapping[str, Any]]
Text = Mapping[str, str]  # the content of each file, by its name


class Missing(Exception):
    """Somebody has to write a description first."""


def product(name: str) -> ModuleType:
    """Import a file of the plugins by the full name of the collection, which needs no installed collection."""
    packages = {"ansible_collections": ROOT.parents[1], "ansible_collections.mstr": ROOT.parent, PACKAGE: ROOT}
    for package, folder in packages.items():
        if package not in sys.modules:
            sys.modules[package] = ModuleType(package)
            sys.modules[package].__path__ = [str(folder)]
    return importlib.import_module(f"{PACKAGE}.plugins.{name}")


def definition_options() -> Options:
    """The specs of the options of a definition: the object is selected first, then follow the fields."""
    specs = dict(product("module_utils._model.definition").DEFINITION_OPTIONS)
    fields = [field.name for field in product("module_utils._model.fields").FIELDS]
    order = ["state", fields[0], "id"]
    for name in fields[1:]:
        order += [name, f"purge_{name}"]
    return {name: specs[name] for name in [*order, *specs] if name in specs}


def runtime_keys() -> list[str]:
    """The keys of a runtime in a result."""
    return list(product("module_utils._model.runtime").from_api({}).to_result())


def in_file(path: str, text: str) -> list[tuple[int, str]]:
    """The YAML documents of a file, each with its first line: DOCUMENTATION and RETURN of a Python file."""
    if path.endswith(".yml"):
        return [(0, text)]
    return [
        (text.count("\n", 0, found.start(2)), found.group(2))
        for found in re.finditer(r'^ *(DOCUMENTATION|RETURN) = r"""\n(.*?)^ *"""', text, re.MULTILINE | re.DOTALL)
    ]


class Block:
    """One value in the YAML of a file, with its lines."""

    def __init__(self, path: str, text: str, *keys: str) -> None:
        for first, document in in_file(path, text):
            node: Any = yaml.compose(document)
            value: Any = yaml.safe_load(document)
            for key in keys:
                node = _child(node, key)
                if node is None:
                    break
                value = value[int(key)] if isinstance(value, list) else value[key]
            else:
                self.node, self.value = node, value
                self.start, self.end = first + node.start_mark.line, first + _end(node) + 1
                self.indent: int = node.start_mark.column
                self.first = first
                return
        raise Missing(f"{path} has no {'.'.join(keys)}")


def _child(node: Any, key: str) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return node.value[int(key)]
    return next((value for name, value in node.value if name.value == key), None)


def _end(node: Any) -> int:
    """The last line of a node. The end of a block is where the next thing begins, so look at its last scalar."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style:
        end: int = node.end_mark.line - (node.end_mark.column == 0)
        return end
    last = node.value[-1]
    if isinstance(last, tuple):
        key, last = last
        if last.start_mark.line < key.start_mark.line:  # an alias stands for a node further up
            return int(key.start_mark.line)
    return _end(last)


def replaced(text: str, start: int, end: int, lines: Sequence[str]) -> str:
    old = text.splitlines()
    return "\n".join([*old[:start], *lines, *old[end:]]) + "\n"


def options_lines(options: Options, indent: int, inner: str, anchors: Mapping[str, str] | None = None) -> Iterator[str]:
    """The lines of options with their descriptions. `inner` is the key of sub-options, `anchors` follow a name."""
    space = " " * indent
    for name, option in options.items():
        anchor = (anchors or {}).get(name, "")
        yield f"{space}{name}:{anchor and f' {anchor}'}"
        if anchor.startswith("*"):
            continue
        yield from description_lines(option["description"], indent + 2)
        for key in ("type", "elements", "required", "choices", "default", "no_log", "sample"):
            if option.get(key) is not None:
                yield f"{space}  {key}: {flow(option[key])}"
        if option.get(inner):
            yield f"{space}  {inner}:"
            yield from options_lines(option[inner], indent + 4, inner)


def description_lines(description: str | Sequence[str], indent: int) -> Iterator[str]:
    space = " " * indent
    paragraphs = [description] if isinstance(description, str) else list(description)
    if (
        len(paragraphs) == 1
        and len(line := f"{space}description: {paragraphs[0]}") <= WIDTH
        and is_plain(paragraphs[0])
    ):
        yield line
        return
    yield f"{space}description:"
    for paragraph in paragraphs:
        lines = textwrap.wrap(paragraph, WIDTH - indent - 4, break_long_words=False, break_on_hyphens=False)
        if not is_plain("\n  ".join(lines)):
            lines.insert(0, ">-")
        yield from (f"{space}  {'- ' if number == 0 else '  '}{line}" for number, line in enumerate(lines))


def is_plain(text: str) -> bool:
    """Whether YAML reads the text without quotes."""
    try:
        return bool(yaml.safe_load(f"- {text}") == [" ".join(text.split())])
    except yaml.YAMLError:
        return False


def flow(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, str):
        return value if is_plain(value) else f'"{value}"'
    return yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix("\n...\n").strip()


def first_sentence(description: str | Sequence[str]) -> str:
    text = description if isinstance(description, str) else description[0]
    return re.split(r"(?<=\.) (?=[A-Z])", text)[0]


def mapped(options: Options, change: Callable[[str], str], inner: str = "suboptions") -> dict[str, dict[str, Any]]:
    """The options with each paragraph of their descriptions changed."""
    result = {}
    for name, option in options.items():
        description = option["description"]
        paragraphs = [description] if isinstance(description, str) else description
        result[name] = {**option, "description": [change(paragraph) for paragraph in paragraphs]}
        if option.get(inner):
            result[name][inner] = mapped(option[inner], change, inner)
    return result


def documented(specs: Options, written: Options, where: str) -> dict[str, dict[str, Any]]:
    """The specs as documentation, with the descriptions that were written by hand."""
    result = {}
    for name, spec in specs.items():
        if not (written.get(name) or {}).get("description"):
            raise Missing(f"write a description of the option {name} into {where}")
        result[name] = {"description": written[name]["description"]}
        for key in ("type", "elements", "required", "choices", "default"):
            if key in spec:
                result[name][key] = str(spec[key]) if isinstance(spec[key], str) else spec[key]
        if spec.get("options"):
            inner = written[name].get("suboptions", {})
            result[name]["suboptions"] = documented(spec["options"], inner, f"{where}, {name}")
    return result


def fragment(text: str) -> str:
    block = Block(FRAGMENT, text, "options")
    options = documented(definition_options(), block.value, FRAGMENT)
    return replaced(text, block.start, block.end, list(options_lines(options, block.indent, "suboptions")))


def entries(text: str, files: Text) -> str:
    """The sub-options of an entry: a reference to an option of a definition becomes one to the entry's."""
    own: Options = Block(FRAGMENT, files[FRAGMENT], "options").value
    names = "|".join(own)
    options = mapped(own, lambda paragraph: re.sub(rf"O\((?=({names})\b)", "O(runtimes[].", paragraph))
    block = Block(DEFINITIONS, text, "options", "runtimes", "suboptions")
    return replaced(text, block.start, block.end, list(options_lines(options, block.indent, "suboptions")))


def role(text: str, files: Text) -> str:
    """The variables of the role that reach a module: those of the definitions, and of the connection."""
    module = yaml.safe_load(in_file(MANY, files[MANY])[0][1])
    own: dict[str, Any] = dict(module["options"])
    connection: dict[str, Any] = {}
    for name in module["extends_documentation_fragment"]:
        _namespace, _collection, file, *part = name.split(".")
        if part:
            continue
        path = f"plugins/doc_fragments/{file}.py"
        options = yaml.safe_load(in_file(path, files[path])[0][1]).get("options", {})
        (connection if file == "auth" else own).update(options)
    own = {name: entry for name, entry in own.items() if name not in OF_THE_ROLE}
    named = {name: f"mstr_{name}" for name in connection} | {name: f"mstr_runtimes_{name}" for name in own}
    named |= {"runtimes": "mstr_runtimes", "src": "mstr_runtimes_src"}

    def reference(found: re.Match[str]) -> str:
        option, inner = found.groups()
        # The role describes no option of an entry, or of a policy.
        named_there = f"mstr.library.mstr_runtimes#module:{option}{inner}"
        return f"O({named.get(option, option) if inner is None else named_there}"

    def variables(options: Options) -> dict[str, Any]:
        texts = mapped(options, lambda paragraph: re.sub(r"O\((\w+)(\[\]|(?=\.))?", reference, paragraph))
        hidden = {"no_log": True}
        return {
            named[name]: of_role(name, option) | (hidden if name in SECRETS else {}) for name, option in texts.items()
        }

    main = Block(ROLE, text, "argument_specs", "main", "options")
    passed_on = {**variables(own), **variables(connection)}
    written = {name: value for name, value in main.value.items() if name not in passed_on} | passed_on
    anchors = {named[name]: f"&{named[name]}" for name in connection}
    text = replaced(text, main.start, main.end, list(options_lines(written, main.indent, "options", anchors)))
    aliases = {name: f"*{anchor[1:]}" for name, anchor in anchors.items()}
    for point in yaml.safe_load(text)["argument_specs"]:
        if point != "main":
            block = Block(ROLE, text, "argument_specs", point, "options")
            kept = {name: value for name, value in block.value.items() if name not in aliases}
            lines = options_lines({**kept, **{name: {} for name in aliases}}, block.indent, "options", aliases)
            text = replaced(text, block.start, block.end, list(lines))
    return text


def of_role(name: str, option: Mapping[str, Any]) -> dict[str, Any]:
    """The option for a role, whose variables have no default: ansible-core then treats a null variable as set."""
    own = {key: value for key, value in option.items() if key not in ("default", "suboptions")}
    if option.get("default") not in (None, []):
        own["description"] = [*own["description"], f"The default is V({flow(option['default'])})."]
    if option.get("suboptions"):
        keys = f"O(mstr.library.mstr_runtimes#module:{name}) describes its keys, which the module checks."
        own["description"] = [*own["description"], keys]
    return own


def guide(text: str, files: Text) -> str:
    """The variables that only playbooks have, and the names of those that the role describes."""
    variables = product("plugin_utils._playbooks.variables")
    meanings = {name: row["meaning"] for name, row in variables.of_playbooks().items()}
    for name, option in yaml.safe_load(files[ROLE])["argument_specs"]["export"]["options"].items():
        meaning = re.sub(r"\b(?:[OVCE]|RV)\((?:.*#module:)?(.*?)\)", r"``\1``", first_sentence(option["description"]))
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
            lines += textwrap.wrap(cell, WIDTH, initial_indent=mark, subsequent_indent="       ")
    before, after = re.split(r"(?<=     - Meaning\n).*?(?=\n``mstr_in_process)", text, maxsplit=1, flags=re.DOTALL)
    return before + "\n".join([*lines, ""]) + after


def returned(text: str, files: Text) -> dict[str, Any]:
    """The keys of a runtime in a result.

    A field has the first sentence of its option. What `mstr_runtime` says of the other keys was written by hand.
    """
    options: Options = Block(FRAGMENT, files[FRAGMENT], "options").value
    written: Options = Block(ONE, text, "runtime").value.get("contains", {})
    result: dict[str, Any] = {}
    for name in runtime_keys():
        if name in options and name != "id":
            result[name] = _returned(options[name], written.get(name, {}))
        elif name in written:
            result[name] = written[name]
        else:
            raise Missing(f"write a description of runtime.contains.{name} into the RETURN of {ONE}")
    return result


def _returned(option: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    key = {"description": first_sentence(option["description"]), "type": option["type"]}
    key |= {"elements": option["elements"]} if "elements" in option else {}
    if option.get("suboptions"):
        inner = written.get("contains", {})
        fields = {name: _returned(sub, {}) for name, sub in option["suboptions"].items()}
        # An entry may have more keys than its option, such as the status of a package.
        key["contains"] = fields | {name: sub for name, sub in inner.items() if name not in fields}
    return key


def with_keys(path: str, text: str, key: str, contains: Options) -> str:
    """Write the keys of a runtime below `key` in the RETURN of a module."""
    block = Block(path, text, key, "contains")
    return replaced(text, block.start, block.end, list(options_lines(contains, block.indent, "contains")))


def with_sample(path: str, text: str, *keys: str) -> str:
    """Add what a sample lacks, and take out what a runtime does not have."""
    block = Block(path, text, *keys)
    wanted = runtime_keys()
    for name, value in reversed(block.node.value):
        if name.value not in wanted and (path, name.value) != (INFO, "scripts"):
            text = replaced(text, block.first + name.start_mark.line, block.first + _end(value) + 1, [])
    for name in sorted(set(wanted) - set(block.value), reverse=True):
        block = Block(path, text, *keys)
        later = [key.start_mark.line + block.first for key, _value in block.node.value if key.value > name]
        line = later[0] if later else block.end
        text = replaced(text, line, line, [f"{' ' * block.indent}{name}: null"])
    return text


def generate(files: Text) -> dict[str, str]:
    """The changed content of the files that have generated parts."""
    new = dict(files)
    new[FRAGMENT] = fragment(new[FRAGMENT])
    new[DEFINITIONS] = entries(new[DEFINITIONS], new)
    new[ROLE] = role(new[ROLE], new)
    contains = returned(new[ONE], new)
    for path, key in ((ONE, "runtime"), (INFO, "runtimes")):
        new[path] = with_keys(path, new[path], key, contains)
    for path, *sample in (
        (ONE, "runtime", "sample"),
        (MANY, "runtimes", "sample", "0", "runtime"),
        (INFO, "runtimes", "sample", "0"),
    ):
        new[path] = with_sample(path, new[path], *sample)
    new.update(json_schemas(new))
    return {path: text for path, text in new.items() if text != files[path]}


def json_schemas(new: Text) -> dict[str, str]:
    """The JSON Schema of each kind of file."""
    runtimes, scripts = (
        Block(DEFINITIONS, new[DEFINITIONS], "options", name, "suboptions").value for name in ("runtimes", "scripts")
    )
    reported = Block(REPORT, new[REPORT], "_value", "contains").value
    texts: dict[str, str] = schemas.texts(product, runtimes, scripts, reported)
    return texts


def main(arguments: Sequence[str]) -> int:
    """Entry point: with --check, only report the files that are stale."""
    fragments = sorted(str(entry.relative_to(ROOT)) for entry in (ROOT / "plugins" / "doc_fragments").glob("*.py"))
    files = {
        path: (ROOT / path).read_text(encoding="utf-8") for path in (ONE, MANY, INFO, ROLE, GUIDE, REPORT, *fragments)
    }
    files |= {
        path: (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else "" for path in schemas.PATHS
    }
    check, status = arguments == ["--check"], 0
    # The table of variables asks the plugins, which read the role's file.
    for step in (generate, lambda files: {GUIDE: guide(files[GUIDE], files)}):
        try:
            stale = {path: text for path, text in step(files).items() if text != files[path]}
        except Missing as why:
            print(f"Error: {why}")
            return 1
        for path, text in stale.items():
            print(f"{path} is stale: run 'make generate'" if check else f"wrote {path}")
            if not check:
                (ROOT / path).write_text(text, encoding="utf-8")
        files |= stale
        status |= bool(stale) and check
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
