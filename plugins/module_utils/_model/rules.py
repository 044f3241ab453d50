# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules of a policy: what each of them finds in the values of a runtime. Uses netaddr for networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from itertools import product
from typing import Any, NamedTuple

from .._errors import ErrorList, parsed_each
from .checks import amounts, at_least, positive
from .installed import EVERYWHERE, Installed, graph_of, required_by
from .kinds import RESOURCE, RESOURCE_KEYS, Package
from .networks import canonical, parse
from .python import days_left, support_of
from .requirements import Requirement, about, has_version, project, requirement, specifiers, version_of

with suppress(ImportError):  # a task that needs netaddr reports that it is missing, see NETADDR_IMPORT_ERROR
    from netaddr import IPNetwork, cidr_merge

# The verdicts
VIOLATION, EXEMPTED, NOT_EVALUATED = "violation", "exempted", "not evaluated"


class PolicyFinding(NamedTuple):
    """What a rule finds in an option, or in the entry of a list at `position`.

    `value` is None where a whole option violates the rule; `detail` is the reason, as the rest of a sentence that
    starts with the value. `reason` and `until` are those of its exemption, also of one that has expired.
    """

    option: str
    value: Any
    detail: str
    position: int | None = None
    verdict: str = VIOLATION
    rule: str = ""
    reason: str | None = None
    until: str | None = None

    @property
    def counts(self) -> bool:
        """Whether it is a violation."""
        return self.verdict == VIOLATION

    @property
    def key(self) -> tuple[str, str, str]:
        """What two looks at the same value have in common, also where a list has more entries."""
        return self.rule, self.option, repr(self.value)

    @property
    def sentence(self) -> str:
        """The violation as a sentence."""
        place = self.option if self.position is None else f"{self.option}[{self.position}]"
        entry = place if self.value is None else f"{place} {self.value!r}"
        return f"{entry} violates the policy {self.rule}: it {self.detail}"

    def to_result(self) -> dict[str, Any]:
        """The finding for a result."""
        row = {"option": self.option, "value": self.value, "rule": self.rule, "detail": self.detail}
        return {**row, "reason": self.reason, "until": self.until} if self.verdict == EXEMPTED else row


class Rule(NamedTuple):
    """One rule. `options`: what it evaluates; `sentence`: what it asks for, with the rule's value at `{}`.

    `parse` takes the place and the value of the rule in a policy, and raises ValidationError. `evaluate` takes what
    `parse` returned, and the values of a runtime or of a definition. They have the key `day`, today in UTC, `installed`
    and `python` where these are known, and `is_new` of one to create.
    `required`: it asks for entries of its lists, so a list that a create omits violates it as an empty one does.
    `may_be_empty`: an empty list or a 0 forbids something, too.
    """

    options: tuple[str, ...]
    sentence: str
    parse: Callable[[str, Any], Any]
    evaluate: Callable[[Any, Mapping[str, Any]], Iterator[PolicyFinding]]
    required: bool = False
    may_be_empty: bool = False


RULES: dict[str, Rule] = {}


def _rule(sentence: str, parse: Callable[[str, Any], Any], *options: str, **more: bool) -> Callable[..., Any]:
    """The decorator that adds a rule under the name of its evaluator."""

    def add(evaluate: Callable[[Any, Mapping[str, Any]], Iterator[PolicyFinding]]) -> Any:
        RULES[evaluate.__name__] = Rule(options, sentence, parse, evaluate, **more)
        return evaluate

    return add


def _unreadable(option: str, value: Any, why: str, position: int | None = None) -> PolicyFinding:
    """What a rule cannot read counts as a violation, because nobody knows that the rule is kept."""
    return PolicyFinding(option, value, f"is unreadable: {why}", position)


def _as_it_is(_place: str, value: bool) -> bool:
    return value


# --- networks


# IPv6 blocks in which each address stands for an IPv4 one: mapped addresses (RFC 4291) and NAT64 (RFC 6052).
_EMBEDDING = ("::ffff:0:0/96", "64:ff9b::/96")
_LAST_IPV4 = 0xFFFFFFFF


