"""The committed models are what their json files and records say, and whatever is broken is refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import release, report
from pipelines.common.console import UsageError
from skinkeras import reports, tflite
from skinkeras.errors import RunError
from skinkeras.files.writing import write_json
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
    """A copy of one released model, its int8 file alone, with its record and the README."""
    for name in (INT8, f"{NAME}.labels.txt", "README.md"):
        shutil.copy(RELEASED / name, tmp_path)
    change_record(tmp_path, lambda record: record["files"].pop("float16"))
    readme = tmp_path / "README.md"
    readme.write_text(tflite.with_models_table(readme.read_text(), tmp_path))
    assert faults(tmp_path) == ""
    assert reports.rendering_faults(tmp_path) == {}
    return tmp_path


def change_record(folder, how):
    """Changes the record by a function, and renders json and card of it."""
    path = folder / "records" / f"{NAME}.json"
    record = reports.read_record(path if path.is_file() else RELEASED / "records" / path.name)
    how(record)
    reports.render_model(reports.write_record(path, record), folder)


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
        (lambda c: c.update(schema_version=2), "its schema_version is 2"),
        (lambda c: c.pop("schema_version"), "schema_version is missing"),
        (lambda c: c.update(name="other"), "is called other inside"),
        (lambda c: c.update(threshold=None), "positive_class and threshold must both be null, or neither"),
        (lambda c: c.update(threshold=1.5), "threshold must be a number above 0 and below 1"),
        (
            lambda c: c.update(threshold=0.5) or c["files"]["int8"].pop("threshold"),
            "files.int8.test was measured at threshold 0.1",
        ),
        (lambda c: c["files"]["int8"].update(threshold=0.5), "and the file is used at 0.5"),
        (lambda c: c["files"]["int8"].pop("test"), "files.int8 lacks test"),
        (lambda c: c.update(positive_class="nevus"), "is not one of its classes"),
        (lambda c: c.update(classes=["malignant", "benign"]), "has other classes than the json"),
        (lambda c: c.update(class_titles={"benign": "harmless"}), "class_titles has other classes"),
        (lambda c: c["files"]["int8"].pop("sha256"), "files.int8.sha256 is missing"),
        (lambda c: c["files"]["int8"].update(size_bytes=1), "not 1."),
        (lambda c: c["files"]["int8"].update(sha256="0" * 64), "another sha256"),
        (lambda c: c["files"]["int8"].update(shipped=False), "names no file that is shipped"),
        (lambda c: c["files"]["int8"].pop("golden"), "no golden predictions"),
        (lambda c: c["files"]["int8"]["golden"].update(tolerance=0.5), "golden tolerance 0.5"),
        (
            lambda c: c["files"]["int8"]["golden"]["pictures"][2].update(probabilities=[0.9, 0.1]),
            "golden prediction of irregular is off by 0.0",
        ),
        (lambda c: c["files"]["int8"]["golden"]["pictures"].pop(0), "of other images"),
        (lambda c: c["files"]["int8"]["golden"]["pictures"][0].update(name="slope"), "of other images"),
        (lambda c: c["input"].update(shape=[1, 225, 225, 3]), "its input is"),
        (lambda c: c["output"].update(dtype="uint8"), "its output is"),
        (lambda c: c["data"].update(licence="CC0"), "its metadata give the licence as 'CC BY-NC 4.0'"),
        (
            lambda c: c["files"].update(
                float32={
                    "file": f"{NAME}_float32.tflite",
                    "sha256": "0" * 64,
                    "size_bytes": 1,
                    "test": {"threshold": c["threshold"]},
                }
            ),
            "_float32.tflite: is missing or no regular file, and the json does not say",
        ),
        (
            lambda c: c["files"].update(
                float32={"file": "f.tflite", "sha256": "0" * 64, "size_bytes": 1, "test": {}}
            ),
            f"files.float32.file is f.tflite, not {NAME}_float32.tflite",
        ),
        (
            lambda c: c["files"]["int8"].update(file="../x.tflite"),
            "files.int8.file must be a bare file name",
        ),
        (lambda c: c.update(name="../x"), "name must be a bare file name"),
        (
            lambda c: c["files"]["int8"]["golden"]["pictures"][0].update(probabilities=[1]),
            "files.int8.golden.pictures.0.probabilities must be one number for each class",
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
    entry = {
        "file": f"{NAME}_float32.tflite",
        "sha256": "0" * 64,
        "size_bytes": 1,
        "test": {},
        "shipped": False,
    }
    change(folder, lambda contract: contract["files"].update(float32=entry))
    assert faults(folder) == ""
    (folder / entry["file"]).write_bytes(b"x")
    assert 'is there, though the json says "shipped": false' in faults(folder)


def test_a_file_may_have_a_threshold_of_its_own(folder):
    def move(contract):
        contract["threshold"] = 0.5
        for entry in contract["files"].values():
            entry["threshold"] = entry["test"]["threshold"]

    change(folder, move)
    assert faults(folder) == ""


def test_a_symbolic_link_is_no_released_file(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / INT8
    (folder / INT8).rename(elsewhere)
    (folder / INT8).symlink_to(elsewhere)
    assert f"{INT8}: is missing or no regular file" in faults(folder)


def test_markup_in_a_json_is_text_in_the_table(folder):
    change(folder, lambda contract: contract.update(task="<b>mole</b> | [x](y) *z*"))
    assert "&lt;b&gt;mole&lt;/b&gt; \\| \\[x\\](y) \\*z\\* (2 classes)" in tflite.models_table(folder)


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
        contract["files"]["int8"]["strata"] = {
            "within_source": {"roc_auc": 0.7701, "roc_auc_interval": [0.7121, 0.8229]},
            "confirmed": {"missing": "Nobody knows."},
        }
        contract["files"]["int8"].update(size_bytes=3_981_143, median_ms={"1": 5.91, "2": 4.0})

    def double(contract):
        contract["files"]["int8"]["size_bytes"] *= 2
        contract["classes"], contract["output"]["shape"] = list("abcdefg"), [1, 7]
        contract.update(class_titles={}, positive_class=None, threshold=None)
        del contract["target"]
        for entry in contract["files"].values():
            entry["golden"] = None
            for name in ("threshold", "operating_points", "not_sure", "strata"):
                entry.pop(name, None)
        contract["files"]["int8"]["test"] = {
            "balanced_accuracy": 0.7,
            "balanced_accuracy_interval": [0.6, 0.8],
        }

    change(folder, known)
    quality = "AUC 0.770 [0.712, 0.823] within a source, 0.863 [0.831, 0.893] pooled"
    assert f"int8 4.0 MB | {quality} | 5.9 ms" in tflite.models_table(folder)
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

    def improve(record):
        record["repeats"][0]["forms"]["int8"]["metrics"]["roc_auc"] = 0.99

    change_record(folder, improve)
    done = run()
    assert done.returncode == 1
    assert "README.md: its table is not that of the json files" in done.stderr
    assert run("--write-table").returncode == 0
    assert ", 0.990 [" in (folder / "README.md").read_text()


@pytest.mark.parametrize("ending", ["json", "card.md"])
def test_a_json_or_card_that_its_record_does_not_say_is_refused_until_it_is_rendered_again(folder, ending):
    path, record = folder / f"{NAME}.{ending}", folder / "records" / f"{NAME}.json"
    path.write_text(path.read_text() + "\n")
    (sentence,) = reports.rendering_faults(folder)[path.name]
    assert sentence == f"is not what its record says: run python -m pipelines.report {record}."
    report.main(report.Settings(record))
    assert reports.rendering_faults(folder) == {}


def test_a_json_without_a_record_and_a_record_without_its_json_are_refused(folder):
    record = folder / "records" / f"{NAME}.json"
    text = record.read_text()
    record.unlink()
    assert reports.rendering_faults(folder) == {f"{NAME}.json": [f"{NAME} has no record."]}
    record.write_text(text.replace('"schema_version": 1', '"schema_version": 2'))
    (sentence,) = reports.rendering_faults(folder)[f"records/{NAME}.json"]
    assert "does not fit the schema of a record at schema_version" in sentence
    record.write_text(text)
    (folder / f"{NAME}.json").unlink()
    assert reports.rendering_faults(folder) == {f"{NAME}.json": [f"no {NAME}.json goes with it."]}


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
    record = reports.read_record(RELEASED / "records" / f"{NAME}.json")
    record["settings"] |= {"data_dir": "/home/me/images", "out": "/home/me/run", "cache_dir": "/home/me"}
    reports.write_record(tmp_path / "run" / "record.json", record)
    return tmp_path / "run", to


def change_run(run, how):
    """Changes the run's record by a function."""
    record = reports.read_record(run / "record.json")
    how(record)
    reports.write_record(run / "record.json", record)


