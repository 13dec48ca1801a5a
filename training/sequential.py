"""Whether people like one version less than another, decided while their ratings come in (pure).

Both tests can be looked at after every rating: each gives an e-value, which under the null hypothesis exceeds 1 / alpha
at any time with a probability of alpha at most (Ville's inequality).

A trial runs two versions side by side, and chance decides which one a conversation gets. Its votes are joined to blocks
in the order in which they come, each with one vote of the version on trial and as many of the other as the share of the
conversations makes likely. Its e-value bets in each block on which votes came from which version. Where versions are
alike nobody can win that bet, whatever share of 👍 a block has: not when moods change from day to day, nor when the
share of the conversations is changed, nor when one version is rated more often.

A record compares a version with ratings from before it, which no chance has mixed: it tells a fall, not its cause.

Source: R. Turner, A. Ly, P. Grünwald, Generic E-variables for exact sequential k-sample tests that allow for optional
stopping, 2024, arXiv 2106.02693, section 2 with an average over alternatives; for the record L. Wasserman, A. Ramdas,
S. Balakrishnan, Universal inference, 2020, arXiv 1912.11436.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingError

# What is bet on: shares of 👍 and by how much they differ, all pairs alike.
SHARES: Final = tuple(number / 20 for number in range(1, 20))
DIFFERENCES: Final = (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4)
WAITING: Final = 5  # blocks' worth of votes that wait for the other version's


class Finding(StrEnum):
    """What a test says so far."""

    OPEN = "open"
    BETTER = "better"
    WORSE = "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialVote:
    """A rating of an answer that one of two versions had a say in."""

    tried: bool  # the version on trial; else the one beside it
    up: bool
    rater: int
    conversation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Ratings counted."""

    up: int
    down: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.up + self.down

    @property
    def share(self) -> float:
        """Share of 👍, [0, 1]; a half where there is none."""
        return self.up / self.total if self.total else 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialConfig:
    """How sure a test has to be.

    Raises:
        TrainingError: A value is outside its range.
    """

    alpha: float = 0.05  # chance of a finding where there is no difference, for each direction, (0, 1)
    most_per_rater: int = 5  # votes of one person that count in a trial, >= 1
    margin: float = 0.05  # by how much a version may be worse without being turned down at the end, [0, 1]
    doubt: float = 0.7  # probability of being worse by more than that, from which it is turned down, [0.5, 1)

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not (0 < self.alpha < 1 and self.most_per_rater >= 1 and 0 <= self.margin <= 1 and 0.5 <= self.doubt < 1):  # noqa: PLR2004 - a coin's
            raise TrainingError(
                "The sequential test needs 0 < alpha < 1, most_per_rater >= 1, 0 <= margin <= 1 and 0.5 <= doubt < 1; "
                f"it was given {self.alpha:g}, {self.most_per_rater}, {self.margin:g} and {self.doubt:g}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a test found, with what it counted."""

    finding: Finding
    tried: Tally
    beside: Tally  # the version beside it, or the record before it
    worse: float  # e-value for "worse"; from 1 / alpha on it is a finding
    better: float


def counted(votes: Sequence[TrialVote], *, most_per_rater: int) -> tuple[TrialVote, ...]:
    """The votes that count: the first of each conversation, and at most so many of one person; in their order.

    Within a conversation the version is no matter of chance any more.
    """
    seen: set[int] = set()
    given: Counter[int] = Counter()
    kept: list[TrialVote] = []
    for vote in votes:
        if vote.conversation in seen or given[vote.rater] >= most_per_rater:
            continue
        seen.add(vote.conversation)
        given[vote.rater] += 1
        kept.append(vote)
    return tuple(kept)


def trial(votes: Sequence[TrialVote], *, share: float, config: SequentialConfig) -> Evidence:
    """Compare a version on trial with the one beside it, as far as the votes go.

    Args:
        votes: In the order in which they were given; those that count are chosen here.
        share: Of the conversations that the version on trial gets, (0, 1).
        config: How sure it has to be.
    """
    chosen = counted(votes, most_per_rater=config.most_per_rater)
    beside = max(1, round((1 - share) / share))  # votes of the other version in a block
    mine, others = (_tallied(ups) for ups in _blocks(chosen, beside))
    worse, better = (_bets(mine, others, low, high, beside=beside) for low, high in (_LOWER, _HIGHER))
    return Evidence(
        finding=_finding(worse, better, config.alpha),
        tried=_tallied([vote.up for vote in chosen if vote.tried]),
        beside=_tallied([vote.up for vote in chosen if not vote.tried]),
        worse=worse,
        better=better,
    )


def _blocks(votes: Sequence[TrialVote], beside: int) -> tuple[list[bool], list[bool]]:
    """The votes of whole blocks: of the version on trial, and of the one beside it.

    Votes that wait long for others to come are left out: blocks are to be of one time.
    """
    waiting = deque[bool](maxlen=WAITING), deque[bool](maxlen=WAITING * beside)
    inside: tuple[list[bool], list[bool]] = ([], [])
    for vote in votes:
        waiting[0 if vote.tried else 1].append(vote.up)
        if waiting[0] and len(waiting[1]) >= beside:
            inside[0].append(waiting[0].popleft())
            inside[1].extend(waiting[1].popleft() for _ in range(beside))
    return inside


def record(new: Tally, before: Tally, *, config: SequentialConfig) -> Evidence:
    """Compare ratings with those from before."""
    worse, better = (_mixed(new, before, low, high) for low, high in (_LOWER, _HIGHER))
    return Evidence(finding=_finding(worse, better, config.alpha), tried=new, beside=before, worse=worse, better=better)


def doubtful(tried: Tally, beside: Tally, *, config: SequentialConfig) -> float:
    """Probability that a version is worse by more than the margin, [0, 1]; each share is even at first (Beta(1, 1))."""
    grid = (np.arange(400) + 0.5) / 400
    densities = [_posterior(grid, tally) for tally in (tried, beside)]
    below = grid[:, np.newaxis] < grid[np.newaxis, :] - config.margin
    return float(densities[0] @ below @ densities[1])


def _posterior(grid: NDArray[np.float64], tally: Tally) -> NDArray[np.float64]:
    logs = tally.up * np.log(grid) + tally.down * np.log1p(-grid)
    likelihood: NDArray[np.float64] = np.exp(logs - logs.max())
    density: NDArray[np.float64] = likelihood / likelihood.sum()
    return density


def _pairs(sign: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shares of the version on trial and beside it, that lie apart by one of the differences in one direction."""
    found = [(base + sign * apart, base) for base in SHARES for apart in DIFFERENCES]
    pairs = np.array([pair for pair in found if 0 < pair[0] < 1])
    return pairs[:, 0], pairs[:, 1]


_LOWER: Final = _pairs(-1.0)
_HIGHER: Final = _pairs(1.0)


def _bets(tried: Tally, other: Tally, low: NDArray[np.float64], high: NDArray[np.float64], *, beside: int) -> float:
    """The product of the bets of whole blocks, averaged over the pairs of shares."""
    either = (low + beside * high) / (1 + beside)
    votes = Tally(up=tried.up + other.up, down=tried.down + other.down)
    logs = _log_likelihood(tried, low) + _log_likelihood(other, high) - _log_likelihood(votes, either)
    return _mean_of_logs(logs)


def _mixed(new: Tally, before: Tally, tried: NDArray[np.float64], beside: NDArray[np.float64]) -> float:
    """The likelihood under the pairs, against the best that a version which is not so can have."""
    logs = _log_likelihood(new, tried) + _log_likelihood(before, beside)
    lower = bool(tried[0] < beside[0])
    pooled = Tally(up=new.up + before.up, down=new.down + before.down).share
    is_so = new.share < before.share if lower else new.share > before.share
    best = (pooled, pooled) if is_so else (new.share, before.share)
    null = sum(float(_log_likelihood(one, np.array(p))) for one, p in zip((new, before), best, strict=True))
    return _mean_of_logs(logs - null)


def _log_likelihood(tally: Tally, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the ratings under a share; 0 * log 0 is 0."""
    logs: NDArray[np.float64] = np.zeros_like(share)
    if tally.up:
        logs = logs + tally.up * np.log(share)
    return logs + tally.down * np.log1p(-share) if tally.down else logs


def _mean_of_logs(logs: NDArray[np.float64]) -> float:
    top = float(logs.max())
    return math.exp(min(top, 700.0)) * float(np.exp(logs - top).mean())


def _finding(worse: float, better: float, alpha: float) -> Finding:
    if max(worse, better) < 1 / alpha:
        return Finding.OPEN
    return Finding.WORSE if worse >= better else Finding.BETTER


def _tallied(ups: Sequence[bool]) -> Tally:
    return Tally(up=sum(ups), down=len(ups) - sum(ups))
