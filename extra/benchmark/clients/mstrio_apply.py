# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does the same work with the vendor's client: lists, compares, creates and alters runtimes one by one."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from mstrio import config
from mstrio.connection import Connection
from mstrio.python_execution.runtime import Runtime, list_runtimes

config.verbose = False
_FIELDS = ("name", "description", "exec_timeout", "min_cached_instances", "max_cached_instances")


def main() -> None:
    wanted = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    connection = Connection(
        os.environ["MSTR_BASE_URL"],
        username=os.environ["MSTR_USERNAME"],
        password=os.environ["MSTR_PASSWORD"],
        login_mode=1,
    )
    found = {runtime.name: runtime for runtime in list_runtimes(connection)}
    for entry in wanted:
        options: dict[str, Any] = {**entry, "resource": {**entry["resource"], "cpu": str(entry["resource"]["cpu"])}}
        runtime = found.get(entry["name"])
        if runtime is None:
            Runtime.create(connection, **options)
        elif _differs(runtime, options):
            runtime.alter(**options)
    connection.close()


def _differs(runtime: Runtime, wanted: dict[str, Any]) -> bool:
    return (
        any(getattr(runtime, field) != wanted[field] for field in _FIELDS)
        or sorted(runtime.whitelist) != sorted(wanted["whitelist"])
        or sorted((package.name, package.version) for package in runtime.packages)
        != sorted((package["name"], package["version"]) for package in wanted["packages"])
        or (runtime.resource.cpu, runtime.resource.mem) != (wanted["resource"]["cpu"], wanted["resource"]["mem"])
    )


if __name__ == "__main__":
    main()
