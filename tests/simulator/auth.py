"""The calls for sessions and users: login, logout, tokens, status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simulator.messages import ApiError, Call, Reply, invalid, missing
from simulator.sessions import TIMEOUT_S
from simulator.users import ANONYMOUS, API_TOKEN, DELEGATE, User

if TYPE_CHECKING:
    from simulator.server import Server

LOGIN_FAILED = -2147216959  # AUTHEN_E_LOGIN_FAIL [mrr]


async def login(server: Server, call: Call) -> Reply:
    """``POST /auth/login``: JSON or form."""
    body = call.form_or_json()
    if str(body.get("applicationType")) == "76" and not server.switches.yes("application_type_76"):
        # The text that shows [mstrio] that a server is too old for its application type.
        raise ApiError(400, 6, "Validation failed: 1 constraint violations: applicationType 76 is not supported.")
    mode = _login_mode(body)
    call.session = server.sessions.start(_authenticate(server, mode, body), mode)
    return _logged_in(server, call)


def _login_mode(body: Mapping[str, Any]) -> int:
    """The mode of a login. Form data contains it as text."""
    try:
        return int(body["loginMode"])
    except KeyError:
        raise missing("loginMode") from None
    except (TypeError, ValueError):
        raise invalid("The field 'loginMode' must be an integer.") from None


def _authenticate(server: Server, mode: int, body: Mapping[str, Any]) -> User:
    username, password = body.get("username", ""), body.get("password", "")
    if mode == ANONYMOUS:
        username = "guest" if server.switches.yes("guest_login") else ""
    if mode == API_TOKEN:  # which is sent as the user name [mstrio]
        username = server.api_tokens.get(username, "")
    user = server.users.get(username)
    if user is None or (mode != API_TOKEN and (user.mode, user.password) != (mode, password)):
        raise ApiError(401, 3, "Login failed: the user name or password is not valid.", LOGIN_FAILED)
    return user


def _logged_in(server: Server, call: Call) -> Reply:
    assert call.session is not None
    return Reply(204, headers={"X-MSTR-AuthToken": call.session.token}, cookies={"JSESSIONID": call.session.cookie})


async def delegate(server: Server, call: Call) -> Reply:
    """``POST /auth/delegate``: [mstrio] sends the mode as the string "-1"."""
    body = call.json_object()
    if _login_mode(body) != DELEGATE:
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
    return Reply(200, {"locale": 1033, "timeout": TIMEOUT_S, "maxSearch": 3, "workingSet": 10})


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
