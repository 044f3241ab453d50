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
from .locate import as_listed, needed_fields, plan_step
from .script_usage import find_usage
from .scripts import Key, assignment, secret_refusal, usage_after

_AD_HOC = "ansible localhost -m mstr.library"


class Recovery(NamedTuple):
    """What becomes of unfinished replacements. `context`: with the server as it will be afterwards.

    `rows`: what is undone and finished. `refused`: the errors of the definitions that are not carried out, by place.
    """

    context: Context
    rows: Sequence[Row] = ()
    refused: Mapping[str, MstrError] = {}


class _Group(NamedTuple):
    """The unfinished replacements of one runtime. `old`: that runtime; None if it is gone, or if that is not known.

    `places`: of the definitions that mean one of them.
    """

    replaced: str
    marks: Sequence[Unfinished]
    places: frozenset[str]
    old: Runtime | None
    is_gone: bool


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
            planned[group.replaced] = _planned(context, group, usage)
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
    by_key = {runtime.key: runtime for runtime in context.existing}
    by_replaced: dict[str, list[Unfinished]] = {}
    for mark in marks:
        by_replaced.setdefault(mark.replaced, []).append(mark)
    for replaced, same in by_replaced.items():
        old = by_key.get(replaced)
        places = {
            wanted.place
            for wanted in context.inputs.definitions
            if any(_means(wanted, mark, old, not wanted.id or context.inputs.restore) for mark in same)
        }
        if places:
            yield _Group(replaced, same, frozenset(places), old, old is None and _is_gone(context, replaced))


def _refused_by_id(context: Context, recovery: Sequence[Row]) -> Mapping[str, MstrError]:
    """The errors of the definitions that mean, by its id, a runtime that the recovery deletes."""
    undone = {step.key: step.label for row in recovery for step in row.in_phase(UNDO)}
    errors: dict[str, MstrError] = {}
    for wanted in context.inputs.definitions:
        if wanted.id in undone:
            what = f"id {wanted.id} is the unfinished replacement {undone[wanted.id]}, which recover deletes"
            errors[wanted.place] = ValidationError([f"{what}. Remove this entry"])
    return errors


def _means(wanted: Definition, mark: Unfinished, old: Runtime | None, by_name: bool) -> bool:
    """Whether a definition means the name that an unfinished replacement is to take, or the runtime that it replaces.

    One with its own id is how a person undoes or finishes it by hand. `by_name`: whether the name may find a runtime,
    in a backup also that of a definition with an id, which may be gone.
    """
    if wanted.id == mark.replaced:
        return True
    if wanted.id == mark.key or (wanted.id and wanted.state == "absent"):
        return False  # the id decides, and nothing gets the name
    names = {wanted.name, *wanted.previous_names}
    return mark.name in names or bool(old and by_name and old.name in names)


def _is_gone(context: Context, key: str) -> bool:
    """Whether it is proven that a runtime does not exist: a complete list lacks it, and it cannot be read."""
    try:
        return lists_default(context.existing) and context.api.get(key) is None
    except Interrupted:
        raise
    except MstrError:
        return False


# --- refuse


def _described(context: Context, mark: Unfinished, old: Runtime | None, is_gone: bool) -> str:
    """What an unfinished replacement is, since when, and what to do."""
    runtime = mark.runtime
    with suppress(MstrError):
        runtime = context.api.with_all_fields(mark.runtime, ["dateCreated"]) or mark.runtime
    since = runtime.facts.get("dateCreated") or "at an unknown time"
    state = "may not exist any more"
    if old or is_gone:
        state = "exists" if old else "does not exist any more"
    what = old.label if old else mark.replaced
    return (
        f"{mark.runtime.label}, created {since}, is an unfinished replacement of {what}, which {state}. Another run "
        f"may be at work, or one died. If none is at work, set recover: true, or {by_hand(mark, old, is_gone)}"
    )


def unfinished_findings(context: Context, runtimes: Sequence[Runtime]) -> list[dict[str, Any]]:
    """The unfinished replacements among all runtimes, for an audit. Raises Interrupted."""
    context = context._replace(existing=runtimes)
    by_key = {runtime.key: runtime for runtime in runtimes}
    findings = []
    for mark in unfinished_in(runtimes):
        old = by_key.get(mark.replaced)
        is_gone = old is None and _is_gone(context, mark.replaced)
        findings.append(
            {
                "id": mark.runtime.id,
                "name": mark.runtime.name,
                "final_name": mark.name,
                "replaces": mark.replaced,
                "exists": None if old is None and not is_gone else not is_gone,
                "msg": _described(context, mark, old, is_gone),
            }
        )
    return findings


