from __future__ import annotations

import html
import json
from datetime import datetime, timedelta, timezone

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mstr.library.plugins.filter.environment_report import FilterModule, environment_report
from ansible_collections.mstr.library.plugins.filter.report_file import report_file
from ansible_collections.mstr.library.plugins.module_utils._errors import PartialError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.purge import Purge
from ansible_collections.mstr.library.plugins.module_utils._model.result import report
from ansible_collections.mstr.library.plugins.module_utils._work.inputs import Inputs
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import reconcile
from ansible_collections.mstr.library.plugins.plugin_utils._reports import serialize
from ansible_collections.mstr.library.plugins.plugin_utils._reports.environment import (
    environment_report as sources_report,
)
from ansible_collections.mstr.library.plugins.plugin_utils._reports.inventory import Sources
from ansible_collections.mstr.library.tests.unit.support.make import ID, OTHER_ID, refusal, stored
from ansible_collections.mstr.library.tests.unit.support.report import POLICY, SOON, environment, runtime, violation
from ansible_collections.mstr.library.tests.unit.support.server import Server

ENTRIES = [{"name": "r", "exec_timeout": 60, "others": "ä"}, {"name": "new"}, {"name": "same"}]
SAME = "C" * 32


def server():
    return Server(stored(), stored(name="old", id=OTHER_ID), stored(name="same", id=SAME))


def result(have, *, check_mode=True, diff=True):
    """What the module returns, of a failed task too, as a playbook registers it."""
    definitions = [definition_from(entry) for entry in ENTRIES]
    try:
        entries = reconcile(have.context(check_mode=check_mode), Inputs(definitions, Purge())).rows
        applied = {"failed": False, **report(entries, purge=True)}
    except PartialError as exc:
        applied = {"failed": True, **exc.to_result()}
    return json.loads(json.dumps(applied if diff else {key: value for key, value in applied.items() if key != "diff"}))


def test_drift():
    report = environment_report(result(server()), "prod", check_mode=True)
    assert report["outcome"] == "drift"
    assert report["message"] is None
    assert report["lines"] == [
        "prod: 1 to create, 1 to update, 1 to delete, 1 unchanged",
        "prod: 'r' differs: exec_timeout 600 → 60",
        "prod: 'r' differs: others '' → 'ä'",
        "prod: 'new' would be created",
        "prod: 'old' would be deleted; which scripts use it is unknown",
    ]
    assert [runtime["action"] for runtime in report["runtimes"]] == ["updated", "created", "deleted"]
    assert report["runtimes"][0] == {
        "name": "r",
        "id": ID,
        "action": "updated",
        "error": None,
        "fields": [
            {"field": "exec_timeout", "wanted": 60, "found": 600},
            {"field": "others", "wanted": "ä", "found": ""},
        ],
    }
    assert report["runtimes"][1]["fields"] == [{"field": "name", "wanted": "new", "found": None}]
    assert json.loads(json.dumps(report)) == report


def test_report_of_run_without_diff():
    report = environment_report(result(server(), check_mode=False, diff=False), "prod")
    assert report["outcome"] == "changed"
    assert report["lines"] == [
        "prod: 1 created, 1 updated, 1 deleted, 1 unchanged",
        "prod: 'r' updated: exec_timeout 600 → 60",
        "prod: 'r' updated: others '' → 'ä'",
        "prod: 'new' created",
        "prod: 'old' deleted",
    ]
    assert {"field": "exec_timeout", "wanted": 60, "found": 600} in report["runtimes"][0]["fields"]


def test_nothing_to_do():
    have = server()
    result(have, check_mode=False)
    report = environment_report(result(have), "prod", check_mode=True)
    assert (report["outcome"], report["runtimes"]) == ("unchanged", [])
    assert report["lines"] == ["prod: 3 unchanged"]


def test_one_failed():
    have = server()
    have.fail("PATCH", refusal(403, "ERR0017", "no permission"))
    report = environment_report(result(have, check_mode=False), "prod")
    assert report["outcome"] == "failed"
    assert "no permission" in report["message"]
    assert report["lines"][0] == "prod: 1 created, 1 failed, 1 unchanged"
    assert report["lines"][1].startswith("prod: 'r' failed: ")


def test_unknown_outcome():
    """The error of a write whose outcome is unknown says all that is known."""
    entry = {"name": "r", "id": ID, "action": "unknown", "changes": [], "error": {"msg": "It may have been updated."}}
    report = environment_report({"failed": True, "runtimes": [entry], "summary": {"failed": 1}}, "prod", detail=True)
    assert report["lines"] == ["prod: 1 failed", "prod: 'r' failed: It may have been updated."]
    assert all("It may have been updated." in report_file([report], name, "apply") for name in ("x.md", "x.html"))


