"""The reports for reviews and pipelines: Markdown and JUnit."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.mstr.library.plugins.filter.environment_report import environment_report
from ansible_collections.mstr.library.plugins.filter.report_file import report_file
from ansible_collections.mstr.library.tests.unit.support.report import POLICY, environment, failed, runtime, violation

# What means something in Markdown, in HTML or to a forge.
PARTS = [*"|`\n\\\tx\u202e\ud800é ", "\n```\n", "\n````\n", "\n\n", "\r\n\r\n", "    code", "| - |\n|---|\n"]
PARTS += ["```", "</details>", "<!--", "@octocat", "#1", "!2", "[a](http://x)", "![a](x)", "https://x.example"]
PARTS += ["www.x.example", "**b**", "_i_", "~~s~~", "---", "&lt;", "$`x`$", ":smile:", "a@b.example"]
PARTS += ["<img src=x>", "# h", "- l", "1. l", "> q"]


def plan_of(text, name="prod"):
    """The report of a check in which every text that a server or a file may choose is this one."""
    trial = runtime(1, text, description=text, whitelist=[text], packages=[{"name": text, "version": text}])
    script = {"name": text, "project": {"name": text}, "tasks": [{"active": True, "schedule": {"name": text}}]}
    changes = [
        {"field": "description", "before": "x", "after": text},
        {"field": "whitelist", "before": [text], "after": ["10.0.0.0/8"]},
        {"field": "packages", "before": [{"name": text, "version": "1"}], "after": [{"name": text, "version": text}]},
        {"field": "resource", "before": {"cpu": text}, "after": {"cpu": 1}},
    ]
    common = {"name": text, "id": trial["id"], "runtime": trial, "changes": changes, "error": None}
    entries = [{**common, "action": action} for action in ("updated", "created")]
    entries += [{**common, "action": action, "scripts": [script]} for action in ("deleted", "replaced")]
    entries += [{**common, "action": action, "error": {"msg": text or "x"}} for action in ("failed", "unknown")]
    row = violation(trial, text, "networks_within", text, reason=text, until="2099-12-31")
    applied = {"failed": True, "msg": text, "runtimes": entries, "summary": {"deleted": 1}, "plan_id": "a" * 24}
    named = {"name": text}
    moved = {**named, "project": named, "action": "moved", "before": named, "after": named}
    return environment_report({**applied, "exempted": [row], "scripts": [moved]}, name, check_mode=True, detail=True)


def audit_of(text):
    """The report of an audit in which every text is this one."""
    trial = runtime(
        1, text, whitelist=[text], status="error", scripts=[{"name": text, "last_run": {"status": "failed"}}]
    )
    read = {
        "runtimes": [trial],
        "violations": [violation(trial, text, text, text)],
        "exempted": [violation(trial, text, text, text, reason=text, until=text)],
        "not_evaluated": [violation(trial, text, text, text)],
        "dangling": [{"name": text, "runtime": {"id": text}}],
    }
    return environment_report(None, "prod", read=read, policy=POLICY, detail=True)


FOLDS = {
    "</details>",
    "<details><summary>The definition that goes</summary>",
    "<details><summary>What changes</summary>",
}


def test_every_text_is_data_in_markdown():
    """A parser of CommonMark with tables finds every foreign text in a code span or in a fenced block."""
    markdown_it = pytest.importorskip("markdown_it")
    hypothesis = pytest.importorskip("hypothesis")
    some = hypothesis.strategies
    texts = some.lists(some.one_of(some.sampled_from(PARTS), some.text(max_size=8)), max_size=6).map("".join)
    parser = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])

    def outside(written):
        """What is not in code: the kinds of the parts, and their text."""
        tokens = parser.parse(written)
        assert {token.content.strip() for token in tokens if token.type == "html_block"} <= FOLDS
        inner = [inner for token in tokens for inner in token.children or [token]]
        others = [token for token in inner if token.type not in ("fence", "code_inline", "html_block")]
        return [(token.type, re.sub("[0-9]+", "N", token.content)) for token in others]

    plain = [outside(report_file(*given, check_mode=True)) for given in reports_of("x")]

    @hypothesis.given(texts)
    @hypothesis.settings(max_examples=60, deadline=None)
    def check(text):
        for given, expected in zip(reports_of(f"x{text}MARK\n{text}MARK"), plain):
            found = outside(report_file(*given, check_mode=True))
            assert [part for part in found if "MARK" in part[1]] == []
            assert {kind for kind, _text in found} <= {kind for kind, _text in expected}
            assert {text for _kind, text in found} <= {text for _kind, text in expected} | {""}

    check()


def reports_of(text):
    return [([plan_of(text)], "x.md", "apply"), ([audit_of(text)], "x.md", "audit")]


def test_a_plan_as_markdown():
    trial = runtime(1, "Trial", whitelist=["10.0.0.0/8"])
    entries = [
        {
            "name": "Nightly",
            "id": "1",
            "action": "updated",
            "changes": [
                {"field": "whitelist", "before": ["10.1.0.0/16"], "after": ["10.2.0.0/16"]},
                {"field": "exec_timeout", "before": 60, "after": 600},
            ],
        },
        {
            "name": "Trial",
            "id": "2",
            "action": "deleted",
            "changes": [],
            "runtime": trial,
            "scripts": [{"name": "Load"}],
        },
    ]
    applied = {"runtimes": entries, "summary": {"updated": 1, "deleted": 1, "unchanged": 7}, "plan_id": "a" * 24}
    report = environment_report(applied, "prod", check_mode=True, detail=True)
    text = report_file([report], "x.md", "apply", check_mode=True, not_reached=["dev"])
    assert [line for line in text.splitlines() if line.startswith(("|", "**", "#", "-", "+"))] == [
        "## Plan",
        "| Environment | Outcome | To update | To delete | Unchanged | Plan |",
        "| --- | --- | ---: | ---: | ---: | --- |",
        f"| `prod` | Drift | 1 | 1 | 7 | `{'a' * 24}` |",
        "| `dev` | Not reached | - | - | - | - |",
        "**To delete: 1**",
        "- `prod`: `Trial`",
        "### `prod`",
        "**To delete** `Trial`: `used by 1 script: 'Load'`",
        "- whitelist 10.0.0.0/8",
        "- packages pandas 1.2.3",
        "- packages x 1.2.3",
        "- resource cpu 0.5",
        "- resource mem 1024",
        "- exec_timeout 600",
        "- max_cached_instances 3",
        "- runtime_version 3.10.5",
        "**To update** `Nightly`",
        "+ 10.2.0.0/16",
        "- 10.1.0.0/16",
        "- 60",
        "+ 600",
    ]


def test_markdown_is_cut_but_keeps_the_names_of_what_goes():
    long = "n" * 240
    entries = [
        {
            "name": f"{number:04}{long}",
            "id": str(number),
            "action": "deleted" if number % 2 else "updated",
            "runtime": runtime(number, "x"),
            "changes": [] if number % 2 else [{"field": "description", "before": "a" * 500, "after": "b" * 500}],
        }
        for number in range(1000)
    ]
    reports = [
        environment_report({"runtimes": entries, "summary": {"deleted": 500}}, f"prod-{number}", True, detail=True)
        for number in range(2)
    ]
    text = report_file(reports, "x.md", "apply", check_mode=True)
    assert len(text) <= 60_000
    for number in range(1, 1000, 2):
        assert text.count(f"`{number:04}n") >= 2, "in both environments"
    found = re.search(r"Left out here, because the text would be too long:\*\* (.+)\. A", text)
    cut = dict(reversed(part.split(" ", 1)) for part in found[1].split(", "))
    shown = text.count("**To update**"), text.count("**To delete** ")
    assert [int(cut["updates"]), int(cut["details of deletions"])] == [1000 - shown[0], 1000 - shown[1]]


def junit_of(*arguments, **options):
    return ET.fromstring(report_file(*arguments, **options))


def outcomes(suites):
    return {
        (suite.get("name"), case.get("name")): [part.tag for part in case]
        for suite in suites
        for case in suite.iter("testcase")
    }


def test_an_audit_as_junit():
    suites = junit_of([environment("prod", 1), failed("dev")], "x.junit.xml", not_reached=["test"])
    assert outcomes(suites) == {
        ("prod", "unused exemptions"): ["skipped"],
        ("prod", "look-ups that failed"): ["skipped"],
        ("prod", "<script>alert(1)</script>"): ["failure"],
        ("prod", "Forecasts"): ["failure"],
        ("prod", "Nightly reports"): ["failure"],
        ("prod", "(Default) MicroStrategy"): ["skipped"],
        ("prod", "Runtime 000"): [],
        ("dev", "environment"): ["error"],
        ("test", "environment"): ["error"],
    }
    assert [suites.get(key) for key in ("tests", "failures", "errors")] == ["9", "3", "2"]
    [prod] = suites.findall("testsuite[@name='prod']")
    assert [prod.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["7", "3", "0", "3"]
    nightly = prod.find("testcase[@name='Nightly reports']/failure")
    assert nightly.get("message").startswith("'Nightly reports' differs")
    assert "whitelist 0.0.0.0/0 violates networks_within and networks_never" in nightly.text
    assert "exempted until" in nightly.text
    default = prod.find("testcase[@name='(Default) MicroStrategy']/skipped").get("message")
    assert "exempted until 2099-12-31 (nobody uses it)" in default


def test_junit_without_a_policy_is_skipped_and_not_passed():
    report = environment_report(None, "prod", read={"runtimes": [runtime(1, "R")]}, detail=True)
    assert outcomes(junit_of([report], "x.junit.xml")) == {("prod", "R"): ["skipped"]}


@pytest.mark.parametrize("text", ["<a>&\"'", "\x00\x0b\x1b[31m", "\ud800", "\ufffe", "]]>", "é\n☃"])
def test_any_text_is_valid_in_junit(text):
    for report, kind in ((audit_of(text), "audit"), (plan_of(text), "apply")):
        suites = junit_of([report], "x.junit.xml", kind, check_mode=True)
        assert len(suites) == 1


# What Jenkins, whose schema is the strictest, allows in each element.
ALLOWED = {
    "testsuites": ({"name", "tests", "failures", "errors", "time"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped", "time", "timestamp"}, {"testcase"}),
    "testcase": ({"name", "classname", "time"}, {"failure", "error", "skipped", "system-out"}),
    "failure": ({"message", "type"}, set()),
    "error": ({"message", "type"}, set()),
    "skipped": ({"message"}, set()),
    "system-out": (set(), set()),
}


def test_junit_has_the_form_that_pipelines_read():
    for kind, reports in (("audit", [environment("prod"), audit_of("x")]), ("apply", [plan_of("x")])):
        for element in junit_of(reports, "x.junit.xml", kind, check_mode=True).iter():
            attributes, children = ALLOWED[element.tag]
            assert set(element.attrib) <= attributes
            assert {child.tag for child in element} <= children
            assert not element.get("timestamp") or re.fullmatch(
                r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", element.get("timestamp")
            )
