# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about creates, names, lists, fields and updates, and the three runtimes that all questions share."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from .._errors import ApiError
from .._model.fields import FIELDS
from .._model.runtime import DEFAULT_RUNTIME_ID
from .._work.write import ALREADY_EXISTS
from .base import OTHER, Answer, ProbeRun, Unanswered, asks, entries, needs, or_refusal, refusal_text, verdict

PACKAGE = "six"  # small, and without dependencies
CPU, MEMORY = "0.2", 512  # the values of the samples [doc]
# The values to add to a create, field by field, if the server requires more than a name. The vendor's client sends
# the first one.
_MORE: dict[str, Any] = {
    "execTimeout": 600,
    "resource": {"cpu": CPU, "mem": MEMORY},
    "description": "Made by mstr.library.mstr_probe, to be deleted by it",
    "whitelist": [],
    "packages": [],
    "others": "",
    "minCachedInstances": 0,
    "maxCachedInstances": 1,
}


class Created(NamedTuple):
    """A runtime of this probe, with the fields of its create. `guesses`: fields that no refusal has named."""

    id: str
    fields: dict[str, Any]
    guesses: int


def minimal_runtime(run: ProbeRun) -> Created:
    """A runtime that was created with as few fields as the server accepts."""
    fields, guesses = dict[str, Any](), 0
    while True:
        created = or_refusal(run.create, "b", fields)
        if not isinstance(created, ApiError):
            return Created(created, fields, guesses)
        unused = [name for name in _MORE if name not in fields]
        if not unused:
            raise created
        named = [name for name in unused if re.search(rf"\b{name}\b", str(created.error["message"]))]
        guesses += not named
        field = (named or unused)[0]
        fields[field] = _MORE[field]


def runtime_with_all_fields(run: ProbeRun) -> str:
    """The id of a runtime that was created with every field that each release has."""
    run.once(minimal_runtime)
    # A Python version that the server has.
    version = run.read(DEFAULT_RUNTIME_ID).get("runtimeVersion")
    packages = [{"name": PACKAGE, "version": "", "description": ""}]
    body = {**_MORE, "whitelist": ["192.0.2.0/24"], "packages": packages}  # a network for documentation (RFC 5737)
    body |= {"runtimeVersion": str(version)} if version else {}
    return run.create("c", body)


def same_name(run: ProbeRun) -> str:
    """The id of a second runtime with the name of one that exists."""
    return run.create("b", run.once(minimal_runtime).fields)


def other_case(run: ProbeRun) -> str:
    """The same for a name that differs only in case, on a server that refuses the same name."""
    refused = isinstance(run.once_or_refusal(same_name), ApiError)
    needs(refused, "The server accepts a second runtime of the same name, so case does not show.")
    return run.create("B", run.once(minimal_runtime).fields)


def additional_runtime(run: ProbeRun) -> str:
    """The id of one more runtime, under a name of its own."""
    for find in (same_name, other_case):
        with suppress(Unanswered):
            identity = run.once(find)
            run.patch(identity, {"name": run.name("a")})
            return identity
    return run.create("a", run.once(minimal_runtime).fields)


# --- questions


@asks("Which fields does a create need besides the name?")
def create_requires(run: ProbeRun) -> Answer:
    created = run.once(minimal_runtime)
    # With two fields guessed, one of them may not have been needed.
    needs(created.guesses <= 1, "A create needs more than a name, and the server does not say what.")
    return sorted(created.fields), f"The first accepted create contained {' and '.join(['name', *created.fields])}."


@asks("Can two runtimes have the same name?")
def duplicate_names(run: ProbeRun) -> Answer:
    return verdict("A second runtime of the same name", run.once_or_refusal(same_name), "allow", "refuse")


@asks("With which HTTP status is a second runtime of the same name refused?")
def duplicate_status(run: ProbeRun) -> Answer:
    refusal = run.once_or_refusal(same_name)
    if not isinstance(refusal, ApiError):
        raise Unanswered("The server accepts a second runtime of the same name.")
    evidence = f"A second runtime of the same name was {refusal_text(refusal)}"
    # If two plays create the same runtime at the same time, the modules recognize the refusal by this code.
    if refusal.number == ALREADY_EXISTS:
        return refusal.status, f"{evidence}."
    return OTHER, f"{evidence}, and not with ERR0015."


@asks("Are names case-sensitive?")
def names_case(run: ProbeRun) -> Answer:
    first, second = run.once_or_refusal(same_name), run.once_or_refusal(other_case)
    if isinstance(first, ApiError) and isinstance(second, ApiError):
        reasons = f"the same name {refusal_text(first)}, one that differs only in case {refusal_text(second)}"
        needs(first.number == second.number, f"For different reasons, {reasons}.")
    return verdict("A second runtime whose name differs only in case", second, "sensitive", "insensitive")