def test_report_of_task_failed_earlier():
    report = environment_report({"failed": True, "msg": "Could not log in."}, "prod")
    assert (report["outcome"], report["summary"]) == ("failed", None)
    assert report["lines"] == ["prod: failed: Could not log in."]
    assert environment_report({"failed": True}, "prod")["message"] == "The task failed without a message."
    lost = {"unreachable": True, "msg": "no route", "changed": False}
    for report in (environment_report(lost, "prod"), environment_report(None, "prod", read=lost)):
        assert (report["outcome"], report["lines"]) == ("failed", ["prod: failed: no route"])


def test_environment_without_runtimes():
    counts = dict.fromkeys(("created", "updated", "deleted", "unchanged", "failed"), 0)
    assert environment_report({"runtimes": [], "summary": counts}, "prod")["lines"] == ["prod: no runtimes"]


@pytest.mark.parametrize("value", [None, "text", []])
def test_input_not_result_refused(value):
    with pytest.raises(AnsibleFilterError, match="takes the result of"):
        environment_report(value, "prod")


def test_its_name():
    assert list(FilterModule().filters()) == ["environment_report"]


@pytest.mark.parametrize("result", [None, ""])
def test_an_audit_without_definitions(result):
    report = environment_report(result, "prod", read={"runtimes": [], "violations": []})
    assert (report["outcome"], report["compared"]) == ("not_evaluated", False)
    assert report["lines"] == ["prod: 0 runtimes, not evaluated by any policy"]
    for empty in ({}, {"networks_never": [], "whitelist_required": False}):
        assert environment_report(None, "prod", read=read_with(), policy=empty)["outcome"] == "not_evaluated"
    assert environment_report(None, "prod", read=read_with(), policy=POLICY)["outcome"] == "clean"
    assert "could not be read" in report_file([report], "x.cdx.json"), "a report without detail has no runtimes"


def test_audit_with_script_on_different_runtime():
    script = {"name": "Load", "action": "moved", "before": {"name": "B"}, "after": {"name": "A"}, "error": None}
    for runtimes, defined in ([], None), ([runtime(0, "A", action="none")], False):
        applied = {"runtimes": runtimes, "scripts": [script, {**script, "action": "none"}]}
        report = environment_report(applied, "prod", True, read={"runtimes": [runtime(1, "B")]}, detail=True)
        assert (report["outcome"], report["counts"]["moved"]) == ("drift", 1)
        assert [entry["defined"] for entry in report["inventory"] if entry["name"] == "B"] == [defined]
        assert "would use 'A' instead of 'B'" in report_file([report], "x.csv")
        kept = {**applied, "scripts": [{**script, "after": {"name": "B"}}]}
        assert "'Load' would use the new 'B'" in environment_report(kept, "prod", True)["lines"][-1]
        assert 'failures="1"' in report_file([report], "x.junit.xml")


def read_with(*violations, **more):
    """The result of a read, with these violations and their runtimes."""
    runtimes = {violation["id"]: runtime(0, violation["name"], id=violation["id"]) for violation in violations}
    return {"runtimes": list(runtimes.values()), "violations": list(violations), **more}


def test_findings_reported_with_value_and_rule():
    report = environment("prod")
    assert report["outcome"] == "violations"
    assert report["counts"] == {
        "runtimes": 6,
        "scripts": 1,
        "scheduled": None,
        "violations": 5,
        "unreadable": 1,
        "exempted": 3,
        "expiring": 1,
        "not_evaluated": 1,
        "differing": 2,
        "moved": 0,
        "undefined": 1,
        "problems": 2,
        "failed_runs": 0,
        "mismatches": 0,
        "not_offered": 0,
        "dangling": 0,
        "unread": 1,
        "unused": 1,
    }
    assert report["lines"][:13] == [
        "prod: 6 runtimes, 1 script, 5 violations, 3 exempted violations, 1 exemption expires within 30 days, 1 value "
        "not evaluated, 2 differ from their definitions, 1 has no definition, 2 are not ready, 1 look-up failed, "
        "1 exemption exempts nothing",
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
        "prod: policy.exemptions[3] 'Nightly Report' exempts nothing: no runtime has this name; did you mean 'Nightly "
        "reports'?",
        "prod: could not read the scripts of 'Finance': the project is not loaded",
    ]


PROD = runtime(7, "Prod [EU] Nightly")


