# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which networks no definition may open: netaddr's sets, asked.

Wing: Model, pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ._errors import ValidationError
from ._networks import canonical, union

POLICY_OPTIONS: dict[str, Any] = {
    "networks_within": {"type": "list", "elements": "str"},
    "networks_never": {"type": "list", "elements": "str"},
}
POLICY_OPTION: dict[str, Any] = {"policy": {"type": "dict", "options": POLICY_OPTIONS}}


class Policy(NamedTuple):
    """Rules on the blocks of a whitelist. None: no such rule."""

    within: Any = None
    never: tuple[tuple[str, Any], ...] = ()

    def breaches(self, text: str) -> Iterator[tuple[str, str]]:
        """For each rule that a whitelist's entry breaks: the rule's name, and the rest of a sentence about the entry.

        What is no block (a host name that a server holds) lies within nothing.
        """
        try:
            opens = union([text])
        except ValueError:
            if self.within is not None:
                yield "networks_within", "is no block, so that it lies within none"
            return
        if self.within is not None and not opens.issubset(self.within):
            yield "networks_within", "does not lie within the allowed networks"
        hit = [network for network, blocks in self.never if not opens.isdisjoint(blocks)]
        if hit:
            yield "networks_never", f"overlaps {', '.join(hit)}"

    def faults(self, entries: Iterable[tuple[int, str]], option: str = "whitelist") -> list[str]:
        """The breaches of (index, entry) pairs, each as a sentence."""
        return [
            f"{option}[{index}] {text!r} {detail}, which the policy {rule} forbids"
            for index, text in entries
            for rule, detail in self.breaches(text)
        ]


def policy_from(option: Mapping[str, Any] | None) -> Policy | None:
    """The policy in an option, None where there is none. Raises ValidationError with every mistake in it."""
    if option is None:
        return None
    faults: list[str] = []
    blocks: dict[str, list[str] | None] = {}
    for rule in POLICY_OPTIONS:
        given = option.get(rule)
        blocks[rule] = None if given is None else []
        for index, text in enumerate(given or ()):
            try:
                blocks[rule] = [*(blocks[rule] or ()), canonical(text)]
            except ValueError as exc:
                faults.append(f"policy.{rule}[{index}] {text!r} {exc}")
    if faults:
        raise ValidationError(faults)
    within = blocks["networks_within"]
    return Policy(
        within=None if within is None else union(within),
        never=tuple((text, union([text])) for text in blocks["networks_never"] or ()),
    )


def policy_if_right(option: Mapping[str, Any] | None) -> Policy | None:
    """The policy in an option, None also for one with mistakes, of which `policy_from` tells."""
    try:
        return policy_from(option)
    except ValidationError:
        return None
