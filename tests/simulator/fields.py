"""The table of a runtime's fields: which fields a body may contain, their types, and the server's defaults."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.messages import ApiError, invalid, missing
from simulator.profiles import Switches

# Takes the path of the value (for messages), the value and the switches; returns the value to store.
Check = Callable[[str, Any, Switches], Any]


def _wrong_type(path: str, wanted: str) -> ApiError:
    return invalid(f"The field '{path}' must be {wanted}.")


def _text(path: str, value: Any, switches: Switches) -> str:
    if not isinstance(value, str):
        raise _wrong_type(path, "a string")
    return value


def _name(path: str, value: Any, switches: Switches) -> str:
    if not _text(path, value, switches).strip():
        raise invalid(f"The field '{path}' must not be empty.")
    return str(value)


def _integer(minimum: int) -> Check:
    def check(path: str, value: Any, switches: Switches) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong_type(path, "an integer")
        if value < minimum:
            raise invalid(f"The field '{path}' must be {minimum} or more.")
        return value

    return check


def _cpu(path: str, value: Any, switches: Switches) -> str:
    # A string of CPU units: "0.2" is a fifth of a core [doc].
    try:
        number = float(_text(path, value, switches))
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise invalid(f"The field '{path}' must be a positive number of CPU units.")
    return str(value)


def _list_of(check: Check) -> Check:
    def check_all(path: str, value: Any, switches: Switches) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong_type(path, "an array")
        return [check(f"{path}[{index}]", entry, switches) for index, entry in enumerate(value)]

    return check_all


def _network(path: str, value: Any, switches: Switches) -> str:
    # In CIDR notation [doc].
    text = _text(path, value, switches)
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        raise invalid(f"'{text}' in the field '{path}' is not in CIDR format.") from None
    return text


def _package(path: str, value: Any, switches: Switches) -> dict[str, str]:
    package = _record(path, value, PACKAGE_FIELDS, switches)
    if "name" not in package:
        raise missing(f"{path}.name")
    return {"version": "", "description": "", **package}


def _object_with(fields: Mapping[str, Field]) -> Check:
    return lambda path, value, switches: _record(path, value, fields, switches)


def _python_version(path: str, value: Any, switches: Switches) -> str:
    text = _text(path, value, switches)
    if text and text not in switches["python_versions"] and switches["unknown_version"] == "refuse":
        raise invalid(f"'{text}' in the field '{path}' is not a supported Python version.")
    return text


@dataclass(frozen=True)
class Field:
    """One field. ``check`` None means read-only; ``exists`` is the switch for releases without this field.

    ``default`` is the value for a field that was never set, if the server returns one (switch ``unset_fields``).
    """

    check: Check | None = None
    exists: str = ""
    default: Any = None
    is_text: bool = False


READ_ONLY = Field()
PACKAGE_FIELDS: Mapping[str, Field] = {
    "name": Field(_name),
    "version": Field(_text),
    "description": Field(_text),
    "status": READ_ONLY,
    "message": READ_ONLY,
}
RESOURCE_FIELDS: Mapping[str, Field] = {
    "cpu": Field(_cpu),
    "mem": Field(_integer(0)),
    "disk": Field(_integer(1), "disk_and_proc_count"),
    "procCount": Field(_integer(1), "disk_and_proc_count"),
}

# In the order of the sample responses [doc].
RUNTIME_FIELDS: Mapping[str, Field] = {
    "name": Field(_name),
    "id": READ_ONLY,
    "type": READ_ONLY,
    "description": Field(_text, default="", is_text=True),
    "subtype": READ_ONLY,
    "dateCreated": READ_ONLY,
    "dateModified": READ_ONLY,
    "version": READ_ONLY,
    "acg": READ_ONLY,
    "owner": READ_ONLY,
    "acl": READ_ONLY,
    "whitelist": Field(_list_of(_network), default=[]),
    "packages": Field(_list_of(_package), default=[]),
    "resource": Field(_object_with(RESOURCE_FIELDS), default={"cpu": "0.5", "mem": 512}),
    "runtimeVersion": Field(_python_version, default="3.12.4", is_text=True),
    "execTimeout": Field(_integer(0), default=600),
    "others": Field(_text, default="", is_text=True),
    "status": READ_ONLY,
    "minCachedInstances": Field(_integer(0), default=0),
    "maxCachedInstances": Field(_integer(0), default=5),
    "executionTarget": Field(_text, "execution_target", default="", is_text=True),
    "changeJournal": Field(_object_with({"userComments": Field(_text)}), "change_journal"),  # never returned [mstrio]
}
DEFINITION = tuple(name for name, field in RUNTIME_FIELDS.items() if field.check and name != "changeJournal")


def known(fields: Mapping[str, Field], name: str, switches: Switches) -> bool:
    """Whether this release has the field."""
    return name in fields and (not fields[name].exists or switches.yes(fields[name].exists))


def _record(path: str, value: Any, fields: Mapping[str, Field], switches: Switches) -> dict[str, Any]:
    """Check one JSON object against its table."""
    if not isinstance(value, dict):
        raise _wrong_type(path or "body", "an object")
    result = {}
    for name, item in value.items():
        place = f"{path}.{name}" if path else name
        if not known(fields, name, switches):
            raise invalid(f"The field '{place}' is not known.")
        check = fields[name].check
        if check is None:
            raise invalid(f"The field '{place}' is read-only.")
        result[name] = check(place, item, switches)
    return result


def check_runtime(body: Any, switches: Switches) -> dict[str, Any]:
    """The fields of a create or update to store, or raise an error for the first invalid field."""
    return _record("", body, RUNTIME_FIELDS, switches)


def check_pool(values: Mapping[str, Any]) -> None:
    """Reject a pool with a minimum above its maximum [mstrio]."""
    low, high = values.get("minCachedInstances"), values.get("maxCachedInstances")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        raise invalid("The field 'minCachedInstances' must not exceed 'maxCachedInstances'.")
