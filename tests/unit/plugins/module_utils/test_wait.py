from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError
from ansible_collections.mstr.library.plugins.module_utils._model.change import Change
from ansible_collections.mstr.library.plugins.module_utils._model.definition import Definition
from ansible_collections.mstr.library.plugins.module_utils._model.result import report_one
from ansible_collections.mstr.library.plugins.module_utils._model.steps import READ, Step
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Interrupted
from ansible_collections.mstr.library.plugins.module_utils._work.api import Waiting
from ansible_collections.mstr.library.plugins.module_utils._work.inputs import TASK_OPTIONS, inputs_for_one
from ansible_collections.mstr.library.plugins.module_utils._work.wait import state_of_wait, wait
from unit.support.make import ID, error_of, faults_of, lost, refusal, response, runtime, stored
from unit.support.many import LIST, A, B, assigned, both, holding, run
from unit.support.server import Server


class Film(Server):
    """A server that shows another picture of the runtime at each look, the last one for ever, and a clock of its own.

    A picture is the fields that differ from those of `stored`, or an error.
    """

    def __init__(self, *pictures, takes=0.0):
        super().__init__(stored())
        self.looks, self.now = 0, 1000.0
        self._pictures, self._takes = list(pictures), takes

    def send(self, sent, on_late_response=None):
        assert sent.polling, "the waiting itself asks again"
        self.looks += 1
        self.now += self._takes
        picture = self._pictures.pop(0) if len(self._pictures) > 1 else self._pictures[0]
        if isinstance(picture, Exception):
            raise picture
        return response(body=stored(**picture))

    def pause(self, seconds):
        super().pause(seconds)
        self.now += seconds

    def wait(self, first, timeout=300, action="none"):
        """What mstr_runtime does after its action, from whose reading the first picture is."""
        context = self.context(waits=True, waiting=Waiting(timeout, 2.0), clock=lambda: self.now)
        [waited] = wait(context, [row(action, **first)])
        report_one(waited, "")
        return waited.runtime

    def fail(self, first, timeout=300, action="none"):
        return error_of(self.wait, first, timeout, action)


def row(action="create", **fields):
    there = runtime(**fields)
    change = Change(action, None if action == "delete" else there, ("name",), after={"name": "r"})
    definition = Definition("present", {}, name="r")
    return Step(definition, before=there, change=change, is_awaited=True).finished(READ)


def packages(**states):
    return [{"name": name, "version": "1", "status": status} for name, status in states.items()]


BUSY = {"status": "busy", "packages": packages(pandas="installing")}
READY = {"status": "ready", "packages": packages(pandas="installed")}
UNKNOWN = {"status": "unknown", "packages": packages(pandas="installed")}
NEW_UNKNOWN = {"status": "ready", "packages": packages(new="unknown")}
FAILED = {"status": "error", "packages": packages(new="not_installed")}
GONE = refusal(404, "ERR004", "no such object", f"GET /api/runtimes/{ID}")
IN_ERROR = f"Runtime 'r' ({ID}) is in error: status error, packages: pandas installed"


@pytest.mark.parametrize("first", [{}, READY, {"packages": None}, {"packages": packages(pandas="unknown")}])
def test_ready_runtime_costs_no_request(first):
    film = Film()
    assert film.wait(first).id == ID
    assert (film.looks, film.pauses) == (0, [])


@pytest.mark.parametrize(
    ("pictures", "first", "action", "looks"),
    [
        ([BUSY, BUSY, BUSY, BUSY, READY], BUSY, "none", 5),
        # What the write's own reading showed was the first look.
        ([UNKNOWN], UNKNOWN, "none", 2),
        ([{**UNKNOWN, "packages": None}], {**UNKNOWN, "packages": None}, "none", 2),
        ([{**READY, "packages": packages(pandas="installed", new="unknown")}], NEW_UNKNOWN, "update", 2),
        # Three in a row
        ([NEW_UNKNOWN, BUSY, NEW_UNKNOWN, lost(), *[NEW_UNKNOWN] * 3], NEW_UNKNOWN, "update", 7),
        # An error from before the write does not fail the task that repairs it.
        ([BUSY, READY], {"status": "error"}, "update", 2),
        # The case of a status does not count.
        ([{"status": "READY", "packages": packages(pandas="Installed")}], BUSY, "create", 1),
    ],
)
def test_looks_until_it_is_ready(pictures, first, action, looks):
    film = Film(*pictures)
    assert film.wait(first, action=action).id == ID
    assert film.looks == len(film.pauses) == looks


def test_timeout_reports_the_last_status():
    """After a look when the time is over; a slow one runs over."""
    film = Film({"status": "busy", "packages": packages(pandas="installed", scipy="installing")}, takes=0.7)
    failure = film.fail(BUSY, timeout=5)
    assert failure.sentence == (
        f"Runtime 'r' ({ID}) is not ready after 5 seconds: status busy, packages: pandas installed, scipy "
        "installing. The server is still working on it: raise wait_timeout, or check the packages."
    )
    assert failure.result["runtime"]["packages"][1]["status"] == "installing"
    assert [round(pause, 3) for pause in film.pauses] == [2.0, 2.3]


