from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._text import time_in_utc
from hypothesis import given
from hypothesis import strategies as st
from unit.support.strategies import ANY_JSON

ONE_FORM = "2026-11-25T07:29:00Z"


@pytest.mark.parametrize(
    "text",
    [
        ONE_FORM,
        "2026-11-25 07:29:00",
        "2026-11-25T07:29:00.000+0000",
        "2026-11-25T07:29:00.123Z",
        "2026-11-25T08:29:00+01:00",
        "2026-11-25T02:29:00.000-0500",
    ],
)
def test_times_have_one_form(text):
    assert time_in_utc(text) == ONE_FORM


@pytest.mark.parametrize(
    "text",
    [
        *("2099-12-31", "", "soon"),
        *("2026-02-30 00:00:00", "2026-11-25 24:00:00", "2026-11-25 07:29:00+0075", "2026-11-25 07:29:00+2400"),
        "0001-01-01T00:00:00+0100",
    ],
)
def test_other_texts_stay(text):
    assert time_in_utc(text) == text


@given(value=ANY_JSON | st.datetimes().map(str))
def test_any_value_is_a_text_or_none(value):
    shown = time_in_utc(value)
    assert isinstance(shown, str) is isinstance(value, str)
    assert time_in_utc(shown) == shown
