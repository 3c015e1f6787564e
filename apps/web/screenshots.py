"""Renders the screenshots of this folder's README: the page in headless Chromium, with synthetic images.

    python apps/web/screenshots.py

Needs Chromium, Playwright (the test extra) and what `python -m pipelines.demo --build-only` needs.
"""

import io
import re
import shutil
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import cv2
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from pipelines.common import web_page
from skinkeras.datasets.synthetic_images import draw

DOCS = Path(__file__).parent / "docs"
DESKTOP, PHONE = {"width": 1180, "height": 900}, {"width": 390, "height": 844}
SEED = 5
SHOWN, KEPT = 17, (2, 9, 34, 66)  # numbers of the synthetic images
PATIENCE_MS = 60_000


def main():
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("Chromium is not installed (Debian: apt-get install chromium)")
    expect.set_options(timeout=PATIENCE_MS)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        folder = Path(folder)
        web_page.build(folder / "dist")
        server = web_page.server(folder / "dist")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        camera.append(f"--use-file-for-fake-video-capture={video(folder / 'camera.y4m')}")
        browser = playwright.chromium.launch(executable_path=chromium, args=camera)

        @contextmanager
        def opened(viewport, **how):
            page = browser.new_page(viewport=viewport, **how)
            page.set_default_timeout(PATIENCE_MS)
            page.goto(f"http://127.0.0.1:{server.server_port}/")
            expect(page.locator("#status")).to_have_text("Ready")
            yield page
            page.close()

        with opened(DESKTOP, color_scheme="light") as page:
            desktop(page, folder)
        with opened(PHONE, color_scheme="dark") as page:
            page.click("#camera")
            expect(page.locator("#verdict")).to_contain_text("line for melanoma")
            page.wait_for_timeout(1500)  # the moving average settles
            save(page, "phone_live")
        with opened(PHONE, color_scheme="light") as page:
            page.set_input_files("#file", synthetic_image(folder, SHOWN, blur=6))
            expect(page.locator("#verdict")).to_contain_text("Too blurred")
            save(page, "phone_blurred")
            (folder / "holiday.jpg").write_text("not an image")
            page.set_input_files("#file", folder / "holiday.jpg")
            expect(page.locator("#error")).to_be_visible()
            page.evaluate("scrollTo(0, 0)")
            save(page, "phone_error")
        browser.close()
        server.shutdown()


def desktop(page, folder):
    for number in (*KEPT, SHOWN):
        path = synthetic_image(folder, number)
        page.set_input_files("#file", path)
        expect(page.locator("#still")).to_have_attribute("aria-label", f"The image {path.name}")
        expect(page.locator("#verdict")).to_contain_text("line for melanoma")
        page.click("#save")
    page.click("#heatmap")
    expect(page.locator("#legend")).to_contain_text(re.compile(r"\w"))
    expect(page.locator("#heat")).to_be_visible()
    page.wait_for_timeout(1000)
    save(page, "desktop", full_page=True)


def synthetic_image(folder, number, blur=0):
    pixels = draw(SEED, number)
    pixels = cv2.resize(pixels, (640, 480), interpolation=cv2.INTER_CUBIC)
    path = folder / f"image_{number}.png"
    Image.fromarray(cv2.GaussianBlur(pixels, (0, 0), blur) if blur else pixels).save(path)
    return path


def video(path):
    """What the camera shows: one frame, again and again."""
    frame = cv2.resize(draw(SEED, SHOWN), (640, 480), interpolation=cv2.INTER_CUBIC)
    planes = cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes()
    path.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420jpeg\n" + (b"FRAME\n" + planes) * 20)
    return path


def save(page, name, **how):
    screenshot = Image.open(io.BytesIO(page.screenshot(**how))).convert("RGB")
    screenshot.save(DOCS / f"{name}.jpg", quality=82, optimize=True)


if __name__ == "__main__":
    main()
