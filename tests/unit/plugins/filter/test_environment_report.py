# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mstr.library.plugins.filter.audit_faults import audit_faults
from ansible_collections.mstr.library.plugins.filter.environment_report import FilterModule, environment_report
from ansible_collections.mstr.library.plugins.filter.report_file import report_file
from ansible_collections.mstr.library.plugins.module_utils._errors import PartialError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.entry import report
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import reconcile
from ansible_collections.mstr.library.plugins.module_utils._work.request import Purge, Wanted
from ansible_collections.mstr.library.plugins.plugin_utils._reports import serialize
from ansible_collections.mstr.library.tests.unit.support.make import ID, OTHER_ID, refusal, stored
from ansible_collections.mstr.library.tests.unit.support.report import POLICY, environment, runtime, violation
from ansible_collections.mstr.library.tests.unit.support.server import Server

ENTRIES = [{"name": "r", "exec_timeout": 60, "others": "ä"}, {"name": "new"}, {"name": "same"}]
SAME = "C" * 32


def server():
    return Server(stored(), stored(name="old", id=OTHER_ID), stored(name="same", id=SAME))


def result(have, *, check_mode=True, diff=True):
    """What the module returns, of a failed task too, as a playbook registers it."""
    definitions = [definition_from(entry) for entry in ENTRIES]
    try:
        entries = reconcile(have.context(check_mode=check_mode), Wanted(definitions, Purge()))
        applied = {"failed": False, **report(entries, purge=True)}
    except PartialError as exc:
        applied = {"failed": True, **exc.to_result()}
    return json.loads(json.dumps(applied if diff else {key: one for key, one in applied.items() if key != "diff"}))


def test_drift():
    report = environment_report(result(server()), "prod", check_mode=True)
    assert report["outcome"] == "drift"
    assert report["message"] is None
    assert report["lines"] == [
        "prod: 1 to create, 1 to update, 1 to delete, 1 unchanged",
        "prod: 'r' differs: exec_timeout 600 → 60",
        "prod: 'r' differs: others '' → 'ä'",
        "prod: 'new' would be created",
        "prod: 'old' would be deleted",
    ]
    assert [one["action"] for one in report["runtimes"]] == ["updated", "created", "deleted"]
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


def test_the_report_of_a_run_without_a_diff():
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


def test_the_report_of_a_task_that_failed_earlier():
    report = environment_report({"failed": True, "msg": "Could not log in."}, "prod")
    assert (report["outcome"], report["summary"]) == ("failed", None)
    assert report["lines"] == ["prod: failed: Could not log in."]
    assert environment_report({"failed": True}, "prod")["message"] == "The task failed without a message."


def test_an_environment_without_runtimes():
    counts = dict.fromkeys(("created", "updated", "deleted", "unchanged", "failed"), 0)
    assert environment_report({"runtimes": [], "summary": counts}, "prod")["lines"] == ["prod: no runtimes"]


@pytest.mark.parametrize("value", [None, "text", []])
def test_an_input_that_is_not_a_result_is_refused(value):
    with pytest.raises(AnsibleFilterError, match="takes the result of"):
        environment_report(value, "prod")


def test_its_name():
    assert list(FilterModule().filters()) == ["environment_report"]


@pytest.mark.parametrize("result", [None, ""])
def test_an_audit_without_definitions(result):
    report = environment_report(result, "prod", read={"runtimes": [], "violations": []})
    assert (report["outcome"], report["compared"]) == ("not_judged", False)
    assert report["lines"] == ["prod: 0 runtimes, not judged by any policy"]
    for empty in ({}, {"networks_never": [], "whitelist_required": False}):
        assert environment_report(None, "prod", read=read_with(), policy=empty)["outcome"] == "not_judged"
    assert environment_report(None, "prod", read=read_with(), policy=POLICY)["outcome"] == "clean"


def read_with(*violations, **more):
    """The result of a read, with these violations and their runtimes."""
    runtimes = {one["id"]: runtime(0, one["name"], id=one["id"]) for one in violations}
    return {"runtimes": list(runtimes.values()), "violations": list(violations), **more}


