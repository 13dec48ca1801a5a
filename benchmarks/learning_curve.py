"""A simulated team rates the bot, and the bot learns: accepted answers to held-out questions after each run.

    python -m benchmarks.learning_curve [--teams examples feedbackqa squad2_en] [--seeds 5] [--generator] [--quick]

Questions come one after the other; the bot answers; one of the team's people rates the answer, mistakenly in `--noise`
of the cases; a fifth of those who find it wrong say what is right, and an admin approves that. After each 50 ratings a
run learns from everything so far, and the gate decides what serves. Nothing of the held-out questions is ever asked,
rated or corrected before they are measured.

`--rated` is the share of the answers that are rated: the fewer, the more often the same is asked between two ratings.
`--recurring` is the share of what the held-out questions are about that is asked about at all while the bot learns; a
team whose questions never come back in other words learns nothing of them.

Without `--generator` the lines of the passages are quoted: that measures retrieval, intents, refusing and corrections,
in minutes. Each team and seed is asked three times, with the same questions, people and mistakes: "all" learns;
"corrections" only takes approved corrections in, as any bot with an editable FAQ does; "likes" is the naive way: it
trains on the 👍 alone, and what it has trained serves.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from benchmarks.simulation import EVERY, Point, simulated
from benchmarks.table import QUICK, RESULTS, Row, keep
from benchmarks.team import Team, teams

GOAL: Final = 0.10  # points gained by 200 ratings
AREA: Final = "learning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What a team does with its ratings."""

    learns: bool
    naive: bool = False


WAYS: Final = {
    "all": Way(learns=True),
    "corrections": Way(learns=False),
    "likes": Way(learns=True, naive=True),
}


def curve_rows(name: str, arms: dict[str, list[list[Point]]], *, note: str) -> list[Row]:
    """The figures of one kind of team, over its seeds."""
    rows: list[Row] = []
    for number in range(min(len(points) for found in arms.values() for points in found)):
        own, *others = ([points[number].accepted for points in arms[way]] for way in WAYS)
        what = f"{name}: accepted answers to held-out questions after {EVERY * number} ratings ({note})"
        alone, likes = (float(np.concatenate(other).mean()) for other in others)
        rows.append(
            replace(
                row(what, own),
                peer="👍 alone, no gate",
                peer_figure=likes,
                note=f"{alone:.3f} with approved corrections alone",
            )
        )
    gains = {way: [_gained(points) for points in arms[way]] for way in WAYS}
    more = [own - other for own, other in zip(gains["all"], gains["likes"], strict=True)]
    return [
        *rows,
        replace(row(f"{name}: gain of accepted answers by the last run ({note})", gains["all"]), goal=GOAL),
        replace(row(f"{name}: the same, more than 👍 alone without a gate ({note})", more), goal=0.0),
        *promotion_rows(name, arms, note=note),
    ]


def promotion_rows(name: str, arms: dict[str, list[list[Point]]], *, note: str) -> list[Row]:
    """How many versions came to serve, and how many of them were worse than what served before."""
    changes = {
        way: [
            point.accepted.astype(float) - point.parent
            for points in arms[way]
            for point in points
            if point.parent is not None
        ]
        for way in ("all", "likes")
    }
    worse = {way: [worse_beyond_noise(change) for change in found] for way, found in changes.items()}
    return [
        Row(
            area=AREA,
            what=f"{name}: runs that brought something into service and made answers worse beyond noise ({note})",
            figure=float(sum(worse["all"])), unit="of them", goal=0.0, at_least=False, n=len(worse["all"]),
            seed=len(arms["all"]), peer="👍 alone, no gate", peer_figure=float(sum(worse["likes"])),
            note=f"mean change {_mean(changes['all'])}, of the peer's {len(worse['likes'])} {_mean(changes['likes'])}",
        )
    ]  # fmt: skip


