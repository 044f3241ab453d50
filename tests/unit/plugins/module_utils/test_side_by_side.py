from __future__ import annotations

import threading

import pytest
from ansible_collections.mstr.library.plugins.module_utils._session import parallel
from ansible_collections.mstr.library.plugins.module_utils._session.parallel import all_side_by_side


@pytest.fixture(autouse=True)
def _four_at_once(monkeypatch):
    monkeypatch.setattr(parallel, "AT_ONCE", 4)


@pytest.mark.parametrize(("items", "at_once"), [(20, 4), (2, 2), (1, 1), (0, 1)])
def test_results_in_order(items, at_once):
    """Four items at a time, no more threads than items, and none is left. One item needs no thread of its own."""
    together, threads = threading.Barrier(at_once), set()

    def work(item):
        threads.add(threading.current_thread())
        together.wait(30)
        return item * 2

    assert all_side_by_side(work, range(items)) == [item * 2 for item in range(items)]
    assert len(threads) == min(items, at_once)
    assert at_once > 1 or threads <= {threading.main_thread()}
    for thread in threads - {threading.main_thread()}:
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
