# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every question of the probe uses: its options, its answers, and the runtimes that the probe creates.

Every name is known before it is sent, and begins with one text of this probe. So a list finds whatever exists,
also after a lost response. Answers are attached to public issues: nothing here quotes a text of the server.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar, cast

from .._errors import ApiError, ConnectError, MstrError, as_mstr_error, code_number
from .._model.alike import name_key
from .._session.interrupt import Interrupted, Stop
from .._session.response import OBJECT, Response, id_in, list_of, says_no_such_object
from .._session.session import Session
from .._work.write import CHECKS, check_after_loss

OTHER = "other"  # a behaviour that no value of the switch describes
Answer = tuple[Any, str]  # the value, and the evidence for it
Result = TypeVar("Result")


class Unanswered(Exception):
    """A question without an answer: a sentence that can be published."""


def needs(value: Result | None, otherwise: str) -> Result:
    """The value. Raises Unanswered with the reason if it is false or empty."""
    if not value:
        raise Unanswered(otherwise)
    return value


class Settings(NamedTuple):
    """The options of a probe. `reach` is (host, port); `wait_timeout` in seconds."""

    check_mode: bool = False
    scripts: bool = False
    reach: tuple[str, int] | None = None
    wait_timeout: float = 120.0
    cleanup: bool = False


def failure_text(exc: Exception) -> str:
    """Why a call failed, as a sentence without a host, an object or a user."""
    if not isinstance(exc, MstrError):
        return as_mstr_error(exc).sentence
    request = _ID.sub("/ID", str(exc.error["request"] or "the request"))
    if not exc.error["http_status"]:
        return f"No usable response came to {request}."
    if exc.error["http_status"] < 300:
        return f"The server answered {exc.error['http_status']} to {request}, with a body of an unexpected shape."
    return f"The server answered {_status_and_code(exc)} to {request}."


def refusal_text(refusal: MstrError) -> str:
    """How the server refused something, for the evidence."""
    return f"refused with {_status_and_code(refusal)}"


def _status_and_code(exc: MstrError) -> str:
    code = exc.error["code"]
    return f"{exc.error['http_status']}{f' {code}' if code_number(code) is not None else ''}"


def is_refusal(error: ApiError) -> bool:
    """Whether the server refuses what was sent, not the session, the user or the path, and not because it is busy."""
    return not error.outcome_unknown and error.status not in (401, 403, 404, 429, 503)


def status_in(*statuses: int) -> Callable[[ApiError], bool]:
    """Whether a refusal has one of the statuses."""
    return lambda refusal: refusal.status in statuses


def or_refusal(
    call: Callable[..., Result], *args: Any, expected: Callable[[ApiError], bool] = is_refusal, **options: Any
) -> Result | ApiError:
    """What the call returns, or the expected refusal. Raises MstrError for any other failure."""
    try:
        return call(*args, **options)
    except ApiError as exc:
        if not expected(exc):
            raise
        return exc


def verdict(what: str, outcome: object, yes: str = "yes", no: str = "no") -> Answer:
    """The answer to whether the server accepts something. `outcome`: what `or_refusal` returned."""
    if isinstance(outcome, ApiError):
        return no, f"{what} was {refusal_text(outcome)}."
    return yes, f"{what} was accepted."


def entries(runtime: Mapping[str, Any], key: str) -> list[Any]:
    """The list under a key; empty if the server returned something else, or nothing."""
    value = runtime.get(key)
    return value if isinstance(value, list) else []


class Question(NamedTuple):
    """One question. `ask` returns the value and the evidence, or raises Unanswered."""

    text: str
    ask: Callable[[ProbeRun], Answer]


def asks(text: str) -> Callable[[Callable[[ProbeRun], Answer]], Question]:
    """Makes a question of a function. The question has the name of its switch."""
    return lambda ask: Question(text, ask)


PATH = "/runtimes"
PREFIX = "mstr-library-probe-"
_ID = re.compile(r"/(?=[^/\d]*\d)[^/]{8,}")  # in a path; servers may add the name of a node
_LAST_CHECKS = (0.0, 1.0, 1.0, 1.0)  # seconds before each check for what is left, after a signal
_LOST = "The response was lost, so it is unknown what the server did."


