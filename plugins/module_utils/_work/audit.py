# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Audits one environment: every runtime is read once; policy, scripts and definitions are about what was read then."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from .._errors import Consequence, Interrupted, PartialError, ValidationError, as_mstr_error
from .._model.moves import all_of
from .._model.runtime import INCOMPLETE, Runtime
from .._model.scripts import Usage
from .._model.steps import Step
from .._session.session import Session
from .api import ALL_FIELDS, Context, Inputs, RuntimeApi
from .inputs import NO_INPUTS, context_for, libraries
from .locate import needed_fields
from .many import MANY_OPTIONS, Check, inputs_for_many, reconcile_many, result_of
from .reconcile import Outcome
from .runtime_info import READ_OPTIONS, find_runtimes, query_from, with_findings
from .script_usage import find_usage
from .scripts import warn_of_projects

_DEFINITIONS = ("runtimes", "src", "scripts")
# What only a task that writes needs.
_OF_WRITES = ("journal_comment", "plan_id", "wait", "wait_timeout", "wait_interval")
AUDIT_OPTIONS: dict[str, Any] = {
    **READ_OPTIONS,
    **{name: spec for name, spec in MANY_OPTIONS.items() if name not in _OF_WRITES},
}
# The fields that a report evaluates. It shows others as far as a list has them, or definitions manage them.
_REPORTED = frozenset(ALL_FIELDS) - {"description", "others"}
_DEFAULTS = {
    **dict.fromkeys(("name", "id")),
    **{name: MANY_OPTIONS[name].get("default") for name in _OF_WRITES},
}


class Snapshot(RuntimeApi):
    """The runtimes of one moment. Only an id that was not there is asked for."""

    def __init__(self, session: Session, runtimes: Sequence[Runtime]) -> None:
        super().__init__(session)
        self._runtimes = {runtime.key: runtime for runtime in runtimes}

    def list_all(self) -> list[Runtime]:
        """Every runtime, with all fields."""
        return list(self._runtimes.values())

    def read(self, identity: str, label: str | None = None, *, polling: bool = False) -> Runtime | None:
        """One runtime; None if it does not exist. Raises MstrError."""
        return self._runtimes.get(identity.upper()) or super().read(identity, label, polling=polling)


def requires(params: Mapping[str, Any]) -> Mapping[str, str | None]:
    """The Python libraries that these options need besides requests."""
    evaluates = any(params[name] is not None for name in (*_DEFINITIONS, "policy"))
    return libraries(params["policy"], params["include_installed"]) if evaluates else {}


def audit_inputs_from(check: Check, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The checked options, with the definitions or their errors in `compared`, None without any.

    Raises ValidationError with all other errors. A definition that violates the policy is compared, too. `check`:
    `_options.check_entry`.
    """
    # Who uses a runtime, and on which schedules, is one question.
    params = {**_DEFAULTS, **params, "include_tasks": params["include_scripts"]}
    compared: Inputs | ValidationError | None = None
    try:
        if any(params[name] is not None for name in _DEFINITIONS):
            compared = inputs_for_many(check, {**params, "policy": None})
    except ValidationError as exc:
        compared = exc
    return {**query_from(params), "compared": compared}


def audit(task: Any, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was read (`read`), what an apply would do (`applied`), and why it would be refused (`refusals`)."""
    query, compared = dict(inputs), inputs["compared"]
    may_run = not task.check_mode  # whether it may run the script that lists packages
    task = task._replace(params=query, check_mode=True, warn=partial(_warn, task.warn))
    context = context_for(task, compared if isinstance(compared, Inputs) else NO_INPUTS)
    needs_status = bool(context.inputs.scripts)  # no script is assigned to a runtime that is broken
    steps = [Step(wanted, is_awaited=needs_status) for wanted in context.inputs.definitions]
    needed = _REPORTED.union(*(needed_fields(context, step) for step in steps))
    runtimes = find_runtimes(context, query, needed)
    context = context._replace(api=Snapshot(task.session, runtimes))
    # One look-up, also for what an apply would delete.
    usage: Usage | None = None
    if query["include_scripts"]:
        warn_of_projects(context, query["projects"])
        usage = find_usage(context, query["projects"])
    # Without their warnings: the result lists what could not be read.
    read = with_findings(context._replace(check_mode=not may_run, warn=lambda text: None), query, runtimes, usage)
    # An apply also looks where the scripts are that it moves.
    is_enough = query["projects"] is None or not context.inputs.scripts
    applied, refusals = _comparison(context, compared, usage if is_enough else None) if compared else (None, ())
    return {"changed": False, "msg": read["msg"], "read": read, "applied": applied, "refusals": refusals}


def _warn(warn: Callable[[str], None], text: str) -> None:
    """Give a warning, but not that the list is incomplete: the result says it of the whole audit."""
    if not text.startswith(INCOMPLETE):
        warn(text)


def _comparison(
    context: Context, inputs: Inputs | ValidationError, usage: Usage | None
) -> tuple[dict[str, Any], Sequence[str]]:
    """The result of an apply in check mode, and why it would be refused."""
    try:
        if isinstance(inputs, ValidationError):
            raise inputs
        outcome = reconcile_many(context, usage)
        refusals = outcome.refusal.errors if outcome.refusal else ()
        return _reported(context, outcome._replace(refusal=None, listed=context.api.list_all())), refusals
    except Interrupted:
        raise
    except Exception as exc:  # what was read is reported all the same
        return {"failed": True, **as_mstr_error(exc).to_result()}, ()


def _reported(context: Context, outcome: Outcome) -> dict[str, Any]:
    """The result. It has failed if something could not be read; what an apply would refuse is a finding."""
    try:
        result = dict(result_of(context, outcome))
    except PartialError as exc:
        errors = [item.error for item in all_of(outcome.steps, outcome.moves)]
        failed = any(error and not isinstance(error, (ValidationError, Consequence)) for error in errors)
        result = {**exc.to_result(), "failed": failed}
    for shown in result["runtimes"]:
        if shown["action"] == "none":
            del shown["runtime"]  # `read` has it; both pass through JSON
    return result
