"""Holds requests and responses against the facts of the vendor's schema, `contract/vendor_schema.yaml`.

python -m support.vendor_schema RECORD    compares the schema of a server, in a record of mstr_probe, with the facts
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import yaml

FACTS: Mapping[str, Any] = yaml.safe_load((Path(__file__).parents[1] / "contract/vendor_schema.yaml").read_bytes())
OURS = "mstr.library/"  # how the User-Agent of the modules begins
_OF_CLIENT = frozenset({"samples", "newest", "awkward", "strict"})  # they answer as the vendor's client reads
_ALL_BUT_SCHEMA = _OF_CLIENT | {"oldest"}
_EVERY = _ALL_BUT_SCHEMA | {"schema"}
_NEWER = _EVERY - {"oldest"}
_AWKWARD = frozenset({"awkward"})


class Deviation(NamedTuple):
    """A difference from the facts that is intended: what it matches, in which profiles it occurs, and why."""

    pattern: str
    profiles: frozenset[str]
    reason: str


DEVIATIONS = (
    Deviation(r"GET /openapi.json: no such call", _EVERY, "the schema itself"),
    Deviation(r"POST /v2/metadataSearches/results: no such call", _EVERY, "the facts lack this call of newer releases"),
    Deviation(r"GET /api/tasks/\{id}: query type", _NEWER, "the vendor's client sends it"),
    Deviation(r"PATCH .*: unknown changeJournal(, executionTarget)?", _NEWER, "the vendor's client sends it"),
    Deviation(r".*: unknown (executionTarget|disk, procCount)", _OF_CLIENT, "newer servers have these fields [mstrio]"),
    # Digits as text may be an artefact of the generator.
    Deviation(r"GET /api/scripts.*variables\[\]\.type: int, not .*", _ALL_BUT_SCHEMA, "numbers [mstrio]"),
    Deviation(r"GET /api/tasks.*active: int, not .*", _OF_CLIENT, "numbers [mstrio]"),
    Deviation(r"GET /api/tasks.*content: unknown .*variables", _OF_CLIENT, "the id or objectId that the client reads"),
    Deviation(r"GET /api/scripts/history.*lastStatus: .*", _OF_CLIENT, "the words for the last run of a task [mstrio]"),
    Deviation(r"GET /api/scripts/\{id} 200: \$: unknown scriptUsageType", _ALL_BUT_SCHEMA, "the client reads it"),
    Deviation(r".*: null, not type string", _AWKWARD, "what was never set may be null [mstrio]"),
    Deviation(r".* 4\d\d: \$: unknown errors", _AWKWARD, "a list of errors [mstrio]"),
    Deviation(
        r"POST /api/runtimes 201: \$: '(name|type)' is a required property",
        frozenset({"samples", "newest", "awkward"}),
        "the sample of the documentation shows only the id [doc]",
    ),
    Deviation(r"POST /api/runtimes 200: no such status", frozenset({"oldest", "strict"}), "any 2xx is a success"),
    Deviation(r"POST /api/runtimes 409: no such status", _ALL_BUT_SCHEMA - _AWKWARD, "no document has that of ERR0015"),
    Deviation(r"POST /api/scripts/evaluation 200: no such status", _ALL_BUT_SCHEMA, "any 2xx is a success"),
    Deviation(r".* 40[45]: no such status", _AWKWARD | {"oldest"}, "releases that do not have the call [mstrio]"),
    Deviation(r"GET /api/status 401: no such status", _AWKWARD, "a server that is locked down [mstrio]"),
)
_ROUTES = {re.compile(re.sub(r"\{.*?\}", "[^/]+", path)): path for path in FACTS["paths"]}
# How the text of a parameter becomes a value of its type.
_FROM_TEXT: Mapping[str, Callable[[str], Any]] = {"integer": int, "boolean": json.loads}


def resolved(node: Any) -> Any:
    """A part of the facts with what it refers to, as a JSON Schema that allows no other properties."""
    if isinstance(node, list):
        return [resolved(entry) for entry in node]
    if not isinstance(node, Mapping):
        return node
    if "$ref" in node:
        target: Any = FACTS
        for key in node["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        return resolved(target)
    whole = {key: resolved(value) for key, value in node.items() if key != "allOf"}
    parts = [resolved(part) for part in node.get("allOf", ())]
    if not all("properties" in part for part in parts):
        return {"type": "object"}  # one of them is not known
    for part in parts:
        whole["properties"] = {**whole.get("properties", {}), **part["properties"]}
        whole["required"] = [*whole.get("required", ()), *part.get("required", ())]
    if isinstance(whole.get("properties"), Mapping) and "type" in whole:
        whole["additionalProperties"] = False
    return whole


def route_of(path: str) -> str | None:
    """The path of the facts that a path of a call means; one without parameters first."""
    found = [route for pattern, route in _ROUTES.items() if pattern.fullmatch(path)]
    return min(found, key=lambda route: route.count("{"), default=None)


def content_of(part: Mapping[str, Any]) -> Any:
    """The schema of a body; None if there is none."""
    return part.get("content", {}).get("application/json", {}).get("schema")


def _errors(schema: Any, data: Any) -> Iterator[str]:
    for error in jsonschema.Draft202012Validator(schema).iter_errors(data):
        yield f"{re.sub('[0-9]+', '', error.json_path)}: {_problem(error)}"


def _problem(error: Any) -> str:
    """What is wrong, without values that differ from call to call."""
    if error.validator == "additionalProperties":
        return f"unknown {', '.join(sorted(set(error.instance) - set(error.schema['properties'])))}"
    if error.validator == "required":
        return str(error.message)
    kind = "null" if error.instance is None else type(error.instance).__name__
    return f"{kind}, not {error.validator} {error.validator_value}"


def of_request(call: Mapping[str, Any]) -> Iterator[str]:
    """Where a request differs from the facts."""
    route = route_of(f"/api{call['path']}")
    operation = FACTS["paths"].get(route, {}).get(call["method"].lower())
    where = f"{call['method']} {route or call['path']}"
    if operation is None:
        yield f"{where}: no such call"
        return
    operation = resolved(operation)
    parameters = {each["name"]: each for each in operation["parameters"]}
    in_query = {name: each for name, each in parameters.items() if each["in"] == "query"}
    yield from (f"{where}: query {error}" for error in _of_query(in_query, call["query"]))
    if parameters.get("X-MSTR-ProjectID", {}).get("required") and not call["project"]:
        yield f"{where}: project is missing"
    schema = content_of(operation.get("requestBody", {}))
    if call["body"] is not None:
        errors = ["$: a body"] if schema is None else _errors(schema, call["body"])
        yield from (f"{where}: request {error}" for error in errors)


def _of_query(parameters: Mapping[str, Any], query: Mapping[str, str]) -> Iterator[str]:
    """Where the query of a request differs from the parameters of its operation."""
    for name, text in query.items():
        if name not in parameters:
            yield name
            continue
        schema = parameters[name]["schema"]
        yield from (f"{name}{error}" for error in _errors(schema, _value(schema, text)))
    for name, parameter in parameters.items():
        if parameter.get("required") and name not in query:
            yield f"{name} is missing"


def _value(schema: Mapping[str, Any], text: str) -> Any:
    """The value of a parameter, as its type is."""
    if schema["type"] == "array":
        return [_value(schema["items"], part) for part in text.split(",")]
    try:
        return _FROM_TEXT.get(schema["type"], str)(text)
    except ValueError:
        return text


def of_answer(call: Mapping[str, Any]) -> Iterator[str]:
    """Where a response differs from the facts."""
    route, status = route_of(f"/api{call['path']}"), call.get("status")
    if status is None or call["method"].lower() not in FACTS["paths"].get(route, {}):
        return
    where = f"{call['method']} {route} {status}"
    response = resolved(FACTS["paths"][route][call["method"].lower()])["responses"].get(str(status))
    if response is None:
        yield f"{where}: no such status"
        response = resolved(FACTS["components"]["responses"]["error"]) if status >= 400 else {}
    schema = content_of(response)
    if schema is not None and not (status == 204 and call["answer"] is None):
        # A selection of fields lacks what it does not name.
        lax = "fields" in call["query"]
        yield from (
            f"{where}: {error}" for error in _errors(schema, call["answer"]) if not (lax and "required" in error)
        )


def differences(calls: Iterable[Mapping[str, Any]], *, answers: bool = True) -> set[str]:
    """Every difference of these calls, once."""
    found: set[str] = set()
    for call in {_shape(call): call for call in calls}.values():
        found.update(of_request(call))
        if answers:
            found.update(of_answer(call))
    return found


def _shape(call: Mapping[str, Any]) -> str:
    """The same for calls that differ only in ids, names and the like, of which a run has thousands."""
    whole = {**call, "path": route_of(f"/api{call['path']}") or call["path"], "profile": ""}
    return json.dumps(_without_values(whole), sort_keys=True)


def _without_values(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_values(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return sorted({json.dumps(_without_values(inner), sort_keys=True) for inner in value})
    return value if len(str(value)) <= 24 and not isinstance(value, float) else type(value).__name__


def unintended(found: Iterable[str], profile: str | None = None) -> list[str]:
    """The differences that no deviation intends, in a profile or in any."""
    rows = [each.pattern for each in DEVIATIONS if profile is None or profile in each.profiles]
    return sorted(each for each in found if not any(re.fullmatch(row, each) for row in rows))


def _lines(value: Any, place: str = "") -> Iterator[str]:
    """A schema as one line for each of its leaves, whose order does not matter."""
    if isinstance(value, Mapping):
        for key in value.keys() - {"description", "example", "x-not-read"}:
            yield from _lines(value[key], f"{place} {key}")
    elif isinstance(value, list):
        for entry in value:
            yield from _lines(entry, place)
    else:
        yield f"{place}: {value}"


def _parts(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The operations and components of a schema by their names."""
    operations = {
        f"{path} {method}": operation
        for path, of_path in schema["paths"].items()
        for method, operation in of_path.items()
    }
    components = schema["components"].items()
    return operations | {f"{kind} {name}": part for kind, of_kind in components for name, part in of_kind.items()}


def changes(schema: Mapping[str, Any]) -> list[str]:
    """How the schema of a server differs from the facts: "+" only there, "-" only in the facts.

    Only the operations and types of both are compared, because the facts have only those that are in use, and a record
    has no login. A type whose properties the facts do not know is left out.
    """
    ours, theirs = _parts(FACTS), _parts(schema)
    found = []
    for name in sorted(ours.keys() & theirs.keys()):
        if "x-not-read" not in ours[name]:
            known, real = set(_lines(ours[name])), set(_lines(theirs[name]))
            found += [f"+ {name}{line}" for line in sorted(real - known)]
            found += [f"- {name}{line}" for line in sorted(known - real)]
    return found


if __name__ == "__main__":
    print(*changes(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["schema"]), sep="\n")
