from __future__ import annotations

import logging
import os
import warnings
from types import SimpleNamespace

import pytest
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.mstr.library.plugins.module_utils._model import networks
from ansible_collections.mstr.library.plugins.plugin_utils._run import action, worker


class Task(action.ActionModule):
    """The action of a task that could run in process."""

    transport = "local"

    def __init__(self):
        task = SimpleNamespace(action="a task", args={}, async_val=0, delegate_to=None, no_log=False)
        templar, loader = SimpleNamespace(template=lambda text: text), SimpleNamespace(get_basedir=lambda: ".")
        connection = SimpleNamespace(transport=self.transport, become=None)
        super().__init__(task, connection, None, loader, templar, None)

    def _compute_environment_string(self, raw):
        pass

    def _update_module_args(self, name, args, task_vars):
        pass

    main = staticmethod(action.main_of("mstr_info"))


def raising(error):
    def raise_it(*_args):
        raise error

    return raise_it


NOT_PREPARED = "its options or its place could not be prepared here"


@pytest.mark.parametrize(
    ("owner", "name", "value", "reason"),
    [
        (action.sys, "platform", "darwin", "macOS kills a forked process that looks for a proxy"),
        (networks, "NETADDR_IMPORT_ERROR", ImportError(), "the Python that runs ansible-playbook lacks netaddr"),
        (action, "_WORKER_IMPORT_ERROR", "cannot import x", "this ansible-core is not known (cannot import x)"),
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
    monkeypatch.setattr(owner, name, value)
    variables = {"ansible_python_interpreter": action.sys.executable, "inventory_hostname": "a"}
    assert Task()._execute_module(task_vars=variables) == {"done": True}
    assert said == [f"a task runs as a module, because {reason}"]


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


def test_a_terminal_that_nobody_reads(monkeypatch):
    """It stops no task, whether it is full or closed."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    full = os.write(writer, b"x" * 10_000_000)
    os.set_blocking(writer, True)
    monkeypatch.setattr(worker, "_STDERR", writer)
    worker.Screen("a").show("a line")
    assert os.read(reader, 20_000_000) == b"x" * full
    worker.Screen("a").show("a line", worker.LAST_LINE_MS)
    assert os.read(reader, 100) == b"[a] a line\n"
    os.close(reader)
    worker.Screen("a").show("a line")
    os.close(writer)


def ran(main):
    """The result of a module with this `main`."""
    return worker.run_main(main, {}, worker.no_progress, lambda result: None)


def test_an_error_of_the_action_plugin():
    """After the module has started, it does not run again, because it may have written something."""
    message = ran(raising(KeyError("secret")))["msg"]
    assert "An error in mstr.library's action plugin: KeyError. Please report it with this message." in message
    assert message.endswith("With the variable mstr_in_process: false the task runs as a module.")


def test_output_of_libraries_is_not_shown(caplog, recwarn):
    """requests warns of unknown versions, urllib3 warns of certificates, and both write logs."""

    def main():
        warnings.warn("noise", stacklevel=1)
        logging.getLogger("urllib3").error("noise")

    ran(main)
    assert (caplog.records, list(recwarn)) == ([], [])
