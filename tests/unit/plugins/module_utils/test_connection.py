from __future__ import annotations

import math
import string

import pytest
from ansible_collections.mstr.library.plugins.module_utils import auth
from ansible_collections.mstr.library.plugins.module_utils._session.connection import connection_from, normal_url
from ansible_collections.mstr.library.plugins.module_utils._session.session_string import SessionString, decode, encode
from ansible_collections.mstr.library.plugins.modules import mstr_info
from hypothesis import given
from hypothesis import strategies as st
from unit.support.library_server import LibraryServer
from unit.support.make import PASSWORD, URL, connection, faults_of
from unit.support.module import Run
from unit.support.wire import self_signed

OTHER = "https://other.example.com/MicroStrategyLibrary"
USER = {"username": "u", "password": PASSWORD}
SESSION = encode(SessionString(URL, "a token", [("JSESSIONID", "1", "mstr.example.com", "/")]))


def faults(**options):
    return faults_of(connection_from, {"base_url": URL, **options})


# --- base_url


@pytest.mark.parametrize(
    ("pasted", "normal"),
    [
        *((f" {URL}{tail} ", URL) for tail in ("", "/", "/api", "/api/", "/app", "/app/", "//")),
        ("HTTPS://MSTR.Example.com:8443/Lib/api", "https://mstr.example.com:8443/Lib"),
        ("http://[::1]:8080/x/", "http://[::1]:8080/x"),
        ("https://h:443/Lib", "https://h/Lib"),
        ("http://h:80/Lib", "http://h/Lib"),
        ("https://h:80/Lib", "https://h:80/Lib"),
        ("https://h/myapi", "https://h/myapi"),
        ("https://h/Lib/app/library/home", "https://h/Lib"),
        ("https://h/Lib/app/B19DEDCC11D4E0EFC000EB9495D0F44F/K1/share", "https://h/Lib"),
        ("https://h/app/Lib", "https://h/app/Lib"),
        ("https://h/app/Lib/app/library/home/", "https://h/app/Lib"),
    ],
)
def test_base_url_as_pasted(pasted, normal):
    """Scheme, host and port are made normal, and what a browser shows below the application goes."""
    assert normal_url(pasted) == normal


INVALID_URLS = {
    "is not an http or https URL": [
        *("mstr.example.com", "ftp://h/", "https://", "https:///x", "https://h:port/", "https://h:99999/"),
        *("http://[::1", "https://a b/", "https://h\\evil/", "https://h/\x00"),
    ],
    "contains credentials": [
        *("https://u:s3cret@h/", "https://s3cret@h/", "https://u:s3cret/s3cret@h/", "u:s3cret@h"),
        *("https://u:s3cret@x@h/", "ftp://s3cret@h"),
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
        *((f"http://{host}", True) for host in ("mstr.example.com", "10.0.0.1", "localhost.x", "127.0.0.1.x")),
        *((f"http://{host}:8080", False) for host in ("localhost", "127.0.0.1", "127.1.2.3", "[::1]")),
        ("https://mstr.example.com", False),
    ],
)
def test_plain_http_except_loopback_in_clear(url, in_clear):
    assert bool(list(connection(base_url=url).risks())) is in_clear


# --- credentials


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


EMPTY_PASSWORD = " (an empty password can only be set in the task)"
BOTH = "set them, or the environment variables MSTR_USERNAME and MSTR_PASSWORD"


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({**USER, "base_url": None}, "base_url is missing; set it, or the environment variable MSTR_BASE_URL"),
        (
            {"username": "u"},
            f"standard requires password; set it, or the environment variable MSTR_PASSWORD{EMPTY_PASSWORD}",
        ),
        ({"password": "p"}, "standard requires username; set it, or the environment variable MSTR_USERNAME"),
        ({"login_mode": "ldap"}, f"ldap requires username and password; {BOTH}{EMPTY_PASSWORD}"),
        (
            {**USER, "login_mode": "api_token"},
            "api_token requires api_token; set it, or the environment variable MSTR_API_TOKEN",
        ),
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


# --- sessions


def test_session_needs_no_credentials():
    """A credential is not sent to a server that only the session names: who can change it would choose that."""
    for more in ({}, {"username": "u", "password": "p"}):
        made = connection_from({"session": SESSION, **more})
        assert (made.base_url, made.session.token, made.login) == (URL, "a token", None)


def test_session_beside_its_server_and_credentials():
    beside = connection(session=SESSION, base_url=f"{URL}/api/")
    assert (beside.base_url, beside.login.mode) == (URL, "standard")
    assert faults(session=SESSION, base_url=OTHER) == (
        f"session belongs to {URL}, not to base_url {OTHER}; omit base_url, or log in there",
    )


@pytest.mark.parametrize(
    "text",
    [
        "made up",
        SESSION[:-3],
        *map(encode, [SessionString(url, "a token", []) for url in (1, "http://[::1", "https://u:p@h")]),
        *map(encode, [SessionString(URL, token, []) for token in (None, "")]),
        *map(encode, [SessionString(URL, "a token", [cookie]) for cookie in ((1, 2, 3, 4), ("name", "value"))]),
    ],
)
def test_invalid_session_is_not_quoted(text):
    assert faults_of(connection_from, {"session": text}) == (
        "session is not a complete session string; give result.session of the task that registered the result of "
        "mstr_session",
    )


_TEXT = st.text(max_size=20)
_COOKIES = st.lists(st.tuples(_TEXT, _TEXT, _TEXT, _TEXT), max_size=3)
SESSIONS = st.builds(SessionString, st.just(URL), st.text(min_size=1, max_size=20), _COOKIES, st.booleans())


