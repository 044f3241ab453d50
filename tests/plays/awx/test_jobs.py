"""Jobs as a controller runs them: their results, and the values for the next job."""

from __future__ import annotations

import base64
import json
import re
import shlex
import subprocess
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from simulator.harness import Simulator

from plays.awx.controller import Controller
from plays.awx.jobs import Job
from plays.awx.output import download, events_shown, page
from plays.awx.test_guide import block

DEFINITIONS = {
    "eu": yaml.safe_load(block("runtimes/prod-eu.yml")),
    "us": {"runtimes": [{"name": "Nightly us", "exec_timeout": 600}]},
}
MakeJob = Callable[..., Job]


@pytest.fixture
def make_job(tmp_path: Path, sim: Simulator, way: str) -> MakeJob:
    """A function that creates jobs of a template on the environments eu and us."""
    number = 0

    def make(hosts: Collection[str] = ("eu", "us"), of_hosts: Mapping[str, Any] | None = None, **options: Any) -> Job:
        nonlocal number
        number += 1
        credential = {"mstr_username": sim.username, "mstr_password": sim.password}
        variables = {name: {"mstr_base_url": sim.base_url, **(of_hosts or {}).get(name, {})} for name in hosts}
        options = {"definitions": DEFINITIONS, **options}
        return Job(tmp_path / f"job{number}", credential, variables, **options)

    return make


def assert_no_secret(job: Job, sim: Simulator) -> None:
    """Check that the files of a job contain no secret, except for the variables that ansible-runner stores."""
    secrets = [secret for secret in sim.secrets() if len(secret) > 3]
    assert sim.password in secrets
    for path in job.artifacts.rglob("*"):
        if not path.is_file():
            continue
        text = path.read_text(errors="replace")
        if path.name == "command":
            # That file stays in the node's folder, which the controller removes.
            noted = json.loads(text)
            assert noted["env"].pop("MSTR_PASSWORD") == sim.password
            text = json.dumps(noted)
        assert [secret for secret in secrets if secret in text] == [], path
    assert not any(secret in json.dumps(job.shown) for secret in secrets)


def test_drift_check_then_apply(make_job: MakeJob, sim: Simulator) -> None:
    check = make_job(check=True)
    assert check.run() == "successful", check.output
    environments = {each["environment"]: each for each in check.stats["mstr_report"]["environments"]}
    assert {name: each["outcome"] for name, each in environments.items()} == {"eu": "drift", "us": "drift"}
    assert environments["eu"]["summary"]["created"] == 1
    assert sim.runtimes() == []
    assert_no_secret(check, sim)

    # The next node gets the values of a node in addition to the answers of its survey.
    apply = make_job(survey={**check.stats, "mstr_survey_journal_comment": "Approved by {{ nobody }}"})
    assert apply.run() == "successful", apply.output
    assert sorted(runtime["name"] for runtime in sim.runtimes()) == ["Nightly reports", "Nightly us"]
    assert {entry["comment"] for entry in sim.journal()} == {"Approved by {{ nobody }}"}
    assert [each["outcome"] for each in apply.stats["mstr_report"]["environments"]] == ["changed", "changed"]
    assert_no_secret(apply, sim)

    assert sim.open_sessions() == []


@pytest.mark.matrix
def test_audit_sets_its_report_for_the_next_job(make_job: MakeJob, sim: Simulator) -> None:
    sim.seed({"name": "Open", "whitelist": ["10.66.1.0/24"]})
    answers = {"mstr_survey_networks_never": "10.66.0.0/16", "mstr_survey_fail_on_violation": "yes"}
    purge = {"us": {"mstr_runtimes_purge": True, "mstr_runtimes_purge_limit": 0}}
    violated = make_job(("us",), purge, playbook="audit.yml", survey={**answers, "mstr_survey_audit_scripts": "yes"})
    assert violated.run() == "failed"
    (report,) = violated.stats["mstr_audit"]["environments"]
    assert {(violation["name"], violation["value"]) for violation in report["violations"]} == {
        ("(Default) MicroStrategy", "0.0.0.0/0"),
        ("Open", "10.66.1.0/24"),
    }
    assert_no_secret(violated, sim)
    # The page for people, also of a job that fails.
    html = violated.stats["mstr_audit_page"]
    assert html.startswith("<!doctype html>")
    assert html.rstrip().endswith("</html>")
    shown = page(violated.events())
    assert "us: 'Open' whitelist 10.66.1.0/24 " in shown
    assert "us: an apply would be refused: purge would delete 1 runtime" in shown
    assert "us: 'Open' would be deleted" in shown
    assert "10.66.1.0/24" in html
    assert len(html) < 600_000


