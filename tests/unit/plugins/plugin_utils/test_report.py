from __future__ import annotations

import csv
import html
import io
import json
import re
import time
from html.parser import HTMLParser
from time import process_time
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mstr.library.plugins.filter.environment_report import environment_report
from ansible_collections.mstr.library.plugins.filter.report_file import FilterModule, report_file
from ansible_collections.mstr.library.plugins.module_utils._model.fields import BY_NAME
from ansible_collections.mstr.library.plugins.plugin_utils._reports.environment import environment_report as reported
from ansible_collections.mstr.library.plugins.plugin_utils._reports.inventory import Sources
from ansible_collections.mstr.library.plugins.plugin_utils._reports.since import earlier_from
from ansible_collections.mstr.library.tests.unit.support.report import (
    POLICY,
    SOON,
    environment,
    many,
    runtime,
    violation,
)

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>&{{ 7*7 }}\u202e\ud800'


HOSTILE_SCRIPT = {
    "name": HOSTILE,
    "project": {"name": HOSTILE},
    "owner": {"name": HOSTILE},
    "tasks": [
        {"active": True, "schedule": {"name": HOSTILE}, "last_run": {"status": HOSTILE, "time_triggered": HOSTILE}}
    ],
    "last_run": {"time": HOSTILE, "status": "failed"},
}


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


def hostile():
    """A server on which every text that a user can choose is hostile."""
    trial = runtime(
        1,
        HOSTILE,
        description=HOSTILE,
        status=HOSTILE,
        whitelist=[HOSTILE],
        packages=[{"name": HOSTILE, "version": HOSTILE, "status": HOSTILE, "message": HOSTILE}],
        resource={"cpu": HOSTILE, "mem": HOSTILE, "disk": HOSTILE, "proc_count": HOSTILE},
        exec_timeout=HOSTILE,
        runtime_version=HOSTILE,
        owner={"name": HOSTILE},
        date_modified=HOSTILE,
        scripts=[HOSTILE_SCRIPT],
    )
    changes = [{"field": HOSTILE, "before": HOSTILE, "after": [HOSTILE]}]
    error = {"msg": HOSTILE}
    entry = {"name": HOSTILE, "id": trial["id"], "action": "updated", "error": error, "changes": changes}
    read = {
        "runtimes": [trial],
        "violations": [violation(trial, HOSTILE, HOSTILE, HOSTILE)],
        "exempted": [violation(trial, HOSTILE, HOSTILE, HOSTILE, reason=HOSTILE, until=HOSTILE)],
        "not_evaluated": [violation(trial, HOSTILE, HOSTILE, HOSTILE)],
        "dangling": [{"name": HOSTILE, "runtime": {"id": HOSTILE}, "project": {"name": HOSTILE}}],
        "unread": [
            {"project": {"id": "P", "name": HOSTILE}, "script": {"id": "S", "name": HOSTILE}, "error": {"msg": HOSTILE}}
        ],
    }
    policy = {**POLICY, "exemptions": [{"runtime": f"{HOSTILE} too", "reason": HOSTILE, "until": "2099-12-31"}]}
    failed = {"failed": True, "msg": HOSTILE, "runtimes": [entry]}
    return environment_report(failed, HOSTILE, check_mode=True, read=read, policy=policy, detail=True)


def test_everything_from_a_server_stays_text():
    text = report_file([hostile()], "x.html", not_reached=[HOSTILE])
    page = Page(text)
    plain = Page(report_file([environment("prod")], "x.html"))
    assert page.tags.count("script") == plain.tags.count("script") == 1
    assert "img" not in page.tags
    assert not [name for name, _value in page.attributes if name.startswith("on")]
    assert page.text.count("<script>alert(1)</script>") > 20
    assert "{{ 7*7 }}" in page.text
    assert text.encode("utf-8")


