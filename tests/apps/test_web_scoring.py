"""An image that someone chooses gets its score, or a sentence that says why not."""

import cv2
import numpy as np
import pytest
from browsing import SCORED, predict, read_bars, upload
from image_files import jpeg, large, large_jpeg, plain, small, turned, with_gamma
from PIL import Image
from playwright.sync_api import expect

from skinkeras.datasets.synthetic_images import draw


@pytest.mark.parametrize("make", [plain, jpeg, turned, with_gamma, large, large_jpeg, small])
def test_an_uploaded_image_gets_the_probabilities_that_python_gives_it(page, classifiers, tmp_path, make):
    path = make(tmp_path)
    upload(page, path)
    assert read_bars(page) == pytest.approx(predict(classifiers["int8"], path), abs=0.01)


def test_an_image_that_is_enlarged_agrees_too(page, classifiers, tmp_path):
    """From 100 pixels: too blurred, says the page, and scores it when it is told to."""
    path = tmp_path / "tiny.png"
    Image.fromarray(cv2.resize(draw(5, 1), (130, 100), interpolation=cv2.INTER_AREA)).save(path)
    upload(page, path)
    if page.locator("#force").is_visible():
        page.click("#force")
        expect(page.locator("#verdict")).to_have_text(SCORED)
    assert read_bars(page) == pytest.approx(predict(classifiers["int8"], path), abs=0.01)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda image: image // 8, "Too dark"),
        (lambda image: np.uint8(255) - (255 - image) // 8, "Too bright"),
        (lambda image: cv2.GaussianBlur(image, (0, 0), 6), "Too blurred"),
    ],
    ids=["dark", "bright", "blurred"],
)
def test_an_image_unfit_to_be_scored_gets_a_sentence_and_no_score(page, tmp_path, spoil, words):
    path = tmp_path / "unfit.png"
    Image.fromarray(spoil(draw(5, 1))).save(path)
    upload(page, path)
    for place in ("#verdict", "#gate"):
        assert page.inner_text(place).startswith(words)
    assert page.inner_text(".bar-value >> nth=0") == "\u2013"
    assert not page.is_visible("#save")
    page.click("#force")
    expect(page.locator("#verdict")).to_have_text(SCORED)
    expect(page.locator("#save")).to_be_focused()  # the button that had the focus is gone


def cut_off(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def huge(path):
    Image.new("1", (12_500, 9_000)).save(path, "PNG")


@pytest.mark.parametrize(
    ("name", "spoil", "words"),
    [
        ("notes.jpg", lambda path: path.write_text("no image"), "notes.jpg is not an image"),
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


def test_before_the_models_are_known_controls_wait_and_an_image_gets_a_sentence(visitor, site, tmp_path):
    with visitor(site.address, service_workers="block") as context:
        page = context.new_page()
        held = []
        page.route("**/models.json", lambda route: held.append(route))
        with page.expect_request("**/models.json"):
            page.goto(site.address)
        assert page.locator("#camera").is_disabled() and page.locator("#choose").is_disabled()
        page.set_input_files("#file", jpeg(tmp_path))
        expect(page.get_by_role("alert")).to_contain_text("The page is not ready for images yet")
        held[0].continue_()
        expect(page.locator("#camera")).to_be_enabled()
        upload(page, jpeg(tmp_path))
        assert not page.get_by_role("alert").is_visible()
