"""Experiments of a paper, by name, as what a grid's YAML file otherwise spells out.

settings:                          # beside those of the experiments; the same setting here counts
  export: false
experiments: [gilal2023/b2_*]      # names or patterns of `skinkeras.experiments`
"""

from pipelines.sweeps.engine.grid_checks import checked_names
from skinkeras import experiments

# The settings that differ between the experiments of a job; a grid has them in its entries.
_VARIED = {
    "binary": (
        *("oversample", "clean", "clean_rounds", "model", "loss"),
        *("gamma", "focal_delta", "recall_update"),
    ),
    "multiclass": ("model", "optimizer", "loss", "weighting"),
}
_SPELLED_OUT = ("training_sets", "runs")


def spelled_out(source, path):
    """A grid without the key `experiments`: with the settings, training sets and runs that they stand for.

    Args:
        source: dict, the YAML file's content.
        path: of the file.

    Raises:
        ValueError: no such experiment, experiments that one grid cannot have, or runs beside them; one sentence.
    """
    if "experiments" not in source:
        return source
    given = [key for key in _SPELLED_OUT if key in source]
    if given:
        raise ValueError(f"{path}: experiments says what is run; leave out {given[0]}.")
    chosen = _chosen(checked_names(source["experiments"], path, "experiments"), path)
    job = source.get("job", chosen[0].job)
    for one in chosen:
        if one.job != job:
            raise ValueError(
                f"{path}: {one.name} is an experiment of job {one.job}, and the grid's is {job}."
            )
    entries = {"binary": _binary, "multiclass": _multiclass}[job](chosen)
    shared = [
        {key: value for key, value in one.settings.items() if key not in _VARIED[job]} for one in chosen
    ]
    rest = {key: value for key, value in source.items() if key != "experiments"}
    own = source.get("settings") or {}
    if not isinstance(own, dict):
        return rest | entries  # which is refused with the others
    return {**rest, "job": job, "settings": {**shared[0], **own}, **entries}


def _chosen(patterns, path):
    chosen = {}
    for pattern in patterns:
        fitting = experiments.names(pattern)
        try:
            chosen |= {name: experiments.get(name) for name in fitting or (pattern,)}
        except ValueError as error:
            raise ValueError(f"{path}, experiments: {error}") from error
    return list(chosen.values())


def _binary(chosen):
    sets = {}
    for one in chosen:
        settings = one.settings
        rounds = sets.setdefault(settings["oversample"], {"clean": "none", "rounds": set()})
        rounds["clean"] = settings.get("clean", rounds["clean"])
        rounds["rounds"].add(settings.get("clean_rounds", 0))
    return {
        "training_sets": [
            {"oversample": oversample, "clean": found["clean"], "rounds": sorted(found["rounds"])}
            for oversample, found in sets.items()
        ],
        "runs": [_binary_run(one.settings) for one in chosen],
    }


def _binary_run(settings):
    loss = {name: settings[name] for name in ("loss", *_VARIED["binary"][5:]) if name in settings}
    return {
        "models": [settings["model"]],
        "losses": [loss],
        "oversample": [settings["oversample"]],
        "rounds": [settings.get("clean_rounds", 0)],
    }


def _multiclass(chosen):
    keys = {"model": "models", "optimizer": "optimizers", "loss": "losses", "weighting": "weightings"}
    return {"runs": [{key: [one.settings[name]] for name, key in keys.items()} for one in chosen]}
