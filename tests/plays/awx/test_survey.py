"""mstr.library.survey: the answers as a controller writes them. Each row is a host of one play."""

from __future__ import annotations

from typing import Any

import yaml
from support.ansible import ROOT, Play, play_of

from plays.awx.jobs import Dumper

# The answer, its variable, what the inventory has, and the value in the job. Some look like something else.
ROWS: list[tuple[dict[str, str], str, Any, Any]] = [
    ({"purge": "no"}, "mstr_runtimes_purge", True, False),
    ({"purge": "as the inventory says"}, "mstr_runtimes_purge", True, True),
    ({"purge_limit": "3"}, "mstr_runtimes_purge_limit", "{{ 2 - 1 }}", 1),
    ({"journal_comment": "By {{ nobody }}"}, "mstr_runtimes_journal_comment", "x", "By {{ nobody }}"),
    ({"networks_never": "10.66.0.0/16\n"}, "mstr_runtimes_policy", {}, {"networks_never": ["10.66.0.0/16"]}),
]


def test_no_question_overrides_the_inventory() -> None:
    """A controller makes an extra variable of each default, even without an answer."""
    listed = yaml.safe_load((ROOT / "roles/controller/vars/main/job_templates.yml").read_text())
    questions = [each for job in listed["controller_job_templates"] for each in job.get("questions", [])]

    assert {each.get("default", "as the inventory says") for each in questions} == {"as the inventory says"}
    assert {each["variable"][:12] for each in questions} == {"mstr_survey_"}
    # It replaces a blank integer with the default.
    assert "integer" not in {each["type"] for each in questions}


def test_answers_of_a_controller(tools: Play) -> None:
    """Text that is no template; one host has an answer that is refused, and a misspelled one."""
    tools.hosts = {f"row{row}": {"shown": name, name: own} for row, (_, name, own, _) in enumerate(ROWS)}
    tools.hosts["wrong"] = {"mstr_survey_purge_limits": 3, "shown": ""}
    for row, (answers, *_) in enumerate([*ROWS, ({"purge_limit": "two"},)]):
        text = yaml.dump({f"mstr_survey_{key}": value for key, value in answers.items()}, Dumper=Dumper)
        tools.write(f"host_vars/{f'row{row}' if row < len(ROWS) else 'wrong'}.yml", text)
    show = {"name": "Show", "ansible.builtin.debug": {"msg": "{{ lookup('ansible.builtin.vars', shown) }}"}}
    played = tools([{"ansible.builtin.import_playbook": "mstr.library.survey"}, *play_of(show, host="all")])

    shown = {end["host"]: end["result"]["msg"] for end in played.ends() if end["task"] == "Show"}
    assert shown == {f"row{row}": value for row, (*_, value) in enumerate(ROWS)}, played.output
    [failed] = [end for end in played.ends() if end["event"] == "failed"]
    assert "mstr_survey_purge_limits is not a variable of mstr.library" in failed["result"]["msg"]
