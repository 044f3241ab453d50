# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: environment_report
short_description: Tell in a few lines what became of an environment, or how it drifts
version_added: 0.1.0
description:
  - Takes the result of M(mstr.library.mstr_runtimes), of a failed task too, and gives a short report of it, for people
    and for programs.
  - In check mode, what would change is drift. The values of its fields are known with C(diff) alone.
author:
  - mstr.library contributors (@mstr-library)
options:
  _input:
    description: The result of M(mstr.library.mstr_runtimes), or of whatever failed in its place.
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
"""

EXAMPLES = r"""
- name: Compare the server with a list
  mstr.library.mstr_runtimes:
    runtimes:
      - name: Nightly reports
        exec_timeout: 900
  check_mode: true
  diff: true
  register: comparison

- name: Tell how it drifts
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
      description: V(drift) where a real run would change something, V(changed) where one did.
      type: str
      choices: [unchanged, drift, changed, failed]
    message:
      description: Why it failed, or null.
      type: str
    summary:
      description: As M(mstr.library.mstr_runtimes) returns it, or null.
      type: dict
    runtimes:
      description:
        - The runtimes that differ or failed, each with C(name), C(id), C(action), C(error), and C(fields).
        - Each of these has C(field), and C(wanted) and C(found), which are null where C(diff) did not show them.
      type: list
      elements: dict
    lines:
      description: A line for the environment, and one for each of these runtimes.
      type: list
      elements: str
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError

_WORDS = {"created": "create", "updated": "update", "deleted": "delete"}


def environment_report(result: Any, environment: str, check_mode: bool = False) -> dict[str, Any]:
    """The report on a result. Raises AnsibleFilterError where it is none."""
    if not isinstance(result, Mapping):
        raise AnsibleFilterError("environment_report takes the result of mstr.library.mstr_runtimes")
    differences = {str(one.get("before_header")): one for one in result.get("diff") or () if isinstance(one, Mapping)}
    runtimes = [_runtime(entry, differences) for entry in result.get("runtimes") or () if entry.get("action") != "none"]
    if result.get("failed"):
        outcome = "failed"
    elif runtimes:
        outcome = "drift" if check_mode else "changed"
    else:
        outcome = "unchanged"
    message = str(result.get("msg") or "It is not said why.") if outcome == "failed" else None
    summary = result.get("summary")
    head = f"{environment}: {_counted(summary, check_mode)}" if summary else f"{environment}: failed: {message}"
    return {
        "environment": str(environment),
        "outcome": outcome,
        "message": message,
        "summary": summary,
        "runtimes": runtimes,
        "lines": [head, *(f"{environment}: {_line(one, check_mode)}" for one in runtimes)],
    }


def _runtime(entry: Mapping[str, Any], differences: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    name, identity = entry.get("name"), entry.get("id")
    difference = differences.get(f"runtime {name!r} ({identity or 'new'})")
    before, after = ({}, {}) if difference is None else (difference["before"], difference["after"])
    return {
        "name": name,
        "id": identity,
        "action": entry["action"],
        "error": (entry.get("error") or {}).get("msg"),
        "fields": [
            {"field": field, "wanted": after.get(field), "found": before.get(field)}
            for field in entry.get("changed_fields") or ()
        ],
    }


def _counted(summary: Mapping[str, int], check_mode: bool) -> str:
    """Such as C(1 to create, 2 to update, 47 unchanged)."""
    told = [
        f"{summary[action]} {f'to {verb}' if check_mode else action}"
        for action, verb in _WORDS.items()
        if summary.get(action)
    ]
    told += [f"{summary[word]} {word}" for word in ("failed", "unchanged") if summary.get(word)]
    return ", ".join(told) or "no runtimes"


def _line(runtime: Mapping[str, Any], check_mode: bool) -> str:
    name, action = repr(runtime["name"] or runtime["id"]), runtime["action"]
    if action == "failed":
        return f"{name} failed: {runtime['error']}"
    if action != "updated":
        missing = {"created": "is missing, to create", "deleted": "is too much, to delete"}
        return f"{name} {missing[action] if check_mode else action}"
    fields = ", ".join(_change(one) for one in runtime["fields"])
    return f"{name} {'differs' if check_mode else 'updated'}: {fields}"


def _change(field: Mapping[str, Any]) -> str:
    if field["wanted"] is None and field["found"] is None:
        return str(field["field"])
    return f"{field['field']} wanted {field['wanted']!r} → found {field['found']!r}"


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"environment_report": environment_report}