@given(SESSIONS, st.lists(st.text("abcXYZ01-_", min_size=2, max_size=4), max_size=3))
def test_session_survives_way_through_playbook(session, secrets):
    """It contains no secret of the task, which Ansible would mask."""
    text = encode(session, ["", *secrets])
    assert decode(text) == session
    assert text.isascii()
    assert text.isprintable()
    assert not [secret for secret in secrets if secret in text]


MADE_UP = st.text() | st.binary().map(lambda raw: raw.decode("latin-1"))
CUT = st.integers(0, len(SESSION) - 1).map(lambda length: SESSION[:length])
CHANGED = st.builds(
    lambda place, letter: SESSION[:place] + letter + SESSION[place + 1 :],
    st.integers(0, len(SESSION) - 9),
    st.sampled_from("AZaz09-_"),
).filter(lambda text: text != SESSION)


@given(MADE_UP | CUT | CHANGED)
def test_made_up_cut_or_changed_session_is_refused(text):
    with pytest.raises(ValueError, match="is not a complete session string"):
        decode(text)


def test_session_that_cannot_hide_its_content():
    """Token and cookies cannot be read in it; where every string has a secret, there is none."""
    assert "token" not in SESSION
    assert "JSESSIONID" not in SESSION
    assert encode(decode(SESSION), string.ascii_letters) == ""


# --- limits and files


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf, 1e20])
def test_timeout_out_of_range_refused(seconds):
    [fault] = faults(**USER, timeout=seconds)
    assert fault.startswith(f"timeout must be more than 0 and at most 86400 seconds, not {seconds}")


def test_files_and_checks_end_where_requests_looks(tmp_path):
    path = str(self_signed(tmp_path, "localhost")[0])
    assert connection(client_cert=path).cert == path
    assert connection(client_cert=path, client_key=path).cert == (path, path)
    assert (connection().cert, connection().verify) == (None, True)
    assert connection(ca_path=path).verify == path
    assert connection(ca_path=path, validate_certs=False).verify is False
    assert connection(ca_path=str(tmp_path)).verify == str(tmp_path), "requests takes a folder, too"


def test_all_faults_come_at_once():
    assert len(faults(base_url="x", timeout=0.0, retries=-1, ca_path="/none/such", client_key="/none/such")) == 7


# --- a secret from the environment goes only to the servers of the environment


@pytest.fixture
def info(monkeypatch, capsys):
    """Run mstr_info, with options and environment variables; the message of its failure, empty on success."""
    for name in ("MSTR_SERVERS", *(f"MSTR_{option.upper()}" for option in auth.argument_spec())):
        monkeypatch.delenv(name, raising=False)
    run = Run(monkeypatch, capsys)

    def call(variables, **options):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        result = run(mstr_info.main, **options)
        return result["msg"] if result.get("failed") else ""

    return call


@pytest.mark.parametrize(
    "variables",
    [{"MSTR_BASE_URL": URL}, {"MSTR_SERVERS": f"{URL}/api, "}, {"MSTR_BASE_URL": f"{URL}/", "MSTR_SERVERS": ","}],
)
@pytest.mark.parametrize(
    ("secret", "options"),
    [("MSTR_PASSWORD", {"username": "u"}), ("MSTR_API_TOKEN", {}), ("MSTR_IDENTITY_TOKEN", {})],
)
def test_secret_not_sent_to_another_server(info, variables, secret, options):
    """The error names both addresses. It comes before any request: there is no such server."""
    assert info({**variables, secret: "s3cret-value"}, base_url=OTHER, **options) == (
        f"{secret} of the environment may be sent only to {URL} (MSTR_BASE_URL and MSTR_SERVERS), not to base_url "
        f"{OTHER}. If that server is right, add it to MSTR_SERVERS, or set {secret[5:].lower()} in the task."
    )


@pytest.mark.parametrize(
    ("variables", "options"),
    [
        ({"MSTR_PASSWORD": PASSWORD}, {"username": "u"}),
        ({"MSTR_PASSWORD": PASSWORD, "MSTR_SERVERS": "{url}/,{other}"}, {"username": "u"}),
        ({"MSTR_PASSWORD": PASSWORD, "MSTR_BASE_URL": OTHER, "MSTR_SERVERS": "{url}/app"}, {"username": "u"}),
        ({"MSTR_USERNAME": "u", "MSTR_BASE_URL": OTHER, "MSTR_PASSWORD": "another"}, {"password": PASSWORD}),
        ({"MSTR_BASE_URL": OTHER, "MSTR_PASSWORD": "x"}, {"login_mode": "anonymous"}),
    ],
    ids=["no servers", "servers", "both", "task", "anonymous"],
)
def test_what_may_be_sent(info, variables, options):
    with LibraryServer() as server:
        variables = {name: value.format(url=server.url, other=OTHER) for name, value in variables.items()}
        assert info(variables, base_url=server.url, **options) == ""


def test_a_session_carries_its_address(info):
    """It is used where it belongs, and after its end nothing of the environment is sent there."""
    with LibraryServer() as server:
        session = encode(SessionString(server.url, "t" * 20, []))
        variables = {"MSTR_USERNAME": "u", "MSTR_PASSWORD": PASSWORD, "MSTR_BASE_URL": OTHER}
        info(variables, base_url=server.url, session=session)
        assert "POST /api/auth/login" not in server.calls


def test_an_invalid_server(info):
    message = info({"MSTR_PASSWORD": PASSWORD, "MSTR_SERVERS": "https://u:pw@h, x"}, base_url=OTHER, username="u")
    assert message.splitlines() == [
        "MSTR_SERVERS '…@h' contains credentials; put them in username and password",
        "MSTR_SERVERS 'x' is not an http or https URL, such as https://mstr.example.com/MicroStrategyLibrary",
    ]
