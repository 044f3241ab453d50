# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import PartialError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.tests.unit.support.make import DEFAULT_ID, refusal, stored
from ansible_collections.mstr.library.tests.unit.support.many import (
    A,
    B,
    C,
    actions,
    bulk,
    holding,
    refused,
    run,
    summary,
)
from ansible_collections.mstr.library.tests.unit.support.server import Server

RAISE = ". Raise purge_limit if you want to delete them"


# --- purge


def test_purge_deletes_unlisted_runtimes_but_never_the_default_runtime():
    have = holding(a=A, b=B, **{"(Standard) MicroStrategy": DEFAULT_ID, "c [old]": C})
    result = run(have, {"name": "a"}, purge=True, exclude=["c [old]"])
    assert have.names == ["(Standard) MicroStrategy", "a", "c [old]"]
    assert actions(result) == [("a", "none"), ("b", "deleted")]


@pytest.mark.parametrize("pattern", ["vendor *", "Vendor A", B.lower()])
def test_purge_exclude_takes_names_patterns_and_ids(pattern):
    have = holding(a=A, **{"Vendor A": B})
    run(have, {"name": "a"}, purge=True, exclude=["nothing", pattern])
    assert have.names == ["Vendor A", "a"]


def test_an_id_that_the_server_writes_in_two_ways_is_one_runtime():
    have = holding(a=A, b=B)
    have.listed = lambda one: {"id": one["id"].lower(), "name": one["name"]}
    result = run(have, {"id": A, "exec_timeout": 60}, purge=True)
    assert actions(result) == [("a", "updated"), ("b", "deleted")]
    assert have.names == ["a"]


def test_a_runtime_that_vanishes_after_the_list_is_not_created_without_a_name():
    have = holding(a=A, b=B)
    have.listed = lambda one: {"id": one["id"], "name": one["name"]}
    have.fail("GET")  # the list
    have.fail("GET", refusal(404, "ERR004", "no such object"))
    result = run(have, {"id": A, "exec_timeout": 60}, {"name": "b"})
    assert f"no runtime has the id {A}" in result["msg"]
    assert have.writes == []


def test_a_name_and_an_id_that_the_server_writes_in_two_ways_are_one_runtime():
    have = holding(a=A)
    have.listed = lambda one: {**one, "id": one["id"].lower()}
    assert "are the same runtime" in refused(have, {"id": A, "exec_timeout": 60}, {"name": "a"})[0]


def test_more_than_the_limit_refuses_the_whole_task():
    have = holding(a=A, b=B, c=C)
    (fault,) = refused(have, {"name": "a", "exec_timeout": 60}, purge=True, limit=1)
    assert fault == f"purge would delete 2 runtimes, more than purge_limit 1: 'b', 'c'{RAISE}"


def test_check_mode_reports_what_would_change_beside_the_refusal():
    have = holding(a=A, b=B, c=C)
    with pytest.raises(PartialError) as caught:
        bulk(have, purge=True, limit=1, check_mode=True)([definition_from({"name": "a", "exec_timeout": 60})])
    result = caught.value.to_result()
    assert result["msg"] == f"purge would delete 2 runtimes, more than purge_limit 1: 'b', 'c'{RAISE}"
    assert actions(result) == [("a", "updated"), ("b", "deleted"), ("c", "deleted")]
    assert have.writes == []


def test_a_long_list_over_the_limit_shows_ten_names_and_the_number():
    have = Server(*(stored(name=f"r{n:02}", id=f"{n:032X}") for n in range(58)))
    (fault,) = refused(have, {"name": "r00"}, purge=True, limit=20)
    names = ", ".join(f"'r{n:02}'" for n in range(1, 11))
    assert fault == f"purge would delete 57 runtimes, more than purge_limit 20: {names} and 47 more{RAISE}"


def test_state_absent_does_not_count_for_the_purge_limit():
    have = holding(a=A, b=B, c=C)
    run(have, {"name": "a", "state": "absent"}, {"name": "b", "state": "absent"}, purge=True, limit=1)
    assert have.names == []


def test_a_limit_of_none_at_all():
    refused(holding(a=A, b=B), {"name": "a"}, purge=True, limit=0)
    assert actions(run(holding(a=A), {"name": "a"}, purge=True, limit=0)) == [("a", "none")]


def test_the_purge_has_the_comment_of_the_task():
    have = holding(a=A, b=B)
    run(have, {"name": "a"}, purge=True, comment="Spring cleaning")
    assert have.params == [{"userComments": "Spring cleaning"}]


def test_nothing_is_purged_unasked():
    have = holding(a=A, b=B)
    run(have, {"name": "a", "exec_timeout": 60}, limit=0)
    assert have.names == ["a", "b"]


def test_a_listed_runtime_that_cannot_be_read_is_not_purged():
    have = holding(a=A)
    have.listed = lambda one: {"id": one["id"], "name": one["name"]}
    have.fail("GET")  # the list
    have.fail("GET", refusal(404, "ERR004", "no such object", f"GET /api/runtimes/{A}"))
    run(have, {"name": "a", "exec_timeout": 60}, purge=True)
    assert A in have.runtimes


