"""A constructor for each architecture: `EfficientNetLite0(classes=2)`, `VGG16(classes=7)`, ...; and
`EfficientNetLite0.from_preset(...)` for released models."""

import os

import keras

from skinkeras.lazy import LazyFunction
from skinkeras.models.architectures import ARCHITECTURES, FAMILIES, ModelName, constructor_name
from skinkeras.models.registry import create

_DOCUMENTATION = """Builds {title}: `create({name!r}, ...)`.
{note}
Args:
    classes: int >= 2, the number of classes.
    input_size: height and width in pixels, at least 32; None is {row.input_size}.
    weights: `"imagenet"`, `"none"` (or None) for random ones, a file, or the name of a released model, whose
        features are taken (see `check_available`).
    dropout: rate in [0, 1) in front of the classifier; None is {row.dropout}.
    cbam: whether a `skinkeras.layers.CBAM` stands in front of the classifier.
    colour_constancy: whether a `skinkeras.layers.ShadesOfGray` first takes the colour of the light out of the
        image.

Returns:
    A `keras.Model` from `image` (batch, size, size, 3), float32 RGB in 0..255, to `probs` (batch, classes),
    float32 softmax probabilities.

`{constructor}.from_preset(preset)` builds a released model of this architecture: see `presets()`.

Raises:
    ValueError, WeightsUnavailableError, WeightsFileError: as `create`.

Example:
    >>> model = {constructor}(classes=3, weights="none")
    >>> model.output_shape
    (None, 3)
"""


# Reads files of `skinkeras.tflite`, which nobody needs for a new model.
_load_preset = LazyFunction("skinkeras.models.released:load_preset")


def _constructor(name):
    def build(
        classes=2, *, input_size=None, weights="imagenet", dropout=None, cbam=False, colour_constancy=False
    ):
        return create(
            str(ModelName(name, "cbam" if cbam else "dense")),
            classes,
            input_size=input_size,
            weights=weights,
            dropout=dropout,
            colour_constancy=colour_constancy,
        )

    def from_preset(preset: str | os.PathLike, *, dropout: float | None = None) -> keras.Model:
        """Builds a released model of this architecture: `skinkeras.models.released.load_preset`, which says more.

        Args:
            preset: a key of `presets()`, or the path of a `NAME.json` with its files beside it.
            dropout: rate in [0, 1) in front of the classifier; None is the architecture's own.

        Returns:
            A `keras.Model` with the weights of the float16 file. Batch normalization is frozen.

        Raises:
            ValueError, WeightsFileError: as `load_preset`.
        """
        return _load_preset(preset, name, dropout=dropout)

    build.from_preset = from_preset
    row, build.__name__ = ARCHITECTURES[name], constructor_name(name)
    build.__qualname__ = build.__name__
    build.__doc__ = _DOCUMENTATION.format(
        name=name,
        row=row,
        constructor=build.__name__,
        title=f"{build.__name__}, {FAMILIES[row.family].title}",
        note=f"\n{row.note}\n" if row.note else "",
    )
    return build


globals().update({constructor_name(name): _constructor(name) for name in ARCHITECTURES})


def VGG16CBAM(
    classes=7,
    *,
    input_size=None,
    weights="imagenet",
    dropout=0.5,
    feature_dropout=0.0,
    colour_constancy=False,
):
    """Builds the flat model of Barata & Santiago 2021: `create("vgg16_cbam", ...)`.

    VGG16's convolutions, CBAM on the output of the last pooling, and a fully connected softmax layer on
    its mean over places. The mean instead of all places keeps the layer small (512 inputs, not 25,088) and
    free of the input size.

    Args, returns and raises: as `create`.
    """
    return create(
        "vgg16_cbam",
        classes,
        input_size=input_size,
        weights=weights,
        dropout=dropout,
        feature_dropout=feature_dropout,
        colour_constancy=colour_constancy,
    )
