"""The tarball contains what is committed for users, and nothing else."""

from __future__ import annotations

import tarfile
from pathlib import Path

from dev import collection

# What a user needs: files, and folders with all that is in them.
FOR_USERS = {
    *(".ansible-lint", "CHANGELOG.md", "CODE_OF_CONDUCT.md", "LICENSE", "README.md", "SECURITY.md"),
    *("changelogs/changelog.yaml", "changelogs/config.yaml", "docs/docsite/extra-docs.yml", "docs/docsite/links.yml"),
    *("docs/docsite/rst/", "docs/examples/", "docs/images/", "docs/schemas/", "extensions/", "meta/", "playbooks/"),
    *("plugins/", "roles/", "tests/config.yml"),
}
# What our commands, our tools and Ansible write.
WRITTEN = (".venv/a.py", ".cache/a", ".ansible/tmp/a", ".mypy_cache/a", "dist/a.tar.gz", "tests/output/a", ".env")


def test_what_is_packed(tmp_path: Path) -> None:
    """Whatever the name of a file is: only its folder decides."""
    clone = collection.copy(tmp_path / "clone")
    for name in (*WRITTEN, "plugins/module_utils/_session/vault_password_secret.py"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).touch()
    with tarfile.open(collection.build(clone, tmp_path / "built")) as tar:
        packed = {member.name for member in tar if not member.isdir()}
    assert packed == {*files_for_users(clone), "FILES.json", "MANIFEST.json"}
    assert packed > {name for name in FOR_USERS if not name.endswith("/")}


def files_for_users(clone: Path) -> set[str]:
    files = {path.relative_to(clone).as_posix() for path in clone.rglob("*") if path.is_file()}
    folders = tuple(name for name in FOR_USERS if name.endswith("/"))
    return {name for name in files if name.startswith(folders)} | (files & FOR_USERS)
