from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skinkeras.datasets.synthetic_images import draw, synthetic

COUNT = 250


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return synthetic(COUNT, 0, tmp_path_factory.mktemp("synthetic"))


def test_files_are_jpeg_of_the_stated_size(drawn):
    assert len(drawn) == COUNT
    for path in drawn.table["image"][:20]:
        with open(path, "rb") as file:
            assert file.read(2) == b"\xff\xd8"
        assert cv2.imread(path).shape == (240, 320, 3)


def test_manifest_says_that_it_is_synthetic(drawn):
    assert drawn.classes == ("benign", "malignant")
    assert set(drawn.table["source"]) == {"synthetic"}
    assert drawn.table["patient_id"].isna().all()
    assert drawn.table["image_id"].is_unique


def test_shares_of_classes_and_of_lesions_imaged_twice(drawn):
    # Three standard errors of 250 draws are 9 % and 7 %.
    assert 0.21 < drawn.labels.mean() < 0.39
    shots = drawn.table["lesion_id"].value_counts()
    assert shots.max() == 2
    assert 0.08 < (shots == 2).mean() < 0.22
    assert (drawn.table.groupby("lesion_id")["label"].nunique() == 1).all()


def test_images_of_one_lesion_differ(drawn):
    for _, pair in list(drawn.table.groupby("lesion_id"))[:60]:
        if len(pair) == 2:
            first, second = (cv2.imread(path).astype(float) for path in pair["image"])
            assert np.abs(first - second).mean() > 3


def test_an_image_depends_on_seed_and_number_alone(drawn, tmp_path):
    fewer = synthetic(20, 0, tmp_path / "fewer")
    other = synthetic(20, 1, tmp_path / "other")
    for i in range(20):
        first, second, third = (
            Path(manifest.table["image"][i]).read_bytes() for manifest in (drawn, fewer, other)
        )
        assert first == second != third
    assert fewer.table["label"].tolist() == drawn.table["label"].tolist()[:20]
    assert (draw(5, 3) == draw(5, 3)).all()


def test_a_complete_folder_is_used_again_and_an_incomplete_one_generated_anew(tmp_path):
    first = synthetic(20, 0, tmp_path)
    path = Path(first.table["image"][4])
    good = path.read_bytes()
    path.write_bytes(b"")
    synthetic(20, 0, tmp_path)
    assert path.read_bytes() == b""  # not touched: the folder is complete
    (tmp_path / "labels.csv").unlink()
    synthetic(20, 0, tmp_path)
    assert path.read_bytes() == good
    synthetic(20, 1, tmp_path)
    assert path.read_bytes() != good
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".jpg") == ["labels.csv"]


def test_too_few_images_and_negative_seeds_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 20 images"):
        synthetic(19, 0, tmp_path)
    with pytest.raises(ValueError, match="seed=-1"):
        synthetic(20, -1, tmp_path)
    assert not list(tmp_path.iterdir())


def test_labels_of_other_images_are_not_overwritten(tmp_path):
    (tmp_path / "labels.csv").write_text("image_id,lesion_id,dx\nISIC_1,HAM_1,nv\n")
    with pytest.raises(ValueError, match=r"labels\.csv is not of synthetic images"):
        synthetic(20, 0, tmp_path)
    assert (tmp_path / "labels.csv").read_text().endswith("ISIC_1,HAM_1,nv\n")
    assert len(list(tmp_path.iterdir())) == 1


def _features(path):
    """Area against its convex hull, overlap with itself turned by 180 degrees, and spread of colours."""
    picture = cv2.GaussianBlur(cv2.imread(path), (0, 0), 2)
    lab = cv2.cvtColor(picture, cv2.COLOR_BGR2LAB).astype(np.float32)
    away = np.linalg.norm(lab - np.median(lab.reshape(-1, 3)[::7], axis=0), axis=2)[20:-20, 30:-30]
    away = np.clip(away * 3, 0, 255).astype(np.uint8)
    _, mask = cv2.threshold(away, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return np.zeros(4)
    outline = max(contours, key=cv2.contourArea)
    area = cv2.contourArea(outline) + 1
    solidity = area / (cv2.contourArea(cv2.convexHull(outline)) + 1)
    compactness = cv2.arcLength(outline, True) ** 2 / area
    colours = lab[20:-20, 30:-30][mask > 0]
    return np.array([solidity, np.log(compactness), colours[:, 1].std(), colours[:, 2].std()])


def test_shape_and_colour_tell_the_classes_apart_but_not_fully(drawn):
    features = np.stack([_features(path) for path in drawn.table["image"]])
    model = make_pipeline(StandardScaler(), LogisticRegression())
    scores = cross_val_predict(model, features, drawn.labels, cv=5, method="decision_function")
    auc = roc_auc_score(drawn.labels, scores)
    assert 0.7 < auc < 0.99, auc