def test_a_page_needs_nothing_from_anywhere_and_allows_only_its_own_script():
    page = Page(report_file([environment("prod")], "x.html"))
    attributes = dict(page.attributes)
    assert attributes["content"]
    policy = next(value for name, value in page.attributes if name == "content" and "default-src" in value)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert [value for name, value in page.attributes if name in ("src", "href") and not value.startswith("#")] == []
    assert "style" not in attributes, "the page's own policy would ignore it"


FORMULAS = ["=HYPERLINK(1)", "-1+1", "@x", "+1", "\n=1", "\uff1d1", "a;=cmd|' /C calc'!A0"]


@pytest.mark.parametrize("text", [*FORMULAS, "a\t=1", "a\r\n@x", ' "=1"', "a;'\"=1"])
def test_a_spreadsheet_reads_no_formula(text):
    """Whether it separates cells at commas or at semicolons."""
    trial = runtime(1, text, whitelist=[text], owner={"name": text}, scripts=[{"name": text}])
    report = environment_report(None, text, read={"runtimes": [trial], "violations": []}, detail=True)
    written = report_file([report], "x.csv")
    rows = list(csv.DictReader(io.StringIO(written.removeprefix("\ufeff"), newline="")))
    assert {row["runtime"].replace("'", "") for row in rows} == {text.replace("'", "").replace("\r\n", "\n")}
    cells = [value for row in rows for value in row.values()] + re.split("[;\t\r\n,]", written)
    parts = [part.lstrip(' "\n') for cell in cells for part in re.split("[;\t\r\n]", cell)]
    assert not [part for part in parts if part.startswith(("=", "+", "-", "@", "\uff1d"))]


@pytest.mark.parametrize("text", ["\n", " ", "\t'", ";"])
def test_a_long_cell_takes_no_time(text):
    report = environment_report(
        None, "e", read={"runtimes": [runtime(1, text * 100_000)], "violations": []}, detail=True
    )
    start = process_time()
    report_file([report], "x.csv")
    assert process_time() - start < 2


def test_json_has_everything():
    report = json.loads(report_file([environment("prod")], "x.json", not_reached=["gone"]))
    assert (report["kind"], report["not_reached"]) == ("audit", ["gone"])
    assert [
        entry["networks"] for entry in report["environments"][0]["inventory"] if entry["name"] == "Nightly reports"
    ] == [
        [
            {"network": "0.0.0.0/0", "verdict": "violation", "rules": ["networks_within", "networks_never"]},
            {"network": "10.10.10.0/24", "verdict": "allowed", "rules": []},
            {"network": "*", "verdict": "unreadable", "rules": ["networks_never"]},
        ]
    ]
    assert report["generated"].endswith("+00:00")


def rows_of(*reports):
    return list(csv.DictReader(io.StringIO(report_file(list(reports), "x.csv").removeprefix("\ufeff"))))


