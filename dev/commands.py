# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands: functions of the parsed arguments that return the exit status. `ALL` lists them with their options."""

from __future__ import annotations

import argparse
import fnmatch
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev import docs, envs, proc, pytests, release, runner, stages
from dev.envs import variables
from dev.paths import CACHE, DIST, LOGS, REQUIREMENTS, ROOT, RUN, VENVS
from dev.pytests import VENDOR, core_variables, variables_for
from dev.pythons import CORES, NEWEST, OLDEST
from dev.stage import Selection, Stage

# The oldest Python that each file of requirements is installed on, if it is not 3.10.
_LOCKED_FOR = {
    **{f"ansible-{core}": pythons[0] for core, pythons in CORES.items()},
    "contract": "3.11",
    "docs": "3.12",
    "galaxy": "3.12",
    "modules": "3.9",
    "nox": "3.12",
}
_CONTROLLER_NEEDED = ("CONTROLLER_HOST", "CONTROLLER_USERNAME", "CONTROLLER_PASSWORD")
_CONTROLLER_OPTIONAL = ("MSTR_TEST_PROJECT_URL", "MSTR_TEST_IMAGE", "MSTR_TEST_ADDRESS")


def check(args: argparse.Namespace) -> int:
    """Run the inner loop."""
    reports = runner.run(stages.INNER_LOOP, jobs=2, verbose=args.verbose)
    return runner.summary(reports)


def test(args: argparse.Namespace) -> int:
    """Run the tests on the newest ansible-core, or the stages that were asked for."""
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
        for stage in stages.ALL
        if (selection.complete or stage.quick) and wanted(stage, args.only, args.core) and selection.fits(stage)
    ]
    if args.list:
        runner.say(*(stage.name for stage in chosen))
        return 0
    if not chosen:
        return runner.fail("no stage matches; --list --all shows all stages")
    reports = runner.run(chosen, jobs=args.jobs, verbose=args.verbose, selection=selection)
    return runner.summary(reports)


def wanted(stage: Stage, pattern: str, core: str) -> bool:
    """Return whether --only and --core select the stage."""
    by_name = pattern in stage.name or fnmatch.fnmatch(stage.name, pattern)
    return by_name and core in ("", stage.core or core)


def test_ee(args: argparse.Namespace) -> int:
    """Build a real execution environment, and run jobs in it."""
    if not args.base_image:
        return runner.fail("no base image: run make test-ee BASE_IMAGE=…")
    if not shutil.which("podman"):
        runner.say("Did not run: podman is not installed on this machine.")
        return 0
    env_vars = {
        "MSTR_TEST_BASE_IMAGE": args.base_image,
        "MSTR_TEST_PACKAGE_MANAGER": args.package_manager,
        "MSTR_TEST_BUILD_OPTIONS": args.build_options,
    }
    return pytests.run_live("tests/live/test_image.py", env_vars)


def test_controller(args: argparse.Namespace) -> int:
    """Test the controller's objects on a real controller."""
    missing = [name for name in _CONTROLLER_NEEDED if not os.environ.get(name)]
    if missing:
        runner.say(f"Did not run: these tests need a real controller; set {', '.join(missing)}.")
        return 0
    optional = {name: os.environ.get(name, "") for name in _CONTROLLER_OPTIONAL}
    if not (optional["MSTR_TEST_PROJECT_URL"] and optional["MSTR_TEST_IMAGE"]):
        runner.say("No job will run: set MSTR_TEST_PROJECT_URL and MSTR_TEST_IMAGE to run jobs, see CONTRIBUTING.md.")
    own = {name: value for name, value in os.environ.items() if name.startswith("CONTROLLER_")}
    return pytests.run_live("tests/live/test_controller.py", {**own, **optional}, args.keyword)


def env(args: argparse.Namespace) -> int:
    """Print the variables that the tests of a stage need."""
    found = [stage for stage in stages.ALL if stage.name == args.stage and stage.variables]
    if not found or not found[0].variables:
        names = ", ".join(stage.name for stage in stages.ALL if stage.variables)
        return runner.fail(f"{args.stage!r} is not a stage of pytest tests; those are: {names}")
    of_stage = found[0].variables()
    # Not every program takes a path with a space in it.
    kept = CACHE / "env" / args.stage.replace(" ", "-")
    _keep(kept)
    for name, value in sorted(of_stage.items()):
        print(f"export {name}={shlex.quote(value.replace(str(RUN), str(kept)))}")
    return 0


