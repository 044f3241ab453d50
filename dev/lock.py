"""`make lock`: writes newer versions of all packages of dev/envs.py into dev/requirements.txt, resolved together."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from dev import envs
from dev.paths import run


def wanted() -> list[str]:
    """The packages of all environments, each from the oldest Python that an environment with it has."""
    packages = envs.OTHERS.split()
    for name, of_environment in envs.PACKAGES.items():
        oldest = min(envs.PYTHONS[name], key=envs.KNOWN.index)
        packages += [f'{each}; python_version >= "{oldest}"' for each in of_environment.split() if "==" not in each]
    for version in envs.KNOWN[1:]:
        core = max(core for core, pythons in envs.CORES.items() if version in pythons and core <= envs.NEWEST)
        packages.append(f'ansible-core=={envs.RELEASES[core]}; python_version == "{version}"')
    # Older cores take no newer one. The second is withdrawn, so no resolver takes it unless it is named here.
    return [
        *packages,
        "resolvelib<1.1",
        "will-not-work-on-windows-try-from-wsl-instead==0.1.0; python_version >= '3.12'",
    ]


if __name__ == "__main__":
    env = {name: value for name, value in os.environ.items() if name != "UV_CONSTRAINT"}
    env["UV_CUSTOM_COMPILE_COMMAND"] = "make lock"
    with tempfile.TemporaryDirectory() as place:
        source, overrides = Path(place, "all.in"), Path(place, "overrides.in")
        source.write_text("\n".join(wanted()))
        overrides.write_text("attrs")  # galaxy-importer alone gets the old one that it pins
        options = ("--quiet", "--universal", "--no-annotate", "--upgrade", "--python-version=3.9")
        uv = (sys.executable, "-m", "uv", "pip", "compile", *options, f"--overrides={overrides}", source)
        envs.PINS.write_text(run(*uv, env=env))
