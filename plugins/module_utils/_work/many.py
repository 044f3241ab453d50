# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task for many runtimes: from its options to what is wanted, and from what was done to its result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .._errors import ErrorList, ValidationError
from .._model.alike import name_key
from .._model.checks import at_least
from .._model.definition import DEFINITION_OPTIONS, Definition, Purge, definition_from
from .._model.fields import LIST_AS_WRITTEN
from .._model.result_many import report_many, undefined_in
from .._model.runtime import Runtime
from .._model.steps import Step
from .._session.connection import normal_url
from .._text import clean, entry_label, listed
from .api import Context, Inputs
from .inputs import TASK_OPTIONS, context_for, first_violations, inputs_from
from .reconcile import Outcome, reconcile, warn_of_broken

if TYPE_CHECKING:
    from .._model.policy import Policy
    from .._model.scripts import ScriptEntry, Usage
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
    **TASK_OPTIONS,
}


# What checks an entry of a file by the spec of its options: the entry, None if it is refused, and its errors.
Check = Callable[[Mapping[str, Any], Mapping[str, Any]], "tuple[dict[str, Any] | None, list[str]]"]


def inputs_for_many(check: Check, params: Mapping[str, Any]) -> Inputs:
    """The checked options and entries. `check`: `_options.check_entry`, for those of a file. Raises ValidationError."""
    return inputs_from(params, lambda policy: _inputs(params, policy, check))


def _inputs(params: Mapping[str, Any], policy: Policy | None, check: Check) -> Inputs:
    """The definitions, the scripts and the purge of a task. Raises ValidationError."""
    source, scripts_path = _source(params)
    if source.runtimes is None and source.scripts is None:
        # AnsibleModule treats an option that is null as set.
        raise ValidationError(["one of runtimes, src and scripts is required"])
    with ErrorList() as errors:
        placed = _placed(check, "runtimes", source.runtimes or (), params["src"], errors)
        accepted = [(place, entry) for place, entry in placed if entry is not None]
        comment, restore = params["journal_comment"], source.restore
        definitions = [
            errors.check(_definition, place, entry, comment, restore, prefix=entry_label(place, entry))
            for place, entry in accepted
        ]
        if policy and not restore:  # the way back is never refused
            violations = [
                f"{entry_label(place, entry)}: {sentence}"
                for place, entry in accepted
                for sentence in policy.violations_in(entry)
            ]
            errors.add(*first_violations(violations))
        errors.add(*_name_errors(accepted))
        purge = errors.check(_purge, [entry for _place, entry in placed], source, params)
        scripts = errors.check(_script_entries, check, source.scripts, scripts_path)
    return Inputs(definitions, purge, scripts, restore=restore, server=source.server)


def _purge(entries: Sequence[Mapping[str, Any] | None], source: Source, params: Mapping[str, Any]) -> Purge | None:
    """What is deleted beside the definitions; None for nothing. Raises ValidationError.

    What a refused entry, which is None, would have kept is not known.
    """
    limit = params["purge_limit"]
    exclude, comment = params["purge_exclude"], params["journal_comment"]
    # Scripts alone say nothing of which runtimes there should be, and a backup of what came since.
    purges = params["purge"] and source.runtimes is not None and not source.restore
    with ErrorList() as errors:
        if limit is not None:
            errors.check(at_least, "purge_limit", limit)
        if not purges:
            return None
        if all(entry is not None and is_absent(entry) for entry in entries):
            errors.add(
                "purge would delete every runtime, as no entry has state: present; to delete all of them, list each "
                "with state: absent and leave out purge"
            )
        if source.partial:
            errors.add(
                f"src {params['src']!r} has only a part of the runtimes (partial: true), so purge would delete all "
                "others; set purge to false"
            )
    return Purge(exclude, limit, comment)


def _script_entries(check: Check, scripts: Sequence[Any] | None, path: str | None) -> Sequence[ScriptEntry] | None:
    """The entries that assign scripts; None if none are given. `path`: of their file, None for the option.

    Raises ValidationError.
    """
    if scripts is None:
        return None
    from .scripts import script_entries  # only a task with scripts needs it

    with ErrorList() as errors:
        placed = _placed(check, "scripts", scripts, path, errors)
        checked = {place: entry for place, entry in placed if entry is not None}
        entries: Sequence[ScriptEntry] = errors.check(script_entries, list(checked.values()), list(checked))
    return entries


def _source(params: Mapping[str, Any]) -> tuple[Source, str | None]:
    """What the file or the options say, and the path of the file if it has the scripts. Raises ValidationError."""
    from .._model.src import Source, read_definitions

    path, scripts = params["src"], params["scripts"]
    if path is None:
        return Source(params["runtimes"], scripts), None
    source = read_definitions(path)
    if source.scripts is None:
        return source._replace(scripts=scripts), None
    if scripts is not None:
        raise ValidationError([f"scripts is set, and src {path!r} contains scripts, too; write them in one place"])
    return source, path


