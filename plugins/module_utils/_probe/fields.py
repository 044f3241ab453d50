# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about lists, and about what the server stores of a field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._errors import ApiError
from .._model.fields import FIELDS
from .._model.kinds import RESOURCE_KEYS
from .._model.runtime import DEFAULT_RUNTIME_ID
from .creates import BLOCKS, CPU, MEMORY, additional_runtime, runtime_with_all_fields
from .run import ALL_HANDLED, OTHER, Answer, Ask, ProbeRun, Question, Unanswered, asks, refusal_text

_READS = 4  # of a shuffled list of four, one in 24 repeats the order of another
_BUILT_IN_NAME = re.compile(r"\([^()]{1,40}\) (MicroStrategy|Strategy)")
_COMMENT = "mstr.library.mstr_probe"


@asks("Which fields does the list of runtimes omit?")
def list_omits(run: ProbeRun) -> Answer:
    try:
        identity, of = run.once(runtime_with_all_fields), "a runtime with every field set"
    except Unanswered:
        identity, of = DEFAULT_RUNTIME_ID, "the built-in runtime"
    entry = next((entry for entry in run.listed() if str(entry["id"]) == identity), {})
    if not entry:
        raise Unanswered("The list does not show the runtime.")
    found = run.read(identity)
    if identity != DEFAULT_RUNTIME_ID and zero_counts.ask(run)[0] == "omit":
        # Set it, so that a response contains it.
        run.patch(identity, {"minCachedInstances": 1})
        found = run.read(identity)
        [entry] = [entry for entry in run.listed() if str(entry["id"]) == identity]
    expected = [field.api for field in FIELDS if identity == DEFAULT_RUNTIME_ID or not field.newer_only]
    unset = [api for api in expected if api not in found]
    if unset:
        raise Unanswered(f"On {of}, {' and '.join(unset)} has no value, so the list cannot show it.")
    omitted = sorted(name for name in found if name not in entry and re.fullmatch(r"[A-Za-z]{1,40}", name))
    return omitted, f"For {of}, the list omits {', '.join(omitted) or 'nothing'}."


@asks("In which order does the list show the runtimes?", ALL_HANDLED)
def list_order(run: ProbeRun) -> Answer:
    run.once(runtime_with_all_fields)
    run.once(additional_runtime)
    for _read in range(_READS):
        run.listed()
    last = run.list_orders[-_READS:]
    # Somebody may have created or deleted a runtime meanwhile.
    everywhere, ours = set(last[0]).intersection(*last), list(run.known)
    orders = [[identity for identity in order if identity in ours] for order in run.list_orders]
    return _order(
        [[identity for identity in order if identity in everywhere] for order in last],
        [order for order in orders if len(order) == len(ours)],
        {"creation": ours, "reversed": ours[::-1], "name": sorted(ours, key=lambda identity: run.known[identity])},
        "the runtimes",
    )


@asks("In which order does the server return whitelist and packages?", ALL_HANDLED)
def field_order(run: ProbeRun) -> Answer:
    identity = run.once(runtime_with_all_fields)
    for _read in range(_READS - 1):
        run.read(identity)
    orders = [order for order in run.block_orders if sorted(order) == sorted(BLOCKS)]
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


def _order(seen: Sequence[list[str]], ours: Sequence[list[str]], known: Mapping[str, list[str]], what: str) -> Answer:
    if any(order != seen[0] for order in seen) or any(order != ours[-1] for order in ours[-_READS:]):
        return "shuffled", f"{_READS} reads showed {what} in different orders."
    for name, order in known.items():
        if order == ours[-1]:
            return name, f"{_READS} reads showed {what} in {_IN_WORDS[name]}."
    return OTHER, f"{_READS} reads showed {what} in the same order, which is not {' or '.join(known)}."


@asks("What is the name of the built-in runtime?")
def default_name(run: ProbeRun) -> Answer:
    name = str(run.read(DEFAULT_RUNTIME_ID).get("name"))
    if not _BUILT_IN_NAME.fullmatch(name):
        raise Unanswered("A user may have chosen the name of the built-in runtime, so it is not published.")
    return name, "The runtime with the documented id has this name."


def _zero_counts(run: ProbeRun) -> Answer:
    if "minCachedInstances" in run.read(run.once(runtime_with_all_fields)):
        return "keep", "minCachedInstances was sent as 0 and was returned."
    return "omit", "minCachedInstances was sent as 0 and was not returned."


zero_counts = Question("zero_counts", "Does the server return a count of zero?", lambda run: run.once(_zero_counts))


