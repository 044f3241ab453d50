"""In process and as a module, failures and warnings are the same; the examples run both ways, too."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from simulator.harness import Simulator
from support.ansible import Play

WORD = "secret-word"
PASSWORD = "{{ lookup('ansible.builtin.env', 'MSTR_PASSWORD') }}"
USERNAME = "{{ lookup('ansible.builtin.env', 'MSTR_USERNAME') }}"
TASKS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("mstr_runtime", {"name": "New", "white_list": []}, {}),
    ("mstr_runtime", {"name": "New", "whitelist": ["www.example.com", "10.10.10.7/24"], "exec_timeout": "soon"}, {}),
    # The system log takes no NUL.
    ("mstr_runtime", {"name": "a\0b", "whitelist": ["10.10.10.7/24"], "ca_path": "c\0.pem"}, {}),
    ("mstr_runtimes", {"src": "a\0.yml"}, {}),
    # The secret is a variable, because newer ansible-cores show lines of the play.
    ("mstr_info", {"base_url": "http://x:p/{{ word }}@127.0.0.1:9", "timeout": "soon"}, {}),
    # The environment of a task ends with it. Its paths start at the playbook.
    ("mstr_info", {}, {"environment": {"MSTR_CA_PATH": "empty.pem", "MSTR_RETRIES": "many"}}),
    # An item has its own warnings alone: the server has a name that differs from the first one only in case.
    ("mstr_runtime", {"name": "{{ item }}"}, {"loop": ["NIGHTLY", "Other"], "register": "items"}),
    ("mstr_runtime", {"name": "Nightly"}, {"no_log": True}),
    ("mstr_runtime", {"name": "A", "description": f"{PASSWORD} too", "password": PASSWORD, "username": USERNAME}, {}),
    # A text of the server that looks like a template, with half a character.
    ("mstr_runtime", {"name": "Odd", "exec_timeout": 77}, {"register": "odd"}),
    ("mstr_runtime", {"name": "Copy", "description": "{{ odd.runtime.description }}"}, {}),
    ("mstr_script_run", {"code": "print('one')\nraise ValueError('bad')"}, {}),
]
PLAY = {
    "hosts": "a",
    "gather_facts": False,
    "ignore_errors": True,
    "tasks": [{"name": module, f"mstr.library.{module}": options, **more} for module, options, more in TASKS],
}


def seen(sim: Simulator, local: Play, **variables: Any) -> list[Any]:
    """What people see of each task of the play on a fresh server."""
    sim.reset()
    sim.seed({"name": "nightly"}, {"name": "Odd", "description": "{{ 1 + 1 }} \ud83d"})
    local.write("plays/empty.pem", "")
    local.write("plays/play.yml", [PLAY])
    played = local("plays/play.yml", stderr=subprocess.PIPE, word=WORD, **variables)
    assert played.status == 0, played.output
    assert sim.open_sessions() == []
    shown = played.output + played.stderr + json.dumps(played.notes())
    assert [secret for secret in (WORD, sim.password) if secret in shown] == []
    keys = ("msg", "changed", "warnings", "stdout_lines", "changes")
    return [[note["event"], *(note["result"].get(key) for key in keys)] for note in played.notes()]


def test_failures_and_warnings_are_the_same(sim: Simulator, local: Play) -> None:
    """test_fallbacks.py proves that each runs in its way."""
    here = seen(sim, local)
    assert here == seen(sim, local, mstr_in_process=False)
    assert "ca_path 'empty.pem' contains no valid certificate" in str(here)
    assert str(here).count("contains a NUL character; remove it") == 3
