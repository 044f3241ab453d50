# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands: modules with `HELP`, `arguments(parser)` and `run(args)`, which returns the exit status."""

from __future__ import annotations

import argparse
from typing import Protocol

from dev.commands import (
    bench,
    changelog,
    check,
    clean,
    demo,
    docs,
    env,
    faults,
    generate,
    lock,
    release,
    simulator,
    soak,
    test,
    test_controller,
    test_ee,
)


class Command(Protocol):
    HELP: str

    def arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


ALL: dict[str, Command] = {
    "demo": demo,
    "check": check,
    "test": test,
    "test-ee": test_ee,
    "test-controller": test_controller,
    "env": env,
    "simulator": simulator,
    "bench": bench,
    "faults": faults,
    "soak": soak,
    "generate": generate,
    "docs": docs,
    "lock": lock,
    "changelog": changelog,
    "release": release,
    "clean": clean,
}
