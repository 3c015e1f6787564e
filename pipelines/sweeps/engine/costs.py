"""What a grid costs before it starts: images times epochs, divided by a measured speed.

The number of training images follows from the labels alone, so that nothing is decoded for it. What is left out: the
time of a killed run that has to go on, and whatever else the machine does. Estimates within a factor of two are what
it is for.
"""

from dataclasses import dataclass

from skinkeras import models
from skinkeras.inputs.catalog import ITSELF

# Of an image in training, an image that is only predicted costs about a third: there is no way back.
_FORWARD = 1 / 3
# Fine-tuning for integers rounds every activation both ways.
_QAT = 2
# Of a process: importing TensorFlow, reading the cached images, tracing the step, evaluation and figures.
_STARTUP_SECONDS = 25
_TEST, _VALIDATION = 0.2, 0.1
# (images, melanomas) of data sets whose folder need not be at hand to know them.
_KNOWN_SIZES = {"isic_merge": (37_648, 5_106), "ham10000": (10_015, 1_113), "isic2018": (10_015, 1_113)}
_SYNTHETIC = (800, 160)


@dataclass(frozen=True)
class Speed:
    """How fast a machine trains one network.

    Attributes:
        images: a second, with all layers trained.
        architecture: the network.
        size: height and width of its images in pixels.
        of: the machine, and where the figure is from.
    """

    images: float
    architecture: str
    size: int
    of: str


# Multiply-adds of one forward pass, in millions, and the size of image they are counted at: Tan & Le 2019, table 2;
# Google's announcement of EfficientNet-Lite (2020); Simonyan & Zisserman 2015 (VGG16, 15.5 thousand million).
_MULTIPLY_ADDS = {
    "efficientnet_b0": (390, 224),
    "efficientnet_b1": (700, 240),
    "efficientnet_b2": (1_000, 260),
    "efficientnet_b3": (1_800, 300),
    "efficientnet_b4": (4_200, 380),
    "efficientnet_b5": (9_900, 456),
    "efficientnet_b6": (19_000, 528),
    "efficientnet_b7": (37_000, 600),
    "efficientnet_lite0": (407, 224),
    "efficientnet_lite1": (631, 240),
    "efficientnet_lite2": (899, 260),
    "efficientnet_lite3": (1_440, 280),
    "efficientnet_lite4": (2_640, 300),
    "vgg16": (15_500, 224),
}
#: Measured: an epoch of a run on HAM10000 (benchmarks/README.md), and `benchmarks/training_speed.py`.
CPU_SPEEDS = (
    Speed(62, "efficientnet_lite0", 192, "two cores of an AMD EPYC, measured"),
    Speed(53, "vgg16", 64, "two cores of an AMD EPYC, measured by processor time"),
)
#: Published for the training of all layers on ImageNet: NVIDIA/DeepLearningExamples, EfficientNet v1 for TensorFlow
#: 2.6, and TensorFlow's performance guide of 2017.
GPU_SPEEDS = (
    Speed(1_209, "efficientnet_b0", 224, "one NVIDIA A100, TF32, published by NVIDIA"),
    Speed(154, "vgg16", 224, "one NVIDIA P100, published by TensorFlow"),
)
#: Derived: in Lambda's benchmark (lambdal/deeplearning-benchmark, PyTorch, TF32) ResNet-50 trains at 1,895 images/s
#: on an H100 SXM5 and at 1,066 on an A100 SXM4. EfficientNet is the A100's figure times their ratio; VGG16 is
#: ResNet-50's by multiply-adds (3,878 and 15,357 million, counted).
H100_SPEEDS = (
    Speed(2_149, "efficientnet_b0", 224, "one NVIDIA H100, TF32, derived from NVIDIA's figure for an A100"),
    Speed(478, "vgg16", 224, "one NVIDIA H100, TF32, derived from Lambda's figure for ResNet-50"),
)


@dataclass(frozen=True)
class Work:
    """One process of a grid.

    Attributes:
        name: of the run or cleaning.
        architecture: of its network.
        size: height and width of its images in pixels.
        rows: training images, about; variants count singly.
        images: images times epochs; predicting and fine-tuning are counted as so much training.
    """

    name: str
    architecture: str
    size: int
    rows: int
    images: float

    def seconds(self, speeds):
        """How long it takes with one of `speeds`: that of the network's own family."""
        speed = _of_family(self.architecture, speeds)
        slower = _work(self.architecture, self.size) / _work(speed.architecture, speed.size)
        return self.images * slower / speed.images + _STARTUP_SECONDS


