"""A definition as a user writes it, a runtime as a server returns it, and the kinds of their values."""

from __future__ import annotations

import ipaddress
import json
import re

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model import kinds, networks
from ansible_collections.mstr.library.plugins.module_utils._model.change import changed_since, plan_change
from ansible_collections.mstr.library.plugins.module_utils._model.definition import definition_from
from ansible_collections.mstr.library.plugins.module_utils._model.fields import FIELDS
from ansible_collections.mstr.library.plugins.module_utils._model.kinds import PACKAGES, RESOURCE, Package, Resource
from ansible_collections.mstr.library.plugins.module_utils._model.runtime import READ_ONLY, from_api
from hypothesis import given
from hypothesis import strategies as st
from unit.support.make import DEFAULT_ID, ID, faults_of, runtime, wanted
from unit.support.strategies import ANY_JSON, BLOCKS


def packages(*texts):
    """Packages such as `a`, or `a 1.0` with its version."""
    return {"packages": [dict(zip(("name", "version"), text.split(" ", 1))) for text in texts]}


DIRECTION = "contains a mark that changes the direction of text; remove it"
CONTROL = "contains a control character, such as a tab or a line break; remove it"
NO_ID = "is invalid: expected 32 hexadecimal digits"
NO_VERSION, NO_NAME = "is not only a version; write", "is not only a name; write"
POOL = {"min_cached_instances": 2, "max_cached_instances": 1}


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"name": None}, "one of name and id is required"),
        ({"name": " "}, "name ' ' is empty"),
        ({"name": "Nightly "}, "name 'Nightly ' starts or ends with whitespace; write 'Nightly'"),
        ({"name": "a\tb"}, f"name 'a\\tb' {CONTROL}"),
        ({"name": "a\u202eb"}, f"name 'a\\u202eb' {DIRECTION}"),
        ({"name": "a", "previous_names": ["\u2066b"]}, f"previous_names[0] '\\u2066b' {DIRECTION}"),
        ({"name": "\u200b\ufeff"}, "name '\\u200b\\ufeff' contains no visible character"),
        ({"id": "12"}, f"id '12' {NO_ID}"),
        ({"runtime_version": ""}, "runtime_version is empty; omit the option to keep the current value"),
        ({"runtime_version": 3.1}, "runtime_version 3.1 was read as a number (3.10 becomes 3.1); put it in quotes"),
        ({"runtime_version": "==3.10.5"}, f"runtime_version '==3.10.5' {NO_VERSION} \"3.10.5\""),
        ({"exec_timeout": -1}, "exec_timeout must be at least 0, not -1"),
        (POOL, "min_cached_instances 2 must not exceed max_cached_instances 1"),
        ({"resource": {"cpu": 0.0}}, "resource.cpu must be more than 0, not 0.0"),
        # Less would be sent as 0.
        ({"resource": {"cpu": 1e-13}}, "resource.cpu must be at least 1e-12, not 1e-13"),
        ({"resource": {"mem": -1}}, "resource.mem must be at least 0, not -1"),
        ({"resource": {"proc_count": 0}}, "resource.proc_count must be more than 0, not 0"),
        ({"packages": [{"name": "a", "version": 0}]}, "packages[0].version 0 was read as a number; put it in quotes"),
        ({"packages": [{"name": "a == 2.3"}]}, f"packages[0].name 'a == 2.3' {NO_NAME} {{name: a, version: \"2.3\"}}"),
        (packages("a 1!2.post1+x", "b >2"), f"packages[1].version '>2' {NO_VERSION} a version that the server offers"),
        (packages("a ==1.0"), f"packages[0].version '==1.0' {NO_VERSION} \"1.0\""),
        (packages(""), "packages[0].name '' is empty"),
        (packages("a", "b>=1"), f"packages[1].name 'b>=1' {NO_NAME} the version in version"),
        (packages("a_b", "c", "A-b"), "packages[2].name 'A-b' is the same package as packages[0]; list it once"),
        ({"previous_names": ["r"]}, "previous_names[0] 'r' is the name itself"),
        ({"id": ID, "previous_names": ["b"]}, "previous_names cannot be used with id"),
        ({"state": "absent", "exec_timeout": -1}, "exec_timeout must be at least 0, not -1"),
        ({"smoke_test": 5}, "smoke_test 5 is neither Python code nor true"),
    ],
)
def test_errors(options, fault):
    assert faults_of(definition_from, {"name": "r", **options}) == (fault,)


@pytest.mark.parametrize(
    ("cpu", "text"),
    [(1, "1"), (0.00001, "0.00001"), ("much", "much"), (0.1 + 0.2, "0.3")],
)
def test_cpu_sent_as_plain_decimal_text(cpu, text):
    """More than 12 decimals would differ on every run."""
    assert RESOURCE.to_api(Resource(cpu=cpu)) == {"cpu": text}
    plan = plan_change(runtime(resource={"cpu": "0.333333333333"}), wanted(resource={"cpu": 1 / 3}))
    assert plan.action == "none"


def test_number_that_no_float_can_be():
    assert wanted(resource={"mem": 10**400}).values["resource"] == Resource(mem=10**400)


@pytest.mark.parametrize(
    "absent",
    [{}, {"description": None, "whitelist": None, "packages": None, "resource": None}, {"resource": {"cpu": None}}],
)
def test_omitted_and_null_not_managed(absent):
    assert dict(wanted(**absent).values) == {"name": "r"}


