import cv2
import numpy as np
import pandas as pd
import pillow_heif
import pytest
from PIL import Image

from skinkeras.datasets.duplicates import (
    COLUMNS,
    add_subsets,
    count_duplicates,
    find_duplicates,
    group_duplicates,
)
from skinkeras.datasets.fingerprints import near_pairs, perceptual_hash
from skinkeras.datasets.manifest import Manifest
from skinkeras.datasets.synthetic_images import draw

COUNT = 12


def manifest_of(folder, names, lesions=None):
    table = pd.DataFrame({"image": [str(folder / name) for name in names], "image_id": names})
    table["label"] = ["benign", "malignant"] * (len(names) // 2) + ["benign"] * (len(names) % 2)
    table["lesion_id"] = lesions
    return Manifest(table, ("benign", "malignant"))


def save(path, picture, quality=92):
    assert cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, quality])


@pytest.fixture
def folder(tmp_path):
    for index in range(COUNT):
        # Seeds differ, so that no two show the same lesion.
        save(tmp_path / f"{index}.jpg", draw(100 + index, 0))
    return tmp_path


def originals():
    return [f"{index}.jpg" for index in range(COUNT)]


def test_different_images_are_no_duplicates(folder):
    found = find_duplicates(manifest_of(folder, originals()))
    assert len(found) == 0
    assert tuple(found.columns) == COLUMNS


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: picture,  # compressed once more
        lambda picture: cv2.resize(picture, None, fx=0.9, fy=0.9, interpolation=cv2.INTER_AREA),
        lambda picture: cv2.resize(picture, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC),
        lambda picture: np.clip(picture * 0.85 + 10, 0, 255).astype(np.uint8),
    ],
    ids=["compressed", "smaller", "larger", "darker"],
)
def test_changed_copies_are_found(folder, change):
    copies = [f"copy{index}.jpg" for index in range(COUNT)]
    for name, copy in zip(originals(), copies, strict=True):
        save(folder / copy, change(cv2.imread(str(folder / name))), quality=70)
    found = find_duplicates(manifest_of(folder, originals() + copies))
    assert set(zip(found["image_id_1"], found["image_id_2"], strict=True)) == set(
        zip(originals(), copies, strict=True)
    )
    assert not found["exact"].any()
    assert (np.diff(found["distance"]) >= 0).all()


@pytest.mark.parametrize("ending", [".jpg", ".png"])
def test_mirrored_and_turned_copies_are_found(tmp_path, ending):
    # Sides that eight does not divide, as those of HAM10000: JPEG's blocks begin at the upper left.
    names = []
    for number, transpose in enumerate((None, *Image.Transpose)):
        picture = Image.fromarray(draw(100 + number, 0)).resize((596, 450))
        picture.save(tmp_path / f"{number}.jpg", quality=92)
        names.append(f"{number}.jpg")
        copy = picture if transpose is None else picture.transpose(transpose)
        copy.save(tmp_path / f"copy{number}{ending}", quality=92)
        names.append(f"copy{number}{ending}")
    pairs = find_duplicates(manifest_of(tmp_path, names))
    expected = set(zip(names[::2], names[1::2], strict=True))
    assert set(zip(pairs["image_id_1"], pairs["image_id_2"], strict=True)) == expected
    assert len(pairs) == 8


@pytest.mark.parametrize("ending", [".heic", ".avif", ".webp", ".tif", ".bmp", ".gif", ".jp2"])
def test_copies_of_every_format_are_found(tmp_path, ending):
    pillow_heif.register_heif_opener()
    for number in range(2):
        picture = Image.fromarray(draw(100 + number, 0)).resize((600, 450))
        picture.save(tmp_path / f"{number}.jpg", quality=92)
        picture.save(tmp_path / f"{number}{ending}")
    pairs = find_duplicates(manifest_of(tmp_path, ["0.jpg", "1.jpg", f"0{ending}", f"1{ending}"]))
    assert pairs["image_id_1"].tolist() == ["0.jpg", "1.jpg"]
    assert pairs["image_id_2"].tolist() == [f"0{ending}", f"1{ending}"]


def test_equal_files_are_exact_even_when_blank(folder):
    blank = np.full((60, 80, 3), 128, np.uint8)
    for name in ("blank1.jpg", "blank2.jpg"):
        save(folder / name, blank)
    save(folder / "blank3.jpg", blank, quality=50)
    (folder / "copy.jpg").write_bytes((folder / "3.jpg").read_bytes())
    names = [*originals(), "blank1.jpg", "blank2.jpg", "blank3.jpg", "copy.jpg"]
    found = find_duplicates(manifest_of(folder, names), max_distance=0)
    assert set(zip(found["image_id_1"], found["image_id_2"], strict=True)) == {
        ("3.jpg", "copy.jpg"),
        ("blank1.jpg", "blank2.jpg"),
    }
    assert len(found) == 2  # although a blank image is alike in every orientation
    assert found["exact"].all()
    assert (found["distance"] == 0).all()


