# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's tarball as it is published: the same bytes from the same files, with nothing of the workshop."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

from dev.paths import ROOT

# What a user gets, by its first folder or file.
PUBLISHED = frozenset(
    {
        *("CHANGELOG.md", "CODE_OF_CONDUCT.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "SECURITY.md"),
        *("changelogs", "docs", "extensions", "meta", "playbooks", "plugins", "requirements.txt", "roles"),
    }
)


def make_reproducible(tarball: Path) -> None:
    """Rewrite what ansible-galaxy built, which has the time of the build in it, in a fixed order with a fixed time."""
    seconds = commit_time()
    with tarfile.open(tarball) as built:
        contents = {member.name: (member, _read(built, member)) for member in built.getmembers()}
    files = json.loads(contents["FILES.json"][1])
    files["files"].sort(key=lambda one: str(one["name"]))
    text = json.dumps(files, indent=2, sort_keys=True).encode()
    manifest = json.loads(contents["MANIFEST.json"][1])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(text).hexdigest()
    contents["FILES.json"] = (contents["FILES.json"][0], text)
    contents["MANIFEST.json"] = (contents["MANIFEST.json"][0], json.dumps(manifest, indent=2, sort_keys=True).encode())
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        # Galaxy reads the manifest first.
        for name in sorted(contents, key=lambda name: (name != "MANIFEST.json", name != "FILES.json", name)):
            member, content = contents[name]
            fresh = tarfile.TarInfo(name)
            fresh.type, fresh.mode, fresh.size, fresh.mtime = member.type, member.mode, len(content), seconds
            fresh.linkname = member.linkname
            tar.addfile(fresh, BytesIO(content))
    tarball.write_bytes(gzip.compress(packed.getvalue(), mtime=seconds))


def commit_time() -> int:
    """When the last commit was made, in seconds since 1970; 0 outside of a repository."""
    asked = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    return int(asked.stdout.strip() or 0)


def workshop_files(tarball: Path) -> list[str]:
    """Files in the tarball that are not meant for users."""
    with tarfile.open(tarball) as tar:
        names = [member.name for member in tar.getmembers() if not member.isdir()]
    return [name for name in names if name.split("/")[0] not in PUBLISHED or name.startswith("changelogs/fragments/")]


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member) if member.isfile() else None
    return file.read() if file else b""
