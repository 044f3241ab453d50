# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The public helper of this collection: write your own module on an authenticated session of the Library server.

    def user_info(task, _request):
        return {"user": task.session.get("/sessions/userInfo")}

    def main():
        auth.run(auth.argument_spec(), user_info)

Your module gets the connection options and environment variables of this collection (document them with the fragment
`mstr.library.auth`), one login, retries, errors as one sentence, no secret in any output, and a logout after success
and failure alike, unless the process is killed.

The only file here that uses AnsibleModule. The names in `__all__` are public; everything else is private.
"""

from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.errors import AnsibleFallbackNotFound

try:
    # From ansible-core 2.22 on, Ansible masks only what it shows: not what is registered, nor what goes into files.
    from ansible.module_utils.secrets import register_secrets  # type: ignore[import-not-found,unused-ignore]
except ImportError:
    register_secrets = None

from ._errors import ErrorList, MstrError, ValidationError, as_mstr_error
from ._options import OptionCheck, loggable, secret_values, without_secrets
from ._session.connection import LOGIN, OPTIONS, Connection, connection_from, is_whole_login, with_own_login
from ._session.interrupt import Stop
from ._session.session import Session
from ._session.transport import REQUESTS_IMPORT_ERROR
from ._text import SHORTEST_SECRET, masked, printable, with_escaped_forms

__all__ = ["MstrError", "Task", "ValidationError", "argument_spec", "run"]


def _environment(name: str) -> str:
    """The value of an environment variable. An empty one counts as not set, because AWX sets it for a blank input."""
    value = os.environ.get(name)
    if not value:
        raise AnsibleFallbackNotFound
    return value


def argument_spec(**own: Any) -> dict[str, Any]:
    """The argument spec for AnsibleModule: the connection options and your `own` options."""
    return {
        **{name: {**spec, "fallback": (_environment, [f"MSTR_{name.upper()}"])} for name, spec in OPTIONS.items()},
        **own,
    }


_TRACE_FROM = 3  # -vvv
_COLLECTION = str(__package__).rpartition(".plugins.")[0]


class _LongestFirst(set[str]):
    """Secrets in the order in which they must be masked, because one may be part of another.

    Before ansible-core 2.19, Ansible masks them in the order of this set, and would leave the rest of a longer one.
    """

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(super().__iter__(), key=len, reverse=True))


class OwnModule(AnsibleModule):
    """AnsibleModule, with what `_options` knows of options that Ansible refuses. Null counts as not given."""

    # Stays empty in an ansible-core that does not call `_load_params` to read the options.
    option_errors: Sequence[str] = ()
    null_options: Sequence[str] = ()
    hidden: frozenset[str] = frozenset()  # what `hide` was called with
    task_options: frozenset[str] = frozenset()  # what the task itself sets, not its environment

    def exit_json(self, **facts: Any) -> NoReturn:
        """End the module."""
        super().exit_json(**self._shown(facts))

    def fail_json(self, msg: str, **facts: Any) -> NoReturn:
        """End the module, with a clearer message than Ansible's where possible."""
        from ._remedies import option_error  # only a task that fails needs it

        # Without `error`, the result is not this module's, and proves nothing of what it did.
        sentence = option_error(msg, self.option_errors, self.null_options)
        super().fail_json(**self._shown({"msg": sentence, "error": None, **facts}))

    def _shown(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        # Separately, because the options often contain a secret, and the rest is then only searched.
        return {"invocation": self.masked({"module_args": self.params}), **self.masked(facts)}

    def masked(self, value: Any) -> Any:
        """The value of a result without the hidden texts."""
        return without_secrets(value, map(str, self.no_log_values))

    def hide(self, texts: Iterable[str]) -> None:
        """Mask these texts in the result, and have Ansible mask them wherever it shows something."""
        new = {text for text in texts if text} - self.hidden
        self.hidden |= new
        self.no_log_values = _LongestFirst({*self.no_log_values, *new})
        if register_secrets:
            register_secrets(new)

    def _read_params(self) -> None:
        super()._load_params()  # type: ignore[no-untyped-call]

    def _load_params(self) -> None:
        self._read_params()
        self.null_options = [name for name, value in self.params.items() if value is None]
        # A template renders a missing value as null or as an empty text. Only a password may be empty.
        empty = [name for name in OPTIONS if self.params.get(name) == "" and name != "password"]
        given = {name: value for name, value in self.params.items() if name not in empty}
        params, unloggable = loggable(given)
        # Before Ansible converts them, or stops at the first error. It and `prepare` check what is left.
        check = OptionCheck()
        self.params = check.task(self.argument_spec, params)
        self.task_options = frozenset(self.params)
        if is_whole_login(self.params):
            # Those of the environment may be of a different user.
            of_others = {*LOGIN} - self.task_options
            self.argument_spec = {
                name: {**spec, "fallback": (None,)} if name in of_others else spec
                for name, spec in self.argument_spec.items()
            }
        self.option_errors = [*unloggable, *check.errors, *self._variable_errors()]
        # Ansible shows the options even if it refuses one of them.
        self.hide(with_escaped_forms(secret_values(self.argument_spec, self.params)))

    def _variable_errors(self) -> Iterator[str]:
        """The error of each connection option whose environment variable is not valid."""
        for name, option in self.argument_spec.items():
            variable = f"MSTR_{name.upper()}"
            value, source = os.environ.get(variable), f"the environment variable {variable}"
            if value and name not in self.params and _environment in option.get("fallback", ()):
                check = OptionCheck()
                _shown, errors = loggable({source: value})
                if not errors:
                    check.value(value, option, source)
                    errors = check.errors
                if errors:
                    # Ansible would read the variable again. The task fails; this value only adds no other error.
                    self.params[name] = option.get("default", "anonymous" if "choices" in option else printable(value))
                yield from errors


class Task(NamedTuple):
    """The argument of a module's `work`."""

    session: Session
    stop: Stop
    params: Mapping[str, Any]
    check_mode: bool
    warn: Callable[[str], None]
    # Call it in the main thread, any number of times, with a line of progress. A plain module shows none.
    progress: Callable[[str], None] = lambda text: None


class Caller(NamedTuple):
    """Who runs a module. By default its own process; the action plugins set a different one.

    `make_module` takes the arguments of AnsibleModule.
    """

    make_module: Callable[..., OwnModule] = OwnModule
    make_stop: Callable[[], Stop] = lambda: Stop().install()
    # Shows a line of progress, masked by the function. A plain module cannot show any.
    show: Callable[[str, Callable[[str], str]], None] = lambda text, mask: None


_caller = Caller()


@contextmanager
def called_by(caller: Caller) -> Iterator[None]:
    """Run modules for this caller while the context lasts."""
    global _caller
    before, _caller = _caller, caller
    try:
        yield
    finally:
        _caller = before


def run(
    spec: dict[str, Any],
    work: Callable[[Task, Any], Mapping[str, Any]],
    *,
    prepare: Callable[[Mapping[str, Any]], Any] = lambda params: None,
    connection: Callable[[Mapping[str, Any]], Connection] = connection_from,
    requires: Mapping[str, str | None] | Callable[[Mapping[str, Any]], Mapping[str, str | None]] | None = None,
    **module_options: Any,
) -> None:
    """Run a module: `prepare` checks the options before anything is sent; `work` does the rest and returns the result.

    `prepare(params)` raises ValidationError with its errors, or returns the `request` for `work(task, request)`. One
    message reports these errors and those of the `connection` options. `requires` maps each Python library to the
    traceback of its failed import, or None; it may be a function of the options. `module_options`: for AnsibleModule.

    Ends the process with `exit_json` and the result, or with `fail_json` and the `msg` and `error` of a MstrError.
    """
    gc.freeze()  # else Python searches all that was imported for garbage when the process ends
    module = _caller.make_module(argument_spec=spec, **{"supports_check_mode": True, **module_options})
    needed = requires(module.params) if callable(requires) else requires
    missing = [name for name, trace in {"requests": REQUESTS_IMPORT_ERROR, **(needed or {})}.items() if trace]
    if missing:
        from ._remedies import not_installed  # only a task that fails needs it

        module.fail_json(**not_installed(missing).to_result())
    # Skip what is masked already: expanding it again explodes.
    module.hide(with_escaped_forms(module.no_log_values - module.hidden))
    stop = _caller.make_stop()
    trace: list[str] = []
    warned: list[str] = []
    output, failed = _output(module, stop, work, connection, prepare, trace.append, partial(_warn, warned, module))
    if stop.caller_gone:
        # No process reads the output; writing would only raise BrokenPipeError.
        raise SystemExit(1)
    # At the end, when all secrets are known, and each once: a look after a lost response may find the same again.
    for text in dict.fromkeys(warned):
        module.warn(module.masked(text))
    # Names and versions in the sentence come from the server.
    if isinstance(output.get("msg"), str):
        output["msg"] = printable(output["msg"])
    if not module._diff:
        output.pop("diff", None)
    if module._verbosity >= _TRACE_FROM:
        output["trace"] = trace
    # Outside any except block, because ansible-core 2.16 would add a traceback at -vvv.
    if failed:
        module.fail_json(**output)
    module.exit_json(**output)


def _output(
    module: OwnModule,
    stop: Stop,
    work: Callable[[Task, Any], Mapping[str, Any]],
    connection: Callable[[Mapping[str, Any]], Connection],
    prepare: Callable[[Mapping[str, Any]], Any],
    trace: Callable[[str], None],
    warn: Callable[[str, str], None],
) -> tuple[dict[str, Any], bool]:
    """The result, or the arguments of `fail_json`, and whether the task failed. Nothing is masked yet."""
    session = None
    with warnings.catch_warnings():
        # With validate_certs: false the task warns once; urllib3 would warn for each call, on stderr.
        warnings.filterwarnings("ignore", "Unverified HTTPS request")
        try:
            with ErrorList() as errors:
                errors.add(*module.option_errors)
                module.option_errors = ()
                server = errors.check(connection, module.params)
                request = errors.check(prepare, module.params)
            server = with_own_login(server, module.task_options, os.environ)
            for risk in server.risks():
                warn("the connection", risk)
            of_session, of_work = partial(warn, "the session"), partial(warn, "what the task read or did")
            session = Session(server, stop, of_session, check_mode=module.check_mode, trace=trace)
            progress = partial(_progress, module, session)
            result = dict(work(Task(session, stop, module.params, module.check_mode, of_work, progress), request))
            session.hand_over()
            if register_secrets and session.handed_over:
                register_secrets([session.handed_over])
            return result, False
        except Exception as exc:
            package = str(getattr(work, "__globals__", {}).get("__package__"))
            return as_mstr_error(exc, is_ours=package.startswith(_COLLECTION)).to_result(), True
        finally:
            if session:
                session.log_out()
                # Masking shorter texts would make results unreadable; Ansible already masks the secret options.
                module.hide(text for text in session.secrets if len(text) >= SHORTEST_SECRET)


def _warn(warned: list[str], module: OwnModule, subject: str, text: str) -> None:
    """Add a warning to the list. With `no_log: true` it has no content, because Ansible shows all warnings."""
    hidden = f"A warning about {subject} is not shown, because of no_log: true."
    warned.append(hidden if module.no_log else printable(text))


def _progress(module: OwnModule, session: Session, text: str) -> None:
    _caller.show(text, lambda text: masked(text, session.secrets | module.no_log_values))
