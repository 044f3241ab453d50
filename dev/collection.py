"""The collection as a copy of the working tree, as a tarball for users, as installed from it, and its documentation."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import threading
from io import BytesIO
from pathlib import Path

from dev import envs, proc
from dev.envs import variables
from dev.paths import LIBRARY, ROOT, RUN
from dev.runner import Result, Stage

# The files for users, by the first part of their path.
PUBLISHED = {
    *(".ansible-lint", "CHANGELOG.md", "CODE_OF_CONDUCT.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md"),
    *("SECURITY.md", "changelogs", "docs", "extensions", "meta", "playbooks", "plugins", "roles"),
}
# A link or picture of Markdown or HTML: what comes before the target, and the target.
_LINK = re.compile(r"(\]\(|\b(?:src|href)=\"|^\[[^\]]+\]: )([^)\s\"]+)", re.MULTILINE)
_GUIDE = re.compile(r"docs/docsite/rst/(\w+)\.rst")
_OURS = ROOT / "docs" / "docsite" / "site"  # settings and styles beside those of antsibull-docs
_making = threading.RLock()


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


def tree() -> Path:
    """A read-only copy of the working tree in folders of the collection's name. It is made once per run."""
    folder = RUN / "tree" / LIBRARY
    with _making:
        return folder if folder.exists() else copy(folder)


def tarball(env: Path) -> Path:
    """The tarball as it is published. It is built once per run."""
    # Not by the name of a stage, which has a folder of its own there.
    folder = RUN / "published"
    with _making:
        return next(folder.glob("*.tar.gz")) if folder.exists() else build(env, tree(), folder)


def build(env: Path, source: Path, folder: Path) -> Path:
    """Build the tarball of a tree into a folder. The same tree results in the same bytes.

    Texts in Markdown get full addresses, because Galaxy and Automation Hub show them without the files beside them.
    """
    for text in source.rglob("*.md"):
        text.write_text(with_full_addresses(text.read_text(), text.parent.relative_to(source)))
    _galaxy(env, "build", source, "--output-path", folder)
    made = next(folder.glob("*.tar.gz"))
    publish(made)
    return made


def installed(env: Path) -> Path:
    """The folder for ANSIBLE_COLLECTIONS_PATH with the collection installed from its tarball, once per run."""
    folder = RUN / "collections"
    with _making:
        if not folder.exists():
            install(env, folder)
            # Only the folders that Ansible uses are left, because some installations contain no others.
            for path in (folder / LIBRARY).iterdir():
                if path.is_dir() and path.name not in ("meta", "playbooks", "plugins", "roles"):
                    shutil.rmtree(path)
    return folder


def install(env: Path, folder: Path) -> None:
    """Install the collection from its tarball, as a user does."""
    _galaxy(env, "install", tarball(env), "--force", "--no-deps", "--offline", "--collections-path", folder)


def _galaxy(env: Path, verb: str, *arguments: str | Path) -> None:
    log, failure = proc.new_log(f"collection-{verb}"), f"ansible-galaxy could not {verb} the collection"
    proc.need(env / "ansible-galaxy", "collection", verb, *arguments, log=log, failure=failure, env=variables(env))


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


def build_site(site: Path, log: Path) -> Path:
    """Build the site into a new folder, with warnings as errors, and return its start page."""
    env = envs.ensure("lint")
    env_vars = variables(env, ANSIBLE_COLLECTIONS_PATH=tree().parents[2])
    shutil.rmtree(site, ignore_errors=True)
    site.mkdir(parents=True)
    site.chmod(0o755)
    # The guides name their pictures relative to docs/docsite/rst; Sphinx looks for them relative to its source folder.
    shutil.copytree(ROOT / "docs" / "images", site / "images")
    init = ("sphinx-init", "--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", site)
    failure = "the documentation site could not be built"
    proc.need(env / "antsibull-docs", *init, "mstr.library", log=log, failure=failure, env=env_vars)
    with (site / "conf.py").open("a") as conf:
        conf.write((_OURS / "conf.py").read_text())
    shutil.copytree(_OURS, site / "_own")
    proc.need("bash", site / "build.sh", log=log, failure=failure, cwd=site, env=env_vars)
    return site / "build" / "html" / "index.html"


def site() -> Path:
    """The start page of the site, which is built once per run."""
    start = RUN / "site" / "build" / "html" / "index.html"
    with _making:
        return start if start.exists() else build_site(RUN / "site", proc.new_log("docs-site-build"))


SITE = Stage("docs site", lambda _job: Result(int(site().exists())), quick=True)
