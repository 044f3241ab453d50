"""The commands for work on this collection. `nox --list` shows them; options follow after `--`: nox -s test -- --all.

`make NAME ARGS=…` runs the same sessions, and creates the environment with nox. The sessions of antsibull-nox, which
antsibull-nox.toml describes, are here only if it is installed: the stage "lint nox" runs them.
"""

from __future__ import annotations

import functools
import logging
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent))

from dev import collection, envs, proc, pytests, runner, stages
from dev.paths import CACHE, DIST, REQUIREMENTS, ROOT, RUN, VENVS
from dev.release import build_release, run_demo

try:
    import antsibull_nox  # type: ignore[import-not-found]
except ImportError:
    # The last line is the count of tests: nox itself reports only problems.
    logging.getLogger("nox").setLevel(logging.WARNING)
else:
    antsibull_nox.load_antsibull_nox_toml()

nox.options.sessions = ["check"]


def command(body: Callable[[list[str]], int]) -> Callable[[nox.Session], None]:
    """Declare a session that calls `body` with the options, always cleans up, and ends with the returned status."""

    @nox.session(name=body.__name__.replace("_", "-"), venv_backend="none")
    @functools.wraps(body)
    def session(session: nox.Session) -> None:
        options = [option for option in session.posargs if option != "--"]
        status = runner.guarded(lambda: body(options))
        if status:
            sys.exit(status)

    return session


@command
def demo(arguments: list[str]) -> int:
    """Run a playbook against a simulated Library server. Needs no preparation."""
    del arguments
    return run_demo()


@command
def check(arguments: list[str]) -> int:
    """Check format, lint and types, and run the fast unit tests."""
    return stages.check(arguments)


@command
def test(arguments: list[str]) -> int:
    """Run the tests on the newest ansible-core; with --all on every core and Python (--help lists the options)."""
    return stages.test(arguments)


@command
def test_ee(arguments: list[str]) -> int:
    """Build an execution environment on the image in MSTR_TEST_BASE_IMAGE with podman, and run jobs in it."""
    return _live("test_image.py", ["MSTR_TEST_BASE_IMAGE"], arguments)


@command
def test_controller(arguments: list[str]) -> int:
    """Create and remove the objects of a controller on the one in CONTROLLER_HOST, see CONTRIBUTING.md."""
    return _live("test_controller.py", ["CONTROLLER_HOST", "CONTROLLER_USERNAME", "CONTROLLER_PASSWORD"], arguments)


@command
def test_load(arguments: list[str]) -> int:
    """Run thousands of runtimes, hundreds of hosts and two control nodes at once against a simulator: 15 minutes."""
    return _live("test_load.py", [], arguments)


def _live(file: str, needed: list[str], options: list[str]) -> int:
    """Run tests that `make test` leaves out, with the variables that they need. CONTRIBUTING.md describes them."""
    if missing := [name for name in needed if not os.environ.get(name)]:
        runner.say(f"Did not run: set {', '.join(missing)}, see CONTRIBUTING.md.")
        return 0
    env = envs.ensure("controller")
    own = {name: value for name, value in os.environ.items() if name.startswith(("CONTROLLER_", "MSTR_TEST_"))}
    tests = ("-m", "pytest", "-rs", ROOT / "tests" / "live" / file, f"--basetemp={RUN / 'tests'}")
    return proc.on_terminal(env.python, *tests, *options, env=own | pytests.controller_variables(env))


@command
def env(arguments: list[str]) -> int:
    """Print the variables that the tests of a stage need, for eval in a shell: nox -s env -- faults."""
    name = " ".join(arguments)
    of_pytest = {stage.name: stage.variables for stage in stages.ALL if stage.variables}
    if name not in of_pytest:
        return runner.fail(f"{name!r} is not a stage of pytest tests; those are: {', '.join(of_pytest)}")
    variables = of_pytest[name]()
    # Not every program takes a path with a space in it. These files outlive the run.
    kept = CACHE / "env" / name.replace(" ", "-")
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for made in RUN.iterdir():
        shutil.move(made, kept / made.name)
    installed = kept / "collections" / "ansible_collections" / "mstr" / "library"
    if installed.exists():
        shutil.rmtree(installed)
        installed.symlink_to(ROOT)
    for variable, value in sorted(variables.items()):
        print(f"export {variable}={shlex.quote(value.replace(str(RUN), str(kept)))}")
    return 0


@command
def simulator(arguments: list[str]) -> int:
    """Run the simulated Library server until Ctrl-C (--port, --profile, --help)."""
    runner.say("Starting the simulator (the first time, setting up takes a minute) …")
    env = envs.ensure("demo")
    options = ("--parent-pid", str(os.getpid()), *arguments)
    try:
        return proc.on_terminal(env.python, ROOT / "tests" / "simulator", *options, env=envs.variables(env.bin))
    except KeyboardInterrupt:  # its normal end
        return 0


