# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each switch has its documented effect, and profiles match their table."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from simulator.harness import Simulator, SimulatorError
from simulator.profiles import PROFILES, SWITCHES, make_switches, switches_as_markdown
from simulator.rawclient import RawClient
from simulator.switches import SwitchError
from simulator.tests.helpers import SAMPLE, create, read, run, start

Make = Callable[..., RawClient]
DEFAULT = "0F35652CA7D041978BF0CBCB67531203"


def listed(client: RawClient) -> list[dict[str, Any]]:
    answer = client.call("GET", "/runtimes")
    assert answer.status == 200, answer.body
    return list(answer.json["runtimes"])


def test_every_switch_is_tested_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    untested = [name for name in SWITCHES if not re.search(rf"\b{name}=|\"{name}\"", text)]
    assert untested == []


def test_the_readme_contains_the_table_of_switches() -> None:
    readme = Path(__file__).resolve().parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert switches_as_markdown() in readme


@pytest.mark.parametrize("profile", list(PROFILES))
def test_every_profile_starts_and_accepts_the_sample(with_switches: Make, profile: str) -> None:
    client = with_switches(profile)
    runtime_id = create(client)
    found = read(client, runtime_id)
    assert (found["name"], found["whitelist"]) == ("Test Runtime", ["10.10.10.0/24"])
    assert client.call("PATCH", f"/runtimes/{runtime_id}", {"name": "Other", "execTimeout": 60}).status == 204
    assert {entry["id"] for entry in listed(client)} == {DEFAULT, runtime_id}
    assert client.call("DELETE", f"/runtimes/{runtime_id}").status == 204
    assert client.logout().status == 204


def test_unknown_switches_and_values() -> None:
    for profile, switches in (("samples", {"nothing": 1}), ("samples", {"names_case": "maybe"}), ("none", {})):
        with pytest.raises(SwitchError):
            make_switches(profile, switches)
    assert make_switches("samples", {"errors_wrapped": True})["errors_wrapped"] == "yes"


def test_a_refused_value_changes_no_switch(sim: Simulator) -> None:
    with pytest.raises(SimulatorError, match="session_limit"):
        sim.switch(cpu_format="number", session_limit=-1)
    assert sim.state()["switches"]["cpu_format"] == "as_sent"


# --- lists and objects


def test_list_omits(with_switches: Make) -> None:
    client = with_switches(list_omits="packages,others")
    runtime_id = create(client)
    for entry in listed(client):
        assert not {"packages", "others"} & set(entry)
        assert {"whitelist", "resource"} <= set(entry)
    assert {"packages", "others"} <= set(read(client, runtime_id))


def test_list_hides(with_switches: Make) -> None:
    client = with_switches(list_hides="Test Runtime,Another")
    runtime_id = create(client)
    assert [entry["id"] for entry in listed(client)] == [DEFAULT]
    assert read(client, runtime_id)["name"] == "Test Runtime"
    assert client.call("PATCH", f"/runtimes/{runtime_id}", {"name": "Shown"}).status == 204
    assert [entry["id"] for entry in listed(client)] == [DEFAULT, runtime_id]


def test_list_order(with_switches: Make, sim: Simulator) -> None:
    client = with_switches("samples")
    for name in ("B", "C", "A", "E", "D"):
        create(client, name=name)

    def order(how: str) -> str:
        sim.switch(list_order=how)
        return "".join(entry["name"] for entry in listed(client) if entry["id"] != DEFAULT)

    assert [order(how) for how in ("creation", "reversed", "name")] == ["BCAED", "DEACB", "ABCDE"]
    assert len({order("shuffled") for _ in range(10)}) > 1


def test_field_order(with_switches: Make) -> None:
    blocks = ["10.0.2.0/24", "10.0.1.0/24", "10.0.3.0/24"]
    client = with_switches(field_order="sorted")
    assert read(client, create(client, whitelist=blocks))["whitelist"] == sorted(blocks)
    client = with_switches(field_order="reversed")
    found = read(client, create(client, whitelist=blocks, packages=[{"name": "b"}, {"name": "a"}]))
    assert found["whitelist"] == blocks[::-1]
    assert [p["name"] for p in found["packages"]] == ["a", "b"]
    client = with_switches(field_order="shuffled")
    runtime_id = create(client, whitelist=blocks)
    assert len({str(read(client, runtime_id)["whitelist"]) for _ in range(20)}) > 1


