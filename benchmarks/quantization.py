"""What 8-bit integers cost finished runs: without fine-tuning (PTQ) and with it (QAT), against float.

    python benchmarks/quantization.py RUN... [--data-dir DIR]

All from a run's `model.keras` and `model_qat.keras`, on its own test images, at which neither calibration nor
fine-tuning has looked; runs whose integers were refused can be asked too. PTQ is quantized and calibrated as
a run does it, and left so. "int8" is the file, not a Keras model of it. The area under the ROC curve is that
of the second class of two; of more classes, the mean of each against the rest. Agreement is the share of the
test images on which an int8 file and the Keras model that it was made of name the same class.
"""

import argparse
import tempfile
from pathlib import Path

from pipelines.common.data import load_data
from pipelines.common.training import calibrated
from pipelines.export import find_model, load_keras, read_run
from skinkeras import inputs, tflite
from skinkeras.files import write_bytes


def reports(run, data_dir):
    """The settings of a run, and the `tflite.Report` of its float32, PTQ int8 and QAT int8 file."""
    _, settings = read_run(run, data_dir)
    path = find_model(run)
    data = load_data(settings, path.with_name("split.csv"), inputs.OVERSAMPLING["none"])
    model, fine_tuned = load_keras(path), load_keras(path.with_name("model_qat.keras"))
    post_training = calibrated(model, data, settings.seed)
    forms = ((model, "float32"), (post_training, "int8"), (fine_tuned, "int8"))
    return settings, *(report(*form, data) for form in forms)


def report(model, kind, data):
    """The file of this kind against the model that it is made of, on the test images."""
    test = data.part("test")
    about = tflite.ModelInfo("file", "For a benchmark.", "skinkeras", "0", "none needed")
    batches = (images.numpy() for images, _ in test.dataset(64))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file.tflite"
        write_bytes(file, tflite.add_metadata(tflite.convert(model, kind), data.shown_classes, about))
        return tflite.verify(file, model, batches, test.malignant if data.positives else test.one_hot)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--data-dir", type=Path)
    options = parser.parse_args()
    rows = []
    for run in options.runs:
        settings, trained, ptq, qat = reports(run, options.data_dir)
        aucs = (f"{auc:.4f}" for auc in (trained.auc_keras, ptq.auc_file, qat.auc_file))
        shares = (f"{share:.2%}" for share in (ptq.agreement, qat.agreement))
        epochs = f"{settings.epochs} + {settings.qat_epochs}"
        row = (settings.model, str(settings.image_size), epochs, str(qat.images), *aucs, *shares)
        rows.append("| " + " | ".join(row) + " |")
    print("| model | pixels | epochs | test images | AUC float | PTQ int8 | QAT int8 | agreement PTQ | QAT |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
