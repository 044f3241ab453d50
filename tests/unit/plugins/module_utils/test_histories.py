"""The laws of an upgrade by plain entries: wherever a run ends, while another one runs, and while a colleague works."""

from __future__ import annotations

from itertools import chain, cycle, repeat
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
    versions = sorted((runtime["name"], str(runtime.get("runtimeVersion"))) for runtime in have.runtimes.values())
    return versions, {script: names.get(key, key) for script, key in have.scripts.items()}


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


def run_in_turns(have, turns, *works):
    """Two runs on one server, of which one sends requests at a time: as often as the turns say, and then in turn."""
    running, results, real, turn = [0, 1], {}, have.send, Condition()
    said = chain.from_iterable(repeat(number % 2, times) for number, times in enumerate(turns))
    order = chain(said, cycle((0, 1)))
    upcoming = [next(order)]  # whose request is next

    def send(call, on_late_response=None):
        own = int(current_thread().name)
        # Before Python 3.12, cached_property holds a lock for both runs, which here share a process, meanwhile.
        if call.path.endswith(("/versions", "/userInfo")):
            return real(call, on_late_response)
        with turn:
            turn.wait_for(lambda: upcoming[0] == own or running == [own])
            try:
                return real(call, on_late_response)
            finally:
                upcoming[0] = next(order)
                turn.notify_all()

    def run(number):
        try:
            results[number] = works[number]()
        finally:
            with turn:
                running.remove(number)
                turn.notify_all()

    threads = [Thread(target=run, args=[number], name=str(number)) for number in list(running)]
    have.send = send
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    have.send = real
    return results[0], results[1]


@LAW
@given(task=upgrades(), turns=st.lists(st.integers(0, 40), min_size=1, max_size=4), server=SERVERS)
def test_two_runs_at_once(task, turns, server):
    """Two that want the same: nothing is lost, and the next run finds everything done, or does it."""
    entries, how = task
    expected = a_server(**server)
    outcome(expected, *entries, **how)
    have = a_server(**server)
    run_in_turns(have, turns, *[lambda: outcome(have, *entries, **how)] * 2)
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
