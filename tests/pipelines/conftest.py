import pytest
from small_network import SMALL

from skinkeras import models


@pytest.fixture(scope="module")
def small_network():
    """Jobs in this process take a small network for EfficientNet-Lite0."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(models.ARCHITECTURES, "efficientnet_lite0", SMALL)
        yield
