"""One simulated server: its state, and the routing of calls to handlers. It does not use HTTP."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from simulator import auth, projects, runtimes, scripts, tasks
from simulator.faults import Faults
from simulator.messages import ApiError, Call, Reply, no_such_call
from simulator.packages import Rule
from simulator.profiles import PLAYGROUND, make_switches
from simulator.seed import PLAYGROUND as PLAYGROUND_SEED
from simulator.seed import seed
from simulator.sessions import Sessions
from simulator.users import API_TOKEN_OF_ADMIN, User, seeded

Handler = Callable[["Server", Call], Awaitable[Reply]]

# Path pattern, method, handler, and what the caller needs: nothing, a session, or a session and the privilege.
NOTHING, SESSION, MANAGES = "nothing", "session", "manages"
_ID = r"[^/]+"
ROUTES: tuple[tuple[str, str, Handler, str], ...] = (
    ("/auth/login", "POST", auth.login, NOTHING),
    ("/auth/delegate", "POST", auth.delegate, NOTHING),
    ("/auth/logout", "POST", auth.logout, SESSION),
    ("/auth/identityToken", "POST", auth.make_identity_token, SESSION),
    ("/auth/identityToken", "GET", auth.check_identity_token, NOTHING),
    ("/sessions", "GET", auth.session_info, SESSION),
    ("/sessions", "PUT", auth.renew_session, SESSION),
    ("/sessions/userInfo", "GET", auth.user_info, SESSION),
    ("/status", "GET", auth.status, NOTHING),
    ("/runtimes", "GET", runtimes.list_all, MANAGES),
    ("/runtimes", "POST", runtimes.create, MANAGES),
    ("/runtimes/versions", "GET", runtimes.versions, MANAGES),
    (f"/runtimes/{_ID}", "GET", runtimes.read, MANAGES),
    (f"/runtimes/{_ID}", "PATCH", runtimes.update, MANAGES),
    (f"/runtimes/{_ID}", "DELETE", runtimes.delete, MANAGES),
    ("/scripts/evaluation", "POST", scripts.start, MANAGES),
    (f"/scripts/evaluation/{_ID}", "GET", scripts.result, MANAGES),
    (f"/scripts/evaluation/{_ID}", "DELETE", scripts.stop, MANAGES),
    ("/projects", "GET", projects.list_all, SESSION),
    ("/metadataSearches/results", "POST", projects.search, SESSION),
    ("/v2/metadataSearches/results", "POST", projects.search, SESSION),
    ("/metadataSearches/results", "GET", projects.results, SESSION),
    ("/tasks", "GET", tasks.list_tasks, SESSION),
    (f"/tasks/{_ID}", "GET", tasks.read_task, SESSION),
    ("/scripts", "GET", projects.read_scripts, SESSION),
    ("/scripts/history", "GET", tasks.history, SESSION),
    (f"/scripts/(?!evaluation$){_ID}", "GET", projects.read_script, SESSION),
    (f"/scripts/(?!evaluation$){_ID}", "PUT", projects.update_script, SESSION),
    (f"/objects/{_ID}", "GET", projects.read_object, SESSION),
    (f"/objects/{_ID}", "PUT", projects.update_object, SESSION),
)
_COMPILED = tuple((re.compile(path), method, handler, need) for path, method, handler, need in ROUTES)


class Server:
    """The state that a reset creates again."""

    def __init__(self, profile: str, overrides: Mapping[str, Any] | None = None) -> None:
        self.profile = profile
        self.switches = make_switches(profile, overrides)
        self.ahead = 0.0  # seconds by which tests have moved the clock forward
        self._now: Callable[[], float] = time.monotonic
        self.users: dict[str, User] = seeded()
        self.api_tokens = {API_TOKEN_OF_ADMIN: "admin"}
        self.rules: list[Rule] = []
        self.journal: list[dict[str, Any]] = []
        self.sessions = Sessions(self.switches, self.clock, self.users["admin"])
        self.runtimes = runtimes.Runtimes(self)
        self.projects = projects.Projects(self)
        self.evaluations = scripts.Evaluations(self)
        self.faults = Faults()
        self.log: list[dict[str, Any]] = []
        if profile == PLAYGROUND:
            seed(self, PLAYGROUND_SEED)

    def clock(self) -> float:
        """The server's time in seconds. Only differences are meaningful."""
        return self._now() + self.ahead

    def stop_clock(self) -> None:
        """Let only tests move the clock."""
        now = time.monotonic()
        self._now = lambda: now

    def note(self, action: str, runtime: runtimes.Runtime, user: User, comment: str | None) -> None:
        """Write the change journal."""
        of_runtime = {"action": action, "id": runtime.id, "name": runtime.name, "comment": comment}
        self.journal.append({"time": time.time(), "user": user.username, **of_runtime})

    def record(self, call: Call) -> dict[str, Any]:
        """Put a request that arrives into the log, without the value of a password, token or cookie."""
        entry: dict[str, Any] = {
            "time": time.time(),
            "method": call.method,
            "path": call.path,
            "call": f"{call.method} {call.path}",
            "query": call.query,
            "user_agent": call.header("User-Agent"),
            "content_type": call.header("Content-Type"),
            "token": bool(call.header("X-MSTR-AuthToken")),
            "cookie": "JSESSIONID" in call.cookies,
            "authorization": bool(call.header("Authorization")),
            "project": bool(call.header("X-MSTR-ProjectID")),
            **dict.fromkeys(("user", "session", "fault", "status", "duration_ms")),  # known when it ends
        }
        # The body of a login contains secrets. Tests need only the bodies of calls for runtimes.
        if call.path.startswith("/runtimes") and call.body:
            entry["body"] = call.sent()
        self.log.append(entry)
        return entry

    async def handle(self, call: Call) -> Reply:
        """Do the work of a call and return its response. A client's mistake never raises an error here."""
        call.session = None  # the log only guessed it from the token
        try:
            reply = await self._dispatch(call)
        except ApiError as error:
            reply = error.to_reply(self.switches)
        if call.session is not None:
            opened = call.path in ("/auth/login", "/auth/delegate")
            value = self.sessions.next_lb_cookie(call.session, opened)
            if value is not None:
                reply.cookies["AWSALB"] = value
        return reply

    async def _dispatch(self, call: Call) -> Reply:
        handler, need = _route(call)
        if need == NOTHING:
            return await self._work(handler, call)
        call.session = self.sessions.find(call)
        if need == MANAGES and not call.session.user.manages:
            raise ApiError(403, 14, "The user lacks the privilege 'Manage runtime'.", -2147214578)
        how = self.switches["sessions_parallel"]
        if how == "yes":
            return await self._work(handler, call)
        if how == "refuse" and call.session.busy.locked():
            error = ApiError(429, 16, "Another call of this session is in progress.")
            error.headers["Retry-After"] = "1"
            raise error
        async with call.session.busy:
            return await self._work(handler, call)

    async def _work(self, handler: Handler, call: Call) -> Reply:
        # The latency is part of the work: if a session allows one call at a time, the next call waits for it.
        if self.switches["latency_ms"]:
            await asyncio.sleep(self.switches["latency_ms"] / 1000)
        return await handler(self, call)

    def error(self, status: int, number: int, message: str) -> Reply:
        """An error in this server's format."""
        return ApiError(status, number, message).to_reply(self.switches)


def _route(call: Call) -> tuple[Handler, str]:
    path_is_known = False
    for pattern, method, handler, need in _COMPILED:
        if pattern.fullmatch(call.path):
            if method == call.method:
                return handler, need
            path_is_known = True
    raise no_such_call("405" if path_is_known else "404")
