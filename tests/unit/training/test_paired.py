"""Two versions side by side: weights, resamples, the mean gain."""

from __future__ import annotations

import numpy as np
import pytest

from training.paired import (
    CaseKind,
    Held,
    Measured,
    Pair,
    PairedReport,
    capped,
    effective,
    gain_interval,
    mean_gain,
    people,
    resampled_gains,
)


def pair(before: float, after: float, *raters: str, weight: float = 1.0) -> Pair:
    return Pair(
        question=f"{before} {after}",
        before=Measured(answer="old", utility=before),
        after=Measured(answer="new", utility=after),
        weight=weight,
        raters=raters,
    )


def share_of(rater: str, pairs: tuple[Pair, ...]) -> float:
    own = sum(one.weight / len(one.raters) for one in pairs if rater in one.raters)
    return own / sum(one.weight for one in pairs)


def test_a_busy_rater_decides_a_fifth_at_most_and_nobody_gains_weight() -> None:
    pairs = [pair(0, 1, "busy") for _ in range(60)] + [pair(0, 1, f"p{n}") for n in range(20)]
    lowered = capped(pairs)
    assert share_of("busy", lowered) == pytest.approx(0.2, abs=1e-6)
    assert all(new.weight <= old.weight for new, old in zip(lowered, pairs, strict=True))
    assert [one.weight for one in lowered[60:]] == [1.0] * 20


def test_of_a_verdict_that_two_share_only_the_busy_ones_part_is_lowered() -> None:
    lowered = capped([pair(0, 1, "busy", f"p{n}") for n in range(30)])
    # half of each is the busy rater's: a quarter of that half beside the others' whole halves is a fifth
    assert [one.weight for one in lowered] == pytest.approx([0.5 + 0.5 * 0.25] * 30, abs=1e-6)


def test_one_or_two_people_are_not_capped() -> None:
    pairs = [pair(0, 1, "ada") for _ in range(10)] + [pair(0, 1, "bob")]
    assert capped(pairs) == tuple(pairs)
    assert capped([]) == ()


def test_three_people_may_decide_two_thirds_each_at_most() -> None:
    pairs = [pair(0, 1, "ada") for _ in range(18)] + [pair(0, 1, "bob"), pair(0, 1, "eve")]
    assert share_of("ada", capped(pairs)) == pytest.approx(2 / 3, abs=1e-4)


def test_unequal_weights_say_as_much_as_fewer_questions() -> None:
    assert effective([pair(0, 1) for _ in range(7)]) == pytest.approx(7)
    assert effective([pair(0, 1, weight=1.0)] + [pair(0, 1, weight=0.01) for _ in range(6)]) == pytest.approx(
        1.12, 0.01
    )
    assert effective([]) == 0


def test_the_gain_is_the_weighted_mean_and_its_interval_holds_it() -> None:
    pairs = [pair(0.2, 0.6), pair(0.5, 0.5), pair(1.0, 0.9, weight=0.5)]
    gain = gain_interval(pairs, np.random.default_rng(0))
    assert gain.value == pytest.approx((0.4 + 0 - 0.05) / 2.5)
    assert gain.low <= gain.value <= gain.high
    assert mean_gain([]) == 0


def test_a_handful_that_agrees_by_chance_shows_no_spread_by_itself() -> None:
    pairs = [pair(0.5, 0.6) for _ in range(4)]
    rng = np.random.default_rng(0)
    assert np.ptp(resampled_gains(pairs, rng)) < 1e-9
    imagined = resampled_gains(pairs, rng, imagined=0.5)
    assert (imagined > 0).mean() < 0.75  # so four such questions are no proof


def test_resamples_are_the_same_for_the_same_seed() -> None:
    pairs = [pair(0.1 * n, 0.5) for n in range(8)]
    one, two = (resampled_gains(pairs, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one, two)


def test_people_are_counted_once() -> None:
    assert people([pair(0, 1, "ada", "bob"), pair(0, 1, "ada"), pair(0, 1)]) == 2


def test_a_report_knows_what_was_broken_and_what_was_mended() -> None:
    cases = {
        "kept": Held(name="kept", kind=CaseKind.TALK, before=True, after=True),
        "broken": Held(name="broken", kind=CaseKind.TALK, before=True, after=False),
        "mended": Held(name="mended", kind=CaseKind.REFUSAL, before=False, after=True),
        "never": Held(name="never", kind=CaseKind.REFUSAL, before=False, after=False),
    }
    report = PairedReport(test=(), suite=tuple(cases.values()))
    assert report.broken == (cases["broken"],)
    assert report.mended == (cases["mended"],)
