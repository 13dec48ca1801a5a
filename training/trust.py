"""How far ratings are believed (pure): who agrees with whom, who votes in a crowd, and nobody decides alone."""

from __future__ import annotations

import math
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What one person says of one answer to one question."""

    item: str  # names question and answer; the same for people who were told the same
    rater: int
    good: bool
    at: datetime  # aware


@dataclass(frozen=True, slots=True, kw_only=True)
class RaterFacts:
    """What is known of a person besides their votes."""

    id: int
    since: datetime  # aware; when they first wrote
    staff: bool  # trainers, admins, owners


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustConfig:
    """How careful to be; chosen with benchmarks/trust.py."""

    new_days: float = 7.0  # so long an account is new, unless the bot itself is hardly older
    new_factor: float = 0.5  # what the vote of a new account counts
    burst: int = 5  # votes of one value that one person may give within `burst_minutes`; more share their weight
    burst_minutes: float = 10.0
    common: int = 4  # answers that two people must both have rated before they can be found to act as one
    overlap: float = 0.5  # of all that either rated (Jaccard): from here on two people who agree are one voice
    unison: float = 0.9  # share of the common answers on which they agree, from here on
    least_weight: float = 0.3  # of a verdict; below, it is not learned from
    share: float = 0.2  # of all weight that one person may have who is not staff
    least_people: int = 3  # who are not staff and must have rated before anything is learned without staff


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is believed of one answer to one question."""

    good: bool
    weight: float  # (0, 1]
    raters: tuple[int, ...]  # who say so, ascending


