"""The report at the end of a run, from the results of its hosts."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks.final_report import (
    FinishedRun,
    report_on,
    result_of,
)
from ansible_collections.mstr.library.plugins.plugin_utils._reports import environment as environments
from ansible_collections.mstr.library.plugins.plugin_utils._reports import formats

SUMMARY = {"created": 0, "updated": 0, "deleted": 0, "unchanged": 1, "failed": 0}
NOW = "2026-11-27T04:15:00+00:00"


DONE = {"failed": False, "summary": SUMMARY, "plan_id": "x", "runtimes": []}


def applied(host, *, error=None, server=None, done=DONE, **more):
    """The result of a host whose runtimes are unchanged, or whose task failed."""
    report = environments.applied(host, {"failed": True, "msg": error} if error else done, True)
    return {"run": "1", "error": error, "report": report._replace(server=server).packed(), **more}


def made(results, playbook="apply", **more):
    """The report, with its `files`: the text of each by its path."""
    files = {}
    run = FinishedRun(playbook, results, NOW, **more)
    report = report_on(run, lambda path, parts, private: files.update({path: "".join(parts)}))
    return SimpleNamespace(**report._asdict(), files=files)


def test_every_environment_is_reported():
    results = {"a": applied("a"), "b": applied("b", error="It is down."), "d": None}
    found = made(results, check_mode=True, report_paths=["r.json"], plan_path="p.json")
    not_reached = "not reached: no task of it ran; the output above says why"
    assert found.lines == [
        f"d: {not_reached}",
        "b: failed: It is down.",
        "a: 1 unchanged",
        "Report: r.json",
        "Plan: p.json",
        "To apply exactly this plan: the same command without --check, with -e mstr_plan_src=p.json in place of "
        "mstr_plan_dest",
    ]
    assert json.loads(found.files["r.json"])["not_reached"] == ["d"]
    in_a_folder_with_a_space = made(results, plan_path="/a b/p.json").lines[-1]
    assert """with -e '{"mstr_plan_src": "/a b/p.json"}' in place""" in in_a_folder_with_a_space
    plan = {entry["environment"]: entry for entry in json.loads(found.files["p.json"])["environments"]}
    assert (list(plan), plan["d"]["message"]) == (["a", "b", "d"], f"it was {not_reached}")
    assert list(found.plan_ids) == ["a"], "nobody can approve what is not known"
    assert found.errors == {"b": "It is down."}


def test_deletions_of_all_environments_come_first():
    """In one block, after what failed."""
    gone = {"name": "Old", "id": "1", "action": "deleted", "changes": [], "runtime": {}, "error": None}
    done = {**DONE, "summary": {**SUMMARY, "deleted": 1}, "runtimes": [gone]}
    results = {"z": applied("z", error="It is down."), "a": applied("a", done=done), "b": applied("b", done=done)}
    found = made(results, check_mode=True).lines
    assert found[:3] == ["z: failed: It is down.", "a: 'Old' would be deleted", "b: 'Old' would be deleted"]
    assert [line.partition(",")[0] for line in found[3:]] == ["a: 1 to delete", "b: 1 to delete"]


@pytest.mark.parametrize(("server", "handed_on"), [("https://a/L", "x on https://a/L"), (None, "x")])
def test_a_plan_is_handed_on_with_its_server(server, handed_on):
    assert made({"a": applied("a", server=server)}, check_mode=True).plan_ids == {"a": handed_on}


def test_a_file_that_cannot_be_made(monkeypatch):
    """The other files are there, and people see the lines and the error."""
    monkeypatch.setattr(formats, "parts", lambda report, suffix: ["{}"] if suffix == "json" else report["bug"])
    found = made({"a": applied("a")}, report_paths=["r.json", "r.md"])
    assert list(found.files) == ["r.json"]
    assert found.lines[:2] == ["a: 1 unchanged", "Report: r.json"]
    assert found.lines[-1].startswith("r.md was not written. A fault in mstr.library: TypeError")
    assert found.errors == {"a": found.lines[-1]}


def test_a_file_that_cannot_be_written():
    def write(path, text, private):
        raise OSError(36, "File name too long")

    report = report_on(FinishedRun("apply", {"a": applied("a")}, NOW, report_paths=["r.json"]), write)
    why = "r.json could not be written: File name too long. A file that was there is unchanged."
    assert (report.lines, report.errors) == (["a: 1 unchanged", why], {"a": why})


def test_tags_that_leave_the_work_out():
    why = "not reached: nothing was applied, because --tags or --skip-tags left the work out"
    assert made({"a": None}, left_out=True).lines == [f"a: {why}"]
    assert "no task of it ran" in made({"a": applied("a"), "b": None}, left_out=True).lines[0]


def test_at_most_twenty_errors_of_an_environment():
    many = made({"a": applied("a", error="\n".join("x" * 30))})
    assert many.errors["a"].splitlines()[19:] == ["x", "and 10 more errors; the results have them all"]


BACK = "To go back: mstr.library.apply with --limit"


def test_the_way_back_is_the_end_of_an_apply():
    """One sentence for all environments whose files differ by their names alone, and one for each other."""
    dests = {"a": "/bk/a.yml", "b-1": "/bk/b-1.yml", "c": "/bk/c.20261127T041500Z.yml", "d": "/other place/d.yml"}
    results = {host: applied(host, changed=True, backup=dest) for host, dest in dests.items()}
    results["e"] = applied("e", backup=None)
    assert made(results).lines[5:] == [
        *(f"Backup of {host}: {dest}" for host, dest in dests.items()),
        f"{BACK} a,b-1 -e 'mstr_runtimes_src=/bk/{{{{ inventory_hostname }}}}.yml'",
        f"{BACK} c -e mstr_runtimes_src=/bk/c.20261127T041500Z.yml",
        f"""{BACK} d -e '{{"mstr_runtimes_src": "/other place/d.yml"}}'""",
        "In a launch of AWX, name one backup, with its host as the limit: {{ }} is not rendered there.",
        "The next apply of the definitions undoes that. What this run created stays.",
    ]


def test_run_that_may_have_written():
    """It is named with its backup, and goes back like those that did."""
    lines = made({"b": applied("b", error="It was killed.", changed=False, backup="/bk/b.yml")}).lines
    may = lines.index("b may have been written, because its task did not say what it did.")
    assert lines[may + 1 : may + 3] == ["Backup of b: /bk/b.yml", f"{BACK} b -e mstr_runtimes_src=/bk/b.yml"]


def test_run_without_a_backup():
    results = {"a": applied("a", changed=True), "b": applied("b", changed=True, backup="/bk/b.yml")}
    assert "There is no backup of a, because mstr_runtimes_backup_dest is not set." in made(results).lines
    assert "backup" not in str(made(results, check_mode=True).lines)


def test_where_the_files_are():
    results = {"a": {"run": "1", "error": None, "msg": "2 runtimes written to /x/a.yml", "dest": "/x/a.yml"}}
    found = made({**results, "b": {"run": "1", "error": "One.\nTwo.", "msg": ""}}, "export")
    assert found.lines == ["a: 2 runtimes written to /x/a.yml", "b: failed: One.", "b: failed: Two."]
    assert (found.files, found.plan_ids) == ({}, {})


@pytest.mark.parametrize("result", [None, {"run": "0", "error": None}, {"changed": True}])
def test_the_result_of_an_earlier_run(result):
    assert result_of("a", result, "1") is None


def test_a_task_that_could_not_start():
    found = result_of("a", {"failed": True, "msg": "'nowhere' is undefined"}, "1")
    assert made({"a": found}).lines == ["a: failed: 'nowhere' is undefined"]
    names = [f"r.{suffix}" for suffix in formats.FORMATS]
    assert all(made({"a": found}, "audit", report_paths=[name]).files[name] for name in names)
    assert result_of("a", {"run": "1", "error": None}, "1") == {"run": "1", "error": None}
