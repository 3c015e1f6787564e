"""What every loss class of the package, and every row of its tables, does.

Loss classes are found by walking the package: one without a case in `loss_cases.CLASS_CASES` fails here.
"""

import doctest
import importlib
import inspect
import json
import pkgutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from loss_cases import CLASS_CASES, LOSS_ROWS, WEIGHTING_ROWS, Y_TRUE, goes_together, row_case

from skinkeras import losses
from skinkeras.keras_registration import serializable

MODULES = [
    importlib.import_module(f"skinkeras.losses.{info.name}") for info in pkgutil.iter_modules(losses.__path__)
]
CLASSES = {
    name: thing
    for module in MODULES
    for name, thing in inspect.getmembers(module, inspect.isclass)
    if issubclass(thing, keras.losses.Loss)
    and thing.__module__ == module.__name__
    and not (name.startswith("_") or inspect.isabstract(thing))
}
CASES = {
    f"{name}-{variant}": case
    for name, cases in CLASS_CASES.items()
    for variant, case in cases.items()
} | {
    f"{loss}-{weighting}": row_case(loss, weighting)
    for loss in LOSS_ROWS
    for weighting in WEIGHTING_ROWS
    if goes_together(loss, weighting)
}  # fmt: skip


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


@pytest.fixture
def loss(case):
    return case.make()


def per_sample(loss, y_true, y_pred):
    return np.asarray(loss.call(tf.constant(y_true), tf.constant(y_pred)))


def test_every_loss_class_and_every_row_has_a_case():
    assert set(CLASSES) == set(CLASS_CASES)
    assert set(losses.LOSSES) == set(LOSS_ROWS)
    assert set(losses.WEIGHTINGS) == set(WEIGHTING_ROWS)


def test_one_loss_a_sample_by_hand(loss, case):
    loss.reduction = None
    values = loss(Y_TRUE, case.y_pred)
    assert values.shape == (6,) and values.dtype == "float32"
    assert np.asarray(values) == pytest.approx(case.expected, rel=1e-5)


def test_reductions_and_sample_weights_are_those_of_keras(loss, case):
    weights = np.arange(1, 7, dtype="float32")
    for reduction, reduced in {"sum": np.sum, "sum_over_batch_size": np.mean}.items():
        loss.reduction = reduction
        value = loss(Y_TRUE, case.y_pred)
        assert value.shape == () and value.dtype == "float32"
        assert float(value) == pytest.approx(reduced(case.expected), rel=1e-5)
        weighted = loss(Y_TRUE, case.y_pred, sample_weight=weights)
        assert float(weighted) == pytest.approx(reduced(weights * case.expected), rel=1e-5)


@pytest.mark.parametrize(("dtype", "error"), [("float64", 1e-5), ("float16", 1e-2)])
def test_whole_numbers_as_labels_and_predictions_of_another_precision(loss, case, dtype, error):
    value = loss(Y_TRUE.astype(int), case.y_pred.astype(dtype))
    assert value.dtype == "float32"
    assert float(value) == pytest.approx(case.expected.mean(), rel=error)


def test_the_gradient_is_finite_and_flows_through_the_samples_that_weigh_something(loss, case):
    y_pred = tf.constant(case.y_pred)
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        value = loss(Y_TRUE, y_pred)
    rows = np.abs(tape.gradient(value, y_pred).numpy()).sum(axis=1)
    assert np.isfinite(rows).all()
    assert (rows > 0).tolist() == (case.expected > 0).tolist()


def test_a_graph_of_unknown_batch_size_gives_what_eager_execution_gives(loss, case):
    signature = [tf.TensorSpec((None, values.shape[1]), "float32") for values in (Y_TRUE, case.y_pred)]
    traced = tf.function(loss, input_signature=signature)
    for size in (6, 4, 1):
        batch = Y_TRUE[:size], case.y_pred[:size]
        assert float(traced(*batch)) == pytest.approx(float(loss(*batch)), rel=1e-6)


def test_a_batch_of_one_class_and_a_batch_of_one_sample(loss, case):
    assert np.isfinite(per_sample(loss, Y_TRUE[4:], case.y_pred[4:])).all()
    # A curriculum always keeps the only sample.
    assert np.all(per_sample(loss, Y_TRUE[:1], case.y_pred[:1]) > 0)


def test_it_goes_on_from_its_configuration(loss, case):
    loss.reduction = "sum"
    for variable in getattr(loss, "variables", []):
        variable.assign(keras.ops.full_like(variable, 0.75))
    copy = keras.losses.deserialize(json.loads(json.dumps(keras.losses.serialize(loss))))
    assert type(copy) is type(loss)
    assert copy.get_config() == loss.get_config()
    assert per_sample(copy, Y_TRUE, case.y_pred).tolist() == per_sample(loss, Y_TRUE, case.y_pred).tolist()


def test_its_whole_state_is_listed(loss, case):
    listed = getattr(loss, "variables", [])
    assert sorted(variable.name for variable in listed) == sorted(case.state)
    assert not any(variable.trainable for variable in listed)
    # What a callback or the loss's own settings say anew in each run is not part of what a resumed run needs.
    held = {id(variable) for variable in variables_of(loss) if variable.name not in ("evaluating", "shares")}
    assert held == {id(variable) for variable in listed}


def variables_of(loss):
    for value in vars(loss).values():
        if isinstance(value, keras.Variable):
            yield value
        elif isinstance(value, keras.losses.Loss):
            yield from variables_of(value)


@pytest.mark.parametrize("name", CLASSES)
def test_keras_and_the_package_know_the_class(name):
    assert getattr(losses, name) is CLASSES[name]
    assert keras.saving.get_registered_name(CLASSES[name]) == f"skinkeras>{name}"
    assert name in serializable()["skinkeras.losses"]


@pytest.mark.parametrize("name", CLASSES)
def test_the_docstring_says_what_the_constructor_takes(name):
    text = inspect.getdoc(CLASSES[name])
    for heading in ("Args:", "Call:", "Raises:", "Example:"):
        assert heading in text
    for parameter in inspect.signature(CLASSES[name]).parameters:
        assert parameter in text


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_in_docstrings_run(module):
    names = {"keras": keras, **{name: getattr(losses, name) for name in losses.__all__}}
    failed, _ = doctest.testmod(module, extraglobs=names)
    assert failed == 0


def public_callables():
    for module in MODULES:
        for name, thing in vars(module).items():
            if not name.startswith("_") and getattr(thing, "__module__", None) == module.__name__:
                yield pytest.param(thing, id=name)


@pytest.mark.parametrize("thing", public_callables())
def test_booleans_are_keyword_only(thing):
    for parameter in inspect.signature(thing).parameters.values():
        if isinstance(parameter.default, bool):
            assert parameter.kind is parameter.KEYWORD_ONLY
