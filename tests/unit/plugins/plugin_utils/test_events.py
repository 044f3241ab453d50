"""What somebody sees on the page of AWX who approves a plan, and what can be copied from there."""

from __future__ import annotations

import base64
from collections import Counter

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils._reports.environment import environment_report
from ansible_collections.mstr.library.plugins.plugin_utils._reports.events import approval_texts, copyable_texts
from ansible_collections.mstr.library.plugins.plugin_utils._reports.inventory import Sources

PAGE = "The artifact mstr_report_page of this job"


def entry(name, action, **more):
    changes = [{"field": "exec_timeout", "before": None if action == "created" else 5, "after": 900}]
    return {"name": name, "id": None, "action": action, "changes": [] if action == "deleted" else changes, **more}


def report(*entries, environment="eu", read=None):
    counts = {"created": 0, "updated": 0, "deleted": 0, **Counter(entry["action"] for entry in entries)}
    applied = {"runtimes": list(entries), "summary": counts, "plan_id": "0" * 24}
    policy = {"networks_never": ["10.66.0.0/16"]} if read else {}
    return environment_report(Sources(environment, applied, check_mode=True, read=read, policy=policy))


def shown(text, host="eu"):
    """An item of a loop as Ansible shows it on a terminal, with colours and the line ends of a terminal."""
    lines = f"changed: [{host}] => (item=\n{text}\n)".split("\n")
    return "\r\n".join(f"\x1b[0;33m{line}\x1b[0m" for line in lines)


def texts_of(*reports):
    texts = approval_texts(reports, True, PAGE)
    longest = max((report["environment"] for report in reports), key=len)
    assert all(len(shown(text, longest).encode()) <= 1000 for text in texts)
    return texts


SURPLUS = {"name": "Surplus", "whitelist": ["10.1.0.0/16"], "exec_timeout": 600, "status": "ready", "description": ""}


def test_deletion_shown_before_forty_creations():
    created = [entry(f"New {number}", "created") for number in range(40)]
    gone = entry("Surplus", "deleted", runtime=SURPLUS)
    texts = texts_of(report(*created, gone))
    assert texts[0] == f"eu: 40 to create, 1 to delete\n{len(texts) - 1} more texts with all details below"
    assert texts[1].splitlines() == [
        "eu: 'Surplus' would be deleted",
        '  whitelist: ["10.1.0.0/16"]',
        "  exec_timeout: 600",
    ]
    assert "\n".join(texts[2:]).count("would be created") == 40
    assert "Surplus" not in "\n".join(texts[2:])


def test_warnings_and_code_are_never_cut():
    """Somebody who reads nothing but the page approves what would run, and what is not carried over."""
    code = "import os\n" + "\n".join(f"print('line {number} of the test', \x1b[2J)" for number in range(200))
    warnings = [f"The owner of runtime {number} is not carried over. {'x' * 2000}" for number in range(60)]
    others = [entry(f"Other {number}", "created") for number in range(2000)]
    made = report(entry("New", "created", smoke_test=code), *others)
    made["warnings"] = warnings
    texts = "\n".join(texts_of(made))
    assert [number for number in range(200) if f"'line {number} of the test', \\x1b[2J)" not in texts] == []
    assert texts.count("x" * 300) >= 60
    assert texts.index("is not carried over") < texts.index("eu: 'New' runs this smoke test:")
    assert texts.count("import os") == 1
    assert texts.index("import os") < texts.index("would be created")
    assert [number for number in range(2000) if f"'Other {number}' would be created" not in texts] == []


def test_every_deletion_is_complete():
    """However many there are, and however long; a continued one repeats its title."""
    networks = [f"10.{number}.0.0/16" for number in range(250)]
    gone = [entry(f"Surplus {number}", "deleted", runtime={"whitelist": networks}) for number in range(60)]
    texts = texts_of(*(report(*gone, environment=name) for name in ("eu", "a-host-with-a-long-name." * 4)))
    for number in range(60):
        shown = "".join(text for text in texts if text.startswith(f"eu: 'Surplus {number}' "))
        assert [network for network in networks if f'"{network}"' not in shown] == []
    assert not [text for text in texts if "more lines" in text]


