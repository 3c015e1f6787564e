"""Exports a trained model again, without training: from a run's folder, or from a Keras file.

python -m pipelines.export RUN_DIR
python -m pipelines.export MODEL.keras --labels benign malignant
"""

import dataclasses
import importlib
import tempfile
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras
import numpy as np
from tyro.conf import Positional

import skinkeras
from pipelines.common import export as common_export
from pipelines.common import settings as common_settings
from pipelines.common.console import console, refuse_invalid_input, run, section
from pipelines.common.data import load_data
from pipelines.common.run_folder import RunFolder, recorded_settings
from pipelines.predict import find_images
from skinkeras import inputs, quantization, tflite
from skinkeras import layers as _layers  # noqa: F401  registers the layers that a file may hold
from skinkeras.files import write_bytes, write_text

# How far the sum of probabilities may be from 1: of an integer model each is rounded to a 256th.
_ROUNDED = 0.05

# The jobs whose runs can be exported; a run is of the first one that knows all of its settings.
_JOBS = ("pipelines.binary", "pipelines.multiclass")


@dataclass(frozen=True)
class Settings:
    """Settings of the export."""

    source: Positional[Path]
    """A run's folder, or a .keras file."""
    out: Path | None = None
    """Where the files go; by default the folder `exported` inside the run's, or beside the Keras file."""
    data_dir: Path | None = None
    """Where the run's data set lies now, if it has moved (run)."""
    labels: tuple[str, ...] = ()
    """The class names in the order of the output, or one file with a name a line (Keras file)."""
    name: str | None = None
    """What the files are called; by default like the Keras file (Keras file)."""
    pictures: tuple[Path, ...] = ()
    """DecodedImages, or folders of them, to compare files and model on; by default the three golden pictures,
    which say little about real ones (Keras file)."""
    kinds: tuple[Literal["float32", "float16", "weight_int8"], ...] = ()
    """What a float model becomes, by default float32 and float16; weight_int8 has weights of a quarter of the
    size and computes in float32, where integers throughout would cost too much (Keras file)."""
    io: Literal["float32", "uint8"] = "float32"
    """Type of input and output; uint8 for a quantized model only (Keras file)."""
    licence: str = "unknown"
    """What the files say about their licence (Keras file)."""


def main(settings):
    """Makes verified .tflite files of a model that has been trained before."""
    if settings.source.is_dir():
        export_run(settings)
    else:
        export_keras_file(settings)


def export_run(settings):
    """Exports the models of a run, compared with Keras on the run's own test images, as the run did."""
    with refuse_invalid_input():
        check_of_a_run(settings)
        job, job_settings = read_run(settings.source, settings.data_dir)
        path = find_model(settings.source)
        quantized_path = path.with_name("model_qat.keras")
        if not quantized_path.exists():
            raise ValueError(
                f"{settings.source} has no model_qat.keras: the run was not exported or has not ended."
            )
        section("Data")
        data = load_data(job_settings, path.with_name("split.csv"), inputs.OVERSAMPLING["none"])
        model, quantized = load_keras(path), load_keras(quantized_path)
    folder = RunFolder(settings.out or settings.source / "exported")
    section("Export, verification, benchmark")
    common_export.export(folder, model, quantized, data, job.about(job_settings))
    console.print(f"Files: {folder.export}", markup=False)


def check_of_a_run(settings):
    """Raises ValueError if something was said that only the export of a Keras file looks at."""
    for name in ("labels", "name", "pictures", "kinds", "io", "licence"):
        if getattr(settings, name) != getattr(Settings, name):
            raise ValueError(f"--{name} belongs to a .keras file: a run has its own.")


def read_run(folder, data_dir):
    """The job module of a run, and its settings with the paths of here and now.

    Raises:
        ValueError: the folder holds no run, or one of settings that no job here knows.
    """
    config = folder / "config.yaml"
    if not config.is_file():
        raise ValueError(f"{folder} holds no run: it has no config.yaml.")
    recorded = recorded_settings(config)
    for module in _JOBS:
        job = importlib.import_module(module)
        hints = typing.get_type_hints(job.Settings)
        if set(recorded) <= set(hints):
            values = {name: _typed(value, hints[name]) for name, value in recorded.items()}
            values |= {"out": folder, "resume": False}
            if data_dir is not None:
                values["data_dir"] = data_dir
            return job, common_settings.filled(job.Settings(**values))
    raise ValueError(f"{config} has settings of no job known here: {', '.join(sorted(recorded))}.")


