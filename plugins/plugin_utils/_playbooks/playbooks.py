# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work on one environment: apply its definitions, audit it, or probe its server.

The options come from the variables of the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ...module_utils._errors import ErrorList
from .._reports.texts import json_text, plain
from .action import Action, Result, refused
from .backup import DEST, keep_if_used, read_backup, stopped, write_backup
from .new_run import dests
from .own_file import OwnFile
from .variables import APPLIED, AUDITED, DEFINITIONS, empty_errors, name_errors, types, with_exemptions


def apply(action: Action, approved: Result | None = None, check_mode: bool = False) -> Result:
    """The result of mstr_runtimes for the definitions of the host, with the path of its `backup`, if it has one.

    `approved`: the options of an approved plan. `check_mode`: only what it would do, also if the task is not in check
    mode; then without a backup. Raises ValidationError if a variable is invalid.
    """
    options = {**_options(action), **(approved or {})}
    if action.non_empty(DEST) is None:
        return action.run_module("mstr_runtimes", options, *[True] * check_mode)
    backup, read = read_backup(action)
    if backup is None:
        return read
    excluded = options.get("purge_exclude") or []
    if isinstance(excluded, (list, tuple)):  # the module refuses anything else
        options["purge_exclude"] = [*excluded, *backup.spared]
    if check_mode or action.check_mode:
        return _with_warnings(action.run_module("mstr_runtimes", options, True), backup.warnings)
    path = write_backup(action, backup)
    result = action.run_module("mstr_runtimes", options, on_stop=partial(stopped, path))
    return {**_with_warnings(result, backup.warnings), "backup": keep_if_used(path, result)}


def _options(action: Action) -> Result:
    """The options of mstr_runtimes. Raises ValidationError with every error of a variable."""
    definitions = definitions_of(action)
    with ErrorList() as errors:
        empty = [name for name in types("apply") if action.value(name) == ""]
        errors.add(*name_errors(action.task_vars), *empty_errors(empty))
        if not definitions:
            errors.add("Set mstr_runtimes or mstr_runtimes_src; neither is set.")
        if len(definitions) > 1:
            errors.add(BOTH_SET)
    return {**definitions, **action.options(APPLIED), **_policy(action)}


BOTH_SET = "Set only one of mstr_runtimes and mstr_runtimes_src; both are set. To apply only the file, name it with -e."


def definitions_of(action: Action) -> Result:
    """The options with the definitions. A file that -e names counts in place of the definitions of an inventory."""
    options = action.options(DEFINITIONS)
    extra = action.extra_vars()
    if "src" in options and DEFINITIONS["src"] in extra and DEFINITIONS["runtimes"] not in extra:
        options.pop("runtimes", None)
    return options


def _with_warnings(result: Result, warnings: Sequence[str]) -> Result:
    return {**result, "warnings": [*(result.get("warnings") or ()), *warnings]} if warnings else result


def _policy(action: Action) -> Result:
    """The option `policy` with the exemptions of the host; nothing if there are none."""
    exemptions = action.non_empty("mstr_runtimes_exemptions")
    return {"policy": with_exemptions(action.non_empty("mstr_runtimes_policy"), exemptions)} if exemptions else {}


def audit(action: Action) -> Result:
    """The result of mstr_audit, with the definitions and the policy of the host."""
    definitions = definitions_of(action)
    if len(definitions) > 1:
        raise refused(BOTH_SET)
    options = {**definitions, **action.options(AUDITED), **_policy(action)}
    return action.run_module("mstr_audit", options)


def report_paths(action: Action) -> list[str]:
    """The files of the report."""
    return [action.path_of(dest) for dest in dests(action.non_empty("mstr_report_dest") or ())]


def probe(action: Action) -> Result:
    """The result of mstr_probe, and the file with its record."""
    target = OwnFile(action, "mstr_probe_dest")
    target.check()
    result = action.run_module("mstr_probe", {})
    if result.get("failed"):
        return result
    if not action.check_mode:
        target.write(json_text(plain(result["record"])) + "\n")
    return {**result, "dest": target.path}
