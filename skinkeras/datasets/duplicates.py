"""Images that occur twice: the same file, or one so alike that it is a copy."""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from skinkeras.datasets.file_search import name_some
from skinkeras.files import replacing
from skinkeras.images import image_files
from skinkeras.images.decoding import ImageError, decode
from skinkeras.locks import exclusive

COLUMNS = ("image_id_1", "image_id_2", "split_1", "split_2", "distance", "exact", "same_group")
_SIDE = 32  # of the grey image that is hashed
_KEPT = 8  # low frequencies kept in each direction
_DETAILS_SIDE = 48  # of the grey image whose details are compared
_MARGIN = 6  # of it, where dark corners make all images of one camera alike
_LEAST_CORRELATION = 0.65
_LARGEST_DETAIL = 127
_ROWS_AT_ONCE = 128  # 128 x 38,000 distances take 40 MB
_CACHED = "1"  # counts up when other pairs are found of the same files


def find_duplicates(manifest, split=None, max_distance=8, *, cache_dir=None, progress=None):
    """Finds pairs of images that are equal or nearly so.

    Pairs whose perceptual hashes of 64 bits differ in few bits are kept if the fine details of the two
    images correlate too, by 0.65. The hash alone is not enough in dermoscopy: to it many images are one
    dark spot in the middle of bright skin, and at up to 8 bits it names 6,357 pairs of the 10,015 images of
    HAM10000. With the details 102 pairs are left: 101 of one lesion, nearly the same view each, and one of two
    lesion_ids that is the same photograph with another white balance. (Further down, to 0.4, there are 42 more
    pairs of one lesion, and none of two.) Copies that were turned, mirrored or cropped by more than a little
    are not found. 10,015 images take about 12 seconds of one core, of which the comparison is a fifth of
    a second; that grows with the square of their number, to some minutes for 400,000.

    Args:
        manifest: `Manifest`.
        split: the name of each row's subset ("train", ...), in the manifest's order; None leaves the columns
            split_1 and split_2 empty.
        max_distance: the largest number of differing bits, 0 to 64, at which two images are compared
            further. (The hashes have as many ones as zeros, so that distances are even.)
        cache_dir: a folder in which the pairs are kept for the next call with the same files, or None.
        progress: called as `progress(done, total)` now and then.

    Returns:
        `pandas.DataFrame`, a row for each pair, nearest first, with the columns image_id_1, image_id_2,
        split_1, split_2, distance (differing bits), exact (bool: the files are equal byte by byte) and
        same_group (bool: the manifest knows that they belong together, see `Manifest.groups`).

    Raises:
        ValueError: `max_distance` is out of range, or `split` has not one entry for each row.
    """
    if not 0 <= max_distance <= 64:
        raise ValueError(f"max_distance must be between 0 and 64 bits. Received: {max_distance}")
    if split is not None and len(split) != len(manifest):
        raise ValueError(f"split must have one entry for each of {len(manifest)} rows, but has {len(split)}.")
    images = manifest.table["image"].tolist()
    if cache_dir is None:
        first, second, distance, exact = _pairs(images, max_distance, progress)
    else:
        first, second, distance, exact = _cached_pairs(images, max_distance, cache_dir, progress)
    ids, groups = manifest.table["image_id"].to_numpy(), manifest.groups()
    together = groups[first] == groups[second]
    values = (ids[first], ids[second], None, None, distance, exact, together)
    pairs = pd.DataFrame(dict(zip(COLUMNS, values, strict=True)), columns=COLUMNS)
    return pairs if split is None else add_subsets(pairs, manifest, split)


def _pairs(images, max_distance, progress):
    """(first row, second row, distance, whether the files are equal) of each pair, nearest first."""
    rows, hashes, details, digests = _fingerprints(images, progress)
    first, second, distance, alike = _near_pairs(hashes, details, max_distance)
    exact = digests[first] == digests[second]
    kept = exact | alike
    first, second, distance, exact = first[kept], second[kept], distance[kept], exact[kept]
    order = np.lexsort((second, first, distance))
    return rows[first[order]], rows[second[order]], distance[order], exact[order]


def _cached_pairs(images, max_distance, folder, progress):
    """As `_pairs`, from a file in `folder`, which is made if it is not there or damaged."""
    key = image_files.content_key(images, f"duplicates {_CACHED} {max_distance}")
    file = Path(folder) / f"duplicates-{key}.json"
    if (pairs := _read_pairs(file, len(images))) is not None:
        return pairs
    with exclusive(file):
        # Another process may have made it meanwhile.
        if (pairs := _read_pairs(file, len(images))) is None:
            pairs = _pairs(images, max_distance, progress)
            with replacing(file) as temporary:
                temporary.write_text(json.dumps([column.tolist() for column in pairs]))
    return pairs


