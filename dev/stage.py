# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stage of the tests, the tools that it gets, and how its tests are counted."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dev import proc
from dev.envs import variables
from dev.paths import LOGS, ROOT, RUN


@dataclass(frozen=True)
class Result:
    passed: int = 0
    # One line for each test that failed.
    failures: tuple[str, ...] = ()
    # The reasons why single tests, or the whole stage, could not run here.
    not_run: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        return len(self.failures)

    @classmethod
    def of(cls, status: int) -> Result:
        """Return the result of a single check from the exit status of its program."""
        return cls(failures=(f"its program ended with exit status {status}",)) if status else cls(passed=1)

    @classmethod
    def of_junit(cls, files: Iterable[Path], status: int, *, skips: bool = True) -> Result:
        """Return the counts in JUnit files, which pytest and ansible-test both write.

        A program that fails (`status`) without a failed test counts as one failure. Tests that were skipped are listed
        with their reasons, unless `skips` is false.
        """
        passed = 0
        failures: list[str] = []
        skipped: list[str] = []
        for case in (case for file in files for case in ElementTree.parse(file).iter("testcase")):
            fault = next((fault for fault in case if fault.tag in ("failure", "error")), None)
            if fault is not None:
                failures.append(_one_line(f"{case.get('name')}: {fault.get('message') or fault.text or 'failed'}"))
            elif (skip := case.find("skipped")) is not None:
                skipped.append(f"{case.get('name')}: {skip.get('message') or 'skipped'}")
            else:
                passed += 1
        return cls(passed, tuple(failures) or cls.of(status).failures, tuple(skipped) if skips else ())


def _one_line(text: str) -> str:
    # Long enough for the assertion that failed. A CI server may show only the last lines of a run.
    return " ".join(text.split())[:300]


@dataclass(frozen=True)
class Selection:
    """The part of a stage to run."""

    keyword: str = ""  # an expression for pytest's -k
    targets: tuple[str, ...] = ()  # integration targets
    complete: bool = True  # without it, tests marked `complete` do not run, and integration targets use one profile
    profile_file: str = ""  # for integration targets, the server that a file of mstr.library.probe describes

    def fits(self, stage: Stage) -> bool:
        """Return whether the stage can run only the selected part. A stage that cannot is skipped."""
        of_targets = self.targets or self.profile_file
        return (not self.keyword or stage.selects == "keyword") and (not of_targets or stage.selects == "targets")


ALL_OF_IT = Selection()


class Job:
    """One run of one stage: its log, its temporary folder, and the programs that it starts."""

    def __init__(self, name: str, selection: Selection = ALL_OF_IT) -> None:
        self.selection = selection
        slug = re.sub(r"[^\w.]+", "-", name)
        self.log = LOGS / f"{slug}.log"
        self.log.write_text("")
        self.scratch = RUN / slug
        self.scratch.mkdir(parents=True, exist_ok=True)

    def run(self, *command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> int:
        """Run a program, write its output to the log, and return its exit status."""
        return proc.run(*command, log=self.log, cwd=cwd, env=variables() if env is None else env)


@dataclass(frozen=True)
class Stage:
    """A part of the tests that has its own line in the report."""

    name: str
    run: Callable[[Job], Result]
    # The folder that it tests, relative to the clone. If it does not exist, the report shows that instead of a result.
    folder: str = "."
    # The ansible-core that it tests, if it tests only one ("2.21").
    core: str = ""
    # Whether `make test` runs it. `make test ARGS=--all` runs every stage.
    quick: bool = False
    # The part of a Selection that it supports: "keyword", "targets" or neither.
    selects: str = ""
    # For pytest stages, the variables that the tests need.
    variables: Callable[[], Mapping[str, str]] | None = None

    def exists(self) -> bool:
        return (ROOT / self.folder).exists()
