import json

import pytest

from skinkeras.datasets import ISIC2018_TAXONOMY, Taxonomy
from skinkeras.datasets.taxonomy import HAM10000

# Branches that end at the first, second and fourth level, and a node with one child.
UNEVEN = {
    "skin": ("nevus", "tumour", "vessel"),
    "tumour": ("malignant",),
    "malignant": ("melanoma", "carcinoma"),
    "carcinoma": ("basal", "squamous"),
    "vessel": ("angioma", "other"),
}


def test_the_hierarchy_of_the_paper():
    assert ISIC2018_TAXONOMY.levels == (
        ("melanocytic", "non-melanocytic"),
        ("mel", "nv", "benign", "malignant"),
        ("bkl", "df", "vasc", "bcc", "akiec"),
    )
    # As HAM10000's reader has them, so that both models of the paper are evaluated alike.
    assert ISIC2018_TAXONOMY.classes == tuple(HAM10000)
    assert ISIC2018_TAXONOMY.paths == {
        "akiec": ("non-melanocytic", "malignant", "akiec"),
        "bcc": ("non-melanocytic", "malignant", "bcc"),
        "bkl": ("non-melanocytic", "benign", "bkl"),
        "df": ("non-melanocytic", "benign", "df"),
        "mel": ("melanocytic", "mel", None),
        "nv": ("melanocytic", "nv", None),
        "vasc": ("non-melanocytic", "benign", "vasc"),
    }
    assert ISIC2018_TAXONOMY.columns == (
        (1, 1, 1, 1, 0, 0, 1),
        (3, 3, 2, 2, 0, 1, 2),
        (4, 3, 0, 1, None, None, 2),
    )


def test_a_tree_of_another_shape():
    taxonomy = Taxonomy(UNEVEN)
    assert taxonomy.levels == (
        ("nevus", "tumour", "vessel"),
        ("malignant", "angioma", "other"),
        ("melanoma", "carcinoma"),
        ("basal", "squamous"),
    )
    assert taxonomy.parents == (("skin",), ("tumour", "vessel"), ("malignant",), ("carcinoma",))
    assert taxonomy.classes == ("nevus", "angioma", "other", "melanoma", "basal", "squamous")
    assert taxonomy.paths["nevus"] == ("nevus", None, None, None)
    assert taxonomy.paths["melanoma"] == ("tumour", "malignant", "melanoma", None)
    assert taxonomy.paths["squamous"] == ("tumour", "malignant", "carcinoma", "squamous")


def test_the_order_of_the_dict_does_not_matter():
    turned = Taxonomy(dict(reversed(UNEVEN.items())))
    assert turned.levels == Taxonomy(UNEVEN).levels
    assert turned.columns == Taxonomy(UNEVEN).columns


def test_it_travels_as_json():
    for taxonomy in (ISIC2018_TAXONOMY, Taxonomy(UNEVEN)):
        again = Taxonomy(**json.loads(json.dumps(taxonomy.get_config(), sort_keys=True)))
        assert again.get_config() == taxonomy.get_config()
        assert (again.levels, again.paths) == (taxonomy.levels, taxonomy.paths)


@pytest.mark.parametrize(
    ("children", "sentence"),
    [
        ({}, r"with at least two classes\. Received: \{\}"),
        ([("a", "b")], "a dict from each parent to its children"),
        ({"root": "ab"}, "children of 'root' must be a list"),
        ({"root": ("a", "b"), "b": ()}, "children of 'b' must be a list of one or more names"),
        ({"root": ("a", 2)}, r"one or more names.*\('a', 2\)"),
        ({"root": ("a", "b"), "a": ("c", "b")}, "'b' is listed below 'root' and again below 'a'"),
        ({"root": ("a", "a")}, "'a' is listed below 'root' and again below 'root'"),
        ({"a": ("b", "c"), "b": ("a",)}, "cycle; no root leads to: a, b, c"),
        ({"a": ("a", "b")}, "cycle"),
        ({"root": ("a", "b"), "x": ("y", "z"), "y": ("x",)}, "cycle; no root leads to: x, y, z"),
        ({"root": ("a", "b"), "x": ("c",)}, "from 'root' what is below 'x' cannot be reached"),
        ({"root": ("a",)}, r"needs two or more classes.*\['a'\]"),
    ],
)
def test_what_is_no_tree_is_refused(children, sentence):
    with pytest.raises(ValueError, match=sentence):
        Taxonomy(children)


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        (("a", "c", "d", "x"), r"'x' is not a leaf of the taxonomy, whose leaves are \['a', 'c', 'd'\]"),
        (("a", "b", "c", "d"), "'b' is not a leaf"),
        (("a", "c"), r"each leaf once: its leaves are \['a', 'c', 'd'\]\. Received: classes=\['a', 'c'\]"),
        (("a", "c", "d", "d"), "each leaf once"),
    ],
)
def test_labels_that_are_not_the_leaves_are_refused(classes, sentence):
    with pytest.raises(ValueError, match=sentence):
        Taxonomy({"root": ("a", "b"), "b": ("c", "d")}, classes)
