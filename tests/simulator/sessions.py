"""Sessions: all login modes, tokens that work only with their cookie, the timeout, and the effect of a logout.

A session has two halves, as on the real server: one in Tomcat, which the token and the JSESSIONID cookie name, and
one in the Intelligence Server. A delegated session has its own Tomcat half, and shares the Intelligence Server half of
the session that its identity token came from.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulator.messages import ApiError, Call
from simulator.profiles import Switches
from simulator.users import DELEGATE, IDENTITY_TOKEN_OF_ADMIN, MODE_NAMES, User

LB_COOKIE = "AWSALB"
TIMEOUT_S = 1800


@dataclass(eq=False)
class IServerSession:
    """The Intelligence Server's half."""

    user: User
    ended: bool = False


@dataclass(eq=False)
class HttpSession:
    """Tomcat's half."""

    number: int
    mode: int
    iserver: IServerSession
    used: float
    token: str = field(default_factory=lambda: secrets.token_hex(13))
    cookie: str = field(default_factory=lambda: secrets.token_hex(16).upper())
    lb_cookies: list[str] = field(default_factory=list)
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def user(self) -> User:
        return self.iserver.user


class Sessions:
    """All sessions of one server. `giver`: who has the fixed identity token, and stays logged in for ever."""

    def __init__(self, switches: Switches, clock: Callable[[], float], giver: User) -> None:
        self._switches = switches
        self._clock = clock
        self._by_token: dict[str, HttpSession] = {}
        self._giver = IServerSession(giver)
        self._identity_tokens = {IDENTITY_TOKEN_OF_ADMIN: self._giver}
        self._numbers = 0
        self.issued: list[str] = []  # every token and cookie, because tests search for leaks

    # --- the clocks

    def _alive(self, session: HttpSession) -> bool:
        return not session.iserver.ended and self._clock() - session.used <= TIMEOUT_S

    def open(self) -> list[HttpSession]:
        """The open sessions, oldest first, and delete the expired ones."""
        for session in [s for s in self._by_token.values() if not self._alive(s)]:
            self._drop(session)
        return list(self._by_token.values())

    def _drop(self, session: HttpSession) -> None:
        self._by_token.pop(session.token, None)
        others = [other.iserver for other in self._by_token.values()]
        if session.iserver not in [*others, self._giver]:
            session.iserver.ended = True  # no token leads to it any more

    # --- opening

    def start(self, user: User, mode: int) -> HttpSession:
        """Open a new session for ``user``, within the limit."""
        limit = self._switches["session_limit"]
        mine = {id(session.iserver) for session in self.open() if session.user is user}
        if limit and len(mine) >= limit:
            raise ApiError(
                401, 3, f"Login failed: the max # of sessions ({limit}) of user '{user.username}' is reached."
            )
        return self._add(IServerSession(user), mode)

    def delegate(self, identity_token: str) -> HttpSession:
        """Open a session that shares the Intelligence Server session of the token's giver [mstrio]."""
        if not self.identity_token_is_valid(identity_token):
            raise ApiError(401, 3, "Login failed: the identity token is not valid.")
        return self._add(self._identity_tokens[identity_token], DELEGATE)

    def _add(self, iserver: IServerSession, mode: int) -> HttpSession:
        self._numbers += 1
        session = HttpSession(self._numbers, mode, iserver, self._clock())
        self._by_token[session.token] = session
        self.issued.extend((session.token, session.cookie))
        return session

    # --- using

    def find(self, call: Call) -> HttpSession:
        """The session of a call. Token and cookie are needed together [doc]."""
        session = self._by_token.get(call.header("X-MSTR-AuthToken"))
        if session is None or call.cookies.get("JSESSIONID") != session.cookie:
            raise _no_session("The session is not valid or has timed out.")
        if not self._alive(session):
            self._drop(session)
            raise _no_session("The user's session has expired, please reauthenticate.")
        if not self._sticky(session, call.cookies.get(LB_COOKIE)):
            # A different node behind the load balancer received the call and does not know this session.
            raise _no_session("The session is not valid on this node.")
        session.used = self._clock()
        return session

    def guess(self, call: Call) -> HttpSession | None:
        """The session of a call's token without any check, for the log and for faults of one user."""
        return self._by_token.get(call.header("X-MSTR-AuthToken"))

    def _sticky(self, session: HttpSession, value: str | None) -> bool:
        how = self._switches["load_balancer_cookie"]
        if how == "none" or not session.lb_cookies:
            return True
        return value == session.lb_cookies[-1] if how == "rotate_strict" else value in session.lb_cookies

    def next_lb_cookie(self, session: HttpSession, login: bool) -> str | None:
        """The load balancer's cookie for a response, if it has one."""
        how = self._switches["load_balancer_cookie"]
        if how == "none" or (how == "fixed" and not login):
            return None
        value = secrets.token_urlsafe(24)
        session.lb_cookies.append(value)
        self.issued.append(value)
        return value

    def identity_token(self, session: HttpSession) -> str:
        token = "id-" + secrets.token_hex(20)
        self._identity_tokens[token] = session.iserver
        self.issued.append(token)
        return token

    def identity_token_is_valid(self, token: str) -> bool:
        """Whether a delegate call would accept it."""
        self.open()
        iserver = self._identity_tokens.get(token)
        return iserver is not None and not iserver.ended

    # --- ending

    def end(self, session: HttpSession) -> None:
        """Log out of this session, and end the one that its token came from if a switch says so."""
        if self._switches["delegated_logout"] == "shared":
            session.iserver.ended = True
        self._drop(session)

    def expire(self, chosen: list[HttpSession]) -> None:
        """End sessions as a timeout of Tomcat does."""
        for session in chosen:
            self._drop(session)

    def to_json(self) -> list[dict[str, Any]]:
        """The open sessions for tests, without secrets."""
        return [{"number": s.number, "user": s.user.username, "mode": MODE_NAMES[s.mode]} for s in self.open()]


def _no_session(message: str) -> ApiError:
    return ApiError(401, 9, message)
