"""The groups of settings that jobs are made of: each checks itself, says on a card what it chose, and is shown by
`--help` as a group of flags.

Light to import: what is refused here is refused before TensorFlow is loaded. A field's text is its help: one line.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from pipelines.common.options import Options, flag
from skinkeras import cleaning, datasets, inputs, losses, models
from skinkeras.images.geometries import DEFAULT_GEOMETRY, GEOMETRIES
from skinkeras.inputs.data_service import split_address

# What may be left out: `--help` says in words what is then done.
Count = Annotated[int | None, arg(metavar="INT", help_behavior_hint="")]
Number = Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint="")]
Place = Annotated[Path | None, arg(metavar="PATH", help_behavior_hint="")]
Name = Annotated[str | None, arg(metavar="NAME", help_behavior_hint="")]


def _choice(*values):
    """One of `values`, or nothing said."""
    shown = "{" + ",".join(values) + "}"
    return Annotated[Literal[values] | None, arg(metavar=shown, help_behavior_hint="")]


MAX_SEED = 2**32 - 1000  # seeds are 32 bits, and phases and rounds count on from them


@dataclass(frozen=True)
class ImageOptions(Options):
    """Which images."""

    data: Literal[tuple(datasets.DATASETS)] = "synthetic"
    """Data set; "synthetic" generates its own images, for a demonstration without data."""
    data_dir: Place = None
    """Folder that holds the data set."""
    max_images: Count = None
    """Use only about this many images, for a quick look."""
    skip_bad_images: bool = False
    """Leave out images that cannot be read, instead of stopping."""
    keep_known_duplicates: bool = False
    """Keep both images of the published ISIC 2020 duplicate pairs, as --split-by paper always does."""
    level: Count = None
    """How fine the classes are, 1 (the default) to 5, of --data isic_archive."""
    label_column: Name = None
    """The column that holds the classes instead of a level, of --data isic_archive."""
    all_image_types: bool = False
    """Read clinical and other images of --data isic_archive too, not only dermoscopic ones."""
    clinical: bool = False
    """Read the clinical images of --data derm7pt instead of the dermoscopic ones."""

    def check(self):
        self.at_least(max_images=1)
        if self.level is not None and not 1 <= self.level <= 5:
            raise ValueError(f"--level must be 1 to 5. Received: {self.level}")

    @property
    def reader_options(self):
        """{further argument of the reader: value} of those that were given."""
        names = dict.fromkeys(name for row in datasets.DATASETS.values() for name in row.options)
        return {name: getattr(self, name) for name in names if getattr(self, name) not in (None, False)}

    @property
    def dataset(self):
        """The data set's row of `datasets.DATASETS`."""
        return datasets.DATASETS[self.data]

    @property
    def drops_known_duplicates(self):
        """Whether the second image of each published duplicate pair is left out."""
        return not self.keep_known_duplicates


@dataclass(frozen=True)
class DataOptions(ImageOptions):
    """Which images, and how they are split."""

    split_by: _choice("grouped", "paper", "given") = None
    """By default as the data gives it, else grouped by lesion and patient; paper: by image, as Gilal et al. 2023."""
    validation: Number = None
    """Share of validation images; by default 0.1, or those that the data gives. 0: none, and a threshold of 0.5."""
    near_duplicates: Literal["group", "list"] = "group"
    """Keep images that are copies of each other in one subset, or only list them in duplicates.csv."""

    def check(self):
        super().check()
        self.between("validation", 0, 0.5)

    @property
    def drops_known_duplicates(self):
        """Whether the second image of each published duplicate pair is left out."""
        return super().drops_known_duplicates and self.split_by != "paper"


@dataclass(frozen=True)
class BinaryDataOptions(DataOptions):
    """Which images, how they are split, and what counts as malignant."""

    positive: Annotated[tuple[str, ...], arg(metavar="CLASS...", help_behavior_hint="")] = ()
    """Classes that count as malignant; by default those of the data set (melanoma)."""

    def facts(self):
        """{setting in words: value}, for the card."""
        return {"counted as malignant": ", ".join(self.positive)}