def test_a_run_is_released_and_passes_the_check(finished_run):
    run, to = finished_run
    release.main(release.Settings(run, ("int8",), to))
    assert faults(to) == ""
    assert reports.rendering_faults(to) == {}
    assert sorted(path.name for path in to.iterdir()) == sorted(
        ["README.md", INT8, f"{NAME}.json", f"{NAME}.labels.txt", f"{NAME}.card.md", "records"]
    )
    assert "/home/me" not in (to / "records" / f"{NAME}.json").read_text()
    files = json.loads((to / f"{NAME}.json").read_text())["files"]
    assert files["float16"]["shipped"] is False and "shipped" not in files["int8"]
    assert f"`{NAME}`" in (to / "README.md").read_text()


def test_the_list_of_training_images_is_that_of_the_model_that_is_released(finished_run):
    run, to = finished_run
    (run / "images.csv").write_text("image_id,subset,digest\na,train,0123456789abcdef\n")
    release.main(release.Settings(run, ("int8",), to))
    used = to / "records" / f"{NAME}.images.csv"
    assert used.read_bytes() == (run / "images.csv").read_bytes()
    (run / "images.csv").unlink()
    release.main(release.Settings(run, ("int8",), to))
    assert not used.exists()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda run: shutil.rmtree(run / "export"), "holds no exported model"),
        (lambda run: (run / "state").mkdir(), "holds no exported model"),
        (lambda run: (run / "card.md").unlink(), "holds no exported model"),
        (
            lambda run: change_run(run, lambda record: record.update(synthetic=True)),
            "synthetic images",
        ),
        (
            lambda run: change_run(run, lambda record: record["files"].pop("int8")),
            "--kinds must name",
        ),
        (lambda run: (run / "export" / INT8).unlink(), "is missing: export the run again"),
        (
            lambda run: write_json(run / "record.json", {"schema_version": 2}),
            "does not fit the schema",
        ),
    ],
)
def test_what_cannot_be_released_leaves_the_folder_alone(finished_run, spoil, words):
    run, to = finished_run
    spoil(run)
    with pytest.raises(UsageError, match=words):
        release.main(release.Settings(run, to=to))
    assert [path.name for path in to.iterdir()] == ["README.md"]


