"""What 8-bit integers cost finished runs: without fine-tuning (PTQ) and with it (QAT), against float.

    python benchmarks/quantization.py RUN... [--data-dir DIR]

All on the run's own test images, at which neither calibration nor fine-tuning has looked. PTQ is quantized
and calibrated here as a run does it, and left so; the other figures are the run's own, of `metrics.json`.
"int8" is the file, not a Keras model of it. The area under the ROC curve is that of the second class of two;
of more classes, the mean of each against the rest. Agreement is the share of the test images on which an int8
file and the Keras model that it was made of name the same class.
"""

import argparse
import json
import tempfile
from pathlib import Path

from pipelines.common.data import load_data
from pipelines.common.training import calibrated
from pipelines.export import find_model, load_keras, read_run
from skinkeras import inputs, tflite
from skinkeras.files import write_bytes


def post_training(run, data_dir):
    """The settings of a run, and the `tflite.Report` of an int8 file made of its float model alone."""
    _, settings = read_run(run, data_dir)
    path = find_model(run)
    data = load_data(settings, path.with_name("split.csv"), inputs.OVERSAMPLING["none"])
    quantized = calibrated(load_keras(path), data, settings.seed, settings.batch_size)
    about = tflite.ModelInfo("ptq", "For a benchmark.", "skinkeras", "0", "none needed")
    test = data.part("test")
    batches = (images.numpy() for images, _ in test.dataset(64))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ptq.tflite"
        write_bytes(file, tflite.add_metadata(tflite.convert(quantized, "int8"), data.shown_classes, about))
        report = tflite.verify(file, quantized, batches, test.malignant if data.positives else test.one_hot)
    return settings, report


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--data-dir", type=Path)
    options = parser.parse_args()
    print("| model | pixels | epochs | test images | AUC float | PTQ int8 | QAT int8 | agreement PTQ | QAT |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for run in options.runs:
        metrics = json.loads((run / "metrics.json").read_text("utf-8"))
        settings, ptq = post_training(run, options.data_dir)
        trained = metrics["files"]["float32"]["verification"]["auc_keras"]
        qat = metrics["files"]["int8"]["verification"]
        aucs = (f"{auc:.4f}" for auc in (trained, ptq.auc_file, qat["auc_file"]))
        shares = (f"{share:.2%}" for share in (ptq.agreement, qat["agreement"]))
        epochs = f"{settings.epochs} + {settings.qat_epochs}"
        row = (settings.model, str(settings.image_size), epochs, str(ptq.images), *aucs, *shares)
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
