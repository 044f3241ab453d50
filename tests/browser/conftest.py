"""Starts the machine's Chromium, headless, and builds the site."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from support.ansible import programs

from dev.paths import once, run

# Chromium contacts hosts of its vendor at every start. Tests open only pages on this machine.
_OFFLINE = ("background-networking", "component-update", "quic", "sync")


# Playwright has an event loop in this thread for as long as it runs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    if not (program := next(filter(None, map(shutil.which, names)), None)):
        pytest.skip("no Chromium on this machine")
    options = [*(f"--disable-{feature}" for feature in _OFFLINE), "--no-first-run", "--no-sandbox"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site() -> Path:
    """The documentation site, built once in a run."""
    python = programs("docs") / "python"
    return once("site", lambda folder: run(python, "-m", "dev.docs", "site", folder)) / "build" / "html"
