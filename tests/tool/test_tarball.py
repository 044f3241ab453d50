"""The tarball does not depend on the time or place of its build, and contains no development file."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from dev import collection
from dev.collection import development_files, galaxy_yml, publish, with_full_addresses
from dev.paths import ROOT
from dev.release import accompany


def _built(path: Path, names: Sequence[str], seconds: int = 1) -> Path:
    """Write a tarball with these files, whose contents are their names."""
    files = json.dumps({"files": [{"name": name} for name in names], "format": 1}).encode()
    manifest = json.dumps({"file_manifest_file": {"name": "FILES.json", "chksum_sha256": ""}}).encode()
    contents = {"MANIFEST.json": manifest, "FILES.json": files} | {name: name.encode() for name in names}
    with tarfile.open(path, "w:gz") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), seconds
            tar.addfile(member, io.BytesIO(content))
    return path


def test_the_build_is_reproducible(tmp_path: Path) -> None:
    first = _built(tmp_path / "first.tar.gz", ["README.md", "plugins/modules/a.py"], 1_000)
    second = _built(tmp_path / "second.tar.gz", ["plugins/modules/a.py", "README.md"], 2_000)
    assert first.read_bytes() != second.read_bytes()

    for path in (first, second):
        publish(path)

    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as tar:
        assert tar.getnames()[:2] == ["MANIFEST.json", "FILES.json"]
        content = {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]
    checksum = json.loads(content["MANIFEST.json"])["file_manifest_file"]["chksum_sha256"]
    assert checksum == hashlib.sha256(content["FILES.json"]).hexdigest()
    assert content["plugins/modules/a.py"] == b"plugins/modules/a.py"


@pytest.mark.parametrize(
    ("name", "is_found"),
    [
        ("tests/unit/test_one.py", True),
        ("Makefile", True),
        ("changelogs/fragments/one.yml", True),
        (".gitignore", True),
        ("tests/config.yml", False),  # the settings of ansible-test are for users
    ],
)
def test_a_development_file_is_found(tmp_path: Path, name: str, is_found: bool) -> None:
    assert development_files(_built(tmp_path / "built.tar.gz", ["README.md", name])) == [name] * is_found


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
    "audit.csv",
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
    users = {name for name in committed if name.split("/")[0] in collection.PUBLISHED and not re.match(left_out, name)}
    assert packed == {*users, "tests/config.yml", "FILES.json", "MANIFEST.json"}


def test_git_ignores_what_commands_write() -> None:
    names = [*WRITTEN, "vault-password", "vault.yml", ".env", "plan.md", "drift.json"]
    asked = subprocess.run(["git", "check-ignore", *names], cwd=ROOT, capture_output=True, text=True, check=False)
    assert asked.stdout.split() == names


README = """\
[guide](docs/docsite/rst/guide_awx.rst#jobs), [security](SECURITY.md#report), ![page](docs/images/audit.png),
<img src="docs/images/plot.svg">, [site](https://example.com/page), [here](#use-cases)
[later]: CONTRIBUTING.md
"""


def test_texts_get_full_addresses() -> None:
    info = galaxy_yml()
    site, place = info["documentation"], f"{info['repository']}/blob/v{info['version']}"

    text = with_full_addresses(README, Path())

    for address in (
        f"[guide]({site}/docsite/guide_awx.html#jobs)",
        f"[security]({place}/SECURITY.md#report)",
        f"![page]({place.replace('blob', 'raw')}/docs/images/audit.png)",
        f'src="{place.replace("blob", "raw")}/docs/images/plot.svg"',
        "[site](https://example.com/page)",
        "[here](#use-cases)",
        f"[later]: {place}/CONTRIBUTING.md",
    ):
        assert address in text
    assert with_full_addresses("[up](../b/README.md)", Path("roles/a")) == f"[up]({place}/roles/b/README.md)"


def test_a_release_has_a_checksum_and_an_sbom(tmp_path: Path) -> None:
    built = _built(tmp_path / "mstr-library-1.2.3.tar.gz", ["README.md"])
    digest = hashlib.sha256(built.read_bytes()).hexdigest()

    checksum, sbom = accompany(built, "1.2.3")

    assert checksum.read_text() == f"{digest}  {built.name}\n"
    assert sbom.name == "mstr-library-1.2.3.cdx.json"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom.read_text()) is None
    content = json.loads(sbom.read_text())
    assert content["metadata"]["component"]["hashes"] == [{"alg": "SHA-256", "content": digest}]
    assert [part["name"] for part in content["components"]] == ["ansible-core", "netaddr", "packaging", "requests"]
