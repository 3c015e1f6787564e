"""Models that take the whole image: their scores, what the viewer shows, the heat map and the saved frame."""

import io
import json

import cv2
import numpy as np
import pytest
from browsing import choose, exported, open_page, read_bars, upload
from PIL import Image
from playwright.sync_api import expect

from skinkeras import tflite
from skinkeras.images.decoding import decode
from skinkeras.images.geometries import GEOMETRIES

WIDTH, HEIGHT = 500, 250


@pytest.fixture
def wide(tmp_path):
    """An image of its own colour at either end, which a crop leaves out."""
    pixels = np.random.default_rng(0).integers(90, 160, (HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, :125] = pixels[:, :125] // 2 + [120, 0, 0]
    pixels[:, 375:] = pixels[:, 375:] // 2 + [0, 0, 120]
    path = tmp_path / "wide.png"
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


@pytest.fixture
def opened(visitor, site):
    """Opens the page with the model of seven classes, whose json names a geometry."""
    contract = json.loads((site.folder / "models" / "seven.json").read_text())
    contexts = []

    def open_with(geometry):
        visit = visitor(site.address, service_workers="block", permissions=["camera"])
        page = visit.__enter__().new_page()
        contexts.append(visit)
        told = contract | {"input": contract["input"] | {"geometry": geometry}}
        page.route("**/models/seven.json", lambda route: route.fulfill(json=told))
        open_page(page, site.address)
        page.select_option("#model", "seven")
        expect(page.locator("#status")).to_have_text("Ready")
        return page

    yield open_with
    for visit in contexts:
        visit.__exit__(None, None, None)


def scores(site, path, geometry):
    classifier = tflite.Classifier(site.folder / "models" / "seven_float16.tflite")
    probabilities = classifier.predict(decode(path, 128, geometry)[None])[0]
    return dict(zip(classifier.labels, map(float, probabilities), strict=True))


def shown(page, canvas):
    """(height, width, 4) uint8: a canvas of the page."""
    data = page.evaluate(
        """async (id) => {
          const canvas = document.getElementById(id);
          const blob = await new Promise((resolve) => canvas.toBlob(resolve));
          return Array.from(new Uint8Array(await blob.arrayBuffer()));
        }""",
        canvas,
    )
    return np.asarray(Image.open(io.BytesIO(bytes(data))).convert("RGBA"))


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_the_page_takes_of_an_image_what_the_json_says(opened, site, wide, geometry):
    page = opened(geometry)
    upload(page, wide)
    assert read_bars(page) == pytest.approx(scores(site, wide, geometry), abs=0.002)
    others = [scores(site, wide, other) for other in GEOMETRIES if other != geometry]
    assert all(read_bars(page) != pytest.approx(other, abs=0.01) for other in others)
    still = shown(page, "still")
    side = len(still)
    ends = still[side // 2, [side // 20, -side // 20], :3].astype(int)
    if geometry == "crop":
        assert (still[..., 3] == 255).all()
        assert np.abs(ends[0] - ends[1]).max() < 60
    else:  # the whole image in its own shape: twice as wide as high
        assert (still[side // 4 + 2 : -side // 4 - 2, :, 3] == 255).all()
        assert (still[: side // 4 - 2, :, 3] == 0).all() and (still[-side // 4 + 2 :, :, 3] == 0).all()
        assert ends[0, 0] > ends[0, 2] + 60 and ends[1, 2] > ends[1, 0] + 60


@pytest.mark.parametrize("geometry", ["squash", "pad"])
def test_the_heat_map_lies_on_the_image(opened, wide, geometry):
    page = opened(geometry)
    upload(page, wide)
    page.click("#heatmap")
    expect(page.locator("#heat")).to_be_visible()
    heat = shown(page, "heat")[..., 3]
    side = len(heat)
    assert heat[: side // 4 - 1].max() == 0 and heat[-side // 4 + 1 :].max() == 0
    assert heat[side // 4 + 4 : -side // 4 - 4].max() > 0


@pytest.mark.long
def test_another_model_shows_the_same_image_as_it_takes_it(opened, site, wide):
    page = opened("pad")
    upload(page, wide)
    assert (shown(page, "still")[..., 3] == 0).any()
    choose(page, "#model", "melanoma_efficientnet_lite0_224")
    assert (shown(page, "still")[..., 3] == 255).all()
    choose(page, "#model", "seven")
    assert read_bars(page) == pytest.approx(scores(site, wide, "pad"), abs=0.002)


@pytest.mark.parametrize(
    ("geometry", "fit", "ring", "size"),
    [
        ("crop", "cover", 40, (480, 480)),
        ("squash", "contain", 30, (640, 480)),
        ("pad", "contain", 30, (640, 640)),
    ],
)
def test_the_camera_is_shown_and_its_frame_saved_as_the_model_takes_it(
    opened, site, tmp_path, lesion, geometry, fit, ring, size
):
    page = opened(geometry)
    page.click("#camera")
    expect(page.locator("#verdict")).not_to_have_text("Nothing scored yet")
    assert page.evaluate("getComputedStyle(document.getElementById('video')).objectFit") == fit
    expect(page.locator("#ring")).to_have_attribute("r", str(ring))
    page.click("#freeze")
    expect(page.locator("#mode")).to_have_text("Still")
    if page.locator("#force").is_visible():
        page.click("#force")
    page.click("#save")
    expect(page.locator("#save")).to_have_text("Saved")
    told = read_bars(page)
    [(name, content)] = exported(page)[0].items()
    (tmp_path / name).write_bytes(content)
    saved = cv2.imread(str(tmp_path / name))
    assert saved.shape[1::-1] == size
    assert told == pytest.approx(scores(site, tmp_path / name, geometry), abs=0.002)


def test_a_padded_image_out_of_focus_is_stopped_though_the_black_around_it_is_sharp(opened, tmp_path):
    page = opened("pad")
    y, x = np.mgrid[:HEIGHT, :WIDTH] / HEIGHT
    smooth = np.repeat((128 + 40 * np.sin(5 * x) * np.cos(5 * y))[..., None], 3, axis=2).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "blurred.png")
    upload(page, tmp_path / "blurred.png")
    assert page.inner_text("#verdict").startswith("Too blurred")
