"""Exports a trained model: from a run's folder, whose models are fine-tuned for integers if they were not, or from a
Keras file.

python -m pipelines.export RUN_DIR
python -m pipelines.export MODEL.keras --labels benign malignant
"""

import dataclasses
import importlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from tyro.conf import Positional

import skinkeras
from pipelines.common import checks
from pipelines.common.console import console, refuse_invalid_input, run, say, section
from pipelines.common.resumable import check_archive
from pipelines.common.run_folder import RunFolder, recorded_run
from pipelines.common.startup import start_keras
from pipelines.predict import find_images
from skinkeras import tflite
from skinkeras.errors import RunError
from skinkeras.files.locks import locked_folder, remove_leftovers
from skinkeras.files.reading import read_text
from skinkeras.files.writing import write_bytes, write_text
from skinkeras.images.decoding import decode

# How far the sum of probabilities may be from 1: of an integer model each is rounded to a 256th.
_ROUNDED = 0.05
_MOST_PIXELS = 4096  # a side, as the Android app


@dataclass(frozen=True)
class Settings:
    """Settings of the export."""

    source: Positional[Path]
    """A run's folder, or a .keras file."""
    out: Path | None = None
    """Where the files go; by default the folder `exported` inside the run's, or beside the Keras file."""
    data_dir: Path | None = None
    """Where the run's data set lies now, if it has moved (run)."""
    qat_epochs: int | None = None
    """Epochs of fine-tuning for integers, of a run that was trained without --export; by default the job's (run)."""
    labels: tuple[str, ...] = ()
    """The class names in the order of the output, or one file with a name a line (Keras file)."""
    name: str | None = None
    """What the files are called; by default like the Keras file (Keras file)."""
    images: tuple[Path, ...] = ()
    """Images, or folders of them, to compare files and model on; by default the golden images,
    which say little about real ones (Keras file)."""
    kinds: tuple[Literal["float32", "float16", "weight_int8"], ...] = ()
    """What a float model becomes, by default float32 and float16; weight_int8 has weights of a quarter of the
    size and computes in float32, where integers throughout would cost too much (Keras file)."""
    io: Literal["float32", "uint8"] = "float32"
    """Type of input and output; uint8 for a quantized model only (Keras file)."""
    licence: str = "unknown"
    """What the files say about their licence (Keras file)."""
    input_range: tuple[float, float] | None = None
    """For a model trained on pixels that were scaled outside of it, what 0 and 255 became: 0 1, or -1 1. The files
    then take pixels of 0 to 255, as the apps send them (Keras file)."""


def main(settings):
    """Makes verified .tflite files of a model that has been trained before."""
    if settings.source.is_dir():
        export_run(settings)
    else:
        export_keras_file(settings)


def export_run(settings):
    """Exports the models of a run, each split's, compared with Keras on the run's own images, as the run did.

    A run that was trained without --export is fine-tuned for integers first.
    """
    with refuse_invalid_input():
        check_run_flags(settings)
        recorded = recorded_run(settings.source)
        if recorded.job not in ("binary", "multiclass"):
            raise ValueError(f"{settings.source} is a run of pipelines.{recorded.job}, which makes no model.")
        trained = trained_repeats(settings.source)
        job = importlib.import_module(f"pipelines.{recorded.job}")
        lacking = [number for number, folder in trained if not folder.file("model_qat.keras").is_file()]
        run_settings = settings_for_export(job, recorded, settings, fine_tunes=bool(lacking))
        training = run_settings.training
        start_keras(training.seed, deterministic=bool(lacking) and training.deterministic)
        from pipelines.common import export, records

        section("Data")
        loader = loader_of(run_settings)
        data = [loader.load(folder.file("split.csv")) for _, folder in trained]
        info = records.model_info(job.task_class(), run_settings.data, run_settings.model)
    failures = []
    with RunFolder(settings.out or settings.source / "exported").locked() as target:
        remove_leftovers(target.path)
        for (number, folder), images in zip(trained, data, strict=True):
            place = target.repeat(number)
            if number in lacking:
                from pipelines.common.late_fine_tuning import fine_tune

                fine_tune(job, run_settings, number, folder, place)
            section(f"Export, verification, benchmark{f', split {number}' * (len(trained) > 1)}")
            models_folder = place if number in lacking else folder
            _, refused = export.export_forms(place, models_folder, images, info)
            failures += [entry["reason"] for entry in refused.values()]
            say(f"Files: {place.export}")
    if failures:
        raise RunError(" ".join(failures))


