# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tarball does not depend on the time or place of its build, and contains no development file."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from dev.tarball import development_files, make_reproducible


def _built(path: Path, names: Sequence[str], seconds: int) -> Path:
    files = json.dumps({"files": [{"name": name} for name in names], "format": 1}).encode()
    manifest = {"file_manifest_file": {"name": "FILES.json", "chksum_sha256": hashlib.sha256(files).hexdigest()}}
    contents = {"MANIFEST.json": json.dumps(manifest).encode(), "FILES.json": files}
    contents |= {name: name.encode() for name in names}
    with tarfile.open(path, "w:gz") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), seconds
            tar.addfile(member, io.BytesIO(content))
    return path


def test_time_and_order_of_the_build_do_not_change_the_tarball(tmp_path: Path) -> None:
    one = _built(tmp_path / "one.tar.gz", ["README.md", "plugins/modules/a.py"], 1_000)
    other = _built(tmp_path / "other.tar.gz", ["plugins/modules/a.py", "README.md"], 2_000)
    assert one.read_bytes() != other.read_bytes()

    for path in (one, other):
        make_reproducible(path)

    assert one.read_bytes() == other.read_bytes()
    with tarfile.open(one) as tar:
        assert tar.getnames()[:2] == ["MANIFEST.json", "FILES.json"]
        content = {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]
    checksum = json.loads(content["MANIFEST.json"])["file_manifest_file"]["chksum_sha256"]
    assert checksum == hashlib.sha256(content["FILES.json"]).hexdigest()
    assert content["plugins/modules/a.py"] == b"plugins/modules/a.py"


@pytest.mark.parametrize("name", ["tests/unit/test_one.py", "Makefile", "changelogs/fragments/one.yml", ".gitignore"])
def test_a_development_file_in_the_tarball_is_found(tmp_path: Path, name: str) -> None:
    assert development_files(_built(tmp_path / "built.tar.gz", ["README.md", name], 1)) == [name]
