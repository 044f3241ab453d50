# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The writes: create, update or delete a runtime, and read it again. Several threads may run these steps.

A write whose response was lost is never repeated blindly. The state is read again for some seconds, because a proxy may
give up before the server does, and only what is still missing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from .._errors import ApiError, ConnectError, Interrupted, MstrError, as_mstr_error
from .._model.approval import fingerprint
from .._model.change import DONE, as_stored, changed_since
from .._model.definition import Definition
from .._model.runtime import INCOMPLETE, Runtime, lists_default
from .._model.steps import PLANNED, READ, UNKNOWN, WRITTEN, Step
from .._session.response import OBJECT_WITH_ID, is_outage, says_no_such_object
from .._text import with_full_stop
from .api import LISTED_ONLY, RUNTIMES, Context, NotSeen, World, map_steps, one_with_id, path_of
from .locate import find_in_list, needed_fields, plan_step, with_needed_fields

Seen = TypeVar("Seen")

ALREADY_EXISTS = 15
CHANGED = "because something changed after the plan was made"
CHECK_IT = "Check it, and run the task again"
# Seconds before each check whether a write was carried out: its response was lost, or no read shows its effect.
PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)


class NotFoundOut(MstrError):
    """It is not known what the server did with a write."""


def write(context: Context, world: World, step: Step, read_first: bool = False) -> Step:
    """Carry out the step's plan. Raises MstrError if no check shows its effect; `outcome_unknown`: it may still come.

    `read_first`: plan an update again just before, because much time may have passed since the list was read.
    """
    if read_first and step.change.action == "update":
        step = _planned_again(context, world, step)
    label, done = step.wanted.label, DONE[step.change.action]
    try:
        return _send_until_known(context, world, step)
    except Interrupted as exc:
        if not exc.outcome_unknown:
            raise MstrError(f"{exc.sentence}. The runtime {label} was not {done}.") from exc
        doubt = f"while the runtime {label} was being {done}. It may or may not have been {done}"
        return step._replace(state=UNKNOWN, error=MstrError(f"{exc.sentence} {doubt}; check it."))
    except Exception as exc:
        is_known = isinstance(exc, MstrError) and not isinstance(exc, NotFoundOut)
        if is_known:
            raise
        # A fault proves nothing: the request may have been sent.
        return step._replace(state=UNKNOWN, error=as_mstr_error(exc))


def _send_until_known(context: Context, world: World, step: Step) -> Step:
    """The step after its request, sent again if its response was lost and nothing was done. Raises MstrError."""
    lost: list[MstrError] = []  # why there is no response, for each request that may have been carried out
    try:
        while step.change.changed and step.state == PLANNED:
            step = _send_and_look(context, world, step, lost)
            if step.state == PLANNED and len(lost) > context.retries:
                raise retries_used_up(lost[-1], f"the runtime is still not {DONE[step.change.action]}")
    except Interrupted as exc:
        exc.outcome_unknown |= bool(lost)
        raise
    return step if step.state != PLANNED else step.finished(READ)


def _send_and_look(context: Context, world: World, step: Step, lost: list[MstrError]) -> Step:
    """The step after its request, and after a look if the response was lost, which is then added to `lost`.

    It is done, or has the plan of what is left to do. Raises MstrError.
    """
    try:
        return _send_once(context, world, step)
    except (ApiError, ConnectError) as exc:
        is_refused_name = step.change.action == "create" and isinstance(exc, ApiError) and exc.number == ALREADY_EXISTS
        if is_refused_name:
            return _name_taken(context, world, step, exc, lost)
        if not exc.outcome_unknown:
            raise (lost_error(lost[-1], exc.sentence) if lost else exc) from None
        lost.append(exc)
        return _checked_after_loss(context, world, step, exc)


def _send_once(context: Context, world: World, step: Step) -> Step:
    """The step after its request was answered. Raises MstrError, also for a response that proves nothing."""
    change, session, written = step.change, context.session, step.finished(WRITTEN)
    runtime, comment = change.target or step.before_or_empty, step.wanted.journal_comment
    path, operation = path_of(runtime.id), f"{change.action} the runtime {runtime.label}"
    if change.action == "delete":
        try:
            # The comment is for the journal, since 11.5.0300 [mstrio].
            session.send("DELETE", path, operation=operation, params={"userComments": comment} if comment else None)
        except ApiError as exc:
            if not says_no_such_object(exc):
                raise
        return written
    if change.action == "update":
        # The body must include the name [mstrio].
        response = session.request("PATCH", path, json=change.body, operation=operation)
        session.data_of(response, operation)
        return written._replace(status=response.status)
    identity = str(session.send("POST", RUNTIMES, change.body, operation=operation, shape=OBJECT_WITH_ID)["id"])
    if one_with_id(world.runtimes, identity):
        sentence = f"The server answered to the create of {runtime.name!r} with the id of a different runtime"
        raise ApiError(f"{sentence}, {identity}.", outcome_unknown=True)
    return written._replace(after=runtime._replace(id=identity))