def worse_beyond_noise(change: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    """Whether the 95 % interval of a paired change lies below 0."""
    return interval([change])[1] < 0


def _mean(changes: Sequence[np.ndarray[Any, np.dtype[np.float64]]]) -> str:
    return f"{np.concatenate(changes).mean():+.3f}" if changes else "none"


def _gained(points: Sequence[Point]) -> np.ndarray[Any, np.dtype[np.float64]]:
    gained: np.ndarray[Any, np.dtype[np.float64]] = points[-1].accepted.astype(float) - points[0].accepted
    return gained


def row(what: str, values: Sequence[np.ndarray[Any, Any]]) -> Row:
    """The mean over all seeds."""
    low, high = interval(values)
    figure = float(np.concatenate(values).mean())
    return Row(area=AREA, what=what, figure=figure, low=low, high=high, n=sum(map(len, values)), seed=len(values))


def interval(values: Sequence[np.ndarray[Any, Any]]) -> tuple[float, float]:
    """95 % bootstrap interval of the mean: seeds are drawn first, then questions within each."""
    rng = np.random.default_rng(0)
    means = []
    for _ in range(1000):
        drawn = [values[number] for number in rng.integers(len(values), size=len(values))]
        means.append(np.concatenate([rng.choice(one, size=len(one)) for one in drawn]).mean())
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


def recurring(team: Team, share: float, seed: int) -> Team:
    """A team that asks about a share of its topics only, while all are held out."""
    topics = sorted({question.topic for question in team.asked})
    rng = random.Random(seed)  # noqa: S311 - draws topics, nothing secret
    kept = set(rng.sample(topics, round(share * len(topics))))
    return replace(team, asked=tuple(question for question in team.asked if question.topic in kept))


def main() -> None:
    """Simulate, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teams", nargs="+", default=["examples", "feedbackqa", "squad2_en"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="seed to begin with: some were looked at while tuning")
    parser.add_argument("--rated", type=float, default=1.0, help="share of the answers that are rated")
    parser.add_argument("--noise", type=float, default=0.15, help="share of the ratings that are mistaken")
    parser.add_argument("--recurring", type=float, default=1.0, help="share of the topics that are asked about")
    parser.add_argument("--generator", action="store_true", help="with the language model, and its training: hours")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    for name, make in teams(["examples"] if options.quick else options.teams).items():
        arms: dict[str, list[list[Point]]] = {way: [] for way in WAYS}
        for seed in range(options.first, options.first + (1 if options.quick else options.seeds)):
            team = recurring(make(seed), options.recurring, seed)
            for arm, way in WAYS.items():
                print(f"{name}, seed {seed}, {arm}", flush=True)
                points = asyncio.run(simulated(team, seed, options, learns=way.learns, naive=way.naive))
                print(f"  {team.name}: " + " ".join(f"{point.accepted.mean():.3f}" for point in points), flush=True)
                arms[arm].append(points)
            keep_curve(name, arms, options)  # a run that is stopped leaves the seeds before


def keep_curve(name: str, arms: dict[str, list[list[Point]]], options: argparse.Namespace) -> None:
    """Keep the figures of one kind of team."""
    changed = [f"{option} {value:g}" for option, value, usual in _varied(options) if value != usual]
    note = ", ".join(["with the generator" if options.generator else "lines quoted", *changed])
    parts = ["learning", name, *(["generator"] if options.generator else []), *changed]
    command = f"python -m benchmarks.learning_curve --teams {name} --seeds {len(arms['all'])}"
    keep(
        "-".join(parts).replace(" ", "-"),
        curve_rows(name, arms, note=note),
        command=command + " --generator" * options.generator + "".join(f" --{one}" for one in changed),
        folder=QUICK if options.quick else RESULTS,
    )


def _varied(options: argparse.Namespace) -> Sequence[tuple[str, float, float]]:
    """What a team does otherwise than by default: option, value, default."""
    return (
        ("first", options.first, 0),
        ("rated", options.rated, 1.0),
        ("noise", options.noise, 0.15),
        ("recurring", options.recurring, 1.0),
    )


if __name__ == "__main__":
    main()
