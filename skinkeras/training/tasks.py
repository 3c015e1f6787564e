"""What differs between learning benign or malignant and learning every diagnosis (after the TF model garden's
`Task`).

Training, fine-tuning, evaluation, export and reports are written once and ask a task: which loss and callbacks,
which model is trained and which one ships, which metrics an epoch and a test report, which operating point, which
figures and which headline.
"""

import dataclasses

import keras
import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score

from skinkeras import datasets, evaluation, layers, losses, models
from skinkeras.evaluation import plots
from skinkeras.operating_points import parse_operating_point

# Of a binary model without validation images, on which another one could be chosen.
FIXED_THRESHOLD = 0.5
# Training images that the baselines are fitted to: for a handful of numbers, more would change nothing.
_BASELINE_IMAGES = 4000


class Task:
    """What both tasks share.

    Args:
        loss, weighting: keys of `losses.LOSSES` and `losses.WEIGHTINGS`.
        parameters: {name: value} of what these two take.
        taxonomy: tree of the classes, or None.
        hierarchical: whether the model diagnoses level by level, down `taxonomy`.

    Attributes:
        name: in records.
        file_prefix: the first word of exported files' names.
        file_description: what the model tells in a sentence, for the files' metadata.
        positive_class: the class that the operating point is for; None without one.
        seeds: {phase: what its seed is above the run's}.
    """

    name: str
    positive_class = None
    seeds: dict

    def __init__(self, loss, weighting="none", parameters=None, taxonomy=None, *, hierarchical=False):
        self.loss_name, self.weighting_name = loss, weighting
        self.loss_parameters = parameters or {}
        self.taxonomy, self.hierarchical = taxonomy, hierarchical

    @staticmethod
    def description(classes, target):
        """What the model tells, in a few words; `target` is what `datasets.target_of` gives, or None."""
        raise NotImplementedError

    def learned(self, data):
        """The `SplitImages` with the classes that are learned."""
        return data

    def build_loss(self, data, epochs):
        """(loss, its callbacks, the weighting's callbacks) for training images and epochs of all layers.

        The weighting's callbacks belong to the phase of all layers alone: a curriculum's age counts its epochs.
        """
        context = losses.LossContext(
            counts=data.subset("train").one_hot.sum(axis=0),
            groups=data.class_groups if data.positives else (),
            taxonomy=self.taxonomy if self.hierarchical else None,
            epochs=epochs,
        )
        return losses.build(self.loss_name, self.weighting_name, context, **self.loss_parameters)

    def loss_callbacks(self, loss):
        """What moves the state of a loss that has been loaded, in fine-tuning."""
        row, given = losses.LOSSES[self.loss_name], self.loss_parameters
        return row.callbacks(loss, **{name: given[name] for name in row.parameters if name in given})

    def loss_title(self, data):
        """What training minimises, in words, with the `SplitImages` that are learned."""
        row = losses.LOSSES[self.loss_name]
        return row.title + (row.added if data.positives and len(data.manifest.classes) > 2 else "")

    def before_fine_tuning(self, loss):
        """Ends what a weighting does over the epochs of training."""
        losses.WEIGHTINGS[self.weighting_name].finish(loss)

    def training_model(self, model):
        """What is trained of a float model: the same layers, with the output that the loss takes."""
        return models.level_model(model, self.taxonomy) if self.hierarchical else model

    def fine_tuning_model(self, quantized):
        """What is trained of a quantization-aware model.

        The gradient enters in front of the last rounding: behind it, a probability that rounds to 0 or 1 would
        teach nothing.
        """
        if self.hierarchical:
            return models.level_model(quantized, self.taxonomy)
        return keras.Model(quantized.input, quantized.get_layer("probs").output)

    def shipped_model(self, model, data):
        """The trained model with the outputs that ship."""
        return model

    def epoch_metrics(self, subset, probabilities):
        """{name: value} of the validation images after an epoch, from (n, learned classes) probabilities."""
        raise NotImplementedError

    def operating_point(self, subset, probabilities):
        """The decision rule chosen on validation images, as a record has it; None: the likeliest class.

        Args:
            subset: the validation `Subset`; None where there is none, and the rule is fixed.
            probabilities: (n, output classes) of its images, or None.
        """
        return None

    def fit_calibration(self, subset, probabilities, *, fit_bias):
        """The `evaluation.Calibration` of the learned classes.

        Args:
            subset: the validation `Subset`.
            probabilities: (n, learned classes) of its images, not calibrated.
            fit_bias: whether biases are fitted, beside the temperature.
        """
        return evaluation.fit_calibration(subset.labels, probabilities, fit_bias=fit_bias)

    def calibration_metrics(self, subset, probabilities):
        """`evaluation.calibration_metrics` of (n, learned classes) probabilities, as the shipped model has them."""
        return evaluation.calibration_metrics(subset.labels, probabilities)

    def results(self, subset, probabilities, classes, operating_point):
        """What a record says of one form of the model on the test images.

        That is `metrics`, what `evaluation.evidence` measures of every form, and by task `metrics_at_half` or
        `levels`.
        """
        raise NotImplementedError

    def details(self, data, probabilities, classes, operating_point):
        """What a record says of the form that ships alone, on the test images of `data`, a `SplitImages`."""
        raise NotImplementedError

    def decisions(self, probabilities, operating_point):
        """(n,) int, the index of the class that each image is given."""
        return probabilities.argmax(axis=1)

    def figures(self, subset, probabilities, results, classes, history, folder, note):
        """Draws the figures of a run.

        Args:
            subset: the test `Subset`.
            probabilities, results: {form: ...} of each form of the model.
            classes: names of the outputs.
            history: the table of `history.csv`.
            folder: where the PNG files go.
            note: for the foot of each figure.
        """
        plots.training_curves(history, folder / "training.png", note)

    @property
    def probability_limits(self):
        """What a card says about the probabilities of a model so trained: a tuple of sentences."""
        return losses.probability_limits(self.loss_name, self.weighting_name)


