"""Finds the examples in the documentation: in modules, filters, the README, the guides and docs/examples.

The tests run a block unless a comment directly before it gives a reason. In the README:

    <!-- not run: the reason -->        <!-- file: site.yml -->

and in a guide, where the caption of a block is its file name:

    .. not run: the reason              .. code-block:: yaml+jinja
                                           :caption: site.yml

A block with the comment `prints` shows a part of what the commands before it print. Its lines occur in that output, in
this order; `…` stands for any text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from textwrap import dedent
from typing import Any

import yaml

from dev.paths import ROOT

EXAMPLES = ROOT / "docs" / "examples"

_FENCE = re.compile(
    r"^(?:<!-- (?P<marker>.+?) -->\n+)?^```(?P<language>\S*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_CODE = re.compile(
    r"^(?:\.\. (?P<marker>not run: .+|prints)\n+)?"
    r"(?P<indent> *)\.\. (?:code-block|code|sourcecode):: *(?P<language>\S*)\n"
    r"(?P<options>(?:(?P=indent) +:.+\n)*)(?P<text>(?:(?P=indent) +.*\n|\n)+)",
    re.MULTILINE,
)
_SHELL = ("console", "shell", "bash", "sh", "shell-session")
_PLAY = {"hosts", "import_playbook", "ansible.builtin.import_playbook"}
PARTS = ("pre_tasks", "tasks", "post_tasks", "block", "rescue", "always")
_YAML = ("yaml", "yaml+jinja", "yml")


class _Loader(yaml.SafeLoader):
    """Reads Ansible's tags, such as !vault, as plain text."""


_Loader.add_multi_constructor("!", lambda loader, _tag, node: loader.construct_scalar(node))


@dataclass(frozen=True)
class Block:
    """One block of code on a page. `file`: the name of the file in which readers save it."""

    page: str
    line: int
    language: str
    text: str
    file: str = ""
    not_run: str = ""
    printed: bool = False

    @property
    def place(self) -> str:
        """Its place, for messages."""
        return f"{self.page}:{self.line}"

    @cached_property
    def data(self) -> Any:
        """The parsed YAML."""
        return yaml.load(self.text, _Loader)

    @property
    def kind(self) -> str:
        """Its kind: `plays`, `tasks`, `shell`, `file` (others), `printed`, `not run`, or empty (unknown)."""
        if self.printed:
            return "printed"
        if self.not_run:
            return "not run"
        if self.language in _SHELL:
            return "shell"
        entries = self.data if self.language in _YAML else None
        if isinstance(entries, list) and isinstance(entries[0], dict):
            if all(entry.keys() & _PLAY for entry in entries):
                return "plays"
            if not self.file:
                return "tasks"
        return "file" if self.file else ""

    def commands(self) -> str:
        """The lines after a prompt as a script, or all lines if there is no prompt."""
        if not re.search(r"^\$ ", self.text, re.MULTILINE):
            return self.text
        script, goes_on = [], False
        for line in self.text.splitlines():
            if line.startswith("$ ") or goes_on:
                script.append(line if goes_on else line[2:])
                goes_on = line.endswith("\\")
        return "\n".join(script) + "\n"


def pages() -> dict[str, list[Block]]:
    """The blocks of every page, by the page's path in the repository."""
    found: dict[str, list[Block]] = {}
    for path in [ROOT / "README.md", *sorted(ROOT.glob("roles/*/README.md"))]:
        found[_name(path)] = list(_blocks(path, _FENCE))
    for path in sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst")):
        found[_name(path)] = list(_blocks(path, _CODE))
    for folder in ("modules", "filter"):
        for path in sorted((ROOT / "plugins" / folder).glob("*.py")):
            found[_name(path)] = [Block(_name(path), 1, "yaml", documented(path, "EXAMPLES"))]
    printed = {(block.file, block.text) for blocks in found.values() for block in blocks}
    for path in sorted(EXAMPLES.glob("*.yml")):
        text = path.read_text(encoding="utf-8")
        # Blocks on a page run as part of that page, and tests/plays/awx has what the one for AWX needs.
        if (path.name, text) not in printed and path.name != "awx.yml":
            found[_name(path)] = [Block(_name(path), 1, "yaml", text, path.name)]
    return found


def not_printed(blocks: Iterable[Block], output: str) -> list[str]:
    """The lines of printed blocks that do not occur in the output, or not in this order."""
    missing, start = [], 0
    printed = [(block.place, line.strip()) for block in blocks if block.printed for line in block.text.splitlines()]
    for place, line in printed:
        found = re.compile(".*".join(map(re.escape, line.split("…")))).search(output, start)
        if found is None:
            missing.append(f"{place}: {line}")
        else:
            start = found.end()
    return missing


def tasks_in(entries: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The tasks of plays and blocks."""
    for entry in entries:
        if parts := [entry[part] for part in PARTS if part in entry]:
            yield from (task for part in parts for task in tasks_in(part))
        elif not entry.keys() & _PLAY:
            yield entry


def documented(path: Path, variable: str) -> str:
    """The text of a plugin's `DOCUMENTATION`, `EXAMPLES` or `RETURN`."""
    _before, _name, text = path.read_text(encoding="utf-8").partition(f'\n{variable} = r"""')
    return text.partition('"""')[0]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _blocks(path: Path, pattern: re.Pattern[str]) -> Iterator[Block]:
    page = path.read_text(encoding="utf-8")
    for found in pattern.finditer(page):
        groups = found.groupdict("")
        kind, _, rest = groups["marker"].partition(": ")
        caption = re.search(":caption: (.+)", groups.get("options", ""))
        yield Block(
            _name(path),
            page.count("\n", 0, found.start("text")),
            groups["language"],
            dedent(groups["text"]).strip("\n") + "\n",
            file=rest if kind == "file" else caption[1] if caption else "",
            not_run=rest if kind == "not run" else "",
            printed=kind == "prints",
        )
