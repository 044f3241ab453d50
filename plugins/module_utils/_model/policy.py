# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy: which networks a whitelist may contain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .._errors import Faults, ValidationError
from .networks import block_in, canonical, embedded, union

_NETWORK_RULES = ("networks_within", "networks_never")
POLICY_OPTIONS: dict[str, Any] = {
    "networks_within": {"type": "list", "elements": "str"},
    "networks_never": {"type": "list", "elements": "str"},
    "whitelist_required": {"type": "bool", "default": False},
}
POLICY_OPTION: dict[str, Any] = {"policy": {"type": "dict", "options": POLICY_OPTIONS}}


class Violation(NamedTuple):
    """A rule that a whitelist breaks, with the reason. `position` and `value` are None for the whole whitelist."""

    rule: str
    detail: str
    position: int | None = None
    value: str | None = None

    @property
    def sentence(self) -> str:
        """The violation as a sentence."""
        entry = "whitelist" if self.position is None else f"whitelist[{self.position}] {self.value!r}"
        return f"{entry} breaks the policy {self.rule}: it {self.detail}"


class Policy(NamedTuple):
    """Rules for whitelists. `within`: the allowed addresses, None without such a rule. `never`: forbidden blocks."""

    within: Any = None
    never: tuple[tuple[str, Any], ...] = ()
    required: bool = False

    def violations(self, whitelist: Iterable[str] | None) -> Iterator[Violation]:
        """Each rule that the whitelist breaks. Entries need not be CIDR blocks, because servers may hold any text."""
        entries = list(whitelist or ())
        if self.required and not entries:
            yield Violation("whitelist_required", "is empty")
        for index, text in enumerate(entries):
            for rule, detail in self._broken_by(text):
                yield Violation(rule, detail, index, text)

    def check(self, whitelist: Iterable[str] | None) -> None:
        """Raises ValidationError with every violation."""
        found = [violation.sentence for violation in self.violations(whitelist)]
        if found:
            raise ValidationError(found)

    def _broken_by(self, text: str) -> Iterator[tuple[str, str]]:
        try:
            block, ipv4 = union([text]), embedded(text)
        except ValueError:
            if self.within is not None:
                yield "networks_within", "is not a CIDR block"
            meant = block_in(text)
            if meant:
                yield from ((rule, detail) for rule, detail in self._broken_by(meant) if rule == "networks_never")
            return
        if self.within is not None and not block.issubset(self.within):
            yield "networks_within", "does not lie within the allowed networks"
        elif self.within is not None and not ipv4.issubset(self.within):
            yield "networks_within", "contains IPv4 addresses (as IPv6) that do not lie within the allowed networks"
        hit = [name for name, addresses in self.never if not (block | ipv4).isdisjoint(addresses)]
        if hit:
            yield "networks_never", f"overlaps {', '.join(hit)}"


def policy_from(option: Mapping[str, Any] | None) -> Policy | None:
    """The policy in the option `policy`, None if it is not set. Raises ValidationError with all faults."""
    if option is None:
        return None
    blocks: dict[str, list[str]] = {}
    with Faults() as faults:
        for rule in _NETWORK_RULES:
            given = option.get(rule) or ()
            blocks[rule] = [faults.check(_block, f"policy.{rule}[{index}]", text) for index, text in enumerate(given)]
    return Policy(
        within=None if option.get("networks_within") is None else _addresses(blocks["networks_within"]),
        never=tuple((text, _addresses([text])) for text in blocks["networks_never"]),
        required=bool(option.get("whitelist_required")),
    )


def _block(place: str, text: str) -> str:
    try:
        return canonical(text)
    except ValueError as exc:
        raise ValidationError([f"{place} {text!r} {exc}"]) from None


def _addresses(blocks: list[str]) -> Any:
    """The addresses in the blocks of a rule. A block of mapped or NAT64 addresses also includes the IPv4 ones."""
    addresses = union(blocks)
    for text in blocks:
        addresses |= embedded(text, whole=True)
    return addresses