def test_since_an_earlier_audit_job(make_job: MakeJob, controller: Controller, sim: Simulator) -> None:
    """As the newest that has the artifact; by its number, a restore finds one in the same way."""
    sim.seed({"name": "{{ Kept }}"})

    def audit(job: str) -> Job:
        survey = {"mstr_survey_audit_since_job": job}
        made = make_job(("us",), playbook="audit.yml", survey=survey, controller=controller)
        status = made.run()
        assert status == ("failed" if job == "99" else "successful"), made.output
        return made

    first = audit("")
    controller.jobs = {41: first.stats, 42: {}}
    assert controller.jobs[41]["mstr_audit_markdown"].startswith("#")
    sim.seed({"name": "Made since"})
    assert "us: 1 created since" in page(audit("last").events())
    # What comes before the audit is short if there is nothing to read.
    before = first.output.partition("PLAY [Check the run]")[0]
    assert len([line for line in before.splitlines() if line.strip()]) == 9, before
    missing = " ".join(audit("99").output.split())
    assert "mstr_audit_since_job: job 99 could not be read. The job template needs a credential of the" in missing
    assert "could not be found at /api/v2/jobs/99/" in missing.partition("Report why")[2]


def test_restore_as_a_job(make_job: MakeJob, controller: Controller, sim: Simulator) -> None:
    """By the number of an apply, which knows what it created, and by that of the drift check before it."""
    sim.seed({"name": "Nightly us", "execTimeout": 60, "description": "{{ 7 * 7 }}"}, {"name": "Surplus"})
    purge = {"us": {"mstr_runtimes_purge": True, "mstr_runtimes_backup_dest": "backup.yml"}}
    more = {"definitions": {"us": {"runtimes": [*DEFINITIONS["us"]["runtimes"], {"name": "New"}]}}}

    def known() -> dict[str, Any]:
        return {each["name"]: (each.get("execTimeout"), each.get("description") or "") for each in sim.runtimes()}

    def ran(job: Job, status: str = "successful") -> Job:
        assert job.run() == status, job.output
        assert "/backup.yml" not in job.output
        return job

    def restore(job: str, **options: Any) -> Job:
        survey = {"mstr_survey_restore_job": job}
        return make_job(playbook="restore.yml", survey=survey, controller=controller, **options)

    before = known()
    check = ran(make_job(("us",), purge, check=True, **more))
    assert "To go back after a cancelled apply: launch" in page(check.events())
    apply = ran(make_job(("us",), purge, survey=check.stats, **more))
    assert "To go back: launch the job template restore with the number of this job, 1" in page(apply.events())
    applied, made = known(), sim.runtimes()
    assert sorted(applied) == ["New", "Nightly us"]
    assert_no_secret(apply, sim)
    controller.jobs = {41: check.stats, 42: apply.stats, 43: {}}

    # The apply was limited to one environment, so the other one is left alone.
    back = ran(restore("42"))
    assert "eu: not reached: job 42 has no backup of it, so it was left alone" in page(back.events())
    assert "us: 'New' deleted" in page(back.events())
    assert "scripts: unknown" not in page(back.events()), "the backup has looked them up"
    assert known() == before
    sim.seed(*(runtime for runtime in made if runtime["name"] == "New"))
    ran(restore("41"))
    assert known() == {**before, "New": applied["New"]}, "the drift check cannot know what the apply created"

    for job, message in {
        "43": "mstr_restore_job: job 43 has no artifact mstr_backups. Name a job of the template apply or restore",
        "": "Name the job of an apply, a restore or a drift check in mstr_restore_job, or in the survey.",
    }.items():
        assert message in " ".join(ran(restore(job), "failed").output.split())
    limited = ran(restore("42", limit="eu"), "failed").output
    assert "job 42 has backups of us only. Change the limit" in limited
    assert "TOWER_" not in limited
    elsewhere = " ".join(ran(restore("42", hosts=("eu",)), "failed").output.split())
    assert "job 42 has backups of us only. This inventory has none of them. Launch the job template" in elsewhere
    assert sim.open_sessions() == []


