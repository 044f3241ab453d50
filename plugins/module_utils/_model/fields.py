# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of a runtime's fields: option name, API name, kind and Ansible argument spec of each field.

Sources: the vendor's workflows [doc], and its client [mstrio] for the fields of newer servers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .kinds import COUNT, NETWORKS, NUMBER, PACKAGES, RESOURCE, TEXT, ValueKind


class AsWritten(str):
    """A type of Ansible, but without conversion, so that a check can reject other values with a remedy.

    Ansible would convert a number to text first; then the version 2.1 looks the same as an unquoted 2.10. It would
    split a text at commas, which names may contain. Ansible calls a callable type to convert a value. For documentation
    and sanity tests, this one equals the name of Ansible's type.
    """

    def __call__(self, value: Any) -> Any:
        """The value, unchanged."""
        return value


TEXT_AS_WRITTEN = AsWritten("str")
LIST_AS_WRITTEN = AsWritten("list")


class Field(NamedTuple):
    """One field of a runtime: the option, the API's name, its kind and the option's Ansible spec."""

    name: str
    api: str
    kind: ValueKind
    spec: Mapping[str, Any]
    # Older releases do not return it [mstrio], so if a list lacks it, the object is not read again for it.
    newer_only: bool = False
    # Whether a definition may set it to an empty text.
    may_be_empty: bool = True


_STR = {"type": "str"}
_VERSION = {"type": TEXT_AS_WRITTEN}
_INT = {"type": "int"}
_PACKAGE = {"name": {"type": "str", "required": True}, "version": _VERSION, "description": _STR}
_RESOURCE = {"cpu": {"type": "float"}, "mem": _INT, "disk": _INT, "proc_count": _INT}

FIELDS = (
    Field("name", "name", TEXT, _STR),
    Field("description", "description", TEXT, _STR),
    Field("whitelist", "whitelist", NETWORKS, {"type": "list", "elements": "str"}),
    Field("packages", "packages", PACKAGES, {"type": "list", "elements": "dict", "options": _PACKAGE}),
    Field("resource", "resource", RESOURCE, {"type": "dict", "options": _RESOURCE}),
    Field("exec_timeout", "execTimeout", NUMBER, _INT),
    Field("min_cached_instances", "minCachedInstances", COUNT, _INT),
    Field("max_cached_instances", "maxCachedInstances", COUNT, _INT),
    Field("runtime_version", "runtimeVersion", TEXT, _VERSION, may_be_empty=False),
    Field("others", "others", TEXT, _STR),
    Field("execution_target", "executionTarget", TEXT, _STR, newer_only=True),
)
BY_NAME = {field.name: field for field in FIELDS}
PURGEABLE = ("whitelist", "packages")
POOL = ("min_cached_instances", "max_cached_instances")


def differing(before: Mapping[str, Any], after: Mapping[str, Any], names: Iterable[str]) -> tuple[str, ...]:
    """Those of these fields whose values differ."""
    return tuple(name for name in names if not BY_NAME[name].kind.is_equal(before.get(name), after.get(name)))
