"""The live camera, with one that shows a synthetic image."""

import numpy as np
import pytest
from browsing import NAME, SCORED, choose, exported, predict, read_bars, upload
from image_files import jpeg
from PIL import Image
from playwright.sync_api import expect


def test_the_camera_is_scored_live_and_a_frozen_frame_as_in_python(page, classifiers, lesion, tmp_path):
    page.click("#camera")
    expect(page.locator("#gate")).to_have_text(SCORED)
    expect(page.locator("#gate")).to_contain_text("Too dark")
    assert page.inner_text("#verdict").startswith("Too dark")
    expect(page.locator("#gate")).to_have_text(SCORED)
    page.click("#freeze")
    expect(page.locator("#save")).to_be_focused()
    probabilities = read_bars(page)
    page.click("#save")
    expect(page.locator("#save")).to_have_text("Saved")
    files, rows = exported(page)
    assert page.locator("#saved li").count() == len(files) == 1
    path = tmp_path / "frozen.png"
    path.write_bytes(files["0001.png"])
    # The camera's colours pass through YUV and back; it is recognisably this image all the same.
    frozen = np.asarray(Image.open(path).convert("RGB"))
    assert frozen.shape == (480, 480, 3)
    assert np.abs(frozen.astype(int) - lesion[:, 80:560]).mean() < 4
    expected = predict(classifiers["int8"], path)
    assert probabilities == pytest.approx(expected, abs=0.01)
    kept = {row["class"]: float(row["probability"]) for row in rows}
    assert kept.pop("benign") == pytest.approx(1 - expected["malignant"], abs=0.01)
    assert kept == pytest.approx(expected, abs=0.01)
    assert {row["model_file"] for row in rows} == {f"{NAME}_int8.tflite"}


def test_another_processor_interrupts_the_camera_and_a_heat_map_without_a_word(page, tmp_path):
    first = page.locator("#backend").input_value()
    page.click("#camera")
    expect(page.locator("#gate")).to_have_text(SCORED)
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
    expect(page.locator("#gate")).to_have_text(SCORED)
    page.click("#stop")
    page.select_option("#model", NAME)
    expect(page.locator("#status")).to_have_text("Ready")
