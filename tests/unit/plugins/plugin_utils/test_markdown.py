"""The report as Markdown, and the lines that say what changed."""

from __future__ import annotations

import re

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils._reports.differences import difference_lines
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.support.report import applied, audit_of, change, plan_of, row, runtime, text_of

# What means something in Markdown, in HTML or to a forge.
PARTS = [*"|`\n\\\tx\u202e\ud800é ", "\n```\n", "\n````\n", "\n\n", "\r\n\r\n", "    code", "| - |\n|---|\n"]
PARTS += ["```", "</details>", "<!--", "@octocat", "#1", "!2", "[a](http://x)", "![a](x)", "https://x.example"]
PARTS += ["www.x.example", "**b**", "_i_", "~~s~~", "---", "&lt;", "$`x`$", ":smile:", "a@b.example"]
PARTS += ["<img src=x>", "# h", "- l", "1. l", "> q"]
NET = "10.1.0.0/16"
PANDAS, REQUESTS = {"name": "pandas", "version": "2.2.3"}, {"name": "requests", "version": "2.32.3"}
SUMMARIES = ("The definition that goes", "What changes")
FOLDS = {"</details>", *(f"<details><summary>{text}</summary>" for text in SUMMARIES)}


@pytest.fixture(scope="module")
def outside():
    """Finds in Markdown what is not in code: the kinds of the parts, and their text."""
    markdown_it = pytest.importorskip("markdown_it")
    parser = markdown_it.MarkdownIt("commonmark").enable(["table", "strikethrough"])

    def parts_outside(report, kind):
        tokens = parser.parse(text_of(report, suffix="md", kind=kind, check_mode=True))
        assert {token.content.strip() for token in tokens if token.type == "html_block"} <= FOLDS
        inner = [inner for token in tokens for inner in token.children or [token]]
        others = [token for token in inner if token.type not in ("fence", "code_inline", "html_block")]
        return [(token.type, re.sub("[0-9]+", "N", token.content)) for token in others]

    return parts_outside


@pytest.mark.parametrize(("report_of", "kind"), [(plan_of, "apply"), (audit_of, "audit")])
@settings(max_examples=40)
@given(text=st.lists(st.sampled_from(PARTS) | st.text(max_size=8), max_size=6).map("".join))
def test_every_text_is_data_in_markdown(outside, report_of, kind, text):
    """A parser of CommonMark with tables finds every foreign text in a code span or in a fenced block."""
    found, plain = (outside(report_of(text), kind) for text in (f"x{text}MARK\n{text}MARK", "x"))
    assert [part for part in found if "MARK" in part[1]] == []
    assert {part for part, _text in found} <= {part for part, _text in plain}
    assert {text for _part, text in found} <= {text for _part, text in plain} | {""}


def test_an_entry_that_failed_as_markdown():
    """Nothing was done to it, but its title is not "None"."""
    two = row("Two", "none", id=None) | {"error": {"msg": "two runtimes have this name"}}
    text = text_of(applied(two), suffix="md", kind="apply", check_mode=True)
    assert "**Failed** `Two`" in text
    assert "None" not in text


def test_a_plan_as_markdown():
    changes = [change("whitelist", ["10.1.0.0/16"], ["10.2.0.0/16"]), change("exec_timeout", 60, 600)]
    trial = runtime(1, "Trial", whitelist=["10.0.0.0/8"])
    rows = [row("Nightly", "updated", *changes), row("Trial", "deleted", runtime=trial)]
    summary = {"updated": 1, "deleted": 1, "unchanged": 7}
    report = applied(*rows, name="prod", check_mode=True, summary=summary, plan_id="a" * 24)
    text = text_of(report, suffix="md", kind="apply", check_mode=True, not_reached=["dev"])
    assert [line for line in text.splitlines() if line.startswith(("|", "**", "#"))] == [
        "## Plan",
        "| Environment | Outcome | To update | To delete | Unchanged | Plan |",
        "| --- | --- | ---: | ---: | ---: | --- |",
        f"| `prod` | Changes | 1 | 1 | 7 | `{'a' * 24}` |",
        "| `dev` | Not reached | - | - | - | - |",
        "**To delete: 1**",
        "### `prod`",
        "**To delete** `Trial`",
        "**To update** `Nightly`",
    ]
    goes = "- packages x 1.2.3\n- resource cpu 0.5\n- resource mem 1024\n- exec_timeout 600\n"
    parts = ["- `prod: Trial`", "- whitelist 10.0.0.0/8\n- packages pandas 1.2.3\n", goes]
    parts += ["+ 10.2.0.0/16\n- 10.1.0.0/16\n", "- 60\n+ 600\n"]
    assert [part for part in parts if part not in text] == []


