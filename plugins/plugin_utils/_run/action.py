# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module's own `main` in ansible-playbook's worker process, if that changes nothing except the run time.

Ansible packs a module into an archive and starts a new Python for every task, even on the control node itself. Each
module of this collection has an action plugin of the same name in `plugins/action`, which contains only this:

    from .._run import action

    class ActionModule(action.ActionModule):
        main = staticmethod(action.main_of("mstr_runtime"))

Ansible loads that file once, before it starts the workers, so that a whole run imports the module and its libraries
once. A new module needs only such a file; a unit test checks that it exists.

`worker` has what the module then runs in. In every doubtful case, the module runs in the normal way: see
`_reasons_for_a_module`.

What this needs of ansible-core and of the system beyond what every action plugin has, what breaks without it, and the
test in `tests/plays` that then fails. If an ansible-core lacks a name, the module runs in the normal way.

- `_execute_module`, `_update_module_args`, `_load_params`, `_PARSED_MODULE_ARGS`, `_return_formatted` (from 2.19 on
  `_record_module_result`), and the encoders in `worker`: no task runs in process; in_process/test_fallbacks.py
- `_compute_environment_string`, `os.environ`: the variables of a task have no effect;
  in_process/test_same_results.py, as of the next three
- `_loader.get_basedir`, `os.chdir`: a relative path in a variable such as MSTR_CA_PATH is another file's
- `warn`: an item of a loop has the warnings of the items before it
- `DeferredWarningContext`: a report lacks the warnings of a module, from 2.19 on; environments/test_audit.py
- handlers of signals: a write follows a Ctrl-C, SIGTERM, SIGHUP or timeout; stopped/test_stopped_plays.py, and the next
- `os._exit`: after a SIGKILL of ansible-playbook, a worker with a large result stays; test_a_killed_run…
- `setpgid`: a cancelled job leaves its session open, before 2.19, where a worker has a group of its own
- `os.dup`: no line of progress, from 2.19 on, where a worker has no standard error; in_process/test_progress.py
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from ansible import constants as C  # noqa: N812
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.parsing.dataloader import DataLoader
from ansible.utils.display import Display
from ansible.utils.vars import load_extra_vars

from ...module_utils._errors import ValidationError
from .. import action
from .._connection import PATHS, is_given

display = Display()

SWITCH = "mstr_in_process"
_COLLECTION = "ansible_collections.mstr.library.plugins"

# Prefixes of variables that only a newly started Python, or the loader of its libraries, reads.
_READ_AT_START = ("PYTHON", "LD_", "OPENSSL_")


