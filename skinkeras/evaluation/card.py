"""The model card: what a released model is, what it was measured to do, and where it must not be trusted.

After Mitchell et al. 2019, *Model Cards for Model Reporting*. Every number comes from the facts handed over;
one that is missing is printed as "not measured".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from skinkeras.evaluation.card_usage import android_example, python_example
from skinkeras.evaluation.markdown import table
from skinkeras.evaluation.metrics import BinaryMetrics
from skinkeras.evaluation.multiclass import MulticlassMetrics

NOT_MEASURED = "not measured"

KNOWN_LIMITS: dict[str, tuple[str, ...]] = {
    "ham10000": (
        "HAM10000 comes from two clinics (Vienna, Austria and Queensland, Australia) and shows almost "
        "only light skin. Nothing here says how the model does on dark skin, on children, on mucosa or "
        "nails.",
        "Trivial cues separate melanoma from the rest on these images: on a 6,812-image subset the size "
        "of the JPEG file alone reaches a ROC AUC of 0.70 and dark corners 0.62. Part of what any model "
        "learns there may be such cues.",
        "More than half of the lesions were confirmed by histopathology, the others by follow-up, "
        "consensus or confocal microscopy; the labels are not free of error.",
    ),
    "isic_merge": (
        "Almost all images show light skin. Benign images come from ISIC 2020 and most melanomas from "
        "ISIC 2019, so a model can tell the sources apart in place of the diseases.",
    ),
    "synthetic": (
        "All pictures are drawn by a program. The figures say that the software works, and nothing about "
        "skin.",
    ),
}
"""What is known to be wrong with a data set, by its name on the command line, for `DataFacts.limits`."""
KNOWN_LIMITS["isic2018"] = KNOWN_LIMITS["ham10000"]  # its training images are HAM10000's

BINARY_LIMITS: dict[str, tuple[str, ...]] = {
    "ham10000": (
        '"Benign" means every diagnosis but melanoma, and so includes basal cell carcinoma and actinic '
        "keratosis, which need treatment.",
    ),
}
"""What besides is wrong with calling its images benign or malignant."""


@dataclass(frozen=True)
class DataFacts:
    """The images that a model was trained and measured on."""

    name: str
    source: str
    """Who published it, with a DOI or address."""
    licence: str
    counts: Mapping[str, Mapping[str, int]]
    """Split ("train", "validation", "test") -> class -> number of images."""
    grouped_by: str | None
    """What never straddles two splits, such as "lesion"; None if by image, or if neither is known."""
    ungrouped: int = 0
    """Images of which neither lesion nor patient is known."""
    limits: tuple[str, ...] = ()
    synthetic: bool = False


@dataclass(frozen=True)
class VariantFacts:
    """One form of the model: float, QAT or a `.tflite` file, on the same test images as the others."""

    name: str
    file: str | None = None
    """Name of the file, for a form that is released."""
    at_half: BinaryMetrics | None = None
    """Metrics at threshold 0.5."""
    at_chosen: BinaryMetrics | None = None
    """Metrics at the threshold chosen on validation."""
    multiclass: MulticlassMetrics | None = None
    """Metrics of the class that is named, for a model without threshold."""
    size_bytes: int | None = None
    latency_ms: Mapping[int, float] = field(default_factory=dict)
    """Number of threads -> median latency of one image on the host."""
    agreement: float | None = None
    """Share of test images on which the file and its Keras model name the same class, 0..1."""
    largest_difference: float | None = None
    """Largest difference of a probability between the file and its Keras model."""


@dataclass(frozen=True)
class ModelFacts:
    """Everything that a card says."""

    name: str
    architecture: str
    """With the origin of the initial weights, such as "EfficientNet-Lite0, ImageNet weights"."""
    classes: tuple[str, ...]
    input_size: int
    threshold: float | None
    """Chosen on validation, for the second of two classes; None where the most probable class is named."""
    data: DataFacts
    variants: tuple[VariantFacts, ...]
    """In the order of the tables. The last one with a file is the one that the usage examples load."""
    training: Mapping[str, object]
    """Setting -> value: loss, gamma, epochs, seed, ..."""
    command: str
    versions: Mapping[str, str]
    """Package -> version."""
    latency_host: str | None = None
    """The machine that latency was measured on."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Class -> its name in full, where the class is an abbreviation."""
    averages: str = ""
    """What several splits gave on average, as Markdown."""
    limits: tuple[str, ...] = ()
    """What is wrong with the model for reasons of its training, each a sentence or two."""

    def title(self, name: str) -> str:
        """A class by its name in full, with the abbreviation."""
        return f"{self.titles[name]} (`{name}`)" if name in self.titles else f"`{name}`"


