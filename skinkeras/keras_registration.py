"""Makes Keras find this package's layers, losses and optimizers when it loads a saved model."""

import pkgutil
import sys
from dataclasses import dataclass

# Classes that `keras.saving.register_keras_serializable("skinkeras")` decorates, by the package that has them.
_SERIALIZABLE = {
    "skinkeras.callbacks": ("CyclicalAdam", "CyclicalAdamW"),
    "skinkeras.layers": (
        "CBAM",
        "ChannelAttention",
        "ChannelPooling",
        "MergeClasses",
        "ShadesOfGray",
        "SpatialAttention",
        "SpreadClasses",
    ),
    "skinkeras.models": ("ImageClassifier", "Preprocessor"),
    "skinkeras.quantization": (
        "FakeQuantize",
        "FakeQuantizeSwishInput",
        "FixedFakeQuantize",
        "QuantizedConv2D",
        "QuantizedConv2DTranspose",
        "QuantizedDense",
        "QuantizedDepthwiseConv2D",
        "QuantizedMergeClasses",
        "QuantizedRescaling",
        "QuantizedSpreadClasses",
        "ScaleChannels",
    ),
}


def register_with_keras():
    """Lets `keras.saving.load_model` load this package's models, now or as soon as Keras is imported.

    Keras looks a saved class up by name, and only among the classes whose modules have been imported. To import
    them all here would make `import skinkeras`, and with it every `--help`, wait seconds for Keras and
    TensorFlow. So each name is registered with a stand-in that imports the class when a model with it is
    loaded; the class then takes the stand-in's place. If Keras is not there yet, a finder in `sys.meta_path`
    waits for its import, registers the stand-ins after it, and removes itself.
    """
    if "keras" in sys.modules:
        _register_stand_ins()
    elif not any(isinstance(finder, _KerasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _KerasFinder())


@dataclass(frozen=True)
class _StandIn:
    """What Keras finds in place of a class whose module has not been imported."""

    reference: str

    def from_config(self, config):
        return pkgutil.resolve_name(self.reference).from_config(config)


def serializable():
    """{package: names} of every class that Keras saves: of the losses, all that their package lists."""
    from skinkeras import losses

    classes = tuple(name for name in losses.__all__ if name[0].isupper() and not name.isupper())
    return {**_SERIALIZABLE, "skinkeras.losses": classes}


def _register_stand_ins():
    registered = sys.modules["keras"].saving.get_custom_objects()
    for package, names in serializable().items():
        for name in names:
            registered.setdefault(f"skinkeras>{name}", _StandIn(f"{package}:{name}"))


class _KerasFinder:
    """Finds `keras` as the other finders do, and registers the stand-ins when its import has ended."""

    def find_spec(self, name, path=None, target=None):
        if name != "keras":
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is not None:
            self._register_behind(spec.loader)
        return spec

    def _register_behind(self, loader):
        execute = loader.exec_module

        def exec_module(module):
            execute(module)
            del loader.exec_module  # the loader's own comes to light again
            if self in sys.meta_path:
                sys.meta_path.remove(self)
            _register_stand_ins()

        loader.exec_module = exec_module
