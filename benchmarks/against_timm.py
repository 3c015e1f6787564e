"""Images a second in training, this package against PyTorch and timm, by turns.

    python -m venv ENV && ENV/bin/pip install torch torchvision timm
    python benchmarks/against_timm.py --python ENV/bin/python [--model efficientnet_lite0] [--size 160] [--rounds 3]

Both train all layers with Adam on the same random pixels (their values do not change the time) in batches of 32,
with batch statistics frozen, as a run from pretrained weights does, and learned. timm's network is `tf_` and the
name given here, its memory format channels_last. Keras runs as in the jobs, with operations in a fixed order;
`--any-order` leaves that out. Each figure comes from a process of its own, on all cores; the wall clock counts, so
nothing else should run.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

BATCH, STEPS, TRIES = 32, 3, 7
WAYS = {
    "skinkeras, frozen statistics": ("keras", "--frozen"),
    "timm, frozen statistics": ("torch", "--frozen"),
    "skinkeras, learned statistics": ("keras",),
    "timm, learned statistics": ("torch",),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", help="the interpreter that has torch and timm")
    parser.add_argument("--model", default="efficientnet_lite0")
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--any-order", action="store_true")
    parser.add_argument("--one", choices=["keras", "torch"], help=argparse.SUPPRESS)  # a process of its own
    parser.add_argument("--frozen", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        train = steps_of_keras if options.one == "keras" else steps_of_torch
        print(json.dumps(images_a_second(train(options))))
    elif options.python:
        compare(options)
    else:
        parser.error("--python names the interpreter that has torch and timm.")


def compare(options):
    """Prints each way's figures, a round each, and their median."""
    found = {way: [] for way in WAYS}
    for _ in range(options.rounds):
        for way, (library, *frozen) in WAYS.items():
            python = options.python if library == "torch" else sys.executable
            command = [python, __file__, "--one", library, *frozen, "--model", options.model]
            command += ["--size", str(options.size), *["--any-order"] * options.any_order]
            printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found[way].append(json.loads(printed.splitlines()[-1]))
    for way, figures in found.items():
        rounds = ", ".join(f"{figure:.1f}" for figure in figures)
        print(f"{way}: {statistics.median(figures):.1f} images/s ({rounds})")


def images_a_second(steps):
    """The speed of `steps(count)`, which trains for that many steps, once it runs: the median of a few tries."""
    steps(STEPS)
    seconds = []
    for _ in range(TRIES):
        started = time.perf_counter()
        steps(STEPS)
        seconds.append(time.perf_counter() - started)
    return BATCH * STEPS / statistics.median(seconds)


def steps_of_keras(options):
    import numpy as np
    import tensorflow as tf

    from skinkeras import callbacks, losses, models, training
    from skinkeras.inputs.reading_options import reading_options
    from skinkeras.training.phases import unfreeze

    if not options.any_order:
        training.compute_in_order()
    model = models.create(options.model, 2, input_size=options.size, weights="none")
    unfreeze(model, "imagenet" if options.frozen else "none")
    model.compile(callbacks.CyclicalAdam(), losses.RecallCrossentropy(gamma=10), jit_compile=False)
    generator = np.random.default_rng(0)
    images = generator.uniform(0, 255, (BATCH, options.size, options.size, 3)).astype("float32")
    labels = np.eye(2, dtype="float32")[generator.integers(0, 2, BATCH)]

    batches = tf.data.Dataset.from_tensors((images, labels)).repeat().with_options(reading_options())

    def steps(count):
        model.fit(batches, steps_per_epoch=count, verbose=0)

    return steps


def steps_of_torch(options):
    import timm
    import torch

    model = (
        timm.create_model(f"tf_{options.model}", num_classes=2).to(memory_format=torch.channels_last).train()
    )
    if options.frozen:
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eval()
    optimizer, loss = torch.optim.Adam(model.parameters()), torch.nn.CrossEntropyLoss()
    torch.manual_seed(0)
    images = torch.rand(BATCH, 3, options.size, options.size).to(memory_format=torch.channels_last)
    labels = torch.randint(0, 2, (BATCH,))

    def steps(count):
        for _ in range(count):
            optimizer.zero_grad()
            loss(model(images), labels).backward()
            optimizer.step()

    return steps


if __name__ == "__main__":
    main()
