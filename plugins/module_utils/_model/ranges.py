# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Networks as a policy compares them: whether they lie within others, or overlap them. Uses netaddr."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from .networks import IPV4, parse

with suppress(ImportError):  # a task that needs netaddr reports that it is missing, see NETADDR_IMPORT_ERROR
    from netaddr import AddrFormatError, IPNetwork, cidr_merge

# IPv6 blocks in which each address stands for an IPv4 one: mapped addresses (RFC 4291) and NAT64 (RFC 6052).
_EMBEDDING = ("::ffff:0:0/96", "64:ff9b::/96")
_LAST_IPV4 = 0xFFFFFFFF


def merged(networks: Iterable[IPNetwork]) -> list[IPNetwork]:
    """The same addresses in as few networks as possible: each network within their union lies within one of these."""
    found: list[IPNetwork] = cidr_merge(list(networks))
    return found


def within(network: IPNetwork, ranges: Iterable[IPNetwork]) -> bool:
    """Whether the network lies within one of the ranges."""
    return any(network in other for other in ranges)


def overlap(network: IPNetwork, ranges: Iterable[IPNetwork]) -> bool:
    """Whether the network has an address in common with one of the ranges: of two networks, one contains the other."""
    return any(network in other or other in network for other in ranges)


def embedded(network: IPNetwork, *, only: bool = False) -> list[IPNetwork]:
    """The IPv4 networks that an IPv6 network contains as mapped or NAT64 addresses.

    `only`: if it contains no other addresses. `::/0` contains every IPv4 address, but a user who allows or forbids
    `::/0` means IPv6.
    """
    found = []
    for prefix in map(parse, _EMBEDDING):
        if network in prefix:
            ipv4 = (int(network.first) & _LAST_IPV4, network.prefixlen - prefix.prefixlen)
            found.append(IPNetwork(ipv4, version=4))
        elif prefix in network and not only:
            found.append(IPNetwork((0, 0), version=4))
    return found


def block_in(text: str) -> str | None:
    """The block that an entry of a server may mean though no definition may write it so: with blanks, or a netmask.

    None if it is not a block in any of these forms.
    """
    address, _slash, mask = text.strip().partition("/")
    try:
        if IPV4.fullmatch(address) and IPV4.fullmatch(mask):
            return str(IPNetwork(f"{address}/{mask}").cidr)
        return str(parse(text.strip()).cidr)
    except (AddrFormatError, ValueError):
        return None
