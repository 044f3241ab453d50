"""The architecture of plugins, read from its folders and files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from importlib.util import resolve_name
from pathlib import Path

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils._run.action import ActionModule

ROOT = Path(__file__).parents[2]
HOME = ROOT / "plugins" / "module_utils"
UTILS = {".".join(path.relative_to(HOME).with_suffix("").parts): path for path in sorted(HOME.rglob("*.py"))}
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
PLUGINS = "ansible_collections.mstr.library.plugins"
PLUGIN_UTILS = ROOT / "plugins" / "plugin_utils"
OWN = f"{PLUGINS}.module_utils"

every_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


# The packages, and those that each may import beside itself. The files outside them belong to the public API.
PUBLIC = "public API"
MAY_IMPORT: dict[str, set[str]] = {
    PUBLIC: {"_session"},
    "_model": set(),
    "_session": set(),
    "_work": {"_model", "_session"},
    "_probe": {"_model", "_session", "_work"},
}
# Every file may import them, and they import none.
OF_EVERYBODY = {"_errors", "_text"}


def package_of(name: str) -> str:
    return name.rpartition(".")[0] or PUBLIC


def imports(path: Path) -> Iterator[str]:
    """Full names of all that a file imports, wherever in it."""
    package = ".".join([PLUGINS, *path.relative_to(ROOT / "plugins").parent.parts])
    for node in ast.walk(tree(path)):
        base = ""
        if isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package) + "."
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (base + alias.name for alias in node.names)


def own_imports(name: str) -> set[str]:
    """Names of the files in module_utils that a file imports."""
    own = [file.removeprefix(f"{OWN}.") for file in imports(UTILS[name]) if file.startswith(f"{OWN}.")]
    files = {file if file in UTILS else file.rpartition(".")[0] for file in own}
    assert files <= set(UTILS)
    return files


def outside(path: Path) -> set[str]:
    """Names of the packages outside the collection that a file imports."""
    return {name.split(".")[0] for name in imports(path)} - {"ansible_collections"}


@pytest.mark.parametrize("name", UTILS)
def test_a_file_imports_only_what_it_may(name):
    allowed = {package_of(name), *MAY_IMPORT[package_of(name)]}
    assert not (name in OF_EVERYBODY and own_imports(name))
    assert not {file for file in own_imports(name) - OF_EVERYBODY if package_of(file) not in allowed}
    assert name == "auth" or name.startswith("_"), "one file is public"
    assert ("requests" in outside(UTILS[name])) == (name in ("_session.transport", "_session.failures"))
    assert ("netaddr" in outside(UTILS[name])) == (name in ("_model.networks", "_model.rules"))
    # Modules run on Python 3.9, which knows no `X | None`.
    assert "__future__.annotations" in set(imports(UTILS[name]))


@pytest.mark.parametrize("name", UTILS)
def test_only_the_public_file_knows_ansible(name):
    """With the one beside it that checks options as Ansible does. The model does not even know the clock."""
    names = {node.attr for node in ast.walk(tree(UTILS[name])) if isinstance(node, ast.Attribute)}
    assert ("ansible" in outside(UTILS[name])) == (name in ("auth", "_options"))
    assert name == "auth" or not names & {"fail_json", "exit_json"}
    if package_of(name) == "_model":
        assert not outside(UTILS[name]) & {"urllib3", "time", "socket", "random"}
        assert not names & {"now", "today", "utcnow", "monotonic"}


def test_there_are_no_circular_imports():
    TopologicalSorter({name: own_imports(name) for name in UTILS}).prepare()


@every_module
def test_main_does_nothing_but_call_the_helper(path):
    """Rules belong in the core: a module has at most four functions or classes, and neither prints nor exits."""
    [main] = [node for node in tree(path).body if isinstance(node, ast.FunctionDef) and node.name == "main"]
    _docstring, call = main.body
    assert ast.unparse(call.value.func) in ("auth.run", "run")
    assert "ansible.module_utils.basic.AnsibleModule" not in set(imports(path))
    assert "__future__.annotations" in set(imports(path))
    assert sum(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in tree(path).body) <= 4
    assert not {node.id for node in ast.walk(tree(path)) if isinstance(node, ast.Name)} & {"print", "exit"}
    assert "sys" not in outside(path)


def test_each_module_has_an_action_plugin():
    """Without one, it would always need a second Python."""
    assert sorted(path.name for path in (ROOT / "plugins" / "action").glob("[a-z]*.py")) == [p.name for p in MODULES]


@every_module
def test_an_action_plugin_runs_the_module_of_its_name(path, monkeypatch):
    plugin, ran = import_module(f"{PLUGINS}.action.{path.stem}").ActionModule, []
    monkeypatch.setattr(import_module(f"{PLUGINS}.modules.{path.stem}"), "main", lambda: ran.append(path.stem))
    plugin.main()
    assert (ran, issubclass(plugin, ActionModule)) == ([path.stem], True)


# The packages and files of plugins/plugin_utils, and the ones that each may import beside itself.
UTIL_PACKAGES: dict[str, set[str]] = {
    "action": {"_connection"},
    "_connection": set(),
    "_requirements": set(),
    "_run": {"action", "_connection"},
    "_reports": set(),
    "_playbooks": {"action", "_connection", "_run", "_reports"},
}


@pytest.mark.parametrize("path", sorted(PLUGIN_UTILS.rglob("*.py")), ids=lambda path: path.stem)
def test_plugin_utils_import_no_plugin(path):
    """Every plugin may import plugin_utils, so the reverse would be a circle."""
    package = path.relative_to(PLUGIN_UTILS).with_suffix("").parts[0]
    own = {name.removeprefix(f"{PLUGINS}.") for name in imports(path) if name.startswith(f"{PLUGINS}.")}
    assert {name.split(".")[0] for name in own} <= {"module_utils", "plugin_utils"}
    used = {name.split(".")[1] for name in own if name.startswith("plugin_utils.")}
    assert used <= {package, *UTIL_PACKAGES[package]}
