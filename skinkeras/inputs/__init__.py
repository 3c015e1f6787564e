"""Manifest -> tf.data: decoding once, shuffling, augmentation, oversampling, blur, colour constancy.

TensorFlow and Keras are imported with the first function that computes; the tables do without.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "augmentation": ["Augmentation", "StrongAugmentation"],
        "blur": ["Rho", "chromatic_aberration", "radial_blur"],
        "catalog": ["AUGMENTATIONS", "OVERSAMPLING", "AugmentationMethod", "ImageVariant", "Oversampling"],
        "colour_constancy": ["shades_of_gray"],
        "datasets": ["evaluation_dataset", "steps_per_epoch", "training_dataset"],
        "decoded_images": ["BadImagesError", "DecodedImages", "decode", "decode_all"],
        "oversampling": ["VariantImages", "check_materialised", "materialise", "variant_table"],
        "subsets": ["SUBSETS", "SplitImages", "Subset"],
    },
)
