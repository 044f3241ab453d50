"""The check of a whole run before its first request, without a playbook."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ansible_collections.mstr.library.plugins.module_utils._session.session_string import SessionString, encode
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks.check import UNKNOWN, NewRun, run_errors

RUNTIMES = [{"name": "A"}]
POLICY = {"networks_within": ["10.0.0.0/8"]}
PLAN_IDS = {"mstr_runtimes_plan_ids": {}}
EXEMPT = {"runtime": "A", "reason": "x", "until": "2099-01-01"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working directory with a file of definitions, one without any, and an approved plan."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yml").write_text(json.dumps({"runtimes": RUNTIMES}))
    (tmp_path / "none.yml").write_text('{"runtimes": []}')
    (tmp_path / "plan.json").write_text('{"format": 1, "environments": []}')
    (tmp_path / "folder.html").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "link.html").symlink_to("r.yml")
    return tmp_path


def errors(playbook="apply", common=None, a=None, b=None, extra=None, check=False, environ=None):
    """What is wrong with a run on two environments. An extra variable is a variable of both, too."""
    definitions = {"mstr_runtimes_src": "r.yml"} if playbook == "apply" else {}
    hosts = {
        name: {"mstr_base_url": f"https://{name}.example.com/L", "ansible_connection": "local"}
        | {**definitions, **(common or {}), **(own or {}), **(extra or {})}
        for name, own in (("a", a), ("b", b))
    }
    return run_errors(NewRun(playbook, hosts, extra or {}, check, environ or {}, {}, str(Path.cwd())))


@pytest.mark.parametrize("playbook", ["apply", "audit", "export", "probe"])
def test_a_usual_run_may_begin(playbook):
    """Variables of other programs, and those that only look like ours, are no concern of the check."""
    own = {"mstr_maintenance_plan": "Q3", "mstr_exports": {}, "vault_mstr_pasword": "x"}
    assert errors(playbook, {"mstr_runtimes_policy": POLICY, "mstr_runtimes_purge": True, **own}) == []


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"mstr_report_dest": "link.html"}, "mstr_runtimes_src and mstr_report_dest are the same file"),
        ({"mstr_plan_dest": "p.json", "mstr_report_dest": "a.md, ./p.json"}, "mstr_report_dest and mstr_plan_dest are"),
        ({"mstr_plan_dest": "p.json", "mstr_plan_src": "plan.json"}, "only one of mstr_plan_src and mstr_plan_dest"),
        ({"mstr_plan_src": "plan.json", **PLAN_IDS}, "only one of mstr_plan_src and mstr_runtimes_plan_ids."),
        ({"mstr_runtimes_plan_id": "x", **PLAN_IDS}, "only one of mstr_runtimes_plan_id and mstr_runtimes_plan_ids."),
        ({"mstr_runtimes_plan_ids": "x"}, "must be a dictionary of hosts and plan ids, not 'x'."),
        ({"mstr_runtimes_plan_ids": {"a": ""}}, "must be a dictionary of hosts and plan ids, not \"{'a': ''}\"."),
        ({"mstr_runtimes_policy": "", "mstr_plan_src": ""}, "mstr_plan_src and mstr_runtimes_policy are empty, which"),
        ({"mstr_runtimes_journal_comment": 5349}, "mstr_runtimes_journal_comment must be text, but"),
        ({"mstr_plan_src": "missing.json"}, "missing.json cannot be read: No such file or directory."),
        ({"mstr_plan_src": "r.yml"}, "r.yml is not a plan in format 1; write one"),
        ({"mstr_plan_dest": "no/plan.json"}, "no, does not exist; create it."),
        ({"mstr_report_dest": "a.html, b.md,x.txt"}, "x.txt' must end in"),
        ({"mstr_report_dest": ["a.html", "folder.html"]}, "folder.html is a directory; name a file."),
        ({"mstr_report_dest": "x.cdx.json"}, "only an audit writes"),
        ({"mstr_report_dest": "/proc/x.html"}, "The directory of mstr_report_dest, /proc, is not writable"),
        ({"mstr_runtimes_backup_dest": "bk.yml"}, "bk.yml (a, b). Put {{ inventory_hostname }} into"),
    ],
    ids=str,
)
def test_a_run_that_would_go_wrong(more, sentence):
    [error] = errors(extra=more, check=True)
    assert sentence in error


def test_a_gate_that_is_no_switch():
    assert errors("audit", {"mstr_runtimes": RUNTIMES}, extra={"mstr_fail_on_drift": "ture"}) == [
        "mstr_fail_on_drift must be true or false, not 'ture'."
    ]


def test_a_plan_is_written_only_in_check_mode():
    assert errors(extra={"mstr_plan_dest": "p.json"}) == [
        "mstr_plan_dest writes the plan of a check; start the playbook with --check."
    ]


@pytest.mark.parametrize(
    ("playbook", "where", "name"),
    [
        ("apply", "extra", "mstr_plan_dest"),
        ("audit", "extra", "mstr_report_dest"),
        ("apply", "a", "mstr_runtimes_backup_dest"),
        ("probe", "a", "mstr_probe_dest"),
    ],
)
def test_a_destination_that_is_no_file(playbook, where, name):
    """Each by the name of its variable."""
    [error] = errors(playbook, check=True, **{where: {name: "pipe.json"}})
    assert error == f"{name} {Path.cwd() / 'pipe.json'} is a pipe (FIFO), not a regular file; name a file."


@pytest.mark.parametrize("name", ["mstr_report_dest", "mstr_plan_dest"])
def test_one_file_for_all_hosts(name):
    [error] = errors(a={name: "x.json"}, check=True)
    assert error.startswith(f"{name} must be the same for every environment of a run")
    assert "(a has 'x.json'; b has none)" in error


@pytest.mark.parametrize(
    ("more", "would_be"),
    [
        ({"mstr_fail_on_drift": True, "mstr_runtimes": []}, "definitions"),
        ({"mstr_fail_on_drift": True, "mstr_runtimes": None, "mstr_runtimes_src": "none.yml"}, "definitions"),
        ({"mstr_fail_on_violation": "yes", "mstr_runtimes_policy": {"exemptions": [EXEMPT]}}, "rules"),
        ({"mstr_fail_on_violation": True}, "rules"),
    ],
)
def test_a_gate_that_evaluates_nothing(more, would_be):
    [error] = errors("audit", b=more, common={"mstr_runtimes": RUNTIMES})
    assert f"there are no {would_be}" in error
    assert "(b)" in error


SAME = "https://A.example.com:443/L/app/"
SESSION = encode(SessionString("https://a.example.com/L", "token", []))


@pytest.mark.parametrize(
    ("b", "environ"),
    [
        ({"mstr_base_url": SAME}, {}),
        ({"mstr_base_url": None}, {"MSTR_BASE_URL": SAME}),
        ({"mstr_base_url": None}, {"MSTR_SESSION": SESSION}),
    ],
    ids=["variable", "environment variable", "session in the environment"],
)
def test_two_hosts_on_one_server_must_not_purge(b, environ):
    purges = {"mstr_runtimes_purge": "yes"}
    [error] = errors(a=purges, b=b, environ=environ)
    assert error.startswith("a and b are one server, https://a.example.com/L, so the purge of a would delete what only")
    assert errors(b=b, environ=environ) == []
    # On a different host, the environment variables of the control node do not count.
    ssh = {"ansible_connection": "ssh"}
    assert bool(errors(a=purges, b={**b, **ssh}, environ=environ)) is not bool(environ)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("mstr_plan_source", "; the nearest one is mstr_plan_src. Rename or remove it."),
        ("mstr_runtime_src", "is not a variable of mstr.library; the nearest one is mstr_runtimes_src."),
        ("mstr_audit_x", "mstr_audit_x is not a variable of mstr.library. Rename or remove it."),
    ],
)
def test_name_that_looks_like_ours(name, sentence):
    [error] = errors(common={name: None})
    assert sentence in error


@pytest.mark.parametrize(
    ("playbook", "extra", "sentence"),
    [
        ("apply", {"mstr_fail_on_drift": True}, "apply does not use mstr_fail_on_drift; it is for audit. R"),
        ("export", {"mstr_report_dest": "r.html"}, "export does not use mstr_report_dest; it is for apply, audit. R"),
        ("apply", {"mstr_purge_limit": 1}, "mstr_purge_limit is not a variable of mstr.library; the nearest one is"),
    ],
)
def test_an_extra_variable_of_no_use(playbook, extra, sentence):
    [error] = errors(playbook, extra=extra)
    assert sentence in error
    assert errors(playbook, common=extra) == [], "an inventory serves all playbooks"


def test_what_is_not_known_yet():
    names = ("mstr_runtimes_src", "mstr_runtimes_policy", "mstr_fail_on_drift", "mstr_runtimes", "mstr_base_url")
    assert errors("audit", dict.fromkeys(names, UNKNOWN)) == []
    assert errors("export", {"mstr_export_dest": UNKNOWN}) == []


@pytest.mark.parametrize("name", ["mstr_report_dest", "mstr_plan_dest", "mstr_plan_src"])
def test_a_file_of_the_run_is_known_before_it(name):
    """Without it, the run would end without a report of what it wrote."""
    [error] = errors(b={name: UNKNOWN}, a={name: "x.json"}, check=True)
    assert error == f"{name} has a template that is invalid, or that names an undefined variable (b). Fix it."