@dataclass(frozen=True)
class DiagnosisDataOptions(DataOptions):
    """Which images, how often they are split, and the tree of their classes."""

    taxonomy: Place = None
    """YAML file {node: [children]} with the tree of the classes; by default that of the data set."""
    repeats: int = 2
    """Number of splits to train and measure on (1 if given); results are averaged, the first one's model ships."""

    def check(self):
        super().check()
        self.at_least(repeats=1)


@dataclass(frozen=True)
class ExternalDataOptions(ImageOptions):
    """Which labelled images a model is measured on."""

    data: Literal[tuple(datasets.DATASETS)] = "folder"
    """How the images are read: a folder for each class, a manifest, or a data set."""
    positive: Annotated[tuple[str, ...], arg(metavar="CLASS...", help_behavior_hint="")] = ()
    """Classes that count as malignant; by default those of the data set (melanoma)."""
    map: Annotated[tuple[str, ...], arg(metavar="THEIRS=OURS...", help_behavior_hint="")] = ()
    """The model's class for a label of the data that it does not have; THEIRS= leaves those images out."""
    subset: _choice("train", "validation", "test") = None
    """Measure on this part of the split that the data gives; by default on all images."""
    include_training: bool = False
    """Also measure on images that were used to train the model or to choose its threshold."""

    def check(self):
        super().check()
        _ = self.mapping

    @property
    def mapping(self):
        """{label of the data: class of the model, or ""}."""
        pairs = {}
        for word in self.map:
            theirs, equals, ours = word.partition("=")
            if not equals or not theirs or theirs in pairs:
                raise ValueError(f"--map takes LABEL=CLASS, each label once. Received: {word!r}")
            pairs[theirs] = ours
        return pairs

    @property
    def data_options(self):
        """The `DataOptions` that read the same images."""
        shared = {field.name: getattr(self, field.name) for field in dataclasses.fields(ImageOptions)}
        return DataOptions(**shared, split_by="grouped")


@dataclass(frozen=True)
class OversamplingOptions(Options):
    """Training images in several variants (Gilal et al. 2023)."""

    oversample: Literal[tuple(inputs.OVERSAMPLING)] = "none"
    """"g23": benign images twice, malignant four times, blurred; -separate, -barrel ...: beyond the paper."""
    blur_strength: Annotated[tuple[float, float] | None, arg(metavar="LOW HIGH", help_behavior_hint="")] = (
        None
    )
    """Lowest and highest strength of the radial blur; by default the paper's, 0.005 and 0.02."""
    materialise: Place = None
    """Also write every variant of the training images into this folder, to look at."""

    def check(self):
        if self.blur_strength is not None and self.oversample == "none":
            raise ValueError("--blur-strength needs --oversample: without variants nothing is blurred.")
        try:
            _ = self.policy
        except ValueError as error:
            raise ValueError(f"--blur-strength: {error}") from error

    def facts(self):
        """{setting in words: value}, for the card."""
        return {"oversampling": self.oversample}

    @property
    def policy(self):
        """The `inputs.Oversampling` that is asked for."""
        policy = inputs.OVERSAMPLING[self.oversample]
        if self.blur_strength is None:
            return policy
        return dataclasses.replace(policy, rho=tuple(self.blur_strength))


