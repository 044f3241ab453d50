# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The smoke test of `smoke_test: true`: packages are installed, and the modules that they bring can be imported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .requirements import project

# It stops at the first package that is missing, or of which a module cannot be imported.
_CODE = """\
import importlib
import importlib.metadata
import platform
import sys

sys.tracebacklimit = 0  # an error is one line, without the lines of this code
endings = (".py", ".so", ".pyd")
not_meant = {"benchmarks", "conftest", "docs", "examples", "scripts", "setup", "test", "tests"}


def modules_of(found):
    files = [file for file in found.files or () if file.parts]
    folders = {file.parts[:-1] for file in files if file.name == "__init__.py"}
    names = {folder for folder in folders if not any(folder[:end] in folders for end in range(1, len(folder)))}
    names |= {(file.name.split(".")[0],) for file in files if len(file.parts) == 1 and file.suffix in endings}
    names = names or {(name,) for name in (found.read_text("top_level.txt") or "").split()}
    names = {name for name in names if all(map(str.isidentifier, name)) and name[0] not in not_meant}
    return sorted(".".join(name) for name in names if not name[0].startswith("__"))


if packages and not list(importlib.metadata.distributions()):
    raise ImportError("This server hides from scripts what is installed. Give smoke_test Python code instead of true.")
for package in packages:
    where = f"on Python {platform.python_version()}"
    try:
        found = importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        raise ImportError(f"Package {package} is not installed {where}.") from None
    for module in modules_of(found):
        try:
            importlib.import_module(module)
        except (Exception, SystemExit) as error:
            why = f"module {module}: {type(error).__name__}: {error}"
            raise ImportError(f"Package {package} cannot be imported {where}: {why}") from None
print(f"{len(packages)} packages are installed and can be imported.")
"""


def import_check(packages: Iterable[Mapping[str, Any]]) -> str:
    """Python code that tests these packages of a runtime. What is no name, such as a URL, is not tested."""
    names = [name for package in packages if (name := project(str(package["name"])))]
    return f"packages = {names!r}\n{_CODE}"
