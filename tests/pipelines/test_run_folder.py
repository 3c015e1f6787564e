"""A run's folder: what it records, and whom it lets go on."""

import errno
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from pipelines import binary, multiclass
from pipelines.common.options import build, flatten, request_of
from pipelines.common.run_folder import RunFolder, recorded_run
from skinkeras.inputs.decoded_images import decode_all


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


ASKED = {"gamma": 10.0, "data": "folder", "positive": ("mel", "bcc")}


def asked_for(job=binary, **values):
    """The request of a job's settings."""
    name = job.__name__.rpartition(".")[2]
    return request_of(name, job.with_defaults(build(job.Settings, values)))


@pytest.fixture
def begun(tmp_path):
    """A run that has begun, and what it was asked for."""
    values = {**ASKED, "data_dir": tmp_path}
    folder = RunFolder(tmp_path / "run")
    folder.check(asked_for(**values), resume=False)
    assert not folder.path.exists()  # to check is not to begin
    folder.begin(asked_for(**values))
    return folder, values


@pytest.fixture
def full_disk(tiny_disk):
    """A real file system with nothing free."""
    with pytest.raises(OSError), open(tiny_disk / "filler", "wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    return tiny_disk


def test_a_run_of_an_earlier_version_goes_on_with_what_newer_settings_default_to(begun):
    folder, values = begun
    config = folder.file("config.yaml")
    record = yaml.safe_load(config.read_text())
    del record["settings"]["augmentation"], record["settings"]["dropout"]
    config.write_text(yaml.safe_dump(record))
    folder.check(asked_for(**values), resume=True)
    with pytest.raises(ValueError, match="with augmentation=standard, this command has augmentation=strong"):
        folder.check(asked_for(**values, augmentation="strong"), resume=True)


def test_a_run_from_before_given_splits_were_used_goes_on(begun):
    folder, values = begun
    config = folder.file("config.yaml")
    record = yaml.safe_load(config.read_text())
    del record["settings"]["validation"]
    record["settings"]["split_by"] = "grouped"
    config.write_text(yaml.safe_dump(record))
    folder.check(asked_for(**values), resume=True)
    folder.check(asked_for(**values, split_by="grouped"), resume=True)
    for other in ({"split_by": "paper"}, {"validation": 0.0}):
        with pytest.raises(ValueError, match=f"with {next(iter(other))}="):
            folder.check(asked_for(**values, **other), resume=True)


def test_a_split_that_was_asked_for_is_not_the_default(begun):
    folder, values = begun
    config = folder.file("config.yaml")
    config.write_text(config.read_text().replace("split_by: null", "split_by: grouped"))
    with pytest.raises(ValueError, match="with split_by=grouped, this command has split_by=None"):
        folder.check(asked_for(**values), resume=True)


def test_config_says_what_was_asked_for_and_with_which_versions(begun):
    folder, values = begun
    record = yaml.safe_load(folder.file("config.yaml").read_text())
    assert list(record["settings"]) == [name for name in flatten(binary.Settings()) if name != "resume"]
    assert record["job"] == "binary"
    assert record["settings"]["gamma"] == 10
    assert record["settings"]["positive"] == ["mel", "bcc"]
    assert record["settings"]["data_dir"] == str(values["data_dir"])
    assert {"tensorflow", "keras", "python", "skinkeras"} <= set(record["versions"])


def test_a_folder_that_holds_a_run_is_refused_and_left_alone(begun):
    folder, values = begun
    (folder.path / "model.keras").write_bytes(b"a model")
    before = contents(folder.path)
    with pytest.raises(
        ValueError, match=r"/run already holds a run: add --resume .* or choose another --out"
    ):
        RunFolder(folder.path).check(asked_for(**values), resume=False)
    assert contents(folder.path) == before


def test_resuming_leaves_the_config_as_it_is(begun):
    folder, values = begun
    before = contents(folder.path)
    again = RunFolder(folder.path)
    again.check(asked_for(**values), resume=True)
    again.begin(asked_for(**values))
    assert contents(folder.path) == before


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"gamma": 5.0}, "gamma=10.0, this command has gamma=5.0"),
        ({"max_images": 100}, "max_images=None, this command has max_images=100"),
        ({"positive": ("mel",)}, r"positive=\('mel', 'bcc'\), this command has positive=\('mel',\)"),
        ({"learning_rate": 1e-5}, "learning_rate=0.0005, this command has learning_rate=1e-05"),
    ],
)
def test_resuming_with_another_setting_names_it_and_both_values(begun, changed, sentence):
    folder, values = begun
    before = contents(folder.path)
    with pytest.raises(ValueError, match=sentence):
        folder.check(asked_for(**{**values, **changed}), resume=True)
    assert contents(folder.path) == before


def test_resuming_may_name_the_folders_another_way(begun):
    folder, values = begun
    before = contents(folder.path)
    elsewhere = {"resume": True, "out": Path("elsewhere"), "cache_dir": Path("cache")}
    folder.check(asked_for(**values, **elsewhere), resume=True)  # does not raise
    assert contents(folder.path) == before


def test_a_folder_of_other_things_is_refused_and_an_empty_one_taken(tmp_path):
    RunFolder(tmp_path).check(asked_for(), resume=False)
    (tmp_path / "thesis.doc").write_text("the only copy")
    for resume in (False, True):
        with pytest.raises(ValueError, match="is not empty and holds no run"):
            RunFolder(tmp_path).check(asked_for(), resume=resume)


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
        folder.begin(asked_for())
    assert caught.value.errno == errno.ENOSPC
    assert contents(full_disk).keys() == {full_disk / "filler"}
    folder.check(asked_for(), resume=False)


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
    folder, values = begun
    folder.file("config.yaml").write_text(content)
    with pytest.raises(ValueError, match=r"config\.yaml is not the record of a run"):
        folder.check(asked_for(**values), resume=True)


def test_the_run_of_another_job_is_refused(begun):
    folder, _ = begun
    with pytest.raises(ValueError, match="holds a run of another job"):
        folder.check(asked_for(multiclass), resume=True)


def test_a_record_holds_the_settings_themselves(begun, tmp_path):
    folder, values = begun
    recorded = recorded_run(folder.path)
    assert recorded.job == "binary"
    assert recorded.settings == binary.with_defaults(build(binary.Settings, values))
    assert recorded.versions["skinkeras"] and recorded.versions["keras"]
    with pytest.raises(ValueError, match="holds no run: it has no config"):
        recorded_run(tmp_path / "nowhere")


def test_the_first_repeat_lies_in_the_run_and_the_others_in_folders_of_their_own(tmp_path):
    run = RunFolder(tmp_path)
    assert [run.repeat(number).path for number in (1, 2)] == [tmp_path, tmp_path / "repeat_2"]
