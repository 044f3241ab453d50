"""The collection as a copy of the working tree, as a tarball for users, and as installed from it."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

from dev.paths import CACHE, LIBRARY, ROOT, once, run

# The files for users, by the first part of their path.
PUBLISHED = {
    *(".ansible-lint", "CHANGELOG.md", "CODE_OF_CONDUCT.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md"),
    *("SECURITY.md", "changelogs", "docs", "extensions", "meta", "playbooks", "plugins", "roles"),
}
# A link or picture of Markdown or HTML: what comes before the target, and the target.
_LINK = re.compile(r"(\]\(|\b(?:src|href)=\"|^\[[^\]]+\]: )([^)\s\"]+)", re.MULTILINE)
_GUIDE = re.compile(r"docs/docsite/rst/(\w+)\.rst")


def copy(destination: Path, *parts: str) -> Path:
    """Copy the working tree, or the given files and folders of it, without the files that git ignores."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *parts]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        source, target = ROOT / name, destination / name
        # Git still lists a deleted file until the deletion is committed.
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return destination


def tarball() -> Path:
    """The tarball as it is published. It is built once in a run."""
    [built] = once("published", lambda folder: build(copy(folder / "library"), folder)).glob("*.tar.gz")
    return built


def build(source: Path, folder: Path) -> Path:
    """Build the tarball of a tree into a folder. The same tree results in the same bytes.

    Texts in Markdown get full addresses, because Galaxy and Automation Hub show them without the files beside them.
    """
    for text in source.rglob("*.md"):
        text.write_text(with_full_addresses(text.read_text(), text.parent.relative_to(source)))
    _galaxy("build", source, "--output-path", folder)
    made = next(folder.glob("*.tar.gz"))
    publish(made)
    return made


def installed() -> Path:
    """The folder for ANSIBLE_COLLECTIONS_PATH with the collection installed from its tarball, once in a run."""

    def make(folder: Path) -> None:
        install(folder)
        # Only the folders that Ansible uses are left, because some installations contain no others.
        for path in (folder / LIBRARY).iterdir():
            if path.is_dir() and path.name not in ("meta", "playbooks", "plugins", "roles"):
                shutil.rmtree(path)

    return once("collections", make)


def install(folder: Path) -> None:
    """Install the collection from its tarball, as a user does."""
    _galaxy("install", tarball(), "--force", "--no-deps", "--offline", "--collections-path", folder)


def _galaxy(*words: str | Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    env |= {"HOME": str(CACHE / "home"), "LC_ALL": "C.UTF-8"}
    run(Path(sys.executable).parent / "ansible-galaxy", "collection", *words, env=env)


def unpack(tarball: Path, folder: Path) -> Path:
    """Unpack a tarball in folders of the collection's name, and return the innermost."""
    with tarfile.open(tarball) as tar:
        tar.extractall(folder / LIBRARY)
    return folder / LIBRARY


def publish(tarball: Path) -> None:
    """Fix the order of the files in a tarball of ansible-galaxy, and their times, which are those of the build."""
    with tarfile.open(tarball) as built:
        contents = {member.name: (member, _read(built, member)) for member in built.getmembers()}
    files, manifest = json.loads(contents["FILES.json"][1]), json.loads(contents["MANIFEST.json"][1])
    files["files"].sort(key=lambda entry: str(entry["name"]))
    listed = json.dumps(files, indent=2, sort_keys=True).encode()
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(listed).hexdigest()
    contents["FILES.json"] = contents["FILES.json"][0], listed
    contents["MANIFEST.json"] = contents["MANIFEST.json"][0], json.dumps(manifest, indent=2, sort_keys=True).encode()
    packed, seconds = BytesIO(), commit_time()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        # Galaxy requires the manifest to come first.
        for name in sorted(contents, key=lambda name: (name != "MANIFEST.json", name != "FILES.json", name)):
            member, content = contents[name]
            fresh = tarfile.TarInfo(name)
            fresh.type, fresh.mode, fresh.size, fresh.mtime = member.type, member.mode, len(content), seconds
            fresh.linkname = member.linkname
            tar.addfile(fresh, BytesIO(content))
    tarball.write_bytes(gzip.compress(packed.getvalue(), mtime=seconds))


def with_full_addresses(text: str, folder: Path) -> str:
    """Replace the relative links of a file in `folder`: guides by the documentation site, others by the repository."""
    info = galaxy_yml()

    def replaced(link: re.Match[str]) -> str:
        before, target = link.groups()
        if re.match(r"#|[a-z]+:", target):
            return link[0]
        file, _hash, anchor = target.partition("#")
        path = os.path.normpath(folder / file)
        guide = _GUIDE.fullmatch(path)
        kind = "raw" if path.endswith((".png", ".svg")) else "blob"
        place = f"{info['repository']}/{kind}/v{info['version']}/{path}"
        address = f"{info['documentation']}/docsite/{guide[1]}.html" if guide else place
        return f"{before}{address}{anchor and f'#{anchor}'}"

    return _LINK.sub(replaced, text)


def galaxy_yml() -> dict[str, str]:
    """The values that are one word, such as the version."""
    return dict(re.findall(r"^(\w+): (\S+)$", (ROOT / "galaxy.yml").read_text(), re.MULTILINE))


def development_files(tarball: Path) -> list[str]:
    """The files in the tarball that are not meant for users."""
    with tarfile.open(tarball) as tar:
        names = [member.name for member in tar if not member.isdir()]
    names = [name for name in names if name != "tests/config.yml"]  # for ansible-test
    return [name for name in names if name.split("/")[0] not in PUBLISHED or name.startswith("changelogs/fragments/")]


def not_committed() -> list[str]:
    """The files of the working tree that differ from the last commit, or that git neither has nor ignores."""
    asked = ["git", "status", "--porcelain", "--untracked-files=all"]
    listing = subprocess.run(asked, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [line[3:] for line in listing.splitlines()]


def commit_time() -> int:
    """The time of the last commit, in seconds since 1970, or 0 outside a repository."""
    asked = subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=False)
    return int(asked.stdout.strip() or 0)


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member) if member.isfile() else None
    return file.read() if file else b""
