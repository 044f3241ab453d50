# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deletes runtimes: those that definitions list as absent, and then those that a purge deletes.

The API has no conditional request, so each deletion rests on reads just before it: once for all of them the list and
the scripts, and of each the runtime itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from .._errors import Interrupted, MstrError, as_mstr_error
from .._model.change import NO_CHANGE, changed_since
from .._model.runtime import Runtime, lists_default
from .._model.steps import PLANNED, READ, Step, has_failed
from .api import Context, NotSeen, World, map_steps, one_with_id
from .guards import refusals
from .write import CHANGED, CHECK_IT, prove_all, write


def delete_all(context: Context, world: World, steps: Sequence[Step]) -> list[Step]:
    """The steps after their deletions. A runtime that is not as it was planned is left alone, and its step says why.

    The purge comes last, and only if no step has failed.
    """
    try:
        now = _world_now(context, world)
        # Why runtimes must not be deleted, by their keys
        reasons = {runtime.key: why for runtimes, why in refusals(context, now, steps) for runtime in runtimes}
    except (MstrError, Interrupted) as exc:
        # Also after a signal: what was written so far must be reported.
        error = as_mstr_error(exc)
        return [
            step._replace(error=MstrError(f"{step.label} was not deleted. {error.sentence}", **error.error))
            if step.deletes
            else step
            for step in steps
        ]
    delete = partial(_delete, context, now, reasons)
    prove = partial(_proven_gone, context, {runtime.key for runtime in now.runtimes})
    for is_purge in (False, True):
        if not has_failed(steps):
            steps = map_steps(context, delete, steps, partial(_is_due, is_purge), "deleted")
            steps = prove_all(context, steps, now.listed is not None, prove)
    return list(steps)


def _is_due(is_purge: bool, step: Step) -> bool:
    """Whether this is a deletion of the purge, or else one of a definition, that is left to do."""
    return step.deletes and step.is_purge == is_purge


def _world_now(context: Context, world: World) -> World:
    """What there is just before the deletions. Raises MstrError."""
    # Without a list, a single deletion by id concerns nothing else.
    listed = None if world.listed is None else context.api.list_all()
    if not context.inputs.protects:
        return World(listed)
    from .scripts import usage_for_deletions  # only what scripts may use needs it

    return World(listed, usage_for_deletions(context))


def _delete(context: Context, now: World, reasons: Mapping[str, str], step: Step) -> Step:
    """The step after its deletion. Raises MstrError if the runtime is left alone.

    `reasons`: why a runtime must be kept, by its key.
    """
    if step.key in reasons:
        raise MstrError(f"{step.label} was not deleted, {CHANGED}: {reasons[step.key]}")
    planned = step.before_or_empty
    # A list may omit a runtime, or a field of it, that a read by its id shows.
    current = context.api.read_or_prove_gone(str(planned.id), repr(planned.name))
    if current is None:
        before = planned if step.is_purge else None
        return step._replace(before=before, change=NO_CHANGE).finished(READ)
    changed = ", ".join(changed_since(current, planned))
    names = [runtime.name for runtime in now.runtimes]
    if not changed and not step.wanted.id and names.count(current.name) > 1:
        changed = "other runtimes now have its name"
    if changed:
        raise MstrError(f"{planned.label} was not deleted, {CHANGED}: {changed}. {CHECK_IT}")
    return write(context, now, step)


def _proven_gone(context: Context, shown_before: set[str], listed: Sequence[Runtime], step: Step) -> Step:
    """The step, with NotSeen if the deleted runtime still exists. `shown_before`: keys in the list before.

    The list afterwards has the last word: what it still shows was not deleted, even if its id is not found, because
    the user may lack permission. What no complete list shows is read. Raises MstrError.
    """
    why, runtime = None, step.before_or_empty
    is_proven = runtime.key in shown_before and lists_default(listed)
    if one_with_id(listed, runtime.key):
        why = "the list of runtimes shows it. The user may lack permission on this object"
    elif not is_proven and context.api.read(str(runtime.id), repr(runtime.name)):
        why = "it can still be read"
    if why is None:
        return step._replace(state=READ)
    error = NotSeen(f"The server reported {runtime.label} as deleted, but it still exists: {why}")
    return step._replace(state=PLANNED, error=error)
