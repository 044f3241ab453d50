# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment reports as a file, in the format of its suffix, or as one short text between the tasks of an audit.

Ansible walks through every value of a result several times: when a task returns it, when a variable holds it and when
a template uses it. With thousands of runtimes this takes most of the time of an audit. A text is one value. Pure.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ...module_utils._errors import HIDDEN, SURROGATE

Json = Mapping[str, Any]

# Tabs and line ends stay, because they lay out a text.
_RAW_CONTROL = re.compile(f"[\x00-\x08\x0b-\x1f{HIDDEN}]")
FORMATS = {
    "audit": ("html", "json", "csv", "md", "junit.xml", "cdx.json"),
    "apply": ("html", "json", "md", "junit.xml"),
}


def format_of(path: str, kind: str, check_mode: bool = True) -> str:
    """The format for the suffix of a path, the longest that fits. Raises ValueError with a sentence."""
    name = path.rpartition("/")[2].lower()
    fitting = [suffix for suffix in FORMATS[kind] if name.endswith(f".{suffix}")]
    if not fitting:
        ends = ", ".join(f".{suffix}" for suffix in FORMATS[kind][:-1]) + f" or .{FORMATS[kind][-1]}"
        raise ValueError(f"mstr_report_dest {path!r} must end in {ends}; the suffix decides the format of the report")
    form = max(fitting, key=len)
    if form == "json" and name.endswith(".cdx.json"):
        raise ValueError(f"mstr_report_dest {path!r}: only an audit writes a software bill of materials (.cdx.json)")
    if form == "junit.xml" and kind == "apply" and not check_mode:
        raise ValueError(
            f"mstr_report_dest {path!r} shows differences as failed tests, and an apply removes them; start the "
            "playbook with --check, or name a file with a different suffix"
        )
    return form


def whole(
    environments: Iterable[Json],
    kind: str,
    generated: str,
    check_mode: bool = False,
    not_reached: Sequence[str] = (),
    comparison: Json | None = None,
) -> dict[str, Any]:
    """The report on all environments. `generated`: time in ISO 8601. `not_reached`: those that may have no report.

    `comparison`: of these environments with one of them, see `compare.compared`.
    """
    reports = list(environments)
    reached = {report["environment"] for report in reports}
    return {
        "kind": kind,
        "generated": generated,
        "check_mode": check_mode,
        "environments": reports,
        "not_reached": [name for name in not_reached if name not in reached],
        "compared": comparison,
    }


def rendered(report: Json, form: str) -> str:
    """The text of the report file, without a final newline."""
    text_of: Callable[[Json], str]
    # Only the format that is asked for is loaded: a run with fifty environments does so in one process of many.
    if form == "html":
        from .html import page as text_of
    elif form == "csv":
        from .table import table as text_of
    elif form == "md":
        from .markdown import markdown as text_of
    elif form == "junit.xml":
        from .junit import junit as text_of
    elif form == "cdx.json":
        from .sbom import software as text_of
    else:
        text_of = json_text
    if form in ("html", "md"):
        from .lines import readable

        report = readable(report)
    return without_controls(text_of(report).rstrip("\n"))


def json_text(content: Json, *, sort_keys: bool = False) -> str:
    """The text of a JSON file."""
    return without_controls(json.dumps(content, indent=2, sort_keys=sort_keys, ensure_ascii=False), escaped=True)


def without_controls(text: str, *, escaped: bool = False) -> str:
    """The text of a file without raw control and direction characters, which drive the terminal of who reads it.

    Tabs and line ends stay. `escaped`: the text is JSON, or YAML that has each of them in double quotes; then an escape
    takes their place, else the replacement character.
    """
    text = SURROGATE.sub("\ufffd", text.replace("\r\n", "\n"))
    return _RAW_CONTROL.sub(lambda control: f"\\u{ord(control.group()):04x}" if escaped else "\ufffd", text)


def packed_text(content: Json) -> str:
    """The text that `content_of` reads."""
    return base64.b64encode(zlib.compress(json.dumps(content, default=str).encode(), 1)).decode()


def packed(report: Json) -> dict[str, Any]:
    """A short report and one with all runtimes, each as one text, from the report with all runtimes."""
    short = {key: value for key, value in report.items() if key != "inventory"}
    return {"report": packed_text(short), "details": packed_text(report)}


def content_of(text: str) -> dict[str, Any]:
    """The content. Raises ValueError if it is not such a text."""
    try:
        content = json.loads(zlib.decompress(base64.b64decode(text)))
    except (zlib.error, ValueError):
        raise ValueError("is not a packed report") from None
    return dict(content)


def plain(value: Any) -> Any:
    """A value in plain Python types, without the tags of a template."""
    if isinstance(value, Mapping):
        return {str.__str__(str(key)): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if value is None or isinstance(value, (bool, str)):
        # Before ansible-core 2.19, str() of an unsafe text is an unsafe text again, which YAML cannot represent.
        return str.__str__(value) if isinstance(value, str) else value
    return value + 0 if isinstance(value, (int, float)) else str(value)
