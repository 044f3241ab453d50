# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls for runtimes: their checks and responses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from simulator.fields import check_runtime
from simulator.messages import ApiError, Call, Reply, invalid, missing, not_found
from simulator.runtimes import DEFAULT_ID, Runtime
from simulator.users import User

if TYPE_CHECKING:
    from simulator.server import Server

WRITE, DELETE = 8, 16  # bits of acg and of the rights in an acl


def _only(answer: dict[str, Any], call: Call, omitted: Iterable[str] = ()) -> dict[str, Any]:
    """Return the fields in ``fields=``, or all fields except the omitted ones."""
    wanted = [name for name in call.query.get("fields", "").split(",") if name]
    hidden = set(omitted)
    return {k: v for k, v in answer.items() if k not in hidden and (not wanted or k in wanted)}


def _user(call: Call) -> User:
    assert call.session is not None
    return call.session.user


def _valid_id(text: str) -> str:
    if len(text) != 32 or any(c not in "0123456789abcdefABCDEF" for c in text):
        raise invalid(f"'{text}' is not a valid object ID.")
    return text


async def list_all(server: Server, call: Call) -> Reply:
    """``GET /runtimes``."""
    user, omitted = _user(call), server.switches["list_omits"]
    objects = [_only(server.runtimes.to_api(r, user), call, omitted) for r in server.runtimes.list(user)]
    return Reply(200, {"runtimes": objects})


async def read(server: Server, call: Call) -> Reply:
    """``GET /runtimes/{id}``."""
    runtime = server.runtimes.find(_valid_id(call.path.rpartition("/")[2]), _user(call))
    return Reply(200, _only(server.runtimes.to_api(runtime, _user(call)), call))


async def create(server: Server, call: Call) -> Reply:
    """``POST /runtimes``."""
    fields = check_runtime(call.json(), server.switches)
    for name in ("name", *server.switches["create_requires"]):
        if name not in fields:
            raise missing(name)
    runtime = server.runtimes.create(fields, _user(call))
    server.note("create", runtime, _user(call), fields.get("changeJournal", {}).get("userComments"))
    whole = server.switches["create_answer"] == "object"
    answer = server.runtimes.to_api(runtime, _user(call)) if whole else {"id": runtime.id}
    return Reply(int(server.switches["create_status"]), answer)


async def update(server: Server, call: Call) -> Reply:
    """``PATCH /runtimes/{id}``."""
    runtime = server.runtimes.find(_valid_id(call.path.rpartition("/")[2]), _user(call))
    _permit(runtime, _user(call), WRITE)
    fields = check_runtime(call.json(), server.switches)
    if "name" not in fields and server.switches.yes("patch_needs_name"):
        raise missing("name")
    server.runtimes.update(runtime, fields)
    server.note("update", runtime, _user(call), fields.get("changeJournal", {}).get("userComments"))
    return Reply(204)


async def delete(server: Server, call: Call) -> Reply:
    """``DELETE /runtimes/{id}``."""
    runtime = server.runtimes.find(_valid_id(call.path.rpartition("/")[2]), _user(call))
    _permit(runtime, _user(call), DELETE)
    if "userComments" in call.query and not server.switches.yes("delete_comments"):
        raise invalid("The query parameter 'userComments' is not known.")
    if runtime.id == DEFAULT_ID and server.switches["default_delete"] == "refuse":
        raise ApiError(403, 17, "The default runtime cannot be deleted.")
    if server.switches["used_runtime_delete"] == "refuse" and server.projects.use(runtime.id):
        raise ApiError(400, 1, "The object cannot be deleted because other objects depend on it.", -2147217387)
    server.runtimes.remove(runtime)
    server.note("delete", runtime, _user(call), call.query.get("userComments"))
    return Reply(204)


def _permit(runtime: Runtime, user: User, right: int) -> None:
    if not runtime.acg(user) & right:
        raise ApiError(403, 17, f"The user has no permission to do this on the object with ID '{runtime.id}'.")


async def versions(server: Server, call: Call) -> Reply:
    """``GET /runtimes/versions``. A server without it has one of three responses."""
    how = server.switches["versions_call"]
    if how == "404":
        raise ApiError(404, 4, "HTTP 404 Not Found")
    if how == "405":
        raise ApiError(405, 1, "HTTP 405 Method Not Allowed")
    if how == "as_id":
        raise not_found("with ID 'versions' and type 80")
    return Reply(200, {"versions": list(server.switches["python_versions"])})