@pytest.mark.parametrize(("state", "status"), [("unknown", None), (None, "unknown")])
def test_status_that_is_never_reported(state, status):
    picture = {"packages": packages(pandas=state), "status": status}
    sentence = Film(picture).fail(picture, timeout=20).sentence
    assert "The server has not reported a status; some servers report one only after a script" in sentence


@pytest.mark.parametrize(
    ("first", "pictures", "action", "looks", "why"),
    [
        (BUSY, [{**READY, "status": "error"}], "none", 1, IN_ERROR),
        ({"status": "error"}, [{"status": "error"}], "update", 1, "is in error"),
        (BUSY, [BUSY, GONE], "none", 2, f"Runtime 'r' ({ID}) was deleted while the task waited for it"),
        (NEW_UNKNOWN, [NEW_UNKNOWN, BUSY, FAILED], "update", 3, "1 package could not be installed: new"),
        (BUSY, [BUSY, refusal(403, "ERR0017", "no")], "create", 2, refusal(403, "ERR0017", "no").sentence),
        (BUSY, [ConnectError("Not trusted.", request="GET /x", permanent=True)], "none", 1, "Not trusted."),
        (BUSY, [KeyError("x")], "none", 1, "A fault in mstr.library: KeyError in "),
    ],
)
def test_what_ends_a_wait(first, pictures, action, looks, why):
    film = Film(*pictures)
    failure = film.fail(first, action=action)
    assert why in failure.sentence
    assert film.looks == looks
    result = failure.to_result()
    assert (result["id"], result["changed"], result["runtime"]["name"]) == (ID, action != "none", "r")


@pytest.mark.parametrize("status", ["error", "busy"])
def test_packages_that_failed_are_named(status):
    listed = [
        {"name": "nope", "status": "not_installed", "message": "Return code: 1."},
        {"name": "pandas", "status": "installed", "message": "fine"},
        {"name": "mute", "status": "not_installed"},
        {"name": "ünï", "status": "not_installed", "message": "kein\nSolches \x1b[31mPaket\x1b[0m"},
    ]
    failure = Film({"status": status, "packages": listed}).fail(BUSY)
    assert failure.sentence == (
        f"Runtime 'r' ({ID}): 3 packages could not be installed: nope (server: \"Return code: 1.\"), mute (no reason "
        'given), ünï (server: "kein Solches Paket")'
    )
    assert failure.result["runtime"]["packages"][0]["message"] == "Return code: 1."


def test_interrupted_wait():
    """The result says what was done before."""
    failure = Film(Interrupted("Stopped by signal SIGINT")).fail(BUSY, action="create")
    assert failure.sentence.endswith("to be ready. The runtime was created and exists on the server")


@pytest.mark.parametrize(
    "outage",
    [
        *(refusal(status) for status in (429, 503)),
        *(lost("GET /api/runtimes"), ConnectError("Nothing listens.", request="GET /x", connection_refused=True)),
    ],
)
def test_outage_ends_no_wait(outage):
    film = Film(*[outage] * 20, BUSY, *[outage] * 20, READY)
    assert film.wait(BUSY, timeout=3000, action="create").facts["status"] == "ready"
    assert film.looks == 42
    failure = Film(BUSY, outage).fail(BUSY, timeout=60)
    assert failure.sentence == (
        f"Runtime 'r' ({ID}) is not ready after 60 seconds: status busy, packages: pandas installing. The last check "
        f"failed: {outage.sentence}"
    )
    assert failure.error == outage.error


@pytest.mark.parametrize("value", [0, float("nan")])
def test_times_must_be_positive(value):
    """Even without wait."""
    defaults = {name: option.get("default") for name, option in TASK_OPTIONS.items()}
    assert faults_of(inputs_for_one, {**defaults, "name": "r", "wait_timeout": value, "wait_interval": value}) == (
        f"wait_timeout must be more than 0 seconds, not {value}",
        f"wait_interval must be more than 0 seconds, not {value}",
    )


@pytest.mark.parametrize(
    ("states", "line"),
    [
        ({"pandas": "installing", "six": "installed"}, "installing 1 of 2 packages (pandas)"),
        (dict.fromkeys("abcdefg", "installing"), "installing 7 of 7 packages (a, b, c, d, e and 2 more)"),
        ({"six": "installed"}, "status unknown"),
    ],
)
@pytest.mark.parametrize("total", [1, 40])
def test_progress(states, line, total):
    waited = runtime(status="unknown", packages=packages(**states))
    assert state_of_wait([waited], total) == f"r: {line}"
    assert state_of_wait([waited, waited], 40) == "38 of 40 runtimes ready"


