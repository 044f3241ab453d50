from __future__ import annotations

import math

import pytest
from ansible_collections.mstr.library.plugins.module_utils._session.connection import connection_from, normal_url
from ansible_collections.mstr.library.plugins.module_utils._session.session_string import SessionString, encode
from ansible_collections.mstr.library.tests.unit.support.make import PASSWORD, URL, connection, faults_of
from ansible_collections.mstr.library.tests.unit.support.wire import self_signed

USER = {"username": "u", "password": PASSWORD}
SESSION = encode(SessionString(URL, "a token", []))


def faults(**options):
    return faults_of(connection_from, {"base_url": URL, **options})


@pytest.mark.parametrize("tail", ["", "/", "/api", "/api/", "/app", "/app/", "//"])
def test_base_url_taken_however_it_pasted(tail):
    assert normal_url(f" {URL}{tail} ") == URL


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("HTTPS://MSTR.Example.com:8443/Lib/api", "https://mstr.example.com:8443/Lib"),
        ("http://10.0.0.1:8080", "http://10.0.0.1:8080"),
        ("http://[::1]:8080/x/", "http://[::1]:8080/x"),
        ("https://h/api", "https://h"),
        ("https://h:443/Lib", "https://h/Lib"),
        ("http://h:80/Lib", "http://h/Lib"),
        ("https://h:80/Lib", "https://h:80/Lib"),
        ("https://h/myapi", "https://h/myapi"),
        ("https://h/Lib/app/library/home", "https://h/Lib"),
        ("https://h/Lib/app/config/0A1", "https://h/Lib"),
        ("https://h/Lib/app/B19DEDCC11D4E0EFC000EB9495D0F44F/K1/share", "https://h/Lib"),
        ("https://h/app/library", "https://h"),
        ("https://h/app/Lib", "https://h/app/Lib"),
        ("https://h/app/Lib/app/library/home/", "https://h/app/Lib"),
    ],
)
def test_base_url_normal_in_scheme_and_host_and_keeps_path(given, normal):
    assert normal_url(given) == normal


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("mstr.example.com", "is not an http or https URL"),
        ("ftp://h/", "is not an http or https URL"),
        ("https://", "is not an http or https URL"),
        ("https:///x", "is not an http or https URL"),
        ("https://h:port/", "is not an http or https URL"),
        ("https://h:99999/", "is not an http or https URL"),
        ("http://[::1", "is not an http or https URL"),
        ("https://a b/", "is not an http or https URL"),
        ("https://h\\evil/", "is not an http or https URL"),
        ("https://h/\x00", "is not an http or https URL"),
        ("https://u:pw@h/", "contains credentials"),
        ("https://u@h/", "contains credentials"),
        ("https://h/?x=1", "has a query, a fragment or a semicolon"),
        ("https://h/app#/home", "has a query, a fragment or a semicolon"),
        ("https://h/MicroStrategyLibrary;jsessionid=1", "has a query, a fragment or a semicolon"),
    ],
)
def test_broken_base_url_refused_in_sentence(given, words):
    [fault] = faults(**USER, base_url=given)
    assert fault.startswith("base_url '")
    assert words in fault


@pytest.mark.parametrize(
    "url",
    [
        "https://u:s3cret@h/",
        "https://u:s3cret/s3cret@h/",
        "u:s3cret@h",
        "https://u:s3cret@x@h/",
        "ftp://s3cret@h",
        "https://h/x;jsessionid=s3cret",
    ],
)
def test_credentials_in_refused_url_not_repeated(url):
    assert "s3cret" not in " ".join(faults(**USER, base_url=url))


@pytest.mark.parametrize("option", ["api_token", "identity_token", "session", "login_mode", "ca_path", "client_cert"])
def test_option_null_counts_as_not_given(option):
    assert connection(**{option: None}) == connection()


def test_missing_base_url_says_where_it_may_come_from():
    assert faults(**USER, base_url=None) == ("base_url is missing; set it, or the environment variable MSTR_BASE_URL",)


@pytest.mark.parametrize(
    ("options", "path", "body", "secrets"),
    [
        (USER, "/auth/login", {"loginMode": 1, **USER}, (PASSWORD,)),
        ({**USER, "login_mode": "standard"}, "/auth/login", {"loginMode": 1, **USER}, (PASSWORD,)),
        ({**USER, "login_mode": "ldap"}, "/auth/login", {"loginMode": 16, **USER}, (PASSWORD,)),
        ({"login_mode": "anonymous"}, "/auth/login", {"loginMode": 8}, ()),
        ({"api_token": "t"}, "/auth/login", {"loginMode": 4096, "username": "t"}, ("t",)),
        ({"identity_token": "i"}, "/auth/delegate", {"loginMode": -1, "identityToken": "i"}, ("i",)),
        (
            {**USER, "api_token": "t", "login_mode": "api_token"},
            "/auth/login",
            {"loginMode": 4096, "username": "t"},
            ("t",),
        ),
        ({"username": "u", "password": ""}, "/auth/login", {"loginMode": 1, "username": "u", "password": ""}, ("",)),
    ],
    ids=["follows", "standard", "ldap", "anonymous", "api_token", "identity_token", "chosen", "empty password"],
)
def test_every_way_to_log_in(options, path, body, secrets):
    login = connection_from({"base_url": URL, **options}).login
    assert (login.path, dict(login.body), login.secrets) == (path, body, secrets)
    assert login.delegated is (path == "/auth/delegate")


