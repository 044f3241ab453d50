# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work on many items in several threads, which a task with a single item does not need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from .interrupt import start_thread

Item = TypeVar("Item")
Result = TypeVar("Result")


def all_side_by_side(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    concurrency: int,
    on_done: Callable[[int], None] = lambda done: None,
) -> list[Result]:
    """The results in the order of `items`. When all items are done, raises the first exception.

    The main thread stays free to receive signals, which wake all waiting workers, so that all of them end. After each
    item, `on_done` is called in the main thread with the number of finished items. Where fewer threads can be started
    than wanted, those do the work; without any, the main thread does.
    """
    todo: SimpleQueue[int] = SimpleQueue()
    for index in range(len(items)):
        todo.put(index)
    done: SimpleQueue[tuple[int, Any]] = SimpleQueue()

    def serve(only_one: bool = False) -> None:
        with suppress(Empty):
            while True:
                index = todo.get_nowait()
                try:
                    done.put((index, work(items[index])))
                except Exception as exc:  # raised again below; otherwise the main thread would wait for ever
                    done.put((index, exc))
                if only_one:
                    return

    wanted = min(concurrency, len(items))
    threads = sum(start_thread(serve) for _worker in range(wanted)) if wanted > 1 else 0
    results: dict[int, Any] = {}
    try:
        while len(results) < len(items):
            if not threads:
                serve(only_one=True)
            index, result = done.get()
            results[index] = result
            on_done(len(results))
    finally:
        # If `on_done` raised, the threads begin no further item.
        with suppress(Empty):
            while True:
                todo.get_nowait()
    for index in range(len(items)):
        if isinstance(results[index], Exception):
            raise results[index]
    return [results[index] for index in range(len(items))]
