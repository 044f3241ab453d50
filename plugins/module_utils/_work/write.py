# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps for one runtime: find it, plan the write, write, read again. Several threads may run them.

A write whose response was lost is never repeated blindly. The state is read again for some seconds, because a proxy may
give up before the server does, and only what is still missing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from .._errors import ApiError, ConnectError, MstrError, ValidationError
from .._model.definition import Definition
from .._model.entry import Entry
from .._model.names import ALIKE, near_names, quoted
from .._model.plan import DONE, Plan, differences_after_write, fingerprint, make_plan
from .._model.runtime import INCOMPLETE, Runtime, lists_default
from .._session.interrupt import Interrupted
from .._session.transport import is_outage
from .api import WHOLE, Context, one_named

Seen = TypeVar("Seen")

ALREADY_EXISTS = 15
# Seconds before each check whether a write whose response was lost was carried out.
CHECKS = (0.25, 0.5, 1.0, 2.0, 4.0)


def locate(
    context: Context,
    wanted: Definition,
    listed: Iterable[Runtime] | None = None,
    needed: Iterable[str] = (),
) -> Runtime | None:
    """The runtime as it is now, with the `needed` fields (default: all); None if it does not exist.

    `listed`: the runtimes on the server, if they were just read. Raises ValidationError for an ambiguous name.
    """
    api, needed = context.api, needed or {*WHOLE, *wanted.values}
    if wanted.id:
        found = next((one for one in listed or () if one.key == wanted.id), None)
        return api.with_all_fields(found, needed) if found else api.get(wanted.id)
    found = api.with_all_fields(one_named(api.list_all() if listed is None else listed, str(wanted.name)), needed)
    # Between the list and the read of the object, somebody may have renamed it.
    return None if found and found.name not in ("", wanted.name) else found


def plan_entry(context: Context, entry: Entry, listed: Sequence[Runtime] | None) -> Entry:
    """The entry with its plan, checked against the server. Raises ValidationError, before anything is written.

    `listed`: the runtimes on the server, if they are already known.
    """
    wanted = entry.wanted
    plan = make_plan(entry.found, wanted, context.policy)
    for text in plan.warnings:
        context.warn(text)
    if "runtime_version" in plan.changed_fields:
        _check_version(context, str(wanted.values["runtime_version"]))
    if plan.action == "update" and plan.runtime and "name" in plan.changed_fields:
        _check_name(plan.runtime, context.api.list_all() if listed is None else listed)
    if entry.found is None and wanted.name and not wanted.id:
        _warn_of_near_names(context, wanted, listed or ())
    return entry._replace(plan=plan, planned=fingerprint(entry.found, plan))


def _check_version(context: Context, version: str) -> None:
    known = context.api.versions()
    if known is None or version in known:
        return
    from difflib import get_close_matches  # takes 3 ms, which only a failing task should pay

    close = [one for one in known if one.startswith(f"{version}.")] or get_close_matches(version, known, 1)
    hint = f"; did you mean {close[-1]}?" if close else ""
    offered = ", ".join(known) or "none"
    raise ValidationError([f"runtime_version {version!r} is not offered by the server (it offers {offered}){hint}"])


def _check_name(renamed: Runtime, listed: Iterable[Runtime]) -> None:
    # If the server accepts a second runtime with this name, no task can address either of them by name.
    taken = [one for one in listed if one.name == renamed.name and one.key != renamed.key]
    if taken:
        holder = f"the runtime with id {taken[0].id}"
        raise ValidationError([f"name {taken[0].name!r} is taken by {holder}; choose a different name"])


def _warn_of_near_names(context: Context, wanted: Definition, listed: Iterable[Runtime]) -> None:
    near = near_names(str(wanted.name), (one.name for one in listed))
    if near:
        what = "is new" if wanted.state == "present" else "does not exist, so nothing is deleted"
        others = f"{quoted(near)} {'exists' if len(near) == 1 else 'exist'}"
        context.warn(
            f"Runtime {quoted([str(wanted.name)])} {what}, but {others}: the names differ only in {ALIKE}. Check the "
            "spelling."
        )


