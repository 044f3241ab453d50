# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The effective rules of a policy, as a module would read them.

Pure, except that an exemption is compared with the date.
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ...module_utils._errors import ValidationError
from ...module_utils._model.kinds import without_null
from ...module_utils._model.policy import policy_from
from ...module_utils._work.api import utc_date
from ...module_utils._work.inputs import POLICY_OPTION
from .texts import plain


def rules_of(option: Any) -> dict[str, Any]:
    """The rules of a policy that forbid anything, by key, as a module would read them, and its `exemptions`.

    It is empty if no rule forbids anything. Raises ValidationError with all errors of the policy.
    """
    if option in (None, ""):
        return {}
    # It copies its argument deeply. Of the values of a template, this would copy the whole templating engine.
    result = ArgumentSpecValidator(POLICY_OPTION).validate({"policy": plain(option)})
    if result.error_messages:
        raise ValidationError(result.error_messages)
    validated = result.validated_parameters["policy"]
    policy = policy_from(validated, utc_date())
    if not policy.limits:
        return {}
    rules = {**policy.limits, **without_null({key: validated[key] for key in policy.limits})}
    return {**rules, "exemptions": validated["exemptions"]} if policy.exemptions else rules
