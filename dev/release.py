"""`make release`: builds the tarball for Galaxy from what is committed, tests it, and puts it into `dist`."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from dev import collection
from dev.paths import DIST, ROOT, run_folder


def release() -> str:
    """Return why nothing was released, or nothing."""
    version = collection.galaxy_yml()["version"]
    if f"\n## v{version}\n" not in (ROOT / "CHANGELOG.md").read_text().replace("\\", ""):
        return "CHANGELOG.md has no entry for the version; see CONTRIBUTING.md, 'Make a release'"
    if others := collection.not_committed():
        return f"a release has what is committed; commit, ignore or remove {', '.join(others)}"
    with run_folder():
        tests = ("--numprocesses=auto", "--all", "tests/lint/test_tarball.py", "tests/plays/examples")
        if subprocess.run([sys.executable, "-m", "pytest", *tests], cwd=ROOT, check=False).returncode:
            return "the tests of the tarball failed, so none was kept"
        shutil.rmtree(DIST, ignore_errors=True)
        DIST.mkdir()
        kept = Path(shutil.copy2(collection.tarball(), DIST))
    digest = hashlib.sha256(kept.read_bytes()).hexdigest()
    kept.with_name(f"{kept.name}.sha256").write_text(f"{digest}  {kept.name}\n")
    print(kept.relative_to(ROOT))
    return ""


if __name__ == "__main__":
    sys.exit(release())
