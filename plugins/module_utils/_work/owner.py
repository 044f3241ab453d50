# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server says of a runtime beside its list: whose it is, whether it exists, and all of its fields."""

from __future__ import annotations

from collections.abc import Mapping

from .._errors import MstrError
from .._model.runtime import Runtime
from .._model.steps import Step
from .api import Context


def is_own(context: Context, runtime: Runtime) -> bool | None:
    """Whether the runtime belongs to the user of this task; None if the server does not show it. Raises MstrError.

    A name is no identity: somebody else may have created a runtime with a name that this collection uses.
    """
    whole = context.api.with_all_fields(runtime, ["owner"])
    owner = whole.facts.get("owner") if whole else None
    identity = str(owner.get("id") or "").upper() if isinstance(owner, Mapping) else ""
    user = context.api.user_id if identity else None
    return identity == user if user else None


def exists(context: Context, runtime: Runtime) -> bool | None:
    """Whether the runtime exists; None if that could not be found out. Raises nothing."""
    try:
        return context.api.find(str(runtime.id), repr(runtime.name)) is not None
    except MstrError:
        return None


def read_whole(context: Context, step: Step) -> Step:
    """The step with every field of its runtime, of which a plan may change some. Raises MstrError."""
    shown = step.after
    read = context.api.find(str(shown.id), repr(shown.name)) if shown else None
    if shown is None or read is None:
        return step
    values = {name: value for name, value in shown.values.items() if value is not None}
    return step._replace(after=read._replace(values={**read.values, **values}))
