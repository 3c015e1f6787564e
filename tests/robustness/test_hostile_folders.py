"""Folders from somebody else, or of a damaged disk: links, pipes, devices and forged files in place of its own.

Nothing outside of the folder is written or published, nothing waits for ever, and every refusal is a sentence.
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import yaml
from processes import ROOT, run_here
from refusals import refused

from pipelines import binary, predict, release, report, sweep, verify_release
from pipelines.common.resumable import check_archive, check_files
from pipelines.common.run_folder import recorded_run
from pipelines.sweeps.engine.sweep_folder import check_links
from pipelines.sweeps.engine.workers import Job, run_job
from skinkeras import inputs, reports
from skinkeras.datasets import synthetic
from skinkeras.errors import DamagedFileError, UsageError
from skinkeras.files.locks import locked_folder
from skinkeras.files.reading_json import read_json
from skinkeras.files.reading_yaml import read_yaml

sys.path.insert(0, str(ROOT / "tests" / "campaign"))
from releases import INT8, MODEL, RELEASED, earlier_release, released_run

pytestmark = pytest.mark.timeout(120)  # a pipe that is read waits for ever

CONFIG = {"job": "binary", "settings": {"data": "synthetic", "gamma": 10.0}}


@pytest.fixture
def run(tmp_path):
    """A complete run, as far as `pipelines.report` and `pipelines.release` need it."""
    folder = tmp_path / "run"
    released_run(folder)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (folder / "metrics.json").write_text("{}")
    (folder / "images.csv").write_text("image_id,subset,digest\na,train,00\n")
    return folder


@pytest.fixture
def victim(tmp_path):
    """A folder that is none of the run's, with a file that must stay as it is, and stay there."""
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "secret.txt").write_text("secret")
    yield folder
    assert os.listdir(folder) == ["secret.txt"] and (folder / "secret.txt").read_text() == "secret"