def _of_family(architecture, speeds):
    dense = architecture == "vgg16"
    return next(speed for speed in speeds if (speed.architecture == "vgg16") == dense)


def _work(architecture, size):
    """Multiply-adds for one image of this size, in millions."""
    # A network that is not in the table, of a test: as the smallest.
    millions, counted_at = _MULTIPLY_ADDS.get(architecture, _MULTIPLY_ADDS["efficientnet_lite0"])
    return millions * (size / counted_at) ** 2


def labelled_images(data):
    """(images, those that count as malignant) of the images that groups of settings ask for; reads labels alone.

    Args:
        data: `groups.DataOptions`.

    Raises:
        ValueError, FileNotFoundError: the data set cannot be read.
    """
    import numpy as np

    if data.dataset.synthetic:
        found = _SYNTHETIC
    elif data.data_dir is None or not data.data_dir.is_dir():
        if data.data not in _KNOWN_SIZES:
            raise ValueError(f"How many images {data.data} has is not known without --data-dir.")
        found = _KNOWN_SIZES[data.data]
    else:
        manifest = data.dataset.read(data.data_dir, **data.reader_options)
        positive = [name.lower() for name in getattr(data, "positive", ()) or data.dataset.positive]
        labels = np.char.lower(manifest.table["label"].to_numpy(str))
        found = len(labels), int(np.isin(labels, positive).sum())
    images, malignant = found
    kept = min(1, (data.max_images or images) / images)
    return round(images * kept), round(malignant * kept)


def subsets(data, count):
    """(training, validation, test images) of `count` images, as `data` splits them."""
    validation = _VALIDATION if data.validation is None else data.validation
    train = (1 - _TEST) * (1 - validation) if data.split_by == "paper" else 1 - _TEST - validation
    return count * train, count * (1 - _TEST - train), count * _TEST


def oversampled(images, malignant, policy):
    """(benign rows, malignant rows) that the variants of an `inputs.Oversampling` make of training images."""
    each = {name: len(policy.variants.get(name, (ITSELF,))) for name in ("benign", "malignant")}
    return round((images - malignant) * each["benign"]), round(malignant * each["malignant"])


def fit_images(rows, validation, test, training, *, exports, repeats=1):
    """Images times epochs of a run, all counted as images in training.

    Args:
        rows: training images of a split.
        validation: images that are predicted after each epoch, and once more when training is over.
        test: images that are predicted once.
        training: `groups.TrainingOptions`, resolved.
        exports: whether the model is also fine-tuned for integers and measured as four forms.
        repeats: number of splits.
    """
    epochs = training.epochs + _FORWARD * training.head_epochs
    predicted = validation * (training.epochs + training.head_epochs + 1) + test
    images = rows * epochs + predicted * _FORWARD
    fine_tuning = rows * _QAT * (training.qat_epochs or 0) if exports else 0
    return repeats * images + fine_tuning


def architecture_of(name):
    """The network of a model's name, such as `vgg16` of `vgg16_cbam`; the name itself if it is not known."""
    return str(models.parse_name(name).architecture) if name in models.model_names() else name


def sentences(works, workers=1):
    """What a grid costs here, on one GPU of a published speed, and on one H100.

    Args:
        works: list of `Work`.
        workers: processes at a time, which share the machine's cores.
    """
    images = sum(work.images for work in works)
    yield f"{len(works)} runs and cleanings, {images:,.0f} images (images x epochs; predicting counts a third)."
    families = {_of_family(work.architecture, CPU_SPEEDS).architecture for work in works}
    machines = (
        ("here, about", CPU_SPEEDS),
        ("on one GPU, estimated", GPU_SPEEDS),
        ("on one H100, estimated", H100_SPEEDS),
    )
    for where, speeds in machines:
        seconds = sum(work.seconds(speeds) for work in works)
        sources = "; ".join(
            f"from {speed.images:,.0f} images/s of {speed.architecture} at {speed.size} pixels, {speed.of}"
            for speed in speeds
            if _of_family(speed.architecture, CPU_SPEEDS).architecture in families
        )
        yield f"{where} {duration(seconds)} ({sources})."
    if workers > 1:
        yield f"{workers} workers share one machine's cores: they save the starts, not the training."


def duration(seconds):
    """Seconds in words: minutes, hours or days."""
    for size, name in ((86_400, "days"), (3_600, "hours")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
