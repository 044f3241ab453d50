"""The laws of two runs at once, and of a colleague who works meanwhile. test_laws has those of one run and the next."""

from __future__ import annotations

import os
from threading import Condition, Thread, current_thread

from ansible_collections.mstr.library.plugins.module_utils._model.runtime import parts_of
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.support.make import DEFAULT_ID, stored
from unit.support.many import outcome
from unit.support.server import Server

# With a number in this variable, so many times as many examples, which are random then.
TIMES = int(os.environ.get("TEST_HISTORIES") or 0)
LAW = settings(max_examples=40 * max(1, TIMES))
NAMES, IDS = ("R", "S", "T"), [letter * 32 for letter in "ABC"]
VERSIONS = ("3.10.5", "3.12.1")
FIELDS = {"runtime_version": "runtimeVersion", "others": "others"}
VALUES = {
    "runtime_version": st.sampled_from(VERSIONS),
    "others": st.sampled_from("xy"),
    "replace_on_change": st.sampled_from([True, ["runtime_version"], ["others"]]),
    "smoke_test": st.just("1"),
}
PLAIN = st.fixed_dictionaries({}, optional=VALUES)
TASK = st.fixed_dictionaries({"R": PLAIN, "S": PLAIN}, optional={"T": PLAIN}).map(
    lambda task: [{"name": name, **options} for name, options in task.items()]
)


@st.composite
def files(draw):
    """Definitions of up to three runtimes, each under any of its names, with or without the others as previous ones."""
    entries = []
    for name in draw(st.sampled_from([("R",), ("R", "S"), ("R", "S", "T")])):
        names = [name, f"{name}2", f"{name}3"]
        now = draw(st.sampled_from(names))
        previous = [other for other in names if other != now and draw(st.booleans())]
        entries.append({"name": now, **({"previous_names": previous} if previous else {}), **draw(PLAIN)})
    return entries


# Without protection, a purge deletes what scripts use.
HOW = st.sampled_from([{}, {"protect": True}, {"purge": True, "protect": True}])
SERVERS = st.fixed_dictionaries(
    {},
    optional={
        "duplicate_names": st.just("allow"),
        "list_omits": st.sampled_from(["others,runtimeVersion", "version,status,owner"]),
        "script_put_omitted": st.just("reset"),
    },
)


def a_server(**switches):
    """Three runtimes of the user of the task, with a script on each of the first two."""
    runtimes = [stored(name=name, id=key, others="x") for name, key in zip(NAMES, IDS)]
    have = Server(*runtimes, **switches)
    return have.seed_scripts(load=IDS[0], close=IDS[0], other=IDS[1])


def apply(have, task, **how):
    return outcome(have, *task, **how)


def marks(have):
    """The unfinished replacements on the server: the name that each is to take, and the id of what it replaces."""
    found = {key: parts_of(runtime["name"]) for key, runtime in have.runtimes.items()}
    return {key: mark for key, mark in found.items() if mark}


def state(have):
    """What there is, without the ids, which are different in each run."""
    names = {key: runtime["name"] for key, runtime in have.runtimes.items()}
    fields = [tuple(runtime.get(name) for name in ("name", *FIELDS.values())) for runtime in have.runtimes.values()]
    return sorted(fields, key=str), {script: names.get(key, key) for script, key in have.scripts.items()}


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


def check_scripts(have):
    assert set(have.scripts.values()) <= {*have.runtimes, DEFAULT_ID}, "a script uses a runtime that is gone"


class Turns:
    """Several runs on one server, of which one sends requests at a time: so many each, and then in turn."""

    def __init__(self, have, *turns):
        self.have, self.turns, self.real = have, list(turns), have.send
        self.turn, self.results = Condition(), {}

    def run(self, *works):
        """What the runs return."""
        threads = [Thread(target=self._work, args=pair, name=str(pair[0])) for pair in enumerate(works)]
        self.left = set(range(len(works)))
        self.turns += [0]
        self.have.send = self._send
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.have.send = self.real
        return [self.results[number] for number in range(len(works))]

    def _work(self, number, work):
        try:
            self.results[number] = work()
        finally:
            with self.turn:
                self.left.discard(number)
                self.turn.notify_all()

    def _whose(self):
        """The run whose turn it is: the first ones as often as the turns say, in turn."""
        while self.turns and not self.turns[0]:
            self.turns.pop(0)
            self.active = 1 - getattr(self, "active", 1)
        active = getattr(self, "active", 0)
        return active if active in self.left else min(self.left)

    def _send(self, call, on_late_response=None):
        own = int(current_thread().name)
        if call.path.endswith(("/versions", "/userInfo")):
            # Before Python 3.12, cached_property holds a lock for both runs, which here share a process, meanwhile.
            return self.real(call, on_late_response)
        with self.turn:
            self.turn.wait_for(lambda: self._whose() == own)
            if self.turns:
                self.turns[0] -= 1
            else:
                self.active = 1 - own
            try:
                return self.real(call, on_late_response)
            finally:
                self.turn.notify_all()


