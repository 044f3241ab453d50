# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs stages, some in parallel, and reports each when it ends."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

from dev import envs, proc, report
from dev.report import Report
from dev.stage import ALL_OF_IT, Job, Result, Selection, Stage


def run(stages: Sequence[Stage], *, jobs: int, verbose: bool = False, selection: Selection = ALL_OF_IT) -> list[Report]:
    """Return the reports in the order of `stages`. Stages that need the whole machine run last, one by one."""
    reports: dict[str, Report] = {}
    for group, workers in ((_together(stages), jobs), (_alone(stages), 1)):
        with ThreadPoolExecutor(workers) as pool:
            futures: list[Future[Report]] = [pool.submit(_run, stage, selection) for stage in group]
            try:
                for future in as_completed(futures):
                    done = future.result()
                    report.stage_ended(done, verbose=verbose)
                    reports[done.stage.name] = done
            except BaseException:
                # The pool's threads wait for these programs, and leaving the pool waits for its threads.
                pool.shutdown(wait=False, cancel_futures=True)
                proc.stop_all()
                raise
    return [reports[stage.name] for stage in stages]


def _together(stages: Sequence[Stage]) -> list[Stage]:
    return [stage for stage in stages if not stage.alone]


def _alone(stages: Sequence[Stage]) -> list[Stage]:
    return [stage for stage in stages if stage.alone]


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
        result, log = Result(failed=1), why.log
    except proc.Interrupted:
        raise
    except Exception:
        # A stage that raises an exception counts as failed; the other stages still run.
        with log.open("a") as file:
            traceback.print_exc(file=file)
        result = Result(failed=1)
    return Report(stage, result, time.monotonic() - start, log)