class ActionModule(action.ActionModule):
    """The base class of the action plugins of this collection."""

    main: Callable[[], None]
    # Called with the result of a stopped run, before the signal takes effect. Returns a line for a person.
    on_stop: Callable[[dict[str, Any]], str] | None = None

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module."""
        if self._connection.transport == "local":
            self._task.args = self._with_found_files(self._task.args)
        return super().run(tmp, task_vars)

    def _with_found_files(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options. A relative path is that of the file that Ansible finds for it, as for a copy task."""
        with_paths = dict(options)
        for option in _FILES:
            path = options.get(option)
            if isinstance(path, str) and path and not os.path.isabs(os.path.expandvars(os.path.expanduser(path))):
                # The module reports a file that does not exist, together with all other errors.
                with suppress(AnsibleFileNotFound):
                    with_paths[option] = self._find_needle("files", os.path.expandvars(path))  # type: ignore[no-untyped-call]
        return with_paths

    def _execute_module(self, *args: Any, **options: Any) -> dict[str, Any]:
        task_vars = options.get("task_vars") or {}
        host = task_vars.get("inventory_hostname")
        params: dict[str, Any] = {}
        try:
            reason = next(self._reasons_for_a_module(task_vars), None)
            if reason is None:
                params = self._module_params(task_vars)
        except AnsibleError:  # a template or an option that is not valid, in both ways
            raise
        except Exception as exc:  # a later ansible-core may lack a name that is used here
            # Other texts may contain values of options.
            what = exc if isinstance(exc, AttributeError) else type(exc).__name__
            reason = f"its options or its place could not be prepared here ({what})"
        how = "in the process of ansible-playbook" if reason is None else f"as a module, because {reason}"
        display.vvv(f"{self._task.action} runs {how}", host=host)
        if reason is None:
            return self._run_here(params, host)
        return dict(super()._execute_module(*args, **options))

    def _run_here(self, params: dict[str, Any], host: Any) -> dict[str, Any]:
        """The result of the module, which runs in this process."""
        from .._run import worker

        screen = worker.Screen(host)
        progress = worker.no_progress if self._task.no_log else screen

        def stopped(result: dict[str, Any]) -> None:
            if self.on_stop:
                screen.show(self.on_stop(result), worker.LAST_LINE_MS)

        with worker.surroundings(action.task_environment(self), self._loader.get_basedir()):
            result = worker.run_main(self.main, params, progress, stopped)
        trace = result.pop("trace", ())
        for line in () if self._task.no_log else trace:
            display.vvv(line, host=host)
        return result

    def _reasons_for_a_module(self, task_vars: Mapping[str, Any]) -> Iterator[str]:
        """The reasons why the task cannot run in this process. The first is enough: later ones rely on it."""
        transport = self._connection.transport
        reasons = {
            "macOS kills a forked process that looks for a proxy": sys.platform == "darwin",
            f"this ansible-core is not known ({_WORKER_IMPORT_ERROR})": _WORKER_IMPORT_ERROR is not None,
            f"{SWITCH} is false": not self._switched_on(task_vars),
            f"the connection is {transport}, not local": transport != "local",
            "the task is async": self._task.async_val,
            "the task uses become": self._connection.become,
            "ANSIBLE_KEEP_REMOTE_FILES is set": C.config.get_config_value("DEFAULT_KEEP_REMOTE_FILES"),
        }
        yield from (reason for reason, is_so in reasons.items() if is_so)
        interpreter = self._interpreter(task_vars)
        if interpreter is None:
            yield "the interpreter of the host is not known yet"
        elif _location(interpreter) != _location(sys.executable):
            yield f"its interpreter {interpreter} is not the {sys.executable} that runs ansible-playbook"
        missing = _missing_libraries()
        if missing:
            yield f"the Python that runs ansible-playbook lacks {' and '.join(missing)}"
        named = sorted(name for name in action.task_environment(self) if name.startswith(_READ_AT_START))
        if named:
            yield f"only a new Python reads {', '.join(named)} of the task's environment"

    def _switched_on(self, task_vars: Mapping[str, Any]) -> bool:
        value = self._templar.template(task_vars.get(SWITCH))
        if not is_given(value):
            return True
        try:
            return bool(boolean(value))
        except TypeError:
            raise AnsibleActionFail(f"{SWITCH} must be true or false, not {str(value)!r}") from None

    def _interpreter(self, task_vars: Mapping[str, Any]) -> str | None:
        """The Python that Ansible would start; None if it would have to discover one first."""
        host_vars = task_vars
        if self._task.delegate_to:
            host_vars = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to, {})
        configured = C.config.get_config_value("INTERPRETER_PYTHON", variables=host_vars)
        interpreter = str(self._templar.template(configured) or "").strip()
        if not interpreter or interpreter.startswith("auto"):
            interpreter = host_vars.get("ansible_facts", {}).get("discovered_interpreter_python")
        return str(interpreter) if interpreter else None

    def _module_params(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """The options and settings that the module would read from its archive."""
        from .._run import worker

        params = dict(self._task.args)
        self._update_module_args(self._task.action, params, task_vars)
        return worker.plain(params)


def kept_warnings() -> list[Any]:
    """The warnings of the task that ansible-core 2.19 and newer keep beside the result of a module."""
    with suppress(Exception):
        context = import_module("ansible._internal._display_utils").DeferredWarningContext
        return list(context.current().get_warnings())
    return []


def why_failed(exc: AnsibleError | ValidationError, host: str, transport: str) -> str:
    """The sentence of an error; of a host that Ansible cannot reach, with what usually helps."""
    if isinstance(exc, ValidationError):
        return exc.sentence
    if not isinstance(exc, AnsibleConnectionFailure):
        return str(exc)
    return (
        f"Ansible cannot reach {host} with {transport} ({exc}). Each host is one environment, and the modules usually "
        'run on the control node. Set ansible_connection: local and ansible_python_interpreter: "{{ '
        'ansible_playbook_python }}" for all hosts of the inventory.'
    )


# The options that name a file to read.
_FILES = ("src", *PATHS)


def _location(python: str) -> tuple[str, str]:
    """The folder and the program. The Python of a virtual environment is a link to the base Python."""
    return os.path.realpath(os.path.dirname(python)), os.path.realpath(python)


def main_of(module: str) -> Callable[[], None]:
    """The `main` of a module, which is imported now, so that all workers share it, if a task of the run may call it."""
    name = f"{_COLLECTION}.modules.{module}"
    with suppress(Exception):  # each task imports it again, and reports the error
        if not _OFF_FOR_THE_RUN:
            import_module(name)
    # Whichever way a task runs, its worker would else search all of Ansible for garbage when it ends: a quarter of a
    # short run.
    gc.freeze()
    return lambda: import_module(name).main()


def _missing_libraries() -> list[str]:
    from ...module_utils._model.networks import NETADDR_IMPORT_ERROR
    from ...module_utils._session.transport import REQUESTS_IMPORT_ERROR

    errors = {"requests": REQUESTS_IMPORT_ERROR, "netaddr": NETADDR_IMPORT_ERROR}
    return [name for name, error in errors.items() if error]


# Whether an extra variable, which overrides all others, switches it off. No other variable is known so early.
_OFF_FOR_THE_RUN = False
with suppress(Exception):  # each task reads it again, and reports the error
    _OFF_FOR_THE_RUN = not boolean(load_extra_vars(DataLoader()).get(SWITCH, True))
_WORKER_IMPORT_ERROR: str | None = None
if not _OFF_FOR_THE_RUN:
    # Ansible has not started the workers yet, so that they share what is imported here.
    with suppress(Exception):  # a library that is broken here must not stop tasks that run as modules
        _missing_libraries()
    try:
        import_module(f"{_COLLECTION}.plugin_utils._run.worker")
    except Exception as exc:  # a later ansible-core may lack a name that is imported or replaced there
        _WORKER_IMPORT_ERROR = str(exc)
