from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils._run.worker import Progress


class Screen:
    """A stopped clock, and the printed lines."""

    def __init__(self):
        self.now = 100.0
        self.lines = []
        self.progress = Progress(self.lines.append, lambda: self.now)

    def at(self, seconds, text):
        self.now = 100.0 + seconds
        self.progress(text, str)
        return self.lines


@pytest.fixture
def screen():
    return Screen()


def test_nothing_printed_in_first_three_seconds(screen):
    assert screen.at(0, "1 of 9") == []
    assert screen.at(2.9, "5 of 9") == []
    assert screen.at(3, "6 of 9") == ["6 of 9"]


def test_line_comes_at_most_every_three_seconds(screen):
    for tenths in range(100):
        screen.at(tenths / 10, f"{tenths} of 100")
    assert screen.lines == ["30 of 100", "60 of 100", "90 of 100"]


def test_line_comes_only_when_something_has_changed(screen):
    screen.at(3, "installing pandas")
    screen.at(60, "installing pandas")
    assert screen.at(61, "ready") == ["installing pandas", "ready"]
