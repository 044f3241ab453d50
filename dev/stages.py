"""All stages of the tests, and the choice of those that run. CONTRIBUTING.md describes how to add one."""

from __future__ import annotations

import argparse
import fnmatch
from collections.abc import Sequence
from pathlib import Path

from dev import ansible_test, collection, lint, pytests, runner
from dev.envs import CORES, NEWEST, OLDEST
from dev.runner import Selection, Stage

INNER_LOOP: tuple[Stage, ...] = (
    pytests.stage("unit", "tests/unit", workers=2, variables_of=pytests.no_variables),
    *lint.PYTHON,
)

# The longest first, so that no stage is still running alone at the end.
ALL: tuple[Stage, ...] = (
    pytests.stage("awx", "tests/plays/awx", env_name="controller", variables_of=pytests.controller_variables),
    *ansible_test.INTEGRATION,
    pytests.stage("environments", "tests/plays/environments"),
    pytests.stage("examples", "tests/plays/examples"),
    # Each block once as modules. The commands of all guides, and second runs, are the same tasks again.
    pytests.stage(
        "examples, as modules",
        "tests/plays/examples",
        marker="not complete",
        quick=False,
        variables_of=pytests.as_modules(),
    ),
    # Only the jobs: the other tests run no task of this collection.
    pytests.stage(
        "awx jobs, as modules",
        "tests/plays/awx/test_jobs.py",
        quick=False,
        env_name="controller",
        variables_of=pytests.as_modules(pytests.controller_variables),
    ),
    # Until core 2.19, the role has to keep the text of a controller's templates from being a template.
    pytests.stage(
        f"awx role {OLDEST}",
        "tests/plays/awx/test_controller.py",
        core=OLDEST,
        marker="every_core",
        quick=False,
        workers=1,
        env_name=f"ansible-{OLDEST}",
        variables_of=pytests.controller_variables,
    ),
    *ansible_test.SANITY,
    *pytests.of_cores("in process", "tests/plays/in_process", [core for core in CORES if core != NEWEST]),
    # How a run is ended depends on what the core does with signals: the oldest way and the next one.
    *pytests.of_cores("stopped plays", "tests/plays/stopped", [OLDEST, [*CORES][-1]]),
    *pytests.of_cores("faults", "tests/faults", [OLDEST, [*CORES][-1]]),
    # The tests that depend on the HTTP library, with the oldest version that the modules support.
    pytests.stage(
        "faults urllib3 1.26",
        "tests/faults/test_lost_responses.py",
        "tests/faults/test_tls.py",
        quick=False,
        env_name="urllib3-1.26",
    ),
    pytests.stage("simulator", "tests/simulator/tests"),
    pytests.stage("contract", "tests/contract", env_name="contract", workers=1),
    *ansible_test.UNITS,
    pytests.stage("probe", "tests/probe", quick=False),
    pytests.stage("browser", "tests/browser", env_name="browser", workers=1, variables_of=pytests.browser_variables),
    collection.SITE,
    pytests.stage("tool", "tests/tool", quick=False, workers=1, also="demo"),
    *INNER_LOOP,
    *lint.COLLECTION,
)


def check(arguments: Sequence[str]) -> int:
    """Run the inner loop."""
    parser = argparse.ArgumentParser(prog="make check")
    parser.add_argument("-v", "--verbose", action="store_true", help="show what each stage prints")
    args = parser.parse_args(arguments)
    selection = Selection(complete=False)
    return runner.summary(runner.run(INNER_LOOP, jobs=2, verbose=args.verbose, selection=selection))


def test(arguments: Sequence[str]) -> int:
    """Run the tests on the newest ansible-core, or the stages that were asked for."""
    args = _parser().parse_args(arguments)
    if args.profile_file and not Path(args.profile_file).is_file():
        return runner.fail(f"--profile-file: no file at {Path(args.profile_file).absolute()}")
    selection = Selection(
        args.keyword,
        tuple(args.target),
        complete=bool(args.all or args.only or args.core or args.keyword or args.target or args.profile_file),
        profile_file=args.profile_file and str(Path(args.profile_file).absolute()),
    )
    chosen = [
        stage
        for stage in ALL
        if (selection.complete or stage.quick) and wanted(stage, args.only, args.core) and selection.fits(stage)
    ]
    if args.list:
        runner.say(*(stage.name for stage in chosen))
        return 0
    if not chosen:
        return runner.fail("no stage matches; --list --all shows all stages")
    return runner.summary(runner.run(chosen, jobs=args.jobs, verbose=args.verbose, selection=selection))


def wanted(stage: Stage, patterns: Sequence[str], core: str) -> bool:
    """Whether --only (all stages, if it is not given) and --core select the stage."""
    by_name = any(pattern in stage.name or fnmatch.fnmatch(stage.name, pattern) for pattern in patterns)
    return (by_name or not patterns) and core in ("", stage.core or core)


def _parser() -> argparse.ArgumentParser:
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
    return parser
