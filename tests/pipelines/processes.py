"""Jobs in processes of their own."""

import os
import signal
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PATHS = [Path(__file__).parent / "startup", ROOT / "tests", ROOT, os.environ.get("PYTHONPATH")]

# Where they run, and with what: a small network stands in for EfficientNet-Lite0.
SURROUNDINGS = {
    "cwd": ROOT,
    "env": {
        **os.environ,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": os.pathsep.join(str(path) for path in _PATHS if path),
    },
}


def kill_once_there(process, path, log, seconds=600):
    """SIGKILL, which nothing can catch, as soon as `path` exists."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, f"it ended by itself: {Path(log).read_text()[-3000:]}"
        assert time.monotonic() < end, f"{path} did not come: {Path(log).read_text()[-3000:]}"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
