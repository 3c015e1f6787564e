"""Which diagnosis: from images to a verified integer model of all classes, flat or level by level.

python -m pipelines.multiclass
python -m pipelines.multiclass --quick --weighting ohem --data ham10000 --data-dir DIR
"""

from dataclasses import dataclass
from pathlib import Path

import yaml

from pipelines.common import checks, options
from pipelines.common.console import refuse_invalid_input, run, section
from pipelines.common.groups import (
    CalibrationOptions,
    DiagnosisDataOptions,
    DiagnosisLossOptions,
    ModelOptions,
    OutputOptions,
    TrainingOptions,
)
from pipelines.common.run_folder import RunFolder
from pipelines.common.startup import start_keras
from skinkeras import datasets
from skinkeras.files.reading_yaml import read_yaml
from skinkeras.files.writing import write_text

# Barata & Santiago 2021, section 4.2; and what two cores can do in minutes, from pretrained weights.
_PAPER = {
    "model": "vgg16_cbam",
    "image_size": 299,
    "batch_size": 20,
    "optimizer": "adam",
    "colour_constancy": "yes",
    "head_epochs": 0,
    "qat_epochs": 2,
}
_QUICK = {
    "model": "efficientnet_lite0_cbam",
    "image_size": 128,
    "batch_size": 32,
    "optimizer": "one_cycle",
    "colour_constancy": "no",
    "head_epochs": 1,
    "epochs": 4,
    "qat_epochs": 1,
}
_PAPER_EPOCHS = {"dense": 150, "cbam": 150, "hierarchical": 250}
_RATES = {
    "paper": {"adam": 1e-5, "sgd": 1e-4, "one_cycle": 1e-4, "one_cycle_adamw": 1e-4},
    # At 5e-4 the large weights of rare classes (cb, es) make a flat model name one class for ever.
    "quick": {"adam": 1e-4, "sgd": 1e-3, "one_cycle": 2e-4, "one_cycle_adamw": 2e-4},
}


@dataclass(frozen=True)
class Settings:
    """Settings of the job over several classes. A None is filled by `resolved`, with the paper's values."""

    quick: bool = False
    """Fill what is not said with what two cores can do in minutes; always on for synthetic images."""
    data: DiagnosisDataOptions = DiagnosisDataOptions()
    model: ModelOptions = ModelOptions()
    loss: DiagnosisLossOptions = DiagnosisLossOptions()
    training: TrainingOptions = TrainingOptions()
    decisions: CalibrationOptions = CalibrationOptions()
    output: OutputOptions = OutputOptions(out=Path("runs/multiclass"))


def main(settings):
    """Trains a classifier of all diagnoses and exports it as verified, benchmarked .tflite files.

    By default as Barata & Santiago 2021: vgg16_cbam at 299 pixels, batches of 20, Adam at 1e-5 (SGD 1e-4), 150 epochs
    (250 if hierarchical), dropout 0.5, colour constancy, two splits, then 2 epochs of fine-tuning for integers. With
    --quick: efficientnet_lite0_cbam at 128 pixels, batches of 32, one-cycle up to 2e-4 (Adam 1e-4, SGD 1e-3), 1 epoch
    of the classifier and 4 of all layers, no colour constancy, 1 epoch of fine-tuning; synthetic images at 96 pixels.

    --experiment NAME takes the settings of a paper's experiment, such as barata2021/flat_adam_ce_ohem
    (skinkeras.experiments.names() lists them); flags that are given count.
    """
    with refuse_invalid_input():
        settings = resolved(settings)
    with RunFolder(settings.output.out).locked() as folder:
        with refuse_invalid_input():
            request = options.request_of("multiclass", settings)
            folder.check(request, resume=settings.output.resume)
            if folder.is_complete:
                from pipelines.common import summary

                return summary.print_results(folder)
            plan = settings.training
            checks.check_data_service(plan)
            start_keras(
                plan.seed, deterministic=plan.deterministic, strategy=plan.strategy, devices=plan.devices
            )
            from pipelines.common import line, loading, records

            checks.check_weights_file(settings.model.name.architecture, settings.model)
            loader = new_loader(settings)
            manifest = loader.manifest()
            taxonomy = taxonomy_of(settings.data, settings.model, manifest.classes)
            repeats = read_repeats(loader, manifest, settings.data.repeats, folder)
            check_same_tree(folder, taxonomy)
            folder.begin(request)
            record_tree(folder, taxonomy)
            for repeat in repeats:
                loading.record_data(repeat.data, repeat.folder)
        task = new_task(settings.loss, settings.model, taxonomy)
        facts = records.facts_of(request, task, settings.data, settings.model, card_groups(settings))
        trainer = line.Trainer(task, settings.model, settings.training, settings.decisions)
        output = settings.output
        line.train_and_ship(
            folder, trainer, repeats, facts, exports=output.export, disturbs=output.robustness
        )


def card_groups(settings):
    """The groups whose facts the card shows, in order."""
    return (settings.loss, settings.model, settings.training, settings.decisions)


def task_class():
    """The class of the job's task."""
    from skinkeras.training import DiagnosisTask

    return DiagnosisTask


def new_task(loss, model, taxonomy):
    """The `DiagnosisTask` of `DiagnosisLossOptions` and `ModelOptions`."""
    return task_class()(
        loss.loss,
        loss.weighting,
        loss.used_parameters,
        taxonomy,
        hierarchical=model.name.head == "hierarchical",
    )


