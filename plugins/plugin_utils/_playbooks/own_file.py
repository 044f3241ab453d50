# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that each environment of a run has for itself: an export, the answers of a probe, or a backup."""

from __future__ import annotations

import os

from ...module_utils._errors import ErrorList
from .action import Action, refused
from .check import one_file_error
from .destination import Stat, checksum, dest_errors, write
from .new_run import UNKNOWN
from .variables import is_given, own_file


class OwnFile:
    """A file that each environment of a run has for itself, on the control node."""

    def __init__(self, action: Action, variable: str) -> None:
        self._action, self._variable = action, variable
        self.path = action.path_of(action.non_empty(variable) or own_file(variable, action.host, action.value))

    def check(self) -> None:
        """Raise ValidationError if the file cannot be written, or if it is also the file of another host."""
        action, target = self._action, os.path.realpath(self.path)
        with ErrorList() as errors:
            errors.add(*dest_errors(self._variable, self.path))
        hosts = [str(host) for host in action.task_vars.get("ansible_play_hosts") or ()]
        of_others = action.of_hosts([host for host in hosts if host != action.host], (self._variable,))
        paths = {host: values.get(self._variable) for host, values in of_others.items()}
        by_host = {host: path for host, path in paths.items() if is_given(path) and path is not UNKNOWN}
        same = [host for host, path in by_host.items() if os.path.realpath(action.path_of(path)) == target]
        if same:
            raise refused(one_file_error(self._variable, self.path, [action.host, *same]))

    def differs(self, text: str) -> bool:
        """Whether the file does not exist, or has a different content."""
        stat = Stat.local(self.path)
        return not stat.kind or stat.checksum != checksum(text.encode())

    def write(self, text: str, *, private: bool = False) -> None:
        """Write the file, see `destination.write`. Raises ValidationError."""
        try:
            write(self.path, [text], private=private)
        except OSError as exc:
            raise refused(f"{self._variable} {self.path} could not be written: {exc.strerror}.") from None
