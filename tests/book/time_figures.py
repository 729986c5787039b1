"""``python -m tests.book.time_figures``: how long every live figure takes in JupyterLab in Chromium, kernel warm.

First paint: from running the cell to the figure's picture. Update: from a key on its first control that answers, to the
picture changed. Medians of ten, in milliseconds; the table goes to data/results/figures.md.
"""

import argparse
import os
import platform
import tempfile
from pathlib import Path
from statistics import median

from minixai import files
from minixai.book import figures
from minixai.lab import ONE_THREAD
from tests.book.browser import CONTROLS, KEYS, PATIENCE, SEEN, playwright
from tests.book.test_browser import CELLS, SHOWN, lab

ROUNDS = 10
EXPOSED = "--LabApp.expose_app_in_browser=True"  # so that a cell can be run without a click
PAINT = """cell => new Promise(done => {
    for (const old of cell.querySelectorAll('.mx-figure, .mx-live')) old.setAttribute('data-old', '');
    const start = performance.now();
    const seen = () => {
        const found = cell.querySelector('.mx-figure:not([data-old]), .mx-live:not([data-old])');
        if (!found || !found.querySelector(found.classList.contains('mx-live') ? 'img[src]' : '*')) return;
        watch.disconnect();
        requestAnimationFrame(() => done(performance.now() - start));
    };
    const watch = new MutationObserver(seen);
    watch.observe(cell, {subtree: true, childList: true, attributes: true});
    jupyterapp.commands.execute('notebook:run-cell');
})"""
ARM = """figure => {
    const look = LOOK, before = look(figure);
    window.mxTime = new Promise(done => {
        let start = null;
        addEventListener('keydown', () => { start = performance.now(); }, {once: true, capture: true});
        const watch = new MutationObserver(() => {
            if (start === null || look(figure) === before) return;
            watch.disconnect();
            requestAnimationFrame(() => done(performance.now() - start));
        });
        watch.observe(figure, {subtree: true, childList: true, attributes: true, characterData: true});
        setTimeout(() => done(null), 1000);
    });
}""".replace("LOOK", SEEN)


def main() -> None:
    """Measure, print, write the table."""
    os.environ |= ONE_THREAD  # as `make lab` does
    rows = []
    with tempfile.TemporaryDirectory() as home, lab(Path(home), CELLS + SHOWN, EXPOSED) as page:
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        for i, name in enumerate(figures.known()):
            cell = page.locator(".jp-CodeCell").nth(len(CELLS) + i)
            figure = cell.locator(".jp-OutputArea-output .mx-figure, .jp-OutputArea-output .mx-live").first
            playwright.expect(figure).to_be_visible(timeout=2 * PATIENCE)
            page.wait_for_timeout(500)
            rows.append((figures.chapter_of(name), name, *_times(page, cell, figure)))
            print("{} {:24} paint {:6.0f} ms, update {:6.0f} ms".format(*rows[-1]), flush=True)
    lines = ["| chapter | figure | first paint | update |", "| --- | --- | --- | --- |"]
    lines += [f"| {number} | {name} | {paint:.0f} ms | {update:.0f} ms |" for number, name, paint, update in rows]
    about = f"Medians of {ROUNDS}, warm kernel, JupyterLab in Chromium; {platform.machine()}, {os.cpu_count()} cores."
    (files.root("data") / "results" / "figures.md").write_text("\n".join([*lines, "", about, ""]), encoding="utf-8")


def _times(page, cell, figure) -> tuple[float, float]:
    paints = []
    for _ in range(ROUNDS):
        cell.locator(".jp-InputArea-editor").click()
        paints.append(cell.evaluate(PAINT))
        page.wait_for_timeout(150)
    updates: list[float] = []
    for control in figure.locator(CONTROLS).all():
        kind = control.evaluate("e => e.type || e.tagName.toLowerCase()")
        keys = KEYS.get(kind, ("ArrowDown", "ArrowUp"))
        for k in range(ROUNDS):
            if len(updates) == ROUNDS or not (control.is_visible() and control.is_enabled()):
                break
            taken = _update(page, figure, control, keys[k % len(keys)])
            if taken is None:
                break  # this control changes nothing that is seen
            updates.append(taken)
    return median(paints), median(updates)


def _update(page, figure, control, key) -> float | None:
    control.focus()
    figure.evaluate(ARM)
    page.keyboard.press(key)
    taken = page.evaluate("window.mxTime")
    page.wait_for_timeout(100)
    return taken


if __name__ == "__main__":
    argparse.ArgumentParser("python -m tests.book.time_figures", description=__doc__).parse_args()
    main()
