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
  - Returns counts, findings, and all that was read. The playbook C(mstr.library.audit) does this for every host of an
    inventory, and writes a page for people, Markdown, an SBOM, or a file ending in C(.json), which has these keys for
    each environment.
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
      - Whether to find the saved scripts that run on each runtime, on which schedules they run, and how their last runs
        ended. See O(mstr.library.mstr_runtime_info#module:include_scripts) and
        O(mstr.library.mstr_runtime_info#module:include_tasks) for what this costs.
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
    - The first of these values that applies - V(failed), V(violations), V(drift), V(problems), V(not_evaluated),
      V(clean). V(problems) is any finding beside violations and drift that somebody has to look at. Without a policy,
      an audit without findings is V(not_evaluated). In the report of an apply, V(drift) in check mode, V(changed) or
      V(unchanged).
  returned: always
  type: str
  sample: violations
message:
  description: Why the audit or the apply failed. Null if it did not.
  returned: always
  type: str
counts:
  description:
    - The number of findings of each kind. Null where nobody looked - V(violations), V(not_evaluated) and V(exempted)
      without a policy; V(drift) and V(undefined) without definitions; V(dangling) and V(failed_runs) without
      O(include_scripts=true); V(mismatches) without O(include_installed=true). In the report of an apply, all of it is
      null.
  returned: always
  type: dict
  sample:
    open_networks: 0
    violations: 2
    incomplete: 0
    drift: 1
    not_ready: 0
    python_ended: 0
    dangling: 0
    failed_runs: 0
    unfinished: 0
    mismatches: null
    unread: 0
    undefined: 0
    not_evaluated: 0
    exempted: 0
findings:
  description:
    - What was found, the worst first.
    - C(kind) is a key of RV(counts) - V(open_networks), runtimes whose whitelist is open to everything; V(violations)
      of the policy; V(incomplete), a list that may lack runtimes; V(drift), what an apply would do or refuse;
      V(not_ready), runtimes or packages that failed; V(python_ended), each branch of Python whose support has ended or
      ends within 90 days; V(dangling), scripts whose runtime does not exist; V(failed_runs), scripts whose last run
      failed; V(unfinished), replacements; V(mismatches), installed versions that are not the defined ones; V(unread),
      what could not be read; V(undefined), runtimes that no definition names; V(not_evaluated), values that the policy
      could not evaluate; V(exempted), violations that an exemption lets pass.
  returned: always
  type: list
  elements: dict
  contains:
    kind:
      description: What kind of finding it is.
      type: str
    runtime:
      description: The name of the runtime. Null if it is about the environment.
      type: str
    text:
      description: The rest of a sentence about the runtime, or a sentence. It may have several lines.
      type: str
    data:
      description: The values in it, with the C(id) of the runtime. The keys depend on the kind.
      type: dict
  sample:
    - kind: violations
      runtime: Nightly reports
      text: "whitelist 0.0.0.0/0 violates networks_within: it is outside of 10.0.0.0/8"
      data:
        id: 4B1C0F5A3D2E4F6A8B9C0D1E2F3A4B5C
        option: whitelist
        value: 0.0.0.0/0
        rules:
          - networks_within
        detail: is outside of 10.0.0.0/8
summary:
  description: Only in the report of an apply, as RV(mstr.library.mstr_runtimes#module:summary).
  returned: always
  type: dict
plan_id:
  description: Only in the report of an apply, as RV(mstr.library.mstr_runtimes#module:plan_id).
  returned: always
  type: str
changes:
  description: What an apply would do with each runtime that differs, or did. Deletions come first.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The name of the runtime.
      type: str
    id:
      description: Its id. Null if there is none yet.
      type: str
    action:
      description: As in RV(mstr.library.mstr_runtimes#module:runtimes).
      type: str
    fields:
      description: The fields that differ, each with C(field), C(before) and C(after).
      type: list
      elements: dict
    error:
      description: Why it would fail, or failed. Null if it does not.
      type: str
    smoke_test:
      description: The code that would run, or ran. Null without any.
      type: str
    definition:
      description: What is deleted, in the vocabulary of a definition.
      type: dict
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
  returned: always
  type: list
  elements: str
policy:
  description: The rules of O(policy) that forbid anything, and its exemptions. Null without any.
  returned: always
  type: dict
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
