"""The tables of losses and weightings: what their rows build, say and refuse."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from loss_cases import CONTEXT, COUNTS, EPOCHS, TAXONOMY, goes_together, parameters

from pipelines import binary, multiclass
from pipelines.common import options
from skinkeras import losses
from skinkeras.callbacks import CurriculumAge, RecallTerms
from skinkeras.losses import LOSSES, PARAMETERS, WEIGHTINGS, LossContext

ROWS = {**LOSSES, **WEIGHTINGS}
JOBS = {"binary": binary.Settings, "diagnosis": multiclass.Settings}
README = Path(__file__).parents[2] / "README.md"
LEVELS = LossContext(COUNTS, taxonomy=TAXONOMY, epochs=EPOCHS)


def focal():
    return keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=2.0)


def test_the_tables_do_without_keras():
    program = (
        "import sys; from skinkeras import losses; losses.LOSSES, losses.WEIGHTINGS; "
        "losses.check_parameters(gamma=1.0); "
        "print({'keras', 'tensorflow', 'pandas', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_no_name_of_the_package_is_that_of_a_module():
    modules = {path.stem for path in Path(losses.__file__).parent.glob("*.py")}
    assert not modules & set(losses.__all__)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_has_a_title_and_a_line_in_the_readme(name):
    assert ROWS[name].title
    assert any(
        line.startswith("|") and f"`{name}`" in line for line in README.read_text("utf-8").splitlines()
    )


def test_weightings_have_different_short_titles():
    titles = [row.short_title for row in WEIGHTINGS.values()]
    assert all(titles) and len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", ROWS)
def test_every_job_that_offers_a_row_has_options_for_its_parameters(name):
    row = ROWS[name]
    assert set(row.parameters) <= set(PARAMETERS)
    for job in getattr(row, "jobs", JOBS):
        assert set(row.parameters) <= set(options.option_names(JOBS[job]))


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_used_and_its_default_is_in_range(name):
    assert any(name in row.parameters for row in ROWS.values())
    losses.check_parameters(**{name: PARAMETERS[name].default})


@pytest.mark.parametrize("name", LOSSES)
def test_a_card_says_where_training_does_not_weigh_all_images_alike(name):
    assert (LOSSES[name].probabilities is None) == (name == "crossentropy")
    assert "distorts" in (LOSSES[name].probabilities or "distorts")


def test_a_card_has_the_sentences_of_the_loss_and_of_its_weighting():
    expected = (LOSSES["focal"].probabilities, WEIGHTINGS["cb"].probabilities)
    assert losses.probability_limits("focal", "cb") == expected
    assert losses.probability_limits("crossentropy", "ohem") == ()


# What the jobs of the first release trained with.
BUILT = {
    ("focal", "none", CONTEXT): focal,
    ("inverse_frequency", "none", CONTEXT): lambda: losses.InverseFrequencyCrossentropy(COUNTS),
    ("recall", "none", CONTEXT): lambda: losses.DiagnosisRecallCrossentropy(
        (0, 1, 1), 3.0, momentum=0.5, floor=0.1
    ),
    ("recall", "none", LossContext((7, 3), (0, 1))): lambda: losses.RecallCrossentropy(
        gamma=3.0, momentum=0.5, floor=0.1
    ),
    ("focal", "none", LEVELS): lambda: losses.HierarchicalCrossentropy(TAXONOMY, focal()),
    ("crossentropy", "cb", LEVELS): lambda: losses.ClassWeighted(
        losses.HierarchicalCrossentropy(TAXONOMY), losses.class_balanced_weights(COUNTS)
    ),
    ("crossentropy", "es", LEVELS): lambda: losses.ClassWeighted(
        losses.HierarchicalCrossentropy(TAXONOMY), losses.effective_number_weights(COUNTS)
    ),
    ("crossentropy", "spl", LEVELS): lambda: losses.Curriculum(
        losses.HierarchicalCrossentropy(TAXONOMY), "easiest", EPOCHS
    ),
    ("focal", "ohem_per_class", LEVELS): lambda: losses.Curriculum(
        losses.HierarchicalCrossentropy(TAXONOMY, focal()), "hardest", EPOCHS, per_class=True
    ),
    ("focal", "logit_adjustment", CONTEXT): lambda: losses.LogitAdjusted(focal(), COUNTS),
}


@pytest.mark.parametrize(("loss", "weighting", "context"), BUILT, ids=lambda value: str(value)[:16])
def test_a_pair_of_rows_builds_the_loss_of_the_first_release(loss, weighting, context):
    given = parameters(LOSSES[loss], WEIGHTINGS[weighting])
    built, _, _ = losses.build(loss, weighting, context, **given)
    expected = BUILT[loss, weighting, context]()
    assert type(built) is type(expected)
    assert built.get_config() == expected.get_config()


def test_parameters_that_are_left_out_have_their_defaults():
    assert losses.build("recall", "none", CONTEXT)[0].gamma == 1
    weighted, _, _ = losses.build("crossentropy", "cb", CONTEXT)
    assert weighted.class_weights == losses.class_balanced_weights(COUNTS, normalize=True)
    assert losses.build("focal", "none", CONTEXT)[0].gamma == 2


def test_counts_may_be_an_array():
    counts = np.float32(COUNTS)
    built = losses.build("crossentropy", "es", LossContext(counts), raw_weights=True)[0]
    assert built.class_weights == losses.effective_number_weights(COUNTS)


def test_callbacks_move_the_loss_and_its_weighting_apart():
    loss, [terms], of_weighting = losses.build("recall", "none", CONTEXT, recall_update="epoch")
    assert isinstance(terms, RecallTerms) and terms.loss is loss and terms.update == "epoch"
    assert of_weighting == []
    loss, of_loss, [age] = losses.build("focal", "ohem", LEVELS)
    assert of_loss == [] and isinstance(age, CurriculumAge) and age.loss is loss


@pytest.mark.parametrize("name", WEIGHTINGS)
def test_before_fine_tuning_every_sample_counts(name):
    loss, _, _ = losses.build("crossentropy", name, CONTEXT)
    WEIGHTINGS[name].finish(loss)
    labels, predicted = np.eye(3, dtype="float32"), np.float32([[0.2, 0.5, 0.3]] * 3)
    loss.reduction = None
    assert np.all(np.asarray(loss(labels, predicted)) > 0)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_a_loss_that_weights_samples_itself_takes_no_weighting(loss, weighting):
    if goes_together(loss, weighting):
        losses.build(loss, weighting, CONTEXT)
    else:
        with pytest.raises(ValueError, match=f"{loss} weights samples itself: it cannot be combined with"):
            losses.build(loss, weighting, CONTEXT)


@pytest.mark.parametrize(
    ("arguments", "given", "sentence"),
    [
        (("crossentropy", "logit_adjustment", LEVELS), {}, "logit_adjustment is for flat models"),
        (
            ("focal", "cb", CONTEXT),
            {"gamma": 5.0},
            "Neither focal nor the weighting cb has a parameter gamma.",
        ),
        (("recall", "none", CONTEXT), {"gamma": -1.0}, "gamma must be a finite number >= 0"),
        (("recall", "none", LossContext(COUNTS)), {}, "groups must use every number from 0 upwards"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments, given, sentence):
    with pytest.raises(ValueError, match=sentence):
        losses.build(*arguments, **given)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"gamma": -1.0}, "gamma must be a finite number >= 0. Received: gamma=-1.0"),
        ({"gamma": float("nan")}, "gamma must be a finite number >= 0. Received: gamma=nan"),
        (
            {"gamma": 1e308},
            "gamma must be at most 1e+12, or gradients overflow float32. Received: gamma=1e+308",
        ),
        ({"focal_delta": -0.5}, "focal_delta must be a finite number >= 0. Received: focal_delta=-0.5"),
        (
            {"focal_delta": float("inf")},
            "focal_delta must be a finite number >= 0. Received: focal_delta=inf",
        ),
        (
            {"recall_update": "step"},
            'recall_update must be "batch", "epoch" or "same_batch". Received: recall_update=\'step\'',
        ),
        ({"raw_weights": "no"}, "raw_weights must be True or False. Received: raw_weights='no'"),
        ({"delta": 1}, "No loss or weighting has a parameter delta."),
    ],
)
def test_parameters_out_of_range_are_refused_in_one_sentence(given, sentence):
    with pytest.raises(ValueError) as refusal:
        losses.check_parameters(**given)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize("loss", ["recall", "focal"])
def test_the_largest_parameters_have_finite_gradients(loss):
    [name] = [name for name in LOSSES[loss].parameters if not name.startswith("recall_")]
    built, _, _ = losses.build(loss, "none", LossContext((7, 3), (0, 1)), **{name: 1e12})
    logits = keras.Variable([[40.0, -40.0]])
    adam = keras.optimizers.Adam(1e-3)
    with tf.GradientTape() as tape:
        value = built(np.float32([[0, 1]]), keras.ops.softmax(logits))
    gradient = tape.gradient(value, logits.value)
    adam.apply([gradient], [logits])
    assert np.isfinite(np.asarray(gradient)).all() and np.isfinite(np.asarray(logits)).all()
    assert np.isfinite(adam.variables[-1].numpy()).all()
