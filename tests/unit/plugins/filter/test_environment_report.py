from __future__ import annotations

import html
import json
from datetime import datetime, timedelta, timezone

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mstr.library.plugins.filter.environment_report import environment_report
from ansible_collections.mstr.library.plugins.filter.report_file import report_file
from ansible_collections.mstr.library.plugins.plugin_utils._reports import texts
from unit.support.make import ID, OTHER_ID, stored
from unit.support.many import run
from unit.support.report import POLICY, SOON, applied, audited, change, environment, package, row, runtime, violation
from unit.support.server import Server

ENTRIES = [{"name": "r", "exec_timeout": 60, "others": "ä"}, {"name": "new"}, {"name": "same"}]


@pytest.fixture
def have():
    return Server(stored(), stored(name="old", id=OTHER_ID), stored(name="same", id="C" * 32))


def result(have, *, check_mode=True):
    """What the module returns, of a failed task too, as a playbook registers it."""
    done = run(have, *ENTRIES, check_mode=check_mode, purge=True)
    return json.loads(json.dumps({"failed": done["summary"]["failed"] > 0, **done}))


def test_a_check_and_a_run(have):
    """Without --diff, too; again, there is nothing to do."""
    plan = environment_report(result(have), "prod", check_mode=True)
    done = {key: value for key, value in result(have, check_mode=False).items() if key != "diff"}
    again = environment_report(result(have), "prod", check_mode=True)
    assert (plan["outcome"], plan["message"]) == ("drift", None)
    assert plan["lines"] == [
        "prod: 1 to create, 1 to update, 1 to delete, 1 unchanged",
        "prod: 'r' differs: exec_timeout 600 → 60",
        "prod: 'r' differs: others '' → 'ä'",
        "prod: 'new' would be created",
        "prod: 'old' would be deleted",
    ]
    fields = [{"field": "exec_timeout", "wanted": 60, "found": 600}, {"field": "others", "wanted": "ä", "found": ""}]
    updated, created, _deleted = plan["runtimes"]
    assert (updated["id"], updated["fields"]) == (ID, fields)
    assert created["fields"] == [{"field": "name", "wanted": "new", "found": None}]
    report = environment_report(done, "prod")
    assert report["outcome"] == "changed"
    assert report["lines"] == [
        "prod: 1 created, 1 updated, 1 deleted, 1 unchanged",
        "prod: 'r' updated: exec_timeout 600 → 60",
        "prod: 'r' updated: others '' → 'ä'",
        "prod: 'new' created",
        "prod: 'old' deleted",
    ]
    assert (again["outcome"], again["runtimes"], again["lines"]) == ("unchanged", [], ["prod: 3 unchanged"])


def test_runtimes_without_a_definition():
    """One line of a plan in each format, and no difference; after an apply, nothing."""
    undefined = [{"id": f"{number:032X}", "name": f"Trial {number:02}"} for number in range(12)]
    report = applied(row("A", "none"), check_mode=True, undefined=undefined)
    names = ", ".join(f"'Trial {number:02}'" for number in range(10))
    text = f"12 runtimes have no definition: {names} and 2 more"
    assert (report["outcome"], report["lines"]) == ("unchanged", ["e: 1 unchanged", f"e: {text}"])
    for name in ("x.md", "x.html"):
        assert text in html.unescape(report_file([report], name, "apply", check_mode=True))
    assert applied(row("A", "none"), undefined=undefined)["lines"] == ["e: 1 unchanged"]


def test_unknown_outcome():
    """The error of a write whose outcome is unknown says all that is known."""
    report = applied(row("r", "unknown") | {"error": {"msg": "It may have been updated."}}, failed=True)
    assert report["lines"] == ["e: 1 failed", "e: 'r' failed: It may have been updated."]
    assert all("It may have been updated." in report_file([report], name, "apply") for name in ("x.md", "x.html"))


LOST = {"unreachable": True, "msg": "no route", "changed": False}


