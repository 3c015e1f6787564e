"""The numbers of training images that both papers print, from the experiments' own settings and the label files."""

import csv

import numpy as np
import pytest

from pipelines.common.groups import CleaningOptions, OversamplingOptions
from skinkeras import cleaning, datasets, experiments, inputs


@pytest.fixture(scope="module")
def merge(shared_data):
    return datasets.isic_merge(shared_data / "isic")


def settings_of(name):
    return experiments.get(name).settings


def sizes(manifest, settings, folder):
    """(benign, malignant) training rows of an experiment, by what a run does after the manifest is read."""
    assignment = datasets.split(manifest, settings["split_by"], 7, validation=settings["validation"])
    assert set(assignment) == {"train", "test"}
    train = manifest.table[assignment == "train"]
    policy = OversamplingOptions(oversample=settings["oversample"]).policy
    table = inputs.variant_table(train["image_id"], train["label"], policy, 7)
    plan = CleaningOptions(**{k: settings[k] for k in ("clean", "clean_rounds") if k in settings}).plan
    if plan is None:
        counts = table["label"].value_counts()
        return counts["benign"], counts["malignant"]
    rounds = cleaning.CleaningRounds(folder, table, plan)
    while not rounds.is_complete:
        rounds.record(np.random.default_rng(rounds.done).exponential(size=len(table)))
    return rounds.counts()["benign"], rounds.counts()["malignant"]


@pytest.mark.parametrize(
    ("training_set", "printed"),
    [
        ("", (26033, 4085)),
        ("clean2_", (14033, 4085)),
        ("clean3_", (8033, 4085)),
        ("clean4_", (2045, 4085)),
        ("blur_", (52066, 16340)),
        ("blur_clean3_", (15066, 16340)),
        ("blur_clean4_", (5066, 16340)),
    ],
)
def test_the_sizes_of_gilal_2023(merge, tmp_path, training_set, printed):
    assert sizes(merge, settings_of(f"gilal2023/b2_{training_set}ce"), tmp_path) == printed


def test_the_test_images_of_gilal_2023(merge):
    test = merge.table[datasets.split(merge, "paper", 7, validation=0) == "test"]
    assert test["label"].value_counts().to_dict() == {"benign": 6509, "malignant": 1021}


def test_every_printed_row_of_table_1_has_a_size_that_is_tested(shared_data):
    file = shared_data.parent / "papers" / "gilal2023_table_1.csv"
    if not file.exists():
        pytest.skip("the printed tables are not on this machine")
    rows = csv.DictReader(file.read_text().splitlines())
    printed = {(int(row["benign"]), int(row["malignant"])) for row in rows}
    tested = {(26033, 4085), (14033, 4085), (8033, 4085), (52066, 16340), (15066, 16340)}
    # The table also prints 4,084 malignant images beside 26,033, and 4,073 beside 2,045: cleaning removes none here.
    assert printed - tested == {(26033, 4084), (2045, 4073)}


@pytest.mark.parametrize("name", ["barata2021/flat_adam_ce", "barata2021/hierarchical_sgd_focal_ohem"])
def test_barata_2021_trains_on_80_percent_and_keeps_lesions_together(shared_data, name):
    settings = settings_of(name)
    manifest = datasets.DATASETS["ham10000"].read(shared_data / "ham10000")
    splits = [
        datasets.split(manifest, "grouped", seed, validation=settings["validation"])
        for seed in range(settings["repeats"])
    ]
    for assignment in splits:
        assert set(assignment) == {"train", "test"}
        assert np.mean(assignment == "train") == pytest.approx(0.8, abs=0.01)
        lesions = manifest.table["lesion_id"].to_numpy()
        assert not set(lesions[assignment == "train"]) & set(lesions[assignment == "test"])
    assert len(splits) == 2 and (splits[0] != splits[1]).any()


def test_both_papers_squash_whole_images():
    every = experiments.EXPERIMENTS.values()
    assert {one.settings["geometry"] for one in every} == {"squash"}
    assert {one.settings.get("image_size") for one in every if one.job == "binary"} == {320}
