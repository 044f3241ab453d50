# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The exception classes: each holds one sentence for a person, and facts for a playbook.

Imports nothing of the collection, of ansible or of requests.
"""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from math import inf
from typing import Any, TypeVar, cast

ERROR_KEYS = ("http_status", "code", "message", "iserver_code", "ticket_id", "request")
# Stands for an entry of a list that was refused, so that the others can be checked too.
REFUSED = "(an entry that was refused)"
_T = TypeVar("_T")


def code_number(code: object) -> int | None:
    """The number of an API error code, None if it is not one. Servers write `ERR017` as well as `ERR0017` [doc]."""
    match = re.fullmatch(r"ERR0*(\d{1,9})", str(code))
    return int(match.group(1)) if match else None


class MstrError(Exception):
    """The error of a failed task: the sentence, and the facts of the server's response under `ERROR_KEYS`.

    `outcome_unknown`: the server may have carried out the request.
    """

    def __init__(self, sentence: str, *, outcome_unknown: bool = False, **error: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.outcome_unknown = outcome_unknown
        self.error: dict[str, Any] = {key: error.get(key) for key in ERROR_KEYS}

    def add(self, sentence: str) -> None:
        """Add a sentence."""
        self.sentence = f"{self.sentence} {sentence}"
        self.args = (self.sentence,)

    def to_result(self) -> dict[str, Any]:
        """The arguments of `fail_json`."""
        has_facts = any(value is not None for value in self.error.values())
        return {"msg": self.sentence, "error": self.error if has_facts else None}


class Interrupted(Exception):
    """A signal, or a caller that is gone, ends the task. The call itself did not fail.

    `sentence`: the cause. `operation`: what the task was doing, such as "list the runtimes". `unanswered`: a request
    was sent, and its response did not arrive, not even late. `outcome_unknown`: the server may have carried out a
    write.
    """

    unanswered = False
    outcome_unknown = False
    operation = ""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence

    def during(self, what: str) -> MstrError:
        """The error that says what was going on, such as "the runtime 'r' was being created"."""
        return MstrError(f"{self.sentence} while {what}")


class _Fault(MstrError):
    """An unexpected exception. It proves nothing: something may have been written before it."""

    def to_result(self) -> dict[str, Any]:
        """The arguments of `fail_json`."""
        return {**super().to_result(), "action": "unknown"}


class Consequence(MstrError):
    """What was not done because something else failed."""


class ValidationError(MstrError):
    """Invalid values. The message holds every error of a task, one per line."""

    def __init__(self, errors: Iterable[str]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(error for error in self.errors if REFUSED not in error))


def text_error(value: Any) -> str | None:
    """Why a value is not text, as the rest of a sentence that starts with the option; None if it is text."""
    if isinstance(value, str):
        return None
    if isinstance(value, (dict, list)):
        return f"is a {'mapping' if isinstance(value, dict) else 'list'}; expected text"
    # YAML may have dropped a zero or a colon, so the message may show a different text than the user wrote.
    read = "a date"
    if isinstance(value, bool):
        read = "a boolean"
    elif isinstance(value, (int, float)):
        read = "a number"
    lost = f" ({value}0 becomes {value})" if re.fullmatch(r"\d+\.\d+", str(value)) else ""
    return f"{value} was read as {read}{lost}; put it in quotes"


class ErrorList:
    """Collects errors, so that one message reports all of them. The end of its block raises ValidationError for them.

    with ErrorList() as errors:
        if not name:
            errors.add("name is empty")
        identity = errors.check(id_from, text)
    """

    def __init__(self) -> None:
        self.errors: list[str] = []

    def add(self, *errors: str) -> None:
        """Add errors."""
        self.errors += errors

    def check(self, call: Callable[..., _T], *args: Any, prefix: str = "") -> _T:
        """What `call` returns. If it raises ValidationError, its errors are added, each with this prefix.

        The value is then None, but the block raises ValidationError before the value can be used.
        """
        try:
            return call(*args)
        except ValidationError as exc:
            self.add(*(f"{prefix}: {error}" if prefix else error for error in exc.errors))
            return cast("_T", None)

    def check_seconds(self, params: Mapping[str, Any], *options: str) -> None:
        """Add an error for each of the options that is not a number of seconds above 0."""
        wrong = (option for option in options if not 0 < params[option] < inf)
        self.add(*(f"{option} must be more than 0 seconds, not {params[option]}" for option in wrong))

    def __enter__(self) -> ErrorList:
        return self

    def __exit__(self, kind: object, *_rest: object) -> None:
        if kind is None and self.errors:
            # The check of what was written and the check of what it means may find the same error.
            raise ValidationError(dict.fromkeys(self.errors))


def parsed_each(option: str, texts: Iterable[str], parse: Callable[[str], _T]) -> list[_T]:
    """What `parse` returns for each entry of the list `option`. Raises ValidationError with the errors of all entries.

    `parse` raises ValueError with the rest of a sentence that starts with the text.
    """
    parsed = []
    with ErrorList() as errors:
        for index, text in enumerate(texts):
            try:
                parsed.append(parse(text))
            except ValueError as exc:
                errors.add(f"{option}[{index}] {text!r} {exc}")
    return parsed


class ConnectError(MstrError):
    """No response, or an incomplete one.

    `connection_refused`: no server listens there. `permanent`: a retry will not succeed either.
    """

    def __init__(
        self, sentence: str, *, connection_refused: bool = False, permanent: bool = False, **error: Any
    ) -> None:
        super().__init__(sentence, **error)
        self.connection_refused = connection_refused
        self.permanent = permanent


class ApiError(MstrError):
    """An error response, or an unexpected one."""

    @property
    def status(self) -> int:
        """The HTTP status; 0 if there was none."""
        return int(self.error["http_status"] or 0)

    @property
    def number(self) -> int | None:
        """The number of the API's error code, None if the response contained none."""
        return code_number(self.error["code"])


class AuthError(ApiError):
    """A refused login, or a session that has ended and cannot be renewed."""


class PartialError(MstrError):
    """A failure with a result: what was written before it, because the runtime exists, or the id of a refused plan."""

    def __init__(self, cause: MstrError, result: Mapping[str, Any]) -> None:
        super().__init__(cause.sentence, **cause.error)
        self.result = dict(result)

    def to_result(self) -> dict[str, Any]:
        """The arguments of `fail_json`, with the keys of a successful result."""
        return {**self.result, **super().to_result()}


def import_error(library: str) -> str | None:
    """The traceback of the failed import of a Python library, or None."""
    try:
        import_module(library)
    except ImportError:
        return traceback.format_exc()
    return None


def as_mstr_error(exc: Exception, *, is_ours: bool = True) -> MstrError:
    """The exception, or the error for a bug. Its text may hold secrets, so it is not quoted.

    `is_ours`: whether the bug is in this collection, and not in a module of somebody else that uses `auth`.
    """
    if isinstance(exc, MstrError):
        return exc
    if isinstance(exc, Interrupted):
        operation = f" while trying to {exc.operation}" if exc.operation else ""
        return MstrError(f"{exc.sentence}{operation}.")
    trace = exc.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f" in {os.path.basename(trace.tb_frame.f_code.co_filename)}, line {trace.tb_lineno}" if trace else ""
    what = f"{type(exc).__name__}{where}"
    if is_ours:
        return _Fault(f"A fault in mstr.library: {what}. Please report it with this message.")
    return MstrError(f"A fault in this module, not in mstr.library: {what}.")
