# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of one environment after an apply or an audit: one value, which every format shows.

Pure, except for the date of today.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._errors import as_mstr_error
from ...module_utils._work.api import utc_date
from .changes import changes_of, scripts_of
from .finding import (
    DEFINITIONS,
    INSTALLED,
    POLICY,
    SCRIPTS,
    Finding,
    Json,
    counts_of,
    entries,
    in_order,
    outcome_of,
)
from .findings import exempted, of_audit, scripts_unread, undefined


class EnvironmentReport(NamedTuple):
    """What is known of one environment. It has `counts` after an audit, and a `summary` after an apply.

    `outcome`: `failed`; of an audit `clean` or one of `finding.OUTCOMES`; of an apply `drift`, `changed`, `unchanged`.
    `message`: why it failed. `changes`, `scripts`: see `changes`. `runtimes`: as mstr_runtime_info returns them.
    """

    environment: str
    outcome: str
    message: str | None = None
    server: str | None = None
    summary: Mapping[str, int] | None = None
    counts: Mapping[str, int | None] | None = None
    plan_id: str | None = None
    changes: Sequence[Json] = ()
    scripts: Sequence[Json] = ()
    findings: Sequence[Finding] = ()
    runtimes: Sequence[Json] = ()
    warnings: Sequence[str] = ()
    policy: Json | None = None

    def to_result(self) -> dict[str, Any]:
        """The data of the report: what mstr_audit returns and a file ending in .json has."""
        return {**self._asdict(), "findings": [found._asdict() for found in self.findings]}

    def packed(self) -> str:
        """The value as one text, because Ansible walks through each value of a result several times."""
        text = json.dumps(self.to_result(), default=str).encode()
        return base64.b64encode(zlib.compress(text, 1)).decode()

    @property
    def numbers(self) -> Mapping[str, int | None]:
        """What was counted: the findings of an audit, or the actions of an apply. None where nobody looked."""
        return self.counts or self.summary or {}

    @property
    def is_changing(self) -> bool:
        """Whether an apply changes anything, or would."""
        return bool(self.changes or self.scripts)

    @property
    def deletions(self) -> list[Json]:
        """The changes that delete a runtime."""
        return [change for change in self.changes if change["action"] == "deleted"]

    def fails(self, gates: Iterable[str]) -> bool:
        """Whether one of these variables, which are on, is about something that was found."""
        return any(found.gate in gates for found in self.findings)


def unpacked(text: str) -> EnvironmentReport:
    """The value of `EnvironmentReport.packed`."""
    return from_result(json.loads(zlib.decompress(base64.b64decode(text))))


def from_result(content: Json) -> EnvironmentReport:
    """The value of `EnvironmentReport.to_result`, which may have other keys beside its own."""
    values = {key: content[key] for key in EnvironmentReport._fields}
    return EnvironmentReport(**{**values, "findings": [Finding(**found) for found in content["findings"]]})


def applied(name: str, result: Json, check_mode: bool, warnings: Iterable[Any] = ()) -> EnvironmentReport:
    """What is known after an apply, from the result of mstr_runtimes. It never fails."""
    try:
        return _applied(name, result, check_mode, warnings)
    except Exception as exc:  # an error in a report must not hide what was done
        return _without_values(name, result, exc)


def audited(name: str, result: Json, policy: Json, warnings: Iterable[Any] = ()) -> EnvironmentReport:
    """What is known after an audit, from the result of its module. It never fails. `policy`: its effective rules."""
    if failed(result):
        shown = _texts([*warnings, *entries(result, "warnings")])
        return EnvironmentReport(name, "failed", message_of(result), warnings=shown)
    try:
        return _audited(name, result, policy, warnings)
    except Exception as exc:
        return _without_values(name, result["applied"] or {}, exc)


def _applied(name: str, result: Json, check_mode: bool, warnings: Iterable[Any]) -> EnvironmentReport:
    rows = entries(result, "runtimes")
    findings = [*exempted(entries(result, "exempted"))]
    if check_mode:
        findings += undefined(entries(result, "undefined"))
    report = EnvironmentReport(
        environment=name,
        outcome="unchanged",
        summary=result.get("summary"),
        plan_id=result.get("plan_id"),
        changes=changes_of(rows),
        scripts=scripts_of(result),
        findings=in_order(findings),
        # One that would be created does not exist.
        runtimes=[row["runtime"] for row in rows if row.get("runtime") and row["runtime"].get("id")],
        warnings=_texts([*warnings, *entries(result, "warnings")]),
    )
    if failed(result):
        return report._replace(outcome="failed", message=message_of(result))
    if report.is_changing:
        return report._replace(outcome="drift" if check_mode else "changed")
    return report


def _audited(name: str, result: Json, policy: Json, warnings: Iterable[Any]) -> EnvironmentReport:
    read, plan = result["read"], result["applied"]
    runtimes = read["runtimes"]
    if scripts_unread(entries(read, "unread")):
        # Where no script of a runtime was found, one that could not be read may use it.
        runtimes = [{**each, "scripts": None} if each.get("scripts") == [] else each for each in runtimes]
    looked_at = {
        POLICY: bool(policy),
        DEFINITIONS: plan is not None,
        SCRIPTS: any(runtime.get("scripts") is not None for runtime in runtimes),
        INSTALLED: read.get("mismatches") is not None,
    }
    plan = plan or {}
    findings = of_audit(read, runtimes, plan, entries(result, "refusals"), utc_date())
    shown = [*warnings, *entries(result, "warnings"), *entries(read, "warnings"), *entries(plan, "warnings")]
    report = EnvironmentReport(
        environment=name,
        outcome=outcome_of(findings, bool(policy)),
        counts=counts_of(findings, looked_at),
        changes=changes_of(entries(plan, "runtimes")),
        scripts=scripts_of(plan),
        findings=findings,
        runtimes=runtimes,
        warnings=_texts(shown),
        policy=policy or None,
    )
    return report._replace(outcome="failed", message=message_of(plan)) if failed(plan) else report


def failed(result: Json) -> bool:
    """Whether a task failed. Of a host that cannot be reached, Ansible says only that."""
    return bool(result.get("failed") or result.get("unreachable"))


def message_of(result: Json) -> str:
    """The message of a failed task."""
    return str(result.get("msg") or "The task failed without a message.")


def _without_values(name: str, result: Json, exc: Exception) -> EnvironmentReport:
    """The message of the task and each runtime that it wrote, without looking at any other value."""
    rows = [row for row in entries(result, "runtimes") if row.get("action") != "none"]
    written = [f"{row.get('name')!r} ({row.get('id')}): {row.get('action')}" for row in rows]
    sentence = f"The report could not be made. {as_mstr_error(exc).sentence}"
    message = "\n".join([str(result.get("msg") or ""), sentence, *written]).strip()
    return EnvironmentReport(name, "failed", message, warnings=_texts(entries(result, "warnings")))


def _texts(warnings: Iterable[Any]) -> list[str]:
    """The texts of warnings. From ansible-core 2.19 on, those of a module may be mappings or objects."""
    return list(dict.fromkeys(str(_part(_part(entry, "event"), "msg")) for entry in warnings))


def _part(value: Any, name: str) -> Any:
    """A part of a mapping or of an object; the value itself without such a part."""
    return value.get(name, value) if isinstance(value, Mapping) else getattr(value, name, value)
