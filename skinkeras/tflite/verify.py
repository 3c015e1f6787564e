"""Does the file compute what was trained? Keras against LiteRT on real images, and what the flatbuffer
itself says."""

import dataclasses
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skinkeras.errors import RunError
from skinkeras.tflite.graph import Graph, Op, read_graph
from skinkeras.tflite.runtime import Classifier

_BATCH = 32


class VerificationError(RunError, ValueError):
    """A file disagrees with the model it was made from, or is not built as asked."""


@dataclass(frozen=True)
class Report:
    """What `verify` measured.

    Attributes:
        path: the file.
        images: how many were compared.
        max_difference, mean_difference: absolute difference of the probabilities, over all images and
            classes.
        agreement: share of the images with the same most probable class.
        auc_keras, auc_file: area under the ROC curve of class 1 of two; of more classes, the mean over those
            present of each against the rest. None without labels.
        input_dtype, output_dtype: "float32" or "uint8".
        input_shape, output_shape: with the batch of one.
        custom_ops: operations that are no TensorFlow Lite builtins.
        dynamic_tensors: tensors whose shape is not fixed.
        float_islands: operations on floats between the first QUANTIZE and the last DEQUANTIZE.
        int8_share: part of the multiply-accumulates that is computed in 8-bit integers, 0..1.
    """

    path: str
    images: int
    max_difference: float
    mean_difference: float
    agreement: float
    auc_keras: float | None
    auc_file: float | None
    input_dtype: str
    output_dtype: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    custom_ops: tuple[str, ...]
    dynamic_tensors: tuple[str, ...]
    float_islands: tuple[str, ...]
    int8_share: float

    @property
    def auc_difference(self) -> float | None:
        """AUC of the file less that of the Keras model: negative if the file is worse."""
        return None if self.auc_keras is None else self.auc_file - self.auc_keras


@dataclass(frozen=True)
class Tolerances:
    """Limits that `check` holds a report to; `integer_only` asks for an int8 file without floats inside."""

    max_difference: float
    mean_difference: float
    agreement: float
    auc_difference: float
    integer_only: bool = False


# On fewer images, two that trade places move the AUC by more than the limits: it is reported, not judged.
LEAST_IMAGES_FOR_AUC = 200

# The int8 file is compared with its quantization-aware model, the others with the float model. Rounding in
# another order moves a few int8 values by one level, which a deep network spreads.
TOLERANCES = {
    "float32": Tolerances(max_difference=1e-3, mean_difference=1e-4, agreement=0.999, auc_difference=1e-3),
    "float16": Tolerances(max_difference=0.05, mean_difference=0.005, agreement=0.99, auc_difference=2e-3),
    # Compared with the float model, which knows nothing of rounded weights.
    "weight_int8": Tolerances(max_difference=0.5, mean_difference=0.02, agreement=0.97, auc_difference=5e-3),
    "int8": Tolerances(
        max_difference=0.5, mean_difference=0.02, agreement=0.99, auc_difference=5e-3, integer_only=True
    ),
}


def tolerances_of(kind: str, model) -> Tolerances:
    """The limits for a file.

    Args:
        kind: as in `convert`.
        model: the model that the file is made from. Where `skinkeras.quantization.quantize` has left its first
            layers in float (`integers_from`), the int8 file may compute them in float.
    """
    from skinkeras.quantization import float_layers  # takes Keras, which reading a file does not need

    if kind == "int8" and float_layers(model):
        return dataclasses.replace(TOLERANCES[kind], integer_only=False)
    return TOLERANCES[kind]


def verify(path: str | os.PathLike, model, images: np.ndarray | Iterable[np.ndarray], labels=None) -> Report:
    """Compares a file with the Keras model that it was made from.

    Args:
        path: .tflite file with embedded labels.
        model: `keras.Model` with the same input and output; the quantized one for an int8 file.
        images: (n, height, width, 3) float32 RGB 0..255, or an iterable of such batches. Real images: noise
            says little about what matters.
        labels: (n,) class numbers, or one-hot (n, classes), for the AUC; None leaves it out.

    Returns:
        The measured report; `check` judges it.

    Raises:
        FileNotFoundError, ValueError: as `Classifier`; or there are no images, or other labels than
            described.
    """
    classifier = Classifier(path)
    ours, files = [], []
    for batch in _batches(images):
        ours.append(np.asarray(model.predict_on_batch(batch)))
        files.append(classifier.predict(batch))
    if not ours:
        raise ValueError("verify needs at least one image. Received: none")
    ours, files = np.concatenate(ours), np.concatenate(files)
    difference = np.abs(ours - files)
    graph = read_graph(Path(path).read_bytes())
    auc_keras, auc_file = (None, None) if labels is None else _aucs(labels, ours, files)
    return Report(
        path=str(path),
        images=len(ours),
        max_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        agreement=float((ours.argmax(-1) == files.argmax(-1)).mean()),
        auc_keras=auc_keras,
        auc_file=auc_file,
        input_dtype=graph.inputs[0].dtype,
        output_dtype=graph.outputs[0].dtype,
        input_shape=graph.inputs[0].shape,
        output_shape=graph.outputs[0].shape,
        custom_ops=tuple(op.name for op in graph.ops if not op.builtin),
        dynamic_tensors=tuple(tensor.name for op in graph.ops for tensor in op.outputs if -1 in tensor.shape),
        float_islands=float_islands(graph),
        int8_share=int8_share(graph),
    )