def _embedded(network: IPNetwork) -> list[IPNetwork]:
    """The IPv4 network in an IPv6 network that contains only mapped or NAT64 addresses."""
    return [
        IPNetwork((int(network.first) & _LAST_IPV4, network.prefixlen - prefix.prefixlen), version=4)
        for prefix in map(parse, _EMBEDDING)
        if network in prefix
    ]


def _ranges(blocks: Sequence[str]) -> Any:
    """The networks of a rule, merged: each network within their union lies within one of these.

    A block of mapped or NAT64 addresses also includes the IPv4 ones. `::/0` does not: a user who allows or forbids it
    means IPv6.
    """
    networks = [parse(text) for text in blocks]
    return cidr_merge([*networks, *(ipv4 for network in networks for ipv4 in _embedded(network))])


def _within(network: IPNetwork, ranges: Sequence[IPNetwork]) -> bool:
    return any(network in other for other in ranges)


def _overlap(networks: Sequence[IPNetwork], others: Sequence[IPNetwork]) -> bool:
    """Whether they have a common address: of two networks that do, one contains the other."""
    return any(one in other or other in one for one, other in product(networks, others))


@lru_cache(maxsize=8192)  # servers with many runtimes hold the same blocks many times
def _networks_of(text: str) -> tuple[IPNetwork, ...]:
    """The network of an entry, then the IPv4 networks that it contains as IPv6; empty if it is not a block."""
    with suppress(ValueError):
        block = parse(text)
        return block, *_embedded(block), *(parse("0.0.0.0/0") for prefix in map(parse, _EMBEDDING) if prefix in block)
    return ()


