# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares the objects that the role mstr.library.controller wants with those that a controller has.

The wanted objects are in the form of roles/controller/vars/main/objects.yml: the options of the modules of awx.awx, by
the endpoint of their API, with names of other objects. The objects of a controller are in the form of its API. A step
says what to do with one object.

An object without a record of the role, and whatever others have added to an object that has it, stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from .records import (
    EXCLUSIVE,
    OWN_QUESTION,
    PARENTS,
    REFERENCES,
    Json,
    is_owned,
    label,
    names_of,
    place,
    record_line,
    record_of,
    why_taken,
)
from .removals import deletion

ENCRYPTED = "$encrypted$"

# Options that name several objects. Others may add to them.
_LISTS = {
    "credentials": "credentials",
    "notification_templates_approvals": "notification_templates",
    "notification_templates_error": "notification_templates",
}
_LINKS = ("always_nodes", "failure_nodes", "success_nodes")
# Options of modules that are no fields of an object.
_NO_FIELDS = ("name", "identifier", "wait", "update_secrets", "organization")


def steps(objects: Json, found: Json, owner: Json, made: Iterable[Any] = ()) -> list[dict[str, Any]]:
    """One step for each wanted object, in the order of `objects`, and for what is no longer wanted.

    `found` are the objects of the controller by endpoint. Its other keys: `needed` (ids of others' objects by endpoint
    and name), `surveys` (by id of the job template), `associations` (pairs of id and name, by path), `holders` (ids of
    roles by "team NAME" or "user NAME"); `removals` needs `users` (templates and nodes of others that use the role's
    objects, by endpoint) and `members` (pairs of endpoint and object, of the organization and of the credential type).
    `owner` is the record of the role's objects: organization, prefix and stage; without it there is no record.
    `made` are registered results of tasks that made objects since then. A name whose id is not known stays a name.
    """
    ids = _ids(found, made)
    result: list[dict[str, Any]] = []
    for kind, wanted in objects.items():
        if kind == "roles":
            result += _rights(wanted, found)
        else:
            result += [_Comparison(kind, resource, found, ids, owner).step() for resource in wanted]
    for kind in ("hosts", "schedules"):
        if kind in objects:
            kept = [(step[PARENTS[kind]], step["name"]) for step in result if step["kind"] == kind]
            result += [
                deletion(kind, resource, found, owner)
                for resource in found.get(kind, ())
                if is_owned(kind, resource, owner, found) and (resource[PARENTS[kind]], resource["name"]) not in kept
            ]
    return result


def _ids(found: Json, made: Iterable[Any]) -> dict[str, dict[str, int]]:
    """The ids of objects by endpoint and name. The role's own objects come before those of others."""
    kinds = {*REFERENCES.values(), *_LISTS.values()}
    ids: dict[str, dict[str, int]] = {kind: dict(found.get("needed", {}).get(kind, {})) for kind in kinds}
    for kind in kinds:
        ids[kind].update((resource["name"], resource["id"]) for resource in found.get(kind, ()))
    for results in made:
        for result in (results or {}).get("results", ()):
            step = result.get("controller_step", {})
            if "id" in result and step.get("kind") in ids:
                ids[step["kind"]][step["name"]] = result["id"]
    return ids