def _read_pairs(file, n):
    """The pairs in a file of `_cached_pairs`; None if there is none, or a damaged one."""
    try:
        first, second, distance, exact = (np.array(column) for column in json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    first, second, distance = (column.astype(int) for column in (first, second, distance))
    shapes = {column.shape for column in (first, second, distance, exact)}
    if shapes != {(len(first),)} or not ((first >= 0) & (first < second) & (second < n)).all():
        return None
    return first, second, distance, exact.astype(bool)


def count_duplicates(manifest, pairs, split):
    """How many pairs of images are copies of each other.

    Args:
        manifest: `Manifest`, before or after `group_duplicates`.
        pairs: from `find_duplicates`.
        split: the name of each row's subset, in the manifest's order; rows whose subset is "" are not counted.

    Returns:
        dict of int: exact (pairs of files that are equal byte by byte), near (of nearly equal images),
        of_different_groups (pairs of which lesion and patient do not say that they belong together) and
        across_subsets (pairs with an image in each of two subsets).
    """
    pairs = add_subsets(pairs, manifest, split)
    pairs = pairs[(pairs["split_1"] != "") & (pairs["split_2"] != "")]
    named = manifest.with_table(manifest.table.drop(columns="duplicate_set", errors="ignore"))
    group = dict(zip(manifest.table["image_id"], named.groups(), strict=True))
    exact = int(pairs["exact"].sum())
    return {
        "exact": exact,
        "near": len(pairs) - exact,
        "of_different_groups": int((pairs["image_id_1"].map(group) != pairs["image_id_2"].map(group)).sum()),
        "across_subsets": int((pairs["split_1"] != pairs["split_2"]).sum()),
    }


def add_subsets(pairs, manifest, split):
    """The pairs of `find_duplicates` with the subset of each image in the columns split_1 and split_2."""
    subset = dict(zip(manifest.table["image_id"], split, strict=True))
    return pairs.assign(split_1=pairs["image_id_1"].map(subset), split_2=pairs["image_id_2"].map(subset))


def group_duplicates(manifest, pairs, *, near=True):
    """Makes one group of images that are copies of each other, so that no split divides them.

    Args:
        manifest: `Manifest`.
        pairs: from `find_duplicates`.
        near: whether images that are nearly equal count too; else files that are equal byte by byte.

    Returns:
        `Manifest` with the column duplicate_set where there are copies of other groups, and a note that counts
        them.

    Raises:
        ValueError: two files are equal and have different labels.
    """
    check_labels_of_copies(manifest, pairs)
    differ = _labels_differ(manifest, pairs)
    joined = ~pairs["same_group"] & (pairs["exact"] | near)
    if not joined.any():
        return manifest
    exact = int((joined & pairs["exact"]).sum())
    note = (
        f"Copies in different lesions or patients: {exact:,} pairs of equal files and "
        f"{int(joined.sum()) - exact:,} of nearly equal images; the images of a pair now count as one group."
    )
    if (joined & differ).any():
        note += f" Different labels: {int((joined & differ).sum()):,} of these pairs."
    table = manifest.table.assign(duplicate_set=_sets(manifest, pairs[joined]))
    return manifest.with_table(table, note)


def check_labels_of_copies(manifest, pairs):
    """Raises ValueError, with the names of ten pairs, if two files are equal and have different labels.

    Args:
        manifest: `Manifest`.
        pairs: from `find_duplicates`.
    """
    contradictions = pairs[pairs["exact"] & _labels_differ(manifest, pairs)]
    if contradictions.empty:
        return
    label = dict(zip(manifest.table["image_id"], manifest.table["label"], strict=True))
    names = [
        f"{a} ({label[a]}) and {b} ({label[b]})"
        for a, b in zip(contradictions["image_id_1"], contradictions["image_id_2"], strict=True)
    ]
    number = "1 pair of images is" if len(names) == 1 else f"{len(names):,} pairs of images are"
    raise ValueError(
        f"{manifest.origin}: {number} the same file with different labels: {name_some(names)}. Keep one of each "
        "pair, with the right label."
    )


def _labels_differ(manifest, pairs):
    label = dict(zip(manifest.table["image_id"], manifest.table["label"], strict=True))
    return pairs["image_id_1"].map(label) != pairs["image_id_2"].map(label)


def _sets(manifest, pairs):
    """(n,) object: for every image with a copy the image_id of the first copy, else None."""
    ids = manifest.table["image_id"]
    row = {image_id: number for number, image_id in enumerate(ids)}
    first, second = (pairs[name].map(row).to_numpy() for name in ("image_id_1", "image_id_2"))
    links = coo_array((np.ones(len(first)), (first, second)), shape=(len(ids), len(ids)))
    component = connected_components(links, directed=False)[1]
    sets = ids.groupby(component).transform("first")
    return sets.where(np.isin(np.arange(len(ids)), np.concatenate([first, second])), None)


def perceptual_hash(image):
    """Hashes what an image shows, little touched by its size, compression or brightness.

    Args:
        image: (height, width) uint8 or float32, grey.

    Returns:
        Python int of 64 bits: which of the 8 x 8 lowest frequencies of the discrete cosine transform of the
        image, shrunk to 32 x 32, lie above their median (C. Zauner, "Implementation and benchmarking of
        perceptual image hash functions", 2010).
    """
    low = cv2.dct(_shrink(image))[:_KEPT, :_KEPT]
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")


def _shrink(image, side=_SIDE):
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)