def _whitelist_entries(values: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """The entries of a whitelist with their indexes. None stands for one that is refused for another reason."""
    return ((index, text) for index, text in enumerate(values["whitelist"] or ()) if text is not None)


def _allowed_networks(place: str, texts: Sequence[str]) -> Any:
    return _ranges(parsed_each(place, texts, canonical))


def _listed_networks(place: str, texts: Sequence[str]) -> Any:
    return [(text, _ranges([text])) for text in parsed_each(place, texts, canonical)]


@_rule("networks must lie within {}", _allowed_networks, "whitelist", may_be_empty=True)
def networks_within(allowed: Sequence[Any], values: Mapping[str, Any]) -> Iterator[PolicyFinding]:
    """Each block lies within the union of the allowed ones."""
    for index, text in _whitelist_entries(values):
        networks = _networks_of(text)
        if not networks:
            yield _unreadable("whitelist", text, "it is not a CIDR block", index)
        elif not _within(networks[0], allowed):
            yield PolicyFinding("whitelist", text, "does not lie within the allowed networks", index)
        elif not all(_within(ipv4, allowed) for ipv4 in networks[1:]):
            why = "contains IPv4 addresses (as IPv6) that do not lie within the allowed networks"
            yield PolicyFinding("whitelist", text, why, index)


@_rule("networks must not overlap {}", _listed_networks, "whitelist")
def networks_never(
    forbidden: Sequence[tuple[str, Sequence[Any]]], values: Mapping[str, Any]
) -> Iterator[PolicyFinding]:
    """No block overlaps a forbidden one."""
    for index, text in _whitelist_entries(values):
        networks = _networks_of(text)
        if not networks:
            yield _unreadable("whitelist", text, "it is not a CIDR block", index)
            continue
        hit = [name for name, never in forbidden if _overlap(networks, never)]
        if hit:
            yield PolicyFinding("whitelist", text, f"overlaps {', '.join(hit)}", index)


_EMPTY_WHITELIST = (
    "is empty, and it is not documented whether scripts then reach nothing or everything; list the networks, or set "
    "whitelist_required: false in the policy"
)


@_rule("a whitelist is required", _as_it_is, "whitelist", required=True)
def whitelist_required(_true: Any, values: Mapping[str, Any]) -> Iterator[PolicyFinding]:
    """The whitelist is not empty."""
    if not values["whitelist"]:
        yield PolicyFinding("whitelist", None, _EMPTY_WHITELIST)


@_rule("networks must include {}", partial(parsed_each, parse=canonical), "whitelist", required=True)
def networks_required(required: Sequence[str], values: Mapping[str, Any]) -> Iterator[PolicyFinding]:
    """Each of these networks lies within the union of the blocks. An empty whitelist contains nothing."""
    entries = [_networks_of(text) for _index, text in _whitelist_entries(values)]
    # IPv4 addresses in IPv6 blocks do not count here: nobody knows whether a server opens them.
    union = cidr_merge([networks[0] for networks in entries if networks])
    for text in required:
        if not _within(parse(text), union):
            yield PolicyFinding("whitelist", text, "does not lie within the whitelist")


# --- packages and versions


_requirements = partial(parsed_each, parse=requirement)


class _Entry(NamedTuple):
    """A package of a runtime. `pulled_in`: of one that no definition lists, what is installed and what is listed."""

    option: str
    position: int
    package: Package
    pulled_in: tuple[Installed, Sequence[Package]] | None = None

    @property
    def shown(self) -> str:
        """How it is shown."""
        return f"{self.package.name}=={self.package.version}" if self.package.version else self.package.name

    def finding(self, detail: str, verdict: str = VIOLATION) -> PolicyFinding:
        """What a rule finds in it, with the package that pulled it in."""
        if self.pulled_in:
            installed, written = self.pulled_in
            by = required_by(graph_of(installed, written), self.package.key, written)
            detail += f" (required by {installed.packages[by].name})" if by else " (no package requires it)"
        return PolicyFinding(self.option, self.shown, detail, self.position, verdict)


def _evaluated_packages(values: Mapping[str, Any]) -> list[_Entry]:
    """The packages that are really installed where that is known, or else those of the definition."""
    written, installed = values["packages"] or (), values.get("installed")
    if installed is None:
        return [_Entry("packages", index, package) for index, package in enumerate(written)]
    listed, entries = {project(package.name) for package in written}, list[_Entry]()
    for index, (key, distribution) in enumerate(installed.packages.items()):
        package = Package(distribution.name, distribution.version)
        more = () if key in listed else ((installed, written),)
        entries.append(_Entry("installed" if more else "packages", index, package, *more))
    return entries


@_rule("packages must match one of {}", _requirements, "packages", may_be_empty=True)
def packages_within(allowed: Sequence[Requirement], values: Mapping[str, Any]) -> Iterator[PolicyFinding]:
    """Each package matches an allowed requirement."""
    for entry in _evaluated_packages(values):
        package = entry.package
        comes_with_python = entry.option == "installed" and package.key in EVERYWHERE
        if comes_with_python or any(each.is_met_by(package) for each in allowed):
            continue
        detail = "matches none of the allowed packages"
        limiting = about(package, allowed)
        if limiting:
            detail += f" ({_joined(limiting)} allows only some versions)"
        yield entry.finding(detail)


def _joined(requirements: Sequence[Requirement]) -> str:
    return ", ".join(requirement.text for requirement in requirements)


@_rule("packages must not match {}", _requirements, "packages")
def packages_never(forbidden: Sequence[Requirement], values: Mapping[str, Any]) -> Iterator[PolicyFinding]:
    """No package matches a forbidden requirement."""
    for entry in _evaluated_packages(values):
        package = entry.package
        version = package.version
        named = about(package, forbidden)
        matching = [each for each in named if each.is_met_by(package)]
        by_version = [each for each in named if each.versions]
        if project(package.name) is None:
            yield _unreadable(entry.option, entry.shown, "its name is not the name of a package", entry.position)
        elif matching:
            yield entry.finding(f"matches {_joined(matching)}")
        elif by_version and not package.has_version:
            yield entry.finding(f"has no version to compare with {_joined(by_version)}", NOT_EVALUATED)
        elif by_version and version_of(version) is None:
            yield _unreadable(entry.option, entry.shown, "PEP 440 cannot read its version", entry.position)


@_rule("packages must include {}", _requirements, "packages", required=True)
def packages_required(required: Sequence[Requirement], values: Mapping[str, Any]) -> Iterator[PolicyFinding]:
    """A package matches each requirement."""
    packages = _evaluated_packages(values)
    for needed in required:
        if any(needed.is_met_by(entry.package) for entry in packages):
            continue
        detail = "matches none of the packages"
        named = [entry.shown for entry in packages if needed.is_about(entry.package)]
        if named:
            detail += f" (it has {', '.join(named)})"
        yield PolicyFinding("packages", needed.text, detail)


@_rule("every package needs a version", _as_it_is, "packages")
def package_versions_required(_true: Any, values: Mapping[str, Any]) -> Iterator[PolicyFinding]:
    """Each package has a version."""
    for index, package in enumerate(values["packages"] or ()):
        if not package.has_version:
            yield PolicyFinding("packages", package.name, "has no version", index)


def _python(values: Mapping[str, Any]) -> tuple[str, str | None]:
    """The option and the version of the installed Python where it is known, or else of that of the definition."""
    installed = values.get("python")
    if installed in (None, values["runtime_version"]):
        return "runtime_version", values["runtime_version"]
    return "installed", installed


def _python_of_new(values: Mapping[str, Any]) -> Iterator[PolicyFinding]:
    """The finding for a runtime that would be created without a version. One that exists may not show its version."""
    if values.get("is_new"):
        yield PolicyFinding("runtime_version", None, "is not set, so the server would choose the Python; set it")


def _python_versions(place: str, texts: Sequence[str]) -> list[tuple[str, Any]]:
    return [(text.strip(), parsed) for text, parsed in zip(texts, parsed_each(place, texts, specifiers))]


@_rule("the Python version must match one of {}", _python_versions, "runtime_version", may_be_empty=True)
def runtime_versions_within(allowed: Sequence[tuple[str, Any]], values: Mapping[str, Any]) -> Iterator[PolicyFinding]:
    """The Python version matches an allowed specifier."""
    texts = " or ".join(text for text, _parsed in allowed) or "any, because the rule is an empty list"
    option, version = _python(values)
    if not version:
        yield from _python_of_new(values)
    elif not any(has_version(parsed, version) for _text, parsed in allowed):
        yield PolicyFinding(option, version, f"does not match {texts}")


@_rule("the Python must be supported for at least {} more days", at_least, "runtime_version", may_be_empty=True)
def python_days_left(least: int, values: Mapping[str, Any]) -> Iterator[PolicyFinding]:
    """The Python is supported for long enough. The texts are the same every day."""
    option, version = _python(values)
    if not version:
        yield from _python_of_new(values)
        return
    support = support_of(version)
    if support is None:
        yield _unreadable(option, version, "it is not the version of a Python")
        return
    days, last_day = days_left(version, values["day"]), support["end_of_life"]
    if days is None:
        yield PolicyFinding(option, version, "is newer than every version whose end is known", verdict=NOT_EVALUATED)
    elif days < least:
        ends = f"is supported until {last_day}" if last_day else "is so old that nobody knows when its support ended"
        yield PolicyFinding(option, version, f"{ends}, and at least {least} days must be left")


# --- sizes


def _above(limit: Any, option: str, value: Any) -> list[PolicyFinding]:
    """A finding if the value is above the limit, or cannot be compared with it. A negative one may mean no limit."""
    if value is None:
        return []
    if not isinstance(value, (int, float)) or value < 0:
        return [_unreadable(option, value, "it is not a number of at least 0")]
    return [PolicyFinding(option, value, f"is more than {limit}")] if value > limit else []


def _limits(place: str, options: Mapping[str, Any]) -> dict[str, Any]:
    with ErrorList() as errors:
        limits: dict[str, Any] = errors.check(amounts, place, options) or {}
        for key, check in (("exec_timeout", positive), ("max_cached_instances", at_least)):
            if options.get(key) is not None:
                limits[key] = errors.check(check, f"{place}.{key}", options[key])
    return limits


@_rule("limits are at most {}", _limits, "resource", "exec_timeout", "max_cached_instances")
def resource_max(limits: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[PolicyFinding]:
    """No resource, no timeout and no number of cached instances is above its limit."""
    amounts_of_resource = RESOURCE.canonical(RESOURCE.or_empty(values.get("resource")))
    for key, limit in limits.items():
        if key in RESOURCE_KEYS:
            yield from _above(limit, f"resource.{key}", amounts_of_resource.get(key))
        else:
            yield from _above(limit, key, values.get(key))
