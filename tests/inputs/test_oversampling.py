from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from skinkeras import datasets
from skinkeras.inputs import (
    OVERSAMPLING,
    DecodedImages,
    ImageVariant,
    Oversampling,
    VariantImages,
    chromatic_aberration,
    materialise,
    radial_blur,
    variant_table,
)

PAPER = OVERSAMPLING["g23"]
SIZE = 48


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Six smooth pictures."""
    noise = np.random.default_rng(0).integers(0, 256, (6, SIZE, SIZE, 3), np.uint8)
    path = tmp_path_factory.mktemp("pictures") / "six.npy"
    np.save(path, np.stack([cv2.GaussianBlur(picture, (0, 0), 2) for picture in noise]))
    return DecodedImages(path)


def table(policy=PAPER, seed=0, ids="abcdef", labels="BBMBMB"):
    names = [{"B": "benign", "M": "malignant"}[label] for label in labels]
    return variant_table(list(ids), names, policy, seed)


def variants(pictures, policy=PAPER, rows=range(6), **more):
    return VariantImages(pictures, list(rows), table(policy, **more))


def test_the_papers_counts_on_isic_merge(shared_data):
    manifest = datasets.isic_merge(shared_data / "isic")
    training = datasets.split(manifest, "paper") != "test"
    chosen = manifest.table[training]
    counts = variant_table(chosen["image_id"], chosen["label"], PAPER, 0)["label"].value_counts()
    # Gilal et al. 2023: 26,033 benign images twice, 4,085 malignant ones four times.
    assert counts.to_dict() == {"benign": 52066, "malignant": 16340}


def test_the_papers_variants_of_one_image_of_each_class():
    rows = table(ids="ab", labels="BM")
    assert rows[["picture", "variant", "turn", "flip"]].to_numpy().tolist() == [
        [0, "itself", 0, False],
        [0, "flip", 0, True],
        [1, "itself", 0, False],
        [1, "+90", 90, False],
        [1, "-90", -90, False],
        [1, "flip", 0, True],
    ]
    rho = rows["horizontal_expand"].to_numpy()
    assert (rho[[0, 2]] == 0).all()
    assert ((rho[[1, 3, 4, 5]] >= 0.005) & (rho[[1, 3, 4, 5]] <= 0.02)).all()
    assert len(set(rho)) == 5
    assert (rows["aberration"] == 0).all()


def test_rho_fills_the_papers_range_evenly():
    rho = table(ids=map(str, range(4000)), labels="B" * 4000)["horizontal_expand"]
    shares, _ = np.histogram(rho[rho > 0], 5, (0.005, 0.02))
    assert shares == pytest.approx(np.full(5, 800), abs=100)  # 4 standard deviations


def test_a_variant_is_a_function_of_seed_and_name_alone():
    whole, part = table(), table(ids="ecb", labels="MMB")
    for image in "ecb":
        drop = ["picture", "label"]
        one, other = (rows[rows["image_id"] == image].drop(columns=drop) for rows in (whole, part))
        assert one.to_numpy().tolist() == other.to_numpy().tolist()
    assert not whole.equals(table(seed=1))


def test_what_is_shown_is_the_image_turned_flipped_and_blurred(pictures):
    shown = variants(pictures)
    for row, (number, variant) in enumerate(shown.table[["picture", "variant"]].itertuples(index=False)):
        expected = pictures.read([number])[0]
        if variant == "+90":
            expected = np.rot90(expected)
        elif variant == "-90":
            expected = np.rot90(expected, -1)
        elif variant == "flip":
            expected = np.fliplr(expected)
        rho = float(shown.table["horizontal_expand"][row])
        blurred = np.rint(np.asarray(radial_blur(np.ascontiguousarray(expected), rho)))
        picture = shown.read([row])[0]
        assert picture.dtype == np.uint8
        assert picture == pytest.approx(blurred, abs=1)
        assert variant == "itself" or not np.array_equal(picture, expected)


def test_any_order_of_reading_gives_the_same_images(pictures):
    shown = variants(pictures)
    rows = np.arange(len(shown))
    mixed = np.random.default_rng(0).permutation(rows)
    assert np.array_equal(shown.read(mixed), shown.read(rows)[mixed])
    assert shown.shape == (2 * 4 + 4 * 2, SIZE, SIZE, 3)


def test_no_oversampling_shows_the_chosen_images_as_they_are(pictures):
    chosen = [5, 0, 3]
    shown = VariantImages(pictures, chosen, table(OVERSAMPLING["none"], ids="abc", labels="BMB"))
    assert np.array_equal(shown.read([0, 1, 2]), pictures.read(chosen))


def test_separate_directions_differ_and_the_paper_has_one_value():
    directions = ["horizontal_expand", "horizontal_shrink", "vertical_expand", "vertical_shrink"]
    assert (table()[directions].nunique(axis=1) == 1).all()
    separate = table(OVERSAMPLING["g23-separate"])
    assert (separate[separate["variant"] != "itself"][directions].nunique(axis=1) == 4).all()


def test_fringes_are_zoomed_colours():
    image = np.zeros((40, 60, 3))
    image[:, 45:] = 255  # an edge 15.5 to the right of the centre, 29.5
    fringed = chromatic_aberration(image, 0.1)
    assert fringed[..., 1] == pytest.approx(image[..., 1])
    # Red shows x * 1.1: the edge moves to 15.0 / 1.1 = 13.6 from the centre; blue's to 15.0 / 0.9 = 16.7.
    columns = (fringed[20] > 127).argmax(axis=0)
    assert columns.tolist() == [44, 45, 47]


def test_fringes_are_of_the_variants_that_ask_for_them(pictures):
    # Strong enough to be seen in pictures as small as these.
    shown = variants(pictures, replace(OVERSAMPLING["g23-aberration"], aberration=(0.05, 0.1)))
    strengths = shown.table["aberration"].to_numpy()
    blurred = shown.table["variant"].to_numpy() != "itself"
    assert ((strengths > 0) == blurred).all()
    plain = variants(pictures)
    same = [np.array_equal(shown.read([n]), plain.read([n])) for n in range(len(shown))]
    assert (np.array(same) == ~blurred).all()


def test_variants_are_written_for_people_to_see(pictures, tmp_path):
    shown = variants(pictures)
    materialise(shown, tmp_path)
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png"))
    assert len(files) == len(shown)
    assert "benign/a_flip.png" in files and "malignant/c_-90.png" in files
    row = int(np.flatnonzero((shown.table["image_id"] == "c") & (shown.table["variant"] == "+90"))[0])
    assert np.array_equal(np.asarray(Image.open(tmp_path / "malignant/c_+90.png")), shown.read([row])[0])
    materialise(shown, tmp_path)
    with pytest.raises(ValueError, match="holds other variants than these"):
        materialise(variants(pictures, seed=1), tmp_path)


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/../../x", "..", ".", "", "a//b", "x/", "..\\x", "x\0", "x\ny"]
)
@pytest.mark.parametrize("column", ["image_id", "label"])
def test_a_name_that_leads_out_of_the_folder_is_refused_before_anything_is_written(
    pictures, tmp_path, column, name
):
    shown = variants(pictures)
    shown.table.loc[0, column] = name
    with pytest.raises(ValueError, match=f"The {column} .* cannot be the name of a file of --materialise"):
        materialise(shown, tmp_path / "images")
    assert list(tmp_path.iterdir()) == []


def test_the_image_ids_of_a_folder_of_images_stay_inside(pictures, tmp_path):
    shown = variants(pictures)
    shown.table["image_id"] = "benign/" + shown.table["image_id"] + ".jpg"
    materialise(shown, tmp_path)
    assert (tmp_path / "benign" / "benign" / "a.jpg_flip.png").is_file()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ImageVariant("half", turn=45), "turn must be 0, 90 or -90. Received: turn=45"),
        (lambda: Oversampling({}, rho=(0.005, 0.2)), r"rho must be in \[0, 0.2\)"),
        (lambda: Oversampling({}, rho=(-0.1, 0.1)), r"rho must be in \[0, 0.2\)"),
        (lambda: Oversampling({}, rho=(0.02, 0.01)), r"rho must be \(low, high\)"),
        (lambda: Oversampling({"benign": ()}), "class 'benign' needs at least one variant"),
        (lambda: Oversampling({"benign": (ImageVariant("a"), ImageVariant("a"))}), "each of its own name"),
        (lambda: chromatic_aberration(np.zeros((4, 4, 3)), 0.2), "strength must be in"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
