# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: report_file
short_description: Convert environment reports into a page, Markdown, JSON, an SBOM or a plan
version_added: 1.0.0
description:
  - Takes reports that the filter P(mstr.library.environment_report#filter) returned with C(detail=true), and returns
    the text of one file. The suffix of O(dest) decides the format.
  - C(.md) is Markdown of at most 60,000 characters, for a comment on a pull or merge request. What would be deleted or
    replaced comes first.
  - C(.cdx.json) is a software bill of materials (SBOM) in the format CycloneDX 1.6. It contains all packages and the
    runtimes that have them, so that scanners can find packages with known vulnerabilities.
  - The HTML page needs no other file. All values from a server are escaped.
  - With O(kind=plan), it returns the JSON text of a plan to approve.
  - The filter writes no file. Write the text with M(ansible.builtin.copy).
author:
  - mstr.library contributors (@mstr-library)
seealso:
  - plugin: mstr.library.environment_report
    plugin_type: filter
  - module: mstr.library.mstr_runtime_info
  - ref: ansible_collections.mstr.library.docsite.guide_policy
    description: How to audit many environments, and what the report contains.
options:
  _input:
    description: The reports, one for each environment. They may be packed.
    type: list
    elements: raw
    required: true
  dest:
    description:
      - The name of the file. It must end in C(.html), C(.json), C(.md) or, for an audit, C(.cdx.json).
      - With O(kind=plan), any name.
    type: str
    required: true
  kind:
    description: What the reports are about. V(plan) is the check before an approval.
    type: str
    choices: [audit, apply, plan]
    default: audit
  check_mode:
    description: Whether the reports come from check mode. An audit ignores it.
    type: bool
    default: false
  not_reached:
    description:
      - The names of environments that the run may not have reached. The file says so of those that have no report.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Read all runtimes
  mstr.library.mstr_runtime_info:
    policy:
      networks_within:
        - 10.0.0.0/8
  register: found

- name: Write a page
  ansible.builtin.copy:
    content: "{{ [report] | mstr.library.report_file('runtimes.html') }}"
    dest: runtimes.html
    mode: "0644"
  vars:
    report: "{{ none | mstr.library.environment_report('production', read=found, detail=true) }}"
  diff: false
  changed_when: false
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.mstr.library.plugins.plugin_utils._reports import formats, plan_file, texts

_WRONG = "report_file takes a list of reports, as environment_report returns them"


def report_file(
    environments: Any, dest: str, kind: str = "audit", check_mode: bool = False, not_reached: Any = ()
) -> str:
    """The text of the file. Raises AnsibleFilterError with one sentence."""
    if isinstance(environments, (str, Mapping)):
        raise AnsibleFilterError(_WRONG)
    reports = [_unpacked(report) for report in environments or ()]
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    if kind == "plan":
        return plan_file.plan_text(reports, now)
    if kind not in ("audit", "apply"):
        raise AnsibleFilterError(f"report_file: kind must be audit, apply or plan, not {kind!r}")
    try:
        suffix = formats.format_of(str(dest), kind)
    except ValueError as exc:
        raise AnsibleFilterError(str(exc)) from None
    report = formats.whole(reports, kind, now, check_mode, not_reached or ())
    return "".join(texts.without_controls_in(formats.parts(report, suffix)))


def _unpacked(report: Any) -> Mapping[str, Any]:
    try:
        content = texts.content_of(report) if isinstance(report, str) else report
    except ValueError:
        raise AnsibleFilterError(_WRONG) from None
    if not isinstance(content, Mapping):
        raise AnsibleFilterError(_WRONG)
    return content


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"report_file": report_file}
