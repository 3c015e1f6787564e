"""Figures 3 and 4 of Barata & Santiago 2021: where hierarchical models look when they decide, a column a weighting.

Keras is imported when a figure is drawn.
"""

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np

from pipelines.common.run_folder import RunFolder, recorded_run
from pipelines.common.startup import start_keras
from pipelines.sweeps.barata2021.claims import weighting_title
from pipelines.sweeps.barata2021.figures import attention_panels
from pipelines.sweeps.barata2021.hard_and_easy import figure_classes, one_of_each
from skinkeras.datasets import Taxonomy
from skinkeras.files.reading_yaml import read_yaml


def attention_figures(sweep, rates, chosen, common, note):
    """Figures 3 and 4 as far as they can be drawn: number -> (function that draws it to a path, title).

    The models are those of the first split. Without hierarchical runs that have kept their model file, or without the
    images, there is no figure.

    Args:
        sweep: `SweepResults`.
        rates: those of `rates_of`.
        chosen: weighting -> row numbers of its seeds, of hierarchical runs.
        common: what these runs have in common, in words.
        note: for the foot.
    """
    rows = {
        weighting: numbers[0]
        for weighting, numbers in chosen.items()
        if _model_file(sweep, numbers[0]).is_file()
    }
    if not rows:
        return {}
    numbers = list(rows.values())
    recalls = rates.draws["recall"][numbers, :, 0].mean(axis=0)
    first = np.flatnonzero(sweep.images["repeat"] == 1)  # the first repeat's images come first
    drawn = {}
    for figure, classes, kind in zip(
        (3, 4), figure_classes(sweep.classes, recalls), ("hard", "easy"), strict=True
    ):
        places = one_of_each(
            sweep.labels[first], sweep.probabilities[numbers][:, first], classes, hardest=kind == "hard"
        )
        images = sweep.images.iloc[first[places]]
        if len(images) and all(Path(path).is_file() for path in images["image"]):
            title = f"Attention at the last decision, {kind} images, {common}"
            drawn[figure] = partial(_draw, sweep, rows, images, title=title, note=note), title
    return drawn


def _model_file(sweep, row):
    return RunFolder(sweep.folder(row)).repeat(1).file("model.keras")


def last_decisions(folder, labels):
    """At which level, from 1, the diagnosis of each image ends: that of its true class; None if that is not known.

    Args:
        folder: of a run with a hierarchical model.
        labels: names of the images' classes.
    """
    file = Path(folder) / "taxonomy.yaml"
    if not file.is_file():
        return [None] * len(labels)
    paths = Taxonomy(read_yaml(file)).paths
    return [sum(node is not None for node in paths[label]) for label in labels]


def _draw(sweep, rows, images, path, title, note):
    start_keras()
    import keras

    from skinkeras.evaluation.attention import attention_maps
    from skinkeras.inputs import decode

    columns, verdicts = {}, {}
    for weighting, row in rows.items():
        keras.backend.clear_session()
        model = keras.models.load_model(_model_file(sweep, row), compile=False)
        size, geometry = model.input_shape[1], recorded_run(sweep.folder(row)).settings.model.geometry
        decoded = np.stack([decode(Path(image), size, geometry) for image in images["image"]])
        levels = last_decisions(sweep.folder(row), images["label"])
        probabilities = sweep.probabilities[row][images.index]
        name = weighting_title(weighting)
        columns[name] = at_level(attention_maps(model, decoded), levels)
        verdicts[name] = [f"{sweep.classes[each.argmax()]} {each.max():.2f}" for each in probabilities]
    captions = [
        row.label if level is None else f"{row.label} (level {level})"
        for row, level in zip(images.itertuples(), levels, strict=True)
    ]
    attention_panels(decoded, captions, columns, path, verdicts, title, note)


def at_level(maps, levels):
    """The `AttentionMaps` of n images, each at its own level.

    Args:
        maps: tuple of `AttentionMaps`, one a level.
        levels: (n,) level of each image from 1; None is the last.
    """
    names = [field.name for field in dataclasses.fields(maps[0])]
    of_image = [maps[(level or len(maps)) - 1] for level in levels]
    return dataclasses.replace(
        maps[0],
        **{name: np.stack([getattr(each, name)[n] for n, each in enumerate(of_image)]) for name in names},
    )
