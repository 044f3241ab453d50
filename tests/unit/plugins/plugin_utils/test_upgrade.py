from __future__ import annotations

from datetime import date

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ValidationError
from ansible_collections.mstr.library.plugins.module_utils._model.file import parsed
from ansible_collections.mstr.library.plugins.plugin_utils._reports.upgrade import (
    Upgrade,
    upgrade_errors,
    upgrade_file,
)
from unit.support.make import DEFAULT_ID

TODAY = date(2026, 11, 30)
OFFERED = ["3.10.5", "3.12.9", "3.12.11", "3.13.1", "3.12.12rc1"]


def runtime(name, version, *, packages=(), scripts=(), **more):
    """A runtime as in a result."""
    identity = f"{sum(map(ord, name)):032X}"
    known = {"id": identity, "name": name, "runtime_version": version, "is_default": False, "date_modified": None}
    return {**known, "whitelist": [], "packages": list(packages), "scripts": list(scripts), **more}


def script(name, *schedules):
    tasks = [{"active": True, "schedule": {"name": schedule}} for schedule in schedules]
    return {"id": "0" * 32, "name": name, "project": {"id": "p", "name": "Sales"}, "tasks": tasks, "last_run": None}


def written(*runtimes, target="3.12", **more):
    read = {"runtimes": list(runtimes), "versions": OFFERED, "unread": [], **more}
    return upgrade_file(read, Upgrade(target, TODAY), "the test")


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
    assert content["partial"] is True
    assert [entry["name"] for entry in content["runtimes"]] == ["Planned", "Two scripts", "A", "B"]
    assert {entry["runtime_version"] for entry in content["runtimes"]} == {"3.12.11"}
    assert {entry["smoke_test"] for entry in content["runtimes"]} == {True}
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


def test_a_name_cannot_end_its_comment():
    """A line break in a name is data."""
    hostile = "x\nruntimes: []\r- name: y\u2028{{ z }}"
    host = runtime("Host", "3.10.5", whitelist=[hostile])
    file, notes = written(runtime("R", "3.10.5", scripts=[script(hostile, hostile)]), host)
    assert len(notes) == 1
    assert [entry["name"] for entry in parsed(file.text)["runtimes"]] == ["R"]
