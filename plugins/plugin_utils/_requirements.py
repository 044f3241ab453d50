# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packages of a lock file: pinned requirements, as `uv export` and `pip freeze` write them, or pylock.toml. Pure.

`packaging`, which ansible-core requires, reads each requirement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, NamedTuple

from ..module_utils._errors import ErrorList, ValidationError
from ..module_utils._text import clean

with suppress(ImportError):  # ansible-core requires it, but the sanity test "import" has no library
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.utils import canonicalize_name
    from packaging.version import InvalidVersion, Version

_PYTHON = re.compile(r"3\.\d+(\.\d+)?")
_IS_PYLOCK = re.compile(r"^lock-version\s*=", re.MULTILINE)
_OPTION_OF_A_REQUIREMENT = re.compile(r"\s+--(hash|config-settings?|global-option)[= ].*")
_PINNED = re.compile(r"===?([^,*]+)")  # one specifier, of one version
_PIN = "pin it as name==version, such as with uv export, pip-compile or pip freeze"


class Pin(NamedTuple):
    """A package in one version."""

    name: str
    version: str


def pinned_packages(text: str, python: Any) -> list[dict[str, str]]:
    """The packages for Linux and this version of Python, sorted by name. Raises ValidationError with every error."""
    if not isinstance(python, str) or not _PYTHON.fullmatch(python):
        raise ValidationError([f"python must be a version such as '3.12' in quotes, not {clean(repr(python), 60)}"])
    text = text.removeprefix("\ufeff")
    read = _pins_of_pylock if _IS_PYLOCK.search(text) else _pins_of_requirements
    pins = {place: pin for place, pin in read(text, _environment(python)).items() if pin}
    if not pins:
        raise ValidationError([f"the text has no package for Linux and Python {python}"])
    first_by_name: dict[str, str] = {}
    with ErrorList() as errors:
        for place, pin in pins.items():
            first = first_by_name.setdefault(canonicalize_name(pin.name), place)
            if pins[first].version != pin.version:
                errors.add(f"{place}: {pin.name} is {pin.version} here, but {pins[first].version} in {first}")
    return [pins[first]._asdict() for _name, first in sorted(first_by_name.items())]


def _pins_of_requirements(text: str, environment: Mapping[str, str]) -> dict[str, Pin | None]:
    """The package of each requirement, by its place; None if its marker excludes it."""
    with ErrorList() as errors:
        return {place: errors.check(_pin, line, environment, prefix=place) for place, line in _lines(text)}


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Each requirement with its place, without its comment. A line that ends in a backslash goes on in the next one."""
    start, whole = 1, ""
    for number, line in enumerate([*text.splitlines(), ""], 1):
        whole += line.removesuffix("\\")
        if line.endswith("\\"):
            continue
        requirement = re.sub(r"(^|\s+)#.*", "", whole).strip()
        if requirement:
            yield f"line {start}", requirement
        start, whole = number + 1, ""


def _pin(line: str, environment: Mapping[str, str]) -> Pin | None:
    """The package of a line; None if its marker excludes it. Raises ValidationError."""
    text = _OPTION_OF_A_REQUIREMENT.sub("", line)
    # What follows may contain credentials.
    shown = clean(repr(re.sub("://.*", "://…", text)), 80)
    if text.startswith("-"):
        raise ValidationError([f"{shown} is an option; remove it, such as with uv export --no-emit-project"])
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise ValidationError([f"{shown} is not a requirement; {_PIN}"]) from None
    if requirement.url:
        raise ValidationError([f"{shown} is installed from an address; a runtime takes only name and version"])
    if not _applies(requirement.marker, environment):
        return None
    pinned = _PINNED.fullmatch(str(requirement.specifier))
    if not pinned:
        raise ValidationError([f"{shown} is not pinned; {_PIN}"])
    return Pin(requirement.name, pinned[1])


def _pins_of_pylock(text: str, environment: dict[str, Any]) -> dict[str, Pin | None]:
    """The package of each entry, by its place; None if its marker excludes it."""
    content = _toml(text)
    groups = content.get("default-groups")
    environment |= {"extras": set(), "dependency_groups": {*groups} if isinstance(groups, list) else set()}
    packages = content.get("packages")
    if not isinstance(packages, list) or not all(isinstance(package, dict) for package in packages):
        raise ValidationError(["pylock.toml has no list of packages"])
    with ErrorList() as errors:
        errors.check(_check_python, content, environment["python_full_version"])
        places = {f"packages[{index}]": package for index, package in enumerate(packages)}
        return {
            place: errors.check(_pin_of_pylock, package, environment, prefix=place) for place, package in places.items()
        }


def _pin_of_pylock(package: Mapping[str, Any], environment: Mapping[str, Any]) -> Pin | None:
    """The package of an entry; None if its marker excludes it. Raises ValidationError."""
    name, version = package.get("name"), package.get("version")
    if not isinstance(name, str) or not name:
        raise ValidationError(["has no name"])
    shown = clean(repr(name), 80)
    if not _applies(package.get("marker"), environment, context="lock_file"):
        return None
    sources = {"archive", "directory", "vcs"} & package.keys()
    if sources:
        raise ValidationError([f"{shown} is installed from its {min(sources)}; a runtime takes only name and version"])
    try:
        Version(str(version))
    except InvalidVersion:
        raise ValidationError([f"{shown} has no version"]) from None
    _check_python(package, environment["python_full_version"])
    return Pin(name, str(version))


def _check_python(table: Mapping[str, Any], version: str) -> None:
    """Raise ValidationError if this part of pylock.toml is not for this version of Python."""
    required = str(table.get("requires-python") or "")
    try:
        allowed = SpecifierSet(required).contains(version, prereleases=True)
    except InvalidSpecifier:
        allowed = False
    if not allowed:
        raise ValidationError([f"requires Python {clean(required, 60)}, not {version}; lock it for that version"])


def _toml(text: str) -> dict[str, Any]:
    """The content of a TOML file. Raises ValidationError."""
    reader: Any = None
    for name in ("tomli", "tomllib"):
        with suppress(ImportError):
            reader = import_module(name)
    if reader is None:
        raise ValidationError(["pylock.toml needs Python 3.11 or the library tomli on the control node"])
    try:
        content: dict[str, Any] = reader.loads(text)
    except ValueError as exc:
        raise ValidationError([f"pylock.toml is not valid: {clean(str(exc), 120)}"]) from None
    return content


def _applies(marker: Any, environment: Mapping[str, Any], **context: Any) -> bool:
    """Whether a requirement with this marker, or with none, is for this environment. Raises ValidationError."""
    if not marker:
        return True
    try:
        return bool(Marker(str(marker)).evaluate(dict(environment), **context))
    except (TypeError, InvalidMarker, UndefinedComparison, UndefinedEnvironmentName):
        error = f"packaging on the control node cannot evaluate the marker {clean(str(marker), 80)}; remove it"
        raise ValidationError([error]) from None


def _environment(python: str) -> dict[str, Any]:
    """The values of markers for Linux and this version of CPython."""
    full = python if python.count(".") == 2 else f"{python}.0"
    return {
        "extra": "",
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": full,
        "python_version": ".".join(full.split(".")[:2]),
        "sys_platform": "linux",
    }
