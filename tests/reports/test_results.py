"""The results of finished runs, as this version and the released one left them."""

import json

import numpy as np
import pandas as pd
import pytest

from skinkeras import reports

IDS = {"image_id": ["007", "NA"], "image": ["a/007.jpg", "NA.jpg"], "group": ["1", "nan"]}
MALIGNANT = np.array([0.25, 0.75])
BINARY = np.stack([1 - MALIGNANT, MALIGNANT], axis=1)


def check_images(images, labels):
    """Identifiers stay text, whatever they look like."""
    assert list(images.columns) == ["image_id", "image", "group", "label"]
    assert images["image_id"].tolist() == IDS["image_id"]
    assert images["group"].tolist() == IDS["group"]
    assert images["label"].tolist() == labels


def write(folder, metrics, tables):
    """A run's folder of `metrics.json` and of tables: {path: DataFrame}."""
    (folder / "metrics.json").write_text(json.dumps(metrics))
    for place, table in tables.items():
        (folder / place).parent.mkdir(exist_ok=True)
        table.to_csv(folder / place, index=False)


def test_the_table_of_predictions_has_every_probability_and_decision():
    images = pd.DataFrame({**IDS, "label": ["benign", "malignant"]})
    table = reports.predictions_table(
        images, ("benign", "malignant"), {"float": BINARY, "int8": BINARY}, {"float": [1, 1], "int8": [0, 1]}
    )
    assert list(table.columns) == [
        *("image_id", "image", "group", "label"),
        *("probability_float_benign", "probability_float_malignant", "predicted_float"),
        *("probability_int8_benign", "probability_int8_malignant", "predicted_int8"),
    ]
    assert table["predicted_float"].tolist() == ["malignant", "malignant"]
    assert table["predicted_int8"].tolist() == ["benign", "malignant"]


def test_a_binary_run_is_read_back(binary, tmp_path):
    forms = binary["repeats"][0]["forms"]
    images = pd.DataFrame({**IDS, "label": ["benign", "malignant"]})
    probabilities = {form: BINARY + 1e-9 for form in forms}
    table = reports.predictions_table(
        images, ("benign", "malignant"), probabilities, dict.fromkeys(forms, np.array([0, 1]))
    )
    reports.render_run(binary, tmp_path)
    table.to_csv(tmp_path / "predictions.csv", index=False)
    results = reports.read_results(tmp_path)
    assert (results.classes, results.synthetic, results.mean) == (("benign", "malignant"), False, None)
    assert results.counts["train"] == {"benign": 4234, "malignant": 541}
    (repeat,) = results.repeats
    check_images(repeat.images, ["benign", "malignant"])
    for form in ("float", "QAT", "int8"):
        np.testing.assert_array_equal(repeat.probabilities[form], BINARY + 1e-9)
        assert repeat.metrics[form] == forms[form]["metrics"]
        assert repeat.metrics_at_half[form] == forms[form]["metrics_at_half"]


@pytest.mark.parametrize("second", ["repeat_2", "split_2"])
def test_a_run_of_several_repeats_is_read_back(diagnosis, tmp_path, second):
    """Also one that the released version began: its repeats lie in folders of their own."""
    reports.render_run(diagnosis, tmp_path)
    classes, images = diagnosis["model"]["classes"], pd.DataFrame({**IDS, "label": ["mel", "nv"]})
    first = "split_1/" if second == "split_2" else ""
    for number, place in enumerate((first, f"{second}/"), 1):
        (tmp_path / place).mkdir(exist_ok=True)
        probabilities = {"float": np.full((2, 3), number / 8)}
        table = reports.predictions_table(images, classes, probabilities, {"float": np.array([0, 2])})
        table.to_csv(tmp_path / place / "predictions.csv", index=False)
    results = reports.read_results(tmp_path)
    assert results.classes == ("mel", "nv", "vasc")
    assert results.mean == diagnosis["mean"]
    assert [repeat.probabilities["float"][0, 0] for repeat in results.repeats] == [1 / 8, 2 / 8]
    assert [repeat.metrics_at_half for repeat in results.repeats] == [{}, {}]
    check_images(results.repeats[1].images, ["mel", "nv"])


def test_a_binary_run_of_the_released_version_is_read(tmp_path):
    counts = {"train": {"benign": 3, "malignant": 2}, "test": {"benign": 1, "malignant": 1}}
    metrics = {
        "synthetic": True,
        "images": counts,
        "threshold": 0.3,
        "test": {"float": {"at_threshold": {"roc_auc": 1.0, "threshold": 0.3}, "at_0.5": {"roc_auc": 1.0}}},
    }
    table = pd.DataFrame(
        {
            "image_id": IDS["image_id"],
            "group": IDS["group"],
            "malignant": [0, 1],
            "probability_float": MALIGNANT,
        }
    )
    write(tmp_path, metrics, {"predictions.csv": table})
    results = reports.read_results(tmp_path)
    assert (results.classes, results.synthetic, results.mean) == (("benign", "malignant"), True, None)
    assert results.counts == counts
    (repeat,) = results.repeats
    check_images(repeat.images, ["benign", "malignant"])
    np.testing.assert_array_equal(repeat.probabilities["float"], BINARY)
    assert repeat.metrics == {"float": {"roc_auc": 1.0, "threshold": 0.3}}
    assert repeat.metrics_at_half == {"float": {"roc_auc": 1.0}}


def test_a_run_over_several_classes_of_the_released_version_is_read(tmp_path):
    classes, images = ["mel", "nv", "vasc"], pd.DataFrame({**IDS, "label": ["mel", "vasc"]})
    splits = [
        {"images": {"test": {"mel": 1}}, "test": {"float": {"accuracy": a}}, "levels": {}} for a in (1.0, 0.5)
    ]
    metrics = {
        "classes": classes,
        "synthetic": False,
        "splits": splits,
        "mean": {"float": {"accuracy": 0.75}},
    }
    tables = {
        f"split_{n}/predictions.csv": images.assign(**{f"float_{name}": n / 8 for name in classes})
        for n in (1, 2)
    }
    write(tmp_path, metrics, tables)
    results = reports.read_results(tmp_path)
    assert (results.classes, results.counts) == (tuple(classes), {"test": {"mel": 1}})
    assert results.mean == {"accuracy": 0.75}
    assert [repeat.metrics["float"]["accuracy"] for repeat in results.repeats] == [1.0, 0.5]
    assert [repeat.probabilities["float"].tolist() for repeat in results.repeats] == [
        [[n / 8] * 3] * 2 for n in (1, 2)
    ]
    check_images(results.repeats[1].images, ["mel", "vasc"])


def test_an_unfinished_run_raises(diagnosis, tmp_path):
    with pytest.raises(FileNotFoundError):
        reports.read_results(tmp_path)
    reports.render_run(diagnosis, tmp_path)
    with pytest.raises(FileNotFoundError, match=r"predictions\.csv"):
        reports.read_results(tmp_path)
