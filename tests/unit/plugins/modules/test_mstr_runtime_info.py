from __future__ import annotations

import json

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import MstrError
from ansible_collections.mstr.library.plugins.module_utils._options import check_entry
from ansible_collections.mstr.library.plugins.module_utils._work import runtime_info
from unit.support.make import DEFAULT_ID, ID, OTHER_ID, refusal, stopped, stored
from unit.support.server import Server

DEFAULT = "(Default) MicroStrategy"
GONE, HIDDEN = "D" * 32, "C" * 32
PYTHON = {"version": "3.10.12", "implementation": "CPython", "platform": "linux-x86_64"}
CFFI = {"name": "cffi", "version": "1.16.0", "requires": []}
PYSFTP = {"name": "pysftp", "version": "0.2.9", "requires": ["cffi"]}
PRINTED = json.dumps({"python": PYTHON, "packages": [PYSFTP, CFFI]})


def info(server, check_mode=False, **options):
    params, errors = check_entry(runtime_info.INFO_OPTIONS, options)
    assert errors == []
    return runtime_info.read(server.task(check_mode, **params, retries=0), runtime_info.query_from(params))


@pytest.mark.parametrize("options", [{}, {"name": "r"}, {"name": "missing"}])
def test_list_without_default(options):
    server, whole = Server(stored(), list_hides=DEFAULT), Server(stored())
    info(server, **options)
    info(whole, **options)
    [warning] = server.warnings
    assert "lacks its built-in default runtime, so it may be incomplete." in warning
    assert whole.warnings == []


def test_same_runtimes_every_night():
    """Sorted by id, so that what is written to a file differs only where the server does."""
    server = Server(*(stored(id=letter * 32, name=letter) for letter in "BDAC"))
    night, next_night = (info(server, include_scripts=True)["runtimes"] for _night in range(2))
    assert night == next_night
    assert [runtime["name"] for runtime in night if not runtime["is_default"]] == ["A", "B", "C", "D"]


@pytest.mark.parametrize(
    ("options", "dangling"),
    [({}, ["Lost"]), ({"name": "r"}, ["Lost"]), ({"name": "missing"}, None), ({"include_scripts": False}, None)],
)
def test_scripts_without_a_runtime(options, dangling):
    """A runtime that the list does not show still exists, and where no script is read, nothing is known."""
    server = Server(stored(), stored(id=HIDDEN, name="Hidden"), list_hides="Hidden")
    server.seed_scripts(Load=ID, Lost=GONE, Secret=HIDDEN)
    found = info(server, **{"include_scripts": True, **options})["dangling"]
    assert (found and [script["name"] for script in found]) == dangling
    assert ("GET /projects" in server.requests) == (dangling is not None)


def test_runtime_of_a_script_that_cannot_be_read():
    """Nobody knows whether it exists, so the script is not said to have none; nothing else fails."""
    server = Server(stored()).seed_scripts(Load=ID, Lost=GONE, Secret=HIDDEN)
    server.refusals[f"GET /runtimes/{HIDDEN}"] = refusal(403, "ERR0017", "no")
    found = info(server, include_scripts=True)
    assert [script["name"] for script in found["dangling"]] == ["Lost"]
    assert [(row["script"]["name"], row["error"]["http_status"]) for row in found["unread"]] == [("Secret", 403)]
    assert [warning.partition(". ")[0] for warning in server.warnings] == ["Scripts may use runtimes that do not exist"]


@pytest.mark.parametrize(
    ("refused", "starts", "ends"),
    [
        ([], "", ""),
        (["GET /tasks"], "The planned tasks and last runs are incomplete. Could not", "."),
        (["GET /scripts/LOAD"], "The scripts are incomplete, so a runtime without scripts may still be used. ", "."),
        (["GET /scripts/LOAD", "GET /scripts/CLOSE"], "The scripts", " The result lists 1 more under unread."),
    ],
)
def test_one_warning_of_what_is_unread(refused, starts, ends):
    server = Server(stored()).seed_scripts(load=ID, close=ID, other=ID)
    server.refusals = dict.fromkeys(refused, refusal(403, "ERR0017", "no"))
    info(server, include_scripts=True, include_tasks=True)
    assert len(server.warnings) == bool(refused)
    assert all(warning.startswith(starts) and warning.endswith(ends) for warning in server.warnings)


