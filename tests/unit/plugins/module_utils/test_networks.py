from __future__ import annotations

import ipaddress
import re

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model import networks as _networks
from ansible_collections.mstr.library.tests.unit.support.strategies import BLOCKS, STORED_BLOCKS
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1.2.3.4", "1.2.3.4/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("2001:0db8:0:0::/64", "2001:db8::/64"),
        ("::1", "::1/128"),
    ],
)
def test_a_block_has_one_canonical_text(text, canonical):
    assert _networks.canonical(text) == canonical


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("db.example.com", "is not a CIDR block (it is a host name); write an address with a prefix length"),
        ("", "is not a CIDR block"),
        ("10.0.0.0 /8", "is not a CIDR block"),
        ("10.0.0.0/ 8", "is not a CIDR block"),
        ("10.10/16", "is not a CIDR block"),
        ("010.0.0.0/8", "is not a CIDR block"),
        ("10.0.0.256", "is not a CIDR block"),
        ("10.0.0.0.0/8", "is not a CIDR block"),
        ("0x0a.0.0.0/8", "is not a CIDR block"),
        ("167772160", "is not a CIDR block"),
        ("1\u0660.0.0.0/8", "is not a CIDR block"),
        ("fe80::1%eth0", "is not a CIDR block"),
        (":", "is not a CIDR block"),
        ("2001:db8::1::/64", "is not a CIDR block"),
        ("10.0.0.0/33", "the prefix length must be between 0 and 32"),
        ("10.0.0.0/", "the prefix length must be between 0 and 32"),
        ("10.0.0.0/08", "the prefix length must be between 0 and 32"),
        ("10.0.0.0/-1", "the prefix length must be between 0 and 32"),
        ("10.0.0.0/8/8", "the prefix length must be between 0 and 32"),
        ("2001:db8::/129", "the prefix length must be between 0 and 128"),
        ("10.0.0.0/255.0.0.0", "has a netmask; write the prefix length instead"),
        ("10.10.10.7/24", "write 10.10.10.0/24 for the block or 10.10.10.7/32 for the one address"),
        ("2001:DB8::7/32", "write 2001:db8::/32 for the block or 2001:db8::7/128 for the one address"),
        ("10.0.0.1/0", "write 0.0.0.0/0 for the block or 10.0.0.1/32 for the one address"),
    ],
)
def test_invalid_block_refused_with_remedy(text, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        _networks.canonical(text)


@given(BLOCKS)
def test_canonical_as_ipaddress(text):
    """It agrees with the standard library, and is idempotent."""
    canonical = _networks.canonical(text)
    # Compared as networks: the two libraries write IPv4-mapped addresses differently.
    assert ipaddress.ip_network(canonical) == ipaddress.ip_network(text)
    assert _networks.canonical(canonical) == canonical


@pytest.mark.parametrize(
    ("entry", "meaning"),
    [("10.10.10.7/24", "10.10.10.0/24"), ("1.2.3.4", "1.2.3.4/32"), ("db.example.com", "db.example.com"), ("", "")],
)
def test_stored_entry(entry, meaning):
    """It stands for its network, or for its text."""
    assert _networks.as_network(entry) == meaning


@given(st.text() | STORED_BLOCKS)
def test_any_stored_entry(entry):
    """Reading it never fails, and is idempotent."""
    once = _networks.as_network(entry)
    assert _networks.as_network(once) == once


def test_order():
    """Entries are ordered by family, address and length; texts come last."""
    entries = ["db.example.com", "2001:db8::/32", "10.0.0.0/16", "10.0.0.0/8", "9.0.0.0/8"]
    assert sorted(entries, key=_networks.order) == list(reversed(entries))
