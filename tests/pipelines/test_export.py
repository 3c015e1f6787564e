"""Exporting what has been trained before: a run's folder, or a Keras file."""

import dataclasses
import json
import re
import shutil
import zipfile

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pipelines import binary, export
from pipelines.common import export as common_export
from pipelines.common.console import UsageError
from pipelines.common.options import build, request_of
from pipelines.common.run_folder import RunFolder
from skinkeras import datasets, quantization, tflite
from skinkeras.errors import RunError

SIZE = 32


def small_model(classes=3, size=SIZE, activation="softmax"):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((size, size, 3)),
            keras.layers.Rescaling(1 / 127.5, -1),
            keras.layers.Conv2D(8, 3, 2, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(classes, activation=activation),
        ]
    )


def functional(model):
    return keras.Model(model.inputs[0], model.outputs[0])


def quantized(model):
    made = quantization.quantize(functional(model))
    noise = np.random.default_rng(0).uniform(0, 255, (64, SIZE, SIZE, 3)).astype("float32")
    quantization.calibrate(made, [noise])
    return made


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "mole.keras"
    small_model().save(path)
    return path


def files_in(folder):
    return sorted(path.name for path in folder.glob("**/*") if path.is_file())


def test_a_keras_file_becomes_float_files_with_its_labels(saved, tmp_path):
    out = tmp_path / "out"
    export.main(export.Settings(saved, out=out, labels=("a", "b", "c"), licence="CC0"))
    assert files_in(out) == ["mole.labels.txt", "mole_float16.tflite", "mole_float32.tflite"]
    assert (out / "mole.labels.txt").read_text() == "a\nb\nc\n"
    metadata = tflite.read_metadata(out / "mole_float32.tflite")
    assert (metadata.labels, metadata.info.licence) == (("a", "b", "c"), "CC0")
    images = list(tflite.golden_images(SIZE).values())
    expected = small_model().predict(np.stack(images).astype("float32"), verbose=0)
    answers = tflite.Classifier(out / "mole_float32.tflite").classify(images)
    np.testing.assert_allclose(answers, expected, atol=1e-5)


def test_integers_for_the_weights_alone_are_a_choice(saved, tmp_path, capsys):
    out = tmp_path / "out"
    kinds = ("weight_int8", "float32", "weight_int8")
    export.main(export.Settings(saved, out=out, labels=("a", "b", "c"), kinds=kinds))
    assert files_in(out) == ["mole.labels.txt", "mole_float32.tflite", "mole_weight_int8.tflite"]
    assert "weight_int8: agrees with Keras on 100.00% of 4 images" in capsys.readouterr().out


@pytest.mark.parametrize("io", ["float32", "uint8"])
def test_a_quantized_keras_file_becomes_an_int8_file(tmp_path, io):
    path, labels = tmp_path / "mole.keras", tmp_path / "labels.txt"
    quantized(small_model()).save(path)
    labels.write_text("a\nb\nc\n")
    export.main(export.Settings(path, labels=(str(labels),), name="other", io=io))
    assert files_in(tmp_path / "exported") == ["other.labels.txt", "other_int8.tflite"]
    report = tflite.verify(
        tmp_path / "exported" / "other_int8.tflite",
        keras.models.load_model(path),
        np.stack(list(tflite.golden_images(SIZE).values())).astype("float32"),
    )
    assert (report.int8_share, report.float_islands, report.input_dtype) == (1, (), io)


