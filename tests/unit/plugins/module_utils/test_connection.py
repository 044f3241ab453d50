from __future__ import annotations

import math

import pytest
from ansible_collections.mstr.library.plugins.module_utils._session.connection import connection_from, normal_url
from ansible_collections.mstr.library.plugins.module_utils._session.session_string import SessionString, decode, encode
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.support.make import PASSWORD, URL, connection, faults_of

OTHER = "https://other.example.com/MicroStrategyLibrary"

USER = {"username": "u", "password": PASSWORD}
SET = "set what is missing in the task, or MSTR_"
BOTH = "set what is missing in the task, or MSTR_USERNAME and MSTR_PASSWORD in the environment"
EMPTY = " (an empty password can only be set in the task)"
SESSION = encode(SessionString(URL, "a token", [("JSESSIONID", "1", "mstr.example.com", "/")]))


def faults(**options):
    return faults_of(connection_from, {"base_url": URL, **options})


@pytest.mark.parametrize(
    ("pasted", "normal"),
    [
        *((f" {URL}{tail} ", URL) for tail in ("", "/", "/api", "/app/", "//")),
        ("HTTPS://MSTR.Example.com:8443/Lib/api", "https://mstr.example.com:8443/Lib"),
        ("http://[::1]:8080/x/", "http://[::1]:8080/x"),
        ("https://h:443/Lib", "https://h/Lib"),
        ("https://h/myapi", "https://h/myapi"),
        ("https://h/Lib/app/library/home", "https://h/Lib"),
        ("https://h/Lib/app/B19DEDCC11D4E0EFC000EB9495D0F44F/K1/share", "https://h/Lib"),
        ("https://h/app/Lib/app/library/home/", "https://h/app/Lib"),
    ],
)
def test_base_url_as_pasted(pasted, normal):
    """Scheme, host and port are made normal, and what a browser shows below the application goes."""
    assert normal_url(pasted) == normal


INVALID_URLS = {
    "is not an http or https URL": [
        *("mstr.example.com", "ftp://h/", "https:///x", "https://h:99999/", "http://[::1", "https://h\\evil/"),
    ],
    "contains credentials": [
        *("https://u:s3cret@h/", "https://s3cret@h/", "https://u:s3cret/s3cret@h/", "u:s3cret@h"),
    ],
    "has a query, a fragment or a semicolon": ["https://h/?s3cret=1", "https://h/app#/s3cret", "https://h/x;id=s3cret"],
}


@pytest.mark.parametrize(("words", "url"), [(words, url) for words, urls in INVALID_URLS.items() for url in urls])
def test_invalid_base_url_without_its_secret(words, url):
    [fault] = faults(**USER, base_url=url)
    assert fault.startswith("base_url '")
    assert words in fault
    assert "s3cret" not in fault


@pytest.mark.parametrize(
    ("url", "in_clear"),
    [
        *((f"http://{host}", True) for host in ("mstr.example.com", "localhost.x")),
        *((f"http://{host}:8080", False) for host in ("localhost", "127.1.2.3", "[::1]")),
        ("https://mstr.example.com", False),
    ],
)
def test_plain_http_except_loopback_in_clear(url, in_clear):
    assert bool(list(connection(base_url=url).risks())) is in_clear


