"""What an answer to a survey means beside the variables of the inventory."""

from __future__ import annotations

import re

import pytest
from ansible_collections.mstr.library.plugins.module_utils._errors import ValidationError
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks.survey import values

NOTHING, BLANK = "(not set)", "as the inventory says"
LIMITS = [  # of the inventory, of the answer, and the stricter one
    (NOTHING, NOTHING, 2),
    (NOTHING, "", 2),
    (NOTHING, "0", 0),
    (NOTHING, "3", 3),
    (1, "", 1),
    (1, "3", 1),
    (5, "3", 3),
    (5, NOTHING, 5),
]
# The answer by its question, the variable, its value in the inventory, and its value in the job.
MEANINGS = [
    ({"src": ""}, "mstr_runtimes_src", "us.yml", "us.yml"),
    ({"src": "eu.yml"}, "mstr_runtimes_src", "us.yml", "eu.yml"),
    ({"purge": BLANK}, "mstr_runtimes_purge", NOTHING, NOTHING),
    ({"purge": "yes"}, "mstr_runtimes_purge", NOTHING, True),
    ({"purge": "no"}, "mstr_runtimes_purge", True, False),
    ({"protect_used": BLANK}, "mstr_runtimes_protect_used", True, True),
    ({"protect_used": "yes"}, "mstr_runtimes_protect_used", False, True),
    ({"journal_comment": "By {{ nobody }}"}, "mstr_runtimes_journal_comment", NOTHING, "By {{ nobody }}"),
    ({"fail_on_drift": "no"}, "mstr_fail_on_drift", True, False),
    ({"fail_on_violation": "yes"}, "mstr_fail_on_violation", NOTHING, True),
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


@pytest.mark.parametrize(("answers", "name", "own", "value"), MEANINGS)
def test_answers(answers, name, own, value):
    given, inventory = ({key: each for key, each in of.items() if each != NOTHING} for of in (answers, {name: own}))
    assert values(given, inventory, {}).get(name, own) == value


@pytest.mark.parametrize(("question", "answer"), REFUSED)
def test_refused_answers(question, answer):
    with pytest.raises(ValidationError, match=re.escape(REFUSED[question, answer])):
        values({question: answer}, {}, {})


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_extra_variable_overrides_no_answer(name):
    answers, value = OVERRIDDEN[name]
    with pytest.raises(ValidationError, match=re.escape(f"the extra variable {name}={value} overrides it.")):
        values(answers, {}, {name: value})
    assert values({}, {name: value}, {name: value}).get(name, value) == value
