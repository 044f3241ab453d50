# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about creates, names, lists, fields and updates, and the three runtimes that all questions share."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from .._errors import ApiError
from .._model.fields import FIELDS
from .._model.kinds import RESOURCE_KEYS
from .._model.runtime import DEFAULT_RUNTIME_ID
from .._session.response import Response
from .._work.write import ALREADY_EXISTS
from .base import HANDLED, OTHER, Answer, ProbeRun, Unanswered, asks, entries, needs, or_refusal, refusal_text, verdict

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
    unnamed = "A create with a name alone is refused, and the server does not name the fields it needs."
    needs(created.guesses <= 1, unnamed)
    return sorted(created.fields), f"The first accepted create contained {' and '.join(['name', *created.fields])}."


def _response(run: ProbeRun) -> Response:
    response = run.created[run.once(minimal_runtime).id]
    return needs(response, "The response to the create was lost; the list showed the runtime.")


@asks("What is the HTTP status of a create?")
def create_status(run: ProbeRun) -> Answer:
    status = str(_response(run).status)
    return (status if status in ("200", "201") else OTHER), f"The response to a create had the status {status}."


@asks("What is in the response to a create?", HANDLED)
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


@asks("Does the server keep a space at the end of a name?", HANDLED)
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


@asks("What does the server return for a field that was never set?", HANDLED)
def unset_fields(run: ProbeRun) -> Answer:
    created = run.once(minimal_runtime)
    runtime = run.read(created.id)

    def returned(*names: str) -> str:
        values = [runtime.get(name, "nothing") for name in names if name not in created.fields]
        words = {"null" if value is None else "nothing" if value == "nothing" else "a value" for value in values}
        return " or ".join(sorted(words))

    texts, rest = returned("description", "others", "runtimeVersion"), returned("whitelist", "resource")
    needs(texts and rest, "A create needs so many fields that none was left unset.")
    evidence = f"The server returned {texts} for texts, and {rest} for lists and sizes."
    return _UNSET.get((texts, rest), OTHER), evidence


# --- lists, and what the server stores of a field

_READS = 4  # of a shuffled list of four, one in 24 repeats the order of another
_BUILT_IN_NAME = re.compile(r"\([^()]{1,40}\) (MicroStrategy|Strategy)")
_COMMENT = "mstr.library.mstr_probe"


@asks("Which fields does the list of runtimes omit?")
def list_omits(run: ProbeRun) -> Answer:
    try:
        identity, of = run.once(runtime_with_all_fields), "a runtime with every field set"
    except Unanswered:
        identity, of = DEFAULT_RUNTIME_ID, "the built-in runtime"
    if identity != DEFAULT_RUNTIME_ID and run.once(zero_counts.ask)[0] == "omit":
        # Set it, so that a response contains it.
        run.patch(identity, {"minCachedInstances": 1})
    entry = next((entry for entry in run.listed() if entry["id"] == identity), None)
    entry, runtime = needs(entry, "The list does not show the runtime."), run.read(identity)
    expected = [field.api for field in FIELDS if identity == DEFAULT_RUNTIME_ID or not field.newer_only]
    unset = [api for api in expected if api not in runtime]
    needs(not unset, f"On {of}, {' and '.join(unset)} has no value, so the list cannot show it.")
    omitted = sorted(name for name in runtime if name not in entry and re.fullmatch(r"[A-Za-z]{1,40}", name))
    return omitted, f"For {of}, the list omits {', '.join(omitted) or 'nothing'}."


@asks("In which order does the list show the runtimes?", HANDLED)
def list_order(run: ProbeRun) -> Answer:
    run.once(runtime_with_all_fields)
    run.once(additional_runtime)
    lists = [[entry["id"] for entry in run.listed()] for _read in range(_READS)]
    # Somebody may have created or deleted a runtime meanwhile.
    everywhere = set(lists[0]).intersection(*lists)
    orders = [[identity for identity in order if identity in everywhere] for order in lists]
    ours = [identity for identity in run.runtimes if identity in everywhere]
    by_name = sorted(ours, key=lambda identity: run.runtimes[identity])
    forms = {"creation": ours, "reversed": ours[::-1], "name": by_name}
    return _order(orders, [identity for identity in orders[-1] if identity in ours], forms, "the runtimes")


