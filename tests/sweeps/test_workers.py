"""Where the jobs of a sweep run: processes on this machine, or a Ray cluster."""

import signal
import sys

import pytest

from pipelines.sweeps.engine.workers import Job, LocalWorkers, RayWorkers

JOBS = {
    "good": "print('fine')",
    "bad": "import sys; print('Error: no luck'); sys.exit(1)",
    "killed": "import os; os.kill(os.getpid(), 9)",
}


@pytest.mark.parametrize("kind", ["local", "ray"])
def test_two_workers_do_all_jobs_and_pass_over_those_that_fail(kind, tmp_path):
    if kind == "ray":
        pytest.importorskip("ray")
    workers = LocalWorkers(2) if kind == "local" else RayWorkers("local", 2)
    marks = [tmp_path / f"mark{n}" for n in range(2)]
    # Each of two jobs waits for the other: one worker alone would never end.
    wait = "import pathlib, sys, time\npathlib.Path(sys.argv[1]).touch()\nend = time.time() + 60\n"
    wait += (
        "while not pathlib.Path(sys.argv[2]).exists():\n    assert time.time() < end\n    time.sleep(0.05)"
    )
    pairs = {"first": marks, "second": marks[::-1]}
    jobs = [Job(n, ("-c", wait, *map(str, pair)), str(tmp_path / n)) for n, pair in pairs.items()]
    jobs += [Job(name, ("-c", code), str(tmp_path / "logs" / name)) for name, code in JOBS.items()]
    with workers:
        once = {name: (code, line) for name, code, _, line in workers.results(jobs[:2])}
        again = {name: (code, line) for name, code, _, line in workers.results(jobs[2:])}
    results = {**once, **again}
    assert results["first"][0] == results["second"][0] == 0
    assert results["good"] == (0, "fine")
    assert results["bad"] == (1, "Error: no luck")
    assert results["killed"] == (-signal.SIGKILL, "ended by signal 9; its last line: it printed nothing")


def test_the_refusal_without_ray_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"pip install -e '.\[ray\]'"):
        RayWorkers("local", 2)
