# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a task runs as a module instead of in process: it reports the reason at -vvv, and works as usual."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils import _frame
from ansible_collections.mstr.library.plugins.plugin_utils._in_process import _HOOKS
from simulator.harness import Simulator

from in_process.running import folder_of, run

IN_PROCESS = "in the process of ansible-playbook"
TASK = """
- name: A play
  hosts: {hosts}
  gather_facts: false
  tasks:
    - name: A task
      mstr.library.mstr_runtime_info:
      {more}
"""
HOSTS = """
[all:vars]
ansible_connection=local
ansible_python_interpreter={{ ansible_playbook_python }}
[all]
a
switched_off mstr_in_process=false
other_python ansible_python_interpreter=PYTHON39
linked_python ansible_python_interpreter=LINKED
auto ansible_python_interpreter=auto_silent
elsewhere ansible_connection=mstr_test_local
"""
# A local connection with a different name, in place of a connection to a different host.
CONNECTION = """
from __future__ import annotations
from ansible.plugins.connection.local import Connection as Local
DOCUMENTATION = '''
name: mstr_test_local
short_description: Local by another name
description: Local by another name.
extends_documentation_fragment: [connection_pipelining]
'''
class Connection(Local):
    transport = "mstr_test_local"
"""


def way(
    sim: Simulator, core: Path, folder: Path, host: str = "a", more: str = "", *options: str, **env: str
) -> list[str]:
    """Return the way that each task of a play reports. All tasks must succeed."""
    folder = folder_of(folder, core, "in process")
    (folder / "connections").mkdir(parents=True)
    (folder / "connections" / "mstr_test_local.py").write_text(CONNECTION)
    python39 = os.environ.get("MSTR_TEST_PYTHON39") or "PYTHON39"
    inventory = HOSTS.replace("PYTHON39", python39)
    more_env = {"ANSIBLE_CONNECTION_PLUGINS": str(folder / "connections"), **env}
    text = TASK.format(hosts=host, more=more)
    ran = run(sim, core, folder, text, "-vvv", *options, inventory=inventory, **more_env)
    assert ran.status == 0, ran.stdout + ran.stderr
    assert sim.open_sessions() == []
    assert "runtimes" in str(ran.notes) or "ansible_job_id" in str(ran.notes) or "no_log" in more
    return ran.ways()


WAYS = {
    "tags: plain": IN_PROCESS,
    "vars: {mstr_in_process: true}": IN_PROCESS,
    "vars: {mstr_in_process: null}": IN_PROCESS,
    "vars: {mstr_in_process: 'no'}": "as a module, because mstr_in_process is false",
    "async: 30\n      poll: 1": "as a module, because the task is async",
    "no_log: true": IN_PROCESS,
    "environment: {MSTR_RETRIES: '1', HOME: /nowhere}": IN_PROCESS,
    "environment: {PYTHONWARNINGS: ignore, LD_BIND_NOW: '1', OPENSSL_ia32cap: ''}": (
        "as a module, because only a new Python reads LD_BIND_NOW, OPENSSL_ia32cap, PYTHONWARNINGS of the task's "
        "environment"
    ),
    "delegate_to: localhost": IN_PROCESS,
    "delegate_to: elsewhere": "as a module, because the connection is mstr_test_local, not local",
    "delegate_to: switched_off": IN_PROCESS,
}


def test_a_task_reports_how_it_runs(sim: Simulator, core: Path, tmp_path: Path) -> None:
    tasks = "".join(f"    - mstr.library.mstr_runtime_info:\n      {more}\n" for more in WAYS)
    assert way(sim, core, tmp_path, "a", f"tags: first\n{tasks}") == [
        IN_PROCESS,
        *WAYS.values(),
    ]


def test_mstr_in_process_can_be_set_for_a_host(sim: Simulator, core: Path, tmp_path: Path) -> None:
    assert way(sim, core, tmp_path, "switched_off") == ["as a module, because mstr_in_process is false"]


