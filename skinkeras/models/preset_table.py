"""The released models as presets: what `NAME.json` and the float file beside it say. Needs no Keras."""

import difflib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from skinkeras.models.architectures import constructor_name, model_names, parse_name

#: Where a checkout of the project keeps the released models.
RELEASED = Path(__file__).parents[2] / "tflite_models"

# The files whose weights are floats, the most exact first.
_FLOAT_KINDS = ("float32", "float16")


@dataclass(frozen=True)
class Preset:
    """A released model, or one that a run has exported.

    Attributes:
        name: as in its `NAME.json`, which also holds everything below.
        task: what it answers, in words.
        model: one of `model_names()`.
        input_size: height and width in pixels.
        geometry: what of an image it takes, one of `skinkeras.images.geometries.GEOMETRIES`.
        classes: tuple of names, in the order of its probabilities.
        weights: the `.tflite` file that its weights are read from: float32 where there is one, else float16.
        contract: the path of its `NAME.json`.
    """

    name: str
    task: str
    model: str
    input_size: int
    geometry: str
    classes: tuple[str, ...]
    weights: Path
    contract: Path

    @cached_property
    def description(self) -> str:
        """Task, architecture, size and classes in a line."""
        shown = constructor_name(parse_name(self.model).architecture)
        return f"{self.task}: {shown} at {self.input_size} pixels; classes {', '.join(self.classes)}"


def presets() -> dict[str, Preset]:
    """The released models in this checkout of the project.

    Returns:
        {name: `Preset`}, by name. Empty where the package was installed without a checkout: then
        `from_preset` takes the path of a `NAME.json`.

    Raises:
        ValueError: a `NAME.json` among the released models is damaged.

    Example:
        >>> for name, preset in presets().items():
        ...     print(name, preset.input_size, preset.classes)
        diagnosis_efficientnet_lite0_224 224 ('akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc')
        melanoma_efficientnet_lite0_224 224 ('benign', 'malignant')
    """
    found = [_read(path) for path in sorted(RELEASED.glob("*.json"))]
    return {preset.name: preset for preset in found}


def find_preset(name: str | os.PathLike) -> Preset:
    """The preset called `name`.

    Args:
        name: a key of `presets()`, or the path of a `NAME.json` that a run has exported or that was downloaded
            with its files.

    Raises:
        ValueError: there is no such preset or file, or the json is damaged, has no float file beside it, or
            describes a model that `create` does not build; one sentence.

    Example:
        >>> find_preset("melanoma_efficientnet_lite0_224").model
        'efficientnet_lite0'
    """
    path = Path(name)
    if path.suffix == ".json" and path.is_file():
        return _read(path)
    known = presets()
    if name in known:
        return known[name]
    if not known:
        raise ValueError(
            f"There is no preset {os.fspath(name)!r}: the released models come with a checkout of the project, not "
            "with the installed package; give the path of a NAME.json that lies beside its files."
        )
    close = difflib.get_close_matches(str(name), known, n=1)
    advice = f"Did you mean {close[0]}?" if close else f"Choose one of {', '.join(known)}, or a NAME.json."
    raise ValueError(f"There is no preset {os.fspath(name)!r}. {advice}")


def _read(path: Path) -> Preset:
    # Its package imports OpenCV and LiteRT, which tables of names need not wait for.
    from skinkeras import tflite

    contract = tflite.read_contract(path)
    height, width = contract["input"]["shape"][1:3]
    if height != width:
        raise ValueError(f"{path} describes a model of {width} x {height} pixels; models here take squares.")
    return Preset(
        name=contract["name"],
        task=contract["task"],
        model=_model_name(path, contract["name"], height),
        input_size=height,
        geometry=tflite.geometry_of(contract),
        classes=tuple(contract["classes"]),
        weights=_float_file(path, contract),
        contract=path,
    )


def _model_name(path: Path, name: str, size: int) -> str:
    """The model's own name, which `NAME` ends in, in front of the size."""
    fitting = [model for model in model_names() if name.endswith(f"_{model}_{size}")]
    if not fitting:
        raise ValueError(
            f"{path} describes a model that is not built here: {name} does not end in one of models.model_names() "
            f"and _{size}."
        )
    return max(fitting, key=len)


def _float_file(path: Path, contract: dict[str, Any]) -> Path:
    for kind in _FLOAT_KINDS:
        if kind in contract["files"]:
            file = path.parent / contract["files"][kind]["file"]
            if file.is_file():
                return file
    raise ValueError(
        f"There is no float file beside {path}: weights are read from {contract['name']}_float16.tflite or "
        f"{contract['name']}_float32.tflite."
    )
