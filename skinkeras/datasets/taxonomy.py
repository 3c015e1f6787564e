"""The diagnoses of the public dermoscopy collections, as data, and the trees that they hang on."""

from collections.abc import Mapping, Sequence

# Their order is that of labels and predictions; malignant is the positive class.
BINARY_CLASSES = ("benign", "malignant")

# The seven of HAM10000 and ISIC 2018, in HAM10000's own abbreviations and alphabetical order.
HAM10000 = {
    "akiec": "actinic keratosis or intraepithelial carcinoma",
    "bcc": "basal cell carcinoma",
    "bkl": "benign keratosis",
    "df": "dermatofibroma",
    "mel": "melanoma",
    "nv": "melanocytic nevus",
    "vasc": "vascular lesion",
}

# The columns of ISIC 2019 -> names; AK and SCC are one class in HAM10000, two here.
ISIC2019 = {
    "MEL": "mel",
    "NV": "nv",
    "BCC": "bcc",
    "AK": "ak",
    "BKL": "bkl",
    "DF": "df",
    "VASC": "vasc",
    "SCC": "scc",
    "UNK": "unk",
}

# The classes of ISIC 2019 in full.
ISIC2019_TITLES = {
    **{name: HAM10000[name] for name in ("mel", "nv", "bcc", "bkl", "df", "vasc")},
    "ak": "actinic keratosis",
    "scc": "squamous cell carcinoma",
    "unk": "none of the others",
}

# The labels of PAD-UFES-20 -> names; Bowen's disease counts as squamous cell carcinoma there.
PAD_UFES = {"ACK": "ak", "BCC": "bcc", "MEL": "mel", "NEV": "nv", "SCC": "scc", "SEK": "sk"}
PAD_UFES_TITLES = {
    **{name: ISIC2019_TITLES[name] for name in ("ak", "bcc", "mel", "nv", "scc")},
    "sk": "seborrheic keratosis",
}

# The classes of derm7pt, as its paper groups them.
DERM7PT = {
    "bcc": "basal cell carcinoma",
    "mel": "melanoma",
    "misc": "dermatofibroma, lentigo, melanosis, miscellaneous, vascular lesion",
    "nv": "melanocytic nevus",
    "sk": "seborrheic keratosis",
}

# The columns of ISIC 2018 task 3 -> HAM10000's names.
ISIC2018 = {
    "MEL": "mel",
    "NV": "nv",
    "BCC": "bcc",
    "AKIEC": "akiec",
    "BKL": "bkl",
    "DF": "df",
    "VASC": "vasc",
}


class Taxonomy:
    """A tree of diagnoses: the classes are its leaves, the nodes above them group the classes.

    Level 1 is what hangs on the root, which is no answer itself and belongs to no level. Branches may end at
    different levels; a class is a node of the level at which its branch ends and of no deeper one.

    Args:
        children: dict from every node that has children to their names, in order.
        classes: the leaves in the order of labels and predictions; None is from the left to the right
            of each level, level by level.

    Attributes:
        children: as given, with tuples.
        classes: tuple of str.
        levels: a tuple of node names for each level; the children of a node stand side by side.
        parents: for each level the nodes of the level above that have children, in the order in which the
            level lists those children.
        paths: dict from each class to its node at each level, its own name last; None where it has ended.

    Raises:
        ValueError: no tree (empty, a cycle, a node with two parents, a part that the root does not reach, a
            node that is listed without children), fewer than two classes, or `classes` that are not its
            leaves.

    Example:
        >>> taxonomy = Taxonomy({"lesion": ("nevus", "other"), "other": ("benign", "malignant")})
        >>> taxonomy.levels
        (('nevus', 'other'), ('benign', 'malignant'))
        >>> taxonomy.paths["nevus"]
        ('nevus', None)
    """

    def __init__(self, children, classes=None):
        _check_children(children)
        self.children = {parent: tuple(names) for parent, names in children.items()}
        parent_of = _parents(self.children)
        root = _root(self.children, parent_of)
        self.parents, self.levels = [], []
        level = (root,)
        while parents := tuple(node for node in level if node in self.children):
            level = tuple(child for parent in parents for child in self.children[parent])
            self.parents.append(parents)
            self.levels.append(level)
        self.parents, self.levels = tuple(self.parents), tuple(self.levels)
        self._check_reached(root, parent_of)

        leaves = [node for level in self.levels for node in level if node not in self.children]
        self.classes = tuple(leaves if classes is None else classes)
        _check_classes(self.classes, leaves)
        self.paths = {name: self._path(name, parent_of) for name in self.classes}

    def _check_reached(self, root, parent_of):
        # With one root or none, and one parent a node, only a cycle is out of reach.
        lost = set(parent_of) - {node for level in self.levels for node in level}
        if root is None or lost:
            raise ValueError(
                f"A taxonomy must not go round in a cycle; no root leads to: {', '.join(sorted(lost))}."
            )

    def _path(self, name, parent_of):
        path = [name]
        while parent_of[path[0]] in parent_of:
            path.insert(0, parent_of[path[0]])
        return tuple(path) + (None,) * (len(self.levels) - len(path))

    @property
    def columns(self):
        """For each level: of each class, the place of its node among the level's; None where it has ended."""
        return tuple(
            tuple(
                None if path[number] is None else level.index(path[number])
                for path in (self.paths[name] for name in self.classes)
            )
            for number, level in enumerate(self.levels)
        )

    def get_config(self):
        """What `Taxonomy(**config)` makes the same taxonomy from, of types that JSON has."""
        return {
            "children": {parent: list(names) for parent, names in self.children.items()},
            "classes": list(self.classes),
        }


