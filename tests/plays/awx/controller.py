"""A small model of a controller's API: enough for the modules of awx.awx to create, find and change objects.

It stores objects and returns them in the API's form. It behaves like AWX 24.6.1 in everything that a second run of a
playbook could notice. It never shows a secret, keeps a secret that is sent back masked, and completes the inputs of
credential types. It finds objects by named URLs, and makes no tokens. Projects have revisions, and updates that can
fail. `jobs.py` runs the jobs of its templates, `output.py` shows them.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

ENCRYPTED = "$encrypted$"
REASON = "fatal: repository 'https://git.example.com/typo.git/' not found"


class Refused(Exception):
    """An error response."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


class Controller:
    """A running model, as a context manager. `url` is its address.

    `jobs` are the artifacts of jobs that have ended. `unreachable` are the addresses of repositories that cannot be
    downloaded. `definitions` are the newest ones in the git repository of every project, by environment.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
        self.associated: dict[tuple[str, int, str], list[int]] = {}
        self.surveys: dict[int, Any] = {}
        self.unreachable: list[str] = []
        self.updates: dict[int, dict[str, Any]] = {}
        self.jobs: dict[int, dict[str, Any]] = {}
        self.definitions: dict[str, Any] = {}
        self._last_id = 100
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))

    def __enter__(self) -> Controller:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def environment(self) -> dict[str, str]:
        """The variables that make awx.awx use this model."""
        blank = dict.fromkeys(("CONTROLLER_USERNAME", "CONTROLLER_PASSWORD"), "")
        return {"CONTROLLER_HOST": self.url, "CONTROLLER_OAUTH_TOKEN": "purple-elephant-93", **blank}

    def names(self, kind: str) -> list[str]:
        return sorted(thing.get("name", "") for thing in self.objects[kind].values())

    def named(self, kind: str, name: str) -> dict[str, Any]:
        (thing,) = [
            thing for thing in self.objects[kind].values() if thing.get("name", thing.get("identifier")) == name
        ]
        return thing

    def add(self, kind: str, /, **fields: Any) -> dict[str, Any]:
        """Add an object that a different user created."""
        with self.lock:
            return self._create(kind, fields)

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        """Status and body of a response, or raise Refused."""
        parts = urlsplit(target)
        path, query = parts.path.removeprefix("/api/v2/").strip("/").split("/"), dict(parse_qsl(parts.query))
        if len(path) > 1 and "++" in path[1]:
            path[1] = self._id_of(path[0], unquote(path[1]))
        match method, path:
            case "GET", ["jobs"]:
                ended = [{"id": job} for job in sorted(self.jobs, reverse=True)]
                return 200, {"count": len(ended), "next": None, "results": ended}
            case "GET", ["jobs", key] if int(key) in self.jobs:
                return 200, {"id": int(key), "artifacts": self.jobs[int(key)]}
            case "GET", ["project_updates"]:
                found = [update for update in self.updates.values() if update["failed"]][::-1]
                return 200, {"count": len(found), "next": None, "results": found}
            case "GET", ["project_updates", key]:
                return 200, self.updates[int(key)]
            case "GET", ["project_updates", _, "events"]:
                results = [{"event_data": {}}, {"event_data": {"res": {"msg": REASON}}}]
                return 200, {"count": 2, "next": None, "results": results}
            case "POST", ["projects", key, "update"]:
                return 202, self.updates[self._update(self.objects["projects"][int(key)])]
            case "GET", [kind]:
                query.pop("page_size", None)
                found = [self._shown(of, thing) for of, thing in self._all(kind) if self._fits(of, thing, query)]
                return 200, {"count": len(found), "next": None, "results": found}
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
            case "GET", [kind, key, relation]:
                ids = self.associated.get((kind, int(key), relation), [])
                of = "notification_templates" if relation.startswith("notification_templates_") else relation
                results = [{**self.objects[of].get(each, {}), "id": each} for each in ids]
                return 200, {"count": len(ids), "next": None, "results": results}
            case "POST", [kind, key, relation]:
                ids = self.associated.setdefault((kind, int(key), relation), [])
                ids.remove(body["id"]) if body.get("disassociate") else ids.append(body["id"])
                return 204, None
        raise Refused(405, {"detail": f"{method} {'/'.join(path)} is not in this model"})

    def _id_of(self, kind: str, named_url: str) -> str:
        """The id of an object by its named URL, as awx/main/utils/named_url_graph.py reads it; empty without one."""
        parts = [list(map(unquote, part.split("+"))) for part in named_url.replace("[+]", "%2B").split("++")]
        named = {"name": parts[0][0], "organization__name": parts[-1][0]}
        if kind == "credentials":
            named |= {"credential_type__name": parts[1][0], "credential_type__kind": parts[1][1]}
        return next((str(thing["id"]) for of, thing in self._all(kind) if self._fits(of, thing, named)), "")

    def _fits(self, kind: str, thing: dict[str, Any], query: dict[str, str]) -> bool:
        """Conditions with `or__` are alternatives, such as the name or the id."""

        def fits(field: str, value: str) -> bool:
            first, _, rest = field.partition("__")
            if first == "credentials":
                return int(value) in self.associated.get((kind, thing["id"], first), [])
            if rest == "startswith":
                return str(thing[first]).startswith(value)
            if rest:
                related = self.objects[f"{first}s"].get(thing.get(first) or 0, {})
                return self._fits(f"{first}s", related, {rest: value})
            return str({**thing, "type": _type_of(kind)}.get(first)) == value

        either = [fits(name.removeprefix("or__"), value) for name, value in query.items() if name.startswith("or__")]
        both = [fits(name, value) for name, value in query.items() if not name.startswith("or__")]
        return all(both) and (not either or any(either))

    def _all(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        kinds = ("job_templates", "projects", "workflow_job_templates") if kind == "unified_job_templates" else (kind,)
        for each in kinds:
            for thing in list(self.objects[each].values()):
                yield each, thing

    def _create(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        questions = self.surveys.get(body.get("unified_job_template", 0), {}).get("spec", [])
        if foreign := set(body.get("extra_data", ())) - {each["variable"] for each in questions}:
            raise Refused(400, {"extra_vars": sorted(foreign)})
        if kind == "execution_environments" and body["name"] in self.names(kind):
            raise Refused(400, {"name": ["Execution environment with this Name already exists."]})
        self._last_id += 1
        thing = {"description": "", **self._stored(kind, body), "id": self._last_id}
        if kind == "job_templates" and thing.get("project"):
            thing["organization"] = self.objects["projects"][thing["project"]]["organization"]
        if kind == "projects":
            thing |= {"scm_revision": "f00d", "current_update": self._update(thing)}
        self.objects[kind][thing["id"]] = thing
        return thing

    def _update(self, project: dict[str, Any]) -> int:
        """Download a project, and return the id of the update."""
        self._last_id += 1
        failed = project.get("scm_url") in self.unreachable
        self.updates[self._last_id] = {
            "id": self._last_id,
            "url": f"/api/v2/project_updates/{self._last_id}/",
            "status": "failed" if failed else "successful",
            "failed": failed,
            "finished": "2026-11-29T08:00:00Z",
            "scm_revision": "f00d",
        }
        return self._last_id

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
        if kind == "projects":
            related["update"] = f"{url}update/"
            # The first update, in the answer to the request that creates the project.
            if update := thing.pop("current_update", None):
                summary["current_update"] = {"id": update}
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
        shown = {**thing, "type": _type_of(kind), "url": url, "related": related, "summary_fields": summary}
        if kind == "credentials":
            fields = self.objects["credential_types"][thing["credential_type"]]["inputs"]["fields"]
            secret = {field["id"] for field in fields if field.get("secret")}
            shown["inputs"] = {key: ENCRYPTED if key in secret and v else v for key, v in thing["inputs"].items()}
        return shown


def _type_of(kind: str) -> str:
    return "inventory" if kind == "inventories" else kind.removesuffix("s")


def _handler(controller: Controller) -> type[BaseHTTPRequestHandler]:
    """The class that answers requests for the model."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or "null")
            try:
                with controller.lock:
                    status, answer = controller.answer(self.command, self.path, body)
            except Refused as refusal:
                status, answer = refusal.status, refusal.body
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("X-API-Product-Name", "AWX")
            self.send_header("X-API-Product-Version", "24.6.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
