"""Sentences that every paper's report has."""

from skinkeras.datasets import DATASETS

SYNTHETIC = (
    "**The images are synthetic: a program made them. Nothing here says anything about real lesions.**"
)


CORRECTION = """**Several claims.** Each verdict is by its own 95 %. Where a claim is decided, a second verdict
follows: that after Holm's correction, with which the chance of even one false verdict among all tested claims
is at most 5 %. A claim with several conditions has the p value of the least sure of them, as all have to hold;
where one speaks against it, the smallest, times the number of conditions."""

_SEVERAL_SEEDS = """Intervals of differences cover the choice of test images and, as the sweep has {seeds} seeds
of training, its luck: runs that differ only in the seed are averaged, and the variance between them is added to
that between paired resamples of the test images (Welch and Satterthwaite's degrees of freedom). Cleaning is
done once for all seeds, and its luck is not covered."""

_ASSUMED = """Every run was trained once, with one seed. Intervals of differences cover the choice of test
images and, for the metrics that `seed_sd` in the sweep's YAML file names, training luck of the standard
deviation given there."""

_ONE_SEED = """They cover the choice of test images only. They do not cover the seed of training: every run was
trained once, with one seed, so the same configuration trained again can differ by more than they show. A grid
with `seeds: [0, 1, 2]` has intervals that do."""

_POOLED = """**Pooled over sources.** No run's `predictions.csv` has a column `acquisition` with images of two
classes from one clinic or camera. A model that recognises the source can look better than it is: verdicts
within source need a run on data that name the sources."""

_WITHIN = """**Within source.** The test images come from {sources}. Metrics within source count pairs of images
of one source only, so that recognising the clinic or the camera wins nothing."""


def intervals_text(seeds, *, assumed):
    """What the intervals say and what they leave out.

    Args:
        seeds: how many seeds of training the sweep has.
        assumed: whether the sweep's YAML file gives a standard deviation between seeds.
    """
    training = _SEVERAL_SEEDS.format(seeds=seeds) if seeds > 1 else _ASSUMED if assumed else _ONE_SEED
    return (
        f"**What the intervals say.** {training} Nor do they cover other clinics, cameras or skin types than "
        "those of the test images."
    )


def sources_text(sources):
    """What verdicts rest on: pairs of images of one source, or what is lacking for that.

    Args:
        sources: of the test images, "" for an unknown one; or None.
    """
    if sources is None:
        return _POOLED
    known = sorted(set(sources) - {""})
    count = f"{len(known)} source{'s' * (len(known) > 1)} ({', '.join(known)})"
    return _WITHIN.format(sources=count + " and from unknown ones" * ("" in set(sources)))


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
