"""The report of a sweep, from hand-made predictions whose differences are known exactly."""

import dataclasses
import json
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from pipelines import binary
from pipelines.common import options
from pipelines.common.console import UsageError
from pipelines.sweeps.engine.run_facts import steps_text, training_steps
from pipelines.sweeps.engine.sweep_report import report_sweep
from pipelines.sweeps.gilal2023 import tables
from pipelines.sweeps.gilal2023.claims import all_claims, rates_of
from pipelines.sweeps.gilal2023.results import read_sweep
from skinkeras.evaluation import binary_metrics
from skinkeras.reports import predictions_table

MALIGNANT, BENIGN = 40, 100
LABELS = np.repeat([1, 0], [MALIGNANT, BENIGN])
IDS = [f"{i:03d}" for i in range(LABELS.size)]
CLASSES = ["benign", "malignant"]


def scores(misses, alarms=10):
    """A model that misses the first so many malignant images and flags the first so many benign ones."""
    malignant = np.where(np.arange(MALIGNANT) < misses, 0.05, 0.8)
    benign = np.where(np.arange(BENIGN) < alarms, 0.7, 0.1)
    return np.r_[malignant, benign]


class Sweep:
    """A sweep's folder, written run by run."""

    def __init__(self, path, *, synthetic=True, released=False):
        self.path, self.synthetic, self.released, self.rows = path, synthetic, released, []
        path.mkdir()

    def add(self, probabilities, status="done", error="", **settings):
        name = f"run_{len(self.rows):02d}"
        row = {
            "run": name, "status": status, "error": error, "seconds": 1.5, "oversample": "none",
            "cleaning": "", "rounds": 0, "train_benign": 800, "train_malignant": 200, "balance_ratio": 0.25,
            "model": "lite0", "loss": "crossentropy", "gamma": "", "focal_delta": "", "seed": 0,
        }  # fmt: skip
        self.rows.append(row | settings)
        pd.DataFrame(self.rows).to_csv(self.path / "runs.csv", index=False)
        if status == "done":
            folder = self.path / "runs" / name
            folder.mkdir(parents=True)
            at_half = dataclasses.asdict(binary_metrics(LABELS, probabilities, bootstrap=20))
            write = self._write_released if self.released else self._write
            metrics, table = write(probabilities, at_half)
            (folder / "metrics.json").write_text(json.dumps({"synthetic": self.synthetic, **metrics}))
            table.to_csv(folder / "predictions.csv", index=False)

    def _write(self, probabilities, at_half):
        images = pd.DataFrame({"image_id": IDS, "image": "", "group": IDS, "label": np.take(CLASSES, LABELS)})
        both = {"float": np.stack([1 - probabilities, probabilities], axis=1)}
        forms = {"float": {"metrics": at_half, "metrics_at_half": at_half}}
        metrics = {"classes": CLASSES, "repeats": [{"images": {}, "forms": forms}], "mean": None}
        return metrics, predictions_table(
            images, CLASSES, both, {"float": (probabilities >= 0.5).astype(int)}
        )

    def _write_released(self, probabilities, at_half):
        images = {"image_id": IDS, "group": range(LABELS.size), "malignant": LABELS}
        metrics = {"images": {}, "test": {"float": {"at_0.5": at_half, "at_threshold": at_half}}}
        return metrics, pd.DataFrame(images | {"probability_float": probabilities})

    def read(self):
        """(`SweepResults`, rates)"""
        sweep = read_sweep(self.path)
        return sweep, rates_of(sweep, 400)

    def claims(self):
        sweep, rates = self.read()
        return {claim.name: claim for claim in all_claims(sweep.runs, rates)}


@pytest.fixture
def sweep(tmp_path):
    return Sweep(tmp_path / "sweep")


