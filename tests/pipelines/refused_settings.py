"""Settings that are refused, and in which words. Light to import: so is what refuses them."""

from pipelines import binary, clean, multiclass

JOBS = (binary, multiclass, clean)

#: (flat settings, sentence): what one group alone refuses.
BY_A_GROUP = [
    ({"max_images": 0}, "--max-images must be at least 1. Received: 0"),
    ({"validation": 0.6}, "--validation must be from 0 to 0.5. Received: 0.6"),
    ({"validation": float("nan")}, "--validation must be from 0 to 0.5. Received: nan"),
    ({"repeats": 0}, "--repeats must be at least 1. Received: 0"),
    ({"repeats": 1_001}, "--repeats must be at most 1000. Received: 1001"),
    (
        {"blur_strength": (0.01, 0.02)},
        "--blur-strength needs --oversample: without variants nothing is blurred.",
    ),
    (
        {"oversample": "g23", "blur_strength": (0.1, 0.2)},
        "--blur-strength: rho must be in [0, 0.2). Received: rho=0.2",
    ),
    (
        {"oversample": "g23", "blur_strength": (0.02, 0.01)},
        "--blur-strength: rho must be (low, high). Received: rho=(0.02, 0.01)",
    ),
    ({"clean": "custom"}, "--clean custom needs --clean-remove: how many images a round removes."),
    (
        {"clean": "custom", "clean_rounds": 2, "clean_remove": 0.0},
        "--clean-remove must be a number of rows, or a share of them below 1. Received: 0.0",
    ),
    (
        {"clean": "custom", "clean_rounds": 2, "clean_remove": 2.5},
        "remove must be a number of rows, or a share of them below 1. Received: remove=2.5",
    ),
    (
        {"clean": "merge", "clean_remove": 5.0},
        "--clean-remove goes with --clean custom. Received: --clean merge",
    ),
    (
        {"clean": "merge", "clean_until_ratio": 1.0},
        "--clean-until-ratio goes with --clean custom. Received: --clean merge",
    ),
    ({"clean": "merge", "clean_rounds": 0}, "--clean-rounds must be at least 1. Received: 0"),
    ({"clean": "merge", "clean_rounds": 6}, "--clean merge has 5 rounds. Received: 6"),
    (
        {"clean": "none", "clean_rounds": 2},
        "--clean-rounds and --clean-dir need --clean: say which cleaning.",
    ),
    ({"clean_folds": 1}, "--clean-folds must be 0, or 2 to 1000. Received: 1"),
    ({"clean_epochs": 0}, "--clean-epochs must be at least 1. Received: 0"),
    ({"clean_model": "vgg17"}, "vgg17"),
    ({"model": "resnet"}, "resnet"),
    ({"image_size": 0}, "--image-size must be at least 1. Received: 0"),
    ({"strategy": "mirrored", "devices": 1}, "--devices must be at least 2. Received: 1"),
    ({"devices": 2}, "--devices needs --strategy mirrored: with --strategy one it would have no effect."),
    (
        {"strategy": "mirrored", "devices": 3, "batch_size": 32},
        "--batch-size 32 is not divisible by --devices 3: each device takes the same share of a batch.",
    ),
    (
        {"data_service": "localhost:5050"},
        "--data-service: The address of a data service is grpc://HOST:PORT. Received: 'localhost:5050'",
    ),
    ({"image_size": 5_000}, "--image-size must be at most 4096. Received: 5000"),
    ({"dropout": 1.0}, "--dropout must be at least 0 and below 1. Received: 1.0"),
    ({"dropout": float("nan")}, "--dropout must be at least 0 and below 1. Received: nan"),
    ({"lstm_units": -1}, "--lstm-units must be at least 1. Received: -1"),
    ({"gamma": -1.0}, "gamma must be a finite number >= 0. Received: gamma=-1.0"),
    ({"gamma": float("nan")}, "gamma must be a finite number >= 0. Received: gamma=nan"),
    (
        {"loss": "focal", "focal_delta": float("nan")},
        "focal_delta must be a finite number >= 0. Received: focal_delta=nan",
    ),
    (
        {"loss": "focal", "gamma": 5.0},
        "--gamma needs --loss recall: with --loss focal it would have no effect.",
    ),
    (
        {"loss": "focal", "recall_floor": 0.1},
        "--recall-floor needs --loss recall: with --loss focal it would have no effect.",
    ),
    (
        {"loss": "recall", "recall_update": "epoch", "recall_momentum": 0.9},
        "--recall-momentum needs --recall-update batch: with --recall-update epoch it would have no effect.",
    ),
    (
        {"loss": "recall", "recall_update": "same_batch", "recall_floor": 0.1},
        "--recall-floor needs --recall-update batch or epoch: with --recall-update same_batch it would have no "
        "effect.",
    ),
    ({"recall_momentum": 1.0}, "recall_momentum must be in [0, 1). Received: recall_momentum=1.0"),
    ({"recall_floor": -0.1}, "recall_floor must be in [0, 1]. Received: recall_floor=-0.1"),
    (
        {"loss": "crossentropy", "focal_delta": 0.0},
        "--focal-delta needs --loss focal: with --loss crossentropy it would have no effect.",
    ),
    (
        {"loss": "crossentropy", "weighting": "spl", "raw_weights": True},
        "--raw-weights needs --weighting cb or es: with --weighting spl it would have no effect.",
    ),
    ({"batch_size": 0}, "--batch-size must be at least 1. Received: 0"),
    ({"seed": -1}, "--seed must be at least 0. Received: -1"),
    ({"data_seed": 2**32}, "--data-seed must be below 4294966296. Received: 4294967296"),
    ({"learning_rate": 0.0}, "--learning-rate must be between 0 and 1. Received: 0.0"),
    ({"learning_rate": 2.0}, "--learning-rate must be between 0 and 1. Received: 2.0"),
    ({"epochs": 0}, "--epochs must be at least 1. Received: 0"),
    ({"epochs": 100_001}, "--epochs must be at most 100000. Received: 100001"),
    ({"head_epochs": -1}, "--head-epochs must be at least 0. Received: -1"),
    ({"qat_epochs": 0}, "--qat-epochs must be at least 1. Received: 0"),
    ({"qat_learning_rate": float("nan")}, "--qat-learning-rate must be between 0 and 1. Received: nan"),
]

