"""What a refused resume advises works: the run ends as it would have, bit for bit."""

import shutil

import numpy as np
import pandas as pd
import pytest
from processes import kill_once_there, start

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]

#: What is damaged -> what the sentence says to delete.
ADVICE = {
    "state/all.npz": ["state/all.npz"],
    "model.keras": ["model.keras"],
    "history.csv": ["history.csv", "model.keras"],
    "state/loss.json": ["state/loss.json", "model.keras"],
    "split.csv": ["split.csv"],
}


def ended(folder):
    """What the run says of its test images, and its history but for the time that it took."""
    predictions = pd.read_csv(folder / "predictions.csv")
    return predictions, pd.read_csv(folder / "history.csv").drop(columns="seconds")


def test_a_run_with_a_damaged_file_ends_as_it_would_have_after_what_is_advised(small_run, tmp_path):
    def resumed(folder):
        log = tmp_path / "log"
        log.write_text("")
        code = start("binary", *small_run, "--out", folder, "--resume", log=log).wait(600)
        return code, log.read_text()

    killed = tmp_path / "killed"
    log = tmp_path / "killed.log"
    kill_once_there(start("binary", *small_run, "--out", killed, log=log), killed / "model.keras", log)
    assert (killed / ".lock").exists()
    (killed / ".model.0123abcd.keras").write_bytes(b"half")  # what a kill while writing leaves
    copies = {name: shutil.copytree(killed, tmp_path / name.replace("/", "_")) for name in ADVICE}
    code, text = resumed(killed)
    assert code == 0, text
    assert not [path for path in killed.rglob(".*")]
    for name, deleted in ADVICE.items():
        folder = copies[name]
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2] + bytes(10))
        code, text = resumed(folder)
        assert code == 2 and text.splitlines()[-1].startswith(f"Error: {folder / name} is "), text
        assert all(str(folder / file) in text or ".keras files" in text for file in deleted), text
        for file in deleted:
            (folder / file).unlink()
        code, text = resumed(folder)
        assert code == 0, (name, text)
        for mine, theirs in zip(ended(folder), ended(killed), strict=True):
            pd.testing.assert_frame_equal(mine, theirs)


def test_the_state_of_another_network_is_refused_by_the_job(small_run, tmp_path):
    run, log = tmp_path / "run", tmp_path / "log"
    kill_once_there(start("binary", *small_run, "--out", run, log=log), run / "state" / "all.npz", log)
    with np.load(run / "state" / "all.npz") as saved:
        content = dict(saved)
    content["record"] = np.array(str(content["record"]).replace('"optimizer": "', '"optimizer": "Other'))
    np.savez(run / "state" / "all.npz", **content)
    before = (run / "state" / "all.npz").read_bytes()
    log.write_text("")
    assert start("binary", *small_run, "--out", run, "--resume", log=log).wait(600) == 2
    assert log.read_text().splitlines()[-1] == (
        f"Error: {run / 'state' / 'all.npz'} was saved by another model, optimizer or loss: delete it and resume, to "
        "repeat this part of the run, or use another folder."
    )
    assert (run / "state" / "all.npz").read_bytes() == before


def test_the_largest_seed_and_a_batch_above_the_data_train_to_the_end(small_run, tmp_path):
    log = tmp_path / "log"
    words = (
        *small_run,
        "--epochs",
        "1",
        "--seed",
        2**32 - 1001,
        "--batch-size",
        "65536",
        "--out",
        tmp_path / "run",
    )
    assert start("binary", *words, log=log).wait(600) == 0, log.read_text()[-2000:]
    assert (tmp_path / "run" / "card.md").exists()
