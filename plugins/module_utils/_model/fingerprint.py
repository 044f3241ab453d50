# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person approves of a plan."""

from __future__ import annotations

import json

from .fields import BY_NAME
from .kinds import NOTHING
from .plan import Plan
from .runtime import Runtime


def fingerprint(current: Runtime | None, plan: Plan) -> str:
    """What a person approves of a plan, as text that is the same for the same change; empty if nothing changes.

    It holds the runtime's id (its name for a create), the action, and each changed field before and after; for a
    delete, every field that the runtime has. It depends neither on the order and spelling that a server uses nor on
    unmanaged fields, and not on which fields a release of this collection knows beside those.
    """
    if not plan.changed:
        return ""
    before = current.values if current else NOTHING
    after = plan.target.values if plan.target else NOTHING
    names = BY_NAME if plan.action == "delete" else plan.changed_fields
    changes = [
        [name, *(BY_NAME[name].kind.canonical(values.get(name)) for values in (before, after))]
        for name in sorted(names)
    ]
    if plan.action == "delete":
        changes = [[name, value] for name, value, _nothing in changes if value]
    identity = current.key if current else [after.get("name")]
    return json.dumps([identity, plan.action, changes], default=str, sort_keys=True)
