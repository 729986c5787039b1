"""Live figures in a real browser: JupyterLab in headless Chromium; keys are pressed, pictures are seen to change."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="no playwright here: pip install playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]
PATIENCE = 60_000  # milliseconds

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
    "book.figures.gates()",
    "book.figures.painting()",
    "book.figures.wirings()",
    "book.figures.switches()",
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """JupyterLab with the cells above, all of them run; and the list of what was asked of other machines."""
    folder = tmp_path_factory.mktemp("lab")
    cells = [nbformat.v4.new_code_cell(code) for code in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "figures.ipynb")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, address = secrets.token_hex(8), f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--port={port}"]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"]
    server = subprocess.Popen(
        command, env=os.environ | {"JUPYTER_CONFIG_DIR": str(folder), "MINIXAI_STATE": str(folder)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(f"{address}/api")
        with playwright.sync_playwright() as tools:
            browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            shown = browser.new_page(viewport={"width": 1200, "height": 1600})
            shown.elsewhere = []
            shown.on("request", lambda r: note(shown.elsewhere, r.url, address))
            shown.goto(f"{address}/lab/tree/figures.ipynb?token={token}")
            playwright.expect(shown.get_by_text("| Idle").first).to_be_visible(timeout=PATIENCE)
            shown.get_by_role("menuitem", name="Run", exact=True).click()
            shown.get_by_text("Run All Cells", exact=True).click()
            shown.wait_for_selector(".mx-figure[aria-label^='You are']", timeout=PATIENCE)
            yield shown
            browser.close()
    finally:
        server.terminate()
        server.wait(timeout=20)


def wait_for(address):
    for _ in range(300):
        try:
            return urlopen(address, timeout=1)
        except (URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise TimeoutError(f"{address} does not answer")


def note(elsewhere, url, address):
    if not url.startswith((address, address.replace("http", "ws"), "data:", "blob:")):
        elsewhere.append(url)


def press(page, control, key, words):
    """Press a key on a control; what the words say once they have changed."""
    before = words.inner_text()
    control.scroll_into_view_if_needed()
    control.focus()
    page.keyboard.press(key)
    playwright.expect(words).not_to_have_text(before, timeout=PATIENCE)
    return words.inner_text()


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
    gates = page.locator(".mx-figure").first
    words = gates.locator("p[role=status]")
    assert words.inner_text().startswith("They differ in 5 cells")
    assert press(page, gates.locator("input").nth(3), "ArrowUp", words).startswith("They differ in 4 cells")

    painting = page.locator(".mx-figure").nth(1)
    words = painting.locator("p[role=status]")
    assert "= 26." in press(page, painting.locator("input[type=radio]").first, "ArrowDown", words)
    assert "= 18." in press(page, painting.locator("input[type=range]").first, "ArrowRight", words)

    wirings = page.locator(".mx-figure").nth(2)
    words = wirings.locator("p[role=status]")
    assert "DeconvNet (1, 0)" in words.inner_text()
    assert "DeconvNet (0, 1)" in press(page, wirings.locator("input[type=radio]").first, "ArrowDown", words)
    assert "At (9.5, 6)" in press(page, wirings.locator("input[type=range]").first, "ArrowLeft", words)


def test_arrow_keys_make_another_library(page):
    figure = page.locator(".mx-figure").nth(3)
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


def test_nothing_was_asked_of_another_machine(page):
    assert page.elsewhere == []