def _keep(kept: Path) -> None:
    """Move the files of this run to a folder that outlives the run. Its collection is a link to the working tree."""
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for made in RUN.iterdir():
        shutil.move(made, kept / made.name)
    installed = kept / "collections" / "ansible_collections" / "mstr" / "library"
    if installed.exists():
        shutil.rmtree(installed)
        installed.symlink_to(ROOT)


def simulator(args: argparse.Namespace) -> int:
    """Run the stand-in server alone. Ctrl-C is its normal end."""
    env = envs.ensure("demo")
    options = ("--port", args.port, "--profile", args.profile, "--parent-pid", str(os.getpid()), *args.more)
    try:
        return _program(env.python, ROOT / "tests" / "simulator", *options, env=variables(env.bin))
    except KeyboardInterrupt:
        return 0


def bench(args: argparse.Namespace) -> int:
    """Measure what the modules cost."""
    env, vendor = envs.ensure("bench"), envs.ensure("contract", VENDOR)
    env_vars = core_variables(OLDEST, NEWEST)(env) | {"MSTR_TEST_CONTRACT_PYTHON": str(vendor.python)}
    return _program(env.python, ROOT / "tests" / "benchmark", *args.more, env=env_vars)


def faults(args: argparse.Namespace) -> int:
    """Compare how the modules and other clients handle faults. Only this command runs the other clients."""
    env = envs.ensure("contract", VENDOR)
    return _program(env.python, ROOT / "tests" / "faults" / "compare", *args.more, env=variables_for(env))


def soak(args: argparse.Namespace) -> int:
    """Run hundreds of tasks in a row."""
    env = envs.ensure("dev")
    return _program(env.python, ROOT / "tests" / "faults" / "soak.py", *args.more, env=variables_for(env))


def _program(*command: str | Path, env: Mapping[str, str]) -> int:
    """Run a program on the terminal, and return its exit status."""
    with proc.started(*command, env=env) as process:
        return process.wait()


def site(args: argparse.Namespace) -> int:
    """Build the documentation site."""
    del args
    folder, log = CACHE / "docs", LOGS / "docs.log"
    log.unlink(missing_ok=True)
    runner.say("Building the site (the first time takes a minute) …")
    if docs.build(folder, log) != 0:
        return runner.fail(f"the site could not be built, see {log.relative_to(ROOT)}")
    runner.say(f"Open {docs.html(folder).relative_to(ROOT)}")
    return 0


def generate(args: argparse.Namespace) -> int:
    """Write the documentation that follows from the field table and the descriptions of the options."""
    del args
    env = envs.ensure("dev")
    return subprocess.run([env.python, "dev/generate.py"], cwd=ROOT, env=variables(env.bin), check=False).returncode


def lock(args: argparse.Namespace) -> int:
    """Pin the packages of `dev/requirements/*.in` and their dependencies, for every Python that may install them."""
    uv = envs.ensure("lock").bin / "uv"
    log = LOGS / "lock.log"
    ours = {"UV_CACHE_DIR": str(CACHE / "uv"), "UV_CUSTOM_COMPILE_COMMAND": "make lock"}
    for name in args.names or sorted(path.stem for path in REQUIREMENTS.glob("*.in") if path.stem != "ansible"):
        oldest = _LOCKED_FOR.get(name, "3.10")
        options = ("--universal", "--upgrade", "--no-annotate", f"--python-version={oldest}")
        output = f"--output-file={REQUIREMENTS / f'{name}.txt'}"
        command = (uv, "pip", "compile", *options, output, REQUIREMENTS / f"{name}.in")
        if proc.run(*command, log=log, env={**envs.for_pip(), **ours}) != 0:
            return runner.fail(f"{name}.in could not be resolved, see {log}")
        runner.say(f"{name}.txt")
    return 0


def clean(args: argparse.Namespace) -> int:
    """Remove everything that this tool created."""
    del args
    for folder in (CACHE, DIST, VENVS):
        shutil.rmtree(folder, ignore_errors=True)
    runner.say("removed .cache, .venv and dist")
    return 0


