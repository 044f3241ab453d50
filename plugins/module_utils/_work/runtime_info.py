# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads runtimes, with the scripts on them and the violations of a policy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain
from typing import Any

from .._errors import ErrorList, MstrError, ValidationError
from .._model.checks import check_projects
from .._model.installed import Installed, installed_in, mismatches
from .._model.python import python_of
from .._model.runtime import INCOMPLETE, Runtime, id_from, lists_default, status_word
from .._model.scripts import SavedScript, Unread, Usage
from .._session.parallel import all_side_by_side
from .._text import counted
from .api import ALL_FIELDS, Context, progress_line
from .inputs import POLICY_OPTION, PROJECTS_OPTION, context_for, libraries, policy_in
from .script import Script, run_script
from .script_tasks import find_tasks
from .script_usage import Reader, find_usage

# Nothing but these names, versions, requirements, Python and platform leaves the server.
SCRIPT = """\
import importlib.metadata, json, platform, sysconfig
print(json.dumps({
    "python": {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": sysconfig.get_platform(),
    },
    "packages": [
        {"name": (found.metadata or {}).get("Name"), "version": found.version, "requires": found.requires}
        for found in importlib.metadata.distributions()
    ],
}))
"""
RUN_TIMEOUT = 300.0  # seconds

# The options of every task that only reads runtimes.
READ_OPTIONS: dict[str, Any] = {
    "include_scripts": {"type": "bool", "default": False},
    "include_installed": {"type": "bool", "default": False},
    **POLICY_OPTION,
}
INFO_OPTIONS: dict[str, Any] = {
    "name": {"type": "str"},
    "id": {"type": "str"},
    "include_tasks": {"type": "bool", "default": False},
    **PROJECTS_OPTION,
    **READ_OPTIONS,
}


