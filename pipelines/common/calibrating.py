"""Calibration of a run's models on its validation images, folded into them before they are saved."""

import keras

from pipelines.common.console import say
from skinkeras import evaluation, quantization
from skinkeras.errors import DamagedFileError
from skinkeras.files.reading_json import read_json
from skinkeras.files.writing import write_json

_FILE = "calibration.json"


def calibrate(model, repeat, task, options, form):
    """Fits a calibration, folds it into a trained model, and notes it in `calibration.json`.

    Args:
        model: Keras model with a softmax of the learned classes, changed in place.
        repeat: `line.Repeat`.
        task: `training.Task`.
        options: `CalibrationOptions` or `DecisionOptions`.
        form: "float" or "QAT".

    Without validation images, with `--calibration none` and for hierarchical models, whose levels would need one
    each, nothing is done.
    """
    data = repeat.data
    if options.calibration == "none" or task.hierarchical or not data.has_validation:
        _note(repeat.folder, form, None)
        return
    of_classes = keras.Model(model.input, next(one for one in model.layers if _is_softmax(one)).output)
    predict = evaluation.ModelForm(form, of_classes.predict_on_batch)
    validation, test = data.subset("validation"), data.subset("test")
    before = {subset: evaluation.probabilities(predict, images) for subset, images in _both(validation, test)}
    with_bias = options.calibration == "temperature_and_bias"
    fitted = task.fit_calibration(validation, before["validation"], fit_bias=with_bias)
    if options.prevalence is not None:
        shift = evaluation.prevalence_shift(
            len(fitted.bias), validation.positives, float(validation.malignant.mean()), options.prevalence
        )
        fitted = fitted.followed_by(shift)
    quantization.fold_calibration(model, fitted)
    found = {"temperature": fitted.temperature, "bias": list(fitted.bias)}
    for subset, images in _both(validation, test):
        after = evaluation.probabilities(predict, images)
        found[subset] = {
            when: task.calibration_metrics(images, scores)
            for when, scores in (("before", before[subset]), ("after", after))
        }
    errors = [found["test"][when]["expected_calibration_error"] for when in ("after", "before")]
    say(
        f"  calibrated: temperature {fitted.temperature:.3f}; calibration error on the test images "
        f"{errors[0]:.3f}, was {errors[1]:.3f}"
    )
    _note(repeat.folder, form, found)


def uncalibrate(model, folder):
    """Takes the calibration of a run's float model out of it again, to train it further."""
    found = calibrations(folder).get("float")
    if found:
        fitted = evaluation.Calibration(found["temperature"], tuple(found["bias"]))
        try:
            quantization.fold_calibration(model, fitted.inverse)
        except ValueError as error:  # that of other classes
            raise _damaged(folder.file(_FILE)) from error


def calibrations(folder):
    """{form: calibration as a record has it} of a run; empty where nothing was calibrated.

    Raises:
        DamagedFileError: `calibration.json` does not hold what it should.
    """
    path = folder.file(_FILE)
    if not path.exists():
        return {}
    try:
        found = read_json(path)
        for one in found.values():
            _ = evaluation.Calibration(one["temperature"], tuple(one["bias"])).inverse
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise _damaged(path) from error
    return found


def _damaged(path):
    return DamagedFileError(
        f"{path} is damaged: delete it and the run's .keras files, and resume, to train again from the state that is "
        "there."
    )


def _note(folder, form, found):
    """Writes the calibration of a form, in place of one of an earlier model; None: it has none."""
    known = calibrations(folder)
    noted = {name: one for name, one in {**known, form: found}.items() if one}
    if noted != known:
        write_json(folder.file(_FILE), noted)


def _both(validation, test):
    return (("validation", validation), ("test", test))


def _is_softmax(layer):
    return type(layer) is keras.layers.Softmax
