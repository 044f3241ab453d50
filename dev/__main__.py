"""`python3 -m dev NAME OPTION…`: creates the environment with nox, and becomes `nox -s NAME -- OPTION…` in it."""

from __future__ import annotations

import os
import signal
import sys

if sys.version_info < (3, 10):  # noqa: UP036 (an older Python must get as far as this message)
    sys.exit(f"This tool needs Python 3.10 or newer, not {sys.version.split()[0]}")

signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the command can clean up, an interrupt prints no traceback
from dev import envs, runner  # noqa: E402
from dev.paths import ROOT, VENVS  # noqa: E402

if not list(VENVS.glob(f"{envs.BASE}-*/.made-of")):
    print("Setting up in .venv (the first time takes a minute) …", file=sys.stderr, flush=True)
made: list[str] = []
if status := runner.guarded(lambda: made.append(str(envs.ensure(envs.BASE) / "python"))):
    sys.exit(status)
name, *options = sys.argv[1:] or ["--list"]
session = [name] if name.startswith("-") else ["--session", name, "--", *options]
# From here, an interrupt waits until the session can clean up.
signal.pthread_sigmask(signal.SIG_BLOCK, runner.SIGNALS)
for number in runner.SIGNALS:
    signal.signal(number, signal.SIG_DFL)
os.execv(made[0], [*made, "-B", "-m", "nox", "--noxfile", str(ROOT / "noxfile.py"), *session])
