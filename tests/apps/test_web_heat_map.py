"""The heat map."""

import pytest
from browsing import upload
from image_files import jpeg
from playwright.sync_api import expect


def test_the_heat_map_finds_what_a_score_depends_on(scripts):
    """An engine whose score is the brightness of one corner: that corner is all that matters."""
    most, corner, rest = scripts.evaluate(
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


def test_of_a_padded_image_only_the_image_is_covered(scripts):
    """An engine whose score is how much of the padding is black: covering the image changes nothing."""
    most, seen = scripts.evaluate(
        """async () => {
          const { occlusionMap } = await import("/heatmap.js");
          const size = 40, part = { left: 10, top: 0, right: 30, bottom: 40 };
          const input = new Float32Array(size * size * 3);
          const inside = (i) => i % size >= part.left && i % size < part.right;
          for (let i = 0; i < size * size; i++) if (inside(i)) input.fill(150, 3 * i, 3 * i + 3);
          const seen = new Set();
          const engine = {
            run: async (pixels) => {
              let black = 0;
              for (let i = 0; i < size * size; i++) {
                if (!inside(i)) black += pixels[3 * i] === 0;
                else seen.add(pixels[3 * i]);
              }
              return { probabilities: [black / (size * size / 2)] };
            },
          };
          const { most } = await occlusionMap(engine, input, size, 0, 1, () => true, part);
          return [most, [...seen]];
        }"""
    )
    assert most == 0
    assert seen == [150]  # the mean colour is the image's, without the black


def test_a_frozen_image_gets_a_heat_map_that_can_be_hidden(page, tmp_path):
    upload(page, jpeg(tmp_path))
    page.click("#heatmap")
    expect(page.locator("#heat")).to_be_visible()
    assert page.get_attribute("#heatmap", "aria-pressed") == "true"
    assert "the score for melanoma" in page.inner_text("#legend")
    page.click("#heatmap")
    expect(page.locator("#heat")).to_be_hidden()
