"""Oversampling as a table of variants: each training image several times, turned, mirrored and blurred.

Nothing random happens in training. A variant is a function of the seed, the image's name and the variant's
name, so it looks the same in every epoch, in the ranking by loss, after a resume, and in a part of the data
set.
"""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from PIL import Image

from skinkeras.files.locks import exclusive
from skinkeras.files.writing import replacing, write_text
from skinkeras.inputs.blur import Rho, blur_into
from skinkeras.inputs.catalog import ITSELF, LENS_EFFECTS
from skinkeras.inputs.decoded_images import DecodedImages

_CHUNK = 256  # variants that are written at a time
_TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, -90: cv2.ROTATE_90_CLOCKWISE}


def variant_table(image_ids, labels, policy, seed):
    """Expands images into rows of (image, variant).

    Args:
        image_ids: (n,) str, unique.
        labels: (n,) str, the class of each, as `policy.variants` names it.
        policy: `Oversampling`.
        seed: int >= 0.

    Returns:
        A table with the images in their order, and the variants of each in consecutive rows: `picture` (int,
        the image's number, 0..n-1), `image_id`, `label`, `variant` (its name), `turn`, `flip`, the four
        values of `Rho` (0 where there is no blur), `aberration`, and the other `LENS_EFFECTS` of the policy (0 where
        there is none).
    """
    # Tables of earlier versions always have the fringes; cleanings recognise their rows by all columns.
    effects = [name for name in LENS_EFFECTS if name == "aberration" or name in policy.effects]
    rows = []
    for number, (image_id, label) in enumerate(zip(image_ids, labels, strict=True)):
        for variant in policy.variants.get(label, (ITSELF,)):
            rng = _generator(seed, image_id, variant.name)
            strengths = rng.uniform(*policy.rho, size=4)
            strengths = strengths if policy.separate else [strengths[0]] * 4
            rho = Rho(*strengths) if variant.blur else Rho(0, 0, 0, 0)
            lens = [rng.uniform(*getattr(policy, e)) if getattr(variant, e) else 0.0 for e in effects]
            rows.append((number, image_id, label, variant.name, variant.turn, variant.flip, *rho, *lens))
    columns = ["picture", "image_id", "label", "variant", "turn", "flip", *Rho._fields, *effects]
    return pd.DataFrame(rows, columns=columns)


