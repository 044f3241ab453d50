#!/usr/bin/python
# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mstr_runtimes
short_description: Manage many Python runtimes of a MicroStrategy (Strategy) Library server in one task
version_added: 0.1.0
description:
  - Creates, updates and deletes a whole list of runtimes on one session, each as M(mstr.library.mstr_runtime) does.
  - Everything is checked before the login. Then there is one list call, and single reads only where the list lacks a
    field that is needed, and of what is to be deleted. Creates and updates run side by side; deletes come last. With
    O(wait), the task waits for all runtimes at once, O(wait_timeout) is for all of them together, and the purge starts
    only when all are ready.
  - One entry's failure does not stop the others, but it cancels the purge. The task then fails, and its result still
    reports everything that was done. A second run does only what is left.
  - A rename to a name that another runtime has is refused, even if that one is renamed or deleted in the same task.
    Use two tasks.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
  - mstr.library.wait
  - mstr.library.policy
  - mstr.library.protect
options:
  runtimes:
    description:
      - The runtimes. Each entry takes the options of M(mstr.library.mstr_runtime) that define a runtime.
      - One of O(runtimes) and O(src) is required.
    type: list
    elements: dict
    suboptions:
      state:
        description:
          - V(present) creates the runtime or changes what differs, V(absent) deletes it.
          - The server's built-in default runtime is never deleted.
          - An entry with V(absent) takes only O(runtimes[].name), O(runtimes[].id) and O(runtimes[].journal_comment).
        type: str
        choices: [present, absent]
        default: present
      name:
        description:
          - The name. One of O(runtimes[].name) and O(runtimes[].id) is required. Names are compared with case.
          - With O(runtimes[].id) and O(runtimes[].state=present), this is the new name of the runtime. With
            O(runtimes[].id) and O(runtimes[].state=absent), O(runtimes[].id) decides.
          - If several runtimes have the name, the task fails and lists their ids.
          - A name that starts or ends with whitespace, or contains a control character, is refused. If a runtime exists
            whose name differs only in case or in surrounding whitespace, the task warns.
        type: str
      id:
        description:
          - The id, 32 hexadecimal digits in any case. With O(runtimes[].state=present), an unknown id is an error and
            creates nothing.
        type: str
      description:
        description: What the runtime is for.
        type: str
      whitelist:
        description:
          - The networks that scripts may reach, as CIDR blocks. A bare address is the block of that one address. Blanks
            around a block are ignored.
          - An empty list clears the whitelist. If omitted, the whitelist is left as it is.
          - It is not public whether an empty whitelist allows nothing or everything. Test it on your server before you
            clear one.
          - A block with host bits set, such as V(10.10.10.7/24), is refused, because it may allow more or less than you
            mean.
        type: list
        elements: str
      purge_whitelist:
        description:
          - Whether to remove blocks that O(runtimes[].whitelist) does not list. V(false) only adds what is missing.
        type: bool
        default: true
      packages:
        description:
          - The Python packages of the runtime. The server installs them after it has answered; see O(wait).
          - An empty list removes all packages. If omitted, the packages are left as they are.
          - Names are compared in their normalized form, so that C(mstrio_py) equals C(mstrio-py).
        type: list
        elements: dict
        suboptions:
          name:
            description: The name of the package.
            type: str
            required: true
          version:
            description:
              - The version, in quotes, because YAML reads an unquoted V(2.10) as the number 2.1. A number is refused.
              - If omitted or empty, any version will do, and a new package gets the newest.
            type: str
          description:
            description: What the package is for. Compared only if given.
            type: str
      purge_packages:
        description:
          - Whether to remove packages that O(runtimes[].packages) does not list. V(false) only adds what is missing.
        type: bool
        default: true
      resource:
        description: What a script may use. Only the given keys are compared.
        type: dict
        suboptions:
          cpu:
            description: CPU units. V(0.2) is a fifth of a core.
            type: float
          mem:
            description: Memory in MB.
            type: int
          disk:
            description: Disk, in the server's unit. Newer servers only.
            type: int
          proc_count:
            description: Number of processes. Newer servers only.
            type: int
      exec_timeout:
        description:
          - The longest time that a script may run, in seconds.
          - It is not public whether every server requires it for a new runtime. The vendor's own client always sends
            V(600).
        type: int
      min_cached_instances:
        description:
          - The smallest number of instances that the server keeps ready. At most O(runtimes[].max_cached_instances).
          - If the server does not return the number, it counts as 0.
        type: int
      max_cached_instances:
        description:
          - The largest number of instances that the server keeps ready.
          - If the server does not return the number, it counts as 0.
        type: int
      runtime_version:
        description:
          - The version of Python, such as V(3.10.5), in quotes, because YAML reads an unquoted V(3.10) as the number
            3.1. A number is refused, and so is an empty version.
          - If the server offers a list of its versions, the version must be in it. This is checked before anything is
            written.
        type: str
      others:
        description: Reserved by the vendor.
        type: str
      execution_target:
        description: Where scripts run. Newer servers only.
        type: str
      journal_comment:
        description:
          - A comment for the server's change journal. Sent with a change, never compared.
          - Servers older than 11.5.0300 may refuse it.
          - Replaces the O(journal_comment) of the task for this runtime.
        type: str
  src:
    description:
      - A YAML or JSON file where the module runs, with such a list, bare or under the key C(runtimes).
      - YAML needs PyYAML there.
    type: path
  purge:
    description:
      - Whether runtimes that are not listed are deleted. Never the server's default runtime. Nothing is purged when any
        entry fails.
      - An empty list together with this is refused.
    type: bool
    default: false
  purge_exclude:
    description: Names, or shell patterns of names, that the purge spares.
    type: list
    elements: str
    default: []
  purge_limit:
    description:
      - More purged runtimes than that refuse the whole task before any write, and are listed.
        An entry with C(state=absent) does not count.
    type: int
  concurrency:
    description: How many requests run at a time, V(1) to V(16).
    type: int
    default: 4
  journal_comment:
    description: A comment for the server's change journal, for each change of this task.
    type: str
