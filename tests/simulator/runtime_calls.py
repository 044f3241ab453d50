"""The calls for runtimes: their checks and responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.fields import check_runtime
from simulator.messages import ApiError, Call, Reply, check_exists, invalid, missing
from simulator.runtimes import DEFAULT_ID, Runtime
from simulator.users import User

if TYPE_CHECKING:
    from simulator.server import Server

WRITE, DELETE = 8, 16  # bits of acg and of the rights in an acl


def _valid_id(text: str) -> str:
    if len(text) != 32 or any(c not in "0123456789abcdefABCDEF" for c in text):
        raise invalid(f"'{text}' is not a valid object ID.")
    return text


async def list_all(server: Server, call: Call) -> Reply:
    """``GET /runtimes``."""
    omitted = server.switches["list_omits"]
    answers = [call.selected(server.runtimes.to_api(r, call.user)) for r in server.runtimes.list(call.user)]
    return Reply(200, {"runtimes": [{k: v for k, v in answer.items() if k not in omitted} for answer in answers]})


async def read(server: Server, call: Call) -> Reply:
    """``GET /runtimes/{id}``."""
    runtime = server.runtimes.find(_valid_id(call.path.rpartition("/")[2]), call.user)
    return Reply(200, call.selected(server.runtimes.to_api(runtime, call.user)))


async def create(server: Server, call: Call) -> Reply:
    """``POST /runtimes``."""
    fields = check_runtime(call.json(), server.switches)
    for name in ("name", *server.switches["create_requires"]):
        if name not in fields:
            raise missing(name)
    runtime = server.runtimes.create(fields, call.user)
    server.note("create", runtime, call.user, fields.get("changeJournal", {}).get("userComments"))
    whole = server.switches["create_answer"] == "object"
    answer = server.runtimes.to_api(runtime, call.user) if whole else {"id": runtime.id}
    return Reply(int(server.switches["create_status"]), answer)


async def update(server: Server, call: Call) -> Reply:
    """``PATCH /runtimes/{id}``."""
    runtime = server.runtimes.find(_valid_id(call.path.rpartition("/")[2]), call.user)
    _permit(runtime, call.user, WRITE)
    fields = check_runtime(call.json(), server.switches)
    if "name" not in fields and server.switches.yes("patch_needs_name"):
        raise missing("name")
    server.runtimes.update(runtime, fields)
    server.note("update", runtime, call.user, fields.get("changeJournal", {}).get("userComments"))
    return Reply(204)


async def delete(server: Server, call: Call) -> Reply:
    """``DELETE /runtimes/{id}``."""
    runtime = server.runtimes.find(_valid_id(call.path.rpartition("/")[2]), call.user)
    _permit(runtime, call.user, DELETE)
    if "userComments" in call.query and not server.switches.yes("delete_comments"):
        raise invalid("The query parameter 'userComments' is not known.")
    if runtime.id == DEFAULT_ID and server.switches["default_delete"] == "refuse":
        raise ApiError(403, 17, "The default runtime cannot be deleted.")
    if server.switches["used_runtime_delete"] == "refuse" and server.projects.use(runtime.id):
        raise ApiError(400, 1, "The object cannot be deleted because other objects depend on it.", -2147217387)
    server.runtimes.remove(runtime)
    server.note("delete", runtime, call.user, call.query.get("userComments"))
    return Reply(204)


def _permit(runtime: Runtime, user: User, right: int) -> None:
    if not runtime.acg(user) & right:
        raise ApiError(403, 17, f"The user has no permission to do this on the object with ID '{runtime.id}'.")


async def versions(server: Server, call: Call) -> Reply:
    """``GET /runtimes/versions``. A server without it has one of three responses."""
    check_exists(server.switches["versions_call"], "with ID 'versions' and type 80")
    return Reply(200, {"versions": list(server.switches["python_versions"])})
