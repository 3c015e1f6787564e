"""Oversampling as a table of variants: each training picture several times, turned, mirrored and blurred.

Nothing random happens while training: what a variant looks like is a function of the seed, the picture's
name and the variant's, so that it is the same picture in every epoch, in the ranking by loss, after a
resume, and in a part of the data set as in the whole.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from PIL import Image

from skinkeras.files import replacing, write_text
from skinkeras.inputs.blur import Rho, blur_into, check_rho, chromatic_aberration

_TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, -90: cv2.ROTATE_90_CLOCKWISE}


@dataclass(frozen=True)
class ImageVariant:
    """One way in which a picture is shown.

    Attributes:
        name: for tables and file names; unique among the variants of a class.
        turn: degrees anticlockwise: 0, 90 or -90.
        flip: whether it is mirrored left to right.
        blur: whether it is blurred (`radial_blur`), by a rho that is drawn for this picture and variant.
        aberration: whether it gets coloured fringes (`chromatic_aberration`), of a strength drawn likewise.

    Raises:
        ValueError: any other turn.
    """

    name: str
    turn: int = 0
    flip: bool = False
    blur: bool = False
    aberration: bool = False

    def __post_init__(self):
        if self.turn not in (0, *_TURNS):
            raise ValueError(f"turn must be 0, 90 or -90. Received: turn={self.turn}")


ITSELF = ImageVariant("itself")


@dataclass(frozen=True)
class Oversampling:
    """Which variants the pictures of each class have, and how strong their blur is.

    Attributes:
        variants: {class: tuple of `ImageVariant`}; a picture of a class that is not named stands for itself.
        rho: (low, high), in [0, 0.2): the blur is drawn uniformly from there.
        separate: draw rho anew for each of the four directions (`Rho`), which the paper names as possible,
            instead of once for all.
        aberration: (low, high), the strengths of the coloured fringes.
        steps: int, iterations of the blur.

    Raises:
        ValueError: a range that is empty or out of bounds, a class without variants or with two of one name.
    """

    variants: dict
    rho: tuple = (0.005, 0.02)
    separate: bool = False
    aberration: tuple = (0.002, 0.01)
    steps: int = 5

    def __post_init__(self):
        for name in ("rho", "aberration"):
            low, high = getattr(self, name)
            check_rho((low, high))
            if low > high:
                raise ValueError(f"{name} must be (low, high). Received: {name}=({low}, {high})")
        for label, variants in self.variants.items():
            names = [variant.name for variant in variants]
            if not names or len(set(names)) < len(names):
                raise ValueError(
                    f"class {label!r} needs at least one variant, each of its own name. Received: {names}"
                )


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

#: "none"; "g23", the ISIC-blur of Gilal et al. 2023: benign x 2, malignant x 4; and, beyond the paper, the
#: same with a rho for each direction and with coloured fringes on every blurred variant.
OVERSAMPLING = {
    "none": Oversampling({}),
    "g23": Oversampling(_PAPER),
    "g23-separate": Oversampling(_PAPER, separate=True),
    "g23-aberration": Oversampling(
        {
            label: tuple(ImageVariant(v.name, v.turn, v.flip, v.blur, aberration=v.blur) for v in variants)
            for label, variants in _PAPER.items()
        }
    ),
}


def variant_table(image_ids, labels, policy, seed):
    """Expands pictures into rows of (picture, variant).

    Args:
        image_ids: (n,) str, unique.
        labels: (n,) str, the class of each, as `policy.variants` names it.
        policy: `Oversampling`.
        seed: int >= 0.

    Returns:
        A table, the pictures in their order, each with its variants one below the other: `picture` (int,
        0..n-1), `image_id`, `label`, `variant` (its name), `turn`, `flip`, the four values of `Rho` (0 where
        there is no blur) and `aberration` (0 where there is none).
    """
    rows = []
    for picture, (image_id, label) in enumerate(zip(image_ids, labels, strict=True)):
        for variant in policy.variants.get(label, (ITSELF,)):
            rng = _generator(seed, image_id, variant.name)
            drawn = rng.uniform(*policy.rho, size=4)
            rho = Rho(*(drawn if policy.separate else [drawn[0]] * 4)) if variant.blur else Rho(0, 0, 0, 0)
            aberration = rng.uniform(*policy.aberration) if variant.aberration else 0.0
            row = (picture, image_id, label, variant.name, variant.turn, variant.flip, *rho, aberration)
            rows.append(row)
    columns = ["picture", "image_id", "label", "variant", "turn", "flip", *Rho._fields, "aberration"]
    return pd.DataFrame(rows, columns=columns)


def _generator(seed, image_id, variant):
    digest = hashlib.blake2b(f"{seed}|{image_id}|{variant}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest)))


class VariantImages:
    """Images as a table of variants shows them, made while they are read; has what `DecodedImages` has.

    Attributes:
        table: what `variant_table` returned.
        shape: (rows of the table, size, size, 3).
    """

    def __init__(self, pictures, rows, table, steps=5):
        """Args:
        pictures: `DecodedImages`.
        rows: (n,) int, the row in `pictures` of each of the pictures that the table numbers 0..n-1.
        table: what `variant_table` returned.
        steps: int, iterations of the blur.
        """
        self.table = table
        self.shape = (len(table), *pictures.shape[1:])
        self._pictures, self._steps = pictures, steps
        self._source = np.asarray(rows)[table["picture"].to_numpy()]
        self._columns = table[["turn", "flip", *Rho._fields, "aberration"]].to_numpy(float)

    def __len__(self):
        return self.shape[0]

    def read(self, rows):
        """The variants in these rows of the table: (len(rows), size, size, 3) uint8."""
        images = self._pictures.read(self._source[rows])
        for image, (turn, flip, *rho, aberration) in zip(images, self._columns[rows], strict=True):
            _show(image, int(turn), bool(flip), rho, aberration, self._steps)
        return images


def _show(image, turn, flip, rho, aberration, steps):
    """Turns, mirrors and blurs an 8-bit picture in place."""
    if turn:
        image[:] = cv2.rotate(image, _TURNS[turn])
    if flip:
        image[:] = image[:, ::-1].copy()
    if any(rho):
        blur_into(image, image, rho, steps)
    if aberration:
        image[:] = np.rint(chromatic_aberration(image, aberration)).astype(np.uint8)


def check_materialised(pictures, folder):
    """What `materialise` writes into `variants.csv`.

    Raises:
        ValueError: the folder holds other variants, or something else.
    """
    folder = Path(folder)
    listing = f"# {pictures.shape[1]} pixels\n{pictures.table.to_csv(index=False)}"
    record = folder / "variants.csv"
    if record.exists():
        if record.read_text() != listing:
            raise ValueError(f"{folder} holds other variants than these: choose another folder.")
    elif folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty and holds no variants: choose another folder.")
    return listing


def materialise(pictures, folder, progress=None):
    """Writes every variant as a PNG, `<image_id>_<variant>.png` in a folder a class, for people to look at.

    Training does not need it. `variants.csv` there lists them; after a kill, what is there is not written
    again.

    Args:
        pictures: `VariantImages`.
        folder: where to.
        progress: called as `progress(done, total)` now and then.

    Raises:
        ValueError: the folder holds other variants, or something else.
        OSError: a picture could not be written (a full disk).
    """
    folder = Path(folder)
    listing = check_materialised(pictures, folder)
    if not (folder / "variants.csv").exists():
        write_text(folder / "variants.csv", listing)
    for row, (image_id, label, variant) in enumerate(
        pictures.table[["image_id", "label", "variant"]].itertuples(index=False)
    ):
        path = folder / label / f"{image_id}_{variant}.png"
        if not path.exists():
            with replacing(path) as temporary:
                Image.fromarray(pictures.read([row])[0]).save(temporary, format="png")
        if progress and (row % 50 == 49 or row == len(pictures) - 1):
            progress(row + 1, len(pictures))
