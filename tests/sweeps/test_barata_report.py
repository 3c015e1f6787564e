"""The report of a sweep of multi-class runs, from hand-made predictions of known differences."""

import dataclasses
import json

import cv2
import numpy as np
import pandas as pd
import pytest

from pipelines.common.console import UsageError
from pipelines.sweeps.barata2021 import tables
from pipelines.sweeps.barata2021.claims import all_claims, rates_of
from pipelines.sweeps.barata2021.paper_report import describe, shown_runs
from pipelines.sweeps.barata2021.results import read_sweep
from pipelines.sweeps.engine.sweep_report import report_sweep
from skinkeras.evaluation import multiclass_metrics
from skinkeras.reports import predictions_table

CLASSES = ("bcc", "mel", "nv")
NAMES = ("no weighting", "CB", "ES", "SPL", "OHEM")
# Of each split: 20 basal cell carcinomas, 40 melanomas, 100 nevi.
COUNTS = (20, 40, 100)
LABELS = np.repeat(range(3), COUNTS)


def scores(bcc=0, mel=0, nv=0):
    """A model that calls the first so many images of each class the next class."""
    missed = np.concatenate([np.arange(n) < k for n, k in zip(COUNTS, (bcc, mel, nv), strict=True)])
    return np.where(np.arange(3) == (np.where(missed, LABELS + 1, LABELS) % 3)[:, None], 0.8, 0.1)


FLAT, HIERARCHICAL = "efficientnet_lite0_cbam", "hierarchical_efficientnet_lite0"


class Sweep:
    """A sweep's folder, written run by run as the multi-class job does it."""

    def __init__(self, path, *, synthetic=True, classes=CLASSES, released=False):
        self.path, self.synthetic, self.classes, self.rows = path, synthetic, classes, []
        self.released = released
        path.mkdir()
        (path / "sweep.yaml").write_text("job: multiclass\n")

    def add(self, *repeats, status="done", error="", **settings):
        name = f"run_{len(self.rows):02d}"
        loss = {"base_loss": "ce"} if self.released else {"loss": "crossentropy"}
        row = {
            "run": name, "status": status, "error": error, "seconds": 1.5, "model": FLAT, "optimizer": "adam",
            **loss, "weighting": "none", "seed": 0,
        }  # fmt: skip
        self.rows.append(row | settings)
        pd.DataFrame(self.rows).to_csv(self.path / "runs.csv", index=False)
        if not repeats:
            return
        results = [
            self._write(self.path / "runs" / name, number, probabilities)
            for number, probabilities in enumerate(repeats, 1)
        ]
        metrics = {"synthetic": self.synthetic, "classes": self.classes}
        if self.released:
            metrics |= {"splits": [{"images": {}, "test": {"float": each}} for each in results]}
            metrics["mean"] = {"float": {}}
        else:
            forms = [{"images": {}, "forms": {"float": {"metrics": each}}} for each in results]
            metrics |= {"repeats": forms, "mean": {} if len(repeats) > 1 else None}
        (self.path / "runs" / name / "metrics.json").write_text(json.dumps(metrics))

    def _write(self, run, number, probabilities):
        """Writes the predictions of one repeat; its metrics."""
        ids = [f"{number}-{i:03d}" for i in range(LABELS.size)]
        images = {"image_id": ids, "image": [f"{i}.jpg" for i in ids], "group": ids}
        images["label"] = np.asarray(self.classes)[LABELS]
        if self.released:
            folder = run / f"split_{number}"
            columns = {f"float_{c}": probabilities[:, i] for i, c in enumerate(self.classes)}
            table = pd.DataFrame(images | columns)
        else:
            folder = run if number == 1 else run / f"repeat_{number}"
            likeliest = {"float": probabilities.argmax(axis=1)}
            table = predictions_table(pd.DataFrame(images), self.classes, {"float": probabilities}, likeliest)
        folder.mkdir(parents=True)
        table.to_csv(folder / "predictions.csv", index=False)
        return dataclasses.asdict(multiclass_metrics(LABELS, probabilities, self.classes, bootstrap=20))

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