@pytest.mark.parametrize(
    ("options", "path", "body", "secrets"),
    [
        (USER, "/auth/login", {"loginMode": 1, **USER}, (PASSWORD,)),
        ({**USER, "login_mode": "ldap"}, "/auth/login", {"loginMode": 16, **USER}, (PASSWORD,)),
        ({"login_mode": "anonymous"}, "/auth/login", {"loginMode": 8}, ()),
        ({"api_token": "t"}, "/auth/login", {"loginMode": 4096, "username": "t"}, ("t",)),
        ({"identity_token": "i"}, "/auth/delegate", {"loginMode": -1, "identityToken": "i"}, ("i",)),
        ({**USER, "login_mode": "standard", "api_token": "t"}, "/auth/login", {"loginMode": 1, **USER}, (PASSWORD,)),
        ({"username": "u", "password": ""}, "/auth/login", {"loginMode": 1, "username": "u", "password": ""}, ("",)),
    ],
    ids=["follows", "ldap", "anonymous", "api_token", "identity_token", "chosen", "empty password"],
)
def test_every_way_to_log_in(options, path, body, secrets):
    login = connection_from({"base_url": URL, **options}).login
    assert (login.path, dict(login.body), tuple(login.secrets.values())) == (path, body, secrets)
    assert login.delegated is (path == "/auth/delegate")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({**USER, "base_url": None}, "base_url is missing; set it, or the environment variable MSTR_BASE_URL"),
        ({"username": "u"}, f"standard requires password; {SET}PASSWORD in the environment{EMPTY}"),
        ({"password": "p"}, f"standard requires username; {SET}USERNAME in the environment"),
        ({"login_mode": "ldap"}, f"ldap requires username and password; {BOTH}{EMPTY}"),
        ({**USER, "login_mode": "api_token"}, f"api_token requires api_token; {SET}API_TOKEN in the environment"),
    ],
)
def test_missing_options_are_named(options, fault):
    assert [found.removeprefix("login_mode ") for found in faults(**options)] == [fault]


def test_no_credential_or_two_kinds():
    """Never a guest login, and never a guess."""
    [none] = faults()
    assert none.startswith("no credentials")
    assert "login_mode: anonymous" in none
    [two] = faults(**USER, api_token="t")
    assert two.startswith("username and password and api_token are different kinds of credential")
    assert "environment variables MSTR_… count too" in two
    assert PASSWORD not in two


@pytest.mark.parametrize("more", [{}, {"username": "u", "password": "p"}], ids=["alone", "beside"])
def test_session_needs_no_credentials(more):
    """A credential is not sent to a server that only the session names: who can change it would choose that."""
    made = connection_from({"session": SESSION, **more})
    assert (made.base_url, made.session.token, made.login) == (URL, "a token", None)


def test_session_beside_its_server_and_credentials():
    beside = connection(session=SESSION, base_url=f"{URL}/api/")
    assert (beside.base_url, beside.login.mode) == (URL, "standard")
    [fault] = faults(session=SESSION, base_url=OTHER)
    assert fault == f"session belongs to {URL}, not to base_url {OTHER}; omit base_url, or log in there"


@pytest.mark.parametrize(
    "text",
    ["made up", SESSION[:-3], f"X{SESSION[1:]}", f"{SESSION[:40]}-{SESSION[41:]}", f"\xff{SESSION}"],
    ids=["made up", "cut", "other begin", "other middle", "not ASCII"],
)
def test_invalid_session_is_not_quoted(text):
    [fault] = faults_of(connection_from, {"session": text})
    cure = "give result.session of the task that registered the result of mstr_session"
    assert fault == f"session is not a complete session string; {cure}"


_TEXT = st.text(max_size=20)
_COOKIES = st.lists(st.tuples(_TEXT, _TEXT, _TEXT, _TEXT), max_size=3)
SESSIONS = st.builds(SessionString, st.just(URL), st.text(min_size=1, max_size=20), _COOKIES, st.booleans())


@settings(max_examples=8)
@given(SESSIONS, st.lists(st.text("abcXYZ01-_", min_size=2, max_size=4), max_size=3))
def test_session_survives_way_through_playbook(session, secrets):
    """It contains no secret of the task, which Ansible would mask, and hides its own content."""
    text = encode(session, secrets)
    assert decode(text) == session
    assert text.isascii()
    assert text.isprintable()
    assert not [secret for secret in secrets if secret in text]
    assert not [content for content in ("token", "JSESSIONID") if content in SESSION]


@pytest.mark.parametrize("seconds", [0.0, math.nan, 1e20])
def test_timeout_out_of_range_refused(seconds):
    [fault] = faults(**USER, timeout=seconds)
    assert fault.startswith(f"timeout must be more than 0 and at most 86400 seconds, not {seconds}")


def test_all_faults_come_at_once():
    assert len(faults(base_url="x", timeout=0.0, retries=-1, ca_path="/none/such", client_key="/none/such")) == 7
