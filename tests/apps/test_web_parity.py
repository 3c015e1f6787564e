"""The page's scripts against Python: contracts, golden images, pixels, and what counts as probabilities."""

import base64
import hashlib
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import seven_classes
from icc_profiles import ADOBE_RGB, DISPLAY_P3
from image_files import with_gamma
from PIL import Image, ImageCms

from skinkeras import tflite
from skinkeras.images.decoding import decode, resize_to_square
from skinkeras.images.geometries import GEOMETRIES

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
        (
            {"input": {"shape": [1, 192, 192, 3], "dtype": "float32", "geometry": "turn"}},
            "its geometry turn is none that this page knows",
        ),
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


@pytest.mark.parametrize("size", [128, 225])
@pytest.mark.parametrize("name", ["round", "irregular", "crossed"])
def test_golden_images_are_those_that_python_draws(scripts, name, size):
    drawn = scripts.evaluate(
        """async ([name, size]) => {
          const pixels = (await import("/checks.js")).goldenImage(name, size);
          const digest = await crypto.subtle.digest("SHA-256", Uint8Array.from(pixels));
          return Array.from(new Uint8Array(digest));
        }""",
        [name, size],
    )
    pixels = tflite.golden_images(size)[name]
    assert bytes(drawn) == hashlib.sha256(pixels.tobytes()).digest()


def test_a_file_is_tried_on_the_golden_image_of_which_it_is_least_sure(scripts):
    pictures = [
        {"name": name, "probabilities": probabilities}
        for name, probabilities in {
            "from the future": [0.5, 0.5],
            "ramp": [0.5, 0.5],
            "round": [0.01, 0.99],
            "crossed": [0.63, 0.37],
            "irregular": [0.9, 0.1],
        }.items()
    ]
    chosen = scripts.evaluate(
        """async (asked) => {
          const { goldenAnswer } = await import("/checks.js");
          return asked.map((pictures) => goldenAnswer({ tolerance: 0.01, pictures }));
        }""",
        [pictures, pictures[:2]],
    )
    assert chosen == [{"image": "crossed", "expected": [0.63, 0.37], "tolerance": 0.01}, None]


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
    ("width", "height", "size"),
    [
        (300, 300, 192),
        (192, 192, 192),
        (1000, 1000, 192),
        (384, 384, 192),
        (130, 130, 192),
        (5, 5, 16),
        (600, 450, 192),  # what is squashed, from here on
        (384, 576, 192),
        (192, 300, 192),
        (400, 100, 192),
        (40, 60, 192),
    ],
)
def test_resizing_gives_the_pixels_of_opencv(scripts, width, height, size):
    image = np.random.default_rng(width).integers(0, 256, (height, width, 4), np.uint8)
    result = scripts.evaluate(
        """async ({ rgba, width, height, size }) => {
          const { resize } = await import("/preprocess.js");
          const pixels = Uint8Array.from(atob(rgba), (character) => character.charCodeAt(0));
          const read = (first, count) => pixels.subarray(first * width * 4, (first + count) * width * 4);
          return String.fromCharCode(...resize(read, width, height, size, 77).slice(0, 60_000));
        }""",
        {
            "rgba": base64.b64encode(image.tobytes()).decode(),
            "width": width,
            "height": height,
            "size": size,
        },
    )
    expected = resize_to_square(image[:, :, :3], size, "squash").ravel()[:60_000]
    difference = np.abs(np.frombuffer(result.encode("latin-1"), np.uint8).astype(int) - expected)
    # A mean of six levels often ends in a half, which OpenCV rounds to the even number; and where one side shrinks
    # and the other grows, Python rounds twice.
    rounded = {(384, 576): 0.1, (400, 100): 0.3}
    assert difference.max() <= 1 and difference.mean() < rounded.get((width, height), 0.02)


SHAPES = [(61, 40), (40, 61), (100, 30), (31, 33), (48, 48), (20, 15), (24, 100)]  # width, height


def inputs_of(scripts, files, size):
    """What the page makes of image files: {geometry: [{"input", "part"}]}."""
    return scripts.evaluate(
        """async ([files, size]) => {
          const { GEOMETRIES, filledPart, modelInput } = await import("/preprocess.js");
          const { openImage } = await import("/image_file.js");
          const made = {};
          for (const geometry of GEOMETRIES) {
            made[geometry] = [];
            for (const bytes of files) {
              const bitmap = await openImage(new File([Uint8Array.from(bytes)], "a.png", { type: "image/png" }));
              const input = Array.from(modelInput(bitmap, size, geometry));
              made[geometry].push({ input, part: filledPart(bitmap, size, geometry) });
            }
          }
          return made;
        }""",
        [[list(path.read_bytes()) for path in files], size],
    )


