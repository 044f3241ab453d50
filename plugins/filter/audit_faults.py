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
  - A check that would judge nothing is a fault, because it would never fail.
author:
  - mstr.library contributors (@mstr-library)
seealso:
  - plugin: mstr.library.environment_report
    plugin_type: filter
  - module: mstr.library.mstr_runtime_info
  - ref: ansible_collections.mstr.library.docsite.guide_policy
    description: How to audit many environments, and to accept violations.
options:
  _input:
    description: The policy, or null.
    type: dict
    required: true
  accepted:
    description: The violations that are accepted, as for P(mstr.library.environment_report#filter).
    type: list
    elements: raw
    default: []
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

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.mstr.library.plugins.module_utils._errors import Faults
from ansible_collections.mstr.library.plugins.plugin_utils import _judging


def audit_faults(
    policy: Any,
    accepted: Any = (),
    fail_on_violation: Any = False,
    fail_on_drift: Any = False,
    compares: bool = False,
) -> list[str]:
    """The faults."""
    faults = Faults()
    before = len(faults.found)
    rules = faults.check(_judging.rules_of, policy, place="mstr_runtimes_policy")
    readable = len(faults.found) == before
    faults.check(_judging.acceptances_from, accepted)
    if _is_on("mstr_fail_on_violation", fail_on_violation, faults) and readable and not rules:
        faults.add(
            "mstr_fail_on_violation is set, but mstr_runtimes_policy has no rule, so nothing would be judged. Set "
            "mstr_runtimes_policy, or remove mstr_fail_on_violation."
        )
    if _is_on("mstr_fail_on_drift", fail_on_drift, faults) and not compares:
        faults.add(
            "mstr_fail_on_drift is set, but neither mstr_runtimes nor mstr_runtimes_src is set, so nothing would be "
            "compared. Set one of them, or remove mstr_fail_on_drift."
        )
    return faults.found


def _is_on(name: str, value: Any, faults: Faults) -> bool:
    if value is None or value == "":
        return False
    try:
        return bool(boolean(value))
    except TypeError:
        faults.add(f"{name} must be true or false, not {str(value)!r}")
        return False


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"audit_faults": audit_faults}