def test_class_weights_have_to_raise_one_accuracy_and_lower_the_other(sweep):
    sweep.add(scores(bcc=15))
    sweep.add(scores(bcc=2, nv=40), weighting="cb")
    sweep.add(scores(bcc=5, nv=20), weighting="es")
    claims = sweep.claims()
    claim = claims["class weights"]
    assert (claim.verdict, claim.deciding) == ("supported", 2)
    cb, es = claim.comparisons
    assert (cb.what, es.what) == ("CB - no weighting", "ES - no weighting")
    # A miss costs 1/160 of accuracy, and a third of 1/20 or 1/100 of balanced accuracy.
    assert cb.effect["accuracy"].value == pytest.approx((13 - 40) / 160)
    assert cb.effect["balanced_accuracy"].value == pytest.approx((13 / 20 - 40 / 100) / 3)
    assert es.effect["trade_off"].value == pytest.approx(((10 - 20) / 160 + (10 / 20 - 20 / 100) / 3) / 2)
    claim = claims["effective number"]
    assert claim.verdict == "supported"
    assert claim.comparisons[0].effect["accuracy"].value == pytest.approx((40 + 2 - 20 - 5) / 160)


@pytest.mark.parametrize(
    ("es", "verdict"),
    [
        (scores(nv=40), "supported"),
        (scores(bcc=5), "contradicted"),  # the accuracy rises, too
        (scores(bcc=5, nv=10), "not decided by these runs"),  # it stays as it is
    ],
)
def test_what_only_one_of_two_strategies_shows_is_said_to_be_a_part(sweep, es, verdict):
    sweep.add(scores(bcc=15))
    sweep.add(es, weighting="es")
    expected = f"{verdict} (a part is not tested: the sweep has no matched runs of CB"
    assert sweep.claims()["class weights"].verdict.startswith(expected)


@pytest.mark.parametrize(
    ("ohem", "verdict"),
    [
        (scores(), "supported"),
        (scores(mel=12), "contradicted"),  # ES is better in both accuracies
        (scores(mel=8), "not decided by these runs"),  # as good as ES
    ],
)
def test_ohem_has_to_beat_every_other_strategy(sweep, ohem, verdict):
    for weighting, misses in (("none", 20), ("cb", 15), ("es", 8), ("spl", 25)):
        sweep.add(scores(mel=misses), weighting=weighting)
    sweep.add(ohem, weighting="ohem")
    sweep.add(scores(), weighting="ohem_per_class")  # not one of the paper's
    claim = sweep.claims()["OHEM"]
    assert (claim.verdict, claim.deciding) == (verdict, 4)


def test_self_paced_learning_is_judged_by_the_recall_of_melanoma(sweep):
    sweep.add(scores(bcc=10, mel=10))
    sweep.add(scores(bcc=0, mel=22), weighting="spl")
    claim = sweep.claims()["SPL"]
    assert claim.verdict == "supported"
    assert claim.comparisons[0].effect["melanoma_recall"].value == pytest.approx(-12 / 40)


def test_data_without_melanoma_says_nothing_of_it(tmp_path):
    sweep = Sweep(tmp_path / "sweep", classes=("b", "c", "d"))
    sweep.add(scores(mel=10))
    sweep.add(scores(mel=22), weighting="spl")
    claim = sweep.claims()["SPL"]
    assert claim.verdict == "not tested: the sweep has no class that is called melanoma"


def test_models_of_one_architecture_are_compared_and_only_those_with_attention(sweep):
    sweep.add(scores(mel=20))
    sweep.add(scores(mel=30), model="vgg16_cbam")
    sweep.add(scores(mel=35), model="efficientnet_lite0")  # without attention
    sweep.add(scores(mel=4), model=HIERARCHICAL)
    sweep.add(scores(mel=0), model=HIERARCHICAL, weighting="es")
    claim = sweep.claims()["hierarchy"]
    assert (claim.verdict, claim.comparisons[0].count) == ("supported", 1)
    assert claim.comparisons[0].effect["balanced_accuracy"].value == pytest.approx(16 / 40 / 3)


def test_optimizers_are_compared_in_pairs_that_agree_in_everything_else(sweep):
    for loss, misses in (("crossentropy", 10), ("focal", 16)):
        sweep.add(scores(mel=misses), loss=loss)
        sweep.add(scores(mel=misses + 9), loss=loss, optimizer="sgd")
    sweep.add(scores(mel=40), optimizer="sgd", weighting="es")
    claim = sweep.claims()["optimizer"]
    assert (claim.verdict, claim.comparisons[0].count) == ("supported", 2)
    assert claim.comparisons[0].effect["accuracy"].value == pytest.approx(9 / 160)


