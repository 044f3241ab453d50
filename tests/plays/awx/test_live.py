"""The tests in tests/live can run: all that they import and use exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from dev.paths import ROOT


def test_live_tests_find_their_fixtures() -> None:
    """pytest plans their set-up, and starts nothing."""
    named = {
        "MSTR_TEST_PROJECT_URL": "https://git.example.com",
        "MSTR_TEST_IMAGE": "image",
        "MSTR_TEST_BASE_IMAGE": "base",
        **dict.fromkeys(("CONTROLLER_HOST", "CONTROLLER_USERNAME", "CONTROLLER_PASSWORD"), "x"),
    }
    command = [sys.executable, "-m", "pytest", "--setup-plan", "-q", ROOT / "tests" / "live"]
    planned = subprocess.run(command, env=os.environ | named, capture_output=True, text=True, check=False, cwd=ROOT)

    assert planned.returncode == 0, planned.stdout
    assert re.search(r"test_jobs_and_a_workflow_with_approval_run \(fixtures used: .*\bclient\b", planned.stdout)