def trained_on(settings, folder):
    """(task, `SplitImages`) of a run's repeat that has been trained, as its training had them.

    Args:
        settings: the run's.
        folder: `RunFolder` of the repeat, with its `split.csv`.
    """
    loader = new_loader(settings)
    data = loader.load(folder.file("split.csv"))
    taxonomy = taxonomy_of(settings.data, settings.model, data.manifest.classes)
    return new_task(settings.loss, settings.model, taxonomy), data


def new_loader(settings):
    """The `ImageLoader` of the job's settings."""
    from pipelines.common.loading import ImageLoader

    data, model, training = settings.data, settings.model, settings.training
    return ImageLoader(
        data, model.image_size, settings.output.cache_dir, training.data_seed, geometry=model.geometry
    )


def read_repeats(loader, manifest, count, folder):
    """A `line.Repeat` for each of `count` splits of the manifest's images; a split that is given is one."""
    from pipelines.common.line import Repeat

    if datasets.split_method(manifest, loader.options.split_by) == "given":
        count = 1
    repeats = []
    for number in range(1, count + 1):
        section(f"Data, split {number} of {count}")
        place = folder.repeat(number)
        seed = repeat_seed(loader.data_seed, number)
        data = loader.load(place.file("split.csv"), manifest=manifest, split_seed=seed)
        repeats.append(Repeat(number, place, data))
    return repeats


def repeat_seed(data_seed, number):
    """The seed of the split of repeat `number`, from 1; the first one's is `data_seed`.

    With plain sums the second split of one seed and the first of the next would have the same test images.
    """
    import numpy as np

    if number == 1:
        return data_seed
    return int(np.random.SeedSequence([data_seed, number]).generate_state(1)[0])


def taxonomy_of(data, model, classes):
    """The tree of the classes, in the classes' order; None if there is none and none is needed.

    Args:
        data, model: groups of the settings, resolved.
        classes: names.

    Raises:
        ValueError: a hierarchical model without a taxonomy, a file that holds none, or a class that is not
            a leaf of it.
    """
    if data.taxonomy:
        children = _read_taxonomy(data.taxonomy)
    elif data.dataset.taxonomy and (
        # Where an image is of none of the usual classes, as some of BCN20000, only a hierarchical model is refused.
        model.name.head == "hierarchical" or set(classes) == set(data.dataset.taxonomy.classes)
    ):
        children = data.dataset.taxonomy.children
    elif model.name.head == "hierarchical":
        raise ValueError(
            f"--model {model.model} needs a tree of the classes, and --data {data.data} comes without "
            "one: write it into a YAML file, {node: [children]}, and give --taxonomy FILE."
        )
    else:
        return None
    return datasets.Taxonomy(children, classes)


def _read_taxonomy(path):
    try:
        return read_yaml(path)
    except FileNotFoundError as error:
        raise ValueError(f"There is no file {path}: check --taxonomy.") from error
    except ValueError as error:
        raise ValueError(
            f"{path} is not a YAML file of a taxonomy, {{node: [children]}}: {str(error).removesuffix('.')}."
        ) from error


def _children(taxonomy):
    return taxonomy.get_config()["children"] if taxonomy else None


def check_same_tree(folder, taxonomy):
    """Raises ValueError if the run in the folder was begun with another tree."""
    tree = folder.file("taxonomy.yaml")
    if tree.exists() and read_yaml(tree) != _children(taxonomy):
        raise ValueError(f"{folder.path} holds a run with another taxonomy, {tree}: choose another --out.")


def record_tree(folder, taxonomy):
    """Writes `taxonomy.yaml`."""
    if taxonomy:
        write_text(folder.file("taxonomy.yaml"), yaml.safe_dump(_children(taxonomy), sort_keys=False))


def resolved(settings):
    """The settings with every None filled that has a default, checked as far as that takes no data.

    Raises:
        ValueError: values that contradict each other, or weights that are unavailable.
    """
    settings = with_defaults(settings)
    checks.check_data(settings.data)
    checks.check_loss("diagnosis", settings.loss, settings.model)
    checks.check_model(settings.model, exports=settings.output.export)
    if settings.data.taxonomy:  # says what is wrong, before images are decoded
        datasets.Taxonomy(_read_taxonomy(settings.data.taxonomy))
    return settings


def with_defaults(settings):
    """The settings with every None filled that has a default."""
    synthetic = settings.data.dataset.synthetic
    quick = settings.quick or synthetic
    defaults = {**(_QUICK if quick else _PAPER), **({"image_size": 96} if synthetic else {})}
    settings = options.filled(settings, {"model": defaults["model"]})
    checks.check_used(settings.model, settings.training, exports=settings.output.export)
    optimizer = settings.training.optimizer or defaults["optimizer"]
    rates = _RATES["quick" if quick else "paper"]
    rate = settings.training.learning_rate or rates[optimizer]
    values = {
        **checks.shared_defaults(settings.training, settings.output),
        **checks.loss_defaults(settings.loss, "crossentropy"),
        "epochs": _PAPER_EPOCHS[settings.model.name.head],
        "learning_rate": rate,
        "qat_learning_rate": (rates["adam"] if optimizer == "sgd" else rate) / 10,
        "lstm_units": 256,
        # The paper's dropout, in front of flat classifiers as in hierarchical ones.
        "dropout": 0.5,
        **defaults,
    }
    return options.filled(
        settings, checks.without_unused(values, settings.model, exports=settings.output.export)
    )


def decode(settings):
    """Reads, splits and decodes the images into the cache, and writes nothing else; `settings` are resolved."""
    loader = new_loader(settings)
    loader.load(settings.output.out / "no split yet")


if __name__ == "__main__":
    run(main, Settings)