@pytest.mark.parametrize(
    ("result", "read", "message"),
    [
        ({"failed": True, "msg": "Could not log in."}, None, "Could not log in."),
        ({"failed": True}, None, "The task failed without a message."),
        (LOST, None, "no route"),
        (None, LOST, "no route"),
    ],
)
def test_a_task_that_failed_earlier(result, read, message):
    report = environment_report(result, "prod", read=read)
    assert (report["outcome"], report["summary"]) == ("failed", None)
    assert report["lines"] == [f"prod: failed: {message}"]


def test_environment_without_runtimes():
    counts = dict.fromkeys(("created", "updated", "deleted", "unchanged", "failed"), 0)
    assert applied(summary=counts)["lines"] == ["e: no runtimes"]


@pytest.mark.parametrize("value", [None, "text", []])
def test_input_not_result_refused(value):
    with pytest.raises(AnsibleFilterError, match="takes the result of"):
        environment_report(value, "prod")


@pytest.mark.parametrize("result", [None, ""])
def test_an_audit_without_definitions(result):
    report = environment_report(result, "prod", read={"runtimes": [], "violations": []})
    assert (report["outcome"], report["compared"]) == ("not_evaluated", False)
    assert report["lines"] == ["prod: 0 runtimes (without the default one), not evaluated by any policy"]
    assert "could not be read" in report_file([report], "x.cdx.json"), "a report without detail has no runtimes"


@pytest.mark.parametrize(
    ("policy", "outcome"),
    [({}, "not_evaluated"), ({"networks_never": [], "whitelist_required": False}, "not_evaluated"), (POLICY, "clean")],
)
def test_a_policy_without_rules(policy, outcome):
    assert audited(policy=policy)["outcome"] == outcome


@pytest.mark.parametrize(("rows", "defined"), [([], None), ([row("A", "none", runtime=runtime(0, "A"))], False)])
def test_a_script_on_a_different_runtime(rows, defined):
    script = {"name": "Load", "action": "moved", "before": {"name": "B"}, "after": {"name": "A"}, "error": None}
    result = {"runtimes": rows, "scripts": [script, {**script, "action": "none"}]}
    report = environment_report(result, "prod", True, read={"runtimes": [runtime(1, "B")]}, detail=True)
    assert (report["outcome"], report["counts"]["moved"]) == ("drift", 1)
    assert [entry["defined"] for entry in report["inventory"] if entry["name"] == "B"] == [defined]
    assert "would use 'A' instead of 'B'" in report_file([report], "x.json")
    kept = {**result, "scripts": [{**script, "after": {"name": "B"}}]}
    assert "'Load' would use the new 'B'" in environment_report(kept, "prod", True)["lines"][-1]


def test_findings_reported_with_value_and_rule():
    report = environment("prod")
    assert report["outcome"] == "violations"
    assert report["lines"][:12] == [
        "prod: 6 runtimes (with the default one), 1 script, 5 violations, 3 exempted violations, "
        "1 exemption expires within 30 days, 1 value "
        "not evaluated, 2 differ from their definitions, 1 has no definition, 2 are not ready, 1 look-up failed",
        "prod: '<script>alert(1)</script>' whitelist is empty, which violates whitelist_required",
        "prod: '<script>alert(1)</script>' packages requests is not evaluated by packages_never: it has no version to "
        "compare with requests<2.32",
        "prod: '<script>alert(1)</script>' has the status error",
        "prod: 'Nightly reports' whitelist 0.0.0.0/0 violates networks_within and networks_never",
        "prod: 'Nightly reports' whitelist * cannot be evaluated by networks_never: it is not a CIDR block",
        "prod: 'Nightly reports' resource.mem 8192 violates resource_max: it is more than 4096; its exemption expired "
        "on 2026-01-31 (month end)",
        f"prod: 'Nightly reports' packages requests==2.31.0 violates packages_never: exempted until {SOON} (the loader "
        "needs it, see ticket 4711)",
        "prod: 'Nightly reports' package pandas is not installed (server: \"Return code: 1.\")",
        "prod: '(Default) MicroStrategy' whitelist 0.0.0.0/0 violates networks_within: exempted until 2099-12-31 "
        "(nobody uses it)",
        "prod: '(Default) MicroStrategy' whitelist 0.0.0.0/0 violates networks_never: exempted until 2099-12-31 "
        "(nobody uses it)",
        "prod: could not read the scripts of 'Finance': the project is not loaded",
    ]


