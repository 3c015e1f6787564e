"""Figures 3 and 4 of Barata & Santiago 2021: where the models of each weighting look, on chosen images.

Keras is imported when a figure is drawn.
"""

from functools import partial
from pathlib import Path

import numpy as np

from pipelines.common.run_folder import RunFolder, recorded_run
from pipelines.common.startup import start_keras
from pipelines.sweeps.barata2021.claims import weighting_title
from pipelines.sweeps.barata2021.figures import attention_panels
from pipelines.sweeps.barata2021.hard_and_easy import hard_and_easy

# How many hard and how many easy images are shown.
_IMAGES = 2


def attention_figures(sweep, rows_of, note):
    """The figures that can be drawn: number -> (function that draws it to a path, title).

    The models are those of the first split. Models without attention and runs without a model file are left out;
    without the images there is no figure.

    Args:
        sweep: `SweepResults`.
        rows_of: number of the figure -> (weighting -> row numbers of its seeds, what they have in common).
        note: for the foot.
    """
    models = {number: _with_model_file(sweep, rows) for number, (rows, _) in rows_of.items()}
    shown = sorted({row for rows in models.values() for row in rows.values()})
    if not shown:
        return {}
    images = _chosen_images(sweep, shown)
    if not all(Path(path).is_file() for path in images["image"]):
        return {}
    drawn = {}
    for number, rows in models.items():
        if rows:
            title = f"Attention, {rows_of[number][1]}"
            drawn[number] = partial(_draw, sweep, rows, images, title=title, note=note), title
    return drawn


def _with_model_file(sweep, rows):
    """Weighting -> row of its first seed, where that left a model with attention."""
    first = {weighting: numbers[0] for weighting, numbers in rows.items()}
    attentive = sweep.runs["head"].isin(["cbam", "hierarchical"])
    return {
        weighting: row
        for weighting, row in first.items()
        if attentive[row] and _model_file(sweep, row).is_file()
    }


def _model_file(sweep, row):
    return RunFolder(sweep.folder(row)).repeat(1).file("model.keras")


def _chosen_images(sweep, rows):
    """Those of the first split that the models of `rows` find hardest and easiest: rows of `sweep.images`."""
    first = sweep.images["repeat"] == 1  # the first repeat's images come first
    count = min(_IMAGES, first.sum() // 2)
    hard, easy = hard_and_easy(sweep.labels[first], sweep.probabilities[rows][:, first], count)
    images = sweep.images.loc[[*hard, *easy]]
    return images.assign(kind=["hard"] * len(hard) + ["easy"] * len(easy))


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
        maps = attention_maps(model, decoded)
        probabilities = sweep.probabilities[row][images.index]
        texts = [f"{sweep.classes[each.argmax()]} {each.max():.2f}" for each in probabilities]
        for level, of_level in enumerate(maps, 1):
            name = weighting_title(weighting) + (f"\nlevel {level}" if len(maps) > 1 else "")
            columns[name], verdicts[name] = of_level, texts
    captions = [f"{row.label}, {row.kind}" for row in images.itertuples()]
    attention_panels(decoded, captions, columns, path, verdicts, title, note)
