# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the options of a task for many runtimes to what is wanted. Nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._errors import ErrorList, ValidationError, clean
from .._model.alike import name_key
from .._model.definition import DEFINITION_OPTIONS, Definition, definition_from
from .._model.fields import LIST_AS_WRITTEN
from .._model.purge import Purge
from .api import Inputs
from .inputs import TASK_OPTIONS, inputs_from

if TYPE_CHECKING:
    from .._model.policy import Policy
    from .._model.src import Source


# The sub-options that name a script.
SCRIPT_OPTIONS: dict[str, Any] = {
    "id": {"type": "str"},
    "name": {"type": "str"},
    "project": {"type": "str", "required": True},
}

# The options of an entry, by the option of mstr_runtimes that holds it.
ENTRY_OPTIONS: dict[str, dict[str, Any]] = {
    "runtimes": DEFINITION_OPTIONS,
    "scripts": {**SCRIPT_OPTIONS, "runtime": {"type": "str", "required": True}},
}

# The options of a task for many runtimes.
MANY_OPTIONS: dict[str, Any] = {
    "runtimes": {"type": "list", "elements": "dict", "options": ENTRY_OPTIONS["runtimes"]},
    "src": {"type": "path"},
    "scripts": {"type": "list", "elements": "dict", "options": ENTRY_OPTIONS["scripts"]},
    "purge": {"type": "bool", "default": False},
    "purge_exclude": {"type": LIST_AS_WRITTEN, "elements": "str", "default": []},
    "purge_limit": {"type": "int"},
    "journal_comment": {"type": "str"},
    **TASK_OPTIONS,
}


# The options that an entry with `state: absent` may have.
_OF_ABSENT = ("state", "name", "id", "journal_comment")

# Checks an entry of a file with the spec of its options: the entry, None if it is refused, and its errors.
Check = Callable[[Mapping[str, Any], Mapping[str, Any]], "tuple[dict[str, Any] | None, list[str]]"]


def inputs_for_many(check: Check, params: Mapping[str, Any]) -> Inputs:
    """The checked options and entries. `check`: `auth.checked_entry`, for those of a file. Raises ValidationError."""
    return inputs_from(params, lambda policy: _rest(params, policy, check))


def _rest(params: Mapping[str, Any], policy: Policy | None, check: Check) -> Inputs:
    source, path = _source(params), params["src"]
    runtimes = source.runtimes if source else params["runtimes"]
    of_file = source.scripts if source else None
    scripts = params["scripts"] if of_file is None else of_file
    if runtimes is None and scripts is None:
        # AnsibleModule treats an option that is null as set.
        raise ValidationError(["one of runtimes, src and scripts is required"])
    restore, left_out = (source.restore, source.left_out) if source else (False, ())
    comment, limit, entries = params["journal_comment"] or None, params["purge_limit"], None
    # Scripts alone say nothing of which runtimes there should be, and a backup of what came since.
    purges = params["purge"] and runtimes is not None and not restore
    # The way back is never refused.
    policy = None if restore else policy
    with ErrorList() as errors:
        placed = _placed(check, "runtimes", runtimes or (), path, errors)
        # What a refused entry, which is None, would have kept is not known.
        if purges and all(entry is not None and is_absent(entry) for _place, entry in placed):
            errors.add(
                "purge would delete every runtime, as no entry has state: present; to delete all of them, list each "
                "with state: absent and leave out purge"
            )
        if purges and source and source.partial:
            errors.add(
                f"src {path!r} has only a part of the runtimes (partial: true), so purge would delete all others; set "
                "purge to false"
            )
        accepted = [(place, entry) for place, entry in placed if entry is not None]
        definitions = [
            errors.check(_definition, place, entry, comment, policy, restore, prefix=_label(place, entry))
            for place, entry in accepted
        ]
        errors.add(*_name_errors(accepted))
        if limit is not None and limit < 0:
            errors.add(f"purge_limit must be at least 0, not {limit}")
        if scripts is not None:
            from .assignments import script_entries  # only a task with scripts needs it

            placed = _placed(check, "scripts", scripts, path if of_file else None, errors)
            checked = {place: entry for place, entry in placed if entry is not None}
            entries = errors.check(script_entries, list(checked.values()), list(checked))
    purge = Purge(params["purge_exclude"], limit, comment, left_out) if purges else None
    server = source.server if source and restore else None
    return Inputs(definitions, purge, entries, restore=restore, server=server)


def _source(params: Mapping[str, Any]) -> Source | None:
    """What the file says, if there is one. Raises ValidationError."""
    path = params["src"]
    if path is None:
        return None
    from .._model.src import read_definitions  # only a task with a file needs it

    source = read_definitions(path)
    if params["scripts"] is not None and source.scripts is not None:
        raise ValidationError([f"scripts is set, and src {path!r} contains scripts, too; write them in one place"])
    return source


def _placed(
    check: Check, option: str, entries: Sequence[Any], path: str | None, errors: ErrorList
) -> list[tuple[str, dict[str, Any] | None]]:
    """The entries, each after its name in messages; None for one of a file that is refused."""
    if path is None:
        return [(f"{option}[{index}]", entry) for index, entry in enumerate(entries)]
    from .._model.src import places_in  # only a task with a file needs it

    placed: list[tuple[str, dict[str, Any] | None]] = []
    for place, entry in zip(places_in(path, option, entries), entries):
        kept, wrong = None, [f"expected a mapping of options, got {clean(repr(entry), 60)}"]
        if isinstance(entry, Mapping):
            kept, wrong = check(entry, ENTRY_OPTIONS[option])
        placed.append((place, kept))
        errors.add(*(f"{_label(place, entry)}: {error}" for error in wrong))
    return placed


def is_absent(entry: Mapping[str, Any]) -> bool:
    """Whether an entry names a runtime to delete."""
    return entry.get("state") == "absent"


def _label(place: str, entry: Any) -> str:
    """The name of an entry in messages."""
    name = entry.get("name") if isinstance(entry, Mapping) else None
    return f"{place}{' ' + repr(name) if name and isinstance(name, str) else ''}"


def _definition(
    place: str, entry: Mapping[str, Any], comment: str | None, policy: Policy | None, restore: bool
) -> Definition:
    with ErrorList() as errors:
        for option, value in entry.items() if is_absent(entry) else ():
            if option not in _OF_ABSENT and value not in (None, DEFINITION_OPTIONS[option].get("default")):
                errors.add(f"{option} cannot be used with state: absent")
        if restore and is_absent(entry):
            errors.add("state: absent cannot be used with restore: true, because a restore deletes nothing")
        options = {**entry, "journal_comment": entry.get("journal_comment") or comment}
        definition: Definition = errors.check(definition_from, options, policy)
    return definition._replace(place=place)


def _name_errors(placed: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    """An error for each name, previous name or id that two entries have, even if they have other errors."""
    seen: dict[tuple[str, str], str] = {}
    holders: dict[str, str] = {}
    for place, entry in placed:
        for option in ("id", "name"):
            value = entry.get(option) or ""
            first = seen.setdefault((option, value.upper() if option == "id" else value), place)
            if value and first != place:
                yield f"{place} has the same {option} as {first}: {value!r}"
            if value and option == "name":
                holders.setdefault(name_key(value), place)
    for place, entry in placed:
        for name in dict.fromkeys(entry.get("previous_names") or ()):
            holder = holders.setdefault(name_key(str(name)), place)
            if holder != place:
                yield f"{place} has the previous name {name!r}, which {holder} has, too"
