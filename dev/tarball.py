# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the tarball reproducible and finds development files in it."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

from dev.paths import ROOT

# The files for users, by the first part of their path.
PUBLISHED = frozenset(
    {
        *("CHANGELOG.md", "CODE_OF_CONDUCT.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "SECURITY.md"),
        *(
            "changelogs",
            "docs",
            "extensions",
            "meta",
            "playbooks",
            "plugins",
            "requirements.txt",
            "roles",
            "bindep.txt",
        ),
    }
)


def make_reproducible(tarball: Path) -> None:
    """Rewrite the tarball in a fixed order with a fixed time: ansible-galaxy puts the time of the build into it."""
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
        # Galaxy requires the manifest to come first.
        for name in sorted(contents, key=lambda name: (name != "MANIFEST.json", name != "FILES.json", name)):
            member, content = contents[name]
            fresh = tarfile.TarInfo(name)
            fresh.type, fresh.mode, fresh.size, fresh.mtime = member.type, member.mode, len(content), seconds
            fresh.linkname = member.linkname
            tar.addfile(fresh, BytesIO(content))
    tarball.write_bytes(gzip.compress(packed.getvalue(), mtime=seconds))


def commit_time() -> int:
    """Return the time of the last commit, in seconds since 1970, or 0 outside a repository."""
    asked = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    return int(asked.stdout.strip() or 0)


def development_files(tarball: Path) -> list[str]:
    """Return the files in the tarball that are not meant for users."""
    with tarfile.open(tarball) as tar:
        names = [member.name for member in tar.getmembers() if not member.isdir()]
    names = [name for name in names if name != "tests/config.yml"]  # for ansible-test
    return [name for name in names if name.split("/")[0] not in PUBLISHED or name.startswith("changelogs/fragments/")]


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member) if member.isfile() else None
    return file.read() if file else b""
