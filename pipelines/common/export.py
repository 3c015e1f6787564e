"""A trained model and its quantization-aware version -> verified, timed .tflite files, ready to ship."""

import dataclasses
import hashlib
import itertools
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

import skinkeras
from pipelines.common.console import console
from pipelines.common.data import SOURCES
from skinkeras import quantization, tflite
from skinkeras.files import replacing, write_bytes, write_text

KINDS = ("float32", "float16", "int8")
# What an int8 file may lose of the float model's AUC before the layers that hurt most are named.
MOST_LOST = 0.01
_BATCH = 64
_LAYERS_NAMED = 5
_LAYER_BATCHES = 4  # of as many images: all activations of a batch are in memory at once


@dataclass(frozen=True)
class ExportedFile:
    """One .tflite file, and what was found out about it.

    Attributes:
        kind: float32, float16 or int8.
        path: the file.
        report: `tflite.Report`: how it compares with its Keras model on the test images.
        latency: list of `tflite.Latency`, one a number of threads.
    """

    kind: str
    path: Path
    report: tflite.Report
    latency: list

    @property
    def size_bytes(self):
        return self.path.stat().st_size

    @property
    def sha256(self):
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def facts(self):
        """What `metrics.json` says about the file."""
        return {
            "file": self.path.name,
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "verification": {**dataclasses.asdict(self.report), "path": self.path.name},
            "latency": [dataclasses.asdict(latency) for latency in self.latency],
        }


def model_info(settings, task, description):
    """What the exported files of a run are called and say about themselves.

    Args:
        settings: the run's.
        task: one word, the first of the files' names.
        description: a sentence: what the model tells.
    """
    source = SOURCES[settings.data]
    kind = "demo_synthetic" if source.synthetic else task
    return tflite.ModelInfo(
        name=f"{kind}_{settings.model}_{settings.image_size}",
        description=f"{description} Trained on {source.title}. Not a medical device.",
        author="skinkeras",
        version=skinkeras.__version__,
        licence=source.licence,
    )


def export(run, model, quantized, data, about, threads=(1, 2)):
    """Converts, labels, verifies on the test images and times every kind of file.

    Args:
        run: `RunFolder`; the files go into its export folder.
        model, quantized: the float and the quantization-aware Keras model.
        data: `pipelines.common.data.Data`.
        about: `tflite.ModelInfo`; the files are called `<its name>_<kind>.tflite`.
        threads: numbers of threads to time.

    Returns:
        {kind: `ExportedFile`}

    Raises:
        VerificationError: a file disagrees with its model; it is left in the run's folder under the name
            `rejected_...`, and nothing is exported under its own name.

    If integers are refused, or lose more than `MOST_LOST` of the AUC, `layer_noise.csv` in the run's folder
    says where.
    """
    labels, name, files = data.shown_classes, about.name, {}
    for kind in KINDS:
        original = quantized if kind == "int8" else model
        content = tflite.add_metadata(tflite.convert(original, kind), labels, about)
        candidate = run.file(f"rejected_{name}_{kind}.tflite")
        write_bytes(candidate, content)
        try:
            report = _verified(candidate, original, data, tflite.TOLERANCES[kind])
        except tflite.VerificationError as error:
            if kind != "int8":
                raise
            path = _record_layer_errors(run, model, quantized, data)
            raise tflite.VerificationError(
                f"{error} {path} says which layers add most; fine-tune for longer (--qat-epochs, in another "
                f"--out), or use the float16 file, which lies in {run.export}, or integers for the weights "
                "alone (python -m pipelines.export MODEL.keras --kinds weight_int8)."
            ) from error
        path = run.export / f"{name}_{kind}.tflite"
        write_bytes(path, content)
        candidate.unlink()
        files[kind] = ExportedFile(kind, path, report, tflite.benchmark(path, threads))
        console.print(
            f"  {path.name}: {len(content) / 1e6:.1f} MB, agrees with Keras on {report.agreement:.2%} of "
            f"{report.images} test images, largest difference {report.max_difference:.4f}"
        )
    lost = _lost(files)
    if lost is not None and lost > MOST_LOST:
        path = _record_layer_errors(run, model, quantized, data)
        console.print(f"  Integers lose {lost:.3f} of the float model's AUC: {path} says where.")
    write_text(run.export / f"{name}.labels.txt", "".join(f"{label}\n" for label in labels))
    return files


def _verified(path, model, data, tolerances):
    test = data.part("test")
    batches = (images.numpy() for images, _ in test.dataset(_BATCH))
    report = tflite.verify(path, model, batches, test.malignant if data.positives else test.one_hot)
    tflite.check(report, tolerances)
    return report


def _lost(files):
    """How far the int8 file's AUC on the test images is below the float model's; None if there is none."""
    float_auc, int8_auc = files["float32"].report.auc_keras, files["int8"].report.auc_file
    return None if float_auc is None or int8_auc is None else float_auc - int8_auc


def _record_layer_errors(run, model, quantized, data):
    """Writes how much noise each rounded layer adds on some validation images, and prints the worst."""
    batches = itertools.islice(data.part("validation").dataset(_LAYER_BATCHES), _LAYER_BATCHES)
    errors = quantization.layer_noise(model, quantized, (images.numpy() for images, _ in batches))
    path = run.file("layer_noise.csv")
    with replacing(path) as temporary:
        pd.DataFrame(map(dataclasses.asdict, errors)).to_csv(temporary, index=False)
    console.print("  Layers whose rounding adds the most noise (signal to noise, dB):")
    for error in errors[:_LAYERS_NAMED]:
        console.print(f"    {error.layer}: {error.own:.1f} by itself, {error.total:.1f} with all before it")
    return path