requirements:
  - netaddr
  - PyYAML, for a YAML file as O(src)
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: The runtimes of this environment
  mstr.library.mstr_runtimes:
    runtimes:
      - name: Nightly reports
        whitelist: [10.10.10.0/24]
        packages:
          - name: pandas
      - name: Forecasts
        resource:
          cpu: 1
          mem: 2048
      - name: Trial of 2024
        state: absent

- name: Exactly the runtimes of a file, apart from those of the vendor; and never delete more than two
  mstr.library.mstr_runtimes:
    src: runtimes.yml
    purge: true
    purge_exclude:
      - "Strategy *"
    purge_limit: 2
    protect_used: true
    wait: true
"""

RETURN = r"""
msg:
  description:
    - How many runtimes were created, updated, deleted and left unchanged, in one line.
      In check mode, how many would be.
      After a failure, what failed.
  returned: always
  type: str
  sample: 1 created, 2 updated, 47 unchanged.
runtimes:
  description: An entry for each runtime given, in that order, and for each that was purged.
  returned: when the list of the server could be read
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
    id:
      description: The id; null where none exists yet.
      type: str
    action:
      description:
        - What was done, or would be in check mode. V(failed) only if nothing was done. An entry that was written and
          then failed keeps V(created) or V(updated) beside its RV(runtimes[].error).
      type: str
      choices: [none, created, updated, deleted, failed]
    changed_fields:
      description: The options that differed.
      type: list
      elements: str
    changes:
      description:
        - Each of these options with its value before and after, as C(changes) in M(mstr.library.mstr_runtime).
      type: list
      elements: dict
    runtime:
      description:
        - As in M(mstr.library.mstr_runtime). A field that the server's list leaves out is null, unless the task needed
          to read it.
      type: dict
    error:
      description: Why the entry failed, with the keys of C(error) in M(mstr.library.mstr_runtime) and C(msg); or null.
      type: dict
  sample:
    - name: Forecasts
      id: 3B9A7C7E4D0F4E2A9B1C2D3E4F506172
      action: updated
      changed_fields: [resource]
      changes:
        - field: resource
          before: {cpu: 1.0, mem: 1024}
          after: {cpu: 1.0, mem: 2048}
      runtime:
        acg: 255
        acl: []
        date_created: "2026-11-25T07:29:53.000+0000"
        date_modified: "2026-11-25T07:29:53.000+0000"
        description: ""
        exec_timeout: 600
        execution_target: null
        id: 3B9A7C7E4D0F4E2A9B1C2D3E4F506172
        is_default: false
        max_cached_instances: 3
        min_cached_instances: 0
        name: Forecasts
        others: ""
        owner:
          id: 54F3D26011D2896560009A8E67019608
          name: Administrator
        packages: []
        resource:
          cpu: 1.0
          disk: null
          mem: 2048
          proc_count: null
        runtime_version: "3.10.5"
        status: ready
        version: 8F1C6F0E4B7A4C0D9C3E2A1B0F9E8D7C
        whitelist: []
      error: null
