"""Seeds: runtimes, projects with scripts and tasks, users and rules that a test, or a person, puts on the server."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from simulator.messages import new_id
from simulator.packages import Rule
from simulator.users import User

if TYPE_CHECKING:
    from simulator.server import Server

_RUN_AT = "2026-11-25T02:00:00.000Z"
_LOAD = {"name": "Load sales", "runtime": "Forecasts", "last_run": {"time": _RUN_AT, "status": "success"}}
_NIGHTLY = {
    "name": "Load sales every night",
    "script": "Load sales",
    "schedule": "nightly",
    "last_run": {"status": "success", "triggered": _RUN_AT, "finished": "2026-11-25T02:00:21.000Z"},
}
# What the profile `playground` starts with, so that the guides have something to work on. README and guides create
# their other runtimes themselves.
PLAYGROUND: Mapping[str, Any] = {
    "runtimes": [
        {
            "name": "Forecasts",
            "description": "Forecasts of the sales team",
            "whitelist": ["10.10.20.0/24"],
            "packages": [{"name": "pandas", "version": "2.2.3", "description": "", "status": "installed"}],
            "resource": {"cpu": "0.2", "mem": 512},
            "execTimeout": 600,
            "minCachedInstances": 0,
            "maxCachedInstances": 5,
            "runtimeVersion": "3.10.5",  # its support has ended: the guides upgrade it to 3.12
            "others": "",
        }
    ],
    "projects": [
        {"name": "Sales", "scripts": [_LOAD, {"name": "Month end", "runtime": "Forecasts"}], "tasks": [_NIGHTLY]}
    ],
}


def seed(server: Server, body: Mapping[str, Any]) -> dict[str, Any]:
    """Add what harness.py describes."""
    only_keys("a seed", body, {"runtimes", "packages", "users", "projects", "replace"})
    if body.get("replace"):
        server.runtimes.clear()
        server.projects.clear()
    ids = [server.runtimes.seed(raw) for raw in body.get("runtimes", [])]
    for rule in body.get("packages", []):
        only_keys("a rule for packages", rule, {field.name for field in fields(Rule)})
    server.rules = [Rule(**rule) for rule in body.get("packages", [])] + server.rules
    for data in body.get("users", []):
        only_keys("a user", data, {field.name for field in fields(User)}, {"username"})
        data = {"id": new_id(), "full_name": data["username"], "password": "", **data}
        server.users[data["username"]] = User(**data)
    for data in body.get("projects", []):
        server.projects.seed(data)
    return {"ids": ids}


def only_keys(what: str, data: Mapping[str, Any], known: set[str], required: Collection[str] = ()) -> None:
    """Raise ValueError for unknown and for missing keys, with a sentence that names them."""
    unknown, missing = sorted(set(data) - known), sorted(set(required) - set(data))
    if unknown:
        raise ValueError(f"{what} has no key {', '.join(map(repr, unknown))}; known: {', '.join(sorted(known))}")
    if missing:
        raise ValueError(f"{what} needs the key {', '.join(map(repr, missing))}")
