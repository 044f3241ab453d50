from __future__ import annotations

import ast
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.mstr.library.plugins.action import mstr_audit
from ansible_collections.mstr.library.plugins.module_utils._model import networks
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Interrupted
from ansible_collections.mstr.library.plugins.plugin_utils._run import action, worker


def test_items_share_the_thread_of_a_screen(monkeypatch):
    """They share a process, and each item has a screen of its own."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 512)
    os.set_blocking(writer, True)
    monkeypatch.setattr(worker, "_STDERR", writer)
    monkeypatch.setattr(worker.Screen, "_writing", False)
    before = set(threading.enumerate())
    for host in ("a", "b", "c"):
        worker.Screen(host).show("a line")
    waiting = set(threading.enumerate()) - before
    os.close(reader)
    for thread in waiting:
        thread.join(10)
    os.close(writer)
    assert len(waiting) == 1


def test_hooks_are_complete():
    """A later ansible-core may lack any private name; the names that tasks run without are those defined here."""
    sources = [ast.parse(Path(file.__file__).read_text()) for file in (action, mstr_audit, worker)]
    nodes = [node for source in sources for node in ast.walk(source)]
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    own |= {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    used = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute)
        and ast.unparse(node.value) in ("self", "super()")
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
    }
    inherited = {name for name in used - own if not hasattr(worker._HeldStop, name)}
    # What `action` overrides and calls.
    inherited |= {"_execute_module"}
    hooks = {*action._ACTION_HOOKS, *action._MODULE_HOOKS}
    assert inherited <= hooks
    overridden = {"_load_params", "_record_module_result", "_return_formatted", "warn"}
    assert hooks - inherited <= overridden


class Task(action.ActionModule):
    """The action of a task that could run in process."""

    transport = "local"

    def __init__(self):
        task = SimpleNamespace(action="a task", args={}, async_val=0, become=False, delegate_to=None, no_log=False)
        templar, loader = SimpleNamespace(template=lambda text: text), SimpleNamespace(get_basedir=lambda: ".")
        super().__init__(
            task, SimpleNamespace(transport=self.transport), SimpleNamespace(become=False), loader, templar, None
        )

    def _compute_environment_string(self, raw):
        pass

    def _update_module_args(self, name, args, task_vars):
        pass

    main = staticmethod(action.main_of("mstr_info"))


def raising(error):
    def raise_it(*_args):
        raise error

    return raise_it


GONE = "this ansible-core is not known"
NOT_PREPARED = "its options or its place could not be prepared here"


@pytest.mark.parametrize(
    ("owner", "name", "value", "reason"),
    [
        (action.sys, "platform", "darwin", "macOS kills a forked process that looks for a proxy"),
        (action.threading, "main_thread", lambda: None, "it is not the main thread, where signals arrive"),
        (networks, "NETADDR_IMPORT_ERROR", ImportError(), "the Python that runs ansible-playbook lacks netaddr"),
        (action, "_WORKER_IMPORT_ERROR", "cannot import x", f"{GONE} (cannot import x)"),
        (AnsibleModule, "warn", None, f"{GONE} (AnsibleModule.warn)"),
        (ActionBase, "_find_needle", None, f"{GONE} (ActionModule._find_needle)"),
        (Task, "transport", "ssh", "the connection is ssh, not local"),
        (action.C.config, "get_config_value", lambda name, **_: "KEEP" in name, "ANSIBLE_KEEP_REMOTE_FILES is set"),
        (Task, "_update_module_args", raising(KeyError("secret")), f"{NOT_PREPARED} (KeyError)"),
        (Task, "_update_module_args", raising(AttributeError("no x")), f"{NOT_PREPARED} (no x)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_why_a_task_runs_as_a_module(monkeypatch, owner, name, value, reason):
    said = []
    monkeypatch.setattr(action.display, "vvv", lambda text, host: said.append(text))
    monkeypatch.setattr(NormalAction, "_execute_module", lambda self, *args, **options: {"done": True}, raising=False)
    if value is None:
        monkeypatch.delattr(owner, name)
    else:
        monkeypatch.setattr(owner, name, value)
    variables = {"ansible_python_interpreter": action.sys.executable, "inventory_hostname": "a"}
    assert Task()._execute_module(task_vars=variables) == {"done": True}
    assert said == [f"a task runs as a module, because {reason}"]


def test_after_last_check_timeout_does_not_count():
    """The session was handed over; without its result no other task could close it."""
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("the timeout counted"))
    try:
        stop = worker._HeldStop().install()
        signal.setitimer(signal.ITIMER_REAL, 100)
        stop.check_last()
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
        stop.release()
        stop = worker._HeldStop().install()
        signal.raise_signal(signal.SIGALRM)
        with pytest.raises(Interrupted):
            stop.check_last()
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("said", "printed"),
    [
        ([(0, "1 of 9"), (2.9, "5 of 9"), (3, "6 of 9")], ["6 of 9"]),
        ([(tenths / 10, f"{tenths} of 100") for tenths in range(100)], ["30 of 100", "60 of 100", "90 of 100"]),
        ([(3, "installing"), (60, "installing"), (61, "ready")], ["installing", "ready"]),
    ],
    ids=["not in the first three seconds", "at most every three seconds", "only when something has changed"],
)
def test_a_line_of_progress(said, printed):
    clock, lines = [0.0], []
    screen = worker.Screen("dev", lambda: clock[0])
    screen.show = lines.append
    for seconds, text in said:
        clock[0] = seconds
        screen(text, str)
    assert lines == printed
