"""The laws of pacing, on a simulated display whose renderer costs what is known."""

import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from inperson.render.pacing import (
    LEVEL_SCALES,
    CostShares,
    Pacing,
    PacingPolicy,
    Rung,
    always_shaded,
    ladder,
    shaded_while_it_fits,
)
from tests.render.simulated_display import Cost, SimulatedDisplay, changes, share_missed

RUNGS = ladder([50_000, 25_000, 12_500, 6_250])
POLICY = PacingPolicy()

rates = st.sampled_from([60.0, 72.0, 90.0, 120.0])
seeds = st.integers(0, 2**16)


@st.composite
def costs(draw: st.DrawFn, rate: float) -> Cost:
    """Renderers from far too slow to far faster than needed for which some rung fits."""
    period = 1e3 / rate
    cost = Cost(
        fixed=period * draw(st.floats(0.02, 0.35)),
        pixels=period * 10 ** draw(st.floats(-1.5, 1.2)),
        gaussians=period * 10 ** draw(st.floats(-2.0, 0.5)),
        noise=draw(st.floats(0.0, 0.08)),
    )
    assume(cost.of(RUNGS[-1]) < 0.7 * period)
    return cost


def affordable(cost: Cost, rate: float) -> int:
    """The best rung that fits with three tenths of the period to spare."""
    return next(i for i, rung in enumerate(RUNGS) if cost.of(rung) * (1 + 2 * cost.noise) <= 700 / rate)


@given(
    st.lists(st.integers(1, 100_000), min_size=1, max_size=6, unique=True).map(lambda n: sorted(n, reverse=True)),
    st.floats(0.05, 1.0),
)
def test_the_ladder_falls_from_full_quality_to_the_smallest_of_everything(gaussians, minimum):
    rungs = ladder(gaussians, minimum)
    assert rungs[0] == Rung(1.0, 0, 1.0, 1.0)
    assert minimum - 1e-6 <= rungs[-1].scale < minimum * 2 ** (1 / 8) + 1e-6
    assert rungs[-1].gaussians == gaussians[-1] / gaussians[0]
    for finer, coarser in itertools.pairwise(rungs):
        assert (finer.scale > coarser.scale) != (finer.level < coarser.level), "one thing at a time"
        assert coarser.pixels == pytest.approx(coarser.scale**2)
        assert finer.pixels >= coarser.pixels
        assert finer.gaussians >= coarser.gaussians


def test_resolution_falls_before_any_gaussian_is_given_up():
    for level, scale in enumerate(LEVEL_SCALES, start=1):
        first = next(rung for rung in RUNGS if rung.level == level)
        assert scale <= first.scale < scale * 1.1


@pytest.mark.parametrize("gaussians", [[], [10, 20], [10, 0]])
def test_levels_that_do_not_thin_out_are_refused(gaussians):
    with pytest.raises(ValueError, match="thin out"):
        ladder(gaussians)


def test_a_scale_of_nothing_is_refused():
    with pytest.raises(ValueError, match="scale"):
        ladder([10], minimum=0.0)


@settings(max_examples=30)
@given(st.data(), rates, seeds)
def test_within_two_seconds_the_rate_is_held_and_goes_on_being_held(data, rate, seed):
    display = SimulatedDisplay(Pacing(RUNGS), data.draw(costs(rate)), rate, seed)
    display.run(2.0)
    display.run(20.0)
    _, missed = display.newest(20.0)
    assert share_missed(missed) <= POLICY.tolerated


@settings(max_examples=30)
@given(st.data(), rates, seeds)
def test_no_more_quality_is_given_up_than_the_budget_asks(data, rate, seed):
    cost = data.draw(costs(rate))
    display = SimulatedDisplay(Pacing(RUNGS), cost, rate, seed)
    display.run(90.0)
    assert max(RUNGS.index(rung) for rung in display.newest(5.0)[0]) <= affordable(cost, rate) + 2


@settings(max_examples=15)
@given(st.data(), rates, seeds)
def test_under_steady_load_it_comes_to_rest(data, rate, seed):
    display = SimulatedDisplay(Pacing(RUNGS), data.draw(costs(rate)), rate, seed)
    display.run(60.0)
    display.run(60.0)
    assert changes(display.newest(60.0)[0]) <= 6, "a climb that fails is not tried again soon"


@settings(max_examples=30)
@given(st.data(), rates, st.floats(1.3, 3.0), seeds)
def test_a_load_that_comes_is_met_within_a_second_and_forgotten_when_it_leaves(data, rate, load, seed):
    cost = data.draw(costs(rate))
    assume(load * cost.of(RUNGS[-1]) < 700 / rate)
    display = SimulatedDisplay(Pacing(RUNGS), cost, rate, seed)
    display.run(40.0)
    before = display.pacing.rung
    display.run(1.5, load)
    display.run(5.0, load)
    assert share_missed(display.newest(5.0)[1]) <= 2 * POLICY.tolerated
    display.run(60.0)
    # a rung on the very edge of the budget is not always climbed back to
    assert RUNGS.index(display.pacing.rung) <= max(RUNGS.index(before), affordable(cost, rate)) + 2


