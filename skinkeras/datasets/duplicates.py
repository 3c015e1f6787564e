"""Images that occur twice: the same file, or one so alike that it is a copy."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from skinkeras.datasets.file_search import name_some
from skinkeras.datasets.fingerprints import fingerprints, near_pairs
from skinkeras.files.locks import exclusive
from skinkeras.files.reading_json import read_json
from skinkeras.files.writing import replacing
from skinkeras.images import image_files

COLUMNS = ("image_id_1", "image_id_2", "split_1", "split_2", "distance", "exact", "same_group")
_MOST_CACHED_BYTES = 2**28  # a pair takes about 20
_CACHED = "2"  # counts up when other pairs are found of the same files


def find_duplicates(manifest, split=None, max_distance=8, *, cache_dir=None, progress=None):
    """Finds pairs of images that are equal or nearly so.

    Pairs whose perceptual hashes of 64 bits differ in few bits are kept if the fine details of the two
    images correlate too, by 0.55. The hash alone is not enough in dermoscopy: to it many images are one
    dark spot in the middle of bright skin, and at up to 8 bits it names 5,941 pairs of the 10,015 images of
    HAM10000. With the details 109 pairs are left: 108 of one lesion, nearly the same view each, and one of two
    lesion_ids that is the same photograph with another white balance. Each image is compared with the others in all
    eight orientations, so that a copy that was mirrored or turned by right angles is found too; no images of two
    lesions correlate by more than 0.41 in any of them. Copies that were turned by another angle or cropped by more
    than a little are not found. 10,015 images take about 20 seconds of one core, of which the comparison is half a
    second; that grows with the square of their number, to some minutes for 400,000.

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
    rows, hashes, details, digests = fingerprints(images, progress)
    first, second, distance, alike = near_pairs(hashes, details, max_distance)
    exact = digests[first] == digests[second]
    kept = np.flatnonzero(exact | alike)
    order = kept[np.lexsort((second[kept], first[kept], distance[kept]))]
    # Two images can be alike in several orientations.
    once = np.sort(np.unique(first[order] * len(images) + second[order], return_index=True)[1])
    order = order[once]
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
        first, second, distance, exact = (np.array(column) for column in read_json(file, _MOST_CACHED_BYTES))
        first, second, distance = (column.astype(int) for column in (first, second, distance))
    except (OSError, ValueError, TypeError, OverflowError):
        return None
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
