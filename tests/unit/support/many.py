"""Short ways to a task for many runtimes."""

from __future__ import annotations

from functools import partial

from ansible_collections.mstr.library.plugins.module_utils._errors import Interrupted, MstrError, PartialError
from ansible_collections.mstr.library.plugins.module_utils._model.definition import Purge, definition_from
from ansible_collections.mstr.library.plugins.module_utils._work.api import Inputs, Waiting
from ansible_collections.mstr.library.plugins.module_utils._work.many import reconcile_many, result_of
from ansible_collections.mstr.library.plugins.module_utils._work.reconcile import warn_of_broken
from ansible_collections.mstr.library.plugins.module_utils._work.script_usage import find_usage
from ansible_collections.mstr.library.plugins.module_utils._work.scripts import script_entries, used_refusals

from .make import refusal, stored
from .server import Server

A, B, C, D = (letter * 32 for letter in "ABCD")
LIST = "GET /runtimes"
NO = refusal(403, "ERR0017", "no permission")


def holding(**names):
    """A server with these runtimes, by name: an id, or all fields."""
    runtimes = [(name, entry if isinstance(entry, dict) else {"id": entry}) for name, entry in names.items()]
    return Server(*(stored(**{"name": name, **fields}) for name, fields in runtimes))


def run(
    server,
    *entries,
    restore=False,
    purge=False,
    exclude=(),
    limit=None,
    comment=None,
    scripts=None,
    protect=False,
    **how,
):
    """What mstr_runtimes returns, of a task that fails, too.

    `restore`: its file is a backup. `protect`: the option protect_used.
    """
    blank = {"id": None, "name": None}
    inputs = Inputs(
        [definition_from(entry)._replace(place=f"runtimes[{index}]") for index, entry in enumerate(entries)],
        Purge(exclude, limit, comment) if purge and not restore else None,
        None if scripts is None else script_entries([{**blank, **script} for script in scripts]),
        restore=restore,
    )
    context = server.context(inputs, protects=protect, **how)
    try:
        outcome = reconcile_many(context)
        warn_of_broken(context, outcome.steps)
        return result_of(context, outcome)
    except PartialError as exc:
        if "changed" not in exc.result:  # refused before any write
            raise
        return exc.to_result()


restore = partial(run, restore=True)


def both(server, *entries, **how):
    """The results of check mode and of the run after it."""
    return [run(server, *entries, check_mode=check_mode, **how) for check_mode in (True, False)]


def assigned(name, runtime, **more):
    """A script that is to use a runtime."""
    return {"name": name, "project": "Sales", "runtime": runtime, **more}


def outcome(server, *entries, **how):
    """What `run` returns, or the message of a task that is refused."""
    try:
        return run(server, *entries, **how)
    except (MstrError, Interrupted) as exc:
        return {"msg": exc.sentence, "runtimes": [], "changed": False}


def message(server, *entries, **how):
    """What a task says, of one that is refused, too."""
    return outcome(server, *entries, **how)["msg"]


def actions(result):
    """What was done with each defined and purged runtime; "failed" if nothing was, beside an error."""
    rows = result["runtimes"]
    return [(row["name"], "failed" if row["action"] == "none" and row["error"] else row["action"]) for row in rows]


def moves(result):
    """What was done with each script."""
    return [(script["name"], script["action"]) for script in result["scripts"]]


def move(server, name, runtime):
    """Somebody assigns a runtime to a script."""
    for script in next(iter(server.core.projects)).scripts:
        script.runtime = runtime if script.name == name else script.runtime


def names_by_id(server):
    return {identity: runtime["name"] for identity, runtime in server.runtimes.items()}


def summary(**counts):
    names = ("created", "updated", "deleted", "unchanged", "moved", "failed")
    return {**dict.fromkeys(names, 0), **counts}


def waits(have, timeout=50, pause=None):
    """The options to wait for a few looks."""
    return {"waits": True, "waiting": Waiting(timeout, 1.0), "pause": pause or have.pause}


def why_kept(server, *runtimes):
    """Why the runtimes must not be deleted, with protect_used."""
    context = server.context()
    return [why for _runtimes, why in used_refusals(context, find_usage(context, None), runtimes)]
