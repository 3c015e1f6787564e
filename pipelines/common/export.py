"""A trained model and its quantization-aware version -> verified, timed .tflite files, ready to ship."""

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path

import skinkeras
from pipelines.common.console import console
from pipelines.common.data import SOURCES
from skinkeras import tflite
from skinkeras.files import write_bytes, write_text

KINDS = ("float32", "float16", "int8")
_BATCH = 64


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
    """
    labels, name, files = data.shown_classes, about.name, {}
    for kind in KINDS:
        original = quantized if kind == "int8" else model
        content = tflite.add_metadata(tflite.convert(original, kind), labels, about)
        candidate = run.file(f"rejected_{name}_{kind}.tflite")
        write_bytes(candidate, content)
        report = _verified(candidate, original, data, tflite.TOLERANCES[kind])
        path = run.export / f"{name}_{kind}.tflite"
        write_bytes(path, content)
        candidate.unlink()
        files[kind] = ExportedFile(kind, path, report, tflite.benchmark(path, threads))
        console.print(
            f"  {path.name}: {len(content) / 1e6:.1f} MB, agrees with Keras on {report.agreement:.2%} of "
            f"{report.images} test images, largest difference {report.max_difference:.4f}"
        )
    write_text(run.export / f"{name}.labels.txt", "".join(f"{label}\n" for label in labels))
    return files


def _verified(path, model, data, tolerances):
    test = data.part("test")
    batches = (images.numpy() for images, _ in test.dataset(_BATCH))
    report = tflite.verify(path, model, batches, test.malignant if data.positives else test.one_hot)
    tflite.check(report, tolerances)
    return report