@settings(max_examples=8)
@given(st.sampled_from([60.0, 90.0]), seeds)
def test_a_very_uneven_renderer_is_not_followed_up_and_down(rate, seed):
    """Where one frame in twenty costs half as much again, the rung may wander a little and slowly."""
    period = 1e3 / rate
    cost = Cost(0.35 * period, 1.8 * period, 0.8 * period, noise=0.3)
    display = SimulatedDisplay(Pacing(RUNGS), cost, rate, seed)
    display.run(60.0)
    display.run(60.0)
    rungs, missed = display.newest(60.0)
    assert changes(rungs) <= 20
    at = [RUNGS.index(rung) for rung in rungs]
    assert max(at) - min(at) <= 6
    assert share_missed(missed) <= 2 * POLICY.tolerated


def test_full_quality_returns_when_the_load_is_gone():
    display = SimulatedDisplay(Pacing(RUNGS), Cost(2.0, 6.0, 3.0), rate=60.0)
    display.run(5.0, load=6.0)
    assert display.pacing.rung.scale < 0.5
    display.run(30.0)
    assert display.pacing.rung == RUNGS[0]


def test_a_frame_that_happens_to_be_late_changes_nothing():
    pacing = Pacing(RUNGS)
    for frame in range(600):
        pacing.add(80.0 if frame % 60 == 0 else 9.0, 4 if frame % 60 == 0 else 0, period_ms=1e3 / 60)
        assert pacing.rung == RUNGS[0]


def test_far_too_slow_is_answered_in_one_step_not_rung_by_rung():
    display = SimulatedDisplay(Pacing(RUNGS), Cost(2.0, 100.0, 20.0, noise=0.0), rate=60.0)
    display.run(1.0)
    assert changes(display.rungs) <= 3
    assert display.pacing.rung.scale < 0.4


def test_misses_that_no_cost_explains_lower_the_resolution_only_when_they_are_many():
    few, many = Pacing(RUNGS), Pacing(RUNGS)
    for frame in range(300):
        few.add(3.0, int(frame % 10 == 0), period_ms=1e3 / 60)
        many.add(3.0, 1, period_ms=1e3 / 60)
    assert few.rung == RUNGS[0]
    assert many.rung.scale < RUNGS[0].scale


@given(st.lists(st.tuples(st.floats(1e-3, 1e4), st.integers(0, 50)), max_size=300), rates)
def test_whatever_happens_the_rung_is_one_of_the_ladder(frames, rate):
    pacing = Pacing(RUNGS)
    for cost_ms, missed in frames:
        assert pacing.add(cost_ms, missed, 1e3 / rate) in RUNGS


def test_one_rung_is_all_there_is():
    pacing = Pacing(ladder([100], minimum=1.0))
    for _ in range(50):
        assert pacing.add(100.0, 5, 16.7).scale == 1.0


shares = st.floats(0.02, 1.0)


@given(shares, shares, shares, st.sampled_from(RUNGS), st.sampled_from(RUNGS), st.floats(1.0, 50.0))
def test_what_a_step_shows_brings_the_prediction_nearer(fixed, pixels, gaussians, before, now, scale_ms):
    assume(before.pixels != now.pixels)
    cost = Cost(fixed * scale_ms, pixels * scale_ms, gaussians * scale_ms)
    true = cost.of(now) / cost.of(before)
    learner = CostShares()
    errors = [abs(learner.ratio(now, before) - true)]
    for _ in range(8):
        learner.learn(now, cost.of(now), before, cost.of(before))
        errors.append(abs(learner.ratio(now, before) - true))
    assert errors[-1] <= 0.2 * errors[0] + 0.01
    assert all(later <= earlier + 1e-9 for earlier, later in itertools.pairwise(errors))


def test_the_shader_is_given_up_size_by_size_before_anything_else():
    rungs = shaded_while_it_fits(RUNGS, [40.0, 10.0])
    assert rungs[:2] == (Rung(1.0, 0, 1.0, 1.0, 0, 1.0), Rung(1.0, 0, 1.0, 1.0, 1, 0.25))
    assert rungs[2:] == RUNGS
    assert shaded_while_it_fits(RUNGS, []) == RUNGS


def test_a_size_asked_for_stays_to_the_last_rung_and_costs_what_its_pixels_do():
    rungs = always_shaded(RUNGS)
    assert [(rung.scale, rung.level) for rung in rungs] == [(rung.scale, rung.level) for rung in RUNGS]
    assert all(rung.shader == 0 and rung.shading == rung.pixels for rung in rungs)


@pytest.mark.parametrize("costs", [[10.0, 40.0], [40.0, 0.0]])
def test_sizes_that_do_not_get_cheaper_are_refused(costs):
    with pytest.raises(ValueError, match="cheaper"):
        shaded_while_it_fits(RUNGS, costs)


@settings(max_examples=20)
@given(rates, seeds, st.floats(0.05, 8.0))
def test_with_the_shader_on_the_ladder_the_rate_is_held(rate, seed, shading):
    """Whatever the shader costs, from next to nothing to eight periods."""
    period = 1e3 / rate
    cost = Cost(0.1 * period, 0.3 * period, 0.1 * period, shading=shading * period)
    display = SimulatedDisplay(Pacing(shaded_while_it_fits(RUNGS, [40.0, 16.0, 8.0])), cost, rate, seed)
    display.run(5.0)
    display.run(30.0)
    rungs, missed = display.newest(20.0)
    assert share_missed(missed) <= POLICY.tolerated
    assert rungs[-1].scale > 0.9, "resolution is not given up for a shader that does not fit"
    if cost.of(Rung(1.0, 0, 1.0, 1.0, 2, 0.2)) < 0.7 * period:
        assert rungs[-1].shader is not None


def test_it_begins_where_it_is_told():
    assert Pacing(RUNGS, start=3).rung == RUNGS[3]
