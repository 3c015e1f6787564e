"""A model measured on somebody's labelled images, as a user asks for it."""

import dataclasses
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from refusals import refused
from sklearn.metrics import recall_score, roc_auc_score

from pipelines import evaluate
from pipelines.common import external_images, external_results, measured_models
from skinkeras import tflite
from skinkeras.images import image_files

RELEASED = Path(__file__).parents[2] / "tflite_models"
MELANOMA, DIAGNOSIS = (
    RELEASED / f"{name}_efficientnet_lite0_224_int8.tflite" for name in ("melanoma", "diagnosis")
)
FLOAT16 = RELEASED / "melanoma_efficientnet_lite0_224_float16.tflite"


@pytest.fixture
def measure(tmp_path):
    """Evaluates a file on a folder; returns the folder of the results and what is in `evaluation.json`."""

    def call(file, folder, *, against=None, recalibrate=False, robustness=False, **data):
        options = evaluate.EvaluationOptions(
            against=against,
            recalibrate=recalibrate,
            robustness=robustness,
            out=tmp_path / "out",
            cache_dir=tmp_path / "cache",
        )
        images = evaluate.ExternalDataOptions(data_dir=folder, **data)
        evaluate.main(evaluate.Settings(file, images, options))
        return tmp_path / "out", json.loads((tmp_path / "out" / "evaluation.json").read_text())

    return call


def table(out):
    return pd.read_csv(out / "predictions.csv")


def test_the_figures_are_those_of_scikit_learn_on_the_predictions(measure, images):
    out, found = measure(MELANOMA, images)
    predictions, metrics = table(out), found["forms"]["int8"]["metrics"]
    malignant = predictions["label"] == "malignant"
    scores = predictions["probability_int8_malignant"]
    threshold = tflite.threshold_of(tflite.read_contract(RELEASED / f"{MELANOMA.stem[:-5]}.json"), "int8")
    assert found["images"] == {"benign": 12, "malignant": 12}
    assert metrics["roc_auc"] == pytest.approx(roc_auc_score(malignant, scores))
    assert metrics["malignant_recall"] == pytest.approx(recall_score(malignant, scores >= threshold))
    assert ((predictions["predicted_int8"] == "malignant") == (scores >= threshold)).all()
    low, high = found["forms"]["int8"]["metrics"]["roc_auc_interval"]
    assert low <= metrics["roc_auc"] <= high


def test_the_section_says_on_which_images_and_what_is_not_known(measure, images, copied):
    out, _ = measure(copied[0], images)  # without the list of its images
    text = (out / "evaluation.md").read_text()
    assert text.startswith("## External validation: ")
    assert "on 24 images (12 benign, 12 malignant)" in text
    assert "Within a source: not measured. The data set does not say where its images come from." in text
    assert "Whether images that the model was trained on are among them is not known." in text
    assert str(images) not in text and "--data-dir DIR" in text
    figures = {path.name for path in (out / "figures").iterdir()}
    assert figures == {"roc.png", "reliability.png", "decision_curve.png", "precision_recall.png"}


def test_a_manifest_brings_sources_and_confirmation(measure, images, tmp_path):
    rows = [
        {
            "image": path,
            "label": path.parent.name,
            "acquisition": "AB"[number % 2],
            "confirmed_by": "histopathology",
        }
        for number, path in enumerate(sorted(images.rglob("*.jpg")))
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "manifest.csv", index=False)
    out, found = measure(MELANOMA, tmp_path, data="manifest")
    strata, predictions = found["forms"]["int8"]["strata"], table(out)
    scores, malignant = predictions["probability_int8_malignant"], predictions["label"] == "malignant"
    by_source = [
        roc_auc_score(malignant[rows], scores[rows])
        for rows in (predictions["acquisition"] == source for source in "AB")
    ]
    assert strata["within_source"]["roc_auc"] == pytest.approx(np.mean(by_source))  # as many pairs in either
    assert strata["confirmed"]["roc_auc"] == pytest.approx(roc_auc_score(malignant, scores))
    assert {row["column"] for row in found["details"]["slices"]} >= {"acquisition", "confirmed_by"}


@pytest.fixture
def copied(tmp_path):
    """The melanoma model alone in a folder, and a function that says which images it was trained on."""
    folder = tmp_path / "model"
    folder.mkdir()
    for path in RELEASED.glob("melanoma_*"):
        shutil.copy(path, folder)

    def trained_on(**columns):
        (folder / "records").mkdir()
        file = folder / "records" / "melanoma_efficientnet_lite0_224.images.csv"
        pd.DataFrame(columns).to_csv(file, index=False)

    return folder / MELANOMA.name, trained_on


