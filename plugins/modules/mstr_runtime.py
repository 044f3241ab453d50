#!/usr/bin/python
# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mstr_runtime
short_description: Manage a Python runtime of a MicroStrategy (Strategy) Library server
version_added: 0.1.0
description:
  - Creates the runtime when it is absent, changes only what differs, deletes it with O(state=absent), and says what it
    did. A runtime is the named object that says which networks a Python script may reach on the server, which packages
    it has, how much CPU and memory, and how long it may run.
  - Lists are compared as sets, networks as networks, package names in their normal form.
  - After a write the runtime is read again. Where the server stored something else than was asked, the task warns.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
  - mstr.library.runtime
  - mstr.library.wait
  - mstr.library.policy
  - mstr.library.protect
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
"""

EXAMPLES = r"""
- name: The runtime of the nightly reports is there, as described
  mstr.library.mstr_runtime:
    base_url: https://mstr.example.com/MicroStrategyLibrary
    username: administrator
    password: "{{ mstr_password }}"
    name: Nightly reports
    description: Loads the sales figures
    whitelist:
      - 10.10.10.0/24
      - 192.168.1.1
    packages:
      - name: pandas
      - name: requests
        version: "2.32.3"
    resource:
      cpu: 0.2
      mem: 512
    exec_timeout: 600
    min_cached_instances: 0
    max_cached_instances: 3

# The connection comes from the environment (MSTR_BASE_URL, MSTR_USERNAME, MSTR_PASSWORD) in the following examples.

- name: Scripts may reach one more network; the others stay
  mstr.library.mstr_runtime:
    name: Nightly reports
    whitelist:
      - 2001:db8:1::/48
    purge_whitelist: false

- name: More memory, and a note in the server's journal
  mstr.library.mstr_runtime:
    name: Nightly reports
    resource:
      mem: 1024
    journal_comment: The figures of 2026 need more
  register: reports

- name: A new name for the same runtime
  mstr.library.mstr_runtime:
    id: "{{ reports.id }}"
    name: Nightly reports of sales
  when: reports.id is not none # as in check mode, where none exists yet

- name: Delete the runtime, unless a script uses it
  mstr.library.mstr_runtime:
    name: Nightly reports of sales
    state: absent
    protect_used: true
"""

RETURN = r"""
msg:
  description: What was done, or would be done in check mode, in one line. After a failure, what failed.
  returned: always
  type: str
  sample: "Updated runtime 'Nightly reports': resource."
id:
  description: The id of the runtime; null where none exists yet, as in check mode before a create.
  returned: always
  type: str
  sample: 3B9A7C7E4D0F4E2A9B1C2D3E4F506172
action:
  description: What was done, or would be in check mode.
  returned: always
  type: str
  choices: [none, created, updated, deleted]
  sample: updated
changed_fields:
  description: The options that differed; for a create those that were sent, for a delete none.
  returned: always
  type: list
  elements: str
  sample: [resource]
changes:
  description:
    - Each field of RV(changed_fields) with its value before and after, with and without C(--diff).
      For a create, C(before) is null. For a delete, the list is empty.
  returned: always
  type: list
  elements: dict
  contains:
    field:
      description: The option.
      type: str
    before:
      description: The value on the server before the write.
      type: raw
    after:
      description: The value that was requested, merged with what was to stay.
      type: raw
  sample:
    - field: resource
      before: {cpu: 0.2, mem: 512}
      after: {cpu: 0.2, mem: 1024}
