# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option `policy`: its argument spec, and the policy in it. Only a task with a policy imports the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._errors import ErrorList
from .fields import BY_NAME, LIST_AS_WRITTEN
from .networks import NETADDR_IMPORT_ERROR

if TYPE_CHECKING:
    from datetime import date

    from .evaluation import Policy

_TEXT: dict[str, Any] = {"type": "str"}
_REQUIRED: dict[str, Any] = {"type": "str", "required": True}
_TEXTS: dict[str, Any] = {"type": "list", "elements": "str"}
_BOOL: dict[str, Any] = {"type": "bool", "default": False}
_INT: dict[str, Any] = {"type": "int"}

RULE_OPTIONS: dict[str, Any] = {
    "networks_within": _TEXTS,
    "networks_never": _TEXTS,
    "whitelist_required": _BOOL,
    "packages_within": _TEXTS,
    "packages_never": _TEXTS,
    "package_versions_required": _BOOL,
    # Ansible would make two entries of the text `>=3.10,<3.13`, and every version matches one of them.
    "runtime_versions_within": {**_TEXTS, "type": LIST_AS_WRITTEN},
    "resource_max": dict(BY_NAME["resource"].spec),
    "exec_timeout_max": _INT,
    "cached_instances_max": _INT,
}
EXEMPTION_OPTIONS: dict[str, Any] = {
    "runtime": _REQUIRED,
    "rule": _TEXT,
    "value": _TEXT,
    "reason": _REQUIRED,
    "until": _REQUIRED,
}
POLICY_OPTION: dict[str, Any] = {
    "policy": {
        "type": "dict",
        "options": {
            **RULE_OPTIONS,
            "exemptions": {"type": "list", "elements": "dict", "options": EXEMPTION_OPTIONS},
        },
    }
}


def policy_from(option: Mapping[str, Any] | None, day: date) -> Policy | None:
    """The policy in the option `policy`, None if it is not set. `day`: today in UTC, for its exemptions.

    Raises ValidationError with all errors.
    """
    if option is None:
        return None
    from .evaluation import Policy, exemption_from
    from .rules import RULES

    limits: dict[str, Any] = {}
    with ErrorList() as errors:
        for key, rule in RULES.items():
            if option.get(key) is not None:
                limits[key] = errors.check(rule.parse, f"policy.{key}", option[key])
        exemptions = [
            errors.check(exemption_from, f"policy.exemptions[{index}]", entry)
            for index, entry in enumerate(option.get("exemptions") or ())
        ]
    # A rule that forbids nothing is not one.
    return Policy({key: limit for key, limit in limits.items() if limit is not None}, tuple(exemptions), day)


def libraries(option: Mapping[str, Any] | None) -> dict[str, str | None]:
    """The libraries that the policy needs, each with the traceback of its failed import, or None."""
    needed = {"netaddr": NETADDR_IMPORT_ERROR}
    policy = option or {}
    texts = [text for rule in ("packages_within", "packages_never") for text in policy.get(rule) or ()]
    versions = policy.get("runtime_versions_within")
    if versions or texts:
        from .requirements import OPERATOR, packaging_error

        if versions or any(map(OPERATOR.search, texts)):
            needed["packaging"] = packaging_error()
    return needed
