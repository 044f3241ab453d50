# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy: what a runtime may have."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from .._errors import ErrorList, ValidationError, parsed_each
from .fields import LIST_AS_WRITTEN
from .kinds import RESOURCE_KEYS, Package, Resource, number
from .networks import NETADDR_IMPORT_ERROR, Span, block_in, canonical, embedded, span, union

if TYPE_CHECKING:
    # Only rules of packages and versions import the module, so that other tasks start faster.
    from .requirements import Requirement

# What a judge finds: the option, the index in a list or None, the value, and why it breaks the rule.
Finding = tuple[str, "int | None", Any, str]
# How a detail starts if a rule cannot judge a value. This breaks the rule, because nobody knows that it is kept.
NOT_JUDGED = "cannot be judged"
_TEXTS: dict[str, Any] = {"type": "list", "elements": "str"}
_LISTS = {"whitelist": 0, "packages": 1}
_NO_PACKAGE = f"{NOT_JUDGED}: its name is not the name of a package"


class Violation(NamedTuple):
    """A rule that a runtime breaks, and the reason. `position` and `value` are None where a whole option breaks it."""

    rule: str
    option: str
    value: Any
    detail: str
    position: int | None = None

    @property
    def judged(self) -> bool:
        """Whether the rule could judge the value."""
        return not self.detail.startswith(NOT_JUDGED)

    def to_result(self) -> dict[str, Any]:
        """The violation for a result."""
        return {"option": self.option, "value": self.value, "rule": self.rule, "detail": self.detail}

    @property
    def sentence(self) -> str:
        """The violation as a sentence."""
        place = self.option if self.position is None else f"{self.option}[{self.position}]"
        entry = place if self.value is None else f"{place} {self.value!r}"
        return f"{entry} breaks the policy {self.rule}: it {self.detail}"


class Rule(NamedTuple):
    """One rule. `options`: what it judges; `sentence`: what it asks for, with the rule's value at `{}`.

    `parse` takes the place and the value of the rule in a policy; it returns None for a value that forbids nothing, and
    raises ValidationError. `judge` takes what `parse` returned, and the values of a runtime or of a definition.
    """

    key: str
    options: tuple[str, ...]
    sentence: str
    spec: Mapping[str, Any]
    parse: Callable[[str, Any], Any]
    judge: Callable[[Any, Mapping[str, Any]], Iterator[Finding]]


class Policy(NamedTuple):
    """The rules that are set, each with what its `parse` returned."""

    rules: tuple[tuple[Rule, Any], ...] = ()

    @property
    def lets_empty_whitelists_pass(self) -> bool:
        """Whether networks are limited, but an empty whitelist, which some servers may read as "everything", is not."""
        keys = {rule.key for rule, _value in self.rules}
        return "networks_within" in keys and "whitelist_required" not in keys

    def violations(self, values: Mapping[str, Any]) -> list[Violation]:
        """Each rule that the values break, by option. An option that `values` lacks is not judged; None is judged.

        Values need not be valid, because servers may hold anything.
        """
        found = [
            Violation(rule.key, option, value, detail, index)
            for rule, limit in self.rules
            if any(option in values for option in rule.options)
            for option, index, value, detail in rule.judge(limit, values)
        ]
        # A value that breaks one rule need not be reported again because a second rule cannot judge it.
        broken = {(one.option, one.position) for one in found if one.judged}
        kept = [one for one in found if one.judged or (one.option, one.position) not in broken]
        return sorted(kept, key=lambda one: (_LISTS.get(one.option, len(_LISTS)), one.position or 0))

    def check(self, values: Mapping[str, Any]) -> None:
        """Raises ValidationError with every violation."""
        found = [violation.sentence for violation in self.violations(values)]
        if found:
            raise ValidationError(found)


def policy_from(option: Mapping[str, Any] | None) -> Policy | None:
    """The policy in the option `policy`, None if it is not set. Raises ValidationError with all errors."""
    if option is None:
        return None
    rules = []
    with ErrorList() as errors:
        for rule in RULES:
            if option.get(rule.key) is not None:
                value = errors.check(rule.parse, f"policy.{rule.key}", option[rule.key])
                if value is not None:
                    rules.append((rule, value))
    return Policy(tuple(rules))


def libraries(option: Mapping[str, Any] | None) -> dict[str, str | None]:
    """The libraries that the policy needs, each with the traceback of its failed import, or None."""
    needed = {"netaddr": NETADDR_IMPORT_ERROR}
    policy = option or {}
    texts = [text for rule in ("packages_within", "packages_never") for text in policy.get(rule) or ()]
    versions = policy.get("runtime_versions_within")
    if versions or texts:
        from .requirements import OPERATOR, packaging_error

        if versions or any(map(OPERATOR.search, texts)):
            needed["packaging"] = packaging_error()
    return needed


