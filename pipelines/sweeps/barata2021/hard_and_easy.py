"""Which test images Figures 3 and 4 of Barata & Santiago 2021 show.

The paper shows one image of each class: in Figure 3 of the classes that it calls the most challenging, in Figure 4 of
the easiest. (The caption of its Figure 4 says "actinic keratosis" where the images are basal cell carcinomas.)
"""

import numpy as np

#: The paper's classes, under every name that the data sets here give them.
CHALLENGING = (
    ("mel", "melanoma"),
    ("df", "dermatofibroma"),
    ("bkl", "benign keratosis"),
    ("akiec", "actinic keratosis"),
)
EASIEST = (("nv", "nevus"), ("vasc", "vascular"), ("bcc", "basal cell carcinoma"))


def figure_classes(classes, recalls):
    """The classes of Figure 3 and those of Figure 4, as indices.

    Those of the paper where the data have one of each at least; else the half of the classes (rounded up) that
    the models recall least, and the rest.

    Args:
        classes: names.
        recalls: (classes,), mean recall of each.

    Returns:
        (list of int, list of int), in the paper's order or from the lowest recall.
    """
    place = {name.lower(): number for number, name in enumerate(classes)}
    hard, easy = (
        [place[name] for names in of_figure for name in names if name in place]
        for of_figure in (CHALLENGING, EASIEST)
    )
    if hard and easy:
        return hard, easy
    order = np.argsort(recalls, kind="stable").tolist()
    half = (len(order) + 1) // 2
    return order[:half], order[half:]


def one_of_each(labels, probabilities, classes, *, hardest):
    """The image of each class on which the mean cross-entropy over the models is highest, or lowest.

    Args:
        labels: (n,) int, index of each image's class.
        probabilities: (models, n, c).
        classes: indices of the classes.
        hardest: whether the hardest image of a class is chosen; else the easiest.

    Returns:
        list of int, the position of one image of every class that has any.
    """
    labels = np.asarray(labels)
    right = np.asarray(probabilities)[:, np.arange(len(labels)), labels]
    losses = -np.log(np.clip(right, 1e-7, None)).mean(axis=0)
    chosen = []
    for number in classes:
        mine = np.flatnonzero(labels == number)
        if len(mine):
            order = mine[np.argsort(losses[mine], kind="stable")]
            chosen.append(int(order[-1] if hardest else order[0]))
    return chosen
