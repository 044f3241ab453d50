# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answers to the surveys of a controller's job templates, and the variables that they set. Pure.

A controller writes answers as text, such as `yes`. ansible-core 2.19 and newer convert a text that looks like a
boolean, a number or null. After a blank answer, nothing is set.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ...module_utils._errors import ErrorList


class Question(NamedTuple):
    """A question, the variable that it sets, and the value for a text that is not blank; None sets nothing.

    `least`: of a number. `word`: which may be given instead of a number.
    """

    title: str
    variable: str
    read: Callable[[str], Any] = str
    least: int | None = None
    word: str | None = None


def _switch(text: str) -> bool | None:
    return {"yes": True, "true": True, "no": False, "false": False}.get(text.lower())


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


# By the end of the names of the answers, `mstr_survey_…`.
QUESTIONS = {
    "src": Question("Definitions", "mstr_runtimes_src"),
    "purge": Question("Delete runtimes that are not defined", "mstr_runtimes_purge", _switch),
    "purge_limit": Question("Delete at most", "mstr_runtimes_purge_limit", int, 0),
    # An answer can only add this protection, never remove it.
    "protect_used": Question(
        "Delete no runtime that a script uses", "mstr_runtimes_protect_used", lambda text: _switch(text) or None
    ),
    "networks_never": Question("Networks that no runtime may reach", "mstr_runtimes_policy", str.split),
    "packages_never": Question("Packages that no runtime may have", "mstr_runtimes_policy", _lines),
    "wait": Question("Wait until the runtimes are ready", "mstr_runtimes_wait", _switch),
    "journal_comment": Question("Comment", "mstr_runtimes_journal_comment"),
    "fail_on_drift": Question("Fail if anything would change", "mstr_fail_on_drift", _switch),
    "audit_scripts": Question("List the scripts of each runtime", "mstr_audit_scripts", _switch),
    "audit_installed": Question("List what is really installed", "mstr_audit_installed", _switch),
    "audit_since_job": Question("Compare with the audit job", "mstr_audit_since_job", str.strip, 1, "last"),
    "restore_job": Question("Go back to before the job", "mstr_restore_job", str.strip, 1),
    "fail_on_violation": Question("Fail if a runtime violates the policy", "mstr_fail_on_violation", _switch),
    "export_exclude": Question("Leave out", "mstr_export_exclude", _lines),
    "smoke_test_runtime": Question("Runtime", "mstr_smoke_test_runtime"),
    "smoke_test_timeout": Question("Seconds", "mstr_smoke_test_timeout", int, 1),
}


def values(answers: Mapping[str, Any], inventory: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """The variables to set. `answers`: by the keys of QUESTIONS; `inventory`: the limit and the policy that it has.

    `extra`: the extra variables, which would override what is answered. Raises ValidationError.
    """
    found: dict[str, Any] = {}
    with ErrorList() as errors:
        for key, question in QUESTIONS.items():
            text = "" if answers.get(key) is None else str(answers[key])
            if not text.strip() or text == "None":
                continue
            if (error := _number_error(question, text.strip())) is not None:
                errors.add(error)
            elif (value := question.read(text)) is not None:
                found[key] = value
    # Answers can only make the guards stricter. Without a limit, a job deletes at most two runtimes. If the inventory
    # has an invalid one, the role refuses it.
    limit, policy = inventory.get("mstr_runtimes_purge_limit"), inventory.get("mstr_runtimes_policy") or {}
    limit = "" if limit is None else str(limit).strip()
    if re.fullmatch("[0-9]*", limit):
        limits = [found.get("purge_limit"), int(limit) if limit else None]
        found["purge_limit"] = min((each for each in limits if each is not None), default=2)
    rules = {key: found.pop(key) for key in ("networks_never", "packages_never") if key in found}
    if rules and isinstance(policy, Mapping):
        more = {rule: [*(policy.get(rule) or ()), *entries] for rule, entries in rules.items()}
        found[next(iter(rules))] = {**policy, **more}
    with ErrorList() as errors:
        for key, value in found.items():
            title, name = QUESTIONS[key][:2]
            if name in extra and str(extra[name]) != str(value):
                errors.add(
                    f'The answer to "{title}" means {name}={value}, but the extra variable {name}={extra[name]} '
                    "overrides it. Remove it from the job template, and set it in the inventory."
                )
    return {QUESTIONS[key].variable: value for key, value in found.items()}


def _number_error(question: Question, text: str) -> str | None:
    if question.least is None or text == question.word:
        return None
    if re.fullmatch("[0-9]+", text) and int(text) >= question.least:
        return None
    word = f" or {question.word}" if question.word else ""
    expected = f"a whole number of at least {question.least}{word}"
    return f'The answer to "{question.title}" must be {expected}, not {text!r}.'
