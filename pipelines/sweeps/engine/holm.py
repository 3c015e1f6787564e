"""Holm's correction for several claims (Holm 1979, *Scandinavian Journal of Statistics* 6)."""

import numpy as np


def holm(p):
    """The p values corrected for their number: the chance of any false claim among them stays below the level.

    The smallest is multiplied by their number m, the next by m - 1, and so on; none becomes smaller than the one
    before it, or larger than 1.

    Args:
        p: (m,) p values in 0..1.

    Returns:
        (m,) float64, in the order of `p`.

    Example:

        holm([0.01, 0.04, 0.03])  # 0.03, 0.06, 0.06
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1)
    return corrected
