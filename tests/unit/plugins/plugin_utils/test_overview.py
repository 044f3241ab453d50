"""What people see of a run: the sentence that concludes, the numbers, and the lines on the console."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils._reports import environment as environments
from ansible_collections.mstr.library.plugins.plugin_utils._reports.console import console_lines, deletion_lines
from ansible_collections.mstr.library.plugins.plugin_utils._reports.overview import (
    columns,
    conclusion,
    drift_of,
    numbers,
    problem_lines,
)
from unit.support.report import (
    POLICY,
    applied,
    audited,
    change,
    environment,
    failed,
    planned,
    row,
    run_of,
    runtime,
    violation,
)

MOVED = {"name": "C", "project": {"name": "P"}, "action": "moved", "before": {"name": "Up"}, "after": {"name": "N"}}


def lines(report, predicted=True):
    return [*deletion_lines(report, predicted), *console_lines(report, predicted)]


def test_a_check_and_a_run():
    """Deletions come first; a plan has its id."""
    rows = [
        row("r", "updated", change("exec_timeout", 600, 60), change("others", "", "ä")),
        row("new", "created", change("name", None, "new"), id=None),
        row("Up", "deleted", id="1", runtime=runtime(1, "Up")),
        row("same", "none"),
    ]
    summary = {"created": 1, "updated": 1, "deleted": 1, "unchanged": 1, "moved": 1}
    more = {"summary": summary, "plan_id": "a" * 24, "scripts": [MOVED]}
    assert lines(applied(*rows, check_mode=True, **more)) == [
        "e: 'Up' would be deleted",
        "e: 1 to create, 1 to update, 1 to delete, 1 script to move, 1 unchanged (plan aaaaaaaaaaaaaaaaaaaaaaaa)",
        "e: 'r' differs: exec_timeout 600 → 60",
        "e: 'r' differs: others '' → 'ä'",
        "e: 'new' would be created",
        "e: script 'C' in 'P' would use 'N' instead of 'Up'",
    ]
    done = applied(*rows, **more)
    assert lines(done, False)[1] == "e: 1 created, 1 updated, 1 deleted, 1 script moved, 1 unchanged"
    assert (done.outcome, applied(row("same", "none")).outcome) == ("changed", "unchanged")
    assert applied(*rows, check_mode=True).outcome == "drift"


def test_a_failure_names_its_runtime_once():
    """In each line of its error; the message of the task says no more."""
    broken = row("R", "none") | {"error": {"msg": "whitelist is wrong\npackages are wrong"}}
    report = applied(broken, failed=True, msg="1 failed:\nruntimes[0] 'R': …", summary={"failed": 1})
    assert lines(report) == ["e: 1 failed", "e: 'R' failed: whitelist is wrong", "e: 'R' failed: packages are wrong"]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"failed": True, "msg": "Could not log in."}, "Could not log in."),
        ({"failed": True}, "The task failed without a message."),
        ({"unreachable": True, "msg": "no route", "changed": False}, "no route"),
    ],
)
def test_a_task_that_failed_earlier(result, message):
    apply, audit = environments.applied("prod", result, False), environments.audited("prod", result, {})
    assert (apply.outcome, apply.summary, lines(apply)) == ("failed", None, [f"prod: failed: {message}"])
    assert (audit.outcome, audit.counts, lines(audit)) == ("failed", None, [f"prod: failed: {message}"])


EVENT = SimpleNamespace(event=SimpleNamespace(msg="Careful."))


@pytest.mark.parametrize("warning", ["Careful.", {"event": {"msg": "Careful."}}, EVENT])
def test_a_warning_in_any_form(warning):
    """ansible-core 2.19 and newer may have an object."""
    assert lines(applied(row("r", "none"), warnings=[warning])) == ["e: 1 unchanged", "e: warning: Careful."]


def test_a_smoke_test_is_code_that_somebody_approves():
    report = applied(row("R", "created", smoke_test="import pandas\npandas.show"), check_mode=True)
    assert lines(report)[2:] == ["e: 'R' smoke test: import pandas", "e: 'R' smoke test: pandas.show"]


def test_twenty_lines_and_all_deletions():
    rows = [row(f"r{number}", action) for action in ("created", "deleted") for number in range(30)]
    shown = lines(applied(*rows), False)
    assert sum("deleted" in line for line in shown[:30]) == 30
    assert shown[-2:] == ["e: 'r19' created", "e: and 10 more like these; mstr_report_dest shows them all"]
    assert len(lines(applied(*rows, check_mode=True))) == 61, "somebody approves a plan"


def test_a_line_is_safe_for_a_terminal():
    """And at most 1,000 characters long."""
    report = applied(row("R\x1b[31m\n", "updated", change("others", "", "x" * 5000)), check_mode=True)
    assert all(line.isprintable() and len(line) <= 1000 for line in lines(report))


def test_exemptions_and_undefined_runtimes_of_an_apply():
    row_of = violation(runtime(1, "R"), "0.0.0.0/0", "networks_within", reason="why", until="2099-12-31")
    undefined = [{"id": "1", "name": "Extra"}]
    check = applied(row("r", "none"), exempted=[row_of], undefined=undefined, check_mode=True)
    assert lines(check) == [
        "e: 1 unchanged",
        "e: 'Extra' has no definition",
        "e: 1 exempted violation: 1 until 2099-12-31 (why; open to everything)",
    ]
    assert check.outcome == "unchanged"
    assert "Extra" not in "\n".join(lines(applied(row("r", "none"), undefined=undefined)))


EMPTY = {"runtimes": []}
BROKEN = {"runtimes": [row("R") | {"changes": 5}, row("S", "none")], "msg": "1 updated.", "warnings": ["Careful."]}


@pytest.mark.parametrize(
    "report",
    [environments.applied("e", BROKEN, False), environments.audited("e", {"read": EMPTY, "applied": BROKEN}, {})],
    ids=["applied", "audited"],
)
def test_an_error_in_a_report_hides_nothing(report):
    """What was written, the message of the task and the error are shown."""
    assert report.outcome == "failed"
    first, second, third, warning = lines(report)
    assert first == "e: failed: 1 updated."
    assert second.startswith("e: The report could not be made. A fault in mstr.library: TypeError")
    assert third == f"e: 'R' ({'A' * 32}): updated"
    assert warning == "e: warning: Careful."


def test_a_packed_value_is_the_same():
    report = environment("prod")
    as_json = json.loads(json.dumps(report.to_result()))
    assert environments.unpacked(report.packed()) == environments.from_result(as_json)


SCRIPT = {"name": "Load", "tasks": [{"active": True, "schedule": {"name": "nightly"}}]}


WIDE = runtime(1, "Wide", whitelist=["::/0"])
OLD = runtime(1, "R", runtime_version="3.7.1", scripts=[SCRIPT])


@pytest.mark.parametrize(
    ("reports", "sentence"),
    [
        ([audited(policy=POLICY)], "No problems were found in 1 environment."),
        (
            [audited(name="a", policy=POLICY), audited(name="b")],
            "No problems were found in 2 environments, but no policy was evaluated for b.",
        ),
        (
            [failed("dev"), environment("prod"), audited(WIDE, name="test")],
            "Problems were found: dev failed; 2 runtimes are open to everything; 4 violations; 2 differ from their "
            "definitions.",
        ),
        ([audited(OLD, policy=POLICY)], "Problems were found: 1 script on a schedule with a Python that ends."),
    ],
    ids=["clean", "without a policy", "the worst first", "Python"],
)
def test_one_sentence_concludes_an_audit(reports, sentence):
    assert conclusion(run_of(*reports)) == sentence


def test_what_was_not_reached_is_a_problem():
    assert conclusion(run_of(not_reached=["far"])) == "Problems were found: far could not be reached."


def test_names_stand_below_the_conclusion():
    """With their numbers, deletions first."""
    gone = audited(OLD, name="dev", plan=planned(row("Trial", "deleted")))
    wide = [audited(WIDE, name=name) for name in ("test", "prod")]
    assert [*problem_lines(run_of(gone, *wide))] == [
        "1 runtime would be deleted: 'Trial' in dev",
        "2 runtimes are open to everything: 'Wide' in test, prod",
        "1 differs from its definition: 'Trial' in dev",
        "scripts on a schedule with a Python that ends: 'Load'",
    ]


def test_drift_of_several_environments():
    """By runtime and field, with the environments that have it."""
    differs = row("R", "updated", change("exec_timeout", 60, 600), change("others", "", "x"))
    both = [audited(name=name, plan=planned(differs)) for name in ("dev", "prod")]
    other = audited(name="test", plan=planned(row("r", "created", change("name", None, "r"), id=None)))
    assert drift_of(run_of(*both, other)) == [
        ("R", "differs: exec_timeout 60 → 600", ["dev", "prod"]),
        ("R", "differs: others '' → 'x'", ["dev", "prod"]),
        ("r", "would be created", ["test"]),
    ]


def test_one_sentence_concludes_an_apply():
    changed = applied(row("R"), row("S", "deleted"), name="dev", summary={"updated": 1, "deleted": 1}, check_mode=True)
    same = applied(row("R", "none"), name="prod")
    plan = run_of(changed, same, kind="apply", check_mode=True)
    assert conclusion(plan) == "dev would change: 1 to update, 1 to delete."
    assert conclusion(run_of(same, kind="apply")) == "Everything is as defined."
    assert conclusion(run_of(failed("dev"), kind="apply")) == "Problems were found: dev failed."


def test_columns_of_numbers():
    """Only those with a number; a dash for what nobody counted."""
    reports = environment("prod"), audited(name="dev"), failed("down")
    shown = columns(run_of(*reports))
    assert [*shown][:3] == ["open_networks", "violations", "drift"]
    assert "failed_runs" not in shown
    assert [numbers(each, ["open_networks", "violations"]) for each in reports] == [["1", "4"], ["0", "-"], ["-", "-"]]
