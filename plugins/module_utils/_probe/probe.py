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


def _questions(*files: ModuleType) -> tuple[Question, ...]:
    """The questions of the files, in the order in which they are written there."""
    return tuple(value for file in files for value in vars(file).values() if isinstance(value, Question))


# What packages do after a create is watched before an update changes them. What a session shows by its errors and
# refusals comes late.
OF_RUNTIMES = _questions(packages, runtimes, reads)
# Asked after the cleanup, because the probe's own session may end together with a different one.
OF_SESSIONS = _questions(sessions)

_LONG = "it takes as long as the timeout."
_NO_SCRIPTS = "the probe saves no scripts in projects."
_OTHERS_RUNTIME = "it needs a runtime of a different user."
_OTHERS_SCRIPTS = "it needs scripts of a different user."
# Why the probe never tries to find out the value of a switch.
_NEVER = {
    "default_delete": ("Can the built-in runtime be deleted?", "scripts of other users need it."),
    "session_limit": ("How many sessions may a user have?", "it would lock the user out."),
    "tomcat_timeout": ("After how many seconds without a request does Tomcat end a session?", _LONG),
    "list_hides": ("Which runtimes does the list hide?", "names of other users' runtimes are not published."),
    "hidden_read": ("How does the server refuse to read a runtime that an ACL hides?", _OTHERS_RUNTIME),
    "hidden_script": ("How does the server refuse to read a script that an ACL hides?", _OTHERS_SCRIPTS),
    "search_finds_hidden": ("Does a search find scripts that an ACL hides?", _OTHERS_SCRIPTS),
    "script_without_runtime": ("What is returned as the runtime of a script that names none?", _OTHERS_SCRIPTS),
    "used_runtime_delete": ("Can a runtime be deleted that saved scripts use?", _NO_SCRIPTS),
    "search_page_limit": ("How many results does one response to a search contain?", _OTHERS_SCRIPTS),
    "unloaded_answer": ("How is a request in a project refused that is not loaded?", "a call might load it."),
    "script_put_omitted": ("Does an update of a script keep the fields that it omits?", _NO_SCRIPTS),
    "script_put_runtime": ("Can a script be assigned to a runtime that does not exist?", _NO_SCRIPTS),
    "script_put_needs": ("Is the right to write a script enough to assign a runtime?", _NO_SCRIPTS),
    "script_put_answer": ("What is the response to an update of a script?", _NO_SCRIPTS),
    "script_put_running": ("Can a runtime be assigned to a script that is running?", _NO_SCRIPTS),
}


NEVER = [
    {"switch": switch, "question": question, "value": None, "evidence": f"Never tried: {reason}", "handled": None}
    for switch, (question, reason) in _NEVER.items()
]

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
        answers = [_answer(question, run) for question in OF_RUNTIMES]
        leftovers = run.clean_up()
        for sentence in leftovers:
            run.warn(sentence)
        answers += [*(_answer(question, run) for question in OF_SESSIONS), *NEVER]
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


def _answer(question: Question, run: ProbeRun) -> dict[str, Any]:
    try:
        value, evidence = run.once(question.ask)
    except Unanswered as exc:
        value, evidence = None, str(exc)
    handled = None if value is None else value not in question.unhandled
    answer = {"switch": question.switch, "question": question.question, "value": value, "evidence": evidence}
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
