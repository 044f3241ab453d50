# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about lists, and about what the server stores of a field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._errors import ApiError
from .._model.fields import FIELDS
from .._model.kinds import RESOURCE_KEYS
from .._model.names import DEFAULT_RUNTIME_ID
from .creates import BLOCKS, CPU, MEMORY, additional_runtime, runtime_with_all_fields
from .scratch import OTHER, Answer, Scratch, Unanswered, refused

_READS = 4  # of a shuffled list of four, one in 24 repeats the order of another
_BUILT_IN_NAME = re.compile(r"\([^()]{1,40}\) (MicroStrategy|Strategy)")


def list_omits(scratch: Scratch) -> Answer:
    """Which fields the list leaves out."""
    try:
        identity, of = scratch.once(runtime_with_all_fields), "a runtime with every field set"
    except Unanswered:
        identity, of = DEFAULT_RUNTIME_ID, "the built-in runtime"
    entry = next((one for one in scratch.listed() if str(one["id"]) == identity), {})
    if not entry:
        raise Unanswered("The list does not show the runtime.")
    found = scratch.read(identity)
    if identity != DEFAULT_RUNTIME_ID and zero_counts(scratch)[0] == "omit":
        # Set it, so that a response contains it.
        scratch.patch(identity, {"minCachedInstances": 1})
        found = scratch.read(identity)
        [entry] = [one for one in scratch.listed() if str(one["id"]) == identity]
    unset = [one.api for one in FIELDS if one.api not in found and not (one.newer and identity != DEFAULT_RUNTIME_ID)]
    if unset:
        raise Unanswered(f"On {of}, {' and '.join(unset)} has no value, so the list cannot show it.")
    omitted = sorted(name for name in found if name not in entry and re.fullmatch(r"[A-Za-z]{1,40}", name))
    return omitted, f"For {of}, the list omits {', '.join(omitted) or 'nothing'}."


def list_order(scratch: Scratch) -> Answer:
    """In which order the list shows runtimes."""
    scratch.once(runtime_with_all_fields)
    scratch.once(additional_runtime)
    for _read in range(_READS):
        scratch.listed()
    ours = list(scratch.known)
    orders = [[one for one in order if one in ours] for order in scratch.list_orders]
    orders = [order for order in orders if len(order) == len(ours)]
    return _order(
        [[*order] for order in _of_all(scratch.list_orders)],
        orders,
        {"creation": ours, "reversed": ours[::-1], "name": sorted(ours, key=lambda one: scratch.known[one])},
        "the runtimes",
    )


def _of_all(orders: list[list[str]]) -> list[list[str]]:
    """The orders of what all lists since the first hold."""
    everywhere = set(orders[-1]).intersection(*orders[-_READS:])
    return [[one for one in order if one in everywhere] for order in orders[-_READS:]]


def field_order(scratch: Scratch) -> Answer:
    """In which order a whitelist comes back."""
    identity = scratch.once(runtime_with_all_fields)
    for _read in range(_READS - 1):
        scratch.read(identity)
    orders = [order for order in scratch.block_orders if sorted(order) == sorted(BLOCKS)]
    if not orders:
        raise Unanswered("The whitelist was not returned as it was sent.")
    known = {"keep": list(BLOCKS), "reversed": list(BLOCKS[::-1]), "sorted": sorted(BLOCKS)}
    return _order(orders, orders, known, "the blocks of a whitelist")


_IN_WORDS = {
    "creation": "the order of their creation",
    "reversed": "reversed order",
    "name": "the order of their names",
    "keep": "the order in which they were sent",
    "sorted": "sorted order",
}


def _order(seen: list[list[str]], ours: list[list[str]], known: Mapping[str, list[str]], what: str) -> Answer:
    if any(order != seen[0] for order in seen) or any(order != ours[-1] for order in ours[-_READS:]):
        return "shuffled", f"{_READS} reads showed {what} in different orders."
    for name, order in known.items():
        if order == ours[-1]:
            return name, f"{_READS} reads showed {what} in {_IN_WORDS[name]}."
    return OTHER, f"{_READS} reads showed {what} in the same order, which is not {' or '.join(known)}."


