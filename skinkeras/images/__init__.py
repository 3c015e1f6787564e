"""An image of any kind as the square that a model takes, in training and in use alike. No TensorFlow.

`decode` reads a file, `prepare_image` also takes arrays and PIL images; `GEOMETRIES` says how an image of any shape
becomes a square.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "decoding": ["IMAGE_ENDINGS", "ImageError", "decode", "decode_with_shape", "resize_to_square"],
        "geometries": ["DEFAULT_GEOMETRY", "GEOMETRIES", "Geometry"],
        "preparation": ["ImageInput", "is_one_image", "prepare_image"],
    },
)
