"""Stages of the tests: how they run side by side, how their tests are counted, and what the user reads of them."""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import signal
import sys
import time
import traceback
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from dev import envs, paths, proc
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
    except envs.NotHere as why:
        return fail(str(why))
    except proc.Failed as why:
        return fail(f"{why}{tail(why.log)}")
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
    seconds: float = field(default=0.0, compare=False)

    @classmethod
    def of(cls, status: int, log: Path) -> Result:
        """The result of a single check: what its log complains of, if the exit status says that it failed."""
        return cls(failures=tuple(complaints(log, status))) if status else cls(passed=1)

    @classmethod
    def of_junit(cls, files: Iterable[Path], status: int, log: Path) -> Result:
        """The counts in JUnit files. A program that fails (`status`) without a failed test counts as one failure."""
        passed, failures, skipped = 0, [], []
        for case in (case for file in files for case in ElementTree.parse(file).iter("testcase")):
            fault = next((fault for fault in case if fault.tag in ("failure", "error")), None)
            if fault is not None:
                failures.append(_one_line(f"{case.get('name')}: {fault.get('message') or fault.text or 'failed'}"))
            elif (skip := case.find("skipped")) is not None:
                skipped.append(f"{case.get('name')}: {skip.get('message') or 'skipped'}")
            else:
                passed += 1
        return cls(passed, tuple(failures) or cls.of(status, log).failures, tuple(skipped))


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


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of `make test`, and `complete`: whether tests marked so run, and targets in all profiles."""
    parser = argparse.ArgumentParser(prog="make test", usage='make test ARGS="[options]"')
    option = parser.add_argument
    option("--all", action="store_true", help="run every stage (--only and --core select from them too)")
    name = "stages whose name contains this, or matches a * pattern (repeatable)"
    option("--only", metavar="PATTERN", action="append", default=[], help=name)
    option("--core", metavar="X.Y", default="", help="for stages of one ansible-core, only this version")
    option("-k", "--keyword", metavar="WORDS", default="", help="for pytest stages, only matching tests")
    option("--target", metavar="NAME", action="append", default=[], help="only this integration target (repeatable)")
    option("--profile-file", metavar="FILE", default="", help="the server that the integration targets run against")
    option("--jobs", type=int, default=2, help="stages to run in parallel (default: %(default)s)")
    option("--list", action="store_true", help="list the stages without running them")
    option("-v", "--verbose", action="store_true", help="show what each stage prints")
    args = parser.parse_args(arguments)
    args.complete = bool(args.all or args.only or args.core or args.keyword or args.target or args.profile_file)
    return args


class Job:
    """One run of one stage: its options, its log, its temporary folder, and the programs that it starts."""

    def __init__(self, name: str, args: argparse.Namespace) -> None:
        self.args = args
        slug = re.sub(r"[^\w.]+", "-", name)
        self.log = LOGS / f"{slug}.log"
        self.log.write_text("")
        self.scratch = RUN / slug
        self.scratch.mkdir(parents=True, exist_ok=True)

    def run(self, *command: object, cwd: Path = ROOT, env: Mapping[str, str]) -> int:
        """Run a program, write its output to the log, and return its exit status."""
        return proc.run(*command, log=self.log, cwd=cwd, env=env)

    def check(self, *command: object, cwd: Path = ROOT, env: Mapping[str, str]) -> Result:
        """Run a program that is one test."""
        return Result.of(self.run(*command, cwd=cwd, env=env), self.log)


@dataclass(frozen=True)
class Stage:
    """A part of the tests that has its own line in the report."""

    name: str
    run: Callable[[Job], Result]
    core: str = ""  # the ansible-core that it tests, if it tests only one ("2.21")
    quick: bool = False  # whether `make test` runs it; `make test ARGS=--all` runs every stage
    variables: Callable[[], Mapping[str, str]] | None = None  # what the tests need, if they are of pytest


def say(*lines: str) -> None:
    # In one piece: stages end side by side.
    print("\n".join([*lines, ""]), end="", flush=True)


def fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


def summary(results: Mapping[Stage, Result]) -> int:
    """Print the table of all stages, what did not run, and the total; return the exit status."""
    say("", f"{'stage':<40} passed failed  seconds", *(_row(*each) for each in results.items()), "")
    if cores := dict.fromkeys(stage.core for stage, result in results.items() if stage.core and _ran(result)):
        say(f"ansible-core: {', '.join(envs.RELEASES[core] for core in cores)}")
    missing = [version for version in envs.KNOWN if not envs.find(version)]
    found = [version for version in envs.KNOWN if version not in missing]
    say(f"Python here: {', '.join(found)}" + (f"; not here: {', '.join(missing)}" if missing else ""))
    if not_run := [f"  {stage.name}: {reason}" for stage, result in results.items() for reason in result.not_run]:
        say("Did not run:", *dict.fromkeys(not_run))
    # Last, where everyone looks first.
    if failures := [f"  {stage.name}: {failure}" for stage, result in results.items() for failure in result.failures]:
        say("Failed:", *failures)
    passed = sum(result.passed for result in results.values())
    say("", f"tests: {passed} passed, {len(failures)} failed")
    return 1 if failures or not passed else 0


def _ran(result: Result) -> bool:
    return bool(result.passed or result.failures)


def _row(stage: Stage, result: Result) -> str:
    if _ran(result):
        passed, failed, mark = result.passed, len(result.failures), "FAILED" if result.failures else "ok"
        return f"{stage.name:<40} {passed:>6} {failed:>6} {result.seconds:>8.1f}  {mark}"
    return f"{stage.name:<40} {'-':>6} {'-':>6} {'':>8}  {'; '.join(result.not_run)}"


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


def run(stages: Sequence[Stage], args: argparse.Namespace) -> dict[Stage, Result]:
    """Run stages side by side, and say what came of each as soon as it ends."""
    with ThreadPoolExecutor(args.jobs) as pool:
        try:
            return dict(zip(stages, pool.map(_run, stages, [args] * len(stages)), strict=True))
        except BaseException:
            # The pool's threads wait for these programs, and leaving the pool waits for its threads.
            pool.shutdown(wait=False, cancel_futures=True)
            proc.stop_all()
            raise


def _run(stage: Stage, args: argparse.Namespace) -> Result:
    start, job = time.monotonic(), Job(stage.name, args)
    # What tells the time of a partial run from that of a whole one.
    part = " ".join(filter(None, (args.keyword, *args.target, args.profile_file))) or "quick" * (not args.complete)
    try:
        with timed(f"{stage.name} ({part})" if part else stage.name):
            result = stage.run(job)
    except envs.NotHere as why:
        result = Result(not_run=(str(why),))
    except proc.Failed as why:
        result, job.log = Result(failures=(str(why), *complaints(why.log, 1))), why.log
    except proc.Interrupted:
        raise
    except Exception as why:
        # A stage that raises an exception counts as failed; the other stages still run.
        with job.log.open("a") as file:
            traceback.print_exc(file=file)
        result = Result(failures=(f"{type(why).__name__}: {why}",))
    result = replace(result, seconds=time.monotonic() - start)
    output = tail(job.log, 0 if args.verbose else TAIL).replace("\n", "\n    | ")
    say(_row(stage, result), *[output] * bool(args.verbose or result.failures))
    return result
