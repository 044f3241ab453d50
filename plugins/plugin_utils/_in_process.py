# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module's own C(main) in ansible-playbook's worker process, if that changes nothing except the run time.

Ansible packs a module into an archive and starts a new Python for every task, even on the controller itself. Each
module of this collection has an action plugin of the same name in C(plugins/action), which contains only this:

    from ansible_collections.mstr.library.plugins.modules.mstr_runtime import main
    from ansible_collections.mstr.library.plugins.plugin_utils import _in_process

    class ActionModule(_in_process.ActionModule):
        main = staticmethod(main)

Ansible loads that file once, before it starts the workers, so that a whole run imports the libraries once. A new module
needs only such a file; a unit test checks that it exists.

The module runs with AnsibleModule itself, so that option checks, fallbacks, check mode, masking and the system log are
the same code. Three methods are replaced: where the options come from, where warnings go, and where the result goes.
In every doubtful case, the module runs in the normal way: see `_why_as_a_module`.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import parent_process
from typing import Any, NoReturn

from ansible import constants as C  # noqa: N812
from ansible.errors import AnsibleActionFail
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.common.warnings import get_deprecation_messages, get_warning_messages
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display
from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._http import REQUESTS_IMPORT_ERROR
from ansible_collections.mstr.library.plugins.module_utils._interrupt import Stop
from ansible_collections.mstr.library.plugins.module_utils._networks import NETADDR_IMPORT_ERROR
from ansible_collections.mstr.library.plugins.module_utils._options import option_error, secrets_in
from ansible_collections.mstr.library.plugins.plugin_utils import _role_names

try:
    # ansible-core 2.19 and newer.
    from ansible.module_utils.common.json import Direction, get_module_encoder
except ImportError:
    from ansible.module_utils.common.json import AnsibleJSONEncoder
    from ansible.utils.unsafe_proxy import wrap_var as _untrusted

    _ENCODER: dict[str, Any] = {"cls": AnsibleJSONEncoder, "vault_to_text": True}
    # In these releases, a warning goes into a list that the items of a loop share. Later ones print it immediately.
    _COLLECTS_WARNINGS = True
else:
    _ENCODER = {"cls": get_module_encoder("legacy", Direction.CONTROLLER_TO_MODULE)}
    _COLLECTS_WARNINGS = False

    def _untrusted(value: Any) -> Any:
        """The value, unchanged: without the tag of a trusted template, it is untrusted already."""
        return value


display = Display()

SWITCH = "mstr_in_process"
# Prefixes of variables that only a newly started Python, or the loader of its libraries, reads.
_READ_AT_START = ("PYTHON", "LD_", "OPENSSL_")
# The task's timeout (SIGALRM) is handled last, because it must not hide the effect of the others.
_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGALRM")
# Private names of ansible-core that this file needs. If one is missing, the modules run in the normal way.
_HOOKS = (
    (AnsibleModule, ("_load_params", "_return_formatted", "warn")),
    (NormalAction, ("_execute_module", "_update_module_args", "_compute_environment_string")),
)


