import dataclasses
import errno
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from pipelines import multiclass
from pipelines.binary import Settings
from pipelines.common.run_folder import RunFolder
from skinkeras.inputs.decoded_images import decode_all


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def begun(tmp_path):
    settings = Settings(gamma=10.0, data="folder", data_dir=tmp_path, positive=("mel", "bcc"))
    folder = RunFolder(tmp_path / "run")
    folder.check(settings, resume=False)
    assert not folder.path.exists()  # to check is not to begin
    folder.begin(settings)
    return folder, settings


@pytest.fixture
def full_disk(tiny_disk):
    """A real file system with nothing free."""
    with pytest.raises(OSError), open(tiny_disk / "filler", "wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    return tiny_disk


def test_a_run_of_an_earlier_version_goes_on_with_what_newer_settings_default_to(begun):
    folder, settings = begun
    config = folder.file("config.yaml")
    record = yaml.safe_load(config.read_text())
    del record["settings"]["augmentation"], record["settings"]["dropout"]
    config.write_text(yaml.safe_dump(record))
    folder.check(settings, resume=True)
    with pytest.raises(ValueError, match="with augmentation=standard, this command has augmentation=strong"):
        folder.check(dataclasses.replace(settings, augmentation="strong"), resume=True)


def test_config_says_what_was_asked_for_and_with_which_versions(begun):
    folder, settings = begun
    record = yaml.safe_load(folder.file("config.yaml").read_text())
    assert set(record["settings"]) == {field.name for field in dataclasses.fields(settings)}
    assert record["settings"]["gamma"] == 10
    assert record["settings"]["positive"] == ["mel", "bcc"]
    assert record["settings"]["data_dir"] == str(settings.data_dir)
    assert {"tensorflow", "keras", "python", "skinkeras"} <= set(record["versions"])


def test_a_folder_that_holds_a_run_is_refused_and_left_alone(begun):
    folder, settings = begun
    (folder.path / "model.keras").write_bytes(b"a model")
    before = contents(folder.path)
    with pytest.raises(
        ValueError, match=r"/run already holds a run: add --resume .* or choose another --out"
    ):
        RunFolder(folder.path).check(settings, resume=False)
    assert contents(folder.path) == before


def test_resuming_leaves_the_config_as_it_is(begun):
    folder, settings = begun
    before = contents(folder.path)
    again = RunFolder(folder.path)
    again.check(settings, resume=True)
    again.begin(settings)
    assert contents(folder.path) == before


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"gamma": 5.0}, "gamma=10.0, this command has gamma=5.0"),
        ({"limit": 100}, "limit=None, this command has limit=100"),
        ({"positive": ("mel",)}, r"positive=\['mel', 'bcc'\], this command has positive=\['mel'\]"),
        ({"learning_rate": 1e-5}, "learning_rate=0.0005, this command has learning_rate=1e-05"),
    ],
)
def test_resuming_with_another_setting_names_it_and_both_values(begun, changed, sentence):
    folder, settings = begun
    before = contents(folder.path)
    with pytest.raises(ValueError, match=sentence):
        folder.check(dataclasses.replace(settings, **changed), resume=True)
    assert contents(folder.path) == before


def test_resuming_may_name_the_folders_another_way(begun):
    folder, settings = begun
    before = contents(folder.path)
    settings = dataclasses.replace(settings, resume=True, out=Path("elsewhere"), cache_dir=Path("cache"))
    folder.check(settings, resume=True)  # does not raise
    assert contents(folder.path) == before


def test_a_folder_of_other_things_is_refused_and_an_empty_one_taken(tmp_path):
    RunFolder(tmp_path).check(Settings(), resume=False)
    (tmp_path / "thesis.doc").write_text("the only copy")
    for resume in (False, True):
        with pytest.raises(ValueError, match="is not empty and holds no run"):
            RunFolder(tmp_path).check(Settings(), resume)


def test_a_run_is_complete_with_its_card_and_without_its_state(begun):
    folder, _ = begun
    folder.state.mkdir()
    folder.file("card.md").write_text("# card")
    assert not folder.is_complete
    folder.complete()
    assert folder.is_complete


def test_a_run_that_a_full_disk_stops_has_not_begun(full_disk):
    folder = RunFolder(full_disk / "run")
    with pytest.raises(
        OSError, match=r"^Could not write .*/run/config\.yaml: No space left on device; "
    ) as caught:
        folder.begin(Settings())
    assert caught.value.errno == errno.ENOSPC
    assert contents(full_disk).keys() == {full_disk / "filler"}
    folder.check(Settings(), resume=False)


def test_a_full_disk_while_decoding_raises_and_leaves_nothing(full_disk, tmp_path):
    paths = [tmp_path / f"{i}.jpg" for i in range(3)]
    for path in paths:
        assert cv2.imwrite(str(path), np.full((64, 64, 3), 90, np.uint8))
    (full_disk / "filler").write_bytes(bytes(40_000))  # some room, but not enough
    with pytest.raises(OSError, match=r"^Could not write .*\.npy: No space left on device") as caught:
        decode_all(paths, 64, full_disk / "cache")
    assert caught.value.errno == errno.ENOSPC
    assert contents(full_disk).keys() == {full_disk / "filler"}


@pytest.mark.parametrize("content", ["name: my project", "", "a: [b", "settings: hello", "\x00"])
def test_a_record_that_is_none_is_refused(begun, content):
    folder, settings = begun
    folder.file("config.yaml").write_text(content)
    with pytest.raises(ValueError, match=r"config\.yaml is not the record of a run"):
        folder.check(settings, resume=True)


def test_the_run_of_another_job_is_refused(begun):
    folder, _ = begun
    with pytest.raises(ValueError, match="holds a run of another job"):
        folder.check(multiclass.Settings(), resume=True)