def test_an_invalid_mstr_in_process_fails(sim: Simulator, core: Path, tmp_path: Path) -> None:
    ran = run(sim, core, tmp_path, TASK.format(hosts="a", more=""), extra={"mstr_in_process": "fasle"})
    assert ran.result("A task")["msg"].endswith("mstr_in_process must be true or false, not 'fasle'")
    assert ran.requests == []


@pytest.mark.skipif(not os.environ.get("MSTR_TEST_PYTHON39"), reason="no Python 3.9 here")
def test_a_task_with_a_different_python_runs_as_a_module(sim: Simulator, core: Path, tmp_path: Path) -> None:
    [why] = way(sim, core, tmp_path, "other_python")
    assert why.startswith(f"as a module, because its interpreter {os.environ['MSTR_TEST_PYTHON39']} is not the ")


def test_a_link_in_a_different_folder_is_a_different_python(sim: Simulator, core: Path, tmp_path: Path) -> None:
    """Virtual environments are made like this: the same program with other libraries."""
    link = tmp_path / "bin" / "python"
    link.parent.mkdir()
    link.symlink_to(core / "python")
    inventory = HOSTS.replace("LINKED", str(link))
    ran = run(sim, core, tmp_path, TASK.format(hosts="linked_python", more=""), "-vvv", inventory=inventory)
    [why] = ran.ways()
    assert f"its interpreter {link} is not the {core}/python" in why
    # The libraries are missing, so the module fails with the usual message.
    assert "cannot be imported by the Python" in ran.result("A task")["msg"]
    assert ran.result("A task")["msg"].startswith('Set ansible_python_interpreter: "{{ ansible_playbook_python }}"')


def test_the_interpreter_of_a_delegated_host_counts(sim: Simulator, core: Path, tmp_path: Path) -> None:
    [why] = way(sim, core, tmp_path, "other_python", "delegate_to: a")
    assert why == IN_PROCESS


def test_a_task_with_an_unknown_interpreter_runs_as_a_module(sim: Simulator, core: Path, tmp_path: Path) -> None:
    """The first task runs as a module. Later tasks know which Python was found and whether it is this one."""
    text = TASK.format(hosts="auto", more="ignore_errors: true")
    text += "    - ansible.builtin.ping:\n"
    text += "    - name: Another task\n      mstr.library.mstr_runtime_info:\n      ignore_errors: true\n"
    path = f"{core}{os.pathsep}{os.environ['PATH']}"
    ran = run(sim, core, tmp_path, text, "-vvv", inventory=HOSTS, PATH=path)
    first, later = ran.ways()
    assert first == "as a module, because the interpreter of the host is not known yet"
    # The Python that Ansible finds depends on the machine.
    assert later == IN_PROCESS or later.startswith("as a module, because its interpreter ")


