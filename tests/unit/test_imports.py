"""What a task imports, when, and without which libraries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from unit.support.library_server import LibraryServer
from unit.support.make import PASSWORD, stored
from unit.support.wire import reply

THREADED = """
import json, sys, threading
def record(event, args):
    in_main = threading.current_thread() is threading.main_thread()
    if event == "import" and args[0].startswith("ansible") and not in_main:
        print(args[0], file=sys.stderr)
sys.addaudithook(record)
from ansible.module_utils import basic
basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = sys.argv[1].encode(), "legacy"
from ansible_collections.mstr.library.plugins.modules import mstr_runtimes
mstr_runtimes.main()
"""
ROOT = Path(__file__).parents[2]
LIBRARIES = ("netaddr", "requests", "urllib3", "packaging", "yaml")


@pytest.fixture
def python(tmp_path):
    """Runs a program in a new Python that can import the collection."""
    tree = tmp_path / "ansible_collections" / "mstr"
    tree.mkdir(parents=True)
    (tree / "library").symlink_to(ROOT)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}

    def run(*args):
        command = [sys.executable, "-c", *args]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize(("call", "answer"), [("GET", b""), ("PATCH", reply(403))], ids=["lost", "refused"])
def test_threads_import_nothing(python, call, answer):
    """Before Python 3.10, a thread may see a module of Ansible's zip that another thread has imported only in part."""
    runtimes = [stored(id=f"{number:032X}", name=name) for number, name in enumerate("rs", start=1)]
    with LibraryServer(*runtimes) as server:
        server.answers.update({f"{call} /runtimes/{runtime['id']}": answer for runtime in runtimes})
        options = {"base_url": server.url, "username": "u", "password": PASSWORD, "retries": 0}
        options["runtimes"] = [{"name": name, "exec_timeout": 60} for name in "rs"]
        ran = python(THREADED, json.dumps({"ANSIBLE_MODULE_ARGS": options}))
    assert [runtime["action"] for runtime in json.loads(ran.stdout)["runtimes"]] == ["none", "none"]
    assert ran.stderr == ""


def test_every_import_works_without_libraries(python):
    """A missing library is one sentence of the task that needs it, and ansible-doc needs none."""
    files = [path.relative_to(ROOT).with_suffix("") for path in ROOT.glob("plugins/module_utils/**/*.py")]
    names = [".".join(("ansible_collections.mstr.library", *file.parts)) for file in files]
    missing = f"import importlib, sys; sys.modules.update(dict.fromkeys({LIBRARIES}))"
    ran = python(f"{missing}; [*map(importlib.import_module, {names})]")
    assert ran.returncode == 0, ran.stderr


def test_broken_library_here_stops_no_module(python):
    """Such as requests with a pyOpenSSL that does not fit: the action plugins load, and the tasks run as modules."""
    program = """
import sys
class Broken:
    def find_spec(self, name, path, target=None):
        if name == "requests":
            raise AttributeError(name)
sys.meta_path.insert(0, Broken())
from ansible_collections.mstr.library.plugins.action import mstr_runtime
assert mstr_runtime.action._WORKER_IMPORT_ERROR
"""
    process = python(program)
    assert process.returncode == 0, process.stderr


@pytest.mark.parametrize(("variable", "imported"), [("mstr_in_process=false", False), ("mstr_in_process=true", True)])
def test_extra_variable_spares_imports(python, variable, imported):
    """A run that an extra variable switches off imports no module, no library and nothing else of what runs them.

    In both, no worker searches for garbage in what was loaded before it.
    """
    program = f"""
import gc, sys
from ansible import context
context.CLIARGS = {{"extra_vars": ({variable!r},)}}
from ansible_collections.mstr.library.plugins.action import mstr_runtime
heavy = ("netaddr", "requests", "modules.mstr_runtime", "plugin_utils._run.worker")
assert gc.get_freeze_count() > 10000
print({{any(name == one or name.endswith("plugins." + one) for name in sys.modules) for one in heavy}})
"""
    ran = python(program)
    assert ran.stdout.strip() == f"{{{imported}}}", ran.stderr
