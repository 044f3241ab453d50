# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of an approved plan: written after a check, read before the apply that may do exactly this.

A plan is compared by its id. What differs is compared as two lists of differences, each of one value of one object.
Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._model.file import FileError, from_json
from ...module_utils._session.transport import VERSION
from ...module_utils._text import first_lines
from .changes import change_texts, script_text
from .differences import value_texts
from .environment import EnvironmentReport
from .finding import Json
from .texts import json_text

# The version of the file's format.
FORMAT = 1
# Between the id of a plan and its server, in what a check hands on.
ON_SERVER = " on "
_MOST = 20
_REPEAT = "Start the playbook again with --check and mstr_plan_dest, and have the new plan approved."


class ApprovedPlan(NamedTuple):
    """The approved plan of one environment. `differences`: see `differences_of`; empty if only its id is known."""

    plan_id: str
    differences: Sequence[Json] = ()


def plan_text(environments: Iterable[EnvironmentReport], not_reached: Mapping[str, str], generated: str) -> str:
    """The text of the file, after a check of these environments. `generated`: time in ISO 8601.

    `not_reached`: why other environments have no plan, by name.
    """
    entries = [
        {
            **{key: getattr(each, key) for key in ("environment", "server", "plan_id", "message", "summary")},
            "differences": differences_of(each),
        }
        for each in environments
    ]
    entries += [{"environment": host, "message": f"it was not reached: {why}"} for host, why in not_reached.items()]
    content = {
        "format": FORMAT,
        "collection": f"mstr.library {VERSION}",
        "generated": generated,
        "environments": sorted(entries, key=lambda entry: str(entry["environment"])),
    }
    return json_text(content, sort_keys=True)


def differences_of(environment: EnvironmentReport) -> list[Json]:
    """What a plan would change, value by value: the object (`runtime` or `script`), its `id`, the `action`, and what
    changes (`field`, `before`, `after`), or the `error` of what cannot be planned. A deletion is one difference."""
    found: list[Any] = []
    for change in environment.changes:
        shared = {"runtime": change["name"], "id": change["id"], "action": change["action"]}
        found += [{**shared, **difference} for difference in _values_of(change)]
    for script in environment.scripts:
        values = {key: script.get(key) for key in ("id", "project", "action", "before", "after", "error")}
        found.append({"script": script["name"], "field": "runtime", **values})
    plain: list[Json] = json.loads(json.dumps(found, default=str).encode("utf-8", "replace"))
    return plain


def _values_of(change: Json) -> Iterator[Json]:
    if change["error"]:
        yield {"error": change["error"]}
    if change["action"] == "deleted":
        yield {"definition": change["definition"]}
    else:
        yield from change["fields"]
    if change["smoke_test"]:
        yield {"field": "smoke_test", "before": None, "after": change["smoke_test"]}


def environments_of(text: str) -> list[Json]:
    """The environments in the text of such a file. Raises ValueError with the rest of a sentence."""
    try:
        content = from_json(text)
    except FileError:
        raise
    except ValueError:
        raise ValueError("is not a plan: it is not JSON") from None
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        raise ValueError(f"is not a plan in format {FORMAT}; write one with --check and mstr_plan_dest")
    environments = content.get("environments")
    if not isinstance(environments, list):
        raise ValueError("is not a plan: it has no list of environments")
    named = [isinstance(entry, Mapping) and "environment" in entry for entry in environments]
    if not all(named):
        raise ValueError(f"is not a plan: environments[{named.index(False)}] has no name (environment)")
    return environments


def plan_of(text: str, environment: str, server: str | None = None) -> ApprovedPlan:
    """The plan of one environment in the text of such a file. Raises ValueError with the rest of a sentence.

    `server`: the address of the server to which the plan would be applied.
    """
    entries = [entry for entry in environments_of(text) if entry["environment"] == environment]
    if len(entries) != 1:
        how_many = "more than one plan" if entries else "no plan"
        raise ValueError(f"has {how_many} for {environment}, so nothing was changed there")
    [entry] = entries
    checked = entry.get("server") or server
    if server and server != checked:
        raise ValueError(
            f"has a different plan for {environment}: approved for {checked}, now it is {server}. Nothing was written"
        )
    if not entry.get("plan_id"):
        why = entry.get("message") or "it has no plan_id"
        raise ValueError(f"has no plan for {environment}, because its check failed: {why}")
    plan = ApprovedPlan(str(entry["plan_id"]), entry.get("differences") or ())
    try:
        refusal(plan, ())  # it reads every difference
    except Exception:
        raise ValueError(f"is not a plan: the differences of {environment} cannot be read") from None
    return plan


def refusal(approved: ApprovedPlan, now: Sequence[Json]) -> str:
    """The message that the plan is different by now, with what differs: approved beside now, deletions first."""
    before, after = approved.differences, now
    differing = [("approved", each) for each in before if each not in after]
    differing += [("now", each) for each in after if each not in before]
    differing.sort(key=lambda pair: _order(pair[1]))
    most = _MOST + sum(difference["action"] == "deleted" for _when, difference in differing)
    lines = first_lines([f"{when}: {_text(difference)}" for when, difference in differing], most, "And {} more.")
    first = f"The plan is different from the approved one ({approved.plan_id}). Nothing was written. What differs:"
    return "\n".join([first, *lines, _REPEAT])


def _order(difference: Json) -> tuple[bool, str, str]:
    """Deletions first, then object by object, and value by value."""
    name = str(difference.get("runtime") or difference.get("script"))
    return difference["action"] != "deleted", name, str(difference.get("field"))


def _text(difference: Json) -> str:
    """A difference of a plan as a sentence."""
    if "script" in difference:
        return script_text({**difference, "name": difference["script"]}, predicted=True)
    fields = [difference] if "field" in difference else []
    change = {"action": difference["action"], "fields": fields, "smoke_test": None, "error": difference.get("error")}
    text = f"{difference['runtime']!r} {'; '.join(change_texts(change, predicted=True))}"
    definition = [f"{key} {', '.join(value_texts(value))}" for key, value in difference.get("definition", {}).items()]
    return f"{text}: {'; '.join(definition)}" if definition else text
