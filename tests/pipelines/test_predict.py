"""The command line, as a process: it must start quickly and without TensorFlow."""

import csv
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.predict import read_decision
from skinkeras import tflite

ROOT = Path(__file__).parents[2]
NAME = "melanoma_efficientnet_lite0_224"
FILE = ROOT / "tflite_models" / f"{NAME}_int8.tflite"
RULE = f"malignant from {json.loads(FILE.with_name(f'{NAME}.json').read_text())['threshold']:.4f} on"


def predict(*arguments):
    command = [sys.executable, "-m", "pipelines.predict", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.fixture
def folder(tmp_path):
    """Two pictures, one of them in a subfolder, between files that are none: one is hidden, one only written
    by Pillow."""
    (tmp_path / "photos" / "more").mkdir(parents=True)
    for number, name in enumerate(("a.png", "more/b.JPG")):
        pixels = np.full((50, 70, 3), 90 + 60 * number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / name)
    for name in ("notes.txt", "report.pdf", "._a.png"):
        (tmp_path / "photos" / name).write_text("no picture")
    return tmp_path / "photos"


def test_csv_of_a_folder_holds_what_the_classifier_says(folder):
    done = predict(FILE, folder, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert done.returncode == 0
    assert [row["image"] for row in rows] == [str(folder / "a.png"), str(folder / "more" / "b.JPG")]
    expected = tflite.Classifier(FILE).classify([row["image"] for row in rows])
    given = [[float(row["benign"]), float(row["malignant"])] for row in rows]
    np.testing.assert_allclose(given, expected, rtol=1e-5)
    assert RULE in done.stderr


def test_pictures_that_cannot_be_read_are_listed_and_the_exit_code_is_1(folder):
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:-30])
    done = predict(FILE, folder, folder / "notes.txt", "missing.jpg", "--format", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert len(report["pictures"]) == 2
    assert [Path(bad["image"]).name for bad in report["unreadable"]] == [
        "broken.png",
        "notes.txt",
        "missing.jpg",
    ]
    assert "3 of 5 pictures cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_table_says_by_which_rule_a_class_is_named(folder, tmp_path):
    done = predict(FILE, folder / "a.png")
    assert done.returncode == 0
    assert "a.png" in done.stdout and "benign" in done.stdout
    assert RULE in done.stdout
    assert "not calibrated" in done.stdout
    alone = shutil.copy(FILE, tmp_path / "alone.tflite")
    assert "no threshold is known" in predict(alone, folder / "a.png").stdout


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-500], "not a whole TensorFlow Lite file"),
        (lambda data: b"GIF89a" + data, "of another origin"),
        (lambda data: data + b" ", "describes another"),
    ],
)
def test_a_wrong_file_is_one_sentence_and_exit_code_2(folder, tmp_path, change, message):
    path = tmp_path / FILE.name
    path.write_bytes(change(FILE.read_bytes()))
    shutil.copy(FILE.with_name(f"{NAME}.json"), tmp_path)
    done = predict(path, folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr and "Traceback" not in done.stderr


def test_no_picture_at_all_is_refused():
    done = predict(FILE)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Name pictures" in done.stderr


@pytest.mark.parametrize("changed", [{"threshold": "high"}, {"positive_class": "mel"}])
def test_a_rule_that_cannot_be_is_refused(tmp_path, changed):
    contract = json.loads(FILE.with_name(f"{NAME}.json").read_text()) | changed
    shutil.copy(FILE, tmp_path)
    (tmp_path / f"{NAME}.json").write_text(json.dumps(contract))
    [(name, value)] = changed.items()
    with pytest.raises(ValueError, match=f"has .*{name} '{value}', which is n"):
        read_decision(tmp_path / FILE.name, ("benign", "malignant"))


def test_an_empty_folder_is_refused(tmp_path):
    done = predict(FILE, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "holds no pictures" in done.stderr


def test_the_light_jobs_need_no_tensorflow():
    code = (
        "import sys, pipelines.predict; sys.exit(bool({'tensorflow', 'keras', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_tensorflow_loads_quietly_when_it_is_needed():
    code = "import pipelines, keras, tensorflow; print(tensorflow.__name__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("tensorflow\n", "")
