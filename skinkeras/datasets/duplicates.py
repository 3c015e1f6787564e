"""DecodedImages that occur twice: the same file, or one so alike that it may be a copy."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

COLUMNS = ("image_id_1", "image_id_2", "split_1", "split_2", "distance", "exact", "same_group")
_SIDE = 32  # of the grey picture that is compared
_KEPT = 8  # low frequencies kept in each direction
_MARGIN = 4  # of the small picture, where dark corners make all pictures of one camera alike
_LEAST_CORRELATION = 0.8
_ROWS_AT_ONCE = 128  # 128 x 38,000 distances take 40 MB


def find_duplicates(manifest, split=None, max_distance=8):
    """Finds pairs of pictures that are equal or nearly so.

    Pairs whose perceptual hashes of 64 bits differ in few bits are kept if the fine details of the two
    pictures correlate too, by 0.8. The hash alone is not enough in dermoscopy: to it many pictures are one
    dark spot in the middle of bright skin. Of 6,812 pictures of HAM10000 the hash alone names, at up to 4
    bits, 70 pairs of one lesion and 147 pairs of different lesions, which the eye tells apart at once. With
    the details there are, at up to 8 bits, 80 pairs of one lesion, nearly the same view each, and none of
    different lesions. Copies that were turned, mirrored or cropped by more than a little are not found.

    Args:
        manifest: `Manifest`.
        split: the name of each row's part ("train", ...), in the manifest's order; None leaves the columns
            split_1 and split_2 empty.
        max_distance: the largest number of differing bits, 0 to 64, at which two pictures are compared
            further. (The hashes have as many ones as zeros, so that distances are even.)

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
    rows, hashes, details, digests = _fingerprints(manifest.table["image"])
    first, second, distance, alike = _near_pairs(hashes, details, max_distance)
    exact = digests[first] == digests[second]
    kept = exact | alike
    first, second, distance, exact = first[kept], second[kept], distance[kept], exact[kept]
    order = np.lexsort((second, first, distance))
    first, second, distance = first[order], second[order], distance[order]
    exact, first, second = exact[order], rows[first], rows[second]
    ids, groups = manifest.table["image_id"].to_numpy(), manifest.groups()
    parts = np.full(len(manifest), None, object) if split is None else np.asarray(split, object)
    together = groups[first] == groups[second]
    values = (ids[first], ids[second], parts[first], parts[second], distance, exact, together)
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def perceptual_hash(picture):
    """Hashes what a picture shows, little touched by its size, compression or brightness.

    Args:
        picture: (height, width) uint8 or float32, grey.

    Returns:
        Python int of 64 bits: which of the 8 x 8 lowest frequencies of the discrete cosine transform of the
        picture, shrunk to 32 x 32, lie above their median (C. Zauner, "Implementation and benchmarking of
        perceptual image hash functions", 2010).
    """
    low = cv2.dct(_shrink(picture))[:_KEPT, :_KEPT]
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")


def _shrink(picture):
    return cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)


def _fine_details(picture):
    """(n,) float32 of mean 0 and length 1: the middle of the small picture without its smooth part.

    The dot product of two is their correlation; for a blank picture all are 0, and so is the product.
    """
    small = _shrink(picture)
    details = (small - cv2.GaussianBlur(small, (0, 0), 1))[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN].ravel()
    details -= details.mean()
    length = np.linalg.norm(details)
    return details / length if length > 1e-3 else np.zeros_like(details)


def _fingerprints(images):
    """(row numbers, hashes, fine details, digests) of the files that can be read."""
    found = []
    for row, image in enumerate(images):
        try:
            data = Path(image).read_bytes()
        except OSError:
            continue
        picture = _decode_small(data)
        if picture is not None:
            digest = hashlib.sha256(data).digest()
            found.append((row, perceptual_hash(picture), _fine_details(picture), digest))
    rows, hashes, details, digests = zip(*found, strict=True) if found else ((), (), (), ())
    return np.array(rows, int), np.array(hashes, np.uint64), np.array(details), np.array(digests, object)


def _decode_small(data):
    """The grey picture at the least size that JPEG decodes directly and the hash can use, or None."""
    data = np.frombuffer(data, np.uint8)
    if not data.size:
        return None
    for scale in (cv2.IMREAD_REDUCED_GRAYSCALE_8, cv2.IMREAD_REDUCED_GRAYSCALE_4, cv2.IMREAD_GRAYSCALE):
        try:
            picture = cv2.imdecode(data, scale)
        except cv2.error:  # nothing would be left of a side of a few pixels
            continue
        if picture is None or min(picture.shape) >= _SIDE:
            break
    return picture


def _near_pairs(hashes, details, max_distance):
    """(first, second, distance, alike) of all pairs with first < second whose hashes differ in few bits."""
    pairs = [(np.empty(0, int), np.empty(0, int), np.empty(0, int), np.empty(0, bool))]
    for start in range(0, len(hashes), _ROWS_AT_ONCE):
        distance = np.bitwise_count(hashes[start : start + _ROWS_AT_ONCE, None] ^ hashes[None, start:])
        first, second = np.nonzero(np.triu(distance <= max_distance, 1))
        distance = distance[first, second].astype(int)
        first, second = first + start, second + start
        correlation = np.einsum("ij,ij->i", details[first], details[second]) if len(first) else np.empty(0)
        pairs.append((first, second, distance, correlation >= _LEAST_CORRELATION))
    return [np.concatenate(column) for column in zip(*pairs, strict=True)]
