# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work of mstr_script_runtime: all scripts of a runtime, or those listed, are assigned to one runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._errors import ErrorList, MstrError, PartialError, ValidationError
from .._model.alike import meant
from .._model.fields import LIST_AS_WRITTEN
from .._model.result import failures
from .._model.runtime import Runtime, id_from
from .._model.scripts import Unread
from .api import Context, one_named
from .assign import assign_all
from .assignments import Assignment, find_entries, plan_assignment, script_entries, script_report
from .inputs_many import SCRIPT_OPTIONS
from .script_usage import check_projects, find_usage

OPTIONS: dict[str, Any] = {
    "runtime": {"type": "str"},
    "runtime_id": {"type": "str"},
    "from_runtime": {"type": "str"},
    "from_runtime_id": {"type": "str"},
    "scripts": {"type": "list", "elements": "dict", "options": SCRIPT_OPTIONS},
    "projects": {"type": LIST_AS_WRITTEN, "elements": "str"},
}


def script_inputs_from(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The checked options, with entries in `scripts`. Raises ValidationError with all of their errors."""
    with ErrorList() as errors:
        ids = {name: errors.check(id_from, params[name], prefix=name) for name in ("runtime_id", "from_runtime_id")}
        blank = [name for name in ("runtime", "from_runtime") if params[name] is not None and not params[name].strip()]
        errors.add(*(f"{name} is empty" for name in blank))
        errors.check(check_projects, params["projects"])
        if params["scripts"] == []:
            errors.add("scripts is empty, so there is nothing to assign")
        entries = None if params["scripts"] is None else errors.check(script_entries, params["scripts"])
        same = {params["runtime"], ids["runtime_id"]} & {params["from_runtime"], ids["from_runtime_id"]} - {None}
        errors.add(*(f"the scripts of {name!r} cannot be assigned to {name!r} itself" for name in same))
    return {**params, **ids, "scripts": entries}


def assign_scripts(context: Context, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The result. Raises ValidationError before any write; PartialError if a script failed, or could not be read."""
    runtimes = context.api.list_all()
    with ErrorList() as errors:
        target = errors.check(_chosen_runtime, runtimes, inputs["runtime"], inputs["runtime_id"], "runtime")
        name, source = inputs["from_runtime"], inputs["from_runtime_id"]
        if name:
            chosen = errors.check(_chosen_runtime, runtimes, name, None, "from_runtime")
            source = chosen.key if chosen else None
        if target and target.key == source:
            errors.add(f"the scripts of {target.label} cannot be assigned to the same runtime")
    planned, unread = _planned(context, inputs, source, target)
    done = assign_all(context, sorted(planned, key=lambda assignment: assignment.script.sort_key))
    report = script_report(done, {runtime.key: runtime.name for runtime in runtimes})
    actions = [assignment.action for assignment in done]
    result = {
        "changed": report.moved > 0,
        "msg": summary_of_scripts(actions.count("moved"), actions.count("none"), target.name, context.check_mode),
        "scripts": report.rows,
        "unread": [failure.to_result() for failure in unread],
        "diff": report.diff,
    }
    causes = [*report.failures, *((f"could not read the {failure.label}", failure.error) for failure in unread)]
    if not causes:
        return result
    what = "There may be more scripts that use the old runtime"
    if report.failures:
        what = f"{len(report.failures)} of {len(done)} scripts failed"
    raise PartialError(MstrError(f"{result['msg']} {failures(what, causes)}", **causes[0][1].error), result)


def _planned(
    context: Context, inputs: Mapping[str, Any], source: str | None, target: Runtime
) -> tuple[list[Assignment], Sequence[Unread]]:
    """What is to be done, and the failed reads because of which it may be too little."""
    if inputs["scripts"] is None:
        usage = find_usage(context, inputs["projects"])
        scripts = [*usage.of(source), *usage.of(target.id)]
        return [Assignment.planned(script, target) for script in scripts], usage.unread
    usage = find_entries(context, inputs["scripts"])
    plans = (plan_assignment(entry, usage, target) for entry in inputs["scripts"])
    # Two entries may mean one script, by its name and by its id.
    return list({(plan.script.key, plan.script.name): plan for plan in plans}.values()), ()


def _chosen_runtime(runtimes: Sequence[Runtime], name: str | None, identity: str | None, option: str) -> Runtime:
    """The runtime. Raises ValidationError."""
    if name is None:
        chosen = next((runtime for runtime in runtimes if runtime.key == identity), None)
        wrong = f"{option}_id: no runtime has the id {identity!r}"
    else:
        chosen, wrong = one_named(runtimes, name), f"{option}: no runtime has the name {name!r}"
    if chosen is None:
        hint = meant(name, (runtime.name for runtime in runtimes)) if name else ""
        if option == "from_runtime" and not hint:
            hint = "; if it was deleted, give its id in from_runtime_id"
        raise ValidationError([f"{wrong}{hint}"])
    return chosen


def summary_of_scripts(moved: int, already: int, name: str, check_mode: bool) -> str:
    """What was done with the scripts, or would be done, in one sentence. `name`: of the runtime."""
    if not moved and not already:
        return f"No script was assigned to {name!r}."
    count = moved or already
    noun, verb = ("script", "uses") if count == 1 else ("scripts", "use")
    if not moved:
        return f"{count} {noun} already {verb} {name!r}."
    rest = f", {already} already did" if already else ""
    return f"{count} {noun} {'would use' if check_mode else f'now {verb}'} {name!r}{rest}."
