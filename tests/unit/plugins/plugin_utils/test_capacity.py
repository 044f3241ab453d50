"""What the runtimes of an environment hold, and on which of them no script was found."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils._reports import capacity
from ansible_collections.mstr.library.plugins.plugin_utils._reports.formats import whole
from unit.support.report import audited, runtime, text_of

DAYS = (datetime.now(timezone.utc) - timedelta(days=412)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
HOLDS = {"resource": {"cpu": 0.2, "mem": 512}, "min_cached_instances": 3, "max_cached_instances": 6}
SCRIPT = {"name": "Load", "project": {"name": "Sales"}}
LINE = "no script that this user can read uses 1 runtime: 'Trial' (unchanged for 412 days, holds 0.6 CPU and 1536 MB)"


def report_on(**read):
    used, default = runtime(2, "Used", scripts=[SCRIPT]), runtime(3, "(Default)", is_default=True, scripts=[])
    beside = runtime(4, f"Used (replaces {2:032X})", scripts=[])
    trial = runtime(1, "Trial", scripts=[], date_modified=DAYS, **HOLDS)
    return audited(trial, used, default, beside, **{"knows_scripts": True, **read})


def test_runtime_without_a_script():
    """The default one and an unfinished replacement are not listed, and no outcome changes."""
    report = report_on()
    [row] = report["unused_runtimes"]
    assert row == {"name": "Trial", "id": f"{1:032X}", "days_unchanged": 412, "cpu": 0.6, "mem": 1536}
    assert report["counts"]["unused_runtimes"] == 1
    assert f"e: {LINE}" in report["lines"]
    assert "1 has no script that this user can read" in report["lines"][0]
    text = text_of(whole([report], "audit", "now"), "html")
    assert "1 runtime with no script that this user can read" in text
    assert "&#39;Trial&#39; (unchanged for 412 days" in text
    for form in ("md", "csv"):
        assert LINE in text_of(whole([report], "audit", "now"), form)


@pytest.mark.parametrize("unread", [[], [{"project": "Finance", "script": None, "error": "not loaded"}]])
def test_nothing_listed_if_something_was_not_read(unread):
    report = report_on(knows_scripts=False, unread=unread)
    assert (report["unused_runtimes"], report["counts"]["unused_runtimes"]) == (None, None)
    said = "e: warning: Which runtimes have no script is unknown, because not every script could be read."
    assert said in report["lines"]
    assert said[12:] in text_of(whole([report], "audit", "now"), "html")


def test_sums():
    """A runtime without an amount or a count is counted apart; a server may hold anything."""
    report = audited(
        runtime(1, "A", **HOLDS),
        runtime(2, "B", **{**HOLDS, "resource": {"cpu": 1, "mem": 1024}}),
        runtime(3, "C", **{**HOLDS, "resource": None}),
        runtime(4, "D", **{**HOLDS, "max_cached_instances": None}),
        runtime(5, "E", **{**HOLDS, "resource": {"cpu": "200m", "mem": 10**400}}),
    )
    expected = {"least": {"cpu": 3.6, "mem": 4608}, "most": {"cpu": 7.2, "mem": 9216}, "unknown": 3}
    assert report["capacity"] == expected
    line = "3.6 to 7.2 CPU and 4608 to 9216 MB of memory; 3 runtimes without amounts or counts are not counted"
    assert capacity.capacity_line(report["capacity"]) == line
    assert line in text_of(whole([report], "audit", "now"), "html")
