"""The runtimes of one server: how they are stored, how responses show them, and the calls for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from simulator.fields import DEFINITION, RUNTIME_FIELDS, check_pool, check_runtime, known
from simulator.messages import ApiError, Call, Reply, check_exists, invalid, missing, new_id, not_found, shown_time
from simulator.packages import Package, install, normalised
from simulator.profiles import Switches
from simulator.users import ADMINISTRATOR_ID, GUEST_ID, User

if TYPE_CHECKING:
    from simulator.server import Server

DEFAULT_ID = "0F35652CA7D041978BF0CBCB67531203"  # [doc]
TYPE, SUBTYPE = 80, 20480
_DATES = ("dateCreated", "dateModified")
ALL_RIGHTS = 255


def stamp() -> str:
    """The current time in the format of the API [doc]."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def _acl(trustee: str, name: str, rights: int, subtype: int = 8704) -> dict[str, Any]:
    return {
        "deny": False, "type": 1, "rights": rights, "trusteeId": trustee, "trusteeName": name, "trusteeType": 34,
        "trusteeSubtype": subtype, "inheritable": False,
    }  # fmt: skip


@dataclass(eq=False)
class Runtime:
    """One runtime. ``values`` contains the fields by API name, including null and unknown fields of seeds.

    A seed may contain read-only fields, too. They are in ``values`` and override the others.
    """

    id: str
    values: dict[str, Any]
    packages: list[Package] | None
    owner: dict[str, str]
    acl: list[dict[str, Any]]
    done: float
    created: str
    modified: str
    version: str = field(default_factory=new_id)
    used: bool = False  # a script has run on it

    @property
    def name(self) -> str:
        """The name. A seed may contain any value there."""
        return str(self.values.get("name", ""))

    def effective_packages(self) -> list[Package]:
        """The packages, or an empty list if they were never set."""
        return self.packages or []

    def status(self, now: float, switches: Switches) -> str:
        """Unknown, busy, ready or error [doc]."""
        if switches["runtime_status"] == "stays_unknown" and not self.used:
            return "unknown"
        packages = self.effective_packages()
        if now < max([self.done, *(package.done for package in packages)]):
            return "busy"
        return "error" if "not_installed" in [package.status(now) for package in packages] else "ready"


