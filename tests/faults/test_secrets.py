"""No output or file of a run contains a secret. The tests collect all of them and search for every secret used.

The exception by Ansible's design, which the docs list: the files AnsiballZ_*.py, where ANSIBLE_KEEP_REMOTE_FILES is
set, carry the options of their task.
"""

from __future__ import annotations

import base64
import json
import os
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from simulator.harness import Simulator
from support.ansible import COLLECTIONS, Play, play_of
from support.modules import Running, run

from faults.inprocess import OPERATIONS

SHORTEST = 8  # all secrets of the simulator have at least this length
# Python runs this file at its start. It writes the messages for the system log to a file instead. On some systems the
# real module is built in, so a file with its name would not replace it.
SITECUSTOMIZE = """
import os
import sys
import types

def syslog(*args):
    with open(os.environ["SYSLOG_STAND_IN"], "a", encoding="utf-8") as file:
        file.write(str(args[-1]) + "\\n")

stand_in = types.ModuleType("syslog")
stand_in.syslog = syslog
stand_in.openlog = lambda *args: None
stand_in.__getattr__ = lambda name: 0
sys.modules["syslog"] = stand_in
"""
ECHO = {"kind": "error", "message": "Refused: {secrets}"}


def forms(secret: str) -> set[str]:
    return {
        secret,
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        urllib.parse.quote(secret, safe=""),
        base64.b64encode(secret.encode()).decode().rstrip("="),
    }


def leaks(sim: Simulator, text: str, *more: str) -> list[str]:
    """The names of the secrets in a text. A failed assertion prints them, so the secrets are not included."""
    secrets = [secret for secret in (*sim.secrets(), *more) if len(secret) >= SHORTEST]
    assert len(secrets) > 3
    return [f"{secret[:3]}…" for secret in secrets if any(form in text for form in forms(secret))]


@pytest.fixture
def server(sim: Simulator) -> Simulator:
    sim.reset(load_balancer_cookie="rotate")
    sim.seed({"name": "Old", "execTimeout": 600, "whitelist": []})
    return sim


