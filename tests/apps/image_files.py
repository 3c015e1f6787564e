"""Synthetic images as files of every sort that someone may choose: each function writes one into a folder."""

import cv2
from PIL import Image, PngImagePlugin

from skinkeras.datasets.synthetic_images import draw


def plain(folder):
    path = folder / "plain.png"
    Image.fromarray(draw(5, 1)).save(path)
    return path


def jpeg(folder):
    path = folder / "photo.jpg"
    Image.fromarray(draw(5, 6)).save(path, quality=90)
    return path


def turned(folder):
    """Stored on its side, with the mark that says so; off the middle once it is upright."""
    path = folder / "turned.jpg"
    image = Image.fromarray(draw(5, 8)[:, 40:300])
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, quality=92, exif=exif)
    return path


def with_gamma(folder):
    """A colour profile that Python passes over."""
    path = folder / "gamma.png"
    information = PngImagePlugin.PngInfo()
    information.add(b"gAMA", (100_000).to_bytes(4, "big"))
    Image.fromarray(draw(5, 3)).save(path, pnginfo=information)
    return path


def large(folder):
    """More pixels than the page holds at a time, and no whole number of them for one of the model's."""
    path = folder / "large.png"
    Image.fromarray(cv2.resize(draw(5, 6), (2801, 2203), interpolation=cv2.INTER_CUBIC)).save(
        path, compress_level=1
    )
    return path


def large_jpeg(folder):
    """Python reads it at a quarter of its size, the browser in full."""
    path = folder / "large.jpg"
    Image.fromarray(cv2.resize(draw(5, 6), (2801, 2203), interpolation=cv2.INTER_CUBIC)).save(
        path, quality=92
    )
    return path


def small(folder):
    path = folder / "small.png"
    Image.fromarray(cv2.resize(draw(5, 4), (170, 131), interpolation=cv2.INTER_AREA)).save(path)
    return path
