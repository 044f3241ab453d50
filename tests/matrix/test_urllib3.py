"""The tests that depend on the HTTP library, with other releases of urllib3; its limits with each of them."""

from __future__ import annotations

import os
import sys

import pytest
from support.ansible import programs

from dev.paths import run

FILES = {"1.26": ("hostile", "lost_responses", "tls"), "2.0": ("hostile",), "2.3": ("hostile",)}


@pytest.mark.matrix
@pytest.mark.parametrize(("release", "name"), [(release, name) for release, names in FILES.items() for name in names])
def test_faults(release: str, name: str) -> None:
    command = (programs(f"urllib3-{release}") / "python", "-m", "pytest", f"tests/faults/test_{name}.py")
    run(*command, env=os.environ | {"MSTR_SIMULATOR_PYTHON": sys.executable})
