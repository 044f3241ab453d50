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
from typing import NamedTuple, TypeVar

from .._errors import ApiError, ConnectError, MstrError
from .._model.approval import fingerprint
from .._model.definition import Definition
from .._model.plan import DONE, Plan, as_stored, changed_since
from .._model.runtime import INCOMPLETE, Runtime, lists_default
from .._model.steps import CHANGE, PLANNED, READ, UNKNOWN, WRITTEN, Row, Step
from .._session.interrupt import Interrupted
from .._session.response import OBJECT_WITH_ID, is_outage, says_no_such_object
from .._text import ended
from .api import RUNTIMES, Context, attempt, map_steps, path_of
from .locate import find_listed, locate, needed_fields, plan_step

Seen = TypeVar("Seen")
# What was seen after a write whose response was lost
_DONE, _MISSING, _CHANGED = "done", "missing", "changed"

ALREADY_EXISTS = 15
CHANGED = "because something changed after the plan was made"
CHECK_IT = "Check it, and run the task again"
# Seconds before each check whether a write whose response was lost was carried out.
CHECKS = (0.25, 0.5, 1.0, 2.0, 4.0)


class NotFoundOut(MstrError):
    """It is not known what the server did with a write."""


def write(context: Context, step: Step, read_first: bool = False) -> Step:
    """Carry out the step's plan. Raises MstrError if nothing was done, see also its `outcome_unknown`.

    `read_first`: plan an update again just before, because much time may have passed since the list was read.
    """
    if read_first and step.plan.action == "update":
        step = _planned_again(context, step)
    try:
        return _sent(context, step)
    except NotFoundOut as exc:
        return step._replace(state=UNKNOWN, error=exc)


def _sent(context: Context, step: Step) -> Step:
    """The step after its request, sent again if its response was lost and nothing was done. Raises MstrError."""
    lost: ApiError | ConnectError | None = None
    tries = context.retries
    while step.plan.changed and step.state == PLANNED:
        try:
            return _send(context, step)
        except Interrupted as exc:
            return _interrupted(step, exc)
        except (ApiError, ConnectError) as exc:
            if _is_name_taken(step, exc):
                step = _name_taken(context, step, exc, lost)
                continue
            if not exc.outcome_unknown:
                raise (not_done(lost, exc.sentence) if lost else exc) from None
            lost = exc
        step = _checked_after_loss(context, step, lost)
        if step.state == PLANNED and tries < 1:
            raise not_done_error(lost, f"the runtime is still not {DONE[step.plan.action]}")
        tries -= 1
    return step if step.state != PLANNED else step.finished(READ)


def _is_name_taken(step: Step, exc: MstrError) -> bool:
    """Whether a create was refused because a runtime has the name."""
    return step.plan.action == "create" and isinstance(exc, ApiError) and exc.number == ALREADY_EXISTS


def _interrupted(step: Step, exc: Interrupted) -> Step:
    """The step after a signal, if its request was on its way. Raises MstrError if it was never sent."""
    label, done = step.wanted.label, DONE[step.plan.action]
    if not exc.outcome_unknown:
        raise MstrError(f"{exc.sentence}. The runtime {label} was not {done}.") from exc
    doubt = f"while the runtime {label} was being {done}. It may or may not have been {done}"
    return step._replace(state=UNKNOWN, error=MstrError(f"{exc.sentence} {doubt}; check it."))


def _send(context: Context, step: Step) -> Step:
    """The step after its request was answered. Raises MstrError, also for a response that proves nothing."""
    plan, session, written = step.plan, context.session, step.finished(WRITTEN)
    runtime, comment = plan.target or step.seen, step.wanted.journal_comment
    path, operation = path_of(runtime.id), f"{plan.action} the runtime {runtime.label}"
    if plan.action == "delete":
        try:
            # The comment is for the journal, since 11.5.0300 [mstrio].
            session.send("DELETE", path, operation=operation, params={"userComments": comment} if comment else None)
        except ApiError as exc:
            if not says_no_such_object(exc):
                raise
        return written
    if plan.action == "update":
        # The body must include the name [mstrio].
        response = session.request("PATCH", path, json=plan.body, operation=operation)
        session.data_of(response, operation)
        return written._replace(status=response.status)
    identity = str(session.send("POST", RUNTIMES, plan.body, operation=operation, shape=OBJECT_WITH_ID)["id"])
    if any(existed.key == identity.upper() for existed in context.existing):
        sentence = f"The server answered to the create of {runtime.name!r} with the id of a different runtime"
        raise ApiError(f"{sentence}, {identity}.", outcome_unknown=True)
    return written._replace(after=runtime._replace(id=identity))