def test_training_images_are_left_out_by_id_and_by_content(measure, images, copied, capsys):
    file, trained_on = copied
    renamed = images / "benign" / "benign03.jpg"
    digest = image_files.digest(renamed)
    trained_on(
        image_id=["malignant/malignant05.jpg", "another", "malignant/malignant07.jpg"],
        subset=["train", "validation", "test"],
        digest=["", digest, ""],
    )
    out, found = measure(file, images)
    assert found["left_out"] == {"used in training": 2} and found["training_images"] == "left out"
    assert "2 images used to train the model or to choose its threshold: left out" in capsys.readouterr().out
    names = set(table(out)["image_id"])
    assert len(names) == 22 and "malignant/malignant07.jpg" in names
    assert not names & {"malignant/malignant05.jpg", "benign/benign03.jpg"}
    out, found = measure(file, images, include_training=True)
    assert found["images"] == {"benign": 12, "malignant": 12} and found["training_images"] == "included"
    assert "these figures are too optimistic" in (out / "evaluation.md").read_text()


def test_another_image_of_the_same_name_is_no_training_image(measure, images, copied, capsys):
    file, trained_on = copied
    (images / "benign" / "benign04.jpg").rename(images / "benign" / "ISIC_0024306.jpg")
    trained_on(
        image_id=["malignant/malignant05.jpg", "ISIC_0024306"],
        subset=["train", "train"],
        digest=["0123456789abcdef", "fedcba9876543210"],
    )
    out, found = measure(file, images)
    # An id of the ISIC Archive names one image everywhere, whatever size its file has.
    assert found["left_out"] == {"used in training": 1}
    names = set(table(out)["image_id"])
    assert "malignant/malignant05.jpg" in names and "benign/ISIC_0024306.jpg" not in names
    said = " ".join(capsys.readouterr().out.split())
    assert "1 images have the id of a training image and another content: they count as other images" in said


def test_nothing_is_called_included_where_no_training_image_is_among_them(measure, images, copied):
    file, trained_on = copied
    trained_on(image_id=["another"], subset=["train"], digest=["0123456789abcdef"])
    out, found = measure(file, images, include_training=True)
    assert found["training_images"] == "left out"
    assert "too optimistic" not in (out / "evaluation.md").read_text()


@pytest.mark.parametrize(("threshold", "words"), [(0.5, "fixed in advance"), (38.5 / 256, "chosen on")])
def test_a_threshold_of_a_half_was_chosen_on_no_images(measure, images, copied, threshold, words):
    file, _ = copied
    path = file.with_name("melanoma_efficientnet_lite0_224.json")
    contract = json.loads(path.read_text())
    contract["files"]["int8"]["threshold"] = threshold
    path.write_text(json.dumps(contract))
    out, _ = measure(file, images)
    assert f"Decisions of int8 at threshold {threshold:.4f}, {words}" in (out / "evaluation.md").read_text()


def test_two_lesions_can_be_recalibrated_and_one_cannot(measure, images, tmp_path, capsys):
    paths = sorted(images.rglob("*.jpg"))
    rows = [{"image": path, "label": path.parent.name, "lesion_id": path.parent.name} for path in paths]
    pd.DataFrame(rows).to_csv(tmp_path / "manifest.csv", index=False)
    _, found = measure(MELANOMA, tmp_path, data="manifest", recalibrate=True)
    # Each half has images of one class, from which nothing is fitted.
    before, after = (found["recalibrated"]["test"][when]["brier_score"] for when in ("before", "after"))
    assert after == pytest.approx(before, abs=0.001)  # but for int8 zeros, which count as 1/1024
    pd.DataFrame(rows).assign(patient_id="one").to_csv(tmp_path / "manifest.csv", index=False)
    _, found = measure(MELANOMA, tmp_path, data="manifest", recalibrate=True)
    assert "recalibrated" not in found
    assert "All images are of one lesion or patient" in capsys.readouterr().out


def test_disturbed_images_are_measured_when_asked_for(measure, images):
    out, found = measure(MELANOMA, images, robustness=True)
    first, *disturbed = found["robustness"]
    assert first["title"] == "undisturbed" and {row["n"] for row in found["robustness"]} == {24}
    assert first["roc_auc"] == pytest.approx(found["forms"]["int8"]["metrics"]["roc_auc"])
    assert all(0 <= row["changed"] <= 1 for row in disturbed)
    assert "| mirrored left to right |" in (out / "evaluation.md").read_text()
    assert (out / "figures" / "robustness.png").is_file()


def test_two_files_are_compared_on_the_same_images(measure, images):
    _, found = measure(MELANOMA, images, against=MELANOMA)
    assert {row["value"] for row in found["against"]["differences"].values()} == {0.0}
    out, found = measure(MELANOMA, images, against=FLOAT16, recalibrate=True)
    difference = found["against"]["differences"]["roc_auc"]
    assert difference["low"] <= difference["value"] <= difference["high"]
    assert set(found["recalibrated"]["test"]) == {"before", "after"}
    assert "Fitted to images like these" in (out / "evaluation.md").read_text()


