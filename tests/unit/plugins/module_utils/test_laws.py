"""The laws of one run and the next: whatever the server holds and the task wants, and wherever a run ends."""

from __future__ import annotations

import copy
import unicodedata
from collections import namedtuple
from datetime import date

from ansible_collections.mstr.library.plugins.module_utils._model.policy import policy_from
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from simulator.fields import RUNTIME_FIELDS
from unit.support.make import DEFAULT_ID, lost, stored
from unit.support.many import actions, assigned, holding, outcome, waits
from unit.support.server import Server, end_early
from unit.support.strategies import ENDS, FAULTS, TIMES

IDS = [letter * 32 for letter in "ABCDE"]
FIELDS = {"name": "name", "others": "others", "runtime_version": "runtimeVersion"}
VALUES = {"others": st.sampled_from("xy"), "runtime_version": st.sampled_from(["3.10.5", "3.12.1"])}


class Day(namedtuple("Day", "held used wanted how omits restores ends")):
    """A server, what a task wants of it, and how the first runs end."""

    def server(self) -> Server:
        return Server(*(stored(**fields) for fields in self.held), list_omits=self.omits).seed_scripts(**self.used)

    def run(self, have, **more):
        return outcome(have, *self.wanted, restore=self.restores, **self.how, **more)


@st.composite
def days(draw, restores, holds_all=False):
    """A name may be anywhere: as the name of a runtime, in a definition, or as a previous one.

    `holds_all`: a backup can hold everything: there is no runtime of almost the same name, and every script has a
    runtime of its own.
    """
    plain = ["R", "S", "T", "U", "V"]
    near = [] if holds_all else ["s"]
    names = draw(st.lists(st.sampled_from(plain[:4] + near), unique=True, min_size=1, max_size=5))
    values = {"others": VALUES["others"], "runtimeVersion": VALUES["runtime_version"]}
    held = [{"id": identity, "name": name, **draw(st.fixed_dictionaries(values))} for identity, name in zip(IDS, names)]
    runtimes = st.sampled_from([*IDS[: len(held)], *(() if holds_all else (None, DEFAULT_ID))])
    used = draw(st.dictionaries(st.sampled_from(["load", "close"]), runtimes))
    rest = list(draw(st.permutations(plain)))
    wanted = [_wanted(draw, rest, identity if restores else None) for identity in IDS[: draw(st.integers(1, 3))]]
    how = {"purge": draw(st.booleans()), "protect": draw(st.booleans())}
    if how["purge"]:
        how["exclude"] = draw(st.lists(st.sampled_from(plain), max_size=1))
    if draw(st.booleans()):
        among = draw(st.sets(st.sampled_from(plain)))
        exempted = [{"runtime": name, "reason": "ticket", "until": "2026-12-31"} for name in among]
        how["policy"] = policy_from({"runtime_versions_within": [">=3.12"], "exemptions": exempted}, date(2026, 6, 15))
    if used and draw(st.booleans()):
        targets = st.sampled_from([entry["name"] for entry in wanted] + names)
        how["scripts"] = [assigned(name, draw(targets)) for name in draw(st.sets(st.sampled_from(sorted(used))))]
    omits = draw(st.sampled_from(["", "version,status", "runtimeVersion", "others"]))
    return Day(held, used, wanted, how, omits, restores, draw(st.lists(ENDS, max_size=2)))


def _wanted(draw, rest, identity):
    """A definition, whose names are taken from the rest."""
    entry = {"name": rest.pop()}
    if identity:
        entry["id"] = draw(st.sampled_from([identity, identity[0] * 31 + "0"]))
    if not identity and draw(st.integers(0, 2)) == 2:
        return {**entry, "state": "absent"}
    entry |= draw(st.fixed_dictionaries({}, optional=VALUES))
    if identity:
        return entry
    if len(rest) > 2 and draw(st.booleans()):
        entry["previous_names"] = [rest.pop() for _turn in range(draw(st.integers(1, 2)))]
    return {**entry, "smoke_test": draw(st.sampled_from([None, "1"]))}


def state(have):
    """The managed fields of each runtime by its id, and the runtime of each script."""
    names = list(FIELDS.values())
    return {key: {name: runtime.get(name) for name in names} for key, runtime in have.runtimes.items()}, have.scripts


def without_ids(of_server):
    """The state, in which two servers are equal whose runtimes have different ids."""
    runtimes, scripts = of_server
    used = {script: runtimes[key]["name"] if key in runtimes else key for script, key in scripts.items()}
    return sorted(sorted(map(str, runtime.items())) for runtime in runtimes.values()), used


def _names(entry):
    return entry["name"], *entry.get("previous_names", ())


