from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model import alike
from ansible_collections.mstr.library.plugins.module_utils._model.alike import name_key

ID = "A" * 32
EU, E, OTHER = ("Prod [EU] Nightly", ID), ("Prod E Nightly", "B" * 32), ("Trial", "C" * 32)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("nightly reports", "Nightly reports"),
        ("a b", "a  b"),
        ("a b", "a\u00a0b"),
        ("Caf\u00e9", "Cafe\u0301"),
        ("a b", "a\u200b \ufeffb\u2060"),
        ("\uff2e\uff49\uff47\uff48\uff54\uff4c\uff59", "nightly"),
        ("straße", "STRASSE"),
    ],
)
def test_same_key(name, other):
    assert name_key(name) == name_key(other)
    assert alike.near_names(name, [other, name, "x", ""]) == [other]


@pytest.mark.parametrize(("name", "other"), [("a b", "ab"), ("a", "b"), ("a", "á"), ("a-b", "a_b"), ("a", "")])
def test_other_names_have_different_keys(name, other):
    assert name_key(name) != name_key(other)


def test_message_shows_how_two_names_differ():
    assert alike.quoted(["Caf\u00e9", "Cafe\u0301", "a\u00a0b"]) == r"'Cafe\u0301' and 'Café' and 'a\xa0b'"


@pytest.mark.parametrize(
    ("entry", "permitted", "protected"),
    [
        ("Prod [EU] Nightly", [EU], [EU, E]),
        ("Prod [EU] *", [EU], [EU, E]),
        ("prod  [eu] *", [EU], [EU, E]),
        (ID.lower(), [EU], [EU]),
        ("Prod [D-F] *", [], [E]),
        ("Prod ? *", [E], [E]),
        ("Prod *", [EU, E], [EU, E]),
        ("[!p]*", [], [OTHER]),
    ],
)
def test_entries(entry, permitted, protected):
    """An id, a name or a pattern. In a list that protects, brackets may also be a class."""
    runtimes = [EU, E, OTHER]
    assert [runtime for runtime in runtimes if alike.is_permitted_by(entry, *runtime)] == permitted
    assert [runtime for runtime in runtimes if alike.is_protected_by(runtime[0], ["x", entry], runtime[1])] == protected