class Runtimes:
    """All runtimes of one server, in the order of their creation."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._by_id: dict[str, Runtime] = {}
        self._add_default()

    def _add_default(self) -> None:
        # The built-in runtime as in the sample [doc], with the two fields that the sample's list omits.
        self.seed(
            {
                "name": self._server.switches["default_name"],
                "id": DEFAULT_ID,
                "description": "A default server configuration used to execute Python scripts on IServer.",
                "dateCreated": "2022-05-26T03:16:00.000+0000",
                "dateModified": "2022-08-22T11:03:56.000+0000",
                "version": "1E1F3F6849AE565A366A678882ED2F37",
                "acl": [_acl(GUEST_ID, "Public / Guest", 1, 8705), _acl(ADMINISTRATOR_ID, "Administrator", ALL_RIGHTS)],
                "whitelist": ["0.0.0.0/0"],
                "packages": [{"name": "mstrio-py", "version": "11.3.6.103", "description": "", "status": "installed"}],
                "resource": {"cpu": "0.5", "mem": 512},
                "runtimeVersion": "3.10.5",
                "execTimeout": 600,
                "others": "",
                "status": "ready",
                "minCachedInstances": 1,
                "maxCachedInstances": 2,
            }
        )

    def __iter__(self) -> Iterator[Runtime]:
        return iter(list(self._by_id.values()))

    def find(self, runtime_id: str) -> Runtime:
        """A runtime, or raise the API's error."""
        runtime = self._by_id.get(runtime_id.upper())
        if runtime:
            return runtime
        raise not_found(f"with ID '{runtime_id}' and type 80")

    def clear(self) -> None:
        """Delete all but the built-in runtime."""
        self._by_id.clear()
        self._add_default()

    def remove(self, runtime: Runtime) -> None:
        self._by_id.pop(runtime.id, None)

    def seed(self, raw: Mapping[str, Any]) -> str:
        """Store an object in the API's format without checks, and add missing read-only fields."""
        values = {key: value for key, value in raw.items() if key != "packages"}
        runtime_id = str(raw.get("id") or new_id()).upper()
        packages: list[Package] | None = None
        if isinstance(raw.get("packages"), list):
            packages = [_seeded_package(entry, self._server.clock()) for entry in raw["packages"]]
        elif "packages" in raw:
            values["packages"] = raw["packages"]
        administrator = self._server.users["admin"]
        self._by_id[runtime_id] = self._new(runtime_id, administrator, {**values, "id": runtime_id}, packages)
        return runtime_id

    def _new(
        self, runtime_id: str, owner: User, values: dict[str, Any], packages: list[Package] | None = None
    ) -> Runtime:
        now, now_text, of_owner = self._server.clock(), stamp(), {"id": owner.id, "name": owner.full_name}
        acl = [_acl(owner.id, owner.full_name, ALL_RIGHTS)]
        return Runtime(runtime_id, values, packages, of_owner, acl, now, now_text, now_text)

    def create(self, fields: dict[str, Any], user: User) -> Runtime:
        self._refuse_duplicate(fields["name"], None)
        runtime = self._new(new_id(), user, {})
        self._apply(runtime, fields, creating=True)
        self._by_id[runtime.id] = runtime
        return runtime

    def update(self, runtime: Runtime, fields: dict[str, Any]) -> None:
        if "name" in fields and fields["name"] != runtime.name:
            self._refuse_duplicate(fields["name"], runtime)
        self._apply(runtime, fields, creating=False)
        runtime.version = new_id()
        runtime.modified = stamp()
        for name in ("version", "dateModified", "status"):
            runtime.values.pop(name, None)  # the values of a seed are no longer correct

    def _apply(self, runtime: Runtime, fields: dict[str, Any], creating: bool) -> None:
        switches = self._server.switches
        values = {**runtime.values, **{k: v for k, v in fields.items() if k not in ("packages", "changeJournal")}}
        check_pool(values)
        now = self._server.clock()
        added = switches["mstrio_py_added"]
        if "packages" in fields or (creating and added != "no"):
            wanted = list(fields.get("packages", []))
            if (added == "always" or (creating and added == "on_create")) and not any(
                normalised(entry["name"]) == "mstrio-py" for entry in wanted
            ):
                wanted.append({"name": "mstrio-py", "version": "", "description": ""})
            runtime.packages = install(wanted, runtime.effective_packages(), self._server.rules, now, switches)
            values.pop("packages", None)  # null in a seed
        if creating or {"packages", "runtimeVersion"} & set(fields):
            # The environment is built again, with or without packages.
            runtime.done = now + switches["package_delay"]
        runtime.values = values

    def _refuse_duplicate(self, name: str, but: Runtime | None) -> None:
        switches = self._server.switches
        if switches["duplicate_names"] == "allow":
            return
        if any(other.name == name for other in self._by_id.values() if other is not but):
            raise ApiError(int(switches["duplicate_status"]), 15, f"An object with the name '{name}' already exists.")

    # --- responses

    def to_api(self, runtime: Runtime) -> dict[str, Any]:
        """The complete object, as in the response to a read."""
        switches = self._server.switches
        now = self._server.clock()
        computed: dict[str, Any] = {
            "id": runtime.id, "type": TYPE, "subtype": SUBTYPE, "dateCreated": runtime.created,
            "dateModified": runtime.modified, "version": runtime.version, "acg": ALL_RIGHTS,
            "owner": runtime.owner, "acl": runtime.acl, "status": runtime.status(now, switches),
        }  # fmt: skip
        if runtime.packages is not None:
            computed["packages"] = [package.to_api(now, switches) for package in runtime.packages]
        answer = {}
        for name in RUNTIME_FIELDS:
            if name in runtime.values:
                answer[name] = self._shown(name, runtime.values[name])
            elif name in computed:
                answer[name] = self._shown(name, computed[name])
            elif name in DEFINITION and known(RUNTIME_FIELDS, name, switches):
                _add_unset(answer, name, switches)
        answer.update({name: value for name, value in runtime.values.items() if name not in RUNTIME_FIELDS})
        return answer

    def _shown(self, name: str, value: Any) -> Any:
        if name in _DATES and isinstance(value, str):
            return shown_time(value, self._server.switches)
        if name == "resource" and isinstance(value, dict) and isinstance(value.get("cpu"), str):
            return {**value, "cpu": _cpu_shown(value["cpu"], self._server.switches["cpu_format"])}
        return value

    def list(self) -> list[Runtime]:
        """The runtimes that a list shows."""
        hidden = self._server.switches["list_hides"]
        return [runtime for runtime in self._by_id.values() if runtime.name not in hidden]


