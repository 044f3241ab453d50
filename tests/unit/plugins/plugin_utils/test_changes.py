from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils._reports.lines import change_line, changes

NET = "10.1.0.0/16"
PANDAS, REQUESTS = {"name": "pandas", "version": "2.2.3"}, {"name": "requests", "version": "2.32.3"}


@pytest.mark.parametrize(
    ("field", "before", "after", "expected_line"),
    [
        ("whitelist", ["10.0.3.0/24", NET], [NET, "10.2.0.0/16"], "whitelist +10.2.0.0/16 -10.0.3.0/24"),
        ("whitelist", None, [NET], "whitelist +10.1.0.0/16"),
        ("whitelist", [NET], [], "whitelist -10.1.0.0/16"),
        ("packages", [REQUESTS], [{"name": "requests", "version": "2.32.4"}], "packages requests 2.32.3 → 2.32.4"),
        ("packages", [REQUESTS], [{"name": "requests"}], "packages requests 2.32.3 → any version"),
        ("packages", [REQUESTS], [PANDAS], "packages +pandas 2.2.3 -requests 2.32.3"),
        ("packages", [{"name": "A_b"}], [{"name": "a-b", "description": "x"}], "packages a-b description '' → 'x'"),
        ("resource", {"cpu": 0.5, "mem": 512}, {"cpu": 0.5, "mem": 1024}, "resource mem 512 → 1024"),
        ("resource", None, {"mem": 512}, "resource mem (not set) → 512"),
        ("exec_timeout", 60, 1800, "exec_timeout 60 → 1800"),
        ("exec_timeout", None, 60, "exec_timeout (not set) → 60"),
        ("others", "", "ä", "others '' → 'ä'"),
        ("whitelist", ["b", "a"], ["a", "b"], "whitelist b, a → a, b"),
    ],
)
def test_a_line_says_what_changed(field, before, after, expected_line):
    assert change_line(field, before, after) == expected_line


def test_a_long_line():
    """A line stays short; the changes are complete."""
    networks = [f"10.{number}.0.0/16" for number in range(100)]
    text = change_line("whitelist", [], networks)
    assert text.endswith(" and 94 more")
    assert len(text) < 150
    assert len(changes([], networks)) == 100
    assert len(change_line("description", "x" * 5000, "a\nb" * 5000)) < 150