class ActionModule(NormalAction):
    """The base class of the action plugins of this collection."""

    main: Callable[[], None]

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module. The role mstr.library.runtimes gets errors that name its own variables."""
        result: dict[str, Any] = super().run(tmp, task_vars)  # type: ignore[no-untyped-call]
        return _role_names.renamed(result) if (task_vars or {}).get(_role_names.SWITCH) is True else result

    def _execute_module(self, *args: Any, **options: Any) -> dict[str, Any]:
        task_vars = options.get("task_vars") or {}
        host = task_vars.get("inventory_hostname")
        reason = self._why_as_a_module(args, options, task_vars)
        with ExitStack() as surroundings:
            if reason is None:
                try:
                    given = self._given(task_vars)
                    surroundings.enter_context(_surroundings(self._environment(), self._loader.get_basedir()))
                except Exception as exc:
                    reason = f"its options or its place could not be prepared here ({type(exc).__name__})"
            how = "in the process of ansible-playbook" if reason is None else f"as a module, because {reason}"
            display.vvv(f"{self._task.action} runs {how}", host=host)
            if reason is None:
                return _run(self.main, given, None if self._task.no_log else _Screen(host).show)
        return dict(super()._execute_module(*args, **options))

    def _why_as_a_module(self, args: Any, options: Mapping[str, Any], task_vars: Mapping[str, Any]) -> str | None:
        """The reason why the task cannot run in this process, or None. The most common reasons come first."""
        if not self._switched_on(task_vars):
            return f"{SWITCH} is false"
        if self._connection.transport != "local":
            return f"the connection is {self._connection.transport}, not local"
        if self._task.async_val or options.get("wrap_async"):
            return "the task is async"
        if self._task.become or self._play_context.become:
            return "the task uses become"
        if C.config.get_config_value("DEFAULT_KEEP_REMOTE_FILES"):
            return "ANSIBLE_KEEP_REMOTE_FILES is set"
        return self._why_not_this_python(task_vars) or self._why_not_here(args, options)

    def _switched_on(self, task_vars: Mapping[str, Any]) -> bool:
        value = self._templar.template(task_vars.get(SWITCH))
        if value is None or value == "":
            return True
        try:
            return bool(boolean(value))
        except TypeError:
            raise AnsibleActionFail(f"{SWITCH} must be true or false, not {str(value)!r}") from None

    def _why_not_this_python(self, task_vars: Mapping[str, Any]) -> str | None:
        interpreter = self._interpreter(task_vars)
        if interpreter is None:
            return "the interpreter of the host is not known yet"
        if not _is_this_python(interpreter):
            return f"its interpreter {interpreter} is not the {sys.executable} that runs ansible-playbook"
        missing = [name for name, error in _LIBRARIES.items() if error]
        if missing:
            return f"the Python that runs ansible-playbook lacks {' and '.join(missing)}"
        named = sorted(name for name in self._environment() if str(name).startswith(_READ_AT_START))
        if named:
            return f"only a new Python reads {', '.join(named)} of the task's environment"
        return None

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

    def _why_not_here(self, args: Any, options: Mapping[str, Any]) -> str | None:
        if sys.platform == "darwin":
            return "macOS kills a forked process that looks for a proxy"
        if threading.current_thread() is not threading.main_thread():
            return "it is not the main thread, where signals arrive"
        missing = [f"{owner.__name__}.{name}" for owner, names in _HOOKS for name in names if not hasattr(owner, name)]
        if missing or args or not set(options) <= {"task_vars", "wrap_async"}:
            return f"this ansible-core is not known ({', '.join(missing) or '_execute_module'})"
        return None

    def _given(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """The options and settings that the module would read from its archive, in plain Python types."""
        given = dict(self._task.args)
        self._update_module_args(self._task.action, given, task_vars)
        plain: dict[str, Any] = json.loads(json.dumps(given, **_ENCODER))
        return plain

    def _environment(self) -> dict[str, str]:
        raw: dict[str, Any] = {}
        self._compute_environment_string(raw)
        return {str(name): str(value) for name, value in raw.items()}


_LIBRARIES = {"requests": REQUESTS_IMPORT_ERROR, "netaddr": NETADDR_IMPORT_ERROR}


def _is_this_python(interpreter: str) -> bool:
    # Compare the directory too, because the Python of a virtual environment is a link to the base Python.
    def place(path: str) -> tuple[str, str]:
        return os.path.realpath(os.path.dirname(path)), os.path.realpath(path)

    return os.path.isabs(interpreter) and bool(sys.executable) and place(interpreter) == place(sys.executable)


class _Screen:
    """Prints lines of progress to standard error, because the callback may write JSON to standard output."""

    def __init__(self, host: Any) -> None:
        self._host = host

    def show(self, text: str) -> None:
        """Print a line."""
        # Only the main thread of a worker may use its connection to the screen.
        if threading.current_thread() is threading.main_thread():
            # A screen that cannot be written to must not end a task whose threads are writing to the server.
            with suppress(Exception):
                display.display(f"[{self._host}] {text}", stderr=True)


class _Module(AnsibleModule):
    """AnsibleModule that takes its options as an argument and keeps its result in C(result)."""

    def __init__(self, given: dict[str, Any], **options: Any) -> None:
        self._given = given
        self._warnings: list[str] = []
        self._before = len(get_warning_messages()), len(get_deprecation_messages())
        self.result: dict[str, Any] | None = None
        super().__init__(**options)  # type: ignore[no-untyped-call]

    def _load_params(self) -> None:
        self.params = auth.given_options(self._given, self.argument_spec)

    def fail_json(self, msg: str, **more: Any) -> NoReturn:
        """End the module, with a clearer message than Ansible's where possible."""
        self.no_log_values.update(secrets_in(self.argument_spec, self._given))
        super().fail_json(msg=option_error(msg, self.argument_spec, self._given), **more)

    def warn(self, warning: str, **more: Any) -> None:
        """Add a warning to the result."""
        if _COLLECTS_WARNINGS:
            super().warn(warning)
        elif warning not in self._warnings:
            self._warnings.append(warning)

    def _return_formatted(self, kwargs: dict[str, Any]) -> None:
        # Like AnsibleModule, without the cases that no module of this collection uses.
        if self._given.get("_ansible_inject_invocation", True):
            kwargs.setdefault("invocation", {"module_args": self.params})
        known_warnings, known_deprecations = self._before
        texts = [*get_warning_messages()[known_warnings:], *self._warnings]
        deprecations = [*get_deprecation_messages()[known_deprecations:]]
        kwargs.update({key: value for key, value in (("warnings", texts), ("deprecations", deprecations)) if value})
        text = json.dumps(kwargs)
        secrets = [str(secret) for secret in self.no_log_values]
        if any(json.dumps(secret)[1:-1] in text for secret in secrets):
            masked = remove_values(kwargs, secrets)
            masked.update({key: value for key, value in kwargs.items() if value is None or isinstance(value, bool)})
            text = json.dumps(masked)
        # A copy in plain Python types, which shares nothing with the module.
        self.result = json.loads(text)


