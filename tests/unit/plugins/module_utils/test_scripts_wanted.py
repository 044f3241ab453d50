"""Scripts are part of what is wanted, and go the one way."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from unit.support.many import LIST, A, B, C, D, actions, assigned, both, holding, moves, run

OLD_GOES = {"name": "old", "state": "absent"}


def test_scripts_alone_purge_nothing_and_list_once():
    have = holding(a=A, b=B).seed_scripts(load=A)
    how = {"scripts": [assigned("load", "b")]}
    assert run(have, **how, check_mode=True)["msg"] == "1 script would be moved."
    have.requests.clear()
    result = run(have, **how)
    assert (have.scripts, have.names, result["changed"]) == ({"load": B}, ["a", "b"], True)
    assert (have.requests.count(LIST), have.requests.count("GET /projects")) == (1, 1)
    [diff] = result["diff"]
    assert (diff["before_header"], diff["after_header"]) == ("scripts", "scripts")
    assert (diff["before"], diff["after"]) == ({"Sales / load (LOAD)": f"a ({A})"}, {"Sales / load (LOAD)": f"b ({B})"})


def test_script_that_comes_before_the_purge():
    """It spares its runtime."""
    have = holding(keep=A, old=B, x=C, y=D).seed_scripts(load=A)
    have.fail("PATCH", meanwhile=lambda: have.seed_scripts(load=C))
    result = run(have, {"name": "keep"}, {"name": "old", "others": "y"}, purge=True, protect=True)
    assert actions(result)[-2:] == [("x", "failed"), ("y", "deleted")]
    assert f"something changed after the plan was made: runtime 'x' ({C}) is used by 1 script" in result["msg"]


def test_script_of_what_cannot_be_planned():
    """Check mode says so, too, and what a script still uses is not deleted."""
    have = holding(old=A).seed_scripts(load=A)
    for result in both(have, {"id": B, "name": "b"}, OLD_GOES, scripts=[assigned("load", "b")]):
        assert (moves(result), actions(result)) == ([("load", "failed")], [("b", "failed"), ("old", "failed")])
        assert (result["changed"], result["summary"]["failed"]) == (False, 3)


def test_plan_id_covers_assignments():
    have = holding(a=A, b=B, c=C).seed_scripts(load=A, close=A)
    how = {"scripts": [assigned("load", "b")]}
    identity = run(have, **how, check_mode=True)["plan_id"]
    with pytest.raises(MstrError, match=r"is different from the approved one .*: 2 scripts to move"):
        run(have, scripts=[assigned("load", "b"), assigned("close", "b")], plan_id=identity)
    with pytest.raises(MstrError) as refused:
        run(have, **how, plan_id="0" * 24)
    assert refused.value.to_result()["plan_id"] == identity == run(have, **how, plan_id=identity)["plan_id"]
    # Not only the name of the runtime: somebody may have deleted it and created a different one.
    assert run(holding(a=A, b=D).seed_scripts(load=A), **how, check_mode=True)["plan_id"] != identity
