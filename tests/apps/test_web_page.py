"""The web page in a real browser: Debian's Chromium, headless, with a camera that shows a drawn picture."""

import base64
import contextlib
import csv
import hashlib
import http.server
import io
import json
import re
import shutil
import threading
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from PIL import Image, PngImagePlugin

from pipelines.common import web_page
from skinkeras import tflite
from skinkeras.datasets.synthetic import draw
from skinkeras.inputs import decode, resize_to_square
from skinkeras.tflite.graph import pack

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
RUNTIME = web_page.SOURCES / "node_modules" / "@litertjs"
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.skipif(
        not RUNTIME.is_dir() and shutil.which("npm") is None,
        reason="npm, which fetches LiteRT.js, is missing",
    ),
]
# Longer than any answer takes on a busy machine.
PATIENCE_MS = 30_000
NAME = "melanoma_efficientnet_lite0_224"
FRAMES_A_SECOND = 10
SEVEN = {
    "name": "seven",
    "task": "diagnosis",
    "synthetic": True,
    "input": {"shape": [1, 128, 128, 3], "dtype": "float32"},
    "output": {"shape": [1, 7], "dtype": "float32"},
    "classes": ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"],
    "class_titles": {"nv": "melanocytic nevus"},
    "positive_class": None,
    "threshold": None,
    "schema_version": 1,
    "files": {
        "float16": {
            "file": "seven_float16.tflite",
            "sha256": "0" * 64,
            "size_bytes": 1,
            "test": {"n": 100, "reliability": [{"low": 0.8, "high": 1.0, "n": 77, "share": 0.915}]},
        },
        "float32": {"file": "seven_float32.tflite", "sha256": "0" * 64, "size_bytes": 1, "shipped": False},
    },
}


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


def add_seven(models):
    """Adds a second model to a folder of models: seven classes by the picture's mean colour."""
    path = models / SEVEN["files"]["float16"]["file"]
    information = tflite.ModelInfo("Seven", "Drawn.", "nobody", "1", "none")
    path.write_bytes(tflite.add_metadata(colour_model(), SEVEN["classes"], information))
    about = json.loads(json.dumps(SEVEN))
    about["files"]["float16"] |= described(path) | {"golden": tflite.golden(path)}
    (models / "seven.json").write_text(json.dumps(about))
    (models / "seven.card.md").write_text("Drawn.")


def described(path):
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}


def colour_model(softmax=True):
    """A .tflite file that takes no training, and no TensorFlow: mean colour, seven weights each, softmax."""
    weights = np.random.default_rng(7).normal(0, 0.02, (7, 3))
    constants = [np.array([1, 2], np.int32), weights.astype(np.float32), np.zeros(7, np.float32)]
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.operatorCodes = 3, [graph], []
    model.buffers = [schema.BufferT()]
    graph.tensors, graph.operators, graph.inputs, graph.name = [], [], [0], b"main"

    def tensor(shape, content=None):
        new = schema.TensorT()
        new.shape, new.type, new.buffer = np.array(shape, np.int32), schema.TensorType.FLOAT32, 0
        new.name = f"tensor_{len(graph.tensors)}".encode()
        if content is not None:
            new.type = schema.TensorType.INT32 if content.dtype == np.int32 else schema.TensorType.FLOAT32
            new.buffer = len(model.buffers)
            model.buffers.append(schema.BufferT())
            model.buffers[-1].data = np.frombuffer(content.tobytes(), np.uint8)
        graph.tensors.append(new)
        return len(graph.tensors) - 1

    def operator(code, inputs, shape, options=None):
        kind, new = schema.OperatorCodeT(), schema.OperatorT()
        kind.builtinCode = kind.deprecatedBuiltinCode = code
        kind.version = 1
        new.opcodeIndex, new.inputs, new.outputs = len(model.operatorCodes), inputs, [tensor(shape)]
        if options is not None:
            new.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
            new.builtinOptions = options
        model.operatorCodes.append(kind)
        graph.operators.append(new)
        return new.outputs[0]

    image = tensor((1, 128, 128, 3))
    axes, dense, bias = (tensor(content.shape, content) for content in constants)
    reducer, softener = schema.ReducerOptionsT(), schema.SoftmaxOptionsT()
    reducer.keepDims, softener.beta = False, 1.0
    colour = operator(schema.BuiltinOperator.MEAN, [image, axes], (1, 3), reducer)
    whole = schema.FullyConnectedOptionsT()
    answer = operator(schema.BuiltinOperator.FULLY_CONNECTED, [colour, dense, bias], (1, 7), whole)
    if softmax:
        answer = operator(schema.BuiltinOperator.SOFTMAX, [answer], (1, 7), softener)
    graph.outputs = [answer]
    return pack(model)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("web")
    models = shutil.copytree(web_page.MODELS, root / "models")
    add_seven(models)
    web_page.build(root / "dist", models)
    return root / "dist"


