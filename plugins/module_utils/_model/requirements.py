# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements on packages and versions, in the form of PEP 440. Imports packaging only for versions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple

from .kinds import Package, normalized_name

_OPERATOR = re.compile(r"[<>=~!]")
_REQUIREMENT = re.compile(r"\s*([\w.*?-]+)\s*((?:===|[<>=~!]=|[<>]).*)?", re.ASCII | re.DOTALL)
# A name as in PEP 508, and extras, which install the package of that name with more.
_NAME = re.compile(r"\s*([A-Z0-9](?:[A-Z0-9._-]*[A-Z0-9])?)\s*(?:\[[^\[\]]*\]\s*)?", re.ASCII | re.IGNORECASE)


@lru_cache(maxsize=8192)
def project(name: str) -> str | None:
    """The normalized name of the package that a server installs for `name`, without extras: `requests` for
    `Requests[socks]`. None for what is not a name, such as a URL: nobody knows which package it installs.
    """
    match = _NAME.fullmatch(name)
    return normalized_name(match[1]) if match else None


class Requirement(NamedTuple):
    """A pattern of package names, and the versions that are meant; None means every package of these names."""

    text: str
    pattern: str
    versions: Any = None

    def is_about(self, package: Package) -> bool:
        """Whether the package has one of the names."""
        name = project(package.name)
        return name is not None and fnmatchcase(name, self.pattern)

    def is_met_by(self, package: Package) -> bool:
        """Whether the package has one of the names, and one of the versions."""
        return self.is_about(package) and (self.versions is None or has_version(self.versions, package.version))


def about(package: Package, requirements: Iterable[Requirement]) -> list[Requirement]:
    """Those that name this package, in whatever version."""
    return [each for each in requirements if each.is_about(package)]


def requirement(text: str) -> Requirement:
    """The requirement in a text such as `requests<2.32`. Raises ValueError with the rest of a sentence about it."""
    match = _REQUIREMENT.fullmatch(text)
    if not match:
        raise ValueError(
            "is not a package name or a pattern with * and ?, optionally with versions; write for example company-* or "
            "requests<2.32"
        )
    name, versions = match.groups()
    return Requirement(text.strip(), normalized_name(name), specifiers(versions) if versions else None)


def specifiers(text: str) -> Any:
    """The versions that a text such as `>=3.10,<3.13` means. Raises ValueError like `requirement`."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        parsed = SpecifierSet(text)
    except InvalidSpecifier:
        parsed = None
    if not parsed:
        example = f"=={text.strip()}" if re.fullmatch(r"\s*[\d.*]+\s*", text) else ">=3.10,<3.13"
        raise ValueError(f"is not a version specifier of PEP 440; write for example {example}")
    return parsed


@lru_cache(maxsize=8192)
def version_of(text: str) -> Any:
    """The version in the form of PEP 440; None if it has a different form."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(text)
    except InvalidVersion:
        return None


def has_version(versions: Any, text: str | None) -> bool:
    """Whether a version is one of those. A missing version is not one of them."""
    version = version_of(text) if text else None
    # A pre-release counts: nobody wants requests<2.32 to miss 2.31rc1.
    return version is not None and bool(versions.contains(version, prereleases=True))


def needs_packaging(policy: Mapping[str, Any], installed: bool) -> bool:
    """Whether the option `policy` compares versions.

    `installed`: whether it evaluates what is installed, and so reads requirements to find out what pulled it in.
    """
    rules = ("packages_within", "packages_never", "packages_required")
    texts = [text for rule in rules for text in policy.get(rule) or ()]
    return bool(policy.get("runtime_versions_within") or (texts and installed) or any(map(_OPERATOR.search, texts)))
