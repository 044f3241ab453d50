# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work on one environment: apply its definitions, export its runtimes, or probe its server.

The options come from the variables of the host.
"""

from __future__ import annotations

import os
from datetime import datetime, timezone

from ansible_collections.mstr.library.plugins.module_utils._errors import ErrorList, ValidationError, counted, listed
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import INCOMPLETE
from ansible_collections.mstr.library.plugins.module_utils._model.usage import name_of
from ansible_collections.mstr.library.plugins.plugin_utils._reports.events import copyable_texts
from ansible_collections.mstr.library.plugins.plugin_utils._reports.export import File, to_file
from ansible_collections.mstr.library.plugins.plugin_utils._reports.serialize import json_text

from .destination import checksum, place_error, write
from .places import one_file_error, other_environment_error
from .run import UNKNOWN, dests, path_of
from .task import Action, Result, failed, plain
from .variables import AUDITED, DEFINITIONS, is_given, name_errors, passed_on


def apply(action: Action, plan_id: str | None = None, check_mode: bool = False) -> Result:
    """The result of mstr_runtimes for the definitions of the host, with `backup` if there is one.

    `plan_id`: of the approved plan. `check_mode`: only what it would do, also if the task is not in check mode; then
    without a backup. Raises ValidationError if a variable is invalid.
    """
    with ErrorList() as errors:
        errors.add(*name_errors(action.task_vars), *_definition_errors(action))
    options = {**action.options(DEFINITIONS), **action.options(passed_on())}
    if plan_id is not None:
        options["plan_id"] = plan_id
    if check_mode and not action.check_mode:
        return action.run_module("mstr_runtimes", options, True)
    backup = None
    if action.given("mstr_runtimes_backup_dest") is not None:
        backup = _backup(action, action.is_on("mstr_runtimes_backup_scripts"))
        if backup.get("failed"):
            return backup
    result = action.run_module("mstr_runtimes", options)
    return {**result, "backup": backup} if backup else result


def _definition_errors(action: Action) -> list[str]:
    given = [name for name in DEFINITIONS.values() if action.given(name) is not None]
    if not given and action.given("mstr_runtimes_scripts") is None:
        return ["Set mstr_runtimes or mstr_runtimes_src; neither is set."]
    if len(given) > 1:
        return [
            "Set only one of mstr_runtimes and mstr_runtimes_src; both are set. To apply only the file, such as a "
            "backup, add -e mstr_runtimes= to the command."
        ]
    src, dest = action.given("mstr_runtimes_src"), action.given("mstr_runtimes_backup_dest")
    if src and dest:
        paths = [path_of(path, action.started_in) for path in (src, dest)]
        if os.path.realpath(paths[0]) == os.path.realpath(paths[1]):
            return [
                f"mstr_runtimes_backup_dest is the file {paths[0]}, which mstr_runtimes_src names. The backup would "
                "replace the definitions before they are applied. Name a different file."
            ]
    if src and action.is_local:
        error = other_environment_error(path_of(src, action.started_in), action.host)
        return [error] if error else []
    return []


def audit(action: Action, detail: bool) -> Result:
    """The result of mstr_audit, with the definitions and the policy of the host. `detail`: with every runtime."""
    if all(action.given(name) is not None for name in DEFINITIONS.values()):
        raise ValidationError([f"Set only one of {' and '.join(DEFINITIONS.values())}; both are set."])
    options = {**action.options(DEFINITIONS), **action.options(AUDITED), "detail": detail}
    if "since" in options and not os.path.exists(options["since"]) and options["since"] in report_paths(action):
        del options["since"]  # the first night: this run writes it
    return action.run_module("mstr_audit", options)


def report_paths(action: Action) -> list[str]:
    """The files of the report."""
    return [path_of(dest, action.started_in) for dest in dests(action.given("mstr_report_dest") or ())]


def _backup(action: Action, with_scripts: bool) -> Result:
    """The backup: its file, and what it cannot restore. Check mode makes it in memory. A failed result if it failed."""
    place = _Place(action, "mstr_runtimes_backup_dest", path_of(action.given("mstr_runtimes_backup_dest"), "."))
    place.check()
    file, read = _exported(
        action,
        "a backup",
        "mstr_runtimes_backup_exclude",
        "the role mstr.library.runtimes, before it changed anything",
        environment=action.host,
        scripts=with_scripts,
    )
    if read.get("failed"):
        return read
    dest = place.without_loss(file.text)
    if not action.check_mode:
        try:
            place.write(dest, file.text, private=True)
        except ValidationError as exc:
            raise ValidationError([f"{exc.sentence} Nothing was changed."]) from None
    return {
        "dest": dest,
        "written": not action.check_mode,
        "with_scripts": with_scripts,
        "left_out": file.left_out,
        "not_restored": file.unrestorable,
    }


def export(action: Action) -> Result:
    """The result of an export: the file, whether it changed, and the number of runtimes."""
    with ErrorList() as errors:
        errors.add(*name_errors(action.task_vars))
    dest = action.given("mstr_export_dest") or f"{action.host}.runtimes.yml"
    place = _Place(action, "mstr_export_dest", path_of(dest, action.started_in))
    place.check()
    file, read = _exported(action, "an export", "mstr_export_exclude", "the playbook mstr.library.export")
    if read.get("failed"):
        return read
    changed = place.differs(place.path, file.text)
    if changed and not action.check_mode:
        place.write(place.path, file.text)
    left_out = f", left out: {listed(file.left_out, 20)}" if file.left_out else ""
    return {
        "changed": changed,
        "dest": place.path,
        "left_out": file.left_out,
        "msg": f"{counted(file.number, 'runtime')} {_verb(changed, action.check_mode)} {place.path}{left_out}",
    }


def export_text(action: Action) -> Result:
    """The text of an export in `text`, for a job of a controller, whose files are lost.

    `texts`: the same in parts, each of which one event shows without loss. `encoded`: whether they are Base64.
    """
    file, read = _exported(
        action,
        "an export",
        "mstr_export_exclude",
        'the job template "export"',
        question=', the question "Leave out" of the job template export',
    )
    if read.get("failed"):
        return read
    shown = copyable_texts(file.text, action.host)
    return {"changed": False, "text": file.text, "texts": shown, "encoded": ":" not in shown[0]}


def smoke_test(action: Action) -> Result:
    """The result of a few lines of Python on a runtime."""
    options = {"runtime": "mstr_smoke_test_runtime", "run_timeout": "mstr_smoke_test_timeout"}
    code = 'import platform\nprint("Python", platform.python_version())\n'
    return action.run_module("mstr_script_run", {"run_timeout": 120, **action.options(options), "code": code})


def _exported(
    action: Action,
    what: str,
    exclude: str,
    writer: str,
    environment: str | None = None,
    scripts: bool = False,
    question: str = "",
) -> tuple[File, Result]:
    """The file, and the result of the read, which may have failed. `environment`: of a backup.

    `question`: where else a controller's user says what `exclude` says.
    """
    patterns = action.given(exclude) or []
    if not isinstance(patterns, (list, tuple)):
        raise ValidationError([f"{exclude} must be a list, such as [{patterns!r}], not {str(patterns)!r}."])
    nothing = File("", 0, [], [])
    read = action.run_module("mstr_runtime_info", {"include_scripts": True} if scripts else {}, action.check_mode)
    if read.get("failed"):
        return nothing, read
    runtimes = plain(read["runtimes"])
    without = ", or without mstr_runtimes_backup_dest" if environment else ""
    if not any(runtime["is_default"] for runtime in runtimes):
        return nothing, failed(
            f"{INCOMPLETE}. So {what} may lack others, too. Nothing was changed. Run the playbook again, or as a user "
            f"who sees every runtime{without}."
        )
    unread = read.get("unread")
    if unread:
        projects = ", ".join(dict.fromkeys(name_of(entry["project"]) or "the list of projects" for entry in unread))
        return nothing, failed(
            f"The scripts of these projects could not be read, so {what} would lack some: {projects}. Nothing was "
            "changed. Run the playbook again, or as a user who may read them, or without mstr_runtimes_backup_scripts."
        )
    try:
        return to_file(runtimes, writer, [str(pattern) for pattern in patterns], environment, scripts), read
    except ValidationError as exc:
        return nothing, failed(
            f"A definition cannot express what the server holds. Fix it there, or leave the runtime out with {exclude}"
            f"{question}:\n{exc.sentence}"
        )


def probe(action: Action) -> Result:
    """The result of mstr_probe, and the file with its answers."""
    with ErrorList() as errors:
        errors.add(*name_errors(action.task_vars))
    dest = action.given("mstr_probe_dest") or f"{action.host}.probe.json"
    place = _Place(action, "mstr_probe_dest", path_of(dest, action.started_in))
    place.check()
    options = {option: f"mstr_probe_{option}" for option in ("scripts", "reach", "wait_timeout", "cleanup")}
    result = action.run_module("mstr_probe", action.options(options))
    if result.get("failed"):
        return result
    answers = plain({key: result[key] for key in ("product", "profile", "answers")})
    if not action.check_mode:
        place.write(place.path, json_text(answers) + "\n")
    return {**result, "dest": place.path}


class _Place:
    """A file on the host on which the modules run."""

    def __init__(self, action: Action, variable: str, path: str) -> None:
        self._action, self._variable = action, variable
        self.path = os.path.join(action.started_in, path)

    def check(self) -> None:
        """Raise ValidationError if the file cannot be written, or if it is also the file of another host."""
        error = place_error(self._variable, self.path, None if self._action.is_local else self._action.stat)
        if error:
            raise ValidationError([error])
        self._check_others()

    def _check_others(self) -> None:
        action = self._action
        others = [host for host in action.task_vars.get("ansible_play_hosts") or () if host != action.host]
        if self._variable not in action.task_vars:
            return
        same = [
            host
            for host, values in action.of_hosts(others, (self._variable,)).items()
            if is_given(values.get(self._variable))
            and values[self._variable] is not UNKNOWN
            and os.path.realpath(path_of(values[self._variable], action.started_in)) == os.path.realpath(self.path)
        ]
        if same:
            raise ValidationError([one_file_error(self._variable, self.path, [action.host, *same])])

    def differs(self, path: str, text: str) -> bool:
        """Whether the file does not exist, or has a different content."""
        found = self._action.stat(path)
        return not found.kind or found.checksum != checksum(text.encode())

    def without_loss(self, text: str) -> str:
        """A path that replaces no different content: a second try keeps the first backup."""
        if not self._action.stat(self.path).kind or not self.differs(self.path, text):
            return self.path
        stem, suffix = os.path.splitext(self.path)
        path = f"{stem}.{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}{suffix}"
        number = 1
        while self._action.stat(path).kind and self.differs(path, text):
            number += 1
            path = f"{path.removesuffix(suffix)}-{number}{suffix}" if suffix else f"{path}-{number}"
        return path

    def write(self, path: str, text: str, *, private: bool = False) -> None:
        """See `destination.write`. On another host, Ansible's own action writes the file in the same way."""
        if self._action.is_local:
            try:
                write(path, text, private=private)
            except OSError as exc:
                raise ValidationError([f"{self._variable} {path} could not be written: {exc.strerror}."]) from None
            return
        options = {"content": text, "dest": path, "follow": True}
        if private and not self._action.stat(path).kind:
            options["mode"] = "0600"
        result = self._action.run_action("ansible.legacy.copy", options, check_mode=False)
        if result.get("failed"):
            raise ValidationError([f"{self._variable} {path} could not be written: {result.get('msg')}"])


def _verb(changed: bool, check_mode: bool) -> str:
    if not changed:
        return "as before in"
    return "would be written to" if check_mode else "written to"