@pytest.fixture(scope="module")
def site(folder):
    site = Site(folder)
    yield site
    site.close()


@pytest.fixture(scope="module")
def elsewhere():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def lesion():
    """(480, 640, 3) uint8: what the camera shows."""
    return cv2.resize(draw(5, 6), (640, 480), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def browser(tmp_path_factory, lesion, elsewhere):
    video = tmp_path_factory.mktemp("camera") / "camera.y4m"
    # Four seconds of a lesion and two of darkness, over and over.
    frames = [lesion] * 4 * FRAMES_A_SECOND + [lesion // 12] * 2 * FRAMES_A_SECOND
    write_video(video, frames)
    arguments = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
        # Whatever is meant for another machine than this one ends up there.
        f"--proxy-server={elsewhere}",
    ]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def context(browser):
    with contextlib.closing(browser.new_context(viewport={"width": 1280, "height": 900})) as context:
        context.set_default_timeout(PATIENCE_MS)
        sync_api.expect.set_options(timeout=PATIENCE_MS)
        yield context


@pytest.fixture(scope="module")
def page(context, site):
    page = context.new_page()
    errors, requests = [], []
    page.on("pageerror", lambda error: errors.append(str(error)))
    context.on("request", lambda request: requests.append(request.url))
    opened(page, site.address)
    page.requests = requests
    yield page
    assert errors == []


@pytest.fixture(scope="module")
def classifiers():
    kinds = ("int8", "float16")
    return {kind: tflite.Classifier(web_page.MODELS / f"{NAME}_{kind}.tflite") for kind in kinds}


def write_video(path, frames):
    height, width = frames[0].shape[:2]
    with open(path, "wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{FRAMES_A_SECOND}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in frames:
            file.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())


def opened(page, address):
    page.goto(address)
    expect(page.locator("#status")).to_have_text("Ready")


def upload(page, path):
    """Chooses a picture, and waits until the page has said something about it."""
    page.evaluate("document.getElementById('still').removeAttribute('aria-label')")
    page.set_input_files("#file", path)
    expect(page.locator("#still")).to_have_attribute("aria-label", f"The picture {Path(path).name}")
    expect(page.locator("#verdict")).to_have_text(re.compile(r"%|^Too "))


def choose(page, picker, value):
    """Chooses another model file or back end, and waits for the picture's new score."""
    page.select_option(picker, value)
    expect(page.locator("#status")).to_have_text("Ready")
    expect(page.locator("#verdict")).to_contain_text("%")


def shown(page):
    """The probabilities that can be read on the page, by class."""
    bars = page.locator("#bars li")
    return {
        bar.get_attribute("data-class"): float(bar.locator(".bar-value").inner_text().split()[0]) / 100
        for bar in bars.all()
    }


def answer(classifier, path):
    """What Python makes of a picture, by class."""
    size = classifier.input_size[0]
    return dict(zip(classifier.labels, classifier.predict(decode(path, size)[None])[0], strict=True))


def plain(folder):
    path = folder / "plain.png"
    Image.fromarray(draw(5, 1)).save(path)
    return path


def jpeg(folder):
    path = folder / "photo.jpg"
    Image.fromarray(draw(5, 6)).save(path, quality=90)
    return path


def turned(folder):
    """Stored on its side, with the mark that says so; off the middle once it is upright."""
    path = folder / "turned.jpg"
    picture = Image.fromarray(draw(5, 8)[:, 40:300])
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(path, quality=92, exif=exif)
    return path


def with_gamma(folder):
    """A colour profile that Python passes over."""
    path = folder / "gamma.png"
    information = PngImagePlugin.PngInfo()
    information.add(b"gAMA", (100_000).to_bytes(4, "big"))
    Image.fromarray(draw(5, 3)).save(path, pnginfo=information)
    return path


def large(folder):
    """More pixels than the page holds at a time, and no whole number of them for one of the model's."""
    path = folder / "large.png"
    Image.fromarray(cv2.resize(draw(5, 6), (2801, 2203), interpolation=cv2.INTER_CUBIC)).save(
        path, compress_level=1
    )
    return path


def large_jpeg(folder):
    """Python reads it at a quarter of its size, the browser in full."""
    path = folder / "large.jpg"
    Image.fromarray(cv2.resize(draw(5, 6), (2801, 2203), interpolation=cv2.INTER_CUBIC)).save(
        path, quality=92
    )
    return path


def small(folder):
    path = folder / "small.png"
    Image.fromarray(cv2.resize(draw(5, 4), (170, 131), interpolation=cv2.INTER_AREA)).save(path)
    return path


@pytest.mark.parametrize("make", [plain, jpeg, turned, with_gamma, large, large_jpeg, small])
def test_an_uploaded_picture_gets_the_probabilities_that_python_gives_it(page, classifiers, tmp_path, make):
    path = make(tmp_path)
    upload(page, path)
    assert shown(page) == pytest.approx(answer(classifiers["int8"], path), abs=0.01)


def test_a_picture_that_is_enlarged_agrees_too(page, classifiers, tmp_path):
    """From 100 pixels: too blurred, says the page, and scores it when it is told to."""
    path = tmp_path / "tiny.png"
    Image.fromarray(cv2.resize(draw(5, 1), (130, 100), interpolation=cv2.INTER_AREA)).save(path)
    upload(page, path)
    if page.locator("#force").is_visible():
        page.click("#force")
        expect(page.locator("#verdict")).to_contain_text("%")
    assert shown(page) == pytest.approx(answer(classifiers["int8"], path), abs=0.01)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda picture: picture // 8, "Too dark"),
        (lambda picture: np.uint8(255) - (255 - picture) // 8, "Too bright"),
        (lambda picture: cv2.GaussianBlur(picture, (0, 0), 6), "Too blurred"),
    ],
    ids=["dark", "bright", "blurred"],
)
def test_a_picture_unfit_to_be_scored_gets_a_sentence_and_no_score(page, tmp_path, spoil, words):
    path = tmp_path / "unfit.png"
    Image.fromarray(spoil(draw(5, 1))).save(path)
    upload(page, path)
    for place in ("#verdict", "#gate"):
        assert page.inner_text(place).startswith(words)
    assert "%" not in page.inner_text(".bar-value >> nth=0")
    assert not page.is_visible("#save")
    page.click("#force")
    expect(page.locator("#verdict")).to_contain_text("%")
    expect(page.locator("#save")).to_be_focused()  # the button that had the focus is gone