def write(context: Context, entry: Entry) -> Entry:
    """Carry out the entry's plan, unless in check mode or nothing changes. Raises MstrError."""
    wanted = entry.wanted
    if context.check_mode or entry.plan.action == "none":
        return _done(entry, entry.plan.runtime, predicted=context.check_mode)
    lost: ApiError | ConnectError | None = None
    tries = context.retries
    while True:
        plan = entry.plan
        try:
            return _done(entry, _send(context, plan, wanted))
        except Interrupted as exc:
            raise exc.during(f"the runtime {wanted.label} was being {DONE[plan.action]}") from exc
        except (ApiError, ConnectError) as exc:
            if plan.action == "create" and isinstance(exc, ApiError) and exc.number == ALREADY_EXISTS:
                return _name_is_taken(context, entry, exc, lost)
            if not exc.outcome_unknown:
                raise
            lost = exc
        entry = _check_after_loss(context, entry, lost)
        if entry.done:
            return entry
        if tries < 1:
            raise not_done_error(lost, f"the runtime is still not {DONE[entry.plan.action]}")
        tries -= 1


def _done(entry: Entry, runtime: Runtime | None, read: bool = False, predicted: bool = False) -> Entry:
    known = read or entry.plan.action in ("none", "delete")
    return entry._replace(runtime=runtime, done=True, read=known, predicted=predicted)


def _send(context: Context, plan: Plan, wanted: Definition) -> Runtime:
    """Send the write. Returns the runtime as it should be now."""
    if plan.runtime is None:
        raise AssertionError("a plan that changes something has a runtime")
    if plan.action == "create":
        return plan.runtime._replace(id=context.api.create(plan.body))
    if plan.action == "update":
        context.api.update(plan.runtime, plan.body)
    else:
        context.api.delete(plan.runtime, wanted.journal_comment)
    return plan.runtime


def check_after_loss(
    pause: Callable[[float], None], retries: int, lost: MstrError, look: Callable[[], Seen], unknown: str
) -> Iterator[Seen]:
    """What `look` sees after a write whose response was lost, again and again for some seconds.

    `unknown`: what the message says if `look` fails, such as "The runtime may or may not have been created". Raises
    MstrError.
    """
    # An error in the API's own form comes from the server itself: it does not continue with the write.
    checks = CHECKS[:1] if lost.error["code"] else CHECKS
    for number, seconds in enumerate(checks, 1):
        try:
            pause(seconds)
            seen = look()
        except MstrError as exc:
            # The outage that broke the write may last for a moment. With retries, the read itself was repeated.
            if number < len(checks) and not retries and is_outage(exc):
                continue
            raise MstrError(
                f"{lost.sentence} The response was lost, and the task could not find out what the server did: "
                f"{exc.sentence} {unknown}; check it before the next run.",
                **lost.error,
            ) from exc
        yield seen


def _check_after_loss(context: Context, entry: Entry, lost: MstrError) -> Entry:
    """Check a write whose response was lost. Returns the entry, done or with the plan of what is left to do."""
    plan, wanted = entry.plan, entry.wanted

    def look() -> tuple[Runtime | None, Plan]:
        listed = None if wanted.id else context.api.list_all()
        current = locate(context, wanted, listed)
        if current is None and listed is not None and not lists_default(listed):
            raise MstrError(f"{INCOMPLETE}.")
        return current, make_plan(current, wanted, context.policy)

    unknown = f"The runtime {wanted.label} may or may not have been {DONE[plan.action]}"
    current, remaining = None, plan
    for current, remaining in check_after_loss(context.pause, context.retries, lost, look, unknown):
        if _was_written(plan, current, remaining):
            return _found_done(entry, current)
    _check_approval(context, entry, current, remaining)
    return entry._replace(plan=remaining)


def _check_approval(context: Context, entry: Entry, current: Runtime | None, plan: Plan) -> None:
    """Raises MstrError if a plan made during the work is not what was approved."""
    if context.plan_id and fingerprint(current, plan) != entry.planned:
        raise MstrError(
            f"The runtime {entry.wanted.label} changed while the approved plan was carried out, so this task leaves it "
            "as it is. Check again and have the new plan approved."
        )


