"""Live ratings: how often the sequential tests are wrong, and how many ratings they need.

    python -m benchmarks.sequential [--runs 1000] [--quick]

Simulated teams rate as they like, every rating is looked at as it comes in, and the first finding counts. Each of the
people is more or less lenient; 7 of 10 ratings are 👍 with the version that serves. No ratings of real people.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.table import QUICK, RESULTS, Row, keep
from training.metrics import bootstrap_mean
from training.sequential import (
    Finding,
    SequentialConfig,
    Tally,
    TrialVote,
    doubtful,
    record,
    trial,
)

SEED: Final = 0
SHARE_UP: Final = 0.7  # of 👍 for the version that serves: an assumption
RATINGS: Final = 400  # that a trial is watched for
PEOPLE: Final = 40
LENIENCE: Final = 0.15  # standard deviation of a person's own share of 👍: an assumption
HARM: Final = -0.15
CONFIG: Final = SequentialConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """How ratings come in."""

    difference: float  # of the version on trial, in its share of 👍
    share: Callable[[int], float]  # of the conversations that it gets, by the number of the rating
    named: float  # that share as the settings say it
    drift: float = 0.0  # by how much everybody's share of 👍 falls during the trial


def votes(team: Team, count: int, rng: np.random.Generator) -> list[TrialVote]:
    """What a team says."""
    lenience = np.clip(rng.normal(0, LENIENCE, PEOPLE), -0.3, 0.3)
    found = []
    for number in range(count):
        tried = bool(rng.random() < team.share(number))
        rater = int(rng.integers(PEOPLE))
        chance = SHARE_UP - team.drift * number / count + lenience[rater] + team.difference * tried
        found.append(TrialVote(tried=tried, up=bool(rng.random() < chance), rater=rater, conversation=number))
    return found


def first_finding(given: Sequence[TrialVote], share: float, config: SequentialConfig) -> tuple[Finding, int]:
    """What is found first when every rating is looked at, and after how many."""
    for count in range(5, len(given) + 1):
        evidence = trial(given[:count], share=share, config=config)
        if evidence.finding is not Finding.OPEN:
            return evidence.finding, count
    return Finding.OPEN, len(given)


def trial_rows(label: str, team: Team, runs: int, rng: np.random.Generator) -> list[Row]:
    """How often a team's trial ends which way, and when."""
    config = SequentialConfig(most_per_rater=RATINGS)  # the cap is shown apart
    ended = [first_finding(votes(team, RATINGS, rng), team.named, config) for _ in range(runs)]
    rows = []
    for finding in (Finding.WORSE, Finding.BETTER):
        share = bootstrap_mean(np.array([found is finding for found, _ in ended]), rng)
        alike = team.difference == 0
        rows.append(
            Row(area="learning", what=f"{label}: found {finding.value} within {RATINGS} ratings", figure=share.value,
                low=share.low, high=share.high, n=runs, seed=SEED, goal=0.05 if alike else None, at_least=False)
        )  # fmt: skip
    if team.difference < 0:
        stopped = [count for found, count in ended if found is Finding.WORSE]
        rows.append(
            Row(area="learning", what=f"{label}: ratings until it is rolled back, median of those that are",
                figure=float(np.median(stopped)) if stopped else float("nan"), n=len(stopped), seed=SEED)
        )  # fmt: skip
    return rows


def end_row(difference: float, ratings: int, share: float, runs: int, rng: np.random.Generator) -> Row:
    """How often a version is promoted at the end of a trial without a finding."""
    team = Team(difference=difference, share=lambda _: share, named=share)
    promoted = []
    for _ in range(runs):
        given = votes(team, ratings, rng)
        evidence = trial(given, share=share, config=CONFIG)
        if evidence.finding is Finding.OPEN:
            promoted.append(doubtful(evidence.tried, evidence.beside, config=CONFIG) < CONFIG.doubt)
        else:
            promoted.append(evidence.finding is Finding.BETTER)
    found = bootstrap_mean(np.array(promoted), rng)
    label = f"canary that ends after {ratings} ratings, share {share:g}, difference {difference:+.2f}"
    return Row(
        area="learning", what=f"{label}: promoted",
        figure=found.value, low=found.low, high=found.high, n=runs, seed=SEED,
    )  # fmt: skip


def record_rows(difference: float, before: int, runs: int, rng: np.random.Generator) -> list[Row]:
    """How often a promoted version is found worse than its record, looked at after every rating."""
    ended = []
    for _ in range(runs):
        earlier = int(rng.binomial(before, SHARE_UP))
        ups = np.cumsum(rng.random(RATINGS) < SHARE_UP + difference)
        past = Tally(up=earlier, down=before - earlier)
        looked = (
            record(Tally(up=int(up), down=count - int(up)), past, config=CONFIG)
            for count, up in enumerate(ups, start=1)
        )
        worse = (count for count, one in enumerate(looked, start=1) if one.finding is Finding.WORSE)
        ended.append(next(worse, None))
    share = bootstrap_mean(np.array([count is not None for count in ended]), rng)
    label = f"after promotion, {before} ratings before, difference {difference:+.2f}"
    rows = [
        Row(area="learning", what=f"{label}: found worse within {RATINGS} ratings", figure=share.value, low=share.low,
            high=share.high, n=runs, seed=SEED, goal=0.05 if difference == 0 else None, at_least=False)
    ]  # fmt: skip
    if difference < 0:
        stopped = [count for count in ended if count is not None]
        rows.append(
            Row(area="learning", what=f"{label}: ratings until it is rolled back, median of those that are",
                figure=float(np.median(stopped)), n=len(stopped), seed=SEED)
        )  # fmt: skip
    return rows


def main() -> None:
    """Simulate everything and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    runs = 20 if options.quick else options.runs
    rng = np.random.default_rng(SEED)
    rows: list[Row] = []
    for share in (0.2, 0.5):
        for difference in (0.0, HARM, 2 * HARM, -HARM):
            team = Team(difference=difference, share=lambda _, share=share: share, named=share)  # type: ignore[misc]  # bound now
            rows += trial_rows(f"canary, share {share:g}, difference {difference:+.2f}", team, runs, rng)
    changed = Team(difference=0, share=lambda number: 0.2 if number < RATINGS // 2 else 0.5, named=0.2, drift=0.3)
    rows += trial_rows("canary, alike, share changed half-way while moods fall by .30", changed, runs, rng)
    rows += [end_row(difference, 100, 0.5, runs, rng) for difference in (HARM, -0.05, 0.0, 0.05)]
    rows += [end_row(difference, 50, 0.2, runs, rng) for difference in (HARM, 0.0)]
    for before in (50, 200):
        for difference in (0.0, HARM):
            rows += record_rows(difference, before, max(1, runs // 4), rng)
    command = f"python -m benchmarks.sequential --runs {runs}"
    keep("sequential", rows, command=command, folder=QUICK if options.quick else RESULTS)


if __name__ == "__main__":
    main()