def _fine_details(image):
    """(n,) int8: the middle of the small image without its smooth part; all 0 for a blank image.

    Values beyond the median size are cut, or else the border of the lesion, which is alike in many images,
    would outweigh the texture, which is an image's own.
    """
    small = _shrink(image, _DETAILS_SIDE)
    details = (small - cv2.GaussianBlur(small, (0, 0), 1))[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN].ravel()
    details -= np.median(details)
    usual = np.median(np.abs(details))
    if usual < 1e-2:
        return np.zeros(details.size, np.int8)
    scaled = np.round(details * (_LARGEST_DETAIL / usual))
    return np.clip(scaled, -_LARGEST_DETAIL, _LARGEST_DETAIL).astype(np.int8)


def _correlations(first, second):
    """(n,) float32: how far the details in the same rows of both agree, -1 to 1; 0 for a blank image."""
    first, second = first.astype(np.float32), second.astype(np.float32)
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return np.einsum("ij,ij->i", first, second) / np.maximum(lengths, 1e-6)


def _fingerprints(images, progress=None):
    """(row numbers, hashes, fine details, digests) of the files that can be read."""
    found = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for row, fingerprint in enumerate(pool.map(_fingerprint, images)):
            if fingerprint is not None:
                found.append((row, *fingerprint))
            if progress and (row % 50 == 49 or row + 1 == len(images)):
                progress(row + 1, len(images))
    rows, hashes, details, digests = zip(*found, strict=True) if found else ((), (), (), ())
    return np.array(rows, int), np.array(hashes, np.uint64), np.array(details), np.array(digests, object)


def _fingerprint(image):
    try:
        data = image_files.read_bytes(image)
        pixels = _decode_small(data)
        if pixels is None:  # OpenCV reads fewer formats
            pixels = cv2.cvtColor(decode(image, 2 * _DETAILS_SIDE), cv2.COLOR_RGB2GRAY)
    except (OSError, ImageError):
        return None
    return perceptual_hash(pixels), _fine_details(pixels), hashlib.sha256(data).digest()


def _decode_small(data):
    """The grey image at the least size that JPEG decodes directly and the hash can use, or None."""
    pixels = np.frombuffer(data, np.uint8)
    if not pixels.size:
        return None
    for scale in (cv2.IMREAD_REDUCED_GRAYSCALE_8, cv2.IMREAD_REDUCED_GRAYSCALE_4, cv2.IMREAD_GRAYSCALE):
        try:
            image = cv2.imdecode(pixels, scale)
        except cv2.error:  # nothing would be left of a side of a few pixels
            continue
        if image is None or min(image.shape) >= _DETAILS_SIDE:
            break
    return image


def _near_pairs(hashes, details, max_distance):
    """(first, second, distance, alike) of all pairs with first < second whose hashes differ in few bits."""
    pairs = [(np.empty(0, int), np.empty(0, int), np.empty(0, int), np.empty(0, bool))]
    for start in range(0, len(hashes), _ROWS_AT_ONCE):
        distance = np.bitwise_count(hashes[start : start + _ROWS_AT_ONCE, None] ^ hashes[None, start:])
        first, second = np.nonzero(np.triu(distance <= max_distance, 1))
        distance = distance[first, second].astype(int)
        first, second = first + start, second + start
        if len(first):
            alike = _correlations(details[first], details[second]) >= _LEAST_CORRELATION
            pairs.append((first, second, distance, alike))
    return [np.concatenate(column) for column in zip(*pairs, strict=True)]
