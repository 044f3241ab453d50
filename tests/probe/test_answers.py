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
from simulator.harness import Simulator
from simulator.profiles import PROFILES, SWITCHES, TABLE
from support.modules import credentials

from probe.probing import MovedClock, Probed, Settings, probed

# Switches that the probe does not ask for; the table says why.
NO_QUESTION = re.findall(r"`(\w+)`", TABLE.read_text(encoding="utf-8").partition("## What the probe does not ask")[2])
# Switches that only tasks show.
OF_TASKS = [(switch, value) for switch in ("tasks_call", "task_script_key") for value in SWITCHES[switch].choices]
# Questions that a probe with all privileges never answers.
NOT_SEEN = {
    "privilege_for_reads": "only a user without the privilege sees it",
    "search_uses_object": "there are no scripts",
    "task_script_key": "there are no planned tasks",
}
# The test values of switches without choices.
VALUES: Mapping[str, list[Any]] = {
    "list_omits": [[], ["whitelist"], ["status", "acl", "executionTarget"], ["minCachedInstances", "name"]],
    "create_requires": [[], ["execTimeout"], ["resource", "description"], ["minCachedInstances", "execTimeout"]],
    "duplicate_status": [400, 409, 500],
    "python_versions": [["3.12.4"], ["3.12.1", "3.11.0"]],
    "iserver_timeout": [600, 3600],
    "status_lag": [0, 2, 5],
}
ALONE = [
    (switch, value)
    for switch in SWITCHES
    if switch not in NO_QUESTION
    for value in VALUES.get(switch) or SWITCHES[switch].choices
]
SCRIPTS = {"scripts": True}
# Values that a probe distinguishes from others only together with other switches, or by a script: alone, packages are
# done, and responses come, at once.
TOGETHER: list[tuple[str, Any, dict[str, Any]]] = [
    ("package_first_status", "installing", {"package_delay": 3}),
    ("package_first_status", "unknown", {"package_delay": 3}),
    ("runtime_status", "follows", {"package_delay": 6}),
    ("runtime_status", "unknown_first", {"package_delay": 6}),
    ("empty_version", "resolve", {"package_delay": 3}),
    ("empty_version", "when_installed", {"package_delay": 3}),
    *(("sessions_parallel", value, {"latency_ms": 150}) for value in SWITCHES["sessions_parallel"].choices),
    ("runtime_status", "all_unknown", SCRIPTS),
    *(("script_metadata", value, SCRIPTS) for value in ("visible", "hidden")),
    *(("empty_whitelist", value, SCRIPTS) for value in ("nothing", "everything")),
]
# The same answers take a different way while packages are installed.
WITH_DELAY: list[tuple[str, Any, dict[str, Any]]] = [
    ("empty_version", "keep", {"package_delay": 3}),
    ("package_outcome", "not_installed", {"package_delay": 3}),
    ("status_lag", 0, {"package_delay": 3}),
    ("status_lag", 4, {"package_delay": 3}),
    ("status_lag", 4, {"package_delay": 3, "runtime_status": "unknown_first"}),
]
NEVER_ALONE = [row[:2] for row in TOGETHER]


def wrong_answers(done: Probed, sim: Simulator) -> dict[str, tuple[Any, Any]]:
    """Each wrong answer with the value of the switch."""
    switches = sim.state()["switches"]

    def comparable(value: Any) -> Any:
        return sorted(value) if isinstance(value, list) else value

    return {
        switch: (value, switches[switch])
        for switch, value in done.values.items()
        if value is not None and comparable(value) != comparable(switches[switch])
    }


def verify(done: Probed, sim: Simulator, **expected: Any) -> None:
    """Check that every answer is right or null with a reason, that these are as expected, and that nothing is left."""
    assert not done.failure
    assert wrong_answers(done, sim) == {}
    assert {switch: done.values[switch] for switch in expected} == expected
    # Every switch has a question, or the table says why not.
    assert sorted([*done.values, *NO_QUESTION]) == sorted(SWITCHES)
    assert all(done.evidence.values())
    assert sim.runtimes() == []
    assert sim.open_sessions() == []


