"""The page of a report. tests/browser opens it in a browser."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.fields import BY_NAME
from unit.support.report import SUFFIXES, applied, audit_of, audited, change, plan_of, planned, row, runtime, text_of

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>&{{ 7*7 }}\u202e\ud800'


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


@pytest.mark.parametrize(("report", "kind"), [(audit_of(HOSTILE, HOSTILE), "audit"), (plan_of(HOSTILE), "apply")])
def test_everything_from_a_server_stays_text(report, kind):
    text = text_of(report, kind=kind, check_mode=True, not_reached=[HOSTILE])
    page = Page(text)
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert not [name for name, _value in page.attributes if name.startswith("on")]
    assert page.text.count("<script>alert(1)</script>") > 10
    assert "{{ 7*7 }}" in page.text
    assert text.encode("utf-8")


@pytest.mark.parametrize("form", SUFFIXES)
def test_a_new_field_is_seen_everywhere(form, monkeypatch):
    """A row in the table is enough: drift, definition that goes, and every format."""
    monkeypatch.setitem(BY_NAME, "log_level", BY_NAME["others"]._replace(name="log_level", api="logLevel"))
    new = runtime(1, "R", log_level="debug")
    updated = row("R", "updated", change("log_level", "debug", "trace"), id=new["id"], runtime=new)
    report = audited(new, plan=planned(updated, row("S", "deleted", runtime={"log_level": "loud"})))
    assert report.changes[0]["definition"] == {"log_level": "loud"}
    text = html.unescape(re.sub("</?(del|ins|bdi|b)>", "", text_of(report, suffix=form)))
    assert ("log_level" in text, "trace" in text) == (True, True)


@pytest.mark.parametrize("form", SUFFIXES)
def test_warnings_and_messages_are_in_every_format(form):
    report = applied(row("R", "none"), failed=True, msg="It failed.\nNothing was purged.", warnings=["Careful."])
    text = text_of(report, suffix=form, kind="apply")
    assert [part for part in ("It failed.", "Nothing was purged.", "Careful.") if part not in text] == []


@pytest.mark.parametrize("form", SUFFIXES)
def test_the_code_of_a_smoke_test_is_shown(form):
    """Whoever approves sees every line that will run, with its indentation."""
    report = applied(row("R", "created", smoke_test="if True:\n    import pandas"), check_mode=True)
    text = html.unescape(text_of(report, suffix=form, kind="apply", check_mode=True)).replace("\\n", "\n")
    assert "if True:\n    import pandas" in text


def test_a_review_shows_hidden_characters():
    code = "x = 1" + " " * 2000 + "# y\u202e"
    report = applied(row("R", "created", smoke_test=code), check_mode=True)
    assert code.replace("\u202e", "\\u202e") in text_of(report, suffix="md", kind="apply", check_mode=True)


def test_a_value_of_another_kind():
    """A server may answer with an object for a number."""
    report = applied(row("R", "updated", change("exec_timeout", {"seconds": 60}, 600)))
    assert "{&#39;seconds&#39;: 60}" in text_of(report, kind="apply")


def test_drift_of_several_environments_is_one_table():
    differs = row("R", "updated", change("exec_timeout", 60, 600), id=runtime(1, "R")["id"])
    text = text_of(*(audited(runtime(1, "R"), name=name, plan=planned(differs)) for name in ("dev", "prod")))
    assert "<td><bdi>differs: exec_timeout 60 → 600</bdi></td><td><bdi>dev, prod</bdi></td>" in text


def test_names_stand_below_the_table():
    """So that the first screen of a phone has the conclusion and the table of environments."""
    text = text_of(audited(runtime(1, "Wide", whitelist=["0.0.0.0/0"])))
    head, _table, below = text.partition("</table>")
    assert ("Problems were found: 1 runtime is open to everything." in head, "Wide" in head) == (True, False)
    assert "1 runtime is open to everything: &#39;Wide&#39; in e" in below
