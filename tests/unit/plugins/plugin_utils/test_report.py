from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mstr.library.plugins.filter.environment_report import environment_report
from ansible_collections.mstr.library.plugins.filter.report_file import report_file
from ansible_collections.mstr.library.plugins.module_utils._model.fields import BY_NAME
from ansible_collections.mstr.library.plugins.plugin_utils._reports.environment import environment_report as reported
from ansible_collections.mstr.library.plugins.plugin_utils._reports.inventory import Sources
from unit.support.report import (
    POLICY,
    PYTHON,
    SUFFIXES,
    applied,
    audit_of,
    audited,
    change,
    environment,
    package,
    plan_of,
    row,
    runtime,
    violation,
)

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>&{{ 7*7 }}\u202e\ud800'


class Page(HTMLParser):
    """What a browser would make of a page: its text, and its tags with their attributes."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def test_everything_from_a_server_stays_text():
    text = report_file([audit_of(HOSTILE, HOSTILE), plan_of(HOSTILE)], "x.html", not_reached=[HOSTILE])
    page = Page(text)
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert not [name for name, _value in page.attributes if name.startswith("on")]
    assert page.text.count("<script>alert(1)</script>") > 20
    assert "{{ 7*7 }}" in page.text
    assert text.encode("utf-8")


@pytest.mark.parametrize(
    ("arguments", "expected_message"),
    [
        (([], "x.pdf"), r"'x.pdf' must end in .html, .json, .md or .cdx.json"),
        (([], "html"), "must end in"),
        (([], "x.xml", "apply"), "must end in .html, .json or .md; the suffix decides"),
        (([], "x.xml"), "must end in"),
        (([], "x.cdx.json", "apply"), "only an audit writes a software bill of materials"),
        (([], "x.html", "drift"), "kind must be audit, apply or plan, not 'drift'"),
        (("text", "x.html"), "takes a list of reports"),
    ],
)
def test_what_is_refused(arguments, expected_message):
    with pytest.raises(AnsibleFilterError, match=expected_message):
        report_file(*arguments)


def gone(old, **more):
    """The row of a runtime that a replacement deletes."""
    return row(old["name"], "deleted", id=old["id"], runtime=old, replaced_by=None, **more)


def test_a_runtime_that_would_be_replaced():
    """It is shown as it is, with what an exemption lets the new one have, and not as the one beside it."""
    now = runtime(1, "r")
    new = {**runtime(2, "r"), "runtime_version": "3.12.1", "status": "error"}
    changes = [change(field, now[field], new[field]) for field in ("id", "runtime_version")]
    exempted = violation(new, "3.12.1", "runtime_versions_within", reason="why", until="2099-12-31")
    replaced = row("r", "replaced", *changes, id=new["id"], runtime=new)
    report = applied(replaced, gone(now), check_mode=True, exempted=[exempted])
    [found] = report["inventory"]
    assert (found["id"], found["runtime_version"], len(found["evaluated"])) == (now["id"], PYTHON, 1)
    assert found["problems"] == []
    assert report["runtimes"][0]["definition"]["runtime_version"] == PYTHON, "the definition that goes"


@pytest.mark.parametrize(
    ("held", "new"),
    [
        ({1: "r"}, None),
        ({1: "r", 2: f"r (replaces {1:032X})"}, 2),
        ({1: "old"}, None),
        ({1: "old", 2: "r"}, 2),
    ],
)
def test_an_audit_of_a_replacement(held, new):
    """It is in the inventory once, as the runtime that differs from its definition."""
    runtimes = {number: runtime(number, name) for number, name in held.items()}
    identity = runtimes[new]["id"] if new else None
    changes = [change("id", runtimes[1]["id"], identity)]
    # Where both names exist, only the scripts move.
    changes += [] if held.get(2) == "r" else [change("exec_timeout", 600, 60)]
    rows = [row("r", "replaced", *changes, id=identity), gone(runtimes[1])]
    read = {"runtimes": list(runtimes.values())}
    report = environment_report({"runtimes": rows}, "prod", check_mode=True, read=read, detail=True)
    assert [entry["id"] for entry in report["inventory"] if entry["action"] == "replaced"] == [runtimes[1]["id"]]
    assert len(report["inventory"]) == len(held)


def test_each_deletion_of_a_replacement_has_its_lines():
    """Whether the runtime that has the name stays, or goes together with one that has a previous name."""
    old, new = runtime(1, "old", others="keep"), runtime(2, "r")
    same = {"id": new["id"], "runtime": new}
    stays = [row("r", "replaced", change("id", old["id"], new["id"]), **same), gone(old)]
    changes = [change("id", new["id"], new["id"]), change("exec_timeout", 600, 60)]
    goes = [row("r", "replaced", *changes, **same), gone(new), gone(old)]
    first, second = (
        environment_report({"runtimes": rows, "summary": {"replaced": 1, "deleted": number}}, "p", True, detail=True)
        for number, rows in enumerate((stays, goes), 1)
    )
    assert first["lines"][:2] == ["p: 1 to replace", "p: 'old' would be replaced by 'r'"]
    assert second["lines"][0] == "p: 1 to replace, 1 to delete"
    assert "p: 'old' would be deleted" in second["lines"]
    assert [report["runtimes"][-1]["definition"]["others"] for report in (first, second)] == ["keep", "keep"]
    texts = [report_file([report], "x.md", "apply", check_mode=True) for report in (first, second)]
    assert "**To replace** `old` by `r`" in texts[0]
    assert "**To delete: 1**\n\n- `p`: `old`" in texts[1]
    assert "**To delete** `old`" in texts[1]
    assert [row["action"] for row in first["inventory"]] == ["replaced", "none"]


def test_an_exempted_value_that_no_rule_can_read():
    """It is exempted as any other, and no violation."""
    trial, detail = runtime(1, "r", whitelist=["*"]), "cannot be evaluated: it is not a CIDR block"
    exempted = violation(trial, "*", "networks_never", detail, reason="old server", until="2099-12-31")
    report = audited(trial, exempted=[exempted], policy=POLICY)
    assert (report["outcome"], report["counts"]["violations"], report["counts"]["unreadable"]) == ("clean", 0, 0)
    assert [found["value"] for found in report["exempted"]] == ["*"]


def test_what_could_not_be_read_is_named():
    """The error is a sentence, without what else the server said."""
    error = {"error": {"msg": "The project is not loaded.", "http_status": 500}}
    sales, load = {"id": "P", "name": "Sales"}, {"id": "S", "name": "Load"}
    places = ((sales, None), (sales, load), (None, None))
    report = audited(unread=[{"project": project, "script": script, **error} for project, script in places])
    assert report["lines"][1:] == [
        "e: could not read the scripts of 'Sales': The project is not loaded.",
        "e: could not read the script 'Load' in 'Sales': The project is not loaded.",
        "e: could not read the list of projects: The project is not loaded.",
    ]
    page = Page(report_file([report], "x.html"))
    assert "http_status" not in page.text
    assert "the list of projects: The project is not loaded." in page.text


@pytest.mark.parametrize("form", SUFFIXES)
def test_warnings_are_in_every_format(form):
    """Also where two environments have the same one, and why an apply would be refused."""
    read = {"runtimes": [runtime(1, "R")], "violations": [], "warnings": ["The server stored less."]}
    sources = [Sources(name, None, read=read, refusals=["purge_limit is 0"]) for name in ("dev", "prod")]
    reports = [reported(each, detail=True) for each in sources]
    assert reports[0]["lines"][1:3] == [
        "dev: warning: The server stored less.",
        "dev: an apply would be refused: purge_limit is 0",
    ]
    text = report_file(reports, f"x.{form}")
    assert text.count("The server stored less.") >= 2
    assert text.count("purge_limit is 0") >= 2


@pytest.mark.parametrize(
    "warning", ["Careful.", {"event": {"msg": "Careful."}}, SimpleNamespace(event=SimpleNamespace(msg="Careful."))]
)
def test_a_warning_in_any_form(warning):
    """ansible-core 2.19 and newer may have an object."""
    assert applied(row("r", "none"), warnings=[warning])["lines"] == ["e: 1 unchanged", "e: warning: Careful."]


@pytest.mark.parametrize("form", SUFFIXES)
def test_a_new_field_is_seen_everywhere(form, monkeypatch):
    """A row in the table is enough: drift, definition that goes, and every format."""
    monkeypatch.setitem(BY_NAME, "log_level", BY_NAME["others"]._replace(name="log_level", api="logLevel"))
    new = runtime(1, "R", log_level="debug")
    rows = [
        row("R", "updated", change("log_level", "debug", "trace"), id=new["id"], runtime=new),
        row("S", "deleted", runtime={"log_level": "loud"}),
    ]
    sources = Sources("e", {"runtimes": rows}, check_mode=True, read={"runtimes": [new]})
    report = reported(sources, detail=True)
    assert "e: 'R' differs: log_level 'debug' → 'trace'" in report["lines"]
    assert report["runtimes"][1]["definition"] == {"log_level": "loud"}
    text = html.unescape(re.sub("</?(del|ins|bdi|b)>", "", report_file([report], f"x.{form}")))
    assert "debug" in text
    assert "log_level" in text


def test_a_value_of_another_kind():
    """A server may answer with an object for a number."""
    report = applied(row("R", "updated", change("exec_timeout", {"seconds": 60}, 600)))
    assert report["lines"][1] == "e: 'R' updated: exec_timeout {'seconds': 60} → 600"


@pytest.mark.parametrize("read", [None, {"runtimes": []}])
def test_an_error_in_a_report_hides_nothing(read):
    """What was written, the message of the task and the error are shown."""
    rows = [row("R") | {"changes": 5}, row("S", "none")]
    result = {"runtimes": rows, "summary": {"updated": 1}, "msg": "1 updated.", "warnings": ["Careful."]}
    report = environment_report(result, "e", read=read, detail=True)
    assert report["outcome"] == "failed"
    assert report["lines"][0] == "e: 1 updated."
    assert report["lines"][1].startswith("e: The report could not be made. This is a bug in mstr.library: TypeError")
    assert report["lines"][2:] == [f"e: 'R' ({'A' * 32}) updated"]
    whole = environment_report({**result, "runtimes": []}, "e", read=read, detail=True)
    assert whole.keys() - report.keys() == set()
    for form in SUFFIXES:
        assert "Careful." in report_file([report], f"x.{form}", kind="audit")


def test_each_line_of_an_error_names_its_runtime():
    report = applied(row("R", "failed") | {"error": {"msg": "whitelist is wrong\npackages are wrong"}})
    assert report["lines"][1:] == ["e: 'R' failed: whitelist is wrong", "e: 'R' failed: packages are wrong"]


def test_a_page_has_the_whole_message():
    """Also what it says beside the errors of runtimes, to which the page leads."""
    failed = row("R", "failed") | {"error": {"msg": "x"}}
    report = applied(failed, failed=True, msg="1 failed:\nruntimes[0] 'R': x.\nNothing was purged.")
    assert "Nothing was purged." in report_file([report], "x.html", "apply")


def test_a_page_says_who_tests_a_package():
    """Each package with its runtimes, their scripts and owners."""
    text = " ".join(Page(report_file([environment("prod", 1)], "x.html")).text.split())
    assert "PackageRuntimeScriptOwner pandas 2.2.3Nightly reports Load sales in SalesAda pandas 1.2.3" in text
    assert "PackageRuntime" not in Page(report_file([audited(runtime(1, "R"))], "x.html")).text


@pytest.mark.parametrize(
    ("status", "counted"),
    [("success", "1 on a schedule, no failed run"), ("failed", "1 on a schedule, 1 last run failed")],
)
def test_scripts_and_their_runs_are_counted(status, counted):
    run = {"status": status, "time_triggered": "2026-11-25T07:00:00Z", "message": "Return code: 3."}
    task = {"name": "t", "active": True, "schedule": {"name": "nightly"}, "last_run": run}
    scripts = [{"name": "Load", "tasks": [task], "last_run": None}, {"name": "Close", "tasks": []}]
    report = audited(runtime(1, "R", scripts=scripts))
    assert (
        report["lines"][0]
        == f"e: 1 runtime (without the default one), not evaluated by any policy, 2 scripts, {counted}"
    )
    failed = "e: 'R' the last run of 'Load' failed on 2026-11-25 (server: \"Return code: 3.\")"
    assert (failed in report["lines"]) is (status == "failed")
    assert ("Return code: 3." in html.unescape(report_file([report], "x.html"))) is (status == "failed")


@pytest.mark.parametrize("form", SUFFIXES)
def test_the_code_of_a_smoke_test_is_shown(form):
    """Whoever approves sees every line that will run, on the console, too."""
    lines = ["import pandas", "assert pandas.__version__"]
    report = applied(row("R", "created", smoke_test="\n".join(lines)), check_mode=True)
    assert report["lines"][2:] == [f"e: 'R' smoke test: {line}" for line in lines]
    text = html.unescape(report_file([report], f"x.{form}", "apply", check_mode=True))
    assert [line for line in lines if line not in text] == []


def test_a_review_shows_code_as_it_is():
    """With its indentation, to the end of a long line, and with a mark for each hidden character."""
    code = "if True:\n    x = 1" + " " * 2000 + "# y\u202e"
    report = applied(row("R", "created", smoke_test=code), check_mode=True)
    assert code.replace("\u202e", "\\u202e") in report_file([report], "x.md", "apply", check_mode=True)


def test_texts_of_any_length_are_cut_for_people():
    """On page, in Markdown and in lines, with their length; not in data, and not of what goes or runs."""
    name, text = "n" * 300_000, "t " * 150_000
    scripts = [{"name": name, "project": {"name": "P"}, "owner": {"name": name}}]
    odd = runtime(1, name, description=text, packages=[package(name, "1", "not_installed", text)], scripts=scripts)
    audit = audited(odd, violations=[violation(odd, text, "networks_never", text)])
    code = f"check({'1' * 2000})"
    goes = row("Gone", "deleted", id="B" * 32, runtime=runtime(2, "Gone", description="d" * 30_000))
    tried = row("Tried", "created", change("others", "", text), smoke_test=code)
    plan = applied(goes, tried, check_mode=True)
    for suffix in ("html", "md"):
        pages = [report_file([audit], f"x.{suffix}"), report_file([plan], f"x.{suffix}", "apply", check_mode=True)]
        assert [len(page) < 100_000 for page in pages] == [True, True]
        assert f"{'n' * 229}… (300000 characters)" in pages[0]
        assert f"{'n' * 230}… (300000 characters)" not in pages[0]
        assert code in pages[1]
        assert "d" * 30_000 in pages[1]
    assert max(len(line) for report in (audit, plan) for line in report["lines"]) <= 1000
    assert name in report_file([audit], "x.json")
    assert name in report_file([audit], "x.cdx.json")