@pytest.mark.parametrize(
    ("fields", "omitted", "says"),
    [
        ({"packages": packages(new="not_installed")}, "", "1 package could not be installed: new (no reason given)."),
        ({"status": "error"}, "", "is in error: status error, packages: none."),
        ({"status": "error"}, "packages", "is in error: status error, packages: not reported."),
        ({"status": "busy"}, "", None),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_broken_runtime_is_said(fields, omitted, says, check_mode):
    """Also if nothing changes and nobody waits, and without a request more."""
    have = Server(stored(**fields))
    have.switch(list_omits=omitted)
    done = run(have, {"name": "r"}, check_mode=check_mode)
    assert (done["changed"], have.requests) == (False, [LIST])
    assert [says in text for text in have.warnings] == ([True] if says else [])


def test_status_right_after_a_write_proves_nothing():
    have = Server(stored(status="error"))
    assert run(have, {"name": "r", "others": "x"})["changed"] is True
    assert have.warnings == []


TESTED = {"smoke_test": True}
NO_STATE = ["status", "packages", "status,packages"]


@pytest.mark.parametrize("omitted", NO_STATE)
@pytest.mark.parametrize("scripts", [None, [assigned("load", "r1")]])
def test_smoke_test_that_does_not_run_costs_no_read(omitted, scripts):
    """Nor does a script that uses its runtime already."""
    have = Server(*(stored(name=f"r{n}", id=f"{n:032X}") for n in range(50))).seed_scripts(load=f"{1:032X}")
    have.switch(list_omits=omitted)
    run(have, *({"name": f"r{n}", **TESTED} for n in range(50)), scripts=scripts)
    assert [call for call in have.requests if call.startswith("GET /runtimes")] == [LIST]
    assert have.tried == []


@pytest.mark.parametrize("omitted", NO_STATE)
@pytest.mark.parametrize(
    ("entries", "scripts"),
    [
        ([{"name": "a", "others": "x", **TESTED}], None),
        ([{"name": "a", "others": "x", **TESTED}, {"name": "b", "others": "x"}], None),
        ([{"name": "a", **TESTED}], [assigned("load", "a")]),
        ([{"id": A, **TESTED}, {"name": "b"}], [assigned("load", "a")]),
    ],
)
def test_smoke_test_that_runs_knows_the_packages(omitted, entries, scripts):
    have = holding(a={"id": A, "packages": packages(pandas="installed")}, b=B).seed_scripts(load=B)
    have.switch(list_omits=omitted)
    predicted, done = both(have, *entries, scripts=scripts)
    assert predicted["plan_id"] == done["plan_id"] != ""
    assert [result["runtimes"][0]["smoke_test"] for result in (predicted, done)] == ["true", "true"]
    assert (have.tried, "pandas" in have.code) == ([A], True)


def test_create_whose_smoke_test_runs_knows_the_packages():
    """Also if another task has created it a moment ago."""
    have = holding(b=B)
    have.switch(list_omits="status,packages")
    entry = {"name": "a", "packages": [{"name": "pandas"}], **TESTED}
    have.fail("POST", meanwhile=lambda: have.add(stored(id=A, name="a", packages=packages(pandas="installed"))))
    run(have, entry, {"name": "new", "packages": [{"name": "six"}], **TESTED})
    assert have.tried[:1] == [A]
    assert len(have.tried) == 2
    assert "six" in have.code


@pytest.mark.parametrize("more", [[], [{"name": "a", "others": "x"}]])
@pytest.mark.parametrize("outage", [refusal(503), lost("GET /api/x")])
@pytest.mark.parametrize(
    ("test", "scripts", "tried", "load"),
    [(TESTED, None, [B], A), ({}, [assigned("load", "b")], [], B)],
)
def test_outage_after_a_write_that_a_test_or_a_script_needs(more, outage, test, scripts, tried, load):
    """The runtime is read again until it is ready, as with the option wait."""
    have = holding(a=A, b=B).seed_scripts(load=A)
    entries = [{"name": "b", "others": "x", **test}, *more]
    have.fail("PATCH", turn=len(entries), meanwhile=lambda: have.fail("GET", outage, times=9))
    [result, *_others] = run(have, *entries, scripts=scripts, waiting=Waiting(50, 1.0))["runtimes"]
    assert (result["action"], result["error"]) == ("updated", None)
    assert (have.tried, have.scripts["load"]) == (tried, load)


def test_runtime_that_a_later_check_does_not_show():
    """A server of several nodes may show for a moment what was before a write."""
    gone = refusal(404, "ERR004", "no such object")
    film = Film(BUSY, gone, gone, READY)
    assert film.wait(BUSY, action="create").facts["status"] == "ready"
    assert "was deleted while the task waited" in Film(gone).fail(BUSY, action="update").sentence