def check(report: Report, tolerances: Tolerances, io: str = "float32") -> None:
    """Refuses a file that disagrees.

    Args:
        report: from `verify`.
        tolerances: the limits for the kind of file.
        io: type that input and output were asked to have, as in `convert`.

    Raises:
        VerificationError: one sentence that names the file and everything that is out of bounds.
    """
    faults = []
    if (report.input_dtype, report.output_dtype) != (io, io):
        faults.append(f"input {report.input_dtype} and output {report.output_dtype}, asked for was {io}")
    if report.custom_ops:
        faults.append(f"operations that are not builtin: {', '.join(sorted(set(report.custom_ops)))}")
    if report.dynamic_tensors:
        faults.append(f"{len(report.dynamic_tensors)} tensors without a fixed shape")
    if tolerances.integer_only and report.float_islands:
        faults.append(f"float operations between its integers: {', '.join(report.float_islands)}")
    if tolerances.integer_only and report.int8_share < 1:
        faults.append(f"only {report.int8_share:.1%} of its multiply-accumulates in int8")
    for name in ("max_difference", "mean_difference"):
        if not getattr(report, name) <= getattr(tolerances, name):  # so that NaN fails
            faults.append(f"{name} {getattr(report, name):.4g} above {getattr(tolerances, name):g}")
    if _disagrees(report, tolerances):
        faults.append(f"top-1 agreement {report.agreement:.4f} below {tolerances.agreement:g}")
    judged = report.auc_difference is not None and report.images >= LEAST_IMAGES_FOR_AUC
    if judged and abs(report.auc_difference) > tolerances.auc_difference:
        faults.append(f"AUC {report.auc_file:.4f} against {report.auc_keras:.4f} of the Keras model")
    if faults:
        raise VerificationError(
            f"{report.path} disagrees with its Keras model on {report.images} images: {'; '.join(faults)}."
        )


def _disagrees(report: Report, tolerances: Tolerances) -> bool:
    """Whether more images disagree than chance explains (5 %) if the true agreement were as tolerated.

    On few images a handful of near ties would otherwise refuse a good file: 3 of 240 are 1.25 %.
    """
    from scipy.stats import binom  # here, because it takes longer to import than a file takes to load

    disagreeing = round((1 - report.agreement) * report.images)
    return bool(disagreeing > binom.ppf(0.95, report.images, 1 - tolerances.agreement))


def float_islands(graph: Graph) -> tuple[str, ...]:
    """Names of the operations with a float32 input or output between the first QUANTIZE and the last
    DEQUANTIZE.

    Before the first QUANTIZE of a float input, and behind the last DEQUANTIZE, floats are where they
    belong. A file without QUANTIZE has no such stretch.
    """
    names = [op.name for op in graph.ops]
    if "QUANTIZE" not in names:
        return ()
    first = names.index("QUANTIZE")
    last = len(names) - 1 - names[::-1].index("DEQUANTIZE") if "DEQUANTIZE" in names else len(names)
    return tuple(
        op.name
        for op in graph.ops[first + 1 : last]
        if any(tensor.dtype == "float32" for tensor in op.inputs + op.outputs)
    )


def int8_share(graph: Graph) -> float:
    """Part of the multiply-accumulates of convolutions and matrix products whose two factors are int8."""
    total = integer = 0
    for op in graph.ops:
        count = _multiply_accumulates(op)
        total += count
        integer += count * all(tensor.dtype == "int8" for tensor in op.inputs[:2])
    return integer / total if total else 0.0


def _multiply_accumulates(op: Op) -> int:
    outputs = math.prod(op.outputs[0].shape)
    match op.name:
        case "CONV_2D" | "FULLY_CONNECTED":  # weights (out, height, width, in) or (out, in)
            return outputs * math.prod(op.inputs[1].shape[1:])
        case "DEPTHWISE_CONV_2D":  # weights (1, height, width, out)
            return outputs * math.prod(op.inputs[1].shape[1:3])
        case "BATCH_MATMUL":
            return outputs * op.inputs[0].shape[-1]
    return 0


def _batches(images: np.ndarray | Iterable[np.ndarray]) -> Iterable[np.ndarray]:
    if isinstance(images, np.ndarray):
        return (images[start : start + _BATCH] for start in range(0, len(images), _BATCH))
    return images


def _aucs(labels: Sequence, ours: np.ndarray, files: np.ndarray) -> tuple[float, float]:
    from sklearn.metrics import roc_auc_score  # as slow to import as SciPy above

    labels, classes = np.asarray(labels), ours.shape[1]
    labels = labels.argmax(-1) if labels.ndim == 2 else labels
    present = np.unique(labels)
    if len(labels) != len(ours) or len(present) < 2 or not set(present) <= set(range(classes)):
        raise ValueError(
            f"The AUC needs a class number below {classes} for each image, two of them present. "
            f"Received: {len(labels)} labels with values {present.tolist()} "
            f"for {len(ours)} images of {classes} classes"
        )
    if classes == 2:
        return float(roc_auc_score(labels, ours[:, 1])), float(roc_auc_score(labels, files[:, 1]))
    # Class by class, because scikit-learn's own mean wants rows that sum to 1, which int8 steps do not.
    one_hot = labels[:, None] == present
    return tuple(
        float(roc_auc_score(one_hot, scores[:, present], average="macro")) for scores in (ours, files)
    )
