# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that one environment has for itself: an export, the answers of a probe, and its backup.

They are on the host on which the modules run. The backup is written before a run changes anything, and completed after
its writes.
It is the whole truth for the way back: a restore deletes nothing but what the backup lists as created by the run.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ...module_utils._errors import ErrorList, ValidationError, listed
from ...module_utils._model.alike import is_named
from ...module_utils._model.file import FileError, check_size, read_text
from ...module_utils._model.src import Source, read_definitions, source_from
from .._reports.export import File, missing
from .._reports.texts import plain
from .action import Action, Result, refused
from .backups import here, new_paths, timed
from .check import one_file_error, type_error
from .destination import FILE, checksum, dest_errors, write
from .new_run import UNKNOWN
from .variables import is_given, own_file

DEST, KEEP = "mstr_runtimes_backup_dest", "mstr_runtimes_backup_keep"
# The line of the backup of a run that did not end.
UNFINISHED = "unfinished: true"


def source_of(action: Action, path: str) -> Source | None:
    """What a file of definitions says, or None if it does not exist. Raises ValidationError if it is invalid."""
    if not action.stat(path).kind:
        return None
    return read_definitions(path) if action.is_local else source_from(_text_of(action, path), path)


def _text_of(action: Action, path: str) -> str:
    """The text of a file on the host on which the modules run. Raises ValidationError."""
    if action.is_local:
        return read_text(path)
    found = action.stat(path)
    if found.kind != FILE:
        raise refused(f"src {path!r} is {found.kind}, not a regular file")
    try:
        check_size(found.size)
    except FileError as exc:
        raise refused(f"src {path!r} {exc}") from None
    slurped = action.run_plain_module("ansible.legacy.slurp", {"src": path})
    if slurped.get("failed"):
        raise refused(f"src {path!r} cannot be read: {slurped.get('msg')}")
    return base64.b64decode(str(slurped["content"])).decode("utf-8-sig", "replace")


def mark_finished(action: Action, path: str) -> None:
    """Remove the mark of an unfinished backup, which was restored. Raises ValidationError."""
    text = _text_of(action, path)
    OwnFile(action, "mstr_restore_src").write(re.sub(f"(?m)^{UNFINISHED}\n", "", text))


class OwnFile:
    """A file that each environment of a run has for itself."""

    def __init__(self, action: Action, variable: str) -> None:
        self._action, self._variable = action, variable
        self.path = action.path_of(action.non_empty(variable) or own_file(variable, action.host, action.value))

    def check(self) -> None:
        """Raise ValidationError if the file cannot be written, or if it is also the file of another host."""
        action, target = self._action, os.path.realpath(self.path)
        with ErrorList() as errors:
            errors.add(*dest_errors(self._variable, self.path, None if action.is_local else action.stat))
        others = [host for host in action.task_vars.get("ansible_play_hosts") or () if host != action.host]
        of_others = action.of_hosts(others, (self._variable,)) if self._variable in action.task_vars else {}
        paths = {host: values.get(self._variable) for host, values in of_others.items()}
        by_host = {host: path for host, path in paths.items() if is_given(path) and path is not UNKNOWN}
        same = [host for host, path in by_host.items() if os.path.realpath(action.path_of(path)) == target]
        if same:
            raise refused(one_file_error(self._variable, self.path, [action.host, *same]))

    def differs(self, text: str) -> bool:
        """Whether the file does not exist, or has a different content."""
        stat = self._action.stat(self.path)
        return not stat.kind or stat.checksum != checksum(text.encode())

    def write(self, text: str, *, private: bool = False) -> None:
        """See `destination.write`. On another host, Ansible's own action writes the file in the same way."""
        if self._action.is_local:
            try:
                write(self.path, [text], private=private)
            except OSError as exc:
                raise refused(f"{self._variable} {self.path} could not be written: {exc.strerror}.") from None
            return
        options = {"content": text, "dest": self.path, "follow": True}
        if private and not self._action.stat(self.path).kind:
            options["mode"] = "0600"
        result = self._action.run_action("ansible.legacy.copy", options, check_mode=False)
        if result.get("failed"):
            raise refused(f"{self._variable} {self.path} could not be written: {result.get('msg')}")


