#!/usr/bin/python
# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mstr_runtimes
short_description: Manage many Python runtimes of a Strategy (MicroStrategy) Library server in one task
version_added: 1.0.0
description:
  - Creates, updates and deletes a list of runtimes with one login. A runtime is a named object that defines which
    networks a Python script may reach on the server, which packages it has, how much CPU and memory it may use, and how
    long it may run.
  - The task checks all options before the login. Then it reads the list of runtimes. It reads a single runtime only if
    it needs a field that the list does not contain, or if the runtime will be deleted.
  - The task sends creates and updates in parallel, up to O(concurrency) requests at a time, and reads these runtimes
    again. If the task has several entries, it also reads each runtime just before it updates it, so that it does not
    overwrite a change of somebody else. With O(wait), it then waits for all runtimes at the same time; O(wait_timeout)
    applies to all of them together. Last, it deletes the entries with C(state=absent), and then it purges.
  - Just before it deletes, the task reads the list of runtimes again. A runtime that has changed since the first list
    is not deleted, and its entry fails and says why. So does a runtime that a script has begun to use, with
    O(protect_used). Afterwards, the task checks that the deleted runtimes are gone.
  - If the list lacks the built-in default runtime of the server, it may be incomplete. The task then warns, reads the
    list again before it creates a runtime, and refuses a purge.
  - With O(scripts), the task also assigns saved scripts to runtimes, after these are created, updated and ready, and
    before it deletes any. A script that cannot be assigned spares the runtime that it uses, and cancels the purge.
  - If an entry fails, the task still processes the other entries, but does not purge. At the end it fails, and its
    result reports everything that was done. If you run it again, it does only what is left.
  - A runtime cannot be renamed to a name that a different runtime has, even if the same task renames or deletes that
    runtime. First rename or delete that runtime in a separate task. Only a backup, see O(src), is restored whatever
    was renamed meanwhile.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
  - mstr.library.definitions
  - mstr.library.wait
  - mstr.library.policy
  - mstr.library.protect
  - mstr.library.plan
options:
  concurrency:
    description: Maximum number of requests at the same time, from V(1) to V(16).
    type: int
    default: 4
  journal_comment:
    description:
      - A comment for the change journal of the server. The task sends it with each change, but never compares it.
      - Servers older than release 11.5.0300 may reject it.
      - An entry's O(runtimes[].journal_comment) replaces it for this runtime.
    type: str
