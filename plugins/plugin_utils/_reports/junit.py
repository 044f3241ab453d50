# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment reports as JUnit XML, which GitLab, GitHub actions, Jenkins and Azure show as test results.

An environment is a test suite. A runtime is a test case, and so is a script that is to use a different runtime. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from ...module_utils._model.usage import label_of
from .evaluation import Json, grouped
from .lines import INCOMPLETE, VIOLATIONS, WARNINGS, difference_lines, environment_lines, evaluation_lines, script_line
from .since import changed_runtimes, since_line

# XML 1.0 has no way to write these characters.
_IMPOSSIBLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parts(report: Json) -> Iterator[str]:
    """The XML text of a report from `formats.whole`. The order is that of the report, so that two runs compare."""
    root = ET.Element("testsuites", name=f"mstr.library.{report['kind']}")
    for environment in report["details"]:
        root.append(_suite(environment, report["generated"]))
    for name in report["not_reached"]:
        suite = ET.SubElement(root, "testsuite", name=_xml_text(name), timestamp=report["generated"][:19])
        _case(suite, "environment", "error", "not reached", "The run did not reach this environment.")
        _count(suite)
    _count(root)
    ET.indent(root)
    yield from ('<?xml version="1.0" encoding="UTF-8"?>\n', ET.tostring(root, encoding="unicode"))


def _suite(environment: Json, generated: str) -> ET.Element:
    suite = ET.Element("testsuite", name=_xml_text(environment["environment"]), timestamp=generated[:19])
    if environment["message"]:
        _case(suite, "environment", "error", environment["message"].partition("\n")[0], environment["message"])
    by_kind = grouped(environment_lines(environment))
    for text in by_kind.pop(INCOMPLETE, ()) if not environment["message"] else ():
        _case(suite, "environment", "failure", text, text)
    if WARNINGS in by_kind:
        _case(suite, "warnings", output=by_kind.pop(WARNINGS))
    if environment.get("since"):
        since = environment["since"]
        lines = [f"{runtime['name']!r} {text}" for _action, runtime, text in changed_runtimes(since)]
        _case(suite, "since", output=[since_line(since), *lines])
    for kind, texts in by_kind.items():
        for text in texts:
            _case(suite, kind, "skipped", text)
    for script in environment.get("scripts") or ():
        line = script_line(script, check_mode=True)
        _case(suite, f"script {label_of(script)}", "failure", line, line)
    # Without a policy and without definitions, nothing was evaluated.
    is_open = environment.get("counts") and not environment.get("policy") and not environment.get("compared")
    for runtime in environment.get("inventory") or ():
        _runtime_case(suite, runtime, "not evaluated" if is_open else "")
    _number_cases(suite)
    _count(suite)
    return suite


def _runtime_case(suite: ET.Element, runtime: Json, otherwise: str) -> None:
    """The case of a runtime: its error, drift, and each violation fail it. `otherwise`: why it is skipped without."""
    lines = grouped(evaluation_lines(runtime["evaluated"]))
    failures = [*difference_lines(runtime, check_mode=True), *lines.pop(VIOLATIONS, ()), *runtime["problems"]]
    skipped = [text for texts in lines.values() for text in texts]
    outcome, message = ("skipped", "; ".join(skipped) or otherwise) if skipped or otherwise else ("", "")
    if failures:
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        outcome, message = "failure", f"{failures[0]}{more}"
    label = runtime["name"] or str(runtime["id"])
    _case(suite, label, outcome, message, "\n".join([*failures, *skipped]), runtime["remarks"])


def _case(
    suite: ET.Element, name: str, outcome: str = "", message: str = "", text: str = "", output: Sequence[str] = ()
) -> None:
    """`output`: what fails nothing."""
    case = ET.SubElement(suite, "testcase", classname=suite.get("name", ""), name=_xml_text(name), time="0")
    if outcome:
        element = ET.SubElement(case, outcome, message=_xml_text(message))
        if outcome != "skipped":
            element.set("type", outcome)
            element.text = _xml_text(text)
    if output:
        # In one element, because not every reader expects several.
        ET.SubElement(case, "system-out").text = _xml_text("\n".join(output))


def _number_cases(suite: ET.Element) -> None:
    """Give each case that has the name of an earlier one a number, because readers know a case by its name."""
    names: Counter[str] = Counter()
    for case in suite:
        name = free = case.get("name", "")
        while names[free]:
            names[name] += 1
            free = f"{name} ({names[name]})"
        names[free] = 1
        case.set("name", free)


def _count(element: ET.Element) -> None:
    element.set("tests", str(len(element.findall(".//testcase"))))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        # The schema of Jenkins knows no number of skipped cases of all suites.
        if attribute != "skipped" or element.tag == "testsuite":
            element.set(attribute, str(len(element.findall(f".//testcase/{tag}"))))
    element.set("time", "0")


def _xml_text(text: Any) -> str:
    return _IMPOSSIBLE.sub("\ufffd", str(text))
