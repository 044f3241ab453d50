# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit makes of a policy: the rules that judge anything, and the violations that somebody has accepted.

Pure: the caller passes the date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from difflib import get_close_matches
from typing import Any, NamedTuple

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.mstr.library.plugins.module_utils._errors import ErrorList, ValidationError, text_error
from ansible_collections.mstr.library.plugins.module_utils._model.evaluation import is_unreadable
from ansible_collections.mstr.library.plugins.module_utils._model.kinds import normalized_name
from ansible_collections.mstr.library.plugins.module_utils._model.names import means, name_key
from ansible_collections.mstr.library.plugins.module_utils._model.networks import as_network
from ansible_collections.mstr.library.plugins.module_utils._model.policy import (
    POLICY_OPTION,
    RULE_OPTIONS,
    policy_from,
)

Json = Mapping[str, Any]

# The verdicts that count as violations, the worst first. "not judged": a rule could not judge the value.
BROKEN = ("violation", "expired", "not judged")
ACCEPTED, ALLOWED = "accepted", "allowed"
EXPIRES_SOON = timedelta(days=30)
_KEYS = ("runtime", "rule", "value", "reason", "until")


def rules_of(option: Any) -> dict[str, Any]:
    """The rules of a policy that judge anything, by key, as a module would read them.

    Raises ValidationError with all errors of the policy.
    """
    if option is None or option == "":
        return {}
    # It copies its argument deeply. Of the values of a template, this would copy the whole templating engine.
    result = ArgumentSpecValidator(POLICY_OPTION).validate({"policy": _plain(option)})
    if result.error_messages:
        raise ValidationError(result.error_messages)
    given = result.validated_parameters["policy"]
    policy = policy_from(given, datetime.now(timezone.utc).date())
    return {key: given[key] for key in policy.limits} if policy else {}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, str) else value


class Acceptance(NamedTuple):
    """One entry of mstr_audit_accept. `runtime`: a name, a pattern or an id. None: any rule, any value, for ever."""

    runtime: str
    rule: str | None = None
    value: str | None = None
    reason: str | None = None
    until: date | None = None

    def fits(self, violation: Json) -> bool:
        """Whether it means this violation, if it means the runtime."""
        return self.rule in (None, violation["rule"]) and (self.value is None or self._fits_value(violation["value"]))

    def _fits_value(self, value: Any) -> bool:
        wanted, found = str(self.value), str(value)
        # A package without a version stands for all versions.
        names = {normalized_name(found), normalized_name(found.partition("==")[0])}
        return wanted == found or as_network(wanted) == as_network(found) or normalized_name(wanted) in names


def acceptances_from(option: Any) -> list[Acceptance]:
    """The entries of mstr_audit_accept. Raises ValidationError with all errors."""
    entries = [option] if isinstance(option, (str, Mapping)) and option else option or ()
    with ErrorList() as errors:
        return [errors.check(_acceptance, f"mstr_audit_accept[{index}]", one) for index, one in enumerate(entries)]


def _acceptance(place: str, entry: Any) -> Acceptance:
    if isinstance(entry, str):
        return Acceptance(entry)
    if not isinstance(entry, Mapping):
        raise ValidationError([f"{place} {entry!r} is not the name of a runtime; put it in quotes"])
    with ErrorList() as errors:
        errors.add(
            *(f"{place} has the unknown key {key!r}{_meant(str(key), _KEYS)}" for key in entry if key not in _KEYS)
        )
        given = {key: entry[key] for key in _KEYS if entry.get(key) is not None}
        errors.add(*(f"{place}.{key} {text_error(one)}" for key, one in given.items() if isinstance(one, (dict, list))))
        texts = {key: str(one).strip() for key, one in given.items()}
        errors.add(*(f"{place} has no {key}; {why}" for key, why in _REQUIRED.items() if not texts.get(key)))
        # An empty text is often a variable without a value. It must not accept more than what was meant.
        empty = [key for key in ("rule", "value") if texts.get(key) == ""]
        errors.add(*(f"{place}.{key} is empty; write the {key}, or leave the key out" for key in empty))
        rule = texts.get("rule")
        if rule and isinstance(entry["rule"], str) and rule not in RULE_OPTIONS:
            errors.add(f"{place}.rule {rule!r} is not a rule of a policy{_meant(rule, RULE_OPTIONS)}")
        until = errors.check(_date, f"{place}.until", texts["until"]) if texts.get("until") else None
    return Acceptance(texts["runtime"], rule, texts.get("value"), texts["reason"], until)


