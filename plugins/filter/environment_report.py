# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: environment_report
short_description: Report in a few lines what was done to an environment, or what an audit found there
version_added: 0.1.0
description:
  - Takes the result of M(mstr.library.mstr_runtimes), also of a failed task, and returns a short report of it, for
    people and for programs. With O(read), it reports what an audit found.
  - In check mode, what would change is drift.
  - P(mstr.library.report_file#filter) makes a file of such reports.
author:
  - mstr.library contributors (@mstr-library)
options:
  _input:
    description:
      - The result of M(mstr.library.mstr_runtimes), or of the task that failed in its place. Null in an audit without
        definitions.
    type: dict
    required: true
  environment:
    description: The name of the environment.
    type: str
    required: true
  check_mode:
    description: Whether the result is a prediction.
    type: bool
    default: false
  read:
    description: The result of M(mstr.library.mstr_runtime_info) for all runtimes, in an audit.
    type: dict
  policy:
    description: The policy of the audit, which the report repeats.
    type: dict
  accepted:
    description: Names, patterns of names, or ids of runtimes whose violations of the policy are accepted.
    type: list
    elements: str
    default: []
  detail:
    description: Whether to add every runtime with all that a page shows of it.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Compare the server with a list
  mstr.library.mstr_runtimes:
    runtimes:
      - name: Nightly reports
        exec_timeout: 900
  check_mode: true
  register: comparison

- name: Show how it drifts
  ansible.builtin.debug:
    msg: "{{ (comparison | mstr.library.environment_report('production', check_mode=true)).lines }}"
"""

RETURN = r"""
_value:
  description: The report.
  type: dict
  contains:
    environment:
      description: The name of the environment.
      type: str
    outcome:
      description:
        - V(drift) if a real run would change something, V(changed) if one did.
        - Of an audit, the first of these that applies - V(failed), V(violations), V(drift), V(problems) for a runtime
          in error or without one of its packages, V(clean).
      type: str
      choices: [unchanged, drift, changed, failed, violations, problems, clean]
    message:
      description: Why it failed, or null.
      type: str
    summary:
      description: As M(mstr.library.mstr_runtimes) returns it, or null.
      type: dict
    runtimes:
      description:
        - The runtimes that differ or failed, each with C(name), C(id), C(action), C(error), and C(fields).
        - Each field has C(field), C(wanted) and C(found). For a runtime that is created, C(found) is null.
      type: list
      elements: dict
    counts:
      description:
        - Of an audit, how many C(runtimes), C(violations), C(accepted) violations, C(differing) and C(undefined)
          runtimes, runtimes with C(problems), and look-ups of scripts that failed (C(unread)).
      type: dict
    policy:
      description: The policy of an audit, or null.
      type: dict
    compared:
      description: Whether the audit compared the environment with definitions.
      type: bool
    violations:
      description: As M(mstr.library.mstr_runtime_info) returns them.
      type: list
      elements: dict
    unread:
      description: As M(mstr.library.mstr_runtime_info) returns it.
      type: list
      elements: dict
    lines:
      description: A line for the environment, and one for each field that differs and each finding.
      type: list
      elements: str
    inventory:
      description: With O(detail), every runtime with all that a page shows of it.
      type: list
      elements: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.mstr.library.plugins.plugin_utils import _environment
from ansible_collections.mstr.library.plugins.plugin_utils._inventory import Sources


def environment_report(
    result: Any,
    environment: str,
    check_mode: bool = False,
    read: Any = None,
    policy: Any = None,
    accepted: Any = (),
    detail: bool = False,
) -> dict[str, Any]:
    """The report. Raises AnsibleFilterError where the input is not the result of a task."""
    # ansible-core 2.16 makes an empty text of a null that comes out of a template.
    result = None if result == "" else result
    if not (isinstance(result, Mapping) or (result is None and isinstance(read, Mapping))):
        raise AnsibleFilterError("environment_report takes the result of mstr.library.mstr_runtimes")
    sources = Sources(
        environment=str(environment),
        applied=result,
        check_mode=check_mode,
        read=read,
        policy=policy or None,
        accepted=[accepted] if isinstance(accepted, str) else list(accepted or ()),
    )
    return _environment.environment_report(sources, detail)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"environment_report": environment_report}