def test_findings_are_reported_with_value_and_rule_and_what_was_accepted():
    report = environment("prod")
    assert report["outcome"] == "violations"
    assert report["counts"] == {
        "runtimes": 6,
        "violations": 5,
        "not_judged": 1,
        "accepted": 3,
        "expiring": 1,
        "differing": 2,
        "undefined": 1,
        "problems": 2,
        "unread": 1,
        "unused": 1,
    }
    assert report["lines"][:9] == [
        "prod: 6 runtimes, 5 violations, 3 accepted violations, 1 acceptance expires within 30 days, 2 differ from "
        "their definitions, 1 has no definition, 2 are not ready, 1 look-up failed, 1 acceptance accepts nothing",
        "prod: '<script>alert(1)</script>' whitelist is empty, which breaks whitelist_required",
        "prod: '<script>alert(1)</script>' has the status error",
        "prod: 'Nightly reports' whitelist 0.0.0.0/0 breaks networks_within and networks_never",
        "prod: 'Nightly reports' whitelist * was not judged by networks_never: it is not a CIDR block",
        "prod: 'Nightly reports' resource.mem 8192 breaks resource_max: it is more than 4096; the acceptance expired "
        "on 2026-01-31 (month end)",
        "prod: 'Nightly reports' package pandas is not installed (server: \"Return code: 1.\")",
        "prod: mstr_audit_accept 'Nightly Report' accepts nothing: no runtime has this name; did you mean 'Nightly "
        "reports'?",
        "prod: could not read the scripts of 'Finance': the project is not loaded",
    ]


PROD = runtime(7, "Prod [EU] Nightly")


@pytest.mark.parametrize(
    ("entry", "accepted"),
    [
        ("Prod [EU] Nightly", True),
        ("prod [eu] *", True),
        ("Prod [EU]*", True),
        ("Prod E*", False),
        (PROD["id"].lower(), True),
        ({"runtime": "Prod*"}, True),
        ({"runtime": "Prod*", "rule": "packages_never"}, True),
        ({"runtime": "Prod*", "rule": "packages_within"}, False),
        ({"runtime": "Prod*", "value": "Requests"}, True),
        ({"runtime": "Prod*", "value": "requests==2.31.0"}, True),
        ({"runtime": "Prod*", "value": "requests==2.30.0"}, False),
    ],
)
def test_what_an_entry_accepts(entry, accepted):
    one = violation(PROD, "requests==2.31.0", "packages_never", "matches requests<2.32", "packages")
    read = {"runtimes": [PROD, runtime(8, "Prod E Nightly")], "violations": [one]}
    entry = entry if isinstance(entry, str) else {"reason": "why", "until": "2099-12-31", **entry}
    report = environment_report(None, "prod", read=read, policy=POLICY, accepted=[entry])
    assert [each["verdict"] for each in report["violations"]] == ["accepted" if accepted else "violation"]
    assert len(report["unused_acceptances"]) == (not accepted)


@pytest.mark.parametrize(
    ("days", "verdict", "expiring"),
    [(-1, "expired", 0), (0, "accepted", 1), (30, "accepted", 1), (31, "accepted", 0)],
)
def test_an_acceptance_holds_to_the_end_of_its_last_day(days, verdict, expiring):
    until = datetime.now(timezone.utc).date() + timedelta(days=days)
    read = read_with(violation(PROD, "0.0.0.0/0", "networks_within"))
    for written in (until, until.isoformat()):
        entry = {"runtime": PROD["name"], "reason": "why", "until": written}
        report = environment_report(None, "prod", read=read, policy=POLICY, accepted=[entry])
        (found,) = report["violations"]
        assert (found["verdict"], found["reason"], found["until"]) == (verdict, "why", until.isoformat())
        assert report["counts"]["violations"] == (verdict == "expired")
        assert report["counts"]["expiring"] == expiring
    longer = {"runtime": PROD["name"], "reason": "longer", "until": "2099-12-31"}
    report = environment_report(None, "prod", read=read, policy=POLICY, accepted=[longer, entry])
    assert [one["reason"] for one in report["violations"]] == ["longer"]
    assert report["unused_acceptances"] == []


def test_an_acceptance_of_a_runtime_without_such_a_violation_is_a_finding():
    read = read_with(violation(PROD, "0.0.0.0/0", "networks_within"))
    entry = {"runtime": PROD["name"], "rule": "networks_never", "reason": "why", "until": "2099-12-31"}
    report = environment_report(None, "prod", read=read, policy=POLICY, accepted=[PROD["name"], entry])
    assert report["outcome"] == "problems"
    assert report["unused_acceptances"] == [
        "mstr_audit_accept 'Prod [EU] Nightly' (networks_never) accepts nothing: the runtime has no such violation"
    ]


