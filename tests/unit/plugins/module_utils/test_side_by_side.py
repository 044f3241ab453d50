from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.mstr.library.plugins.module_utils._session import parallel
from ansible_collections.mstr.library.plugins.module_utils._session.parallel import all_side_by_side


class Counter:
    """Counts how many are at work at a time. The first wait until there are `workers`: a thread may start late."""

    def __init__(self, workers=1):
        self.lock, self.complete = threading.Lock(), threading.Event()
        self.workers, self.now, self.most, self.threads = workers, 0, 0, set()

    def work(self, item):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.threads.add(threading.current_thread())
            if self.most >= self.workers:
                self.complete.set()
        assert self.complete.wait(30)
        time.sleep(0.005)
        with self.lock:
            self.now -= 1
        return item * 2


@pytest.fixture(autouse=True)
def _four_at_once(monkeypatch):
    monkeypatch.setattr(parallel, "AT_ONCE", 4)


@pytest.mark.parametrize("items", [20, 2, 0])
def test_results_in_order(items):
    """Four items at a time, no more threads than items, and none is left."""
    counter = Counter(min(items, 4))
    assert all_side_by_side(counter.work, range(items)) == [item * 2 for item in range(items)]
    assert counter.most == min(items, 4)
    assert len(counter.threads) <= items
    assert counter.most > 1 or counter.threads <= {threading.main_thread()}
    for thread in counter.threads - {threading.main_thread()}:
        thread.join(30)
        assert not thread.is_alive()


def test_first_exception_is_raised_at_the_end():
    done = []

    def work(item):
        if item in (2, 4):
            raise KeyError(item)
        done.append(item)

    with pytest.raises(KeyError, match="2"):
        all_side_by_side(work, range(6))
    assert sorted(done) == [0, 1, 3, 5]