def model_card(facts: ModelFacts) -> str:
    """The model card as Markdown text.

    Raises:
        ValueError: metrics are of different images, or of another threshold than the card says.
    """
    _check(facts)
    sections = (
        _heading(facts),
        _intended_use(facts),
        _usage(facts),
        _data(facts.data),
        _training(facts),
        _results(facts),
        _verification(facts),
        _limits(facts),
        _reproduce(facts),
    )
    return "\n\n".join(sections) + "\n"


def _check(facts: ModelFacts) -> None:
    counts = {(v.multiclass.n, v.multiclass.n_groups) for v in facts.variants if v.multiclass}
    for variant in facts.variants:
        for metrics, threshold in ((variant.at_half, 0.5), (variant.at_chosen, facts.threshold)):
            if metrics is None:
                continue
            counts.add((metrics.n, metrics.n_malignant))
            if metrics.threshold != threshold:
                raise ValueError(
                    f"The metrics of {variant.name} were measured at threshold {metrics.threshold}, "
                    f"where the card says {threshold}."
                )
    if len(counts) > 1:
        raise ValueError(
            f"A card compares models on the same test images. Received different counts: {sorted(counts)}"
        )


def _heading(facts: ModelFacts) -> str:
    lines = [f"# {facts.name}"]
    if facts.data.synthetic:
        lines.append(
            "> **SYNTHETIC: not for real lesions.** This model was trained and measured on drawn "
            "pictures only. It shows that the software runs; it knows nothing about skin."
        )
    told = f"{facts.classes[1]} from {facts.classes[0]}"
    if facts.threshold is None:
        told = f"{len(facts.classes)} classes apart ({', '.join(map(facts.title, facts.classes))})"
    lines.append(
        f"{facts.architecture}, trained to tell {told} in dermoscopy "
        f"images of {facts.input_size} x {facts.input_size} pixels, in TensorFlow Lite form for phones."
    )
    return "\n\n".join(lines)


def _intended_use(facts: ModelFacts) -> str:
    return (
        "## Intended use\n\n"
        "Research, teaching, and trying out on-device inference.\n\n"
        "**This is not a medical device.** It has not been validated clinically, is not cleared by any "
        "authority, and must not be used to diagnose, to triage, or to reassure anyone. A low score does "
        "not mean that a lesion is harmless. Whoever worries about a lesion should see a physician."
    )


def _usage(facts: ModelFacts) -> str:
    size, count = facts.input_size, len(facts.classes)
    file = next((v.file for v in reversed(facts.variants) if v.file), None)
    if file is None:
        return "## How to use it\n\nThe run ended with the Keras model: no `.tflite` file was made."
    names = ", ".join(f"`{name}`" for name in facts.classes)
    decision = "the class with the highest probability."
    if facts.threshold is not None:
        decision = (
            f"{facts.classes[1]} when its probability is at least {facts.threshold:.4f} (chosen on "
            "validation images)."
        )
    return (
        "## How to use it\n\n"
        f"- Input: float32, shape (1, {size}, {size}, 3), RGB, 0..255: the largest centred square, "
        f"resized to {size} x {size}. Normalisation is inside the model: hand over plain pixels.\n"
        f"- Output: float32, shape (1, {count}), probabilities of {names}, in this order.\n"
        f"- Decision: {decision}\n\n"
        f"Python (`pip install ai-edge-litert opencv-python-headless`):\n\n```python\n"
        f"{python_example(file, size, facts.classes, facts.threshold)}```\n\n"
        "Android (`com.google.ai.edge.litert:litert` 2.x), with the file in `assets/`; `modelInput`, which "
        "cuts and resizes as in training, is in the page on the released models (`tflite_models/README.md`):"
        "\n\n```kotlin\n"
        f"{android_example(file, size, facts.classes, facts.threshold)}```"
    )


