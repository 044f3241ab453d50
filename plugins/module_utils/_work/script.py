# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs Python code on a runtime, and stops it if the task ends before the script.

Facts of the API: the vendor's client [mstrio], `mstrio/api/scripts.py`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from .._errors import ApiError, Interrupted, MstrError, PartialError, as_mstr_error
from .._session.poll import Clock, Pause, Rhythm, poll
from .._session.response import Response, Shape, id_in, is_outage, parsed, says_no_such_object
from .._session.session import Session
from .._text import clean

_PATH = "/scripts/evaluation"
# 0 initiated, 1 running, 2 partially ready; 3 and above are final [mstrio].
_FINAL = {3: "ready", 4: "error", 5: "expired", 6: "cancelled"}
_READY, _CANCELLED = 3, 6
_RHYTHM = Rhythm(timeout=0, first=0.25, longest=5.0, growth=1.5)
_STDERR_LIMIT = 1000  # characters
_LOST = "The response to the start was lost: the script may be running on the server. It was not started again."


Progress = Callable[[str], None]


def _has_status(data: Any) -> bool:
    status = data.get("status") if isinstance(data, Mapping) else None
    return isinstance(status, int) and not isinstance(status, bool)


_STATE = Shape("an object with a numeric status", _has_status)


class Script(NamedTuple):
    """Code to run. `runtime_id` None means the server's default runtime; `timeout` in seconds."""

    code: str
    runtime_id: str | None
    timeout: float
    runtime_name: str | None = None

    @property
    def label(self) -> str:
        """How messages name the runtime."""
        if self.runtime_id is None:
            return "the default runtime"
        name = f"{self.runtime_name!r} ({self.runtime_id})" if self.runtime_name is not None else self.runtime_id
        return f"the runtime {name}"


def run_script(
    session: Session, script: Script, clock: Clock, pause: Pause, progress: Progress = lambda text: None
) -> dict[str, Any]:
    """The result of a run with final status ready. Raises PartialError with the result of other runs; MstrError.

    `clock` returns seconds; `pause` sleeps. A start whose response was lost is never repeated. While the script runs,
    the task tolerates an outage of the server until the timeout.
    """
    run = _Run(session, script, _start(session, script))
    try:
        run.finish(clock, pause, progress)
    except PartialError:
        raise
    except (MstrError, Interrupted) as exc:
        error = as_mstr_error(exc)
        if isinstance(exc, Interrupted):
            error = exc.during(f"the script ran on {script.label}.")
        failure = _stop(session, run.evaluation)
        end = f"It may still be running: {failure}" if failure else "It was stopped on the server."
        cause = MstrError(f"{error.sentence} {end}{run.stderr_end(' Its stderr ends with: ')}", **error.error)
        raise PartialError(cause, run.to_result(None if failure else _CANCELLED)) from exc
    status = run.state["status"]
    result = run.to_result(status)
    if status != _READY:
        reason = run.stderr_end() or clean(run.state.get("message") or "") or "the server gave no reason"
        cause = MstrError(f"The script on {script.label} ended with status {result['status']}: {reason}")
        raise PartialError(cause, result)
    return {**result, "msg": f"Ran the script on {script.label}.", "result": run.output()}


def _start(session: Session, script: Script) -> str:
    """The id of the evaluation. Raises MstrError; the message states whether the script may be running."""
    operation = f"run a script on {script.label}"
    body = {"scriptContent": base64.b64encode(script.code.encode("utf-8")).decode("ascii")}
    if script.runtime_id:
        body["scriptRuntimeId"] = script.runtime_id
    undone: list[str] = []

    def stop_late(response: Response) -> None:
        if response.new_id:
            undone.append(_stop(session, response.new_id))

    try:
        identity = id_in(session.send("POST", _PATH, body, operation=operation, on_late_response=stop_late))
    except Interrupted as exc:
        end = _LOST if exc.outcome_unknown else "It was not started."
        if undone:
            end = f"It may be running: {undone[0]}" if undone[0] else "It was stopped on the server."
        raise MstrError(f"{exc.sentence} while the script was being started on {script.label}. {end}") from exc
    except MstrError as exc:
        if exc.outcome_unknown:
            exc.add(_LOST)
        raise
    if identity is None:
        raise MstrError(f"Could not {operation}: the response to POST /api{_PATH} contains no id. {_LOST}")
    return identity


