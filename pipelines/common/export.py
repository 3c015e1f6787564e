"""A trained model and its quantization-aware version -> verified, timed .tflite files, ready to ship."""

import dataclasses
import hashlib
import itertools
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipelines.common.console import console, say
from pipelines.common.saved_models import load_models
from skinkeras import quantization, tflite
from skinkeras.files.writing import replacing, write_bytes, write_text

KINDS = ("float32", "float16", "int8")
# What an int8 file may lose of the float model's AUC before the layers that hurt most are named.
MOST_LOST = 0.01
_BATCH = 64
_LAYERS_NAMED = 5
_LAYER_BATCHES = 4  # of as many images: all activations of a batch are in memory at once
_THREADS = (1, 2)
_ADJECTIVES = {"validation": "validation", "train": "training"}


@dataclass(frozen=True)
class ExportedFile:
    """One .tflite file, and what was found out about it.

    Attributes:
        kind: float32, float16 or int8.
        path: the file.
        report: `tflite.Report`: how it compares with its Keras model, on the images of `SplitImages.compared`.
        latency: list of `tflite.Latency`, one a number of threads.
    """

    kind: str
    path: Path
    report: tflite.Report
    latency: list

    @property
    def sha256(self):
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def facts(self):
        """What a record says about the file."""
        return {
            "file": self.path.name,
            "size_bytes": self.path.stat().st_size,
            "sha256": self.sha256,
            "verification": {**dataclasses.asdict(self.report), "path": self.path.name},
            "latency": [dataclasses.asdict(latency) for latency in self.latency],
            "golden": tflite.golden(self.path),
        }


def export_forms(run, models_folder, data, info):
    """Converts, labels, verifies and times every kind of file.

    What decides about a file is measured on validation images, or without any on training images
    (`SplitImages.compared`); the test images are only reported on.

    Args:
        run: `RunFolder`; the files go into its export folder.
        models_folder: `RunFolder` that has the float and the quantization-aware model.
        data: `SplitImages`.
        info: `tflite.ModelInfo`; the files are called `<its name>_<kind>.tflite`.

    Returns:
        {kind: `ExportedFile`}, and {kind: {"file", "reason"}} of those that disagree with their model: they lie in
        the run's folder under the name `rejected_...`.

    Where integers are refused, a file with integer weights alone takes their place if it passes; it is in neither
    dictionary, and the reason names it. If integers are refused, or lose more than `MOST_LOST` of the AUC,
    `layer_noise.csv` in the run's folder says where.
    """
    model, quantized = load_models(models_folder)
    labels, name, files, refused = data.output_classes, info.name, {}, {}
    for kind in KINDS:
        original = quantized if kind == "int8" else model
        content = tflite.add_metadata(tflite.convert(original, kind), labels, info)
        candidate = run.file(f"rejected_{name}_{kind}.tflite")
        write_bytes(candidate, content)
        try:
            report = _verified(candidate, original, data, tflite.tolerances_of(kind, original))
        except tflite.VerificationError as error:
            reason = str(error)
            if kind == "int8":
                reason += _in_its_place(run, model, data, labels, info)
                reason += _advice(_record_layer_noise(run, model, quantized, data), files)
            refused[kind] = {"file": candidate.name, "reason": reason}
            console.print(f"  {kind}: refused", style="bold red")
            continue
        path = run.export / f"{name}_{kind}.tflite"
        write_bytes(path, content)
        candidate.unlink()
        files[kind] = ExportedFile(kind, path, report, tflite.benchmark(path, _THREADS))
        say(
            f"  {path.name}: {len(content) / 1e6:.1f} MB, agrees with Keras on {report.agreement:.2%} of "
            f"{report.images} {_ADJECTIVES[data.compared_on]} images, largest difference {report.max_difference:.4f}"
        )
    lost = _lost(files)
    if lost is not None and lost > MOST_LOST:
        path = _record_layer_noise(run, model, quantized, data)
        say(f"  Integers lose {lost:.3f} of the float model's AUC: {path} says where.")
    if files:
        write_text(run.export / f"{name}.labels.txt", "".join(f"{label}\n" for label in labels))
    return files, refused


def _in_its_place(run, model, data, labels, info):
    """Writes a file with integer weights alone; a sentence that names it, "" if it is refused too."""
    kind = "weight_int8"
    content = tflite.add_metadata(tflite.convert(model, kind), labels, info)
    path = run.export / f"{info.name}_{kind}.tflite"
    write_bytes(path, content)
    try:
        report = _verified(path, model, data, tflite.TOLERANCES[kind])
    except tflite.VerificationError:
        path.unlink()
        return ""
    say(
        f"  {path.name}: {len(content) / 1e6:.1f} MB, in the place of int8; agrees with Keras on "
        f"{report.agreement:.2%} of {report.images} {_ADJECTIVES[data.compared_on]} images"
    )
    return f" In its place there is {path.name}: weights of 8 bits, computed in float32."


def _advice(noise_file, files):
    rest = f", or use the {' and '.join(files)} file" if files else ""
    return (
        f" {noise_file.name} says which layers add most noise; fine-tune for longer (--qat-epochs, in another --out)"
        f"{rest}."
    )


def _verified(path, model, data, tolerances):
    compared = data.compared()
    batches = (images.numpy() for images, _ in compared.dataset(_BATCH))
    report = tflite.verify(path, model, batches, compared.malignant if data.positives else compared.one_hot)
    report = dataclasses.replace(report, path=path.name)  # a record names no path of this machine
    tflite.check(report, tolerances)
    return report


def _lost(files):
    """How far the int8 file's AUC on the images that are compared is below the float model's; None if unknown."""
    if not {"float32", "int8"} <= set(files):
        return None
    float_auc, int8_auc = files["float32"].report.auc_keras, files["int8"].report.auc_file
    return None if float_auc is None or int8_auc is None else float_auc - int8_auc


def _record_layer_noise(run, model, quantized, data):
    """Writes how much noise each rounded layer adds on some of the images compared, and prints the worst."""
    batches = itertools.islice(data.compared().dataset(_LAYER_BATCHES), _LAYER_BATCHES)
    noise = quantization.layer_noise(model, quantized, (images.numpy() for images, _ in batches))
    path = run.file("layer_noise.csv")
    with replacing(path) as temporary:
        pd.DataFrame(map(dataclasses.asdict, noise)).to_csv(temporary, index=False)
    say(f"  Layers whose rounding adds the most noise (signal to noise, dB), of those in {path}:")
    for layer in noise[:_LAYERS_NAMED]:
        say(f"    {layer.layer}: {layer.own:.1f} by itself, {layer.total:.1f} with all before it")
    return path
