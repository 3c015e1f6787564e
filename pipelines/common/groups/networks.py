"""The groups that say which network."""

from dataclasses import dataclass
from typing import Literal

from pipelines.common.groups.fields import Count, Name, Number, choice
from pipelines.common.options import Options, flag
from skinkeras import inputs, models
from skinkeras.images.geometries import DEFAULT_GEOMETRY, GEOMETRIES


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
    colour_constancy: choice("yes", "before", "no") = None
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