def _generator(seed, image_id, variant):
    digest = hashlib.blake2b(f"{seed}|{image_id}|{variant}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest)))


class VariantImages:
    """The variants of a table, computed when they are read, with the methods of `DecodedImages`.

    Attributes:
        table: what `variant_table` returned.
        shape: (rows of the table, size, size, 3).
    """

    def __init__(self, images, rows, table, steps=5):
        """Args:
        images: `DecodedImages`.
        rows: (n,) int, the row in `images` of each of the images that the table numbers 0..n-1.
        table: what `variant_table` returned.
        steps: int, iterations of the blur.
        """
        self.table = table
        self.shape = (len(table), *images.shape[1:])
        self._images, self._steps = images, steps
        self._source = np.asarray(rows)[table["picture"].to_numpy()]
        self._effects = [name for name in LENS_EFFECTS if name in table]
        self._columns = table[["turn", "flip", *Rho._fields, *self._effects]].to_numpy(float)

    def __len__(self):
        return self.shape[0]

    def read(self, rows):
        """The variants in these rows of the table: (len(rows), size, size, 3) uint8."""
        images = self._images.read(self._source[rows])
        for image, (turn, flip, *strengths) in zip(images, self._columns[rows], strict=True):
            rho, lens = strengths[:4], dict(zip(self._effects, strengths[4:], strict=True))
            _show(image, int(turn), bool(flip), rho, lens, self._steps)
        return images

    def stored(self, rows):
        """(`DecodedImages`, rows of them) that hold the images of these rows in a file, for another process to read.

        Variants that are more than the image itself are written once, beside the file of decoded images.
        """
        if not self._columns.any():
            return self._images, self._source[rows]
        key = hashlib.blake2b(digest_size=16)
        for part in (self._images.path.name.encode(), self._source, self._columns, bytes([self._steps])):
            key.update(np.ascontiguousarray(part).data if isinstance(part, np.ndarray) else part)
        file = self._images.path.with_name(f"variants-{self.shape[1]}-{key.hexdigest()}.npy")
        with exclusive(file):
            if not self._is_stored_in(file):
                self._write_to(file)
        return DecodedImages(file), np.asarray(rows)

    def _is_stored_in(self, file):
        if not file.exists():
            return False
        # Another version may have blurred otherwise.
        some, stored = np.linspace(0, len(self) - 1, 8, dtype=int), DecodedImages(file)
        return stored.shape == self.shape and np.array_equal(stored.read(some), self.read(some))

    def _write_to(self, file):
        header = {"descr": "|u1", "fortran_order": False, "shape": self.shape}
        with replacing(file) as temporary, open(temporary, "wb") as opened:
            np.lib.format.write_array_header_1_0(opened, header)
            for first in range(0, len(self), _CHUNK):
                opened.write(self.read(np.arange(first, min(first + _CHUNK, len(self)))))


def _show(image, turn, flip, rho, lens, steps):
    """Turns and mirrors an 8-bit image in place, and shows it through a lens of these strengths."""
    if turn:
        image[:] = cv2.rotate(image, _TURNS[turn])
    if flip:
        image[:] = image[:, ::-1].copy()
    if any(rho):
        blur_into(image, image, rho, steps)
    effects = {name: strength for name, strength in lens.items() if strength}
    if effects:
        shown = image
        for name, strength in effects.items():
            shown = LENS_EFFECTS[name].apply(shown, strength)
        image[:] = np.rint(shown).astype(np.uint8)


def check_materialised(images, folder):
    """What `materialise` writes into `variants.csv`.

    Raises:
        ValueError: the folder holds other variants, or something else; an image_id or a class would lead out of the
            folder.
    """
    folder = Path(folder)
    for column in ("image_id", "label"):
        for name in images.table[column].unique():
            _check_file_name(column, name)
    listing = f"# {images.shape[1]} pixels\n{images.table.to_csv(index=False)}"
    record = folder / "variants.csv"
    if record.exists():
        if record.read_text() != listing:
            raise ValueError(f"{folder} holds other variants than these: choose another folder.")
    elif folder.exists() and any(path.name[0] != "." for path in folder.iterdir()):
        raise ValueError(f"{folder} is not empty and holds no variants: choose another folder.")
    return listing


def _check_file_name(column, name):
    """Refuses a name of the data that leads out of the folder it is written to, such as `../x`.

    Folders of images have image_ids such as `benign/x.jpg`: plain folders on the way are fine.
    """
    parts = name.split("/")
    if {"", ".", ".."} & set(parts) or any(one == "\\" or ord(one) < 32 for one in name):
        raise ValueError(
            f"The {column} {name!r} cannot be the name of a file of --materialise: rename it, without '..', a / at "
            "an end, \\ and control characters, or leave --materialise out."
        )


def materialise(images, folder, progress=None):
    """Writes every variant as `<image_id>_<variant>.png` into a folder for each class, for people to look at.

    Training does not need the files. `variants.csv` lists them; after a kill, existing files are not written
    again.

    Args:
        images: `VariantImages`.
        folder: where to.
        progress: called as `progress(done, total)` now and then.

    Raises:
        ValueError: as `check_materialised`.
        OSError: an image could not be written (a full disk).
    """
    folder = Path(folder)
    listing = check_materialised(images, folder)
    if not (folder / "variants.csv").exists():
        write_text(folder / "variants.csv", listing)
    for row, (image_id, label, variant) in enumerate(
        images.table[["image_id", "label", "variant"]].itertuples(index=False)
    ):
        path = folder / label / f"{image_id}_{variant}.png"
        if not path.exists():
            with replacing(path) as temporary:
                Image.fromarray(images.read([row])[0]).save(temporary, format="png")
        if progress and (row % 50 == 49 or row == len(images) - 1):
            progress(row + 1, len(images))
