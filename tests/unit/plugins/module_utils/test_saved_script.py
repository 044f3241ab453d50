# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError, ValidationError
from ansible_collections.mstr.library.plugins.module_utils._work.saved_script import (
    Project,
    SavedScript,
    Unread,
    Usage,
    check_projects,
    script_from_search,
    select_projects,
)
from ansible_collections.mstr.library.tests.unit.support.make import (
    DEFAULT_ID,
    ID,
    OTHER_ID,
    faults_of,
    refusal,
    runtime,
)
from ansible_collections.mstr.library.tests.unit.support.strategies import ANY_JSON
from hypothesis import given

SALES, FINANCE = Project("5A" * 16, "Sales"), Project("F1" * 16, "Finance")


def script(name="Load", project=SALES, runtime_id=ID, identity="1"):
    return SavedScript(project, identity, name, runtime_id=runtime_id)


@pytest.mark.parametrize(
    ("api_object", "runtime_id"),
    [
        ({"scriptRuntimeId": ID}, ID),
        ({"scriptRuntimeId": ID.lower()}, ID),
        ({}, DEFAULT_ID),
        ({"scriptRuntimeId": None}, DEFAULT_ID),
        ({"scriptRuntimeId": ""}, DEFAULT_ID),
        ({"scriptRuntimeId": DEFAULT_ID.lower()}, DEFAULT_ID),
    ],
)
def test_a_script_that_names_no_runtime_runs_on_the_default_one(api_object, runtime_id):
    assert script(runtime_id=None).on_runtime(api_object).runtime_id == runtime_id


@pytest.mark.parametrize("strange", [5, False, [], {"id": ID}, "Etl", ID + "0"])
def test_an_invalid_runtime_id_is_refused_and_is_not_the_default_runtime(strange):
    with pytest.raises(ValidationError, match=r"id .* is invalid"):
        script().on_runtime({"scriptRuntimeId": strange})


@pytest.mark.parametrize(
    ("subtype", "runs"), [(19456, False), ("19456", False), (19457, True), (19466, True), (None, True)]
)
def test_a_script_of_the_command_manager_has_no_runtime(subtype, runs):
    assert script()._replace(subtype=subtype).has_runtime is runs


def test_the_scripts_of_a_runtime_are_sorted_by_project_and_name():
    scripts = [script("b"), script("a", identity="2"), script("a", identity="1"), script("z", FINANCE), script("c")]
    usage = Usage([*scripts, script("other", runtime_id=OTHER_ID)])
    assert [(one.project.name, one.name, one.id) for one in usage.of(ID.lower())] == [
        ("Finance", "z", "1"),
        ("Sales", "a", "1"),
        ("Sales", "a", "2"),
        ("Sales", "b", "1"),
        ("Sales", "c", "1"),
    ]
    assert usage.of("C" * 32) == []


def test_a_script_as_playbooks_see_it():
    entry = {
        "id": "5C",
        "name": "Load",
        "type": 76,
        "subtype": 19457,
        "owner": {"id": "54", "name": "Administrator", "expired": False},
        "dateModified": "2026-11-25T07:29:53.000+0000",
        "acg": 255,
    }
    assert script_from_search(entry, SALES).to_result() == {
        "id": "5C",
        "name": "Load",
        "type": 76,
        "subtype": 19457,
        "project": {"id": "5A" * 16, "name": "Sales"},
        "owner": {"id": "54", "name": "Administrator"},
        "date_modified": "2026-11-25T07:29:53.000+0000",
    }


@given(ANY_JSON, ANY_JSON, ANY_JSON)
def test_any_entry_with_an_id_is_a_script(name, owner, modified):
    found = script_from_search({"id": "5C", "name": name, "owner": owner, "dateModified": modified}, SALES)
    assert Usage([found._replace(runtime_id=ID)]).of(ID)[0].to_result()["id"] == "5C"


def test_one_warning_with_the_first_reason_and_the_number_of_others():
    denied = Unread(SALES, script(), refusal(403, "ERR0017", "not yours"))
    unloaded = Unread(FINANCE, None, refusal(500, "ERR001", "not loaded"))
    assert Usage([script()]).warning() is None
    assert "unread" not in Usage([], [denied]).warning()
    warning = Usage([], [denied, unloaded]).warning()
    assert "a runtime without scripts may still be used" in warning
    assert "not yours" in warning
    assert warning.endswith(" The result lists 1 more under unread.")


