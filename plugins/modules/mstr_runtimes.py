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
  - Creates, updates and deletes a list of runtimes with one login. M(mstr.library.mstr_runtime) says what a runtime is.
  - The task checks all options before the login, and reads the list of runtimes. It works on four runtimes at a time.
    Creates and updates come first, then O(wait), smoke tests, O(scripts), deletions and the purge. Just before it
    deletes, it reads the list again; what has changed, or is used under O(protect_used), is not deleted, and its entry
    fails.
  - If an entry or the move of a script fails, the others are still processed, but nothing is deleted, and the task
    fails. Correct the cause, and run the same task again.
  - A name that a different runtime has cannot be taken, even if the same task frees it.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
  - mstr.library.definitions
  - mstr.library.wait
  - mstr.library.policy.short
  - mstr.library.protect
  - mstr.library.projects
  - mstr.library.plan
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
"""

EXAMPLES = r"""
- name: Apply a file of definitions, and wait until the runtimes are ready
  mstr.library.mstr_runtimes:
    src: runtimes.yml
    wait: true

- name: Create and update the listed runtimes, and leave all others alone
  mstr.library.mstr_runtimes:
    runtimes:
      - name: Nightly reports
        packages: [{name: pandas}]
      - name: Forecasts
        resource: {mem: 2048}

- name: Apply the file, and delete up to two runtimes that are neither in it nor from the vendor
  mstr.library.mstr_runtimes:
    src: runtimes.yml
    purge: true
    purge_exclude: ["Strategy *"]
    purge_limit: 2

- name: Create a runtime with a newer Python, move a script to it, and delete the old runtime
  mstr.library.mstr_runtimes:
    runtimes:
      - name: Forecasts (3.12)
        packages: [{name: pandas}]
        runtime_version: "3.12.4"
        smoke_test: true
      - {name: Forecasts, state: absent}
    scripts:
      - {name: Load sales, project: Sales, runtime: Forecasts (3.12)}
"""

RETURN = r"""
msg:
  description: In one line, what was done, would be done in check mode, or failed.
  returned: always
  type: str
  sample: 1 created, 2 updated, 47 unchanged.
runtimes:
  description:
    - One entry for each listed runtime, in the order of the list, then one for each that was purged. Each has C(name),
      C(id), C(action), C(changed_fields), C(changes) and C(runtime), as in the result of M(mstr.library.mstr_runtime),
      and C(error), which is null or has the message in C(msg).
    - C(action) is V(none), V(created), V(updated), V(deleted), or V(unknown) after a lost response. What was written
      and failed afterwards has its action and the error.
    - A field of C(runtime) that the list does not contain is null. C(smoke_test) is the code that runs, or C(true).
  returned: when the task could read the list of runtimes
  type: list
  elements: dict
scripts:
  description:
    - One entry for each entry of O(scripts), in their order, as RV(mstr.library.mstr_script_runtime#module:scripts).
  returned: with scripts in the options
  type: list
  elements: dict
exempted:
  description: As RV(mstr.library.mstr_runtime#module:exempted). C(id) is null before the runtime exists.
  returned: when O(policy) is set and the task has compared the runtimes with their definitions
  type: list
  elements: dict
undefined:
  description:
    - The C(id) and C(name) of each runtime without a definition, but the default one. Null with O(purge) and for a
      backup.
  returned: when the task has compared the server with the definitions
  type: list
  elements: dict
plan_id:
  description:
    - The id of what the task changed, or would change. It is the same if and only if the same runtimes get the same
      changes from the same values on the same server, also if nothing changes. Empty if something could not be planned.
  returned: when the task has compared the server with the definitions
  type: str
  sample: 5e2f0c1a9b7d4e6f8a0b1c2d
summary:
  description:
    - The numbers of runtimes that were C(created), C(updated), C(deleted), C(unchanged) and C(failed), and of scripts
      that were C(moved). C(failed) counts scripts that could not be moved, too.
  returned: when the task could read the list of runtimes
  type: dict
diff:
  description:
    - One difference for each runtime that changes, whose name is in C(before_header) and C(after_header). For a
      deletion, C(before) is the whole definition.
  returned: with C(--diff)
  type: list
  elements: dict
"""

from functools import partial

from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._options import check_entry
from ansible_collections.mstr.library.plugins.module_utils._work.inputs import libraries
from ansible_collections.mstr.library.plugins.module_utils._work.many import MANY_OPTIONS, ensure_many, inputs_for_many


def main() -> None:
    """Entry point."""
    auth.run(
        auth.argument_spec(**MANY_OPTIONS),
        ensure_many,
        prepare=partial(inputs_for_many, check_entry),
        requires=lambda params: libraries(params["policy"]),
        mutually_exclusive=[("runtimes", "src")],
        required_one_of=[("runtimes", "src", "scripts")],
    )


if __name__ == "__main__":
    main()
