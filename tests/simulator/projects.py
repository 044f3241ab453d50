"""Projects, the scripts saved in them, and the metadata search that finds those scripts [mstrio]."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from simulator.messages import (
    ApiError,
    Call,
    Reply,
    invalid,
    missing,
    new_id,
    no_such_call,
    not_found,
    only,
    page,
    shown_time,
)
from simulator.runtimes import DEFAULT_ID, stamp
from simulator.runtimes import TYPE as RUNTIME_TYPE
from simulator.seed import only_keys
from simulator.tasks import Task, task_from_seed
from simulator.users import User

if TYPE_CHECKING:
    from simulator.server import Server

TUTORIAL_ID = "B19DEDCC11D4E0EFC000EB9495D0F44F"  # the same on every server, because it is the vendor's sample project
SCRIPT_TYPE = 76
COMMAND_MANAGER, PYTHON = 19456, 19457
# Subtype: how the script is used [mstrio].
USAGES = {
    COMMAND_MANAGER: "commandManager",
    PYTHON: "commandManager",
    19458: "commandManager",
    19459: "dataSource",
    19460: "transaction",
    19461: "pythonSimpleFunction",
    19462: "pythonAggFunction",
    19463: "pythonNoSortAggFunction",
    19464: "pythonRelativeFunction",
    19465: "pythonNoSortRelativeFunction",
}
LOADED, NOT_LOADED = 0, -1  # status of a project [mstrio]
EXACTLY, CONTAINS = 2, 4  # patterns of a search [mstrio]


@dataclass(eq=False)
class SavedScript:
    """A script. ``runtime`` is an id, or None for a script without a runtime. ``readers`` None means all."""

    id: str
    name: str
    owner: User
    subtype: int = PYTHON
    runtime: str | None = None
    readers: list[str] | None = None
    code: str = "print('hello')\n"
    folder: str = "Scripts"
    description: str = ""
    variables: list[Any] = field(default_factory=list)
    last_run: Mapping[str, Any] | None = None
    modified: str = field(default_factory=stamp)
    version: str = field(default_factory=new_id)

    def is_read_by(self, user: User) -> bool:
        """Whether a user may read and change it. Its owner always may [help]."""
        return self.readers is None or user is self.owner or user.username in self.readers


@dataclass(eq=False)
class Project:
    id: str
    name: str
    loaded: bool = True
    scripts: list[SavedScript] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    folders: dict[str, str] = field(default_factory=dict)  # ids by name

    def folder_id(self, name: str) -> str:
        return self.folders.setdefault(name, new_id())


class Projects:
    def __init__(self, server: Server) -> None:
        self._server = server
        self._by_id: dict[str, Project] = {}
        self.searches: dict[str, tuple[User, Project, list[SavedScript]]] = {}  # who searched, where, and the results
        self.schedule_ids: dict[str, str] = {}  # by name
        self.seed({"name": "MicroStrategy Tutorial", "id": TUTORIAL_ID})

    def __iter__(self) -> Iterator[Project]:
        return iter(list(self._by_id.values()))

    def clear(self) -> None:
        """Delete all projects with their scripts."""
        self._by_id.clear()

    def seed(self, data: Mapping[str, Any]) -> str:
        """Add a project with scripts and tasks, or add those to the project with that name. Return the project's id."""
        only_keys("a project", data, {"name", "id", "loaded", "scripts", "tasks"}, {"name"})
        project = next((project for project in self if project.name == data["name"]), None)
        if project is None:
            project_id = str(data.get("id") or new_id()).upper()
            project = self._by_id.setdefault(project_id, Project(project_id, data["name"]))
        project.loaded = bool(data.get("loaded", project.loaded))
        project.scripts += [self._script(script) for script in data.get("scripts", [])]
        project.tasks += [task_from_seed(self._server, project, task) for task in data.get("tasks", [])]
        return project.id

    def _script(self, data: Mapping[str, Any]) -> SavedScript:
        only_keys("a script", data, {each.name for each in fields(SavedScript)}, {"name"})
        named = data.get("runtime")
        known = [runtime.id for runtime in self._server.runtimes if named in (runtime.id, runtime.name)]
        runtime = known[0] if known else named  # a name without a runtime is the id of a deleted one
        owner, script_id = self._server.users[data.get("owner", "admin")], str(data.get("id") or new_id()).upper()
        return SavedScript(**{**data, "id": script_id, "runtime": runtime, "owner": owner})

    def of(self, call: Call) -> Project:
        """The project in the header of a call, or raise the API's error."""
        project_id = call.header("X-MSTR-ProjectID")
        if not project_id:
            raise missing("X-MSTR-ProjectID")
        project = self._by_id.get(project_id.upper())
        if project is None:
            raise not_found(f"with ID '{project_id}' and type 32")
        if not project.loaded:
            raise ApiError(500, 1, f"The project '{project.name}' is not loaded.")
        return project

    def to_json(self) -> list[dict[str, Any]]:
        """Everything for tests."""
        return [
            {
                "id": project.id, "name": project.name, "loaded": project.loaded,
                "scripts": [
                    {"id": s.id, "name": s.name, "subtype": s.subtype, "runtime": s.runtime, "owner": s.owner.username,
                     "folder": s.folder, "description": s.description, "variables": s.variables, "code": s.code}
                    for s in project.scripts
                ],
            }
            for project in self
        ]  # fmt: skip