def _placed(
    check: Check, option: str, entries: Sequence[Any], path: str | None, errors: ErrorList
) -> list[tuple[str, dict[str, Any] | None]]:
    """The entries, each after its name in messages; None for one of a file that is refused."""
    if path is None:
        return [(f"{option}[{index}]", entry) for index, entry in enumerate(entries)]
    from .._model.src import places_in  # only a task with a file needs it

    placed: list[tuple[str, dict[str, Any] | None]] = []
    for place, entry in zip(places_in(path, option, entries), entries):
        if isinstance(entry, Mapping):
            kept, wrong = check(ENTRY_OPTIONS[option], entry)
        else:
            kept, wrong = None, [f"expected a mapping of options, got {clean(repr(entry), 60)}"]
        placed.append((place, kept))
        errors.add(*(f"{entry_label(place, entry)}: {error}" for error in wrong))
    return placed


def is_absent(entry: Mapping[str, Any]) -> bool:
    """Whether an entry names a runtime to delete."""
    return entry.get("state") == "absent"


def _definition(place: str, entry: Mapping[str, Any], comment: str | None, restore: bool) -> Definition:
    with ErrorList() as errors:
        if restore and is_absent(entry):
            errors.add("state: absent cannot be used with restore: true, because a restore deletes nothing")
        options = {**entry, "journal_comment": comment}
        definition: Definition = errors.check(definition_from, options)
    return definition._replace(place=place)


def _name_errors(placed: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    """An error for each name, previous name or id that two entries have, even if they have other errors."""
    yield from _same(placed, "id", str.upper)
    yield from _same(placed, "name", str)
    holders: dict[str, str] = {}
    for place, entry in placed:
        if entry.get("name"):
            holders.setdefault(name_key(entry["name"]), place)
    present = [(place, entry) for place, entry in placed if not is_absent(entry)]
    for place, entry in present:
        for name in dict.fromkeys(entry.get("previous_names") or ()):
            holder = holders.setdefault(name_key(str(name)), place)
            if holder != place:
                yield f"{place} has the previous name {name!r}, which {holder} has, too"


def _same(placed: Sequence[tuple[str, Mapping[str, Any]]], option: str, key: Callable[[str], str]) -> Iterator[str]:
    """An error for each entry whose value of this option an earlier one has, too."""
    first: dict[str, str] = {}
    for place, entry in placed:
        value = entry.get(option)
        earlier = first.setdefault(key(value), place) if value else place
        if earlier != place:
            yield f"{place} has the same {option} as {earlier}: {value!r}"


# --- the work


def ensure_many(task: Any, inputs: Inputs) -> Mapping[str, Any]:
    """Create, update and delete the runtimes, assign the scripts, and report what was done."""
    context = context_for(task, inputs)
    outcome = reconcile_many(context)
    warn_of_broken(context, outcome.steps)
    return result_of(context, outcome)


def reconcile_many(context: Context, usage: Usage | None = None) -> Outcome:
    """What `reconcile` does, with what is different for a backup. Raises as it does."""
    _check_server(context)
    outcome = reconcile(context, usage)
    if context.inputs.restore:
        _warn_of_restored(context, outcome)
    return outcome


def result_of(context: Context, outcome: Outcome) -> Mapping[str, Any]:
    """The result of a task for many runtimes. Raises PartialError if something failed."""
    inputs = context.inputs
    return report_many(
        outcome.steps,
        outcome.moves,
        plan_id=outcome.plan_id,
        purges=inputs.purge is not None,
        has_scripts=inputs.scripts is not None,
        refusal=outcome.refusal,
        predicted=context.check_mode,
        undefined=None if inputs.purge else _undefined(context, outcome),
    )


def _undefined(context: Context, outcome: Outcome) -> Sequence[Runtime] | None:
    """The runtimes that no definition names; None if no list was read."""
    if outcome.listed is None:
        return None
    return undefined_in(outcome.listed, context.inputs.definitions, outcome.steps)


# --- what is different for a backup, a file with `restore: true`


def _check_server(context: Context) -> None:
    """Raises ValidationError if the file was written for a different server."""
    server, own = context.inputs.server, context.session.base_url
    if not server:
        return
    with suppress(ValidationError):  # whatever somebody wrote there
        server = normal_url(server)
    if server != own:
        raise ValidationError(
            [
                f"src was written for the server {server}, and this server is {own}; delete the line server from the "
                "file to use it all the same"
            ]
        )


def _warn_of_restored(context: Context, outcome: Outcome) -> None:
    """Say what a restore does not bring back, and what it brings back although it violates the policy."""
    definitions = {definition.place: definition for definition in context.inputs.definitions}
    labels = [runtime.label for runtime in _undefined(context, outcome) or ()]
    if labels:
        context.warn(f"These runtimes are not in the backup, and stay as they are: {listed(labels)}.")
    for step in outcome.steps:
        given = definitions.get(step.place)
        if given is None or step.error or not step.change.changed:
            continue
        if given.id != step.wanted.id:
            context.warn(
                f"Runtime {step.wanted.name!r} has a different id, because {given.id} was deleted. The owner and the "
                "permissions (ACL) of that one are not restored."
            )
        _warn_of_policy(context, step)


def _warn_of_policy(context: Context, step: Step) -> None:
    policy = context.inputs.policy
    findings = policy.of_definition(step.wanted, step.before) if policy else ()
    sentences = [finding.sentence for finding in findings if finding.counts]
    if sentences:
        context.warn(f"Runtime {step.wanted.name!r} is restored, although {'; '.join(sentences)}.")
