# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: environment_report
short_description: Make a short report of what was done to an environment, or what an audit found there
version_added: 1.0.0
description:
  - Takes the result of M(mstr.library.mstr_runtimes), whether or not the task failed, and returns a short report for
    people and for programs.
  - With O(read), it returns the report of an audit.
  - With O(check_mode=true), it reports what would change as drift.
  - To write such reports to a file, use the filter P(mstr.library.report_file#filter).
author:
  - mstr.library contributors (@mstr-library)
seealso:
  - module: mstr.library.mstr_runtimes
  - module: mstr.library.mstr_runtime_info
  - plugin: mstr.library.report_file
    plugin_type: filter
  - ref: ansible_collections.mstr.library.docsite.guide_many_environments
    description: How to apply definitions to many environments, and report on them.
  - ref: ansible_collections.mstr.library.docsite.guide_policy
    description: How to audit many environments.
options:
  _input:
    description:
      - The result of M(mstr.library.mstr_runtimes), or of an earlier task that failed so that this module did not run.
      - Null in an audit that does not compare the server with definitions. Then O(read) is required.
    type: dict
    required: true
  environment:
    description: The name of the environment, as the report shows it.
    type: str
    required: true
  check_mode:
    description: Whether the result comes from check mode, so that it contains what would change.
    type: bool
    default: false
  read:
    description: For an audit, the result of M(mstr.library.mstr_runtime_info) for all runtimes.
    type: dict
  policy:
    description:
      - For an audit, the policy that was used. The report shows it.
      - Without a policy, or with a policy without a rule, the report says that nothing was evaluated.
    type: dict
  detail:
    description: Whether to add all runtimes with their details. P(mstr.library.report_file#filter) needs them.
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

- name: Show the drift
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
        - V(changed) if the task changed something, V(drift) if it would change something, V(failed) if it failed, and
          V(unchanged) otherwise.
        - For an audit, the first of these values that applies - V(failed), V(violations), V(drift), V(problems),
          V(not_evaluated), V(clean). V(problems) means that a runtime is in error, that one of its packages is not
          installed, that the last run of a script failed, that the runtime of a script does not exist, that an
          exemption exempts nothing, or that the list of runtimes may be incomplete.
        - V(not_evaluated) means that the policy could not evaluate a value, such as a package without a version, or
          that there is no policy.
        - Only a C(.json) file that an audit writes again has V(not audited), for an environment that was not part of
          the run.
      type: str
      choices: [unchanged, drift, changed, failed, violations, problems, clean, not_evaluated, not audited]
    message:
      description: Why the task failed. Null if it did not fail.
      type: str
    summary:
      description:
        - RV(mstr.library.mstr_runtimes#module:summary) of the task. Null if it could not read the list of runtimes.
      type: dict
    plan_id:
      description:
        - RV(mstr.library.mstr_runtimes#module:plan_id) of the task. Null for an audit, and if the task failed before it
          had a plan.
      type: str
    runtimes:
      description:
        - The runtimes that differ or failed, each with the keys C(name), C(id), C(action), C(error) and C(fields).
        - Each item of C(fields) has the keys C(field), C(wanted) and C(found). C(found) is null if the runtime is new.
        - What is deleted or replaced also has C(definition), which goes.
      type: list
      elements: dict
    scripts:
      description: The scripts that were or would be assigned to a different runtime.
      type: list
      elements: dict
    undefined:
      description:
        - RV(mstr.library.mstr_runtimes#module:undefined) of a task in check mode. Null for an audit, whose C(inventory)
          shows it.
      type: list
      elements: dict
    warnings:
      description: The warnings of the task.
      type: list
      elements: str
    refusals:
      description: Only for an audit, why an apply of the definitions would be refused.
      type: list
      elements: str
    exempted:
      description:
        - The violations that an exemption of the policy lets pass, with C(reason) and C(until). The other keys are
          those of C(violations).
      type: list
      elements: dict
    counts:
      description:
        - Only for an audit, the numbers of C(runtimes), C(scripts) and scripts on a schedule (C(scheduled)), both null
          if nobody looked them up, C(violations), C(exempted) violations, exemptions that expire
          within 30 days (C(expiring)), values that the policy could not evaluate (C(not_evaluated)), runtimes that
          differ from their definition (C(differing)), scripts that
          use a different runtime than wanted (C(moved)), runtimes without a definition (C(undefined)), runtimes with
          C(problems), last runs of scripts that failed (C(failed_runs)), packages whose installed version is not the
          one in the definition (C(mismatches)), runtimes with a Python that the server does not offer any more
          (C(not_offered)) or that has ended (C(python_ended)), scripts whose runtime does not exist (C(dangling)),
          unfinished replacements (C(unfinished)), runtimes with no script that the user can read (C(unused_runtimes),
          null if that is not known), look-ups that failed (C(unread)), and exemptions that exempt nothing (C(unused)).
        - C(violations) includes the values that a rule cannot read, whose number is C(unreadable).
      type: dict
    policy:
      description: Only for an audit, the rules of the policy that forbid anything. Null if no rule does.
      type: dict
    compared:
      description: Only for an audit, whether it compared the environment with definitions.
      type: bool
    violations:
      description:
        - Only for an audit, each value that violates the policy. The keys are those of
          RV(mstr.library.mstr_runtime_info#module:violations), and C(verdict), C(reason) and C(until).
        - C(verdict) is V(violation), or V(unreadable) if the rule cannot read the value.
      type: list
      elements: dict
    not_evaluated:
      description:
        - Only for an audit, each value that the policy could not evaluate, such as a package without a version. The
          keys are those of C(violations).
      type: list
      elements: dict
    unused_exemptions:
      description: Only for an audit, a sentence on each exemption that exempts nothing.
      type: list
      elements: str
    mismatches:
      description:
        - Only for an audit, RV(mstr.library.mstr_runtime_info#module:mismatches). Null if it is not known what is
          installed.
      type: list
      elements: dict
    not_offered:
      description:
        - Only for an audit, the runtimes with a Python that the server does not offer any more, with C(name), C(id) and
          C(runtime_version). Null if the server has no list of versions.
      type: list
      elements: dict
    unfinished:
      description:
        - Only for an audit, the unfinished replacements, with C(id), C(name), the C(final_name) that each is to take,
          the id of what it C(replaces), whether that C(exists) (null if unknown), and C(msg), what to do about it. They
          are neither drift nor runtimes without a definition, and no gate counts them.
      type: list
      elements: dict
    python:
      description:
        - Only for an audit, the branches of Python that the runtimes have, those that end first in front. Null if the
          runtimes could not be read.
        - Each has C(branch), C(end_of_life) and C(days_left) as in
          RV(mstr.library.mstr_runtime_info#module:runtimes), the numbers of C(runtimes), of C(scripts) on them and of
          those on a schedule (C(scheduled)), and the names of the latter (C(scheduled_scripts)). C(scripts) and
          C(scheduled) are null if not all were looked up. C(branch) is null for runtimes without a version.
      type: list
      elements: dict
    dangling:
      description:
        - Only for an audit, the scripts whose runtime does not exist any more. Null if nobody looked for them.
      type: list
      elements: dict
    unused_runtimes:
      description:
        - Only for an audit, the runtimes with no script that the user can read, without the default runtime. Scripts of
          others can be invisible without any error.
        - Each has C(name), C(id), C(days_unchanged), the days since its last change, and C(cpu) and C(mem), what its
          C(min_cached_instances) hold. A value is null if it is not known.
        - Null unless the scripts of all projects were looked up, and all of them could be read.
      type: list
      elements: dict
    capacity:
      description:
        - Only for an audit, the sums of C(cpu) and C(mem) of all runtimes, with C(min_cached_instances) under C(least)
          and with C(max_cached_instances) under C(most). C(unknown) is the number of runtimes that are in neither sum,
          because an amount or a count is not known.
      type: dict
    incomplete:
      description:
        - Only for an audit, why the list of runtimes may be incomplete. Null if it is complete. Only the playbook
          C(mstr.library.audit), which reads all runtimes, finds this out.
      type: str
    unread:
      description:
        - Only for an audit, projects and scripts that could not be read. The keys are the same as in
          RV(mstr.library.mstr_runtime_info#module:unread).
      type: list
      elements: dict
    lines:
      description: The report as text, with one line for the environment and one for each difference or finding.
      type: list
      elements: str
    inventory:
      description: Only with O(detail=true), all runtimes with their details.
      type: list
      elements: dict
"""

from collections.abc import Mapping
from typing import Any, Callable

from ansible.errors import AnsibleFilterError
from ansible_collections.mstr.library.plugins.module_utils._errors import ValidationError
from ansible_collections.mstr.library.plugins.plugin_utils._reports import environment as reports
from ansible_collections.mstr.library.plugins.plugin_utils._reports import evaluation
from ansible_collections.mstr.library.plugins.plugin_utils._reports.inventory import Sources


def environment_report(
    result: Any,
    environment: str,
    check_mode: bool = False,
    read: Any = None,
    policy: Any = None,
    detail: bool = False,
) -> dict[str, Any]:
    """The report. Raises AnsibleFilterError if the input is not the result of a task."""
    # ansible-core 2.16 turns a null from a template into an empty string.
    result = None if result == "" else result
    if not (isinstance(result, Mapping) or (result is None and isinstance(read, Mapping))):
        raise AnsibleFilterError("environment_report takes the result of mstr.library.mstr_runtimes")
    try:
        # If the task failed, its message may be about the policy.
        rules = {} if read is None or read.get("failed") else evaluation.rules_of(policy)
    except ValidationError as exc:
        raise AnsibleFilterError(str(exc)) from None
    sources = Sources(
        environment=str(environment),
        applied=result,
        check_mode=check_mode,
        read=read,
        policy=rules,
    )
    return reports.environment_report(sources, detail)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {"environment_report": environment_report}
