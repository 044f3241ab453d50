# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guards: what must not be done, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .._errors import NAMES_IN_MESSAGE, ValidationError, listed
from .._model.alike import ALIKE, is_named, name_key, near_names, quoted
from .._model.definition import Definition
from .._model.entry import PURGED, Entry, plan_id
from .._model.plan import Plan
from .._model.runtime import INCOMPLETE, Runtime, lists_default
from .api import Context


def refusals(
    context: Context, entries: Sequence[Entry], to_delete: Sequence[Runtime], existing: Sequence[Runtime]
) -> Iterator[tuple[Sequence[Runtime], str]]:
    """Every refusal, with those of the runtimes to delete that it is about.

    They are asked before the first write, when any refusal refuses the whole task, and again just before deletions,
    with each runtime as it is then and with the list `existing` of that moment; then a refusal spares its runtimes.
    `entries`: every entry of the task, with its plan.

    To add a guard, yield its refusals here; one that concerns more than deletions belongs in `plan_refusals`.
    """
    yield from _of_purge(context, entries, to_delete, existing)
    if context.guard and to_delete:
        yield from context.guard(to_delete)


def plan_refusals(context: Context, entries: Sequence[Entry], existing: Sequence[Runtime]) -> Iterator[str]:
    """Why the plan must not be carried out, before the first write."""
    scripts = context.script_report(entries)
    # A plan that is empty by now writes nothing.
    if context.plan_id and plan_id(entries, scripts) not in (context.plan_id, plan_id(())):
        from .._model.report import plan_mismatch  # only a different plan needs it

        yield plan_mismatch(context.plan_id, entries, scripts)
    to_delete = [entry.before for entry in entries if entry.to_do == "delete" and entry.before]
    to_delete += [old for entry in entries for old in entry.replaces]
    yield from (sentence for _runtimes, sentence in refusals(context, entries, to_delete, existing))


def check_plan(context: Context, entry: Entry, plan: Plan, existing: Sequence[Runtime]) -> None:
    """Raises ValidationError for a plan of one entry that must not be carried out, and warns of a likely mistake."""
    wanted = entry.wanted
    if "runtime_version" in plan.changed_fields:
        _check_version(context, str(wanted.values["runtime_version"]))
    if plan.action == "update" and "name" in plan.changed_fields and not wanted.restore:
        # If the server accepts a second runtime with this name, no task can address either of them by name.
        for runtime in existing or context.api.list_all():
            if entry.before and runtime.name == wanted.name and runtime.key != entry.before.key:
                holder = f"the runtime with id {runtime.id}"
                raise ValidationError([f"name {runtime.name!r} is taken by {holder}; choose a different name"])
    if entry.before is None and wanted.name and not wanted.id:
        _warn_of_near_names(context, wanted, existing)


def _check_version(context: Context, version: str) -> None:
    known = context.api.versions
    if known is None or version in known:
        return
    from difflib import get_close_matches  # takes 3 ms, which only a failing task should pay

    close = [other for other in known if other.startswith(f"{version}.")] or get_close_matches(version, known, 1)
    hint = f"; did you mean {close[-1]}?" if close else ""
    offered = ", ".join(known) or "none"
    raise ValidationError([f"runtime_version {version!r} is not offered by the server (it offers {offered}){hint}"])


def _warn_of_near_names(context: Context, wanted: Definition, existing: Iterable[Runtime]) -> None:
    what = "is new" if wanted.state == "present" else "does not exist, so nothing is deleted"
    for name in (str(wanted.name), *wanted.previous_names):
        near = near_names(name, (runtime.name for runtime in existing))
        if near:
            others = f"{quoted(near)} {'exists' if len(near) == 1 else 'exist'}"
            context.warn(
                f"Runtime {quoted([name])} {what}, but {others}: the names differ only in {ALIKE}. Check the spelling."
            )
        what = "does not exist, so nothing is renamed"


def _of_purge(
    context: Context, entries: Sequence[Entry], to_delete: Sequence[Runtime], existing: Sequence[Runtime]
) -> Iterator[tuple[Sequence[Runtime], str]]:
    purge = context.purge
    if purge is None:
        return
    unlisted = {entry.id for entry in entries if entry.place == PURGED}
    purged = [runtime for runtime in to_delete if runtime.id in unlisted]
    names: dict[str, list[str]] = {}
    taken_back = set()  # a backup takes its name back from the runtime that has it now
    for entry in entries if purged else ():
        name = entry.definition.name or ""
        if entry.place != PURGED:
            for text in (name, *entry.definition.previous_names):
                names.setdefault(name_key(text), []).append(text)
            if entry.wanted.restore and entry.before is not None and entry.before.name != name:
                taken_back.add(name)
    if not lists_default(existing):
        why = f"{INCOMPLETE[0].lower()}{INCOMPLETE[1:]}"
        yield to_delete, f"purge is refused: {why}. Run the task again, or as a user who sees every runtime"
    for runtime in purged:
        near = names.get(name_key(runtime.name), [])
        near = [name for name in near if name not in taken_back or name != runtime.name]
        label = f"purge would delete {quoted([runtime.name])} ({runtime.id})"
        if not runtime.name:
            label = f"purge would delete the runtime with id {runtime.id}"
            yield [runtime], f"{label}, which has no name; list it by its id"
        elif runtime.name in near:
            yield [runtime], f"{label}, whose name is in the list; list it by its id"
        elif near:
            advice = "write the name as the server has it, or list this runtime by its id with state: absent"
            yield [runtime], f"{label}, whose name differs only in {ALIKE} from {quoted(near)} in the list: {advice}"
        elif is_named(runtime.name, purge.exclude, runtime.id):
            yield [runtime], f"{label}, which purge_exclude names"
    if purge.limit is not None and len(purged) > purge.limit:
        most = len(purged) if context.check_mode else NAMES_IN_MESSAGE
        them = listed(sorted(repr(runtime.name) for runtime in purged), most)
        over = f"purge would delete {len(purged)} runtimes, more than purge_limit {purge.limit}"
        yield to_delete, f"{over}: {them}. Raise purge_limit if you want to delete them"
