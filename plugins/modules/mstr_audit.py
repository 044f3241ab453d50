#!/usr/bin/python
# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The task is the action plugin of the same name, which makes a report of what this module returns.

from __future__ import annotations

DOCUMENTATION = r"""
module: mstr_audit
short_description: Audit the Python runtimes of a Strategy (MicroStrategy) Library server
version_added: 1.0.0
description:
  - Reads all runtimes of one environment, evaluates them by a policy, and compares them with their definitions. It
    changes nothing.
  - Returns counts, findings as sentences, and a report that the filter P(mstr.library.report_file#filter) turns into a
    page, a table or data for programs. The playbook C(mstr.library.audit) does this for every host of an inventory.
  - The task reads as M(mstr.library.mstr_runtime_info) does. If there are definitions, it compares them as
    M(mstr.library.mstr_runtimes) does in check mode, with the same login and with what it has read. Without
    O(runtimes), O(src) and O(scripts), nothing is compared.
  - The report is made on the control node.
  - A finding does not fail the task. The task fails if the audit could not be done, and then it also returns a report.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
  - mstr.library.policy.short
  - mstr.library.definitions
  - mstr.library.protect
options:
  include_scripts:
    description:
      - Whether to find the saved scripts that run on each runtime. See
        O(mstr.library.mstr_runtime_info#module:include_scripts) for what this costs.
    type: bool
    default: false
  include_tasks:
    description:
      - Whether to also read on which schedules these scripts run, and how their last runs ended. Requires
        O(include_scripts=true).
    type: bool
    default: false
  include_installed:
    description:
      - Whether to find out what is really installed in each runtime, by a script that runs on each runtime with the
        status V(ready). See O(mstr.library.mstr_runtime_info#module:include_installed) for what this costs.
      - The policy then evaluates what is installed, the report also shows the packages that others pulled in, and a
        software bill of materials is complete.
    type: bool
    default: false
  projects:
    description: Names or ids of the projects to search for scripts, all by default.
    type: list
    elements: str
  detail:
    description: Whether to return RV(details), which has every runtime. P(mstr.library.report_file#filter) needs it.
    type: bool
    default: false
requirements:
  - netaddr, only if O(policy) is set or there are definitions
attributes:
  async:
    description: Whether the task can run with C(async).
    support: none
  check_mode:
    support: full
    details: The task only reads. With O(include_installed=true), check mode runs no script.
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: mstr.library.mstr_runtime_info
  - module: mstr.library.mstr_runtimes
  - plugin: mstr.library.report_file
    plugin_type: filter
  - ref: ansible_collections.mstr.library.docsite.guide_policy
    description: How to audit many environments, and what the report contains.
"""

EXAMPLES = r"""
- name: Find the runtimes that violate the policy
  mstr.library.mstr_audit:
    policy:
      networks_within:
        - 10.0.0.0/8
    include_scripts: true
    detail: true
  register: audit

- name: Show the findings
  ansible.builtin.debug:
    msg: "{{ audit.findings }}"

- name: Write a page
  ansible.builtin.copy:
    content: "{{ [audit.details] | mstr.library.report_file('audit.html') }}"
    dest: audit.html
    mode: "0644"
  diff: false
  changed_when: false
"""

RETURN = r"""
msg:
  description: The result in one line. After a failure, what failed.
  returned: always
  type: str
  sample: "prod: 12 runtimes (with the default one), 2 violations, 1 differs from its definition"
outcome:
  description:
    - The first of these values that applies - V(failed), V(violations), V(drift), V(problems), V(not_evaluated),
      V(clean). They are explained in P(mstr.library.environment_report#filter).
  returned: always
  type: str
  sample: violations
counts:
  description:
    - The numbers of runtimes and of findings of each kind, as in P(mstr.library.environment_report#filter). Null if
      the runtimes could not be read.
  returned: always
  type: dict
  sample:
    runtimes: 12
    scripts: 30
    scheduled: 4
    violations: 2
    unreadable: 0
    exempted: 0
    expiring: 0
    not_evaluated: 0
    differing: 1
    moved: 0
    undefined: 0
    problems: 0
    failed_runs: 0
    mismatches: 0
    python_ended: 3
    unfinished: 0
    dangling: 0
    unread: 0
findings:
  description: A sentence for each finding, which begins with the name of the environment.
  returned: always
  type: list
  elements: str
  sample:
    - "prod: 'Nightly reports' whitelist 0.0.0.0/0 violates networks_within"
incomplete:
  description: Why the list of runtimes may be incomplete. Null if it is complete.
  returned: always
  type: str
mismatches:
  description: As RV(mstr.library.mstr_runtime_info#module:mismatches). Null if it is not known what is installed.
  returned: always
  type: list
  elements: dict
  sample: []
python:
  description:
    - The branches of Python that the runtimes have, those that end first in front, with the keys of
      C(python) in P(mstr.library.environment_report#filter). Null if the runtimes could not be read.
  returned: always
  type: list
  elements: dict
  sample:
    - branch: "3.10"
      end_of_life: "2026-10-31"
      days_left: -30
      runtimes: 3
      scripts: 14
      scheduled: 1
      scheduled_scripts:
        - Load sales
report:
  description:
    - The data of the report without the inventory of runtimes, as a text that P(mstr.library.report_file#filter) takes.
    - It is one text because Ansible walks through every value of a result several times.
  returned: always
  type: str
details:
  description: The same with every runtime. Null without O(detail=true).
  returned: always
  type: str
"""

from functools import partial

from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._work.audit import (
    AUDIT_OPTIONS,
    audit,
    audit_inputs_from,
    requires,
)


def main() -> None:
    """Entry point."""
    auth.run(
        auth.argument_spec(**AUDIT_OPTIONS),
        audit,
        prepare=partial(audit_inputs_from, auth.checked_entry),
        requires=requires,
        mutually_exclusive=[("runtimes", "src")],
    )


if __name__ == "__main__":
    main()
