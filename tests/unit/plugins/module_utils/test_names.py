# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.names import is_named, name_fault, near_names


@pytest.mark.parametrize(
    ("name", "others", "near"),
    [
        ("nightly reports", ["Nightly reports", "x"], ["Nightly reports"]),
        ("a", ["A", "a", " a", "a\t", "b", "a b"], [" a", "A", "a\t"]),
        ("STRASSE", ["straße"], ["straße"]),
        ("a", ["a", "a"], []),
        ("a b", ["a  b", "ab"], []),
        ("a", [], []),
        ("a", [""], []),
    ],
)
def test_names_that_differ_only_in_case_or_surrounding_whitespace(name, others, near):
    assert near_names(name, others) == near


@pytest.mark.parametrize("name", ["Nightly reports", "a  b", "Größe ✓", "(Default) MicroStrategy", "👩\u200d💻"])
def test_names_that_a_definition_may_have(name):
    assert name_fault(name) is None


def test_a_pattern_is_a_name_or_a_shell_pattern():
    assert is_named("a[1]", ["a[1]"])
    assert is_named("Strategy x", ["b", "Strategy *"])
    assert not is_named("a", ["A", "b*"])