class _Comparison:
    """A wanted object, and the object of the same name and place on the controller, if there is one."""

    def __init__(self, kind: str, wanted: Json, found: Json, ids: Mapping[str, Mapping[str, int]], owner: Json) -> None:
        self._kind, self._wanted, self._found, self._ids, self._owner = kind, wanted, found, ids, owner
        # YAML makes a number of a name such as 2024.
        self._name = str(wanted["identifier"] if "identifier" in wanted else wanted["name"])
        # The options of the module.
        self._args: dict[str, Any] = {
            field: ids[REFERENCES[field]].get(value, value) if field in REFERENCES else value
            for field, value in wanted.items()
            # They hold secrets, and Ansible shows steps.
            if not (kind == "credentials" and field == "inputs")
        }
        self._stored = _stored(kind, self._name, self._args, found)
        self._record = record_of(self._stored or {})
        self._new_record: dict[str, Any] = {**owner, "name": self._name}
        self._removed: list[str] = []

    def step(self) -> dict[str, Any]:
        """The step that makes the object as it is wanted; its action is "none" if it is so already."""
        self._merge_lists()
        self._merge_links()
        self._merge_variables()
        self._merge_survey()
        self._describe()
        differing = self._differing()
        if self._stored and "variables" not in differing:
            # The text that somebody has edited stays as it is.
            self._args.pop("variables", None)
        parent = PARENTS.get(self._kind)
        action = "create" if self._stored is None else "update" if differing else "none"
        line = f"{action} {label(self._kind)} {self._name!r}"
        line += f" of {place(self._kind, self._args, self._found)}" if parent else ""
        line += f": {', '.join(differing)}" if differing else ""
        return {
            "kind": self._kind,
            "name": self._name,
            "action": action,
            "args": self._args,
            "taken": why_taken(self._kind, self._stored, self._owner, self._found) if self._stored else "",
            "line": f"{line}; remove {', '.join(self._removed)}" if self._removed else line,
            **({parent: self._args[parent]} if parent else {}),
        }

    def _current(self, field: str) -> Any:
        """The value of a field in the form of the option; None if there is no object."""
        stored, found = self._stored, self._found
        if stored is None:
            return None
        if field == "credentials":
            return [credential["id"] for credential in stored.get("summary_fields", {}).get("credentials", ())]
        if field in _LISTS:
            return [id_ for id_, _name in found.get("associations", {}).get(f"{self._kind}/{stored['id']}/{field}", ())]
        if field in _LINKS:
            workflow = stored["workflow_job_template"]
            nodes = [node for node in found.get(self._kind, ()) if node["workflow_job_template"] == workflow]
            return [node["identifier"] for node in nodes if node["id"] in (stored.get(field) or ())]
        if field == "survey_spec":
            return found.get("surveys", {}).get(str(stored["id"]))
        if field == "variables":
            return _variables(stored)
        if field == "approval_node":
            approvals = found.get("workflow_approval_templates", {})
            approval = approvals.get(str(stored.get("unified_job_template")), {})
            return {name: approval.get(name) for name in ("name", "description", "timeout")}
        return stored.get(field)

    def _merge_lists(self) -> None:
        """What others have added stays; what the role has added and no longer lists goes."""
        for field, of in _LISTS.items():
            if field in self._wanted:
                current, recorded = self._current(field) or [], self._record.get(field, [])
                wanted = [self._ids[of].get(name, name) for name in self._wanted[field]]
                added = [id_ for id_ in current if id_ not in wanted and id_ not in recorded]
                self._args[field] = [*wanted, *added]
                names = names_of(self._found, _LISTS.values())[of]
                unlisted = [id_ for id_ in current if id_ in recorded and id_ not in wanted]
                self._removed += [f"{label(of)} {names.get(id_, id_)!r}" for id_ in unlisted]
                self._new_record[field] = wanted

    def _merge_links(self) -> None:
        """What others have linked stays."""
        for field in _LINKS:
            if field in self._wanted:
                wanted = self._wanted[field]
                self._args[field] = [*wanted, *(name for name in self._current(field) or () if name not in wanted)]

    def _merge_variables(self) -> None:
        recorded = self._record.get("variables", [])
        if "variables" in self._wanted or "variables" in self._record:
            current, given = _variables(self._stored), self._wanted.get("variables") or {}
            self._args["variables"] = {name: current[name] for name in current if name not in recorded} | given
            self._removed += [f"variable {name}" for name in current if name in recorded and name not in given]
            self._new_record["variables"] = sorted(given)

    def _merge_survey(self) -> None:
        spec = self._wanted.get("survey_spec")
        if not spec:
            return
        asked = {question["variable"] for question in spec["spec"]}
        current = (self._current("survey_spec") or {}).get("spec", [])
        unlisted = [question for question in current if question["variable"] not in asked]
        added = [question for question in unlisted if not question["variable"].startswith(OWN_QUESTION)]
        self._removed += [f"question {question['variable']}" for question in unlisted if question not in added]
        self._args["survey_spec"] = {**spec, "spec": [*spec["spec"], *added]}

    def _describe(self) -> None:
        """Add the record to the description."""
        if "access" in self._wanted:
            self._new_record["rights"] = rights_of(self._wanted["access"])
            del self._args["access"]
        if self._owner and "description" in self._wanted:
            self._args["description"] = f"{self._wanted['description']}\n{record_line(self._new_record)}"
        kind, stored = self._kind, self._stored
        if stored and kind not in EXCLUSIVE and not is_owned(kind, stored, self._owner, self._found):
            # Somebody else made it, so its description stays.
            self._args.pop("description", None)

    def _differing(self) -> list[str]:
        if self._stored is None:
            return []
        result = []
        for field, value in self._args.items():
            if field in _NO_FIELDS or (field == "survey_spec" and not value):
                continue
            current = self._current(field)
            if field in _LISTS or field in _LINKS:
                same = sorted(map(str, current or ())) == sorted(map(str, value))
            else:
                same = _as_texts(value) == _as_texts(current)
            if not same:
                result.append(field)
        inputs_differ = self._kind == "credentials" and _inputs_differ(self._stored, self._wanted)
        return [*result, "inputs"] if inputs_differ else result