def binary_epoch_metrics(subset, probabilities):
    """AUC and, at 0.5, both recalls, of malignant read off (n, learned classes) probabilities."""
    malignant, truth = probabilities[:, list(subset.positives)].sum(axis=1), subset.malignant
    flagged = malignant >= 0.5
    return {
        "val_auc": roc_auc_score(truth, malignant),
        "val_malignant_recall": float(np.mean(flagged[truth == 1])),
        "val_benign_recall": float(np.mean(~flagged[truth == 0])),
    }


class BinaryTask(Task):
    """Benign or malignant, learned as such or read off finer classes (Gilal et al. 2023).

    Args:
        target: "diagnosis": learn every class of the data set and add up those that are malignant; "binary":
            learn two classes.
        points: names of operating points (`skinkeras.operating_points`); the first one is used, all are measured.
        not_sure: error of the band of "not sure" (`evaluation.abstention_band`); 0: no band.
        others: as `Task`.
    """

    name = "binary"
    file_prefix = "melanoma"
    # Word for word that of the released files, which a new export has to match bit for bit.
    file_description = "Melanoma or benign from a dermoscopy picture."
    positive_class = datasets.BINARY_CLASSES[1]
    seeds = {"head": 1, "all": 2, "qat": 3}

    def __init__(self, *args, target="diagnosis", points=("balanced_accuracy",), not_sure=0.1, **kwargs):
        super().__init__(*args, **kwargs)
        self.target, self.points, self.not_sure = target, points, not_sure

    @staticmethod
    def description(classes, target):
        return f"{target.title} or not, dermoscopy"

    def learned(self, data):
        return data.binary() if self.target == "binary" else data

    def shipped_model(self, model, data):
        if len(data.manifest.classes) == 2:
            return model
        merged = layers.MergeClasses(data.class_groups, name="merge")(model.output)
        return keras.Model(model.input, merged, name=model.name)

    def epoch_metrics(self, subset, probabilities):
        return binary_epoch_metrics(subset, probabilities)

    def fit_calibration(self, subset, probabilities, *, fit_bias):
        return evaluation.fit_calibration(subset.labels, probabilities, subset.positives, fit_bias=fit_bias)

    def calibration_metrics(self, subset, probabilities):
        malignant = np.minimum(probabilities[:, list(subset.positives)].sum(axis=1), 1)
        return evaluation.calibration_metrics(subset.malignant, malignant)

    def operating_point(self, subset, probabilities):
        rule = parse_operating_point(self.points[0])
        fixed = {
            "class": self.positive_class,
            "threshold": FIXED_THRESHOLD,
            "criterion": "fixed",
            "chosen_on": None,
        }
        if subset is None:
            return fixed
        labels, scores = subset.malignant, probabilities[:, 1]
        thresholds = evaluation.operating_points(labels, scores, self.points)
        point = {**fixed, "others": thresholds}
        if rule.needs_validation:
            chosen = {"threshold": thresholds[rule.name], "criterion": rule.title, "chosen_on": "validation"}
            point |= chosen
        band = self.not_sure and evaluation.abstention_band(labels, scores, self.not_sure, point["threshold"])
        return {**point, "not_sure": band} if band else point

    def results(self, subset, probabilities, classes, operating_point):
        def at(threshold):
            metrics = evaluation.binary_metrics(
                subset.malignant, probabilities[:, 1], threshold, groups=subset.groups
            )
            return dataclasses.asdict(metrics)

        return {
            "metrics": at(operating_point["threshold"]),
            "metrics_at_half": at(0.5),
            **evaluation.binary_evidence(
                subset.malignant, probabilities[:, 1], operating_point, subset.table, subset.groups
            ),
        }

    def details(self, data, probabilities, classes, operating_point):
        test, found = data.subset("test"), None
        if len(data.manifest.classes) > 2:
            found = test.table["label"].to_numpy()
        details = evaluation.binary_details(
            test.malignant, probabilities[:, 1], operating_point["threshold"], test.table, test.groups, found
        )
        return {**details, "baselines": _baselines(data.training_sample(_BASELINE_IMAGES), test)}

    def decisions(self, probabilities, operating_point):
        return (probabilities[:, 1] >= operating_point["threshold"]).astype(int)

    def figures(self, subset, probabilities, results, classes, history, folder, note):
        shown = [name for name in ("int8", "float") if name in probabilities]
        truth, main = subset.malignant, shown[0]
        best = results[main]["metrics"]
        plots.roc(
            {name: (truth, probabilities[name][:, 1]) for name in shown},
            folder / "roc.png",
            {name: evaluation.BinaryMetrics(**results[name]["metrics"]) for name in shown},
            note,
        )
        plots.confusion_matrix(
            best["confusion_matrix"],
            classes,
            folder / "confusion_matrix.png",
            f"{main}, threshold {best['threshold']:.3f}",
            note,
        )
        plots.worst_misses(
            subset.table["image"].tolist(),
            truth,
            probabilities[main][:, 1],
            best["threshold"],
            folder / "worst_misses.png",
            note=note,
        )
        super().figures(subset, probabilities, results, classes, history, folder, note)