def test_a_task_with_become_runs_as_a_module(sim: Simulator, core: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root becomes itself without a password")
    folder = folder_of(tmp_path, core, "in process")
    folder.mkdir()
    sudo = folder / "sudo"
    # Does not change the user: removes the options and runs the rest.
    sudo.write_text('#!/bin/sh\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n')
    sudo.chmod(0o755)
    ran = run(
        sim, core, folder, TASK.format(hosts="a", more="become: true"), "-vvv", extra={"ansible_become_exe": str(sudo)}
    )
    assert ran.ways() == ["as a module, because the task uses become"], ran.stdout


def test_keep_remote_files_runs_tasks_as_modules(sim: Simulator, core: Path, tmp_path: Path) -> None:
    [why] = way(sim, core, tmp_path, ANSIBLE_KEEP_REMOTE_FILES="1")
    assert why == "as a module, because ANSIBLE_KEEP_REMOTE_FILES is set"
    assert list(tmp_path.rglob("AnsiballZ_mstr_runtime_info.py"))


# Simulated differences of a machine. A callback makes them, because the main process loads it before all tasks.
MACHINES = {
    "macos": (
        "import sys; sys.platform = 'darwin'",
        "macOS kills a forked process that looks for a proxy",
    ),
    "missing": (
        "adapter._LIBRARIES['requests'] = adapter._LIBRARIES['netaddr'] = 'Traceback'",
        "the Python that runs ansible-playbook lacks requests and netaddr",
    ),
    "thread": (
        "import types; adapter.threading = types.SimpleNamespace(current_thread=lambda: 1, main_thread=lambda: 2)",
        "it is not the main thread, where signals arrive",
    ),
    "fault": (
        "adapter.ActionModule._given = lambda self, task_vars: {}['nothing']",
        "its options or its place could not be prepared here (KeyError)",
    ),
    "attribute": (
        "adapter.ActionModule._interpreter = lambda self, task_vars: task_vars.nothing",
        "its options or its place could not be prepared here ('dict' object has no attribute 'nothing')",
    ),
}
CHANGE = """
from ansible.plugins.callback import CallbackBase
from ansible_collections.mstr.library.plugins.plugin_utils import _frame as frame, _in_process as adapter
DOCUMENTATION = '''
name: change
type: aggregate
short_description: Changes the machine
description: Changes the machine.
'''
class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "change"
    CALLBACK_NEEDS_ENABLED = True
    def v2_playbook_on_start(self, playbook):
        {change}
"""
# Hides the part of ansible-core that the name of each task ends with, as if that core had renamed it.
HIDE = """
from ansible.plugins.callback import CallbackBase
from ansible_collections.mstr.library.plugins.plugin_utils import _in_process as adapter
DOCUMENTATION = '''
name: change
type: aggregate
short_description: Hides a part of ansible-core
description: Hides a part of ansible-core.
'''
class Without:
    def __init__(self, owner, hidden):
        self.owner, self.hidden, self.__name__ = owner, hidden, owner.__name__
    def __getattr__(self, name):
        if f"{self.owner.__name__}.{name}" == self.hidden:
            raise AttributeError(name)
        return getattr(self.owner, name)
class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "change"
    CALLBACK_NEEDS_ENABLED = True
    HOOKS = adapter._HOOKS
    def v2_playbook_on_task_start(self, task, is_conditional):
        hidden = task.name.split()[-1]
        adapter._HOOKS = tuple((Without(owner, hidden), names) for owner, names in self.HOOKS)
"""
# Imports the adapter again for each task, as if ansible-core did not have the name that the task's name ends with. Only
# the adapter's imports fail, because a core that renames something uses the new name itself.
UNIMPORTABLE = """
import builtins, importlib, sys
from ansible.plugins.callback import CallbackBase
from ansible_collections.mstr.library.plugins.plugin_utils import _in_process as adapter
DOCUMENTATION = '''
name: change
type: aggregate
short_description: Hides an import
description: Hides an import.
'''
FRAME = adapter.__name__.replace("_in_process", "_frame")
class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "change"
    CALLBACK_NEEDS_ENABLED = True
    IMPORT = staticmethod(builtins.__import__)
    def v2_playbook_on_task_start(self, task, is_conditional):
        hidden = task.name.split()[-1]
        def without(name, globals=None, locals=None, fromlist=(), level=0):
            for one in fromlist or ():
                if f"{name}.{one}" == hidden and globals["__name__"] == FRAME:
                    raise ImportError(f"cannot import {hidden}")
            return self.IMPORT(name, globals, locals, fromlist, level)
        builtins.__import__ = without
        sys.modules.pop(FRAME, None)
        importlib.reload(adapter)
        builtins.__import__ = self.IMPORT
"""


def changed(folder: Path, change: str) -> dict[str, str]:
    (folder / "callbacks").mkdir(parents=True)
    (folder / "callbacks" / "change.py").write_text(change if "\n" in change else CHANGE.format(change=change))
    callbacks = os.pathsep.join((str(folder / "callbacks"), str(Path(__file__).parent / "callback")))
    return {"ANSIBLE_CALLBACK_PLUGINS": callbacks, "ANSIBLE_CALLBACKS_ENABLED": "record,change"}


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_that_cannot_run_tasks_in_process_uses_modules(
    sim: Simulator, newest: Path, tmp_path: Path, name: str
) -> None:
    change, why = MACHINES[name]
    assert way(sim, newest, tmp_path, **changed(tmp_path, change)) == [f"as a module, because {why}"]


def test_a_core_that_lacks_one_of_the_hooks_runs_tasks_as_modules(sim: Simulator, core: Path, tmp_path: Path) -> None:
    """A later ansible-core that renames what the adapter needs still runs every task, only more slowly."""
    hooks = [f"{owner.__name__}.{name}" for owner, names in _HOOKS for name in names]
    tasks = "".join(f"    - name: Without {hook}\n      mstr.library.mstr_runtime_info:\n" for hook in hooks)
    assert way(sim, core, tmp_path, "a", f"tags: first\n{tasks}", **changed(tmp_path, HIDE)) == [
        IN_PROCESS,
        *(f"as a module, because this ansible-core is not known ({hook})" for hook in hooks),
    ]


def test_a_core_that_lacks_one_of_the_imports_runs_tasks_as_modules(sim: Simulator, core: Path, tmp_path: Path) -> None:
    source = Path(_frame.__file__).read_text()
    names = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("ansible.")
        for alias in node.names
    ]
    version = tuple(map(int, core.parent.name.split("-")[1].split(".")))
    unused = {"AnsibleJSONEncoder", "wrap_var"} if version >= (2, 19) else {"Direction", "get_module_encoder"}
    unused |= {"remove_values"} if version >= (2, 22) else set()
    tasks = "".join(f"    - name: Without {name}\n      mstr.library.mstr_runtime_info:\n" for name in names)
    assert way(sim, core, tmp_path, "a", f"tags: first\n{tasks}", **changed(tmp_path, UNIMPORTABLE)) == [
        IN_PROCESS,
        *(
            IN_PROCESS
            if name.rpartition(".")[2] in unused
            else f"as a module, because this ansible-core is not known (cannot import {name})"
            for name in names
        ),
    ]