def test_a_table_has_a_row_for_each_runtime_and_item():
    gone = {"name": "Gone", "id": None, "action": "created", "changes": []}
    bare = runtime(1, "Open", whitelist=[], packages=[], scripts=[])
    report = environment_report(
        {"runtimes": [gone]},
        "open",
        check_mode=True,
        read={"runtimes": [bare], "violations": []},
        policy={"networks_within": []},
        detail=True,
    )
    unruled = environment_report(
        None, "free", read={"runtimes": [runtime(1, "Free", whitelist=["*"], packages=[])]}, detail=True
    )
    columns = ("runtime", "outcome", "item", "value", "item_status", "item_owner", "verdict", "rules", "until")
    wide, script = "Nightly reports", "<script>alert(1)</script>"
    two = "networks_within networks_never"
    assert [tuple(row[key] for key in columns) for row in rows_of(environment("prod", 0), report, unruled)] == [
        *[("", "problems", *[""] * 7)] * 2,
        (script, "violations", "whitelist", "", "", "", "violation", "whitelist_required", ""),
        (script, "violations", "package", "requests", "installed", "", "not evaluated", "packages_never", ""),
        ("Forecasts", "drift", *[""] * 7),
        (wide, "violations", "network", "0.0.0.0/0", "", "", "violation", two, ""),
        (wide, "violations", "network", "10.10.10.0/24", "", "", "allowed", "", ""),
        (wide, "violations", "network", "*", "", "", "unreadable", "networks_never", ""),
        (wide, "violations", "package", "pandas==2.2.3", "not_installed", "", "allowed", "", ""),
        (wide, "violations", "package", "requests==2.31.0", "installed", "", "exempted", "packages_never", SOON),
        (wide, "violations", "script", "Load sales", "", "Ada", "", "", ""),
        (wide, "violations", "resource.mem", "8192", "", "", "violation", "resource_max", ""),
        ("(Default) MicroStrategy", "clean", "network", "0.0.0.0/0", "", "", "exempted", two, "2099-12-31"),
        ("(Default) MicroStrategy", "clean", "package", "pandas==1.2.3", "installed", "", "allowed", "", ""),
        ("(Default) MicroStrategy", "clean", "package", "x==1.2.3", "installed", "", "allowed", "", ""),
        ("Gone", "drift", *[""] * 7),
        ("Open", "clean", *[""] * 7),
        ("Free", "not_evaluated", "network", "*", "", "", "not evaluated", "", ""),
    ]


def test_the_table_answers_who_owns_the_scripts_on_a_package():
    script = {"name": "Load", "project": {"name": "Sales"}, "owner": {"name": "Ada"}}
    trial = runtime(1, "R", packages=[{"name": "numpy", "version": "1.25"}], scripts=[script])
    rows = rows_of(environment_report(None, "prod", read={"runtimes": [trial], "violations": []}, detail=True))
    having = {row["id"] for row in rows if (row["item"], row["value"]) == ("package", "numpy==1.25")}
    owners = [(row["item_owner"], row["project"]) for row in rows if row["item"] == "script" and row["id"] in having]
    assert owners == [("Ada", "Sales")]


@pytest.mark.complete
def test_the_software_of_all_runtimes_is_valid_cyclonedx():
    # In the environment in which developers run these tests; ansible-test does not have it.
    validation = pytest.importorskip("cyclonedx.validation.json")
    schema = pytest.importorskip("cyclonedx.schema").SchemaVersion.V1_6
    odd = {"name": "Typing_Extensions", "version": "4.1+local/x@1", "status": "installing"}
    twice = [{"name": "bare", "version": None, "status": None}, {"name": "Bare", "version": "", "status": "installed"}]
    extras = {"name": "requests[socks]", "version": "2.31", "status": "installed"}
    report = environment_report(
        None,
        "test",
        read={"runtimes": [runtime(1, HOSTILE, packages=[odd, *twice, extras])], "violations": []},
        detail=True,
    )
    environments = [environment("prod"), {**report, "incomplete": "why"}, hostile()]
    texts = [report_file(order, "x.cdx.json", not_reached=["gone"]) for order in (environments, environments[::-1])]
    for text in texts:
        assert validation.JsonStrictValidator(schema).validate_str(text) is None
    first, second = (json.loads(text) for text in texts)
    assert first.pop("serialNumber") != second.pop("serialNumber")
    assert first["metadata"].pop("timestamp")
    assert second["metadata"].pop("timestamp")
    assert first == second
    components = {each["bom-ref"]: each for each in first["components"]}
    assert len(components) == len(first["components"])
    (found,) = [each for ref, each in components.items() if ref.startswith("test/")]
    needs = {each["ref"]: each["dependsOn"] for each in first["dependencies"]}
    python, *depends = needs[found["bom-ref"]]
    assert components[python]["cpe"] == "cpe:2.3:a:python:python:3.10.5:*:*:*:*:*:*:*"
    containers = {ref for ref, each in components.items() if each["type"] == "container"}
    assert {ref for ref, each in components.items() if ref in needs} == containers, "an empty list is a statement"
    compositions = {(each["aggregate"], ref) for each in first["compositions"] for ref in each["dependencies"]}
    assert compositions == {("incomplete", ref) for ref in ("environments", *components)}
    assert [(components[ref]["name"], components[ref].get("version")) for ref in depends] == [
        ("bare", None),
        ("requests", "2.31"),
        ("typing-extensions", "4.1+local/x@1"),
    ]
    assert depends[2] == components[depends[2]]["purl"] == "pkg:pypi/typing-extensions@4.1%2Blocal%2Fx%401"
    assert not [each for each in components.values() if "components" in each], "Trivy does not look into them"
    assert [each for each in components.values() if each["type"] == "library" and "purl" not in each], "a hostile name"
    assert all(each.get("version") for each in components.values() if each["type"] == "container")
    assert first["metadata"]["tools"]["components"][0]["version"]
    assert {"name": "mstr.library:package:Typing_Extensions", "value": "installing"} in found["properties"]
    assert {"name": "mstr.library:environment", "value": "test"} in found["properties"]
    for name, value in {"prod": "read", "test": "may be incomplete", "gone": "not reached"}.items():
        assert {"name": f"mstr.library:environment:{name}", "value": value} in first["metadata"]["properties"]