def _planned_again(context: Context, world: World, step: Step) -> Step:
    """The update with a plan from the runtime as it is now, so that no change of another client is overwritten."""
    before = step.before_or_empty
    try:
        current = context.api.read_or_prove_gone(str(before.id), repr(before.name))
    except Interrupted as exc:
        raise MstrError(f"{exc.sentence}. The runtime {step.wanted.label} was not updated.") from exc
    if current and not step.wanted.id and current.name != before.name:
        raise MstrError(
            f"{before.label} was renamed to {current.name!r} after the plan was made, so it was left as it is. Check "
            "it, and run the task again."
        )
    return _approved(context, step, plan_step(context, world, step._replace(before=current)))


def check_after_loss(context: Context, lost: MstrError, look: Callable[[], Seen], unknown: str) -> Iterator[Seen]:
    """What `look` sees after a write whose response was lost, again and again for some seconds.

    `unknown`: what the message says if `look` fails, such as "The runtime may or may not have been created". Raises
    MstrError.
    """
    despite_outage = context.session.despite_outage(f"to find out what {lost.error['request']} did")
    pauses = PAUSES[:1] if is_answer(lost) else PAUSES
    try:
        yield from looks(context, pauses, despite_outage(look))
    except MstrError as exc:
        was_lost = "" if is_answer(lost) else "The response was lost. "
        raise NotFoundOut(
            f"{lost.sentence} {was_lost}The task could not find out what the server did: "
            f"{with_full_stop(exc.sentence)} {unknown}; check it before the next run.",
            **lost.error,
        ) from exc


def _checked_after_loss(context: Context, world: World, step: Step, lost: MstrError) -> Step:
    """Check a write whose response was lost. Returns the step, done or with the plan of what is left to do."""
    unknown = f"The runtime {step.wanted.label} may or may not have been {DONE[step.change.action]}"
    look = partial(_LOOKS[step.change.action], context, world, step)
    again = step
    for again in check_after_loss(context, lost, look, unknown):
        if again.state == READ:
            return confirm(context, step, again.before) if again.before else step.finished(READ)
    is_deletion = step.change.action == "delete"
    changed = changed_since(again.before_or_empty, step.before_or_empty) if is_deletion else ()
    if changed:
        meanwhile = f"because it changed meanwhile: {', '.join(changed)}"
        raise lost_error(lost, f"{step.before_or_empty.label} was not deleted, {meanwhile}.")
    return _approved(context, step, again)


def _create_seen(context: Context, world: World, step: Step) -> Step:
    """The step with the state READ if its create was carried out, or else with the plan of what is left to do."""
    now, found = _with_new_runtime(context, world, step)
    if found.before:
        return found._replace(state=READ)  # differences from the request become warnings; they cause no second write
    _check_complete(now)
    return plan_step(context, now, found)


def _update_seen(context: Context, _world: World, step: Step) -> Step:
    """The step with the state READ if its update was carried out, or else with the plan of what is left to do."""
    now = _world_without_id(context, step.wanted)
    found = with_needed_fields(context, now, step._replace(before=find_in_list(step.wanted, now.runtimes)))
    if found.before and found.key != step.key:
        raise MstrError(
            f"{step.before_or_empty.label} was renamed or deleted meanwhile, and {found.before.label} has its name."
        )
    if found.before is None and not step.wanted.id:
        _check_complete(now)
    return plan_step(context, now, found)


def _delete_seen(context: Context, _world: World, step: Step) -> Step:
    """The step with the state READ if its deletion was carried out, or else with the plan of what is left to do.

    The runtime may have a different name now, so its id counts.
    """
    now = _world_without_id(context, step.wanted)
    shown = one_with_id(now.runtimes, step.key)
    by_id = step._replace(before=shown, wanted=step.wanted._replace(id=step.key))
    if shown or not lists_default(now.runtimes):
        by_id = with_needed_fields(context, now, by_id)
    step = step._replace(before=by_id.before)
    return plan_step(context, now, step) if step.before else step._replace(state=READ)


