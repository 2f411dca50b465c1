"""The moderated t against R's limma and against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit

from tasks.statistics.moderated import fit_prior, moderate

# In R with limma: s2 <- rchisq(20, df=5)/5; squeezeVar(s2, df=5)$var.post
S2 = np.array([
    1.7837804639, 0.3241118662, 0.1875036220, 0.7340608407, 0.8484620092,
    0.4985470847, 0.8706791204, 2.1014900506, 0.4978305362, 1.9627067037,
    1.0949289573, 0.4588314586, 2.2923386474, 2.7849256010, 0.7314855758,
    1.4929731181, 1.0013626719, 1.6273398719, 0.5657860063, 0.4807812856,
])  # fmt: skip
VAR_POST = np.array([
    1.1346316091, 1.0235740856, 1.0131803748, 1.0547646709, 1.0634687771,
    1.0368458265, 1.0651591453, 1.1588042466, 1.0367913086, 1.1482450451,
    1.0822209849, 1.0338241001, 1.1733247840, 1.2108028028, 1.0545687343,
    1.1125058035, 1.0751020813, 1.1227289726, 1.0419616371, 1.0354941323,
])  # fmt: skip
EULER_GAMMA = 0.57721566490153286


def test_variances_are_those_of_limma() -> None:
    variance, _ = moderate(S2, np.full(20, 5.0))
    assert variance[S2 < 1.9] == pytest.approx(VAR_POST[S2 < 1.9], rel=1e-8)


def test_a_case_far_noisier_than_the_others_keeps_its_own_variance() -> None:
    # all but one are 1: d0 comes out finite; F(0.90; 3, d0) lies between 2.08 (d0 infinite) and 5.4
    variance, df = moderate(np.array([1.0, 0.9, 1.1, 1.2, 0.8, 9.0]), np.full(6, 3.0))
    assert (variance[5], df[5]) == (9.0, 3.0)
    assert (variance[:5] != [1.0, 0.9, 1.1, 1.2, 0.8]).all() and (df[:5] > 3).all()


@pytest.mark.parametrize(("noisier", "lowest"), [(1.0, 0.94), (2.0, 0.87), (3.0, 0.88)])
def test_intervals_cover_cases_that_are_noisier_than_the_others_too(
    noisier: float, lowest: float
) -> None:
    # n = 4, 7 of 99 cases noisier; without their own variance 0.78 and 0.76 of them are covered
    rng, covered = np.random.default_rng(1), []
    for _ in range(300):
        x = rng.normal(size=(99, 4))
        x[:7] *= noisier
        variance, df = moderate(x.var(axis=1, ddof=1), np.full(99, 3.0))
        covered.append(np.abs(x.mean(axis=1)) <= stdtrit(df, 0.975) * np.sqrt(variance / 4))
    assert np.mean(covered, axis=0)[:7].mean() > lowest
    assert np.mean(covered, axis=0)[7:].mean() == pytest.approx(0.96, abs=0.015)


def test_a_case_that_its_other_workloads_show_to_be_noisier_is_not_taken_for_steady() -> None:
    s2, d = np.array([1.0, 0.9, 1.1, 1.2, 0.8, 1.0]), np.full(6, 2.0)
    ratio, case_d = np.array([1.0, 0.9, 1.1, np.nan, 0.8, 7.0]), np.full(6, 6.0)
    variance, df = moderate(s2, d, ratio, case_d)
    alone, alone_df = moderate(s2, d)
    assert variance[5] == pytest.approx(7 * fit_prior(s2, d).s0_squared) and df[5] == 6
    assert (variance[:5] == alone[:5]).all() and (df[:5] == alone_df[:5]).all()


def test_equal_variances_are_one_variance_and_the_bias_of_its_logarithm_is_taken_off() -> None:
    # d = 2: e = ln 1 − ψ(1) + ln 1 = γ, no excess variance, so s0² = e^γ on infinite d0
    prior = fit_prior(np.ones(5), np.full(5, 2.0))
    assert prior.d0 == np.inf
    assert prior.s0_squared == pytest.approx(np.exp(EULER_GAMMA))


def test_prior_degrees_solve_the_trigamma_equation() -> None:
    # d = 2 makes e = ln s² + γ and ψ′(1) = π²/6. Variances e^±a have var(e) = 2a²;
    # with 2a² = π²/6 + π²/2 the equation is ψ′(d0/2) = π²/2, whose root is d0 = 1.
    a = np.sqrt((np.pi**2 / 6 + np.pi**2 / 2) / 2)
    prior = fit_prior(np.exp(np.array([a, -a])), np.full(2, 2.0))
    assert prior.d0 == pytest.approx(1.0)
    # s0² = exp(γ + ψ(1/2) − ln(1/2)) with ψ(1/2) = −γ − 2 ln 2
    assert prior.s0_squared == pytest.approx(0.5)


def test_one_case_alone_keeps_its_own_variance() -> None:
    variance, df = moderate(np.array([4.0]), np.array([3.0]))
    assert (variance[0], df[0]) == (4.0, 3.0)


def test_degrees_of_freedom_never_exceed_what_all_cases_know() -> None:
    _, df = moderate(np.ones(6), np.full(6, 3.0))
    assert df == pytest.approx(np.full(6, 18.0))


def test_a_case_without_any_spread_borrows_one() -> None:
    variance, _ = moderate(np.array([0.0, 1.0, 1.2, 0.8]), np.full(4, 3.0))
    assert variance[0] > 0


def test_a_majority_of_zero_variances_lends_nothing() -> None:
    variance, df = moderate(np.array([0.0, 0.0, 0.0, 1.0]), np.full(4, 3.0))
    assert variance == pytest.approx([0, 0, 0, 1])
    assert df == pytest.approx(np.full(4, 3.0))


@given(
    st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=30),
    st.floats(1e-4, 1e4),
    st.integers(1, 12),
)
def test_scaling_the_data_scales_the_variances(s2: list[float], factor: float, d: int) -> None:
    degrees = np.full(len(s2), float(d))
    plain, df = moderate(np.array(s2), degrees)
    scaled, scaled_df = moderate(np.array(s2) * factor, degrees)
    assert scaled == pytest.approx(plain * factor, rel=1e-6)
    assert scaled_df == pytest.approx(df, rel=1e-6)


@given(st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=30))
def test_moderation_keeps_the_order_of_the_variances(s2: list[float]) -> None:
    values = np.array(sorted(s2))
    variance, _ = moderate(values, np.full(len(values), 3.0))
    assert np.all(np.diff(variance) >= -1e-9 * variance[1:])
