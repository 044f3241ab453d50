# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of a task to what is wanted. All errors are collected, and nothing is sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from .._errors import ErrorList, ValidationError
from .._model.definition import Definition, definition_from
from .._model.entry import check_plan_id
from .._model.fields import LIST_AS_WRITTEN
from .._model.policy import POLICY_OPTION, policy_from
from .._session.interrupt import check_concurrency

if TYPE_CHECKING:
    from .._model.evaluation import Policy

# The options of every task that writes runtimes.
TASK_OPTIONS: dict[str, Any] = {
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 300},
    "wait_interval": {"type": "float", "default": 2.0},
    "protect_used": {"type": "bool", "default": False},
    "protect_projects": {"type": LIST_AS_WRITTEN, "elements": "str"},
    "plan_id": {"type": "str"},
    **POLICY_OPTION,
}
# Checks the entries of a file, at their places, as options of a module; None in place of one that is refused.
Typed = Callable[[Sequence[Any], Sequence[str], ErrorList], "list[dict[str, Any] | None]"]


class Waiting(NamedTuple):
    """How long to wait, and the first pause between two checks, in seconds."""

    timeout: float
    interval: float


class Purge(NamedTuple):
    """Deletes unlisted runtimes, within limits.

    `exclude`: names, ids or shell patterns of names of runtimes to keep. `limit`: maximum number of deletions.
    `comment`: for the server's journal.
    """

    exclude: tuple[str, ...] = ()
    limit: int | None = None
    comment: str | None = None


class Wanted(NamedTuple):
    """What the server is to hold. `purge`: None to leave unlisted runtimes alone."""

    definitions: Sequence[Definition]
    purge: Purge | None = None


class Request(NamedTuple):
    """The checked options of a task."""

    wanted: Wanted
    policy: Policy | None
    waiting: Waiting | None


def request_for_one(params: Mapping[str, Any]) -> Request:
    """The options of a task for one runtime, checked. Raises ValidationError with all of their errors."""
    return _request(params, lambda policy: Wanted([definition_from(params, policy)]))


def request_for_many(typed: Typed, params: Mapping[str, Any]) -> Request:
    """The options of a task for many runtimes and every entry, checked. Raises ValidationError with all errors.

    `typed`: checks the entries of a file.
    """
    return _request(params, lambda policy: _wanted(params, policy, typed))


def utc_date() -> date:
    """Today in UTC, with which a task compares the last days of the exemptions of its policy."""
    return datetime.now(timezone.utc).date()


def _request(params: Mapping[str, Any], wanted_under: Callable[[Policy | None], Wanted]) -> Request:
    with ErrorList() as errors:
        policy = errors.check(policy_from, params["policy"], utc_date())
        wanted = errors.check(wanted_under, policy)
        waiting = errors.check(waiting_from, params)
        errors.check(check_protection, params)
        errors.check(check_plan_id, params["plan_id"])
        if "concurrency" in params:
            errors.check(check_concurrency, params)
    return Request(wanted, policy, waiting)


def waiting_from(params: Mapping[str, Any]) -> Waiting | None:
    """The wait options of a task; None if `wait` is false. Raises ValidationError for invalid numbers."""
    errors = [
        f"{option} must be more than 0 seconds, not {params[option]}"
        for option in ("wait_timeout", "wait_interval")
        if not 0 < params[option] < math.inf
    ]
    if errors:
        raise ValidationError(errors)
    return Waiting(params["wait_timeout"], params["wait_interval"]) if params["wait"] else None


def check_protection(params: Mapping[str, Any]) -> None:
    """Raises ValidationError for options that protect nothing."""
    projects = params["protect_projects"]
    if projects is None:
        return
    from .script_usage import check_projects  # only a protected task needs it

    check_projects(projects, "protect_projects")
    if not params["protect_used"]:
        raise ValidationError(["protect_projects needs protect_used: true, because it protects nothing by itself"])


def _wanted(params: Mapping[str, Any], policy: Policy | None, typed: Typed) -> Wanted:
    given: Sequence[Any] | None = params["runtimes"]
    restore = False
    if params["src"] is not None:
        from .._model.src import read_definitions  # only a task with a file needs it

        source = read_definitions(params["src"])
        given, restore = source.runtimes, source.restore
    if given is None:
        # AnsibleModule treats an option that is null as set.
        raise ValidationError(["one of runtimes and src is required"])
    places = [_place(index, entry) for index, entry in enumerate(given)]
    comment, limit = params["journal_comment"] or None, params["purge_limit"]
    with ErrorList() as errors:
        if params["src"] is not None:
            given = typed(given, places, errors)
        if params["purge"]:
            errors.check(_check_purge, given)
        definitions = [
            errors.check(_definition, entry, comment, policy, restore, place=place)
            for entry, place in zip(given, places)
            if entry is not None
        ]
        errors.add(*_duplicate_errors(given))
        if limit is not None and limit < 0:
            errors.add(f"purge_limit must be at least 0, not {limit}")
    return Wanted(definitions, Purge(tuple(params["purge_exclude"]), limit, comment) if params["purge"] else None)


def _place(index: int, entry: Any) -> str:
    """The name of an entry in messages."""
    name = entry.get("name") if isinstance(entry, Mapping) else None
    return f"runtimes[{index}]{' ' + repr(name) if name and isinstance(name, str) else ''}"


def _definition(entry: Mapping[str, Any], comment: str | None, policy: Policy | None, restore: bool) -> Definition:
    with ErrorList() as errors:
        errors.add(*(f"{option} cannot be used with state: absent" for option in _misplaced(entry)))
        given = {**entry, "journal_comment": entry.get("journal_comment") or comment}
        return errors.check(definition_from, given, policy, restore)


def _misplaced(entry: Mapping[str, Any]) -> list[str]:
    """The options that an entry with `state: absent` must not have."""
    if entry.get("state") != "absent":
        return []
    meant = ("state", "name", "id", "journal_comment")
    return [option for option, value in entry.items() if option not in meant and not (value is None or value is True)]


def _duplicate_errors(given: Sequence[Mapping[str, Any] | None]) -> list[str]:
    """An error for each pair of entries with the same name or id, even if they have other errors."""
    errors = []
    seen: dict[tuple[str, str], int] = {}
    for index, entry in enumerate(given):
        for option in ("id", "name"):
            value = (entry or {}).get(option)
            if not value:
                continue
            first = seen.setdefault((option, value.upper() if option == "id" else value), index)
            if first != index:
                errors.append(f"runtimes[{index}] has the same {option} as runtimes[{first}]: {value!r}")
    return errors


def _check_purge(given: Sequence[Mapping[str, Any] | None]) -> None:
    """Raises ValidationError if a purge would delete all runtimes, because such a list is probably a mistake.

    An entry that is None was refused; what it would have kept is not known.
    """
    if all(entry is not None and entry.get("state") == "absent" for entry in given):
        raise ValidationError(
            [
                "purge would delete every runtime, as no entry has state: present; to delete all of them, list each "
                "with state: absent and leave out purge"
            ]
        )
