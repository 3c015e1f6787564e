"""A look at a folder before anything is trained on it: which reader takes it, what is wrong, a contact sheet."""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from skinkeras.datasets.catalog import DATASETS
from skinkeras.datasets.file_search import advice, ending, is_image, name_some, walk, what_is_there
from skinkeras.datasets.image_index import check_images, missing_images
from skinkeras.datasets.tables import NoColumnError, NoTableError, find_tables, header
from skinkeras.files.writing import replacing
from skinkeras.images import image_files
from skinkeras.images.decoding import ImageError, decode

_CHECKED_AT = 64  # pixels; the whole file is decoded
_SIDE, _GAP, _TITLE = 128, 4, 24
_MOST_ROWS, _MOST_COLUMNS = 12, 10
_MOST_REASONS = 2


def recognise(root):
    """Which readers take a folder, and find images there.

    Args:
        root: the folder.

    Returns:
        ({name in `DATASETS`: `Manifest`}, {name: why not}), in the order of the table; the latter of those readers
        that find their table there.

    Raises:
        ValueError: none does; the sentence says what is there, and why not.
    """
    manifests, refusals, known = {}, {}, False
    for name, row in DATASETS.items():
        if row.synthetic:
            continue
        try:
            manifest = row.read(root)
            if len(missing_images(manifest)) == len(manifest):
                check_images(manifest)
            manifests[name] = manifest
        except NoTableError:  # another data set
            continue
        except (ValueError, OSError) as error:
            refusals[name] = str(error)
            known |= name != "folder" and not isinstance(error, NoColumnError)
    if not manifests:
        reasons = {name: why for name, why in refusals.items() if name != "folder"} or refusals
        # A table with the columns of a manifest is one; other readers know theirs by name, too.
        names = sorted(reasons, key=lambda name: name != "manifest")[:_MOST_REASONS]
        sentences = [f"--data {name}: {reasons[name]}" for name in names]
        if not any(advice(root) in sentence for sentence in sentences):
            sentences.append(advice(root).strip())
        raise ValueError(f"No reader takes {root}: {_description(root, known)} {' '.join(sentences)}")
    return manifests, refusals


def _description(root, known):
    """What a folder holds, and what to do with tables of no known data set."""
    counts = Counter(ending(name) for _, _, files in walk(root) for name in files if is_image(name))
    sentence = f"{what_is_there(root)}; {sum(counts.values()):,} images in it and below."
    tables = [path for path in find_tables(root) if len(header(path)) > 1]
    if counts and not (tables or advice(root) or next(walk(root, 0))[1]):
        sentence += " Images without labels are for python -m pipelines.predict."
    for path in tables[:3]:
        sentence += f" {path.relative_to(root)} has the columns {name_some(header(path))}."
    if counts and tables and not known:
        sentence += (
            " Write a table manifest.csv with the columns image and label, which --data manifest reads."
        )
    return sentence


@dataclass
class Check:
    """What `check_files` has found.

    Attributes:
        sizes: `Counter` of (width, height).
        unreadable: {image_id: what is wrong}.
    """

    sizes: Counter = field(default_factory=Counter)
    unreadable: dict = field(default_factory=dict)


def check_files(manifest, progress=None):
    """Decodes every image that is there.

    Args:
        manifest: `Manifest`.
        progress: called as `progress(done, total)` now and then.

    Returns:
        `Check`.
    """
    check, paths = Check(), manifest.table["image"].tolist()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(_checked, paths)
        for row, (image_id, (size, problem)) in enumerate(
            zip(manifest.table["image_id"], results, strict=True), 1
        ):
            if problem:
                check.unreadable[image_id] = problem
            elif size:
                check.sizes[size] += 1
            if progress and (row % 50 == 0 or row == len(paths)):
                progress(row, len(paths))
    return check


def _checked(path):
    """(size, what is wrong); (None, None) for an image that is not there."""
    if not image_files.exists(path):
        return None, None
    try:
        decode(path, _CHECKED_AT)  # registers what Pillow does not read by itself, too
        with Image.open(BytesIO(image_files.read_bytes(path))) as image:
            size = image.size
    except ImageError as error:
        return None, error.problem
    except (OSError, ValueError) as error:
        return None, str(error)
    return size, None


def unused_images(manifest):
    """The images in the folder of a manifest, and all folders below it, that it does not name.

    Returns:
        list of str, relative to that folder.
    """
    used = {os.path.abspath(path) for path in manifest.table["image"]}
    below = (os.path.join(folder, name) for folder, _, files in walk(manifest.root) for name in files)
    return [
        path for path in below if is_image(path) and os.path.abspath(f"{manifest.root}/{path}") not in used
    ]


def contact_sheet(manifest, path, seed=0):
    """Writes one image with a row of random images for each class, the largest classes first.

    Args:
        manifest: `Manifest`.
        path: where the image goes; its ending says the format.
        seed: of the choice.

    Returns:
        The names of the classes that are shown, at most twelve.

    Raises:
        OSError: the file cannot be written.
    """
    counts = sorted(manifest.counts().items(), key=lambda item: -item[1])[:_MOST_ROWS]
    height = len(counts) * (_SIDE + _TITLE + _GAP)
    sheet = Image.new("RGB", (_MOST_COLUMNS * (_SIDE + _GAP), height), "white")
    pen, font = ImageDraw.Draw(sheet), _font()
    for number, (name, count) in enumerate(counts):
        top = number * (_SIDE + _TITLE + _GAP)
        pen.text((_GAP, top + 2), f"{name} ({count:,})", fill="black", font=font)
        rows = np.flatnonzero((manifest.table["label"] == name).to_numpy())
        images = _some_images(manifest.table["image"].iloc[np.random.default_rng(seed).permutation(rows)])
        for column, pixels in enumerate(images):
            sheet.paste(Image.fromarray(pixels), (column * (_SIDE + _GAP), top + _TITLE))
    with replacing(path) as temporary:
        sheet.save(temporary)
    return [name for name, _ in counts]


def _font():
    """A font with more letters than Pillow's own, which has the English ones only."""
    import matplotlib

    return ImageFont.truetype(os.path.join(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), 15)


def _some_images(paths):
    """The first images that can be decoded."""
    images = []
    for path in paths[: 2 * _MOST_COLUMNS]:
        try:
            images.append(decode(path, _SIDE))
        except ImageError:  # `check_files` names it
            continue
        if len(images) == _MOST_COLUMNS:
            break
    return images
