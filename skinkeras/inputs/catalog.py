"""How training images are shown, as data: augmentations and oversampling policies. Light to import."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace

from skinkeras.lazy import LazyFunction

# A radial blur is weaker than this; the paper's is at most a tenth of it.
MAX_RHO = 0.2


@dataclass(frozen=True)
class AugmentationMethod:
    """One row of `AUGMENTATIONS`.

    Attributes:
        title: what it does, for cards and `--help`.
        build: makes the augmentation, called as `augmentation(images, seed)`; keyword arguments are its
            strengths.
    """

    title: str
    build: Callable


#: Random changes of each training image in each epoch.
AUGMENTATIONS = {
    "standard": AugmentationMethod(
        "flips, rotations by right angles, crops of half the images, brightness, contrast and saturation",
        LazyFunction("skinkeras.inputs.augmentation:Augmentation"),
    ),
    "strong": AugmentationMethod(
        "flips, rotations by any angle, scaling, stretching, and the colours of other light and other cameras",
        LazyFunction("skinkeras.inputs.augmentation:StrongAugmentation"),
    ),
}


@dataclass(frozen=True)
class ImageVariant:
    """One way in which an image is shown.

    Attributes:
        name: for tables and file names; unique among the variants of a class.
        turn: degrees anticlockwise: 0, 90 or -90.
        flip: whether it is mirrored left to right.
        blur: whether it is blurred (`radial_blur`), by a random rho for each image and variant.
        aberration: whether it gets coloured fringes (`chromatic_aberration`), of a strength chosen likewise.

    Raises:
        ValueError: any other turn.
    """

    name: str
    _: KW_ONLY
    turn: int = 0
    flip: bool = False
    blur: bool = False
    aberration: bool = False

    def __post_init__(self):
        if self.turn not in (0, 90, -90):
            raise ValueError(f"turn must be 0, 90 or -90. Received: turn={self.turn}")


#: The image as it is.
ITSELF = ImageVariant("itself")


@dataclass(frozen=True)
class Oversampling:
    """Which variants the images of each class have, and how strong their blur is.

    Attributes:
        variants: {class: tuple of `ImageVariant`}; an image of a class that is not named is shown as it is.
        title: what the policy does, for cards and `--help`.
        rho: (low, high), in [0, 0.2): the strength of the blur is uniform between them.
        separate: another rho for each of the four directions (`Rho`), which the paper names as possible,
            instead of one for all.
        aberration: (low, high), in [0, 0.2): the strengths of the coloured fringes.
        steps: int, iterations of the blur.

    Raises:
        ValueError: a range that is empty or out of bounds, a class without variants or with two of one name.
    """

    variants: dict
    title: str = ""
    _: KW_ONLY
    rho: tuple = (0.005, 0.02)
    separate: bool = False
    aberration: tuple = (0.002, 0.01)
    steps: int = 5

    def __post_init__(self):
        for name in ("rho", "aberration"):
            _check_range(name, *getattr(self, name))
        for label, variants in self.variants.items():
            names = [variant.name for variant in variants]
            if not names or len(set(names)) < len(names):
                raise ValueError(
                    f"class {label!r} needs at least one variant, each of its own name. Received: {names}"
                )


def _check_range(name, low, high):
    for value in (low, high):
        if not 0 <= value < MAX_RHO:
            raise ValueError(f"{name} must be in [0, {MAX_RHO}). Received: {name}={value}")
    if low > high:
        raise ValueError(f"{name} must be (low, high). Received: {name}=({low}, {high})")


_FLIPPED = ImageVariant("flip", flip=True, blur=True)
_PAPER = {
    "benign": (ITSELF, _FLIPPED),
    "malignant": (
        ITSELF,
        ImageVariant("+90", turn=90, blur=True),
        ImageVariant("-90", turn=-90, blur=True),
        _FLIPPED,
    ),
}

#: What the training images of each class are shown as.
OVERSAMPLING = {
    "none": Oversampling({}, "none: each training image once"),
    "g23": Oversampling(
        _PAPER,
        "ISIC-blur of Gilal et al. 2023: benign images twice, malignant ones four times, turned, flipped and "
        "radially blurred",
    ),
    "g23-separate": Oversampling(
        _PAPER, "as ISIC-blur, with another strength in each direction (beyond the paper)", separate=True
    ),
    "g23-aberration": Oversampling(
        {label: tuple(replace(v, aberration=v.blur) for v in variants) for label, variants in _PAPER.items()},
        "as ISIC-blur, with coloured fringes on each blurred image (beyond the paper)",
    ),
}
