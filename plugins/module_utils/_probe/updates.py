# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions about what an update takes and keeps, and about sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import ApiError
from .._model.kinds import RESOURCE_KEYS
from .creates import CPU, MEMORY, full, third
from .scratch import Scratch
from .words import OTHER, Answer, Unanswered, refused


def cpu_format(scratch: Scratch) -> Answer:
    """How cpu comes back."""
    resource = scratch.read(scratch.once(full)).get("resource")
    cpu = resource.get("cpu") if isinstance(resource, Mapping) else None
    for value, expected in (("as_sent", CPU), ("two_decimals", "0.20"), ("millicores", "200m")):
        if cpu == expected:
            return value, f'cpu was sent as "{CPU}" and came back as "{cpu}".'
    if isinstance(cpu, float) and cpu == float(CPU):
        return "number", f'cpu was sent as "{CPU}" and came back as the number {cpu}.'
    return OTHER, f'cpu was sent as "{CPU}" and came back in another form.'


def patch_resource(scratch: Scratch) -> Answer:
    """Whether a PATCH of resource keeps the keys that it does not carry."""
    identity = scratch.once(full)
    before = _resource(scratch.read(identity)).get("cpu")
    refusal = scratch.patch(identity, {"resource": {"mem": 2 * MEMORY}})
    if refusal:
        raise Unanswered(f"A PATCH of resource with mem alone was {refused(refusal)}.")
    after = _resource(scratch.read(identity)).get("cpu")
    if before is not None and after == before:
        return "merge", "After a PATCH of resource with mem alone, cpu was what it had been."
    return "replace", "After a PATCH of resource with mem alone, cpu was gone or had changed."


def _resource(found: Mapping[str, Any]) -> Mapping[str, Any]:
    resource = found.get("resource")
    return resource if isinstance(resource, Mapping) else {}


def unknown_keys(scratch: Scratch) -> Answer:
    """What the server does with undocumented keys that an update does not contain."""
    identity = scratch.once(full)
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
    identity = scratch.once(full)
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
    refusal = scratch.patch(scratch.once(full), {"execTimeout": 300}, named=False)
    if refusal:
        return "yes", f"A PATCH without name was {refused(refusal)}."
    return "no", "A PATCH without name was accepted."


def execution_target(scratch: Scratch) -> Answer:
    """Whether the field executionTarget exists."""
    identity = scratch.once(full)
    refusal = scratch.patch(identity, {"executionTarget": ""})
    if refusal:
        return "no", f"A PATCH with executionTarget was {refused(refusal)}."
    if "executionTarget" not in scratch.read(identity):
        raise Unanswered("A PATCH with an empty executionTarget was accepted, and the field is not returned.")
    return "yes", "A PATCH with an empty executionTarget was accepted, and the field is returned."


def change_journal(scratch: Scratch) -> Answer:
    """Whether a PATCH takes a comment."""
    refusal = scratch.patch(scratch.once(full), {"changeJournal": {"userComments": "mstr.library.mstr_probe"}})
    if refusal:
        return "no", f"A PATCH with changeJournal was {refused(refusal)}."
    return "yes", "A PATCH with changeJournal was accepted."


def unknown_version(scratch: Scratch) -> Answer:
    """Whether a Python version is accepted that the server does not have."""
    refusal = scratch.patch(scratch.once(third), {"runtimeVersion": "2.7.1"})
    if refusal:
        return "refuse", f"runtimeVersion 2.7.1 was {refused(refusal)}."
    return "keep", "runtimeVersion 2.7.1 was accepted."


def delete_comments(scratch: Scratch) -> Answer:
    """Whether a DELETE takes a comment."""
    identity = scratch.once(third)
    try:
        scratch.delete(identity, "mstr.library.mstr_probe")
    except ApiError as exc:
        if exc.unclear or exc.status in (401, 403, 429):
            raise
        return "no", f"A DELETE with a comment was {refused(exc)}."
    return "yes", "A DELETE with a comment was accepted."