@dataclass(frozen=True)
class CleaningOptions(Options):
    """Removal of benign training images by loss ranking (Gilal et al. 2023)."""

    clean: Literal[("none", *cleaning.PRESETS, "custom")] = "none"
    """Which rounds: a preset of the paper, the same -scaled to the size of the data, or "custom"."""
    clean_rounds: Count = None
    """Number of rounds; of a preset, its first ones."""
    clean_remove: Number = None
    """Benign training images that a custom round removes (variants count singly); below 1, a share."""
    clean_until_ratio: Number = None
    """Stop a custom cleaning at this ratio of malignant to benign images."""
    clean_model: Name = None
    """Architecture that ranks; by default --model."""
    clean_epochs: int = 4
    """Epochs of each round's model, which starts from the pretrained weights."""
    clean_folds: int = 0
    """Rank each image by one of so many models that was not trained on it; 0: by one trained on all, as the paper."""
    clean_dir: Place = None
    """Where the rounds are kept, to be shared by several runs; by default in the run's folder."""

    def check(self):
        self.at_least(clean_epochs=1, clean_rounds=1)
        if self.clean_folds == 1 or self.clean_folds < 0 or self.clean_folds > 1000:
            raise ValueError(f"--clean-folds must be 0, or 2 to 1000. Received: {self.clean_folds}")
        self.between("clean_until_ratio", 1e-6, 1e6)
        if self.clean_remove is not None and not 1e-9 <= self.clean_remove < 1e12:
            raise ValueError(
                "--clean-remove must be a number of rows, or a share of them below 1. "
                f"Received: {self.clean_remove}"
            )
        if self.clean_model is not None:
            models.architecture(self.clean_model)
        _ = self.plan

    def facts(self):
        """{setting in words: value}, for the card."""
        if self.clean == "none":
            return {"cleaning": "none"}
        how = f"out of {self.clean_folds} folds" if self.clean_folds else "by one model"
        rounds = "" if self.clean_rounds is None else f", {self.clean_rounds} rounds"
        return {"cleaning": f"{self.clean}{rounds}, ranked {how}"}

    @property
    def plan(self):
        """The `cleaning.CleaningPlan` that is asked for, or None."""
        custom = {"--clean-remove": self.clean_remove, "--clean-until-ratio": self.clean_until_ratio}
        if self.clean == "custom":
            if self.clean_remove is None:
                raise ValueError("--clean custom needs --clean-remove: how many images a round removes.")
            return cleaning.CleaningPlan(
                self.clean_rounds, self.clean_remove, until_ratio=self.clean_until_ratio
            )
        given = [name for name, value in custom.items() if value is not None]
        if given:
            raise ValueError(f"{given[0]} goes with --clean custom. Received: --clean {self.clean}")
        if self.clean == "none":
            if self.clean_rounds is not None or self.clean_dir is not None:
                raise ValueError("--clean-rounds and --clean-dir need --clean: say which cleaning.")
            return None
        plan = cleaning.PRESETS[self.clean]
        if self.clean_rounds is None:
            return plan
        if self.clean_rounds > plan.rounds:
            raise ValueError(f"--clean {self.clean} has {plan.rounds} rounds. Received: {self.clean_rounds}")
        return plan.first(self.clean_rounds)


@dataclass(frozen=True)
class RankingModelOptions(Options):
    """The network that ranks."""

    model: Name = None
    """Architecture: efficientnet_lite0 to lite4, efficientnet_b0 to b7, or vgg16."""
    weights: str = "imagenet"
    """Initial weights: "imagenet", "none", a file, or the name of a released model (models.presets())."""
    image_size: Count = None
    """Height and width of the input in pixels; by default the architecture's own (96 for synthetic images)."""
    geometry: Literal[tuple(GEOMETRIES)] = DEFAULT_GEOMETRY
    """What is resized to the input: the largest centred square, or the whole image, squashed or padded with black."""

    def check(self):
        if self.model is not None:
            models.architecture(self.model)
        self.at_least(image_size=1)


