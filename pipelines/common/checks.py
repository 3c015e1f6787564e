"""What a job checks of its groups together, before TensorFlow is loaded."""

import functools

from pipelines.common.options import flag
from skinkeras import losses, models
from skinkeras.datasets import DATASETS
from skinkeras.inputs.data_service import DataService


def shared_defaults(training, output):
    """{flat name: value} that every job puts where nothing was said; the arguments are groups of its settings."""
    return {"data_seed": training.seed, "cache_dir": output.out.parent / ".cache"}


def loss_defaults(options, usual):
    """{flat name: value} of what a loss takes; `usual` is the job's loss."""
    given = {name: value for name, value in options.parameters.items() if value is not None}
    used = losses.effective_parameters(options.loss or usual, options.weighting, **given)
    return {"loss": usual, **{name: losses.PARAMETERS[name].default for name in used}}


def check_loss(job, options, model):
    """Raises ValueError if the loss, the weighting and the model do not go together.

    Args:
        job: "binary" or "diagnosis".
        options: `groups.LossOptions`, resolved.
        model: `groups.ModelOptions`, resolved.
    """
    row, weighting = losses.LOSSES[options.loss], losses.WEIGHTINGS[options.weighting]
    if options.weighting != "none" and not row.weightable:
        known = [name for name, entry in losses.LOSSES.items() if entry.weightable and job in entry.jobs]
        raise ValueError(
            f"--weighting {options.weighting} needs --loss {' or '.join(known)}: {options.loss} weights samples "
            "itself."
        )
    if weighting.flat_only and model.name.head == "hierarchical":
        flat = models.ModelName(model.name.architecture, "dense")
        raise ValueError(
            f"--weighting {options.weighting} is for flat models, and {model.model} diagnoses level by level: "
            f"choose {flat} or {flat}_cbam, or another --weighting."
        )


def check_used(model, training, *, exports):
    """Raises ValueError if a setting was given that would have no effect in this run.

    Args:
        model, training: groups of the settings, as given but for the model's name.
        exports: whether files are made.
    """
    for name, value, used, needs in (
        ("lstm_units", model.lstm_units, model.name.head == "hierarchical", "a hierarchical --model"),
        ("qat_epochs", training.qat_epochs, exports, "--export"),
        ("qat_learning_rate", training.qat_learning_rate, exports, "--export"),
    ):
        if value is not None and not used:
            raise ValueError(f"{flag(name)} needs {needs}: without it, it would have no effect.")


def check_data_service(training):
    """Raises UsageError if a data service is asked for and nothing answers there; `training`: `TrainingOptions`."""
    if training.data_service:
        DataService(training.data_service).check_there()


def check_data(options):
    """Raises ValueError if a data set is named without its folder, a folder without a data set, or another reader's
    flag."""
    for name in options.reader_options:
        if name not in options.dataset.options:
            owners = [data for data, row in DATASETS.items() if name in row.options]
            raise ValueError(f"{flag(name)} belongs to --data {' or '.join(owners)}.")
    if options.dataset.synthetic:
        if options.data_dir is not None:
            raise ValueError(
                "--data-dir was given without --data, or with synthetic images: say which data set it holds (--data "
                "folder, ...), or leave it out."
            )
    elif options.data_dir is None:
        raise ValueError(f"--data {options.data} needs --data-dir, the folder that holds it.")
    elif not options.data_dir.is_dir():
        from skinkeras.datasets.file_search import check_folder  # with OpenCV

        check_folder(options.data_dir, "--data-dir")


def check_decisions(options, *, validation):
    """Raises ValueError if a decision is asked for that only validation images can make.

    Args:
        options: `groups.DecisionOptions`.
        validation: whether there are any.
    """
    point, usual = options.operating_point, type(options).operating_point
    asked = [f"--operating-point {point}"] if point not in (usual, "fixed_0.5") else []
    asked += [] if options.prevalence is None else ["--prevalence"]
    if asked and not validation:
        raise ValueError(
            f"{asked[0]} needs validation images, and there are none: leave it out, or use --validation 0.1."
        )


def check_model(options, *, exports):
    """Raises ValueError if the model cannot take the size or become integers, or its weights are unavailable."""
    name = options.name
    check_architecture(str(name.architecture), options)
    if (
        exports
        and name.head == "hierarchical"
        and not models.FAMILIES[models.architecture(name.architecture).family].hierarchical_int8
    ):
        raise ValueError(
            f"{name} cannot be exported: integers of it crash LiteRT. Choose EfficientNet-Lite or VGG16 behind "
            "hierarchical_, or --no-export."
        )


def check_architecture(name, options):
    """Raises ValueError if the architecture `name` cannot take the image size, or its weights are unavailable."""
    models.check_input_size(name, options.image_size)
    models.check_available(name, options.weights)


def check_weights_file(name, options):
    """Raises ValueError if a file of weights belongs to another architecture than `name`: needs Keras."""
    if options.weights not in ("imagenet", "none"):
        _check_fits(name, options.image_size, options.weights)


@functools.cache  # a sweep asks for every run
def _check_fits(name, image_size, weights):
    import keras

    models.create(name, 2, input_size=image_size, weights=weights)
    keras.backend.clear_session()  # the run's own model is to be called as if this one had never been


def without_unused(values, model, *, exports):
    """The defaults in `values` without those of settings that have no effect in this run, which stay None."""
    unused = set()
    if model.name.head != "hierarchical":
        unused.add("lstm_units")
    if not exports:
        unused |= {"qat_epochs", "qat_learning_rate"}
    return {name: value for name, value in values.items() if name not in unused}
