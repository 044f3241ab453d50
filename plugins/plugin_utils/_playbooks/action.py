# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the private actions of the playbooks and of the role `runtimes` share: variables and other actions.

An action runs modules and other actions with options that it takes from variables. So a whole environment is one task:
Ansible starts a process for each task of each host, and shows each task of each host.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ...module_utils._errors import ValidationError, as_mstr_error
from .._connection import is_given
from .._reports.texts import plain
from .._run.action import display, why_failed
from ..action import rendered, task_environment, templated
from .check import UNKNOWN, path_of, server_of
from .variables import default_file, empty_errors, retyped_errors, unknown_errors

Result = dict[str, Any]


class Action(ActionBase):
    """The base class of the private actions."""

    task_vars: Result
    tasks: Mapping[str, Callable[[Any], Result]]

    def run(self, tmp: Any = None, task_vars: Result | None = None) -> Result:
        """The result of the task that the option `task` names, or a failed one with the sentence of its error."""
        super().run(tmp, task_vars)
        self.task_vars = task_vars or {}
        self.args = self._task.args
        self.transport = str(self._connection.transport)
        # Modules run in the directory of the playbook. People mean the directory in which they started it.
        self.started_in = os.path.realpath(".")
        try:
            return self.tasks[str(self.args["task"])](self)
        except AnsibleError:
            raise
        except Exception as exc:
            return self.failure(exc)

    def failure(self, exc: Exception) -> Result:
        """The result of a task in which this was raised."""
        if isinstance(exc, (AnsibleError, ValidationError)):
            return failed(why_failed(exc, self.host, self.transport))
        # Without its text, which may have values of variables.
        display.vvv("".join(traceback.format_tb(exc.__traceback__)), host=self.host)
        return failed(as_mstr_error(exc).sentence)

    @property
    def host(self) -> str:
        """The name of the environment."""
        return str(self.task_vars["inventory_hostname"])

    @property
    def check_mode(self) -> bool:
        """Whether nothing may be changed."""
        return bool(self._task.check_mode)

    def path_of(self, path: Any) -> str:
        """The absolute path of a file of the run."""
        return path_of(path, self.started_in)

    @property
    def in_playbook(self) -> bool:
        """Whether a playbook runs this, and not the role alone: its first task has checked all hosts."""
        return "result" in self.args

    def extra_vars(self) -> Result:
        """The extra variables (-e) of the run."""
        extra: Result = plain(load_extra_vars(self._loader))
        return extra

    def value(self, name: str) -> Any:
        """The value of a variable, None if it is not set. Raises ValidationError if its template is invalid."""
        return rendered(self._templar, self.task_vars, name)

    def non_empty(self, name: str) -> Any:
        """The same, but also None if it is empty."""
        value = self.value(name)
        return value if is_given(value) else None

    def own_path(self, variable: str) -> str:
        """The absolute path of a file of which each environment has its own."""
        return self.path_of(self.non_empty(variable) or default_file(variable, self.host, self.value))

    def variable_errors(self, playbook: str) -> Iterator[str]:
        """What is wrong with the variables of the role, where it runs without a playbook of this collection."""
        if not self.in_playbook:
            extra = self.extra_vars()
            yield from unknown_errors(self.task_vars)
            yield from empty_errors(playbook, [self.value], extra)
            yield from retyped_errors(extra)

    def run_id(self) -> str:
        """The id of the run. Raises ValidationError if its check was left out."""
        checked = self.value("mstr_run")
        if not checked:
            raise refused("The run was not checked. Start the playbook at its first task.")
        return str(checked["id"])

    def server(self) -> str | None:
        """The normal address of the server, wherever it comes from; None if it is not known."""
        values = {name: self.value(name) for name in ("mstr_base_url", "mstr_session")}
        environ = self.environment(on_control_node=self.transport == "local")
        return server_of({**values, **self.default_variables()}, environ)

    def default_variables(self) -> Result:
        """What `module_defaults` set, under the names of the variables that they override."""
        defaults = self._defaults("mstr.library.mstr_runtimes")
        return {f"mstr_{option}": value for option, value in defaults.items() if is_given(value)}

    def environment(self, *, on_control_node: bool) -> dict[str, str]:
        """The environment variables of a module: of the control node if it runs there, of the play and of the task."""
        of_task = task_environment(self)
        return {**os.environ, **of_task} if on_control_node else of_task

    def options(self, names: Mapping[str, str]) -> Result:
        """The options of a module, each from its variable. Null and empty ones are left to the module."""
        values = {option: self.value(name) for option, name in names.items()}
        if is_given(values.get("src")):
            values["src"] = self.path_of(values["src"])
        return {option: value for option, value in values.items() if is_given(value)}

    def of_hosts(self, hosts: Iterable[str], needed: Container[str]) -> dict[str, Result]:
        """The variables `mstr_…` and `ansible_connection` of other hosts, as they are for this task.

        Only the `needed` ones have a value; it is `UNKNOWN` if its template is invalid. `hostvars` alone lacks the
        variables of the play and of the task.
        """
        hostvars = self.task_vars["hostvars"]
        mine = hostvars.raw_get(self.host)
        beyond = {
            name: value
            for name, value in self.task_vars.items()
            if name not in mine or (mine[name] is not value and mine[name] != value)
        }
        by_host = {}
        for host in hosts:
            variables = {**hostvars.raw_get(host), **beyond}
            templar = self._templar.copy_with_new_env(available_variables=variables)
            by_host[host] = {
                name: _rendered(templar, value) if name in needed else UNKNOWN
                for name, value in variables.items()
                if name.startswith(("mstr_", "ansible_connection"))
            }
        return by_host

    def run_module(
        self,
        name: str,
        options: Result,
        check_mode: bool | None = None,
        on_stop: Callable[[Result], str] | None = None,
    ) -> Result:
        """The result of a module of this collection with these options. Play-wide defaults count.

        `on_stop`: called with the result before a signal takes effect; returns a line for a person.
        """
        name = f"mstr.library.{name}"
        task = self._task.copy(exclude_parent=True)
        task.action, task.args = name, {**self._defaults(name), **options}
        if check_mode is not None:
            task.check_mode, task.diff = check_mode, False
        action = self._shared_loader_obj.action_loader.get(
            name,
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        action.on_stop = on_stop
        return dict(action.run(None, self.task_vars))

    def _defaults(self, name: str) -> Result:
        """The options of a module from `module_defaults`. Ansible's own function for this has changed its name."""
        defaults_of: Result = {}
        for defaults in self._task.module_defaults or ():
            for key in ("group/mstr.library.mstr", name):
                defaults_of.update(templated(self._templar, defaults.get(key) or {}))
        return defaults_of


def _rendered(templar: Any, value: Any) -> Any:
    try:
        return plain(templated(templar, value))
    except AnsibleError:
        return UNKNOWN


def now() -> str:
    """The time as the name of a backup has it."""
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}"


def refused(sentence: str) -> ValidationError:
    """The error that ends a task with one sentence."""
    return ValidationError([sentence])


def failed(message: str) -> Result:
    """The result of a failed task."""
    return {"failed": True, "changed": False, "msg": message}
