"""The web page, its server and one browser for all tests of the page (each, for every process of `-n`)."""

import contextlib
import fcntl
import os
import shutil

import browsing
import cv2
import pytest
import seven_classes
from playwright.sync_api import expect, sync_playwright

from pipelines.common import web_page
from skinkeras import tflite
from skinkeras.datasets.synthetic_images import draw


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The page with the released models and one of seven classes: built once, whatever `-n` says."""
    if not (web_page.SOURCES / "node_modules").is_dir() and shutil.which("npm") is None:
        pytest.skip("npm, which fetches LiteRT.js, is missing")
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # of all workers of this session
    folder = folder / "web"
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "models").is_dir():
            models = shutil.copytree(web_page.MODELS, folder / "models")
            seven_classes.add_to(models)
        web_page.build(folder / "dist", folder / "models")
    return folder / "dist"


@pytest.fixture(scope="session")
def site(built, tmp_path_factory):
    """A server of a copy of the page: tests may spoil its files for a while."""
    site = browsing.Site(shutil.copytree(built, tmp_path_factory.mktemp("site") / "dist"))
    yield site
    site.close()


@pytest.fixture(scope="session")
def elsewhere():
    """The address of a server that stands for all other machines."""
    with browsing.serving_elsewhere() as address:
        yield address


@pytest.fixture(scope="session")
def lesion():
    """(480, 640, 3) uint8: what the camera shows."""
    return cv2.resize(draw(5, 6), (640, 480), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="session")
def browser(tmp_path_factory, lesion, elsewhere):
    chromium = browsing.chromium()
    if chromium is None:
        pytest.skip("Chromium is not installed")
    video = tmp_path_factory.mktemp("camera") / "camera.y4m"
    browsing.write_video(video, lesion)
    arguments = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
        # Whatever is meant for another machine than this one ends up there.
        f"--proxy-server={elsewhere}",
    ]
    expect.set_options(timeout=browsing.PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def visitor(browser):
    """Makes browser contexts to visit an address; at their end, no script failed and nothing went elsewhere."""

    @contextlib.contextmanager
    def visit(address, **options):
        errors, requests = [], []
        with contextlib.closing(browser.new_context(**options)) as context:
            context.set_default_timeout(browsing.PATIENCE_MS)
            context.on("weberror", lambda error: errors.append(str(error.error)))
            context.on("request", lambda request: requests.append(request.url))
            yield context
        assert errors == []
        assert [url for url in requests if not url.startswith((address, f"blob:{address}"))] == []
        assert requests != [] and browsing.Elsewhere.seen == []

    return visit


@pytest.fixture(scope="session")
def context(visitor, site):
    with visitor(site.address) as context:
        yield context


@pytest.fixture(scope="session")
def tab(context):
    return context.new_page()


@pytest.fixture(scope="module")
def page(tab, site):
    """The page as at a first visit, its default model ready; the tests of a file share it."""
    tab.set_viewport_size({"width": 1280, "height": 900})
    browsing.open_page(tab, site.address)
    yield tab
    browsing.forget_visit(tab)


@pytest.fixture(scope="session")
def scripts(visitor, site):
    """A page of the same origin that runs none of the page's scripts: tests import them one by one."""
    with visitor(site.address) as context:
        page = context.new_page()
        page.goto(f"{site.address}models.json")
        yield page


@pytest.fixture(scope="session")
def classifiers():
    """The default model's files in Python, by kind."""
    kinds = ("int8", "float16")
    return {kind: tflite.Classifier(web_page.MODELS / f"{browsing.NAME}_{kind}.tflite") for kind in kinds}