def with_scripts(sim: Simulator) -> Settings:
    return Settings(scripts=True, reach=("127.0.0.1", urlsplit(sim.base_url).port or 0))


@pytest.mark.parametrize(("switch", "value"), ALONE, ids=str)
def test_switch_changed_alone(sim: Simulator, switch: str, value: Any) -> None:
    """It is found, or null with a reason."""
    sim.reset("newest", **{switch: value})
    done = probed(sim)
    verify(done, sim)
    hidden = switch in NOT_SEEN or (switch, value) in NEVER_ALONE
    assert (done.values[switch] is None) == hidden, done.evidence[switch]


@pytest.mark.parametrize(("switch", "value", "more"), [*TOGETHER, *WITH_DELAY], ids=str)
def test_switch_with_another(sim: Simulator, switch: str, value: Any, more: dict[str, Any]) -> None:
    sim.reset("newest", **{**(more if more != SCRIPTS else {}), switch: value})
    verify(probed(sim, with_scripts(sim) if more == SCRIPTS else None), sim, **{switch: value})


@pytest.mark.parametrize(("switch", "value"), OF_TASKS)
def test_tasks(sim: Simulator, switch: str, value: Any) -> None:
    """They are only read, also if only a later project has any."""
    sim.reset("newest", **{switch: value})
    scripts = [{"name": "Load"}, {"name": "Hidden", "owner": "viewer", "readers": []}]
    tasks = [{"script": "Load"}, {"script": "Hidden"}]
    sim.seed(projects=[{"name": "Empty"}, {"name": "Sales", "scripts": scripts, "tasks": tasks}])
    sim.seed(projects=[{"name": "MicroStrategy Tutorial", "denies": ["admin"]}])
    before = sim.projects()
    verify(probed(sim), sim, **{switch: value})
    assert sim.projects() == before


@pytest.mark.parametrize("how", SWITCHES["search_uses_object"].choices)
def test_search_for_the_scripts_of_a_runtime(sim: Simulator, how: str) -> None:
    """It reads no script. That nothing is found is no answer: all scripts may run on the default runtime."""
    sim.reset("newest", search_uses_object=how)
    scripts = [{"name": "Load", "runtime": "Reports"}, {"name": "Other", "runtime": "Trial"}, {"name": "None"}]
    sim.seed(
        {"name": "Empty"}, {"name": "Reports"}, {"name": "Trial"}, projects=[{"name": "Sales", "scripts": scripts}]
    )
    done = probed(sim)
    assert wrong_answers(done, sim) == {}
    assert done.values["search_uses_object"] == (None if how == "nothing" else how), done.evidence
    assert not any(call.startswith("GET /scripts/") for call in sim.calls())


def test_few_projects_searched_for_scripts(sim: Simulator) -> None:
    sim.seed(projects=[{"name": f"Project {number}"} for number in range(9)])
    probed(sim)
    assert sim.calls().count("GET /metadataSearches/results") == 5


@pytest.mark.parametrize("profile", list(PROFILES))
def test_profile_and_server_built_from_answers(sim: Simulator, profile: str, tmp_path: Path) -> None:
    sim.reset(profile, package_delay=3)
    done = probed(sim, with_scripts(sim))
    verify(done, sim)
    assert len(done.result["profile"]) >= 20
    assert "the modules handle all of them" in done.message

    file = tmp_path / "probe.json"
    file.write_text(json.dumps({"profile": done.result["profile"]}))
    with Simulator(profile_file=file, switches={"package_delay": 3}) as second:
        again = probed(second, with_scripts(second))
    assert again.result["profile"] == done.result["profile"]


# --- users with fewer privileges