@pytest.mark.parametrize(
    ("misses", "verdict"),
    [(0, "supported"), (20, "contradicted"), (10, "not decided by these runs")],
)
def test_the_papers_future_work_is_judged_against_ohem(sweep, misses, verdict):
    sweep.add(scores(mel=10), weighting="ohem")
    sweep.add(scores(mel=misses), weighting="ohem_per_class")
    assert sweep.claims()["OHEM per class"].verdict == verdict


def test_what_the_sweep_lacks_is_not_tested(sweep):
    sweep.add(scores(mel=5))
    sweep.add(status="failed", error="The loss is not finite.", weighting="es")
    verdicts = [claim.verdict for claim in sweep.claims().values()]
    assert len(verdicts) == 10
    assert all(verdict.startswith("not tested: the sweep has no ") for verdict in verdicts)


def test_splits_are_averaged_and_narrow_the_interval(tmp_path):
    once, twice = Sweep(tmp_path / "once"), Sweep(tmp_path / "twice")
    for misses, weighting in ((12, "ohem"), (4, "ohem_per_class")):
        once.add(scores(mel=misses), weighting=weighting)
        twice.add(scores(mel=misses), scores(mel=misses + 4), weighting=weighting)
    one, two = (s.claims()["OHEM per class"].comparisons[0].effect["accuracy"] for s in (once, twice))
    assert one.value == two.value == pytest.approx(8 / 160)
    assert two.high - two.low == pytest.approx((one.high - one.low) / 2**0.5, rel=0.15)


def test_tables_are_the_papers_and_hold_the_means_of_the_splits(sweep):
    sweep.add(scores(mel=10), scores(mel=20), weighting="spl")
    sweep.add(scores(mel=4), scores(mel=6), seed=0)
    sweep.add(scores(mel=8), scores(mel=10), seed=1)
    sweep.add(scores(), scores(), loss="focal", optimizer="sgd")
    sweep.add(scores(), scores(), model=HIERARCHICAL, optimizer="sgd")
    sweep.add(scores(), scores(), optimizer="one_cycle")  # not the paper's
    results, rates = sweep.read()
    found = tables.weighting_tables(results, rates)
    assert list(found) == [2, 4, 5, "2b"]
    table = found[2]
    assert list(zip(table["loss"], table["weighting"], table["runs"], strict=True)) == [
        ("crossentropy", "none", 2),  # both seeds
        ("crossentropy", "spl", 1),
    ]
    np.testing.assert_allclose(table["recall_mel"], [1 - 7 / 40, 1 - 15 / 40])
    np.testing.assert_allclose(table["accuracy"], [1 - 7 / 160, 1 - 15 / 160])
    # The melanomas that were missed are called nevi: 100 of 110, and of 120.
    assert table["precision_nv"][1] == pytest.approx((100 / 110 + 100 / 120) / 2)
    assert table["f1_mel"][1] == pytest.approx((60 / 70 + 40 / 60) / 2)
    assert table["recall_mel_low"][1] < table["recall_mel"][1] < table["recall_mel_high"][1]
    text = tables.weighting_markdown(2, table, CLASSES)
    assert "| efficientnet_lite0_cbam | cross-entropy | SPL | 1 | 0.906 [" in text
    assert "| 0.62 / 1.00 / 0.76 |" in text
    # Table 2 prints an accuracy of 87.0 % for cross-entropy with SPL; without weighting 87.5 %.
    assert "] | 0.870 | +0.036 |" in text
    np.testing.assert_allclose(table["accuracy_paper"], [0.875, 0.87])
    # What was not run has its printed values alone, in the paper's order.
    assert "| not run | cross-entropy | CB |  | - | 0.820 | - | - | 0.788 | - |" in text
    first = [line.split(" | ")[1:3] for line in text.splitlines()[2:12]]
    assert first == [[loss, name] for loss in ("cross-entropy", "focal cross-entropy") for name in NAMES]


def test_a_table_agrees_with_the_metrics_of_the_run(sweep):
    rng = np.random.default_rng(0)
    sweep.add(*rng.dirichlet((1, 1, 1), (2, LABELS.size)))
    results, rates = sweep.read()
    row = tables.weighting_tables(results, rates)[2].iloc[0]
    metrics = json.loads((results.folder(0) / "metrics.json").read_text())
    each = [repeat["forms"]["float"]["metrics"] for repeat in metrics["repeats"]]
    for name in ("accuracy", "balanced_accuracy", "mean_precision", "mean_f1"):
        assert row[name] == pytest.approx(np.mean([m[name] for m in each]))
    for label in CLASSES:
        for name in ("recall", "precision", "f1"):
            assert row[f"{name}_{label}"] == pytest.approx(
                np.mean([m["per_class"][label][name] for m in each])
            )


