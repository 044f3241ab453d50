"""The kinds of values: how they are read, compared, merged and sent."""

from __future__ import annotations

import ipaddress
import re

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model import kinds, networks
from ansible_collections.mstr.library.plugins.module_utils._model.fields import BY_NAME, FIELDS
from ansible_collections.mstr.library.plugins.module_utils._model.kinds import PACKAGES, RESOURCE, Package, Resource
from hypothesis import given
from unit.support.strategies import ANY_JSON, BLOCKS


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
@given(value=ANY_JSON)
def test_any_json(field, value):
    read = field.kind.from_api(value)
    assert field.kind.canonical(read) == field.kind.canonical(field.kind.from_api(value))
    assert read is None or field.kind.to_result(read) is not None
    assert field.kind.to_diff(read) == field.kind.to_diff(field.kind.from_api(value))


@pytest.mark.parametrize("nothing", ["", [], [None], ["", None], None])
@pytest.mark.parametrize("name", ["whitelist", "packages"])
def test_empty_entries(name, nothing):
    kind = BY_NAME[name].kind
    assert kind.canonical(kind.from_api(nothing)) == kind.canonical(kind.from_api([]))


INVALID = {
    "is not a CIDR block (it is a host name); write an address with a prefix length": ["db.example.com"],
    "is not a CIDR block": [
        *("", "10.0.0.0 /8", "10.0.0.0/ 8", "10.10/16", "010.0.0.0/8", "10.0.0.256", "10.0.0.0.0/8", "0x0a.0.0.0/8"),
        *("167772160", "1\u0660.0.0.0/8", "fe80::1%eth0", ":", "2001:db8::1::/64"),
    ],
    "the prefix length must be between 0 and 32": [f"10.0.0.0/{length}" for length in ("33", "", "08", "-1", "8/8")],
    "the prefix length must be between 0 and 128": ["2001:db8::/129"],
    "has a netmask; write the prefix length instead": ["10.0.0.0/255.0.0.0"],
    "write 10.10.10.0/24 for the block or 10.10.10.7/32 for the one address": ["10.10.10.7/24"],
    "write 2001:db8::/32 for the block or 2001:db8::7/128 for the one address": ["2001:DB8::7/32"],
    "write 0.0.0.0/0 for the block or 10.0.0.1/32 for the one address": ["10.0.0.1/0"],
}


@pytest.mark.parametrize(("words", "text"), [(words, text) for words, texts in INVALID.items() for text in texts])
def test_invalid_block_refused_with_remedy(words, text):
    with pytest.raises(ValueError, match=re.escape(words)):
        networks.canonical(text)


@given(BLOCKS)
def test_canonical_as_ipaddress(text):
    canonical = networks.canonical(text)
    # Compared as networks: the two libraries write IPv4-mapped addresses differently.
    assert ipaddress.ip_network(canonical) == ipaddress.ip_network(text)
    assert networks.canonical(canonical) == canonical


def test_merge_of_networks():
    """Without purge, stored blocks stay as networks, and texts as they are."""
    have = ("10.10.10.7/24", "db.example.com", "1.2.3.4", "")
    kept = kinds.NETWORKS.merge(have, ("1.2.3.4/32", "8.8.8.8/32"), False)
    assert kept == ("10.10.10.0/24", "db.example.com", "1.2.3.4/32", "", "8.8.8.8/32")
    assert kinds.NETWORKS.merge(have, ("8.8.8.8/32",), True) == ("8.8.8.8/32",)


HAVE = (Package("pandas", "2.2.0", "frames", "installed", "ok"), Package("mstrio-py", "11.5", None, "installed"))


def test_packages_as_they_are_sent():
    """One without a version may have any."""
    sent = [{"name": "pandas", "version": "2.3.0", "description": ""}, {"name": "numpy", "version": ""}]
    assert PACKAGES.to_api(PACKAGES.merge(HAVE, [Package("pandas", "2.3.0", ""), Package("numpy")], True)) == sent


@pytest.mark.parametrize(
    ("wanted", "purge", "kept"),
    [
        (Package("a-b"), False, ["A_B 2", "a-b 1"]),
        (Package("a-b", "2"), False, ["A_B 2", "a-b 1"]),
        (Package("a-b", "3"), False, ["A_B 2", "a-b 3"]),
        (Package("a-b", "2"), True, ["A_B 2"]),
    ],
)
def test_two_packages_of_one_name(wanted, purge, kept):
    """The server holds both: the definition means one of them, and only a purge removes the other."""
    sent = PACKAGES.merge([Package("a-b", "1"), Package("A_B", "2")], [wanted], purge)
    assert sorted(f"{package.name} {package.version}" for package in sent) == kept


def test_status_of_a_new_version():
    """A package that is predicted with a new version drops the old status."""
    [same] = PACKAGES.merge(HAVE, [Package("pandas", "2.2.0")], True)
    [fresh] = PACKAGES.merge(HAVE, [Package("pandas", "2.3.0")], True)
    assert (same.status, same.message, fresh.status, fresh.message) == ("installed", "ok", None, None)


@pytest.mark.parametrize(
    ("cpu", "text"),
    [(1, "1"), (0.00001, "0.00001"), (1.5e20, "150000000000000000000"), ("much", "much"), (0.1 + 0.2, "0.3")],
)
def test_cpu_sent_as_plain_decimal_text(cpu, text):
    assert RESOURCE.to_api(Resource(cpu=cpu)) == {"cpu": text}


def test_merge_of_resources():
    """A resource is merged key by key, and sent with all keys; a null one is an empty one."""
    have = RESOURCE.from_api({"cpu": "0.20", "mem": "512", "procCount": 7, "unknown": 1})
    assert have == Resource(cpu=0.2, mem=512, proc_count=7, unknown={"unknown": 1})
    whole = RESOURCE.merge(have, Resource(mem=1024), True)
    assert RESOURCE.to_api(whole) == {"cpu": "0.2", "mem": 1024, "procCount": 7}
    assert RESOURCE.to_diff(whole) == {"cpu": 0.2, "mem": 1024, "proc_count": 7}
    assert RESOURCE.to_result(whole) == {"cpu": 0.2, "mem": 1024, "disk": None, "proc_count": 7}
    assert RESOURCE.canonical(RESOURCE.from_api(None)) == RESOURCE.canonical(RESOURCE.from_api({}))
    assert RESOURCE.merge(None, Resource(cpu=1), True) == Resource(cpu=1)
