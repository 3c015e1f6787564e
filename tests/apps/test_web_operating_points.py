"""Where the line is: another operating point moves it, without another run of the model."""

import json

import pytest
from browsing import NAME, SCORED, choose, open_page, read_bars, upload
from image_files import jpeg
from playwright.sync_api import expect

from pipelines.common import web_page

CONTRACT = json.loads((web_page.MODELS / f"{NAME}.json").read_text())
# Below every score, and above every score: whatever the released model says, the verdict is known.
LOW, HIGH = 1e-6, 1 - 1e-6


def verdict(page):
    return page.inner_text("#verdict").split(" the model's line")[0]


@pytest.fixture
def serving(visitor, site):
    """A function that opens the page, with `changes` made to the int8 file in the default model's json."""
    contexts = []

    def opened(**changes):
        contract = json.loads(json.dumps(CONTRACT))
        contract["files"]["int8"] |= changes
        contexts.append(visitor(site.address, service_workers="block"))
        context = contexts[-1].__enter__()
        context.route(f"**/models/{NAME}.json", lambda route: route.fulfill(json=contract))
        page = context.new_page()
        open_page(page, site.address)
        return page

    yield opened
    for context in contexts:
        context.__exit__(None, None, None)


def test_another_line_changes_the_answer_and_the_model_does_not_run_again(serving, tmp_path):
    page = serving(threshold=0.5, not_sure=[0, 1.001], operating_points={"cost_20": LOW, "fixed_0.9": HIGH})
    limits = page.inner_text("#limits")
    upload(page, jpeg(tmp_path))
    page.click("#save")
    expect(page.locator("#save")).to_have_text("Saved")
    probabilities = read_bars(page)
    assert verdict(page) == "Not sure: close to"
    page.evaluate(
        """() => {
          window.messages = 0;
          const { postMessage } = Worker.prototype;
          Worker.prototype.postMessage = function (...all) {
            window.messages++;
            return postMessage.apply(this, all);
          };
        }"""
    )
    lists = page.get_by_label("Where the line is")
    assert lists.locator("option").all_inner_texts() == [
        "The model's own line",
        "A miss counts as 20 false alarms",
        "Line at 100",
    ]
    lists.select_option("A miss counts as 20 false alarms")
    assert verdict(page) == "Above"
    assert page.inner_text("#announcer").startswith("Above the model's line for melanoma. Score ")
    assert page.inner_text("#limits") != limits  # the json has no results at this line
    # What was saved says something else.
    assert page.is_enabled("#save") and page.inner_text("#save") == "Save"
    page.click("#save")
    expect(page.locator("#save")).to_have_text("Saved")
    lists.select_option("Line at 100")
    assert verdict(page) == "Below"
    lists.select_option("The model's own line")
    assert verdict(page) == "Not sure: close to"
    assert page.inner_text("#limits") == limits
    assert read_bars(page) == probabilities
    assert page.evaluate("messages") == 0
    newer, older = page.locator("#saved li").all_inner_texts()
    assert newer.startswith("Above") and "A miss counts as 20 false alarms" in newer
    assert older.startswith("Not sure") and "A miss counts" not in older


def test_the_chosen_line_is_remembered_and_kept_where_another_file_offers_it(page, site, tmp_path):
    page.select_option("#point", "sensitivity_95")
    open_page(page, site.address)
    assert page.input_value("#point") == "sensitivity_95"
    upload(page, jpeg(tmp_path))
    line = 100 * CONTRACT["files"]["int8"]["operating_points"]["sensitivity_95"]
    assert f"the line is at {line:.0f}" in page.inner_text("#explanation")
    choose(page, "#kind", "float16")
    assert page.input_value("#point") == "sensitivity_95"
    line = 100 * CONTRACT["files"]["float16"]["operating_points"]["sensitivity_95"]
    assert f"the line is at {line:.0f}" in page.inner_text("#explanation")
    choose(page, "#model", "seven")  # which has no line
    assert not page.is_visible("#point")
    choose(page, "#model", NAME)
    assert page.is_visible("#point") and page.input_value("#point") == ""


def test_before_an_image_the_mark_on_the_bar_moves(page, site):
    open_page(page, site.address)
    page.select_option("#point", "")
    own = page.locator(".bar-threshold").get_attribute("x1")
    assert page.locator(".bar-band").count() == 1
    page.select_option("#point", "sensitivity_95")
    assert page.locator(".bar-threshold").get_attribute("x1") != own
    assert page.locator(".bar-band").count() == 0
    assert page.inner_text("#verdict") == "Nothing scored yet"
    page.select_option("#point", "")


def test_a_file_that_offers_one_line_has_no_list(serving):
    page = serving(threshold=0.5, operating_points={"balanced_accuracy": 0.5})
    assert not page.is_visible("#point")


def test_the_live_camera_follows_the_line(serving):
    page = serving(threshold=0.5, not_sure=[0, 1.001], operating_points={"cost_20": LOW, "fixed_0.9": HIGH})
    page.click("#camera")
    expect(page.locator("#gate")).to_have_text(SCORED)
    for point, words in (("cost_20", "Above the"), ("fixed_0.9", "Below the"), ("", "Not sure")):
        page.select_option("#point", point)
        expect(page.locator("#gate")).to_contain_text(words)
    page.click("#stop")


def test_on_a_phone_an_undecided_answer_is_seen_without_scrolling(serving, tmp_path):
    """The longest of the three verdicts."""
    page = serving(threshold=0.5, not_sure=[0, 1.001])
    page.set_viewport_size({"width": 360, "height": 740})
    upload(page, jpeg(tmp_path))
    assert verdict(page) == "Not sure: close to"
    assert page.evaluate("scrollY") == 0
    for part in ("#still", "#verdict", "#explanation"):
        box = page.locator(part).bounding_box()
        assert box["height"] > 0 and box["y"] >= 0 and box["y"] + box["height"] <= 740, part
