"""A real browser: Debian's Chromium without a head, a fresh profile, and what is asked of every live figure."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="no playwright here: pip install playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")
PATIENCE = 60_000  # milliseconds
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
CONTROLS = "input:not([type=hidden]), select, button"
KEYS = {"range": ("ArrowRight", "ArrowLeft"), "checkbox": ("Space",), "submit": ("Enter",), "button": ("Enter",)}
SEEN = "e => [...e.querySelectorAll('img, svg, canvas, table, p[role=status]')].map(o => o.src || o.outerHTML).join()"


@contextmanager
def browser_page(home: str) -> Iterator:
    """A page of a new browser. ``.elsewhere``: what it asked of any address that does not begin with ``home``."""
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 1600})
        page.elsewhere, page.errors = [], []
        mine = (home, home.replace("http", "ws"), "data:", "blob:")
        page.on("request", lambda r: None if r.url.startswith(mine) else page.elsewhere.append(r.url))
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        yield page
        browser.close()


def press(page, control, key, words):
    """Press a key on a control; what the words say once they have changed."""
    before = words.inner_text()
    control.scroll_into_view_if_needed()
    control.focus()
    page.keyboard.press(key)
    playwright.expect(words).not_to_have_text(before, timeout=PATIENCE)
    return words.inner_text()


def moved(page, figure) -> list[str]:
    """The controls of a figure (by their kind) that change what is seen of it when a key is pressed on them."""
    found = []
    for control in figure.locator(CONTROLS).all():
        if control.is_disabled():
            continue
        kind = control.evaluate("e => e.type || e.tagName.toLowerCase()")
        if any(_changes(page, figure, control, key) for key in KEYS.get(kind, ("ArrowDown", "ArrowUp"))):
            found.append(kind)
    return found


def _changes(page, figure, control, key) -> bool:
    before = figure.evaluate(SEEN)
    control.scroll_into_view_if_needed()
    control.focus()
    page.keyboard.press(key)
    for _ in range(40):
        page.wait_for_timeout(50)
        if figure.evaluate(SEEN) != before:
            return True
    return False


def shut_out(page, within: str) -> list[str]:
    """What axe-core calls serious or critical, inside the elements that the selector names."""
    from axe_playwright_python import sync_playwright as axe

    page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("within => axe.run({include: [[within]]}, {resultTypes: ['violations']})", within)
    return [
        f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