def test_runtime_not_evaluated_not_clean():
    row = violation(PROD, "numpy", "packages_never", "has no version to compare with numpy<1.26", "packages")
    policy = {"packages_never": ["numpy<1.26"]}
    read = {"runtimes": [PROD], "violations": [], "not_evaluated": [row]}
    report = environment_report(None, "prod", read=read, policy=policy, detail=True)
    assert (report["outcome"], report["counts"]["not_evaluated"], report["violations"]) == ("not_evaluated", 1, [])
    assert report["lines"][0] == "prod: 1 runtime, 1 value not evaluated"
    for name in ("x.csv", "x.md", "x.junit.xml", "x.html", "x.json"):
        text = report_file([report], name)
        assert "clean" not in text.casefold().replace("known to be clean", "")
        assert "numpy" in text


@pytest.mark.parametrize(("days", "expiring"), [(0, 1), (30, 1), (31, 0)])
def test_exemption_ends_soon_counted(days, expiring):
    until = (datetime.now(timezone.utc).date() + timedelta(days=days)).isoformat()
    exempted = [violation(PROD, "0.0.0.0/0", "networks_within", reason="why", until=until)]
    read = {"runtimes": [PROD], "violations": [], "exempted": exempted}
    policy = {**POLICY, "exemptions": [{"runtime": PROD["name"], "reason": "why", "until": until}]}
    report = environment_report(None, "prod", read=read, policy=policy)
    assert (report["counts"]["expiring"], report["unused_exemptions"], report["outcome"]) == (expiring, [], "clean")


def test_list_may_be_incomplete_has_no_unused_exemptions():
    """An exemption may be for a runtime that the list lacks."""
    policy = {**POLICY, "exemptions": [{"runtime": "Gone", "reason": "why", "until": "2099-12-31"}]}
    sources = Sources("prod", None, read={"runtimes": [PROD], "violations": []}, policy=policy)
    assert len(sources_report(sources)["unused_exemptions"]) == 1
    assert sources_report(sources._replace(incomplete="It may be incomplete"))["unused_exemptions"] == []


def test_an_apply_names_its_exemptions():
    row = violation(PROD, "0.0.0.0/0", "networks_within", reason="why", until="2099-12-31")
    applied = {"runtimes": [], "summary": {"unchanged": 1}, "exempted": [row]}
    assert environment_report(applied, "prod")["lines"] == [
        "prod: 1 unchanged",
        "prod: 'Prod [EU] Nightly' whitelist 0.0.0.0/0 violates networks_within: exempted until 2099-12-31 (why)",
    ]


LOAD = {
    "id": "S",
    "name": "Load sales",
    "project": {"id": "P", "name": "Sales"},
    "owner": {"id": "A", "name": "Ada"},
    "tasks": [
        {
            "name": "t",
            "active": True,
            "schedule": {"name": "nightly"},
            "last_run": {"status": "timeout", "time_triggered": "2026-11-25T01:00:00Z"},
        },
        {"name": "off", "active": False, "schedule": {"name": "weekly"}, "last_run": None},
        {"name": "old", "active": True, "schedule": {"name": "yearly"}, "expiration": "2020-01-01", "last_run": None},
    ],
    "last_run": {"time": "2026-11-24T01:00:00Z", "status": "success"},
}


def test_deletion_and_replacement_show_what_goes_and_who_uses_it():
    trial = runtime(1, "Old", whitelist=["10.0.0.0/8"])
    changes = [{"field": "runtime_version", "before": "3.10.5", "after": "3.12.1"}]
    common = {"error": None, "runtime": trial}
    entries = [
        {**common, "name": "Old", "id": "1", "action": "deleted", "changes": [], "scripts": [LOAD, {"name": "B"}]},
        {**common, "name": "Free", "id": "2", "action": "deleted", "changes": [], "scripts": []},
        {**common, "name": "Up", "id": "3", "action": "replaced", "changes": changes, "scripts": None},
    ]
    moved = {"name": "C", "project": {"name": "P"}, "action": "moved", "before": {"name": "Up"}, "after": {"name": "N"}}
    applied = {"runtimes": entries, "summary": {"replaced": 1, "deleted": 2, "moved": 1}, "scripts": [moved]}
    report = environment_report(applied, "prod", check_mode=True, detail=True)
    assert report["lines"] == [
        "prod: 1 to replace, 2 to delete, 1 script to move",
        "prod: 'Old' would be deleted; used by 2 scripts, 1 of them on a schedule: 'Load sales' in 'Sales' (nightly, "
        "last run timeout 2026-11-25), 'B'",
        "prod: 'Free' would be deleted; no script uses it",
        "prod: 'Up' would be replaced; which scripts use it is unknown",
        "prod: 'Up' would be replaced: runtime_version '3.10.5' → '3.12.1'",
        "prod: script 'C' in 'P' would use 'N' instead of 'Up'",
    ]
    assert report["runtimes"][0]["definition"]["whitelist"] == ["10.0.0.0/8"]
    for name in ("x.md", "x.html", "x.junit.xml"):
        text = html.unescape(report_file([report], name, "apply", check_mode=True))
        assert "used by 2 scripts, 1 of them on a schedule" in text
        assert "Load sales" in text


