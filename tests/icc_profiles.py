"""Small ICC profiles of version 4, made of the numbers that their standards give."""

import struct


def _fixed(value):
    return struct.pack(">i", round(value * 65536))


def _xyz(*values):
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


def _text(text):
    coded = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(coded), 28) + coded


def _parametric(kind, *values):
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + b"".join(map(_fixed, values))


def profile(space, tags):
    """The bytes of a display's profile.

    Args:
        space: four letters, such as b"RGB ".
        tags: dict from a tag's four letters to its bytes.
    """
    tags = {b"desc": _text("test"), b"cprt": _text("none"), b"wtpt": _xyz(0.9642, 1, 0.8249), **tags}
    place, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", place + len(body), len(data))
        body += data
    header = struct.pack(">I4xI4s4s4s12s", place + len(body), 0x04300000, b"mntr", space, b"XYZ ", bytes(12))
    header += b"acsp" + bytes(28) + b"".join(map(_fixed, (0.9642, 1, 0.8249))) + bytes(48)
    return header + struct.pack(">I", len(tags)) + table + body


def _matrix_profile(red, green, blue, curve):
    return profile(
        b"RGB ",
        {
            b"rXYZ": _xyz(*red),
            b"gXYZ": _xyz(*green),
            b"bXYZ": _xyz(*blue),
            b"rTRC": curve,
            b"gTRC": curve,
            b"bTRC": curve,
        },
    )


_SRGB_CURVE = _parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)

# The primaries are relative to D50, as in the profiles that Apple and Adobe ship.
DISPLAY_P3 = _matrix_profile(
    (0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407), _SRGB_CURVE
)
ADOBE_RGB = _matrix_profile(
    (0.60974, 0.31111, 0.01947),
    (0.20528, 0.62567, 0.06087),
    (0.14919, 0.06322, 0.74457),
    _parametric(0, 563 / 256),
)
# sRGB as Hewlett-Packard's profile rounds it.
SRGB_ROUNDED = _matrix_profile(
    (0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410), _SRGB_CURVE
)
GREY_GAMMA_1 = profile(b"GRAY", {b"kTRC": _parametric(0, 1.0)})
