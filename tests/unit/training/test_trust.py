"""Whom the learning loop believes: honest people, one hostile person, and brigades."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from benchmarks.trust import ATTACKS, attack, wrong, wrong_untrusting
from training.trust import Doubt, RaterFacts, Trust, TrustConfig, Vote, weigh

DAY = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def vote(item: str, rater: int, *, good: bool, minutes: float = 0) -> Vote:
    # each on a day of its own unless a minute is given
    at = DAY + (timedelta(minutes=minutes) if minutes else timedelta(days=hash_of(item)))
    return Vote(item=item, rater=rater, good=good, at=at)


def hash_of(item: str) -> int:
    return sum(map(ord, item))


def people(*ids: int, staff: Iterable[int] = (), new: Iterable[int] = ()) -> Mapping[int, RaterFacts]:
    old = DAY - timedelta(days=100)
    return {
        one: RaterFacts(id=one, since=DAY if one in set(new) else old, staff=one in set(staff))
        for one in (*ids, *staff, *new)
    }


def share_of(trust: Trust, rater: int) -> float:
    weights = {item: one.weight for item, one in trust.verdicts.items()}
    own = sum(weights[item] / len(one.raters) for item, one in trust.verdicts.items() if rater in one.raters)
    return own / sum(weights.values())


def test_nobody_who_rated_is_nothing_to_learn_from() -> None:
    trust = weigh([], {})
    assert (trust.verdicts, trust.disputed, trust.people, trust.enough) == ({}, (), 0, False)


def test_people_who_agree_are_believed_more_and_staff_most() -> None:
    votes = [
        vote("one", 1, good=True),
        vote("two", 1, good=True),
        vote("two", 2, good=True),
        vote("staff", 9, good=True),
        *(vote(f"other {number}", number, good=True) for number in range(3, 9)),
    ]
    trust = weigh(votes, people(*range(1, 9), staff=[9]), TrustConfig(share=1.0))
    weights = {item: trust.verdicts[item].weight for item in ("one", "two", "staff")}
    assert 0.4 < weights["one"] < weights["two"] < 1
    assert weights["one"] < weights["staff"] < 1
    assert trust.verdicts["two"].raters == (1, 2)


def test_two_people_against_each_other_are_a_dispute_and_staff_settle_it() -> None:
    votes = [vote("a", 1, good=True), vote("a", 2, good=False)]
    crowd = [vote(f"b{number}", number, good=True) for number in range(3, 8)]
    trust = weigh([*votes, *crowd], people(*range(1, 8)))
    assert (trust.disputed, "a" in trust.verdicts) == (("a",), False)
    settled = weigh([*votes, *crowd, vote("a", 9, good=False)], people(*range(1, 8), staff=[9]))
    assert settled.disputed == ()
    assert settled.verdicts["a"].good is False
    assert settled.verdicts["a"].raters == (2, 9)


def test_nobody_but_staff_has_more_than_a_fifth_of_the_weight() -> None:
    many = [vote(f"busy {number}", 1, good=bool(number % 2)) for number in range(40)]
    others = [vote(f"quiet {number}", number, good=True) for number in range(2, 12)]
    config = TrustConfig(least_weight=0.0)
    assert share_of(weigh([*many, *others], people(*range(1, 12)), config), 1) == pytest.approx(0.2, abs=0.001)
    assert share_of(weigh([*many, *others], people(*range(2, 12), staff=[1]), config), 1) > 0.6


def test_where_few_people_rate_nobody_has_more_than_an_equal_part() -> None:
    votes = [
        *(vote(f"a{number}", 1, good=True) for number in range(9)),
        vote("b", 2, good=True),
        vote("c", 3, good=True),
    ]
    trust = weigh(votes, people(1, 2, 3), TrustConfig(least_weight=0.0))
    assert share_of(trust, 1) == pytest.approx(1 / 3, abs=0.001)


def test_two_people_are_too_few_unless_one_of_them_is_staff() -> None:
    votes = [vote("a", 1, good=True), vote("b", 2, good=False)]
    assert weigh(votes, people(1, 2)).enough is False
    assert weigh([*votes, vote("c", 3, good=True)], people(1, 2, 3)).enough is True
    assert weigh(votes, people(1, staff=[2])).enough is True


def test_accounts_that_rate_the_same_answers_the_same_way_are_one_voice() -> None:
    targets = [f"t{number}" for number in range(6)]
    brigade = [vote(item, rater, good=False) for item in targets for rater in (1, 2, 3, 4)]
    honest = [vote(item, 10 + number, good=True) for number, item in enumerate(targets)]
    honest += [vote(item, 20 + number, good=True) for number, item in enumerate(targets)]
    trust = weigh([*brigade, *honest], people(1, 2, 3, 4, *range(10, 16), *range(20, 26)))
    assert trust.voices == ((1, 2, 3, 4),)
    assert all(Doubt.ONE_VOICE in trust.doubts[rater] for rater in (1, 2, 3, 4))
    assert all(trust.verdicts[item].good for item in targets if item in trust.verdicts)
    assert [item for item in targets if item in trust.verdicts]


def test_many_ratings_of_one_value_within_minutes_count_as_a_few() -> None:
    burst = [vote(f"a{number}", 1, good=False, minutes=1 + number / 4) for number in range(20)]
    calm = [vote(f"b{number}", 2, good=False) for number in range(20)]
    others = [vote(f"c{number}", number, good=True) for number in range(3, 9)]
    trust = weigh([*burst, *calm, *others], people(*range(1, 9)), TrustConfig(least_weight=0.0, share=1.0))
    assert trust.doubts == {1: (Doubt.BURST,)}
    assert trust.verdicts["a3"].weight < trust.verdicts["b3"].weight / 2


def test_a_new_account_counts_less_and_on_a_new_bot_nobody_is_new() -> None:
    votes = [vote("a", 1, good=True, minutes=5), vote("b", 2, good=True, minutes=5)]
    config = TrustConfig(share=1.0, least_weight=0.0)
    trust = weigh(votes, people(1, new=[2]), config)
    assert trust.doubts == {2: (Doubt.NEW,)}
    assert trust.verdicts["b"].weight < trust.verdicts["a"].weight
    assert weigh(votes, people(new=[1, 2]), config).doubts == {}


def test_the_order_of_the_votes_changes_nothing() -> None:
    one = attack("flip", 3)
    again = weigh(tuple(reversed(one.votes)), one.raters)
    expected = weigh(one.votes, one.raters)
    assert (again.disputed, again.doubtful, again.voices) == (expected.disputed, expected.doubtful, expected.voices)
    assert {item: verdict.good for item, verdict in again.verdicts.items()} == {
        item: verdict.good for item, verdict in expected.verdicts.items()
    }


@pytest.mark.slow
@pytest.mark.long
def test_a_hundred_brigades_of_a_fifth_of_the_raters_move_few_verdicts() -> None:
    calm = mean_wrong("none", 25)
    for kind in ATTACKS[1:]:
        trusted, untrusting = [], []
        for seed in range(25):
            one = attack(kind, seed)
            bad, all_ = wrong(one, weigh(one.votes, one.raters))
            naive, learned = wrong_untrusting(one)
            trusted.append(bad / all_)
            untrusting.append(naive / learned)
        assert np.mean(trusted) < calm + 0.06, kind  # against up to 0.25 more without trust
        assert np.mean(trusted) < np.mean(untrusting), kind


def mean_wrong(kind: str, attacks: int) -> float:
    shares = []
    for seed in range(attacks):
        one = attack(kind, seed)
        bad, all_ = wrong(one, weigh(one.votes, one.raters))
        shares.append(bad / all_)
    return float(np.mean(shares))
