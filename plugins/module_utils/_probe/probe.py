# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tests on a server every behaviour that the public documentation leaves open, and cleans up afterwards.

The names of the switches are those of the simulator in tests/simulator, which behaves like the server that answered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from .._errors import ErrorList, MstrError
from .._model.alike import name_key
from .._session.interrupt import Interrupted
from . import packages, reads, runtimes, sessions
from .base import OTHER, PREFIX, ProbeRun, Question, Settings, Unanswered


def _questions(*files: ModuleType) -> dict[str, Question]:
    """The questions of the files by their switches, in the order in which they are written there."""
    return {name: value for file in files for name, value in vars(file).items() if isinstance(value, Question)}


# What packages do after a create is watched before an update changes them. Who may write shows only then.
OF_RUNTIMES = _questions(packages, runtimes, reads)
# Asked after the cleanup, because the probe's own session may end together with a different one.
OF_SESSIONS = _questions(sessions)

_PROBE_NAME = re.compile(re.escape(PREFIX) + r"[0-9a-f]{8}-[abc]")
_REACH = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:/\[\]]+)):(?P<port>\d{1,5})")


def settings_from(params: Mapping[str, Any]) -> Settings:
    """The checked options. Raises ValidationError."""
    reach = None
    with ErrorList() as errors:
        errors.check_seconds(params, "wait_timeout")
        if params["reach"]:
            match = _REACH.fullmatch(params["reach"])
            if not match or not 0 < int(match["port"]) < 65536:
                errors.add(f"reach must be host:port, such as 10.0.0.1:443, not {params['reach']!r}")
            elif not params["scripts"]:
                errors.add("reach needs scripts: true, because a script tries to connect to it")
            else:
                reach = (match["ipv6"] or match["host"], int(match["port"]))
    return Settings(False, params["scripts"], reach, params["wait_timeout"], params["cleanup"])


def probe(run: ProbeRun) -> dict[str, Any]:
    """The result. Raises MstrError if the login is refused or the task must end."""
    try:
        run.session.snapshot()
        run.earlier = _earlier(run)
        answers = [_answer(switch, question, run) for switch, question in OF_RUNTIMES.items()]
        leftovers = run.clean_up()
        for sentence in leftovers:
            run.warn(sentence)
        answers += [_answer(switch, question, run) for switch, question in OF_SESSIONS.items()]
    except Interrupted as exc:
        leftovers = run.clean_up(at_last=True) or ["Nothing of the probe is left on the server."]
        raise MstrError(f"{exc.sentence} while the probe asked its questions. {' '.join(leftovers)}") from exc
    except Exception:
        for sentence in run.clean_up(at_last=True):
            run.warn(sentence)
        raise
    answered = [answer for answer in answers if answer["value"] is not None]
    unhandled = [f"{answer['switch']} ({answer['value']})" for answer in answered if not answer["handled"]]
    handled = "the modules handle all of them."
    if unhandled:
        run.warn(f"This server behaves in a way that the modules do not handle: {', '.join(unhandled)}.")
        handled = f"the modules do not handle {len(unhandled)} of them: {', '.join(unhandled)}."
    return {
        "changed": bool(run.settings.check_mode or run.created or run.earlier),
        "msg": " ".join([f"{len(answered)} of {len(answers)} questions answered; {handled}", *leftovers]),
        "answers": answers,
        "profile": {answer["switch"]: answer["value"] for answer in answered if answer["value"] != OTHER},
        "product": reads.product(run),
    }


def _answer(switch: str, question: Question, run: ProbeRun) -> dict[str, Any]:
    try:
        value, evidence = run.once(question.ask)
    except Unanswered as exc:
        value, evidence = None, str(exc)
    # With millicores, which is a form of `cpu_format`, a runtime differs from its definition in each run.
    handled = None if value is None else value not in (OTHER, "millicores")
    answer = {"switch": switch, "question": question.text, "value": value, "evidence": evidence}
    return {**answer, "handled": handled}


def _earlier(run: ProbeRun) -> dict[str, str]:
    """The runtimes of an earlier probe to delete: names by id. Warns if the task does not delete them."""
    try:
        run.existing = run.once(ProbeRun.names)
    except Unanswered as exc:
        if run.settings.cleanup:
            run.warn(f"Runtimes of an earlier probe were not looked for: {exc}")
        return {}
    earlier = {identity: name for identity, name in run.existing.items() if _PROBE_NAME.fullmatch(name_key(name))}
    if earlier and not run.settings.cleanup:
        listed = ", ".join(sorted(map(repr, earlier.values())))
        run.warn(
            f"Runtimes of an earlier probe are on the server: {listed}. If no other probe is running, delete them with "
            "cleanup: true."
        )
    return earlier if run.settings.cleanup and not run.settings.check_mode else {}
