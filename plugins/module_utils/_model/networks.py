# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CIDR blocks: how they are validated, compared and normalized. Uses netaddr."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache

from .._errors import import_error

NETADDR_IMPORT_ERROR = import_error("netaddr")
with suppress(ImportError):
    from netaddr import AddrFormatError, IPAddress, IPNetwork

# Releases of netaddr parse differently (0.x completes "10.10/16"), and so does inet_pton between systems ("010"). So
# the form is checked here, and netaddr does only the arithmetic.
IPV4 = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})", re.ASCII)
_IPV6 = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", re.ASCII)
_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}", re.ASCII)
_NETMASK = re.compile(r"[0-9.]+/[0-9]+\.[0-9.]+", re.ASCII)
_HOST = re.compile(r"(?=.*[^\W\d_])[\w-]+(\.[\w-]+)*\.?")


def _address(text: str) -> IPAddress | None:
    """The address in the text; None if it has none."""
    version = 4 if IPV4.fullmatch(text) else 6 if _IPV6.fullmatch(text) else None
    if version:
        with suppress(AddrFormatError, ValueError):
            return IPAddress(text, version=version)
    return None


@lru_cache(maxsize=8192)  # servers with many runtimes hold the same blocks many times
def parse(text: str) -> IPNetwork:
    """The block in `text`. Host bits are kept: `10.10.10.7/24` stays as it is.

    An address without a prefix length is the block of that one address. Raises ValueError with the rest of a sentence
    that starts with the text.
    """
    address, slash, prefix = text.partition("/")
    ip = _address(address)
    if ip is None:
        name = " (it is a host name)" if _HOST.fullmatch(text) else ""
        example = "write an address with a prefix length, such as 10.10.10.0/24 or 2001:db8::/32"
        raise ValueError(f"is not a CIDR block{name}; {example}")
    width = 32 if ip.version == 4 else 128
    if _NETMASK.fullmatch(text):
        raise ValueError("has a netmask; write the prefix length instead, such as 10.10.10.0/24")
    if slash and (not _PREFIX.fullmatch(prefix) or int(prefix) > width):
        raise ValueError(f"is not a CIDR block; the prefix length must be between 0 and {width}")
    return IPNetwork((int(ip), int(prefix) if slash else width), version=ip.version)


@lru_cache(maxsize=8192)
def canonical(text: str) -> str:
    """The canonical text of a block: `1.2.3.4` is `1.2.3.4/32`, `2001:DB8::/32` is `2001:db8::/32`.

    Surrounding whitespace is ignored, as in the option `"10.0.0.0/8, 10.20.0.0/16"`. Raises ValueError; if host bits
    are set, the message offers both corrections, because widening `10.10.10.7/24` to the whole block might allow more
    than the user meant.
    """
    network = parse(text.strip())
    if network.ip != network.network:
        single = IPNetwork(network.ip)
        raise ValueError(f"has host bits set: write {network.cidr} for the block or {single} for the one address")
    return str(network.cidr)


@lru_cache(maxsize=8192)
def as_network(text: str) -> str:
    """How a server's whitelist entry is compared: as its network, without host bits, or as its own text.

    Never raises, because servers may hold host names or any other text.
    """
    with suppress(ValueError):
        return str(parse(text).cidr)
    return text


@lru_cache(maxsize=8192)
def order(text: str) -> tuple[int, int, int, str]:
    """Sort key: IPv4, then IPv6, by address and prefix length, then everything else as text."""
    with suppress(ValueError):
        network = parse(text)
        return (network.version, int(network.first), int(network.prefixlen), text)
    return (9, 0, 0, text)
