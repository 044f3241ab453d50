"""The switches that a probe does not show have their documented effect, and profiles match their table.

tests/probe tests all others: it compares what a probe finds with each value of a switch.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.harness import Simulator, SimulatorError
from simulator.profiles import make_switches, switches_as_markdown
from simulator.rawclient import Answer, RawClient
from simulator.switches import SwitchError
from simulator.tests.helpers import ETL, SALES, in_project, logged_in, read, run, seed_sales, start

Make = Callable[..., RawClient]
DEFAULT = "0F35652CA7D041978BF0CBCB67531203"


def test_the_readme_contains_the_table_of_switches() -> None:
    readme = Path(__file__).resolve().parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert switches_as_markdown() in readme


def test_unknown_switches_and_values() -> None:
    for profile, switches in (("samples", {"nothing": 1}), ("samples", {"names_case": "maybe"}), ("none", {})):
        with pytest.raises(SwitchError):
            make_switches(profile, switches)
    assert make_switches("samples", {"errors_wrapped": True})["errors_wrapped"] == "yes"


def test_a_refused_value_changes_no_switch(sim: Simulator) -> None:
    with pytest.raises(SimulatorError, match="session_limit"):
        sim.switch(cpu_format="number", session_limit=-1)
    assert sim.state()["switches"]["cpu_format"] == "as_sent"


# --- writes


def test_unknown_keys(with_switches: Make, sim: Simulator) -> None:
    body = {"resource": {"cpu": "0.5"}, "packages": [{"name": "a_b", "version": "2"}, {"name": "c"}]}
    for how in ("kept", "dropped"):
        client = with_switches(unknown_keys=how)
        seed = {"name": "R", "resource": {"cpu": "0.2", "gpu": 2}, "packages": [{"name": "a-b", "index": "own"}]}
        [runtime_id] = sim.seed(seed)
        assert read(client, runtime_id)["resource"] == {"cpu": "0.2", "gpu": 2}
        for _again in range(2):
            assert client.call("PATCH", f"/runtimes/{runtime_id}", {"name": "R", **body}).status == 204
            found = read(client, runtime_id)
            assert found["resource"].get("gpu") == (2 if how == "kept" else None)
            assert [package.get("index") for package in found["packages"]] == (
                ["own", None] if how == "kept" else [None, None]
            )


# --- sessions


def test_session_limit(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(session_limit=1)
    refused = RawClient(sim.base_url).login(sim.username, sim.password)
    assert (refused.status, refused.error["code"]) == (401, "ERR003")
    # A delegated session shares a session that already counts; a different user has a separate limit.
    token = client.call("POST", "/auth/identityToken").headers["X-MSTR-IdentityToken"]
    assert RawClient(sim.base_url).delegate(token).status == 204
    assert logged_in(sim, "ldap.admin")


@pytest.mark.parametrize("switch", ["tomcat_timeout", "iserver_timeout"])
def test_timeouts(with_switches: Make, sim: Simulator, switch: str) -> None:
    client = with_switches(**{switch: 60})
    assert client.call("GET", "/sessions").json["timeout"] == (60 if switch == "iserver_timeout" else 1800)
    sim.turn_clock(30)
    assert client.call("GET", "/runtimes").status == 200
    sim.turn_clock(61)
    assert client.call("GET", "/runtimes").error["code"] == "ERR009"


# --- scripts


def test_script_start_delay_and_evaluation_ttl(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(script_start_delay=1000, evaluation_ttl=60)
    evaluation = start(client, "1")
    assert client.call("GET", f"/scripts/evaluation/{evaluation}").json["status"] == 0
    sim.switch(script_start_delay=0.1)
    done = run(client, "1")
    sim.turn_clock(61)
    assert client.call("GET", f"/scripts/evaluation/{done['id']}").error["code"] == "ERR004"


def test_script_time_limit_and_script_memory_mb(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(script_time_limit=0.5, script_memory_mb=128)
    answer = run(client, "while True: pass")
    assert (answer["status"], answer["results"]["output"]) == (5, "null")
    sim.switch(script_time_limit=600)
    answer = run(client, "x = bytearray(200 * 1024 * 1024)")
    assert answer["status"] == 4
    assert "MemoryError" in answer["results"]["stderr"]


# --- projects and the scripts saved in them


def test_script_without_runtime(with_switches: Make, sim: Simulator) -> None:
    shown = {"left_out": "nothing", "null": None, "empty": "", "default_id": DEFAULT}
    for how, wanted in shown.items():
        client = with_switches(script_without_runtime=how)
        seed_sales(sim)
        assert in_project(client, "GET", f"/scripts/{2:032X}").json.get("scriptRuntimeId", "nothing") == wanted
        assert in_project(client, "GET", f"/scripts/{1:032X}").json["scriptRuntimeId"] == ETL


def test_search_finds_hidden_and_search_total(with_switches: Make, sim: Simulator) -> None:
    for finds, total, found, counted in (
        ("no", "found", 3, 3),
        ("no", "everything", 3, 4),
        ("no", "left_out", 3, None),
        ("yes", "found", 4, 4),
    ):
        client = with_switches(search_finds_hidden=finds, search_total=total)
        seed_sales(sim)
        answer = in_project(client, "POST", "/v2/metadataSearches/results", {}, type="76").json
        page = in_project(client, "GET", "/metadataSearches/results", searchId=answer["id"]).json
        assert (len(page), answer.get("totalItems")) == (found, counted)


def test_search_page_limit(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(search_page_limit=1)
    seed_sales(sim)
    answer = in_project(client, "POST", "/v2/metadataSearches/results", {}, type="76").json
    page = in_project(client, "GET", "/metadataSearches/results", searchId=answer["id"], limit="-1", offset="1").json
    assert [entry["name"] for entry in page] == ["Clean up"]


def move(client: RawClient, runtime: str = ETL, number: int = 2) -> Answer:
    """Assign a runtime to a script."""
    read = in_project(client, "GET", f"/objects/{number:032X}", type="76").json
    [folder] = [ancestor["id"] for ancestor in read["ancestors"] if ancestor["level"] == 1]
    body = {"name": read["name"], "folderId": folder, "scriptRuntimeId": runtime}
    return in_project(client, "PUT", f"/scripts/{number:032X}", body)


def test_unloaded_projects_and_unloaded_answer(with_switches: Make, sim: Simulator) -> None:
    for how, answer, names in (
        ("listed", 500, ["MicroStrategy Tutorial", "Archive"]),
        ("listed", 403, ["MicroStrategy Tutorial", "Archive"]),
        ("left_out", 404, ["MicroStrategy Tutorial"]),
    ):
        client = with_switches(unloaded_projects=how, unloaded_answer=str(answer))
        sim.seed(projects=[{"name": "Archive", "id": SALES, "loaded": False}])
        listed = client.call("GET", "/projects").json
        assert [project["name"] for project in listed] == names
        assert in_project(client, "POST", "/v2/metadataSearches/results", {}, type="76").status == answer


def read_hidden(sim: Simulator) -> Answer:
    """Read a runtime that an ACL hides from the caller."""
    acl = [{"deny": True, "rights": 255, "trusteeId": sim.users["restricted"]["id"]}]
    [hidden] = sim.seed({"name": "Hidden", "acl": acl})
    return logged_in(sim, "restricted").call("GET", f"/runtimes/{hidden}")


CALLS: dict[str, Callable[[Simulator, RawClient], Answer]] = {
    "default_delete": lambda _, client: client.call("DELETE", f"/runtimes/{DEFAULT}"),
    "guest_login": lambda sim, _: RawClient(sim.base_url).login(mode=8),
    "guest_manages": lambda sim, _: logged_in(sim, "guest").call("GET", "/runtimes"),
    "hidden_read": lambda sim, _: read_hidden(sim),
    "hidden_script": lambda _, client: in_project(client, "GET", f"/scripts/{4:032X}"),
    "script_put_answer": lambda _, client: move(client, number=1),
    "script_put_needs": lambda sim, _: move(logged_in(sim, "viewer"), number=1),
    "script_put_running": lambda _, client: move(client),
    "script_put_runtime": lambda _, client: move(client, "D" * 32),
    "used_runtime_delete": lambda _, client: client.call("DELETE", f"/runtimes/{ETL}"),
}


@pytest.mark.parametrize(
    ("switch", "answers"),
    [
        ("default_delete", {"allow": "204", "refuse": "403 ERR0017"}),
        ("guest_login", {"yes": "204", "no": "401 ERR003"}),
        ("guest_manages", {"yes": "200", "no": "403 ERR0014"}),
        ("hidden_read", {"forbidden": "403 ERR0017", "not_found": "404 ERR004"}),
        ("hidden_script", {"forbidden": "403 ERR0017", "not_found": "404 ERR004"}),
        ("script_put_answer", {"empty": "204", "object": "200"}),
        ("script_put_needs", {"right": "204", "privilege": "403 ERR0014"}),
        ("script_put_running", {"allow": "204", "refuse": "400 ERR001"}),
        ("script_put_runtime", {"keep": "204", "refuse": "404 ERR004"}),
        ("used_runtime_delete", {"allow": "204", "refuse": "400 ERR001"}),
    ],
)
def test_answer_to_a_call(with_switches: Make, sim: Simulator, switch: str, answers: dict[str, str]) -> None:
    for value, wanted in answers.items():
        client = with_switches(**{switch: value})
        seed_sales(sim)
        answer = CALLS[switch](sim, client)
        error = f" {answer.error['code']}" if answer.status >= 400 else ""
        assert f"{answer.status}{error}" == wanted, value
