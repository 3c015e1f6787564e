"""The committed models are what their json files say, and whatever is broken is refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import release
from pipelines.common.console import UsageError
from skinkeras import tflite
from skinkeras.errors import RunError
from skinkeras.files import write_json
from skinkeras.tflite.contract import sha256
from skinkeras.tflite.graph import pack, unpack

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "tflite_models"
NAME = "melanoma_efficientnet_lite0_224"
INT8 = f"{NAME}_int8.tflite"


def faults(folder):
    """What is wrong, as one text."""
    found = tflite.release_faults(folder)
    return "\n".join(f"{name}: {one}" for name, sentences in found.items() for one in sentences)


@pytest.fixture
def folder(tmp_path):
    """A copy of one released model, its int8 file alone, and the README."""
    for name in (INT8, f"{NAME}.json", f"{NAME}.labels.txt", f"{NAME}.card.md", "README.md"):
        shutil.copy(RELEASED / name, tmp_path)
    change(tmp_path, lambda contract: contract["files"].pop("float16"))
    readme = tmp_path / "README.md"
    readme.write_text(tflite.with_models_table(readme.read_text(), tmp_path))
    assert faults(tmp_path) == ""
    return tmp_path


def change(folder, how):
    """Changes the json by a function."""
    contract = json.loads((folder / f"{NAME}.json").read_text())
    how(contract)
    write_json(folder / f"{NAME}.json", contract)


def change_file(folder, how):
    """Changes the file's flatbuffer by a function, and makes size and digest right again."""
    path = folder / INT8
    model = unpack(path.read_bytes())
    how(model)
    classes = json.loads((folder / f"{NAME}.json").read_text())["classes"]
    info = tflite.read_metadata(path).info
    path.write_bytes(tflite.add_metadata(pack(model), classes, info))
    promise(folder)


def promise(folder):
    """Has the json promise the file that is there."""
    path = folder / INT8
    entry = {"sha256": sha256(path), "size_bytes": path.stat().st_size}
    change(folder, lambda contract: contract["files"]["int8"].update(entry))


def test_the_committed_models_are_as_promised():
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.verify_release"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "as promised" in done.stdout


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (lambda c: c.update(schema_version=2), "has schema_version 2"),
        (lambda c: c.pop("schema_version"), "lacks schema_version"),
        (lambda c: c.update(name="other"), "is called other inside"),
        (lambda c: c.update(threshold=None), "do not fit the classes"),
        (lambda c: c.update(threshold=1.5), "not between 0 and 1"),
        (lambda c: c.update(positive_class="nevus"), "do not fit the classes"),
        (lambda c: c.update(classes=["malignant", "benign"]), "has other classes than the json"),
        (lambda c: c.update(class_titles={"benign": "harmless"}), "class_titles has other classes"),
        (lambda c: c["files"]["int8"].pop("sha256"), "files.int8 lacks one of"),
        (lambda c: c["files"]["int8"].update(size_bytes=1), "not 1."),
        (lambda c: c["files"]["int8"].update(sha256="0"), "another sha256"),
        (lambda c: c["files"]["int8"].update(shipped=False), "names no file that is shipped"),
        (lambda c: c["files"]["int8"].pop("golden"), "no golden predictions"),
        (lambda c: c["files"]["int8"]["golden"].update(tolerance=0.5), "golden tolerance 0.5"),
        (
            lambda c: c["files"]["int8"]["golden"]["pictures"][2].update(probabilities=[0.9, 0.1]),
            "golden prediction of irregular is off by 0.0",
        ),
        (lambda c: c["files"]["int8"]["golden"]["pictures"].pop(), "of other pictures"),
        (lambda c: c["input"].update(shape=[1, 225, 225, 3]), "its input is"),
        (lambda c: c["output"].update(dtype="uint8"), "its output is"),
        (lambda c: c["data"].update(licence="CC0"), "its metadata give the licence as 'CC BY-NC 4.0'"),
        (
            lambda c: c["files"].update(
                float32={"file": "f.tflite", "sha256": "", "size_bytes": 0, "test": {}}
            ),
            "f.tflite: is missing, and the json does not say",
        ),
        (
            lambda c: c["files"]["int8"]["test"].update(roc_auc=0.99),
            "its table is not that of the json files",
        ),
    ],
)
def test_a_json_that_promises_something_else_is_refused(folder, how, message):
    change(folder, how)
    assert message in faults(folder)


def test_float32_figures_without_the_file_must_say_so(folder):
    entry = {"file": f"{NAME}_float32.tflite", "sha256": "", "size_bytes": 1, "test": {}, "shipped": False}
    change(folder, lambda contract: contract["files"].update(float32=entry))
    assert faults(folder) == ""
    (folder / entry["file"]).write_bytes(b"x")
    assert 'is there, though the json says "shipped": false' in faults(folder)


@pytest.mark.parametrize("name", [INT8, f"{NAME}.labels.txt", f"{NAME}.card.md", "README.md"])
def test_a_missing_file_is_refused(folder, name):
    (folder / name).unlink()
    assert "is missing" in faults(folder) and name in faults(folder)


def test_a_file_that_no_json_names_is_refused(folder):
    (folder / "stray.tflite").write_bytes(b"x")
    assert faults(folder) == "stray.tflite: no json names this file."
    (folder / f"{NAME}.json").unlink()
    assert "holds no NAME.json" in faults(folder)