@pytest.mark.complete
def test_fifty_environments_of_a_hundred_runtimes_take_seconds():
    environments = many(50, 100)
    began = time.monotonic()
    text = report_file(environments, "x.html")
    assert time.monotonic() - began < 20
    assert text.count('<details class="rt"') == 50 * 101, "and one that is missing in each"
    assert len(text) < 10_000_000


@pytest.mark.parametrize(
    ("arguments", "expected_message"),
    [
        (([], "x.pdf"), r"'x.pdf' must end in .html, .json, .csv, .md, .junit.xml or .cdx.json"),
        (([], "html"), "must end in"),
        (([], "x.csv", "apply"), "must end in .html, .json, .md or .junit.xml; the suffix decides"),
        (([], "x.xml"), "must end in"),
        (([], "x.cdx.json", "apply"), "only an audit writes a software bill of materials"),
        (([], "x.junit.xml", "apply"), "start the playbook with --check"),
        (([], "x.html", "drift"), "kind must be audit, apply or plan, not 'drift'"),
        (("text", "x.html"), "takes a list of reports"),
    ],
)
def test_what_is_refused(arguments, expected_message):
    with pytest.raises(AnsibleFilterError, match=expected_message):
        report_file(*arguments)


def test_its_name():
    assert list(FilterModule().filters()) == ["report_file"]


def gone(old, **more):
    """The row of a runtime that a replacement deletes."""
    facts = {"name": old["name"], "id": old["id"], "changes": [], "error": None, "runtime": old}
    return {**facts, "action": "deleted", "replaced_by": None, **more}


def test_a_runtime_that_would_be_replaced():
    """It is shown as it is, with what an exemption lets the new one have, and not as the one beside it."""
    now = runtime(1, "r")
    new = {**runtime(2, "r"), "runtime_version": "3.12.1", "status": "error"}
    changes = [{"field": field, "before": now[field], "after": new[field]} for field in ("id", "runtime_version")]
    entry = {"name": "r", "id": new["id"], "action": "replaced", "changes": changes, "runtime": new}
    row = violation(new, "3.12.1", "runtime_versions_within", reason="why", until="2099-12-31")
    applied = {"runtimes": [entry, gone(now)], "exempted": [row]}
    report = environment_report(applied, "prod", check_mode=True, detail=True)
    [found] = report["inventory"]
    assert (found["id"], found["runtime_version"], len(found["evaluated"])) == (now["id"], "3.10.5", 1)
    assert found["problems"] == []
    assert report["runtimes"][0]["definition"]["runtime_version"] == "3.10.5", "the definition that goes"


