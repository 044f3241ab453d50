"""Environments side by side: what differs from the reference, on the console, in files, and for the gate."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import DEFAULT_RUNTIME_ID
from ansible_collections.mstr.library.plugins.plugin_utils._reports import compare
from ansible_collections.mstr.library.plugins.plugin_utils._reports.environment import environment_report
from ansible_collections.mstr.library.plugins.plugin_utils._reports.formats import whole
from ansible_collections.mstr.library.plugins.plugin_utils._reports.inventory import Sources
from unit.support.report import csv_rows, package, runtime, text_of

FEW = {"resource": {"cpu": "0.50", "mem": 1024.0}, "whitelist": ["192.168.1.1", "10.10.10.0/24"]}


def report_on(name, *runtimes, incomplete=None, previous=None, **read):
    default = {"id": DEFAULT_RUNTIME_ID, "name": f"(Default) of {name}"}
    read = {"runtimes": [{**runtime(9, "", is_default=True), **default}, *runtimes], **read}
    sources = Sources(name, None, read=read, incomplete=incomplete, previous_names=previous or {})
    return environment_report(sources, detail=True)


def failed(name):
    return environment_report(Sources(name, None, read={"failed": True, "msg": "no way in"}), detail=True)


def states(comparison, environment="b"):
    return {
        row["name"]: entry["state"]
        for row in comparison["runtimes"]
        for entry in row["environments"]
        if entry["environment"] == environment
    }


def installed(python, **versions):
    packages = [{"name": name, "version": version, "requires": []} for name, version in versions.items()]
    return {"python": {"version": python}, "packages": packages}


def test_each_state():
    """Spelling, order, ids, dates and the translated name of the default runtime are no difference."""
    a = report_on("a", runtime(1, "Same"), runtime(2, "Other"), runtime(3, "Gone"))
    b = report_on(
        "b", runtime(4, "Same", status="busy", **FEW), runtime(5, "Other", exec_timeout=60), runtime(6, "New")
    )
    comparison = compare.compared([a, b], "a")
    assert comparison["environments"] == ["b"]
    expected = {"Same": "same", "Other": "differs", "Gone": "missing", "New": "more", "(Default) of a": "same"}
    assert states(comparison) == expected
    assert compare.comparison_lines(comparison) == [
        "Compared with a, b has 3 differences",
        "b: 'Gone' is missing; a has it",
        "b: 'New' is not in a",
        "b: 'Other' differs from a: exec_timeout 600 → 60",
    ]


def test_neither_has_it():
    """A runtime of a third environment is no row of one that lacks it, too."""
    comparison = compare.compared([report_on("a"), report_on("b"), report_on("c", runtime(1, "Own"))], "a")
    assert (states(comparison).get("Own"), states(comparison, "c")["Own"]) == (None, "more")


def test_previous_name():
    """A rename that one environment has not had yet is a difference of the name, not two runtimes."""
    a = report_on("a", runtime(1, "New"), previous={"New": ["Old"]})
    comparison = compare.compared([a, report_on("b", runtime(2, "Old"))], "a")
    [row] = [row for row in comparison["runtimes"] if not row["is_default"]]
    assert row["environments"][0]["fields"] == [{"field": "name", "before": "New", "after": "Old"}]
    both = compare.compared([a, report_on("b", runtime(2, "Old"), runtime(3, "New"))], "a")
    assert (states(both)["New"], states(both)["Old"]) == ("same", "more")


def test_what_is_installed():
    """It is compared where both know it."""
    a = report_on("a", runtime(1, "X", installed=installed("3.12.4", pandas="2.2.3", six="1")))
    b = report_on("b", runtime(1, "X", installed=installed("3.12.9", pandas="2.2.2")))
    lines = compare.comparison_lines(compare.compared([a, b], "a"))
    assert lines[1] == "b: 'X' differs from a: installed Python 3.12.4 → 3.12.9, pandas 2.2.3 → 2.2.2, -six 1"
    assert states(compare.compared([a, report_on("b", runtime(1, "X", installed=None))], "a"))["X"] == "same"


def test_two_of_one_name():
    b = report_on("b", runtime(1, "Twin"), runtime(2, "Twin"))
    comparison = compare.compared([report_on("a", runtime(3, "Twin")), b], "a")
    twins = [row["environments"][0]["state"] for row in comparison["runtimes"] if row["name"] == "Twin"]
    assert twins == ["same", "more"]


def test_unfinished_replacement_left_out():
    beside = runtime(2, f"X (replaces {1:032X})")
    b = report_on("b", runtime(1, "X"), beside)
    comparison = compare.compared([report_on("a", runtime(3, "X")), b], "a")
    assert list(states(comparison).values()) == ["same", "same"]


@pytest.mark.parametrize("how", ["failed", "incomplete", "not reached"])
def test_not_compared(how):
    """What nobody could read whole is said, and fails the gate, of the reference for all others."""
    broken = [] if how == "not reached" else [failed("b") if how == "failed" else report_on("b", incomplete="hidden")]
    missed = ["b"] if how == "not reached" else []
    why = {"failed": "it could not be read", "incomplete": "its list of runtimes may be incomplete"}
    reason = why.get(how, "it was not reached")
    reports = [report_on("a"), *broken, report_on("c")]
    comparison = compare.compared(reports, "a", missed)
    assert comparison["not_compared"] == [{"environment": "b", "reason": reason}]
    assert compare.comparison_lines(comparison)[1:] == [f"b is not compared: {reason}"]
    assert list(compare.gate_errors(comparison, ["a", "b", "c"])) == ["b"]
    nothing = compare.compared(reports, "b", missed)
    assert (nothing["error"], nothing["runtimes"]) == (f"Nothing is compared with b: {reason}", [])
    assert list(compare.gate_errors(nothing, ["a", "b", "c"])) == ["a", "c"]


def test_gate_never_fails_the_reference():
    comparison = compare.compared([report_on("a"), report_on("b", runtime(1, "New")), report_on("c")], "a")
    assert compare.gate_errors(comparison, ["a", "b", "c"]) == {"b": "1 difference from a: 'New'"}


def test_most_lines_of_a_kind():
    """With 500 runtimes and many environments."""
    many = [report_on(f"e{number}", *(runtime(each, f"R {each}") for each in range(500))) for number in range(3)]
    lines = compare.comparison_lines(compare.compared([report_on("a"), *many], "a"))
    assert len(lines) == 22
    assert lines[-1] == "And 1480 more like these; mstr_report_dest shows them all."


@pytest.fixture
def report():
    a = report_on("a", *(runtime(each, f"R {each}") for each in range(30)))
    b = report_on("b", runtime(1, "R 0", packages=[package("x")]), runtime(2, "<b>`|=cmd"))
    reports = [a, b, failed("c")]
    return whole(reports, "audit", "2026-11-30T04:15:00+00:00", comparison=compare.compared(reports, "a"))


def test_csv(report):
    rows = csv_rows(text_of(report, "csv"))
    found = [(row["environment"], row["runtime"], row["message"]) for row in rows if row["outcome"] == "difference"]
    assert len(found) == 31
    assert ("b", "R 0", "differs from a: packages -pandas 1.2.3") in found
    messages = [row["message"] for row in rows if row["outcome"] == "comparison"]
    assert messages == ["Compared with a, b has 31 differences", "c is not compared: it could not be read"]


@pytest.mark.parametrize(
    ("suffix", "parts"),
    [
        (
            "md",
            [
                "### Compared with `a`\n\n`Compared with a, b has 31 differences.`",
                "| Runtime | `a` | `b` |\n| --- | --- | --- |\n",
                "| `R 0` | has it | differs: packages |",
                "| ``<b>`¦=cmd`` | - | more |",
            ],
        ),
        (
            "html",
            ["Compared with <bdi>a</bdi>", "31 runtimes differ, 1 is the same", "missing</span>", "&lt;b&gt;`|=cmd"],
        ),
    ],
)
def test_for_people(report, suffix, parts):
    text = text_of(report, suffix)
    assert [part for part in parts if part not in text] == []
    assert ("<b>`|=cmd" in text) is (suffix == "md"), "in a fenced block of Markdown alone"


def test_markdown_is_bounded():
    """500 runtimes that all differ leave room for the findings."""
    a = report_on("a", *(runtime(each, f"A long name of a runtime {each}") for each in range(500)))
    reports = [a, *(report_on(f"environment {number}") for number in range(9))]
    text = text_of(whole(reports, "audit", "now", comparison=compare.compared(reports, "a")), "md")
    assert len(text) <= 60_000
    assert "more runtimes that differ." in text
