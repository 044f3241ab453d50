# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Threads, and how a task stops after a signal or after its caller has ended, while it can still log out.

The signal handler does not raise, because an exception in the middle of requests could lose the token of a login that
has just succeeded. It only wakes the waiting threads; `check` and `wait` raise, at points where all state is saved.
"""

from __future__ import annotations

import select
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from .._errors import Interrupted

_WAKE = object()
_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")
_CALLER_CHECK_S = 1.0  # seconds between checks that the caller still reads the result


class Stop:
    """Receives the requests to end a task. Several threads may wait on it; handlers run in the main thread."""

    signals: Sequence[str] = _SIGNALS
    loses_result = True  # if the caller is gone

    def __init__(self) -> None:
        self._waiting: dict[int, SimpleQueue[Any]] = {}
        self.previous_handlers: dict[int, Any] = {}  # those that were there before, by the number of the signal
        self.reason: str | None = None
        self.caller_gone = False

    def install(self) -> Stop:
        """Handle the signals that end a process, except SIGKILL, which cannot be handled. Returns itself.

        A signal that the process inherited as ignored stays ignored, so that `nohup` works.
        """
        for name in self.signals:
            number = getattr(signal, name)
            handler = signal.getsignal(number)
            if handler not in (None, signal.SIG_IGN):
                self.previous_handlers[number] = handler
                signal.signal(number, self._on_signal)
        return self

    def _on_signal(self, number: int, _frame: Any) -> None:
        self.reason = f"signal {signal.Signals(number).name}"
        # SimpleQueue.put is reentrant; no other way in the standard library to wake a waiting thread is.
        for queue in list(self._waiting.values()):
            queue.put(_WAKE)

    def check(self) -> None:
        """Raises Interrupted after a signal, or if no process reads the output of this one any more."""
        if self.reason is None and self._caller_is_gone():
            self.caller_gone = self.loses_result
            self.reason = "a caller that no longer reads the result"
        if self.reason is not None:
            raise Interrupted(f"Stopped by {self.reason}")

    def _caller_is_gone(self) -> bool:
        # A task's `timeout:` and an interrupted ansible-playbook send no signal to the module; they close the pipe.
        try:
            poll = select.poll()
            poll.register(sys.__stdout__.fileno(), 0)  # type: ignore[union-attr]
            return any(event & (select.POLLHUP | select.POLLERR) for _fd, event in poll.poll(0))
        except (AttributeError, OSError, ValueError):
            return False

    def wait(self, queue: SimpleQueue[Any], seconds: float) -> Any:
        """The next item in `queue`. Raises TimeoutError after `seconds`.

        Raises Interrupted immediately after a signal, and within a second after the caller has ended.
        """
        self._waiting[id(queue)] = queue
        remaining = seconds
        try:
            while True:
                self.check()
                try:
                    got = queue.get(timeout=min(remaining, _CALLER_CHECK_S))
                except Empty:
                    remaining -= _CALLER_CHECK_S
                    if remaining <= 0:
                        raise TimeoutError from None
                    continue
                # A second signal may have put _WAKE into a queue on which an Uninterruptible now waits.
                if got is not _WAKE:
                    return got
        finally:
            del self._waiting[id(queue)]

    def pause(self, seconds: float, woken: SimpleQueue[Any] | None = None) -> None:
        """Sleep for `seconds`, or until `woken` has an item. Raises Interrupted like `wait`."""
        with suppress(TimeoutError):
            self.wait(woken or SimpleQueue(), seconds)


class Uninterruptible(Stop):
    """A Stop that never interrupts, for the logout, which is always attempted."""

    def check(self) -> None:
        """Never raises."""


def start_thread(work: Callable[..., None], *args: Any) -> bool:
    """Start `work` in a daemon thread that receives no signals. Returns False where the system allows no more threads.

    Otherwise the kernel might deliver signals to that thread, and the main thread, where Python runs the handlers,
    would not wake up.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [getattr(signal, name) for name in (*_SIGNALS, "SIGALRM")])
    try:
        Thread(target=work, args=args, daemon=True).start()
    except RuntimeError:
        # Containers limit the number of threads. The caller does the work itself.
        return False
    else:
        return True
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