def _stored(kind: str, name: str, args: Json, found: Json) -> Json | None:
    parent = PARENTS.get(kind)
    for resource in found.get(kind, ()):
        named = resource.get("identifier" if "identifier" in args else "name")
        if name == named and (parent is None or resource[parent] == args[parent]):
            return dict(resource)
    return None


def _as_texts(value: Any) -> Any:
    """A value with every scalar as text: before ansible-core 2.19, a template makes texts of numbers."""
    if isinstance(value, Mapping):
        return {str(key): _as_texts(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_texts(inner) for inner in value]
    return "" if value is None else str(value)


def _variables(stored: Json | None) -> dict[str, Any]:
    read = yaml.safe_load(str((stored or {}).get("variables") or "")) or {}
    return dict(read) if isinstance(read, Mapping) else {}


def _inputs_differ(stored: Json, wanted: Json) -> bool:
    """Compare the inputs of a credential. A controller does not show secrets."""
    current, given = stored.get("inputs") or {}, wanted["inputs"]
    if wanted.get("update_secrets") or set(current) != set(given):
        return True
    return any(current[name] not in (ENCRYPTED, value) for name, value in given.items())


def rights_of(access: Json | None) -> list[str]:
    """The rights on a stage, each as a line such as "launch team Analysts"."""
    return [
        f"{right} {kind} {holder}"
        for right, holders in sorted((access or {}).items())
        for kind in ("team", "user")
        for names in [(holders or {}).get(f"{kind}s") or ()]
        for holder in ([names] if isinstance(names, str) else names)
    ]


def _rights(wanted: Json, found: Json) -> list[dict[str, Any]]:
    """The steps that revoke and grant rights: options of the module `role`, each for one team or user."""
    grants, names = wanted["grants"], wanted["names"]
    inventory = _stored("inventories", names["inventory"], {}, found) or {}
    now = _single_grants(rights_of(wanted["access"]), grants, names)
    before = _single_grants(record_of(inventory).get("rights", []), grants, names)
    changes = [("revoke", grant) for grant in before if grant not in now and _is_held(grant, found)]
    changes += [("grant", grant) for grant in now if not _is_held(grant, found)]
    result: dict[tuple[str, str, str], dict[str, Any]] = {}
    for action, (holder, role, option, name) in changes:
        kind, _space, who = holder.partition(" ")
        step = result.setdefault(
            (action, holder, role),
            {
                "kind": "roles",
                "name": f"{role} of {holder}",
                "action": action,
                "args": {"role": role, f"{kind}s": [who], "state": "present" if action == "grant" else "absent"},
                "taken": "",
                "line": f"{action} the role {role} of {holder}",
            },
        )
        step["args"].setdefault(option, []).append(name)
    for step in result.values():
        objects = [
            name for option in ("inventories", "job_templates", "workflows") for name in step["args"].get(option, ())
        ]
        step["line"] += f" on {', '.join(map(repr, objects))}"
    return list(result.values())


def _single_grants(rights: Iterable[str], grants: Json, names: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    """Holder, role, option and name of the object of every role that makes up these rights."""
    result = []
    for line in rights:
        right, _space, holder = line.partition(" ")
        for grant in grants.get(right, ()):
            objects = [("job_templates", names[key]) for key in grant.get("job_templates", ())]
            objects += [("workflows", names["workflow"])] if grant.get("workflow") else []
            objects += [("inventories", names["inventory"])] if grant.get("inventory") else []
            result += [(holder, grant["role"], option, name) for option, name in objects]
    return list(dict.fromkeys(result))


def _is_held(grant: tuple[str, str, str, str], found: Json) -> bool:
    holder, role, option, name = grant
    kind = "workflow_job_templates" if option == "workflows" else option
    stored = _stored(kind, name, {}, found) or {}
    id_ = stored.get("summary_fields", {}).get("object_roles", {}).get(f"{role}_role", {}).get("id")
    return id_ is not None and id_ in found.get("holders", {}).get(holder, ())
