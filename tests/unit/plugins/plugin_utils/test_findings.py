"""The findings of an audit: made once from data, counted by their kind, and the same in every format."""

from __future__ import annotations

import html
import re
from datetime import date
from pathlib import Path

import pytest
import yaml
from ansible_collections.mstr.library.plugins.modules import mstr_audit
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks.variables import table
from ansible_collections.mstr.library.plugins.plugin_utils._reports import environment as environments
from ansible_collections.mstr.library.plugins.plugin_utils._reports import html as pages
from ansible_collections.mstr.library.plugins.plugin_utils._reports.console import console_lines
from ansible_collections.mstr.library.plugins.plugin_utils._reports.finding import KINDS, Finding, FindingKind
from ansible_collections.mstr.library.plugins.plugin_utils._reports.formats import FORMATS
from unit.support.report import (
    POLICY,
    SOON,
    SUFFIXES,
    audited,
    change,
    environment,
    failed,
    package,
    planned,
    row,
    runtime,
    text_of,
    violation,
)

GUIDE = Path(__file__).parents[4] / "docs" / "docsite" / "rst" / "guide_policy.rst"
UNREAD = {"project": {"name": "Finance"}, "script": None, "runtime": None, "error": {"msg": "It is not loaded."}}


def lines(report):
    return [*console_lines(report, True)]


def shown(report, form):
    """What people read of a report, in a file of this suffix or on the console."""
    return "\n".join(lines(report)) if form == "console" else html.unescape(text_of(report, suffix=form))


every_form = pytest.mark.parametrize("form", [*SUFFIXES, "console"])


def texts(report, kind):
    return [found.text for found in report.findings if found.kind == kind]


def test_every_kind_and_format_is_documented():
    returned = yaml.safe_load(mstr_audit.RETURN)
    assert re.findall(r"V\((\w+)\)", " ".join(returned["findings"]["description"])) == list(KINDS)
    [variable] = [variable for variable in table() if variable.name == "mstr_report_dest"]
    in_guide = GUIDE.read_text("utf-8").partition("Suffix, What")[2].partition("\n\nAn audit")[0]
    found = [set(re.findall(r"(?:``|C\()\.([a-z.]+)", text)) for text in (variable.description[0], in_guide)]
    assert found == [set(FORMATS)] * 2


@every_form
def test_a_new_kind_is_a_row(form, monkeypatch):
    """It is in its place in every format, and its gate counts it."""
    kind = FindingKind("Too old", "is too old", "are too old", "bad", "problems", "mstr_x")
    monkeypatch.setitem(KINDS, "too_old", kind)
    found = Finding("too_old", "R", "has not changed for 900 days", {"id": runtime(1, "R")["id"]})
    report = audited(runtime(1, "R"))
    report = report._replace(findings=[found], counts={**report.counts, "too_old": 1})
    text = shown(report, form)
    assert "has not changed for 900 days" in text
    assert ("1 is too old" in text) or ("Too old" in text) or ('"too_old": 1' in text)
    assert report.fails(["mstr_x"])
    assert not report.fails(["mstr_fail_on_drift"])


def test_all_kinds_of_an_audit():
    """In their order, with the number of each."""
    report = environment("prod")
    assert report.outcome == "violations"
    assert lines(report) == [
        "prod: 6 runtimes (with the default one), 1 runtime is open to everything, 4 violations, 2 differ from their "
        "definitions, 2 are not ready, 1 look-up failed, 1 has no definition, 1 value not evaluated, 3 exempted "
        "violations",
        "prod: 'Nightly reports' is open to everything: 0.0.0.0/0",
        "prod: 'Nightly reports' whitelist 0.0.0.0/0 violates networks_within and networks_never: it is outside",
        "prod: '<script>alert(1)</script>' whitelist violates whitelist_required: it is empty",
        "prod: 'Nightly reports' whitelist * violates networks_never: it is unreadable: it is not a CIDR block",
        "prod: 'Nightly reports' resource.mem 8192 violates resource_max: it is more than 4096; its exemption expired "
        "on 2026-01-31 (month end)",
        "prod: 'Nightly reports' differs: whitelist +10.20.0.0/16 -0.0.0.0/0",
        "prod: 'Nightly reports' differs: packages pandas 2.2.3 → any version",
        "prod: 'Nightly reports' differs: resource mem 1024 → 2048",
        "prod: 'Nightly reports' differs: description '' → 'Loads the sales figures'",
        "prod: 'Forecasts' would be created",
        "prod: 'Nightly reports' package pandas is not installed (server: \"Return code: 1.\")",
        "prod: '<script>alert(1)</script>' has the status error",
        "prod: could not read the scripts of 'Finance': the project is not loaded",
        "prod: '<script>alert(1)</script>' has no definition",
        "prod: '<script>alert(1)</script>' packages requests is not evaluated by packages_never: it has no version to "
        "compare with requests<2.32",
        "prod: 3 exempted violations: 2 until 2099-12-31 (nobody uses it; open to everything); "
        f"1 until {SOON} (the loader needs it, see ticket 4711)",
    ]