def test_updates_come_before_creations():
    """Of an audit, fifty texts are enough."""
    rows = [entry(f"{action} {n:03} {'x' * 200}", action) for n in range(300) for action in ("created", "updated")]
    texts = texts_of(report(*rows, read={"runtimes": []}))
    lines = [line for text in texts[1:-1] for line in text.splitlines()]
    assert len(texts) == 51
    assert "differs" in lines[0]
    order = ["would be created" in line for line in lines]
    assert order == sorted(order)
    assert texts[-1] == f"{600 - len(lines)} more lines are not shown here. {PAGE} has all of them."


def test_every_value_of_forty_five_creations():
    """And all that changes; also a runtime that is longer than a text, and a value longer than a line elsewhere."""

    def row(name, action, before=None, **values):
        changes = [{"field": field, "before": before, "after": value} for field, value in values.items()]
        return {**entry(name, action), "changes": changes}

    packages = [{"name": f"package-{number}", "version": "1.0"} for number in range(60)]
    rows = [row(f"New {n}", "created", whitelist=[f"10.{n}.0.0/16"]) for n in range(45)]
    rows += [row("Large", "created", packages=packages, resource={"cpu": 4.0, "mem": 8192})]
    rows += [row("Wide", "updated", [], whitelist=[f"10.0.{n}.0/24" for n in range(99)], description="x" * 99)]
    texts = texts_of(report(*rows))
    assert texts[0].splitlines()[1] == f"{len(texts) - 1} more texts with all details below"
    shown = "\n".join(texts)
    values = [*(f'["10.{n}.0.0/16"]' for n in range(45)), *(f"+10.0.{n}.0/24" for n in range(99)), "x" * 99, "8192"]
    assert [value for value in [*values, *(f'"package-{n}"' for n in range(60))] if value not in shown] == []
    [wide, *_, large] = [text for text in texts if text.startswith(("eu: 'Wide'", "eu: 'Large'"))]
    assert (large.startswith("eu: 'Large' (continued)\n"), texts.index(wide)) == (True, 1)


def test_failed_environment_has_message():
    failed = report()
    failed |= {"outcome": "failed", "lines": ["eu: failed: first", "eu: second"]}
    assert texts_of(failed, report(environment="us")) == [
        "eu: failed: first\nus: no runtimes\n1 more text with all details below",
        "eu: second",
    ]


def test_findings_of_an_audit():
    violation = {"name": "Open", "id": "A", "rule": "networks_never", "option": "whitelist", "value": "10.66.0.0/16"}
    read = {"runtimes": [{"name": "Open", "id": "A", "is_default": False, "packages": []}]}
    read["violations"] = [{**violation, "detail": "overlaps 10.66.0.0/16"}]
    gone = entry("Surplus", "deleted", runtime=SURPLUS)
    joined = "\n".join(texts_of(report(gone, entry("New", "created"), read=read)))
    places = [joined.index(word) for word in ("eu: 1 runtime", "'Surplus' would be deleted", "10.66", "'New' would be")]
    assert places == sorted(places)


FILE = "---\nruntimes:\n  - name: Nightly\n    description: {}\n"


@pytest.mark.parametrize(
    ("description", "encoded"),
    [
        ("Ü nightly, with 'quotes' and a : colon", False),
        (r"'C:\temp\new'", True),
        (r"""'line one\nline two'""", True),
        ("'trailing blank '  ", True),
        ("a\u00a0blank", True),
        ("x" * 2000, True),
    ],
)
def test_what_is_copied_is_the_file(description, encoded):
    """Joined parts are the file, or its Base64, which neither a cut nor the download changes."""
    text = FILE.format(description) + "".join(f"  - name: Runtime {number}\n" for number in range(200))
    parts = copyable_texts(text, "prod-eu")
    assert len(parts) > 1
    assert all(len(shown(part, "prod-eu").encode()) <= 1000 for part in parts)
    copied = "\n".join(parts) + "\n"
    assert ("\\" in copied, ":" in copied) == (False, not encoded)
    assert (base64.b64decode(copied).decode() if encoded else copied) == text
