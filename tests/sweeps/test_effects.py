"""Effects whose intervals cover the choice of test images and the luck of training, and several claims at once."""

import numpy as np
import pytest
from scipy import stats

from pipelines.sweeps.engine import effects
from pipelines.sweeps.engine.comparisons import Comparison, Condition, corrected, judge
from pipelines.sweeps.engine.effects import Effect, Rates
from pipelines.sweeps.engine.holm import holm
from skinkeras.evaluation import paired_bootstrap

LUCK = 0.012  # standard deviation of the AUC between seeds


def certain(values, recipes, **assumed):
    """Runs on so many test images that resampling changes nothing."""
    values = np.asarray(values, float)
    return Rates({"roc_auc": np.repeat(values[:, None], 21, axis=1)}, np.asarray(recipes), assumed)


def test_without_noise_from_test_images_it_is_welchs_test():
    treated, base = [0.90, 0.93, 0.88, 0.91], [0.86, 0.85, 0.88]
    rates = certain([*treated, *base], [0] * 4 + [1] * 3)
    effect = rates.effect("roc_auc", np.r_[np.full(4, 1 / 4), np.full(3, -1 / 3)])
    expected = stats.ttest_ind(treated, base, equal_var=False)
    assert effect.p == pytest.approx(expected.pvalue)
    assert effect.ends[1:] == pytest.approx(tuple(expected.confidence_interval()))
    assert effect.luck == effects.SEEDS


def test_with_one_seed_it_is_the_bootstraps_deviation_alone():
    rng = np.random.default_rng(0)
    draws = rng.normal(0.8, 0.03, (2, 5001))
    draws[:, 0] = 0.85, 0.80
    effect = Rates({"roc_auc": draws}, np.array([0, 1])).effect("roc_auc", np.array([1, -1]))
    assert effect.ends == pytest.approx((0.05, 0.05 - 1.96 * 0.0424, 0.05 + 1.96 * 0.0424), abs=0.002)
    assert effect.luck == effects.UNKNOWN


def test_both_variances_add_up():
    rng = np.random.default_rng(1)
    draws = rng.normal(0.8, 0.02, (6, 4001))
    draws[:, 0] = 0.84, 0.86, 0.88, 0.80, 0.80, 0.80
    effect = Rates({"roc_auc": draws}, np.repeat([0, 1], 3)).effect("roc_auc", np.repeat([1 / 3, -1 / 3], 3))
    # Test images: 6 x 0.02^2 / 9. Seeds: 0.02^2 / 3 with 2 degrees of freedom, and 0.
    images, seeds = 6 * 0.02**2 / 9, 0.02**2 / 3
    freedom = (images + seeds) ** 2 / (seeds**2 / 2)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(images + seeds)
    assert effect.ends == pytest.approx((0.06, 0.06 - half, 0.06 + half), rel=0.03)


def test_a_recipe_of_one_seed_borrows_the_variance_of_the_others():
    rates = certain([0.90, 0.92, 0.80], [0, 0, 1])
    effect = rates.effect("roc_auc", np.array([0.5, 0.5, -1]))
    # The variance between 0.90 and 0.92 is 0.0002: a half of it for their mean, and all of it for the third run.
    # Both parts have one degree of freedom.
    freedom = 0.0003**2 / (0.0001**2 + 0.0002**2)
    half = stats.t.ppf(0.975, freedom) * np.sqrt(0.0003)
    assert effect.ends == pytest.approx((0.11, 0.11 - half, 0.11 + half))
    assert effect.luck == effects.BORROWED


def test_an_assumed_deviation_stands_in_for_seeds():
    rates = certain([0.90, 0.85], [0, 1], roc_auc=LUCK)
    effect = rates.effect("roc_auc", np.array([1, -1]))
    half = 1.959964 * LUCK * 2**0.5
    assert effect.ends == pytest.approx((0.05, 0.05 - half, 0.05 + half))
    assert effect.luck == effects.ASSUMED


def test_what_a_recipe_reaches_stays_a_share():
    level = certain([1.0, 0.9, 1.0], [0, 0, 0]).level("roc_auc", [0, 1, 2])
    assert level[0] == pytest.approx(0.9667, abs=1e-4)
    assert level[2] == 1.0


