"""Sequential and nested models as one flat graph of layers."""

from collections.abc import Iterator

import keras
from keras import layers

_FLOAT = "float32"


def is_graph(model: keras.Model) -> bool:
    """True for a built Sequential or functional model, whose layers and connections Keras knows.

    A model class of one's own is one if it is called with inputs and outputs, as `keras.Model` is.
    """
    if isinstance(model, keras.Sequential):
        return model.built
    return hasattr(model, "operations")


def leaves(model: keras.Model) -> Iterator[keras.Operation]:
    """Layers and operations of a model that `is_graph` and of such models inside it, in their order.

    A model inside it whose graph Keras does not know comes as it is.
    """
    for operation in model.layers if isinstance(model, keras.Sequential) else model.operations:
        if isinstance(operation, keras.Model) and is_graph(operation):
            yield from leaves(operation)
        else:
            yield operation


def flatten(model: keras.Model) -> keras.Model:
    """The same function of the input as one functional model in float32, without models inside it.

    Args:
        model: built Sequential or functional `keras.Model`.

    Returns:
        `model` itself if it is flat and float32 already, else a new model with its own weights. Layers keep
        their names; one of an inner model whose name is taken gets a number behind it.

    Raises:
        ValueError: `model` is a subclassed model, or has not been built.
    """
    if not is_graph(model):
        raise ValueError(
            f"Model {model.name!r} is subclassed or not built, so Keras does not know its graph; make it with "
            "keras.Model(inputs, outputs) or keras.Sequential with a keras.Input, and load its weights."
        )
    if type(model) is not type(_functional(model)):
        model = _functional(model)
    inner = [operation for operation in model.operations if isinstance(operation, keras.Model)]
    if not inner and all(map(_is_float32, model.operations)):
        return model
    flat = _clone(model)
    while any(_is_inlined(operation) for operation in flat.operations):
        flat = keras.models.clone_model(flat, clone_function=lambda layer: layer, call_function=_inlined)
    return flat


def _functional(model: keras.Model) -> keras.Model:
    """A plain functional model of the graph, without what a class of one's own adds to it."""
    inputs, outputs = (
        tensors[0] if len(tensors) == 1 else tensors for tensors in (model.inputs, model.outputs)
    )
    return keras.Model(inputs, outputs, name=model.name)


def _is_inlined(operation) -> bool:
    return isinstance(operation, keras.Model) and is_graph(operation)


def _is_float32(operation) -> bool:
    if isinstance(operation, layers.InputLayer):
        return operation.dtype == _FLOAT
    return getattr(operation, "compute_dtype", _FLOAT) == _FLOAT


def _inlined(layer, *args, **kwargs):
    return (layer.call if _is_inlined(layer) else layer)(*args, **kwargs)


def _clone(model: keras.Model) -> keras.Model:
    """A copy with its weights, in float32, in which no two layers have one name."""
    taken = {operation.name for operation in model.operations}
    outer = {id(operation) for operation in model.operations}

    def clone(operation):
        config = operation.get_config()
        if id(operation) not in outer:
            config["name"] = _free_name(operation.name, taken)
            taken.add(config["name"])
        if not _is_float32(operation):
            config["dtype"] = _FLOAT
        return type(operation).from_config(config)

    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(tensor.shape[1:], name=tensor.name), model.input
    )
    return copy_with_weights(model, input_tensors=inputs, clone_function=clone, recursive=True)


def copy_with_weights(model: keras.Model, **options) -> keras.Model:
    """`keras.models.clone_model` with the weights of the model."""
    copied = keras.models.clone_model(model, **options)
    copied.set_weights(model.get_weights())
    for layer in leaves(copied):
        if isinstance(layer, layers.Normalization):
            layer.finalize_state()  # it computes with values that it derives from its weights
    return copied


def _free_name(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free