def _with_new_runtime(context: Context, world: World, step: Step) -> tuple[World, Step]:
    """The list, and the step with the runtime that has its name: not one that existed before, whatever its name was."""
    now = World(context.api.list_all())
    keys = {runtime.key for runtime in world.runtimes}
    new = [runtime for runtime in now.runtimes if runtime.key not in keys]
    found = find_in_list(step.wanted, new)
    return now, with_needed_fields(context, now, step._replace(before=found))


def _world_without_id(context: Context, wanted: Definition) -> World:
    """The runtimes as listed now; no list for a definition whose id finds its runtime."""
    return World(None if wanted.id else context.api.list_all())


def _check_complete(now: World) -> None:
    """Raises NotSeen for a list that proves nothing about what it lacks."""
    if not lists_default(now.runtimes):
        raise NotSeen(f"{INCOMPLETE}.")


# How the outcome of each write is found out
_LOOKS: dict[str, Callable[[Context, World, Step], Step]] = {
    "create": _create_seen,
    "update": _update_seen,
    "delete": _delete_seen,
}


def _approved(context: Context, step: Step, again: Step) -> Step:
    """The step as it was planned again during the work. Raises MstrError if that is not the plan that was approved."""
    needs_approval = context.inputs.plan_id is not None
    if needs_approval and fingerprint(again.before, again.change) != fingerprint(step.before, step.change):
        raise MstrError(
            f"The runtime {step.wanted.label} changed while the approved plan was carried out, so this task leaves it "
            "as it is. Check again and have the new plan approved."
        )
    return again


def _name_taken(context: Context, world: World, step: Step, refusal: MstrError, lost: Sequence[MstrError]) -> Step:
    """The step where the server refuses a create because the name exists. Raises MstrError."""
    now, holder = _with_new_runtime(context, world, step)
    if holder.before is None:
        why = "The name is taken. If no list shows a runtime with it, an ACL may hide it from this user."
        raise MstrError(f"{refusal.sentence} {why}", **refusal.error)
    if lost:
        # The name was more likely taken by this task's create, whose response was lost, than by another play.
        return confirm(context, step, holder.before)
    # Another play created it first: write only what still differs.
    return _approved(context, step, plan_step(context, now, holder))


def is_answer(lost: MstrError) -> bool:
    """Whether the server ended the write with an error, so that it does not go on with it."""
    # In the API's own form, or refused before the work: too many requests, the session has ended.
    return bool(lost.error["code"]) or lost.error["http_status"] in (401, 429)


def lost_error(lost: MstrError, sentence: str) -> MstrError:
    """The error of a write whose response was lost, and that was not carried out as far as a check showed.

    Unless the server itself has answered, it may carry it out later: then `outcome_unknown` is set.
    """
    return MstrError(f"{lost.sentence} {sentence}".rstrip(), outcome_unknown=not is_answer(lost), **lost.error)


def retries_used_up(lost: MstrError, what: str) -> MstrError:
    """The error of a write that is not sent again. `what`: such as "the runtime is still not created"."""
    if is_answer(lost):
        return lost_error(lost, "")
    return lost_error(
        lost,
        f"The response was lost. After {sum(PAUSES):g} seconds of checking, {what}. The request was not sent again "
        "because retries are used up; run the task again.",
    )


# --- what the server shows afterwards


def looks(context: Context, pauses: Sequence[float], look: Callable[[], Seen]) -> Iterator[Seen]:
    """What `look` sees after each of the pauses, in seconds. Raises its MstrError, unless a later look may succeed."""
    for number, seconds in enumerate(pauses, 1):
        if seconds:
            context.pause(seconds)
        try:
            seen = look()
        except MstrError as exc:
            if number < len(pauses) and may_pass(context, exc):
                continue
            raise
        yield seen


def may_pass(context: Context, error: MstrError) -> bool:
    """Whether a look a moment later may succeed. During an outage, the session has used up its retries already."""
    is_missing = isinstance(error, NotSeen) or (isinstance(error, ApiError) and says_no_such_object(error))
    return is_missing or (is_outage(error) and not context.retries)


def read_again(context: Context, steps: Sequence[Step]) -> list[Step]:
    """Read the written runtimes again: a single updated one by its id, others in one list."""
    unread = [step for step in steps if is_unproven(step)]
    # The list also shows whether somebody else has given a runtime the same name meanwhile.
    gives_name = any("name" in step.change.changed_fields for step in unread)
    return prove_all(context, steps, gives_name or len(unread) > 1, partial(_confirmed, context))