# --- what the server returns


# By what it returns for a text, and for a list
_UNSET = {"nothing, nothing": "absent", "null, null": "null", "null, nothing": "null_text", "value, value": "defaults"}


@asks("What does the server return for a field that was never set?")
def unset_fields(run: ProbeRun) -> Answer:
    created, fields = run.once(minimal_runtime), ("others", "whitelist")
    needs(not created.fields.keys() & set(fields), "A create needs these fields, so none was left unset.")
    runtime = run.read(created.id)
    words = ["nothing" if key not in runtime else "null" if runtime[key] is None else "value" for key in fields]
    shown = ", ".join(words)
    return _UNSET.get(shown, OTHER), f"For a text, and for a list, the server returned: {shown}."


@asks("Which fields does the list of runtimes omit?")
def list_omits(run: ProbeRun) -> Answer:
    try:
        identity, of = run.once(runtime_with_all_fields), "a runtime with every field set"
    except Unanswered:
        identity, of = DEFAULT_RUNTIME_ID, "the built-in runtime"
    if identity != DEFAULT_RUNTIME_ID:
        # A server may not return a count of 0.
        run.patch(identity, {"minCachedInstances": 1})
    entry = next((entry for entry in run.listed() if entry["id"] == identity), None)
    entry, runtime = needs(entry, "The list does not show the runtime."), run.read(identity)
    expected = [field.api for field in FIELDS if identity == DEFAULT_RUNTIME_ID or not field.newer_only]
    unset = [api for api in expected if api not in runtime]
    needs(not unset, f"On {of}, {' and '.join(unset)} has no value, so the list cannot show it.")
    omitted = sorted(name for name in runtime if name not in entry and re.fullmatch(r"[A-Za-z]{1,40}", name))
    return omitted, f"For {of}, the list omits {', '.join(omitted) or 'nothing'}."


@asks("Can a whitelist hold a host name?")
def cidr_host_names(run: ProbeRun) -> Answer:
    identity, name = run.once(runtime_with_all_fields), "probe.example.com"
    refusal = or_refusal(run.patch, identity, {"whitelist": [name]})
    if not refusal and entries(run.read(identity), "whitelist") != [name]:
        return OTHER, "A whitelist with a host name was accepted, and was not returned as it was sent."
    return verdict("A whitelist with a host name", refusal, "keep", "refuse")


# By what the server returns as JSON.
_CPU_FORMS = {f'"{CPU}"': "as_sent", '"0.20"': "two_decimals", '"200m"': "millicores", CPU: "number"}


@asks("In which form does the server return cpu?")
def cpu_format(run: ProbeRun) -> Answer:
    resource = run.read(run.once(runtime_with_all_fields)).get("resource")
    cpu = json.dumps(resource.get("cpu") if isinstance(resource, Mapping) else None)
    value = _CPU_FORMS.get(cpu, OTHER)
    return value, f'cpu was sent as "{CPU}" and was returned {f"as {cpu}" if cpu in _CPU_FORMS else "differently"}.'


# --- what only some releases accept


def _accepts(field: str, value: Any, answers: tuple[str, str] = ("yes", "no")) -> Callable[[ProbeRun], Answer]:
    """Whether an update with this value is accepted. If it is, the value must be returned."""

    def ask(run: ProbeRun) -> Answer:
        identity, what = run.once(runtime_with_all_fields), f"An update of {field}"
        refusal = or_refusal(run.patch, identity, {field: value})
        if not refusal and field != "changeJournal":  # which is never returned [mstrio]
            runtime = run.read(identity)
            lost = isinstance(runtime.get(field), Mapping) and [key for key in value if runtime[field].get(key) is None]
            needs(field in runtime and not lost, f"{what} was accepted, and its value is not returned.")
        return verdict(what, refusal, *answers)

    return ask


_COMMENT = "mstr.library.mstr_probe"
change_journal = asks("Does an update accept a comment for the change journal?")(
    _accepts("changeJournal", {"userComments": _COMMENT})
)
unknown_version = asks("Does the server accept a Python version that it does not offer?")(
    _accepts("runtimeVersion", "2.7.1", ("keep", "refuse"))
)
execution_target = asks("Is there a field executionTarget?")(_accepts("executionTarget", ""))
disk_and_proc_count = asks("Does resource have disk and procCount?")(
    _accepts("resource", {"cpu": CPU, "mem": MEMORY, "disk": 2048, "procCount": 8})
)


@asks("Does a delete accept a comment for the change journal?")
def delete_comments(run: ProbeRun) -> Answer:
    params = {"userComments": _COMMENT}
    return verdict("A DELETE with a comment", or_refusal(run.delete, run.once(additional_runtime), params=params))
