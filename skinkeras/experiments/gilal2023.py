"""The 144 experiments of Gilal et al. 2023, on ISIC-merge: {network}[_blur][_clean rounds]_{loss}.

The paper does not say how it arrives at 144, which is not a multiple of its five architectures. Here every row of its
Tables I and II is one: B0 and B2 with eight losses on seven training sets (112), Lite0, Lite2 and Lite4 with the
same losses on the images as they are (24), Lite0 on the blurred ones too (8).
"""

from skinkeras.experiments.experiment import Experiment

# Section IV. No validation part is taken away, so that the numbers of images are the paper's own and every threshold
# is 0.5; images are squashed, as in both papers.
SHARED = {
    "data": "isic_merge",
    "split_by": "paper",
    "validation": 0,
    "target": "binary",
    "geometry": "squash",
    "image_size": 320,
    "batch_size": 128,
    "optimizer": "one_cycle_adamw",  # fastai's
    "learning_rate": 1e-3,
    "epochs": 10,
    "head_epochs": 0,
    "clean_model": "efficientnet_b0",
    "clean_epochs": 4,
    "calibration": "none",
}

_MERGE = {"oversample": "none"}
_BLUR = {"oversample": "g23"}

# Name -> settings, and what they do to the training images.
TRAINING_SETS = {
    "": (_MERGE, "the images as they are"),
    "clean2": (
        _MERGE | {"clean": "merge", "clean_rounds": 2},
        "two rounds of cleaning, 14,033 benign images left",
    ),
    "clean3": (
        _MERGE | {"clean": "merge", "clean_rounds": 3},
        "three rounds of cleaning, 8,033 benign images left",
    ),
    "clean4": (
        _MERGE | {"clean": "merge", "clean_rounds": 4},
        "four rounds of cleaning, 2,045 benign images left",
    ),
    "blur": (_BLUR, "radial blur"),
    "blur_clean3": (
        _BLUR | {"clean": "blur", "clean_rounds": 3},
        "radial blur, three rounds of cleaning, 15,066 benign rows left",
    ),
    "blur_clean4": (
        _BLUR | {"clean": "blur", "clean_rounds": 4},
        "radial blur, four rounds of cleaning, 5,066 benign rows left",
    ),
}

# Short name of an architecture -> the training sets that the paper has results of.
_NETWORKS = {
    "b0": tuple(TRAINING_SETS),
    "b2": tuple(TRAINING_SETS),
    "lite0": ("", "blur"),
    "lite2": ("",),
    "lite4": ("",),
}

LOSSES = {
    "ce": ({"loss": "crossentropy"}, "cross-entropy, eq. 2"),
    "ifce": ({"loss": "inverse_frequency"}, "inverse-frequency cross-entropy, eq. 4"),
    "focal1": ({"loss": "focal", "focal_delta": 1}, "focal loss with delta 1, eq. 5"),
    "focal2": ({"loss": "focal", "focal_delta": 2}, "focal loss with delta 2, eq. 5"),
    "rl": (
        {"loss": "recall", "gamma": 1, "recall_update": "same_batch"},
        '"Recall Loss" of the tables (Tian et al. 2022)',
    ),
    "rcel": ({"loss": "recall", "gamma": 1}, "recall cross-entropy, eq. 6"),
    "rcel10": ({"loss": "recall", "gamma": 10}, "recall cross-entropy with gamma 10, eq. 7"),
    "rcel100": ({"loss": "recall", "gamma": 100}, "recall cross-entropy with gamma 100, eq. 7"),
}


def experiments() -> list[Experiment]:
    """All of them: by architecture, then by training set, then by loss."""
    return [
        _experiment(network, training_set, loss)
        for network, training_sets in _NETWORKS.items()
        for training_set in training_sets
        for loss in LOSSES
    ]


def _experiment(network: str, training_set: str, loss: str) -> Experiment:
    (images, images_text), (objective, loss_text) = TRAINING_SETS[training_set], LOSSES[loss]
    return Experiment(
        name="gilal2023/" + "_".join(filter(None, (network, training_set, loss))),
        job="binary",
        settings={**SHARED, "model": f"efficientnet_{network}", **images, **objective},
        description=f"EfficientNet-{network.capitalize()}; {images_text}; {loss_text}",
    )