def test_values_are_canonical():
    """Blanks around a block are stripped."""
    blocks = ["1.2.3.4", "1.2.3.4/32", " 10.20.0.0/16", "2001:DB8::/32\n"]
    values = wanted(whitelist=blocks, packages=[{"name": "a", "version": "", "description": ""}], exec_timeout=1).values
    lists = {"whitelist": ("1.2.3.4/32", "10.20.0.0/16", "2001:db8::/32"), "packages": (Package("a", None, ""),)}
    assert dict(values) == {"name": "r", **lists, "exec_timeout": 1}


API_KEYS = ["id", *READ_ONLY, *(field.api for field in FIELDS)]
FACTS = {"status", "date_created", "date_modified", "version", "owner", "acl", "acg"}


@given(st.dictionaries(st.sampled_from(API_KEYS) | st.text(max_size=5), ANY_JSON, max_size=8))
def test_reading_anything(data):
    """Reading never fails, and a result always has the same keys."""
    result = from_api(data).to_result()
    assert set(result) == {"id", "is_default", *FACTS, *(field.name for field in FIELDS)}
    assert json.dumps(result)


def test_vocabulary():
    package = {"name": "a", "version": "1", "status": "installed", "message": "Return code: 0."}
    result = runtime(
        whitelist=["10.10.10.7/24", "db.example.com"],
        packages=[package],
        resource={"cpu": "0.20", "mem": 512, "procCount": 3},
        dateCreated="2022-08-31T07:29:53.000+0000",
        acl=[{"trusteeId": "T", "trusteeSubtype": 8704}],
    ).to_result()
    assert result["whitelist"] == ["10.10.10.7/24", "db.example.com"], "returned unchanged"
    assert result["packages"] == [{**package, "description": None}]
    assert result["resource"] == {"cpu": 0.2, "mem": 512, "disk": None, "proc_count": 3}
    assert result["date_created"] == "2022-08-31T07:29:53Z"
    assert result["acl"] == [{"trustee_id": "T", "trustee_subtype": 8704}]
    assert "type" not in result


def test_default_runtime_known_by_id_alone():
    assert runtime(id=DEFAULT_ID.lower(), name="(Standard) MicroStrategy").is_default
    assert not runtime(name="(Default) MicroStrategy").is_default


@pytest.mark.parametrize(
    ("fields", "changed"),
    [
        ({"version": "1", "description": None}, ()),
        ({"version": None, "description": None}, ("description",)),
        ({"version": "1", "description": "e"}, ("description",)),
        ({"version": "2", "description": "d"}, ("version",)),
        ({"version": {"major": 1}, "description": "d"}, ("version",)),
    ],
)
def test_changed_since(fields, changed):
    """A list may omit a field. Then the version shows whether the runtime changed, if the server has versions."""
    assert changed_since(runtime(**fields), runtime(version="1", description="d")) == changed


INVALID = {
    "is not a CIDR block (it is a host name); write an address with a prefix length": ["db.example.com"],
    "is not a CIDR block": ["", "10.0.0.0 /8", "10.10/16", "010.0.0.0/8", "10.0.0.256", "0x0a.0.0.0/8", "fe80::1%eth0"],
    "the prefix length must be between 0 and 32": [f"10.0.0.0/{length}" for length in ("33", "", "08")],
    "the prefix length must be between 0 and 128": ["2001:db8::/129"],
    "has a netmask; write the prefix length instead": ["10.0.0.0/255.0.0.0"],
    "write 2001:db8::/32 for the block or 2001:db8::7/128 for the one address": ["2001:DB8::7/32"],
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


PANDAS = {"name": "pandas", "version": "2.2.0", "description": "frames"}
MSTRIO = {"name": "mstrio-py", "version": "11.5"}


@pytest.mark.parametrize(
    ("package", "purge", "sent"),
    [
        (Package("pandas", "2.3.0", ""), True, [{"name": "pandas", "version": "2.3.0", "description": ""}]),
        (Package("pandas"), True, [PANDAS]),
        (Package("numpy"), True, [{"name": "numpy", "version": ""}]),
        (Package("numpy"), False, [PANDAS, MSTRIO, {"name": "numpy", "version": ""}]),
    ],
    ids=["new version", "version of the server", "any version", "without purge"],
)
def test_packages_as_they_are_sent(package, purge, sent):
    """What stays is sent with the version that the server returned."""
    assert PACKAGES.to_api(PACKAGES.merge(HAVE, [package], purge)) == sent


def test_merge_of_resources():
    """A resource is merged key by key, and sent with all keys."""
    have = RESOURCE.from_api({"cpu": "0.20", "mem": "512", "procCount": 7, "unknown": 1})
    whole = RESOURCE.merge(have, Resource(mem=1024), True)
    assert RESOURCE.to_api(whole) == {"cpu": "0.2", "mem": 1024, "procCount": 7}
    assert RESOURCE.to_diff(whole) == {"cpu": 0.2, "mem": 1024, "proc_count": 7}
    assert RESOURCE.to_result(whole) == {"cpu": 0.2, "mem": 1024, "disk": None, "proc_count": 7}
    assert RESOURCE.is_equal(RESOURCE.from_api(None), RESOURCE.from_api({}))
    assert RESOURCE.merge(RESOURCE.empty, Resource(cpu=1), True) == Resource(cpu=1)
