#!/usr/bin/python
# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mstr_runtime_info
short_description: Read the Python runtimes of a Strategy (MicroStrategy) Library server
version_added: 1.0.0
description:
  - Returns all runtimes, or only those with a name or an id. If no runtime matches, it returns an empty list.
  - With O(policy), the task also reports what violates it. The filter P(mstr.library.runtime_definitions#filter) makes
    definitions of the result.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
  - mstr.library.policy.short
  - mstr.library.projects
options:
  name:
    description: Return only runtimes with exactly this name, which is case-sensitive. The name must not be empty.
    type: str
  id:
    description: Return only the runtime with this id, 32 hexadecimal digits in upper or lower case.
    type: str
  include_scripts:
    description:
      - Whether to find the saved scripts that run on each runtime, with one request for up to 100 scripts of a project.
        The task warns about what it cannot read. It finds only what the user may see, so use an account that may read
        all scripts.
    type: bool
    default: false
  include_tasks:
    description:
      - Whether to also find the planned tasks of each script, and how its last run ended. Requires
        O(include_scripts=true). What scripts printed is never read.
    type: bool
    default: false
  include_installed:
    description:
      - Whether to find out what is installed, by a short script that the task runs on each runtime with the status
        V(ready) or V(unknown), but not in check mode. It reads C(importlib.metadata) and writes nothing. O(policy) then
        evaluates what is installed.
    type: bool
    default: false
  policy:
    description:
      - Rules on what a runtime may have. A violation does not fail this module. It is returned in RV(violations), or in
        RV(exempted) if an exemption lets it pass.
requirements:
  - netaddr, only if O(policy) is set
  - packaging, only with O(include_installed=true) if O(policy) has rules on packages
attributes:
  check_mode:
    support: full
    details: The module only reads. With O(include_installed=true), check mode runs no script.
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: mstr.library.mstr_runtime
  - module: mstr.library.mstr_runtimes
  - module: mstr.library.mstr_info
  - plugin: mstr.library.runtime_definitions
    plugin_type: filter
  - ref: ansible_collections.mstr.library.docsite.guide_policy
    description: How to audit which networks runtimes may reach, and which scripts use them.
"""

EXAMPLES = r"""
- name: Read all runtimes
  mstr.library.mstr_runtime_info:
  register: all_runtimes

- name: Show the runtimes that are in error
  ansible.builtin.debug:
    msg: "{{ all_runtimes.runtimes | selectattr('status', 'eq', 'error') | map(attribute='name') }}"

- name: Read one runtime
  mstr.library.mstr_runtime_info:
    name: Nightly reports
  register: reports

- name: Find the runtimes that may reach more than the company's networks
  mstr.library.mstr_runtime_info:
    policy:
      networks_within:
        - 10.0.0.0/8
        - 192.168.0.0/16
      networks_never:
        - 10.66.0.0/16
  register: audit

- name: Find the scripts of every runtime, in two projects
  mstr.library.mstr_runtime_info:
    include_scripts: true
    projects:
      - Sales
      - Finance
  register: used

- name: Find out which scripts of a runtime run on a schedule, and how their last runs ended
  mstr.library.mstr_runtime_info:
    name: Nightly reports
    include_scripts: true
    include_tasks: true

- name: List every installed package that has a version below the one that a policy allows, and who requires it
  mstr.library.mstr_runtime_info:
    include_installed: true
    policy:
      packages_never:
        - urllib3<2

- name: List the runtimes that no script of these projects uses
  ansible.builtin.debug:
    msg: "{{ used.runtimes | rejectattr('is_default') | selectattr('scripts', 'eq', []) | map(attribute='name') }}"
  when: used.unread == []
"""

RETURN = r"""
msg:
  description: In one line, how many runtimes were found, and with O(policy) how many violations, or what failed.
  returned: always
  type: str
  sample: 12 runtimes found.
runtimes:
  description:
    - The runtimes, sorted by id, each with the keys of RV(mstr.library.mstr_runtime#module:runtime), and with the
      following. Without O(include_tasks=true), nothing in them changes as long as the server stays as it is, so two
      results can be compared as text.
  returned: success
  type: list
  elements: dict
  contains:
    python:
      description:
        - The C(branch) of its Python, such as C(3.10), and C(end_of_life), the last day of its support in UTC, which is
          null if it is not known. The installed Python counts where it was read. Null without a version.
      type: dict
    scripts:
      description:
        - The saved scripts that run on it, with C(id), C(name), C(type), C(subtype) (19457 for Python, 19458 for
          Jupyter), C(project), C(owner), C(date_modified), and C(has_secret), whether a variable holds a secret.
          A script that names no runtime runs on the default one.
        - With O(include_tasks=true), also C(tasks) and C(last_run). A task has C(id), C(name), C(active), C(schedule),
          C(owner), C(expiration), and C(last_run) with C(status), C(time_triggered), C(time_finished) and C(message).
          C(active) is null if it is not known whether the server runs the task. C(tasks) is null if they could not be
          read, such as on an older release.
        - The C(status) of the last run of a script is the server's, such as V(success) or V(succeeded), V(failed) and
          V(cancelled); that of a task is V(success), V(failed), V(timeout), V(running) or V(reserve).
      returned: with O(include_scripts=true)
      type: list
      elements: dict
    installed:
      description:
        - C(python) with C(version), C(implementation) and C(platform), and C(packages) with C(name), C(version) and
          C(requires). Null if it could not be read.
      returned: with O(include_installed=true)
      type: dict
dangling:
  description:
    - Scripts whose runtime does not exist, with its C(runtime_id). M(mstr.library.mstr_script_runtime) assigns a
      different one. Null if no script was read.
  returned: success
  type: list
  elements: dict
unread:
  description:
    - What could not be read, with C(project), C(script) and C(runtime), each with C(id) and C(name) or null, and
      C(error), as RV(mstr.library.mstr_runtime#module:error) with C(msg). If this list has any, a runtime without
      scripts may still be in use.
  returned: with O(include_scripts=true) or O(include_installed=true)
  type: list
  elements: dict
mismatches:
  description: Each package whose version in the definition is not the installed one. Null in check mode.
  returned: with O(include_installed=true)
  type: list
  elements: dict
  sample:
    - name: Nightly reports
      id: 3B9A7C7E4D0F4E2A9B1C2D3E4F506172
      package: pandas
      version: "2.2.3"
      installed: "2.2.1"
violations:
  description:
    - Each value that violates O(policy), once for each rule. What a rule cannot read violates it, too; C(detail) then
      starts with V(is unreadable). C(option) is V(installed) for what is installed but not in the definition.
  returned: when O(policy) is set
  type: list
  elements: dict
  sample:
    - name: Nightly reports
      id: 3B9A7C7E4D0F4E2A9B1C2D3E4F506172
      option: packages
      value: requests==2.31.0
      rule: packages_never
      detail: matches requests<2.32
exempted:
  description:
    - The violations that O(policy.exemptions) let pass, as RV(violations), with C(reason) and C(until) of the
      exemption.
  returned: when O(policy) is set
  type: list
  elements: dict
not_evaluated:
  description:
    - Each value that a rule could not compare, as RV(violations), such as a package without a version. This is no
      violation.
  returned: when O(policy) is set
  type: list
  elements: dict
"""

from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._work.runtime_info import (
    INFO_OPTIONS,
    query_from,
    read,
    requires,
)


def main() -> None:
    """Entry point."""
    auth.run(auth.argument_spec(**INFO_OPTIONS), read, prepare=query_from, requires=requires)


if __name__ == "__main__":
    main()
