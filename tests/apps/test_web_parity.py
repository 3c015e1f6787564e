"""The page's scripts against Python: contracts, golden images, pixels, and what counts as probabilities."""

import base64
import hashlib
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import seven_classes

from skinkeras import tflite
from skinkeras.decoding import resize_to_square

ANDROID = (
    Path(__file__).parents[2] / "apps" / "android" / "core" / "src" / "test" / "resources" / "golden.json"
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema_version": 2}, "schema_version 2"),
        ({"input": {"shape": [1, 192, 160, 3], "dtype": "float32"}}, "1,192,160,3"),
        ({"output": {"shape": [1, 2], "dtype": "float32"}}, "7 classes but an output of shape 1,2"),
        ({"input": {"shape": [1, 192, 192, 3], "dtype": "uint8"}}, "the page needs float32"),
        ({"positive_class": "malignant"}, "not one of its classes"),
        ({"files": {}}, "no file"),
    ],
)
def test_a_contract_that_the_page_cannot_keep_is_refused(scripts, change, words):
    error = scripts.evaluate(
        """async (json) => {
          const { Contract } = await import("/contract.js");
          try { new Contract(json); return null; } catch (error) { return error.message; }
        }""",
        seven_classes.CONTRACT | change,
    )
    assert words in error


@pytest.mark.parametrize("size", [128, 192, 225])
def test_the_golden_image_is_the_one_that_python_draws(scripts, size):
    drawn = scripts.evaluate(
        """async (size) => {
          const pixels = (await import("/checks.js")).goldenImage(size);
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
def test_numbers_that_are_not_probabilities_are_refused(scripts, values, sound):
    error = scripts.evaluate(
        """async (values) => {
          const { refuseUnlessProbabilities } = await import("/checks.js");
          try { refuseUnlessProbabilities(values.map(Number)); } catch (error) { return error.message; }
          return null;
        }""",
        values,
    )
    assert error is None if sound else "not a set of probabilities" in error


def test_a_file_that_answers_otherwise_than_promised_is_refused_before_it_scores_anything(scripts, site):
    models = site.folder / "models"
    contract = json.loads((models / "seven.json").read_text())
    promised = contract["files"]["float16"]
    right = promised["golden"]["pictures"]
    wrong = [image | {"probabilities": image["probabilities"][::-1]} for image in right]
    odd = models / "odd.tflite"
    odd.write_bytes(seven_classes.colour_model(softmax=False))
    files = {
        "right": promised,
        "wrong": promised | {"golden": {"tolerance": 0.01, "pictures": wrong}},
        "untested": {key: value for key, value in promised.items() if key != "golden"},
        "not probabilities": seven_classes.described(odd) | {"file": odd.name},
    }
    right, wrong, untested, odd_said = scripts.evaluate(
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
    assert odd_said.startswith("The model's output is not a set of probabilities")


@pytest.mark.parametrize(
    ("side", "size"), [(300, 192), (192, 192), (1000, 192), (384, 192), (130, 192), (5, 16)]
)
def test_resizing_gives_the_pixels_of_opencv(scripts, side, size):
    square = np.random.default_rng(side).integers(0, 256, (side, side, 4), np.uint8)
    result = scripts.evaluate(
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


def test_an_image_is_as_fit_to_be_scored_as_in_the_android_app(scripts):
    golden = json.loads(ANDROID.read_text())
    cases = golden["quality"]
    images = [list(zlib.decompress(base64.b64decode(case["pixels_zlib_base64"]))) for case in cases]
    limits, measured = scripts.evaluate(
        """async (images) => {
          const { LIMITS, measureQuality } = await import("/quality.js");
          return [LIMITS, images.map((pixels) => measureQuality(pixels, Math.sqrt(pixels.length / 3)))];
        }""",
        images,
    )
    assert list(limits.values()) == list(golden["quality_limits"].values())
    problems = {None: None, "TOO_DARK": "dark", "TOO_BRIGHT": "bright", "BLURRED": "blurred"}
    for own, case in zip(measured, cases, strict=True):
        assert own["problem"] == problems[case["issue"]], case["name"]
        for measure in ("brightness", "clipped", "blur"):
            assert own[measure] == pytest.approx(case[measure], abs=1e-3), (case["name"], measure)