def query_from(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The checked options, with the policy in `policy`. Raises ValidationError with all of their errors."""
    with ErrorList() as errors:
        if params["name"] is not None and not params["name"].strip():
            errors.add(f"name {params['name']!r} is empty; omit it to read all runtimes")
        policy = errors.check(policy_in, params)
        identity = errors.check(id_from, params["id"])
        errors.check(check_projects, params["projects"])
        if params["include_tasks"] and not params["include_scripts"]:
            errors.add("include_tasks needs include_scripts: true, because tasks are found by their scripts")
    return {**params, "id": identity, "policy": policy}


def requires(params: Mapping[str, Any]) -> Mapping[str, str | None]:
    """The Python libraries that these options need besides requests."""
    return libraries(params["policy"], params["include_installed"]) if params["policy"] is not None else {}


def find_runtimes(context: Context, query: Mapping[str, Any], needed: Collection[str] = ALL_FIELDS) -> list[Runtime]:
    """The requested runtimes with the needed fields. Sorted by id, so that equal content gives an equal result."""
    name, identity = query["name"], query["id"]
    if identity is not None:
        runtime = context.api.read(identity)
        return [runtime] if runtime and name in (None, runtime.name) else []
    existing = context.api.list_all()
    if not lists_default(existing):
        context.warn(f"{INCOMPLETE}. An audit or a backup may lack runtimes.")
    listed_runtimes = [runtime for runtime in existing if name in (None, runtime.name)]
    found = all_side_by_side(
        lambda runtime: context.api.read_unless_never_set(runtime, needed),
        listed_runtimes,
        lambda number: context.progress(progress_line(number, len(listed_runtimes), "read")),
    )
    # One may have been deleted meanwhile.
    return sorted((runtime for runtime in found if runtime), key=lambda runtime: runtime.key)


def read(task: Any, query: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read the runtimes, and check them against the policy."""
    context = context_for(task)
    return with_findings(context, query, find_runtimes(context, query))


def with_findings(
    context: Context, query: Mapping[str, Any], runtimes: Sequence[Runtime], usage: Usage | None = None
) -> Mapping[str, Any]:
    """The result for these runtimes, with their scripts, and with what the policy finds.

    `usage`: which scripts use which runtime, if that was already looked up.
    """
    result: dict[str, Any] = {
        "changed": False,
        "runtimes": [runtime.to_result() for runtime in runtimes],
        "dangling": None,
    }
    if query["include_scripts"]:
        _add_scripts(context, query, runtimes, usage, result)
    found, note = [f"{counted(len(runtimes), 'runtime')} found"], ""
    installed: Mapping[str, Installed] = {}
    if query["include_installed"]:
        installed = _add_installed(context, runtimes, result)
        note = " Check mode does not run the script that lists packages." if context.check_mode else ""
    for shown in result["runtimes"]:
        shown["python"] = python_of(shown)
    if query["policy"]:
        result.update(query["policy"].report(runtimes, installed))
        found.append(f"with {counted(len(result['violations']), 'violation')} of the policy")
        found += [f"{len(result[key])} {key.replace('_', ' ')}" for key in ("exempted", "not_evaluated") if result[key]]
    return {**result, "msg": f"{', '.join(found)}.{note}"}


def _add_scripts(
    context: Context,
    query: Mapping[str, Any],
    runtimes: Sequence[Runtime],
    usage: Usage | None,
    result: dict[str, Any],
) -> None:
    """Add its scripts to each runtime of the result, and to the result scripts without a runtime and failed reads."""
    result["unread"] = []
    if not runtimes:
        return  # no script needs to be read
    reads_all = query["name"] is None and query["id"] is None
    usage = usage or find_usage(context, query["projects"])
    dangling, of_runtimes = _dangling(context, usage, runtimes, reads_all)
    by_runtime = [usage.of(runtime.id) for runtime in runtimes]
    to_result: Callable[[SavedScript], dict[str, Any]] = SavedScript.to_result
    of_tasks: Sequence[Unread] = ()
    if query["include_tasks"]:
        scripts = [*dangling, *chain.from_iterable(by_runtime)]
        tasks = find_tasks(context, usage, scripts, history=True, hidden=reads_all and query["projects"] is None)
        to_result, of_tasks = tasks.with_tasks, tasks.unread
    for shown, on_runtime in zip(result["runtimes"], by_runtime):
        shown["scripts"] = list(map(to_result, on_runtime))
    result["dangling"] = [{**to_result(script), "runtime_id": script.runtime_id} for script in dangling]
    # The first that applies is said of all of them.
    meanings = {
        "The scripts are incomplete, so a runtime without scripts may still be used.": usage.unread,
        "Scripts may use runtimes that do not exist.": of_runtimes,
        "The planned tasks and last runs are incomplete.": of_tasks,
    }
    what = next((text for text, unread in meanings.items() if unread), "")
    _add_unread(context, what, [*usage.unread, *of_runtimes, *of_tasks], result)


def _add_unread(context: Context, what: str, unread: Sequence[Unread], result: dict[str, Any]) -> None:
    """Add what could not be read to the result, and warn once of all of it. `what`: what this means."""
    result["unread"] = [*result.get("unread", ()), *(failure.to_result() for failure in unread)]
    if unread:
        more = f" The result lists {len(unread) - 1} more under unread." if len(unread) > 1 else ""
        context.warn(f"{what} {unread[0].error.sentence}{more}")


def _dangling(
    context: Context, usage: Usage, runtimes: Sequence[Runtime], reads_all: bool
) -> tuple[list[SavedScript], Sequence[Unread]]:
    """The scripts whose runtime does not exist, and a failed read for each runtime of which that is not known."""
    unknown = {str(script.runtime_id) for script in usage.scripts} - {runtime.key for runtime in runtimes}
    if unknown and not reads_all:
        unknown -= {runtime.key for runtime in context.api.list_all()}

    def scripts_beside(script: SavedScript) -> list[SavedScript]:
        """The scripts on the runtime of this one if it does not exist. A list may omit a runtime that exists."""
        runtime = context.api.read(str(script.runtime_id))
        return usage.of(script.runtime_id) if runtime is None else []

    reader = Reader(context)
    # Of each runtime, one script stands for the others.
    dangling = reader.each(scripts_beside, [usage.of(identity)[0] for identity in sorted(unknown)])
    return list(chain.from_iterable(dangling)), reader.all_unread()


# --- installed packages


def _add_installed(context: Context, runtimes: Sequence[Runtime], result: dict[str, Any]) -> Mapping[str, Installed]:
    """Add to the result what is installed in each runtime, and return it by the key of the runtime.

    In check mode, no script runs and nothing is known. Raises MstrError only if the task must end.
    """
    by_key: Mapping[str, Installed] = {}
    result["mismatches"] = None
    if not context.check_mode:
        reader = Reader(context)
        by_key = dict(
            reader.each(
                lambda runtime: (runtime.key, _installed_on(context, runtime)),
                runtimes,
                lambda done: context.progress(progress_line(done, len(runtimes), "asked for their packages")),
            )
        )
        result["mismatches"] = [
            {"name": runtime.name, "id": runtime.id, **row}
            for runtime in runtimes
            if runtime.key in by_key
            for row in mismatches(by_key[runtime.key], runtime.values.get("packages") or ())
        ]
        what = "Some lists of installed packages could not be read."
        _add_unread(context, what, reader.all_unread(), result)
    for shown, runtime in zip(result["runtimes"], runtimes):
        shown["installed"] = by_key[runtime.key].to_result() if runtime.key in by_key else None
    return by_key


def _installed_on(context: Context, runtime: Runtime) -> Installed:
    """What is installed in a runtime. Raises MstrError."""
    status = status_word(runtime.facts.get("status"))
    if status not in ("ready", "unknown"):  # on some servers, the status is unknown until a first script has run
        raise MstrError(f"Runtime {runtime.label} has the status {status}, so no script was run on it.")
    script = Script(SCRIPT, runtime.id, RUN_TIMEOUT, runtime.name)
    ended = run_script(context.session, script, context.clock, context.pause)
    try:
        return installed_in(ended["stdout"])
    except ValueError as exc:
        raise ValidationError([f"What the script on runtime {runtime.label} printed {exc}."]) from exc
