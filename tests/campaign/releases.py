"""Folders that a release starts from, made of the committed models."""

import shutil

from processes import ROOT

from skinkeras import reports, tflite
from skinkeras.tflite.contract import sha256

RELEASED = ROOT / "tflite_models"
MODEL = "melanoma_efficientnet_lite0_224"
INT8 = f"{MODEL}_int8.tflite"


def earlier_release(folder):
    """The committed models, one of which says "an earlier version" in its file, record, json and card."""
    shutil.copytree(RELEASED, folder)
    file = folder / INT8
    labels, info = tflite.read_labels(file), tflite.read_metadata(file).info
    earlier = tflite.ModelInfo(info.name, "An earlier version.", info.author, "0.0.1", info.licence)
    file.write_bytes(tflite.add_metadata(file.read_bytes(), labels, earlier))
    record = reports.read_record(folder / "records" / f"{MODEL}.json")
    record["files"]["int8"].update(sha256=sha256(file), size_bytes=file.stat().st_size)
    record["task"]["description"] = "An earlier version."
    reports.render_model(reports.write_record(folder / "records" / f"{MODEL}.json", record), folder)


def released_run(folder):
    """A run's folder as far as a release needs it."""
    (folder / "export").mkdir(parents=True)
    for path in RELEASED.glob(f"{MODEL}*"):
        shutil.copy(path, folder / "export")
    (folder / "card.md").write_text("# Card")
    reports.write_record(folder / "record.json", reports.read_record(RELEASED / "records" / f"{MODEL}.json"))
