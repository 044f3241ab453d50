# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs Python code on a runtime, and stops it when nobody waits for it any more.

Floor 3. Facts of the API: the vendor's client [mstrio], `mstrio/api/scripts.py`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ._answer import Answer
from ._errors import MstrError, PartialError, clean
from ._interrupt import Interrupted
from ._library import Library

_PATH = "/scripts/evaluation"
# 0 initiated, 1 running, 2 partially ready; 3 and above are final [mstrio].
_FINAL = {3: "ready", 4: "error", 5: "expired", 6: "cancelled"}
_READY = 3
_FIRST_INTERVAL, _GROWTH, _LONGEST_INTERVAL = 0.25, 1.5, 5.0  # seconds, times, seconds
_STDERR_SHOWN = 1000  # characters


class Script(NamedTuple):
    """Code to run. `runtime_id` None is the server's default runtime; `timeout` in seconds."""

    code: str
    runtime_id: str | None
    timeout: float

    def body(self) -> dict[str, str]:
        """What the server gets."""
        body = {"scriptContent": base64.b64encode(self.code.encode("utf-8")).decode("ascii")}
        if self.runtime_id:
            body["scriptRuntimeId"] = self.runtime_id
        return body


def run_script(
    library: Library, script: Script, clock: Callable[[], float], pause: Callable[[float], None]
) -> dict[str, Any]:
    """The result of a run that ended ready. Raises PartialError with it for one that ended otherwise; MstrError.

    A start whose answer was lost is never repeated.
    """
    doing = f"run a script on {f'the runtime {script.runtime_id}' if script.runtime_id else 'the default runtime'}"
    evaluation = _start(library, script, doing)
    try:
        state = _finished(library, evaluation, script, doing, clock, pause)
    except MstrError as exc:
        told = MstrError(f"{exc.sentence} {_stop(library, evaluation)}", **exc.error)
        raise PartialError(told, {"changed": True, "evaluation_id": evaluation}) from exc
    result = _result(state, script, evaluation)
    if result["status"] != _FINAL[_READY]:
        said = clean(result["stderr"][-_STDERR_SHOWN:], _STDERR_SHOWN) or clean(state.get("message") or "")
        cause = MstrError(f"The script ended with status {result['status']}: {said or 'the server says no more'}")
        raise PartialError(cause, result)
    return result


def _start(library: Library, script: Script, doing: str) -> str:
    def stop_late(answer: Answer) -> None:
        late = answer.data() if answer.ok else None
        if isinstance(late, Mapping) and late.get("id"):
            _stop(library, str(late["id"]))

    try:
        data = library.send("POST", _PATH, script.body(), doing=doing, late=stop_late)
    except MstrError as exc:
        if isinstance(exc, Interrupted) or getattr(exc, "unclear", False):
            raise _may_be_running(exc) from exc
        raise
    identity = data.get("id") if isinstance(data, Mapping) else None
    if not identity:
        raise _may_be_running(MstrError(f"Could not {doing}: the server's yes to POST /api{_PATH} held no id."))
    return str(identity)


def _may_be_running(cause: MstrError) -> MstrError:
    return MstrError(
        f"{cause.sentence} The answer to the start was lost: the script may be running on the server. It is not "
        "started again.",
        **cause.error,
    )


def _finished(
    library: Library,
    evaluation: str,
    script: Script,
    doing: str,
    clock: Callable[[], float],
    pause: Callable[[float], None],
) -> Mapping[str, Any]:
    """The state of the evaluation once it is final. Raises MstrError when run_timeout is over."""
    end, interval = clock() + script.timeout, _FIRST_INTERVAL
    while True:
        state = library.get(f"{_PATH}/{evaluation}", doing=f"{doing}: ask for its result")
        status = state.get("status") if isinstance(state, Mapping) else None
        if isinstance(status, bool) or not isinstance(status, int):
            raise MstrError(f"Could not {doing}: the server tells no status of the evaluation {evaluation}.")
        if status >= _READY:
            return dict(state)
        left = end - clock()
        if left <= 0:
            raise MstrError(f"The script did not end within {script.timeout:g} seconds (run_timeout).")
        pause(min(interval, left))
        interval = min(interval * _GROWTH, _LONGEST_INTERVAL)


def _stop(library: Library, evaluation: str) -> str:
    """Stop the run; what to say about it."""
    try:
        library.cancel(f"{_PATH}/{evaluation}", doing="stop the script")
    except MstrError as exc:
        return f"It may be running on: {exc.sentence}"
    return "It was stopped on the server."


def _result(state: Mapping[str, Any], script: Script, evaluation: str) -> dict[str, Any]:
    results = state.get("results")
    texts = {key: _text(results.get(key)) if isinstance(results, Mapping) else "" for key in ("stdout", "stderr")}
    return {
        "changed": True,
        "status": _FINAL.get(state["status"], f"unknown ({state['status']})"),
        **texts,
        "stdout_lines": texts["stdout"].splitlines(),
        "result": _parsed(results.get("output")) if isinstance(results, Mapping) else None,
        "runtime_id": script.runtime_id,
        "evaluation_id": evaluation,
    }


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _parsed(output: Any) -> Any:
    """The output, which comes as JSON text [mstrio]; as it is where it is none."""
    if not isinstance(output, str):
        return output
    try:
        return json.loads(output)
    except (ValueError, RecursionError):
        return output or None