def write_and_read(context: Context, step: Step) -> Step:
    """The step after its write and a read of its runtime. It has an error if one of them failed."""
    step = attempt(partial(write, context), step)
    look = partial(_read_again, context, partial(_confirmed, context, ()))
    return attempt(look, step) if is_unproven(step) else step


def _planned_again(context: Context, step: Step) -> Step:
    """The update with a plan from the runtime as it is now, so that no change of another client is overwritten."""
    before = step.seen
    try:
        current = context.api.find(str(before.id), repr(before.name))
    except Interrupted as exc:
        raise MstrError(f"{exc.sentence}. The runtime {step.wanted.label} was not updated.") from exc
    if current and not step.wanted.id and current.name != before.name:
        raise MstrError(
            f"{before.label} was renamed to {current.name!r} after the plan was made, so it was left as it is. Check "
            "it, and run the task again."
        )
    return _approved(context, before, step.plan, plan_step(context, step._replace(before=current)))


def check_after_loss(
    pause: Callable[[float], None], retries: int, lost: MstrError, look: Callable[[], Seen], unknown: str
) -> Iterator[Seen]:
    """What `look` sees after a write whose response was lost, again and again for some seconds.

    `unknown`: what the message says if `look` fails, such as "The runtime may or may not have been created". Raises
    MstrError.
    """
    checks = CHECKS[:1] if is_answer(lost) else CHECKS
    for number, seconds in enumerate(checks, 1):
        try:
            pause(seconds)
            seen = look()
        except MstrError as exc:
            # The outage that broke the write may last for a moment. With retries, the read itself was repeated.
            if number < len(checks) and not retries and is_outage(exc):
                continue
            raise NotFoundOut(
                f"{lost.sentence} The response was lost, and the task could not find out what the server did: "
                f"{ended(exc.sentence)} {unknown}; check it before the next run.",
                **lost.error,
            ) from exc
        yield seen


def finds_out(lost: MstrError) -> str:
    """Why the checks after a lost response are sent, for the trace."""
    return f"to find out what {lost.error['request']} did"


def _new(context: Context, listed: Sequence[Runtime]) -> list[Runtime]:
    """The runtimes that a create may have created: not those that existed before, whatever name they have now."""
    keys = {runtime.key for runtime in context.existing}
    return [runtime for runtime in listed if runtime.key not in keys]


class _Seen(NamedTuple):
    """What was seen after a write whose response was lost. `step`: planned again on it, or the step itself if gone."""

    outcome: str  # _DONE, _MISSING or _CHANGED
    step: Step


def _checked_after_loss(context: Context, step: Step, lost: MstrError) -> Step:
    """Check a write whose response was lost. Returns the step, done or with the plan of what is left to do."""
    unknown = f"The runtime {step.wanted.label} may or may not have been {DONE[step.plan.action]}"
    look = partial(_LOOKS[step.plan.action], context, step)
    insistent: Callable[[], _Seen] = context.session.despite_outage(finds_out(lost))(look)
    seen = _Seen(_MISSING, step)
    for seen in check_after_loss(context.pause, context.retries, lost, insistent, unknown):
        if seen.outcome == _DONE:
            current = seen.step.before
            return confirm(context, step, current) if current else step.finished(READ)
    if seen.outcome == _CHANGED:
        changed = ", ".join(changed_since(seen.step.seen, step.seen))
        raise not_done(lost, f"{step.seen.label} was not deleted, because it changed meanwhile: {changed}.")
    return _approved(context, step.before, step.plan, seen.step)


def _create_seen(context: Context, step: Step) -> _Seen:
    """Whether a create was carried out. Differences from the request become warnings; they cause no second write."""
    listed = context.api.list_all()
    found = locate(context, step.wanted, find_listed(step.wanted, _new(context, listed)))
    if found is None:
        _check_complete(listed)
    again = plan_step(context._replace(existing=listed), step._replace(before=found))
    return _Seen(_DONE if found else _MISSING, again)


