# Copyright (c) 2026, mstr.library contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the tarball reproducible, gives its texts full addresses, and finds faults in it."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from dev.paths import ROOT

# The files for users, by the first part of their path.
PUBLISHED = frozenset(
    {
        *("CHANGELOG.md", "CODE_OF_CONDUCT.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md", "SECURITY.md"),
        *("changelogs", "docs", "extensions", "meta", "playbooks", "plugins", "roles"),
    }
)


# A link or picture of Markdown or HTML: what comes before the target, and the target.
_LINK = re.compile(r"(\]\(|\b(?:src|href)=\"|^\[[^\]]+\]: )([^)\s\"]+)", re.MULTILINE)
_GUIDE = re.compile(r"docs/docsite/rst/(\w+)\.rst")


def publish(tarball: Path) -> None:
    """Rewrite a tarball of ansible-galaxy for publication.

    Texts in Markdown get full addresses, because Galaxy and Automation Hub show them without the files beside them. The
    order of the files and their times are fixed, because ansible-galaxy puts the time of the build into the tarball.
    """
    seconds = commit_time()
    with tarfile.open(tarball) as built:
        contents = {member.name: (member, _read(built, member)) for member in built.getmembers()}
    info = json.loads(contents["MANIFEST.json"][1])["collection_info"]
    files = json.loads(contents["FILES.json"][1])
    files["files"].sort(key=lambda one: str(one["name"]))
    for entry in files["files"]:
        name = entry["name"]
        if name.endswith(".md"):
            member, content = contents[name]
            contents[name] = (member, with_full_addresses(content.decode(), Path(name).parent, info).encode())
            entry["chksum_sha256"] = hashlib.sha256(contents[name][1]).hexdigest()
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


def with_full_addresses(text: str, folder: Path, info: Mapping[str, str]) -> str:
    """Replace the relative links of a file in `folder`: guides by the documentation site, others by the repository.

    `info` is the content of galaxy.yml.
    """

    def replaced(link: re.Match[str]) -> str:
        before, target = link.groups()
        if not _is_relative(target):
            return link[0]
        file, _hash, anchor = target.partition("#")
        path = os.path.normpath(folder / file)
        guide = _GUIDE.fullmatch(path)
        picture = path.endswith((".png", ".svg"))
        place = f"{info['repository']}/{'raw' if picture else 'blob'}/v{info['version']}/{path}"
        address = f"{info['documentation']}/docsite/{guide[1]}.html" if guide else place
        return f"{before}{address}{anchor and f'#{anchor}'}"

    return _LINK.sub(replaced, text)


def _is_relative(target: str) -> bool:
    return not re.match(r"#|[a-z]+:", target)


def relative_links(tarball: Path) -> list[str]:
    """Return the links that work only beside the other files, each with the text that it is in."""
    with tarfile.open(tarball) as tar:
        texts = {one.name: _read(tar, one).decode() for one in tar.getmembers() if one.name.endswith(".md")}
    return [
        f"{name}: {target}"
        for name, text in texts.items()
        for _before, target in _LINK.findall(text)
        if _is_relative(target)
    ]


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
