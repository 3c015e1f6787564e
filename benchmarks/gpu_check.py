"""Does a GPU train, fine-tune and export as the processor does? For whoever has one: docs/gpu.md.

    python benchmarks/gpu_check.py [--data-dir DIR]      on a machine with a GPU
    python benchmarks/gpu_check.py --cpu-only            the processor's half, without a GPU
    python benchmarks/gpu_check.py --devices CPU:0 CPU:1  all of it, with the processor in the place of the GPU

Two networks are trained for a few steps on each device from the same weights and images, fine-tuned for integers and
exported; then both devices are compared. Ends with a table and exits with 0 if every line passes. The images are
drawn, or the first ones of HAM10000 in `--data-dir`.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from skinkeras import callbacks, datasets, inputs, losses, models, quantization, tflite, training

NETWORKS = {"efficientnet_tiny": 64, "efficientnet_lite0": 96}
BATCH, CLASSES = 16, 2
# Limits for two devices that add up in another order. Rounding to 256 levels turns a difference in the last bit into
# one of a level, so that fine-tuned models may differ by more. None was tried on a GPU: see docs/gpu.md.
FORWARD, TRAINED, FINE_TUNED = 1e-4, 0.02, 0.1


@dataclass
class Table:
    """The checks so far: (name, whether it passed, what was found)."""

    rows: list = field(default_factory=list)

    def check(self, name, passed, found):
        self.rows.append((name, bool(passed), found))
        print(f"{'PASS' if passed else 'FAIL'}  {name}: {found}", flush=True)

    def attempt(self, name, function, *arguments):
        """What `function` returns; None, and a line that fails, if it raises."""
        try:
            return function(*arguments)
        except Exception as error:  # whatever a GPU does not do: the other checks go on
            self.check(name, False, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")

    def passed(self):
        print()
        for name, ok, found in self.rows:
            print(f"{'PASS' if ok else 'FAIL'}  {name:48}  {found}")
        return all(ok for _, ok, _ in self.rows)


@dataclass
class Outcome:
    """What came of one network on one device: probabilities (n, classes), weights as vectors, an int8 file."""

    before: np.ndarray
    trained: np.ndarray
    fine_tuned: np.ndarray
    exported: np.ndarray
    weights: tuple  # of the trained and of the fine-tuned model
    change: np.ndarray  # by training
    model: keras.Model
    file: bytes


def flat(model):
    return np.concatenate([np.ravel(weight) for weight in model.get_weights()])


def images(size, count, data_dir):
    """(count, size, size, 3) float32 images in 0..255, and their one-hot labels: drawn, or of HAM10000."""
    if data_dir is None:
        rng = np.random.default_rng(0)
        labels = np.arange(count) % 2
        colours = rng.uniform(120, 200, (count, 1, 1, 3)) - 60 * labels[:, None, None, None]
        pixels = colours + rng.normal(0, 20, (count, size, size, 3))
        return np.clip(pixels, 0, 255).astype("float32"), np.eye(2, dtype="float32")[labels]
    table = datasets.ham10000(data_dir).table
    melanoma = (table["label"] == "mel").to_numpy()
    rows = np.ravel([np.flatnonzero(melanoma)[: count // 2], np.flatnonzero(~melanoma)[: count // 2]], "F")
    with tempfile.TemporaryDirectory() as folder:
        decoded, _ = inputs.decode_all(table["image"].iloc[rows], size, folder)
        pixels = decoded.read(np.arange(count)).astype("float32")
    return pixels, np.eye(2, dtype="float32")[melanoma[rows].astype(int)]


def network(name, size):
    keras.utils.set_random_seed(1)
    model = models.create(name, CLASSES, input_size=size, weights="none")
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.5  # a few steps are enough for statistics that fit
    return model


def compiled(model, device, optimizer):
    """`model`, which learns with the recall loss. XLA is for GPUs; Keras leaves it out in deterministic mode."""
    loss = losses.RecallCrossentropy(gamma=1)
    model.compile(optimizer, loss, jit_compile="auto" if "GPU" in device else False)
    return model, callbacks.RecallTerms(loss)


def outcome(name, device, options):
    """Trains, fine-tunes and exports a network on a device, from weights and in an order that the seed fixes."""
    size, count = NETWORKS[name], BATCH * options.steps
    pixels, labels = images(size, count, options.data_dir)
    fitting = {"batch_size": BATCH, "shuffle": False, "verbose": 0}
    with tf.device(device):
        model = network(name, size)
        before, weights = model.predict_on_batch(pixels[:BATCH]), flat(model)
        # Plain gradient descent: Adam makes a whole step of a gradient whose sign is a matter of rounding.
        _, terms = compiled(model, device, keras.optimizers.SGD(0.001, momentum=0.9))
        model.fit(pixels, labels, callbacks=[terms], **fitting)
        trained, trained_weights = model.predict_on_batch(pixels[:BATCH]), flat(model)
        quantized = quantization.quantize(model)
        quantization.calibrate(quantized, np.split(pixels[: 2 * BATCH], 4))
        _, terms = compiled(quantized, device, keras.optimizers.SGD(0.0001, momentum=0.9))
        quantized.fit(pixels, labels, callbacks=[terms], **fitting)
        quantization.round_biases(quantized)
        fine_tuned = quantized.predict_on_batch(pixels[:BATCH])
        file = tflite.convert(quantized, "int8")
    exported = file_answers(file, pixels[:BATCH])
    both = trained_weights, flat(quantized)
    return Outcome(before, trained, fine_tuned, exported, both, trained_weights - weights, quantized, file)


def file_answers(file, pixels):
    info = tflite.ModelInfo("check", "A check of a GPU.", "skinkeras", "0", "none needed")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "check.tflite"
        path.write_bytes(tflite.add_metadata(file, ["benign", "malignant"], info))
        return np.asarray(tflite.Classifier(path).predict(pixels))


def check_one(table, name, device, found):
    """What holds on a single device."""
    place = found.model.weights[0].value.device
    table.check(f"{name}: weights of {device}", place.endswith(device), f"they are on {place[-5:]}")
    finite = all(np.isfinite(weights).all() for weights in found.weights) and found.change.any()
    table.check(f"{name}: training on {device}", finite, "finite and other weights" if finite else "no")
    distance = np.abs(found.exported - found.fine_tuned).max()
    table.check(f"{name}: file on {device}", distance <= FINE_TUNED, f"within {distance:.2g} of Keras")


def check_pair(table, name, devices, pair):
    """What two devices may differ by."""
    first, second = pair
    limits = {"before": FORWARD, "trained": TRAINED, "fine_tuned": FINE_TUNED, "exported": FINE_TUNED}
    for what, limit in limits.items():
        distance = np.abs(getattr(first, what) - getattr(second, what)).max()
        table.check(f"{name}: answers, {what}", distance <= limit, f"within {distance:.2g} (limit {limit})")
    apart = np.linalg.norm(first.change - second.change) / np.linalg.norm(first.change)
    table.check(
        f"{name}: trained weights", apart <= TRAINED, f"{apart:.2g} of the way apart (limit {TRAINED})"
    )
    with tempfile.TemporaryDirectory() as folder, tf.device(devices[0]):
        path = Path(folder) / "model.keras"
        second.model.save(path)
        same = tflite.convert(keras.models.load_model(path), "int8") == second.file
    table.check(f"{name}: files of the same weights", same, "the same bytes" if same else "other bytes")


def check_determinism(table, name, device, options):
    """Two runs in TensorFlow's deterministic mode, whose operations raise where they cannot be deterministic."""
    what = f"{name}: twice the same on {device}"
    pair = [table.attempt(what, outcome, name, device, options) for _ in range(2)]
    if all(pair):
        equal = [np.array_equal(*both) for both in zip(pair[0].weights, pair[1].weights, strict=True)]
        words = "trained {}, fine-tuned {}".format(
            *("the same" if same else "other weights" for same in equal)
        )
        table.check(what, all(equal) and pair[0].file == pair[1].file, words)


