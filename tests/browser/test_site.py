"""The documentation site in a browser: every page on a desktop and on a phone."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser
from support.browser import DESKTOP, PHONE, opened, violations

from dev.paths import ROOT

PAGES = [
    *("index.html", "environment_variables.html", "search.html"),
    *(f"docsite/{path.stem}.html" for path in ROOT.glob("docs/docsite/rst/*.rst")),
    *(f"{path.stem}_module.html" for path in ROOT.glob("plugins/modules/*.py")),
    *(f"{path.stem}_filter.html" for path in ROOT.glob("plugins/filter/*.py")),
    *(f"{path.name}_role.html" for path in ROOT.glob("roles/*")),
]


def test_the_site_has_its_pages(site: Path) -> None:
    """It is built with warnings as errors."""
    assert {path.relative_to(site).as_posix() for path in site.rglob("*.html")} == set(PAGES)


TERMS = "[...document.querySelectorAll('dl.simple > dt')].map(term => term.textContent)"
BROKEN = """[...document.querySelectorAll('table td:first-child code')].filter(
    code => code.textContent.length < 27 && !/[ -]/.test(code.textContent) && code.getClientRects().length > 1
).map(code => code.textContent)"""


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_page_fits_both_screens(browser: Browser, site: Path, page: str) -> None:
    """In a guide, no paragraph became the term of a list, and no name is broken in a first column on a phone."""
    with opened(browser, site / page, DESKTOP) as found:
        assert found.too_wide() == 0
        found.page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        assert found.too_wide() == 0
        assert found.broken_images() == []
        assert violations(found.page, runOnly=["aria-valid-attr", "scrollable-region-focusable"]) == []
        assert found.errors == []
        links = found.page.evaluate("[...document.querySelectorAll('a[href]')].map(link => link.href)")
        if Path(page).name.startswith("guide_"):
            assert [term for term in found.page.evaluate(TERMS) if ". " in term] == []
            assert found.page.evaluate(BROKEN) == []
    assert [link for link in map(str, links) if not _leads_somewhere(link)] == []


@pytest.mark.parametrize("page", ["index.html", "docsite/guide_life_of_a_runtime.html", "mstr_runtimes_module.html"])
def test_text_has_enough_contrast(browser: Browser, site: Path, page: str) -> None:
    with opened(browser, site / page, DESKTOP) as found:
        assert violations(found.page, runOnly=["color-contrast"]) == []


def _leads_somewhere(link: str) -> bool:
    """Whether the page and the anchor of a link exist. Links to other sites are not checked."""
    parts = urlsplit(link)
    # The theme links to the root of the host that publishes the site.
    if parts.scheme != "file" or parts.path == "/":
        return True
    target, place = Path(unquote(parts.path)), unquote(parts.fragment)
    return target.is_file() and (not place or f'id="{place}"' in target.read_text(encoding="utf-8"))
