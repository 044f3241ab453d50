"""A module produces every message that the page Troubleshooting quotes."""

from __future__ import annotations

import os
import re
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from simulator.harness import Simulator
from support.ansible import COLLECTIONS
from support.modules import Done, credentials, run, runtime

PAGE = Path(__file__).parents[2] / "docs" / "docsite" / "rst" / "guide_troubleshooting.rst"
ON_THE_PAGE = re.findall(r"^``([^`]+)``$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
NAME = "Nightly reports"

PANDAS = [{"name": "pandas"}]

# Each function produces one message: it takes a fresh server, and returns the failure message or the warnings.
SCENARIOS: dict[str, Callable[[Simulator], str]] = {}


def _nothing(_sim: Simulator) -> None:
    pass


def _done(sim: Simulator, module: str, options: dict[str, Any]) -> Done:
    """Run a module. A function among its options makes the value from the server."""
    given = {name: value(sim) if callable(value) else value for name, value in options.items()}
    return run(module, sim, **({"name": NAME} if module == "mstr_runtime" else {}), **given)


def fails(
    message: str, prepare: Callable[[Simulator], Any] = _nothing, module: str = "mstr_runtime", **options: Any
) -> None:
    """Add a scenario: after `prepare`, a task with these options fails with this message."""
    SCENARIOS[message] = lambda sim: (prepare(sim), _done(sim, module, options).sentence)[1]


def warns(message: str, prepare: Callable[[Simulator], Any], **options: Any) -> None:
    """Add a scenario: the task succeeds with this warning."""
    SCENARIOS[message] = lambda sim: (prepare(sim), " ".join(_done(sim, "mstr_runtime", options).warnings))[1]


def fails_with_tls(message: str, certificate: str = "good", **options: Any) -> None:
    """Add a scenario on a server with this certificate."""

    def produce(_sim: Simulator) -> str:
        with Simulator(tls=certificate) as server:
            return _done(server, "mstr_runtime", options).sentence

    SCENARIOS[message] = produce


# A port that is taken, but nobody listens there. A port that was free a moment ago might be another server's now.
TAKEN = socket.socket()
TAKEN.bind(("127.0.0.1", 0))


def _closed_port(_sim: Simulator) -> str:
    return f"http://127.0.0.1:{TAKEN.getsockname()[1]}"


def _without_netaddr(_sim: Simulator) -> dict[str, str]:
    folder = tempfile.mkdtemp()
    Path(folder, "netaddr.py").write_text("raise ImportError('No module named netaddr')\n")
    return {"PYTHONPATH": f"{folder}{os.pathsep}{COLLECTIONS}"}


def _dead_session(sim: Simulator) -> str:
    session = run("mstr_session", sim).result["session"]
    sim.expire_sessions()
    return str(session)


def _lost_for_good(sim: Simulator) -> None:
    sim.fault("close", operation="create", done=True)
    sim.fault("error", operation="list", skip=1, times=None, number=14, status=403, message="No.")


fails("base_url is missing", base_url="")
fails("no credentials", username="", password=None)
fails("are different kinds of credential", api_token="a-token")
fails("put it in quotes", packages=[{"name": "pandas", "version": 2.1}])
fails("Check the credentials and login_mode", password="wrong")
fails("cannot be imported", env=_without_netaddr)
fails("the proxy", env=lambda sim: {"HTTP_PROXY": _closed_port(sim)}, retries=0)
fails("cannot connect to", base_url=_closed_port, retries=0)
fails("It usually ends in /MicroStrategyLibrary", base_url=lambda sim: sim.base_url.replace("MicroStrategy", ""))
fails("does not use TLS", base_url=lambda sim: sim.base_url.replace("http:", "https:"), retries=0)
fails_with_tls("is not trusted")
fails_with_tls("is for another host", "wrong_host", ca_path=lambda sim: sim.certificates["ca"])
fails(
    "with a redirect to",
    lambda sim: sim.fault("answer", operation="list", status=302, headers={"Location": "https://x.invalid"}),
)
fails("with an HTML page", lambda sim: sim.fault("html", operation="list", times=None), retries=0)
fails(
    "not tried, because",
    lambda sim: sim.fault("answer", operation="create", status=429, times=None, headers={"Retry-After": "3600"}),
    "mstr_runtimes",
    runtimes=[{"name": "A"}, {"name": "B"}],
)
fails("End other sessions of this user", lambda sim: (sim.reset(session_limit=1), sim.open_session()))
fails("and no credentials to log in again", session=_dead_session, username=None, password=None)
fails(
    "privilege 'Manage runtime'",
    lambda sim: sim.seed(users=[{"username": "reader", "password": "reads-only-31", "manages": False}]),
    username="reader",
    password="reads-only-31",
)
fails("runtimes have the name", lambda sim: sim.seed({"name": NAME}, {"name": NAME}), exec_timeout=60)
fails("could not be installed", lambda sim: sim.reset(package_outcome="not_installed"), packages=PANDAS, wait=True)
fails("is not ready after", lambda sim: sim.reset(package_delay=60), packages=PANDAS, wait=True, wait_timeout=1)
fails(
    "more than purge_limit",
    lambda sim: sim.seed({"name": "Old"}, {"name": "Older"}),
    "mstr_runtimes",
    runtimes=[{"name": NAME}],
    purge=True,
    purge_limit=1,
)
fails("The plan is different from the approved one", plan_id="0" * 24)
fails("may or may not have been created", _lost_for_good, retries=0)
fails(
    "the script may be running", lambda sim: sim.fault("close", operation="run", done=True), "mstr_script_run", code="1"
)
warns("The server stored different", lambda sim: sim.reset(mstrio_py_added="on_create"), packages=PANDAS)


def test_the_page_quotes_exactly_the_tested_messages() -> None:
    assert len(ON_THE_PAGE) == len(set(ON_THE_PAGE))
    assert set(ON_THE_PAGE) == set(SCENARIOS)


@pytest.mark.parametrize("message", sorted(SCENARIOS))
def test_a_module_produces_each_message_on_the_page(sim: Simulator, message: str) -> None:
    assert message in SCENARIOS[message](sim)


def test_a_valid_task_succeeds_on_the_server_of_these_tests(sim: Simulator) -> None:
    """This shows that each message above has its own cause."""
    assert runtime(sim, name=NAME, **credentials(sim)).result["changed"] is True
