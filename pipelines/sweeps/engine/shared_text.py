"""Sentences that every paper's report has."""

from skinkeras.datasets import DATASETS

SYNTHETIC = (
    "**The images are synthetic: a program made them. Nothing here says anything about real lesions.**"
)


def intervals_text(seeds):
    """What the intervals say and what they leave out.

    Args:
        seeds: how many seeds of training the sweep has.
    """
    training = (
        f"The sweep has {seeds} seeds of training: comparisons are averaged over them, and the intervals "
        "still do not cover them"
        if seeds > 1
        else "They do not cover the seed of training: every run was trained once, with one seed"
    )
    return (
        f"**What the intervals say.** They cover the choice of test images only. {training}, so the same "
        "configuration trained again can differ by more than they show. Nor do they cover other clinics, cameras "
        "or skin types than those of the test images."
    )


def finished_text(runs, unfinished):
    """How many configurations have finished, in a sentence.

    Args:
        runs, unfinished: tables of the runs that have finished and of those that have not.
    """
    failed = int((unfinished["status"] == "failed").sum())
    return f"{len(runs)} of {len(runs) + len(unfinished)} configurations have finished, {failed} failed."


def figure_note(path, synthetic, images):
    """The line at the foot of every figure.

    Args:
        path: the sweep's folder.
        synthetic: whether the images were generated.
        images: how many test images there are.
    """
    if synthetic:
        return DATASETS["synthetic"].note
    return f"{path.resolve().name}, {images:,} test images"