@command
def bench(arguments: list[str]) -> int:
    """Measure what the modules cost, compared in pairs, and print the table of the guide."""
    env, vendor = envs.ensure("dev"), envs.ensure("contract")
    env_vars = pytests.variables_for(env) | {"MSTR_TEST_CONTRACT_PYTHON": str(vendor.python)}
    return proc.on_terminal(env.python, ROOT / "tests" / "benchmark.py", *arguments, env=env_vars)


@command
def generate(arguments: list[str]) -> int:
    """Write the documentation that follows from the field table and from the options."""
    env = envs.ensure("dev")
    return proc.on_terminal(env.python, ROOT / "dev" / "generate.py", *arguments, env=envs.variables(env.bin))


@command
def docs(arguments: list[str]) -> int:
    """Build the guides and the module documentation into a site."""
    del arguments
    with runner.timed("the site"):
        page = collection.build_site(CACHE / "docs", proc.new_log("docs"))
    runner.say(f"Open {page.relative_to(ROOT)}")
    return 0


@command
def lock(arguments: list[str]) -> int:
    """Write newer pins into dev/requirements.txt, for the packages that dev/envs.py lists."""
    del arguments
    wanted = []
    for name, packages in envs.PACKAGES.items():
        oldest = min(envs.PYTHONS[name], key=envs.KNOWN.index)
        wanted += [f'{package}; python_version >= "{oldest}"' for package in packages.split() if "==" not in package]
    for version in envs.KNOWN[1:]:
        core = max(core for core, pythons in envs.CORES.items() if version in pythons and core <= envs.NEWEST)
        wanted.append(f'ansible-core=={envs.RELEASES[core]}; python_version == "{version}"')
    # Older cores take no newer one. The second is withdrawn, so no resolver takes it unless it is named here.
    wanted += ["resolvelib<1.1", "will-not-work-on-windows-try-from-wsl-instead==0.1.0; python_version >= '3.12'"]
    source, overrides, log = RUN / "requirements.in", RUN / "overrides.in", proc.new_log("lock")
    source.write_text("\n".join(wanted))
    overrides.write_text("attrs")  # galaxy-importer alone gets the old one that it pins
    options = ["--universal", "--upgrade", "--no-annotate", "--python-version=3.9"]
    options += [f"--overrides={overrides}", f"--output-file={REQUIREMENTS}"]
    env_vars = {**envs.for_uv(), "UV_CUSTOM_COMPILE_COMMAND": "make lock"}
    if proc.run(envs.ensure(envs.BASE).bin / "uv", "pip", "compile", *options, source, log=log, env=env_vars) != 0:
        return runner.fail(f"the packages could not be resolved{runner.tail(log)}")
    return 0


@command
def changelog(arguments: list[str]) -> int:
    """Turn the fragments into CHANGELOG.md, for the version in galaxy.yml (--date=YYYY-MM-DD: not today)."""
    env, log = envs.ensure("lint"), proc.new_log("changelog")
    # In folders of the collection's name: elsewhere, the program copies the whole clone with all its environments.
    tree = collection.copy(RUN / "changelog" / "ansible_collections" / "mstr" / "library")
    options = ("release", "-v", "--update-existing", "--reload-plugins", *arguments)
    variables = envs.variables(env.bin, ANSIBLE_COLLECTIONS_PATH=RUN / "changelog")
    if proc.run(env.bin / "antsibull-changelog", *options, log=log, cwd=tree, env=variables) != 0:
        return runner.fail(f"the changelog could not be built{runner.tail(log)}")
    for name in ("CHANGELOG.md", "changelogs/changelog.yaml"):
        shutil.copy2(tree / name, ROOT / name)
    for fragment in (ROOT / "changelogs" / "fragments").glob("*.yml"):
        if not (tree / "changelogs" / "fragments" / fragment.name).exists():
            fragment.unlink()
    runner.say("CHANGELOG.md is up to date; read it before you commit it")
    return 0


@command
def release(arguments: list[str]) -> int:
    """Build the tarball for Galaxy, and test it in an empty environment (--only-build: do not run the examples)."""
    return build_release(only_build="--only-build" in arguments)


@command
def clean(arguments: list[str]) -> int:
    """Remove everything that these commands created."""
    del arguments
    for folder in (CACHE, DIST, VENVS):
        shutil.rmtree(folder, ignore_errors=True)
    runner.say("removed .cache, .venv and dist")
    return 0
