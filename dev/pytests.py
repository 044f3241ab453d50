"""The stages of pytest tests, and the environment variables that show them where everything is."""

from __future__ import annotations

import functools
import shutil
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from dev import collection, envs
from dev.envs import NEWEST, ensure, pythons_of, variables
from dev.paths import CACHE, LOGS
from dev.runner import Job, Result, Stage

# The last series of releases that contains it, in version 24.6.1.
_AWX_PACKAGE = "ansible==13.8.0"
_NO_TESTS = 5  # pytest's exit status if it selected no test


def _awx_collections() -> Path:
    """The folder for ANSIBLE_COLLECTIONS_PATH that contains only `awx.awx`, which is fetched once per clone.

    The wheel of the package `ansible` contains it, with 10,000 files that are not needed.
    """
    folder, wheels = CACHE / _AWX_PACKAGE.replace("==", "-"), CACHE / "awx-wheel"
    with envs.locked(CACHE / "awx.lock"):
        if folder.exists():
            return folder
        shutil.rmtree(wheels, ignore_errors=True)
        # This Python may be older than the package requires: it only downloads the package and does not run it.
        envs.download(_AWX_PACKAGE, wheels, LOGS / "awx-collection.log", "--only-binary=:all:", "--python-version=3.12")
        # Under a temporary name, so that an interrupted run never leaves an incomplete folder under the final name.
        [wheel] = wheels.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(wheels, [name for name in archive.namelist() if "/awx/awx/" in name])
        wheel.unlink()
        wheels.rename(folder)
    return folder


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if browser := shutil.which(name):
            return browser
    raise envs.NotHere("no Chromium on this machine")


# Variables that only some tests need, each with what makes its value.
_SPECIAL: dict[str, Callable[[], Path | str]] = {
    "MSTR_TEST_AWX_COLLECTIONS": _awx_collections,  # the folder with the collection awx.awx
    "MSTR_TEST_CHROMIUM": _chromium,  # the browser
    "MSTR_TEST_DEMO": lambda: ensure("demo"),  # the environment of the demo
    "MSTR_TEST_RUNNER_PYTHON": lambda: ensure("controller") / "python",  # ansible-runner's
    "MSTR_TEST_SITE": lambda: collection.site().parent,  # the documentation
    "MSTR_TEST_TARBALL": lambda: collection.tarball(ensure("dev")),  # the collection as it is published
    "MSTR_TEST_WAY": lambda: "module",  # all tasks run as modules; otherwise in process where possible
}
CONTROLLER = ("MSTR_TEST_AWX_COLLECTIONS", "MSTR_TEST_TARBALL")


def variables_for(env: Path, special: Iterable[str] = (), core: str = "") -> dict[str, str]:
    """Variables for programs of `env` that start simulators and run the installed collection: the `special` ones, and

    MSTR_SIMULATOR_PYTHON: the interpreter for simulators, as `simulator.harness` expects it.
    MSTR_TEST_ANSIBLE_BIN: the folder of an ansible-playbook whose Python has what the modules need.
    MSTR_TEST_COLLECTIONS: the folder with the collection, installed from its tarball.
    MSTR_TEST_CORES: the folder with the ansible-playbook of `core`, or nothing.
    MSTR_TEST_PYTHON39: an interpreter of the oldest Python that modules run on, or empty.
    """
    dev = ensure("dev")
    # If this machine has no Python for the core, its integration stage reports it.
    python = pythons_of(core)[-1] if core else ""
    return variables(
        env,
        MSTR_SIMULATOR_PYTHON=dev / "python",
        MSTR_TEST_ANSIBLE_BIN=dev,
        MSTR_TEST_COLLECTIONS=collection.installed(dev),
        MSTR_TEST_CORES=ensure(f"ansible-{core}", python) if python and envs.find(python) else "",
        MSTR_TEST_PYTHON39=ensure("modules", "3.9") / "python" if envs.find("3.9") else "",
        **{name: _SPECIAL[name]() for name in special},
    )


def stage(
    name: str,
    *tests: str,
    env_name: str = "dev",
    core: str = "",
    marker: str = "",
    quick: bool = True,
    workers: int = 3,
    special: Sequence[str] | None = (),
) -> Stage:
    """A stage that runs `tests`, which are folders or files.

    `special`: see `variables_for`. If it is None, they need only the code under test.
    `workers` tests run at a time, because most of them wait for a program.
    `core`: the only ansible-core that they use. `marker`: only tests with it.
    `quick`: whether `make test` runs the stage without --all.
    """

    def get_variables() -> dict[str, str]:
        env = ensure(env_name)
        return variables(env) if special is None else variables_for(env, special, core)

    def run(job: Job) -> Result:
        results, keyword = job.scratch / "junit.xml", job.args.keyword
        markers = [marker] * bool(marker) + ["not complete"] * (not job.args.complete)
        options = ["-m", " and ".join(markers), "-k", keyword]
        options += [f"--junit-xml={results}", f"--basetemp={job.scratch / 'tmp'}"]
        if workers > 1:
            options += [f"--numprocesses={workers}", "--dist=worksteal"]
        status = job.run(ensure(env_name) / "python", "-m", "pytest", *tests, *options, env=get_variables())
        if keyword and status == _NO_TESTS:
            return Result(not_run=(f"no test matches -k {keyword!r}",))
        return Result.of_junit([results] if results.exists() else [], status, job.log)

    return Stage(name, run, core, quick, get_variables)


def of_cores(name: str, folder: str, others: Iterable[str]) -> tuple[Stage, ...]:
    """The stage of a folder on the newest ansible-core, and one of its tests on each core for `others`."""
    on = functools.partial(stage, special=("MSTR_TEST_RUNNER_PYTHON",))
    every_core = functools.partial(on, marker="every_core", quick=False)
    return (on(name, folder, core=NEWEST), *(every_core(f"{name} {core}", folder, core=core) for core in others))
