# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about lists, and about what the server stores of a field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .._model.fields import FIELDS
from .._model.kinds import RESOURCE_KEYS
from .._model.runtime import DEFAULT_RUNTIME_ID
from .base import ALL_HANDLED, OTHER, Answer, ProbeRun, Unanswered, asks, entries, or_refusal, verdict
from .creates import BLOCKS, CPU, MEMORY, additional_runtime, runtime_with_all_fields

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
    if entry is None:
        raise Unanswered("The list does not show the runtime.")
    runtime = run.read(identity)
    expected = [field.api for field in FIELDS if identity == DEFAULT_RUNTIME_ID or not field.newer_only]
    unset = [api for api in expected if api not in runtime]
    if unset:
        raise Unanswered(f"On {of}, {' and '.join(unset)} has no value, so the list cannot show it.")
    omitted = sorted(name for name in runtime if name not in entry and re.fullmatch(r"[A-Za-z]{1,40}", name))
    return omitted, f"For {of}, the list omits {', '.join(omitted) or 'nothing'}."


@asks("In which order does the list show the runtimes?", ALL_HANDLED)
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


@asks("In which order does the server return whitelist and packages?", ALL_HANDLED)
def field_order(run: ProbeRun) -> Answer:
    identity = run.once(runtime_with_all_fields)
    orders = [list(map(str, entries(run.read(identity), "whitelist"))) for _read in range(_READS)]
    if any(sorted(order) != sorted(BLOCKS) for order in orders):
        raise Unanswered("The whitelist was not returned as it was sent.")
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
    if not _BUILT_IN_NAME.fullmatch(name):
        raise Unanswered("A user may have chosen the name of the built-in runtime, so it is not published.")
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
    if len(whitelist) != 1:
        raise Unanswered("The server accepted the entry, but did not return it.")
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
    if "executionTarget" not in run.read(identity):
        raise Unanswered(f"{what} was accepted, and the field is not returned.")
    return "yes", f"{what} was accepted, and the field is returned."


def _resource(run: ProbeRun, identity: str) -> Mapping[str, Any]:
    resource = run.read(identity).get("resource")
    return resource if isinstance(resource, Mapping) else {}


@asks("In which form does the server return cpu?", ("millicores", OTHER))
def cpu_format(run: ProbeRun) -> Answer:
    cpu = _resource(run, run.once(runtime_with_all_fields)).get("cpu")
    for value, expected in (("as_sent", CPU), ("two_decimals", "0.20"), ("millicores", "200m")):
        if cpu == expected:
            return value, f'cpu was sent as "{CPU}" and was returned as "{cpu}".'
    if isinstance(cpu, float) and cpu == float(CPU):
        return "number", f'cpu was sent as "{CPU}" and was returned as the number {cpu}.'
    return OTHER, f'cpu was sent as "{CPU}" and was returned in a different form.'


@asks("Does an update of resource keep the keys that it omits?")
def patch_resource(run: ProbeRun) -> Answer:
    identity = run.once(runtime_with_all_fields)
    before = _resource(run, identity).get("cpu")
    run.patch(identity, {"resource": {"mem": 2 * MEMORY}})
    after = _resource(run, identity).get("cpu")
    if before is not None and after == before:
        return "merge", "After a PATCH of resource with mem alone, cpu was unchanged."
    return "replace", "After a PATCH of resource with mem alone, cpu was missing or different."


@asks("Does an update keep undocumented keys of resource?", ALL_HANDLED)
def unknown_keys(run: ProbeRun) -> Answer:
    identity = run.once(runtime_with_all_fields)
    before = set(_resource(run, identity)) - set(RESOURCE_KEYS.values())
    if not before:
        raise Unanswered("The server shows no key inside resource that is not documented.")
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
