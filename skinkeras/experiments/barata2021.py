"""The 40 experiments of Barata & Santiago 2021, on ISIC 2018: {flat, hierarchical}_{optimizer}_{loss}[_weighting]."""

import itertools

from skinkeras.experiments.experiment import Experiment

# Section 4. Everything else is the job's default, which is the paper's.
SHARED = {
    "data": "isic2018",
    "repeats": 2,
    "validation": 0,
    "geometry": "squash",
    "colour_constancy": "before",
    "feature_dropout": 0.5,  # in several layers: on the features, too, and not in front of the classifier alone
    "calibration": "none",
}

NETWORKS = {"flat": "vgg16_cbam", "hierarchical": "hierarchical_vgg16"}
OPTIMIZERS = {"adam": "Adam", "sgd": "SGD with Nesterov momentum"}
LOSSES = {"ce": ("crossentropy", "cross-entropy, eq. 5"), "focal": ("focal", "focal loss, eq. 6")}
WEIGHTINGS = {
    "none": "no weighting",
    "cb": "class-balanced, eq. 7",
    "es": "effective number of samples, eq. 8",
    "spl": "self-paced learning, eq. 9",
    "ohem": "online hard example mining",
}


def experiments() -> list[Experiment]:
    """All of them: by network, then by optimizer, loss and weighting."""
    return [_experiment(*parts) for parts in itertools.product(NETWORKS, OPTIMIZERS, LOSSES, WEIGHTINGS)]


def _experiment(network: str, optimizer: str, loss: str, weighting: str) -> Experiment:
    objective, loss_text = LOSSES[loss]
    parts = (network, optimizer, loss, *([] if weighting == "none" else [weighting]))
    chosen = {"model": NETWORKS[network], "optimizer": optimizer, "loss": objective, "weighting": weighting}
    return Experiment(
        name="barata2021/" + "_".join(parts),
        job="multiclass",
        settings={**SHARED, **chosen},
        description=f"{network} VGG16 with CBAM; {OPTIMIZERS[optimizer]}; {loss_text}; {WEIGHTINGS[weighting]}",
    )
