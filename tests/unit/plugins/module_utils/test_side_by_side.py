from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.mstr.library.plugins.module_utils._session.parallel import all_side_by_side


class Counter:
    """Counts how many are at work at a time."""

    def __init__(self):
        self.lock = threading.Lock()
        self.now = self.most = 0
        self.threads = set()

    def work(self, item):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.threads.add(threading.current_thread())
        time.sleep(0.005)
        with self.lock:
            self.now -= 1
        return item * 2


@pytest.mark.parametrize("concurrency", [1, 3, 16])
def test_the_results_are_in_order_and_no_more_work_at_a_time(concurrency):
    counter = Counter()
    assert all_side_by_side(counter.work, range(20), concurrency) == [item * 2 for item in range(20)]
    assert counter.most <= concurrency
    assert counter.most > 1 or concurrency == 1


@pytest.mark.parametrize(("items", "concurrency"), [([7], 4), ([1, 2, 3], 1), ([], 4)])
def test_one_item_or_one_worker_takes_no_thread(items, concurrency):
    counter = Counter()
    assert all_side_by_side(counter.work, items, concurrency) == [item * 2 for item in items]
    assert counter.threads <= {threading.main_thread()}


def test_no_more_threads_than_items():
    counter = Counter()
    all_side_by_side(counter.work, [1, 2], 16)
    assert len(counter.threads) <= 2


@pytest.mark.parametrize("concurrency", [1, 3])
def test_the_first_exception_is_raised_when_all_have_ended(concurrency):
    done = []

    def work(item):
        if item in (2, 4):
            raise KeyError(item)
        time.sleep(0.005)
        done.append(item)

    with pytest.raises(KeyError, match="2"):
        all_side_by_side(work, range(6), concurrency)
    assert sorted(done) == [0, 1, 3, 5]


def test_no_worker_is_left():
    before = threading.active_count()
    all_side_by_side(lambda item: time.sleep(0.002), range(12), 6)
    time.sleep(0.05)
    assert threading.active_count() == before


@pytest.mark.parametrize("allowed", [0, 1, 2])
def test_fewer_threads_than_wanted_do_all_the_work(monkeypatch, allowed):
    """Containers limit the number of threads."""
    counter, start, left = Counter(), threading.Thread.start, [allowed]

    def limited(thread):
        if not left[0]:
            raise RuntimeError("can't start new thread")
        left[0] -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    assert all_side_by_side(counter.work, range(9), 4) == [item * 2 for item in range(9)]
    assert len(counter.threads) == max(allowed, 1)


def test_after_an_error_in_the_main_thread_no_further_item_is_begun():
    counter = Counter()
    begun = []

    def stop(_done):
        raise KeyError

    with pytest.raises(KeyError):
        all_side_by_side(lambda item: begun.append(item) or counter.work(item), range(500), 2, stop)
    # On a busy machine, the main thread wakes late; each worker may be about to begin its next item.
    before = len(begun)
    time.sleep(0.05)
    assert before < 500
    assert len(begun) <= before + 2