def test_failed_last_runs_and_scripts_without_runtime_findings():
    trial = runtime(1, "R", scripts=[LOAD, {**LOAD, "name": "Fine", "tasks": None}], exec_timeout=600)
    lost = {"id": "L", "name": "Lost", "project": {"name": "Sales"}, "runtime": {"id": "D" * 32}}
    read = {"runtimes": [trial], "dangling": [lost], "violations": []}
    report = environment_report(None, "prod", read=read, policy=POLICY, detail=True)
    assert (report["outcome"], report["counts"]["failed_runs"], report["counts"]["dangling"]) == ("problems", 1, 1)
    assert report["lines"][1:] == [
        "prod: 'R' the last run of 'Load sales' in 'Sales' timed out on 2026-11-25; its exec_timeout is 600 s",
        f"prod: the runtime {'D' * 32} of script 'Lost' in 'Sales' does not exist; assign a different one with "
        "mstr_script_runtime and from_runtime_id",
    ]
    for name in ("x.md", "x.html", "x.csv", "x.json"):
        text = report_file([report], name)
        assert "timed out" in text or "timeout" in text
        assert "Lost" in text
    assert environment_report(None, "prod", read={**read, "dangling": None}, policy=POLICY)["dangling"] is None


def test_entry_gone_as_wanted_and_name_not_clear():
    entries = [
        {"name": "Old", "id": None, "action": "none", "runtime": None, "error": None, "changes": []},
        {"name": "Two", "id": None, "action": "failed", "error": {"msg": "two runtimes have this name"}, "changes": []},
    ]
    applied = {"failed": True, "msg": "1 failed", "runtimes": entries, "summary": {"failed": 1}}
    report = environment_report(applied, "prod", check_mode=True, read=read_with(), policy=POLICY, detail=True)
    assert [(entry["name"], entry["status"]) for entry in report["inventory"]] == [("Two", "not compared")]
    assert report["counts"]["runtimes"] == 0


def test_apply_in_check_mode_shows_what_there():
    now = {"name": "pandas", "version": "2.2.3"}
    changes = [
        {"field": "whitelist", "before": ["10.0.0.0/8"], "after": ["0.0.0.0/0"]},
        {"field": "packages", "before": [now, {"name": "x", "version": "1.2.3"}], "after": [{"name": "x"}]},
    ]
    predicted = runtime(1, "Nightly", whitelist=["0.0.0.0/0"], packages=[runtime(1, "")["packages"][1]])
    entries = [
        {"name": "Nightly", "id": predicted["id"], "action": "updated", "runtime": predicted, "changes": changes},
        {"name": "New", "id": None, "action": "created", "runtime": runtime(2, "New", id=None), "changes": []},
    ]
    applied = {"runtimes": entries, "summary": {"created": 1, "updated": 1}}
    new, updated = environment_report(applied, "prod", check_mode=True, detail=True)["inventory"]
    assert [network["network"] for network in updated["networks"]] == ["10.0.0.0/8"]
    assert [(package["name"], package["status"]) for package in updated["packages"]] == [
        ("pandas", "unknown"),
        ("x", "installed"),
    ]
    assert (new["name"], new["status"], new["present"], new["networks"]) == ("New", "missing", False, [])
    done = environment_report(applied, "prod", detail=True)["inventory"]
    assert [entry["present"] for entry in done] == [True, True]


def test_a_packed_report_is_the_same():
    read = {"failed": False, "msg": "m", **read_with(violation(PROD, "\ud800", "networks_within"))}
    plain = environment_report(None, "prod", read=read, policy=POLICY, detail=True)
    assert (
        json.loads(report_file([serialize.text_of(plain)], "x.json"))["environments"]
        == json.loads(report_file([plain], "x.json"))["environments"]
    )
    with pytest.raises(AnsibleFilterError, match="takes a list of reports"):
        report_file(["text"], "x.json")
