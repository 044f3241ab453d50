# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options: which server, which credentials, which limits. Checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from .._errors import ErrorList, ValidationError
from .._text import clean, listed

if TYPE_CHECKING:
    from .session_string import SessionString

# loginMode numbers [doc]; -1 delegates an identity token. An API token is sent as the user name, with no password
# [mstrio].
LOGIN_MODES = {"standard": 1, "ldap": 16, "anonymous": 8, "api_token": 4096, "identity_token": -1}
# What a login sends beside its mode: the name in the API, and the option with the value.
_CREDENTIALS: dict[str, dict[str, str]] = {
    "standard": {"username": "username", "password": "password"},
    "ldap": {"username": "username", "password": "password"},
    "anonymous": {},
    "api_token": {"username": "api_token"},
    "identity_token": {"identityToken": "identity_token"},
}
_SECRET, _TEXT, _PATH = {"type": "str", "no_log": True}, {"type": "str"}, {"type": "path"}
# As AnsibleModule takes them.
OPTIONS: dict[str, dict[str, Any]] = {
    "base_url": _TEXT,
    "username": _TEXT,
    "password": _SECRET,
    "api_token": _SECRET,
    "identity_token": _SECRET,
    "login_mode": {"type": "str", "choices": list(LOGIN_MODES)},
    "session": _SECRET,
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": _PATH,
    "client_cert": _PATH,
    "client_key": _PATH,
    "timeout": {"type": "float", "default": 30.0},
    "retries": {"type": "int", "default": 3},
}
# The credentials, which come whole from the first source that has any.
LOGIN = ("username", "password", "api_token", "identity_token", "session")
_LONGEST_TIMEOUT = 86400  # seconds; much longer timeouts overflow in sockets and locks
# What follows the base URL in the address of a page: of the library, or of a dossier, whose project has an id. A proxy
# may serve the whole application below /app, so that no other path is cut.
_BELOW_THE_BASE = re.compile(r"/(api|app|app/(library|config|[0-9A-Fa-f]{32})(/.*)?)$")
_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")


class Login(NamedTuple):
    """One way to log in: the path, the body, and the secrets in it, by option."""

    mode: str
    path: str
    body: Mapping[str, Any]
    secrets: Mapping[str, str]

    @property
    def delegated(self) -> bool:
        """Whether the session is shared with the identity token's owner. A logout might end both, so none is sent."""
        return self.mode == "identity_token"


class Connection(NamedTuple):
    """A server, the login or an open session, and limits.

    `verify` and `cert` as in requests; `timeout` in seconds for connecting and for each read.
    """

    base_url: str
    login: Login | None
    session: SessionString | None
    verify: bool | str
    cert: tuple[str, str] | str | None
    timeout: float
    retries: int

    def risks(self) -> Iterator[str]:
        """A warning for each risk: unencrypted credentials, a certificate that is not verified."""
        parts = urlsplit(self.base_url)
        if parts.scheme == "http" and not _LOOPBACK.fullmatch(parts.hostname or ""):
            yield f"{self.base_url} is plain http: credentials and session cross the network unencrypted."
        if parts.scheme == "https" and self.verify is False:
            yield f"validate_certs is false: the task cannot verify that {self.base_url} is the right server."


def normal_url(text: str, name: str = "base_url") -> str:
    """The base URL without a trailing `/`, `/api` or `/app`, and without the page that a browser displays below `/app`.

    `name`: of the option or variable. Raises ValidationError.
    """
    url, parts, host = text.strip(), urlsplit(""), None
    with suppress(ValueError):
        parts = urlsplit(url)
        host = (parts.hostname, parts.port)[0]  # reading an invalid port raises ValueError
    if "@" in url:
        # Wherever it is: a password with an unencoded / or # moves it out of the place where a parser expects it.
        error = "contains credentials; put them in username and password"
    elif host is None or parts.scheme not in ("http", "https") or re.search(r"[\s\x00-\x1f\\]", url):
        error = "is not an http or https URL, such as https://mstr.example.com/MicroStrategyLibrary"
    # A browser may show the id of a session after a semicolon (;jsessionid=…).
    elif parts.query or parts.fragment or ";" in parts.path:
        error = "has a query, a fragment or a semicolon; it must end with the name of the Library application"
    else:
        path = re.sub(_BELOW_THE_BASE, "", parts.path.rstrip("/")).rstrip("/")
        # The same server with and without the default port must give the same URL, so that a session fits both.
        netloc = parts.netloc.lower().removesuffix(":443" if parts.scheme == "https" else ":80")
        return f"{parts.scheme}://{netloc}{path}"
    # The parts before @ and after ?, # or ; may contain credentials, so they are not quoted.
    masked_url = clean(re.sub("(?s)([?#;]).*", r"\1…", re.sub("(?s).*@", "…@", text)))
    raise ValidationError([f"{name} {masked_url!r} {error}"])


def connection_from(params: Mapping[str, Any]) -> Connection:
    """The connection from a task's options. Raises ValidationError with all errors."""
    params = {option: value for option, value in params.items() if value is not None}
    with ErrorList() as errors:
        session = errors.check(_session, params["session"]) if "session" in params else None
        url = _base_url(params, session, errors)
        login = errors.check(_login, params)
        timeout, retries = _limits(params, errors)
        if params.keys() & {"ca_path", "client_cert", "client_key"}:
            from .tls import file_errors  # only a task with such a file needs it

            errors.add(*file_errors(params))
    if session and not params.get("base_url"):
        # A session string may come from anywhere, and names its server: credentials are not sent there after it ended.
        login = None
    verify = params.get("validate_certs", True) and (params.get("ca_path") or True)
    certificate, key = params.get("client_cert"), params.get("client_key")
    cert = (certificate, key) if certificate and key else certificate
    return Connection(url, login, session, verify, cert, timeout, retries)


