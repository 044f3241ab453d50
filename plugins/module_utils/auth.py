# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The public helper of this collection: a module of your own on an authenticated session of the Library server.

    def user_info(task, _request):
        return {"user": task.library.get("/sessions/userInfo")}

    def main():
        auth.run(auth.argument_spec(), user_info)

That gives the connection options and environment variables of all modules here (document them with the fragment
C(mstr.library.auth)), one login, retries, errors as one sentence, secrets kept out of every output, and the logout in
every outcome that a process can live to see.

Wing: Door.
The one file that knows AnsibleModule. Public are the names in C(__all__); everything else here is private.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import AnsibleFallbackNotFound

from ._connection import LOGIN_MODES, Connection, from_params
from ._errors import MstrError, ValidationError, all_of, unforeseen
from ._http import REQUESTS_IMPORT_ERROR
from ._interrupt import Stop
from ._library import Library
from ._progress import Progress

__all__ = ["MstrError", "Task", "ValidationError", "argument_spec", "run"]


def _environment(name: str) -> str:
    """The value of an environment variable; an empty one is not set, for AWX renders blank inputs so."""
    value = os.environ.get(name)
    if not value:
        raise AnsibleFallbackNotFound
    return value


def argument_spec(**own: Any) -> dict[str, Any]:
    """The connection options, with `own` options beside them, as AnsibleModule takes them."""
    secret, text, path = {"type": "str", "no_log": True}, {"type": "str"}, {"type": "path"}
    options: dict[str, dict[str, Any]] = {
        "base_url": text,
        "username": text,
        "password": secret,
        "api_token": secret,
        "identity_token": secret,
        "login_mode": {"type": "str", "choices": list(LOGIN_MODES)},
        "session": secret,
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": path,
        "client_cert": path,
        "client_key": path,
        "timeout": {"type": "float", "default": 30.0},
        "retries": {"type": "int", "default": 3},
    }
    return {
        **{name: {**spec, "fallback": (_environment, [f"MSTR_{name.upper()}"])} for name, spec in options.items()},
        **own,
    }


class Task(NamedTuple):
    """What a module's work is given."""

    library: Library
    stop: Stop
    params: Mapping[str, Any]
    check_mode: bool
    warn: Callable[[str], None]
    # Takes the text of a line of progress, in the main thread, as often as it likes. A module cannot show any.
    progress: Callable[[str], None] = Progress()

    @property
    def retries(self) -> int:
        """The option `retries`."""
        return int(self.params["retries"])


class Frame(NamedTuple):
    """What `run` runs in: a process of its own, as Ansible starts it for a module, unless an action plugin says so."""

    make_module: Callable[..., AnsibleModule] = AnsibleModule
    make_stop: Callable[[], Stop] = Stop.installed
    # Shows a line of progress. A module has nobody to show it to.
    show: Callable[[str], None] | None = None


_frame = Frame()


@contextmanager
def framed(frame: Frame) -> Iterator[None]:
    """Let `run` run in this frame."""
    global _frame
    before, _frame = _frame, frame
    try:
        yield
    finally:
        _frame = before


def run(
    spec: dict[str, Any],
    work: Callable[[Task, Any], Mapping[str, Any]],
    *,
    prepare: Callable[[Mapping[str, Any]], Any] = lambda params: None,
    connection: Callable[[Mapping[str, Any]], Connection] = from_params,
    requires: Mapping[str, str | None] | None = None,
    **module_options: Any,
) -> None:
    """Run a module: `prepare` checks the options before anything is sent, `work` does the rest and returns the result.

    `prepare(params)` raises ValidationError with its faults, and returns what `work(task, request)` gets as request.
    Its faults and those of the `connection` options end in one message. `requires` maps a Python library's name to the
    traceback of its failed import, or None. `module_options` go to AnsibleModule.

    Ends the process: by C(exit_json) with the result, or by C(fail_json) with C(msg) and C(error) of a MstrError.
    """
    module = _frame.make_module(argument_spec=spec, **{"supports_check_mode": True, **module_options})
    for library, trace in {"requests": REQUESTS_IMPORT_ERROR, **(requires or {})}.items():
        if trace:
            module.fail_json(msg=missing_required_lib(library), exception=trace)
    module.no_log_values.update(_passwords_in(module.params["base_url"]))
    stop = _frame.make_stop()
    result, failure = _result(module, stop, work, (connection, prepare))
    if stop.hung_up:
        # Nobody reads; writing would only end in a broken pipe.
        raise SystemExit(1)
    shown = failure or result
    if not module._diff:
        shown.pop("diff", None)
    _warn_of_masks(module, shown)
    if failure:
        # Outside of any except block, for ansible-core 2.16 would add a traceback at -vvv.
        module.fail_json(**failure)
    module.exit_json(**result)


def _passwords_in(url: str | None) -> set[str]:
    """The password in a URL, which is refused for it, and must not stand among the arguments that Ansible shows."""
    found = re.search("//[^/@]*?:([^/@]+)@", url or "")
    return {found.group(1)} if found else set()


def _result(
    module: AnsibleModule,
    stop: Stop,
    work: Callable[[Task, Any], Mapping[str, Any]],
    checks: Iterable[Callable[[Mapping[str, Any]], Any]],
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The result, and what C(fail_json) gets where there is none."""
    library = None
    try:
        connection, request = all_of(*(partial(check, module.params) for check in checks))
        if connection.in_the_clear:
            module.warn(f"{connection.base_url} is plain http: credentials and session cross the network unencrypted.")
        if connection.unproven:
            module.warn(
                f"validate_certs is false: nothing proves that {connection.base_url} is who gets the credentials."
            )
        library = Library(connection, stop, module.warn)
        progress = _progress(module, library)
        return dict(work(Task(library, stop, module.params, module.check_mode, module.warn, progress), request)), None
    except MstrError as exc:
        return {}, exc.to_result()
    except Exception as exc:
        return {}, unforeseen(exc).to_result()
    finally:
        if library:
            library.log_out()
            module.no_log_values.update(library.secrets)


def _progress(module: AnsibleModule, library: Library) -> Progress:
    show = _frame.show
    if show is None:
        return Progress()
    return Progress(lambda text: show(remove_values(text, module.no_log_values | library.secrets)), time.monotonic)


def _warn_of_masks(module: AnsibleModule, result: Mapping[str, Any]) -> None:
    """Ansible masks a secret wherever its text occurs: what it masks by accident must not pass for what is stored."""
    stored = {key: value for key, value in result.items() if key not in ("msg", "error")}
    # One search in the whole first: a walk through a thousand runtimes costs more than all the rest of a task.
    whole = json.dumps(stored, ensure_ascii=False, default=str)
    told = {str(secret): json.dumps(str(secret), ensure_ascii=False)[1:-1] for secret in module.no_log_values}
    secrets = {secret for secret, escaped in told.items() if secret and escaped in whole}
    if not secrets:
        return
    masked = sorted({name for name, text in _texts(stored) if any(secret in text for secret in secrets)})
    if masked:
        module.warn(
            f"The result is not what is stored in {', '.join(masked)}: a secret of this task occurs there by accident, "
            "and Ansible masks it wherever it occurs. A longer secret avoids that."
        )


def _texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text and number in a result, with the dotted name of its place."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts(one, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for index, one in enumerate(value):
            yield from _texts(one, f"{name}[{index}]")
    elif value is not None and not isinstance(value, bool):
        yield name, str(value)
