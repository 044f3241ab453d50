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
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar, cast

from .._errors import ApiError, ConnectError, MstrError, code_number, unforeseen
from .._model.alike import name_key
from .._model.runtime import Runtime
from .._session.interrupt import Interrupted, Stop
from .._session.response import OBJECT, Response, list_of, says_no_such_object
from .._session.session import Session
from .._work.api import RuntimeApi
from .._work.write import CHECKS, check_after_loss

OTHER = "other"  # a behaviour that no value of the switch describes
Answer = tuple[Any, str]  # the value, and the evidence for it
ALL_HANDLED: tuple[str, ...] = ()  # `unhandled`, if the modules do not depend on the value


class Unanswered(Exception):
    """A question without an answer: a sentence that can be published."""


class Settings(NamedTuple):
    """The options of a probe. `reach` is (host, port); `wait_timeout` in seconds."""

    check_mode: bool = False
    scripts: bool = False
    reach: tuple[str, int] | None = None
    wait_timeout: float = 120.0
    cleanup: bool = False


def failure_text(exc: MstrError) -> str:
    """Why a call failed, as a sentence without a host, an object or a user."""
    request = re.sub(r"[0-9A-Fa-f]{32}", "ID", str(exc.error["request"] or "the request"))
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


Found = TypeVar("Found")
Ask = Callable[["ProbeRun"], Answer]


class Question(NamedTuple):
    """One question. `ask` returns the value and the evidence, or raises Unanswered.

    `unhandled`: the values that the modules do not handle.
    """

    switch: str
    question: str
    ask: Ask
    unhandled: tuple[str, ...] = (OTHER,)


def asks(question: str, unhandled: tuple[str, ...] = (OTHER,)) -> Callable[[Ask], Question]:
    """Makes a question of a function that has the name of its switch."""
    return lambda ask: Question(ask.__name__, question, ask, unhandled)


def found_or_unanswered(find: Callable[..., Found], *args: Any) -> Found | Unanswered:
    """What `find` returns, or why it failed: a server may send unexpected data. Raises Interrupted."""
    try:
        return find(*args)
    except Interrupted:
        raise
    except Unanswered as exc:
        return exc
    except MstrError as exc:
        return Unanswered(failure_text(exc))
    except Exception as exc:
        return Unanswered(unforeseen(exc).sentence)


PATH = "/runtimes"
PREFIX = "mstr-library-probe-"
_PROBE_NAME = re.compile(re.escape(PREFIX) + r"[0-9a-f]{8}-[abc]")
_LAST_CHECKS = (0.0, 1.0, 1.0, 1.0)  # seconds before each check for what is left, after a signal
_LOST = "The response was lost, so it is unknown what the server did."


