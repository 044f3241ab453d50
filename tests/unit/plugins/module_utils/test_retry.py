from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError
from ansible_collections.mstr.library.plugins.module_utils._session.outage import (
    pause_before,
    retries_connection,
)
from hypothesis import example, given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=timezone.utc).timestamp()
ZONE = "Wed, 25 Nov 2026 12:00:00 +99999999999999"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """For urllib3, which reads the header."""
    monkeypatch.setattr("time.time", lambda: NOW)


def middle() -> float:
    return 0.5


@pytest.mark.parametrize(
    ("kind", "facts", "again"),
    [
        ("read", {"outcome_unknown": True}, True),
        ("read", {"connection_refused": True}, True),
        ("read", {}, True),
        ("read", {"permanent": True}, False),
        ("login", {"connection_refused": True}, True),
        ("login", {"connection_refused": True, "outcome_unknown": True}, False),
        ("login", {"connection_refused": True, "permanent": True}, False),
        ("login", {}, False),
        ("write", {"connection_refused": True}, False),
        ("once", {"connection_refused": True}, False),
    ],
)
def test_failed_connections_tried_again(kind, facts, again):
    assert retries_connection(kind, ConnectError("No answer.", **facts)) is again


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 7 ", 7),
        ("60", 60),
        ("61", 60),
        ("9" * 400, 60),
        ("Wed, 25 Nov 2026 12:00:30 GMT", 30),
        ("Wed, 25 Nov 2026 12:00:30", 30),
        ("Wed, 25 Nov 2026 13:00:00 +0100", 0),
        ("Wed, 25 Nov 2026 11:00:00 GMT", 0),
        ("Wed, 25 Nov 2027 12:00:00 GMT", 60),
    ],
)
def test_retry_after_respected_up_to_minute(wish, seconds):
    assert pause_before(3, wish, middle) == seconds


@pytest.mark.parametrize("wish", [None, "", "soon", "-5", "1.5", "²", "\x00"])
def test_invalid_retry_after_is_ignored(wish):
    assert pause_before(1, wish, middle) == pause_before(1, None, middle) == 0.5


def test_pauses_double_and_end_at_minute():
    assert [pause_before(attempt, None, middle) for attempt in (1, 2, 3, 4)] == [0.5, 1, 2, 4]
    assert pause_before(1000, None, middle) == 60


def test_jitter_spreads_pause_from_half_to_one_and_half():
    assert pause_before(2, None, lambda: 0.0) == 0.5
    assert pause_before(2, None, lambda: 1.0) == 1.5


@given(st.text(), st.integers(1, 50), st.floats(0, 1))
@example("0\x1f", 1, 0.0)
@example("Wed, 99 Nov 2026 12:00:00 GMT", 1, 0.0)
@example(ZONE, 1, 0.0)
@example("Wed, 25 Nov 99999999999999 12:00:00", 1, 0.0)
def test_any_retry_after_gives_pause_of_at_most_minute(wish, attempt, dice):
    assert 0 <= pause_before(attempt, wish, lambda: dice) <= 60