@pytest.mark.parametrize("reads", ["yes", "no"])
@pytest.mark.parametrize("profile", list(PROFILES))
def test_user_without_the_privilege(sim: Simulator, profile: str, reads: str) -> None:
    sim.reset(profile, privilege_for_reads=reads)
    done = probed(sim, username="viewer", password=sim.users["viewer"]["password"])
    verify(done, sim, privilege_for_reads=reads, logout_scope="session", create_requires=None)
    assert "The user may not create runtimes" in done.evidence["create_requires"]
    assert done.result["changed"] is False
    assert sim.calls().count("POST /runtimes") == 1


@pytest.mark.parametrize("fault", [{"kind": "error", "number": 17, "skip": 1}, {"kind": "html"}], ids=str)
@pytest.mark.parametrize("operation", ["create", "list"])
def test_forbidden_without_the_privilege(sim: Simulator, operation: str, fault: dict[str, Any]) -> None:
    """A quota refuses after a create that was accepted; a gateway answers with a page, which has no code."""
    sim.reset("newest")
    sim.fault(operation=operation, times=None, status=403, **fault)
    if (operation, fault["kind"]) == ("list", "html"):
        sim.fault("error", operation="create", times=None, status=403, number=17)
    verify(probed(sim), sim, privilege_for_reads=None)


def test_check_mode_only_reads(sim: Simulator) -> None:
    sim.reset("newest")
    done = probed(sim, Settings(check_mode=True, scripts=True))
    verify(done, sim, python_versions=["3.10.5", "3.11.9", "3.12.4", "3.13.1"])
    # A search is sent as a POST but changes nothing.
    writes = [call for call in sim.calls() if not call.startswith("GET ") and "/metadataSearches/" not in call]
    assert writes == ["POST /auth/login", "POST /auth/logout"]
    assert done.evidence["create_requires"] == "Needs a write, which check mode does not send."
    assert done.result["changed"] is True


def test_shared_session_not_closed(sim: Simulator) -> None:
    sim.reset("newest", logout_scope="user", delegated_logout="shared")
    done = probed(sim, username=None, password=None, identity_token=sim.identity_token)
    assert wrong_answers(done, sim) == {}
    assert (done.values["logout_scope"], done.values["create_requires"]) == (None, [])
    assert len(sim.open_sessions()) == 1


# --- refusals that are no answers


@pytest.mark.parametrize(
    ("fault", "switch", "evidence"),
    [
        ({"kind": "unavailable", "operation": "create", "skip": 2, "status": 429, "retry_after": 1},
         "duplicate_names", "The server answered 429 ERR0016 to POST /api/runtimes."),
        ({"kind": "unavailable", "operation": "create", "skip": 2, "status": 503, "retry_after": 1},
         "names_case", "The server answered 503 ERR0016 to POST /api/runtimes."),
        ({"kind": "error", "operation": "delete", "status": 500},
         "delete_comments", "The server answered 500 ERR001 to DELETE /api/runtimes/ID."),
        ({"kind": "error", "operation": "found", "status": 404, "number": 4},
         "search_uses_object", "The server answered 404 ERR004 to GET /api/metadataSearches/results."),
    ],
    ids=str,
)  # fmt: skip
def test_refused_for_another_reason(sim: Simulator, fault: dict[str, Any], switch: str, evidence: str) -> None:
    """A server that is busy refuses no name; an error of unknown outcome is no answer."""
    sim.reset("newest")
    sim.fault(times=None if fault["operation"] == "create" else 1, **fault)
    done = probed(sim)
    verify(done, sim, **{switch: None})
    assert done.evidence[switch] == evidence


@pytest.mark.parametrize(("work", "value"), [("none", "no"), ("before", None)])
def test_update_refused_with_500(sim: Simulator, work: str, value: str | None) -> None:
    """It is a refusal if the runtime did not change."""
    sim.reset("newest")
    sim.fault("error", operation="update", times=None, status=500, work=work)
    assert probed(sim).values["change_journal"] == value