_HIERARCHICAL = ("--model", "hierarchical_efficientnet_lite0")

#: (job, words of its command line, part of the sentence): what takes several groups, or the disk, but no images.
BY_A_JOB = [
    (
        binary,
        ("--focal-delta", "3"),
        "--focal-delta needs --loss focal: with --loss recall it would have no effect.",
    ),
    (binary, ("--gamma", "0", "--loss", "focal"), "--gamma needs --loss recall"),
    (
        binary,
        ("--weighting", "cb"),
        "--weighting cb needs --loss crossentropy or focal: recall weights samples",
    ),
    (
        binary,
        ("--validation", "0", "--operating-point", "sensitivity_95"),
        "--operating-point sensitivity_95 needs validation images, and there are none: leave it out",
    ),
    (binary, ("--validation", "0", "--prevalence", "0.02"), "--prevalence needs validation images"),
    (binary, _HIERARCHICAL, "diagnoses level by level, which python -m pipelines.multiclass trains."),
    (
        binary,
        ("--image-size", "16"),
        "needs an image size of at least 32 pixels (224 is its own). Received: 16",
    ),
    (binary, ("--weights", "absent.h5"), "There is no weights file absent.h5: check --weights."),
    (
        binary,
        ("--model", "efficientnet_lite4"),
        "No package carries ImageNet weights of efficientnet_lite4",
    ),
    (
        binary,
        ("--clean", "merge-scaled", "--clean-model", "efficientnet_lite4"),
        "No package carries ImageNet weights of efficientnet_lite4",
    ),
    (binary, ("--data", "ham10000"), "--data ham10000 needs --data-dir, the folder that holds it."),
    (
        binary,
        ("--data", "ham10000", "--data-dir", "/absent"),
        "There is no folder /absent: check --data-dir.",
    ),
    (binary, ("--data", "synthetic", "--data-dir", "."), "--data-dir was given without --data"),
    (binary, ("--qat-epochs", "1", "--no-export"), "--qat-epochs needs --export"),
    (multiclass, ("--image-size", "16"), "needs an image size of at least 32 pixels"),
    (multiclass, ("--lstm-units", "9"), "--lstm-units needs a hierarchical --model"),
    (multiclass, ("--focal-delta", "1"), "--focal-delta needs --loss focal"),
    (multiclass, ("--raw-weights",), "--raw-weights needs --weighting cb or es"),
    (multiclass, ("--qat-learning-rate", "1e-5", "--no-export"), "--qat-learning-rate needs --export"),
    (
        multiclass,
        ("--model", "hierarchical_efficientnet_b0", "--weights", "none"),
        "hierarchical_efficientnet_b0 cannot be exported: integers of it crash LiteRT.",
    ),
    (
        multiclass,
        (*_HIERARCHICAL, "--weighting", "logit_adjustment"),
        "--weighting logit_adjustment is for flat models, and hierarchical_efficientnet_lite0 diagnoses level",
    ),
    (multiclass, ("--data", "ham10000"), "--data ham10000 needs --data-dir"),
    (multiclass, ("--taxonomy", "absent.yaml"), "There is no file absent.yaml: check --taxonomy."),
    (clean, ("--clean", "none"), "--clean none leaves nothing to do: name a preset, or --clean custom."),
    (clean, ("--data", "folder"), "--data folder needs --data-dir"),
    (clean, ("--weights", "absent.h5"), "There is no weights file absent.h5: check --weights."),
]
