"""All stages of the tests, and the choice of those that run. CONTRIBUTING.md describes how to add one."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from pathlib import Path

from dev import ansible_test, collection, lint, pytests, runner
from dev.envs import CORES, NEWEST, OLDEST
from dev.pytests import CONTROLLER
from dev.runner import Stage

INNER_LOOP: tuple[Stage, ...] = (pytests.stage("unit", "tests/unit", workers=2, special=None), *lint.PYTHON)

# The longest first, so that no stage is still running alone at the end.
ALL: tuple[Stage, ...] = (
    pytests.stage("awx", "tests/plays/awx", env_name="controller", special=CONTROLLER),
    *ansible_test.INTEGRATION,
    pytests.stage("environments", "tests/plays/environments"),
    pytests.stage("examples", "tests/plays/examples"),
    # Each block once as modules. The commands of all guides are the same tasks again.
    pytests.stage(
        "examples, as modules", "tests/plays/examples", marker="not complete", quick=False, special=["MSTR_TEST_WAY"]
    ),
    # Only the jobs: the other tests run no task of this collection.
    pytests.stage(
        "awx jobs, as modules",
        "tests/plays/awx/test_jobs.py",
        quick=False,
        env_name="controller",
        special=[*CONTROLLER, "MSTR_TEST_WAY"],
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
        special=CONTROLLER,
    ),
    *ansible_test.SANITY,
    *pytests.of_cores("in process", "tests/plays/in_process", [core for core in CORES if core != NEWEST]),
    # How a run is ended depends on what the core does with signals: the oldest way and the next one.
    *pytests.of_cores("stopped plays", "tests/plays/stopped", [OLDEST, [*CORES][-1]]),
    *pytests.of_cores("faults", "tests/faults", [OLDEST, [*CORES][-1]]),
    # The tests that depend on the HTTP library, with the oldest version that the modules support; and its limits.
    pytests.stage(
        "faults urllib3 1.26",
        *(f"tests/faults/test_{name}.py" for name in ("hostile", "lost_responses", "tls")),
        quick=False,
        env_name="urllib3-1.26",
    ),
    *(
        pytests.stage(
            f"faults urllib3 {release}", "tests/faults/test_hostile.py", quick=False, env_name=f"urllib3-{release}"
        )
        for release in ("2.0", "2.3")
    ),
    pytests.stage("simulator", "tests/simulator/tests"),
    pytests.stage("contract", "tests/contract", env_name="contract", workers=1),
    *ansible_test.UNITS,
    pytests.stage("probe", "tests/probe", quick=False),
    pytests.stage(
        "browser", "tests/browser", env_name="browser", workers=1, special=["MSTR_TEST_CHROMIUM", "MSTR_TEST_SITE"]
    ),
    collection.SITE,
    pytests.stage("tool", "tests/tool", quick=False, workers=1, special=["MSTR_TEST_DEMO"]),
    *INNER_LOOP,
    *lint.COLLECTION,
)


def check(options: list[str]) -> int:
    """Check format, lint and types, and run the fast unit tests."""
    return _run(options, INNER_LOOP)


def test(options: list[str]) -> int:
    """Run the tests on the newest ansible-core; with --all on every core and Python (--help lists the options)."""
    return _run(options, ALL)


def _run(options: list[str], stages: Sequence[Stage]) -> int:
    args = runner.options(options)
    if args.profile_file:
        args.profile_file = str(Path(args.profile_file).absolute())
        if not Path(args.profile_file).is_file():
            return runner.fail(f"--profile-file: no file at {args.profile_file}")
    chosen = [
        stage
        for stage in stages
        if (args.complete or stage.quick)
        and wanted(stage, args.only, args.core)
        # A stage that cannot run only the selected part is skipped.
        and (not args.keyword or stage.variables)
        and (not (args.target or args.profile_file) or stage in ansible_test.INTEGRATION)
    ]
    if args.list:
        runner.say(*(stage.name for stage in chosen))
        return 0
    if not chosen:
        return runner.fail("no stage matches; --list --all shows all stages")
    return runner.summary(runner.run(chosen, args))


def wanted(stage: Stage, patterns: Sequence[str], core: str) -> bool:
    """Whether --only (all stages, if it is not given) and --core select the stage."""
    by_name = any(pattern in stage.name or fnmatch.fnmatch(stage.name, pattern) for pattern in patterns)
    return (by_name or not patterns) and core in ("", stage.core or core)
