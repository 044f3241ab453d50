# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts of progress lines, which describe the current work of a task."""

from __future__ import annotations

from collections.abc import Sequence

from .._errors import clean
from .._model.runtime import Runtime

_NAMES_IN_TEXT = 5


def counted(done: int, total: int, what: str) -> str:
    """Such as "40 of 100 runtimes written"."""
    return f"{done} of {total} runtimes {what}"


def waiting(pending: Sequence[Runtime], total: int) -> str:
    """The state of a wait for `total` runtimes; `pending`: those that are not ready, as last read, at least one."""
    if len(pending) > 1:
        return counted(total - len(pending), total, "ready")
    [runtime] = pending
    packages = runtime.values.get("packages") or ()
    installing = [clean(one.name) for one in packages if one.status == "installing"]
    if not installing:
        return f"{clean(runtime.name)}: status {clean(runtime.facts.get('status') or 'not reported')}"
    names = ", ".join(installing[:_NAMES_IN_TEXT]) + (", …" if len(installing) > _NAMES_IN_TEXT else "")
    return f"{clean(runtime.name)}: installing {len(installing)} of {len(packages)} packages ({names})"


def script_running(seconds: float) -> str:
    """A text that changes each second, after 10 seconds every 10 seconds, and after a minute every minute."""
    step = 1 if seconds < 10 else 10 if seconds < 60 else 60
    return f"script has been running for {int(seconds // step) * step} s"
