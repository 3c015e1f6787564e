"""Models, their files and processors: what can be chosen, and what is refused."""

import json
import re
from pathlib import Path

import pytest
from browsing import NAME, choose, open_page, predict, read_bars, upload
from image_files import jpeg
from playwright.sync_api import expect

from pipelines.common import web_page
from skinkeras import tflite


def test_a_model_that_is_missing_or_spoilt_gets_a_sentence_and_another_can_be_chosen(
    page, site, classifiers, tmp_path
):
    """First in this file: a model that was once loaded is kept by the browser."""
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
    # Nothing that the last model said is left in the image.
    assert not any(page.is_visible(place) for place in ("#heat", "#legend", "#gate", "#save"))
    choose(page, "#kind", "int8")
    assert read_bars(page) == pytest.approx(predict(classifiers["int8"], path), abs=0.01)
    target.write_bytes(content[:5_000_000] + bytes(len(content) - 5_000_000))
    page.select_option("#kind", "float16")
    expect(page.get_by_role("alert")).to_contain_text(f"{target.name} is not the file that its json")
    target.write_bytes(content)
    choose(page, "#kind", "int8")


def test_float16_and_one_thread_agree_with_python_too(page, site, classifiers, tmp_path):
    open_page(page, site.address)
    path = jpeg(tmp_path)
    upload(page, path)
    choose(page, "#kind", "float16")
    assert read_bars(page) == pytest.approx(predict(classifiers["float16"], path), abs=0.002)
    choose(page, "#backend", "wasm 1")
    assert read_bars(page) == pytest.approx(predict(classifiers["float16"], path), abs=0.002)
    choose(page, "#kind", "int8")


def test_a_second_model_is_offered_and_one_trained_on_synthetic_images_is_marked(page, site, tmp_path):
    path = jpeg(tmp_path)
    upload(page, path)
    assert not page.is_visible("#synthetic")
    choose(page, "#model", "seven")
    assert page.inner_text("#synthetic") == (
        "This model was trained on synthetic images: its scores say nothing about skin."
    )
    assert page.locator("#model option:checked").inner_text() == "seven (trained on synthetic images)"
    # The json names a file of another kind that is not there.
    kinds = page.locator("#kind option").evaluate_all("options => options.map(({ value }) => value)")
    assert kinds == ["float16"]
    seven = tflite.Classifier(site.folder / "models" / "seven_float16.tflite")
    assert read_bars(page) == pytest.approx(predict(seven, path), abs=0.002)
    choose(page, "#model", NAME)
    assert not page.is_visible("#synthetic")


def test_a_file_is_listed_with_its_auc_within_a_clinic_where_that_is_known(scripts):
    contract = json.loads((web_page.MODELS / f"{NAME}.json").read_text())
    entry = contract["files"]["int8"] | {"size_bytes": 3_982_103}
    entry["test"] |= {"roc_auc": 0.9056}
    described = []
    for within in ({"roc_auc": 0.8608}, {"roc_auc": None}, {"missing": "no sources"}):
        contract["files"]["int8"] = entry | {"strata": {"within_source": within}}
        described.append(
            scripts.evaluate(
                """async (json) => {
                  const { Contract } = await import("/contract.js");
                  return new Contract(json).describe("int8");
                }""",
                contract,
            )
        )
    assert described == [
        "8-bit integers, 4.0 MB, AUC 0.861 within a clinic",
        "8-bit integers, 4.0 MB, AUC 0.906 pooled",
        "8-bit integers, 4.0 MB, AUC 0.906 pooled",
    ]


def test_threads_are_available(page):
    assert page.evaluate("self.crossOriginIsolated") is True
    assert page.locator("#backend option").first.get_attribute("value") in {"wasm 2", "wasm 3", "wasm 4"}


def test_a_browser_without_relaxed_simd_and_service_worker_gets_one_thread_and_the_same_score(
    visitor, site, classifiers, tmp_path
):
    def without_relaxed_simd(route):
        script, count = re.subn(r"tryWasm\(WASM_RELAXED_SIMD_CHECK\)", "tryWasm([])", route.fetch().text())
        assert count == 1
        route.fulfill(body=script, headers={**web_page.HEADERS, "Content-Type": "text/javascript"})

    with visitor(site.address, service_workers="block") as context:
        context.route("**/core.js", without_relaxed_simd)
        page = context.new_page()
        open_page(page, site.address)
        assert page.locator("#backend option").first.get_attribute("value") == "wasm 1"
        assert any("litert_wasm_compat_internal.wasm" in path for path in site.paths)
        path = jpeg(tmp_path)
        upload(page, path)
        assert read_bars(page) == pytest.approx(predict(classifiers["int8"], path), abs=0.01)
        assert "offline" not in page.inner_text("#offline")


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
    open_page(page, site.address)
    assert not page.get_by_role("alert").is_visible()
    page.close()
