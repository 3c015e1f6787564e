"""Functions that a table names without importing them."""

import pkgutil
from dataclasses import dataclass


@dataclass(frozen=True)
class LazyFunction:
    """A function or class that is imported when it is first called.

    Tables of names (architectures, data sets, augmentations) are read to check settings and to print `--help`,
    which must not wait for Keras and TensorFlow.

    Args:
        reference: `"module:name"`.

    Example:
        >>> square_root = LazyFunction("math:sqrt")
        >>> square_root(4.0)
        2.0
    """

    reference: str

    def __call__(self, *args, **kwargs):
        return pkgutil.resolve_name(self.reference)(*args, **kwargs)