def test_the_result_of_a_failed_read():
    denied = Unread(SALES, script(), refusal(403, "ERR0017", "not yours", "GET /api/scripts/1")).to_result()
    assert denied["project"] == {"id": "5A" * 16, "name": "Sales"}
    assert denied["script"] == {"id": "1", "name": "Load"}
    assert (denied["error"]["http_status"], denied["error"]["code"]) == (403, "ERR0017")
    assert denied["error"]["msg"].startswith("Could not do it: ")
    nothing = Unread(None, None, MstrError("The read failed.")).to_result()
    assert (nothing["project"], nothing["script"], nothing["error"]["msg"]) == (None, None, "The read failed.")


def test_projects_are_chosen_by_name_or_id_once_and_a_misspelled_one_is_unread():
    listed = [SALES, FINANCE, Project("AB" * 16, "sales")]
    assert select_projects(listed, None) == (listed, [])
    found, unread = select_projects(listed, ["Finance", "5a" * 16, "Sales", "Slaes"])
    assert found == [FINANCE, SALES]
    assert [(one.project, one.script) for one in unread] == [(Project(None, "Slaes"), None)]
    assert "no project with the name or id 'Slaes'" in unread[0].error.sentence


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        ([], "projects is empty, so no script would be found; omit it to search every project"),
        (["Sales", ""], "projects[1] is empty"),
        ([None], "projects[0] is empty"),
    ],
)
def test_projects_that_would_find_nothing_are_refused(wanted, fault):
    assert faults_of(check_projects, wanted) == (fault,)
    check_projects(None)
    check_projects(["Sales"])


def test_a_runtime_that_a_script_uses_is_protected_and_the_scripts_are_listed():
    usage = Usage([script("Load"), script("Close", FINANCE), script("Other", runtime_id=OTHER_ID)])
    assert usage.protection_faults([runtime(name="Etl"), runtime(id="C" * 32)]) == [
        f"runtime 'Etl' ({ID}) is used by 2 scripts and was not deleted (protect_used): script 'Close' in project "
        "'Finance', script 'Load' in project 'Sales'. Choose a different runtime for these scripts first"
    ]
    assert usage.protection_faults([runtime(id="C" * 32)]) == []


@pytest.mark.parametrize(("number", "more"), [(10, ""), (11, " and 1 more"), (200, " and 190 more")])
def test_at_most_ten_scripts_are_named_and_the_number_of_all(number, more):
    usage = Usage([script(f"s{index:03}", identity=str(index)) for index in range(number)])
    [fault] = usage.protection_faults([runtime()])
    assert fault.count("script 's") == 10
    assert f"is used by {number} scripts" in fault
    assert f"'s009' in project 'Sales'{more}. Choose" in fault


def test_where_anything_could_not_be_read_nothing_is_deleted():
    unread = [
        Unread(FINANCE, None, refusal(500, "ERR001", "The project is not loaded")),
        Unread(SALES, script("Private"), refusal(403, "ERR0017", "no permission")),
        Unread(None, None, refusal(403, "ERR0014", "no privilege")),
    ]
    doomed = [runtime(name="Etl"), runtime(name="New", id=OTHER_ID)]
    [fault] = Usage([], unread).protection_faults(doomed)
    assert fault.startswith(
        f"protect_used could not find out whether scripts use 'Etl' ({ID}), 'New' ({OTHER_ID}), "
        "so nothing was deleted: "
        "3 look-ups failed: project 'Finance', script 'Private' in project 'Sales', the list of projects. "
        "The first reason: Could not do it: "
    )
    assert "'The project is not loaded'" in fault
    # A runtime that is known to be used needs no second reason.
    used, unknown = Usage([script()], unread).protection_faults(doomed)
    assert used.startswith("runtime 'Etl'")
    assert "'Etl'" not in unknown
    assert len(Usage([script()], unread).protection_faults(doomed[:1])) == 1


def test_failed_reads_matter_only_for_a_delete():
    assert Usage([], [Unread(None, None, MstrError("The read failed."))]).protection_faults([]) == []