def test_the_camera_is_scored_live_and_a_frozen_frame_as_in_python(page, classifiers, lesion, tmp_path):
    page.click("#camera")
    expect(page.locator("#gate")).to_contain_text("%")
    expect(page.locator("#gate")).to_contain_text("Too dark")
    assert page.inner_text("#verdict").startswith("Too dark")
    expect(page.locator("#gate")).to_contain_text("%")
    page.click("#freeze")
    expect(page.locator("#save")).to_be_focused()
    probabilities = shown(page)
    page.click("#save")
    expect(page.locator("#save")).to_have_text("Kept")
    pictures, rows = exported(page)
    assert page.locator("#sheet li").count() == len(pictures) == 1
    path = tmp_path / "frozen.png"
    path.write_bytes(pictures["0001.png"])
    # The camera's colours pass through YUV and back; that it is this picture shows all the same.
    frozen = np.asarray(Image.open(path).convert("RGB"))
    assert frozen.shape == (480, 480, 3)
    assert np.abs(frozen.astype(int) - lesion[:, 80:560]).mean() < 4
    expected = answer(classifiers["int8"], path)
    assert probabilities == pytest.approx(expected, abs=0.01)
    assert {row["class"]: float(row["probability"]) for row in rows} == pytest.approx(expected, abs=0.01)
    assert {row["model_file"] for row in rows} == {f"{NAME}_int8.tflite"}


def exported(page):
    """The sheet's archive: its pictures by name, and the rows of its table."""
    with page.expect_download() as download:
        page.click("#export")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    return files, list(csv.DictReader(io.StringIO(files.pop("scores.csv").decode())))


def test_the_sheet_outlives_the_page_and_can_be_deleted(page, site, tmp_path):
    for make in (plain, jpeg):
        path = make(tmp_path)
        upload(page, path)
        page.click("#save")
        expect(page.locator("#save")).to_have_text("Kept")
    opened(page, site.address)
    tiles = page.locator("#sheet li")
    expect(tiles).to_have_count(3)
    assert re.match(r"Malignant\s[\d.]+\s%", tiles.first.inner_text())
    pictures, _ = exported(page)
    assert pictures["0003.jpg"] == path.read_bytes()
    tiles.first.get_by_role("button").click()
    expect(tiles).to_have_count(2)
    page.click("#delete-all")
    page.get_by_role("button", name="Cancel").click()
    expect(tiles).to_have_count(2)
    page.click("#delete-all")
    page.get_by_role("dialog").get_by_role("button", name="Delete all").click()
    expect(tiles).to_have_count(0)
    expect(page.locator("#sheet-empty")).to_be_visible()


