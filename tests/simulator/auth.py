"""The calls for sessions and users: login, logout, tokens, status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simulator.messages import ApiError, Call, Reply, invalid, missing, only
from simulator.sessions import ISERVER_TIMEOUT_S
from simulator.users import ANONYMOUS, API_TOKEN, DELEGATE, LDAP, STANDARD, User

if TYPE_CHECKING:
    from simulator.server import Server

# The fields of a login [doc], [mstrio]. Others are rejected, to show typing errors of a client.
LOGIN_FIELDS = {
    "loginMode", "username", "password", "applicationType", "applicationId", "workingSet", "maxSearch",
    "metadataLocale", "warehouseDataLocale", "displayLocale", "messagesLocale", "numberLocale", "timeZone",
}  # fmt: skip
LOGIN_FAILED = -2147216959  # AUTHEN_E_LOGIN_FAIL [mrr]


async def login(server: Server, call: Call) -> Reply:
    """``POST /auth/login``: JSON or form."""
    body = call.form_or_json()
    only(body, LOGIN_FIELDS)
    application = _integer(body, "applicationType")
    if application == 76 and not server.switches.yes("application_type_76"):
        # The text that shows [mstrio] that a server is too old for its application type.
        raise ApiError(400, 6, "Validation failed: 1 constraint violations: applicationType 76 is not supported.")
    for name in ("workingSet", "maxSearch"):
        _integer(body, name)
    mode = _integer(body, "loginMode")
    if mode is None:
        raise missing("loginMode")
    call.session = server.sessions.start(_authenticate(server, mode, body), mode)
    return _logged_in(server, call)


def _integer(body: Mapping[str, Any], name: str) -> int | None:
    """A number of a login body. Form data contains it as text."""
    value = body.get(name)
    if value is None:
        return None
    try:
        if isinstance(value, (bool, float)):
            raise ValueError(value)
        return int(value)
    except (TypeError, ValueError):
        raise invalid(f"The field '{name}' must be an integer.") from None


def _authenticate(server: Server, mode: int, body: Mapping[str, Any]) -> User:
    failed = ApiError(401, 3, "Login failed: the user name or password is not valid.", LOGIN_FAILED)
    if mode == ANONYMOUS:
        if not server.switches.yes("guest_login"):
            raise ApiError(401, 3, "Login failed: anonymous login is not enabled.", LOGIN_FAILED)
        return next(user for user in server.users.values() if user.mode == ANONYMOUS)
    if mode not in (STANDARD, LDAP, API_TOKEN):
        raise ApiError(400, 10, f"Login mode {mode} is not supported.")
    if "username" not in body:
        raise missing("username")
    for name in ("username", "password"):
        if not isinstance(body.get(name, ""), str):
            raise invalid(f"The field '{name}' must be a string.")
    if mode == API_TOKEN:
        # The token is sent as the user name [mstrio].
        user = server.users.get(server.api_tokens.get(body["username"], ""))
    else:
        user = server.users.get(body["username"])
        if user and (user.mode != mode or body.get("password", "") != user.password):
            user = None
    if user is None:
        raise failed
    return user


def _logged_in(server: Server, call: Call) -> Reply:
    assert call.session is not None
    return Reply(204, headers={"X-MSTR-AuthToken": call.session.token}, cookies={"JSESSIONID": call.session.cookie})


async def delegate(server: Server, call: Call) -> Reply:
    """``POST /auth/delegate``: [mstrio] sends the mode as the string "-1"."""
    body = call.json_object()
    only(body, {"loginMode", "identityToken"})
    if _integer(body, "loginMode") != DELEGATE:
        raise invalid("The field 'loginMode' must be -1.")
    if not isinstance(body.get("identityToken"), str):
        raise missing("identityToken")
    call.session = server.sessions.delegate(body["identityToken"])
    return _logged_in(server, call)


async def logout(server: Server, call: Call) -> Reply:
    """``POST /auth/logout``."""
    assert call.session is not None
    server.sessions.end(call.session)
    return Reply(204)


async def make_identity_token(server: Server, call: Call) -> Reply:
    """``POST /auth/identityToken``."""
    assert call.session is not None
    return Reply(201, headers={"X-MSTR-IdentityToken": server.sessions.identity_token(call.session)})


async def check_identity_token(server: Server, call: Call) -> Reply:
    """``GET /auth/identityToken``: the token is in a header."""
    if server.sessions.identity_token_is_valid(call.header("X-MSTR-IdentityToken")):
        return Reply(200)
    raise ApiError(401, 3, "The identity token is not valid.")


async def session_info(server: Server, call: Call) -> Reply:
    """``GET /sessions``: [mstrio] reads timeout, workingSet and maxSearch."""
    # The timeout of the Intelligence Server. Tomcat's timeout is a setting of the web server, unknown to the API.
    return Reply(200, {"locale": 1033, "timeout": int(ISERVER_TIMEOUT_S), "maxSearch": 3, "workingSet": 10})


async def renew_session(server: Server, call: Call) -> Reply:
    """``PUT /sessions``: restarts both clocks. Finding the session has already done that."""
    return Reply(204)


async def user_info(server: Server, call: Call) -> Reply:
    """``GET /sessions/userInfo``."""
    user = call.user
    return Reply(200, {"id": user.id, "fullName": user.full_name, "initials": user.initials})


async def status(server: Server, call: Call) -> Reply:
    """``GET /status``: needs no session, but a locked-down server answers 401 [mstrio]."""
    if server.switches["status_call"] == "locked":
        raise ApiError(401, 9, "The session is not valid or has timed out.")
    version = server.switches["iserver_version"]
    return Reply(200, {"iServerVersion": version, "webVersion": version})
