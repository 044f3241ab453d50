# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about creates and names, and the three runtimes that all questions share."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, NamedTuple

from .._errors import ApiError
from .._model.runtime import DEFAULT_RUNTIME_ID
from .._session.response import Response
from .._work.write import ALREADY_EXISTS
from .base import ALL_HANDLED, OTHER, Answer, ProbeRun, Unanswered, asks, or_refusal, refusal_text, verdict

# Networks for documentation (RFC 5737), which no one uses: by text and by number in the order E A D C B.
BLOCKS = ("203.0.113.128/25", "192.0.2.0/26", "203.0.113.0/25", "198.51.100.0/24", "192.0.2.64/26")
PACKAGE = "six"  # small, and without dependencies
CPU, MEMORY = "0.2", 512  # the values of the samples [doc]
_DESCRIPTION = "Made by mstr.library.mstr_probe, to be deleted by it"
# The values to add to a create, field by field, if the server requires more than a name. The vendor's client sends
# the first one.
_MORE: dict[str, Any] = {
    "execTimeout": 600,
    "resource": {"cpu": CPU, "mem": MEMORY},
    "description": _DESCRIPTION,
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
    body = {**_MORE, "whitelist": list(BLOCKS), "packages": packages}
    body |= {"runtimeVersion": str(version)} if version else {}
    return run.create("c", body)


def same_name(run: ProbeRun) -> str:
    """The id of a second runtime with the name of one that exists."""
    return run.create("b", run.once(minimal_runtime).fields)


def other_case(run: ProbeRun) -> str:
    """The same for a name that differs only in case, on a server that refuses the same name."""
    if not isinstance(run.once_or_refusal(same_name), ApiError):
        raise Unanswered("The server accepts a second runtime of the same name, so case does not show.")
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
    if created.guesses > 1:
        raise Unanswered("A create with a name alone is refused, and the server does not name the fields it needs.")
    return sorted(created.fields), f"The first accepted create contained {' and '.join(['name', *created.fields])}."


def _response(run: ProbeRun) -> Response:
    response = run.created[run.once(minimal_runtime).id]
    if response is None:
        raise Unanswered("The response to the create was lost; the list showed the runtime.")
    return response


@asks("What is the HTTP status of a create?")
def create_status(run: ProbeRun) -> Answer:
    status = str(_response(run).status)
    return (status if status in ("200", "201") else OTHER), f"The response to a create had the status {status}."


@asks("What is in the response to a create?", ALL_HANDLED)
def create_answer(run: ProbeRun) -> Answer:
    keys = set(_response(run).data())
    value = "id" if keys == {"id"} else "object" if {"id", "name"} <= keys else OTHER
    return value, f"The response to a create contained {'only the id' if value == 'id' else f'{len(keys)} keys'}."


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
    if isinstance(first, ApiError) and isinstance(second, ApiError) and first.number != second.number:
        raise Unanswered(
            f"A name that differs only in case was {refusal_text(second)}, the same name {refusal_text(first)}."
        )
    return verdict("A second runtime whose name differs only in case", second, "sensitive", "insensitive")


@asks("Does the server keep a space at the end of a name?", ALL_HANDLED)
def names_whitespace(run: ProbeRun) -> Answer:
    identity = run.once(additional_runtime)
    name, what = run.name("a"), "A name with a space at its end"
    refusal = or_refusal(run.patch, identity, {"name": f"{name} "})
    if refusal:
        return verdict(what, refusal, no=OTHER)
    value = {name: "trim", f"{name} ": "keep"}.get(str(run.read(identity).get("name")), OTHER)
    return value, f"A space at the end of a name was {'kept' if value == 'keep' else 'not kept'}."


# What the server returns for texts, and for lists and sizes.
_UNSET = {
    ("nothing", "nothing"): "absent",
    ("null", "null"): "null",
    ("null", "nothing"): "null_text",
    ("a value", "a value"): "defaults",
}


@asks("What does the server return for a field that was never set?", ALL_HANDLED)
def unset_fields(run: ProbeRun) -> Answer:
    created = run.once(minimal_runtime)
    runtime = run.read(created.id)

    def returned(*names: str) -> str:
        values = [runtime.get(name, "nothing") for name in names if name not in created.fields]
        words = {"null" if value is None else "nothing" if value == "nothing" else "a value" for value in values}
        return " or ".join(sorted(words))

    texts, rest = returned("description", "others", "runtimeVersion"), returned("whitelist", "resource")
    if not texts or not rest:
        raise Unanswered("A create needs so many fields that none was left unset.")
    evidence = f"The server returned {texts} for texts, and {rest} for lists and sizes."
    return _UNSET.get((texts, rest), OTHER), evidence
