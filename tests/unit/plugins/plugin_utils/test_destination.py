"""The one writer of files on the control node: which places it refuses, and what it writes with which rights."""

from __future__ import annotations

import json
import os
import stat
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.src import read_definitions
from ansible_collections.mstr.library.plugins.plugin_utils._playbooks.destination import dest_errors, write
from ansible_collections.mstr.library.plugins.plugin_utils._reports.export import to_file
from ansible_collections.mstr.library.plugins.plugin_utils._reports.formats import FORMATS
from unit.support.make import ID
from unit.support.report import audit_of, text_of

# ESC, BEL, NUL, DEL, C1, and the marks that change the direction of text.
HOSTILE = "a\x1b[31m\x07\x00\x7f\x85\x9b\u061c\u200e\u200f\u2028\u2029\u202e\u2066\u2069\rz"
# A flag, a family and a tab: nothing is wrong with them.
KEPT = "\U0001f468\u200d\U0001f469 \ufe0f\tGröße"
RAW = {character for character in HOSTILE if character not in "a[31mz"}


@contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def pipe(folder):
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def terminal(_folder):
    """A device that is not one of the machine's own."""
    _controller, terminal = os.openpty()
    return Path(os.ttyname(terminal))


@pytest.mark.parametrize(("kind", "make"), [("pipe", pipe), ("device", terminal)])
@pytest.mark.parametrize("through_link", [False, True])
def test_only_a_regular_file_is_replaced(tmp_path, kind, make, through_link):
    """A pipe or a device is refused by name, also behind a link, and stays what it is."""
    target, link = make(tmp_path), tmp_path / "link"
    link.symlink_to(target)
    path = str(link if through_link else target)
    before = target.stat()
    [error] = dest_errors("mstr_export_dest", path)
    assert error.startswith(f"mstr_export_dest {path} is a {kind}")
    with pytest.raises(OSError, match=f"it is a {kind}"):
        write(path, ["text"])
    assert target.stat().st_mode == before.st_mode
    assert not list(tmp_path.glob(".mstr-library-*"))


@pytest.mark.parametrize(("mask", "rights"), [(0o022, 0o644), (0o077, 0o600)])
def test_rights_of_a_new_file(tmp_path, mask, rights):
    with umask(mask):
        write(str(tmp_path / "report.html"), ["x"])
        write(str(tmp_path / "plan.json"), ["{}"], private=True)
    assert (mode_of(tmp_path / "report.html"), mode_of(tmp_path / "plan.json")) == (rights, 0o600)


@pytest.mark.parametrize(("private", "rights"), [(True, 0o600), (False, 0o640)])
def test_rights_of_an_existing_file(tmp_path, private, rights):
    """It is written whole or not at all, through a link, which stays one."""
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to("target")
    with umask(0o077):
        write(str(link), ["new"], private=private)
    with pytest.raises(TypeError):
        write(str(link), ["half", None])
    assert (target.read_text(), mode_of(target)) == ("new", rights)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "target"]
    target.unlink()
    write(str(link), ["new ", "file"])
    assert link.is_symlink()
    assert target.read_text() == "new file"


def test_a_line_end_in_two_parts(tmp_path):
    """Parts are cleaned one by one, with the result of the whole text."""
    write(str(tmp_path / "x"), ["a\r", "\nb\r", "c", "\r"])
    assert (tmp_path / "x").read_bytes().decode() == "a\nb\ufffdc\ufffd"


@pytest.mark.parametrize("form", FORMATS)
def test_no_raw_controls_in_a_report(form):
    assert not RAW & set(text_of(audit_of(HOSTILE + KEPT, HOSTILE), suffix=form))


def test_controls_are_escaped_in_json():
    """So that nothing is lost."""
    text = text_of(audit_of(HOSTILE + KEPT, HOSTILE), suffix="json")
    assert json.loads(text)["environments"][0]["environment"] == HOSTILE


def test_no_raw_controls_in_an_export(tmp_path):
    """A description comes back as the server has it."""
    runtime = {"name": "r", "id": ID, "description": HOSTILE + KEPT, "is_default": False, "scripts": []}
    file = to_file([runtime], "a test", backup_of="e\u202e")
    assert not RAW & set(file.text)
    (tmp_path / "export.yml").write_text(file.text, encoding="utf-8")
    [read] = read_definitions(str(tmp_path / "export.yml")).runtimes
    assert read["description"] == HOSTILE + KEPT