def _typed(value, hint):
    """A value of config.yaml as the settings have it: paths are text there, and tuples lists."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, str) and Path in (hint, *typing.get_args(hint)):
        return Path(value)
    return value


def find_model(folder):
    """The float model of a run: in the folder itself, or in that of its first split."""
    for place in (folder, folder / "split_1"):
        if (place / "model.keras").is_file():
            return place / "model.keras"
    raise ValueError(f"{folder} has no model.keras: the run has not got that far.")


def export_keras_file(settings):
    """Exports one Keras model, as int8 if it is a quantized one, else as --kinds says. All files or none."""
    with refuse_invalid_input():
        if settings.data_dir:
            raise ValueError("--data-dir belongs to a run; name pictures with --pictures.")
        labels = read_labels(settings.labels)
        model = load_keras(settings.source)
        check_classifier(settings.source, model, labels)
        quantized = quantization.is_quantized(model)
        if settings.io == "uint8" and not quantized:
            raise ValueError(f"--io uint8 needs a quantized model, and {settings.source} is none.")
        if settings.kinds and quantized:
            raise ValueError(f"--kinds belongs to a float model, and {settings.source} becomes int8 alone.")
        kinds = ("int8",) if quantized else tuple(dict.fromkeys(settings.kinds)) or ("float32", "float16")
        name = settings.name or settings.source.stem
        about = tflite.ModelInfo(
            name=name,
            description=f"Tells apart {', '.join(labels)}. Not a medical device.",
            author="skinkeras",
            version=skinkeras.__version__,
            licence=settings.licence,
        )
        images = verification_images(settings.pictures, model.input_shape[1])
        check_probabilities(settings.source, model.predict(images, verbose=0))
        contents = {
            kind: converted(settings.source, model, kind, settings.io, labels, about) for kind in kinds
        }
    for kind, content in contents.items():
        report = verified(content, model, images, kind, settings.io)
        console.print(
            f"  {kind}: agrees with Keras on {report.agreement:.2%} of {report.images} pictures, largest "
            f"difference {report.max_difference:.4f}"
        )
    out = settings.out or settings.source.parent / "exported"
    for kind, content in contents.items():
        write_bytes(out / f"{name}_{kind}.tflite", content)
        console.print(f"Written: {out / f'{name}_{kind}.tflite'}, {len(content) / 1e6:.1f} MB", markup=False)
    write_text(out / f"{name}.labels.txt", "".join(f"{label}\n" for label in labels))


def read_labels(labels):
    """The class names: as given, or the lines of the one file that was given."""
    if not labels:
        raise ValueError(
            "--labels is missing: the class names in the order of the output, or a file of them."
        )
    if len(labels) == 1 and Path(labels[0]).is_file():
        return tuple(Path(labels[0]).read_text("utf-8-sig").rstrip().splitlines())
    return labels


def load_keras(path):
    """A model from a .keras file. Raises ValueError, one sentence, if that cannot be done."""
    if not path.is_file():
        raise ValueError(f"There is no file or folder {path}.")
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # what a foreign file raises inside Keras is left to whatever it breaks first
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(f"{path} cannot be loaded as a Keras model of known layers: {reason}") from error


def check_classifier(path, model, labels):
    """Raises ValueError unless the model goes from square pictures to one probability a label."""
    if not getattr(model, "inputs", None):
        raise ValueError(
            f"{path} is a model that has no inputs yet: build it, or call it once, and save it again."
        )
    one = len(model.inputs) == 1 and len(model.outputs) == 1
    shape = tuple(model.inputs[0].shape)
    if not one or len(shape) != 4 or shape[3] != 3 or shape[1] is None or shape[1] != shape[2]:
        shapes = [tuple(tensor.shape) for tensor in model.inputs]
        raise ValueError(
            f"{path} takes {shapes} and has {len(model.outputs)} output(s); a classifier of pictures takes "
            "one (batch, size, size, 3) and has one output."
        )
    if len(labels) < 2:
        raise ValueError(f"A classifier has two or more labels. Received: {list(labels)}")
    classes = tuple(model.outputs[0].shape)[1:]
    if classes != (len(labels),):
        raise ValueError(
            f"{path} has an output of shape {classes}, and there are {len(labels)} labels: {list(labels)}."
        )


def check_probabilities(path, answers):
    """Raises ValueError unless each row of `answers` holds probabilities that sum to 1."""
    if not (np.all(answers >= 0) and np.all(np.abs(answers.sum(axis=1) - 1) <= _ROUNDED)):
        raise ValueError(
            f"{path} does not give one probability a label, which sum to 1, but for example "
            f"{np.round(answers[0], 3).tolist()}: end it with a softmax."
        )


def verification_images(pictures, size):
    """(n, size, size, 3) float32: the named pictures, or the golden ones."""
    if pictures:
        images = [inputs.decode(path, size) for path in find_images(pictures)]
    else:
        images = list(tflite.golden_images(size).values())
        console.print(
            "Compared on the three golden pictures; --pictures FOLDER takes real ones.", markup=False
        )
    return np.stack(images).astype(np.float32)


def converted(path, model, kind, io, labels, about):
    """The bytes of one file. Raises ValueError, one sentence, for what TensorFlow Lite cannot hold."""
    try:
        return tflite.add_metadata(tflite.convert(model, kind, io), labels, about)
    except ValueError:
        raise
    except Exception as error:  # the converter's own error is a page long
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"{path} cannot become a {kind} file of builtin operations: {reason}") from error


def verified(content, model, images, kind, io):
    """The report on a file's bytes. Raises VerificationError if it disagrees with its model."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{kind}.tflite"
        path.write_bytes(content)
        report = tflite.verify(path, model, images)
    report = dataclasses.replace(report, path=f"The {kind} file")
    tflite.check(report, tflite.TOLERANCES[kind], io)
    return report


if __name__ == "__main__":
    run(main, Settings)