def _update_seen(context: Context, step: Step) -> _Seen:
    """Whether an update was carried out."""
    listed = _listed_without_id(context, step.wanted)
    found = locate(context, step.wanted, find_listed(step.wanted, listed))
    if found and found.key != step.key:
        raise MstrError(f"{step.seen.label} was renamed or deleted meanwhile, and {found.label} has its name.")
    if found is None and not step.wanted.id:
        _check_complete(listed)
    again = plan_step(context._replace(existing=listed), step._replace(before=found))
    return _Seen(_MISSING if again.plan.changed else _DONE, again)


def _delete_seen(context: Context, step: Step) -> _Seen:
    """Whether a deletion was carried out. The runtime may have a different name now, so its id counts."""
    listed = _listed_without_id(context, step.wanted)
    shown = next((runtime for runtime in listed if runtime.key == step.key), None)
    current = None
    if shown or not lists_default(listed):
        current = locate(context, step.wanted._replace(id=step.key), shown)
    if current is None:
        return _Seen(_DONE, step._replace(before=None))
    outcome = _CHANGED if changed_since(current, step.seen) else _MISSING
    return _Seen(outcome, plan_step(context, step._replace(before=current)))


def _listed_without_id(context: Context, wanted: Definition) -> Sequence[Runtime]:
    """The runtimes as listed now; none for a definition whose id finds its runtime."""
    return [] if wanted.id else context.api.list_all()


def _check_complete(listed: Sequence[Runtime]) -> None:
    """Raises MstrError for a list that proves nothing about what it lacks."""
    if not lists_default(listed):
        raise MstrError(f"{INCOMPLETE}.")


# How the outcome of each write is found out
_LOOKS: dict[str, Callable[[Context, Step], _Seen]] = {
    "create": _create_seen,
    "update": _update_seen,
    "delete": _delete_seen,
}


def _approved(context: Context, before: Runtime | None, plan: Plan, step: Step) -> Step:
    """The step. Raises MstrError if its plan, made during the work, is not the plan for `before` that was approved."""
    if context.inputs.plan_id and fingerprint(step.before, step.plan) != fingerprint(before, plan):
        raise MstrError(
            f"The runtime {step.wanted.label} changed while the approved plan was carried out, so this task leaves it "
            "as it is. Check again and have the new plan approved."
        )
    return step


def _name_taken(context: Context, step: Step, refusal: MstrError, lost: MstrError | None) -> Step:
    """The step where the server refuses a create because the name exists. Raises MstrError."""
    wanted = step.wanted
    listed = context.api.list_all()
    holder = locate(context, wanted, find_listed(wanted, _new(context, listed)))
    if holder is None:
        why = "The name is taken. If no list shows a runtime with it, an ACL may hide it from this user."
        raise MstrError(f"{refusal.sentence} {why}", **refusal.error)
    if lost:
        # The name was more likely taken by this task's create, whose response was lost, than by another play.
        return confirm(context, step, holder)
    if wanted.replace_on_change:
        raise MstrError(f"Another run has created {holder.label} meanwhile. Run the task again")
    # Another play created it first: write only what still differs.
    again = plan_step(context._replace(existing=listed), step._replace(before=holder))
    return _approved(context, None, step.plan, again)


def is_answer(lost: MstrError) -> bool:
    """Whether the server ended the write with an error, so that it does not go on with it."""
    # In the API's own form, or refused before the work: too many requests, the session has ended.
    return bool(lost.error["code"]) or lost.error["http_status"] in (401, 429)


def not_done(lost: MstrError, sentence: str) -> MstrError:
    """The error of a write whose response was lost, and that was not carried out as far as a check showed.

    Unless the server itself has answered, it may carry it out later: then `outcome_unknown` is set.
    """
    return MstrError(f"{lost.sentence} {sentence}".rstrip(), outcome_unknown=not is_answer(lost), **lost.error)


def not_done_error(lost: MstrError, what: str) -> MstrError:
    """The error of a write that is not sent again. `what`: such as "the runtime is still not created"."""
    if is_answer(lost):
        return not_done(lost, "")
    return not_done(
        lost,
        f"The response was lost. After {sum(CHECKS):g} seconds of checking, {what}. The request was not sent again "
        "because retries are used up; run the task again.",
    )


