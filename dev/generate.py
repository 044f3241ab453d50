"""Writes the documentation that follows from other parts of the collection into the files.

It runs in an environment with ansible-core, which has PyYAML: `python -m dev.generate [--check]`.

| where | from |
|---|---|
| fragment `runtime`: type, default … of each option, in the order of the table | the field table |
| role `runtimes`: each variable that is passed on to a module | the options of `mstr_runtimes` |
| `docs/schemas`: JSON Schemas of files | the options of definitions, the filter `environment_report` |
| guide `guide_playbooks`: the table of variables | the role, and the table in `_playbooks/variables.py` |
| RETURN of `mstr_runtime`, `mstr_runtime_info`: the keys of a runtime | the field table, the fragment, `mstr_runtime` |

The description of an option is written once: in a fragment, or in `mstr_runtimes`. An option that is not in the table
loses its documentation. Comments inside a generated part are lost.
"""

from __future__ import annotations

import itertools
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from dev import schemas
from dev.paths import ROOT
from dev.schemas import Options, first_sentence, plain, product, runtime_keys

WIDTH = 120
FRAGMENT = "plugins/doc_fragments/runtime.py"
ONE = "plugins/modules/mstr_runtime.py"
MANY = "plugins/modules/mstr_runtimes.py"
INFO = "plugins/modules/mstr_runtime_info.py"
ROLE = "roles/runtimes/meta/argument_specs.yml"
GUIDE = "docs/docsite/rst/guide_playbooks.rst"
REPORT = "plugins/filter/environment_report.py"
# ansible-core 2.22 and newer mask the values of such variables wherever they show them.
SECRETS = ("password", "api_token", "identity_token", "session")


class Missing(Exception):
    """Somebody has to write a description first."""


FILES: dict[str, str] = {}  # what each file is to contain, by its name


def text_of(path: str) -> str:
    return FILES.setdefault(path, on_disk(path))