NETWORK = "whitelist 0.0.0.0/0 violates networks_within: it is outside"


@every_form
def test_a_violation_is_told_by_its_cause(form):
    """One line for a rule and a value, with the runtimes, wherever people read it."""
    wide = [runtime(number, name) for number, name in enumerate(("A", "B", "C"))]
    violations = [violation(each, "0.0.0.0/0", "networks_within") for each in wide]
    report = audited(*wide, policy=POLICY, violations=violations)
    text = shown(report, form)
    assert (f"{NETWORK} (3 runtimes: 'A', 'B', 'C')" in text) is (form != "json")
    assert report.counts["violations"] == 3


@every_form
def test_equal_warnings_are_one_line(form):
    warnings = [f"Runtime {name!r} ({'A' * 32}) has the status error." for name in "ABC"] + ["Careful."]
    report = audited(policy=POLICY)._replace(warnings=warnings)
    text = shown(report, form)
    one = f"Runtime 'A' ({'A' * 32}) has the status error. The same of 'B', 'C'."
    assert (text.count("has the status error"), one in text) == ((3, False) if form == "json" else (1, True))
    assert "Careful." in text


def test_an_exempted_open_network_is_not_red():
    """It is still said to be open to everything."""
    wide = runtime(1, "Wide", whitelist=["0.0.0.0/0", "::/0"])
    row = violation(wide, "0.0.0.0/0", "networks_within", reason="why", until="2099-12-31")
    report = audited(wide, policy=POLICY, exempted=[row])
    assert texts(report, "open_networks") == ["is open to everything: ::/0"]
    report = audited({**wide, "whitelist": ["0.0.0.0/0"]}, policy=POLICY, exempted=[row])
    assert (report.outcome, report.counts["open_networks"]) == ("clean", 0)
    assert lines(report)[-1] == "e: 1 exempted violation: 1 until 2099-12-31 (why; open to everything)"


@pytest.mark.parametrize(
    ("defined", "looks_renamed"),
    [
        ({"exec_timeout": 600}, True),
        ({"packages": [{"name": "X"}, {"name": "pandas", "version": "1.2.3"}]}, True),
        ({"packages": [{"name": "pandas", "version": "2.0"}, {"name": "x"}]}, False),
        ({"whitelist": ["192.168.1.1/32", "10.10.10.0/24"], "resource": {"cpu": 0.5}}, True),
        ({"resource": {"mem": 1}}, False),
        ({"exec_timeout": 600, "others": "x"}, False),
        ({}, False),
    ],
)
def test_looks_renamed(defined, looks_renamed):
    """A definition whose runtime is missing, and a runtime without a definition that has all of its values.

    Where only a name is defined, nothing says that it is the same.
    """
    old = runtime(1, "Old")
    changes = [change(field, None, value) for field, value in {"name": "New", **defined}.items()]
    created = row("New", "created", *changes, id=None)
    [text] = texts(audited(old, plan=planned(created, undefined=[old])), "undefined")
    assert ("all that the definition of 'New' has: it looks renamed" in text) is looks_renamed


def test_deletions_come_first():
    """With the scripts that they hit."""
    old = runtime(1, "Old", whitelist=["0.0.0.0/0"], scripts=[{"name": "Load", "project": {"name": "Sales"}}])
    report = audited(old, plan=planned(row("Old", "deleted", id=old["id"])))
    assert lines(report)[1].startswith("e: 'Old' would be deleted, and is used by ")
    assert "Load" in lines(report)[1]
    assert "open to everything" in lines(report)[2]


def test_what_nobody_looked_at_is_not_none():
    """Without a policy, definitions, scripts and installed packages, their numbers are unknown."""
    bare = audited(runtime(1, "R")).counts
    unknown = ("violations", "drift", "undefined", "not_evaluated", "exempted", "mismatches", "dangling", "failed_runs")
    assert {kind for kind, number in bare.items() if number is None} == set(unknown)
    plan = planned(row("R", "none", id=runtime(1, "R")["id"]))
    whole = audited(runtime(1, "R", scripts=[]), policy=POLICY, plan=plan, mismatches=[])
    assert set(whole.counts.values()) == {0}
    assert (whole.outcome, audited(runtime(1, "R")).outcome) == ("clean", "not_evaluated")
    assert failed("dev").counts is None
    found = audited(runtime(1, "R", scripts=[]), unread=[UNREAD], dangling=[script("Lost")])
    assert found.counts["dangling"] == 1, "it was found, though no script of a runtime is known"
    assert "1 script has no runtime: e" in text_of(found, suffix="md")


