"""The sequential tests: right at every look, and blind to what is not the version's doing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from training.errors import TrainingError
from training.sequential import (
    Finding,
    SequentialConfig,
    Tally,
    TrialVote,
    counted,
    doubtful,
    record,
    trial,
)

CONFIG = SequentialConfig()
MANY = SequentialConfig(most_per_rater=10_000)


def vote(*, tried: bool, up: bool, rater: int = 0, conversation: int = 0) -> TrialVote:
    return TrialVote(tried=tried, up=up, rater=rater, conversation=conversation)


def votes(
    rng: np.random.Generator,
    count: int,
    *,
    difference: float = 0.0,
    share: Callable[[int], float] = lambda _: 0.5,
    up: Callable[[int], float] = lambda _: 0.7,
) -> list[TrialVote]:
    found = []
    for number in range(count):
        tried = bool(rng.random() < share(number))
        liked = bool(rng.random() < up(number) + difference * tried)
        found.append(vote(tried=tried, up=liked, rater=number, conversation=number))
    return found


def ever(given: Sequence[TrialVote], *, share: float = 0.5, every: int = 1) -> Finding:
    """What is found first when one looks all the time."""
    for count in range(1, len(given) + 1, every):
        finding = trial(given[:count], share=share, config=MANY).finding
        if finding is not Finding.OPEN:
            return finding
    return Finding.OPEN


def test_alike_versions_are_hardly_ever_told_apart_however_often_one_looks() -> None:
    rng = np.random.default_rng(0)
    found = [ever(votes(rng, 150)) for _ in range(100)]
    assert 100 - found.count(Finding.OPEN) <= 5


def test_neither_a_changed_share_nor_falling_moods_pass_for_a_difference() -> None:
    rng = np.random.default_rng(1)
    found = [
        ever(
            votes(rng, 200, share=lambda number: 0.2 if number < 100 else 0.5, up=lambda number: 0.9 - number * 0.0025),
            share=0.2,
            every=5,
        )
        for _ in range(60)
    ]
    assert 60 - found.count(Finding.OPEN) <= 3


@pytest.mark.parametrize("share", [0.2, 0.5])
@pytest.mark.parametrize(("difference", "expected"), [(-0.4, Finding.WORSE), (0.28, Finding.BETTER)])
def test_a_clear_difference_is_found(share: float, difference: float, expected: Finding) -> None:
    rng = np.random.default_rng(2)
    given = [votes(rng, 400, difference=difference, share=lambda _: share) for _ in range(10)]
    found = [ever(one, share=share, every=20) for one in given]
    assert found.count(expected) >= 9


def test_the_tallies_are_those_of_the_votes_that_count() -> None:
    given = [
        vote(tried=True, up=True, rater=1, conversation=1),
        vote(tried=True, up=False, rater=1, conversation=1),  # of the same conversation
        vote(tried=False, up=False, rater=2, conversation=2),
    ]
    evidence = trial(given, share=0.5, config=CONFIG)
    assert (evidence.tried, evidence.beside) == (Tally(up=1, down=0), Tally(up=0, down=1))
    assert evidence.finding is Finding.OPEN


def test_nothing_is_found_without_votes_or_with_those_of_one_version() -> None:
    assert trial([], share=0.2, config=CONFIG).finding is Finding.OPEN
    alone = [vote(tried=True, up=False, rater=number, conversation=number) for number in range(200)]
    evidence = trial(alone, share=0.2, config=CONFIG)
    assert (evidence.finding, evidence.worse, evidence.better) == (Finding.OPEN, 1.0, 1.0)


def test_one_person_has_so_many_votes_and_no_more() -> None:
    given = [vote(tried=bool(number % 2), up=False, rater=1, conversation=number) for number in range(50)]
    assert len(counted(given, most_per_rater=5)) == 5
    hostile = [vote(tried=True, up=False, rater=1, conversation=number) for number in range(100, 160)]
    content = [vote(tried=bool(number % 2), up=True, rater=number, conversation=number) for number in range(2, 60)]
    mixed = [*hostile, *content]
    np.random.default_rng(4).shuffle(mixed)
    assert trial(mixed, share=0.5, config=MANY).finding is Finding.WORSE
    assert trial(mixed, share=0.5, config=CONFIG).finding is Finding.OPEN


def test_the_bets_are_fair() -> None:
    """Averaged over everything that can come of two blocks of alike versions, an e-value is one at most."""
    for share in (0.3, 0.5, 0.8):
        worse = better = 0.0
        for number in range(2**4):
            ups = [bool(number >> place & 1) for place in range(4)]
            chance = float(np.prod([share if up else 1 - share for up in ups]))
            given = [vote(tried=i % 2 == 0, up=up, rater=i, conversation=i) for i, up in enumerate(ups)]
            evidence = trial(given, share=0.5, config=CONFIG)
            worse += chance * evidence.worse
            better += chance * evidence.better
        assert worse <= 1 + 1e-9
        assert better <= 1 + 1e-9
        assert min(worse, better) > 0.9


def test_a_fall_against_the_record_is_found_and_the_same_share_is_not() -> None:
    before = Tally(up=140, down=60)
    assert record(Tally(up=40, down=60), before, config=CONFIG).finding is Finding.WORSE
    assert record(Tally(up=70, down=30), before, config=CONFIG).finding is Finding.OPEN
    assert record(Tally(up=98, down=2), before, config=CONFIG).finding is Finding.BETTER
    assert record(Tally(up=0, down=0), before, config=CONFIG).finding is Finding.OPEN
    assert record(Tally(up=0, down=3), Tally(up=0, down=0), config=CONFIG).finding is Finding.OPEN


def test_the_record_is_hardly_ever_wrong_however_often_one_looks() -> None:
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(100):
        past = int(rng.binomial(80, 0.7))
        ups = np.cumsum(rng.random(150) < 0.7).tolist()
        wrong += any(
            record(Tally(up=up, down=n - up), Tally(up=past, down=80 - past), config=CONFIG).finding is not Finding.OPEN
            for n, up in enumerate(ups, start=1)
        )
    assert wrong <= 5


def test_the_doubt_at_the_end_weighs_how_much_was_seen() -> None:
    nothing = doubtful(Tally(up=0, down=0), Tally(up=0, down=0), config=CONFIG)
    assert nothing == pytest.approx(0.45, abs=0.01)  # two even shares are more than .05 apart in one direction
    assert doubtful(Tally(up=5, down=5), Tally(up=70, down=30), config=CONFIG) == pytest.approx(0.84, abs=0.02)
    assert doubtful(Tally(up=50, down=50), Tally(up=700, down=300), config=CONFIG) > 0.99
    assert doubtful(Tally(up=70, down=30), Tally(up=70, down=30), config=CONFIG) < 0.3


@pytest.mark.parametrize("wrong", [{"alpha": 0.0}, {"most_per_rater": 0}, {"margin": 2.0}, {"doubt": 1.0}])
def test_settings_out_of_range_are_refused_with_all_of_them(wrong: dict[str, float]) -> None:
    with pytest.raises(TrainingError, match=r"needs 0 < alpha < 1, most_per_rater >= 1"):
        SequentialConfig(**wrong)  # type: ignore[arg-type]  # what is tested
