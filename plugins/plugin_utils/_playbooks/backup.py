# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backup of one environment: what there was before a run changed anything, in a file that `apply` takes.

`backups/dev.yml` names the folder, the beginning and the suffix of the backups of `dev`. Each one has the time at which
its run began in its name, such as `backups/dev.20261130T041500Z.yml`, so that none is ever replaced. It is written
before the first change, and never changed afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import chain, count
from typing import Any, NamedTuple

from ...module_utils._errors import ValidationError, ended, listed
from ...module_utils._model.usage import name_of
from .._reports.export import File
from .action import Action, Result, refused
from .destination import Stat
from .export import BACKUP, exported
from .own_file import OwnFile

DEST = "mstr_runtimes_backup_dest"


class Backup(NamedTuple):
    """What there was. `spared`: the ids of the runtimes that are not in the file; `warnings`: what it lacks."""

    target: OwnFile
    file: File
    spared: list[str]
    warnings: list[str]


def read_backup(action: Action) -> tuple[Backup | None, Result]:
    """The backup, None if the server could not be read, and the result of the read. Raises ValidationError."""
    action.check_local(DEST)
    target = OwnFile(action, DEST)
    target.check()
    file, read = exported(action, BACKUP, {"include_scripts": True})
    if file is None:
        return None, read
    warnings = [f"{ended(reason)} It is not in the backup, and a purge spares it." for reason in file.reasons]
    unread = [name_of(entry["project"]) or "the list of projects" for entry in read.get("unread") or ()]
    if unread:
        warnings.append(
            f"The backup lacks scripts that could not be read: {listed(list(dict.fromkeys(unread)))}. Going back does "
            "not assign them."
        )
    return Backup(target, file, [identity for _name, identity in file.inexpressible], warnings), read


def write_backup(action: Action, backup: Backup) -> str:
    """Write the file, under a name that no file has. Returns its path. Raises ValidationError."""
    target = backup.target
    target.path = next(path for path in _paths(target.path, action.began()) if not Stat.local(path).kind)
    try:
        target.write(backup.file.text, private=True)
    except ValidationError as exc:
        raise refused(f"{exc.sentence} Nothing was changed.") from None
    return target.path


def keep_if_used(path: str, result: Mapping[str, Any]) -> str | None:
    """The path of the backup; None if the run wrote nothing, whose backup is removed, because nobody needs it."""
    if _may_have_written(result):
        return path
    with suppress(OSError):  # one that cannot be removed does no harm
        os.unlink(path)
    return None


def stopped(path: str, result: Mapping[str, Any]) -> str:
    """What a person has to know of a run that was stopped."""
    kept = keep_if_used(path, result)
    where = f"The backup of what was there before is {kept}" if kept else "Nothing was changed."
    return f"{result.get('msg')} {where}"


def _paths(dest: str, time: str) -> Iterator[str]:
    """The paths that a backup may take, the best first."""
    stem, suffix = os.path.splitext(dest)
    numbers = chain([""], map("-{}".format, count(2)))
    return (f"{stem}.{time}{number}{suffix}" for number in numbers)


def _may_have_written(result: Mapping[str, Any]) -> bool:
    """Whether a run of mstr_runtimes wrote something, or may have. A killed process returns no result of the module."""
    failed = any(script.get("action") == "failed" for script in result.get("scripts") or ())
    return bool(result.get("changed")) or failed or "module_stdout" in result
