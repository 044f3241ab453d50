from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ValidationError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_of
from ansible_collections.mstr.library.plugins.module_utils._model.file import parsed
from ansible_collections.mstr.library.plugins.plugin_utils._reports.upgrade import (
    Upgrade,
    is_any_due,
    upgrade_errors,
    upgrade_file,
)
from unit.support.make import DEFAULT_ID

TODAY = date(2026, 11, 30)
SALES = {"id": "p", "name": "Sales"}
OFFERED = ["3.10.5", "3.12.9", "3.12.11", "3.13.1", "3.12.12rc1"]


def runtime(name, version, *, packages=(), scripts=(), **more):
    """A runtime as in a result."""
    identity = f"{sum(map(ord, name)):032X}"
    known = {"id": identity, "name": name, "runtime_version": version, "is_default": False, "date_modified": None}
    return {**known, "whitelist": [], "packages": list(packages), "scripts": list(scripts), **more}


def script(name, *schedules, **more):
    tasks = [{"active": True, "schedule": {"name": schedule}} for schedule in schedules]
    script = {"id": name, "name": name, "project": SALES, "tasks": tasks, "last_run": None, "has_secret": False}
    return {**script, **more}


def unread(project=None, script=None):
    return {"project": project, "script": script, "runtime": None, "error": {"msg": "No."}}


def written(*runtimes, target="3.12", **more):
    read = {"versions": OFFERED, "server": "https://x", "exemptions": [], "unread": [], "dangling": [], **more}
    return upgrade_file({**read, "runtimes": list(runtimes)}, Upgrade(target, TODAY), "the test")


def content_of(*runtimes, **more):
    """What `src` reads in the file."""
    return parsed(written(*runtimes, **more)[0].text)


def names_in(content):
    """The new runtimes of a file."""
    return [entry["name"] for entry in content["runtimes"] if "state" not in entry]


@pytest.mark.parametrize(
    ("target", "offered", "expected"),
    [
        ("3.12", OFFERED, "3.12.11"),
        ("3.12.9", OFFERED, "3.12.9"),
        ("3.12.9", None, "3.12.9"),
        ("3.12", ["3.12"], "3.12"),
        ("3.12", ["3.12." + "9" * 5000, "3.12.1"], "3.12.1"),
    ],
)
def test_the_version(target, offered, expected):
    """The newest of a branch that is offered; a number of ten is more than one of nine."""
    assert Upgrade(target, TODAY).version(offered) == expected


@pytest.mark.parametrize(
    ("target", "offered", "sentence"),
    [
        ("3.12", None, "This server has no list of Python versions. Give a whole version"),
        ("3.11", OFFERED, "does not offer '3.11', but 3.10.5, 3.12.9"),
        ("3.12.1", OFFERED, "does not offer '3.12.1', but"),
    ],
)
def test_a_version_that_is_not_offered(target, offered, sentence):
    with pytest.raises(ValidationError, match=sentence):
        Upgrade(target, TODAY).version(offered)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (3.1, "not the number 3.1, because YAML reads 3.10 as 3.1"),
        ("3.10", "Python 3.10 itself ends or ended on 2026-10-31"),
        ("3.7", "Python 3.7 itself has ended"),
        ("3", "'3' is not a version of Python"),
        ("3.11", None),
        ("3.15", None),
    ],
)
def test_variables(target, expected):
    errors = list(upgrade_errors(target, TODAY))
    assert len(errors) == bool(expected)
    assert expected is None or expected in errors[0]


def test_the_order_and_what_is_in_it():
    """Most planned runs first, then most scripts. What is new enough, or unknown, is not in it."""
    file, notes = written(
        runtime("B", "3.10.5"),
        runtime("A", "3.10.5"),
        runtime("Two scripts", "3.9.1", scripts=[script("x"), script("y")]),
        runtime("Planned", "3.8.1", scripts=[script("x", "nightly", "weekly")]),
        runtime("New", "3.12.9"),
        runtime("Unknown", "3.99.1"),
        runtime("Any", None),
        runtime("(Default) X", "3.10.5", id=DEFAULT_ID, is_default=True),
        runtime("Host", "3.10.5", whitelist=["db.example.com"]),
        runtime("New host", "3.13.1", whitelist=["db.example.com"]),
    )
    content = parsed(file.text)
    assert names_in(content) == ["Planned (3.12)", "Two scripts (3.12)", "A (3.12)", "B (3.12)"]
    assert [entry["name"] for entry in content["runtimes"] if "state" in entry] == ["Planned", "Two scripts", "A", "B"]
    assert [entry["runtime"] for entry in content["scripts"]] == ["Planned (3.12)", *["Two scripts (3.12)"] * 2]
    shown = "\n".join(notes)
    names = ("'Unknown'", "'Any'", "'(Default) X'", "'Host'")
    assert [name for name in names if name not in shown or name not in file.header] == []
    assert "'New" not in shown


