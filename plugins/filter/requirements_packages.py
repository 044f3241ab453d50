# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: requirements_packages
short_description: Convert a lock file into packages
version_added: 1.0.0
description:
  - Takes the text of a lock file, and returns what the option C(packages) of M(mstr.library.mstr_runtime) takes.
  - A lock file has pinned requirements (C(name==version)), as C(uv export), C(pip-compile) and C(pip freeze) write
    them, or is a C(pylock.toml).
  - Markers are evaluated for Linux on C(x86_64) and O(python). Extras and hashes are dropped. What an extra needs is in
    the lock file itself; a hash is not checked, because a runtime takes only names and versions.
  - What is not pinned (C(==2.*) is not), a URL, a path, and an option such as C(-r), C(-e) or C(--index-url) are
    refused, all in one message, by line. So is a text without a package, because an empty list would remove all.
  - Reading C(pylock.toml) needs Python 3.11 or the Python library tomli on the control node.
author:
  - mstr.library contributors (@mstr-library)
seealso:
  - module: mstr.library.mstr_runtimes
  - ref: ansible_collections.mstr.library.docsite.guide_lock_file
    description: From a lock file to a runtime.
options:
  _input:
    description: The text of the lock file.
    type: str
    required: true
  python:
    description: The version of Python that markers are evaluated for, such as V("3.12"), in quotes.
    type: str
    default: "3.12"
"""

EXAMPLES = r"""
- name: Create a runtime with the packages of a lock file
  mstr.library.mstr_runtime:
    name: Forecasts
    packages: "{{ lookup('ansible.builtin.file', 'requirements.txt') | mstr.library.requirements_packages }}"

- name: The same for the Python of this runtime
  mstr.library.mstr_runtime:
    name: Old forecasts
    packages: >-
      {{ lookup('ansible.builtin.file', 'requirements.txt') | mstr.library.requirements_packages(python='3.10') }}
"""

RETURN = r"""
_value:
  description: The packages, each with C(name) and C(version), sorted by name.
  type: list
  elements: dict
"""

from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.mstr.library.plugins.module_utils._errors import ValidationError
from ansible_collections.mstr.library.plugins.plugin_utils._reports.texts import plain
from ansible_collections.mstr.library.plugins.plugin_utils._requirements import pinned_packages


def requirements_packages(text: Any, python: Any = "3.12") -> list[dict[str, str]]:
    """The packages of a lock file. Raises AnsibleFilterError with every error."""
    if not isinstance(text, str):
        raise AnsibleFilterError(f"requirements_packages takes the text of a lock file, not a {type(text).__name__}")
    try:
        return pinned_packages(plain(text), plain(python))
    except ValidationError as exc:
        raise AnsibleFilterError(f"requirements_packages cannot use this lock file:\n{exc.sentence}") from None


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"requirements_packages": requirements_packages}
