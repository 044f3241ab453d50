"""Scripts on a runtime: evaluations run the code in a child process. This is not a sandbox.

The simulator listens only on loopback, and every user who can reach it can already run programs.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import os
import signal
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.messages import Call, Reply, invalid, missing, new_id, not_found, only
from simulator.packages import environment
from simulator.runtimes import DEFAULT_ID, Runtime
from simulator.users import User

if TYPE_CHECKING:
    from simulator.server import Server

INITIATED, RUNNING, PARTIALLY_READY, READY, ERROR, EXPIRED, CANCELLED = range(7)  # [mstrio]
LONGEST_S = 600  # of a script, if its runtime does not set less
CHILD = Path(__file__).with_name("script_child.py")
# The simulator ignores `variables` [mstrio].
ALLOWED = {"scriptContent", "scriptRuntimeId", "variables", "id"}


@dataclass(eq=False)
class Evaluation:
    """One run of a script, in a folder of its own with what it prints."""

    id: str
    user: User
    runtime: Runtime
    code: str
    folder: tempfile.TemporaryDirectory[str]
    status: int = INITIATED
    message: str = ""
    output: str = "null"
    process: asyncio.subprocess.Process | None = None
    task: asyncio.Task[None] | None = None

    def end(self, status: int, message: str = "") -> None:
        """Record the end. Later calls change nothing."""
        if self.status in (INITIATED, RUNNING):
            self.status, self.message = status, message

    def kill(self) -> None:
        """End the child and its processes. They are a process group, which may outlive its leader."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def path(self, name: str) -> Path:
        return Path(self.folder.name, name)

    def printed(self, stream: str) -> str:
        return self.path(stream).read_text(encoding="utf-8", errors="replace")


class Evaluations:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._by_id: dict[str, Evaluation] = {}

    def start(self, code: str, runtime: Runtime, user: User) -> Evaluation:
        """Start a run and return it at once."""
        folder = tempfile.TemporaryDirectory(prefix="simulated-runtime-", ignore_cleanup_errors=True)
        evaluation = Evaluation(new_id(), user, runtime, code, folder)
        self._by_id[evaluation.id] = evaluation
        for stream in ("stdout", "stderr"):
            evaluation.path(stream).touch()
        evaluation.task = asyncio.create_task(self._run(evaluation))
        return evaluation

    def find(self, evaluation_id: str, user: User) -> Evaluation:
        """A run of the user, or raise the API's error."""
        evaluation = self._by_id.get(evaluation_id)
        if evaluation is None or evaluation.user is not user:
            raise not_found(f"evaluation '{evaluation_id}'")
        return evaluation

    def forget_all(self) -> None:
        """Forget every run, as a restarted server does, and end running scripts."""
        for evaluation in self._by_id.values():
            self.stop(evaluation)
        self._by_id.clear()

    def stop(self, evaluation: Evaluation) -> None:
        """Cancel a run. A completed run is unchanged."""
        evaluation.end(CANCELLED, "The execution was cancelled.")
        evaluation.kill()

    def to_json(self) -> list[dict[str, Any]]:
        """All runs for tests."""
        return [
            {"id": e.id, "status": e.status, "running": bool(e.process and e.process.returncode is None)}
            for e in self._by_id.values()
        ]

    async def _run(self, evaluation: Evaluation) -> None:
        folder, order = evaluation.folder.name, self._order(evaluation)
        try:
            with evaluation.path("stdout").open("wb") as stdout, evaluation.path("stderr").open("wb") as stderr:
                # A separate process group, so that the processes of the script end with it.
                evaluation.process = process = await asyncio.create_subprocess_exec(
                    sys.executable, "-I", "-S", "-X", "utf8", str(CHILD), cwd=folder, start_new_session=True,
                    stdin=asyncio.subprocess.PIPE, stdout=stdout, stderr=stderr,
                    env={"HOME": folder, "TMPDIR": folder, "PATH": os.environ.get("PATH", "")},
                )  # fmt: skip
            if evaluation.status == CANCELLED:  # while it started
                evaluation.kill()
            else:
                evaluation.status = RUNNING
            assert process.stdin
            with contextlib.suppress(ConnectionError):
                process.stdin.write(json.dumps(order).encode() + b"\n")
                await process.stdin.drain()
            try:
                await asyncio.wait_for(process.wait(), order["seconds"])
            except asyncio.TimeoutError:
                evaluation.end(EXPIRED, "The execution took longer than its time limit.")
            self._finish(evaluation, Path(order["answer"]))
        finally:
            evaluation.end(ERROR, "The execution ended unexpectedly.")
            evaluation.kill()

    def _order(self, evaluation: Evaluation) -> dict[str, Any]:
        runtime, now = evaluation.runtime, self._server.clock()
        limit = runtime.values.get("execTimeout")
        installed = {
            package.name: package.resolved
            for package in runtime.effective_packages()
            if package.outcome == "installed" and package.done <= now
        }
        return {
            "code": evaluation.code,
            "packages": environment(installed),
            "python": runtime.values.get("runtimeVersion"),
            "folder": evaluation.folder.name,
            "seconds": min(LONGEST_S, limit) if isinstance(limit, int) else LONGEST_S,
            "answer": str(evaluation.path("answer.json")),
        }

    def _finish(self, evaluation: Evaluation, answer: Path) -> None:
        evaluation.runtime.used = True
        code = evaluation.process.returncode if evaluation.process else None
        try:
            ended = json.loads(answer.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            ended = {"message": f"The Python process ended with {code}.", "output": "null"}
        evaluation.output = ended["output"]
        evaluation.end(READY if code == 0 else ERROR, ended["message"])


async def start(server: Server, call: Call) -> Reply:
    """``POST /scripts/evaluation``."""
    body = call.json_object()
    only(body, ALLOWED)
    if not isinstance(body.get("scriptContent"), str):
        raise missing("scriptContent")
    try:
        code = base64.b64decode(body["scriptContent"], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise invalid("The field 'scriptContent' must be Base64 of UTF-8 text.") from None
    runtime_id = body.get("scriptRuntimeId", DEFAULT_ID)
    if not isinstance(runtime_id, str):
        raise invalid("The field 'scriptRuntimeId' must be a string.")
    runtime = server.runtimes.find(runtime_id)
    status = int(server.switches["evaluation_status"])
    return Reply(status, {"id": server.evaluations.start(code, runtime, call.user).id})


def _of(server: Server, call: Call) -> Evaluation:
    return server.evaluations.find(call.path.rpartition("/")[2], call.user)


async def result(server: Server, call: Call) -> Reply:
    """``GET /scripts/evaluation/{id}``: shows the current output while the script runs."""
    evaluation = _of(server, call)
    answer: dict[str, Any] = {"status": evaluation.status}
    if evaluation.message:
        answer["message"] = evaluation.message
    answer["results"] = {
        "stdout": evaluation.printed("stdout"),
        "stderr": evaluation.printed("stderr"),
        "output": evaluation.output,
    }
    return Reply(200, answer)


async def stop(server: Server, call: Call) -> Reply:
    """``DELETE /scripts/evaluation/{id}``."""
    server.evaluations.stop(_of(server, call))
    return Reply(204)
