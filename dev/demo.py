"""`make demo`: runs a playbook against a simulated Library server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).parents[1] / "tests"))  # for the simulator

from simulator.harness import Simulator

from dev import collection
from dev.paths import CACHE, FOREIGN, ROOT, locked, run_folder

BIN = Path(sys.executable).parent
_PLAYBOOK = Path("docs", "examples", "first_runtime.yml")


def _tasks(calls: list[str]) -> list[str]:
    """One line of calls for each task. Each task begins with a login."""
    shown = [re.sub(r"[0-9A-F]{32}", "{id}", call.replace(" /", " /api/", 1)) for call in calls]
    text = " → ".join(shown).replace(" → POST /api/auth/login", "\nPOST /api/auth/login")
    return [f"  {line}" for line in text.split("\n")]


def main() -> int:
    collections = CACHE / "collections"
    print("Building the collection and installing it from its tarball …", flush=True)
    with run_folder():
        collection.install(collections)
    print("Starting a simulated Library server …", flush=True)
    with Simulator() as simulator:
        env = {name: value for name, value in os.environ.items() if not name.upper().startswith(FOREIGN)}
        env |= {
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_FORCE_COLOR": str(sys.stdout.isatty()),
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOWS": "true",
            "HOME": str(CACHE / "home"),
            "LC_ALL": "C.UTF-8",
            **simulator.environment(),
        }
        print(f"$ ansible-playbook {_PLAYBOOK}\n", flush=True)
        if status := subprocess.run([BIN / "ansible-playbook", _PLAYBOOK], cwd=ROOT, env=env, check=False).returncode:
            print("The playbook failed; its output above shows why.")
            return status
        print(
            "A runtime was tried in check mode, created, changed, shown and deleted. A second run of each task changed"
            " nothing.",
            "",
            "The requests that the server received, one line for each task:",
            *_tasks(simulator.calls()),
            "",
            "Try it yourself. Start a simulated server in a second terminal, and type here what it prints:",
            "  make simulator",
            "Then, here, in any folder:",
            f"  . {BIN / 'activate'}",
            f"  export ANSIBLE_COLLECTIONS_PATH={collections}",
            "  ansible localhost -m mstr.library.mstr_runtime -a 'name=Mine whitelist=10.10.10.0/24' --diff",
            "  ansible-doc mstr.library.mstr_runtime",
            f"The playbook is {_PLAYBOOK}; README.md describes how to run it against your server.",
            sep="\n",
        )
    return 0


if __name__ == "__main__":
    try:
        with locked(CACHE / "demo.lock"):  # a second one would replace the collection
            sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