class ProbeRun:
    """The runtimes of this probe, and all reads and writes of the questions. `clock` returns seconds."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        stop: Stop,
        clock: Callable[[], float],
        warn: Callable[[str], None],
    ) -> None:
        self.session, self.settings, self.stop, self.clock, self.warn = session, settings, stop, clock, warn
        self.objects: dict[str, dict[str, Any]] = {}  # as last read, by id
        self.list_orders: list[list[str]] = []  # ids in the order of each list
        self.block_orders: list[list[str]] = []  # whitelists in the order of each read
        self.codes: list[str] = []  # of errors, as the server wrote them
        self.wrapped: set[bool] = set()  # whether errors came as a list under "errors"
        self._found: dict[Any, Any] = {}  # by function, see `once`
        session.on_response = self.note_error_format
        self.base = PREFIX + secrets.token_hex(4)
        self.known: dict[str, str] = {}  # the runtimes of this probe that exist: name by id, oldest first
        self._missing: list[str] = []  # names of runtimes whose create may or may not have succeeded
        self.write_refusal = ""  # why the user cannot write
        self._wrote = False
        self.created_count = 0  # number of created runtimes
        self.leftovers: list[str] = []  # sentences about those that may be left on the server

    def name(self, letter: str) -> str:
        """A name of this probe. The letter decides its place in the alphabetical order."""
        return f"{self.base}-{letter}"

    def once(self, find: Callable[[ProbeRun], Found]) -> Found:
        """The value of `find`, which runs once for all questions. Raises Unanswered, each time; Interrupted."""
        if find not in self._found:
            self._found[find] = found_or_unanswered(find, self)
        found = self._found[find]
        if isinstance(found, Unanswered):
            raise found
        return cast("Found", found)

    def note_error_format(self, response: Response) -> None:
        """Record how the server writes its errors."""
        if response.ok:
            return
        with suppress(ValueError):
            data = response.data()
            errors = data.get("errors") if isinstance(data, Mapping) else None
            first = errors[0] if isinstance(errors, list) and errors else data
            if isinstance(first, Mapping) and code_number(first.get("code")) is not None:
                self.wrapped.add(first is not data)
                self.codes.append(str(first["code"]))

    # --- reading

    def listed(self, at_last: bool = False) -> list[dict[str, Any]]:
        """The list as the server returns it. `at_last`: even after a signal. Raises MstrError."""
        send = self.session.last_request if at_last else self.session.send
        data = send("GET", PATH, operation="list the runtimes", shape=list_of("runtimes"))
        found = [dict(entry) for entry in data["runtimes"] if isinstance(entry, Mapping) and entry.get("id")]
        self.list_orders.append([str(entry["id"]) for entry in found])
        return found

    def read(self, identity: str) -> dict[str, Any]:
        """One runtime as the server returns it. Raises MstrError."""
        data = self.session.get(f"{PATH}/{identity}", operation="read a runtime", shape=OBJECT)
        self.objects[identity] = dict(data)
        if isinstance(data.get("whitelist"), list):
            self.block_orders.append([str(block) for block in data["whitelist"]])
        return self.objects[identity]

    # --- writing

    def may_write(self) -> None:
        """Raises Unanswered if the task or the user may not write."""
        if self.settings.check_mode:
            raise Unanswered("Needs a write, which check mode does not send.")
        if self.write_refusal:
            raise Unanswered(self.write_refusal)

    def create(self, name: str, body: Mapping[str, Any]) -> tuple[str, Response | None]:
        """The id of a new runtime, and the response; None where that was lost, but the runtime is there.

        Raises ApiError for a refusal; Unanswered; Interrupted.
        """
        self.may_write()
        self._wrote = True
        try:
            note = partial(self._note, name)
            response = self.session.request(
                "POST", PATH, json={"name": name, **body}, operation=f"create {name}", on_late_response=note
            )
        except Interrupted as exc:
            if exc.outcome_unknown and name not in self.known.values():
                self._missing.append(name)
            raise
        except (ApiError, ConnectError) as exc:
            if exc.outcome_unknown:
                return self._find_after_loss(name, exc), None
            if exc.error["http_status"] == 403:
                self.write_refusal = f"The user may not create runtimes. {failure_text(exc)}"
            if self.write_refusal or not isinstance(exc, ApiError):
                raise Unanswered(self.write_refusal or failure_text(exc)) from exc
            raise
        identity = self._note(name, response)
        return (identity, response) if identity else (self._find_after_loss(name, None), None)

    def _note(self, name: str, response: Response) -> str | None:
        if response.new_id:
            self.known[response.new_id] = name
            self.created_count += 1
        return response.new_id

    def _find_after_loss(self, name: str, lost: ApiError | ConnectError | None) -> str:
        """The id of a runtime whose create has lost its response. Raises Unanswered, MstrError."""
        self._missing.append(name)
        retries, cause = self.session.connection.retries, lost or MstrError(_LOST)
        try:
            for found in check_after_loss(self.stop.pause, retries, cause, lambda: self._find(self.listed()), _LOST):
                if found:
                    return found[0]
        except MstrError:
            self.stop.check()
            raise
        if lost and lost.error["code"]:
            self._missing.remove(name)
            raise lost
        raise Unanswered(_LOST)

    def _find(self, entries: list[dict[str, Any]]) -> list[str]:
        """Note from a list the names of known runtimes, and this probe's runtimes that were not known yet; their ids.

        A rename may have succeeded although its response was lost.
        """
        names = {str(entry["id"]): str(entry.get("name")) for entry in entries}
        ours = [identity for identity, name in names.items() if name_key(name).startswith(self.base)]
        new = [identity for identity in ours if identity not in self.known]
        self.known.update({identity: names[identity] for identity in (*self.known, *new) if identity in names})
        self.created_count += len(new)
        del self._missing[: len(new)]
        return new

    def patch(self, identity: str, fields: Mapping[str, Any], *, named: bool = True) -> str | None:
        """None if the server accepts the change, else how it refused it. Raises Unanswered, Interrupted."""
        self.may_write()
        before = self.objects.pop(identity, {}).get("version")
        body = {"name": self.known[identity], **fields} if named else fields
        try:
            self.session.send("PATCH", f"{PATH}/{identity}", body, operation="update a runtime of the probe")
        except (ApiError, ConnectError) as exc:
            # The version changes with every edit [doc].
            known = exc.outcome_unknown and before is not None
            if not known or self.read(identity).get("version") in (None, before):
                is_refusal = isinstance(exc, ApiError) and exc.status not in (401, 403, 404, 429)
                if not is_refusal or (exc.outcome_unknown and not exc.error["code"]):
                    raise Unanswered(_LOST if exc.outcome_unknown else failure_text(exc)) from exc
                return refusal_text(exc)
        self.known[identity] = str(body.get("name", self.known[identity]))
        return None

    def must_patch(self, identity: str, fields: Mapping[str, Any], what: str) -> None:
        """Change a runtime. Raises Unanswered, also if the server refuses the change. `what`: names it."""
        refusal = self.patch(identity, fields)
        if refusal:
            raise Unanswered(f"{what} was {refusal}.")

    # --- removing

    def delete(self, identity: str, comment: str | None = None) -> None:
        """Delete a runtime of this probe. Raises MstrError."""
        RuntimeApi(self.session).delete(Runtime({"name": self.known[identity]}, identity), comment)
        del self.known[identity]

    def clean_up(self, at_last: bool = False) -> list[str]:
        """Delete all of them; sentences about those that may be left. Raises Interrupted.

        `at_last`: after a signal. Each request has 5 s, and little time is left to look for what is missing.
        """
        reasons: dict[str, str] = {}
        checks: tuple[float, ...] = _LAST_CHECKS if at_last else (0.0, *CHECKS)
        for seconds in checks if self._wrote else ():
            if seconds:
                (time.sleep if at_last else self.stop.pause)(seconds)
            for identity in list(self.known):
                try:
                    if at_last:
                        self._delete_at_last(identity)
                    else:
                        self.delete(identity)
                except Interrupted:
                    raise
                except MstrError as exc:
                    reasons[identity] = exc.sentence
            try:
                found = self._find(self.listed(at_last))
            except Interrupted:
                raise
            except MstrError:
                if at_last:
                    break
                continue
            if not found and not self.known and not self._missing:
                break
        return self._leftovers(reasons)

    def _delete_at_last(self, identity: str) -> None:
        try:
            self.session.last_request("DELETE", f"{PATH}/{identity}", operation="delete a runtime of the probe")
        except ApiError as exc:
            if not says_no_such_object(exc):
                raise
        del self.known[identity]

    def _leftovers(self, reasons: Mapping[str, str]) -> list[str]:
        advice = "Delete it, or run the probe with cleanup: true."
        sentences = [
            f"The runtime {name!r} ({identity}) is left on the server. {reasons.get(identity, '')} {advice}"
            for identity, name in self.known.items()
        ]
        sentences += [f"The runtime {name!r} may be left on the server: {_LOST} {advice}" for name in self._missing]
        return [" ".join(sentence.split()) for sentence in sentences]

    def earlier(self) -> dict[str, str]:
        """Runtimes left by an earlier probe: names by id. Raises MstrError."""
        names = {str(entry["id"]): str(entry.get("name")) for entry in self.listed()}
        return {
            identity: name
            for identity, name in names.items()
            if _PROBE_NAME.fullmatch(name_key(name)) and not name_key(name).startswith(self.base)
        }