def test_models_of_two_geometries_are_compared_on_images_that_both_can_read(images, tmp_path):
    model = measured_models.read_model(MELANOMA)
    for path in images.rglob("*.jpg"):
        cv2.imwrite(str(path), cv2.imread(str(path))[:, :40])
    other = dataclasses.replace(model, geometry="squash")  # the same of square images
    found = external_images.load(evaluate.ExternalDataOptions(data_dir=images), model, tmp_path)
    (images / "malignant" / "malignant05.jpg").unlink()
    differences = external_results.compared(model, other, found, tmp_path)["differences"]
    assert {row["value"] for row in differences.values()} == {0.0}


def test_labels_are_mapped_by_name_by_title_and_as_asked(measure, folder_of_images):
    folder = folder_of_images("NV", "Melanoma", "wart", "scar")
    out, found = measure(DIAGNOSIS, folder, map=("wart=bkl", "scar="))
    assert found["images"] == {"akiec": 0, "bcc": 0, "bkl": 12, "df": 0, "mel": 12, "nv": 12, "vasc": 0}
    assert found["left_out"] == {"unmapped": 12}
    metrics = found["forms"]["int8"]["metrics"]
    assert metrics["left_out"] == ["akiec", "bcc", "df", "vasc"]
    predictions = table(out)
    right = predictions["label"] == predictions["predicted_int8"]
    of_classes = right.groupby(predictions["label"]).mean()
    assert metrics["accuracy"] == pytest.approx(right.mean())
    assert metrics["balanced_accuracy"] == pytest.approx(of_classes.mean())


def test_other_classes_are_benign_unless_they_are_named(measure, folder_of_images):
    folder = folder_of_images("mel", "nv", "bcc")
    _, found = measure(MELANOMA, folder, positive=("MEL",))
    assert found["images"] == {"benign": 24, "malignant": 12}
    assert {row["diagnosis"]: row["n"] for row in found["details"]["diagnoses"]} == {
        "mel": 12,
        "nv": 12,
        "bcc": 12,
    }
    _, found = measure(MELANOMA, folder, positive=("mel", "bcc"))
    assert found["images"] == {"benign": 12, "malignant": 24}


@pytest.mark.parametrize(
    ("classes", "file", "words", "sentence"),
    [
        (("benign", "other"), MELANOMA, (), "Which of benign, other are malignant is not known"),
        (("nv", "mel", "scc"), DIAGNOSIS, (), r"has no class for scc \(12 images\): pass --map scc=CLASS"),
        (
            ("nv", "mel"),
            DIAGNOSIS,
            ("--map", "scc=mel"),
            r"--map scc=...: 'scc' is not a class of this data: mel, nv",
        ),
        (
            ("nv", "mel"),
            DIAGNOSIS,
            ("--map", "nv=wart"),
            r"--map nv=wart: 'wart' is not a class of diagnosis_",
        ),
        (("nv", "mel"), DIAGNOSIS, ("--map", "nv"), r"--map takes LABEL=CLASS, each label once"),
        (("benign", "malignant"), MELANOMA, ("--map", "malignant=benign"), "All 24 images are benign"),
        (
            ("benign", "malignant"),
            MELANOMA,
            ("--map", "malignant=", "benign="),
            "None of the 24 images is left",
        ),
        (("benign", "malignant"), MELANOMA, ("--subset", "test"), "gives no split. Leave --subset out"),
        (
            ("benign", "malignant"),
            MELANOMA,
            ("--against", DIAGNOSIS),
            "only models of the same classes can be compared",
        ),
        (
            ("benign", "malignant"),
            MELANOMA,
            ("--against", "nowhere.tflite"),
            "There is no file or folder nowhere.tflite",
        ),
    ],
)
def test_images_that_do_not_fit_the_model_are_refused(
    monkeypatch, capsys, tmp_path, folder_of_images, classes, file, words, sentence
):
    import re

    folder = folder_of_images(*classes)
    rest = ("--data-dir", folder, "--out", tmp_path / "out", "--cache-dir", tmp_path / "cache")
    text = refused(monkeypatch, capsys, evaluate, file, *rest, *words)
    assert re.search(sentence, " ".join(text.split())), text
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("nothing.tflite", "There is no file or folder"),
        ("notes.txt", "is not a .tflite file: name one, or the folder of a complete run"),
        ("empty", "holds no complete run"),
        ("broken.tflite", "broken.tflite"),
    ],
)
def test_what_is_no_model_is_refused(monkeypatch, capsys, tmp_path, images, model, sentence):
    (tmp_path / "notes.txt").write_text("a model")
    (tmp_path / "broken.tflite").write_bytes(b"TFL3" * 10)
    (tmp_path / "empty").mkdir()
    rest = ("--data-dir", images, "--out", tmp_path / "out", "--cache-dir", tmp_path / "cache")
    text = refused(monkeypatch, capsys, evaluate, tmp_path / model, *rest)
    assert sentence in " ".join(text.split())


def test_a_folder_of_something_else_is_left_alone(monkeypatch, capsys, tmp_path, images):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    rest = ("--data-dir", images, "--out", tmp_path / "out", "--cache-dir", tmp_path / "cache")
    assert "holds no evaluation: choose another --out" in " ".join(
        refused(monkeypatch, capsys, evaluate, MELANOMA, *rest).split()
    )
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.tex"]
