"""Small images in every format that is read, and how they are damaged for property tests."""

import io
import random

import numpy as np
import pillow_heif
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

pillow_heif.register_heif_opener()


def lesion(height=48, width=64):
    """(height, width, 3) uint8: a smooth, wavy image with a dark spot, in three different channels."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    waves = [np.sin(2 * np.pi * (k * x + (k + 2) * y)) for k in (3, 5, 7)]
    spot = np.exp(-((x - 0.5) ** 2 + (y - 0.4) ** 2) / 0.02)
    return np.stack([140 + 60 * wave - 60 * spot for wave in waves], axis=-1).clip(0, 255).astype(np.uint8)


def encoded(image, name, **options):
    """The bytes of an image (PIL image or array) in the format called `name`."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def _samples():
    pixels = lesion()
    rgb, grey = Image.fromarray(pixels), Image.fromarray(pixels[..., 0])
    rgba = Image.fromarray(np.dstack([pixels, pixels[..., 0]]))
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    text = _text()
    return {
        "baseline.jpg": encoded(rgb, "jpeg", exif=exif, icc_profile=profile),
        "progressive.jpg": encoded(rgb, "jpeg", progressive=True),
        "grey.jpg": encoded(grey, "jpeg"),
        "cmyk.jpg": encoded(rgb.convert("CMYK"), "jpeg"),
        "rgb.png": encoded(rgb, "png", exif=exif, icc_profile=profile, pnginfo=text),
        "rgba.png": encoded(rgba, "png"),
        "palette.png": encoded(rgb.quantize(16), "png", transparency=3),
        "grey16.png": encoded(pixels[..., 0].astype(np.uint16) * 257, "png"),
        "raw.tif": encoded(rgb, "tiff", exif=exif),
        "lzw.tif": encoded(rgb, "tiff", compression="tiff_lzw"),
        "jpeg.tif": encoded(rgb, "tiff", compression="jpeg"),
        "float.tif": encoded(pixels[..., 0].astype(np.float32) / 255, "tiff"),
        "lab.tif": encoded(_lab(rgb), "tiff"),
        "rgb.bmp": encoded(rgb, "bmp"),
        "lossy.webp": encoded(rgb, "webp", exif=exif),
        "lossless.webp": encoded(rgba, "webp", lossless=True),
        "frames.gif": encoded(rgb.quantize(32), "gif", save_all=True, append_images=[grey.quantize(8)]),
        "rgb.jp2": encoded(rgb, "jpeg2000"),
        "rgb.avif": encoded(rgb, "avif"),
        "rgb.heic": encoded(rgb, "heif", exif=exif),
    }


def _text():
    text = PngInfo()
    text.add_text("Comment", "a lesion " * 20, zip=True)
    return text


def _lab(rgb):
    return ImageCms.profileToProfile(
        rgb, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )


SAMPLES = _samples()
# Bytes that stand for sizes, counts and offsets hurt most at the ends of their ranges.
_EXTREMES = [b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x80\0\0\0", b"\0\0\0\x80"]


def mutate(data, seed):
    """The bytes with one to four changes, half of them in the first 300, where most headers are."""
    rng, data = random.Random(seed), bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(max(min(len(data), rng.choice((300, len(data)))), 1))
        length = rng.choice((1, 2, 4, 64))
        kind = rng.choice(("bytes", "bit", "extreme", "remove", "insert", "repeat", "cut"))
        if kind == "bytes":
            data[place : place + length] = rng.randbytes(length)
        elif kind == "bit" and data:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == "extreme":
            data[place : place + 4] = rng.choice(_EXTREMES)
        elif kind == "remove":
            del data[place : place + length]
        elif kind == "insert":
            data[place:place] = rng.randbytes(length)
        elif kind == "repeat":
            data[place:place] = data[place : place + length] * rng.randrange(1, 50)
        elif kind == "cut":
            del data[place:]
    return bytes(data)


# Strategies of hypothesis that choose places themselves favour the first bytes, and little but the header is tried.
mutated_images = st.builds(
    lambda name, seed: (name, mutate(SAMPLES[name], seed)),
    st.sampled_from(sorted(SAMPLES)),
    st.integers(0, 2**64 - 1),
)