# --- what is deleted is read whole


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_difference_of_a_delete_and_of_a_purge_holds_the_whole_definition(check_mode):
    have = holding(a={"id": A, "whitelist": ["10.0.0.0/8"]}, b={"id": B, "whitelist": ["10.1.0.0/16"]}, c=C)
    have.listed = lambda one: {key: one[key] for key in ("id", "name")}
    result = run(have, {"name": "a", "state": "absent"}, {"name": "c"}, purge=True, check_mode=check_mode)
    assert [one["before"]["whitelist"] for one in result["diff"]] == [["10.0.0.0/8"], ["10.1.0.0/16"]]
    assert [one["before"]["resource"] for one in result["diff"]] == [{"cpu": 0.2, "mem": 512}] * 2
    assert [one["runtime"]["exec_timeout"] for one in result["runtimes"] if one["action"] == "deleted"] == [600, 600]


def test_if_a_runtime_cannot_be_read_nothing_is_purged():
    have = holding(a=A, b=B, c=C)
    have.listed = lambda one: {key: one[key] for key in ("id", "name")}
    have.fail("GET")  # the list
    have.fail("GET", refusal(403, "ERR0017", "no permission", f"GET /api/runtimes/{B}"))
    result = run(have, {"name": "a"}, purge=True)
    assert actions(result) == [("a", "none"), ("b", "failed")]
    assert result["msg"].endswith("Nothing was purged.")
    assert have.names == ["a", "b", "c"]


def test_a_runtime_deleted_meanwhile_is_not_purged():
    have = holding(a=A, b=B)
    have.listed = lambda one: {key: one[key] for key in ("id", "name")}
    have.fail("GET")  # the list
    have.fail("GET", meanwhile=lambda: have.runtimes.pop(B))
    assert actions(run(have, {"name": "a"}, purge=True)) == [("a", "none")]
    assert have.writes == []


# --- a purge by a name that is hardly different


@pytest.mark.parametrize("name", ["NIGHTLY", "Nightly ", "\u00a0nightly"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_purge_of_a_name_that_differs_only_in_case_or_whitespace_is_refused(name, state):
    have = holding(**{name: A, "Other": B})
    (fault,) = refused(have, {"name": "Nightly", "state": state}, {"name": "Other"}, purge=True)
    assert fault.startswith(f"purge would delete {name!r} ({A}), whose name differs only in case, whitespace or")
    assert "from 'Nightly' in the list" in fault


def test_a_listed_or_excluded_name_does_not_refuse_the_purge():
    have = holding(nightly=A, Nightly=B, x=C)
    run(have, {"name": "Nightly"}, purge=True, exclude=["nightly"])
    assert have.names == ["Nightly", "nightly"]
    run(have, {"name": "Nightly"}, {"name": "nightly", "state": "absent"}, purge=True)
    assert have.names == ["Nightly"]


def test_without_purge_a_name_that_differs_only_in_case_is_a_warning():
    have = holding(nightly=A)
    assert actions(run(have, {"name": "Nightly"})) == [("Nightly", "created")]
    [warning] = have.warnings
    assert warning.startswith("Runtime 'Nightly' is new, but 'nightly' exists: ")


class Guard:
    """Notes the names of what would be deleted, and refuses those that are used."""

    def __init__(self, server, *used):
        self.server, self.used = server, used
        self.seen, self.writes = [], []

    def __call__(self, runtimes):
        names = [one.name for one in runtimes]
        self.seen.append(names)
        self.writes += self.server.writes
        return [([one], f"{one.name} is used") for one in runtimes if one.name in self.used]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_guard_refuses_the_whole_task_before_any_write(check_mode):
    server = holding(a=A, b=B, c=C)
    guard = Guard(server, "b", "c")
    entries = [{"name": "new"}, {"name": "a", "exec_timeout": 5}, {"name": "b", "state": "absent"}]
    faults = refused(server, *entries, purge=True, guard=guard, check_mode=check_mode)
    assert faults == ("b is used", "c is used")
    assert (guard.seen, server.writes) == ([["b", "c"]], [])


def test_a_guard_gets_the_runtimes_to_delete_and_may_accept():
    server = holding(a=A, b=B, c=C)
    guard = Guard(server, "a")
    result = run(server, {"name": "a"}, {"name": "b", "state": "absent"}, purge=True, guard=guard)
    assert summary(unchanged=1, deleted=2) == result["summary"]
    assert (guard.seen, guard.writes) == ([["b", "c"]], [])


def test_a_guard_is_not_asked_where_nothing_is_to_be_deleted():
    server = holding(a=A)
    guard = Guard(server, "a")
    entries = [{"name": "a", "exec_timeout": 5}, {"name": "new"}, {"name": "gone", "state": "absent"}]
    run(server, *entries, purge=True, guard=guard)
    assert guard.seen == []
    assert len(server.writes) == 2
