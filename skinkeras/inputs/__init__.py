"""Manifest -> tf.data: decoding once, shuffling, augmentation, oversampling, blur, colour constancy.

TensorFlow and Keras are imported with the first function that computes; the tables do without.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "augmentation": ["Augmentation", "StrongAugmentation"],
        "blur": ["Rho", "radial_blur"],
        "catalog": [
            "AUGMENTATIONS",
            "LENS_EFFECTS",
            "MAX_GAMMA",
            "OVERSAMPLING",
            "AugmentationMethod",
            "ImageVariant",
            "LensEffect",
            "Oversampling",
        ],
        "colour_constancy": ["shades_of_gray"],
        "data_service": ["DataService"],
        "datasets": ["evaluation_dataset", "steps_per_epoch", "training_dataset"],
        "decoded_images": ["BadImagesError", "DecodedImages", "decode", "decode_all"],
        "lenses": ["barrel_distortion", "chromatic_aberration", "vignette"],
        "ordered_batches": ["distributed"],
        "oversampling": ["VariantImages", "check_materialised", "materialise", "variant_table"],
        "subsets": ["SUBSETS", "SplitImages", "Subset"],
    },
)
