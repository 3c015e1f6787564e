"""Saved images: what is saved with them, what outlives the page, and the archive."""

import csv
import io
import re
import zipfile

import pytest
from browsing import NAME, choose, exported, open_page, read_bars, upload
from image_files import jpeg, plain, small
from playwright.sync_api import expect


def test_saved_images_outlive_the_page_and_can_be_deleted(page, site, tmp_path):
    for make in (small, plain, jpeg):
        path = make(tmp_path)
        upload(page, path)
        page.click("#save")
        expect(page.locator("#save")).to_have_text("Saved")
    open_page(page, site.address)
    tiles = page.locator("#saved li")
    expect(tiles).to_have_count(3)
    said = tiles.first.inner_text()
    sides = "Above|Below|Not sure: close to"
    assert re.match(rf"({sides}) the model's line for melanoma\s+Score (under |over )?[\d.]+ of 100", said)
    images, _ = exported(page)
    assert images["0003.jpg"] == path.read_bytes()
    tiles.first.get_by_role("button").click()
    expect(tiles).to_have_count(2)
    page.click("#delete-all")
    page.get_by_role("button", name="Cancel").click()
    expect(tiles).to_have_count(2)
    page.click("#delete-all")
    page.get_by_role("dialog").get_by_role("button", name="Delete all").click()
    expect(tiles).to_have_count(0)
    expect(page.locator("#saved-empty")).to_be_visible()


def test_an_image_is_saved_with_the_model_that_scored_it(page, tmp_path):
    """Another one is chosen while the image is written."""
    path = jpeg(tmp_path)
    upload(page, path)
    probabilities = read_bars(page)
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
    tiles = page.locator("#saved li")
    expect(tiles).to_have_count(1)
    assert page.inner_text("#save") == "Save"
    _, rows = exported(page)
    assert {row["model_file"] for row in rows} == {f"{NAME}_int8.tflite"}
    kept = {row["class"]: float(row["probability"]) for row in rows}
    assert kept.pop("benign") == pytest.approx(1 - probabilities["malignant"], abs=0.005)
    assert kept == pytest.approx(probabilities, abs=0.001)
    tiles.first.get_by_role("button").click()
    expect(tiles).to_have_count(0)
    choose(page, "#model", NAME)


def test_on_a_full_disk_nothing_is_called_saved_and_the_model_runs(visitor, site, tmp_path):
    # A context of its own: for a while after a write, Chromium believes that there is room.
    with visitor(site.address) as context:
        page = context.new_page()
        storage, origin = context.new_cdp_session(page), {"origin": site.address}
        storage.send("Storage.overrideQuotaForOrigin", origin | {"quotaSize": 1})
        open_page(page, site.address)
        upload(page, jpeg(tmp_path))
        kept = "caches.open('large').then((cache) => cache.keys()).then((keys) => keys.length)"
        assert page.evaluate(kept) == 0
        assert "offline" not in page.inner_text("#offline")
        page.click("#save")
        expect(page.get_by_role("alert")).to_contain_text("The browser has no room left for images")
        expect(page.locator("#save")).to_be_enabled()
        assert page.inner_text("#save") == "Save"
        assert page.locator("#saved li").count() == 0
        storage.send("Storage.overrideQuotaForOrigin", origin)
        page.click("#save")
        expect(page.locator("#save")).to_have_text("Saved")
        expect(page.locator("#saved li")).to_have_count(1)


def test_an_image_whose_writing_is_undone_is_not_called_saved(scripts):
    """As on a disk that fills up: the request went well, and then the whole transaction is taken back."""
    error = scripts.evaluate(
        """async () => {
          const { save } = await import("/saved_images.js");
          const { add } = IDBObjectStore.prototype;
          IDBObjectStore.prototype.add = function (entry) {
            const request = add.call(this, entry);
            request.addEventListener("success", () => this.transaction.abort());
            return request;
          };
          try { return await save({}); } catch (error) { return error.message; }
          finally { IDBObjectStore.prototype.add = add; }
        }"""
    )
    assert str(error).startswith("The browser cannot save images")


def test_an_entry_with_fewer_probabilities_than_classes_does_not_cost_the_archive(scripts):
    archive = scripts.evaluate(
        """async () => {
          const { archive } = await import("/saved_images.js");
          const picture = new Blob(["image"], { type: "image/png" });
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