@dataclass(frozen=True)
class ModelOptions(RankingModelOptions):
    """The network."""

    model: Name = None
    """efficientnet_lite0 to lite4, efficientnet_b0 to b7, vgg16; with _cbam behind or hierarchical_ before."""
    dropout: Number = None
    """Dropout rate in front of the classifier; by default the architecture's own, or the paper's 0.5."""
    feature_dropout: Number = None
    """Dropout rate on the last feature map, too, in front of attention; by default none."""
    colour_constancy: _choice("yes", "before", "no") = None
    """Take the colour of the light out (Shades of Gray) inside the model; before: in training before augmentation."""
    constancy_gamma: Number = None
    """Exponent that turns stored values into light for that; by default 1, and 2.2 in many implementations."""
    lstm_units: Count = None
    """Size of the LSTM's state in a hierarchical model; by default 256."""

    def check(self):
        if self.model is not None:
            models.parse_name(self.model)
        self.at_least(lstm_units=1, image_size=1)
        for name in ("dropout", "feature_dropout"):
            rate = getattr(self, name)
            if rate is not None and not 0 <= rate < 1:
                raise ValueError(f"{flag(name)} must be at least 0 and below 1. Received: {rate}")
        self.between("constancy_gamma", 1, inputs.MAX_GAMMA)
        if self.constancy_gamma is not None and self.colour_constancy == "no":
            raise ValueError("--constancy-gamma needs --colour-constancy yes or before.")

    @property
    def name(self):
        """The `models.ModelName` of `model`."""
        return models.parse_name(self.model)

    def facts(self):
        """{setting in words: value}, for the card."""
        constancy = "none" if self.colour_constancy == "no" else "Shades of Gray, inside the model"
        if self.colour_constancy == "before":
            constancy += "; of training images, before they are augmented"
        if self.constancy_gamma:
            constancy += f"; gamma {self.constancy_gamma:g}"
        facts = {
            "geometry": f"{self.geometry}: {GEOMETRIES[self.geometry].title}",
            "colour constancy": constancy,
        }
        if self.lstm_units:
            facts["size of the LSTM"] = self.lstm_units
        rates = {"dropout": self.dropout, "dropout of features": self.feature_dropout}
        return facts | {name: rate for name, rate in rates.items() if rate is not None}


@dataclass(frozen=True)
class LossOptions(Options):
    """What training minimises."""

    loss: _choice(*losses.LOSSES) = None
    """The loss."""
    weighting: Literal[tuple(losses.WEIGHTINGS)] = "none"
    """Class balance (cb), effective number (es), self-paced (spl), hard examples (ohem), adjusted logits."""

    def check(self):
        losses.check_parameters(**{n: v for n, v in self.parameters.items() if v is not None})
        self.between("focal_delta", 0, 100)  # above, the loss of every image is 0
        for name, value in self.parameters.items():
            given = value is not None and value is not False  # 0 is
            if given and self.loss is not None and name not in self.used_parameters:
                raise ValueError(f"{flag(name)} needs {self._owners(name)}.")

    def _owners(self, name):
        """What has the parameter, and why it is refused without that."""
        for option, chosen, table in (
            ("loss", self.loss, losses.LOSSES),
            ("weighting", self.weighting, losses.WEIGHTINGS),
        ):
            owners = [row for row, entry in table.items() if name in entry.parameters]
            if owners and chosen not in owners:
                return _needed(option, owners, chosen)
            if owners and losses.PARAMETERS[name].only_with:
                other, values = losses.PARAMETERS[name].only_with
                return _needed(other, values, self.parameters[other])
        return "a loss that has it"

    @property
    def parameters(self):
        """{name: value} of the parameters that some loss or weighting has."""
        names = (field.name for field in dataclasses.fields(self))
        return {name: getattr(self, name) for name in names if name in losses.PARAMETERS}

    @property
    def used_parameters(self):
        """The part of `parameters` that has an effect with the chosen loss and weighting."""
        given = {name: value for name, value in self.parameters.items() if value is not None}
        used = losses.effective_parameters(self.loss, self.weighting, **given)
        return {name: value for name, value in self.parameters.items() if name in used}

    def facts(self):
        """{setting in words: value}, for the card."""
        facts = {"loss": losses.LOSSES[self.loss].title, "weighting": losses.WEIGHTINGS[self.weighting].title}
        for name, value in self.used_parameters.items():
            row = losses.PARAMETERS[name]
            if not (row.usual and value == row.default):
                facts[name.replace("_", " ")] = row.words.get(value, value)
        return facts


