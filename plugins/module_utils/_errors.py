# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error family: each error is one sentence for a person, and the facts for a playbook.

Wing: none; everybody may import it.
Imports nothing of the collection, of ansible or of requests.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

ERROR_KEYS = ("http_status", "code", "message", "iserver_code", "ticket_id", "request")

# C0 and C1 controls, and the marks that change the direction of text: a server's message must not drive a terminal.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
_ESCAPES = re.compile("\x1b(\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(\x07|\x1b\\\\)?|.)")
_TEXT_LIMIT = 400
_LONGEST_TEXT = 20_000
MASK = "********"
# What Ansible shows in place of a secret: inside of a text, and in place of a value that is the whole secret.
ANSIBLE_MASKS = (MASK, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER")
_T = TypeVar("_T")


def clean(value: object, limit: int = _TEXT_LIMIT, secrets: Iterable[str] = ()) -> str:
    """A foreign text as it may stand in a sentence: one line, no control characters, `limit` characters at most."""
    # Cut before the expressions run, for a text of 60 MB must not cost seconds; and hide secrets before the last cut,
    # which might leave half of one that nobody recognises afterwards.
    text = _masked(str(value)[:_LONGEST_TEXT], secrets)
    # Again at the end: an escape sequence in the middle of a secret would hide it until it is taken out.
    text = _masked(" ".join(_CONTROLS.sub(" ", _ESCAPES.sub("", text)).split()), secrets)
    # A lone surrogate cannot be printed as UTF-8.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _masked(text: str, secrets: Iterable[str]) -> str:
    # The longest first, for one may be a part of another.
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def code_number(code: object) -> int | None:
    """The number of an error code; the server prints them with uneven zeros, C(ERR017) and C(ERR0017) [doc]."""
    match = re.fullmatch(r"ERR0*(\d{1,9})", str(code))
    return int(match.group(1)) if match else None


class MstrError(Exception):
    """A task that fails: the sentence, and what is known of the server's answer under the promised keys."""

    def __init__(self, sentence: str, **error: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.error: dict[str, Any] = {key: error.get(key) for key in ERROR_KEYS}

    def to_result(self) -> dict[str, Any]:
        """What C(fail_json) takes."""
        return {"msg": self.sentence, "error": self.error}


class ValidationError(MstrError):
    """Values that are refused; every fault of a task in one message, one in a line."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class Faults:
    """Collects what is wrong, so that one message reports all of it. Its block ends in ValidationError if anything is.

    with Faults() as faults:
        if not name:
            faults.add("name is empty")
        identity = faults.check(id_from, text)
    """

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, *faults: str) -> None:
        """Note faults."""
        self.found += faults

    def check(self, call: Callable[..., _T], *args: Any, place: str = "") -> _T:
        """What `call` returns. If it raises ValidationError, its faults are noted, with `place` in front of each.

        The value is then None, which nobody gets to use: the block ends in ValidationError.
        """
        try:
            return call(*args)
        except ValidationError as exc:
            self.add(*(f"{place}: {fault}" if place else fault for fault in exc.faults))
            return cast("_T", None)

    def __enter__(self) -> Faults:
        return self

    def __exit__(self, kind: object, *_rest: object) -> None:
        if kind is None and self.found:
            raise ValidationError(self.found)


def all_of(*checks: Callable[[], Any]) -> list[Any]:
    """What the checks return. Raises ValidationError with the faults of all of them in one message."""
    with Faults() as faults:
        return [faults.check(check) for check in checks]


class ConnectError(MstrError):
    """No answer, or none that came whole.

    `unclear`: the server may have done what was asked. `refused`: nothing listened. `hopeless`: the next try of the
    same call would end alike.
    """

    def __init__(
        self, sentence: str, *, request: str, unclear: bool = False, refused: bool = False, hopeless: bool = False
    ) -> None:
        super().__init__(sentence, request=request)
        self.unclear = unclear
        self.refused = refused
        self.hopeless = hopeless


class ApiError(MstrError):
    """An answer that says no, or that is none of the API's. `unclear`: the server may have done what was asked."""

    def __init__(self, sentence: str, *, unclear: bool = False, **error: Any) -> None:
        super().__init__(sentence, **error)
        self.unclear = unclear

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.error["http_status"] or 0)

    @property
    def number(self) -> int | None:
        """The number of the API's error code, None where the answer held none."""
        return code_number(self.error["code"])


class AuthError(ApiError):
    """A login that was refused, or a session that is gone and cannot be renewed."""


class PartialError(MstrError):
    """A failure after something was written: carries what was done, for the runtime exists."""

    def __init__(self, cause: MstrError, result: Mapping[str, Any], preface: str = "") -> None:
        super().__init__(preface + cause.sentence, **cause.error)
        self.result = dict(result)

    def to_result(self) -> dict[str, Any]:
        """What C(fail_json) takes, with the keys of a successful result."""
        return {**self.result, **super().to_result()}


def unforeseen(exc: Exception) -> MstrError:
    """A bug of this collection, in a sentence that helps to fix it. Its text may hold secrets, so it is not quoted."""
    trace = exc.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f" in {os.path.basename(trace.tb_frame.f_code.co_filename)}, line {trace.tb_lineno}" if trace else ""
    return MstrError(f"This is a bug in mstr.library: {type(exc).__name__}{place}. Please report it with this message.")
