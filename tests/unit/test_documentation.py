"""What is documented is what there is."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.mstr.library.plugins.module_utils import auth

ROOT = Path(__file__).parents[2]
PLUGINS = "ansible_collections.mstr.library.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("mstr_*.py"))

every_module = pytest.mark.parametrize("name", MODULES)


def module(name):
    return importlib.import_module(f"{PLUGINS}.modules.{name}")


def fragment(name):
    """The text of a fragment: `auth`, or `attributes.group` for a second one of the same file."""
    file, _dot, part = name.partition(".")
    found = importlib.import_module(f"{PLUGINS}.doc_fragments.{file}").ModuleDocFragment
    return getattr(found, part.upper() or "DOCUMENTATION")


def spec_of(name, monkeypatch):
    """The option spec with which a module's main begins."""
    seen = []
    monkeypatch.setattr(auth, "run", lambda spec, *args, **kwargs: seen.append(spec))
    module(name).main()
    return seen[0]


def sources(name):
    """The documentation of a module, and each fragment that it takes."""
    own = module(name).DOCUMENTATION
    fragments = yaml.safe_load(own)["extends_documentation_fragment"]
    return [own, *(fragment(entry.removeprefix("mstr.library.")) for entry in fragments)]


def documented(name):
    """The options in a module's documentation, fragments and all."""
    parts = [yaml.safe_load(source).get("options", {}) for source in sources(name)]
    return {option: described for part in parts for option, described in part.items()}


def test_changelog_names_what_there_is():
    """The plugins and roles of the first release, of which it keeps no other."""
    text = (ROOT / "CHANGELOG.md").read_text().replace("\\", "")
    filters = [path.stem for path in (ROOT / "plugins" / "filter").glob("*.py")]
    roles = [path.name for path in (ROOT / "roles").iterdir()]
    found = re.findall(r"^\* mstr\.library\.(\w+) - ", text, re.MULTILINE)
    assert sorted(found) == sorted([*MODULES, *filters, *roles])


def plain(options, inner):
    """Options in a form that both sides share; a missing value is False, None or a text."""
    return {
        name: {
            "type": option.get("type", "str"),
            "elements": option.get("elements"),
            "default": option.get("default"),
            "choices": option.get("choices"),
            "required": option.get("required", False),
            "options": plain(option[inner], inner) if option.get(inner) else None,
        }
        for name, option in options.items()
    }


@every_module
def test_options_documented_as_they(name, monkeypatch):
    assert plain(documented(name), "suboptions") == plain(spec_of(name, monkeypatch), "options")


@pytest.mark.parametrize("name", auth.argument_spec())
def test_variable_has_name_of_option(name):
    """A note says it once for all connection options."""
    assert auth.argument_spec()[name]["fallback"][1] == [f"MSTR_{name.upper()}"]
    assert "such as E(MSTR_BASE_URL) for O(base_url)" in " ".join(fragment("auth").split())


@every_module
def test_options_named_in_documentation_exist(name):
    known = documented(name)
    for reference in re.findall(r"O\(([^)=#]+)[)=]", "".join(sources(name))):
        option, *inner = reference.split("[]")[0].split(".")
        assert option in known, reference
        assert not inner or inner[0] in known[option]["suboptions"], reference


def test_each_guide_begins_with_its_row():
    """The first table of the README and the start page of the site say which guide to read, by what somebody wants."""
    start = (ROOT / "docs" / "docsite" / "site" / "start.rst").read_text()
    table = start.replace("``", "`").partition("\n   * - What do I want to do?")[2].partition("\n\n")[0]
    rows = [row.split("\n     - ") for row in table.split("\n   * - ")[1:]]
    on_start = {(want, use): set(re.findall(r"docsite\.(guide_\w+)", guide)) for want, use, guide in rows}
    table = (ROOT / "README.md").read_text().partition("| What do I want to do? |")[2].partition("\n\n")[0]
    rows = [row.strip("|").split(" | ") for row in table.splitlines()[2:]]
    in_readme = {(want.strip(), use): set(re.findall(r"(guide_\w+)\.rst", guide)) for want, use, guide in rows}
    in_guides = {}
    for path in sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst")):
        [row] = re.findall(r"^===+\n\n\*\*(.+)\*\* → (.+)\.$", path.read_text().replace("``", "`"), re.MULTILINE)
        in_guides.setdefault(row, set()).add(path.stem)
    assert on_start == in_readme == in_guides
    assert len(in_guides) <= 8


def test_action_group_holds_every_module():
    meta = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    assert sorted(meta["action_groups"]["mstr"]) == MODULES
