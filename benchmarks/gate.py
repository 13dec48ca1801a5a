"""How often the gate is wrong: worse versions let through, better ones missed, and what a brigade reaches.

    python -m benchmarks.gate [--quick]        its error rates; minutes
    python -m benchmarks.gate --attacks        held-out verdicts poisoned by a fifth of the raters
    python -m benchmarks.gate --rules          other rules on the same candidates, for docs/experiments-learning.md

Simulated held-out questions: 55 % are answered rightly by the version before (utility .6 to 1), the rest wrongly or
not at all (0 to .3). The candidate turns some of either kind into the other, 20 % of all together, so that it is better
or worse by so many points as people would see it; a fifth of the other answers change their wording a little. 15 % of
the verdicts are wrong, which turns a question's utilities round and takes a third of the difference away.

Where a version mends an answer, the right one has to be known to be seen. "Seldom known" is as the simulated teams of
benchmarks.learning_curve have it: a fifth of such questions were corrected, half of the others have a neighbour whose
answer is known, and for the rest anything but the disliked answer is worth no more than that; one in ten spoilt answers
says what is right for a neighbour. What each of these is worth is bot.learning.scoring's.

Attacks: the teams of benchmarks.trust, with the held-out verdicts that training.trust believes. The candidate spoils
every good answer that a hostile person voted down, and nothing else: what poisoned training would come to at worst.
What a changed answer is worth, believed to be good or bad before, is bot.learning.scoring's. A harmful promotion is any
of a candidate that spoils more than it mends, as a canary too. At worst every spoilt answer is liked as the answer to a
nearly same question besides.
"own": each hostile person asks fifteen questions that nobody else asks and turns the right answers down; the candidate
spoils these and a quarter of everybody's good answers.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.table import QUICK as QUICK_RESULTS
from benchmarks.table import RESULTS, Row, keep
from benchmarks.trust import ATTACKS, HOSTILE, HOSTILE_VOTES, PEOPLE, START, Attack, attack
from bot.learning.scoring import AGAIN, AS_WANTED, NOT_AGAIN, NOT_AS_WANTED, SHOWN_WRONG
from training.gate import GateConfig, decide, decide_renewal
from training.metrics import bootstrap_mean
from training.paired import Measured, Pair, PairedReport, mean_gain, resampled_gains
from training.trust import TrustConfig, Vote, weigh

SIZES: Final = (15, 30, 60, 120)
EFFECTS: Final = (-0.10, -0.05, 0.0, 0.05, 0.10, 0.20)
RIGHT: Final = 0.55
CHANGED: Final = 0.2
STEP: Final = 0.65  # utility between a right and a wrong answer, on average
NOISE: Final = 0.15
REWORDED: Final = 0.2
GOALS: Final = {  # effect -> (at most / at least, by questions)
    -0.10: (False, {15: 0.02, 30: 0.02, 60: 0.01}),
    -0.05: (False, {15: 0.05, 30: 0.05, 60: 0.05}),
    0.0: (False, {15: 0.1, 30: 0.1, 60: 0.1}),
    0.10: (True, {60: 0.6}),
    0.20: (True, {30: 0.7, 60: 0.9}),
}
CORRECTED: Final = 0.2  # of the mended questions
NEIGHBOUR: Final = 0.5  # of the other mended ones
MISLED: Final = 0.1  # of the spoilt ones
OWN: Final = "own"
COLLATERAL: Final = 0.25  # of everybody's good answers, spoilt along with the hostile people's own
FEWEST: Final = 3  # spoilt answers of the 60: fewer are no attack that came to anything


def pair(before: float, after: float, *, weight: float = 1.0, raters: tuple[str, ...] = ()) -> Pair:
    """A question of which only the utilities matter."""
    return Pair(
        question="",
        before=Measured(answer="", utility=before),
        after=Measured(answer="", utility=after),
        weight=weight,
        raters=raters,
    )


def candidate(count: int, effect: float, rng: np.random.Generator, *, seldom: bool = False) -> tuple[Pair, ...]:
    """The held-out questions of a candidate that is better by so much; what it mends may be `seldom` known."""
    up, down = (CHANGED + effect / STEP) / 2, (CHANGED - effect / STEP) / 2
    if down < 0:
        up, down = effect / STEP, 0.0
    right, change = rng.random(count) < RIGHT, rng.random(count)
    after = np.where(right, change >= down / RIGHT, change < up / (1 - RIGHT))
    good, bad = rng.uniform(0.6, 1.0, count), rng.choice([0.0, 0.1, 0.2, 0.3], count)
    old, new = np.where(right, good, bad), np.where(after, good, bad)
    if seldom:
        old, new = _as_known(right, after, old, new, rng)
    reworded = (rng.random(count) < REWORDED) & (right == after)
    new = np.clip(new + reworded * rng.normal(0, 0.1, count), 0, 1)
    wrong = rng.random(count) < NOISE
    return tuple(pair(1 - b, 1 - a) if flip else pair(b, a) for b, a, flip in zip(old, new, wrong, strict=True))


def _as_known(
    right: NDArray[np.bool_],
    after: NDArray[np.bool_],
    old: NDArray[np.float64],
    new: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What changed answers are worth, before and after, where only corrections and neighbours tell what is right."""
    corrected, neighbour, misled = (rng.random(len(new)) < share for share in (CORRECTED, NEIGHBOUR, MISLED))
    mends, spoils = after & ~right, right & ~after
    known = np.where(neighbour, AGAIN.other, AGAIN.unknown)
    before = np.where(corrected, NOT_AS_WANTED.unknown, known)
    mended = np.where(corrected, new, np.where(neighbour, NOT_AGAIN.same, NOT_AGAIN.unknown))
    liked = np.where(misled, AS_WANTED.other, AS_WANTED.unknown)
    spoilt = np.where(misled, NOT_AS_WANTED.same, NOT_AS_WANTED.unknown)
    return np.where(mends, before, np.where(spoils, liked, old)), np.where(mends, mended, np.where(spoils, spoilt, new))