def _cidr(entry: str, known: Mapping[str | None, str]) -> Ask:
    """Asks how the server stores a whitelist entry. `known`: the value for each form; None stands for a refusal."""

    def ask(run: ProbeRun) -> Answer:
        identity = run.once(runtime_with_all_fields)
        if run.patch(identity, {"whitelist": [entry]}):
            if None not in known:
                raise Unanswered("The server refuses an IPv6 block.")
            return known[None], f"{entry} was refused."
        whitelist = run.read(identity).get("whitelist")
        if not isinstance(whitelist, list) or len(whitelist) != 1:
            raise Unanswered("The server accepted the entry, but did not return it.")
        stored = str(whitelist[0])
        if stored in known:
            return known[stored], f"{entry} was accepted and returned as {stored}."
        return OTHER, f"{entry} was accepted and returned in a different form."

    return ask


cidr_host_bits = Question(
    "cidr_host_bits",
    "How does the server store a block with host bits, such as 192.0.2.7/24?",
    _cidr("192.0.2.7/24", {"192.0.2.7/24": "keep", "192.0.2.0/24": "clear", None: "refuse"}),
)
cidr_bare_address = Question(
    "cidr_bare_address",
    "How does the server store an address without a prefix length?",
    _cidr("192.0.2.7", {"192.0.2.7": "keep", "192.0.2.7/32": "suffix", None: "refuse"}),
)
cidr_spelling = Question(
    "cidr_spelling",
    "In which form does the server return an IPv6 block?",
    _cidr("2001:DB8::/32", {"2001:DB8::/32": "keep", "2001:db8::/32": "canonical"}),
)
cidr_host_names = Question(
    "cidr_host_names",
    "Can a whitelist hold a host name?",
    _cidr("probe.example.com", {"probe.example.com": "keep", None: "refuse"}),
)


# --- updates


def _patch(
    what: str,
    body: Mapping[str, Any],
    no: str = "no",
    yes: str = "yes",
    of: Callable[[ProbeRun], str] = runtime_with_all_fields,
    named: bool = True,
) -> Ask:
    """Asks whether the server accepts an update. `no` and `yes`: the values for a refusal and for an acceptance."""

    def ask(run: ProbeRun) -> Answer:
        refusal = run.patch(run.once(of), body, named=named)
        return (no, f"{what} was {refusal}.") if refusal else (yes, f"{what} was accepted.")

    return ask


patch_needs_name = Question(
    "patch_needs_name",
    "Does an update need the name?",
    _patch("A PATCH without name", {"execTimeout": 300}, no="yes", yes="no", named=False),
)
change_journal = Question(
    "change_journal",
    "Does an update accept a comment for the change journal?",
    _patch("A PATCH with changeJournal", {"changeJournal": {"userComments": _COMMENT}}),
)
unknown_version = Question(
    "unknown_version",
    "Does the server accept a Python version that it does not offer?",
    _patch("runtimeVersion 2.7.1", {"runtimeVersion": "2.7.1"}, no="refuse", yes="keep", of=additional_runtime),
)


@asks("Is there a field executionTarget?")
def execution_target(run: ProbeRun) -> Answer:
    identity = run.once(runtime_with_all_fields)
    refusal = run.patch(identity, {"executionTarget": ""})
    if refusal:
        return "no", f"A PATCH with executionTarget was {refusal}."
    if "executionTarget" not in run.read(identity):
        raise Unanswered("A PATCH with an empty executionTarget was accepted, and the field is not returned.")
    return "yes", "A PATCH with an empty executionTarget was accepted, and the field is returned."


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
    run.must_patch(identity, {"resource": {"mem": 2 * MEMORY}}, "A PATCH of resource with mem alone")
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
    run.must_patch(identity, {"resource": {"cpu": CPU, "mem": MEMORY}}, "A PATCH of resource")
    kept = "kept" if before & set(_resource(run, identity)) else "dropped"
    return kept, f"An update of resource {kept} undocumented keys."


@asks("Does resource have disk and procCount?")
def disk_and_proc_count(run: ProbeRun) -> Answer:
    identity = run.once(runtime_with_all_fields)
    refusal = run.patch(identity, {"resource": {"cpu": CPU, "mem": MEMORY, "disk": 2048, "procCount": 8}})
    if refusal:
        return "no", f"A PATCH with disk and procCount was {refusal}."
    found = _resource(run, identity)
    if found.get("disk") is None and found.get("procCount") is None:
        return "no", "A PATCH with disk and procCount was accepted, and neither is returned."
    return "yes", "A PATCH with disk and procCount was accepted, and they are returned."


@asks("Does a delete accept a comment for the change journal?")
def delete_comments(run: ProbeRun) -> Answer:
    try:
        run.delete(run.once(additional_runtime), _COMMENT)
    except ApiError as exc:
        if exc.outcome_unknown or exc.status in (401, 403, 429):
            raise
        return "no", f"A DELETE with a comment was {refusal_text(exc)}."
    return "yes", "A DELETE with a comment was accepted."
