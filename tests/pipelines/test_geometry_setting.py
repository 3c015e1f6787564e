"""--geometry: from the command to the images, the record, and what is kept for another run."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from pipelines import binary, clean, multiclass
from pipelines.common import cleaning_rounds, options, records
from pipelines.common.groups import ModelOptions
from pipelines.common.run_folder import RunFolder
from skinkeras.images.decoding import decode
from skinkeras.images.geometries import GEOMETRIES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of two classes whose images are twice as wide as high, but for one square a class."""
    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for name in ("benign", "malignant"):
        (folder / name).mkdir()
        for number in range(20):
            shape = (60, 60 if number == 0 else 120, 3)
            Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(folder / name / f"{name}{number}.png")
    return folder


def settings_of(job, folder, out, **values):
    given = {"data": "folder", "data_dir": folder, "image_size": 32, "out": out / "run", **values}
    return job.with_defaults(options.build(job.Settings, given))


def loaded(job, settings, folder):
    return job.new_loader(settings).load(folder / "no split yet")


@pytest.mark.parametrize("job", [binary, multiclass])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_a_job_trains_on_what_the_geometry_takes(folder, tmp_path, job, geometry, capsys):
    settings = settings_of(job, folder, tmp_path, geometry=geometry)
    data = loaded(job, settings, tmp_path)
    test = data.subset("test")
    expected = [decode(path, 32, geometry) for path in test.table["image"]]
    assert np.array_equal(test.images.read(test.rows), expected)
    told = "The crop drops more than a quarter of 38 of 40 images" in " ".join(
        capsys.readouterr().out.split()
    )
    cut = records.cut_images(geometry, data)
    assert (told, cut) == ((True, {"cut": {"images": 38, "of": 40}}) if geometry == "crop" else (False, {}))


def test_the_default_is_to_crop_in_every_job_and_in_settings_written_before():
    for job in (binary, multiclass, clean):
        assert options.defaults(job.Settings)["geometry"] == "crop"
        values = {name: value for name, value in options.defaults(job.Settings).items() if name != "geometry"}
        assert options.build(job.Settings, values).model.geometry == "crop"


def test_a_run_whose_settings_name_no_geometry_resumes(folder, tmp_path):
    settings = settings_of(binary, folder, tmp_path)
    run = RunFolder(tmp_path / "run")
    run.begin(options.request_of("binary", settings))
    config = run.file("config.yaml")
    lines = [line for line in config.read_text().splitlines() if "geometry" not in line]
    assert len(lines) == len(config.read_text().splitlines()) - 1
    config.write_text("\n".join(lines) + "\n")
    run.check(options.request_of("binary", settings), resume=True)
    squashed = settings_of(binary, folder, tmp_path, geometry="squash")
    with pytest.raises(ValueError, match="geometry=crop, this command has geometry=squash"):
        run.check(options.request_of("binary", squashed), resume=True)


def test_the_command_and_the_card_name_it(folder, tmp_path):
    squashed = settings_of(binary, folder, tmp_path, geometry="squash")
    assert "--geometry squash" in options.command("binary", squashed)
    assert "--geometry" not in options.command("binary", settings_of(binary, folder, tmp_path))
    for geometry, row in GEOMETRIES.items():
        assert ModelOptions(geometry=geometry).facts()["geometry"] == f"{geometry}: {row.title}"


def test_rounds_of_cleaning_of_another_geometry_are_not_used(folder, tmp_path):
    values = {"clean": "custom", "clean_remove": 2, "clean_rounds": 1, "clean_dir": tmp_path / "rounds"}

    def cleaner(geometry):
        settings = settings_of(binary, folder, tmp_path, geometry=geometry, **values)
        data = loaded(binary, settings, tmp_path)
        return cleaning_rounds.Cleaner(
            settings.cleaning, settings.model, settings.training, "folder", data, RunFolder(tmp_path / "run")
        )

    rounds = cleaner("crop").rounds
    rounds.record(np.arange(len(rounds.remaining()), dtype=float))
    assert cleaner("crop").rounds.done == 1
    with pytest.raises(ValueError, match="geometry"):
        cleaner("squash")


def test_images_that_cannot_be_read_are_not_counted_as_cut():
    images = SimpleNamespace(count_cut=lambda rows: len(rows))
    data = SimpleNamespace(images=images, used=np.array(["train", "", "test"]))
    assert records.cut_images("crop", data) == {"cut": {"images": 2, "of": 2}}
    unknown = SimpleNamespace(images=SimpleNamespace(count_cut=lambda rows: None), used=data.used)
    assert records.cut_images("crop", unknown) == {}
