"""What a grid costs before it starts, and its plan without any work."""

from pathlib import Path

import pytest
import yaml

from pipelines import sweep
from pipelines.sweeps.engine import costs
from pipelines.sweeps.engine.grid_file import read_grid
from skinkeras.inputs import OVERSAMPLING

GRIDS = Path(__file__).parents[2] / "pipelines" / "sweeps"


def work_of(name):
    return {work.name: work for work in read_grid(GRIDS / name).work()}


def test_the_papers_numbers_of_images_follow_from_those_of_isic_merge():
    work = work_of("gilal2023/full_grid.yaml")
    # 26,033 + 4,085 images, with variants 52,066 + 16,340; cleaned as in its tables.
    rows = {
        "none_uncleaned": 30_118,
        "none_merge-2": 14_033 + 4_085,
        "none_merge-3": 8_033 + 4_085,
        "none_merge-4": 2_045 + 4_085,
        "g23_uncleaned": 52_066 + 16_340,
        "g23_blur-3": 15_066 + 16_340,
        "g23_blur-4": 5_066 + 16_340,
    }
    for name, count in rows.items():
        assert work[f"{name}_efficientnet_b2_focal_1_seed0"].rows == pytest.approx(count, abs=5), name
    # Ten epochs, and 7,530 test images that are predicted once, which counts a third.
    assert work["none_uncleaned_efficientnet_b0_crossentropy_seed0"].images == pytest.approx(
        301_180 + 7_530 / 3, rel=1e-4
    )
    # Four epochs and a ranking (a third) before each of four rounds.
    sizes = [30_118, 24_118, 18_118, 12_118]
    assert work["cleaning none-merge"].images == pytest.approx(sum(sizes) * (4 + 1 / 3), rel=1e-3)


def test_two_splits_and_250_epochs_count_that_often():
    work = work_of("barata2021/full_grid.yaml")
    assert len(work) == 40
    flat, hierarchical = (work[f"{name}_adam_ce_none_seed0"] for name in ("vgg16_cbam", "hierarchical_vgg16"))
    assert flat.rows == 8_012  # 80 % of 10,015
    assert flat.images == pytest.approx(2 * (150 * 8_012 + 2_003 / 3), rel=1e-4)
    assert hierarchical.images / flat.images == pytest.approx(250 / 150, rel=1e-3)


def test_time_is_images_by_the_measured_speed_of_the_family_scaled_by_work():
    speeds = (costs.Speed(100, "efficientnet_lite0", 112, "here"), costs.Speed(10, "vgg16", 112, "here"))
    start = costs.Work("", "vgg16", 112, 0, 0).seconds(speeds)
    assert costs.Work("", "efficientnet_lite0", 112, 0, 1_000).seconds(speeds) - start == pytest.approx(10)
    # Four times the pixels; and a network of (1,000 / 260^2) / (407 / 224^2) = 1.82 times the work a pixel.
    assert costs.Work("", "efficientnet_lite0", 224, 0, 1_000).seconds(speeds) - start == pytest.approx(40)
    found = costs.Work("", "efficientnet_b2", 112, 0, 1_000).seconds(speeds) - start
    assert found == pytest.approx(10 * (1_000 / 260**2) / (407 / 224**2))
    assert costs.Work("", "vgg16", 112, 0, 1_000).seconds(speeds) - start == pytest.approx(100)


def test_variants_multiply_each_class_by_its_own_number():
    assert costs.oversampled(120, 20, OVERSAMPLING["none"]) == (100, 20)
    assert costs.oversampled(120, 20, OVERSAMPLING["g23"]) == (200, 80)


def test_a_dry_run_prints_runs_and_costs_and_makes_no_folder(tmp_path, capsys):
    grid = GRIDS / "gilal2023" / "full_grid.yaml"
    sweep.main(sweep.Settings(grid, out=tmp_path / "out", dry_run=True))
    printed = " ".join(capsys.readouterr().out.split())
    assert "144 runs of" in printed
    assert "g23_blur-3_efficientnet_b2_focal_2_seed0: 31,4" in printed
    assert "146 runs and cleanings" in printed
    assert "two cores of an AMD EPYC, measured" in printed
    assert "on one GPU, estimated" in printed and "published by NVIDIA" in printed
    assert "on one H100, estimated 18." in printed and "derived from NVIDIA's figure for an A100" in printed
    assert "would be refused: " in printed and "add --data-dir" in printed
    assert not (tmp_path / "out").exists()


def test_labels_that_are_at_hand_are_counted(tmp_path):
    images = tmp_path / "images"
    for name, count in (("benign", 30), ("malignant", 10)):
        (images / name).mkdir(parents=True)
        for number in range(count):
            (images / name / f"{name}{number}.png").write_bytes(b"")
    entry = {"models": ["efficientnet_tiny"], "losses": ["crossentropy"]}
    settings = {
        "data": "folder",
        "weights": "none",
        "image_size": 32,
        "epochs": 2,
        "head_epochs": 0,
        "export": False,
    }
    source = {"settings": settings, "training_sets": [{"oversample": "g23"}], "runs": [entry]}
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(source))
    (work,) = read_grid(tmp_path / "grid.yaml", images).work()
    # 70 % train: 21 benign images twice and 7 malignant ones four times.
    assert work.rows == 42 + 28
    with pytest.raises(ValueError, match="How many images folder has is not known without --data-dir"):
        read_grid(tmp_path / "grid.yaml").work()


@pytest.mark.parametrize(
    ("seconds", "words"), [(45, "45 seconds"), (600, "10 minutes"), (9_000, "2.5 hours"), (1e6, "11.6 days")]
)
def test_times_are_in_words(seconds, words):
    assert costs.duration(seconds) == words