def _needed(option, values, chosen):
    """What an option without effect needs, and why it is refused."""
    return f"{flag(option)} {' or '.join(values)}: with {flag(option)} {chosen} it would have no effect"


def _loss_options(job, loss_help, **more):
    """The group of the losses and weightings that a job offers, with a setting for each of their parameters."""
    offered = [name for name, row in losses.LOSSES.items() if job in row.jobs]
    rows = (*(losses.LOSSES[name] for name in offered), *losses.WEIGHTINGS.values())
    loss = Annotated[_choice(*offered), arg(help=loss_help)]
    fields = [
        ("loss", loss, None),
        *(_parameter(n) for n in dict.fromkeys(n for r in rows for n in r.parameters)),
    ]
    fields += [
        (name, Annotated[kind, arg(help=text)], default) for name, (kind, default, text) in more.items()
    ]
    name = f"{job.capitalize()}LossOptions"
    made = dataclasses.make_dataclass(name, fields, bases=(LossOptions,), frozen=True)
    made.__doc__, made.__module__ = LossOptions.__doc__, __name__
    return made


def _parameter(name):
    """The field of a row of `losses.PARAMETERS`: its name, type and default."""
    row = losses.PARAMETERS[name]
    if row.kind is bool:
        return name, Annotated[bool, arg(help=row.help)], False
    return name, Annotated[Number if row.kind is float else _choice(*row.kind), arg(help=row.help)], None


BinaryLossOptions = _loss_options(
    "binary",
    "Cross-entropy by recall (the default), plain, by inverse frequency, or focal (Gilal et al. 2023).",
    target=(
        Literal["diagnosis", "binary"],
        "diagnosis",
        "Learn all classes (recall loss plus their cross-entropy), adding up malignant ones, or learn two (eq. 7).",
    ),
)
DiagnosisLossOptions = _loss_options(
    "diagnosis", "Cross-entropy (Barata & Santiago 2021, eq. 5; the default) or focal loss (eq. 6)."
)


@dataclass(frozen=True)
class RankingOptions(Options):
    """How the models that rank are trained."""

    batch_size: Count = None
    """Images in a training step."""
    learning_rate: Number = None
    """The highest of the one-cycle schedule; by default 5e-4 (at batches of 128 the paper has 1e-3)."""
    seed: int = 0
    """Seed of the order of the images, the augmentation and the initial weights."""
    data_seed: Count = None
    """Seed of split, variants and cleaning; by default --seed. Fix it to compare seeds on the same test images."""
    deterministic: bool = True
    """The same command gives the same weights on the same machine."""

    def check(self):
        self.at_least(batch_size=1, seed=0, data_seed=0)
        for name in ("seed", "data_seed"):
            if (getattr(self, name) or 0) >= MAX_SEED:
                raise ValueError(f"{flag(name)} must be below {MAX_SEED}. Received: {getattr(self, name)}")
        self.check_rate("learning_rate")

    def check_rate(self, name):
        """Raises ValueError if the learning rate of this name is set and not between 0 and 1."""
        rate = getattr(self, name)
        if rate is not None and not 0 < rate < 1:
            raise ValueError(f"{flag(name)} must be between 0 and 1. Received: {rate}")
        if rate is not None and rate < 1e-12:  # which changes no weight
            raise ValueError(f"{flag(name)} must be at least 1e-12. Received: {rate}")


