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
  - Reads all runtimes of one environment as M(mstr.library.mstr_runtime_info) does, evaluates them by a policy, and
    compares them with their definitions, if there are any, as M(mstr.library.mstr_runtimes) does in check mode. It
    changes nothing.
  - The playbook C(mstr.library.audit) does this for every host of an inventory, and writes a page for people, Markdown,
    an SBOM, or a file ending in C(.json), which has these keys for each environment.
  - A finding does not fail the task. If the audit could not be done, the task fails, and has the same keys.
author:
  - mstr.library contributors (@mstr-library)
extends_documentation_fragment:
  - mstr.library.auth
  - mstr.library.attributes
  - mstr.library.attributes.group
  - mstr.library.policy.short
  - mstr.library.definitions
  - mstr.library.protect
  - mstr.library.projects
options:
  include_scripts:
    description:
      - Whether to find the saved scripts of each runtime, their schedules, and how their last runs ended, as
        O(mstr.library.mstr_runtime_info#module:include_scripts) does.
    type: bool
    default: false
  include_installed:
    description:
      - Whether to find out what is installed, as O(mstr.library.mstr_runtime_info#module:include_installed) does. The
        policy then evaluates it, and an SBOM is complete.
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
  register: audit

- name: Show the findings
  ansible.builtin.debug:
    msg: "{{ audit.findings }}"

- name: Show the runtimes that are open to everything
  ansible.builtin.debug:
    msg: "{{ audit.findings | selectattr('kind', 'equalto', 'open_networks') | map(attribute='runtime') }}"
"""

RETURN = r"""
msg:
  description: The result in one line. After a failure, what failed.
  returned: always
  type: str
  sample: "12 runtimes (with the default one), 2 violations, 1 differs from its definition"
environment:
  description: The name of the host.
  returned: always
  type: str
  sample: prod
server:
  description: The address of the server. Null in a task of your own; the playbooks know it.
  returned: always
  type: str
outcome:
  description:
    - The first that applies of V(failed), V(violations), V(drift), V(problems) (any other finding that somebody has to
      look at), V(not_evaluated) (without a policy) and V(clean). In the report of an apply, V(failed), V(drift),
      V(changed) or V(unchanged).
  returned: always
  type: str
  sample: violations
message:
  description: Why the audit or the apply failed. Null if it did not.
  returned: always
  type: str
counts:
  description:
    - The number of findings of each kind, by the kinds of RV(findings). Null where nobody looked, such as
      C(violations) without a policy, and in the report of an apply.
  returned: always
  type: dict
findings:
  description:
    - What was found, the worst first. C(kind) is V(open_networks), a whitelist that is open to everything;
      V(violations) of the policy; V(incomplete), a list that may lack runtimes; V(drift), what an apply would do or
      refuse; V(not_ready), what failed; V(python_ended), a Python that has ended or ends within 90 days; V(dangling),
      scripts whose runtime does not exist; V(failed_runs), scripts whose last run failed; V(mismatches), installed
      versions that are not the defined ones; V(unread), what could not be read; V(undefined), runtimes without a
      definition; V(not_evaluated), what the policy could not evaluate; or V(exempted).
    - C(text) is a sentence, or its rest after the name C(runtime), which is null for the environment. C(data) has the
      values in it, with the C(id) of the runtime.
  returned: always
  type: list
  elements: dict
  sample:
    - kind: violations
      runtime: Nightly reports
      text: "whitelist 0.0.0.0/0 violates networks_within: it is outside of 10.0.0.0/8"
      data: {id: 4B1C0F5A3D2E4F6A8B9C0D1E2F3A4B5C, option: whitelist, value: 0.0.0.0/0, rules: [networks_within]}
summary:
  description: Only in the report of an apply, as RV(mstr.library.mstr_runtimes#module:summary).
  returned: always
  type: dict
plan_id:
  description: Only in the report of an apply, as RV(mstr.library.mstr_runtimes#module:plan_id).
  returned: always
  type: str
changes:
  description:
    - What an apply would do with each runtime that differs, or did, deletions first. Each has C(name), C(id),
      C(action), C(fields) with C(field), C(before) and C(after), C(error), C(smoke_test), and for a deletion
      C(definition).
  returned: always
  type: list
  elements: dict
scripts:
  description: The scripts that would be moved, or were, as in RV(mstr.library.mstr_runtimes#module:scripts).
  returned: always
  type: list
  elements: dict
runtimes:
  description:
    - All runtimes as read, with the keys of RV(mstr.library.mstr_runtime_info#module:runtimes). C(scripts) is null if
      it is not known which scripts use the runtime. In the report of an apply, those of the definitions.
  returned: always
  type: list
  elements: dict
warnings:
  description: The warnings of the task.
  returned: when there are any
  type: list
  elements: str
policy:
  description: The rules of O(policy) that forbid anything, and its exemptions. Null without any.
  returned: always
  type: dict
"""

from functools import partial

from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._options import check_entry
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
        prepare=partial(audit_inputs_from, check_entry),
        requires=requires,
        mutually_exclusive=[("runtimes", "src")],
    )


if __name__ == "__main__":
    main()
