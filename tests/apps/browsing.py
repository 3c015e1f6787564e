"""The web page in headless Chromium: a server that remembers, and what a visitor does and reads."""

import contextlib
import csv
import http.server
import io
import re
import shutil
import threading
import zipfile
from pathlib import Path

import cv2
from playwright.sync_api import expect

from pipelines.common import web_page
from skinkeras.images.decoding import decode

NAME = "melanoma_efficientnet_lite0_224"  # the page's default model
# Longer than any answer takes on a busy machine.
PATIENCE_MS = 30_000
# What a verdict on an image says, in place of what stands there before.
SCORED = re.compile(r"the model's line for|^Highest score|^Undecided")
FRAMES_A_SECOND = 10


def chromium():
    """The path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Site:
    """A server of the page, with what it was asked for."""

    def __init__(self, folder):
        self.folder, self.paths = folder, []
        self._server = web_page.server(folder)
        handler = self._server.RequestHandlerClass
        handler.log_request = lambda request, *_: self.paths.append(request.path)
        self.address = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Answers whatever is meant for another machine, and remembers it, less what Chromium itself asks for."""

    seen = []

    def do_GET(self):
        request = f"{self.command} {self.path}"
        if not re.search(r"\b(google|googleapis|gvt1)\.com\b", request):
            self.seen.append(request)
        self.send_response(200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()

    do_CONNECT = do_POST = do_HEAD = do_OPTIONS = do_GET

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving_elsewhere():
    """Yields the address of a server of `Elsewhere`."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def write_video(path, lesion):
    """Four seconds of a lesion and two of darkness, over and over."""
    frames = [lesion] * 4 * FRAMES_A_SECOND + [lesion // 12] * 2 * FRAMES_A_SECOND
    height, width = frames[0].shape[:2]
    with open(path, "wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{FRAMES_A_SECOND}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in frames:
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())


def open_page(page, address):
    """Opens the page, and waits until its model is ready."""
    page.goto(address)
    expect(page.locator("#status")).to_have_text("Ready")


def forget_visit(page):
    """Deletes what a visit leaves in the browser; of the page, only what the service worker keeps stays."""
    page.evaluate(
        """async () => {
          localStorage.clear();
          await caches.delete("large");
          await new Promise((resolve, reject) => {
            Object.assign(indexedDB.deleteDatabase("skinkeras"), { onsuccess: resolve, onerror: reject });
          });
        }"""
    )


def upload(page, path):
    """Chooses an image, and waits until the page has said something about it."""
    page.evaluate("document.getElementById('still').removeAttribute('aria-label')")
    page.set_input_files("#file", path)
    expect(page.locator("#still")).to_have_attribute("aria-label", f"The image {Path(path).name}")
    expect(page.locator("#verdict")).to_have_text(re.compile(rf"{SCORED.pattern}|^Too "))


def choose(page, picker, value):
    """Chooses another model file or back end, and waits for the new score."""
    page.select_option(picker, value)
    expect(page.locator("#status")).to_have_text("Ready")
    expect(page.locator("#verdict")).to_have_text(SCORED)


def read_bars(page):
    """The probabilities that the bars on the page show, by class; of two classes, only the positive one has a bar."""
    return {
        bar.get_attribute("data-class"): float(bar.get_attribute("data-probability"))
        for bar in page.locator("#bars li").all()
    }


def predict(classifier, path):
    """What Python makes of an image, by class; of two classes, the positive one."""
    size = classifier.input_size[0]
    by_class = dict(zip(classifier.labels, classifier.predict(decode(path, size)[None])[0], strict=True))
    return {"malignant": by_class["malignant"]} if "malignant" in by_class else by_class


def exported(page):
    """The archive of the saved images: its files by name, and the rows of its table."""
    with page.expect_download() as download:
        page.click("#export")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    return files, list(csv.DictReader(io.StringIO(files.pop("scores.csv").decode())))
