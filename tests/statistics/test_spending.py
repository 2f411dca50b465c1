"""The group-sequential levels against published critical values and against chance itself."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri, stdtr

from tasks.statistics.decision_rules import ANALYSES, DecisionRules
from tasks.statistics.spending import levels, levels_of, spent_early

FIFTHS = [k / 5 for k in range(1, 6)]


def test_five_equal_steps_give_the_published_critical_values() -> None:
    # Lan and DeMets with Pocock's function, two-sided 5 %: the tables of ldbounds and gsDesign
    pocock = levels_of([spent_early(0.025, t) for t in FIFTHS], FIFTHS)
    assert -ndtri(pocock) == pytest.approx([2.4380, 2.4268, 2.4102, 2.3966, 2.3860], abs=1e-4)


def test_the_integration_holds_for_another_function_too() -> None:
    # O'Brien and Fleming's function 2 − 2Φ(z/√t), two-sided 5 %
    spent = [2 * float(ndtr(ndtri(0.0125) / np.sqrt(t))) for t in FIFTHS]
    critical = -ndtri(levels_of(spent, FIFTHS))
    assert critical == pytest.approx([4.8769, 3.3570, 2.6803, 2.2898, 2.0310], abs=1e-4)


def test_one_analysis_spends_all_of_it() -> None:
    assert levels(0.05, (1.0,)) == pytest.approx((0.05,))


@pytest.mark.parametrize("looks", [ANALYSES, (3, 4, 6, 7), (2,)])
def test_looking_again_and_again_errs_as_often_as_was_spent(looks: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    mean = np.cumsum(rng.normal(size=(200_000, 12)), axis=1) / np.sqrt(np.arange(1, 13))
    found = levels(0.05, tuple(n / 12 for n in looks))
    hits = [ndtr(-mean[:, n - 1]) <= level for n, level in zip(looks, found, strict=True)]
    assert np.any(hits, axis=0).mean() == pytest.approx(spent_early(0.05, looks[-1] / 12), abs=2e-3)


def test_a_t_test_with_few_iterations_of_its_own_keeps_the_level_nearly() -> None:
    x = np.random.default_rng(2).normal(size=(100_000, 12))
    hit = np.zeros(len(x), bool)
    for n in ANALYSES:
        t = x[:, :n].mean(axis=1) / np.sqrt(x[:, :n].var(axis=1, ddof=1) / n)
        hit |= stdtr(n - 1, -t) <= DecisionRules(analyses=ANALYSES).at(n).test_alpha
    assert 0.045 < hit.mean() < 0.06
