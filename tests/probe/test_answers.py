"""The probe's answers match the server: in every profile of the simulator, and with each switch changed alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ansible_collections.mstr.library.plugins.module_utils._probe.base import OTHER
from ansible_collections.mstr.library.plugins.module_utils._probe.probe import NEVER
from simulator.harness import Simulator
from simulator.profiles import PROFILES, SWITCHES
from support.modules import credentials

from probe.probing import MovedClock, Probed, Settings, probed

TESTS = Path(__file__).parents[1]
# Switches without a question: they affect only how tests run, not the behaviour of a server.
NO_QUESTION = {
    "package_delay": "a duration, which differs from package to package",
    "latency_ms": "a duration, of the network too",
    "script_start_delay": "a duration, which differs from run to run",
    "script_time_limit": "a limit that somebody has configured; only a script that runs into it would show it",
    "script_memory_mb": "a limit that somebody has configured; only a script that runs into it would show it",
    "evaluation_ttl": "a duration; only waiting that long would show it",
}
# Questions that a probe with all privileges never answers. NEVER in the table has the reasons for the others.
NOT_SEEN = {entry.switch: "never tried" for entry in NEVER} | {
    "privilege_for_reads": "only a user without the privilege sees it",
    "guest_login": "the probe is not logged in as a guest",
    "guest_manages": "the probe is not logged in as a guest",
    "unknown_keys": "the simulator adds no undocumented key to what a client creates",
    "unloaded_projects": "no project is without being loaded",
    **dict.fromkeys(("task_script_key", "tasks_all_projects", "hidden_tasks"), "there are no planned tasks"),
    **dict.fromkeys(("history_call", "history_order", "history_names_script"), "there are no scripts"),
}
# The test values of switches without choices.
VALUES: Mapping[str, list[Any]] = {
    "list_omits": [[], ["whitelist"], ["status", "acl", "executionTarget"], ["minCachedInstances", "name"]],
    "create_requires": [[], ["execTimeout"], ["resource", "description"], ["minCachedInstances", "execTimeout"]],
    "default_name": ["(Standard) MicroStrategy", "(Vorgabe) Strategy"],
    "duplicate_status": [400, 409, 500],
    "iserver_version": ["11.3.0960.00789"],
    "deployment_type": ["", "MCE", "MEP"],
    "python_versions": [["3.10.5"], ["3.12.1", "3.11.0"]],
    "iserver_timeout": [600, 3600],
    "session_limit": [5],
    "tomcat_timeout": [600],
    "search_page_limit": [7],
    "list_hides": [["Payroll"]],
    "status_lag": [0, 2, 5],
}
# Values that a probe distinguishes from others only together with other switches: alone, the answer is null, because
# packages are done, and responses come, at once.
VISIBLE: list[tuple[str, Any, dict[str, Any]]] = [
    ("package_first_status", "installing", {"package_delay": 3}),
    ("package_first_status", "unknown", {"package_delay": 3}),
    ("runtime_status", "follows", {"package_delay": 6}),
    ("runtime_status", "unknown_first", {"package_delay": 6}),
    ("empty_version", "resolve", {"package_delay": 3}),
    ("empty_version", "when_installed", {"package_delay": 3}),
    ("sessions_parallel", "yes", {"latency_ms": 150}),
    ("sessions_parallel", "queue", {"latency_ms": 150}),
    ("sessions_parallel", "refuse", {"latency_ms": 150}),
    ("search_missing", "404", {"search_versions": "1"}),
    ("search_missing", "405", {"search_versions": "2"}),
]
# The same answers take a different way while packages are installed.
WITH_DELAY: list[tuple[str, Any, dict[str, Any]]] = [
    ("empty_version", "keep", {"package_delay": 3}),
    ("package_outcome", "not_installed", {"package_delay": 3}),
    ("status_lag", 0, {"package_delay": 3}),
    ("status_lag", 4, {"package_delay": 3}),
    ("status_lag", 4, {"package_delay": 3, "runtime_status": "unknown_first"}),
]
# Switches that only tasks and runs of saved scripts show.
OF_TASKS = [
    *((switch, value) for switch in ("tasks_call", "history_call") for value in SWITCHES[switch].choices),
    *((switch, value) for switch in ("task_script_key", "tasks_all_projects") for value in SWITCHES[switch].choices),
    *((switch, value) for switch in ("history_order", "history_names_script") for value in SWITCHES[switch].choices),
    ("hidden_tasks", "listed"),
]
# Values that only a script shows.
WITH_SCRIPTS = [
    ("runtime_status", "all_unknown"),
    ("script_result", "last_value"),
    ("script_result", "variable"),
    ("script_result", "nothing"),
    ("script_metadata", "visible"),
    ("script_metadata", "hidden"),
    ("empty_whitelist", "nothing"),
    ("empty_whitelist", "everything"),
]
# Values that a probe never distinguishes: a search counts, and nothing that it finds is hidden.
UNSEEN = [("search_total", "found"), ("search_total", "everything")]
AMBIGUOUS = [*((switch, value) for switch, value, _more in VISIBLE), *WITH_SCRIPTS, *UNSEEN]


def values_of(switch: str) -> list[Any]:
    return VALUES.get(switch) or list(SWITCHES[switch].choices)


MOVED = [(switch, value) for switch in SWITCHES if switch not in NO_QUESTION for value in values_of(switch)]


def wrong_answers(done: Probed, sim: Simulator) -> dict[str, tuple[Any, Any]]:
    """Each wrong answer with the value of the switch."""
    switches = sim.state()["switches"]

    def comparable(value: Any) -> Any:
        return sorted(value) if isinstance(value, list) else value

    return {
        answer["switch"]: (answer["value"], switches[answer["switch"]])
        for answer in done.result["answers"]
        if answer["value"] is not None and comparable(answer["value"]) != comparable(switches[answer["switch"]])
    }


# Words that a reader had to guess at: who does what must be said.
UNCLEAR = re.compile(
    r"\b(giver|came back|come back|says so|does not say|gone|unasked|carry|carried|there after|the others?'s)\b"
)


def is_clean(done: Probed, sim: Simulator) -> None:
    assert not done.failure
    # Every switch has a question, or a reason to have none.
    assert sorted([*done.values, *NO_QUESTION]) == sorted(SWITCHES)
    assert sim.runtimes() == []
    assert sim.open_sessions() == []
    assert all(answer["evidence"] for answer in done.result["answers"])
    assert [
        answer for answer in done.result["answers"] if UNCLEAR.search(answer["question"] + answer["evidence"])
    ] == []


def test_what_a_probe_does_not_show_is_tested_elsewhere() -> None:
    files = [file for folder in ("simulator", "unit", "faults") for file in (TESTS / folder).rglob("test_*.py")]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    hidden = {*NOT_SEEN, *NO_QUESTION} - {switch for switch, _value in OF_TASKS} - {"privilege_for_reads"}
    assert [switch for switch in hidden if not re.search(rf"\b{switch}=|\"{switch}\"", text)] == []


def test_every_value_of_a_switch_is_tested() -> None:
    assert {switch for switch, _value in MOVED} == {*SWITCHES} - {*NO_QUESTION}


@pytest.mark.parametrize(("switch", "value"), MOVED, ids=str)
def test_a_switch_changed_alone_is_found_or_null_with_a_reason(sim: Simulator, switch: str, value: Any) -> None:
    sim.reset("newest", **{switch: value})
    done = probed(sim)
    assert wrong_answers(done, sim) == {}
    hidden = switch in NOT_SEEN or (switch, value) in AMBIGUOUS
    assert (done.values[switch] is None) == hidden, done.evidence[switch]
    is_clean(done, sim)


@pytest.mark.parametrize(
    ("switch", "value", "more"), [*VISIBLE, *WITH_DELAY, *((*row, None) for row in WITH_SCRIPTS)], ids=str
)
def test_a_switch_that_needs_another_or_a_script_is_found(
    sim: Simulator, switch: str, value: Any, more: dict[str, Any] | None
) -> None:
    sim.reset("newest", **{**(more or {}), switch: value})
    done = probed(sim, with_scripts(sim) if more is None else None)
    assert wrong_answers(done, sim) == {}
    assert done.values[switch] == value, done.evidence[switch]
    is_clean(done, sim)


@pytest.mark.parametrize(("switch", "value"), OF_TASKS, ids=str)
def test_tasks_and_histories(sim: Simulator, switch: str, value: Any) -> None:
    """They are only read, and what scripts printed is not requested."""
    sim.reset("newest", **{switch: value})
    for project in ("Sales", "Finance"):
        scripts = [
            {"name": f"{project} {number}", "last_run": {"time": f"{project} {number}", "status": "success"}}
            for number in range(2)
        ]
        hidden = {"name": "Hidden", "owner": "viewer", "readers": []}
        tasks = [{"script": entry["name"]} for entry in (hidden, scripts[0])]
        sim.seed(projects=[{"name": project, "scripts": [*scripts, hidden], "tasks": tasks}])
    sim.seed(projects=[{"name": "MicroStrategy Tutorial", "denies": ["admin"]}])
    before = sim.projects()
    done = probed(sim)
    assert wrong_answers(done, sim) == {}
    assert done.values[switch] == value, done.evidence[switch]
    assert all("log" not in request["query"]["fields"] for request in sim.requests(path="/scripts/history"))
    assert sim.projects() == before
    assert not done.failure


def test_few_of_many_projects_are_searched_for_scripts(sim: Simulator) -> None:
    sim.seed(projects=[{"name": f"Project {number}"} for number in range(9)])
    probed(sim)
    assert sim.calls().count("GET /metadataSearches/results") == 5


def with_scripts(sim: Simulator) -> Settings:
    return Settings(scripts=True, reach=("127.0.0.1", urlsplit(sim.base_url).port or 0))


@pytest.mark.parametrize("profile", list(PROFILES))
def test_answers_match_every_profile_and_a_server_built_from_them(sim: Simulator, profile: str, tmp_path: Path) -> None:
    sim.reset(profile, package_delay=3)
    done = probed(sim, with_scripts(sim))
    assert wrong_answers(done, sim) == {}
    is_clean(done, sim)
    assert len(done.result["profile"]) >= 36
    assert "the modules handle all of them" in done.message

    file = tmp_path / "probe.json"
    file.write_text(json.dumps({"profile": done.result["profile"]}))
    with Simulator(profile_file=file, switches={"package_delay": 3}) as second:
        again = probed(second, with_scripts(second))
    assert again.result["profile"] == done.result["profile"]


# --- users with fewer privileges


@pytest.fixture
def viewer(sim: Simulator) -> dict[str, str]:
    return {"username": "viewer", "password": sim.users["viewer"]["password"]}


@pytest.mark.parametrize("reads", ["yes", "no"])
@pytest.mark.parametrize("profile", list(PROFILES))
def test_without_the_privilege_the_probe_answers_from_reads(
    sim: Simulator, viewer: dict[str, str], profile: str, reads: str
) -> None:
    sim.reset(profile, privilege_for_reads=reads)
    done = probed(sim, **viewer)
    assert wrong_answers(done, sim) == {}
    assert done.values["privilege_for_reads"] == reads
    assert done.values["errors_wrapped"] is not None
    assert done.values["logout_scope"] == "session"
    assert done.values["create_status"] is None
    assert "The user may not create runtimes" in done.evidence["create_status"]
    assert done.result["changed"] is False
    assert len([call for call in sim.calls() if call == "POST /runtimes"]) == 1
    is_clean(done, sim)


@pytest.mark.parametrize("fault", [{"kind": "error", "number": 17, "skip": 1}, {"kind": "html"}], ids=str)
@pytest.mark.parametrize("operation", ["create", "list"])
def test_what_is_forbidden_does_not_show_the_privilege(sim: Simulator, operation: str, fault: dict[str, Any]) -> None:
    """A quota refuses after a create that was accepted; a gateway answers with a page, which has no code."""
    sim.reset("newest")
    sim.fault(operation=operation, times=None, status=403, **fault)
    if (operation, fault["kind"]) == ("list", "html"):
        sim.fault("error", operation="create", times=None, status=403, number=17)
    done = probed(sim)
    assert done.values["privilege_for_reads"] is None
    assert wrong_answers(done, sim) == {}
    is_clean(done, sim)


@pytest.mark.parametrize("manages", ["yes", "no"])
def test_a_guest_answers_for_guests(sim: Simulator, manages: str) -> None:
    sim.reset("newest", guest_manages=manages)
    done = probed(sim, username=None, password=None, login_mode="anonymous")
    assert wrong_answers(done, sim) == {}
    assert (done.values["guest_login"], done.values["guest_manages"]) == ("yes", manages)
    is_clean(done, sim)


def test_check_mode_sends_only_reads_and_reports_what_needs_writes(sim: Simulator) -> None:
    sim.reset("newest")
    done = probed(sim, Settings(check_mode=True, scripts=True))
    assert wrong_answers(done, sim) == {}
    # A search is sent as a POST but changes nothing.
    writes = [call for call in sim.calls() if not call.startswith("GET ") and "/metadataSearches/" not in call]
    assert writes == ["POST /auth/login", "POST /auth/logout"]
    assert done.values["iserver_version"] == "11.6.1000.00123"
    assert done.evidence["create_status"] == "Needs a write, which check mode does not send."
    assert done.result["changed"] is True
    is_clean(done, sim)


def test_a_shared_session_is_not_closed(sim: Simulator) -> None:
    sim.reset("newest", logout_scope="user", delegated_logout="shared")
    done = probed(sim, username=None, password=None, identity_token=sim.identity_token)
    assert wrong_answers(done, sim) == {}
    assert done.values["logout_scope"] is None
    assert done.values["create_status"] == "201"
    assert len(sim.open_sessions()) == 1
    assert sim.runtimes() == []


# --- what the modules do not handle


def test_an_answer_that_the_modules_do_not_handle_causes_a_warning(sim: Simulator) -> None:
    sim.reset("newest", cpu_format="millicores")
    done = probed(sim)
    [answer] = [entry for entry in done.result["answers"] if entry["switch"] == "cpu_format"]
    assert (answer["value"], answer["handled"]) == ("millicores", False)
    assert done.warnings == ["This server behaves in a way that the modules do not handle: cpu_format (millicores)."]
    assert done.result["msg"].endswith("the modules do not handle 1 of them: cpu_format (millicores).")
    assert done.result["profile"]["cpu_format"] == "millicores"


def test_an_unknown_behaviour_is_not_a_value_of_a_switch(sim: Simulator) -> None:
    """A duplicate is refused with a different code: two plays that create it at once would not recognize that."""
    sim.reset("newest")
    sim.fault("error", operation="create", skip=1, times=1, status=400, number=6)
    done = probed(sim)
    [answer] = [entry for entry in done.result["answers"] if entry["switch"] == "duplicate_status"]
    assert (answer["value"], answer["handled"]) == (OTHER, False)
    assert "duplicate_status" not in done.result["profile"]
    assert "duplicate_status (other)" in done.message


@pytest.mark.parametrize(("status", "code"), [(429, "ERR0016"), (503, "ERR0016")])
def test_a_busy_server_refuses_no_name(sim: Simulator, status: int, code: str) -> None:
    sim.reset("newest")
    sim.fault("unavailable", operation="create", skip=1, times=None, status=status, retry_after=1)
    done = probed(sim)
    assert done.values["duplicate_names"] is done.values["names_case"] is None
    assert done.evidence["duplicate_names"] == f"The server answered {status} {code} to POST /api/runtimes."
    is_clean(done, sim)


def test_a_deletion_of_unknown_outcome_is_no_answer(sim: Simulator) -> None:
    sim.reset("newest")
    sim.fault("error", operation="delete", status=500)
    done = probed(sim)
    assert done.values["delete_comments"] is None
    assert done.evidence["delete_comments"].startswith("The server answered 500 ERR001 to DELETE")
    is_clean(done, sim)


def test_a_failed_logout_does_not_show_what_it_ends(sim: Simulator) -> None:
    sim.reset("newest", logout_scope="user")
    sim.fault("error", operation="logout", times=None, status=500)
    done = probed(sim)
    assert done.values["logout_scope"] is None
    assert done.evidence["logout_scope"] == "The server answered 500 ERR001 to POST /api/auth/logout."


def test_the_modules_really_do_not_handle_millicores(sim: Simulator) -> None:
    from support.modules import runtime

    sim.reset("newest", cpu_format="millicores")
    for _time in range(2):
        assert runtime(sim, name="Small", resource={"cpu": 0.2}).result["changed"]


# --- what may be published


@pytest.fixture
def someones(sim: Simulator) -> str:
    """An object of a user, whose name must not appear."""
    name = "Payroll of the board"
    sim.reset("awkward", default_name="Finance Python")
    sim.seed({"name": name, "description": name, "whitelist": ["payroll.example.com"], "execTimeout": 600})
    return name


def test_answers_contain_no_host_user_object_or_secret(sim: Simulator, someones: str) -> None:
    # Errors that quote names and addresses.
    sim.fault("echo_secret", operation="update", times=3)
    sim.fault("error", operation="update", times=2, status=400, number=6, message=f"Not on {sim.base_url} by admin")
    done = probed(sim, with_scripts(sim))
    published = json.dumps({name: done.result[name] for name in ("answers", "profile", "product", "msg")})
    host = urlsplit(sim.base_url)
    ids = [runtime["id"] for runtime in sim.runtimes(default=True)]
    private = [someones, "Finance Python", "payroll", "mstr-library-probe", "Administrator", *ids, *sim.secrets()]
    assert [entry for entry in [*private, host.netloc, "127.0.0.1", "admin"] if entry in published] == []
    assert credentials(sim)["password"] not in done.message
    assert [entry["name"] for entry in sim.runtimes()] == [someones]


def test_leftovers_are_listed_and_deleted_only_on_request(sim: Simulator) -> None:
    left, others = "mstr-library-probe-0badcafe-b", "mstr-library-probe-of-somebody"
    sim.seed({"name": left}, {"name": others})
    done = probed(sim)
    assert f"Runtimes of an earlier probe are on the server: '{left}'" in done.message
    assert {runtime["name"] for runtime in sim.runtimes()} == {left, others}

    done = probed(sim, Settings(check_mode=True, cleanup=True))
    assert {runtime["name"] for runtime in sim.runtimes()} == {left, others}

    done = probed(sim, Settings(cleanup=True))
    assert [runtime["name"] for runtime in sim.runtimes()] == [others]
    assert not done.warnings


@pytest.mark.parametrize(("delay", "most_requests", "most_seconds"), [(0, 100, 15), (20, 110, 60)])
def test_time_and_requests_match_the_guide(sim: Simulator, delay: int, most_requests: int, most_seconds: int) -> None:
    sim.reset("newest", package_delay=delay)
    stop = MovedClock(sim)
    begin = stop.clock()
    done = probed(sim, stop=stop)
    assert not done.failure
    assert len(sim.requests()) <= most_requests
    assert stop.clock() - begin < most_seconds
