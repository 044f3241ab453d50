"""Until when the Python of a runtime is supported."""

from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.python import LAST_DAYS, days_left, support_of

LAST = date(2026, 10, 31)


@pytest.mark.parametrize(
    ("version", "today", "branch", "end", "left"),
    [
        ("3.10.5", LAST, "3.10", "2026-10-31", 0),
        ("3.10", date(2026, 11, 30), "3.10", "2026-10-31", -30),
        ("3.11.9", LAST, "3.11", "2027-10-31", 365),
        ("2.7", date(2024, 10, 7), "2.7", None, 0),
        ("3.99.0", LAST, "3.99", None, None),
    ],
)
def test_support(version, today, branch, end, left):
    """The last day counts; a newer branch is unknown, never fine, and an older one has ended."""
    assert support_of(version) == {"branch": branch, "end_of_life": end}
    assert days_left(version, today) == left


@pytest.mark.parametrize("version", [None, "", "default", "x3.10"])
def test_no_version(version):
    assert support_of(version) is None
    assert days_left(version, LAST) is None


def test_the_table_is_in_order():
    assert list(LAST_DAYS.values()) == sorted(LAST_DAYS.values())
