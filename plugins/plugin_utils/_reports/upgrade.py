# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file that replaces runtimes with an outdated Python, which an export writes for a review."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from ...module_utils._errors import ValidationError
from ...module_utils._model.python import branch_of, days_left, support_of
from ...module_utils._model.requirements import project
from ...module_utils._model.usage import name_of, schedules, used_by
from ...module_utils._text import clean, listed
from .environment import with_known_scripts
from .export import File, settled, to_file, with_header
from .finding import entries

Runtime = Mapping[str, Any]
UPGRADE_DAYS = 90  # a Python that ends within these days is old, too
_OFFERED = re.compile(r"\d{1,9}(\.\d{1,9})+", re.ASCII)
_VERSION = re.compile(r"\d{1,4}\.\d{1,4}(\.\d{1,4})?", re.ASCII)


class Upgrade(NamedTuple):
    """To which Python runtimes move: a branch or a version."""

    target: str
    today: date

    def is_due(self, version: Any) -> bool:
        """Whether a runtime with this version has to move."""
        left = days_left(version, self.today)
        return left is not None and left <= UPGRADE_DAYS

    def version(self, offered: Sequence[str] | None) -> str:
        """The version of the definitions. `offered`: by the server, None if it has no list. Raises ValidationError."""
        if offered is None:
            return self._whole_version()
        versions = filter(_OFFERED.fullmatch, offered)
        same = [version for version in versions if self.target in (version, branch_of(version))]
        if not same:
            known = listed([*offered], 20) or "no version"
            raise ValidationError([f"mstr_export_upgrade: this server does not offer {self.target!r}, but {known}."])
        return max(same, key=lambda version: [*map(int, version.split("."))])

    def _whole_version(self) -> str:
        """The version, which no server completes. Raises ValidationError if it is a branch."""
        if self.target.count(".") < 2:
            error = "This server has no list of Python versions. Give a whole version, such as 3.12.5"
            raise ValidationError([f"{error}, not {self.target!r}."])
        return self.target


def upgrade_errors(target: Any, today: date) -> Iterator[str]:
    """What is wrong with the value of `mstr_export_upgrade`, as a sentence."""
    if not isinstance(target, str):
        yield (
            f"mstr_export_upgrade must be text, not the number {target}, because YAML reads 3.10 as 3.1. Put the "
            'version in quotes, such as "3.12".'
        )
    elif not _VERSION.fullmatch(target):
        yield f"mstr_export_upgrade {clean(repr(target), 60)} is not a version of Python, such as 3.12 or 3.12.5."
    elif Upgrade(target, today).is_due(target):
        last = (support_of(target) or {}).get("end_of_life")
        when = f"ends or ended on {last}" if last else "has ended"
        own_end = f"Python {branch_of(target)} itself {when}, within {UPGRADE_DAYS} days"
        yield f"mstr_export_upgrade: {own_end}. Name a newer one."


def upgrade_file(read: Mapping[str, Any], upgrade: Upgrade, writer: str) -> tuple[File | None, list[str]]:
    """The definitions that replace each runtime on an outdated Python, None if there is nothing to do, and notes.

    `read`: runtimes with their scripts, and `versions`. Raises ValidationError.
    """
    unread = entries(read, "unread")
    runtimes = [with_known_scripts(runtime, unread) for runtime in read["runtimes"]]
    all_of_them, expressed = _export_of(runtimes, writer)
    due = [runtime for runtime in expressed if upgrade.is_due(runtime["runtime_version"])]
    due.sort(key=lambda runtime: (*_weight(runtime, upgrade.today), runtime["name"]))
    # Without anything to do, what the server offers does not matter.
    version = upgrade.version(read["versions"]) if due else ""
    notes = [
        *_not_moved(runtimes, upgrade),
        *_inexpressible(all_of_them, runtimes, upgrade),
        *_unread(unread),
    ]
    if due and days_left(version, upgrade.today) is None:
        notes.append(f"Until when Python {branch_of(version)} is supported is unknown.")
    notes = [clean(note, 1000) for note in notes]
    content = {"partial": True, "runtimes": [_definition(runtime, version) for runtime in due]}
    file = File("", content, comments={runtime["name"]: [*_comments(runtime, upgrade.today)] for runtime in due})
    return (with_header(file, "upgrade", writer=writer, days=UPGRADE_DAYS, notes=notes) if due else None), notes


def _export_of(runtimes: Sequence[Runtime], writer: str) -> tuple[File, list[Runtime]]:
    """The export of all runtimes, and those that are in it, as they were read, by name."""
    file = to_file(runtimes, writer)
    by_name = {each["name"]: each for each in settled(runtimes)[0] if not each["is_default"]}
    return file, [by_name[entry["name"]] for entry in file.content["runtimes"]]


def _definition(runtime: Runtime, version: str) -> dict[str, Any]:
    return {
        "name": runtime["name"],
        "runtime_version": version,
        "replace_on_change": ["runtime_version"],
        "smoke_test": True,
    }


def _weight(runtime: Runtime, today: date) -> tuple[int, int]:
    """The more runs are planned, the earlier it comes, then the more scripts."""
    scripts = runtime["scripts"] or ()
    return -sum(len(schedules(script, today)) for script in scripts), -len(scripts)


def _comments(runtime: Runtime, today: date) -> Iterator[str]:
    """What a reviewer needs to know of a runtime."""
    yield f"{_python(runtime)}; {used_by(runtime['scripts'], today)}"
    unchecked = [each["name"] for each in entries(runtime, "packages") if not project(str(each["name"]))]
    if unchecked:
        yield f"smoke_test does not check these packages, whose names it does not know: {listed(unchecked)}"


def _python(runtime: Runtime) -> str:
    support = support_of(runtime["runtime_version"]) or {}
    last = support.get("end_of_life") or "an unknown day"
    return f"Python {runtime['runtime_version']}, last day of support {last}"


def _not_moved(runtimes: Iterable[Runtime], upgrade: Upgrade) -> Iterator[str]:
    """The default runtime, and those whose support is unknown."""
    for runtime in runtimes:
        if runtime["is_default"] and upgrade.is_due(runtime["runtime_version"]):
            why = f"because it cannot be replaced: {_python(runtime)}; {used_by(runtime['scripts'], upgrade.today)}"
            yield f"The default runtime {runtime['name']!r} is not in this file, {why}."
        elif days_left(runtime["runtime_version"], upgrade.today) is None:
            version = runtime["runtime_version"]
            known = f"Python {version}, whose support is unknown" if version else "no known Python"
            yield f"Runtime {runtime['name']!r} is not in this file, because it has {known}."


def _inexpressible(file: File, runtimes: Iterable[Runtime], upgrade: Upgrade) -> Iterator[str]:
    """What no definition can express among the runtimes that have to move."""
    due = {str(each["id"]) for each in runtimes if upgrade.is_due(each["runtime_version"])}
    for (name, identity), errors in sorted(file.inexpressible.items()):
        if identity in due:
            yield f"Not in this file: no definition can express {name!r} ({identity}): {'; '.join(errors)}"


def _unread(unread: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is not known of scripts, as one sentence."""
    if unread:
        names = [name_of(each.get("script") or each.get("project")) or "the list of projects" for each in unread]
        why = str(unread[0]["error"]["msg"]).rstrip(".")
        shown = listed(list(dict.fromkeys(names)))
        yield clean(f"Scripts or their schedules could not be read: {shown} ({why}).", 1000)
