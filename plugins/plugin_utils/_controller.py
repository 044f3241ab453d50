# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares the objects that the role mstr.library.controller wants with those that a controller has.

The wanted objects are in the form of roles/controller/vars/main/objects.yml: the options of the modules of awx.awx, by
the endpoint of their API, with names of other objects. The objects of a controller are in the form of its API. A step
says what to do with one object.

The role records what it made in the last line of an object's description, as JSON. An object without this record, and
whatever others have added to an object that has it, stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

RECORD = "mstr.library.controller: "
ENCRYPTED = "$encrypted$"
# Questions of a survey whose variable begins with this are the role's.
OWN_QUESTION = "mstr_survey_"
# The record of an object that all prefixes share.
SHARED = {"shared": True}

# Options that name one object, and the endpoint of that object.
_REFERENCES = {
    "credential": "credentials",
    "credential_type": "credential_types",
    "execution_environment": "execution_environments",
    "inventory": "inventories",
    "organization": "organizations",
    "project": "projects",
    "unified_job_template": "job_templates",
    "workflow_job_template": "workflow_job_templates",
}
# Options that name several objects. Others may add to them.
_LISTS = {
    "credentials": "credentials",
    "notification_templates_approvals": "notification_templates",
    "notification_templates_error": "notification_templates",
}
_LINKS = ("always_nodes", "failure_nodes", "success_nodes")
# Objects whose name is unique only within another one.
_PARENTS = {
    "groups": "inventory",
    "hosts": "inventory",
    "schedules": "unified_job_template",
    "workflow_job_template_nodes": "workflow_job_template",
}
# What a controller deletes with an object, of what others can add.
_PARTS = {
    "inventories": ("hosts", "groups"),
    "job_templates": ("schedules",),
    "projects": ("schedules",),
    "workflow_job_templates": ("schedules",),
}
# The objects that a stage has of its own, in the order in which they can be deleted.
_STAGE_KINDS = ("workflow_job_templates", "job_templates", "inventories", "credentials")
# A name in use is refused for these; the role makes no record in a host or a schedule that somebody else made.
_EXCLUSIVE = (*_STAGE_KINDS, "projects", "execution_environments")
_LABELS = {
    "credential_types": "credential type",
    "execution_environments": "execution environment",
    "inventories": "inventory",
    "roles": "right",
    "workflow_job_template_nodes": "workflow node",
    "workflow_job_templates": "workflow",
}
# Options of modules that are no fields of an object.
_NO_FIELDS = ("name", "identifier", "wait", "update_secrets", "organization")


