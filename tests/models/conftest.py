"""The helper that exports and runs small models is with the tests of layers."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "layers"))  # for litert
