"""Folders of classes as people have them; `docs/datasets/layouts.md` lists them."""

import os
import shutil

import pytest
from data_layouts import classes, image

from skinkeras.datasets import find_duplicates, group_duplicates, image_folder, split
from skinkeras.datasets.file_search import check_folder
from skinkeras.images.decoding import decode

CLASSES = ("benign", "malignant")


def test_links_back_up_are_not_followed(tmp_path):
    classes(tmp_path)
    os.symlink(tmp_path, tmp_path / "benign" / "round")
    os.symlink(tmp_path, tmp_path / "again")
    assert image_folder(tmp_path).counts() == {"benign": 3, "malignant": 3}


def test_two_class_folders_that_are_one_are_a_contradiction(tmp_path):
    classes(tmp_path, ("benign",))
    os.symlink(tmp_path / "benign", tmp_path / "malignant")
    manifest = image_folder(tmp_path)
    with pytest.raises(
        ValueError, match="3 pairs of images are the same file with different labels: benign/"
    ):
        group_duplicates(manifest, find_duplicates(manifest))


def test_what_archives_and_systems_leave_behind_is_passed_over(tmp_path):
    classes(tmp_path / "data")
    for name in (
        ".DS_Store",
        "data/benign/._benign_0.jpg",
        "__MACOSX/data/benign/._benign_0.jpg",
        "data/Thumbs.db",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"left behind")
    manifest = image_folder(tmp_path)
    assert len(manifest) == 6
    assert manifest.notes[-1] == "Files that are not images are passed over: 1 .db."


def test_train_and_test_inside_the_classes_are_the_split(tmp_path):
    for number, name in enumerate(CLASSES):
        classes(tmp_path / name, ("train", "test"), count=4, start=1000 * number)
    manifest = image_folder(tmp_path)
    assert manifest.counts() == {"benign": 8, "malignant": 8}
    in_test = manifest.table["image_id"].str.contains("/test/").to_numpy()
    assert ((split(manifest) == "test") == in_test).all()
    assert manifest.notes == ("The folders are a split: train (8), test (8).",)
    classes(tmp_path, ("other",), start=3000)
    with pytest.raises(ValueError, match="divided into train and test, and other is not"):
        image_folder(tmp_path)


@pytest.mark.parametrize(
    "train, test, lacking", [(CLASSES, (*CLASSES, "other"), "train"), ((*CLASSES, "other"), CLASSES, "test")]
)
def test_a_class_that_only_one_subset_has_is_refused_by_name(tmp_path, train, test, lacking):
    classes(tmp_path / "train", train, count=10)
    classes(tmp_path / "test", test, start=1000)
    with pytest.raises(ValueError, match=f"The {lacking} subset has no image of class other"):
        split(image_folder(tmp_path))


def test_an_unlabelled_test_folder_is_refused(tmp_path):
    classes(tmp_path / "train")
    image(tmp_path / "test" / "a.jpg", 900)
    with pytest.raises(ValueError, match=r"test holds 0 folders; .* 1 \.jpg images"):
        image_folder(tmp_path)


def test_a_class_without_images_is_refused_by_name(tmp_path):
    classes(tmp_path / "train", count=4)
    classes(tmp_path / "test", start=1000)
    for subset in ("train", "test"):
        (tmp_path / subset / "unsure").mkdir()
    with pytest.raises(ValueError, match="unsure holds no images: fill or remove it"):
        image_folder(tmp_path)
    (tmp_path / "test" / "unsure" / "scan").write_bytes(b"")
    with pytest.raises(ValueError, match="unsure holds no images but 1 without an ending"):
        image_folder(tmp_path)


@pytest.mark.parametrize("name", ["{}_mask.png", "{} segmentation.png", "masks/{}.png", "{}_superpixels.png"])
def test_masks_beside_their_images_are_passed_over(tmp_path, name):
    classes(tmp_path)
    image(tmp_path / "benign" / name.format("benign_0"), 900)
    manifest = image_folder(tmp_path)
    assert manifest.counts() == {"benign": 3, "malignant": 3}
    assert manifest.notes == ("Masks beside their images are passed over: 1.",)


def test_an_image_that_is_only_called_like_a_mask_is_an_image(tmp_path):
    classes(tmp_path)
    image(tmp_path / "benign" / "face_mask.jpg", 900)
    assert image_folder(tmp_path).counts()["benign"] == 4


def test_images_beside_the_classes_are_counted(tmp_path):
    classes(tmp_path)
    image(tmp_path / "loose.jpg", 900)
    assert image_folder(tmp_path).notes == ("Images outside the class folders are passed over: 1.",)


def test_spaces_around_the_name_of_a_class_do_not_matter(tmp_path):
    classes(tmp_path, ("nevus ", "actinic keratosis"))
    assert image_folder(tmp_path).classes == ("actinic keratosis", "nevus")


def test_every_ending_that_is_decoded_is_read(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    endings = (".tif", ".webp", ".jp2", ".avif", ".heic", ".gif", ".bmp", ".PNG", ".JPEG")
    for number, name in enumerate(CLASSES):
        for place, ending in enumerate(endings):
            image(tmp_path / name / f"x{ending}", 100 * number + place)
        image(tmp_path / name / "x.jfif", 100 * number + 50, "JPEG")
    manifest = image_folder(tmp_path)
    assert manifest.counts() == {"benign": 10, "malignant": 10}
    assert all(decode(path, 32).shape == (32, 32, 3) for path in manifest.table["image"])


def test_an_archive_in_place_of_a_folder_is_to_be_unpacked(tmp_path):
    classes(tmp_path / "data")
    file = shutil.make_archive(tmp_path / "packed", "zip", tmp_path / "data")
    with pytest.raises(
        ValueError, match=r"packed\.zip is a file, not a folder: unpack it, and name the folder"
    ):
        check_folder(file)
    (tmp_path / "table.csv").write_text("image,label")
    with pytest.raises(ValueError, match=r"table\.csv is a file, .*: name the folder that holds it"):
        check_folder(tmp_path / "table.csv")
    (tmp_path / "only").mkdir()
    shutil.move(file, tmp_path / "only")
    with pytest.raises(ValueError, match=r"Unpack packed\.zip there"):
        image_folder(tmp_path / "only")
