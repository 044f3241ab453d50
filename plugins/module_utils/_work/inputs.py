# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of a task to what is wanted, and to the context of its work. Nothing is sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .._errors import ErrorList, import_error
from .._model.checks import check_projects
from .._model.definition import definition_from
from .._model.fields import BY_NAME, LIST_AS_WRITTEN
from .._model.networks import NETADDR_IMPORT_ERROR
from .._text import first_lines
from .api import Context, Inputs, RuntimeApi, Waiting, utc_date

if TYPE_CHECKING:
    from .._model.policy import Policy

_TEXT: dict[str, Any] = {"type": "str"}
_REQUIRED: dict[str, Any] = {"type": "str", "required": True}
_TEXTS: dict[str, Any] = {"type": "list", "elements": "str"}
_BOOL: dict[str, Any] = {"type": "bool", "default": False}
_INT: dict[str, Any] = {"type": "int"}

RULE_OPTIONS: dict[str, Any] = {
    "networks_within": _TEXTS,
    "networks_never": _TEXTS,
    "whitelist_required": {"type": "bool"},
    "networks_required": _TEXTS,
    "packages_within": _TEXTS,
    "packages_never": _TEXTS,
    "packages_required": _TEXTS,
    "package_versions_required": _BOOL,
    # Ansible would make two entries of the text `>=3.10,<3.13`, and every version matches one of them.
    "runtime_versions_within": {**_TEXTS, "type": LIST_AS_WRITTEN},
    "python_days_left": _INT,
    "resource_max": {
        "type": "dict",
        "options": {**BY_NAME["resource"].spec["options"], "exec_timeout": _INT, "max_cached_instances": _INT},
    },
}
EXEMPTION_OPTIONS: dict[str, Any] = {
    "runtime": _REQUIRED,
    "rule": _TEXT,
    "value": _TEXT,
    "reason": _REQUIRED,
    "until": _REQUIRED,
}
POLICY_OPTION: dict[str, Any] = {
    "policy": {
        "type": "dict",
        "options": {**RULE_OPTIONS, "exemptions": {"type": "list", "elements": "dict", "options": EXEMPTION_OPTIONS}},
    }
}
PROJECTS_OPTION: dict[str, Any] = {"projects": {"type": LIST_AS_WRITTEN, "elements": "str"}}
NO_INPUTS = Inputs(())  # of a task that only reads, or that has no runtimes
# The options of every task that writes runtimes.
TASK_OPTIONS: dict[str, Any] = {
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 300},
    "wait_interval": {"type": "float", "default": 2.0},
    "protect_used": {"type": "bool", "default": True},
    **PROJECTS_OPTION,
    "plan_id": {"type": "str"},
    "journal_comment": {"type": "str"},
    **POLICY_OPTION,
}
_MOST_VIOLATIONS = 50  # that a message names


def inputs_for_one(params: Mapping[str, Any]) -> Inputs:
    """The options of a task for one runtime, checked. Raises ValidationError with all of their errors."""

    def own_inputs(policy: Policy | None) -> Inputs:
        with ErrorList() as errors:
            definition = errors.check(definition_from, params)
            if policy:
                errors.add(*first_violations(policy.violations_in(params)))
        return Inputs([definition])

    return inputs_from(params, own_inputs)


def first_violations(sentences: list[str]) -> list[str]:
    """The violations that a message names: of many, the first ones and the number of the others."""
    return first_lines(sentences, _MOST_VIOLATIONS, "and {} more violations of the policy")


def inputs_from(params: Mapping[str, Any], own_inputs: Callable[[Policy | None], Inputs]) -> Inputs:
    """The checked options of a task; `own_inputs` checks those that only some have. Raises ValidationError."""
    with ErrorList() as errors:
        policy = errors.check(policy_in, params)
        inputs = errors.check(own_inputs, policy)
        errors.check(check_projects, params["projects"])
        errors.check_seconds(params, "wait_timeout", "wait_interval")
        if params["plan_id"] is not None:
            from .._model.approval import check_plan_id  # only the apply of a plan needs it

            errors.check(check_plan_id, params["plan_id"])
    return inputs._replace(
        policy=policy,
        waits=params["wait"],
        waiting=Waiting(params["wait_timeout"], params["wait_interval"]),
        protects=params["protect_used"] is not False,
        projects=params["projects"],
        plan_id=params["plan_id"],
    )


def policy_in(params: Mapping[str, Any]) -> Policy | None:
    """The policy in the options; None without that option. Raises ValidationError with all of its errors."""
    if params["policy"] is None:
        return None
    from .._model.policy import policy_from  # only a task with a policy needs it

    return policy_from(params["policy"], utc_date())


def libraries(option: Mapping[str, Any] | None, installed: bool = False) -> dict[str, str | None]:
    """The libraries that the policy needs, each with the traceback of its failed import, or None."""
    needed = {"netaddr": NETADDR_IMPORT_ERROR}
    if option:
        from .._model.requirements import needs_packaging

        if needs_packaging(option, installed):
            needed["packaging"] = import_error("packaging.specifiers")
    return needed


def context_for(task: Any, inputs: Inputs = NO_INPUTS) -> Context:
    """The context of a task (`auth.Task`), which perhaps writes runtimes."""
    return Context(
        api=RuntimeApi(task.session),
        session=task.session,
        inputs=inputs,
        warn=task.warn,
        pause=task.stop.pause,
        clock=time.monotonic,
        progress=task.progress,
        retries=task.params["retries"],
        check_mode=task.check_mode,
    )