def test_the_paired_difference_and_its_interval_are_those_of_the_binomial(sweep):
    sweep.add(scores(20))
    sweep.add(scores(5, alarms=30), oversample="g23")
    claim = sweep.claims()["blur"]
    comparison = claim.comparisons[0]
    assert (claim.verdict, comparison.count) == ("supported", 1)
    miss, alarm = comparison.effect["miss_rate"], comparison.effect["false_alarm_rate"]
    assert miss.value == pytest.approx(-15 / 40)
    assert alarm.value == pytest.approx(20 / 100)
    # The models differ on 15 of the malignant images and on 20 of the benign: a draw holds Binomial many.
    low, high = -stats.binom.ppf([0.975, 0.025], 40, 15 / 40) / 40
    assert miss.ends[1:] == pytest.approx((low, high), abs=1.01 / 40)
    low, high = stats.binom.ppf([0.025, 0.975], 100, 20 / 100) / 100
    assert alarm.ends[1:] == pytest.approx((low, high), abs=1.01 / 100)


@pytest.mark.parametrize(
    ("plain", "blurred", "verdict"),
    [
        (scores(20), scores(5), "supported"),
        (scores(5), scores(20), "contradicted"),
        (scores(5), scores(5), "not decided by these runs"),
        (scores(5), scores(6), "not decided by these runs"),
    ],
)
def test_blur_is_judged_by_the_interval_of_the_miss_rate(sweep, plain, blurred, verdict):
    sweep.add(plain)
    sweep.add(blurred, oversample="g23")
    assert sweep.claims()["blur"].verdict == verdict


def test_only_runs_that_agree_in_everything_else_are_compared(sweep):
    sweep.add(scores(20))
    sweep.add(scores(16), model="b0")
    sweep.add(scores(12), oversample="g23")
    sweep.add(scores(0), oversample="g23", seed=1)
    sweep.add(scores(0), oversample="g23", loss="recall", gamma=1)
    sweep.add(scores(0), oversample="g23", rounds=2, cleaning="small")
    sweep.add(scores(10), oversample="g23", model="b0")
    comparison = sweep.claims()["blur"].comparisons[0]
    assert comparison.count == 2
    # The seeds of a recipe are averaged: 12 and 0 misses with blur are 6.
    assert comparison.effect["miss_rate"].value == pytest.approx(-((20 - 6) + 6) / 2 / 40)


def test_cleaning_is_compared_with_none_together_and_by_number_of_rounds(sweep):
    sweep.add(scores(20))
    sweep.add(scores(14), rounds=1, cleaning="small")
    sweep.add(scores(4), rounds=3, cleaning="small")
    claim = sweep.claims()["cleaning"]
    found = {c.what: (c.count, round(c.effect["miss_rate"].value * 40, 6)) for c in claim.comparisons}
    assert found == {
        "cleaning - no cleaning": (2, -11),
        "1 round - no cleaning": (1, -6),
        "3 rounds - no cleaning": (1, -16),
    }
    assert claim.verdict == "supported"


def test_the_slope_over_gamma_is_per_factor_of_ten(sweep):
    sweep.add(scores(24))
    for gamma, misses in ((1, 20), (10, 12), (100, 4)):
        sweep.add(scores(misses, alarms=10 + misses), loss="recall", gamma=gamma)
    claim = sweep.claims()["gamma"]
    slope, *against_plain = claim.comparisons
    assert claim.verdict == "supported"
    assert slope.effect["miss_rate"].value == pytest.approx(-8 / 40)
    assert slope.effect["false_alarm_rate"].value == pytest.approx(-8 / 100)
    assert [round(c.effect["miss_rate"].value * 40, 6) for c in against_plain] == [-4, -12, -20]


def test_gammas_of_which_none_misses_less_decide_nothing(sweep):
    for gamma in (1, 10, 100):
        sweep.add(scores(7), loss="recall", gamma=gamma)
    claim = sweep.claims()["gamma"]
    assert claim.verdict == "not decided by these runs"
    assert claim.comparisons[0].effect["miss_rate"].ends == (0, 0, 0)


