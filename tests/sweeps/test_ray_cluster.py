"""A sweep on a Ray cluster of two nodes, one of which dies: what it ran is run again, with the same result."""

import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
import yaml
from processes import SURROUNDINGS

from pipelines.common import options
from pipelines.sweeps.engine.grid_file import read_grid
from skinkeras import datasets

GRID = {
    "settings": {
        "data": "manifest",
        "weights": "none",
        "image_size": 32,
        "head_epochs": 0,
        "epochs": 4,
        "export": False,
    },
    "seeds": [0, 1, 2],
    "training_sets": [{"oversample": "none", "clean": "none", "rounds": [0]}],
    "runs": [{"models": ["efficientnet_tiny"], "losses": ["crossentropy"]}],
}

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@contextmanager
def cluster_of_two_nodes():
    """A cluster whose head runs nothing; yields its address and the two nodes, of one core each."""
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    head = {"num_cpus": 0, "include_dashboard": False}
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
    try:
        yield cluster.address, [cluster.add_node(num_cpus=1) for _ in range(2)]
    finally:
        cluster.shutdown()


def processes_of(node):
    """The node's processes and all that they have started, as a machine that loses power loses them."""
    psutil = pytest.importorskip("psutil")
    roots = [psutil.Process(info.process.pid) for infos in node.all_processes.values() for info in infos]
    return [*roots, *(child for root in roots for child in root.children(recursive=True))]


def run_in_its_middle(node, runs, log, sweep, seconds=500):
    """The name of the run of which the node has finished some epochs, but not all."""
    end = time.monotonic() + seconds
    while True:
        assert sweep.poll() is None, f"it ended by itself: {log.read_text()[-3000:]}"
        assert time.monotonic() < end, log.read_text()[-3000:]
        for process in processes_of(node):
            words = process.cmdline()
            names = [folder.name for folder in runs.glob("*_seed?") if str(folder) in words]
            if names and (runs / names[0] / "state" / "all.npz").exists():
                return names[0]
        time.sleep(0.3)


def command_of(grid, folder):
    return [sys.executable, "-m", "pipelines.sweep", grid, "--out", folder, "--workers", "2"]


def test_runs_of_a_node_that_is_killed_are_done_again_and_end_alike(tmp_path):
    images, out, log = tmp_path / "images", tmp_path / "sweep", tmp_path / "log"
    datasets.synthetic(160, 0, images).to_csv(images / "manifest.csv")
    (tmp_path / "grid.yaml").write_text(yaml.safe_dump(GRID))
    command = command_of(tmp_path / "grid.yaml", out)
    with cluster_of_two_nodes() as (address, nodes), open(log, "a") as file:
        words = [*command, "--data-dir", images, "--ray", address]
        sweep = subprocess.Popen(words, stdout=file, stderr=file, **SURROUNDINGS)
        try:
            name = run_in_its_middle(nodes[1], out / "runs", log, sweep)
            for process in processes_of(nodes[1]):
                process.send_signal(signal.SIGKILL)
            assert sweep.wait(timeout=400) == 0, log.read_text()[-3000:]
        finally:
            sweep.kill()
    table = pd.read_csv(out / "runs.csv")
    assert len(table) == 3 and set(table["status"]) == {"done"}
    # The killed attempt printed to the same log, and the next one went on with its epochs.
    assert "going on after epoch" in (out / "runs" / f"{name}.log").read_text()
    assert_same_run(out, name, tmp_path / "again")


def assert_same_run(sweep, name, again):
    """The run is the one that its command makes without a cluster and without a kill."""
    grid = read_grid(sweep / "sweep.yaml")
    (chosen,) = (run for run in grid.runs if run.name == name)
    words = options.flags(grid.run_values(chosen, sweep) | {"out": again})
    subprocess.run([sys.executable, "-m", "pipelines.binary", *words], check=True, **SURROUNDINGS)
    ours, theirs = (pd.read_csv(folder / "predictions.csv") for folder in (sweep / "runs" / name, again))
    assert ours.equals(theirs)
    assert np.isfinite(ours.select_dtypes("number")).all(axis=None)
