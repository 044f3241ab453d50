"""The laws of an upgrade by plain entries: wherever a run ends, while another one runs, and while a colleague works."""

from __future__ import annotations

from threading import Condition, Thread, current_thread

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.support.make import DEFAULT_ID, stored
from unit.support.many import assigned, outcome
from unit.support.server import Server, end_early
from unit.support.strategies import ENDS, TIMES

LAW = settings(max_examples=40 * TIMES)
IDS = {"R": "A" * 32, "S": "B" * 32, "T": "C" * 32}
SCRIPTS = {"load": "R", "close": "R", "other": "S"}
SERVERS = st.fixed_dictionaries(
    {},
    optional={
        "list_omits": st.sampled_from(["others,runtimeVersion", "version,status,owner"]),
        "script_put_omitted": st.just("reset"),
    },
)


def a_server(**switches):
    """Three runtimes, with scripts on the first two."""
    have = Server(*(stored(name=name, id=key, others="x") for name, key in IDS.items()), **switches)
    return have.seed_scripts(**{script: IDS[name] for script, name in SCRIPTS.items()})


@st.composite
def upgrades(draw):
    """Of one to three runtimes: each new one beside the old one, the scripts that move, and the old one absent."""
    entries, moved = [], []
    for name in draw(st.sampled_from([("R",), ("R", "S"), ("R", "S", "T")])):
        test = draw(st.sampled_from([{}, {"smoke_test": "1"}]))
        entries.append({"name": f"{name} (3.12)", "runtime_version": "3.12.1", **test})
        entries.append({"name": name, "state": "absent", **draw(st.sampled_from([{}, {"id": IDS[name]}]))})
        moved += [assigned(script, f"{name} (3.12)") for script, used in SCRIPTS.items() if used == name]
    more = [{"name": "U", "others": "y"}] if draw(st.booleans()) else []
    return [*draw(st.permutations(entries)), *more], {"scripts": draw(st.permutations(moved)), "protect": True}


def state(have):
    """What there is, without the ids, which are different in each run."""
    names = {key: runtime["name"] for key, runtime in have.runtimes.items()}
    runtimes = sorted((runtime["name"], str(runtime.get("runtimeVersion"))) for runtime in have.runtimes.values())
    return runtimes, {script: names.get(key, key) for script, key in have.scripts.items()}


def check_scripts(have):
    assert set(have.scripts.values()) <= {*have.runtimes, DEFAULT_ID}, "a script uses a runtime that is gone"
    names = [runtime["name"] for runtime in have.runtimes.values()]
    assert len(set(names)) == len(names), "two runtimes where one was meant"


@LAW
@given(task=upgrades(), ends=st.lists(ENDS, max_size=3), server=SERVERS)
def test_upgrade_that_ends_early_goes_on(task, ends, server):
    """After a fault, a signal or a kill at any request, the same task reaches what was wanted, as check mode says."""
    entries, how = task
    expected = a_server(**server)
    outcome(expected, *entries, **how)
    have = a_server(**server)
    for end in ends:
        end_early(have, end, lambda: outcome(have, *entries, **how))
        check_scripts(have)
    predicted = outcome(have, *entries, **how, check_mode=True)
    done = outcome(have, *entries, **how)
    assert (predicted["summary"], predicted["plan_id"]) == (done["summary"], done["plan_id"]), done["msg"]
    assert (done["summary"]["failed"], state(have)) == (0, state(expected)), done["msg"]
    assert outcome(have, *entries, **how)["changed"] is False


@LAW
@given(task=upgrades(), ends=st.lists(ENDS, max_size=2))
def test_failed_smoke_test_holds(task, ends):
    """Nothing uses a runtime whose test fails, and nothing is deleted, in any number of runs; then the task goes on."""
    entries, how = task
    entries = [{**entry, "smoke_test": "1"} if entry.get("runtime_version") else entry for entry in entries]
    have = a_server()
    have.code_status = 4
    before = have.scripts
    for end in ends:
        end_early(have, end, lambda: outcome(have, *entries, **how))
    assert "smoke test failed" in outcome(have, *entries, **how)["msg"]
    assert (have.scripts, {*IDS.values()} - {*have.runtimes}) == (before, set())
    have.code_status = 3
    assert outcome(have, *entries, **how)["summary"]["failed"] == 0


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
@given(task=upgrades(), turns=st.lists(st.integers(0, 40), min_size=1, max_size=4), server=SERVERS)
def test_two_runs_at_once(task, turns, server):
    """Two that want the same: nothing is lost, and the next run finds everything done, or does it."""
    entries, how = task
    expected = a_server(**server)
    outcome(expected, *entries, **how)
    have = a_server(**server)
    Turns(have, *turns).run(*(lambda: outcome(have, *entries, **how) for _run in range(2)))
    check_scripts(have)
    done = outcome(have, *entries, **how)
    assert (done["summary"]["failed"], state(have)) == (0, state(expected)), done["msg"]


COLLEAGUE = st.one_of(
    st.tuples(st.just("create"), st.sampled_from(["R (3.12)", "S (3.12)"])),
    st.tuples(st.sampled_from(["rename", "edit"]), st.sampled_from(sorted(IDS.values()))),
)


def interfere(have, kind, what):
    """What a colleague does, if that is possible."""
    names = [runtime["name"] for runtime in have.runtimes.values()]
    if kind == "create" and what not in names:
        have.add(stored(id="E" * 32, name=what, description="theirs"))
    if kind != "create" and what in have.runtimes:
        fields = {"name": "theirs"} if kind == "rename" else {}
        have.runtimes[what].update(**fields, description="theirs", version="theirs")


@LAW
@given(task=upgrades(), number=st.integers(1, 60), action=COLLEAGUE, server=SERVERS)
def test_colleague_at_work(task, number, action, server):
    """What somebody changed is not deleted unless the result shows it so, and no script is left without a runtime."""
    entries, how = task
    have = a_server(**server)
    edited = []

    def meanwhile():
        interfere(have, *action)
        edited.extend(key for key, runtime in have.runtimes.items() if runtime.get("description") == "theirs")

    have.fail("GET", turn=number, meanwhile=meanwhile)
    done = outcome(have, *entries, **how)
    check_scripts(have)
    deleted = {row["id"]: row["runtime"]["description"] for row in done["runtimes"] if row["action"] == "deleted"}
    assert {deleted[key] for key in edited if key in deleted} <= {"theirs"}
    outcome(have, *entries, **how)
    check_scripts(have)
