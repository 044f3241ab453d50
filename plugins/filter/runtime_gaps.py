# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: runtime_gaps
short_description: List what definitions of runtimes cannot restore
version_added: 1.1.0
description:
  - Takes the definitions that P(mstr.library.runtime_definitions#filter) returns, and lists the options that they omit,
    because the server has no value for them and the option has no empty value.
  - If somebody sets such an option afterwards, applying the definitions does not remove it again.
author:
  - mstr.library contributors (@mstr-library)
seealso:
  - plugin: mstr.library.runtime_definitions
    plugin_type: filter
  - ref: ansible_collections.mstr.library.docsite.guide_runtimes_as_code
    description: How to back up the runtimes of a server, and restore them.
options:
  _input:
    description: The definitions.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Read all runtimes
  mstr.library.mstr_runtime_info:
  register: all_runtimes

- name: Show what a backup could not restore
  ansible.builtin.debug:
    msg: "{{ all_runtimes.runtimes | mstr.library.runtime_definitions | mstr.library.runtime_gaps }}"
"""

RETURN = r"""
_value:
  description: A line for each option, with the names of the runtimes, such as C(resource.disk) and C(all runtimes).
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.mstr.library.plugins.module_utils._model.export import unrestorable


def runtime_gaps(definitions: Any) -> list[str]:
    """The lines. Raises AnsibleFilterError with one sentence."""
    if not isinstance(definitions, list) or not all(isinstance(one, Mapping) for one in definitions):
        raise AnsibleFilterError("runtime_gaps takes a list of definitions, as runtime_definitions returns it")
    return unrestorable(definitions)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"runtime_gaps": runtime_gaps}
