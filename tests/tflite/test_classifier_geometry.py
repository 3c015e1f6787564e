"""A file's json says what of an image it takes: read by `Classifier` and `predict`, and written by the reports."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinkeras import tflite
from skinkeras.images.decoding import decode
from skinkeras.images.geometries import GEOMETRIES

ROOT = Path(__file__).parents[2]
NAME = "melanoma_efficientnet_lite0_224"


@pytest.fixture
def released(tmp_path):
    """Copies of a released file and its json; calling it changes the json's geometry (None: there is no json)."""
    file, beside = tmp_path / f"{NAME}_int8.tflite", tmp_path / f"{NAME}.json"
    shutil.copy(ROOT / "tflite_models" / file.name, file)
    contract = json.loads((ROOT / "tflite_models" / beside.name).read_text())

    def with_geometry(geometry):
        if geometry is not None:
            told = contract | {"input": contract["input"] | {"geometry": geometry}}
            beside.write_text(json.dumps(told))
        else:
            beside.unlink(missing_ok=True)
        return file

    beside.write_text(json.dumps(contract))
    with_geometry.path = file
    return with_geometry


@pytest.fixture
def wide(tmp_path):
    path = tmp_path / "wide.png"
    lesion = tflite.golden_images(300)["crossed"]  # an image of which the model is unsure
    pixels = np.concatenate([lesion[:, -100:], lesion, lesion[:, :100]], axis=1)
    pixels[:, :80] //= 4
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_the_json_beside_a_file_decides_and_a_keyword_overrules_it(released, wide, geometry):
    classifier = tflite.Classifier(released(geometry))
    assert classifier.geometry == geometry
    expected = decode(wide, 224, geometry)
    for image in (wide, Image.open(wide), np.asarray(Image.open(wide))):
        assert np.array_equal(classifier.prepare(image), expected)
    for other in GEOMETRIES:
        overruled = tflite.Classifier(released.path, geometry=other)
        assert np.array_equal(overruled.prepare(wide), decode(wide, 224, other))


def test_without_a_json_or_a_geometry_in_it_images_are_cropped(released, wide):
    cropped = decode(wide, 224, "crop")
    assert np.array_equal(tflite.Classifier(released.path).prepare(wide), cropped)
    assert np.array_equal(tflite.Classifier(released(None)).prepare(wide), cropped)


def test_a_geometry_that_there_is_not_is_refused(released):
    with pytest.raises(ValueError, match=r"must be one of crop, squash, pad\. Received: 'turn'\."):
        tflite.Classifier(released.path, geometry="turn")
    with pytest.raises(
        ValueError, match=r'input\.geometry must be "crop", "squash" or "pad"; it is "turn"\.'
    ):
        tflite.Classifier(released("turn")).prepare(np.zeros((300, 300, 3), np.uint8))


def test_a_json_that_cannot_be_read_matters_only_where_the_geometry_does(released):
    file = released.path
    file.with_name(f"{NAME}.json").write_text("{")
    classifier = tflite.Classifier(file)
    assert classifier.predict(np.zeros((1, 224, 224, 3))).shape == (1, 2)
    with pytest.raises(ValueError, match="is not JSON"):
        classifier.prepare(np.zeros((300, 300, 3), np.uint8))


def test_predict_takes_the_geometry_of_the_json_and_a_flag_overrules_it(released, wide):
    def predict(*words):
        command = [sys.executable, "-m", "pipelines.predict", str(released.path), str(wide), *words]
        done = subprocess.run(
            [*command, "--format", "json"], capture_output=True, text=True, cwd=ROOT, check=True
        )
        return json.loads(done.stdout)["images"][0]["probabilities"]["malignant"]

    def answer(geometry):
        return float(tflite.Classifier(released.path).predict(decode(wide, 224, geometry)[None])[0, 1])

    released("squash")
    assert predict() == pytest.approx(answer("squash"))
    assert predict("--geometry", "pad") == pytest.approx(answer("pad"))
    assert len({answer(geometry) for geometry in GEOMETRIES}) == 3
