# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of backups: `backups/dev.yml` names the folder, the beginning and the suffix of all backups of `dev`.

Each one has the time at which its run began in its name, such as `backups/dev.20261130T041500Z.yml`, so that no run
replaces the backup of another one. Pure, except that files of the control node are listed, and backups to choose from
are read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from itertools import chain, count

from ...module_utils._errors import ValidationError, counted, listed
from ...module_utils._model.src import Source
from .new_run import commands

_TIME = r"\.(\d{8}T\d{6}Z)(?:-(\d+))?"
_MOST_SHOWN = 10


def now() -> str:
    """The time as the name of a backup has it."""
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}"


def new_paths(dest: str, time: str) -> Iterator[str]:
    """The paths that a backup may take, the best first."""
    stem, suffix = os.path.splitext(dest)
    return (f"{stem}.{time}{number}{suffix}" for number in chain([""], map("-{}".format, count(2))))


def timed(dest: str, names: Iterable[str]) -> list[str]:
    """The paths of the backups among the files of a folder, the newest first."""
    stem, suffix = os.path.splitext(dest)
    form = re.compile(f"{re.escape(os.path.basename(stem))}{_TIME}{re.escape(suffix)}")
    found = [match for match in map(form.fullmatch, names) if match]
    newest = sorted(found, key=lambda match: (match[1], int(match[2] or 1)), reverse=True)
    return [os.path.join(os.path.dirname(dest), match[0]) for match in newest]


def here(dest: str) -> list[str]:
    """The same for a folder of the control node."""
    with suppress(OSError):
        return timed(dest, os.listdir(os.path.dirname(dest)))
    return []


def dest_of(path: str) -> str | None:
    """What names the backups of which this is one; None if its name has no time."""
    match = re.fullmatch(rf"(.+){_TIME}(\.[^./]*)?", path)
    return f"{match[1]}{match[4] or ''}" if match else None


def age(path: str, paths: Sequence[str]) -> str | None:
    """How old a backup is, by the time in its name; None without one. `paths`: of all that its `dest` names."""
    try:
        began = datetime.strptime(re.findall(_TIME, path)[-1][0], "%Y%m%dT%H%M%SZ")
    except (IndexError, ValueError):
        return None
    hours = max(0, int((datetime.now(timezone.utc) - began.replace(tzinfo=timezone.utc)).total_seconds()) // 3600)
    old = counted(hours // 24, "day") if hours >= 24 else counted(hours, "hour")
    number = paths.index(path) if path in paths else 0
    newer = f"; {counted(number, 'newer backup')} exist{'s' if number == 1 else ''}" if number else ""
    return f"the backup of {began:%Y-%m-%d %H:%M} UTC, {old} old{newer}"


def choice_error(
    name: str, paths: Mapping[str, Sequence[str]], options: Sequence[str], read: Callable[[str], Source | None]
) -> str:
    """Why the variable names no backup where there are several: by host, their paths, the newest first."""
    newest = commands(options, "restore", name, {host: found[0] for host, found in paths.items()})
    shown = [_shown(path, read) for found in paths.values() for path in found[:_MOST_SHOWN]]
    start = f"{name} names all backups of {listed(list(paths), 5)}, so it does not say which one to restore. The newest"
    return "\n".join([f"{start}:", *shown, "To go back to the newest:", *newest])


def _shown(path: str, read: Callable[[str], Source | None]) -> str:
    try:
        source = read(path) or Source()
    except ValidationError:
        return f"  {path}: it cannot be read as a backup"
    present = [entry for entry in source.runtimes or () if not (isinstance(entry, Mapping) and "state" in entry)]
    return f"  {path}: {counted(len(present), 'runtime')}{', unfinished' if source.unfinished else ''}"