@asks("In which order does the server return whitelist and packages?", HANDLED)
def field_order(run: ProbeRun) -> Answer:
    identity = run.once(runtime_with_all_fields)
    orders = [list(map(str, entries(run.read(identity), "whitelist"))) for _read in range(_READS)]
    complete = all(sorted(order) == sorted(BLOCKS) for order in orders)
    needs(complete, "The whitelist was not returned as it was sent.")
    forms = {"keep": list(BLOCKS), "reversed": list(BLOCKS[::-1]), "sorted": sorted(BLOCKS)}
    return _order(orders, orders[-1], forms, "the blocks of a whitelist")


def _order(orders: Sequence[list[str]], ours: list[str], forms: Mapping[str, list[str]], what: str) -> Answer:
    if any(order != orders[0] for order in orders):
        return "shuffled", f"{_READS} reads showed {what} in different orders."
    value = next((name for name, order in forms.items() if order == ours), OTHER)
    return value, f"{_READS} reads showed {what} in the same order ({value})."


@asks("What is the name of the built-in runtime?")
def default_name(run: ProbeRun) -> Answer:
    name = str(run.read(DEFAULT_RUNTIME_ID).get("name"))
    chosen = "A user may have chosen the name of the built-in runtime, so it is not published."
    needs(_BUILT_IN_NAME.fullmatch(name), chosen)
    return name, "The runtime with the documented id has this name."


@asks("Does the server return a count of zero?")
def zero_counts(run: ProbeRun) -> Answer:
    if "minCachedInstances" in run.read(run.once(runtime_with_all_fields)):
        return "keep", "minCachedInstances was sent as 0 and was returned."
    return "omit", "minCachedInstances was sent as 0 and was not returned."


def _stored(run: ProbeRun, entry: str, forms: Mapping[str, str], refused: str | None = "refuse") -> Answer:
    """How the server stores a whitelist entry: the answer for each form, or for a refusal."""
    identity = run.once(runtime_with_all_fields)
    refusal = or_refusal(run.patch, identity, {"whitelist": [entry]})
    if refusal:
        if not refused:
            raise refusal
        return verdict(entry, refusal, no=refused)
    whitelist = entries(run.read(identity), "whitelist")
    needs(len(whitelist) == 1, "The server accepted the entry, but did not return it.")
    stored = str(whitelist[0])
    if stored in forms:
        return forms[stored], f"{entry} was accepted and returned as {stored}."
    return OTHER, f"{entry} was accepted and returned in a different form."


@asks("How does the server store a block with host bits, such as 192.0.2.7/24?")
def cidr_host_bits(run: ProbeRun) -> Answer:
    return _stored(run, "192.0.2.7/24", {"192.0.2.7/24": "keep", "192.0.2.0/24": "clear"})


@asks("How does the server store an address without a prefix length?")
def cidr_bare_address(run: ProbeRun) -> Answer:
    return _stored(run, "192.0.2.7", {"192.0.2.7": "keep", "192.0.2.7/32": "suffix"})


@asks("In which form does the server return an IPv6 block?")
def cidr_spelling(run: ProbeRun) -> Answer:
    return _stored(run, "2001:DB8::/32", {"2001:DB8::/32": "keep", "2001:db8::/32": "canonical"}, None)


@asks("Can a whitelist hold a host name?")
def cidr_host_names(run: ProbeRun) -> Answer:
    return _stored(run, "probe.example.com", {"probe.example.com": "keep"})


# --- updates


@asks("Does an update need the name?")
def patch_needs_name(run: ProbeRun) -> Answer:
    refusal = or_refusal(run.patch, run.once(runtime_with_all_fields), {"execTimeout": 300}, named=False)
    return verdict("A PATCH without name", refusal, "no", "yes")