def _seeded_package(entry: Any, now: float) -> Package:
    data = entry if isinstance(entry, dict) else {"name": str(entry)}
    version = data.get("version") or ""
    outcome = "not_installed" if data.get("status") == "not_installed" else "installed"
    return Package(
        str(data.get("name", "")), str(version), str(data.get("description") or ""), now, outcome,
        str(version) or "1.0.0", dict(data),
    )  # fmt: skip


def _add_unset(answer: dict[str, Any], name: str, switches: Switches) -> None:
    how, spec = switches["unset_fields"], RUNTIME_FIELDS[name]
    if how == "defaults":
        answer[name] = spec.default
    elif how == "null_text" and spec.is_text:
        answer[name] = None


def _cpu_shown(text: str, how: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return text
    # Keep more than two digits: the server may change the format of a number, not its value.
    is_short = how == "two_decimals" and round(number, 2) == number
    return f"{number:.2f}" if is_short else text


def _of(server: Server, call: Call) -> Runtime:
    """The runtime of a call, or raise the API's error."""
    runtime_id = call.path.rpartition("/")[2]
    if not re.fullmatch("[0-9a-fA-F]{32}", runtime_id):
        raise invalid(f"'{runtime_id}' is not a valid object ID.")
    return server.runtimes.find(runtime_id)


async def list_all(server: Server, call: Call) -> Reply:
    """``GET /runtimes``."""
    omitted = server.switches["list_omits"]
    answers = map(server.runtimes.to_api, server.runtimes.list())
    listed = [{k: v for k, v in answer.items() if k not in omitted} for answer in answers]
    return Reply(200, call.selected({"runtimes": listed}))


async def read(server: Server, call: Call) -> Reply:
    """``GET /runtimes/{id}``."""
    return Reply(200, call.selected(server.runtimes.to_api(_of(server, call))))


async def create(server: Server, call: Call) -> Reply:
    """``POST /runtimes``."""
    fields = check_runtime(call.json(), server.switches)
    if "name" not in fields:
        raise missing("name")
    runtime = server.runtimes.create(fields, call.user)
    server.note("create", runtime, call.user, fields.get("changeJournal", {}).get("userComments"))
    is_whole = server.switches["create_answer"] == "object"
    answer = call.selected(server.runtimes.to_api(runtime)) if is_whole else {"id": runtime.id}
    return Reply(int(server.switches["create_status"]), answer)


async def update(server: Server, call: Call) -> Reply:
    """``PATCH /runtimes/{id}``."""
    runtime = _of(server, call)
    fields = check_runtime(call.json(), server.switches)
    if "name" not in fields:  # [mstrio]
        raise missing("name")
    server.runtimes.update(runtime, fields)
    server.note("update", runtime, call.user, fields.get("changeJournal", {}).get("userComments"))
    return Reply(204)


async def delete(server: Server, call: Call) -> Reply:
    """``DELETE /runtimes/{id}``."""
    runtime = _of(server, call)
    if "userComments" in call.query and not server.switches.yes("delete_comments"):
        raise invalid("The query parameter 'userComments' is not known.")
    if runtime.id == DEFAULT_ID:
        raise ApiError(403, 17, "The default runtime cannot be deleted.")
    server.runtimes.remove(runtime)
    server.note("delete", runtime, call.user, call.query.get("userComments"))
    return Reply(204)


async def versions(server: Server, call: Call) -> Reply:
    """``GET /runtimes/versions``. A server without it has one of three responses."""
    check_exists(server.switches["versions_call"], "with ID 'versions' and type 80")
    return Reply(200, {"versions": list(server.switches["python_versions"])})
