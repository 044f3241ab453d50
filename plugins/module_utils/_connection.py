# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which server, which credentials, how to talk: the connection options, checked before anything is sent.

Wing: Session, pure.
Reads files' existence, sends nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ._errors import ValidationError, clean
from ._session_string import SessionString, decode

# loginMode numbers [doc]; -1 delegates an identity token. An API token travels as user name, alone [mstrio].
LOGIN_MODES = {"standard": 1, "ldap": 16, "anonymous": 8, "api_token": 4096, "identity_token": -1}
_NEEDS = {
    "standard": ("username", "password"),
    "ldap": ("username", "password"),
    "anonymous": (),
    "api_token": ("api_token",),
    "identity_token": ("identity_token",),
}
_LONGEST_TIMEOUT = 86400  # beyond some years, sockets and locks overflow
_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")


class Login(NamedTuple):
    """One way to log in: where to, what with."""

    mode: str
    path: str
    body: Mapping[str, Any]
    secrets: tuple[str, ...] = ()

    @property
    def delegated(self) -> bool:
        """A delegated session shares its giver's, which a logout might end: it is left open."""
        return self.mode == "identity_token"


class Connection(NamedTuple):
    """A server and how to talk to it; seconds for `timeout`."""

    base_url: str
    login: Login | None
    session: SessionString | None
    verify: bool | str
    cert: tuple[str, str] | str | None
    timeout: float
    retries: int

    @property
    def in_the_clear(self) -> bool:
        """Whether secrets would cross a network unencrypted."""
        parts = urlsplit(self.base_url)
        return parts.scheme == "http" and not _LOOPBACK.fullmatch(parts.hostname or "")

    @property
    def unproven(self) -> bool:
        """Whether anybody may pass for the server."""
        return self.base_url.startswith("https:") and self.verify is False


def normal_url(text: str) -> str:
    """The base URL without what people paste behind it: C(/), C(/api), C(/app).

    Raises ValueError with the rest of a sentence.
    """
    url = text.strip()
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme.lower() not in ("http", "https") or re.search(r"[\s\x00-\x1f\\]", url):
        raise ValueError("is no http or https URL, such as https://mstr.example.com/MicroStrategyLibrary")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds credentials; give them in username and password")
    if parts.query or parts.fragment:
        raise ValueError("has a query or a fragment; give it up to the name of the Library application")
    path = re.sub(r"/(api|app)$", "", parts.path.rstrip("/")).rstrip("/")
    scheme = parts.scheme.lower()
    # A session is one server's whether or not somebody writes the usual port.
    netloc = parts.netloc.lower().removesuffix(":443" if scheme == "https" else ":80")
    return f"{scheme}://{netloc}{path}"


def from_params(params: Mapping[str, Any]) -> Connection:
    """The connection that a task's options describe. Raises ValidationError with every fault at once."""
    faults: list[str] = []
    session = _session(params.get("session"), faults)
    base_url = _base_url(params.get("base_url"), session, params.get("session") is not None, faults)
    login = _login(params, session_given=params.get("session") is not None, faults=faults)
    timeout, retries = params.get("timeout", 30.0), params.get("retries", 3)
    if not 0 < timeout <= _LONGEST_TIMEOUT:
        faults.append(f"timeout {timeout} is out of range; it is more than 0 and at most {_LONGEST_TIMEOUT} seconds")
    if retries < 0:
        faults.append(f"retries {retries} is out of range; it is at least 0")
    faults += [
        f"{option} {params[option]!r} is no file that can be read here"
        for option in ("ca_path", "client_cert", "client_key")
        if params.get(option) and not os.access(params[option], os.R_OK)
    ]
    cert, key = params.get("client_cert"), params.get("client_key")
    if key and not cert:
        faults.append("client_key is given without client_cert")
    if faults:
        raise ValidationError(faults)
    verify = params.get("validate_certs", True) and (params.get("ca_path") or True)
    return Connection(base_url, login, session, verify, (cert, key) if cert and key else cert, timeout, retries)


def _session(text: str | None, faults: list[str]) -> SessionString | None:
    if text is None:
        return None
    try:
        return decode(text)
    except ValueError as exc:
        faults.append(f"session {exc}")
        return None


def _base_url(given: str | None, session: SessionString | None, session_given: bool, faults: list[str]) -> str:
    if not given:
        if not session_given:
            faults.append("base_url is missing; give it as option or in the environment variable MSTR_BASE_URL")
        return session.base_url if session else ""
    try:
        url = normal_url(given)
    except ValueError as exc:
        # Credentials may stand in a URL that is refused for them.
        before, at, after = clean(given).rpartition("@")
        shown = f"…@{after}" if at else before + after
        faults.append(f"base_url {shown!r} {exc}")
        return ""
    if session and session.base_url != url:
        faults.append(f"session is one of {session.base_url}, not of base_url {url}")
    return url


def _login(params: Mapping[str, Any], *, session_given: bool, faults: list[str]) -> Login | None:
    mode = params.get("login_mode")
    if mode is None:
        kinds = {
            "username and password": params.get("username") is not None or params.get("password") is not None,
            "api_token": params.get("api_token") is not None,
            "identity_token": params.get("identity_token") is not None,
        }
        given = [kind for kind, there in kinds.items() if there]
        if len(given) > 1:
            faults.append(
                f"{' and '.join(given)} are two kinds of credential, environment variables (MSTR_…) count too; "
                "leave one, or choose by login_mode"
            )
            return None
        if not given:
            if not session_given:
                faults.append(
                    "no credentials: give username and password, api_token or identity_token (or their MSTR_… "
                    "environment variables), or login_mode: anonymous for a guest"
                )
            return None
        mode = "standard" if given[0] == "username and password" else given[0]
    missing = [option for option in _NEEDS[mode] if params.get(option) is None]
    if missing:
        empty = " (an empty one is given as option, not by environment)" if "password" in missing else ""
        faults.append(f"login_mode {mode} needs {' and '.join(missing)}{empty}")
        return None
    body: dict[str, Any] = {"loginMode": LOGIN_MODES[mode]}
    if mode == "identity_token":
        return Login(mode, "/auth/delegate", {**body, "identityToken": params[mode]}, (params[mode],))
    if mode == "api_token":
        return Login(mode, "/auth/login", {**body, "username": params[mode]}, (params[mode],))
    if mode == "anonymous":
        return Login(mode, "/auth/login", body)
    body.update(username=params["username"], password=params["password"])
    return Login(mode, "/auth/login", body, (params["password"],))
