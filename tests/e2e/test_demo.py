"""The page to paint on, in a real browser."""

import io
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FloatRect, Page, expect, sync_playwright
from skimage.data import coffee

from .server import free_port
from .test_browser import CHROMIUM, FLAGS, PATIENCE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium (Debian: apt-get install chromium)"),
]
_START_SECONDS = 180
INPAINT = str(Path(sys.executable).parent / "inpaint")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of `inpaint demo`, started in a folder that is no project."""
    port = free_port()
    command = [INPAINT, "demo", "--port", str(port)]
    process = subprocess.Popen(command, cwd=tmp_path_factory.mktemp("demo"))
    address = f"http://127.0.0.1:{port}"
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            urllib.request.urlopen(address).close()
            break
        except OSError:
            assert process.poll() is None
            assert time.monotonic() < until
    yield address
    process.terminate()
    assert process.wait() == 0


@pytest.fixture
def page(address: str, tmp_path: Path) -> Iterator[Page]:
    """It fails the test if anything but the page's own server is asked."""
    asked: set[str] = set()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(PATIENCE)
        page.on("request", lambda request: asked.add(request.url))
        page.goto(address)
        yield page
        page.screenshot(path=tmp_path / "page.png")
        print(f"screenshot: {tmp_path / 'page.png'}")
        browser.close()
    own = (address, f"blob:{address}", "data:")
    assert [url for url in asked if not url.startswith(own)] == []


def shown(page: Page, name: str) -> np.ndarray:
    """The picture of a part of the page, as its server has it."""
    source = page.locator(f"#{name} img").get_attribute("src", timeout=PATIENCE)
    assert source
    with urllib.request.urlopen(source) as answer:
        return np.asarray(Image.open(io.BytesIO(answer.read())).convert("RGB"))


def canvas_of(page: Page) -> FloatRect:
    """Where the picture can be painted on, once it is there and has stopped to grow."""
    page.wait_for_load_state("networkidle")
    canvas, before = page.locator("#picture canvas").first, None
    while (box := canvas.bounding_box()) is None or box != before:
        before = box
        page.wait_for_timeout(2000)
    return box


def test_what_is_painted_over_by_the_mouse_is_restored(page: Page, tmp_path: Path) -> None:
    photo = coffee()
    Image.fromarray(photo).save(tmp_path / "photo.png")
    canvas_of(page)  # before, the page listens to nothing
    page.locator("#picture input[type=file]").first.set_input_files(tmp_path / "photo.png")
    expect(page.get_by_text("Upload an image")).to_have_count(0, timeout=PATIENCE)
    box = canvas_of(page)
    row, left, right = (
        box["y"] + 0.4 * box["height"],
        *(box["x"] + x * box["width"] for x in (0.4, 0.6)),
    )
    page.mouse.move(left, row)
    page.mouse.down()
    page.mouse.move(right, row, steps=20)
    page.mouse.up()
    page.get_by_role("button", name="Restore", exact=True).click()
    told = page.get_by_text("pixels filled by the package's model for colour")
    expect(told).to_be_visible(timeout=PATIENCE)  # the first fill loads TensorFlow
    restored, fill = shown(page, "restored"), shown(page, "fill")
    assert restored.shape == photo.shape
    changed = (restored != photo).any(axis=-1)
    rows, columns = np.nonzero(changed)
    # A stroke: much longer than high, where it was painted; all else is untouched.
    assert np.ptp(columns) > 5 * np.ptp(rows) > 0
    assert 0.3 < rows.mean() / len(photo) < 0.5
    num_painted = int(told.inner_text().split()[0].replace(",", ""))
    assert 0.7 * num_painted < changed.sum() <= num_painted
    np.testing.assert_array_equal(
        fill[~changed & (fill == photo).all(axis=-1)],
        photo[~changed & (fill == photo).all(axis=-1)],
    )
    assert np.abs(restored[changed].astype(int) - photo[changed]).mean() < 30
    assert (fill != restored).any()


def test_mistakes_are_told_on_the_page(page: Page) -> None:
    start = page.get_by_role("button", name="Restore", exact=True)
    start.click()
    expect(page.get_by_text("Nothing is painted over yet").first).to_be_visible()
    page.get_by_role("button", name="Digit").click()
    canvas_of(page)
    start.click()
    expect(page.get_by_text("Nothing is painted over yet")).to_have_count(2)


def test_the_page_of_somebody_else_gets_nothing(address: str) -> None:
    """By a name of theirs, which they give this machine's address."""
    asked = urllib.request.Request(address, headers={"Host": "evil.example.org"})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(asked)


def test_port_that_is_taken_is_told(address: str) -> None:
    port = address.rpartition(":")[2]
    done = subprocess.run(
        [INPAINT, "demo", "--port", port], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"--port: received {port}, which is in use" in done.stderr
