"""Scripts on a runtime: evaluations run the code in a child process with limits. This is not a sandbox.

The simulator listens only on loopback, and every user who can reach it can already run programs.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator.messages import Call, Reply, invalid, missing, new_id, not_found, only
from simulator.packages import environment
from simulator.runtimes import DEFAULT_ID, Runtime
from simulator.users import User

if TYPE_CHECKING:
    from simulator.server import Server

INITIATED, RUNNING, PARTIALLY_READY, READY, ERROR, EXPIRED, CANCELLED = range(7)  # [mstrio]
POLL_S = 0.01
MOST_OUTPUT = 32 * 1024 * 1024
LONGEST_S = 600  # of a script, if its runtime does not set less
CHILD = Path(__file__).with_name("script_child.py")
# The simulator ignores `variables` [mstrio].
ALLOWED = {"scriptContent", "scriptRuntimeId", "variables", "id"}


@dataclass(eq=False)
class Evaluation:
    id: str
    user: User
    runtime: Runtime
    code: str
    status: int = INITIATED
    message: str = ""
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    output: str = "null"
    ended: float | None = None
    process: asyncio.subprocess.Process | None = None
    task: asyncio.Task[None] | None = None

    def end(self, status: int, now: float, message: str = "") -> None:
        """Record the end. Later calls change nothing."""
        if self.ended is None:
            self.status, self.ended, self.message = status, now, message

    def kill(self) -> None:
        """End the child and its processes. They are a process group, which may outlive its leader."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Evaluations:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._by_id: dict[str, Evaluation] = {}

    def start(self, code: str, runtime: Runtime, user: User) -> Evaluation:
        """Start a run and return it at once."""
        evaluation = Evaluation(new_id(), user, runtime, code)
        self._by_id[evaluation.id] = evaluation
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
            evaluation.end(CANCELLED, self._server.clock())
            evaluation.kill()
        self._by_id.clear()

    def stop(self, evaluation: Evaluation) -> None:
        """Cancel a run. A completed run is unchanged."""
        evaluation.end(CANCELLED, self._server.clock(), "The execution was cancelled.")
        evaluation.kill()

    def to_json(self) -> list[dict[str, Any]]:
        """All runs for tests."""
        return [
            {
                "id": e.id, "user": e.user.username, "runtime": e.runtime.id, "status": e.status,
                "pid": e.process.pid if e.process else None,
                "running": bool(e.process and e.process.returncode is None),
            }
            for e in self._by_id.values()
        ]  # fmt: skip

    async def _run(self, evaluation: Evaluation) -> None:
        server = self._server
        folder = tempfile.mkdtemp(prefix="simulated-runtime-")
        try:
            order = self._order(evaluation.runtime, evaluation.code, folder)
            # A separate process group, so that the processes of the script end with it.
            evaluation.process = process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", "-X", "utf8", str(CHILD), cwd=folder, start_new_session=True,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                env={"HOME": folder, "TMPDIR": folder, "PATH": os.environ.get("PATH", "")},
            )  # fmt: skip
            if evaluation.ended is not None:  # stopped while it started
                evaluation.kill()
            else:
                evaluation.status = RUNNING
            assert process.stdin
            assert process.stdout
            assert process.stderr
            readers = [
                asyncio.create_task(_collect(process.stdout, evaluation.stdout)),
                asyncio.create_task(_collect(process.stderr, evaluation.stderr)),
            ]
            with contextlib.suppress(ConnectionError):
                process.stdin.write(json.dumps(order).encode() + b"\n")
                await process.stdin.drain()
            if not await _ended(process, server.clock, order["seconds"]):
                evaluation.end(EXPIRED, server.clock(), "The execution took longer than its time limit.")
            evaluation.kill()
            process.stdin.close()
            await asyncio.gather(process.wait(), *readers)
            self._finish(evaluation, Path(order["answer"]))
        finally:
            evaluation.end(ERROR, server.clock(), "The execution ended unexpectedly.")
            evaluation.kill()
            shutil.rmtree(folder, ignore_errors=True)

    def _order(self, runtime: Runtime, code: str, folder: str) -> dict[str, Any]:
        values = runtime.values
        seconds = LONGEST_S
        if isinstance(values.get("execTimeout"), int):
            seconds = min(seconds, values["execTimeout"])
        now = self._server.clock()
        installed = {
            package.name: package.resolved
            for package in runtime.effective_packages()
            if package.outcome == "installed" and package.done <= now
        }
        return {
            "code": code,
            "packages": environment(installed),
            "python": values.get("runtimeVersion"),
            "folder": folder,
            "seconds": seconds,
            "answer": str(Path(folder, ".answer.json")),
        }

    def _finish(self, evaluation: Evaluation, answer: Path) -> None:
        evaluation.runtime.used = True
        code = evaluation.process.returncode if evaluation.process else None
        try:
            ended = json.loads(answer.read_text(encoding="utf-8", errors="surrogatepass"))
        except (OSError, ValueError):
            ended = {"message": f"The Python process ended with {code}.", "output": "null"}
        evaluation.output = ended["output"]
        evaluation.end(READY if code == 0 else ERROR, self._server.clock(), ended["message"])


async def _ended(process: asyncio.subprocess.Process, clock: Callable[[], float], seconds: float) -> bool:
    """Wait for the end of a child. asyncio would wait until no grandchild has the pipes open."""
    deadline = clock() + seconds
    while process.returncode is None:
        if clock() > deadline:
            return False
        await asyncio.sleep(POLL_S)
    return True


async def _collect(stream: asyncio.StreamReader, into: bytearray) -> None:
    """Read a stream to its end, and keep it up to a limit."""
    while piece := await stream.read(65536):
        into += piece[: max(0, MOST_OUTPUT - len(into))]


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
        "stdout": evaluation.stdout.decode("utf-8", "replace"),
        "stderr": evaluation.stderr.decode("utf-8", "replace"),
        "output": evaluation.output,
    }
    return Reply(200, answer)


async def stop(server: Server, call: Call) -> Reply:
    """``DELETE /scripts/evaluation/{id}``."""
    server.evaluations.stop(_of(server, call))
    return Reply(204)
