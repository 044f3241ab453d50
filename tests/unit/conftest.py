"""Settings of the unit tests, which also run under ansible-test, where they have no other conftest.py.

In both, the simulator's core, which is the server of many tests, is the package `simulator`, and what tests share is
`unit.support`.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

ROOT = Path(__file__).parents[2]


if str(ROOT / "tests") not in sys.path:
    sys.path.append(str(ROOT / "tests"))

set_hypothesis_home_dir(ROOT / ".cache" / "hypothesis")
# The same examples in every run, so that a green run stays green; random ones every night, with TEST_HISTORIES.
settings.register_profile(
    "unit",
    deadline=None,
    database=None,
    derandomize=not os.environ.get("TEST_HISTORIES"),
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unit")


def pytest_configure(config: pytest.Config) -> None:
    """Under ansible-test, pyproject.toml is not read. With --all, the laws have ten times as many examples."""
    if config.getoption("all", default=False):
        os.environ["TEST_TIMES"] = "10"
    config.addinivalue_line("markers", "matrix: runs only with --all, or if it is selected")


@pytest.fixture(autouse=True)
def _clean_process(monkeypatch: pytest.MonkeyPatch):
    """No variable of the caller's, and no signal handler of a test, reaches a test."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    handlers = {entry: signal.getsignal(entry) for entry in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield
    for entry, handler in handlers.items():
        signal.signal(entry, handler)


@pytest.fixture(autouse=True)
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """How many things a task does at the same time: one, so that requests have an order, or the test's parameter."""
    from ansible_collections.mstr.library.plugins.module_utils._session import parallel

    monkeypatch.setattr(parallel, "AT_ONCE", getattr(request, "param", 1))
