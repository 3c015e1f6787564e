"""How an image of any shape becomes the square that a model takes, as a table. Light to import."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Geometry:
    """One row of `GEOMETRIES`.

    Attributes:
        title: what becomes of an image, for cards.
        square: what is resized, for the line of a card that describes the input.
        contract: the text `input.crop` of a `NAME.json`.
    """

    title: str
    square: str
    contract: str


#: What is resized to a model's input; `resize_to_square` does it. Files whose `NAME.json` names none take the first.
GEOMETRIES = {
    "crop": Geometry(
        "the largest centred square, resized",
        "the largest centred square of the image",
        "the largest centred square, resized to the input size (area averaging)",
    ),
    "squash": Geometry(
        "the whole image, resized to a square whatever its shape",
        "the whole image, whatever its shape",
        "none: the whole image, whatever its shape, resized to the input size (area averaging)",
    ),
    "pad": Geometry(
        "the whole image on a black square, resized",
        "the whole image, centred on a black square of its longer side",
        "none: the whole image, centred on a black square of its longer side, resized to the input size (area "
        "averaging)",
    ),
}
DEFAULT_GEOMETRY = "crop"
