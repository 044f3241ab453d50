"""The tarball contains what is committed for users, and nothing else."""

from __future__ import annotations

import re
import subprocess
import tarfile
from pathlib import Path

from dev import collection
from dev.paths import ROOT

# The first parts of the paths of files for users.
PUBLISHED = {
    *(".ansible-lint", "CHANGELOG.md", "CODE_OF_CONDUCT.md", "FILES.json", "LICENSE", "MANIFEST.json", "README.md"),
    *("SECURITY.md", "changelogs", "docs", "extensions", "meta", "playbooks", "plugins", "roles"),
}
# What our commands and guides write, and what people keep, beside the committed files or among them.
BESIDE = (
    *(
        ".env",
        ".envrc",
        ".vault_pass",
        ".venv/lib/a.py",
        ".aws/credentials",
        ".ansible/tmp/a",
        ".ansible.cfg",
        ".idea/a.xml",
    ),
    *(
        ".vscode/settings.json",
        "vault-password",
        "vault.yml",
        "prod.env",
        "a.pem",
        "a.key",
        "id_ed25519",
        "venv/lib/a.py",
    ),
    *("env/bin/python", "site.yml", "inventory.yml", "inventory/hosts", "hosts", "ansible.cfg", "group_vars/all.yml"),
    *("host_vars/prod.yml", "environments/inventory.yml", "runtimes.yml", "runtimes/prod.yml", "prod.runtimes.yml"),
    *("prod.upgrade.yml", "prod.probe.json", "test-eu.yml", "backups/prod.20261127T041500Z.yml"),
    *("plan.json", "plan.md", "drift.json", "audit.html", "audit.json"),
    *("sbom.cdx.json", "software.cdx.json", "report.html", "job.txt", "upgrade.yml", "restore.yml"),
    *("requirements.yml", "collections/ansible_collections/a/b.py", "read.yml", "smoke_test.py", "notes.txt", "x.log"),
    *("README.html", "x.bak", "x.tar.gz", "node_modules/a.js", "export.yml", "playbook.yml", "docker-compose.yml"),
)
SECRETS = (
    "vault.yml",
    "vault-password",
    ".env",
    "prod.env",
    "a.key",
    "a.pem",
    "id_rsa",
    "venv/a.py",
    "group_vars/all.yml",
)
WRITTEN = (
    "prod.runtimes.yml",
    "a.probe.json",
    "backups/prod.yml",
    "plan.json",
    "audit.html",
    "a.cdx.json",
)


def test_only_committed_files_for_users_are_packed(tmp_path: Path) -> None:
    """Whatever else lies in a clone stays there."""
    clone = collection.copy(tmp_path / "clone")
    committed = {path.relative_to(clone).as_posix() for path in clone.rglob("*") if path.is_file()}
    folders = {
        "docs",
        "docs/examples",
        "meta",
        "playbooks",
        "plugins",
        "roles",
        "roles/runtimes",
    }
    for name in {*BESIDE, *(f"{folder}/{name}" for folder in folders for name in (*SECRETS, *WRITTEN))}:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text("s3cret")

    with tarfile.open(collection.build(clone, tmp_path / "built")) as tar:
        packed = {member.name for member in tar if not member.isdir()}

    left_out = r"docs/docsite/site/|changelogs/fragments/"
    users = {name for name in committed if name.split("/")[0] in PUBLISHED and not re.match(left_out, name)}
    assert packed == {*users, "tests/config.yml", "FILES.json", "MANIFEST.json"}


def test_git_ignores_what_commands_write() -> None:
    names = [*WRITTEN, "vault-password", "vault.yml", ".env", "plan.md", "drift.json"]
    asked = subprocess.run(["git", "check-ignore", *names], cwd=ROOT, capture_output=True, text=True, check=False)
    assert asked.stdout.split() == names
