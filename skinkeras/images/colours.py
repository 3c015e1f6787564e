"""What the numbers in an image file mean: tone range, transparency and colour profile -> sRGB, 8 bits."""

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

# By the colour space of a profile, as ICC.1 spells it: the modes of Pillow that it can describe.
_DESCRIBED = {
    "RGB": {"L", "RGB"},
    "GRAY": {"L"},
    "CMYK": {"CMYK"},
}
# A profile that moves no colour by more than this is sRGB: programs round its curve differently.
_SAME_COLOUR = 2
_PHOTOMETRIC = 262  # the tag of a TIFF that says what its numbers are


class ToneRangeError(ValueError):
    """Grey levels of which nobody knows what is white."""


def srgb_image(image, profile=None):
    """A PIL image of any mode as sRGB: mode "RGB", 8 bits.

    The ICC profile is converted, relative colorimetric with black point compensation: colours that sRGB
    can show keep their appearance, where the perceptual intent may shift all of them to make room for the others.
    A profile that equals sRGB changes nothing, bit for bit. A profile that is broken, or describes another colour
    space than the image's, is ignored: the image is taken as sRGB. CMYK and LAB without a profile are converted
    as Pillow does. 16-bit grey keeps its upper 8 bits; 32-bit grey and floats are read where their range is clear,
    0..255 or (floats) 0..1. Transparent pixels are composited on white, as viewers show them.

    Args:
        image: PIL image; it is not changed, and returned as it is where there is nothing to do.
        profile: bytes, the ICC profile of its colours; None: they are sRGB.

    Returns:
        PIL image.

    Raises:
        ToneRangeError: 32-bit grey levels or floats that are neither 0..1 nor 0..255.
    """
    image = _eight_bits(image)
    if not image.has_transparency_data:
        return _converted(image, profile)
    with_alpha = image.convert("RGBA")
    opaque = with_alpha.convert("L" if image.mode in ("1", "L", "LA", "La") else "RGB")
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(_converted(opaque, profile), mask=with_alpha.getchannel("A"))
    return white


def has_16_bits(image):
    """Whether a PIL image is stored with 16 bits a channel, which Pillow forgets when it loads the pixels."""
    stored = [tile[3] for tile in getattr(image, "tile", ())]
    modes = [args[0] if isinstance(args, tuple) and args else args for args in stored]
    return any(isinstance(mode, str) and "16" in mode for mode in modes)


def check_16_bits(image):
    """Raises ToneRangeError if a loaded image of 16 bits a channel does not use the upper 4, as cameras of 12 bits do
    not: it would be black."""
    if image.mode.startswith("I;16"):
        highest = np.asarray(image).max() >> 8
    else:
        names, extrema = image.getbands(), image.getextrema()
        extrema = extrema if len(names) > 1 else (extrema,)
        highest = max(high for (_, high), name in zip(extrema, names, strict=True) if name != "A")
    if highest < 1 << 4:
        raise ToneRangeError(
            "its levels use at most 12 of 16 bits, and which of them is white is unknown: save it with 8 bits"
        )


def _eight_bits(image):
    """The image with 8 bits a channel: grey levels that have more are brought to 0..255."""
    if image.mode.startswith("I;16"):
        # Pillow itself would cut everything above 255 off. The byte order is the array's.
        return _grey(image, np.asarray(image) >> 8)
    if image.mode not in ("I", "F"):
        return image
    values = np.asarray(image)
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 255):  # which no NaN is
        raise ToneRangeError(
            f"its grey levels are {low:g} to {high:g}, and which of them is white is unknown: "
            "save it with 8 or 16 bits"
        )
    scale = 255 if image.mode == "F" and high <= 1 else 1
    return _grey(image, np.rint(values * scale))


def _grey(image, levels):
    """Levels 0..255 of an image as one of 8 bits. In a TIFF, 0 may be white, which Pillow only knows of 8 bits."""
    levels = levels.astype(np.uint8)
    white_is_zero = getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0
    return Image.fromarray(255 - levels if white_is_zero else levels)


def _converted(image, profile):
    """An opaque image of 8 bits as sRGB."""
    if image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    transform = _transform_to_srgb(profile, image.mode) if profile else None
    if transform is not None:
        return ImageCms.applyTransform(image.convert(transform.input_mode), transform)
    return image if image.mode == "RGB" else image.convert("RGB")


@lru_cache(32)
def _transform_to_srgb(profile, mode):
    """From the colours of an ICC profile to sRGB; None where there is nothing to convert.

    Args:
        profile: bytes.
        mode: of the image: "L", "RGB" or "CMYK".
    """
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = opened.profile.xcolor_space.strip()
        if mode not in _DESCRIBED.get(space, ()):
            return None
        flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
        if space == "GRAY":  # optimised, its curve has 33 points, too few for the dark levels
            flags |= ImageCms.Flags.NOOPTIMIZE
        transform = ImageCms.buildTransform(
            opened,
            ImageCms.createProfile("sRGB"),
            "RGB" if space == "RGB" else mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags,
        )
        return None if space != "CMYK" and _changes_nothing(transform, space) else transform
    except Exception:  # a broken profile can raise anything
        return None


def _changes_nothing(transform, space):
    levels = np.linspace(0, 255, 18).astype(np.uint8)
    if space == "RGB":
        colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(18, -1, 3)
    else:
        colours = np.arange(256, dtype=np.uint8)[None]
    converted = np.asarray(ImageCms.applyTransform(Image.fromarray(colours), transform)).astype(int)
    return np.abs(converted - colours.reshape(*colours.shape[:2], -1)).max() <= _SAME_COLOUR
