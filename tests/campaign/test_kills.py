"""Jobs killed at random moments end as if nothing had happened.

Each job runs once to its end, which says how long it takes and how many files it moves into place. Then it is
killed with SIGKILL, and started again, and killed again, later and later: at moments spread over all of that time,
in front of some of those moves, when a temporary file lies beside an old one, and in front of every model.
"""

import shutil
import time
import zlib
from dataclasses import dataclass

import numpy as np
import pytest
import yaml
from killing import content, differences, files_of, is_killed, start
from releases import earlier_release, released_run

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

_TINY = (
    *("--data", "folder", "--image-size", "32", "--weights", "none", "--model", "efficientnet_tiny"),
    *("--batch-size", "8", "--cache-dir", "cache", "--out", "run"),
)
_GRID = {
    "settings": {
        **{"data": "folder", "image_size": 32, "weights": "none", "batch_size": 8, "export": False},
        **{"head_epochs": 0, "epochs": 2, "clean_epochs": 1},
    },
    "training_sets": [{"oversample": "g23", "clean": "merge-scaled", "rounds": [0, 1]}],
    "runs": [{"models": ["efficientnet_tiny"], "losses": ["crossentropy"]}],
}


@dataclass(frozen=True)
class Campaign:
    """A job, and how often it is killed.

    Attributes:
        job: name of the module in `pipelines`.
        words: of its command line; paths are relative to a folder of each attempt.
        moments: kills at random moments.
        moves: kills in front of a random move of a file into place.
        results: the folder in which the results lie.
    """

    job: str
    words: tuple
    moments: int
    moves: int
    results: str = "run"

    @property
    def resumes(self):
        return self.job not in ("export", "release")


CAMPAIGNS = [
    Campaign(
        "binary", (*_TINY, "--gamma", "10", "--head-epochs", "1", "--epochs", "2", "--qat-epochs", "2"), 5, 2
    ),
    Campaign(
        "multiclass",
        (
            *_TINY,
            "--weighting",
            "ohem",
            "--repeats",
            "2",
            "--head-epochs",
            "1",
            "--epochs",
            "2",
            "--no-export",
        ),
        3,
        2,
    ),
    Campaign(
        "clean",
        (
            *(*_TINY, "--oversample", "g23", "--materialise", "variants", "--clean", "custom"),
            *("--clean-model", "efficientnet_tiny", "--clean-rounds", "2", "--clean-remove", "3"),
        ),
        3,
        2,
    ),
    Campaign("sweep", ("grid.yaml", "--out", "run"), 3, 1),
    Campaign("export", ("run", "--out", "again"), 4, 2, "again"),
    Campaign("release", ("run", "--kinds", "int8", "--to", "to"), 3, 4, "to"),
]


@pytest.fixture(scope="module")
def two_classes(noise):
    return noise("benign", "malignant")


@pytest.fixture(scope="module")
def three_classes(noise):
    return noise("bkl", "mel", "nv")


@pytest.fixture(scope="module")
def binary_run(two_classes, tmp_path_factory):
    """A run of the binary job that ended by itself, for those who go on from there; and its cache."""
    folder = tmp_path_factory.mktemp("binary")
    words = (*_TINY, "--head-epochs", "0", "--epochs", "1", "--qat-epochs", "1", "--data-dir", two_classes)
    assert start("binary", *words, folder=folder).wait(600) == 0, (folder / "log").read_text()[-3000:]
    return folder


@pytest.fixture
def prepared(two_classes, three_classes, request):
    """A function (campaign, new folder) that puts there what the job needs, and gives the words of its command."""

    def prepare(campaign, folder):
        folder.mkdir()
        if campaign.job == "export":
            run = request.getfixturevalue("binary_run")
            shutil.copytree(run / "run", folder / "run")
            shutil.copytree(run / "cache", folder / "cache")
            return campaign.words
        if campaign.job == "release":
            released_run(folder / "run")
            earlier_release(folder / "to")
            return campaign.words
        if campaign.job == "sweep":
            (folder / "grid.yaml").write_text(yaml.safe_dump(_GRID))
        images = three_classes if campaign.job == "multiclass" else two_classes
        return (*campaign.words, "--data-dir", images)

    return prepare


