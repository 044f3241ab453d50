# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is really installed in a runtime: its Python, its packages, and which of them needs which.

Imports packaging only to read requirements and versions, which are in the form of PEP 508 and PEP 440.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from .._text import printable
from .kinds import Package, normalized_name
from .requirements import has_version, project, specifiers

# What is in every Python environment, so no policy has to allow it.
EVERYWHERE = ("pip", "setuptools", "wheel")
PYTHON_KEYS = ("version", "implementation", "platform")
_EXTRAS = re.compile(r"\[([^\[\]]*)\]")

Graph = Mapping[str, Collection[str]]


class Distribution(NamedTuple):
    """An installed package. `requires`: its requirements as in its metadata, in the form of PEP 508."""

    name: str
    version: str
    requires: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name by which packages are compared."""
        return normalized_name(self.name)


class Installed(NamedTuple):
    """The Python of a runtime, with the keys PYTHON_KEYS, and its packages by their keys, in their order."""

    python: Mapping[str, str]
    packages: Mapping[str, Distribution]

    def to_result(self) -> dict[str, Any]:
        """It for a result."""
        packages = [{**package._asdict(), "requires": list(package.requires)} for package in self.packages.values()]
        return {"python": dict(self.python), "packages": packages}


def installed_from(data: Any) -> Installed:
    """What a result has, or the script printed. Raises ValueError for what has a different form, or no package."""
    try:
        python = {key: printable(data["python"][key]) for key in PYTHON_KEYS}
        entries = [(entry["name"], entry["version"], entry["requires"] or ()) for entry in data["packages"]]
        distributions = [
            Distribution(printable(name), printable(version), tuple(sorted(map(printable, requires))))
            for name, version, requires in entries
            if name and version
        ]
    except (TypeError, KeyError, AttributeError):
        raise ValueError("is not a list of installed packages") from None
    if not distributions:
        raise ValueError("has no package, though every environment has some, so packages are hidden from scripts")
    # Of two with one name, Python imports the first one.
    packages = {package.key: package for package in reversed(distributions)}
    return Installed(python, {key: packages[key] for key in sorted(packages)})


def installed_in(text: str) -> Installed:
    """What is in the last line that the script printed. Raises ValueError."""
    try:
        [*_other_lines, last] = text.strip().splitlines()
        data = json.loads(last)
    except (ValueError, RecursionError):
        raise ValueError("is not a list of installed packages") from None
    return installed_from(data)


def graph_of(installed: Installed, written: Iterable[Package] = ()) -> Graph:
    """The keys of the packages that each package needs. `written`: with the extras for which the definition asks."""
    asked = frozenset((project(package.name) or "", *_EXTRAS.findall(package.name)) for package in written)
    return _graph(tuple(installed.packages.values()), tuple(installed.python.items()), asked)


@lru_cache(maxsize=512)  # many rules ask for the same runtime
def _graph(
    packages: tuple[Distribution, ...], python: tuple[tuple[str, str], ...], asked: frozenset[tuple[str, ...]]
) -> Graph:
    by_key = {package.key: package for package in packages}
    extras = {key: {""} for key in by_key}
    for name, *texts in asked:
        extras.get(name, set()).update(extra.strip() for text in texts for extra in text.split(","))
    needs: dict[str, set[str]] = {key: set() for key in by_key}
    environment = _environment(dict(python))
    to_do = list(by_key)
    while to_do:
        key = to_do.pop()
        for target, more_extras in _requirements(by_key[key], environment, extras[key]):
            if target in by_key:
                needs[key].add(target)
                if not more_extras <= extras[target]:
                    extras[target] |= more_extras
                    to_do.append(target)
    return {key: sorted(needed) for key, needed in needs.items()}


def _requirements(
    package: Distribution, environment: Mapping[str, str], extras: Collection[str]
) -> Iterator[tuple[str, set[str]]]:
    """The key and the extras of each requirement whose marker holds. What cannot be read requires nothing."""
    from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.version import InvalidVersion

    for text in package.requires:
        try:
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({**environment, "extra": extra}) for extra in extras):
                yield normalized_name(requirement.name), set(requirement.extras)
        except (InvalidRequirement, InvalidVersion, UndefinedComparison, UndefinedEnvironmentName):
            continue


def _environment(python: Mapping[str, str]) -> dict[str, str]:
    """The variables of markers, for the platform of the runtime and not for that of this process."""
    system, _dash, rest = python["platform"].partition("-")
    os_name, sys_platform, platform_system = {
        "win": ("nt", "win32", "Windows"),
        "win32": ("nt", "win32", "Windows"),
        "macosx": ("posix", "darwin", "Darwin"),
    }.get(system, ("posix", system, system.capitalize()))
    version = python["version"]
    return {
        "implementation_name": python["implementation"].lower(),
        "implementation_version": version,
        "os_name": os_name,
        "platform_machine": rest.rpartition("-")[2],
        "platform_python_implementation": python["implementation"],
        "platform_release": "",
        "platform_system": platform_system,
        "platform_version": "",
        "python_full_version": version,
        "python_version": ".".join(version.split(".")[:2]),
        "sys_platform": sys_platform,
    }


def required_by(graph: Graph, key: str, written: Iterable[Package]) -> str | None:
    """The key of the package that requires this one; of several, the one that is nearest to the definition."""
    distance = dict.fromkeys(sorted(str(project(package.name)) for package in written), 0)
    to_do = list(distance)
    while to_do:
        name = to_do.pop(0)
        for needed in graph.get(name, ()):
            if needed not in distance:
                distance[needed] = distance[name] + 1
                to_do.append(needed)
    parents = [name for name, needs in graph.items() if key in needs and name != key]
    return min(parents, key=lambda name: (distance.get(name, len(graph)), name), default=None)


def mismatches(installed: Installed, written: Iterable[Package]) -> Iterator[dict[str, Any]]:
    """Each package whose version in the definition is not the installed one; `installed` is None if none is there."""
    for package in written:
        real = installed.packages.get(project(package.name) or normalized_name(package.name))
        if package.version and not (real and _same(package.version, real.version)):
            yield {
                "package": package.name,
                "version": package.version,
                "installed": real.version if real else None,
            }


def _same(pinned: str, real: str) -> bool:
    """Whether a version is the pinned one. A local part, such as +cu118, counts only where it is pinned."""
    try:
        return pinned == real or has_version(specifiers(f"=={pinned}"), real)
    except ImportError:
        return pinned == real.partition("+")[0]
    except ValueError:  # not in the form of PEP 440, so only the text counts
        return False
