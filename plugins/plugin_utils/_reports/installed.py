# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit makes of what is really installed, and of the versions of Python that the server offers.

Pure: takes the result of `mstr.library.mstr_runtime_info`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.mstr.library.plugins.module_utils._model.kinds import normalized_name
from ansible_collections.mstr.library.plugins.module_utils._model.requirements import project

Json = Mapping[str, Any]


def _distributions(runtime: Json) -> dict[str, Json]:
    """The installed packages of a runtime by their keys, none if they are not known."""
    return {normalized_name(found["name"]): found for found in (runtime.get("installed") or {}).get("packages", ())}


def installed_version(runtime: Json, package: Json) -> str | None:
    """The installed version of a package of the definition; None if it is not known, or not installed."""
    found = _distributions(runtime).get(project(str(package.get("name") or "")) or "")
    return found["version"] if found else None


def pulled_in(runtime: Json, verdict_on: Callable[..., str]) -> list[dict[str, Any]]:
    """The installed packages that are not in the definition."""
    listed = {project(str(package.get("name") or "")) for package in runtime.get("packages") or ()}
    return [
        {
            "name": found["name"],
            "version": found["version"],
            "verdict": verdict_on("installed", value=f"{found['name']}=={found['version']}"),
        }
        for key, found in _distributions(runtime).items()
        if key not in listed
    ]


def mismatches(runtime: Json, read: Json | None) -> list[str]:
    """The rest of a sentence about the runtime for each package whose pinned version is not installed."""
    return [
        f"has {row['package']} {row['installed']}, but its definition has {row['version']}"
        if row["installed"]
        else f"has no package {row['package']}, but its definition has {row['version']}"
        for row in (read or {}).get("mismatches") or ()
        if row["id"] == runtime.get("id")
    ]


def not_offered(read: Json) -> list[dict[str, Any]] | None:
    """The runtimes whose Python the server does not offer any more; None without a list of versions."""
    if read.get("versions") is None:
        return None
    return [
        {key: runtime.get(key) for key in ("name", "id", "runtime_version")}
        for runtime in read.get("runtimes") or ()
        if runtime.get("runtime_version") not in (None, "", *read["versions"]) and not runtime.get("is_default")
    ]
