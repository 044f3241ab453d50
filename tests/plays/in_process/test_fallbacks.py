"""When a task runs as a module instead of in process: it reports the reason at -vvv, and works as usual."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils._run import worker
from ansible_collections.mstr.library.plugins.plugin_utils._run.action import _ACTION_HOOKS, _MODULE_HOOKS
from simulator.harness import Simulator
from support.ansible import CALLBACKS, Play

IN_PROCESS = "in the process of ansible-playbook"
PYTHON39 = os.environ.get("MSTR_TEST_PYTHON39", "")
TASK = """
- name: A play
  hosts: {host}
  gather_facts: false
  tasks:
    - name: {name}
      mstr.library.mstr_runtime_info:
      {more}
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


def task(host: str = "a", more: str = "", name: str = "A task") -> str:
    return TASK.format(host=host, more=more, name=name)


@pytest.fixture
def machine(local: Play) -> Play:
    """A play with hosts on which tasks run in different ways, and a `sudo` that only runs its arguments."""
    local.write("connections/mstr_test_local.py", CONNECTION)
    local.env = {**local.env, "ANSIBLE_CONNECTION_PLUGINS": str(local.folder / "connections")}
    sudo = local.write("sudo", '#!/bin/sh\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n')
    sudo.chmod(0o755)
    # Virtual environments are made like this: the same program with other libraries.
    link = local.folder / "bin" / "python"
    link.parent.mkdir()
    link.symlink_to(local.bin / "python")
    local.hosts |= {
        "switched_off": {"mstr_in_process": False},
        "other_python": {"ansible_python_interpreter": PYTHON39 or "/nowhere/python3.9"},
        "linked_python": {"ansible_python_interpreter": str(link)},
        "auto": {"ansible_python_interpreter": "auto_silent"},
        "elsewhere": {"ansible_connection": "mstr_test_local"},
    }
    return local


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


def test_a_task_reports_how_it_runs(sim: Simulator, machine: Play) -> None:
    ways = {task(more=more): way for more, way in WAYS.items()}
    ways[task("switched_off")] = "as a module, because mstr_in_process is false"
    # The interpreter of a delegated host counts.
    ways[task("other_python", "delegate_to: a")] = IN_PROCESS
    if os.geteuid() == 0:  # only root becomes itself without a password
        become = f"become: true\n      vars: {{ansible_become_exe: {machine.folder / 'sudo'}}}"
        ways[task(more=become)] = "as a module, because the task uses become"
    pythons = {"linked_python": str(machine.folder / "bin" / "python"), "other_python": PYTHON39}
    for host, python in pythons.items():
        if python:
            why = f"its interpreter {python} is not the {machine.bin}/python that runs ansible-playbook"
            ways[task(host, "ignore_errors: true", f"On {host}")] = f"as a module, because {why}"
    wrong = task(more="vars: {mstr_in_process: fasle}\n      ignore_errors: true", name="A wrong one")
    played = machine("".join([*ways, wrong]), "-vvv")
    assert played.status == 0, played.output
    assert played.ways() == list(ways.values())
    assert sim.open_sessions() == []
    fault = "mstr_in_process must be true or false, not 'fasle'"
    assert played.result("A wrong one")["msg"].endswith(fault)
    # The libraries are missing there, so the module fails with the usual message.
    message = played.result("On linked_python")["msg"]
    assert "cannot be imported by the Python that runs this module, " in message
    assert '. Set ansible_python_interpreter: "{{ ansible_playbook_python }}" for this host, because ' in message
    assert "Or install with: " in message
    assert not PYTHON39 or not played.result("On other_python").get("failed")


def test_an_unknown_interpreter_runs_as_a_module(machine: Play) -> None:
    """The first task runs as a module. Later tasks know which Python was found and whether it is this one."""
    text = task("auto", "ignore_errors: true")
    text += "    - ansible.builtin.ping:\n"
    text += "    - name: Another task\n      mstr.library.mstr_runtime_info:\n      ignore_errors: true\n"
    first, later = machine(text, "-vvv").ways()
    assert first == "as a module, because the interpreter of the host is not known yet"
    # The Python that Ansible finds depends on the machine.
    assert later == IN_PROCESS or later.startswith("as a module, because its interpreter ")


