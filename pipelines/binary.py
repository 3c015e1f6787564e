"""Melanoma or benign: from images to a verified integer model.

python -m pipelines.binary --gamma 10
python -m pipelines.binary --gamma 10 --data ham10000 --data-dir DIR
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from pipelines.common import checks, options
from pipelines.common.console import refuse_invalid_input, run, section
from pipelines.common.groups import (
    BinaryDataOptions,
    BinaryLossOptions,
    CleaningOptions,
    DecisionOptions,
    ModelOptions,
    OutputOptions,
    OversamplingOptions,
    TrainingOptions,
)
from pipelines.common.run_folder import RunFolder
from pipelines.common.startup import start_keras
from skinkeras import models


@dataclass(frozen=True)
class Settings:
    """Settings of the binary job. A None is filled by `resolved`."""

    data: BinaryDataOptions = BinaryDataOptions()
    oversampling: OversamplingOptions = OversamplingOptions()
    cleaning: CleaningOptions = CleaningOptions()
    model: ModelOptions = ModelOptions()
    loss: BinaryLossOptions = BinaryLossOptions()
    training: TrainingOptions = TrainingOptions()
    decisions: DecisionOptions = DecisionOptions()
    output: OutputOptions = OutputOptions(out=Path("runs/binary"))


def main(settings):
    """Trains a melanoma classifier and exports it as verified, benchmarked .tflite files.

    By default efficientnet_lite0 at its own size, recall cross-entropy with gamma 1, batches of 32, one-cycle up
    to 5e-4, 1 epoch of the classifier and 10 of all layers, then 2 epochs of fine-tuning for integers; on
    synthetic images 96 pixels, 4 epochs and 1.

    --experiment NAME takes the settings of a paper's experiment, such as gilal2023/b2_blur_rcel10
    (skinkeras.experiments.names() lists them); flags that are given count.
    """
    with refuse_invalid_input():
        settings = resolved(settings)
    with RunFolder(settings.output.out).locked() as folder:
        with refuse_invalid_input():
            request = options.request_of("binary", settings)
            folder.check(request, resume=settings.output.resume)
            if folder.is_complete:
                from pipelines.common import summary

                return summary.print_results(folder)
            plan = settings.training
            checks.check_data_service(plan)
            start_keras(
                plan.seed, deterministic=plan.deterministic, strategy=plan.strategy, devices=plan.devices
            )
            from pipelines.common import cleaning_rounds, line, loading, records

            checks.check_weights_file(settings.model.name.architecture, settings.model)
            task = new_task(settings.loss, settings.decisions)
            section("Data")
            data, cleaner = load_images(settings, folder)
            checks.check_decisions(settings.decisions, validation=data.has_validation)
            cleaning_rounds.check_materialised(data, settings.oversampling.materialise)
            folder.begin(request)
            cleaning_rounds.materialise(data, settings.oversampling.materialise)
            loading.record_data(data, folder)
        data = task.learned(cleaner.clean(data))
        cleaner.check_classes(data)
        facts = records.facts_of(request, task, settings.data, settings.model, card_groups(settings))
        trainer = line.Trainer(task, settings.model, settings.training, settings.decisions)
        output = settings.output
        line.train_and_ship(
            folder,
            trainer,
            [line.Repeat(1, folder, data)],
            facts,
            exports=output.export,
            disturbs=output.robustness,
        )


def card_groups(settings):
    """The groups whose facts the card shows, in order."""
    return (
        settings.data,
        settings.loss,
        settings.oversampling,
        settings.cleaning,
        settings.model,
        settings.training,
        settings.decisions,
    )


def task_class():
    """The class of the job's task."""
    from skinkeras.training import BinaryTask

    return BinaryTask


def new_task(loss, decisions):
    """The `BinaryTask` of `BinaryLossOptions` and `DecisionOptions`."""
    return task_class()(
        loss.loss,
        loss.weighting,
        loss.used_parameters,
        target=loss.target,
        points=decisions.points,
        not_sure=decisions.not_sure,
    )


def trained_on(settings, folder):
    """(task, `SplitImages`) of a run that has been trained, as its training had them: cleaned and with its variants.

    Args:
        settings: the run's.
        folder: `RunFolder` with its `split.csv` and its rounds of cleaning.
    """
    task = new_task(settings.loss, settings.decisions)
    data, cleaner = load_images(settings, folder)
    return task, task.learned(cleaner.clean(data))


def load_images(settings, folder):
    """(`SplitImages` before cleaning, the `Cleaner` of them) of a run in `folder`."""
    from pipelines.common import cleaning_rounds

    loader = new_loader(settings)
    data = loader.load(folder.file("split.csv"))
    cleaner = cleaning_rounds.Cleaner(
        settings.cleaning, settings.model, settings.training, settings.data.data, data, folder
    )
    return data, cleaner


def new_loader(settings):
    """The `ImageLoader` of the settings of this job or of the cleaning job."""
    from pipelines.common.loading import ImageLoader

    return ImageLoader(
        settings.data,
        settings.model.image_size,
        settings.output.cache_dir,
        settings.training.data_seed,
        settings.data.positive,
        settings.oversampling.policy,
        settings.cleaning.plan,
        settings.model.geometry,
    )


def resolved(settings):
    """The settings with every None filled that has a default, checked as far as that takes no data.

    Raises:
        ValueError: values that contradict each other, or weights that are unavailable.
    """
    settings = with_defaults(settings)
    if settings.model.name.head == "hierarchical":
        raise ValueError(
            f"--model {settings.model.model} diagnoses level by level, which python -m pipelines.multiclass trains."
        )
    checks.check_data(settings.data)
    checks.check_decisions(settings.decisions, validation=settings.data.validation != 0)
    checks.check_loss("binary", settings.loss, settings.model)
    checks.check_model(settings.model, exports=settings.output.export)
    if settings.cleaning.plan:
        checks.check_architecture(settings.cleaning.clean_model, settings.model)
    return settings


def with_defaults(settings):
    """The settings with every None filled that has a default."""
    synthetic = settings.data.dataset.synthetic
    settings = options.filled(settings, {"model": "efficientnet_lite0"})
    checks.check_used(settings.model, settings.training, exports=settings.output.export)
    architecture = settings.model.name.architecture
    rate = settings.training.learning_rate or 5e-4
    values = {
        **checks.shared_defaults(settings.training, settings.output),
        **checks.loss_defaults(settings.loss, "recall"),
        "image_size": 96 if synthetic else models.architecture(architecture).input_size,
        "clean_model": architecture,
        "colour_constancy": "no",
        "batch_size": 32,
        "optimizer": "one_cycle",
        "learning_rate": rate,
        "epochs": 4 if synthetic else 10,
        "head_epochs": 1,
        "qat_epochs": 1 if synthetic else 2,
        "qat_learning_rate": (5e-4 if settings.training.optimizer == "sgd" else rate) / 10,
    }
    settings = options.filled(
        settings, checks.without_unused(values, settings.model, exports=settings.output.export)
    )
    positive = settings.data.positive or settings.data.dataset.positive
    return dataclasses.replace(settings, data=dataclasses.replace(settings.data, positive=positive))


def decode(settings):
    """Reads, splits and decodes the images into the cache, and writes nothing else; `settings` are resolved."""
    loader = new_loader(settings)
    loader.load(settings.output.out / "no split yet")


if __name__ == "__main__":
    run(main, Settings)