def test_what_is_copied_from_an_export_is_applied(make_job: MakeJob, sim: Simulator) -> None:
    """From the page, from the events, from the download, and from the artifact. AWX changes some of them."""
    text, networks = r"{{ 7 * 7 }} C:\temp\new, 'line one\nline two'", [f"10.{number}.0.0/16" for number in range(80)]
    sim.seed({"name": "Kept", "description": text, "whitelist": networks}, {"name": "Vendor's own"})
    job = make_job(("us",), playbook="export.yml", survey={"mstr_survey_export_exclude": "Vendor*\n"})

    assert job.run() == "successful", job.output
    artifact = job.stats["mstr_exports"]["us"]
    # Braces are data: the tag keeps Ansible from reading them as a template.
    definitions = yaml.safe_load(artifact.replace("!unsafe ", ""))["runtimes"]
    assert [(definition["name"], definition["description"]) for definition in definitions] == [("Kept", text)]
    assert "changed=0" in job.output
    assert_no_secret(job, sim)
    shown = page(job.events())
    assert "…" not in shown, "no event was cut"
    assert "decode it with base64 --decode" in " ".join(shown.split())
    for way in (shown, "\n".join(events_shown(job.events())).replace("\r", ""), download(job.events())):
        copied = copied_by_recipe(re.sub(r"\x1b\[[0-9;]*m", "", way), "us", encoded=True)
        assert copied == artifact
    # Literal braces are part of the name here, and no template.
    sim.reset()
    restore = make_job(("us",))
    (restore.folder / "project" / "runtimes" / "us.yml").write_text(copied)
    assert restore.run() == "successful", restore.output
    assert [(runtime["name"], runtime["description"]) for runtime in sim.runtimes()] == [("Kept", text)]


def copied_by_recipe(output: str, host: str, *, encoded: bool) -> str:
    """What the guide's command makes of a copied text."""
    (command,) = re.findall(r"^\$ (sed .*) job\.txt(?: \|)?", block("the text of an export"), re.MULTILINE)
    program = shlex.split(command.replace("prod-eu", host))
    text = subprocess.run(program, input=output, capture_output=True, text=True, check=True).stdout
    return base64.b64decode(text).decode() if encoded else text


@pytest.mark.matrix
def test_smoke_test_runs_python_on_the_server(make_job: MakeJob, sim: Simulator) -> None:
    job = make_job(("us",), playbook="smoke_test.yml", survey={"mstr_survey_smoke_test_runtime": ""})

    assert job.run() == "successful", job.output
    outcome = job.stats["mstr_smoke_tests"]["us"]
    assert (outcome["status"], outcome["stdout"][:8]) == ("ready", "Python 3")
    assert job.output.count(outcome["stdout"].strip()) == 1, "what the script printed is shown once"

    missing = make_job(("us",), playbook="smoke_test.yml", survey={"mstr_survey_smoke_test_runtime": "None such"})
    assert missing.run() == "failed"
    outcome = missing.stats["mstr_smoke_tests"]["us"]
    assert (outcome["status"], "no runtime has the name 'None such'" in outcome["message"]) == ("failed", True)
    assert sim.open_sessions() == []
