"""The documentation as a site, and the changelog: `python -m dev.docs site FOLDER`, `python -m dev.docs changelog`."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from dev.collection import copy
from dev.paths import LIBRARY, ROOT, run

_OURS = ROOT / "docs" / "docsite" / "site"  # settings and styles beside those of antsibull-docs


def site(library: Path, env: dict[str, str], folder: str) -> None:
    """Build the site into a new folder, with warnings as errors."""
    target = Path(folder)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    target.chmod(0o755)
    # The guides name their pictures relative to docs/docsite/rst; Sphinx looks for them relative to its source folder.
    shutil.copytree(ROOT / "docs" / "images", target / "images")
    init = ("sphinx-init", "--use-current", "--squash-hierarchy", "--fail-on-error", "--dest-dir", target)
    run("antsibull-docs", *init, "mstr.library", env=env)
    with (target / "conf.py").open("a") as conf:
        conf.write((_OURS / "conf.py").read_text())
    shutil.copytree(_OURS, target / "_own")
    run("bash", target / "build.sh", cwd=target, env=env)
    print(f"Open {target / 'build' / 'html' / 'index.html'}")


def changelog(library: Path, env: dict[str, str]) -> None:
    """Write CHANGELOG.md. In folders of the collection's name: elsewhere, the program copies the whole clone."""
    run("antsibull-changelog", "release", "-v", "--update-existing", "--reload-plugins", cwd=library, env=env)
    for name in ("CHANGELOG.md", "changelogs/changelog.yaml"):
        shutil.copy2(library / name, ROOT / name)


if __name__ == "__main__":
    commands: dict[str, Callable[..., None]] = {"site": site, "changelog": changelog}
    with tempfile.TemporaryDirectory() as place:
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        variables = {"ANSIBLE_COLLECTIONS_PATH": place, "HOME": place, "LC_ALL": "C.UTF-8", "PATH": path}
        commands[sys.argv[1]](copy(Path(place, LIBRARY)), os.environ | variables, *sys.argv[2:])
