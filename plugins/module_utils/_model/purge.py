# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a purge deletes: every runtime that no definition means, apart from what its options spare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Purge(NamedTuple):
    """Deletes unlisted runtimes, but those that `exclude` (names, ids, patterns) names.

    `limit`: maximum number of deletions. `comment`: for the server's journal.
    """

    exclude: Sequence[str] = ()
    limit: int | None = None
    comment: str | None = None