summary:
  description:
    - How many were C(created), C(updated), C(deleted), C(unchanged) and C(failed). C(failed) counts the entries with an
      error, also those that were written.
  returned: when the list of the server could be read
  type: dict
  sample: {created: 0, deleted: 1, failed: 0, unchanged: 1, updated: 1}
diff:
  description:
    - A difference for each runtime that changes, with C(before), C(after) and headers that name it. For a runtime that
      is deleted, it shows the whole definition.
  returned: with C(--diff)
  type: list
  elements: dict
  sample:
    - before_header: runtime 'Forecasts' (3B9A7C7E4D0F4E2A9B1C2D3E4F506172)
      after_header: runtime 'Forecasts' (3B9A7C7E4D0F4E2A9B1C2D3E4F506172)
      before:
        resource:
          mem: 1024
      after:
        resource:
          mem: 2048
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._api import RuntimeApi
from ansible_collections.mstr.library.plugins.module_utils._apply import Writer
from ansible_collections.mstr.library.plugins.module_utils._bulk import Bulk, Purge
from ansible_collections.mstr.library.plugins.module_utils._concurrency import CONCURRENCY_OPTION, check_concurrency
from ansible_collections.mstr.library.plugins.module_utils._definition import (
    DEFINITION_OPTIONS,
    Definition,
    from_params,
)
from ansible_collections.mstr.library.plugins.module_utils._entry import duplicate_faults
from ansible_collections.mstr.library.plugins.module_utils._errors import Faults, ValidationError
from ansible_collections.mstr.library.plugins.module_utils._errors import clean as shortened
from ansible_collections.mstr.library.plugins.module_utils._networks import NETADDR_IMPORT_ERROR
from ansible_collections.mstr.library.plugins.module_utils._planner import Planner
from ansible_collections.mstr.library.plugins.module_utils._policy import POLICY_OPTION, Policy, policy_from
from ansible_collections.mstr.library.plugins.module_utils._src import mistyped, read_definitions
from ansible_collections.mstr.library.plugins.module_utils._usage import PROTECT_OPTION, check_unused
from ansible_collections.mstr.library.plugins.module_utils._wait import (
    WAIT_OPTIONS,
    Waiter,
    Waiting,
    waiting_from,
)


class Request(NamedTuple):
    """What the options ask for."""

    wanted: Sequence[Definition]
    policy: Policy | None
    waiting: Waiting | None


def prepare(params: Mapping[str, Any]) -> Request:
    """The options and every entry, checked. Raises ValidationError with all of their faults."""
    with Faults() as faults:
        policy = faults.check(policy_from, params["policy"])
        wanted = faults.check(definitions, params, policy)
        waiting = faults.check(waiting_from, params)
        faults.check(check_bounds, params)
    return Request(wanted, policy, waiting)


def check_bounds(params: Mapping[str, Any]) -> None:
    """Raises ValidationError for a number out of range."""
    with Faults() as faults:
        faults.check(check_concurrency, params)
        if params["purge_limit"] is not None and params["purge_limit"] < 0:
            faults.add(f"purge_limit must be at least 0, not {params['purge_limit']}")


def definitions(params: Mapping[str, Any], policy: Policy | None) -> list[Definition]:
    """The definitions of all entries. Raises ValidationError with the faults of all, each with index and name."""
    from_file = params["src"] is not None
    given: Sequence[Any] | None = read_definitions(params["src"]) if from_file else params["runtimes"]
    if given is None:
        # AnsibleModule takes a null for an option that is given.
        raise ValidationError(["one of runtimes and src is required"])
    places = [labelled(index, entry) for index, entry in enumerate(given)]
    with Faults() as faults:
        if from_file:
            validator = ArgumentSpecValidator(DEFINITION_OPTIONS)
            given = [faults.check(typed, one, validator, place=place) for one, place in zip(given, places)]
        if params["purge"]:
            faults.check(check_purge, given)
        wanted = [
            faults.check(definition, one, params["journal_comment"], policy, place=place)
            for one, place in zip(given, places)
            if one is not None
        ]
        faults.add(*duplicate_faults(given))
    return wanted


