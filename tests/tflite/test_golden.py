import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from skinkeras import tflite

ROOT = Path(__file__).parents[2]

# Written from the text of tflite_models/README.md, in another language than skinkeras/tflite/golden.py.
JAVASCRIPT = """
const crypto = require("crypto");
const DRAWN = {
  round: [[208, 150, 140], [50, 50, 20, 17, [96, 60, 48]], [52, 47, 9, 8, [60, 36, 40]]],
  irregular: [[230, 180, 170], [40, 65, 20, 10, [40, 28, 30]], [60, 55, 20, 30, [40, 28, 30]],
              [40, 35, 15, 15, [40, 28, 30]], [55, 60, 10, 25, [60, 36, 40]]],
  crossed: [[194, 169, 166], [53, 51, 23, 10, [170, 110, 90]], [54, 36, 9, 35, [40, 28, 30]],
            [50, 41, 35, 7, [30, 20, 20]], [61, 50, 35, 7, [170, 110, 90]], [54, 64, 3, 35, [110, 110, 130]]],
};
function draw(name, size) {
  const bytes = Buffer.alloc(3 * size * size), last = size - 1;
  let state = 1, at = 0;
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) {
    let colour;
    if (name === "ramp") {
      colour = [x * 255 / last, y * 255 / last, (x + y) * 255 / (2 * last)].map(Math.floor);
    } else {
      const [background, ...ellipses] = DRAWN[name];
      colour = background;
      for (const [cx, cy, rx, ry, own] of ellipses) {
        const across = (100 * x - cx * size) * ry, down = (100 * y - cy * size) * rx;
        if (across * across + down * down <= (rx * ry * size) ** 2) colour = own;
      }
    }
    for (const value of colour) {
      state = (Math.imul(1664525, state) + 1013904223) >>> 0;
      bytes[at++] = name === "ramp" ? value : value + (state >>> 28) - 8;
    }
  }
  return bytes;
}
const found = {};
for (const size of [32, 192, 380]) for (const name of ["ramp", "round", "irregular", "crossed"])
  found[name + size] = crypto.createHash("sha256").update(draw(name, size)).digest("hex");
console.log(JSON.stringify(found));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no node: JavaScript cannot be run")
def test_javascript_draws_the_same_bytes():
    done = subprocess.run(["node", "-e", JAVASCRIPT], capture_output=True, text=True, check=True)
    ours = {
        f"{name}{size}": hashlib.sha256(pixels.tobytes()).hexdigest()
        for size in (32, 192, 380)
        for name, pixels in tflite.golden_images(size).items()
    }
    assert json.loads(done.stdout) == ours


def test_pixels_worked_out_by_hand():
    pictures = tflite.golden_images(192)
    assert pictures["ramp"][0, 0].tolist() == [0, 0, 0]
    assert pictures["ramp"][191, 191].tolist() == [255, 255, 255]
    assert pictures["ramp"][0, 191].tolist() == [255, 0, 127]
    # The generator's first states are 1015568748, 1586005467, 2165703038: bytes 60, 94, 129, so that 3 - 8,
    # 5 - 8 and 8 - 8 are added to the background.
    assert pictures["round"][0, 0].tolist() == [203, 147, 140]
    assert pictures["irregular"][0, 0].tolist() == [225, 177, 170]
    assert pictures["crossed"][0, 0].tolist() == [189, 166, 166]
    assert {picture.shape for picture in pictures.values()} == {(192, 192, 3)}


@pytest.mark.parametrize("kind", ["int8", "float16"])
def test_wrong_pixels_do_not_pass_for_right_ones(kind):
    """Pixels in the wrong order or range move the released files further than the tolerance."""
    path = ROOT / "tflite_models" / f"melanoma_efficientnet_lite0_224_{kind}.tflite"
    report, classifier = tflite.golden(path), tflite.Classifier(path)
    expected = np.array([one["probabilities"] for one in report["pictures"]])
    images = np.stack(list(tflite.golden_images(224).values())).astype(np.float32)
    wrong = {
        "blue first": images[..., ::-1],
        "columns first": images.swapaxes(1, 2),
        "0..1": images / 255,
        "-1..1": images / 127.5 - 1,
    }
    np.testing.assert_array_equal(classifier.predict(images), expected.astype(np.float32))
    for name, pixels in wrong.items():
        assert np.abs(classifier.predict(pixels) - expected).max() > report["tolerance"], name
