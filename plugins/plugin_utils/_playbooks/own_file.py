# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of one environment, on the host on which the modules run: an export, a backup, the answers of a probe."""

from __future__ import annotations

import base64
import os
from datetime import datetime, timezone
from itertools import chain, count

from ...module_utils._errors import ErrorList, ValidationError
from ...module_utils._model.src import Source, read_definitions, source_from
from .check_files import one_file_error
from .destination import FILE, checksum, dest_errors, write
from .new_run import UNKNOWN
from .task import Action, refused
from .variables import is_given


def source_of(action: Action, path: str) -> Source | None:
    """What a file of definitions says; None if there is none. Raises ValidationError if it is invalid."""
    kind = action.stat(path).kind
    if not kind:
        return None
    if action.is_local:
        return read_definitions(path)
    if kind != FILE:
        raise refused(f"src {path!r} is {kind}, not a regular file")
    slurped = action.run_plain_module("ansible.legacy.slurp", {"src": path})
    if slurped.get("failed"):
        raise refused(f"src {path!r} cannot be read: {slurped.get('msg')}")
    return source_from(base64.b64decode(str(slurped["content"])).decode("utf-8-sig", "replace"), path)


class OwnFile:
    """A file that each environment of a run has for itself."""

    def __init__(self, action: Action, variable: str, path: str) -> None:
        self._action, self._variable = action, variable
        self.path = action.path_of(path)

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

    def source(self) -> Source | None:
        """What the file says as definitions; None if it does not exist, or says something else."""
        try:
            return source_of(self._action, self.path)
        except ValidationError:
            return None

    def differs(self, path: str, text: str) -> bool:
        """Whether the file does not exist, or has a different content."""
        stat = self._action.stat(path)
        return not stat.kind or stat.checksum != checksum(text.encode())

    def without_loss(self, text: str, kept: str | None = None) -> str:
        """A path that replaces no different content: a second try keeps the first backup. `kept`: a file to keep."""
        never = kept and os.path.realpath(kept)
        stem, suffix = os.path.splitext(self.path)
        stem = f"{stem}.{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}"
        paths = chain([self.path, f"{stem}{suffix}"], (f"{stem}-{number}{suffix}" for number in count(2)))
        return next(
            path
            for path in paths
            if os.path.realpath(path) != never and not (self._action.stat(path).kind and self.differs(path, text))
        )

    def write(self, path: str, text: str, *, private: bool = False) -> None:
        """See `destination.write`. On another host, Ansible's own action writes the file in the same way."""
        if self._action.is_local:
            try:
                write(path, text, private=private)
            except OSError as exc:
                raise refused(f"{self._variable} {path} could not be written: {exc.strerror}.") from None
            return
        options = {"content": text, "dest": path, "follow": True}
        if private and not self._action.stat(path).kind:
            options["mode"] = "0600"
        result = self._action.run_action("ansible.legacy.copy", options, check_mode=False)
        if result.get("failed"):
            raise refused(f"{self._variable} {path} could not be written: {result.get('msg')}")
