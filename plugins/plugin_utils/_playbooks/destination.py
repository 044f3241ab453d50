# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every file that is written on the control node: what may be replaced, and the one function that writes."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress

from .._reports.texts import without_controls_in

FILE, FOLDER = "a file", "a directory"
_KINDS = {
    stat.S_IFREG: FILE,
    stat.S_IFDIR: FOLDER,
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFIFO: "a pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
}


def kind_at(path: str) -> str | None:
    """What is at a path; None for nothing. Opens nothing."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return None
    return _KINDS.get(stat.S_IFMT(mode))


def dest_errors(name: str, path: str) -> Iterator[str]:
    """Why the file that a variable names cannot be written, if so, as a sentence.

    Only a regular file is replaced: a rename would put one in the place of a device, which all processes use.
    """
    kind, folder = kind_at(path), os.path.dirname(os.path.realpath(path))
    if kind == FOLDER:
        yield f"{name} {path} is a directory; name a file."
    elif kind not in (None, FILE):
        yield f"{name} {path} is {kind}, not a regular file; name a file."
    elif kind_at(folder) != FOLDER:
        yield f"The directory of {name}, {folder}, does not exist; create it."
    elif not _is_folder_writable(folder):
        yield f"The directory of {name}, {folder}, is not writable; choose another one."


def write(path: str, parts: Iterable[str], *, private: bool = False) -> None:
    """Write the parts of a text, all of them or nothing, without raw control characters.

    A link stays a link: its target is written. A new file has the rights that the umask allows, and an existing one
    keeps its own; a `private` one belongs to this process, and only its owner has any. Raises OSError.
    """
    kind, target = kind_at(path), os.path.realpath(path)
    if kind not in (None, FILE):
        raise OSError(0, f"it is {kind}, not a regular file")
    kept = os.stat(target) if kind else None
    beside = os.path.join(os.path.dirname(target), f".mstr-library-{secrets.token_hex(8)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private or kept else 0o666)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if kept and not private:
                with suppress(PermissionError):
                    os.fchown(descriptor, kept.st_uid, kept.st_gid)
                os.fchmod(descriptor, kept.st_mode & 0o777)
            file.writelines(without_controls_in(parts))
            file.flush()
            os.fsync(descriptor)
        os.replace(beside, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise


def _is_folder_writable(path: str) -> bool:
    try:
        # Even the superuser cannot create a file everywhere, so only a try shows it.
        with tempfile.NamedTemporaryFile(dir=path, prefix=".mstr-library-"):
            return True
    except OSError:
        return False
