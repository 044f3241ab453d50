# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests on a server every behaviour that the public documentation leaves open, and cleans up afterwards."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from .._errors import MstrError, ValidationError, unforeseen
from .._model.runtime import Runtime
from .._session.interrupt import Interrupted
from .._work.api import RuntimeApi
from .releases import product
from .scratch import Scratch
from .table import NEVER, OF_RUNTIMES, OF_SESSIONS, Question
from .words import OTHER, Settings, Unanswered, why

_REACH = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:/\[\]]+)):(?P<port>\d{1,5})")


def settings_from(params: Mapping[str, Any], check_mode: bool = False) -> Settings:
    """The checked options. Raises ValidationError."""
    faults = []
    reach, wait_timeout = None, params["wait_timeout"]
    if not 0 < wait_timeout < math.inf:
        faults.append(f"wait_timeout must be more than 0 seconds, not {wait_timeout:g}")
    if params["reach"]:
        found = _REACH.fullmatch(params["reach"])
        if not found or not 0 < int(found["port"]) < 65536:
            faults.append(f"reach must be host:port, such as 10.0.0.1:443, not {params['reach']!r}")
        elif not params["scripts"]:
            faults.append("reach needs scripts: true, because a script tries to connect to it")
        else:
            reach = (found["ipv6"] or found["host"], int(found["port"]))
    if faults:
        raise ValidationError(faults)
    return Settings(check_mode, params["scripts"], reach, wait_timeout, params["cleanup"])


def probe(scratch: Scratch) -> dict[str, Any]:
    """The result. Raises MstrError if the login is refused or the task must end."""
    try:
        scratch.session.snapshot()
        removed = _earlier(scratch)
        answers = [*_asked(OF_RUNTIMES, scratch), *_cleaned_up(scratch), *_asked((*OF_SESSIONS, *NEVER), scratch)]
    except Interrupted as exc:
        left = scratch.remove_at_last() or ["Nothing of the probe is left on the server."]
        raise MstrError(f"{exc.sentence} while the probe asked its questions. {' '.join(left)}") from exc
    except Exception:
        for sentence in scratch.remove_at_last():
            scratch.warn(sentence)
        raise
    return _result(scratch, answers, removed)


def _asked(questions: Iterable[Question], scratch: Scratch) -> list[dict[str, Any]]:
    return [_answer(question, scratch) for question in questions]


def _answer(one: Question, scratch: Scratch) -> dict[str, Any]:
    try:
        value, evidence = one.ask(scratch)
    except Interrupted:
        raise
    except Unanswered as exc:
        value, evidence = None, exc.reason
    except MstrError as exc:
        value, evidence = None, why(exc)
    except Exception as exc:
        value, evidence = None, unforeseen(exc).sentence
    return {
        "switch": one.switch,
        "question": one.question,
        "value": value,
        "evidence": evidence,
        "handled": None if value is None else value not in one.unhandled,
    }


def _cleaned_up(scratch: Scratch) -> list[dict[str, Any]]:
    """Delete what the probe made. A list without any answer."""
    for sentence in scratch.clean_up():
        scratch.left.append(sentence)
        scratch.warn(sentence)
    return []


def _earlier(scratch: Scratch) -> int:
    """The number of runtimes of an earlier probe that were deleted, or would be in check mode."""
    try:
        found = scratch.earlier(scratch.listed())
    except (Unanswered, MstrError) as exc:
        if isinstance(exc, Interrupted):
            raise
        return 0
    names = ", ".join(sorted(map(repr, found.values())))
    if found and not scratch.settings.cleanup:
        scratch.warn(
            f"Runtimes of an earlier probe are on the server: {names}. If no other probe is running, delete them with "
            "cleanup: true."
        )
        return 0
    for identity, name in found.items() if not scratch.settings.check_mode else ():
        try:
            RuntimeApi(scratch.session).delete(Runtime({"name": name}, identity), None)
        except Interrupted:
            raise
        except MstrError as exc:
            scratch.warn(f"{exc.sentence} It is of an earlier probe, and is left on the server.")
    return len(found)


def _result(scratch: Scratch, answers: list[dict[str, Any]], removed: int) -> dict[str, Any]:
    found = [one for one in answers if one["value"] is not None]
    unhandled = [f"{one['switch']} ({_text(one['value'])})" for one in found if not one["handled"]]
    handled = f"the modules do not handle {len(unhandled)} of them: {', '.join(unhandled)}."
    if unhandled:
        scratch.warn(f"This server behaves in a way that the modules do not handle: {', '.join(unhandled)}.")
    else:
        handled = "the modules handle all of them."
    sentences = [f"{len(found)} of {len(answers)} questions answered; {handled}", *scratch.left]
    return {
        "changed": scratch.settings.check_mode or scratch.made > 0 or removed > 0,
        "msg": " ".join(sentences),
        "answers": answers,
        "profile": {one["switch"]: one["value"] for one in found if one["value"] != OTHER},
        "product": product(scratch),
    }


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
