"""Looking through folders: what belongs to the data, what is there, and how to say it in one sentence."""

import os
from collections import Counter

from skinkeras.errors import shown
from skinkeras.images.decoding import IMAGE_ENDINGS

MOST_NAMES = 10  # in any sentence
_LONGEST = 250  # letters of one: the names of two files with their folders
# What macOS, Windows, Linux and network storage leave in folders.
_OF_A_SYSTEM = ("__macosx", "@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found")
_PACKED = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_SPREADSHEETS = (".xlsx", ".xls", ".ods", ".numbers")


def walk(root, max_depth=None):
    """Yields (folder relative to `root` with "/" between names, names of folders, names of files), sorted.

    Hidden files and folders, and those of a system (such as `__MACOSX`), are passed over. Links to folders are
    followed, each folder once; a link to a folder that it lies in, or to itself, is none.

    Args:
        root: the folder.
        max_depth: how many levels below `root` are visited; None is all.
    """
    seen, waiting = set(), [("", 0)]
    while waiting:
        relative, depth = waiting.pop()
        folder = os.path.join(root, relative)
        # A link back to a folder on the way would be followed for ever.
        identity = os.path.realpath(folder)
        if identity in seen:
            continue
        seen.add(identity)
        folders, files = _entries(folder)
        yield relative, folders, files
        if max_depth is None or depth < max_depth:
            below = [f"{relative}/{name}" if relative else name for name in folders]
            waiting += [(path, depth + 1) for path in reversed(below)]


def _entries(folder):
    folders, files = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name.casefold() in _OF_A_SYSTEM:
                    continue
                if not _is_folder(entry):
                    files.append(entry.name)
                elif not (entry.is_symlink() and _leads_up(entry.path)):
                    folders.append(entry.name)
    except PermissionError:
        return [], []
    return sorted(folders), sorted(files)


def _is_folder(entry):
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _leads_up(link):
    """Whether a link leads to a folder that it lies in: what is below it is there already."""
    target, place = os.path.realpath(link), os.path.realpath(os.path.dirname(link))
    return os.path.commonpath([target, place]) == target


def ending(name):
    """The ending of a file's name, in lower case: `.jpg`, or "" where there is none."""
    return os.path.splitext(name)[1].lower()


def is_image(name):
    """Whether a file's ending is one that is decoded."""
    return ending(name) in IMAGE_ENDINGS


def name_some(names, most=MOST_NAMES):
    """`a, b, c`, or for more than `most` names the first ones and how many follow."""
    names = list(names)
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(shown(name, _LONGEST) for name in names[:most]) + more


def count_endings(counts):
    """`12 .txt, 1 without an ending`, the commonest first.

    Args:
        counts: `Counter` of endings.
    """
    words = [f"{count:,} {name or 'without an ending'}" for name, count in counts.most_common()]
    return name_some(words)


def what_is_there(root):
    """What a folder holds, as the end of a sentence: its folders, its files, its images by their endings."""
    if not os.path.isdir(root):
        return "there is no such folder"
    _, folders, files = next(walk(root, 0))
    others = [f"{name}/" for name in folders] + [name for name in files if not is_image(name)]
    images = Counter(ending(name) for name in files if is_image(name))
    parts = [name_some(others)] if others else []
    if images:
        parts.append(f"{count_endings(images)} images")
    return f"there is: {'; '.join(parts)}" if parts else "it is empty"


def advice(root):
    """A sentence, after a space, on files of a folder that hide what is looked for; "" where there are none."""
    if not root or not os.path.isdir(root):
        return ""
    files = next(walk(root, 0))[2]
    sentences = ""
    for endings, what in ((_PACKED, "Unpack {} there."), (_SPREADSHEETS, "Save {} as CSV.")):
        names = [name for name in files if ending(name) in endings]
        if names:
            sentences += f" {what.format(name_some(names))}"
    return sentences


def check_folder(path, option="the folder"):
    """Raises ValueError, a sentence that says what to do, if a path leads to no folder."""
    if os.path.isdir(path):
        return
    if not os.path.exists(path):
        raise ValueError(f"There is no folder {path}: check {option}.")
    packed = ending(os.fspath(path)) in _PACKED
    to_do = "unpack it, and name the folder" if packed else "name the folder that holds it"
    raise ValueError(f"{path} is a file, not a folder: {to_do}.")