@pytest.mark.parametrize(
    ("held", "new", "differing"),
    [
        ({1: "r"}, None, [1]),
        ({1: "r", 2: "r (replacement)"}, 2, [1]),
        ({1: "old"}, None, [1]),
        ({1: "old", 2: "r"}, 2, [1]),
    ],
)
def test_an_audit_of_a_runtime_that_would_be_replaced(held, new, differing):
    """It is in the inventory once, as the runtime that differs from its definition."""
    runtimes = {number: runtime(number, name) for number, name in held.items()}
    identity = runtimes[new]["id"] if new else None
    changes = [{"field": "id", "before": runtimes[1]["id"], "after": identity}]
    # Where both names exist, only the scripts move.
    changes += [] if held.get(2) == "r" else [{"field": "exec_timeout", "before": 600, "after": 60}]
    entry = {"name": "r", "id": identity, "action": "replaced", "changes": changes}
    read = {"runtimes": list(runtimes.values())}
    applied = {"runtimes": [entry, gone(runtimes[1])]}
    report = environment_report(applied, "prod", check_mode=True, read=read, detail=True)
    found = {row["id"] for row in report["inventory"] if row["action"] == "replaced"}
    assert found == {runtimes[number]["id"] for number in differing}
    assert len(report["inventory"]) == len(held)


def test_each_deletion_of_a_replacement_has_its_lines():
    """Whether the runtime that has the name stays, or goes together with one that has a previous name."""
    old, new = runtime(1, "old", others="keep"), runtime(2, "r")
    change = {"field": "id", "before": old["id"], "after": new["id"]}
    entry = {"name": "r", "id": new["id"], "action": "replaced", "runtime": new, "error": None, "changes": [change]}
    stays = [entry, gone(old, scripts=[])]
    more = {"field": "exec_timeout", "before": 600, "after": 60}
    goes = [{**entry, "changes": [{**change, "before": new["id"]}, more]}, gone(new), gone(old, scripts=None)]
    found = [environment_report({"runtimes": each}, "p", check_mode=True, detail=True) for each in (stays, goes)]
    assert found[0]["lines"][0] == "p: 'old' would be replaced by 'r'; no script uses it"
    assert "p: 'old' would be deleted; which scripts use it is unknown" in found[1]["lines"]
    assert [report["runtimes"][-1]["definition"]["others"] for report in found] == ["keep", "keep"]
    texts = [report_file([report], "x.md", "apply", check_mode=True) for report in found]
    assert "**To replace** `old` by `r`: `no script uses it`" in texts[0]
    assert "**To delete: 1**\n\n- `p`: `old`" in texts[1]
    assert "**To delete** `old`: `which scripts use it is unknown`" in texts[1]
    assert [row["action"] for row in found[0]["inventory"]] == ["replaced", "none"]


def test_an_exempted_value_that_no_rule_can_read():
    """It is exempted as any other, and no violation."""
    trial, detail = runtime(1, "r", whitelist=["*"]), "cannot be evaluated: it is not a CIDR block"
    row = violation(trial, "*", "networks_never", detail, reason="old server", until="2099-12-31")
    report = environment_report(None, "prod", read={"runtimes": [trial], "exempted": [row]}, policy=POLICY)
    assert (report["outcome"], report["counts"]["violations"], report["counts"]["unreadable"]) == ("clean", 0, 0)
    assert [found["value"] for found in report["exempted"]] == ["*"]


def test_what_could_not_be_read_is_named_and_not_dumped():
    said = {"msg": "The project is not loaded.", "http_status": 500}
    unread = [
        {"project": {"id": "P", "name": "Sales"}, "script": None, "error": said},
        {"project": {"id": "P", "name": "Sales"}, "script": {"id": "S", "name": "Load"}, "error": said},
        {"project": None, "script": None, "error": said},
    ]
    report = environment_report(None, "prod", read={"runtimes": [], "violations": [], "unread": unread}, detail=True)
    assert report["lines"][1:] == [
        "prod: could not read the scripts of 'Sales': The project is not loaded.",
        "prod: could not read the script 'Load' in 'Sales': The project is not loaded.",
        "prod: could not read the list of projects: The project is not loaded.",
    ]
    page = Page(report_file([report], "x.html"))
    assert "http_status" not in page.text
    assert "the list of projects: The project is not loaded." in page.text


