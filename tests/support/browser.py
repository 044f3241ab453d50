"""Opens pages in a browser that Playwright controls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


@dataclass
class Opened:
    """An open page, and the errors that it reported."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def too_wide(self) -> int:
        """By how many pixels the page is wider than the screen."""
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.page.evaluate(wide))

    def broken_images(self) -> list[str]:
        """The images that did not load."""
        script = "[...document.images].filter(image => !image.complete || !image.naturalWidth).map(image => image.src)"
        return [str(entry) for entry in self.page.evaluate(script)]


@contextmanager
def opened(browser: Browser, address: Path | str, screen: dict[str, int], **context: Any) -> Iterator[Opened]:
    """Open a page on a screen of that size. `context` is passed to Playwright, such as `color_scheme="dark"`."""
    with browser.new_context(viewport=screen, **context) as frame:  # type: ignore[arg-type]
        page = frame.new_page()
        found = Opened(page)
        page.on("console", lambda message: found.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: found.errors.append(str(error)))
        page.on("requestfailed", lambda request: found.errors.append(f"{request.url} failed"))
        page.goto(address.as_uri() if isinstance(address, Path) else address)
        yield found


def violations(page: Page, **options: Any) -> list[str]:
    """The violations that axe-core finds, one per line. `options`: those of axe-core."""
    found = Axe().run(page, options=options).response["violations"]
    return [f"{entry['id']}: {entry['help']}: {node['html'][:200]}" for entry in found for node in entry["nodes"]]