def _base_url(params: Mapping[str, Any], session: SessionString | None, errors: ErrorList) -> str:
    """The URL of the server; empty if it is not known because of an error."""
    if params.get("base_url"):
        url = errors.check(normal_url, params["base_url"])
        if url and session and session.base_url != url:
            errors.add(f"session belongs to {session.base_url}, not to base_url {url}; omit base_url, or log in there")
        return url
    if "session" not in params:
        errors.add("base_url is missing; set it, or the environment variable MSTR_BASE_URL")
    return session.base_url if session else ""


def _limits(params: Mapping[str, Any], errors: ErrorList) -> tuple[float, int]:
    timeout, retries = params.get("timeout", 30.0), params.get("retries", 3)
    if not 0 < timeout <= _LONGEST_TIMEOUT:
        errors.add(f"timeout must be more than 0 and at most {_LONGEST_TIMEOUT} seconds, not {timeout}")
    if retries < 0:
        errors.add(f"retries must be at least 0, not {retries}")
    return timeout, retries


def _session(text: str) -> SessionString:
    from .session_string import INVALID, decode  # only a task with a session needs it

    try:
        return decode(text)
    except ValueError:
        raise ValidationError([f"session {INVALID}"]) from None


def with_own_login(connection: Connection, task_options: Container[str], environ: Mapping[str, str]) -> Connection:
    """The connection, without a login that belongs to other servers if there is a session. Raises ValidationError.

    A secret from the environment and the address may come from different people. `task_options`: what the task sets.
    """
    of_login = connection.login.secrets if connection.login else {}
    secrets = [name for name in of_login if name not in task_options]
    if not secrets:
        return connection
    allowed = _servers_of(environ)
    if not allowed or connection.base_url in allowed:
        return connection
    if connection.session:
        return connection._replace(login=None)
    variables = " and ".join(f"MSTR_{option.upper()}" for option in secrets)
    raise ValidationError(
        [
            f"{variables} of the environment may be sent only to {listed(allowed)} (MSTR_BASE_URL and MSTR_SERVERS), "
            f"not to base_url {connection.base_url}. If that server is right, add it to MSTR_SERVERS, or set "
            f"{' and '.join(secrets)} in the task."
        ]
    )


def _servers_of(environ: Mapping[str, str]) -> list[str]:
    """The servers to which secrets of the environment may be sent. Raises ValidationError."""
    addresses = [("MSTR_BASE_URL", environ.get("MSTR_BASE_URL", ""))]
    addresses += [("MSTR_SERVERS", text) for text in environ.get("MSTR_SERVERS", "").split(",")]
    with ErrorList() as errors:
        return [errors.check(normal_url, text, variable) for variable, text in addresses if text.strip()]


def _login(params: Mapping[str, Any]) -> Login | None:
    """The login that the options describe; None if there is only a session."""
    mode = params.get("login_mode") or _mode_of_credentials(params)
    if mode is None:
        return None
    needed = _CREDENTIALS[mode]
    missing = [option for option in needed.values() if option not in params]
    if missing:
        raise ValidationError([_credentials_missing(mode, missing)])
    return Login(
        mode,
        "/auth/delegate" if mode == "identity_token" else "/auth/login",
        {"loginMode": LOGIN_MODES[mode], **{name: params[option] for name, option in needed.items()}},
        {option: params[option] for option in needed.values() if option != "username"},
    )


def is_whole_login(params: Mapping[str, Any]) -> bool:
    """Whether these options have everything that a login needs, so that no other source adds to them."""
    return any(params.get(token) for token in ("api_token", "identity_token")) or {"username", "password"} <= {*params}


def _mode_of_credentials(params: Mapping[str, Any]) -> str | None:
    """The login mode of the one kind of credential that is given; None for a session alone."""
    modes = [token for token in ("api_token", "identity_token") if token in params]
    # A template renders an unused password as an empty text, so that alone is no credential.
    if "username" in params or params.get("password"):
        modes.insert(0, "standard")
    if len(modes) == 1:
        return modes[0]
    if modes:
        kinds = " and ".join("username and password" if mode == "standard" else mode for mode in modes)
        raise ValidationError(
            [
                f"{kinds} are different kinds of credential; supply one kind, or choose with login_mode "
                "(environment variables MSTR_… count too)"
            ]
        )
    if "session" in params:
        return None
    raise ValidationError(
        [
            "no credentials: supply username and password, api_token or identity_token (or their MSTR_… "
            "environment variables), or login_mode: anonymous for a guest login"
        ]
    )


def _credentials_missing(mode: str, missing: list[str]) -> str:
    empty = " (an empty password can only be set in the task)" if "password" in missing else ""
    variables = " and ".join(f"MSTR_{option.upper()}" for option in missing)
    cure = f"set what is missing in the task, or {variables} in the environment"
    return f"login_mode {mode} requires {' and '.join(missing)}; {cure}{empty}"
