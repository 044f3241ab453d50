"""Which branches of Python have ended, and who uses them, in every report."""

from __future__ import annotations

import json
from datetime import date

import pytest
from ansible_collections.mstr.library.plugins.filter.report_file import report_file
from ansible_collections.mstr.library.plugins.filter.runtime_definitions import runtime_definitions
from ansible_collections.mstr.library.plugins.plugin_utils._reports import environment, inventory, lines
from unit.support.report import SUFFIXES, applied, audited, row, runtime

UNREAD = {"project": {"name": "Finance"}, "script": None, "runtime": None, "error": {"msg": "No."}}
BUSY = {**UNREAD, "project": None, "runtime": {"id": "B" * 32, "name": "Busy"}}


@pytest.fixture(autouse=True)
def _today(monkeypatch):
    for module in (environment, inventory, lines):
        monkeypatch.setattr(module, "utc_date", lambda: date(2026, 11, 30))


def script(name, *schedules, **more):
    """A script whose tasks were looked up."""
    return {"name": name, "tasks": [{"schedule": {"name": each}, "active": True} for each in schedules], **more}


def old(number=1, version="3.10.5", **fields):
    return runtime(number, f"R{number}", runtime_version=version, **fields)


def line_of(*runtimes, **read):
    """The line on the console, after the name of its branch."""
    [line] = [text for text in audited(*runtimes, **read)["lines"] if text.startswith("e: Python 3.10 ")]
    return line.removeprefix("e: Python 3.10 ended 30 days ago: ")


def test_who_uses_it():
    used = [script("Load", "nightly"), script("Sales", "weekly", "daily"), script("By hand")]
    report = audited(old(1, scripts=used), old(2, scripts=[]), old(3, "3.12.1", scripts=[script("New", "nightly")]))
    text = "Python 3.10 ended 30 days ago: 2 runtimes, 3 scripts, 2 of them on a schedule ('Load', 'Sales')"
    assert report["lines"][1] == f"e: {text}"
    assert report["counts"]["python_ended"] == 2
    assert report["python"] == [
        {
            "branch": "3.10",
            "end_of_life": "2026-10-31",
            "days_left": -30,
            "runtimes": 2,
            "scripts": 3,
            "scheduled": 2,
            "scheduled_scripts": ["Load", "Sales"],
        },
        {
            "branch": "3.12",
            "end_of_life": "2028-10-31",
            "days_left": 701,
            "runtimes": 1,
            "scripts": 1,
            "scheduled": 1,
            "scheduled_scripts": ["New"],
        },
    ]


@pytest.mark.parametrize(
    ("scripts", "unread", "text"),
    [
        (None, [], "1 runtime, scripts not looked up"),
        ([], [], "1 runtime, 0 scripts"),
        ([{"name": "a"}], [], "1 runtime, 1 script, schedules not looked up"),
        ([script("a")], [], "1 runtime, 1 script, not on a schedule"),
        ([script("a", "nightly")], [], "1 runtime, 1 script, on a schedule ('a')"),
        ([script("a"), script("b")], [], "1 runtime, 2 scripts, none of them on a schedule"),
        (
            [script("a", "n"), script("b", tasks=None)],
            [],
            "1 runtime, 2 scripts, at least 1 of them on a schedule ('a')",
        ),
        ([script("a", tasks=None)], [], "1 runtime, 1 script, schedules not looked up"),
        ([], [UNREAD], "1 runtime, at least 0 scripts"),
        ([script("a", "n")] * 2, [BUSY], "1 runtime, 2 scripts, 2 of them on a schedule ('a', 'a')"),
    ],
)
def test_what_was_not_looked_up(scripts, unread, text):
    """What could not be read is not counted as nothing."""
    assert line_of(old(scripts=scripts), unread=unread) == text


def test_one_line_names_five_scripts():
    assert line_of(old(scripts=[script(f"s{number}", "n") for number in range(9)])).endswith("'s4' and 4 more)")


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("3.11.9", None),
        ("3.7.17", "ended at least 784 days ago"),
        ("3.99.0", None),
        ("three", None),
        (None, None),
    ],
)
def test_only_what_ends_soon_has_a_line(version, said):
    report = audited(old(version=version))
    assert [said in line for line in report["lines"][1:]] == ([True] if said else [])
    assert report["counts"]["python_ended"] == (1 if said else 0)