def speed(name, device, precision, steps):
    """Images a second in training of all layers, on random pixels, and the last loss."""
    size, batch = (224, 64) if "GPU" in device else (96, BATCH)
    generator = np.random.default_rng(0)
    pixels = generator.uniform(0, 255, (batch * steps, size, size, 3)).astype("float32")
    labels = np.eye(CLASSES, dtype="float32")[generator.integers(0, CLASSES, len(pixels))]
    optimizer = callbacks.CyclicalAdam()
    if precision == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    with tf.device(device):
        model = network(name, size)
        training.set_precision(model, precision)
        compiled(model, device, optimizer)
        model.fit(pixels, labels, batch_size=batch, verbose=0)  # tracing
        started = time.perf_counter()
        history = model.fit(pixels, labels, batch_size=batch, verbose=0).history
    rate = len(pixels) / (time.perf_counter() - started)
    return f"{rate:.0f} images/s at {size} pixels, batches of {batch}", history["loss"][-1]


def chosen_devices(options):
    """Names of the devices to check; the last one is in the place of the GPU."""
    if options.devices:
        training.make_virtual_devices(1 + max(int(name.split(":")[1]) for name in options.devices))
    devices = options.devices or (["CPU:0"] if options.cpu_only else ["CPU:0", "GPU:0"])
    known = [device.name for device in tf.config.list_logical_devices()]
    for name in devices:
        # TensorFlow itself would say nothing and take the processor.
        if f"/device:{name}" not in known:
            sys.exit(f"TensorFlow finds no {name} here: --cpu-only runs the processor's half.")
    return devices


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, help="HAM10000, as `pipelines.binary` takes it")
    parser.add_argument("--devices", nargs=2, metavar="DEVICE", help="to compare, such as CPU:0 GPU:1")
    parser.add_argument("--cpu-only", action="store_true")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=[*NETWORKS])
    parser.add_argument("--steps", type=int, default=8, help="of training, and of fine-tuning")
    options = parser.parse_args()
    # As `compute_in_order`, which comes later: the speeds before it are those without op determinism.
    tf.config.threading.set_inter_op_parallelism_threads(1)
    devices = chosen_devices(options)
    for gpu in tf.config.list_physical_devices("GPU"):
        print(gpu.name, tf.config.experimental.get_device_details(gpu).get("device_name", ""))
    print(f"TensorFlow {tf.__version__}, Keras {keras.__version__}; checking {' and '.join(devices)}")
    table = Table()
    # TF32 keeps 10 of float32's 23 bits: off to compare devices, on to measure speed, as in training.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    for name in options.networks:
        found = [table.attempt(f"{name} on {device}", outcome, name, device, options) for device in devices]
        for device, one in zip(devices, found, strict=True):
            if one:
                check_one(table, name, device, one)
        if len(found) == 2 and all(found):
            table.attempt(f"{name}: comparison", check_pair, table, name, devices, found)
    tf.config.experimental.enable_tensor_float_32_execution(True)
    for precision in ("float32", "mixed_bfloat16", "mixed_float16") if len(devices) > 1 else ("float32",):
        what = f"{options.networks[-1]}: {precision} on {devices[-1]}"
        measured = table.attempt(what, speed, options.networks[-1], devices[-1], precision, options.steps)
        if measured:
            table.check(what, np.isfinite(measured[1]), measured[0])
    training.compute_in_order()
    for name in options.networks:
        check_determinism(table, name, devices[-1], options)
    sys.exit(0 if table.passed() else 1)


if __name__ == "__main__":
    main()
