"""The definitions of a backup, a file with `restore: true`."""

from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.policy import policy_from
from ansible_collections.mstr.library.plugins.module_utils._work.api import Inputs
from ansible_collections.mstr.library.plugins.module_utils._work.many import reconcile_many
from unit.support.make import DEFAULT_ID, URL, error_of
from unit.support.many import A, B, C, actions, assigned, both, holding, names_by_id, restore


def errors(result):
    """The error of each entry that has one, by its name."""
    return {row["name"]: row["error"]["msg"] for row in result["runtimes"] if row["error"]}


def test_id_first_then_name():
    """Of a runtime that was made again, the name decides; one that is gone is created."""
    have = holding(renamed=A, again=C)
    entries = {"id": A, "name": "a"}, {"id": B, "name": "again", "others": "x"}, {"id": "D" * 32, "name": "gone"}
    for result in both(have, *entries, restore=True):
        assert actions(result) == [("a", "updated"), ("again", "updated"), ("gone", "created")]
    assert {A: "a", C: "again"}.items() <= names_by_id(have).items()
    warned = [text.partition(",")[0] for text in have.warnings]
    assert set(warned) == {"Runtime 'again' has a different id", "Runtime 'gone' has a different id"}
    assert have.warnings[0].endswith("The owner and the permissions (ACL) of that one are not restored.")


def test_what_came_since_stays():
    """It is named, and not purged."""
    have = holding(a=A, new=B)
    assert restore(have, {"id": A, "name": "a"})["changed"] is False
    assert have.warnings == [f"These runtimes are not in the backup, and stay as they are: 'new' ({B})."]


def test_name_of_a_runtime_that_another_entry_means():
    """It is not the one that is gone, and its name is not free yet: a second run creates it."""
    have = holding(a=B)
    entries = {"id": A, "name": "a"}, {"id": B, "name": "b"}
    first, second = restore(have, *entries), restore(have, *entries)
    why = f"name 'a' is taken by the runtime with id {B}; rename that one, and run the task again"
    assert errors(first) == {"a": why}
    assert (actions(second), have.names) == ([("a", "created"), ("b", "none")], ["a", "b"])


def test_taken_name_stops_no_other_entry():
    have = holding(b=A, a=B, c=C)
    entries = {"id": A, "name": "a"}, {"id": B, "name": "b"}, {"id": C, "name": "d"}
    for result in both(have, *entries, restore=True):
        assert [action for _name, action in actions(result)] == ["failed", "failed", "updated"]
        assert f"'a' is taken by the runtime with id {B}" in errors(result)["a"]
    assert names_by_id(have) == {A: "b", B: "a", C: "d"}


def test_default_runtime_is_restored_by_its_id():
    assert restore(holding(), {"id": DEFAULT_ID, "others": "x"}, check_mode=True)["summary"]["updated"] == 1


def test_script_with_a_secret_stays():
    have = holding(a=A).seed_scripts(load=None, close=None)
    next(iter(have.core.projects)).scripts[0].variables = [{"name": "password", "type": 4, "value": "****"}]
    result = restore(have, {"id": A, "name": "a"}, scripts=[assigned("load", "a"), assigned("close", "a")])
    assert ([row["name"] for row in result["scripts"]], have.scripts) == (["close"], {"load": None, "close": A})
    [warning] = have.warnings
    assert "'load'" in warning
    assert "holds a secret" in warning


def test_policy_only_warns():
    policy = policy_from({"runtime_versions_within": [">=3.12"]}, date(2026, 6, 15))
    have = holding(a=A)
    result = restore(have, {"id": A, "name": "a", "runtime_version": "3.11.9", "others": "x"}, policy=policy)
    assert actions(result) == [("a", "updated")]
    [warning] = have.warnings
    assert warning.startswith("Runtime 'a' is restored, although runtime_version '3.11.9'")


def backup_of(server):
    return Inputs([definition_from({"id": A, "name": "a"})], restore=True, server=server)


def test_backup_of_a_different_server_is_refused():
    have, other = holding(a=A), "https://other.example.com/L"
    refused = error_of(reconcile_many, have.context(backup_of(other)))
    assert f"was written for the server {other}, and this server is {URL}; delete the line" in refused.sentence
    assert have.requests == []


@pytest.mark.parametrize("server", [f"{URL}/api/", None])
def test_backup_of_this_server(server):
    done = reconcile_many(holding(a=A).context(backup_of(server)))
    assert [step.error for step in done.steps] == [None]
