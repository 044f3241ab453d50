# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a purge deletes and keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Purge(NamedTuple):
    """Deletes unlisted runtimes, within limits.

    `exclude`: names, ids or shell patterns of names of runtimes to keep. `limit`: maximum number of deletions.
    `comment`: for the server's journal. `left_out`: names and ids that a file leaves out on purpose.
    """

    exclude: Sequence[str] = ()
    limit: int | None = None
    comment: str | None = None
    left_out: Sequence[str] = ()
