"""Accuracy that finished runs lose to int8: without fine-tuning (PTQ) and with it (QAT), against float.

    python benchmarks/quantization.py RUN... [--data-dir DIR]

Everything is computed from a run's `model.keras` and `model_qat.keras`, on its own test images, which neither
calibration nor fine-tuning has seen; this includes runs whose int8 file was refused. PTQ is quantized and
calibrated as in a run, without fine-tuning. "int8" is the file, not a Keras model of it. The area under the
ROC curve is that of the second class of two; of more classes, the mean of each against the rest. Agreement is
the share of the test images on which an int8 file and the Keras model that it was made from name the same
class.
"""

import argparse
import tempfile
from pathlib import Path

from pipelines.common.run_folder import RunFolder, recorded_run
from pipelines.common.saved_models import load_models
from pipelines.common.startup import start_keras
from pipelines.export import moved_loader
from skinkeras import models, tflite, training
from skinkeras.files.writing import write_bytes


def reports(run, data_dir):
    """(settings of a run, and the `tflite.Report`s of its float32, PTQ int8 and QAT int8 files)."""
    recorded, folder = recorded_run(run), RunFolder(run).repeat(1)
    settings = recorded.settings
    data = moved_loader(recorded, data_dir, run).load(folder.file("split.csv"))
    model, fine_tuned = load_models(folder)
    integers_from = models.parse_name(settings.model.model).integers_from
    post_training = training.calibrated(model, data, settings.training.seed, integers_from=integers_from)
    forms = ((model, "float32"), (post_training, "int8"), (fine_tuned, "int8"))
    return settings, *(report(*form, data) for form in forms)


def report(model, kind, data):
    """Compares a file of this kind with the model that it is made from, on the test images."""
    test = data.subset("test")
    info = tflite.ModelInfo("file", "For a benchmark.", "skinkeras", "0", "none needed")
    batches = (images.numpy() for images, _ in test.dataset(64))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file.tflite"
        write_bytes(file, tflite.add_metadata(tflite.convert(model, kind), data.output_classes, info))
        return tflite.verify(file, model, batches, test.malignant if data.positives else test.one_hot)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--data-dir", type=Path)
    options = parser.parse_args()
    start_keras(deterministic=False)
    rows = []
    for run in options.runs:
        settings, trained, ptq, qat = reports(run, options.data_dir)
        aucs = (f"{auc:.4f}" for auc in (trained.auc_keras, ptq.auc_file, qat.auc_file))
        shares = (f"{share:.2%}" for share in (ptq.agreement, qat.agreement))
        epochs = f"{settings.training.epochs} + {settings.training.qat_epochs}"
        row = (settings.model.model, str(settings.model.image_size), epochs, str(qat.images), *aucs, *shares)
        rows.append("| " + " | ".join(row) + " |")
    print("| model | pixels | epochs | test images | AUC float | PTQ int8 | QAT int8 | agreement PTQ | QAT |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
