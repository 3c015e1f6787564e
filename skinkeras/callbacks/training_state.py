"""Everything that a killed training run needs to continue with the same result."""

import json
from pathlib import Path

import keras
import numpy as np
from keras import ops

from skinkeras.callbacks.one_cycle import unwrapped
from skinkeras.errors import DamagedFileError
from skinkeras.files.writing import replacing


class TrainingState(keras.callbacks.Callback):
    """Saves the whole state of training after every epoch, in one file, and restores it.

    The state is every variable of the model (random seeds and batch statistics included), of the
    optimizer and of the loss, the one-cycle that the optimizer is in, the number of finished epochs and their
    logs. Keras' `BackupAndRestore` omits the loss's state. The file is replaced in one step: a kill leaves the old
    or the new one. List this callback after those that change the epoch's logs, so that it saves their values.

    On several devices the values of the first one are saved. All weights are the same on each; what is not, such as
    the random seeds of dropout, is restored as that of the first device on all of them: training then continues with
    other random numbers than an uninterrupted one.

    Args:
        path: where the state is kept, ending in `.npz`.
        loss: a loss with a `variables` list, such as `RecallCrossentropy`, or None.

    Attributes:
        epochs: int, how many epochs are finished.
        history: list of dicts, the logs of each finished epoch.
    """

    def __init__(self, path, loss=None):
        super().__init__()
        self.path = Path(path)
        self.loss = loss
        self.epochs = 0
        self.history = []

    def restore(self, model):
        """Puts the saved state into a compiled model; without a file it does nothing.

        Returns:
            The number of finished epochs: `fit`'s `initial_epoch`.

        Raises:
            DamagedFileError: a `ValueError`; the file is damaged, or belongs to another model, optimizer or
                loss.
        """
        if not self.path.exists():
            return 0
        variables = self._variables(model)
        record, values = self._read()
        same = [list(variable.shape) for variable in variables] == record["shapes"]
        if not same or record["optimizer"] != _optimizer_name(model.optimizer):
            raise DamagedFileError(
                f"{self.path} was saved by another model, optimizer or loss: delete it and resume, to repeat this "
                "part of the run, or use another folder."
            )
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        if record.get("cycle"):
            cycle = unwrapped(model.optimizer).cycle
            cycle.values = record["cycle"]
            cycle.end()  # until a `OneCycle` goes on with it: after the last epoch, none does
        self.epochs, self.history = record["epochs"], record["history"]
        return self.epochs

    def _read(self):
        """(record, values of the variables) of the file."""
        try:
            with np.load(self.path) as saved:
                # `on_epoch_end` does not compress: what inflates was not written there, and may fill the memory.
                if sum(part.file_size for part in saved.zip.infolist()) > self.path.stat().st_size:
                    raise ValueError("it inflates")
                record = json.loads(str(saved["record"]))
                values = [saved[f"v{number}"] for number in range(len(record["shapes"]))]
            record["history"] = [dict(row) for row in record["history"]]
            shapes = [list(value.shape) for value in values]
            if shapes != record["shapes"] or len(record["history"]) != record["epochs"]:
                raise ValueError("its parts contradict each other")
            return {"optimizer": record["optimizer"], **record}, values
        except Exception as error:  # a damaged file can raise anything
            raise DamagedFileError(
                f"{self.path} is damaged: delete it and resume, to repeat this part of the run."
            ) from error

    def on_epoch_end(self, epoch, logs=None):
        self.epochs = epoch + 1
        self.history.append({key: float(value) for key, value in (logs or {}).items()})
        variables, cycle = (
            self._variables(self.model),
            getattr(unwrapped(self.model.optimizer), "cycle", None),
        )
        record = {
            "shapes": [list(variable.shape) for variable in variables],
            "optimizer": _optimizer_name(self.model.optimizer),
            "cycle": cycle and cycle.values,
            "epochs": self.epochs,
            "history": self.history,
        }
        values = {f"v{number}": ops.convert_to_numpy(v) for number, v in enumerate(variables)}
        with replacing(self.path) as temporary:
            np.savez(temporary, record=json.dumps(record), **values)

    def _variables(self, model):
        if not model.optimizer.built:
            with model.distribute_strategy.scope():
                model.optimizer.build(model.trainable_variables)
        metrics = {id(variable) for variable in model.metrics_variables}
        return [
            *(variable for variable in model.variables if id(variable) not in metrics),
            *model.optimizer.variables,
            *getattr(self.loss, "variables", []),
        ]


def _optimizer_name(optimizer):
    """The optimizer's class, and that of the one inside: `LossScaleOptimizer(CyclicalAdam)`."""
    inner = unwrapped(optimizer)
    name = type(inner).__name__
    return name if inner is optimizer else f"{type(optimizer).__name__}({name})"
