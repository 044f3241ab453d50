"""Previous names."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from unit.support.many import A, B, C, actions, holding, names_by_id, run


def test_rename_by_a_previous_name():
    have = holding(old=A)
    entry = {"name": "new", "previous_names": ["older", "old"], "others": "x"}
    result = run(have, entry, purge=True)
    assert actions(result) == [("new", "updated")]
    assert [change["field"] for change in result["runtimes"][0]["changes"]] == ["name", "others"]
    assert (names_by_id(have), have.writes, have.warnings) == ({A: "new"}, [f"PATCH /runtimes/{A}"], [])


def test_both_names_exist():
    have = holding(old=A, new=B, x=C)
    result = run(have, {"name": "new", "previous_names": ["old"]}, purge=True)
    assert actions(result) == [("new", "none"), ("x", "deleted")]
    warnings = [warning.partition(",")[0] for warning in have.warnings]
    assert sorted(warnings) == ["Runtime 'new' exists", f"The purge spares 'old' ({A})"]


@pytest.mark.parametrize("near", ["Reports", "reports  "])
def test_previous_name_that_is_only_alike(near):
    """The runtime that it likely means is not purged; without a purge, the task warns."""
    have = holding(**{near: A})
    entry = {"name": "New", "previous_names": ["reports"]}
    why = "whose name differs only in case, whitespace or the form of a character from 'reports' in the list"
    assert why in run(have, entry, purge=True, check_mode=True)["msg"]
    with pytest.raises(MstrError, match=why):
        run(have, entry, purge=True)
    assert {text.partition(", b")[0] for text in have.warnings} == {
        "Runtime 'reports' does not exist, so nothing is renamed",
    }
    assert actions(run(have, entry)) == [("New", "created")]
