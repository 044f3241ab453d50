"""What users get: the demo, and the tarball of a release, tested as a user would."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

from simulator.harness import Simulator

from dev import collection, envs, lint, proc, runner
from dev.envs import Env, variables
from dev.paths import CACHE, DIST, ROOT, RUN
from dev.pytests import variables_for

_PLAYBOOK = Path("docs", "examples", "first_runtime.yml")
_COLLECTIONS = CACHE / "collections"


def run_demo() -> int:
    """Run a playbook against a simulated server, without any preparation by the user."""
    runner.say("Setting up in .venv and .cache (the first time takes a minute) …")
    env = envs.ensure("demo")
    runner.say("Building the collection and installing it from its tarball …")
    collection.install(env, _COLLECTIONS)
    runner.say("Starting a simulated Library server …")
    with Simulator(python=str(env.python)) as simulator:
        runner.say(f"$ ansible-playbook {_PLAYBOOK}", "")
        status = _play(env, simulator, _COLLECTIONS, variables(env.bin))
        _explain(simulator, env, status)
    return status


def _play(env: Env, simulator: Simulator, collections: Path, base: Mapping[str, str]) -> int:
    """Run the demo's playbook with the collection that is installed in `collections`, and return the exit status."""
    settings = {
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_FORCE_COLOR": str(sys.stdout.isatty()),
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOWS": "true",
    }
    env_vars = {**base, **settings, **simulator.environment()}
    return proc.on_terminal(env.bin / "ansible-playbook", _PLAYBOOK, env=env_vars)


def _explain(simulator: Simulator, env: Env, status: int) -> None:
    runner.say(
        "The playbook failed; its output above shows why."
        if status
        else "A runtime was tried in check mode, created, changed, shown and deleted. A second run of each task changed"
        " nothing.",
        "",
        "The requests that the server received, one line for each task:",
        *_tasks(simulator.calls()),
        "",
        "Try it yourself. Start a simulated server in a second terminal, and type here what it prints:",
        "  make simulator",
        "Then, here, in any folder:",
        f"  . {env.bin / 'activate'}",
        f"  export ANSIBLE_COLLECTIONS_PATH={_COLLECTIONS}",
        "  ansible localhost -m mstr.library.mstr_runtime -a 'name=Mine whitelist=10.10.10.0/24' --diff",
        "  ansible-doc mstr.library.mstr_runtime",
        f"The playbook is {_PLAYBOOK}; README.md describes how to run it against your server.",
    )


def _tasks(calls: list[str]) -> list[str]:
    """One line of calls for each task. Each task begins with a login."""
    tasks: list[list[str]] = []
    for call in calls:
        if call == "POST /auth/login":
            tasks.append([])
        tasks[-1].append(re.sub(r"[0-9A-F]{32}", "{id}", call.replace(" /", " /api/", 1)))
    return [f"  {' → '.join(task)}" for task in tasks]


def build_release(*, only_build: bool) -> int:
    """Build the tarball of a release, and test it as a user would: installed alone, in an empty environment."""
    version = re.search(r"^version: (\S+)$", (ROOT / "galaxy.yml").read_text(), re.MULTILINE)
    changelog = (ROOT / "CHANGELOG.md").read_text().replace("\\", "")
    if not version or f"\n## v{version[1]}\n" not in changelog:
        return runner.fail("CHANGELOG.md has no entry for the version; see CONTRIBUTING.md, 'Make a release'")
    if any(done.result.failed for done in runner.run(lint.RELEASE, jobs=1)):
        return runner.fail("nothing was built")
    built = collection.tarball(envs.ensure("dev"))
    if not only_build and _try_out():
        return runner.fail("the installed collection failed its tests, so no tarball was kept")
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    kept = Path(shutil.copy2(built, DIST))
    runner.say("", *(str(path.relative_to(ROOT)) for path in (kept, *accompany(kept, version[1]))))
    return 0


def accompany(tarball: Path, version: str) -> tuple[Path, Path]:
    """Write the checksum of a tarball and its SBOM (CycloneDX) beside it."""
    digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
    checksum, sbom = tarball.with_name(f"{tarball.name}.sha256"), tarball.with_name(f"mstr-library-{version}.cdx.json")
    checksum.write_text(f"{digest}  {tarball.name}\n")
    asked = (ROOT / "meta" / "ee-requirements.txt").read_text().splitlines()
    names = ["ansible-core", *(name for name in asked if not name.startswith("#"))]
    own = f"pkg:generic/mstr/library@{version}"
    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(collection.commit_time(), timezone.utc).isoformat(),
            "component": {
                "type": "library",
                "bom-ref": own,
                "purl": own,
                "group": "mstr",
                "name": "library",
                "version": version,
                "hashes": [{"alg": "SHA-256", "content": digest}],
                "licenses": [{"license": {"id": "GPL-3.0-or-later"}}],
            },
        },
        # Whoever installs the collection chooses the versions.
        "components": [
            {"type": "library", "bom-ref": f"pkg:pypi/{name}", "purl": f"pkg:pypi/{name}", "name": name}
            for name in names
        ],
        "dependencies": [{"ref": own, "dependsOn": [f"pkg:pypi/{name}" for name in names]}],
    }
    sbom.write_text(json.dumps(content, indent=2) + "\n")
    return checksum, sbom


def _try_out() -> int:
    """Install it into an empty environment, run the demo and the examples from there, and return the exit status."""
    home = RUN / "empty"
    collections = home / ".ansible" / "collections"
    env, dev = envs.ensure("demo"), envs.ensure("dev")
    runner.say("Installing the tarball into an empty environment …")
    collection.install(env, collections)
    with Simulator(python=str(env.python)) as simulator:
        status = _play(env, simulator, collections, variables(env.bin, home=home))
    if status:
        return status
    runner.say("Running the examples of all documents from it …")
    examples = ("-m", "pytest", "tests/plays/examples", f"--basetemp={RUN / 'tests'}")
    env_vars = variables_for(dev) | {"MSTR_TEST_COLLECTIONS": str(collections)}
    return proc.run(dev.python, *examples, log=proc.new_log("release-examples"), env=env_vars)