def _failure(call: Callable[..., object], *args: Any) -> str:
    """Why a call fails; empty if it succeeds. Raises Interrupted."""
    try:
        call(*args)
    except Interrupted:
        raise
    except MstrError as exc:
        return exc.sentence
    return ""


class ProbeRun:
    """The runtimes of this probe, and all reads and writes of the questions. `clock` returns seconds."""

    def __init__(
        self, session: Session, settings: Settings, stop: Stop, clock: Callable[[], float], warn: Callable[[str], None]
    ) -> None:
        self.session, self.settings, self.stop, self.clock, self.warn = session, settings, stop, clock, warn
        self._send: Callable[..., Any] = session.send
        self._versions: dict[str, Any] = {}  # of each runtime since its last update, by id
        self._outcomes: dict[Any, Any] = {}  # values and exceptions, by function, see `once`
        self.base = PREFIX + secrets.token_hex(4)
        self.runtimes: dict[str, str] = {}  # those of this probe that exist: name by id, oldest first
        self._missing: list[str] = []  # names of runtimes whose create may succeed, or may have succeeded
        self.earlier: Mapping[str, str] = {}  # the runtimes of an earlier probe to delete: name by id
        self.existing: Mapping[str, str] | None = None  # the runtimes before the probe: name by id; None if unknown
        self.write_refusal = ""  # why the user cannot write
        self.created = False  # whether one of its creates has succeeded

    def name(self, letter: str) -> str:
        """A name of this probe. The letter decides its place in the alphabetical order."""
        return f"{self.base}-{letter}"

    def once(self, find: Callable[[ProbeRun], Result]) -> Result:
        """The value of `find`, which runs once for all questions. Raises Unanswered, each time; Interrupted."""
        return cast("Result", self.once_or_refusal(find, lambda refusal: False))

    def once_or_refusal(
        self, find: Callable[[ProbeRun], Result], expected: Callable[[ApiError], bool] = is_refusal
    ) -> Result | ApiError:
        """The same, or the expected refusal.

        A server may send what no code expects, so every failure is a reason for no answer.
        """
        if find not in self._outcomes:
            try:
                self._outcomes[find] = find(self)
            except Interrupted:
                raise
            except Exception as exc:
                # The error of a lost response hides a signal that came while the server was asked what it did.
                self.stop.check()
                self._outcomes[find] = exc
        outcome: Result | Exception = self._outcomes[find]
        if not isinstance(outcome, Exception) or (isinstance(outcome, ApiError) and expected(outcome)):
            return outcome
        raise outcome if isinstance(outcome, Unanswered) else Unanswered(failure_text(outcome))

    # --- reading

    def listed(self) -> list[dict[str, Any]]:
        """The list as the server returns it. Raises MstrError."""
        data = self._send("GET", PATH, operation="list the runtimes", shape=list_of("runtimes"))
        return [{**entry, "id": str(entry["id"])} for entry in data["runtimes"] if id_in(entry)]

    def names(self) -> dict[str, str]:
        """The names of all runtimes, by id. Raises MstrError."""
        return {entry["id"]: str(entry.get("name")) for entry in self.listed()}

    def read(self, identity: str) -> dict[str, Any]:
        """One runtime as the server returns it. Raises MstrError."""
        runtime: dict[str, Any] = self.session.get(f"{PATH}/{identity}", shape=OBJECT)
        self._versions[identity] = runtime.get("version")
        return runtime

    # --- writing

    def may_write(self) -> None:
        """Raises Unanswered if the task or the user may not write."""
        needs(not self.settings.check_mode, "Needs a write, which check mode does not send.")
        needs(not self.write_refusal, self.write_refusal)

    def create(self, letter: str, body: Mapping[str, Any]) -> str:
        """The id of a new runtime. Raises Unanswered; MstrError, for a refusal too."""
        self.may_write()
        if self.existing is None:
            with suppress(ApiError, ConnectError):
                self.existing = self.names()
        name = self.name(letter)
        self._missing.append(name)
        note = partial(self._note, name)
        try:
            response = self.session.request(
                "POST", PATH, json={"name": name, **body}, operation=f"create {name}", on_late_response=note
            )
        except MstrError as exc:
            if not exc.outcome_unknown:
                self._missing.remove(name)
            elif not isinstance(exc, Interrupted):
                return self._find_after_loss(name, exc)
            # A quota refuses only a later create, and a page without a code may come from a gateway.
            if exc.error["http_status"] == 403 and exc.error["code"] and not self.created:
                self.write_refusal = f"The user may not create runtimes. {failure_text(exc)}"
                self.may_write()
            raise
        return note(response) or self._find_after_loss(name, MstrError(_LOST))

    def _note(self, name: str, response: Response) -> str | None:
        """The id in a response to a create."""
        identity = response.new_id
        # The id of a runtime that existed before does not say which one was created.
        if str(identity).upper() in map(str.upper, (*(self.existing or ()), *self.runtimes)):
            identity = None
        if identity:
            self.runtimes[identity], self.created = name, True
        # After a page with 502, the server may still be at work; after one with 200, it may have done it.
        if identity or 300 <= response.status < 500:
            self._missing.remove(name)
        return identity

    def _find_after_loss(self, name: str, lost: MstrError) -> str:
        """The id of a runtime whose create has lost its response. Raises Unanswered, MstrError."""
        find = self.session.insisting()(self._find)
        for identities in check_after_loss(self.stop.pause, self.session.connection.retries, lost, find, _LOST):
            if identities:
                return identities[0]
        if lost.error["code"]:
            self._missing.remove(name)
            lost.outcome_unknown = False
            raise lost
        raise Unanswered(_LOST)

    def _find(self, others: Collection[str] = ()) -> list[str]:
        """Note what a list shows of this probe and of `others`, which are ids. The ids that were not known.

        Raises MstrError.
        """
        listed = self.names().items()
        ours = {identity: name for identity, name in listed if name_key(name).startswith(self.base)}
        new = [identity for identity in ours if identity not in self.runtimes]
        self.runtimes |= ours | {identity: name for identity, name in listed if identity in others}
        self.created |= bool(new)
        del self._missing[: len(new)]
        return new

    def patch(self, identity: str, fields: Mapping[str, Any], *, named: bool = True) -> None:
        """Update a runtime. Raises Unanswered; MstrError, for a refusal too."""
        self.may_write()
        body = {"name": self.runtimes[identity], **fields} if named else fields
        before = self._versions.pop(identity, None)
        try:
            self.session.send("PATCH", f"{PATH}/{identity}", body, operation="update a runtime of the probe")
        except ApiError as exc:
            # An error with a code comes from the server itself, and the version changes with every edit [doc].
            if exc.outcome_unknown and exc.error["code"] and before is not None:
                exc.outcome_unknown = self.read(identity).get("version") != before
            elif not exc.outcome_unknown:
                self._versions[identity] = before
            raise
        self.runtimes[identity] = str(body.get("name", self.runtimes[identity]))

    # --- removing

    def delete(self, identity: str, **options: Any) -> None:
        """Delete a runtime. Raises MstrError."""
        path, operation = f"{PATH}/{identity}", "delete a runtime of the probe"
        or_refusal(self._send, "DELETE", path, expected=says_no_such_object, operation=operation, **options)
        del self.runtimes[identity]

    def clean_up(self, at_last: bool = False) -> list[str]:
        """Delete all of them and those of an earlier probe; sentences about those that may be left. Raises Interrupted.

        `at_last`: after a signal. Each request has 5 s, and little time is left to look for what is missing.
        """
        self.runtimes.update(self.earlier)
        reasons: Mapping[str, str] = {}
        checks: Sequence[float] = _LAST_CHECKS if at_last else (0.0, *CHECKS)
        pause = time.sleep if at_last else self.stop.pause
        self._send = self.session.last_request if at_last else self.session.send
        for seconds in checks if self.runtimes or self.created or self._missing else ():
            pause(seconds)
            with self.session.insisting():
                reasons = {identity: _failure(self.delete, identity) for identity in list(self.runtimes)}
                unlisted = _failure(self._find, self.earlier)
            if (unlisted and at_last) or not (unlisted or self.runtimes or self._missing):
                break
        advice = "Delete it, or run the probe with cleanup: true."
        sentences = [
            f"The runtime {name!r} ({identity}) is left on the server. {reasons.get(identity, '')} {advice}"
            for identity, name in self.runtimes.items()
        ]
        sentences += [f"The runtime {name!r} may be left on the server: {_LOST} {advice}" for name in self._missing]
        return [" ".join(sentence.split()) for sentence in sentences]
