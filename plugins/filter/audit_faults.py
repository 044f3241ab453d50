# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_faults
short_description: Check the variables of an audit before it reads anything
version_added: 1.1.0
description:
  - Takes a policy, and returns a sentence for each fault in it and in the other variables of an audit. The playbook
    C(mstr.library.audit) refuses to audit an environment with such a fault.
  - A check that would evaluate nothing is a fault, because it would never fail.
author:
  - mstr.library contributors (@mstr-library)
seealso:
  - plugin: mstr.library.environment_report
    plugin_type: filter
  - module: mstr.library.mstr_runtime_info
  - ref: ansible_collections.mstr.library.docsite.guide_policy
    description: How to audit many environments, and to exempt violations.
options:
  _input:
    description: The policy, or null.
    type: dict
    required: true
  fail_on_violation:
    description: Whether violations are to fail. This needs a policy with a rule.
    type: bool
    default: false
  fail_on_drift:
    description: Whether differences from the definitions are to fail. This needs O(compares).
    type: bool
    default: false
  compares:
    description: Whether there are definitions to compare with.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show what is wrong with a policy
  ansible.builtin.debug:
    msg: "{{ policy | mstr.library.audit_faults(fail_on_violation=true) }}"
  vars:
    policy:
      networks_within:
        - intranet
"""

RETURN = r"""
_value:
  description: The faults, each as a sentence.
  type: list
  elements: str
"""

from typing import Any, Callable

from ansible_collections.mstr.library.plugins.module_utils._errors import ValidationError
from ansible_collections.mstr.library.plugins.plugin_utils._reports import evaluation


def audit_faults(
    policy: Any,
    fail_on_violation: Any = False,
    fail_on_drift: Any = False,
    compares: bool = False,
) -> list[str]:
    """The faults."""
    try:
        evaluation.check_audit(policy, fail_on_violation, fail_on_drift, compares)
    except ValidationError as exc:
        return list(exc.errors)
    return []


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"audit_faults": audit_faults}
