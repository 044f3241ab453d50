from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.fields import BY_NAME, FIELDS
from ansible_collections.mstr.library.plugins.module_utils._model.kinds import (
    NETWORKS,
    PACKAGES,
    RESOURCE,
    Package,
    Resource,
    number,
)
from ansible_collections.mstr.library.tests.unit.support.strategies import ANY_JSON
from hypothesis import given

HAVE = (Package("pandas", "2.2.0", "frames", "installed", "ok"), Package("mstrio-py", "11.5", None, "installed"))


def merged(wanted, have=HAVE, purge=True):
    return PACKAGES.to_api(PACKAGES.merge(have, wanted, purge))


def test_not_a_number():
    """A number that equals nothing is compared as text."""
    assert number(float("nan")) == number(float("nan")) == "nan"
    assert number("9" * 400) == "9" * 400


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
@given(value=ANY_JSON)
def test_any_json(field, value):
    """Every kind reads, compares and shows any JSON."""
    read = field.kind.from_api(value)
    assert field.kind.canonical(read) == field.kind.canonical(field.kind.from_api(value))
    assert read is None or field.kind.to_result(read) is not None
    assert field.kind.to_diff(read) == field.kind.to_diff(field.kind.from_api(value))


def test_merge_of_networks():
    """Without purge, stored blocks stay as networks, and texts as they are."""
    have = ("10.10.10.7/24", "db.example.com", "1.2.3.4")
    kept = NETWORKS.merge(have, ("1.2.3.4/32", "8.8.8.8/32"), False)
    assert kept == ("10.10.10.0/24", "db.example.com", "1.2.3.4/32", "8.8.8.8/32")
    assert NETWORKS.merge(have, ("8.8.8.8/32",), True) == ("8.8.8.8/32",)


def test_normalized_name():
    """Packages of one normalized name are the same package."""
    names = ["mstrio-py", "mstrio_py", "Mstrio.PY", "mstrio--py"]
    assert {Package(name).key for name in names} == {"mstrio-py"}
    assert PACKAGES.canonical([Package("mstrio_py", "1")]) == PACKAGES.canonical([Package("mstrio-py", "1")])


def test_package_takes_requested_values():
    assert merged([Package("pandas", "2.3.0", "")]) == [{"name": "pandas", "version": "2.3.0", "description": ""}]


def test_new_package_without_version_asks_for_any():
    assert merged([Package("numpy")]) == [{"name": "numpy", "version": ""}]


@pytest.mark.parametrize(
    ("wanted", "purge", "kept"),
    [
        (Package("a-b"), False, ["a-b 1", "A_B 2"]),
        (Package("a-b", "2"), False, ["a-b 1", "A_B 2"]),
        (Package("a-b", "3"), False, ["a-b 3", "A_B 2"]),
        (Package("a-b", "2"), True, ["A_B 2"]),
    ],
)
def test_two_packages_of_one_name(wanted, purge, kept):
    """The server holds both: the definition means one of them, and only a purge removes the other."""
    sent = PACKAGES.merge([Package("a-b", "1"), Package("A_B", "2")], [wanted], purge)
    assert sorted(f"{package.name} {package.version}" for package in sent) == sorted(kept)


def test_status_of_a_new_version():
    """A package that is predicted with a new version drops the old status."""
    [same] = PACKAGES.merge(HAVE, [Package("pandas", "2.2.0")], True)
    [fresh] = PACKAGES.merge(HAVE, [Package("pandas", "2.3.0")], True)
    assert (same.status, same.message) == ("installed", "ok")
    assert (fresh.status, fresh.message) == (None, None)


def test_diff_of_packages():
    """It shows only the values that are set."""
    diff_value = PACKAGES.to_diff([Package("b", "1", "x", "installed", "m"), Package("a", "")])
    assert diff_value == [{"name": "a"}, {"name": "b", "version": "1", "description": "x"}]


@pytest.mark.parametrize(
    ("cpu", "text"),
    [
        (0.2, "0.2"),
        (1, "1"),
        (0.00001, "0.00001"),
        (1.5e20, "150000000000000000000"),
        ("much", "much"),
        (0.1 + 0.2, "0.3"),
    ],
)
def test_cpu_sent_as_plain_decimal_text(cpu, text):
    assert RESOURCE.to_api(Resource(cpu=cpu)) == {"cpu": text}


def test_merge_of_resources():
    """A resource is merged key by key, and sent with all keys."""
    have = RESOURCE.from_api({"cpu": "0.20", "mem": "512", "procCount": 7, "unknown": 1})
    assert have == Resource(cpu=0.2, mem=512, proc_count=7, unknown={"unknown": 1})
    whole = RESOURCE.merge(have, Resource(mem=1024), True)
    assert RESOURCE.to_api(whole) == {"cpu": "0.2", "mem": 1024, "procCount": 7}
    assert RESOURCE.to_diff(whole) == {"cpu": 0.2, "mem": 1024, "proc_count": 7}
    assert RESOURCE.to_result(whole) == {"cpu": 0.2, "mem": 1024, "disk": None, "proc_count": 7}


def test_null_resource_is_empty_one():
    assert RESOURCE.canonical(RESOURCE.from_api(None)) == RESOURCE.canonical(RESOURCE.from_api({}))
    assert RESOURCE.merge(None, Resource(cpu=1), True) == Resource(cpu=1)


@pytest.mark.parametrize("nothing", ["", [], [None], ["", None], None])
@pytest.mark.parametrize("name", ["whitelist", "packages"])
def test_empty_entries(name, nothing):
    """A list of null and empty entries equals an empty list."""
    kind = BY_NAME[name].kind
    assert kind.canonical(kind.from_api(nothing)) == kind.canonical(kind.from_api([]))