@dataclass(frozen=True)
class TrainingOptions(RankingOptions):
    """How it is trained, and fine-tuned for integers."""

    epochs: Count = None
    """Epochs of all layers."""
    head_epochs: Count = None
    """Epochs of the classifier alone, before those."""
    optimizer: _choice("one_cycle", "one_cycle_adamw", "adam", "sgd") = None
    """one_cycle: Adam, or fastai's AdamW; adam, sgd: a constant rate, divided by 10 at 1/2 and 3/4 of the epochs."""
    learning_rate: Number = None
    """The first learning rate, or the highest of one_cycle."""
    qat_epochs: Count = None
    """Epochs of quantization-aware fine-tuning."""
    qat_learning_rate: Number = None
    """The highest of fine-tuning's one-cycle schedule; by default a tenth of training's (after sgd, of Adam's)."""
    augmentation: Literal[tuple(inputs.AUGMENTATIONS)] = "standard"
    """How far training images are turned, cropped and recoloured; "strong" suits long trainings."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """What the layers before the classifier compute in; weights, fine-tuning and exported files stay float32."""
    strategy: Literal["one", "mirrored"] = "one"
    """Train on one device, or on all GPUs of this machine, which share each batch."""
    devices: Count = None
    """How many devices of --strategy mirrored; without a GPU, virtual ones."""
    data_service: Annotated[str | None, arg(metavar="ADDRESS", help_behavior_hint="")] = None
    """grpc://HOST:PORT of a tf.data service (python -m pipelines.data_service) that augments the training images."""

    def check(self):
        super().check()
        self.at_least(epochs=1, head_epochs=0, qat_epochs=1, devices=2)
        self.check_rate("qat_learning_rate")
        if self.data_service is not None:
            try:
                split_address(self.data_service)
            except ValueError as error:
                raise ValueError(f"--data-service: {error}") from error
        if self.devices and self.strategy == "one":
            raise ValueError(
                "--devices needs --strategy mirrored: with --strategy one it would have no effect."
            )
        if self.devices and self.batch_size and self.batch_size % self.devices:
            raise ValueError(
                f"--batch-size {self.batch_size} is not divisible by --devices {self.devices}: each device takes the "
                "same share of a batch."
            )

    def facts(self):
        """{setting in words: value}, for the card."""
        optimizer, rate = "Adam", f"one-cycle up to {self.learning_rate:g}"
        if self.optimizer == "one_cycle_adamw":
            optimizer = "AdamW as fastai's (weight decay 0.01, beta_2 0.99, epsilon 1e-5)"
        elif self.optimizer != "one_cycle":
            optimizer = {"adam": "Adam", "sgd": "SGD with Nesterov momentum"}[self.optimizer]
            rate = f"{self.learning_rate:g}, divided by 10 at a half and at 3/4 of the epochs"
        facts = {
            "optimizer": optimizer,
            "learning rate": rate,
            "epochs": f"{self.head_epochs} classifier, {self.epochs} all layers",
        }
        if self.qat_epochs:
            rate = f"one-cycle up to {self.qat_learning_rate:g}"
            facts["quantization-aware"] = f"{self.qat_epochs} epoch{'s' * (self.qat_epochs > 1)}, {rate}"
        if self.precision != "float32":
            facts["precision"] = f"{self.precision} (classifier and fine-tuning: float32)"
        if self.strategy == "mirrored":
            facts["devices"] = f"{self.devices or 'all GPUs'}, which share each batch (fine-tuning: one)"
        if self.data_service:
            facts["training batches"] = "made by the workers of a tf.data service"
        return facts | {
            "batch size": self.batch_size,
            "augmentation": inputs.AUGMENTATIONS[self.augmentation].title,
            "seed": self.seed,
        }


@dataclass(frozen=True)
class FolderOptions(Options):
    """Where results go."""

    out: Path = Path("runs/job")
    """The run's folder."""
    resume: bool = False
    """Go on with the run in that folder."""
    cache_dir: Place = None
    """Where decoded images are kept for the next run; by default `.cache` beside the run's folder."""


@dataclass(frozen=True)
class OutputOptions(FolderOptions):
    """What is made, and where it goes."""

    export: bool = True
    """Go on to integers and .tflite files; without it, the run ends with the float model's evaluation."""
    robustness: bool = False
    """Also measure the form that ships on up to 2,000 disturbed test images (other light, blur, noise, hair ...)."""
