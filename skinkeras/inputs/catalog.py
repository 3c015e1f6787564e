"""How training images are shown, as data: augmentations and oversampling policies. Light to import."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace

from skinkeras.lazy import LazyFunction

# A radial blur is weaker than this; the paper's is at most a tenth of it.
MAX_RHO = 0.2

# Colour constancy takes stored values to at most this power; of most cameras it is about 2.2.
MAX_GAMMA = 3


@dataclass(frozen=True)
class LensEffect:
    """One row of `LENS_EFFECTS`.

    Attributes:
        title: what it does, for documents and cards.
        apply: called as `apply(image, strength)` with an image (height, width, 3); returns it as float32.
        limit: float; strengths are below it.
    """

    title: str
    apply: Callable
    limit: float


#: What a lens does beside the radial blur, in the order in which it is applied. Each is a flag of `ImageVariant` and
#: a range of strengths of `Oversampling`, both of the same name.
LENS_EFFECTS = {
    "aberration": LensEffect(
        "coloured fringes", LazyFunction("skinkeras.inputs.lenses:chromatic_aberration"), MAX_RHO
    ),
    "barrel": LensEffect("barrel distortion", LazyFunction("skinkeras.inputs.lenses:barrel_distortion"), 0.5),
    "vignette": LensEffect("darker corners", LazyFunction("skinkeras.inputs.lenses:vignette"), 1.0),
}


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
        barrel: whether it is distorted like a barrel (`barrel_distortion`), likewise.
        vignette: whether its corners get darker (`vignette`), likewise.

    Raises:
        ValueError: any other turn.
    """

    name: str
    _: KW_ONLY
    turn: int = 0
    flip: bool = False
    blur: bool = False
    aberration: bool = False
    barrel: bool = False
    vignette: bool = False

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
        barrel: (low, high), in [0, 0.5): the strengths of the distortion.
        vignette: (low, high), in [0, 1): the shares of light that are lost in the corners.
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
    barrel: tuple = (0.02, 0.12)
    vignette: tuple = (0.1, 0.5)
    steps: int = 5

    def __post_init__(self):
        _check_range("rho", *self.rho, MAX_RHO)
        for name, effect in LENS_EFFECTS.items():
            _check_range(name, *getattr(self, name), effect.limit)
        for label, variants in self.variants.items():
            names = [variant.name for variant in variants]
            if not names or len(set(names)) < len(names):
                raise ValueError(
                    f"class {label!r} needs at least one variant, each of its own name. Received: {names}"
                )

    @property
    def effects(self):
        """The names in `LENS_EFFECTS` that any variant has, in their order."""
        every = [variant for variants in self.variants.values() for variant in variants]
        return [name for name in LENS_EFFECTS if any(getattr(variant, name) for variant in every)]


def _check_range(name, low, high, limit):
    for value in (low, high):
        if not 0 <= value < limit:
            raise ValueError(f"{name} must be in [0, {limit:g}). Received: {name}={value}")
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


def _with_effects(*names):
    """The paper's variants with these effects on each image that is blurred."""
    return {
        label: tuple(replace(each, **dict.fromkeys(names, each.blur)) for each in variants)
        for label, variants in _PAPER.items()
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
        _with_effects("aberration"),
        "as ISIC-blur, with coloured fringes on each blurred image (beyond the paper)",
    ),
    "g23-barrel": Oversampling(
        _with_effects("barrel", "vignette"),
        "as ISIC-blur, with barrel distortion and darker corners on each blurred image (beyond the paper)",
    ),
    "g23-clip-on": Oversampling(
        _with_effects("aberration", "barrel", "vignette"),
        "as ISIC-blur, with coloured fringes, barrel distortion and darker corners on each blurred image, as a "
        "clip-on magnifier gives (beyond the paper)",
    ),
}
