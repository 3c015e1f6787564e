"""Files that came from anywhere: read only if they are regular ones of a size to be expected.

A pipe never ends, a device may give zeros forever, and a sparse file of a terabyte takes no room on the disk.
"""

import os
from pathlib import Path

MOST_TEXT_BYTES = 2**20  # a card has 20 KB, the largest grid of a sweep 4


def check_regular(path: str | os.PathLike) -> None:
    """Raises FileNotFoundError or ValueError unless there is a regular file, or a link to one, at `path`."""
    if not os.path.exists(path):
        raise FileNotFoundError(f"There is no file {path}.")
    if not os.path.isfile(path):
        raise ValueError(f"{path} is not a file.")


def read_bytes(path: str | os.PathLike, most_bytes: int) -> bytes:
    """The content of a file.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no regular file, or larger than `most_bytes`.
    """
    check_regular(path)
    size = os.path.getsize(path)
    if size > most_bytes:
        raise ValueError(f"{path} is larger than {most_bytes // 2**20:,} MiB.")
    with open(path, "rb") as file:
        content = file.read(size + 1)
    if len(content) > size:  # somebody is writing it; or it is one of /proc, which say that they are empty
        raise ValueError(f"{path} has more bytes than its size says.")
    return content


def read_text(path: str | os.PathLike, most_bytes: int = MOST_TEXT_BYTES) -> str:
    """The text of a file in UTF-8, newlines as given. Raises as `read_bytes`, and ValueError for other bytes."""
    try:
        return read_bytes(path, most_bytes).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not text in UTF-8.") from error


def holds(path: str | os.PathLike, content: bytes) -> bool:
    """Whether there is a regular file at `path` that holds just `content`."""
    return (
        os.path.isfile(path) and os.path.getsize(path) == len(content) and Path(path).read_bytes() == content
    )
