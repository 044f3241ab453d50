# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unfinished replacements of other runs: refuses the definitions that mean one, or plans to undo or finish it first.

Another run may be at work, or one died: only a person knows. With the option `recover`, one whose old runtime exists is
undone: its scripts go back, and it is deleted. One whose old runtime is gone is finished: scripts that still name the
old one are assigned to it, and it takes its name.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from .._errors import MstrError, ValidationError
from .._model.definition import Definition, deletion_of, rename_of
from .._model.runtime import Runtime, Unfinished, lists_default, unfinished_in
from .._model.scripts import Usage
from .._model.steps import FINISH, RECOVERY, UNDO, Row, Step, assignments_in
from .._session.interrupt import Interrupted
from .._text import ended, listed
from .api import Context
from .locate import needed_fields, plan_step, read_unchanged
from .script_usage import Key, find_usage
from .scripts import assignment, secret_refusal, usage_after

_AD_HOC = "ansible localhost -m mstr.library"


class Recovery(NamedTuple):
    """What becomes of unfinished replacements. `context`: with the server as it will be afterwards.

    `rows`: what is undone and finished. `refused`: the errors of the definitions that are not carried out, by place.
    """

    context: Context
    rows: Sequence[Row] = ()
    refused: Mapping[str, MstrError] = {}


class _Group(NamedTuple):
    """The unfinished replacements of one runtime. `exists`: whether that one does; None if it is not known.

    `old`: that runtime, if it is listed. `places`: of the definitions that mean one of them.
    """

    replaced: str
    marks: Sequence[Unfinished]
    places: frozenset[str]
    old: Runtime | None
    exists: bool | None


def recovered(context: Context) -> Recovery:
    """What becomes of the unfinished replacements in the list that definitions mean. Raises Interrupted."""
    marks = unfinished_in(context.existing)
    groups = list(_groups(context, marks))
    if not groups:
        return Recovery(context._replace(unfinished=marks))
    if not context.inputs.recover:
        refused = {place: _refusal(context, group) for group in groups for place in group.places}
        return Recovery(context._replace(unfinished=marks), refused=refused)
    usage = context.usage or find_usage(context, None)
    planned: dict[str, list[Row]] = {}
    errors: dict[str, MstrError] = {}
    for group in groups:
        try:
            planned[group.replaced] = _recovery_of(context, group, usage)
        except Interrupted:
            raise
        except MstrError as exc:
            errors[group.replaced] = exc
    errors.update(_name_conflicts(context, planned))
    refused = _refused(groups, errors)
    rows = [row for group in groups if not group.places & refused.keys() for row in planned.get(group.replaced, ())]
    refused = {**refused, **_refused_by_id(context, rows)}
    return Recovery(_afterwards(context, marks, rows, usage), rows, refused)


def _groups(context: Context, marks: Sequence[Unfinished]) -> Iterator[_Group]:
    """The unfinished replacements that definitions mean, by what they replace."""
    listed_runtimes = {runtime.key: runtime for runtime in context.existing}
    by_replaced: dict[str, list[Unfinished]] = {}
    for mark in marks:
        by_replaced.setdefault(mark.replaced, []).append(mark)
    for replaced, same in by_replaced.items():
        old = listed_runtimes.get(replaced)
        places = {
            wanted.place for wanted in context.inputs.definitions if any(_means(wanted, mark, old) for mark in same)
        }
        if places:
            yield _Group(replaced, same, frozenset(places), old, _exists(context, replaced, old))


def _refused_by_id(context: Context, recovery: Sequence[Row]) -> Mapping[str, MstrError]:
    """The errors of the definitions that mean, by its id, a runtime that the recovery deletes."""
    undone = {step.key: step.label for row in recovery for step in row.in_phase(UNDO)}
    errors: dict[str, MstrError] = {}
    for wanted in context.inputs.definitions:
        if wanted.id in undone:
            what = f"id {wanted.id} is the unfinished replacement {undone[wanted.id]}, which recover deletes"
            errors[wanted.place] = ValidationError([f"{what}. Remove this entry"])
    return errors


def _means(wanted: Definition, mark: Unfinished, old: Runtime | None) -> bool:
    """Whether a definition means the name that an unfinished replacement is to take, or the runtime that it replaces.

    One with its own id is how a person undoes or finishes it by hand.
    """
    if wanted.id == mark.replaced:
        return True
    if wanted.id == mark.key or (wanted.id and wanted.state == "absent"):
        return False  # the id decides, and nothing gets the name
    names = {wanted.name, *wanted.previous_names}
    return mark.name in names or (old is not None and old.name in names)


