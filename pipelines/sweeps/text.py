"""Sentences that every report has."""

SYNTHETIC = (
    "**The pictures are synthetic: a program drew them. Nothing here says anything about real lesions.**"
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
        f"**What the intervals say.** They cover the choice of test images only. {training}, so that the "
        "same configuration trained again can differ by more than they show. Nor do they cover other "
        "clinics, cameras or skin types than those of the test images."
    )
