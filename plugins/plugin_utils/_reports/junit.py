# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment reports as JUnit XML, which GitLab, GitHub actions, Jenkins and Azure show as test results.

An environment is a test suite. A runtime is a test case, and so is a script that is to use a different runtime. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from ansible_collections.mstr.library.plugins.module_utils._model.rules import EXEMPTED, NOT_EVALUATED
from ansible_collections.mstr.library.plugins.module_utils._model.usage import label_of

from . import changes
from .evaluation import COUNTED
from .lines import GOES, dangling_line, evaluation_lines, notes, script_line, usage_text
from .since import changed_runtimes
from .since import line as since_line

Json = Mapping[str, Any]

# XML 1.0 has no way to write these characters.
_IMPOSSIBLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WOULD = {"created": "would be created", "updated": "differs", "deleted": "would be deleted"}
_WOULD["replaced"] = "would be replaced"


def junit(report: Json) -> str:
    """The XML text of a report from `files.whole`. The order is that of the report, so that two runs compare."""
    root = ET.Element("testsuites", name=f"mstr.library.{report['kind']}")
    for environment in report["environments"]:
        root.append(_suite(environment, report["generated"]))
    for name in report["not_reached"]:
        suite = ET.SubElement(root, "testsuite", name=_xml_text(name), timestamp=report["generated"][:19])
        _case(suite, name, "environment", "error", "not reached", "The run did not reach this environment.")
        _count(suite)
    _count(root)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}'


def _suite(environment: Json, generated: str) -> ET.Element:
    name = str(environment["environment"])
    suite = ET.Element("testsuite", name=_xml_text(name), timestamp=generated[:19])
    if environment["message"]:
        _case(suite, name, "environment", "error", environment["message"].partition("\n")[0], environment["message"])
    elif environment.get("incomplete"):
        _case(suite, name, "environment", "failure", environment["incomplete"], environment["incomplete"])
    if notes(environment):
        _case(suite, name, "warnings")
        ET.SubElement(suite[-1], "system-out").text = _xml_text("\n".join(notes(environment)))
    if environment.get("since"):
        _case(suite, name, "since")
        since = environment["since"]
        texts = [
            since_line(since),
            *(f"{runtime['name']!r} {text}" for runtime, text in changed_runtimes(since)),
        ]
        ET.SubElement(suite[-1], "system-out").text = _xml_text("\n".join(texts))
    for text in environment.get("unused_exemptions") or ():
        _case(suite, name, "exemptions", "skipped", text)
    for script in environment.get("scripts") or ():
        line = script_line(script, check_mode=True)
        _case(suite, name, f"script {label_of(script)}", "failure", line, line)
    for script in environment.get("dangling") or ():
        _case(suite, name, "scripts", "skipped", dangling_line(script))
    for runtime in environment.get("inventory") or ():
        failures = list(_failures(runtime))
        others = [[row for row in runtime["evaluated"] if row["verdict"] == kind] for kind in (EXEMPTED, NOT_EVALUATED)]
        skipped = [text for rows in others for text in evaluation_lines(rows)]
        label = runtime["name"] or str(runtime["id"])
        if failures:
            more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
            _case(suite, name, label, "failure", f"{failures[0]}{more}", "\n".join([*failures, *skipped]))
        elif skipped:
            _case(suite, name, label, "skipped", "; ".join(skipped))
        elif environment.get("counts") and not environment.get("policy") and not environment.get("compared"):
            # Without a policy and without definitions, nothing was evaluated.
            _case(suite, name, label, "skipped", "not evaluated")
        else:
            _case(suite, name, label)
        for text in runtime["remarks"]:
            # A finding that fails nothing.
            ET.SubElement(suite[-1], "system-out").text = _xml_text(text)
    _count(suite)
    return suite


def _failures(runtime: Json) -> Iterator[str]:
    """What fails the case of a runtime: its error, drift, and each violation."""
    if runtime["error"]:
        yield runtime["error"]
    if runtime["action"] in _WOULD:
        evidence = f": {usage_text(runtime['scripts'])}" if runtime["action"] in GOES else ""
        yield f"{_WOULD[runtime['action']]}{evidence}"
        if runtime["action"] != "created":
            yield from (changes.line(field["field"], field["found"], field["wanted"]) for field in runtime["fields"])
    yield from (f"smoke test: {line}" for line in (runtime.get("smoke_test") or "").splitlines())
    yield from evaluation_lines([row for row in runtime["evaluated"] if row["verdict"] in COUNTED])
    yield from runtime["problems"]


def _case(suite: ET.Element, environment: str, name: str, outcome: str = "", message: str = "", text: str = "") -> None:
    case = ET.SubElement(suite, "testcase", classname=_xml_text(environment), name=_xml_text(name), time="0")
    if outcome:
        found = ET.SubElement(case, outcome, message=_xml_text(message))
        if outcome != "skipped":
            found.set("type", outcome)
            found.text = _xml_text(text)


def _count(element: ET.Element) -> None:
    element.set("tests", str(len(element.findall(".//testcase"))))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        # The schema of Jenkins knows no number of skipped cases of all suites.
        if attribute != "skipped" or element.tag == "testsuite":
            element.set(attribute, str(len(element.findall(f".//testcase/{tag}"))))
    element.set("time", "0")


def _xml_text(text: Any) -> str:
    return _IMPOSSIBLE.sub("\ufffd", str(text))