@LAW
@given(task=TASK | files(), turns=st.lists(st.integers(0, 30), min_size=1, max_size=4), how=HOW, server=SERVERS)
def test_two_runs_at_once(task, turns, how, server):
    """Two that want the same: one of them does it, and nothing is lost or left that is not said."""
    have = a_server(**server)
    expected = a_server(**server)
    alone = apply(expected, task, **how)
    results = Turns(have, *turns).run(*(lambda: apply(have, task, **how) for _run in range(2)))
    check_scripts(have)
    if "summary" not in alone or alone["summary"]["failed"]:
        return
    if alone["summary"]["created"] and server.get("duplicate_names"):
        return  # such a server has two then, and the task warns
    if all(result.get("summary", {"failed": 1})["failed"] for result in results):
        results.append(apply(have, task, recover=True, **how))
        assert not results[-1]["summary"]["failed"], results[-1]["msg"]
    said = " ".join(result["msg"] for result in results)
    if marks(have):
        # One found that the other had deleted the old runtime: what it had created is left, unused, and it says so.
        assert all(key in said and key not in have.scripts.values() for key in marks(have)), said
        return
    assert state(have) == state(expected), said
    assert apply(have, task, **how)["changed"] is False


COLLEAGUE = st.one_of(
    st.tuples(st.just("assign"), st.sampled_from(["load", "close", "other"]), st.sampled_from(IDS)),
    st.tuples(st.just("create"), st.sampled_from(["R", "R2", "S"])),
    st.tuples(st.sampled_from(["rename", "edit"]), st.sampled_from(IDS)),
)


def interfere(have, kind, *what):
    """What a colleague does. Returns whether that was possible."""
    if what[-1] in IDS and what[-1] not in have.runtimes:
        return False
    if kind == "create":
        have.add(stored(id="E" * 32, name=what[0], description="theirs", owner={"id": "F" * 32, "name": "colleague"}))
    elif kind == "assign":
        for script in next(iter(have.core.projects)).scripts:
            script.runtime = what[1] if script.name == what[0] else script.runtime
    elif kind == "rename":
        have.runtimes[what[0]].update(name="theirs", version="theirs")
    else:
        have.runtimes[what[0]].update(description="theirs", version="theirs")
    return True


@LAW
@given(task=TASK | files(), number=st.integers(0, 45), action=COLLEAGUE, how=HOW, server=SERVERS)
def test_colleague_at_work(task, number, action, how, server):
    """What somebody does before a read is neither overwritten nor lost; a script that comes last follows."""
    have, left, acted = a_server(**{**server, "duplicate_names": "allow"}), iter(range(number)), []

    def send(call, on_late_response=None):
        if call.method == "GET" and next(left, None) is None:
            have.send = real
            acted.append(interfere(have, *action))
        return real(call, on_late_response)

    real, have.send = have.send, send
    result = apply(have, task, **how)
    have.send = real
    check_report(set(IDS), have, result)
    if how.get("purge") and action[0] == "assign":
        return  # a script that comes between the last look-up and the deletion of a purge is lost
    check_scripts(have)
    if any(acted) and not how.get("purge"):
        assert action[0] != "create" or not number or "E" * 32 in have.runtimes
        if action[0] == "edit":
            gone = [row for row in result["runtimes"] if row["action"] == "deleted" and row["id"] == action[1]]
            assert have.runtimes.get(action[1], *(row["runtime"] for row in gone))["description"] == "theirs"
    again = apply(have, task, **how)
    check_scripts(have)
    assert "summary" not in again or not marks(have) or again["summary"]["failed"] or not how.get("purge")