def test_a_damaged_file_is_refused_even_if_the_json_was_made_from_it(folder):
    path = folder / INT8
    path.write_bytes(path.read_bytes()[:-300])
    promise(folder)
    assert "not a whole TensorFlow Lite file" in faults(folder)


def test_other_labels_and_names_inside_the_file_are_refused(folder):
    path = folder / INT8
    info = tflite.ModelInfo("another", "", "", "", "CC BY-NC 4.0")
    path.write_bytes(tflite.add_metadata(path.read_bytes(), ("malignant", "benign"), info))
    promise(folder)
    assert "its labels.txt holds ['malignant', 'benign']" in faults(folder)
    assert "its metadata name it 'another'" in faults(folder)


def test_another_tensor_name_is_refused(folder):
    def rename(model):
        model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].name = b"args_0"

    change_file(folder, rename)
    assert "its input is [('args_0', 'float32', (1, 224, 224, 3))]" in faults(folder)


def test_weights_that_changed_show_in_the_golden_predictions(folder):
    def clear_the_largest(model):
        largest = max(
            (buffer for buffer in model.buffers if buffer.data is not None), key=lambda b: len(b.data)
        )
        largest.data = largest.data * 0

    change_file(folder, clear_the_largest)
    assert "golden prediction" in faults(folder)


def test_the_table_is_made_from_the_json_files(folder):
    def known(contract):
        figures = {"roc_auc": 0.8626, "roc_auc_interval": [0.8312, 0.8927]}
        contract["files"]["int8"]["test"].update(figures)
        contract["files"]["int8"].update(size_bytes=3_981_143, median_ms={"1": 5.91, "2": 4.0})

    def double(contract):
        contract["files"]["int8"]["size_bytes"] *= 2
        contract["classes"] = list("abcdefg")
        contract["files"]["int8"]["test"] = {
            "balanced_accuracy": 0.7,
            "balanced_accuracy_interval": [0.6, 0.8],
        }

    change(folder, known)
    assert "int8 4.0 MB | AUC 0.863 [0.831, 0.893] | 5.9 ms" in tflite.models_table(folder)
    change(folder, double)
    table = tflite.models_table(folder)
    assert "(7 classes)" in table
    assert "int8 8.0 MB | balanced accuracy 0.700 [0.600, 0.800]" in table
    with pytest.raises(ValueError, match="needs one <!-- models: begin -->"):
        tflite.with_models_table("no marks", folder)


def test_the_command_refuses_with_exit_code_1_and_renews_the_table(folder):
    def run(*arguments):
        command = [sys.executable, "-m", "pipelines.verify_release", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)

    change(folder, lambda contract: contract["files"]["int8"]["test"].update(roc_auc=0.99))
    done = run()
    assert done.returncode == 1
    assert "README.md: its table is not that of the json files" in done.stderr
    assert run("--write-table").returncode == 0
    assert "AUC 0.990" in (folder / "README.md").read_text()


@pytest.fixture
def finished_run(tmp_path):
    """A run's folder as far as a release needs it, made of a released model, and an empty release folder."""
    export, to = tmp_path / "run" / "export", tmp_path / "to"
    export.mkdir(parents=True)
    to.mkdir()
    for path in RELEASED.glob(f"{NAME}*"):
        shutil.copy(path, export)
    shutil.copy(RELEASED / "README.md", to)
    (tmp_path / "run" / "card.md").write_text("# Card")
    return tmp_path / "run", to


def test_a_run_is_released_and_passes_the_check(finished_run):
    run, to = finished_run
    release.main(release.Settings(run, ("int8",), to))
    assert faults(to) == ""
    assert sorted(path.name for path in to.iterdir()) == sorted(
        ["README.md", INT8, f"{NAME}.json", f"{NAME}.labels.txt", f"{NAME}.card.md"]
    )
    files = json.loads((to / f"{NAME}.json").read_text())["files"]
    assert files["float16"]["shipped"] is False and "shipped" not in files["int8"]
    assert f"`{NAME}`" in (to / "README.md").read_text()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda run: shutil.rmtree(run / "export"), "holds no exported model"),
        (lambda run: (run / "state").mkdir(), "holds no exported model"),
        (lambda run: (run / "card.md").unlink(), "holds no exported model"),
        (
            lambda run: change(run / "export", lambda contract: contract.update(synthetic=True)),
            "drawn pictures",
        ),
        (
            lambda run: change(run / "export", lambda contract: contract["files"].pop("int8")),
            "--kinds must name",
        ),
    ],
)
def test_what_cannot_be_released_leaves_the_folder_alone(finished_run, spoil, words):
    run, to = finished_run
    spoil(run)
    with pytest.raises(UsageError, match=words):
        release.main(release.Settings(run, to=to))
    assert [path.name for path in to.iterdir()] == ["README.md"]


def test_a_model_that_must_not_be_released_leaves_the_good_one_where_it_is(finished_run):
    run, to = finished_run
    release.main(release.Settings(run, ("int8", "float16"), to))
    before = {path.name: path.read_bytes() for path in to.iterdir()}
    change(run / "export", lambda contract: contract.update(threshold=0.0))
    with pytest.raises(RunError, match=r"to must not be released:\n.*threshold 0\.0"):
        release.main(release.Settings(run, ("int8",), to))
    assert {path.name: path.read_bytes() for path in to.iterdir()} == before
