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
  - The task checks all options before the login, and reads the list of runtimes. It reads a single runtime only if it
    needs a field that the list does not contain, if the runtime will be deleted, and, with several entries, just before
    an update, so that it does not overwrite a change of somebody else.
  - Creates and updates come first, four at a time. With O(wait), the task then waits for all of
    them together. With O(scripts), it then assigns saved scripts; one that cannot be assigned spares the runtime that
    it uses, and cancels the purge. The entries with C(state=absent) are deleted last, before the purge.
  - Just before it deletes, the task reads the list again. A runtime that has changed since the first list, or that a
    script has begun to use (with O(protect_used)), is not deleted, and its entry fails and says why. Afterwards, the
    task checks that the deleted runtimes are gone.
  - If the list lacks the built-in default runtime of the server, it may be incomplete. The task then warns, reads the
    list again before it creates a runtime, and refuses a purge.
  - If an entry fails, the task still processes the other entries, but does not purge. At the end it fails, and its
    result reports everything that was done. If you run it again, it does only what is left.
  - A runtime cannot be renamed to a name that a different runtime has, even if the same task renames or deletes that
    one. First rename or delete it in a separate task. Only a backup, see O(src), is restored all the same.
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
  - mstr.library.plan
options:
  journal_comment:
    description:
      - A comment for the change journal of the server. See O(mstr.library.mstr_runtime#module:journal_comment). An
        entry's O(runtimes[].journal_comment) replaces it.
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
- name: Apply a file of definitions, and wait until the runtimes are ready
  mstr.library.mstr_runtimes:
    src: runtimes.yml
    wait: true

- name: Create, update and delete the listed runtimes, and leave all others alone
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

- name: Apply the file, and delete up to two runtimes that are neither in it nor from the vendor
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
    - In one line, how many runtimes were created, updated, deleted and left unchanged, or would be in check mode. After
      a failure, what failed.
  returned: always
  type: str
  sample: 1 created, 2 updated, 47 unchanged.
runtimes:
  description:
    - One entry for each listed runtime, in the order of the list. Then one for each runtime that a replacement deletes,
      for each unfinished replacement that is undone, and for each purged runtime.
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
        - What was done, or would be done in check mode, also beside an RV(runtimes[].error). V(unknown) means that it
          is not known whether the server carried out a request.
      type: str
      choices: [none, created, updated, replaced, deleted, unknown]
    changed_fields:
      description: As RV(mstr.library.mstr_runtime#module:changed_fields).
      type: list
      elements: str
    changes:
      description: As RV(mstr.library.mstr_runtime#module:changes).
      type: list
      elements: dict
    runtime:
      description:
        - The runtime with the keys of RV(mstr.library.mstr_runtime#module:runtime). A field that the server's list does
          not contain is null, unless the task had to read the runtime itself.
      type: dict
    replaced_by:
      description:
        - The id of the runtime that replaces this one. Null if that does not exist yet.
      returned: for each runtime that a replacement deletes
      type: str
    smoke_test:
      description: The code of the smoke test that was run, or would be.
      returned: for a runtime that changes, if its definition has one
      type: str
    error:
      description: Null, or RV(mstr.library.mstr_runtime#module:error) with the message in C(msg).
      type: dict
scripts:
  description:
    - One entry for each script that the task was to assign, sorted by project and name, with the keys of
      RV(mstr.library.mstr_script_runtime#module:scripts).
  returned: with O(scripts), or with scripts in O(src), or if scripts are assigned for another reason
  type: list
  elements: dict
exempted:
  description:
    - The violations that O(policy.exemptions) let pass, as RV(mstr.library.mstr_runtime#module:exempted). C(id) is null
      before the runtime exists.
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
plan_id:
  description:
    - The id of everything that the task changed, or would change in check mode. It is the same if and only if the same
      runtimes get the same changes from the same values, so it can be approved and given as O(plan_id). A task that
      changes nothing has one, too.
    - An empty text, which O(plan_id) refuses, if a runtime could not be planned.
  returned: when the task has compared the server with the definitions
  type: str
  sample: 5e2f0c1a9b7d4e6f8a0b1c2d
summary:
  description:
    - The numbers of runtimes that were C(created), C(updated), C(deleted), C(replaced) and C(unchanged), and of scripts
      that were C(moved) to a different runtime. C(deleted) counts replaced runtimes, too.
    - C(failed) counts all entries with an error, including those that were written before they failed.
  returned: when the task could read the list of runtimes
  type: dict
diff:
  description:
    - One difference for each runtime that changes, with the keys C(before), C(after), C(before_header) and
      C(after_header). For a runtime that is deleted, C(before) contains the whole definition.
  returned: with C(--diff)
  type: list
  elements: dict
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
