"""What changed since an earlier audit or export."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible_collections.mstr.library.plugins.filter.report_file import report_file
from ansible_collections.mstr.library.plugins.filter.runtime_definitions import runtime_definitions
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import DEFAULT_RUNTIME_ID
from ansible_collections.mstr.library.plugins.plugin_utils._reports.environment import environment_report
from ansible_collections.mstr.library.plugins.plugin_utils._reports.inventory import Sources
from ansible_collections.mstr.library.plugins.plugin_utils._reports.since import earlier_from
from unit.support.report import POLICY, runtime, violation

KEPT = runtime(1, "Kept")
BEFORE = [KEPT, runtime(2, "Gone"), runtime(3, "Old name"), runtime(4, "Changed", whitelist=["10.0.0.0/8"])]
AFTER = [
    # Nothing of this is a change of the definition.
    runtime(1, "Kept", status="busy", date_modified="2026-11-26", version="2", resource={"mem": 1024.0, "cpu": "0.5"}),
    runtime(3, "New name"),
    runtime(4, "Changed", whitelist=["10.0.0.0/8", "0.0.0.0/0"], exec_timeout=60),
    runtime(5, "Added"),
]  # fmt: skip
DEFAULT = runtime(6, "(Default)", is_default=True)


def report_on(runtimes, violations=(), earlier=None, name="prod", policy=POLICY, incomplete=None):
    read = {"runtimes": runtimes, "violations": list(violations)}
    since = earlier_from(earlier) if earlier else None
    sources = Sources(environment=name, applied=None, read=read, policy=policy, since=since)
    return environment_report(sources._replace(incomplete=incomplete), detail=True)


def audit(*arguments, **options):
    return report_file([report_on(*arguments, **options)], "x.json")


def names(entries):
    return [entry["name"] for entry in entries]


def test_changes_since_an_audit():
    before = [violation(BEFORE[1], "0.0.0.0/0", "networks_within"), violation(KEPT, "10.66.0.0/16", "networks_never")]
    new = violation(AFTER[2], "0.0.0.0/0", "networks_within")
    report = report_on(AFTER, [before[1], new], audit(BEFORE, before))
    since = report["since"]
    assert (names(since["created"]), names(since["deleted"])) == (["Added"], ["Gone"])
    assert [(entry["before"], entry["after"]) for entry in since["renamed"]] == [("Old name", "New name")]
    [changed] = since["changed"]
    assert (changed["name"], changed["owner"]) == ("Changed", "Administrator")
    assert changed["date"] == AFTER[2]["date_modified"]
    assert changed["fields"] == [
        {"field": "whitelist", "before": ["10.0.0.0/8"], "after": ["0.0.0.0/0", "10.0.0.0/8"]},
        {"field": "exec_timeout", "before": 600, "after": 60},
    ]
    assert [(row["name"], row["value"]) for row in since["violations"]["new"]] == [("Changed", "0.0.0.0/0")]
    assert names(since["violations"]["gone"]) == ["Gone"]
    line = "prod: 1 created, 1 deleted, 1 renamed, 1 changed, 1 new violation, 1 violation gone since "
    assert report["lines"][1].startswith(line)
    texts = {"x.md": "1 renamed", "x.html": "1 renamed", "x.csv": "renamed from 'Old name'"}
    for name, text in {**texts, "x.junit.xml": "'New name' renamed from 'Old name'", "x.json": '"renamed"'}.items():
        assert text in report_file([report], name)


def test_nothing_changed_since():
    report = report_on(AFTER, earlier=audit(AFTER))
    assert report["lines"][1].startswith("prod: nothing changed since 20")
    assert report["since"]["violations"] == {"new": [], "gone": []}
    for first, second in (({}, POLICY), (POLICY, {})):
        earlier = audit([KEPT], [violation(KEPT, "10.66.0.0/16", "networks_never")], policy=first)
        assert report_on([KEPT], earlier=earlier, policy=second)["since"]["violations"] is None


@pytest.mark.parametrize("before", [True, False])
def test_a_field_that_one_audit_did_not_read(before):
    """It is unknown, and not empty: nothing changed."""
    read = runtime(1, "Kept", description="Of sales", others="x")
    unread = {key: value for key, value in read.items() if key not in ("description", "others")}
    one, other = (unread, read) if before else (read, unread)
    assert report_on([other], earlier=audit([one]))["since"]["changed"] == []
    assert len(report_on([{**read, "others": "y"}], earlier=audit([read]))["since"]["changed"]) == 1


def test_what_a_list_may_lack_did_not_change():
    """Whether the list of now or the earlier one is incomplete. What both have counts."""
    rows = [violation(gone, "10.66.0.0/16", "networks_never") for gone in (KEPT, BEFORE[1])]
    since = report_on([KEPT], [], audit(BEFORE, rows), incomplete="why")["since"]
    assert (since["deleted"], names(since["violations"]["gone"])) == ([], ["Kept"])
    report = report_on(BEFORE, rows, audit([KEPT], incomplete="why"))
    since = report["since"]
    assert report["lines"][1].endswith("; the earlier list may lack runtimes, so created ones are not shown")
    assert (since["created"], names(since["violations"]["new"])) == ([], ["Kept"])


def test_changes_since_an_export():
    export = yaml.safe_dump({"runtimes": runtime_definitions(BEFORE)})
    since = report_on([*AFTER, DEFAULT], earlier=export)["since"]
    assert names(since["created"]) == ["Added", "New name"]
    assert names(since["deleted"]) == ["Gone", "Old name"]
    assert (names(since["changed"]), since["renamed"], since["violations"]) == (["Changed"], [], None)
    assert report_on([*BEFORE, DEFAULT], earlier=export)["lines"][1] == "prod: nothing changed since the export"
    left_out = yaml.safe_dump({"left_out": ["Added", runtime(3, "")["id"]], "runtimes": runtime_definitions(BEFORE)})
    assert report_on(AFTER, earlier=left_out)["since"]["created"] == []


def test_an_environment_without_an_earlier_report():
    report = report_on(AFTER, earlier=audit(BEFORE, name="dev"))
    assert (
        report["lines"][1] == "prod: not compared with an earlier report: the earlier report has no environment 'prod'"
    )
    assert report["since"]["created"] == []
    broken = json.loads(audit(BEFORE))
    broken["environments"][0].update(message="Could not log in.", counts=None, inventory=[])
    report = report_on(AFTER, earlier=json.dumps(broken))
    assert report["lines"][1].endswith("no earlier audit could read the environment")


def test_an_outage_keeps_the_last_state():
    """The night after it compares with what the last audit could read, and says since when."""
    first = json.loads(audit(BEFORE))
    first["generated"] = "2026-11-24T03:00:00+00:00"
    down = Sources("prod", None, read={"failed": True, "msg": "It is down."}, since=earlier_from(json.dumps(first)))
    second = environment_report(down, detail=True)
    assert second["outcome"] == "failed"
    third = Sources("prod", None, read=down.read, since=earlier_from(report_file([second], "x.json")))
    report = report_on(AFTER, earlier=report_file([environment_report(third, detail=True)], "x.json"))
    assert names(report["since"]["created"]) == ["Added"]
    assert report["lines"][1].endswith(" since 2026-11-24 03:00 UTC")


def test_environments_outside_a_run():
    both = json.loads(audit(BEFORE))
    both["environments"].append({**both["environments"][0], "environment": "dev"})
    earlier = earlier_from(json.dumps(both))
    [kept] = earlier.carried(["prod"])
    assert (kept["environment"], kept["outcome"]) == ("dev", "not audited")
    report = report_on(AFTER, earlier=json.dumps({**both, "environments": [kept]}), name="dev")
    assert names(report["since"]["created"]) == ["Added"]
    assert earlier.carried(["prod", "dev"]) == []


@pytest.mark.parametrize("name", ["Kept", "New"])
def test_a_replacement_is_no_deletion(name):
    """A new id with the name, or with a previous name: its fields are compared, and its violations are the same."""
    new = runtime(9, name, whitelist=["0.0.0.0/0"], runtime_version="3.12.1")
    row, same = (violation(entry, "10.66.0.0/16", "networks_never") for entry in (KEPT, new))
    earlier = earlier_from(audit([KEPT], [row]))
    read = {"runtimes": [new], "violations": [same]}
    sources = Sources("prod", None, read=read, policy=POLICY, since=earlier, previous_names={"New": ["Kept"]})
    report = environment_report(sources, detail=True)
    since = report["since"]
    [replaced] = since["replaced"]
    assert (replaced["name"], replaced["before"]) == (name, {"name": "Kept", "id": KEPT["id"]})
    assert [field["field"] for field in replaced["fields"]] == ["whitelist", "runtime_version"]
    assert (since["created"], since["deleted"], since["violations"]) == ([], [], {"new": [], "gone": []})
    assert report["lines"][1].startswith("prod: 1 replaced since ")
    for form in ("x.md", "x.html", "x.csv", "x.junit.xml", "x.json"):
        assert KEPT["id"] in report_file([report], form)
        assert "3.12.1" in report_file([report], form)


def test_only_what_a_backup_restores_counts():
    """Neither what it lists as absent nor the default runtime; its ids find a renamed one."""
    entries = [
        {"id": KEPT["id"], "name": "Old name", "exec_timeout": 600},
        {"id": "B" * 32, "name": "Added", "state": "absent"},
        {"id": DEFAULT_RUNTIME_ID, "name": "(Default)", "exec_timeout": 60},
    ]
    since = report_on([KEPT, DEFAULT], earlier=yaml.safe_dump({"restore": True, "runtimes": entries}))["since"]
    assert [entry["before"] for entry in since["renamed"]] == ["Old name"]
    assert (since["created"], since["deleted"], since["changed"]) == ([], [], [])


def edited(violations=(), **fields):
    """The file of an audit with one runtime."""
    environment = {"environment": "prod", "inventory": [{"name": "A", **fields}], "violations": violations}
    return json.dumps({"kind": "audit", "environments": [environment]})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not YAML: "),
        ("[" * 100_000, "is nested too deeply"),
        ("", "is neither the .json file of an audit nor an exported file"),
        ("[1]", "is neither the .json file of an audit nor an exported file"),
        ('{"format": 1, "environments": [{"environment": "prod"}]}', "is not the .json file of an audit"),
        ('{"kind": "apply", "environments": []}', "is not the .json file of an audit"),
        ('{"kind": "audit", "environments": [{"environment": "prod"}]}', "has no inventory of runtimes"),
        (edited(id=[1]), r"was edited: inventory\[0\] has no name, or its id is not a text"),
        (edited(networks=5), r"was edited: inventory\[0\].networks must be a list of mappings, not 5"),
        (edited(packages="x"), r"inventory\[0\].packages must be a list of mappings, not 'x'"),
        (edited(violations=5), "was edited: violations must be a list of mappings, not 5"),
        ("{runtimes: [], left_out: A}", "left_out must be a list of names and ids"),
    ],
)
def test_a_file_that_is_something_else(text, why):
    with pytest.raises(ValueError, match=why):
        earlier_from(text)
