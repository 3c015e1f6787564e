"""Released models as presets: what is read from their files, and what is refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from eager import answers

from skinkeras import models, tflite
from skinkeras.models import preset_table
from skinkeras.models.released import load_preset

RELEASED = Path(__file__).parents[2] / "tflite_models"
NAMES = sorted(path.stem for path in RELEASED.glob("*.json"))
MELANOMA = "melanoma_efficientnet_lite0_224"


def contract_of(name):
    return json.loads((RELEASED / f"{name}.json").read_text())


def copied(name, folder, change=lambda contract: None, kinds=("float16",)):
    """The path of a released model's json in another folder, changed, with its files beside it."""
    contract = contract_of(name)
    change(contract)
    path = folder / f"{contract['name']}.json"
    path.write_text(json.dumps(contract))
    for kind in kinds:
        shutil.copy(RELEASED / contract["files"][kind]["file"], folder)
    return path


def test_every_released_model_is_a_preset_with_its_contracts_facts():
    assert list(models.presets()) == NAMES and MELANOMA in NAMES
    for name, preset in models.presets().items():
        contract = contract_of(name)
        assert preset.classes == tuple(contract["classes"])
        assert [1, preset.input_size, preset.input_size, 3] == contract["input"]["shape"]
        assert preset.weights.name == contract["files"]["float16"]["file"]
        assert preset.model == "efficientnet_lite0"
        assert "\n" not in preset.description and contract["task"] in preset.description


def test_names_of_presets_need_neither_keras_nor_tensorflow():
    code = f"import sys\nfrom skinkeras import models\nmodels.presets(), models.find_preset({MELANOMA!r})\n"
    code += f"models.check_available('efficientnet_lite0', {MELANOMA!r})\n"
    code += "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture(scope="module", params=NAMES)
def released(request):
    """(preset, the Keras model)"""
    return models.presets()[request.param], models.EfficientNetLite0.from_preset(request.param)


@pytest.mark.slow
def test_the_keras_model_answers_as_the_float16_file(released):
    preset, model = released
    rng = np.random.default_rng(0)
    size = preset.input_size
    images = [*tflite.golden_images(size).values(), rng.integers(0, 256, (size, size, 3), dtype="uint8")]
    expected = tflite.Classifier(preset.weights).predict(np.stack(images))
    assert answers(model, np.stack(images).astype("float32")) == pytest.approx(expected, abs=2e-5)


@pytest.mark.slow
def test_the_keras_model_gives_the_contracts_golden_predictions(released):
    preset, model = released
    images = tflite.golden_images(preset.input_size)
    golden = contract_of(preset.name)["files"]["float16"]["golden"]["pictures"]
    for entry in golden:
        found = answers(model, images[entry["name"]][None].astype("float32"))[0]
        assert found == pytest.approx(entry["probabilities"], abs=1e-3)


@pytest.mark.slow
def test_training_a_rebuilt_model_leaves_its_function_in_place(released):
    """Batch statistics would be far from the mean of 0 and variance of 1 that stand in for the folded ones."""
    preset, model = released
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert norms and not any(norm.trainable for norm in norms)
    # The next blocks are dropped at random in training.
    features = keras.Model(model.input, model.get_layer("block2a_project_bn").output)
    images = np.stack(list(tflite.golden_images(preset.input_size).values())).astype("float32")
    in_training = np.asarray(features(images, training=True))
    assert in_training == pytest.approx(answers(features, images), abs=1e-3)


@pytest.mark.slow
def test_a_json_anywhere_with_its_files_is_a_preset(tmp_path):
    path = copied(MELANOMA, tmp_path)
    model = models.EfficientNetLite0.from_preset(path, dropout=0.45)
    assert model.output_shape == (None, 2)
    assert model.get_layer("dropout").rate == 0.45


def test_another_architecture_is_refused_with_the_right_constructor():
    with pytest.raises(ValueError, match=r"is no VGG16: use models\.EfficientNetLite0\.from_preset"):
        models.VGG16.from_preset(MELANOMA)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("melanoma_efficientnet_lite0_225", f"Did you mean {MELANOMA}"),
        ("x", "Choose one of .*or a NAME.json"),
    ],
)
def test_an_unknown_preset_is_answered_with_the_known_ones(name, answer):
    with pytest.raises(ValueError, match=f"There is no preset '{name}'. {answer}"):
        models.find_preset(name)


def test_without_a_checkout_the_sentence_says_where_presets_come_from(tmp_path, monkeypatch):
    monkeypatch.setattr(preset_table, "RELEASED", tmp_path / "site-packages/tflite_models")
    assert models.presets() == {}
    with pytest.raises(ValueError, match=r"come with a checkout of the project.*path of a NAME\.json"):
        models.find_preset(MELANOMA)


def test_files_that_do_not_fit_their_json_are_refused(tmp_path):
    path = copied(MELANOMA, tmp_path)
    file = models.find_preset(path).weights
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="sha256 differs"):
        load_preset(path)
    file.unlink()
    with pytest.raises(ValueError, match=f"no float file beside .*{MELANOMA}_float16.tflite"):
        models.find_preset(path)


@pytest.mark.parametrize("name", ["mine", "melanoma_resnet50_224", "melanoma_efficientnet_lite0_225"])
def test_a_name_that_says_no_model_is_refused(name, tmp_path):
    path = copied(MELANOMA, tmp_path, lambda contract: contract.update(name=name), kinds=())
    with pytest.raises(ValueError, match=rf"{name} does not end in one of models\.model_names\(\)"):
        models.find_preset(path)


def test_the_longest_name_of_a_model_counts(tmp_path):
    name = "melanoma_hierarchical_efficientnet_lite0_224"
    path = copied(MELANOMA, tmp_path, lambda contract: contract.update(name=name))
    assert models.find_preset(path).model == "hierarchical_efficientnet_lite0"
    with pytest.raises(ValueError, match="only models with a dense classifier"):
        load_preset(path)


@pytest.mark.slow
def test_a_file_that_computes_something_else_is_refused(tmp_path):
    """The same kernels behind Shades of Gray."""
    preset = models.find_preset(MELANOMA)
    model = load_preset(MELANOMA)
    constant = models.create("efficientnet_lite0", 7, input_size=224, weights="none", colour_constancy=True)
    constant.set_weights(model.get_weights()[:-1])
    data = tflite.convert(
        keras.Model(constant.input, model.get_layer("merge")(constant.output)), kind="float16"
    )
    file = tmp_path / preset.weights.name
    file.write_bytes(tflite.add_metadata(data, contract_of(MELANOMA)["classes"], _model_info()))
    path = copied(
        MELANOMA,
        tmp_path,
        lambda contract: contract["files"]["float16"].update(sha256=tflite.contract.sha256(file)),
        kinds=(),
    )
    with pytest.raises(ValueError, match="does not answer as a plain efficientnet_lite0"):
        load_preset(path)


def _model_info():
    return tflite.read_metadata(models.find_preset(MELANOMA).weights).info