def test_verdicts_on_networks():
    """Nobody knows whether an empty whitelist reaches nothing or everything."""
    [wide] = [entry for entry in environment("prod")["inventory"] if entry["name"] == "Nightly reports"]
    assert wide["networks"] == [
        {"network": "0.0.0.0/0", "verdict": "violation", "rules": ["networks_within", "networks_never"]},
        {"network": "10.10.10.0/24", "verdict": "allowed", "rules": []},
        {"network": "*", "verdict": "unreadable", "rules": ["networks_never"]},
    ]
    [empty] = audited(runtime(1, "R", whitelist=[]), policy={"networks_never": ["10.66.0.0/16"]})["inventory"]
    assert empty["whitelist_verdict"] == "unknown"


PROD = runtime(7, "Prod [EU] Nightly")


def test_runtime_not_evaluated_not_clean():
    entry = violation(PROD, "numpy", "packages_never", "has no version to compare with numpy<1.26", "packages")
    report = audited(PROD, not_evaluated=[entry], policy={"packages_never": ["numpy<1.26"]})
    assert (report["outcome"], report["counts"]["not_evaluated"], report["violations"]) == ("not_evaluated", 1, [])
    assert [entry["value"] for entry in report["not_evaluated"]] == ["numpy"]
    assert report["lines"][0] == "e: 1 runtime (without the default one), 1 value not evaluated"
    for name in ("x.md", "x.html", "x.json"):
        text = report_file([report], name)
        assert "clean" not in text.casefold().replace("known to be clean", "")
        assert "numpy" in text


@pytest.mark.parametrize(("days", "expiring"), [(0, 1), (30, 1), (31, 0)])
def test_exemption_ends_soon_counted(days, expiring):
    ends = {"reason": "why", "until": (datetime.now(timezone.utc).date() + timedelta(days=days)).isoformat()}
    policy = {**POLICY, "exemptions": [{"runtime": PROD["name"], **ends}]}
    report = audited(PROD, exempted=[violation(PROD, "0.0.0.0/0", "networks_within", **ends)], policy=policy)
    assert (report["counts"]["expiring"], report["outcome"]) == (expiring, "clean")


def test_an_apply_names_its_exemptions():
    exempted = violation(PROD, "0.0.0.0/0", "networks_within", reason="why", until="2099-12-31")
    assert applied(row("r", "none"), exempted=[exempted])["lines"] == [
        "e: 1 unchanged",
        "e: 'Prod [EU] Nightly' whitelist 0.0.0.0/0 violates networks_within: exempted until 2099-12-31 (why)",
    ]


def task(schedule, **more):
    return {"name": "t", "active": True, "schedule": {"name": schedule}, "last_run": None, **more}


TIMED_OUT = {"status": "timeout", "time_triggered": "2026-11-25T01:00:00Z"}
TASKS = [task("nightly", last_run=TIMED_OUT), task("weekly", active=False), task("yearly", expiration="2020-01-01")]
LOAD = {"name": "Load sales", "project": {"name": "Sales"}, "tasks": TASKS, "last_run": None}


