# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work on many items in several threads, which a task with a single item does not need.

The threads import nothing of the collection: before Python 3.10, a thread sees a module that another thread is still
importing from a zip, as Ansible sends modules, without all of its names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

from .interrupt import start_thread

AT_ONCE = 4  # items
Item = TypeVar("Item")
Result = TypeVar("Result")


def all_side_by_side(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    on_done: Callable[[int], None] = lambda done: None,
) -> list[Result]:
    """The results in the order of `items`. When all items are done, raises the first exception.

    The main thread stays free to receive signals, which wake all waiting workers, so that all of them end. After each
    item, `on_done` is called in the main thread with the number of finished items. Where fewer threads can be started
    than that, those do the work; without any, the main thread does.
    """
    to_do = list(reversed(range(len(items))))
    results: list[Any] = [None] * len(items)
    done: SimpleQueue[None] = SimpleQueue()

    def do_next() -> None:
        index = to_do.pop()
        try:
            results[index] = work(items[index])
        except Exception as exc:  # raised again below; otherwise the main thread would wait for ever
            results[index] = exc
        done.put(None)

    def serve() -> None:
        with suppress(IndexError):  # no item is left
            while True:
                do_next()

    workers = min(AT_ONCE, len(items))
    if workers > 1:
        # What a call imports if it fails.
        from . import failures  # noqa: F401  # pylint: disable=unused-import
    threads = sum(start_thread(serve) for _worker in range(workers)) if workers > 1 else 0
    try:
        for number in range(1, len(items) + 1):
            if not threads:
                do_next()
            done.get()
            on_done(number)
    finally:
        # If `on_done` raised, the threads begin no further item.
        to_do.clear()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results
