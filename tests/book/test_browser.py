"""Live figures in a real browser: JupyterLab in headless Chromium; keys are pressed, pictures are seen to change."""

import os
import re
import secrets
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest

from minixai.book import figures
from tests.book.browser import PATIENCE, browser_page, moved, needs_browser, playwright, press, shut_out

pytestmark = [pytest.mark.browser, needs_browser]

# Small figures that show every kind of control, then all figures of the book as they come without arguments.
CELLS = (
    "import numpy as np\nimport minixai as mx\nfrom minixai import book\nfrom minixai.book import live, pixels",
    "rng = np.random.default_rng(0)\n"
    "conv, linear = mx.Conv2d(rng.standard_normal((4, 1, 3, 3))), mx.Linear(rng.standard_normal((3, 256)))\n"
    "layers = [conv, mx.ReLU(), mx.Flatten(), linear]\n"
    "net = mx.Network.sequential(layers, classes=('cat', 'dog', 'owl'), input_shape=(1, 10, 10))\n"
    "others = {'shuffled': book.scrambled(net)}\n"
    "book.figures.explanations(net, rng.random((1, 10, 10)), ['gradient', 'lrp-0'], others=others)",
    "def draw(a):\n"
    "    return live.Frame(pixels.enlarged(pixels.colours(np.eye(3) * a, 'magma', 1), 60), f'alpha is {a:g}')\n"
    "live.Figure(draw, {'a': live.number('alpha', 0, 1, 0.25, 0.5)})",
)
SHOWN = tuple(f"book.figures.{name}()" for name in figures.known())


