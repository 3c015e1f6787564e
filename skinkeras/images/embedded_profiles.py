"""Colour spaces that a file names and Pillow does not report: code points (CICP) in AVIF, HEIF and PNG, and the ICC
profile of a JPEG 2000 file. Light to import."""

import struct
from functools import lru_cache

_SEARCHED = 1 << 22  # bytes; colours are described in front of the pixels
_METHOD_ICC = 2  # ISO/IEC 15444-1, table I.9
_HDR = {16: "PQ", 18: "HLG"}  # ITU-T H.273, transfer characteristics
# The white of a profile, D50, as ICC.1 rounds it.
_D50 = (0.9642, 1.0, 0.8249)
# By the primaries of ITU-T H.273: XYZ of red, green and blue, adapted from D65 to D50 (Bradford).
_PRIMARIES = {
    9: ((0.67348, 0.27904, -0.00193), (0.16566, 0.67534, 0.02998), (0.12505, 0.04561, 0.79685)),  # BT.2020
    12: (
        (0.51512, 0.24120, -0.00105),
        (0.29198, 0.69225, 0.04189),
        (0.15710, 0.06657, 0.78407),
    ),  # Display P3
}
# IEC 61966-2-1: g, a, b, c and d of a parametric curve of type 3.
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


class HdrError(ValueError):
    """An image whose tones are made for a brighter screen."""


def unreported_profile(image):
    """The ICC profile of an image that names a colour space other than sRGB of which Pillow says nothing.

    Args:
        image: PIL image whose pixels are not loaded yet: after that, its file is closed.

    Returns:
        bytes, or None.

    Raises:
        HdrError: its tones are PQ or HLG.
    """
    find = {"PNG": _of_png, "AVIF": _of_boxes, "HEIF": _of_boxes, "JPEG2000": _of_jp2}.get(image.format)
    file = getattr(image, "fp", None)
    if find is None or file is None or image.info.get("icc_profile"):
        return None
    place = file.tell()
    try:
        file.seek(0)
        return find(image, file.read(_SEARCHED))
    except (struct.error, IndexError):  # a damaged description describes nothing
        return None
    finally:
        file.seek(place)


def _of_png(image, data):
    end = data.find(b"IDAT")
    at = data.find(b"\0\0\0\4cICP", 0, end if end > 0 else None)
    return _named(*struct.unpack_from(">BB", data, at + 8)) if at >= 0 else None


def _of_boxes(image, data):
    named = image.info.get("nclx_profile")  # of the main image, where the plugin says it
    if named:
        return _named(named["color_primaries"], named["transfer_characteristics"])
    at = data.find(b"colrnclx")
    return _named(*struct.unpack_from(">HH", data, at + 8)) if at >= 0 else None


def _of_jp2(image, data):
    at = data.find(b"colr")
    if at < 4 or data[at + 4] != _METHOD_ICC:
        return None
    (length,) = struct.unpack_from(">I", data, at - 4)
    return data[at + 7 : at - 4 + length]


def _named(primaries, transfer):
    """The profile of a colour space by its numbers in ITU-T H.273; None for sRGB and what is not known."""
    if transfer in _HDR:
        raise HdrError(f"its tones are HDR ({_HDR[transfer]}): export it as a JPEG")
    return _display_profile(primaries) if primaries in _PRIMARIES else None


@lru_cache
def _display_profile(primaries):
    """An ICC profile (ICC.1:2022, version 4) of a screen with these primaries and the curve of sRGB."""
    curve = b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + _fixed(*_SRGB_CURVE)
    names = (b"rXYZ", b"gXYZ", b"bXYZ")
    tags = {b"desc": _text("colours by their number"), b"cprt": _text("none"), b"wtpt": _xyz(_D50)}
    tags |= {name: _xyz(place) for name, place in zip(names, _PRIMARIES[primaries], strict=True)}
    tags |= {name: curve for name in (b"rTRC", b"gTRC", b"bTRC")}
    start = 128 + 4 + 12 * len(tags)
    table = body = b""
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    header = struct.pack(">I4xI4s4s4s12x", start + len(body), 0x04400000, b"mntr", b"RGB ", b"XYZ ")
    header += b"acsp" + bytes(28) + _fixed(*_D50) + bytes(48)
    return header + struct.pack(">I", len(tags)) + table + body


def _fixed(*values):
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _xyz(values):
    return b"XYZ \0\0\0\0" + _fixed(*values)


def _text(text):
    coded = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(coded), 28) + coded
