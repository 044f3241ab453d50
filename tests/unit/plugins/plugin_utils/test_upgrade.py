from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

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
        ("3.12", None, "This server has no list of Python versions. Give a whole version"),
        ("3.11", OFFERED, "does not offer '3.11', but 3.10.5, 3.12.9"),
        ("3.12.1", OFFERED, "does not offer '3.12.1', but"),
    ],
)
def test_the_version(target, offered, expected):
    """The newest of a branch that is offered; a number of ten is more than one of nine."""
    try:
        found = Upgrade(target, TODAY).version(offered)
    except ValidationError as exc:
        found = exc.sentence
    assert (found == expected) == ("offer" not in expected and "This" not in expected)
    assert expected in found


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


def distribution(site, name, files, top_level=None):
    """Write a package as pip installs it."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    if files:
        (info / "RECORD").write_text("".join(f"{path},,\n" for path in files))
    if top_level:
        (info / "top_level.txt").write_text(top_level)


@pytest.mark.parametrize(
    ("package", "files", "top_level", "expected"),
    [
        ("good", {"good/__init__.py": ""}, None, "2 packages are installed and can be imported."),
        ("Py_YAML", {"yaml/__init__.py": "import gone_one"}, None, "Package py-yaml cannot be imported on Python"),
        ("single", {"six_old.py": "1/0"}, None, "module six_old: ZeroDivisionError"),
        ("ends", {"ends.py": "raise SystemExit(3)"}, None, "module ends: SystemExit: 3"),
        ("spaces", {"ns/a/b/__init__.py": "1/0"}, None, "module ns.a.b: ZeroDivisionError"),
        ("inner", {"inner/__init__.py": "", "inner/x/__init__.py": "1/0"}, None, "2 packages are"),
        ("extra", {"tests/__init__.py": "1/0", "extra.libs/y.py": "", "extra.py": ""}, None, "2 packages are"),
        ("old", {}, "old_name\n", "module old_name: ModuleNotFoundError"),
        ("meta", {}, None, "2 packages are"),
    ],
)
def test_the_smoke_test(tmp_path: Path, package, files, top_level, expected):
    """On real files: the modules that a package brings are imported, whatever its name is."""
    distribution(tmp_path, package, files, top_level)
    distribution(tmp_path, "fine", {"fine/__init__.py": ""})
    assert expected in smoke(tmp_path, [{"name": package, "version": "1.0"}, {"name": "fine[extra]"}])


def smoke(site, packages):
    """What the smoke test of a runtime with these packages prints."""
    file, _notes = written(runtime("R", "3.10.5", packages=packages))
    code = parsed(file.text)["runtimes"][0]["smoke_test"]
    start = f"import sys\nsys.path[:] = [path for path in sys.path if 'site-packages' not in path] + [{str(site)!r}]\n"
    run = subprocess.run([sys.executable, "-I", "-S", "-c", start + code], capture_output=True, text=True, check=False)
    assert (run.returncode == 0) == ("packages are" in run.stdout)
    return (run.stdout + run.stderr).strip().splitlines()[-1]


def test_the_smoke_test_names_the_first(tmp_path: Path):
    distribution(tmp_path, "fine", {"fine/__init__.py": ""})
    packages = [{"name": name} for name in ("fine", "gone-one", "git+https://example.com/x", "gone-two")]
    assert "Package gone-one is not installed on Python 3." in smoke(tmp_path, packages)


def test_the_smoke_test_of_a_server_that_hides_packages(tmp_path: Path):
    assert "hides from scripts what is installed" in smoke(tmp_path, [{"name": "fine"}])
