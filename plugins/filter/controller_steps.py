# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: controller_steps
short_description: Compare wanted objects of AWX with those that a controller has
version_added: 1.0.0
description:
  - Compares objects that the role P(mstr.library.controller#role) wants with those that the controller has, and returns
    what the role has to do.
  - The role uses it. There is no other use for it.
author:
  - mstr.library contributors (@mstr-library)
seealso:
  - module: mstr.library.mstr_info
  - ref: ansible_collections.mstr.library.docsite.guide_awx
    description: How to set up a controller with the role mstr.library.controller.
options:
  _input:
    description: The wanted objects, as options of the modules of awx.awx, by the endpoint of their API.
    type: dict
    required: true
  found:
    description: The objects of the controller, by the endpoint of their API.
    type: dict
    required: true
  owner:
    description: What the role records in the objects that it makes.
    type: dict
    required: true
  made:
    description: Results of the tasks that have made objects since they were looked up.
    type: list
    elements: dict
    default: []
  kept:
    description:
      - If given, the filter returns the steps that delete the objects of stages whose names are not in this list. An
        empty list deletes the objects that the stages share, too.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Compare a project with an empty controller
  ansible.builtin.debug:
    msg: "{{ wanted | mstr.library.controller_steps({}, {'prefix': 'Library'}) | map(attribute='line') }}"
  vars:
    wanted:
      projects:
        - name: Library definitions
          description: Definitions of runtimes
"""

RETURN = r"""
_value:
  description:
    - One step for each object that differs, with its C(kind), C(name), C(action), the C(args) of the module, and a
      C(line) of text. For O(kept), C(others) lists what others would lose.
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.mstr.library.plugins.plugin_utils._controller.removals import removals
from ansible_collections.mstr.library.plugins.plugin_utils._controller.steps import steps
from ansible_collections.mstr.library.plugins.plugin_utils._untrusted import untrusted


def controller_steps(objects: Any, found: Any, owner: Any, made: Any = (), kept: Any = None) -> Any:
    """The steps. Values of the controller are never templates."""
    if kept is not None:
        return untrusted(removals(found, owner, kept))
    return untrusted([step for step in steps(objects, found, owner, made) if step["action"] != "none"])


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"controller_steps": controller_steps}