def cut_off(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def huge(path):
    Image.new("1", (12_500, 9_000)).save(path, "PNG")


@pytest.mark.parametrize(
    ("name", "spoil", "words"),
    [
        ("notes.jpg", lambda path: path.write_text("no picture"), "notes.jpg is not a picture"),
        ("nothing.png", lambda path: path.write_bytes(b""), "nothing.png is empty"),
        ("cut.jpg", cut_off, "cut.jpg is cut off"),
        ("cut.png", cut_off, "cut.png is cut off"),
        ("huge.png", huge, "huge.png has 12500 x 9000 pixels, more than 100 million"),
    ],
)
def test_a_wrong_file_gets_a_sentence_and_the_page_goes_on(page, tmp_path, name, spoil, words):
    path = tmp_path / name
    Image.fromarray(draw(5, 1)).save(path)
    spoil(path)
    page.set_input_files("#file", path)
    expect(page.get_by_role("alert")).to_contain_text(words)
    upload(page, plain(tmp_path))
    assert not page.get_by_role("alert").is_visible()


def test_a_model_that_is_missing_or_spoilt_gets_a_sentence_and_another_can_be_chosen(
    page, site, classifiers, tmp_path
):
    path = jpeg(tmp_path)
    upload(page, path)
    page.click("#heatmap")
    expect(page.locator("#heat")).to_be_visible()
    target = site.folder / "models" / f"{NAME}_float16.tflite"
    content, compressed = target.read_bytes(), Path(f"{target}.gz")
    compressed.unlink()
    target.unlink()
    page.select_option("#kind", "float16")
    expect(page.get_by_role("alert")).to_contain_text(f"{target.name} is not on the server (status 404).")
    # Nothing that the last model said is left in the picture.
    assert not any(page.is_visible(place) for place in ("#heat", "#legend", "#gate", "#save"))
    choose(page, "#kind", "int8")
    assert shown(page) == pytest.approx(answer(classifiers["int8"], path), abs=0.01)
    target.write_bytes(content[:5_000_000] + bytes(len(content) - 5_000_000))
    page.select_option("#kind", "float16")
    expect(page.get_by_role("alert")).to_contain_text(f"{target.name} is not the file that its json")
    target.write_bytes(content)
    choose(page, "#kind", "int8")


def test_float16_and_one_thread_agree_with_python_too(page, site, classifiers, tmp_path):
    opened(page, site.address)
    path = jpeg(tmp_path)
    upload(page, path)
    choose(page, "#kind", "float16")
    assert shown(page) == pytest.approx(answer(classifiers["float16"], path), abs=0.002)
    choose(page, "#backend", "wasm 1")
    assert shown(page) == pytest.approx(answer(classifiers["float16"], path), abs=0.002)
    choose(page, "#kind", "int8")


def test_a_second_model_is_offered_and_one_that_was_trained_on_drawings_is_marked(page, folder, tmp_path):
    path = jpeg(tmp_path)
    upload(page, path)
    assert not page.is_visible("#synthetic")
    choose(page, "#model", "seven")
    assert page.inner_text("#synthetic") == (
        "This model was trained on drawings: its scores say nothing about skin."
    )
    assert page.locator("#model option:checked").inner_text() == "seven (trained on drawings)"
    # The json names a file of another kind that is not there.
    kinds = page.locator("#kind option").evaluate_all("options => options.map(({ value }) => value)")
    assert kinds == ["float16"]
    seven = tflite.Classifier(folder / "models" / "seven_float16.tflite")
    assert shown(page) == pytest.approx(answer(seven, path), abs=0.002)
    choose(page, "#model", NAME)
    assert not page.is_visible("#synthetic")


def test_another_processor_interrupts_the_camera_and_a_heat_map_without_a_word(page, tmp_path):
    first = page.locator("#backend").input_value()
    page.click("#camera")
    expect(page.locator("#gate")).to_contain_text("%")
    choose(page, "#backend", "wasm 1")
    assert not page.get_by_role("alert").is_visible()
    upload(page, jpeg(tmp_path))
    page.click("#heatmap")
    expect(page.locator("#legend")).to_contain_text("Covering one part")
    choose(page, "#backend", first)
    expect(page.locator("#heatmap")).to_have_text("Heat map")
    assert not page.is_visible("#legend")
    assert not page.get_by_role("alert").is_visible()


def test_a_camera_that_is_allowed_after_another_model_was_chosen_is_shown(page):
    page.evaluate(
        """() => {
          const devices = navigator.mediaDevices, ask = devices.getUserMedia.bind(devices);
          devices.getUserMedia = (wanted) =>
            new Promise((resolve) => { window.allowCamera = () => resolve(ask(wanted)); });
        }"""
    )
    page.click("#camera")
    page.select_option("#model", "seven")
    expect(page.locator("#status")).to_have_text("Ready")
    page.evaluate("allowCamera(); delete navigator.mediaDevices.getUserMedia")
    expect(page.locator("#gate")).to_contain_text("%")
    page.click("#stop")
    page.select_option("#model", NAME)
    expect(page.locator("#status")).to_have_text("Ready")


def test_before_the_models_are_known_controls_wait_and_a_picture_gets_a_sentence(browser, site, tmp_path):
    with contextlib.closing(browser.new_context(service_workers="block")) as context:
        page = context.new_page()
        errors, held = [], []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.route("**/models.json", lambda route: held.append(route))
        with page.expect_request("**/models.json"):
            page.goto(site.address)
        assert page.locator("#camera").is_disabled() and page.locator("#choose").is_disabled()
        page.set_input_files("#file", jpeg(tmp_path))
        expect(page.get_by_role("alert")).to_contain_text("The page is not ready for pictures yet")
        held[0].continue_()
        expect(page.locator("#camera")).to_be_enabled()
        upload(page, jpeg(tmp_path))
        assert not page.get_by_role("alert").is_visible() and errors == []


def test_the_page_works_where_the_last_choice_is_spoilt_and_none_can_be_kept(context, site):
    page = context.new_page()
    page.add_init_script(
        """let spoilt = true;
        const get = () => {
          if (!spoilt) throw new DOMException("denied", "SecurityError");
          spoilt = false;
          return { getItem: () => "{" };
        };
        Object.defineProperty(window, "localStorage", { get });"""
    )
    opened(page, site.address)
    assert not page.get_by_role("alert").is_visible()
    page.close()


def test_on_a_full_disk_nothing_is_claimed_to_be_kept_and_the_model_runs(browser, site, tmp_path):
    # A context of its own: for a while after a write, Chromium believes that there is room.
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        storage, origin = context.new_cdp_session(page), {"origin": site.address}
        storage.send("Storage.overrideQuotaForOrigin", origin | {"quotaSize": 1})
        opened(page, site.address)
        upload(page, jpeg(tmp_path))
        kept = "caches.open('large').then((cache) => cache.keys()).then((keys) => keys.length)"
        assert page.evaluate(kept) == 0
        assert "offline" not in page.inner_text("#offline")
        page.click("#save")
        expect(page.get_by_role("alert")).to_contain_text("The browser has no room left for pictures")
        expect(page.locator("#save")).to_be_enabled()
        assert page.inner_text("#save") == "Keep on my sheet"
        assert page.locator("#sheet li").count() == 0
        storage.send("Storage.overrideQuotaForOrigin", origin)
        page.click("#save")
        expect(page.locator("#save")).to_have_text("Kept")
        expect(page.locator("#sheet li")).to_have_count(1)


def test_what_is_kept_is_told_from_what_is_not(page):
    kept = """async (address) => (await import("/offline.js")).areKept(["/app.js", address], 1)"""
    assert page.evaluate(kept, "/index.html?") is False
    assert page.evaluate(kept, "/style.css") is True


def test_a_picture_whose_writing_is_undone_is_not_called_kept(page):
    """As on a disk that fills up: the request went well, and then the whole transaction is taken back."""
    said = page.evaluate(
        """async () => {
          const { keep } = await import("/sheet.js");
          const { add } = IDBObjectStore.prototype;
          IDBObjectStore.prototype.add = function (entry) {
            const request = add.call(this, entry);
            request.addEventListener("success", () => this.transaction.abort());
            return request;
          };
          try { return await keep({}); } catch (error) { return error.message; }
          finally { IDBObjectStore.prototype.add = add; }
        }"""
    )
    assert str(said).startswith("The browser does not keep pictures")


def test_a_picture_is_kept_with_the_model_that_scored_it(page, tmp_path):
    """Another one is chosen while the picture is written."""
    path = jpeg(tmp_path)
    upload(page, path)
    probabilities = shown(page)
    page.evaluate(
        """() => {
          const { convertToBlob } = OffscreenCanvas.prototype;
          const released = new Promise((resolve) => { window.release = resolve; });
          OffscreenCanvas.prototype.convertToBlob = async function (how) {
            await released;
            OffscreenCanvas.prototype.convertToBlob = convertToBlob;
            return convertToBlob.call(this, how);
          };
        }"""
    )
    page.click("#save")
    choose(page, "#model", "seven")
    page.evaluate("release()")
    tiles = page.locator("#sheet li")
    expect(tiles).to_have_count(1)
    assert page.inner_text("#save") == "Keep on my sheet"
    _, rows = exported(page)
    assert {row["model_file"] for row in rows} == {f"{NAME}_int8.tflite"}
    kept = {row["class"]: float(row["probability"]) for row in rows}
    assert kept == pytest.approx(probabilities, abs=0.001)
    tiles.first.get_by_role("button").click()
    expect(tiles).to_have_count(0)
    choose(page, "#model", NAME)


def test_an_entry_with_fewer_probabilities_than_classes_does_not_cost_the_archive(page):
    archive = page.evaluate(
        """async () => {
          const { archive } = await import("/sheet.js");
          const picture = new Blob(["picture"], { type: "image/png" });
          const shared = { time: new Date(), picture, source: "camera", file: "seven.tflite" };
          const blob = await archive([
            { ...shared, id: 2, classes: ["a", "b"], probabilities: [0.25, 0.75] },
            { ...shared, id: 1, classes: ["a", "b", "c"], probabilities: [0.25, 0.75] },
          ]);
          return Array.from(new Uint8Array(await blob.arrayBuffer()));
        }"""
    )
    with zipfile.ZipFile(io.BytesIO(bytes(archive))) as files:
        rows = list(csv.DictReader(io.StringIO(files.read("scores.csv").decode())))
        assert len(files.namelist()) == 3
    assert [row["probability"] for row in rows] == ["0.250000", "0.750000", "", "0.250000", "0.750000"]


@pytest.mark.parametrize("size", [128, 192, 225])
def test_the_golden_picture_is_the_one_that_python_draws(page, size):
    drawn = page.evaluate(
        """async (size) => {
          const pixels = (await import("/checks.js")).goldenPicture(size);
          const digest = await crypto.subtle.digest("SHA-256", Uint8Array.from(pixels));
          return Array.from(new Uint8Array(digest));
        }""",
        size,
    )
    pixels = tflite.golden_images(size)["irregular"]
    assert bytes(drawn) == hashlib.sha256(pixels.tobytes()).digest()


@pytest.mark.parametrize(
    ("values", "sound"),
    [
        ([0.99609375, 0.0], True),
        ([0.2, 0.1, 0.15, 0.1, 0.15, 0.1, 0.2], True),
        (["NaN", 0.5], False),
        (["Infinity", 0.0], False),
        ([1.2, -0.2], False),
        ([0.5, 0.2], False),
        ([0.9, 0.9], False),
        ([0.0, 0.0], False),
    ],
)
def test_numbers_that_are_no_probabilities_are_refused(page, values, sound):
    error = page.evaluate(
        """async (values) => {
          const { refuseUnlessProbabilities } = await import("/checks.js");
          try { refuseUnlessProbabilities(values.map(Number)); } catch (error) { return error.message; }
          return null;
        }""",
        values,
    )
    assert error is None if sound else "no probabilities" in error


def test_a_file_that_answers_otherwise_than_promised_is_refused_before_it_scores_anything(page, site):
    models = site.folder / "models"
    contract = json.loads((models / "seven.json").read_text())
    promised = contract["files"]["float16"]
    right = promised["golden"]["pictures"]
    wrong = [picture | {"probabilities": picture["probabilities"][::-1]} for picture in right]
    odd = models / "odd.tflite"
    odd.write_bytes(colour_model(softmax=False))
    files = {
        "right": promised,
        "wrong": promised | {"golden": {"tolerance": 0.01, "pictures": wrong}},
        "untested": {key: value for key, value in promised.items() if key != "golden"},
        "no probabilities": described(odd) | {"file": odd.name},
    }
    right, wrong, untested, odd_said = page.evaluate(
        """async ([json, files]) => {
          const { Engine } = await import("/engine.js");
          const { Contract, readContracts } = await import("/contract.js");
          const engine = await Engine.start((await readContracts()).folder, "wasm", 1);
          const said = [];
          for (const file of files) {
            const contract = new Contract({ ...json, files: { float16: file } });
            try {
              await engine.load(contract.entry("float16"));
              said.push(null);
            } catch (error) {
              said.push(error.message);
            }
          }
          engine.stop();
          return said;
        }""",
        [contract, list(files.values())],
    )
    assert right is None and untested is None
    assert wrong.startswith("seven_float16.tflite gives wrong answers on this processor")
    assert odd_said.startswith("The model gave numbers that are no probabilities")


def test_threads_are_to_be_had(page):
    assert page.evaluate("self.crossOriginIsolated") is True
    assert page.locator("#backend option").first.get_attribute("value") in {"wasm 2", "wasm 3", "wasm 4"}


def test_a_browser_without_relaxed_simd_and_service_worker_gets_one_thread_and_the_same_score(
    browser, site, classifiers, tmp_path
):
    def without_relaxed_simd(route):
        script, count = re.subn(r"tryWasm\(WASM_RELAXED_SIMD_CHECK\)", "tryWasm([])", route.fetch().text())
        assert count == 1
        route.fulfill(body=script, headers={**web_page.HEADERS, "Content-Type": "text/javascript"})

    with contextlib.closing(browser.new_context(service_workers="block")) as context:
        context.route("**/core.js", without_relaxed_simd)
        page = context.new_page()
        opened(page, site.address)
        assert page.locator("#backend option").first.get_attribute("value") == "wasm 1"
        assert any("litert_wasm_compat_internal.wasm" in path for path in site.paths)
        path = jpeg(tmp_path)
        upload(page, path)
        assert shown(page) == pytest.approx(answer(classifiers["int8"], path), abs=0.01)
        assert "offline" not in page.inner_text("#offline")


@pytest.mark.parametrize(
    ("side", "size"), [(300, 192), (192, 192), (1000, 192), (384, 192), (130, 192), (5, 16)]
)
def test_resizing_gives_the_pixels_of_opencv(page, side, size):
    square = np.random.default_rng(side).integers(0, 256, (side, side, 4), np.uint8)
    result = page.evaluate(
        """async ({ rgba, side, size }) => {
          const { resizeSquare } = await import("/preprocess.js");
          const pixels = Uint8Array.from(atob(rgba), (character) => character.charCodeAt(0));
          const read = (first, count) => pixels.subarray(first * side * 4, (first + count) * side * 4);
          return String.fromCharCode(...resizeSquare(read, side, size, 77).slice(0, 60_000));
        }""",
        {"rgba": base64.b64encode(square.tobytes()).decode(), "side": side, "size": size},
    )
    expected = resize_to_square(square[:, :, :3], size).ravel()[:60_000]
    difference = np.abs(np.frombuffer(result.encode("latin-1"), np.uint8).astype(int) - expected)
    assert difference.max() <= 1 and difference.mean() < 0.02


def test_the_heat_map_finds_what_a_score_depends_on(page):
    """An engine whose score is the brightness of one corner: that corner is all that matters."""
    most, corner, rest = page.evaluate(
        """async () => {
          const { occlusionMap } = await import("/heatmap.js");
          const size = 50, input = new Float32Array(size * size * 3).fill(100);
          const bright = (x, y) => x < 20 && y >= 30;
          for (let i = 0; i < size * size; i++) {
            if (bright(i % size, Math.floor(i / size))) input[3 * i] = 200;
          }
          const score = (pixels) => {
            let sum = 0, count = 0;
            for (let i = 0; i < size * size; i++) {
              if (bright(i % size, Math.floor(i / size))) { sum += pixels[3 * i]; count++; }
            }
            return sum / count / 200;
          };
          const engine = { run: async (pixels) => ({ probabilities: [0, score(pixels)] }) };
          const { values, most } = await occlusionMap(engine, input, size, 1, 1, () => true);
          const side = Math.sqrt(values.length);
          const at = (x, y) => values[Math.floor(y * side) * side + Math.floor(x * side)];
          return [most, at(0.2, 0.8), Math.max(at(0.8, 0.8), at(0.2, 0.2), at(0.8, 0.2))];
        }"""
    )
    # A patch of 10 by 10 pixels takes a quarter of the corner from 200 to the mean of 116.
    assert most == pytest.approx(0.25 * 84 / 200, abs=0.01)
    assert corner > 0.9 * most
    assert rest == 0


def test_a_frozen_picture_gets_a_heat_map_that_can_be_hidden(page, tmp_path):
    upload(page, jpeg(tmp_path))
    page.click("#heatmap")
    expect(page.locator("#heat")).to_be_visible()
    assert page.get_attribute("#heatmap", "aria-pressed") == "true"
    assert "Malignant" in page.inner_text("#legend")
    page.click("#heatmap")
    expect(page.locator("#heat")).to_be_hidden()


@pytest.mark.parametrize(
    ("probabilities", "verdict", "first"),
    [
        ([0.01, 0.02, 0.03, 0.02, 0.1, 0.8, 0.02], "Melanocytic nevus 80.0 %", "nv"),
        ([0.1, 0.1, 0.1, 0.1, 0.35, 0.15, 0.1], "Undecided: Mel 35.0 %", "mel"),
    ],
)
def test_seven_classes_are_shown_with_their_titles_the_likeliest_first(page, probabilities, verdict, first):
    found, explanation, labels = page.evaluate(
        """async ([json, probabilities]) => {
          const { Contract } = await import("/contract.js");
          const { showBars, wording } = await import("/answer_view.js");
          const contract = new Contract(json), list = document.createElement("ul");
          showBars(list, contract, probabilities);
          const said = wording(contract, "float16", probabilities);
          return [said.verdict, said.explanation, [...list.children].map((bar) => bar.dataset.class)];
        }""",
        [SEVEN, probabilities],
    )
    assert found.replace("\u00a0", " ") == verdict
    assert "no threshold" in explanation
    worth = "Of the 77 test pictures for which a class had 80 to 100 %, it was right for 92 %."
    assert (worth in explanation.replace("\u00a0", " ")) == (max(probabilities) >= 0.8)
    assert len(labels) == 7 and labels[0] == first


@pytest.mark.parametrize(("probability", "percentages"), [(0.6, "60 to 80 %"), (1.0, "80 to 100 %")])
def test_an_answer_says_how_often_such_answers_were_true(page, probability, percentages):
    contract = json.loads((web_page.MODELS / f"{NAME}.json").read_text())
    explanation = page.evaluate(
        """async ([json, probability]) => {
          const { Contract } = await import("/contract.js");
          const { wording } = await import("/answer_view.js");
          return wording(new Contract(json), "int8", [1 - probability, probability]).explanation;
        }""",
        [contract, probability],
    )
    pattern = rf"Of the (\d+) test pictures with {percentages}, (\d+) % were malignant\.$"
    n, share = re.search(pattern, explanation.replace("\u00a0", " ")).groups()
    low = int(percentages.split()[0]) / 100
    (row,) = [r for r in contract["files"]["int8"]["test"]["reliability"] if r["low"] == low]
    assert (int(n), int(share)) == (row["n"], round(100 * row["share"]))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema_version": 2}, "schema_version 2"),
        ({"input": {"shape": [1, 192, 160, 3], "dtype": "float32"}}, "1,192,160,3"),
        ({"output": {"shape": [1, 2], "dtype": "float32"}}, "7 classes but an output of shape 1,2"),
        ({"input": {"shape": [1, 192, 192, 3], "dtype": "uint8"}}, "browsers need float32"),
        ({"positive_class": "malignant"}, "none of its classes"),
        ({"files": {}}, "no file"),
    ],
)
def test_a_contract_that_the_page_cannot_keep_is_refused(page, change, words):
    error = page.evaluate(
        """async (json) => {
          const { Contract } = await import("/contract.js");
          try { new Contract(json); return null; } catch (error) { return error.message; }
        }""",
        SEVEN | change,
    )
    assert words in error