def read_again(context: Context, rows: Sequence[Row]) -> tuple[list[Row], list[Runtime] | None]:
    """Read the written runtimes again: a single updated one by its id, others in one list, which is returned, too."""
    unread = [step for row in rows for step in row.in_phase(CHANGE) if step.state == WRITTEN]
    # The list also shows whether somebody else has given a runtime the same name meanwhile.
    gives_name = any("name" in step.plan.changed_fields for step in unread)
    needs_list = gives_name or len(unread) > 1
    return check_again(context, rows, needs_list, partial(_confirmed, context))


def check_again(
    context: Context, rows: Sequence[Row], lists: bool, check: Callable[[Sequence[Runtime], Step], Step]
) -> tuple[list[Row], list[Runtime] | None]:
    """The rows, their steps that are only written after a check with the runtimes as listed now. Returns the list, too.

    `lists`: whether to read a list. With a wait, an outage of the server is left to the wait, which reads them, too.
    """
    listed: list[Runtime] | None = None
    failure: MstrError | None = None
    try:
        listed = context.api.list_all() if lists else None
    except MstrError as exc:
        failure = exc

    def look(step: Step) -> Step:
        if failure:
            raise failure
        return check(listed or (), step)

    work = partial(_read_again, context, look)
    return map_steps(context, work, rows, lambda row: list(filter(is_unproven, row.steps)), "read again"), listed


def _read_again(context: Context, look: Callable[[Step], Step], step: Step) -> Step:
    """The step after a look at what the server did."""
    try:
        return look(step)
    except MstrError as exc:
        if context.inputs.waits and step.phase == CHANGE and step.written and is_outage(exc):
            return step
        preface = f"The runtime {step.wanted.label} was {step.action}, but could not be read again: "
        raise MstrError(preface + exc.sentence, **exc.error) from exc


def is_unproven(step: Step) -> bool:
    """Whether only the response to the write says that it was carried out."""
    return step.state == WRITTEN and not step.error


def _confirmed(context: Context, listed: Sequence[Runtime], step: Step) -> Step:
    """The step with its runtime as it is now, or with an error if no create was carried out. Raises MstrError."""
    key = (step.runtime or step.seen).key
    _warn_of_namesakes(context, listed, step)
    shown = next((runtime for runtime in listed if runtime.key == key), None)
    current = context.api.with_all_fields(shown, needed_fields(context, step.wanted))
    # A list may omit a runtime that can be read by its id.
    current = current or context.api.get(key, step.wanted.label)
    if current:
        return confirm(context, step, current)
    if step.action != "created":
        raise MstrError(f"the server no longer shows the runtime {step.label} ({key})")
    error = MstrError(f"The server reported {step.label} ({key}) as created, but does not show it")
    return step._replace(state=PLANNED, after=None, error=error)


def _warn_of_namesakes(context: Context, listed: Sequence[Runtime], step: Step) -> None:
    """Warn if several listed runtimes have the name that a write gave to one."""
    name = step.wanted.name
    ids = [str(runtime.id) for runtime in listed if runtime.name == name]
    if len(ids) > 1:
        context.warn(
            f"Several runtimes now have the name {name!r}: {' and '.join(ids)}. Another task gave it to one, or a lost "
            "response made this task create two. Rename or delete one by its id."
        )


def confirm(context: Context, step: Step, current: Runtime) -> Step:
    """The step with the runtime as read after a write. Warns if the server stored other values than requested.

    The step has an error if an update had no effect at all.
    """
    plan, before = step.plan, step.before
    if plan.action == "update" and before and not changed_since(current, before, plan.changed_fields):
        answer = f"answered {step.status} but" if step.status else "accepted the update but"
        error = MstrError(
            f"Could not update the runtime {current.label}: the server {answer} changed nothing "
            f"({', '.join(plan.changed_fields)}). The user may lack permission on this object.",
            http_status=step.status,
            request=f"PATCH /api{path_of(current.id)}",
        )
        return step._replace(state=PLANNED, after=None, error=error)
    plan, differences = as_stored(plan, step.wanted, current)
    for text in differences:
        context.warn(text)
    return step._replace(state=READ, after=current, plan=plan)
