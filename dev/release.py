"""`make release`: builds the tarball for Galaxy, tests it as a user would, and puts it into `dist` with its SBOM."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

sys.path.insert(1, str(Path(__file__).parents[1] / "tests"))  # for the simulator

from simulator.harness import Simulator

from dev import collection, demo
from dev.paths import DIST, ROOT, run_folder


def release(options: list[str]) -> str:
    """Return why nothing was released, or nothing."""
    version = collection.galaxy_yml()["version"]
    if f"\n## v{version}\n" not in (ROOT / "CHANGELOG.md").read_text().replace("\\", ""):
        return "CHANGELOG.md has no entry for the version; see CONTRIBUTING.md, 'Make a release'"
    if others := collection.not_committed():
        return f"a release has what is committed; commit, ignore or remove {', '.join(others)}"
    with run_folder() as folder:
        if _pytest("tests/lint/test_tarball.py"):
            return "nothing was built"
        if "--only-build" not in options and _try_out(folder):
            return "the installed collection failed its tests, so no tarball was kept"
        shutil.rmtree(DIST, ignore_errors=True)
        DIST.mkdir()
        kept = Path(shutil.copy2(collection.tarball(), DIST))
    print("", *(path.relative_to(ROOT) for path in (kept, *accompany(kept, version))), sep="\n")
    return ""


def accompany(tarball: Path, version: str) -> tuple[Path, Path]:
    """Write the checksum of a tarball and its SBOM (CycloneDX) beside it."""
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    checksum, sbom = tarball.with_name(f"{tarball.name}.sha256"), tarball.with_name(f"mstr-library-{version}.cdx.json")
    checksum.write_text(f"{digest}  {tarball.name}\n")
    asked = (ROOT / "meta" / "ee-requirements.txt").read_text().splitlines()
    names = ["ansible-core", *(name for name in asked if not name.startswith("#"))]
    own = f"pkg:generic/mstr/library@{version}"
    packages = {name: f"pkg:pypi/{name}" for name in names}
    component: dict[str, Any] = {"type": "library", "bom-ref": own, "purl": own, "group": "mstr", "name": "library"}
    component |= {"version": version, "hashes": [{"alg": "SHA-256", "content": digest}]}
    component |= {"licenses": [{"license": {"id": "GPL-3.0-or-later"}}]}
    made = datetime.fromtimestamp(collection.commit_time(), timezone.utc).isoformat()
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {"timestamp": made, "component": component},
        # Whoever installs the collection chooses the versions.
        "components": [
            {"type": "library", "bom-ref": purl, "purl": purl, "name": name} for name, purl in packages.items()
        ],
        "dependencies": [{"ref": own, "dependsOn": [*packages.values()]}],
    }
    sbom.write_text(json.dumps(content, indent=2) + "\n")
    return checksum, sbom


def _try_out(folder: Path) -> int:
    """Install the tarball in an empty home, and run the demo and the examples of all documents from there."""
    collections = folder / "empty" / ".ansible" / "collections"
    print("Installing the tarball in an empty home …", flush=True)
    collection.install(collections)
    with Simulator() as simulator:
        status = demo.play(simulator, collections, folder / "empty")
    return status or _pytest("tests/plays/examples", MSTR_TEST_COLLECTIONS=str(collections))


def _pytest(*words: str, **variables: str) -> int:
    command = [sys.executable, "-m", "pytest", "--numprocesses=auto", "--all", *words]
    return subprocess.run(command, cwd=ROOT, env=os.environ | variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(release(sys.argv[1:]))