def trained_repeats(source):
    """[(number, `RunFolder`)] of the splits of a run, each with a trained model.

    Raises:
        ValueError: there is none yet, or a model's file is damaged.
    """
    run, found = RunFolder(source), []
    while (number := len(found) + 1) == 1 or run.repeat(number).path.is_dir():
        folder = run.repeat(number)
        if not folder.file("model.keras").is_file():
            raise ValueError(f"{folder.path} has no model.keras: the run has not got that far.")
        for name in ("model.keras", "model_qat.keras"):
            if folder.file(name).is_file():
                check_archive(folder.file(name), "delete it and resume the run, or train it again")
        found.append((number, folder))
    return found


def settings_for_export(job, recorded, given, *, fine_tunes):
    """The settings of a recorded run with today's paths and, if it is to be fine-tuned, what that takes.

    Raises:
        ValueError: the images are not there, its model cannot become integers, or a setting of fine-tuning was given
            to a run that has been fine-tuned.
    """
    settings = recorded.settings
    if given.data_dir is not None:
        settings = dataclasses.replace(
            settings, data=dataclasses.replace(settings.data, data_dir=given.data_dir)
        )
    checks.check_data(settings.data)
    if not settings.output.cache_dir.is_dir():
        output = dataclasses.replace(settings.output, cache_dir=given.source.parent / ".cache")
        settings = dataclasses.replace(settings, output=output)
    if not fine_tunes:
        if given.qat_epochs is not None:
            raise ValueError(f"--qat-epochs has no effect: {given.source} has been fine-tuned for integers.")
        return settings
    settings = job.with_defaults(
        dataclasses.replace(
            settings,
            output=dataclasses.replace(settings.output, export=True),
            training=dataclasses.replace(settings.training, qat_epochs=given.qat_epochs),
        )
    )
    # The trained weights are in the run: those that it began with need not be there any more.
    checks.check_model(dataclasses.replace(settings.model, weights="none"), exports=True)
    return settings


def loader_of(settings):
    """The loader of a run's images, without its oversampling and cleaning."""
    from pipelines.common.loading import ImageLoader

    data = settings.data
    return ImageLoader(
        data,
        settings.model.image_size,
        settings.output.cache_dir,
        settings.training.data_seed,
        getattr(data, "positive", ()),
        geometry=settings.model.geometry,
    )


def check_run_flags(settings):
    """Raises ValueError if something was given that only the export of a Keras file uses."""
    for name in ("labels", "name", "images", "kinds", "io", "licence", "input_range"):
        if getattr(settings, name) != getattr(Settings, name):
            raise ValueError(f"--{name.replace('_', '-')} belongs to a .keras file: a run has its own.")


def export_keras_file(settings):
    """Exports one Keras model, as int8 if it is a quantized one, else as --kinds says. All files or none."""
    with refuse_invalid_input():
        if settings.data_dir:
            raise ValueError("--data-dir belongs to a run; name images with --images.")
        if settings.qat_epochs is not None:
            raise ValueError("--qat-epochs belongs to a run: a Keras file is exported as it is.")
        if not settings.source.is_file():
            raise ValueError(f"There is no file or folder {settings.source}.")
        labels = read_labels(settings.labels)
        if settings.source.suffix == ".tflite":
            raise ValueError(
                f"{settings.source} is a .tflite file already: name the Keras model that it was made from."
            )
        start_keras(deterministic=False)
        from skinkeras import quantization

        model = load_keras(settings.source)
        check_classifier(settings.source, model, labels)
        quantized = quantization.is_quantized(model)
        if settings.io == "uint8" and not quantized:
            raise ValueError(f"--io uint8 needs a quantized model, and {settings.source} is none.")
        if settings.kinds and quantized:
            raise ValueError(f"--kinds belongs to a float model, and {settings.source} becomes int8 alone.")
        model = taking_pixels(settings.source, model, settings.input_range)
        kinds = ("int8",) if quantized else tuple(dict.fromkeys(settings.kinds)) or ("float32", "float16")
        name = settings.name or settings.source.stem
        info = tflite.ModelInfo(
            name=name,
            description=f"Distinguishes {', '.join(labels)}. Not a medical device.",
            author="skinkeras",
            version=skinkeras.__version__,
            licence=settings.licence,
        )
        images = verification_images(settings.images, model.input_shape[1])
        check_probabilities(settings.source, model.predict(images, verbose=0))
        contents = {
            kind: converted(settings.source, model, kind, settings.io, labels, info) for kind in kinds
        }
    for kind, content in contents.items():
        report = verified(content, model, images, kind, settings.io)
        say(
            f"  {kind}: agrees with Keras on {report.agreement:.2%} of {report.images} images, largest "
            f"difference {report.max_difference:.4f}"
        )
    out = settings.out or settings.source.parent / "exported"
    with locked_folder(out):
        remove_leftovers(out, subfolders=False)
        for kind, content in contents.items():
            write_bytes(out / f"{name}_{kind}.tflite", content)
            say(f"Written: {out / f'{name}_{kind}.tflite'}, {len(content) / 1e6:.1f} MB")
        write_text(out / f"{name}.labels.txt", "".join(f"{label}\n" for label in labels))


