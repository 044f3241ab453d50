# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several calls at a time on one session.

Wing: Session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from ._interrupt import start_thread

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item], workers: int) -> list[Result | Exception]:
    """The results in the order of `items`, an exception standing for a result that it prevented.

    A signal reaches the workers where they wait, so that all of them end; the main thread stays free to hear it.
    """
    if len(items) < 2 or workers < 2:
        return [_result(work, item) for item in items]
    todo: SimpleQueue[int] = SimpleQueue()
    for index in range(len(items)):
        todo.put(index)
    done: SimpleQueue[tuple[int, Any]] = SimpleQueue()

    def serve() -> None:
        while True:
            try:
                index = todo.get_nowait()
            except Empty:
                return
            done.put((index, _result(work, items[index])))

    for _worker in range(min(workers, len(items))):
        start_thread(serve)
    results: dict[int, Any] = dict(done.get() for _item in items)
    return [results[index] for index in range(len(items))]


def all_side_by_side(work: Callable[[Item], Result], items: Sequence[Item], workers: int) -> list[Result]:
    """The results in the order of `items`. Raises the first exception among them, when all have ended."""
    results: list[Result] = []
    for result in side_by_side(work, items, workers):
        if isinstance(result, Exception):
            raise result
        results.append(result)
    return results


def _result(work: Callable[[Item], Result], item: Item) -> Result | Exception:
    try:
        return work(item)
    except Exception as exc:  # handed to whoever asked; a thread that dies silently would be waited for in vain
        return exc
