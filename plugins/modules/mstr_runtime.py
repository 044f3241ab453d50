#!/usr/bin/python
# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mstr_runtime
short_description: Manage a Python runtime of a Strategy (MicroStrategy) Library server
version_added: 1.0.0
description:
  - Creates, updates or deletes one runtime. A runtime is a named object that defines which networks a Python script may
    reach on the server, which packages it has, how much CPU and memory it may use, and how long it may run.
  - The task changes only what differs. Order and notation of networks and packages do not matter. After a write, it
    reads the runtime again, and warns if the server stored something different.
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
  - mstr.library.projects
  - mstr.library.plan
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: mstr.library.mstr_runtimes
  - module: mstr.library.mstr_runtime_info
  - ref: ansible_collections.mstr.library.docsite.guide_life_of_a_runtime
    description: How to create, change and delete a runtime, step by step.
"""

EXAMPLES = r"""
- name: Create the runtime
  mstr.library.mstr_runtime:
    base_url: https://mstr.example.com/MicroStrategyLibrary
    username: administrator
    password: "{{ mstr_password }}"
    name: Nightly reports
    whitelist: [10.10.10.0/24, 192.168.1.1]
    packages:
      - name: pandas
      - name: requests
        version: "2.32.3"
    resource:
      cpu: 0.2
      mem: 512
    exec_timeout: 600

# In the next examples, the environment variables MSTR_BASE_URL, MSTR_USERNAME and MSTR_PASSWORD set the connection.

- name: Raise the memory, with a comment in the server's change journal
  mstr.library.mstr_runtime:
    name: Nightly reports
    resource:
      mem: 1024
    journal_comment: The figures of 2026 need more
  register: reports

- name: Rename the runtime
  mstr.library.mstr_runtime:
    id: "{{ reports.id }}"
    name: Nightly reports of sales
  when: reports.id is not none # in check mode, a runtime that does not exist yet has no id

- name: Delete the runtime, unless a script uses it
  mstr.library.mstr_runtime:
    name: Nightly reports of sales
    state: absent
"""

RETURN = r"""
msg:
  description: In one line, what was done, would be done in check mode, or failed.
  returned: always
  type: str
  sample: "Updated runtime 'Nightly reports': resource."
id:
  description: The id of the runtime. Null if it does not exist.
  returned: always
  type: str
action:
  description: What was done, or would be done in check mode.
  returned: always
  type: str
  choices: [none, created, updated, deleted, unknown]
  sample: updated
exempted:
  description: The violations that O(policy.exemptions) let pass, as RV(mstr.library.mstr_runtime_info#module:exempted).
  returned: when O(policy) is set and the task has compared the runtime with its definition
  type: list
  elements: dict
plan_id:
  description: The id of what the task changed, or would change, as in RV(mstr.library.mstr_runtimes#module:plan_id).
  returned: when the task has compared the server with the definitions
  type: str
  sample: 5e2f0c1a9b7d4e6f8a0b1c2d
changed_fields:
  description: The options that differed, or that were sent for a create. Empty for a delete.
  returned: always
  type: list
  elements: str
  sample: [resource]
changes:
  description:
    - Each of RV(changed_fields) with its value before and after, which is what was requested with what stays. For a
      create, C(before) is null.
  returned: always
  type: list
  elements: dict
  sample:
    - field: resource
      before: {cpu: 0.2, mem: 512}
      after: {cpu: 0.2, mem: 1024}
runtime:
  description:
    - The runtime as it is after the task, or would be in check mode. For a delete, as it was. Null if it does not
      exist. A field that the server does not return is null.
  returned: always
  type: dict
  contains:
    id:
      description: The id of the runtime.
      type: str
    packages:
      description: As O(packages), with the C(status) and the C(message) of the server about each.
      type: list
      elements: dict
    status:
      description: The status of the runtime, such as V(ready) or V(error).
      type: str
    date_created:
      description: When the runtime was created, in UTC, such as C(2026-11-25T07:29:00Z).
      type: str
    date_modified:
      description: When the runtime was last changed, in UTC.
      type: str
    version:
      description: The id of this state, a new one with each change.
      type: str
    owner:
      description: The owner, with C(id) and C(name).
      type: dict
    acl:
      description: The permissions on the runtime.
      type: list
      elements: dict
    acg:
      description: The permissions of the user, as a number.
      type: int
    is_default:
      description: Whether this is the built-in default runtime.
      type: bool
    # `make generate` writes the keys below.
    name:
      description: As O(name).
      type: str
    description:
      description: As O(description).
      type: str
    whitelist:
      description: As O(whitelist).
      type: list
      elements: str
    resource:
      description: As O(resource).
      type: dict
    exec_timeout:
      description: As O(exec_timeout).
      type: int
    min_cached_instances:
      description: As O(min_cached_instances).
      type: int
    max_cached_instances:
      description: As O(max_cached_instances).
      type: int
    runtime_version:
      description: As O(runtime_version).
      type: str
    others:
      description: As O(others).
      type: str
    execution_target:
      description: As O(execution_target).
      type: str
diff:
  description: The managed options before and after the change. One side is empty for a create or a delete.
  returned: with C(--diff)
  type: dict
error:
  description:
    - The request that failed, and the server's response to it, with null for what is not known. Null if the task failed
      without a request. C(ticket_id) is for the vendor's support.
  returned: on failure
  type: dict
  sample:
    http_status: 403
    code: ERR0014
    message: The user does not have the required privilege.
    iserver_code: -2147214568
    ticket_id: b9a4cf5ad4a64cda9e4ad0be4d2f7e6c
    request: POST /api/runtimes
"""

from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._model.definition import DEFINITION_OPTIONS
from ansible_collections.mstr.library.plugins.module_utils._work.inputs import TASK_OPTIONS, inputs_for_one, libraries
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import ensure_one


def main() -> None:
    """Entry point."""
    auth.run(
        auth.argument_spec(**DEFINITION_OPTIONS, **TASK_OPTIONS),
        ensure_one,
        prepare=inputs_for_one,
        requires=lambda params: libraries(params["policy"]),
    )


if __name__ == "__main__":
    main()
