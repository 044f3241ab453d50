from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.policy import policy_from
from unit.support.make import DEFAULT_ID, stored
from unit.support.many import UNITE, UPGRADE, A, B, C, actions, assigned, holding, message, run
from unit.support.server import Server

DEFAULT = "(Default) MicroStrategy"
PURGE, PLAN = {"purge": True}, {"plan_id": "0" * 24}
ALIKE = "whose name differs only in case, whitespace or the form of a character from"


def absent(name):
    return {"name": name, "state": "absent"}


def uses(runtime):
    return {"scripts": [assigned("load", runtime)]}


REFUSED = [
    # Entries that meet
    ("a", [{"id": A}, {"name": "a"}], {}, f"runtimes[1] and runtimes[0] are the same runtime, 'a' ({A}); list it once"),
    ("a", [{"id": A, "name": "b"}, {"name": "a"}], {}, "runtimes[1] and runtimes[0] are the same runtime, 'a'"),
    (
        "a,b",
        [{"id": A, "name": "b"}, {"id": B, "name": "a"}],
        {},
        f"name 'a' is taken by the runtime with id {A};",
    ),
    ("a,b", [{"id": A, "name": "b"}], {}, f"name 'b' is taken by the runtime with id {B}; choose a different name"),
    ("a,b", [{"id": A, "name": "b"}], PURGE, f"name 'b' is taken by the runtime with id {B}; choose a different name"),
    ("", [{"id": A, "name": "a"}], {}, f"no runtime has the id {A}; to create one, set name and omit id"),
    ("a,a", [absent("a")], {}, f"2 runtimes have the name 'a': {A}, {B}; choose one by id"),
    # The default runtime
    ("", [absent(DEFAULT)], {}, "built-in default runtime and cannot be deleted"),
    ("", [{"id": DEFAULT_ID, "state": "absent"}], {}, "built-in default runtime and cannot be deleted"),
    ("R", [{**UNITE, "name": DEFAULT}], {}, f"'{DEFAULT}' ({DEFAULT_ID}) is the server's built-in"),
    # A purge
    ("a,b", [{"name": "a"}], {**PURGE, "limit": 0}, "purge would delete 1 runtime, more than purge_limit 0: 'b'"),
    ("NIGHTLY", [{"name": "nightly"}], PURGE, f"purge would delete 'NIGHTLY' ({A}), {ALIKE} 'nightly' in the list"),
    ("night ,x", [absent("night"), {"name": "x"}], PURGE, f"purge would delete 'night ' ({A}), {ALIKE} 'night'"),
    ("\u00a0night", [{"name": "Night"}], PURGE, rf"purge would delete '\xa0night' ({A}), {ALIKE} 'Night'"),
    ("R,r", [UPGRADE], PURGE, f"purge would delete 'r' ({B}), {ALIKE} 'R'"),
    ("a,", [{"name": "a"}], PURGE, f"id {B}, which has no name"),
    # A plan
    ("a", [{"id": A, "name": "stale", "state": "absent"}], PLAN, "1 to delete ('a')"),
    ("R", [UPGRADE], PLAN, "1 to replace ('R': id, runtime_version), 1 to delete ('R'), 2 scripts to move"),
    (",b", [{"id": A, "others": "x"}], {}, "has no name, and an update must contain one; set name"),
    ("a", [{"name": "a", "min_cached_instances": 4}], {}, "min_cached_instances 4 must not exceed max_cached_instanc"),
    # Previous names and replacements
    ("a,b", [{"name": "n", "previous_names": ["a", "b"]}], {}, f"have a previous name of 'n': 'a' ({A}), 'b' ({B})"),
    ("c,c", [{"name": "n", "previous_names": ["c"]}], {}, f"have a previous name of 'n': 'c' ({A}), 'c' ({B})"),
    # Scripts
    ("old", [{"name": "new"}, absent("old")], {"protect": True}, f"runtime 'old' ({A}) is used by 2 scripts"),
    ("old,a", [{"name": "a"}], {**PURGE, "protect": True}, f"runtime 'old' ({A}) is used by 2 scripts"),
    ("a", [], uses("zzz"), "scripts[0]: the server has no runtime 'zzz', and the task does not create it"),
    ("a", [absent("a")], uses("a"), "scripts[0]: runtime 'a' is to be deleted, so no script can use it"),
    ("b", [{"name": "a", "previous_names": ["b"]}], uses("b"), "runtime 'b' becomes 'a' in this task; write that name"),
    ("a", [], {"scripts": [assigned(None, "a", id="LOAD" * 8)]}, "scripts[0]: id 'LOADLOAD"),
]