@pytest.fixture
def syslog(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Variables that make a module log to a file. At the end, check that it did."""
    folder = tmp_path / "stand-in"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
    log = tmp_path / "syslog.txt"
    yield {"PYTHONPATH": f"{folder}{os.pathsep}{COLLECTIONS}", "SYSLOG_STAND_IN": str(log)}
    assert "Invoked with" in log.read_text(), "the stand-in was not used"


def logins(sim: Simulator) -> dict[str, dict[str, Any]]:
    """The options of each login mode."""
    base = {"base_url": sim.base_url}
    ldap = {"login_mode": "ldap", "username": "ldap.admin", "password": sim.users["ldap.admin"]["password"]}
    return {
        "standard": {**base, "username": sim.username, "password": sim.password},
        "ldap": {**base, **ldap},
        "api_token": {**base, "api_token": sim.api_token},
        "identity_token": {**base, "identity_token": sim.identity_token},
        "anonymous": {**base, "login_mode": "anonymous"},
    }


MODES = ["standard", "ldap", "api_token", "identity_token", "anonymous", "session"]


def _module(server: Simulator, options: dict[str, Any], syslog: dict[str, str]) -> tuple[str, str]:
    """Run a module, and return its message and all of its output with the system log."""
    options = {"retries": 1, **options, "_ansible_diff": True, "_ansible_verbosity": 4}
    done = Running("mstr_runtime", options, env=syslog).done()
    return str(done.result.get("msg")), done.stdout + done.stderr + Path(syslog["SYSLOG_STAND_IN"]).read_text()


@pytest.mark.parametrize(
    ("mode", "operation"), [*((mode, "login") for mode in MODES[:4]), *((mode, "list") for mode in MODES[-3:])]
)
def test_secrets_that_a_server_repeats(server: Simulator, syslog: dict[str, str], mode: str, operation: str) -> None:
    login = {"session": run("mstr_session", server).result["session"]} if mode == "session" else logins(server)[mode]
    server.fault(**ECHO, operation=operation, status=400)
    sentence, printed = _module(server, {**login, **OPERATIONS[operation]}, syslog)
    assert "********" in sentence
    assert leaks(server, printed, str(login.get("session", ""))) == []


@pytest.mark.parametrize(
    "fault",
    [{"kind": "close"}, {"kind": "html"}, {"kind": "session_killed"}, {**ECHO, "status": 401, "number": 9}],
    ids=["closed", "page", "end of the session", "end of the session, said aloud"],
)
def test_fault_reveals_no_secret(server: Simulator, syslog: dict[str, str], fault: dict[str, Any]) -> None:
    server.fault(operation="list", **fault)
    _sentence, printed = _module(server, {**logins(server)["standard"], **OPERATIONS["list"]}, syslog)
    assert leaks(server, printed) == []


def test_session_is_only_secret_returned(server: Simulator, syslog: dict[str, str]) -> None:
    done = Running("mstr_session", logins(server)["standard"], env=syslog).done()
    text = str(done.result["session"])
    log = Path(syslog["SYSLOG_STAND_IN"]).read_text()
    assert leaks(server, done.stdout + done.stderr + log) == [], "the token and cookies are not in plain form"
    assert text not in log
    end = Running("mstr_session", {"state": "absent", "session": text}, env=syslog).done()
    assert text not in end.stdout + end.stderr + Path(syslog["SYSLOG_STAND_IN"]).read_text()


# --- everything that a run of ansible-playbook prints and leaves


def _task(module: str, **options: Any) -> dict[str, Any]:
    return {f"mstr.library.{module}": f"{{{{ login | combine({options}) }}}}"}


REFUSED = {"ignore_errors": True}  # the second update and a create, and the server says too much
TASKS = play_of(
    {"mstr.library.mstr_session": "{{ login }}", "register": "mstr", "no_log": True},
    {"mstr.library.mstr_runtime": {"session": "{{ mstr.session }}", "name": "On a session"}},
    _task("mstr_runtime", name="Old", exec_timeout=60),
    _task("mstr_runtime", name="Old", exec_timeout=61) | REFUSED,
    _task("mstr_runtimes", runtimes=[{"name": "A"}, {"name": "B"}]) | REFUSED,
    _task("mstr_runtime_info"),
    _task("mstr_script_run", code="1 + 1"),
    {"mstr.library.mstr_session": {"session": "{{ mstr.session }}", "state": "absent"}},
)


def _left(folder: Path, *excluded: str) -> str:
    """The content of the files in a folder, except those with that name."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    looked_at = [path for path in files if not any(path.match(pattern) for pattern in excluded)]
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in looked_at)


@pytest.mark.parametrize(
    "by_options", [False, pytest.param(True, marks=pytest.mark.matrix)], ids=["environment", "options"]
)
def test_run_leaves_no_secret_behind(server: Simulator, newest: Path, tmp_path: Path, by_options: bool) -> None:
    """Only the file of a task has its options: credentials, or the option `session`."""
    server.fault(**ECHO, operation="update", status=400, skip=1)
    server.fault(**ECHO, operation="create", status=400, skip=1)
    server.fault(**ECHO, operation="logout")
    login = logins(server)["standard"] if by_options else {}
    play, vault = tmp_path / "play", tmp_path / "vault"
    play.mkdir()
    vault.mkdir()
    (vault / "credentials.yml").write_text(json.dumps({"login": login}))
    env = {
        "ANSIBLE_KEEP_REMOTE_FILES": "true",
        "ANSIBLE_DIFF_ALWAYS": "true",
        "ANSIBLE_LOG_PATH": str(play / "ansible.log"),
        **({} if by_options else server.environment()),
    }
    played = Play(play, newest, env, hosts={"a": {}})(TASKS, "-vvvv", "--extra-vars", f"@{vault}/credentials.yml")
    assert "failed=0" in played.output, played.output
    assert "Refused: ********" in played.output, "the faults struck"
    kept = _left(play, "AnsiballZ_*.py")
    assert "Refused: ********" in kept, "the log file is one of them"
    assert any(play.rglob("AnsiballZ_mstr_runtime.py"))
    assert leaks(server, played.output) == []
    assert leaks(server, kept if by_options else _left(play)) == []
    assert len(server.open_sessions()) == 1, "only the session whose logout the server rejected is open"