EVERY = ("html", "json", "csv", "md", "junit.xml")


@pytest.mark.parametrize("form", EVERY)
def test_warnings_are_in_every_format(form):
    """Also where two environments have the same one, and why an apply would be refused."""
    read = {"runtimes": [runtime(1, "R")], "violations": [], "warnings": ["The server stored less."]}
    reports = [
        reported(Sources(environment=name, applied=None, read=read, refusals=["purge_limit is 0"]), detail=True)
        for name in ("dev", "prod")
    ]
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
    found = environment_report({"summary": {"unchanged": 1}, "runtimes": [], "warnings": [warning]}, "dev")
    assert found["lines"] == ["dev: 1 unchanged", "dev: warning: Careful."]


@pytest.mark.parametrize("form", EVERY)
def test_a_new_field_is_seen_everywhere(form, monkeypatch):
    """A row in the table is enough: drift, definition that goes, what changed since, and every format."""
    monkeypatch.setitem(BY_NAME, "log_level", BY_NAME["others"]._replace(name="log_level", api="logLevel"))
    old, new = runtime(1, "R", log_level="info"), runtime(1, "R", log_level="debug")
    earlier = earlier_from(
        report_file([environment_report(None, "e", read={"runtimes": [old]}, detail=True)], "x.json")
    )
    change = {"field": "log_level", "before": "debug", "after": "trace"}
    entries = [
        {"name": "R", "id": new["id"], "action": "updated", "changes": [change], "runtime": new},
        {"name": "S", "id": "F" * 32, "action": "deleted", "changes": [], "runtime": {"log_level": "loud"}},
    ]
    sources = Sources("e", {"runtimes": entries}, check_mode=True, read={"runtimes": [new]}, since=earlier)
    report = reported(sources, detail=True)
    assert report["since"]["changed"][0]["fields"] == [{"field": "log_level", "before": "info", "after": "debug"}]
    assert "e: 'R' differs: log_level 'debug' → 'trace'" in report["lines"]
    assert report["runtimes"][1]["definition"] == {"log_level": "loud"}
    text = html.unescape(re.sub("</?(del|ins|bdi|b)>", "", report_file([report], f"x.{form}")))
    assert "debug" in text
    assert "log_level" in text


def test_a_value_of_another_kind():
    """A server may answer with an object for a number."""
    changes = [{"field": "exec_timeout", "before": {"seconds": 60}, "after": 600}]
    entry = {"name": "R", "id": "A" * 32, "action": "updated", "changes": changes}
    report = environment_report({"runtimes": [entry], "summary": {"updated": 1}}, "e", detail=True)
    assert report["lines"][1] == "e: 'R' updated: exec_timeout {'seconds': 60} → 600"


@pytest.mark.parametrize("read", [None, {"runtimes": []}])
def test_an_error_in_a_report_hides_nothing(read):
    """What was written, the message of the task and the error are shown."""
    rows = [{"name": "R", "id": "A" * 32, "action": "updated", "changes": 5}, {"name": "S", "action": "none"}]
    result = {"runtimes": rows, "summary": {"updated": 1}, "msg": "1 updated.", "warnings": ["Careful."]}
    report = environment_report(result, "e", read=read, detail=True)
    assert report["outcome"] == "failed"
    assert report["lines"][0] == "e: 1 updated."
    assert report["lines"][1].startswith("e: The report could not be made. This is a bug in mstr.library: TypeError")
    assert report["lines"][2:] == [f"e: 'R' ({'A' * 32}) updated"]
    for form in EVERY:
        assert "Careful." in report_file([report], f"x.{form}", kind="audit")


