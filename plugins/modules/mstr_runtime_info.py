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
  - Returns all runtimes, or only those with a name or an id, sorted by id. If there is none, the task succeeds and
    returns an empty list.
  - The list of a server may not contain all fields. The task then also reads each runtime, four at a time.
  - With O(policy), the task also reports what violates the policy.
  - Use the filter P(mstr.library.runtime_definitions#filter) to convert the result into definitions.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
  - mstr.library.policy.short
options:
  name:
    description: Return only runtimes with exactly this name, which is case-sensitive. The name must not be empty.
    type: str
  id:
    description: Return only the runtime with this id, 32 hexadecimal digits in upper or lower case.
    type: str
  include_scripts:
    description:
      - Whether to find the saved scripts that run on each runtime.
      - The task then reads the list of projects, searches each project for scripts, and reads each script. This takes
        one request for each script, so expect a longer run on a server with many scripts.
      - The task finds only scripts that the user may see. By default, only its owner has access to a script, so use an
        account that may read all scripts. The task warns about what it cannot read, and returns it in RV(unread).
    type: bool
    default: false
  include_tasks:
    description:
      - Whether to also find the planned tasks that run each script on a schedule, and how its last run ended. Requires
        O(include_scripts=true).
      - The task then lists the planned tasks of each project, reads each of them, and reads the history of each script.
        It never reads what scripts printed.
    type: bool
    default: false
  include_installed:
    description:
      - Whether to find out what is really installed in each runtime, with the packages that others pulled in.
      - The task then runs a short script on each runtime with the status V(ready), four at a time.
        The script reads C(importlib.metadata) and writes nothing. It returns the names, versions and requirements of
        the packages, and the version, implementation and platform of Python. Each run may take a cached instance of
        the runtime.
      - O(policy) then evaluates the installed packages and Python instead of the requested ones.
      - In check mode, no script runs.
    type: bool
    default: false
  projects:
    description:
      - Names or ids of the projects to search for scripts. Used only with O(include_scripts=true).
      - Write a list, even for a single project. A text is refused, because names may contain commas.
      - If omitted, the task searches every project that the user may use.
    type: list
    elements: str
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
  description:
    - In one line, how many runtimes were found, and with O(policy) how many violations, where a value that no rule can
      read counts once. After a failure, what failed.
  returned: always
  type: str
  sample: 12 runtimes found.
runtimes:
  description:
    - The runtimes, each with the keys of RV(mstr.library.mstr_runtime#module:runtime), and with the following. A field
      that the server does not return is null.
    - They are sorted by id, and without O(include_tasks=true) nothing in them changes as long as the server stays as it
      is. So two results that were written with P(ansible.builtin.to_nice_json#filter) can be compared as text.
  returned: success
  type: list
  elements: dict
  contains:
    python:
      description:
        - Until when its Python is supported, by its installed Python where O(include_installed=true) has read it, and
          otherwise by C(runtime_version). Null without a version.
        - C(branch) is such as C(3.10). C(end_of_life) is the last day of its support, in UTC, and null for a branch
          that is newer or older than those that this collection knows.
      type: dict
    scripts:
      description:
        - The saved scripts that run on it, sorted by project and name. Each has C(id), C(name), C(type), C(subtype),
          C(project) and C(owner) with C(id) and C(name), and C(date_modified). A script that names no runtime runs on
          the default runtime.
        - C(subtype) is the server's number for the kind of script, such as 19457 for Python and 19458 for Jupyter.
        - With O(include_tasks=true), each script also has C(tasks), its planned tasks, and C(last_run) with C(time) and
          C(status) of its last run, by a schedule or a person. Each task has C(id), C(name), C(active), C(schedule) and
          C(owner) with C(id) and C(name), C(expiration), and C(last_run) with C(status), C(time_triggered),
          C(time_finished) and C(message). C(tasks) is null if they could not be looked up, such as on an older release.
          C(last_run) is null if there was no run, or if it could not be read, see RV(unread).
        - A task with C(active=false), or with an C(expiration) in the past, does not run any more.
      returned: with O(include_scripts=true)
      type: list
      elements: dict
    installed:
      description:
        - What is installed. C(python) has C(version), C(implementation) and C(platform). Each of C(packages) has
          C(name), C(version) and C(requires), its requirements as in its metadata.
        - Null in check mode, and where RV(unread) says why it could not be read.
      returned: with O(include_installed=true)
      type: dict
dangling:
  description:
    - Scripts whose runtime does not exist, with the same keys as the scripts of a runtime and with C(runtime_id), the
      id of that runtime. M(mstr.library.mstr_script_runtime) assigns them to a different runtime, by its option
      C(from_runtime).
    - Null without O(include_scripts=true), and if no runtime was found, because then the task reads no script.
  returned: success
  type: list
  elements: dict
  sample: []
unread:
  description:
    - Projects and scripts that could not be read. If this list has any, a runtime without scripts may still be in use.
    - With O(include_installed=true), also the runtimes whose installed packages could not be read.
    - With O(include_tasks=true), also planned tasks and histories that could not be read.
    - Older scripts of Command Manager have no runtime, so the task does not read them.
  returned: with O(include_scripts=true) or O(include_installed=true)
  type: list
  elements: dict
  contains:
    project:
      description: The project, with C(id) and C(name). Null if the list of projects could not be read.
      type: dict
    script:
      description: The script, with C(id) and C(name). Null if the whole project could not be searched.
      type: dict
    runtime:
      description: The runtime whose installed packages could not be read, with C(id) and C(name). Null otherwise.
      type: dict
    error:
      description: The reason, as RV(mstr.library.mstr_runtime#module:error), with the message in C(msg).
      type: dict
mismatches:
  description:
    - Each package with a version that is not the installed one, and each package with a version that is not installed.
      Null in check mode.
  returned: with O(include_installed=true)
  type: list
  elements: dict
  contains:
    name:
      description: The name of the runtime.
      type: str
    id:
      description: The id of the runtime.
      type: str
    package:
      description: The name of the package.
      type: str
    version:
      description: The version in the definition.
      type: str
    installed:
      description: The installed version. Null if the package is not installed.
      type: str
  sample:
    - name: Nightly reports
      id: 3B9A7C7E4D0F4E2A9B1C2D3E4F506172
      package: pandas
      version: "2.2.3"
      installed: "2.2.1"
violations:
  description:
    - Each value that violates O(policy), once for each rule that it violates. What a rule cannot read, such as V(*) in
      a whitelist, violates it as well; RV(violations[].detail) then starts with V(cannot be evaluated).
  returned: when O(policy) is set
  type: list
  elements: dict
  contains: &violation
    name:
      description: The name of the runtime.
      type: str
    id:
      description: The id of the runtime.
      type: str
    option:
      description:
        - The option, such as V(whitelist), V(packages) or V(resource.mem). It is V(installed) for a package that is
          installed but not in the definition, and for the installed Python.
      type: str
    value:
      description: The value, such as V(0.0.0.0/0), V(requests==2.31.0) or V(8192). Null for an empty whitelist.
      type: raw
    rule:
      description: The rule of the policy.
      type: str
    detail:
      description: Why, as the rest of a sentence that starts with the value.
      type: str
  sample:
    - name: Nightly reports
      id: 3B9A7C7E4D0F4E2A9B1C2D3E4F506172
      option: packages
      value: requests==2.31.0
      rule: packages_never
      detail: matches requests<2.32
exempted:
  description:
    - The violations of the policy that O(policy.exemptions) let pass. They are not in RV(violations).
  returned: when O(policy) is set
  type: list
  elements: dict
  contains:
    <<: *violation
    reason:
      description: The reason of the exemption.
      type: str
    until:
      description: The last day of the exemption, in UTC.
      type: str
  sample:
    - name: Nightly reports
      id: 3B9A7C7E4D0F4E2A9B1C2D3E4F506172
      option: resource.mem
      value: 8192
      rule: resource_max
      detail: is more than 4096
      reason: The month end needs it until the new server is there.
      until: "2026-12-31"
not_evaluated:
  description:
    - Each package without a version that a rule of O(policy) would compare, such as C(numpy) under V(numpy<1.26). This
      is not a violation. Set O(policy.package_versions_required) to refuse such packages.
  returned: when O(policy) is set
  type: list
  elements: dict
  contains: *violation
  sample:
    - name: Nightly reports
      id: 3B9A7C7E4D0F4E2A9B1C2D3E4F506172
      option: packages
      value: numpy
      rule: packages_never
      detail: has no version to compare with numpy<1.26
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
