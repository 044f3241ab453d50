"""The laws of several runs: interrupted anywhere, with definitions that change between them, and two runs at once."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.support.make import stored
from unit.support.many import outcome
from unit.support.server import Server, end_early
from unit.support.strategies import ENDS

# With a number in this variable, so many times as many examples, which are random then.
TIMES = int(os.environ.get("TEST_HISTORIES") or 0)
LAW = settings(max_examples=60 * max(1, TIMES))
OWN = {"id": "54F3D26011D2896560009A8E67019608", "name": "me"}
NAMES, IDS = ("R", "S", "T"), [letter * 32 for letter in "ABC"]
VERSIONS = ("3.10.5", "3.12.1")
DEFINITION = st.fixed_dictionaries(
    {},
    optional={
        "runtime_version": st.sampled_from(VERSIONS),
        "others": st.sampled_from("xy"),
        "replace_on_change": st.sampled_from([True, ["runtime_version"], ["others"]]),
        "smoke_test": st.just("1"),
    },
)
TASK = st.fixed_dictionaries({"R": DEFINITION, "S": DEFINITION}, optional={"T": DEFINITION})
FIELDS = {"runtime_version": "runtimeVersion", "others": "others"}


def a_server(**switches):
    """Three runtimes of the user of the task, with a script on each of the first two."""
    runtimes = [stored(name=name, id=key, others="x", owner=OWN) for name, key in zip(NAMES, IDS)]
    have = Server(*runtimes, **switches)
    have.core.users["admin"].id = OWN["id"]
    have.seed_scripts(load=IDS[0], close=IDS[0], other=IDS[1])
    return have


def apply(have, task, **how):
    return outcome(have, *({"name": name, **options} for name, options in task.items()), **how)


def check_state(have, task):
    """What the last definitions say is there, and every script runs on the runtime of its name."""
    named = {}
    for identity, runtime in have.runtimes.items():
        named.setdefault(runtime["name"], []).append((identity, runtime))
    assert all(len(found) == 1 for found in named.values()), named.keys()
    for name, options in task.items():
        [(_identity, runtime)] = named[name]
        for field, api in FIELDS.items():
            assert options.get(field) in (None, runtime.get(api)), (name, field)
    used = {script: have.runtimes.get(key, {"name": key})["name"] for script, key in have.scripts.items()}
    assert used == {"load": "R", "close": "R", "other": "S"}


def check_report(before, have, result):
    after = set(have.runtimes)
    for row in result["runtimes"]:
        if row["action"] == "deleted":
            assert row["id"] not in after
        if row["action"] in ("created", "updated", "replaced", "none") and not row["error"]:
            assert row["id"] in after
    gone = {row["id"] for row in result["runtimes"] if row["action"] in ("deleted", "unknown")}
    assert before - after <= gone, "a deletion is in no row"
    for text in (row["error"]["msg"] for row in result["runtimes"] if row["error"]):
        for key in before:
            if f"({key}) stays in use" in text:
                assert key in after


@LAW
@given(tasks=st.lists(TASK, min_size=2, max_size=4), ends=st.lists(ENDS, min_size=3, max_size=3), purge=st.booleans())
def test_histories(tasks, ends, purge):
    have = a_server()
    for task, end in zip(tasks, ends):
        before = set(have.runtimes)
        result = end_early(have, end, lambda task=task: apply(have, task, purge=purge))
        assert set(have.scripts.values()) <= set(have.runtimes)
        if result:
            check_report(before, have, result)
            assert result["changed"] or set(have.runtimes) == before
    before = set(have.runtimes)
    predicted = apply(have, tasks[-1], purge=purge, check_mode=True)
    done = apply(have, tasks[-1], purge=purge)
    assert (predicted["summary"], done["summary"]["failed"]) == (done["summary"], 0), done["msg"]
    check_report(before, have, done)
    check_state(have, tasks[-1])
    assert apply(have, tasks[-1], purge=purge)["changed"] is False


@LAW
@given(task=TASK, number=st.integers(0, 45), purge=st.booleans())
def test_two_runs_at_once(task, number, purge):
    """Two that want the same, one of them before a request of the other: all is there, and nothing is left beside."""
    have, left, results = a_server(), iter(range(number)), []

    def send(*args, **more):
        if next(left, None) is None:
            have.send = real
            results.append(apply(have, task, purge=purge))
        return real(*args, **more)

    real, have.send = have.send, send
    results.append(apply(have, task, purge=purge))
    have.send = real
    if len(results) < 2:
        results.append(apply(have, task, purge=purge))
    assert all("summary" in result for result in results) or purge
    assert not [name for name in have.names if "(replacement)" in name]
    check_state(have, task)
    assert apply(have, task, purge=purge)["changed"] is False


@LAW
@given(task=TASK, number=st.integers(0, 25), key=st.sampled_from(IDS), purge=st.booleans())
def test_colleague_at_work(task, number, key, purge):
    """What somebody writes before a read of runtimes is neither overwritten nor lost with a runtime or a copy of it."""
    have, left = a_server(), iter(range(number))

    def send(kind, method, path, **more):
        if method == "GET" and path.startswith("/runtimes") and next(left, None) is None and key in have.runtimes:
            have.runtimes[key].update(description="theirs", version="theirs")
            have.send = real
        return real(kind, method, path, **more)

    real, have.send = have.send, send
    result = apply(have, task, purge=purge)
    check_report(set(IDS), have, result)
    if have.send is real:
        shown = [row["runtime"] for row in result["runtimes"] if row["action"] == "deleted" and row["id"] == key]
        kept = [runtime for runtime in have.runtimes.values() if runtime["name"] == NAMES[IDS.index(key)]]
        assert have.runtimes.get(key, *shown)["description"] == "theirs"
        assert {runtime["description"] for runtime in kept} <= {"theirs"}
