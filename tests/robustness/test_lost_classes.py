"""Cleaning sees benign and malignant alone: what happens when its rounds remove the last image of a diagnosis."""

import cv2
import numpy as np
import pandas as pd
import pytest

from pipelines import binary, clean
from pipelines.common import cleaning_rounds, options
from pipelines.common.options import build
from pipelines.common.run_folder import RunFolder
from skinkeras.cleaning import CleaningError


@pytest.fixture
def rare(tmp_path, monkeypatch):
    """Settings of a cleaning whose second round removes the last training image of class df."""
    random = np.random.default_rng(0)
    for name, count in (("df", 5), ("mel", 12), ("nv", 20)):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(0, 255, (40, 50, 3), np.uint8)
            assert cv2.imwrite(str(folder / f"{name}{number:02d}.jpg"), pixels)

    def losses(self, data, number):
        return self._diagnoses_for_test == "df", None

    def initialised(self, *arguments, original=cleaning_rounds.Cleaner.__init__):
        original(self, *arguments)
        self._diagnoses_for_test = cleaning_rounds._diagnoses(arguments[4])

    # No model is trained: what it would lose most on is given.
    monkeypatch.setattr(cleaning_rounds.Cleaner, "_losses", losses)
    monkeypatch.setattr(cleaning_rounds.Cleaner, "__init__", initialised)
    return {
        **{"data": "folder", "data_dir": tmp_path / "images", "positive": ("mel",), "image_size": 32},
        **{"weights": "none", "clean": "custom", "clean_remove": 2.0, "clean_rounds": 3},
        **{"deterministic": False, "cache_dir": tmp_path / "cache", "out": tmp_path / "run"},
    }


def test_the_cleaning_job_ends_well_and_says_which_rounds_keep_every_class(rare, tmp_path, capsys):
    clean.main(build(clean.Settings, rare))
    text = " ".join(capsys.readouterr().out.split())
    assert "Round 2 removes the last training image of class df." in text
    assert f"use --clean-rounds 1 in another --out, with --clean-dir {tmp_path / 'run' / 'cleaning'}." in text
    cleaned = pd.read_csv(tmp_path / "run" / "cleaned_manifest.csv")
    assert set(cleaned["label"]) == {"df", "mel", "nv"}  # those of validation and test are left
    # The advice works, and the round that is kept is not done again.
    advised = {
        **rare,
        "out": tmp_path / "other",
        "clean_dir": tmp_path / "run" / "cleaning",
        "clean_rounds": 1,
    }
    clean.main(build(clean.Settings, advised))
    assert (
        "Cleaning, round" not in (text := capsys.readouterr().out) and "the last training image" not in text
    )


def test_the_binary_job_names_what_it_has_itself_and_keeps_the_rounds(rare, tmp_path):
    def cleaned(**more):
        settings = binary.resolved(build(binary.Settings, {**rare, **more}))
        groups = (settings.cleaning, settings.model, settings.training)
        loader = binary.new_loader(settings)
        data = loader.load(tmp_path / "no split")
        cleaner = cleaning_rounds.Cleaner(*groups, "folder", data, RunFolder(settings.output.out))
        data = binary.new_task(settings.loss, settings.decisions).learned(cleaner.clean(data))
        cleaner.check_classes(data)

    with pytest.raises(CleaningError) as raised:
        cleaned()
    assert str(raised.value) == (
        "Round 2 of the cleaning removes the last training image of class df: in another --out, learn two classes "
        "(--target binary), or stop before that (--clean-rounds 1). The rounds are kept: add --clean-dir "
        f"{tmp_path / 'run' / 'cleaning'}."
    )
    kept = {"out": tmp_path / "other", "clean_dir": tmp_path / "run" / "cleaning"}
    before = sorted((tmp_path / "run" / "cleaning").glob("round_*.csv"))
    cleaned(**kept, target="binary")
    cleaned(**kept, clean_rounds=1)
    assert sorted((tmp_path / "run" / "cleaning").glob("round_*.csv")) == before
    assert not [name for name in options.option_names(clean.Settings) if name == "target"]


@pytest.mark.long
def test_another_process_in_the_folder_of_the_rounds_is_refused(rare, tmp_path):
    import subprocess
    import sys

    from processes import SURROUNDINGS

    from skinkeras.errors import UsageError

    code = (
        "import sys, time; from skinkeras.files.locks import locked_folder\n"
        "with locked_folder(sys.argv[1]):\n    print('in', flush=True)\n    time.sleep(600)"
    )
    rounds = tmp_path / "rounds"
    command = [sys.executable, "-c", code, rounds]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **SURROUNDINGS) as other:
        assert other.stdout.readline() == "in\n"
        try:
            with pytest.raises(
                UsageError, match=r"Another process is working in .*/rounds: .* --clean-dir\.$"
            ):
                clean.main(build(clean.Settings, {**rare, "clean_dir": rounds}))
        finally:
            other.kill()
    assert not (tmp_path / "run").exists()
    clean.main(build(clean.Settings, {**rare, "clean_dir": rounds}))
    (tmp_path / "run" / "state").mkdir(exist_ok=True)
    (rounds / ".lock").touch()  # a complete cleaning may be used by several runs at a time
    clean.main(build(clean.Settings, {**rare, "clean_dir": rounds, "out": tmp_path / "other"}))
