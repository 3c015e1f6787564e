"""What Pillow does not say about a JPEG: damage inside it, and how long it takes to decode."""

import re

import simplejpeg

# The warnings of libjpeg that mean lost pixels. Pillow passes over all warnings.
_DAMAGE = re.compile(
    r"bad Huffman code"
    r"|premature end of data segment"
    # Before the end of the image (0xd9) they are padding that some cameras write, and all pixels are there.
    r"|extraneous bytes before marker 0x(?!d9)"
)
# After the byte 0xff: 0x00 is a byte of data, 0xd0..0xd7 count restarts, 0xff fills.
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA


def is_damaged(data, mode):
    """Whether data inside a JPEG is missing or wrong, as far as its code shows.

    The code of a JPEG has no checksum, so a changed bit can go unnoticed: it then changes a block or the tones of
    the blocks behind it.

    Args:
        data: bytes, the file.
        mode: of the PIL image: "L", "RGB" or "CMYK".
    """
    try:
        # libjpeg reads all code, whatever size is made of it; an eighth is the fastest.
        simplejpeg.decode_jpeg(data, "CMYK" if mode == "CMYK" else "GRAY", min_height=1, min_width=1)
    except ValueError as error:  # also for what only this decoder cannot do, which is Pillow's to judge
        return bool(_DAMAGE.search(str(error)))
    return False


def count_scans(data):
    """How many times a JPEG goes over its pixels: 1 for most, about 10 for progressive ones.

    Args:
        data: bytes, the file.
    """
    scans, place = 0, 0
    while found := _MARKER.search(data, place):
        marker, place = found[1][0], found.end()
        if marker == _END:
            break
        if marker == _SCAN:
            scans += 1
        elif marker != _START:
            place += int.from_bytes(data[place : place + 2], "big")
    return scans
