"""The laws of an upgrade by plain entries: wherever a run ends, and while another one runs."""

from __future__ import annotations

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
