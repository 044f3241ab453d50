# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of an approved plan: written after a check, read before the apply that may do exactly this.

Pure, except that the version of the collection is read from the collection's own files.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils._errors import listed

from .environment import difference_lines, script_line
from .serialize import json_text

Json = Mapping[str, Any]

# The version of the file's format. A newer collection still reads older formats.
FORMAT = 1
_COLLECTION = Path(__file__).resolve().parents[3]
# What a person needs for the approval, and the plan_id, which the apply compares.
_KEYS = ("environment", "server", "plan_id", "outcome", "message", "summary", "runtimes", "scripts", "warnings")


def plan_text(reports: Iterable[Json], generated: str) -> str:
    """The text of the file for environment reports of a check. `generated`: time in ISO 8601."""
    ordered = sorted(reports, key=lambda report: str(report["environment"]))
    text = json.dumps([{key: report.get(key) for key in _KEYS} for report in ordered], ensure_ascii=False)
    environments = json.loads(text.encode("utf-8", "replace"))
    content = {
        "format": FORMAT,
        "collection": f"mstr.library {collection_version()}",
        "generated": generated,
        "environments": [{**environment, "checksum": _checksum(environment)} for environment in environments],
    }
    return json_text(content, sort_keys=True)


def _checksum(environment: Json) -> str:
    """The checksum of what a person is shown, so that nobody approves a part by deleting the rest from the file."""
    shown = {key: environment.get(key) for key in _KEYS if key != "plan_id"}
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:24]


def environments_of(text: str) -> list[Any]:
    """The environments in the text of such a file. Raises ValueError with the rest of a sentence."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("is not a plan: it is not JSON") from None
    number = content.get("format") if isinstance(content, Mapping) else None
    environments = content.get("environments") if isinstance(content, Mapping) else None
    if isinstance(number, bool) or not isinstance(number, int) or number < 1 or not isinstance(environments, list):
        raise ValueError("is not a plan; write one with --check and mstr_plan_dest")
    if number > FORMAT:
        raise ValueError(f"has the format {number}, and this collection reads formats up to {FORMAT}; update it")
    return environments


def plan_of(text: str, environment: str, server: str | None = None) -> Json:
    """The plan of one environment in the text of such a file. Raises ValueError with the rest of a sentence.

    `server`: the address of the server to which the plan would be applied.
    """
    environments = (entry for entry in environments_of(text) if isinstance(entry, Mapping))
    entries = [entry for entry in environments if entry.get("environment") == environment]
    if len(entries) != 1:
        how_many = "more than one plan" if entries else "no plan"
        raise ValueError(f"has {how_many} for {environment}, so nothing was changed there")
    [entry] = entries
    if entry.get("checksum") != _checksum(entry):
        raise ValueError(
            f"was edited, so it does not show what would be done on {environment}; write it again with --check and "
            "mstr_plan_dest"
        )
    checked = entry.get("server")
    if server and checked and server != checked:
        raise ValueError(
            f"has a plan for {environment} on the server {checked}, and {environment} is now {server}, so nothing was "
            "changed there"
        )
    identity = entry.get("plan_id")
    if not isinstance(identity, str) or not identity:
        why = f"its check failed: {entry['message']}" if entry.get("message") else "it has no plan_id"
        raise ValueError(f"has no plan for {environment}, because {why}")
    return entry


def approved_text(plan: Json) -> str:
    """What somebody approved, and what to do if it is different by now."""
    lines = [line for runtime in plan["runtimes"] for line in difference_lines(runtime, check_mode=True)]
    lines += [script_line(script, check_mode=True) for script in plan.get("scripts") or ()]
    approved = listed([f"approved was: {line}" for line in lines or ["nothing to change"]], separator="\n")
    return f"{approved}\nStart the playbook again with --check and mstr_plan_dest, and have the new plan approved."


@cache
def collection_version() -> str:
    """The version of this collection: as installed, or of a source tree."""
    manifest = _COLLECTION / "MANIFEST.json"
    if manifest.is_file():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    found = re.search(r"^version: *(\S+)", (_COLLECTION / "galaxy.yml").read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else "unknown"