def test_pairs_name_their_parts_and_groups(folder):
    for index in (0, 1):
        (folder / f"copy{index}.jpg").write_bytes((folder / f"{index}.jpg").read_bytes())
    manifest = manifest_of(folder, ["0.jpg", "1.jpg", "copy0.jpg", "copy1.jpg"], ["a", "b", "a", None])
    found = find_duplicates(manifest, np.array(["train", "train", "train", "test"]))
    assert found["image_id_1"].tolist() == ["0.jpg", "1.jpg"]
    assert found["split_1"].tolist() == ["train", "train"]
    assert found["split_2"].tolist() == ["train", "test"]
    assert found["same_group"].tolist() == [True, False]
    assert find_duplicates(manifest)["split_1"].isna().all()


def test_unreadable_files_are_passed_over(folder):
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "copy.jpg").write_bytes((folder / "5.jpg").read_bytes())
    found = find_duplicates(manifest_of(folder, ["broken.jpg", "empty.jpg", "gone.jpg", "5.jpg", "copy.jpg"]))
    assert found["image_id_2"].tolist() == ["copy.jpg"]
    assert len(find_duplicates(manifest_of(folder, ["broken.jpg", "gone.jpg"]))) == 0


def test_wrong_arguments_are_refused(folder):
    manifest = manifest_of(folder, originals())
    with pytest.raises(ValueError, match="max_distance must be between 0 and 64"):
        find_duplicates(manifest, max_distance=65)
    with pytest.raises(ValueError, match="one entry for each of 12 rows, but has 3"):
        find_duplicates(manifest, ["train"] * 3)


def test_hash_of_a_known_image():
    # cos((2x + 1) * k * pi / 64) is a basis function of the transform: with k = 2 along both axes the picture
    # consists of its mean (row 0, column 0) and of row 2, column 2, whose sign an inverted picture turns.
    wave = np.cos((2 * np.arange(32) + 1) * 2 * np.pi / 64)
    picture = np.round(128 + 100 * np.outer(wave, wave)).astype(np.uint8)
    bits = [int(bit) for bit in f"{perceptual_hash(picture):064b}"]
    assert bits[0] == 1 and bits[2 * 8 + 2] == 1
    inverted = [int(bit) for bit in f"{perceptual_hash(255 - picture):064b}"]
    assert inverted[0] == 1 and inverted[2 * 8 + 2] == 0


def test_thousands_of_images_are_compared_in_seconds():
    random = np.random.default_rng(0)
    hashes = random.integers(0, 2**64, (5000, 8), dtype=np.uint64)
    hashes[4999, 0] = hashes[7, 0] ^ np.uint64(0b101)
    details = np.ones((5000, 1, 1), np.float32)
    first, second, distance, _ = near_pairs(hashes, details, 4)
    # That two of 5,000 random hashes differ in at most 4 bits has a probability of about 1e-5.
    assert (first.tolist(), second.tolist(), distance.tolist()) == ([7], [4999], [2])


def test_ham10000_has_near_copies_of_one_lesion_only(shared_data):
    folder = shared_data / "ham10000"
    table = pd.read_csv(folder / "labels.csv", dtype=str).head(1200)
    table["image"] = [str(folder / "images" / f"{image_id}.jpg") for image_id in table["image_id"]]
    table["label"] = table["dx"]
    found = find_duplicates(Manifest(table, sorted(table["label"].unique())))
    assert len(found) > 0
    assert found["same_group"].all()


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 5000, 3), (5000, 1, 3)])
def test_an_image_of_hardly_any_pixels_stops_nothing(tmp_path, shape):
    paths = [tmp_path / f"{name}.png" for name in "ab"]
    for path in paths:
        assert cv2.imwrite(str(path), np.full(shape, 90, np.uint8))
    table = pd.DataFrame({"image": map(str, paths), "image_id": ["a", "b"], "label": ["x", "y"]})
    assert find_duplicates(Manifest(table, ("x", "y")))["exact"].tolist() == [True]


def test_copies_become_one_group_and_are_counted(folder):
    (folder / "equal.jpg").write_bytes((folder / "0.jpg").read_bytes())
    save(folder / "near.jpg", cv2.imread(str(folder / "2.jpg")), quality=70)
    names = ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "equal.jpg", "near.jpg"]
    manifest = manifest_of(folder, names)
    pairs = find_duplicates(manifest)
    assert len(set(manifest.groups())) == 6
    grouped = group_duplicates(manifest, pairs)
    groups = dict(zip(names, grouped.groups(), strict=True))
    assert groups["0.jpg"] == groups["equal.jpg"]
    assert groups["2.jpg"] == groups["near.jpg"]
    assert len(set(groups.values())) == 4
    assert grouped.notes == (
        "Copies in different lesions or patients: 1 pairs of equal files and 1 of nearly equal images; the images "
        "of a pair now count as one group. Different labels: 1 of these pairs.",
    )
    equal_only = group_duplicates(manifest, pairs, near=False)
    assert len(set(equal_only.groups())) == 5
    # They stay together in what is made of the manifest.
    assert len(set(grouped.binary(("malignant",)).select([0, 4]).groups())) == 1
    assert find_duplicates(grouped)["same_group"].all()


