from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.plan import make_plan
from ansible_collections.mstr.library.plugins.module_utils._model.result import summary_line
from ansible_collections.mstr.library.plugins.module_utils._model.steps import (
    CHANGE,
    DELETE,
    PREDICTED,
    READ,
    Row,
    Step,
)
from ansible_collections.mstr.library.tests.unit.support.make import ID, runtime, wanted

NEW = wanted("Nightly reports", description="new", whitelist=["10.10.10.7/32"])
THERE = runtime(name="Nightly reports", description="old", whitelist=["10.10.10.7"])
GONE = wanted("Nightly reports", state="absent")
NOBODY = wanted(None, id=ID, state="absent")


def entry(current, definition, predicted=False):
    phase = CHANGE if definition.state == "present" else DELETE
    step = Step(definition, phase, current, make_plan(current, definition))
    return Row(definition, "", (step.finished(PREDICTED if predicted else READ),))


@pytest.mark.parametrize(
    ("current", "definition", "predicted", "msg"),
    [
        (None, NEW, False, "Created runtime 'Nightly reports'."),
        (None, NEW, True, "Would create runtime 'Nightly reports'."),
        (THERE, NEW, False, "Updated runtime 'Nightly reports': description."),
        (THERE, NEW, True, "Would update runtime 'Nightly reports': description."),
        (THERE, GONE, False, "Deleted runtime 'Nightly reports'."),
        (THERE, GONE, True, "Would delete runtime 'Nightly reports'."),
        (THERE, wanted("Nightly reports"), False, "Runtime 'Nightly reports' is already as requested."),
        (None, GONE, False, "Runtime 'Nightly reports' does not exist."),
        (None, NOBODY, False, f"Runtime with id {ID} does not exist."),
    ],
)
def test_msg_says_in_one_line_what_done(current, definition, predicted, msg):
    assert entry(current, definition, predicted).msg == msg


def test_msg_one_line_whatever_server_calls_runtime():
    there = runtime(name="a\n\x1b[31mb")
    assert entry(there, GONE).msg == r"Deleted runtime 'a\n\x1b[31mb'."


def test_before_create_every_field_null():
    assert entry(None, NEW).facts["changes"] == [
        {"field": "name", "before": None, "after": "Nightly reports"},
        {"field": "description", "before": None, "after": "new"},
        {"field": "whitelist", "before": None, "after": ["10.10.10.7/32"]},
    ]


@pytest.mark.parametrize(("current", "definition"), [(THERE, GONE), (None, GONE), (THERE, wanted("Nightly reports"))])
def test_delete_and_nothing_to_do_have_no_changes(current, definition):
    assert entry(current, definition).facts["changes"] == []


@pytest.mark.parametrize(
    ("counts", "predicted", "line"),
    [
        ({"created": 1, "updated": 2, "deleted": 0, "unchanged": 47}, False, "1 created, 2 updated, 47 unchanged."),
        ({"created": 1, "deleted": 3, "unchanged": 4}, True, "1 would be created, 3 would be deleted, 4 unchanged."),
        ({"created": 0, "unchanged": 0}, False, "No runtimes were given, so there was nothing to do."),
        ({"created": 0, "unchanged": 0, "moved": 0}, False, "No script needed a different runtime."),
    ],
)
def test_many_runtimes_counted_in_one_line(counts, predicted, line):
    assert summary_line(counts, predicted) == line