def seldom_known(runs: int) -> Iterator[Row]:
    """The error rates where what a candidate mends is hardly known."""
    for count in SIZES[1:]:
        for effect in EFFECTS:
            rng = np.random.default_rng([count, round(100 * effect) + 100, 1])
            found = [
                decide(PairedReport(test=candidate(count, effect, rng, seldom=True)), rng=rng) for _ in range(runs)
            ]
            share = bootstrap_mean(np.array([one.promote and not one.canary_required for one in found]), rng)
            at_least, goals = GOALS.get(effect, (True, {})) if effect <= 0 else (True, {})
            yield Row(
                area="learning",
                what=f"gate, {count} held-out questions, seldom known, a candidate {_words(effect)}: serves everybody",
                figure=share.value, low=share.low, high=share.high, n=runs, seed=count, goal=goals.get(count),
                at_least=at_least,
                note=f"{np.mean([one.promote for one in found]):.3f} with those that serve as a canary",
            )  # fmt: skip


def error_rates(runs: int) -> Iterator[Row]:
    """How often each kind of candidate is let through."""
    for count in SIZES:
        for effect in EFFECTS:
            rng = np.random.default_rng([count, round(100 * effect) + 100])
            everybody, canary, naive = [], [], []
            for _ in range(runs):
                questions = candidate(count, effect, rng)
                decision = decide(PairedReport(test=questions), rng=rng)
                everybody.append(decision.promote and not decision.canary_required)
                canary.append(decision.promote)
                naive.append(mean_gain(questions) > 0)
            share = bootstrap_mean(np.array(everybody), rng)
            at_least, goals = GOALS.get(effect, (True, {}))
            yield Row(
                area="learning",
                what=f"gate, {count} held-out questions, a candidate {_words(effect)}: serves everybody",
                figure=share.value, low=share.low, high=share.high, n=runs, seed=count, goal=goals.get(count),
                at_least=at_least, peer="higher mean serves", peer_figure=float(np.mean(naive)),
                note=f"{np.mean(canary):.3f} with those that serve as a canary",
            )  # fmt: skip


def _words(effect: float) -> str:
    if not effect:
        return "as good"
    return f"{'better' if effect > 0 else 'worse'} by {abs(100 * effect):.0f} points"


