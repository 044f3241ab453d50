"""The log of the process, and who may call it. tests/contract shows what it answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from simulator.faults import KINDS
from simulator.harness import Simulator


def test_the_log_has_everything_but_secrets(sim: Simulator) -> None:
    client = requests.Session()
    login = {"loginMode": 1, "username": sim.username, "password": sim.password}
    token = client.post(f"{sim.base_url}/api/auth/login", json=login).headers["X-MSTR-AuthToken"]
    client.post(f"{sim.base_url}/api/runtimes", json={"name": "New"}, headers={"X-MSTR-AuthToken": token})
    assert sim.calls() == ["POST /auth/login", "POST /runtimes"]
    created = sim.requests()[-1]
    assert (created["body"], created["user"], created["token"]) == ({"name": "New"}, "admin", True)
    text = json.dumps(sim.requests())
    assert [secret for secret in sim.secrets() if len(secret) > 5 and secret in text] == []


def test_every_fault_is_used_by_a_test() -> None:
    files = Path(__file__).parents[2].rglob("test_*.py")
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []


@pytest.mark.parametrize("headers", [{"Host": "evil.example.com"}, {"Origin": "https://evil.example.com"}], ids=str)
def test_no_page_of_a_browser_reaches_it(sim: Simulator, headers: dict[str, str]) -> None:
    """A site whose name means this machine sends its own name, and a page of a site its origin."""
    url = f"{sim.base_url.rpartition('/')[0]}/_sim/secrets"
    assert requests.get(url, timeout=30).status_code == 200
    assert requests.get(url, headers=headers, timeout=30).status_code == 403