def replace(path, make):
    """Puts what `make` makes in the place of a file or a folder."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    make(path)


def change(run, how):
    """Changes the record of a run as text."""
    path = run / "record.json"
    path.write_text(how(path.read_text()))


@pytest.mark.parametrize("name", ["export", "figures", "logs", "logs/all", "repeat_2/figures"])
def test_a_folder_that_is_a_link_leads_no_writer_out_of_the_run(monkeypatch, capsys, run, victim, name):
    (run / name).parent.mkdir(exist_ok=True)
    replace(run / name, lambda path: path.symlink_to(victim))
    text = refused(monkeypatch, capsys, report, run)
    assert f"{run / name} is a symbolic link: put what it names there" in text
    with pytest.raises(ValueError, match="is a symbolic link"):
        recorded_run(run)


def test_a_link_inside_a_sweep_leads_no_log_and_no_report_elsewhere(monkeypatch, capsys, tmp_path, victim):
    (tmp_path / "sweep" / "runs").mkdir(parents=True)
    (tmp_path / "sweep" / "runs.csv").write_text("run,status,error\na,done,\n")
    for name, target in (("runs/a.log", victim / "secret.txt"), ("report", victim), ("runs/a", victim)):
        link = tmp_path / "sweep" / name
        link.symlink_to(target)
        with pytest.raises(ValueError, match=f"{name} is a symbolic link"):
            check_links(tmp_path / "sweep")
        assert "is a symbolic link" in refused(monkeypatch, capsys, report, tmp_path / "sweep")
        link.unlink()
    os.mkfifo(tmp_path / "sweep" / "runs" / "a.log")
    with pytest.raises(ValueError, match=r"a\.log is not a file: remove it\."):
        check_links(tmp_path / "sweep")


def test_the_log_of_a_job_is_appended_to(tmp_path):
    job = Job("a", ("-c", "print('here')"), str(tmp_path / "runs" / "a.log"))
    assert [run_job(job)[1], run_job(job)[3]] == [0, "here"]


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        (
            "images.csv",
            lambda path, victim: path.symlink_to(victim / "secret.txt"),
            "images.csv is a symbolic link",
        ),
        (
            "images.csv",
            lambda path, _: path.write_bytes(b"\0\xff"),
            "images.csv is not a table that can be read",
        ),
        ("images.csv", lambda path, _: path.write_text("a,b\n1,2\n"), "has no column image_id or subset"),
        (
            f"export/{INT8}",
            lambda path, _: path.symlink_to(RELEASED / INT8),
            f"{INT8} is a symbolic link: put the file itself there",
        ),
    ],
)
def test_a_release_publishes_no_file_from_elsewhere(
    monkeypatch, capsys, tmp_path, run, victim, name, make, words
):
    earlier_release(tmp_path / "released")
    before = {path: path.read_bytes() for path in (tmp_path / "released").rglob("*") if path.is_file()}
    replace(run / name, lambda path: make(path, victim))
    assert words in refused(monkeypatch, capsys, release, run, "--to", tmp_path / "released")
    assert before == {path: path.read_bytes() for path in before}


def test_what_is_released_is_what_was_verified(monkeypatch, tmp_path, run):
    """Another process may write into the run between the two."""
    earlier_release(tmp_path / "released")
    verify = verify_release.main

    def verify_and_then_change_the_run(settings):
        verify(settings)
        (run / "export" / INT8).write_bytes(b"another model")

    monkeypatch.setattr(verify_release, "main", verify_and_then_change_the_run)
    run_here(release, run, "--to", tmp_path / "released")
    assert (tmp_path / "released" / INT8).read_bytes() == (RELEASED / INT8).read_bytes()


def test_what_cannot_be_copied_is_named_once(tmp_path):
    (tmp_path / "released").mkdir()
    os.mkfifo(tmp_path / "released" / "pipe")
    with pytest.raises(
        UsageError, match=r"released/pipe cannot be copied \(.*\): remove it from the folder\.$"
    ):
        release.copy_folder(tmp_path / "released", tmp_path / "copy")


@pytest.mark.parametrize("name", [f"{MODEL}.card.md", f"{MODEL}.labels.txt", f"{MODEL}.json", "README.md"])
@pytest.mark.parametrize("content", ["bytes", "huge"])
def test_a_released_text_of_other_bytes_is_a_fault(capsys, tmp_path, name, content):
    shutil.copytree(RELEASED, tmp_path / "released")
    with open(tmp_path / "released" / name, "wb") as file:
        file.write(b"\xff\xfe")
        file.truncate(2 if content == "bytes" else 2**40)  # takes no room on the disk
    with pytest.raises(SystemExit) as stopped:
        run_here(verify_release, tmp_path / "released")
    assert stopped.value.code == 1
    assert "must not be released:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (
            lambda text: text.replace('"seconds": {', '"seconds": {"x": 1' + "0" * 400 + ",", 1),
            "number beyond 2^53",
        ),
        (lambda text: text.replace('"description": "', '"description": "\\ud800', 1), "half of a character"),
        (
            lambda text: text.replace('"settings": {', f'"settings": {{"x": {"[" * 300}{"]" * 300},', 1),
            "nested too",
        ),
    ],
)
def test_a_record_that_no_reader_could_use_is_refused(monkeypatch, capsys, run, how, words):
    change(run, how)
    assert words in refused(monkeypatch, capsys, report, run)


def test_a_record_with_as_many_faults_as_bytes_is_refused_at_once(run):
    record = read_json(run / "record.json")
    record["repeats"] = [1] * 1_000_000
    with pytest.raises(ValueError, match="does not fit the schema of a record at repeats"):
        reports.check_record(record)


@pytest.mark.parametrize("content", ["[" * 100_000, "5", "[]", b"\xe9", None])
def test_whatever_stands_in_place_of_the_metrics_is_rendered_anew(run, content):
    def make(path):
        if content is None:
            return os.mkfifo(path)
        return path.write_bytes(content if isinstance(content, bytes) else content.encode())

    replace(run / "metrics.json", make)
    run_here(report, run)
    assert json.loads((run / "metrics.json").read_text())["classes"] == ["benign", "malignant"]


def test_a_report_waits_for_nobody_and_writes_beside_nobody(monkeypatch, capsys, run):
    """Two at a time would each read the record, add an evaluation and write it: one of them would be lost."""
    assert (
        report.main
    )  # in this process, a folder may be entered again: the lock of another one is what counts
    code = (
        f"import time\nfrom skinkeras.files.locks import locked_folder\nwith locked_folder({str(run)!r}):\n"
    )
    code += "    print('in', flush=True)\n    time.sleep(600)\n"
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert holder.stdout.readline() == "in\n"
        assert "Another process is working in" in refused(monkeypatch, capsys, report, run)
    finally:
        holder.kill()
        holder.wait()


def test_a_report_clears_what_a_killed_one_left(run):
    (run / ".card.0123abcd.md").write_text("half")
    run_here(report, run)
    assert not list(run.glob(".*"))


def pipe(path):
    os.mkfifo(path)


@pytest.mark.parametrize("name", ["state/all.npz", "state/loss.json", "history.csv", "model.keras"])
@pytest.mark.parametrize("make", [pipe, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_a_resumed_run_reads_is_a_file(tmp_path, name, make):
    (tmp_path / "state").mkdir()
    make(tmp_path / name)
    with pytest.raises((DamagedFileError, UsageError, OSError, ValueError)) as refusal:
        check_files(tmp_path)
    assert str(tmp_path / name) in str(refusal.value)


def test_an_archive_that_inflates_to_many_times_its_size_is_damaged(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", " " * 10_000_000)
    with pytest.raises(DamagedFileError, match=r"model\.keras is damaged: copy it again\.$"):
        check_archive(tmp_path / "model.keras", "copy it again")


LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{former}'] * 10)}]\n"
    for former, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LAUGHS, "more than 100,000 values"),
        ("a: &a [*a]\n", "more than 100,000 values"),
        ("[" * 20_000, "is nested too deeply"),
        ("day: 2026-99-99\n", "is not YAML: month must be in 1..12"),
        ("much: " + "9" * 400, "a number beyond 10^300"),
        ("a: !!python/object/apply:os.getpid []\n", "is not YAML: could not determine a constructor"),
        (b"\xff", "is not text in UTF-8"),
    ],
)
def test_yaml_that_is_none_or_means_harm_is_refused(tmp_path, text, words):
    path = tmp_path / "x.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError) as refusal:
        read_yaml(path)
    assert str(refusal.value).startswith(str(path)) and words in str(refusal.value)
    with pytest.raises(ValueError, match=r"x\.yaml"):
        sweep.read_grid(path)


@pytest.mark.parametrize(
    "place", [("job",), ("settings", "data"), ("settings", "weights"), ("settings", "gamma")]
)
@pytest.mark.parametrize("odd", [[], [1], {"a": 1}, 10**400, "x" * 5000])
def test_a_grid_with_an_odd_value_is_refused_in_a_sentence(tmp_path, place, odd):
    grid = yaml.safe_load((ROOT / "pipelines" / "sweeps" / "gilal2023" / "demo.yaml").read_text())
    inner = grid
    for name in place[:-1]:
        inner = inner.setdefault(name, {})
    inner[place[-1]] = odd
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(grid))
    with pytest.raises(ValueError, match=r"grid\.yaml"):
        sweep.read_grid(tmp_path / "grid.yaml").check(tmp_path / "grid.yaml")


@pytest.mark.parametrize("make", [pipe, lambda path: path.symlink_to("/dev/zero"), lambda path: path.mkdir()])
def test_a_model_that_is_no_file_is_refused(monkeypatch, capsys, tmp_path, make):
    make(tmp_path / "x.tflite")
    assert "x.tflite is not a file." in refused(monkeypatch, capsys, predict, tmp_path / "x.tflite", "x.jpg")


def test_a_model_of_a_terabyte_is_refused_and_not_read(monkeypatch, capsys, tmp_path):
    with open(tmp_path / "x.tflite", "wb") as file:
        file.truncate(2**40)
    text = refused(monkeypatch, capsys, predict, tmp_path / "x.tflite", "x.jpg")
    assert "x.tflite is larger than 1,024 MiB." in text


@pytest.mark.parametrize("suffix", [".npy", ".shapes.npy", ".json"])
@pytest.mark.parametrize("make", ["archive", "pipe", "huge header"])
def test_a_cache_that_holds_something_else_is_named(tmp_path, images, suffix, make):
    paths = sorted(images.rglob("*.jpg"))[:4]
    inputs.decode_all(paths, 32, tmp_path)
    (file,) = [path for path in tmp_path.iterdir() if path.name.partition(".")[2] == suffix[1:]]
    file.unlink()
    if make == "archive":
        np.savez(tmp_path / "other.npz", a=np.zeros(3))
        shutil.move(tmp_path / "other.npz", file)
    elif make == "pipe":
        os.mkfifo(file)
    else:
        with open(file, "wb") as opened:
            shape = (2**62, 2**62, 32, 3)
            np.lib.format.write_array_header_1_0(
                opened, {"descr": "|u1", "fortran_order": False, "shape": shape}
            )
    with pytest.raises(
        (DamagedFileError, ValueError), match="is damaged: delete it, to decode the images again"
    ):
        inputs.decode_all(paths, 32, tmp_path)


def test_the_shapes_of_another_process_are_no_leftover(monkeypatch, tmp_path, images):
    """One process decodes while another one starts, and clears the cache that both use."""
    from skinkeras.inputs import decoded_images

    save = np.save

    def other_process_clears_the_cache(file, shapes):
        save(file, shapes)
        code = f"from skinkeras.files.locks import remove_leftovers; remove_leftovers({str(tmp_path)!r})"
        assert os.system(f'cd {ROOT} && {sys.executable} -c "{code}"') == 0

    monkeypatch.setattr(decoded_images.np, "save", other_process_clears_the_cache)
    decoded, _ = inputs.decode_all(sorted(images.rglob("*.jpg"))[:4], 32, tmp_path)
    assert len(decoded) == 4
    assert not list(tmp_path.glob(".*"))


def test_what_a_killed_process_left_of_synthetic_images_and_of_a_cache_goes(tmp_path):
    (tmp_path / "drawn").mkdir()
    (tmp_path / "drawn" / ".synthetic_000003.0123abcd.jpg").write_bytes(b"half")
    manifest = synthetic(20, 0, tmp_path / "drawn")
    assert not list((tmp_path / "drawn").glob(".*"))
    (tmp_path / ".pictures-96-00.0123abcd.npy").write_bytes(b"half")
    inputs.decode_all(manifest.table["image"][:2], 32, tmp_path)
    assert not list(tmp_path.glob(".*"))


def test_a_run_in_a_folder_with_a_forged_lock_harms_nothing(monkeypatch, capsys, tmp_path, victim):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").symlink_to(victim / "secret.txt")
    assert "cannot be written" in refused(monkeypatch, capsys, binary, "--out", tmp_path / "run")
    (tmp_path / "run" / ".lock").unlink()
    os.link(victim / "secret.txt", tmp_path / "run" / ".lock")
    with locked_folder(tmp_path / "run"):
        pass


@pytest.mark.parametrize(
    "content",
    [
        "5",
        '"BinaryCrossentropy"',
        '{"class_name": "MeanSquaredError", "config": {}, "module": "keras.losses", "registered_name": null}',
        '{"class_name": "system", "config": "true", "module": "os", "registered_name": null}',
        '{"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}',
    ],
)
def test_a_saved_loss_that_is_another_one_is_damaged(tmp_path, content):
    from pipelines.common.line import _saved_loss
    from skinkeras.training import BinaryTask

    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "loss.json").write_text(content)
    task = BinaryTask("recall", "none", {"gamma": 10.0, "recall_update": "step"})
    with pytest.raises(
        DamagedFileError, match=r"loss\.json is damaged: delete it and .*model\.keras and resume"
    ):
        _saved_loss(tmp_path / "state" / "loss.json", task)


@pytest.mark.parametrize("temperature", ["1e999", "0", "-1", "1" + "0" * 400, '"1"', "null"])
def test_a_calibration_that_is_none_is_damaged(tmp_path, temperature):
    from pipelines.common.calibrating import calibrations
    from pipelines.common.run_folder import RunFolder

    (tmp_path / "calibration.json").write_text(
        f'{{"float": {{"temperature": {temperature}, "bias": [0, 0]}}}}'
    )
    with pytest.raises(DamagedFileError, match=r"calibration\.json is damaged"):
        calibrations(RunFolder(tmp_path))


def test_a_folder_that_cannot_be_written_is_refused_before_the_run_begins(
    monkeypatch, capsys, tmp_path, small_run
):
    words = (*small_run, "--model", "efficientnet_tiny", "--no-deterministic", "--out", tmp_path / "run")
    text = refused(monkeypatch, capsys, binary, *words, "--materialise", "/proc/variants")
    assert "/proc/variants cannot be written" in text and "choose another --materialise." in text
    assert not (tmp_path / "run").exists()


def test_an_evaluation_that_was_killed_can_be_made_again(tmp_path):
    from pipelines.evaluate import _check_out

    (tmp_path / "figures").mkdir()
    for name in ("predictions.csv", "evaluation.md"):  # evaluation.json is written last
        (tmp_path / name).write_text("")
        _check_out(tmp_path)
    (tmp_path / "thesis.txt").write_text("")
    with pytest.raises(ValueError, match="is not empty and holds no evaluation"):
        _check_out(tmp_path)