@pytest.mark.parametrize("campaign", CAMPAIGNS, ids=lambda campaign: campaign.job)
def test_a_job_that_is_killed_again_and_again_ends_as_one_that_was_not(campaign, prepared, tmp_path):
    whole = tmp_path / "whole"
    words = prepared(campaign, whole)
    started = time.monotonic()
    assert start(campaign.job, *words, folder=whole).wait(900) == 0, (whole / "log").read_text()[-3000:]
    seconds = time.monotonic() - started
    kills = planned_kills(campaign, seconds, (whole / "moves").read_text().split())
    done = 0
    for number in range(10):
        folder = tmp_path / f"killed_{number}"
        words = prepared(campaign, folder)
        before = {name: content(folder / name) for name in files_of(folder)}
        done += kill_until_it_ends(campaign, words, folder, kills)
        assert differences(whole / campaign.results, folder / campaign.results) == []
        assert not [path for path in folder.rglob(".*") if path.name != ".cache"], "leftovers"
        assert "Traceback" not in (folder / "log").read_text()
        if not kills:
            break
    print(f"{campaign.job}: {done} kills in {number + 1} runs, each of {seconds:.0f} s")
    assert done >= campaign.moments + campaign.moves
    assert campaign.job != "release" or before != {name: content(folder / name) for name in files_of(folder)}


def planned_kills(campaign, seconds, moves):
    """(seconds or None, number or name of a move or None) of every kill, the early ones first.

    Beside those at random, one comes in front of every model, when all of its training is done and only the state
    of its last epoch is saved.

    What is done stays done: after a late kill, nothing would come back to the beginning.
    """
    random = np.random.default_rng(zlib.crc32(campaign.job.encode()))
    parts = (np.arange(campaign.moments) + random.uniform(size=campaign.moments)) / campaign.moments
    fatal = [int(number) for number in 1 + random.choice(len(moves), campaign.moves, replace=False)]
    kills = [(part, (part * seconds, None)) for part in parts]
    kills += [(number / len(moves), (None, number)) for number in fatal]
    # By name: a job that goes on moves fewer files.
    models = [number for number, name in enumerate(moves, 1) if name.endswith(".keras")]
    kills += [(number / len(moves), (None, moves[number - 1])) for number in models]
    return [kill for _, kill in sorted(kills, key=lambda kill: kill[0])]


def kill_until_it_ends(campaign, words, folder, kills):
    """Starts a job again and again and kills it as planned, until it ends by itself; the number of kills.

    What has been done is taken from `kills`. A job that goes on has less to do: if it ends before it is killed, that
    kill is left for a job that begins anew.
    """
    done, unfinished = 0, (*words, "--resume") if campaign.resumes else words
    while kills:
        seconds, move = kills[0]
        process = start(campaign.job, *(unfinished if done else words), folder=folder, fatal_move=move)
        if not is_killed(process, seconds):
            assert process.returncode == 0, (folder / "log").read_text()[-3000:]
            if done:
                return done
            kills[0] = (seconds and 0.5 * seconds, move)  # the machine has become faster
            return 0
        kills.pop(0)
        done += 1
    process = start(campaign.job, *unfinished, folder=folder)
    assert process.wait(900) == 0, (folder / "log").read_text()[-3000:]
    return done


def test_there_are_enough_kills_and_every_job_is_killed():
    assert sum(campaign.moments + campaign.moves for campaign in CAMPAIGNS) >= 20
    assert {campaign.job for campaign in CAMPAIGNS} == {
        *("binary", "multiclass", "clean", "sweep", "export", "release")
    }
