# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs stages, some in parallel, and prints what the user reads on the terminal."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from dev import envs, proc, pythons
from dev.paths import ROOT
from dev.stage import ALL_OF_IT, Job, Result, Selection, Stage

TAIL = 40


@dataclass(frozen=True)
class Report:
    """The outcome of one stage."""

    stage: Stage
    result: Result
    seconds: float
    log: Path | None = None

    @property
    def ran(self) -> bool:
        return bool(self.result.passed or self.result.failed)


def say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


def stage_ended(report: Report, *, verbose: bool) -> None:
    """Print one line. Print the output of the stage too if it failed or the user wants it."""
    say(_row(report))
    if report.log and (verbose or report.result.failed):
        lines = report.log.read_text(errors="replace").strip().splitlines()
        shown = lines if verbose else lines[-TAIL:]
        say(f"    {report.log.relative_to(ROOT)}:", *(f"    | {line}" for line in shown))


def summary(reports: Sequence[Report]) -> int:
    """Print the table of all stages, what did not run, and the total; return the exit status."""
    say("", f"{'stage':<40} passed failed  seconds", *map(_row, reports), "")
    say(*_about_place(reports))
    not_run = [f"  {report.stage.name}: {reason}" for report in reports for reason in report.result.not_run]
    if not_run:
        say("Did not run:", *dict.fromkeys(not_run))
    # Last, where everyone looks first.
    failures = [f"  {report.stage.name}: {failure}" for report in reports for failure in report.result.failures]
    if failures:
        say("Failed:", *failures)
    passed = sum(report.result.passed for report in reports)
    failed = sum(report.result.failed for report in reports)
    say("", f"tests: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


def _about_place(reports: Sequence[Report]) -> Iterator[str]:
    cores = dict.fromkeys(report.stage.core for report in reports if report.stage.core and report.ran)
    if cores:
        yield f"ansible-core: {', '.join(map(pythons.release, cores))}"
    missing = [version for version in pythons.KNOWN if version not in pythons.found()]
    yield f"Python here: {', '.join(pythons.found())}" + (f"; not here: {', '.join(missing)}" if missing else "")


def _row(report: Report) -> str:
    result = report.result
    if report.ran:
        mark = "FAILED" if result.failed else "ok"
        return f"{report.stage.name:<40} {result.passed:>6} {result.failed:>6} {report.seconds:>8.1f}  {mark}"
    return f"{report.stage.name:<40} {'-':>6} {'-':>6} {'':>8}  {'; '.join(result.not_run)}"


def tail(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return "\n".join(["", f"{log.relative_to(ROOT)}:", *lines[-TAIL:]])


def run(stages: Sequence[Stage], *, jobs: int, verbose: bool = False, selection: Selection = ALL_OF_IT) -> list[Report]:
    """Return the reports in the order of `stages`."""
    reports: dict[str, Report] = {}
    with ThreadPoolExecutor(jobs) as pool:
        futures: list[Future[Report]] = [pool.submit(_run, stage, selection) for stage in stages]
        try:
            for future in as_completed(futures):
                done = future.result()
                stage_ended(done, verbose=verbose)
                reports[done.stage.name] = done
        except BaseException:
            # The pool's threads wait for these programs, and leaving the pool waits for its threads.
            pool.shutdown(wait=False, cancel_futures=True)
            proc.stop_all()
            raise
    return [reports[stage.name] for stage in stages]


def _run(stage: Stage, selection: Selection) -> Report:
    if not stage.exists():
        return Report(stage, Result(not_run=(f"{stage.folder} does not exist",)), 0.0)
    start = time.monotonic()
    job = Job(stage.name, selection)
    log = job.log
    try:
        result = stage.run(job)
    except envs.NoPython as why:
        result = Result(not_run=(str(why),))
    except envs.Failed as why:
        result, log = Result(failures=(str(why),)), why.log
    except proc.Interrupted:
        raise
    except Exception as why:
        # A stage that raises an exception counts as failed; the other stages still run.
        with log.open("a") as file:
            traceback.print_exc(file=file)
        result = Result(failures=(f"{type(why).__name__}: {why}",))
    return Report(stage, result, time.monotonic() - start, log)