class _HeldStop(Stop):
    """Records the signals that the worker receives while the module runs, and raises them again after the logout."""

    def __init__(self) -> None:
        super().__init__()
        self._noted: list[int] = []
        self._handlers: dict[int, Any] = {}
        parent = parent_process()
        self._parent = parent.pid if parent else os.getppid()

    def install(self) -> None:
        """Handle the signals, including that of a task's timeout. Ignored signals stay ignored."""
        for name in _SIGNALS:
            number = getattr(signal, name)
            handler = signal.getsignal(number)
            if handler not in (None, signal.SIG_IGN):
                self._handlers[number] = handler
                signal.signal(number, self._on_signal)

    def release(self) -> None:
        """Restore the handlers, and raise the recorded signals."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        for number in self._handlers:
            if number in self._noted:
                signal.raise_signal(number)

    def _on_signal(self, number: int, frame: Any) -> None:
        self._noted.append(number)
        super()._on_signal(number, frame)

    def _caller_is_gone(self) -> bool:
        return os.getppid() != self._parent


def _run(main: Callable[[], None], given: dict[str, Any], show: Callable[[str], None] | None) -> dict[str, Any]:
    """Run `main`. Returns its result as Ansible would read it from a module's output."""
    modules: list[_Module] = []

    def make_module(**options: Any) -> _Module:
        # Register it before it checks its options, because invalid options end it with a result.
        module = _Module.__new__(_Module)
        modules.append(module)
        module.__init__(given, **options)  # type: ignore[misc]
        return module

    stop = _HeldStop()
    with _own_group(), _quiet():
        stop.install()
        fault = None
        try:
            with auth.framed(auth.Frame(make_module, lambda: stop, show)):
                main()
        except SystemExit:
            pass
        except Exception as exc:
            fault = type(exc).__name__
        if stop.hung_up:
            # No process waits for the result any more, and in a loop the next item would start.
            os._exit(1)
    stop.release()
    result = modules[-1].result if modules else None
    if result is None or fault:
        return {
            "failed": True,
            "changed": False,
            "msg": f"A fault in mstr.library's action plugin: {fault or 'no result'}. Please report it with this "
            f"message. With the variable {SWITCH}: false the task runs as a module.",
        }
    for name in ("stdout", "stderr"):
        # Ansible does the same for every module.
        if name in result:
            result.setdefault(f"{name}_lines", str(result[name] or "").splitlines())
    kept: dict[str, Any] = _untrusted(result)
    return kept


@contextmanager
def _surroundings(environment: Mapping[str, str], folder: str) -> Iterator[None]:
    """Set the task's environment variables, and the directory in which Ansible starts local modules, for a while."""
    before = dict(os.environ)
    here = os.open(".", os.O_RDONLY)
    try:
        os.environ.update(environment)
        os.chdir(folder)
        yield
    finally:
        os.fchdir(here)
        os.close(here)
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _own_group() -> Iterator[None]:
    """Use a separate process group, because ansible-runner kills the group, and the task must log out first."""
    group = os.getpgrp()
    if group == os.getpid():
        yield
        return
    with suppress(OSError):
        os.setpgid(0, 0)
    try:
        yield
    finally:
        with suppress(OSError):
            os.setpgid(0, group)


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress warnings and log messages of libraries, which would reach the screen and Ansible's log."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
