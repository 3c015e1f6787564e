"""An image classifier with a custom head on any backbone."""

import os
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Self

import keras
import numpy as np

from skinkeras.images.preparation import ImageInput, is_one_image
from skinkeras.models.architectures import parse_name
from skinkeras.models.backbones import backbone as build_backbone
from skinkeras.models.preprocessor import Preprocessor
from skinkeras.models.preset_table import find_preset
from skinkeras.models.registry import backbone_layers
from skinkeras.models.released import load_preset


@keras.saving.register_keras_serializable("skinkeras")
class ImageClassifier(keras.Model):
    """An image classifier: a backbone, a head, and what prepares the images.

    The graph is flat, as that of `create`: it can be trained, quantized and exported like any model here.

    Args:
        backbone: a `keras.Model` from images to a feature map, such as `models.backbone(...)`. Its layers become
            part of this model, and are shared with it.
        num_classes: int >= 2, the number of classes.
        preprocessor: a `Preprocessor`, or None: then `predict` takes what the backbone takes.
        head: a layer, or a list of layers that follow one another, from the feature map to (batch, num_classes)
            probabilities; None is `GlobalAveragePooling2D`, `Dropout`, `Dense` named `logits` and `Softmax`.
        dropout: rate in [0, 1) of the default head.
        name: of the model; None is the backbone's.

    Call:
        images: (batch, height, width, 3) of the backbone's size, float32 RGB in 0..255.

    Returns (call):
        (batch, num_classes) float32.

    Raises:
        ValueError: fewer than two classes, a head that gives something else than (batch, num_classes), or a
            preprocessor of another size than the backbone's.

    Example:
        >>> features = models.backbone("efficientnet_tiny", input_size=32, weights="none")
        >>> classifier = ImageClassifier(features, num_classes=5, preprocessor=Preprocessor(32), dropout=0.3)
        >>> classifier.predict([np.zeros((450, 600, 3)), np.zeros((120, 90, 3))], verbose=0).shape
        (2, 5)
    """

    def __init__(
        self,
        backbone: keras.Model,
        num_classes: int,
        *,
        preprocessor: Preprocessor | None = None,
        head: keras.layers.Layer | Sequence[keras.layers.Layer] | None = None,
        dropout: float = 0.0,
        name: str | None = None,
    ):
        if num_classes < 2:
            raise ValueError(f"num_classes must be at least 2. Received: {num_classes}")
        size = preprocessor and (preprocessor.image_size, preprocessor.image_size)
        if size and size != backbone.input_shape[1:3] and None not in backbone.input_shape[1:3]:
            raise ValueError(
                f"The preprocessor makes images of {size[0]} x {size[1]} pixels, and the backbone takes "
                f"{backbone.input_shape[1]} x {backbone.input_shape[2]}."
            )
        if head is None:
            head = _default_head(num_classes, dropout)
        head = [head] if isinstance(head, keras.layers.Layer) else list(head)
        output = backbone.output
        for layer in head:
            output = layer(output)
        if output.shape != (None, num_classes):
            raise ValueError(
                f"The head must give (None, {num_classes}), num_classes of each image. Received: {output.shape}"
            )
        super().__init__(backbone.input, output, name=backbone.name if name is None else name)
        self.backbone, self.head, self.preprocessor = backbone, head, preprocessor
        self.num_classes, self.dropout = num_classes, dropout

    @classmethod
    def from_preset(
        cls,
        preset: str | os.PathLike,
        num_classes: int | None = None,
        *,
        head: keras.layers.Layer | Sequence[keras.layers.Layer] | None = None,
        dropout: float | None = None,
    ) -> Self:
        """A released model, or its features under a new head; with its preprocessor.

        Batch normalization is frozen, as in `load_preset`, and has to stay so: after `backbone.trainable = True`,
        set `trainable = False` again on each `keras.layers.BatchNormalization`.

        Args:
            preset: a key of `presets()`, or the path of a `NAME.json` with its files beside it.
            num_classes: None, or as many as the released model has: that model with its own head. With another
                number the head is new and has random weights.
            head: a new head to use instead, as in the constructor.
            dropout: rate in [0, 1) of the head, unless one is given; None is the architecture's own.

        Raises:
            ValueError, WeightsFileError: as `load_preset`; ValueError also as the constructor.

        Example:
            >>> classifier = ImageClassifier.from_preset("melanoma_efficientnet_lite0_224", num_classes=5)
            >>> classifier.output_shape, classifier.preprocessor.image_size
            ((None, 5), 224)
        """
        row = find_preset(preset)
        num_classes = len(row.classes) if num_classes is None else num_classes
        preprocessor = Preprocessor.from_preset(preset)
        name = parse_name(row.model)
        dropout = name.dropout if dropout is None else dropout
        if head is not None or num_classes != len(row.classes):
            features = build_backbone(name.architecture, input_size=row.input_size, weights=row.weights)
        else:
            model = load_preset(preset, dropout=dropout)
            count = len(backbone_layers(model))
            features = keras.Model(model.input, model.layers[count - 1].output, name=model.name)
            head = model.layers[count:]
        return cls(features, num_classes, preprocessor=preprocessor, head=head, dropout=dropout)

    def predict(
        self, x: ImageInput | Iterable[ImageInput], batch_size: int | None = None, **kwargs
    ) -> np.ndarray:
        """Class probabilities of images of any kind and size, if there is a preprocessor.

        Args:
            x: with a preprocessor, one image or any number of them, as it takes them; an iterable is read as it
                goes, a batch at a time. A `tf.data.Dataset` or `keras.utils.PyDataset` of prepared images, and
                everything without a preprocessor, as in `keras.Model.predict`.
            batch_size: images at a time; None is 32.
            **kwargs: of `keras.Model.predict`.

        Returns:
            (n, num_classes) float32.

        Raises:
            ImageError: an image cannot be read; one sentence with the file's name.
        """
        ready = hasattr(x, "element_spec") or isinstance(x, keras.utils.PyDataset)
        if self.preprocessor is None or ready:
            return super().predict(x, batch_size=batch_size, **kwargs)
        images, rows = iter([x] if is_one_image(x) else x), []
        while batch := list(islice(images, batch_size or 32)):
            rows.append(super().predict(self.preprocessor(batch), batch_size=batch_size, **kwargs))
        return np.concatenate(rows) if rows else np.empty((0, self.num_classes), np.float32)

    def get_config(self) -> dict[str, Any]:
        parts = {"backbone": self.backbone, "preprocessor": self.preprocessor, "head": list(self.head)}
        config = {name: keras.saving.serialize_keras_object(part) for name, part in parts.items()}
        return config | {"num_classes": self.num_classes, "dropout": self.dropout, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects=None) -> Self:
        parts = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects)
            for name in ("backbone", "preprocessor", "head")
        }
        return cls(**{**config, **parts})


def _default_head(num_classes: int, dropout: float) -> list[keras.layers.Layer]:
    return [
        keras.layers.GlobalAveragePooling2D(name="pool"),
        keras.layers.Dropout(dropout, name="dropout"),
        keras.layers.Dense(num_classes, name="logits"),
        keras.layers.Softmax(name="probs"),
    ]
