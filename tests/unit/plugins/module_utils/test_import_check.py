from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.mstr.library.plugins.module_utils._model.import_check import import_check


def distribution(site, name, files, top_level=None):
    """Write a package as pip installs it."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    if files:
        (info / "RECORD").write_text("".join(f"{path},,\n" for path in files))
    if top_level:
        (info / "top_level.txt").write_text(top_level)


@pytest.mark.parametrize(
    ("package", "files", "top_level", "expected"),
    [
        ("good", {"good/__init__.py": ""}, None, "2 packages are installed and can be imported."),
        ("Py_YAML", {"yaml/__init__.py": "import gone_one"}, None, "Package py-yaml cannot be imported on Python"),
        ("spaces", {"ns/a/b/__init__.py": "1/0"}, None, "module ns.a.b: ZeroDivisionError"),
        ("inner", {"inner/__init__.py": "", "inner/x/__init__.py": "1/0"}, None, "2 packages are"),
        ("extra", {"tests/__init__.py": "1/0", "extra.libs/y.py": "", "extra.py": ""}, None, "2 packages are"),
        ("old", {}, "old_name\n", "module old_name: ModuleNotFoundError"),
    ],
)
def test_the_smoke_test(tmp_path: Path, package, files, top_level, expected):
    """On real files: the modules that a package brings are imported, whatever its name is."""
    distribution(tmp_path, package, files, top_level)
    distribution(tmp_path, "fine", {"fine/__init__.py": ""})
    assert expected in smoke(tmp_path, [{"name": package, "version": "1.0"}, {"name": "fine[extra]"}])


def smoke(site, packages):
    """The line that the smoke test of a runtime with these packages prints."""
    code = import_check(packages)
    start = f"import sys\nsys.path[:] = [path for path in sys.path if 'site-packages' not in path] + [{str(site)!r}]\n"
    run = subprocess.run([sys.executable, "-I", "-S", "-c", start + code], capture_output=True, text=True, check=False)
    assert (run.returncode == 0) == ("packages are" in run.stdout)
    [line] = (run.stdout + run.stderr).strip().splitlines()
    return line


def test_the_smoke_test_names_the_first(tmp_path: Path):
    distribution(tmp_path, "fine", {"fine/__init__.py": ""})
    packages = [{"name": name} for name in ("fine", "gone-one", "git+https://example.com/x", "gone-two")]
    assert "Package gone-one is not installed on Python 3." in smoke(tmp_path, packages)
