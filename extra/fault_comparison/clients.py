# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Four clients that do the same jobs: the modules, the vendor's client, an independent client, and a `uri` play.

Each client logs in, does one operation and logs out. It does so in the way that its documentation shows, and cleans up
with the means of its language.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, NamedTuple

from support import ansible

NO_THREADS = Path(__file__).with_name("no_threads")  # a Python that starts with this folder has no threads
LIMIT_S = 45.0  # after this time a job counts as hanging
OLD, SECOND, NEW, EXEC_TIMEOUT, ADDED = "Old", "Second", "New", 60, "10.9.0.0/16"
BOTH = (OLD, SECOND)
POLLS, POLL_S = 3, 0.2

# base_url, username, password, the URL of a proxy or an empty text, and "threads": empty if none can be started.
Server = dict[str, str]
Interrupt = Callable[[], bool]  # whether the job should be interrupted now


class Reported(NamedTuple):
    """What a client reported for its job: `ok`, or the reason of its failure."""

    text: str
    warned: bool = False
    memory_mb: int = 0

    @property
    def ok(self) -> bool:
        return self.text == "ok"


def module(operation: str, server: Server, interrupt: Interrupt) -> Reported:
    """Run the module for the operation, as Ansible would start it."""
    name, options = {
        "read": ("mstr_runtime_info", {"name": OLD}),
        "create": ("mstr_runtime", {"name": NEW, "exec_timeout": EXEC_TIMEOUT}),
        "update": ("mstr_runtime", {"name": OLD, "exec_timeout": EXEC_TIMEOUT}),
        "delete": ("mstr_runtime", {"name": OLD, "state": "absent"}),
        "ready": (
            "mstr_runtimes",
            {"runtimes": [{"name": name} for name in BOTH], "wait": True, "wait_timeout": 2, "wait_interval": POLL_S},
        ),
        "add": (
            "mstr_runtimes",
            {"runtimes": [{"name": name, "whitelist": [ADDED], "purge_whitelist": False} for name in BOTH]},
        ),
    }.get(operation, ("mstr_runtime_info", {}))
    python = ansible.programs() / "python"
    command = [str(python), "-m", f"ansible_collections.mstr.library.plugins.modules.{name}"]
    login = {name: server[name] for name in ("base_url", "username", "password")}
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**login, **options}})
    folders = [ansible.COLLECTIONS, *([] if server["threads"] else [str(NO_THREADS)])]
    env = _proxied(ansible.own_variables(PYTHONPATH=os.pathsep.join(folders)), server)
    output, memory = _run(command, arguments, env, interrupt)
    lines = [line for line in output.splitlines() if line.startswith("{")]
    result = json.loads(lines[-1]) if lines else {"failed": True, "msg": output[-200:]}
    return Reported(result["msg"] if result.get("failed") else "ok", bool(result.get("warnings")), memory)


def uri(operation: str, server: Server, interrupt: Interrupt) -> Reported:
    """Run a playbook of ansible.builtin.uri tasks, with block and always."""
    command = [
        *(str(ansible.programs() / "ansible-playbook"), "--inventory", "localhost,"),
        *("--connection", "local", "--extra-vars"),
        json.dumps({**server, "operation": operation, "ansible_python_interpreter": "{{ ansible_playbook_python }}"}),
        str(Path(__file__).with_name("uri.yml")),
    ]
    with tempfile.TemporaryDirectory() as folder:
        more = {} if server["threads"] else {"PYTHONPATH": str(NO_THREADS)}
        env = ansible.environment(Path(folder), ANSIBLE_CALLBACK_RESULT_FORMAT="json", **more)
        output, memory = _run(command, "", _proxied(env, server), interrupt)
    if "failed=0 " in output and "unreachable=0" in output:
        return Reported("ok", memory_mb=memory)
    return Reported(output.partition('"msg": "')[2].partition('"')[0] or output[-200:], memory_mb=memory)


def _proxied(env: Mapping[str, str], server: Server) -> dict[str, str]:
    """The variables without any proxy, or with the server's proxy for every host."""
    ours = {name: value for name, value in env.items() if not name.lower().endswith("_proxy")}
    return {**ours, "http_proxy": server["proxy"]} if server["proxy"] else ours


def _run(command: list[str], input_text: str, env: dict[str, str], interrupt: Interrupt) -> tuple[str, int]:
    """Run a program. Return all of its output, and the memory in MB that one of its processes used at most.

    An interrupt is sent to its whole process group.
    """
    peaks = [0]

    def ended() -> bool:
        peaks.append(_memory_mb(process.pid))
        return process.poll() is not None

    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, env=env, start_new_session=True
        )
        assert process.stdin
        process.stdin.write(input_text.encode())
        process.stdin.close()
        if not _wait(ended, lambda: os.killpg(process.pid, signal.SIGINT), interrupt):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"hangs for more than {LIMIT_S:g} s", max(peaks)
        output.seek(0)
        return output.read(), max(peaks)


