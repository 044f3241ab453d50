# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The house rules of plugins/module_utils, read out of the files themselves."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UTILS = sorted((ROOT / "plugins" / "module_utils").glob("*.py"))
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
OWN = "ansible_collections.mstr.library.plugins.module_utils"
LONGEST_FILE = 250

every_util = pytest.mark.parametrize("path", UTILS, ids=lambda path: path.name)
every_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


# Which wings a wing may import from, beside itself. `_errors` belongs to none: every wing imports it.
MAY_IMPORT: dict[str, set[str]] = {
    "none": set(),
    "Model": {"none"},
    "Session": {"none"},
    "Work": {"none", "Model", "Session"},
    "Door": {"none", "Session"},
}


@cache
def wing_line(name: str) -> str:
    """The line of a file's docstring that names its wing, such as C(Wing: Model, pure.)."""
    docstring = ast.get_docstring(tree(ROOT / "plugins" / "module_utils" / f"{name}.py")) or ""
    found = re.search(r"^Wing: (none|Model|Session|Work|Door)\b.*", docstring, re.MULTILINE)
    assert found, f"{name} does not name its wing"
    return found.group()


def wing(name: str) -> str:
    return wing_line(name).removeprefix("Wing: ").split(",")[0].split(".")[0].split(";")[0]


def is_pure(name: str) -> bool:
    return wing(name) == "none" or wing_line(name).startswith(f"Wing: {wing(name)}, pure.")


def imports(path: Path) -> Iterator[str]:
    """Full names of all that a file imports, wherever in it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = f"{OWN}.{base}" if base else OWN
            yield from (f"{base}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> set[str]:
    """Names of the files in module_utils that a file imports."""
    names = {name.removeprefix(f"{OWN}.").split(".")[0] for name in imports(path) if name.startswith(f"{OWN}.")}
    assert names <= {util.stem for util in UTILS}
    return names


def outside(path: Path) -> set[str]:
    """Names of the packages outside the collection that a file imports."""
    return {name.split(".")[0] for name in imports(path)} - {"ansible_collections"}


def test_the_tests_see_the_files():
    assert {"_errors.py", "_plan.py", "auth.py"} <= {path.name for path in UTILS}
    assert own_imports(ROOT / "plugins/module_utils/_plan.py") >= {"_definition", "_errors"}
    assert "requests" in outside(ROOT / "plugins/module_utils/_http.py")


@every_util
def test_a_wing_imports_only_what_it_may(path):
    allowed = MAY_IMPORT[wing(path.stem)] | {wing(path.stem)} - {"none"}
    assert not {name: wing(name) for name in own_imports(path) if wing(name) not in allowed}


def test_the_door_is_small_and_one_file_belongs_to_everybody():
    assert {path.stem for path in UTILS if wing(path.stem) == "Door"} == {"auth", "_options"}
    assert [path.stem for path in UTILS if wing(path.stem) == "none"] == ["_errors"]


@every_util
def test_the_model_is_pure(path):
    # A file of definitions is read by the model too; nothing else of it touches the world.
    assert wing(path.stem) != "Model" or is_pure(path.stem) or path.stem == "_src"


def test_there_are_no_circular_imports():
    left = {path.stem: own_imports(path) for path in UTILS}
    while left:
        free = [name for name, needs in left.items() if not needs & set(left)]
        assert free, f"in a circle: {sorted(left)}"
        for name in free:
            del left[name]


@every_util
def test_pure_files_know_neither_ansible_nor_requests_nor_a_clock(path):
    if is_pure(path.stem):
        assert not outside(path) & {"ansible", "requests", "urllib3", "time", "socket", "random"}
        calls = {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)}
        assert not calls & {"now", "today", "utcnow", "monotonic"}
    else:
        assert "ansible" not in outside(path) or path.stem == "auth"


@every_util
def test_only_http_knows_requests_and_only_networks_knows_netaddr(path):
    assert ("requests" in outside(path)) == (path.stem == "_http")
    assert ("netaddr" in outside(path)) == (path.stem == "_networks")


@every_util
def test_only_the_public_helper_knows_the_ansible_module(path):
    assert ("ansible.module_utils.basic.AnsibleModule" in set(imports(path))) == (path.stem == "auth")
    names = {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)}
    assert path.stem == "auth" or not names & {"fail_json", "exit_json"}


@every_util
def test_every_file_but_the_public_helper_is_private(path):
    assert path.stem == "auth" or path.stem.startswith("_")


@every_util
def test_no_file_is_longer_than_one_can_read_at_once(path):
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


@every_util
def test_annotations_are_not_evaluated(path):
    """Modules run on Python 3.9, which knows no `X | None`."""
    assert "__future__.annotations" in set(imports(path))


@every_module
def test_a_module_ends_in_a_main_that_does_nothing_but_call_the_helper(path):
    [main] = [node for node in tree(path).body if isinstance(node, ast.FunctionDef) and node.name == "main"]
    _docstring, call = main.body
    assert ast.unparse(call.value.func) in ("auth.run", "run")
    assert "ansible.module_utils.basic.AnsibleModule" not in set(imports(path))
    assert "__future__.annotations" in set(imports(path))


@every_module
def test_a_module_has_an_action_plugin_that_runs_its_main_in_process(path):
    """plugins/plugin_utils/_in_process.py shows such a file."""
    plugin = ROOT / "plugins" / "action" / path.name
    assert plugin.exists(), f"{path.name} has no action plugin: it would always need a second Python"
    own = f"ansible_collections.mstr.library.plugins.modules.{path.stem}.main"
    assert [name for name in imports(plugin) if ".plugins.modules." in name] == [own]
    [action] = [node for node in tree(plugin).body if isinstance(node, ast.ClassDef)]
    assert ast.unparse(action.bases[0]) == "_in_process.ActionModule"
    assert ast.unparse(action.body[-1]) == "main = staticmethod(main)"


def test_an_action_plugin_belongs_to_a_module():
    assert [path.name for path in sorted((ROOT / "plugins" / "action").glob("*.py"))] == [path.name for path in MODULES]


@every_module
def test_a_module_prints_and_exits_through_the_helper_alone(path):
    names = {node.id for node in ast.walk(tree(path)) if isinstance(node, ast.Name)}
    assert not names & {"print", "exit"}
    assert "sys" not in outside(path)
