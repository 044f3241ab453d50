# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make soak`: runs hundreds of tasks, and checks that they leave no sessions, memory or sockets on the server.

Each task runs in its own process, forked from a process that has loaded the module. So a task does all of its work but
does not start an interpreter.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), os.environ["MSTR_TEST_COLLECTIONS"]]

from simulator.harness import Simulator  # noqa: E402

_MODULES = "ansible_collections.mstr.library.plugins.modules"
GROWTH_KB = 2_000  # from the end of the warm-up; each leaked session would need some KB
EVERY = 50  # tasks between two checks, and for the warm-up


def task(module: str, **options: Any) -> dict[str, Any]:
    """Run one task in its own process, and return its result."""
    main: Callable[[], None] = import_module(f"{_MODULES}.{module}").main
    readable, writable = os.pipe()
    gc.freeze()
    pid = os.fork()
    if pid == 0:
        os.close(readable)
        os.dup2(writable, 1)
        from ansible.module_utils import basic

        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
        basic._ANSIBLE_PROFILE = "legacy"
        try:
            main()
        except SystemExit as exc:
            sys.stdout.flush()
            os._exit(exc.code if isinstance(exc.code, int) else 1)
        os._exit(1)
    os.close(writable)
    with os.fdopen(readable, encoding="utf-8") as pipe:
        output = pipe.read()
    os.waitpid(pid, 0)
    result: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    if result.get("failed") or result.get("warnings"):
        raise SystemExit(f"a task of the soak: {result.get('msg')} {result.get('warnings')}")
    return result


def memory_kb(pid: int) -> int:
    """The memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def soak(sim: Simulator, title: str, count: int, each: Callable[[int], object]) -> bool:
    """Run tasks in a row, and return whether sockets and memory are unchanged since the warm-up."""
    samples = []
    began = time.monotonic()
    for number in range(1, count + 1):
        each(number)
        if number % EVERY == 0:
            sim.clear_requests()  # the log grows by design
            samples.append((memory_kb(sim.pid), int(sim.state()["open_sockets"]), len(sim.open_sessions())))
    seconds = time.monotonic() - began
    memory, sockets, sessions = zip(*samples, strict=True)
    print(f"{title}: {count} tasks in {seconds:.0f} s")
    print(f"  memory of the server, KB, every {EVERY} tasks: {', '.join(map(str, memory))}")
    print(f"  open sockets: {', '.join(map(str, sockets))}; open sessions: {', '.join(map(str, sessions))}")
    return memory[-1] - memory[0] < GROWTH_KB and max(sockets) - min(sockets) <= 1 and len(set(sessions)) == 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--shared", type=int, default=500, help="tasks that share one session (default: %(default)s)")
    parser.add_argument("--own", type=int, default=200, help="tasks that log in themselves (default: %(default)s)")
    args = parser.parse_args()
    good = True
    with Simulator(switches={"load_balancer_cookie": "rotate"}) as sim:
        login = {"base_url": sim.base_url, "username": sim.username, "password": sim.password}
        task("mstr_runtime", **login, name="Kept", whitelist=["10.0.0.0/8"])
        if args.shared:
            session = task("mstr_session", **login)["session"]
            on_it = {"session": session, "name": "Kept"}
            good &= soak(
                sim, "one session", args.shared, lambda n: task("mstr_runtime", **on_it, exec_timeout=60 + n % 2)
            )
            task("mstr_session", session=session, state="absent")
        if args.own:
            each = {**login, "name": "Kept"}
            good &= soak(
                sim, "sessions of their own", args.own, lambda n: task("mstr_runtime", **each, exec_timeout=60 + n % 2)
            )
        left = len(sim.open_sessions())
        print(f"sessions open at the end: {left}")
    print("passed: no leak" if good and not left else "FAILED: a leak, see above")
    return 0 if good and not left else 1


if __name__ == "__main__":
    sys.exit(main())
