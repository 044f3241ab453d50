# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mstr.library.plugins.filter.environment_report import FilterModule, environment_report
from ansible_collections.mstr.library.plugins.module_utils._errors import PartialError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.entry import report
from ansible_collections.mstr.library.plugins.module_utils._work.delete import Purge
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import reconcile
from ansible_collections.mstr.library.tests.unit.support.make import ID, OTHER_ID, refusal, stored
from ansible_collections.mstr.library.tests.unit.support.server import Server

ENTRIES = [{"name": "r", "exec_timeout": 60, "others": "ä"}, {"name": "new"}, {"name": "same"}]
SAME = "C" * 32


def server():
    return Server(stored(), stored(name="old", id=OTHER_ID), stored(name="same", id=SAME))


def result(have, *, check_mode=True, diff=True):
    """What the module returns, of a failed task too, as a playbook registers it."""
    definitions = [definition_from(entry) for entry in ENTRIES]
    try:
        entries = reconcile(have.context(check_mode=check_mode), definitions, Purge(True))
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
    assert (report["outcome"], report["compared"]) == ("clean", False)
    assert report["lines"] == ["prod: 0 runtimes"]
