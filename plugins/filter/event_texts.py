# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: event_texts
short_description: Divide reports and definition files into texts that AWX shows without loss
version_added: 1.0.0
description:
  - AWX cuts the output of each event at 1,024 bytes, and the download of a job's output doubles each backslash. This
    filter returns texts that a playbook shows as labels of the items of a loop, so that each one is an event of at most
    1,000 bytes.
  - From a list of environment reports, it returns what somebody must see who approves them. First comes one line for
    each environment, then each runtime that would be deleted or replaced, with its definition and the scripts that use
    it. Findings, updates and creations follow; of these, at most fifty texts.
  - From the text of a definition file, it returns parts that, joined with line ends, are the file. If AWX would change
    a character of it, such as a backslash, the parts are the file in Base64.
  - The playbooks of the job templates use it.
author:
  - mstr.library contributors (@mstr-library)
seealso:
  - plugin: mstr.library.environment_report
    plugin_type: filter
  - ref: ansible_collections.mstr.library.docsite.guide_awx
    description: How to run the jobs of this collection in AWX.
options:
  _input:
    description: A list of reports of P(mstr.library.environment_report#filter), or the text of a definition file.
    type: raw
    required: true
  check_mode:
    description: For reports, whether they come from check mode or an audit, so that nothing was done yet.
    type: bool
    default: false
  page:
    description: For reports, where people find what does not fit, as the beginning of a sentence.
    type: str
    default: The report
  environment:
    description: For the text of a file, the name of the host that shows it.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show the text of a file
  ansible.builtin.assert:
    that: true
    quiet: true
  loop: "{{ text | mstr.library.event_texts(environment=inventory_hostname) }}"
  loop_control:
    label: "{{ '\n' ~ item ~ '\n' }}"
  vars:
    text: |
      runtimes:
        - name: Nightly reports
"""

RETURN = r"""
_value:
  description: The texts.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.mstr.library.plugins.plugin_utils._reports.events import approval_texts, copyable_texts
from ansible_collections.mstr.library.plugins.plugin_utils._untrusted import untrusted


def event_texts(shown: Any, check_mode: bool = False, page: str = "The report", environment: str = "") -> Any:
    """The texts. Names and descriptions in them are never templates."""
    if isinstance(shown, str):
        return untrusted(copyable_texts(shown, environment))
    return untrusted(approval_texts(shown, check_mode, page))


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"event_texts": event_texts}
