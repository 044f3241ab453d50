"""The id of a plan: the same for the same changes from the same values, and nothing is written for a different one."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model import plan
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.plan import make_plan
from ansible_collections.mstr.library.plugins.module_utils._model.purge import Purge
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import from_api
from ansible_collections.mstr.library.plugins.module_utils._model.steps import CHANGE, Row, Step, check_plan_id, plan_id
from ansible_collections.mstr.library.plugins.module_utils._model.stored import fingerprint
from ansible_collections.mstr.library.plugins.module_utils._work.inputs import Inputs
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import Refused, reconcile
from ansible_collections.mstr.library.tests.unit.support.make import (
    ID,
    OTHER_ID,
    faults_of,
    lost,
    refusal,
    stored,
    wanted,
)
from ansible_collections.mstr.library.tests.unit.support.server import Server
from ansible_collections.mstr.library.tests.unit.support.strategies import OPTIONS
from hypothesis import assume, given
from hypothesis import strategies as st

# Every supported ansible-core and Python gives this id.
THE_SAME_EVERYWHERE = "0a23cff98ee6b15521c6d651"


def planned(data, **options):
    """The row of a definition for a runtime that the server has as `data`, or does not have."""
    current = from_api(data) if data else None
    definition = wanted(**options)
    made = make_plan(current, definition)
    step = Step(definition, CHANGE, current, made, fingerprint=fingerprint(current, made))
    return Row(definition, "runtimes[0]", (step,))


def id_of(*rows):
    return plan_id(rows)


def an_update(**fields):
    return planned(stored(**{"execTimeout": 60, **fields}), exec_timeout=900)


def test_the_id_has_a_fixed_value():
    deleted = planned(stored(id=OTHER_ID, name="old", packages=[{"name": "Pandas", "version": "2"}]), state="absent")
    created = planned(
        None, name="nëw", whitelist=["1.2.3.4"], packages=[{"name": "mstrio_py"}], resource={"cpu": 1.0, "mem": 512}
    )
    updated = planned(stored(resource={"cpu": "0.20", "mem": 512}), resource={"cpu": 0.5}, description="d")
    assert id_of(deleted, created, updated) == THE_SAME_EVERYWHERE


def test_empty_plan_and_one_that_could_not_be_made():
    assert id_of() == id_of(planned(stored(), exec_timeout=600)) != id_of(an_update())
    assert id_of(an_update(), Row(wanted(), "runtimes[1]", (Step(wanted()),))) == "", "null would let every plan pass"


@given(st.permutations([("a", "10.0.0.0/8"), ("b", "10.1.2.3"), ("c", "2001:db8::/32")]))
def test_order_does_not_matter(order):
    def plans(order):
        blocks = [block for _name, block in order]
        return [planned(stored(id=name * 32, whitelist=blocks), name=name, whitelist=[]) for name, _block in order]

    assert plan_id(plans(order)) == plan_id(plans(sorted(order)))


@pytest.mark.parametrize(
    ("field", "value", "other"),
    [
        ("whitelist", ["10.10.10.7/24", "1.2.3.4"], ["1.2.3.4/32", "10.10.10.0/24"]),
        ("packages", [{"name": "mstrio_py"}, {"name": "A", "version": None}], [{"name": "a"}, {"name": "mstrio-py"}]),
        ("resource", {"cpu": "0.20", "mem": "512"}, {"cpu": 0.2, "mem": 512, "disk": None}),
        ("description", None, ""),
        ("minCachedInstances", None, 0),
        ("status", "ready", "busy"),
        ("version", "1", "2"),
        ("id", ID, ID.lower()),
    ],
)
def test_spelling_of_server_does_not_matter(field, value, other):
    ids = [id_of(planned(stored(**{field: text}), state="absent")) for text in (value, other)]
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    "fields", [{"name": "x"}, {"description": "x"}, {"others": "x"}, {"execTimeout": 61}, {"whitelist": ["1.1.1.1"]}]
)
def test_every_field_of_a_deletion_counts(fields):
    assert id_of(planned(stored(), state="absent")) != id_of(planned(stored(**fields), state="absent"))


def test_later_field_keeps_id_of_deletion(monkeypatch):
    """Nobody has to approve a plan again because the collection was updated."""
    old = stored(resource={"cpu": "0.20", "mem": 512})
    identity = id_of(planned(old, state="absent"))
    new = plan.BY_NAME["description"]._replace(name="log_level", api="logLevel")
    monkeypatch.setitem(plan.BY_NAME, new.name, new)
    assert id_of(planned(old, state="absent")) == identity


@given(OPTIONS, st.sampled_from(["execTimeout", "description", "others"]))
def test_fields_not_managed_do_not_count(options, field):
    names = {"execTimeout": "exec_timeout"}
    assume(names.get(field, field) not in options)
    options = {**options, "name": "r"}
    assert id_of(planned(stored(), **options)) == id_of(planned(stored(**{field: 7}), **options))


def test_what_else_counts():
    """The value that it has, the runtime, the value that is wanted, and every entry; a comment does not."""
    first = an_update()
    others = [an_update(execTimeout=61), an_update(id=OTHER_ID), planned(stored(execTimeout=60), exec_timeout=901)]
    assert len({id_of(row) for row in (first, *others)}) == 4
    assert id_of(first) == id_of(planned(stored(execTimeout=60), exec_timeout=900, journal_comment="c"))
    assert id_of(first) != id_of(first, planned(None, name="new"))


@pytest.mark.parametrize("text", ["", "0" * 23, "0" * 25, "A" * 24, "é" * 24])
def test_wrong_form_is_refused(text):
    [fault] = faults_of(check_plan_id, text)
    assert fault == f"plan_id {text!r} is invalid: expected 24 hexadecimal digits"
    check_plan_id(None)
    check_plan_id("0" * 24)


# --- on a server


INPUTS = Inputs([definition_from({"name": "r", "exec_timeout": 900}), definition_from({"name": "new"})], Purge())


def approved(server, inputs=INPUTS):
    return plan_id(reconcile(server.context(check_mode=True), inputs).rows)


@pytest.mark.parametrize("check_mode", [False, True])
def test_different_plan_is_refused(check_mode):
    """With what it is now, and at most ten names."""
    server = Server(stored(), stored(id=OTHER_ID, name="old"))
    identity = approved(server)
    server.runtimes["C" * 32] = stored(id="C" * 32, name="just made")
    with pytest.raises(Refused) as refused:
        reconcile(server.context(plan_id=identity, check_mode=check_mode), INPUTS)
    assert refused.value.sentence == (
        f"The plan is different from the approved one ({identity}): 1 to create ('new'), 1 to update ('r': "
        "exec_timeout), 2 to delete ('just made'; 'old'). Nothing was written."
    )
    for number in range(10):
        server.runtimes[f"{number:032}"] = stored(id=f"{number:032}", name=f"n{number:02}")
    with pytest.raises(Refused, match=r"12 to delete \('just made'; 'n00'; .*; 'n06' and 4 more\)\. Nothing"):
        reconcile(server.context(plan_id=identity, check_mode=check_mode), INPUTS)
    assert server.writes == []


def test_plan_that_was_applied_is_green():
    """So a job can run again; nothing is written, whatever was approved."""
    server = Server(stored(), stored(id=OTHER_ID, name="old"))
    identity = approved(server)
    reconcile(server.context(plan_id=identity), INPUTS)
    sent = len(server.writes)
    for other in (identity, "0" * 24):
        reconcile(server.context(plan_id=other), INPUTS)
    assert len(server.writes) == sent


@pytest.mark.parametrize("fault", [refusal(400, "ERR0015", "An object of that name exists"), lost()])
def test_what_another_play_writes_is_not_adapted(fault):
    """A lost update, and a create of a name that was taken, are planned again; the approval does not cover that."""
    server = Server(stored())
    inputs = Inputs([definition_from({"name": "new" if fault.error["code"] else "r", "exec_timeout": 900})])
    identity = approved(server, inputs)

    def meanwhile():
        server.runtimes[OTHER_ID] = stored(id=OTHER_ID, name="new", execTimeout=1)
        server.runtimes[ID]["execTimeout"] = 1

    server.fail("POST" if fault.error["code"] else "PATCH", fault, meanwhile=meanwhile)
    [row] = reconcile(server.context(plan_id=identity), inputs).rows
    assert "changed while the approved plan was carried out" in str(row.failure)
    assert [runtime["execTimeout"] for runtime in server.runtimes.values()] == [1, 1]
