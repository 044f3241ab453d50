from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ConnectError, PartialError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import Definition
from ansible_collections.mstr.library.plugins.module_utils._model.plan import Plan
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import from_api
from ansible_collections.mstr.library.plugins.module_utils._model.steps import READ, Row, Step, report_one
from ansible_collections.mstr.library.plugins.module_utils._session.interrupt import Interrupted
from ansible_collections.mstr.library.plugins.module_utils._work.api import Context, RuntimeApi
from ansible_collections.mstr.library.plugins.module_utils._work.inputs import Waiting, waiting_from
from ansible_collections.mstr.library.plugins.module_utils._work.wait import state_of_wait, wait
from ansible_collections.mstr.library.tests.unit.support.make import ID, faults_of, lost, refusal, runtime, stored
from hypothesis import given
from hypothesis import strategies as st

LOOK = f"GET /runtimes/{ID}"


class Film:
    """A server that shows another picture of the runtime at each look, the last one for ever, and a clock of its own.

    A picture is the fields that differ from a ready runtime without packages; None: the runtime is gone; an error is
    raised. `takes`: seconds that a look takes.
    """

    def __init__(self, *pictures, takes=0.0):
        self.api = RuntimeApi(self)
        self.looks, self.pauses, self.now = 0, [], 1000.0
        self._pictures, self._takes = list(pictures), takes

    def get(self, path, params=None, *, operation=None, kind="read", shape=None):
        assert path == f"/runtimes/{ID}"
        self.looks += 1
        self.now += self._takes
        picture = self._pictures.pop(0) if len(self._pictures) > 1 else self._pictures[0]
        if isinstance(picture, Exception):
            raise picture
        if picture is None:
            raise refusal(404, "ERR004", "no such object", f"GET /api{path}")
        return stored(**picture)

    def pause(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds

    def wait(self, first, timeout=300, interval=2.0, action="none"):
        return self.wait_for(entry(action, **first), timeout, interval).runtime

    def wait_for(self, waited, timeout=10, interval=1.0):
        """What mstr_runtime does; raises the error with which it fails."""
        context = Context(self.api, print, self.pause, lambda: self.now, lambda text: None, 3, 1, self)
        [waited] = wait(context._replace(waiting=Waiting(timeout, interval)), [waited])
        report_one(waited)
        return waited

    def fail(self, first, timeout=300, interval=2.0, action="none"):
        with pytest.raises(PartialError) as failure:
            self.wait(first, timeout, interval, action)
        return failure.value


def packages(**states):
    return [{"name": name, "version": "1", "status": status} for name, status in states.items()]


BUSY = {"status": "busy", "packages": packages(pandas="installing")}
READY = {"status": "ready", "packages": packages(pandas="installed")}
UNKNOWN = {"status": "unknown", "packages": packages(pandas="installed")}


@pytest.mark.parametrize("first", [{}, READY, {"packages": None}, {"packages": packages(pandas="unknown")}])
def test_runtime_ready_costs_no_request_and_no_pause(first):
    film = Film(None)
    assert film.wait(first).id == ID
    assert (film.looks, film.pauses) == (0, [])


def test_busy_runtime_polled_until_ready():
    """A busy runtime is looked at until it is ready once after each pause."""
    film = Film(BUSY, BUSY, BUSY, BUSY, READY)
    assert film.wait(BUSY).facts["status"] == "ready"
    assert film.looks == len(film.pauses) == 5


def test_pause_grows_little_and_never_beyond_five_times_first():
    film = Film(*[BUSY] * 20, READY)
    film.wait(BUSY, interval=2.0)
    assert film.pauses[:4] == [2.0, 2.5, 3.125, 3.90625]
    assert max(film.pauses) == 10.0
    assert film.pauses == sorted(film.pauses)


@given(interval=st.floats(0.01, 1e3), times=st.floats(0.1, 100), takes=st.floats(0, 5))
def test_waiting_ends_in_time_with_look_at_end(interval, times, takes):
    timeout = interval * times
    film = Film(BUSY, takes=takes)
    film.fail(BUSY, timeout, interval)
    assert timeout <= film.now - 1000.0 + 1e-6
    assert film.now - 1000.0 <= timeout + takes + 1e-6, "no more than the last look runs over"
    assert film.looks == len(film.pauses)
    assert all(0 < pause <= 5 * interval for pause in film.pauses)


def test_timeout_reports_last_status():
    """A timeout reports the last status of the runtime and of each package."""
    film = Film({"status": "busy", "packages": packages(pandas="installed", scipy="installing")})
    failure = film.fail(BUSY, timeout=5)
    assert failure.sentence == (
        f"Runtime 'r' ({ID}) is not ready after 5 seconds: status busy, packages: pandas installed, scipy "
        "installing. The server is still working on it: raise wait_timeout, or check the packages."
    )
    assert failure.result["runtime"]["packages"][1]["status"] == "installing"


@pytest.mark.parametrize("picture", [UNKNOWN, {**UNKNOWN, "status": None}, {"status": "unknown", "packages": None}])
def test_unknown_with_every_package_installed_ready_at_third_look(picture):
    film = Film(picture)
    assert film.wait(picture).id == ID
    assert film.looks == 2, "what the write's own reading showed was the first"


@pytest.mark.parametrize("first", [{"packages": packages(pandas="unknown")}, {"packages": packages(pandas=None)}])
@pytest.mark.parametrize("status", ["unknown", None])
def test_server_never_reports_status_times_out_with_advice(first, status):
    picture = {**first, "status": status}
    failure = Film(picture).fail(picture, timeout=20)
    assert "The server has not reported a status; some servers report one only after a script" in failure.sentence


def test_an_error_fails_at_once():
    film = Film({"status": "error", "packages": packages(pandas="installed")})
    failure = film.fail(BUSY)
    assert failure.sentence == f"Runtime 'r' ({ID}) is in error: status error, packages: pandas installed"
    assert film.looks == 1
    film = Film(None)
    assert "is in error" in film.fail({"status": "error"}).sentence
    assert film.looks == 0


@pytest.mark.parametrize("status", ["error", "busy", "unknown", "ready"])
def test_failed_package_named_with_message(status):
    """Each package that is not installed is named with the server's message."""
    picture = {
        "status": status,
        "packages": [
            {"name": "nope", "status": "not_installed", "message": "Return code: 1."},
            {"name": "pandas", "status": "installed", "message": "fine"},
            {"name": "mute", "status": "not_installed"},
            {"name": "ünï", "status": "not_installed", "message": "kein\nSolches \x1b[31mPaket\x1b[0m"},
        ],
    }
    failure = Film(picture).fail(BUSY)
    assert failure.sentence == (
        f"Runtime 'r' ({ID}): 3 packages could not be installed: nope (server: \"Return code: 1.\"), mute (no reason "
        'given), ünï (server: "kein Solches Paket")'
    )
    assert failure.result["runtime"]["packages"][0]["message"] == "Return code: 1."


def test_runtime_deleted_meanwhile_ends_waiting():
    film = Film(BUSY, None)
    assert film.fail(BUSY).sentence == f"Runtime 'r' ({ID}) was deleted while the task waited for it"
    assert film.looks == 2


# --- what a task gets to see


def entry(action="create", **fields):
    there = runtime(**fields)
    plan = Plan(action, None if action == "delete" else there, ("name",), after={"name": "r"})
    wanted = Definition("present", {}, name="r")
    return Row(wanted, "", (Step(wanted, before=there, plan=plan).finished(READ),))


def absent():
    row = entry("none")
    return row.with_step(row.main._replace(after=None))


@pytest.mark.parametrize("waited", [entry("delete", **BUSY), absent()])
def test_absent_runtime_not_waited_for(waited):
    film = Film(None)
    assert film.wait_for(waited) is waited
    assert film.looks == 0


def test_refusal_while_waiting():
    """A server that refuses meanwhile is reported with its error and every key."""
    film = Film(BUSY, refusal(403, "ERR0017", "no", "GET /api/runtimes"))
    with pytest.raises(PartialError) as failure:
        film.wait_for(entry(**BUSY))
    result = failure.value.to_result()
    assert (result["error"]["http_status"], result["id"], result["changed"]) == (403, ID, True)
    assert result["runtime"]["status"] == "busy"
    assert film.looks == 2


# --- outages


OUTAGES = [
    refusal(429),
    refusal(502),
    refusal(503, "ERR0016", "down", "GET /api/runtimes"),
    refusal(504),
    lost("GET /api/runtimes"),
    ConnectError("Could not: nothing listens.", request="GET /api/runtimes", connection_refused=True),
]


@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_ends_no_waiting(outage):
    film = Film(*[outage] * 20, BUSY, *[outage] * 20, READY)
    assert film.wait(BUSY, timeout=3000, action="create").facts["status"] == "ready"
    assert film.looks == 42


@pytest.mark.parametrize("outage", OUTAGES)
def test_outage_does_not_end_named_when_time_over(outage):
    failure = Film(BUSY, outage).fail(BUSY, timeout=60)
    assert failure.sentence == (
        f"Runtime 'r' ({ID}) is not ready after 60 seconds: status busy, packages: pandas installing. The last check "
        f"failed: {outage.sentence}"
    )
    assert failure.error == outage.error


@pytest.mark.parametrize(
    "error", [refusal(403), refusal(500, "ERR001"), ConnectError("Not trusted.", request="GET /x", permanent=True)]
)
def test_error_does_not_pass_ends_waiting_at_once(error):
    film = Film(error)
    assert film.fail(BUSY).sentence == error.sentence
    assert film.looks == 1


def test_unforeseen_exception_error_of_runtime():
    assert Film(KeyError("x")).fail(BUSY).sentence.startswith("This is a bug in mstr.library: KeyError in ")


def test_look_not_repeated_by_session():
    film = Film(READY)
    asked = []
    get = film.get
    film.get = lambda path, **options: (asked.append(options["kind"]), get(path, **options))[1]
    film.wait(BUSY)
    assert asked == ["once"], "the waiting itself asks again"


# --- a status from before the write


@pytest.mark.parametrize("action", ["create", "update"])
@pytest.mark.parametrize("status", ["unknown", None])
def test_package_of_unknown_status_ready_at_last(action, status):
    """After a write a package of unknown status is ready at the third look."""
    stale = {"status": "ready", "packages": packages(pandas="installed", new=status)}
    film = Film(stale)
    assert film.wait(stale, action=action).id == ID
    assert film.looks == 2, "the read after the write was the first look"


def test_after_write_new_package_fails_later_fails_task():
    stale = {"status": "ready", "packages": packages(new="unknown")}
    failed = {"status": "error", "packages": packages(new="not_installed")}
    assert "package new could not be installed" in Film(stale, failed).fail(stale, action="update").sentence
    installing = {"status": "busy", "packages": packages(new="installing")}
    film = Film(stale, installing, failed)
    assert "package new could not be installed" in film.fail(stale, action="update").sentence


def test_looks_at_unknown_package_three_in_row():
    stale = {"status": "ready", "packages": packages(new="unknown")}
    film = Film(stale, BUSY, stale, lost(), stale, stale, stale)
    film.wait(stale, action="update")
    assert film.looks == 7


@pytest.mark.parametrize("stale", [{"status": "error"}, {"status": "error", "packages": packages(old="not_installed")}])
def test_error_from_before_the_write(stale):
    """An error from before the write does not fail the task that repairs it."""
    film = Film(BUSY, READY)
    assert film.wait(stale, action="update").facts["status"] == "ready"
    assert film.looks == 2
    film = Film(stale)
    film.fail(stale, action="update")
    assert film.looks == 1, "an error at the second look counts"


# --- options


def test_how_a_task_wants_to_wait():
    options = {"wait": True, "wait_timeout": 300, "wait_interval": 2.0}
    assert waiting_from(options) == Waiting(300, 2.0)


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), -(10**400)])
def test_times_must_be_positive_even_without_wait(wait, value):
    assert faults_of(waiting_from, {"wait": wait, "wait_timeout": value, "wait_interval": value}) == (
        f"wait_timeout must be more than 0 seconds, not {value}",
        f"wait_interval must be more than 0 seconds, not {value}",
    )