def read_labels(labels):
    """The class names: as given, or the lines of the one file that was given."""
    if not labels:
        raise ValueError(
            "--labels is missing: the class names in the order of the output, or a file of them."
        )
    if len(labels) == 1 and Path(labels[0]).is_file():
        return tuple(read_text(labels[0]).removeprefix("\ufeff").rstrip().splitlines())
    return labels


def load_keras(path):
    """A model from a .keras file. Raises ValueError, one sentence, if that cannot be done."""
    import keras

    if path.suffix == ".keras":
        check_archive(path, "copy it again, or save it again")
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:  # what a foreign file raises inside Keras is left to whatever it breaks first
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ValueError(f"{path} cannot be loaded as a Keras model of known layers: {reason}") from error


def check_classifier(path, model, labels):
    """Raises ValueError unless the model goes from square images to one probability a label."""
    if not getattr(model, "inputs", None):
        raise ValueError(
            f"{path} is a model that has no inputs yet: build it, or call it once, and save it again."
        )
    one = len(model.inputs) == 1 and len(model.outputs) == 1
    shape = tuple(model.inputs[0].shape)
    if not one or len(shape) != 4 or shape[3] != 3 or shape[1] is None or shape[1] != shape[2]:
        shapes = [tuple(tensor.shape) for tensor in model.inputs]
        raise ValueError(
            f"{path} takes {shapes} and has {len(model.outputs)} output(s); a classifier of images takes "
            "one (batch, size, size, 3) and has one output."
        )
    if shape[1] > _MOST_PIXELS:
        raise ValueError(
            f"{path} takes images of {shape[1]:,} pixels a side, and the apps up to {_MOST_PIXELS:,}: build it with "
            "a smaller input."
        )
    if len(labels) < 2:
        raise ValueError(f"A classifier has two or more labels. Received: {list(labels)}")
    classes = tuple(model.outputs[0].shape)[1:]
    if classes != (len(labels),):
        raise ValueError(
            f"{path} has an output of shape {classes}, and there are {len(labels)} labels: {list(labels)}."
        )


def taking_pixels(path, model, input_range):
    """The model of pixels 0..255: `model` itself, or with a scaling to `input_range` in front.

    Says so where `model` may have been trained on another range than it will be given.

    Raises:
        ValueError: the range is none, or the model is quantized and begins with a scaling of its own.
    """
    from skinkeras import quantization

    if input_range is not None:
        if quantization.is_quantized(model):
            raise ValueError(
                f"--input-range belongs to a float model; {path} is quantized and takes pixels of 0 to 255."
            )
        return quantization.rescale_pixels(model, *input_range)
    if quantization.ignores_pixel_range(model):
        say(
            f"Warning: nothing in {path} rescales its input. Its files will be given pixels of 0 to 255; if it was "
            "trained on 0 to 1 or -1 to 1, their answers are wrong: export it with --input-range 0 1 or -1 1."
        )
    return model


def check_probabilities(path, answers):
    """Raises ValueError unless each row of `answers` holds probabilities that sum to 1."""
    if not (np.all(answers >= 0) and np.all(np.abs(answers.sum(axis=1) - 1) <= _ROUNDED)):
        raise ValueError(
            f"{path} does not give one probability a label, which sum to 1, but for example "
            f"{np.round(answers[0], 3).tolist()}: end it with a softmax."
        )


def verification_images(paths, size):
    """(n, size, size, 3) float32: the named images, or the golden ones."""
    if paths:
        images = [decode(path, size) for path in find_images(paths)]
    else:
        images = list(tflite.golden_images(size).values())
        console.print("Compared on the golden images; --images FOLDER takes real ones.", markup=False)
    return np.stack(images).astype(np.float32)


def converted(path, model, kind, io, labels, info):
    """The bytes of one file. Raises ValueError, one sentence, for what TensorFlow Lite cannot hold."""
    try:
        return tflite.add_metadata(tflite.convert(model, kind, io), labels, info)
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
    tflite.check(report, tflite.tolerances_of(kind, model), io)
    return report


if __name__ == "__main__":
    run(main, Settings)