def default_name(scratch: Scratch) -> Answer:
    """The name of the built-in runtime."""
    name = str(scratch.read(DEFAULT_RUNTIME_ID).get("name"))
    if not _BUILT_IN_NAME.fullmatch(name):
        raise Unanswered("A user may have chosen the name of the built-in runtime, so it is not published.")
    return name, "The runtime with the documented id has this name."


def zero_counts(scratch: Scratch) -> Answer:
    """Whether a count of zero comes back."""
    return scratch.once(_zero_counts)


def _zero_counts(scratch: Scratch) -> Answer:
    if "minCachedInstances" in scratch.read(scratch.once(runtime_with_all_fields)):
        return "keep", "minCachedInstances was sent as 0 and was returned."
    return "omit", "minCachedInstances was sent as 0 and was not returned."


def _stored(scratch: Scratch, entry: str) -> str | None:
    """How the server stores one whitelist entry; None if it refuses the entry."""
    identity = scratch.once(runtime_with_all_fields)
    refusal = scratch.patch(identity, {"whitelist": [entry]})
    if refusal:
        return None
    stored = scratch.read(identity).get("whitelist")
    if not isinstance(stored, list) or len(stored) != 1:
        raise Unanswered("The server accepted the entry, but did not return it.")
    return str(stored[0])


def _cidr(scratch: Scratch, entry: str, known: Mapping[str | None, str]) -> Answer:
    stored = _stored(scratch, entry)
    evidence = f"{entry} was refused." if stored is None else f"{entry} was accepted and returned as {stored}."
    if stored not in known:
        return OTHER, f"{entry} was accepted and returned in a different form." if stored else evidence
    return known[stored], evidence


def cidr_host_bits(scratch: Scratch) -> Answer:
    """Host bits in a block."""
    return _cidr(scratch, "192.0.2.7/24", {"192.0.2.7/24": "keep", "192.0.2.0/24": "clear", None: "refuse"})


def cidr_bare_address(scratch: Scratch) -> Answer:
    """An address without a prefix length."""
    return _cidr(scratch, "192.0.2.7", {"192.0.2.7": "keep", "192.0.2.7/32": "suffix", None: "refuse"})


def cidr_spelling(scratch: Scratch) -> Answer:
    """The text form of IPv6."""
    answer = _cidr(scratch, "2001:DB8::/32", {"2001:DB8::/32": "keep", "2001:db8::/32": "canonical", None: ""})
    if not answer[0]:
        raise Unanswered("The server refuses an IPv6 block.")
    return answer


def cidr_host_names(scratch: Scratch) -> Answer:
    """A host name in a whitelist."""
    return _cidr(scratch, "probe.example.com", {"probe.example.com": "keep", None: "refuse"})


# --- updates


def cpu_format(scratch: Scratch) -> Answer:
    """How cpu comes back."""
    resource = scratch.read(scratch.once(runtime_with_all_fields)).get("resource")
    cpu = resource.get("cpu") if isinstance(resource, Mapping) else None
    for value, expected in (("as_sent", CPU), ("two_decimals", "0.20"), ("millicores", "200m")):
        if cpu == expected:
            return value, f'cpu was sent as "{CPU}" and was returned as "{cpu}".'
    if isinstance(cpu, float) and cpu == float(CPU):
        return "number", f'cpu was sent as "{CPU}" and was returned as the number {cpu}.'
    return OTHER, f'cpu was sent as "{CPU}" and was returned in a different form.'


def patch_resource(scratch: Scratch) -> Answer:
    """Whether a PATCH of resource keeps the keys that it does not carry."""
    identity = scratch.once(runtime_with_all_fields)
    before = _resource(scratch.read(identity)).get("cpu")
    refusal = scratch.patch(identity, {"resource": {"mem": 2 * MEMORY}})
    if refusal:
        raise Unanswered(f"A PATCH of resource with mem alone was {refused(refusal)}.")
    after = _resource(scratch.read(identity)).get("cpu")
    if before is not None and after == before:
        return "merge", "After a PATCH of resource with mem alone, cpu was unchanged."
    return "replace", "After a PATCH of resource with mem alone, cpu was missing or different."


