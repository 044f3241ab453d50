# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: runtime_definitions
short_description: Turn runtimes as read into the definitions that make them
version_added: 0.1.0
description:
  - Takes what M(mstr.library.mstr_runtime_info) returns, and returns what M(mstr.library.mstr_runtimes) takes.
  - Leaves out read-only fields, the server's default runtime, and fields that the server never set. Nothing else is
    lost. The order is the same each time, so that a file of it is stable in version control.
  - If a definition cannot express a runtime, the filter fails and names the runtime. Examples are a host name in a
    whitelist, a value that Ansible has masked, and two runtimes with the same name. O(exclude) leaves such runtimes
    out.
author:
  - mstr.library contributors (@mstr-library)
options:
  _input:
    description: The runtimes, as RV(mstr.library.mstr_runtime_info#module:runtimes) has them.
    type: list
    elements: dict
    required: true
  exclude:
    description: Names, or shell patterns of names, of runtimes to leave out.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: All runtimes of a server
  mstr.library.mstr_runtime_info:
  register: all_runtimes

- name: A file that makes them again
  ansible.builtin.copy:
    content: >-
      {{ {'runtimes': all_runtimes.runtimes | mstr.library.runtime_definitions} | ansible.builtin.to_nice_yaml }}
    dest: runtimes.yml
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The definitions, sorted by name.
  type: list
  elements: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.mstr.library.plugins.module_utils._errors import ValidationError
from ansible_collections.mstr.library.plugins.module_utils._export import to_definitions
from ansible_collections.mstr.library.plugins.module_utils._networks import NETADDR_IMPORT_ERROR


def runtime_definitions(runtimes: Any, exclude: Any = ()) -> list[dict[str, Any]]:
    """The definitions of runtimes as read. Raises AnsibleFilterError with one sentence."""
    if NETADDR_IMPORT_ERROR:
        raise AnsibleFilterError("runtime_definitions needs the Python library netaddr on the controller")
    if not isinstance(runtimes, list) or not all(isinstance(one, Mapping) for one in runtimes):
        raise AnsibleFilterError("runtime_definitions takes a list of runtimes, as mstr_runtime_info returns it")
    try:
        return to_definitions(runtimes, [exclude] if isinstance(exclude, str) else exclude)
    except ValidationError as exc:
        raise AnsibleFilterError(
            f"A definition cannot express what the server holds. Fix it there, or exclude the runtime:\n{exc.sentence}"
        ) from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"runtime_definitions": runtime_definitions}
