"""Fine-tunes for integers what a run has trained without `--export`, beside the run, which stays as it is."""

import shutil

from pipelines.common import line
from pipelines.common.console import section

# What fine-tuning reads of a run's repeat: the float model, and how its calibration was folded into it.
_NEEDED = ("model.keras", "calibration.json")


def fine_tune(job, settings, number, trained, target):
    """Makes `model_qat.keras` in `target`, unless it is there already; a killed one goes on.

    The training images are those of the run: its split, oversampling and cleaning. The loss starts as a new one, as
    what a run keeps of it is removed when the run is complete: a recall loss has miss rates of 1, and a curriculum
    has ended.

    Args:
        job: module of the run's job.
        settings: those of the run, resolved for `--export`.
        number: of the repeat, from 1.
        trained: `RunFolder` of the repeat.
        target: `RunFolder` that it is made in; locked.
    """
    target.path.mkdir(parents=True, exist_ok=True)
    for name in _NEEDED:
        if trained.file(name).exists() and not target.file(name).exists():
            shutil.copy2(trained.file(name), target.file(name))
    if target.file("model_qat.keras").exists():
        return
    section(f"Quantization-aware fine-tuning, split {number}")
    task, data = job.trained_on(settings, trained)
    trainer = line.Trainer(task, settings.model, settings.training, settings.decisions)
    trainer.fine_tune(line.Repeat(number, target, data))
    target.complete()