def call_everything_malignant(record):
    forms = record["repeats"][0]["forms"].values()
    points = (record["operating_point"], *(form["operating_point"] for form in forms))
    for point in (*points, *(form["metrics"] for form in forms)):
        point["threshold"] = 0.0


def test_a_model_that_must_not_be_released_leaves_the_good_one_where_it_is(finished_run):
    run, to = finished_run
    release.main(release.Settings(run, ("int8", "float16"), to))
    before = {path: path.read_bytes() for path in to.rglob("*") if path.is_file()}
    change_run(run, call_everything_malignant)
    with pytest.raises((RunError, UsageError), match=rf"^{to}/{NAME}\.json does .*: threshold .* is 0\.0\.$"):
        release.main(release.Settings(run, ("int8",), to))
    assert {path: path.read_bytes() for path in to.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["../victim.txt", "..", "/tmp/x", "victim.txt\0", "a/b"])
@pytest.mark.parametrize("shipped", [True, False])
def test_a_record_with_a_path_for_a_name_is_refused_and_nothing_is_touched(finished_run, name, shipped):
    run, to = finished_run
    victim = to.parent / "victim.txt"
    victim.write_text("years of work")
    record = json.loads((run / "record.json").read_text())
    record["files"]["float16" if not shipped else "int8"]["file"] = name
    (run / "record.json").write_text(json.dumps(record))
    with pytest.raises(UsageError, match=r"does not fit the schema of a record at files\."):
        release.main(release.Settings(run, ("int8",), to))
    assert victim.read_text() == "years of work"
    assert [path.name for path in to.iterdir()] == ["README.md"]


@pytest.mark.parametrize("name", ["other_int8.tflite", "README.md"])
def test_a_record_that_names_another_models_file_is_refused_and_that_file_stays(finished_run, name):
    run, to = finished_run
    (to / "other_int8.tflite").write_bytes(b"another model")
    before = {path.name: path.read_bytes() for path in to.iterdir()}
    record = reports.read_record(run / "record.json")
    record["files"]["float16"]["file"] = name
    write_json(run / "record.json", record)
    with pytest.raises(UsageError, match=r"contradicts itself: files\.float16\.file is "):
        release.main(release.Settings(run, ("int8",), to))
    assert {path.name: path.read_bytes() for path in to.iterdir()} == before


def test_of_two_releases_into_one_folder_the_second_is_refused(finished_run):
    run, to = finished_run
    held = "import sys, time; from skinkeras.files.locks import locked_folder\n"
    held += "with locked_folder(sys.argv[1]): print('in', flush=True); time.sleep(600)"
    with subprocess.Popen(
        [sys.executable, "-c", held, to], stdout=subprocess.PIPE, text=True, cwd=RELEASED.parent
    ) as other:
        assert other.stdout.readline() == "in\n"
        with pytest.raises(
            UsageError, match=r"^Another process is working in .*: wait for it, or .* --to\.$"
        ):
            release.main(release.Settings(run, ("int8",), to))
        other.kill()
    assert sorted(path.name for path in to.iterdir()) in (["README.md"], [".lock", "README.md"])
