# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which objects of a controller are those of the role mstr.library.controller.

The role records what it made in the last line of an object's description, as JSON. AWX copies descriptions, too, so an
object is the role's only if the record has its name, and if it is in the recorded place: in the organization, or in
another object of the role.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Json = Mapping[str, Any]

RECORD = "mstr.library.controller: "
# The record of an object that all organizations and prefixes share.
SHARED = {"shared": True}
# Questions of a survey whose variable begins with this are the role's.
OWN_QUESTION = "mstr_survey_"

# Options that name one object, and the endpoint of that object.
REFERENCES = {
    "credential": "credentials",
    "credential_type": "credential_types",
    "execution_environment": "execution_environments",
    "inventory": "inventories",
    "organization": "organizations",
    "project": "projects",
    "unified_job_template": "job_templates",
    "workflow_job_template": "workflow_job_templates",
}
# Objects whose name is unique only within another one.
PARENTS = {
    "groups": "inventory",
    "hosts": "inventory",
    "schedules": "unified_job_template",
    "workflow_job_template_nodes": "workflow_job_template",
}
# The objects that a stage has of its own, in the order in which they can be deleted.
STAGE_KINDS = ("workflow_job_templates", "job_templates", "inventories", "credentials")
# A name in use is refused for these; the role makes no record in a host or a schedule that somebody else made.
EXCLUSIVE = (*STAGE_KINDS, "projects", "execution_environments")
_GLOBAL = ("credential_types", "organizations")
_TEMPLATES = ("job_templates", "workflow_job_templates", "projects")
_LABELS = {
    "credential_types": "credential type",
    "execution_environments": "execution environment",
    "inventories": "inventory",
    "workflow_job_template_nodes": "workflow node",
    "workflow_job_templates": "workflow",
}


def label(kind: str) -> str:
    """What people call an object of this endpoint."""
    return _LABELS.get(kind, kind[:-1].replace("_", " "))


def titled(kind: str, resource: Json) -> str:
    """An object with what it is, such as "host 'test-eu'"."""
    name = resource.get("name") or resource.get("identifier") or resource.get("username") or resource["id"]
    return f"{label(kind)} {name!r}"


def place(kind: str, resource: Json, found: Json) -> str:
    """Where an object is, such as "inventory 'Library test'"."""
    if kind in _GLOBAL:
        return "this controller"
    if kind in PARENTS:
        value = resource[PARENTS[kind]]
        parent_kind, parent = _parent(kind, value, found)
        return titled(parent_kind, parent or {"name": value, "id": value})
    name = resource.get("summary_fields", {}).get("organization", {}).get("name")
    known = (organization["name"] for organization in found.get("organizations", ()))
    return f"organization {(name or next(known, None) or record_of(resource).get('organization'))!r}"


def _parent(kind: str, value: Any, found: Json) -> tuple[str, Json | None]:
    kinds = _TEMPLATES if kind == "schedules" else (REFERENCES[PARENTS[kind]],)
    parents = ((parent_kind, parent) for parent_kind in kinds for parent in found.get(parent_kind, ()))
    return next(((parent_kind, parent) for parent_kind, parent in parents if parent["id"] == value), (kinds[0], None))


def record_of(stored: Json) -> dict[str, Any]:
    """What the role has recorded in an object, empty for an object that it did not make."""
    _before, found, text = str(stored.get("description") or "").rpartition(RECORD)
    try:
        record = json.loads(text) if found else {}
    except ValueError:
        record = {}
    return record if isinstance(record, dict) else {}


def record_line(record: Json) -> str:
    """The last line of the description of an object with this record."""
    return RECORD + json.dumps(record, sort_keys=True, ensure_ascii=False)


def is_owned(kind: str, stored: Json, owner: Json, found: Json) -> bool:
    """Whether the role made this object for `owner`: name, place, prefix and stage as far as they are given."""
    record = record_of(stored)
    if not record or record.get("name", stored.get("name")) != stored.get("name"):
        return False
    if any(record.get(key) != value for key, value in owner.items() if key != "organization"):
        return False
    if kind in PARENTS:
        parent_kind, parent = _parent(kind, stored[PARENTS[kind]], found)
        return parent is not None and is_owned(parent_kind, parent, owner, found)
    return _is_in_organization(stored, record, owner, found)


def _is_in_organization(stored: Json, record: Json, owner: Json, found: Json) -> bool:
    # The id holds even after somebody has renamed the organization.
    if stored.get("organization"):
        return stored["organization"] in [organization["id"] for organization in found.get("organizations", ())]
    return bool(record.get("organization", owner.get("organization")) == owner.get("organization"))


def why_taken(kind: str, stored: Json, owner: Json, found: Json) -> str:
    """Why the role cannot use an existing object, empty if it can."""
    if kind not in EXCLUSIVE or is_owned(kind, stored, owner, found):
        return ""
    record, what = record_of(stored), f"the {titled(kind, stored)}"
    if not record:
        line = record_line({**owner, "name": stored["name"]})
        return f"{what} was not made by this role (if it was, put the last line of its description back: {line})"
    if not _is_in_organization(stored, record, owner, found):
        return f"{what} belongs to {place(kind, stored, {})}, and its name is unique on the whole controller"
    if any(record.get(key) != owner.get(key) for key in ("prefix", "stage")):
        stage = f"stage {record['stage']!r} of " if record.get("stage") else ""
        return f"{what} belongs to {stage}mstr_controller_prefix {record.get('prefix')!r}"
    return f"{what} is a copy of {record.get('name')!r}"


def names_of(found: Json, kinds: Iterable[str]) -> dict[str, dict[int, str]]:
    """The names of all known objects, by endpoint and id."""
    names: dict[str, dict[int, str]] = {kind: {} for kind in kinds}
    for kind, known in names.items():
        known.update((id_, name) for name, id_ in found.get("needed", {}).get(kind, {}).items())
        known.update((resource["id"], resource["name"]) for resource in found.get(kind, ()))
    for template in found.get("job_templates", ()):
        for credential in template.get("summary_fields", {}).get("credentials", ()):
            names["credentials"].setdefault(credential["id"], credential.get("name", str(credential["id"])))
    for pairs in found.get("associations", {}).values():
        names["notification_templates"].update((id_, name) for id_, name in pairs)
    return names