def test_nothing_to_do_needs_no_version():
    """Where nothing has to move, it does not matter what the server offers. The default runtime is still named."""
    default = runtime("(Default) X", "3.10.5", id=DEFAULT_ID, is_default=True)
    file, notes = written(default, runtime("R", "9" * 5000 + ".1"), runtime("S", "3.13.1"), target="3.14")
    assert file is None
    assert ["(Default) X" in note for note in notes] == [True, False]


@pytest.mark.parametrize(
    ("runtimes", "expected"),
    [
        ([runtime("(Default) X", "3.10.5", id=DEFAULT_ID, is_default=True)], True),
        ([runtime("Host", "3.10.5", whitelist=["db.example.com"])], True),
        ([runtime("New", "3.12.9"), runtime("Unknown", "3.99.1"), runtime("Any", None)], False),
    ],
)
def test_whether_anything_is_due(runtimes, expected):
    """Also what is not in the file: only then is there nothing to upgrade."""
    assert is_any_due(runtimes, Upgrade("3.12", TODAY)) is expected


def test_a_name_cannot_end_its_comment():
    """A line break in a name is data."""
    hostile = "x\nruntimes: []\r- name: y\u2028{{ z }}"
    host = runtime("Host", "3.10.5", whitelist=[hostile])
    file, notes = written(runtime("R", "3.10.5", scripts=[script(hostile, hostile)]), host)
    assert len(notes) == 1
    assert [entry["name"] for entry in parsed(file.text)["runtimes"]] == ["R (3.12)", "R"]


def test_the_new_runtime_the_scripts_and_the_old_one():
    """The new one has everything that a definition can express."""
    old = runtime("R", "3.10.5", whitelist=["10.0.0.0/8"], exec_timeout=60, scripts=[script("Load")])
    new, absent = content_of(old)["runtimes"]
    assert {**new, "name": "R", "runtime_version": "3.10.5"} == {**definition_of(old), "smoke_test": True}
    assert (new["name"], new["runtime_version"]) == ("R (3.12)", "3.12.11")
    assert absent == {"id": old["id"], "name": "R", "state": "absent"}
    assert content_of(old)["scripts"] == [{"id": "Load", "name": "Load", "project": "p", "runtime": "R (3.12)"}]


@pytest.mark.parametrize("scripts", [[], [script("Load")]])
def test_what_each_file_says(scripts):
    content = content_of(runtime("R", "3.10.5", scripts=scripts))
    assert (content["partial"], content["server"], len(content["scripts"])) == (True, "https://x", len(scripts))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("R (3.10)", "R (3.12)"),
        ("R (EU)", "R (EU) (3.12)"),
        ("R (3.10) EU", "R (3.10) EU (3.12)"),
    ],
)
def test_the_branch_in_a_name(name, expected):
    """It takes the place of an earlier one."""
    assert names_in(content_of(runtime(name, "3.10.5"))) == [expected]


def test_a_half_done_upgrade_goes_on():
    """The new runtime exists, and one of two scripts uses it already."""
    old, done = runtime("R", "3.10.5", scripts=[script("Load")]), runtime("R (3.12)", "3.12.11", scripts=[script("x")])
    assert content_of(old, done) == content_of(old)


@pytest.mark.parametrize(
    ("others", "note"),
    [
        (
            [runtime("R (3.12)", "3.12.9")],
            f"a different runtime has its new name 'R (3.12)' ({sum(map(ord, 'R (3.12)')):032X}",
        ),
        ([runtime("R (3.12)", "3.12.11", id=letter * 32) for letter in "AB"], f"({'A' * 32}, {'B' * 32}); rename one"),
        (
            [runtime("R (3.10)", "3.10.5", scripts=[script("x")])],
            "another entry of this file has its new name 'R (3.12)'",
        ),
    ],
)
def test_a_name_that_is_taken(others, note):
    """By a different runtime, or by another entry."""
    file, notes = written(runtime("R", "3.10.5"), runtime("S", "3.10.5"), *others)
    assert any(text.startswith("Runtime 'R' is not in this file: ") and note in text for text in notes)
    assert "R" not in [entry["name"] for entry in parsed(file.text)["runtimes"]]
    assert all(f"# {text}\n" in file.text for text in notes)


def test_the_default_runtime_is_never_deleted():
    """Not even if another runtime has its name, so that a definition has it, too."""
    default = runtime("R", "3.10.5", id=DEFAULT_ID, is_default=True, scripts=[script("x"), script("y")])
    new, absent = content_of(default, runtime("R", "3.10.5"))["runtimes"]
    assert (new["name"], absent["id"]) == ("R (3.12)", runtime("R", None)["id"])