def test_two_kinds_of_credential_named_both():
    [fault] = faults(**USER, api_token="t")
    assert fault.startswith("username and password and api_token are different kinds of credential")
    assert "environment variables MSTR_… count too" in fault
    assert PASSWORD not in fault


def test_no_credential_never_guest_login():
    [fault] = faults()
    assert fault.startswith("no credentials")
    assert "login_mode: anonymous" in fault


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (
            {"username": "u"},
            "login_mode standard requires password; set it, or the environment variable MSTR_PASSWORD (an "
            "empty password can only be set in the task)",
        ),
        (
            {"password": "p"},
            "login_mode standard requires username; set it, or the environment variable MSTR_USERNAME",
        ),
        (
            {"login_mode": "ldap"},
            "login_mode ldap requires username and password; set them, or the environment variables "
            "MSTR_USERNAME and MSTR_PASSWORD (an empty password can only be set in the task)",
        ),
        (
            {**USER, "login_mode": "api_token"},
            "login_mode api_token requires api_token; set it, or the environment variable MSTR_API_TOKEN",
        ),
        (
            {**USER, "login_mode": "identity_token"},
            "login_mode identity_token requires identity_token; set it, or the environment variable "
            "MSTR_IDENTITY_TOKEN",
        ),
    ],
)
def test_options_missing_for_login_mode_named(options, fault):
    assert faults(**options) == (fault,)


def test_session_brings_server_and_needs_no_credentials():
    made = connection_from({"session": SESSION})
    assert (made.base_url, made.session.token, made.login) == (URL, "a token", None)


def test_session_accepts_different_spelling_of_server():
    assert connection(session=SESSION, base_url=f"{URL}/api/").base_url == URL


def test_credentials_beside_session_serve_for_new_login():
    assert connection(session=SESSION).login.mode == "standard"


def test_credentials_not_sent_to_server_only_session_names():
    """Whoever can change the string would choose where they go after a 401."""
    assert connection_from({"session": SESSION, "username": "u", "password": "p"}).login is None


def test_session_of_different_server_refused():
    [fault] = faults(session=SESSION, base_url="https://other.example.com")
    assert fault == (
        f"session belongs to {URL}, not to base_url https://other.example.com; omit base_url, or log in there"
    )


INVALID_SESSIONS = [
    SessionString(1, "a token", []),
    SessionString("http://[::1", "a token", []),
    SessionString("https://u:p@h", "a token", []),
    SessionString(URL, None, []),
    SessionString(URL, "", []),
    SessionString(URL, "a token", [(1, 2, 3, 4)]),
    SessionString(URL, "a token", [("name", "value")]),
]


@pytest.mark.parametrize("text", ["made up", SESSION[:-3], *map(encode, INVALID_SESSIONS)])
def test_invalid_session_only_fault_and_not_quoted(text):
    assert faults_of(connection_from, {"session": text}) == (
        "session is not a complete session string; give result.session of the task that registered the result of "
        "mstr_session",
    )


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf, 1e20])
def test_timeout_out_of_range_refused(seconds):
    [fault] = faults(**USER, timeout=seconds)
    assert fault.startswith(f"timeout must be more than 0 and at most 86400 seconds, not {seconds}")


@pytest.mark.parametrize("option", ["ca_path", "client_cert"])
def test_file_not_there_named(option, tmp_path):
    path = str(tmp_path / "none.pem")
    assert faults(**USER, **{option: path}) == (f"{option} '{path}' does not exist or cannot be read on this host",)


def test_files_and_checks_end_where_requests_looks_for_them(tmp_path):
    file, _context = self_signed(tmp_path, "localhost")
    path = str(file)
    assert connection(client_cert=path).cert == path
    assert connection(client_cert=path, client_key=path).cert == (path, path)
    assert connection().cert is None
    assert connection().verify is True
    assert connection(ca_path=path).verify == path
    assert connection(ca_path=path, validate_certs=False).verify is False
    assert connection(ca_path=str(tmp_path)).verify == str(tmp_path), "requests takes a folder, too"


def test_all_faults_come_at_once():
    assert len(faults(base_url="x", timeout=0.0, retries=-1, ca_path="/none/such", client_key="/none/such")) == 7


@pytest.mark.parametrize(
    ("url", "open_"),
    [
        ("http://mstr.example.com", True),
        ("http://10.0.0.1", True),
        ("http://localhost.evil.example", True),
        ("http://127.0.0.1.example.com", True),
        ("https://mstr.example.com", False),
        ("http://localhost:8080", False),
        ("http://127.0.0.1:8080", False),
        ("http://127.1.2.3", False),
        ("http://[::1]:8080", False),
    ],
)
def test_plain_http_to_anything_but_loopback_in_clear(url, open_):
    assert bool(list(connection(base_url=url).risks())) is open_
