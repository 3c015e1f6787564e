"""`--data-service`: the run is the one that it is without, which may also be resumed without."""

import socket

import pandas as pd
import pytest
import yaml
from data_service_processes import free_port, running_service
from processes import run_here

from pipelines import binary, data_service
from pipelines.common import options
from skinkeras.errors import UsageError

WORDS = (
    *("--max-images", "64", "--image-size", "32", "--model", "efficientnet_tiny", "--weights", "none"),
    *("--oversample", "g23", "--gamma", "10", "--augmentation", "strong", "--no-export"),
    *("--head-epochs", "0", "--epochs", "2", "--batch-size", "8"),
)


@pytest.mark.long
def test_a_run_is_the_same_with_a_service(tmp_path, cache_dir):
    words = (*WORDS, "--cache-dir", cache_dir)
    with running_service(tmp_path) as (address, _):
        run_here(binary, *words, "--data-service", address, "--out", tmp_path / "with")
    run_here(binary, *words, "--out", tmp_path / "without")
    for name in ("history.csv", "predictions.csv"):
        ours, theirs = (pd.read_csv(tmp_path / folder / name) for folder in ("with", "without"))
        assert ours.drop(columns="seconds", errors="ignore").equals(
            theirs.drop(columns="seconds", errors="ignore")
        )
    card = (tmp_path / "with" / "card.md").read_text()
    assert "made by the workers of a tf.data service" in card and address not in card
    # The service is no part of the run: a complete one is shown again without it.
    run_here(binary, *words, "--out", tmp_path / "with", "--resume")
    assert (
        yaml.safe_load((tmp_path / "with" / "config.yaml").read_text())["settings"]["data_service"] == address
    )


def test_a_service_that_is_not_there_is_refused_before_anything_is_written(tmp_path):
    address = f"grpc://localhost:{free_port()}"
    settings = binary.Settings(
        training=binary.TrainingOptions(data_service=address),
        output=binary.OutputOptions(out=tmp_path / "run"),
    )
    with pytest.raises(UsageError, match=f"No data service answers at {address}"):
        binary.main(settings)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["worker"], r"A worker needs --dispatcher grpc://HOST:PORT: that of its dispatcher\."),
        (["worker", "--dispatcher", "here"], r"is grpc://HOST:PORT\. Received: 'here'"),
        (["dispatcher", "--host", "here"], r"--host belongs to a worker: leave it out for the dispatcher\."),
        (["dispatcher", "--port", "65536"], r"--port must be .* at most 65535\. Received: 65536"),
    ],
)
def test_a_process_of_the_service_refuses_what_its_role_does_not_take(words, message):
    settings = options.read_command_line(data_service.Settings, words, program="job")
    with pytest.raises(UsageError, match=message):
        data_service.main(settings)


def test_two_dispatchers_do_not_share_a_port():
    with socket.socket() as other:
        other.bind(("", 0))
        other.listen()
        settings = data_service.Settings("dispatcher", port=other.getsockname()[1])
        with pytest.raises(UsageError, match=r"Port \d+ cannot be listened on .*: choose another --port\."):
            data_service.main(settings)