class Doubt(StrEnum):
    """Why somebody's votes count less."""

    NEW = "new"  # the account is
    BURST = "burst"  # many of one value within minutes
    ONE_VOICE = "one voice"  # somebody else rates the same answers the same way
    DISAGREES = "disagrees"  # with most whom the others believe


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What is believed, and what is not."""

    verdicts: Mapping[str, Verdict]
    disputed: tuple[str, ...]  # rated both ways, and neither side is much surer
    doubtful: tuple[str, ...]  # rated by people who are hardly believed
    voices: tuple[tuple[int, ...], ...]  # people who rate the same answers the same way: they count as one
    doubts: Mapping[int, tuple[str, ...]]  # by person, why their votes count less: see DOUBTS
    people: int  # who voted
    enough: bool  # whether enough people rated, or staff, to learn from at all


# A person is taken to be right in 4 of 5 votes on either side, worth 5 votes each; staff in 19 of 20, worth 20.
_USUAL: Final = (4, 1)
_STAFF: Final = (19, 1)
_MOST: Final = 3.0  # log odds that one vote can be worth
_UNRELIABLE: Final = 0.4  # log odds of a vote below which its giver counts as somebody who disagrees with the rest
_ROUNDS: Final = 10  # of expectation and maximisation; 40 change no verdict
_CAP_ROUNDS: Final = 50


def weigh(votes: Sequence[Vote], raters: Mapping[int, RaterFacts], config: TrustConfig | None = None) -> Trust:
    """Tell what to believe of each answer.

    Args:
        votes: At most one for each person and item.
        raters: Everybody who voted.
        config: How careful to be.
    """
    config = config or TrustConfig()
    voices = _voices(votes, raters, config)
    voice_of = {rater: voice[0] for voice in voices for rater in voice}
    worth = _worth(votes, raters, voice_of)
    factors, doubts = _factors(votes, raters, voices, config)
    for rater, (up, down) in worth.items():
        if (up + down) / 2 < _UNRELIABLE:
            doubts[rater].add(Doubt.DISAGREES)
    logits: dict[str, float] = defaultdict(float)  # that the answer is good
    for vote in votes:
        up, down = worth[vote.rater]
        logits[vote.item] += factors[vote.rater, vote.item] * (up if vote.good else -down)
    weights = _capped(votes, raters, logits, factors, config)
    items = _by_item(votes)
    weak = {item for item, weight in weights.items() if weight < config.least_weight}
    both = {
        item for item, given in items.items() if any(one.good for one in given) and not all(one.good for one in given)
    }
    outsiders = {rater for rater in worth if not raters[rater].staff}
    return Trust(
        verdicts={
            item: Verdict(good=logits[item] > 0, weight=weights[item], raters=_saying(given, good=logits[item] > 0))
            for item, given in items.items()
            if item not in weak
        },
        disputed=tuple(sorted(weak & both)),
        doubtful=tuple(sorted(weak - both)),
        voices=tuple(voice for voice in voices if len(voice) > 1),
        doubts={rater: tuple(sorted(why)) for rater, why in sorted(doubts.items())},
        people=len(worth),
        enough=len(outsiders) < len(worth) or len(outsiders) >= config.least_people,
    )


def _saying(given: Iterable[Vote], *, good: bool) -> tuple[int, ...]:
    return tuple(sorted(vote.rater for vote in given if vote.good is good))


def _by_item(votes: Iterable[Vote]) -> dict[str, list[Vote]]:
    found: dict[str, list[Vote]] = defaultdict(list)
    for vote in sorted(votes, key=lambda one: (one.item, one.rater)):
        found[vote.item].append(vote)
    return found


def _voices(
    votes: Sequence[Vote], raters: Mapping[int, RaterFacts], config: TrustConfig
) -> tuple[tuple[int, ...], ...]:
    """Put people together who rate the same answers and say the same of them; staff speak for themselves."""
    given: dict[int, dict[str, bool]] = defaultdict(dict)
    for vote in votes:
        given[vote.rater][vote.item] = vote.good
    leader = {rater: rater for rater in sorted(given)}

    def head(rater: int) -> int:
        while leader[rater] != rater:
            rater = leader[rater]
        return rater

    for one, other in combinations([rater for rater in sorted(given) if not raters[rater].staff], 2):
        common = given[one].keys() & given[other].keys()
        if len(common) < config.common or len(common) < config.overlap * len(given[one].keys() | given[other].keys()):
            continue
        if sum(given[one][item] is given[other][item] for item in common) >= config.unison * len(common):
            leader[head(other)] = head(one)
    members: dict[int, list[int]] = defaultdict(list)
    for rater in sorted(given):
        members[head(rater)].append(rater)
    return tuple(tuple(voice) for voice in members.values())


def _worth(
    votes: Sequence[Vote], raters: Mapping[int, RaterFacts], voice_of: Mapping[int, int]
) -> dict[int, tuple[float, float]]:
    """Log odds that a person's 👍 and 👎 are worth, by Dawid-Skene: how often they agree with who is believed.

    What is taken of them beforehand is given as answers to questions whose truth is known.

    Source: Dawid and Skene 1979, https://doi.org/10.2307/2346806
    """
    import pandas as pd
    from crowdkit.aggregation.classification.dawid_skene import DawidSkene

    if not votes:
        return {}
    rows = {(vote.item, voice_of[vote.rater]): vote.good for vote in votes}
    known: dict[str, bool] = {}
    for voice in set(voice_of.values()):
        right, wrong = _STAFF if raters[voice].staff else _USUAL
        for truth in (True, False):
            for number in range(right + wrong):
                task = f"\0{truth} {number}"  # no item is named so
                known[task] = truth
                rows[task, voice] = truth if number < right else not truth
    frame = pd.DataFrame(
        [(item, voice, int(good)) for (item, voice), good in rows.items()], columns=["task", "worker", "label"]
    )
    truth = pd.Series({task: int(good) for task, good in known.items()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the library's own use of pandas
        fitted = DawidSkene(n_iter=_ROUNDS).fit(frame, true_labels=truth)
    errors = fitted.errors_

    def odds(voice: int, label: int) -> float:
        right, wrong = errors[label].loc[(voice, label)], errors[1 - label].loc[(voice, label)]
        return min(_MOST, max(0.0, math.log(right / wrong)))

    return {rater: (odds(voice, 1), odds(voice, 0)) for rater, voice in voice_of.items()}


def _factors(
    votes: Sequence[Vote],
    raters: Mapping[int, RaterFacts],
    voices: Sequence[tuple[int, ...]],
    config: TrustConfig,
) -> tuple[dict[tuple[int, str], float], dict[int, set[Doubt]]]:
    """What each vote counts, (0, 1], and why some count less."""
    factors = {(vote.rater, vote.item): 1.0 for vote in votes}
    doubts: dict[int, set[Doubt]] = defaultdict(set)

    def lower(vote: Vote, factor: float, why: Doubt) -> None:
        factors[vote.rater, vote.item] *= factor
        doubts[vote.rater].add(why)

    suspects = [vote for vote in votes if not raters[vote.rater].staff]
    voice_of = {rater: voice for voice in voices for rater in voice}
    first = min((facts.since for facts in raters.values()), default=None)
    together = Counter((voice_of[vote.rater], vote.item, vote.good) for vote in suspects)
    for vote in suspects:
        age = timedelta(days=config.new_days)
        if first is not None and vote.at - raters[vote.rater].since < age < raters[vote.rater].since - first:
            lower(vote, config.new_factor, Doubt.NEW)
        if (crowd := together[voice_of[vote.rater], vote.item, vote.good]) > 1:
            lower(vote, 1 / crowd, Doubt.ONE_VOICE)
        if (count := _beside(vote, suspects, config)) > config.burst:
            lower(vote, config.burst / count, Doubt.BURST)
    return factors, doubts


def _beside(vote: Vote, votes: Sequence[Vote], config: TrustConfig) -> int:
    """How many votes of the same value the same person gave about the same time, this one among them."""
    near = timedelta(minutes=config.burst_minutes)
    return sum(one.rater == vote.rater and one.good is vote.good and abs(one.at - vote.at) <= near for one in votes)


def _capped(
    votes: Sequence[Vote],
    raters: Mapping[int, RaterFacts],
    logits: Mapping[str, float],
    factors: Mapping[tuple[int, str], float],
    config: TrustConfig,
) -> dict[str, float]:
    """Weigh each verdict, and lower what one person alone says until nobody but staff has more than their share."""
    shares: dict[str, dict[int, float]] = {}
    for item, given in _by_item(votes).items():
        agreeing = {vote.rater: factors[vote.rater, item] for vote in given if vote.good is (logits[item] > 0)}
        total = sum(agreeing.values())
        weight = math.tanh(abs(logits[item]) / 2)  # |2p - 1| of the verdict's probability
        shares[item] = {rater: weight * factor / total for rater, factor in agreeing.items()}
    people = {vote.rater for vote in votes}
    most = max(config.share, 1 / max(1, len(people)))
    scale = dict.fromkeys(people, 1.0)
    owned = {rater: sum(share.get(rater, 0.0) for share in shares.values()) for rater in people}
    for _ in range(_CAP_ROUNDS):
        total = sum(scale[rater] * weight for rater, weight in owned.items())
        for rater, weight in owned.items():
            if not raters[rater].staff and weight > 0:
                scale[rater] = min(scale[rater], most * total / weight)
    return {item: sum(scale[rater] * part for rater, part in share.items()) for item, share in shares.items()}
