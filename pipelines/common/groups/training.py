"""The groups that say how a network is trained."""

from dataclasses import dataclass
from typing import Annotated, Literal

from tyro.conf import arg

from pipelines.common.groups.fields import Count, Number, choice
from pipelines.common.options import Options, flag
from skinkeras import inputs
from skinkeras.inputs.data_service import split_address

MAX_SEED = 2**32 - 1000  # seeds are 32 bits, and phases and rounds count on from them


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
    optimizer: choice("one_cycle", "one_cycle_adamw", "adam", "sgd") = None
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