def test_a_new_name_of_its_own():
    """Such as one whose Python was changed back: nothing says that a different runtime has its name."""
    file, notes = written(runtime("R (3.12)", "3.10.5"))
    assert file is None
    assert notes == ["Runtime 'R (3.12)' is not in this file: it has the name of the new runtime itself; rename it."]


LOAD = {"id": "Load", "name": "Load"}
UNKNOWN = "which scripts use it is unknown"
NO_TASKS = [script("Load", tasks=None)]


@pytest.mark.parametrize(
    ("scripts", "failure", "use"),
    [
        ([], unread(SALES), UNKNOWN),
        ([], unread(), UNKNOWN),
        (
            [script("Load")],
            unread({"id": "f", "name": "Finance"}),
            "used by 1 script: 'Load' in 'Sales', and perhaps by more",
        ),
        ([script("Load")], unread(SALES, {"id": "x", "name": "x"}), "'Load' in 'Sales', and perhaps by more"),
        ([script("Load")], unread(), "and perhaps by more"),
    ],
)
def test_scripts_that_could_not_be_read(scripts, failure, use):
    """Any runtime may have more of them, so none is deleted, and no script is moved."""
    file, notes = written(runtime("R", "3.10.5", scripts=scripts), unread=[failure])
    content = parsed(file.text)
    assert ([entry["name"] for entry in content["runtimes"]], content["scripts"]) == (["R (3.12)"], [])
    assert f"{use}\n# Not every script could be read, so the old runtime stays. " in file.text
    assert [note.startswith("Scripts or their schedules could not be read: ") for note in notes] == [True]
    assert "used by 0" not in file.text


ELSEWHERE = {"id": "h", "name": "HR"}


@pytest.mark.parametrize(
    ("scripts", "failure", "dangling"),
    [
        (NO_TASKS, unread(), []),
        (NO_TASKS, unread(SALES), []),
        (NO_TASKS, unread(SALES), [script("Lost", project=ELSEWHERE)]),
        ([script("Load")], unread(SALES, LOAD), []),
        ([script("Load")], unread(SALES, {"id": "Lost", "name": "Lost"}), [script("Lost")]),
    ],
)
def test_schedules_that_could_not_be_read(scripts, failure, dangling):
    """All scripts are known, so they are moved."""
    content = content_of(runtime("R", "3.10.5", scripts=scripts), unread=[failure], dangling=dangling)
    assert [entry["runtime"] for entry in content["scripts"]] == ["R (3.12)"]


def test_a_script_with_a_secret():
    """Only its own runtime stays."""
    secret, plain = script("Load", has_secret=True), script("Close")
    file, _notes = written(runtime("R", "3.10.5", scripts=[secret, plain]), runtime("S", "3.10.5"))
    content = parsed(file.text)
    assert [entry["name"] for entry in content["runtimes"]] == ["R (3.12)", "S (3.12)", "S"]
    assert content["scripts"] == []
    assert "so the old runtime stays: 'Load' in 'Sales'. Assign them with mstr_script_runtime, and check" in file.text


@pytest.mark.parametrize(
    ("meant", "is_said"), [("R", True), (f"{ord('R'):032x}", True), ("R*", False), ("Other", False)]
)
def test_an_exemption_has_to_follow_the_name(meant, is_said):
    exemption = {"runtime": meant, "reason": "ticket 4711", "until": "2027-01-31"}
    file, _notes = written(runtime("R", "3.10.5"), exemptions=[exemption])
    comment = f"# The exemption for {meant!r} must also name 'R (3.12)': ticket 4711\n"
    assert (comment in file.text, "exemption" in file.text) == (is_said, is_said)


def test_what_nobody_can_check():
    """A package whose name is none, and a Python without a known end of support."""
    file, notes = written(
        runtime("R", "3.10.5", packages=[{"name": "https://x/y.whl"}]), target="3.99.1", versions=["3.99.1"]
    )
    assert "# smoke_test does not check these packages, whose names it does not know: https://x/y.whl\n" in file.text
    assert notes == ["Until when Python 3.99 is supported is unknown."]


def test_the_comment_over_a_runtime():
    used = [script("Load", "nightly"), script("By hand")]
    file, _notes = written(runtime("R", "3.10.5", scripts=used), runtime("S", "3.10.5"))
    python = "Python 3.10.5, last day of support 2026-10-31"
    scripts = "used by 2 scripts, 1 of them on a schedule: 'Load' in 'Sales' (nightly), 'By hand' in 'Sales'"
    assert f"# 'R': {python}; {scripts}\n- name: R (3.12)\n" in file.text
    assert f"# 'S': {python}; no script uses it\n- name: S (3.12)\n" in file.text
    assert "in place of the old ones" in file.header
    assert "add -e mstr_runtimes_purge=false" in file.header
