"""From a folder or a label file to decoded images with labels and a split."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from pipelines.common.groups import BinaryDataOptions
from pipelines.common.loading import ImageLoader, record_data
from pipelines.common.records import copies
from pipelines.common.run_folder import RunFolder
from skinkeras import inputs
from skinkeras.datasets import DATASETS
from skinkeras.images.decoding import decode
from skinkeras.inputs.subsets import SUBSETS


@pytest.fixture
def load(tmp_path):
    """A function that loads the images of a folder."""

    def call(folder, data="folder", positive=("malignant",), split_file=tmp_path / "no split", **more):
        policy = more.pop("policy", inputs.OVERSAMPLING["none"])
        options = BinaryDataOptions(data=data, data_dir=folder, positive=positive, **more)
        loader = ImageLoader(options, 32, tmp_path / "cache", 0, options.positive, policy)
        return loader.load(split_file)

    return call


def test_good_data_is_split_whole(load, images):
    data = load(images)
    subsets = [data.subset(name) for name in SUBSETS]
    names = [name for subset in subsets for name in subset.table["image_id"]]
    assert sorted(names) == sorted(data.manifest.table["image_id"])
    for subset in subsets:  # what is read is what the table says
        paths = subset.table["image"].tolist()
        assert np.array_equal(subset.images.read(subset.rows), [decode(path, 32) for path in paths])
    train = data.subset("train")
    assert train.one_hot[:, 1].tolist() == train.malignant.tolist()
    assert train.labels.tolist() == train.malignant.tolist()


def test_counts_are_those_of_the_subsets(load, images):
    data = load(images, policy=inputs.OVERSAMPLING["g23"])
    counts = data.counts()
    assert counts["train"]["benign"] % 2 == 0 and counts["train"]["malignant"] % 4 == 0
    assert counts["train"]["benign"] / 2 + counts["validation"]["benign"] + counts["test"]["benign"] == 12
    for name in SUBSETS:
        assert sum(counts[name].values()) == len(data.subset(name).rows)


def test_variants_that_are_left_carry_their_own_image_and_label(load, images):
    (images / "benign" / "benign03.jpg").write_bytes(b"no image")
    data = load(images, policy=inputs.OVERSAMPLING["g23"], skip_bad_images=True)
    rows = data.variants.table
    assert rows["label"].value_counts()["malignant"] % 4 == 0
    assert "benign/benign03.jpg" not in set(rows["image_id"])
    kept = np.random.default_rng(0).random(len(rows)) < 0.6
    train = replace(data, kept=kept).subset("train")
    assert train.table["image_id"].tolist() == rows["image_id"][kept].tolist()
    assert train.labels.tolist() == (rows["label"][kept] == "malignant").astype(int).tolist()
    shown = train.images.read(train.rows)
    for image, path, variant in zip(shown, train.table["image"], rows["variant"][kept], strict=True):
        if variant == "itself":
            assert np.array_equal(image, decode(path, 32))
        else:  # turned and blurred noise keeps its mean colour
            assert image.mean(axis=(0, 1)) == pytest.approx(decode(path, 32).mean(axis=(0, 1)), abs=6)


def test_two_classes_whose_malignant_one_comes_first_are_put_in_order(load, folder_of_images):
    data = load(folder_of_images("malignant", "nevus"))
    assert data.manifest.classes == ("benign", "malignant")
    for subset in map(data.subset, SUBSETS):
        is_malignant = [Path(path).parent.name == "malignant" for path in subset.table["image"]]
        assert is_malignant == (subset.one_hot[:, 1] == 1).tolist()
        assert subset.malignant.tolist() == subset.one_hot[:, 1].tolist()


def test_finer_classes_are_learned_as_they_are_or_as_two(load, folder_of_images):
    data = load(folder_of_images("bcc", "mel", "nv"), positive=("bcc", "mel"))
    assert (data.manifest.classes, data.output_classes) == (("bcc", "mel", "nv"), ("benign", "malignant"))
    assert data.class_groups == (1, 1, 0)
    two = data.binary()
    assert two.manifest.classes == ("benign", "malignant")
    for name in SUBSETS:
        assert two.subset(name).labels.tolist() == data.subset(name).malignant.tolist()
    assert two.counts() == data.counts()


def test_missing_images_of_a_label_file_are_listed_or_left_out(load, tmp_path):
    classes = DATASETS["ham10000"].taxonomy.classes
    root = tmp_path / "ham"
    (root / "images").mkdir(parents=True)
    rows = [f"{name}{i},{name}{i},{name}" for name in classes for i in range(10)]
    (root / "labels.csv").write_text("\n".join(["image_id,lesion_id,dx", *rows]) + "\n")
    missing = {"mel3", "nv7", "df0"}
    random = np.random.default_rng(0)
    for name in sorted({row.split(",")[0] for row in rows} - missing):
        pixels = random.integers(0, 255, (40, 50, 3), np.uint8)
        assert cv2.imwrite(str(root / "images" / f"{name}.jpg"), pixels)
    with pytest.raises(
        FileNotFoundError, match=r"^3 of 70 images are missing: df0, mel3, nv7[.] .*--skip-bad-im"
    ):
        load(root, "ham10000", ("mel",))

    data = load(root, "ham10000", ("mel",), skip_bad_images=True)
    used = {name for subset in map(data.subset, SUBSETS) for name in subset.table["image_id"]}
    assert used == set(data.manifest.table["image_id"]) - missing
    assert len(used) == 67
    assert sorted(data.left_out["image_id"]) == sorted(missing)


def test_images_that_are_left_out_are_named_shortly_and_all_in_a_table(load, tmp_path, images, capsys):
    rows = [f"{path.name},{path.parent.name}" for path in images.rglob("*.*")]
    for path in images.rglob("*.*"):
        path.rename(images / path.name)
    (images / "bad.jpg").write_bytes(b"no image")
    lost = [f"lost{i}.jpg,benign" for i in range(30)]
    (images / "manifest.csv").write_text("\n".join(["image,label", "bad.jpg,benign", *lost, *rows]) + "\n")
    data = load(images, "manifest", skip_bad_images=True)
    record_data(data, RunFolder(tmp_path / "run"))
    out = capsys.readouterr().out
    assert "Missing and left out, 30 of the images: lost0, lost1, " in out and "lost9 and 20 more" in out
    assert "Unreadable and left out, 1 of the images: bad (it is not an image" in out
    assert "lost10" not in out and "left_out.csv" in out
    table = pd.read_csv(tmp_path / "run" / "left_out.csv")
    assert len(table) == 31 and list(table) == ["image_id", "image", "problem"]
    assert copies(BinaryDataOptions(data="ham10000"), data) == {
        "duplicates": {"exact": 0, "near": 0, "of_different_groups": 0, "across_subsets": 0},
        "left_out": 31,
        "overlaps": ["isic2018", "isic2019", "isic_archive", "isic_merge"],
    }


def test_equal_files_with_other_labels_are_refused_for_a_given_split_too(load, images):
    benign, malignant = (sorted((images / name).iterdir())[0] for name in ("benign", "malignant"))
    malignant.write_bytes(benign.read_bytes())
    for split_by in ("grouped", None):
        with pytest.raises(
            ValueError, match="1 pair of images is the same file with different labels: benign/"
        ):
            load(images, split_by=split_by)


def test_loading_writes_nothing_but_the_cache(load, images, tmp_path):
    before = set(tmp_path.iterdir())
    load(images)
    assert set(tmp_path.iterdir()) - before == {tmp_path / "cache"}


def test_without_validation_files_are_compared_on_training_images(load, images, capsys):
    data = load(images, validation=0.0, policy=inputs.OVERSAMPLING["g23"])
    assert set(data.assignment) == {"train", "test"} and not data.has_validation
    assert data.counts()["validation"] == {"benign": 0, "malignant": 0}
    assert "validation: none" in capsys.readouterr().out
    compared = data.compared()
    assert data.compared_on == "train"
    # The images themselves, none twice, whatever has been cleaned away.
    ids = data.manifest.table["image_id"].to_numpy()
    assert compared.table["image_id"].tolist() == ids[data.assignment == "train"].tolist()
    cleaned = replace(data, kept=np.zeros(len(data.kept), bool)).compared()
    assert np.array_equal(cleaned.rows, compared.rows)
    few, again = data.training_sample(5), load(images, validation=0.0).training_sample(5)
    assert few.table["image_id"].tolist() == again.table["image_id"].tolist()
    assert len(few.rows) == len(set(few.rows.tolist())) == len(few.labels) == 5
    assert set(data.assignment[few.rows]) == {"train"}


def test_with_validation_files_are_compared_on_it(load, images):
    data = load(images)
    assert (data.has_validation, data.compared_on) == (True, "validation")
    assert data.compared().table["image_id"].tolist() == data.subset("validation").table["image_id"].tolist()


@pytest.fixture
def given_folder(tmp_path):
    """A function that makes folders of subsets, each with six images of each of two classes."""

    def make(*subsets):
        random = np.random.default_rng(0)
        for subset in subsets:
            for name in ("benign", "malignant"):
                folder = tmp_path / "given" / subset / name
                folder.mkdir(parents=True)
                for number in range(6):
                    pixels = random.integers(0, 255, (40, 50, 3), np.uint8)
                    assert cv2.imwrite(str(folder / f"{subset}_{name}{number}.jpg"), pixels)
        return tmp_path / "given"

    return make


def folders_of(data):
    """The folder of subsets that every image lies in, by the subset that it was given."""
    found = {}
    for image, subset in zip(data.manifest.table["image"], data.assignment, strict=True):
        found.setdefault(str(subset), set()).add(Path(image).parent.parent.name)
    return found


def test_a_given_split_is_used_as_it_is_and_the_console_says_so(load, given_folder, capsys):
    folder = given_folder("train", "val", "test")
    assert folders_of(load(folder)) == {"train": {"train"}, "validation": {"val"}, "test": {"test"}}
    out = capsys.readouterr().out
    assert "The split that the data gives is used (--split-by grouped makes another one)." in out
    grouped = load(folder, split_by="grouped")
    assert all(len(folders) > 1 for folders in folders_of(grouped).values())
    assert "The split that the data gives" not in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"--validation contradicts the split of .*12 validation images"):
        load(folder, validation=0.1)


def test_a_given_split_without_validation_takes_none_unless_asked(load, given_folder, capsys):
    folder = given_folder("train", "test")
    assert folders_of(load(folder)) == {"train": {"train"}, "test": {"test"}}
    assert "--validation 0.1 takes a tenth of its training images" in capsys.readouterr().out
    shared = load(folder, validation=0.25)
    assert folders_of(shared) == {"train": {"train"}, "validation": {"train"}, "test": {"test"}}
    assert len(shared.subset("validation").rows) in (2, 4)
    assert folders_of(load(folder, validation=0.0)) == {"train": {"train"}, "test": {"test"}}


def test_a_given_split_without_test_images_is_tested_on_its_validation_images(load, given_folder, capsys):
    folder = given_folder("train", "valid")
    assert folders_of(load(folder)) == {"train": {"train"}, "test": {"valid"}}
    assert "It has no test images: its validation images are the test images." in capsys.readouterr().out


def test_a_split_that_the_data_does_not_give_is_refused_before_decoding(load, images, tmp_path):
    with pytest.raises(ValueError, match=r"gives no split: leave out --split-by, or write train, validation"):
        load(images, split_by="given")
    assert not list((tmp_path / "cache").glob("*"))
