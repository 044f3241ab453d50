# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one script on runtimes that lists their installed packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._errors import MstrError, ValidationError
from .._model.installed import Installed, installed_in, mismatches
from .._model.runtime import Runtime, status_word
from .._model.scripts import Unread
from .api import Context
from .script import Script, run_script
from .script_usage import Reader
from .side_by_side import progress_line

# Nothing but these names, versions, requirements, Python and platform leaves the server.
SCRIPT = """\
import importlib.metadata, json, platform, sysconfig
print(json.dumps({
    "python": {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": sysconfig.get_platform(),
    },
    "packages": [
        {"name": (found.metadata or {}).get("Name"), "version": found.version, "requires": found.requires}
        for found in importlib.metadata.distributions()
    ],
}))
"""
RUN_TIMEOUT = 300.0  # seconds


def add_installed(context: Context, runtimes: Sequence[Runtime], result: dict[str, Any]) -> Mapping[str, Installed]:
    """Add to the result what is installed in each runtime, and return it by the key of the runtime.

    In check mode, no script runs and nothing is known. Raises MstrError only if the task must end.
    """
    by_key: Mapping[str, Installed] = {}
    result["mismatches"] = None
    if not context.check_mode:
        by_key, unread = _read(context, runtimes)
        result["mismatches"] = [
            {"name": runtime.name, "id": runtime.id, **row}
            for runtime in runtimes
            if runtime.key in by_key
            for row in mismatches(by_key[runtime.key], runtime.values.get("packages") or ())
        ]
        result["unread"] = [*result.get("unread", ()), *(failure.to_result() for failure in unread)]
        if unread:
            more = f" The result lists {len(unread) - 1} more under unread." if len(unread) > 1 else ""
            context.warn(f"Some lists of installed packages could not be read. {unread[0].error.sentence}{more}")
    for shown, runtime in zip(result["runtimes"], runtimes):
        shown["installed"] = by_key[runtime.key].to_result() if runtime.key in by_key else None
    return by_key


def _read(context: Context, runtimes: Sequence[Runtime]) -> tuple[Mapping[str, Installed], list[Unread]]:
    """What is installed in each runtime, by its key, and one failure for each other runtime."""
    reader = Reader(context)
    ready = []
    for runtime in runtimes:
        status = status_word(runtime.facts.get("status"))
        if status == "ready":
            ready.append(runtime)
        else:
            error = MstrError(f"Runtime {runtime.label} has the status {status}; a script runs only on a ready one.")
            reader.unread.append(Unread(None, None, error, runtime))

    def run(runtime: Runtime) -> tuple[str, Installed]:
        script = Script(SCRIPT, runtime.id, RUN_TIMEOUT, runtime.name)
        ended = run_script(context.session, script, context.clock, context.pause)
        try:
            return runtime.key, installed_in(ended["stdout"])
        except ValueError as exc:
            raise ValidationError([f"What the script on runtime {runtime.label} printed {exc}."]) from exc

    def report_progress(done: int) -> None:
        context.progress(progress_line(done, len(ready), "asked for their packages"))

    return dict(reader.each(run, ready, report_progress)), reader.all_unread()
