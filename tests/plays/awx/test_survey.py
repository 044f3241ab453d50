"""mstr.library.survey: what an answer means beside the variables of the inventory. Each row is a host of one play."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from support.ansible import ROOT, Play, Played, play_of

from plays.awx.jobs import Dumper

NOTHING, BLANK = "(not set)", "as the inventory says"
LIMITS = [  # of the inventory, of the answer, and the stricter one
    (NOTHING, NOTHING, 2),
    (NOTHING, "", 2),
    (NOTHING, "0", 0),
    (NOTHING, "3", 3),
    (0, "3", 0),
    (1, "", 1),
    (1, "3", 1),
    (5, "3", 3),
    (5, NOTHING, 5),
]
# The answer by its question, the variable, its value in the inventory, and its value in the job.
MEANINGS: list[tuple[dict[str, Any], str, Any, Any]] = [
    ({"src": ""}, "mstr_runtimes_src", "us.yml", "us.yml"),
    ({"src": "eu.yml"}, "mstr_runtimes_src", "us.yml", "eu.yml"),
    ({"purge": BLANK}, "mstr_runtimes_purge", NOTHING, NOTHING),
    ({"purge": "yes"}, "mstr_runtimes_purge", NOTHING, True),
    ({"purge": "no"}, "mstr_runtimes_purge", True, False),
    ({"protect_used": BLANK}, "mstr_runtimes_protect_used", True, True),
    ({"protect_used": "yes"}, "mstr_runtimes_protect_used", False, True),
    ({"wait": "no"}, "mstr_runtimes_wait", NOTHING, False),
    ({"journal_comment": "By {{ nobody }}"}, "mstr_runtimes_journal_comment", NOTHING, "By {{ nobody }}"),
    ({"fail_on_drift": BLANK}, "mstr_fail_on_drift", True, True),
    ({"fail_on_drift": "no"}, "mstr_fail_on_drift", True, False),
    ({"fail_on_violation": "yes"}, "mstr_fail_on_violation", NOTHING, True),
    ({"audit_scripts": "yes"}, "mstr_audit_scripts", NOTHING, True),
    ({"audit_installed": "yes"}, "mstr_audit_installed", NOTHING, True),
    ({"export_exclude": "Vendor*\n\nTest\n"}, "mstr_export_exclude", ["Other"], ["Vendor*", "Test"]),
    ({"smoke_test_runtime": ""}, "mstr_smoke_test_runtime", "Reports", "Reports"),
    ({"smoke_test_timeout": "30"}, "mstr_smoke_test_timeout", 60, 30),
    (
        {"networks_never": "10.66.0.0/16\n10.67.0.0/16\n", "packages_never": "requests<2.32\n"},
        "mstr_runtimes_policy",
        {"networks_never": ["10.1.0.0/16"], "scripts_required": True},
        {
            "networks_never": ["10.1.0.0/16", "10.66.0.0/16", "10.67.0.0/16"],
            "packages_never": ["requests<2.32"],
            "scripts_required": True,
        },
    ),
    *(({"purge_limit": answer}, "mstr_runtimes_purge_limit", own, limit) for own, answer, limit in LIMITS),
]
REFUSED = {
    ("purge_limit", "-1"): "The answer to \"Delete at most\" must be a whole number of at least 0, not '-1'.",
    ("purge_limit", "two"): "not 'two'.",
    ("purge_limit", "1.5"): "not '1.5'.",
    ("smoke_test_timeout", "0"): '"Seconds" must be a whole number of at least 1',
    ("audit_since_job", "newest"): "must be a whole number of at least 1 or last, not 'newest'.",
    ("restore_job", "last"): "\"Go back to before the job\" must be a whole number of at least 1, not 'last'.",
}
OVERRIDDEN = {  # by an extra variable of the job template
    "mstr_runtimes_purge": ({"purge": "no"}, True),
    "mstr_runtimes_purge_limit": ({"purge_limit": "1"}, 9),
    "mstr_runtimes_protect_used": ({"protect_used": "yes"}, False),
    "mstr_runtimes_policy": ({"networks_never": "10.66.0.0/16"}, {"networks_never": ["10.67.0.0/16"]}),
}


def test_no_question_overrides_the_inventory() -> None:
    """A controller makes an extra variable of each default, even without an answer."""
    listed = yaml.safe_load((ROOT / "roles/controller/vars/main/job_templates.yml").read_text())
    questions = [each for job in listed["controller_job_templates"] for each in job.get("questions", [])]

    assert {each.get("default", BLANK) for each in questions} == {BLANK}
    assert {each["variable"][:12] for each in questions} == {"mstr_survey_"}
    # It replaces a blank integer with the default.
    assert "integer" not in {each["type"] for each in questions}


def add_host(tools: Play, name: str, answers: dict[str, Any], **own: Any) -> None:
    """Add a host with its variables. Answers are text that is no template, as a controller writes them."""
    given = {f"mstr_survey_{question}": text for question, text in answers.items() if text != NOTHING}
    tools.hosts[name] = {variable: value for variable, value in own.items() if value != NOTHING}
    tools.write(f"host_vars/{name}.yml", yaml.dump(given, Dumper=Dumper))


@pytest.fixture
def survey(tools: Play) -> list[dict[str, Any]]:
    """Clear the hosts of `tools`. The plays: the survey, and one that shows the variable `shown` of each host."""
    tools.hosts = {}
    message = "{{ lookup('ansible.builtin.vars', shown, default='" + NOTHING + "') }}"
    show = {"name": "Show", "ansible.builtin.debug": {"msg": message}}
    return [
        {"ansible.builtin.import_playbook": "mstr.library.survey"},
        *play_of(show, host="all"),
    ]


def failures(played: Played) -> dict[str, str]:
    """Of each host that failed, the results of its failed items."""
    ends = [end for end in played.ends() if end["event"] == "failed"]
    return {end["host"]: str(end["result"]).replace("\\'", "'") for end in ends}


def test_answers(tools: Play, survey: list[Any]) -> None:
    for row, (answers, name, own, _) in enumerate(MEANINGS):
        add_host(tools, f"row{row}", answers, shown=name, **{name: own})

    played = tools(survey)

    shown = {end["host"]: end["result"]["msg"] for end in played.ends() if end["task"] == "Show"}
    assert shown == {f"row{row}": value for row, (*_, value) in enumerate(MEANINGS)}, played.output


def test_refused_answers(tools: Play, survey: list[Any]) -> None:
    for row, (question, answer) in enumerate(REFUSED):
        add_host(tools, f"row{row}", {question: answer}, shown=NOTHING)

    failed = failures(tools(survey))
    for row, message in enumerate(REFUSED.values()):
        assert message in failed[f"row{row}"]


def test_an_extra_variable_overrides_no_answer(tools: Play, survey: list[Any]) -> None:
    for name, (answers, _) in OVERRIDDEN.items():
        add_host(tools, name, answers)
    add_host(tools, "unanswered", {}, shown="mstr_runtimes_wait")

    played = tools(survey, **{name: value for name, (_, value) in OVERRIDDEN.items()})

    failed = failures(played)
    assert set(failed) == set(OVERRIDDEN), played.output
    for name, (_, value) in OVERRIDDEN.items():
        assert f"the extra variable {name}={value} overrides it." in failed[name]
