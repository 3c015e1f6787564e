import os

import pandas as pd
import pytest
from data_layouts import image

from skinkeras.datasets import ImageIndex, Manifest, check_images, missing_images
from skinkeras.datasets.file_search import name_some, walk, what_is_there


def files(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.jpg", "a"),
        ("A.JPG", "a"),
        ("deep/down/a.png", "a"),
        ("deep/down/a.png", "a.jpg"),
        ("deep/a.jpg", "deep\\a.jpg"),
        ("deep/a.jpg", ".\\deep\\a"),
        ("images/a.jpg", "C:\\Users\\me\\skin\\images\\a.jpg"),
        ("a.b.jpg", "a.b"),
    ],
)
def test_an_image_is_found_by_its_name_alone(tmp_path, path, name):
    files(tmp_path, path)
    assert ImageIndex(tmp_path).find(name) == path


def test_what_a_computer_leaves_behind_is_no_image(tmp_path):
    files(
        tmp_path, "a/._x.jpg", "a/.thumbnails/x.jpg", "__MACOSX/a/x.jpg", "Thumbs.db", "notes.txt", "a/y.jpg"
    )
    index = ImageIndex(tmp_path)
    assert len(index) == 1
    assert index.find("x") is None
    assert dict(index.passed_over) == {".db": 1, ".txt": 1}


def test_links_to_folders_are_followed_and_circles_end(tmp_path):
    files(tmp_path / "elsewhere", "x.jpg")
    root = tmp_path / "data"
    root.mkdir()
    os.symlink(tmp_path / "elsewhere", root / "linked")
    os.symlink(root, root / "round")
    assert ImageIndex(root).find("x") == "linked/x.jpg"
    assert sum(len(names) for _, _, names in walk(root)) == 1


def test_of_two_of_one_name_the_nearest_to_what_was_asked_is_taken(tmp_path):
    files(tmp_path, "train/1.jpg", "test/1.jpg", "masks/1.png")
    (tmp_path / "test/1.jpg").write_bytes(b"another image")
    index = ImageIndex(tmp_path)
    assert index.find("test/1.jpg") == "test/1.jpg"
    assert index.find("1", folders=("train",)) == "train/1.jpg"
    with pytest.raises(
        ValueError, match=r"several images called 1, which differ: test/1\.jpg, train/1\.jpg: keep"
    ):
        index.find("1")


def test_a_second_copy_or_a_mask_does_not_matter(tmp_path):
    files(tmp_path, "part_1/a.jpg", "masks/a.png")
    (tmp_path / "part_2").mkdir()
    (tmp_path / "part_2/a.jpg").write_bytes((tmp_path / "part_1/a.jpg").read_bytes())
    assert ImageIndex(tmp_path).find("a") == "part_1/a.jpg"


def test_missing_images_are_one_sentence_with_ten_names(tmp_path):
    image(tmp_path / "there" / "i0.jpg", 0)
    names = [f"i{i}" for i in range(30)]
    paths = ImageIndex(tmp_path).paths(names)
    rows = pd.DataFrame({"image": paths, "image_id": names, "label": ["a", "b"] * 15})
    manifest = Manifest(rows, "ab", root=str(tmp_path))
    assert missing_images(manifest) == names[1:]
    with pytest.raises(FileNotFoundError) as caught:
        check_images(manifest)
    sentence = str(caught.value)
    assert sentence.startswith(
        "29 of 30 images are missing: i1, i2, i3, i4, i5, i6, i7, i8, i9, i10 and 19 more."
    )
    assert "there is: there/" in sentence
    assert "\n" not in sentence
    check_images(manifest.select([0]))


def test_lists_are_short(tmp_path):
    assert name_some("abc") == "a, b, c"
    assert name_some(range(12)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"
    assert what_is_there(tmp_path) == "it is empty"
    assert what_is_there(tmp_path / "absent") == "there is no such folder"
    files(tmp_path, "a.jpg", "b.JPG", "sub/c.jpg", "t.csv")
    assert what_is_there(tmp_path) == "there is: sub/, t.csv; 2 .jpg images"


def test_an_image_may_lie_in_an_hdf5_file(tmp_path):
    h5py = pytest.importorskip("h5py")
    from skinkeras.images import image_files

    with h5py.File(tmp_path / "train-image.hdf5", "w") as file:
        file["ISIC_1"] = b"the bytes"
    files(tmp_path, "ISIC_2.jpg")
    assert ImageIndex(tmp_path).find("ISIC_1") is None
    paths = ImageIndex(tmp_path, hdf5=True).paths(["ISIC_1", "ISIC_2", "ISIC_3"])
    assert paths[0] == f"{tmp_path}/train-image.hdf5/ISIC_1"
    assert [image_files.exists(path) for path in paths] == [True, True, False]
    assert image_files.read_bytes(paths[0]) == b"the bytes"
    with pytest.raises(FileNotFoundError, match="has no image ISIC_3"):
        image_files.read_bytes(tmp_path / "train-image.hdf5" / "ISIC_3")
