"""What card and contract say of the geometry, and that the card's Python example does it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinkeras import reports, tflite
from skinkeras.images.geometries import GEOMETRIES
from skinkeras.reports.card import model_card
from skinkeras.reports.card_usage import python_example

MODEL = Path(__file__).parents[2] / "tflite_models" / "melanoma_efficientnet_lite0_224_int8.tflite"


def test_a_record_without_a_geometry_is_of_a_crop_and_its_contract_has_no_such_field(binary):
    told = reports.contract_of(binary)["input"]
    assert "geometry" not in told
    assert told["crop"] == "the largest centred square, resized to the input size (area averaging)"
    assert "0..255: the largest centred square of the image, resized to 224 x 224." in model_card(binary)
    cropped = binary | {"model": binary["model"] | {"geometry": "crop"}}
    assert reports.contract_of(cropped)["input"] == told | {"geometry": "crop"}
    assert model_card(cropped) == model_card(binary)


@pytest.mark.parametrize(
    ("geometry", "crop", "card", "kotlin"),
    [
        (
            "squash",
            "none: the whole image, whatever its shape, resized to the input size (area averaging)",
            "0..255: the whole image, whatever its shape, resized to 224 x 224.",
            'modelInput(lesion, 224, "squash")',
        ),
        (
            "pad",
            "none: the whole image, centred on a black square of its longer side, resized to the input size (area "
            "averaging)",
            "0..255: the whole image, centred on a black square of its longer side, resized to 224 x 224.",
            'modelInput(lesion, 224, "pad")',
        ),
    ],
)
def test_card_and_contract_of_another_geometry_say_so(binary, geometry, crop, card, kotlin):
    binary["model"]["geometry"] = geometry
    reports.check_record(binary)
    contract = reports.contract_of(binary)
    assert (contract["input"]["geometry"], contract["input"]["crop"]) == (geometry, crop)
    text = model_card(binary)
    assert card in text and kotlin in text
    assert f"`modelInput`, which {geometry}{'es' if geometry == 'squash' else 's'} and resizes as in" in text


def test_a_record_of_an_unknown_geometry_is_refused(binary):
    binary["model"]["geometry"] = "turn"
    with pytest.raises(ValueError, match=r"at model\.geometry"):
        reports.check_record(binary)


@pytest.mark.parametrize(
    ("images", "share"), [(1202, "(12 %)"), (3, "(below 1 %)"), (10015, "(100 %)"), (0, None)]
)
def test_the_card_counts_the_images_that_a_crop_cuts(binary, images, share):
    binary["data"]["cut"] = {"images": images, "of": 10015}
    reports.check_record(binary)
    limit = re.search(
        r"drops more than a quarter of ([\d,]+) of the 10,015 images (\(.*?\))", model_card(binary)
    )
    if share is None:
        assert limit is None
    else:
        assert (limit[1], limit[2]) == (f"{images:,}", share)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_the_python_example_gives_the_file_what_the_classifier_gives_it(tmp_path, geometry):
    shutil.copy(MODEL, tmp_path / "model.tflite")
    pixels = np.random.default_rng(5).integers(0, 256, (601, 900, 3), np.uint8)
    pixels[:, :200] //= 3
    Image.fromarray(pixels).save(tmp_path / "lesion.jpg", "PNG")  # OpenCV goes by the content
    example = python_example("model.tflite", 224, ["benign", "malignant"], 0.5, "melanoma", geometry)
    example += "print(repr(float(probabilities[1])))\n"
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    classifier = tflite.Classifier(tmp_path / "model.tflite", geometry=geometry)
    assert float(done.stdout.split()[-1]) == classifier.classify(pixels)[0, 1]