def _check_children(children):
    if not isinstance(children, Mapping) or not children:
        raise ValueError(
            "A taxonomy is a dict from each parent to its children, with at least two classes. "
            f"Received: {children!r}"
        )
    for parent, names in children.items():
        is_list = isinstance(names, Sequence) and not isinstance(names, str) and len(names) > 0
        if not is_list or not all(isinstance(name, str) for name in (parent, *names)):
            raise ValueError(
                f"The children of {parent!r} must be a list of one or more names; a class, which has none, "
                f"is not a parent. Received: {names!r}"
            )


def _parents(children):
    parent_of = {}
    for parent, names in children.items():
        for name in names:
            if name in parent_of:
                raise ValueError(
                    f"{name!r} is listed below {parent_of[name]!r} and again below {parent!r}; "
                    "a node of a taxonomy has one parent."
                )
            parent_of[name] = parent
    return parent_of


def _root(children, parent_of):
    roots = [parent for parent in children if parent not in parent_of]
    if len(roots) > 1:
        raise ValueError(
            f"A taxonomy has one root; from {roots[0]!r} what is below {', '.join(map(repr, roots[1:]))} "
            "cannot be reached."
        )
    return roots[0] if roots else None


def _check_classes(classes, leaves):
    strangers = [name for name in classes if name not in leaves]
    if strangers:
        raise ValueError(f"{strangers[0]!r} is not a leaf of the taxonomy, whose leaves are {leaves}.")
    if sorted(classes) != sorted(leaves) or len(classes) < 2:
        raise ValueError(
            f"A taxonomy needs two or more classes, each leaf once: its leaves are {leaves}. "
            f"Received: classes={list(classes)}"
        )


# Barata & Santiago 2021: the hierarchy of ISIC 2018, with HAM10000's names and order of classes.
ISIC2018_TAXONOMY = Taxonomy(
    {
        "lesion": ("melanocytic", "non-melanocytic"),
        "melanocytic": ("mel", "nv"),
        "non-melanocytic": ("benign", "malignant"),
        "benign": ("bkl", "df", "vasc"),
        "malignant": ("bcc", "akiec"),
    },
    classes=tuple(HAM10000),
)

# The same hierarchy with the classes of ISIC 2019, which has actinic keratosis and squamous cell carcinoma for akiec.
ISIC2019_TAXONOMY = Taxonomy(
    {
        "lesion": ("melanocytic", "non-melanocytic"),
        "melanocytic": ("mel", "nv"),
        "non-melanocytic": ("benign", "malignant"),
        "benign": ("bkl", "df", "vasc"),
        "malignant": ("bcc", "ak", "scc"),
    },
    classes=("mel", "nv", "bcc", "ak", "bkl", "df", "vasc", "scc"),
)

# And with those of PAD-UFES-20, whose only benign one that is not melanocytic is seborrheic keratosis.
PAD_UFES_TAXONOMY = Taxonomy(
    {
        "lesion": ("melanocytic", "non-melanocytic"),
        "melanocytic": ("mel", "nv"),
        "non-melanocytic": ("sk", "malignant"),
        "malignant": ("ak", "bcc", "scc"),
    },
    classes=("ak", "bcc", "mel", "nv", "scc", "sk"),
)

# And with those of derm7pt; its class misc holds melanocytic and other lesions, and so hangs on the root.
DERM7PT_TAXONOMY = Taxonomy(
    {
        "lesion": ("melanocytic", "non-melanocytic", "misc"),
        "melanocytic": ("mel", "nv"),
        "non-melanocytic": ("bcc", "sk"),
    },
    classes=("bcc", "mel", "misc", "nv", "sk"),
)

# The synthetic images: benign lesions differ in the structure that is painted on them.
SYNTHETIC_TAXONOMY = Taxonomy(
    {"lesion": BINARY_CLASSES, "benign": ("network", "globules", "streaks", "plain")}
)


def check_positive(positive, classes):
    """The names of `positive` as `classes` spells them: upper and lower case do not matter.

    Args:
        positive: class names.
        classes: all class names of the data.

    Returns:
        tuple of str.

    Raises:
        ValueError: a name is not a class, or all or none of the classes are named.
    """
    spelt = {name.casefold(): name for name in classes}
    unknown = [name for name in positive if name.casefold() not in spelt]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not a class of this data: {', '.join(classes)}.")
    matched = tuple(dict.fromkeys(spelt[name.casefold()] for name in positive))
    if not 0 < len(matched) < len(classes):
        raise ValueError(f"Name at least one positive class and not all of: {', '.join(classes)}.")
    return matched
