# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: approved_plan
short_description: Read the plan of one environment from a plan file
version_added: 1.0.0
description:
  - Takes the text of a plan file and returns the plan of one environment. The playbook C(mstr.library.apply) writes
    such a file with C(mstr_plan_dest), and the filter P(mstr.library.report_file#filter) returns its text.
  - If the file has no plan for the environment, C(error) says why. The filter does not fail, so that a playbook can
    report this for each environment.
author:
  - mstr.library contributors (@mstr-library)
seealso:
  - plugin: mstr.library.report_file
    plugin_type: filter
  - module: mstr.library.mstr_runtimes
  - ref: ansible_collections.mstr.library.docsite.guide_runtimes_as_code
    description: How to approve a plan, and apply exactly this plan.
options:
  _input:
    description: The text of the file.
    type: str
    required: true
  environment:
    description: The name of the environment, which is the name of its host in the inventory.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Check what would change
  mstr.library.mstr_runtimes:
    runtimes:
      - name: Nightly reports
        exec_timeout: 900
  check_mode: true
  register: checked

- name: Show the approved plan_id of this environment
  ansible.builtin.debug:
    msg: "{{ (text | mstr.library.approved_plan('production')).plan_id }}"
  vars:
    report: "{{ checked | mstr.library.environment_report('production', check_mode=true) }}"
    text: "{{ [report] | mstr.library.report_file('plan.json', kind='plan') }}"
"""

RETURN = r"""
_value:
  description: The plan.
  type: dict
  contains:
    plan_id:
      description: The id for the option O(mstr.library.mstr_runtimes#module:plan_id). Null if there is no plan.
      type: str
    error:
      description: Why there is no plan, as the rest of a sentence that starts with the name of the file. Null if there
        is a plan.
      type: str
"""

from typing import Any, Callable

from ansible_collections.mstr.library.plugins.plugin_utils._reports import plan_file


def approved_plan(text: Any, environment: str) -> dict[str, Any]:
    """The plan_id, or the reason why the file has no approved one."""
    try:
        return {"plan_id": plan_file.plan_of(str(text), str(environment))["plan_id"], "error": None}
    except ValueError as exc:
        return {"plan_id": None, "error": str(exc)}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"approved_plan": approved_plan}
