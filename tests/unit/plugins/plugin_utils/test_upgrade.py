from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ValidationError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_of
from ansible_collections.mstr.library.plugins.module_utils._model.file import parsed
from ansible_collections.mstr.library.plugins.plugin_utils._reports.upgrade import (
    Upgrade,
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


def new_and_old(content):
    """The new runtimes of a file, and the old ones."""
    new = [entry["name"] for entry in content["runtimes"] if "state" not in entry]
    old = [entry["name"] for entry in content["runtimes"] if "state" in entry]
    return new, old


DEFAULT = runtime("(Default) X", "3.10.5", id=DEFAULT_ID, is_default=True)
HOST = runtime("Host", "3.10.5", whitelist=["db.example.com"])


@pytest.mark.parametrize(
    ("target", "offered", "expected"),
    [
        ("3.12", OFFERED, "3.12.11"),
        ("3.12.9", OFFERED, "3.12.9"),
        ("3.12.9", None, "3.12.9"),
        ("3.12", ["3.12." + "9" * 5000, "3.12"], "3.12"),
    ],
)
def test_the_version(target, offered, expected):
    """The newest of a branch that is offered."""
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
    ("target", "sentence"),
    [
        (3.1, "not the number 3.1, because YAML reads 3.10 as 3.1"),
        ("3.10", "Python 3.10 itself ends or ended on 2026-10-31"),
        ("3.7", "Python 3.7 itself has ended"),
        ("3", "'3' is not a version of Python"),
    ],
)
def test_a_target_that_is_refused(target, sentence):
    [error] = upgrade_errors(target, TODAY)
    assert sentence in error


@pytest.mark.parametrize("target", ["3.11", "3.15"])
def test_a_target(target):
    assert [*upgrade_errors(target, TODAY)] == []


def test_the_order_and_what_is_in_it():
    """Most planned runs first, then most scripts. What is new enough, or unknown, is not in it."""
    old = (
        runtime("B", "3.10.5"),
        runtime("A", "3.10.5"),
        runtime("Two scripts", "3.9.1", scripts=[script("x"), script("y")]),
        runtime("Planned", "3.8.1", scripts=[script("x", "nightly", "weekly")]),
    )
    new = runtime("New", "3.12.9"), runtime("New host", "3.13.1", whitelist=["db.example.com"])
    file, notes = written(*old, *new, runtime("Unknown", "3.99.1"), runtime("Any", None), DEFAULT, HOST)
    content, names = parsed(file.text), ["Planned", "Two scripts", "A", "B"]
    assert new_and_old(content) == ([f"{name} (3.12)" for name in names], names)
    assert [entry["runtime"] for entry in content["scripts"]] == ["Planned (3.12)", *["Two scripts (3.12)"] * 2]
    for_people = "\n".join(notes)
    named = ("'Unknown'", "'Any'", "'(Default) X'", "'Host'")
    assert [name for name in named if name not in for_people or name not in file.header] == []
    assert "'New" not in for_people


def test_nothing_to_do_needs_no_version():
    """Where nothing has to move, it does not matter what the server offers. The default runtime is named."""
    file, notes = written(DEFAULT, runtime("R", "9" * 5000 + ".1"), runtime("S", "3.13.1"), target="3.14")
    assert file is None
    assert ["(Default) X" in note for note in notes] == [False, True, False]


@pytest.mark.parametrize(
    ("runtimes", "why"),
    [
        ([DEFAULT], "No file was written"),
        ([HOST], "No file was written"),
        ([runtime("New", "3.12.9"), runtime("Unknown", "3.99.1"), runtime("Any", None)], "Nothing to upgrade"),
    ],
)
def test_why_there_is_no_file(runtimes, why):
    """There is nothing to upgrade only if nothing is due, not even what could not be in the file."""
    file, notes = written(*runtimes)
    assert (file, notes[0].startswith(why)) == (None, True)


def test_a_name_cannot_end_its_comment():
    """A line break in a name is data."""
    hostile = "x\nruntimes: []\r- name: y\u2028{{ z }}"
    file, notes = written(runtime("R", "3.10.5", scripts=[script(hostile, hostile)]), {**HOST, "whitelist": [hostile]})
    assert len(notes) == 1
    assert new_and_old(parsed(file.text)) == (["R (3.12)"], ["R"])


def test_the_new_runtime_the_scripts_and_the_old_one():
    """The new one has everything that a definition can express."""
    old = runtime("R", "3.10.5", whitelist=["10.0.0.0/8"], exec_timeout=60, scripts=[script("Load")])
    new, absent = content_of(old)["runtimes"]
    assert {**new, "name": "R", "runtime_version": "3.10.5"} == {**definition_of(old), "smoke_test": True}
    assert (new["name"], new["runtime_version"]) == ("R (3.12)", "3.12.11")
    assert absent == {"id": old["id"], "name": "R", "state": "absent"}
    assert content_of(old)["scripts"] == [{"id": "Load", "name": "Load", "project": "p", "runtime": "R (3.12)"}]