def test_nothing_changes_where_the_manifest_knows_its_copies(folder):
    (folder / "copy.jpg").write_bytes((folder / "0.jpg").read_bytes())
    manifest = manifest_of(folder, ["0.jpg", "1.jpg", "copy.jpg"], ["a", "b", "a"])
    assert group_duplicates(manifest, find_duplicates(manifest)) is manifest


def test_equal_files_with_different_labels_are_refused_with_ten_pairs_at_most(folder):
    for index in range(COUNT):
        (folder / f"copy{index}.jpg").write_bytes((folder / f"{index}.jpg").read_bytes())
    names = [name for index in range(COUNT) for name in (f"{index}.jpg", f"copy{index}.jpg")]
    manifest = manifest_of(folder, names)
    with pytest.raises(
        ValueError, match=r"12 pairs of images are the same file .* and 2 more\. Keep"
    ) as caught:
        group_duplicates(manifest, find_duplicates(manifest))
    assert "0.jpg (benign) and copy0.jpg (malignant)" in str(caught.value)


def test_the_subsets_of_pairs_can_be_added_later(folder):
    (folder / "copy.jpg").write_bytes((folder / "0.jpg").read_bytes())
    manifest = manifest_of(folder, ["0.jpg", "copy.jpg"])
    pairs = add_subsets(find_duplicates(manifest), manifest, ["train", "test"])
    assert pairs[["split_1", "split_2"]].values.tolist() == [["train", "test"]]


def test_lesions_of_one_shape_are_no_copies(tmp_path):
    # The same hard-edged spot on the same skin, twice: only the texture differs.
    rows, columns = np.mgrid[:120, :160]
    spot = np.hypot(rows - 60, columns - 80) < 30
    for index in range(2):
        noise = np.random.default_rng(index).integers(-8, 9, (120, 160))
        save(tmp_path / f"{index}.png", (np.where(spot, 90, 200) + noise).astype(np.uint8))
    assert len(find_duplicates(manifest_of(tmp_path, ["0.png", "1.png"]))) == 0


def test_ham10000_has_one_photograph_under_two_lesions(shared_data):
    from skinkeras.datasets import ham10000

    manifest = ham10000(shared_data / "ham10000")
    names = ["ISIC_0025226", "ISIC_0030074", "ISIC_0031731", "ISIC_0032157"]
    pairs = find_duplicates(manifest.select(manifest.table["image_id"].isin(names).to_numpy()))
    assert pairs[["image_id_1", "image_id_2"]].values.tolist() == [names[:2]]
    assert not pairs["same_group"].any()


def test_pairs_are_kept_for_the_next_call_with_the_same_files(folder, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    (folder / "copy.jpg").write_bytes((folder / "3.jpg").read_bytes())
    manifest = manifest_of(folder, [*originals(), "copy.jpg"])
    found = find_duplicates(manifest)
    assert len(found) == 1
    pd.testing.assert_frame_equal(find_duplicates(manifest, cache_dir=cache), found)
    (file,) = cache.iterdir()
    whole = file.read_text()
    with monkeypatch.context() as patched:
        patched.setattr("skinkeras.datasets.duplicates.fingerprints", None)
        again = find_duplicates(manifest, ["train"] * 12 + ["test"], cache_dir=cache)
        assert again[["split_1", "split_2"]].to_numpy().tolist() == [["train", "test"]]
    for damaged in (whole[:-3], "{}", "[[0], [99], [0], [true]]", "[[3], [12], [0]]", "null"):
        file.write_text(damaged)
        pd.testing.assert_frame_equal(find_duplicates(manifest, cache_dir=cache), found)
        assert file.read_text() == whole
    save(folder / "3.jpg", draw(900, 0))
    assert len(find_duplicates(manifest, cache_dir=cache)) == 0
    assert len(list(cache.iterdir())) == 2


def test_copies_are_counted_for_the_card(folder):
    for copy, original in (("copy1.jpg", "1.jpg"), ("copy2.jpg", "2.jpg")):
        (folder / copy).write_bytes((folder / original).read_bytes())
    save(folder / "near.jpg", draw(105, 0), quality=70)
    names = [*originals(), "copy1.jpg", "copy2.jpg", "near.jpg"]
    lesions = [str(number) for number in range(COUNT)] + ["1", "new", "5"]
    labels = pd.Series(["benign", "malignant"] * 6 + ["malignant", "benign", "malignant"])
    manifest = manifest_of(folder, names, lesions)
    manifest = manifest.with_table(manifest.table.assign(label=labels))
    pairs = find_duplicates(manifest)
    split = np.array(["train"] * COUNT + ["test"] * 3)
    expected = {"exact": 2, "near": 1, "of_different_groups": 1, "across_subsets": 3}
    assert count_duplicates(manifest, pairs, split) == expected
    assert count_duplicates(group_duplicates(manifest, pairs), pairs, split) == expected
    split[-1] = ""
    assert count_duplicates(manifest, pairs, split)["near"] == 0
