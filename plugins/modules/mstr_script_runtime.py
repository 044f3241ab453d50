#!/usr/bin/python
# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mstr_script_runtime
short_description: Assign saved scripts to a different runtime on a Strategy (MicroStrategy) Library server
version_added: 1.0.0
description:
  - Assigns saved scripts to a runtime, either all scripts that use a different runtime or the scripts of a list. A
    script that already uses the runtime is left alone.
  - Use it to move scripts to a new runtime before the old one is deleted, or to a restored runtime, whose id is
    different from before.
  - If one script fails, the others are still assigned. The task then fails, and its result contains all of them.
  - Only the runtime of a script changes. The task compares name, folder, description, code, variables and types before
    and after, and each update contains all of them, so that a server loses nothing. Only the variables of a script are
    left out if one of them holds a secret, because what is read of it may be a mask; some servers may lose them.
  - The first script is moved alone. If the server changed something else, the task fails, says what, and leaves the
    other scripts as they are.
  - If the response to an update was lost, the task reads the script again. It sends the update again only if the script
    still uses the old runtime.
  - It is not known whether a script that is running is affected. Assign scripts when they do not run.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
  - mstr.library.projects
options:
  runtime:
    description:
      - The name or the id of the runtime that the scripts are to use. Names are case-sensitive. A value of 32
        hexadecimal digits is an id.
    type: str
    required: true
  from_runtime:
    description:
      - The name or the id of a runtime. All scripts that use it are assigned to O(runtime).
      - A runtime that was deleted is found by its id, which its scripts still name.
      - The task searches every project that the account can use. If it cannot read a project or a script, which may use
        the old runtime, too, it fails after it has assigned the scripts that it found.
      - Exactly one of O(from_runtime) and O(scripts) is required.
    type: str
  scripts:
    description: The scripts to assign. A script that cannot be found fails, and does not stop the others.
    type: list
    elements: dict
    suboptions:
      id:
        description:
          - The id of the script, 32 hexadecimal digits in upper or lower case.
          - At least one of O(scripts[].id) and O(scripts[].name) is required. If both are set, only the id counts.
        type: str
      name:
        description:
          - The name of the script, which is case-sensitive.
          - If several scripts of the project have this name, none of them is assigned, and the message lists their ids.
        type: str
      project:
        description: The name or the id of the project in which the script is saved.
        type: str
        required: true
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
    description: Finds the scripts of each runtime.
  - ref: ansible_collections.mstr.library.docsite.guide_upgrade
    description: The whole way from an old runtime to a new one, as a playbook.
"""

EXAMPLES = r"""
- name: Assign all scripts of the old runtime to the new one
  mstr.library.mstr_script_runtime:
    runtime: Reports 3.12
    from_runtime: Reports 3.10

- name: Assign two scripts
  mstr.library.mstr_script_runtime:
    runtime: Reports 3.12
    scripts:
      - name: Month end
        project: Sales
      - id: 5C1E7A2B4D0F4E2A9B1C2D3E4F506172
        project: Sales

- name: Assign the scripts of a runtime that was deleted
  mstr.library.mstr_script_runtime:
    runtime: Reports 3.12
    from_runtime: 3B9A7C7E4D0F4E2A9B1C2D3E4F506172
"""

RETURN = r"""
msg:
  description: One line that says what was done.
  returned: always
  type: str
  sample: 12 scripts moved to 'Reports 3.12', 3 already there.
scripts:
  description:
    - The scripts, by project and name. With O(from_runtime), also those that already used the runtime.
  returned: when the scripts were looked up
  type: list
  elements: dict
  contains:
    id:
      description: The id of the script. Null if it was not found by its name.
      type: str
    name:
      description: The name of the script. Null if it was not found by its id.
      type: str
    project:
      description: The project, with C(id) and C(name).
      type: dict
    action:
      description:
        - V(moved), also in check mode if the script would be assigned; V(none) if it already used the runtime;
          V(failed) if it was not assigned, or if the task could not find out whether it was.
        - If something else than the runtime changed, it is V(moved), and C(error) is set.
      type: str
    before:
      description: The runtime before, with C(id) and C(name). C(name) is null if the runtime no longer exists.
      type: dict
    after:
      description: The runtime after, with C(id) and C(name). Null if the task could not find out which one it is.
      type: dict
    error:
      description: Null, or RV(mstr.library.mstr_runtime#module:error) with the message in C(msg).
      type: dict
  sample:
    - id: 5C1E7A2B4D0F4E2A9B1C2D3E4F506172
      name: Month end
      project:
        id: B19DEDCC11D4E0EFC000EB9495D0F44F
        name: Sales
      action: moved
      before:
        id: 3B9A7C7E4D0F4E2A9B1C2D3E4F506172
        name: Reports 3.10
      after:
        id: 8F1C6F0E4B7A4C0D9C3E2A1B0F9E8D7C
        name: Reports 3.12
      error: null
diff:
  description: The runtime of each script that changes, before and after. The keys are project, name and id.
  returned: with C(--diff)
  type: dict
  contains:
    before:
      description: The runtimes before.
      type: dict
    after:
      description: The runtimes after.
      type: dict
  sample:
    before:
      Sales / Month end (5C1E7A2B4D0F4E2A9B1C2D3E4F506172): Reports 3.10 (3B9A7C7E4D0F4E2A9B1C2D3E4F506172)
    after:
      Sales / Month end (5C1E7A2B4D0F4E2A9B1C2D3E4F506172): Reports 3.12 (8F1C6F0E4B7A4C0D9C3E2A1B0F9E8D7C)
"""


from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._work.script_runtime import (
    OPTIONS,
    assign_scripts,
    script_inputs_from,
)


def main() -> None:
    """Entry point."""
    auth.run(
        auth.argument_spec(**OPTIONS),
        assign_scripts,
        prepare=script_inputs_from,
        mutually_exclusive=[("from_runtime", "scripts")],
        required_one_of=[("from_runtime", "scripts")],
    )


if __name__ == "__main__":
    main()
