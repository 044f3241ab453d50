# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file that makes a new runtime beside each one with an outdated Python, which an export writes for a review."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from itertools import chain
from typing import Any, NamedTuple

from ...module_utils._errors import ValidationError
from ...module_utils._model.alike import is_permitted_by
from ...module_utils._model.change import compare
from ...module_utils._model.definition import definition_from, definition_of
from ...module_utils._model.python import LAST_DAYS, branch_of, days_left
from ...module_utils._model.requirements import project
from ...module_utils._model.schedules import label_of, name_of, schedule_names, used_by
from ...module_utils._text import clean, listed
from .export import File, assignments, to_file, with_header
from .finding import Json, entries
from .findings import PYTHON_DAYS, is_ending

_OFFERED = re.compile(r"\d{1,9}(\.\d{1,9})+", re.ASCII)
_BRANCH_IN_NAME = re.compile(r" \(\d{1,2}\.\d{1,3}\)$", re.ASCII)  # what an earlier upgrade put behind a name
_VERSION = re.compile(r"\d{1,4}\.\d{1,4}(\.\d{1,4})?", re.ASCII)


class Upgrade(NamedTuple):
    """To which Python runtimes move: a branch or a version."""

    target: str
    today: date

    def version(self, offered: Sequence[str] | None) -> str:
        """The version of the definitions. `offered`: by the server, None if it has no list. Raises ValidationError."""
        if offered is None:
            # No server completes the version of a branch.
            if self.target.count(".") < 2:
                error = "This server has no list of Python versions. Give a whole version, such as 3.12.5"
                raise ValidationError([f"{error}, not {self.target!r}."])
            return self.target
        versions = filter(_OFFERED.fullmatch, offered)
        same = [version for version in versions if self.target in (version, branch_of(version))]
        if not same:
            known = listed([*offered], 20) or "no version"
            raise ValidationError([f"mstr_export_upgrade: this server does not offer {self.target!r}, but {known}."])
        return max(same, key=lambda version: [*map(int, version.split("."))])


def upgrade_errors(target: Any, today: date) -> Iterator[str]:
    """What is wrong with the value of `mstr_export_upgrade`, as a sentence."""
    if not isinstance(target, str):
        yield (
            f"mstr_export_upgrade must be text, not the number {target}, because YAML reads 3.10 as 3.1. Put the "
            'version in quotes, such as "3.12".'
        )
    elif not _VERSION.fullmatch(target):
        yield f"mstr_export_upgrade {clean(repr(target), 60)} is not a version of Python, such as 3.12 or 3.12.5."
    elif is_ending(target, today):
        last = LAST_DAYS.get(str(branch_of(target)))
        when = f"ends or ended on {last}" if last else "has ended"
        own_end = f"Python {branch_of(target)} itself {when}, within {PYTHON_DAYS} days"
        yield f"mstr_export_upgrade: {own_end}. Name a newer one."


def upgrade_file(read: Json, upgrade: Upgrade, writer: str) -> tuple[File | None, list[str]]:
    """The definitions that make a new runtime beside each one on an outdated Python, None without one, and notes.

    Without definitions, the first note says why.

    `read`: `runtimes` with their scripts, the scripts without a runtime (`dangling`), what is `unread`, the `versions`
    of Python that the server offers, its address `server`, and the `exemptions` of its policy. Raises ValidationError.
    """
    runtimes = _with_known_scripts(read)
    exported = to_file(runtimes, writer)
    definitions = {entry["name"]: entry for entry in exported.content["runtimes"]}
    ending = [runtime for runtime in runtimes if is_ending(runtime["runtime_version"], upgrade.today)]
    due = _due(ending, definitions, upgrade.today)
    # Without anything to do, what the server offers does not matter.
    version = upgrade.version(read["versions"]) if due else ""
    notes = [
        *_not_moved(ending, exported, upgrade.today),
        *_unknown_support(runtimes, upgrade.today),
        *_unread(read["unread"]),
    ]
    content: dict[str, Any] = {"partial": True, "server": read["server"], "runtimes": [], "scripts": []}
    comments: dict[str, list[str]] = {}
    for runtime in due:
        plain_name = _BRANCH_IN_NAME.sub("", runtime["name"])
        name = f"{plain_name} ({branch_of(version)})"
        entry = {**definitions[runtime["name"]], "name": name, "runtime_version": version, "smoke_test": True}
        error = _name_error(runtime, entry, runtimes, comments)
        if error:
            notes.append(f"Runtime {runtime['name']!r} is not in this file: {error}.")
            continue
        kept = _why_kept(runtime)
        comments[name] = [*_comments(runtime, name, read["exemptions"], upgrade.today), *kept]
        content["runtimes"].append(entry)
        if not kept:
            content["runtimes"].append({"id": runtime["id"], "name": runtime["name"], "state": "absent"})
            content["scripts"] += assignments(runtime["scripts"], name)
    notes = [clean(note, 1000) for note in notes]
    if not ending:
        nothing = f"Nothing to upgrade: no runtime has a Python that has ended or ends within {PYTHON_DAYS} days."
        return None, [nothing, *notes]
    if not comments:
        return None, ["No file was written, because it would contain no runtime.", *notes]
    if days_left(version, upgrade.today) is None:
        notes.append(f"Until when Python {branch_of(version)} is supported is unknown.")
    file = File("", content, comments=comments)
    return with_header(file, "upgrade", writer=writer, days=PYTHON_DAYS, notes=notes), notes


def _with_known_scripts(read: Json) -> list[Json]:
    """The runtimes; `scripts_known` says whether more scripts may use them than were found."""
    found = [*chain.from_iterable(each["scripts"] for each in read["runtimes"]), *read["dangling"]]
    is_known = all(_is_of_schedules(failure, found) for failure in read["unread"])
    return [{**each, "scripts_known": is_known} for each in read["runtimes"]]


