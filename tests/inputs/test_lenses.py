import numpy as np
import pytest

from skinkeras.inputs import (
    LENS_EFFECTS,
    OVERSAMPLING,
    DecodedImages,
    VariantImages,
    barrel_distortion,
    chromatic_aberration,
    radial_blur,
    variant_table,
    vignette,
)


def ramps(height=81, width=101):
    """A channel that is the row, one that is the column, and one that is their sum: interpolation is exact."""
    y, x = np.mgrid[:height, :width].astype("float32")
    return np.stack([y, x, x + y], axis=-1)


@pytest.mark.parametrize("strength", [0.05, 0.3, -0.1])
def test_a_pixel_shows_what_browns_term_says(strength):
    image = ramps()
    shown = barrel_distortion(image, strength)
    for y, x in ((40, 50), (40, 70), (10, 50), (25, 83)):
        down, across = y - 40, x - 50
        squared = (down**2 + across**2) / (40**2 + 50**2)
        factor = (1 + strength * squared) / (1 + strength)
        assert shown[y, x, 0] == pytest.approx(40 + factor * down, abs=1e-3)
        assert shown[y, x, 1] == pytest.approx(50 + factor * across, abs=1e-3)


def test_a_barrel_keeps_the_corners_and_enlarges_the_middle():
    image = ramps()
    shown = barrel_distortion(image, 0.2)
    assert shown[[0, 0, -1, -1], [0, -1, 0, -1]] == pytest.approx(
        image[[0, 0, -1, -1], [0, -1, 0, -1]], abs=1e-3
    )
    assert shown[40, 51, 1] - shown[40, 49, 1] == pytest.approx(2 / 1.2, abs=1e-2)
    # A line that runs straight along the border bends outwards in its middle.
    assert 0 < shown[0, 50, 0] < 10


def test_the_corners_lose_the_share_of_light_that_is_said():
    image = np.full((81, 101, 3), 180.0)
    shown = vignette(image, 0.4)
    light = (shown / 180) ** 2.2
    assert light[40, 50] == pytest.approx(1, abs=1e-6)
    assert light[[0, -1], [0, -1]] == pytest.approx(0.6, abs=1e-6)
    assert light[40, 0] == pytest.approx(1 - 0.4 * 50**2 / (50**2 + 40**2), abs=1e-6)


@pytest.mark.parametrize("effect", LENS_EFFECTS)
def test_an_effect_keeps_shape_and_range_and_grows_with_its_strength(effect):
    image = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    row = LENS_EFFECTS[effect]
    changes = []
    for strength in (0.0, 0.05 * row.limit, 0.5 * row.limit):
        shown = row.apply(image, strength)
        assert shown.shape == image.shape and shown.dtype == np.float32
        assert shown.min() >= 0 and shown.max() <= 255
        changes.append(np.abs(shown - image).mean())
    assert changes[0] == pytest.approx(0, abs=1e-4) and 0 < changes[1] < changes[2]


@pytest.mark.parametrize(
    ("apply", "wrong"),
    [
        (barrel_distortion, (0.5, -0.5, float("nan"))),
        (vignette, (1.0, -0.1, float("nan"))),
        (chromatic_aberration, (0.2, -0.2, float("nan"))),
    ],
)
def test_a_strength_outside_its_range_is_refused(apply, wrong):
    for strength in wrong:
        with pytest.raises(ValueError, match="strength must be in"):
            apply(np.zeros((4, 4, 3)), strength)


@pytest.mark.parametrize(
    ("policy", "effects"),
    [
        ("g23", ()),
        ("g23-aberration", ("aberration",)),
        ("g23-barrel", ("barrel", "vignette")),
        ("g23-clip-on", ("aberration", "barrel", "vignette")),
    ],
)
def test_a_policy_shows_each_blurred_variant_through_its_lens(tmp_path, policy, effects):
    images = np.random.default_rng(1).integers(0, 256, (2, 48, 48, 3), np.uint8)
    np.save(tmp_path / "images.npy", images)
    row = OVERSAMPLING[policy]
    table = variant_table(["a", "b"], ["benign", "malignant"], row, 0)
    shown = VariantImages(DecodedImages(tmp_path / "images.npy"), [0, 1], table)
    for _, variant in table.iterrows():
        strengths = {name: variant[name] for name in effects}
        inside = [
            getattr(row, name)[0] <= value <= getattr(row, name)[1] for name, value in strengths.items()
        ]
        assert all(inside) == (variant["variant"] != "itself") or not effects
    # By hand, of the benign image's flip.
    variant = table.iloc[1]
    expected = np.ascontiguousarray(np.fliplr(images[0]))
    expected = radial_blur(expected, float(variant["horizontal_expand"]), dtype="uint8")
    for name in effects:
        expected = LENS_EFFECTS[name].apply(expected, variant[name])
    assert shown.read([1])[0] == pytest.approx(np.rint(expected), abs=1)


def test_the_tables_of_the_earlier_policies_have_their_columns():
    # Cleanings recognise their rows by the whole table.
    columns = ["picture", "image_id", "label", "variant", "turn", "flip"]
    columns += ["horizontal_expand", "horizontal_shrink", "vertical_expand", "vertical_shrink", "aberration"]
    for name in ("none", "g23", "g23-separate", "g23-aberration"):
        assert list(variant_table(["a"], ["benign"], OVERSAMPLING[name], 0).columns) == columns
