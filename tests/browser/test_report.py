"""The page of an audit or an apply, in a browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from support.ansible import COLLECTIONS
from support.browser import DESKTOP, PHONE, Opened, opened, violations

Show = Callable[..., Opened]
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def show(browser: Browser) -> Iterator[Show]:
    """A function that opens a page until the test ends. `trusted` lets the test run code, despite the policy."""
    with ExitStack() as stack:
        yield lambda path, screen=DESKTOP, trusted=False, **context: stack.enter_context(
            opened(browser, path, screen, bypass_csp=trusted, **context)
        )


def background(page: Page) -> tuple[int, ...]:
    """The background colour of the page, as red, green and blue."""
    text = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return tuple(map(int, re.findall("[0-9]+", text)))


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a folder with audit.html, apply.html, few.html and many.html."""
    folder = tmp_path_factory.mktemp("pages")
    support = Path(__file__).parents[1] / "unit" / "support"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((COLLECTIONS, str(support)))}
    program = Path(__file__).with_name("make_reports.py")
    subprocess.run([sys.executable, program, folder], env=env, check=True, timeout=120)
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [DESKTOP, pytest.param(PHONE, marks=pytest.mark.matrix)], ids=["desktop", "phone"])
@pytest.mark.parametrize("name", ["audit", "apply", "plans"])
def test_the_page_is_accessible(pages: Path, show: Show, name: str, screen: dict[str, int], scheme: str) -> None:
    shown = show(pages / f"{name}.html", screen, trusted=True, color_scheme=scheme)
    assert shown.page.locator(".outcome tbody tr").count() >= 3
    # Check the folded parts, too.
    shown.page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    assert violations(shown.page) == []
    assert shown.too_wide() == 0
    assert (sum(background(shown.page)) < 3 * 64) is (scheme == "dark")
    assert shown.errors == []


TOO_NARROW = """() => [...document.querySelectorAll('.pythons th, .pythons td')]
.filter(cell => cell.scrollWidth > cell.clientWidth || cell.clientWidth < 40).map(cell => cell.textContent)"""


@pytest.mark.parametrize("name", ["audit", "apply", "few", "plans"])
def test_the_page_fits_every_width(pages: Path, show: Show, name: str) -> None:
    """Between a phone and a desktop, neither the page nor its table is cut off; a long name keeps its arrow."""
    shown = show(pages / f"{name}.html")
    for width in (360, 400, 600, 705, 800, 1000, 1120, 1280):
        shown.page.set_viewport_size({"width": width, "height": 900})
        assert shown.too_wide() == 0
        parts = (".outcome", ".rt > summary", ".rt > summary h3")
        table, summary, heading = (shown.page.locator(part).first.bounding_box() or {} for part in parts)
        assert table["x"] + table["width"] <= width
        assert 20 < heading["x"] - summary["x"] < 60, "right of the arrow"
        assert shown.page.evaluate(TOO_NARROW) == [], "a word or a number leaves its column"


def test_the_page_runs_no_foreign_code(pages: Path, show: Show) -> None:
    shown = show(pages / "audit.html")
    requests: list[str] = []
    shown.page.on("request", lambda request: requests.append(request.url))
    shown.page.reload()
    assert requests == [(pages / "audit.html").as_uri()]
    assert shown.errors == [], "the page's policy allows its own style and script"
    assert shown.page.get_by_role("heading", name=HOSTILE, exact=True).first.is_visible()
    assert shown.page.locator(".filter").is_visible(), "its script runs"


def test_the_filter_unfolds_a_list(pages: Path, show: Show) -> None:
    page = show(pages / "audit.html").page
    quiet, nightly = (page.get_by_role("heading", name=name).first for name in ("Runtime 007", "Nightly reports"))
    words = page.get_by_label("Filter runtimes")
    assert not quiet.is_visible()
    words.fill("runtime 007 10.10.10.0")
    quiet.wait_for(state="visible")
    assert nightly.is_hidden()
    assert page.locator("output").inner_text().startswith("1 of ")
    words.fill("prod-us packages_never 4711")
    page.get_by_text("see ticket 4711").nth(3).wait_for(state="visible")
    assert page.locator("output").inner_text().startswith("1 of ")
    words.fill("nothing like this")
    page.get_by_text("No runtime of").wait_for(state="visible")
    words.fill("")
    page.get_by_label("Only findings").check()
    assert (nightly.is_visible(), quiet.is_hidden()) == (True, True)


def test_the_page_works_with_a_keyboard_only(pages: Path, show: Show) -> None:
    page = show(pages / "audit.html").page
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the environments"
    page.keyboard.press("Enter")
    for _ in range(20):
        page.keyboard.press("Tab")
        focus = page.locator(":focus")
        if focus.evaluate("found => found.parentElement.className") == "quiet":
            break
    folded = page.locator(".quiet h3").first
    assert folded.is_hidden()
    page.keyboard.press("Enter")
    assert folded.is_visible()


def test_the_printed_page(pages: Path, show: Show, tmp_path: Path) -> None:
    """It is white, without what only a screen needs, and of 104 runtimes it has those that a plan changes."""
    paper = show(pages / "plan.html", trusted=True).page.pdf(path=tmp_path / "plan.pdf", format="A4")
    assert 0 < len(re.findall(rb"/Type /Page[\n ]", paper)) < 30
    page = show(pages / "audit.html", color_scheme="dark").page
    page.emulate_media(media="print", color_scheme="dark")
    assert background(page) == (255, 255, 255)
    assert page.locator(".filter").is_hidden()


HIDDEN = "[...document.querySelectorAll('.rt .chips code')].filter(code => !code.checkVisibility()).length"


@pytest.mark.parametrize(("name", "unfolded"), [("audit", True), ("plan", False)])
def test_a_printed_audit_has_every_runtime(pages: Path, show: Show, name: str, unfolded: bool) -> None:
    """With its packages and networks: paper is the proof of an audit. A plan has what changes."""
    page = show(pages / f"{name}.html", trusted=True).page
    assert page.evaluate(HIDDEN) > 0
    page.emulate_media(media="print")
    assert (page.evaluate(HIDDEN) == 0) is unfolded, "by the style alone"
    page.emulate_media(media="screen")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert (page.evaluate(HIDDEN) == 0) is unfolded, "by the script, for browsers whose style cannot"
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(HIDDEN) > 0