@pytest.mark.parametrize(("held", "entries", "how", "why"), REFUSED, ids=[row[-1] for row in REFUSED])
@pytest.mark.parametrize("check_mode", [True, False])
def test_task_that_is_refused(held, entries, how, why, check_mode):
    """The runtimes that are held have the ids A, B, ...; two scripts use the first one."""
    named = zip(held.split(","), (A, B, C)) if held else ()
    have = Server(*(stored(name=name, id=identity) for name, identity in named)).seed_scripts(load=A, close=A)
    assert why in message(have, *entries, check_mode=check_mode, **how)
    assert have.writes == []


def test_purge_over_its_limit():
    """The message has ten names and the number; check mode names and shows all. What is absent does not count."""
    have = Server(*(stored(name=f"r{n:02}", id=f"{n:032X}") for n in range(59)))
    task = {"name": "r00", "exec_timeout": 60}, absent("r58")
    how = {"purge": True, "limit": 20}
    over = "purge would delete 57 runtimes, more than purge_limit 20: "
    end = ". Raise purge_limit if you want to delete them"
    names = ", ".join(f"'r{n:02}'" for n in range(1, 11))
    assert message(have, *task, **how) == f"{over}{names} and 47 more{end}"
    result = run(have, *task, **how, check_mode=True)
    assert actions(result)[:3] == [("r00", "updated"), ("r58", "deleted"), ("r01", "deleted")]
    assert (result["msg"].startswith(over), result["msg"].endswith(end)) == (True, True)
    assert all(f"'r{n:02}'" in result["msg"] for n in range(1, 58))
    assert (len(result["diff"]), result["summary"]["deleted"], have.writes) == (59, 58, [])


@pytest.mark.parametrize(
    ("fields", "given", "why"),
    [
        ({"whitelist": ["db.example.com"]}, {"whitelist": []}, "whitelist[0] 'db.example.com' is not a CIDR block"),
        # A copy is new, so the policy evaluates what the definition does not manage, too.
        ({"whitelist": ["192.0.2.0/24"]}, {"whitelist": []}, "whitelist[0] '192.0.2.0/24'"),
    ],
)
def test_odd_old_field_is_not_copied(fields, given, why):
    """It is replaced if the definition gives that field."""
    have = holding(R={"id": A, **fields})
    policy = policy_from({"networks_within": ["10.0.0.0/8"], "whitelist_required": False}, date(2026, 6, 15))
    assert f"'R' ({A}) cannot be copied: {why}" in message(have, UPGRADE, policy=policy)
    assert have.writes == []
    assert actions(run(have, {"name": "R", "others": "x"}, policy=policy)) == [("R", "updated")]
    assert actions(run(have, {**UPGRADE, **given}, policy=policy)) == [("R", "replaced")]


@pytest.mark.parametrize("asked", ["3.12", "3.10.6", "three"])
def test_unknown_version(asked):
    have = Server(stored(), versions_call="yes", python_versions=["3.10.5", "3.12.0", "3.12.1"])
    text = message(have, {"name": "r", "runtime_version": asked})
    assert f"runtime_version '{asked}' is not offered by the server (it offers 3.10.5, 3.12.0, 3.12.1)" in text
    assert have.writes == []


@pytest.mark.parametrize(
    ("versions_call", "asked", "action", "asks"),
    [("yes", "3.12.1", "updated", 1), ("404", "3.99", "updated", 1), ("yes", "3.10.5", "none", 0)],
)
def test_version_that_is_offered_or_unknown(versions_call, asked, action, asks):
    have = Server(stored(), versions_call=versions_call, python_versions=["3.12.1"])
    assert actions(run(have, {"name": "r", "runtime_version": asked})) == [("r", action)]
    assert have.requests.count("GET /runtimes/versions") == asks


@pytest.mark.parametrize("names", [{}, {"a": A}, {"a": A, "b": B}])
def test_purge_by_an_incomplete_list(names):
    have = holding(**names)
    have.switch(list_hides=DEFAULT)
    why = "purge is refused: the server's list of runtimes lacks its built-in default runtime"
    assert message(have, {"name": "a"}, purge=True).startswith(why)
    assert (have.writes, len(have.warnings)) == ([], 1)