def decided(differ, seeds, repeats, rng):
    """The share of comparisons of two recipes that are decided, if their AUCs differ by `differ`.

    Between two models of one seed each, the test images alone make a standard deviation of 0.0166: with LUCK, one
    comparison in six of equal recipes is then decided by intervals that cover the test images only.
    """
    count, models = 0, 2 * seeds
    recipes = np.repeat([0, 1], seeds)
    weights = np.where(recipes, -1, 1) / seeds
    for _ in range(repeats):
        reached = 0.86 + differ * (recipes == 0) + rng.normal(0, LUCK, models) + rng.normal(0, 0.0117, models)
        draws = reached[:, None] + rng.normal(0, 0.0117, (models, 301))
        draws[:, 0] = reached
        count += Rates({"roc_auc": draws}, recipes).effect("roc_auc", weights).p <= 0.05
    return count / repeats


def test_equal_recipes_are_decided_in_one_case_of_twenty_with_three_seeds_and_in_one_of_six_with_one():
    rng = np.random.default_rng(2)
    assert decided(0, seeds=3, repeats=2000, rng=rng) <= 0.05
    assert 0.13 < decided(0, seeds=1, repeats=1000, rng=rng) < 0.22


@pytest.mark.parametrize(("seeds", "power"), [(3, 0.73), (5, 0.98)])
def test_a_real_difference_of_5_points_of_auc_is_found_so_often(seeds, power):
    found = decided(0.05, seeds, repeats=1000, rng=np.random.default_rng(3))
    assert found == pytest.approx(power, abs=0.04)


@pytest.mark.slow
def test_equal_recipes_are_rarely_decided_on_images_whose_auc_is_measured():
    """The same from scores of images: each training is a model whose true AUC is 0.86 +- LUCK."""
    rng = np.random.default_rng(4)
    labels, recipes = np.repeat([0, 1], [450, 90]), np.repeat([0, 1], 3)
    weights, count, repeats = np.where(recipes, -1, 1) / 3, 0, 300
    for _ in range(repeats):
        auc = 0.86 + rng.normal(0, LUCK, 6)
        shift = 2**0.5 * stats.norm.ppf(auc)  # between the classes, of scores with a standard deviation of 1
        shared = rng.normal(0, 0.8, labels.size)
        scores = labels * shift[:, None] + shared + rng.normal(0, 0.6, (6, labels.size))
        draws = paired_bootstrap(labels, 1 / (1 + np.exp(-scores)), resamples=200)
        count += Rates(draws, recipes).effect("roc_auc", weights).p <= 0.05
    assert count / repeats <= 0.05 + 2 * (0.05 * 0.95 / repeats) ** 0.5


def test_holms_correction_has_the_published_values():
    # R's p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm")
    np.testing.assert_allclose(holm([0.01, 0.02, 0.03, 0.04, 0.05]), [0.05, 0.08, 0.09, 0.09, 0.09])
    np.testing.assert_allclose(holm([0.04, 0.01, 0.03]), [0.06, 0.03, 0.06])
    np.testing.assert_allclose(holm([0.9, 0.6]), [1, 1])
    assert holm([]).size == 0


def claim(name, *effects_and_directions):
    conditions = []
    for value, p, rises in effects_and_directions:
        effect = {"m": Effect(value, value - 1, value + 1, p, effects.SEEDS)}
        conditions.append(Condition(Comparison("a - b", 1, effect, np.zeros(2)), "m", rises, ""))
    return judge(name, name, conditions or [Condition(None, "m", True, "no runs")])


def test_all_claims_that_are_tested_are_corrected_together():
    claims = corrected([
        claim("first", (0.1, 0.01, True)),
        claim("second", (0.1, 0.03, True)),
        claim("against", (-0.1, 0.004, True)),
        claim("untested"),
    ])  # fmt: skip
    assert [each.verdict for each in claims[:3]] == ["supported", "supported", "contradicted"]
    np.testing.assert_allclose([each.corrected_p for each in claims[:3]], [0.02, 0.03, 0.012])
    assert [each.corrected_verdict for each in claims] == ["supported", "supported", "contradicted", ""]
    many = corrected([claim(str(number), (0.1, 0.03, True)) for number in range(4)])
    assert {(each.verdict, each.corrected_verdict) for each in many} == {
        ("supported", "not decided by these runs")
    }


def test_a_claim_of_several_conditions_is_as_sure_as_the_least_sure_one():
    assert claim("both", (0.1, 0.001, True), (-0.2, 0.04, False)).p == 0.04
    # One of two that speaks against it had two chances to do so.
    assert claim("either", (0.1, 0.001, True), (0.2, 0.01, False)).p == 0.02