async def list_all(server: Server, call: Call) -> Reply:
    """``GET /projects``."""
    return Reply(
        200,
        [
            {"acg": 255, "id": project.id, "name": project.name, "alias": "", "description": "",
             "status": LOADED if project.loaded else NOT_LOADED}
            for project in server.projects
        ],
    )  # fmt: skip


async def search(server: Server, call: Call) -> Reply:
    """``POST /metadataSearches/results``, since release 11.3, and the newer ``POST /v2/…``, with a body, even empty."""
    switches, version = server.switches, "2" if call.path.startswith("/v2/") else "1"
    if switches["search_versions"] not in ("both", version):
        raise no_such_call("404")
    project, user = server.projects.of(call), call.user
    if version == "2":
        call.json_object()
    if "type" not in call.query:
        raise missing("type")
    found = [script for script in project.scripts if _matches(script, call.query) and script.is_read_by(user)]
    search_id = new_id()
    server.projects.searches[search_id] = (user, project, found)
    return Reply(200, {"id": search_id, "totalItems": len(found)})


def _matches(script: SavedScript, query: Mapping[str, str]) -> bool:
    if query["type"] not in (str(SCRIPT_TYPE), str(script.subtype)):
        return False
    name, pattern = query.get("name", ""), query.get("pattern", str(CONTAINS))
    return script.name == name if pattern == str(EXACTLY) and name else name.casefold() in script.name.casefold()


async def results(server: Server, call: Call) -> Reply:
    """``GET /metadataSearches/results``: a page; a limit of -1 is all [mstrio]."""
    project, query = server.projects.of(call), call.query
    user, where, found = server.projects.searches.get(query.get("searchId", ""), (None, None, []))
    if where is not project or user is not call.user:
        raise not_found(f"search '{query.get('searchId')}'")
    offset, limit = page(query)
    size = min(server.switches["search_page_limit"] or len(found), len(found) if limit == -1 else limit)
    return Reply(200, [_object(server, script) for script in found[offset : offset + size]])


def _object(server: Server, script: SavedScript) -> dict[str, Any]:
    """The fields that every call returns for a script."""
    modified = shown_time(script.modified, server.switches)
    return {
        "name": script.name, "id": script.id, "type": SCRIPT_TYPE, "subtype": script.subtype,
        "description": script.description, "dateCreated": modified, "dateModified": modified,
        "version": script.version, "acg": 255, "owner": {"name": script.owner.full_name, "id": script.owner.id},
    }  # fmt: skip


def _find(server: Server, call: Call) -> SavedScript:
    script_id = call.path.rpartition("/")[2]
    found = [script for script in server.projects.of(call).scripts if script.id == script_id.upper()]
    if found and found[0].is_read_by(call.user):
        return found[0]
    if found:
        raise ApiError(403, 17, f"The user has no permission on the object with ID '{script_id}'.")
    raise not_found(f"with ID '{script_id}' and type {SCRIPT_TYPE}")


async def read_script(server: Server, call: Call) -> Reply:
    """``GET /scripts/{id}``."""
    script = _find(server, call)
    if script.subtype == COMMAND_MANAGER:
        raise invalid("A Command Manager script is not a Python script.")
    answer = {**_object(server, script), **_details(server, script)}
    return Reply(200, call.selected(answer))


def _details(server: Server, script: SavedScript) -> dict[str, Any]:
    """What only the calls for scripts show."""
    details: dict[str, Any] = {
        "scriptType": "jupyterNotebook" if script.subtype == PYTHON + 1 else "python",
        "scriptResultType": "reserved",
        "scriptContent": base64.b64encode(script.code.encode()).decode(),
        "variables": [_variable(server, each) for each in script.variables],
    }
    if server.switches.yes("script_usage"):
        details["scriptUsageType"] = USAGES[script.subtype]
    how = server.switches["script_without_runtime"]
    if script.runtime is not None:
        details["scriptRuntimeId"] = script.runtime
    elif how != "left_out":
        details["scriptRuntimeId"] = DEFAULT_ID if how == "default_id" else None
    return details