def test_every_geometry_gives_the_pixels_of_python(scripts, tmp_path):
    files = []
    for width, height in SHAPES:
        files.append(tmp_path / f"{width}x{height}.png")
        Image.fromarray(random_pixels(height, width, 3)).save(files[-1])
    made = inputs_of(scripts, files, 24)
    assert list(made) == list(GEOMETRIES)
    for geometry, of_files in made.items():
        for path, one in zip(files, of_files, strict=True):
            expected = resize_to_square(np.asarray(Image.open(path)), 24, geometry).astype(int)
            difference = np.abs(np.reshape(one["input"], expected.shape) - expected)
            assert difference.max() <= 1, (geometry, path.name)


def test_the_part_of_the_input_that_shows_the_image_is_all_of_it_unless_it_is_padded(scripts, tmp_path):
    path = tmp_path / "white.png"
    Image.fromarray(np.full((15, 60, 3), 255, np.uint8)).save(path)
    made = inputs_of(scripts, [path], 24)
    for geometry in ("crop", "squash"):
        assert made[geometry][0]["part"] == {"left": 0, "top": 0, "right": 24, "bottom": 24}
    padded = np.reshape(made["pad"][0]["input"], (24, 24, 3))
    assert made["pad"][0]["part"] == {"left": 0, "top": 9, "right": 24, "bottom": 15}
    assert padded[9:15].min() > 100 and padded[10:14].min() == 255
    assert padded[:8].max() == 0 and padded[16:].max() == 0


def test_transparent_pixels_lie_on_white_as_in_python(scripts, tmp_path):
    pixels = random_pixels(30, 40, 4)
    pixels[:, :10, 3], pixels[:, 30:, 3] = 0, 255
    path = tmp_path / "clear.png"
    Image.fromarray(pixels).save(path)
    made = inputs_of(scripts, [path], 30)
    for geometry in GEOMETRIES:
        expected = decode(path, 30, geometry).astype(int)
        difference = np.abs(np.reshape(made[geometry][0]["input"], expected.shape) - expected)
        assert difference.max() <= 2, geometry  # canvas and Pillow each round
    assert (decode(path, 30, "squash")[:, :5] == 255).all()


def test_colour_profiles_are_converted_to_srgb_as_in_python(scripts, tmp_path):
    pixels = np.mgrid[60:180:3, 40:160:3].transpose(1, 2, 0)[..., [0, 1, 0]].astype(np.uint8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options = {"png": {}, "webp": {"lossless": True}, "jpg": {"quality": 100}, "avif": {"quality": 100}}
    files = []
    for profile in (DISPLAY_P3, ADOBE_RGB, srgb):
        for ending, further in options.items():
            files.append(tmp_path / f"{len(files)}.{ending}")
            Image.fromarray(pixels).save(files[-1], icc_profile=profile, **further)
    files.append(tmp_path / "grey.png")
    Image.fromarray(pixels[..., 0]).save(files[-1], icc_profile=ADOBE_RGB)
    files.append(with_gamma(tmp_path))  # which is no profile
    plain = tmp_path / "plain.avif"
    Image.fromarray(pixels).save(plain, quality=100)
    data = plain.read_bytes()
    at = data.index(b"colrnclx") + 8
    files += [plain, tmp_path / "number.avif"]
    files[-1].write_bytes(data[:at] + b"\0\x0c" + data[at + 2 :])  # Display P3 by its number
    for path, made in zip(files, inputs_of(scripts, files, 40)["crop"], strict=True):
        expected = decode(path, 40).astype(int)
        assert np.abs(np.reshape(made["input"], expected.shape) - expected).max() <= 2, path.name
    assert np.abs(decode(files[0], 40).astype(int) - pixels).max() > 10  # the profile matters


def random_pixels(height, width, channels):
    return np.random.default_rng(height * width).integers(0, 256, (height, width, channels), np.uint8)


def test_an_image_is_as_fit_to_be_scored_as_in_the_android_app(scripts):
    golden = json.loads(ANDROID.read_text())
    cases = golden["quality"]
    images = [list(zlib.decompress(base64.b64decode(case["pixels_zlib_base64"]))) for case in cases]
    limits, measured = scripts.evaluate(
        """async (images) => {
          const { LIMITS, measureQuality } = await import("/quality.js");
          const measured = images.map(([pixels, rows]) => {
            const size = Math.sqrt(pixels.length / 3);
            const part = rows ? { left: 0, right: size, top: rows[0], bottom: rows[1] } : undefined;
            return measureQuality(pixels, size, part);
          });
          return [LIMITS, measured];
        }""",
        [[pixels, case.get("rows")] for pixels, case in zip(images, cases, strict=True)],
    )
    assert list(limits.values()) == list(golden["quality_limits"].values())
    problems = {None: None, "TOO_DARK": "dark", "TOO_BRIGHT": "bright", "BLURRED": "blurred"}
    for own, case in zip(measured, cases, strict=True):
        assert own["problem"] == problems[case["issue"]], case["name"]
        for measure in ("brightness", "clipped", "blur"):
            assert own[measure] == pytest.approx(case[measure], abs=1e-3), (case["name"], measure)