def _name_is_taken(context: Context, entry: Entry, refusal: MstrError, lost: MstrError | None) -> Entry:
    """The entry where the server refuses a create because the name exists. Raises MstrError."""
    wanted = entry.wanted
    listed = context.api.list_all()
    found = locate(context, wanted, listed)
    if found and lost:
        # The name was more likely taken by this task's create, whose response was lost, than by another play.
        return _found_done(entry, found)
    if found:
        # Another play created it first: write only what still differs.
        again = plan_entry(context, entry._replace(found=found), listed)
        _check_approval(context, entry, found, again.plan)
        return write(context, again._replace(planned=entry.planned))
    near = near_names(str(wanted.name), (one.name for one in listed))
    alike = " and ".join(one.label for one in listed if one.name in near)
    why = f"only {alike} is listed" if alike else "this user sees no runtime with it; an ACL may hide it"
    raise MstrError(f"{refusal.sentence} The name is taken, but {why}.", **refusal.error)


def _was_written(plan: Plan, current: Runtime | None, remaining: Plan) -> bool:
    if plan.action == "create":
        # Differences from the request become warnings later; they cause no second write.
        return current is not None
    if plan.action == "delete":
        return current is None or plan.runtime is None or current.key != plan.runtime.key
    return not remaining.changed


def _found_done(entry: Entry, current: Runtime | None) -> Entry:
    """The entry of a write that was carried out although its response was lost."""
    plan = entry.plan
    return _done(entry, current if current and plan.action != "delete" else plan.runtime, read=True)


def not_done_error(lost: MstrError, not_done: str) -> MstrError:
    """The error of a write that was not carried out. `not_done`: such as "the runtime is still not created"."""
    if lost.error["code"]:
        return lost
    return MstrError(
        f"{lost.sentence} The response was lost. After {sum(CHECKS):g} seconds of checking, {not_done}. The request "
        "was not sent again because retries are used up; run the task again.",
        **lost.error,
    )


def verify(context: Context, entry: Entry, listed: Sequence[Runtime] | None = None) -> Entry:
    """The entry of a create or an update with the runtime read again.

    `listed`: the runtimes on the server after the write, where they are known. Raises MstrError.
    """
    known = entry.runtime if entry.read else None
    return confirm(context, entry, known or _read_again(context, entry, listed))


def confirm(context: Context, entry: Entry, current: Runtime) -> Entry:
    """The entry with the runtime as read after a write. Warns if the server stored other values than requested."""
    for text in differences_after_write(current, entry.wanted, entry.plan.runtime):
        context.warn(text)
    return entry._replace(runtime=current, read=True)


def not_read_again(entry: Entry, cause: MstrError) -> MstrError:
    """The error of an entry that was written, but could not be read again because of `cause`."""
    preface = f"The runtime {entry.wanted.label} was {entry.action}, but could not be read again: "
    return MstrError(preface + cause.sentence, **cause.error)


def _read_again(context: Context, entry: Entry, listed: Sequence[Runtime] | None) -> Runtime:
    current, wanted, created = None, entry.wanted, entry.action == "created"
    if listed is not None or created:
        # The list also shows whether another play has created a runtime of the same name meanwhile.
        needed = {*WHOLE, *wanted.values} if listed is None else set(wanted.values)
        found = [
            one
            for one in (context.api.list_all() if listed is None else listed)
            if one.id == entry.id or (created and one.name == wanted.name)
        ]
        if len(found) > 1:
            ids = " and ".join(str(one.id) for one in found)
            origin = "Another task created one, or a lost response made this task create two. Delete one by its id."
            context.warn(f"Several runtimes now have the name {wanted.name!r}: {ids}. {origin}")
        own = [one for one in found if one.id == entry.id] or found
        current = context.api.with_all_fields(own[0], needed) if own else None
    if current is None and entry.id:
        # A list may omit a runtime that can be read by its id.
        current = context.api.get(entry.id, wanted.label)
    if current is None:
        raise MstrError(f"the server no longer shows the runtime {wanted.label} ({entry.id})")
    return current