def check_order(day, before, have):
    """What must not happen between two states, whatever the runs did."""
    (old, used), (new, uses) = before, state(have)
    known = {name for entry in day.wanted for name in _names(entry)}
    listed = {entry.get("id") for entry in day.wanted}
    names = [runtime["name"] for runtime in new.values()]
    assert len(set(names)) == len(names), "two runtimes where one was meant"
    for script, identity in uses.items():
        if identity not in (None, DEFAULT_ID, *new):
            assert used[script] == identity, "a script was left with the id of a runtime that does not exist"
            gone = old.get(identity, {"name": ""})["name"]
            assert not (gone and day.how["protect"]), "a runtime was deleted that a script uses"
    for identity, runtime in old.items():
        if runtime["name"] in day.how.get("exclude", ()) and not {runtime["name"], identity} & (known | listed):
            assert identity in new, "an excluded runtime was purged"


def check_wanted(day, have):
    """After a success, what the definitions say is there."""
    held = {runtime["name"]: runtime for runtime in have.runtimes.values()}
    for entry in day.wanted:
        if entry.get("state") == "absent":
            assert entry["name"] not in held
        else:
            assert all(entry.get(name) in (None, held[entry["name"]].get(api)) for name, api in FIELDS.items())


def _as_planned(result):
    """What check mode knows: not the ids of new runtimes."""
    changes = [(change["field"], change["before"]) for entry in result["runtimes"] for change in entry["changes"]]
    moves = [(row["name"], row["action"]) for row in result.get("scripts", ())]
    return changes, moves, [(row["name"], row["value"]) for row in result.get("exempted", ())]


@settings(max_examples=100 * TIMES)
@given(day=days(restores=False) | days(restores=True))
def test_definitions_and_restores(day):
    """Check mode predicts the run, its result is true, and the same task goes on where one ended early."""
    assume(not day.restores or any(entry["id"] in IDS for entry in day.wanted))
    have = day.server()
    before = state(have)
    predicted = day.run(have, check_mode=True)
    assert (state(have), have.writes) == (before, [])
    done = day.run(have)
    check_order(day, before, have)
    if "plan_id" not in done:
        assert (done["msg"], have.writes) == (predicted["msg"], [])
        return
    after = state(have)
    assert done["changed"] == (after != before)
    for key in ("plan_id", "summary"):
        assert predicted[key] == done[key]
    assert actions(predicted) == actions(done)
    assert _as_planned(predicted) == _as_planned(done)
    if done["summary"]["failed"]:
        return
    check_wanted(day, have)
    assert day.run(have)["changed"] is False
    have = day.server()
    assert day.run(have, plan_id=done["plan_id"])["summary"] == done["summary"]
    have = day.server()
    for end in day.ends:
        end_early(have, end, lambda: day.run(have))
        check_order(day, before, have)
    middle = state(have)
    approved = day.run(have, check_mode=True)["plan_id"]
    assert day.run(have, plan_id=approved)["summary"]["failed"] == 0
    check_order(day, middle, have)
    assert without_ids(state(have)) == without_ids(after)
    assert day.run(have)["changed"] is False


@settings(max_examples=60)
@given(day=days(restores=False, holds_all=True))
def test_backup_brings_back(day):
    """Whatever was renamed, deleted and assigned since, but for names that other runtimes have by now."""
    names = {fields["id"]: fields["name"] for fields in day.held}
    have = day.server()
    runtimes, used = without_ids(state(have))
    day.run(have)
    wanted = [{"runtime_version": runtime.pop("runtimeVersion"), **runtime} for runtime in map(dict, day.held)]
    scripts = [assigned(name, names[key]) for name, key in day.used.items()]
    backup = day._replace(wanted=wanted, restores=True, how={"scripts": scripts})
    predicted = backup.run(have, check_mode=True)
    assert predicted["summary"] == backup.run(have)["summary"]
    done = backup.run(have)
    assert all("is taken by the runtime" in str(entry["error"]) for entry in done["runtimes"] if entry["error"])
    assume(not done["summary"]["failed"])
    now, uses = without_ids(state(have))
    assert ([each for each in runtimes if each not in now], uses) == ([], used)
    assert backup.run(have)["changed"] is False


WORDS = ("nightly", "café prod", "straße")
FORMS = (
    str,
    str.upper,
    lambda word: f" {word}",
    lambda word: word.replace(" ", "\u00a0 "),
    lambda word: unicodedata.normalize("NFD", word),
    lambda word: f"{word[:2]}\u200b{word[2:]}",
    lambda word: "".join(chr(ord(letter) + 0xFEE0) if "a" <= letter <= "z" else letter for letter in word),
)
WORD_OF = {form(word): word for word in WORDS for form in FORMS}  # each name as a person reads it
SPELLED = st.sampled_from(sorted(WORD_OF))
EXCLUSIONS = st.lists(SPELLED | st.sampled_from(IDS) | st.sampled_from([f"{word[:3]}*" for word in WORDS]), max_size=2)
EDITS = st.tuples(st.sampled_from(IDS), SPELLED | st.just("unlisted") | st.none())
PRESENT = st.builds(lambda name: {"name": name.strip()}, SPELLED)
# A name that begins or ends with whitespace is refused.
ABSENT = st.builds(lambda name: {"name": name, "state": "absent"}, SPELLED.filter(lambda name: name == name.strip()))


