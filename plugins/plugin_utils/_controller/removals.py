# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role mstr.library.controller deletes, and why it must not.

The role deletes only what it made. The controller deletes more with an object: whatever others have added to it. It
also takes the object away from whatever others have made with it. Both are listed in the step, and the role refuses it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from .records import OWN_QUESTION, PARENTS, SHARED, STAGE_KINDS, Json, is_owned, place, record_of, titled

# What a controller deletes with an object, of what others can add.
_PARTS = {
    "inventories": ("hosts", "groups"),
    "job_templates": ("schedules",),
    "projects": ("schedules",),
    "workflow_job_templates": ("schedules",),
}
# What templates use, and the field in which they name it.
_USED = {"execution_environments": "execution_environment", "inventories": "inventory", "projects": "project"}
_OWN_NODES = ("apply", "approval", "approval_check", "drift")
_SHARED_KINDS = ("projects", "execution_environments", "credential_types", "organizations")


def removals(found: Json, owner: Json, kept: Collection[str]) -> list[dict[str, Any]]:
    """The steps that delete the objects of all stages whose names are not in `kept`.

    If nothing is kept, the objects that the stages share are deleted, too, or, with the action "keep", the reason why
    they are not.
    """
    names = set(map(str, kept))
    result = [
        deletion(kind, resource, found, owner)
        for kind in STAGE_KINDS
        for resource in found.get(kind, ())
        if "stage" in record_of(resource) and is_owned(kind, resource, owner, found) and resource["name"] not in names
    ]
    if not names:
        for kind in _SHARED_KINDS:
            for resource in found.get(kind, ()):
                made = is_owned(kind, resource, SHARED if kind == "credential_types" else owner, found)
                reasons = _reasons_to_keep(kind, resource, found, result)
                if made and not reasons:
                    result.append(deletion(kind, resource, found, owner))
                elif kind == "organizations" or made:
                    reason = f"it has {', '.join(reasons)}" if reasons else "this role did not make it"
                    line = f"The {titled(kind, resource)} stays, because {reason}."
                    result.append(_step(kind, resource, "keep", line, []))
    return result


def _reasons_to_keep(kind: str, resource: Json, found: Json, deleted: Collection[Json]) -> list[str]:
    """What others have in an organization, or of a credential type."""
    if kind not in ("credential_types", "organizations"):
        return []
    gone = {(step["kind"], step["id"]) for step in deleted}
    things = found.get("members", {}).get(kind, ())
    return sorted({f"{titled(of, member)}" for of, member in things if (of, member["id"]) not in gone})


def deletion(kind: str, resource: Json, found: Json, owner: Json) -> dict[str, Any]:
    """The step that deletes an object. `others` is what it would take away from others."""
    line = f"remove {titled(kind, resource)} of {place(kind, resource, found)}"
    others = [*_parts(kind, resource, found, owner), *_users(kind, resource, found, owner)]
    parent = PARENTS.get(kind)
    return {**_step(kind, resource, "delete", line, others), **({parent: resource[parent]} if parent else {})}


def _step(kind: str, resource: Json, action: str, line: str, others: list[str]) -> dict[str, Any]:
    identity = {"kind": kind, "name": resource["name"], "id": resource["id"]}
    return {**identity, "action": action, "line": line, "others": others}


def _parts(kind: str, resource: Json, found: Json, owner: Json) -> Iterator[str]:
    """What others have added to an object, so that the controller would delete it, too."""
    of = f"of {titled(kind, resource)}"
    for part in _PARTS.get(kind, ()):
        for added in found.get(part, ()):
            if added[PARENTS[part]] == resource["id"] and not is_owned(part, added, owner, found):
                yield f"{titled(part, added)} {of}"
    if kind == "workflow_job_templates":
        for node in found.get("workflow_job_template_nodes", ()):
            if node["workflow_job_template"] == resource["id"] and node["identifier"] not in _OWN_NODES:
                yield f"{titled('workflow_job_template_nodes', node)} {of}"
    for question in (found.get("surveys", {}).get(str(resource["id"])) or {}).get("spec", ()):
        if kind == "job_templates" and not question["variable"].startswith(OWN_QUESTION):
            yield f"survey question {question['variable']!r} {of}"
    record = record_of(resource)
    for path, pairs in found.get("associations", {}).items():
        path_kind, id_, relation = path.split("/")
        if (path_kind, id_) == (kind, str(resource["id"])):
            for number, name in pairs:
                if number not in record.get(relation, ()):
                    yield f"notification template {name!r} {of}"


def _users(kind: str, resource: Json, found: Json, owner: Json) -> Iterator[str]:
    """What others have made that uses an object."""
    for user_kind, users in found.get("users", {}).items():
        for user in users:
            if user_kind == "workflow_job_template_nodes":
                workflow = user.get("summary_fields", {}).get("workflow_job_template", {})
                ours = [ours["id"] for ours in found.get("workflow_job_templates", ())]
                if user.get("unified_job_template") == resource["id"] and user["workflow_job_template"] not in ours:
                    where = titled("workflow_job_templates", {"id": user["workflow_job_template"], **workflow})
                    yield f"{titled(user_kind, user)} of {where}, which runs {titled(kind, resource)}"
            elif not is_owned(user_kind, user, owner, found):
                credentials = user.get("summary_fields", {}).get("credentials", ())
                uses = (
                    [credential["id"] for credential in credentials]
                    if kind == "credentials"
                    else [user.get(_USED.get(kind, ""))]
                )
                if resource["id"] in uses:
                    where = place(user_kind, user, {})
                    yield f"{titled(user_kind, user)} of {where}, which uses {titled(kind, resource)}"