def _data(data: DataFacts) -> str:
    classes = list(dict.fromkeys(name for split in data.counts.values() for name in split))
    rows = [
        [split, *(f"{counts.get(name, 0):,}" for name in classes)] for split, counts in data.counts.items()
    ]
    split = (
        f"No {data.grouped_by} has images in two splits."
        if data.grouped_by
        else "Split by image: images of one lesion can lie on both sides."
    )
    return (
        f"## Data\n\n{data.name}. Source: {data.source}. Licence: {data.licence}. {split}\n\n"
        f"{table(['images', *classes], rows)}"
    )


def _training(facts: ModelFacts) -> str:
    return f"## Training\n\n{table(['setting', 'value'], [[k, str(v)] for k, v in facts.training.items()])}"


def _binary_results(facts: ModelFacts) -> str:
    half = [_recall_row(v.name, v.at_half) for v in facts.variants]
    chosen = [_recall_row(v.name, v.at_chosen) for v in facts.variants]
    metrics = [(v.name, v.at_chosen or v.at_half) for v in facts.variants]
    ranking = [_ranking_row(name, m) for name, m in metrics]
    scores = ["model", "ROC AUC", "average precision", "sensitivity at 90 % specificity", "ECE"]
    recalls = ["model", "balanced accuracy", f"{facts.classes[1]} recall", f"{facts.classes[0]} recall"]
    counted = next((m for _, m in metrics if m), None)
    images, resampled = "test images", "image"
    if counted:
        images = f"{counted.n:,} test images, {counted.n_malignant:,} of them malignant"
        resampled = f"group ({counted.n_groups:,} groups)" if counted.n_groups < counted.n else "image"
    return (
        f"Every row on the same {images}. In brackets: 95 % bootstrap interval, resampled by "
        f"{resampled}.\n\n"
        f"{table(scores, ranking)}\n\n"
        f"At threshold 0.5:\n\n{table(recalls, half)}\n\n"
        f"At threshold {facts.threshold:.4f}, chosen on validation:\n\n{table(recalls, chosen)}"
    )


def _multiclass_results(facts: ModelFacts) -> str:
    measured = [(v.name, v.multiclass) for v in facts.variants if v.multiclass]
    if not measured:
        return f"Test images: {NOT_MEASURED}."
    scores = {
        "accuracy": "accuracy",
        "balanced accuracy": "balanced_accuracy",
        "mean precision": "mean_precision",
        "mean F1": "mean_f1",
        "mean AUC": "macro_auc",
    }
    overall = [[name, *(_interval(m, key) for key in scores.values())] for name, m in measured]
    _, shipped = measured[-1]
    classes = [
        [
            facts.title(name),
            str(row["support"]),
            *(f"{row[key]:.3f}" for key in ("recall", "precision", "f1")),
        ]
        for name, row in shipped.per_class.items()
    ]
    text = (
        f"Every row on the same {shipped.n:,} test images of {shipped.n_groups:,} groups. In brackets: 95 % "
        f"bootstrap interval, resampled by group.\n\n"
        f"{table(['model', *scores], overall)}\n\n"
        f"Class by class, {measured[-1][0]}{_ties(shipped)}:\n\n"
        f"{table(['class', 'test images', 'recall', 'precision', 'F1'], classes)}"
    )
    return f"{text}\n\n{facts.averages}" if facts.averages else text


def _ties(metrics) -> str:
    ties = metrics.n_undecided
    return f" (of {ties} images two classes were equally probable: counted as wrong)" if ties else ""


def _results(facts: ModelFacts) -> str:
    cost = [_cost_row(v) for v in facts.variants]
    found = _multiclass_results(facts) if facts.threshold is None else _binary_results(facts)
    worth = _reliability(facts)
    return (
        f"## Results\n\n{found}\n\n{worth}"
        f"Size, and median latency of one image ({facts.latency_host or 'host not recorded'}):\n\n"
        f"{table(['model', 'size, MB', '1 thread, ms', '2 threads, ms'], cost)}"
    )