def _variable(server: Server, variable: Any) -> Any:
    """A variable as a server shows it. A seed may contain any value."""
    if server.switches["enumerations"] == "text" and isinstance(variable, dict) and "type" in variable:
        return {**variable, "type": str(variable["type"])}
    return variable


async def read_scripts(server: Server, call: Call) -> Reply:
    """``GET /scripts?ids=``: with other keys than a single read [mstrio, schema]."""
    how = server.switches["scripts_by_ids"]
    if how == "404":
        raise no_such_call("404")
    project = server.projects.of(call)
    ids = call.query.get("ids", "").upper().split(",")
    found = [script for script in project.scripts if script.id in ids and script.is_read_by(call.user)]
    entries = [_entry(server, script) for script in found if script.subtype != COMMAND_MANAGER]
    return Reply(200, call.selected({"totalItems": len(entries), "result": entries}))


def _entry(server: Server, script: SavedScript) -> dict[str, Any]:
    modified = shown_time(script.modified, server.switches)
    entry = {
        "id": script.id, "name": script.name, "description": script.description, "dateCreated": modified,
        "dateModified": modified, "objectVersion": script.version, "ownerId": script.owner.id, "objectNames": [],
        "hidden": False, "objectAcl": [], "accessGranted": 255, **_details(server, script),
        "scriptUsageType": USAGES[script.subtype],
    }  # fmt: skip
    if server.switches["scripts_by_ids"] == "incomplete":
        entry.pop("scriptRuntimeId", None)
    return entry


async def read_object(server: Server, call: Call) -> Reply:
    """``GET /objects/{id}?type=76``: the properties that all objects have; only of scripts here."""
    if call.query.get("type") == str(RUNTIME_TYPE):
        return Reply(200, server.runtimes.to_api(server.runtimes.find(call.path.rpartition("/")[2])))
    if call.query.get("type") != str(SCRIPT_TYPE):
        raise invalid("The simulator reads objects of the types 76 and 80 only.")
    script, project = _find(server, call), server.projects.of(call)
    # The folder has level 1 [mstrio]; the highest folder comes first.
    ancestors = [
        {"id": project.folder_id("Public Objects"), "name": "Public Objects", "level": 2},
        {"id": project.folder_id(script.folder), "name": script.folder, "level": 1},
    ]
    return Reply(200, {**_object(server, script), "acl": [], "hidden": False, "ancestors": ancestors})


# Key of a body: attribute of the script, and its value after a PUT without this key where the server resets those.
_CHANGES: Mapping[str, tuple[str, Any]] = {
    "name": ("name", None),
    "folderId": ("folder", None),
    "description": ("description", ""),
    "scriptContent": ("code", ""),
    "scriptRuntimeId": ("runtime", None),
    "variables": ("variables", []),
}


async def update_script(server: Server, call: Call) -> Reply:
    """``PUT /scripts/{id}``: the name and the folder are always required [mstrio]."""
    script, project = _find(server, call), server.projects.of(call)
    body, switches = call.json_object(), server.switches
    only(body, {*_CHANGES, "scriptType", "scriptResultType", "scriptUsageType"})
    for key in ("name", "folderId"):
        if not body.get(key):
            raise missing(key)
    folders = {identity: name for name, identity in project.folders.items()}
    if body["folderId"] not in folders:
        raise not_found(f"with ID '{body['folderId']}' and type 8")
    new = {**body, "folderId": folders[body["folderId"]]}
    if "scriptContent" in new:
        new["scriptContent"] = base64.b64decode(new["scriptContent"]).decode()
    for key, (attribute, unset) in _CHANGES.items():
        if key in new:
            setattr(script, attribute, new[key])
        elif switches["script_put_omitted"] == "reset":
            setattr(script, attribute, unset)
    usage = body.get("scriptUsageType", "commandManager" if switches["script_put_omitted"] == "reset" else None)
    if usage not in (None, USAGES[script.subtype]):
        script.subtype = next(
            subtype for subtype, name in USAGES.items() if name == usage and subtype != COMMAND_MANAGER
        )
    script.version, script.modified = new_id(), stamp()
    return Reply(204)


async def update_object(server: Server, call: Call) -> Reply:
    """``PUT /objects/{id}?type=76``: [mstrio] sends the unchanged name here whenever it changes a script."""
    body = call.json_object()
    if call.query.get("type") == str(RUNTIME_TYPE):
        only(body, {"acl"})  # which has no effect here
        return await read_object(server, call)
    script = _find(server, call)
    only(body, {"name", "description"})
    script.name, script.description = body.get("name", script.name), body.get("description", script.description)
    return await read_object(server, call)
