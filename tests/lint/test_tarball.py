"""The tarball as users get it: by the checks of Galaxy, Automation Hub and Red Hat."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.ansible import programs

from dev import collection
from dev.paths import run


def _import(env_name: str, folder: Path, **settings: str) -> None:
    """Run galaxy-importer on the tarball. Its warnings count as failures."""
    checks = dict.fromkeys(("CHECK_CHANGELOG", "CHECK_REQUIRED_TAGS", "REQUIRE_V1_OR_GREATER"), "true")
    settings = checks | {"RUN_ANSIBLE_TEST": "false"} | settings
    bin_ = programs(env_name)
    env = {"PATH": f"{bin_}:/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    env |= {f"GALAXY_IMPORTER_{name}": value for name, value in settings.items()}
    output = run(bin_ / "python", "-m", "galaxy_importer.main", collection.tarball(), cwd=folder, env=env)
    assert re.findall(r"^(?:WARNING|ERROR|CRITICAL): .+", output, re.MULTILINE) == []


def test_galaxy_importer(tmp_path: Path) -> None:
    _import("galaxy", tmp_path, RUN_ANSIBLE_LINT="true")


def test_galaxy_importer_with_sanity_tests(tmp_path: Path) -> None:
    """As Automation Hub runs them: in a container. Without one, tests/matrix runs them alone."""
    package = next((programs("galaxy").parent / "lib").glob("python3*/site-packages/galaxy_importer"))
    image = re.match("FROM (.+)", (package / "ansible_test/container/Dockerfile").read_text())[1]  # type: ignore[index]
    if not shutil.which("podman"):
        pytest.skip("there is no podman")
    pulled = subprocess.run(["podman", "pull", "--quiet", image], capture_output=True, text=True, check=False)
    if pulled.returncode:
        pytest.skip(f"podman cannot pull {image}: {' '.join(pulled.stderr.split())[-200:]}")
    _import("galaxy", tmp_path, RUN_ANSIBLE_TEST="true", RUN_ANSIBLE_LINT="false")


def test_certification(tmp_path: Path) -> None:
    """The importer and ansible-lint in the versions that Red Hat's checker for partners pins."""
    _import("certification", tmp_path, RUN_ANSIBLE_LINT="false")
    bin_, tree = programs("certification"), collection.unpack(collection.tarball(), tmp_path)
    env = {"PATH": f"{bin_}:/usr/bin:/bin", "HOME": str(tmp_path), "ANSIBLE_COLLECTIONS_PATH": str(tmp_path)}
    run(bin_ / "ansible-lint", "--profile=production", "--offline", "--format=pep8", cwd=tree, env=env)
