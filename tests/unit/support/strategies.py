"""What hypothesis makes for the laws."""

from __future__ import annotations

import ipaddress
import os
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils._model.fields import FIELDS, POOL, PURGEABLE
from ansible_collections.mstr.library.plugins.module_utils._model.kinds import (
    NETWORKS,
    NUMBER,
    PACKAGES,
    RESOURCE,
    TEXT,
)
from hypothesis import strategies as st

from .make import lost, refusal, stopped

# Any JSON value at all.
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)

# Blocks as a user may write them: addresses, and networks without host bits.
BLOCKS = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).flatmap(
    lambda address: (
        st.integers(0, address.max_prefixlen).map(
            lambda length: str(ipaddress.ip_network((address, length), strict=False))
        )
        | st.just(str(address))
    )
)
# Entries as a server may hold them: also host bits, host names, and text of any kind.
STORED_BLOCKS = BLOCKS | st.sampled_from(["10.10.10.7/24", "db.example.com", "", "10.10/16"]) | st.text(max_size=6)

# Line breaks of Unicode do not survive PyYAML, which writes files of definitions in the tests of those.
_TEXT = st.text(st.characters(exclude_characters="\x85\u2028\u2029", codec="utf-8"), max_size=8)
_VERSION = st.sampled_from([None, "", "1.0", "2.32.3"])
_NAME = st.sampled_from(["pandas", "mstrio_py", "mstrio-py", "Mstrio.Py", "numpy", "requests"])
_CPU = st.integers(1, 400).map(lambda hundredths: hundredths / 100)
_COUNT = st.integers(1, 5000)


# So many times as many examples has each law of histories. With TEST_HISTORIES, they are random.
TIMES = int(os.environ.get("TEST_HISTORIES") or os.environ.get("TEST_TIMES") or 1)
# How a call fails, and how a run ends early, see `end_early`.
FAULTS = st.sampled_from([refusal(403), refusal(503), refusal(500, "ERR001"), lost(), stopped(in_flight=True)])
_METHODS = st.sampled_from(["POST", "PATCH", "PUT", "DELETE", "GET"])
ENDS = st.integers(0, 45) | st.tuples(_METHODS, st.integers(1, 13), FAULTS, st.booleans())


def _optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_PACKAGES = st.lists(
    st.fixed_dictionaries({"name": _NAME}, optional={"version": _VERSION, "description": _TEXT}),
    max_size=4,
    unique_by=lambda package: package["name"].lower().replace("_", "-").replace(".", "-"),
)

_VERSIONS = st.sampled_from(["3.10.5", "3.12", "x"])
# The minimum and the maximum that fit together
_POOL = dict(zip(POOL, (st.integers(0, 3), st.integers(4, 9))))
# What a task may ask for, and what a server may hold, in a field of each kind
_WANTED = {
    TEXT: _TEXT,
    NUMBER: _COUNT,
    NETWORKS: st.lists(BLOCKS, max_size=4),
    PACKAGES: _PACKAGES,
    RESOURCE: _optional(cpu=_CPU, mem=_COUNT, disk=_COUNT, proc_count=_COUNT),
}
_HELD = {
    TEXT: st.none() | _TEXT,
    NUMBER: _COUNT,
    NETWORKS: st.none() | st.lists(STORED_BLOCKS, max_size=4),
    PACKAGES: st.none()
    | st.lists(_optional(name=_NAME, version=_VERSION, description=st.none() | _TEXT, status=_TEXT), max_size=4),
    RESOURCE: st.none()
    | _optional(cpu=_CPU.map(str) | st.just("much"), mem=_COUNT | _COUNT.map(str), disk=_COUNT, procCount=_COUNT),
}
_FIELDS = [field for field in FIELDS if field.name != "name"]
_SWITCHES = {f"purge_{name}": st.booleans() for name in PURGEABLE}

# The options of a task that is to be accepted.
OPTIONS = _optional(
    **{field.name: _POOL[field.name] if field.name in _POOL else _WANTED[field.kind] for field in _FIELDS}
    | _SWITCHES
    | {"runtime_version": _VERSIONS}
).map(lambda options: {"name": "r", **options})

# What a server may hold for the runtime.
OBJECTS = _optional(
    **{field.api: _POOL[field.name] if field.name in _POOL else _HELD[field.kind] for field in _FIELDS}
).map(lambda fields: {"id": "3B9A7C7E4D0F4E2A9B1C2D3E4F506172", "name": "r", **fields})