def _exists(context: Context, key: str, listed_runtime: Runtime | None) -> bool | None:
    """Whether a runtime exists; None if it is not known: a complete list must lack it, and it must not be readable."""
    if listed_runtime:
        return True
    try:
        is_gone = lists_default(context.existing) and context.api.get(key) is None
    except Interrupted:
        raise
    except MstrError:
        is_gone = False
    return False if is_gone else None


# --- refuse


def _described(context: Context, mark: Unfinished, old: Runtime | None, exists: bool | None) -> str:
    """What an unfinished replacement is, since when, and what to do."""
    runtime = mark.runtime
    with suppress(MstrError):
        runtime = context.api.with_all_fields(mark.runtime, ["dateCreated"]) or mark.runtime
    since = runtime.facts.get("dateCreated") or "at an unknown time"
    state = {True: "exists", False: "does not exist any more", None: "may not exist any more"}[exists]
    what = old.label if old else mark.replaced
    return (
        f"{mark.runtime.label}, created {since}, is an unfinished replacement of {what}, which {state}. Another run "
        f"may be at work, or one died. If none is at work, set recover: true, or {by_hand(mark, exists)}"
    )


def unfinished_findings(context: Context, runtimes: Sequence[Runtime]) -> list[dict[str, Any]]:
    """The unfinished replacements among all runtimes, for an audit. Raises Interrupted."""
    context = context._replace(existing=runtimes)
    listed_runtimes = {runtime.key: runtime for runtime in runtimes}
    findings = []
    for mark in unfinished_in(runtimes):
        old = listed_runtimes.get(mark.replaced)
        exists = _exists(context, mark.replaced, old)
        findings.append(
            {
                "id": mark.runtime.id,
                "name": mark.runtime.name,
                "final_name": mark.name,
                "replaces": mark.replaced,
                "exists": exists,
                "msg": _described(context, mark, old, exists),
            }
        )
    return findings


def _refusal(context: Context, group: _Group) -> MstrError:
    """Why a definition is refused that means one of these unfinished replacements."""
    return ValidationError([_described(context, group.marks[0], group.old, group.exists)])


def by_hand(mark: Unfinished, exists: bool | None) -> str:
    """How a person undoes or finishes it, as the end of a sentence. `exists`: what it replaces; None if not known."""
    # No command at the end of the sentence, where somebody copies the full stop with it.
    undo = f"run {_commands(mark.key, mark.replaced, {'id': mark.key, 'state': 'absent'})} to undo it by hand"
    finish = f"run {_commands(mark.replaced, mark.key, {'id': mark.key, 'name': mark.name})} to finish it by hand"
    if exists is None:
        return f"if {mark.replaced} exists, {undo}; else {finish}"
    return undo if exists else finish


def _commands(source: str, target: str, definition: Mapping[str, str]) -> str:
    """The two commands that move the scripts of one runtime to another, and then delete or rename."""
    scripts = {"from_runtime": source, "runtime": target}
    steps = (("mstr_script_runtime", scripts), ("mstr_runtime", definition))
    return " && ".join(
        f"{_AD_HOC}.{module} -a {shlex.quote(json.dumps(options, ensure_ascii=False))}" for module, options in steps
    )


# --- recover


def _recovery_of(context: Context, group: _Group, usage: Usage) -> list[Row]:
    """The rows that undo or finish these; what is finished comes last. Raises MstrError if that cannot be done."""
    labels = listed([mark.runtime.label for mark in group.marks])
    if group.exists is None:
        unknown = f"It could not be found out whether the runtime {group.replaced} exists, which {labels} replaces"
        raise ValidationError([f"{unknown}. Run the task again, or {by_hand(group.marks[0], None)}"])
    if usage.unread:
        first = usage.unread[0]
        why = f"not every script could be read: {first.label}: {ended(first.error.sentence)}"
        raise ValidationError([f"{labels} cannot be recovered, because {why}"])
    if group.old:
        rows = [_undone(context, group, mark, group.old, usage) for mark in group.marks]
    else:
        chosen = _chosen(group, usage)
        rows = [_undone(context, group, mark, chosen.runtime, usage) for mark in group.marks if mark is not chosen]
        rows.append(_finished(context, group, chosen, usage))
    secret = secret_refusal(assignments_in(rows), _listed_scripts(context, usage))
    if secret:
        raise secret
    return rows


def _listed_scripts(context: Context, usage: Usage) -> set[Key]:
    """The keys of the scripts that the task lists itself."""
    entries = context.inputs.scripts or ()
    return {script.key for script in usage.scripts if any(entry.matches(script) for entry in entries)}