def test_each_line_of_an_error_names_its_runtime():
    entry = {"name": "R", "action": "failed", "error": {"msg": "whitelist is wrong\npackages are wrong"}}
    report = environment_report({"runtimes": [entry], "summary": {"failed": 1}}, "e")
    assert report["lines"][1:] == ["e: 'R' failed: whitelist is wrong", "e: 'R' failed: packages are wrong"]


def test_a_page_has_the_whole_message():
    """Also what it says beside the errors of runtimes, to which the page leads."""
    entry = {"name": "R", "action": "failed", "error": {"msg": "x"}}
    result = {"failed": True, "msg": "1 failed:\nruntimes[0] 'R': x.\nNothing was purged.", "runtimes": [entry]}
    report = environment_report({**result, "summary": {"failed": 1}}, "e", detail=True)
    assert "Nothing was purged." in report_file([report], "x.html", "apply")


@pytest.mark.parametrize(
    ("status", "line"),
    [
        ("success", "e: 1 runtime, not evaluated by any policy, 2 scripts, 1 on a schedule, no failed run"),
        ("failed", "e: 1 runtime, not evaluated by any policy, 2 scripts, 1 on a schedule, 1 last run failed"),
    ],
)
def test_scripts_and_their_runs_are_counted(status, line):
    run = {"status": status, "time_triggered": "2026-11-25T07:00:00Z", "message": "Return code: 3."}
    task = {"name": "t", "active": True, "schedule": {"name": "nightly"}, "last_run": run}
    scripts = [{"name": "Load", "tasks": [task], "last_run": None}, {"name": "Close", "tasks": []}]
    report = environment_report(None, "e", read={"runtimes": [runtime(1, "R", scripts=scripts)]}, detail=True)
    assert report["lines"][0] == line
    failed = "e: 'R' the last run of 'Load' failed on 2026-11-25 (server: \"Return code: 3.\")"
    assert (failed in report["lines"]) is (status == "failed")
    assert ("Return code: 3." in html.unescape(report_file([report], "x.html"))) is (status == "failed")


def test_a_spreadsheet_keeps_versions():
    trial = runtime(1, "R", packages=[{"name": "numpy", "version": "2.10"}], runtime_version="3.10")
    text = report_file([environment_report(None, "e", read={"runtimes": [trial]}, detail=True)], "x.csv")
    assert text.startswith("\ufeffenvironment,")
    cells = {cell for row in csv.reader(io.StringIO(text)) for cell in row}
    assert {"numpy==2.10", "Python 3.10"} <= cells
    assert not {"2.10", "3.10"} & cells


@pytest.mark.parametrize("form", [form for form in EVERY if form != "csv"])
def test_the_code_of_a_smoke_test_is_shown(form):
    """Whoever approves sees every line that will run, on the console, too."""
    code = "import pandas\nassert pandas.__version__"
    entry = {"name": "R", "id": "A" * 32, "action": "created", "changes": [], "smoke_test": code}
    report = environment_report({"runtimes": [entry], "summary": {"created": 1}}, "e", check_mode=True, detail=True)
    assert report["lines"][2:] == [
        "e: 'R' smoke test: import pandas",
        "e: 'R' smoke test: assert pandas.__version__",
    ]
    text = html.unescape(report_file([report], f"x.{form}", "apply", check_mode=True))
    assert "import pandas" in text
    assert "assert pandas.__version__" in text


def test_a_review_shows_code_as_it_is():
    """With its indentation, to the end of a long line, and with a mark for each hidden character."""
    code = "if True:\n    x = 1" + " " * 2000 + "# y\u202e"
    entry = {"name": "R", "id": "A" * 32, "action": "created", "changes": [], "smoke_test": code}
    report = environment_report({"runtimes": [entry], "summary": {"created": 1}}, "e", check_mode=True, detail=True)
    shown = report_file([report], "x.md", "apply", check_mode=True)
    assert code.replace("\u202e", "\\u202e") in shown