@pytest.mark.parametrize(
    ("by_model", "by_loss", "verdict"),
    [(0, 20, "supported"), (20, 0, "contradicted"), (8, 8, "not decided by these runs")],
)
def test_architecture_is_judged_against_the_factor_of_the_widest_spread(sweep, by_model, by_loss, verdict):
    for m, model in enumerate(("lite0", "b0")):
        for i, loss in enumerate(("crossentropy", "inverse_frequency")):
            sweep.add(scores(2 + by_model * m + by_loss * i), model=model, loss=loss)
    claim = sweep.claims()["architecture"]
    found = {c.what: c.effect["balanced_accuracy"].value for c in claim.comparisons}
    # A miss more is 1/40 of malignant recall, and balanced accuracy is half of that.
    assert found == pytest.approx({
        "spread over architectures - widest other spread": (by_model - by_loss) / 80,
        "spread over architectures": by_model / 80,
        "spread over losses": by_loss / 80,
    })  # fmt: skip
    assert claim.verdict == verdict


def test_what_the_sweep_lacks_is_not_tested(sweep):
    sweep.add(scores(5))
    sweep.add(scores(5), status="failed", error="The loss is not finite.", oversample="g23")
    verdicts = [claim.verdict for claim in sweep.claims().values()]
    assert all(verdict.startswith("not tested: the sweep has no ") for verdict in verdicts)


def test_focal_and_recall_loss_have_to_help_at_every_balance_ratio(sweep):
    sweep.add(scores(20))
    sweep.add(scores(20), oversample="g23", balance_ratio=0.5)
    for loss, parameter in (("focal", {"focal_delta": 2}), ("recall", {"gamma": 10})):
        sweep.add(scores(6), loss=loss, **parameter)
        sweep.add(scores(6), loss=loss, oversample="g23", balance_ratio=0.5, **parameter)
    claim = sweep.claims()["losses by balance"]
    assert (claim.verdict, claim.deciding) == ("supported", 4)
    assert claim.comparisons[0].what == "focal - cross-entropy at balance 0.25 (no blur, 0 rounds)"
    assert claim.comparisons[0].effect["miss_rate"].value == pytest.approx(-14 / 40)
    sweep.add(scores(14), rounds=2, cleaning="small", balance_ratio=1)
    sweep.add(scores(34), rounds=2, cleaning="small", balance_ratio=1, loss="recall", gamma=10)
    verdict = sweep.claims()["losses by balance"].verdict
    assert verdict.startswith(
        "contradicted (a part is not tested: the sweep has no matched runs of focal loss and"
    )
    assert "at balance 1 (no blur, 2 rounds) (missing: runs of focal, otherwise as run_06" in verdict


def test_the_recall_loss_of_a_batch_is_no_gamma_of_eq_7(sweep):
    sweep.add(scores(9), loss="recall", gamma=1, recall_update="same_batch")
    sweep.add(scores(20), loss="recall", gamma=1)
    sweep.add(scores(5), loss="recall", gamma=10)
    results, rates = sweep.read()
    assert results.runs["loss_name"].tolist() == [
        "recall loss",
        "recall cross-entropy, gamma 1",
        "recall cross-entropy, gamma 10",
    ]
    (slope, *_) = sweep.claims()["gamma"].comparisons
    assert slope.effect["miss_rate"].value == pytest.approx(-15 / 40)
    # Table II has the former as "RL (gamma=1)", as the paper does.
    found = tables.ablation(results.runs, rates).set_index("configuration")["miss_rate"] * 40
    assert found.to_dict() == pytest.approx({"BL + RL (gamma=1)": 9, "BL + RL (gamma=10)": 5})


