"""The commands for work on this collection. `nox --list` shows them; options follow after `--`: nox -s test -- --all.

`make NAME ARGS=…` runs the same sessions, and creates the environment with nox.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parent / "tests"))  # for the simulator

from dev import collection, envs, proc, pytests, release, runner, stages
from dev.paths import CACHE, DIST, HASHED, LIBRARY, REQUIREMENTS, ROOT, RUN, VENVS

# Its sessions, which antsibull-nox.toml describes, are here only if it is installed, as it is for the stage "lint nox".
try:
    import antsibull_nox  # type: ignore[import-not-found]
except ImportError:
    # The last line is the count of tests: nox itself reports only problems.
    logging.getLogger("nox").setLevel(logging.WARNING)
else:
    antsibull_nox.load_antsibull_nox_toml()

nox.options.sessions = ["check"]


def command(body: Callable[[list[str]], int]) -> None:
    """Declare a session that calls `body` with the options, always cleans up, and ends with the returned status."""

    @nox.session(name=body.__name__.replace("_", "-"), venv_backend="none")
    @functools.wraps(body)
    def session(session: nox.Session) -> None:
        if status := runner.guarded(lambda: body([option for option in session.posargs if option != "--"])):
            sys.exit(status)


for imported in (release.demo, stages.check, stages.test):
    command(imported)


@command
def test_ee(options: list[str]) -> int:
    """Build an execution environment on the image in MSTR_TEST_BASE_IMAGE with podman, and run jobs in it."""
    return _live("test_image.py", ["MSTR_TEST_BASE_IMAGE"], options)


@command
def test_controller(options: list[str]) -> int:
    """Create and remove the objects of a controller on the one in CONTROLLER_HOST, see CONTRIBUTING.md."""
    return _live("test_controller.py", ["CONTROLLER_HOST", "CONTROLLER_USERNAME", "CONTROLLER_PASSWORD"], options)


@command
def test_load(options: list[str]) -> int:
    """Run thousands of runtimes, hundreds of hosts and two control nodes at once against a simulator: 15 minutes."""
    return _live("test_load.py", [], options)


def _live(file: str, needed: list[str], options: list[str]) -> int:
    """Run tests that `make test` leaves out, with the variables that they need. CONTRIBUTING.md describes them."""
    if missing := [name for name in needed if not os.environ.get(name)]:
        runner.say(f"Did not run: set {', '.join(missing)}, see CONTRIBUTING.md.")
        return 0
    env = envs.ensure("controller")
    own = {name: value for name, value in os.environ.items() if name.startswith(("CONTROLLER_", "MSTR_TEST_"))}
    tests = ("-m", "pytest", "-rs", ROOT / "tests" / "live" / file, f"--basetemp={RUN / 'tests'}")
    return proc.run(env / "python", *tests, *options, env=own | pytests.variables_for(env, pytests.CONTROLLER))


@command
def env(options: list[str]) -> int:
    """Print the variables that the tests of a stage need, for eval in a shell: nox -s env -- faults."""
    name = " ".join(options)
    of_pytest = {stage.name: stage.variables for stage in stages.ALL if stage.variables}
    if name not in of_pytest:
        return runner.fail(f"{name!r} is not a stage of pytest tests; those are: {', '.join(of_pytest)}")
    variables = of_pytest[name]()
    # Not every program takes a path with a space in it. These files outlive the run.
    kept = CACHE / "env" / name.replace(" ", "-")
    shutil.rmtree(kept, ignore_errors=True)
    kept.parent.mkdir(exist_ok=True)
    RUN.rename(kept)
    installed = kept / "collections" / LIBRARY
    if installed.exists():
        shutil.rmtree(installed)
        installed.symlink_to(ROOT)
    for variable, value in sorted(variables.items()):
        print(f"export {variable}={shlex.quote(value.replace(str(RUN), str(kept)))}")
    return 0


@command
def simulator(options: list[str]) -> int:
    """Run the simulated Library server until Ctrl-C (--port, --profile, --help)."""
    runner.say("Starting the simulator (the first time, setting up takes a minute) …")
    env, program = envs.ensure("demo"), ROOT / "tests" / "simulator"
    try:
        return proc.run(env / "python", program, f"--parent-pid={os.getpid()}", *options, env=envs.variables(env))
    except KeyboardInterrupt:  # its normal end
        return 0


@command
def bench(options: list[str]) -> int:
    """Measure what the modules cost, compared in pairs, and print the table of the guide."""
    env, vendor = envs.ensure("dev"), envs.ensure("contract")
    env_vars = pytests.variables_for(env) | {"MSTR_TEST_CONTRACT_PYTHON": str(vendor / "python")}
    return proc.run(env / "python", ROOT / "tests" / "benchmark.py", *options, env=env_vars)


@command
def generate(options: list[str]) -> int:
    """Write the documentation that follows from that of the options: the role's variables, schemas, a table."""
    env = envs.ensure("dev")
    return proc.run(env / "python", "-m", "dev.generate", *options, env=envs.variables(env))