def _reliability(facts: ModelFacts) -> str:
    """What the probabilities of the variant that ships are worth."""
    measured = [(v.name, v.multiclass or v.at_chosen or v.at_half) for v in facts.variants]
    name, metrics = next(((n, m) for n, m in reversed(measured) if m), (None, None))
    if metrics is None:
        return ""
    of = true = facts.classes[1]
    elsewhere = f"with another share of {of}"
    if facts.threshold is None:
        of, true, elsewhere = "the class that it names", "right", "with other shares of the classes"
    rows = [
        [
            f"{row.low:g} to {row.high:g}",
            f"{row.n:,}",
            f"{row.mean_probability:.2f}",
            f"{row.share:.2f} [{row.share_interval[0]:.2f}, {row.share_interval[1]:.2f}]",
        ]
        for row in metrics.reliability
    ]
    header = ["probability", "test images", "mean probability", f"share that is {true}"]
    return (
        f"What a probability is worth: of the test images to which {name} gives such a probability of {of}, "
        f"this share is {true} (in brackets its 95 % Wilson interval). On images {elsewhere} it is "
        "another.\n\n"
        f"{table(header, rows)}\n\n"
    )


def _verification(facts: ModelFacts) -> str:
    rows = [
        [v.file, _number(v.agreement and 100 * v.agreement, 2), _number(v.largest_difference, 4)]
        for v in facts.variants
        if v.file
    ]
    return (
        "## Verification\n\nEach file against its Keras model on real inputs of the test split:\n\n"
        f"{table(['file', 'same class, %', 'largest difference of a probability'], rows)}"
    )


def _limits(facts: ModelFacts) -> str:
    data, limits = facts.data, [*facts.limits, *facts.data.limits]
    if not data.grouped_by:
        limits.append(
            "The split is by image, so one lesion can be in training and test: where several images show "
            "one, the results are too good."
        )
    elif not data.synthetic:
        if "patient" not in data.grouped_by:
            limits.append("Patients are not known: lesions of one patient can be in training and test.")
        if data.ungrouped:
            limits.append(
                f"Of {data.ungrouped:,} images neither lesion nor patient is known: each counts as a lesion "
                "of its own, and two of one lesion can be in training and test."
            )
    limits.append("No external validation: the test images come from the same source as the training images.")
    limits.append(
        "Trained on dermoscopy. Photographs without a dermatoscope are outside of what it has seen."
    )
    return "## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits)


def _reproduce(facts: ModelFacts) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in facts.versions.items())
    return f"## How to reproduce it\n\n```\n{facts.command}\n```\n\nVersions: {versions or 'not recorded'}."


def _ranking_row(name: str, metrics: BinaryMetrics | None) -> list[str]:
    if metrics is None:
        return [name, *[NOT_MEASURED] * 4]
    rest = (
        metrics.average_precision,
        metrics.sensitivity_at_90_specificity,
        metrics.expected_calibration_error,
    )
    return [name, _interval(metrics, "roc_auc"), *(_number(value, 3) for value in rest)]


def _cost_row(variant: VariantFacts) -> list[str]:
    size = None if variant.size_bytes is None else variant.size_bytes / 1e6
    latencies = (variant.latency_ms.get(threads) for threads in (1, 2))
    return [variant.name, _number(size, 2), *(_number(latency, 2) for latency in latencies)]


def _recall_row(name: str, metrics: BinaryMetrics | None) -> list[str]:
    keys = ("balanced_accuracy", "malignant_recall", "benign_recall")
    return [name, *(_interval(metrics, key) for key in keys)]


def _interval(metrics: BinaryMetrics | MulticlassMetrics | None, key: str) -> str:
    if metrics is None:
        return NOT_MEASURED
    low, high = getattr(metrics, f"{key}_interval")
    return f"{getattr(metrics, key):.3f} [{low:.3f}, {high:.3f}]"


def _number(value: float | None, digits: int) -> str:
    return NOT_MEASURED if value is None else f"{value:.{digits}f}"
