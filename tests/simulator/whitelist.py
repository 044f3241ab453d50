"""How the server stores a whitelist entry. The documentation requires only CIDR notation [doc]."""

from __future__ import annotations

import ipaddress
import re

from simulator.messages import invalid
from simulator.profiles import Switches

_HOST_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9*]([A-Za-z0-9.*_-]*[A-Za-z0-9])?")


def store_entry(text: str, switches: Switches) -> str:
    """The text that is stored for ``text``, or raise the API's error."""
    address, slash, _ = text.partition("/")
    try:
        interface = ipaddress.ip_interface(text)
    except ValueError:
        if not slash and ":" not in text and _HOST_NAME.fullmatch(text) and switches["cidr_host_names"] == "keep":
            return text
        raise invalid(f"'{text}' in the field 'whitelist' is not in CIDR format.") from None
    if not slash and switches["cidr_bare_address"] == "refuse":
        raise invalid(f"'{text}' in the field 'whitelist' has no prefix length.")
    has_host_bits = interface.ip != interface.network.network_address
    if has_host_bits and switches["cidr_host_bits"] == "refuse":
        raise invalid(f"'{text}' in the field 'whitelist' has host bits set.")

    if switches["cidr_spelling"] == "canonical":
        address = str(interface.ip)
    if has_host_bits and switches["cidr_host_bits"] == "clear":
        address = str(interface.network.network_address)
    if slash or switches["cidr_bare_address"] == "suffix":
        return f"{address}/{interface.network.prefixlen}"
    return address