def test_the_printed_values_stand_beside_those_of_the_model_that_stands_for_another(sweep):
    sweep.add(scores(20), model="efficientnet_lite2")
    sweep.add(scores(10), model="efficientnet_lite2", oversample="g23")
    (sweep.path / "sweep.yaml").write_text("stands_for: {efficientnet_lite2: efficientnet_b2}\n")
    results, rates = sweep.read()
    table = tables.configurations(results, rates)
    # EfficientNet-B2, cross-entropy, 52,066 / 16,340; with 26,033 / 4,085 it is not in Table I.
    blurred = table[table["blurred"]].iloc[0]
    assert blurred["balanced_accuracy_paper"] == 0.95
    assert blurred["balanced_accuracy_less_paper"] == pytest.approx((30 / 40 + 90 / 100) / 2 - 0.95)
    assert table[~table["blurred"].astype(bool)]["balanced_accuracy_paper"].isna().all()
    text = tables.configurations_markdown(table, results.stands_for)
    assert "| efficientnet_lite2 (for efficientnet_b2) | cross-entropy | 800 | 200 |" in text
    assert "Of 2 configurations 0 reach more than 94% balanced accuracy" in text
    assert text.count("| EfficientNet ") == 28  # the other rows of the paper, without a run
    ablation = tables.ablation(results.runs, rates).set_index("configuration")
    assert ablation.loc["BL + BLUR", "accuracy"] == pytest.approx(120 / 140)
    assert ablation.loc["BL + BLUR", "accuracy_less_paper"] == pytest.approx(120 / 140 - 0.979)
    assert ablation.loc["BL", "malignant_recall_paper"] == 0.88


def test_table_1_is_sorted_by_balanced_accuracy_and_ends_with_what_failed(sweep):
    sweep.add(scores(20))
    sweep.add(None, status="failed", error="The loss is not finite.", model="b0")
    sweep.add(scores(2), loss="focal", focal_delta=2)
    table = tables.configurations(*sweep.read())
    assert table["run"].tolist() == ["run_02", "run_00", "run_01"]
    best = binary_metrics(LABELS, scores(2), bootstrap=20)
    assert table["accuracy"][0] == pytest.approx((38 + 90) / 140)
    assert (table["roc_auc_low"][0], table["roc_auc_high"][0]) == pytest.approx(best.roc_auc_interval)
    text = tables.configurations_markdown(table, {})
    assert "focal cross-entropy, delta 2" in text
    assert "- `run_01`: The loss is not finite." in text


def test_table_2_adds_to_the_base_line_of_each_architecture(sweep):
    sweep.add(scores(20))
    sweep.add(scores(10), loss="recall", gamma=10)
    sweep.add(scores(16), rounds=1, cleaning="small")
    sweep.add(scores(8), rounds=2, cleaning="small")
    sweep.add(scores(4), oversample="g23", rounds=1, cleaning="small", loss="recall", gamma=10)
    sweep.add(scores(3), model="b0", oversample="g23")
    sweep.add(scores(1), loss="inverse_frequency")
    results, rates = sweep.read()
    table = tables.ablation(results.runs, rates)
    table["configuration"] = table["model"] + " " + table["configuration"]
    found = table.set_index("configuration")["miss_rate_difference"] * 40
    expected = {
        "lite0 BL": np.nan,
        "lite0 BL + RL (gamma=10)": -10,
        "lite0 BL + UNDER": -12,
        "lite0 BL + BLUR + UNDER + RL (gamma=10)": -16,
        "b0 BL + BLUR": np.nan,  # b0 has no base line
    }
    assert found.to_dict() == pytest.approx(expected, nan_ok=True)


