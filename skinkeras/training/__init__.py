"""Training in phases that can be killed and resumed, and the tasks that say what is trained and measured."""

from skinkeras.training.devices import compute_in_order, make_virtual_devices, set_precision, strategy_of
from skinkeras.training.memory import free_memory
from skinkeras.training.phases import Phase, TrainingPlaces, calibrated, freeze, train_phase, unfreeze
from skinkeras.training.progress import DivergedError
from skinkeras.training.tasks import BinaryTask, DiagnosisTask, Task

__all__ = [
    "BinaryTask",
    "DiagnosisTask",
    "DivergedError",
    "Phase",
    "Task",
    "TrainingPlaces",
    "calibrated",
    "compute_in_order",
    "free_memory",
    "freeze",
    "make_virtual_devices",
    "set_precision",
    "strategy_of",
    "train_phase",
    "unfreeze",
]