def existing(action: Action, dest: str, line: str = "") -> list[str]:
    """The paths of the backups that `dest` names, the newest first; with `line`, of those that have it."""
    if action.is_local:
        return [path for path in here(dest) if not line or _has_line(path, line)]
    contains = {"contains": f"{re.escape(line)}$"} if line else {}
    found = action.run_plain_module("ansible.legacy.find", {"paths": [os.path.dirname(dest)], **contains})
    return timed(dest, (os.path.basename(str(file["path"])) for file in found.get("files") or ()))


def _has_line(path: str, line: str) -> bool:
    with suppress(FileError):
        return f"\n{line}\n" in f"\n{read_text(path)}"
    return False


class Backup:
    """The backup of a run, in the file that DEST names. `source`: the file that a restore reads."""

    def __init__(self, action: Action, source: str | None = None) -> None:
        self._action, self._keep = action, action.non_empty(KEEP)
        if error := None if self._keep is None else type_error(KEEP, "int", self._keep):
            raise refused(f"{error}.")
        self._own_file = OwnFile(action, DEST)
        self._own_file.check()
        line = File("", {"environment": action.host}).text.splitlines()[-1]
        own, unfinished = (existing(action, self._dest, text) for text in (line, UNFINISHED))
        # The one that is restored is neither named nor removed.
        self._finished = [path for path in own if path not in (source, *unfinished)]
        self._unfinished = [path for path in own if path in unfinished and path != source]
        self._file = File("", {"runtimes": []})
        self._ids_before: set[str] = set()
        self._has_begun = self._with_scripts = False

    @property
    def _dest(self) -> str:
        return self._own_file.path

    def begin(self, file: File, runtimes: Sequence[Mapping[str, Any]], with_scripts: bool) -> None:
        """Write the backup of these runtimes. Check mode makes it in memory. Raises ValidationError."""
        self._file, self._with_scripts, self._has_begun = file, with_scripts, True
        self._ids_before = {str(runtime["id"]).upper() for runtime in runtimes}
        if not self._action.check_mode:
            paths = new_paths(self._dest, self._action.began())
            self._own_file.path = next(path for path in paths if not self._action.stat(path).kind)
        try:
            self._write(file.unfinished())
        except ValidationError as exc:
            raise refused(f"{exc.sentence} Nothing was changed.") from None

    def _write(self, file: File) -> None:
        if not self._action.check_mode:
            self._own_file.write(file.text, private=True)

    def stopped(self, result: Result) -> str:
        """Complete the backup of a run that was stopped, and say where it is."""
        where = f"The backup of what was there before is {self._dest}"
        if not _wrote(result):
            where = "Nothing was changed."
        where = f"{result.get('msg')} {where}"
        try:
            self._end(result)
        except ValidationError as exc:
            return f"{where}, but it does not delete what this run created: {exc.sentence}"
        return where

    def finish(self, result: Result) -> Result:
        """The result of the run with `backup`.

        It fails if the backup could not be completed. A process that was killed returns no result of the module, so
        nobody knows what it created.
        """
        try:
            self._end(result)
        except ValidationError as exc:
            result = _incomplete(result, exc.sentence)
        if self._keep and _wrote(result) and not result.get("failed"):
            for path in [self._dest, *self._finished][int(self._keep) :]:
                self._remove(path)
        return self.named(result)

    def named(self, result: Result) -> Result:
        """The result with `backup`, also of a run that failed before it could write one."""
        killed = [self._dest] if _was_killed(result) else []
        backup = {
            "dest": self._dest if self._has_begun and (_wrote(result) or self._action.check_mode) else "",
            "written": not self._action.check_mode,
            "with_scripts": self._with_scripts,
            "left_out": self._file.left_out,
            "not_restored": [*self._lost(result)],
            "unfinished": [*killed, *self._unfinished],
        }
        return {**result, "backup": backup}

    def _end(self, result: Result) -> None:
        """The backup at the end of a run: complete if that is known. Without a write, nobody needs it."""
        file = self._completed(result, self._file.unfinished() if _was_killed(result) else self._file)
        if _wrote(result):
            self._write(file)
        elif self._has_begun:
            self._remove(self._dest)

    def _remove(self, path: str) -> None:
        """Remove a backup that nobody needs. One that cannot be removed does no harm."""
        if self._action.check_mode:
            return
        if self._action.is_local:
            with suppress(OSError):
                os.unlink(path)
        else:
            self._action.run_plain_module("ansible.legacy.file", {"path": path, "state": "absent"})

    def _completed(self, result: Result, file: File) -> File:
        return file if self._action.check_mode else file.with_created(self._created(result))

    def _created(self, result: Result) -> Iterator[tuple[str, str]]:
        """The id and the name of each runtime that the run created, and that may still exist."""
        for row in plain(result.get("runtimes") or ()):
            identity = row.get("id")
            if _may_be_new(row) and identity and str(identity).upper() not in self._ids_before:
                yield str(identity), str(row.get("name"))

    def _lost(self, result: Result) -> Iterator[str]:
        """What going back cannot restore of what the run changed, each as a part of a sentence."""
        definitions = {str(entry.get("id")): entry for entry in self._file.content["runtimes"]}
        rows = result.get("runtimes") or ()
        # A replacement is two rows, of the new runtime and of the old one.
        taken_away = [row for row in rows if row.get("action") in ("deleted", "replaced")]
        gone = [*dict.fromkeys(repr(str(row.get("name"))) for row in taken_away)]
        for row in rows:
            action, name, identity = row.get("action"), str(row.get("name")), str(row.get("id"))
            if action in ("updated", "deleted", "replaced") and is_named(name, self._file.left_out, identity):
                yield f"{name!r}, because it is not in the backup"
            after = {change["field"]: change["after"] for change in row.get("changes") or ()}
            for field, what in missing(definitions[identity]) if identity in definitions else ():
                if action == "updated" and _is_set(after, field, what):
                    yield f"{what} of {name!r}, which was never set"
        if gone:
            yield f"owner and ACL of {listed(gone)}"
        if not self._with_scripts and (gone or (result.get("summary") or {}).get("moved")):
            yield "the runtimes of scripts, because mstr_runtimes_backup_scripts is false"