def test_scripts_that_could_not_be_read_are_unknown():
    """Never none: neither on the page, nor for a Python that ends."""
    old = runtime(1, "R", runtime_version="3.8.1", scripts=[])
    report = audited(old, unread=[UNREAD])
    assert report.runtimes[1]["scripts"] is None
    [text] = texts(report, "python_ended")
    assert text.endswith("days ago: 'R'")
    assert "Not known, because not every script could be read." in text_of(report)
    assert texts(audited(old), "python_ended")[0].endswith("'R'; 0 scripts")


def script(name, *schedules, **more):
    """A script whose tasks were looked up."""
    return {"name": name, "tasks": [{"schedule": {"name": each}, "active": True} for each in schedules], **more}


def test_who_uses_a_python_that_ended(monkeypatch):
    """With the names of its runtimes, and of the scripts on a schedule."""
    monkeypatch.setattr(environments, "utc_date", lambda: date(2026, 11, 30))
    used = [script("Load", "nightly"), script("Sales", "weekly", "daily"), script("By hand")]
    old = [runtime(number, f"R{number}", runtime_version="3.10.5", scripts=[]) for number in range(1, 4)]
    real = {"python": {"version": "3.9.2", "implementation": "CPython"}, "packages": []}
    report = audited(
        runtime(7, "R0", runtime_version="3.10.1", scripts=used),
        *old,
        runtime(8, "New", runtime_version="3.13.1"),
        runtime(9, "Installed", runtime_version="3.13.1", installed=real),
    )
    assert texts(report, "python_ended") == [
        "Python 3.9 ended 395 days ago: 'Installed'",
        "Python 3.10 ended 30 days ago: 'R0', 'R1', 'R2' and 1 more; 3 scripts, on a schedule: 'Load', 'Sales'",
    ]
    assert (report.outcome, report.counts["python_ended"]) == ("not_evaluated", 5)


@pytest.mark.parametrize(
    ("version", "day", "said"),
    [
        ("3.10.5", "2026-08-02", ["ends in 90 days"]),
        ("3.10.5", "2026-10-31", ["ends today"]),
        ("3.7.17", "2026-11-30", ["ended at least 784 days ago"]),
        ("3.10.5", "2026-08-01", []),
        ("3.99.0", "2026-11-30", []),
        ("three", "2026-11-30", []),
    ],
)
def test_when_a_python_ends(version, day, said, monkeypatch):
    monkeypatch.setattr(environments, "utc_date", lambda: date.fromisoformat(day))
    found = texts(audited(runtime(1, "R", runtime_version=version)), "python_ended")
    assert [text.partition(": ")[0].split(" ", 2)[2] for text in found] == said


def test_runs_that_failed_and_scripts_without_a_runtime():
    run = {"status": "timeout", "time_triggered": "2026-11-25T01:00:00Z", "message": "Return code: 3."}
    load = {"name": "Load", "project": {"name": "Sales"}, "tasks": [{"last_run": run}], "last_run": None}
    lost = {"id": "L", "name": "Lost", "project": {"name": "Sales"}, "runtime_id": "D" * 32}
    report = audited(runtime(1, "R", scripts=[load]), dangling=[lost], policy=POLICY)
    failed = "the last run of 'Load' in 'Sales' timed out on 2026-11-25 (server: \"Return code: 3.\")"
    assert texts(report, "failed_runs") == [f"{failed}; its exec_timeout is 600 s"]
    [dangling] = texts(report, "dangling")
    assert dangling.startswith(f"the runtime {'D' * 32} of script 'Lost' in 'Sales' does not exist; assign a different")
    assert report.outcome == "problems"


# Those of the vendor's client, and those of its schema.
@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("success", []),
        ("succeeded", []),
        ("failed", ["the last run of 'Load' in 'Sales' failed"]),
        ("cancelled", ["the last run of 'Load' in 'Sales' was cancelled"]),
        ("5", []),
    ],
)
def test_words_for_the_last_run_of_a_script(status, said):
    load = {"name": "Load", "project": {"name": "Sales"}, "last_run": {"status": status, "time": None}}
    assert texts(audited(runtime(1, "R", scripts=[load])), "failed_runs") == said


def test_what_is_installed_is_another_version():
    etl = runtime(1, "Etl")
    wanted = {"name": "Etl", "id": etl["id"], "package": "pysftp", "version": "0.3"}
    rows = [{**wanted, "installed": version} for version in ("0.2", None)]
    assert texts(audited(etl, mismatches=rows), "mismatches") == [
        "has pysftp 0.2, but its definition has 0.3",
        "has no package pysftp, but its definition has 0.3",
    ]