@pytest.mark.parametrize("status", [400, 500])
def test_failed_logout_shows_nothing(sim: Simulator, status: int) -> None:
    sim.reset("newest", logout_scope="user")
    sim.fault("error", operation="logout", times=None, status=status)
    done = probed(sim)
    for switch in ("logout_scope", "delegated_logout"):
        assert done.values[switch] is None
        assert done.evidence[switch] == f"The server answered {status} ERR001 to POST /api/auth/logout."


# --- what the modules do not handle


def test_answer_that_is_not_handled(sim: Simulator) -> None:
    sim.reset("newest", cpu_format="millicores")
    done = probed(sim)
    [answer] = [entry for entry in done.result["answers"] if entry["switch"] == "cpu_format"]
    assert (answer["value"], answer["handled"]) == ("millicores", False)
    assert done.warnings == ["This server behaves in a way that the modules do not handle: cpu_format (millicores)."]
    assert done.result["msg"].endswith("the modules do not handle 1 of them: cpu_format (millicores).")
    assert done.result["profile"]["cpu_format"] == "millicores"


def test_unknown_behaviour(sim: Simulator) -> None:
    """A duplicate is refused with a different code: two plays that create it at once would not recognize that."""
    sim.reset("newest")
    sim.fault("error", operation="create", skip=2, times=1, status=400, number=6)
    done = probed(sim)
    [answer] = [entry for entry in done.result["answers"] if entry["switch"] == "duplicate_status"]
    assert (answer["value"], answer["handled"]) == (OTHER, False)
    assert "duplicate_status" not in done.result["profile"]
    assert "duplicate_status (other)" in done.message


# --- what may be published


def test_no_host_user_object_or_secret(sim: Simulator) -> None:
    someones = "Payroll of the board"
    sim.reset("awkward", default_name="Finance Python")
    sim.seed({"name": someones, "description": someones, "whitelist": ["payroll.example.com"], "execTimeout": 600})
    # Errors that quote names and addresses.
    sim.fault("echo_secret", operation="update", times=3)
    sim.fault("error", operation="update", times=2, status=400, number=6, message=f"Not on {sim.base_url} by admin")
    done = probed(sim, with_scripts(sim))
    published = json.dumps({name: done.result[name] for name in ("answers", "profile", "product", "msg")})
    ids = [runtime["id"] for runtime in sim.runtimes(default=True)]
    private = [someones, "Finance Python", "payroll", "mstr-library-probe", "Administrator", *ids, *sim.secrets()]
    private += [urlsplit(sim.base_url).netloc, "127.0.0.1", "admin"]
    assert [entry for entry in private if entry in published] == []
    assert credentials(sim)["password"] not in done.message
    assert [entry["name"] for entry in sim.runtimes()] == [someones]


def test_leftovers_deleted_only_on_request(sim: Simulator) -> None:
    left, others = "mstr-library-probe-0badcafe-b", "mstr-library-probe-of-somebody"
    sim.seed({"name": left}, {"name": others})
    assert f"Runtimes of an earlier probe are on the server: '{left}'" in probed(sim).message
    probed(sim, Settings(check_mode=True, cleanup=True))
    assert {runtime["name"] for runtime in sim.runtimes()} == {left, others}
    assert not probed(sim, Settings(cleanup=True)).warnings
    assert [runtime["name"] for runtime in sim.runtimes()] == [others]


@pytest.mark.parametrize(("delay", "most_requests", "most_seconds"), [(0, 80, 15), (20, 90, 60)])
def test_time_and_requests_of_the_guide(sim: Simulator, delay: int, most_requests: int, most_seconds: int) -> None:
    sim.reset("newest", package_delay=delay)
    stop = MovedClock(sim)
    begin = stop.clock()
    assert not probed(sim, stop=stop).failure
    assert len(sim.requests()) <= most_requests
    assert stop.clock() - begin < most_seconds