def test_an_error_in_the_action_plugin_is_one_sentence(sim: Simulator, core: Path, tmp_path: Path) -> None:
    """After the module has started, it does not run again, because it may have written something."""
    env = changed(tmp_path, "frame._InProcessModule.exit_json = lambda self, **result: {}['nothing']")
    ran = run(sim, core, tmp_path, TASK.format(hosts="a", more=""), **env)
    assert ran.status == 2
    result = ran.result("A task")
    assert "A fault in mstr.library's action plugin: KeyError. Please report it with this message." in result["msg"]
    assert result["msg"].endswith("With the variable mstr_in_process: false the task runs as a module.")
    assert "Traceback" not in ran.stdout + ran.stderr
    assert sim.open_sessions() == []


def test_a_task_restores_the_state_of_its_process(sim: Simulator, core: Path, tmp_path: Path) -> None:
    """Items of a loop share a process. Its environment, folder, signals and group are restored after each item."""
    text = """
- name: A play
  hosts: a
  gather_facts: false
  tasks:
    - name: A task
      mstr.library.mstr_runtime_info:
        retries: "{{ lookup('ansible.builtin.pipe', 'echo ${MSTR_RETRIES:-3} ${LC_ALL:-none}; pwd').split()[0] }}"
      environment: {MSTR_RETRIES: "9", LC_ALL: C.UTF-8}
      loop: [1, 2]
"""
    ran = run(sim, core, tmp_path, text, ANSIBLE_INJECT_INVOCATION="true")
    assert ran.status == 0, ran.stdout
    items = [note["result"]["invocation"]["module_args"]["retries"] for note in ran.notes if note["event"] == "item ok"]
    assert items == [3, 3]


def test_output_of_libraries_is_not_shown(sim: Simulator, core: Path, tmp_path: Path) -> None:
    """requests warns of unknown versions, urllib3 warns of certificates, and both write logs."""
    log = tmp_path / "ansible.log"
    change = (
        "import logging, requests, warnings; send = requests.Session.request; "
        "requests.Session.request = lambda self, *args, **more: (warnings.warn('noise'), "
        "logging.getLogger('urllib3').error('noise'), send(self, *args, **more))[-1]"
    )
    env = changed(tmp_path, change) | {"ANSIBLE_LOG_PATH": str(log)}
    ran = run(sim, core, tmp_path / "run", TASK.format(hosts="a", more="no_log: false"), **env)
    assert ran.status == 0, ran.stderr
    assert "noise" not in ran.stdout + ran.stderr + log.read_text()