@contextmanager
def lab(folder, cells, *options):
    """JupyterLab in a browser, with a notebook of these cells; none of them has run yet."""
    made = [nbformat.v4.new_code_cell(code) for code in cells]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=kernel), folder / "figures.ipynb")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, address = secrets.token_hex(8), f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--port={port}"]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"]
    # JupyterLab keeps only the cells in sight in the page; here all of them are asked.
    settings = folder / "lab/settings/overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}}')
    command += [f"--LabApp.app_settings_dir={settings.parent}", *options]
    server = subprocess.Popen(
        command, env=os.environ | {"JUPYTER_CONFIG_DIR": str(folder), "MINIXAI_STATE": str(folder)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(f"{address}/api")
        with browser_page(address) as shown:
            shown.goto(f"{address}/lab/tree/figures.ipynb?token={token}")
            playwright.expect(shown.get_by_text("| Idle").first).to_be_visible(timeout=PATIENCE)
            yield shown
    finally:
        server.terminate()
        server.wait(timeout=20)


def wait_for(address):
    for _ in range(600):
        try:
            return urlopen(address, timeout=1)
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise TimeoutError(f"{address} does not answer")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """All the cells above, run."""
    with lab(tmp_path_factory.mktemp("lab"), CELLS + SHOWN) as shown:
        shown.get_by_role("menuitem", name="Run", exact=True).click()
        shown.get_by_text("Run All Cells", exact=True).click()
        last = shown.locator(".jp-CodeCell").nth(len(CELLS + SHOWN) - 1)
        playwright.expect(last.locator(".mx-figure, .mx-live").first).to_be_visible(timeout=2 * PATIENCE)
        yield shown


def figure_of(page, name):
    """The figure in the cell that shows it."""
    cell = page.locator(".jp-CodeCell").nth(len(CELLS) + list(figures.known()).index(name))
    return cell.locator(".jp-OutputArea-output .mx-figure, .jp-OutputArea-output .mx-live").first


def test_arrow_keys_choose_class_method_and_network_and_the_picture_follows(page):
    figure = page.locator(".mx-live").first
    words, image = figure.locator("p[role=status]"), figure.locator("img")
    cls, method = figure.locator("select").all()
    first = image.get_attribute("src")
    assert "for class" in press(page, method, "ArrowDown", words) and "lrp-0" in words.inner_text()
    second = image.get_attribute("src")
    assert second != first and image.get_attribute("alt") == words.inner_text()
    (before,) = re.findall("class (cat|dog|owl)", words.inner_text())
    said = press(page, cls, "ArrowUp" if before == "owl" else "ArrowDown", words)
    assert re.findall("class (cat|dog|owl)", said) != [before]
    press(page, figure.locator("input[type=radio]").first, "ArrowDown", words)
    assert figure.locator("input[type=radio]").nth(1).is_checked() and image.get_attribute("src") not in (first, second)


def test_slider_and_number_box_agree_and_both_move_the_picture(page):
    figure = page.locator(".mx-live").nth(1)
    words, slider, box = (figure.locator(s) for s in ("p[role=status]", "input[type=range]", "input[type=number]"))
    assert press(page, slider, "ArrowRight", words) == "alpha is 0.75" and box.input_value() == "0.75"
    box.select_text()
    page.keyboard.type("0.25")
    assert press(page, box, "Enter", words) == "alpha is 0.25" and slider.input_value() == "0.25"
    box.select_text()
    page.keyboard.type("9")
    assert press(page, box, "Enter", words) == "alpha is 1" and box.input_value() == "1"


def test_figures_without_a_kernel_answer_their_keys(page):
    gates = figure_of(page, "gates")
    words = gates.locator("p[role=status]")
    assert words.inner_text().startswith("They differ in 5 cells")
    assert press(page, gates.locator("input").nth(3), "ArrowUp", words).startswith("They differ in 4 cells")

    painting = figure_of(page, "painting")
    words = painting.locator("p[role=status]")
    assert "= 26." in press(page, painting.locator("input[type=radio]").first, "ArrowDown", words)
    assert "= 18." in press(page, painting.locator("input[type=range]").first, "ArrowRight", words)

    wirings = figure_of(page, "wirings")
    words = wirings.locator("p[role=status]")
    assert "DeconvNet (1, 0)" in words.inner_text()
    assert "DeconvNet (0, 1)" in press(page, wirings.locator("input[type=radio]").first, "ArrowDown", words)
    assert "At (9.5, 6)" in press(page, wirings.locator("input[type=range]").first, "ArrowLeft", words)


def test_arrow_keys_make_another_library(page):
    figure = figure_of(page, "switches")
    words, groups = figure.locator("p[role=status]"), figure.locator("fieldset")
    gamma = figure.locator("table").nth(1)
    assert words.inner_text() == "You are now minixai." and gamma.inner_text().split()[-2:] == ["1.6", "-0.4"]
    said = press(page, groups.nth(2).locator("input").first, "ArrowDown", words)
    assert said.endswith("The nearest is minixai; what stands otherwise: bias (LRP-gamma).")
    assert gamma.inner_text().split()[-2:] == ["2", "-0.5"] and gamma.locator("td.mx-marked").count() == 2
    press(page, groups.nth(4).locator("input").first, "ArrowDown", words)
    assert press(page, groups.nth(3).locator("input").first, "ArrowUp", words) == "You are now Captum."


def test_every_control_and_every_picture_has_a_name(page):
    named = "e => (e.labels && e.labels.length && e.labels[0].innerText) || e.getAttribute('aria-label')"
    for control in page.locator(".jp-OutputArea-output input, .jp-OutputArea-output select").all():
        assert control.evaluate(named)
    for image in page.locator(".jp-OutputArea-output img").all():
        assert len(image.get_attribute("alt")) > 8


@pytest.mark.parametrize("name", figures.known())
def test_every_figure_answers_its_keys(page, name):
    figure = figure_of(page, name)
    playwright.expect(figure).to_be_visible()
    assert moved(page, figure), f"no control of {name} changes what is seen"


@pytest.mark.parametrize("name", figures.known())
def test_no_figure_shuts_anybody_out(page, name):
    figure_of(page, name).evaluate("(e, name) => e.setAttribute('data-asked', name)", name)
    assert shut_out(page, f'[data-asked="{name}"]') == []


def test_nothing_was_asked_of_another_machine(page):
    assert page.elsewhere == []
