"""The commands for work on this collection, and the environments in which they and the tests run.

`make NAME ARGS=…` is `nox --session NAME -- …`. dev/requirements.txt has the version of every package.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import antsibull_nox
import nox

sys.path.insert(0, str(Path(__file__).parent))

from dev import collection, envs
from dev.paths import CACHE, ROOT, run_folder

antsibull_nox.load_antsibull_nox_toml()
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.envdir = ".venv"
nox.options.error_on_missing_interpreters = True
nox.options.reuse_venv = "yes"
nox.options.tags = ["command"]
# The last line is the program's.
logging.getLogger("nox").setLevel(logging.WARNING)
CACHE.mkdir(exist_ok=True)
os.environ["PATH"] = os.pathsep.join(envs.search_path())
# For the sessions of antsibull-nox. uv takes a space for the end of a path, and nox runs in this folder.
os.environ["UV_CONSTRAINT"] = str(envs.PINS.relative_to(ROOT))
for variable, value in envs.for_uv().items():
    os.environ.setdefault(variable, value)
os.environ.setdefault("UV_CACHE_DIR", str(CACHE / "uv"))
signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it ends the program of a session, too
# Compiled files are kept, but not in the tree, which is tested as it is.
os.environ["PYTHONPYCACHEPREFIX"] = str(CACHE / "pycache")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def install(session: nox.Session, name: str) -> None:
    """Install the packages of an environment in their pinned versions."""
    listed = CACHE / f"{session.name}.txt"
    listed.write_text("\n".join(envs.pins(name)))
    session.install("--constraint", str(listed), *envs.PACKAGES[name].split(), env={"UV_CONSTRAINT": ""})


def _environment(name: str) -> None:
    @nox.session(name=f"env-{name}", python=list(envs.PYTHONS[name]), default=False)
    def environment(session: nox.Session) -> None:
        """Create an environment for tests, and write the folder with its programs to a file."""
        install(session, name)
        Path(session.posargs[0]).write_text(session.bin)


for each in envs.PACKAGES:
    _environment(each)


def command(name: str) -> Callable[[Callable[[nox.Session], None]], object]:
    """Declare a session for people, on the best Python that this machine has for an environment."""
    python = next(iter(envs.pythons_here(name)), envs.PYTHONS[name][0])
    return nox.session(python=python, tags=["command"])


def run(session: nox.Session, *words: str, env: dict[str, str] | None = None) -> None:
    """Run a program, and give it the time to clean up after Ctrl-C."""
    session.run(*words, env=env, interrupt_timeout=60, terminate_timeout=10)


@command("demo")
def demo(session: nox.Session) -> None:
    """Run a playbook against a simulated server. Needs no preparation."""
    install(session, "demo")
    run(session, "python", "-m", "dev.demo")


@command("demo")
def simulator(session: nox.Session) -> None:
    """Run the simulated Library server until Ctrl-C (--port, --profile, --help)."""
    install(session, "demo")
    words = [word for word in session.posargs if word != "--"]
    run(session, "python", "tests/simulator", f"--parent-pid={os.getpid()}", *words)


@command("dev")
def check(session: nox.Session) -> None:
    """Check format, lint and types, and run the fast unit tests: half a minute."""
    install(session, "dev")
    run(session, "pytest", "--numprocesses=auto", "tests/lint/test_python.py", "tests/unit", *session.posargs)


@command("test")
def test(session: nox.Session) -> None:
    """Run the tests on the newest ansible-core; with --all on every core and Python. Takes the options of pytest."""
    install(session, "test")
    run(session, "pytest", "--numprocesses=auto", "--maxschedchunk=1", *session.posargs)


@command("test")
def bench(session: nox.Session) -> None:
    """Measure what the modules cost, compared in pairs, and print the table of the guide."""
    install(session, "test")
    with run_folder() as folder:
        env = {"DEV_RUN": str(folder), "PYTHONPATH": ".:tests"}
        run(session, "python", "-c", "from dev.collection import installed; installed()", env=env)
        run(session, "python", "tests/benchmark.py", *session.posargs, env=env)


@command("dev")
def generate(session: nox.Session) -> None:
    """Write the documentation that follows from that of the options."""
    install(session, "dev")
    run(session, "python", "-m", "dev.generate", *session.posargs)


@command("docs")
def docs(session: nox.Session) -> None:
    """Build the guides and the module documentation into a site."""
    install(session, "docs")
    run(session, "python", "-m", "dev.docs", "site", str(CACHE / "docs"))


@command("docs")
def changelog(session: nox.Session) -> None:
    """Write CHANGELOG.md, for the version in galaxy.yml."""
    install(session, "docs")
    run(session, "python", "-m", "dev.docs", "changelog")


@command("dev")
def release(session: nox.Session) -> None:
    """Test the tarball for Galaxy as users and Galaxy get it, and put it into dist."""
    if why := collection.uncommitted():
        session.error(why)
    install(session, "dev")
    run(session, "pytest", "--numprocesses=auto", "--all", "tests/lint/test_tarball.py", "tests/plays/examples")
    run(session, "python", "-m", "dev.collection")


@command("base")
def lock(session: nox.Session) -> None:
    """Write newer versions of all packages into dev/requirements.txt."""
    install(session, "base")
    run(session, "python", "-m", "dev.lock")