def edit_by_hand(have, identity, name):
    """A colleague renames a runtime, or deletes it if the name is None."""
    if name is None:
        have.runtimes.pop(identity, None)
    elif identity in have.runtimes:
        have.runtimes[identity]["name"] = name


def purged(have, absent):
    """The id and name of each runtime that was deleted, and whose deletion no entry asked for."""
    deleted = [(note["id"], note["name"]) for note in have.core.journal if note["action"] == "delete"]
    asked_for = [entry["name"] for entry in absent]
    return [(identity, name) for identity, name in deleted if name not in asked_for]


def is_spared(identity, name, exclude):
    """What a person says who reads the list of exclusions."""
    return any(
        identity == entry
        or WORD_OF.get(name, "no word") == WORD_OF.get(entry)
        or (entry.endswith("*") and WORD_OF.get(name, "").startswith(entry[:-1]))
        for entry in exclude
    )


@given(
    held=st.lists(SPELLED, min_size=1, max_size=5),
    present=st.lists(PRESENT, min_size=1, max_size=3),
    absent=st.lists(ABSENT, max_size=2),
    by_id=st.lists(st.sampled_from(IDS), max_size=1),
    exclude=EXCLUSIONS,
    edit=EDITS,
    moment=st.integers(1, 6),
    shown=st.sampled_from([["id", "name"], RUNTIME_FIELDS]),
    waiting=st.booleans(),
)
def test_guards(held, present, absent, by_id, exclude, edit, moment, shown, waiting):
    """No runtime is deleted that a person would call listed or spared."""
    have = Server(*(stored(name=name, id=identity, status="busy") for identity, name in zip(IDS, held)))
    have.list_only(*shown)

    def pause(seconds):
        edit_by_hand(have, *edit)
        for runtime in have.runtimes.values():
            runtime["status"] = "ready"

    have.fail("GET", turn=moment, meanwhile=lambda: edit_by_hand(have, *edit))
    entries = [*present, *absent, *({"id": identity} for identity in by_id)]
    outcome(have, *entries, purge=True, exclude=exclude, **{**waits(have, pause=pause), "waits": waiting})
    gone = purged(have, absent)
    listed = [WORD_OF[entry["name"]] for entry in (*present, *absent)]
    assert [name for _identity, name in gone if WORD_OF.get(name) in listed] == []
    assert [identity for identity, _name in gone if identity in by_id] == []
    assert [name for identity, name in gone if is_spared(identity, name, exclude)] == []


def by_id(have):
    return {identity: {**runtime, "version": None, "dateModified": None} for identity, runtime in have.runtimes.items()}


CHANGES = st.fixed_dictionaries({}, optional={"others": st.sampled_from("xy"), "exec_timeout": st.just(60)})
OUTAGES = {
    method: st.tuples(st.integers(1, turns), FAULTS, st.booleans(), st.integers(0, 6))
    for method, turns in {"POST": 2, "PATCH": 2, "DELETE": 2, "GET": 9}.items()
}


@settings(max_examples=60)
@given(
    task=st.dictionaries(st.sampled_from("abcd"), st.just({"state": "absent"}) | CHANGES, max_size=3),
    purge=st.booleans(),
    held=st.lists(st.sampled_from("abcd"), unique=True, max_size=4),
    omits=st.sampled_from(["", "others", "execTimeout,packages,others,version", "status,packages"]),
    faults=st.fixed_dictionaries({}, optional=OUTAGES),
    retries=st.integers(0, 1),
)
def test_report_is_what_was_done(task, purge, held, omits, faults, retries):
    """After a fault, the server may not answer some reads, either."""
    have = holding(**{name: {"id": name.upper() * 32, "others": "x"} for name in held})
    have.switch(list_omits=omits)
    before = copy.deepcopy(by_id(have))
    for method, (turn, error, done, down) in faults.items():

        def outage(reads=down):
            for _read in range(reads):
                have.fail("GET", lost("GET /api/x"))

        # A refusal says that nothing was done.
        have.fail(method, error, turn=turn, done=done and error.outcome_unknown, meanwhile=outage)
    entries = [{"name": name, **options} for name, options in task.items()]
    result = outcome(have, *entries, purge=purge, retries=retries)
    after = by_id(have)
    for row in result["runtimes"]:
        was, now = before.get(row["id"]), after.get(row["id"])
        truth = "none" if was == now else "created" if was is None else "deleted" if now is None else "updated"
        assert {"failed": "none"}.get(row["action"], row["action"]) in (truth, "unknown")
        assert row["action"] != "failed" or row["error"]
    unknown = any(row["action"] == "unknown" for row in result["runtimes"])
    assert unknown or result["changed"] == (before != after)
