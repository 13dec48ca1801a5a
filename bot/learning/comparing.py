"""Sets of versions, each asked the same questions: the held-out ones and the regression suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.learning.held_out import HeldOut
from bot.learning.live import Path
from bot.learning.regression import Case, compared, run_suite
from bot.learning.replay import Likelihood, Replayed, pairs, replay
from training.paired import PairedReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What versions are compared on."""

    test: tuple[HeldOut, ...] = ()
    dev: tuple[HeldOut, ...] = ()
    suite: tuple[Case, ...] = ()

    def __len__(self) -> int:
        return len(self.test) + len(self.dev) + len(self.suite)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A set of versions that answers."""

    path: Path  # over the team's knowledge
    suite: Path  # over the suite's
    likelihood: Likelihood | None  # its generator, if it can tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a set of versions made of the questions."""

    test: tuple[Replayed, ...]
    dev: tuple[Replayed, ...]
    suite: tuple[bool, ...]  # whether each case holds


async def see(subject: Subject, questions: Questions, *, together: int, progress: Callable[[int, int], None]) -> Seen:
    """Ask a set of versions everything.

    Args:
        subject: Who is asked.
        questions: What is asked.
        together: So many at once.
        progress: Told after each question: done, of how many.
    """
    done = 0

    def step(_done: int, _of: int) -> None:
        nonlocal done
        done += 1
        progress(done, len(questions))

    test, dev = [
        await replay(subject.path, items, together=together, likelihood=subject.likelihood, progress=step)
        for items in (questions.test, questions.dev)
    ]
    suite = await run_suite(subject.suite, questions.suite, together=together, progress=step)
    return Seen(test=test, dev=dev, suite=suite)


def side_by_side(questions: Questions, before: Seen, after: Seen) -> PairedReport:
    """What the gate decides by.

    Args:
        questions: That both were asked.
        before: Of what serves.
        after: Of the candidate.
    """
    return PairedReport(
        test=pairs(before.test, after.test),
        dev=pairs(before.dev, after.dev),
        suite=compared(questions.suite, before.suite, after.suite),
    )