def on_disk(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else ""


def documents(path: str) -> list[tuple[int, str]]:
    """The YAML documents of a file, each with its first line: DOCUMENTATION and RETURN of a Python file."""
    text = text_of(path)
    if path.endswith(".yml"):
        return [(0, text)]
    return [
        (text.count("\n", 0, found.start(2)), found.group(2))
        for found in re.finditer(r'^ *(DOCUMENTATION|RETURN) = r"""\n(.*?)^ *"""', text, re.MULTILINE | re.DOTALL)
    ]


class Block:
    """One value in the YAML of a file, with its lines."""

    def __init__(self, path: str, *keys: str) -> None:
        self.path, self.lines = path, text_of(path).splitlines()
        for first, document in documents(path):
            node: Any = yaml.compose(document)
            value: Any = yaml.safe_load(document)
            for key in keys:
                if isinstance(value, list):
                    node, value = node.value[int(key)], value[int(key)]
                elif key in value:
                    node = next(child for name, child in node.value if name.value == key)
                    value = value[key]
                else:
                    break
            else:
                self.value, self.start, self.indent = value, first + node.start_mark.line, node.start_mark.column
                self.end = self.end_of(self.start, self.indent)
                return
        raise Missing(f"{path} has no {'.'.join(keys)}")

    def end_of(self, start: int, indent: int) -> int:
        """The line after what starts on a line, and goes on with lines that are indented so far."""
        end = start + 1
        for number, line in enumerate(self.lines[end:], end):
            if line.strip():
                if not line.startswith(" " * indent):
                    break
                end = number + 1
        return end

    def replace(self, lines: Iterable[str]) -> None:
        FILES[self.path] = "\n".join([*self.lines[: self.start], *lines, *self.lines[self.end :]]) + "\n"


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


def fragment() -> None:
    """The options of a definition: the object is selected first, then follow the fields."""
    specs = dict(product("module_utils._model.definition").DEFINITION_OPTIONS)
    fields = [field.name for field in product("module_utils._model.fields").FIELDS]
    order = ["state", fields[0], "id"]
    for name in fields[1:]:
        order += [name, f"purge_{name}"]
    block = Block(FRAGMENT, "options")
    in_order: Options = {name: specs[name] for name in [*order, *specs] if name in specs}
    block.replace(options_lines(documented(in_order, block.value, FRAGMENT), block.indent, "suboptions"))


def shared(name: str) -> dict[str, Any]:
    """The options of a fragment."""
    documentation = product(f"doc_fragments.{name}").ModuleDocFragment.DOCUMENTATION
    return dict(yaml.safe_load(documentation).get("options", {}))


def role() -> None:
    """The variables of the role that reach a module: those of the definitions, and of the connection."""
    module = yaml.safe_load(documents(MANY)[0][1])
    own: dict[str, Any] = dict(module["options"])
    connection: dict[str, Any] = {}
    for name in module["extends_documentation_fragment"]:
        _namespace, _collection, file, *part = name.split(".")
        if not part:
            options = shared(file)
            (connection if file == "auth" else own).update(options)
    named = {name: f"mstr_{name}" for name in connection} | {name: f"mstr_runtimes_{name}" for name in own}
    named["runtimes"] = "mstr_runtimes"
    # These variables belong to the role: it has more to say about them.
    del own["runtimes"], own["src"]

    def reference(found: re.Match[str]) -> str:
        option, inner = found.groups()
        # The role describes no option of an entry, or of a policy.
        named_there = f"mstr.library.mstr_runtimes#module:{option}{inner}"
        return f"O({named.get(option, option) if inner is None else named_there}"

    texts = mapped({**own, **connection}, lambda text: re.sub(r"O\((\w+)(\[\]|(?=\.))?", reference, text))
    passed_on = {named[name]: of_role(name, option) for name, option in texts.items()}
    aliases = {named[name]: f"*{named[name]}" for name in connection}
    for point in yaml.safe_load(text_of(ROLE))["argument_specs"]:
        block = Block(ROLE, "argument_specs", point, "options")
        later = passed_on if point == "main" else {name: passed_on[name] for name in aliases}
        anchors = {name: f"&{name}" for name in aliases} if point == "main" else aliases
        kept = {name: value for name, value in block.value.items() if name not in later}
        block.replace(options_lines({**kept, **later}, block.indent, "options", anchors))


def of_role(name: str, option: Mapping[str, Any]) -> dict[str, Any]:
    """The option for a role, whose variables have no default: ansible-core then treats a null variable as set."""
    own = {key: value for key, value in option.items() if key not in ("default", "suboptions")}
    if name in SECRETS:
        own["no_log"] = True
    if option.get("default") not in (None, []):
        own["description"] = [*own["description"], f"The default is V({flow(option['default'])})."]
    if option.get("suboptions"):
        keys = f"O(mstr.library.mstr_runtimes#module:{name}) describes its keys, which the module checks."
        own["description"] = [*own["description"], keys]
    return own


def guide() -> None:
    """The variables that only playbooks have, and the names of those that the role describes."""
    variables = product("plugin_utils._playbooks.variables")
    meanings = {name: row["meaning"] for name, row in variables.of_playbooks().items()}
    for name, option in yaml.safe_load(text_of(ROLE))["argument_specs"]["export"]["options"].items():
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
            lines += textwrap.wrap(cell, WIDTH, initial_indent=mark, subsequent_indent="       ")
    before, after = re.split(
        r"(?<=     - Meaning\n).*?(?=\n``mstr_in_process)", text_of(GUIDE), maxsplit=1, flags=re.DOTALL
    )
    FILES[GUIDE] = before + "\n".join([*lines, ""]) + after


def returned() -> dict[str, Any]:
    """The keys of a runtime in a result.

    A field has the first sentence of its option. What `mstr_runtime` says of the other keys was written by hand.
    """
    options: Options = Block(FRAGMENT, "options").value
    written: Options = Block(ONE, "runtime").value.get("contains", {})
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


def sample(path: str, *keys: str) -> None:
    """Add what a sample lacks, and take out what a runtime does not have."""
    block = Block(path, *keys)
    have = {}
    for number in range(block.start, block.end):
        if found := re.match(r"(\w+):", block.lines[number][block.indent :]):
            have[found[1]] = block.lines[number : block.end_of(number, block.indent + 1)]
    wanted = sorted({*runtime_keys(), *({"scripts"} & have.keys())})
    lines = [line[block.indent :] for name in wanted for line in have.get(name, [" " * block.indent + f"{name}: null"])]
    before = block.lines[block.start][: block.indent]  # the mark of an entry, or blanks
    block.replace([f"{' ' * block.indent if number else before}{line}" for number, line in enumerate(lines)])


def generate() -> None:
    """Everything but the fragment and the guide."""
    role()
    contains = returned()
    for path, key in ((ONE, "runtime"), (INFO, "runtimes")):
        block = Block(path, key, "contains")
        block.replace(options_lines(contains, block.indent, "contains"))
    sample(ONE, "runtime", "sample")
    sample(MANY, "runtimes", "sample", "0", "runtime")
    sample(INFO, "runtimes", "sample", "0")
    lists = {name: option["suboptions"] for name, option in shared("definitions").items() if "suboptions" in option}
    FILES.update(schemas.texts(**lists, reported=Block(REPORT, "_value", "contains").value))


def main(arguments: Sequence[str]) -> int:
    """Entry point: with --check, only report the files that are stale."""
    check = arguments == ["--check"]
    # The plugins are asked for the fragments and the role's file, so these are written first.
    for step in (fragment, generate, guide):
        try:
            step()
        except Missing as why:
            print(f"Error: {why}")
            return 1
        stale = [path for path, text in FILES.items() if text != on_disk(path)]
        for path in stale:
            print(f"{path} is stale: run 'make generate'" if check else f"wrote {path}")
            if not check:
                (ROOT / path).write_text(FILES[path], encoding="utf-8")
        if check and stale:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