def test_the_report_is_written_and_says_that_it_is_synthetic(sweep, capsys):
    for i, oversample in enumerate(("none", "g23")):
        for rounds in (0, 2):
            kind = {"oversample": oversample, "rounds": rounds, "cleaning": "small" if rounds else ""}
            ratio = 0.1 * 3 ** (i + rounds)
            sweep.add(scores(20 - 4 * i - 5 * rounds), balance_ratio=ratio, **kind)
            sweep.add(scores(9 - 4 * i), loss="recall", gamma=10, balance_ratio=ratio, **kind)
    report_sweep(sweep.path)
    printed = capsys.readouterr().out
    assert "SYNTHETIC" in printed and "report.md" in printed
    out = sweep.path / "report"
    assert sorted(path.name for path in out.iterdir()) == [
        "claims.csv", "figure_5.png", "figure_6.png", "report.md", "table_1.csv", "table_1.md",
        "table_2.csv", "table_2.md",
    ]  # fmt: skip
    text = (out / "report.md").read_text()
    assert text.startswith("# SYNTHETIC: sweep sweep\n")
    assert "figure_5.png" in text and "figure_6.png" in text
    assert "lowers the miss rate: supported" in text
    assert "do not cover the seed of training" in text
    for name in ("figure_5.png", "figure_6.png"):
        image = cv2.imread(str(out / name))
        assert image.shape[1] >= 900 and image.std() > 5
    claims = pd.read_csv(out / "claims.csv")
    assert claims.loc[claims["decides"], "claim"].tolist() == [
        *("blur", "cleaning"),
        *["losses by balance"] * 4,  # the recall loss on each training set; focal loss was not run
    ]


def test_a_sweep_of_one_run_and_of_real_images_has_a_report_too(tmp_path, capsys):
    sweep = Sweep(tmp_path / "sweep", synthetic=False)
    sweep.add(scores(5), loss="recall", gamma=10)
    report_sweep(sweep.path)
    assert "SYNTHETIC" not in capsys.readouterr().out + (sweep.path / "report" / "report.md").read_text()


def test_a_lower_miss_rate_alone_is_not_taken_for_a_better_model(sweep):
    ranked = np.where(scores(20) < 0.1, 0.2, scores(20))
    sweep.add(ranked)
    # The same ranking, and more called malignant.
    sweep.add(np.interp(ranked, [0.1, 0.2, 0.7, 0.8], [0.1, 0.6, 0.8, 0.9]), oversample="g23")
    report_sweep(sweep.path)
    text = (sweep.path / "report" / "report.md").read_text()
    assert "the miss rate falls and the false alarm rate does not change" in text
    assert "lowers the miss rate: not decided by these runs" in text
    assert "a lower threshold might have done as much" in text


def test_a_verdict_of_one_seed_says_so(sweep):
    sweep.add(scores(20))
    sweep.add(scores(5), oversample="g23")
    report_sweep(sweep.path)
    text = (sweep.path / "report" / "report.md").read_text()
    assert "lowers the miss rate: supported (one seed: training luck is not in this interval)" in text
    claims = pd.read_csv(sweep.path / "report" / "claims.csv").set_index("claim")
    assert claims.loc["blur", "training_luck"] == "unknown"
    assert claims.loc["blur", "corrected_verdict"] == "supported"


def test_seeds_that_disagree_decide_nothing_and_those_that_agree_do(sweep):
    agreeing = Sweep(sweep.path.parent / "agreeing")
    for seed, (plain, blurred) in enumerate(((20, 8), (21, 9), (22, 7))):
        agreeing.add(scores(plain), seed=seed)
        agreeing.add(scores(blurred), seed=seed, oversample="g23")
    for seed, (plain, blurred) in enumerate(((20, 8), (6, 18), (20, 6))):
        sweep.add(scores(plain), seed=seed)
        sweep.add(scores(blurred), seed=seed, oversample="g23")
    verdicts = [each.claims()["blur"] for each in (agreeing, sweep)]
    assert [(claim.verdict, claim.luck) for claim in verdicts] == [
        ("supported", "seeds"),
        ("not decided by these runs", "seeds"),
    ]
    assert [claim.comparisons[0].count for claim in verdicts] == [1, 1]


def test_an_assumed_deviation_between_seeds_is_taken_from_the_yaml_file(sweep):
    sweep.add(scores(20))
    sweep.add(scores(5), oversample="g23")
    (sweep.path / "sweep.yaml").write_text("seed_sd: {roc_auc: 0.5, recall_at_specificity: 0.5}\n")
    claim = sweep.claims()["blur"]
    assert (claim.verdict, claim.luck) == ("not decided by these runs", "assumed")
    (sweep.path / "sweep.yaml").write_text("seed_sd: {auc: 0.012}\n")
    with pytest.raises(UsageError, match="seed_sd: 'auc' is not a key; there are: within_source_auc"):
        report_sweep(sweep.path)
    (sweep.path / "sweep.yaml").write_text("seed_sd: much\n")
    with pytest.raises(UsageError, match="seed_sd must give standard deviations"):
        report_sweep(sweep.path)