def test_keep_remote_files(local: Play) -> None:
    played = local(task(), "-vvv", env={"ANSIBLE_KEEP_REMOTE_FILES": "1"})
    assert played.ways() == ["as a module, because ANSIBLE_KEEP_REMOTE_FILES is set"]
    assert list(local.folder.rglob("AnsiballZ_mstr_runtime_info.py"))


# A callback in the main process, from which the process of each task is made.
CALLBACK = """
import builtins, importlib, sys, types, warnings
from ansible.plugins.callback import CallbackBase
from ansible_collections.mstr.library.plugins.plugin_utils._run import action as adapter
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
"""
# For the task whose name ends with a key of CHANGES, it replaces one attribute.
CHANGE = """
    undo = ()
    def v2_playbook_on_task_start(self, task, is_conditional):
        if self.undo:
            setattr(*self.undo)
        owner, name, value = CHANGES.get(task.name.split()[-1], (adapter, "SWITCH", adapter.SWITCH))
        self.undo = (owner, name, getattr(owner, name))
        setattr(owner, name, value)
import logging, requests
from ansible_collections.mstr.library.plugins.plugin_utils._run import worker
def without(hidden):
    owner, hook = hidden.split(".")
    name = {"AnsibleModule": "_MODULE_HOOKS", "ActionModule": "_ACTION_HOOKS"}[owner]
    return (adapter, name, tuple(f"{one}_gone" if one == hook else one for one in getattr(adapter, name)))
send = requests.Session.request
CHANGES = {CHANGES}
"""
# Imports the adapter again for each task, as if ansible-core did not have the name that the task's name ends with. Only
# the adapter's imports fail, because a core that renames something uses the new name itself.
UNIMPORTABLE = """
    IMPORT = staticmethod(builtins.__import__)
    WORKER = adapter.__name__.removesuffix("action") + "worker"
    def v2_playbook_on_task_start(self, task, is_conditional):
        hidden = task.name.split()[-1]
        def without(name, globals=None, locals=None, fromlist=(), level=0):
            for part in fromlist or ():
                if f"{name}.{part}" == hidden and globals["__name__"] == self.WORKER:
                    raise ImportError(f"cannot import {hidden}")
            return self.IMPORT(name, globals, locals, fromlist, level)
        builtins.__import__ = without
        sys.modules.pop(self.WORKER, None)
        importlib.reload(adapter)
        builtins.__import__ = self.IMPORT
"""


def changing(play: Play, callback: str, changes: str = "") -> Play:
    play.write("callbacks/change.py", CALLBACK + callback.replace("{CHANGES}", f"{{{changes}}}"))
    callbacks = os.pathsep.join((str(play.folder / "callbacks"), str(CALLBACKS)))
    more = {"ANSIBLE_CALLBACK_PLUGINS": callbacks, "ANSIBLE_CALLBACKS_ENABLED": "record,change"}
    play.env = {**play.env, **more}
    return play


def version_of(play: Play) -> tuple[int, ...]:
    """The version of the play's ansible-core."""
    return tuple(map(int, play.bin.parent.name.split("-")[1].split(".")))


def ways_without(play: Play, names: list[str]) -> list[str]:
    """The ways of a task that nothing hinders, and of a task for each name. All of them must succeed."""
    played = play("".join([task(), *(task(name=f"Without {name}") for name in names)]), "-vvv")
    assert played.status == 0, played.output
    assert all("runtimes" in note["result"] for note in played.notes())
    return played.ways()