def _wrote(result: Result) -> bool:
    """Whether a run of mstr_runtimes wrote something, or may have."""
    failed = any(script.get("action") == "failed" for script in result.get("scripts") or ())
    return bool(result.get("changed")) or failed or _was_killed(result)


def _was_killed(result: Result) -> bool:
    """Whether its process ended without a result, so that nobody knows what it wrote."""
    return "module_stdout" in result


def _may_be_new(row: Mapping[str, Any]) -> bool:
    """Whether the run created the runtime of a row, as far as it knows.

    What it changed or deleted with an unknown outcome may be the runtime of a colleague, created after the backup.
    """
    if row.get("action") != "unknown":
        return row.get("action") in ("created", "replaced")
    before = {change["field"]: change["before"] for change in row.get("changes") or ()}
    return "id" in before or ("name" in before and before["name"] is None)


def _is_set(after: Mapping[str, Any], field: str, what: str) -> bool:
    """Whether a run has set what was not set before. `after`: the fields that it changed; others are as they were."""
    key = what.removeprefix("resource.")
    return field in after and (key == what or (after[field] or {}).get(key) is not None)


def _incomplete(result: Result, why: str) -> Result:
    sentence = f"The backup is not complete, so it does not delete what this run created: {why}"
    if not result.get("failed"):
        return {**result, "failed": True, "msg": sentence}
    # Where each error of a runtime has a line of its own, nobody sees what else the message says.
    return {**result, "warnings": [*(result.get("warnings") or ()), sentence]}


def may_take_away(source: Source, purges: bool) -> bool:
    """Whether a run with these definitions may delete, replace or move something."""
    entries = [entry for entry in source.runtimes or () if isinstance(entry, Mapping)]
    removes = any(entry.get("state") == "absent" or entry.get("replace_on_change") for entry in entries)
    return purges or bool(source.scripts) or removes


def means(entry: Any, name: str, identity: str) -> bool:
    """Whether a definition may mean the runtime with this name and id."""
    if not isinstance(entry, Mapping):
        return False
    names = [entry.get("name"), *(entry.get("previous_names") or ())]
    return str(entry.get("id")).upper() == identity.upper() or name in names