def _stop(session: Session, evaluation: str) -> str:
    """Stop the run. Returns why it could not be stopped; empty on success."""
    try:
        session.last_request("DELETE", f"{_PATH}/{evaluation}", operation="stop the script")
    except MstrError as exc:
        return exc.sentence
    return ""


class _Run:
    """A run that was started, and its last known state."""

    def __init__(self, session: Session, script: Script, evaluation: str) -> None:
        self._session, self._script = session, script
        self.evaluation = evaluation
        self.state: Mapping[str, Any] = {"status": 0}
        self._outage: MstrError | None = None  # why the last check failed

    def finish(self, clock: Clock, pause: Pause, progress: Progress) -> None:
        """Wait until the state is final. Raises MstrError, also after run_timeout; PartialError if it is lost."""
        script = self._script
        is_final = self._check() or poll(
            self._check,
            _RHYTHM._replace(timeout=script.timeout),
            clock,
            pause,
            lambda passed: progress(script_running(passed)),
        )
        if is_final:
            return
        last = f" The last check failed: {self._outage.sentence}" if self._outage else ""
        raise MstrError(
            f"The script on {script.label} did not end within {script.timeout:g} seconds (run_timeout).{last}",
            **(self._outage.error if self._outage else {}),
        )

    def _check(self) -> bool:
        """Read the state, and return whether it is final. If the server cannot be reached, it is the last known one."""
        path, operation = f"{_PATH}/{self.evaluation}", f"read the result of the script on {self._script.label}"
        self._outage = None
        try:
            self.state = self._session.get(path, operation=operation, polling=True, shape=_STATE)
        except MstrError as exc:
            # A 500 with the code of an object that does not exist means the same [schema].
            if isinstance(exc, ApiError) and (says_no_such_object(exc) or (exc.status, exc.number) == (500, 4)):
                forgotten = MstrError(
                    f"The server no longer knows the script that it started on {self._script.label} (evaluation "
                    f"{self.evaluation}). Its outcome is unknown; check what it did before you run it again.",
                    **exc.error,
                )
                raise PartialError(forgotten, self.to_result(None)) from exc
            if not is_outage(exc):
                raise
            self._outage = exc
        return int(self.state["status"]) >= _READY

    def output(self) -> Any:
        """The script's result object, sent as JSON text [mstrio]. Other text is unchanged; empty text is None."""
        output = self._results.get("output")
        with suppress(ValueError):
            return parsed(output) if isinstance(output, str) else output
        return output or None

    def stderr_end(self, preface: str = "") -> str:
        """The end of stderr on one line, after `preface`; empty if there is no stderr."""
        text = clean(self._printed("stderr")[-_STDERR_LIMIT:], _STDERR_LIMIT)
        return text and preface + text

    def to_result(self, status: int | None) -> dict[str, Any]:
        """The keys of every result, with the output as far as it is known. `status` None: unknown."""
        stdout, stderr = self._printed("stdout"), self._printed("stderr")
        return {
            "changed": True,
            "executed": True,
            "status": None if status is None else _FINAL.get(status, f"unknown ({status})"),
            "stdout": stdout,
            "stdout_lines": stdout.splitlines(),
            "stderr": stderr,
            "stderr_lines": stderr.splitlines(),
            "result": None,
            "runtime_id": self._script.runtime_id,
            "evaluation_id": self.evaluation,
        }

    def _printed(self, stream: str) -> str:
        text = self._results.get(stream)
        return "" if text is None else str(text)

    @property
    def _results(self) -> Mapping[str, Any]:
        """What the server has of the run so far."""
        results = self.state.get("results")
        return results if isinstance(results, Mapping) else {}


def script_running(seconds: float) -> str:
    """A text that changes each second, after 10 seconds every 10 seconds, and after a minute every minute."""
    step = 1 if seconds < 10 else 10 if seconds < 60 else 60
    return f"script has been running for {int(seconds // step) * step} s"
