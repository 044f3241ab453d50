"""A small model of a controller's API: enough for the modules of awx.awx to create, find, change and remove objects.

It stores objects and returns them in the API's form. It behaves like AWX 24.6.1 in everything that a second run of a
playbook could notice. It never shows a secret, and keeps a secret that is sent back masked. It completes the inputs of
credential types, deletes inventories with a delay, and refuses to delete objects that a running job uses. A template
that uses a deleted object is left without it. A copy has the description of the original. An organization is deleted
with everything that is in it. The name of an execution environment is unique on the whole controller. A token stays
until it is deleted. Projects have revisions. `jobs.py` runs job templates and workflows, `output.py` shows them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from plays.awx.output import faults_of_messages
from plays.awx.serving import PASSWORD, Refused, handler

ADMIN = "admin"
VIEWER = "viewer"
TYPES = {
    "applications": "application",
    "credential_types": "credential_type",
    "credentials": "credential",
    "execution_environments": "execution_environment",
    "groups": "group",
    "hosts": "host",
    "inventories": "inventory",
    "job_templates": "job_template",
    "notification_templates": "notification_template",
    "organizations": "organization",
    "projects": "project",
    "schedules": "schedule",
    "teams": "team",
    "tokens": "o_auth2_access_token",
    "users": "user",
    "workflow_approval_templates": "workflow_approval_template",
    "workflow_job_template_nodes": "workflow_job_template_node",
    "workflow_job_templates": "workflow_job_template",
}
# The objects that are deleted with an object: their kinds, and the field in which they name it.
GOES_WITH = {
    "inventories": [("groups", "inventory"), ("hosts", "inventory")],
    "job_templates": [("schedules", "unified_job_template")],
    "organizations": [
        (kind, "organization")
        for kind in (
            "applications",
            "credentials",
            "execution_environments",
            "inventories",
            "job_templates",
            "notification_templates",
            "projects",
            "teams",
            "workflow_job_templates",
        )
    ],
    "projects": [("schedules", "unified_job_template")],
    "workflow_job_templates": [
        ("schedules", "unified_job_template"),
        ("workflow_job_template_nodes", "workflow_job_template"),
    ],
}
# The fields in which templates and nodes name what they use.
USES = ("execution_environment", "inventory", "project", "unified_job_template")
# The roles that users and teams can have on an object.
ROLES = {
    "inventories": ("admin_role", "use_role", "read_role"),
    "job_templates": ("admin_role", "execute_role", "read_role"),
    "workflow_job_templates": ("admin_role", "execute_role", "approval_role", "read_role"),
}
ENCRYPTED = "$encrypted$"
PAGE = 25
# How many times a deleted inventory is still listed.
LINGERS = 2


class Controller:
    """A running model, as a context manager. `url` is its address; `writes` are the calls that changed something.

    `broken` are calls that fail, such as "POST /api/v2/schedules/". `running` are the ids of templates with a job that
    has not ended, `jobs` are other jobs that have not ended. `commits` is the git repository of every project:
    revisions with the definitions of each environment.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[int, dict[str, Any]]] = {kind: {} for kind in TYPES}
        self.associated: dict[tuple[str, int, str], list[int]] = {}
        self.surveys: dict[int, Any] = {}
        self.writes: list[str] = []
        self.requests = 0
        self.broken: list[str] = []
        self.running: list[int] = []
        self.jobs: list[dict[str, Any]] = []
        self.commits: list[tuple[str, dict[str, Any]]] = [("0" * 39 + "a", {})]
        self._dying: dict[int, int] = {}
        self._last_id = 100
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))

    def __enter__(self) -> Controller:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def environment(self, username: str = ADMIN, password: str = PASSWORD) -> dict[str, str]:
        """The variables that make awx.awx use this model."""
        return {"CONTROLLER_HOST": self.url, "CONTROLLER_USERNAME": username, "CONTROLLER_PASSWORD": password}

    def names(self, kind: str) -> list[str]:
        return sorted(thing.get("name", "") for thing in self.objects[kind].values())

    def named(self, kind: str, name: str) -> dict[str, Any]:
        (thing,) = [
            thing for thing in self.objects[kind].values() if thing.get("name", thing.get("identifier")) == name
        ]
        return thing

    def add(self, kind: str, /, **fields: Any) -> dict[str, Any]:
        """Add an object that a different user created."""
        with self._lock:
            return self._create(kind, fields)

    def push(self, **definitions: Any) -> str:
        """Commit definitions, by the name of the environment, and return the new revision."""
        self.commits.append((f"{len(self.commits):039x}b", definitions))
        return self.commits[-1][0]

    def update(self, project: dict[str, Any]) -> None:
        """Update a project to the newest revision. A manual project has none."""
        project["scm_revision"] = self.commits[-1][0] if project.get("scm_type") else ""

    def holders(self, kind: str, name: str, role: str) -> set[str]:
        """The teams and users that have a role on an object."""
        role_id = self._roles(kind, self.named(kind, name))[role]["id"]
        ids = {who: self.associated.get(("roles", role_id, who), []) for who in ("teams", "users")}
        return {self.objects["teams"][each]["name"] for each in ids["teams"]} | {
            self.objects["users"][each]["username"] for each in ids["users"]
        }

    def grant(self, team: str, kind: str, name: str, role: str) -> None:
        """Give a team a role on an object."""
        role_id = self._roles(kind, self.named(kind, name))[role]["id"]
        self.associated.setdefault(("roles", role_id, "teams"), []).append(self.named("teams", team)["id"])

    def answer(self, method: str, target: str, body: Any, user: str) -> tuple[int, Any]:
        """Status and body of a response, or raise Refused."""
        with self._lock:
            parts = urlsplit(target)
            path = parts.path.removeprefix("/api/v2/").strip("/").split("/")
            self.requests += 1
            if path[0] == "tokens" and method == "POST":
                token = self._create("tokens", {"name": "", **body})
                return 201, {**self._shown("tokens", token), "token": f"token-of-{user}-{token['id']}"}
            if method != "GET" and path[0] != "tokens":
                if user != ADMIN:
                    raise Refused(403, {"detail": "You do not have permission to perform this action."})
                self.writes.append(f"{method} {parts.path}")
                if self.writes[-1] in self.broken:
                    raise Refused(500, {"detail": "A server error has occurred."})
            return self._dispatch(method, path, dict(parse_qsl(parts.query)), body)

    def _dispatch(self, method: str, path: list[str], query: dict[str, str], body: Any) -> tuple[int, Any]:
        match method, path:
            case "GET", ["project_updates", _]:
                return 200, {"status": "successful"}
            case "GET", ["unified_jobs" | "jobs"]:
                found = [job for job in self._jobs() if _fits(job, query)]
                return 200, {"count": len(found), "next": None, "results": found}
            case "GET", [kind]:
                page = int(query.pop("page", 1))
                size = int(query.pop("page_size", PAGE))
                found = [self._shown(of, thing) for of, thing in self._all(kind) if self._is_found(of, thing, query)]
                following = f"/api/v2/{kind}/?{urlencode({**query, 'page': page + 1, 'page_size': size})}"
                return 200, {
                    "count": len(found),
                    "next": following if len(found) > page * size else None,
                    "results": found[(page - 1) * size : page * size],
                }
            case "POST", [kind]:
                return 201, self._shown(kind, self._create(kind, body))
            case _, [kind, key] if not key.isdigit() or int(key) not in self.objects[kind]:
                raise Refused(404, {"detail": "Not found."})
            case "GET", [kind, key]:
                return 200, self._shown(kind, self.objects[kind][int(key)])
            case "PATCH", [kind, key]:
                thing = self.objects[kind][int(key)]
                thing.update(self._stored(kind, body, thing))
                return 200, self._shown(kind, self.objects[kind][int(key)])
            case "DELETE", [kind, key]:
                return self._delete(kind, int(key))
            case "POST", [kind, key, "copy"]:
                return 201, self._shown(kind, self._copy(kind, int(key), body["name"]))
            case "POST", [_, key, "create_approval_template"]:
                approval = self._create("workflow_approval_templates", body)
                self.objects["workflow_job_template_nodes"][int(key)]["unified_job_template"] = approval["id"]
                return 201, self._shown("workflow_approval_templates", approval)
            case "GET", [_, key, "survey_spec"]:
                return 200, self.surveys.get(int(key), {})
            case "POST", [_, key, "survey_spec"]:
                self.surveys[int(key)] = body
                return 200, {}
            case _, ["workflow_approval_templates", _, "success_nodes"]:
                raise Refused(404, {"detail": "Not found."})
            case "GET", ["teams" | "users" as kind, key, "roles"]:
                ids = [
                    role for (_, role, who), holders in self.associated.items() if who == kind and int(key) in holders
                ]
                return 200, {"count": len(ids), "next": None, "results": [{"id": each} for each in ids]}
            case "GET", [kind, key, relation]:
                ids = self.associated.get((kind, int(key), relation), [])
                of = {"input_inventories": "inventories", "admins": "users"}.get(relation, relation)
                of = "notification_templates" if relation.startswith("notification_templates_") else of
                results = [{**self.objects.get(of, {}).get(each, {}), "id": each} for each in ids]
                return 200, {"count": len(ids), "next": None, "results": results}
            case "POST", [kind, key, relation]:
                ids = self.associated.setdefault((kind, int(key), relation), [])
                ids.remove(body["id"]) if body.get("disassociate") else ids.append(body["id"])
                return 204, None
        raise Refused(405, {"detail": f"{method} {'/'.join(path)} is not in this model"})

    def _all(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        kinds = ("job_templates", "projects", "workflow_job_templates") if kind == "unified_job_templates" else (kind,)
        for each in kinds:
            for thing in list(self.objects.get(each, {}).values()):
                yield each, thing
                if thing["id"] in self._dying:
                    self._dying[thing["id"]] -= 1
                    if not self._dying[thing["id"]]:
                        del self.objects[each][thing["id"]]

    def _jobs(self) -> list[dict[str, Any]]:
        """The jobs that have not ended."""
        templates = [thing for _, thing in self._all("unified_job_templates") if thing["id"] in self.running]
        fields = ("name", "inventory", "project")
        return [
            {"unified_job_template": thing["id"], "status": "running", **{field: thing.get(field) for field in fields}}
            for thing in templates
        ] + self.jobs

    def _is_found(self, kind: str, thing: dict[str, Any], query: dict[str, str]) -> bool:
        credentials = self.associated.get((kind, thing["id"], "credentials"), [])
        return _fits({**thing, "type": TYPES[kind], "credentials": credentials}, query)

    def _copy(self, kind: str, key: int, name: str) -> dict[str, Any]:
        """Copy an object with its parts, as the button does: only the name of the object differs."""
        thing = self._create(kind, {**self.objects[kind][key], "name": name})
        for (of, id_, relation), ids in list(self.associated.items()):
            if (of, id_) == (kind, key):
                self.associated[kind, thing["id"], relation] = list(ids)
        if key in self.surveys:
            self.surveys[thing["id"]] = self.surveys[key]
        for part, field in GOES_WITH.get(kind, []):
            for other in list(self.objects[part].values()):
                if part != "schedules" and other[field] == key:
                    self._create(part, {**other, field: thing["id"]})
        return thing

    def _check_answers(self, schedule: dict[str, Any]) -> None:
        """Check that saved answers exist for every required question and for no unknown question."""
        answers = schedule.get("extra_data", {})
        questions = self.surveys.get(schedule["unified_job_template"], {}).get("spec", [])
        missing = [each["variable"] for each in questions if each["required"] and each["variable"] not in answers]
        foreign = set(answers) - {each["variable"] for each in questions}
        if missing or foreign:
            raise Refused(400, {"variables_needed_to_start": missing, "extra_vars": sorted(foreign)})

    def _create(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        if kind == "schedules" or (kind == "workflow_job_template_nodes" and body.get("extra_data")):
            self._check_answers(body)
        if kind == "execution_environments" and body["name"] in self.names(kind):
            raise Refused(400, {"name": ["Execution environment with this Name already exists."]})
        faults = faults_of_messages(body.get("messages")) if kind == "notification_templates" else []
        if faults:
            raise Refused(400, {"messages": faults})
        self._last_id += 1
        thing = {"description": "", **self._stored(kind, body), "id": self._last_id}
        if kind == "job_templates" and thing.get("project"):
            thing["organization"] = self.objects["projects"][thing["project"]]["organization"]
        if kind == "projects":
            self.update(thing)
        self.objects[kind][thing["id"]] = thing
        return thing

    def _stored(self, kind: str, body: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
        if kind == "credentials" and before and "inputs" in body:
            inputs = {name: before["inputs"][name] if v == ENCRYPTED else v for name, v in body["inputs"].items()}
            return {**body, "inputs": inputs}
        if kind == "credential_types":
            for field in body["inputs"]["fields"]:
                field.setdefault("type", "string")
        return body

    def _shown(self, kind: str, thing: dict[str, Any]) -> dict[str, Any]:
        url = f"/api/v2/{kind}/{thing['id']}/"
        related = {"survey_spec": f"{url}survey_spec/"}
        if kind == "workflow_job_template_nodes" and thing.get("unified_job_template"):
            of = next(kind for kind, things in self.objects.items() if thing["unified_job_template"] in things)
            related["unified_job_template"] = f"/api/v2/{of}/{thing['unified_job_template']}/"
        summary: dict[str, Any] = {}
        if thing.get("organization"):
            summary["organization"] = {"name": self.objects["organizations"][thing["organization"]]["name"]}
        if kind in ROLES:
            summary["object_roles"] = self._roles(kind, thing)
        if kind == "projects":
            summary["current_update"] = {"id": thing["id"]}
        if kind == "job_templates":
            ids = self.associated.get((kind, thing["id"], "credentials"), [])
            summary["credentials"] = [{"id": each, "name": self.objects["credentials"][each]["name"]} for each in ids]
        if kind == "workflow_job_template_nodes":
            workflow = self.objects["workflow_job_templates"][thing["workflow_job_template"]]
            summary["workflow_job_template"] = {"name": workflow["name"]}
            links = ("always_nodes", "failure_nodes", "success_nodes")
            thing = {
                "unified_job_template": None,
                **thing,
                **{link: self.associated.get((kind, thing["id"], link), []) for link in links},
            }
        shown = {**thing, "type": TYPES[kind], "url": url, "related": related, "summary_fields": summary}
        if kind == "credentials":
            fields = self.objects["credential_types"][thing["credential_type"]]["inputs"]["fields"]
            secret = {field["id"] for field in fields if field.get("secret")}
            shown["inputs"] = {key: ENCRYPTED if key in secret and v else v for key, v in thing["inputs"].items()}
        return shown

    def _roles(self, kind: str, thing: dict[str, Any]) -> dict[str, dict[str, int]]:
        return {name: {"id": thing["id"] * 10 + number} for number, name in enumerate(ROLES[kind])}

    def _delete(self, kind: str, key: int) -> tuple[int, Any]:
        if kind == "credential_types" and any(
            each["credential_type"] == key for each in self.objects["credentials"].values()
        ):
            raise Refused(403, {"detail": "Credential types that are in use cannot be deleted"})
        if any(key in (job.get("unified_job_template"), job["inventory"], job["project"]) for job in self._jobs()):
            raise Refused(409, {"error": "Resource is being used by running jobs.", "active_jobs": []})
        if key in self._dying:
            raise Refused(400, {"error": "Inventory is already pending deletion."})
        for other, field in GOES_WITH.get(kind, []):
            kept = {id_: thing for id_, thing in self.objects[other].items() if thing.get(field) != key}
            self.objects[other] = kept
        for users in ("job_templates", "workflow_job_templates", "workflow_job_template_nodes"):
            for user in self.objects[users].values():
                user |= {field: None for field in USES if user.get(field) == key}
        for ids in self.associated.values():
            if kind == "credentials" and key in ids:
                ids.remove(key)
        if kind == "inventories":
            self._dying[key] = LINGERS
            return 202, None
        del self.objects[kind][key]
        # What an object is associated with goes with it.
        self.associated = {
            (of, id_, relation): ids
            for (of, id_, relation), ids in self.associated.items()
            if of not in self.objects or id_ in self.objects[of]
        }
        return 204, None


def _fits(thing: dict[str, Any], query: dict[str, str]) -> bool:
    wanted = {name: value for name, value in query.items() if not name.startswith("or__")}
    either = {name.removeprefix("or__"): value for name, value in query.items() if name.startswith("or__")}
    return all(_matches(thing, name, value) for name, value in wanted.items() if name != "page_size") and (
        not either or any(_matches(thing, name, value) for name, value in either.items())
    )


def _matches(thing: dict[str, Any], condition: str, value: str) -> bool:
    name, _, how = condition.partition("__")
    if isinstance(thing.get(name), list):
        return bool({*map(str, thing[name])} & set(value.split(",")))
    own = str(thing.get(name))
    return {"": own == value, "in": own in value.split(","), "startswith": own.startswith(value)}[how]
