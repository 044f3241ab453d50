# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the programs of ansible-core, ansible-builder and ansible-runner."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from support import ansible

BIN = Path(sys.executable).parent


def environment(**more: str) -> dict[str, str]:
    """Return variables with the paths of this collection and awx.awx, but without a real server or controller."""
    collections = (ansible.COLLECTIONS, os.environ["MSTR_TEST_AWX_COLLECTIONS"])
    home = Path(os.environ.get("ANSIBLE_HOME", str(Path.home() / ".ansible")))
    # Fewer processes per task save time, because there are many tasks.
    return ansible.environment(home, programs=BIN, collections=collections, **{"ANSIBLE_PIPELINING": "true", **more})


def run(
    program: str, *arguments: str | Path, env: Mapping[str, str] | None = None, timeout: float = 900
) -> subprocess.CompletedProcess[str]:
    """Run a program of this environment to its end. Its output and errors are one text."""
    return subprocess.run(
        [BIN / program, *arguments],
        env=dict(env or environment()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=timeout,
    )