@dataclass(frozen=True)
class Command:
    """A command of the tool. `options` are those of `add_argument`, by flag or name."""

    name: str
    run: Callable[[argparse.Namespace], int]
    help: str
    options: Mapping[str, Mapping[str, Any]]

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options of the command."""
        for names, settings in self.options.items():
            parser.add_argument(*names.split(), **settings)
        parser.set_defaults(run=self.run)


def _more(what: str) -> dict[str, Mapping[str, Any]]:
    return {"more": {"nargs": "*", "help": f"more options for the {what}, after --"}}


_VERBOSE: dict[str, Mapping[str, Any]] = {
    "-v --verbose": {"action": "store_true", "help": "show what each stage prints"},
}
_TEST: dict[str, Mapping[str, Any]] = {
    "--all": {"action": "store_true", "help": "run every stage (--only and --core select from them too)"},
    "--only": {
        "metavar": "PATTERN",
        "default": "",
        "help": "stages whose name contains this (or matches a * pattern)",
    },
    "--core": {"metavar": "X.Y", "default": "", "help": "for stages of one ansible-core, only this version"},
    "-k --keyword": {"metavar": "WORDS", "default": "", "help": "for pytest stages, only matching tests"},
    "--target": {
        "metavar": "NAME",
        "action": "append",
        "default": [],
        "help": "for integration stages, only this target (repeatable)",
    },
    "--profile-file": {
        "metavar": "FILE",
        "default": "",
        "help": "for integration stages, the server of the profile tests",
    },
    "--jobs": {"type": int, "default": 2, "help": "stages to run in parallel (default: %(default)s)"},
    "--list": {"action": "store_true", "help": "list the stages without running them"},
    **_VERBOSE,
}
ALL = (
    Command("demo", release.demo, "run a playbook against a stand-in server; needs no preparation", {}),
    Command("check", check, "check format, lint and types, and run the unit tests; takes seconds", _VERBOSE),
    Command("test", test, "run the tests on the newest ansible-core; with --all on every core and Python", _TEST),
    Command(
        "test-ee",
        test_ee,
        "build the execution environment with podman, and run the apply job in it",
        {
            "--base-image": {"default": "", "help": "the image to build on"},
            "--package-manager": {"default": "", "help": "its package manager (default: the definition's)"},
            "--build-options": {"default": "", "help": "more options of podman build"},
        },
    ),
    Command(
        "test-controller",
        test_controller,
        "create and remove the controller's objects on the controller in CONTROLLER_HOST",
        {"-k --keyword": {"metavar": "WORDS", "default": "", "help": "only matching tests"}},
    ),
    Command(
        "env",
        env,
        "print the variables that a stage's tests need, for eval in a shell",
        {"stage": {"help": 'the name of a pytest stage, such as "faults"'}},
    ),
    Command(
        "simulator",
        simulator,
        "run the stand-in server until Ctrl-C",
        {
            "--port": {"default": "8899", "help": "default: %(default)s"},
            "--profile": {"default": "samples", "help": "kind of server that it simulates (default: %(default)s)"},
            **_more("simulator"),
        },
    ),
    Command("bench", bench, "measure what the modules cost, compared in pairs", _more("benchmark")),
    Command(
        "faults",
        faults,
        "compare how the modules and other clients handle faults; writes the page of the docs",
        _more("comparison"),
    ),
    Command(
        "soak",
        soak,
        "run hundreds of tasks in a row; check the sessions, memory and sockets that they leave",
        _more("soak test"),
    ),
    Command("docs", site, "build the guides and the module documentation into a site", {}),
    Command("generate", generate, "write the documentation that follows from the field table and from the options", {}),
    Command(
        "lock",
        lock,
        "write newer pins into dev/requirements/*.txt",
        {"names": {"nargs": "*", "help": "files without .in (default: all)"}},
    ),
    Command(
        "changelog",
        release.changelog,
        "turn the changelog fragments into CHANGELOG.md, for the version in galaxy.yml",
        {"--date": {"default": "", "help": "date of the release, as YYYY-MM-DD (default: today)"}},
    ),
    Command(
        "release",
        release.release,
        "build the tarball for Galaxy, and test it in an empty environment",
        {"--only-build": {"action": "store_true", "help": "skip the demo and the examples"}},
    ),
    Command("clean", clean, "remove everything that this tool created", {}),
)