requirements:
  - netaddr
  - PyYAML, only if O(src) is a YAML file
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
seealso:
  - module: mstr.library.mstr_runtime
  - module: mstr.library.mstr_runtime_info
  - plugin: mstr.library.runtime_definitions
    plugin_type: filter
  - ref: ansible_collections.mstr.library.docsite.guide_runtimes_as_code
    description: How to keep the runtimes of a server in a file, with the role P(mstr.library.runtimes#role).
  - ref: ansible_collections.mstr.library.docsite.guide_policy
    description: How to control which networks runtimes may reach.
"""

EXAMPLES = r"""
- name: Create, update and delete the listed runtimes
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

- name: Apply a file, and delete up to two runtimes that are neither in it nor from the vendor
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
    - In one line, how many runtimes were created, updated, deleted and left unchanged. In check mode, how many would
      be.
    - After a failure, what failed.
  returned: always
  type: str
  sample: 1 created, 2 updated, 47 unchanged.
runtimes:
  description: One entry for each listed runtime, in the order of the list, then one for each purged runtime.
  returned: when the task could read the list of runtimes
  type: list
  elements: dict
  contains:
    name:
      description: The name of the runtime.
      type: str
    id:
      description: The id of the runtime. Null if the runtime does not exist yet.
      type: str
    action:
      description:
        - What was done, or would be done in check mode.
        - V(failed) means that nothing was done. If the runtime was written and the entry failed afterwards, this is
          V(created) or V(updated), and RV(runtimes[].error) contains the error.
        - V(unknown) means that a request was sent, and that the task could not find out whether the server carried it
          out.
      type: str
      choices: [none, created, updated, replaced, deleted, failed, unknown]
    changed_fields:
      description: The options that differed. For a create, the options that were sent. For a delete, the list is empty.
      type: list
      elements: str
    changes:
      description:
        - Each option of RV(runtimes[].changed_fields), with the keys C(field), C(before) and C(after).
        - For a create, C(before) is null. For a delete, the list is empty.
      type: list
      elements: dict
    runtime:
      description:
        - The runtime after the task, with the keys of RV(mstr.library.mstr_runtime#module:runtime). After a delete, the
          runtime as it was. In check mode, the runtime as it would be. Null if the runtime does not exist.
        - A field that the server's list does not contain is null, unless the task had to read the runtime itself.
      type: dict
    replaced_by:
      description:
        - The id of the runtime that replaces this one, which the task deleted, or would delete. Null in check mode if
          that runtime does not exist yet, and of an unfinished replacement that was undone.
        - Each runtime that a replacement deletes, and each unfinished one that is undone, has an entry of its own after
          those of the definitions. Its RV(runtimes[].runtime) is the whole runtime as it was.
      returned: for each runtime that a replacement deletes, or that is undone
      type: str
    smoke_test:
      description: The code of the smoke test that was run, or would be.
      returned: for a runtime that changes, if its definition has one
      type: str
    scripts:
      description:
        - The saved scripts that use a runtime that would be deleted, as in
          RV(mstr.library.mstr_runtime_info#module:runtimes), with their planned tasks. Null if not all could be read.
        - It is part of the plan only. The task itself does not say which scripts used what it deleted, because
          it would have to search every project again. O(protect_used) keeps a runtime that a script uses.
      returned: in check mode, for V(deleted)
      type: list
      elements: dict
    error:
      description:
        - Why the entry failed. Null if it did not fail. C(msg) is the message.
        - The keys C(http_status), C(code), C(message), C(iserver_code), C(ticket_id) and C(request) describe the
          request that failed, and the server's response to it. A key is null if its value is not known.
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
        runtime_version: "3.12.4"
        status: ready
        version: 8F1C6F0E4B7A4C0D9C3E2A1B0F9E8D7C
        whitelist: []
      error: null
scripts:
  description:
    - One entry for each script that the task was to assign, sorted by project and name.
  returned: with O(scripts), or with scripts in O(src), or if a runtime is replaced
  type: list
  elements: dict
  contains:
    id:
      description: The id of the script. Null if it was not found.
      type: str
    name:
      description: The name of the script.
      type: str
    project:
      description: The project, with C(id) and C(name).
      type: dict
    action:
      description: V(moved) if the script now uses a different runtime, or would in check mode.
      type: str
      choices: [moved, none, failed]
    before:
      description: The runtime that the script used, with C(id) and C(name). Null if it is not known.
      type: dict
    after:
      description: The runtime that it uses now, with C(id) and C(name). The id is null before the runtime exists.
      type: dict
    error:
      description: The reason of a failure, as in RV(runtimes[].error). Null otherwise.
      type: dict
  sample:
    - id: 5C1E7A2B4D0F4E2A9B1C2D3E4F506172
      name: Month end
      project:
        id: B19DEDCC11D4E0EFC000EB9495D0F44F
        name: Sales
      action: moved
      before:
        id: 8F1C6F0E4B7A4C0D9C3E2A1B0F9E8D7C
        name: Reports 3.10
      after:
        id: 3B9A7C7E4D0F4E2A9B1C2D3E4F506172
        name: Forecasts
      error: null
exempted:
  description:
    - The violations of the policy that O(policy.exemptions) let pass, among the options that the task manages, with the
      keys of RV(mstr.library.mstr_runtime_info#module:exempted). C(id) is null before the runtime exists.
  returned: when O(policy) is set and applies to a runtime, and the task has compared it with its definition
  type: list
  elements: dict
undefined:
  description:
    - The runtimes for which there is no definition, with C(id) and C(name), without the default runtime. They are left
      alone, and are no difference.
    - Null with O(purge), for a backup, if every entry has C(state=absent), and if the task read no list of runtimes.
  returned: when the task has compared the server with the definitions
  type: list
  elements: dict
  sample:
    - id: 6D2B8C4E1F0A4B7C8D9E0F1A2B3C4D5E
      name: First trial
  version_added: 1.0.0
plan_id:
  description:
    - The id of everything that the task changed, or would change in check mode. It is the same if and only if the same
      runtimes get the same changes from the same values, so it can be approved and given as O(plan_id). A task that
      changes nothing has one, too.
    - An empty text, which O(plan_id) refuses, if a runtime could not be planned.
  returned: when the task has compared the server with the definitions
  type: str
  sample: 5e2f0c1a9b7d4e6f8a0b1c2d
  version_added: 1.0.0
summary:
  description:
    - The numbers of runtimes that were C(created), C(updated), C(deleted), C(unchanged) and C(failed).
    - C(failed) counts all entries with an error, including those that were written before they failed.
    - With RV(scripts), C(moved) is the number of scripts that use a different runtime now. If runtimes were replaced,
      C(replaced) is their number, and C(deleted) counts the old ones, too.
  returned: when the task could read the list of runtimes
  type: dict
  sample: {created: 0, deleted: 1, failed: 0, unchanged: 1, updated: 1}
diff:
  description:
    - One difference for each runtime that changes, with the keys C(before), C(after), C(before_header) and
      C(after_header). For a runtime that is deleted, C(before) contains the whole definition.
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

from functools import partial

from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._work.inputs import libraries
from ansible_collections.mstr.library.plugins.module_utils._work.inputs_many import MANY_OPTIONS, inputs_for_many
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import ensure_many


def main() -> None:
    """Entry point."""
    auth.run(
        auth.argument_spec(**MANY_OPTIONS),
        ensure_many,
        prepare=partial(inputs_for_many, auth.checked_entry),
        requires=lambda params: libraries(params["policy"]),
        mutually_exclusive=[("runtimes", "src")],
        required_one_of=[("runtimes", "src", "scripts")],
    )


if __name__ == "__main__":
    main()
