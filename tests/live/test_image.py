"""Builds a real execution environment, and runs jobs in it as a controller does (CONTRIBUTING.md describes it).

MSTR_TEST_BASE_IMAGE       the image to build on
MSTR_TEST_PACKAGE_MANAGER  its package manager, if it is not that of the definition
MSTR_TEST_BUILD_OPTIONS    more options for `podman build`
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from plays.awx.jobs import Job, tools_in
from simulator.harness import Simulator

from dev import collection
from dev.paths import ROOT

IMAGE = "localhost/mstr-library-ee:test"
ISOLATION = (
    "--process-isolation",
    "--process-isolation-executable=podman",
    f"--container-image={IMAGE}",
    # The simulator runs on this machine.
    "--container-option=--network=host",
    # A controller's nodes start containers as an unprivileged user, who also owns the folder in the container.
    *(["--container-option=--user=root"] if os.geteuid() == 0 else []),
)


DEFINITION = ROOT / "extensions" / "execution_environment" / "execution-environment.yml"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build the image from the collection's definition, with the current tarball of the collection."""
    assert shutil.which("podman"), "install podman, which builds the image and runs the jobs in it"
    if not os.environ.get("MSTR_TEST_BASE_IMAGE"):
        pytest.skip("MSTR_TEST_BASE_IMAGE is not set, see CONTRIBUTING.md")
    folder = tmp_path_factory.mktemp("image")
    definition: dict[str, Any] = yaml.safe_load(DEFINITION.read_text())
    tarball = collection.tarball()
    definition["dependencies"]["galaxy"]["collections"] = [{"name": f"files/{tarball.name}", "type": "file"}]
    definition["additional_build_files"] = [{"src": str(tarball), "dest": "files"}]
    (folder / "execution-environment.yml").write_text(yaml.safe_dump(definition))
    arguments = {
        "EE_BASE_IMAGE": os.environ["MSTR_TEST_BASE_IMAGE"],
        "PKGMGR": os.environ.get("MSTR_TEST_PACKAGE_MANAGER") or definition["options"]["package_manager_path"],
    }
    tools = tools_in(folder)
    # pip in the build uses the caller's settings, if any.
    tools.env["HOME"] = str(Path("~").expanduser())
    built = tools.run(
        [
            *("ansible-builder", "build", "--container-runtime=podman", "-v3", f"--tag={IMAGE}"),
            *("-f", folder / "execution-environment.yml", "-c", folder / "context"),
            *(f"--build-arg={name}={value}" for name, value in arguments.items()),
            f"--extra-build-cli-args={os.environ.get('MSTR_TEST_BUILD_OPTIONS', '')}",
        ]
    )
    assert built.status == 0, built.output
    return IMAGE


def test_the_apply_job_runs_in_the_image(image: str, sim: Simulator, tmp_path: Path) -> None:
    def job(name: str, **options: Any) -> Job:
        return Job(
            tmp_path / name,
            {"mstr_username": sim.username, "mstr_password": sim.password},
            {"us": {"mstr_base_url": sim.base_url}},
            definitions={"us": {"runtimes": [{"name": "Nightly", "whitelist": ["10.10.10.0/24"]}]}},
            in_image=True,
            **options,
        )

    first, second = job("first"), job("second", check=True)

    assert first.run(*ISOLATION) == "successful", first.output
    assert [runtime["name"] for runtime in sim.runtimes()] == ["Nightly"]
    assert second.run(*ISOLATION) == "successful", second.output
    assert second.stats["mstr_report"]["environments"][0]["outcome"] == "unchanged"
    assert sim.open_sessions() == []
