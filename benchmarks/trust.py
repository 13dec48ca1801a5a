"""How many wrong verdicts are learned while a fifth of the raters is hostile, with and without trust.

    python -m benchmarks.trust [--quick]

A simulated team: 20 people, 3 of them staff, rate 60 answers, of which 70 % are good; popular answers are rated by
many, most by one or two; an honest rating is wrong in 15 % of the cases. Four of the people are hostile. What they do:

    down      say 👎 to everything, in one sitting
    flip      say the opposite of the truth on 15 answers that they chose together
    sleeper   are honest for two thirds of their ratings, then turn good answers down
    new       made new accounts for it, and flip

A verdict is what would be learned of one answer; without trust it is the majority of its ratings. 100 attacks of each
kind, seeds 0 to 99. The share of wrong verdicts is by weight.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from benchmarks.table import QUICK as QUICK_RESULTS
from benchmarks.table import RESULTS, Row, keep
from training.metrics import bootstrap_mean
from training.trust import RaterFacts, Trust, TrustConfig, Vote, weigh

ATTACKS: Final = ("none", "down", "flip", "sleeper", "new")
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE: Final = 20
STAFF: Final = 3
HOSTILE: Final = 4  # of the people, none of them staff
ITEMS: Final = 60
GOOD: Final = 0.7
NOISE: Final = 0.15
VOTES: Final = 10  # of one person, on average
HOSTILE_VOTES: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A team's votes, and the truth."""

    votes: tuple[Vote, ...]
    raters: Mapping[int, RaterFacts]
    truth: Mapping[str, bool]
    hostile: frozenset[int]


def attack(kind: str, seed: int) -> Attack:
    """Simulate one team; "none" has the same people, all of them honest."""
    rng = np.random.default_rng([ATTACKS.index(kind), seed])
    truth = {f"a{number:02}": bool(rng.random() < GOOD) for number in range(ITEMS)}
    hostile = frozenset() if kind == "none" else frozenset(range(PEOPLE - HOSTILE, PEOPLE))
    targets = [int(one) for one in rng.choice(ITEMS, HOSTILE_VOTES, replace=False)]
    votes: list[Vote] = []
    for person in range(PEOPLE):
        votes += _hostile(kind, person, truth, targets, rng) if person in hostile else _honest(person, truth, rng)
    facts = {
        person: RaterFacts(
            id=person,
            since=START + timedelta(days=88) if kind == "new" and person in hostile else START,
            staff=person < STAFF,
        )
        for person in range(PEOPLE)
    }
    return Attack(votes=tuple(votes), raters=facts, truth=truth, hostile=hostile)


def _popular(rng: np.random.Generator, count: int) -> list[int]:
    """Which answers somebody meets: the first are asked for most."""
    share = 1 / np.arange(1, ITEMS + 1)
    return [int(one) for one in rng.choice(ITEMS, min(count, ITEMS), replace=False, p=share / share.sum())]


def _honest(person: int, truth: Mapping[str, bool], rng: np.random.Generator, count: int | None = None) -> list[Vote]:
    found = []
    for item in _popular(rng, 1 + int(rng.geometric(1 / VOTES)) if count is None else count):
        name = f"a{item:02}"
        right = rng.random() >= NOISE
        at = START + timedelta(minutes=int(rng.integers(20 * 24 * 60, 90 * 24 * 60)))
        found.append(Vote(item=name, rater=person, good=truth[name] is bool(right), at=at))
    return found


def _hostile(
    kind: str, person: int, truth: Mapping[str, bool], targets: Iterable[int], rng: np.random.Generator
) -> list[Vote]:
    evening = START + timedelta(days=89)
    if kind == "sleeper":
        honest = _honest(person, truth, rng, HOSTILE_VOTES * 2 // 3)
        known = {vote.item for vote in honest}
        good = [name for name, right in truth.items() if right and name not in known]
        late = [str(name) for name in rng.choice(good, HOSTILE_VOTES // 3, replace=False)]
        return [*honest, *(Vote(item=name, rater=person, good=False, at=evening) for name in late)]
    chosen = _popular(rng, HOSTILE_VOTES) if kind == "down" else targets
    return [
        Vote(
            item=f"a{item:02}",
            rater=person,
            good=kind != "down" and not truth[f"a{item:02}"],
            at=evening + timedelta(minutes=place / 2 if kind == "down" else 60 * place),
        )
        for place, item in enumerate(chosen)
    ]


def wrong(one: Attack, trust: Trust) -> tuple[float, float]:
    """The weight of verdicts that are wrong, and of all."""
    weights = [(verdict.good is not one.truth[item], verdict.weight) for item, verdict in trust.verdicts.items()]
    return sum(weight for is_wrong, weight in weights if is_wrong), sum(weight for _, weight in weights)


def wrong_untrusting(one: Attack) -> tuple[int, int]:
    """The same for the majority of each answer's ratings; a tie is left out."""
    sums: Counter[str] = Counter()
    for vote in one.votes:
        sums[vote.item] += 1 if vote.good else -1
    learned = {item: total > 0 for item, total in sums.items() if total}
    return sum(good is not one.truth[item] for item, good in learned.items()), len(learned)


def table(attacks: int, config: TrustConfig) -> Iterator[Row]:
    """The figures."""
    for kind in ATTACKS:
        ours, theirs, kept = [], [], []
        for seed in range(attacks):
            one = attack(kind, seed)
            trust = weigh(one.votes, one.raters, config)
            (bad, all_), (naive, learned) = wrong(one, trust), wrong_untrusting(one)
            ours.append(bad / all_)
            theirs.append(naive / learned)
            kept.append(len(trust.verdicts) / learned)
        interval = bootstrap_mean(np.array(ours), np.random.default_rng(0))
        yield Row(
            area="learning",
            what=f"attack “{kind}” by a fifth of the raters: share of wrong verdicts learned",
            figure=interval.value,
            low=interval.low,
            high=interval.high,
            n=attacks,
            seed=0,
            peer="majority of the ratings",
            peer_figure=float(np.mean(theirs)),
            note=f"{np.mean(kept):.2f} of the verdicts are kept",
        )


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a sanity check on few attacks, not kept")
    options = parser.parse_args()
    keep(
        "trust",
        list(table(5 if options.quick else 100, TrustConfig())),
        command=f"python -m benchmarks.trust{' --quick' if options.quick else ''}",
        folder=QUICK_RESULTS if options.quick else RESULTS,
    )


if __name__ == "__main__":
    main()