def name_sources(sweep, sources):
    for file in sweep.path.glob("runs/*/predictions.csv"):
        table = pd.read_csv(file, dtype={"image_id": str, "group": str})
        table.assign(acquisition=sources).to_csv(file, index=False)


def test_what_only_recognises_the_clinic_supports_nothing(sweep):
    # One clinic sent 30 of the 40 melanomas and 20 of the 100 benign images.
    clinic = np.r_[np.arange(MALIGNANT) < 30, np.arange(BENIGN) < 20]
    rng = np.random.default_rng(0)
    noise = rng.uniform(0, 0.3, (2, LABELS.size))
    sweep.add(noise[0])
    sweep.add(noise[0] + 0.5 * clinic, oversample="g23")
    claim = sweep.claims()["blur"]
    assert claim.verdict == "supported"
    report_sweep(sweep.path)
    assert "Pooled over sources" in (sweep.path / "report" / "report.md").read_text()
    name_sources(sweep, np.where(clinic, "a", "b"))
    claim = sweep.claims()["blur"]
    assert claim.verdict == "not decided by these runs"
    assert {condition.metric for condition in claim.conditions} == {
        "within_source_auc",
        "within_source_recall_at_specificity",
    }
    assert claim.comparisons[0].effect["within_source_auc"].value == pytest.approx(0)
    report_sweep(sweep.path)
    assert "2 sources (a, b)" in (sweep.path / "report" / "report.md").read_text()
    name_sources(sweep, np.where(LABELS, "a", "b"))  # no pair of classes in one of them
    assert sweep.read()[0].sources is None


def test_unequal_numbers_of_steps_are_told_with_the_numbers():
    runs = pd.DataFrame({"steps": [300.0, 300, 660, 660]})
    text = steps_text(runs, np.array([-0.5, -0.5, 0.5, 0.5]))
    assert text.startswith("**Optimizer steps differ**: 660 on average against 300 (2.20 times as many).")
    assert steps_text(runs, np.array([1, -1, 0, 0])) == "Optimizer steps: 300 on both sides."
    runs.loc[3, "steps"] = np.nan
    assert "not known" in steps_text(runs, np.array([-0.5, -0.5, 0.5, 0.5]))


def test_steps_are_epochs_times_batches(tmp_path):
    settings = {"data": "synthetic", "epochs": 3, "head_epochs": 1, "batch_size": 32, "export": False}
    resolved = binary.resolved(options.build(binary.Settings, settings | {"weights": "none"}))
    values = options.plain(options.flatten(resolved))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"job": "binary", "settings": values}))
    counts = {"train": {"benign": 80, "malignant": 17}}
    assert training_steps(tmp_path, SimpleNamespace(counts=counts)) == 4 * 4
    assert np.isnan(training_steps(tmp_path / "nowhere", SimpleNamespace(counts=counts)))


def test_several_seeds_are_counted(sweep):
    for seed in (0, 1, 2):
        sweep.add(scores(5 + seed), seed=seed)
    report_sweep(sweep.path)
    text = " ".join((sweep.path / "report" / "report.md").read_text().split())
    assert "3 seeds of training" in text
    table = pd.read_csv(sweep.path / "report" / "table_1.csv")
    assert (len(table), table["runs"][0], table["seeds"][0]) == (1, 3, "0, 1, 2")
    # 5, 6 and 7 of 40 are missed.
    assert table["malignant_recall"][0] == pytest.approx(34 / 40)
    assert table["malignant_recall_sd"][0] == pytest.approx(1 / 40, abs=1e-6)
    assert "0.850 [" in text and "sd 0.025" in text


