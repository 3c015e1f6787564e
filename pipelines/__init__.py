"""The runnable jobs: `python -m pipelines.binary`, one module or package a job."""

from pipelines.common import stopping

if stopping.runs_as_a_command():
    stopping.open_closed_streams()
    stopping.stop_quietly_while_importing()