def test_everything_is_reached_by_keyboard_and_has_a_name(page, context):
    page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))
    assert {"camera", "choose", "heatmap", "save", "model", "kind", "backend", "card"} <= reached
    tree = context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "combobox", "image", "link", "list", "Video", "heading"}
    nameless = [
        node["nodeId"]
        for node in tree
        if not node["ignored"] and node["role"]["value"] in roles and not node.get("name", {}).get("value")
    ]
    assert len(tree) > 50 and nameless == []


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_no_width_scrolls_sideways(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_works_without_a_network_once_it_was_opened(browser, folder, classifiers, tmp_path):
    site = Site(folder)
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        opened(page, site.address)
        expect(page.locator("#offline")).to_contain_text("It works offline now.")
        loaded = sum(sent_bytes(folder, path) for path in site.paths)
        site.close()
        opened(page, site.address)
        path = plain(tmp_path)
        upload(page, path)
        assert shown(page) == pytest.approx(answer(classifiers["int8"], path), abs=0.01)
    assert 5e6 < loaded < 8e6  # the goal of a first visit with the default model


def sent_bytes(folder, path):
    file = folder / (path.split("?")[0].lstrip("/") or "index.html")
    compressed = Path(f"{file}.gz")
    return (compressed if compressed.is_file() else file).stat().st_size if file.is_file() else 0


def test_nothing_left_the_page_and_nothing_can(page, site, elsewhere):
    """Last, after everything that the page can do."""
    assert Elsewhere.seen == []
    assert len(page.requests) > 20
    origin = site.address
    assert [url for url in page.requests if not url.startswith((origin, f"blob:{origin}"))] == []
    blocked = page.evaluate(
        """async (address) => {
          const tries = [
            fetch(`http://${address}/fetch`),
            fetch("http://example.org/fetch", { mode: "no-cors" }),
            new Promise((resolve, reject) => {
              const image = new Image();
              image.onload = resolve;
              image.onerror = () => reject(new Error("blocked"));
              image.src = `http://${address}/image`;
            }),
          ];
          navigator.sendBeacon(`http://${address}/beacon`, "picture");
          return (await Promise.allSettled(tries)).map(({ status }) => status);
        }""",
        elsewhere,
    )
    assert blocked == ["rejected"] * 3
    assert Elsewhere.seen == []