def faulty(**changes):
    return {"runtime": "R", "reason": "why", "until": "2099-12-31", **changes}


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (
            {"accepted": [faulty(rule="network_within")]},
            ".rule 'network_within' is not a rule of a policy; did you mean",
        ),
        ({"accepted": ["R", faulty(reason=" ")]}, "mstr_audit_accept[1] has no reason; write why"),
        ({"accepted": [faulty(until=None)]}, "mstr_audit_accept[0] has no until; write the last day"),
        ({"accepted": [faulty(until="31.12.2026")]}, "mstr_audit_accept[0].until '31.12.2026' is not a date"),
        ({"accepted": [faulty(until=20261231)]}, "mstr_audit_accept[0].until '20261231' is not a date"),
        ({"accepted": [faulty(until="2026-12-31 or when fixed")]}, "mstr_audit_accept[0].until '2026-12-31 or"),
        ({"accepted": [faulty(value=" ")]}, "mstr_audit_accept[0].value is empty; write the value, or leave"),
        ({"accepted": [faulty(rule="")]}, "mstr_audit_accept[0].rule is empty; write the rule, or leave"),
        ({"accepted": [faulty(runtime=["A", "B"])]}, "mstr_audit_accept[0].runtime is a list; expected text"),
        ({"accepted": [faulty(runtime="")]}, "mstr_audit_accept[0] has no runtime"),
        ({"accepted": [faulty(reasn="x")]}, "has the unknown key 'reasn'; did you mean reason?"),
        ({"accepted": [17]}, "mstr_audit_accept[0] 17 is not the name of a runtime"),
        ({"policy": {"networks_wthin": []}}, "networks_wthin"),
        ({"policy": {"networks_within": ["x"]}}, "policy.networks_within[0] 'x' is not a CIDR block"),
        (
            {"policy": None, "fail_on_violation": True},
            "mstr_fail_on_violation is set, but mstr_runtimes_policy has no rule",
        ),
        ({"policy": {"networks_never": []}, "fail_on_violation": "yes"}, "so nothing would be judged"),
        ({"fail_on_drift": True}, "mstr_fail_on_drift is set, but neither"),
        ({"fail_on_violation": "yess"}, "mstr_fail_on_violation must be true or false, not 'yess'"),
    ],
)
def test_variables_of_an_audit_that_are_refused(arguments, fault):
    (found,) = audit_faults(**{"policy": {"networks_within": []}, **arguments})
    assert fault in found


def test_variables_of_an_audit_that_are_good():
    for policy in (None, "", {}, POLICY):
        assert audit_faults(policy, accepted=["R", faulty(), faulty(rule="resource_max", value=8192)]) == []
    for policy in ({"networks_within": []}, {"cached_instances_max": "0"}, {"exec_timeout_max": 60}):
        assert audit_faults(policy, "R", fail_on_violation="true", fail_on_drift="no") == []
    assert audit_faults(None, fail_on_violation="", fail_on_drift=True, compares=True) == []


def test_an_entry_that_is_gone_as_wanted_and_a_name_that_is_not_clear():
    entries = [
        {"name": "Old", "id": None, "action": "none", "runtime": None, "error": None, "changes": []},
        {"name": "Two", "id": None, "action": "failed", "error": {"msg": "two runtimes have this name"}, "changes": []},
    ]
    applied = {"failed": True, "msg": "1 failed", "runtimes": entries, "summary": {"failed": 1}}
    report = environment_report(applied, "prod", check_mode=True, read=read_with(), policy=POLICY, detail=True)
    assert [(one["name"], one["status"]) for one in report["inventory"]] == [("Two", "not compared")]
    assert report["counts"]["runtimes"] == 0


def test_an_apply_in_check_mode_shows_what_is_there():
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
    assert [one["network"] for one in updated["networks"]] == ["10.0.0.0/8"]
    assert [(one["name"], one["status"]) for one in updated["packages"]] == [("pandas", "unknown"), ("x", "installed")]
    assert (new["name"], new["status"], new["present"], new["networks"]) == ("New", "missing", False, [])
    done = environment_report(applied, "prod", detail=True)["inventory"]
    assert [one["present"] for one in done] == [True, True]


def test_a_packed_report_is_the_same():
    read = {"failed": False, "msg": "m", **read_with(violation(PROD, "\ud800", "networks_within"))}
    plain = environment_report(None, "prod", read=read, policy=POLICY, detail=True)
    assert (
        json.loads(report_file([serialize.text_of(plain)], "x.json"))["environments"]
        == json.loads(report_file([plain], "x.json"))["environments"]
    )
    with pytest.raises(AnsibleFilterError, match="takes a list of reports"):
        report_file(["text"], "x.json")