def _is_of_schedules(failure: Json, found: Iterable[Json]) -> bool:
    """Whether only the schedules or the last run of scripts that were found could not be read."""
    script, project = failure["script"], failure["project"]
    if script:
        return any(each["id"] == script["id"] for each in found)
    concerned = [each for each in found if not project or each["project"]["id"] == project["id"]]
    return bool(concerned) and all(each["tasks"] is None for each in concerned)


def _due(ending: Iterable[Json], definitions: Collection[str], today: date) -> list[Json]:
    """The runtimes to replace: those that have a definition. The one with the most planned runs comes first."""

    def place(runtime: Json) -> tuple[int, int, str]:
        schedules = [schedule_names(script, today) for script in runtime["scripts"]]
        return -sum(map(len, schedules)), -len(schedules), runtime["name"]

    return sorted((each for each in ending if not each["is_default"] and each["name"] in definitions), key=place)


def _name_error(old: Json, entry: Json, runtimes: Iterable[Json], taken: Collection[str]) -> str | None:
    """Why no runtime can be made of this entry: its name is taken. `taken`: the names of the other entries.

    A runtime that equals the entry is what an earlier run of the upgrade has made.
    """
    name = entry["name"]
    if old["name"] == name:
        return "it has the name of the new runtime itself; rename it"
    if name in taken:
        return f"another entry of this file has its new name {name!r}"
    namesakes = [runtime for runtime in runtimes if runtime["name"] == name]
    is_upgrade = all(_is_as_defined(runtime, entry) for runtime in namesakes)
    if len(namesakes) > 1 or not is_upgrade:
        ids = listed([runtime["id"] for runtime in namesakes])
        return f"a different runtime has its new name {name!r} ({ids}); rename one of them"
    return None


def _is_as_defined(runtime: Json, entry: Json) -> bool:
    """Whether an apply of the entry would not change the runtime."""
    try:
        held = definition_from(definition_of(runtime)).values
    except ValidationError:  # such as a host name in a whitelist, which no definition can have
        return False
    _merged, different = compare(held, definition_from(entry))
    return not different


def _why_kept(runtime: Json) -> list[str]:
    """Why the old runtime keeps its scripts and is not deleted; empty if it is."""
    if not runtime["scripts_known"]:
        return [
            "Not every script could be read, so the old runtime stays. Run the export again as a user who may read "
            "all scripts, or assign the scripts that use it with mstr_script_runtime and from_runtime."
        ]
    secret = [label_of(script) for script in runtime["scripts"] if script.get("has_secret")]
    if not secret:
        return []
    return [
        "A variable of these scripts holds a secret, which an update might lose, so the old runtime stays: "
        f"{listed(secret)}. Assign them with mstr_script_runtime, and check them. Then run the export again, or "
        "delete the old runtime with state: absent."
    ]


def _comments(runtime: Json, new_name: str, exemptions: Iterable[Json], today: date) -> Iterator[str]:
    """What a reviewer needs to know of a runtime."""
    yield f"{runtime['name']!r}: {_python(runtime)}; {_use(runtime, today)}"
    unchecked = [each["name"] for each in entries(runtime, "packages") if not project(str(each["name"]))]
    if unchecked:
        yield f"smoke_test does not check these packages, whose names it does not know: {listed(unchecked)}"
    for exemption in exemptions:
        meant = str(exemption.get("runtime") or "")
        is_for_old = is_permitted_by(meant, runtime["name"], runtime["id"])
        if is_for_old and not is_permitted_by(meant, new_name):
            yield f"The exemption for {meant!r} must also name {new_name!r}: {exemption.get('reason')}"


def _use(runtime: Json, today: date) -> str:
    """Who uses it, as far as that is known."""
    is_known = runtime["scripts_known"]
    if runtime["scripts"]:
        return f"{used_by(runtime['scripts'], today)}{'' if is_known else ', and perhaps by more'}"
    return "no script uses it" if is_known else "which scripts use it is unknown"


def _python(runtime: Json) -> str:
    version = runtime["runtime_version"]
    return f"Python {version}, last day of support {LAST_DAYS.get(str(branch_of(version)), 'an unknown day')}"


def _not_moved(ending: Iterable[Json], exported: File, today: date) -> Iterator[str]:
    """Those of the runtimes on an outdated Python that are not in the file."""
    for runtime in ending:
        name, identity = runtime["name"], runtime["id"]
        errors = exported.inexpressible.get((name, identity))
        if runtime["is_default"]:
            what = f"The default runtime {name!r} cannot be deleted, so it is not in this file"
            yield f"{what}: {_python(runtime)}; {_use(runtime, today)}."
        elif errors:
            yield f"Not in this file: no definition can express {name!r} ({identity}): {'; '.join(errors)}"


def _unknown_support(runtimes: Iterable[Json], today: date) -> Iterator[str]:
    """The runtimes of which nobody knows whether their Python is outdated."""
    for runtime in runtimes:
        version = runtime["runtime_version"]
        if days_left(version, today) is None:
            known = f"Python {version}, whose support is unknown" if version else "no known Python"
            yield f"Runtime {runtime['name']!r} is not in this file, because it has {known}."


def _unread(unread: Sequence[Json]) -> Iterator[str]:
    """What is not known of scripts, as one sentence."""
    if unread:
        names = [name_of(each.get("script") or each.get("project")) or "the list of projects" for each in unread]
        why = str(unread[0]["error"]["msg"]).rstrip(".")
        shown = listed(list(dict.fromkeys(names)))
        yield clean(f"Scripts or their schedules could not be read: {shown} ({why}).", 1000)
