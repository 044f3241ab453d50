# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: runtime_definitions
short_description: Convert runtimes from a server into definitions
version_added: 1.0.0
description:
  - Takes the runtimes that M(mstr.library.mstr_runtime_info) returns, and returns definitions for the option
    C(runtimes) of M(mstr.library.mstr_runtimes).
  - The definitions omit the default runtime of the server and read-only fields. They keep everything else. A field
    that was never set on the server is empty in the definition, so that applying the definition clears it.
  - If an option has no empty value, such as C(resource), and the server has no value, the definition omits it.
  - The order is always the same, so a file with the definitions changes in version control only if a runtime changes.
  - If a runtime cannot be expressed as a definition, the filter fails and names it. Examples are a whitelist with a
    host name, a value that Ansible has masked, and two runtimes with the same name. Fix the runtime on the server, or
    leave it out with the filter C(rejectattr).
  - The control node must have the Python library netaddr.
author:
  - mstr.library contributors (@mstr-library)
seealso:
  - module: mstr.library.mstr_runtime_info
  - module: mstr.library.mstr_runtimes
  - ref: ansible_collections.mstr.library.docsite.guide_runtimes_as_code
    description: How to export the runtimes of a server with the role P(mstr.library.runtimes#role).
options:
  _input:
    description: The result of M(mstr.library.mstr_runtime_info), or its list C(runtimes).
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Read all runtimes
  mstr.library.mstr_runtime_info:
  register: all_runtimes

- name: Write their definitions to a file
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
from ansible_collections.mstr.library.plugins.module_utils._model.networks import NETADDR_IMPORT_ERROR
from ansible_collections.mstr.library.plugins.plugin_utils._reports.export import to_definitions


def runtime_definitions(runtimes: Any) -> list[dict[str, Any]]:
    """The definitions of runtimes as read. Raises AnsibleFilterError with one sentence."""
    if NETADDR_IMPORT_ERROR:
        raise AnsibleFilterError("runtime_definitions needs the Python library netaddr on the control node")
    if isinstance(runtimes, Mapping):
        runtimes = runtimes.get("runtimes")
    if not isinstance(runtimes, list) or not all(isinstance(runtime, Mapping) for runtime in runtimes):
        raise AnsibleFilterError("runtime_definitions takes the result of mstr_runtime_info, or its list of runtimes")
    try:
        return to_definitions(runtimes)
    except ValidationError as exc:
        raise AnsibleFilterError(
            "A definition cannot express what the server holds. Fix it there, or leave the runtime out with the filter "
            f"rejectattr:\n{exc.sentence}"
        ) from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"runtime_definitions": runtime_definitions}
