# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module runs in when it runs in ansible-playbook's worker: its AnsibleModule, its screen, its signals.

AnsibleModule itself does the work, so that option checks, fallbacks, check mode, masking and the system log are the
same code. What is replaced: where the options come from, where warnings go, and where the result goes.

The private names of ansible-core that only this way needs are imported here. `action` imports this file, and runs
the modules in the normal way if that fails, because one of the names does not exist any more.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import parent_process
from typing import Any

from ansible.module_utils import basic
from ansible.release import __version__ as _core_version

from ...module_utils import auth
from ...module_utils._session.interrupt import Stop

_PROGRESS_EVERY_S = 3.0  # seconds
LAST_LINE_MS = 1000  # how long the line before the end of the process waits for the terminal
# Not by the names that exist, because a name that is new in 2.19 may be gone again in a later version.
_BEFORE_2_19 = tuple(map(int, _core_version.split(".")[:2])) < (2, 19)
if _BEFORE_2_19:
    from ansible.module_utils.common.json import AnsibleJSONEncoder

    _ENCODER: dict[str, Any] = {"cls": AnsibleJSONEncoder, "vault_to_text": True}
else:
    from ansible.module_utils.common.json import Direction, get_module_encoder

    _ENCODER = {"cls": get_module_encoder("legacy", Direction.CONTROLLER_TO_MODULE)}

# What `_InProcessModule` replaces in AnsibleModule. If one of them is missing, this file cannot be imported.
for _name in ("_load_params", "_return_formatted" if _BEFORE_2_19 else "_record_module_result", "warn"):
    getattr(basic.AnsibleModule, _name)


def plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as Ansible would write them for a module, in plain Python types."""
    values: dict[str, Any] = json.loads(json.dumps(options, **_ENCODER))
    return values


_STDERR: int | None = None
with suppress(OSError):
    # Ansible imports this file before it forks the workers. From ansible-core 2.19 on, a worker has no standard error.
    _STDERR = os.dup(2)


def no_progress(text: str, mask: Callable[[str], str]) -> None:
    """Show nothing."""


class Screen:
    """Prints lines of progress to the standard error of ansible-playbook: a callback may write JSON to its output.

    Not through Display: there, a thread of ansible-playbook writes them that also handles the results, so a terminal
    that nobody reads would stop the whole run; and ansible-runner wraps each of its calls in an event, which it writes
    to the standard error of the worker, where newer ansible-cores report it as an error.
    """

    def __init__(self, host: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._host, self._clock = host, clock
        self._last_text, self._next = "", clock() + _PROGRESS_EVERY_S

    def __call__(self, text: str, mask: Callable[[str], str]) -> None:
        """Show `text`, unless it repeats the last one or the last one is less than three seconds old."""
        if text != self._last_text and self._clock() >= self._next:
            self.show(mask(text))
            self._last_text, self._next = text, self._clock() + _PROGRESS_EVERY_S

    def show(self, text: str, wait_ms: int = 0) -> None:
        """Print a line, as far as the terminal takes it without a wait of more than `wait_ms` milliseconds."""
        if _STDERR is None:
            return
        line = f"[{self._host}] {text}\n".encode("utf-8", "replace")
        terminal = select.poll()
        terminal.register(_STDERR, select.POLLOUT)
        with suppress(OSError):
            while line and terminal.poll(wait_ms):
                written = os.write(_STDERR, line[: select.PIPE_BUF])
                line = line[written:]


class _InProcessModule(auth.OwnModule):
    """The module's AnsibleModule, which takes its options as an argument and keeps its result in `result`."""

    def __init__(self, params: dict[str, Any], made: list[_InProcessModule], **options: Any) -> None:
        # Before it checks its options, because invalid options end it with a result.
        made.append(self)
        self._own_params = params
        self._warnings: list[str] = []
        self._facts: dict[str, Any] = {}
        self.result: dict[str, Any] | None = None
        super().__init__(**options)  # type: ignore[no-untyped-call]

    def _read_params(self) -> None:
        self.params = self._own_params
        # From ansible-core 2.19 on, AnsibleModule reads some of its settings here.
        basic._PARSED_MODULE_ARGS = self._own_params

    def warn(self, warning: str, **more: Any) -> None:
        """Add a warning to the result. Ansible's own list is that of all items of a loop, or the screen."""
        if warning not in self._warnings:
            self._warnings.append(warning)

    def _shown(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        shown = super()._shown(facts)
        # They do not pass through AnsibleModule, which would search each of them again for each secret.
        self._facts = {key: shown.pop(key) for key in list(shown) if key not in ("msg", "invocation")}
        return shown

    def _record_module_result(self, o: dict[str, Any]) -> None:
        result = {**self._facts, **o}
        # The worker itself passes new secrets on.
        result.pop("_ansible_new_secrets", None)
        if self._warnings:
            result["warnings"] = self._warnings
        # A copy in plain Python types, which shares nothing with the module.
        self.result = json.loads(json.dumps(result))

    if _BEFORE_2_19:

        def _return_formatted(self, kwargs: dict[str, Any]) -> None:
            # Like AnsibleModule, without the cases that no module of this collection uses.
            self._record_module_result(kwargs)


class _DeferredSignals(Stop):
    """Records the signals that the worker receives while the module runs, and raises them again after the logout."""

    # The task's timeout is handled last, because it must not hide the effect of the others.
    signals = (*Stop.signals, "SIGALRM")
    # The backup of the run needs the result all the same.
    loses_result = False

    def __init__(self) -> None:
        super().__init__()
        self._noted: list[int] = []
        parent = parent_process()
        self._parent = parent.pid if parent else os.getppid()

    def release(self) -> None:
        """Restore the handlers, and raise the recorded signals."""
        for number, handler in self.previous_handlers.items():
            signal.signal(number, handler)
        for number in self.previous_handlers:
            if number in self._noted:
                signal.raise_signal(number)

    def _on_signal(self, number: int, frame: Any) -> None:
        self._noted.append(number)
        super()._on_signal(number, frame)

    def _caller_is_gone(self) -> bool:
        return self.is_orphan

    @property
    def is_orphan(self) -> bool:
        """Whether ansible-playbook has ended."""
        return os.getppid() != self._parent


def run_main(
    main: Callable[[], None],
    params: dict[str, Any],
    progress: Callable[..., None],
    on_stop: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Run `main`. Returns its result as Ansible would read it from a module's output.

    `on_stop`: called with the result if the task was stopped, because nobody else gets it.
    """
    modules: list[_InProcessModule] = []
    make_module = partial(_InProcessModule, params, modules)
    stop, error = _DeferredSignals(), None
    with _own_group(), _quiet():
        stop.install()
        try:
            with auth.called_by(auth.Caller(make_module, lambda: stop, progress)):
                main()
        except SystemExit:
            pass
        except Exception as exc:
            error = type(exc).__name__
        result = modules[-1].result if modules else None
        if stop.reason and result:
            with suppress(Exception):
                on_stop(result)
        if stop.reason and stop.is_orphan:
            # No process reads the result any more: one that is larger than the pipe would never be written.
            os._exit(1)
    stop.release()
    if result is None or error:
        return {
            "failed": True,
            "changed": False,
            "msg": f"An error in mstr.library's action plugin: {error or 'no result'}. Please report it with this "
            "message. With the variable mstr_in_process: false the task runs as a module.",
        }
    # Ansible does the same for every module.
    for name in {"stdout", "stderr"} & result.keys():
        result.setdefault(f"{name}_lines", str(result[name] or "").splitlines())
    return result


@contextmanager
def surroundings(environment: Mapping[str, str], folder: str) -> Iterator[None]:
    """Set the task's environment variables, and the directory in which Ansible starts local modules, for a while."""
    before, here = dict(os.environ), os.getcwd()
    os.environ.update(environment)
    os.chdir(folder)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        os.chdir(here)


@contextmanager
def _own_group() -> Iterator[None]:
    """Use a separate process group, because ansible-runner kills the group, and the task must log out first."""
    group = os.getpgrp()
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
