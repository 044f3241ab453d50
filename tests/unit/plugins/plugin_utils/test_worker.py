# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import threading
from contextlib import suppress

from ansible_collections.mstr.library.plugins.plugin_utils._run import worker


def test_items_of_a_loop_leave_one_thread_that_waits_for_a_terminal(monkeypatch):
    """They share a process, and each item has a screen of its own."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 512)
    os.set_blocking(writer, True)
    monkeypatch.setattr(worker, "_STDERR", writer)
    monkeypatch.setattr(worker.Screen, "_writing", False)
    before = set(threading.enumerate())
    for host in ("a", "b", "c"):
        worker.Screen(host).show("a line")
    waiting = set(threading.enumerate()) - before
    os.close(reader)
    for thread in waiting:
        thread.join(10)
    os.close(writer)
    assert len(waiting) == 1