def record_of(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the role has recorded in an object, empty for an object that it did not make."""
    _before, found, text = str(stored.get("description") or "").rpartition(RECORD)
    try:
        record = json.loads(text) if found else {}
    except ValueError:
        record = {}
    return record if isinstance(record, dict) else {}


def steps(
    objects: Mapping[str, Any], found: Mapping[str, Any], owner: Mapping[str, Any], made: Iterable[Any] = ()
) -> list[dict[str, Any]]:
    """Return one step for each wanted object, in the order of `objects`, and for what is no longer wanted.

    `found` are the objects of the controller by endpoint. Its other keys: `needed` (ids of others' objects by endpoint
    and name), `surveys` (by id of the job template), `associations` (ids by path), `holders` (ids of roles by "team
    NAME" or "user NAME"). `owner` is the record of the role's objects: prefix and stage; without it there is no record.
    `made` are registered results of tasks that made objects since then. A name whose id is not known stays a name.
    """
    ids = _ids(found, made)
    result = []
    for kind, wanted in objects.items():
        if kind == "roles":
            result += _rights(wanted, found)
        else:
            result += [_step(kind, each, found, ids, owner) for each in wanted]
    for kind in ("hosts", "schedules"):
        if kind in objects:
            kept = [(each[_PARENTS[kind]], each["name"]) for each in result if each["kind"] == kind]
            result += [
                _deletion(kind, thing, found)
                for thing in found.get(kind, ())
                if _is_owned(thing, owner) and (thing[_PARENTS[kind]], thing["name"]) not in kept
            ]
    return result


def removals(found: Mapping[str, Any], prefix: str, stages: Iterable[str]) -> list[dict[str, Any]]:
    """Return the steps that delete the stages of a prefix that are not among `stages`.

    Without any stage, the objects that they share are deleted, too.
    """
    kept = set(map(str, stages))
    deleted = [
        (kind, thing)
        for kind in _STAGE_KINDS
        for thing in found.get(kind, ())
        for record in [record_of(thing)]
        if record.get("prefix") == prefix and "stage" in record and record["stage"] not in kept
    ]
    if not kept:
        organizations = [thing["id"] for thing in found.get("organizations", ())]
        deleted += [
            (kind, thing)
            for kind in ("projects", "execution_environments", "credential_types", "organizations")
            for thing in found.get(kind, ())
            if record_of(thing) in ({"prefix": prefix}, SHARED) and thing.get("organization") in (None, *organizations)
        ]
    return [_deletion(kind, thing, found) for kind, thing in deleted]


def _ids(found: Mapping[str, Any], made: Iterable[Any]) -> dict[str, dict[str, int]]:
    """Return the ids of objects by endpoint and name. The role's own objects come before those of others."""
    kinds = {*_REFERENCES.values(), *_LISTS.values()}
    ids: dict[str, dict[str, int]] = {kind: dict(found.get("needed", {}).get(kind, {})) for kind in kinds}
    for kind in kinds:
        ids[kind].update((thing["name"], thing["id"]) for thing in found.get(kind, ()))
    for results in made:
        for one in (results or {}).get("results", ()):
            step = one.get("controller_step", {})
            if "id" in one and step.get("kind") in ids:
                ids[step["kind"]][step["name"]] = one["id"]
    return ids


def _is_owned(stored: Mapping[str, Any], owner: Mapping[str, Any]) -> bool:
    record = record_of(stored)
    return bool(record) and all(record.get(name) == value for name, value in owner.items())


def _step(
    kind: str,
    wanted: Mapping[str, Any],
    found: Mapping[str, Any],
    ids: Mapping[str, Mapping[str, int]],
    owner: Mapping[str, Any],
) -> dict[str, Any]:
    # YAML makes a number of a name such as 2024.
    name = str(wanted["identifier"] if "identifier" in wanted else wanted["name"])
    args = {
        field: ids[_REFERENCES[field]].get(value, value) if field in _REFERENCES else value
        for field, value in wanted.items()
        # They hold secrets, and Ansible shows steps.
        if not (kind == "credentials" and field == "inputs")
    }
    stored = _stored(kind, name, args, found)
    record = record_of(stored) if stored else {}
    own: dict[str, Any] = dict(owner)
    dropped: list[str] = []
    # The values to compare with those of the object.
    values = {field: value for field, value in args.items() if field not in _NO_FIELDS}
    for field, of in _LISTS.items():
        if field in wanted:
            here = _current(kind, field, stored, found) if stored else []
            before = record.get(field, [])
            mine = [ids[of].get(each, each) for each in wanted[field]]
            args[field] = values[field] = [*mine, *(each for each in here if each not in mine and each not in before)]
            dropped += [f"{field} {each}" for each in here if each in before and each not in mine]
            own[field] = mine
    for field in _LINKS:
        if field in wanted:
            nodes = {
                node["identifier"]: node["id"]
                for node in found.get(kind, ())
                if stored and node["workflow_job_template"] == stored["workflow_job_template"]
            }
            here = list(stored.get(field, ())) if stored else []
            mine = [nodes.get(each) for each in wanted[field]]
            values[field] = [*mine, *(each for each in here if each not in mine)]
            args[field] = [*wanted[field], *(each for each, id_ in nodes.items() if id_ in here and id_ not in mine)]
    if "variables" in wanted or "variables" in record:
        here, given = _variables(stored), wanted.get("variables") or {}
        before = record.get("variables", [])
        args["variables"] = values["variables"] = {k: v for k, v in here.items() if k not in before} | given
        dropped += [f"variable {key}" for key in here if key in before and key not in given]
        own["variables"] = sorted(given)
    if not wanted.get("survey_spec"):
        values.pop("survey_spec", None)
    else:
        spec = wanted["survey_spec"]
        asked = {question["variable"] for question in spec["spec"]}
        here = (_current(kind, "survey_spec", stored, found) or {}).get("spec", []) if stored else []
        others = [each for each in here if each["variable"] not in asked]
        kept = [each for each in others if not each["variable"].startswith(OWN_QUESTION)]
        dropped += [f"question {each['variable']}" for each in others if each not in kept]
        args["survey_spec"] = values["survey_spec"] = {**spec, "spec": [*spec["spec"], *kept]}
    if "access" in wanted:
        own["rights"] = rights_of(wanted["access"])
        del args["access"], values["access"]
    if owner and "description" in wanted:
        text = json.dumps(own, sort_keys=True, ensure_ascii=False)
        args["description"] = values["description"] = f"{wanted['description']}\n{RECORD}{text}"
    if stored and kind not in _EXCLUSIVE and not _is_owned(stored, owner):
        # Somebody else made it, so its description stays.
        values.pop("description", None)
        args.pop("description", None)
    differing = [] if stored is None else _differing(kind, values, stored, found)
    if stored and kind == "credentials" and _inputs_differ(stored, wanted):
        differing.append("inputs")
    if "variables" not in differing and stored:
        # The text that somebody has edited stays as it is.
        args.pop("variables", None)
    parent = _PARENTS.get(kind)
    step = {
        "kind": kind,
        "name": name,
        "action": "create" if stored is None else "update" if differing else "none",
        "args": args,
        "taken": _taken(kind, name, stored, owner) if stored else "",
        **({parent: args[parent]} if parent else {}),
    }
    line = f"{step['action']} {_label(kind)} {name!r}" + (f": {', '.join(differing)}" if differing else "")
    return {**step, "line": f"{line}; remove {', '.join(dropped)}" if dropped else line}


def _stored(kind: str, name: str, args: Mapping[str, Any], found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    parent = _PARENTS.get(kind)
    for thing in found.get(kind, ()):
        named = thing.get("identifier" if "identifier" in args else "name")
        if name == named and (parent is None or thing[parent] == args[parent]):
            return dict(thing)
    return None


def _current(kind: str, field: str, stored: Mapping[str, Any], found: Mapping[str, Any]) -> Any:
    """Return the value of a field in the form of the option."""
    if field == "credentials":
        return [each["id"] for each in stored.get("summary_fields", {}).get("credentials", ())]
    if field in _LISTS:
        return list(found.get("associations", {}).get(f"{kind}/{stored['id']}/{field}", ()))
    if field == "survey_spec":
        return found.get("surveys", {}).get(str(stored["id"]))
    if field == "variables":
        return _variables(stored)
    if field == "approval_node":
        approvals = found.get("workflow_approval_templates", {})
        approval = approvals.get(str(stored.get("unified_job_template")), {})
        return {name: approval.get(name) for name in ("name", "description", "timeout")}
    return stored.get(field)


def _differing(kind: str, values: Mapping[str, Any], stored: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    result = []
    for field, value in values.items():
        current = _current(kind, field, stored, found)
        if field in _LISTS or field in _LINKS:
            same = sorted(map(str, current or ())) == sorted(map(str, value))
        else:
            same = _plain(value) == _plain(current)
        if not same:
            result.append(field)
    return result


def _plain(value: Any) -> Any:
    """Return a value with every scalar as text: before ansible-core 2.19, a template makes texts of numbers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return "" if value is None else str(value)


def _variables(stored: Mapping[str, Any] | None) -> dict[str, Any]:
    read = yaml.safe_load(str((stored or {}).get("variables") or "")) or {}
    return dict(read) if isinstance(read, Mapping) else {}


def _inputs_differ(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Compare the inputs of a credential. A controller does not show secrets."""
    here, there = stored.get("inputs") or {}, wanted["inputs"]
    if wanted.get("update_secrets") or set(here) != set(there):
        return True
    return any(here[name] not in (ENCRYPTED, value) for name, value in there.items())


def _taken(kind: str, name: str, stored: Mapping[str, Any], owner: Mapping[str, Any]) -> str:
    """Return why an existing object cannot be used, empty if it can."""
    if kind not in _EXCLUSIVE or _is_owned(stored, owner):
        return ""
    record = record_of(stored)
    if record.get("stage"):
        whose = f"belongs to stage {record['stage']!r} of mstr_controller_prefix {record['prefix']!r}"
    else:
        whose = "was not made by this role"
    return f"the {_label(kind)} {name!r} {whose}"


def _deletion(kind: str, thing: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the step that deletes an object, whose line names what goes with it and was made by others."""
    lost = [
        f"{_label(part)} {each['name']!r}"
        for part in _PARTS.get(kind, ())
        for each in found.get(part, ())
        if each[_PARENTS[part]] == thing["id"] and not record_of(each)
    ]
    line = f"remove {_label(kind)} {thing['name']!r}" + (f", and with it {', '.join(lost)}" if lost else "")
    if kind == "organizations":
        line += ", if nothing of others is in it"
    parent = _PARENTS.get(kind)
    return {
        "kind": kind,
        "name": thing["name"],
        "id": thing["id"],
        "action": "delete",
        "line": line,
        **({parent: thing[parent]} if parent else {}),
    }


def rights_of(access: Mapping[str, Any] | None) -> list[str]:
    """Return the rights on a stage, each as a line such as "launch team Analysts"."""
    return [
        f"{right} {kind} {holder}"
        for right, holders in sorted((access or {}).items())
        for kind in ("team", "user")
        for names in [(holders or {}).get(f"{kind}s") or ()]
        for holder in ([names] if isinstance(names, str) else names)
    ]


def _rights(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the steps that revoke and grant rights: options of the module `role`, each for one team or user."""
    grants, names = wanted["grants"], wanted["names"]
    workflow = _stored("workflow_job_templates", names["workflow"], {}, found) or {}
    now = _single_grants(rights_of(wanted["access"]), grants, names)
    before = _single_grants(record_of(workflow).get("rights", []), grants, names)
    changes = [("revoke", each) for each in before if each not in now and _is_held(each, found)]
    changes += [("grant", each) for each in now if not _is_held(each, found)]
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
    return list(result.values())


def _single_grants(
    rights: Iterable[str], grants: Mapping[str, Any], names: Mapping[str, str]
) -> list[tuple[str, str, str, str]]:
    """Return holder, role, option and name of the object of every role that makes up these rights."""
    result = []
    for line in rights:
        right, _space, holder = line.partition(" ")
        for grant in grants.get(right, ()):
            objects = [("job_templates", names[key]) for key in grant.get("job_templates", ())]
            objects += [("workflows", names["workflow"])] if grant.get("workflow") else []
            objects += [("inventories", names["inventory"])] if grant.get("inventory") else []
            result += [(holder, grant["role"], option, name) for option, name in objects]
    return list(dict.fromkeys(result))


def _is_held(grant: tuple[str, str, str, str], found: Mapping[str, Any]) -> bool:
    holder, role, option, name = grant
    kind = "workflow_job_templates" if option == "workflows" else option
    stored = _stored(kind, name, {}, found) or {}
    id_ = stored.get("summary_fields", {}).get("object_roles", {}).get(f"{role}_role", {}).get("id")
    return id_ is not None and id_ in found.get("holders", {}).get(holder, ())


def _label(kind: str) -> str:
    return _LABELS.get(kind, kind[:-1].replace("_", " "))
