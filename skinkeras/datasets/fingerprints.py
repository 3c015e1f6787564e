"""What an image shows, in few numbers that its size, its compression, mirrors and right angles hardly touch."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from skinkeras.images import image_files
from skinkeras.images.decoding import ImageError, decode

_SIDE = 32  # of the grey image that is hashed
_KEPT = 8  # low frequencies kept in each direction
_DETAILS_SIDE = 48  # of the grey image whose details are compared
_MARGIN = 6  # of it, where dark corners make all images of one camera alike
_LEAST_CORRELATION = 0.55
_LARGEST_DETAIL = 127
_ROWS, _COLUMNS = 64, 4096  # whose distances fit into the cache of a processor
_JPEG = b"\xff\xd8"

# (mirrored top to bottom, left to right, along the diagonal): all that mirrors and right angles make of a square.
_ORIENTATIONS = [
    (vertical, horizontal, diagonal) for diagonal in (0, 1) for vertical in (0, 1) for horizontal in (0, 1)
]


def perceptual_hash(image):
    """Hashes what an image shows, little touched by its size, compression or brightness.

    Args:
        image: (height, width) uint8 or float32, grey.

    Returns:
        Python int of 64 bits: which of the 8 x 8 lowest frequencies of the discrete cosine transform of the
        image, shrunk to 32 x 32, lie above their median (C. Zauner, "Implementation and benchmarking of
        perceptual image hash functions", 2010).
    """
    return _hashes(image)[0]


def _hashes(image):
    """The hashes of an image in all orientations, itself first."""
    low = cv2.dct(_shrink(image))[:_KEPT, :_KEPT]
    odd = 1 - 2 * (np.arange(_KEPT) % 2)  # a mirror turns the sign of every other frequency
    hashes = []
    for vertical, horizontal, diagonal in _ORIENTATIONS:
        turned = low * (odd[:, None] if vertical else 1) * (odd if horizontal else 1)
        turned = turned.T if diagonal else turned
        hashes.append(int.from_bytes(np.packbits(turned > np.median(turned)).tobytes(), "big"))
    return hashes


def _turn(details, vertical, horizontal, diagonal):
    turned = details[:, :: -1 if vertical else 1, :: -1 if horizontal else 1]
    return turned.swapaxes(1, 2) if diagonal else turned


def _shrink(image, side=_SIDE):
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)


def _fine_details(image):
    """(side, side) int8: the middle of the small image without its smooth part; all 0 for a blank image.

    Values beyond the median size are cut, or else the border of the lesion, which is alike in many images,
    would outweigh the texture, which is an image's own.
    """
    small = _shrink(image, _DETAILS_SIDE)
    details = (small - cv2.GaussianBlur(small, (0, 0), 1))[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    details -= np.median(details)
    usual = np.median(np.abs(details))
    if usual < 1e-2:
        return np.zeros(details.shape, np.int8)
    scaled = np.round(details * (_LARGEST_DETAIL / usual))
    return np.clip(scaled, -_LARGEST_DETAIL, _LARGEST_DETAIL).astype(np.int8)


def _correlations(first, second):
    """(n,) float32: how far the details in the same rows of both agree, -1 to 1; 0 for a blank image."""
    first, second = (details.astype(np.float32).reshape(len(details), -1) for details in (first, second))
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return np.einsum("ij,ij->i", first, second) / np.maximum(lengths, 1e-6)


def fingerprints(images, progress=None):
    """What `near_pairs` compares, of the files that can be read.

    Args:
        images: n paths.
        progress: called as `progress(done, total)` now and then.

    Returns:
        (k,) int rows; (k, 8) uint64 hashes, one an orientation; (k, side, side) int8 fine details; (k,) object, the
        digests of the files' bytes.
    """
    found = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for row, fingerprint in enumerate(pool.map(_fingerprint, images)):
            if fingerprint is not None:
                found.append((row, *fingerprint))
            if progress and (row % 50 == 49 or row + 1 == len(images)):
                progress(row + 1, len(images))
    rows, hashes, details, digests = zip(*found, strict=True) if found else ((), (), (), ())
    hashes = np.array(hashes, np.uint64).reshape(-1, len(_ORIENTATIONS))
    return np.array(rows, int), hashes, np.array(details), np.array(digests, object)


def _fingerprint(image):
    try:
        data = image_files.read_bytes(image)
        pixels = _decode_small(data)
        if pixels is None:  # OpenCV reads fewer formats
            pixels = cv2.cvtColor(decode(image, 2 * _DETAILS_SIDE, "squash"), cv2.COLOR_RGB2GRAY)
    except (OSError, ImageError):
        return None
    return _hashes(pixels), _fine_details(pixels), hashlib.sha256(data).digest()


def _decode_small(data):
    """The grey image at the least size that JPEG decodes directly and the hash can use, or None."""
    pixels = np.frombuffer(data, np.uint8)
    if not pixels.size:
        return None
    reduced = (cv2.IMREAD_REDUCED_GRAYSCALE_8, cv2.IMREAD_REDUCED_GRAYSCALE_4)
    # Of other formats OpenCV would take some pixels and leave out those between them.
    for scale in (*(reduced if data.startswith(_JPEG) else ()), cv2.IMREAD_GRAYSCALE):
        try:
            image = cv2.imdecode(pixels, scale)
        except cv2.error:  # nothing would be left of a side of a few pixels
            continue
        # Twice the side, because the pixels of the last row and column may be blocks that are cut off.
        if image is None or min(image.shape) >= 2 * _DETAILS_SIDE:
            break
    return image


def near_pairs(hashes, details, max_distance):
    """All pairs of images whose hashes differ in few bits, in one of the orientations.

    Args:
        hashes, details: from `fingerprints`.
        max_distance: bits.

    Returns:
        (first, second, distance, alike) with first < second, a row for each pair and orientation; `alike` says
        whether the details agree.
    """
    pairs = [(np.empty(0, int), np.empty(0, int), np.empty(0, int), np.empty(0, bool))]
    for number, orientation in enumerate(_ORIENTATIONS):
        turned = _turn(details, *orientation) if len(details) else details
        for first, second, distance in _near_hashes(hashes[:, 0], hashes[:, number], max_distance):
            alike = _correlations(details[first], turned[second]) >= _LEAST_CORRELATION
            pairs.append((first, second, distance, alike))
    return [np.concatenate(column) for column in zip(*pairs, strict=True)]


def _near_hashes(ones, others, max_distance):
    """Yields (first, second, distance) of pairs with first < second, some at a time."""
    ones, others = np.ascontiguousarray(ones), np.ascontiguousarray(others)
    for top in range(0, len(ones), _ROWS):
        for left in range(top, len(others), _COLUMNS):
            distance = np.bitwise_count(ones[top : top + _ROWS, None] ^ others[None, left : left + _COLUMNS])
            near = np.flatnonzero(distance <= max_distance)
            first, second = near // distance.shape[1] + top, near % distance.shape[1] + left
            above = first < second
            if above.any():
                yield first[above], second[above], distance.ravel()[near[above]].astype(int)
