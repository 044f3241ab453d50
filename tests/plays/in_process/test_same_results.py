"""In process and as a module: results, screen, requests and open sessions are the same, key by key."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest
from simulator.harness import Simulator
from support.ansible import Play, Played

from dev.paths import ROOT


def task(name: str, module: str, options: dict[str, Any] | None = None, **keywords: Any) -> dict[str, Any]:
    return {"name": name, f"mstr.library.{module}": options or {}, **keywords}


# Every kind of failure: invalid options, invalid definitions, server errors, network errors.
FAILURES = [
    task("An unknown option", "mstr_runtime", {"name": "New", "white_list": []}),
    task("A value of the wrong type", "mstr_runtime", {"name": "New", "exec_timeout": "soon"}),
    task(
        "Every fault of a definition",
        "mstr_runtime",
        {
            "name": "New",
            "whitelist": ["www.example.com", "10.10.10.7/24"],
            "min_cached_instances": 3,
            "max_cached_instances": 1,
        },
    ),
    task("A wrong password", "mstr_info", {"password": "wrong-password", "username": "admin"}),
    task("An invalid session", "mstr_runtime_info", {"session": "nonsense"}),
    task("An HTML page instead of a response", "mstr_runtime", {"name": "New", "retries": 0}),
    task(
        "Several runtimes, one of which fails",
        "mstr_runtimes",
        {
            "runtimes": [{"name": "Good", "exec_timeout": 5}, {"name": "Bad", "runtime_version": "1.0"}],
        },
        diff=True,
    ),
    task("A script that fails", "mstr_script_run", {"code": "raise ValueError('bad')"}),
    task(
        "A task with retries",
        "mstr_runtime",
        {"name": "New", "runtime_version": "1.0"},
        retries=1,
        delay=0,
        register="again",
        until="again is succeeded",
    ),
    task("A probe without a server", "mstr_probe", {"base_url": "http://127.0.0.1:9", "retries": 0}),
]
# All items of a loop run in one process. No item may affect the next one.
LOOPS = [
    task(
        "Items with different warnings",
        "mstr_runtime",
        {
            "name": "{{ item.name }}",
            "state": "{{ item.state | default('present') }}",
            "validate_certs": "{{ item.certs | default(true) }}",
        },
        loop=[
            {"name": "Nightly reports"},
            {"name": "nightly reports", "state": "absent"},
            {"name": "Nightly reports", "certs": False},
            {"name": "Nightly reports", "state": "absent"},
        ],
    ),
    task(
        "Items with different outcomes",
        "mstr_runtime",
        {"name": "{{ item }}", "whitelist": ["{{ item }}"]},
        loop=["10.0.0.0/8", "no block", "10.1.0.0/16"],
        environment={"MSTR_RETRIES": "{{ 1 if item == 'no block' else 2 }}"},
        register="outcomes",
        ignore_errors=True,
    ),
    task("Hidden", "mstr_runtime_info", {"name": "{{ item }}"}, loop=["10.0.0.0/8", "10.1.0.0/16"], no_log=True),
    task("Log in twice", "mstr_session", loop=[1, 2], register="sessions"),
    task(
        "Log out twice",
        "mstr_session",
        {"session": "{{ item.session }}", "state": "absent"},
        loop="{{ sessions.results }}",
        loop_control={"label": "{{ item.item }}"},
    ),
    {"block": [task("Fail", "mstr_runtime", {"name": ""})], "rescue": [task("After a failure", "mstr_info")]},
]
# Templates are evaluated in the process of the task: its environment and folder are restored after each item.
RETRIES = "{{ lookup('ansible.builtin.pipe', 'echo ${MSTR_RETRIES:-3} ${LC_ALL:-none}; pwd').split()[0] }}"
LOOPS.append(
    task(
        "Items with an environment",
        "mstr_runtime_info",
        {"retries": RETRIES},
        loop=[1, 2],
        environment={"MSTR_RETRIES": "9", "LC_ALL": "C.UTF-8"},
    )
)
NIGHTLY, THIRD = {"name": "Nightly reports"}, {"name": "Third"}
VAULT = (
    "!vault $ANSIBLE_VAULT;1.1;AES256\n"
    "65343237313535326437653730393030663366373135343364643462343034313130393832666163"
    "6165656232656537366237633062626464393533383965380a646362666538343939636563656231"
    "31633462613032663939646466636466613464313536653139366236373831386639363833366637"
    "6262356236626132350a3738626636336464393237313533613739616636343837363066643361626338"
)
NEVER = {"networks_never": ["10.1.0.0/16"]}
SEE = {"ignore_errors": True}
# Values of every kind, passed to a module and returned by it.
VALUES = [
    task("Create in check mode", "mstr_runtime", {**NIGHTLY, "whitelist": ["10.0.0.0/8"]}, check_mode=True, diff=True),
    task(
        "Create",
        "mstr_runtime",
        {
            **NIGHTLY,
            "description": 'Bücher, "quoted" \\ and 日本',
            "whitelist": ["10.0.0.0/8", "2001:DB8::/32"],
            "packages": [{"name": "pandas", "version": "2.10"}, {"name": "mstrio-py"}],
            "resource": {"cpu": "0.5", "mem": 512},
        },
        diff=True,
    ),
    task(
        "Update",
        "mstr_runtime",
        {**NIGHTLY, "exec_timeout": "{{ 600 }}", "others": "!unsafe {{ not_a_template }}"},
        diff=True,
    ),
    task("A value from a vault", "mstr_runtime", {**NIGHTLY, "description": VAULT}),
    task("Variables of the task", "mstr_runtime_info", NIGHTLY, environment={"MSTR_RETRIES": "1", "MSTR_TIMEOUT": "7"}),
    task("Register a result", "mstr_runtime_info", {"policy": NEVER}, register="registered"),
    task("Run modules", "mstr_audit", {"policy": NEVER, "runtimes": [{**NIGHTLY, "exec_timeout": 900}]}),
    task(
        "A registered result as a value",
        "mstr_runtime",
        {
            "name": "Other",
            "description": "{{ registered.violations | to_json }} "
            "{{ registered.runtimes | map(attribute='others') | join }}",
        },
    ),
    task(
        "A password that occurs in a returned value",
        "mstr_runtime",
        {
            "name": "Masked",
            "description": "{{ lookup('ansible.builtin.env', 'MSTR_PASSWORD') }} and more",
            "password": "{{ lookup('ansible.builtin.env', 'MSTR_PASSWORD') }}",
            "username": "{{ lookup('ansible.builtin.env', 'MSTR_USERNAME') }}",
        },
    ),
    # The server has one whose name differs only in case, which is worth a warning.
    task("Hidden", "mstr_runtime", {"name": "SALARIES", "exec_timeout": 60}, no_log=True),
    # ansible-core 2.19 and newer refuse a result with half a character, after the work was done.
    task("Half a character", "mstr_runtime", {"name": "Cut", "exec_timeout": 77}),
    # The secret is a variable, because newer ansible-cores show lines of the play.
    task(
        "Secret URL", "mstr_runtime_info", {"base_url": "http://x:p/{{ word }}@127.0.0.1:9", "timeout": "soon"}, **SEE
    ),
    task("Secret user", "mstr_info", {"base_url": "{{ word }}@127.0.0.1:9"}, **SEE),
    task("Secret query", "mstr_probe", {"base_url": "http://127.0.0.1:9/?password={{ word }}"}, **SEE),
    task("From a file next to the playbook", "mstr_runtimes", {"src": "many.json"}),
    task("From a file in the directory files", "mstr_runtimes", {"src": "found.json"}),
    task(
        "Several runtimes",
        "mstr_runtimes",
        {
            "runtimes": [
                {**NIGHTLY, "exec_timeout": 700},
                {"name": "Other", "state": "absent"},
                THIRD,
            ],
        },
        diff=True,
    ),
    task("Read the current user", "mstr_info"),
    task("Log in", "mstr_session", register="mstr"),
    task(
        "On an open session",
        "mstr_runtime",
        {"session": "{{ mstr.session }}", **THIRD, "exec_timeout": 5},
        register="done",
        changed_when="done.runtime.exec_timeout == 5",
        failed_when="done.id is not defined",
    ),
    task("Log out", "mstr_session", {"session": "{{ mstr.session }}", "state": "absent"}),
    task("A script", "mstr_script_run", {"code": "import sys\nprint('one')\nprint('two', file=sys.stderr)\n"}),
    task(
        "Scripts of the default runtime",
        "mstr_script_runtime",
        {"runtime": "Third", "from_runtime": "(Default) MicroStrategy"},
    ),
    task("Delegated to a different host", "mstr_runtime_info", THIRD, delegate_to="b"),
    task("Absent", "mstr_runtime", {**THIRD, "state": "absent"}, diff=True),
    task("The probe in check mode", "mstr_probe", check_mode=True),
]
PLAYS: dict[str, dict[str, Any]] = {
    "failures": {"tasks": FAILURES, "ignore_errors": True},
    "loops": {"tasks": LOOPS},
    "values": {
        "tasks": VALUES,
        "module_defaults": {"group/mstr.library.mstr": {"retries": 2}},
        "environment": {"MSTR_TIMEOUT": "12.5"},
    },
}
# `make test` compares the values; ARGS=--all every play, on every core.
WORD = "secret-word"
_LOGGED = ("method", "path", "query", "status", "project", "user_agent", "content_type", "body")


def ran(sim: Simulator, local: Play, name: str, **variables: Any) -> tuple[Played, list[Any], list[str]]:
    """A play on a fresh server, what a callback received for each of our tasks, and the requests."""
    sim.reset()
    sim.seed({"name": "salaries"}, {"name": "Cut", "description": "an emoji \ud83d"})
    if name == "failures":
        sim.fault("html", operation="create", status=502)
    local.write("vault", "vault-pass")
    local.write("many.json", [{"name": "From a file", "whitelist": ["10.0.0.0/8"]}])
    local.write("files/found.json", [{"name": "From a file", "whitelist": ["10.1.0.0/16"]}])
    content = json.dumps([{"hosts": "a", "gather_facts": False, **PLAYS[name]}], indent=1)
    playbook = re.sub(r'"!(vault|unsafe) ', r'!\1 "', content)
    # The newest core shows the options in a result only if configured.
    shown = {} if name == "failures" else {"ANSIBLE_INJECT_INVOCATION": "true"}
    played = local(
        playbook, "--vault-password-file", "vault", env=shown, stderr=subprocess.PIPE, word=WORD, **variables
    )
    assert played.status == 0, played.output + played.stderr
    for note in played.notes():
        if note["event"] == "retry":
            # ansible-core 2.19 puts the lack of a traceback into what a module returns, and into the end of an action
            # plugin's task: between two tries only the former has it.
            note["result"].pop("exception", None)
    requests = [plain(json.dumps({name: entry.get(name) for name in _LOGGED})) for entry in sim.requests()]
    # How often a task polls depends on the machine, and so does the order of what goes on at the same time.
    reads = {entry for entry in requests if entry.startswith('{"method": "GET"')}
    sent = sorted([*(entry for entry in requests if entry not in reads), *reads])
    return played, json.loads(plain(json.dumps(played.notes()))), sent


def plain(text: str) -> str:
    """Remove what differs between runs: ids, times, sessions, ids of plans, and milliseconds."""
    text = re.sub(r'("milliseconds"): [0-9]+', r"\1: 0", text)
    text = re.sub(r"\b[0-9A-Fa-f]{32}\b", "ID", text)
    text = re.sub(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\b", "UUID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(\+0000)?", "TIME", text)
    text = re.sub(r"\d\d:\d\d:\d\d GMT", "TIME", text)
    text = re.sub(r'("session": ?")[^"]+', r"\1SESSION", text)
    # It is made from the ids of the runtimes.
    text = re.sub(r"(plan_id\W+)[0-9a-f]{24}\b", r"\1PLAN", text)
    # It is packed, with ids and times in it.
    text = re.sub(r'"report": "[^"]+"', '"report": "PACKED"', text)
    # With ansible-core 2.22, a registered loop keeps this mark of a module's output in its items.
    text = text.replace('"ansible_parsed": true, ', "")
    return text.replace("Action failed", "Module failed")


@pytest.mark.parametrize(
    "play", [pytest.param(play, marks=() if play == "values" else pytest.mark.matrix) for play in sorted(PLAYS)]
)
def test_a_task_is_the_same_in_process(sim: Simulator, local: Play, play: str) -> None:
    """test_fallbacks.py proves that each runs in its way."""
    module, results, requests = ran(sim, local, play, mstr_in_process=False)
    assert sim.open_sessions() == []
    here, results_here, requests_here = ran(sim, local, play)
    for result, other in zip(results, results_here, strict=True):
        assert result == other
    assert plain(module.output) == plain(here.output)
    assert plain(module.stderr) == plain(here.stderr)
    assert requests == requests_here
    assert sim.open_sessions() == []
    for played in (module, here) if play == "values" else ():
        assert_no_secret(played, local.version)
        assert played.result("Half a character")["runtime"]["description"] == "an emoji \ufffd"
        assert played.result("Half a character")["action"] == "updated"


def assert_no_secret(played: Played, version: tuple[int, ...]) -> None:
    """Check that no_log hides warnings, and that no secret is shown."""
    shown = played.output + played.stderr
    assert WORD not in json.dumps(played.notes()) + shown
    refused = [note["result"] for note in played.notes() if note["task"].startswith("Secret ")]
    assert ["base_url" in result["invocation"]["module_args"] for result in refused] == [True] * 3
    assert "salaries" not in json.dumps([note for note in played.notes() if note["task"] == "Hidden"]).lower()
    assert "salaries" not in shown.lower()
    # Older releases show no warnings of such a task.
    if version >= (2, 19):
        assert "A warning about what the task read or did is not shown" in " ".join(shown.split())
    # From this release on, Ansible masks secrets where it shows them, callbacks included.
    assert (played.result("Log in")["session"] == "$REDACTED$") is (version >= (2, 22))


def test_every_module_is_compared() -> None:
    text = json.dumps(PLAYS)
    assert [path.stem for path in ROOT.glob("plugins/modules/*.py") if f'"mstr.library.{path.stem}":' not in text] == []
