# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a runtime is ready or broken, by its status and those of its packages as they were read [doc]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._text import clean, counted
from .kinds import Package
from .runtime import Runtime, status_word

_FAILED = ("not_installed", "failed", "error")  # of a package; the first is documented, the others are likely


def failure_of(runtime: Runtime) -> str | None:
    """What is broken, as a sentence without a full stop; None if nothing is known to be."""
    failed = [package for package in packages_of(runtime) if status_word(package.status) in _FAILED]
    if failed:
        reasons = ", ".join(map(_reason, failed))
        what = f"{counted(len(failed), 'package')} could not be installed: {reasons}"
        return f"Runtime {runtime.label}: {what}"
    if statuses(runtime)[0] == "error":
        return f"Runtime {runtime.label} is in error: {state_text(runtime)}"
    return None


def _reason(package: Package) -> str:
    """A package that could not be installed, with what the server says of it."""
    reason = f'server: "{clean(package.message)}"' if package.message else "no reason given"
    return f"{clean(package.name)} ({reason})"


def statuses(runtime: Runtime) -> tuple[str, set[str]]:
    """The status of the runtime, and those of its packages."""
    return status_word(runtime.facts.get("status")), {status_word(package.status) for package in packages_of(runtime)}


def packages_of(runtime: Runtime) -> Sequence[Any]:
    """The packages as they were read."""
    return runtime.values.get("packages") or ()


def status_text(runtime: Runtime) -> str:
    """The status of the runtime, for a message."""
    return f"status {clean(runtime.facts.get('status') or 'not reported')}"


def state_text(runtime: Runtime) -> str:
    """All statuses, for a message."""
    packages = [
        f"{clean(package.name)} {clean(package.status or 'without status')}" for package in packages_of(runtime)
    ]
    return f"{status_text(runtime)}, packages: {', '.join(packages) or 'none'}"