def test_real_images_are_compared_if_named(saved, tmp_path, capsys):
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (50, 60, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    export.main(export.Settings(saved, labels=("a", "b", "c"), images=(tmp_path,)))
    assert "agrees with Keras on 100.00% of 4 images" in capsys.readouterr().out


@keras.saving.register_keras_serializable("somewhere_else")
class Unknown(keras.layers.Layer):
    def call(self, x):
        return x


def unknown_layer(path):
    image = keras.Input((SIZE, SIZE, 3))
    keras.Model(image, small_model()(Unknown()(image))).save(path)
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = (
        members["config.json"].replace(b"Unknown", b"Missing").replace(b"unknown", b"missing")
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert path.read_bytes() != data


def scores_of(model, activation):
    last = keras.layers.Dense(3, activation=activation)
    return keras.Sequential([keras.Input((SIZE, SIZE, 3)), *model.layers, last])


def cut_off(path):
    small_model().save(path)
    path.write_bytes(path.read_bytes()[:-500])


@pytest.mark.parametrize(
    ("make", "labels", "message"),
    [
        (unknown_layer, "abc", "cannot be loaded as a Keras model of known layers"),
        (cut_off, "abc", "is damaged: copy it again, or save it again"),
        (lambda path: path.write_text("no model"), "abc", "is damaged: copy it again, or save it again"),
        (lambda path: None, "abc", "There is no file or folder"),
        (lambda path: None, "", "There is no file or folder"),
        (lambda path: small_model().save(path), "ab", r"output of shape \(3,\), and there are 2 labels"),
        (lambda path: small_model().save(path), "", "--labels is missing"),
        (lambda path: small_model().save(path), "aab", "Labels must be different"),
        (lambda path: small_model(size=None).save(path), "abc", "a classifier of images takes one"),
        (
            lambda path: keras.Sequential([keras.layers.Dense(3)]).save(path),
            "abc",
            "is a model that has no inputs",
        ),
        (
            lambda path: small_model().save(path),
            "a",
            r"A classifier has two or more labels\. Received: \['a'\]",
        ),
        (
            lambda path: scores_of(small_model(), "sigmoid").save(path),
            "abc",
            "does not give one probability a label, which sum to 1",
        ),
        (
            lambda path: scores_of(small_model(), "linear").save(path),
            "abc",
            "end it with a softmax",
        ),
        (
            lambda path: keras.Sequential([keras.Input((16,)), keras.layers.Dense(3)]).save(path),
            "abc",
            r"takes \[\(None, 16\)\]",
        ),
    ],
)
def test_what_cannot_be_exported_is_one_sentence_and_nothing_is_written(tmp_path, make, labels, message):
    path, out = tmp_path / "model.keras", tmp_path / "out"
    make(path)
    with pytest.raises(UsageError, match=message) as refused:
        export.main(export.Settings(path, out=out, labels=tuple(labels)))
    assert "\n" not in str(refused.value)
    assert not out.exists()


def test_a_file_that_is_exported_already_is_refused(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"TFL3")
    with pytest.raises(UsageError, match=r"model\.tflite is a \.tflite file already"):
        export.main(export.Settings(path, labels=("a", "b")))


def test_a_quantized_model_has_no_other_kinds(tmp_path):
    path = tmp_path / "mole.keras"
    quantized(small_model()).save(path)
    with pytest.raises(UsageError, match="becomes int8 alone"):
        export.main(export.Settings(path, labels=("a", "b", "c"), kinds=("weight_int8",)))
    assert files_in(tmp_path) == ["mole.keras"]


def test_uint8_needs_a_quantized_model(saved):
    with pytest.raises(UsageError, match="--io uint8 needs a quantized model"):
        export.main(export.Settings(saved, labels=("a", "b", "c"), io="uint8"))


def of_scaled_pixels():
    """A model that was trained on images divided by 255 in the data pipeline."""
    model = small_model()
    return keras.Sequential([keras.Input((SIZE, SIZE, 3)), *model.layers[1:]])


def test_a_model_that_nothing_gives_its_range_comes_with_a_warning(saved, tmp_path, capsys):
    path = tmp_path / "scaled.keras"
    of_scaled_pixels().save(path)
    export.main(export.Settings(path, labels=("a", "b", "c"), kinds=("float32",)))
    assert "export it with --input-range 0 1 or -1 1" in " ".join(capsys.readouterr().out.split())
    export.main(export.Settings(saved, labels=("a", "b", "c"), kinds=("float32",)))
    assert "input-range" not in capsys.readouterr().out


def test_the_range_of_training_is_put_into_the_file(tmp_path, capsys):
    path, model = tmp_path / "scaled.keras", of_scaled_pixels()
    model.save(path)
    export.main(export.Settings(path, labels=("a", "b", "c"), kinds=("float32",), input_range=(-1, 1)))
    assert "Warning" not in capsys.readouterr().out
    images = list(tflite.golden_images(SIZE).values())
    expected = model.predict(np.stack(images) / 127.5 - 1, verbose=0)
    answers = tflite.Classifier(tmp_path / "exported" / "scaled_float32.tflite").classify(images)
    np.testing.assert_allclose(answers, expected, atol=1e-4)


def test_an_input_range_that_cannot_be_is_refused(saved, tmp_path):
    path = tmp_path / "quantized.keras"
    quantized(small_model()).save(path)
    for source, limits, message in (
        (path, (0, 1), "quantized and takes pixels of 0 to 255"),
        (saved, (1, 0), "low < high"),
    ):
        with pytest.raises(UsageError, match=message):
            export.main(export.Settings(source, labels=("a", "b", "c"), input_range=limits))


def test_a_file_that_disagrees_is_not_written(saved, tmp_path, monkeypatch):
    # What is compared is another model than what is converted, as if the converter had gone wrong.
    other = functional(small_model())
    other.set_weights([-3 * weight for weight in other.get_weights()])
    convert = tflite.convert
    monkeypatch.setattr(tflite, "convert", lambda model, kind, io: convert(other, kind, io))
    with pytest.raises(tflite.VerificationError, match="The float32 file disagrees"):
        export.main(export.Settings(saved, out=tmp_path / "out", labels=("a", "b", "c")))
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory):
    """A run as it is left behind, with small models in the place of trained ones."""
    root = tmp_path_factory.mktemp("runs")
    data = root / "images"
    for name, grey in (("benign", 180), ("malignant", 60)):
        (data / name).mkdir(parents=True)
        for number in range(20):
            pixels = np.random.default_rng(number + grey).integers(grey, grey + 60, (40, 50, 3), np.uint8)
            Image.fromarray(pixels).save(data / name / f"{name}{number}.png")
    values = {"data": "folder", "data_dir": data, "image_size": SIZE, "weights": "none", "out": root / "run"}
    settings = binary.resolved(build(binary.Settings, values))
    folder = RunFolder(root / "run")
    folder.begin(request_of("binary", settings))
    manifest = datasets.image_folder(data)
    datasets.save_split(manifest, datasets.split(manifest, "grouped", 0), folder.file("split.csv"))
    model = small_model(classes=2)
    functional(model).save(folder.file("model.keras"))
    quantized(model).save(folder.file("model_qat.keras"))
    return folder.path


def test_a_run_is_exported_again_and_compared_on_its_validation_images(finished_run, tmp_path, capsys):
    export.main(export.Settings(finished_run, out=tmp_path / "out"))
    name = "melanoma_efficientnet_lite0_32"
    kinds = [f"{name}_{kind}.tflite" for kind in ("float16", "float32", "int8")]
    assert files_in(tmp_path / "out") == [f"{name}.labels.txt", *kinds]
    assert tflite.read_labels(tmp_path / "out" / "export" / kinds[2]) == ("benign", "malignant")
    split = pd.read_csv(finished_run / "split.csv")["split"].value_counts()
    assert split["validation"] != split["test"]
    assert f"of {split['validation']} validation images" in capsys.readouterr().out
    assert not (finished_run / "export").exists()


def test_a_run_needs_nothing_again_that_only_its_training_needed(finished_run, tmp_path):
    moved = tmp_path / "run"
    shutil.copytree(finished_run, moved)
    config = moved / "config.yaml"
    config.write_text(config.read_text().replace("weights: none", f"weights: {tmp_path / 'gone.weights.h5'}"))
    export.main(export.Settings(moved))
    assert len(list((moved / "exported" / "export").glob("*.tflite"))) == 3


def test_integers_that_are_refused_leave_a_table_of_the_layers(finished_run, tmp_path, monkeypatch):
    strict = dataclasses.replace(tflite.TOLERANCES["int8"], max_difference=-1.0)
    monkeypatch.setitem(tflite.TOLERANCES, "int8", strict)
    with pytest.raises(RunError, match=r"layer_noise\.csv says which layers add most"):
        export.main(export.Settings(finished_run, out=tmp_path / "out"))
    table = pd.read_csv(tmp_path / "out" / "layer_noise.csv")
    assert {"layer", "own", "total"} == set(table.columns)
    assert table["own"].is_monotonic_increasing
    name = "melanoma_efficientnet_lite0_32"
    assert (tmp_path / "out" / "export" / f"{name}_float16.tflite").exists()
    assert not (tmp_path / "out" / "export" / f"{name}_int8.tflite").exists()
    # The best file that passes: a quarter of the size of float32, apart from what is no weight.
    smaller = tmp_path / "out" / "export" / f"{name}_weight_int8.tflite"
    assert tflite.read_labels(smaller) == ("benign", "malignant")
    monkeypatch.setitem(tflite.TOLERANCES, "weight_int8", strict)
    with pytest.raises(RunError) as refused:
        export.main(export.Settings(finished_run, out=tmp_path / "neither"))
    assert "In its place" not in str(refused.value)
    assert not list((tmp_path / "neither" / "export").glob("*_weight_int8.tflite"))


def test_a_run_without_integers_is_fine_tuned_first_and_stays_as_it_is(finished_run, tmp_path):
    run, out = tmp_path / "run", tmp_path / "out"
    shutil.copytree(finished_run, run)
    (run / "model_qat.keras").unlink()
    plain = small_model(classes=2, activation=None)
    probabilities = keras.layers.Softmax(name="probs")(plain.outputs[0])  # as the models of a job end
    keras.Model(plain.inputs[0], probabilities).save(run / "model.keras")
    config = (run / "config.yaml").read_text()
    for name in ("qat_epochs", "qat_learning_rate"):
        config = re.sub(rf"^( +){name}: .*$", rf"\1{name}: null", config, flags=re.MULTILINE)
    config = re.sub(r"^( +)calibration: .*$", r"\1calibration: none", config, flags=re.MULTILINE)
    config = config.replace("export: true", "export: false").replace("target: diagnosis", "target: binary")
    (run / "config.yaml").write_text(config)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    export.main(export.Settings(run, out=out, qat_epochs=1))
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    name = "melanoma_efficientnet_lite0_32"
    assert {path.name for path in (out / "export").glob("*.tflite")} == {
        f"{name}_{kind}.tflite" for kind in ("float16", "float32", "int8")
    }
    assert quantization.is_quantized(keras.models.load_model(out / "model_qat.keras", compile=False))
    # The fine-tuned model is kept, and is not made again.
    made = (out / "model_qat.keras").stat().st_mtime_ns
    export.main(export.Settings(run, out=out, qat_epochs=1))
    assert (out / "model_qat.keras").stat().st_mtime_ns == made


def test_epochs_of_fine_tuning_are_refused_where_they_have_no_effect(finished_run, saved):
    with pytest.raises(UsageError, match="--qat-epochs has no effect"):
        export.main(export.Settings(finished_run, qat_epochs=1))
    with pytest.raises(UsageError, match="--qat-epochs belongs to a run"):
        export.main(export.Settings(saved, labels=("a", "b", "c"), qat_epochs=1))


def test_the_models_of_every_split_are_exported(tmp_path, monkeypatch):
    run = tmp_path / "run"
    for folder in (run, run / "repeat_2"):
        folder.mkdir(parents=True)
    (run / "model.keras").write_bytes(b"")
    monkeypatch.setattr(export, "check_archive", lambda *_: None)
    with pytest.raises(ValueError, match=r"repeat_2 has no model\.keras"):
        export.trained_repeats(run)
    (run / "repeat_2" / "model.keras").write_bytes(b"")
    assert [(number, folder.path) for number, folder in export.trained_repeats(run)] == [
        (1, run),
        (2, run / "repeat_2"),
    ]


def test_integers_that_lose_much_are_told_of(finished_run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(common_export, "MOST_LOST", -1.0)
    export.main(export.Settings(finished_run, out=tmp_path / "out"))
    assert "Integers lose 0.000 of the float model's AUC" in capsys.readouterr().out.replace("\n", " ")
    assert (tmp_path / "out" / "layer_noise.csv").exists()


def test_a_folder_without_a_run_is_refused(tmp_path, finished_run):
    with pytest.raises(UsageError, match="holds no run"):
        export.main(export.Settings(tmp_path))
    (tmp_path / "config.yaml").write_text(json.dumps({"settings": {"flavour": 1}}))
    with pytest.raises(UsageError, match="is the record of a job that is not known here"):
        export.main(export.Settings(tmp_path))
    for wrong in ({"labels": ("a", "b")}, {"io": "uint8"}, {"licence": "CC0"}):
        with pytest.raises(UsageError, match=rf"--{next(iter(wrong))} belongs to a \.keras file"):
            export.main(export.Settings(finished_run, **wrong))
    with pytest.raises(UsageError, match="nowhere: check --data-dir"):
        export.main(export.Settings(finished_run, data_dir=tmp_path / "nowhere"))
