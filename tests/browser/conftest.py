"""Starts one browser for all tests of this folder: the machine's Chromium, headless."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

# Chromium contacts hosts of its vendor at every start. Tests open only pages on this machine.
_OFFLINE = ("background-networking", "component-update", "quic", "sync")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    options = [*(f"--disable-{feature}" for feature in _OFFLINE), "--no-first-run", "--no-sandbox"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["MSTR_TEST_CHROMIUM"], args=options)
        yield browser
        browser.close()
