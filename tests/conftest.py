"""How all tests run, whoever starts pytest: its options, the choice of tests, the last line, and shared fixtures."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev import collection
from dev.envs import CORES
from dev.paths import CACHE, FOREIGN, LIBRARY, ROOT, run_folder

_AT_END = contextlib.ExitStack()
_TRAFFIC = "MSTR_SIMULATOR_TRAFFIC"
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each program of the tests compiles ansible-core anew
if "DEV_RUN" not in os.environ:  # the workers of pytest-xdist use that of the process that started them
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up after it, too
    os.environ["TMPDIR"] = tempfile.tempdir = str(_AT_END.enter_context(run_folder()))
    os.environ[_TRAFFIC] = tempfile.mkdtemp(prefix="traffic-")
# In the background and with nohup, this process ignores signals. What tests start would ignore them, too, unless it
# catches them. The workers of pytest-xdist do the same.
_IGNORED = os.environ.setdefault(
    "DEV_IGNORED",
    " ".join(name for name in ("SIGINT", "SIGHUP") if signal.getsignal(getattr(signal, name)) is signal.SIG_IGN),
)
for _name in _IGNORED.split():
    signal.signal(getattr(signal, _name), lambda _number, _frame: None)
# Tests import parts of the collection by its full name.
_LINK = CACHE / "tree" / LIBRARY
_LINK.parent.mkdir(parents=True, exist_ok=True)
with contextlib.suppress(FileExistsError):
    _LINK.symlink_to(ROOT)
sys.path.insert(0, str(CACHE / "tree"))

from simulator.harness import Simulator  # noqa: E402
from support.ansible import COLLECTIONS, STARTED, Play, core_fixture, programs  # noqa: E402

# The longest first, so that no test is still running alone at the end.
_ORDER = ("matrix", "plays", "lint", "browser", "tool", "faults", "contract", "simulator", "unit")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the tests on every ansible-core and Python, too")


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """More than the machine has cores, because many tests wait."""
    return min((os.cpu_count() or 1) + 2, 8)


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(ROOT / "tests").parts[0]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of the matrix, unless the command line chooses tests."""
    items.sort(key=lambda item: _ORDER.index(_folder(item)))
    option, names_tests = config.option, "::" in " ".join(config.args)
    if any((option.all, option.keyword, option.markexpr, option.lf, option.failedfirst, names_tests)):
        return
    of_matrix = {item for item in items if item.get_closest_marker("matrix")}
    items[:] = [item for item in items if item not in of_matrix]
    config.hook.pytest_deselected(items=[*of_matrix])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Name a failure as soon as it is known: a whole run takes long."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f"\nFAILED {report.nodeid} ({report.duration:.0f} s)", flush=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in which every test was skipped is not green."""
    option, (passed, _failed) = session.config.option, _counts(session.config)
    found = [] if "PYTEST_XDIST_WORKER" in os.environ else _differences()
    if found:
        print("\nRequests of the collection that the vendor's schema does not have:", *found, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    is_run = not (option.setupplan or option.collectonly)
    if is_run and not passed and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED


def _differences() -> list[str]:
    """Where the requests of all simulators of this run differ from the vendor's schema."""
    lines = [line for path in Path(os.environ[_TRAFFIC]).iterdir() for line in path.read_text("utf-8").splitlines()]
    if not lines:
        return []
    from support.vendor_schema import OURS, differences, unintended

    calls = [call for call in map(json.loads, lines) if str(call["user_agent"]).startswith(OURS)]
    return unintended(differences(calls, answers=False))


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and not config.option.collectonly:
        print("tests: {} passed, {} failed".format(*_counts(config)))
    _AT_END.close()


def _counts(config: pytest.Config) -> tuple[int, int]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    stats = reporter.stats if reporter else {}
    return len(stats.get("passed", ())), len(stats.get("failed", ())) + len(stats.get("error", ()))


@pytest.fixture(scope="session", autouse=True)
def _own_environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        for name in os.environ:
            if name.upper().startswith(FOREIGN) and not name.startswith(("MSTR_SIMULATOR_", "MSTR_TEST_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", str(CACHE / "home"))
        monkeypatch.setenv("LC_ALL", "C.UTF-8")
        yield


@pytest.fixture(scope="session", autouse=True)
def _installed(request: pytest.FixtureRequest, _own_environment: None) -> None:
    """Tests of these folders run the collection as a user installs it."""
    if {_folder(item) for item in request.session.items} & {"browser", "contract", "faults", "plays"}:
        assert os.environ.get("MSTR_TEST_COLLECTIONS") == COLLECTIONS or collection.installed()


@pytest.fixture(scope="session")
def simulator(_own_environment: None) -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def sim(simulator: Simulator) -> Simulator:
    """A fresh server, on which nothing works that a failed test has started."""
    while STARTED:
        STARTED.pop().kill()
    simulator.reset()
    return simulator


core = core_fixture(CORES)


@pytest.fixture(scope="session")
def newest() -> Path:
    """The folder of the newest ansible-core's programs."""
    return programs()


def _local(folder: Path, bin_: Path, sim: Simulator) -> Play:
    return Play(folder, bin_, sim.environment(), {name: {} for name in "abc"})


@pytest.fixture
def local(sim: Simulator, core: Path, tmp_path: Path) -> Play:
    """A folder in which each ansible-core runs plays for the hosts a, b and c, which all mean the simulator."""
    return _local(tmp_path, core, sim)


@pytest.fixture
def local_newest(sim: Simulator, newest: Path, tmp_path: Path) -> Play:
    """The same with the newest ansible-core."""
    return _local(tmp_path, newest, sim)