def prove_all(
    context: Context, steps: Sequence[Step], needs_list: bool, prove: Callable[[Sequence[Runtime], Step], Step]
) -> list[Step]:
    """The steps; those that only their response proves, after `prove` has seen what the server shows now.

    A list or an object that is a moment old proves nothing, and an outage may last for a moment: while `prove` sees no
    effect, it looks again for some seconds. `needs_list`: whether it gets a list of the runtimes.
    """
    proven = list(steps)
    left_to_wait: set[str] = set()

    def is_open(step: Step) -> bool:
        return is_unproven(step) and step.place not in left_to_wait

    for seconds in (0.0, *PAUSES):
        if not any(map(is_open, proven)):
            break
        listed = _listed_after(context, seconds, needs_list)
        seen = map_steps(context, partial(_look, context, listed, prove), proven, is_open, "read again")
        left_to_wait = {step.place for step in seen if is_unproven(step)}
        is_last = seconds == PAUSES[-1]
        proven = [old if isinstance(new.error, NotSeen) and not is_last else new for old, new in zip(proven, seen)]
    return proven


def _listed_after(context: Context, seconds: float, needs_list: bool) -> Sequence[Runtime] | Exception:
    """The runtimes as listed after a pause, none without a need for them; or why they are not known."""
    try:
        if seconds:
            context.pause(seconds)
        return context.api.list_all() if needs_list else ()
    except (MstrError, Interrupted) as exc:
        return exc


def _look(
    context: Context,
    listed: Sequence[Runtime] | Exception,
    prove: Callable[[Sequence[Runtime], Step], Step],
    step: Step,
) -> Step:
    """The step after `prove` has seen what the server shows now; still unproven if the wait is to find that out.

    Raises MstrError, which says what was written.
    """
    try:
        if isinstance(listed, Exception):
            raise listed
        return prove(listed, step)
    except (MstrError, Interrupted) as exc:
        error = as_mstr_error(exc)
        if is_outage(error) and step.is_awaited:
            return step  # the wait reads it, too
        failure = NotSeen if may_pass(context, error) else MstrError
        preface = f"The runtime {step.wanted.label} was {step.action}, but could not be read again: "
        raise failure(preface + error.sentence, **error.error) from exc


def is_unproven(step: Step) -> bool:
    """Whether only the response to the write says that it was carried out."""
    return step.state == WRITTEN and not step.error


def _confirmed(context: Context, listed: Sequence[Runtime], step: Step) -> Step:
    """The step with its runtime as it is now, or with NotSeen if a create is not visible. Raises MstrError."""
    key = (step.runtime or step.before_or_empty).key
    shown = one_with_id(listed, key)
    current = shown
    # A list may omit a runtime, or a field of it, that a read by its id shows.
    if shown is None or shown.lacking(needed_fields(context, step)):
        current = context.api.read(key, step.wanted.label)
    if current:
        _warn_of_namesakes(context, listed, step)
        return confirm(context, step, current)
    if shown:
        raise NotSeen(LISTED_ONLY)
    if step.action != "created":
        raise NotSeen(f"the server no longer shows the runtime {step.label} ({key})")
    error = NotSeen(f"The server reported {step.label} ({key}) as created, but does not show it")
    return step._replace(state=PLANNED, after=None, error=error)


def _warn_of_namesakes(context: Context, listed: Sequence[Runtime], step: Step) -> None:
    """Warn if several listed runtimes have the name that a write gave to one."""
    name = step.wanted.name
    ids = [str(runtime.id) for runtime in listed if runtime.name == name]
    if len(ids) > 1 and "name" in step.change.changed_fields:
        context.warn(
            f"Several runtimes now have the name {name!r}: {' and '.join(ids)}. Another task gave it to one, or a lost "
            "response made this task create two. Rename or delete one by its id."
        )


def confirm(context: Context, step: Step, current: Runtime) -> Step:
    """The step with the runtime as read after a write. Warns if the server stored other values than requested.

    The step has the error NotSeen if an update changed nothing.
    """
    change, before = step.change, step.before
    if change.action == "update" and before and not changed_since(current, before, change.changed_fields):
        answer = f"answered {step.status} but" if step.status else "accepted the update but"
        error = NotSeen(
            f"Could not update the runtime {current.label}: the server {answer} changed nothing "
            f"({', '.join(change.changed_fields)}). The user may lack permission on this object.",
            http_status=step.status,
            request=f"PATCH /api{path_of(current.id)}",
        )
        return step._replace(state=PLANNED, after=None, error=error)
    change, differences = as_stored(change, step.wanted, current)
    for text in differences:
        context.warn(text)
    return step._replace(state=READ, after=current, change=change)