def _memory_mb(group: int) -> int:
    """The most memory that a process of this group, or this process, has used so far."""
    most = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            pid = int(folder.name)
            if pid == group or os.getpgid(pid) == group:
                peak = (folder / "status").read_text().partition("VmHWM:")[2].split()[0]
                most = max(most, int(peak) // 1024)
    return most


def _wait(ended: Callable[[], bool], stop: Callable[[], object], interrupt: Interrupt) -> bool:
    deadline, stopped = time.monotonic() + LIMIT_S, False
    while not ended():
        if time.monotonic() > deadline:
            return False
        if not stopped and interrupt():
            stop()
            stopped = True
        time.sleep(0.03)
    return True


def vendor(operation: str, server: Server, interrupt: Interrupt) -> Reported:
    """mstrio-py."""
    return _peer(_with_mstrio, operation, server, interrupt)


def independent(operation: str, server: Server, interrupt: Interrupt) -> Reported:
    """mstr-rest-requests."""
    return _peer(_with_rest_requests, operation, server, interrupt)


_PEERS = multiprocessing.get_context("forkserver")
_PEERS.set_forkserver_preload(["mstrio.connection", "mstrio.python_execution.runtime", "mstr.requests"])


def _peer(job: Callable[[str, Server], None], operation: str, server: Server, interrupt: Interrupt) -> Reported:
    ours, theirs = _PEERS.Pipe(duplex=False)
    process: ForkServerProcess = _PEERS.Process(
        target=_tell, args=(job, operation, server, theirs, _proxied(os.environ, server))
    )
    process.start()
    theirs.close()
    pid = process.pid or 0
    peaks = [0]

    def ended() -> bool:
        peaks.append(_memory_mb(pid))
        return not process.is_alive()

    if not _wait(ended, lambda: os.kill(pid, signal.SIGINT), interrupt):
        process.kill()
        process.join()
        return Reported(f"hangs for more than {LIMIT_S:g} s")
    try:
        return Reported(ours.recv(), memory_mb=max(peaks))
    except EOFError:
        return Reported("ended without any output")


def _tell(
    job: Callable[[str, Server], None], operation: str, server: Server, pipe: Any, environment: dict[str, str]
) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.dup2(devnull, 2)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123
    os.environ.clear()
    os.environ.update(environment)
    if not server["threads"]:
        runpy.run_path(str(NO_THREADS / "sitecustomize.py"))
    try:
        job(operation, server)
    except BaseException as exc:
        pipe.send(f"{type(exc).__name__}: {exc}")
    else:
        pipe.send("ok")


def _with_mstrio(operation: str, server: Server) -> None:
    from mstrio.connection import Connection
    from mstrio.python_execution.runtime import Runtime, list_runtimes

    with Connection(server["base_url"], server["username"], server["password"], verbose=False) as connection:
        if operation == "create":
            Runtime.create(connection, NEW, exec_timeout=EXEC_TIMEOUT)
            return
        if operation == "ready":
            # Its class for packages has no status.
            _poll(lambda: _are_ready(list_runtimes(connection, to_dictionary=True)))
            return
        found = list_runtimes(connection)
        if operation == "add":
            for runtime in found:
                if runtime.name in BOTH:
                    runtime.alter(whitelist=[*runtime.whitelist, ADDED])
            return
        old = next(runtime for runtime in found if runtime.name == OLD)
        if operation == "read":
            Runtime(connection, id=old.id)
        elif operation == "update":
            old.alter(exec_timeout=EXEC_TIMEOUT)
        elif operation == "delete":
            old.delete(force=True)


def _are_ready(runtimes: list[dict[str, Any]]) -> bool:
    return all(
        runtime["status"] == "ready"
        and all(package["status"] == "installed" for package in runtime.get("packages", []))
        for runtime in runtimes
        if runtime["name"] in BOTH
    )


def _poll(ready: Callable[[], bool]) -> None:
    for _poll in range(POLLS):
        if ready():
            return
        time.sleep(POLL_S)
    raise TimeoutError("the runtimes are not ready")


def _with_rest_requests(operation: str, server: Server) -> None:
    from mstr.requests import AuthenticatedMSTRRESTSession

    place = f"{server['base_url']}/api/"
    with AuthenticatedMSTRRESTSession(place, server["username"], server["password"]) as session:
        if operation == "create":
            session.post("runtimes", json={"name": NEW, "execTimeout": EXEC_TIMEOUT}).raise_for_status()
            return

        def both() -> list[dict[str, Any]]:
            listed = session.get("runtimes")
            listed.raise_for_status()
            return [runtime for runtime in listed.json()["runtimes"] if runtime["name"] in BOTH]

        if operation == "ready":
            _poll(lambda: _are_ready(both()))
            return
        if operation == "add":
            for runtime in both():
                body = {"name": runtime["name"], "whitelist": [*runtime["whitelist"], ADDED]}
                session.patch(f"runtimes/{runtime['id']}", json=body).raise_for_status()
            return
        answer = session.get("runtimes")
        answer.raise_for_status()
        path = next(f"runtimes/{runtime['id']}" for runtime in answer.json()["runtimes"] if runtime["name"] == OLD)
        if operation == "read":
            session.get(path).raise_for_status()
        elif operation == "update":
            session.patch(path, json={"name": OLD, "execTimeout": EXEC_TIMEOUT}).raise_for_status()
        elif operation == "delete":
            session.delete(path).raise_for_status()


CLIENTS: dict[str, Callable[[str, Server, Interrupt], Reported]] = {
    "mstr.library": module,
    "mstrio-py": vendor,
    "mstr-rest-requests": independent,
    "uri play": uri,
}