# --- networks


def _addresses(blocks: Iterable[str]) -> tuple[Span, ...]:
    """The addresses in the blocks of a rule. A block of mapped or NAT64 addresses also includes the IPv4 ones."""
    spans = [span(text) for text in blocks]
    return union([*spans, *(one for block in spans for one in embedded(block, whole=True))])


def _allowed_networks(place: str, given: Sequence[str]) -> Any:
    return _addresses(parsed_each(place, given, canonical))


def _forbidden_networks(place: str, given: Sequence[str]) -> Any:
    return tuple((text, _addresses([text])) for text in parsed_each(place, given, canonical)) or None


@lru_cache(maxsize=8192)  # servers with many runtimes hold the same blocks many times
def _judged(text: str) -> tuple[Span, list[Span]] | None:
    """The addresses of an entry, and the IPv4 addresses that it contains as IPv6; None if it is not a block."""
    try:
        block = span(text)
    except ValueError:
        return None
    return block, embedded(block)


def _entries(values: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """The entries of a whitelist with their indexes. None stands for one that is refused for another reason."""
    return ((index, text) for index, text in enumerate(values["whitelist"] or ()) if text is not None)


def _networks_within(allowed: Any, values: Mapping[str, Any]) -> Iterator[Finding]:
    for index, text in _entries(values):
        judged = _judged(text)
        if judged is None:
            yield "whitelist", index, text, "is not a CIDR block"
        elif not judged[0].lies_in(allowed):
            yield "whitelist", index, text, "does not lie within the allowed networks"
        elif not all(one.lies_in(allowed) for one in judged[1]):
            why = "contains IPv4 addresses (as IPv6) that do not lie within the allowed networks"
            yield "whitelist", index, text, why


def _networks_never(forbidden: Sequence[tuple[str, Any]], values: Mapping[str, Any]) -> Iterator[Finding]:
    for index, text in _entries(values):
        judged = _judged(text) or _judged(block_in(text) or "")
        if judged is None:
            yield "whitelist", index, text, f"{NOT_JUDGED}: it is not a CIDR block"
            continue
        hit = [name for name, addresses in forbidden if any(one.overlaps(addresses) for one in (judged[0], *judged[1]))]
        if hit:
            yield "whitelist", index, text, f"overlaps {', '.join(hit)}"


def _whitelist_required(_true: Any, values: Mapping[str, Any]) -> Iterator[Finding]:
    if not values["whitelist"]:
        yield "whitelist", None, None, "is empty"


def _if_true(_place: str, given: bool) -> Any:
    return given or None


# --- packages and versions


def _requirements(place: str, given: Sequence[str]) -> tuple[Requirement, ...]:
    from .requirements import requirement

    return tuple(parsed_each(place, given, requirement))


def _shown(package: Package) -> str:
    return f"{package.name}=={package.version}" if package.version else package.name


def _packages_within(allowed: Sequence[Requirement], values: Mapping[str, Any]) -> Iterator[Finding]:
    from .requirements import project

    for index, package in enumerate(values["packages"] or ()):
        if project(package.name) is None:
            yield "packages", index, _shown(package), _NO_PACKAGE
        elif not any(one.fits(package) for one in allowed):
            near = [one.text for one in allowed if one.names(package)]
            limits = f" ({', '.join(near)} allows only some versions)" if near else ""
            yield "packages", index, _shown(package), f"matches none of the allowed packages{limits}"


def _packages_never(forbidden: Sequence[Requirement], values: Mapping[str, Any]) -> Iterator[Finding]:
    from .requirements import project, readable

    for index, package in enumerate(values["packages"] or ()):
        hit = [one.text for one in forbidden if one.fits(package)]
        by_version = any(one.versions is not None and one.names(package) for one in forbidden)
        if project(package.name) is None:
            yield "packages", index, _shown(package), _NO_PACKAGE
        elif hit:
            yield "packages", index, _shown(package), f"matches {', '.join(hit)}"
        elif by_version and not readable(package.version):
            yield "packages", index, _shown(package), f"{NOT_JUDGED}: PEP 440 cannot read its version"


def _package_versions_required(_true: Any, values: Mapping[str, Any]) -> Iterator[Finding]:
    for index, package in enumerate(values["packages"] or ()):
        if not package.version:
            yield "packages", index, package.name, "has no version"


def _python_versions(place: str, given: Sequence[str]) -> tuple[tuple[str, Any], ...]:
    from .requirements import specifiers

    return tuple((text.strip(), one) for text, one in zip(given, parsed_each(place, given, specifiers)))


def _runtime_versions_within(allowed: Sequence[tuple[str, Any]], values: Mapping[str, Any]) -> Iterator[Finding]:
    from .requirements import has_version

    version = values["runtime_version"]
    if version and not any(has_version(one, version) for _text, one in allowed):
        texts = " or ".join(text for text, _one in allowed) or "any, because the rule is an empty list"
        yield "runtime_version", None, version, f"does not match {texts}"


# --- sizes


def _limit(place: str, given: Any, above: float = 0) -> Any:
    if not (math.isfinite(given) and given > above):
        raise ValidationError([f"{place} must be more than {above}, not {given}"])
    return number(given)


def _count(place: str, given: int) -> int:
    if given < 0:
        raise ValidationError([f"{place} must be at least 0, not {given}"])
    return given


def _amounts(place: str, given: Mapping[str, Any]) -> Any:
    with ErrorList() as errors:
        limits = {
            key: errors.check(_limit, f"{place}.{key}", given[key])
            for key in RESOURCE_KEYS
            if given.get(key) is not None
        }
    return limits or None


def _above(limit: Any, option: str, value: Any) -> Iterator[Finding]:
    """A finding if the value is above the limit, or cannot be compared with it. A negative one may mean no limit."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        yield option, None, value, f"{NOT_JUDGED}: it is not a number of at least 0"
    elif value > limit:
        yield option, None, number(value), f"is more than {limit}"


def _resource_max(limits: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Finding]:
    resource = values["resource"] or Resource()
    if resource.unreadable is not None:
        yield "resource", None, resource.unreadable, f"{NOT_JUDGED}: it has no amounts"
    for key, limit in limits.items():
        yield from _above(limit, f"resource.{key}", resource.amounts[key])


def _exec_timeout_max(limit: int, values: Mapping[str, Any]) -> Iterator[Finding]:
    yield from _above(limit, "exec_timeout", values["exec_timeout"])


def _cached_instances_max(limit: int, values: Mapping[str, Any]) -> Iterator[Finding]:
    found = [
        finding
        for option in ("max_cached_instances", "min_cached_instances")
        for finding in _above(limit, option, values.get(option))
    ]
    # The larger count is enough to know, and the maximum is never the smaller one in a valid runtime.
    yield from found[:1]


_NETWORKS, _PACKAGES = ("whitelist",), ("packages",)
_BOOL: dict[str, Any] = {"type": "bool", "default": False}
_INT: dict[str, Any] = {"type": "int"}
_RESOURCE: dict[str, Any] = {
    "type": "dict",
    "options": {key: {"type": "float" if key == "cpu" else "int"} for key in RESOURCE_KEYS},
}

RULES = (
    Rule("networks_within", _NETWORKS, "networks must lie within {}", _TEXTS, _allowed_networks, _networks_within),
    Rule("networks_never", _NETWORKS, "networks must not overlap {}", _TEXTS, _forbidden_networks, _networks_never),
    Rule("whitelist_required", _NETWORKS, "a whitelist is required", _BOOL, _if_true, _whitelist_required),
    Rule("packages_within", _PACKAGES, "packages must match one of {}", _TEXTS, _requirements, _packages_within),
    Rule(
        "packages_never",
        _PACKAGES,
        "packages must not match {}",
        _TEXTS,
        lambda place, given: _requirements(place, given) or None,
        _packages_never,
    ),
    Rule(
        "package_versions_required",
        _PACKAGES,
        "every package needs a version",
        _BOOL,
        _if_true,
        _package_versions_required,
    ),
    Rule(
        "runtime_versions_within",
        ("runtime_version",),
        "the Python version must match one of {}",
        # Ansible would make two rules of the text `>=3.10,<3.13`, and every version matches one of them.
        {**_TEXTS, "type": LIST_AS_WRITTEN},
        _python_versions,
        _runtime_versions_within,
    ),
    Rule("resource_max", ("resource",), "resources are at most {}", _RESOURCE, _amounts, _resource_max),
    Rule(
        "exec_timeout_max",
        ("exec_timeout",),
        "scripts may run for at most {} seconds",
        _INT,
        _limit,
        _exec_timeout_max,
    ),
    Rule(
        "cached_instances_max",
        ("min_cached_instances", "max_cached_instances"),
        "at most {} cached instances",
        _INT,
        _count,
        _cached_instances_max,
    ),
)
POLICY_OPTIONS: dict[str, Any] = {rule.key: dict(rule.spec) for rule in RULES}
POLICY_OPTION: dict[str, Any] = {"policy": {"type": "dict", "options": POLICY_OPTIONS}}