runtime:
  description:
    - The runtime as read after the write, as predicted in check mode, and as it was for a delete.
      Null where there is none. What the server never returned is null.
  returned: always
  type: dict
  sample:
    acg: 255
    acl: []
    date_created: "2026-11-25T07:29:53.000+0000"
    date_modified: "2026-11-25T07:29:53.000+0000"
    description: Loads the sales figures
    exec_timeout: 600
    execution_target: null
    id: 3B9A7C7E4D0F4E2A9B1C2D3E4F506172
    is_default: false
    max_cached_instances: 3
    min_cached_instances: 0
    name: Nightly reports
    others: ""
    owner:
      id: 54F3D26011D2896560009A8E67019608
      name: Administrator
    packages:
      - description: ""
        message: null
        name: pandas
        status: installing
        version: ""
    resource:
      cpu: 0.2
      disk: null
      mem: 1024
      proc_count: null
    runtime_version: "3.10.5"
    status: unknown
    version: 8F1C6F0E4B7A4C0D9C3E2A1B0F9E8D7C
    whitelist:
      - 10.10.10.0/24
      - 192.168.1.1/32
diff:
  description: The managed fields before and after, with C(--diff); empty before a create and after a delete.
  returned: with C(--diff)
  type: dict
  sample:
    before:
      resource:
        mem: 512
    after:
      resource:
        mem: 1024
error:
  description: What the server said, as far as known.
  returned: on failure
  type: dict
  contains:
    http_status:
      description: The HTTP status.
      type: int
      sample: 403
    code:
      description: The error code of the API.
      type: str
      sample: ERR0014
    message:
      description: The server's message.
      type: str
      sample: The user does not have the required privilege.
    iserver_code:
      description: The code of the Intelligence Server.
      type: int
      sample: -2147214568
    ticket_id:
      description: What the vendor's support asks for.
      type: str
      sample: b9a4cf5ad4a64cda9e4ad0be4d2f7e6c
    request:
      description: The call that failed.
      type: str
      sample: POST /api/runtimes
"""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._api import RuntimeApi
from ansible_collections.mstr.library.plugins.module_utils._apply import Writer
from ansible_collections.mstr.library.plugins.module_utils._definition import (
    DEFINITION_OPTIONS,
    Definition,
    from_params,
)
from ansible_collections.mstr.library.plugins.module_utils._errors import Faults
from ansible_collections.mstr.library.plugins.module_utils._networks import NETADDR_IMPORT_ERROR
from ansible_collections.mstr.library.plugins.module_utils._planner import Planner
from ansible_collections.mstr.library.plugins.module_utils._policy import POLICY_OPTION, Policy, policy_from
from ansible_collections.mstr.library.plugins.module_utils._usage import PROTECT_OPTION, check_unused
from ansible_collections.mstr.library.plugins.module_utils._wait import WAIT_OPTIONS, Waiter, Waiting, waiting_from

READERS = 4  # requests at a time that look for scripts


class Request(NamedTuple):
    """What the options ask for."""

    wanted: Definition
    policy: Policy | None
    waiting: Waiting | None


def prepare(params: Mapping[str, Any]) -> Request:
    """The options, checked. Raises ValidationError with all of their faults."""
    with Faults() as faults:
        policy = faults.check(policy_from, params["policy"])
        wanted = faults.check(from_params, params, policy)
        waiting = faults.check(waiting_from, params)
    return Request(wanted, policy, waiting)


def ensure(task: auth.Task, request: Request) -> Mapping[str, Any]:
    """Make the runtime as wanted, and report what was done."""
    api = RuntimeApi(task.library)
    planner = Planner(api, task.warn, request.policy)
    guard = partial(check_unused, task.library, workers=READERS) if task.params["protect_used"] else None
    writer = Writer(planner, task.warn, task.stop.pause, task.retries, task.check_mode, guard)
    outcome = writer.ensure(request.wanted)
    if request.waiting:
        outcome = Waiter(api, request.waiting, time.monotonic, task.stop.pause, 1, task.progress).wait_for(outcome)
    return outcome.to_result()


def main() -> None:
    """Entry point."""
    auth.run(
        auth.argument_spec(**DEFINITION_OPTIONS, **WAIT_OPTIONS, **POLICY_OPTION, **PROTECT_OPTION),
        ensure,
        prepare=prepare,
        requires={"netaddr": NETADDR_IMPORT_ERROR},
    )


if __name__ == "__main__":
    main()