def drop_metrics(path):
    (path / "runs" / "run_01" / "metrics.json").unlink()


def cut_metrics(path):
    (path / "runs" / "run_01" / "metrics.json").write_text('{"synthetic": true, "test"')


def empty_metrics(path):
    repeats = [{"images": {}, "forms": {}}]
    metrics = {"synthetic": True, "classes": CLASSES, "repeats": repeats, "mean": None}
    (path / "runs" / "run_01" / "metrics.json").write_text(json.dumps(metrics))


def drop_predictions(path):
    (path / "runs" / "run_01" / "predictions.csv").unlink()


def edit_predictions(change):
    def edit(path):
        file = path / "runs" / "run_01" / "predictions.csv"
        change(pd.read_csv(file, dtype={"image_id": str})).to_csv(file, index=False)

    return edit


def edit_runs(**values):
    def edit(path):
        table = pd.read_csv(path / "runs.csv", keep_default_na=False).assign(**values)
        table.to_csv(path / "runs.csv", index=False)

    return edit


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: (path / "runs.csv").unlink(), "of neither a run nor a sweep: .* no runs.csv"),
        (lambda path: (path / "runs.csv").write_text(""), "runs.csv is not a table that can be read"),
        (lambda path: (path / "runs.csv").write_text("run,status\na,done\n"), "runs.csv has no column error"),
        (lambda path: (path / "sweep.yaml").write_text("- 1\n"), "sweep.yaml: the file must be keys"),
        (edit_runs(status="waiting"), "No run of .* has finished"),
        (edit_runs(balance_ratio="many"), "no number as balance_ratio of the run run_00: found 'many'"),
        (edit_runs(loss="recall"), "no number as gamma of the run run_00"),
        (drop_metrics, "run_01 is marked as done, .*There is no file"),
        (cut_metrics, "run_01 is marked as done, .*run the sweep again"),
        (empty_metrics, "run_01 is marked as done, .*it lacks 'float'"),
        (drop_predictions, "run_01 is marked as done, .*There is no file"),
        (edit_predictions(lambda t: t.drop(columns="group")), r"run_01 is marked as done, .*\['group'\]"),
        (
            edit_predictions(lambda t: t.assign(probability_float_malignant=2.0)),
            "run_01 .*Received: 2.0 in row 0",
        ),
        (edit_predictions(lambda t: t[::-1]), "The run run_01 was measured on other test images"),
        (edit_predictions(lambda t: t[1:]), "The run run_01 was measured on other test images"),
        (
            edit_predictions(lambda t: t.assign(label=np.take(CLASSES, 1 - LABELS))),
            "The run run_01 was measured on other test images",
        ),
    ],
)
def test_a_folder_that_cannot_be_reported_is_refused_in_one_sentence(sweep, spoil, words):
    sweep.add(scores(5))
    sweep.add(scores(3), oversample="g23")
    spoil(sweep.path)
    with pytest.raises(UsageError, match=words) as refused:
        report_sweep(sweep.path)
    assert "\n" not in str(refused.value)
    assert not (sweep.path / "report").exists()


def test_no_such_folder_is_refused(tmp_path):
    with pytest.raises(UsageError) as refused:
        report_sweep(tmp_path / "nowhere")
    wanted = f"There is no folder {tmp_path / 'nowhere'}: name the folder of a run or of a sweep."
    assert str(refused.value) == wanted


def test_sweeps_of_the_released_version_have_the_same_report(tmp_path):
    texts = []
    for released in (False, True):
        (tmp_path / str(released)).mkdir()
        sweep = Sweep(tmp_path / str(released) / "sweep", released=released)
        for misses, oversample in ((20, "none"), (5, "g23")):
            sweep.add(scores(misses), oversample=oversample)
            sweep.add(scores(misses + 2), loss="recall", gamma=10, oversample=oversample)
        report_sweep(sweep.path)
        texts.append((sweep.path / "report" / "report.md").read_text())
    assert texts[0] == texts[1]
    assert "lowers the miss rate: supported" in texts[1]