def test_the_figures_show_adam_and_cross_entropy_where_there_is_a_choice(sweep):
    sweep.add(scores(), optimizer="sgd")
    sweep.add(scores(), loss="focal")
    sweep.add(scores(), weighting="ohem")
    sweep.add(scores(), seed=1)
    sweep.add(scores(), seed=2)
    sweep.add(scores(), model=HIERARCHICAL, optimizer="sgd", loss="focal")
    runs = sweep.read()[0].runs
    assert shown_runs(runs, "flat") == {"none": [3, 4], "ohem": [2]}
    assert shown_runs(runs, "hierarchical") == {"none": [5]}


def test_a_figure_names_the_schedule_that_its_runs_have(sweep):
    sweep.add(scores(), optimizer="one_cycle")
    runs = sweep.read()[0].runs
    assert describe(runs, shown_runs(runs, "flat")) == f"{FLAT}, one-cycle, cross-entropy"
    assert shown_runs(runs[:5], "hierarchical") == {}


def test_the_report_is_written_and_says_that_it_is_synthetic(sweep, capsys):
    for model in (FLAT, HIERARCHICAL):
        for misses, weighting in ((20, "none"), (10, "es"), (5, "ohem")):
            sweep.add(scores(mel=misses), scores(mel=misses + 1), model=model, weighting=weighting)
    sweep.add(status="failed", error="The loss is not finite.", weighting="cb")
    sweep.add(status="waiting", weighting="spl")
    report_sweep(sweep.path)
    printed = capsys.readouterr().out
    assert "SYNTHETIC" in printed and "report.md" in printed
    out = sweep.path / "report"
    assert sorted(path.name for path in out.iterdir()) == [
        "claims.csv", "figure_1.png", "figure_2.png", "report.md", "table_2.csv", "table_2.md",
        "table_3.csv", "table_3.md",
    ]  # fmt: skip
    text = (out / "report.md").read_text()
    assert text.startswith("# SYNTHETIC: sweep sweep\n")
    assert "6 of 8 configurations have finished, 1 failed" in text
    assert "160 and 160 test images of 2 splits: 40 bcc, 80 mel, 200 nv" in text
    assert "averaged over the 2 splits" in text
    assert "### Table 3: hierarchical model, Adam" in text
    assert "- `run_06`: The loss is not finite." in text
    both = f"{FLAT}, Adam, cross-entropy and {HIERARCHICAL}, Adam, cross-entropy"
    assert f"SYNTHETIC: Recall, not melanocytic: {both}](figure_1.png)" in text
    assert f"SYNTHETIC: Recall, melanocytic: {both}](figure_2.png)" in text
    assert "### Table 4: flat model, SGD" in text  # its printed values
    assert "hierarchical model beats the flat one: not decided by these runs" in text
    assert cv2.imread(str(out / "figure_1.png")).std() > 5
    claims = pd.read_csv(out / "claims.csv")
    assert claims.loc[claims["decides"], "comparison"].tolist() == [
        "ES - no weighting",
        "OHEM - no weighting",
        "OHEM - ES",
        "hierarchical - flat",
        "hierarchical - flat",  # in the recall of melanoma
    ]


def test_a_sweep_of_one_run_and_of_real_images_has_a_report_too(tmp_path, capsys):
    sweep = Sweep(tmp_path / "sweep", synthetic=False)
    sweep.add(scores(mel=5), model=HIERARCHICAL, optimizer="sgd", loss="focal")
    report_sweep(sweep.path)
    printed = capsys.readouterr().out
    text = (sweep.path / "report" / "report.md").read_text()
    assert "SYNTHETIC" not in printed + text
    assert "### Table 5" in text and "splits." not in text


def edit_predictions(change):
    def edit(path):
        file = path / "runs" / "run_01" / "repeat_2" / "predictions.csv"
        change(pd.read_csv(file, dtype=str)).to_csv(file, index=False)

    return edit