# --- words for a status that are not documented


@pytest.mark.parametrize("word", ["failed", "error", "FAILED", "Not Installed", "NOT-INSTALLED"])
def test_package_whose_status_means_failure_fails_task(word):
    picture = {"status": "ready", "packages": packages(pandas=word)}
    sentence = Film(picture).fail(BUSY).sentence
    assert sentence == f"Runtime 'r' ({ID}): package pandas could not be installed (no reason given)"


@pytest.mark.parametrize("word", ["INSTALLING", "pending", "half done"])
@pytest.mark.parametrize("status", ["ready", "unknown"])
@pytest.mark.parametrize("action", ["none", "create"])
def test_package_ready_only_when_it_installed(word, status, action):
    picture = {"status": status, "packages": packages(pandas=word)}
    failure = Film(picture).fail(picture, timeout=60, action=action)
    assert f"is not ready after 60 seconds: status {status}, packages: pandas {word}. " in failure.sentence


def test_case_of_status_does_not_count():
    film = Film({"status": "READY", "packages": packages(pandas="Installed")})
    film.wait(BUSY, action="create")
    assert film.looks == 1
    assert "is in error" in Film({"status": "Error"}).fail(BUSY).sentence


@pytest.mark.parametrize("action", ["create", "update", "none"])
def test_interrupted_wait_says_runtime_exists(action):
    failure = Film(Interrupted("Stopped by signal SIGINT")).fail(BUSY, action=action)
    done = {"create": "was created and", "update": "was updated and", "none": "still"}[action]
    assert failure.sentence.endswith(f"to be ready. The runtime {done} exists on the server")


# --- lines of progress


def installing(status="unknown", **packages):
    listed = [{"name": name, "status": state} for name, state in packages.items()]
    return from_api({"id": "A" * 32, "name": "Nightly reports", "status": status, "packages": listed})


BUSY_PACKAGES = {"pandas": "installing", "numpy": "installed", "pyarrow": "installing", "six": "installed"}


@pytest.mark.parametrize(
    ("packages", "line"),
    [
        (BUSY_PACKAGES, "installing 2 of 4 packages (pandas, pyarrow)"),
        (dict.fromkeys("abcdefg", "installing"), "installing 7 of 7 packages (a, b, c, d, e and 2 more)"),
        ({"six": "installed"}, "status unknown"),
    ],
)
@pytest.mark.parametrize("total", [1, 40])
def test_one_runtime_is_waited_for(packages, line, total):
    assert state_of_wait([installing(**packages)], total) == f"Nightly reports: {line}"


def test_several_runtimes_waited_for():
    assert state_of_wait([installing(), installing()], 40) == "38 of 40 runtimes ready"