def test_what_is_installed():
    server = Server(stored(packages=[{"name": "pysftp", "version": "0.3"}]))
    server.printed = {ID: PRINTED, DEFAULT_ID: PRINTED}
    found = info(server, include_installed=True, policy={"packages_never": ["cffi"]})
    [runtime] = [runtime for runtime in found["runtimes"] if runtime["id"] == ID]
    assert [package["name"] for package in runtime["installed"]["packages"]] == ["cffi", "pysftp"]
    assert (len(server.tried), found["unread"], found["changed"], server.warnings) == (2, [], False, [])
    [row] = [row for row in found["mismatches"] if row["id"] == ID]
    assert row == {"name": "r", "id": ID, "package": "pysftp", "version": "0.3", "installed": "0.2.9"}
    assert {row["option"] for row in found["violations"]} == {"installed"}


def test_a_signal_during_a_script_ends_the_task():
    server = Server(stored())
    server.fail("POST", stopped(in_flight=False))
    with pytest.raises(MstrError, match="while the script was being started"):
        info(server, include_installed=True)


@pytest.mark.parametrize("asked", [True, False])
def test_until_when_python_is_supported(asked):
    """By the installed Python where it was read, and otherwise by the wanted one, also if the list omits it."""
    runtimes = stored(runtimeVersion="3.12.1"), stored(id=OTHER_ID, name="o", runtimeVersion=None)
    server = Server(*runtimes, list_omits=["runtimeVersion"])
    server.printed[ID] = PRINTED
    found = info(server, include_installed=asked)["runtimes"]
    by_id = {runtime["id"]: runtime["python"] for runtime in found}
    wanted = {"branch": "3.12", "end_of_life": "2028-10-31"}
    assert by_id[ID] == ({"branch": "3.10", "end_of_life": "2026-10-31"} if asked else wanted)
    assert by_id[OTHER_ID] is None


def test_check_mode_runs_no_script():
    server = Server(stored())
    found, not_asked = (info(server, check_mode=True, include_installed=asked) for asked in (True, False))
    assert (server.tried, found["mismatches"]) == ([], None)
    assert "Check mode does not run the script" in found["msg"]
    assert [runtime["installed"] for runtime in found["runtimes"]] == [None, None]
    assert "installed" not in not_asked["runtimes"][0]


def test_runtimes_that_cannot_be_read():
    """One entry each, with the same keys; what is written is then evaluated as without the option."""
    server = Server(stored(status="busy"), stored(id=OTHER_ID, name="o", packages=[{"name": "cffi"}]))
    server.printed[DEFAULT_ID] = PRINTED
    found = info(server, include_installed=True, policy={"packages_never": ["cffi<9"]})
    assert {row["runtime"]["id"]: row["error"]["msg"] for row in found["unread"]} == {
        ID: f"Runtime 'r' ({ID}) has the status busy, so no script was run on it.",
        OTHER_ID: f"What the script on runtime 'o' ({OTHER_ID}) printed is not a list of installed packages.",
    }
    assert {tuple(row) for row in found["unread"]} == {("project", "script", "runtime", "error")}
    assert [runtime["id"] for runtime in found["runtimes"] if runtime["installed"]] == [DEFAULT_ID]
    assert [row["value"] for row in found["not_evaluated"]] == ["cffi"]
    [warning] = server.warnings
    assert [row["error"]["msg"] in warning for row in found["unread"]] == [True, False]
    assert warning.endswith("The result lists 1 more under unread.")
    assert len(server.tried) == 2


@pytest.mark.parametrize("status", ["ready", "unknown", None])
def test_status_before_the_first_script(status):
    """On some servers, it is unknown until a script has run."""
    server = Server(stored(status=status))
    server.printed = {ID: PRINTED, DEFAULT_ID: PRINTED}
    found = info(server, include_installed=True)
    assert (found["unread"], [runtime["installed"] is None for runtime in found["runtimes"]]) == ([], [False, False])


def test_a_refused_run():
    """It concerns its runtime alone."""
    server = Server(*(stored(id=f"{number:032X}", name=str(number)) for number in range(1, 20)))
    server.refusals = {"POST /scripts/evaluation": refusal(403, "ERR0014")}
    assert len({row["runtime"]["id"] for row in info(server, include_installed=True)["unread"]}) == 20
    assert server.requests.count("POST /scripts/evaluation") == 20


def test_a_login_that_sees_no_project():
    """There is nothing that it could not read, so nothing is said; a guard still refuses to delete."""
    server = Server(stored())
    result = info(server, include_scripts=True)
    assert (result["unread"], server.warnings) == ([], [])
    assert [runtime["scripts"] for runtime in result["runtimes"]] == [[], []]
