from __future__ import annotations

import unicodedata

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import (
    ERROR_KEYS,
    MASK,
    ApiError,
    MstrError,
    clean,
    code_number,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("code", "number"),
    [("ERR0017", 17), ("ERR017", 17), ("ERR009", 9), ("ERR0015", 15), ("ERR", None), ("17", None), (None, None)],
)
def test_error_codes_compared_by_number(code, number):
    assert code_number(code) == number


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("two\nlines\ttab", "two lines tab"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x9b31mC1", "31mC1"),
        ("a\u202eb\u2066c", "a b c"),
        ("lone \ud800 surrogate", "lone ? surrogate"),
        ("x" * 500, "x" * 399 + "…"),
        (None, "None"),
    ],
)
def test_foreign_text_one_line_drives_no_terminal(text, cleaned):
    assert clean(text) == cleaned


@given(st.text() | st.text(alphabet="\x1b[]\x07\x9b;m\\0a\n"))
def test_no_control_character_survives(text):
    cleaned = clean(text)
    assert not [char for char in cleaned if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]
    assert len(cleaned) <= 400
    assert cleaned.encode().decode() == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "said s3cret-token aloud",
        "x" * 390 + "s3cret-token",
        "split s3cret\x1b[0m-token by a sequence",
        "s3cret-token" * 2000,
    ],
)
def test_secret_masked_before_text_cut(text):
    cleaned = clean(text, secrets=["s3cret-token"])
    assert "s3cret" not in cleaned
    assert "token" not in cleaned


def test_of_nested_secrets_longer_masked_completely():
    for secrets in (["abc", "abcdef"], ["abcdef", "abc"]):
        assert clean("it is abcdef", secrets=secrets) == f"it is {MASK}"


def test_error_without_any_known_value_null():
    assert MstrError("It failed.").to_result() == {"msg": "It failed.", "error": None}
    assert MstrError("It failed.", iserver_code=0).to_result()["error"]["iserver_code"] == 0


def test_every_error_has_promised_keys():
    error = ApiError("It failed.", http_status=403, code="ERR0014", outcome_unknown=True)
    assert error.to_result() == {
        "msg": "It failed.",
        "error": {**dict.fromkeys(ERROR_KEYS), "http_status": 403, "code": "ERR0014"},
    }
    assert (error.status, error.number, error.outcome_unknown) == (403, 14, True)
    assert set(ERROR_KEYS) == {"http_status", "code", "message", "iserver_code", "ticket_id", "request"}