def _resource(found: Mapping[str, Any]) -> Mapping[str, Any]:
    resource = found.get("resource")
    return resource if isinstance(resource, Mapping) else {}


def unknown_keys(scratch: Scratch) -> Answer:
    """What the server does with undocumented keys that an update does not contain."""
    identity = scratch.once(runtime_with_all_fields)
    before = set(_resource(scratch.read(identity))) - set(RESOURCE_KEYS.values())
    if not before:
        raise Unanswered("The server shows no key inside resource that is not documented.")
    refusal = scratch.patch(identity, {"resource": {"cpu": CPU, "mem": MEMORY}})
    if refusal:
        raise Unanswered(f"A PATCH of resource was {refused(refusal)}.")
    kept = before & set(_resource(scratch.read(identity)))
    return "kept" if kept else "dropped", f"An update of resource {'kept' if kept else 'dropped'} undocumented keys."


def disk_and_proc_count(scratch: Scratch) -> Answer:
    """Whether resource takes disk and procCount."""
    identity = scratch.once(runtime_with_all_fields)
    sent = {"cpu": CPU, "mem": MEMORY, "disk": 2048, "procCount": 8}
    refusal = scratch.patch(identity, {"resource": sent})
    if refusal:
        return "no", f"A PATCH with disk and procCount was {refused(refusal)}."
    found = _resource(scratch.read(identity))
    if found.get("disk") is None and found.get("procCount") is None:
        return "no", "A PATCH with disk and procCount was accepted, and neither is returned."
    return "yes", "A PATCH with disk and procCount was accepted, and they are returned."


def patch_needs_name(scratch: Scratch) -> Answer:
    """Whether a PATCH needs the name."""
    refusal = scratch.patch(scratch.once(runtime_with_all_fields), {"execTimeout": 300}, named=False)
    if refusal:
        return "yes", f"A PATCH without name was {refused(refusal)}."
    return "no", "A PATCH without name was accepted."


def execution_target(scratch: Scratch) -> Answer:
    """Whether the field executionTarget exists."""
    identity = scratch.once(runtime_with_all_fields)
    refusal = scratch.patch(identity, {"executionTarget": ""})
    if refusal:
        return "no", f"A PATCH with executionTarget was {refused(refusal)}."
    if "executionTarget" not in scratch.read(identity):
        raise Unanswered("A PATCH with an empty executionTarget was accepted, and the field is not returned.")
    return "yes", "A PATCH with an empty executionTarget was accepted, and the field is returned."


def change_journal(scratch: Scratch) -> Answer:
    """Whether a PATCH takes a comment."""
    refusal = scratch.patch(
        scratch.once(runtime_with_all_fields), {"changeJournal": {"userComments": "mstr.library.mstr_probe"}}
    )
    if refusal:
        return "no", f"A PATCH with changeJournal was {refused(refusal)}."
    return "yes", "A PATCH with changeJournal was accepted."


def unknown_version(scratch: Scratch) -> Answer:
    """Whether a Python version is accepted that the server does not have."""
    refusal = scratch.patch(scratch.once(additional_runtime), {"runtimeVersion": "2.7.1"})
    if refusal:
        return "refuse", f"runtimeVersion 2.7.1 was {refused(refusal)}."
    return "keep", "runtimeVersion 2.7.1 was accepted."


def delete_comments(scratch: Scratch) -> Answer:
    """Whether a DELETE takes a comment."""
    identity = scratch.once(additional_runtime)
    try:
        scratch.delete(identity, "mstr.library.mstr_probe")
    except ApiError as exc:
        if exc.unclear or exc.status in (401, 403, 429):
            raise
        return "no", f"A DELETE with a comment was {refused(exc)}."
    return "yes", "A DELETE with a comment was accepted."