def test_a_list_that_lacks_the_default_runtime():
    report = audited(runtimes=[runtime(1, "R")])
    [text] = texts(report, "incomplete")
    assert text.endswith("so it may be incomplete, like this report")
    assert report.fails(["mstr_fail_on_violation"]), "nobody knows what the missing ones are"


def test_what_could_not_be_read_is_named():
    """The error is a sentence, without what else the server said."""
    error = {"error": {"msg": "No.", "http_status": 500}}
    sales, load, busy = {"id": "P", "name": "Sales"}, {"id": "S", "name": "Load"}, {"id": "B", "name": "Busy"}
    places = ((sales, None, None), (sales, load, None), (None, None, None), (None, None, busy))
    unread = [dict(zip(("project", "script", "runtime"), place), **error) for place in places]
    assert texts(audited(unread=unread), "unread") == [
        "could not read the scripts of 'Sales': No.",
        "could not read the script 'Load' in 'Sales': No.",
        "could not read the list of projects: No.",
        "could not read what is installed in 'Busy': No.",
    ]


def test_what_an_apply_would_do_or_refuse_is_drift():
    """An entry that it refuses, a script that it moves, and the whole task."""
    two = row("Two", "none", id=None) | {"error": {"msg": "two runtimes have this name"}}
    move = {"name": "Load", "action": "moved", "before": {"name": "B"}, "after": {"name": "A"}, "error": None}
    plan = planned(two, scripts=[move, {**move, "action": "none"}])
    report = audited(plan=plan, refusals=["purge would delete 9 runtimes, and purge_limit is 0"])
    assert texts(report, "drift") == [
        "failed: two runtimes have this name",
        "script 'Load' would use 'A' instead of 'B'",
        "an apply would be refused: purge would delete 9 runtimes, and purge_limit is 0",
    ]
    assert report.fails(["mstr_fail_on_drift"])


def test_undefined_runtimes_are_named():
    extra = runtime(1, "Extra"), runtime(2, "Trial")
    report = audited(*extra, plan=planned(undefined=extra))
    assert (report.outcome, report.counts["undefined"]) == ("not_evaluated", 2)
    assert "e: has no definition (2 runtimes: 'Extra', 'Trial')" in lines(report)


def test_verdicts_on_the_page():
    """What the policy says of each network and package; a package by the version that is installed."""
    cards = {card.name: card for card in pages.cards_of(environment("prod"))}
    assert [*cards["Nightly reports"].networks] == [
        ("0.0.0.0/0", "bad", "violations"),
        ("10.10.10.0/24", "ok", "allowed"),
        ("*", "bad", "violations"),
    ]
    packages = [{"name": "pysftp", "version": "0.2.9"}, {"name": "six", "version": "1.0"}]
    loose = runtime(1, "Etl", packages=[package("pysftp", "")], installed={"packages": packages})
    found = violation(loose, "pysftp==0.2.9", "packages_never", "matches pysftp", "packages")
    report = audited(loose, violations=[found], policy={"packages_never": ["pysftp"]})
    [card] = [card for card in pages.cards_of(report) if card.name == "Etl"]
    assert card.packages == ((("pysftp 0.2.9", "bad", "violations, installed"),), (("six 1.0", "", ""),))


def test_a_package_has_its_status_and_message():
    assert "not_installed: Return code: 1." in text_of(environment("prod", quiet=14))


def test_what_goes_is_first_on_the_page():
    gone, calm = runtime(1, "Zulu"), runtime(2, "Alpha")
    deleted = row("Zulu", "deleted", id=gone["id"], runtime=gone)
    created = row("New", "created", change("name", None, "New"), id=None)
    report = audited(calm, gone, plan=planned(deleted, created))
    assert [card.name for card in pages.cards_of(report)] == ["Zulu", "New", "(Default) X", "Alpha"]


@pytest.mark.parametrize(
    ("place", "failing"),
    [({"project": {"name": "Sales"}}, []), ({"runtime": {"name": "R"}}, ["mstr_fail_on_violation"])],
)
def test_what_could_not_be_read_is_not_clean(place, failing):
    """It fails the gate that would need it: the rules on packages need what is installed."""
    unread = {"project": None, "script": None, "runtime": None, "error": {"msg": "no"}, **place}
    report = audited(runtime(1, "R", scripts=[]), policy=POLICY, unread=[unread])
    assert (report.outcome, report.counts["unread"]) == ("problems", 1)
    gates = ("mstr_fail_on_violation", "mstr_fail_on_drift")
    assert [gate for gate in gates if report.fails([gate])] == failing
