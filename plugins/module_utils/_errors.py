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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from math import inf
from typing import Any, TypeVar, cast

ERROR_KEYS = ("http_status", "code", "message", "iserver_code", "ticket_id", "request")

# C0 and C1 controls, and the marks that change the direction of text: a server's message must not drive a terminal.
HIDDEN = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f"
_CONTROLS = re.compile(f"[\x00-\x1f{HIDDEN}]+")
_ESCAPES = re.compile("\x1b(\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(\x07|\x1b\\\\)?|.)")
# Half of a character, which cannot be written as UTF-8.
SURROGATE = re.compile("[\ud800-\udfff]")
UNREAD = "\ufffd"  # stands for it
LONGEST_TEXT = 1000  # characters that people are shown of a text in a response
_READ_LIMIT = 20_000
NAMES_IN_MESSAGE = 10
DEEPEST = 100
MASK = "********"
# Stands for an entry of a list that was refused, so that the others can be checked too.
REFUSED = "(an entry that was refused)"
# What Ansible shows in place of a secret: inside a text, and in place of a value that is the whole secret.
ANSIBLE_MASKS = (MASK, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "$REDACTED$")
_T = TypeVar("_T")


def cut(text: str, limit: int, length: int = 0) -> str:
    """The text, or its beginning with the number of its characters; `length`: of a longer text that it was before."""
    if len(text) <= limit and not length:
        return text
    more = f"… ({length or len(text)} characters)"
    return f"{text[: limit - len(more)]}{more}" if limit > 4 * len(more) else f"{text[: limit - 1]}…"


def clean(value: object, limit: int = LONGEST_TEXT, secrets: Iterable[str] = ()) -> str:
    """Foreign text made safe for a message: one line, no control characters, no secrets, at most `limit` characters."""
    # Cut before the regular expressions run, because a text of 60 MB would take seconds. Mask secrets before the last
    # cut, because that might leave half of a secret, which would no longer be recognized.
    whole = str(value)
    text = masked(whole[:_READ_LIMIT], secrets)
    # Mask again: an escape sequence inside a secret hides the secret until the sequence is removed.
    return cut(masked(one_line(text), secrets), limit, len(whole) if len(whole) > _READ_LIMIT else 0)


def one_line(text: str) -> str:
    """A text of any length on one line, without control characters."""
    return SURROGATE.sub("?", " ".join(_CONTROLS.sub(" ", _ESCAPES.sub("", text)).split()))


def printable(text: str) -> str:
    """The text without what would drive a terminal, and with a character in place of each half of one."""
    lines = (_CONTROLS.sub(" ", _ESCAPES.sub("", line)) for line in text.split("\n"))
    return SURROGATE.sub(UNREAD, "\n".join(lines))


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text with asterisks in place of each secret."""
    # The longest first, because one secret may be part of another.
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def counted(number: int, noun: str) -> str:
    """A number with its noun, such as "1 script"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(texts: Sequence[str], most: int = NAMES_IN_MESSAGE, separator: str = ", ") -> str:
    """The texts with commas, at most `most` of them: "a, b and 7 more"."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return separator.join(texts[:most]) + more


def ended(sentence: str) -> str:
    """The sentence with one full stop."""
    return f"{sentence.rstrip('.')}."


def texts(value: Any, option: str = "") -> Iterator[tuple[str, str]]:
    """Every text and number in a value, with the option that has it, such as `runtimes[0].name`."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            name = f"{option}.{key}" if option else str(key)
            yield from texts(inner, name)
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from texts(inner, f"{option}[{index}]")
    elif isinstance(value, str):
        yield option, value
    elif value is not None and not isinstance(value, bool):
        yield option, str(value)


def is_deep(data: Any) -> bool:
    """Whether a value, which must not contain itself, has more than DEEPEST levels of lists and mappings."""
    level = [data]
    for _level in range(DEEPEST + 1):
        containers = [value for value in level if isinstance(value, (dict, list))]
        if not containers:
            return False
        level = []
        for container in containers:
            level += container.values() if isinstance(container, dict) else container
    return True


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
    trace = exc.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f" in {os.path.basename(trace.tb_frame.f_code.co_filename)}, line {trace.tb_lineno}" if trace else ""
    what = f"{type(exc).__name__}{where}"
    if is_ours:
        return MstrError(f"This is a bug in mstr.library: {what}. Please report it with this message.")
    return MstrError(f"This is a bug in this module, not in mstr.library: {what}.")
