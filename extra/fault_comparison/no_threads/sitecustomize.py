# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refuses every thread of this process, as a container does whose limit on processes is reached."""

from __future__ import annotations

import threading


def _refuse(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


threading.Thread.start = _refuse  # type: ignore[method-assign]
