# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts the tests in JUnit files, which pytest and ansible-test both write."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path

from dev.stage import Result


def count(files: Iterable[Path], status: int, *, skips: bool = True) -> Result:
    """Return the counts in the files. A program that fails (`status`) without a failed test counts as one failure.

    Tests that were skipped are listed with their reasons, unless `skips` is false.
    """
    passed = failed = 0
    skipped: list[str] = []
    for case in (case for file in files for case in ElementTree.parse(file).iter("testcase")):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif (skip := case.find("skipped")) is not None:
            skipped.append(f"{case.get('name')}: {skip.get('message') or 'skipped'}")
        else:
            passed += 1
    return Result(passed, failed or int(status != 0), tuple(skipped) if skips else ())
