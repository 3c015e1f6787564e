"""A disk that fills up under every writer: one sentence that says where, nothing half written, and on it goes.

Each job works on a small file system of its own, which grows from one attempt to the next, so that it is full at an
ever later moment, until the job ends.
"""

import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from killing import files_of
from processes import SURROUNDINGS
from releases import RELEASED, earlier_release, released_run

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

FULL = "No space left on device; free some space and run it again."
_TINY = (
    *("--data", "folder", "--image-size", "32", "--weights", "none", "--model", "efficientnet_tiny"),
    *("--batch-size", "8"),
)


def resize(disk, kib):
    subprocess.run(["mount", "-o", f"remount,size={kib}k", disk], check=True)


def fill(disk):
    """Leaves no room; returns the file that takes it."""
    filler = disk / "filler"
    with pytest.raises(OSError), open(filler, "wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    return filler


def run(job, *words, stdout=subprocess.PIPE):
    command = [sys.executable, "-m", f"pipelines.{job}", *map(str, words)]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, **SURROUNDINGS)


def leftovers(disk):
    """Files half written, which are hidden ones (the folder `.cache` of a sweep is there to stay)."""
    return [path for path in disk.rglob(".*") if path.is_file()]


def full_disk_sentence(done, disk):
    """What a job that ended for want of room said, in one sentence that names a file of the disk."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr and "Errno" not in done.stderr
    (sentence,) = (line for line in done.stderr.splitlines() if line.startswith("Error: "))
    assert done.stderr.endswith(f"{sentence}\n")
    assert sentence.startswith(f"Error: Could not write {disk}") and sentence.endswith(FULL), sentence
    assert not leftovers(disk)
    return sentence


def grown_until_it_ends(disk, sizes, job, *words):
    """The sentences of the attempts at a job on a disk of each of the sizes (KiB); with the last size it must end."""
    sentences = []
    for size in sizes:
        resize(disk, size)
        done = run(job, *words, "--resume")
        if done.returncode:
            sentences.append(full_disk_sentence(done, disk))
    assert done.returncode == 0, done.stderr
    assert not leftovers(disk)
    print(job, *sentences, sep="\n  ")
    return sentences


def named(sentence):
    """The file that could not be written."""
    return sentence.removeprefix("Error: Could not write ").removesuffix(f": {FULL}")


def test_a_run_its_export_and_its_report(noise, tiny_disk, tmp_path):
    words = (*_TINY, "--data-dir", noise("benign", "malignant"), "--cache-dir", tmp_path / "cache")
    words = (*words, "--head-epochs", "1", "--epochs", "1", "--qat-epochs", "1", "--out", tiny_disk / "run")
    sizes = (4, 128, 4_000, 9_000, 14_000, 15_500, 17_500, 60_000)
    sentences = grown_until_it_ends(tiny_disk, sizes, "binary", *words)
    assert len({named(sentence) for sentence in sentences}) >= 4
    resize(tiny_disk, used(tiny_disk) + 1_000)
    export = ("export", tiny_disk / "run", "--out", tiny_disk / "again")
    assert "float32.tflite" in full_disk_sentence(run(*export), tiny_disk)
    assert not list(tiny_disk.glob("again/export/*"))
    resize(tiny_disk, 60_000)
    assert run(*export).returncode == 0
    whole = {path: (tiny_disk / path).read_bytes() for path in files_of(tiny_disk)}
    filler = fill(tiny_disk)
    report = ("report", tiny_disk / "run")
    full_disk_sentence(run(*report), tiny_disk)
    filler.unlink()
    assert {path: (tiny_disk / path).read_bytes() for path in files_of(tiny_disk)} == whole
    assert run(*report).returncode == 0


def used(disk):
    """KiB."""
    usage = shutil.disk_usage(disk)
    return usage.used // 1024


def test_a_cleaning_with_its_cache_and_its_variants(noise, tiny_disk):
    words = (*_TINY, "--data-dir", noise("benign", "malignant"), "--cache-dir", tiny_disk / "cache")
    words = (*words, "--oversample", "g23", "--materialise", tiny_disk / "variants", "--clean", "custom")
    words = (*words, "--clean-model", "efficientnet_tiny", "--clean-rounds", "1", "--clean-remove", "3")
    words = (*words, "--clean-epochs", "1", "--clean-dir", tiny_disk / "rounds", "--out", tiny_disk / "run")
    sentences = grown_until_it_ends(tiny_disk, (64, 124, 300, 2_000, 4_900, 60_000), "clean", *words)
    folders = {os.path.relpath(named(sentence), tiny_disk).split(os.sep)[0] for sentence in sentences}
    assert {"cache", "variants", "run"} <= folders


def test_a_sweep(noise, tiny_disk, tmp_path):
    settings = {"data": "folder", "image_size": 32, "weights": "none", "batch_size": 8, "export": False}
    grid = {
        "settings": {**settings, "head_epochs": 0, "epochs": 1},
        "training_sets": [{"oversample": "none", "clean": "none", "rounds": [0]}],
        "runs": [{"models": ["efficientnet_tiny"], "losses": ["crossentropy"]}],
    }
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(grid))
    words = (tmp_path / "grid.yaml", "--data-dir", noise("benign", "malignant"), "--out", tiny_disk / "sweep")
    assert "/.cache/" in full_disk_sentence(run("sweep", *words), tiny_disk)
    # The run that fails says so in runs.csv, for which there is room.
    resize(tiny_disk, 1_000)
    assert run("sweep", *words, "--resume").returncode == 0
    (row,) = pd.read_csv(tiny_disk / "sweep" / "runs.csv").to_dict("records")
    assert row["status"] == "failed" and row["error"].endswith(FULL)
    resize(tiny_disk, 60_000)
    assert run("sweep", *words, "--resume").returncode == 0
    assert pd.read_csv(tiny_disk / "sweep" / "runs.csv")["status"].tolist() == ["done"]
    fill(tiny_disk)
    full_disk_sentence(run("report", tiny_disk / "sweep"), tiny_disk)


def test_a_release(tiny_disk, tmp_path):
    released_run(tmp_path / "run")
    resize(tiny_disk, 60_000)
    earlier_release(tiny_disk / "to")
    before = {path: (tiny_disk / "to" / path).read_bytes() for path in files_of(tiny_disk / "to")}
    filler = fill(tiny_disk)
    words = ("release", tmp_path / "run", "--kinds", "int8", "--to", tiny_disk / "to")
    full_disk_sentence(run(*words), tiny_disk)
    assert {path: (tiny_disk / "to" / path).read_bytes() for path in files_of(tiny_disk / "to")} == before
    filler.unlink()
    done = run(*words)
    assert done.returncode == 0, done.stderr
    assert run("verify_release", tiny_disk / "to").returncode == 0


def test_a_contact_sheet(noise, tiny_disk):
    fill(tiny_disk)
    sheet = tiny_disk / "sheet.png"
    sentence = full_disk_sentence(run("data", noise("benign", "malignant"), "--out", sheet), tiny_disk)
    assert named(sentence) == str(sheet) and not sheet.exists()


def test_a_web_page(tiny_disk):
    if shutil.which("npm") is None:
        pytest.skip("no npm, which fetches what the page is made of")
    words = ("demo", "--build-only", "--models", RELEASED, "--out", tiny_disk / "page")
    assert named(full_disk_sentence(run(*words), tiny_disk)) == str(tiny_disk / "page")
    assert not any(tiny_disk.iterdir())
    resize(tiny_disk, 300_000)
    assert run(*words).returncode == 0


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_answers_that_go_to_a_full_disk(noise, form, unbuffered, monkeypatch):
    monkeypatch.setitem(SURROUNDINGS["env"], "PYTHONUNBUFFERED", unbuffered)
    images = noise("benign")
    with open("/dev/full", "w") as full:
        file = RELEASED / "melanoma_efficientnet_lite0_224_int8.tflite"
        done = run("predict", file, images, "--format", form, stdout=full)
    assert done.returncode == 1
    assert done.stderr.endswith(f"Error: Could not write what this command prints: {FULL}\n")
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
