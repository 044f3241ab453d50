# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Threads, and what stops them: a signal or a caller that has gone reaches a task where it can still log out.

Wing: Session, pure.
A signal handler raises nothing: an exception out of the middle of requests could lose the token of a login that has
just succeeded. It only wakes the threads that wait; `check` and `wait` raise, at places where all state is stored.
"""

from __future__ import annotations

import select
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from ._errors import MstrError

Item = TypeVar("Item")
Result = TypeVar("Result")

_WAKE = object()
_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")
_CALLER_CHECK_S = 1.0  # how often a task that waits checks that somebody still reads its result


class Interrupted(MstrError):
    """The task is asked to end. `unclear`: the server may have done what was asked. `doing`: what was being done."""

    unclear = False
    doing = ""

    def to_result(self) -> dict[str, Any]:
        """The arguments of C(fail_json)."""
        doing = f" while trying to {self.doing}" if self.doing else ""
        return {**super().to_result(), "msg": f"{self.sentence}{doing}."}


class Stop:
    """What asks a task to end. Threads may wait on it at the same time; the handlers run in the main thread."""

    def __init__(self) -> None:
        self._boxes: dict[int, SimpleQueue[Any]] = {}
        self.reason: str | None = None
        self.hung_up = False

    @classmethod
    def installed(cls) -> Stop:
        """One that catches the signals of this process."""
        stop = cls()
        stop.install()
        return stop

    def install(self) -> None:
        """Catch the signals that end a process. SIGKILL cannot be caught.

        A signal that the process inherited as ignored stays ignored: that is what C(nohup) is for.
        """
        for name in _SIGNALS:
            number = getattr(signal, name)
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: Any) -> None:
        self.reason = f"signal {signal.Signals(number).name}"
        # SimpleQueue.put is reentrant, as nothing else in the standard library that wakes a waiter.
        for box in list(self._boxes.values()):
            box.put(_WAKE)

    def check(self) -> None:
        """Raises Interrupted after a signal, or when nobody reads the output of this process any more."""
        if self.reason is None and self._caller_is_gone():
            self.hung_up = True
            self.reason = "a caller that no longer reads the result"
        if self.reason is not None:
            raise Interrupted(f"Stopped by {self.reason}")

    def _caller_is_gone(self) -> bool:
        # A task's `timeout:` and an interrupted ansible-playbook send the module no signal; they close the pipe.
        return _stdout_hung_up()

    def wait(self, box: SimpleQueue[Any], seconds: float) -> Any:
        """What is put into `box`. Raises TimeoutError after `seconds`.

        Raises Interrupted as soon as a signal comes, and within a second after the caller has gone.
        """
        self._boxes[id(box)] = box
        left = seconds
        try:
            while True:
                self.check()
                try:
                    got = box.get(timeout=min(left, _CALLER_CHECK_S))
                except Empty:
                    left -= _CALLER_CHECK_S
                    if left <= 0:
                        raise TimeoutError from None
                    continue
                # A second signal may have left its wake-up in a box on which an Unstoppable waits now.
                if got is not _WAKE:
                    return got
        finally:
            del self._boxes[id(box)]

    def pause(self, seconds: float) -> None:
        """Sleep. Raises Interrupted as soon as a signal comes."""
        with suppress(TimeoutError):
            self.wait(SimpleQueue(), seconds)


class Unstoppable(Stop):
    """For the logout, which is tried in every case."""

    def check(self) -> None:
        """Never raises."""


def _stdout_hung_up() -> bool:
    try:
        poll = select.poll()
        poll.register(sys.__stdout__.fileno(), 0)  # type: ignore[union-attr]
        return any(event & (select.POLLHUP | select.POLLERR) for _fd, event in poll.poll(0))
    except (AttributeError, OSError, ValueError):
        return False


def start_thread(work: Callable[..., None], *args: Any) -> None:
    """Start `work` in a thread that gets no signals and does not keep the process from ending.

    Of two signals at once, the kernel may give one to another thread, which then takes both: the main thread, where
    Python runs the handlers, would not wake up.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [getattr(signal, name) for name in (*_SIGNALS, "SIGALRM")])
    try:
        Thread(target=work, args=args, daemon=True).start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def side_by_side(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int, seen: Callable[[int], None] = lambda done: None
) -> list[Result | Exception]:
    """The results in the order of `items`, an exception standing for a result that it prevented.

    A signal reaches the workers where they wait, so all of them end; the main thread stays free to receive it. There,
    `seen` gets the number of items that are done, after each of them.
    """
    if len(items) < 2 or workers < 2:
        one_by_one = []
        for item in items:
            one_by_one.append(_result(work, item))
            seen(len(one_by_one))
        return one_by_one
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
    results: dict[int, Any] = {}
    while len(results) < len(items):
        index, result = done.get()
        results[index] = result
        seen(len(results))
    return [results[index] for index in range(len(items))]


def all_side_by_side(
    work: Callable[[Item], Result], items: Sequence[Item], workers: int, seen: Callable[[int], None] = lambda done: None
) -> list[Result]:
    """The results in the order of `items`. Raises the first exception among them, when all have ended."""
    results: list[Result] = []
    for result in side_by_side(work, items, workers, seen):
        if isinstance(result, Exception):
            raise result
        results.append(result)
    return results


def _result(work: Callable[[Item], Result], item: Item) -> Result | Exception:
    try:
        return work(item)
    except Exception as exc:  # raised again by the caller, who would wait for a dead thread for ever
        return exc
