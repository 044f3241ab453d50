"""A release: what its workflow may do and installs, and what it builds from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from dev import collection
from dev.paths import ROOT

WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())


def test_rights_are_with_the_job_that_runs_nothing_of_others() -> None:
    build, publish = WORKFLOW["jobs"]["build"], WORKFLOW["jobs"]["release"]
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert not {"permissions", "environment"} & build.keys()
    assert "secrets." not in str(build)
    assert publish["permissions"] == {"contents": "write", "id-token": "write", "attestations": "write"}
    uses = [step["uses"].partition("@")[0] for step in publish["steps"] if "uses" in step]
    assert uses == ["actions/download-artifact", "actions/attest-build-provenance"]
    commands = {line.split()[0] for step in publish["steps"] for line in step.get("run", "").splitlines()}
    assert {name for name in commands if "=" not in name} == {"cd", "sha256sum", "test", "echo", "gpg", "cp", "gh"}


def test_published_files_are_those_that_were_built(tmp_path: Path) -> None:
    """The steps as the workflow has them: a changed and an additional file end the second job."""
    [build] = [step for step in WORKFLOW["jobs"]["build"]["steps"] if step.get("id") == "build"]
    [compare] = [step for step in WORKFLOW["jobs"]["release"]["steps"] if "DIGESTS" in step.get("env", {})]
    dist, output = tmp_path / "dist", tmp_path / "output"
    dist.mkdir()
    (dist / "a.tar.gz").write_text("a")
    (dist / "a.sha256").write_text("b")
    bash, path = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"), {"PATH": "/usr/bin:/bin"}
    script = build["run"].replace("make release", "true")
    subprocess.run([*bash, script], cwd=tmp_path, env={**path, "GITHUB_OUTPUT": str(output)}, check=True)
    digests = output.read_text().removeprefix("digests<<END\n").removesuffix("\nEND\n")

    def is_refused() -> bool:
        env = {**path, "DIGESTS": digests}
        return bool(subprocess.run([*bash, compare["run"]], cwd=tmp_path, env=env, check=False).returncode)

    assert not is_refused()
    (dist / "more.tar.gz").write_text("")
    assert is_refused()
    (dist / "more.tar.gz").unlink()
    (dist / "a.tar.gz").write_text("c")
    assert is_refused()


def test_uncommitted_files_are_not_released(tmp_path: Path) -> None:
    """Such as a password that somebody put beside the code."""
    clone = collection.copy(tmp_path / "clone")
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "all")):
        subprocess.run([*git, *words], cwd=clone, check=True)
    (clone / "plugins" / ".env").write_text("MSTR_PASSWORD=x")
    command = [sys.executable, "-m", "dev.collection"]
    released = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    assert released.returncode == 1
    assert released.stderr.endswith("Commit, ignore or remove:\n?? plugins/.env\n")
    assert not (clone / "dist").exists()