_REQUIRED = {
    "runtime": "write the name or the id of the runtime, or a pattern of names",
    "reason": "write why its violations are accepted",
    "until": "write the last day of the acceptance, such as 2026-12-31",
}


def _date(place: str, text: str) -> date:
    # YAML may have read a date, also with a time.
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)([T ][\d:.]+(Z|[+-][\d:]+)?)?", text)
    try:
        return date.fromisoformat(found[1] if found else "")
    except ValueError:
        raise ValidationError([f"{place} {text!r} is not a date; write it as 2026-12-31"]) from None


def _meant(text: str, known: Iterable[str]) -> str:
    near = get_close_matches(text, list(known), 1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"


def judged(
    violations: Iterable[Json], acceptances: Sequence[Acceptance], runtimes: Sequence[Json], today: date
) -> tuple[list[dict[str, Any]], list[str]]:
    """The violations, each with its verdict, and a sentence on each acceptance that accepts nothing.

    A violation gets the keys `verdict` (see `BROKEN` and `ACCEPTED`), `reason` and `until`.
    """
    names = [(str(one.get("name") or ""), str(one.get("id") or "")) for one in runtimes]
    meant = [{identity for name, identity in names if means(one.runtime, name, identity)} for one in acceptances]
    used: set[int] = set()
    found = []
    for violation in violations:
        fitting = [
            index
            for index, one in enumerate(acceptances)
            if str(violation["id"] or "") in meant[index] and one.fits(violation)
        ]
        used.update(fitting)
        by = sorted((acceptances[index] for index in fitting), key=lambda one: one.until or date.max)[-1:]
        found.append({**violation, **_verdict(violation, by[0] if by else None, today)})
    unused = [
        _accepts_nothing(one, bool(meant[index]), names) for index, one in enumerate(acceptances) if index not in used
    ]
    return found, unused


def _verdict(violation: Json, acceptance: Acceptance | None, today: date) -> dict[str, Any]:
    if acceptance:
        until = acceptance.until
        verdict = ACCEPTED if until is None or today <= until else "expired"
        return {"verdict": verdict, "reason": acceptance.reason, "until": until.isoformat() if until else None}
    return {"verdict": "not judged" if is_unreadable(violation) else "violation", "reason": None, "until": None}


def _accepts_nothing(entry: Acceptance, has_runtime: bool, names: Sequence[tuple[str, str]]) -> str:
    narrowed = " ".join(one for one in (entry.rule, entry.value) if one)
    text = f"mstr_audit_accept {entry.runtime!r}{f' ({narrowed})' if narrowed else ''} accepts nothing: "
    if has_runtime:
        return f"{text}the runtime has no such violation"
    by_key = {name_key(name): name for name, _identity in names}
    near = get_close_matches(name_key(entry.runtime), list(by_key), 1)
    return f"{text}no runtime has this name{f'; did you mean {by_key[near[0]]!r}?' if near else ''}"


def worst(verdicts: Iterable[str], otherwise: str) -> str:
    """The worst of the verdicts on one value, `otherwise` if nobody judged it."""
    found = set(verdicts)
    return next((one for one in (*BROKEN, ACCEPTED) if one in found), otherwise)


def check_audit(
    policy: Any, accepted: Any, fail_on_violation: Any, fail_on_drift: Any, compares: bool
) -> tuple[dict[str, Any], Sequence[Acceptance]]:
    """The rules of the policy, and the accepted violations. Raises ValidationError with all errors of an audit."""
    with ErrorList() as errors:
        rules = errors.check(rules_of, policy, place="mstr_runtimes_policy")
        readable = not errors.found
        acceptances = errors.check(acceptances_from, accepted)
        if errors.check(_is_on, "mstr_fail_on_violation", fail_on_violation) and readable and not rules:
            errors.add(
                "mstr_fail_on_violation is set, but mstr_runtimes_policy has no rule, so nothing would be judged. Set "
                "mstr_runtimes_policy, or remove mstr_fail_on_violation."
            )
        if errors.check(_is_on, "mstr_fail_on_drift", fail_on_drift) and not compares:
            errors.add(
                "mstr_fail_on_drift is set, but neither mstr_runtimes nor mstr_runtimes_src has definitions, so "
                "nothing would be compared. Set one of them, or remove mstr_fail_on_drift."
            )
    return rules, acceptances


def _is_on(name: str, value: Any) -> bool:
    if value is None or value == "":
        return False
    try:
        return bool(boolean(value))
    except TypeError:
        raise ValidationError([f"{name} must be true or false, not {str(value)!r}"]) from None