@asks("Does an update accept a comment for the change journal?")
def change_journal(run: ProbeRun) -> Answer:
    body = {"changeJournal": {"userComments": _COMMENT}}
    return verdict("A PATCH with changeJournal", or_refusal(run.patch, run.once(runtime_with_all_fields), body))


@asks("Does the server accept a Python version that it does not offer?")
def unknown_version(run: ProbeRun) -> Answer:
    refusal = or_refusal(run.patch, run.once(additional_runtime), {"runtimeVersion": "2.7.1"})
    return verdict("runtimeVersion 2.7.1", refusal, "keep", "refuse")


@asks("Is there a field executionTarget?")
def execution_target(run: ProbeRun) -> Answer:
    identity, what = run.once(runtime_with_all_fields), "A PATCH with an empty executionTarget"
    refusal = or_refusal(run.patch, identity, {"executionTarget": ""})
    if refusal:
        return verdict(what, refusal)
    needs("executionTarget" in run.read(identity), f"{what} was accepted, and the field is not returned.")
    return "yes", f"{what} was accepted, and the field is returned."


def _resource(run: ProbeRun, identity: str) -> Mapping[str, Any]:
    resource = run.read(identity).get("resource")
    return resource if isinstance(resource, Mapping) else {}


# By what the server returns as JSON.
_CPU_FORMS = {f'"{CPU}"': "as_sent", '"0.20"': "two_decimals", '"200m"': "millicores", CPU: "number"}


@asks("In which form does the server return cpu?", ("millicores", OTHER))
def cpu_format(run: ProbeRun) -> Answer:
    cpu = json.dumps(_resource(run, run.once(runtime_with_all_fields)).get("cpu"))
    value = _CPU_FORMS.get(cpu, OTHER)
    form = "in a different form" if value == OTHER else f"as {'the number ' if value == 'number' else ''}{cpu}"
    return value, f'cpu was sent as "{CPU}" and was returned {form}.'


@asks("Does an update of resource keep the keys that it omits?")
def patch_resource(run: ProbeRun) -> Answer:
    identity = run.once(runtime_with_all_fields)
    before = _resource(run, identity).get("cpu")
    run.patch(identity, {"resource": {"mem": 2 * MEMORY}})
    after = _resource(run, identity).get("cpu")
    if before is not None and after == before:
        return "merge", "After a PATCH of resource with mem alone, cpu was unchanged."
    return "replace", "After a PATCH of resource with mem alone, cpu was missing or different."


@asks("Does an update keep undocumented keys of resource?", HANDLED)
def unknown_keys(run: ProbeRun) -> Answer:
    identity = run.once(runtime_with_all_fields)
    before = set(_resource(run, identity)) - set(RESOURCE_KEYS.values())
    needs(before, "The server shows no key inside resource that is not documented.")
    run.patch(identity, {"resource": {"cpu": CPU, "mem": MEMORY}})
    kept = "kept" if before & set(_resource(run, identity)) else "dropped"
    return kept, f"An update of resource {kept} undocumented keys."


@asks("Does resource have disk and procCount?")
def disk_and_proc_count(run: ProbeRun) -> Answer:
    identity, what = run.once(runtime_with_all_fields), "A PATCH with disk and procCount"
    resource = {"cpu": CPU, "mem": MEMORY, "disk": 2048, "procCount": 8}
    refusal = or_refusal(run.patch, identity, {"resource": resource})
    if refusal:
        return verdict(what, refusal)
    stored = _resource(run, identity)
    if stored.get("disk") is None and stored.get("procCount") is None:
        return "no", f"{what} was accepted, and neither is returned."
    return "yes", f"{what} was accepted, and they are returned."


@asks("Does a delete accept a comment for the change journal?")
def delete_comments(run: ProbeRun) -> Answer:
    params = {"userComments": _COMMENT}
    return verdict("A DELETE with a comment", or_refusal(run.delete, run.once(additional_runtime), params=params))