MACHINES = {
    "macos": ("(sys, 'platform', 'darwin')", "macOS kills a forked process that looks for a proxy"),
    "libraries": (
        "(adapter, '_missing_libraries', lambda: ['requests', 'netaddr'])",
        "the Python that runs ansible-playbook lacks requests and netaddr",
    ),
    "threads": (
        "(adapter, 'threading', types.SimpleNamespace(current_thread=lambda: 1, main_thread=lambda: 2))",
        "it is not the main thread, where signals arrive",
    ),
    "options": (
        "(adapter.ActionModule, '_module_params', lambda self, task_vars: {}['nothing'])",
        "its options or its place could not be prepared here (KeyError)",
    ),
    "attributes": (
        "(adapter.ActionModule, '_interpreter', lambda self, task_vars: task_vars.nothing)",
        "its options or its place could not be prepared here ('dict' object has no attribute 'nothing')",
    ),
}


def test_a_machine_that_needs_modules(local_newest: Play) -> None:
    changes = ", ".join(f"{name!r}: {change}" for name, (change, _why) in MACHINES.items())
    play = changing(local_newest, CHANGE, changes)
    whys = [f"as a module, because {why}" for _change, why in MACHINES.values()]
    assert ways_without(play, list(MACHINES)) == [IN_PROCESS, *whys]


def test_a_core_that_lacks_a_hook(local: Play) -> None:
    """A later ansible-core that renames what the adapter needs still runs every task, only more slowly."""
    # These tests run on the newest ansible-core, their plays on any.
    old = {"_record_module_result": "_return_formatted"} if version_of(local) < (2, 19) else {}
    modules = [old.get(name, name) for name in _MODULE_HOOKS]
    hooks = [*(f"AnsibleModule.{name}" for name in modules), *(f"ActionModule.{name}" for name in _ACTION_HOOKS)]
    play = changing(local, CHANGE, f"hook: without(hook) for hook in {hooks}")
    whys = [f"as a module, because this ansible-core is not known ({hook}_gone)" for hook in hooks]
    assert ways_without(play, hooks) == [IN_PROCESS, *whys]


def test_a_core_that_lacks_an_import(local: Play) -> None:
    source = Path(worker.__file__).read_text()
    names = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("ansible.")
        for alias in node.names
    ]
    version = version_of(local)
    unused = {"AnsibleJSONEncoder", "wrap_var"} if version >= (2, 19) else {"Direction", "get_module_encoder"}
    unused |= {"remove_values"} if version >= (2, 22) else set()
    assert ways_without(changing(local, UNIMPORTABLE), names) == [
        IN_PROCESS,
        *(
            IN_PROCESS
            if name.rpartition(".")[2] in unused
            else f"as a module, because this ansible-core is not known (cannot import {name})"
            for name in names
        ),
    ]


def test_an_error_of_the_action_plugin(sim: Simulator, local: Play) -> None:
    """After the module has started, it does not run again, because it may have written something."""
    changes = "'task': (worker._InProcessModule, 'exit_json', lambda self, **result: {}['nothing'])"
    played = changing(local, CHANGE, changes)(task())
    assert played.status == 2
    message = played.result("A task")["msg"]
    assert "An error in mstr.library's action plugin: KeyError. Please report it with this message." in message
    assert message.endswith("With the variable mstr_in_process: false the task runs as a module.")
    assert "Traceback" not in played.output
    assert sim.open_sessions() == []


def test_a_task_restores_its_process(local: Play) -> None:
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
    played = local(text, env={"ANSIBLE_INJECT_INVOCATION": "true"})
    assert played.status == 0, played.output
    items = [note["result"] for note in played.notes() if note["event"] == "item ok"]
    assert [item["invocation"]["module_args"]["retries"] for item in items] == [3, 3]


def test_output_of_libraries_is_not_shown(local: Play) -> None:
    """requests warns of unknown versions, urllib3 warns of certificates, and both write logs."""
    log = local.folder / "ansible.log"
    noise = (
        "lambda self, *args, **more: (warnings.warn('noise'), logging.getLogger('urllib3').error('noise'), "
        "send(self, *args, **more))[-1]"
    )
    play = changing(local, CHANGE, f"'task': (requests.Session, 'request', {noise})")
    played = play(task(), env={"ANSIBLE_LOG_PATH": str(log)})
    assert played.status == 0, played.output
    assert "noise" not in played.output + log.read_text()