def test_what_each_file_says():
    content = content_of(runtime("R", "3.10.5"))
    assert (content["partial"], content["server"], content["scripts"]) == (True, "https://x", [])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("R (3.10)", "R (3.12)"), ("R (EU)", "R (EU) (3.12)"), ("R (3.10) EU", "R (3.10) EU (3.12)")],
)
def test_the_branch_in_a_name(name, expected):
    """It takes the place of an earlier one."""
    assert new_and_old(content_of(runtime(name, "3.10.5")))[0] == [expected]


def test_a_half_done_upgrade_goes_on():
    """The new runtime exists, and one of two scripts uses it already."""
    old, done = runtime("R", "3.10.5", scripts=[script("Load")]), runtime("R (3.12)", "3.12.11", scripts=[script("x")])
    assert content_of(old, done) == content_of(old)


NEW_ID = runtime("R (3.12)", None)["id"]


@pytest.mark.parametrize(
    ("others", "note"),
    [
        ([runtime("R (3.12)", "3.12.9")], f"a different runtime has its new name 'R (3.12)' ({NEW_ID}"),
        ([runtime("R (3.12)", "3.12.11", id=letter * 32) for letter in "AB"], f"({'A' * 32}, {'B' * 32}); rename one"),
        ([runtime("R (3.10)", "3.10.5", scripts=[script("x")])], "another entry of this file has its new name"),
    ],
)
def test_a_name_that_is_taken(others, note):
    """By a different runtime, or by another entry."""
    file, notes = written(runtime("R", "3.10.5"), runtime("S", "3.10.5"), *others)
    assert any(text.startswith("Runtime 'R' is not in this file: ") and note in text for text in notes)
    assert "R" not in new_and_old(parsed(file.text))[1]
    assert all(f"# {text}\n" in file.text for text in notes)


def test_the_default_runtime_is_never_deleted():
    """Not even if another runtime has its name, so that a definition has it, too."""
    default = {**DEFAULT, "name": "R", "scripts": [script("x"), script("y")]}
    new, absent = content_of(default, runtime("R", "3.10.5"))["runtimes"]
    assert (new["name"], absent["id"]) == ("R (3.12)", runtime("R", None)["id"])


def test_a_new_name_of_its_own():
    """Such as one whose Python was changed back: nothing says that a different runtime has its name."""
    file, notes = written(runtime("R (3.12)", "3.10.5"))
    assert file is None
    assert notes[1:] == [
        "Runtime 'R (3.12)' is not in this file: it has the name of the new runtime itself; rename it."
    ]


UNKNOWN = "which scripts use it is unknown"
PERHAPS = "used by 1 script: 'Load' in 'Sales', and perhaps by more"


@pytest.mark.parametrize(
    ("scripts", "failure", "use"),
    [
        ([], unread(SALES), UNKNOWN),
        ([], unread(), UNKNOWN),
        ([script("Load")], unread({"id": "f", "name": "Finance"}), PERHAPS),
        ([script("Load")], unread(SALES, {"id": "x", "name": "x"}), PERHAPS),
        ([script("Load")], unread(), PERHAPS),
    ],
)
def test_scripts_that_could_not_be_read(scripts, failure, use):
    """Any runtime may have more of them, so none is deleted, and no script is moved."""
    file, notes = written(runtime("R", "3.10.5", scripts=scripts), unread=[failure])
    content = parsed(file.text)
    assert (new_and_old(content), content["scripts"]) == ((["R (3.12)"], []), [])
    assert f"{use}\n# Not every script could be read, so the old runtime stays. " in file.text
    assert [note.startswith("Scripts or their schedules could not be read: ") for note in notes] == [True]
    assert "used by 0" not in file.text


LOAD, LOST = ({"id": name, "name": name} for name in ("Load", "Lost"))


@pytest.mark.parametrize(
    ("tasks", "failure", "dangling"),
    [
        (None, unread(), []),
        (None, unread(SALES), []),
        (None, unread(SALES), [script("Lost", project={"id": "h", "name": "HR"})]),
        ([], unread(SALES, LOAD), []),
        ([], unread(SALES, LOST), [script("Lost")]),
    ],
)
def test_schedules_that_could_not_be_read(tasks, failure, dangling):
    """All scripts are known, so they are moved."""
    old = runtime("R", "3.10.5", scripts=[script("Load", tasks=tasks)])
    content = content_of(old, unread=[failure], dangling=dangling)
    assert [entry["runtime"] for entry in content["scripts"]] == ["R (3.12)"]


def test_a_script_with_a_secret():
    """Only its own runtime stays."""
    secret, plain = script("Load", has_secret=True), script("Close")
    file, _notes = written(runtime("R", "3.10.5", scripts=[secret, plain]), runtime("S", "3.10.5"))
    content = parsed(file.text)
    assert (new_and_old(content), content["scripts"]) == ((["R (3.12)", "S (3.12)"], ["S"]), [])
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
    old = runtime("R", "3.10.5", packages=[{"name": "https://x/y.whl"}])
    file, notes = written(old, target="3.99.1", versions=["3.99.1"])
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
