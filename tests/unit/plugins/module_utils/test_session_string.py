from __future__ import annotations

import string

import pytest
from ansible_collections.mstr.library.plugins.module_utils._session.session_string import SessionString, decode, encode
from ansible_collections.mstr.library.tests.unit.support.make import URL
from hypothesis import assume, given
from hypothesis import strategies as st

_TEXT = st.text(max_size=20)
_TOKEN = st.text(min_size=1, max_size=20)
SESSIONS = st.builds(
    SessionString, st.just(URL), _TOKEN, st.lists(st.tuples(_TEXT, _TEXT, _TEXT, _TEXT), max_size=3), st.booleans()
)
WHOLE = encode(SessionString(URL, "a token", [("JSESSIONID", "1", "mstr.example.com", "/")]))
CUT = [WHOLE[:length] for length in range(len(WHOLE))]


@given(SESSIONS)
def test_session_survives_way_through_playbook(session):
    text = encode(session)
    assert decode(text) == session
    assert text.isascii()
    assert text.isprintable()


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")) | st.sampled_from(CUT))
def test_made_up_or_cut_string_refused(text):
    with pytest.raises(ValueError, match="is not a complete session string"):
        decode(text)


@given(st.integers(0, len(WHOLE) - 9), st.sampled_from("AZaz09-_"))
def test_a_changed_string_is_refused(place, letter):
    changed = WHOLE[:place] + letter + WHOLE[place + 1 :]
    assume(changed != WHOLE)
    with pytest.raises(ValueError, match="is not a complete session string"):
        decode(changed)


@given(SESSIONS, st.lists(st.text("abcXYZ01-_", min_size=2, max_size=4), max_size=3))
def test_string_contains_no_secret_ansible_would_mask(session, secrets):
    text = encode(session, ["", *secrets])
    assert not [secret for secret in secrets if secret in text]
    assert decode(text) == session


def test_secrets_in_every_string_refused():
    assert encode(decode(WHOLE), string.ascii_letters) == ""


def test_token_and_cookies_cannot_be_read_in_string():
    assert "token" not in WHOLE
    assert "JSESSIONID" not in WHOLE