def _baselines(train, test):
    """What the source, the file and simple features reach without a model: `evaluation.binary_baselines`."""

    def known(subset):
        sources = evaluation.known_sources(subset.table)
        features = evaluation.image_features(
            subset.images.read(subset.rows), evaluation.file_sizes(subset.table["image"])
        )
        return evaluation.BaselineImages(
            subset.malignant, None if pd.isna(sources).all() else sources, features
        )

    return evaluation.binary_baselines(known(train), known(test), test.groups)


class DiagnosisTask(Task):
    """Which of several diagnoses, flat or level by level (Barata & Santiago 2021)."""

    name = "diagnosis"
    file_prefix = "diagnosis"
    # As in the released files, see `BinaryTask`.
    file_description = "A diagnosis from a dermoscopy picture."
    seeds = {"all": 1, "qat": 2, "head": 3}

    @staticmethod
    def description(classes, target):
        return f"which of {len(classes)} diagnoses, dermoscopy"

    def epoch_metrics(self, subset, probabilities):
        named, labels = probabilities.argmax(axis=1), subset.labels
        return {
            "val_accuracy": accuracy_score(labels, named),
            "val_balanced_accuracy": recall_score(
                labels, named, labels=np.unique(labels), average="macro", zero_division=0
            ),
        }

    def results(self, subset, probabilities, classes, operating_point):
        metrics = evaluation.multiclass_metrics(subset.labels, probabilities, classes, subset.groups)
        found = {
            "metrics": dataclasses.asdict(metrics),
            "strata": evaluation.multiclass_strata(
                subset.labels, probabilities, classes, subset.table, subset.groups
            ),
        }
        if self.taxonomy:
            levels = evaluation.level_metrics(subset.labels, probabilities, self.taxonomy, subset.groups)
            found["levels"] = {level: dataclasses.asdict(m) for level, m in levels.items()}
        return found

    def details(self, data, probabilities, classes, operating_point):
        test = data.subset("test")
        return {
            "slices": evaluation.multiclass_slices(
                test.labels, probabilities, classes, test.table, test.groups
            )
        }

    def figures(self, subset, probabilities, results, classes, history, folder, note):
        shown = "int8" if "int8" in results else "float"
        metrics = results[shown]["metrics"]
        ties = f"; {metrics['n_undecided']} images with two classes equally probable are left out"
        plots.confusion_matrix(
            metrics["confusion_matrix"],
            classes,
            folder / "confusion_matrix.png",
            f"{shown}, balanced accuracy {metrics['balanced_accuracy']:.3f}",
            note + (ties if metrics["n_undecided"] else ""),
        )
        super().figures(subset, probabilities, results, classes, history, folder, note)