def own_questions(seed: int) -> tuple[Attack, frozenset[str]]:
    """Hostile people who keep to questions of their own; with the good answers that the candidate spoils."""
    one, rng = attack("none", seed), np.random.default_rng([len(ATTACKS), seed])
    hostile = frozenset(range(PEOPLE - HOSTILE, PEOPLE))
    theirs = [
        Vote(
            item=f"own {person} {number}",
            rater=person,
            good=False,
            at=START + timedelta(days=30 + 3 * number, hours=person),
        )
        for person in hostile
        for number in range(HOSTILE_VOTES)
    ]
    good = sorted(item for item, right in one.truth.items() if right)
    spoilt = rng.choice(good, round(COLLATERAL * len(good)), replace=False)
    made = replace(
        one,
        votes=(*(vote for vote in one.votes if vote.rater not in hostile), *theirs),
        truth={**one.truth, **{vote.item: True for vote in theirs}},
        hostile=hostile,
    )
    return made, frozenset(map(str, spoilt)) | {vote.item for vote in theirs}


def puppet(one: Attack) -> frozenset[str]:
    """The good answers that hostile people voted down."""
    down = {vote.item for vote in one.votes if vote.rater in one.hostile and not vote.good}
    return frozenset(item for item in down if one.truth[item])


def poisoned(
    believed: Mapping[str, tuple[bool, float, tuple[int, ...]]],
    changed: frozenset[str],
    worth: Callable[[bool], tuple[float, float, float]],
) -> tuple[Pair, ...]:
    """The candidate that spoils some answers, as the gate sees it.

    Args:
        believed: By answer: whether it is believed to be good, how far, and who says so.
        changed: The good answers that it spoils.
        worth: Of one that is believed to be good or not: as it stays, and as it changes, before and after.
    """
    questions = []
    for item, (good, weight, raters) in believed.items():
        same, old, new = worth(good)
        before, after = (old, new) if item in changed else (same, same)
        questions.append(pair(before, after, weight=weight, raters=tuple(map(str, raters))))
    return tuple(questions)


def as_scored(good: bool) -> tuple[float, float, float]:  # noqa: FBT001 - one verdict
    """What bot.learning.scoring makes of an answer where nothing is known of other questions.

    Whoever turns an answer down says that its source is wrong: that pays most where it changes.
    """
    old, new = (AS_WANTED, NOT_AS_WANTED) if good else (SHOWN_WRONG, NOT_AGAIN)
    return old.unknown, old.unknown, new.unknown


def at_worst(good: bool) -> tuple[float, float, float]:  # noqa: FBT001 - one verdict
    """The same where the changed answer is liked as the answer to a nearly same question."""
    old, new = (AS_WANTED, NOT_AS_WANTED) if good else (SHOWN_WRONG, NOT_AGAIN)
    return old.unknown, old.other, new.same


def by_votes(good: bool) -> tuple[float, float, float]:  # noqa: FBT001 - one verdict
    """What a like or a dislike alone says, and .3 for anything else than a disliked answer."""
    return (1.0, 1.0, 0.1) if good else (0.0, 0.0, 0.3)


def _trusted(one: Attack) -> dict[str, tuple[bool, float, tuple[int, ...]]]:
    verdicts = weigh(one.votes, one.raters, TrustConfig()).verdicts
    return {item: (verdict.good, verdict.weight, verdict.raters) for item, verdict in verdicts.items()}


def _majority(one: Attack) -> dict[str, tuple[bool, float, tuple[int, ...]]]:
    sums: dict[str, int] = {}
    for vote in one.votes:
        sums[vote.item] = sums.get(vote.item, 0) + (1 if vote.good else -1)
    return {item: (total > 0, 1.0, ()) for item, total in sums.items() if total}


def _with_puppet(one: Attack) -> tuple[Attack, frozenset[str]]:
    return one, puppet(one)