def edit_metrics(**values):
    def edit(path):
        file = path / "runs" / "run_01" / "metrics.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | values))

    return edit


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda path: (path / "sweep.yaml").write_text("job: luck\n"),
            "job must be one of binary, multiclass",
        ),
        (lambda path: (path / "runs.csv").write_text("run,status\na,done\n"), "runs.csv has no column error"),
        (
            lambda path: (path / "runs" / "run_01" / "metrics.json").unlink(),
            "run_01 is marked as done, .*There is no file",
        ),
        (
            lambda path: (path / "runs" / "run_01" / "repeat_2" / "predictions.csv").unlink(),
            "run_01 is marked as done, .*There is no file",
        ),
        (edit_metrics(classes=["nv", "mel", "bcc"]), "run_01 has other classes, or in another order"),
        (
            edit_metrics(repeats=[{"images": {}, "forms": {"float": {"metrics": {}}}}]),
            "The run run_01 was measured on other test images",
        ),
        (
            edit_predictions(lambda t: t.drop(columns="probability_float_mel")),
            r"run_01 .*\['probability_float_mel'\]",
        ),
        (
            edit_predictions(lambda t: t.assign(probability_float_mel=2)),
            "run_01 .*Received: 2.0 in row 0, class 'mel'",
        ),
        (edit_predictions(lambda t: t.assign(label="wart")), "run_01 is marked as done, .*Received: -1"),
        (edit_predictions(lambda t: t[::-1]), "The run run_01 was measured on other test images"),
        (edit_predictions(lambda t: t.assign(group="1")), "The run run_01 was measured on other test images"),
    ],
)
def test_a_folder_that_cannot_be_reported_is_refused_in_one_sentence(sweep, spoil, words):
    sweep.add(scores(mel=5), scores(mel=5))
    sweep.add(scores(mel=3), scores(mel=3), weighting="es")
    spoil(sweep.path)
    with pytest.raises(UsageError, match=words) as refused:
        report_sweep(sweep.path)
    assert "\n" not in str(refused.value)
    assert not (sweep.path / "report").exists()


def test_sweeps_of_the_released_version_have_the_same_report(tmp_path):
    texts = []
    for released in (False, True):
        (tmp_path / str(released)).mkdir()
        sweep = Sweep(tmp_path / str(released) / "sweep", released=released)
        adjusted = "la" if released else "logit_adjustment"
        for misses, weighting in ((20, "none"), (10, "es"), (4, adjusted)):
            sweep.add(scores(mel=misses), scores(mel=misses + 1), weighting=weighting)
        report_sweep(sweep.path)
        texts.append((sweep.path / "report" / "report.md").read_text())
    assert texts[0] == texts[1]
    assert "| efficientnet_lite0_cbam | cross-entropy | logit adjustment |" in texts[1]


def name_sources(sweep, sources):
    for file in sweep.path.glob("runs/**/predictions.csv"):
        pd.read_csv(file, dtype=str).assign(acquisition=sources).to_csv(file, index=False)


def test_where_sources_are_known_verdicts_rest_on_pairs_within_one(sweep):
    # Clinic a sends 20 of the carcinomas and 60 nevi, clinic b 40 melanomas and 40 nevi.
    sources = np.where((LABELS == 0) | (np.arange(LABELS.size) >= LABELS.size - 60), "a", "b")
    sweep.add(scores(mel=30), scores(mel=30))
    sweep.add(scores(mel=4), scores(mel=4), model=HIERARCHICAL)
    pooled = sweep.claims()["hierarchy"]
    name_sources(sweep, sources)
    claim = sweep.claims()["hierarchy"]
    assert [each.conditions[0].metric for each in (pooled, claim)] == [
        "balanced_accuracy",
        "within_source_balanced_accuracy",
    ]
    assert claim.verdict == "supported"
    assert claim.comparisons[0].effect["within_source_balanced_accuracy"].value == pytest.approx(26 / 40 / 3)
    report_sweep(sweep.path)
    text = (sweep.path / "report" / "report.md").read_text()
    assert "2 sources (a, b)" in text and "BAcc within source" in text


def test_a_table_shows_the_deviation_between_seeds(sweep):
    for seed, misses in enumerate((4, 8, 12)):
        sweep.add(scores(mel=misses), seed=seed)
    results, rates = sweep.read()
    row = tables.weighting_tables(results, rates)[2].iloc[0]
    assert (row["runs"], row["recall_mel"]) == (3, pytest.approx(1 - 8 / 40))
    assert row["recall_mel_sd"] == pytest.approx(4 / 40)
    assert row["accuracy_sd"] == pytest.approx(4 / 160)
    # At least what the seeds alone say.
    assert row["accuracy_high"] - row["accuracy"] > 1.96 * 4 / 160 / 3**0.5
    assert ", sd 0.025" in tables.weighting_markdown(2, tables.weighting_tables(results, rates)[2], CLASSES)