def test_what_goes():
    old = runtime(1, "Old", whitelist=["10.0.0.0/8"])
    moved = {"name": "C", "project": {"name": "P"}, "action": "moved", "before": {"name": "Up"}, "after": {"name": "N"}}
    report = applied(
        row("Old", "deleted", id="1", runtime=old),
        row("Free", "deleted", id="2", runtime=old),
        row("Up", "replaced", change("runtime_version", "3.10.5", "3.12.1"), id="3", runtime=old),
        check_mode=True,
        summary={"replaced": 1, "deleted": 2, "moved": 1},
        scripts=[moved],
    )
    assert report["lines"] == [
        "e: 1 to replace, 2 to delete, 1 script to move",
        "e: 'Old' would be deleted",
        "e: 'Free' would be deleted",
        "e: 'Up' would be replaced",
        "e: 'Up' would be replaced: runtime_version '3.10.5' → '3.12.1'",
        "e: script 'C' in 'P' would use 'N' instead of 'Up'",
    ]
    assert report["runtimes"][0]["definition"]["whitelist"] == ["10.0.0.0/8"]


def test_failed_runs_and_lost_scripts():
    trial = runtime(1, "R", scripts=[LOAD, {**LOAD, "name": "Fine", "tasks": None}], exec_timeout=600)
    lost = {"id": "L", "name": "Lost", "project": {"name": "Sales"}, "runtime": {"id": "D" * 32}}
    report = audited(trial, dangling=[lost], policy=POLICY)
    assert (report["outcome"], report["counts"]["failed_runs"], report["counts"]["dangling"]) == ("problems", 1, 1)
    assert report["lines"][1:] == [
        "e: 'R' the last run of 'Load sales' in 'Sales' timed out on 2026-11-25; its exec_timeout is 600 s",
        f"e: the runtime {'D' * 32} of script 'Lost' in 'Sales' does not exist; assign a different one with "
        "mstr_script_runtime and from_runtime",
    ]
    for name in ("x.md", "x.html", "x.json"):
        text = report_file([report], name)
        assert "timed out" in text or "timeout" in text
        assert "Lost" in text
    assert audited(trial, dangling=None, policy=POLICY)["dangling"] is None


def test_entry_gone_as_wanted_and_name_not_clear():
    rows = [
        row("Old", "none", id=None, runtime=None),
        row("Two", "failed", id=None) | {"error": {"msg": "two runtimes have this name"}},
    ]
    result = {"failed": True, "msg": "1 failed", "runtimes": rows, "summary": {"failed": 1}}
    read = {"runtimes": [], "violations": []}
    report = environment_report(result, "prod", check_mode=True, read=read, policy=POLICY, detail=True)
    assert [(entry["name"], entry["status"]) for entry in report["inventory"]] == [("Two", "not compared")]
    assert report["counts"]["runtimes"] == 0


def test_a_check_shows_what_is_there():
    now = [{"name": "pandas", "version": "2.2.3"}, {"name": "x", "version": "1.2.3"}]
    changes = [change("whitelist", ["10.0.0.0/8"], ["0.0.0.0/0"]), change("packages", now, [{"name": "x"}])]
    predicted = runtime(1, "Nightly", whitelist=["0.0.0.0/0"], packages=[package("x")])
    rows = [
        row("Nightly", "updated", *changes, id=predicted["id"], runtime=predicted),
        row("New", "created", id=None, runtime=runtime(2, "New", id=None)),
    ]
    new, updated = applied(*rows, check_mode=True)["inventory"]
    assert [network["network"] for network in updated["networks"]] == ["10.0.0.0/8"]
    assert [(package["name"], package["status"]) for package in updated["packages"]] == [
        ("pandas", "unknown"),
        ("x", "installed"),
    ]
    assert (new["name"], new["status"], new["present"], new["networks"]) == ("New", "missing", False, [])
    assert [entry["present"] for entry in applied(*rows)["inventory"]] == [True, True]


def test_a_packed_report_is_the_same():
    plain = audited(PROD, violations=[violation(PROD, "\ud800", "networks_within")], policy=POLICY)
    packed = texts.packed_text(plain)
    first, second = (json.loads(report_file([each], "x.json"))["environments"] for each in (plain, packed))
    assert first == second
    with pytest.raises(AnsibleFilterError, match="takes a list of reports"):
        report_file(["text"], "x.json")
