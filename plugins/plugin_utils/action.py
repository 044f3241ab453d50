# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The public base class of action plugins: a module then takes its connection from the variables of its host.

A module of your own needs only this, in a file of the same name in `action_plugins` or `plugins/action`:

    from ansible_collections.mstr.library.plugins.plugin_utils import action

    class ActionModule(action.ActionModule): ...

`ActionModule` is public; everything else is private.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action.normal import ActionModule as NormalAction

from ..module_utils._errors import ValidationError
from ._connection import PATHS, with_connection

__all__ = ["ActionModule"]


class ActionModule(NormalAction):
    """Runs the module of the same name, with its connection from the variables of the inventory's host."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result of the module. A variable such as `mstr_timeout` counts where the task does not set the option."""
        value_of = partial(self._variable, task_vars or {})
        try:
            self._task.args = with_connection(self._task.args, value_of)
        except ValidationError as exc:
            raise AnsibleActionFail(exc.sentence) from None
        result: dict[str, Any] = super().run(tmp, task_vars)  # type: ignore[no-untyped-call]
        return result

    def _variable(self, task_vars: Mapping[str, Any], option: str) -> Any:
        """The value of the variable of a connection option. A path starts where ansible-playbook was started."""
        value = rendered(self._templar, task_vars, f"mstr_{option}")
        is_path = option in PATHS and isinstance(value, str) and value
        if is_path and self._connection.transport == "local":
            return os.path.join(os.path.realpath("."), os.path.expanduser(value))
        return value


def task_environment(action: Any) -> dict[str, str]:
    """The environment variables that a task and its play set."""
    raw: dict[str, Any] = {}
    action._compute_environment_string(raw)
    return {str(name): str(value) for name, value in raw.items()}


def rendered(templar: Any, task_vars: Mapping[str, Any], name: str) -> Any:
    """The value of a variable, None if it is not set. Raises ValidationError if its template is invalid."""
    value = task_vars.get(name)
    if value is None:
        return None
    try:
        return templated(templar, value)
    except AnsibleError as exc:
        raise ValidationError([f"{name}: {exc}"]) from None


def templated(templar: Any, value: Any) -> Any:
    """The value of a variable, without what `{{ omit }}` leaves out, on every ansible-core; None if nothing is left."""
    result = templar.template({"value": value})
    omitted = templar.available_variables.get("omit")
    # Before ansible-core 2.19, it is a text. Later, a template leaves it out by itself.
    return (_without(omitted, result) if isinstance(omitted, str) else result).get("value")


def _without(omitted: str, value: Any) -> Any:
    """The value without the entries that are this text."""
    if isinstance(value, dict):
        return {key: _without(omitted, entry) for key, entry in value.items() if entry != omitted}
    if isinstance(value, list):
        return [_without(omitted, entry) for entry in value if entry != omitted]
    return value
