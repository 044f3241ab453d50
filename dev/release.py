"""What users get: the demo, and the tarball of a release, tested as a user would."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from simulator.harness import Simulator

from dev import collection, envs, lint, proc, runner
from dev.envs import variables
from dev.paths import CACHE, DIST, ROOT, RUN
from dev.pytests import variables_for

_PLAYBOOK = Path("docs", "examples", "first_runtime.yml")
_COLLECTIONS = CACHE / "collections"


def demo(_options: list[str]) -> int:
    """Run a playbook against a simulated Library server. Needs no preparation."""
    runner.say("Setting up in .venv and .cache (the first time takes a minute) …")
    env = envs.ensure("demo")
    runner.say("Building the collection and installing it from its tarball …")
    collection.install(env, _COLLECTIONS)
    runner.say("Starting a simulated Library server …")
    with Simulator(python=str(env / "python")) as simulator:
        runner.say(f"$ ansible-playbook {_PLAYBOOK}", "")
        status = _play(env, simulator, _COLLECTIONS)
        runner.say(
            "The playbook failed; its output above shows why."
            if status
            else "A runtime was tried in check mode, created, changed, shown and deleted. A second run of each task"
            " changed nothing.",
            "",
            "The requests that the server received, one line for each task:",
            *_tasks(simulator.calls()),
            "",
            "Try it yourself. Start a simulated server in a second terminal, and type here what it prints:",
            "  make simulator",
            "Then, here, in any folder:",
            f"  . {env / 'activate'}",
            f"  export ANSIBLE_COLLECTIONS_PATH={_COLLECTIONS}",
            "  ansible localhost -m mstr.library.mstr_runtime -a 'name=Mine whitelist=10.10.10.0/24' --diff",
            "  ansible-doc mstr.library.mstr_runtime",
            f"The playbook is {_PLAYBOOK}; README.md describes how to run it against your server.",
        )
    return status


def _play(env: Path, simulator: Simulator, collections: Path, home: Path = CACHE / "home") -> int:
    """Run the demo's playbook with the collection that is installed in `collections`, and return the exit status."""
    settings = {
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_COLLECTIONS_PATH": collections,
        "ANSIBLE_FORCE_COLOR": sys.stdout.isatty(),
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOWS": "true",
        "HOME": home,
    }
    return proc.run(env / "ansible-playbook", _PLAYBOOK, env=variables(env, **settings, **simulator.environment()))


def _tasks(calls: list[str]) -> list[str]:
    """One line of calls for each task. Each task begins with a login."""
    tasks: list[list[str]] = []
    for call in calls:
        if call == "POST /auth/login":
            tasks.append([])
        tasks[-1].append(re.sub(r"[0-9A-F]{32}", "{id}", call.replace(" /", " /api/", 1)))
    return [f"  {' → '.join(task)}" for task in tasks]


def release(options: list[str]) -> int:
    """Build the tarball for Galaxy, and test it in an empty environment (--only-build: do not run the examples)."""
    version = collection.galaxy_yml()["version"]
    if f"\n## v{version}\n" not in (ROOT / "CHANGELOG.md").read_text().replace("\\", ""):
        return runner.fail("CHANGELOG.md has no entry for the version; see CONTRIBUTING.md, 'Make a release'")
    if others := collection.not_committed():
        return runner.fail(f"a release has what is committed; commit, ignore or remove {', '.join(others)}")
    if any(result.failures for result in runner.run(lint.RELEASE, runner.options(["--jobs=1"])).values()):
        return runner.fail("nothing was built")
    built = collection.tarball(envs.ensure("dev"))
    if "--only-build" not in options and _try_out():
        return runner.fail("the installed collection failed its tests, so no tarball was kept")
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    kept = Path(shutil.copy2(built, DIST))
    runner.say("", *(str(path.relative_to(ROOT)) for path in (kept, *accompany(kept, version))))
    return 0


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


def _try_out() -> int:
    """Install it into an empty environment, run the demo and the examples from there, and return the exit status."""
    home = RUN / "empty"
    collections = home / ".ansible" / "collections"
    env, dev = envs.ensure("demo"), envs.ensure("dev")
    runner.say("Installing the tarball into an empty environment …")
    collection.install(env, collections)
    with Simulator(python=str(env / "python")) as simulator:
        status = _play(env, simulator, collections, home)
    if status:
        return status
    runner.say("Running the examples of all documents from it …")
    examples = ("-m", "pytest", "tests/plays/examples", f"--basetemp={RUN / 'tests'}")
    env_vars = variables_for(dev) | {"MSTR_TEST_COLLECTIONS": str(collections)}
    return proc.run(dev / "python", *examples, log=proc.new_log("release-examples"), env=env_vars)
