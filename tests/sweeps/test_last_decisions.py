"""At which level of the hierarchical model an image of Figures 3 and 4 is shown."""

import numpy as np
import yaml

from pipelines.sweeps.barata2021.attention import at_level, last_decisions
from skinkeras.datasets.taxonomy import ISIC2018_TAXONOMY
from skinkeras.evaluation.attention import AttentionMaps


def test_melanocytic_lesions_are_decided_at_the_second_level_and_others_at_the_third(tmp_path):
    children = {node: list(names) for node, names in ISIC2018_TAXONOMY.children.items()}
    (tmp_path / "taxonomy.yaml").write_text(yaml.safe_dump(children))
    assert last_decisions(tmp_path, ["mel", "nv", "bkl", "akiec"]) == [2, 2, 3, 3]
    assert last_decisions(tmp_path / "elsewhere", ["mel"]) == [None]


def test_each_image_has_the_maps_of_its_own_level():
    levels = [
        AttentionMaps(
            spatial=np.full((2, 1, 1), level),
            channel=np.full((2, 3), level),
            best_channel=np.full(2, level),
            best_feature=np.full((2, 1, 1), level),
        )
        for level in (1, 2, 3)
    ]
    maps = at_level(levels, [2, None])
    assert maps.spatial.ravel().tolist() == [2, 3]
    assert maps.best_channel.tolist() == [2, 3]
    assert maps.channel.shape == (2, 3)
