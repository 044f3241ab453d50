"""Objects as the modules of awx.awx create them, in memory: what the REST API of a controller does with any object.

It runs no jobs and checks no values. It is no AWX: what only AWX knows, such as which fields it adds, is not here.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Json = dict[str, Any]
_API = "/api/v2/"
# The endpoints that list objects of several others.
_UNIONS = {"unified_job_templates": ("job_templates", "workflow_job_templates", "projects")}
_ROLES = ("approval", "read")


class Controller:
    """A server on loopback. `objects`: by endpoint, then by id."""

    def __init__(self, *organizations: str) -> None:
        self.objects: dict[str, dict[int, Json]] = {}
        self._ids = count(1)
        for name in organizations:
            self.create("organizations", {"name": name})
        controller = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                content = json.loads(self.rfile.read(size) or b"{}")
                url = urlsplit(self.path)
                steps = [unquote(step) for step in url.path.removeprefix(_API).strip("/").split("/")]
                status, found = controller.answer(self.command, steps, dict(parse_qsl(url.query)), content)
                body = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PATCH = do_POST = answer  # noqa: N815 - names of http.server

            def log_message(self, *_args: Any) -> None:
                """Not on the console of the tests."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def create(self, endpoint: str, content: Json) -> Json:
        """A new object, with the links and roles that modules follow."""
        identity = next(self._ids)
        url = f"{_API}{endpoint}/{identity}/"
        roles = {f"{role}_role": {"id": next(self._ids)} for role in _ROLES}
        related = {"survey_spec": f"{url}survey_spec/", "update": f"{url}update/"}
        fixed = {"id": identity, "url": url, "related": related, "summary_fields": {"object_roles": roles}}
        made = {"scm_revision": "1", "type": endpoint, "survey_spec": {}, **content, **fixed}
        self.objects.setdefault(endpoint, {})[identity] = made
        return made

    def named(self, endpoint: str, name: str) -> Json:
        """The only object of this name, or identifier."""
        [found] = [
            each for each in self.objects[endpoint].values() if name in (each.get("name"), each.get("identifier"))
        ]
        return found

    def answer(self, method: str, steps: list[str], query: dict[str, str], content: Json) -> tuple[int, Any]:
        """The status and the content of a response."""
        endpoint, *rest = steps
        if method == "POST" and not rest:
            return 201, self._shown(self.create(endpoint, content))
        if not rest:
            return 200, _page([self._shown(each) for each in self._all(endpoint) if self._matches(each, query)])
        if endpoint == "roles":
            self.objects.setdefault(endpoint, {}).setdefault(int(rest[0]), {})
        found = self._found(endpoint, rest[0])
        if found is None:
            return 404, {"detail": "Not found."}
        if rest[1:]:
            return self._related(method, found, rest[1], content)
        if method == "PATCH":
            found.update(content)
        return 200, self._shown(found)

    def _related(self, method: str, found: Json, name: str, content: Json) -> tuple[int, Any]:
        """The response about a list of links of an object, its survey, its approval, or its update."""
        if name == "survey_spec":
            found[name] = content or found[name]
            return 200, found[name]
        if name == "update":
            return 202, self.create("project_updates", {"status": "successful", "finished": True, "failed": False})
        if name == "create_approval_template":
            approval = self.create("workflow_approval_templates", content)
            found["unified_job_template"] = approval["id"]
            found["related"]["unified_job_template"] = approval["url"]
            return 201, approval
        links = found.setdefault(name, [])
        if method == "GET":
            return 200, _page([{"id": link} for link in links])
        (links.remove if content.get("disassociate") else links.append)(content["id"])
        return 204, {}

    def _all(self, endpoint: str) -> list[Json]:
        return [each for name in _UNIONS.get(endpoint, (endpoint,)) for each in self.objects.get(name, {}).values()]

    def _found(self, endpoint: str, key: str) -> Json | None:
        """An object by its id, or by its name with that of its organization."""
        if key.isdigit():
            return self.objects.get(endpoint, {}).get(int(key))
        names = key.split("++")
        query = {"name": names[0], "organization__name": names[-1]}
        return next((each for each in self._all(endpoint) if self._matches(each, query)), None)

    def _matches(self, found: Json, query: dict[str, str]) -> bool:
        return all(self._value(found, key.removeprefix("or__")) == value for key, value in query.items())

    def _value(self, found: Json, key: str) -> str:
        """A field, or one of an object that a field links to, such as `organization__name`."""
        field, _separator, rest = key.partition("__")
        value = found.get(field)
        if not rest:
            return str(value)
        return self._value(next(objects[value] for objects in self.objects.values() if value in objects), rest)

    def _shown(self, found: Json) -> Json:
        """An object as the API shows it: secrets are hidden."""
        inputs = found.get("inputs", {})
        hidden = {key: "$encrypted$" for key in inputs if key == "mstr_password"}
        nodes = {key: found.get(key, []) for key in ("always_nodes", "failure_nodes", "success_nodes")}
        return {**nodes, **found, **({"inputs": {**inputs, **hidden}} if hidden else {})}


def _page(results: list[Json]) -> Json:
    return {"count": len(results), "next": None, "results": results}
