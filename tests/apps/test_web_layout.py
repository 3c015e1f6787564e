"""Keyboard, screen readers and narrow screens."""

import pytest
from browsing import upload
from image_files import jpeg


@pytest.fixture(scope="module")
def scored(page, tmp_path_factory):
    """The page with all that belongs to an image and its score."""
    upload(page, jpeg(tmp_path_factory.mktemp("scored")))
    return page


def test_everything_is_reached_by_keyboard_and_has_a_name(scored, context):
    scored.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(20):
        scored.keyboard.press("Tab")
        reached.add(scored.evaluate("document.activeElement.id"))
    assert {"camera", "choose", "heatmap", "save", "point", "model", "kind", "backend", "card"} <= reached
    tree = context.new_cdp_session(scored).send("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "combobox", "image", "link", "list", "Video", "heading"}
    nameless = [
        node["nodeId"]
        for node in tree
        if not node["ignored"] and node["role"]["value"] in roles and not node.get("name", {}).get("value")
    ]
    assert len(tree) > 50 and nameless == []


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_no_width_scrolls_sideways(scored, width):
    scored.set_viewport_size({"width": width, "height": 800})
    assert scored.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_the_answer_to_an_image_is_seen_without_scrolling(page, tmp_path):
    page.set_viewport_size({"width": 360, "height": 740})
    page.evaluate("scrollTo(0, 0)")
    upload(page, jpeg(tmp_path))
    assert page.evaluate("scrollY") == 0
    for part in ("#still", "#verdict", "#explanation"):
        box = page.locator(part).bounding_box()
        assert box["height"] > 0 and box["y"] >= 0 and box["y"] + box["height"] <= 740, part