def test_unset_fields(with_switches: Make) -> None:
    shapes = {
        "absent": {},
        "null": dict.fromkeys(("description", "whitelist", "resource", "minCachedInstances")),
        "null_text": {"description": None},
        "defaults": {
            "description": "",
            "whitelist": [],
            "resource": {"cpu": "0.5", "mem": 512},
            "minCachedInstances": 0,
        },
    }
    for how, wanted in shapes.items():
        client = with_switches(unset_fields=how)
        created = client.call("POST", "/runtimes", {"name": "Bare"}).json["id"]
        found = read(client, created)
        names = ("description", "whitelist", "resource", "minCachedInstances")
        assert {name: found[name] for name in names if name in found} == wanted, how


def test_cpu_format(with_switches: Make) -> None:
    for how, shown in {"as_sent": "0.2", "two_decimals": "0.20", "number": 0.2, "millicores": "200m"}.items():
        client = with_switches(cpu_format=how)
        assert read(client, create(client))["resource"] == {"cpu": shown, "mem": 512}


def test_default_name_and_default_delete(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(default_name="(Standard) MicroStrategy")
    assert [entry["name"] for entry in listed(client)] == ["(Standard) MicroStrategy"]
    assert client.call("DELETE", f"/runtimes/{DEFAULT}").status == 403
    sim.switch(default_delete="allow")
    assert client.call("DELETE", f"/runtimes/{DEFAULT}").status == 204


# --- writes


def test_create_status_and_create_answer(with_switches: Make) -> None:
    client = with_switches(create_status="201", create_answer="object")
    answer = client.call("POST", "/runtimes", SAMPLE)
    assert answer.status == 201
    assert answer.json["whitelist"] == ["10.10.10.0/24"]
    client = with_switches()
    answer = client.call("POST", "/runtimes", SAMPLE)
    assert (answer.status, list(answer.json)) == (200, ["id"])


def test_create_requires_and_patch_needs_name(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(create_requires="execTimeout,description")
    refused = client.call("POST", "/runtimes", {"name": "A", "execTimeout": 600})
    assert (refused.status, refused.error["code"]) == (400, "ERR005")
    runtime_id = create(client)
    assert client.call("PATCH", f"/runtimes/{runtime_id}", {"execTimeout": 5}).error["code"] == "ERR005"
    sim.switch(patch_needs_name="no")
    assert client.call("PATCH", f"/runtimes/{runtime_id}", {"execTimeout": 5}).status == 204


def test_patch_resource(with_switches: Make) -> None:
    for how, wanted in {"replace": {"mem": 1024}, "merge": {"cpu": "0.2", "mem": 1024}}.items():
        client = with_switches(patch_resource=how)
        runtime_id = create(client)
        client.call("PATCH", f"/runtimes/{runtime_id}", {"name": "Test Runtime", "resource": {"mem": 1024}})
        assert read(client, runtime_id)["resource"] == wanted


def test_zero_counts(with_switches: Make) -> None:
    client = with_switches(zero_counts="omit")
    found = read(client, create(client, minCachedInstances=0, maxCachedInstances=5))
    assert "minCachedInstances" not in found
    assert found["maxCachedInstances"] == 5
    client = with_switches("samples")
    assert read(client, create(client, minCachedInstances=0))["minCachedInstances"] == 0


def test_names_whitespace(with_switches: Make) -> None:
    for how, kept in (("trim", "Etl"), ("keep", " Etl ")):
        client = with_switches(names_whitespace=how)
        runtime_id = create(client, name=" Etl ")
        assert read(client, runtime_id)["name"] == kept
        assert client.call("PATCH", f"/runtimes/{runtime_id}", {"name": "Load "}).status == 204
        assert read(client, runtime_id)["name"] == ("Load" if how == "trim" else "Load ")
    client = with_switches(names_whitespace="trim")
    create(client, name="Etl")
    assert client.call("POST", "/runtimes", {"name": "Etl "}).status == 409


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
            assert [one.get("index") for one in found["packages"]] == (["own", None] if how == "kept" else [None, None])


def test_duplicate_names_names_case_and_duplicate_status(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(duplicate_status=400)
    runtime_id = create(client, name="Etl")
    refused = client.call("POST", "/runtimes", {**SAMPLE, "name": "Etl"})
    assert (refused.status, refused.error["code"]) == (400, "ERR0015")
    other = create(client, name="ETL")
    sim.switch(names_case="insensitive")
    assert client.call("POST", "/runtimes", {**SAMPLE, "name": "etl"}).error["code"] == "ERR0015"
    # A runtime is not a duplicate of itself.
    assert client.call("PATCH", f"/runtimes/{runtime_id}", {"name": "Etl"}).status == 204
    assert client.call("PATCH", f"/runtimes/{other}", {"name": "Etl"}).error["code"] == "ERR0015"
    sim.switch(duplicate_names="allow")
    create(client, name="Etl")
    assert [r["name"] for r in sim.runtimes()] == ["Etl", "ETL", "Etl"]


@pytest.mark.parametrize(
    ("switches", "sent", "kept"),
    [
        ({"cidr_host_bits": "keep"}, "10.10.10.7/24", "10.10.10.7/24"),
        ({"cidr_host_bits": "clear"}, "10.10.10.7/24", "10.10.10.0/24"),
        ({"cidr_host_bits": "clear"}, "2001:DB8::1/32", "2001:db8::/32"),
        ({"cidr_host_bits": "refuse"}, "10.10.10.7/24", None),
        ({"cidr_host_bits": "refuse"}, "10.10.10.0/24", "10.10.10.0/24"),
        ({"cidr_bare_address": "keep"}, "10.10.10.7", "10.10.10.7"),
        ({"cidr_bare_address": "suffix"}, "10.10.10.7", "10.10.10.7/32"),
        ({"cidr_bare_address": "suffix"}, "2001:db8::7", "2001:db8::7/128"),
        ({"cidr_bare_address": "refuse"}, "10.10.10.7", None),
        ({"cidr_spelling": "keep"}, "2001:DB8::/32", "2001:DB8::/32"),
        ({"cidr_spelling": "canonical"}, "2001:DB8:0::/32", "2001:db8::/32"),
        ({"cidr_host_names": "keep"}, "db.example.com", "db.example.com"),
        ({"cidr_host_names": "refuse"}, "db.example.com", None),
        ({"cidr_host_names": "keep"}, "10.0.0.0/33", None),
        ({"cidr_host_names": "keep"}, "10.0.0.300", None),
    ],
)
def test_whitelists(with_switches: Make, switches: dict[str, str], sent: str, kept: str | None) -> None:
    client = with_switches(**switches)
    answer = client.call("POST", "/runtimes", {"name": "A", "whitelist": [sent]})
    if kept is None:
        assert (answer.status, answer.error["code"]) == (400, "ERR006")
    else:
        assert read(client, answer.json["id"])["whitelist"] == [kept]


def test_empty_whitelist(with_switches: Make) -> None:
    code = (
        "import socket\ntry:\n    socket.create_connection(('127.0.0.1', 9), 1)\n"
        "except OSError as error:\n    result = str(error)"
    )
    for how, refused in (("nothing", True), ("everything", False)):
        client = with_switches(empty_whitelist=how)
        answer = run(client, code, create(client, whitelist=[]))
        assert ("whitelist" in answer["results"]["output"]) is refused, answer


# --- packages and status


def test_package_outcome_package_start_and_package_delay(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(package_delay=60, package_first_status="unknown", package_outcome="not_installed")
    runtime_id = create(client)
    found = read(client, runtime_id)
    assert (found["status"], found["packages"][0]["status"]) == ("busy", "unknown")
    sim.turn_clock(61)
    found = read(client, runtime_id)
    assert found["status"] == "error"
    assert found["packages"] == [{**SAMPLE["packages"][0], "status": "not_installed", "message": "Return code: 1."}]


def test_mstrio_unasked(with_switches: Make) -> None:
    def names(client: RawClient, runtime_id: str) -> list[str]:
        return [p["name"] for p in read(client, runtime_id)["packages"]]

    wanted = {"no": (["numpy"], ["scipy"]), "on_create": (["numpy", "mstrio-py"], ["scipy"])}
    wanted["always"] = (["numpy", "mstrio-py"], ["scipy", "mstrio-py"])
    for how, (created, updated) in wanted.items():
        client = with_switches(mstrio_py_added=how)
        runtime_id = create(client, packages=[{"name": "numpy"}])
        assert names(client, runtime_id) == created, how
        client.call("PATCH", f"/runtimes/{runtime_id}", {"name": "Test Runtime", "packages": [{"name": "scipy"}]})
        assert names(client, runtime_id) == updated, how
        assert names(client, create(client, name="B", packages=[{"name": "Mstrio_Py"}])) == ["Mstrio_Py"]


def test_empty_version(with_switches: Make, sim: Simulator) -> None:
    for how, early, late in (("keep", "", ""), ("resolve", "2.1.3", "2.1.3"), ("when_installed", "", "2.1.3")):
        client = with_switches(empty_version=how, package_delay=60)
        runtime_id = create(client, packages=[{"name": "numpy"}])
        assert read(client, runtime_id)["packages"][0]["version"] == early
        sim.turn_clock(61)
        assert read(client, runtime_id)["packages"][0]["version"] == late


def test_runtime_status(with_switches: Make, sim: Simulator) -> None:
    courses = {
        "follows": ["busy", "busy", "ready", "ready"],
        "unknown_first": ["unknown", "busy", "ready", "ready"],
        "stays_unknown": ["unknown", "unknown", "unknown", "ready"],
        "all_unknown": ["unknown", "unknown", "unknown", "ready"],
    }
    for how, course in courses.items():
        client = with_switches(runtime_status=how, package_delay=60)
        runtime_id = create(client)
        seen = [read(client, runtime_id)["status"]]
        for seconds in (40, 40):
            sim.turn_clock(seconds)
            seen.append(read(client, runtime_id)["status"])
        package = read(client, runtime_id)["packages"][0]["status"]
        assert package == ("unknown" if how == "all_unknown" else "installed")
        run(client, "1", runtime_id)
        assert [*seen, read(client, runtime_id)["status"]] == course, how


def test_status_lag(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(status_lag=10, package_delay=60)
    runtime_id = create(client, packages=[{"name": "pandas", "version": "", "description": ""}])
    assert read(client, runtime_id)["status"] == "busy", "a create has no older status"
    sim.turn_clock(70)
    both = [{"name": name, "version": "", "description": ""} for name in ("pandas", "scipy")]
    assert client.call("PATCH", f"/runtimes/{runtime_id}", {"name": "T", "packages": both}).status == 204
    for answer in (read(client, runtime_id), listed(client)[1]):
        assert answer["status"] == "ready"
        assert [package["status"] for package in answer["packages"]] == ["installed", "unknown"]
    sim.turn_clock(11)
    answer = read(client, runtime_id)
    assert answer["status"] == "busy"
    assert [package["status"] for package in answer["packages"]] == ["installed", "installing"]


def test_status_lag_of_an_error(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(status_lag=10, package_outcome="not_installed")
    runtime_id = create(client, packages=[{"name": "nope", "version": "", "description": ""}])
    assert client.call("PATCH", f"/runtimes/{runtime_id}", {"name": "T", "packages": []}).status == 204
    assert read(client, runtime_id)["status"] == "error"
    sim.turn_clock(11)
    assert read(client, runtime_id)["status"] == "ready"


# --- releases


def test_iserver_version_and_deployment_type(with_switches: Make) -> None:
    client = with_switches(iserver_version="11.4.0600.1", deployment_type="MCE")
    status = client.call("GET", "/status", with_token=False, with_cookies=False)
    assert status.json == {"iServerVersion": "11.4.0600.1", "webVersion": "11.4.0600.1", "deploymentType": "MCE"}


def test_versions_call_python_versions_and_unknown_version(with_switches: Make, sim: Simulator) -> None:
    client = with_switches("newest", python_versions="3.10.5,3.12.4")
    assert client.call("GET", "/runtimes/versions").json == {"versions": ["3.10.5", "3.12.4"]}
    assert client.call("POST", "/runtimes", {**SAMPLE, "runtimeVersion": "3.9.9"}).status == 400
    sim.switch(unknown_version="keep")
    assert read(client, create(client, runtimeVersion="3.9.9"))["runtimeVersion"] == "3.9.9"
    for how, status, message in (
        ("404", 404, "HTTP 404 Not Found"),
        ("405", 405, "HTTP 405 Method Not Allowed"),
        ("as_id", 404, "The object with ID 'versions' and type 80 was not found."),
    ):
        sim.switch(versions_call=how)
        answer = client.call("GET", "/runtimes/versions")
        assert (answer.status, answer.error["message"]) == (status, message)


@pytest.mark.parametrize(
    ("switch", "fields"),
    [
        ("execution_target", {"executionTarget": "pod"}),
        ("change_journal", {"changeJournal": {"userComments": "x"}}),
        ("disk_and_proc_count", {"resource": {"cpu": "0.2", "disk": 5}}),
        ("disk_and_proc_count", {"resource": {"procCount": 5}}),
    ],
)
def test_newer_fields(with_switches: Make, switch: str, fields: dict[str, object]) -> None:
    client = with_switches(**{switch: "yes"})
    runtime_id = create(client, **fields)
    for name in set(fields) - {"changeJournal"}:
        assert read(client, runtime_id)[name] == fields[name]
    client = with_switches(**{switch: "no"})
    assert client.call("POST", "/runtimes", {**SAMPLE, **fields}).error["code"] == "ERR006"


def test_delete_comments(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(delete_comments="no")
    runtime_id = create(client)
    assert client.call("DELETE", f"/runtimes/{runtime_id}", query={"userComments": "x"}).status == 400
    assert len(sim.runtimes()) == 1
    assert client.call("DELETE", f"/runtimes/{runtime_id}").status == 204


def test_application_type_76(with_switches: Make, sim: Simulator) -> None:
    with_switches(application_type_76="no")
    body = {"loginMode": 1, "username": sim.username, "password": sim.password, "applicationType": 76}
    refused = RawClient(sim.base_url).call("POST", "/auth/login", body)
    assert "constraint violations" in refused.error["message"]
    assert RawClient(sim.base_url).call("POST", "/auth/login", {**body, "applicationType": 35}).status == 204


# --- sessions


def test_status_call(with_switches: Make) -> None:
    assert with_switches(status_call="locked").call("GET", "/status").status == 401


def test_guest_login_and_guest_manages(with_switches: Make, sim: Simulator) -> None:
    with_switches(guest_login="no")
    assert RawClient(sim.base_url).login(mode=8).error["code"] == "ERR003"
    sim.switch(guest_login="yes", guest_manages="no")
    guest = RawClient(sim.base_url)
    assert guest.login(mode=8).status == 204
    assert guest.call("GET", "/runtimes").error["code"] == "ERR0014"


def test_privilege_for_reads(with_switches: Make, sim: Simulator) -> None:
    with_switches(privilege_for_reads="no")
    viewer = RawClient(sim.base_url)
    viewer.login("viewer", sim.users["viewer"]["password"])
    assert viewer.call("GET", "/runtimes").status == 200
    assert viewer.call("POST", "/runtimes", SAMPLE).error["code"] == "ERR0014"


def test_hidden_read(with_switches: Make, sim: Simulator) -> None:
    with_switches(hidden_read="forbidden")
    rita = sim.users["restricted"]
    [hidden] = sim.seed({"name": "H", "acl": [{"deny": True, "rights": 255, "trusteeId": rita["id"]}]})
    client = RawClient(sim.base_url)
    client.login("restricted", rita["password"])
    answer = client.call("GET", f"/runtimes/{hidden}")
    assert (answer.status, answer.error["code"]) == (403, "ERR0017")


def test_session_limit(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(session_limit=2)
    second, third = RawClient(sim.base_url), RawClient(sim.base_url)
    assert second.login(sim.username, sim.password).status == 204
    refused = third.login(sim.username, sim.password)
    assert (refused.status, refused.error["code"]) == (401, "ERR003")
    assert "max # of sessions" in refused.error["message"]
    # A delegated session shares a session that already counts; a different user has a separate limit.
    assert third.delegate(client.call("POST", "/auth/identityToken").headers["X-MSTR-IdentityToken"]).status == 204
    assert RawClient(sim.base_url).login(mode=8).status == 204
    second.logout()
    assert RawClient(sim.base_url).login(sim.username, sim.password).status == 204


@pytest.mark.parametrize("switch", ["tomcat_timeout", "iserver_timeout"])
def test_timeouts(with_switches: Make, sim: Simulator, switch: str) -> None:
    client = with_switches(**{switch: 60})
    assert client.call("GET", "/sessions").json["timeout"] == (60 if switch == "iserver_timeout" else 1800)
    sim.turn_clock(59)
    assert client.call("GET", "/runtimes").status == 200
    sim.turn_clock(61)
    assert client.call("GET", "/runtimes").error["code"] == "ERR009"


def test_lb_cookie(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(load_balancer_cookie="fixed")
    first = client.cookies["AWSALB"]
    assert client.call("GET", "/runtimes").status == 200
    assert client.cookies["AWSALB"] == first
    only_tomcats = RawClient(sim.base_url, token=client.token, cookies={"JSESSIONID": client.cookies["JSESSIONID"]})
    assert only_tomcats.call("GET", "/runtimes").error["code"] == "ERR009"

    client = with_switches(load_balancer_cookie="rotate")
    stale = dict(client.cookies)
    for _ in range(50):
        assert client.call("GET", "/runtimes").status == 200
    assert client.cookies["AWSALB"] != stale["AWSALB"]
    assert RawClient(sim.base_url, token=client.token, cookies=stale).call("GET", "/status").status == 200
    assert RawClient(sim.base_url, token=client.token, cookies=dict(stale)).call("GET", "/runtimes").status == 200

    client = with_switches(load_balancer_cookie="rotate_strict")
    stale = dict(client.cookies)
    assert client.call("GET", "/runtimes").status == 200
    assert client.call("GET", "/runtimes").status == 200
    assert RawClient(sim.base_url, token=client.token, cookies=stale).call("GET", "/runtimes").status == 401


def test_sessions_parallel_and_latency_ms(with_switches: Make) -> None:
    def together(client: RawClient) -> tuple[list[int], float]:
        begun = time.perf_counter()
        with ThreadPoolExecutor(4) as pool:
            statuses = [pool.submit(client.call, "GET", "/sessions") for _ in range(4)]
        return sorted(s.result().status for s in statuses), time.perf_counter() - begun

    statuses, seconds = together(with_switches(sessions_parallel="yes", latency_ms=150))
    assert statuses == [200] * 4
    assert 0.15 <= seconds < 0.45
    statuses, seconds = together(with_switches(sessions_parallel="queue", latency_ms=150))
    assert statuses == [200] * 4
    assert seconds >= 0.6
    statuses, _ = together(with_switches(sessions_parallel="refuse", latency_ms=150))
    assert statuses == [200, 429, 429, 429]


def test_logout_scope(with_switches: Make, sim: Simulator) -> None:
    for how, left in (("session", ["admin", "ldap.admin"]), ("user", ["ldap.admin"])):
        client = with_switches(logout_scope=how)
        RawClient(sim.base_url).login(sim.username, sim.password)
        RawClient(sim.base_url).login(sim.ldap_username, sim.ldap_password, mode=16)
        client.logout()
        assert [session["user"] for session in sim.open_sessions()] == left


def test_delegated_logout(with_switches: Make, sim: Simulator) -> None:
    for how, survives in (("separate", True), ("shared", False)):
        for who_leaves in ("guest", "giver"):
            giver = with_switches(delegated_logout=how)
            guest = RawClient(sim.base_url)
            guest.delegate(giver.call("POST", "/auth/identityToken").headers["X-MSTR-IdentityToken"])
            leaver, other = (guest, giver) if who_leaves == "guest" else (giver, guest)
            assert leaver.logout().status == 204
            assert (other.call("GET", "/runtimes").status == 200) is survives, (how, who_leaves)
    # The fixed token for demos still works.
    for _ in range(2):
        demo = RawClient(sim.base_url)
        assert demo.delegate(sim.identity_token).status == 204
        demo.logout()


# --- errors


def test_errors_wrapped_and_error_code_style(with_switches: Make) -> None:
    client = with_switches(errors_wrapped="yes", error_code_style="sample")
    create(client)
    body = client.call("POST", "/runtimes", SAMPLE).json
    assert list(body) == ["errors"]
    assert body["errors"][0]["code"] == "ERR015"
    assert with_switches(errors_wrapped="no").call("GET", "/runtimes/x").json["code"] == "ERR006"


# --- scripts


def test_script_start_delay_and_evaluation_ttl(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(script_start_delay=0.3, evaluation_ttl=60)
    evaluation = start(client, "1")
    assert client.call("GET", f"/scripts/evaluation/{evaluation}").json["status"] == 0
    done = run(client, "1")
    sim.turn_clock(61)
    assert client.call("GET", f"/scripts/evaluation/{done['id']}").error["code"] == "ERR004"


def test_script_time_limit_and_script_memory_mb(with_switches: Make) -> None:
    client = with_switches(script_time_limit=0.5, script_memory_mb=128)
    answer = run(client, "while True: pass")
    assert (answer["status"], answer["results"]["output"]) == (5, "null")
    answer = run(client, "x = bytearray(200 * 1024 * 1024)")
    assert answer["status"] == 4
    assert "MemoryError" in answer["results"]["stderr"]


# --- projects and the scripts saved in them

SALES = "5A1E5000000000000000000000000001"


def seeded_sales(sim: Simulator) -> None:
    """Add a runtime, and a project with three scripts: on that runtime, on none, and one that admin may not read."""
    hidden = {"name": "Hidden", "id": f"{3:032X}", "owner": "viewer", "readers": []}
    scripts = [{"name": "Load", "id": f"{1:032X}", "runtime": "Etl"}, {"name": "Clean", "id": f"{2:032X}"}, hidden]
    sim.seed({"name": "Etl", "id": "E" * 32}, projects=[{"name": "Sales", "id": SALES, "scripts": scripts}])


def in_sales(client: RawClient, method: str, path: str, body: Any = None, **query: str) -> Any:
    return client.call(method, path, body, query=query, headers={"X-MSTR-ProjectID": SALES})


def test_script_without_runtime(with_switches: Make, sim: Simulator) -> None:
    shown = {"left_out": "nothing", "null": None, "empty": "", "default_id": DEFAULT}
    for how, wanted in shown.items():
        client = with_switches(script_without_runtime=how)
        seeded_sales(sim)
        assert in_sales(client, "GET", f"/scripts/{2:032X}").json.get("scriptRuntimeId", "nothing") == wanted
        assert in_sales(client, "GET", f"/scripts/{1:032X}").json["scriptRuntimeId"] == "E" * 32


def test_hidden_script(with_switches: Make, sim: Simulator) -> None:
    for how, status in (("forbidden", 403), ("not_found", 404)):
        client = with_switches(hidden_script=how)
        seeded_sales(sim)
        assert in_sales(client, "GET", f"/scripts/{3:032X}").status == status


def test_search_finds_hidden_and_search_total(with_switches: Make, sim: Simulator) -> None:
    for finds, total, found, counted in (
        ("no", "found", 2, 2),
        ("no", "everything", 2, 3),
        ("no", "left_out", 2, None),
        ("yes", "found", 3, 3),
    ):
        client = with_switches(search_finds_hidden=finds, search_total=total)
        seeded_sales(sim)
        answer = in_sales(client, "POST", "/v2/metadataSearches/results", {}, type="76").json
        page = in_sales(client, "GET", "/metadataSearches/results", searchId=answer["id"]).json
        assert (len(page), answer.get("totalItems")) == (found, counted)


def test_search_versions_and_search_missing(with_switches: Make) -> None:
    for versions, missing, statuses in (
        ("both", "404", [400, 400]),
        ("1", "404", [400, 404]),
        ("2", "405", [405, 400]),
    ):
        client = with_switches(search_versions=versions, search_missing=missing)
        paths = ("/metadataSearches/results", "/v2/metadataSearches/results")
        assert [client.call("POST", path, {}, query={"type": "76"}).status for path in paths] == statuses


def test_search_page_limit(with_switches: Make, sim: Simulator) -> None:
    client = with_switches(search_page_limit=1)
    seeded_sales(sim)
    answer = in_sales(client, "POST", "/v2/metadataSearches/results", {}, type="76").json
    page = in_sales(client, "GET", "/metadataSearches/results", searchId=answer["id"], limit="-1", offset="1").json
    assert [entry["name"] for entry in page] == ["Clean"]


def move(client: RawClient, runtime: str = "E" * 32, number: int = 2) -> Any:
    """Assign a runtime to a script."""
    read = in_sales(client, "GET", f"/objects/{number:032X}", type="76").json
    [folder] = [one["id"] for one in read["ancestors"] if one["level"] == 1]
    body = {"name": read["name"], "folderId": folder, "scriptRuntimeId": runtime}
    return in_sales(client, "PUT", f"/scripts/{number:032X}", body)


def test_script_put_omitted(with_switches: Make, sim: Simulator) -> None:
    for how, description in (("keep", "Nightly"), ("reset", "")):
        client = with_switches(script_put_omitted=how)
        script = {"name": "Load", "id": f"{2:032X}", "description": "Nightly", "variables": [{"name": "day"}]}
        sim.seed({"name": "Etl", "id": "E" * 32}, projects=[{"name": "Sales", "id": SALES, "scripts": [script]}])
        assert move(client).status == 204
        found = in_sales(client, "GET", f"/scripts/{2:032X}").json
        assert (found["description"], bool(found["variables"])) == (description, how == "keep")
        assert (found["name"], found["scriptRuntimeId"]) == ("Load", "E" * 32)


def test_script_put_runtime(with_switches: Make, sim: Simulator) -> None:
    for how, status in (("keep", 204), ("refuse", 404)):
        client = with_switches(script_put_runtime=how)
        seeded_sales(sim)
        assert move(client, "D" * 32).status == status


def test_script_put_needs(with_switches: Make, sim: Simulator) -> None:
    for how, status in (("right", 204), ("privilege", 403)):
        with_switches(script_put_needs=how)
        seeded_sales(sim)
        viewer = RawClient(sim.base_url)
        viewer.login("viewer", sim.users["viewer"]["password"])
        assert move(viewer).status == status


def test_script_put_answer(with_switches: Make, sim: Simulator) -> None:
    for how, status in (("empty", 204), ("object", 200)):
        client = with_switches(script_put_answer=how)
        seeded_sales(sim)
        assert move(client).status == status


def test_script_put_running(with_switches: Make, sim: Simulator) -> None:
    for how, status in (("allow", 204), ("refuse", 400)):
        client = with_switches(script_put_running=how)
        running = {"name": "Long", "id": f"{2:032X}", "running": True}
        sim.seed({"name": "Etl", "id": "E" * 32}, projects=[{"name": "Sales", "id": SALES, "scripts": [running]}])
        assert move(client).status == status


def test_unloaded_projects_and_unloaded_answer(with_switches: Make, sim: Simulator) -> None:
    for how, answer, names in (
        ("listed", 500, ["MicroStrategy Tutorial", "Archive"]),
        ("listed", 403, ["MicroStrategy Tutorial", "Archive"]),
        ("left_out", 404, ["MicroStrategy Tutorial"]),
    ):
        client = with_switches(unloaded_projects=how, unloaded_answer=str(answer))
        sim.seed(projects=[{"name": "Archive", "id": SALES, "loaded": False}])
        listed = client.call("GET", "/projects").json
        assert [one["name"] for one in listed] == names
        assert in_sales(client, "POST", "/v2/metadataSearches/results", {}, type="76").status == answer


def test_used_runtime_delete(with_switches: Make, sim: Simulator) -> None:
    for how, status in (("allow", 204), ("refuse", 400)):
        client = with_switches(used_runtime_delete=how)
        seeded_sales(sim)
        assert client.call("DELETE", f"/runtimes/{'E' * 32}").status == status


def test_script_result(with_switches: Make) -> None:
    code = "result = 'variable'\n'value'"
    for how, output in (("last_value", '"value"'), ("variable", '"variable"'), ("nothing", "null")):
        client = with_switches(script_result=how)
        assert run(client, code)["results"]["output"] == output
