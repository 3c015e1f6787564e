"""The command line, as a process: it must start quickly and without TensorFlow."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pillow_heif
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
    """Two images, one of them in a subfolder, between files that are none: one is hidden, one only written
    by Pillow."""
    (tmp_path / "photos" / "more").mkdir(parents=True)
    for number, name in enumerate(("a.png", "more/b.JPG")):
        pixels = np.full((50, 70, 3), 90 + 60 * number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / name)
    for name in ("notes.txt", "report.pdf", "._a.png"):
        (tmp_path / "photos" / name).write_text("no image")
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
    assert "2 files were passed over: 1 .txt, 1 .pdf." in done.stderr


def test_images_that_cannot_be_read_are_listed_and_the_exit_code_is_1(folder):
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:-30])
    done = predict(FILE, folder, folder / "notes.txt", "missing.jpg", "--format", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert len(report["images"]) == 2
    assert [Path(bad["image"]).name for bad in report["unreadable"]] == [
        "broken.png",
        "notes.txt",
        "missing.jpg",
    ]
    assert report["passed_over"] == {".pdf": 1, ".txt": 1}
    assert "3 of 5 images cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_table_says_by_which_rule_a_class_is_named(folder, tmp_path):
    done = predict(FILE, folder / "a.png")
    assert done.returncode == 0
    said = " ".join(done.stdout.split())
    assert "a.png" in said and "Score for melanoma" in said and "model's line" in said
    entry = json.loads(FILE.with_name(f"{NAME}.json").read_text())["files"]["int8"]
    line = (
        f"The line is at {100 * entry['threshold']:.0f} of 100 ({entry['threshold']:.4f} as a probability of"
    )
    assert line in said and "not the chance of a disease" in said
    missed = round(100 * (1 - entry["strata"]["within_source"]["malignant_recall"]))
    assert f"compared within a clinic, the model missed {missed} % of those that show melanoma" in said
    assert "benign" not in said.lower()
    if "Below" in said:
        assert "does not look for other skin cancers, such as basal cell carcinoma" in said
    alone = shutil.copy(FILE, tmp_path / "alone.tflite")
    said = predict(alone, folder / "a.png").stdout
    assert "No threshold is known" in said and "benign" not in said.lower()


def test_the_table_of_seven_classes_marks_those_that_are_malignant(tmp_path):
    Image.fromarray(tflite.golden_images(224)["round"]).save(
        tmp_path / "a.png"
    )  # one class is likely, five are not
    done = predict(FILE.with_name("diagnosis_efficientnet_lite0_224_int8.tflite"), tmp_path / "a.png")
    assert [name for name in ("akiec", "bcc", "bkl", "mel", "nv") if f"{name}*" in done.stdout] == [
        "akiec", "bcc", "mel",
    ]  # fmt: skip
    assert "* pre-malignant or in situ: akiec; malignant: bcc, mel." in done.stdout
    assert "under 1" in done.stdout and "knows only these classes" in done.stdout


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


def test_no_image_at_all_is_refused():
    done = predict(FILE)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Name images" in done.stderr


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"threshold": "high"}, "threshold must be a number above 0 and below 1"),
        ({"positive_class": "mel"}, 'positive_class "mel" is not one of its classes'),
    ],
)
def test_a_rule_that_cannot_be_is_refused(tmp_path, changed, message):
    contract = json.loads(FILE.with_name(f"{NAME}.json").read_text()) | changed
    shutil.copy(FILE, tmp_path)
    (tmp_path / f"{NAME}.json").write_text(json.dumps(contract))
    with pytest.raises(ValueError, match=message):
        read_decision(tmp_path / FILE.name, ("benign", "malignant"))


def test_an_empty_folder_is_refused(tmp_path):
    done = predict(FILE, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "hold no images" in done.stderr


def test_a_folder_from_a_phone_is_read_and_the_rest_counted(tmp_path):
    """What `pictures_from_a_phone` of the collected layouts holds, and a real HEIC image."""
    pillow_heif.register_heif_opener()
    image = Image.fromarray(np.full((60, 80, 3), (190, 140, 120), np.uint8))
    for name, options in {
        "a.png": {},
        "b.jfif": {"format": "JPEG"},
        "c.heic": {},
        "d.avif": {},
        "e.jp2": {},
    }.items():
        image.save(tmp_path / name, **options)
    Image.fromarray(np.full((60, 80), 0.6, np.float32)).save(tmp_path / "f_float.tif")
    Image.new("RGB", (1, 1)).save(tmp_path / "g_1x1.png")
    (tmp_path / "h.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
    os.mkfifo(tmp_path / "i.jpg")
    for name in ("j.mov", "k.mov", "l"):
        (tmp_path / name).touch()
    done = predict(FILE, tmp_path, "--format", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert [Path(answer["image"]).name[0] for answer in report["images"]] == list("abcdef")
    assert [Path(bad["image"]).name[0] for bad in report["unreadable"]] == list("ghi")
    assert "3 files were passed over: 2 .mov, 1 without an ending." in done.stderr
    benign = [answer["probabilities"]["benign"] for answer in report["images"]]
    assert max(benign[:5]) - min(benign[:5]) < 0.1


def test_many_unreadable_images_fit_a_screen(tmp_path):
    for number in range(100):
        (tmp_path / f"{number}.jpg").touch()
    done = predict(FILE, tmp_path)
    assert done.returncode == 1
    assert "100 of 100 images cannot be read" in done.stderr and "and 80 more" in done.stderr
    assert not done.stdout.strip()  # nothing to explain
    assert len(done.stderr.splitlines()) < 30


NAMES = [
    "=cmd|'calc'!A1.png",
    "+1.png",
    "-1.png",
    "@sum.png",
    "[red]x[bold].png",
    "a,b.png",
    'a"b.png',
    "line\nbreak.png",
]


@pytest.fixture
def odd_names(tmp_path):
    """A folder of images whose names mean something to consoles and spreadsheets; one is not UTF-8."""
    for name in [*map(os.fsencode, NAMES), b"caf\xe9.png"]:
        Image.fromarray(np.full((40, 40, 3), 150, np.uint8)).save(
            os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
        )
    return tmp_path


def test_names_are_printed_as_they_are(odd_names):
    done = predict(FILE, odd_names)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    # A long path is folded.
    text = "".join(line.split("│")[1].strip() for line in done.stdout.splitlines() if line.startswith("│"))
    assert "[red]x[bold].png" in text and "caf\\udce9.png" in text and "line\\nbreak.png" in text
    report = json.loads(predict(FILE, odd_names, "--format", "json").stdout)
    names = {os.fsencode(Path(answer["image"]).name) for answer in report["images"]}
    assert names == {*map(os.fsencode, NAMES), b"caf\xe9.png"}


def test_cells_of_a_csv_are_no_formulas(odd_names):
    command = [sys.executable, "-m", "pipelines.predict", str(FILE), "--format", "csv", "--"]
    names = [*NAMES, os.fsdecode(b"caf\xe9.png")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([*command, *names], capture_output=True, text=True, cwd=odd_names, env=environment)
    rows = [row["image"] for row in csv.DictReader(io.StringIO(done.stdout, newline=""))]
    assert done.returncode == 0, done.stderr
    assert rows == [*(f"'{name}" if name[0] in "=+-@" else name for name in NAMES), "caf\\udce9.png"]


def test_help_waits_for_nothing_heavy():
    code = (
        "import runpy, sys\nsys.argv = ['predict', '--help']\n"
        "try: runpy.run_module('pipelines.predict', run_name='__main__')\n"
        "except SystemExit: print({'numpy', 'cv2', 'PIL', 'ai_edge_litert'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_each_file_is_judged_at_its_own_threshold(tmp_path):
    contract = json.loads(FILE.with_name(f"{NAME}.json").read_text())
    contract["threshold"] = 0.25
    del contract["files"]["int8"]["threshold"]
    contract["files"]["float16"]["threshold"] = 0.75
    (tmp_path / f"{NAME}.json").write_text(json.dumps(contract))
    named = {}
    for kind in ("int8", "float16"):
        file = FILE.with_name(f"{NAME}_{kind}.tflite")
        shutil.copy(file, tmp_path)
        decision = read_decision(tmp_path / file.name, ("benign", "malignant"))
        named[kind] = (decision.threshold, decision.of([0.5, 0.5]))
    assert named == {"int8": (0.25, "malignant"), "float16": (0.75, "benign")}


def test_another_operating_point_draws_another_line(tmp_path):
    unsure = tmp_path / "crossed.png"
    Image.fromarray(tflite.golden_images(224)["crossed"]).save(unsure)
    contract = json.loads(FILE.with_name(f"{NAME}.json").read_text())
    points = contract["files"]["int8"]["operating_points"]
    report = json.loads(
        predict(FILE, unsure, "--format", "json", "--operating-point", "sensitivity_95").stdout
    )
    assert report["operating_point"] == "sensitivity_95" and report["threshold"] == points["sensitivity_95"]
    (image,) = report["images"]
    assert image["class"] == "malignant" and not image["not_sure"]
    said = " ".join(predict(FILE, unsure, "--operating-point", "sensitivity_95").stdout.split())
    assert "Decided at the operating point sensitivity_95." in said
    assert f"The line is at {100 * points['sensitivity_95']:.0f} of 100" in said
    assert "compared within a clinic" not in said


def test_a_score_in_the_band_is_not_sure_at_the_own_line_alone(tmp_path):
    for path in FILE.parent.glob(f"{NAME}*"):
        shutil.copy(path, tmp_path)
    image, beside = tmp_path / "crossed.png", tmp_path / f"{NAME}.json"
    Image.fromarray(tflite.golden_images(224)["crossed"]).save(image)
    contract = json.loads(beside.read_text())
    score = contract["files"]["int8"]["golden"]["pictures"][3]["probabilities"][1]
    contract["files"]["int8"]["not_sure"] = [score, 0.9]
    beside.write_text(json.dumps(contract))
    file = tmp_path / FILE.name
    assert "Not sure" in predict(file, image).stdout
    assert json.loads(predict(file, image, "--format", "json").stdout)["images"][0]["not_sure"] is True
    assert "Not sure" not in predict(file, image, "--operating-point", "sensitivity_90").stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            NAME,
            "no operating point 'sensitivity_1': it has balanced_accuracy, sensitivity_95, sensitivity_90.",
        ),
        (
            "diagnosis_efficientnet_lite0_224",
            "has no operating point 'sensitivity_1': only models of two classes have any.",
        ),
    ],
)
def test_an_operating_point_that_there_is_not_is_refused(folder, name, message):
    done = predict(FILE.with_name(f"{name}_int8.tflite"), folder, "--operating-point", "sensitivity_1")
    assert done.returncode == 2 and message in done.stderr


def test_an_operating_point_needs_the_json(folder, tmp_path):
    shutil.copy(FILE, tmp_path / "alone.tflite")
    done = predict(tmp_path / "alone.tflite", folder, "--operating-point", "sensitivity_95")
    assert done.returncode == 2
    assert "--operating-point needs the json of the model, which is not beside" in done.stderr