@pytest.mark.parametrize(
    ("day", "says"), [("08-01", None), ("08-02", "90 days"), ("10-30", "1 day"), ("10-31", "today")]
)
def test_before_the_end(day, says, monkeypatch):
    """At most 90 days before; on the last day, it has not ended."""
    monkeypatch.setattr(inventory, "utc_date", lambda: date.fromisoformat(f"2026-{day}"))
    report = audited(old())
    assert [line.partition(":")[2] for line in report["lines"][1:]] == (
        [f" Python 3.10 ends {'' if says == 'today' else 'in '}{says}: 1 runtime, scripts not looked up"]
        if says
        else []
    )
    assert report["counts"]["python_ended"] == 0


def test_the_installed_python_decides():
    real = {"python": {"version": "3.9.2", "implementation": "CPython", "platform": "x"}, "packages": []}
    report = audited(old(1, "3.12.1", installed=real), old(2, None, installed=None))
    assert [each["branch"] for each in report["python"]] == ["3.9", None]


def test_no_definition_has_it():
    """It is read-only."""
    assert "python" not in runtime_definitions([{**old(), "python": {"branch": "3.10"}}])[0]


def test_the_default_runtime_counts():
    assert audited(old(is_default=True))["counts"]["python_ended"] == 1


def test_it_decides_nothing():
    """It is no finding: the outcome, and the gates, are those of the policy."""
    ended, fine = (audited(old(version=version), policy={"exec_timeout_max": 900}) for version in ("3.10.5", "3.12.1"))
    assert (ended["outcome"], fine["outcome"]) == ("clean", "clean")


def test_an_environment_that_could_not_be_read():
    failed = {**audited(failed=True, msg="No."), "environment": "down"}
    assert (failed["python"], failed["counts"]) == (None, None)
    for form in SUFFIXES:
        assert "3.10" in report_file([failed, audited(old())], f"x.{form}", not_reached=["far"])


def test_what_is_not_there_has_no_python():
    """A runtime that a definition would create."""
    report = applied(row("New", "created", id=None), read={"runtimes": [old()], "violations": []}, check_mode=True)
    assert [each["runtimes"] for each in report["python"]] == [1]


def test_each_runtime_of_an_apply_has_it():
    report = applied(row("R1", "none", runtime=old()))
    assert "python" not in report
    assert report["inventory"][0]["python"] == {"branch": "3.10", "end_of_life": "2026-10-31", "days_left": -30}


def environments():
    used = [script("Load", "nightly")]
    return [
        audited(old(1, scripts=used), old(2, "3.99.0", scripts=[]), name="prod", unread=[UNREAD]),
        audited(old(3), old(4, None), name="dev"),
    ]


def test_table_in_markdown():
    text = report_file(environments(), "x.md")
    assert [line for line in text.splitlines() if line.startswith(("| Python", "| No Python"))] == [
        "| Python | Support | Last day | Environment | Runtimes | Scripts | On a schedule |",
        "| Python 3.10 | ended 30 days ago | 2026-10-31 | `prod` | 1 | at least 1 | at least 1 |",
        "| Python 3.10 | ended 30 days ago | 2026-10-31 | `dev` | 1 | not looked up | not looked up |",
        "| Python 3.99 | has an unknown end | - | `prod` | 1 | at least 0 | at least 0 |",
        "| No Python version | - | - | `dev` | 1 | not looked up | not looked up |",
    ]


def test_table_on_the_page():
    text = report_file(environments(), "x.html")
    table = text.partition('<table class="pythons"')[2].partition("</table>")[0]
    assert [part in table for part in ("Python 3.10", "ended 30 days ago", "2026-10-31", "at least 1", "unknown")] == [
        True
    ] * 5
    assert table.count("<tbody>") == 3
    assert text.count("Python ended</span>") == 2
    assert 'class="pythons"' not in report_file([applied(row("R1", "none", runtime=old()))], "x.html")


def test_many_runtimes_have_one_line():
    """Also with five hundred, before what could be cut."""
    report = audited(*(old(number, status="error") for number in range(500)))
    assert environment.short_lines(report, True)[1].startswith("e: Python 3.10 ended 30 days ago: 500 runtimes")
    assert json.loads(report_file([report], "x.json"))["environments"][0]["python"][0]["runtimes"] == 500