def test_a_cut():
    """The text stays short enough for a comment, and says how much of what was left out."""
    long = "n" * 240
    updated = [row(f"u{number}{long}", "updated", change("others", "", long)) for number in range(200)]
    deleted = [row(f"d{number}{long}", "deleted", runtime=runtime(1, "x")) for number in range(300)]
    text = text_of(applied(*updated, *deleted, check_mode=True), suffix="md", kind="apply", check_mode=True)
    assert len(text) <= 60_000
    assert "**To delete: 300**" in text
    found = re.search(r"Left out here, because the text would be too long:\*\* (.+)\. A", text)
    cut = dict(reversed(part.split(" ", 1)) for part in found[1].split(", "))
    shown = text.count("\n- `e: d"), text.count("**To delete** "), text.count("**To update** ")
    assert 0 < shown[0] < 300
    left_out = tuple(int(cut[what]) for what in ("deletions", "details of deletions", "updates"))
    assert left_out == (300 - shown[0], 300 - shown[1], 200 - shown[2])


def test_long_failure_leaves_room_for_others():
    """A long message of one environment hides neither what failed there nor the changes of the next one."""
    error = {"message": f"The server refused it. {'x' * 200}"}
    failures = [row(f"f{number}", "none", error=error) for number in range(400)]
    message = "\n".join(f"{each['name']}: {error['message']}" for each in failures)
    failed = applied(*failures, name="a", failed=True, msg=message)
    late = applied(row("late", "updated", change("others", "", "y")), name="b")
    text = text_of(failed, late, suffix="md", kind="apply")
    assert "and 350 more lines" in text
    assert "f0" in text
    assert "late" in text


@pytest.mark.parametrize(
    ("field", "before", "after", "expected_line"),
    [
        ("whitelist", ["10.0.3.0/24", NET], [NET, "10.2.0.0/16"], "whitelist +10.2.0.0/16 -10.0.3.0/24"),
        ("whitelist", [NET], [], "whitelist -10.1.0.0/16"),
        ("packages", [REQUESTS], [{"name": "requests", "version": "2.32.4"}], "packages requests 2.32.3 → 2.32.4"),
        ("packages", [REQUESTS], [PANDAS], "packages +pandas 2.2.3 -requests 2.32.3"),
        ("packages", [{"name": "A_b"}], [{"name": "a-b", "description": "x"}], "packages a-b description '' → 'x'"),
        ("resource", {"cpu": 0.5, "mem": 512}, {"cpu": 0.5, "mem": 1024}, "resource mem 512 → 1024"),
        ("resource", None, {"mem": 512}, "resource mem (not set) → 512"),
        ("exec_timeout", None, 60, "exec_timeout (not set) → 60"),
        ("others", "", "ä", "others '' → 'ä'"),
        ("whitelist", ["b", "a"], ["a", "b"], "whitelist b, a → a, b"),
    ],
)
def test_a_line_says_what_changed(field, before, after, expected_line):
    assert list(difference_lines(field, before, after)) == [expected_line]


def test_a_long_change():
    """It has every network, because somebody approves it, in several lines."""
    networks = [f"10.{number}.0.0/16" for number in range(100)]
    lines = list(difference_lines("whitelist", [], networks))
    assert [word for line in lines for word in line.split()[1:]] == [f"+{network}" for network in networks]
    assert max(map(len, lines)) < 1000
    assert list(difference_lines("description", "", "a\nb")) == ["description '' → 'a b'"]
