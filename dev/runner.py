"""Stages of the tests: how they run side by side, how their tests are counted, and what the user reads of them."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import sys
import time
import traceback
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from dev import envs, paths, proc
from dev.envs import variables
from dev.paths import CACHE, LOGS, ROOT, RUN

TAIL = 40
_TIMES = CACHE / "times.json"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def guarded(body: Callable[[], int | None]) -> int:
    """The status of `body`. Cleans up after it in any case, and prints failures that need no traceback."""
    # Set SIGINT too: if this process inherited it as ignored, every program that it starts would ignore it as well.
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)
    proc.stopping.clear()
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        paths.open_run()
        return body() or 0
    except (envs.NotHere, envs.Failed) as why:
        return fail(f"{why}{tail(why.log) if isinstance(why, envs.Failed) else ''}")
    except (KeyboardInterrupt, proc.Interrupted):
        return fail("interrupted") and 130
    finally:
        # A second Ctrl-C must not interrupt the cleanup and leave programs running.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        proc.stop_all()
        paths.close_run()


@dataclass(frozen=True)
class Result:
    passed: int = 0
    failures: tuple[str, ...] = ()  # one line for each test that failed
    not_run: tuple[str, ...] = ()  # the reasons why single tests, or the whole stage, could not run here

    @property
    def failed(self) -> int:
        return len(self.failures)

    @classmethod
    def of(cls, status: int, log: Path) -> Result:
        """The result of a single check: what its log complains of, if the exit status says that it failed."""
        return cls(failures=tuple(complaints(log, status))) if status else cls(passed=1)

    @classmethod
    def of_junit(cls, files: Iterable[Path], status: int, log: Path, *, skips: bool = True) -> Result:
        """The counts in JUnit files, which pytest and ansible-test both write.

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
        return cls(passed, tuple(failures) or cls.of(status, log).failures, tuple(skipped) if skips else ())


# What linters, type checkers and Sphinx write of a file: its name, the line, and what is wrong there.
_COMPLAINT = re.compile(r"^[\s|*]*((?!/)[\w./-]+:\d+(?::\d+)?:? (?!note: ).+|\S+ is stale: .+)$", re.MULTILINE)
_MOST = 10  # of one program


def complaints(log: Path, status: int) -> list[str]:
    """What the end of a log says is wrong: the places that it names, or else its last line."""
    text = log.read_text(errors="replace").rpartition("\n$ ")[2]
    found = [_one_line(complaint) for complaint in dict.fromkeys(_COMPLAINT.findall(text))]
    if len(found) > _MOST:
        found = [*found[:_MOST], f"… and {len(found) - _MOST} more, see {log.relative_to(ROOT)}"]
    last = _one_line(text.strip().rpartition("\n")[2])
    return found or [f"exit status {status}: {last}"]


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

    @property
    def suffix(self) -> str:
        """What tells the time of a partial run from that of a whole one."""
        part = " ".join(filter(None, (self.keyword, *self.targets, self.profile_file)))
        return f" ({part})" if part else "" if self.complete else " (quick)"

    def fits(self, stage: Stage) -> bool:
        """Whether the stage can run only the selected part. A stage that cannot is skipped."""
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

    def check(self, *command: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> Result:
        """Run a program that is one test."""
        return Result.of(self.run(*command, cwd=cwd, env=env), self.log)


@dataclass(frozen=True)
class Stage:
    """A part of the tests that has its own line in the report."""

    name: str
    run: Callable[[Job], Result]
    core: str = ""  # the ansible-core that it tests, if it tests only one ("2.21")
    quick: bool = False  # whether `make test` runs it; `make test ARGS=--all` runs every stage
    selects: str = ""  # the part of a Selection that it supports: "keyword", "targets" or neither
    variables: Callable[[], Mapping[str, str]] | None = None  # for pytest stages: what the tests need


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
    passed, failed = sum(report.result.passed for report in reports), len(failures)
    say("", f"tests: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


def _about_place(reports: Sequence[Report]) -> Iterator[str]:
    cores = dict.fromkeys(report.stage.core for report in reports if report.stage.core and report.ran)
    if cores:
        yield f"ansible-core: {', '.join(envs.RELEASES[core] for core in cores)}"
    found = envs.found()
    missing = [version for version in envs.KNOWN if version not in found]
    yield f"Python here: {', '.join(found)}" + (f"; not here: {', '.join(missing)}" if missing else "")


def _row(report: Report) -> str:
    result = report.result
    if report.ran:
        mark = "FAILED" if result.failed else "ok"
        return f"{report.stage.name:<40} {result.passed:>6} {result.failed:>6} {report.seconds:>8.1f}  {mark}"
    return f"{report.stage.name:<40} {'-':>6} {'-':>6} {'':>8}  {'; '.join(result.not_run)}"


def tail(log: Path, length: int = TAIL) -> str:
    """The name of a log and its last lines, or all if `length` is 0."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return "\n".join(["", f"{log.relative_to(ROOT)}:", *lines[-length:]])


@contextlib.contextmanager
def timed(name: str) -> Iterator[None]:
    """Say that something begins, and how long it took last time."""
    times = _times()
    last = f" ({times[name]:.0f} s last time)" if name in times else ""
    say(f"{name} …{last}")
    began = time.monotonic()
    yield
    with envs.locked(CACHE / "times.lock"):
        fresh = _TIMES.with_suffix(".new")
        fresh.write_text(json.dumps(_times() | {name: round(time.monotonic() - began, 1)}))
        fresh.replace(_TIMES)  # others may be reading it


def _times() -> dict[str, float]:
    times: dict[str, float] = json.loads(_TIMES.read_text()) if _TIMES.exists() else {}
    return times


def run(stages: Sequence[Stage], *, jobs: int, verbose: bool = False, selection: Selection = ALL_OF_IT) -> list[Report]:
    """The reports in the order of `stages`."""
    reports: dict[str, Report] = {}
    with ThreadPoolExecutor(jobs) as pool:
        futures: list[Future[Report]] = [pool.submit(_run, stage, selection) for stage in stages]
        try:
            for future in as_completed(futures):
                done = future.result()
                say(_row(done))
                if done.log and (verbose or done.result.failed):
                    say(tail(done.log, 0 if verbose else TAIL).replace("\n", "\n    | "))
                reports[done.stage.name] = done
        except BaseException:
            # The pool's threads wait for these programs, and leaving the pool waits for its threads.
            pool.shutdown(wait=False, cancel_futures=True)
            proc.stop_all()
            raise
    return [reports[stage.name] for stage in stages]


def _run(stage: Stage, selection: Selection) -> Report:
    start = time.monotonic()
    job = Job(stage.name, selection)
    log = job.log
    try:
        with timed(f"{stage.name}{selection.suffix}"):
            result = stage.run(job)
    except envs.NotHere as why:
        result = Result(not_run=(str(why),))
    except envs.Failed as why:
        result, log = Result(failures=(str(why), *complaints(why.log, 1))), why.log
    except proc.Interrupted:
        raise
    except Exception as why:
        # A stage that raises an exception counts as failed; the other stages still run.
        with log.open("a") as file:
            traceback.print_exc(file=file)
        result = Result(failures=(f"{type(why).__name__}: {why}",))
    return Report(stage, result, time.monotonic() - start, log)
