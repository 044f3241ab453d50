"""The report of a run in pieces that AWX shows without a cut."""

from __future__ import annotations

import pytest
from ansible_collections.mstr.library.plugins.plugin_utils._reports.pieces import pieces


def shown(piece, host):
    """An item of a loop as Ansible shows it on a terminal, with colours and the line ends of a terminal."""
    lines = f"changed: [{host}] => (item=\n{piece}\n)".split("\n")
    return "\r\n".join(f"\x1b[0;33m{line}\x1b[0m" for line in lines)


@pytest.mark.parametrize("line", ["eu: 'Nightly' differs", "x" * 5000, "ä🙂 " * 900, "a\nb", "", "\udce4" * 2000])
def test_each_piece_fits_into_an_event(line):
    """Whatever the length of a line, nothing of it is lost."""
    lines, host = [f"{number}: {line}" for number in range(50)], "h" * 60
    texts = list(pieces(lines, host))
    assert max(len(shown(text, host).encode("utf-8", "replace")) for text in texts) <= 1000
    shown_text, text = ("".join(each).replace("\n", "").encode("utf-8", "replace") for each in (texts, lines))
    assert shown_text == text


def test_short_lines_share_a_piece():
    assert list(pieces(["a: 1 unchanged", "b: 1 unchanged"], "a")) == ["a: 1 unchanged\nb: 1 unchanged"]
    assert list(pieces([], "a")) == []


def test_a_long_line_is_cut_between_words():
    first, second = pieces(["word " * 300], "eu")
    assert (first[-5:], second[:4]) == ("word ", "word")
