"""The papers' experiments by name: one registry for jobs, grids and Python."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipelines import binary, multiclass
from pipelines.common import options
from pipelines.sweeps.engine.grid_file import read_grid
from skinkeras import experiments

GRIDS = Path(__file__).parents[2] / "pipelines" / "sweeps"
JOBS = {"binary": binary, "multiclass": multiclass}


def test_importing_them_loads_nothing_but_the_names():
    code = "import sys\nfrom skinkeras import experiments\nexperiments.get('gilal2023/b2_blur_rcel')\n"
    code += "assert not {'keras', 'tensorflow', 'numpy', 'pandas', 'pipelines'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_both_papers_have_as_many_as_they_report():
    assert len(experiments.names("gilal2023/*")) == 144
    assert len(experiments.names("barata2021/*")) == 40
    assert len(experiments.names()) == len(set(experiments.names())) == 184
    # Table I of Gilal et al. 2023 has B0 and B2 on the cleaned sets, and the Lites on the images as they are.
    assert {"gilal2023/b2_clean4_ce", "gilal2023/b0_blur_clean3_focal1"} <= set(experiments.names())
    assert {"gilal2023/lite0_rl", "gilal2023/lite4_ce"} <= set(experiments.names())


def test_a_name_says_what_is_trained():
    settings = experiments.get("gilal2023/b2_blur_clean3_rcel10").settings
    assert settings["model"] == "efficientnet_b2" and settings["oversample"] == "g23"
    assert (settings["clean"], settings["clean_rounds"]) == ("blur", 3)
    assert (settings["loss"], settings["gamma"], settings["batch_size"]) == ("recall", 10, 128)
    settings = experiments.get("barata2021/hierarchical_sgd_focal_ohem").settings
    assert settings["model"] == "hierarchical_vgg16" and settings["optimizer"] == "sgd"
    assert (settings["loss"], settings["weighting"], settings["repeats"]) == ("focal", "ohem", 2)


@pytest.mark.parametrize("paper", ["gilal2023", "barata2021"])
def test_every_experiment_is_settings_that_its_job_accepts(paper):
    for name in experiments.names(f"{paper}/*"):
        experiment = experiments.get(name)
        job = JOBS[experiment.job]
        settings = job.with_defaults(options.build(job.Settings, dict(experiment.settings)))
        kept = options.flatten(settings)
        assert {key: kept[key] for key in experiment.settings} == dict(experiment.settings)
        assert "\n" not in experiment.description


@pytest.mark.parametrize("paper", ["gilal2023", "barata2021"])
def test_the_papers_grid_runs_exactly_these(paper, tmp_path):
    grid = read_grid(GRIDS / paper / "full_grid.yaml", tmp_path)
    runs = [grid.run_values(run, Path("sweep")) for run in grid.runs]
    chosen = [experiments.get(name) for name in experiments.names(f"{paper}/*")]
    assert len(runs) == len(chosen)
    for values, experiment in zip(runs, chosen, strict=True):
        assert experiment.settings.items() <= values.items()


@pytest.fixture
def write_grid(tmp_path):
    def write(**source):
        path = tmp_path / "grid.yaml"
        path.write_text(yaml.safe_dump(source))
        return path

    return write


def test_a_grid_takes_patterns_and_its_own_settings_count(write_grid, tmp_path):
    path = write_grid(
        settings={"epochs": 2}, experiments=["gilal2023/b2_rcel*", "gilal2023/b2_blur_ce"], seeds=[0, 1]
    )
    grid = read_grid(path, tmp_path)
    assert len(grid.runs) == 4 * 2
    assert {grid.run_values(run, tmp_path)["epochs"] for run in grid.runs} == {2}
    assert {(run.loss, run.parameter) for run in grid.runs} == {
        *(("recall", gamma) for gamma in (1, 10, 100)),
        ("crossentropy", None),
    }


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({"experiments": ["gilal2023/b3_*"]}, r"experiments: There is no experiment 'gilal2023/b3_\*'"),
        ({"experiments": []}, "experiments must be a list with at least one entry"),
        ({"experiments": ["gilal2023/b2_ce"], "runs": []}, "leave out runs"),
        (
            {"experiments": ["gilal2023/b2_ce", "barata2021/flat_adam_ce"]},
            "is an experiment of job multiclass",
        ),
        ({"job": "multiclass", "experiments": ["gilal2023/b2_ce"]}, "is an experiment of job binary"),
    ],
)
def test_what_one_grid_cannot_have_is_refused(source, sentence, write_grid, tmp_path):
    with pytest.raises(ValueError, match=sentence):
        read_grid(write_grid(**source), tmp_path)


@pytest.mark.parametrize("form", [["--experiment", "{}"], ["--experiment={}"]])
def test_a_job_takes_an_experiment_and_flags_that_are_given_count(form):
    words = [word.format("gilal2023/b2_blur_rcel10") for word in form]
    settings = options.flatten(options.parse(binary.Settings, ["--epochs", "3", *words, "--gamma", "5"]))
    assert (settings["model"], settings["oversample"]) == ("efficientnet_b2", "g23")
    assert (settings["epochs"], settings["gamma"]) == (3, 5)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--experiment"], "--experiment needs a name"),
        (["--experiment", "gilal2023/b2_blur_rcl"], "Did you mean gilal2023/b2_blur_rcel or"),
        (["--experiment", "barata2021/flat_adam_ce"], r"an experiment of python -m pipelines\.multiclass"),
    ],
)
def test_what_is_no_experiment_of_the_job_is_refused(words, sentence):
    with pytest.raises(ValueError, match=sentence):
        options.parse(binary.Settings, words)
