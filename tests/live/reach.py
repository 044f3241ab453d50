"""Makes a simulator reachable for the jobs of a controller, and launches jobs with the controller's API.

The simulator listens on loopback only. A forwarder listens on an address that the controller's nodes can reach.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests

WAIT = 900  # seconds for a job or an approval; a node may have to pull the image first
T = TypeVar("T")
ACTIVE = ("new", "pending", "waiting", "running")


class Api:
    """The controller in CONTROLLER_HOST, with the other variables that awx.awx reads."""

    def __init__(self) -> None:
        prefix = os.environ.get("CONTROLLER_OPTIONAL_API_URLPATTERN_PREFIX", "").strip("/")
        host = os.environ["CONTROLLER_HOST"].rstrip("/")
        self.host = host if "://" in host else f"https://{host}"
        self.base = "/".join(part for part in (self.host, "api", prefix, "v2") if part)
        self.session = requests.Session()
        self.session.auth = (os.environ["CONTROLLER_USERNAME"], os.environ["CONTROLLER_PASSWORD"])
        self.verify = os.environ.get("CONTROLLER_VERIFY_SSL", "true").lower() not in ("false", "no", "0")

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        """The response to one call below /api/v2/."""
        response = self.session.request(method, f"{self.base}/{path}/", timeout=60, verify=self.verify, **more)
        response.raise_for_status()
        return response

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Send one call below /api/v2/, and return its body."""
        response = self.send(method, path, json=body, params=query)
        return response.json() if response.content else None

    def find(self, kind: str, **query: Any) -> Any:
        """The only matching object of a kind."""
        (found,) = self.call("GET", kind, **query)["results"]
        return found

    def launch(self, kind: str, name: str, answers: dict[str, Any] | None = None) -> str:
        """Launch a template of a kind, and return the path of its run."""
        template = self.find(kind, name=name)
        run = self.call("POST", f"{kind}/{template['id']}/launch", {"extra_vars": answers or {}})
        assert not run.get("ignored_fields"), run
        return f"{run['type']}s/{run['id']}"

    def ended(self, path: str) -> dict[str, Any]:
        """Wait for the end of a run, and return it."""
        return self._waited(path, lambda run: None if run["status"] in ACTIVE else run)

    def approval(self, workflow_job: str) -> str:
        """The path of the approval that a run of a workflow waits for."""

        def asked(run: dict[str, Any]) -> str | None:
            assert run["status"] in ACTIVE, f"{workflow_job} ended as {run['status']} without an approval"
            nodes = self.call("GET", f"{workflow_job}/workflow_nodes", identifier="approval")["results"]
            return f"workflow_approvals/{nodes[0]['job']}" if nodes and nodes[0]["job"] else None

        return self._waited(workflow_job, asked)

    def _waited(self, path: str, found: Callable[[dict[str, Any]], T | None]) -> T:
        deadline = time.monotonic() + WAIT
        while (result := found(run := self.call("GET", path))) is None:
            assert time.monotonic() < deadline, f"{path} is still {run['status']}"
            time.sleep(2)
        return result

    def download(self, path: str) -> str:
        """The output of a job as the page downloads it."""
        return self.send("GET", f"{path}/stdout", params={"format": "txt_download"}).text

    def output(self, path: str) -> str:
        """The output of a job that users see."""
        events = self.call("GET", f"{path}/job_events", page_size=200, order_by="counter")["results"]
        return "\n".join(event["stdout"] for event in events)


def own_address(host: str) -> str:
    """The address of this machine on the route to `host`."""
    named = os.environ.get("MSTR_TEST_ADDRESS")
    if named:
        return named
    parts = urlsplit(host)
    # Connecting a datagram socket sends nothing and only selects a route.
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.connect((parts.hostname, parts.port or 443))
        return str(probe.getsockname()[0])


@contextlib.contextmanager
def forwarded(url: str, address: str) -> Iterator[str]:
    """Make the same server available at a different address during the context."""
    parts = urlsplit(url)
    with socket.create_server(("", 0)) as server:
        threading.Thread(target=_accept, args=(server, parts.hostname, parts.port), daemon=True).start()
        yield parts._replace(netloc=f"{address}:{server.getsockname()[1]}").geturl()


def _accept(server: socket.socket, host: str, port: int) -> None:
    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        upstream = socket.create_connection((host, port))
        for pair in ((client, upstream), (upstream, client)):
            threading.Thread(target=_pump, args=pair, daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