def _chosen(group: _Group, usage: Usage) -> Unfinished:
    """The one that scripts use; else the one with the smallest id. Raises ValidationError if scripts use several."""
    used = [mark for mark in group.marks if usage.of(mark.key)]
    if len(used) > 1:
        labels = ", ".join(mark.runtime.label for mark in group.marks)
        raise ValidationError(
            [
                f"scripts use several unfinished replacements of {group.replaced}, which does not exist any more: "
                f"{labels}. Assign the scripts to one of them with mstr_script_runtime, and delete the others by id"
            ]
        )
    return used[0] if used else group.marks[0]


def _undone(context: Context, group: _Group, mark: Unfinished, staying: Runtime, usage: Usage) -> Row:
    """A row that assigns the scripts of an unfinished replacement to the runtime that stays, and deletes it."""
    runtime = read_unchanged(context, mark.runtime)
    moves = [assignment(script, staying, context.existing) for script in usage.of(mark.key)]
    wanted = deletion_of(runtime, _comment(context))
    step = plan_step(context, Step(wanted, UNDO, runtime, successor=staying))
    return Row(wanted, RECOVERY, (*moves, step), needed_by=tuple(sorted(group.places)))


def _finished(context: Context, group: _Group, mark: Unfinished, usage: Usage) -> Row:
    """A row that assigns to it the scripts that still name the runtime that is gone, and gives it its name."""
    # Its definition is compared with it under its new name, so nothing about it may be read again meanwhile.
    needed = set().union(*(needed_fields(context, wanted) for wanted in context.inputs.definitions))
    runtime = read_unchanged(context, mark.runtime, needed)
    moves = [assignment(script, runtime, context.existing) for script in usage.of(mark.replaced)]
    wanted = rename_of(runtime, mark.name, _comment(context))
    # A name that somebody else has is found for all of them together.
    step = plan_step(context._replace(existing=[runtime]), Step(wanted, FINISH, runtime))
    return Row(wanted, RECOVERY, (*moves, step), needed_by=tuple(sorted(group.places)))


def _comment(context: Context) -> str | None:
    comments = [wanted.journal_comment for wanted in context.inputs.definitions if wanted.journal_comment]
    return comments[0] if comments else None


def _name_conflicts(context: Context, planned: Mapping[str, Sequence[Row]]) -> dict[str, MstrError]:
    """The errors of what would take a name that another runtime has, or is to take, too; by what it replaces."""
    existing = _existing_after(context, [row for rows in planned.values() for row in rows])
    errors: dict[str, MstrError] = {}
    for replaced, rows in planned.items():
        new, name, phase = rows[-1].main.seen, str(rows[-1].wanted.name), rows[-1].main.phase
        others = [runtime for runtime in existing if runtime.name == name and runtime.key != new.key]
        if phase == FINISH and others:
            taken = f"{new.label} is to take the name {name!r}, which {others[0].label} has or is to take"
            # Under its own id alone, scripts that name the runtime which is gone would be left there.
            different = _commands(replaced, new.key, {"id": new.key, "name": f"{name} 2"})
            errors[replaced] = ValidationError(
                [f"{taken}. Run {different} to finish it by hand under a different name"]
            )
    return errors


def _existing_after(context: Context, rows: Sequence[Row]) -> list[Runtime]:
    """The runtimes as they will be once these rows are carried out."""
    targets = {row.main.key: row.main.plan.target for row in rows}  # None if it is deleted
    runtimes = [targets.get(runtime.key, runtime) for runtime in context.existing]
    return [runtime for runtime in runtimes if runtime]


def _refused(groups: Sequence[_Group], errors: Mapping[str, MstrError]) -> dict[str, MstrError]:
    """The errors by the places of definitions. One that means several is carried out only if all can be recovered."""
    refused: dict[str, MstrError] = {}
    for group in groups:
        if group.replaced in errors:
            refused.update(dict.fromkeys(group.places, errors[group.replaced]))
    # What a refused definition means is left alone, so others that mean it are refused, too.
    for _turn in groups:
        for group in groups:
            same = sorted(group.places & refused.keys())
            if same:
                refused = {**dict.fromkeys(group.places, refused[same[0]]), **refused}
    return refused


def _afterwards(context: Context, marks: Sequence[Unfinished], rows: Sequence[Row], usage: Usage) -> Context:
    """The context with the server as it will be once the recovery is carried out."""
    recovered_keys = {row.main.key for row in rows}
    return context._replace(
        existing=_existing_after(context, rows),
        usage=usage_after(usage, assignments_in(rows)),
        unfinished=[mark for mark in marks if mark.key not in recovered_keys],
    )
