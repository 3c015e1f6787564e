"""A small EfficientNet of both families, and pictures that it learns to tell apart in a few steps."""

import functools

import keras
import numpy as np
from keras import layers

from skinkeras import quantization
from skinkeras.layers import MergeClasses

SIZE = 64
# Filters and stride; the expansion is 3 throughout, and a shortcut goes around the first and the third.
BLOCKS = ((16, 1), (24, 2), (24, 1), (32, 2))
LITE_NORMALISATION = (1 / 127.5, -1.0)
B_NORMALISATION = ([0.0171, 0.0175, 0.0174], [-2.118, -2.036, -1.804])


def build(family="lite", merged=True):
    """EfficientNet-Lite-like (ReLU6) or EfficientNet-B-like (swish, squeeze-excite), 64 x 64, two classes."""
    scale, offset = LITE_NORMALISATION if family == "lite" else B_NORMALISATION
    image = layers.Input((SIZE, SIZE, 3), name="image")
    x = layers.Rescaling(scale, offset, name="rescale")(image)
    x = _convolution(x, family, "stem", layers.Conv2D(16, 3, 2, "same", use_bias=False, name="stem"))
    for number, (filters, stride) in enumerate(BLOCKS):
        x = _block(x, family, f"block{number}", filters, stride)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    x = layers.Dense(4 if merged else 2, name="logits")(x)
    x = layers.Softmax(name="probs")(x)
    if merged:
        x = MergeClasses((0, 1, 0, 1), name="merged")(x)
    return keras.Model(image, x, name=f"small_{family}")


def _convolution(x, family, name, convolution, activation=True):
    x = layers.BatchNormalization(momentum=0.8, epsilon=1e-3, name=f"{name}_norm")(convolution(x))
    if not activation:
        return x
    if family == "lite":
        return layers.ReLU(6.0, name=f"{name}_relu")(x)
    return layers.Activation("swish", name=f"{name}_swish")(x)


def _block(x, family, name, filters, stride):
    inputs, wide = x, 3 * x.shape[-1]
    x = _convolution(x, family, f"{name}_e", layers.Conv2D(wide, 1, use_bias=False, name=f"{name}_e"))
    depthwise = layers.DepthwiseConv2D(3, stride, "same", use_bias=False, name=f"{name}_d")
    x = _convolution(x, family, f"{name}_d", depthwise)
    if family == "b":
        gate = layers.GlobalAveragePooling2D(name=f"{name}_squeeze")(x)
        gate = layers.Reshape((1, 1, wide), name=f"{name}_reshape")(gate)
        gate = layers.Conv2D(4, 1, activation="swish", name=f"{name}_reduce")(gate)
        gate = layers.Conv2D(wide, 1, activation="sigmoid", name=f"{name}_expand")(gate)
        x = layers.Multiply(name=f"{name}_excite")([x, gate])
    x = _convolution(
        x, family, f"{name}_p", layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_p"), False
    )
    return layers.Add(name=f"{name}_add")([x, inputs]) if x.shape == inputs.shape else x


def pictures(count, seed):
    """Skin with a spot: benign ones round and light brown, malignant ones long and dark."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    images = np.empty((count, SIZE, SIZE, 3), np.float32)
    for image, label in zip(images, labels, strict=True):
        centre = rng.uniform(0.4, 0.6, 2) * SIZE
        radius = rng.uniform(0.2, 0.3) * SIZE
        flatness = 3 if label else 1
        spot = (columns - centre[0]) ** 2 + flatness * (rows - centre[1]) ** 2 < radius**2
        image[:] = rng.uniform((200, 160, 140), (240, 190, 170))
        image[spot] = (
            rng.uniform((40, 20, 20), (100, 60, 60)) if label else rng.uniform((130, 90, 70), (170, 120, 100))
        )
        image += rng.normal(0, 8, image.shape)
    return np.clip(np.rint(images), 0, 255), np.eye(2, dtype=np.float32)[labels]


@functools.cache
def trained():
    """A Lite-like model after a few steps: its batch statistics are those of real pictures."""
    keras.utils.set_random_seed(0)
    model = build()
    model.compile(keras.optimizers.Adam(3e-3), "categorical_crossentropy", jit_compile=False)
    model.fit(*pictures(256, seed=1), epochs=3, batch_size=32, verbose=0)
    return model


@functools.cache
def fine_tuned():
    """The trained model, quantized, calibrated and fitted for a few more steps."""
    keras.utils.set_random_seed(0)
    model = quantization.quantize(trained())
    images, labels = pictures(128, seed=2)
    quantization.calibrate(model, np.split(images, 2))
    model.compile(keras.optimizers.Adam(1e-4), "categorical_crossentropy", jit_compile=False)
    model.fit(images, labels, epochs=1, batch_size=32, verbose=0)
    return model


@functools.cache
def calibrated_b():
    """An EfficientNet-B-like model that has seen nothing, quantized and calibrated."""
    keras.utils.set_random_seed(0)
    model = quantization.quantize(build("b"))
    quantization.calibrate(model, [pictures(32, seed=2)[0]])
    return model