@command
def docs(_options: list[str]) -> int:
    """Build the guides and the module documentation into a site."""
    with runner.timed("the site"):
        page = collection.build_site(CACHE / "docs", proc.new_log("docs"))
    runner.say(f"Open {page.relative_to(ROOT)}")
    return 0


@command
def lock(_options: list[str]) -> int:
    """Write newer pins of the packages that dev/envs.py lists, and their hashes for the release, into dev/*.txt."""
    wanted = []
    for name, packages in envs.PACKAGES.items():
        oldest = min(envs.PYTHONS[name], key=envs.KNOWN.index)
        wanted += [f'{package}; python_version >= "{oldest}"' for package in packages.split() if "==" not in package]
    for version in envs.KNOWN[1:]:
        core = max(core for core, pythons in envs.CORES.items() if version in pythons and core <= envs.NEWEST)
        wanted.append(f'ansible-core=={envs.RELEASES[core]}; python_version == "{version}"')
    # Older cores take no newer one. The second is withdrawn, so no resolver takes it unless it is named here.
    wanted += ["resolvelib<1.1", "will-not-work-on-windows-try-from-wsl-instead==0.1.0; python_version >= '3.12'"]
    source, overrides = RUN / "requirements.in", RUN / "overrides.in"
    source.write_text("\n".join(wanted))
    overrides.write_text("attrs")  # galaxy-importer alone gets the old one that it pins
    command = [envs.ensure(envs.BASE) / "uv", "pip", "compile", "--universal", "--upgrade", "--no-annotate"]
    command += ["--python-version=3.9", f"--overrides={overrides}", f"--output-file={REQUIREMENTS}", source]
    env_vars = {**envs.for_uv(), "UV_CUSTOM_COMPILE_COMMAND": "make lock"}
    proc.need(*command, log=proc.new_log("lock"), failure="the packages could not be resolved", env=env_vars)
    _lock_release()
    return 0


def _lock_release() -> None:
    """Write the packages of each environment of a release with hashes."""
    sections = ["# This file was autogenerated by uv via the following command:\n#    make lock\n"]
    for name in envs.RELEASED:
        source, constraints, made = (RUN / f"{name}.{kind}" for kind in ("in", "constraints", "out"))
        source.write_text("\n".join(envs.PACKAGES[name].split()))
        constraints.write_text("\n".join(envs.pins_for(name)))
        command = [envs.ensure(envs.BASE) / "uv", "pip", "compile", "--universal", "--no-annotate", "--no-header"]
        command += ["--python-version=3.12", "--generate-hashes", f"--constraint={constraints}"]
        log, failure = proc.new_log(f"lock-{name}"), f"the packages of {name} could not be resolved"
        proc.need(*command, f"--output-file={made}", source, log=log, failure=failure, env=envs.for_uv())
        packages = re.sub(r" *\\\n *", " ", made.read_text())  # one a line
        sections.append(f"# {name}\n{packages}")
    HASHED.write_text("".join(sections))


@command
def changelog(options: list[str]) -> int:
    """Turn the fragments into CHANGELOG.md, for the version in galaxy.yml (--date=YYYY-MM-DD: not today)."""
    env = envs.ensure("lint")
    # In folders of the collection's name: elsewhere, the program copies the whole clone with all its environments.
    tree = collection.copy(RUN / "changelog" / LIBRARY)
    command = (env / "antsibull-changelog", "release", "-v", "--update-existing", "--reload-plugins", *options)
    variables = envs.variables(env, ANSIBLE_COLLECTIONS_PATH=RUN / "changelog")
    failure = "the changelog could not be built"
    proc.need(*command, log=proc.new_log("changelog"), failure=failure, cwd=tree, env=variables)
    for name in ("CHANGELOG.md", "changelogs/changelog.yaml"):
        shutil.copy2(tree / name, ROOT / name)
    for fragment in (ROOT / "changelogs" / "fragments").glob("*.yml"):
        if not (tree / "changelogs" / "fragments" / fragment.name).exists():
            fragment.unlink()
    runner.say("CHANGELOG.md is up to date; read it before you commit it")
    return 0


command(release.release)


@command
def clean(_options: list[str]) -> int:
    """Remove everything that these commands created."""
    for folder in (CACHE, DIST, VENVS):
        shutil.rmtree(folder, ignore_errors=True)
    runner.say("removed .cache, .venv and dist")
    return 0