def attacks(runs: int) -> Iterator[Row]:
    """How many harmful candidates a brigade gets through."""
    for kind in (*ATTACKS[1:], OWN):
        ours, neighbours, naive = [], [], []
        for seed in range(runs):
            one, changed = own_questions(seed) if kind == OWN else _with_puppet(attack(kind, seed))
            if len(changed) < FEWEST:
                continue
            believed = _trusted(one)
            ours.append(_promoted(poisoned(believed, changed, as_scored), seed))
            neighbours.append(_promoted(poisoned(believed, changed, at_worst), seed))
            naive.append(mean_gain(poisoned(_majority(one), changed, by_votes)) > 0)
        yield Row(
            area="learning",
            what=f"gate, attack “{kind}” by a fifth of the raters: harmful promotions, canaries included",
            figure=float(sum(ours)), unit="of them", goal=0.0, at_least=False, n=len(ours), seed=0,
            peer="majority verdicts, higher mean serves", peer_figure=float(sum(naive)),
            note=f"{sum(neighbours)} where every spoilt answer is liked as a neighbour's answer besides",
        )  # fmt: skip


def _promoted(questions: tuple[Pair, ...], seed: int) -> bool:
    return decide(PairedReport(test=questions), rng=np.random.default_rng(seed)).promote


def _renewed(questions: tuple[Pair, ...], rng: np.random.Generator) -> bool:
    return decide_renewal(PairedReport(test=questions), rng=rng).promote


RULES: Final[Mapping[str, Callable[[tuple[Pair, ...], np.random.Generator], bool]]] = {
    "mean > 0": lambda questions, _: mean_gain(questions) > 0,
    "mean > .02": lambda questions, _: mean_gain(questions) > 0.02,
    "plain bootstrap, 80 %": lambda questions, rng: _sure(questions, rng, 0.0) >= 0.8,
    "plain bootstrap, 90 %": lambda questions, rng: _sure(questions, rng, 0.0) >= 0.9,
    "plain bootstrap, 95 %": lambda questions, rng: _sure(questions, rng, 0.0) >= 0.95,
    "half a question imagined, 80 %": lambda questions, rng: _sure(questions, rng, 0.5) >= 0.8,
    "half a question imagined, 90 %": lambda questions, rng: _sure(questions, rng, 0.5) >= 0.9,
    "half a question imagined, 95 %": lambda questions, rng: _sure(questions, rng, 0.5) >= 0.95,
    "one question imagined, 90 %": lambda questions, rng: _sure(questions, rng, 1.0) >= 0.9,
    "no worse, where one has to go": _renewed,
}


def _sure(questions: tuple[Pair, ...], rng: np.random.Generator, imagined: float) -> float:
    gains: NDArray[np.float64] = resampled_gains(questions, rng, imagined=imagined, resamples=1_000)
    return float((gains > 0).mean())


def rules(runs: int) -> None:
    """Print what other rules would do, one line a rule and size."""
    print(f"{'rule':32} {'n':>3}  " + "  ".join(f"{effect:+.2f}" for effect in EFFECTS))
    for name, rule in RULES.items():
        for count in SIZES:
            shares = []
            for effect in EFFECTS:
                rng = np.random.default_rng([count, round(100 * effect) + 100])
                shares.append(np.mean([rule(candidate(count, effect, rng), rng) for _ in range(runs)]))
            print(f"{name:32} {count:3}  " + "  ".join(f"{share:5.3f}" for share in shares), flush=True)


def main() -> None:
    """Simulate and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a sanity check on few candidates, not kept")
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--attacks", action="store_true", help="poisoned verdicts instead of the error rates")
    chosen.add_argument("--rules", action="store_true", help="print other rules' error rates")
    options = parser.parse_args()
    folder = QUICK_RESULTS if options.quick else RESULTS
    if options.rules:
        rules(20 if options.quick else 400)
    elif options.attacks:
        found = list(attacks(3 if options.quick else 100))
        keep("gate-attacks", found, command="python -m benchmarks.gate --attacks", folder=folder)
    else:
        print(GateConfig())
        keep(
            "gate",
            [*error_rates(10 if options.quick else 1_000), *seldom_known(10 if options.quick else 1_000)],
            command="python -m benchmarks.gate",
            folder=folder,
        )


if __name__ == "__main__":
    main()