def check_purge(given: Sequence[Mapping[str, Any] | None]) -> None:
    """Raises ValidationError where a purge would leave nothing: a list that names no runtime to keep is a mistake.

    An entry that is None was refused; what it would have kept is not known.
    """
    if all(entry is not None and entry.get("state") == "absent" for entry in given):
        raise ValidationError(
            [
                "purge would delete every runtime, as no entry has state: present; to delete all of them, list each "
                "with state: absent and leave out purge"
            ]
        )


def definition(entry: Mapping[str, Any], comment: str | None, policy: Policy | None) -> Definition:
    """The definition of one entry. Raises ValidationError."""
    with Faults() as faults:
        faults.add(*(f"{option} cannot be used with state: absent" for option in misplaced(entry)))
        return faults.check(from_params, {**entry, "journal_comment": entry.get("journal_comment") or comment}, policy)


def typed(entry: Any, validator: ArgumentSpecValidator) -> dict[str, Any]:
    """An entry of a file by the same option specs as those of the option. Raises ValidationError."""
    if not isinstance(entry, Mapping):
        raise ValidationError([f"expected a mapping of options, got {shortened(repr(entry), 60)}"])
    # YAML has keys of any type, over which the validator stumbles.
    strange = [key for key in keys_in(entry) if not isinstance(key, str)]
    if strange:
        raise ValidationError([f"{key!r} is not an option" for key in strange])
    wrong = list(mistyped(entry, {"options": DEFINITION_OPTIONS}))
    try:
        result = validator.validate(dict(entry))
    except OverflowError:  # of ansible-core 2.21, for an infinite number
        raise ValidationError(wrong) from None
    for error in result.errors.errors:
        if isinstance(error, UnsupportedError):
            wrong.append(f"Unsupported parameters: {error.msg}")
        elif not wrong:
            wrong.append(error.msg)
    if wrong:
        raise ValidationError(wrong)
    return dict(result.validated_parameters)


def labelled(index: int, entry: Any) -> str:
    """How sentences name an entry."""
    name = entry.get("name") if isinstance(entry, Mapping) else None
    return f"runtimes[{index}]{' ' + repr(name) if name and isinstance(name, str) else ''}"


def keys_in(value: Any) -> Iterator[Any]:
    """Every key of a mapping and of what it holds."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield key
            yield from keys_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from keys_in(one)


def misplaced(entry: Mapping[str, Any]) -> list[str]:
    """The options of an entry that is to be absent, which a deleted runtime cannot have."""
    if entry.get("state") != "absent":
        return []
    meant = ("state", "name", "id", "journal_comment")
    return [option for option, value in entry.items() if option not in meant and not (value is None or value is True)]


def ensure(task: auth.Task, request: Request) -> Mapping[str, Any]:
    """Make the runtimes as wanted, and report what was done."""
    api = RuntimeApi(task.library)
    params = task.params
    workers, pause = params["concurrency"], task.stop.pause
    planner = Planner(api, task.warn, request.policy)
    purge = Purge(
        params["purge"], tuple(params["purge_exclude"]), params["purge_limit"], params["journal_comment"] or None
    )
    guard = partial(check_unused, task.library, workers=workers) if params["protect_used"] else None
    bulk = Bulk(
        Writer(planner, task.warn, pause, task.retries, task.check_mode, guard),
        workers,
        purge,
        Waiter(api, request.waiting, time.monotonic, pause, workers, task.progress) if request.waiting else None,
        task.progress,
    )
    return bulk.ensure_all(request.wanted)


def main() -> None:
    """Entry point."""
    auth.run(
        auth.argument_spec(
            runtimes={"type": "list", "elements": "dict", "options": DEFINITION_OPTIONS},
            src={"type": "path"},
            purge={"type": "bool", "default": False},
            purge_exclude={"type": "list", "elements": "str", "default": []},
            purge_limit={"type": "int"},
            journal_comment={"type": "str"},
            **CONCURRENCY_OPTION,
            **WAIT_OPTIONS,
            **POLICY_OPTION,
            **PROTECT_OPTION,
        ),
        ensure,
        prepare=prepare,
        requires={"netaddr": NETADDR_IMPORT_ERROR},
        mutually_exclusive=[("runtimes", "src")],
        required_one_of=[("runtimes", "src")],
    )


if __name__ == "__main__":
    main()
