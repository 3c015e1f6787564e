"""Which layer reads which in a Keras functional model."""

from collections.abc import Iterator

import keras


def consumers(model: keras.Model) -> dict[str, list[str]]:
    """Names of the layers that read each layer's output.

    This reads `model.get_config()`, the format of `.keras` files, because Keras has no other public view of a
    functional graph that excludes uses of the same layers in other models.

    Args:
        model: a functional `keras.Model`.

    Returns:
        For every layer name the names of its consumers, once per use; a model output counts as a consumer
        named "".
    """
    config = model.get_config()
    readers = {layer["config"]["name"]: [] for layer in config["layers"]}
    for layer in config["layers"]:
        for producer in _producers(layer["inbound_nodes"]):
            readers[producer].append(layer["config"]["name"])
    for output in _outputs(config["output_layers"]):
        readers[output].append("")
    return readers


def producers(readers: dict[str, list[str]], name: str) -> list[str]:
    """Names of the layers whose output the layer `name` reads, given the model's `consumers`."""
    return [producer for producer, names in readers.items() if name in names]


def ancestors(readers: dict[str, list[str]], name: str) -> frozenset[str]:
    """Names of all layers that the layer `name` depends on, given the model's `consumers`."""
    found, behind = set(), [name]
    while behind:
        new = set(producers(readers, behind.pop())) - found
        found |= new
        behind += new
    return frozenset(found)


def _producers(node) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("class_name") == "__keras_tensor__":
            yield node["config"]["keras_history"][0]
            return
        node = list(node.values())
    if isinstance(node, list | tuple):
        for item in node:
            yield from _producers(item)


def _outputs(entry) -> Iterator[str]:
    # One output is ["name", node index, tensor index]; several are nested in a list, a tuple or a dict.
    if isinstance(entry, dict):
        entry = list(entry.values())
    if isinstance(entry[0], str):
        yield entry[0]
        return
    for item in entry:
        yield from _outputs(item)