def _refusal(context: Context, group: _Group) -> MstrError:
    """Why a definition is refused that means one of these unfinished replacements."""
    return ValidationError([_described(context, group.marks[0], group.old, group.is_gone)])


def by_hand(mark: Unfinished, old: Runtime | None, is_gone: bool) -> str:
    """How a person undoes or finishes it, as the end of a sentence."""
    # No command at the end of the sentence, where somebody copies the full stop with it.
    undo = f"run {_commands(mark.key, mark.replaced, {'id': mark.key, 'state': 'absent'})} to undo it by hand"
    finish = f"run {_commands(mark.replaced, mark.key, {'id': mark.key, 'name': mark.name})} to finish it by hand"
    if old or is_gone:
        return undo if old else finish
    return f"if {mark.replaced} exists, {undo}; else {finish}"


def _commands(source: str, target: str, definition: Mapping[str, str]) -> str:
    """The two commands that move the scripts of one runtime to another, and then delete or rename."""
    scripts = {"from_runtime": source, "runtime": target}
    steps = (("mstr_script_runtime", scripts), ("mstr_runtime", definition))
    return " && ".join(
        f"{_AD_HOC}.{module} -a {shlex.quote(json.dumps(options, ensure_ascii=False))}" for module, options in steps
    )


# --- recover


def _planned(context: Context, group: _Group, usage: Usage) -> list[Row]:
    """The rows that undo or finish these. Raises MstrError if that cannot be done."""
    labels = listed([mark.runtime.label for mark in group.marks])
    if group.old is None and not group.is_gone:
        mark = group.marks[0]
        unknown = f"It could not be found out whether the runtime {group.replaced} exists, which {labels} replaces"
        raise ValidationError([f"{unknown}. Run the task again, or {by_hand(mark, None, False)}"])
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
    runtime = as_listed(context, mark.runtime)
    moves = [assignment(script, staying, context.existing) for script in usage.of(mark.key)]
    wanted = deletion_of(runtime, _comment(context))
    step = plan_step(context, Step(wanted, UNDO, runtime, successor=staying))
    return Row(wanted, RECOVERY, (*moves, step), needed_by=tuple(sorted(group.places)))


def _finished(context: Context, group: _Group, mark: Unfinished, usage: Usage) -> Row:
    """A row that assigns to it the scripts that still name the runtime that is gone, and gives it its name."""
    # Its definition is compared with it under its new name, so nothing about it may be read again meanwhile.
    needed = set().union(*(needed_fields(context, wanted) for wanted in context.inputs.definitions))
    runtime = as_listed(context, mark.runtime, needed)
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
    finished = [(replaced, row) for replaced, group in planned.items() for row in group if row.main.phase == FINISH]
    holders = _holders(context, [row for group in planned.values() for row in group])
    errors: dict[str, MstrError] = {}
    for replaced, row in finished:
        new, name = row.main.seen, str(row.wanted.name)
        other = next((holder for holder in holders[name] if holder.key != new.key), None)
        if other:
            taken = f"{new.label} is to take the name {name!r}, which {other.label} has or is to take"
            # Under its own id alone, scripts that name the runtime which is gone would be left there.
            different = _commands(replaced, new.key, {"id": new.key, "name": f"{name} 2"})
            errors[replaced] = ValidationError(
                [f"{taken}. Run {different} to finish it by hand under a different name"]
            )
    return errors


def _holders(context: Context, rows: Sequence[Row]) -> dict[str, list[Runtime]]:
    """The runtimes that have or are to take each name, once these rows are carried out."""
    deleted = {row.main.key for row in rows if row.main.phase == UNDO}
    holders: dict[str, list[Runtime]] = {}
    for runtime in context.existing:
        if runtime.key not in deleted:
            holders.setdefault(runtime.name, []).append(runtime)
    for row in rows:
        if row.main.phase == FINISH:
            holders.setdefault(str(row.wanted.name), []).append(row.main.seen)
    return holders


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
    steps = {row.main.key: row.main for row in rows}
    existing = []
    for runtime in context.existing:
        step = steps.get(runtime.key)
        if step is None:
            existing.append(runtime)
        elif step.plan.target:  # None if it is deleted
            existing.append(step.plan.target)
    left = [mark for mark in marks if mark.key not in steps]
    return context._replace(existing=existing, usage=usage_after(usage, assignments_in(rows)), unfinished=left)
